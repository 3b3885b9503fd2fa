// SPDX-License-Identifier: GPL-2.0
/*
 * tree: processes, who forked them and what they executed
 *
 * A process is all images that it had: the node made by fork and one more for
 * each exec.  Its line shows the last one, and before it those that it was.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "provq.h"
#include "record.h"
#include "when.h"

#define LABEL_WIDTH 120
#define MOST_LEVELS 200		/* a hostile log could go deeper than paper */

struct process {
	uint32_t first;		/* place of its first image in the sorted images */
	uint32_t count;
	uint32_t parent;	/* process, or GRAPH_NONE */
	uint64_t start_ns;	/* wall clock */
	bool shown;
};

struct forest {
	const struct query *query;
	uint32_t *images;	/* process nodes by (boot, start, pid, time) */
	uint32_t image_count;
	struct process *processes;
	uint32_t process_count;
	uint32_t *process_of;	/* by node */
	uint32_t *order;	/* processes by (parent, time) */
};

static int by_process(const void *one, const void *two, void *context)
{
	const struct query *const query = context;
	const uint32_t i = *(const uint32_t *)one, j = *(const uint32_t *)two;
	const struct graph_node *const a = graph_node(query->graph, i);
	const struct graph_node *const b = graph_node(query->graph, j);

	if (a->boot != b->boot)
		return a->boot < b->boot ? -1 : 1;
	if (a->process.start_ns != b->process.start_ns)
		return a->process.start_ns < b->process.start_ns ? -1 : 1;
	if (a->process.tgid != b->process.tgid)
		return a->process.tgid < b->process.tgid ? -1 : 1;
	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns ? -1 : 1;
	return i < j ? -1 : i > j;
}

static bool same_process(const struct graph_node *a, const struct graph_node *b)
{
	return a->boot == b->boot && a->process.tgid == b->process.tgid &&
	       a->process.start_ns == b->process.start_ns;
}

static int by_parent(const void *one, const void *two, void *context)
{
	const struct forest *const forest = context;
	const uint32_t i = *(const uint32_t *)one, j = *(const uint32_t *)two;
	const struct process *const a = &forest->processes[i], *const b = &forest->processes[j];

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return i < j ? -1 : i > j;
}

/*
 * Who forked it; a child of vfork shares its parent's memory, hence its node,
 * until it executes, and comes from it by exec.
 */
static uint32_t parent_by(const struct forest *forest, uint32_t number, uint8_t op)
{
	const struct process *const process = &forest->processes[number];

	for (uint32_t i = 0; i < process->count; i++) {
		struct graph_cursor cursor = graph_into(forest->query->graph,
							forest->images[process->first + i],
							0, UINT32_MAX);
		const struct graph_edge *edge;
		uint32_t edge_number;

		while ((edge = graph_next(&cursor, &edge_number)) != NULL)
			if (edge->op == op && edge->class == PROV_R_EDGE_DATA &&
			    forest->process_of[edge->from] != GRAPH_NONE &&
			    forest->process_of[edge->from] != number)
				return forest->process_of[edge->from];
	}
	return GRAPH_NONE;
}

static void find_parent(struct forest *forest, uint32_t number)
{
	uint32_t parent = parent_by(forest, number, PROV_OP_FORK);

	if (parent == GRAPH_NONE)
		parent = parent_by(forest, number, PROV_OP_EXEC);
	forest->processes[number].parent = parent;
}

