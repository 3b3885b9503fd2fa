// SPDX-License-Identifier: GPL-2.0
/*
 * The version engine with real threads and real locks.
 *
 * In each round some threads run flows on new objects.  Then the records of all
 * of them are put together.
 */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"

enum {
	THREADS		= 4,
	INODES		= 5,
	FLOWS		= 16,	/* of each thread in a round */
	SOURCES		= THREADS * FLOWS,
	OBJECTS		= THREADS + INODES + SOURCES,
	MAX_RECORDS	= 2 * FLOWS,
	MAX_NODES	= OBJECTS + 2 * THREADS * FLOWS,
	KIND		= 1,
};

_Static_assert(SOURCES <= 64, "a bit for each source");

/**
 * enum mode - what the threads of a round are
 * @MODE_PROCESSES: each thread is a process, and real data moves.  A process
 *	with one thread cannot learn anything while it sends: whatever data got
 *	anywhere must be among the recorded ancestors.
 * @MODE_THREADS: the threads share the processes, and records are lost
 * @MODE_OVERTAKE: as MODE_THREADS, but no record is lost.  Data can overtake its
 *	record inside a process that is in two calls at once; this is a known
 *	limit (engine.rst, "What is outside"), and is measured here
 */
enum mode {
	MODE_PROCESSES,
	MODE_THREADS,
	MODE_OVERTAKE,
	MODES,
};

struct record {
	short src, dst;
	u32 src_version, dst_version;
};

/* What a process had read, data and all, when it was at a version. */
struct snapshot {
	short obj;
	u32 version;
	u64 data;
};

struct worker {
	pthread_t thread;
	int index;
	u64 random;
	int records, snapshots;
	struct record record[MAX_RECORDS];
	struct snapshot snapshot[FLOWS];
};

static struct {
	enum mode mode;
	u64 rounds, seed, next_id;
	pthread_barrier_t start, done;
	struct prov_object object[OBJECTS];
	struct prov_memory memory[THREADS];
	u64 in[INODES], out[INODES];
	u64 data[OBJECTS];	/* a bit for each source whose data is there */
	struct worker worker[THREADS];
	u64 records, bumps, overtaken;
} all;

static __thread struct worker *me;

