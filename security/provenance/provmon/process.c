// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: processes
 *
 * A process node is the memory that tasks share: threads, and a vfork child
 * until it executes a program, point to one struct prov_process.
 */
#include <linux/audit.h>
#include <linux/binfmts.h>
#include <linux/dcache.h>
#include <linux/mmap_lock.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "attribute.h"
#include "channel.h"
#include "mmap.h"
#include "name.h"
#include "object.h"
#include "process.h"
#include "record.h"
#include "server.h"

/* Are environments recorded?  They hold secrets, so only if asked for. */
bool prov_environ;

static void record_cred(const struct prov_process *const process,
			struct task_struct *const task,
			const struct cred *const cred)
{
	prov_record_cred(process->obj.id, cred,
			 from_kuid(&init_user_ns, audit_get_loginuid(task)),
			 audit_get_sessionid(task));
}

static void describe(struct prov_process *const process,
		     struct task_struct *const task, u32 ppid)
{
	if (prov_record_process(&process->obj, task, ppid))
		prov_set_flag(&process->obj, PROV_OBJ_DESCRIBED);
}

/**
 * prov_process_of_task - the process of a task, if it is recorded
 * @task: the task, which may be gone
 *
 * Return: the process, with a reference, or NULL.
 */
struct prov_process *prov_process_of_task(const struct task_struct *task)
{
	struct prov_process *process;

	rcu_read_lock();
	process = rcu_dereference(prov_task(task)->process);
	if (process && (!prov_is_recorded(process) ||
			!refcount_inc_not_zero(&process->refs)))
		process = NULL;
	rcu_read_unlock();
	return process;
}

/**
 * prov_process_of_mm - the process whose memory it is, if it is recorded
 * @mm: the memory
 *
 * Return: the process, with a reference, or NULL.
 */
struct prov_process *prov_process_of_mm(const struct mm_struct *mm)
{
	struct prov_process *process = NULL;
#ifdef CONFIG_MEMCG
	const struct task_struct *owner;

	rcu_read_lock();
	owner = rcu_dereference(mm->owner);
	if (owner)
		process = prov_process_of_task(owner);
	rcu_read_unlock();
#endif
	return process;
}

/**
 * prov_process_describe - describe current's process if that was lost before
 * @process: of current
 */
void prov_process_describe(struct prov_process *process)
{
	if (likely(READ_ONCE(process->obj.flags) & PROV_OBJ_DESCRIBED))
		return;
	describe(process, current, task_ppid_nr(current));
	record_cred(process, current, current_cred());
}

/* From @src into a process that cannot be seen yet. */
static bool flow_into(struct prov_process *const process, enum prov_op op,
		      struct prov_object *const src)
{
	const struct prov_channel chan = {
		.src = src,
		.dst = &process->obj,
		.op = op,
	};

	return prov_flow(&chan);
}

static int hook_task_alloc(struct task_struct *child, unsigned long clone_flags)
{
	struct prov_process *process = prov_current();
	struct prov_task *const task = prov_task(child);

	if (!(clone_flags & CLONE_VM) && process != &prov_nobody) {
		struct prov_process *const fresh =
			prov_process_alloc(GFP_KERNEL);

		if (fresh) {
			rcu_assign_pointer(task->process, fresh);
			return 0;
		}
		/*
		 * Then they share a node: what one does counts as done by both,
		 * and what the child maps is not seen.
		 */
		prov_emit_lost();
	}
	refcount_inc(&process->refs);
	rcu_assign_pointer(task->process, process);
	/* Workers of io_uring have no hook_task_forked(). */
	if (child->flags & PF_USER_WORKER) {
		task->alive = true;
		atomic_inc(&process->tasks);
	}
	return 0;
}

static void hook_task_forked(struct task_struct *child, u64 clone_flags)
{
	struct prov_process *const parent = prov_current();
	struct prov_task *const task = prov_task(child);
	struct prov_process *const process =
		rcu_dereference_raw(task->process);
	u32 version;

	task->alive = true;
	atomic_inc(&process->tasks);
	if (process == parent)
		return;
	describe(process, child, task_tgid_nr(current));
	record_cred(process, child, rcu_dereference_raw(child->real_cred));
	prov_record_forked_attr(process->obj.id, child, clone_flags);
	prov_record_text(process->obj.id, PROV_T_COMM, child->comm,
			 strnlen(child->comm, sizeof(child->comm)));
	prov_pull(&parent->obj);
	version = READ_ONCE(parent->obj.version);
	if (!flow_into(process, PROV_OP_FORK, &parent->obj))
		version = PROV_VERSION_LAST;
	if (child->mm) {
		prov_mmap_begin(process, child->mm);
		prov_mmap_inherit(process, child->mm, parent, version);
	}
}

