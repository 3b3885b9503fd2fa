// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: block devices, loop devices, and file systems on them
 *
 * A block device is one node, that of the kernel's own inode of it, whatever special
 * files are names for it.
 *
 * What is written to a loop device comes to its file, and what is in the file can be
 * read from the device, at any moment and by threads of the kernel that stand for
 * nobody.  That is what a process does that maps both, so a loop device is one in the
 * graph of mappings, from when it is given a file until it loses it:
 *
 *	dd --write--> [/dev/loop0] --use--> loop0 --use--> [disk.img] --read--> cat
 *
 * A file that is loaded from a device comes from what the device knew when its file
 * system was mounted:
 *
 *	mkfs --write--> [/dev/loop0] --use--> [/mnt/file] --read--> cat
 *
 * and what it learns comes to a loop device, of which it is a file that is mapped to
 * be read:
 *
 *	cp --write--> [/mnt/file] --use--> loop0 --use--> [disk.img]
 *
 * The device knows all that was written to any of its files then.  That it does not
 * come back to others is why it is the version of the mount that counts.
 */
#include <linux/blkdev.h>
#include <linux/hashtable.h>
#include <linux/kstrtox.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "block.h"
#include "file.h"
#include "process.h"
#include "record.h"

/**
 * struct bound - a loop device that has a file
 * @all: in @all_bound, by @disk
 * @disk: only compared
 * @loop: its node; holds a reference
 * @read_only: it does not change its file
 * @uses: what it maps
 * @device: of the device, when that has its node no more
 * @rcu: who reads a page of the device looks at its node under RCU
 */
struct bound {
	struct hlist_node	all;
	const struct gendisk	*disk;
	struct prov_inode	*loop;
	bool			read_only;
	struct list_head	uses;
	struct prov_inode	*device;
	struct rcu_head		rcu;
};

/**
 * struct use - something that a loop device maps
 * @list: in @uses of the device
 * @node: holds a reference
 * @is_file: it is the file of the device; the others are the device and its
 *	partitions
 */
struct use {
	struct list_head	list;
	struct prov_inode	*node;
	bool			is_file;
};

static DEFINE_HASHTABLE(all_bound, 6);
/*
 * Of @all_bound and all in it, of the nodes of block devices, and of who fills in a
 * struct prov_super.  Below the locks of devices and s_umount.
 */
static DEFINE_MUTEX(block_lock);
/* Inodes that come from a device get their node under it. */
static DEFINE_SPINLOCK(publish_lock);

/* Memory that is short must not wait for the device that waits for us. */
static unsigned int lock_all(void)
{
	mutex_lock(&block_lock);
	return memalloc_noio_save();
}

static void unlock_all(unsigned int noio)
{
	memalloc_noio_restore(noio);
	mutex_unlock(&block_lock);
}

static struct bound *find(const struct gendisk *const disk)
{
	struct bound *bound;

	hash_for_each_possible(all_bound, bound, all, (unsigned long)disk)
		if (bound->disk == disk)
			return bound;
	return NULL;
}

static bool uses(const struct bound *const bound,
		 const struct prov_inode *const node)
{
	const struct use *use;

	list_for_each_entry(use, &bound->uses, list)
		if (use->node == node)
			return true;
	return false;
}

static void free_use(struct use *const use)
{
	list_del(&use->list);
	prov_inode_put(use->node);
	kfree(use);
}

static void end_use(struct bound *const bound, struct use *const use,
		    enum prov_access access)
{
	prov_map_remove(bound->loop->obj.map, use->node->obj.map, access, 1);
	free_use(use);
}

/* Of partitions that are no more, nobody else has the node. */
static void end_uses_of_gone(struct bound *const bound)
{
	struct use *use, *next;

	list_for_each_entry_safe(use, next, &bound->uses, list)
		if (!use->is_file && refcount_read(&use->node->refs) == 1)
			end_use(bound, use, PROV_ACCESS_SHARE);
}

static void begin_use(struct bound *const bound, struct prov_inode *const node,
		      enum prov_access access, bool is_file)
{
	struct use *const use = kmalloc(sizeof(*use), GFP_KERNEL);
	struct prov_map *map;

	end_uses_of_gone(bound);
	if (!use) {
		prov_emit_lost();
		return;
	}
	map = prov_map_get(&node->obj);
	if (!map) {
		kfree(use);
		return;
	}
	refcount_inc(&node->refs);
	*use = (struct use){ .node = node, .is_file = is_file };
	list_add(&use->list, &bound->uses);
	prov_map_add(bound->loop->obj.map, map, access, 1);
}

/* It has another file now, which only read-only ones can get. */
static void end_use_of_file(struct bound *const bound)
{
	struct use *use, *next;

	list_for_each_entry_safe(use, next, &bound->uses, list)
		if (use->is_file)
			end_use(bound, use, PROV_ACCESS_READ);
}

