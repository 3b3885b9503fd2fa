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
#include <linux/hash.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/slab.h>
#include <linux/task_work.h>

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
 * Grow when a directory or a mount moves, and with it all paths below.  Several,
 * so that who moves directories of one file system costs others little.
 */
static atomic_t moves[64];

static atomic_t *moves_of(const struct super_block *const sb)
{
	return &moves[hash_ptr(sb, 6)];
}

/* A key for a name: where it hangs and what it is called. */
static u32 name_key(const struct vfsmount *const mnt,
		    const struct dentry *const dentry)
{
	return (dentry->d_name.hash ^ hash_ptr(mnt, 32) ^
		hash_32(atomic_read(moves_of(dentry->d_sb)), 32)) | 1;
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
	struct prov_inode *const node = named_node(inode);

	if (!node)
		return;
	record_new_name(node, PROV_T_CREATE, mnt, dentry);
	if (S_ISLNK(inode->i_mode)) {
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
		prov_record_meta(S_ISDIR(inode->i_mode) ? PROV_OP_MKDIR :
							  PROV_OP_CREATE,
				 &process->obj, &node->obj);
	}
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
}

static void hook_name_removed(struct inode *dir, struct inode *inode,
			      struct dentry *dentry)
{
	struct prov_inode *const node = named_node(inode);

	if (!node)
		return;
	record_name(node->obj.id, PROV_T_UNLINK, names_mount(dir), dentry,
		    NULL);
	prov_record_meta(S_ISDIR(inode->i_mode) ? PROV_OP_RMDIR :
						  PROV_OP_UNLINK,
			 &prov_current()->obj, &node->obj);
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
	}
	if (!node)
		return;
	if (old_parent)
		record_name(node->obj.id, PROV_T_RENAME_FROM, mnt, old_parent,
			    old_name);
	record_new_name(node, PROV_T_RENAME_TO, mnt, moved);
	prov_record_meta(PROV_OP_RENAME, &prov_current()->obj, &node->obj);
}

static int hook_move_mount(const struct path *from_path,
			   const struct path *to_path)
{
	atomic_inc(moves_of(from_path->mnt->mnt_sb));
	return 0;
}

/* The process has opened an inode: record it, unless it did so lately. */
static void record_opened(struct prov_process *const process,
			  const struct prov_inode *const node)
{
	const u64 id = node->obj.id;
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
	if (node->obj.kind == PROV_K_MEMFD) {
		const struct qstr *const name = &file->f_path.dentry->d_name;

		recorded = prov_record_text(node->obj.id, PROV_T_ANON_NAME,
					    name->name, name->len);
	} else {
		recorded = prov_record_path(node->obj.id, PROV_T_OPEN,
					    &file->f_path);
	}
	if (recorded)
		learn_name(node, key);
}

static int hook_file_post_open(struct file *file, int mask)
{
	struct prov_process *const process = prov_current();
	struct prov_inode *const node = named_node(file_inode(file));

	if (!node)
		return 0;
	prov_record_open(node, file);
	record_opened(process, node);
	return 0;
}

/* O_TMPFILE: there is no name yet. */
static void hook_inode_post_create_tmpfile(struct mnt_idmap *idmap,
					   struct inode *inode)
{
	struct prov_inode *const node = named_node(inode);

	if (node)
		prov_record_meta(PROV_OP_CREATE, &prov_current()->obj,
				 &node->obj);
}

static const struct provenance_hook name_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(path_mknod, hook_path_mknod),
	PROVENANCE_LSM_HOOK_INIT(path_mkdir, hook_path_mkdir),
	PROVENANCE_LSM_HOOK_INIT(path_symlink, hook_path_symlink),
	PROVENANCE_LSM_HOOK_INIT(path_link, hook_path_link),
	PROVENANCE_LSM_HOOK_INIT(path_unlink, hook_path_unlink),
	PROVENANCE_LSM_HOOK_INIT(path_rmdir, hook_path_unlink),
	PROVENANCE_LSM_HOOK_INIT(path_rename, hook_path_rename),
	PROVENANCE_LSM_HOOK_INIT(move_mount, hook_move_mount),
	PROVENANCE_LSM_HOOK_INIT(file_post_open, hook_file_post_open),
	PROVENANCE_LSM_HOOK_INIT(inode_post_create_tmpfile,
				 hook_inode_post_create_tmpfile),
	PROVENANCE_OWN_HOOK_INIT(name_created, hook_name_created),
	PROVENANCE_OWN_HOOK_INIT(name_linked, hook_name_linked),
	PROVENANCE_OWN_HOOK_INIT(name_removed, hook_name_removed),
	PROVENANCE_OWN_HOOK_INIT(name_moved, hook_name_moved),
};

void __init prov_name_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, name_hooks, ARRAY_SIZE(name_hooks));
}
