// SPDX-License-Identifier: GPL-2.0
/*
 * Linux Provenance Modules: the table of hooks and who uses them
 *
 * Everything here is written while there is one CPU, in security_init(), and
 * read-only from then on.
 */
#define pr_fmt(fmt) "provenance: " fmt

#include <linux/cred.h>
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "layer.h"

#define DEFINE_FOR_int DEFINE_STATIC_CALL_RET0
#define DEFINE_FOR_void DEFINE_STATIC_CALL_NULL
#define DEFINE_SLOT(SLOT, RET, NAME, ...)				\
	DEFINE_FOR_##RET(PROVENANCE_STATIC_CALL(NAME, SLOT),		\
			 *((RET(*)(__VA_ARGS__))NULL));
#define LSM_HOOK(RET, DEFAULT, NAME, ...)				\
	DEFINE_STATIC_KEY_FALSE_RO(provenance_active_##NAME);		\
	UNROLL(PROVENANCE_SLOTS, DEFINE_SLOT, RET, NAME, __VA_ARGS__)
#include <linux/lsm_hook_defs.h>
#undef LSM_HOOK

DEFINE_STATIC_KEY_FALSE_RO(provenance_reports);

/* Functions for the layer's own hooks, by slot. */
#define OWN_HOOKS (PROVENANCE_HOOKS - PROVENANCE_LSM_HOOKS)
static union provenance_own_hook
	own_functions[OWN_HOOKS][PROVENANCE_SLOTS] __ro_after_init;

/*
 * One module is called directly; several are called from here.  The kernel's
 * modules can call these hooks too, so keys and calls are exported.
 */
#define RETURN_void
#define RETURN_int return ret;
#define PROVENANCE_HOOK(RET, NAME, CONTEXT, PROTOTYPE, ARGUMENTS)	\
	RET provenance_all_##NAME PROTOTYPE				\
	{								\
		const union provenance_own_hook *const functions =	\
			own_functions[PROVENANCE_ID_##NAME -		\
				      PROVENANCE_LSM_HOOKS];		\
		unsigned int i;						\
									\
		for (i = 0; i < PROVENANCE_SLOTS; i++)			\
			if (functions[i].NAME)				\
				functions[i].NAME ARGUMENTS;		\
		RETURN_##RET						\
	}								\
	DEFINE_STATIC_KEY_FALSE_RO(provenance_active_##NAME);		\
	EXPORT_SYMBOL_GPL(provenance_active_##NAME);			\
	DEFINE_STATIC_CALL(provenance_call_##NAME,			\
			   provenance_all_##NAME);			\
	EXPORT_STATIC_CALL_TRAMP_GPL(provenance_call_##NAME);
#include <linux/provenance_hook_defs.h>
#undef PROVENANCE_HOOK

/**
 * struct slot - how to set a static call
 * @key: the call
 * @trampoline: for architectures that need one
 */
struct slot {
	struct static_call_key *key;
	void *trampoline;
};

/**
 * struct row - what there is to know of a hook
 * @name: its name
 * @active: on if a module uses it
 * @slots: the calls, one for each slot; of own hooks only the first is used
 * @lsms: the LSMs' calls, by their slots; NULL for own hooks
 * @all: own hooks: the function that calls the modules in turn
 * @users: bit for each slot with a module that uses the hook
 * @verdict: enum provenance_verdict
 * @may_refuse: enum provenance_may_refuse
 * @context: enum provenance_context
 * @subject: enum provenance_subject
 */
struct row {
	const char *name;
	struct static_key *active;
	struct slot slots[PROVENANCE_SLOTS ?: 1];
	const struct lsm_static_call *lsms;
	void *all;
	unsigned int users;
	u8 verdict;
	u8 may_refuse;
	u8 context;
	u8 subject;
};

#ifdef CONFIG_HAVE_STATIC_CALL
#define TRAMPOLINE(CALL) &STATIC_CALL_TRAMP(CALL)
#else
#define TRAMPOLINE(CALL) NULL
#endif

static struct row rows[PROVENANCE_HOOKS] __ro_after_init = {
#define INIT_SLOT(SLOT, NAME)						\
	[SLOT] = {							\
		.key = &STATIC_CALL_KEY(PROVENANCE_STATIC_CALL(NAME, SLOT)), \
		.trampoline = TRAMPOLINE(PROVENANCE_STATIC_CALL(NAME, SLOT)), \
	},
#define LSM_HOOK(RET, DEFAULT, NAME, ...)				\
	[PROVENANCE_ID_##NAME] = {					\
		.name = #NAME,						\
		.active = &provenance_active_##NAME.key,		\
		.slots = { UNROLL(PROVENANCE_SLOTS, INIT_SLOT, NAME) },	\
		.lsms = static_calls_table.NAME,			\
		.verdict = provenance_verdict_##NAME,			\
		.may_refuse = provenance_may_refuse_##NAME,		\
		.context = provenance_context_##NAME,			\
		.subject = provenance_subject_##NAME,			\
	},
#include <linux/lsm_hook_defs.h>
#undef LSM_HOOK
#define PROVENANCE_HOOK(RET, NAME, CONTEXT, PROTOTYPE, ARGUMENTS)	\
	[PROVENANCE_ID_##NAME] = {					\
		.name = #NAME,						\
		.active = &provenance_active_##NAME.key,		\
		.slots = { [0] = {					\
			.key = &STATIC_CALL_KEY(provenance_call_##NAME), \
			.trampoline = TRAMPOLINE(provenance_call_##NAME), \
		} },							\
		.all = provenance_all_##NAME,				\
		.context = PROVENANCE_CONTEXT_##CONTEXT,		\
		.subject = PROVENANCE_SUBJECT_CURRENT,			\
	},
#include <linux/provenance_hook_defs.h>
#undef PROVENANCE_HOOK
};

static const struct provenance_module *modules[PROVENANCE_SLOTS] __ro_after_init;
static unsigned int module_count __ro_after_init;

/* "provenance=" on the command line. */
static __initdata const char *chosen_modules;

static int __init choose_modules(char *str)
{
	chosen_modules = str;
	return 1;
}
__setup("provenance=", choose_modules);

/* Modules live in memory that is freed after boot. */
static struct provenance_module kept_modules[PROVENANCE_SLOTS] __ro_after_init;

static bool __init is_chosen(const char *name)
{
	unsigned int i;

	for (i = 0; i < module_count; i++)
		if (!strcmp(modules[i]->name, name))
			return true;
	return false;
}

static bool __init choose(const char *name)
{
	const struct provenance_module *module;

	for (module = __start_provenance_info; module < __end_provenance_info;
	     module++) {
		if (strcmp(module->name, name))
			continue;
		if (!is_chosen(name)) {
			kept_modules[module_count] = *module;
			modules[module_count] = &kept_modules[module_count];
			module_count++;
		}
		return true;
	}
	return false;
}

/**
 * provenance_prepare - decide which modules are active
 * @set_blob_sizes: makes room for the needs of a module on objects
 */
void __init
provenance_prepare(void (*set_blob_sizes)(struct lsm_blob_sizes *needed))
{
	const char *list = chosen_modules ?: CONFIG_SECURITY_PROVENANCE_MODULES;
	char name[32];

	while (*list) {
		const size_t length = strcspn(list, ",");

		if (length && length < sizeof(name)) {
			memcpy(name, list, length);
			name[length] = '\0';
		} else {
			name[0] = '\0';
		}
		if (length && !choose(name))
			pr_warn("no module \"%.*s\" is built in, ignored\n",
				(int)min_t(size_t, length, 64), list);
		list += length;
		list += *list == ',';
	}
	for (unsigned int i = 0; i < module_count; i++)
		if (modules[i]->blobs)
			set_blob_sizes(modules[i]->blobs);
}

/**
 * provenance_init - start the active modules
 */
void __init provenance_init(void)
{
	unsigned int i;
	bool reports = false;

	for (i = 0; i < module_count; i++) {
		const int err = modules[i]->init();

		if (err) {
			pr_err("%s did not start: error %d\n",
			       modules[i]->name, err);
			continue;
		}
		reports |= !!modules[i]->refused;
	}
	if (reports)
		static_branch_enable(&provenance_reports);
}

static void __init add_hook(const struct provenance_hook *const hook,
			    unsigned int slot)
{
	struct row *const row = &rows[hook->id];
	const struct slot *call = &row->slots[slot];
	void *function = hook->function;

	if (WARN_ON_ONCE(row->users & BIT(slot)))
		return;
	if (hook->id >= PROVENANCE_LSM_HOOKS) {
		own_functions[hook->id - PROVENANCE_LSM_HOOKS][slot] =
			hook->own;
		call = &row->slots[0];
		if (row->users)
			function = row->all;
	}
	__static_call_update(call->key, call->trampoline, function);
	if (!row->users)
		static_key_enable(row->active);
	row->users |= BIT(slot);
}

/**
 * provenance_add_hooks - let functions of a module be called
 * @module: name of the module, which must be in its init function
 * @hooks: the functions
 * @count: number of @hooks
 */
void __init provenance_add_hooks(const char *module,
				 const struct provenance_hook *hooks,
				 size_t count)
{
	unsigned int slot;
	size_t i;

	for (slot = 0; slot < module_count; slot++)
		if (!strcmp(modules[slot]->name, module))
			break;
	if (WARN_ON_ONCE(slot == module_count))
		return;
	for (i = 0; i < count; i++)
		add_hook(&hooks[i], slot);
}

/**
 * provenance_hook_name - name of a hook
 * @id: the hook
 */
const char *provenance_hook_name(enum provenance_hook_id id)
{
	return rows[id].name;
}

static const char *name_of_module(unsigned int by)
{
	return by & PROVENANCE_BY_MODULE(0) && by != 0xff ?
	       modules[by & ~PROVENANCE_BY_MODULE(0)]->name : NULL;
}

static const char *name_of_lsm(const struct row *const row, unsigned int by)
{
	return by < PROVENANCE_BY_MODULE(0) && row->lsms ?
	       row->lsms[by].hl->lsmid->name : NULL;
}

/**
 * provenance_refused - tell the modules of a refusal
 * @where: PROVENANCE_WHERE()
 * @error: the answer
 * @task: subject, or NULL
 * @cred: subject, or NULL
 * @object: what @where says
 *
 * Return: @error
 */
int provenance_refused(u32 where, int error, const struct task_struct *task,
		       const struct cred *cred, const void *object)
{
	const enum provenance_hook_id hook = where & 0xffff;
	const struct row *const row = &rows[hook];
	const unsigned int by = where >> 24;
	struct provenance_refusal refusal = {
		.hook = hook,
		.error = error,
		.by = name_of_module(by),
		.lsm = name_of_lsm(row, by),
		.task = task,
		.cred = cred,
		.kind = where >> 16 & 0xff,
		.may_sleep = row->context == PROVENANCE_CONTEXT_SLEEP ||
			     row->context == PROVENANCE_CONTEXT_RCU_WALK,
		.object = object,
	};
	unsigned int i;

	/* A debugger asks whether the machine is locked down. */
	if (in_nmi())
		return error;
	/* A cred argument can be NULL, which means current. */
	if (!task && !cred && row->subject != PROVENANCE_SUBJECT_NONE &&
	    in_task())
		refusal.task = current;
	for (i = 0; i < module_count; i++)
		if (modules[i]->refused)
			modules[i]->refused(&refusal);
	return error;
}

/**
 * provenance_show_modules - print the active modules, separated by commas
 * @seq: where to
 */
void provenance_show_modules(struct seq_file *seq)
{
	unsigned int i;

	for (i = 0; i < module_count; i++)
		seq_printf(seq, "%s%s", i ? "," : "", modules[i]->name);
	seq_putc(seq, '\n');
}

static const char *const verdict_names[] = {
	[PROVENANCE_VERDICT_VOID] = "void",
	[PROVENANCE_VERDICT_PERMIT] = "permit",
	[PROVENANCE_VERDICT_SKIP] = "skip",
	[PROVENANCE_VERDICT_ANSWER] = "answer",
};

static const char *const context_names[] = {
	[PROVENANCE_CONTEXT_SLEEP] = "sleep",
	[PROVENANCE_CONTEXT_ATOMIC] = "atomic",
	[PROVENANCE_CONTEXT_RCU_WALK] = "rcu-walk",
	[PROVENANCE_CONTEXT_SOFTIRQ] = "softirq",
	[PROVENANCE_CONTEXT_HARDIRQ] = "hardirq",
};

static const char *const subject_names[] = {
	[PROVENANCE_SUBJECT_NONE] = "none",
	[PROVENANCE_SUBJECT_CURRENT] = "current",
	[PROVENANCE_SUBJECT_TASK1] = "task1",
	[PROVENANCE_SUBJECT_TASK3] = "task3",
	[PROVENANCE_SUBJECT_CRED1] = "cred1",
	[PROVENANCE_SUBJECT_CRED2] = "cred2",
	[PROVENANCE_SUBJECT_CRED4] = "cred4",
};

/**
 * provenance_show_hook - print a line on a hook
 * @seq: where to
 * @id: the hook
 *
 * Its name, "lsm" or "own", then for an LSM hook verdict and whether a module
 * may refuse, the context, the subject, and the modules that use it.
 */
void provenance_show_hook(struct seq_file *seq, unsigned int id)
{
	const struct row *const row = &rows[id];
	const char *separator = "";
	unsigned int i;

	seq_printf(seq, "%s %s %s %s %s %s ", row->name,
		   id < PROVENANCE_LSM_HOOKS ? "lsm" : "own",
		   verdict_names[row->verdict],
		   row->may_refuse ? "may-refuse" : "-",
		   context_names[row->context], subject_names[row->subject]);
	for (i = 0; i < module_count; i++) {
		if (row->users & BIT(i)) {
			seq_printf(seq, "%s%s", separator, modules[i]->name);
			separator = ",";
		}
	}
	seq_printf(seq, "%s\n", row->users ? "" : "-");
}
