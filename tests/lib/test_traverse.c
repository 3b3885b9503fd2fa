// SPDX-License-Identifier: GPL-2.0
/*
 * Traversal against an oracle
 *
 * Random graphs are written as logs, read and traversed.  The oracles work on the
 * list of edges that was written.  In small graphs, one looks at every path there
 * is and holds it against the definition in traverse.h; in larger ones, another
 * closes by brute force what is known of a path.  A last property plays random
 * flows, notes who knows what, and asks whether the recorded graph says the same.
 *
 * usage: test_traverse [SEED [ROUNDS]]
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graph.h"
#include "logbuild.h"
#include "tempdir.h"
#include "traverse.h"

#define NODES 8
#define MOST_EDGES 48
#define MOST_VERSION 5
#define BASE (5 * LOG_SECOND)

struct edge {
	uint32_t from, to, from_version, to_version;
	uint64_t time;		/* unique */
	int class;
};

static uint64_t random_state;

static uint32_t roll(uint32_t sides)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 20) % sides;
}

static void write_nodes(struct logbuild *log)
{
	for (uint32_t i = 0; i < NODES; i++)
		log_process(log, BASE, i + 1, i + 1, 0, BASE);
}

static struct graph *write_and_load(const char *directory, const struct edge *edges, int count)
{
	struct logbuild *const log = log_begin(directory);
	struct graph *graph = NULL;

	write_nodes(log);
	for (int i = 0; i < count; i++) {
		log_cpu(log, roll(3));
		log_edge(log, edges[i].time, edges[i].class, PROV_OP_READ, edges[i].from + 1,
			 edges[i].from_version, edges[i].to + 1, edges[i].to_version);
	}
	log_end(log);
	if (graph_load(&graph, directory, NULL)) {
		fprintf(stderr, "graph_load failed\n");
		exit(1);
	}
	return graph;
}

/* ---- questions ---------------------------------------------------------- */

struct question {
	bool forward;
	uint32_t classes, depth, start, version, hidden;
	uint64_t since, until;
};

static bool allowed(const struct question *q, const struct edge *e)
{
	const uint32_t next = q->forward ? e->to : e->from;

	return q->classes >> e->class & 1 && e->time >= q->since && e->time <= q->until &&
	       (next != q->hidden);
}

static bool versions_fit(const struct edge *a, const struct edge *b)
{
	return a->to == b->from && a->to_version <= b->from_version;
}

static bool is_first(const struct question *q, const struct edge *e)
{
	return e->from == q->start && e->from_version >= q->version;
}

static bool is_last(const struct question *q, const struct edge *e)
{
	return e->to == q->start && e->to_version <= q->version;
}

/*
 * All of a path that decides how it can go on: its last edge, and forward the
 * latest time on it, backward the time of its earliest meta or control edge.  Times
 * are those of edges, and stand for them.
 */
static void oracle(const struct question *q, const struct edge *edges, int count, bool *answer)
{
	static uint32_t distance[MOST_EDGES][MOST_EDGES + 1];
	bool changed = true;

	memset(distance, 0xff, sizeof(distance));
	for (int i = 0; i < count; i++) {
		const struct edge *const e = &edges[i];
		const bool bounds = q->forward || e->class != PROV_R_EDGE_DATA;

		if (allowed(q, e) && (q->forward ? is_first(q, e) : is_last(q, e)))
			distance[i][bounds ? i : MOST_EDGES] = 1;
	}
	while (changed) {
		changed = false;
		for (int state = 0; state < count * (MOST_EDGES + 1); state++) {
			const int i = state / (MOST_EDGES + 1), bound = state % (MOST_EDGES + 1);

			if (distance[i][bound] == UINT32_MAX)
				continue;
			for (int j = 0; j < count; j++) {
				const struct edge *const e = &edges[j];
				const bool data = e->class == PROV_R_EDGE_DATA;
				int next = bound;

				if (!allowed(q, e) || !(q->forward ? versions_fit(&edges[i], e) :
							versions_fit(e, &edges[i])))
					continue;
				if (q->forward) {
					if (!data && e->time < edges[bound].time)
						continue;
					if (e->time > edges[bound].time)
						next = j;
				} else {
					if (bound < MOST_EDGES && e->time > edges[bound].time)
						continue;
					if (!data)
						next = j;
				}
				if (distance[j][next] <= distance[i][bound] + 1)
					continue;
				distance[j][next] = distance[i][bound] + 1;
				changed = true;
			}
		}
	}
	for (int i = 0; i < count; i++) {
		answer[i] = false;
		for (int bound = 0; bound <= MOST_EDGES; bound++)
			answer[i] |= distance[i][bound] != UINT32_MAX &&
				     distance[i][bound] <= q->depth;
	}
}

