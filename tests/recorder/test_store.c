// SPDX-License-Identifier: GPL-2.0
/* The store: what it counts, and what that costs */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "segment.h"
#include "store.h"
#include "tempdir.h"

/* How many of the next syncs of files fail; see unit. */
static unsigned int bad_syncs;

int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);

static bool sync_fails(int fd)
{
	struct stat stat;

	assert_int_equal(fstat(fd, &stat), 0);
	if (!bad_syncs || !S_ISREG(stat.st_mode))
		return false;
	bad_syncs--;
	errno = EIO;
	return true;
}

int __wrap_fsync(int fd)
{
	return sync_fails(fd) ? -1 : __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
	return sync_fails(fd) ? -1 : __real_fdatasync(fd);
}

/* What is there, by the directory. */
static void look(const char *directory, uint64_t *segments, uint64_t *bytes)
{
	const int dirfd = open(directory, O_RDONLY | O_DIRECTORY);
	struct prov_segment_entry *entries;
	size_t count;

	assert_int_equal(prov_segment_list(dirfd, &entries, &count), 0);
	*segments = count;
	*bytes = 0;
	for (size_t i = 0; i < count; i++)
		*bytes += entries[i].bytes;
	free(entries);
	close(dirfd);
}

static void check_counters(const struct store *store, const char *directory)
{
	const struct store_counters counters = store_counters(store);
	uint64_t segments, bytes;

	look(directory, &segments, &bytes);
	assert_int_equal(counters.segments, segments);
	assert_int_equal(counters.log_bytes, bytes);
}

static void write_segment_of(struct store *store, uint64_t last_ns, uint64_t last_wall_ns)
{
	const struct prov_subbuf_header raw = {
		.magic = htole32(PROV_MAGIC),
		.format = htole16(PROV_FORMAT_VERSION),
		.header_bytes = htole16(sizeof(raw)),
		.used_bytes = htole32(sizeof(raw)),
		.first_ns = htole64(last_ns),
		.last_ns = htole64(last_ns),
		.wall_offset_ns = htole64(last_wall_ns - last_ns),
	};

	assert_true(store_begin(store) >= 0);
	assert_int_equal(store_append(store, PROV_FRAME_SUBBUFS, &raw, sizeof(raw)), 0);
}

static void write_segment(struct store *store)
{
	write_segment_of(store, 0, 0);
}

