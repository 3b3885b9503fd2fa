// SPDX-License-Identifier: GPL-2.0
/*
 * The version engine under a scheduler of our own: all interleavings of a few
 * threads, switched at every lock and every access without lock, with at most
 * so many switches that no thread asked for.
 *
 * Each thread is a process, and real data moves, as in threads.c.  There, chance
 * decides how threads meet; here nothing is left to it.  The threads can also be
 * those of one process: then data may overtake its record (engine.rst, "What is
 * outside"), but there may still be no cycle, and they may not block each other.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "graph.h"
#include "switch.h"

enum {
	MAX_CALLS	= 3,
	INODES		= 2,
	OBJECTS		= MAX_THREADS + INODES,
	CALL_KINDS	= 2 * INODES,
	MAX_RECORDS	= 2 * MAX_THREADS * MAX_CALLS,
	KIND		= 1,
};

struct record {
	int src, dst;
	u32 src_version, dst_version;
};

/* What a process had when it was at a version. */
struct snapshot {
	u32 version;
	u64 data;
};

/**
 * struct thread - a thread
 * @call: what it does: bit 0 take or give, the others which inode
 * @snapshots: how many
 * @snapshot: what it had after each call that takes
 */
struct thread {
	u8 call[MAX_CALLS];
	int snapshots;
	struct snapshot snapshot[MAX_CALLS];
};

static int threads = 2, calls = 2, preemptions = 3;
static bool one_process;
static struct thread thread[MAX_THREADS];

/* The run that is going on. */
static struct {
	struct prov_object object[OBJECTS];
	struct prov_memory memory[MAX_THREADS];
	u64 in[INODES], out[INODES];
	u64 data[OBJECTS];
	int records;
	struct record record[MAX_RECORDS];
} now;

bool prov_emit_edge(u8 op, const struct prov_object *src, u32 src_version,
		    const struct prov_object *dst, u32 dst_version)
{
	(void)op;
	port_point();
	now.record[now.records++] = (struct record){
		.src = src - now.object, .src_version = src_version,
		.dst = dst - now.object, .dst_version = dst_version,
	};
	return true;
}

void prov_emit_lost(void)
{
	switch_fail("a record is counted as lost");
}

static bool hit(const struct prov_channel *chan)
{
	const u32 hot = READ_ONCE(chan->src->hot);

	return prov_cache_hit(chan->cache, chan->cache_id, hot);
}

static void take(int index, int inode)
{
	const int process = one_process ? 0 : index;
	const int src = MAX_THREADS + inode;
	const struct prov_channel chan = {
		.src = &now.object[src], .dst = &now.object[process],
		.memory = &now.memory[process], .direction = PROV_IN,
		.cache = &now.in[inode], .cache_id = prov_cache_id(now.object[process].id),
	};
	struct thread *const t = &thread[index];

	port_point();
	now.data[process] |= now.data[src];
	if (!hit(&chan))
		prov_flow(&chan);
	t->snapshot[t->snapshots++] = (struct snapshot){
		.version = chan.dst->version, .data = now.data[process],
	};
}

static void give(int index, int inode)
{
	const int process = one_process ? 0 : index;
	const int dst = MAX_THREADS + inode;
	const struct prov_channel chan = {
		.src = &now.object[process], .dst = &now.object[dst],
		.memory = &now.memory[process], .direction = PROV_OUT,
		.cache = &now.out[inode], .cache_id = prov_cache_id(now.object[process].id),
	};
	const bool begun = !hit(&chan);
	struct prov_send send;

	if (begun)
		prov_send_begin(&chan, &send);
	port_point();
	now.data[dst] |= now.data[process];
	port_point();
	if (begun)
		prov_send_end(&chan, &send);
	else if (!hit(&chan))
		prov_flow(&chan);
}

static void run_thread(int index)
{
	int i;

	for (i = 0; i < calls; i++) {
		const int inode = thread[index].call[i] >> 1;

		if (thread[index].call[i] & 1)
			give(index, inode);
		else
			take(index, inode);
	}
}

static void run(void)
{
	int i;

	memset(&now, 0, sizeof(now));
	for (i = 0; i < OBJECTS; i++) {
		prov_object_init(&now.object[i], i + 1, KIND);
		now.data[i] = 1ULL << i;
	}
	for (i = 0; i < threads; i++)
		thread[i].snapshots = 0;
	switch_run(threads, preemptions, run_thread);
}

