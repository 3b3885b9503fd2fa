// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: what is in files
 *
 * Reads are recorded when they are over, and writes from before their data can
 * be seen; see engine.c.  The hooks that run for each read and write are only
 * a comparison with the open file's cache.
 */
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/preempt.h>

#include "file.h"
#include "name.h"
#include "object.h"
#include "process.h"
#include "record.h"

static struct prov_channel channel_in(struct prov_process *const process,
				      struct prov_inode *const node, u64 *cache,
				      enum prov_op op)
{
	return (struct prov_channel){
		.src = &node->obj,
		.dst = &process->obj,
		.memory = &process->memory,
		.direction = PROV_IN,
		.cache = cache,
		.cache_id = READ_ONCE(process->cache_id),
		.op = op,
	};
}

static struct prov_channel channel_out(struct prov_process *const process,
				       struct prov_inode *const node,
				       u64 *cache, enum prov_op op)
{
	return (struct prov_channel){
		.src = &process->obj,
		.dst = &node->obj,
		.memory = &process->memory,
		.direction = PROV_OUT,
		.cache = cache,
		.cache_id = READ_ONCE(process->cache_id),
		.op = op,
	};
}

/*
 * Return: the node of an open file, or NULL if nothing that is to be recorded
 * flows through it.  Sockets have hooks of their own.
 */
static struct prov_inode *file_node(const struct file *const file,
				    struct prov_process *const process)
{
	struct inode *const inode = file_inode(file);
	struct prov_inode *node;

	if (!in_task() || !prov_is_recorded(process) || S_ISSOCK(inode->i_mode))
		return NULL;
	node = prov_inode_get(inode);
	if (!node || node == &prov_nothing)
		return NULL;
	prov_process_describe(process);
	/* A descriptor can come from someone who is not recorded. */
	if (unlikely(!READ_ONCE(node->names[0])) &&
	    node->obj.kind != PROV_K_PIPE)
		prov_record_open(node, file);
	return node;
}

static void fill_cache(u64 *cache, const struct prov_process *const process,
		       u32 version)
{
	const u32 cache_id = READ_ONCE(process->cache_id);

	if (cache_id != PROV_CACHE_NEVER)
		WRITE_ONCE(*cache, prov_cache_word(cache_id, version));
}

/* Through /dev/null and the like nothing flows: let the next time be fast. */
static void cache_nothing(const struct file *const file, u64 *cache,
			  const struct prov_process *const process, u32 version)
{
	if (*prov_inode_slot(file_inode(file)) == &prov_nothing &&
	    !S_ISSOCK(file_inode(file)->i_mode))
		fill_cache(cache, process, version);
}

static noinline void file_read(const struct file *const file,
			       struct prov_process *const process)
{
	u64 *const cache = &prov_file(file)->in;
	struct prov_inode *const node = file_node(file, process);
	struct prov_channel chan;

	/* What the kernel reads of a binary does not go to the old image. */
	if (!node || current->in_execve) {
		cache_nothing(file, cache, process, 0);
		return;
	}
	/* Names are no content: a directory never gets another version. */
	if (node->obj.kind == PROV_K_DIRECTORY) {
		if (prov_record_meta(PROV_OP_READDIR, &node->obj,
				     &process->obj))
			fill_cache(cache, process, 0);
		return;
	}
	chan = channel_in(process, node, cache, PROV_OP_READ);
	prov_flow(&chan);
}

static void hook_file_read(struct file *file)
{
	struct prov_process *const process = prov_current();
	const struct prov_inode *const node =
		READ_ONCE(*prov_inode_slot(file_inode(file)));

	/* The data first, then the version: see prov_send_begin(). */
	smp_rmb();
	if (likely(node) &&
	    likely(prov_cache_hit(&prov_file(file)->in, process->cache_id,
				  READ_ONCE(node->obj.version))))
		return;
	file_read(file, process);
}

static noinline void file_write_begins(const struct file *const file,
				       struct prov_task *const task,
				       struct prov_process *const process)
{
	struct prov_inode *const node = file_node(file, process);
	struct prov_channel chan;

	task->sending = NULL;
	if (!node)
		return;
	chan = channel_out(process, node, &prov_file(file)->out, PROV_OP_WRITE);
	prov_send_begin(&chan, &task->send);
	task->sending = file;
}

static int hook_file_permission(struct file *file, int mask)
{
	struct prov_task *const task = prov_task(current);
	struct prov_process *const process = prov_current();

	if (mask & MAY_WRITE &&
	    unlikely(task->sending ||
		     !prov_cache_hit(&prov_file(file)->out, process->cache_id,
				     READ_ONCE(process->obj.version))))
		file_write_begins(file, task, process);
	return 0;
}

static noinline void file_written(const struct file *const file,
				  struct prov_task *const task,
				  struct prov_process *const process)
{
	struct prov_inode *const node = file_node(file, process);
	u64 *const cache = &prov_file(file)->out;
	const void *const sending = task->sending;
	struct prov_channel chan;

