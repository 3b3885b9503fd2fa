/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: file systems that a process serves
 */
#ifndef _SECURITY_PROVMON_FUSE_H
#define _SECURITY_PROVMON_FUSE_H

void prov_fuse_add_hooks(void);

#endif /* _SECURITY_PROVMON_FUSE_H */
