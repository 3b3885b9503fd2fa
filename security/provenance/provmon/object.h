/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: what nodes are in memory, and where the kernel's objects keep them
 */
#ifndef _SECURITY_PROVMON_OBJECT_H
#define _SECURITY_PROVMON_OBJECT_H

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/path.h>
#include <linux/provenance.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/task_work.h>
#include <net/sock.h>

#include "engine.h"

#define PROVMON_NAME	"provmon"

/* struct prov_object.flags, changed under its lock, read without */
#define PROV_OBJ_DESCRIBED	0x1	/* its node record is in the buffer */
#define PROV_OBJ_OPAQUE		0x2	/* process: is not recorded */
#define PROV_OBJ_WEAK		0x4	/* inode: set when made */
#define PROV_OBJ_MARKED		0x8	/* inode: who executes it is opaque */
#define PROV_OBJ_LOCAL		0x10	/* socket: own address is recorded */
#define PROV_OBJ_REMOTE		0x20	/* socket: other address is recorded */

/**
 * struct prov_process - the memory that one or more tasks share
 * @obj: its object
 * @cache_id: prov_cache_id() of it; PROV_CACHE_NEVER while it is opaque, so that
 *	the fast paths leave it to the slow ones
 * @tasks: living tasks that share it; its last one ends the node
 * @refs: tasks, living or not, that point here
 * @memory: under @obj.lock
 * @opened: ids of inodes that it opened lately, so that opening them again is
 *	no news: sets by hash, the latest first.  Written without lock: a lost
 *	update costs a record
 * @rcu: others than the tasks themselves look under RCU
 */
struct prov_process {
	struct prov_object	obj;
	u32			cache_id;
	refcount_t		refs;
	atomic_t		tasks;
	struct prov_memory	memory;
	u64			opened[4][4];
	struct rcu_head		rcu;
};

/**
 * struct prov_inode - an inode
 * @obj: its object
 * @refs: the inode, and executions that are under way
 * @names: keys of the names that were recorded last, the latest first
 */
struct prov_inode {
	struct prov_object	obj;
	refcount_t		refs;
	u32			names[4];
};

/**
 * struct prov_socket - a socket
 * @obj: its object
 * @refs: the socket, and its peer
 * @delivered: cache words: this socket's version that the object there absorbed
 * @delivered_next: the word that a further receiver gets.  Written without lock:
 *	all that can come of it is that two of them share a word
 * @peer: the other end on this machine, or NULL.  Read under RCU, changed by who
 *	connects the socket or frees it.  Holds a reference, which is given up when
 *	this socket goes, so that two ends do not keep each other
 * @remote: remote address that was recorded last, of a datagram socket.  Written
 *	without lock: a mixture fits no address and costs a record
 * @rcu: receivers look at the peer of their socket under RCU
 * @wait: in the table of connections that wait for their other end
 * @key: of @wait
 */
struct prov_socket {
	struct prov_object	obj;
	refcount_t		refs;
	u64			delivered[4];
	u32			delivered_next;
	struct prov_remote {
		u16		family;
		__be16		port;
		u32		scope;
		struct in6_addr	address;
	} remote;
	struct prov_socket __rcu *peer;
	struct rcu_head		rcu;
	struct hlist_node	wait;
	struct prov_connection {
		__be32		isn[2];
		__be16		port[2];
	} key;
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
 * @sending: what @send is into: a file or a socket, or NULL.  It is only
 *	compared: it may be long gone
 * @send: a flow whose outcome is not known
 * @datagram_to: socket that takes @datagram, or NULL; holds a reference
 * @datagram: flow from a socket into @datagram_to, outcome not known
 * @exec: execution under way, or NULL
 * @names: of the name operation under way: its directory, the other one of a
 *	rename, and the target of a symbolic link.  Holds references, which
 *	@names_work gives up; the target is only valid within the operation
 * @names_work: to be done on return to user space
 * @names_queued: it is queued
 * @alive: counted in @process->tasks
 */
struct prov_task {
	struct prov_process __rcu *process;
	const void		*sending;
	struct prov_send	send;
	bool			alive;
	bool			names_queued;
	struct prov_send	datagram;
	struct prov_socket	*datagram_to;
	struct prov_exec	*exec;
	struct {
		struct path	dir;
		struct dentry	*other;
		const char	*target;
	} names;
	struct callback_head	names_work;
};

/**
 * struct prov_file - blob of an open file: caches of flows through it
 * @in: from it into a process
 * @out: from a process into it
 */
struct prov_file {
	u64	in;
	u64	out;
};

extern struct lsm_blob_sizes provmon_blobs;

/* Stands for all that nothing flows through: /dev/null, kernel threads. */
extern struct prov_process prov_nobody;
extern struct prov_inode prov_nothing;

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

struct prov_inode *prov_inode_get(struct inode *inode);
void prov_inode_put(struct prov_inode *node);

struct prov_socket *prov_socket_get(struct sock *sk, gfp_t gfp);
void prov_socket_put(struct prov_socket *node);

bool prov_is_active(void);
void prov_object_setup(void);
void prov_inode_add_hooks(void);

#endif /* _SECURITY_PROVMON_OBJECT_H */