	task->sending = NULL;
	if (!node) {
		cache_nothing(file, cache, process,
			      READ_ONCE(process->obj.version));
		return;
	}
	chan = channel_out(process, node, cache, PROV_OP_WRITE);
	if (sending == file)
		prov_send_end(&chan, &task->send);
	else
		prov_flow(&chan);
}

static void hook_file_written(struct file *file)
{
	struct prov_task *const task = prov_task(current);
	struct prov_process *const process = prov_current();

	if (unlikely(task->sending ||
		     !prov_cache_hit(&prov_file(file)->out, process->cache_id,
				     READ_ONCE(process->obj.version))))
		file_written(file, task, process);
}

static void hook_file_mapped(struct file *file, unsigned long address,
			     unsigned long prot, unsigned long flags)
{
	struct prov_process *const process = prov_current();
	struct prov_channel chan;
	struct prov_inode *node;

	if (!file || IS_ERR_VALUE(address))
		return;
	node = file_node(file, process);
	if (!node)
		return;
	chan = channel_in(process, node, NULL, PROV_OP_MMAP);
	prov_flow(&chan);
	if ((flags & MAP_TYPE) != MAP_PRIVATE && prot & PROT_WRITE &&
	    file->f_mode & FMODE_WRITE) {
		chan = channel_out(process, node, NULL, PROV_OP_MMAP_WRITE);
		prov_flow(&chan);
	}
}

static void unmark(struct prov_inode *const node, u64 by)
{
	if (prov_clear_flag(&node->obj, PROV_OBJ_MARKED))
		prov_record_opaque(PROV_OPAQUE_UNMARKED, node->obj.id, by);
}

/* Who has a file open for writing can change it: it is no longer what was marked. */
static int hook_file_open(struct file *file)
{
	struct prov_inode *const node = *prov_inode_slot(file_inode(file));

	if (file->f_mode & FMODE_WRITE && node &&
	    READ_ONCE(node->obj.flags) & PROV_OBJ_MARKED)
		unmark(node, prov_current()->obj.id);
	return 0;
}

static void hook_inode_post_setattr(struct mnt_idmap *idmap,
				    struct dentry *dentry, int ia_valid)
{
	struct prov_process *const process = prov_current();
	struct inode *const inode = d_inode(dentry);
	struct prov_inode *node = *prov_inode_slot(inode);

	/* Also by who is not recorded. */
	if (ia_valid & ATTR_SIZE && node &&
	    READ_ONCE(node->obj.flags) & PROV_OBJ_MARKED)
		unmark(node, process->obj.id);
	if (!prov_is_recorded(process))
		return;
	node = prov_inode_get(inode);
	if (!node || node == &prov_nothing)
		return;
	if (ia_valid & ATTR_SIZE) {
		const struct prov_channel chan =
			channel_out(process, node, NULL, PROV_OP_TRUNCATE);

		prov_flow(&chan);
	}
	if (ia_valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME_SET |
			ATTR_MTIME_SET)) {
		prov_record_meta(PROV_OP_SETATTR, &process->obj, &node->obj);
		prov_record_inode_attr(node->obj.id, inode);
	}
}

/**
 * prov_file_mark - let programs that execute a file be opaque, or no longer
 * @file: the file
 * @on: whether they are
 *
 * The caller has checked that this is allowed.
 *
 * Return: 0, -EINVAL if it is no regular file, -ETXTBSY if someone could write
 * to it, -ENOMEM, or -EAGAIN if that could not be recorded.
 */
int prov_file_mark(struct file *file, bool on)
{
	struct inode *const inode = file_inode(file);
	struct prov_inode *node;

	if (!S_ISREG(inode->i_mode))
		return -EINVAL;
	node = prov_inode_get(inode);
	if (!node)
		return -ENOMEM;
	if (node == &prov_nothing)
		return -EINVAL;
	if (!on) {
		unmark(node, prov_current()->obj.id);
		return 0;
	}
	if (!prov_record_opaque(PROV_OPAQUE_MARKED, node->obj.id,
				prov_current()->obj.id))
		return -EAGAIN;
	prov_set_flag(&node->obj, PROV_OBJ_MARKED);
	/*
	 * An open for writing counts itself and then looks for the mark, so one
	 * of the two sees the other.
	 */
	smp_mb();
	if (inode_is_open_for_write(inode)) {
		unmark(node, prov_current()->obj.id);
		return -ETXTBSY;
	}
	return 0;
}

static const struct provenance_hook file_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(file_permission, hook_file_permission),
	PROVENANCE_LSM_HOOK_INIT(file_open, hook_file_open),
	PROVENANCE_LSM_HOOK_INIT(inode_post_setattr, hook_inode_post_setattr),
	PROVENANCE_OWN_HOOK_INIT(file_read, hook_file_read),
	PROVENANCE_OWN_HOOK_INIT(file_written, hook_file_written),
	PROVENANCE_OWN_HOOK_INIT(file_mapped, hook_file_mapped),
};

void __init prov_file_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, file_hooks, ARRAY_SIZE(file_hooks));
}
