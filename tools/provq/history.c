// SPDX-License-Identifier: GPL-2.0
/* history: what happened to a file, in order of time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "provq.h"
#include "record.h"
#include "when.h"

#define LABEL_WIDTH 110

/* One line: a name, an edge, new attributes, or the end. */
struct event {
	uint64_t wall_ns;
	uint32_t node;
	uint32_t fact;		/* or GRAPH_NONE */
	uint32_t edge;		/* or GRAPH_NONE; neither: the end */
};

struct events {
	struct event *array;
	size_t count, room;
};

static bool add(const struct query *query, struct events *events, uint64_t wall_ns, uint32_t node,
		uint32_t fact, uint32_t edge)
{
	if (!wall_in_window(query, wall_ns))
		return true;
	if (events->count == events->room) {
		const size_t more = events->room * 2 + 64;
		struct event *const bigger = realloc(events->array, more * sizeof(*bigger));

		if (!bigger)
			return false;
		events->array = bigger;
		events->room = more;
	}
	events->array[events->count++] = (struct event) {
		.wall_ns = wall_ns, .node = node, .fact = fact, .edge = edge,
	};
	return true;
}

static int by_time(const void *one, const void *two)
{
	const struct event *const a = one, *const b = two;

	if (a->wall_ns != b->wall_ns)
		return a->wall_ns < b->wall_ns ? -1 : 1;
	/* Names come before what was done by them. */
	if ((a->fact == GRAPH_NONE) != (b->fact == GRAPH_NONE))
		return a->fact == GRAPH_NONE ? 1 : -1;
	if (a->fact != b->fact)
		return a->fact < b->fact ? -1 : 1;
	return a->edge < b->edge ? -1 : a->edge > b->edge;
}

static bool add_edges(const struct query *query, uint32_t node, bool out, struct events *events)
{
	struct graph_cursor cursor = out ? graph_out_of(query->graph, node, 0, UINT32_MAX) :
					   graph_into(query->graph, node, 0, UINT32_MAX);
	const struct graph_edge *edge;
	uint32_t number;

	while ((edge = graph_next(&cursor, &number)) != NULL) {
		/* An edge from the file to itself, or to another of its nodes, once. */
		if (out && (edge->from == edge->to || (edge->flags & GRAPH_EDGE_CONTINUES)))
			continue;
		if (!(query->classes >> edge->class & 1))
			continue;
		if (!add(query, events, graph_edge_wall_ns(query->graph, edge), node, GRAPH_NONE,
			 number))
			return false;
	}
	return true;
}

static bool collect(const struct query *query, const struct objects *objects,
		    struct events *events)
{
	for (size_t i = 0; i < objects->count; i++) {
		const uint32_t node = objects->nodes[i];
		const struct graph_node *const n = graph_node(query->graph, node);

		for (uint32_t j = 0; j < n->fact_count; j++) {
			const struct graph_fact *const fact =
				graph_fact(query->graph, n->fact_first + j);

			if (!add(query, events,
				 graph_wall_ns(query->graph, n->boot, fact->time_ns), node,
				 n->fact_first + j, GRAPH_NONE))
				return false;
		}
		if (!add_edges(query, node, false, events) || !add_edges(query, node, true, events))
			return false;
		if (n->ended &&
		    !add(query, events, graph_wall_ns(query->graph, n->boot, n->end_ns), node,
			 GRAPH_NONE, GRAPH_NONE))
			return false;
	}
	if (events->count)
		qsort(events->array, events->count, sizeof(*events->array), by_time);
	return true;
}

static void print_fact(const struct query *query, const struct graph_fact *fact)
{
	size_t length;
	const void *const blob = graph_blob(query->graph, fact->blob, &length);
	const struct graph_attr *attr;
	char text[96];

	switch (fact->type) {
	case PROV_R_TEXT:
		printf("%-12s", node_name_event(fact->sub) > 0 ? "name" :
		       node_name_event(fact->sub) < 0 ? "name lost" : prov_text_name(fact->sub));
		text_print(stdout, blob, length);
		if (node_name_event(fact->sub))
			printf("  (%s)", prov_text_name(fact->sub));
		break;
	case PROV_R_INODE_ATTR:
		attr = blob;
		printf("%-12smode %07" PRIo32 ", owner %" PRIu32 ":%" PRIu32 ", %" PRIu64 " bytes",
		       "attributes", attr->mode, attr->uid, attr->gid, attr->size);
		break;
	case PROV_R_ADDRESS:
		address_text(blob, text);
		printf("%-12s%s", fact->sub == PROV_END_LOCAL ? "local" : "remote", text);
		break;
	case PROV_R_OPAQUE:
		printf("%-12s%s", "opaque", prov_opaque_name(fact->sub));
		break;
	case PROV_R_PROCESS_ATTR:
		printf("%-12scgroup %" PRIu64, "namespaces",
		       ((const struct graph_process_attr *)blob)->cgroup);
		for (int i = 0; i < PROV_NS_COUNT; i++)
			printf(", %s %" PRIu32, prov_namespace_name(i),
			       ((const struct graph_process_attr *)blob)->ns[i]);
		break;
	case PROV_R_PID:
		printf("%-12s%" PRIu32 " in pid namespace %" PRIu32, "pid",
		       ((const struct graph_pid *)blob)->pid,
		       ((const struct graph_pid *)blob)->ns);
		break;
	default:
		printf("%-12s", fact->type == PROV_R_PEER ? "peer" : "ids");
	}
}

