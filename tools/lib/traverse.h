/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Traversal: what could have come from where
 *
 * A path is a sequence of edges in which each edge fits the one before it.  Let
 * e1 lead into node n at version v1 and time t1, and e2 lead out of n at
 * version v2 and time t2.  They fit if v1 <= v2 and, when e2 is a meta or
 * control edge, also t1 <= t2.
 *
 * For data edges the versions say all: a node gets a new version when it
 * absorbs something after it has flowed out, and the time of a data edge is only
 * that of the first of many equal flows, so a later meta or control edge into
 * the same version may well have gone along with a repetition.  Meta and control
 * edges make no version, so that only their time orders them.
 *
 * Whether two edges fit depends on nothing else, so each edge is crossed once.
 */
#ifndef PROV_LIB_TRAVERSE_H
#define PROV_LIB_TRAVERSE_H

#include "graph.h"

#define TRAVERSE_DATA		(1u << PROV_R_EDGE_DATA)
#define TRAVERSE_META		(1u << PROV_R_EDGE_META)
#define TRAVERSE_CONTROL	(1u << PROV_R_EDGE_CONTROL)
#define TRAVERSE_ALL		(TRAVERSE_DATA | TRAVERSE_META | TRAVERSE_CONTROL)

/**
 * struct traverse_query - what to follow
 * @graph: the graph
 * @forward: along the flow of information; else against it
 * @classes: TRAVERSE_*
 * @max_depth: edges on a path from a start, UINT32_MAX for no limit
 * @since_ns: only edges of this wall-clock time or later
 * @until_ns: only edges of this wall-clock time or earlier
 * @hidden: is this node left out?  Not asked about starts; may be NULL
 * @context: for @hidden
 */
struct traverse_query {
	const struct graph *graph;
	bool forward;
	uint32_t classes;
	uint32_t max_depth;
	uint64_t since_ns;
	uint64_t until_ns;
	bool (*hidden)(void *context, uint32_t node);
	void *context;
};

/**
 * struct traverse_start - where to begin
 * @version: backward, the last version that counts; forward, the first
 */
struct traverse_start {
	uint32_t node;
	uint32_t version;
};

/**
 * struct traverse_result - what was found
 * @edges: edges on paths from the starts, nearest first
 * @edge_count: how many
 * @crossed: one bit for each edge of the graph
 * @cut_depth: edges not crossed because of max_depth
 * @hidden: nodes left out by @hidden that an edge led to
 * @hidden_count: how many
 */
struct traverse_result {
	uint32_t *edges;
	size_t edge_count;
	uint64_t *crossed;
	uint64_t cut_depth;
	uint32_t *hidden;
	size_t hidden_count;
};

/**
 * traverse - follow edges from some nodes
 * @result: filled in; traverse_free() frees what is in it, also after an error
 *
 * Return: 0 or -ENOMEM.
 */
int traverse(const struct traverse_query *query, const struct traverse_start *starts,
	     size_t start_count, struct traverse_result *result);
void traverse_free(struct traverse_result *result);

static inline bool traverse_crossed(const struct traverse_result *result, uint32_t edge)
{
	return result->crossed[edge / 64] >> edge % 64 & 1;
}

#endif /* PROV_LIB_TRAVERSE_H */
