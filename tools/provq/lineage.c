// SPDX-License-Identifier: GPL-2.0
/* ancestry, descendants and path: what came from where. */
#include <stdlib.h>
#include <string.h>

#include "provq.h"

static struct traverse_query traversal(const struct query *query, bool forward)
{
	return (struct traverse_query) {
		.graph = query->graph,
		.forward = forward,
		.classes = query->classes,
		.max_depth = query->depth,
		.since_ns = query->since_ns,
		.until_ns = query->until_ns,
		.hidden = query->hide ? hide_hidden : NULL,
		.context = query->hide,
	};
}

static struct vertex *to_vertices(const struct traverse_start *starts, size_t count)
{
	struct vertex *const vertices = malloc((count + 1) * sizeof(*vertices));

	for (size_t i = 0; vertices && i < count; i++)
		vertices[i] = (struct vertex) { starts[i].node, starts[i].version };
	return vertices;
}

static enum status lineage(struct query *query, bool forward)
{
	const struct traverse_query question = traversal(query, forward);
	struct traverse_start *starts = NULL;
	struct traverse_result result = {};
	struct objects objects;
	struct answer answer = {};
	enum status status;

	status = objects_find(query, query->args[0], &objects);
	if (status != FOUND)
		goto out;
	if (query->hide)
		hide_keep(query->hide, &objects);
	starts = objects_starts(query, &objects, forward);
	if (!starts || traverse(&question, starts, objects.count, &result)) {
		complain("out of memory");
		status = NO_MEMORY;
		goto out;
	}
	status = answer_init(&answer, query, result.edges, result.edge_count,
			     to_vertices(starts, objects.count), objects.count);
	result.edges = NULL;
	answer.backward = !forward;
	answer.cut_depth = result.cut_depth;
	answer.hidden = result.hidden;
	answer.hidden_count = result.hidden_count;
	result.hidden = NULL;
	if (status == FOUND)
		status = answer_print(&answer);
out:
	answer_free(&answer);
	traverse_free(&result);
	free(starts);
	free(objects.nodes);
	return status;
}

enum status verb_ancestry(struct query *query)
{
	return lineage(query, false);
}

enum status verb_descendants(struct query *query)
{
	return lineage(query, true);
}

/* Keep those objects that a path begins (or ends) with; false without memory. */
static bool keep_starts(const struct query *query, const uint32_t *edges, size_t edge_count,
			bool ends, struct traverse_start *starts, size_t *count)
{
	bool *const on_path = calloc(graph_node_count(query->graph) + 1ull, sizeof(*on_path));
	size_t kept = 0;

	if (!on_path)
		return false;
	for (size_t i = 0; i < edge_count; i++) {
		const struct graph_edge *const edge = graph_edge(query->graph, edges[i]);

		on_path[ends ? edge->to : edge->from] = true;
	}
	for (size_t i = 0; i < *count; i++)
		if (on_path[starts[i].node])
			starts[kept++] = starts[i];
	*count = kept;
	free(on_path);
	return true;
}

/* Keep the edges that are on a path; count those that only longer ones use. */
static void keep_joined(const struct query *query, struct traverse_result *out,
			const struct traverse_result *in)
{
	uint64_t cut = out->cut_depth < in->cut_depth ? out->cut_depth : in->cut_depth;
	size_t kept = 0;

	for (size_t i = 0; i < out->edge_count; i++) {
		const uint32_t edge = out->edges[i];

		if (traverse_joined(query->graph, out, in, edge, query->depth))
			out->edges[kept++] = edge;
		else if (query->depth != UINT32_MAX)
			cut += traverse_joined(query->graph, out, in, edge, UINT32_MAX);
	}
	out->edge_count = kept;
	out->cut_depth = cut;
}

static void say_no_path(const struct query *query, uint64_t cut_depth)
{
	complain("nothing went from \"%s\" to \"%s\"%s", query->args[0], query->args[1],
		 cut_depth ? " within --depth" : "");
}

enum status verb_path(struct query *query)
{
	const struct traverse_query forward = traversal(query, true);
	const struct traverse_query backward = traversal(query, false);
	struct traverse_start *from = NULL, *to = NULL;
	struct traverse_result out = {}, in = {};
	struct objects a = {}, b = {};
	struct answer answer = {};
	enum status status;
	size_t count = 0;

	status = objects_find(query, query->args[0], &a);
	if (status == FOUND)
		status = objects_find(query, query->args[1], &b);
	if (status != FOUND)
		goto out;
	if (query->hide) {
		hide_keep(query->hide, &a);
		hide_keep(query->hide, &b);
	}
	from = objects_starts(query, &a, true);
	to = objects_starts(query, &b, false);
	answer.starts = malloc((a.count + b.count + 1) * sizeof(*answer.starts));
	if (!from || !to || !answer.starts || traverse(&forward, from, a.count, &out) ||
	    traverse(&backward, to, b.count, &in)) {
		complain("out of memory");
		status = NO_MEMORY;
		goto out;
	}
	keep_joined(query, &out, &in);
	if (!keep_starts(query, out.edges, out.edge_count, false, from, &a.count) ||
	    !keep_starts(query, out.edges, out.edge_count, true, to, &b.count)) {
		complain("out of memory");
		status = NO_MEMORY;
		goto out;
	}
	/* B first: the tree is read backward, as that of an ancestry. */
	for (size_t i = 0; i < b.count; i++)
		answer.starts[count++] = (struct vertex) { to[i].node, to[i].version };
	for (size_t i = 0; i < a.count; i++)
		answer.starts[count++] = (struct vertex) { from[i].node, from[i].version };
	status = answer_init(&answer, query, out.edges, out.edge_count, answer.starts, count);
	out.edges = NULL;
	answer.backward = true;
	answer.cut_depth = out.cut_depth;
	answer.hidden = in.hidden;
	answer.hidden_count = in.hidden_count;
	in.hidden = NULL;
	if (status != FOUND)
		goto out;
	status = answer_print(&answer);
	if (!count) {
		say_no_path(query, answer.cut_depth);
		status = NOTHING_FOUND;
	}
out:
	answer_free(&answer);
	traverse_free(&out);
	traverse_free(&in);
	free(from);
	free(to);
	free(a.nodes);
	free(b.nodes);
	return status;
}
