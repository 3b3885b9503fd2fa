// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: what nodes are in memory, and where the kernel's objects keep them
 */
#include <linux/magic.h>
#include <linux/major.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "object.h"
#include "record.h"

struct lsm_blob_sizes provmon_blobs __ro_after_init = {
	.lbs_task = sizeof(struct prov_task),
	.lbs_file = sizeof(struct prov_file),
	.lbs_inode = sizeof(struct prov_inode *),
	.lbs_sock = sizeof(struct prov_socket *),
};

struct prov_process prov_nobody = {
	.obj = {
		.flags = PROV_OBJ_OPAQUE,
		.lock = __SPIN_LOCK_UNLOCKED(prov_nobody.obj.lock),
	},
	.cache_id = PROV_CACHE_NEVER,
	.refs = REFCOUNT_INIT(1),
};

struct prov_inode prov_nothing = {
	.obj = {
		.lock = __SPIN_LOCK_UNLOCKED(prov_nothing.obj.lock),
	},
	.refs = REFCOUNT_INIT(1),
};

static struct kmem_cache *process_cache __ro_after_init;
static struct kmem_cache *inode_cache __ro_after_init;
static struct kmem_cache *socket_cache __ro_after_init;

/* CPUs take ids in batches, so that a new object touches nothing shared. */
#define ID_BATCH	1024

static atomic64_t next_batch = ATOMIC64_INIT(0);
static DEFINE_PER_CPU(u64, next_id);

/**
 * prov_new_id - an id that no other object of this boot has had or will have
 */
u64 prov_new_id(void)
{
	unsigned long flags;
	u64 *next, id;

	local_irq_save(flags);
	next = this_cpu_ptr(&next_id);
	if (!(*next % ID_BATCH))
		*next = atomic64_inc_return(&next_batch) * ID_BATCH;
	id = (*next)++;
	local_irq_restore(flags);
	return id;
}

/**
 * prov_process_alloc - make a process node for one task
 * @gfp: allocation flags
 *
 * Return: the node, with one reference and no living task, or NULL.
 */
struct prov_process *prov_process_alloc(gfp_t gfp)
{
	struct prov_process *const process =
		kmem_cache_zalloc(process_cache, gfp);

	if (process) {
		prov_object_init(&process->obj, prov_new_id(), PROV_K_PROCESS);
		process->cache_id = prov_cache_id(process->obj.id);
		refcount_set(&process->refs, 1);
	}
	return process;
}

static void free_process(struct rcu_head *const rcu)
{
	kmem_cache_free(process_cache,
			container_of(rcu, struct prov_process, rcu));
}

/**
 * prov_process_put - give up a reference
 * @process: the node
 */
void prov_process_put(struct prov_process *process)
{
	if (refcount_dec_and_test(&process->refs))
		call_rcu(&process->rcu, free_process);
}

/* Major 1: null, zero, full, random, urandom.  Major 5: tty, console, ptmx. */
static bool is_stateless_device(dev_t dev)
{
	switch (MAJOR(dev)) {
	case MEM_MAJOR:
		switch (MINOR(dev)) {
		case 3:
		case 5:
		case 7:
		case 8:
		case 9:
			return true;
		}
		return false;
	case TTYAUX_MAJOR:
		/* Names for other terminals, or for all of them. */
		return MINOR(dev) == 0 || MINOR(dev) == 2;
	}
	return false;
}

/*
 * Return: the kind of node that an inode gets, or 0 if nothing flows through
 * it, or other objects than the inode stand for what does.
 */
static u8 inode_kind(const struct inode *const inode)
{
	const unsigned long magic = inode->i_sb->s_magic;

	/* One inode serves all eventfds, timerfds and more. */
	if (magic == ANON_INODE_FS_MAGIC)
		return 0;
	switch (inode->i_mode & S_IFMT) {
	case S_IFREG:
		if (magic == TMPFS_MAGIC && inode->i_sb->s_flags & SB_KERNMOUNT)
			return PROV_K_MEMFD;
		return PROV_K_FILE;
	case S_IFDIR:
		return PROV_K_DIRECTORY;
	case S_IFLNK:
		return PROV_K_SYMLINK;
	case S_IFIFO:
		return magic == PIPEFS_MAGIC ? PROV_K_PIPE : PROV_K_FIFO;
	case S_IFCHR:
		return is_stateless_device(inode->i_rdev) ? 0 : PROV_K_CHARDEV;
	case S_IFBLK:
		return PROV_K_BLOCKDEV;
	case S_IFSOCK:
		return magic == SOCKFS_MAGIC ? 0 : PROV_K_FILE;
	default:
		return PROV_K_ANON;
	}
}

static struct prov_inode *make_inode(const struct inode *const inode)
{
	const u8 kind = inode_kind(inode);
	struct prov_inode *node;

