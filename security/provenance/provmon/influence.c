// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: what one process does to another
 *
 * Signals, the status that wait() takes, tracing and limits are influence
 * without content, class control.  What ptrace(), process_vm_readv() and
 * /proc/PID/mem move between the memories of two processes is content: it is
 * recorded like that of a file, written from before it can be seen, and read
 * when it has been.
 */
#include <linux/mm_types.h>
#include <linux/perf_event.h>
#include <linux/ptrace.h>
#include <linux/sched.h>

#ifdef PTRACE_ARCH_PRCTL
#include <asm/prctl.h>
#endif

#include "influence.h"
#include "kernel.h"
#include "object.h"
#include "process.h"
#include "record.h"
#include "told.h"

/*
 * The process of a task, if what happens to it is recorded.  Under RCU, or of a
 * task that cannot go.
 */
static struct prov_process *recorded(const struct task_struct *const task)
{
	struct prov_process *const process =
		rcu_dereference_raw(prov_task(task)->process);

	return process && prov_is_recorded(process) ? process : NULL;
}

/* @from has influenced @to; @teller is one of the two. */
static void influence(const struct task_struct *const from,
		      const struct task_struct *const to,
		      const struct task_struct *const teller, enum prov_op op)
{
	struct prov_process *src, *dst;

	if (!in_task())
		return;
	rcu_read_lock();
	src = recorded(from);
	dst = recorded(to);
	if (src && dst) {
		prov_process_describe(prov_current());
		prov_tell_edge(teller == from ? src : dst, PROV_R_EDGE_CONTROL,
			       op, &src->obj, &dst->obj);
	}
	rcu_read_unlock();
}

static void hook_signal_sent(struct task_struct *task)
{
	influence(current, task, current, PROV_OP_SIGNAL);
}

static void hook_status_taken(struct task_struct *task)
{
	influence(task, current, current, PROV_OP_WAIT);
}

static void hook_task_traced(struct task_struct *task,
			     struct task_struct *tracer)
{
	influence(tracer, task, tracer, PROV_OP_PTRACE);
}

static int hook_task_setnice(struct task_struct *task, int nice)
{
	influence(current, task, current, PROV_OP_LIMIT);
	return 0;
}

static int hook_task_setioprio(struct task_struct *task, int ioprio)
{
	influence(current, task, current, PROV_OP_LIMIT);
	return 0;
}

static int hook_task_setscheduler(struct task_struct *task)
{
	influence(current, task, current, PROV_OP_LIMIT);
	return 0;
}

static int hook_task_movememory(struct task_struct *task)
{
	influence(current, task, current, PROV_OP_LIMIT);
	return 0;
}

static int hook_task_setpgid(struct task_struct *task, pid_t pgid)
{
	influence(current, task, current, PROV_OP_LIMIT);
	return 0;
}

static int hook_task_setrlimit(struct task_struct *task, unsigned int resource,
			       struct rlimit *limit)
{
	influence(current, task, current, PROV_OP_LIMIT);
	return 0;
}

/*
 * Samples and counts of an event tell of the registers, the stack and the doings of
 * who is measured.  Who maps them is not told of each: what is known when the event
 * is opened, mapped or read is taken over then.
 */
static void measure(const struct perf_event *const event)
{
	struct prov_process *const process = prov_current();
	const struct task_struct *const target = event->hw.target;
	struct prov_process *other;
	struct prov_channel chan = {
		.src = prov_kernel(),
		.dst = &process->obj,
		.memory = &process->memory,
		.direction = PROV_IN,
		.op = PROV_OP_PEEK,
	};

	if (!in_task() || !prov_is_recorded(process))
		return;
	prov_process_describe(process);
	/* Of a CPU, whatever runs there. */
	if (!target) {
		prov_flow(&chan);
		return;
	}
	rcu_read_lock();
	other = recorded(target);
	if (other) {
		chan.src = &other->obj;
		prov_flow(&chan);
	}
	rcu_read_unlock();
}

static void hook_perf_event_opened(struct perf_event *event)
{
	measure(event);
}