/* Return: the node of a device, made if need be, or NULL. */
static struct prov_inode *device_node(struct block_device *const bdev)
{
	struct prov_inode *const node = prov_inode_get(bdev->bd_mapping->host);
	struct bound *const bound = find(bdev->bd_disk);

	if (!node || node == &prov_nothing)
		return NULL;
	if (bound && !uses(bound, node))
		begin_use(bound, node, PROV_ACCESS_SHARE, false);
	return node;
}

static struct bound *bind(struct gendisk *const disk, bool read_only)
{
	struct bound *const bound = kzalloc(sizeof(*bound), GFP_KERNEL);
	unsigned int number = 0;

	if (!bound) {
		prov_emit_lost();
		return NULL;
	}
	/* It is called "loop" and its number. */
	if (strlen(disk->disk_name) > 4 &&
	    kstrtouint(disk->disk_name + 4, 10, &number))
		number = 0;
	bound->loop = prov_inode_make_numbered(PROV_K_LOOP, number, 0,
					       disk->disk_name);
	if (!bound->loop) {
		kfree(bound);
		return NULL;
	}
	bound->disk = disk;
	bound->read_only = read_only;
	INIT_LIST_HEAD(&bound->uses);
	hash_add(all_bound, &bound->all, (unsigned long)disk);
	device_node(disk->part0);
	return bound;
}

/* By a request that is no write, which can still fail: then the cache is gone, at least. */
static void hook_device_erased(struct block_device *bdev)
{
	struct prov_process *const process = prov_current();
	struct prov_channel chan;
	struct prov_inode *node;
	unsigned int noio;

	if (!prov_is_recorded(process))
		return;
	prov_process_describe(process);
	noio = lock_all();
	node = device_node(bdev);
	if (node) {
		chan = (struct prov_channel){
			.src = &process->obj,
			.dst = &node->obj,
			.memory = &process->memory,
			.direction = PROV_OUT,
			.op = PROV_OP_WRITE,
		};
		prov_flow(&chan);
	}
	unlock_all(noio);
}

static void hook_loop_bound(struct gendisk *disk, struct file *file,
			    bool read_only)
{
	struct prov_process *const process = prov_current();
	struct prov_object *const object = prov_file_mapped(file);
	struct bound *bound;
	unsigned int noio;

	if (prov_is_recorded(process))
		prov_process_describe(process);
	noio = lock_all();
	bound = find(disk);
	if (bound)
		end_use_of_file(bound);
	else
		bound = bind(disk, read_only);
	if (bound && object)
		begin_use(bound, container_of(object, struct prov_inode, obj),
			  read_only ? PROV_ACCESS_READ : PROV_ACCESS_SHARE,
			  true);
	if (bound && prov_is_recorded(process))
		prov_record_control(PROV_OP_ATTACH, &process->obj,
				    &bound->loop->obj);
	unlock_all(noio);
}

static void free_bound(struct rcu_head *const rcu)
{
	struct bound *const bound = container_of(rcu, struct bound, rcu);
	struct use *use, *next;

	list_for_each_entry_safe(use, next, &bound->uses, list)
		free_use(use);
	if (bound->device && bound->device != &prov_nothing)
		prov_inode_put(bound->device);
	prov_inode_put(bound->loop);
	kfree(bound);
}

/*
 * What was in the device is not there any more: if it gets another file, it has
 * another node.  Nobody has it open.
 */
static void hook_loop_unbound(struct gendisk *disk)
{
	struct inode *const inode = disk->part0->bd_mapping->host;
	const unsigned int noio = lock_all();
	struct bound *const bound = find(disk);

	if (bound) {
		hash_del(&bound->all);
		prov_map_release_mapper(bound->loop->obj.map);
		bound->device = xchg(prov_inode_slot(inode), NULL);
		call_rcu(&bound->rcu, free_bound);
	}
	unlock_all(noio);
}

/**
 * prov_block_opened - a special file of a block device was opened
 * @file: what is read and written through it is in the device
 *
 * Context: May sleep.
 */
void prov_block_opened(struct file *file)
{
	struct inode *const inode = file->f_mapping->host;
	struct prov_inode **const slot = &prov_file(file)->source;
	struct prov_inode *node;
	unsigned int noio;

	if (!sb_is_blkdev_sb(inode->i_sb))
		return;
	noio = lock_all();
	node = device_node(I_BDEV(inode));
	if (node) {
		refcount_inc(&node->refs);
		if (cmpxchg(slot, NULL, node))
			refcount_dec(&node->refs);
	}
	unlock_all(noio);
}

/* If nothing was written to the device and it is no loop, it is no origin. */
static void note_origin(struct prov_super *const super,
			struct block_device *const bdev)
{
	struct bound *const bound = find(bdev->bd_disk);
	struct prov_inode *node = *prov_inode_slot(bdev->bd_mapping->host);
	u32 version;

