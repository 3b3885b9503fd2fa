// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings under a scheduler of our own: all interleavings of a few processes that
 * map, read, write and pass on, switched at every lock and every access without lock.
 *
 * Real data moves, by calls and through what is mapped: that as soon as it can, by
 * processes that are in no call.  Who passes something on has an ancestor for all
 * that it had when the call began, at that version, and at the end all have that
 * pull; and there is no cycle.  The programs are those that tests/model/run finds
 * mistakes with.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "mapping.h"
#include "switch.h"

enum {
	INODES		= 3,
	FIRST_INODE	= MAX_THREADS,
	FIRST_SOURCE	= FIRST_INODE + INODES,	/* one for each process */
	OBJECTS		= FIRST_SOURCE + MAX_THREADS,
	CALLS		= 2,
	RECORDS		= 100,
	KIND		= 1,
};

enum action { NOTHING, LEARN, OUT, RECEIVE, SEND, MAP, SHARE, UNMAP };

struct call {
	enum action action;
	int inode;
};

/**
 * struct program - what is mapped at first and what the processes do
 * @name: what it is
 * @mapped: in this order: MAP or SHARE, by the process
 * @call: of each process
 */
struct program {
	const char *name;
	struct {
		int process;
		struct call call;
	} mapped[4];
	struct call call[MAX_THREADS][CALLS];
};

static const struct program programs[] = {
	{
		"write to what another one maps",
		{ { 1, { MAP, 0 } } },
		{ { { SEND, 0 } }, { { OUT, 0 }, { OUT, 0 } } },
	}, {
		"map what is written to",
		{ },
		{ { { SEND, 0 } }, { { MAP, 0 }, { OUT, 0 } } },
	}, {
		"map what somebody shares who learns",
		{ { 0, { SHARE, 0 } } },
		{ { { LEARN, 0 } }, { { MAP, 0 }, { OUT, 0 } } },
	}, {
		"share what somebody shares who learns",
		{ { 0, { SHARE, 0 } } },
		{ { { LEARN, 0 } }, { { SHARE, 0 }, { OUT, 0 } } },
	}, {
		"read what the last one unmaps",
		{ { 0, { SHARE, 0 } } },
		{ { { UNMAP, 0 } }, { { RECEIVE, 0 }, { OUT, 0 } } },
	}, {
		"leave a group that learns",
		{ { 0, { SHARE, 0 } }, { 1, { SHARE, 0 } } },
		{ { { LEARN, 0 }, { UNMAP, 0 } }, { { LEARN, 0 }, { OUT, 0 } } },
	}, {
		"read what comes to a group that one has left",
		{ { 0, { SHARE, 0 } }, { 0, { SHARE, 1 } }, { 1, { SHARE, 1 } } },
		{ { { UNMAP, 1 }, { SHARE, 2 } }, { { RECEIVE, 2 }, { OUT, 0 } } },
	}, {
		"a way up that is not the way down",
		{ { 0, { SHARE, 0 } }, { 0, { SHARE, 1 } }, { 1, { MAP, 0 } },
		  { 1, { SHARE, 1 } } },
		{ { { LEARN, 0 } }, { { LEARN, 0 } }, { { RECEIVE, 1 }, { OUT, 0 } } },
	}, {
		"read what was the hub, and what is shared since",
		{ { 0, { SHARE, 0 } }, { 0, { SHARE, 1 } }, { 1, { SHARE, 1 } } },
		{ { { UNMAP, 0 }, { SHARE, 2 } }, { { RECEIVE, 0 }, { OUT, 0 } } },
	}, {
		"learn while another one is made the hub",
		{ { 0, { SHARE, 0 } }, { 0, { SHARE, 1 } }, { 1, { SHARE, 1 } } },
		{ { { UNMAP, 0 } }, { { LEARN, 0 }, { OUT, 0 } }, { { RECEIVE, 1 }, { OUT, 0 } } },
	},
};

struct snapshot {
	int object;
	u32 version;
	u64 data;
};

/* The run that is going on. */
static struct {
	struct prov_object object[OBJECTS];
	struct prov_memory memory[MAX_THREADS];
	struct prov_process_map place[MAX_THREADS];
	u64 captured[MAX_THREADS];
	bool calling[MAX_THREADS];
	enum action mapped[MAX_THREADS][INODES];
	u64 data[OBJECTS];
	int snapshots, records;
	struct snapshot snapshot[MAX_THREADS * CALLS];
	struct {
		int src, dst;
		u32 src_version, dst_version;
	} record[RECORDS];
} now;

static const struct program *program;
static int preemptions = 3;

bool prov_emit_edge(u8 op, const struct prov_object *src, u32 src_version,
		    const struct prov_object *dst, u32 dst_version)
{
	(void)op;
	if (now.records == RECORDS)
		abort();
	now.record[now.records].src = src - now.object;
	now.record[now.records].dst = dst - now.object;
	now.record[now.records].src_version = src_version;
	now.record[now.records++].dst_version = dst_version;
	return true;
}

void prov_emit_lost(void)
{
	switch_fail("a record is counted as lost");
}

/* What mappings can move, they do. */
static void touch(void)
{
	u64 before;
	int p, i;

	do {
		before = 0;
		for (p = 0; p < MAX_THREADS; p++) {
			for (i = 0; i < INODES; i++) {
				u64 *const own = &now.data[p], *const other = &now.data[FIRST_INODE + i];
				const u64 had = *own ^ *other;

				if (now.calling[p] || now.mapped[p][i] == NOTHING)
					continue;
				*own |= *other;
				if (now.mapped[p][i] == SHARE)
					*other |= *own;
				before |= had ^ *own ^ *other;
			}
		}
	} while (before);
}

