// SPDX-License-Identifier: GPL-2.0
/*
 * Segments: round trip, every truncation, bit flips, full disks, repair
 *
 * Each test works in a directory of its own below $TMPDIR.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "segment.h"
#include "segment-internal.h"

#define FRAMES		4
#define SUBBUFS		3	/* in each frame */
#define EDGES		5	/* in each sub-buffer */
#define BASE_NS		1000000000ull
#define WALL_OFFSET_NS	1700000000000000000ull

struct log {
	char path[PATH_MAX];
	int fd;
};

/* How many of the next syncs fail, of files and of directories; see run. */
static unsigned int bad_file_syncs, bad_dir_syncs;
/* What the kernel had in memory, and not on the disk, when a cache is dropped. */
static off_t lost_bytes_at;

int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_posix_fadvise(int fd, off_t offset, off_t bytes, int advice);

static bool sync_fails(int fd)
{
	unsigned int *bad = &bad_file_syncs;
	struct stat stat;

	assert_int_equal(fstat(fd, &stat), 0);
	if (S_ISDIR(stat.st_mode))
		bad = &bad_dir_syncs;
	if (!*bad)
		return false;
	(*bad)--;
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

int __wrap_posix_fadvise(int fd, off_t offset, off_t bytes, int advice)
{
	static const char zeroes[64];

	if (!offset && !bytes && advice == POSIX_FADV_DONTNEED && lost_bytes_at)
		assert_int_equal(pwrite(fd, zeroes, sizeof(zeroes), lost_bytes_at), sizeof(zeroes));
	return 0;
}

static int setup(void **state)
{
	const char *const tmp = getenv("TMPDIR");
	struct log *const log = calloc(1, sizeof(*log));

	bad_file_syncs = bad_dir_syncs = 0;
	lost_bytes_at = 0;
	snprintf(log->path, sizeof(log->path), "%s/segment.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(log->path))
		return -1;
	log->fd = open(log->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = log;
	return log->fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct log *const log = *state;
	char command[PATH_MAX + 16];

	close(log->fd);
	snprintf(command, sizeof(command), "rm -rf '%s'", log->path);
	free(log);
	return system(command);
}

/* Fill @raw with SUBBUFS sub-buffers; returns their length. */
static size_t fill(char *raw, unsigned int frame)
{
	size_t at = 0;

	for (unsigned int i = 0; i < SUBBUFS; i++) {
		const uint64_t first = BASE_NS + (uint64_t)(frame * SUBBUFS + i) * 1000;
		struct prov_subbuf_header *const header = (void *)(raw + at);
		size_t used = sizeof(*header);

		memset(header, 0, sizeof(*header));
		for (unsigned int edge = 0; edge < EDGES; edge++) {
			struct prov_edge_record *const record = (void *)(raw + at + used);

			*record = (struct prov_edge_record) {
				.rec = {
					.type = PROV_R_EDGE_DATA + edge % 3,
					.sub = PROV_OP_READ,
					.bytes = htole16(sizeof(*record)),
					.dt_ns = htole32(edge),
				},
				.from = htole64(frame * 1000 + i),
				.to = htole64(random()),
			};
			used += sizeof(*record);
		}
		((struct prov_record *)(raw + at + used))[0] = (struct prov_record) {
			.type = PROV_R_PAD, .bytes = htole16(8),
		};
		used += 8;
		header->magic = htole32(PROV_MAGIC);
		header->format = htole16(PROV_FORMAT_VERSION);
		header->header_bytes = htole16(sizeof(*header));
		header->cpu = htole32(i);
		header->used_bytes = htole32(used);
		header->seq = htole64(frame);
		header->first_ns = htole64(first);
		header->last_ns = htole64(first + 10);
		header->wall_offset_ns = htole64(WALL_OFFSET_NS);
		header->lost = htole64(i == 1 ? 7 : 0);
		at += used;
	}
	return at;
}

static struct prov_segment_writer *create(const struct log *log, uint64_t number)
{
	const struct prov_segment_options options = {
		.number = number,
		.machine_id = { 1, 2, 3 },
		.boot_id = { 4, 5, 6 },
		.created_wall_ns = 12345,
		.level = 3,
		.gid = (gid_t)-1,
	};
	struct prov_segment_writer *writer;

	assert_int_equal(prov_segment_create(&writer, log->fd, &options), 0);
	return writer;
}

static struct prov_segment_writer *write_frames(const struct log *log, uint64_t number)
{
	struct prov_segment_writer *const writer = create(log, number);
	char *const raw = malloc(PROV_SUBBUF_BYTES);

	for (unsigned int frame = 0; frame < FRAMES; frame++)
		assert_int_equal(prov_segment_append(writer, frame ? PROV_FRAME_SUBBUFS :
						     PROV_FRAME_CARRIED, raw,
						     fill(raw, frame)), 0);
	free(raw);
	return writer;
}

static void write_file(const struct log *log, const char *name, const void *data, size_t bytes)
{
	const int fd = openat(log->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, bytes), bytes);
	close(fd);
}

static char *read_file(const struct log *log, const char *name, size_t *bytes)
{
	const int fd = openat(log->fd, name, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	char *data;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &stat), 0);
	data = malloc(stat.st_size + 1);
	assert_int_equal(read(fd, data, stat.st_size), stat.st_size);
	close(fd);
	*bytes = stat.st_size;
	return data;
}

/*
 * Read a segment whose frames were made by write_frames(): every frame that is
 * given out must be one that was written.  Returns how many there were.
 */
static unsigned int read_all(const struct log *log, const char *name,
			     struct prov_segment_state *state)
{
	struct prov_segment_reader *reader;
	struct prov_frame frame;
	unsigned int frames = 0;
	int ret;

	assert_int_equal(prov_segment_open(&reader, log->fd, name), 0);
	while ((ret = prov_segment_next(reader, &frame)) > 0) {
		const struct prov_subbuf_header *header;
		unsigned int subbufs = 0;
		size_t offset = 0;
		const void *raw;

		assert_int_equal(prov_segment_payload(reader, &raw), 0);
		assert_int_equal(frame.type, frame.index ? PROV_FRAME_SUBBUFS :
				 PROV_FRAME_CARRIED);
		while ((header = prov_subbuf_next(raw, frame.raw_bytes, &offset))) {
			assert_int_equal(le64toh(header->seq), frame.index);
			assert_int_equal(le32toh(header->cpu), subbufs);
			subbufs++;
		}
		assert_int_equal(subbufs, SUBBUFS);
		assert_int_equal(offset, frame.raw_bytes);
		frames++;
	}
	assert_int_equal(ret, 0);
	*state = *prov_segment_state(reader);
	prov_segment_close(reader);
	return frames;
}

static void test_round_trip(void **state)
{
	const struct log *const log = *state;
	struct prov_segment_entry *entries;
	struct prov_segment_reader *reader;
	struct prov_segment_state end;
	struct prov_frame frame, again;
	struct stat stat;
	const void *raw;
	size_t count;

	assert_int_equal(prov_segment_seal(write_frames(log, 42)), 0);
	assert_int_equal(prov_segment_list(log->fd, &entries, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(entries[0].number, 42);
	assert_false(entries[0].open);
	assert_int_equal(fstatat(log->fd, "segment-0000000000000042.plog", &stat, 0), 0);
	assert_int_equal(stat.st_mode & 07777, 0640);
	assert_int_equal(stat.st_size, entries[0].bytes);

	assert_int_equal(read_all(log, "segment-0000000000000042.plog", &end), FRAMES);
	assert_int_equal(end.end, PROV_SEGMENT_SEALED);
	assert_int_equal(end.damaged, 0);
	assert_int_equal(le64toh(end.seal.frames), FRAMES);
	assert_int_equal(le64toh(end.seal.records), (FRAMES - 1) * SUBBUFS * EDGES);
	assert_int_equal(le64toh(end.seal.edges), (FRAMES - 1) * SUBBUFS * EDGES);
	assert_int_equal(le64toh(end.seal.lost), (FRAMES - 1) * 7);
	assert_int_equal(le64toh(end.seal.first_wall_ns),
			 BASE_NS + SUBBUFS * 1000 + WALL_OFFSET_NS);
	assert_int_equal(le64toh(end.seal.last_wall_ns),
			 BASE_NS + (FRAMES * SUBBUFS - 1) * 1000 + 10 + WALL_OFFSET_NS);

	assert_int_equal(prov_segment_open_entry(&reader, log->fd, entries), 0);
	assert_int_equal(le64toh(prov_segment_header(reader)->number), 42);
	assert_int_equal(prov_segment_header(reader)->machine_id[1], 2);
	assert_int_equal(prov_segment_header(reader)->boot_id[2], 6);
	assert_int_equal(prov_segment_next(reader, &frame), 1);
	assert_int_equal(prov_segment_next(reader, &frame), 1);
	assert_int_equal(frame.first_ns, BASE_NS + SUBBUFS * 1000);
	assert_int_equal(prov_segment_next(reader, &again), 1);
	/* By place; the wrong index is the wrong seed. */
	assert_int_equal(prov_segment_read(reader, frame.offset, frame.index, &again, &raw), 0);
	assert_int_equal(again.xxh64, frame.xxh64);
	assert_int_equal(prov_segment_read(reader, frame.offset, frame.index + 1, &again, &raw),
			 -EBADMSG);
	assert_int_equal(prov_segment_read(reader, frame.offset + 8, frame.index, &again, &raw),
			 -EBADMSG);
	assert_int_equal(prov_segment_next(reader, &again), 1);
	assert_int_equal(again.index, 3);
	assert_int_equal(prov_segment_next(reader, &again), 0);
	prov_segment_close(reader);
	free(entries);
}

static void test_follow_open(void **state)
{
	const struct log *const log = *state;
	struct prov_segment_writer *const writer = create(log, 1);
	char *const raw = malloc(PROV_SUBBUF_BYTES);
	struct prov_segment_reader *reader;
	struct prov_segment_entry *entries;
	struct prov_frame frame;
	size_t count;

	assert_int_equal(prov_segment_list(log->fd, &entries, &count), 0);
	assert_int_equal(count, 1);
	assert_true(entries[0].open);
	assert_int_equal(prov_segment_open_entry(&reader, log->fd, entries), 0);
	for (unsigned int i = 0; i < FRAMES; i++) {
		assert_int_equal(prov_segment_next(reader, &frame), 0);
		assert_int_equal(prov_segment_state(reader)->end, PROV_SEGMENT_OPEN);
		assert_int_equal(prov_segment_append(writer, PROV_FRAME_SUBBUFS, raw,
						     fill(raw, i)), 0);
		assert_int_equal(prov_segment_next(reader, &frame), 1);
		assert_int_equal(frame.index, i);
	}
	assert_int_equal(prov_segment_seal(writer), 0);
	assert_int_equal(prov_segment_next(reader, &frame), 0);
	assert_int_equal(prov_segment_state(reader)->end, PROV_SEGMENT_SEALED);
	prov_segment_close(reader);
	/* Sealed since it was listed: found under its new name. */
	assert_int_equal(prov_segment_open_entry(&reader, log->fd, entries), 0);
	prov_segment_close(reader);
	free(entries);
	free(raw);
}

static void test_every_truncation(void **state)
{
	const struct log *const log = *state;
	struct prov_segment_reader *reader;
	struct prov_segment_state end;
	uint64_t ends[FRAMES];
	struct prov_frame frame;
	unsigned int i = 0;
	size_t bytes;
	char *data;

	assert_int_equal(prov_segment_seal(write_frames(log, 1)), 0);
	data = read_file(log, "segment-0000000000000001.plog", &bytes);
	assert_int_equal(prov_segment_open(&reader, log->fd, "segment-0000000000000001.plog"), 0);
	while (prov_segment_next(reader, &frame) > 0)
		ends[i++] = frame.offset + 40 + ((frame.stored_bytes + 7) & ~7u);
	prov_segment_close(reader);
	assert_int_equal(ends[FRAMES - 1] + PROV_SEGMENT_SEAL_BYTES, bytes);

	for (size_t cut = 0; cut < bytes; cut++) {
		struct prov_segment_repair done;
		unsigned int whole = 0;

		while (whole < FRAMES && ends[whole] <= cut)
			whole++;
		write_file(log, "segment-0000000000000002.open", data, cut);
		if (cut < sizeof(struct prov_segment_header)) {
			assert_int_equal(prov_segment_open(&reader, log->fd,
							   "segment-0000000000000002.open"),
					 -ENODATA);
			assert_int_equal(prov_segment_repair(log->fd, 2, &done), 0);
			assert_true(done.removed);
			continue;
		}
		assert_int_equal(read_all(log, "segment-0000000000000002.open", &end), whole);
		assert_int_equal(end.end, end.tail_bytes ? PROV_SEGMENT_TORN : PROV_SEGMENT_OPEN);
		assert_int_equal(end.good_bytes, whole ? ends[whole - 1] : 64);
		assert_int_equal(end.good_bytes + end.tail_bytes, cut);

		assert_int_equal(prov_segment_repair(log->fd, 2, &done), 0);
		assert_int_equal(done.frames, whole);
		assert_int_equal(done.cut_bytes, end.tail_bytes);
		assert_int_equal(read_all(log, "segment-0000000000000002.plog", &end), whole);
		assert_int_equal(end.end, PROV_SEGMENT_SEALED);
		assert_int_equal(unlinkat(log->fd, "segment-0000000000000002.plog", 0), 0);
	}
	free(data);
}

static void test_every_bit_flip(void **state)
{
	const struct log *const log = *state;
	struct prov_segment_state end;
	size_t bytes;
	char *data;

	assert_int_equal(prov_segment_seal(write_frames(log, 1)), 0);
	data = read_file(log, "segment-0000000000000001.plog", &bytes);
	for (size_t byte = 0; byte < bytes; byte++) {
		const unsigned int bit = byte % 8;
		unsigned int frames;

		data[byte] ^= 1u << bit;
		write_file(log, "flipped", data, bytes);
		data[byte] ^= 1u << bit;
		/* The magic and header_bytes are needed to read anything at all. */
		if (byte < 12) {
			struct prov_segment_reader *reader;
			const int err = prov_segment_open(&reader, log->fd, "flipped");

			if (!err)
				prov_segment_close(reader);
			assert_true(err == -EBADMSG || byte >= 8);
			continue;
		}
		frames = read_all(log, "flipped", &end);
		if (end.end == PROV_SEGMENT_SEALED) {
			/* Only padding is covered by nothing. */
			assert_int_equal(frames, FRAMES);
			assert_int_equal(data[byte], 0);
			continue;
		}
		/* At most the frame that was hit is gone. */
		assert_true(frames >= FRAMES - 1);
		assert_true(frames == FRAMES || end.damaged == 1 || end.tail_bytes);
	}
	free(data);
}

static void test_padding_is_short(void **state)
{
	/* What a bit flip may hide in: fewer than 8 bytes a frame. */
	const struct log *const log = *state;
	struct prov_segment_state end;
	unsigned int unseen = 0;
	size_t bytes;
	char *data;

	assert_int_equal(prov_segment_seal(write_frames(log, 1)), 0);
	data = read_file(log, "segment-0000000000000001.plog", &bytes);
	for (size_t byte = 12; byte < bytes; byte++) {
		data[byte] ^= 0x10;
		write_file(log, "flipped", data, bytes);
		data[byte] ^= 0x10;
		read_all(log, "flipped", &end);
		unseen += end.end == PROV_SEGMENT_SEALED && !end.damaged;
	}
	assert_true(unseen < 8 * FRAMES);
	free(data);
}

static void test_trailing_bytes(void **state)
{
	const struct log *const log = *state;
	struct prov_segment_state end;
	size_t bytes;
	char *data;

	assert_int_equal(prov_segment_seal(write_frames(log, 1)), 0);
	data = read_file(log, "segment-0000000000000001.plog", &bytes);
	data = realloc(data, bytes + 1);
	data[bytes] = 0;
	write_file(log, "longer", data, bytes + 1);
	assert_int_equal(read_all(log, "longer", &end), FRAMES);
	assert_int_equal(end.end, PROV_SEGMENT_BAD_SEAL);
	free(data);
}

static void test_frames_out_of_order(void **state)
{
	/* Two frames of one length change places: no frame may be believed. */
	const struct log *const log = *state;
	struct prov_segment_reader *reader;
	struct prov_frame frame[FRAMES];
	unsigned int found = 0;
	size_t bytes;
	char *data, *copy;

	assert_int_equal(prov_segment_seal(write_frames(log, 1)), 0);
	data = read_file(log, "segment-0000000000000001.plog", &bytes);
	assert_int_equal(prov_segment_open(&reader, log->fd, "segment-0000000000000001.plog"), 0);
	for (unsigned int i = 0; i < FRAMES; i++)
		assert_int_equal(prov_segment_next(reader, &frame[i]), 1);
	prov_segment_close(reader);
	copy = malloc(bytes);
	memcpy(copy, data, frame[1].offset);
	memcpy(copy + frame[1].offset, data + frame[2].offset,
	       frame[3].offset - frame[2].offset);
	memcpy(copy + frame[1].offset + frame[3].offset - frame[2].offset,
	       data + frame[1].offset, frame[2].offset - frame[1].offset);
	memcpy(copy + frame[3].offset, data + frame[3].offset, bytes - frame[3].offset);
	write_file(log, "swapped", copy, bytes);
	assert_int_equal(prov_segment_open(&reader, log->fd, "swapped"), 0);
	while (prov_segment_next(reader, &frame[0]) > 0)
		found++;
	assert_true(found < FRAMES);
	assert_int_not_equal(prov_segment_state(reader)->end, PROV_SEGMENT_SEALED);
	prov_segment_close(reader);
	free(copy);
	free(data);
}

static void test_damage_in_the_middle_is_kept(void **state)
{
	/* A bad sector in an open segment costs its frame, not all that follow. */
	const struct log *const log = *state;
	struct prov_segment_repair done;
	struct prov_segment_state end;
	size_t bytes;
	char *data;

	prov_segment_abandon(write_frames(log, 1));
	data = read_file(log, "segment-0000000000000001.open", &bytes);
	memset(data + 64, 0, 48);
	write_file(log, "segment-0000000000000001.open", data, bytes);
	assert_int_equal(prov_segment_repair(log->fd, 1, &done), 0);
	assert_int_equal(done.frames, FRAMES - 1);
	assert_int_equal(done.damaged, 1);
	assert_int_equal(done.cut_bytes, 0);
	assert_int_equal(done.tally.edges, (FRAMES - 1) * SUBBUFS * EDGES);
	assert_int_equal(read_all(log, "segment-0000000000000001.plog", &end), FRAMES - 1);
	assert_int_equal(end.end, PROV_SEGMENT_SEALED);
	assert_int_equal(end.damaged, 1);
	free(data);
}

static void test_repair_sealed_not_renamed(void **state)
{
	const struct log *const log = *state;
	struct prov_segment_repair done;
	struct prov_segment_state end;

	assert_int_equal(prov_segment_seal(write_frames(log, 1)), 0);
	assert_int_equal(renameat(log->fd, "segment-0000000000000001.plog",
				  log->fd, "segment-0000000000000001.open"), 0);
	assert_int_equal(prov_segment_repair(log->fd, 1, &done), 0);
	assert_int_equal(done.cut_bytes, 0);
	assert_int_equal(read_all(log, "segment-0000000000000001.plog", &end), FRAMES);
	assert_int_equal(end.end, PROV_SEGMENT_SEALED);
}

static void test_repair_leaves_strangers(void **state)
{
	const struct log *const log = *state;
	struct prov_segment_repair done;
	char stranger[200];
	size_t bytes;

	memset(stranger, 'x', sizeof(stranger));
	write_file(log, "segment-0000000000000001.open", stranger, sizeof(stranger));
	assert_int_equal(prov_segment_repair(log->fd, 1, &done), -EBADMSG);
	free(read_file(log, "segment-0000000000000001.open", &bytes));
	assert_int_equal(bytes, sizeof(stranger));
}

static void test_full_disk(void **state)
{
	/* A limit at every length of the last frame and the seal. */
	const struct log *const log = *state;
	struct prov_segment_writer *writer = write_frames(log, 1);
	char *const raw = malloc(PROV_SUBBUF_BYTES);
	const size_t raw_bytes = fill(raw, FRAMES);
	const uint64_t before = prov_segment_bytes(writer);
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct prov_segment_state end;
	uint64_t limit = before;
	struct stat stat;
	int err;

	signal(SIGXFSZ, SIG_IGN);
	do {
		const struct rlimit rlimit = { limit, RLIM_INFINITY };

		assert_int_equal(setrlimit(RLIMIT_FSIZE, &rlimit), 0);
		err = prov_segment_append(writer, PROV_FRAME_SUBBUFS, raw, raw_bytes);
		assert_true(!err || err == -EFBIG);
		assert_int_equal(fstatat(log->fd, "segment-0000000000000001.open", &stat, 0), 0);
		assert_int_equal(stat.st_size, prov_segment_bytes(writer));
		limit++;
	} while (err);
	assert_true(limit > before + 40);
	limit = prov_segment_bytes(writer);
	while (limit < prov_segment_bytes(writer) + PROV_SEGMENT_SEAL_BYTES) {
		const struct rlimit rlimit = { limit, RLIM_INFINITY };

		assert_int_equal(setrlimit(RLIMIT_FSIZE, &rlimit), 0);
		assert_int_equal(prov_segment_seal(writer), -EFBIG);
		limit++;
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
	assert_int_equal(prov_segment_seal(writer), 0);
	assert_int_equal(read_all(log, "segment-0000000000000001.plog", &end), FRAMES + 1);
	assert_int_equal(end.end, PROV_SEGMENT_SEALED);
	free(raw);
}

static bool is_there(const struct log *log, const char *name)
{
	struct stat stat;

	return !fstatat(log->fd, name, &stat, AT_SYMLINK_NOFOLLOW);
}

/* The file is renamed and its directory not synced: only that is done again. */
static void test_failed_sync_of_the_directory(void **state)
{
	const struct log *const log = *state;
	struct prov_segment_writer *const writer = write_frames(log, 1);
	struct prov_segment_state end;

	bad_dir_syncs = 2;
	assert_int_equal(prov_segment_seal(writer), -EIO);
	assert_false(prov_segment_failed(writer));
	assert_true(is_there(log, "segment-0000000000000001.plog"));
	assert_int_equal(prov_segment_seal(writer), -EIO);
	assert_int_equal(prov_segment_seal(writer), 0);
	assert_int_equal(read_all(log, "segment-0000000000000001.plog", &end), FRAMES);
	assert_int_equal(end.end, PROV_SEGMENT_SEALED);
}

/* What is lost is told once: the next sync succeeds, and must not be believed. */
static void test_failed_sync_of_the_file(void **state)
{
	const struct log *const log = *state;
	struct prov_segment_writer *writer;
	char *const raw = malloc(PROV_SUBBUF_BYTES);
	struct prov_segment_repair done;

	for (int sealing = 0; sealing < 2; sealing++) {
		writer = write_frames(log, 1);
		bad_file_syncs = 1;
		assert_int_equal(sealing ? prov_segment_seal(writer) : prov_segment_sync(writer),
				 -EIO);
		assert_true(prov_segment_failed(writer));
		assert_int_equal(prov_segment_sync(writer), -EIO);
		assert_int_equal(prov_segment_seal(writer), -EIO);
		assert_int_equal(prov_segment_append(writer, PROV_FRAME_SUBBUFS, raw,
						     fill(raw, FRAMES)), -EIO);
		prov_segment_abandon(writer);
		assert_false(is_there(log, "segment-0000000000000001.plog"));
		assert_int_equal(prov_segment_repair(log->fd, 1, &done), 0);
		assert_int_equal(done.frames, FRAMES);
		assert_int_equal(unlinkat(log->fd, "segment-0000000000000001.plog", 0), 0);
	}
	free(raw);
}

static void test_repair_reads_the_disk(void **state)
{
	const struct log *const log = *state;
	struct prov_segment_repair done;

	prov_segment_abandon(write_frames(log, 1));
	bad_file_syncs = 1;
	assert_int_equal(prov_segment_repair(log->fd, 1, &done), -EIO);
	assert_true(is_there(log, "segment-0000000000000001.open"));
	lost_bytes_at = 200;
	assert_int_equal(prov_segment_repair(log->fd, 1, &done), 0);
	assert_int_equal(done.frames, FRAMES - 1);
	assert_int_equal(done.damaged, 1);
}

static void test_refuses_what_is_no_subbuf(void **state)
{
	const struct log *const log = *state;
	struct prov_segment_writer *const writer = create(log, 1);
	char *const raw = calloc(1, PROV_SUBBUF_BYTES);
	struct prov_subbuf_header *const header = (void *)raw;
	const size_t bytes = fill(raw, 0);
	const struct prov_segment_options options = { .number = 1, .gid = (gid_t)-1 };
	struct prov_segment_writer *second;

	assert_int_equal(prov_segment_append(writer, PROV_FRAME_SUBBUFS, raw, 0), -EINVAL);
	assert_int_equal(prov_segment_append(writer, PROV_FRAME_SUBBUFS, raw, bytes - 8), -EINVAL);
	assert_int_equal(prov_segment_append(writer, PROV_FRAME_SEAL, raw, bytes), -EINVAL);
	header->magic = 0;
	assert_int_equal(prov_segment_append(writer, PROV_FRAME_SUBBUFS, raw, bytes), -EINVAL);
	assert_int_equal(prov_segment_bytes(writer), 64);
	assert_int_equal(prov_segment_create(&second, log->fd, &options), -EEXIST);
	prov_segment_abandon(writer);
	free(raw);
}

static void test_forged_records(void **state)
{
	/* Record lengths that lie must not lead the count out of the buffer. */
	(void)state;
	for (unsigned int lie = 0; lie < 65536; lie += 4) {
		char *const raw = malloc(PROV_SUBBUF_BYTES);
		const size_t bytes = fill(raw, 0);
		char *const exact = malloc(bytes);
		struct prov_tally tally = { 0 };

		memcpy(exact, raw, bytes);
		((struct prov_record *)(exact + 128))->bytes = htole16(lie);
		assert_int_equal(prov_tally_add(&tally, exact, bytes), 0);
		assert_int_equal(tally.subbufs, SUBBUFS);
		assert_true(tally.edges >= (SUBBUFS - 1) * EDGES);
		free(exact);
		free(raw);
	}
}

static void test_hostile_file(void **state)
{
	/* Frame headers all over, each promising the largest payload. */
	const struct log *const log = *state;
	const size_t bytes = 256 << 10;
	char *const data = calloc(1, bytes);
	struct prov_segment_header *const header = (void *)data;
	struct prov_segment_reader *reader;
	struct prov_frame frame;

	memcpy(header->magic, PROV_SEGMENT_MAGIC, 8);
	header->header_bytes = htole32(64);
	for (size_t at = 64; at + 40 <= bytes; at += 40) {
		struct prov_frame_header *const fake = (void *)(data + at);

		fake->magic = htole32(PROV_FRAME_MAGIC);
		fake->type = htole32(PROV_FRAME_SUBBUFS);
		fake->raw_bytes = htole32(PROV_FRAME_MAX_RAW);
		fake->stored_bytes = htole32(at % 3 ? PROV_FRAME_MAX_STORED : 4096);
	}
	write_file(log, "hostile", data, bytes);
	assert_int_equal(prov_segment_open(&reader, log->fd, "hostile"), 0);
	assert_int_equal(prov_segment_next(reader, &frame), 0);
	assert_int_equal(prov_segment_state(reader)->end, PROV_SEGMENT_TORN);
	prov_segment_close(reader);
	free(data);
}

static void test_cost_of_hostile_file(void **state)
{
	/* Before each good frame, two headers that promise 15 MiB of what follows. */
	enum { FAKE_BYTES = 15 << 20, TURNS = 500 };
	const struct log *const log = *state;
	char *const data = calloc(1, FAKE_BYTES + TURNS * 1024);
	struct prov_segment_reader *reader;
	struct rusage before, after;
	struct prov_frame frame;
	size_t bytes = 64;

	memcpy(data, PROV_SEGMENT_MAGIC, 8);
	((struct prov_segment_header *)data)->header_bytes = htole32(64);
	for (unsigned int i = 0; i < TURNS; i++) {
		struct prov_frame_header *const header = (void *)(data + bytes);

		header[0].magic = header[1].magic = htole32(PROV_FRAME_MAGIC);
		header[0].type = header[1].type = htole32(PROV_FRAME_SUBBUFS);
		header[0].raw_bytes = header[1].raw_bytes = htole32(64);
		header[0].stored_bytes = header[1].stored_bytes = htole32(FAKE_BYTES);
		header[2] = header[0];
		header[2].stored_bytes = htole32(8);
		header[2].xxh64 = htole64(segment_frame_hash(&header[2], &header[3], 2 * i + 1));
		bytes += 3 * sizeof(*header) + 8;
	}
	bytes += FAKE_BYTES;
	write_file(log, "hostile", data, bytes);
	assert_int_equal(prov_segment_open(&reader, log->fd, "hostile"), 0);
	getrusage(RUSAGE_SELF, &before);
	while (prov_segment_next(reader, &frame) > 0)
		;
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(prov_segment_state(reader)->end, PROV_SEGMENT_TORN);
	prov_segment_close(reader);
	assert_true(after.ru_utime.tv_sec + after.ru_stime.tv_sec -
		    before.ru_utime.tv_sec - before.ru_stime.tv_sec < 10);
	free(data);
}

static void test_frames_within_frames(void **state)
{
	/*
	 * The payload of frame 1 holds frames that fit, as a command line may: with it cut
	 * off, with its last bytes never written, and damaged before frames that are good.
	 */
	const struct log *const log = *state;
	struct prov_segment_repair done;
	struct prov_segment_reader *reader;
	struct prov_frame frame[FRAMES], forged;
	struct prov_frame_header *header;
	struct prov_segment_state end;
	uint64_t at;
	size_t bytes;
	char *data, *copy;

	assert_int_equal(prov_segment_seal(write_frames(log, 2)), 0);
	data = read_file(log, "segment-0000000000000002.plog", &bytes);
	assert_int_equal(prov_segment_open(&reader, log->fd, "segment-0000000000000002.plog"), 0);
	for (unsigned int i = 0; i < FRAMES; i++)
		assert_int_equal(prov_segment_next(reader, &frame[i]), 1);
	prov_segment_close(reader);
	copy = calloc(1, bytes + (1 << 20));
	memcpy(copy, data, frame[1].offset + sizeof(*header));
	header = (void *)(copy + frame[1].offset);
	at = frame[1].offset + sizeof(*header);
	memcpy(copy + at, data + frame[2].offset, bytes - frame[2].offset);
	for (unsigned int missing = 0; missing <= 64; missing += 64) {
		const size_t length = at + bytes - frame[2].offset;

		header->stored_bytes = htole32(length + missing - at);
		write_file(log, "segment-0000000000000001.open", copy, length);
		assert_int_equal(read_all(log, "segment-0000000000000001.open", &end), 1);
		assert_int_equal(end.end, PROV_SEGMENT_TORN);
		assert_int_equal(end.damaged, 0);
		assert_int_equal(prov_segment_repair(log->fd, 1, &done), 0);
		assert_int_equal(done.frames, 1);
		assert_int_equal(read_all(log, "segment-0000000000000001.plog", &end), 1);
		assert_int_equal(end.end, PROV_SEGMENT_SEALED);
		assert_int_equal(unlinkat(log->fd, "segment-0000000000000001.plog", 0), 0);
	}
	header->stored_bytes = htole32(bytes - frame[2].offset);
	memcpy(copy + at + bytes - frame[2].offset, data + frame[2].offset,
	       bytes - frame[2].offset);
	write_file(log, "damaged", copy, at + 2 * (bytes - frame[2].offset));
	assert_int_equal(prov_segment_open(&reader, log->fd, "damaged"), 0);
	assert_int_equal(prov_segment_next(reader, &forged), 1);
	assert_int_equal(prov_segment_next(reader, &forged), 1);
	assert_int_equal(forged.offset, at + bytes - frame[2].offset);
	assert_int_equal(forged.index, 2);
	prov_segment_close(reader);
	free(copy);
	free(data);
}

static void test_list(void **state)
{
	const struct log *const log = *state;
	static const char *const names[] = {
		"segment-0000000000000010.plog", "segment-0000000000000002.plog",
		"segment-0000000000000011.open", "segment-9999999999999999.plog",
		"segment-1.plog", "segment-0000000000000003.plog~", "status.json",
		"segment-00000000000000003.plog",
	};
	struct prov_segment_entry *entries;
	size_t count;

	assert_int_equal(prov_segment_list(log->fd, &entries, &count), 0);
	assert_int_equal(count, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		write_file(log, names[i], "x", 1);
	assert_int_equal(mkdirat(log->fd, "segment-0000000000000004.plog", 0700), 0);
	assert_int_equal(prov_segment_list(log->fd, &entries, &count), 0);
	assert_int_equal(count, 4);
	assert_int_equal(entries[0].number, 2);
	assert_int_equal(entries[1].number, 10);
	assert_true(entries[2].number == 11 && entries[2].open);
	assert_int_equal(entries[3].number, 9999999999999999);
	free(entries);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_follow_open),
		TEST(test_every_truncation),
		TEST(test_every_bit_flip),
		TEST(test_padding_is_short),
		TEST(test_trailing_bytes),
		TEST(test_frames_out_of_order),
		TEST(test_damage_in_the_middle_is_kept),
		TEST(test_repair_sealed_not_renamed),
		TEST(test_repair_leaves_strangers),
		TEST(test_full_disk),
		TEST(test_failed_sync_of_the_directory),
		TEST(test_failed_sync_of_the_file),
		TEST(test_repair_reads_the_disk),
		TEST(test_refuses_what_is_no_subbuf),
		TEST(test_forged_records),
		TEST(test_hostile_file),
		TEST(test_cost_of_hostile_file),
		TEST(test_frames_within_frames),
		TEST(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
