// SPDX-License-Identifier: GPL-2.0
/* Traversal: what could have come from where.  See traverse.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "traverse.h"

/*
 * A label says: @node was reached, and what is usable there are edges of
 * versions up to (forward: from) @version and, where time counts, of times up
 * to (forward: from) @time_ns, in the clock of the node's boot.  Labels are worked
 * off in the order in which they are made, which is that of growing depth.
 */
struct traverse_label {
	uint64_t time_ns;
	uint32_t node;
	uint32_t version;
	uint32_t depth;
	uint32_t bound;		/* versions beyond it are done by earlier labels */
	uint32_t next;		/* another label of the node, or GRAPH_NONE */
	uint32_t next_best;	/* another that no label of the node dominates, or GRAPH_NONE */
};

struct walk {
	const struct traverse_query *query;
	struct traverse_result *result;
	size_t label_count, label_room;
	size_t edge_room, hidden_room;
	uint64_t *hidden_bits;
};

static int push(struct walk *walk, void *array, size_t *room, size_t count, size_t element_bytes)
{
	size_t more;
	void *bigger;

	if (count < *room)
		return 0;
	more = *room + *room / 2 + 256;
	if (graph_take(walk->query->graph, (more - *room) * element_bytes))
		return -ENOMEM;
	bigger = realloc(*(void **)array, more * element_bytes);
	if (!bigger)
		return -ENOMEM;
	*(void **)array = bigger;
	*room = more;
	return 0;
}

/* Does a label allow all that another of its node would? */
static bool dominates(const struct walk *walk, const struct traverse_label *one,
		      const struct traverse_label *two)
{
	return walk->query->forward ?
		one->version <= two->version && one->time_ns <= two->time_ns :
		one->version >= two->version && one->time_ns >= two->time_ns;
}

/*
 * An earlier label that is as good in time has used all that is in its range of
 * versions, at no greater depth.
 */
static void narrow(const struct walk *walk, struct traverse_label *label,
		   const struct traverse_label *old)
{
	if (walk->query->forward) {
		if (old->time_ns <= label->time_ns && old->version <= label->bound)
			label->bound = old->version - 1;
	} else {
		if (old->time_ns >= label->time_ns && old->version >= label->bound)
			label->bound = old->version + 1;
	}
}

/*
 * A label is compared only with those that are not dominated themselves: what
 * allows all that one of the others does is among them.  If time does not count
 * there is one, for labels then differ by their version alone.
 */
static int add_label(struct walk *walk, struct traverse_label label)
{
	struct traverse_result *const result = walk->result;
	uint32_t *link = &result->first_best[label.node];
	int err;

	for (uint32_t i = *link; i != GRAPH_NONE; i = result->labels[i].next_best)
		if (dominates(walk, &result->labels[i], &label))
			return 0;
	err = push(walk, &result->labels, &walk->label_room, walk->label_count, sizeof(label));
	if (err)
		return err;
	label.bound = walk->query->forward ? UINT32_MAX : 0;
	while (*link != GRAPH_NONE) {
		struct traverse_label *const old = &result->labels[*link];

		narrow(walk, &label, old);
		if (dominates(walk, &label, old))
			*link = old->next_best;
		else
			link = &old->next_best;
	}
	label.next = result->first_label[label.node];
	label.next_best = result->first_best[label.node];
	result->first_label[label.node] = walk->label_count;
	result->first_best[label.node] = walk->label_count;
	result->labels[walk->label_count++] = label;
	return 0;
}

/* Does the edge fit behind (forward) or before the paths that a label stands for? */
static bool fits_behind(const struct traverse_label *label, const struct graph_edge *edge)
{
	return edge->from_version >= label->version &&
	       (edge->class == PROV_R_EDGE_DATA || edge->time_ns >= label->time_ns);
}

static bool fits_before(const struct traverse_label *label, const struct graph_edge *edge)
{
	return edge->to_version <= label->version && edge->time_ns <= label->time_ns;
}

static bool usable(const struct walk *walk, const struct traverse_label *label,
		   const struct graph_edge *edge)
{
	const struct traverse_query *const query = walk->query;

	if (!(query->classes >> edge->class & 1))
		return false;
	if (query->forward ? !fits_behind(label, edge) : !fits_before(label, edge))
		return false;
	if (query->since_ns || query->until_ns != UINT64_MAX) {
		const uint64_t wall_ns = graph_edge_wall_ns(query->graph, edge);

		if (wall_ns < query->since_ns || wall_ns > query->until_ns)
			return false;
	}
	return true;
}

/* A boot is later than all that happened in those before it. */
static bool between_boots(const struct graph *graph, const struct graph_edge *edge)
{
	return graph_node(graph, edge->from)->boot != graph_node(graph, edge->to)->boot;
}

/* The latest time on the paths to a label once they have gone along an edge. */
static uint64_t latest_ns(const struct graph *graph, const struct traverse_label *label,
			  const struct graph_edge *edge)
{
	return between_boots(graph, edge) || label->time_ns < edge->time_ns ? edge->time_ns :
									      label->time_ns;
}

/* The earliest meta or control edge on the paths from a label, with an edge before them. */
static uint64_t earliest_ns(const struct graph *graph, const struct traverse_label *label,
			    const struct graph_edge *edge)
{
	if (between_boots(graph, edge))
		return UINT64_MAX;
	return edge->class == PROV_R_EDGE_DATA ? label->time_ns : edge->time_ns;
}

