// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: what is in files
 *
 * Reads are recorded when they are over, and writes from before their data can
 * be seen; see engine.c.  The hooks that run for each read and write are only
 * a comparison with the open file's cache.
 */
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/preempt.h>

#include "bpf.h"
#include "file.h"
#include "name.h"
#include "object.h"
#include "process.h"
#include "record.h"
#include "told.h"

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
 * One inode serves all eventfds and the like: the open file has a node, which that
 * of a BPF map shares with the map.
 */
static struct prov_inode *anon_node(const struct file *const file, gfp_t gfp)
{
	struct prov_inode **const slot = &prov_file(file)->source;
	struct prov_inode *node = prov_bpf_node(file), *other;

	if (!node)
		node = prov_inode_make_own(PROV_K_ANON, file_inode(file), gfp);
	if (!node)
		return NULL;
	other = cmpxchg(slot, NULL, node);
	if (!other)
		return node;
	prov_inode_put(node);
	return other;
}

static noinline struct prov_inode *
find_end_node(const struct file *const file, enum prov_direction direction,
	      gfp_t gfp)
{
	const struct prov_file *const blob = prov_file(file);
	struct inode *const inode = file_inode(file);
	struct prov_inode *node = NULL;

	if (direction == PROV_OUT)
		node = READ_ONCE(blob->target);
	if (!node)
		node = READ_ONCE(blob->source);
	if (node) {
		prov_inode_describe(node, inode);
		return node;
	}
	node = prov_inode_get_gfp(inode, gfp);
	if (node == &prov_nothing &&
	    READ_ONCE(*prov_inode_slot(inode)) == &prov_elsewhere)
		return anon_node(file, gfp);
	return node;
}

/* The other end of a flow through an open file, or &prov_nothing, or NULL. */
static struct prov_inode *end_node(const struct file *const file,
				   enum prov_direction direction, gfp_t gfp)
{
	const struct prov_file *const blob = prov_file(file);
	struct prov_inode *const node =
		READ_ONCE(*prov_inode_slot(file_inode(file)));

	if (likely(node && READ_ONCE(node->obj.flags) & PROV_OBJ_DESCRIBED &&
		   !READ_ONCE(blob->source) && !READ_ONCE(blob->target)))
		return node;
	return find_end_node(file, direction, gfp);
}

/* A descriptor can come from someone who is not recorded. */
static void record_name(const struct file *const file,
			struct prov_inode *const node)
{
	if (unlikely(!READ_ONCE(node->names[0])) &&
	    node->obj.kind != PROV_K_PIPE &&
	    (node == READ_ONCE(*prov_inode_slot(file_inode(file))) ||
	     node->obj.kind == PROV_K_ANON ||
	     node->obj.kind == PROV_K_BLOCKDEV))
		prov_record_open(node, file);
}

/**
 * prov_file_node - the other end of what a process moves through an open file
 * @file: the open file
 * @process: of current
 * @direction: into the process or out of it
 *
 * Context: May sleep, or an interrupt, where nothing is to be recorded.
 * Return: the node, valid as long as the file is open, or NULL if nothing is to
 * be recorded.  Sockets have hooks of their own.
 */
struct prov_inode *prov_file_node(const struct file *file,
				  struct prov_process *process,
				  enum prov_direction direction)
{
	struct inode *const inode = file_inode(file);
	struct prov_inode *node;

	if (!in_task() || !prov_is_recorded(process) ||
	    S_ISSOCK(prov_inode_type(inode)))
		return NULL;
	node = end_node(file, direction, GFP_NOFS);
	if (!node || node == &prov_nothing)
		return NULL;
	prov_process_describe(process);
	record_name(file, node);
	return node;
}

/**
 * prov_file_object - what a descriptor stands for
 * @file: the open file
 * @gfp: allocation flags
 *
 * Return: the object, valid as long as the file is open, or NULL if nothing that
 * is to be recorded is behind it.
 */
struct prov_object *prov_file_object(struct file *file, gfp_t gfp)
{
	struct inode *const inode = file_inode(file);
	struct prov_inode *node;

	if (S_ISSOCK(prov_inode_type(inode))) {
		const struct socket *const sock = sock_from_file(file);
		struct prov_socket *const end = sock && sock->sk ?
			prov_socket_get(sock->sk, gfp) : NULL;

		return end ? &end->obj : NULL;
	}
	/* If it has no name yet, that is recorded when something flows. */
	node = end_node(file, PROV_IN, gfp);
	return node && node != &prov_nothing ? &node->obj : NULL;
}

/**
 * prov_file_mapped - what a mapping of a file stands for
 * @file: the open file
 *
 * Context: May sleep.
 * Return: as prov_file_object(); the same one as long as the file is open.
 */
struct prov_object *prov_file_mapped(struct file *file)
{
	struct prov_object *const object = prov_file_object(file, GFP_NOFS);

