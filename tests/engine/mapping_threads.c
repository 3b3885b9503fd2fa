// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings with real threads and real locks.  Each thread is a process, and real
 * data moves: by calls, and through what is mapped, without any call.  Whatever
 * has come to an object must be among its ancestors when all is over, and there
 * may be no cycle.
 */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mapping.h"

enum {
	THREADS		= 4,
	SHARED		= 3,			/* inodes that can be mapped */
	OWN		= THREADS + SHARED,	/* first of a file for each thread */
	SOURCES		= OWN + THREADS,	/* first of what is only read */
	OBJECTS		= SOURCES + 52,
	STEPS		= 60,
	EDGES		= 20000,
	ADOPTED		= 40,
	KIND		= 1,
	OP		= 1,
};

struct edge {
	int src, dst;
	u32 src_version, dst_version;
};

static struct prov_object object[OBJECTS];
static struct prov_memory memory[THREADS];
static struct prov_process_map place[THREADS];
static u64 data[OBJECTS];
static unsigned int pages[THREADS][SHARED][3];
static struct prov_arc feed[THREADS][SHARED];
static pthread_mutex_t feed_lock = PTHREAD_MUTEX_INITIALIZER;
static u64 in[THREADS][SHARED], out[THREADS][OWN];
static struct edge edge[EDGES];
static int edges, next_source;
static u64 seed;
static int stride;		/* of the ids, which are the order of the locks */
static pthread_barrier_t barrier;
static bool stop;
static struct prov_object loop, file, adopted[ADOPTED];

bool prov_emit_edge(u8 op, const struct prov_object *src, u32 src_version,
		    const struct prov_object *dst, u32 dst_version)
{
	const int at = __atomic_fetch_add(&edges, 1, __ATOMIC_RELAXED);

	(void)op;
	if (src == &loop || dst == &loop)
		return true;
	if (at >= EDGES)
		abort();
	edge[at] = (struct edge){ src - object, dst - object, src_version, dst_version };
	return true;
}

void prov_emit_lost(void)
{
	abort();
}

static u32 below(u64 *state, u32 n)
{
	/* splitmix64; the constants are those of its authors. */
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (((z ^ (z >> 31)) >> 32) * n) >> 32;
}

static u64 load(int obj)
{
	return __atomic_load_n(&data[obj], __ATOMIC_RELAXED);
}

static void store(int obj, u64 news)
{
	__atomic_fetch_or(&data[obj], news, __ATOMIC_RELAXED);
}

static bool hit(const struct prov_channel *chan)
{
	return chan->cache && prov_cache_hit(chan->cache, chan->cache_id,
					     READ_ONCE(chan->src->hot));
}

static void receive(int p, int from, u64 *word)
{
	const struct prov_channel chan = {
		.src = &object[from], .dst = &object[p], .memory = &memory[p],
		.direction = PROV_IN, .cache = word, .cache_id = prov_cache_id(object[p].id),
	};

	store(p, load(from));
	smp_rmb();
	if (!hit(&chan))
		prov_flow(&chan);
}

static void send(int p, int to)
{
	const struct prov_channel chan = {
		.src = &object[p], .dst = &object[to], .memory = &memory[p],
		.direction = PROV_OUT, .cache = &out[p][to - THREADS],
		.cache_id = prov_cache_id(object[p].id),
	};
	struct prov_send begun;
	bool began = false;

	smp_rmb();
	if (!hit(&chan)) {
		prov_send_begin(&chan, &begun);
		began = true;
	}
	store(to, load(p));
	if (began)
		prov_send_end(&chan, &begun);
	else if (!hit(&chan))
		prov_flow(&chan);
}

/* What is mapped moves without a call. */
static void touch(int p, int i)
{
	const unsigned int *const have = pages[p][i];

	if (have[PROV_ACCESS_READ] || have[PROV_ACCESS_SHARE])
		store(p, load(THREADS + i));
	if (have[PROV_ACCESS_SHARE])
		store(THREADS + i, load(p));
}

static void change(int p, int i, u64 *rnd)
{
	unsigned int *const have = pages[p][i];
	const enum prov_access access = below(rnd, 2) ? PROV_ACCESS_SHARE : PROV_ACCESS_READ;
	struct prov_map *const who = object[p].map;
	struct prov_map *const what = prov_map_get(&object[THREADS + i]);

	if (have[access] && below(rnd, 3)) {
		const unsigned int less = have[access];

		have[access] = 0;
		prov_map_remove(who, what, access, less);
		return;
	}
	prov_map_add(who, what, access, 1);
	have[access]++;
}

