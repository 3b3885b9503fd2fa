/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: what nodes are in memory, and where the kernel's objects keep them
 */
#ifndef _SECURITY_PROVMON_OBJECT_H
#define _SECURITY_PROVMON_OBJECT_H

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/ipc.h>
#include <linux/list_bl.h>
#include <linux/path.h>
#include <linux/provenance.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/task_work.h>
#include <net/sock.h>

#include "mapping.h"

#define PROVMON_NAME	"provmon"

/*
 * struct prov_object.flags, changed under its lock, read without; 0x8000 is
 * PROV_OBJ_STALE
 */
#define PROV_OBJ_DESCRIBED	0x1	/* its node record is in the buffer */
#define PROV_OBJ_OPAQUE		0x2	/* process: is not recorded */
#define PROV_OBJ_WEAK		0x4	/* inode: set when made */
#define PROV_OBJ_MARKED		0x8	/* inode: who executes it is opaque */
#define PROV_OBJ_LOCAL		0x10	/* socket: own address is recorded */
#define PROV_OBJ_REMOTE		0x20	/* socket: other address is recorded */
#define PROV_OBJ_OWN		0x40	/* inode: of no inode; set when made */

/**
 * struct prov_told - what is recorded of a process besides flows
 * @key: sets by hash, the latest first; see told.c
 * @version: that the source of the edge had
 *
 * Under the lock of the process.  Forgetting is safe: it costs a record.
 */
struct prov_told {
	u64	key[4][4];
	u32	version[4][4];
};

/**
 * struct prov_process - the memory that one or more tasks share
 * @obj: its object
 * @cache_id: prov_cache_id() of it; PROV_CACHE_NEVER while it is opaque, so that
 *	the fast paths leave it to the slow ones
 * @tasks: living tasks that share it; its last one ends the node
 * @refs: tasks, living or not, that point here
 * @memory: under @obj.lock
 * @told: under @obj.lock
 * @captured: see prov_capture(), for messages
 * @received: id of the message node that it absorbed last.  Written without lock:
 *	every value it ever has is true
 * @opened: ids of inodes that it opened lately, so that opening them again is
 *	no news: sets by hash, the latest first.  Written without lock: a lost
 *	update costs a record
 * @place: for @obj.map
 * @mm: the memory itself, as long as it is used; only compared
 * @releases: how often all that it maps was released; under its mmap_lock
 * @by_mm: in the table of processes by @mm, which holds a reference
 * @rcu: others than the tasks themselves look under RCU
 */
struct prov_process {
	struct prov_object	obj;
	u32			cache_id;
	refcount_t		refs;
	atomic_t		tasks;
	struct prov_memory	memory;
	struct prov_told	told;
	u64			captured;
	u64			received;
	u64			opened[4][4];
	struct prov_process_map	place;
	const struct mm_struct	*mm;
	unsigned int		releases;
	struct hlist_bl_node	by_mm;
	struct rcu_head		rcu;
};

/**
 * struct prov_inode - an inode, or with PROV_OBJ_OWN what is like one
 * @obj: its object
 * @refs: the inode, executions that are under way, open files and terminals
 * @names: keys of the names that were recorded last, the latest first
 */
struct prov_inode {
	struct prov_object	obj;
	refcount_t		refs;
	u32			names[4];
};

/**
 * struct prov_lanes - what is put into a message queue, by whom
 * @lane: the latest, in turn
 * @lane.process: id of a process
 * @lane.version: its version
 * @lane.node: the message node into which it flowed
 * @next: the lane that is forgotten next
 *
 * Protected by the lock of the queue.
 */
struct prov_lanes {
	struct prov_lane {
		u64		process;
		u64		node;
		u32		version;
	} lane[4];
	u32			next;
};

/**
 * struct prov_mqueue - the inode of a POSIX message queue
 * @node: as of every inode
 * @lanes: what is put into it
 */
struct prov_mqueue {
	struct prov_inode	node;
	struct prov_lanes	lanes;
};

/**
 * struct prov_ipc - blob of a SysV IPC object
 * @obj: its object
 * @ipcns: inode number of the IPC namespace that it was made in
 * @told: of a semaphore set: how often it was told something new.  Written without lock
 * @lanes: of a message queue: what is put into it
 * @changed: of a semaphore set: cache words of processes that, at that version,
 *	changed it since anybody told it something new.  Written without lock: a
 *	lost word costs a record
 * @waited: likewise, of processes that waited and changed nothing
 */
struct prov_ipc {
	struct prov_object	obj;
	u32			ipcns;
	u32			told;
	union {
		struct prov_lanes lanes;
		struct {
			u64	changed[4];
			u64	waited[2];
		};
	};
};

/**
 * struct prov_absorbed - where the packets came from that an object has taken in
 * @word: cache words, by a hash of the other object: its version that is absorbed
 *
 * Written without lock: a lost word costs a record.
 */
struct prov_absorbed {
	u64			word[8];
};

