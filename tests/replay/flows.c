// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows.h"
#include "graph.h"

void *must_alloc(size_t count, size_t bytes)
{
	void *const memory = calloc(count + 1, bytes);

	if (!memory) {
		printf("Bail out! no memory for %zu times %zu bytes\n", count, bytes);
		exit(2);
	}
	return memory;
}

void flows_free(struct flows *flows)
{
	free(flows->flow);
	free(flows->kind);
	*flows = (struct flows){};
}

const char *flows_load(struct flows *flows, const char *directory)
{
	const uint32_t none = UINT32_MAX;
	uint32_t *number;
	struct graph *graph;
	uint32_t boot;

	*flows = (struct flows){};
	if (graph_load(&graph, directory, NULL))
		return "the log cannot be read";
	boot = graph_boot_count(graph) - 1;
	flows->lost = graph_info(graph)->lost;
	flows->flow = must_alloc(graph_edge_count(graph), sizeof(*flows->flow));
	flows->kind = must_alloc(graph_node_count(graph), 1);
	number = must_alloc(graph_node_count(graph), sizeof(*number));
	memset(number, 0xff, graph_node_count(graph) * sizeof(*number));
	for (uint64_t i = 0; i < graph_edge_count(graph); i++) {
		const struct graph_edge *const edge = graph_edge(graph, i);
		const uint32_t ends[] = { edge->from, edge->to };

		if (edge->class != PROV_R_EDGE_DATA || edge->flags & GRAPH_EDGE_CONTINUES ||
		    graph_node(graph, edge->to)->boot != boot)
			continue;
		for (int end = 0; end < 2; end++) {
			if (number[ends[end]] != none)
				continue;
			flows->kind[flows->objects] = graph_node(graph, ends[end])->kind;
			number[ends[end]] = flows->objects++;
		}
		flows->flow[flows->count++] = (struct flow){
			.src = number[edge->from], .src_version = edge->from_version,
			.dst = number[edge->to], .dst_version = edge->to_version,
			.time_ns = edge->time_ns, .op = edge->op,
		};
	}
	free(number);
	graph_free(graph);
	return NULL;
}

/*
 * Order: each object lets through the flows of one stage at a time.  A stage is
 * a version, and whether it is left.
 */
struct visit {
	uint64_t stage;
	uint32_t object;
	uint32_t flow;
};

static int compare_visits(const void *a, const void *b)
{
	const struct visit *const x = a, *const y = b;

	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	if (x->stage != y->stage)
		return x->stage < y->stage ? -1 : 1;
	return x->flow < y->flow ? -1 : x->flow > y->flow;
}

/**
 * struct line - the flows of an object that have not been let through
 * @at: first of the stage that is open, in visits
 * @left: how many of that stage have not come
 * @end: end of its visits
 */
struct line {
	size_t at;
	size_t left;
	size_t end;
};

/* Flows that can come next, the earliest first: a heap. */
struct heap {
	const struct flow *flow;
	uint32_t *item;
	size_t count;
};

static bool earlier(const struct heap *heap, uint32_t a, uint32_t b)
{
	const uint64_t x = heap->flow[a].time_ns, y = heap->flow[b].time_ns;

	return x != y ? x < y : a < b;
}

static void heap_push(struct heap *heap, uint32_t item)
{
	size_t at = heap->count++;

	for (; at && earlier(heap, item, heap->item[(at - 1) / 2]); at = (at - 1) / 2)
		heap->item[at] = heap->item[(at - 1) / 2];
	heap->item[at] = item;
}

static uint32_t heap_pop(struct heap *heap)
{
	const uint32_t first = heap->item[0], moved = heap->item[--heap->count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < heap->count &&
		    earlier(heap, heap->item[child + 1], heap->item[child]))
			child++;
		if (child >= heap->count || !earlier(heap, heap->item[child], moved))
			break;
		heap->item[at] = heap->item[child];
		at = child;
	}
	heap->item[at] = moved;
	return first;
}

/* Opens the next stage of an object; flows that both ends let through can come. */
static void open_stage(struct line *line, const struct visit *visit, uint8_t *open,
		       struct heap *heap)
{
	const uint64_t stage = visit[line->at].stage;

	line->left = 0;
	for (size_t i = line->at; i < line->end && visit[i].stage == stage; i++) {
		line->left++;
		if (++open[visit[i].flow] == 2)
			heap_push(heap, visit[i].flow);
	}
	line->at += line->left;
}

