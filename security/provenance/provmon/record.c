// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: how each kind of record is written
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipc.h>
#include <linux/kdev_t.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/socket.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "channel.h"
#include "object.h"
#include "record.h"

/* No text may be longer than what fits a sub-buffer that has nothing else. */
#define TEXT_BYTES_MAX	(PROV_SUBBUF_BYTES / 2)

static struct prov_node_record *reserve_node(const struct prov_object *obj,
					     unsigned long *flags)
{
	struct prov_node_record *const node =
		prov_reserve(PROV_R_NODE, obj->kind, sizeof(*node), flags);
	const u16 obj_flags = READ_ONCE(obj->flags);
	u32 node_flags = 0;

	if (!node)
		return NULL;
	if (obj_flags & PROV_OBJ_OPAQUE)
		node_flags |= PROV_NODE_OPAQUE;
	if (obj_flags & PROV_OBJ_WEAK)
		node_flags |= PROV_NODE_WEAK;
	memset_after(node, 0, rec);
	node->id = cpu_to_le64(obj->id);
	node->flags = cpu_to_le32(node_flags);
	return node;
}

/**
 * prov_record_process - a process comes to be known
 * @obj: the process
 * @task: one of its tasks
 * @ppid: thread group id of the parent
 */
bool prov_record_process(const struct prov_object *obj,
			 struct task_struct *task, u32 ppid)
{
	unsigned long flags;
	struct prov_node_record *const node = reserve_node(obj, &flags);

	if (!node)
		return false;
	node->process.tgid = cpu_to_le32(task_tgid_nr(task));
	node->process.ppid = cpu_to_le32(ppid);
	node->process.start_ns =
		cpu_to_le64(task->group_leader->start_boottime);
	prov_commit(flags);
	return true;
}

static __le32 encode_dev(dev_t dev)
{
	return cpu_to_le32(MAJOR(dev) << 20 | MINOR(dev));
}

/**
 * prov_record_inode - an inode comes to be known
 * @obj: its object
 * @inode: the inode
 */
bool prov_record_inode(const struct prov_object *obj, const struct inode *inode)
{
	unsigned long flags;
	struct prov_node_record *const node = reserve_node(obj, &flags);

	if (!node)
		return false;
	export_uuid(node->inode.uuid, &inode->i_sb->s_uuid);
	node->inode.ino = cpu_to_le64(inode->i_ino);
	node->inode.dev = encode_dev(inode->i_sb->s_dev);
	/* An ioctl can set it. */
	node->inode.generation = cpu_to_le32(data_race(inode->i_generation));
	/* Who changes the mode has it recorded afterwards. */
	node->inode.mode = cpu_to_le32(data_race(inode->i_mode));
	node->inode.rdev = encode_dev(inode->i_rdev);
	prov_commit(flags);
	return true;
}

/**
 * prov_record_socket - a socket comes to be known
 * @obj: its object
 * @sk: the socket
 */
bool prov_record_socket(const struct prov_object *obj, const struct sock *sk)
{
	unsigned long flags;
	struct prov_node_record *const node = reserve_node(obj, &flags);

	if (!node)
		return false;
	node->socket.family = cpu_to_le16(READ_ONCE(sk->sk_family));
	node->socket.type = cpu_to_le16(sk->sk_type);
	node->socket.protocol = cpu_to_le16(sk->sk_protocol);
	node->socket.netns = cpu_to_le64(sock_net(sk)->ns.inum);
	/* fchown() of a socket changes it, and no more than that. */
	node->socket.uid = cpu_to_le32(from_kuid(&init_user_ns,
						 data_race(sk->sk_uid)));
	node->flags |= cpu_to_le32(PROV_NODE_OWNER);
	prov_commit(flags);
	return true;
}

/**
 * prov_record_ipc - a SysV IPC object comes to be known
 * @obj: its object
 * @perm: what the kernel has of it
 * @ipcns: inode number of its IPC namespace
 */
bool prov_record_ipc(const struct prov_object *obj,
		     const struct kern_ipc_perm *perm, u32 ipcns)
{
	unsigned long flags;
	struct prov_node_record *const node = reserve_node(obj, &flags);

	if (!node)
		return false;
	node->ipc.key = cpu_to_le32(perm->key);
	node->ipc.id = cpu_to_le32(perm->id);
	node->ipc.ipcns = cpu_to_le64(ipcns);
	prov_commit(flags);
	return true;
}

/**
 * prov_record_numbered - something in the kernel comes to be known
 * @obj: its object
 * @number: that user space knows it by, or 0
 * @type: of a BPF object
 */
bool prov_record_numbered(const struct prov_object *obj, u32 number, u32 type)
{
	unsigned long flags;
	struct prov_node_record *const node = reserve_node(obj, &flags);

	if (!node)
		return false;
	node->numbered.number = cpu_to_le32(number);
	node->numbered.type = cpu_to_le32(type);
	prov_commit(flags);
	return true;
}

