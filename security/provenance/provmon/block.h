/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: block devices, loop devices, and file systems on them
 */
#ifndef _SECURITY_PROVMON_BLOCK_H
#define _SECURITY_PROVMON_BLOCK_H

#include <linux/fs.h>

#include "object.h"

#ifdef CONFIG_BLOCK
/**
 * prov_block_is_origin - does what is in an inode come from a node of its device?
 * @inode: the inode
 *
 * Of devices that nothing was written to since the machine started, it does not.
 */
static inline bool prov_block_is_origin(const struct inode *const inode)
{
	/* What is beside it is read after it.  Pairs with note_origin(). */
	if (likely(!smp_load_acquire(&prov_super(inode->i_sb)->device)))
		return false;
	switch (prov_inode_type(inode)) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
		return true;
	default:
		return false;
	}
}

struct prov_inode *prov_block_publish(struct inode *inode,
				      struct prov_inode *node, bool is_new,
				      gfp_t gfp);
void prov_block_leave(struct inode *inode);
void prov_block_opened(struct file *file);
void prov_block_add_hooks(void);
#else
static inline bool prov_block_is_origin(const struct inode *inode)
{
	return false;
}

static inline struct prov_inode *
prov_block_publish(struct inode *inode, struct prov_inode *node, bool is_new,
		   gfp_t gfp)
{
	return NULL;
}

static inline void prov_block_leave(struct inode *inode) { }
static inline void prov_block_opened(struct file *file) { }
static inline void prov_block_add_hooks(void) { }
#endif

#endif /* _SECURITY_PROVMON_BLOCK_H */
