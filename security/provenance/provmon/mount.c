// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: mounts
 *
 * What is mounted is its root inode, and where is a text that belongs to it.
 * With the names of inodes, that is what a path at any time can be rebuilt from.
 * Where a mount was is only known before it goes, and whether it went only
 * after: so its path is kept in between.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/path.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "mount.h"
#include "name.h"
#include "object.h"
#include "process.h"
#include "record.h"

static void forget_leaving(struct prov_task *const task)
{
	kfree(task->leaving_path);
	task->leaving_path = NULL;
	task->leaving = NULL;
}

static void hook_mount_leaves(struct vfsmount *mnt)
{
	struct prov_task *const task = prov_task(current);
	const struct path path = { .mnt = mnt, .dentry = mnt->mnt_root };
	char *buf, *text;

	forget_leaving(task);
	if (!prov_is_recorded(prov_current()))
		return;
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf) {
		prov_emit_lost();
		return;
	}
	/* One that is nowhere, fresh from fsmount(), has no path to lose. */
	text = d_absolute_path(&path, buf, PATH_MAX);
	if (!IS_ERR(text)) {
		task->leaving_path = kstrdup(text, GFP_KERNEL);
		task->leaving = mnt;
	}
	if (IS_ERR(text) ? text == ERR_PTR(-ENAMETOOLONG) : !task->leaving_path)
		prov_emit_lost();
	kfree(buf);
}

/* Return: the node of what is mounted, or NULL if that is not recorded. */
static struct prov_inode *root_node(const struct vfsmount *const mnt)
{
	struct prov_process *const process = prov_current();
	struct prov_inode *node;

	if (!prov_is_recorded(process))
		return NULL;
	node = prov_inode_get(d_inode(mnt->mnt_root));
	if (!node || node == &prov_nothing)
		return NULL;
	prov_process_describe(process);
	return node;
}

/* Return: true if the mount was somewhere. */
static bool record_left(const struct prov_inode *const node,
			const struct vfsmount *const mnt)
{
	struct prov_task *const task = prov_task(current);
	const bool left = task->leaving == mnt && task->leaving_path;

	if (left)
		prov_record_text(node->obj.id, PROV_T_UMOUNT,
				 task->leaving_path,
				 strlen(task->leaving_path));
	forget_leaving(task);
	return left;
}

static int hook_mount_left(struct vfsmount *mnt, int ret)
{
	struct prov_inode *node;

	if (ret) {
		forget_leaving(prov_task(current));
		return ret;
	}
	node = root_node(mnt);
	if (!node)
		return ret;
	record_left(node, mnt);
	prov_record_meta(PROV_OP_UMOUNT, &prov_current()->obj, &node->obj);
	return ret;
}

static void hook_mount_attached(struct vfsmount *mnt)
{
	const struct path path = { .mnt = mnt, .dentry = mnt->mnt_root };
	struct prov_inode *const node = root_node(mnt);
	bool moved;

	if (!node)
		return;
	moved = record_left(node, mnt);
	prov_record_path(node->obj.id, PROV_T_MOUNT, &path);
	prov_record_meta(moved ? PROV_OP_MOVE_MOUNT : PROV_OP_MOUNT,
			 &prov_current()->obj, &node->obj);
}

static const struct provenance_hook mount_hooks[] = {
	PROVENANCE_OWN_HOOK_INIT(mount_leaves, hook_mount_leaves),
	PROVENANCE_OWN_HOOK_INIT(mount_left, hook_mount_left),
	PROVENANCE_OWN_HOOK_INIT(mount_attached, hook_mount_attached),
};

void __init prov_mount_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, mount_hooks,
			     ARRAY_SIZE(mount_hooks));
}
