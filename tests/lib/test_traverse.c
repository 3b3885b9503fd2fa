// SPDX-License-Identifier: GPL-2.0
/*
 * Traversal against an oracle
 *
 * Random graphs are written as logs, read and traversed.  The oracle works on
 * the list of edges that was written: it closes the relation "these two edges
 * fit" by brute force.  A second property plays random flows, notes who knows
 * what, and asks whether the recorded graph says the same.
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

/* ---- first property ----------------------------------------------------- */

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

/* Does information that came along @a go on along @b? */
static bool fits(const struct edge *a, const struct edge *b)
{
	if (a->to != b->from || a->to_version > b->from_version)
		return false;
	return b->class == PROV_R_EDGE_DATA || a->time <= b->time;
}

static void oracle(const struct question *q, const struct edge *edges, int count, bool *answer)
{
	uint32_t distance[MOST_EDGES];
	bool changed = true;

	for (int i = 0; i < count; i++) {
		const struct edge *const e = &edges[i];
		const bool starts = q->forward ?
			e->from == q->start && e->from_version >= q->version :
			e->to == q->start && e->to_version <= q->version;

		distance[i] = starts && allowed(q, e) ? 1 : UINT32_MAX;
	}
	while (changed) {
		changed = false;
		for (int i = 0; i < count; i++) {
			for (int j = 0; j < count; j++) {
				if (distance[i] == UINT32_MAX || !allowed(q, &edges[j]) ||
				    distance[j] <= distance[i] + 1)
					continue;
				if (q->forward ? !fits(&edges[i], &edges[j]) :
						 !fits(&edges[j], &edges[i]))
					continue;
				distance[j] = distance[i] + 1;
				changed = true;
			}
		}
	}
	for (int i = 0; i < count; i++)
		answer[i] = distance[i] != UINT32_MAX && distance[i] <= q->depth;
}

static bool is_hidden(void *context, uint32_t node)
{
	const uint32_t *const hidden = context;

	return node == *hidden;
}

static bool ask(const struct graph *graph, const struct question *q, const struct edge *edges,
		int count)
{
	uint32_t hidden = q->hidden < NODES ? graph_find_node(graph, 0, q->hidden + 1) : GRAPH_NONE;
	const struct traverse_query query = {
		.graph = graph,
		.forward = q->forward,
		.classes = q->classes,
		.max_depth = q->depth,
		.since_ns = q->since ? LOG_WALL_NS + q->since : 0,
		.until_ns = q->until == UINT64_MAX ? UINT64_MAX : LOG_WALL_NS + q->until,
		.hidden = is_hidden,
		.context = &hidden,
	};
	const struct traverse_start start = {
		.node = graph_find_node(graph, 0, q->start + 1),
		.version = q->version,
	};
	struct traverse_result result;
	bool answer[MOST_EDGES], same = true;
	size_t expected = 0;

	oracle(q, edges, count, answer);
	if (traverse(&query, &start, 1, &result))
		return false;
	for (int i = 0; i < count; i++)
		expected += answer[i];
	same = expected == result.edge_count;
	for (size_t i = 0; i < result.edge_count && same; i++) {
		const uint64_t time = graph_edge(graph, result.edges[i])->time_ns;
		int j = 0;

		while (j < count && edges[j].time != time)
			j++;
		same = j < count && answer[j] && traverse_crossed(&result, result.edges[i]);
	}
	if (!same)
		fprintf(stderr, "# %s of %" PRIu32 "@%" PRIu32 ", classes %x, depth %" PRIu32
			": %zu edges, not %zu\n", q->forward ? "descendants" : "ancestry", q->start,
			q->version, q->classes, q->depth, result.edge_count, expected);
	traverse_free(&result);
	return same;
}

static bool random_graph(const char *directory)
{
	struct edge edges[MOST_EDGES];
	const int count = 1 + roll(MOST_EDGES);
	uint64_t time = BASE;
	struct graph *graph;
	bool good = true;

	for (int i = 0; i < count; i++) {
		time += 1 + roll(1000);
		edges[i] = (struct edge) {
			.from = roll(NODES), .to = roll(NODES),
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
	graph = write_and_load(directory, edges, count);
	for (int i = 0; i < 24 && good; i++) {
		const struct question q = {
			.forward = roll(2),
			.classes = roll(3) ? (roll(2) ? TRAVERSE_DATA : TRAVERSE_ALL) :
				   TRAVERSE_DATA | TRAVERSE_CONTROL,
			.depth = roll(3) ? UINT32_MAX : roll(4),
			.start = roll(NODES),
			.version = roll(3) ? roll(MOST_VERSION + 1) : roll(2) ? 0 : UINT32_MAX,
			.hidden = roll(4) ? UINT32_MAX : roll(NODES),
			.since = roll(4) ? 0 : BASE + roll(time - BASE),
			.until = roll(4) ? UINT64_MAX : BASE + roll(time - BASE),
		};

		good = ask(graph, &q, edges, count);
	}
	graph_free(graph);
	return good;
}

/* ---- second property ---------------------------------------------------- */

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
	printf("1..2\n");
	failed += property(1, "traversal finds what the oracle finds", random_graph, rounds);
	failed += property(2, "ancestry is what information flowed", random_flows, rounds);
	return failed != 0;
}
