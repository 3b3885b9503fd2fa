/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The recorded graph: nodes, edges, and which nodes reach which.
 *
 * The ancestors are kept exact while edges are added, in any order and whether
 * or not there are cycles: nothing of the engine's promises is relied upon.
 */
#ifndef _GRAPH_H
#define _GRAPH_H

#include "schedule.h"

#define GRAPH_WORDS (MAX_NODES / 64)
#define GRAPH_EDGES (3 * MAX_NODES)

/**
 * struct graph - a graph that grows
 * @nodes: how many nodes there are
 * @edges: how many edges there are
 * @cyclic: an edge closed a cycle
 * @ancestors: of each node, the node itself among them
 */
struct graph {
	int nodes, edges;
	bool cyclic;
	u64 ancestors[MAX_NODES][GRAPH_WORDS];
	short first[MAX_NODES];
	struct {
		short to, next;
	} edge[GRAPH_EDGES];
};

void graph_reset(struct graph *g);

/**
 * graph_node - add a node
 *
 * Return: its index
 */
int graph_node(struct graph *g);

/**
 * graph_edge - add an edge
 * @g: the graph
 * @from: index of a node
 * @to: index of a node
 */
void graph_edge(struct graph *g, int from, int to);

#endif /* _GRAPH_H */