static int hook_perf_event_read(struct perf_event *event)
{
	measure(event);
	return 0;
}

static struct prov_channel channel_peek(struct prov_process *const from)
{
	struct prov_process *const process = prov_current();

	return (struct prov_channel){
		.src = &from->obj,
		.dst = &process->obj,
		.memory = &process->memory,
		.direction = PROV_IN,
		.op = PROV_OP_PEEK,
	};
}

static struct prov_channel channel_poke(struct prov_process *const to)
{
	struct prov_process *const process = prov_current();

	return (struct prov_channel){
		.src = &process->obj,
		.dst = &to->obj,
		.memory = &process->memory,
		.direction = PROV_OUT,
		.op = PROV_OP_POKE,
	};
}

/*
 * Registers, and what else of a task's state a request moves.  Who is traced is
 * stopped, so nobody sees what is written before it is recorded.
 */
static bool is_peek(long request, unsigned long data)
{
	switch (request) {
#ifdef PTRACE_GETREGS
	case PTRACE_GETREGS:
#endif
#ifdef PTRACE_GETFPREGS
	case PTRACE_GETFPREGS:
#endif
#ifdef PTRACE_GETFPXREGS
	case PTRACE_GETFPXREGS:
#endif
#ifdef PTRACE_GET_THREAD_AREA
	case PTRACE_GET_THREAD_AREA:
#endif
	case PTRACE_PEEKUSR:
	case PTRACE_GETREGSET:
	case PTRACE_GETSIGINFO:
	case PTRACE_PEEKSIGINFO:
	case PTRACE_GETSIGMASK:
	case PTRACE_GETEVENTMSG:
	case PTRACE_GET_SYSCALL_INFO:
	case PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG:
	case PTRACE_SECCOMP_GET_FILTER:
	case PTRACE_SECCOMP_GET_METADATA:
	case PTRACE_GET_RSEQ_CONFIGURATION:
		return true;
#ifdef PTRACE_ARCH_PRCTL
	case PTRACE_ARCH_PRCTL:
		return data == ARCH_GET_FS || data == ARCH_GET_GS;
#endif
	default:
		return false;
	}
}

static bool is_poke(long request, unsigned long data)
{
	switch (request) {
#ifdef PTRACE_SETREGS
	case PTRACE_SETREGS:
#endif
#ifdef PTRACE_SETFPREGS
	case PTRACE_SETFPREGS:
#endif
#ifdef PTRACE_SETFPXREGS
	case PTRACE_SETFPXREGS:
#endif
#ifdef PTRACE_SET_THREAD_AREA
	case PTRACE_SET_THREAD_AREA:
#endif
	case PTRACE_POKEUSR:
	case PTRACE_SETREGSET:
	case PTRACE_SETSIGINFO:
	case PTRACE_SETSIGMASK:
	case PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG:
		return true;
#ifdef PTRACE_ARCH_PRCTL
	case PTRACE_ARCH_PRCTL:
		return data == ARCH_SET_FS || data == ARCH_SET_GS;
#endif
	default:
		return false;
	}
}

/* What has several words is moved one by one. */
static bool failed_halfway(long request, long ret)
{
	switch (request) {
#ifdef PTRACE_SETREGS
	case PTRACE_SETREGS:
#endif
	case PTRACE_SETREGSET:
		/* A register can refuse its value. */
		return ret == -EFAULT || ret == -EIO;
#ifdef PTRACE_GETREGS
	case PTRACE_GETREGS:
#endif
#ifdef PTRACE_GETFPREGS
	case PTRACE_GETFPREGS:
#endif
#ifdef PTRACE_SETFPREGS
	case PTRACE_SETFPREGS:
#endif
#ifdef PTRACE_GETFPXREGS
	case PTRACE_GETFPXREGS:
#endif
#ifdef PTRACE_SETFPXREGS
	case PTRACE_SETFPXREGS:
#endif
#ifdef PTRACE_GET_THREAD_AREA
	case PTRACE_GET_THREAD_AREA:
#endif
	case PTRACE_GETREGSET:
	case PTRACE_GETSIGINFO:
	case PTRACE_PEEKSIGINFO:
	case PTRACE_GETSIGMASK:
	case PTRACE_GET_SYSCALL_INFO:
	case PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG:
	case PTRACE_GET_RSEQ_CONFIGURATION:
	case PTRACE_SECCOMP_GET_FILTER:
	case PTRACE_SECCOMP_GET_METADATA:
		return ret == -EFAULT;
	default:
		return false;
	}
}

