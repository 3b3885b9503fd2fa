/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Channels: where sub-buffers come from, one a CPU
 *
 * A channel file of the kernel gives one whole sub-buffer a read.  Tests use
 * FIFOs in their place, which cut the stream anywhere; both are read by the same
 * code, which puts cut sub-buffers together.
 */
#ifndef RECORDER_CHANNEL_H
#define RECORDER_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/provenance.h>

#include "spool.h"

/**
 * struct channel - one channel file and what came out of it
 * @fd: the file, or -1 after its end
 * @cpu: its CPU, by its name
 * @subbufs: sub-buffers read
 * @bytes: their length
 * @lost: records that the kernel says it lost
 * @gaps: sub-buffers that are missing by the sequence numbers
 * @faults: how often the sequence numbers were wrong
 * @malformed: reads that were no sub-buffer, and sub-buffers that found no
 *	memory; they were dropped
 * @boot_id: of the last sub-buffer
 * @next_seq: number that the next sub-buffer should have
 * @begun: a sub-buffer was read, or seen in the log: the two above are known
 * @part: bytes of a sub-buffer that was cut
 * @part_bytes: how many
 */
struct channel {
	int fd;
	uint32_t cpu;
	uint64_t subbufs;
	uint64_t bytes;
	uint64_t lost;
	uint64_t gaps;
	uint64_t faults;
	uint64_t malformed;
	uint8_t boot_id[16];
	uint64_t next_seq;
	bool begun;
	uint8_t *part;
	size_t part_bytes;
};

/** struct channels - all of them, and a buffer to read into */
struct channels {
	struct channel *all;
	size_t count;
	uint8_t *buffer;
};

/**
 * channels_open - open the files cpu<N> of a directory
 * @channels: to be freed with channels_close()
 *
 * Says what went wrong.
 *
 * Return: 0; -EBUSY if another recorder has them, -ENOENT if there are none, or
 * another errno.
 */
int channels_open(struct channels *channels, const char *dir);

void channels_close(struct channels *channels);

/**
 * enum channel_end - why channel_drain() stopped
 * @CHANNEL_EMPTY: nothing more to read now
 * @CHANNEL_MORE: there may be more, but it is the turn of others
 * @CHANNEL_FULL: the spool has no room
 * @CHANNEL_GONE: the file has ended or failed; @fd is closed
 */
enum channel_end {
	CHANNEL_EMPTY,
	CHANNEL_MORE,
	CHANNEL_FULL,
	CHANNEL_GONE,
};

/**
 * channel_drain - move sub-buffers from a channel to the spool
 * @channels: what @channel belongs to
 */
enum channel_end channel_drain(struct channels *channels, struct channel *channel,
			       struct spool *spool);

#endif /* RECORDER_CHANNEL_H */
