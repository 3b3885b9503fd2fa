// SPDX-License-Identifier: GPL-2.0
/* What is printed: nodes with their versions, and edges. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "provq.h"
#include "record.h"

static int by_vertex(const void *one, const void *two)
{
	const struct vertex *const a = one, *const b = two;

	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	return a->version < b->version ? -1 : a->version > b->version;
}

static int by_time(const void *one, const void *two, void *context)
{
	const struct graph *const graph = context;
	const uint32_t i = *(const uint32_t *)one, j = *(const uint32_t *)two;
	const struct graph_edge *const a = graph_edge(graph, i), *const b = graph_edge(graph, j);
	const uint32_t a_boot = graph_node(graph, a->to)->boot;
	const uint32_t b_boot = graph_node(graph, b->to)->boot;

	if (a_boot != b_boot)
		return a_boot < b_boot ? -1 : 1;
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return i < j ? -1 : i > j;
}

enum status answer_init(struct answer *answer, const struct query *query, uint32_t *edges,
			size_t edge_count, struct vertex *starts, size_t start_count)
{
	struct graph *const graph = query->graph;
	size_t kept = 0, dropped = 0;

	memset(answer, 0, sizeof(*answer));
	answer->query = query;
	answer->classes = query->classes;
	answer->edges = edges;
	answer->starts = starts;
	answer->start_count = start_count;
	if (!graph_take(graph, (2 * edge_count + start_count) * sizeof(*answer->vertices)))
		answer->vertices = malloc((2 * edge_count + start_count + 1) *
					  sizeof(*answer->vertices));
	if (!answer->vertices) {
		complain("out of memory");
		return NO_MEMORY;
	}
	for (size_t i = 0; i < start_count; i++) {
		if (node_wanted(query, starts[i].node))
			answer->vertices[answer->vertex_count++] = starts[i];
		else
			dropped++;
	}
	for (size_t i = 0; i < edge_count; i++) {
		const struct graph_edge *const edge = graph_edge(graph, edges[i]);
		const bool from = node_wanted(query, edge->from), to = node_wanted(query, edge->to);

		if (from)
			answer->vertices[answer->vertex_count++] =
				(struct vertex) { edge->from, edge->from_version };
		if (to)
			answer->vertices[answer->vertex_count++] =
				(struct vertex) { edge->to, edge->to_version };
		if (from && to)
			edges[kept++] = edges[i];
		else
			dropped++;
	}
	answer->edge_count = kept;
	answer->cut_kind = dropped;
	qsort(answer->vertices, answer->vertex_count, sizeof(*answer->vertices), by_vertex);
	kept = 0;
	for (size_t i = 0; i < answer->vertex_count; i++)
		if (!kept || by_vertex(&answer->vertices[kept - 1], &answer->vertices[i]))
			answer->vertices[kept++] = answer->vertices[i];
	answer->vertex_count = kept;
	if (answer->edge_count)
		qsort_r(answer->edges, answer->edge_count, sizeof(*answer->edges), by_time, graph);
	return FOUND;
}

void answer_free(struct answer *answer)
{
	free(answer->vertices);
	free(answer->edges);
	free(answer->starts);
	free(answer->hidden);
	memset(answer, 0, sizeof(*answer));
}

bool answer_is_start(const struct answer *answer, uint32_t node)
{
	for (size_t i = 0; i < answer->start_count; i++)
		if (answer->starts[i].node == node)
			return true;
	return false;
}

/*
 * Records are lost between the end of a sub-buffer and the beginning of the
 * next of its CPU; where sub-buffers are missing, the running total tells.
 */
uint64_t lost_in_window(const struct query *query, uint64_t *missing)
{
	uint64_t lost = 0;

	*missing = 0;
	for (size_t i = 0; i < graph_subbuf_count(query->graph); i++) {
		const struct graph_subbuf *const now = graph_subbuf(query->graph, i);
		const struct graph_subbuf *const before =
			i ? graph_subbuf(query->graph, i - 1) : NULL;
		const bool follows = before && before->boot == now->boot && before->cpu == now->cpu;
		uint64_t from_ns = 0;

		if (follows)
			from_ns = graph_wall_ns(query->graph, now->boot, before->last_ns);
		if (from_ns > query->until_ns ||
		    graph_wall_ns(query->graph, now->boot, now->first_ns) < query->since_ns)
			continue;
		if (!follows || now->seq == before->seq + 1) {
			lost += now->lost;
			continue;
		}
		*missing += now->seq - before->seq - 1;
		lost += now->lost_total >= before->lost_total ?
			now->lost_total - before->lost_total : now->lost;
	}
	return lost;
}