static void foreign_file(const char *directory, uint64_t number, bool open, const char *text)
{
	char name[PROV_SEGMENT_NAME_BYTES], path[256];
	FILE *file;

	prov_segment_name(name, number, open);
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void foreign_segment(const char *directory, uint64_t number)
{
	foreign_file(directory, number, false, "not from here");
}

static struct store *open_store_for(const char *directory, uint64_t retain_bytes,
				   uint64_t retain_age_ns)
{
	const struct options options = {
		.log_dir = directory, .max_segment_bytes = 1 << 20, .max_age_ns = UINT64_MAX,
		.retain_bytes = retain_bytes, .retain_age_ns = retain_age_ns, .level = 1,
	};
	struct store *store;

	assert_int_equal(store_open(&store, &options, -1), 0);
	return store;
}

static struct store *open_store(const char *directory, uint64_t retain_bytes)
{
	return open_store_for(directory, retain_bytes, 0);
}

static void test_counters_are_what_is_there(void **state)
{
	struct store *store = open_store(*state, 0);

	check_counters(store, *state);
	for (int i = 0; i < 5; i++) {
		write_segment(store);
		check_counters(store, *state);
		assert_int_equal(store_seal(store), 0);
		check_counters(store, *state);
	}
	assert_int_equal(store_make_room(store), 0);
	check_counters(store, *state);
	write_segment(store);
	/* As after a crash: it is found and sealed. */
	store_close(store);
	store = open_store(*state, 1);
	check_counters(store, *state);
	write_segment(store);
	assert_int_equal(store_retain(store), 0);
	check_counters(store, *state);
	assert_int_equal(store_counters(store).segments, 1);
	store_close(store);
}

/* They are asked for with each batch, and a log can have thousands of segments. */
static void test_counters_do_not_read_the_log(void **state)
{
	struct store *const store = open_store(*state, 0);

	write_segment(store);
	for (unsigned int i = 100; i < 110; i++)
		foreign_segment(*state, i);
	assert_int_equal(store_counters(store).segments, 1);
	assert_int_equal(store_retain(store), 0);
	check_counters(store, *state);
	assert_int_equal(store_counters(store).segments, 11);
	store_close(store);
}

static bool is_there(const char *directory, uint64_t number, bool open)
{
	char name[PROV_SEGMENT_NAME_BYTES], path[256];

	prov_segment_name(name, number, open);
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return !access(path, F_OK);
}

/* A segment that could not be synced is left alone, counted, and repaired at the next start. */
static void test_unsynced_are_given_up(void **state)
{
	struct store *store = open_store(*state, 0);

	write_segment(store);
	bad_syncs = 1;
	assert_int_equal(store_sync(store), -EIO);
	assert_int_equal(store_sync(store), 0);
	assert_int_equal(store_counters(store).unsynced_segments, 1);
	write_segment(store);
	bad_syncs = 1;
	assert_int_equal(store_seal(store), 0);
	assert_int_equal(store_counters(store).unsynced_segments, 2);
	check_counters(store, *state);
	write_segment(store);
	assert_int_equal(store_seal(store), 0);
	assert_int_equal(store_counters(store).unsynced_segments, 2);
	check_counters(store, *state);
	assert_true(is_there(*state, 0, true) && !is_there(*state, 0, false));
	assert_true(is_there(*state, 1, true) && !is_there(*state, 1, false));
	assert_true(is_there(*state, 2, false));
	store_close(store);

	store = open_store(*state, 0);
	for (uint64_t number = 0; number < 3; number++)
		assert_true(is_there(*state, number, false));
	assert_int_equal(store_counters(store).segment, 3);
	store_close(store);
}

/* A disk that cannot be synced must not fill with what retention does not touch. */
static void test_unsynced_are_removed(void **state)
{
	struct store *const store = open_store(*state, 1);

	for (uint64_t number = 0; number < 3; number++) {
		write_segment(store);
		bad_syncs = 1;
		assert_int_equal(store_sync(store), -EIO);
	}
	write_segment(store);
	assert_int_equal(store_make_room(store), 0);
	assert_false(is_there(*state, 0, true));
	assert_int_equal(store_retain(store), 0);
	assert_false(is_there(*state, 1, true) || is_there(*state, 2, true));
	assert_true(is_there(*state, 3, true));
	check_counters(store, *state);
	assert_int_equal(store_make_room(store), -ENOENT);
	store_close(store);
}

/* A power failure can leave files without content: no gap in the numbers may tell of them. */
static void test_empty_leaves_no_gap(void **state)
{
	struct store *store = open_store(*state, 0);

	store_close(store);
	foreign_file(*state, 7, true, "");
	foreign_file(*state, 8, true, "");
	store = open_store(*state, 0);
	assert_int_equal(store_counters(store).segment, 7);
	write_segment(store);
	assert_int_equal(store_seal(store), 0);
	store_close(store);
	foreign_file(*state, 8, true, "");
	foreign_file(*state, 9, true, "PROVSEG1");
	store = open_store(*state, 0);
	assert_false(is_there(*state, 8, true) || is_there(*state, 9, true));
	assert_int_equal(store_counters(store).segment, 8);
	write_segment(store);
	assert_int_equal(store_seal(store), 0);
	assert_true(is_there(*state, 8, false));
	store_close(store);
	/* A gap that there was stays one. */
	foreign_file(*state, 20, true, "");
	store = open_store(*state, 0);
	assert_int_equal(store_counters(store).segment, 20);
	store_close(store);
}

static void test_number_in_use_is_passed_over(void **state)
{
	struct store *const store = open_store(*state, 0);

	foreign_segment(*state, 0);
	foreign_file(*state, 1, true, "not from here");
	write_segment(store);
	assert_int_equal(store_counters(store).segment, 2);
	assert_int_equal(store_seal(store), 0);
	assert_true(is_there(*state, 2, false));
	check_counters(store, *state);
	store_close(store);
}

#define SECOND	1000000000ull
#define YEAR	(365 * 86400 * SECOND)

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

/* A segment whose file is as old as files get; returns its number. */
static uint64_t seal_old_file(const char *directory, struct store *store)
{
	const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
	const uint64_t number = store_counters(store).segment;
	char name[PROV_SEGMENT_NAME_BYTES], path[256];

	assert_int_equal(store_seal(store), 0);
	prov_segment_name(name, number, false);
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	return number;
}

static void move_to_other_boot(const char *directory, uint64_t number, time_t mtime)
{
	const struct timespec times[2] = { { mtime, 0 }, { mtime, 0 } };
	const int dirfd = open(directory, O_RDONLY | O_DIRECTORY);
	static const uint8_t other[16] = { 1 };
	char name[PROV_SEGMENT_NAME_BYTES];
	int fd;

	prov_segment_name(name, number, false);
	fd = openat(dirfd, name, O_WRONLY);
	assert_int_equal(pwrite(fd, other, sizeof(other),
				offsetof(struct prov_segment_header, boot_id)), sizeof(other));
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
	close(dirfd);
}

/* The wall clock went a year forward since: what is of this boot is not older for that. */
static void test_age_of_this_boot(void **state)
{
	const uint64_t now_ns = clock_ns(CLOCK_BOOTTIME), wall_ns = clock_ns(CLOCK_REALTIME);
	struct store *store = open_store_for(*state, 0, 600 * SECOND);
	uint64_t number;

	write_segment_of(store, now_ns, wall_ns - YEAR);
	number = seal_old_file(*state, store);
	assert_int_equal(store_retain(store), 0);
	assert_true(is_there(*state, number, false));
	store_close(store);
	store = open_store_for(*state, 0, 2 * SECOND);
	write_segment_of(store, now_ns - 1 * SECOND, wall_ns);
	assert_int_equal(store_seal(store), 0);
	assert_int_equal(store_retain(store), 0);
	assert_true(is_there(*state, number, false));
	sleep(3);
	assert_int_equal(store_retain(store), 0);
	assert_false(is_there(*state, number, false));
	assert_int_equal(store_counters(store).segments, 0);
	store_close(store);
}

/* Of other boots there is only the wall clock; not the file's, which copying sets. */
static void test_age_of_other_boots(void **state)
{
	const uint64_t now_ns = clock_ns(CLOCK_BOOTTIME), wall_ns = clock_ns(CLOCK_REALTIME);
	struct store *const store = open_store_for(*state, 0, 600 * SECOND);
	uint64_t old, young;

	write_segment_of(store, now_ns, wall_ns - YEAR);
	old = seal_old_file(*state, store);
	move_to_other_boot(*state, old, wall_ns / SECOND);
	write_segment_of(store, 1, wall_ns);
	young = seal_old_file(*state, store);
	move_to_other_boot(*state, young, 1);
	assert_int_equal(store_retain(store), 0);
	assert_false(is_there(*state, old, false));
	assert_true(is_there(*state, young, false));
	store_close(store);
}

/* What has no end that says it is as old as its file. */
static void test_age_of_strangers(void **state)
{
	struct store *const store = open_store_for(*state, 0, 600 * SECOND);
	char path[256];
	const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };

	foreign_segment(*state, 0);
	assert_int_equal(store_retain(store), 0);
	assert_true(is_there(*state, 0, false));
	snprintf(path, sizeof(path), "%s/segment-%016u.plog", (const char *)*state, 0u);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_int_equal(store_retain(store), 0);
	assert_false(is_there(*state, 0, false));
	store_close(store);
}

static int setup(void **state)
{
	*state = tempdir_new();
	return 0;
}

static int teardown(void **state)
{
	tempdir_free(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_counters_are_what_is_there),
		TEST(test_counters_do_not_read_the_log),
		TEST(test_empty_leaves_no_gap),
		TEST(test_age_of_this_boot),
		TEST(test_age_of_other_boots),
		TEST(test_age_of_strangers),
		TEST(test_number_in_use_is_passed_over),
		TEST(test_unsynced_are_given_up),
		TEST(test_unsynced_are_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
