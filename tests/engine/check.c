// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "drive.h"
#include "graph.h"
#include "oracle.h"

#define WORDS GRAPH_WORDS

_Static_assert(GRAPH_WORDS == ORACLE_WORDS, "one bit for each node in both");

/**
 * check - the comparison of a run with the oracle
 * @node: node of each object and version
 * @version: current version of each object
 * @owner: object and version of each node
 * @left: what the oracle said when an object left a version
 * @edge: edges by the step of their capture, a list for each step
 * @next: of an event, the next of its list
 * @records: edges of all runs so far
 * @lost: records that were lost in all runs so far
 * @failure: what is wrong, or an empty string
 */
static struct {
	short node[MAX_OBJECTS + MAX_FLOWS][MAX_NODES];
	u32 version[MAX_OBJECTS + MAX_FLOWS];
	struct {
		short obj;
		u32 version;
	} owner[MAX_NODES];
	u64 left[MAX_NODES][WORDS];
	short edge[MAX_STEPS];
	short next[MAX_EVENTS];
	u64 records;
	u64 lost;
	char failure[400];
} check;

static struct graph graph;
static struct run run;

static bool equal(const u64 *a, const u64 *b)
{
	u64 diff = 0;
	int i;

	for (i = 0; i < WORDS; i++)
		diff |= a[i] ^ b[i];
	return !diff;
}

/* Names the first few members of one set that are not in the other. */
static void add_difference(const struct schedule *s, const char *what,
			   const u64 *a, const u64 *b)
{
	char *const text = check.failure;
	const size_t size = sizeof(check.failure);
	int i, named = 0;

	for (i = 0; i < graph.nodes; i++) {
		size_t len = strlen(text);

		if (!((a[i / 64] & ~b[i / 64]) >> (i % 64) & 1))
			continue;
		if (!named++)
			len += snprintf(text + len, size - len, "%s", what);
		if (named > 6)
			break;
		snprintf(text + len, size - len, " %s@%u",
			 schedule_name(s, check.owner[i].obj), check.owner[i].version);
	}
}

static bool disagree(const struct schedule *s, int step, int obj, u32 version,
		     const u64 *recorded, const u64 *known)
{
	snprintf(check.failure, sizeof(check.failure),
		 "after step %d the ancestors of %s@%u are wrong:", step,
		 schedule_name(s, obj), version);
	add_difference(s, " lost", known, recorded);
	add_difference(s, " added", recorded, known);
	return false;
}

static bool wrong(int step, const char *what)
{
	snprintf(check.failure, sizeof(check.failure), "in step %d: %s", step, what);
	return false;
}

static void new_node(int obj, u32 version)
{
	const int node = graph_node(&graph);

	check.node[obj][version] = node;
	check.owner[node].obj = obj;
	check.owner[node].version = version;
	check.version[obj] = version;
	oracle_atom(obj, node);
}

static void bump(int obj, u32 version)
{
	const int before = check.node[obj][version - 1];

	memcpy(check.left[before], oracle_knows(obj), sizeof(check.left[before]));
	new_node(obj, version);
	graph_edge(&graph, before, check.node[obj][version]);
}

static bool apply_edge(const struct event *e)
{
	if (e->src_version > check.version[e->src])
		return wrong(e->step, "a record names a version of its source that is not yet");
	if (e->dst_version > check.version[e->dst])
		return wrong(e->step,
			     "a record names a version of its destination that was not yet "
			     "when the flow could first be seen");
	graph_edge(&graph, check.node[e->src][e->src_version],
		   check.node[e->dst][e->dst_version]);
	if (graph.cyclic)
		return wrong(e->step, "a record closes a cycle");
	return true;
}

static bool compare_current(const struct schedule *s, int step)
{
	int obj;

	for (obj = 0; obj < s->objects; obj++) {
		const u32 version = check.version[obj];
		const u64 *const recorded = graph.ancestors[check.node[obj][version]];

		if (!equal(recorded, oracle_knows(obj)))
			return disagree(s, step, obj, version, recorded,
					oracle_knows(obj));
	}
	return true;
}

