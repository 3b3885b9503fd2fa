// SPDX-License-Identifier: GPL-2.0
/*
 * Segments: the writer and the repair of what a crash has left
 *
 * The writer writes at an offset that it moves only when a frame is wholly in
 * the file.  A failed write (a full disk) therefore needs no undoing: the next
 * one goes to the same place.  The file is still cut back at once, so that the
 * space is free and a reader sees no torn frame.
 */
#include "segment.h"
#include "segment-internal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

struct prov_segment_writer {
	int fd;
	int dirfd;			/* the caller's */
	uint64_t number;
	uint64_t offset;		/* end of the last whole frame */
	uint64_t index;			/* of the next frame */
	uint64_t frames;		/* before the seal */
	uint64_t raw_bytes;
	bool has_seal;			/* written */
	bool renamed;			/* and the directory is not synced yet */
	bool failed;			/* a sync of the file did */
	int level;
	struct prov_tally tally;
	XXH64_state_t chain;
	ZSTD_CCtx *zstd;
	char *frame;			/* a frame as it goes to the file */
	size_t room;
};

static int write_at(int fd, const void *data, size_t bytes, uint64_t offset)
{
	const char *at = data;

	while (bytes) {
		const ssize_t n = pwrite(fd, at, bytes, offset);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!n)
			return -EIO;
		at += n;
		offset += n;
		bytes -= n;
	}
	return 0;
}

static int put(struct prov_segment_writer *writer, const void *data, size_t bytes)
{
	const int err = write_at(writer->fd, data, bytes, writer->offset);

	if (!err)
		writer->offset += bytes;
	else	/* a cut that fails changes nothing: the next frame goes over it */
		(void)!ftruncate(writer->fd, writer->offset);
	return err;
}

/* Finish the frame in @frame, whose payload is already behind its header. */
static size_t finish_frame(char *frame, const struct prov_frame_header *fields, uint64_t index)
{
	const size_t stored = le32toh(fields->stored_bytes);
	struct prov_frame_header *const header = (void *)frame;
	char *const payload = frame + sizeof(*header);

	*header = *fields;
	memset(payload + stored, 0, segment_pad(stored) - stored);
	header->xxh64 = htole64(segment_frame_hash(header, payload, index));
	return sizeof(*header) + segment_pad(stored);
}

int prov_segment_create(struct prov_segment_writer **writer, int dirfd,
			const struct prov_segment_options *options)
{
	struct prov_segment_header header = {
		.header_bytes = htole32(sizeof(header)),
		.number = htole64(options->number),
		.created_wall_ns = htole64(options->created_wall_ns),
	};
	char name[PROV_SEGMENT_NAME_BYTES];
	struct prov_segment_writer *new;
	struct stat stat;
	int err;

	memcpy(header.magic, PROV_SEGMENT_MAGIC, sizeof(header.magic));
	memcpy(header.machine_id, options->machine_id, sizeof(header.machine_id));
	memcpy(header.boot_id, options->boot_id, sizeof(header.boot_id));

	prov_segment_name(name, options->number, false);
	if (!fstatat(dirfd, name, &stat, AT_SYMLINK_NOFOLLOW))
		return -EEXIST;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->dirfd = dirfd;
	new->number = options->number;
	new->level = options->level;
	new->zstd = ZSTD_createCCtx();
	if (!new->zstd) {
		free(new);
		return -ENOMEM;
	}
	prov_segment_name(name, options->number, true);
	new->fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (new->fd < 0) {
		err = -errno;
		goto free;
	}
	if (options->gid != (gid_t)-1 && fchown(new->fd, -1, options->gid)) {
		err = -errno;
		goto unlink;
	}
	if (fchmod(new->fd, 0640)) {
		err = -errno;
		goto unlink;
	}
	err = put(new, &header, sizeof(header));
	if (err)
		goto unlink;
	XXH64_reset(&new->chain, 0);
	XXH64_update(&new->chain, &header, sizeof(header));
	*writer = new;
	return 0;

unlink:
	unlinkat(dirfd, name, 0);
	close(new->fd);
free:
	ZSTD_freeCCtx(new->zstd);
	free(new);
	return err;
}

