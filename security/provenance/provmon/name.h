/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: names of inodes
 */
#ifndef _SECURITY_PROVMON_NAME_H
#define _SECURITY_PROVMON_NAME_H

#include <linux/types.h>
#include <uapi/linux/provenance.h>

struct file;
struct inode;
struct path;
struct prov_inode;

bool prov_record_path(u64 id, enum prov_text_kind kind,
		      const struct path *path);
void prov_record_open(struct prov_inode *node, const struct file *file);
void prov_record_alias(struct prov_inode *node, struct inode *inode,
		       const struct path *path);
void prov_name_add_hooks(void);

#endif /* _SECURITY_PROVMON_NAME_H */