/*
 * The kernel begins or ends to read the memory of a process for an inode, at any
 * moment of that process.
 */
static void change_feed(int p, int i)
{
	struct prov_arc *const arc = &feed[p][i];

	pthread_mutex_lock(&feed_lock);
	if (arc->src && prov_map_is_fed(arc))
		prov_map_unfeed(arc);
	else
		prov_map_feed(arc, object[p].map, prov_map_get(&object[THREADS + i]));
	pthread_mutex_unlock(&feed_lock);
}

static void give(int p, int i)
{
	struct prov_arc *const arc = &feed[p][i];

	pthread_mutex_lock(&feed_lock);
	if (arc->src && prov_map_is_fed(arc))
		store(THREADS + i, load(p));
	pthread_mutex_unlock(&feed_lock);
}

static void step(int p, u64 *rnd)
{
	const int i = below(rnd, SHARED);
	int source;

	switch (below(rnd, 12)) {
	case 0:
	case 1:
		source = __atomic_fetch_add(&next_source, 1, __ATOMIC_RELAXED);
		if (source < OBJECTS)
			receive(p, source, NULL);
		break;
	case 2:
		receive(p, THREADS + i, &in[p][i]);
		break;
	case 3:
		send(p, THREADS + i);
		break;
	case 4:
	case 5:
		send(p, OWN + p);
		break;
	case 6:
	case 7:
		change(p, i, rnd);
		break;
	case 8:
		change_feed(below(rnd, THREADS), i);
		break;
	case 9:
		give(p, i);
		break;
	default:
		touch(p, i);
		break;
	}
}

static void *process(void *arg)
{
	const int p = (long)arg;

	for (;;) {
		u64 rnd;
		int i;

		pthread_barrier_wait(&barrier);
		if (stop)
			return NULL;
		rnd = seed * THREADS + p;
		for (i = 0; i < STEPS; i++)
			step(p, &rnd);
		/* In half of the rounds some are gone before the others are done. */
		if (seed & 1) {
			/* Feeds that end with it are not begun again meanwhile. */
			pthread_mutex_lock(&feed_lock);
			prov_map_release(object[p].map, false);
			pthread_mutex_unlock(&feed_lock);
			memset(pages[p], 0, sizeof(pages[p]));
		}
		send(p, OWN + p);
		pthread_barrier_wait(&barrier);
	}
}

static int by_source(const void *a, const void *b)
{
	const struct edge *const x = a, *const y = b;

	if (x->src != y->src)
		return x->src - y->src;
	return (x->src_version > y->src_version) - (x->src_version < y->src_version);
}

/* Follows the edges in an order in which causes come first. */
static bool check(void)
{
	static int first[OBJECTS + 1], degree[2 * EDGES], queue[2 * EDGES], at[2 * EDGES];
	static u64 has[2 * EDGES];
	int obj, i, nodes = 0, head = 0, tail = 0;

	for (obj = 0; obj < OBJECTS; obj++) {
		first[obj] = nodes;
		nodes += object[obj].version + 1;
	}
	first[OBJECTS] = nodes;
	qsort(edge, edges, sizeof(edge[0]), by_source);
	memset(at, 0xff, nodes * sizeof(at[0]));
	for (i = edges - 1; i >= 0; i--)
		at[first[edge[i].src] + edge[i].src_version] = i;
	for (obj = 0; obj < OBJECTS; obj++)
		for (i = first[obj]; i < first[obj + 1]; i++) {
			degree[i] = i > first[obj];
			has[i] = obj < SOURCES ? 0 : 1ULL << (obj - SOURCES);
		}
	for (i = 0; i < edges; i++)
		degree[first[edge[i].dst] + edge[i].dst_version]++;
	for (i = 0; i < nodes; i++)
		if (!degree[i])
			queue[tail++] = i;
	while (head < tail) {
		const int node = queue[head++];

		for (obj = 0; node >= first[obj + 1]; obj++)
			;
		if (node + 1 < first[obj + 1]) {
			has[node + 1] |= has[node];
			if (!--degree[node + 1])
				queue[tail++] = node + 1;
		}
		for (i = at[node]; i >= 0 && i < edges && edge[i].src == obj &&
		     first[obj] + (int)edge[i].src_version == node; i++) {
			const int to = first[edge[i].dst] + edge[i].dst_version;

			has[to] |= has[node];
			if (!--degree[to])
				queue[tail++] = to;
		}
	}
	if (tail != nodes) {
		printf("# the records have a cycle\n");
		return false;
	}
	for (obj = 0; obj < SOURCES; obj++) {
		const u64 missing = data[obj] & ~has[first[obj + 1] - 1];

		if (!missing)
			continue;
		printf("# object %d has data of %" PRIx64 " without their ancestor\n", obj,
		       missing);
		return false;
	}
	return true;
}