static bool grow_forest(struct forest *forest)
{
	const struct query *const query = forest->query;
	const uint32_t nodes = graph_node_count(query->graph);

	forest->images = malloc((nodes + 1ull) * sizeof(*forest->images));
	forest->process_of = malloc((nodes + 1ull) * sizeof(*forest->process_of));
	forest->processes = malloc((nodes + 1ull) * sizeof(*forest->processes));
	forest->order = malloc((nodes + 1ull) * sizeof(*forest->order));
	if (!forest->images || !forest->process_of || !forest->processes || !forest->order)
		return false;
	memset(forest->process_of, 0xff, (nodes + 1ull) * sizeof(*forest->process_of));
	for (uint32_t i = 0; i < nodes; i++)
		if (graph_node(query->graph, i)->kind == PROV_K_PROCESS)
			forest->images[forest->image_count++] = i;
	qsort_r(forest->images, forest->image_count, sizeof(*forest->images), by_process,
		(void *)query);
	for (uint32_t i = 0; i < forest->image_count; i++) {
		const struct graph_node *const n = graph_node(query->graph, forest->images[i]);

		if (!i || !same_process(graph_node(query->graph, forest->images[i - 1]), n))
			forest->processes[forest->process_count++] = (struct process) {
				.first = i,
				.start_ns = graph_wall_ns(query->graph, n->boot,
							  n->process.start_ns),
			};
		forest->processes[forest->process_count - 1].count++;
		forest->process_of[forest->images[i]] = forest->process_count - 1;
	}
	for (uint32_t i = 0; i < forest->process_count; i++) {
		find_parent(forest, i);
		forest->order[i] = i;
	}
	qsort_r(forest->order, forest->process_count, sizeof(*forest->order), by_parent, forest);
	return true;
}

static void cut_forest(struct forest *forest)
{
	free(forest->images);
	free(forest->process_of);
	free(forest->processes);
	free(forest->order);
}

static bool in_window(const struct forest *forest, const struct process *process)
{
	const struct query *const query = forest->query;
	const struct graph_node *const last =
		graph_node(query->graph, forest->images[process->first + process->count - 1]);

	return process->start_ns <= query->until_ns &&
	       !(last->ended &&
		 graph_wall_ns(query->graph, last->boot, last->end_ns) < query->since_ns);
}

/* Places in the order of the children of a process. */
static void children(const struct forest *forest, uint32_t parent, uint32_t *at, uint32_t *end)
{
	uint32_t low = 0, high = forest->process_count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (forest->processes[forest->order[middle]].parent < parent)
			low = middle + 1;
		else
			high = middle;
	}
	*at = *end = low;
	while (*end < forest->process_count &&
	       forest->processes[forest->order[*end]].parent == parent)
		++*end;
}

static void print_process(const struct forest *forest, const struct process *process)
{
	const struct query *const query = forest->query;
	char text[WHEN_BYTES], id[48];

	for (uint32_t i = 0; i < process->count; i++) {
		const uint32_t node = forest->images[process->first + i];

		/* What it was between fork and exec is its parent's image. */
		if (process->count > 1 && !i && node_image(query, node) != node)
			continue;
		if (i && !(i == 1 && node_image(query, forest->images[process->first]) !=
			   forest->images[process->first]))
			fputs("  ⇒  ", stdout);
		node_label(query, node, stdout, LABEL_WIDTH);
	}
	node_id(query, forest->images[process->first + process->count - 1], id);
	when_format_short(text, process->start_ns, true);
	printf("  [node %s, since %.19s]\n", id, text);
}

struct level {
	uint32_t at;
	uint32_t end;
};

static uint64_t print_below(struct forest *forest, uint32_t root)
{
	struct level levels[MOST_LEVELS];
	uint64_t shown = 1;
	size_t depth = 1;

	print_process(forest, &forest->processes[root]);
	forest->processes[root].shown = true;
	children(forest, root, &levels[0].at, &levels[0].end);
	while (depth) {
		struct level *const level = &levels[depth - 1];
		struct process *process;
		uint32_t number;

		if (level->at == level->end) {
			depth--;
			continue;
		}
		number = forest->order[level->at++];
		process = &forest->processes[number];
		if (process->shown || !in_window(forest, process))
			continue;
		process->shown = true;
		shown++;
		for (size_t i = 0; i + 1 < depth; i++)
			fputs(levels[i].at < levels[i].end ? "│  " : "   ", stdout);
		fputs(level->at < level->end ? "├─ " : "└─ ", stdout);
		print_process(forest, process);
		if (depth < MOST_LEVELS && depth <= forest->query->depth) {
			children(forest, number, &levels[depth].at, &levels[depth].end);
			depth++;
		}
	}
	return shown;
}

/* Mark what is at or below a process; a ring of parents ends at what is marked. */
static void mark_below(struct forest *forest, uint32_t root, uint32_t *stack)
{
	size_t depth = 0;

	if (forest->processes[root].shown)
		return;
	forest->processes[root].shown = true;
	stack[depth++] = root;
	while (depth) {
		uint32_t at, end;

		children(forest, stack[--depth], &at, &end);
		for (; at < end; at++) {
			struct process *const process = &forest->processes[forest->order[at]];

			if (process->shown)
				continue;
			process->shown = true;
			stack[depth++] = forest->order[at];
		}
	}
}