	if (!kind)
		return &prov_nothing;
	/* Any hook may be called with locks of a file system held. */
	node = kmem_cache_zalloc(inode_cache, GFP_NOFS);
	if (!node)
		return NULL;
	prov_object_init(&node->obj, prov_new_id(), kind);
	if (!inode->i_generation || uuid_is_null(&inode->i_sb->s_uuid))
		node->obj.flags |= PROV_OBJ_WEAK;
	refcount_set(&node->refs, 1);
	return node;
}

/**
 * prov_inode_get - the node of an inode, made if need be, and described
 * @inode: the inode
 *
 * Context: May sleep.
 * Return: the node, valid as long as the inode is; &prov_nothing; or NULL if
 * there is no memory, which is counted as a loss.
 */
struct prov_inode *prov_inode_get(struct inode *inode)
{
	struct prov_inode **const slot = prov_inode_slot(inode);
	struct prov_inode *node = READ_ONCE(*slot), *other;

	if (unlikely(!node)) {
		node = make_inode(inode);
		if (!node) {
			prov_emit_lost();
			return NULL;
		}
		other = cmpxchg(slot, NULL, node);
		if (other) {
			if (node != &prov_nothing)
				kmem_cache_free(inode_cache, node);
			node = other;
		}
	}
	if (unlikely(!(READ_ONCE(node->obj.flags) & PROV_OBJ_DESCRIBED)) &&
	    node != &prov_nothing && prov_record_inode(&node->obj, inode) &&
	    prov_record_inode_attr(node->obj.id, inode))
		prov_set_flag(&node->obj, PROV_OBJ_DESCRIBED);
	return node;
}

/**
 * prov_inode_put - give up a reference
 * @node: the node, not &prov_nothing
 */
void prov_inode_put(struct prov_inode *node)
{
	if (refcount_dec_and_test(&node->refs))
		kmem_cache_free(inode_cache, node);
}

static void hook_inode_free_security(struct inode *inode)
{
	struct prov_inode *node;

	if (!inode->i_security)
		return;
	node = *prov_inode_slot(inode);
	if (node && node != &prov_nothing)
		prov_record_end(&node->obj, inode->i_nlink == 0);
}

/* Path walks can look at an inode until a grace period has passed. */
static void hook_inode_free_security_rcu(void *inode_security)
{
	struct prov_inode *const node =
		*(struct prov_inode **)(inode_security +
					provmon_blobs.lbs_inode);

	if (node && node != &prov_nothing)
		prov_inode_put(node);
}

/**
 * prov_socket_get - the node of a socket, made if need be, and described
 * @sk: the socket
 * @gfp: allocation flags
 *
 * Return: the node, valid as long as the socket is, or NULL if there is no
 * memory, which is counted as a loss.
 */
struct prov_socket *prov_socket_get(struct sock *sk, gfp_t gfp)
{
	struct prov_socket **const slot = prov_socket_slot(sk);
	struct prov_socket *node = READ_ONCE(*slot), *other;

	if (unlikely(!node)) {
		node = kmem_cache_zalloc(socket_cache, gfp);
		if (!node) {
			prov_emit_lost();
			return NULL;
		}
		prov_object_init(&node->obj, prov_new_id(), PROV_K_SOCKET);
		refcount_set(&node->refs, 1);
		other = cmpxchg(slot, NULL, node);
		if (other) {
			kmem_cache_free(socket_cache, node);
			node = other;
		}
	}
	if (unlikely(!(READ_ONCE(node->obj.flags) & PROV_OBJ_DESCRIBED)) &&
	    prov_record_socket(&node->obj, sk))
		prov_set_flag(&node->obj, PROV_OBJ_DESCRIBED);
	return node;
}

static void free_socket(struct rcu_head *const rcu)
{
	kmem_cache_free(socket_cache,
			container_of(rcu, struct prov_socket, rcu));
}

/**
 * prov_socket_put - give up a reference
 * @node: the node
 */
void prov_socket_put(struct prov_socket *node)
{
	if (refcount_dec_and_test(&node->refs))
		call_rcu(&node->rcu, free_socket);
}

static const struct provenance_hook inode_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(inode_free_security, hook_inode_free_security),
	PROVENANCE_LSM_HOOK_INIT(inode_free_security_rcu,
				 hook_inode_free_security_rcu),
};

void __init prov_inode_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, inode_hooks,
			     ARRAY_SIZE(inode_hooks));
}

/**
 * prov_object_setup - make the caches
 */
void __init prov_object_setup(void)
{
	process_cache = KMEM_CACHE(prov_process, SLAB_PANIC | SLAB_ACCOUNT);
	inode_cache = KMEM_CACHE(prov_inode, SLAB_PANIC | SLAB_ACCOUNT);
	socket_cache = KMEM_CACHE(prov_socket, SLAB_PANIC | SLAB_ACCOUNT);
}
