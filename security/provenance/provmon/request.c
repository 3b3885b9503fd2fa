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
 */
#include <linux/fs.h>

#include "file.h"
#include "object.h"
#include "process.h"
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
	const struct prov_send send = {
		.src_version = request->share[i].versions[0],
		.dst_version = request->share[i].versions[1],
		.fresh = request->share[i].fresh,
	};

	if (!process)
		return;
	if (!(kiocb->ki_flags & IOCB_WRITE))
		prov_file_read(kiocb->ki_filp, process, request->node);
	else
		prov_file_written(kiocb->ki_filp, process, request->node,
				  request->share[i].begun ? &send : NULL);
}

static void hook_request_done(struct provenance_request *request,
			      struct kiocb *kiocb, long ret)
{
	unsigned int i;

	if (ret <= 0 || !request->node)
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

static const struct provenance_hook request_hooks[] = {
	PROVENANCE_OWN_HOOK_INIT(request_begins, hook_request_begins),
	PROVENANCE_OWN_HOOK_INIT(request_done, hook_request_done),
	PROVENANCE_OWN_HOOK_INIT(memory_kept, hook_memory_kept),
	PROVENANCE_OWN_HOOK_INIT(memory_shared, hook_memory_shared),
	PROVENANCE_OWN_HOOK_INIT(memory_left, hook_memory_left),
};

void __init prov_request_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, request_hooks,
			     ARRAY_SIZE(request_hooks));
}