static bool is_hidden(void *context, uint32_t node)
{
	const uint32_t *const hidden = context;

	return node == *hidden;
}

static struct traverse_query make_query(struct graph *graph, const struct question *q,
					uint32_t *hidden)
{
	*hidden = q->hidden < NODES ? graph_find_node(graph, 0, q->hidden + 1) : GRAPH_NONE;
	return (struct traverse_query) {
		.graph = graph,
		.forward = q->forward,
		.classes = q->classes,
		.max_depth = q->depth,
		.since_ns = q->since ? LOG_WALL_NS + q->since : 0,
		.until_ns = q->until == UINT64_MAX ? UINT64_MAX : LOG_WALL_NS + q->until,
		.hidden = is_hidden,
		.context = hidden,
	};
}

static int run_query(struct graph *graph, const struct question *q,
		     struct traverse_result *result)
{
	uint32_t hidden;
	const struct traverse_query query = make_query(graph, q, &hidden);
	const struct traverse_start start = {
		.node = graph_find_node(graph, 0, q->start + 1),
		.version = q->version,
	};

	return traverse(&query, &start, 1, result);
}

/* The edges of the graph that are found are those of the list that are expected. */
static bool same_edges(const struct graph *graph, const uint32_t *found, size_t found_count,
		       const struct edge *edges, int count, const bool *expected)
{
	size_t expected_count = 0;

	for (int i = 0; i < count; i++)
		expected_count += expected[i];
	if (expected_count != found_count)
		fprintf(stderr, "# %zu edges, not %zu\n", found_count, expected_count);
	for (size_t i = 0; i < found_count; i++) {
		const uint64_t time = graph_edge(graph, found[i])->time_ns;
		int j = 0;

		while (j < count && edges[j].time != time)
			j++;
		if (j == count || !expected[j])
			return false;
	}
	return expected_count == found_count;
}

static void tell(const struct question *q)
{
	fprintf(stderr, "# %s of %" PRIu32 "@%" PRIu32 ", classes %x, depth %" PRIu32 "\n",
		q->forward ? "descendants" : "ancestry", q->start, q->version, q->classes,
		q->depth);
}

static bool ask(struct graph *graph, const struct question *q, const struct edge *edges,
		int count, const bool *answer)
{
	struct traverse_result result;
	bool same;

	if (run_query(graph, q, &result))
		return false;
	same = same_edges(graph, result.edges, result.edge_count, edges, count, answer);
	for (size_t i = 0; i < result.edge_count && same; i++)
		same = traverse_crossed(&result, result.edges[i]);
	traverse_free(&result);
	if (!same)
		tell(q);
	return same;
}

/* @nodes of NODES are used, for small graphs to have paths as well. */
static uint64_t random_edges(struct edge *edges, int count, uint32_t nodes)
{
	uint64_t time = BASE;

	for (int i = 0; i < count; i++) {
		time += 1 + roll(1000);
		edges[i] = (struct edge) {
			.from = roll(nodes), .to = roll(nodes),
			/* Mostly growing with time, as real ones do, but not always. */
			.from_version = roll(4) ? (uint32_t)i * MOST_VERSION / count : roll(MOST_VERSION),
			.to_version = roll(4) ? (uint32_t)i * MOST_VERSION / count : roll(MOST_VERSION),
			.time = time,
			.class = PROV_R_EDGE_DATA + (roll(2) ? 0 : roll(3)),
		};
	}
	/* Records of one CPU may be behind those of another. */
	for (int i = 0; i < count; i++) {
		const int j = roll(count);
		const struct edge swap = edges[i];

		edges[i] = edges[j];
		edges[j] = swap;
	}
	return time;
}

