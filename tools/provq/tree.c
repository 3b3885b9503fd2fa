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
#define INDENT_LEVELS 60		/* deeper branches are not indented further */

struct process {
	uint32_t first;		/* place of its first image in the sorted images */
	uint32_t count;
	uint32_t parent;	/* process, or GRAPH_NONE */
	uint64_t start_ns;	/* wall clock */
	uint32_t level;		/* below what was asked for, in processes of the window */
	bool reached;
	bool wanted;		/* reached, in the window and not too deep */
	bool printed;
};

struct forest {
	const struct query *query;
	uint32_t *images;	/* process nodes by (boot, start, pid, time) */
	uint32_t image_count;
	struct process *processes;
	uint32_t process_count;
	uint32_t *process_of;	/* by node */
	uint32_t *order;	/* processes by (parent, time) */
	uint32_t *queue;	/* room for all processes */
	uint64_t cut_depth;	/* processes that are not wanted because of --depth */
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
	forest->queue = malloc((nodes + 1ull) * sizeof(*forest->queue));
	if (!forest->images || !forest->process_of || !forest->processes || !forest->order ||
	    !forest->queue)
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
	free(forest->queue);
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

static bool process_wanted(const struct forest *forest, const struct process *process)
{
	return node_wanted(forest->query, forest->images[process->first]) &&
	       in_window(forest, process);
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

/*
 * Reach what is below the first @count processes of the queue.  A process that
 * ended before the window is passed through; a ring of parents ends at what was
 * reached before.
 */
static void reach_below(struct forest *forest, uint32_t count)
{
	for (uint32_t begin = 0; begin < count; begin++) {
		struct process *const process = &forest->processes[forest->queue[begin]];
		uint32_t at, end;

		process->wanted = process_wanted(forest, process);
		if (process->wanted && process->level > forest->query->depth) {
			process->wanted = false;
			forest->cut_depth++;
			continue;
		}
		children(forest, forest->queue[begin], &at, &end);
		for (; at < end; at++) {
			struct process *const child = &forest->processes[forest->order[at]];

			if (child->reached)
				continue;
			child->reached = true;
			child->level = process->level + process->wanted;
			forest->queue[count++] = forest->order[at];
		}
	}
}

static bool add_root(struct forest *forest, uint32_t process, uint32_t *count)
{
	if (process == GRAPH_NONE || forest->processes[process].reached)
		return false;
	forest->processes[process].reached = true;
	forest->queue[(*count)++] = process;
	return true;
}

/* Decide what is wanted: below the objects, or all. */
static void choose(struct forest *forest, const struct objects *objects)
{
	uint32_t count = 0;

	for (size_t i = 0; i < objects->count; i++)
		add_root(forest, forest->process_of[objects->nodes[i]], &count);
	for (uint32_t i = 0; !objects->count && i < forest->process_count; i++)
		if (forest->processes[i].parent == GRAPH_NONE)
			add_root(forest, i, &count);
	reach_below(forest, count);
	/* Then what a ring of parents keeps from having a root. */
	for (uint32_t i = 0; !objects->count && i < forest->process_count; i++) {
		count = 0;
		if (add_root(forest, i, &count))
			reach_below(forest, count);
	}
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

/* Step to the next child that is to be printed, if there is one. */
static bool more_children(const struct forest *forest, struct level *level)
{
	for (; level->at < level->end; level->at++) {
		const struct process *const child = &forest->processes[forest->order[level->at]];

		if (child->wanted && !child->printed)
			return true;
	}
	return false;
}

/* @levels: room for all processes and one more */
static uint64_t print_below(struct forest *forest, uint32_t root, struct level *levels)
{
	uint64_t printed = 1;
	size_t depth = 1;

	print_process(forest, &forest->processes[root]);
	forest->processes[root].printed = true;
	children(forest, root, &levels[0].at, &levels[0].end);
	while (depth) {
		struct level *const level = &levels[depth - 1];
		uint32_t number;

		if (!more_children(forest, level)) {
			depth--;
			continue;
		}
		number = forest->order[level->at++];
		forest->processes[number].printed = true;
		printed++;
		for (size_t i = 0; i + 1 < depth && i < INDENT_LEVELS; i++)
			fputs(more_children(forest, &levels[i]) ? "│  " : "   ", stdout);
		fputs(more_children(forest, level) ? "├─ " : "└─ ", stdout);
		print_process(forest, &forest->processes[number]);
		children(forest, number, &levels[depth].at, &levels[depth].end);
		depth++;
	}
	return printed;
}

/* What hangs on nothing that is printed as well begins a tree. */
static bool begins_tree(const struct forest *forest, const struct process *process)
{
	return process->parent == GRAPH_NONE || !forest->processes[process->parent].wanted;
}

static enum status print_text(struct forest *forest)
{
	const struct answer answer = {
		.query = forest->query, .classes = TRAVERSE_ALL, .cut_depth = forest->cut_depth,
	};
	struct level *const levels = malloc((forest->process_count + 1ull) * sizeof(*levels));
	uint64_t printed = 0;

	if (!levels) {
		complain("out of memory");
		return NO_MEMORY;
	}
	/* The second time, rings of parents are left. */
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < forest->process_count; i++) {
			const struct process *const process = &forest->processes[i];

			if (process->wanted && !process->printed &&
			    (pass || begins_tree(forest, process)))
				printed += print_below(forest, i, levels);
		}
	}
	free(levels);
	printf("\n%" PRIu64 " processes; times are UTC, ⇒ is exec.\n", printed);
	answer_footer(&answer, stdout);
	return printed ? FOUND : NOTHING_FOUND;
}

/* For programs and pictures: the images, and the edges of fork and exec. */
static enum status print_graph(struct forest *forest)
{
	const struct query *const query = forest->query;
	const uint64_t all = graph_edge_count(query->graph);
	uint32_t *const edges = malloc((all + 1) * sizeof(*edges));
	struct vertex *const lone = malloc((forest->image_count + 1ull) * sizeof(*lone));
	size_t count = 0, lone_count = 0;
	struct answer answer;
	enum status status;

