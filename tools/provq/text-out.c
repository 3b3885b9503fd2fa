// SPDX-License-Identifier: GPL-2.0
/*
 * Answers for people: a tree that begins with the object
 *
 * Versions of a node are one line, and repeated edges between two nodes are one
 * branch with a count.  The answer is a graph, so a node can hang on several
 * branches: what is behind it is shown where it is nearest to the object.
 *
 * In an ancestry, who started a process comes after all else that went into it:
 * that branch leads back to the start of the machine.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "provq.h"
#include "record.h"
#include "when.h"

#define LABEL_WIDTH 150
#define INDENT_LEVELS 60	/* deeper branches are not indented further */

/* Edges between two nodes of one kind, seen from the node nearer to the object. */
struct branch {
	uint32_t near;
	uint32_t far;
	const char *name;
	const struct graph_edge *refused;	/* or NULL */
	uint8_t class;
	bool lineage;		/* from the process that it was before, or that forked it */
	uint32_t count;
	uint64_t first_ns;	/* wall clock */
	uint64_t last_ns;
};

struct level {
	size_t at;
	size_t end;
};

static int by_pair(const void *one, const void *two)
{
	const struct branch *const a = one, *const b = two;

	if (a->near != b->near)
		return a->near < b->near ? -1 : 1;
	if (a->far != b->far)
		return a->far < b->far ? -1 : 1;
	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	if (a->refused != b->refused)
		return a->refused < b->refused ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int by_near_and_time(const void *one, const void *two)
{
	const struct branch *const a = one, *const b = two;

	if (a->near != b->near)
		return a->near < b->near ? -1 : 1;
	if (a->lineage != b->lineage)
		return a->lineage ? 1 : -1;
	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns ? -1 : 1;
	return by_pair(one, two);
}

static size_t make_branches(const struct answer *answer, struct branch *branches)
{
	const struct graph *const graph = answer->query->graph;
	size_t kept = 0;

	for (size_t i = 0; i < answer->edge_count; i++) {
		const struct graph_edge *const edge = graph_edge(graph, answer->edges[i]);
		const uint64_t wall_ns = graph_edge_wall_ns(graph, edge);

		branches[i] = (struct branch) {
			.near = answer->backward ? edge->to : edge->from,
			.far = answer->backward ? edge->from : edge->to,
			.name = edge_name(edge),
			.class = edge->class,
			.refused = edge->op == PROV_OP_REFUSED ? edge : NULL,
			.lineage = answer->backward && edge->class == PROV_R_EDGE_DATA &&
				   (edge->op == PROV_OP_FORK || edge->op == PROV_OP_EXEC) &&
				   graph_node(graph, edge->from)->kind == PROV_K_PROCESS,
			.count = 1,
			.first_ns = wall_ns,
			.last_ns = wall_ns,
		};
	}
	qsort(branches, answer->edge_count, sizeof(*branches), by_pair);
	for (size_t i = 0; i < answer->edge_count; i++) {
		struct branch *const last = kept ? &branches[kept - 1] : NULL;

		if (!last || by_pair(last, &branches[i])) {
			branches[kept++] = branches[i];
			continue;
		}
		last->count++;
		if (branches[i].first_ns < last->first_ns)
			last->first_ns = branches[i].first_ns;
		if (branches[i].last_ns > last->last_ns)
			last->last_ns = branches[i].last_ns;
	}
	qsort(branches, kept, sizeof(*branches), by_near_and_time);
	return kept;
}

static struct level branches_of(const struct branch *branches, size_t count, uint32_t node)
{
	size_t low = 0, high = count;
	struct level level;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (branches[middle].near < node)
			low = middle + 1;
		else
			high = middle;
	}
	level.at = low;
	level.end = low;
	while (level.end < count && branches[level.end].near == node)
		level.end++;
	return level;
}

static void print_node(const struct query *query, uint32_t node, FILE *out)
{
	char id[48];

	node_id(query, node, id);
	node_label(query, node, out, LABEL_WIDTH);
	fprintf(out, "  [%s %s]", graph_node(query->graph, node)->kind ?
		prov_kind_name(graph_node(query->graph, node)->kind) : "node", id);
}

static bool several_days(const struct answer *answer)
{
	const uint64_t day_ns = 86400ull * 1000000000;
	uint64_t first = UINT64_MAX, last = 0;

	for (size_t i = 0; i < answer->edge_count; i++) {
		const uint64_t wall_ns = graph_edge_wall_ns(answer->query->graph,
			graph_edge(answer->query->graph, answer->edges[i]));

		if (wall_ns < first)
			first = wall_ns;
		if (wall_ns > last)
			last = wall_ns;
	}
	return answer->edge_count && first / day_ns != last / day_ns;
}

static void print_branch(const struct answer *answer, const struct branch *branch, bool date,
			 FILE *out)
{
	char text[WHEN_BYTES];

	when_format_short(text, branch->first_ns, date);
	fprintf(out, "%s %s", branch->name, text);
	if (branch->refused)
		print_refusal(answer->query, branch->refused, out);
	if (branch->count > 1) {
		when_format_short(text, branch->last_ns, date);
		fprintf(out, " … %s (%" PRIu32 "×)", text, branch->count);
	}
	fputs("  ", out);
	print_node(answer->query, branch->far, out);
}

#define TREE_BYTES (2 * sizeof(uint32_t) + 2 * sizeof(bool))	/* for a node */

