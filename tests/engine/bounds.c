// SPDX-License-Identifier: GPL-2.0
/*
 * What the version engine costs where flows repeat, and what it does at its
 * limits.  Each case is what a real program does over and over.
 */
#include <stdio.h>
#include <string.h>

#include "colliding.h"
#include "engine.h"
#include "mapping_bounds.h"

#define ROUNDS 1000
#define KIND 1

static unsigned int records, lost;
static bool into_last;		/* a record went into a version that takes nothing in */
static unsigned int lost_pattern;	/* bit n: the nth record from now on is lost */

/* drive.c is not part of this program: here is the other user of the engine. */
bool prov_emit_edge(u8 op, const struct prov_object *src, u32 src_version,
		    const struct prov_object *dst, u32 dst_version)
{
	const bool lose = lost_pattern & 1;

	(void)op;
	(void)src;
	(void)src_version;
	(void)dst;
	into_last |= dst_version == PROV_VERSION_LAST;
	lost_pattern >>= 1;
	lost += lose;
	records += !lose;
	return !lose;
}

void prov_emit_lost(void)
{
	lost++;
}

static struct process {
	struct prov_object object;
	struct prov_memory memory;
} process[2];

static struct prov_object inode[64];

static void prepare(void)
{
	unsigned int i;

	port_reset();
	records = 0;
	lost = 0;
	lost_pattern = 0;
	into_last = false;
	memset(process, 0, sizeof(process));
	for (i = 0; i < 2; i++)
		prov_object_init(&process[i].object, i + 1, KIND);
	for (i = 0; i < sizeof(inode) / sizeof(inode[0]); i++)
		prov_object_init(&inode[i], i + 10, KIND);
}

static bool receive(struct process *p, struct prov_object *from, u64 *word)
{
	const struct prov_channel chan = {
		.src = from, .dst = &p->object,
		.memory = &p->memory, .direction = PROV_IN,
		.cache = word, .cache_id = prov_cache_id(p->object.id),
	};

	return prov_cache_hit(word, chan.cache_id, from->hot) || prov_flow(&chan);
}

static bool send(struct process *p, struct prov_object *to, u64 *word, bool ok)
{
	const struct prov_channel chan = {
		.src = &p->object, .dst = to,
		.memory = &p->memory, .direction = PROV_OUT,
		.cache = word, .cache_id = prov_cache_id(p->object.id),
	};
	struct prov_send begun;

	if (prov_cache_hit(word, chan.cache_id, p->object.hot))
		return true;
	prov_send_begin(&chan, &begun);
	return !ok || prov_send_end(&chan, &begun);
}

static bool deliver(struct prov_object *from, struct prov_object *to, u64 *word)
{
	const struct prov_channel chan = {
		.src = from, .dst = to,
		.cache = word, .cache_id = prov_cache_id(from->id),
	};

	return (word && prov_cache_hit(word, chan.cache_id, from->hot)) ||
	       prov_flow(&chan);
}

static bool expect(const char *what, unsigned int got, unsigned int most)
{
	if (got <= most)
		return true;
	printf("# %s: %u, at most %u are allowed\n", what, got, most);
	return false;
}

static bool is(const char *what, unsigned int got, unsigned int want)
{
	if (got == want)
		return true;
	printf("# %s: %u instead of %u\n", what, got, want);
	return false;
}

/* A parent and its child read lines from one descriptor in turn. */
static bool two_readers_one_descriptor(void)
{
	u64 word = 0;
	int i;

	for (i = 0; i < ROUNDS; i++)
		receive(&process[i & 1], &inode[0], &word);
	return expect("records", records, 2);
}

/* Two jobs of make print to one terminal. */
static bool two_writers_one_descriptor(void)
{
	u64 word = 0;
	int i;

	for (i = 0; i < ROUNDS; i++)
		send(&process[i & 1], &inode[0], &word, true);
	return expect("records", records, 2) &
	       expect("versions", inode[0].version, 0);
}

