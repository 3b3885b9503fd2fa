// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: what is true of a process or file from some time on
 *
 * Attributes are timed records and make no version.  Those of a process are
 * recorded whole at exec and when one changes.  A fork records only what
 * differs from the parent, which is nothing at all outside of containers, so
 * that a fork stays cheap and readers take the rest from the parent.  What an
 * exec records is what a log that begins in the middle has.
 */
#include <linux/cgroup.h>
#include <linux/fs.h>
#include <linux/ipc_namespace.h>
#include <linux/lsm.h>
#include <linux/mnt_namespace.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/time_namespace.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>
#include <net/net_namespace.h>

#include "attribute.h"
#include "channel.h"
#include "object.h"
#include "process.h"
#include "record.h"
#include "told.h"

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | \
		    CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWCGROUP |	\
		    CLONE_NEWTIME)

static u64 cgroup_of(struct task_struct *const task)
{
	u64 id = 0;

#ifdef CONFIG_CGROUPS
	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(task));
	rcu_read_unlock();
#endif
	return id;
}

static void fill_namespaces(__le32 *const ns, const struct nsproxy *const proxy)
{
	ns[PROV_NS_MNT] = cpu_to_le32(from_mnt_ns(proxy->mnt_ns)->inum);
	ns[PROV_NS_UTS] = cpu_to_le32(proxy->uts_ns->ns.inum);
#if defined(CONFIG_POSIX_MQUEUE) || defined(CONFIG_SYSVIPC)
	ns[PROV_NS_IPC] = cpu_to_le32(proxy->ipc_ns->ns.inum);
#endif
	ns[PROV_NS_NET] = cpu_to_le32(proxy->net_ns->ns.inum);
#ifdef CONFIG_CGROUPS
	ns[PROV_NS_CGROUP] = cpu_to_le32(proxy->cgroup_ns->ns.inum);
#endif
#ifdef CONFIG_TIME_NS
	ns[PROV_NS_TIME] = cpu_to_le32(proxy->time_ns->ns.inum);
#endif
}

/**
 * prov_record_process_attr - namespaces and cgroup of a process from now on
 * @id: the process
 * @task: one of its tasks
 */
void prov_record_process_attr(u64 id, struct task_struct *task)
{
	struct prov_process_attr_record *record;
	struct pid_namespace *pid_ns;
	const struct cred *cred;
	__le32 ns[PROV_NS_COUNT] = {};
	unsigned long flags;
	u64 cgroup;

	/* One that is exiting has left its namespaces. */
	task_lock(task);
	if (task->nsproxy)
		fill_namespaces(ns, task->nsproxy);
	task_unlock(task);
	rcu_read_lock();
	cgroup = cgroup_of(task);
	cred = __task_cred(task);
	ns[PROV_NS_USER] = cpu_to_le32(cred->user_ns->ns.inum);
	pid_ns = task_active_pid_ns(task);
	if (pid_ns)
		ns[PROV_NS_PID] = cpu_to_le32(pid_ns->ns.inum);
	record = prov_reserve(PROV_R_PROCESS_ATTR, 0, sizeof(*record), &flags);
	if (record) {
		record->id = cpu_to_le64(id);
		record->cgroup = cpu_to_le64(cgroup);
		memcpy(record->ns, ns, sizeof(record->ns));
		record->pid = cpu_to_le32(task_tgid_nr_ns(task, pid_ns));
		record->reserved = 0;
		prov_commit(flags);
	}
	rcu_read_unlock();
}

static void record_pid(u64 id, struct task_struct *const task,
		       struct pid_namespace *const ns)
{
	struct prov_pid_record *record;
	unsigned long flags;

	record = prov_reserve(PROV_R_PID, 0, sizeof(*record), &flags);
	if (!record)
		return;
	record->id = cpu_to_le64(id);
	record->pid = cpu_to_le32(task_tgid_nr_ns(task, ns));
	record->ns = cpu_to_le32(ns->ns.inum);
	prov_commit(flags);
}

/* The id of a cgroup says nothing when it is gone: its path does. */
static void record_cgroup_path(u64 id, struct task_struct *const task)
{
#ifdef CONFIG_CGROUPS
	char *const path = kmalloc(PATH_MAX, GFP_KERNEL);
	int bytes;

	if (!path) {
		prov_emit_lost();
		return;
	}
	rcu_read_lock();
	bytes = cgroup_path(task_dfl_cgroup(task), path, PATH_MAX);
	rcu_read_unlock();
	/* A longer one is cut, and is no name. */
	if (bytes > 0 && bytes < PATH_MAX - 1)
		prov_record_text(id, PROV_T_CGROUP, path, bytes);
	else
		prov_emit_lost();
	kfree(path);
#endif
}

/**
 * prov_record_forked_attr - what a new process does not have of its parent
 * @id: the process
 * @child: its task, which has not run
 * @clone_flags: how current made it
 */
void prov_record_forked_attr(u64 id, struct task_struct *child, u64 clone_flags)
{
	struct pid_namespace *const pid_ns = task_active_pid_ns(child);

	if (child->nsproxy != current->nsproxy ||
	    pid_ns != task_active_pid_ns(current) ||
	    rcu_dereference_raw(child->real_cred)->user_ns !=
	    current_user_ns() || clone_flags & CLONE_INTO_CGROUP)
		prov_record_process_attr(id, child);
	else if (pid_ns != &init_pid_ns)
		record_pid(id, child, pid_ns);
	if (clone_flags & CLONE_INTO_CGROUP)
		record_cgroup_path(id, child);
}

