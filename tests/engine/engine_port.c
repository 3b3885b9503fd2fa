// SPDX-License-Identifier: GPL-2.0
/*
 * The checked locks of engine_port.h.
 */
#include "engine.h"

#define MAX_HELD 2

static struct prov_object *held[MAX_HELD];
static unsigned int nheld;
static const char *error;

static struct prov_object *owner(spinlock_t *lock)
{
	return (struct prov_object *)((char *)lock - offsetof(struct prov_object, lock));
}

static void complain(const char *what)
{
	if (!error)
		error = what;
}

void port_lock(spinlock_t *lock, bool nested)
{
	struct prov_object *const obj = owner(lock);

	if (lock->held)
		complain("a lock is taken twice");
	if (nheld == MAX_HELD) {
		complain("more than two locks are taken");
		return;
	}
	if (nested != !!nheld)
		complain("the nesting of the locks is not the one announced to lockdep");
	if (nheld && held[nheld - 1]->id >= obj->id)
		complain("locks are taken in the wrong order");
	lock->held = true;
	held[nheld++] = obj;
}

void port_unlock(spinlock_t *lock)
{
	struct prov_object *const obj = owner(lock);

	if (!nheld || held[nheld - 1] != obj) {
		complain("locks are not released in reverse order");
		return;
	}
	lock->held = false;
	nheld--;
}

const char *port_error(void)
{
	return error;
}

void port_reset(void)
{
	error = NULL;
	nheld = 0;
}

unsigned int port_locks_held(void)
{
	return nheld;
}
