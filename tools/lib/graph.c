// SPDX-License-Identifier: GPL-2.0
/* The graph of a log: what can be asked of it.  See graph.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "graph-internal.h"
#include "record.h"

void graph_free(struct graph *graph)
{
	if (!graph)
		return;
	for (size_t i = 0; i < graph->boot_count; i++)
		free(graph->walls[i].steps);
	free(graph->boots);
	free(graph->walls);
	free(graph->subbufs);
	free(graph->nodes);
	free(graph->edges);
	free(graph->refusals);
	free(graph->facts);
	free(graph->blobs);
	free(graph->arena);
	free(graph->into);
	free(graph->into_first);
	free(graph->out_of);
	free(graph->out_of_first);
	free(graph->node_table.slots);
	free(graph);
}

int graph_take(struct graph *graph, uint64_t bytes)
{
	if (bytes > graph->max_bytes - graph->memory_bytes)
		return -ENOMEM;
	graph->memory_bytes += bytes;
	return 0;
}

const struct graph_info *graph_info(const struct graph *graph)
{
	return &graph->info;
}

uint32_t graph_boot_count(const struct graph *graph)
{
	return graph->boot_count;
}

const struct graph_boot *graph_boot(const struct graph *graph, uint32_t boot)
{
	return &graph->boots[boot];
}

size_t graph_subbuf_count(const struct graph *graph)
{
	return graph->subbuf_count;
}

const struct graph_subbuf *graph_subbuf(const struct graph *graph, size_t index)
{
	return &graph->subbufs[index];
}

uint32_t graph_node_count(const struct graph *graph)
{
	return graph->node_count;
}

const struct graph_node *graph_node(const struct graph *graph, uint32_t node)
{
	return &graph->nodes[node];
}

uint64_t graph_node_hash(const struct graph *graph, uint32_t boot, uint64_t id)
{
	const uint64_t key[2] = { id, boot };

	return XXH3_64bits_withSeed(key, sizeof(key), graph->seed);
}

uint32_t graph_find_node(const struct graph *graph, uint32_t boot, uint64_t id)
{
	const struct table *const table = &graph->node_table;

	if (!table->slots)
		return GRAPH_NONE;
	for (size_t at = graph_node_hash(graph, boot, id);; at++) {
		const uint32_t slot = table->slots[at & table->mask];

		if (!slot)
			return GRAPH_NONE;
		if (graph->nodes[slot - 1].id == id && graph->nodes[slot - 1].boot == boot)
			return slot - 1;
	}
}

uint64_t graph_edge_count(const struct graph *graph)
{
	return graph->edge_count;
}

const struct graph_edge *graph_edge(const struct graph *graph, uint32_t edge)
{
	return &graph->edges[edge];
}

static uint32_t own_version(const struct graph *graph, const uint32_t *order, uint32_t at)
{
	const struct graph_edge *const edge = &graph->edges[order[at]];

	return order == graph->into ? edge->to_version : edge->from_version;
}

/* First place from @at to @end whose version is at least @version. */
static uint32_t place(const struct graph *graph, const uint32_t *order, uint32_t at, uint32_t end,
		      uint32_t version)
{
	while (at < end) {
		const uint32_t middle = at + (end - at) / 2;

		if (own_version(graph, order, middle) < version)
			at = middle + 1;
		else
			end = middle;
	}
	return at;
}

static struct graph_cursor cursor(const struct graph *graph, const uint32_t *order,
				  const uint32_t *first, uint32_t node, uint32_t low, uint32_t high)
{
	struct graph_cursor cursor = {
		.graph = graph,
		.order = order,
		.at = first[node],
		.end = first[node + 1],
	};

	if (low)
		cursor.at = place(graph, order, cursor.at, cursor.end, low);
	if (high != UINT32_MAX)
		cursor.end = place(graph, order, cursor.at, cursor.end, high + 1);
	return cursor;
}

struct graph_cursor graph_into(const struct graph *graph, uint32_t node, uint32_t low,
			       uint32_t high)
{
	return cursor(graph, graph->into, graph->into_first, node, low, high);
}