	if (!edges || !lone) {
		free(edges);
		free(lone);
		complain("out of memory");
		return NO_MEMORY;
	}
	for (uint32_t i = 0; i < forest->image_count; i++)
		if (forest->processes[forest->process_of[forest->images[i]]].wanted)
			lone[lone_count++] = (struct vertex) {
				forest->images[i],
				graph_node(query->graph, forest->images[i])->last_version
			};
	for (uint64_t i = 0; i < all; i++) {
		const struct graph_edge *const edge = graph_edge(query->graph, i);
		const uint32_t from = forest->process_of[edge->from];
		const uint32_t to = forest->process_of[edge->to];

		if ((edge->op == PROV_OP_FORK || edge->op == PROV_OP_EXEC) &&
		    edge->class == PROV_R_EDGE_DATA && from != GRAPH_NONE && to != GRAPH_NONE &&
		    forest->processes[from].wanted && forest->processes[to].wanted &&
		    edge_in_window(query, edge))
			edges[count++] = i;
	}
	status = answer_init(&answer, query, edges, count, lone, lone_count);
	answer.start_count = 0;
	answer.classes = TRAVERSE_ALL;
	answer.cut_depth = forest->cut_depth;
	if (status == FOUND)
		status = answer_print(&answer);
	answer_free(&answer);
	return status;
}

enum status verb_tree(struct query *query)
{
	struct forest forest = { .query = query };
	struct objects objects = {};
	enum status status = FOUND;

	if (query->arg_count)
		status = objects_find(query, query->args[0], &objects);
	if (status != FOUND)
		goto out;
	if (!grow_forest(&forest)) {
		complain("out of memory");
		status = NO_MEMORY;
		goto out;
	}
	choose(&forest, &objects);
	status = query->format == TEXT ? print_text(&forest) : print_graph(&forest);
out:
	cut_forest(&forest);
	free(objects.nodes);
	return status;
}
