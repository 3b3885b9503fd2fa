// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: BPF maps and programs
 *
 * Processes put elements into maps and get them out.  A program is loaded by a
 * process and runs whenever something happens, with nobody to ask: what is in one
 * of its maps can be in the others the next moment.  That is what a process does to
 * what it maps shared and writable, so a program is one in the graph of mappings,
 * from when it is loaded until it is freed.
 *
 * A descriptor of a map stands for it, also when it is mapped or passed on.
 */
#include <linux/bpf.h>
#include <linux/hashtable.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "bpf.h"
#include "object.h"
#include "process.h"
#include "record.h"
#include "told.h"

/**
 * struct known - a map or program that has a node
 * @all: in @known, by @key
 * @key: the struct bpf_map or struct bpf_prog_aux, only compared
 * @node: holds a reference
 *
 * They have no blob.  The entry goes when what it is of is freed.
 */
struct known {
	struct hlist_node	all;
	const void		*key;
	struct prov_inode	*node;
};

static DEFINE_HASHTABLE(known, 8);
/* Programs are freed in softirq. */
static DEFINE_SPINLOCK(known_lock);

static struct prov_inode *find_locked(const void *const key)
{
	const struct known *entry;

	hash_for_each_possible(known, entry, all, (unsigned long)key)
		if (entry->key == key)
			return entry->node;
	return NULL;
}

/* Return: the node, valid as long as what it is of, or NULL. */
static struct prov_inode *find(const void *const key)
{
	struct prov_inode *node;

	spin_lock_bh(&known_lock);
	node = find_locked(key);
	spin_unlock_bh(&known_lock);
	return node;
}

/* Return: the node, made if need be; *@is_new if this made it; or NULL. */
static struct prov_inode *get(const void *const key, bool *const is_new, u8 kind,
			      u32 number, u32 type, const char *const name)
{
	struct prov_inode *node = find(key), *other;
	struct known *entry;

	*is_new = false;
	if (node)
		return node;
	entry = kmalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry) {
		prov_emit_lost();
		return NULL;
	}
	node = prov_inode_make_numbered(kind, number, type, name);
	if (!node) {
		kfree(entry);
		return NULL;
	}
	*entry = (struct known){ .key = key, .node = node };
	spin_lock_bh(&known_lock);
	other = find_locked(key);
	if (!other)
		hash_add(known, &entry->all, (unsigned long)key);
	spin_unlock_bh(&known_lock);
	if (!other) {
		*is_new = true;
		return node;
	}
	kfree(entry);
	prov_inode_put(node);
	return other;
}

static struct prov_inode *get_map(const struct bpf_map *const map,
				  bool *const is_new)
{
	return get(map, is_new, PROV_K_BPF_MAP, map->id, map->map_type,
		   map->name);
}

/* Return: the node that it had, with its reference, or NULL. */
static struct prov_inode *forget(const void *const key)
{
	struct prov_inode *node = NULL;
	struct known *entry;

	spin_lock_bh(&known_lock);
	hash_for_each_possible(known, entry, all, (unsigned long)key) {
		if (entry->key == key) {
			hash_del(&entry->all);
			node = entry->node;
			break;
		}
	}
	spin_unlock_bh(&known_lock);
	if (node)
		kfree(entry);
	return node;
}

/* About to be given a descriptor, new or by its id or name. */
static int hook_bpf_map(struct bpf_map *map, fmode_t mode)
{
	struct prov_process *const process = prov_current();
	struct prov_inode *node;
	bool is_new;

	node = get_map(map, &is_new);
	if (!node || !prov_is_recorded(process))
		return 0;
	prov_process_describe(process);
	if (is_new)
		prov_record_meta(PROV_OP_CREATE, &process->obj, &node->obj);
	else
		prov_record_meta(PROV_OP_OPEN, &node->obj, &process->obj);
	return 0;
}

/* A new program, which has not run yet.  It holds its maps until it is freed. */
static void connect(struct prov_inode *const prog, struct bpf_prog_aux *const aux)
{
	struct prov_inode *node;
	struct prov_map *map;
	bool is_new;
	u32 i;

	mutex_lock(&aux->used_maps_mutex);
	for (i = 0; i < aux->used_map_cnt; i++) {
		node = get_map(aux->used_maps[i], &is_new);
		map = node ? prov_map_get(&node->obj) : NULL;
		if (map)
			prov_map_add(prog->obj.map, map, PROV_ACCESS_SHARE, 1);
	}
	mutex_unlock(&aux->used_maps_mutex);
}

static struct prov_channel channel_in(struct prov_inode *const node)
{
	struct prov_process *const process = prov_current();

	return (struct prov_channel){
		.src = &node->obj,
		.dst = &process->obj,
		.memory = &process->memory,
		.direction = PROV_IN,
		.op = PROV_OP_READ,
	};
}

static struct prov_channel channel_out(struct prov_inode *const node,
				       enum prov_op op)
{
	struct prov_process *const process = prov_current();

	return (struct prov_channel){
		.src = &process->obj,
		.dst = &node->obj,
		.memory = &process->memory,
		.direction = PROV_OUT,
		.op = op,
	};
}