static u64 next(u64 *state)
{
	u64 x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

static u32 below(u32 n)
{
	return ((next(&me->random) >> 32) * n) >> 32;
}

bool prov_emit_edge(u8 op, const struct prov_object *src, u32 src_version,
		    const struct prov_object *dst, u32 dst_version)
{
	(void)op;
	if (all.mode == MODE_THREADS && !below(10))
		return false;
	me->record[me->records++] = (struct record){
		.src = src - all.object, .src_version = src_version,
		.dst = dst - all.object, .dst_version = dst_version,
	};
	return true;
}

void prov_emit_lost(void)
{
	abort();	/* no object can have that many versions here */
}

/* Other threads should get their turn in the middle of things. */
static void dawdle(void)
{
	if (!below(6))
		sched_yield();
}

static bool hit(const struct prov_channel *chan)
{
	return chan->cache &&
	       prov_cache_hit(chan->cache, chan->cache_id, READ_ONCE(chan->src->hot));
}

static void take(int inode, int process, u64 *word)
{
	const struct prov_channel chan = {
		.src = &all.object[inode], .dst = &all.object[process],
		.memory = &all.memory[process], .direction = PROV_IN,
		.cache = word, .cache_id = prov_cache_id(all.object[process].id),
	};
	const u64 data = __atomic_load_n(&all.data[inode], __ATOMIC_RELAXED);

	smp_rmb();
	dawdle();
	if (!data && all.mode == MODE_PROCESSES)
		return;
	__atomic_fetch_or(&all.data[process], data, __ATOMIC_RELAXED);
	if (!hit(&chan))
		prov_flow(&chan);
	if (all.mode == MODE_PROCESSES)
		me->snapshot[me->snapshots++] = (struct snapshot){
			.obj = process, .version = chan.dst->version,
			.data = all.data[process],
		};
}

static void give(int src, int dst, struct prov_memory *memory, u64 *word)
{
	const struct prov_channel chan = {
		.src = &all.object[src], .dst = &all.object[dst],
		.memory = memory, .direction = PROV_OUT,
		.cache = word, .cache_id = prov_cache_id(all.object[src].id),
	};
	struct prov_send send;
	const bool begun = !hit(&chan);

	if (begun)
		prov_send_begin(&chan, &send);
	dawdle();
	__atomic_fetch_or(&all.data[dst], __atomic_load_n(&all.data[src], __ATOMIC_RELAXED),
			  __ATOMIC_RELAXED);
	dawdle();
	if (begun)
		prov_send_end(&chan, &send);
	else if (!hit(&chan))
		prov_flow(&chan);
}

static void run_flow(int flow)
{
	const bool alone = all.mode == MODE_PROCESSES;
	const int process = alone ? me->index : (int)below(THREADS);
	const int inode = below(INODES);
	const u32 kind = below(alone ? 10 : 12);

	if (kind == 0) {
		const int source = me->index * FLOWS + flow;
		const int obj = THREADS + INODES + source;

		all.data[obj] = 1ULL << source;
		take(obj, process, NULL);
	} else if (kind < 5) {
		take(THREADS + inode, process, &all.in[inode]);
	} else if (kind < 10) {
		give(process, THREADS + inode, &all.memory[process], &all.out[inode]);
	} else {
		/* Any object to any, itself among them. */
		give(below(THREADS + INODES), below(THREADS + INODES), NULL, NULL);
	}
}

static void *work(void *arg)
{
	u64 round;
	int i;

	me = arg;
	for (round = 0; round < all.rounds; round++) {
		pthread_barrier_wait(&all.start);
		for (i = 0; i < FLOWS; i++)
			run_flow(i);
		pthread_barrier_wait(&all.done);
	}
	return NULL;
}

static void new_round(void)
{
	int i;

	/* Which lock is the first one depends on ids: reverse them at times. */
	for (i = 0; i < OBJECTS; i++) {
		const u64 id = all.next_id & 1 ? i : OBJECTS - 1 - i;

		prov_object_init(&all.object[i], all.next_id + 2 * id, KIND);
		all.data[i] = 0;
	}
	all.next_id += 2 * OBJECTS + 1;
	memset(all.memory, 0, sizeof(all.memory));
	memset(all.in, 0, sizeof(all.in));
	memset(all.out, 0, sizeof(all.out));
	for (i = 0; i < THREADS; i++) {
		all.worker[i].records = 0;
		all.worker[i].snapshots = 0;
	}
}

/* The locks of the next round are others, also to ThreadSanitizer. */
static void end_round(void)
{
	int i;

	for (i = 0; i < OBJECTS; i++)
		pthread_spin_destroy(&all.object[i].lock);
}

/**
 * struct order - the graph of a round, sorted so that edges point forward
 * @first: index of version 0 of each object
 * @before: how many edges into a node are not yet followed
 * @data: sources that reach a node
 * @queue: nodes whose ancestors are all known
 */
static struct {
	int first[OBJECTS + 1];
	int before[MAX_NODES];
	u64 data[MAX_NODES];
	int queue[MAX_NODES];
	int queued;
} order;

static void reach(int from, int to)
{
	order.data[to] |= order.data[from];
	if (!--order.before[to])
		order.queue[order.queued++] = to;
}

static int node_of(int obj, u32 version)
{
	return order.first[obj] + version;
}

static bool has_version(int obj, u32 version)
{
	return version <= all.object[obj].version;
}

/* Calls @visit with the two ends of each edge out of @node, or of any if < 0. */
static void for_each_edge(int node, void (*visit)(int from, int to))
{
	int w, i, obj, from, to;

	for (w = 0; w < THREADS; w++)
		for (i = 0; i < all.worker[w].records; i++) {
			const struct record *const r = &all.worker[w].record[i];

			from = node_of(r->src, r->src_version);
			to = node_of(r->dst, r->dst_version);
			if (node < 0 || from == node)
				visit(from, to);
		}
	for (obj = 0; obj < OBJECTS; obj++)
		for (from = order.first[obj]; from + 1 < order.first[obj + 1]; from++)
			if (node < 0 || from == node)
				visit(from, from + 1);
}

static void count_before(int from, int to)
{
	(void)from;
	order.before[to]++;
}

static bool sort_graph(void)
{
	int obj, node, i, w, nodes;

	order.first[0] = 0;
	for (obj = 0; obj < OBJECTS; obj++)
		order.first[obj + 1] = order.first[obj] + all.object[obj].version + 1;
	nodes = order.first[OBJECTS];
	all.bumps += nodes - OBJECTS;
	if (nodes > MAX_NODES) {
		printf("# more versions than flows can make\n");
		return false;
	}
	for (w = 0; w < THREADS; w++) {
		all.records += all.worker[w].records;
		for (i = 0; i < all.worker[w].records; i++) {
			const struct record *const r = &all.worker[w].record[i];

			if (!has_version(r->src, r->src_version) ||
			    !has_version(r->dst, r->dst_version)) {
				printf("# a record names a version that never was\n");
				return false;
			}
		}
	}
	memset(order.before, 0, sizeof(order.before));
	memset(order.data, 0, sizeof(order.data));
	for (i = 0; i < SOURCES; i++)
		order.data[node_of(THREADS + INODES + i, 0)] = 1ULL << i;
	for_each_edge(-1, count_before);
	order.queued = 0;
	for (node = 0; node < nodes; node++)
		if (!order.before[node])
			order.queue[order.queued++] = node;
	for (i = 0; i < order.queued; i++)
		for_each_edge(order.queue[i], reach);
	if (order.queued < nodes)
		printf("# the records of a round make a cycle\n");
	return order.queued == nodes;
}

/* Is all data that is in an object at the end among its ancestors? */
static bool final_data_is_recorded(void)
{
	int obj;

	for (obj = 0; obj < THREADS + INODES; obj++)
		if (all.data[obj] & ~order.data[node_of(obj, all.object[obj].version)])
			return false;
	return true;
}

static bool data_is_recorded(void)
{
	int w, i;

	for (w = 0; w < THREADS; w++)
		for (i = 0; i < all.worker[w].snapshots; i++) {
			const struct snapshot *const s = &all.worker[w].snapshot[i];

			if (s->data & ~order.data[node_of(s->obj, s->version)]) {
				printf("# data is in process %d@%u without its ancestor\n",
				       s->obj, s->version);
				return false;
			}
		}
	if (!final_data_is_recorded()) {
		printf("# data is in an object without its ancestor\n");
		return false;
	}
	return true;
}

static bool run_rounds(void)
{
	u64 round;
	int i;

	pthread_barrier_init(&all.start, NULL, THREADS + 1);
	pthread_barrier_init(&all.done, NULL, THREADS + 1);
	all.records = 0;
	all.bumps = 0;
	all.overtaken = 0;
	for (i = 0; i < THREADS; i++) {
		all.worker[i].index = i;
		all.worker[i].random = (all.seed + i + 1) * 0x9e3779b97f4a7c15ULL | 1;
		if (pthread_create(&all.worker[i].thread, NULL, work, &all.worker[i])) {
			printf("Bail out! no thread can be made\n");
			exit(1);
		}
	}
	for (round = 0; round < all.rounds; round++) {
		new_round();
		pthread_barrier_wait(&all.start);
		pthread_barrier_wait(&all.done);
		if (!sort_graph() || (all.mode == MODE_PROCESSES && !data_is_recorded())) {
			printf("# in round %" PRIu64 "\n", round);
			return false;
		}
		all.overtaken += all.mode == MODE_OVERTAKE && !final_data_is_recorded();
		end_round();
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(all.worker[i].thread, NULL);
	pthread_barrier_destroy(&all.start);
	pthread_barrier_destroy(&all.done);
	printf("# %" PRIu64 " records, %" PRIu64 " new versions\n", all.records, all.bumps);
	if (all.mode == MODE_OVERTAKE)
		printf("# in %" PRIu64 " of %" PRIu64 " rounds data overtook its record\n",
		       all.overtaken, all.rounds);
	return true;
}

int main(int argc, char **argv)
{
	static const char *const name[MODES] = {
		[MODE_PROCESSES] = "processes with one thread: all data has its ancestor, no cycle",
		[MODE_THREADS] = "processes with many threads, lost records: no cycle",
		[MODE_OVERTAKE] = "processes with many threads, real data: no cycle",
	};
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ }
	};
	int option, mode;

	all.seed = time(NULL);
	all.rounds = 10000;
	all.next_id = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's') {
			all.seed = strtoull(optarg, NULL, 0);
		} else if (option == 'r') {
			all.rounds = strtoull(optarg, NULL, 0);
		} else {
			fprintf(stderr, "usage: threads [--seed N] [--rounds N]\n");
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%d\n# seed %" PRIu64 ", %" PRIu64 " rounds of %d threads\n", MODES, all.seed,
	       all.rounds, THREADS);
	for (mode = 0; mode < MODES; mode++) {
		all.mode = mode;
		if (!run_rounds()) {
			printf("not ok %d - %s\n", mode + 1, name[mode]);
			return 1;
		}
		printf("ok %d - %s\n", mode + 1, name[mode]);
	}
	return 0;
}