uint64_t log_faults(const struct query *query)
{
	uint64_t sum = 0;

	for (int i = 0; i < GRAPH_F_COUNT; i++)
		sum += graph_info(query->graph)->faults[i];
	return sum;
}

void print_log_state(const struct query *query, FILE *out)
{
	uint64_t missing;
	const uint64_t lost = lost_in_window(query, &missing);

	if (lost)
		fprintf(out, "%" PRIu64 " records were lost in this window: the answer may be incomplete.\n",
			lost);
	if (missing)
		fprintf(out, "%" PRIu64 " sub-buffers are missing from the log in this window: the answer may be incomplete.\n",
			missing);
	if (log_faults(query))
		fputs("The log is damaged (see provq verify): the answer may be incomplete.\n", out);
}

static void print_hidden(const struct answer *answer, FILE *out)
{
	const char *name;

	fprintf(out, "Hidden: %zu nodes (", answer->hidden_count);
	for (unsigned int set = 0, printed = 0; (name = hide_set_name(set)) != NULL; set++) {
		size_t count = 0;

		for (size_t i = 0; i < answer->hidden_count; i++)
			count += hide_set_of(answer->query->hide, answer->hidden[i]) == name;
		if (count)
			fprintf(out, "%s%s %zu", printed++ ? ", " : "", name, count);
	}
	fputs("); --no-hide shows them.\n", out);
}

#define OTHERS_NAMED 5

static void print_others(const struct query *query, FILE *out)
{
	for (size_t i = 0; i < query->others_count; i++) {
		const struct others *const others = &query->others[i];
		char id[48];

		text_print(out, others->object, strlen(others->object));
		fprintf(out, ": %zu other object%s this name%s:", others->count,
			others->count > 1 ? "s hold" : " holds",
			others->moved ? ", or held it until a directory was renamed" : "");
		for (size_t j = 0; j < others->count && j < OTHERS_NAMED; j++) {
			node_id(query, others->nodes[j], id);
			fprintf(out, "%s node:%s", j ? "," : "", id);
		}
		fprintf(out, "%s; --all takes all.\n", others->count > OTHERS_NAMED ? ", …" : "");
	}
}

void answer_footer(const struct answer *answer, FILE *out)
{
	const struct query *const query = answer->query;
	const uint32_t classes[] = { PROV_R_EDGE_DATA, PROV_R_EDGE_META, PROV_R_EDGE_CONTROL };
	bool begun = false;

	print_others(query, out);
	for (int i = 0; i < 3; i++) {
		if (answer->classes >> classes[i] & 1)
			continue;
		fprintf(out, "%s%s", begun ? ", " : "Not followed: ", prov_class_name(classes[i]));
		begun = true;
	}
	if (begun)
		fputs(" (--follow data,meta,control follows all).\n", out);
	if (answer->hidden_count)
		print_hidden(answer, out);
	if (answer->cut_depth)
		fprintf(out, "Cut: %" PRIu64 " edges beyond --depth %" PRIu32 ".\n",
			answer->cut_depth, query->depth);
	if (answer->cut_kind)
		fprintf(out, "Cut: %" PRIu64 " nodes or edges by --kind.\n", answer->cut_kind);
	if (query->since_ns)
		fputs("What began before --since and only went on after it is not shown: repetitions are not recorded.\n",
		      out);
	print_log_state(query, out);
}

enum status answer_print(const struct answer *answer)
{
	enum status status;

	switch (answer->query->format) {
	case JSON:
		status = json_answer(answer, stdout);
		break;
	case DOT:
		dot_answer(answer, stdout);
		status = FOUND;
		break;
	case SVG:
		status = svg_answer(answer);
		break;
	default:
		status = text_answer(answer, stdout);
	}
	return status == FOUND && !answer->vertex_count ? NOTHING_FOUND : status;
}