/**
 * prov_record_message - messages that are alike come to be known
 * @id: their node
 * @queue: the node of their queue
 */
bool prov_record_message(u64 id, u64 queue)
{
	const size_t bytes = offsetofend(struct prov_node_record, message);
	struct prov_node_record *node;
	unsigned long flags;

	node = prov_reserve(PROV_R_NODE, PROV_K_MESSAGE, bytes, &flags);
	if (!node)
		return false;
	node->id = cpu_to_le64(id);
	node->flags = 0;
	node->reserved = 0;
	node->message.queue = cpu_to_le64(queue);
	prov_commit(flags);
	return true;
}

/*
 * What a process does to others follows from what it has seen by its mappings.  Of
 * an inode, names and attributes are no content.
 */
static void pull_process(struct prov_object *const from)
{
	if (from->kind == PROV_K_PROCESS)
		prov_pull(from);
}

static bool record_edge(enum prov_record_type type, u8 op,
			const struct prov_object *from, u32 from_version,
			const struct prov_object *to, u32 to_version)
{
	unsigned long flags;
	struct prov_edge_record *const edge =
		prov_reserve(type, op, sizeof(*edge), &flags);

	if (!edge)
		return false;
	edge->from = cpu_to_le64(from->id);
	edge->to = cpu_to_le64(to->id);
	edge->from_version = cpu_to_le32(from_version);
	edge->to_version = cpu_to_le32(to_version);
	prov_commit(flags);
	return true;
}

/* For the engine. */
bool prov_emit_edge(u8 op, const struct prov_object *src, u32 src_version,
		    const struct prov_object *dst, u32 dst_version)
{
	return record_edge(PROV_R_EDGE_DATA, op, src, src_version, dst,
			   dst_version);
}

/**
 * prov_record_edge - an edge of class meta or control from a given version
 * @type: PROV_R_EDGE_META or PROV_R_EDGE_CONTROL
 * @op: how
 * @from: from where
 * @version: of @from
 * @to: to where
 */
bool prov_record_edge(enum prov_record_type type, enum prov_op op,
		      const struct prov_object *from, u32 version,
		      struct prov_object *to)
{
	if (!record_edge(type, op, from, version, to, READ_ONCE(to->version)))
		return false;
	WRITE_ONCE(to->influences, READ_ONCE(to->influences) + 1);
	return true;
}

/**
 * prov_record_meta - a name or attribute was seen or changed
 * @op: how
 * @from: from where
 * @to: to where
 */
bool prov_record_meta(enum prov_op op, struct prov_object *from,
		      struct prov_object *to)
{
	pull_process(from);
	return prov_record_edge(PROV_R_EDGE_META, op, from,
				READ_ONCE(from->version), to);
}

/**
 * prov_record_control - influence without content
 * @op: how
 * @from: from where
 * @to: to where
 */
bool prov_record_control(enum prov_op op, struct prov_object *from,
			 struct prov_object *to)
{
	pull_process(from);
	return prov_record_edge(PROV_R_EDGE_CONTROL, op, from,
				READ_ONCE(from->version), to);
}

/**
 * prov_record_text_part - part of a text that belongs to a node
 * @id: the node
 * @kind: what it is
 * @text: this part
 * @bytes: length of the part, a multiple of 8 unless it is the last
 * @offset: where it begins in the text
 * @total: length of the whole
 */
bool prov_record_text_part(u64 id, enum prov_text_kind kind, const char *text,
			   size_t bytes, u32 offset, u32 total)
{
	const size_t padded = ALIGN(bytes, 8);
	struct prov_text_record *record;
	unsigned long flags;

	record = prov_reserve(PROV_R_TEXT, kind, sizeof(*record) + padded,
			      &flags);
	if (!record)
		return false;
	record->id = cpu_to_le64(id);
	record->total_bytes = cpu_to_le32(total);
	record->offset = cpu_to_le32(offset);
	memcpy(record->text, text, bytes);
	memset(record->text + bytes, 0, padded - bytes);
	prov_commit(flags);
	return true;
}

/**
 * prov_record_text - a text that belongs to a node
 * @id: the node
 * @kind: what it is
 * @text: the text
 * @bytes: its length
 */
bool prov_record_text(u64 id, enum prov_text_kind kind, const char *text,
		      size_t bytes)
{
	if (WARN_ON_ONCE(bytes > TEXT_BYTES_MAX))
		bytes = TEXT_BYTES_MAX;
	return prov_record_text_part(id, kind, text, bytes, 0, bytes);
}

/**
 * prov_record_cred - ids and capabilities of a process from now on
 * @id: the process
 * @cred: its credentials
 * @loginuid: audit login uid
 * @sessionid: audit session
 */
