/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Linux Provenance Modules: files in securityfs
 */
#ifndef _SECURITY_PROVENANCE_FS_H
#define _SECURITY_PROVENANCE_FS_H

struct dentry;

/* "provenance" in securityfs; from fs_initcall on. */
extern struct dentry *provenance_dir;

#endif /* _SECURITY_PROVENANCE_FS_H */