static void hook_ptrace_done(struct task_struct *task, long request,
			     unsigned long data, long ret)
{
	const bool peek = is_peek(request, data);
	struct prov_process *other;
	struct prov_channel chan;

	if ((ret < 0 && !failed_halfway(request, ret)) ||
	    !prov_is_recorded(prov_current()) ||
	    (!peek && !is_poke(request, data)))
		return;
	prov_process_describe(prov_current());
	rcu_read_lock();
	other = recorded(task);
	if (other) {
		chan = peek ? channel_peek(other) : channel_poke(other);
		prov_flow(&chan);
	}
	rcu_read_unlock();
}

static void forget_poke(struct prov_task *const task)
{
	if (task->poked)
		prov_process_put(task->poked);
	task->poked = NULL;
}

static void hook_memory_begins(struct mm_struct *mm, bool write)
{
	struct prov_task *const task = prov_task(current);
	struct prov_channel chan;

	if (!write || mm == current->mm || !in_task() ||
	    !prov_is_recorded(prov_current()))
		return;
	forget_poke(task);
	task->poked = prov_process_of_mm(mm);
	if (!task->poked)
		return;
	prov_process_describe(prov_current());
	chan = channel_poke(task->poked);
	prov_send_begin(&chan, &task->poke);
}

static int hook_memory_accessed(struct mm_struct *mm, bool write, int ret)
{
	struct prov_task *const task = prov_task(current);
	struct prov_process *other;
	struct prov_channel chan;

	if (mm == current->mm || !in_task())
		return ret;
	/* The reference goes, whatever became of current meanwhile. */
	if (write) {
		if (task->poked && ret > 0 &&
		    prov_is_recorded(prov_current())) {
			chan = channel_poke(task->poked);
			prov_send_end(&chan, &task->poke);
		}
		forget_poke(task);
		return ret;
	}
	if (!prov_is_recorded(prov_current()))
		return ret;
	other = ret > 0 ? prov_process_of_mm(mm) : NULL;
	if (!other)
		return ret;
	prov_process_describe(prov_current());
	chan = channel_peek(other);
	prov_flow(&chan);
	prov_process_put(other);
	return ret;
}

static const struct provenance_hook influence_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(task_setnice, hook_task_setnice),
	PROVENANCE_LSM_HOOK_INIT(task_setioprio, hook_task_setioprio),
	PROVENANCE_LSM_HOOK_INIT(task_setscheduler, hook_task_setscheduler),
	PROVENANCE_LSM_HOOK_INIT(task_movememory, hook_task_movememory),
	PROVENANCE_LSM_HOOK_INIT(task_setpgid, hook_task_setpgid),
	PROVENANCE_LSM_HOOK_INIT(task_setrlimit, hook_task_setrlimit),
	PROVENANCE_LSM_HOOK_INIT(perf_event_read, hook_perf_event_read),
	PROVENANCE_OWN_HOOK_INIT(perf_event_opened, hook_perf_event_opened),
	PROVENANCE_OWN_HOOK_INIT(signal_sent, hook_signal_sent),
	PROVENANCE_OWN_HOOK_INIT(status_taken, hook_status_taken),
	PROVENANCE_OWN_HOOK_INIT(task_traced, hook_task_traced),
	PROVENANCE_OWN_HOOK_INIT(ptrace_done, hook_ptrace_done),
	PROVENANCE_OWN_HOOK_INIT(memory_begins, hook_memory_begins),
	PROVENANCE_OWN_HOOK_INIT(memory_accessed, hook_memory_accessed),
};

void __init prov_influence_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, influence_hooks,
			     ARRAY_SIZE(influence_hooks));
}
