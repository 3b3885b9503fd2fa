// SPDX-License-Identifier: GPL-2.0
/*
 * Segments: names, sub-buffers and the reader
 *
 * The reader trusts nothing: it is run on logs that were torn by a crash,
 * copied from elsewhere, or changed on purpose.  Memory is bounded by
 * PROV_FRAME_MAX_RAW and PROV_FRAME_MAX_STORED whatever the file says.
 */
#include "segment.h"
#include "segment-internal.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

/* How many frames may be missing at a damaged place for the next to be found. */
#define RESYNC_FRAMES	64
/*
 * How much of a file may be read and hashed for what turns out to be no frame.
 * Bounds the work on one that was made to look like frames all over.
 */
#define RESYNC_BYTES	(1ull << 30)
#define SCAN_BYTES	65536u

_Static_assert(sizeof(struct prov_segment_header) == 64, "file header");
_Static_assert(sizeof(struct prov_frame_header) == 40, "frame header");
_Static_assert(sizeof(struct prov_segment_seal) == 64, "seal");
_Static_assert(sizeof(struct prov_subbuf_header) == 128, "sub-buffer header");
_Static_assert(sizeof(struct prov_frame_header) + sizeof(struct prov_segment_seal) ==
	       PROV_SEGMENT_SEAL_BYTES, "length of a seal");

/* ---- sub-buffers ------------------------------------------------------- */

size_t prov_subbuf_check(const struct prov_subbuf_header *header)
{
	const size_t used = le32toh(header->used_bytes);
	const size_t header_bytes = le16toh(header->header_bytes);

	if (le32toh(header->magic) != PROV_MAGIC ||
	    le16toh(header->format) != PROV_FORMAT_VERSION)
		return 0;
	if (header_bytes < sizeof(*header) || header_bytes % 8)
		return 0;
	if (used < header_bytes || used > PROV_SUBBUF_BYTES || used % 8)
		return 0;
	return used;
}

const struct prov_subbuf_header *prov_subbuf_next(const void *raw, size_t raw_bytes,
						  size_t *offset)
{
	const size_t at = *offset;
	const struct prov_subbuf_header *header;
	size_t used;

	if (at > raw_bytes || raw_bytes - at < sizeof(*header))
		return NULL;
	header = (const void *)((const char *)raw + at);
	used = prov_subbuf_check(header);
	if (!used || used > raw_bytes - at)
		return NULL;
	*offset = at + used;
	return header;
}

static void count_records(struct prov_tally *tally, const struct prov_subbuf_header *header)
{
	const char *const base = (const char *)header;
	const size_t used = le32toh(header->used_bytes);
	size_t at = le16toh(header->header_bytes);

	while (used - at >= sizeof(struct prov_record)) {
		const struct prov_record *const rec = (const void *)(base + at);
		const size_t bytes = le16toh(rec->bytes);

		if (bytes < sizeof(*rec) || bytes % 8 || bytes > used - at)
			return;
		if (rec->type != PROV_R_PAD)
			tally->records++;
		if (rec->type >= PROV_R_EDGE_DATA && rec->type <= PROV_R_EDGE_CONTROL)
			tally->edges++;
		at += bytes;
	}
}

void prov_tally_merge(struct prov_tally *tally, const struct prov_tally *more)
{
	if (!more->subbufs)
		return;
	if (!tally->subbufs || more->first_ns < tally->first_ns)
		tally->first_ns = more->first_ns;
	if (!tally->subbufs || more->last_ns > tally->last_ns)
		tally->last_ns = more->last_ns;
	if (!tally->subbufs || more->first_wall_ns < tally->first_wall_ns)
		tally->first_wall_ns = more->first_wall_ns;
	if (!tally->subbufs || more->last_wall_ns > tally->last_wall_ns)
		tally->last_wall_ns = more->last_wall_ns;
	tally->subbufs += more->subbufs;
	tally->records += more->records;
	tally->edges += more->edges;
	tally->lost += more->lost;
}