static void leave_process(struct prov_task *const task, u32 code)
{
	struct prov_process *const process =
		rcu_dereference_raw(task->process);

	if (!task->alive)
		return;
	task->alive = false;
	if (atomic_dec_and_test(&process->tasks) && process != &prov_nobody)
		prov_record_end(&process->obj, code);
}

static void forget_exec(struct prov_task *const task)
{
	struct prov_exec *const exec = task->exec;
	unsigned int i;

	if (!exec)
		return;
	task->exec = NULL;
	for (i = 0; i < exec->count; i++)
		prov_inode_put(exec->files[i]);
	if (exec->process)
		prov_process_put(exec->process);
	kfree(exec);
}

static void hook_task_exiting(struct task_struct *tsk, long code)
{
	struct prov_task *const task = prov_task(tsk);

	forget_exec(task);
	/* A worker can be the last to leave, and has no status. */
	if (tsk->flags & PF_USER_WORKER)
		code = tsk->signal->flags & SIGNAL_GROUP_EXIT ?
		       tsk->signal->group_exit_code :
		       tsk->group_leader->exit_code;
	leave_process(task, code);
}

static void hook_task_free(struct task_struct *tsk)
{
	struct prov_task *const task = prov_task(tsk);
	struct prov_process *process = rcu_dereference_raw(task->process);

	if (!process)
		return;
	/* A server that was killed by an oops: see server.c. */
	if (process == task->server) {
		process = &prov_nobody;
		rcu_assign_pointer(task->process, process);
	}
	if (task->datagram_to)
		prov_socket_put(task->datagram_to);
	if (task->poked)
		prov_process_put(task->poked);
	kfree(task->leaving_path);
	prov_server_end(task);
	/* If it was never made. */
	leave_process(task, 0);
	prov_process_put(process);
}

/*
 * What an execution needs is made before it can no longer fail.
 */
static int hook_bprm_creds_for_exec(struct linux_binprm *bprm)
{
	struct prov_task *const task = prov_task(current);
	struct prov_exec *exec;

	forget_exec(task);
	exec = kzalloc(sizeof(*exec), GFP_KERNEL);
	if (exec)
		exec->process = prov_process_alloc(GFP_KERNEL);
	task->exec = exec;
	if (!exec || !exec->process) {
		/* Then the new image keeps the node of the old one. */
		prov_emit_lost();
		forget_exec(task);
		return 0;
	}
	/* Of who executes it: what is executed may get it by setuid. */
	exec->may_be_opaque = has_capability_noaudit(current,
						     CAP_AUDIT_CONTROL);
	return 0;
}

/* Runs for the script, its interpreter, and so on. */
static int hook_bprm_check_security(struct linux_binprm *bprm)
{
	struct prov_exec *const exec = prov_task(current)->exec;
	struct prov_inode *node;

	if (!exec || exec->count == ARRAY_SIZE(exec->files))
		return 0;
	node = prov_inode_get(file_inode(bprm->file));
	if (!node || node == &prov_nothing) {
		exec->may_be_opaque = false;
		return 0;
	}
	/* Who is not recorded opens without a trace. */
	prov_record_open(node, bprm->file);
	refcount_inc(&node->refs);
	exec->files[exec->count++] = node;
	return 0;
}

/* May the new image be opaque?  A script and its interpreter both need the mark. */
static bool inherits_mark(const struct prov_exec *const exec)
{
	unsigned int i;

	if (!exec->may_be_opaque || !exec->count ||
	    exec->count == ARRAY_SIZE(exec->files))
		return false;
	for (i = 0; i < exec->count; i++)
		if (!(READ_ONCE(exec->files[i]->obj.flags) & PROV_OBJ_MARKED))
			return false;
	return true;
}

static void set_opaque(struct prov_process *const process)
{
	prov_set_flag(&process->obj, PROV_OBJ_OPAQUE);
	WRITE_ONCE(process->cache_id, PROV_CACHE_NEVER);
}

