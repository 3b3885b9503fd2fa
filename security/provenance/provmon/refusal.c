// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: operations that were refused
 *
 * What LSMs and provenance modules refuse the layer reports.  What is refused
 * before they are asked, by owner and mode, comes through hooks of the layer's
 * own.  Questions are no attempts: access(2), signal 0, checks that asked not to
 * be audited.  A walk without references that is refused asks again with them,
 * and only then is it recorded.
 *
 * The same refusal of the same version of a process is recorded once.
 */
#include <linux/binfmts.h>
#include <linux/capability.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/net.h>
#include <linux/path.h>
#include <linux/ptrace.h>

#include "channel.h"
#include "name.h"
#include "object.h"
#include "process.h"
#include "record.h"
#include "refusal.h"
#include "told.h"

/**
 * struct attempt - what was refused
 * @hook: number of the hook
 * @name: its name
 * @layer: who refused it
 * @by: name of the LSM or module, or ""
 * @error: errno, positive
 * @detail: as in struct prov_refusal_record
 * @object: on what, or NULL
 * @made: last component of what was to be made, or NULL
 */
struct attempt {
	enum provenance_hook_id hook;
	const char *name;
	enum prov_layer layer;
	const char *by;
	int error;
	u32 detail;
	const struct prov_object *object;
	const struct qstr *made;
};

/* For struct prov_told: unlike any enum prov_op. */
static u32 told_what(const struct attempt *const attempt)
{
	return 1U << 23 | attempt->hook << 8 | (attempt->detail & 0xff);
}

static u8 *put_text(u8 *at, const char *text, size_t bytes)
{
	memcpy(at, text, bytes);
	at[bytes] = '\0';
	return at + bytes + 1;
}

static bool record_refusal(const struct prov_process *const process,
			   u32 version, const struct attempt *const attempt)
{
	const size_t name_bytes = strlen(attempt->name);
	const size_t by_bytes = strlen(attempt->by);
	const size_t made_bytes = attempt->made ? attempt->made->len + 1 : 0;
	const size_t bytes = name_bytes + 1 + by_bytes + 1 + made_bytes;
	struct prov_refusal_record *record;
	unsigned long flags;
	u8 *at;

	record = prov_reserve(PROV_R_REFUSAL, attempt->layer,
			      sizeof(*record) + ALIGN(bytes, 8), &flags);
	if (!record)
		return false;
	record->id = cpu_to_le64(process->obj.id);
	record->version = cpu_to_le32(version);
	record->object = 0;
	record->object_version = 0;
	if (attempt->object) {
		record->object = cpu_to_le64(attempt->object->id);
		record->object_version =
			cpu_to_le32(READ_ONCE(attempt->object->version));
	}
	record->error = cpu_to_le32(attempt->error);
	record->detail = cpu_to_le32(attempt->detail);
	at = put_text(record->text, attempt->name, name_bytes);
	at = put_text(at, attempt->by, by_bytes);
	if (attempt->made)
		at = put_text(at, attempt->made->name, attempt->made->len);
	memset(at, 0, record->text + ALIGN(bytes, 8) - at);
	prov_commit(flags);
	return true;
}

static void refuse(struct prov_process *const process,
		   const struct attempt *const attempt)
{
	const u64 object = attempt->object ? attempt->object->id : 0;
	const u32 what = told_what(attempt);
	u32 version, state;

	/* As prov_tell_edge(). */
	prov_pull(&process->obj);
	state = READ_ONCE(process->obj.influences);
	version = prov_close_version(&process->obj);
	state += version;
	if (prov_is_told(process, object, what, state))
		return;
	if (record_refusal(process, version, attempt))
		prov_tell(process, object, what, state);
}

/* Return: the node of an inode, or NULL if nothing flows through it. */
static const struct prov_object *
inode_object(struct inode *const inode, const struct path *const path,
	     bool may_sleep)
{
	struct prov_inode *node;

	if (!inode)
		return NULL;
	node = prov_inode_get_gfp(inode, may_sleep ? GFP_NOFS : GFP_ATOMIC);
	if (!node || node == &prov_nothing)
		return NULL;
	if (may_sleep)
		prov_record_alias(node, inode, path);
	return &node->obj;
}

/* Under RCU, until the refusal is recorded: the task can execute a program. */
static const struct prov_object *task_object(const struct task_struct *task)
{
	const struct prov_process *const process =
		rcu_dereference(prov_task(task)->process);

	return process == &prov_nobody ? NULL : &process->obj;
}

