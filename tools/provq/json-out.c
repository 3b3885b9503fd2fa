// SPDX-License-Identifier: GPL-2.0
/* Answers for programs: one JSON object a line. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "provq.h"
#include "record.h"

static void vertex_text(const struct query *query, struct vertex vertex, char text[64])
{
	char id[48];

	node_id(query, vertex.node, id);
	snprintf(text, 64, "%s@%" PRIu32, id, vertex.version);
}

void json_node_line(const struct query *query, struct vertex vertex, FILE *out)
{
	struct json json = { .out = out };
	char text[64];

	vertex_text(query, vertex, text);
	json_begin(&json, '{');
	json_string(&json, "node", text);
	node_json(query, vertex.node, true, &json);
	json_end(&json, '}');
	putc('\n', out);
}

/*
 * The further versions of a node.  They would repeat all of it, and a server has
 * a version for each client, so the long lists are on the first line only, and
 * the rest is made once.
 */
static bool more_versions(const struct query *query, const struct vertex *vertices, size_t count,
			  FILE *out)
{
	char *rest = NULL, text[64];
	size_t length = 0;
	struct json json = { .out = open_memstream(&rest, &length), .comma = true };

	if (json.out)
		node_json(query, vertices->node, false, &json);
	if (!json.out || fclose(json.out)) {
		free(rest);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		vertex_text(query, vertices[i], text);
		fprintf(out, "{\"node\":\"%s\"", text);
		fwrite(rest, 1, length, out);
		fputs("}\n", out);
	}
	free(rest);
	return true;
}

static bool node_lines(const struct answer *answer, FILE *out)
{
	const struct vertex *const vertices = answer->vertices;
	size_t end;

	for (size_t at = 0; at < answer->vertex_count; at = end) {
		end = at + 1;
		while (end < answer->vertex_count && vertices[end].node == vertices[at].node)
			end++;
		json_node_line(answer->query, vertices[at], out);
		if (end > at + 1 &&
		    !more_versions(answer->query, &vertices[at + 1], end - at - 1, out))
			return false;
	}
	return true;
}

/* Who refused, and why. */
static void json_refusal(const struct graph_refusal *refusal, struct json *json)
{
	const char *const error = strerrorname_np(refusal->error);
	char text[32];

	json_text(json, "hook", refusal->hook, strlen(refusal->hook));
	if (error) {
		json_string(json, "error", error);
	} else {
		snprintf(text, sizeof(text), "%" PRIu32, refusal->error);
		json_string(json, "error", text);
	}
	if (refusal->layer >= PROV_LAYER_LSM && *refusal->by)
		json_text(json, "layer", refusal->by, strlen(refusal->by));
	else
		json_string(json, "layer", prov_layer_name(refusal->layer));
	if (refusal->detail || !strcmp(refusal->hook, "capable"))
		json_u64(json, "detail", refusal->detail);
	if (*refusal->made)
		json_text(json, "name", refusal->made, strlen(refusal->made));
}

static void edge_line(const struct query *query, const struct graph_edge *edge, FILE *out)
{
	struct json json = { .out = out };
	struct graph_refusal refusal;
	char text[64];

	json_begin(&json, '{');
	if (strcmp(edge_name(edge), "?")) {
		json_string(&json, "edge", edge_name(edge));
	} else {
		snprintf(text, sizeof(text), "op-%u", edge->op);
		json_string(&json, "edge", text);
	}
	json_string(&json, "class", prov_class_name(edge->class));
	vertex_text(query, (struct vertex) { edge->from, edge->from_version }, text);
	json_string(&json, "from", text);
	vertex_text(query, (struct vertex) { edge->to, edge->to_version }, text);
	json_string(&json, "to", text);
	json_time(&json, "time", graph_edge_wall_ns(query->graph, edge));
	if (edge->tid)
		json_u64(&json, "tid", edge->tid);
	if (graph_refusal(query->graph, edge, &refusal))
		json_refusal(&refusal, &json);
	json_end(&json, '}');
	putc('\n', out);
}

/*
 * When did a version come to be?  With the first edge into it; if none is
 * known, not later than the first edge out of it.
 */
static uint64_t version_wall_ns(const struct query *query, struct vertex vertex)
{
	uint64_t least = UINT64_MAX;

	for (int out = 0; out < 2 && least == UINT64_MAX; out++) {
		struct graph_cursor cursor =
			out ? graph_out_of(query->graph, vertex.node, vertex.version,
					   vertex.version) :
			      graph_into(query->graph, vertex.node, vertex.version,
					 vertex.version);
		const struct graph_edge *edge;
		uint32_t number;

		while ((edge = graph_next(&cursor, &number)) != NULL) {
			const uint64_t wall_ns = graph_edge_wall_ns(query->graph, edge);

			if (wall_ns < least)
				least = wall_ns;
		}
	}
	return least == UINT64_MAX ? node_first_wall_ns(query, vertex.node) : least;
}