/* For programs and pictures: the images, and the edges of fork and exec. */
static enum status print_graph(struct forest *forest, const struct objects *objects)
{
	const struct query *const query = forest->query;
	const uint64_t all = graph_edge_count(query->graph);
	uint32_t *const edges = malloc((all + 1) * sizeof(*edges));
	uint32_t *const stack = malloc((forest->process_count + 1ull) * sizeof(*stack));
	struct vertex *const lone = malloc((forest->image_count + 1ull) * sizeof(*lone));
	size_t count = 0, lone_count = 0;
	struct answer answer;
	enum status status;

	if (!edges || !stack || !lone) {
		free(edges);
		free(stack);
		free(lone);
		complain("out of memory");
		return NO_MEMORY;
	}
	for (size_t i = 0; objects && i < objects->count; i++)
		if (forest->process_of[objects->nodes[i]] != GRAPH_NONE)
			mark_below(forest, forest->process_of[objects->nodes[i]], stack);
	for (uint32_t i = 0; !objects && i < forest->process_count; i++)
		forest->processes[i].shown = true;
	free(stack);
	for (uint32_t i = 0; i < forest->image_count; i++) {
		const struct process *const process =
			&forest->processes[forest->process_of[forest->images[i]]];

		if (process->shown && in_window(forest, process))
			lone[lone_count++] = (struct vertex) {
				forest->images[i],
				graph_node(query->graph, forest->images[i])->last_version
			};
	}
	for (uint64_t i = 0; i < all; i++) {
		const struct graph_edge *const edge = graph_edge(query->graph, i);
		const uint32_t from = forest->process_of[edge->from];
		const uint32_t to = forest->process_of[edge->to];

		if ((edge->op == PROV_OP_FORK || edge->op == PROV_OP_EXEC) &&
		    edge->class == PROV_R_EDGE_DATA && from != GRAPH_NONE && to != GRAPH_NONE &&
		    forest->processes[from].shown && forest->processes[to].shown &&
		    edge_in_window(query, edge))
			edges[count++] = i;
	}
	status = answer_init(&answer, query, edges, count, lone, lone_count);
	answer.start_count = 0;
	answer.classes = TRAVERSE_DATA;
	if (status == FOUND)
		status = answer_print(&answer);
	if (status == FOUND && !answer.vertex_count)
		status = NOTHING_FOUND;
	answer_free(&answer);
	return status;
}

enum status verb_tree(struct query *query)
{
	struct forest forest = { .query = query };
	struct objects objects = {};
	enum status status = FOUND;
	uint64_t shown = 0;

	if (query->arg_count)
		status = objects_find(query, query->args[0], &objects);
	if (status != FOUND)
		goto out;
	if (!grow_forest(&forest)) {
		complain("out of memory");
		status = NO_MEMORY;
		goto out;
	}
	if (query->format != TEXT) {
		status = print_graph(&forest, query->arg_count ? &objects : NULL);
		goto out;
	}
	for (size_t i = 0; i < objects.count; i++) {
		const uint32_t process = forest.process_of[objects.nodes[i]];

		if (process != GRAPH_NONE && !forest.processes[process].shown)
			shown += print_below(&forest, process);
	}
	/* Roots first; then what a ring of parents keeps from having one. */
	for (int pass = 0; !query->arg_count && pass < 2; pass++)
		for (uint32_t i = 0; i < forest.process_count; i++)
			if (!forest.processes[i].shown && in_window(&forest, &forest.processes[i]) &&
			    (pass || forest.processes[i].parent == GRAPH_NONE ||
			     !in_window(&forest, &forest.processes[forest.processes[i].parent])))
				shown += print_below(&forest, i);
	printf("\n%" PRIu64 " processes; times are UTC, ⇒ is exec.\n", shown);
	print_log_state(query, stdout);
	status = shown ? FOUND : NOTHING_FOUND;
out:
	cut_forest(&forest);
	free(objects.nodes);
	return status;
}
