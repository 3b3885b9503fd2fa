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

/* The caller only wants to know, and asked not to have it audited. */
#define __PROVENANCE_ARG_OF(HOOK, NAME, N, ...)				\
	__builtin_choose_expr((int)PROVENANCE_ID_##HOOK ==		\
			      (int)PROVENANCE_ID_##NAME,		\
			      PROVENANCE_ARG(N, ##__VA_ARGS__), 0)
#define PROVENANCE_PROBE(HOOK, ...)					\
	((__PROVENANCE_ARG_OF(HOOK, capable, 4, ##__VA_ARGS__) &	\
	  CAP_OPT_NOAUDIT) ||						\
	 (__PROVENANCE_ARG_OF(HOOK, ptrace_access_check, 2, ##__VA_ARGS__) & \
	  PTRACE_MODE_NOAUDIT))

/* Gives @ERROR back, so that the caller need not keep it. */
#define provenance_report(HOOK, ERROR, BY, ...)				\
({									\
	int __provenance_error = (ERROR);				\
									\
	if (static_branch_unlikely(&provenance_reports) &&		\
	    !PROVENANCE_PROBE(HOOK, ##__VA_ARGS__))			\
		__provenance_error =					\
			provenance_refused(PROVENANCE_ID_##HOOK,	\
				__provenance_error, BY,			\
				PROVENANCE_SUBJECT_TASK(HOOK,		\
							##__VA_ARGS__),	\
				PROVENANCE_SUBJECT_CRED(HOOK,		\
							##__VA_ARGS__)); \
	__provenance_error;						\
})

#define __PROVENANCE_CALL_INT(SLOT, HOOK, RC, LABEL, ...)		\
do {									\
	int __provenance_answer =					\
		static_call(PROVENANCE_STATIC_CALL(HOOK, SLOT))(__VA_ARGS__); \
									\
	if (provenance_may_refuse_##HOOK &&				\
	    unlikely(__provenance_answer < 0)) {			\
		RC = provenance_report(HOOK, __provenance_answer, SLOT,	\
				       ##__VA_ARGS__);			\
		goto LABEL;						\
	}								\
} while (0);

/**
 * provenance_int_hook - give an allowed operation to the provenance modules
 * @HOOK: name of the LSM hook
 * @RC: the LSMs' answer
 *
 * Followed by the arguments of the hook.  The compiler sees that most hooks
 * only come here with 0, so that one patched-out branch is all that is left on
 * the way of an allowed operation.
 *
 * Return: @RC, or the errno of the first module that refused.
 */
#define provenance_int_hook(HOOK, RC, ...)				\
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
				provenance_report(HOOK, __provenance_rc, \
						  PROVENANCE_BY_LSM,	\
						  ##__VA_ARGS__);	\
	} else if (static_branch_unlikely(&provenance_active_##HOOK)) {	\
		UNROLL(PROVENANCE_SLOTS, __PROVENANCE_CALL_INT, HOOK,	\
		       __provenance_rc, __provenance_out,		\
		       ##__VA_ARGS__)					\
	}								\
__provenance_out: __maybe_unused;					\
	__provenance_rc;						\
})

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
#define provenance_void_hook(HOOK, ...)		do { } while (0)

#endif /* CONFIG_SECURITY_PROVENANCE */

#endif /* _SECURITY_PROVENANCE_DISPATCH_H */
