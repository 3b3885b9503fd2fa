/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The spool: sub-buffers that were read and are not written yet
 *
 * The thread that drains the channels puts sub-buffers in; the thread that
 * writes takes them out, ordered by time, as much as makes a good frame.  So a
 * slow disk does not keep the channels from being drained until the spool is
 * full; then they are left alone, and the kernel does what it does on full
 * buffers.  Nothing that was put in leaves the spool before it is written.
 */
#ifndef RECORDER_SPOOL_H
#define RECORDER_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/provenance.h>

/*
 * A frame is written when this much waits, or when something has waited for so
 * long.  Larger frames compress better; the time is what a crash can lose.
 */
#define SPOOL_FRAME_BYTES	(512u << 10)
#define SPOOL_FRAME_AGE_NS	1000000000ull
/* What one frame takes at most when more waits. */
#define SPOOL_BATCH_BYTES	(4u << 20)

struct spool;

/**
 * enum spool_event - why spool_take() came back
 * @SPOOL_BATCH: there is a batch to be written
 * @SPOOL_TICK: the time was up, nothing needs to be written
 * @SPOOL_ROTATE: spool_rotate() was called, and as much as waited then is
 *	written: begin a new segment
 * @SPOOL_END: the spool was closed and everything is written
 */
enum spool_event {
	SPOOL_BATCH,
	SPOOL_TICK,
	SPOOL_ROTATE,
	SPOOL_END,
};

/**
 * spool_new - make a spool
 * @limit_bytes: how much it holds
 * @room_fd: an eventfd that becomes readable when there is room again
 *
 * Return: the spool, or NULL without memory.
 */
struct spool *spool_new(size_t limit_bytes, int room_fd);

/** spool_free - free a spool that no thread uses any more */
void spool_free(struct spool *spool);

/**
 * spool_has_room - can @bytes be put in?
 *
 * If not, room_fd becomes readable when they can.
 */
bool spool_has_room(struct spool *spool, size_t bytes);

/**
 * spool_put - put a copy of a sub-buffer in
 * @header: one for which prov_subbuf_check() is true, with its records
 *
 * Return: 0 or -ENOMEM.
 */
int spool_put(struct spool *spool, const struct prov_subbuf_header *header);

/** spool_rotate - ask for SPOOL_ROTATE */
void spool_rotate(struct spool *spool);

/** spool_close - nothing will be put in any more: ask for SPOOL_END */
void spool_close(struct spool *spool);

/**
 * spool_take - wait for something to do
 * @raw: for SPOOL_BATCH, set to sub-buffers back to back, ordered by first_ns;
 *	they belong to the spool, and are good until spool_done()
 * @raw_bytes: their length
 * @tick_ns: how long to wait at most
 */
enum spool_event spool_take(struct spool *spool, const void **raw, size_t *raw_bytes,
			    uint64_t tick_ns);

/** spool_done - the batch that was taken is written and can be forgotten */
void spool_done(struct spool *spool);

/** spool_presses - is it half full, so that it should be written from now on? */
bool spool_presses(struct spool *spool);

/** spool_bytes - how much waits, a batch that is being written included */
size_t spool_bytes(struct spool *spool);

#endif /* RECORDER_SPOOL_H */
