// SPDX-License-Identifier: GPL-2.0
/* summary: what is in the log. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "provq.h"
#include "record.h"
#include "when.h"

#define KINDS (UINT8_MAX + 1)
#define OPS 256
#define CLASSES 3

struct counts {
	uint64_t kinds[KINDS];
	uint64_t ops[CLASSES][OPS];
	uint64_t continues;
	uint64_t nodes;
	uint64_t edges;
};

static void count(const struct query *query, struct counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	for (uint32_t i = 0; i < graph_node_count(query->graph); i++) {
		const uint8_t kind = graph_node(query->graph, i)->kind;

		if (!wall_in_window(query, node_first_wall_ns(query, i)))
			continue;
		/* Kinds without a name are one: what this program does not know. */
		counts->kinds[strcmp(prov_kind_name(kind), "?") ? kind : 0]++;
		counts->nodes++;
	}
	for (uint64_t i = 0; i < graph_edge_count(query->graph); i++) {
		const struct graph_edge *const edge = graph_edge(query->graph, i);

		if (!edge_in_window(query, edge))
			continue;
		counts->edges++;
		if (edge->flags & GRAPH_EDGE_CONTINUES)
			counts->continues++;
		else
			counts->ops[edge->class - PROV_R_EDGE_DATA][edge->op]++;
	}
}

static void uuid_text(const uint8_t uuid[16], char text[40])
{
	size_t at = 0;

	for (int i = 0; i < 16; i++)
		at += snprintf(text + at, 40 - at, "%s%02x",
			       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}

static void machine_text(const uint8_t id[16], char text[40])
{
	for (int i = 0; i < 16; i++)
		snprintf(text + 2 * i, 40 - 2 * i, "%02x", id[i]);
}

static void summary_json(const struct query *query, const struct counts *counts)
{
	const struct graph_info *const info = graph_info(query->graph);
	struct json json = { .out = stdout };
	uint64_t missing;
	char text[40];

	json_begin(&json, '{');
	json_string(&json, "summary", query->log);
	machine_text(info->machine_id, text);
	json_string(&json, "machine", text);
	json_u64(&json, "segments", info->segments);
	json_u64(&json, "open_segments", info->open_segments);
	json_u64(&json, "bytes", info->bytes);
	json_u64(&json, "raw_bytes", info->raw_bytes);
	json_u64(&json, "records", info->records);
	json_u64(&json, "unknown_records", info->unknown_records);
	json_u64(&json, "subbufs", graph_subbuf_count(query->graph));
	json_u64(&json, "nodes", counts->nodes);
	json_u64(&json, "edges", counts->edges);
	json_u64(&json, "lost", lost_in_window(query, &missing));
	json_u64(&json, "missing", missing);
	json_u64(&json, "faults", log_faults(query));
	json_name(&json, "boots");
	json_begin(&json, '[');
	for (uint32_t i = 0; i < graph_boot_count(query->graph); i++) {
		const struct graph_boot *const boot = graph_boot(query->graph, i);

		json_begin(&json, '{');
		json_u64(&json, "number", i + 1);
		uuid_text(boot->id, text);
		json_string(&json, "boot", text);
		json_time(&json, "first", graph_wall_ns(query->graph, i, boot->first_ns));
		json_time(&json, "last", graph_wall_ns(query->graph, i, boot->last_ns));
		json_end(&json, '}');
	}
	json_end(&json, ']');
	json_name(&json, "kinds");
	json_begin(&json, '{');
	for (int i = 0; i < KINDS; i++)
		if (counts->kinds[i])
			json_u64(&json, i ? prov_kind_name(i) : "unknown", counts->kinds[i]);
	json_end(&json, '}');
	json_name(&json, "classes");
	json_begin(&json, '{');
	for (int i = 0; i < CLASSES; i++) {
		json_name(&json, prov_class_name(PROV_R_EDGE_DATA + i));
		json_begin(&json, '{');
		for (int j = 0; j < OPS; j++) {
			if (!counts->ops[i][j])
				continue;
			snprintf(text, sizeof(text), "op-%d", j);
			json_u64(&json, strcmp(prov_op_name(j), "?") ? prov_op_name(j) : text,
				 counts->ops[i][j]);
		}
		if (!i && counts->continues)
			json_u64(&json, "continues", counts->continues);
		json_end(&json, '}');
	}
	json_end(&json, '}');
	json_end(&json, '}');
	putchar('\n');
	json_trailer(query, NULL, counts->nodes, counts->edges, stdout);
}

static void summary_text(const struct query *query, const struct counts *counts)
{
	const struct graph_info *const info = graph_info(query->graph);
	uint64_t missing;
	const uint64_t lost = lost_in_window(query, &missing);
	char text[40], first[WHEN_BYTES], last[WHEN_BYTES];

	machine_text(info->machine_id, text);
	printf("log        %s\n", query->log);
	printf("machine    %s\n", text);
	printf("segments   %" PRIu64 " (%" PRIu64 " still open), %" PRIu64 " bytes, %" PRIu64
	       " bytes decompressed\n", info->segments, info->open_segments, info->bytes,
	       info->raw_bytes);
	printf("records    %" PRIu64, info->records);
	if (info->unknown_records)
		printf(", %" PRIu64 " of them of a type that this provq does not know",
		       info->unknown_records);
	printf("\nlost       %" PRIu64 " records", lost);
	if (missing)
		printf(", and %" PRIu64 " sub-buffers are missing", missing);
	putchar('\n');
	if (log_faults(query))
		printf("DAMAGED    %" PRIu64 " faults: see provq verify\n", log_faults(query));
	for (uint32_t i = 0; i < graph_boot_count(query->graph); i++) {
		const struct graph_boot *const boot = graph_boot(query->graph, i);

		uuid_text(boot->id, text);
		when_format(first, graph_wall_ns(query->graph, i, boot->first_ns));
		when_format(last, graph_wall_ns(query->graph, i, boot->last_ns));
		printf("boot %-5" PRIu32 " %s  %.19s to %.19s UTC\n", i + 1, text, first, last);
	}
	printf("\nnodes      %" PRIu64 "\n", counts->nodes);
	for (int i = 0; i < KINDS; i++)
		if (counts->kinds[i])
			printf("  %-12s %12" PRIu64 "\n", i ? prov_kind_name(i) : "unknown",
			       counts->kinds[i]);
	printf("edges      %" PRIu64 "\n", counts->edges);
	for (int i = 0; i < CLASSES; i++) {
		for (int j = 0; j < OPS; j++) {
			if (!counts->ops[i][j])
				continue;
			snprintf(text, sizeof(text), "op-%d", j);
			printf("  %-12s %12" PRIu64 "  %s\n",
			       strcmp(prov_op_name(j), "?") ? prov_op_name(j) : text,
			       counts->ops[i][j], prov_class_name(PROV_R_EDGE_DATA + i));
		}
	}
	if (counts->continues)
		printf("  %-12s %12" PRIu64 "  data, derived\n", "continues", counts->continues);
}

enum status verb_summary(struct query *query)
{
	struct counts *const counts = malloc(sizeof(*counts));

	if (!counts) {
		complain("out of memory");
		return NO_MEMORY;
	}
	count(query, counts);
	if (query->format == JSON)
		summary_json(query, counts);
	else
		summary_text(query, counts);
	free(counts);
	return FOUND;
}
