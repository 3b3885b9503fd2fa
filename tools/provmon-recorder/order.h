/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Order: sub-buffers of all CPUs by the time at which they were begun
 *
 * Sub-buffers of one CPU keep the order of their sequence numbers.
 */
#ifndef RECORDER_ORDER_H
#define RECORDER_ORDER_H

#include <stddef.h>
#include <stdint.h>
#include <linux/provenance.h>

/**
 * struct block - a sub-buffer in memory
 * @next: the next in a list
 * @put_ns: CLOCK_MONOTONIC when it was put into the spool
 * @bytes: used_bytes
 * @header: the header, and behind it the records
 */
struct block {
	struct block *next;
	uint64_t put_ns;
	size_t bytes;
	struct prov_subbuf_header header;
};

/**
 * order_blocks - sort a list of sub-buffers
 *
 * Return: the first of the sorted list.
 */
struct block *order_blocks(struct block *list);

#endif /* RECORDER_ORDER_H */
