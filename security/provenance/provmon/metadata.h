/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: extended attributes, ACLs, targets of links, and looks at inodes
 */
#ifndef _SECURITY_PROVMON_METADATA_H
#define _SECURITY_PROVMON_METADATA_H

#include <linux/types.h>

struct inode;

bool prov_meta_is_on(void);
void prov_meta_switch(bool on);
void prov_acl_inherited(struct inode *dir, struct inode *inode);
void prov_metadata_add_hooks(void);

#endif /* _SECURITY_PROVMON_METADATA_H */
