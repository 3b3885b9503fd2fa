/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Segments: the files that a provenance log is made of
 *
 * A log is a directory.  It holds sealed segments, named
 * "segment-<16 decimal digits>.plog", and at most one segment that the recorder
 * is still writing, "segment-<16 decimal digits>.open"; another one that is open
 * could not be synced, and waits for repair.  The number grows by one from
 * segment to segment.  A sealed segment never changes.
 *
 * The file, byte by byte.  All integers are little-endian.
 *
 *   file header, 64 bytes		struct prov_segment_header
 *   frame, any number of times:
 *	frame header, 40 bytes		struct prov_frame_header
 *	payload, stored_bytes long
 *	padding with zeroes to a multiple of 8
 *   seal, a frame of type PROV_FRAME_SEAL, 104 bytes, ends the file
 *
 * Payload of PROV_FRAME_SUBBUFS and PROV_FRAME_CARRIED: one zstd frame.
 * Decompressed, it is raw_bytes long and holds whole sub-buffers, back to
 * back, each used_bytes long: struct prov_subbuf_header and its records
 * (<linux/provenance.h>).  Sub-buffers of a frame are ordered by first_ns.  In
 * a carried frame the recorder has repeated the descriptions (nodes, texts,
 * credentials, addresses, …) of objects that were alive when the segment was
 * begun, so that a segment can be understood when older ones are gone; its
 * sub-buffers have the cpu PROV_CPU_CARRIED and count from seq 0.
 *
 * Payload of PROV_FRAME_SEAL: struct prov_segment_seal, not compressed.
 *
 * The checksum of a frame is XXH64 with the frame's index in the file as seed
 * (0 for the first frame), over the first 32 bytes of the frame header and the
 * stored payload (without padding).
 *
 * A file without a seal is open, or was torn by a crash: what is used of it
 * ends with the last frame whose checksum fits.
 */
#ifndef PROV_LIB_SEGMENT_H
#define PROV_LIB_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/provenance.h>

#define PROV_SEGMENT_MAGIC	"PROVSEG1"	/* 8 bytes, no NUL */
#define PROV_FRAME_MAGIC	0x4d524650u	/* "PFRM" when read as bytes */

/* Limits that the writer keeps and the reader insists on. */
#define PROV_FRAME_MAX_RAW	(16u << 20)	/* decompressed payload, bytes */
#define PROV_FRAME_MAX_STORED	(PROV_FRAME_MAX_RAW + (1u << 20))

#define PROV_SEGMENT_NAME_BYTES	32		/* a segment's name with its NUL */
#define PROV_SEGMENT_SEAL_BYTES	104		/* what sealing adds to a file */

/**
 * struct prov_segment_header - begins a segment; 64 bytes
 * @magic: PROV_SEGMENT_MAGIC
 * @header_bytes: 64; the first frame follows the header
 * @flags: zero
 * @number: number of the segment in its log, as in the file's name
 * @machine_id: /etc/machine-id of the recorded machine, or zeroes
 * @boot_id: boot in which the segment was begun
 * @created_wall_ns: CLOCK_REALTIME at that time
 */
struct prov_segment_header {
	char	magic[8];
	__le32	header_bytes;
	__le32	flags;
	__le64	number;
	__u8	machine_id[16];
	__u8	boot_id[16];
	__le64	created_wall_ns;
};

/**
 * enum prov_frame_type - what a frame holds
 * @PROV_FRAME_SUBBUFS: sub-buffers as the kernel made them
 * @PROV_FRAME_CARRIED: descriptions repeated from older segments
 * @PROV_FRAME_SEAL: the end of the segment
 */
enum prov_frame_type {
	PROV_FRAME_SUBBUFS	= 1,
	PROV_FRAME_CARRIED	= 2,
	PROV_FRAME_SEAL		= 3,
};

/**
 * struct prov_frame_header - begins a frame; 40 bytes
 * @magic: PROV_FRAME_MAGIC
 * @type: enum prov_frame_type
 * @raw_bytes: length of the payload when decompressed
 * @stored_bytes: length of the payload in the file, without padding
 * @first_ns: least first_ns of the sub-buffers in it, CLOCK_BOOTTIME
 * @last_ns: greatest last_ns of them
 * @xxh64: checksum, see above
 */
