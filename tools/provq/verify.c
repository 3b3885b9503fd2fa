// SPDX-License-Identifier: GPL-2.0
/*
 * verify: is the log whole, and is its graph a graph of information flow?
 *
 * What is wrong with the files has been found by loading them.  Here the
 * invariant of the graph is checked: (node, version) with data edges and the
 * implicit edges from version to version has no cycle.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "provq.h"
#include "record.h"

#define PRINT_MOST 10	/* of one kind of fault */

static const char *const fault_names[GRAPH_F_COUNT] = {
	[GRAPH_F_SEGMENT]	= "segment",
	[GRAPH_F_FRAME]		= "frame",
	[GRAPH_F_SEAL]		= "seal",
	[GRAPH_F_GAP]		= "gap",
	[GRAPH_F_SUBBUF]	= "subbuf",
	[GRAPH_F_RECORD]	= "record",
	[GRAPH_F_SEQUENCE]	= "sequence",
	[GRAPH_F_REPEAT]	= "repeat",
	[GRAPH_F_LOST]		= "lost_count",
};

/* Vertices are the versions that data edges name, ordered by node and version. */
struct order {
	const struct graph *graph;
	uint32_t *first;	/* vertex, by node; one more than there are nodes */
	uint32_t *version;	/* by vertex */
	uint32_t *node;		/* by vertex */
	uint32_t *waiting;	/* edges into the vertex from what has no place yet */
	uint64_t count;
};

static bool is_data(const struct graph_edge *edge)
{
	return edge->class == PROV_R_EDGE_DATA;
}

static int by_number(const void *one, const void *two)
{
	const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)two;

	return a < b ? -1 : a > b;
}

static int make_vertices(struct order *order)
{
	const struct graph *const graph = order->graph;
	const uint32_t nodes = graph_node_count(graph);
	uint64_t room = 0;

	for (uint64_t i = 0; i < graph_edge_count(graph); i++)
		room += is_data(graph_edge(graph, i)) ? 2 : 0;
	if (room > UINT32_MAX)
		return -EOVERFLOW;
	order->first = calloc(nodes + 2ull, sizeof(*order->first));
	order->version = malloc((room + 1) * sizeof(*order->version));
	order->node = malloc((room + 1) * sizeof(*order->node));
	order->waiting = calloc(room + 1, sizeof(*order->waiting));
	if (!order->first || !order->version || !order->node || !order->waiting)
		return -ENOMEM;
	for (uint32_t i = 0; i < nodes; i++) {
		const uint64_t begin = order->count;
		uint64_t end = begin, kept = begin;

		order->first[i] = begin;
		for (int out = 0; out < 2; out++) {
			struct graph_cursor cursor = out ? graph_out_of(graph, i, 0, UINT32_MAX) :
							   graph_into(graph, i, 0, UINT32_MAX);
			const struct graph_edge *edge;
			uint32_t number;

			while ((edge = graph_next(&cursor, &number)) != NULL)
				if (is_data(edge))
					order->version[end++] = out ? edge->from_version :
								      edge->to_version;
		}
		qsort(order->version + begin, end - begin, sizeof(*order->version), by_number);
		for (uint64_t j = begin; j < end; j++)
			if (kept == begin || order->version[kept - 1] != order->version[j])
				order->version[kept++] = order->version[j];
		for (uint64_t j = begin; j < kept; j++)
			order->node[j] = i;
		order->count = kept;
	}
	order->first[nodes] = order->count;
	return 0;
}

