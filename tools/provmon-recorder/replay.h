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
#include "store.h"

struct replay;

/**
 * replay_log - read all segments of the running boot
 * @carry: learns the descriptions
 * @beat: is set to CLOCK_MONOTONIC in ns again and again while it works
 *
 * Says what it cannot read, and passes over it.
 *
 * Return: what is known of the CPUs, to be freed with replay_free(); NULL
 * without memory.
 */
struct replay *replay_log(const struct store *store, struct carry *carry,
			  _Atomic uint64_t *beat);

/**
 * replay_check - compare the next sub-buffers with what is in the log
 * @raw: payload of a frame to be written
 *
 * Return: how many sub-buffers are missing between the log and this frame; only
 * the first sub-buffer of each CPU is looked at.
 */
uint64_t replay_check(struct replay *replay, const void *raw, size_t raw_bytes);

void replay_free(struct replay *replay);

#endif /* RECORDER_REPLAY_H */