bool flows_order(struct flows *flows)
{
	struct visit *const visit = must_alloc(2 * flows->count, sizeof(*visit));
	struct line *const line = must_alloc(flows->objects, sizeof(*line));
	struct flow *const ordered = must_alloc(flows->count, sizeof(*ordered));
	uint8_t *const open = must_alloc(flows->count, 1);
	struct heap heap = {
		.flow = flows->flow, .item = must_alloc(flows->count, sizeof(uint32_t)),
	};
	size_t done = 0;

	for (size_t i = 0; i < flows->count; i++) {
		const struct flow *const flow = &flows->flow[i];

		visit[2 * i] = (struct visit){ 2ull * flow->src_version + 1, flow->src, i };
		visit[2 * i + 1] = (struct visit){ 2ull * flow->dst_version, flow->dst, i };
	}
	qsort(visit, 2 * flows->count, sizeof(*visit), compare_visits);
	for (size_t i = 0; i < 2 * flows->count; i++) {
		if (!i || visit[i].object != visit[i - 1].object)
			line[visit[i].object].at = i;
		line[visit[i].object].end = i + 1;
	}
	for (uint32_t i = 0; i < flows->objects; i++)
		open_stage(&line[i], visit, open, &heap);
	while (heap.count) {
		const struct flow *const flow = &flows->flow[heap_pop(&heap)];
		const uint32_t ends[] = { flow->src, flow->dst };

		ordered[done++] = *flow;
		for (int end = 0; end < 2; end++) {
			struct line *const at = &line[ends[end]];

			if (!--at->left && at->at < at->end)
				open_stage(at, visit, open, &heap);
		}
	}
	free(heap.item);
	free(open);
	free(line);
	free(visit);
	free(flows->flow);
	flows->flow = ordered;
	if (done == flows->count)
		return true;
	flows->count = done;
	return false;
}

/**
 * struct renumbering - an object of the whole in a part
 * @number: in the part, from 1; 0 if it is not there
 * @version: the lowest in the part
 */
struct renumbering {
	uint32_t number;
	uint32_t version;
};

static bool enters(const struct renumbering *renumbered, const struct flow *flow, uint32_t room)
{
	const uint32_t more = !renumbered[flow->src].number + !renumbered[flow->dst].number;

	return more <= room;
}

static void enter(struct renumbering *object, uint32_t version, uint8_t kind, struct flows *part)
{
	if (!object->number) {
		part->kind[part->objects] = kind;
		*object = (struct renumbering){ ++part->objects, version };
	}
	if (version < object->version)
		object->version = version;
}

size_t flows_cut(const struct flows *whole, size_t first, size_t count, uint32_t objects,
		 struct flows *part)
{
	struct renumbering *const renumbered = must_alloc(whole->objects, sizeof(*renumbered));
	size_t end;

	if (count > whole->count - first)
		count = whole->count - first;
	*part = (struct flows){
		.flow = must_alloc(count, sizeof(*part->flow)), .kind = must_alloc(2 * count, 1),
		.lost = whole->lost,
	};
	for (end = first; end < first + count; end++) {
		const struct flow *const flow = &whole->flow[end];

		if (!enters(renumbered, flow, objects - part->objects))
			break;
		enter(&renumbered[flow->src], flow->src_version, whole->kind[flow->src], part);
		enter(&renumbered[flow->dst], flow->dst_version, whole->kind[flow->dst], part);
	}
	for (size_t i = first; i < end; i++) {
		struct flow flow = whole->flow[i];
		const struct renumbering src = renumbered[flow.src], dst = renumbered[flow.dst];

		flow.src = src.number - 1;
		flow.src_version -= src.version;
		flow.dst = dst.number - 1;
		flow.dst_version -= dst.version;
		part->flow[part->count++] = flow;
	}
	free(renumbered);
	return end;
}

uint64_t set_digest(const uint64_t *set, size_t words)
{
	uint64_t digest = 0;

	/* Murmur3's finalizer as mixing step. */
	for (size_t i = 0; i < words; i++) {
		digest = (digest ^ set[i]) + 0x9e3779b97f4a7c15ull;
		digest = (digest ^ digest >> 33) * 0xff51afd7ed558ccdull;
		digest = (digest ^ digest >> 33) * 0xc4ceb9fe1a85ec53ull;
		digest ^= digest >> 33;
	}
	return digest;
}

static int compare_sources(const void *a, const void *b)
{
	const struct flow *const x = a, *const y = b;

	if (x->src != y->src)
		return x->src < y->src ? -1 : 1;
	return x->src_version < y->src_version ? -1 : x->src_version > y->src_version;
}

