/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Traversal: what could have come from where
 *
 * A path is a sequence of edges.  Where one leads into a node at version v1 and
 * the next out of it at version v2, v1 <= v2; and no edge of a path is later than
 * a meta or control edge that comes after it, at once or further on.
 *
 * For data edges the versions say all: a node gets a new version when it
 * absorbs something after it has flowed out, and the time of a data edge is only
 * that of the first of many equal flows, so what came into the same version
 * later may well have gone along with a repetition.  Meta and control edges make
 * no version, so that only their time orders them: whatever is before one on a
 * path happened before it.
 *
 * What a path can go on with therefore depends on its last version and, if meta
 * or control edges are followed, on one time: the latest on it so far (backward:
 * that of the earliest meta or control edge).  This pair is a label of the node
 * that the path has reached.
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
	struct graph *graph;
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
 * @labels: for traverse_joined()
 * @first_label: by node
 * @first_best: by node, of those that allow most
 */
struct traverse_result {
	uint32_t *edges;
	size_t edge_count;
	uint64_t *crossed;
	uint64_t cut_depth;
	uint32_t *hidden;
	size_t hidden_count;
	struct traverse_label *labels;
	uint32_t *first_label;
	uint32_t *first_best;
};

/**
 * traverse - follow edges from some nodes
 * @result: filled in; traverse_free() frees what is in it, also after an error
 *
 * Return: 0, or -ENOMEM also if the graph's limit does not suffice.
 */
int traverse(const struct traverse_query *query, const struct traverse_start *starts,
	     size_t start_count, struct traverse_result *result);
void traverse_free(struct traverse_result *result);

/**
 * traverse_joined - is an edge on a path from one traversal's starts to another's?
 * @forward: result of a forward traversal
 * @backward: result of a backward traversal with the same classes and window
 * @edge: the edge
 * @max_depth: edges on the path, UINT32_MAX for no limit
 *
 * That both have crossed it is not enough: the path that leads to it must also go
 * together with one that leads on.
 */
bool traverse_joined(const struct graph *graph, const struct traverse_result *forward,
		     const struct traverse_result *backward, uint32_t edge, uint32_t max_depth);

static inline bool traverse_crossed(const struct traverse_result *result, uint32_t edge)
{
	return result->crossed[edge / 64] >> edge % 64 & 1;
}

#endif /* PROV_LIB_TRAVERSE_H */