struct graph_cursor graph_out_of(const struct graph *graph, uint32_t node, uint32_t low,
				 uint32_t high)
{
	return cursor(graph, graph->out_of, graph->out_of_first, node, low, high);
}

const struct graph_edge *graph_next(struct graph_cursor *cursor, uint32_t *edge)
{
	if (cursor->at >= cursor->end)
		return NULL;
	*edge = cursor->order[cursor->at++];
	return &cursor->graph->edges[*edge];
}

const struct graph_edge *graph_next_down(struct graph_cursor *cursor, uint32_t *edge)
{
	if (cursor->at >= cursor->end)
		return NULL;
	*edge = cursor->order[--cursor->end];
	return &cursor->graph->edges[*edge];
}

/* Text up to a NUL; *@rest moves behind it. The blob is followed by a NUL. */
static const char *next_text(const char **rest, const char *end)
{
	const char *const text = *rest;

	if (text >= end)
		return "";
	*rest = text + strlen(text) + 1;
	return text;
}

bool graph_refusal(const struct graph *graph, const struct graph_edge *edge,
		   struct graph_refusal *refusal)
{
	const uint32_t number = edge - graph->edges;
	size_t low = 0, high = graph->refusal_count, bytes;
	struct refusal_numbers numbers;
	const char *at, *end;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (graph->refusals[middle].edge < number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == graph->refusal_count || graph->refusals[low].edge != number)
		return false;
	at = graph_blob(graph, graph->refusals[low].blob, &bytes);
	end = at + bytes;
	memcpy(&numbers, at, sizeof(numbers));
	at += sizeof(numbers);
	refusal->error = numbers.error;
	refusal->detail = numbers.detail;
	refusal->layer = numbers.layer;
	refusal->hook = next_text(&at, end);
	refusal->by = next_text(&at, end);
	refusal->made = next_text(&at, end);
	return true;
}

const struct graph_fact *graph_fact(const struct graph *graph, uint32_t fact)
{
	return &graph->facts[fact];
}

const void *graph_blob(const struct graph *graph, uint32_t blob, size_t *bytes)
{
	if (bytes)
		*bytes = graph->blobs[blob].bytes;
	return graph->arena + graph->blobs[blob].offset;
}

uint32_t graph_text(const struct graph *graph, uint32_t node, uint8_t kind)
{
	const struct graph_node *const n = &graph->nodes[node];

	for (uint32_t i = n->fact_count; i-- > 0;) {
		const struct graph_fact *const fact = &graph->facts[n->fact_first + i];

		if (fact->type == PROV_R_TEXT && fact->sub == kind)
			return n->fact_first + i;
	}
	return GRAPH_NONE;
}

uint64_t graph_wall_ns(const struct graph *graph, uint32_t boot, uint64_t time_ns)
{
	const struct wall *const wall = &graph->walls[boot];
	size_t low = 0, high = wall->count;

	if (!wall->count)
		return time_ns + wall->carried_offset_ns;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (wall->steps[middle].boot_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return time_ns + wall->steps[low ? low - 1 : 0].offset_ns;
}

uint64_t graph_edge_wall_ns(const struct graph *graph, const struct graph_edge *edge)
{
	return graph_wall_ns(graph, graph->nodes[edge->to].boot, edge->time_ns);
}

bool graph_is_inode(const struct graph_node *node)
{
	return prov_kind_is_inode(node->kind);
}

bool graph_is_strong(const struct graph_node *node)
{
	static const uint8_t none[16];

	return graph_is_inode(node) && !(node->flags & PROV_NODE_WEAK) &&
	       memcmp(node->inode.uuid, none, sizeof(none));
}

bool graph_same_inode(const struct graph_node *a, const struct graph_node *b)
{
	return graph_is_strong(a) && graph_is_strong(b) &&
	       a->inode.ino == b->inode.ino &&
	       a->inode.generation == b->inode.generation &&
	       !memcmp(a->inode.uuid, b->inode.uuid, sizeof(a->inode.uuid));
}