int prov_segment_append(struct prov_segment_writer *writer, enum prov_frame_type type,
			const void *raw, size_t raw_bytes)
{
	const size_t bound = sizeof(struct prov_frame_header) + ZSTD_compressBound(raw_bytes) + 8;
	struct prov_frame_header fields = {
		.magic = htole32(PROV_FRAME_MAGIC),
		.type = htole32(type),
		.raw_bytes = htole32(raw_bytes),
	};
	struct prov_tally tally = { 0 };
	__le64 xxh64;
	size_t n;
	int err;

	if (type != PROV_FRAME_SUBBUFS && type != PROV_FRAME_CARRIED)
		return -EINVAL;
	if (writer->failed)
		return -EIO;
	if (!raw_bytes || raw_bytes > PROV_FRAME_MAX_RAW || writer->has_seal)
		return -EINVAL;
	err = prov_tally_add(&tally, raw, raw_bytes);
	if (err)
		return err;
	if (bound > writer->room) {
		char *const frame = malloc(bound);

		if (!frame)
			return -ENOMEM;
		free(writer->frame);
		writer->frame = frame;
		writer->room = bound;
	}
	n = ZSTD_compressCCtx(writer->zstd, writer->frame + sizeof(fields),
			      writer->room - sizeof(fields) - 8, raw, raw_bytes, writer->level);
	if (ZSTD_isError(n))
		return -ENOMEM;		/* the room suffices by ZSTD_compressBound() */
	fields.stored_bytes = htole32(n);
	fields.first_ns = htole64(tally.first_ns);
	fields.last_ns = htole64(tally.last_ns);
	n = finish_frame(writer->frame, &fields, writer->index);
	xxh64 = ((const struct prov_frame_header *)writer->frame)->xxh64;
	err = put(writer, writer->frame, n);
	if (err)
		return err;
	XXH64_update(&writer->chain, &xxh64, sizeof(xxh64));
	writer->index++;
	writer->frames++;
	writer->raw_bytes += raw_bytes;
	if (type == PROV_FRAME_SUBBUFS)
		prov_tally_merge(&writer->tally, &tally);
	return 0;
}

int prov_segment_sync(struct prov_segment_writer *writer)
{
	if (writer->failed)
		return -EIO;
	if (!fdatasync(writer->fd))
		return 0;
	writer->failed = true;
	return -errno;
}

bool prov_segment_failed(const struct prov_segment_writer *writer)
{
	return writer->failed;
}

uint64_t prov_segment_bytes(const struct prov_segment_writer *writer)
{
	return writer->offset;
}

const struct prov_tally *prov_segment_tally(const struct prov_segment_writer *writer)
{
	return &writer->tally;
}

/* Build the seal of a segment in @frame, which has PROV_SEGMENT_SEAL_BYTES. */
static void make_seal(char *frame, uint64_t index, uint64_t frames, uint64_t raw_bytes,
		      const struct prov_tally *tally, uint64_t chain)
{
	const struct prov_segment_seal seal = {
		.frames = htole64(frames),
		.raw_bytes = htole64(raw_bytes),
		.records = htole64(tally->records),
		.edges = htole64(tally->edges),
		.lost = htole64(tally->lost),
		.first_wall_ns = htole64(tally->first_wall_ns),
		.last_wall_ns = htole64(tally->last_wall_ns),
		.xxh64 = htole64(chain),
	};
	const struct prov_frame_header fields = {
		.magic = htole32(PROV_FRAME_MAGIC),
		.type = htole32(PROV_FRAME_SEAL),
		.raw_bytes = htole32(sizeof(seal)),
		.stored_bytes = htole32(sizeof(seal)),
		.first_ns = htole64(tally->first_ns),
		.last_ns = htole64(tally->last_ns),
	};

	memcpy(frame + sizeof(fields), &seal, sizeof(seal));
	finish_frame(frame, &fields, index);
}

/* The file is sealed and synced: give it the name that says so. */
static int rename_sealed(int dirfd, uint64_t number)
{
	char open_name[PROV_SEGMENT_NAME_BYTES], sealed_name[PROV_SEGMENT_NAME_BYTES];

	prov_segment_name(open_name, number, true);
	prov_segment_name(sealed_name, number, false);
	return renameat(dirfd, open_name, dirfd, sealed_name) ? -errno : 0;
}