static void check_data(const struct graph *graph, const short *owner, int node, u64 data)
{
	u64 recorded = 0;
	int i;

	for (i = 0; i < graph->nodes; i++)
		if (graph->ancestors[node][i / 64] >> (i % 64) & 1)
			recorded |= 1ULL << owner[i];
	if (data & ~recorded)
		switch_fail("data is somewhere without its ancestor");
}

static void check_run(void)
{
	static struct graph graph;
	static short owner[MAX_NODES];
	int first[OBJECTS], obj, i;
	u32 version;

	graph_reset(&graph);
	for (obj = 0; obj < OBJECTS; obj++) {
		first[obj] = graph.nodes;
		if (now.object[obj].version > MAX_RECORDS)
			return switch_fail("there are more versions than flows can make");
		for (version = 0; version <= now.object[obj].version; version++) {
			const int node = graph_node(&graph);

			owner[node] = obj;
			if (version)
				graph_edge(&graph, node - 1, node);
		}
	}
	for (i = 0; i < now.records; i++) {
		const struct record *const r = &now.record[i];

		if (r->src_version > now.object[r->src].version ||
		    r->dst_version > now.object[r->dst].version)
			return switch_fail("a record names a version that never was");
		graph_edge(&graph, first[r->src] + r->src_version,
			   first[r->dst] + r->dst_version);
	}
	if (graph.cyclic)
		switch_fail("the records make a cycle");
	if (one_process)
		return;
	for (obj = 0; obj < OBJECTS; obj++)
		check_data(&graph, owner, first[obj] + now.object[obj].version, now.data[obj]);
	for (obj = 0; obj < threads; obj++)
		for (i = 0; i < thread[obj].snapshots; i++)
			check_data(&graph, owner, first[obj] + thread[obj].snapshot[i].version,
				   thread[obj].snapshot[i].data);
}

static const char *name(int obj)
{
	static const char *const names[OBJECTS] = { "P0", "P1", "P2", "I0", "I1" };

	return names[obj];
}

static void report(void)
{
	int i, call;

	printf("# %s\n", switch_error());
	for (i = 0; i < threads; i++) {
		printf("# a thread of P%d:", one_process ? 0 : i);
		for (call = 0; call < calls; call++)
			printf(" %s I%d", thread[i].call[call] & 1 ? "give to" : "take from",
			       thread[i].call[call] >> 1);
		printf("\n");
	}
	for (i = 0; i < now.records; i++)
		printf("# record %s@%u -> %s@%u\n", name(now.record[i].src),
		       now.record[i].src_version, name(now.record[i].dst),
		       now.record[i].dst_version);
	switch_print();
}

static u64 run_all(void)
{
	u64 runs = 0;

	switch_first();
	do {
		run();
		runs++;
		if (!switch_error())
			check_run();
		if (switch_error()) {
			report();
			printf("not ok 1 - all interleavings\n1..1\n");
			exit(1);
		}
	} while (switch_next());
	return runs;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "threads", required_argument, NULL, 't' },
		{ "calls", required_argument, NULL, 'c' },
		{ "preemptions", required_argument, NULL, 'p' },
		{ "one-process", no_argument, NULL, 'o' },
		{ }
	};
	u32 programs = 1, program;
	u64 runs = 0;
	int option, i;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 't':
			threads = atoi(optarg);
			break;
		case 'c':
			calls = atoi(optarg);
			break;
		case 'p':
			preemptions = atoi(optarg);
			break;
		case 'o':
			one_process = true;
			break;
		default:
			threads = 0;
			break;
		}
	}
	if (threads < 1 || threads > MAX_THREADS || calls < 1 || calls > MAX_CALLS) {
		fprintf(stderr,
			"usage: interleave [--threads 1..%d] [--calls 1..%d] [--preemptions N]\n"
			"                  [--one-process]\n", MAX_THREADS, MAX_CALLS);
		return 2;
	}
	for (i = 0; i < threads * calls; i++)
		programs *= CALL_KINDS;
	for (program = 0; program < programs; program++) {
		u32 rest = program;

		for (i = 0; i < threads * calls; i++) {
			thread[i / calls].call[i % calls] = rest % CALL_KINDS;
			rest /= CALL_KINDS;
		}
		/* Which inode is which makes no difference. */
		if (!(thread[0].call[0] >> 1))
			runs += run_all();
	}
	printf("ok 1 - all %" PRIu64 " interleavings of %d threads%s, %d calls each, %d preemptions\n"
	       "1..1\n", runs, threads, one_process ? " of one process" : "", calls,
	       preemptions);
	return 0;
}