static const struct prov_object *sock_object(struct sock *const sk)
{
	const struct prov_socket *const node =
		sk ? prov_socket_get(sk, GFP_ATOMIC) : NULL;

	return node ? &node->obj : NULL;
}

static const struct prov_object *file_object(struct file *const file,
					     bool may_sleep)
{
	const struct socket *const sock = sock_from_file(file);

	if (sock)
		return sock_object(sock->sk);
	return inode_object(file_inode(file), &file->f_path, may_sleep);
}

/*
 * What is refused is an inode that is there, or to make one in a directory, whose
 * entries do not change meanwhile.
 */
static const struct prov_object *dentry_object(const struct dentry *dentry,
					       bool may_sleep,
					       const struct qstr **const made)
{
	if (d_really_is_negative(dentry)) {
		*made = &dentry->d_name;
		dentry = dentry->d_parent;
	}
	return inode_object(d_inode(dentry), NULL, may_sleep);
}

static const struct prov_object *
find_object(const struct provenance_refusal *const refusal,
	    const struct qstr **const made)
{
	const bool may_sleep = refusal->may_sleep;
	/* Nodes are made on objects that hooks take as const. */
	void *const object = (void *)refusal->object;
	const struct path *path;

	if (!object)
		return NULL;
	switch (refusal->kind) {
	case PROVENANCE_OBJECT_INODE:
		return inode_object(object, NULL, may_sleep);
	case PROVENANCE_OBJECT_DENTRY:
		return dentry_object(object, may_sleep, made);
	case PROVENANCE_OBJECT_PATH:
		path = object;
		return inode_object(d_inode(path->dentry), path, may_sleep);
	case PROVENANCE_OBJECT_FILE:
		return file_object(object, may_sleep);
	case PROVENANCE_OBJECT_BPRM:
		return file_object(((struct linux_binprm *)object)->file,
				   may_sleep);
	case PROVENANCE_OBJECT_MOUNT:
		return inode_object(d_inode(((struct vfsmount *)object)->mnt_root),
				    NULL, may_sleep);
	case PROVENANCE_OBJECT_SB:
		if (!((struct super_block *)object)->s_root)
			return NULL;
		return inode_object(d_inode(((struct super_block *)object)->s_root),
				    NULL, may_sleep);
	case PROVENANCE_OBJECT_TASK:
		return task_object(object);
	case PROVENANCE_OBJECT_SOCKET:
		return sock_object(((struct socket *)object)->sk);
	case PROVENANCE_OBJECT_SOCK:
		return sock_object(object);
	case PROVENANCE_OBJECT_NONE:
	case PROVENANCE_OBJECT_CAPABILITY:
		break;
	}
	return NULL;
}

/*
 * Capabilities that override what owner and mode say: what is refused for want
 * of them is recorded as refused by those.  Without CAP_FSETID a set-id bit is
 * dropped, and nothing is refused.
 */
static bool is_discretionary(u32 capability)
{
	return capability == CAP_DAC_OVERRIDE ||
	       capability == CAP_DAC_READ_SEARCH || capability == CAP_FSETID ||
	       capability == CAP_KILL;
}

/*
 * An LSM that has no memory, or does not know what is asked for, refuses nothing:
 * what follows would have failed as well.
 */
static bool is_failure(int error)
{
	switch (error) {
	case -EINVAL:
	case -ENOMEM:
	case -EOPNOTSUPP:
	case -ENOSYS:
	case -EAGAIN:
	case -ERANGE:
		return true;
	default:
		return false;
	}
}

static void refuse_on_object(struct prov_process *const process,
			     const struct provenance_refusal *const refusal,
			     struct attempt *const attempt)
{
	attempt->object = find_object(refusal, &attempt->made);
	/* Whose tracer may not trace it: the object is who asked. */
	if (refusal->task && refusal->task == refusal->object)
		attempt->object = task_object(current);
	refuse(process, attempt);
}

/**
 * prov_refused - record what an LSM or a provenance module refused
 * @refusal: what it was
 *
 * Context: Any but NMI.
 */