static struct prov_channel channel(int p, int other, enum prov_direction direction)
{
	return (struct prov_channel){
		.src = &now.object[direction == PROV_IN ? other : p],
		.dst = &now.object[direction == PROV_IN ? p : other],
		.memory = &now.memory[p], .direction = direction,
	};
}

static void receive(int p, int from)
{
	const struct prov_channel chan = channel(p, from, PROV_IN);
	const u64 data = now.data[from];

	prov_flow(&chan);
	now.data[p] |= data;
}

static void send(int p, int to)
{
	const struct prov_channel chan = channel(p, to, PROV_OUT);
	struct prov_send begun;

	prov_send_begin(&chan, &begun);
	now.data[to] |= now.data[p];
	touch();
	prov_send_end(&chan, &begun);
}

static void pass_on(int p)
{
	const u64 data = now.data[p];
	const u32 version = prov_capture(&now.object[p], &now.captured[p]);

	now.snapshot[now.snapshots++] = (struct snapshot){ p, version, data };
}

static void map(int p, int i, enum action action)
{
	prov_map_add(now.object[p].map, prov_map_get(&now.object[FIRST_INODE + i]),
		     action == SHARE ? PROV_ACCESS_SHARE : PROV_ACCESS_READ, 1);
	now.mapped[p][i] = action;
}

static void unmap(int p, int i)
{
	const enum action action = now.mapped[p][i];

	now.mapped[p][i] = NOTHING;
	prov_map_remove(now.object[p].map, prov_map_get(&now.object[FIRST_INODE + i]),
			action == SHARE ? PROV_ACCESS_SHARE : PROV_ACCESS_READ, 1);
}

static void do_call(int p, struct call call)
{
	port_point();
	now.calling[p] = true;
	switch (call.action) {
	case NOTHING:
		break;
	case LEARN:
		receive(p, FIRST_SOURCE + p);
		break;
	case OUT:
		pass_on(p);
		break;
	case RECEIVE:
		receive(p, FIRST_INODE + call.inode);
		break;
	case SEND:
		send(p, FIRST_INODE + call.inode);
		break;
	case MAP:
	case SHARE:
		map(p, call.inode, call.action);
		break;
	case UNMAP:
		unmap(p, call.inode);
		break;
	}
	now.calling[p] = false;
	touch();
}

static void run_process(int p)
{
	int i;

	for (i = 0; i < CALLS; i++)
		if (program->call[p][i].action != NOTHING)
			do_call(p, program->call[p][i]);
}

static void prepare(void)
{
	unsigned int i;

	memset(&now, 0, sizeof(now));
	for (i = 0; i < OBJECTS; i++) {
		prov_object_init(&now.object[i], i + 1, KIND);
		now.data[i] = 1ULL << i;
	}
	for (i = 0; i < MAX_THREADS; i++)
		prov_map_init_process(&now.place[i], &now.object[i], &now.memory[i], 0, 0);
	/* All can have been mapped once. */
	for (i = 0; i < INODES; i++)
		prov_map_get(&now.object[FIRST_INODE + i]);
	for (i = 0; i < sizeof(program->mapped) / sizeof(program->mapped[0]); i++)
		if (program->mapped[i].call.action != NOTHING)
			do_call(program->mapped[i].process, program->mapped[i].call);
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

	for (obj = 0; obj < OBJECTS; obj++)
		prov_pull(&now.object[obj]);
	graph_reset(&graph);
	for (obj = 0; obj < OBJECTS; obj++) {
		first[obj] = graph.nodes;
		for (version = 0; version <= now.object[obj].version; version++) {
			owner[graph_node(&graph)] = obj;
			if (version)
				graph_edge(&graph, graph.nodes - 2, graph.nodes - 1);
		}
	}
	for (i = 0; i < now.records; i++)
		graph_edge(&graph, first[now.record[i].src] + now.record[i].src_version,
			   first[now.record[i].dst] + now.record[i].dst_version);
	if (graph.cyclic)
		switch_fail("the records make a cycle");
	for (obj = 0; obj < OBJECTS; obj++)
		check_data(&graph, owner, first[obj] + now.object[obj].version, now.data[obj]);
	for (i = 0; i < now.snapshots; i++)
		check_data(&graph, owner,
			   first[now.snapshot[i].object] + now.snapshot[i].version,
			   now.snapshot[i].data);
}

static void clean_up(void)
{
	int i;

	for (i = 0; i < MAX_THREADS; i++)
		prov_map_release(now.object[i].map, true);
	for (i = 0; i < OBJECTS; i++)
		prov_map_free(&now.object[i]);
}

static void report(void)
{
	int i;

	printf("# %s: %s\n", program->name, switch_error());
	for (i = 0; i < now.records; i++)
		printf("# record %d@%u -> %d@%u\n", now.record[i].src,
		       now.record[i].src_version, now.record[i].dst,
		       now.record[i].dst_version);
	switch_print();
}

static u64 run_all(void)
{
	u64 runs = 0;

	switch_first();
	do {
		prepare();
		switch_run(MAX_THREADS, preemptions, run_process);
		runs++;
		if (!switch_error())
			check_run();
		if (switch_error()) {
			report();
			printf("not ok 1 - mappings: all interleavings\n1..1\n");
			exit(1);
		}
		clean_up();
	} while (switch_next());
	return runs;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "preemptions", required_argument, NULL, 'p' },
		{ }
	};
	u64 runs = 0;
	unsigned int i;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'p') {
			fprintf(stderr, "usage: mapping-interleave [--preemptions N]\n");
			return 2;
		}
		preemptions = atoi(optarg);
	}
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		program = &programs[i];
		runs += run_all();
	}
	printf("ok 1 - mappings: all %" PRIu64 " interleavings of %u programs, %d preemptions\n"
	       "1..1\n", runs, i, preemptions);
	return 0;
}
