/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: processes
 */
#ifndef _SECURITY_PROVMON_PROCESS_H
#define _SECURITY_PROVMON_PROCESS_H

#include <linux/types.h>

struct pid;
struct prov_process;

int prov_process_set_opaque(struct pid *pid, bool on);
struct prov_process *prov_process_of_task(const struct task_struct *task);
struct prov_process *prov_process_of_mm(const struct mm_struct *mm);
void prov_process_describe(struct prov_process *process);
void prov_process_setup(void);
void prov_process_add_hooks(void);

extern bool prov_environ;

#endif /* _SECURITY_PROVMON_PROCESS_H */