static bool two_files_in_turn(void)
{
	u64 word[2] = { 0 };
	int i;

	for (i = 0; i < ROUNDS; i++)
		receive(&process[0], &inode[i & 1], &word[i & 1]);
	return expect("records", records, 2);
}

/* The cache of the open file goes with each close. */
static bool two_files_opened_in_turn(void)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		u64 word = 0;

		receive(&process[0], &inode[i & 1], &word);
	}
	return expect("records", records, 2);
}

/*
 * The memory of a process has a place for every object, but not one of its own.
 * Here are those of the inodes that share one.
 */
#define SHARING (sizeof(inode) / sizeof(inode[0]))

static bool share_one_place(void)
{
	u64 id[SHARING];
	const unsigned int n = colliding_ids(10, id, SHARING);
	unsigned int i;

	prepare();
	for (i = 0; i < n; i++)
		prov_object_init(&inode[i], id[i], KIND);
	return is("ids that share a place", n, SHARING);
}

static bool four_files_one_place(void)
{
	const bool good = share_one_place();
	int i;

	for (i = 0; i < ROUNDS; i++)
		receive(&process[0], &inode[i % 4], &(u64){ 0 });
	return good & expect("records", records, 4);
}

/* A fifth one pushes them out in turn, as long as the files are not kept open. */
static bool five_files_one_place(void)
{
	bool good = share_one_place();
	u64 word[5] = { 0 };
	int i;

	for (i = 0; i < ROUNDS; i++)
		receive(&process[0], &inode[i % 5], &(u64){ 0 });
	good &= expect("records without open files", records, ROUNDS);
	records = 0;
	for (i = 0; i < ROUNDS; i++)
		receive(&process[0], &inode[i % 5], &word[i % 5]);
	return good & expect("records through open files", records, 5);
}

/* What is known of it is replaced, and takes no place from the others. */
static bool file_that_grows_one_place(void)
{
	const bool good = share_one_place();
	int i, j;

	for (i = 0; i < ROUNDS; i++) {
		for (j = 0; j < 4; j++)
			receive(&process[0], &inode[j], &(u64){ 0 });
		/* From a source that is new, and not through the memory looked at. */
		prov_object_init(&inode[4], 100000 + i, KIND);
		deliver(&inode[4], &inode[0], NULL);
	}
	return good & expect("records", records, 4 + 2 * ROUNDS - 1);
}

/* cc reads one header for each of many sources. */
static bool file_in_constant_use(void)
{
	const bool good = share_one_place();
	unsigned int i;

	for (i = 1; i < SHARING; i++) {
		receive(&process[0], &inode[0], &(u64){ 0 });
		receive(&process[0], &inode[i], &(u64){ 0 });
	}
	return good & expect("records", records, SHARING);
}

/* while …; do echo …; done, with >>FILE at each echo. */
static bool appending_shell_loop(void)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		u64 word = 0;

		send(&process[0], &inode[0], &word, true);
	}
	return expect("records", records, 1) &
	       expect("versions", inode[0].version, 0);
}

/* tail -f of that: the reader takes something after each write. */
static bool followed_log(void)
{
	u64 in = 0, out = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		send(&process[0], &inode[0], &out, true);
		receive(&process[1], &inode[0], &in);
	}
	return expect("records", records, 2) &
	       expect("versions", inode[0].version, 0);
}

static bool stream_of_messages(void)
{
	u64 in = 0, out = 0, delivered = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		send(&process[0], &inode[0], &out, true);
		deliver(&inode[0], &inode[1], &delivered);
		receive(&process[1], &inode[1], &in);
	}
	return expect("records", records, 3);
}

/*
 * Two processes that answer each other learn from each other each time: the
 * engine does not know that the news are none.  The cost of a round is bounded.
 */