static struct question random_question(uint32_t nodes, uint64_t end)
{
	return (struct question) {
		.forward = roll(2),
		.classes = roll(3) ? (roll(2) ? TRAVERSE_DATA : TRAVERSE_ALL) :
			   TRAVERSE_DATA | TRAVERSE_CONTROL,
		.depth = roll(3) ? UINT32_MAX : roll(4),
		.start = roll(nodes),
		.version = roll(3) ? roll(MOST_VERSION + 1) : roll(2) ? 0 : UINT32_MAX,
		.hidden = roll(4) ? UINT32_MAX : roll(nodes),
		.since = roll(4) ? 0 : BASE + roll(end - BASE),
		.until = roll(4) ? UINT64_MAX : BASE + roll(end - BASE),
	};
}

static bool random_graph(const char *directory)
{
	struct edge edges[MOST_EDGES];
	const int count = 1 + roll(MOST_EDGES);
	const uint64_t end = random_edges(edges, count, NODES);
	struct graph *const graph = write_and_load(directory, edges, count);
	bool good = true;

	for (int i = 0; i < 12 && good; i++) {
		const struct question q = random_question(NODES, end);
		bool answer[MOST_EDGES];

		oracle(&q, edges, count, answer);
		good = ask(graph, &q, edges, count, answer);
	}
	graph_free(graph);
	return good;
}

/* ---- every path --------------------------------------------------------- */

#define FEW_EDGES 7

/*
 * A question about where paths begin, where they end, or both: @first and @last
 * hold for their first and last edges.  @answer is the union of what is asked for.
 */
struct paths {
	const struct question *first, *last;
	const struct edge *edges;
	int count;
	int path[2 * FEW_EDGES];
	bool answer[FEW_EDGES];
};

/* No edge of the path is later than a meta or control edge behind it. */
static bool in_time(const struct paths *paths, int length, const struct edge *e)
{
	for (int i = 0; i < length && e->class != PROV_R_EDGE_DATA; i++)
		if (paths->edges[paths->path[i]].time > e->time)
			return false;
	return true;
}

/*
 * How often a path has to use an edge for its like to be seen: what leads to an
 * edge, and what leads on from it, each need no edge twice.
 */
static bool used_up(const struct paths *paths, int length, int edge)
{
	int uses = 0;

	for (int i = 0; i < length; i++)
		uses += paths->path[i] == edge;
	return uses >= (paths->first && paths->last ? 2 : 1);
}

static void enumerate(struct paths *paths, int length)
{
	const struct question *const any = paths->first ?: paths->last;

	for (int i = 0; i < paths->count; i++) {
		const struct edge *const e = &paths->edges[i];

		if (used_up(paths, length, i) || !in_time(paths, length, e) ||
		    (paths->first && !allowed(paths->first, e)) ||
		    (paths->last && !allowed(paths->last, e)))
			continue;
		if (length ? !versions_fit(&paths->edges[paths->path[length - 1]], e) :
			     paths->first && !is_first(paths->first, e))
			continue;
		if ((uint32_t)length >= any->depth)
			continue;
		paths->path[length] = i;
		if (!paths->last)
			paths->answer[i] = true;
		else if (is_last(paths->last, e))
			for (int j = 0; j <= (paths->first ? length : 0); j++)
				paths->answer[paths->path[j]] = true;
		enumerate(paths, length + 1);
	}
}

/* The edges between two objects, on paths that are short enough. */
static bool ask_between(struct graph *graph, struct paths *paths)
{
	struct traverse_result out, in;
	uint32_t found[FEW_EDGES];
	size_t count = 0;
	bool same;

	if (run_query(graph, paths->first, &out) || run_query(graph, paths->last, &in))
		return false;
	for (uint64_t i = 0; i < graph_edge_count(graph); i++)
		if (traverse_joined(graph, &out, &in, i, paths->first->depth))
			found[count++] = i;
	same = same_edges(graph, found, count, paths->edges, paths->count, paths->answer);
	traverse_free(&out);
	traverse_free(&in);
	if (!same) {
		tell(paths->first);
		tell(paths->last);
	}
	return same;
}