/* What an analyst sees of a version when all is over. */
static bool compare_left(const struct schedule *s)
{
	int node;

	for (node = 0; node < graph.nodes; node++) {
		const int obj = check.owner[node].obj;
		const u32 version = check.owner[node].version;

		if (version != check.version[obj] &&
		    !equal(graph.ancestors[node], check.left[node]))
			return disagree(s, s->steps, obj, version, graph.ancestors[node],
					check.left[node]);
	}
	return true;
}

static void sort_edges(const struct schedule *s)
{
	int i;

	for (i = 0; i < s->steps; i++)
		check.edge[i] = -1;
	for (i = run.events - 1; i >= 0; i--) {
		if (run.event[i].type != EVENT_EDGE)
			continue;
		check.next[i] = check.edge[run.event[i].captured];
		check.edge[run.event[i].captured] = i;
		check.records++;
	}
}

static void print_step(const struct schedule *s, int step)
{
	const struct event *e;

	printf("# %3d %s\n", step, schedule_describe(s, step));
	for (e = run.event; e < run.event + run.events; e++) {
		if (e->step != step)
			continue;
		if (e->type == EVENT_BUMP)
			printf("#           %s is at version %u\n",
			       schedule_name(s, e->dst), e->dst_version);
		else
			printf("#           record %s@%u -> %s@%u%s\n",
			       schedule_name(s, e->src), e->src_version,
			       schedule_name(s, e->dst), e->dst_version,
			       e->type == EVENT_LOST ? " is LOST" : "");
	}
}

/*
 * Plays the run once more in time order.  An edge counts from the step in which
 * its versions were determined: only at the end of a send is it known whether
 * there is one, but then it says that data could be seen since the start.
 */
static bool compare(const struct schedule *s)
{
	const int all = s->objects + s->flows;
	int step, obj, i, at = 0;

	graph_reset(&graph);
	oracle_reset(all);
	for (obj = 0; obj < s->objects; obj++)
		new_node(obj, 0);
	sort_edges(s);
	for (step = 0; step < s->steps; step++) {
		const struct step *const now = &s->step[step];

		if (s->flow[now->flow].kind == FLOW_SOURCE && !now->end)
			new_node(s->objects + now->flow, 0);
		for (; at < run.events && run.event[at].step == step; at++)
			if (run.event[at].type == EVENT_BUMP)
				bump(run.event[at].dst, run.event[at].dst_version);
			else if (run.event[at].type == EVENT_LOST)
				check.lost++;
		for (i = check.edge[step]; i >= 0; i = check.next[i])
			if (!apply_edge(&run.event[i]))
				return false;
		oracle_step(s, run.outcome, step);
		if (!compare_current(s, step))
			return false;
	}
	return compare_left(s);
}

bool check_fails(const struct schedule *s)
{
	check.failure[0] = '\0';
	drive(s, &run);
	if (run.error) {
		wrong(run.error_step, run.error);
		return true;
	}
	return !compare(s);
}

void check_print(const struct schedule *s)
{
	int i;

	printf("# objects:");
	for (i = 0; i < s->objects; i++)
		printf(" %s=id %" PRIu64, schedule_name(s, i), s->id[i]);
	printf("\n");
	for (i = 0; i < s->steps; i++)
		print_step(s, i);
	printf("# %s\n", check.failure);
}

void check_report(struct schedule *const s)
{
	printf("# a schedule fails: %s\n", check.failure);
	schedule_shrink(s, check_fails);
	/* The run that is printed is that of the smallest one. */
	check_fails(s);
	printf("# smallest schedule that fails:\n");
	check_print(s);
}

void check_summary(void)
{
	printf("# %" PRIu64 " records, %" PRIu64 " more were lost\n", check.records, check.lost);
}
