// SPDX-License-Identifier: GPL-2.0
/*
 * Replays the flows of a log through the version engine, with suppression, and
 * compares what can be reached: in the graph of the log, in time order, and in
 * the graph that the engine makes of the same flows.  And so for changed copies.
 *
 * The log has to be recorded with provmon.suppress=off to be worth it: then each
 * flow is there.  Any other log holds as well.
 *
 * All of it must have an order.  What takes memory and time for each pair of objects is done
 * in parts, each of which is long enough for most logs to be one.
 */
#include <getopt.h>
#include <inttypes.h>
#include <linux/provenance.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine.h"
#include "flows.h"

enum {
	MAX_HELD = 8,		/* sends that last, at a time */
	IDS_FROM = 1,		/* 0 is no id */
};

static uint64_t random_state;

/* splitmix64 */
static uint64_t random_u64(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static uint32_t random_below(uint32_t limit)
{
	return limit ? random_u64() % limit : 0;
}

/**
 * struct snapshot - what an object knew when it was last at a version
 * @version: the version
 * @digest: of the set of objects
 * @told: the graph has said something about it
 */
struct snapshot {
	uint32_t version;
	uint64_t digest;
	bool told;
};

/**
 * struct object - an object of the replay
 * @obj: for the engine
 * @memory: of a process
 * @process: it is one
 * @word: of files that all processes share, or of the peer: a word each direction
 * @known: set of objects, by the flows and their order alone
 * @snapshot: array of @snapshots, by growing version
 */
struct object {
	struct prov_object obj;
	struct prov_memory memory;
	bool process;
	u64 word[2];
	uint64_t *known;
	struct snapshot *snapshot;
	size_t snapshots;
};

/**
 * struct held - a send that has begun
 * @end: number of the flow before which it ends
 */
struct held {
	struct prov_channel chan;
	struct prov_send send;
	struct flow flow;
	size_t end;
};

/* A word for two objects and no other: files that one process has open. */
struct own_word {
	uint64_t key;
	u64 word;
};

static struct replay {
	const struct flows *flows;
	uint64_t seed;
	bool changed;
	struct object *object;
	size_t words;
	struct own_word *own;
	size_t own_room;
	struct held held[MAX_HELD];
	int helds;
	struct flow *record;
	size_t records, room;
	size_t queries;
	char error[160];
} replay;

static void fail(const char *what, uint32_t object, uint32_t version)
{
	if (!replay.error[0])
		snprintf(replay.error, sizeof(replay.error), "%s: object %" PRIu32 " at version %"
			 PRIu32, what, object, version);
}

static uint32_t number(const struct prov_object *obj)
{
	return obj->id - IDS_FROM;
}

bool prov_emit_edge(u8 op, const struct prov_object *src, u32 src_version,
		    const struct prov_object *dst, u32 dst_version)
{
	if (replay.records == replay.room) {
		replay.room = 2 * replay.room + 1024;
		replay.record = realloc(replay.record, replay.room * sizeof(*replay.record));
		if (!replay.record) {
			printf("Bail out! no memory\n");
			exit(2);
		}
	}
	replay.record[replay.records++] = (struct flow){
		.src = number(src), .src_version = src_version,
		.dst = number(dst), .dst_version = dst_version,
		.op = op,
	};
	return true;
}

void prov_emit_lost(void)
{
	fail("a record is lost", 0, 0);
}

static u64 *own_word(uint32_t src, uint32_t dst)
{
	const uint64_t key = ((uint64_t)src << 32 | dst) + 1;
	size_t at = set_digest(&key, 1) % replay.own_room;

	while (replay.own[at].key && replay.own[at].key != key)
		at = (at + 1) % replay.own_room;
	replay.own[at].key = key;
	return &replay.own[at].word;
}

/* Executions, forks and mappings have no open file. */
static bool is_through_file(const struct flow *flow)
{
	switch (flow->op) {
	case PROV_OP_FORK:
	case PROV_OP_EXEC:
	case PROV_OP_MMAP:
	case PROV_OP_MMAP_WRITE:
	case PROV_OP_TRUNCATE:
		return false;
	}
	return true;
}

/* As the hooks do: see channel_in(), channel_out() in file.c, deliver() in socket.c. */
static struct prov_channel channel(const struct flow *flow)
{
	struct object *const src = &replay.object[flow->src], *const dst = &replay.object[flow->dst];
	struct prov_channel chan = { .src = &src->obj, .dst = &dst->obj, .op = flow->op };
	const uint64_t pair = (uint64_t)flow->src << 32 ^ flow->dst ^ replay.seed;
	struct object *process = NULL;

	if (dst->process && !src->process) {
		chan.direction = PROV_IN;
		process = dst;
	} else if (src->process && !dst->process) {
		chan.direction = PROV_OUT;
		process = src;
	}
	if (process)
		chan.memory = &process->memory;
	/* A word is of one object, for all its life; whose, is chosen for each pair. */
	chan.cache_id = prov_cache_id(process ? process->obj.id : dst->obj.id);
	if (!is_through_file(flow) || (src->process && dst->process))
		return chan;
	switch (process ? set_digest(&pair, 1) % 3 : 1) {
	case 0:
		chan.cache = &(process == src ? dst : src)->word[chan.direction];
		break;
	case 1:
		chan.cache = own_word(flow->src, flow->dst);
		break;
	}
	return chan;
}

static void learn(const struct flow *flow)
{
	set_join(replay.object[flow->dst].known, replay.object[flow->src].known, replay.words);
}

/* A query point: what the destination of a flow knows, at its version of now. */
static void take_snapshot(uint32_t number)
{
	struct object *const object = &replay.object[number];
	const uint32_t version = object->obj.version;
	struct snapshot *last;

	if (!object->snapshots || object->snapshot[object->snapshots - 1].version != version) {
		/* Grows by doubling, at powers of two. */
		if (!(object->snapshots & (object->snapshots - 1)))
			object->snapshot = realloc(object->snapshot,
						   (2 * object->snapshots + 1) *
						   sizeof(*object->snapshot));
		if (!object->snapshot) {
			printf("Bail out! no memory\n");
			exit(2);
		}
		object->snapshots++;
	}
	last = &object->snapshot[object->snapshots - 1];
	*last = (struct snapshot){
		.version = version, .digest = set_digest(object->known, replay.words),
	};
	replay.queries++;
}

static bool hits(const struct prov_channel *chan)
{
	return chan->cache && prov_cache_hit(chan->cache, chan->cache_id, chan->src->version);
}

static void end_held(int i)
{
	const struct held held = replay.held[i];

	replay.held[i] = replay.held[--replay.helds];
	/* What the sender learnt since then goes out with it. */
	learn(&held.flow);
	prov_send_end(&held.chan, &held.send);
	take_snapshot(held.flow.dst);
}

static void play(const struct flow *flow, size_t at)
{
	const struct prov_channel chan = channel(flow);
	struct prov_send send;

	for (int i = replay.helds; i--;)
		if (replay.held[i].end <= at)
			end_held(i);
	learn(flow);
	if (hits(&chan)) {
		take_snapshot(flow->dst);
		return;
	}
	if (!replay.object[flow->src].process || random_below(4) == 0) {
		prov_flow(&chan);
	} else {
		prov_send_begin(&chan, &send);
		if (replay.changed && replay.helds < MAX_HELD && random_below(8) == 0)
			replay.held[replay.helds++] = (struct held){
				chan, send, *flow, at + 1 + random_below(30),
			};
		else
			prov_send_end(&chan, &send);
	}
	take_snapshot(flow->dst);
}

static int compare_version(const void *key, const void *element)
{
	const uint32_t version = *(const uint32_t *)key;
	const struct snapshot *const snapshot = element;

	return version < snapshot->version ? -1 : version > snapshot->version;
}

static void check_version(void *context, uint32_t object, uint32_t version, const uint64_t *set)
{
	struct object *const o = &replay.object[object];
	struct snapshot *const snapshot = !o->snapshots ? NULL :
		bsearch(&version, o->snapshot, o->snapshots, sizeof(*snapshot), compare_version);

	(void)context;
	/* A version that nothing flowed into has no query. */
	if (!snapshot)
		return;
	snapshot->told = true;
	if (set_digest(set, replay.words) != snapshot->digest)
		fail("its ancestors are not what it knew", object, version);
}

static void check_all(void)
{
	if (!flows_reach(replay.record, replay.records, replay.flows->objects, check_version, NULL))
		fail("the records make a cycle", 0, 0);
	for (uint32_t i = 0; i < replay.flows->objects; i++)
		for (size_t s = 0; s < replay.object[i].snapshots; s++)
			if (!replay.object[i].snapshot[s].told)
				fail("the records do not know a version", i,
				     replay.object[i].snapshot[s].version);
	if (port_error() && !replay.error[0])
		snprintf(replay.error, sizeof(replay.error), "%s", port_error());
}

/* Return: NULL, or what is wrong. */
static const char *play_all(const struct flows *flows, uint64_t seed, bool changed)
{
	const size_t words = set_words(flows->objects);

	replay = (struct replay){
		.flows = flows, .seed = seed, .changed = changed, .words = words,
		.own_room = 2 * flows->count + 16,
		.record = replay.record, .room = replay.room,
	};
	random_state = seed;
	port_reset();
	replay.object = must_alloc(flows->objects, sizeof(*replay.object));
	replay.own = must_alloc(replay.own_room, sizeof(*replay.own));
	for (uint32_t i = 0; i < flows->objects; i++) {
		struct object *const object = &replay.object[i];

		prov_object_init(&object->obj, i + IDS_FROM, flows->kind[i]);
		object->process = flows->kind[i] == PROV_K_PROCESS;
		object->known = must_alloc(words, sizeof(uint64_t));
		set_add(object->known, i);
	}
	for (size_t i = 0; i < flows->count; i++)
		play(&flows->flow[i], i);
	while (replay.helds)
		end_held(replay.helds - 1);
	check_all();
	for (uint32_t i = 0; i < flows->objects; i++) {
		free(replay.object[i].known);
		free(replay.object[i].snapshot);
	}
	free(replay.object);
	free(replay.own);
	return replay.error[0] ? replay.error : NULL;
}

/*
 * The graph of the log itself: at the end of each version that something flowed
 * into, its ancestors are what the order of the flows says.
 */
static void note_digest(void *context, uint32_t object, uint32_t version, const uint64_t *set)
{
	struct object *const o = &replay.object[object];

	(void)context;
	if (o->snapshots && o->snapshot[o->snapshots - 1].version == version &&
	    set_digest(set, replay.words) != o->snapshot[o->snapshots - 1].digest)
		fail("in the log, its ancestors are not what it knew", object, version);
}

static const char *check_log(const struct flows *flows)
{
	const size_t words = set_words(flows->objects);

	replay = (struct replay){ .flows = flows, .words = words };
	replay.object = must_alloc(flows->objects, sizeof(*replay.object));
	for (uint32_t i = 0; i < flows->objects; i++) {
		replay.object[i].known = must_alloc(words, sizeof(uint64_t));
		set_add(replay.object[i].known, i);
	}
	for (size_t i = 0; i < flows->count; i++) {
		learn(&flows->flow[i]);
		replay.object[flows->flow[i].dst].obj.version = flows->flow[i].dst_version;
		take_snapshot(flows->flow[i].dst);
	}
	if (!flows_reach(flows->flow, flows->count, flows->objects, note_digest, NULL))
		fail("the log has a cycle", 0, 0);
	for (uint32_t i = 0; i < flows->objects; i++) {
		free(replay.object[i].known);
		free(replay.object[i].snapshot);
	}
	free(replay.object);
	return replay.error[0] ? replay.error : NULL;
}

static bool share_object(const struct flow *a, const struct flow *b)
{
	return a->src == b->src || a->src == b->dst || a->dst == b->src || a->dst == b->dst;
}

/*
 * A changed copy of a part: flows are left out, independent ones change places, ends
 * become other objects, and flows from objects that are new come in between, which
 * tell the moments of an object apart.
 */
static void change(const struct flows *base, size_t part, struct flows *copy)
{
	const uint32_t leave_out = random_below(30), redirect = random_below(15);
	const uint32_t insert = random_below(10), swap = random_below(60);
	const size_t count = base->count < part ? base->count : part;
	struct flows original;

	/* Only the objects of the part: sets are as wide as there are objects. */
	flows_cut(base, random_below(base->count - count + 1), count, UINT32_MAX, &original);
	const uint32_t old = original.objects;

	*copy = (struct flows){
		.flow = must_alloc(2 * count, sizeof(*copy->flow)),
		.kind = must_alloc(old + count, 1), .objects = old,
	};
	memcpy(copy->kind, original.kind, old);
	for (size_t i = 0; i < count; i++) {
		struct flow flow = original.flow[i];

		if (random_below(100) < leave_out)
			continue;
		if (random_below(100) < redirect) {
			uint32_t *const end = random_below(2) ? &flow.src : &flow.dst;
			const uint32_t other = random_below(old);

			if (other != flow.src && other != flow.dst)
				*end = other;
		}
		if (random_below(100) < insert) {
			copy->kind[copy->objects] = random_below(2) ? PROV_K_FILE : PROV_K_PROCESS;
			copy->flow[copy->count++] = (struct flow){
				.src = copy->objects++, .dst = random_below(old),
				.op = PROV_OP_READ,
			};
		}
		copy->flow[copy->count++] = flow;
	}
	for (size_t i = 1; i < copy->count; i++) {
		const struct flow flow = copy->flow[i];

		if (random_below(100) < swap && !share_object(&copy->flow[i - 1], &flow)) {
			copy->flow[i] = copy->flow[i - 1];
			copy->flow[i - 1] = flow;
		}
	}
	flows_free(&original);
}

static int tests, failed;

static void report(const char *error, const char *what)
{
	if (error)
		printf("# %s\n", error);
	printf("%sok %d - %s\n", error ? "not " : "", ++tests, what);
	failed += !!error;
}

/**
 * struct bounds - how much of a log is replayed, and in which parts
 * @objects: of a part: what a set takes grows with them, and there is one for each
 * @flows: of a part
 * @seconds: after which no part is begun; 0 if they do not matter
 */
struct bounds {
	uint32_t objects;
	size_t flows;
	unsigned int seconds;
};

/* Part by part: each begins with objects that know nothing. */
static void play_parts(const struct flows *flows, uint64_t seed, const struct bounds *bounds)
{
	const time_t began = time(NULL);
	size_t at = 0, parts = 0, records = 0, queries = 0;
	const char *wrong_log = NULL, *wrong = NULL;
	char how[100] = "", what[300];

	while (at < flows->count && !wrong_log && !wrong &&
	       (!parts || !bounds->seconds || time(NULL) - began < bounds->seconds)) {
		static char error[sizeof(replay.error)];
		struct flows part;

		at = flows_cut(flows, at, bounds->flows, bounds->objects, &part);
		parts++;
		wrong_log = check_log(&part);
		if (wrong_log)
			wrong_log = strcpy(error, wrong_log);
		wrong = play_all(&part, seed, false);
		records += replay.records;
		queries += replay.queries;
		flows_free(&part);
	}
	if (parts > 1)
		snprintf(how, sizeof(how), ", in %zu parts of up to %" PRIu32 " objects and %zu flows",
			 parts, bounds->objects, bounds->flows);
	if (at < flows->count)
		snprintf(how + strlen(how), sizeof(how) - strlen(how),
			 ", but only %zu of %zu flows", at, flows->count);
	snprintf(what, sizeof(what), "the log's graph says of each version what the order says%s", how);
	report(wrong_log, what);
	snprintf(what, sizeof(what), "seed %" PRIu64 ": %zu flows become %zu records, "
		 "the same can be reached at %zu points%s", seed, at, records, queries, how);
	report(wrong, what);
}

static void play_copies(const struct flows *flows, uint64_t seed, int copies, size_t part)
{
	size_t all = 0, records = 0, queries = 0;
	const char *error = NULL;
	char what[200];

	for (int i = 0; i < copies && !error; i++) {
		struct flows copy;

		random_state = seed + i;
		change(flows, part, &copy);
		error = play_all(&copy, seed + i, true);
		if (error)
			printf("# copy %d: again with --seed %" PRIu64 " --copies 1 --part %zu\n",
			       i, seed + i, part);
		all += copy.count;
		records += replay.records;
		queries += replay.queries;
		flows_free(&copy);
	}
	snprintf(what, sizeof(what), "%d changed copies, seeds from %" PRIu64
		 ": %zu flows become %zu records, the same can be reached at %zu points",
		 copies, seed, all, records, queries);
	report(error, what);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "copies", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 's' },
		{ "part", required_argument, NULL, 'p' },
		{ "seconds", required_argument, NULL, 't' },
		{ "objects", required_argument, NULL, 'o' },
		{ "flows", required_argument, NULL, 'f' },
		{ }
	};
	struct bounds bounds = { .objects = 30000, .flows = 1000000 };
	uint64_t seed = (uint64_t)time(NULL) * 1000000;
	size_t part = 5000;
	struct flows flows;
	const char *error;
	int copies = 200, option;
	bool ordered;
	char what[200];

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			copies = atoi(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 10);
			break;
		case 'p':
			part = strtoull(optarg, NULL, 10);
			break;
		case 't':
			bounds.seconds = strtoul(optarg, NULL, 10);
			break;
		case 'o':
			bounds.objects = strtoul(optarg, NULL, 10);
			break;
		case 'f':
			bounds.flows = strtoull(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (optind + 1 != argc || copies < 0 || !part || bounds.objects < 2 || !bounds.flows) {
		fprintf(stderr, "usage: replay [--copies N] [--seed N] [--part FLOWS] [--seconds N] "
			"[--objects N] [--flows N] LOG\n");
		return 2;
	}
	error = flows_load(&flows, argv[optind]);
	if (error) {
		printf("Bail out! %s\n", error);
		return 2;
	}
	ordered = flows_order(&flows);
	snprintf(what, sizeof(what), "%zu flows between %" PRIu32 " objects have an order, "
		 "%" PRIu64 " records are lost", flows.count, flows.objects, flows.lost);
	report(ordered && flows.count ? NULL : "some flow has no place in it", what);

	play_parts(&flows, seed, &bounds);
	play_copies(&flows, seed, copies, part);
	printf("1..%d\n", tests);
	flows_free(&flows);
	return failed != 0;
}
