// SPDX-License-Identifier: GPL-2.0
#include "graph.h"

void graph_reset(struct graph *g)
{
	g->nodes = 0;
	g->edges = 0;
	g->cyclic = false;
}

int graph_node(struct graph *g)
{
	const int node = g->nodes++;
	int i;

	for (i = 0; i < GRAPH_WORDS; i++)
		g->ancestors[node][i] = 0;
	g->ancestors[node][node / 64] = 1ULL << (node % 64);
	g->first[node] = -1;
	return node;
}

/* Sets only grow, so this ends even where there is a cycle. */
static void spread(struct graph *g, int from, int to)
{
	u64 news = 0;
	int i;

	for (i = 0; i < GRAPH_WORDS; i++) {
		news |= g->ancestors[from][i] & ~g->ancestors[to][i];
		g->ancestors[to][i] |= g->ancestors[from][i];
	}
	if (!news)
		return;
	for (i = g->first[to]; i >= 0; i = g->edge[i].next)
		spread(g, to, g->edge[i].to);
}

void graph_edge(struct graph *g, int from, int to)
{
	const int edge = g->edges++;

	if (g->ancestors[from][to / 64] >> (to % 64) & 1)
		g->cyclic = true;
	g->edge[edge].to = to;
	g->edge[edge].next = g->first[from];
	g->first[from] = edge;
	spread(g, from, to);
}