static uint32_t vertex(const struct order *order, uint32_t node, uint32_t version)
{
	uint32_t low = order->first[node], high = order->first[node + 1];

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (order->version[middle] < version)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool next_is_same_node(const struct order *order, uint32_t at)
{
	return at + 1 < order->count && order->node[at + 1] == order->node[at];
}

/* Take away, again and again, what nothing leads into; what stays is in cycles. */
static int take_away(struct order *order, uint64_t *left)
{
	const struct graph *const graph = order->graph;
	uint32_t *const ready = malloc((order->count + 1) * sizeof(*ready));
	uint64_t at = 0, end = 0;

	if (!ready)
		return -ENOMEM;
	for (uint64_t i = 0; i < graph_edge_count(graph); i++) {
		const struct graph_edge *const edge = graph_edge(graph, i);

		if (is_data(edge))
			order->waiting[vertex(order, edge->to, edge->to_version)]++;
	}
	for (uint64_t i = 1; i < order->count; i++)
		order->waiting[i] += order->node[i] == order->node[i - 1];
	for (uint64_t i = 0; i < order->count; i++)
		if (!order->waiting[i])
			ready[end++] = i;
	while (at < end) {
		const uint32_t now = ready[at++];
		struct graph_cursor cursor = graph_out_of(graph, order->node[now],
							  order->version[now], order->version[now]);
		const struct graph_edge *edge;
		uint32_t number;

		while ((edge = graph_next(&cursor, &number)) != NULL) {
			const uint32_t to = is_data(edge) ?
				vertex(order, edge->to, edge->to_version) : 0;

			if (is_data(edge) && !--order->waiting[to])
				ready[end++] = to;
		}
		if (next_is_same_node(order, now) && !--order->waiting[now + 1])
			ready[end++] = now + 1;
	}
	free(ready);
	*left = order->count - end;
	return 0;
}

/* A predecessor of a vertex that is in or behind a cycle, itself such a one. */
static uint32_t before(const struct order *order, uint32_t now)
{
	struct graph_cursor cursor = graph_into(order->graph, order->node[now],
						order->version[now], order->version[now]);
	const struct graph_edge *edge;
	uint32_t number;

	if (now && order->node[now - 1] == order->node[now] && order->waiting[now - 1])
		return now - 1;
	while ((edge = graph_next(&cursor, &number)) != NULL) {
		const uint32_t from = is_data(edge) ?
			vertex(order, edge->from, edge->from_version) : 0;

		if (is_data(edge) && order->waiting[from])
			return from;
	}
	return now;
}

static void print_cycle(const struct query *query, const struct order *order, FILE *out)
{
	uint32_t now = 0, begin;
	unsigned int printed = 0;
	char id[48];

	while (!order->waiting[now])
		now++;
	/* After as many steps as there are vertices, we are inside the cycle. */
	for (uint64_t i = 0; i < order->count; i++)
		now = before(order, now);
	begin = now;
	fputs("BAD  a cycle, against the flow:", out);
	do {
		node_id(query, order->node[now], id);
		if (printed++ < PRINT_MOST)
			fprintf(out, " %s@%" PRIu32, id, order->version[now]);
		now = before(order, now);
	} while (now != begin);
	if (printed > PRINT_MOST)
		fprintf(out, " … (%u in all)", printed);
	putc('\n', out);
}

static int check_cycles(const struct query *query, FILE *out, uint64_t *vertices, uint64_t *left)
{
	struct order order = { .graph = query->graph };
	int err;

	err = make_vertices(&order);
	if (!err)
		err = take_away(&order, left);
	*vertices = order.count;
	if (!err && *left && out)
		print_cycle(query, &order, out);
	free(order.first);
	free(order.version);
	free(order.node);
	free(order.waiting);
	return err;
}

/* Everything that was recorded is there: then every node must be described. */
static bool whole(const struct query *query)
{
	const struct graph_info *const info = graph_info(query->graph);

	return !log_faults(query) && !info->lost && !info->missing &&
	       !info->begins_late && !info->open_segments;
}

static void verify_json(const struct query *query, bool good, uint64_t vertices, uint64_t left,
			bool undescribed)
{
	const struct graph_info *const info = graph_info(query->graph);
	struct json json = { .out = stdout };

	json_begin(&json, '{');
	json_string(&json, "verify", query->log);
	json_bool(&json, "good", good);
	json_u64(&json, "segments", info->segments);
	json_u64(&json, "open_segments", info->open_segments);
	json_u64(&json, "torn_bytes", info->torn_bytes);
	json_u64(&json, "records", info->records);
	json_u64(&json, "unknown_records", info->unknown_records);
	json_u64(&json, "subbufs", graph_subbuf_count(query->graph));
	json_u64(&json, "missing", info->missing);
	json_u64(&json, "lost", info->lost);
	json_u64(&json, "begins_late", info->begins_late);
	json_u64(&json, "undescribed", info->undescribed);
	json_bool(&json, "undescribed_is_fault", undescribed);
	json_u64(&json, "versions", vertices);
	json_u64(&json, "versions_in_cycles", left);
	json_name(&json, "faults");
	json_begin(&json, '{');
	for (int i = 0; i < GRAPH_F_COUNT; i++)
		json_u64(&json, fault_names[i], info->faults[i]);
	json_end(&json, '}');
	json_end(&json, '}');
	putchar('\n');
	json_trailer(query, NULL, graph_node_count(query->graph), graph_edge_count(query->graph),
		     stdout);
}

static void print_undescribed(const struct query *query)
{
	unsigned int printed = 0;

	for (uint32_t i = 0; i < graph_node_count(query->graph) && printed < PRINT_MOST; i++) {
		struct graph_cursor in = graph_into(query->graph, i, 0, UINT32_MAX);
		struct graph_cursor out = graph_out_of(query->graph, i, 0, UINT32_MAX);
		uint32_t number;
		char id[48];

		if (graph_node(query->graph, i)->kind ||
		    (!graph_next(&in, &number) && !graph_next(&out, &number)))
			continue;
		node_id(query, i, id);
		printf("%s%s", printed++ ? ", " : "      node ", id);
	}
	if (printed)
		putchar('\n');
}

static void verify_text(const struct query *query, bool good, uint64_t vertices, uint64_t left,
			bool undescribed)
{
	const struct graph_info *const info = graph_info(query->graph);
	const uint64_t faults = log_faults(query);

	printf("%s %" PRIu64 " segments, %" PRIu64 " frames, %zu sub-buffers, %" PRIu64
	       " records: checksums, seals and sequence%s\n", faults ? "BAD " : "ok  ",
	       info->segments, info->frames, graph_subbuf_count(query->graph), info->records,
	       faults ? ": see above" : "");
	printf("%s %" PRIu64 " versions of %" PRIu32 " nodes, %" PRIu64 " edges: ",
	       left ? "BAD " : "ok  ", vertices, graph_node_count(query->graph),
	       graph_edge_count(query->graph));
	if (left)
		printf("%" PRIu64 " versions are in or behind cycles\n", left);
	else
		puts("acyclic");
	if (info->undescribed) {
		printf("%s %" PRIu64 " nodes are used by edges and not described\n",
		       undescribed ? "BAD " : "note", info->undescribed);
		print_undescribed(query);
	} else {
		puts("ok   every node that edges use is described");
	}
	printf("%s %" PRIu64 " records lost%s\n",
	       !info->lost ? "ok  " : query->strict ? "BAD " : "note", info->lost,
	       info->lost ? ": answers may be incomplete" : "");
	if (info->missing)
		printf("BAD  %" PRIu64 " sub-buffers are missing\n", info->missing);
	if (info->begins_late)
		printf("note %" PRIu64 " CPUs: the log begins after their first sub-buffer; older segments are gone\n",
		       info->begins_late);
	if (info->open_segments)
		printf("note %" PRIu64 " segment is open: the recorder still writes it, or was killed%s\n",
		       info->open_segments, info->torn_bytes ? "" : "; it ends with a whole frame");
	if (info->torn_bytes)
		printf("note %" PRIu64 " bytes at its end are no whole frame and were not used\n",
		       info->torn_bytes);
	if (info->unknown_records)
		printf("note %" PRIu64 " records are of a type that this provq does not know\n",
		       info->unknown_records);
	puts(good ? "The log is good." : "The log is BAD.");
}

enum status verb_verify(struct query *query)
{
	const struct graph_info *const info = graph_info(query->graph);
	FILE *const out = query->format == TEXT ? stdout : NULL;
	uint64_t vertices = 0, left = 0;
	bool good, undescribed;
	int err;

	err = check_cycles(query, out, &vertices, &left);
	if (err) {
		complain("%s", err == -ENOMEM ? "out of memory" : "the graph is too large");
		return NO_MEMORY;
	}
	good = !log_faults(query);
	undescribed = info->undescribed && whole(query);
	good &= !left && !undescribed && !info->missing && !(query->strict && info->lost);
	if (query->format == TEXT)
		verify_text(query, good, vertices, left, undescribed);
	else
		verify_json(query, good, vertices, left, undescribed);
	if (!good)
		complain("the log in %s is bad", query->log);
	return good ? FOUND : BAD_LOG;
}