	if (bound)
		node = device_node(bdev);
	if (!node || node == &prov_nothing)
		return;
	prov_pull(&node->obj);
	version = prov_close_version(&node->obj);
	if (!version && !bound)
		return;
	super->version = version;
	if (bound && !bound->read_only) {
		refcount_inc(&bound->loop->refs);
		WRITE_ONCE(super->loop, bound->loop);
	}
	refcount_inc(&node->refs);
	/* All of it is there.  Pairs with prov_block_is_origin(). */
	smp_store_release(&super->device, node);
}

/* Mounted, and nobody can see it yet; or once more. */
static int hook_sb_set_mnt_opts(struct super_block *sb, void *mnt_opts,
				unsigned long kern_flags,
				unsigned long *set_kern_flags)
{
	struct prov_super *const super = prov_super(sb);
	unsigned int noio;

	if (!sb->s_bdev || READ_ONCE(super->device))
		return 0;
	noio = lock_all();
	if (!super->device)
		note_origin(super, sb->s_bdev);
	unlock_all(noio);
	return 0;
}

/* Made by current, and nobody can see it yet. */
static int hook_inode_init_security(struct inode *inode, struct inode *dir,
				    const struct qstr *qstr,
				    struct xattr *xattrs, int *xattr_count)
{
	prov_inode_created(inode);
	return 0;
}

static void hook_sb_free_security(struct super_block *sb)
{
	struct prov_super *super;

	if (!sb->s_security)
		return;
	super = prov_super(sb);
	if (super->device)
		prov_inode_put(super->device);
	if (super->loop)
		prov_inode_put(super->loop);
}

/*
 * The version of the device that an inode comes from.  It can be one that left memory
 * before.  If it cannot be told which, it can have learnt all that the device knows.
 */
static u32 origin_version(const struct prov_super *const super,
			  const struct prov_inode *const node)
{
	if (!(node->obj.flags & PROV_OBJ_WEAK) || !READ_ONCE(super->mixed))
		return super->version;
	prov_pull(&super->device->obj);
	return prov_close_version(&super->device->obj);
}

/**
 * prov_block_publish - let an inode have its node
 * @inode: the inode, for which prov_block_is_origin() holds
 * @node: the node, which nobody knows yet
 * @is_new: the inode was made just now, and not loaded from the device
 * @gfp: allocation flags
 *
 * Nobody sees the node without what it knows.
 *
 * Return: NULL, or the node that it has already, or an error if what it knows was
 * lost: then it is to be tried again with another node.
 */
struct prov_inode *prov_block_publish(struct inode *inode,
				      struct prov_inode *node, bool is_new,
				      gfp_t gfp)
{
	const struct prov_super *const super = prov_super(inode->i_sb);
	struct prov_inode **const slot = prov_inode_slot(inode);
	const u32 version = is_new ? 0 : origin_version(super, node);
	struct prov_inode *other;
	unsigned long flags;

	/* What it learns by itself gets a version: see prov_block_leave(). */
	node->obj.out = true;
	/* It learns nothing by this that the device does not know. */
	if (super->loop)
		prov_map_adopt(super->loop->obj.map, &node->obj, gfp);
	spin_lock_irqsave(&publish_lock, flags);
	other = READ_ONCE(*slot);
	if (!other) {
		prov_inode_describe(node, inode);
		if (is_new || prov_emit_edge(PROV_OP_USE, &super->device->obj,
					     version, &node->obj, 0))
			other = cmpxchg(slot, NULL, node);
		else
			other = ERR_PTR(-ENOBUFS);
	}
	spin_unlock_irqrestore(&publish_lock, flags);
	if (other)
		prov_map_drop(&node->obj);
	return other;
}

/**
 * prov_block_leave - an inode is about to be freed
 * @inode: the inode
 *
 * What it has learnt comes to the device now.
 */
void prov_block_leave(struct inode *inode)
{
	struct prov_super *const super = prov_super(inode->i_sb);
	struct prov_inode *node;

	/* It is set before the first inode is published. */
	if (!READ_ONCE(super->loop))
		return;
	/* Who finds it under RCU is not to make a node that would have to leave. */
	node = cmpxchg(prov_inode_slot(inode), NULL, &prov_nothing);
	if (!node || node == &prov_nothing || node == &prov_elsewhere)
		return;
	prov_map_drop(&node->obj);
	if (node->obj.flags & PROV_OBJ_WEAK && node->obj.version)
		WRITE_ONCE(super->mixed, true);
}

static const struct provenance_hook block_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(sb_set_mnt_opts, hook_sb_set_mnt_opts),
	PROVENANCE_LSM_HOOK_INIT(sb_free_security, hook_sb_free_security),
	PROVENANCE_LSM_HOOK_INIT(inode_init_security, hook_inode_init_security),
	PROVENANCE_OWN_HOOK_INIT(device_erased, hook_device_erased),
	PROVENANCE_OWN_HOOK_INIT(loop_bound, hook_loop_bound),
	PROVENANCE_OWN_HOOK_INIT(loop_unbound, hook_loop_unbound),
};

void __init prov_block_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, block_hooks,
			     ARRAY_SIZE(block_hooks));
}