static bool question_and_answer(void)
{
	u64 word[4] = { 0 };
	int i;

	for (i = 0; i < ROUNDS; i++) {
		send(&process[0], &inode[0], &word[0], true);
		receive(&process[1], &inode[0], &word[1]);
		send(&process[1], &inode[1], &word[2], true);
		receive(&process[0], &inode[1], &word[3]);
	}
	return expect("records", records, 4 * ROUNDS);
}

static bool failing_sends(void)
{
	int i;

	receive(&process[1], &inode[0], &(u64){ 0 });
	records = 0;
	for (i = 0; i < ROUNDS; i++) {
		u64 word = 0;

		send(&process[0], &inode[0], &word, false);
	}
	return is("records", records, 0) & expect("versions", inode[0].version, 1);
}

static bool many_sources_one_version(void)
{
	unsigned int i;

	for (i = 0; i < 50; i++)
		receive(&process[0], &inode[i], &(u64){ 0 });
	return is("records", records, 50) & is("version", process[0].object.version, 0);
}

/* A read after the own write makes one new version, and one only. */
static bool one_version_after_a_flow_out(void)
{
	unsigned int i;

	send(&process[0], &inode[60], &(u64){ 0 }, true);
	for (i = 0; i < 50; i++)
		receive(&process[0], &inode[i], &(u64){ 0 });
	return is("records", records, 51) & is("version", process[0].object.version, 1);
}

static bool lost_record_is_repeated(void)
{
	u64 word = 0;
	bool good;

	lost_pattern = 1;
	good = !receive(&process[0], &inode[0], &word);
	good &= is("lost", lost, 1) & is("records", records, 0);
	good &= receive(&process[0], &inode[0], &word);
	good &= receive(&process[0], &inode[0], &word);
	return good & is("lost", lost, 1) & is("records", records, 1);
}

/*
 * A thread sends while another one of its process learns something.  Of the two
 * records, @pattern says which are lost (bit 0: that of the start).
 */
static bool send_and_learn(unsigned int pattern)
{
	const struct prov_channel chan = {
		.src = &process[0].object, .dst = &inode[0],
		.memory = &process[0].memory, .direction = PROV_OUT,
	};
	struct prov_send begun;
	bool good;

	prov_send_begin(&chan, &begun);
	receive(&process[0], &inode[1], &(u64){ 0 });
	records = 0;
	lost_pattern = pattern;
	good = is("sent", prov_send_end(&chan, &begun), !pattern);
	good &= is("lost", lost, !!(pattern & 1) + !!(pattern & 2));
	good &= is("records", records, 2 - lost);
	/* What the second record would have said is missing if that was lost. */
	records = 0;
	good &= is("sent", send(&process[0], &inode[0], &(u64){ 0 }, true), true);
	return good & is("records of the next send", records, !!(pattern & 2));
}

static bool both_records_of_a_send(void)
{
	return send_and_learn(0);
}

static bool lost_start(void)
{
	return send_and_learn(1);
}

static bool lost_second_look(void)
{
	return send_and_learn(2);
}

static bool lost_both(void)
{
	return send_and_learn(3);
}

static bool last_version(void)
{
	bool good = true;
	u64 word = 0;
	int i;

	inode[0].version = PROV_VERSION_LAST - 1;
	good &= is("sent", send(&process[0], &inode[0], &word, true), true);
	receive(&process[1], &inode[0], &word);
	records = 0;
	/* No version is left: what flows in now is counted, each time. */
	for (i = 0; i < 3; i++) {
		word = 0;
		receive(&process[0], &inode[1 + i], &word);
		word = 0;
		good &= is("sent", send(&process[0], &inode[0], &word, true), false);
		/* It can still be read. */
		word = 0;
		good &= is("received", receive(&process[1], &inode[0], &word), true);
	}
	good &= is("lost", lost, 3) & is("records into processes", records, 4);
	good &= is("records into the last version", into_last, false);
	return good & expect("version left", PROV_VERSION_LAST - inode[0].version, 1);
}

