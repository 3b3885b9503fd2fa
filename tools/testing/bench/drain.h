/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A recorder that only counts: it keeps the channel buffers empty while the
 * benchmark measures, and says what an operation records.
 */
#ifndef BENCH_DRAIN_H
#define BENCH_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct drain_counts - what was read from the channel buffers
 * @records: records, those that only keep time and thread included
 * @bytes: bytes of sub-buffers, headers included
 * @lost: records that the kernel counted as lost
 */
struct drain_counts {
	uint64_t records;
	uint64_t bytes;
	uint64_t lost;
};

/**
 * drain_open - find the buffers and the netlink family, and become opaque
 *
 * Returns true if there is a recording kernel; false if provmon is not active.
 * Exits with a message if it is, but cannot be drained.
 */
bool drain_open(void);

/**
 * drain_all - have all begun sub-buffers finished, and read what there is
 * @counts: what was read is added to it
 */
void drain_all(struct drain_counts *counts);

#endif /* BENCH_DRAIN_H */
