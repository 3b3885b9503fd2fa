// SPDX-License-Identifier: GPL-2.0
/* Replay: what a recorder that is started again learns, and when it stops to */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "carry.h"
#include "replay.h"
#include "segment.h"
#include "spool.h"
#include "store.h"
#include "tempdir.h"

#define SPOOL_BYTES	4096

struct bench {
	char *directory;
	struct store *store;
	struct spool *spool;
	struct carry *carry;
	int room_fd;
	_Atomic uint64_t until_ns, beat;
};

/* A sub-buffer of a CPU that describes one node, whose id is @seq + 1. */
struct subbuf {
	struct prov_subbuf_header header;
	struct prov_node_record node;
};

static struct subbuf make(uint32_t cpu, uint64_t seq)
{
	return (struct subbuf) {
		.header = {
			.magic = htole32(PROV_MAGIC),
			.format = htole16(PROV_FORMAT_VERSION),
			.header_bytes = htole16(sizeof(struct prov_subbuf_header)),
			.boot_id = { 1 },
			.cpu = htole32(cpu),
			.seq = htole64(seq),
			.used_bytes = htole32(sizeof(struct subbuf)),
		},
		.node = {
			.rec = {
				.type = PROV_R_NODE,
				.sub = PROV_K_FILE,
				.bytes = htole16(sizeof(struct prov_node_record)),
			},
			.id = htole64(seq + 1),
		},
	};
}

/* Segments 0, 1 and 2, in which CPU 0 has the sub-buffers 0 to 2. */
static int setup(void **state)
{
	struct bench *const bench = calloc(1, sizeof(*bench));
	struct options options = { .max_segment_bytes = 1 << 20, .max_age_ns = UINT64_MAX,
				   .level = 1 };

	bench->directory = tempdir_new();
	options.log_dir = bench->directory;
	bench->room_fd = eventfd(0, EFD_NONBLOCK);
	bench->spool = spool_new(SPOOL_BYTES, bench->room_fd);
	bench->carry = carry_new(1 << 20);
	bench->until_ns = UINT64_MAX;
	assert_int_equal(store_open(&bench->store, &options, -1), 0);
	for (uint64_t seq = 0; seq < 3; seq++) {
		const struct subbuf subbuf = make(0, seq);

		assert_int_equal(store_begin(bench->store), 1);
		assert_int_equal(store_append(bench->store, PROV_FRAME_SUBBUFS, &subbuf,
					      sizeof(subbuf)), 0);
		assert_int_equal(store_seal(bench->store), 0);
	}
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *const bench = *state;

	carry_free(bench->carry);
	spool_free(bench->spool);
	store_close(bench->store);
	close(bench->room_fd);
	tempdir_free(bench->directory);
	free(bench);
	return 0;
}

static struct replay *replay(struct bench *bench)
{
	const struct replay_limits limits = {
		.spool = bench->spool, .until_ns = &bench->until_ns, .beat = &bench->beat,
	};
	struct replay *const replay = replay_log(bench->store, bench->carry, &limits);

	assert_non_null(replay);
	return replay;
}

static uint64_t missing_before(struct replay *replay, uint64_t seq)
{
	const struct subbuf subbuf = make(0, seq);

	return replay_check(replay, &subbuf, sizeof(subbuf));
}

static void test_all_is_learnt(void **state)
{
	struct bench *const bench = *state;
	struct replay *const done = replay(bench);

	assert_int_equal(carry_counters(bench->carry).nodes, 3);
	assert_int_equal(replay_unread(done), 0);
	assert_true(bench->beat > 0);
	assert_int_equal(missing_before(done, 5), 2);
	/* Only the first of a CPU can tell. */
	assert_int_equal(missing_before(done, 9), 0);
	replay_free(done);
}

/* Records that wait come first: what is not read is counted. */
static void test_records_come_first(void **state)
{
	struct bench *const bench = *state;
	struct replay *done;

	for (uint64_t seq = 3; seq * sizeof(struct subbuf) <= SPOOL_BYTES / 2 +
	     3 * sizeof(struct subbuf); seq++) {
		const struct subbuf subbuf = make(0, seq);

		assert_int_equal(spool_put(bench->spool, &subbuf.header), 0);
	}
	assert_true(spool_presses(bench->spool));
	done = replay(bench);
	assert_int_equal(replay_unread(done), 3);
	assert_int_equal(carry_counters(bench->carry).nodes, 0);
	/* Nothing is known, so nothing is said to be missing. */
	assert_int_equal(missing_before(done, 5), 0);
	replay_free(done);
}

static void test_stop_is_heard(void **state)
{
	struct bench *const bench = *state;
	struct replay *done;

	bench->until_ns = 1;
	done = replay(bench);
	assert_int_equal(replay_unread(done), 3);
	replay_free(done);
}

/* The newest segments are read first, as far as the memory goes. */
static void test_newest_come_first(void **state)
{
	struct bench *const bench = *state;
	struct replay *done;

	carry_free(bench->carry);
	bench->carry = carry_new(1);
	done = replay(bench);
	assert_int_equal(replay_unread(done), 2);
	assert_int_equal(missing_before(done, 5), 2);
	replay_free(done);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_is_learnt),
		TEST(test_records_come_first),
		TEST(test_stop_is_heard),
		TEST(test_newest_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
