/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: mounts
 */
#ifndef _SECURITY_PROVMON_MOUNT_H
#define _SECURITY_PROVMON_MOUNT_H

void prov_mount_add_hooks(void);

#endif /* _SECURITY_PROVMON_MOUNT_H */
