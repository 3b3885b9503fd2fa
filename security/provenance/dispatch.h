/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Linux Provenance Modules: how security.c calls the provenance hooks
 *
 * Only security.c includes this, behind its definitions of LSM_RET_DEFAULT().
 */
#ifndef _SECURITY_PROVENANCE_DISPATCH_H
#define _SECURITY_PROVENANCE_DISPATCH_H

#include "layer.h"

#ifdef CONFIG_SECURITY_PROVENANCE

/*
 * Nothing uses these variables but the dispatch of their hook: a hook that
 * security.c does not dispatch is an error that names it.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wunused-variable"
#define LSM_HOOK(RET, DEFAULT, NAME, ...)				\
	static const bool *provenance_dispatches_##NAME;
#include <linux/lsm_hook_defs.h>
#undef LSM_HOOK

/*
 * Arguments of a hook by number, for the few that the layer itself looks at.
 * The first is a filler, because there are hooks without arguments.
 */
#define __PROVENANCE_ARG1(filler, a, ...)		(a)
#define __PROVENANCE_ARG2(filler, a, b, ...)		(b)
#define __PROVENANCE_ARG3(filler, a, b, c, ...)		(c)
#define __PROVENANCE_ARG4(filler, a, b, c, d, ...)	(d)
#define PROVENANCE_ARG(N, ...)						\
	__PROVENANCE_ARG##N(0, ##__VA_ARGS__, NULL, NULL, NULL, NULL)

