/* SPDX-License-Identifier: GPL-2.0 */
/* The store: a log directory, its lock, and the segment that is being written */
#ifndef RECORDER_STORE_H
#define RECORDER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "options.h"
#include "segment.h"

/* In the log directory; locked by the recorder with F_SETLK: F_GETLK tells its pid. */
#define STORE_LOCK_NAME		"lock"

struct store;

/**
 * struct store_counters - for the status
 * @segment: number of the segment that is being written, or that will be next
 * @segment_bytes: its length, 0 if it is not begun
 * @log_bytes: length of all segments
 * @segments: how many there are, the open one included
 * @records: records written since the recorder began
 * @edges: edges among them
 * @lost: records that the kernel lost in what was written
 * @removed: segments removed since the recorder began
 * @unsynced_segments: segments given up since then, because they could not be
 *	synced to the disk
 */
struct store_counters {
	uint64_t segment;
	uint64_t segment_bytes;
	uint64_t log_bytes;
	uint64_t segments;
	uint64_t records;
	uint64_t edges;
	uint64_t lost;
	uint64_t removed;
	uint64_t unsynced_segments;
};

/**
 * store_open - make a log directory one's own
 * @store: to be freed with store_close()
 * @gid: group that may read the log, or (gid_t)-1
 *
 * Makes the directory if it is not there, locks it, and repairs what a crash
 * has left.  Says what went wrong.
 *
 * Return: 0; -EBUSY if another recorder has it, or another errno.
 */
int store_open(struct store **store, const struct options *options, gid_t gid);

/** store_close - give up the lock; an open segment stays as it is */
void store_close(struct store *store);

/** store_dirfd - the log directory */
int store_dirfd(const struct store *store);

/** store_boot_id - the running boot */
const uint8_t *store_boot_id(const struct store *store);

/**
 * store_begin - begin a segment if none is open
 *
 * Return: 1 if one was begun, 0 if one was open, or a negative errno.
 */
int store_begin(struct store *store);

/** store_append - append a frame, as prov_segment_append() does */
int store_append(struct store *store, enum prov_frame_type type, const void *raw,
		 size_t raw_bytes);

/**
 * store_sync - make what was appended survive a power failure
 *
 * Return: 0; or a negative errno after a message: the segment may have lost
 * records, and is given up.  It stays unsealed, and the next is begun.
 */
int store_sync(struct store *store);

/** store_due - is the open segment large or old enough to be sealed? */
bool store_due(const struct store *store);

/**
 * store_seal - seal the open segment, if there is one, or give it up if it cannot
 * be synced
 *
 * Return: 0 if none is open any more; or a negative errno, and it can be called again.
 */
int store_seal(struct store *store);

/**
 * store_retain - remove the oldest segments as the settings say
 *
 * Return: 0 or a negative errno.
 */
int store_retain(struct store *store);

/**
 * store_make_room - remove the oldest sealed segment because the disk is full
 *
 * Return: 0 if one was removed, -ENOENT if there is none that may go, or another
 * errno.
 */
int store_make_room(struct store *store);

/** store_counters - what was done; reads nothing, it is asked for with each batch */
struct store_counters store_counters(const struct store *store);

#endif /* RECORDER_STORE_H */