static int hide(struct walk *walk, uint32_t node)
{
	struct traverse_result *const result = walk->result;
	int err;

	if (walk->hidden_bits[node / 64] >> node % 64 & 1)
		return 0;
	err = push(walk, &result->hidden, &walk->hidden_room, result->hidden_count,
		   sizeof(*result->hidden));
	if (err)
		return err;
	walk->hidden_bits[node / 64] |= 1ull << node % 64;
	result->hidden[result->hidden_count++] = node;
	return 0;
}

static int cross(struct walk *walk, const struct traverse_label *label, uint32_t number,
		 const struct graph_edge *edge)
{
	const struct traverse_query *const query = walk->query;
	struct traverse_result *const result = walk->result;
	struct traverse_label next = { .depth = label->depth + 1 };
	int err;

	next.node = query->forward ? edge->to : edge->from;
	if (query->hidden && query->hidden(query->context, next.node))
		return hide(walk, next.node);
	/* Another label may cross it again, and bring more behind it. */
	if (!traverse_crossed(result, number)) {
		err = push(walk, &result->edges, &walk->edge_room, result->edge_count,
			   sizeof(*result->edges));
		if (err)
			return err;
		result->crossed[number / 64] |= 1ull << number % 64;
		result->edges[result->edge_count++] = number;
	}
	if (query->forward) {
		next.version = edge->to_version;
		/* The versions say all: labels must not differ by a time. */
		if (query->classes != TRAVERSE_DATA)
			next.time_ns = latest_ns(query->graph, label, edge);
	} else {
		next.version = edge->from_version;
		next.time_ns = earliest_ns(query->graph, label, edge);
	}
	return add_label(walk, next);
}

static int work_off(struct walk *walk, size_t index)
{
	const struct traverse_query *const query = walk->query;
	const struct traverse_label label = walk->result->labels[index];
	const struct graph_edge *edge;
	struct graph_cursor cursor;
	uint32_t number;
	int err;

	/* What allows most comes first, so that what it dominates is not even noted. */
	cursor = query->forward ?
		graph_out_of(query->graph, label.node, label.version, label.bound) :
		graph_into(query->graph, label.node, label.bound, label.version);
	while ((edge = query->forward ? graph_next(&cursor, &number) :
					graph_next_down(&cursor, &number)) != NULL) {
		if (!usable(walk, &label, edge))
			continue;
		if (label.depth >= query->max_depth) {
			walk->result->cut_depth += !traverse_crossed(walk->result, number);
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
	if (graph_take(query->graph, edges / 8 + nodes / 8 +
		       2ull * nodes * sizeof(*result->first_label)))
		return -ENOMEM;
	result->crossed = calloc(edges / 64 + 1, sizeof(*result->crossed));
	walk.hidden_bits = calloc(nodes / 64 + 1, sizeof(*walk.hidden_bits));
	result->first_label = malloc((nodes + 1ull) * sizeof(*result->first_label));
	result->first_best = malloc((nodes + 1ull) * sizeof(*result->first_best));
	if (!result->crossed || !walk.hidden_bits || !result->first_label || !result->first_best)
		goto out;
	memset(result->first_label, 0xff, (nodes + 1ull) * sizeof(*result->first_label));
	memset(result->first_best, 0xff, (nodes + 1ull) * sizeof(*result->first_best));

	err = 0;
	for (size_t i = 0; i < start_count && !err; i++)
		err = add_label(&walk, (struct traverse_label) {
			.node = starts[i].node,
			.version = starts[i].version,
			.time_ns = query->forward ? 0 : UINT64_MAX,
		});
	for (size_t i = 0; i < walk.label_count && !err; i++)
		err = work_off(&walk, i);
out:
	free(walk.hidden_bits);
	return err;
}

/* Labels of a node: all of them if their depth matters, else the best. */
static uint32_t label_at(const struct traverse_result *result, uint32_t node, bool all)
{
	return all ? result->first_label[node] : result->first_best[node];
}

static uint32_t label_after(const struct traverse_result *result, uint32_t label, bool all)
{
	return all ? result->labels[label].next : result->labels[label].next_best;
}

bool traverse_joined(const struct graph *graph, const struct traverse_result *forward,
		     const struct traverse_result *backward, uint32_t number, uint32_t max_depth)
{
	const struct graph_edge *const edge = graph_edge(graph, number);
	const bool all = max_depth != UINT32_MAX;

	if (!traverse_crossed(forward, number) || !traverse_crossed(backward, number))
		return false;
	for (uint32_t i = label_at(forward, edge->from, all); i != GRAPH_NONE;
	     i = label_after(forward, i, all)) {
		const struct traverse_label *const in = &forward->labels[i];

		if (!fits_behind(in, edge))
			continue;
		for (uint32_t j = label_at(backward, edge->to, all); j != GRAPH_NONE;
		     j = label_after(backward, j, all)) {
			const struct traverse_label *const out = &backward->labels[j];

			if (fits_before(out, edge) &&
			    latest_ns(graph, in, edge) <= out->time_ns &&
			    (!all || (uint64_t)in->depth + 1 + out->depth <= max_depth))
				return true;
		}
	}
	return false;
}

void traverse_free(struct traverse_result *result)
{
	free(result->edges);
	free(result->crossed);
	free(result->hidden);
	free(result->labels);
	free(result->first_label);
	free(result->first_best);
	memset(result, 0, sizeof(*result));
}
