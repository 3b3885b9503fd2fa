// SPDX-License-Identifier: GPL-2.0
/*
 * The checked locks of engine_port.h.
 */
#include "engine.h"

#define MAX_HELD 6

static spinlock_t *held[MAX_HELD];
static unsigned int nheld;
static const char *error;

#ifdef PORT_STEPS
unsigned int port_steps;
static unsigned int first_step, longest;

static void begin_section(void)
{
	first_step = port_steps;
}

static void end_section(void)
{
	if (port_steps - first_step > longest)
		longest = port_steps - first_step;
}

unsigned int port_longest(void)
{
	return longest;
}

static void reset_steps(void)
{
	port_steps = 0;
	longest = 0;
}
#else
static void begin_section(void)
{
}

static void end_section(void)
{
}

static void reset_steps(void)
{
}
#endif

static const struct prov_object *owner(const spinlock_t *lock)
{
	return (const struct prov_object *)((const char *)lock -
					    offsetof(struct prov_object, lock));
}

static void complain(const char *what)
{
	if (!error)
		error = what;
}

static int order(const spinlock_t *lock)
{
	return lock->rank == PORT_OBJECT ? PORT_INODE_MAP + 1 : lock->rank;
}

static void check_order(const spinlock_t *last, const spinlock_t *lock, bool nested)
{
	const bool both = last && last->rank == PORT_OBJECT && lock->rank == PORT_OBJECT;

	if (nested != both)
		complain("the nesting of the locks is not the one announced to lockdep");
	if (both ? owner(last)->id >= owner(lock)->id : last && order(last) >= order(lock))
		complain("locks are taken in the wrong order");
}

void port_lock(spinlock_t *lock, bool nested)
{
	if (lock->held)
		complain("a lock is taken twice");
	if (nheld == MAX_HELD) {
		complain("too many locks are taken");
		return;
	}
	if (!nheld)
		begin_section();
	port_step();
	check_order(nheld ? held[nheld - 1] : NULL, lock, nested);
	lock->held = true;
	held[nheld++] = lock;
}

void port_unlock(spinlock_t *lock)
{
	if (!nheld || held[nheld - 1] != lock) {
		complain("locks are not released in reverse order");
		return;
	}
	lock->held = false;
	nheld--;
	if (!nheld)
		end_section();
}

const char *port_error(void)
{
	return error;
}

void port_reset(void)
{
	error = NULL;
	nheld = 0;
	reset_steps();
}

unsigned int port_locks_held(void)
{
	return nheld;
}
