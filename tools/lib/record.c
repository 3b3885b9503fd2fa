// SPDX-License-Identifier: GPL-2.0
/* Records: what is inside a sub-buffer.  See record.h. */
#include <endian.h>
#include <string.h>

#include "record.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Least length of a record for what is read of it. */
static const uint16_t least_bytes[] = {
	[PROV_R_PAD]		= sizeof(struct prov_record),
	[PROV_R_TIME]		= sizeof(struct prov_time_record),
	[PROV_R_THREAD]		= sizeof(struct prov_thread_record),
	[PROV_R_NODE]		= offsetof(struct prov_node_record, process),
	[PROV_R_EDGE_DATA]	= sizeof(struct prov_edge_record),
	[PROV_R_EDGE_META]	= sizeof(struct prov_edge_record),
	[PROV_R_EDGE_CONTROL]	= sizeof(struct prov_edge_record),
	[PROV_R_TEXT]		= sizeof(struct prov_text_record),
	[PROV_R_CRED]		= sizeof(struct prov_cred_record),
	[PROV_R_INODE_ATTR]	= sizeof(struct prov_inode_attr_record),
	[PROV_R_ADDRESS]	= sizeof(struct prov_address_record),
	[PROV_R_PEER]		= sizeof(struct prov_peer_record),
	[PROV_R_OPAQUE]		= sizeof(struct prov_opaque_record),
	[PROV_R_END]		= sizeof(struct prov_end_record),
	[PROV_R_REFUSAL]	= sizeof(struct prov_refusal_record),
	[PROV_R_PROCESS_ATTR]	= sizeof(struct prov_process_attr_record),
	[PROV_R_PID]		= sizeof(struct prov_pid_record),
};

void prov_iter_init(struct prov_iter *iter, const struct prov_subbuf_header *subbuf)
{
	const uint8_t *const begin = (const uint8_t *)subbuf;

	memset(iter, 0, sizeof(*iter));
	iter->at = begin + le16toh(subbuf->header_bytes);
	iter->end = begin + le32toh(subbuf->used_bytes);
	iter->base_ns = le64toh(subbuf->first_ns);
	iter->wall_offset_ns = le64toh(subbuf->wall_offset_ns);
}

/*
 * The union of struct prov_node_record is as long as its longest member, but a
 * record need only be as long as the member that its kind uses.
 */
static bool decode_node(struct prov_item *item, const uint8_t *at, size_t bytes)
{
	struct prov_node_record rec = {};

	memcpy(&rec, at, bytes < sizeof(rec) ? bytes : sizeof(rec));
	item->id = le64toh(rec.id);
	item->node.flags = le32toh(rec.flags);
	if (item->sub == PROV_K_PROCESS) {
		if (bytes < offsetof(struct prov_node_record, process) + sizeof(rec.process))
			return false;
		item->node.tgid = le32toh(rec.process.tgid);
		item->node.ppid = le32toh(rec.process.ppid);
		item->node.start_ns = le64toh(rec.process.start_ns);
	} else if (item->sub == PROV_K_SOCKET) {
		if (bytes < offsetof(struct prov_node_record, socket.uid))
			return false;
		item->node.family = le16toh(rec.socket.family);
		item->node.socket_type = le16toh(rec.socket.type);
		item->node.protocol = le16toh(rec.socket.protocol);
		item->node.netns = le64toh(rec.socket.netns);
		/* A record from before there was an owner can end here. */
		item->node.uid = le32toh(rec.socket.uid);
	} else if (item->sub == PROV_K_MSGQUEUE || item->sub == PROV_K_SEM) {
		if (bytes < offsetof(struct prov_node_record, ipc) + sizeof(rec.ipc))
			return false;
		item->node.key = le32toh(rec.ipc.key);
		item->node.ipc_id = le32toh(rec.ipc.id);
		item->node.ipcns = le64toh(rec.ipc.ipcns);
	} else if (item->sub == PROV_K_MESSAGE) {
		if (bytes < offsetof(struct prov_node_record, message) + sizeof(rec.message))
			return false;
		item->node.queue = le64toh(rec.message.queue);
	} else if (prov_kind_is_numbered(item->sub)) {
		if (bytes < offsetof(struct prov_node_record, numbered) + sizeof(rec.numbered))
			return false;
		item->node.number = le32toh(rec.numbered.number);
		item->node.number_type = le32toh(rec.numbered.type);
	} else if (prov_kind_is_inode(item->sub)) {
		if (bytes < offsetof(struct prov_node_record, inode) + sizeof(rec.inode))
			return false;
		memcpy(item->node.uuid, rec.inode.uuid, sizeof(item->node.uuid));
		item->node.ino = le64toh(rec.inode.ino);
		item->node.dev = le32toh(rec.inode.dev);
		item->node.generation = le32toh(rec.inode.generation);
		item->node.mode = le32toh(rec.inode.mode);
		item->node.rdev = le32toh(rec.inode.rdev);
	}
	return item->id != 0;
}