struct prov_frame_header {
	__le32	magic;
	__le32	type;
	__le32	raw_bytes;
	__le32	stored_bytes;
	__le64	first_ns;
	__le64	last_ns;
	__le64	xxh64;
};

/**
 * struct prov_segment_seal - payload of the last frame; 64 bytes
 * @frames: frames before the seal
 * @raw_bytes: sum of their raw_bytes
 * @records: records in PROV_FRAME_SUBBUFS frames, without PROV_R_PAD
 * @edges: those of them that are edges
 * @lost: sum of lost of the sub-buffers in PROV_FRAME_SUBBUFS frames
 * @first_wall_ns: least first_ns + wall_offset_ns of them, or 0 without any
 * @last_wall_ns: greatest last_ns + wall_offset_ns of them, or 0
 * @xxh64: XXH64 with seed 0 over the file header and the xxh64 fields of all
 *	frames before the seal
 */
struct prov_segment_seal {
	__le64	frames;
	__le64	raw_bytes;
	__le64	records;
	__le64	edges;
	__le64	lost;
	__le64	first_wall_ns;
	__le64	last_wall_ns;
	__le64	xxh64;
};

/* ---- sub-buffers ------------------------------------------------------- */

/**
 * prov_subbuf_check - is this the header of a sub-buffer that can be used?
 * @header: at least 128 readable bytes, 8-byte aligned
 *
 * Checks magic, format version, lengths and alignment; not the records.
 *
 * Return: the sub-buffer's used_bytes, or 0 if it is none.
 */
size_t prov_subbuf_check(const struct prov_subbuf_header *header);

/**
 * prov_subbuf_next - step through the payload of a frame
 * @raw: decompressed payload, 8-byte aligned
 * @raw_bytes: its length
 * @offset: where to look; moved behind the sub-buffer that is returned
 *
 * Return: the sub-buffer at @offset, wholly inside the payload; NULL at the end
 * (*@offset == @raw_bytes) or where the payload is damaged.
 */
const struct prov_subbuf_header *prov_subbuf_next(const void *raw, size_t raw_bytes,
						  size_t *offset);

/**
 * struct prov_tally - sums over sub-buffers
 *
 * Fields are as in struct prov_segment_seal and struct prov_frame_header, in
 * host byte order.  All zero is the sum over nothing.
 */
struct prov_tally {
	uint64_t subbufs;
	uint64_t records;
	uint64_t edges;
	uint64_t lost;
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t first_wall_ns;
	uint64_t last_wall_ns;
};

/**
 * prov_tally_add - add a payload's sub-buffers to a tally
 *
 * Records are counted up to the first that is malformed in each sub-buffer.
 *
 * Return: 0; -EINVAL if the payload is not whole sub-buffers back to back (what
 * came before the fault is counted).
 */
int prov_tally_add(struct prov_tally *tally, const void *raw, size_t raw_bytes);

/** prov_tally_merge - add one tally to another */
void prov_tally_merge(struct prov_tally *tally, const struct prov_tally *more);

/* ---- names ------------------------------------------------------------- */

/**
 * struct prov_segment_entry - a segment in a log directory
 * @number: its number
 * @open: named ".open": the recorder writes to it, or was killed
 * @bytes: length of the file
 */
struct prov_segment_entry {
	uint64_t number;
	bool	 open;
	uint64_t bytes;
};

/**
 * prov_segment_name - write the name of a segment
 * @name: room for PROV_SEGMENT_NAME_BYTES
 */
void prov_segment_name(char *name, uint64_t number, bool open);

/**
 * prov_segment_list - list the segments of a log, by growing number
 * @dirfd: the log directory
 * @entries: set to an array that the caller frees, NULL if it is empty
 * @count: set to its length
 *
 * Files with other names are passed over.
 *
 * Return: 0 or a negative errno.
 */
int prov_segment_list(int dirfd, struct prov_segment_entry **entries, size_t *count);

/* ---- reading ----------------------------------------------------------- */

struct prov_segment_reader;

/**
 * struct prov_frame - a frame whose checksum fits
 * @type: enum prov_frame_type
 * @index: number of the frame in its file, from 0
 * @offset: position of its header in the file, bytes
 * @raw_bytes: as in struct prov_frame_header, like the other fields
 */
