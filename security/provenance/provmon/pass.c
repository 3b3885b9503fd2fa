// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: descriptors that go from one process to another
 *
 * Which object a descriptor is of is recorded for who gives it away and for who
 * gets it.  What is behind it flows when it is read or written.  The message that
 * brings descriptors is data, even if it has no other (see socket.c), and so is
 * taking one with pidfd_getfd().
 */
#include <linux/sched.h>
#include <net/scm.h>

#include "file.h"
#include "object.h"
#include "pass.h"
#include "process.h"
#include "record.h"

/* Nothing can fail any more.  A file without a node gets one, and a name later. */
static void hook_files_passed(struct scm_fp_list *files)
{
	struct prov_process *const process = prov_current();
	struct prov_object *object;
	int i;

	if (!prov_is_recorded(process))
		return;
	for (i = 0; i < files->count; i++) {
		object = prov_file_object(files->fp[i], GFP_ATOMIC);
		if (object)
			prov_record_meta(PROV_OP_PASS, &process->obj, object);
	}
}

static void hook_file_received(struct file *file)
{
	struct prov_process *const process = prov_current();
	struct prov_object *object;

	prov_task(current)->descriptors = true;
	if (!prov_is_recorded(process))
		return;
	object = prov_file_object(file, GFP_KERNEL);
	if (object)
		prov_record_meta(PROV_OP_RECEIVE, object, &process->obj);
}

/* After hook_file_received(). */
static void hook_file_taken(struct task_struct *task, struct file *file)
{
	struct prov_process *const process = prov_current();
	struct prov_object *object;
	struct prov_process *from;

	prov_task(current)->descriptors = false;
	if (!prov_is_recorded(process))
		return;
	rcu_read_lock();
	from = rcu_dereference(prov_task(task)->process);
	if (from == &prov_nobody || !refcount_inc_not_zero(&from->refs))
		from = NULL;
	rcu_read_unlock();
	if (!from)
		return;
	if (prov_is_recorded(from)) {
		const struct prov_channel chan = {
			.src = &from->obj,
			.dst = &process->obj,
			.memory = &process->memory,
			.direction = PROV_IN,
			.op = PROV_OP_GETFD,
		};

		object = prov_file_object(file, GFP_KERNEL);
		if (object)
			prov_record_meta(PROV_OP_PASS, &from->obj, object);
		prov_flow(&chan);
	}
	prov_process_put(from);
}

/* By a ring of io_uring, whose owner may be waiting for it. */
static void hook_file_given(struct task_struct *task, struct mm_struct *mm,
			    struct file *file)
{
	struct prov_process *const from = prov_process_of_task(task);
	struct prov_process *const to = prov_process_of_mm(mm);
	struct prov_object *object;

	if (!from || !to || from == to)
		goto out;
	if (prov_current() == from || prov_current() == to)
		prov_process_describe(prov_current());
	object = prov_file_object(file, GFP_KERNEL);
	if (object) {
		prov_record_meta(PROV_OP_PASS, &from->obj, object);
		prov_record_meta(PROV_OP_RECEIVE, object, &to->obj);
	}
	prov_flow(&(struct prov_channel){
		.src = &from->obj,
		.dst = &to->obj,
		.memory = &to->memory,
		.direction = PROV_IN,
		.op = PROV_OP_GETFD,
	});
out:
	if (from)
		prov_process_put(from);
	if (to)
		prov_process_put(to);
}

static const struct provenance_hook pass_hooks[] = {
	PROVENANCE_OWN_HOOK_INIT(files_passed, hook_files_passed),
	PROVENANCE_OWN_HOOK_INIT(file_received, hook_file_received),
	PROVENANCE_OWN_HOOK_INIT(file_taken, hook_file_taken),
	PROVENANCE_OWN_HOOK_INIT(file_given, hook_file_given),
};

void __init prov_pass_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, pass_hooks, ARRAY_SIZE(pass_hooks));
}
