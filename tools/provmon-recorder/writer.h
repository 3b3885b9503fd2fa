/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The writer: the thread that takes batches from the spool to the disk
 *
 * What it promises: a frame is written when 512 KiB wait or after a second, and
 * synced to the disk at most once a second, so that a crash of the recorder
 * costs about a second of records and a power failure about two; a sealed
 * segment is synced with its directory.  A segment that cannot be synced is left
 * unsealed, and counted, and the next is begun.  When the disk is full, the oldest
 * sealed segments are removed until there is room; while there are none, it
 * tries again each second, and what comes meanwhile stays in the spool and then
 * in the kernel.
 */
#ifndef RECORDER_WRITER_H
#define RECORDER_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "carry.h"
#include "options.h"
#include "spool.h"
#include "store.h"

struct writer;

/**
 * struct writer_progress - what the writer did, for the status
 * @store: what is in the log
 * @carry: what is remembered of living nodes
 * @unread_segments: segments of this boot that were not read again at the start
 * @missing_subbufs: sub-buffers that an earlier recorder read and never wrote
 * @syncs: how often the segment was synced
 * @beat_ns: CLOCK_MONOTONIC when it was last seen alive
 * @trouble: why nothing can be written now, "" if it can
 */
struct writer_progress {
	struct store_counters store;
	struct carry_counters carry;
	uint64_t unread_segments;
	uint64_t missing_subbufs;
	uint64_t syncs;
	uint64_t beat_ns;
	char	 trouble[128];
};

/**
 * writer_start - start the thread
 * @store: used by the thread alone until writer_join()
 * @spool: where batches come from; the thread ends when it was closed and all
 *	is written and sealed
 *
 * Return: the writer, or NULL after a message.
 */
struct writer *writer_start(const struct options *options, struct store *store,
			    struct spool *spool);

/** writer_progress - a copy of what was done so far */
void writer_progress(struct writer *writer, struct writer_progress *progress);

/**
 * writer_ended - has the thread ended?
 *
 * If so, it can be joined without waiting.
 */
bool writer_ended(struct writer *writer);

/**
 * writer_hurry - the end is near: do not go on reading the log for long
 *
 * A thread that still reads what the log says of this boot begins to write.
 */
void writer_hurry(struct writer *writer);

/**
 * writer_give_up - end even if what waits cannot be written
 *
 * For the end of the recorder on a disk that stays full.
 */
void writer_give_up(struct writer *writer);

/**
 * writer_join - wait for the end of the thread and free the writer
 *
 * Return: bytes of sub-buffers that could not be written.
 */
uint64_t writer_join(struct writer *writer);

#endif /* RECORDER_WRITER_H */
