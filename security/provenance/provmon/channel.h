/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: the buffers through which records leave the kernel
 */
#ifndef _SECURITY_PROVMON_CHANNEL_H
#define _SECURITY_PROVMON_CHANNEL_H

#include <linux/types.h>
#include <uapi/linux/provenance.h>

/**
 * struct prov_counters - what happened to the records of a CPU
 * @records: written since boot
 * @bytes: written since boot, headers of sub-buffers not included
 * @lost: lost since boot
 * @produced: sub-buffers finished since boot
 * @consumed: sub-buffers read since boot
 * @high_water: most sub-buffers that ever waited to be read
 */
struct prov_counters {
	u64 records;
	u64 bytes;
	u64 lost;
	u64 produced;
	u64 consumed;
	u32 high_water;
};

/* Sub-buffers a CPU: 4 MiB. */
#define PROV_SUBBUFS	64

int prov_channel_open(void);
void *prov_reserve(u8 type, u8 sub, size_t bytes, unsigned long *flags);
void prov_commit(unsigned long flags);
void prov_channel_flush(void);
void prov_channel_counters(unsigned int cpu, struct prov_counters *counters);
const u8 *prov_boot_id(void);

#endif /* _SECURITY_PROVMON_CHANNEL_H */
