/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Linux Provenance Modules: how the kernel calls the hooks of the layer's own
 *
 * For each PROVENANCE_HOOK(NAME, …) of provenance_hook_defs.h there is a
 * function provenance_NAME().  While no module uses it, it is a patched-out
 * branch.
 */
#ifndef _LINUX_PROVENANCE_HOOKS_H
#define _LINUX_PROVENANCE_HOOKS_H

#include <linux/jump_label.h>
#include <linux/static_call.h>
#include <linux/types.h>

struct cred;
struct dentry;
struct file;
struct inode;
struct linux_binprm;
struct msghdr;
struct qstr;
struct socket;
struct task_struct;

#ifdef CONFIG_SECURITY_PROVENANCE

#define __PROVENANCE_CALL_void(CALL)	CALL
#define __PROVENANCE_CALL_int(CALL)	return CALL
#define __PROVENANCE_REST_void
#define __PROVENANCE_REST_int		return ret;

#define PROVENANCE_HOOK(RET, NAME, CONTEXT, PROTOTYPE, ARGUMENTS)	\
	DECLARE_STATIC_KEY_FALSE(provenance_active_##NAME);		\
	RET provenance_all_##NAME PROTOTYPE;				\
	DECLARE_STATIC_CALL(provenance_call_##NAME,			\
			    provenance_all_##NAME);			\
	static __always_inline RET provenance_##NAME PROTOTYPE		\
	{								\
		if (static_branch_unlikely(&provenance_active_##NAME))	\
			__PROVENANCE_CALL_##RET(			\
			static_call(provenance_call_##NAME) ARGUMENTS);	\
		__PROVENANCE_REST_##RET					\
	}
#include <linux/provenance_hook_defs.h>
#undef PROVENANCE_HOOK

#else /* CONFIG_SECURITY_PROVENANCE */

#define __PROVENANCE_REST_void
#define __PROVENANCE_REST_int	return ret;

#define PROVENANCE_HOOK(RET, NAME, CONTEXT, PROTOTYPE, ARGUMENTS)	\
	static inline RET provenance_##NAME PROTOTYPE			\
	{								\
		__PROVENANCE_REST_##RET					\
	}
#include <linux/provenance_hook_defs.h>
#undef PROVENANCE_HOOK

#endif /* CONFIG_SECURITY_PROVENANCE */

#endif /* _LINUX_PROVENANCE_HOOKS_H */