int prov_tally_add(struct prov_tally *tally, const void *raw, size_t raw_bytes)
{
	const struct prov_subbuf_header *header;
	size_t offset = 0;

	while ((header = prov_subbuf_next(raw, raw_bytes, &offset))) {
		const uint64_t wall = le64toh(header->wall_offset_ns);
		struct prov_tally one = {
			.subbufs = 1,
			.lost = le64toh(header->lost),
			.first_ns = le64toh(header->first_ns),
			.last_ns = le64toh(header->last_ns),
		};

		/* The offset is signed; unsigned addition wraps to the same. */
		one.first_wall_ns = one.first_ns + wall;
		one.last_wall_ns = one.last_ns + wall;
		count_records(&one, header);
		prov_tally_merge(tally, &one);
	}
	return offset == raw_bytes ? 0 : -EINVAL;
}

/* ---- names ------------------------------------------------------------- */

void prov_segment_name(char *name, uint64_t number, bool open)
{
	snprintf(name, PROV_SEGMENT_NAME_BYTES, "segment-%016" PRIu64 ".%s",
		 number % 10000000000000000u, open ? "open" : "plog");
}

static bool parse_name(const char *name, struct prov_segment_entry *entry)
{
	static const char prefix[] = "segment-";
	const char *const digits = name + sizeof(prefix) - 1;

	if (strncmp(name, prefix, sizeof(prefix) - 1))
		return false;
	if (strspn(digits, "0123456789") != 16)
		return false;
	if (!strcmp(digits + 16, ".plog"))
		entry->open = false;
	else if (!strcmp(digits + 16, ".open"))
		entry->open = true;
	else
		return false;
	entry->number = strtoull(digits, NULL, 10);
	return true;
}

static int compare_entries(const void *left, const void *right)
{
	const struct prov_segment_entry *const a = left, *const b = right;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return a->open - b->open;
}

int prov_segment_list(int dirfd, struct prov_segment_entry **entries, size_t *count)
{
	struct prov_segment_entry *list = NULL;
	size_t used = 0, room = 0;
	struct dirent *dirent;
	int fd, err = 0;
	DIR *dir;

	*entries = NULL;
	*count = 0;
	/* An open of its own: the position in a directory is shared by dup(). */
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		err = -errno;
		close(fd);
		return err;
	}
	while (errno = 0, (dirent = readdir(dir))) {
		struct prov_segment_entry entry;
		struct stat stat;

		if (!parse_name(dirent->d_name, &entry))
			continue;
		if (fstatat(dirfd, dirent->d_name, &stat, AT_SYMLINK_NOFOLLOW)) {
			if (errno == ENOENT)	/* retention was faster */
				continue;
			err = -errno;
			break;
		}
		if (!S_ISREG(stat.st_mode))
			continue;
		entry.bytes = stat.st_size;
		if (used == room) {
			struct prov_segment_entry *more;

			room = room ? 2 * room : 64;
			more = reallocarray(list, room, sizeof(*list));
			if (!more) {
				err = -ENOMEM;
				break;
			}
			list = more;
		}
		list[used++] = entry;
	}
	if (!err && !dirent && errno)
		err = -errno;
	closedir(dir);
	if (err || !used) {
		free(list);
		return err;
	}
	qsort(list, used, sizeof(*list), compare_entries);
	*entries = list;
	*count = used;
	return 0;
}

/* ---- reading ----------------------------------------------------------- */

struct buffer {
	void  *data;
	size_t room;
};

struct prov_segment_reader {
	int fd;
	struct prov_segment_header header;
	uint64_t offset;		/* where the next frame is looked for */
	uint64_t index;			/* index that it should have */
	bool sealed;			/* a seal was read: nothing can follow */
	bool seal_fits;
	bool loaded;			/* @stored holds the payload of @frame */
	bool open;			/* not sealed, by its name */
	uint64_t resync_bytes;		/* spent of RESYNC_BYTES */
	struct prov_frame frame;
	struct buffer stored, raw;
	XXH64_state_t chain;		/* what the seal's xxh64 is made of */
	ZSTD_DCtx *zstd;
	struct prov_segment_state state;
};

static int buffer_reserve(struct buffer *buffer, size_t bytes)
{
	void *data;

	if (bytes <= buffer->room)
		return 0;
	data = malloc(bytes);
	if (!data)
		return -ENOMEM;
	free(buffer->data);
	buffer->data = data;
	buffer->room = bytes;
	return 0;
}

/* Read exactly that much; -ENODATA if the file ends before. */
static int read_at(int fd, void *data, size_t bytes, uint64_t offset)
{
	char *at = data;

	while (bytes) {
		const ssize_t n = pread(fd, at, bytes, offset);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			return -ENODATA;
		at += n;
		offset += n;
		bytes -= n;
	}
	return 0;
}

