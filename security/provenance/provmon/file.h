/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: what is in files
 */
#ifndef _SECURITY_PROVMON_FILE_H
#define _SECURITY_PROVMON_FILE_H

struct file;

int prov_file_mark(struct file *file, bool on);
void prov_file_add_hooks(void);

#endif /* _SECURITY_PROVMON_FILE_H */
