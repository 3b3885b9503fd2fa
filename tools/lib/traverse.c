// SPDX-License-Identifier: GPL-2.0
/* Traversal: what could have come from where.  See traverse.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "traverse.h"

/*
 * A label says: @node was reached, and what is usable there are edges of
 * versions up to (forward: from) @version and, where time counts, of times up
 * to (forward: from) @time_ns.  Labels are worked off in the order in which
 * they are made, which is that of growing depth.
 */
struct label {
	uint64_t time_ns;
	uint32_t node;
	uint32_t version;
	uint32_t depth;
	uint32_t next;		/* another label of the node, or GRAPH_NONE */
};

struct walk {
	const struct traverse_query *query;
	struct traverse_result *result;
	struct label *labels;
	size_t label_count, label_room;
	size_t edge_room, hidden_room;
	uint32_t *first_label;	/* by node */
	uint64_t *hidden_bits;
};

static int push(void *array, size_t *room, size_t count, size_t element_bytes)
{
	size_t more;
	void *bigger;

	if (count < *room)
		return 0;
	more = *room + *room / 2 + 256;
	bigger = realloc(*(void **)array, more * element_bytes);
	if (!bigger)
		return -ENOMEM;
	*(void **)array = bigger;
	*room = more;
	return 0;
}

/* Does a label of the node already allow all that this one would? */
static bool dominated(const struct walk *walk, const struct label *label)
{
	for (uint32_t i = walk->first_label[label->node]; i != GRAPH_NONE;
	     i = walk->labels[i].next) {
		const struct label *const old = &walk->labels[i];

		if (walk->query->forward ?
		    old->version <= label->version && old->time_ns <= label->time_ns :
		    old->version >= label->version && old->time_ns >= label->time_ns)
			return true;
	}
	return false;
}

static int add_label(struct walk *walk, struct label label)
{
	int err;

	if (dominated(walk, &label))
		return 0;
	err = push(&walk->labels, &walk->label_room, walk->label_count, sizeof(*walk->labels));
	if (err)
		return err;
	label.next = walk->first_label[label.node];
	walk->first_label[label.node] = walk->label_count;
	walk->labels[walk->label_count++] = label;
	return 0;
}

static bool usable(const struct walk *walk, const struct label *label,
		   const struct graph_edge *edge)
{
	const struct traverse_query *const query = walk->query;

	if (!(query->classes >> edge->class & 1))
		return false;
	if (query->forward) {
		if (edge->class != PROV_R_EDGE_DATA && edge->time_ns < label->time_ns)
			return false;
	} else if (edge->time_ns > label->time_ns) {
		return false;
	}
	if (query->since_ns || query->until_ns != UINT64_MAX) {
		const uint64_t wall_ns = graph_edge_wall_ns(query->graph, edge);

		if (wall_ns < query->since_ns || wall_ns > query->until_ns)
			return false;
	}
	return true;
}

static int hide(struct walk *walk, uint32_t node)
{
	struct traverse_result *const result = walk->result;
	int err;

	if (walk->hidden_bits[node / 64] >> node % 64 & 1)
		return 0;
	err = push(&result->hidden, &walk->hidden_room, result->hidden_count,
		   sizeof(*result->hidden));
	if (err)
		return err;
	walk->hidden_bits[node / 64] |= 1ull << node % 64;
	result->hidden[result->hidden_count++] = node;
	return 0;
}

static int cross(struct walk *walk, const struct label *from, uint32_t number,
		 const struct graph_edge *edge)
{
	const struct traverse_query *const query = walk->query;
	struct traverse_result *const result = walk->result;
	const bool data_only = query->classes == TRAVERSE_DATA;
	struct label label = { .depth = from->depth + 1 };
	int err;

	label.node = query->forward ? edge->to : edge->from;
	if (query->hidden && query->hidden(query->context, label.node))
		return hide(walk, label.node);
	err = push(&result->edges, &walk->edge_room, result->edge_count, sizeof(*result->edges));
	if (err)
		return err;
	result->crossed[number / 64] |= 1ull << number % 64;
	result->edges[result->edge_count++] = number;
	if (query->forward) {
		label.version = edge->to_version;
		label.time_ns = data_only ? 0 : edge->time_ns;
	} else {
		label.version = edge->from_version;
		label.time_ns = edge->class == PROV_R_EDGE_DATA ? UINT64_MAX : edge->time_ns;
	}
	return add_label(walk, label);
}

static int work_off(struct walk *walk, size_t index)
{
	const struct traverse_query *const query = walk->query;
	const struct label label = walk->labels[index];
	const struct graph_edge *edge;
	struct graph_cursor cursor;
	uint32_t low = 0, high = UINT32_MAX, number;
	int err;

	if (query->forward)
		low = label.version;
	else
		high = label.version;
	/*
	 * Without times to regard, earlier labels of the node have done all of
	 * their range, and this one goes beyond it.
	 */
	if (query->classes == TRAVERSE_DATA && label.next != GRAPH_NONE) {
		if (query->forward)
			high = walk->labels[label.next].version - 1;
		else
			low = walk->labels[label.next].version + 1;
	}
	cursor = query->forward ? graph_out_of(query->graph, label.node, low, high) :
				  graph_into(query->graph, label.node, low, high);
	while ((edge = graph_next(&cursor, &number)) != NULL) {
		if (traverse_crossed(walk->result, number) || !usable(walk, &label, edge))
			continue;
		if (label.depth >= query->max_depth) {
			walk->result->cut_depth++;
			continue;
		}
		err = cross(walk, &label, number, edge);
		if (err)
			return err;
	}
	return 0;
}

int traverse(const struct traverse_query *query, const struct traverse_start *starts,
	     size_t start_count, struct traverse_result *result)
{
	const uint64_t edges = graph_edge_count(query->graph);
	const uint32_t nodes = graph_node_count(query->graph);
	struct walk walk = { .query = query, .result = result };
	int err = -ENOMEM;

	memset(result, 0, sizeof(*result));
	result->crossed = calloc(edges / 64 + 1, sizeof(*result->crossed));
	walk.hidden_bits = calloc(nodes / 64 + 1, sizeof(*walk.hidden_bits));
	walk.first_label = malloc((nodes + 1ull) * sizeof(*walk.first_label));
	if (!result->crossed || !walk.hidden_bits || !walk.first_label)
		goto out;
	memset(walk.first_label, 0xff, (nodes + 1ull) * sizeof(*walk.first_label));

	err = 0;
	for (size_t i = 0; i < start_count && !err; i++)
		err = add_label(&walk, (struct label) {
			.node = starts[i].node,
			.version = starts[i].version,
			.time_ns = query->forward ? 0 : UINT64_MAX,
		});
	for (size_t i = 0; i < walk.label_count && !err; i++)
		err = work_off(&walk, i);
out:
	free(walk.labels);
	free(walk.first_label);
	free(walk.hidden_bits);
	return err;
}

void traverse_free(struct traverse_result *result)
{
	free(result->edges);
	free(result->crossed);
	free(result->hidden);
	memset(result, 0, sizeof(*result));
}
