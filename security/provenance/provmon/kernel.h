/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: what is put into the kernel itself
 */
#ifndef _SECURITY_PROVMON_KERNEL_H
#define _SECURITY_PROVMON_KERNEL_H

struct prov_object;

struct prov_object *prov_kernel(void);
void prov_kernel_add_hooks(void);

#endif /* _SECURITY_PROVMON_KERNEL_H */