static void print_end(const struct graph_node *node)
{
	if (graph_is_inode(node))
		printf("%s", node->end_code == 1 ? "deleted" :
		       "its memory was freed; the file goes on");
	else if (node->kind != PROV_K_PROCESS)
		return;
	else if (node->end_code == PROV_END_EXECUTED)
		printf("executed another program");
	else if (WIFSIGNALED(node->end_code))
		printf("signal %d", WTERMSIG(node->end_code));
	else
		printf("exit %d", WEXITSTATUS(node->end_code));
}

static void print_event(const struct query *query, const struct event *event)
{
	char text[WHEN_BYTES];

	when_format_short(text, event->wall_ns, true);
	printf("%s  ", text);
	if (event->fact != GRAPH_NONE) {
		print_fact(query, graph_fact(query->graph, event->fact));
	} else if (event->edge != GRAPH_NONE) {
		const struct graph_edge *const edge = graph_edge(query->graph, event->edge);
		const bool in = edge->to == event->node;
		char id[48];

		printf("%-12s%s ", edge_name(edge), in ? "by" : "into");
		node_label(query, in ? edge->from : edge->to, stdout, LABEL_WIDTH);
		node_id(query, in ? edge->from : edge->to, id);
		printf("  [%s %s]", prov_kind_name(graph_node(query->graph,
			in ? edge->from : edge->to)->kind), id);
		print_refusal(query, edge, stdout);
	} else {
		printf("%-12s", "end");
		print_end(graph_node(query->graph, event->node));
	}
	putchar('\n');
}

static enum status print_answer(const struct query *query, const struct objects *objects,
				const struct events *events)
{
	struct vertex *const starts = malloc((objects->count + 1) * sizeof(*starts));
	uint32_t *const edges = malloc((events->count + 1) * sizeof(*edges));
	struct answer answer;
	enum status status;
	size_t count = 0;

	if (!starts || !edges) {
		free(starts);
		free(edges);
		complain("out of memory");
		return NO_MEMORY;
	}
	for (size_t i = 0; i < objects->count; i++)
		starts[i] = (struct vertex) {
			objects->nodes[i], graph_node(query->graph, objects->nodes[i])->last_version
		};
	for (size_t i = 0; i < events->count; i++)
		if (events->array[i].edge != GRAPH_NONE)
			edges[count++] = events->array[i].edge;
	status = answer_init(&answer, query, edges, count, starts, objects->count);
	if (status == FOUND)
		status = answer_print(&answer);
	answer_free(&answer);
	return status;
}

static void print_events(const struct query *query, const struct objects *objects,
			 const struct events *events)
{
	const struct answer answer = { .query = query, .classes = query->classes };

	for (size_t i = 0; i < events->count; i++)
		print_event(query, &events->array[i]);
	printf("\n%zu events of %zu nodes; times are UTC.\n", events->count, objects->count);
	answer_footer(&answer, stdout);
}

enum status verb_history(struct query *query)
{
	struct events events = {};
	struct objects objects;
	enum status status;

	if (!query->classes_given)
		query->classes = TRAVERSE_ALL;
	status = objects_find(query, query->args[0], &objects);
	if (status == FOUND && !collect(query, &objects, &events)) {
		complain("out of memory");
		status = NO_MEMORY;
	}
	/* Only nodes of some kinds: a list of them, as of other answers. */
	if (status == FOUND && (query->format != TEXT || query->kinds))
		status = print_answer(query, &objects, &events);
	else if (status == FOUND)
		print_events(query, &objects, &events);
	if (status == FOUND && !events.count)
		status = NOTHING_FOUND;
	free(events.array);
	free(objects.nodes);
	return status;
}