static bool wide_ids_go_without_cache(void)
{
	u64 word = 0;

	prov_object_init(&process[0].object, 1ULL << 32, KIND);
	receive(&process[0], &inode[0], &word);
	return is("word", word != 0, false) & is("records", records, 1) &
	       is("id", prov_cache_id(1ULL << 32 | 1) == PROV_CACHE_NEVER, true);
}

static bool to_oneself(void)
{
	const struct prov_channel chan = {
		.src = &process[0].object, .dst = &process[0].object,
		.memory = &process[0].memory, .direction = PROV_OUT,
	};
	struct prov_send begun;

	prov_send_begin(&chan, &begun);
	return prov_send_end(&chan, &begun) & prov_flow(&chan) & is("records", records, 0) &
	       is("version", process[0].object.version, 0) &
	       is("locks", port_locks_held(), 0);
}

static bool without_suppression(void)
{
	u64 in = 0, out = 0, peer = 0;
	int i;

	prov_suppress = false;
	for (i = 0; i < ROUNDS; i++) {
		receive(&process[0], &inode[0], &in);
		send(&process[0], &inode[1], &out, true);
		deliver(&inode[2], &inode[3], &peer);
	}
	prov_suppress = true;
	return is("records", records, 3 * ROUNDS) & is("words", in || out || peer, 0);
}

static const struct {
	const char *name;
	bool (*run)(void);
} tests[] = {
	{ "two readers take turns on one descriptor: 2 records", two_readers_one_descriptor },
	{ "two writers take turns on one descriptor: 2 records", two_writers_one_descriptor },
	{ "one process reads two files in turn: 2 records", two_files_in_turn },
	{ "one process opens and reads two files in turn: 2 records", two_files_opened_in_turn },
	{ "four files that share a place in the memory: 4 records", four_files_one_place },
	{ "five files that share a place in the memory: 5 records if kept open",
	  five_files_one_place },
	{ "a file that grows takes no place from three others", file_that_grows_one_place },
	{ "a file in constant use is not forgotten", file_in_constant_use },
	{ "a shell appends in a loop: 1 record", appending_shell_loop },
	{ "a reader follows a log that grows: 2 records", followed_log },
	{ "messages between two sockets: 3 records", stream_of_messages },
	{ "question and answer: at most 4 records a round", question_and_answer },
	{ "sends that fail: no record, one version at most", failing_sends },
	{ "fifty sources, nothing out: one version", many_sources_one_version },
	{ "fifty sources after a flow out: one new version", one_version_after_a_flow_out },
	{ "a lost record is written at the next flow", lost_record_is_repeated },
	{ "a send records its start and what it learnt since", both_records_of_a_send },
	{ "the record of a send's start is lost: its second look covers it", lost_start },
	{ "the record of a send's second look is lost: the next send writes it",
	  lost_second_look },
	{ "both records of a send are lost: the next send writes one", lost_both },
	{ "no version is left: flows are counted as lost", last_version },
	{ "a process with a wide id does without the cache", wide_ids_go_without_cache },
	{ "a flow to oneself is none", to_oneself },
	{ "without suppression each flow is recorded", without_suppression },
};

static unsigned int failed, done;

static void result(bool good, const char *name)
{
	if (port_error()) {
		printf("# %s\n", port_error());
		good = false;
	}
	failed += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", ++done, name);
}

int main(void)
{
	const unsigned int n = sizeof(tests) / sizeof(tests[0]);
	unsigned int i;

	printf("1..%u\n", n + mapping_bounds);
	for (i = 0; i < n; i++) {
		prepare();
		result(tests[i].run(), tests[i].name);
	}
	for (i = 0; i < mapping_bounds; i++) {
		prepare();
		result(mapping_bound[i].run(), mapping_bound[i].name);
	}
	return failed != 0;
}