uint64_t segment_frame_hash(const struct prov_frame_header *header, const void *stored,
			    uint64_t index)
{
	XXH64_state_t state;

	XXH64_reset(&state, index);
	XXH64_update(&state, header, offsetof(struct prov_frame_header, xxh64));
	XXH64_update(&state, stored, le32toh(header->stored_bytes));
	return XXH64_digest(&state);
}

static bool plausible(const struct prov_frame_header *header)
{
	const uint32_t raw = le32toh(header->raw_bytes);
	const uint32_t stored = le32toh(header->stored_bytes);

	if (le32toh(header->magic) != PROV_FRAME_MAGIC)
		return false;
	switch (le32toh(header->type)) {
	case PROV_FRAME_SUBBUFS:
	case PROV_FRAME_CARRIED:
		return raw && raw <= PROV_FRAME_MAX_RAW &&
		       stored && stored <= PROV_FRAME_MAX_STORED;
	case PROV_FRAME_SEAL:
		return raw == stored && raw >= sizeof(struct prov_segment_seal) &&
		       raw <= SCAN_BYTES;
	default:
		return false;
	}
}

/*
 * Load what may be a frame at @offset into @reader->stored.  -ENODATA if the
 * file ends within it, -EBADMSG if it is none by its header.
 */
static int load(struct prov_segment_reader *reader, uint64_t offset,
		struct prov_frame_header *header)
{
	int err;

	reader->loaded = false;
	err = read_at(reader->fd, header, sizeof(*header), offset);
	if (err)
		return err;
	if (!plausible(header))
		return -EBADMSG;
	err = buffer_reserve(&reader->stored, segment_pad(le32toh(header->stored_bytes)));
	if (err)
		return err;
	return read_at(reader->fd, reader->stored.data,
		       segment_pad(le32toh(header->stored_bytes)), offset + sizeof(*header));
}

static bool accept_frame(struct prov_segment_reader *reader, uint64_t offset, uint64_t index,
			 const struct prov_frame_header *header)
{
	const uint64_t xxh64 = segment_frame_hash(header, reader->stored.data, index);

	if (xxh64 != le64toh(header->xxh64))
		return false;
	reader->frame = (struct prov_frame) {
		.type = le32toh(header->type),
		.index = index,
		.offset = offset,
		.raw_bytes = le32toh(header->raw_bytes),
		.stored_bytes = le32toh(header->stored_bytes),
		.first_ns = le64toh(header->first_ns),
		.last_ns = le64toh(header->last_ns),
		.xxh64 = xxh64,
	};
	reader->loaded = true;
	return true;
}

/* What is no frame and may be a torn end is not an error of reading. */
static bool is_damage(int err)
{
	return err == -ENODATA || err == -EBADMSG;
}

static int file_bytes(int fd, uint64_t *bytes)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return -errno;
	*bytes = stat.st_size;
	return 0;
}

/* Where a frame with this header ends. */
static uint64_t frame_end(uint64_t offset, const struct prov_frame_header *header)
{
	return offset + sizeof(*header) + segment_pad(le32toh(header->stored_bytes));
}

/*
 * Is a good frame at @offset, of the one that is looked for or of a later one?
 * Return: 1 if there is, 0 if not, or a negative errno.
 */
static int try_frame(struct prov_segment_reader *reader, uint64_t offset, uint64_t bytes)
{
	struct prov_frame_header header;
	int err;

	if (reader->resync_bytes >= RESYNC_BYTES)
		return 0;
	err = read_at(reader->fd, &header, sizeof(header), offset);
	if (!err && (!plausible(&header) || frame_end(offset, &header) > bytes))
		return 0;
	if (!err)
		err = load(reader, offset, &header);
	if (err)
		return is_damage(err) ? 0 : err;
	reader->resync_bytes += le32toh(header.stored_bytes);
	for (unsigned int skip = 1; skip <= RESYNC_FRAMES &&
	     reader->resync_bytes < RESYNC_BYTES; skip++) {
		reader->resync_bytes += le32toh(header.stored_bytes);
		if (accept_frame(reader, offset, reader->index + skip, &header))
			return 1;
	}
	return 0;
}