static void clear_opaque(struct prov_process *const process)
{
	prov_clear_flag(&process->obj, PROV_OBJ_OPAQUE);
	WRITE_ONCE(process->cache_id, prov_cache_id(process->obj.id));
}

/* For want of memory the new image keeps the node, but nothing hides it. */
static void end_opaque(struct prov_process *const process)
{
	if (process == &prov_nobody || prov_is_recorded(process))
		return;
	clear_opaque(process);
	prov_record_opaque(PROV_OPAQUE_EXEC, process->obj.id, process->obj.id);
}

/*
 * The new image is there, and nothing of it has run.  It gets a node, into
 * which flow the old image with the arguments and the environment, and the
 * files that were executed.
 */
static void hook_bprm_committed_creds(const struct linux_binprm *bprm)
{
	struct prov_task *const task = prov_task(current);
	struct prov_process *const old = prov_current();
	struct prov_exec *const exec = task->exec;
	struct prov_process *process;
	unsigned int i;

	if (!exec) {
		end_opaque(old);
		/* Unless its memory is still that of who made it by vfork(). */
		if (old != &prov_nobody && !READ_ONCE(old->mm))
			prov_mmap_begin(old, current->mm);
		return;
	}
	process = exec->process;
	exec->process = NULL;
	atomic_set(&process->tasks, 1);
	if (inherits_mark(exec))
		set_opaque(process);
	describe(process, current, task_ppid_nr(current));
	record_cred(process, current, current_cred());
	prov_record_process_attr(process->obj.id, current);
	prov_record_secctx(process->obj.id);
	if (old != &prov_nobody)
		flow_into(process, PROV_OP_EXEC, &old->obj);
	for (i = 0; i < exec->count; i++)
		flow_into(process, PROV_OP_EXEC, &exec->files[i]->obj);
	prov_mmap_begin(process, current->mm);
	if (!prov_is_recorded(process))
		prov_record_opaque(PROV_OPAQUE_SET, process->obj.id,
				   old->obj.id);
	else if (old != &prov_nobody && !prov_is_recorded(old))
		prov_record_opaque(PROV_OPAQUE_EXEC, process->obj.id,
				   old->obj.id);
	/* What the old image had begun to send is not the new one's. */
	task->sending = 0;
	leave_process(task, PROV_END_EXECUTED);
	rcu_assign_pointer(task->process, process);
	task->alive = true;
	prov_process_put(old);
	forget_exec(task);
}

/* More of it would push out what others do. */
#define USER_TEXT_BYTES_MAX	(512 * 1024)

/* A text in the memory of current, in parts that need little space here. */
static void record_user_text(u64 id, enum prov_text_kind kind,
			     unsigned long start, unsigned long end)
{
	const size_t room = PATH_MAX;
	size_t total, offset, bytes;
	char *part;

	if (end <= start)
		return;
	total = end - start;
	if (total > USER_TEXT_BYTES_MAX) {
		/* The rest is missing, and is counted. */
		prov_emit_lost();
		total = USER_TEXT_BYTES_MAX;
	}
	part = __getname();
	if (!part) {
		prov_emit_lost();
		return;
	}
	for (offset = 0; offset < total; offset += bytes) {
		bytes = min(total - offset, room);
		if (copy_from_user(part, (void __user *)(start + offset),
				   bytes)) {
			prov_emit_lost();
			break;
		}
		prov_record_text_part(id, kind, part, bytes, offset, total);
	}
	__putname(part);
}

static void hook_exec_done(struct linux_binprm *bprm)
{
	const struct prov_process *const process = prov_current();
	const struct mm_struct *const mm = current->mm;

	if (process == &prov_nobody)
		return;
	prov_record_path(process->obj.id, PROV_T_EXE, &bprm->file->f_path);
	record_user_text(process->obj.id, PROV_T_ARGV, mm->arg_start,
			 mm->arg_end);
	if (READ_ONCE(prov_environ))
		record_user_text(process->obj.id, PROV_T_ENVIRON, mm->env_start,
				 mm->env_end);
}