	if (object && object->kind != PROV_K_SOCKET)
		record_name(file, container_of(object, struct prov_inode, obj));
	return object;
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
	if (READ_ONCE(*prov_inode_slot(file_inode(file))) == &prov_nothing &&
	    !S_ISSOCK(prov_inode_type(file_inode(file))))
		fill_cache(cache, process, version);
}

/**
 * prov_file_read - a process has read something
 * @file: through this open file
 * @process: whose memory it is in now
 * @node: prov_file_node()
 *
 * Context: Any but NMI.
 */
void prov_file_read(const struct file *file, struct prov_process *process,
		    struct prov_inode *node)
{
	const struct prov_inode *const own =
		READ_ONCE(prov_file(file)->source);
	u64 *cache = &prov_file(file)->in;
	struct prov_channel chan;

	if (own && READ_ONCE(*prov_inode_slot(file_inode(file))) !=
			   &prov_elsewhere)
		cache = NULL;
	else if (prov_cache_hit(cache, READ_ONCE(process->cache_id),
				READ_ONCE(node->obj.hot)))
		return;
	chan = channel_in(process, node, cache, PROV_OP_READ);
	prov_flow(&chan);
}

static noinline void file_read(const struct file *const file,
			       struct prov_process *const process)
{
	struct prov_inode *const node = prov_file_node(file, process, PROV_IN);
	u64 *const cache = &prov_file(file)->in;

	/* What the kernel reads of a binary does not go to the old image. */
	if (!node || current->in_execve) {
		cache_nothing(file, cache, process, 0);
		return;
	}
	/* Names are no content: a directory never gets another version. */
	if (node->obj.kind == PROV_K_DIRECTORY) {
		prov_tell_edge(process, PROV_R_EDGE_META, PROV_OP_READDIR,
			       &node->obj, &process->obj);
		return;
	}
	prov_file_read(file, process, node);
}

static void hook_file_read(struct file *file)
{
	struct prov_process *const process = prov_current();
	const struct prov_inode *const node =
		READ_ONCE(*prov_inode_slot(file_inode(file)));

	/* The data first, then the version: see prov_send_begin(). */
	smp_rmb();
	if (likely(node) &&
	    likely(prov_cache_hit(&prov_file(file)->in,
				  READ_ONCE(process->cache_id),
				  READ_ONCE(node->obj.hot))))
		return;
	file_read(file, process);
}

/**
 * prov_file_write_begins - a process is about to write something
 * @file: through this open file
 * @process: from whose memory
 * @node: prov_file_node()
 * @send: for prov_file_written()
 *
 * Context: Any but NMI.
 */
void prov_file_write_begins(const struct file *file,
			    struct prov_process *process,
			    struct prov_inode *node, struct prov_send *send)
{
	const struct prov_channel chan =
		channel_out(process, node, &prov_file(file)->out,
			    PROV_OP_WRITE);

	prov_send_begin(&chan, send);
}

static noinline void file_write_begins(const struct file *const file,
				       struct prov_task *const task,
				       struct prov_process *const process)
{
	struct prov_inode *const node = prov_file_node(file, process, PROV_OUT);

	task->sending = 0;
	if (!node)
		return;
	prov_file_write_begins(file, process, node, &task->send);
	task->sending = node->obj.id;
}

static __always_inline void file_writing(struct file *const file)
{
	struct prov_task *const task = prov_task(current);
	struct prov_process *const process = prov_current();

	/* What was seen by a mapping first, then whether there was news of it. */
	smp_rmb();
	if (unlikely(task->sending ||
		     !prov_cache_hit(&prov_file(file)->out,
				     READ_ONCE(process->cache_id),
				     READ_ONCE(process->obj.hot))))
		file_write_begins(file, task, process);
}

static int hook_file_permission(struct file *file, int mask)
{
	if (mask & MAY_WRITE)
		file_writing(file);
	return 0;
}

static void hook_file_writing(struct file *file)
{
	file_writing(file);
}

/**
 * prov_file_written - a process has written something
 * @file: through this open file
 * @process: from whose memory
 * @node: prov_file_node()
 * @send: prov_send_begin() of it, or NULL if there was none
 *
 * Context: Any but NMI.
 */
void prov_file_written(const struct file *file, struct prov_process *process,
		       struct prov_inode *node, const struct prov_send *send)
{
	const struct prov_channel chan =
		channel_out(process, node, &prov_file(file)->out,
			    PROV_OP_WRITE);

	if (send)
		prov_send_end(&chan, send);
	else if (!prov_cache_hit(chan.cache, chan.cache_id,
				 READ_ONCE(process->obj.hot)))
		prov_flow(&chan);
}