struct prov_frame {
	uint32_t type;
	uint64_t index;
	uint64_t offset;
	uint32_t raw_bytes;
	uint32_t stored_bytes;
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t xxh64;
};

/**
 * enum prov_segment_end - how a segment ends
 * @PROV_SEGMENT_OPEN: with a whole frame and without a seal
 * @PROV_SEGMENT_TORN: with something after the last frame that is none
 * @PROV_SEGMENT_SEALED: with a seal that fits all that was read
 * @PROV_SEGMENT_BAD_SEAL: with a seal that does not: the header or frames were
 *	changed, damaged or taken out
 */
enum prov_segment_end {
	PROV_SEGMENT_OPEN,
	PROV_SEGMENT_TORN,
	PROV_SEGMENT_SEALED,
	PROV_SEGMENT_BAD_SEAL,
};

/**
 * struct prov_segment_state - what reading a segment from its beginning to its
 * end has shown; valid once prov_segment_next() has returned 0
 * @end: how it ends
 * @damaged: places in the middle that had to be jumped over
 * @frames: frames read, without the seal
 * @good_bytes: length of the file up to and with the last good frame
 * @tail_bytes: bytes after that
 * @has_seal: @seal was read
 * @seal: the seal as it is in the file
 */
struct prov_segment_state {
	enum prov_segment_end end;
	uint64_t damaged;
	uint64_t frames;
	uint64_t good_bytes;
	uint64_t tail_bytes;
	bool	 has_seal;
	struct prov_segment_seal seal;
};

/**
 * prov_segment_open - open a file as a segment
 * @reader: set to the reader; prov_segment_close() frees it
 * @dirfd: directory for a relative @path, or AT_FDCWD
 * @path: the file; one whose name ends with ".open" may have been torn by a crash
 *
 * Return: 0; -EBADMSG if it does not begin with a segment's header (-ENODATA
 * if it is shorter than that), -ENOMEM, or the errno of opening and reading.
 */
int prov_segment_open(struct prov_segment_reader **reader, int dirfd, const char *path);

/**
 * prov_segment_open_entry - open a segment that prov_segment_list() found
 *
 * A segment that was sealed since, and thereby renamed, is found as well.
 */
int prov_segment_open_entry(struct prov_segment_reader **reader, int dirfd,
			    const struct prov_segment_entry *entry);

void prov_segment_close(struct prov_segment_reader *reader);

/** prov_segment_header - the file header; belongs to the reader */
const struct prov_segment_header *prov_segment_header(const struct prov_segment_reader *reader);

/**
 * prov_segment_next - read the next frame and check it
 * @frame: what it is
 *
 * The seal is no frame for the caller: it ends the segment.  A damaged place is
 * jumped over if a good frame follows it, and counted in the state.  What is within
 * a frame that the file ends in is never one: its payload was not written in full,
 * and holds bytes that the recorded processes chose.  After much work for nothing,
 * which only a file made for it takes, the rest counts as torn.  At the end
 * of an open segment, a later call finds what was appended in the meantime.
 *
 * Return: 1 for a frame, 0 at the end, or a negative errno.
 */
int prov_segment_next(struct prov_segment_reader *reader, struct prov_frame *frame);

/**
 * prov_segment_payload - decompress the frame that was read last
 * @raw: set to the payload, raw_bytes of the frame long, 16-byte aligned; it
 *	belongs to the reader and is good until the next call on it
 *
 * Return: 0; -EBADMSG if it cannot be decompressed, -ENOMEM.
 */
int prov_segment_payload(struct prov_segment_reader *reader, const void **raw);

/**
 * prov_segment_read - read one frame whose place is known, and decompress it
 * @offset: position of its header, as struct prov_frame had it
 * @index: its index
 * @frame: what it is
 * @raw: as for prov_segment_payload()
 *
 * Does not move prov_segment_next().
 *
 * Return: 0; -EBADMSG if no good frame is there, or another negative errno.
 */
int prov_segment_read(struct prov_segment_reader *reader, uint64_t offset, uint64_t index,
		      struct prov_frame *frame, const void **raw);

/** prov_segment_state - what was found; belongs to the reader */
const struct prov_segment_state *prov_segment_state(const struct prov_segment_reader *reader);

/* ---- writing ----------------------------------------------------------- */

struct prov_segment_writer;

