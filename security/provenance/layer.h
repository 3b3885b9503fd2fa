/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Linux Provenance Modules: the table of hooks, inside of the layer
 */
#ifndef _SECURITY_PROVENANCE_LAYER_H
#define _SECURITY_PROVENANCE_LAYER_H

#include <linux/args.h>
#include <linux/provenance.h>

#ifdef CONFIG_SECURITY_PROVENANCE

/* As many modules can be active as are built in, and there is one slot for each. */
#if IS_ENABLED(CONFIG_SECURITY_PROVMON)
#define PROVENANCE_WITH_PROVMON 1,
#else
#define PROVENANCE_WITH_PROVMON
#endif
#if IS_ENABLED(CONFIG_SECURITY_PROVENANCE_TEST)
#define PROVENANCE_WITH_TEST 1,
#else
#define PROVENANCE_WITH_TEST
#endif
/* COUNT_ARGS() also counts the empty argument behind the last comma. */
#define __PROVENANCE_COUNT(first, args...) COUNT_ARGS(args)
#define PROVENANCE_COUNT(args...) __PROVENANCE_COUNT(args)
#define PROVENANCE_SLOTS						\
	PROVENANCE_COUNT(PROVENANCE_WITH_PROVMON PROVENANCE_WITH_TEST)

enum provenance_verdict {
	PROVENANCE_VERDICT_VOID,
	PROVENANCE_VERDICT_PERMIT,
	PROVENANCE_VERDICT_SKIP,
	PROVENANCE_VERDICT_ANSWER,
};

enum provenance_may_refuse {
	PROVENANCE_REFUSE_NO,
	PROVENANCE_REFUSE_YES,
};

enum provenance_context {
	PROVENANCE_CONTEXT_SLEEP,
	PROVENANCE_CONTEXT_ATOMIC,
	PROVENANCE_CONTEXT_RCU_WALK,
	PROVENANCE_CONTEXT_SOFTIRQ,
	PROVENANCE_CONTEXT_HARDIRQ,
};

enum provenance_subject {
	PROVENANCE_SUBJECT_NONE,
	PROVENANCE_SUBJECT_CURRENT,
	PROVENANCE_SUBJECT_TASK1,
	PROVENANCE_SUBJECT_TASK3,
	PROVENANCE_SUBJECT_CRED1,
	PROVENANCE_SUBJECT_CRED2,
	PROVENANCE_SUBJECT_CRED4,
};

#define PROVENANCE_ROW(NAME, VERDICT, REFUSE, CONTEXT, SUBJECT)		\
	enum {								\
		provenance_verdict_##NAME = PROVENANCE_VERDICT_##VERDICT, \
		provenance_may_refuse_##NAME = PROVENANCE_REFUSE_##REFUSE, \
		provenance_context_##NAME = PROVENANCE_CONTEXT_##CONTEXT, \
		provenance_subject_##NAME = PROVENANCE_SUBJECT_##SUBJECT, \
	};
#include "lsm_rows.h"
#undef PROVENANCE_ROW

/**
 * provenance_is_refusal - does the LSMs' answer refuse the operation?
 * @verdict: what answers mean at this hook
 * @rc: the answer
 * @neutral: default of the hook
 */
static __always_inline bool
provenance_is_refusal(enum provenance_verdict verdict, int rc, int neutral)
{
	switch (verdict) {
	case PROVENANCE_VERDICT_PERMIT:
		return rc != 0;
	case PROVENANCE_VERDICT_SKIP:
		return rc < 0 && rc != neutral;
	default:
		return false;
	}
}

#define PROVENANCE_STATIC_CALL(HOOK, SLOT) provenance_call_##HOOK##_##SLOT

/* The keys are in read-only memory once the kernel runs. */
#define __PROVENANCE_DECLARE(SLOT, RET, NAME, ...)			\
	DECLARE_STATIC_CALL(PROVENANCE_STATIC_CALL(NAME, SLOT),		\
			    *((RET(*)(__VA_ARGS__))NULL));
#define LSM_HOOK(RET, DEFAULT, NAME, ...)				\
	extern struct static_key_false provenance_active_##NAME;	\
	UNROLL(PROVENANCE_SLOTS, __PROVENANCE_DECLARE, RET, NAME,	\
	       __VA_ARGS__)
#include <linux/lsm_hook_defs.h>
#undef LSM_HOOK

DECLARE_STATIC_KEY_FALSE(provenance_reports);

/* Who refused: a module by its slot, an LSM by its slot at the hook, or -1. */
#define PROVENANCE_BY_MODULE(SLOT)	(0x40 | (SLOT))

/*
 * The number of the hook, the kind of the object and who refused, in one
 * register: with more arguments than it has registers for, provenance_refused()
 * would cost the allowed way an aligned stack.
 */
#define PROVENANCE_WHERE(ID, KIND, BY)					\
	((ID) | (KIND) << 16 | (u32)(BY) << 24)

int provenance_refused(u32 where, int error, const struct task_struct *task,
		       const struct cred *cred, const void *object);

struct seq_file;
void provenance_show_modules(struct seq_file *seq);
void provenance_show_hook(struct seq_file *seq, unsigned int id);

void provenance_prepare(void (*set_blob_sizes)(struct lsm_blob_sizes *needed));
void provenance_init(void);

#else /* CONFIG_SECURITY_PROVENANCE */

static inline void
provenance_prepare(void (*set_blob_sizes)(struct lsm_blob_sizes *needed)) { }
static inline void provenance_init(void) { }

#endif /* CONFIG_SECURITY_PROVENANCE */

#endif /* _SECURITY_PROVENANCE_LAYER_H */