static bool decode_text(struct prov_item *item, const uint8_t *at, size_t bytes)
{
	struct prov_text_record rec;
	size_t part = bytes - sizeof(rec);

	memcpy(&rec, at, sizeof(rec));
	item->id = le64toh(rec.id);
	item->text.total_bytes = le32toh(rec.total_bytes);
	item->text.offset = le32toh(rec.offset);
	item->text.part = at + sizeof(rec);
	if (item->text.offset > item->text.total_bytes)
		return false;
	if (part > item->text.total_bytes - item->text.offset)
		part = item->text.total_bytes - item->text.offset;
	item->text.part_bytes = part;
	return item->id != 0;
}

static bool decode_cred(struct prov_item *item, const uint8_t *at)
{
	struct prov_cred_record rec;

	memcpy(&rec, at, sizeof(rec));
	item->id = le64toh(rec.id);
	for (int i = 0; i < 4; i++) {
		item->cred.uid[i] = le32toh(rec.uid[i]);
		item->cred.gid[i] = le32toh(rec.gid[i]);
	}
	item->cred.cap_permitted = le64toh(rec.cap_permitted);
	item->cred.cap_effective = le64toh(rec.cap_effective);
	item->cred.loginuid = le32toh(rec.loginuid);
	item->cred.sessionid = le32toh(rec.sessionid);
	return item->id != 0;
}

static bool decode_refusal(struct prov_item *item, const uint8_t *at, size_t bytes)
{
	struct prov_refusal_record rec;

	memcpy(&rec, at, sizeof(rec));
	item->id = le64toh(rec.id);
	item->refusal.object = le64toh(rec.object);
	item->refusal.version = le32toh(rec.version);
	item->refusal.object_version = le32toh(rec.object_version);
	item->refusal.error = le32toh(rec.error);
	item->refusal.detail = le32toh(rec.detail);
	item->refusal.text = (const char *)at + sizeof(rec);
	item->refusal.text_bytes = bytes - sizeof(rec);
	return item->id != 0;
}

static bool decode_process_attr(struct prov_item *item, const uint8_t *at)
{
	struct prov_process_attr_record rec;

	memcpy(&rec, at, sizeof(rec));
	item->id = le64toh(rec.id);
	item->process_attr.cgroup = le64toh(rec.cgroup);
	for (int i = 0; i < PROV_NS_COUNT; i++)
		item->process_attr.ns[i] = le32toh(rec.ns[i]);
	item->process_attr.pid = le32toh(rec.pid);
	return item->id != 0;
}

