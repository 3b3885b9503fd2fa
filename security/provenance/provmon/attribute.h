/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: what is true of a process or file from some time on
 */
#ifndef _SECURITY_PROVMON_ATTRIBUTE_H
#define _SECURITY_PROVMON_ATTRIBUTE_H

#include <linux/types.h>

struct group_info;
struct task_struct;

void prov_record_process_attr(u64 id, struct task_struct *task);
void prov_record_forked_attr(u64 id, struct task_struct *child,
			     u64 clone_flags);
void prov_record_groups(u64 id, const struct group_info *groups);
void prov_record_secctx(u64 id);
void prov_attribute_add_hooks(void);

#endif /* _SECURITY_PROVMON_ATTRIBUTE_H */
