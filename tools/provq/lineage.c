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

/*
 * An edge is on a path from A to B if it can be reached from A and B can be
 * reached from it: whether two edges fit depends on these two alone.
 */
enum status verb_path(struct query *query)
{
	const struct traverse_query forward = traversal(query, true);
	const struct traverse_query backward = traversal(query, false);
	struct traverse_start *from = NULL, *to = NULL;
	struct traverse_result out = {}, in = {};
	struct objects a = {}, b = {};
	struct answer answer = {};
	enum status status;
	size_t kept = 0;

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
	if (!from || !to || traverse(&forward, from, a.count, &out) ||
	    traverse(&backward, to, b.count, &in)) {
		complain("out of memory");
		status = NO_MEMORY;
		goto out;
	}
	for (size_t i = 0; i < out.edge_count; i++)
		if (traverse_crossed(&in, out.edges[i]))
			out.edges[kept++] = out.edges[i];
	if (!kept) {
		complain("nothing went from \"%s\" to \"%s\"", query->args[0], query->args[1]);
		status = NOTHING_FOUND;
	}
	/* Only those objects that a path begins or ends with are printed. */
	for (int side = 0; side < 2; side++) {
		struct objects *const objects = side ? &b : &a;
		struct traverse_start *const starts = side ? to : from;
		size_t used = 0;

		for (size_t i = 0; i < objects->count; i++) {
			bool on_path = false;

			for (size_t j = 0; j < kept && !on_path; j++) {
				const struct graph_edge *const edge =
					graph_edge(query->graph, out.edges[j]);

				on_path = (side ? edge->to : edge->from) == starts[i].node;
			}
			if (on_path)
				starts[used++] = starts[i];
		}
		objects->count = used;
	}
	/* B first: the tree is read backward, as that of an ancestry. */
	answer.starts = malloc((a.count + b.count + 1) * sizeof(*answer.starts));
	if (!answer.starts) {
		complain("out of memory");
		status = NO_MEMORY;
		goto out;
	}
	if (kept) {
		struct vertex *const starts = answer.starts;
		size_t count = 0;

		for (int side = 1; side >= 0; side--) {
			for (size_t i = 0; i < (side ? b.count : a.count); i++) {
				const struct traverse_start *const s = side ? &to[i] : &from[i];

				starts[count++] = (struct vertex) { s->node, s->version };
			}
		}
		status = answer_init(&answer, query, out.edges, kept, starts, count);
		out.edges = NULL;
		answer.backward = true;
		answer.cut_depth = out.cut_depth < in.cut_depth ? out.cut_depth : in.cut_depth;
		answer.hidden = in.hidden;
		answer.hidden_count = in.hidden_count;
		in.hidden = NULL;
		if (status == FOUND)
			status = answer_print(&answer);
	} else if (query->format == JSON) {
		json_trailer(query, NULL, 0, 0, stdout);
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