/**
 * struct prov_socket - a socket
 * @obj: its object
 * @refs: @socks, and its peer
 * @socks: the socket, and the flows of an MPTCP connection
 * @delivered: cache words: this socket's version that the object there absorbed
 * @delivered_next: the word that a further receiver gets.  Written without lock:
 *	all that can come of it is that two of them share a word
 * @absorbed: where its packets came from that are not in @delivered there
 * @captured: see prov_capture(), for packets
 * @feed_lock: of @pinned and @feeds; the graph's lock is taken under it
 * @pinned: sends whose packets may refer to memory of a process
 * @feeds: the processes of @pinned, see zerocopy.c
 * @peer: the other end on this machine, or NULL.  Read under RCU, changed by who
 *	connects the socket or frees it.  Holds a reference, which is given up when
 *	this socket goes, so that two ends do not keep each other
 * @remote: remote address that was recorded last, of a datagram socket.  Under the
 *	lock of @obj: a mixture of two would be a third one that was not recorded
 * @rcu: receivers look at the peer of their socket under RCU
 * @wait: in the table of connections that wait for their other end
 * @key: of @wait, kept when it is found; as @gone under the lock of the table
 * @gone: the socket is no more, only its node is
 */
struct prov_socket {
	struct prov_object	obj;
	refcount_t		refs;
	refcount_t		socks;
	u64			delivered[4];
	u32			delivered_next;
	struct prov_absorbed	absorbed;
	u64			captured;
	struct prov_remote {
		u16		family;
		__be16		port;
		u32		scope;
		struct in6_addr	address;
	} remote;
	spinlock_t		feed_lock;	/* of the next two */
	unsigned int		pinned;
	struct list_head	feeds;
	struct prov_socket __rcu *peer;
	struct rcu_head		rcu;
	struct hlist_node	wait;
	struct prov_connection {
		__be32		isn[2];
		__be16		port[2];
	} key;
	bool			gone;
};

/**
 * struct prov_tun - what is to be read from a queue of a TUN or TAP device
 * @node: as of an inode
 * @absorbed: where its packets came from
 */
struct prov_tun {
	struct prov_inode	node;
	struct prov_absorbed	absorbed;
};

/**
 * struct prov_mapper - a BPF program or loop device: it maps like a process
 * @node: as of an inode
 * @memory: under the lock of @node
 * @place: for @node.obj.map: what it can use
 */
struct prov_mapper {
	struct prov_inode	node;
	struct prov_memory	memory;
	struct prov_process_map	place;
};

/**
 * struct prov_super - blob of a mounted file system
 * @device: the block device that its inodes come from, or NULL.  Set last, once;
 *	holds a reference
 * @version: that this had when it was mounted
 * @loop: the loop device that what is written to its inodes comes to, or NULL;
 *	holds a reference
 * @mixed: an inode that cannot be told from others had learnt something when it left
 *	memory
 */
struct prov_super {
	struct prov_inode	*device;
	u32			version;
	struct prov_inode	*loop;
	bool			mixed;
};

/**
 * struct prov_exec - an execution that is under way
 * @process: what current becomes
 * @files: binaries, scripts and interpreters so far
 * @count: of @files
 * @may_be_opaque: who executes them has CAP_AUDIT_CONTROL
 */
struct prov_exec {
	struct prov_process	*process;
	struct prov_inode	*files[8];
	unsigned int		count;
	bool			may_be_opaque;
};

/**
 * struct prov_task - blob of a task; only the task itself looks, but for @process
 * @process: never NULL; RCU for others
 * @sending: id of the object that @send is into, or 0.  What fails is not told,
 *	so it may be long over
 * @send: a flow whose outcome is not known
 * @splice_in: pipe that a splice under way takes from, or NULL
 * @splice_out: where it passes that on
 * @datagram_to: socket that takes @datagram, or NULL; holds a reference
 * @datagram: flow from a socket into @datagram_to, outcome not known
 * @request: the netlink socket that it is sending through, or NULL
 * @exec: execution under way, or NULL
 * @names: of the name operation under way: its directory, the other one of a
 *	rename, and the target of a symbolic link.  Holds references, which
 *	@names_work gives up; the target is only valid within the operation
 * @names_work: to be done on return to user space
 * @names_queued: it is queued
 * @poked: process whose memory is being written, or NULL; holds a reference
 * @poke: that flow, outcome not known
 * @leaving: a mount that is about to go, or NULL; it is only compared
 * @leaving_path: where it is; allocated
 * @server: the process that a thread of a server in the kernel is while it handles a
 *	request, or NULL; holds a reference
 * @served: id of the socket that its requests come from, or 0
 * @loading: when the BPF program began to be loaded that it may get a descriptor of
 *	next, or 0
 * @alive: counted in @process->tasks
 * @descriptors: it got some since it received from a socket
 * @partly_copied: it was given a part of what it asks for, and is about to be told -EFAULT
 * @message_dropped: the message that it frees next could not be received
 */