/**
 * struct prov_segment_options - how to make a segment
 * @number: its number in the log
 * @machine_id: see struct prov_segment_header
 * @boot_id: likewise
 * @created_wall_ns: likewise
 * @level: zstd level
 * @gid: group that the file is given to, or (gid_t)-1
 */
struct prov_segment_options {
	uint64_t number;
	uint8_t  machine_id[16];
	uint8_t  boot_id[16];
	uint64_t created_wall_ns;
	int	 level;
	gid_t	 gid;
};

/**
 * prov_segment_create - begin a segment
 * @writer: set to the writer; prov_segment_seal() or prov_segment_abandon()
 *	frees it
 * @dirfd: the log directory; must stay open as long as the writer lives
 *
 * The file is made new, as ".open", mode 0640; nothing is left if that fails.
 *
 * Return: 0; -EEXIST if the number is in use, -ENOSPC, or another errno.
 */
int prov_segment_create(struct prov_segment_writer **writer, int dirfd,
			const struct prov_segment_options *options);

/**
 * prov_segment_append - append a frame
 * @type: PROV_FRAME_SUBBUFS or PROV_FRAME_CARRIED
 * @raw: whole sub-buffers, back to back, 8-byte aligned
 * @raw_bytes: their length, at most PROV_FRAME_MAX_RAW
 *
 * All or nothing: when it fails, the segment is as it was before, and the call
 * can be made again.
 *
 * Return: 0; -EINVAL for what is not whole sub-buffers, -ENOSPC, -EDQUOT,
 * -EFBIG, -EIO, -ENOMEM.
 */
int prov_segment_append(struct prov_segment_writer *writer, enum prov_frame_type type,
			const void *raw, size_t raw_bytes);

/**
 * prov_segment_sync - make all that was appended survive a power failure
 *
 * Return: 0 or a negative errno; see prov_segment_failed().
 */
int prov_segment_sync(struct prov_segment_writer *writer);

/**
 * prov_segment_failed - did a sync of the file fail?
 *
 * The kernel tells that once, and what was not written then may be lost, whatever
 * a later sync says.  So the file cannot be sealed any more: all calls but
 * prov_segment_abandon() fail with -EIO, and prov_segment_repair() can find out
 * what of it is on the disk.
 */
bool prov_segment_failed(const struct prov_segment_writer *writer);

/** prov_segment_bytes - length of the file so far, bytes */
uint64_t prov_segment_bytes(const struct prov_segment_writer *writer);

/** prov_segment_tally - sums over the PROV_FRAME_SUBBUFS frames so far */
const struct prov_tally *prov_segment_tally(const struct prov_segment_writer *writer);

/**
 * prov_segment_seal - write the seal, sync the file, name it ".plog", sync the
 * directory, and free the writer
 *
 * Return: 0, or a negative errno; the writer then lives on, and the call can be
 * made again unless prov_segment_failed().
 */
int prov_segment_seal(struct prov_segment_writer *writer);

/** prov_segment_abandon - free a writer and leave its file as it is, unsealed */
void prov_segment_abandon(struct prov_segment_writer *writer);

/**
 * struct prov_segment_repair - what prov_segment_repair() did
 * @frames: frames kept
 * @cut_bytes: bytes cut off at the end
 * @damaged: bad places in the middle, left as they are
 * @removed: the file held no whole header, hence nothing, and was removed
 * @tally: sums over the PROV_FRAME_SUBBUFS frames kept
 */
struct prov_segment_repair {
	uint64_t frames;
	uint64_t cut_bytes;
	uint64_t damaged;
	bool	 removed;
	struct prov_tally tally;
};

/**
 * prov_segment_repair - seal the ".open" segment that a crash has left
 * @dirfd: the log directory
 * @number: number of the segment
 * @done: what was done
 *
 * Cuts what follows the last good frame, seals and renames the file.  A seal
 * that was written before the crash, but whose file was not renamed, stays.
 * What is read is what the disk has, as far as the file system can be asked for it.
 * Only the recorder that holds the log's lock may call this.
 *
 * Return: 0; -EBADMSG if the file has a whole header that is no segment's (it
 * is left alone), -EEXIST if a sealed segment has this number, -ENOSPC, or
 * another errno.
 */
int prov_segment_repair(int dirfd, uint64_t number, struct prov_segment_repair *done);

#endif /* PROV_LIB_SEGMENT_H */
