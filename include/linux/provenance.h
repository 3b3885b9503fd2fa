/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Linux Provenance Modules: the interface for provenance modules
 *
 * A provenance module sees every operation that the Linux Security Modules
 * allowed, at every LSM hook, and with hooks of the layer's own what came of
 * it.  Where the table in security/provenance/lsm_rows.h says so, it may refuse
 * an operation.
 */
#ifndef _LINUX_PROVENANCE_H
#define _LINUX_PROVENANCE_H

#include <linux/init.h>
#include <linux/lsm_hooks.h>
#include <linux/provenance_hooks.h>

/*
 * Number of a hook: PROVENANCE_ID_NAME for each LSM hook and then for each hook of the layer's
 * own.  Depends on the configuration; no ABI.
 */
enum provenance_hook_id {
#define LSM_HOOK(RET, DEFAULT, NAME, ...) PROVENANCE_ID_##NAME,
#include <linux/lsm_hook_defs.h>
#undef LSM_HOOK
	PROVENANCE_LSM_HOOKS,
	__PROVENANCE_OWN_BEFORE = PROVENANCE_LSM_HOOKS - 1,
#define PROVENANCE_HOOK(RET, NAME, ...) PROVENANCE_ID_##NAME,
#include <linux/provenance_hook_defs.h>
#undef PROVENANCE_HOOK
	PROVENANCE_HOOKS,
};

union provenance_own_hook {
#define PROVENANCE_HOOK(RET, NAME, CONTEXT, PROTOTYPE, ARGUMENTS)	\
	RET (*NAME) PROTOTYPE;
#include <linux/provenance_hook_defs.h>
#undef PROVENANCE_HOOK
};

/**
 * struct provenance_hook - a function of a module for one hook
 * @id: the hook
 * @lsm: the function, of the type of the LSM hook, or
 * @own: of the type of the layer's own hook
 * @function: either, whatever its type
 *
 * A function for an LSM hook runs in the same context and with the same locks
 * as the LSMs' functions.  It must not write through its arguments.  If it
 * returns a negative errno where the table allows a refusal, the operation
 * fails with it and modules behind it are not asked, but told of the refusal;
 * any other return value is ignored.
 */
struct provenance_hook {
	enum provenance_hook_id id;
	union {
		union security_list_options lsm;
		union provenance_own_hook own;
		void *function;
	};
};

#define PROVENANCE_LSM_HOOK_INIT(NAME, HOOK)				\
	{ .id = PROVENANCE_ID_##NAME, .lsm = { .NAME = HOOK } }
#define PROVENANCE_OWN_HOOK_INIT(NAME, HOOK)				\
	{ .id = PROVENANCE_ID_##NAME, .own = { .NAME = HOOK } }

/**
 * enum provenance_object_kind - of what type the object of a refusal is
 * @PROVENANCE_OBJECT_NONE: the hook does not say
 * @PROVENANCE_OBJECT_INODE: struct inode
 * @PROVENANCE_OBJECT_DENTRY: struct dentry; negative if something was to be made
 * @PROVENANCE_OBJECT_PATH: struct path
 * @PROVENANCE_OBJECT_FILE: struct file
 * @PROVENANCE_OBJECT_BPRM: struct linux_binprm
 * @PROVENANCE_OBJECT_MOUNT: struct vfsmount
 * @PROVENANCE_OBJECT_SB: struct super_block
 * @PROVENANCE_OBJECT_TASK: struct task_struct
 * @PROVENANCE_OBJECT_SOCKET: struct socket
 * @PROVENANCE_OBJECT_SOCK: struct sock
 * @PROVENANCE_OBJECT_CAPABILITY: no pointer, but the number of the capability
 */
enum provenance_object_kind {
	PROVENANCE_OBJECT_NONE,
	PROVENANCE_OBJECT_INODE,
	PROVENANCE_OBJECT_DENTRY,
	PROVENANCE_OBJECT_PATH,
	PROVENANCE_OBJECT_FILE,
	PROVENANCE_OBJECT_BPRM,
	PROVENANCE_OBJECT_MOUNT,
	PROVENANCE_OBJECT_SB,
	PROVENANCE_OBJECT_TASK,
	PROVENANCE_OBJECT_SOCKET,
	PROVENANCE_OBJECT_SOCK,
	PROVENANCE_OBJECT_CAPABILITY,
};

/**
 * struct provenance_refusal - an operation that was not allowed
 * @hook: where it was refused
 * @error: the answer, an errno
 * @by: name of the provenance module that refused it, or NULL for an LSM
 * @lsm: name of the LSM that refused it; NULL for a provenance module, and at
 *	the few hooks where it is not known
 * @task: who tried, if it is a task, or NULL
 * @cred: who tried, if only credentials are known, or NULL
 * @kind: what @object is
 * @may_sleep: the hook may
 * @object: what it was tried on, the first of the hook's arguments that is one,
 *	a dentry before all others
 */
struct provenance_refusal {
	enum provenance_hook_id hook;
	int error;
	const char *by;
	const char *lsm;
	const struct task_struct *task;
	const struct cred *cred;
	enum provenance_object_kind kind;
	bool may_sleep;
	const void *object;
};

/**
 * struct provenance_module - a provenance module
 * @name: what it is called on the command line and in securityfs
 * @init: called once at the end of security_init(), with one CPU and before
 *	there are files; adds the hooks.  An error leaves the module out
 * @blobs: in: bytes that it needs on objects; out: where they begin
 * @refused: told of each refusal, in any context but NMI
 *
 * All of it is set before init returns and is not changed again.
 */
struct provenance_module {
	const char *name;
	int (*init)(void);
	struct lsm_blob_sizes *blobs;
	void (*refused)(const struct provenance_refusal *refusal);
};

/**
 * DEFINE_PROVENANCE_MODULE - declare a provenance module to the layer
 * @ident: identifier; followed by an initialiser
 */
#define DEFINE_PROVENANCE_MODULE(ident)					\
	static struct provenance_module __provenance_module_##ident	\
		__used __section(".provenance_info.init")		\
		__aligned(sizeof(unsigned long))

void provenance_add_hooks(const char *module,
			  const struct provenance_hook *hooks, size_t count);
const char *provenance_hook_name(enum provenance_hook_id id);

extern const struct provenance_module __start_provenance_info[];
extern const struct provenance_module __end_provenance_info[];

#endif /* _LINUX_PROVENANCE_H */
