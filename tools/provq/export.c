// SPDX-License-Identifier: GPL-2.0
/* export and timeline: everything in the window. */
#include <inttypes.h>
#include <stdlib.h>

#include "provq.h"
#include "record.h"
#include "when.h"

#define LABEL_WIDTH 70

static bool class_wanted(const struct query *query, const struct graph_edge *edge)
{
	return query->classes >> edge->class & 1;
}

static uint32_t *edges_in_window(const struct query *query, size_t *count)
{
	const uint64_t all = graph_edge_count(query->graph);
	uint32_t *const edges = malloc((all + 1) * sizeof(*edges));

	*count = 0;
	for (uint64_t i = 0; edges && i < all; i++) {
		const struct graph_edge *const edge = graph_edge(query->graph, i);

		if (class_wanted(query, edge) && edge_in_window(query, edge))
			edges[(*count)++] = i;
	}
	return edges;
}

/* Nodes that no edge of the window touches are in it by their own time. */
static struct vertex *lone_nodes(const struct query *query, const uint32_t *edges,
				 size_t edge_count, size_t *count)
{
	const uint32_t nodes = graph_node_count(query->graph);
	struct vertex *const vertices = malloc((nodes + 1ull) * sizeof(*vertices));
	bool *const touched = calloc(nodes + 1ull, sizeof(*touched));

	*count = 0;
	if (!vertices || !touched) {
		free(vertices);
		free(touched);
		return NULL;
	}
	for (size_t i = 0; i < edge_count; i++) {
		touched[graph_edge(query->graph, edges[i])->from] = true;
		touched[graph_edge(query->graph, edges[i])->to] = true;
	}
	for (uint32_t i = 0; i < nodes; i++)
		if (!touched[i] && wall_in_window(query, node_first_wall_ns(query, i)))
			vertices[(*count)++] = (struct vertex) { i, 0 };
	free(touched);
	return vertices;
}

static void print_event(const struct query *query, const struct graph_edge *edge, bool date)
{
	char text[WHEN_BYTES];

	when_format_short(text, graph_edge_wall_ns(query->graph, edge), date);
	printf("%s  %-11s  ", text, edge_name(edge));
	node_label(query, edge->from, stdout, LABEL_WIDTH);
	fputs("  →  ", stdout);
	node_label(query, edge->to, stdout, LABEL_WIDTH);
	putchar('\n');
}

static enum status everything(struct query *query, bool lone)
{
	struct answer answer = {};
	struct vertex *vertices = NULL;
	size_t edge_count, vertex_count = 0;
	uint32_t *edges;
	enum status status;

	if (!query->classes_given)
		query->classes = TRAVERSE_ALL;
	edges = edges_in_window(query, &edge_count);
	if (edges && lone)
		vertices = lone_nodes(query, edges, edge_count, &vertex_count);
	if (!edges || (lone && !vertices)) {
		free(edges);
		complain("out of memory");
		return NO_MEMORY;
	}
	status = answer_init(&answer, query, edges, edge_count, vertices, vertex_count);
	/* They were not asked for by name. */
	answer.start_count = 0;
	/* An export of some kinds is a list of nodes, as of other answers. */
	if (status == FOUND && query->format == TEXT && !(lone && query->kinds)) {
		for (size_t i = 0; i < answer.edge_count; i++)
			print_event(query, graph_edge(query->graph, answer.edges[i]), true);
		printf("\n%zu edges; times are UTC.\n", answer.edge_count);
		answer_footer(&answer, stdout);
		status = answer.edge_count ? FOUND : NOTHING_FOUND;
	} else if (status == FOUND) {
		status = answer_print(&answer);
	}
	answer_free(&answer);
	return status;
}

enum status verb_export(struct query *query)
{
	return everything(query, true);
}

enum status verb_timeline(struct query *query)
{
	return everything(query, false);
}
