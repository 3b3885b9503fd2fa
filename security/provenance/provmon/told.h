/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: edges that make no version, and what needs no second record
 */
#ifndef _SECURITY_PROVMON_TOLD_H
#define _SECURITY_PROVMON_TOLD_H

#include <linux/types.h>
#include <uapi/linux/provenance.h>

struct prov_object;
struct prov_process;

bool prov_is_told(struct prov_process *process, u64 id, u32 what, u32 version);
void prov_tell(struct prov_process *process, u64 id, u32 what, u32 version);
void prov_tell_edge(struct prov_process *process, enum prov_record_type type,
		    enum prov_op op, struct prov_object *from,
		    struct prov_object *to);

#endif /* _SECURITY_PROVMON_TOLD_H */
