// SPDX-License-Identifier: GPL-2.0
/*
 * Linux Provenance Modules: a module for tests
 *
 * Counts the calls of each hook and the refusals that it is told of, and can be
 * told to refuse.  In securityfs, below provenance/test:
 *
 * counts: a line for each hook: its name, calls, refusals reported
 * refuse: write "HOOK ERRNO PID", and the hook refuses PID with -ERRNO; write
 *	"none", and it no longer does
 */
#include <linux/capability.h>
#include <linux/percpu.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "fs.h"
#include "layer.h"

static DEFINE_PER_CPU(u64[PROVENANCE_HOOKS], calls);
static DEFINE_PER_CPU(u64[PROVENANCE_HOOKS], refusals);

/* What to refuse: written as a whole by one writer, read without lock. */
static struct refuse {
	int hook;
	int error;
	pid_t pid;
} refuse = { .hook = -1 };

static bool active __ro_after_init;

static int count(enum provenance_hook_id id)
{
	this_cpu_inc(calls[id]);
	/* Pairs with the release in refuse_write(). */
	if (unlikely(smp_load_acquire(&refuse.hook) == id) && in_task() &&
	    task_tgid_nr(current) == READ_ONCE(refuse.pid))
		return -READ_ONCE(refuse.error);
	return 0;
}

#define RETURN_int return
#define RETURN_void (void)
#define LSM_HOOK(RET, DEFAULT, NAME, ...)				\
	static RET count_##NAME(__VA_ARGS__)				\
	{								\
		RETURN_##RET count(PROVENANCE_ID_##NAME);		\
	}
#include <linux/lsm_hook_defs.h>
#undef LSM_HOOK

#define REST_void
#define REST_int return ret;
#define PROVENANCE_HOOK(RET, NAME, CONTEXT, PROTOTYPE, ARGUMENTS)	\
	static RET count_##NAME PROTOTYPE				\
	{								\
		count(PROVENANCE_ID_##NAME);				\
		REST_##RET						\
	}
#include <linux/provenance_hook_defs.h>
#undef PROVENANCE_HOOK

static const struct provenance_hook count_hooks[] = {
#define LSM_HOOK(RET, DEFAULT, NAME, ...)				\
	PROVENANCE_LSM_HOOK_INIT(NAME, count_##NAME),
#include <linux/lsm_hook_defs.h>
#undef LSM_HOOK
#define PROVENANCE_HOOK(RET, NAME, CONTEXT, PROTOTYPE, ARGUMENTS)	\
	PROVENANCE_OWN_HOOK_INIT(NAME, count_##NAME),
#include <linux/provenance_hook_defs.h>
#undef PROVENANCE_HOOK
};

static void count_refused(const struct provenance_refusal *refusal)
{
	this_cpu_inc(refusals[refusal->hook]);
}

static u64 sum(const u64 __percpu *counter)
{
	unsigned int cpu;
	u64 total = 0;

	for_each_possible_cpu(cpu)
		total += *per_cpu_ptr(counter, cpu);
	return total;
}

static int counts_show(struct seq_file *seq, void *unused)
{
	unsigned int id;

	for (id = 0; id < PROVENANCE_HOOKS; id++)
		seq_printf(seq, "%s %llu %llu\n", provenance_hook_name(id),
			   sum(&calls[id]), sum(&refusals[id]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counts);

static int hook_by_name(const char *name)
{
	unsigned int id;

	for (id = 0; id < PROVENANCE_HOOKS; id++)
		if (!strcmp(provenance_hook_name(id), name))
			return id;
	return -1;
}

static ssize_t refuse_write(struct file *file, const char __user *from,
			    size_t count, loff_t *pos)
{
	char line[80], name[48];
	int hook, error, pid;

	if (!capable(CAP_MAC_ADMIN))
		return -EPERM;
	if (count >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, from, count))
		return -EFAULT;
	line[count] = '\0';
	if (sysfs_streq(line, "none")) {
		WRITE_ONCE(refuse.hook, -1);
		return count;
	}
	if (sscanf(line, "%47s %d %d", name, &error, &pid) != 3)
		return -EINVAL;
	hook = hook_by_name(name);
	if (hook < 0 || error < 1 || error > MAX_ERRNO || pid < 1)
		return -EINVAL;
	WRITE_ONCE(refuse.hook, -1);
	WRITE_ONCE(refuse.error, error);
	WRITE_ONCE(refuse.pid, pid);
	/* Pairs with the acquire in count(). */
	smp_store_release(&refuse.hook, hook);
	return count;
}

static const struct file_operations refuse_fops = {
	.owner = THIS_MODULE,
	.write = refuse_write,
	.llseek = noop_llseek,
};

static int __init test_files_init(void)
{
	struct dentry *dir, *dentry;

	if (!active)
		return 0;
	dir = securityfs_create_dir("test", provenance_dir);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	dentry = securityfs_create_file("counts", 0400, dir, NULL,
					&counts_fops);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	dentry = securityfs_create_file("refuse", 0200, dir, NULL,
					&refuse_fops);
	return PTR_ERR_OR_ZERO(dentry);
}
rootfs_initcall(test_files_init);

static int __init test_module_init(void)
{
	provenance_add_hooks("test", count_hooks, ARRAY_SIZE(count_hooks));
	active = true;
	return 0;
}

DEFINE_PROVENANCE_MODULE(test) = {
	.name = "test",
	.init = test_module_init,
	.refused = count_refused,
};
