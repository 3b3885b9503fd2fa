// SPDX-License-Identifier: GPL-2.0
/*
 * The property test of mappings: random schedules of flows and of mappings that
 * come, change and go, against what an oracle says.
 *
 * The oracle (the functions with that name) knows sets and which process maps
 * what at this moment.  It lets everything flow at once, to the fixpoint.  The
 * engine may be lazy: an object is compared after it has taken over its news.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "mapping.h"
#include "mapping_log.h"

enum {
	PROCESSES	= 6,
	OBJECTS		= LOG_OBJECTS,
	INODES		= OBJECTS - PROCESSES,
	ALL		= LOG_ALL,	/* with those that are only a source */
	STEPS		= 90,
	SENDS		= 3,
	KIND		= 1,
	OP		= 1,
};

struct send {
	bool open, ok;
	int src, dst;
	struct prov_send begun;
};

/* The run that is going on. */
static struct {
	u64 rnd;
	int processes, inodes, used, step, stride;
	const char *error;
	char detail[200];
	struct prov_object object[ALL];
	struct prov_memory memory[PROCESSES];
	struct prov_process_map place[PROCESSES];
	bool alive[PROCESSES], gone[PROCESSES];
	unsigned int pages[PROCESSES][INODES][3];	/* by enum prov_access */
	int adopted[INODES];	/* by a process, plus 1; -1: it was */
	struct prov_arc feed[PROCESSES][INODES];
	bool feeds[PROCESSES][INODES];			/* by the oracle */
	u64 in[PROCESSES][INODES], out[PROCESSES][INODES];
	struct send send[SENDS];
	unsigned int records, lose_percent;
	u64 knows[ALL];
} now;

static bool verbose;
static u64 all_records, all_checks;