struct prov_task {
	struct prov_process __rcu *process;
	u64			sending;
	struct prov_send	send;
	struct file		*splice_in;
	struct file		*splice_out;
	bool			alive;
	bool			names_queued;
	bool			descriptors;
	bool			message_dropped;
	bool			partly_copied;
	struct prov_send	datagram;
	struct prov_socket	*datagram_to;
	struct prov_socket	*request;
	struct prov_exec	*exec;
	struct {
		struct path	dir;
		struct dentry	*other;
		const char	*target;
	} names;
	struct callback_head	names_work;
	struct prov_process	*poked;
	struct prov_send	poke;
	const void		*leaving;
	char			*leaving_path;
	struct prov_process	*server;
	u64			served;
	u64			loading;
};

/**
 * struct prov_file - blob of an open file
 * @in: cache of flows from it into a process
 * @out: cache of flows from a process into it
 * @source: what is read through it, if it is not the inode, or NULL
 * @target: what is written through it goes there, if that is not the same, or NULL
 *
 * The cache of an inode's readers is compared with the version of the inode's
 * node, so @in is only used if that is @source, or &prov_elsewhere.  Both nodes
 * are set once, and hold references.
 */
struct prov_file {
	u64			in;
	u64			out;
	struct prov_inode	*source;
	struct prov_inode	*target;
};

extern struct lsm_blob_sizes provmon_blobs;

/* Stands for all that nothing flows through: /dev/null, kernel threads. */
extern struct prov_process prov_nobody;
extern struct prov_inode prov_nothing;
/* An inode whose open files have nodes.  Never in the version of a cache word. */
extern struct prov_inode prov_elsewhere;

static __always_inline struct prov_task *
prov_task(const struct task_struct *const task)
{
	return task->security + provmon_blobs.lbs_task;
}

static __always_inline struct prov_process *prov_current(void)
{
	/* Only the task itself changes it. */
	return rcu_dereference_raw(prov_task(current)->process);
}

static __always_inline struct prov_file *
prov_file(const struct file *const file)
{
	return file->f_security + provmon_blobs.lbs_file;
}

static __always_inline struct prov_inode **
prov_inode_slot(const struct inode *const inode)
{
	return inode->i_security + provmon_blobs.lbs_inode;
}

static inline struct prov_super *
prov_super(const struct super_block *const sb)
{
	return sb->s_security + provmon_blobs.lbs_superblock;
}

static __always_inline umode_t prov_inode_type(const struct inode *const inode)
{
	/* chmod() changes what is beside it. */
	return data_race(inode->i_mode) & S_IFMT;
}

static __always_inline struct prov_ipc *
prov_ipc(const struct kern_ipc_perm *const perm)
{
	return perm->security + provmon_blobs.lbs_ipc;
}

static __always_inline struct prov_socket **
prov_socket_slot(const struct sock *const sk)
{
	return sk->sk_security + provmon_blobs.lbs_sock;
}

/* Is what this process does recorded? */
static inline bool prov_is_recorded(const struct prov_process *const process)
{
	return !(READ_ONCE(process->obj.flags) & PROV_OBJ_OPAQUE);
}

static inline void prov_set_flag(struct prov_object *const obj, u16 flag)
{
	unsigned long flags;

	spin_lock_irqsave(&obj->lock, flags);
	WRITE_ONCE(obj->flags, obj->flags | flag);
	spin_unlock_irqrestore(&obj->lock, flags);
}

/* Return: true if it was set. */
static inline bool prov_clear_flag(struct prov_object *const obj, u16 flag)
{
	unsigned long flags;
	bool was_set;

	spin_lock_irqsave(&obj->lock, flags);
	was_set = obj->flags & flag;
	WRITE_ONCE(obj->flags, obj->flags & ~flag);
	spin_unlock_irqrestore(&obj->lock, flags);
	return was_set;
}

u64 prov_new_id(void);

struct prov_process *prov_process_alloc(gfp_t gfp);
void prov_process_put(struct prov_process *process);

struct prov_inode *prov_inode_get_gfp(struct inode *inode, gfp_t gfp);
struct prov_inode *prov_inode_get(struct inode *inode);
void prov_inode_created(struct inode *inode);
void prov_inode_put(struct prov_inode *node);
struct prov_inode *prov_inode_make_own(u8 kind, struct inode *inode, gfp_t gfp);
struct prov_inode *prov_inode_make_numbered(u8 kind, u32 number, u32 type,
					    const char *name);
bool prov_inode_adopt(struct inode *inode, struct prov_inode *node);
void prov_inode_describe(struct prov_inode *node, const struct inode *inode);

struct prov_socket *prov_socket_get(struct sock *sk, gfp_t gfp);
void prov_socket_put(struct prov_socket *node);

bool prov_is_active(void);
void prov_object_setup(void);
void prov_inode_add_hooks(void);

#endif /* _SECURITY_PROVMON_OBJECT_H */
