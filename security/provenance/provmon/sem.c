// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: SysV semaphores
 *
 * A set of semaphores is a set of numbers.  Who sets or changes one writes
 * content, and who asks for one with GETVAL or GETALL reads it: data.  A semop()
 * that succeeds tells its caller no more than that it did: it was influenced, but
 * got nothing, which is control.  Otherwise all that use one lock would come from
 * each other.
 *
 * What has been said need not be said again: a semop() leaves no record if the
 * process has operated on the set before and nobody told the set anything new
 * since.
 */
#include <linux/ipc_namespace.h>
#include <linux/nsproxy.h>

#include "object.h"
#include "process.h"
#include "record.h"
#include "sem.h"

static struct prov_channel channel_sem(struct prov_process *const process,
				       struct prov_ipc *const set,
				       enum prov_direction direction)
{
	const bool out = direction == PROV_OUT;

	return (struct prov_channel){
		.src = out ? &process->obj : &set->obj,
		.dst = out ? &set->obj : &process->obj,
		.memory = &process->memory,
		.direction = direction,
		.op = out ? PROV_OP_WRITE : PROV_OP_READ,
	};
}

static void describe(struct prov_ipc *const set,
		     const struct kern_ipc_perm *const perm)
{
	if (!(READ_ONCE(set->obj.flags) & PROV_OBJ_DESCRIBED) &&
	    prov_record_ipc(&set->obj, perm, set->ipcns))
		prov_set_flag(&set->obj, PROV_OBJ_DESCRIBED);
}

/*
 * The process changes values, which nobody can see before this is done.  If that
 * is news for the set, all have to be told that operate on it.
 */
static void change(struct prov_ipc *const set,
		   struct prov_process *const process)
{
	const struct prov_channel chan = channel_sem(process, set, PROV_OUT);
	struct prov_send send;
	unsigned int i;

	prov_send_begin(&chan, &send);
	prov_send_end(&chan, &send);
	if (!send.fresh)
		return;
	/* Two of a set can be operated on at once. */
	WRITE_ONCE(set->told, READ_ONCE(set->told) + 1);
	/* Pairs with the one in operate(). */
	smp_mb();
	for (i = 0; i < ARRAY_SIZE(set->changed); i++)
		WRITE_ONCE(set->changed[i], 0);
	for (i = 0; i < ARRAY_SIZE(set->waited); i++)
		WRITE_ONCE(set->waited[i], 0);
}

static noinline void operate(struct prov_ipc *const set,
			     const struct kern_ipc_perm *const perm,
			     struct prov_process *const process, bool alter)
{
	const u32 cache_id = READ_ONCE(process->cache_id);
	/* Before it is said: what another thread learns meanwhile is not. */
	const u32 hot = READ_ONCE(process->obj.hot);
	u32 told;
	u64 *const word = alter ?
		&set->changed[cache_id % ARRAY_SIZE(set->changed)] :
		&set->waited[cache_id % ARRAY_SIZE(set->waited)];

	if (!prov_is_recorded(process))
		return;
	describe(set, perm);
	if (alter)
		change(set, process);
	told = READ_ONCE(set->told);
	if (!prov_record_control(PROV_OP_SEMOP, &set->obj, &process->obj) ||
	    cache_id == PROV_CACHE_NEVER || hot == PROV_VERSION_LAST)
		return;
	WRITE_ONCE(*word, prov_cache_word(cache_id, hot));
	/* Pairs with the one in change(): who tells the set something sees it, or is seen. */
	smp_mb();
	if (READ_ONCE(set->told) != told)
		WRITE_ONCE(*word, 0);
}

static void hook_sem_operated(struct kern_ipc_perm *perm,
			      struct task_struct *task, bool alter)
{
	struct prov_ipc *const set = prov_ipc(perm);
	struct prov_process *process;
	u32 id, hot;

	rcu_read_lock();
	process = rcu_dereference(prov_task(task)->process);
	id = READ_ONCE(process->cache_id);
	hot = READ_ONCE(process->obj.hot);
	if (!prov_cache_hit(&set->changed[id % ARRAY_SIZE(set->changed)], id,
			    hot) &&
	    (alter || !prov_cache_hit(&set->waited[id % ARRAY_SIZE(set->waited)],
				      id, hot)))
		operate(set, perm, process, alter);
	rcu_read_unlock();
}

static void hook_sem_set(struct kern_ipc_perm *perm)
{
	struct prov_process *const process = prov_current();

	if (!prov_is_recorded(process))
		return;
	prov_process_describe(process);
	describe(prov_ipc(perm), perm);
	change(prov_ipc(perm), process);
}

static void hook_sem_read(struct kern_ipc_perm *perm)
{
	struct prov_process *const process = prov_current();
	const struct prov_channel chan =
		channel_sem(process, prov_ipc(perm), PROV_IN);

	if (!prov_is_recorded(process))
		return;
	prov_process_describe(process);
	describe(prov_ipc(perm), perm);
	prov_flow(&chan);
}

static int hook_sem_alloc_security(struct kern_ipc_perm *perm)
{
	struct prov_ipc *const set = prov_ipc(perm);

	prov_object_init(&set->obj, prov_new_id(), PROV_K_SEM);
	set->ipcns = current->nsproxy->ipc_ns->ns.inum;
	return 0;
}

static void hook_sem_free_security(struct kern_ipc_perm *perm)
{
	if (perm->security && prov_ipc(perm)->obj.flags & PROV_OBJ_DESCRIBED)
		prov_record_end(&prov_ipc(perm)->obj, 0);
}

static const struct provenance_hook sem_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(sem_alloc_security, hook_sem_alloc_security),
	PROVENANCE_LSM_HOOK_INIT(sem_free_security, hook_sem_free_security),
	PROVENANCE_OWN_HOOK_INIT(sem_operated, hook_sem_operated),
	PROVENANCE_OWN_HOOK_INIT(sem_set, hook_sem_set),
	PROVENANCE_OWN_HOOK_INIT(sem_read, hook_sem_read),
};

void __init prov_sem_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, sem_hooks, ARRAY_SIZE(sem_hooks));
}
