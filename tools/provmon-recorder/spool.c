// SPDX-License-Identifier: GPL-2.0
#include "spool.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "order.h"

/*
 * All of it is protected by @lock, but for @batch, which only the writing
 * thread uses, and what is never changed (@limit, @room_fd).
 */
struct spool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	size_t limit;
	int room_fd;

	struct block *first, **tail;	/* what waits */
	size_t waiting_bytes;
	size_t batch_bytes;		/* what is being written */
	bool room_wanted;
	bool rotate;
	size_t rotate_bytes;		/* of them, to be written before the rotation */
	bool closed;

	char *batch;
};

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

struct spool *spool_new(size_t limit_bytes, int room_fd)
{
	struct spool *const spool = calloc(1, sizeof(*spool));
	pthread_condattr_t attr;

	if (!spool)
		return NULL;
	spool->batch = malloc(SPOOL_BATCH_BYTES);
	if (!spool->batch) {
		free(spool);
		return NULL;
	}
	spool->limit = limit_bytes;
	spool->room_fd = room_fd;
	spool->tail = &spool->first;
	pthread_mutex_init(&spool->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&spool->work, &attr);
	pthread_condattr_destroy(&attr);
	return spool;
}

void spool_free(struct spool *spool)
{
	if (!spool)
		return;
	while (spool->first) {
		struct block *const block = spool->first;

		spool->first = block->next;
		free(block);
	}
	pthread_cond_destroy(&spool->work);
	pthread_mutex_destroy(&spool->lock);
	free(spool->batch);
	free(spool);
}

bool spool_has_room(struct spool *spool, size_t bytes)
{
	bool room;

	pthread_mutex_lock(&spool->lock);
	room = spool->waiting_bytes + spool->batch_bytes + bytes <= spool->limit;
	spool->room_wanted = !room;
	pthread_mutex_unlock(&spool->lock);
	return room;
}

int spool_put(struct spool *spool, const struct prov_subbuf_header *header)
{
	const size_t bytes = le32toh(header->used_bytes);
	struct block *const block = malloc(offsetof(struct block, header) + bytes);

	if (!block)
		return -ENOMEM;
	block->next = NULL;
	block->put_ns = monotonic_ns();
	block->bytes = bytes;
	memcpy(&block->header, header, bytes);

	pthread_mutex_lock(&spool->lock);
	*spool->tail = block;
	spool->tail = &block->next;
	/* The first begins the wait for company, the last ends it. */
	if (!spool->waiting_bytes || spool->waiting_bytes + bytes >= SPOOL_FRAME_BYTES)
		pthread_cond_signal(&spool->work);
	spool->waiting_bytes += bytes;
	pthread_mutex_unlock(&spool->lock);
	return 0;
}

void spool_rotate(struct spool *spool)
{
	pthread_mutex_lock(&spool->lock);
	spool->rotate = true;
	spool->rotate_bytes = spool->waiting_bytes;
	pthread_cond_signal(&spool->work);
	pthread_mutex_unlock(&spool->lock);
}

void spool_close(struct spool *spool)
{
	pthread_mutex_lock(&spool->lock);
	spool->closed = true;
	pthread_cond_signal(&spool->work);
	pthread_mutex_unlock(&spool->lock);
}

size_t spool_bytes(struct spool *spool)
{
	size_t bytes;

	pthread_mutex_lock(&spool->lock);
	bytes = spool->waiting_bytes + spool->batch_bytes;
	pthread_mutex_unlock(&spool->lock);
	return bytes;
}

bool spool_presses(struct spool *spool)
{
	return spool_bytes(spool) >= spool->limit / 2;
}

/* Move the oldest of what waits to the batch; returns the blocks to be freed. */
static struct block *fill_batch(struct spool *spool)
{
	struct block *used, **end = &spool->first;

	spool->first = order_blocks(spool->first);
	while (*end && spool->batch_bytes + (*end)->bytes <= SPOOL_BATCH_BYTES) {
		memcpy(spool->batch + spool->batch_bytes, &(*end)->header, (*end)->bytes);
		spool->batch_bytes += (*end)->bytes;
		end = &(*end)->next;
	}
	used = spool->first;
	spool->first = *end;
	*end = NULL;
	spool->waiting_bytes -= spool->batch_bytes;
	spool->rotate_bytes -= spool->rotate_bytes < spool->batch_bytes ?
			       spool->rotate_bytes : spool->batch_bytes;
	spool->tail = &spool->first;
	while (*spool->tail)
		spool->tail = &(*spool->tail)->next;
	return used;
}

static void wait_until(struct spool *spool, uint64_t when_ns)
{
	const struct timespec when = {
		.tv_sec = when_ns / 1000000000,
		.tv_nsec = when_ns % 1000000000,
	};

	pthread_cond_timedwait(&spool->work, &spool->lock, &when);
}

/* When what waits has to be written, at the latest. */
static uint64_t due_ns(const struct spool *spool)
{
	if (!spool->first)
		return UINT64_MAX;
	if (spool->waiting_bytes >= SPOOL_FRAME_BYTES || spool->rotate || spool->closed)
		return 0;
	return spool->first->put_ns + SPOOL_FRAME_AGE_NS;
}

enum spool_event spool_take(struct spool *spool, const void **raw, size_t *raw_bytes,
			    uint64_t tick_ns)
{
	const uint64_t tick_end_ns = monotonic_ns() + tick_ns;
	enum spool_event event = SPOOL_TICK;
	struct block *used = NULL;

	pthread_mutex_lock(&spool->lock);
	for (;;) {
		const uint64_t now_ns = monotonic_ns();
		const uint64_t due = due_ns(spool);

		if (spool->rotate && !spool->rotate_bytes) {
			spool->rotate = false;
			event = SPOOL_ROTATE;
			break;
		}
		if (now_ns >= due) {
			used = fill_batch(spool);
			event = SPOOL_BATCH;
			break;
		}
		if (!spool->first && spool->closed) {
			event = SPOOL_END;
			break;
		}
		if (now_ns >= tick_end_ns)
			break;
		wait_until(spool, due < tick_end_ns ? due : tick_end_ns);
	}
	pthread_mutex_unlock(&spool->lock);
	while (used) {
		struct block *const next = used->next;

		free(used);
		used = next;
	}
	*raw = spool->batch;
	*raw_bytes = spool->batch_bytes;
	return event;
}

void spool_done(struct spool *spool)
{
	bool wake;

	pthread_mutex_lock(&spool->lock);
	spool->batch_bytes = 0;
	wake = spool->room_wanted;
	spool->room_wanted = false;
	pthread_mutex_unlock(&spool->lock);
	if (wake) {
		const uint64_t one = 1;

		/* Cannot fail but when it is readable already. */
		(void)!write(spool->room_fd, &one, sizeof(one));
	}
}