static noinline void file_written(const struct file *const file,
				  struct prov_task *const task,
				  struct prov_process *const process)
{
	struct prov_inode *const node = prov_file_node(file, process, PROV_OUT);
	const u64 sending = task->sending;

	task->sending = 0;
	if (!node) {
		/* A process that is stale would come by here each time. */
		if (prov_pull(&process->obj))
			cache_nothing(file, &prov_file(file)->out, process,
				      READ_ONCE(process->obj.version));
		return;
	}
	prov_file_written(file, process, node,
			  sending == node->obj.id ? &task->send : NULL);
}

static void hook_file_written(struct file *file)
{
	struct prov_task *const task = prov_task(current);
	struct prov_process *const process = prov_current();

	if (unlikely(task->sending ||
		     !prov_cache_hit(&prov_file(file)->out,
				     READ_ONCE(process->cache_id),
				     READ_ONCE(process->obj.hot))))
		file_written(file, task, process);
}

/* Who reads the pipe waits for its lock, which the caller has. */
static void hook_file_spliced(struct file *in, struct file *out)
{
	/* Of an earlier write to the pipe that failed: this is no end of it. */
	prov_task(current)->sending = 0;
	if (in && !S_ISSOCK(prov_inode_type(file_inode(in))))
		hook_file_read(in);
	hook_file_written(out);
}

static void hook_splice_begun(struct file *in, struct file *out)
{
	struct prov_task *const task = prov_task(current);

	task->splice_in = in;
	task->splice_out = out;
}

/*
 * What goes into a file has begun before the pipe was looked at; what goes into a
 * socket begins in hook_socket_sendmsg().
 */
static void hook_splice_taken(struct pipe_inode_info *pipe)
{
	const struct prov_task *const task = prov_task(current);

	if (!task->splice_in)
		return;
	hook_file_read(task->splice_in);
	if (!S_ISSOCK(prov_inode_type(file_inode(task->splice_out))))
		file_writing(task->splice_out);
}

static void unmark(struct prov_inode *const node, u64 by)
{
	if (prov_clear_flag(&node->obj, PROV_OBJ_MARKED))
		prov_record_opaque(PROV_OPAQUE_UNMARKED, node->obj.id, by);
}

/* Who has a file open for writing can change it: it is no longer what was marked. */
static int hook_file_open(struct file *file)
{
	struct prov_inode *const node =
		READ_ONCE(*prov_inode_slot(file_inode(file)));

	if (file->f_mode & FMODE_WRITE && node &&
	    READ_ONCE(node->obj.flags) & PROV_OBJ_MARKED)
		unmark(node, prov_current()->obj.id);
	return 0;
}

/* Of a file that is made shorter, what is gone can be missed before it is done. */
static int hook_inode_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
			      struct iattr *attr)
{
	struct prov_task *const task = prov_task(current);
	struct prov_process *const process = prov_current();
	struct prov_inode *node;
	struct prov_channel chan;

	if (!(attr->ia_valid & ATTR_SIZE) || !prov_is_recorded(process))
		return 0;
	task->sending = 0;
	node = prov_inode_get(d_inode(dentry));
	if (!node || node == &prov_nothing)
		return 0;
	prov_process_describe(process);
	chan = channel_out(process, node, NULL, PROV_OP_TRUNCATE);
	prov_send_begin(&chan, &task->send);
	task->sending = node->obj.id;
	return 0;
}

static void hook_inode_post_setattr(struct mnt_idmap *idmap,
				    struct dentry *dentry, int ia_valid)
{
	struct prov_task *const task = prov_task(current);
	struct prov_process *const process = prov_current();
	struct inode *const inode = d_inode(dentry);
	struct prov_inode *node = READ_ONCE(*prov_inode_slot(inode));

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

		if (task->sending == node->obj.id)
			prov_send_end(&chan, &task->send);
		else
			prov_flow(&chan);
		task->sending = 0;
	}
	if (ia_valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME_SET |
			ATTR_MTIME_SET | ATTR_TOUCH)) {
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

	if (!S_ISREG(prov_inode_type(inode)))
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
	PROVENANCE_LSM_HOOK_INIT(inode_setattr, hook_inode_setattr),
	PROVENANCE_LSM_HOOK_INIT(inode_post_setattr, hook_inode_post_setattr),
	PROVENANCE_OWN_HOOK_INIT(file_read, hook_file_read),
	PROVENANCE_OWN_HOOK_INIT(file_writing, hook_file_writing),
	PROVENANCE_OWN_HOOK_INIT(file_written, hook_file_written),
	PROVENANCE_OWN_HOOK_INIT(file_spliced, hook_file_spliced),
	PROVENANCE_OWN_HOOK_INIT(splice_begun, hook_splice_begun),
	PROVENANCE_OWN_HOOK_INIT(splice_taken, hook_splice_taken),
};

void __init prov_file_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, file_hooks, ARRAY_SIZE(file_hooks));
}