/* Does what stands at the end of the file look like a seal? */
static bool ends_with_seal(const struct prov_segment_reader *reader, uint64_t bytes)
{
	struct prov_frame_header header;

	return bytes > PROV_SEGMENT_SEAL_BYTES &&
	       !read_at(reader->fd, &header, sizeof(header), bytes - PROV_SEGMENT_SEAL_BYTES) &&
	       plausible(&header) && le32toh(header.type) == PROV_FRAME_SEAL;
}

/*
 * Find the next good frame after the damaged place at @reader->offset.
 *
 * A payload holds bytes of other people's choice, and so may hold a frame: what is
 * inside a frame must not be taken for one.  A frame that the file ends with, or in,
 * was not written in full: nothing follows it, unless the seal shows that there was
 * more.  Of another, what counts is what is behind it, if that is good.
 *
 * Return: 1 if there is one, 0 if not, or a negative errno.
 */
static int resync(struct prov_segment_reader *reader, uint64_t file_bytes)
{
	uint64_t offset = reader->offset + 8;
	struct prov_frame_header bad;
	char *scan;
	int ret;

	ret = read_at(reader->fd, &bad, sizeof(bad), reader->offset);
	if (ret)
		return is_damage(ret) ? 0 : ret;
	if (plausible(&bad)) {
		const uint64_t end = frame_end(reader->offset, &bad);

		if (end >= file_bytes && (reader->open || !ends_with_seal(reader, file_bytes)))
			return 0;
		ret = try_frame(reader, end, file_bytes);
		if (ret)
			return ret;
	}
	scan = malloc(SCAN_BYTES);
	if (!scan)
		return -ENOMEM;
	while (!ret && offset + sizeof(struct prov_frame_header) <= file_bytes &&
	       reader->resync_bytes < RESYNC_BYTES) {
		const uint64_t left = file_bytes - offset;
		const size_t bytes = left < SCAN_BYTES ? left & ~7ull : SCAN_BYTES;

		ret = read_at(reader->fd, scan, bytes, offset);
		if (ret) {
			ret = is_damage(ret) ? 0 : ret;	/* cut while we read it */
			break;
		}
		for (size_t at = 0; !ret && at < bytes; at += 8) {
			uint32_t magic;

			memcpy(&magic, scan + at, sizeof(magic));
			if (le32toh(magic) == PROV_FRAME_MAGIC)
				ret = try_frame(reader, offset + at, file_bytes);
		}
		offset += bytes;
	}
	free(scan);
	return ret;
}

static int at_end(struct prov_segment_reader *reader)
{
	struct prov_segment_state *const state = &reader->state;
	uint64_t bytes;
	const int err = file_bytes(reader->fd, &bytes);

	if (err)
		return err;
	state->good_bytes = reader->offset;
	state->tail_bytes = bytes > reader->offset ? bytes - reader->offset : 0;
	if (reader->sealed)
		state->end = reader->seal_fits && !state->tail_bytes ?
			     PROV_SEGMENT_SEALED : PROV_SEGMENT_BAD_SEAL;
	else
		state->end = state->tail_bytes ? PROV_SEGMENT_TORN : PROV_SEGMENT_OPEN;
	return 0;
}

static int take_seal(struct prov_segment_reader *reader)
{
	struct prov_segment_state *const state = &reader->state;

	memcpy(&state->seal, reader->stored.data, sizeof(state->seal));
	state->has_seal = true;
	reader->sealed = true;
	reader->seal_fits = le64toh(state->seal.xxh64) == XXH64_digest(&reader->chain) &&
			    le64toh(state->seal.frames) == state->frames;
	reader->loaded = false;
	return at_end(reader);
}

int prov_segment_next(struct prov_segment_reader *reader, struct prov_frame *frame)
{
	struct prov_frame_header header;
	__le64 xxh64;
	int err;

	if (reader->sealed) {
		reader->loaded = false;
		return at_end(reader);
	}
	err = load(reader, reader->offset, &header);
	if (err && !is_damage(err))
		return err;
	if (err || !accept_frame(reader, reader->offset, reader->index, &header)) {
		uint64_t bytes = 0;

		/* It was read and hashed for nothing. */
		if (!err)
			reader->resync_bytes += le32toh(header.stored_bytes);
		err = file_bytes(reader->fd, &bytes);
		if (err)
			return err;
		err = resync(reader, bytes);
		if (err < 0)
			return err;
		if (!err)
			return at_end(reader);
		reader->state.damaged++;
	}
	reader->index = reader->frame.index + 1;
	reader->offset = reader->frame.offset + sizeof(header) +
			 segment_pad(reader->frame.stored_bytes);
	if (reader->frame.type == PROV_FRAME_SEAL)
		return take_seal(reader);
	xxh64 = htole64(reader->frame.xxh64);
	XXH64_update(&reader->chain, &xxh64, sizeof(xxh64));
	reader->state.frames++;
	*frame = reader->frame;
	return 1;
}