static void prepare(void)
{
	int obj;

	for (obj = 0; obj < OBJECTS; obj++) {
		prov_object_init(&object[obj], 1 + (obj * stride & 63), KIND);
		data[obj] = obj < SOURCES ? 0 : 1ULL << (obj - SOURCES);
	}
	memset(memory, 0, sizeof(memory));
	memset(place, 0, sizeof(place));
	for (obj = 0; obj < THREADS; obj++)
		prov_map_init_process(&place[obj], &object[obj], &memory[obj],
				      OP, OP);
	memset(pages, 0, sizeof(pages));
	memset(feed, 0, sizeof(feed));
	memset(in, 0, sizeof(in));
	memset(out, 0, sizeof(out));
	edges = 0;
	next_source = SOURCES;
}

static void clean_up(void)
{
	int obj, i;

	for (obj = 0; obj < THREADS; obj++)
		prov_map_release(object[obj].map, true);
	for (obj = 0; obj < THREADS; obj++)
		for (i = 0; i < SHARED; i++)
			if (feed[obj][i].src)
				prov_map_unfeed(&feed[obj][i]);
	for (obj = 0; obj < OBJECTS; obj++)
		prov_map_free(&object[obj]);
}

static void *drop_all(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ADOPTED; i++)
		prov_map_drop(&adopted[i]);
	return NULL;
}

/*
 * A loop device loses its file while the inodes of a file system on it leave memory:
 * each link goes once.
 */
static void release_while_dropping(void)
{
	static struct prov_process_map mapper;
	static struct prov_memory remembered;
	pthread_t dropper;
	int i;

	mapper = (struct prov_process_map){};
	remembered = (struct prov_memory){};
	prov_object_init(&loop, 1, KIND);
	prov_object_init(&file, 2, KIND);
	prov_map_init_process(&mapper, &loop, &remembered, OP, OP);
	prov_map_add(&mapper.map, prov_map_get(&file), PROV_ACCESS_SHARE, 1);
	for (i = 0; i < ADOPTED; i++) {
		prov_object_init(&adopted[i], 3 + i, KIND);
		prov_map_adopt(&mapper.map, &adopted[i], 0);
		if (i & 1) {
			const struct prov_channel chan = { .src = &loop, .dst = &adopted[i] };

			prov_flow(&chan);
		}
	}
	pthread_create(&dropper, NULL, drop_all, NULL);
	prov_map_release_mapper(&mapper.map);
	pthread_join(dropper, NULL);
	for (i = 0; i < ADOPTED; i++)
		prov_map_free(&adopted[i]);
	prov_map_free(&file);
	prov_map_free(&loop);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ }
	};
	u64 rounds = 3000, i, records = 0;
	pthread_t thread[THREADS];
	bool good = true;
	int option, obj;

	seed = (u64)time(NULL) << 20 ^ getpid();
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (option == 'r')
			rounds = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	printf("# seed %" PRIu64 ", %" PRIu64 " rounds\n", seed, rounds);
	stride = 2 * (seed % 31) + 1;
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (obj = 0; obj < THREADS; obj++)
		pthread_create(&thread[obj], NULL, process, (void *)(long)obj);
	for (i = 0; i < rounds && good; i++, seed++) {
		prepare();
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		for (obj = 0; obj < SOURCES; obj++)
			prov_pull(&object[obj]);
		records += edges;
		good = check();
		clean_up();
	}
	stop = true;
	pthread_barrier_wait(&barrier);
	for (obj = 0; obj < THREADS; obj++)
		pthread_join(thread[obj], NULL);
	for (i = 0; i < rounds; i++)
		release_while_dropping();
	printf("# %" PRIu64 " records\n", records);
	printf("%s 1 - mappings of threads, real data: no cycle, nothing without its ancestor\n"
	       "1..1\n", good ? "ok" : "not ok");
	return !good;
}
