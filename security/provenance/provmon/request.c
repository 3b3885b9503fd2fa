// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: reads and writes that end in another context
 *
 * A request of io_uring or aio can be over before the call that makes it returns,
 * or later, when any task runs, in an interrupt or a worker of the kernel.  So what
 * has to sleep is done when it begins, and whose memory it is goes with it: that
 * of current, and that of who registered the buffer, for a ring and its buffers
 * can be used by others.
 *
 * Like any other write, it is captured before its data can be seen; its record is
 * made when it is known that there was some.
 *
 * A buffer that is registered keeps its pages also when nothing is mapped there any
 * more.  Those of a file (of shared memory, for others cannot be pinned for long) are
 * a mapping as long as they are registered.
 */
#include <linux/bvec.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "file.h"
#include "object.h"
#include "page.h"
#include "process.h"
#include "record.h"
#include "request.h"

/* Return: @process, if it is recorded. */
static struct prov_process *recorded(struct prov_process *const process)
{
	return process && prov_is_recorded(process) ? process : NULL;
}

static void share_begins(struct provenance_request *const request,
			 unsigned int i, const struct prov_send *const send)
{
	request->share[i].begun = true;
	request->share[i].versions[0] = send->src_version;
	request->share[i].versions[1] = send->dst_version;
	request->share[i].fresh = send->fresh;
}

static void write_begins(struct provenance_request *const request,
			 const struct file *const file)
{
	struct prov_task *const task = prov_task(current);
	struct prov_inode *const node = request->node;
	struct prov_process *const owner = request->share[1].process;
	struct prov_send send;

	/* By hook_file_permission(), unless it was known. */
	if (task->sending == node->obj.id)
		share_begins(request, 0, &task->send);
	task->sending = 0;
	if (owner) {
		prov_file_write_begins(file, owner, node, &send);
		share_begins(request, 1, &send);
	}
}

static void hook_request_begins(struct provenance_request *request,
				struct kiocb *kiocb,
				const struct provenance_memory *memory)
{
	struct prov_process *const process = prov_current();
	const struct file *const file = kiocb->ki_filp;
	const bool write = kiocb->ki_flags & IOCB_WRITE;

	request->share[0].process = recorded(process);
	request->share[0].begun = false;
	request->share[1].process = memory && memory->process != process ?
		recorded(memory->process) : NULL;
	request->share[1].begun = false;
	request->node = prov_file_node(file, process,
				       write ? PROV_OUT : PROV_IN);
	if (write && request->node)
		write_begins(request, file);
}

static void share_done(const struct provenance_request *const request,
		       unsigned int i, const struct kiocb *const kiocb)
{
	struct prov_process *const process =
		recorded(request->share[i].process);
	const bool begun = request->share[i].begun;
	struct prov_send send;

	if (!process)
		return;
	if (!(kiocb->ki_flags & IOCB_WRITE)) {
		prov_file_read(kiocb->ki_filp, process, request->node);
		return;
	}
	if (begun)
		send = (struct prov_send){
			.src_version = request->share[i].versions[0],
			.dst_version = request->share[i].versions[1],
			.fresh = request->share[i].fresh,
		};
	prov_file_written(kiocb->ki_filp, process, request->node,
			  begun ? &send : NULL);
}

/*
 * The beginning of what is moved without the cache can be there though the end is
 * not, and a server can take what is written, or have answered a part, and fail as
 * it likes.
 */
static bool failed_halfway(const struct kiocb *const kiocb, long ret)
{
	const struct file *const file = kiocb->ki_filp;

	if (ret >= 0)
		return false;
	if (file_inode(file)->i_sb->s_magic == FUSE_SUPER_MAGIC)
		return true;
	/* The flag alone means something else to a pipe. */
	return ret != -EAGAIN && ret != -EINVAL &&
	       kiocb->ki_flags & IOCB_DIRECT &&
	       file->f_mode & FMODE_CAN_ODIRECT;
}

static void hook_request_done(struct provenance_request *request,
			      struct kiocb *kiocb, long ret)
{
	unsigned int i;

	if (!request->node || !(ret > 0 || failed_halfway(kiocb, ret)))
		return;
	/* The data first, then the version: see prov_send_begin(). */
	smp_rmb();
	for (i = 0; i < ARRAY_SIZE(request->share); i++)
		share_done(request, i, kiocb);
}

static void hook_memory_kept(struct provenance_memory *memory)
{
	struct prov_process *const process = prov_current();

	refcount_inc(&process->refs);
	memory->process = process;
}

