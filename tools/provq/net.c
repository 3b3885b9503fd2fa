// SPDX-License-Identifier: GPL-2.0
/* net: sockets with an address, and the processes that used them. */
#include <inttypes.h>
#include <stdlib.h>

#include "provq.h"
#include "record.h"
#include "when.h"

#define LABEL_WIDTH 100

static bool has_address(const struct query *query, uint32_t node)
{
	return node_address(query, node, PROV_END_LOCAL) ||
	       node_address(query, node, PROV_END_REMOTE);
}

/* Edges of a socket in the window, into or out of it. */
static size_t edges_of(const struct query *query, uint32_t node, uint32_t *edges)
{
	size_t count = 0;

	for (int out = 0; out < 2; out++) {
		struct graph_cursor cursor = out ? graph_out_of(query->graph, node, 0, UINT32_MAX) :
						   graph_into(query->graph, node, 0, UINT32_MAX);
		const struct graph_edge *edge;
		uint32_t number;

		while ((edge = graph_next(&cursor, &number)) != NULL) {
			if (!(query->classes >> edge->class & 1) || !edge_in_window(query, edge))
				continue;
			/* Between two such sockets: count it where it goes in. */
			if (out && graph_node(query->graph, edge->to)->kind == PROV_K_SOCKET &&
			    has_address(query, edge->to))
				continue;
			if (edges)
				edges[count] = number;
			count++;
		}
	}
	return count;
}

static void print_socket(const struct query *query, uint32_t node, const uint32_t *edges,
			 size_t count)
{
	char id[48], text[WHEN_BYTES];

	node_id(query, node, id);
	node_label(query, node, stdout, LABEL_WIDTH);
	printf("  [node %s]\n", id);
	for (size_t i = 0; i < count; i++) {
		const struct graph_edge *const edge = graph_edge(query->graph, edges[i]);
		const uint32_t other = edge->from == node ? edge->to : edge->from;

		when_format_short(text, graph_edge_wall_ns(query->graph, edge), true);
		printf("    %s  %-8s ", text, edge_name(edge));
		node_label(query, other, stdout, LABEL_WIDTH);
		putchar('\n');
	}
}

enum status verb_net(struct query *query)
{
	const uint32_t nodes = graph_node_count(query->graph);
	struct vertex *const lone = malloc((nodes + 1ull) * sizeof(*lone));
	/* With some kinds only, it is a list of nodes, as of other answers. */
	const bool people = query->format == TEXT && !query->kinds;
	size_t total = 0, at = 0, lone_count = 0;
	enum status status = FOUND;
	struct answer answer;
	uint32_t *edges;

	if (!query->classes_given)
		query->classes = TRAVERSE_DATA | TRAVERSE_CONTROL;
	for (uint32_t i = 0; i < nodes; i++)
		if (graph_node(query->graph, i)->kind == PROV_K_SOCKET && has_address(query, i))
			total += edges_of(query, i, NULL);
	edges = malloc((total + 1) * sizeof(*edges));
	if (!edges || !lone) {
		free(edges);
		free(lone);
		complain("out of memory");
		return NO_MEMORY;
	}
	for (uint32_t i = 0; i < nodes; i++) {
		const struct graph_node *const n = graph_node(query->graph, i);
		size_t count;

		if (n->kind != PROV_K_SOCKET || !has_address(query, i))
			continue;
		count = edges_of(query, i, edges + at);
		if (!count && !wall_in_window(query, node_first_wall_ns(query, i)))
			continue;
		if (people)
			print_socket(query, i, edges + at, count);
		lone[lone_count++] = (struct vertex) { i, n->last_version };
		at += count;
	}
	if (people)
		printf("%s%zu sockets, %zu edges; times are UTC.\n", lone_count ? "\n" : "",
		       lone_count, at);
	status = answer_init(&answer, query, edges, at, lone, lone_count);
	answer.start_count = 0;
	if (status == FOUND && people)
		answer_footer(&answer, stdout);
	else if (status == FOUND)
		status = answer_print(&answer);
	answer_free(&answer);
	return status == FOUND && !lone_count ? NOTHING_FOUND : status;
}
