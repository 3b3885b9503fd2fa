// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: edges that make no version, and what needs no second record
 *
 * An edge of class meta or control says that something of this version of its
 * source came to its destination.  Like an edge of class data it closes the
 * version: what the source learns from now on goes into another one.  So a repeat
 * says nothing more until the source has another version, or another such edge came
 * to it, which makes none; and later versions of the destination follow from the
 * earlier one.  A process remembers the last of them, by the other object, and a loop
 * that sends signals or meets the same refusal is a record and not a flood.
 */
#include <linux/hash.h>

#include "object.h"
#include "record.h"
#include "told.h"

/* Bits of a key that say what it is about; the id of the object is above. */
#define WHAT_BITS	24

/* Beside an enum prov_op: the process is the source.  (Refusals have the bit above.) */
#define WHAT_OUT	BIT(WHAT_BITS - 2)

static u64 told_key(u64 id, u32 what)
{
	/* More objects than there will be: such a one is not remembered. */
	if (id >> (64 - WHAT_BITS) || what >> WHAT_BITS)
		return 0;
	return id << WHAT_BITS | what;
}

/* Return: the way that @key is in, or the last one. */
static unsigned int find_way(const u64 *const keys, u64 key)
{
	unsigned int way;

	for (way = 0; way < ARRAY_SIZE(((struct prov_told *)NULL)->key[0]) - 1;
	     way++)
		if (keys[way] == key)
			break;
	return way;
}

static void to_front(struct prov_told *const told, unsigned int set,
		     unsigned int way, u64 key, u32 version)
{
	for (; way; way--) {
		told->key[set][way] = told->key[set][way - 1];
		told->version[set][way] = told->version[set][way - 1];
	}
	told->key[set][0] = key;
	told->version[set][0] = version;
}

/**
 * prov_is_told - is it recorded?
 * @process: who remembers it
 * @id: the other object, or 0
 * @what: of it, not 0, in 24 bits
 * @version: of the source, or whatever else grows with what it comes from
 *
 * Context: Any but NMI.
 */
bool prov_is_told(struct prov_process *process, u64 id, u32 what, u32 version)
{
	struct prov_told *const told = &process->told;
	const u64 key = told_key(id, what);
	const unsigned int set = hash_64(key, 2);
	unsigned long flags;
	unsigned int way;
	bool is_told;

	if (!key)
		return false;
	spin_lock_irqsave(&process->obj.lock, flags);
	way = find_way(told->key[set], key);
	is_told = told->key[set][way] == key &&
		  told->version[set][way] == version;
	if (is_told)
		to_front(told, set, way, key, version);
	spin_unlock_irqrestore(&process->obj.lock, flags);
	return is_told;
}

/**
 * prov_tell - remember that it is recorded
 * @process: who remembers it
 * @id: the other object, or 0
 * @what: of it, not 0, in 24 bits
 * @version: as in prov_is_told()
 *
 * Context: Any but NMI.
 */
void prov_tell(struct prov_process *process, u64 id, u32 what, u32 version)
{
	struct prov_told *const told = &process->told;
	const u64 key = told_key(id, what);
	const unsigned int set = hash_64(key, 2);
	unsigned long flags;

	if (!key)
		return;
	spin_lock_irqsave(&process->obj.lock, flags);
	to_front(told, set, find_way(told->key[set], key), key, version);
	spin_unlock_irqrestore(&process->obj.lock, flags);
}

/**
 * prov_tell_edge - record an edge of class meta or control, if it is news
 * @process: the one of @from and @to that remembers it
 * @type: PROV_R_EDGE_META or PROV_R_EDGE_CONTROL
 * @op: how
 * @from: from where
 * @to: to where
 *
 * Context: Any but NMI.
 */
void prov_tell_edge(struct prov_process *process, enum prov_record_type type,
		    enum prov_op op, struct prov_object *from,
		    struct prov_object *to)
{
	const bool out = from == &process->obj;
	const struct prov_object *const other = out ? to : from;
	const u32 what = out ? WHAT_OUT | op : op;
	u32 version, state;

	if (from == to)
		return;
	if (from->kind == PROV_K_PROCESS)
		prov_pull(from);
	/* Both only grow, so that the sum stays the same if both do. */
	state = READ_ONCE(from->influences);
	version = prov_close_version(from);
	state += version;
	if (prov_is_told(process, other->id, what, state))
		return;
	if (prov_record_edge(type, op, from, version, to))
		prov_tell(process, other->id, what, state);
}