bool prov_record_cred(u64 id, const struct cred *cred, u32 loginuid,
		      u32 sessionid)
{
	struct user_namespace *const ns = &init_user_ns;
	struct prov_cred_record *record;
	unsigned long flags;

	record = prov_reserve(PROV_R_CRED, 0, sizeof(*record), &flags);
	if (!record)
		return false;
	record->id = cpu_to_le64(id);
	record->uid[0] = cpu_to_le32(from_kuid(ns, cred->uid));
	record->uid[1] = cpu_to_le32(from_kuid(ns, cred->euid));
	record->uid[2] = cpu_to_le32(from_kuid(ns, cred->suid));
	record->uid[3] = cpu_to_le32(from_kuid(ns, cred->fsuid));
	record->gid[0] = cpu_to_le32(from_kgid(ns, cred->gid));
	record->gid[1] = cpu_to_le32(from_kgid(ns, cred->egid));
	record->gid[2] = cpu_to_le32(from_kgid(ns, cred->sgid));
	record->gid[3] = cpu_to_le32(from_kgid(ns, cred->fsgid));
	record->cap_permitted = cpu_to_le64(cred->cap_permitted.val);
	record->cap_effective = cpu_to_le64(cred->cap_effective.val);
	record->loginuid = cpu_to_le32(loginuid);
	record->sessionid = cpu_to_le32(sessionid);
	prov_commit(flags);
	return true;
}

/**
 * prov_record_inode_attr - attributes of an inode from now on
 * @id: its node
 * @inode: the inode
 */
bool prov_record_inode_attr(u64 id, const struct inode *inode)
{
	struct prov_inode_attr_record *record;
	unsigned long flags;

	record = prov_reserve(PROV_R_INODE_ATTR, 0, sizeof(*record), &flags);
	if (!record)
		return false;
	record->id = cpu_to_le64(id);
	/* As of about now: who changes mode or owner has them recorded afterwards. */
	record->mode = cpu_to_le32(data_race(inode->i_mode));
	record->uid = cpu_to_le32(from_kuid(&init_user_ns,
					    data_race(inode->i_uid)));
	record->gid = cpu_to_le32(from_kgid(&init_user_ns,
					    data_race(inode->i_gid)));
	record->nlink = cpu_to_le32(data_race(inode->i_nlink));
	record->size = cpu_to_le64(i_size_read(inode));
	prov_commit(flags);
	return true;
}

/**
 * prov_record_address - an address of a socket
 * @id: the socket
 * @end: which
 * @family: AF_INET or AF_INET6
 * @port: in host order
 * @scope: scope id of an IPv6 address
 * @address: the address, 4 or 16 bytes
 */
bool prov_record_address(u64 id, enum prov_end end, u16 family, u16 port,
			 u32 scope, const void *address)
{
	struct prov_address_record *record;
	unsigned long flags;

	record = prov_reserve(PROV_R_ADDRESS, end, sizeof(*record), &flags);
	if (!record)
		return false;
	record->id = cpu_to_le64(id);
	record->family = cpu_to_le16(family);
	record->port = cpu_to_le16(port);
	record->scope = cpu_to_le32(scope);
	memset(record->address, 0, sizeof(record->address));
	memcpy(record->address, address,
	       family == AF_INET ? sizeof(struct in_addr) :
				   sizeof(struct in6_addr));
	prov_commit(flags);
	return true;
}

/**
 * prov_record_peer - two sockets are the ends of one connection
 * @id: a socket
 * @peer: the other
 */
bool prov_record_peer(u64 id, u64 peer)
{
	struct prov_peer_record *record;
	unsigned long flags;

	record = prov_reserve(PROV_R_PEER, 0, sizeof(*record), &flags);
	if (!record)
		return false;
	record->id = cpu_to_le64(id);
	record->peer = cpu_to_le64(peer);
	prov_commit(flags);
	return true;
}

/**
 * prov_record_opaque - the recording of a node was switched
 * @change: how
 * @id: the process or file
 * @by: the process that did it, or 0
 */
bool prov_record_opaque(enum prov_opaque_change change, u64 id, u64 by)
{
	struct prov_opaque_record *record;
	unsigned long flags;

	record = prov_reserve(PROV_R_OPAQUE, change, sizeof(*record), &flags);
	if (!record)
		return false;
	record->id = cpu_to_le64(id);
	record->by = cpu_to_le64(by);
	prov_commit(flags);
	return true;
}

/**
 * prov_record_end - a node is no more
 * @obj: its object
 * @code: meaning depends on the kind
 */
bool prov_record_end(const struct prov_object *obj, u32 code)
{
	struct prov_end_record *record;
	unsigned long flags;

	record = prov_reserve(PROV_R_END, obj->kind, sizeof(*record), &flags);
	if (!record)
		return false;
	record->id = cpu_to_le64(obj->id);
	record->code = cpu_to_le32(code);
	record->version = cpu_to_le32(READ_ONCE(obj->version));
	prov_commit(flags);
	return true;
}
