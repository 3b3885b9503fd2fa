// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: names of inodes
 *
 * Names are recorded when an inode is first opened by them, and when they are
 * made and go.  The hooks that run when that has happened know the directory
 * and the name, but not the mount.  The LSMs' path hooks, which run before in
 * the same system call, know it.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/hash.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/slab.h>
#include <linux/task_work.h>

#include "../../../fs/mount.h"
#include "block.h"
#include "metadata.h"
#include "name.h"
#include "object.h"
#include "record.h"

/* Longest path that is recorded in whole, including the final NUL. */
#define PATH_BYTES_MAX	(32 * 1024)

typedef char *(*print_path)(const void *arg, char *buf, int bytes);

/*
 * Print a path, in a buffer of the usual size and then in a larger one, with
 * @name behind it if there is one, and record it.
 */
static bool record_printed(u64 id, enum prov_text_kind kind, print_path print,
			   const void *arg, const struct qstr *name)
{
	int bytes = PATH_MAX;
	char *buf, *text;
	bool recorded;

	for (;;) {
		const int tail = name ? name->len + 1 : 0;

		buf = kmalloc(bytes, GFP_NOFS);
		if (!buf) {
			prov_emit_lost();
			return false;
		}
		text = bytes > tail ? print(arg, buf, bytes - tail) :
				      ERR_PTR(-ENAMETOOLONG);
		if (!IS_ERR(text) || bytes == PATH_BYTES_MAX)
			break;
		kfree(buf);
		bytes = PATH_BYTES_MAX;
	}
	if (IS_ERR(text)) {
		/* It does not become shorter by trying again. */
		prov_emit_lost();
		recorded = true;
	} else {
		size_t length = strlen(text);

		if (name) {
			/* The directory can be the root, which ends in "/". */
			if (length && text[length - 1] != '/')
				text[length++] = '/';
			memcpy(text + length, name->name, name->len);
			length += name->len;
		}
		recorded = prov_record_text(id, kind, text, length);
	}
	kfree(buf);
	return recorded;
}

/* From the root of the mount namespace, or else as the task sees it. */
static char *print_mounted(const void *arg, char *buf, int bytes)
{
	char *const text = d_absolute_path(arg, buf, bytes);

	return text == ERR_PTR(-EINVAL) ? d_path(arg, buf, bytes) : text;
}

/* From the root of the file system, for want of a mount: begins with "//". */
static char *print_unmounted(const void *arg, char *buf, int bytes)
{
	char *const text = dentry_path_raw(arg, buf + 1, bytes - 1);

	if (IS_ERR(text))
		return text;
	text[-1] = '/';
	return text - 1;
}

/**
 * prov_record_path - record a path that belongs to a node
 * @id: the node
 * @kind: what it is to it
 * @path: the path
 *
 * Context: May sleep.
 * Return: false if it was lost, and should be tried again.
 */
bool prov_record_path(u64 id, enum prov_text_kind kind, const struct path *path)
{
	return record_printed(id, kind, print_mounted, path, NULL);
}

static bool record_name(u64 id, enum prov_text_kind kind,
			const struct vfsmount *mnt, struct dentry *dentry,
			const struct qstr *name)
{
	const struct path path = { .mnt = (void *)mnt, .dentry = dentry };

	if (mnt && mnt->mnt_sb == dentry->d_sb)
		return record_printed(id, kind, print_mounted, &path, name);
	return record_printed(id, kind, print_unmounted, dentry, name);
}

/*
 * What the path hooks leave for the hooks that run afterwards.  The last thing
 * that a system call does can be to release files, whose names may go then: so
 * references are held until it returns to user space.
 */
static void drop_names(struct prov_task *const task)
{
	path_put(&task->names.dir);
	dput(task->names.other);
	memset(&task->names, 0, sizeof(task->names));
}

static void forget_names(struct callback_head *const work)
{
	struct prov_task *const task =
		container_of(work, struct prov_task, names_work);

	task->names_queued = false;
	drop_names(task);
}

static int keep_names(const struct path *const dir, struct dentry *const other,
		      const char *const target)
{
	struct prov_task *const task = prov_task(current);

	if (!prov_is_recorded(prov_current()) || current->flags & PF_KTHREAD)
		return 0;
	if (!task->names_queued) {
		init_task_work(&task->names_work, forget_names);
		if (task_work_add(current, &task->names_work, TWA_RESUME))
			return 0;
		task->names_queued = true;
	}
	path_get(dir);
	dget(other);
	drop_names(task);
	task->names.dir = *dir;
	task->names.other = other;
	task->names.target = target;
	return 0;
}

static int hook_path_mknod(const struct path *dir, struct dentry *dentry,
			   umode_t mode, unsigned int dev)
{
	return keep_names(dir, NULL, NULL);
}