int prov_segment_payload(struct prov_segment_reader *reader, const void **raw)
{
	const struct prov_frame *const frame = &reader->frame;
	size_t n;
	int err;

	if (!reader->loaded || frame->type == PROV_FRAME_SEAL)
		return -EBADMSG;
	err = buffer_reserve(&reader->raw, frame->raw_bytes);
	if (err)
		return err;
	if (!reader->zstd)
		reader->zstd = ZSTD_createDCtx();
	if (!reader->zstd)
		return -ENOMEM;
	n = ZSTD_decompressDCtx(reader->zstd, reader->raw.data, frame->raw_bytes,
				reader->stored.data, frame->stored_bytes);
	if (ZSTD_isError(n) || n != frame->raw_bytes)
		return -EBADMSG;
	*raw = reader->raw.data;
	return 0;
}

int prov_segment_read(struct prov_segment_reader *reader, uint64_t offset, uint64_t index,
		      struct prov_frame *frame, const void **raw)
{
	struct prov_frame_header header;
	int err;

	err = load(reader, offset, &header);
	if (!err && !accept_frame(reader, offset, index, &header))
		err = -EBADMSG;
	if (!err)
		err = prov_segment_payload(reader, raw);
	if (!err)
		*frame = reader->frame;
	reader->loaded = false;
	return err == -ENODATA ? -EBADMSG : err;
}

const struct prov_segment_header *prov_segment_header(const struct prov_segment_reader *reader)
{
	return &reader->header;
}

const struct prov_segment_state *prov_segment_state(const struct prov_segment_reader *reader)
{
	return &reader->state;
}

uint64_t segment_reader_index(const struct prov_segment_reader *reader)
{
	return reader->index;
}

uint64_t segment_reader_chain(const struct prov_segment_reader *reader)
{
	return XXH64_digest(&reader->chain);
}

int prov_segment_open(struct prov_segment_reader **reader, int dirfd, const char *path)
{
	static const char open[] = ".open";
	const size_t bytes = strlen(path);
	struct prov_segment_reader *new;
	uint32_t header_bytes;
	int err;

	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->open = bytes > sizeof(open) - 1 && !strcmp(path + bytes - (sizeof(open) - 1), open);
	new->fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (new->fd < 0) {
		err = -errno;
		free(new);
		return err;
	}
	err = read_at(new->fd, &new->header, sizeof(new->header), 0);
	if (err)
		goto out;
	header_bytes = le32toh(new->header.header_bytes);
	err = -EBADMSG;
	if (memcmp(new->header.magic, PROV_SEGMENT_MAGIC, sizeof(new->header.magic)) ||
	    header_bytes < sizeof(new->header) || header_bytes % 8 || header_bytes > SCAN_BYTES)
		goto out;
	new->offset = header_bytes;
	XXH64_reset(&new->chain, 0);
	XXH64_update(&new->chain, &new->header, sizeof(new->header));
	*reader = new;
	return 0;
out:
	prov_segment_close(new);
	return err;
}

int prov_segment_open_entry(struct prov_segment_reader **reader, int dirfd,
			    const struct prov_segment_entry *entry)
{
	char name[PROV_SEGMENT_NAME_BYTES];
	int err;

	prov_segment_name(name, entry->number, entry->open);
	err = prov_segment_open(reader, dirfd, name);
	if (err == -ENOENT && entry->open) {
		prov_segment_name(name, entry->number, false);
		err = prov_segment_open(reader, dirfd, name);
	}
	return err;
}

void prov_segment_close(struct prov_segment_reader *reader)
{
	if (!reader)
		return;
	close(reader->fd);
	free(reader->stored.data);
	free(reader->raw.data);
	ZSTD_freeDCtx(reader->zstd);
	free(reader);
}