/*
 * Find for each node the branch at which it is nearest to the object, and shown
 * with what is behind it: GRAPH_NONE for the object itself.
 */
static uint32_t *find_homes(const struct answer *answer, const struct branch *branches,
			    size_t branch_count)
{
	const uint32_t nodes = graph_node_count(answer->query->graph);
	uint32_t *const homes = malloc((nodes + 1ull) * sizeof(*homes));
	uint32_t *const queue = malloc((nodes + 1ull) * sizeof(*queue));
	bool *const reached = calloc(nodes + 1ull, sizeof(*reached));
	size_t begin = 0, end = 0;

	if (!homes || !queue || !reached) {
		free(homes);
		free(queue);
		free(reached);
		return NULL;
	}
	memset(homes, 0xff, (nodes + 1ull) * sizeof(*homes));
	for (size_t i = 0; i < answer->start_count; i++) {
		if (!reached[answer->starts[i].node])
			queue[end++] = answer->starts[i].node;
		reached[answer->starts[i].node] = true;
	}
	while (begin < end) {
		const struct level level = branches_of(branches, branch_count, queue[begin++]);

		for (size_t i = level.at; i < level.end; i++) {
			if (reached[branches[i].far])
				continue;
			reached[branches[i].far] = true;
			homes[branches[i].far] = i;
			queue[end++] = branches[i].far;
		}
	}
	free(queue);
	free(reached);
	return homes;
}

/* Which nodes are the far end of a branch? */
static bool *find_far(const struct answer *answer, const struct branch *branches,
		      size_t branch_count)
{
	bool *const far = calloc(graph_node_count(answer->query->graph) + 1ull, sizeof(*far));

	for (size_t i = 0; far && i < branch_count; i++)
		far[branches[i].far] = true;
	return far;
}

static enum status print_tree(const struct answer *answer, const struct branch *branches,
			      size_t branch_count, FILE *out)
{
	const bool date = several_days(answer);
	uint32_t *const homes = find_homes(answer, branches, branch_count);
	bool *const far = find_far(answer, branches, branch_count);
	struct level *const levels = malloc((branch_count + 2) * sizeof(*levels));

	if (!homes || !far || !levels) {
		free(homes);
		free(far);
		free(levels);
		complain("out of memory");
		return NO_MEMORY;
	}
	for (size_t i = 0; i < answer->start_count; i++) {
		size_t depth = 1;

		levels[0] = branches_of(branches, branch_count, answer->starts[i].node);
		/* The far end of a path is in the tree of the near one. */
		if (levels[0].at == levels[0].end && far[answer->starts[i].node])
			continue;
		print_node(answer->query, answer->starts[i].node, out);
		putc('\n', out);
		while (depth) {
			struct level *const level = &levels[depth - 1];
			const struct branch *branch;
			struct level below;
			size_t number;

			if (level->at == level->end) {
				depth--;
				continue;
			}
			number = level->at++;
			branch = &branches[number];
			for (size_t j = 0; j + 1 < depth && j < INDENT_LEVELS; j++)
				fputs(levels[j].at < levels[j].end ? "│  " : "   ", out);
			fputs(level->at < level->end ? "├─ " : "└─ ", out);
			print_branch(answer, branch, date, out);
			below = branches_of(branches, branch_count, branch->far);
			if (homes[branch->far] == number)
				levels[depth++] = below;
			else if (below.at < below.end)
				fputs("  (shown elsewhere)", out);
			putc('\n', out);
		}
	}
	free(homes);
	free(far);
	free(levels);
	return FOUND;
}

static enum status print_list(const struct answer *answer, FILE *out)
{
	for (size_t i = 0; i < answer->vertex_count; i++) {
		if (i && answer->vertices[i].node == answer->vertices[i - 1].node)
			continue;
		print_node(answer->query, answer->vertices[i].node, out);
		putc('\n', out);
	}
	return FOUND;
}

enum status text_answer(const struct answer *answer, FILE *out)
{
	const uint64_t bytes = answer->edge_count * (sizeof(struct branch) + sizeof(struct level)) +
			       graph_node_count(answer->query->graph) * TREE_BYTES;
	struct branch *branches = NULL;
	enum status status;
	size_t nodes = 0;

	if (!graph_take(answer->query->graph, bytes))
		branches = malloc((answer->edge_count + 1) * sizeof(*branches));
	if (!branches) {
		complain("out of memory");
		return NO_MEMORY;
	}
	/* Without nodes of other kinds between them, what is left is no tree. */
	if (answer->query->kinds)
		status = print_list(answer, out);
	else
		status = print_tree(answer, branches, make_branches(answer, branches), out);
	free(branches);
	if (status != FOUND)
		return status;
	for (size_t i = 0; i < answer->vertex_count; i++)
		nodes += !i || answer->vertices[i].node != answer->vertices[i - 1].node;
	fprintf(out, "\n%zu nodes, %zu edges; times are UTC", nodes, answer->edge_count);
	if (answer->edge_count && !several_days(answer)) {
		char text[WHEN_BYTES];

		when_format(text, graph_edge_wall_ns(answer->query->graph,
			graph_edge(answer->query->graph, answer->edges[0])));
		fprintf(out, " of %.10s", text);
	}
	fputs(".\n", out);
	answer_footer(answer, out);
	return FOUND;
}