static bool decode(struct prov_item *item, const uint8_t *at, size_t bytes)
{
	switch (item->type) {
	case PROV_R_NODE:
		return decode_node(item, at, bytes);
	case PROV_R_EDGE_DATA:
	case PROV_R_EDGE_META:
	case PROV_R_EDGE_CONTROL: {
		struct prov_edge_record rec;

		memcpy(&rec, at, sizeof(rec));
		item->id = le64toh(rec.from);
		item->edge.to = le64toh(rec.to);
		item->edge.from_version = le32toh(rec.from_version);
		item->edge.to_version = le32toh(rec.to_version);
		return item->id != 0 && item->edge.to != 0;
	}
	case PROV_R_TEXT:
		return decode_text(item, at, bytes);
	case PROV_R_CRED:
		return decode_cred(item, at);
	case PROV_R_INODE_ATTR: {
		struct prov_inode_attr_record rec;

		memcpy(&rec, at, sizeof(rec));
		item->id = le64toh(rec.id);
		item->attr.mode = le32toh(rec.mode);
		item->attr.uid = le32toh(rec.uid);
		item->attr.gid = le32toh(rec.gid);
		item->attr.nlink = le32toh(rec.nlink);
		item->attr.size = le64toh(rec.size);
		return item->id != 0;
	}
	case PROV_R_ADDRESS: {
		struct prov_address_record rec;

		memcpy(&rec, at, sizeof(rec));
		item->id = le64toh(rec.id);
		item->address.family = le16toh(rec.family);
		item->address.port = le16toh(rec.port);
		item->address.scope = le32toh(rec.scope);
		memcpy(item->address.address, rec.address, sizeof(rec.address));
		return item->id != 0;
	}
	case PROV_R_PEER: {
		struct prov_peer_record rec;

		memcpy(&rec, at, sizeof(rec));
		item->id = le64toh(rec.id);
		item->peer.peer = le64toh(rec.peer);
		return item->id != 0 && item->peer.peer != 0;
	}
	case PROV_R_OPAQUE: {
		struct prov_opaque_record rec;

		memcpy(&rec, at, sizeof(rec));
		item->id = le64toh(rec.id);
		item->opaque.by = le64toh(rec.by);
		return item->id != 0;
	}
	case PROV_R_END: {
		struct prov_end_record rec;

		memcpy(&rec, at, sizeof(rec));
		item->id = le64toh(rec.id);
		item->end.code = le32toh(rec.code);
		item->end.version = le32toh(rec.version);
		return item->id != 0;
	}
	case PROV_R_REFUSAL:
		return decode_refusal(item, at, bytes);
	case PROV_R_PROCESS_ATTR:
		return decode_process_attr(item, at);
	case PROV_R_PID: {
		struct prov_pid_record rec;

		memcpy(&rec, at, sizeof(rec));
		item->id = le64toh(rec.id);
		item->pid.pid = le32toh(rec.pid);
		item->pid.ns = le32toh(rec.ns);
		return item->id != 0;
	}
	}
	return false;
}

bool prov_iter_next(struct prov_iter *iter, struct prov_item *item)
{
	while (!iter->broken && iter->at < iter->end) {
		const size_t left = iter->end - iter->at;
		const uint8_t *const at = iter->at;
		struct prov_record rec;
		size_t bytes;

		if (left < sizeof(rec)) {
			iter->broken = true;
			break;
		}
		memcpy(&rec, at, sizeof(rec));
		bytes = le16toh(rec.bytes);
		if (bytes < sizeof(rec) || bytes % 8 || bytes > left) {
			iter->broken = true;
			break;
		}
		iter->at += bytes;
		if (rec.type == PROV_R_PAD)
			continue;
		if (rec.type >= ARRAY_SIZE(least_bytes)) {
			iter->skipped++;
			continue;
		}
		if (bytes < least_bytes[rec.type]) {
			iter->bad++;
			continue;
		}
		if (rec.type == PROV_R_TIME) {
			struct prov_time_record time;

			memcpy(&time, at, sizeof(time));
			iter->base_ns = le64toh(time.boottime_ns);
			iter->wall_offset_ns = le64toh(time.wall_offset_ns);
			continue;
		}
		if (rec.type == PROV_R_THREAD) {
			struct prov_thread_record thread;

			memcpy(&thread, at, sizeof(thread));
			iter->tid = le32toh(thread.tid);
			iter->tgid = le32toh(thread.tgid);
			continue;
		}

		memset(item, 0, sizeof(*item));
		item->type = rec.type;
		item->sub = rec.sub;
		item->bytes = bytes;
		item->time_ns = iter->base_ns + le32toh(rec.dt_ns);
		item->tid = iter->tid;
		item->tgid = iter->tgid;
		if (!decode(item, at, bytes)) {
			iter->bad++;
			continue;
		}
		iter->items++;
		return true;
	}
	return false;
}