void prov_refused(const struct provenance_refusal *refusal)
{
	struct prov_process *process;
	struct attempt attempt;

	/* Of a packet that comes in, nobody here tried anything. */
	if (!in_task() || (!refusal->by && is_failure(refusal->error)))
		return;
	attempt = (struct attempt){
		.hook = refusal->hook,
		.name = provenance_hook_name(refusal->hook),
		.layer = PROV_LAYER_LSM,
		.by = refusal->by ?: refusal->lsm ?: "",
		.error = refusal->error < 0 ? -refusal->error : EPERM,
	};
	if (refusal->by)
		attempt.layer = PROV_LAYER_MODULE;
	else if (!strcmp(attempt.by, "capability"))
		attempt.layer = PROV_LAYER_CAPABILITY;
	if (refusal->kind == PROVENANCE_OBJECT_CAPABILITY)
		attempt.detail = (unsigned long)refusal->object;
	if (refusal->hook == PROVENANCE_ID_capable &&
	    attempt.layer == PROV_LAYER_CAPABILITY &&
	    is_discretionary(attempt.detail))
		return;
	rcu_read_lock();
	process = refusal->task ?
		  rcu_dereference(prov_task(refusal->task)->process) :
		  prov_current();
	if (!prov_is_recorded(process) ||
	    !refcount_inc_not_zero(&process->refs))
		process = NULL;
	rcu_read_unlock();
	if (!process)
		return;
	if (process == prov_current())
		prov_process_describe(process);
	/* Objects of other kinds are kept by who calls, and finding one can sleep. */
	if (refusal->kind == PROVENANCE_OBJECT_TASK) {
		rcu_read_lock();
		refuse_on_object(process, refusal, &attempt);
		rcu_read_unlock();
	} else {
		refuse_on_object(process, refusal, &attempt);
	}
	prov_process_put(process);
}

/* By discretionary access control. */
static void refused_by_dac(enum provenance_hook_id hook, int error, u32 detail,
			   const struct prov_object *const object)
{
	struct prov_process *const process = prov_current();
	const struct attempt attempt = {
		.hook = hook,
		.name = provenance_hook_name(hook),
		.layer = PROV_LAYER_DAC,
		.by = "",
		.error = -error,
		.detail = detail,
		.object = object,
	};

	prov_process_describe(process);
	refuse(process, &attempt);
}

/* Is it an answer that concerns us?  A file system can fail for other reasons. */
static bool is_refusal(int error)
{
	return (error == -EACCES || error == -EPERM) && in_task() &&
	       prov_is_recorded(prov_current());
}

static int hook_inode_refused(struct inode *inode, int mask, int ret)
{
	if (!(mask & (MAY_NOT_BLOCK | MAY_ACCESS | PROVENANCE_MAY_ASK)) &&
	    is_refusal(ret))
		refused_by_dac(PROVENANCE_ID_inode_permission, ret,
			       mask & (MAY_READ | MAY_WRITE | MAY_EXEC),
			       inode_object(inode, NULL, true));
	return ret;
}

static int hook_delete_refused(struct dentry *dentry, int ret)
{
	if (is_refusal(ret))
		refused_by_dac(PROVENANCE_ID_inode_unlink, ret, 0,
			       inode_object(d_inode(dentry), NULL, true));
	return ret;
}

static int hook_setattr_refused(struct dentry *dentry, int ret)
{
	if (is_refusal(ret))
		refused_by_dac(PROVENANCE_ID_inode_setattr, ret, 0,
			       inode_object(d_inode(dentry), NULL, true));
	return ret;
}

static int hook_ptrace_refused(struct task_struct *task, unsigned int mode,
			       int ret)
{
	rcu_read_lock();
	if (!(mode & PTRACE_MODE_NOAUDIT) && is_refusal(ret))
		refused_by_dac(PROVENANCE_ID_ptrace_access_check, ret, 0,
			       task_object(task));
	rcu_read_unlock();
	return ret;
}

static int hook_kill_refused(struct task_struct *task, int sig, int ret)
{
	rcu_read_lock();
	if (sig && is_refusal(ret))
		refused_by_dac(PROVENANCE_ID_task_kill, ret, sig,
			       task_object(task));
	rcu_read_unlock();
	return ret;
}

static const struct provenance_hook refusal_hooks[] = {
	PROVENANCE_OWN_HOOK_INIT(inode_refused, hook_inode_refused),
	PROVENANCE_OWN_HOOK_INIT(delete_refused, hook_delete_refused),
	PROVENANCE_OWN_HOOK_INIT(setattr_refused, hook_setattr_refused),
	PROVENANCE_OWN_HOOK_INIT(ptrace_refused, hook_ptrace_refused),
	PROVENANCE_OWN_HOOK_INIT(kill_refused, hook_kill_refused),
};

void __init prov_refusal_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, refusal_hooks,
			     ARRAY_SIZE(refusal_hooks));
}
