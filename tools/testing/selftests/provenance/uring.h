/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ring of io_uring, by its system calls
 *
 * For children of flow.h: what goes wrong ends them.
 */
#ifndef SELFTEST_URING_H
#define SELFTEST_URING_H

#include <linux/io_uring.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "flow.h"

/* What the headers of older systems do not have. */
#define URING_READ_MULTISHOT	49
#define URING_WAITID		50
#define URING_FD_INSTALL	54
#define URING_FTRUNCATE		55

#define RING_ENTRIES		8

/**
 * struct ring - a ring, and its queues
 * @fd: its descriptor
 * @flags: IORING_SETUP_*
 * @sq: the queue of requests, as mapped
 * @cq: the queue of completions
 * @params: where what is in them
 * @sqes: the requests
 */
struct ring {
	int fd;
	unsigned int flags;
	char *sq;
	char *cq;
	struct io_uring_params params;
	struct io_uring_sqe *sqes;
};

static inline uint32_t *ring_word(char *queue, uint32_t offset)
{
	return (uint32_t *)(queue + offset);
}

/* ring_map - map a ring that was made with @params */
static inline void ring_map(struct ring *ring)
{
	const struct io_uring_params *const p = &ring->params;

	ring->sq = mmap(NULL, p->sq_off.array + p->sq_entries * 4, PROT_READ | PROT_WRITE,
			MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->cq = mmap(NULL, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
			PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
	ring->sqes = mmap(NULL, p->sq_entries * sizeof(struct io_uring_sqe),
			  PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
	MUST(ring->sq != MAP_FAILED && ring->cq != MAP_FAILED && ring->sqes != MAP_FAILED);
}

static inline void ring_open(struct ring *ring, unsigned int flags)
{
	memset(ring, 0, sizeof(*ring));
	ring->flags = flags;
	ring->params.flags = flags;
	ring->params.sq_thread_idle = 100;
	ring->fd = syscall(__NR_io_uring_setup, RING_ENTRIES, &ring->params);
	MUST(ring->fd >= 0);
	ring_map(ring);
}

static inline void ring_register(const struct ring *ring, unsigned int what, const void *arg,
				 unsigned int count)
{
	MUST(syscall(__NR_io_uring_register, ring->fd, what, arg, count) >= 0);
}

/* ring_sqe - put a request into the queue, and return it for more to be filled in */
static inline struct io_uring_sqe *ring_sqe(struct ring *ring, int op, int fd, const void *address,
					    size_t bytes, uint64_t offset)
{
	uint32_t *const tail = ring_word(ring->sq, ring->params.sq_off.tail);
	const uint32_t index = *tail & (ring->params.sq_entries - 1);
	struct io_uring_sqe *const sqe = &ring->sqes[index];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = op;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)address;
	sqe->len = bytes;
	sqe->off = offset;
	sqe->user_data = op;
	ring_word(ring->sq, ring->params.sq_off.array)[index] = index;
	return sqe;
}

/* ring_push - the request is filled in */
static inline void ring_push(struct ring *ring)
{
	uint32_t *const tail = ring_word(ring->sq, ring->params.sq_off.tail);

	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
}

/* ring_enter - hand over @count requests, and wait for as many completions as @wait */
static inline void ring_enter(struct ring *ring, unsigned int count, unsigned int wait)
{
	unsigned int flags = IORING_ENTER_GETEVENTS;
	long ret;

	if (ring->flags & IORING_SETUP_SQPOLL)
		flags |= IORING_ENTER_SQ_WAKEUP;
	do {
		ret = syscall(__NR_io_uring_enter, ring->fd, count, wait, flags, NULL, 0);
	} while (ret < 0 && errno == EINTR);
	MUST(ret >= 0);
}

/* ring_take - wait for a completion; its value */
static inline int ring_take(struct ring *ring, uint64_t *user_data)
{
	uint32_t *const head = ring_word(ring->cq, ring->params.cq_off.head);
	const uint32_t *const tail = ring_word(ring->cq, ring->params.cq_off.tail);
	const struct io_uring_cqe *cqe;
	int result;

	while (*head == __atomic_load_n(tail, __ATOMIC_ACQUIRE))
		ring_enter(ring, 0, 1);
	cqe = (struct io_uring_cqe *)(ring->cq + ring->params.cq_off.cqes) +
	      (*head & (ring->params.cq_entries - 1));
	result = cqe->res;
	if (user_data)
		*user_data = cqe->user_data;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

/* ring_go - perform the request that ring_sqe() gave */
static inline int ring_go(struct ring *ring)
{
	ring_push(ring);
	ring_enter(ring, 1, 1);
	return ring_take(ring, NULL);
}

/* ring_do - perform one request */
static inline int ring_do(struct ring *ring, int op, int fd, const void *address, size_t bytes,
			  uint64_t offset)
{
	ring_sqe(ring, op, fd, address, bytes, offset);
	return ring_go(ring);
}

#endif /* SELFTEST_URING_H */