static int hook_path_mkdir(const struct path *dir, struct dentry *dentry,
			   umode_t mode)
{
	return keep_names(dir, NULL, NULL);
}

static int hook_path_symlink(const struct path *dir, struct dentry *dentry,
			     const char *old_name)
{
	return keep_names(dir, NULL, old_name);
}

static int hook_path_link(struct dentry *old_dentry, const struct path *new_dir,
			  struct dentry *new_dentry)
{
	return keep_names(new_dir, NULL, NULL);
}

static int hook_path_unlink(const struct path *dir, struct dentry *dentry)
{
	return keep_names(dir, NULL, NULL);
}

static int hook_path_rename(const struct path *old_dir,
			    struct dentry *old_dentry,
			    const struct path *new_dir,
			    struct dentry *new_dentry, unsigned int flags)
{
	return keep_names(old_dir, new_dir->dentry, NULL);
}

/* The directory that @dir is the inode of, among those of this operation. */
static struct dentry *names_dir(const struct inode *const dir)
{
	const struct prov_task *const task = prov_task(current);
	struct dentry *const first = task->names.dir.dentry;
	struct dentry *const other = task->names.other;

	if (first && d_inode(first) == dir)
		return first;
	return other && d_inode(other) == dir ? other : NULL;
}

/* The mount through which current is changing @dir, or NULL. */
static const struct vfsmount *names_mount(const struct inode *const dir)
{
	return names_dir(dir) ? prov_task(current)->names.dir.mnt : NULL;
}

static struct prov_inode *named_node(struct inode *inode)
{
	struct prov_inode *node;

	/* Some file systems make the inode of a new name later. */
	if (!inode || !prov_is_recorded(prov_current()))
		return NULL;
	node = prov_inode_get(inode);
	return node == &prov_nothing ? NULL : node;
}

/*
 * Grow when a directory of a file system or a mount of a namespace moves or goes,
 * and with it all paths below.  Several, so that who moves directories or mounts
 * costs others little.
 */
static atomic_t moves[64];

static atomic_t *moves_of(const void *const sb_or_ns)
{
	return &moves[hash_ptr(sb_or_ns, 6)];
}

/* A key for a name: where it hangs and what it is called. */
static u32 name_key(const struct vfsmount *const mnt,
		    const struct dentry *const dentry)
{
	const struct mount *const mount =
		container_of(mnt, const struct mount, mnt);
	/* Of the namespace only the address is looked at: it may be gone. */
	const void *const ns = mnt ? data_race(READ_ONCE(mount->mnt_ns)) : NULL;
	const u64 moved = (u64)atomic_read(moves_of(ns)) << 32 |
			  (u32)atomic_read(moves_of(dentry->d_sb));
	/* A rename meanwhile is recorded itself: the hash of either name will do. */
	const u32 hash = data_race(READ_ONCE(dentry->d_name.hash));

	return (hash ^ hash_ptr(mnt, 32) ^ hash_64(moved, 32)) | 1;
}

static bool knows_name(const struct prov_inode *const node, u32 key)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(node->names); i++)
		if (READ_ONCE(node->names[i]) == key)
			return true;
	return false;
}

static void learn_name(struct prov_inode *const node, u32 key)
{
	unsigned int i;

	for (i = ARRAY_SIZE(node->names) - 1; i; i--)
		WRITE_ONCE(node->names[i], READ_ONCE(node->names[i - 1]));
	WRITE_ONCE(node->names[0], key);
}

/* Record and learn a name that an inode got. */
static void record_new_name(struct prov_inode *const node,
			    enum prov_text_kind kind,
			    const struct vfsmount *const mnt,
			    struct dentry *const dentry)
{
	if (record_name(node->obj.id, kind, mnt, dentry, NULL))
		learn_name(node, name_key(mnt, dentry));
}

static void hook_name_created(struct inode *dir, struct dentry *dentry)
{
	struct prov_process *const process = prov_current();
	const struct vfsmount *const mnt = names_mount(dir);
	const char *const target = prov_task(current)->names.target;
	struct inode *const inode = d_inode(dentry);
	struct prov_inode *node;

	if (inode)
		prov_inode_created(inode);
	node = named_node(inode);
	if (!node)
		return;
	record_new_name(node, PROV_T_CREATE, mnt, dentry);
	if (S_ISLNK(prov_inode_type(inode))) {
		const struct prov_channel chan = {
			.src = &process->obj,
			.dst = &node->obj,
			.memory = &process->memory,
			.direction = PROV_OUT,
			.op = PROV_OP_SYMLINK,
		};

		if (mnt && target)
			prov_record_text(node->obj.id, PROV_T_TARGET, target,
					 strlen(target));
		prov_flow(&chan);
	} else {
		prov_record_meta(S_ISDIR(prov_inode_type(inode)) ?
				 PROV_OP_MKDIR : PROV_OP_CREATE,
				 &process->obj, &node->obj);
		prov_acl_inherited(dir, inode);
	}
}