static void hook_memory_shared(struct provenance_memory *memory)
{
	struct prov_process *const process = memory->process;

	refcount_inc(&process->refs);
}

static void hook_memory_left(struct provenance_memory *memory)
{
	prov_process_put(memory->process);
}

/**
 * struct registered - a file of which a registered buffer has pages
 * @next: another one
 * @node: of the file; holds a reference
 * @mm: the memory that it was mapped in, which may be used no more, but is not freed
 * @releases: of the process: if that has changed, nothing is left of this mapping
 */
struct registered {
	struct registered	*next;
	struct prov_inode	*node;
	struct mm_struct	*mm;
	unsigned int		releases;
};

static bool is_registered(const struct registered *file,
			  const struct prov_inode *const node)
{
	for (; file; file = file->next)
		if (file->node == node)
			return true;
	return false;
}

/* Return: the file of a page, with a reference, if it is not among these, or NULL. */
static struct prov_inode *find_file(const struct page *const page,
				    const struct registered *const files)
{
	struct prov_inode *node;

	rcu_read_lock();
	node = prov_page_node(page);
	if (node && (is_registered(files, node) ||
		     !refcount_inc_not_zero(&node->refs)))
		node = NULL;
	rcu_read_unlock();
	return node;
}

/* Return: true if it is mapped by current from now on, until end_mapping(). */
static bool begin_mapping(struct registered *const file,
			  struct prov_process *const process)
{
	struct prov_map *const map = prov_map_get(&file->node->obj);
	bool is_mapped;

	if (!map)
		return false;
	mmap_write_lock(current->mm);
	/* Not if it has a node that is another memory's, for want of memory at fork. */
	is_mapped = READ_ONCE(process->mm) == current->mm &&
		    prov_is_recorded(process) &&
		    prov_map_add(&process->place.map, map, PROV_ACCESS_SHARE,
				 1);
	file->releases = process->releases;
	mmap_write_unlock(current->mm);
	if (!is_mapped)
		return false;
	file->mm = current->mm;
	mmgrab(file->mm);
	return true;
}

/* Any task can be the one that frees the buffer, also while the memory is released. */
static void end_mapping(const struct registered *const file,
			struct prov_process *const process)
{
	mmap_write_lock(file->mm);
	if (process->releases == file->releases)
		prov_map_remove(&process->place.map, file->node->obj.map,
				PROV_ACCESS_SHARE, 1);
	mmap_write_unlock(file->mm);
	mmdrop(file->mm);
}

static void hook_buffer_registered(struct provenance_buffer *buffer,
				   const struct bio_vec *pages, unsigned int nr)
{
	struct prov_process *const process = prov_current();
	struct registered *files = NULL, *file;
	struct prov_inode *node;
	unsigned int i;

	hook_memory_kept(&buffer->memory);
	for (i = 0; i < nr && prov_is_recorded(process); i++) {
		node = find_file(pages[i].bv_page, files);
		if (!node)
			continue;
		file = kmalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
		if (!file) {
			prov_emit_lost();
			prov_inode_put(node);
			break;
		}
		file->next = files;
		file->node = node;
		if (!begin_mapping(file, process)) {
			prov_inode_put(node);
			kfree(file);
			break;
		}
		files = file;
	}
	buffer->files = files;
}

static void hook_buffer_left(struct provenance_buffer *buffer)
{
	struct prov_process *const process = buffer->memory.process;
	struct registered *file;

	while ((file = buffer->files)) {
		buffer->files = file->next;
		end_mapping(file, process);
		prov_inode_put(file->node);
		kfree(file);
	}
	hook_memory_left(&buffer->memory);
}

static const struct provenance_hook request_hooks[] = {
	PROVENANCE_OWN_HOOK_INIT(request_begins, hook_request_begins),
	PROVENANCE_OWN_HOOK_INIT(request_done, hook_request_done),
	PROVENANCE_OWN_HOOK_INIT(memory_kept, hook_memory_kept),
	PROVENANCE_OWN_HOOK_INIT(memory_shared, hook_memory_shared),
	PROVENANCE_OWN_HOOK_INIT(memory_left, hook_memory_left),
	PROVENANCE_OWN_HOOK_INIT(buffer_registered, hook_buffer_registered),
	PROVENANCE_OWN_HOOK_INIT(buffer_left, hook_buffer_left),
};

void __init prov_request_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, request_hooks,
			     ARRAY_SIZE(request_hooks));
}