static bool same_ids(const struct cred *const a, const struct cred *const b)
{
	return uid_eq(a->uid, b->uid) && uid_eq(a->euid, b->euid) &&
	       uid_eq(a->suid, b->suid) && uid_eq(a->fsuid, b->fsuid) &&
	       gid_eq(a->gid, b->gid) && gid_eq(a->egid, b->egid) &&
	       gid_eq(a->sgid, b->sgid) && gid_eq(a->fsgid, b->fsgid) &&
	       a->cap_permitted.val == b->cap_permitted.val &&
	       a->cap_effective.val == b->cap_effective.val;
}

static bool same_groups(const struct group_info *const a,
			const struct group_info *const b)
{
	return a == b ||
	       (a->ngroups == b->ngroups &&
		!memcmp(a->gid, b->gid, a->ngroups * sizeof(a->gid[0])));
}

static void hook_cred_committed(const struct cred *new, const struct cred *old)
{
	const struct prov_process *const process = prov_current();

	/* An execution records its ids when it has its node, and changes no groups. */
	if (process == &prov_nobody || current->in_execve)
		return;
	if (!same_ids(new, old))
		record_cred(process, current, new);
	if (!same_groups(new->group_info, old->group_info))
		prov_record_groups(process->obj.id, new->group_info);
}

/* What audit goes by is inherited, and comes with the ids otherwise. */
static void hook_loginuid_set(struct task_struct *task)
{
	const struct prov_process *const process = prov_current();

	if (process != &prov_nobody)
		record_cred(process, task, current_cred());
}

/**
 * prov_process_set_opaque - stop or resume the recording of a process
 * @pid: any of its tasks
 * @on: whether it is not recorded
 *
 * The caller has checked that this is allowed.
 *
 * Return: 0, -ESRCH if there is no such process, or -EAGAIN if that could not
 * be recorded, and is left as it was.
 */
int prov_process_set_opaque(struct pid *pid, bool on)
{
	struct prov_process *process = NULL;
	struct mm_struct *mm = NULL;
	struct task_struct *task, *thread;
	int ret = 0;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_PID);
	if (task) {
		process = rcu_dereference(prov_task(task)->process);
		if (process == &prov_nobody ||
		    !refcount_inc_not_zero(&process->refs))
			process = NULL;
		else
			/* The first thread can have ended before the others. */
			for_each_thread(task, thread) {
				mm = get_task_mm(thread);
				if (mm)
					break;
			}
	}
	rcu_read_unlock();
	if (!process)
		return -ESRCH;
	/* What it maps is known from then on, or until then. */
	if (mm)
		mmap_write_lock(mm);
	if (on != prov_is_recorded(process))
		goto out;
	if (!prov_record_opaque(on ? PROV_OPAQUE_SET : PROV_OPAQUE_CLEARED,
				process->obj.id, prov_current()->obj.id)) {
		ret = -EAGAIN;
		goto out;
	}
	if (on) {
		if (mm)
			prov_mmap_forget(process, mm);
		set_opaque(process);
	} else {
		clear_opaque(process);
		if (mm)
			prov_mmap_look(process, mm);
	}
out:
	if (mm) {
		mmap_write_unlock(mm);
		mmput(mm);
	}
	prov_process_put(process);
	return ret;
}

static const struct provenance_hook process_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(task_alloc, hook_task_alloc),
	PROVENANCE_LSM_HOOK_INIT(task_free, hook_task_free),
	PROVENANCE_LSM_HOOK_INIT(bprm_creds_for_exec, hook_bprm_creds_for_exec),
	PROVENANCE_LSM_HOOK_INIT(bprm_check_security, hook_bprm_check_security),
	PROVENANCE_LSM_HOOK_INIT(bprm_committed_creds,
				 hook_bprm_committed_creds),
	PROVENANCE_OWN_HOOK_INIT(task_forked, hook_task_forked),
	PROVENANCE_OWN_HOOK_INIT(task_exiting, hook_task_exiting),
	PROVENANCE_OWN_HOOK_INIT(exec_done, hook_exec_done),
	PROVENANCE_OWN_HOOK_INIT(cred_committed, hook_cred_committed),
	PROVENANCE_OWN_HOOK_INIT(loginuid_set, hook_loginuid_set),
};

void __init prov_process_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, process_hooks,
			     ARRAY_SIZE(process_hooks));
}

/**
 * prov_process_setup - give the boot task its node
 *
 * It and the kernel threads are nobody; init gets a node when it executes its
 * program.
 */
void __init prov_process_setup(void)
{
	rcu_assign_pointer(prov_task(current)->process, &prov_nobody);
}
