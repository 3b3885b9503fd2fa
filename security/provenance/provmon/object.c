// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: what nodes are in memory, and where the kernel's objects keep them
 */
#include <linux/magic.h>
#include <linux/major.h>
#include <linux/miscdevice.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "block.h"
#include "object.h"
#include "record.h"

struct lsm_blob_sizes provmon_blobs __ro_after_init = {
	.lbs_task = sizeof(struct prov_task),
	.lbs_file = sizeof(struct prov_file),
	.lbs_inode = sizeof(struct prov_inode *),
	.lbs_sock = sizeof(struct prov_socket *),
	.lbs_superblock = sizeof(struct prov_super),
	.lbs_ipc = sizeof(struct prov_ipc),
	.lbs_key = sizeof(struct prov_object),
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

struct prov_inode prov_elsewhere = {
	.obj = {
		.version = PROV_VERSION_LAST,
		.hot = PROV_VERSION_LAST,
		.lock = __SPIN_LOCK_UNLOCKED(prov_elsewhere.obj.lock),
	},
	.refs = REFCOUNT_INIT(1),
};

/* As in ipc/mqueue.c. */
#define MQUEUE_MAGIC	0x19800202

static struct kmem_cache *process_cache __ro_after_init;
static struct kmem_cache *inode_cache __ro_after_init;
static struct kmem_cache *mqueue_cache __ro_after_init;
static struct kmem_cache *tun_cache __ro_after_init;
static struct kmem_cache *mapper_cache __ro_after_init;
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
		prov_map_init_process(&process->place, &process->obj,
				      &process->memory, PROV_OP_MMAP,
				      PROV_OP_MMAP_WRITE);
		refcount_set(&process->refs, 1);
	}
	return process;
}

