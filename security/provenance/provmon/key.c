// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: keys
 *
 * A key is a node, and its payload is content: it comes from who instantiates or
 * updates the key and goes to who reads it, or gets something that was computed
 * with it.  This is also how a request for a key gets to the program that the
 * kernel starts to answer it: what was asked is the payload of a key of its own,
 * which that program reads.  A keyring has no content, only the names of keys.
 */
#include <linux/key.h>
#include <linux/key-type.h>
#include <linux/slab.h>
#include <linux/watch_queue.h>
#include <keys/keyring-type.h>

#include "key.h"
#include "object.h"
#include "process.h"
#include "record.h"
#include "told.h"

static struct prov_object *key_object(const struct key *const key)
{
	return key->security + provmon_blobs.lbs_key;
}

/* Like "user:name". */
static void describe(struct prov_object *const object,
		     const struct key *const key)
{
	char *name;

	if (READ_ONCE(object->flags) & PROV_OBJ_DESCRIBED ||
	    !prov_record_numbered(object, key->serial, 0))
		return;
	name = kasprintf(GFP_NOFS, "%s:%s", key->type->name,
			 key->description ?: "");
	if (name)
		prov_record_text(object->id, PROV_T_ANON_NAME, name,
				 strlen(name));
	else
		prov_emit_lost();
	kfree(name);
	prov_set_flag(object, PROV_OBJ_DESCRIBED);
}

static int hook_key_alloc(struct key *key, const struct cred *cred,
			  unsigned long flags)
{
	prov_object_init(key_object(key), prov_new_id(), PROV_K_KEY);
	return 0;
}

/* Return: the node of the key if what current does with it is recorded. */
static struct prov_object *get_key(const struct key *const key)
{
	struct prov_process *const process = prov_current();

	if (!in_task() || !prov_is_recorded(process) || !key->security)
		return NULL;
	prov_process_describe(process);
	describe(key_object(key), key);
	return key_object(key);
}

/* Nobody can have seen it: the caller holds what readers wait for. */
static void put_payload(const struct key *const key)
{
	struct prov_process *const process = prov_current();
	struct prov_object *const object =
		key->type == &key_type_keyring ? NULL : get_key(key);

	if (object) {
		const struct prov_channel chan = {
			.src = &process->obj,
			.dst = object,
			.memory = &process->memory,
			.direction = PROV_OUT,
			.op = PROV_OP_WRITE,
		};

		prov_flow(&chan);
	}
}

static void hook_key_instantiated(struct key *key)
{
	put_payload(key);
}

static void hook_key_noted(struct key *key, int subtype)
{
	struct prov_process *const process = prov_current();
	struct prov_object *object;

	switch (subtype) {
	case PROVENANCE_KEY_FREED:
		if (key->security && key_object(key)->flags & PROV_OBJ_DESCRIBED)
			prov_record_end(key_object(key), 0);
		return;
	case NOTIFY_KEY_INSTANTIATED:
		return;
	case NOTIFY_KEY_UPDATED:
		put_payload(key);
		return;
	}
	object = get_key(key);
	if (object)
		prov_tell_edge(process, PROV_R_EDGE_META, PROV_OP_KEYCTL,
			       &process->obj, object);
}

static void hook_key_read(struct key *key)
{
	struct prov_process *const process = prov_current();
	struct prov_object *const object = get_key(key);

	if (!object)
		return;
	if (key->type == &key_type_keyring) {
		prov_tell_edge(process, PROV_R_EDGE_META, PROV_OP_READDIR,
			       object, &process->obj);
	} else {
		const struct prov_channel chan = {
			.src = object,
			.dst = &process->obj,
			.memory = &process->memory,
			.direction = PROV_IN,
			.op = PROV_OP_READ,
		};

		prov_flow(&chan);
	}
}

static void hook_key_described(struct key *key)
{
	struct prov_process *const process = prov_current();
	struct prov_object *const object = get_key(key);

	if (object)
		prov_tell_edge(process, PROV_R_EDGE_META, PROV_OP_KEYCTL,
			       object, &process->obj);
}

static const struct provenance_hook key_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(key_alloc, hook_key_alloc),
	PROVENANCE_OWN_HOOK_INIT(key_instantiated, hook_key_instantiated),
	PROVENANCE_OWN_HOOK_INIT(key_noted, hook_key_noted),
	PROVENANCE_OWN_HOOK_INIT(key_read, hook_key_read),
	PROVENANCE_OWN_HOOK_INIT(key_described, hook_key_described),
};

void __init prov_key_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, key_hooks, ARRAY_SIZE(key_hooks));
}