/* splitmix64; the constants are those of its authors. */
static u64 next_random(void)
{
	u64 z = now.rnd += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static u32 below(u32 n)
{
	return ((next_random() >> 32) * n) >> 32;
}

static bool chance(u32 percent)
{
	return below(100) < percent;
}

static void fail(const char *what)
{
	if (!now.error)
		now.error = what;
}

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	va_list args;

	if (!verbose)
		return;
	printf("# %3d ", now.step);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static const char *name(int obj)
{
	static char text[4][16];
	static unsigned int turn;
	char *const buf = text[turn++ % 4];

	if (obj < PROCESSES)
		snprintf(buf, sizeof(text[0]), "P%d", obj);
	else if (obj < OBJECTS)
		snprintf(buf, sizeof(text[0]), "I%d", obj - PROCESSES);
	else
		snprintf(buf, sizeof(text[0]), "new%d", obj - OBJECTS);
	return buf;
}

/* The oracle. */

static bool oracle_reads(int p, int i)
{
	return now.pages[p][i][PROV_ACCESS_READ] || now.pages[p][i][PROV_ACCESS_SHARE] ||
	       now.adopted[i] == p + 1;
}

static bool oracle_writes(int p, int i)
{
	return now.pages[p][i][PROV_ACCESS_SHARE] || now.feeds[p][i];
}

static void oracle_settle(void)
{
	bool again = true;
	int p, i;

	while (again) {
		again = false;
		for (p = 0; p < PROCESSES; p++) {
			for (i = 0; i < INODES; i++) {
				u64 *const process = &now.knows[p];
				u64 *const inode = &now.knows[PROCESSES + i];

				if (oracle_reads(p, i) && *inode & ~*process) {
					*process |= *inode;
					again = true;
				}
				if (oracle_writes(p, i) && *process & ~*inode) {
					*inode |= *process;
					again = true;
				}
			}
		}
	}
}

static void oracle_flow(int src, int dst)
{
	now.knows[dst] |= now.knows[src];
	oracle_settle();
}

static void add_edge(int src, u32 src_version, int dst, u32 dst_version)
{
	const char *const error = log_edge(src, src_version, dst, dst_version);

	if (error)
		fail(error);
}

bool prov_emit_edge(u8 op, const struct prov_object *src, u32 src_version,
		    const struct prov_object *dst, u32 dst_version)
{
	(void)op;
	if (!src->lock.held || !dst->lock.held)
		fail("a record is written without both locks");
	if (now.lose_percent && chance(now.lose_percent)) {
		say("    LOST %s@%u -> %s@%u", name(src - now.object), src_version,
		    name(dst - now.object), dst_version);
		return false;
	}
	say("    %s@%u -> %s@%u", name(src - now.object), src_version,
	    name(dst - now.object), dst_version);
	now.records++;
	add_edge(src - now.object, src_version, dst - now.object, dst_version);
	return true;
}

void prov_emit_lost(void)
{
	fail("a record is counted as lost that was not tried");
}

/* How the kernel uses the engine. */

static struct prov_map *map_of(int obj)
{
	return prov_map_get(&now.object[obj]);
}

static struct prov_channel channel(int src, int dst, bool cached)
{
	struct prov_channel chan = { .src = &now.object[src], .dst = &now.object[dst] };
	const int process = src < PROCESSES ? src : dst < PROCESSES ? dst : -1;

	if (process < 0)
		return chan;
	chan.memory = &now.memory[process];
	chan.direction = process == src ? PROV_OUT : PROV_IN;
	if (cached && src < OBJECTS && (src < PROCESSES) != (dst < PROCESSES)) {
		chan.cache = process == src ? &now.out[src][dst - PROCESSES] :
					      &now.in[dst][src - PROCESSES];
		chan.cache_id = prov_cache_id(now.object[process].id);
	}
	return chan;
}

static bool hit(const struct prov_channel *chan)
{
	return chan->cache &&
	       prov_cache_hit(chan->cache, chan->cache_id, READ_ONCE(chan->src->hot));
}

static void flow(int src, int dst, bool cached)
{
	const struct prov_channel chan = channel(src, dst, cached);

	if (!hit(&chan) && !prov_flow(&chan))
		fail("a flow was lost");
}

/* A record of a pull can be lost: then it is tried again before something flows. */
static void pull_with_losses(int obj)
{
	if (!chance(10))
		return;
	now.lose_percent = 40;
	prov_pull(&now.object[obj]);
	now.lose_percent = 0;
}

static void check(int obj)
{
	struct prov_object *const o = &now.object[obj];
	u64 recorded;

	if (obj < PROCESSES && now.gone[obj])
		return;
	pull_with_losses(obj);
	if (!prov_pull(o))
		fail("a pull was lost");
	if (o->flags & PROV_OBJ_STALE)
		fail("an object is stale after a pull");
	if (o->hot != o->version)
		fail("an object is hot at another version than its own");
	all_checks++;
	recorded = log_ancestors(obj, o->version);
	if (recorded == now.knows[obj])
		return;
	fail("the ancestors are wrong");
	snprintf(now.detail, sizeof(now.detail), "%s: missing %" PRIx64 ", added %" PRIx64,
		 name(obj), now.knows[obj] & ~recorded, recorded & ~now.knows[obj]);
}

/* The steps. */

static int any_process(void)
{
	int p, tries;

	for (tries = 0; tries < 20; tries++) {
		p = below(now.processes);
		if (now.alive[p])
			return p;
	}
	return -1;
}

static int any_inode(void)
{
	return PROCESSES + below(now.inodes);
}

static bool is_sending(int p)
{
	int i;

	for (i = 0; i < SENDS; i++)
		if (now.send[i].open && now.send[i].src == p)
			return true;
	return false;
}

static void new_object(int obj)
{
	/* The order of ids is the order of locks: any. */
	prov_object_init(&now.object[obj], 1 + (obj * now.stride & (ALL - 1)), KIND);
	now.knows[obj] = 1ULL << obj;
}

/*
 * A flow in the two steps that prov_flow() has, when others come in between: they
 * may or may not take over what nobody was told of.
 */
static void flow_interrupted(int src, int dst)
{
	const struct prov_channel chan = channel(src, dst, false);
	int tries, other;

	if (prov_transfer(&chan) == PROV_LOST)
		fail("a flow was lost");
	for (tries = below(3); tries >= 0; tries--) {
		other = chance(50) ? any_inode() : any_process();
		if (other >= 0 && !prov_pull(&now.object[other]))
			fail("a pull was lost");
	}
	prov_spread(&now.object[dst], &now.object[src]);
}

static void step_source(int dst)
{
	const int src = now.used;

	if (src == ALL)
		return;
	now.used++;
	new_object(src);
	say("%s flows into %s", name(src), name(dst));
	if (chance(30))
		flow_interrupted(src, dst);
	else
		flow(src, dst, false);
	oracle_flow(src, dst);
}

static void step_receive(int p, int i)
{
	say("%s reads %s", name(p), name(i));
	pull_with_losses(i);
	flow(i, p, chance(70));
	oracle_flow(i, p);
}

static void step_send_begin(int p, int i)
{
	struct prov_channel chan;
	struct send *send;

	for (send = now.send; send->open; send++)
		if (send == &now.send[SENDS - 1])
			return;
	chan = channel(p, i, chance(70));
	*send = (struct send){ .ok = chance(80), .src = p, .dst = i };
	say("%s begins to write %s%s", name(p), name(i), send->ok ? "" : ", fails");
	if (hit(&chan)) {
		oracle_flow(p, i);	/* has no news */
		return;
	}
	pull_with_losses(p);
	prov_send_begin(&chan, &send->begun);
	send->open = true;
	if (!send->ok)
		return;
	/* What is recorded at the end counts from now on. */
	if (send->begun.fresh)
		add_edge(p, send->begun.src_version, i, send->begun.dst_version);
	oracle_flow(p, i);
}

static void step_send_end(struct send *send)
{
	const struct prov_channel chan = channel(send->src, send->dst, chance(70));

	if (!send->open)
		return;
	send->open = false;
	if (!send->ok)
		return;
	say("%s ends to write %s", name(send->src), name(send->dst));
	if (!prov_send_end(&chan, &send->begun))
		fail("a send was lost");
	oracle_flow(send->src, send->dst);
}

static void map(int p, int i, enum prov_access access)
{
	const int pages = 1 + below(3);

	say("%s maps %d pages of %s, access %d", name(p), pages, name(i), access);
	pull_with_losses(p);
	prov_map_add(map_of(p), map_of(i), access, pages);
	now.pages[p][i - PROCESSES][access] += pages;
	oracle_settle();
}

static void step_map(int p, int i)
{
	map(p, i, chance(50) ? PROV_ACCESS_SHARE : PROV_ACCESS_READ);
}

/*
 * Records are lost while a mapping goes, but none that says what came by it: nobody but
 * @p is behind, and what is new to @p, or what only @p knows, can still come by another
 * arc of the two.  So it has to.
 */
static void remove_with_losses(int p, int i, enum prov_access from, unsigned int pages)
{
	int obj;

	for (obj = 0; obj < OBJECTS; obj++)
		if (obj != p || from == PROV_ACCESS_READ)
			prov_pull(&now.object[obj]);
	if (from == PROV_ACCESS_READ)
		step_source(p);
	say("records are lost");
	now.lose_percent = 60;
	prov_map_remove(map_of(p), map_of(i), from, pages);
	now.lose_percent = 0;
}

/* Does @p still have an arc to @i, or else from it, when that is gone? */
static bool keeps_arc(int p, int i, enum prov_access from, unsigned int pages)
{
	const unsigned int *const have = now.pages[p][i - PROCESSES];

	if (have[from] != pages)
		return false;
	if (from == PROV_ACCESS_SHARE)
		return have[PROV_ACCESS_READ] && !now.feeds[p][i - PROCESSES];
	return !have[PROV_ACCESS_SHARE] && now.feeds[p][i - PROCESSES];
}

/* Unmap, or protect: then the new access is there before the old one goes. */
static void step_unmap(int p, int i, bool protect)
{
	unsigned int *const have = now.pages[p][i - PROCESSES];
	enum prov_access from = PROV_ACCESS_READ, to = PROV_ACCESS_SHARE;
	unsigned int pages;

	if (!have[from] || (have[to] && chance(40))) {
		from = PROV_ACCESS_SHARE;
		to = PROV_ACCESS_READ;
	}
	if (!have[from])
		return;
	pages = chance(60) ? have[from] : 1 + below(have[from]);
	say("%s %s %u pages of %s, access %d", name(p), protect ? "protects" : "unmaps", pages,
	    name(i), from);
	pull_with_losses(i);
	if (protect) {
		prov_map_add(map_of(p), map_of(i), to, pages);
		have[to] += pages;
		oracle_settle();
	}
	if (keeps_arc(p, i, from, pages) && chance(80))
		remove_with_losses(p, i, from, pages);
	else
		prov_map_remove(map_of(p), map_of(i), from, pages);
	have[from] -= pages;
}

static bool can_share(int p)
{
	int i;

	for (i = 0; i < now.inodes; i++)
		if (now.pages[p][i][PROV_ACCESS_SHARE])
			return true;
	return false;
}

/* One of the inodes that are never mapped is adopted by the process, which knows it. */
static void step_adopt(int p)
{
	const int i = now.inodes + 1 + below(INODES);

	if (i >= INODES || now.adopted[i] || !can_share(p))
		return;
	say("%s adopts %s", name(p), name(PROCESSES + i));
	flow(PROCESSES + i, p, false);
	oracle_flow(PROCESSES + i, p);
	prov_pull(&now.object[p]);
	prov_map_adopt(map_of(p), &now.object[PROCESSES + i], 0);
	now.adopted[i] = p + 1;
	oracle_settle();
}

static void drop(int i)
{
	say("%s is dropped", name(PROCESSES + i));
	prov_map_drop(&now.object[PROCESSES + i]);
	now.adopted[i] = -1;
}

static void step_adopted(int p)
{
	const int i = below(INODES);

	if (now.adopted[i] <= 0)
		step_adopt(p);
	else if (chance(20))
		drop(i);
	else if (chance(30))
		step_source(PROCESSES + i);
	else if (chance(50))
		step_receive(p, PROCESSES + i);
	else
		step_send_begin(p, PROCESSES + i);
}

/* The kernel begins or ends to read the memory of a process for an inode. */
static void step_feed(int p, int i)
{
	struct prov_arc *const feed = &now.feed[p][i - PROCESSES];
	bool *const feeds = &now.feeds[p][i - PROCESSES];

	say("%s %s %s", name(p), *feeds ? "feeds no more" : "feeds", name(i));
	if (*feeds) {
		pull_with_losses(i);
		prov_map_unfeed(feed);
		*feeds = false;
		return;
	}
	pull_with_losses(p);
	prov_map_feed(feed, map_of(p), map_of(i));
	*feeds = true;
	oracle_settle();
}

/*
 * Nodes are not used again: there would be no telling an old version from a new
 * one.  So a fork needs a process that never was.
 */
static int new_process(void)
{
	int p;

	for (p = 0; p < now.processes && (now.alive[p] || now.gone[p]); p++)
		;
	return p < now.processes ? p : -1;
}

static void step_fork(int parent)
{
	const int child = new_process();
	int i, access;
	u32 version;

	if (child < 0)
		return;
	say("%s forks %s", name(parent), name(child));
	now.alive[child] = true;
	prov_pull(&now.object[parent]);
	version = now.object[parent].version;
	flow(parent, child, false);
	now.knows[child] |= now.knows[parent];
	/* A thread of the parent may learn something in between. */
	if (chance(40)) {
		step_source(chance(50) ? parent : any_inode());
		prov_pull(&now.object[parent]);
	}
	for (i = 0; i < INODES; i++) {
		for (access = PROV_ACCESS_READ; access <= PROV_ACCESS_SHARE; access++) {
			const unsigned int pages = now.pages[parent][i][access];

			if (!pages)
				continue;
			prov_map_inherit(map_of(parent), version, map_of(child),
					 map_of(PROCESSES + i), access, pages);
			now.pages[child][i][access] = pages;
			oracle_settle();
		}
	}
}

static bool has_feeds(int p)
{
	int i;

	for (i = 0; i < INODES; i++)
		if (now.feeds[p][i])
			return true;
	return false;
}

static void drop_adopted(int p)
{
	int i;

	for (i = 0; i < INODES; i++)
		if (now.adopted[i] == p + 1)
			drop(i);
}

static void release(int p, bool dies)
{
	/* A mapper can go before the inodes that it adopted. */
	if (dies && !has_feeds(p) && chance(50)) {
		prov_map_release_mapper(map_of(p));
		drop_adopted(p);
	} else {
		drop_adopted(p);
		prov_map_release(map_of(p), dies);
	}
	memset(now.pages[p], 0, sizeof(now.pages[p]));
	memset(now.feeds[p], 0, sizeof(now.feeds[p]));
	now.alive[p] = false;
	now.gone[p] = true;
}

static void step_exit(int p)
{
	if (is_sending(p))
		return;
	say("%s exits", name(p));
	release(p, true);
}

static void step_exec(int p)
{
	const int image = new_process();

	if (image < 0 || is_sending(p))
		return;
	say("%s executes %s", name(p), name(image));
	release(p, false);
	now.alive[image] = true;
	flow(p, image, false);
	oracle_flow(p, image);
}

/* One process shares all there is, so that its children do. */
static void begin_with_many_segments(void)
{
	int i;

	for (i = 0; i < now.inodes; i++)
		map(0, PROCESSES + i, PROV_ACCESS_SHARE);
}

/* All share one segment and some map the rest to read it. */
static void begin_with_one_segment(void)
{
	int p, i;

	for (p = 0; p < now.processes; p++) {
		if (!now.alive[p])
			continue;
		map(p, PROCESSES, PROV_ACCESS_SHARE);
		for (i = 1; i < now.inodes; i++)
			if (chance(70))
				map(p, PROCESSES + i, PROV_ACCESS_READ);
	}
}

/* Half of the schedules begin with what a search would have much to do with. */
static void begin(void)
{
	switch (below(4)) {
	case 0:
		begin_with_many_segments();
		break;
	case 1:
		begin_with_one_segment();
		break;
	}
}

static void any_step(void)
{
	const int p = any_process(), i = any_inode();
	const u32 what = below(100);

	if (p < 0)
		return;
	if (what < 18)
		step_source(chance(70) ? p : i);
	else if (what < 26)
		step_receive(p, i);
	else if (what < 38)
		step_send_begin(p, i);
	else if (what < 50)
		step_send_end(&now.send[below(SENDS)]);
	else if (what < 55)
		step_adopted(p);
	else if (what < 61)
		step_feed(p, i);
	else if (what < 72)
		step_map(p, i);
	else if (what < 83)
		step_unmap(p, i, false);
	else if (what < 92)
		step_unmap(p, i, true);
	else if (what < 96)
		step_fork(p);
	else if (what < 98)
		step_exit(p);
	else
		step_exec(p);
	if (port_error())
		fail(port_error());
	if (port_locks_held())
		fail("a lock is still taken after the call");
	if (chance(50))
		check(chance(50) ? p : i);
}

/*
 * Nobody learns anything more: then what members of a group do to others, and to
 * what they share, makes no records after all have done it twice.
 */
static void check_bound(void)
{
	int round, p, i;

	for (round = 0; round < 4 && !now.error; round++) {
		if (round == 2)
			now.records = 0;
		say("round %d", round);
		for (p = 0; p < now.processes; p++) {
			if (!now.alive[p])
				continue;
			flow(p, PROCESSES + now.inodes, true);
			oracle_flow(p, PROCESSES + now.inodes);
			for (i = 0; i < now.inodes; i++) {
				if (!now.pages[p][i][PROV_ACCESS_SHARE])
					continue;
				flow(PROCESSES + i, p, round & 1);
				flow(p, PROCESSES + i, round & 1);
			}
		}
	}
	if (now.records)
		fail("there are records without news");
}

static void prepare(u64 seed)
{
	int obj;

	memset(&now, 0, sizeof(now));
	now.rnd = seed;
	now.processes = 2 + below(PROCESSES - 1);
	now.stride = 2 * below(ALL / 2) + 1;
	/* The last inode is never mapped. */
	now.inodes = 1 + below(INODES - 1);
	now.used = OBJECTS;
	port_reset();
	log_reset();
	for (obj = 0; obj < OBJECTS; obj++) {
		new_object(obj);
		if (obj < PROCESSES)
			prov_map_init_process(&now.place[obj], &now.object[obj],
					      &now.memory[obj], OP, OP);
	}
	for (obj = 0; obj < now.processes; obj++)
		now.alive[obj] = obj < 2 || chance(50);
}

static bool run(u64 seed)
{
	int obj, p;

	prepare(seed);
	begin();
	for (now.step = 0; now.step < STEPS && !now.error; now.step++)
		any_step();
	for (obj = 0; obj < SENDS && !now.error; obj++)
		step_send_end(&now.send[obj]);
	for (obj = 0; obj < OBJECTS && !now.error; obj++)
		check(obj);
	if (!now.error && log_has_cycle())
		fail("the records have a cycle");
	all_records += now.records;
	if (!now.error)
		check_bound();
	for (p = 0; p < now.processes; p++)
		if (now.alive[p])
			release(p, true);
	/* Also of those that were gone before the kernel was done with them. */
	for (p = 0; p < now.processes; p++)
		for (obj = 0; obj < INODES; obj++)
			if (now.feed[p][obj].src)
				prov_map_unfeed(&now.feed[p][obj]);
	for (obj = 0; obj < OBJECTS && !now.error; obj++)
		check(obj);
	for (obj = 0; obj < OBJECTS; obj++)
		prov_map_free(&now.object[obj]);
	return !now.error;
}

static u64 seed_now, held;

static void say_failure(void)
{
	printf("# again with: mapping --seed %" PRIu64 " --schedules 1\n", seed_now);
	printf("not ok 1 - mappings: same reachability, no cycle, bounded\n1..1\n");
}

/* A schedule takes a millisecond.  Nothing else runs when this does: it never returns. */
static void endless(int signal)
{
	(void)signal;
	printf("# %" PRIu64 " schedules held before\n", held);
	printf("# a schedule goes round in circles\n");
	say_failure();
	fflush(stdout);
	_exit(1);
}

/* By the time of the processor, whatever else it does. */
static void limit_time(void)
{
	const struct itimerval limit = { .it_value.tv_sec = 10 };

	setitimer(ITIMER_VIRTUAL, &limit, NULL);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "schedules", required_argument, NULL, 'n' },
		{ }
	};
	u64 seed = (u64)time(NULL) << 20 ^ getpid(), schedules = 200000;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (option == 'n')
			schedules = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	printf("# seed %" PRIu64 ", %" PRIu64 " schedules\n", seed, schedules);
	signal(SIGVTALRM, endless);
	for (held = 0; held < schedules; held++) {
		seed_now = seed + held;
		limit_time();
		if (run(seed_now))
			continue;
		printf("# %" PRIu64 " schedules held before\n", held);
		verbose = true;
		run(seed_now);
		printf("# %s %s\n", now.error, now.detail);
		say_failure();
		return 1;
	}
	printf("# %" PRIu64 " records, %" PRIu64 " comparisons\n", all_records, all_checks);
	printf("ok 1 - mappings: same reachability, no cycle, bounded in %" PRIu64
	       " schedules\n1..1\n", schedules);
	return 0;
}