static void free_process(struct rcu_head *const rcu)
{
	struct prov_process *const process =
		container_of(rcu, struct prov_process, rcu);

	prov_map_free(&process->obj);
	kmem_cache_free(process_cache, process);
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

/* null, zero, full, random, urandom; fuse.c tells what goes through fuse */
static bool is_stateless_device(dev_t dev)
{
	if (MAJOR(dev) == MISC_MAJOR)
		return MINOR(dev) == FUSE_MINOR;
	if (MAJOR(dev) != MEM_MAJOR)
		return false;
	switch (MINOR(dev)) {
	case 3:
	case 5:
	case 7:
	case 8:
	case 9:
		return true;
	}
	return false;
}

/* Does each open file of this inode have objects of its own? */
static bool is_elsewhere(const struct inode *const inode)
{
	/* One inode serves all eventfds, timerfds and more. */
	if (inode->i_sb->s_magic == ANON_INODE_FS_MAGIC)
		return true;
	/* One reads the answer to what one has written oneself. */
	if (inode->i_fop && inode->i_fop->read == simple_transaction_read)
		return true;
	if (!S_ISCHR(prov_inode_type(inode)))
		return false;
	/* Each open file of /dev/net/tun is a queue of some device. */
	if (inode->i_rdev == MKDEV(MISC_MAJOR, TUN_MINOR))
		return true;
	/* tty, console, ptmx: names for other terminals, or for all of them. */
	return MAJOR(inode->i_rdev) == TTYAUX_MAJOR &&
	       MINOR(inode->i_rdev) <= 2;
}

/*
 * Return: the kind of node that an inode gets, or 0 if nothing flows through
 * it, or other objects than the inode stand for what does.
 */
static u8 inode_kind(const struct inode *const inode)
{
	const unsigned long magic = inode->i_sb->s_magic;

	switch (prov_inode_type(inode)) {
	case S_IFREG:
		if (magic == MQUEUE_MAGIC)
			return PROV_K_MQUEUE;
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

/* Some are larger. */
static struct kmem_cache *cache_of(u8 kind)
{
	switch (kind) {
	case PROV_K_MQUEUE:
		return mqueue_cache;
	case PROV_K_TUN:
		return tun_cache;
	case PROV_K_BPF_PROG:
	case PROV_K_LOOP:
		return mapper_cache;
	default:
		return inode_cache;
	}
}

static void free_inode(struct prov_inode *const node)
{
	kmem_cache_free(cache_of(node->obj.kind), node);
}

static struct prov_inode *alloc_inode(u8 kind, const struct inode *const inode,
				      gfp_t gfp)
{
	struct prov_inode *const node = kmem_cache_zalloc(cache_of(kind), gfp);

	if (!node)
		return NULL;
	prov_object_init(&node->obj, prov_new_id(), kind);
	/* An ioctl can set it, and the node keeps what it was.  FAT makes it up. */
	if (!data_race(inode->i_generation) ||
	    uuid_is_null(&inode->i_sb->s_uuid) ||
	    inode->i_sb->s_magic == MSDOS_SUPER_MAGIC)
		node->obj.flags |= PROV_OBJ_WEAK;
	/* Special files are names for it, and what flows into it gets a version. */
	if (sb_is_blkdev_sb(inode->i_sb)) {
		node->obj.flags |= PROV_OBJ_OWN;
		node->obj.out = true;
	}
	refcount_set(&node->refs, 1);
	return node;
}

static struct prov_inode *make_inode(const struct inode *const inode, gfp_t gfp)
{
	const u8 kind = inode_kind(inode);

	if (is_elsewhere(inode))
		return &prov_elsewhere;
	return kind ? alloc_inode(kind, inode, gfp) : &prov_nothing;
}

static bool is_node(const struct prov_inode *const node)
{
	return node && node != &prov_nothing && node != &prov_elsewhere;
}

/**
 * prov_inode_describe - describe a node like an inode, if it is not yet
 * @node: the node
 * @inode: what is to be said of it
 */
void prov_inode_describe(struct prov_inode *node, const struct inode *inode)
{
	if (unlikely(!(READ_ONCE(node->obj.flags) & PROV_OBJ_DESCRIBED)) &&
	    prov_record_inode(&node->obj, inode) &&
	    prov_record_inode_attr(node->obj.id, inode))
		prov_set_flag(&node->obj, PROV_OBJ_DESCRIBED);
}

/**
 * prov_inode_make_own - make a node like an inode's that does not end with it
 * @kind: its kind
 * @inode: what is to be said of it
 * @gfp: allocation flags
 *
 * Return: the node, with one reference, or NULL if there is no memory, which is
 * counted as a loss.
 */
struct prov_inode *prov_inode_make_own(u8 kind, struct inode *inode, gfp_t gfp)
{
	struct prov_inode *const node = alloc_inode(kind, inode, gfp);

	if (!node) {
		prov_emit_lost();
		return NULL;
	}
	node->obj.flags |= PROV_OBJ_OWN | PROV_OBJ_WEAK;
	prov_inode_describe(node, inode);
	return node;
}

static void init_mapper(struct prov_inode *const node)
{
	struct prov_mapper *const mapper =
		container_of(node, struct prov_mapper, node);

	prov_map_init_process(&mapper->place, &node->obj, &mapper->memory,
			      PROV_OP_USE, PROV_OP_USE);
}

/**
 * prov_inode_make_numbered - make a node for a BPF object or a loop device
 * @kind: its kind
 * @number: as in the record
 * @type: likewise
 * @name: its name
 *
 * Return: the node, with one reference, or NULL if there is no memory, which is
 * counted as a loss.
 *
 * Context: May sleep.
 */
struct prov_inode *prov_inode_make_numbered(u8 kind, u32 number, u32 type,
					    const char *name)
{
	struct prov_inode *const node =
		kmem_cache_zalloc(cache_of(kind), GFP_KERNEL);

	if (!node) {
		prov_emit_lost();
		return NULL;
	}
	prov_object_init(&node->obj, prov_new_id(), kind);
	if (cache_of(kind) == mapper_cache)
		init_mapper(node);
	refcount_set(&node->refs, 1);
	/* Not to be described as an inode, whatever becomes of the record. */
	node->obj.flags = PROV_OBJ_OWN | PROV_OBJ_DESCRIBED;
	node->names[0] = 1;
	if (prov_record_numbered(&node->obj, number, type) && *name)
		prov_record_text(node->obj.id, PROV_T_ANON_NAME, name,
				 strlen(name));
	return node;
}

/**
 * prov_inode_adopt - let an inode that has no node have this one
 * @inode: the inode
 * @node: the node; the inode gets a reference
 *
 * Return: true if it has it now.
 */
bool prov_inode_adopt(struct inode *inode, struct prov_inode *node)
{
	if (is_elsewhere(inode))
		return false;
	refcount_inc(&node->refs);
	if (!cmpxchg(prov_inode_slot(inode), NULL, node))
		return true;
	refcount_dec(&node->refs);
	return false;
}

static struct prov_inode *publish(struct inode *const inode,
				  struct prov_inode *const node, bool is_new,
				  gfp_t gfp)
{
	if (is_node(node) && prov_block_is_origin(inode))
		return prov_block_publish(inode, node, is_new, gfp);
	return cmpxchg(prov_inode_slot(inode), NULL, node);
}

/* Return: what the inode has in its slot now, or NULL if that could not be made. */
static noinline struct prov_inode *set_inode(struct inode *const inode,
					     bool is_new, gfp_t gfp)
{
	struct prov_inode *const node = make_inode(inode, gfp), *other;

	if (!node) {
		prov_emit_lost();
		return NULL;
	}
	other = publish(inode, node, is_new, gfp);
	if (!other)
		return node;
	if (is_node(node)) {
		prov_map_free(&node->obj);
		free_inode(node);
	}
	return IS_ERR(other) ? NULL : other;
}

/**
 * prov_inode_created - an inode was made just now
 * @inode: the inode, which does not come from what was on its device
 *
 * Context: May sleep.
 */
void prov_inode_created(struct inode *inode)
{
	if (unlikely(prov_block_is_origin(inode)) &&
	    !READ_ONCE(*prov_inode_slot(inode)))
		set_inode(inode, true, GFP_NOFS);
}

/**
 * prov_inode_get_gfp - the node of an inode, made if need be, and described
 * @inode: the inode
 * @gfp: allocation flags
 *
 * Return: the node, valid as long as the inode is; &prov_nothing, also if its
 * open files have nodes; or NULL if there is no memory, which is counted as a
 * loss.
 */
struct prov_inode *prov_inode_get_gfp(struct inode *inode, gfp_t gfp)
{
	struct prov_inode *node = READ_ONCE(*prov_inode_slot(inode));

	if (unlikely(!node))
		node = set_inode(inode, false, gfp);
	if (unlikely(!is_node(node)))
		return node ? &prov_nothing : NULL;
	prov_inode_describe(node, inode);
	return node;
}

/**
 * prov_inode_get - as prov_inode_get_gfp()
 * @inode: the inode
 *
 * Context: May sleep.
 */
struct prov_inode *prov_inode_get(struct inode *inode)
{
	/* Any hook may be called with locks of a file system held. */
	return prov_inode_get_gfp(inode, GFP_NOFS);
}

/**
 * prov_inode_put - give up a reference
 * @node: the node, not &prov_nothing
 */
void prov_inode_put(struct prov_inode *node)
{
	if (!refcount_dec_and_test(&node->refs))
		return;
	if (READ_ONCE(node->obj.flags) & PROV_OBJ_OWN)
		prov_record_end(&node->obj, 0);
	prov_map_free(&node->obj);
	free_inode(node);
}

static void hook_inode_free_security(struct inode *inode)
{
	struct prov_inode *node;

	if (!inode->i_security)
		return;
	prov_block_leave(inode);
	node = READ_ONCE(*prov_inode_slot(inode));
	if (is_node(node) && !(READ_ONCE(node->obj.flags) & PROV_OBJ_OWN))
		prov_record_end(&node->obj, inode->i_nlink == 0);
}

/* Path walks can look at an inode until a grace period has passed. */
static void hook_inode_free_security_rcu(void *inode_security)
{
	struct prov_inode *const node =
		*(struct prov_inode **)(inode_security +
					provmon_blobs.lbs_inode);

	if (is_node(node))
		prov_inode_put(node);
}

static void hook_file_free_security(struct file *file)
{
	struct prov_file *blob;

	if (!file->f_security)
		return;
	blob = prov_file(file);
	if (unlikely(blob->source))
		prov_inode_put(blob->source);
	if (unlikely(blob->target))
		prov_inode_put(blob->target);
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
		spin_lock_init(&node->feed_lock);
		INIT_LIST_HEAD(&node->feeds);
		refcount_set(&node->refs, 1);
		refcount_set(&node->socks, 1);
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
	struct prov_socket *const node =
		container_of(rcu, struct prov_socket, rcu);

	prov_map_free(&node->obj);
	kmem_cache_free(socket_cache, node);
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
	PROVENANCE_LSM_HOOK_INIT(file_free_security, hook_file_free_security),
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
	mqueue_cache = KMEM_CACHE(prov_mqueue, SLAB_PANIC | SLAB_ACCOUNT);
	tun_cache = KMEM_CACHE(prov_tun, SLAB_PANIC | SLAB_ACCOUNT);
	mapper_cache = KMEM_CACHE(prov_mapper, SLAB_PANIC | SLAB_ACCOUNT);
	socket_cache = KMEM_CACHE(prov_socket, SLAB_PANIC | SLAB_ACCOUNT);
}
