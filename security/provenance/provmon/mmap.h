/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: what is mapped in which memory
 */
#ifndef _SECURITY_PROVMON_MMAP_H
#define _SECURITY_PROVMON_MMAP_H

#include <linux/types.h>

struct mm_struct;
struct prov_process;

void prov_mmap_begin(struct prov_process *process, struct mm_struct *mm);
void prov_mmap_inherit(struct prov_process *process, struct mm_struct *mm,
		       struct prov_process *parent, u32 version);
void prov_mmap_look(struct prov_process *process, struct mm_struct *mm);
void prov_mmap_forget(struct prov_process *process, struct mm_struct *mm);
void prov_mmap_add_hooks(void);

#endif /* _SECURITY_PROVMON_MMAP_H */
