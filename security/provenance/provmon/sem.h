/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: SysV semaphores
 */
#ifndef _SECURITY_PROVMON_SEM_H
#define _SECURITY_PROVMON_SEM_H

void prov_sem_add_hooks(void);

#endif /* _SECURITY_PROVMON_SEM_H */