static const char *const kind_names[] = {
	[PROV_K_PROCESS]	= "process",
	[PROV_K_FILE]		= "file",
	[PROV_K_DIRECTORY]	= "dir",
	[PROV_K_SYMLINK]	= "symlink",
	[PROV_K_PIPE]		= "pipe",
	[PROV_K_FIFO]		= "fifo",
	[PROV_K_CHARDEV]	= "chardev",
	[PROV_K_BLOCKDEV]	= "blockdev",
	[PROV_K_MEMFD]		= "memfd",
	[PROV_K_ANON]		= "anon",
	[PROV_K_SOCKET]		= "socket",
	[PROV_K_MSGQUEUE]	= "msgqueue",
	[PROV_K_MESSAGE]	= "message",
	[PROV_K_SEM]		= "sem",
	[PROV_K_MQUEUE]		= "mqueue",
	[PROV_K_TTY]		= "tty",
	[PROV_K_TUN]		= "tun",
	[PROV_K_KEY]		= "key",
	[PROV_K_BPF_MAP]	= "bpf_map",
	[PROV_K_BPF_PROG]	= "bpf_prog",
	[PROV_K_MODULE]		= "module",
	[PROV_K_KERNEL]		= "kernel",
	[PROV_K_LOOP]		= "loop",
};

static const char *const op_names[] = {
	[PROV_OP_READ]		= "read",
	[PROV_OP_WRITE]		= "write",
	[PROV_OP_MMAP]		= "mmap",
	[PROV_OP_MMAP_WRITE]	= "mmap_write",
	[PROV_OP_FORK]		= "fork",
	[PROV_OP_EXEC]		= "exec",
	[PROV_OP_OPEN]		= "open",
	[PROV_OP_CREATE]	= "create",
	[PROV_OP_MKDIR]		= "mkdir",
	[PROV_OP_LINK]		= "link",
	[PROV_OP_SYMLINK]	= "symlink",
	[PROV_OP_READLINK]	= "readlink",
	[PROV_OP_UNLINK]	= "unlink",
	[PROV_OP_RMDIR]		= "rmdir",
	[PROV_OP_RENAME]	= "rename",
	[PROV_OP_TRUNCATE]	= "truncate",
	[PROV_OP_SETATTR]	= "setattr",
	[PROV_OP_CONNECT]	= "connect",
	[PROV_OP_BIND]		= "bind",
	[PROV_OP_LISTEN]	= "listen",
	[PROV_OP_ACCEPT]	= "accept",
	[PROV_OP_SEND]		= "send",
	[PROV_OP_RECV]		= "recv",
	[PROV_OP_DELIVER]	= "deliver",
	[PROV_OP_SETXATTR]	= "setxattr",
	[PROV_OP_GETXATTR]	= "getxattr",
	[PROV_OP_READDIR]	= "readdir",
	[PROV_OP_PASS]		= "pass",
	[PROV_OP_RECEIVE]	= "receive",
	[PROV_OP_GETFD]		= "getfd",
	[PROV_OP_ECHO]		= "echo",
	[PROV_OP_SEMOP]		= "semop",
	[PROV_OP_SHUTDOWN]	= "shutdown",
	[PROV_OP_LOAD]		= "load",
	[PROV_OP_KEYCTL]	= "keyctl",
	[PROV_OP_ATTACH]	= "attach",
	[PROV_OP_USE]		= "use",
	[PROV_OP_REMOVEXATTR]	= "removexattr",
	[PROV_OP_LISTXATTR]	= "listxattr",
	[PROV_OP_STAT]		= "stat",
	[PROV_OP_ACCESS]	= "access",
	[PROV_OP_LOOKUP]	= "lookup",
	[PROV_OP_SIGNAL]	= "signal",
	[PROV_OP_WAIT]		= "wait",
	[PROV_OP_PTRACE]	= "ptrace",
	[PROV_OP_PEEK]		= "peek",
	[PROV_OP_POKE]		= "poke",
	[PROV_OP_LIMIT]		= "limit",
	[PROV_OP_CGROUP]	= "cgroup",
	[PROV_OP_MOUNT]		= "mount",
	[PROV_OP_UMOUNT]	= "umount",
	[PROV_OP_MOVE_MOUNT]	= "move_mount",
	[PROV_OP_SWAP]		= "swap",
	[PROV_OP_SETTIME]	= "settime",
	[PROV_OP_ANSWER]	= "answer",
	[PROV_OP_REQUEST]	= "request",
	[PROV_OP_REFUSED]	= "refused",
};