/* How many names it has now: of the last one that goes, that is known. */
static void record_links(const struct prov_inode *const node,
			 const struct inode *const inode)
{
	/* As of about now: who changes it besides has it recorded afterwards. */
	if (data_race(inode->i_nlink) && !S_ISDIR(prov_inode_type(inode)))
		prov_record_inode_attr(node->obj.id, inode);
}

static void hook_name_linked(struct inode *dir, struct inode *inode,
			     struct dentry *dentry)
{
	const struct vfsmount *const mnt = names_mount(dir);
	struct prov_inode *const node = named_node(inode);

	if (!node)
		return;
	record_new_name(node, PROV_T_LINK, mnt, dentry);
	prov_record_meta(PROV_OP_LINK, &prov_current()->obj, &node->obj);
	record_links(node, inode);
}

static void hook_name_removed(struct inode *dir, struct inode *inode,
			      struct dentry *dentry)
{
	struct prov_inode *const node = named_node(inode);

	if (!node)
		return;
	record_name(node->obj.id, PROV_T_UNLINK, names_mount(dir), dentry,
		    NULL);
	prov_record_meta(S_ISDIR(prov_inode_type(inode)) ? PROV_OP_RMDIR :
							   PROV_OP_UNLINK,
			 &prov_current()->obj, &node->obj);
	record_links(node, inode);
}

static void hook_name_moved(struct inode *old_dir, struct inode *new_dir,
			    const struct qstr *old_name, struct inode *target,
			    struct dentry *moved)
{
	struct dentry *const old_parent = names_dir(old_dir);
	const struct vfsmount *const mnt = names_mount(new_dir);
	struct prov_inode *const node = named_node(d_inode(moved));
	struct prov_inode *const gone = named_node(target);

	if (d_is_dir(moved))
		atomic_inc(moves_of(moved->d_sb));
	if (gone) {
		record_name(gone->obj.id, PROV_T_UNLINK, mnt, moved, NULL);
		prov_record_meta(PROV_OP_UNLINK, &prov_current()->obj,
				 &gone->obj);
		record_links(gone, target);
	}
	if (!node)
		return;
	if (old_parent)
		record_name(node->obj.id, PROV_T_RENAME_FROM, mnt, old_parent,
			    old_name);
	record_new_name(node, PROV_T_RENAME_TO, mnt, moved);
	prov_record_meta(PROV_OP_RENAME, &prov_current()->obj, &node->obj);
}

static void hook_mounts_changed(struct mnt_namespace *ns)
{
	atomic_inc(moves_of(ns));
}

/* The process has opened an inode: record it, unless it did so lately. */
static void record_opened(struct prov_process *const process,
			  struct prov_inode *const node)
{
	/* With what came to it besides, as its mode or a name, it is another one. */
	const u64 id = node->obj.id ^
		       (u64)READ_ONCE(node->obj.influences) << 40;
	u64 *const set = process->opened[hash_64(id, 2)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(process->opened[0]) - 1; i++)
		if (READ_ONCE(set[i]) == id)
			break;
	if (READ_ONCE(set[i]) != id &&
	    !prov_record_meta(PROV_OP_OPEN, &node->obj, &process->obj))
		return;
	for (; i; i--)
		WRITE_ONCE(set[i], READ_ONCE(set[i - 1]));
	WRITE_ONCE(set[0], id);
}

/* The name of an open file that no path leads to. */
static bool record_anon_name(const struct prov_inode *const node,
			     const char *const prefix,
			     const struct file *const file)
{
	const struct qstr *const name = &file->f_path.dentry->d_name;
	char text[NAME_MAX + 16];

	return prov_record_text(node->obj.id, PROV_T_ANON_NAME, text,
				scnprintf(text, sizeof(text), "%s%.*s", prefix,
					  name->len, name->name));
}

/**
 * prov_record_open - record by which path a file was opened, if that is news
 * @node: its node
 * @file: the open file
 *
 * Context: May sleep.
 */
void prov_record_open(struct prov_inode *node, const struct file *file)
{
	const u32 key = name_key(file->f_path.mnt, file->f_path.dentry);
	bool recorded;

	if (likely(knows_name(node, key)))
		return;
	if (node->obj.kind == PROV_K_MEMFD)
		recorded = record_anon_name(node, "", file);
	else if (node->obj.kind == PROV_K_MQUEUE)
		recorded = record_anon_name(node, "mqueue:/", file);
	else if (node->obj.kind == PROV_K_ANON &&
		 READ_ONCE(node->obj.flags) & PROV_OBJ_OWN)
		recorded = record_anon_name(node, "anon_inode:", file);
	else
		recorded = prov_record_path(node->obj.id, PROV_T_OPEN,
					    &file->f_path);
	if (recorded)
		learn_name(node, key);
}