/**
 * struct reach - the graph while it is walked, sources first
 * @record: sorted by source
 * @first: number of version 0 of each object; one more at the end
 * @out: of each version, the first record out of it; one more at the end
 * @waits: of each version, edges into it that have not been walked
 * @set: of each version, its ancestors; NULL before there are any and when told
 */
struct reach {
	struct flow *record;
	uint32_t *first;
	uint32_t *out;
	uint32_t *waits;
	uint64_t **set;
	uint32_t *ready;
	size_t readies;
	size_t words;
};

static uint64_t *reach_set(struct reach *reach, uint32_t node)
{
	if (!reach->set[node])
		reach->set[node] = must_alloc(reach->words, sizeof(uint64_t));
	return reach->set[node];
}

static void reach_edge(struct reach *reach, uint32_t from, uint32_t to)
{
	set_join(reach_set(reach, to), reach->set[from], reach->words);
	if (!--reach->waits[to])
		reach->ready[reach->readies++] = to;
}

static void reach_prepare(struct reach *reach, size_t count, uint32_t objects)
{
	uint32_t nodes, object = 0;

	for (size_t i = 0; i < count; i++) {
		const struct flow *const r = &reach->record[i];

		if (reach->first[r->src + 1] <= r->src_version)
			reach->first[r->src + 1] = r->src_version + 1;
		if (reach->first[r->dst + 1] <= r->dst_version)
			reach->first[r->dst + 1] = r->dst_version + 1;
	}
	for (object = 0; object < objects; object++)
		reach->first[object + 1] += reach->first[object];
	nodes = reach->first[objects];
	reach->out = must_alloc(nodes + 1, sizeof(uint32_t));
	reach->waits = must_alloc(nodes, sizeof(uint32_t));
	reach->set = must_alloc(nodes, sizeof(uint64_t *));
	reach->ready = must_alloc(nodes, sizeof(uint32_t));
	for (size_t i = 0; i < count; i++) {
		const struct flow *const r = &reach->record[i];

		reach->out[reach->first[r->src] + r->src_version + 1] = i + 1;
		reach->waits[reach->first[r->dst] + r->dst_version]++;
	}
	for (uint32_t node = 0; node < nodes; node++)
		if (reach->out[node + 1] < reach->out[node])
			reach->out[node + 1] = reach->out[node];
	for (object = 0; object < objects; object++)
		for (uint32_t node = reach->first[object]; node < reach->first[object + 1]; node++) {
			reach->waits[node] += node > reach->first[object];
			if (!reach->waits[node])
				reach->ready[reach->readies++] = node;
		}
}

static uint32_t owner(const struct reach *reach, uint32_t objects, uint32_t node)
{
	uint32_t low = 0, high = objects;

	while (high - low > 1) {
		const uint32_t middle = low + (high - low) / 2;

		if (reach->first[middle] <= node)
			low = middle;
		else
			high = middle;
	}
	return low;
}

bool flows_reach(const struct flow *record, size_t count, uint32_t objects, reach_fn *told,
		 void *context)
{
	struct reach reach = {
		.record = must_alloc(count, sizeof(*record)),
		.first = must_alloc(objects + 1, sizeof(uint32_t)),
		.words = set_words(objects),
	};
	uint32_t nodes;
	size_t walked;
	bool acyclic;

	memcpy(reach.record, record, count * sizeof(*record));
	qsort(reach.record, count, sizeof(*record), compare_sources);
	reach_prepare(&reach, count, objects);
	nodes = reach.first[objects];
	for (walked = 0; walked < reach.readies; walked++) {
		const uint32_t node = reach.ready[walked];
		const uint32_t object = owner(&reach, objects, node);
		uint64_t *const set = reach_set(&reach, node);

		set_add(set, object);
		told(context, object, node - reach.first[object], set);
		for (uint32_t i = reach.out[node]; i < reach.out[node + 1]; i++)
			reach_edge(&reach, node, reach.first[reach.record[i].dst] +
						 reach.record[i].dst_version);
		if (node + 1 < reach.first[object + 1])
			reach_edge(&reach, node, node + 1);
		free(set);
		reach.set[node] = NULL;
	}
	acyclic = walked == nodes;
	for (uint32_t node = 0; node < nodes; node++)
		free(reach.set[node]);
	free(reach.ready);
	free(reach.set);
	free(reach.waits);
	free(reach.out);
	free(reach.first);
	free(reach.record);
	return acyclic;
}
