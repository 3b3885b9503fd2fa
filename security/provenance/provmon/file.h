/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: what is in files
 */
#ifndef _SECURITY_PROVMON_FILE_H
#define _SECURITY_PROVMON_FILE_H

#include <linux/types.h>

#include "engine.h"

struct file;
struct prov_inode;
struct prov_process;

struct prov_object *prov_file_object(struct file *file, gfp_t gfp);
struct prov_object *prov_file_mapped(struct file *file);
struct prov_inode *prov_file_node(const struct file *file,
				  struct prov_process *process,
				  enum prov_direction direction);
void prov_file_read(const struct file *file, struct prov_process *process,
		    struct prov_inode *node);
void prov_file_write_begins(const struct file *file,
			    struct prov_process *process,
			    struct prov_inode *node, struct prov_send *send);
void prov_file_written(const struct file *file, struct prov_process *process,
		       struct prov_inode *node, const struct prov_send *send);
int prov_file_mark(struct file *file, bool on);
void prov_file_add_hooks(void);

#endif /* _SECURITY_PROVMON_FILE_H */