/**
 * prov_record_groups - supplementary groups of a process from now on
 * @id: the process
 * @groups: the groups
 *
 * Context: May sleep.
 */
void prov_record_groups(u64 id, const struct group_info *groups)
{
	char *const text = kmalloc(PATH_MAX, GFP_KERNEL);
	int bytes, i;

	if (!text) {
		prov_emit_lost();
		return;
	}
	bytes = scnprintf(text, PATH_MAX, "%d:", groups->ngroups);
	/* With room for one more number. */
	for (i = 0; i < groups->ngroups && bytes < PATH_MAX - 12; i++)
		bytes += scnprintf(text + bytes, PATH_MAX - bytes,
				   i ? ",%u" : "%u",
				   from_kgid(&init_user_ns, groups->gid[i]));
	prov_record_text(id, PROV_T_GROUPS, text, bytes);
	kfree(text);
}

/**
 * prov_record_secctx - security context of current from now on
 * @id: its process
 */
void prov_record_secctx(u64 id)
{
	char *text;
	u32 secid, length, bytes;
	int err;

	security_current_getsecid_subj(&secid);
	if (!secid)
		return;
	err = security_secid_to_secctx(secid, &text, &length);
	if (err == -ENOMEM)
		prov_emit_lost();
	if (err)
		return;
	bytes = length;
	if (bytes && !text[bytes - 1])
		bytes--;
	prov_record_text(id, PROV_T_SECCTX, text, min_t(u32, bytes, PATH_MAX));
	security_release_secctx(text, length);
}

static void hook_namespaces_entered(u64 flags)
{
	const struct prov_process *const process = prov_current();

	if (!(flags & NAMESPACES) || process == &prov_nobody)
		return;
	prov_record_process_attr(process->obj.id, current);
}

static void hook_cgroup_moved(struct task_struct *task)
{
	struct prov_process *const mover = prov_current();
	struct prov_process *process;

	rcu_read_lock();
	process = rcu_dereference(prov_task(task)->process);
	if (process == &prov_nobody ||
	    !refcount_inc_not_zero(&process->refs))
		process = NULL;
	rcu_read_unlock();
	if (!process)
		return;
	prov_record_process_attr(process->obj.id, task);
	record_cgroup_path(process->obj.id, task);
	if (prov_is_recorded(mover) && prov_is_recorded(process)) {
		prov_process_describe(mover);
		prov_tell_edge(mover, PROV_R_EDGE_CONTROL, PROV_OP_CGROUP,
			       &mover->obj, &process->obj);
	}
	prov_process_put(process);
}

/* The name of a process is that of its first thread; not that of a child by vfork(). */
static void hook_task_renamed(struct task_struct *task)
{
	const struct prov_process *const process = prov_current();
	char name[TASK_COMM_LEN];

	if (process == &prov_nobody ||
	    (current->vfork_done && atomic_read(&process->tasks) > 1) ||
	    !thread_group_leader(task) || !same_thread_group(task, current))
		return;
	get_task_comm(name, task);
	prov_record_text(process->obj.id, PROV_T_RENAMED, name, strlen(name));
}

/* These two run when the LSM has done it. */
static int hook_setprocattr(const char *name, void *value, size_t size)
{
	const struct prov_process *const process = prov_current();

	if (process != &prov_nobody && !strcmp(name, "current"))
		prov_record_secctx(process->obj.id);
	return 0;
}

static int hook_setselfattr(unsigned int attr, struct lsm_ctx *ctx, u32 size,
			    u32 flags)
{
	const struct prov_process *const process = prov_current();

	if (process != &prov_nobody && attr == LSM_ATTR_CURRENT)
		prov_record_secctx(process->obj.id);
	return 0;
}

/* A file that was written through this descriptor is what it will be. */
static void hook_file_release(struct file *file)
{
	const struct inode *const inode = file_inode(file);
	const struct prov_inode *node;

	if (!(file->f_mode & FMODE_WRITE) || !prov_file(file)->out ||
	    !S_ISREG(prov_inode_type(inode)))
		return;
	node = READ_ONCE(*prov_inode_slot(inode));
	/* Those that stand for no object have none. */
	if (node && node->obj.id)
		prov_record_inode_attr(node->obj.id, inode);
}

static const struct provenance_hook attribute_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(setprocattr, hook_setprocattr),
	PROVENANCE_LSM_HOOK_INIT(setselfattr, hook_setselfattr),
	PROVENANCE_LSM_HOOK_INIT(file_release, hook_file_release),
	PROVENANCE_OWN_HOOK_INIT(namespaces_entered, hook_namespaces_entered),
	PROVENANCE_OWN_HOOK_INIT(cgroup_moved, hook_cgroup_moved),
	PROVENANCE_OWN_HOOK_INIT(task_renamed, hook_task_renamed),
};

void __init prov_attribute_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, attribute_hooks,
			     ARRAY_SIZE(attribute_hooks));
}