static bool every_path(const char *directory)
{
	struct edge edges[FEW_EDGES];
	const int count = 2 + roll(FEW_EDGES - 1);
	const uint32_t nodes = 2 + roll(4);
	const uint64_t end = random_edges(edges, count, nodes);
	struct graph *const graph = write_and_load(directory, edges, count);
	bool good = true;

	for (int i = 0; i < 8 && good; i++) {
		struct question q = random_question(nodes, end), other;
		struct paths paths = {
			.first = q.forward ? &q : NULL, .last = q.forward ? NULL : &q,
			.edges = edges, .count = count,
		};

		enumerate(&paths, 0);
		good = ask(graph, &q, edges, count, paths.answer);
		/* And on to, or from, another. */
		other = q;
		other.forward = !q.forward;
		other.start = roll(nodes);
		other.version = roll(MOST_VERSION + 1);
		/* What the user asks about is never hidden. */
		if (q.hidden == q.start || q.hidden == other.start)
			q.hidden = UINT32_MAX;
		other.hidden = q.hidden;
		paths = (struct paths) {
			.first = q.forward ? &q : &other, .last = q.forward ? &other : &q,
			.edges = edges, .count = count,
		};
		enumerate(&paths, 0);
		good = good && ask_between(graph, &paths);
	}
	graph_free(graph);
	return good;
}

/* ---- flows -------------------------------------------------------------- */

/*
 * Flows one after the other.  knows[d] is the set of objects that information in
 * d can come from; the recorded graph follows the rules of the version engine.
 */
static bool random_flows(const char *directory)
{
	struct edge edges[MOST_EDGES];
	uint32_t version[NODES] = {}, absorbed[NODES][NODES];
	bool out[NODES] = {};
	uint64_t knows[NODES];
	struct graph *graph;
	bool good = true;
	int count = 0;

	memset(absorbed, 0xff, sizeof(absorbed));
	for (int i = 0; i < NODES; i++)
		knows[i] = 1ull << i;
	for (int i = 0; i < 3 * MOST_EDGES && count < MOST_EDGES; i++) {
		const uint32_t s = roll(NODES), d = roll(NODES);

		if (s == d)
			continue;
		knows[d] |= knows[s];
		if (absorbed[d][s] == version[s])
			continue;
		if (out[d]) {
			version[d]++;
			out[d] = false;
		}
		edges[count] = (struct edge) {
			.from = s, .to = d, .from_version = version[s], .to_version = version[d],
			.time = BASE + 10 + count, .class = PROV_R_EDGE_DATA,
		};
		count++;
		absorbed[d][s] = version[s];
		out[s] = true;
	}
	graph = write_and_load(directory, edges, count);
	for (uint32_t d = 0; d < NODES && good; d++) {
		const struct traverse_query query = {
			.graph = graph, .classes = TRAVERSE_DATA, .max_depth = UINT32_MAX,
			.until_ns = UINT64_MAX,
		};
		const struct traverse_start start = { graph_find_node(graph, 0, d + 1), UINT32_MAX };
		struct traverse_result result;
		uint64_t found = 1ull << d;

		if (traverse(&query, &start, 1, &result))
			return false;
		for (size_t i = 0; i < result.edge_count; i++)
			found |= 1ull << (graph_node(graph, graph_edge(graph, result.edges[i])->from)
					  ->id - 1);
		traverse_free(&result);
		good = found == knows[d];
		if (!good)
			fprintf(stderr, "# object %" PRIu32 " knows %" PRIx64 ", the graph says %"
				PRIx64 "\n", d, knows[d], found);
	}
	graph_free(graph);
	return good;
}

static int property(int number, const char *name, bool (*holds)(const char *directory), int rounds)
{
	char *const directory = tempdir_new();
	int i;

	for (i = 0; i < rounds; i++) {
		tempdir_clear(directory);
		if (!holds(directory))
			break;
	}
	tempdir_free(directory);
	printf("%sok %d - %s (%d rounds)\n", i < rounds ? "not " : "", number, name, i);
	return i < rounds;
}

int main(int argc, char **argv)
{
	const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	const int rounds = argc > 2 ? atoi(argv[2]) : 3000;
	int failed = 0;

	printf("# seed %" PRIu64 "\n", seed);
	random_state = seed * 0x9e3779b97f4a7c15ull | 1;
	printf("1..3\n");
	failed += property(1, "traversal finds what is on a path", every_path, rounds);
	failed += property(2, "so it does in larger graphs", random_graph, rounds);
	failed += property(3, "ancestry is what information flowed", random_flows, rounds);
	return failed != 0;
}
