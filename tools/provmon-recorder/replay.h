/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Replay: what the log already says about the running boot
 *
 * A recorder that was restarted has to know the nodes that its predecessor
 * described, and which sub-buffer of each CPU was written last: what the
 * predecessor had read and not yet written when it was killed is missing, and
 * that must be told.
 */
#ifndef RECORDER_REPLAY_H
#define RECORDER_REPLAY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "carry.h"
#include "spool.h"
#include "store.h"

struct replay;

/**
 * struct replay_limits - how long to read
 * @spool: reading ends when it presses: records come first
 * @until_ns: CLOCK_MONOTONIC at which reading ends; may change meanwhile
 * @beat: is set to CLOCK_MONOTONIC in ns again and again while it works
 */
struct replay_limits {
	struct spool *spool;
	const _Atomic uint64_t *until_ns;
	_Atomic uint64_t *beat;
};

/**
 * replay_log - read the segments of the running boot, from the newest back
 * @carry: learns the descriptions; knows nothing yet
 *
 * The newest know of what is in use, and which sub-buffers were the last.
 * Says what it cannot read, and passes over it.
 *
 * Return: what is known of the CPUs, to be freed with replay_free(); NULL
 * without memory.
 */
struct replay *replay_log(const struct store *store, struct carry *carry,
			  const struct replay_limits *limits);

/** replay_unread - how many segments of this boot were not read */
uint64_t replay_unread(const struct replay *replay);

/**
 * replay_check - compare the next sub-buffers with what is in the log
 * @raw: payload of a frame to be written
 *
 * Only the first sub-buffer of each CPU is looked at.  Those before it are no loss
 * that is known if the log has none of this CPU: it may have been moved away.
 * They are only said.
 *
 * Return: how many sub-buffers are missing between the log and this frame.
 */
uint64_t replay_check(struct replay *replay, const void *raw, size_t raw_bytes);

void replay_free(struct replay *replay);

#endif /* RECORDER_REPLAY_H */