static const char *const text_names[] = {
	[PROV_T_OPEN]		= "open",
	[PROV_T_CREATE]		= "create",
	[PROV_T_LINK]		= "link",
	[PROV_T_UNLINK]		= "unlink",
	[PROV_T_RENAME_FROM]	= "rename_from",
	[PROV_T_RENAME_TO]	= "rename_to",
	[PROV_T_TARGET]		= "target",
	[PROV_T_EXE]		= "exe",
	[PROV_T_ARGV]		= "argv",
	[PROV_T_ENVIRON]	= "environ",
	[PROV_T_COMM]		= "comm",
	[PROV_T_UNIX_PATH]	= "unix_path",
	[PROV_T_ANON_NAME]	= "anon_name",
	[PROV_T_ALIAS]		= "alias",
	[PROV_T_SECCTX]		= "secctx",
	[PROV_T_CGROUP]		= "cgroup",
	[PROV_T_MOUNT]		= "mount",
	[PROV_T_UMOUNT]		= "umount",
	[PROV_T_GROUPS]		= "groups",
	[PROV_T_RENAMED]	= "renamed",
};

static const char *const opaque_names[] = {
	[PROV_OPAQUE_SET]	= "set",
	[PROV_OPAQUE_CLEARED]	= "cleared",
	[PROV_OPAQUE_EXEC]	= "exec",
	[PROV_OPAQUE_MARKED]	= "marked",
	[PROV_OPAQUE_UNMARKED]	= "unmarked",
};

static const char *const layer_names[] = {
	[PROV_LAYER_DAC]	= "dac",
	[PROV_LAYER_CAPABILITY]	= "capability",
	[PROV_LAYER_LSM]	= "lsm",
	[PROV_LAYER_MODULE]	= "module",
};

static const char *const namespace_names[] = {
	[PROV_NS_MNT]		= "mnt",
	[PROV_NS_UTS]		= "uts",
	[PROV_NS_IPC]		= "ipc",
	[PROV_NS_NET]		= "net",
	[PROV_NS_PID]		= "pid",
	[PROV_NS_USER]		= "user",
	[PROV_NS_CGROUP]	= "cgroup",
	[PROV_NS_TIME]		= "time",
};

static const char *const class_names[] = {
	[PROV_R_EDGE_DATA]	= "data",
	[PROV_R_EDGE_META]	= "meta",
	[PROV_R_EDGE_CONTROL]	= "control",
};

static const char *name_of(const char *const *names, size_t count, unsigned int number)
{
	return number < count && names[number] ? names[number] : "?";
}

static unsigned int number_of(const char *const *names, size_t count, const char *name,
			      size_t bytes)
{
	for (size_t i = 0; i < count; i++)
		if (names[i] && strlen(names[i]) == bytes && !memcmp(names[i], name, bytes))
			return i;
	return 0;
}

bool prov_kind_is_inode(unsigned int kind)
{
	return (kind >= PROV_K_FILE && kind <= PROV_K_ANON) || kind == PROV_K_MQUEUE ||
	       kind == PROV_K_TTY || kind == PROV_K_TUN;
}

bool prov_kind_is_numbered(unsigned int kind)
{
	return kind >= PROV_K_KEY && kind <= PROV_K_LOOP;
}

const char *prov_kind_name(unsigned int kind)
{
	return name_of(kind_names, ARRAY_SIZE(kind_names), kind);
}

const char *prov_op_name(unsigned int op)
{
	return name_of(op_names, ARRAY_SIZE(op_names), op);
}

const char *prov_class_name(unsigned int record_type)
{
	return name_of(class_names, ARRAY_SIZE(class_names), record_type);
}

const char *prov_text_name(unsigned int text_kind)
{
	return name_of(text_names, ARRAY_SIZE(text_names), text_kind);
}

const char *prov_opaque_name(unsigned int change)
{
	return name_of(opaque_names, ARRAY_SIZE(opaque_names), change);
}

const char *prov_layer_name(unsigned int layer)
{
	return name_of(layer_names, ARRAY_SIZE(layer_names), layer);
}

const char *prov_namespace_name(unsigned int ns)
{
	return name_of(namespace_names, ARRAY_SIZE(namespace_names), ns);
}

unsigned int prov_kind_from_name(const char *name, size_t bytes)
{
	return number_of(kind_names, ARRAY_SIZE(kind_names), name, bytes);
}

unsigned int prov_class_from_name(const char *name, size_t bytes)
{
	return number_of(class_names, ARRAY_SIZE(class_names), name, bytes);
}