/* Not the key of a name by which the inode may be opened later. */
#define ALIAS_KEY	0x80000001

/**
 * prov_record_alias - record some path of an inode that has none recorded
 * @node: its node
 * @inode: the inode
 * @path: a path of it, or NULL if the caller knows none
 *
 * Of a path that is not known, the mount is guessed: the one through which
 * current is changing the directory, or the one of its root.
 *
 * Context: May sleep.
 */
void prov_record_alias(struct prov_inode *node, struct inode *inode,
		       const struct path *path)
{
	const struct vfsmount *mnt = path ? path->mnt : names_mount(inode);
	struct dentry *dentry;
	struct path root = {};
	bool recorded;

	if (likely(READ_ONCE(node->names[0])) ||
	    node->obj.kind == PROV_K_PIPE || node->obj.kind == PROV_K_MEMFD)
		return;
	dentry = path ? dget(path->dentry) : d_find_any_alias(inode);
	if (!dentry)
		return;
	if (!mnt && current->fs) {
		get_fs_root(current->fs, &root);
		if (root.mnt->mnt_sb == inode->i_sb)
			mnt = root.mnt;
	}
	recorded = record_name(node->obj.id, PROV_T_ALIAS, mnt, dentry, NULL);
	if (recorded)
		learn_name(node, ALIAS_KEY);
	path_put(&root);
	dput(dentry);
}

/* A special file of a block device is a name for the device. */
static struct prov_inode *opened_node(struct file *const file)
{
	struct inode *const inode = file_inode(file);

	if (likely(!S_ISBLK(prov_inode_type(inode))))
		return named_node(inode);
	prov_block_opened(file);
	if (READ_ONCE(prov_file(file)->source))
		return prov_is_recorded(prov_current()) ?
		       prov_file(file)->source : NULL;
	return named_node(inode);
}

static int hook_file_post_open(struct file *file, int mask)
{
	struct prov_process *const process = prov_current();
	struct prov_inode *const node = opened_node(file);

	if (!node)
		return 0;
	prov_record_open(node, file);
	record_opened(process, node);
	return 0;
}

/* By mq_open(): the queue has its node even if who opens it is not recorded. */
static void hook_file_opened(struct file *file)
{
	prov_inode_get(file_inode(file));
	hook_file_post_open(file, 0);
}

/* O_TMPFILE: there is no name yet. */
static void hook_inode_post_create_tmpfile(struct mnt_idmap *idmap,
					   struct inode *inode)
{
	struct prov_process *const process = prov_current();
	struct prov_inode *node;

	prov_inode_created(inode);
	node = named_node(inode);
	if (!node)
		return;
	prov_record_meta(PROV_OP_CREATE, &process->obj, &node->obj);
	/* It is opened by the same call, without hook_file_post_open(). */
	record_opened(process, node);
}

static const struct provenance_hook name_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(path_mknod, hook_path_mknod),
	PROVENANCE_LSM_HOOK_INIT(path_mkdir, hook_path_mkdir),
	PROVENANCE_LSM_HOOK_INIT(path_symlink, hook_path_symlink),
	PROVENANCE_LSM_HOOK_INIT(path_link, hook_path_link),
	PROVENANCE_LSM_HOOK_INIT(path_unlink, hook_path_unlink),
	PROVENANCE_LSM_HOOK_INIT(path_rmdir, hook_path_unlink),
	PROVENANCE_LSM_HOOK_INIT(path_rename, hook_path_rename),
	PROVENANCE_LSM_HOOK_INIT(file_post_open, hook_file_post_open),
	PROVENANCE_LSM_HOOK_INIT(inode_post_create_tmpfile,
				 hook_inode_post_create_tmpfile),
	PROVENANCE_OWN_HOOK_INIT(mounts_changed, hook_mounts_changed),
	PROVENANCE_OWN_HOOK_INIT(file_opened, hook_file_opened),
	PROVENANCE_OWN_HOOK_INIT(name_created, hook_name_created),
	PROVENANCE_OWN_HOOK_INIT(name_linked, hook_name_linked),
	PROVENANCE_OWN_HOOK_INIT(name_removed, hook_name_removed),
	PROVENANCE_OWN_HOOK_INIT(name_moved, hook_name_moved),
};

void __init prov_name_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, name_hooks, ARRAY_SIZE(name_hooks));
}