#define __PROVENANCE_PICK(HOOK, WHAT, N, ...)				\
	__builtin_choose_expr((int)provenance_subject_##HOOK ==		\
			      (int)PROVENANCE_SUBJECT_##WHAT##N,	\
			      PROVENANCE_ARG(N, ##__VA_ARGS__), NULL)
#define PROVENANCE_SUBJECT_TASK(HOOK, ...)				\
	(__PROVENANCE_PICK(HOOK, TASK, 1, ##__VA_ARGS__) ?:		\
	 __PROVENANCE_PICK(HOOK, TASK, 3, ##__VA_ARGS__))
#define PROVENANCE_SUBJECT_CRED(HOOK, ...)				\
	((__PROVENANCE_PICK(HOOK, CRED, 1, ##__VA_ARGS__) ?:		\
	  __PROVENANCE_PICK(HOOK, CRED, 2, ##__VA_ARGS__)) ?:		\
	 __PROVENANCE_PICK(HOOK, CRED, 4, ##__VA_ARGS__))

/*
 * The caller only wants to know, and asked not to have it audited, or goes on
 * anyway; or it is an RCU walk, and asks again with references.
 */
#define __PROVENANCE_ARG_OF(HOOK, NAME, N, ...)				\
	__builtin_choose_expr((int)PROVENANCE_ID_##HOOK ==		\
			      (int)PROVENANCE_ID_##NAME,		\
			      PROVENANCE_ARG(N, ##__VA_ARGS__), 0)
#define PROVENANCE_IS(HOOK, NAME)					\
	((int)PROVENANCE_ID_##HOOK == (int)PROVENANCE_ID_##NAME)
#define PROVENANCE_PROBE(HOOK, ...)					\
	((__PROVENANCE_ARG_OF(HOOK, capable, 4, ##__VA_ARGS__) &	\
	  CAP_OPT_NOAUDIT) ||						\
	 (__PROVENANCE_ARG_OF(HOOK, ptrace_access_check, 2, ##__VA_ARGS__) & \
	  PTRACE_MODE_NOAUDIT) ||					\
	 (__PROVENANCE_ARG_OF(HOOK, inode_permission, 2, ##__VA_ARGS__) & \
	  (MAY_ACCESS | MAY_NOT_BLOCK | PROVENANCE_MAY_ASK)) ||		\
	 (PROVENANCE_IS(HOOK, inode_follow_link) &&			\
	  __PROVENANCE_ARG_OF(HOOK, inode_follow_link, 3, ##__VA_ARGS__)) || \
	 (PROVENANCE_IS(HOOK, task_kill) &&				\
	  !__PROVENANCE_ARG_OF(HOOK, task_kill, 3, ##__VA_ARGS__)))

/*
 * The object of a hook: of its first four arguments the first dentry, and if
 * there is none the first that is an object at all.
 */
#define __PROVENANCE_TYPES(X, CASE)					\
	CASE(X, struct inode, INODE)					\
	CASE(X, struct dentry, DENTRY)					\
	CASE(X, struct path, PATH)					\
	CASE(X, struct file, FILE)					\
	CASE(X, struct linux_binprm, BPRM)				\
	CASE(X, struct vfsmount, MOUNT)					\
	CASE(X, struct super_block, SB)					\
	CASE(X, struct task_struct, TASK)				\
	CASE(X, struct socket, SOCKET)					\
	CASE(X, struct sock, SOCK)
#define __PROVENANCE_KIND_CASE(X, TYPE, KIND)				\
	TYPE *: PROVENANCE_OBJECT_##KIND,				\
	const TYPE *: PROVENANCE_OBJECT_##KIND,
#define __PROVENANCE_KIND_OF(X)						\
	_Generic((X), __PROVENANCE_TYPES(X, __PROVENANCE_KIND_CASE)	\
		 default: PROVENANCE_OBJECT_NONE)
#define __PROVENANCE_POINTER_CASE(X, TYPE, KIND)			\
	TYPE *: (X),							\
	const TYPE *: (X),
#define __PROVENANCE_POINTER_OF(X)					\
	((const void *)_Generic((X),					\
		__PROVENANCE_TYPES(X, __PROVENANCE_POINTER_CASE)	\
		default: NULL))
#define __PROVENANCE_KIND(N, ...)					\
	__PROVENANCE_KIND_OF(PROVENANCE_ARG(N, ##__VA_ARGS__))
#define __PROVENANCE_POINTER(N, ...)					\
	__PROVENANCE_POINTER_OF(PROVENANCE_ARG(N, ##__VA_ARGS__))
#define __PROVENANCE_IS_DENTRY(N, ...)					\
	((int)__PROVENANCE_KIND(N, ##__VA_ARGS__) ==			\
	 (int)PROVENANCE_OBJECT_DENTRY)
/* Of an argument like 2, the one that is the object; 0 for none. */
#define __PROVENANCE_OBJECT(...)					\
	(__PROVENANCE_IS_DENTRY(1, ##__VA_ARGS__) ? 1 :			\
	 __PROVENANCE_IS_DENTRY(2, ##__VA_ARGS__) ? 2 :			\
	 __PROVENANCE_IS_DENTRY(3, ##__VA_ARGS__) ? 3 :			\
	 __PROVENANCE_IS_DENTRY(4, ##__VA_ARGS__) ? 4 :			\
	 (int)__PROVENANCE_KIND(1, ##__VA_ARGS__) ? 1 :			\
	 (int)__PROVENANCE_KIND(2, ##__VA_ARGS__) ? 2 :			\
	 (int)__PROVENANCE_KIND(3, ##__VA_ARGS__) ? 3 :			\
	 (int)__PROVENANCE_KIND(4, ##__VA_ARGS__) ? 4 : 0)
#define __PROVENANCE_OBJECT_CASES(WHAT, NONE, ...)			\
	(__PROVENANCE_OBJECT(__VA_ARGS__) == 1 ?			\
		WHAT(1, ##__VA_ARGS__) :				\
	 __PROVENANCE_OBJECT(__VA_ARGS__) == 2 ?			\
		WHAT(2, ##__VA_ARGS__) :				\
	 __PROVENANCE_OBJECT(__VA_ARGS__) == 3 ?			\
		WHAT(3, ##__VA_ARGS__) :				\
	 __PROVENANCE_OBJECT(__VA_ARGS__) == 4 ?			\
		WHAT(4, ##__VA_ARGS__) : NONE)
/* What the object of a hook is that is only made then. */
#define PROVENANCE_OBJECT_IS_NEW(HOOK)					\
	(PROVENANCE_IS(HOOK, task_alloc) ||				\
	 PROVENANCE_IS(HOOK, sb_alloc_security) ||			\
	 PROVENANCE_IS(HOOK, inode_alloc_security) ||			\
	 PROVENANCE_IS(HOOK, file_alloc_security) ||			\
	 PROVENANCE_IS(HOOK, sk_alloc_security))
#define PROVENANCE_OBJECT_KIND(HOOK, ...)				\
	(PROVENANCE_IS(HOOK, capable) ?					\
		PROVENANCE_OBJECT_CAPABILITY :				\
	 PROVENANCE_OBJECT_IS_NEW(HOOK) ? PROVENANCE_OBJECT_NONE :	\
	 __PROVENANCE_OBJECT_CASES(__PROVENANCE_KIND,			\
				   PROVENANCE_OBJECT_NONE, ##__VA_ARGS__))
static_assert(PROVENANCE_OBJECT_KIND(sk_clone_security, (struct sock *)NULL) ==
	      PROVENANCE_OBJECT_SOCK);
static_assert(PROVENANCE_OBJECT_KIND(sk_alloc_security, (struct sock *)NULL) ==
	      PROVENANCE_OBJECT_NONE);
#define PROVENANCE_OBJECT(HOOK, ...)					\
	(PROVENANCE_IS(HOOK, capable) ?					\
		(const void *)(long)__PROVENANCE_ARG_OF(HOOK, capable, 3, \
							##__VA_ARGS__) : \
	 __PROVENANCE_OBJECT_CASES(__PROVENANCE_POINTER, NULL,		\
				   ##__VA_ARGS__))

/* Gives @ERROR back, so that the caller need not keep it. */
#define provenance_report(HOOK, ERROR, BY, ...)				\
({									\
	int __provenance_error = (ERROR);				\
									\
	if (static_branch_unlikely(&provenance_reports) &&		\
	    !PROVENANCE_PROBE(HOOK, ##__VA_ARGS__))			\
		__provenance_error =					\
			provenance_refused(				\
				PROVENANCE_WHERE(PROVENANCE_ID_##HOOK,	\
					PROVENANCE_OBJECT_KIND(HOOK,	\
						##__VA_ARGS__), BY),	\
				__provenance_error,			\
				PROVENANCE_SUBJECT_TASK(HOOK,		\
							##__VA_ARGS__),	\
				PROVENANCE_SUBJECT_CRED(HOOK,		\
							##__VA_ARGS__), \
				PROVENANCE_OBJECT(HOOK, ##__VA_ARGS__)); \
	__provenance_error;						\
})

#define __PROVENANCE_CALL_INT(SLOT, HOOK, RC, LABEL, ...)		\
do {									\
	int __provenance_answer =					\
		static_call(PROVENANCE_STATIC_CALL(HOOK, SLOT))(__VA_ARGS__); \
									\
	if (provenance_may_refuse_##HOOK &&				\
	    unlikely(__provenance_answer < 0)) {			\
		RC = provenance_report(HOOK, __provenance_answer,	\
				       PROVENANCE_BY_MODULE(SLOT),	\
				       ##__VA_ARGS__);			\
		goto LABEL;						\
	}								\
} while (0);

/**
 * provenance_int_hook_by - give an allowed operation to the provenance modules
 * @HOOK: name of the LSM hook
 * @RC: the LSMs' answer
 * @SLOT: of the LSM whose answer it is, or -1
 *
 * Followed by the arguments of the hook.  The compiler sees that most hooks
 * only come here with 0, so that one patched-out branch is all that is left on
 * the way of an allowed operation.
 *
 * Return: @RC, or the errno of the first module that refused.
 */
#define provenance_int_hook_by(HOOK, RC, SLOT, ...)			\
({									\
	__label__ __provenance_out;					\
	int __provenance_rc = (RC);					\
									\
	(void)provenance_dispatches_##HOOK;				\
	if (provenance_is_refusal((int)provenance_verdict_##HOOK,	\
				  __provenance_rc,			\
				  LSM_RET_DEFAULT(HOOK))) {		\
		if ((int)provenance_context_##HOOK !=			\
		    (int)PROVENANCE_CONTEXT_RCU_WALK ||			\
		    __provenance_rc != -ECHILD)				\
			__provenance_rc =				\
				provenance_report(HOOK, __provenance_rc, SLOT, \
						  ##__VA_ARGS__);	\
	} else if (static_branch_unlikely(&provenance_active_##HOOK)) {	\
		UNROLL(PROVENANCE_SLOTS, __PROVENANCE_CALL_INT, HOOK,	\
		       __provenance_rc, __provenance_out,		\
		       ##__VA_ARGS__)					\
	}								\
__provenance_out: __maybe_unused;					\
	__provenance_rc;						\
})

/* Where it is not known which LSM answered. */
#define provenance_int_hook(HOOK, RC, ...)				\
	provenance_int_hook_by(HOOK, RC, -1, ##__VA_ARGS__)

#define __PROVENANCE_CALL_VOID(SLOT, HOOK, ...)				\
	static_call_cond(PROVENANCE_STATIC_CALL(HOOK, SLOT))(__VA_ARGS__);

/**
 * provenance_void_hook - give an operation to the provenance modules
 * @HOOK: name of the LSM hook
 *
 * Followed by the arguments of the hook.
 */
#define provenance_void_hook(HOOK, ...)					\
do {									\
	(void)provenance_dispatches_##HOOK;				\
	if (static_branch_unlikely(&provenance_active_##HOOK)) {	\
		UNROLL(PROVENANCE_SLOTS, __PROVENANCE_CALL_VOID, HOOK,	\
		       ##__VA_ARGS__)					\
	}								\
} while (0)

#else /* CONFIG_SECURITY_PROVENANCE */

#define provenance_int_hook(HOOK, RC, ...)	(RC)
#define provenance_int_hook_by(HOOK, RC, SLOT, ...)	((void)(SLOT), (RC))
#define provenance_void_hook(HOOK, ...)		do { } while (0)

#endif /* CONFIG_SECURITY_PROVENANCE */

#endif /* _SECURITY_PROVENANCE_DISPATCH_H */