/* About to be checked; it can fail, and have its id before it has a descriptor. */
static int hook_bpf_prog_load(struct bpf_prog *prog, union bpf_attr *attr,
			      struct bpf_token *token)
{
	prov_task(current)->loading = prog->aux->load_time;
	return 0;
}

/* Likewise; if it is new it has not run yet. */
static int hook_bpf_prog(struct bpf_prog *prog)
{
	struct prov_process *const process = prov_current();
	struct prov_task *const task = prov_task(current);
	struct bpf_prog_aux *const aux = prog->aux;
	const bool loads = task->loading && task->loading == aux->load_time;
	struct prov_inode *node;
	struct prov_channel chan;
	bool is_new;

	task->loading = 0;
	node = get(aux, &is_new, PROV_K_BPF_PROG, aux->id, prog->type,
		   aux->name);
	if (is_new)
		connect(node, aux);
	if (!node || !prov_is_recorded(process))
		return 0;
	prov_process_describe(process);
	if (loads) {
		chan = channel_out(node, PROV_OP_LOAD);
		prov_flow(&chan);
	} else {
		prov_record_meta(PROV_OP_OPEN, &node->obj, &process->obj);
	}
	return 0;
}

/* Return: the node if what current does with it is recorded. */
static struct prov_inode *recorded(struct prov_inode *const node)
{
	struct prov_process *const process = prov_current();

	if (!node || !in_task() || !prov_is_recorded(process))
		return NULL;
	prov_process_describe(process);
	return node;
}

static void begin(struct prov_inode *const node)
{
	struct prov_task *const task = prov_task(current);
	struct prov_channel chan;

	task->sending = 0;
	if (!recorded(node))
		return;
	chan = channel_out(node, PROV_OP_WRITE);
	prov_send_begin(&chan, &task->send);
	task->sending = node->obj.id;
}

static void end(struct prov_inode *const node, int ret)
{
	struct prov_task *const task = prov_task(current);
	const u64 sending = task->sending;
	struct prov_channel chan;

	task->sending = 0;
	if (ret < 0 || !recorded(node))
		return;
	chan = channel_out(node, PROV_OP_WRITE);
	if (sending == node->obj.id)
		prov_send_end(&chan, &task->send);
	else
		prov_flow(&chan);
}

static void receive(struct prov_inode *const node)
{
	struct prov_channel chan;

	if (!recorded(node))
		return;
	chan = channel_in(node);
	prov_flow(&chan);
}

static void hook_bpf_map_writing(struct bpf_map *map)
{
	begin(find(map));
}

static void hook_bpf_map_written(struct bpf_map *map, int ret)
{
	end(find(map), ret);
}

static void hook_bpf_map_read(struct bpf_map *map)
{
	receive(find(map));
}

static void hook_bpf_prog_done(struct bpf_prog *prog, enum provenance_bpf what,
			       int ret)
{
	struct prov_process *const process = prov_current();
	struct prov_inode *const node = find(prog->aux);

	switch (what) {
	case PROVENANCE_BPF_ATTACH:
		if (ret >= 0 && recorded(node))
			prov_record_control(PROV_OP_ATTACH, &process->obj,
					    &node->obj);
		break;
	case PROVENANCE_BPF_RUNS:
		begin(node);
		break;
	case PROVENANCE_BPF_RAN:
		end(node, ret);
		fallthrough;
	case PROVENANCE_BPF_READ:
		if (ret >= 0)
			receive(node);
		break;
	}
}

static void hook_bpf_map_free(struct bpf_map *map)
{
	struct prov_inode *const node = forget(map);

	if (node)
		prov_inode_put(node);
}

static void hook_bpf_prog_free(struct bpf_prog *prog)
{
	struct prov_inode *const node = forget(prog->aux);

	if (!node)
		return;
	prov_map_release_mapper(node->obj.map);
	prov_inode_put(node);
}

/**
 * prov_bpf_node - the node of the map that an open file is of
 * @file: the open file
 *
 * Return: the node, with a reference, or NULL.
 */
struct prov_inode *prov_bpf_node(const struct file *file)
{
	struct prov_inode *node = NULL;

	if (file->f_op == &bpf_map_fops)
		node = find(file->private_data);
	if (node)
		refcount_inc(&node->refs);
	return node;
}

static const struct provenance_hook bpf_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(bpf_map, hook_bpf_map),
	PROVENANCE_LSM_HOOK_INIT(bpf_prog_load, hook_bpf_prog_load),
	PROVENANCE_LSM_HOOK_INIT(bpf_prog, hook_bpf_prog),
	PROVENANCE_LSM_HOOK_INIT(bpf_map_free, hook_bpf_map_free),
	PROVENANCE_LSM_HOOK_INIT(bpf_prog_free, hook_bpf_prog_free),
	PROVENANCE_OWN_HOOK_INIT(bpf_map_writing, hook_bpf_map_writing),
	PROVENANCE_OWN_HOOK_INIT(bpf_map_written, hook_bpf_map_written),
	PROVENANCE_OWN_HOOK_INIT(bpf_map_read, hook_bpf_map_read),
	PROVENANCE_OWN_HOOK_INIT(bpf_prog_done, hook_bpf_prog_done),
};

void __init prov_bpf_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, bpf_hooks, ARRAY_SIZE(bpf_hooks));
}
