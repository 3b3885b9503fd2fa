// SPDX-License-Identifier: GPL-2.0
/*
 * Directories that were renamed, and with them the names of all that is below
 *
 * A name that is recorded is a whole path, of the time at which it was recorded.
 * The rename of a directory changes the paths below it, and only its own are
 * recorded.
 */
#include <stdlib.h>
#include <string.h>

#include "provq.h"

struct moves {
	struct move *array;	/* by old path, boot and time */
	size_t count, room;
};

static int by_bytes(const char *a, size_t a_length, const char *b, size_t b_length)
{
	const int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

	return order ? order : a_length < b_length ? -1 : a_length > b_length;
}

static int by_time(const struct move *move, uint32_t boot, uint64_t time_ns)
{
	if (move->boot != boot)
		return move->boot < boot ? -1 : 1;
	return move->time_ns < time_ns ? -1 : move->time_ns > time_ns;
}

static int by_from_and_time(const void *one, const void *two)
{
	const struct move *const a = one, *const b = two;
	int order = by_bytes(a->from.at, a->from.length, b->from.at, b->from.length);

	if (!order)
		order = by_time(a, b->boot, b->time_ns);
	return order ? order : a->node < b->node ? -1 : a->node > b->node;
}

static bool add_move(struct query *query, struct moves *moves, const struct move *move)
{
	if (moves->count == moves->room) {
		const size_t more = moves->room * 2 + 64;
		struct move *bigger;

		if (graph_take(query->graph, (more - moves->room) * sizeof(*bigger)))
			return false;
		bigger = reallocarray(moves->array, more, sizeof(*bigger));
		if (!bigger)
			return false;
		moves->array = bigger;
		moves->room = more;
	}
	moves->array[moves->count++] = *move;
	return true;
}

/* A loss by rename and the name that follows it are one move. */
static bool add_moves(struct query *query, struct moves *moves, uint32_t node)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	struct move move = { .node = node, .boot = n->boot };

	for (uint32_t i = 0; i < n->fact_count; i++) {
		const struct graph_fact *const fact = graph_fact(query->graph, n->fact_first + i);
		struct bytes text;

		if (fact->type != PROV_R_TEXT || !node_name_event(fact->sub))
			continue;
		text.at = graph_blob(query->graph, fact->blob, &text.length);
		if (fact->sub == PROV_T_RENAME_TO && move.from.at &&
		    graph_wall_ns(query->graph, n->boot, fact->time_ns) <= query->until_ns) {
			move.time_ns = fact->time_ns;
			move.to = text;
			if (!add_move(query, moves, &move))
				return false;
		}
		move.from = fact->sub == PROV_T_RENAME_FROM ? text : (struct bytes) {};
	}
	return true;
}

struct moves *moves_new(struct query *query)
{
	struct moves *const moves = calloc(1, sizeof(*moves));

	for (uint32_t i = 0; moves && i < graph_node_count(query->graph); i++) {
		if (graph_node(query->graph, i)->kind == PROV_K_DIRECTORY &&
		    !add_moves(query, moves, i)) {
			moves_free(moves);
			return NULL;
		}
	}
	if (moves && moves->count)
		qsort(moves->array, moves->count, sizeof(*moves->array), by_from_and_time);
	return moves;
}

void moves_free(struct moves *moves)
{
	if (!moves)
		return;
	free(moves->array);
	free(moves);
}

bool moves_none(const struct moves *moves)
{
	return !moves->count;
}

static bool same_file_system(const struct graph_node *a, const struct graph_node *b)
{
	static const uint8_t none[16];

	if (memcmp(a->inode.uuid, none, sizeof(none)) || memcmp(b->inode.uuid, none, sizeof(none)))
		return !memcmp(a->inode.uuid, b->inode.uuid, sizeof(none));
	return a->boot == b->boot && a->inode.dev == b->inode.dev;
}

/*
 * What came to a path by the move of a directory does not leave it by that of
 * another, to which the path belonged before: the two were exchanged.
 */
static bool was_exchanged(const struct query *query, const struct move *last,
			  const struct move *next)
{
	return last && last->node != next->node &&
	       !by_bytes(last->to.at, last->to.length, next->from.at, next->from.length) &&
	       !graph_same_inode(graph_node(query->graph, last->node),
				 graph_node(query->graph, next->node));
}

const struct move *moves_next(const struct query *query, const struct moves *moves, uint32_t node,
			      struct bytes path, uint32_t boot, uint64_t time_ns,
			      const struct move *last)
{
	const struct move *first = NULL;

	for (size_t length = 1; length < path.length; length++) {
		size_t low = 0, high = moves->count;

		if (path.at[length] != '/')
			continue;
		while (low < high) {
			const size_t middle = low + (high - low) / 2;
			const struct move *const move = &moves->array[middle];
			int order = by_bytes(move->from.at, move->from.length, path.at, length);

			if (!order)
				order = by_time(move, boot, time_ns) > 0 ? 1 : -1;
			if (order < 0)
				low = middle + 1;
			else
				high = middle;
		}
		for (; low < moves->count; low++) {
			const struct move *const move = &moves->array[low];

			if (by_bytes(move->from.at, move->from.length, path.at, length) ||
			    (first && by_time(move, first->boot, first->time_ns) >= 0))
				break;
			if (!same_file_system(graph_node(query->graph, move->node),
					      graph_node(query->graph, node)) ||
			    was_exchanged(query, last, move))
				continue;
			first = move;
			break;
		}
	}
	return first;
}