static int sync_dir(int dirfd)
{
	return fsync(dirfd) ? -errno : 0;
}

int prov_segment_seal(struct prov_segment_writer *writer)
{
	int err;

	if (writer->failed)
		return -EIO;
	if (!writer->has_seal) {
		_Alignas(8) char frame[PROV_SEGMENT_SEAL_BYTES];

		make_seal(frame, writer->index, writer->frames, writer->raw_bytes,
			  &writer->tally, XXH64_digest(&writer->chain));
		err = put(writer, frame, sizeof(frame));
		if (err)
			return err;
		writer->has_seal = true;
	}
	if (!writer->renamed) {
		if (fsync(writer->fd)) {
			writer->failed = true;
			return -errno;
		}
		err = rename_sealed(writer->dirfd, writer->number);
		if (err)
			return err;
		writer->renamed = true;
	}
	/* Of this one a failure may be forgotten: at worst the old name comes back. */
	err = sync_dir(writer->dirfd);
	if (err)
		return err;
	prov_segment_abandon(writer);
	return 0;
}

void prov_segment_abandon(struct prov_segment_writer *writer)
{
	if (!writer)
		return;
	close(writer->fd);
	free(writer->frame);
	ZSTD_freeCCtx(writer->zstd);
	free(writer);
}

/* Read a segment to its end and sum it up. */
static int survey(struct prov_segment_reader *reader, struct prov_segment_repair *done,
		  uint64_t *raw_bytes)
{
	struct prov_frame frame;
	int err;

	while ((err = prov_segment_next(reader, &frame)) > 0) {
		const void *raw;

		*raw_bytes += frame.raw_bytes;
		if (frame.type != PROV_FRAME_SUBBUFS)
			continue;
		err = prov_segment_payload(reader, &raw);
		if (err && err != -EBADMSG)
			return err;
		/* What is malformed behind a good checksum is not for us to judge. */
		if (!err)
			prov_tally_add(&done->tally, raw, frame.raw_bytes);
	}
	return err;
}

int prov_segment_repair(int dirfd, uint64_t number, struct prov_segment_repair *done)
{
	_Alignas(8) char seal[PROV_SEGMENT_SEAL_BYTES];
	const struct prov_segment_state *state;
	struct prov_segment_reader *reader;
	char name[PROV_SEGMENT_NAME_BYTES];
	uint64_t raw_bytes = 0;
	struct stat stat;
	int fd, err;

	*done = (struct prov_segment_repair) { 0 };
	prov_segment_name(name, number, false);
	if (!fstatat(dirfd, name, &stat, AT_SYMLINK_NOFOLLOW))
		return -EEXIST;
	prov_segment_name(name, number, true);
	fd = openat(dirfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	/*
	 * If a sync has failed before, the kernel may still have pages that never
	 * reached the disk.  What is sealed has to be what the disk has.
	 */
	if (fdatasync(fd)) {
		err = -errno;
		goto close;
	}
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	err = prov_segment_open(&reader, dirfd, name);
	if (err == -ENODATA) {
		if (!fstat(fd, &stat))
			done->cut_bytes = stat.st_size;
		done->removed = true;
		err = unlinkat(dirfd, name, 0) ? -errno : 0;
		goto close;
	}
	if (err)
		goto close;
	err = survey(reader, done, &raw_bytes);
	if (err)
		goto close_reader;
	state = prov_segment_state(reader);
	done->frames = state->frames;
	done->damaged = state->damaged;
	done->cut_bytes = state->tail_bytes;
	if (state->tail_bytes && ftruncate(fd, state->good_bytes)) {
		err = -errno;
		goto close_reader;
	}
	if (!state->has_seal) {
		make_seal(seal, segment_reader_index(reader), state->frames, raw_bytes,
			  &done->tally, segment_reader_chain(reader));
		err = write_at(fd, seal, sizeof(seal), state->good_bytes);
		if (err)
			goto close_reader;
	}
	err = fsync(fd) ? -errno : rename_sealed(dirfd, number);
	if (!err)
		err = sync_dir(dirfd);
close_reader:
	prov_segment_close(reader);
close:
	close(fd);
	return err;
}