static size_t version_edges(const struct answer *answer, FILE *out)
{
	const struct query *const query = answer->query;
	size_t count = 0;

	for (size_t i = 1; i < answer->vertex_count; i++) {
		const struct vertex *const to = &answer->vertices[i], *const from = to - 1;
		struct json json = { .out = out };
		char text[64];

		if (from->node != to->node)
			continue;
		json_begin(&json, '{');
		json_string(&json, "edge", "version");
		json_string(&json, "class", "version");
		vertex_text(query, *from, text);
		json_string(&json, "from", text);
		vertex_text(query, *to, text);
		json_string(&json, "to", text);
		json_time(&json, "time", version_wall_ns(query, *to));
		json_end(&json, '}');
		putc('\n', out);
		count++;
	}
	return count;
}

static void json_boots(const struct query *query, struct json *json)
{
	json_name(json, "boots");
	json_begin(json, '[');
	for (uint32_t i = 0; i < graph_boot_count(query->graph); i++) {
		const struct graph_boot *const boot = graph_boot(query->graph, i);
		char text[40];
		size_t at = 0;

		for (int j = 0; j < 16; j++)
			at += snprintf(text + at, sizeof(text) - at, "%s%02x",
				       j == 4 || j == 6 || j == 8 || j == 10 ? "-" : "",
				       boot->id[j]);
		json_value(json, text, strlen(text));
	}
	json_end(json, ']');
}

static void json_hidden(const struct answer *answer, struct json *json)
{
	const char *name;

	json_name(json, "hidden");
	json_begin(json, '{');
	for (unsigned int set = 0; (name = hide_set_name(set)) != NULL; set++) {
		size_t count = 0;

		for (size_t i = 0; i < answer->hidden_count; i++)
			count += hide_set_of(answer->query->hide, answer->hidden[i]) == name;
		if (count)
			json_u64(json, name, count);
	}
	json_end(json, '}');
}

static void json_others(const struct query *query, struct json *json)
{
	if (!query->others_count)
		return;
	json_name(json, "others");
	json_begin(json, '[');
	for (size_t i = 0; i < query->others_count; i++) {
		const struct others *const others = &query->others[i];
		char id[48];

		json_begin(json, '{');
		json_text(json, "object", others->object, strlen(others->object));
		json_name(json, "nodes");
		json_begin(json, '[');
		for (size_t j = 0; j < others->count; j++) {
			node_id(query, others->nodes[j], id);
			json_value(json, id, strlen(id));
		}
		json_end(json, ']');
		json_end(json, '}');
	}
	json_end(json, ']');
}

void json_trailer(const struct query *query, const struct answer *answer, uint64_t nodes,
		  uint64_t edges, FILE *out)
{
	const uint32_t classes[] = { PROV_R_EDGE_DATA, PROV_R_EDGE_META, PROV_R_EDGE_CONTROL };
	struct json json = { .out = out };
	uint64_t missing;

	json_begin(&json, '{');
	json_bool(&json, "end", true);
	json_u64(&json, "nodes", nodes);
	json_u64(&json, "edges", edges);
	json_u64(&json, "lost", lost_in_window(query, &missing));
	json_name(&json, "cut");
	json_begin(&json, '{');
	json_u64(&json, "depth", answer ? answer->cut_depth : 0);
	json_u64(&json, "hidden", answer ? answer->hidden_count : 0);
	json_u64(&json, "kind", answer ? answer->cut_kind : 0);
	json_end(&json, '}');
	json_u64(&json, "missing", missing);
	json_u64(&json, "faults", log_faults(query));
	if (answer) {
		json_name(&json, "not_followed");
		json_begin(&json, '[');
		for (int i = 0; i < 3; i++)
			if (!(answer->classes >> classes[i] & 1))
				json_value(&json, prov_class_name(classes[i]),
					   strlen(prov_class_name(classes[i])));
		json_end(&json, ']');
		json_hidden(answer, &json);
	}
	json_others(query, &json);
	json_boots(query, &json);
	json_end(&json, '}');
	putc('\n', out);
}

enum status json_answer(const struct answer *answer, FILE *out)
{
	const struct query *const query = answer->query;
	size_t versions;

	if (!node_lines(answer, out)) {
		complain("out of memory");
		return NO_MEMORY;
	}
	for (size_t i = 0; i < answer->edge_count; i++)
		edge_line(query, graph_edge(query->graph, answer->edges[i]), out);
	versions = version_edges(answer, out);
	json_trailer(query, answer, answer->vertex_count, answer->edge_count + versions, out);
	return FOUND;
}
