/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Linux Provenance Modules: the record format and the netlink ABI
 *
 * This header is the only definition of what provmon writes into its channel
 * buffers and of what the recorder stores in its log.
 *
 * All integers are little-endian.  All records are 8-byte aligned and their
 * length is a multiple of 8.  A reader skips records whose type it does not
 * know, and ignores bytes behind the fields that it knows.
 *
 * A channel buffer (one a CPU) is a sequence of sub-buffers of
 * PROV_SUBBUF_BYTES.  What user space reads from
 * /sys/kernel/security/provenance/provmon/cpu<N> is a sequence of finished
 * sub-buffers, each cut to its used_bytes: a struct prov_subbuf_header and
 * then records, back to back.
 */
#ifndef _UAPI_LINUX_PROVENANCE_H
#define _UAPI_LINUX_PROVENANCE_H

#include <linux/types.h>

#define PROV_MAGIC		0x564f5250u	/* "PROV" when read as bytes */
#define PROV_FORMAT_VERSION	1
#define PROV_SUBBUF_BYTES	65536		/* size of a sub-buffer, bytes */

/**
 * struct prov_subbuf_header - begins every sub-buffer; 128 bytes
 * @magic: PROV_MAGIC
 * @format: PROV_FORMAT_VERSION
 * @header_bytes: length of this header; the first record follows it
 * @boot_id: random UUID of this boot, made by provmon; not the boot id that
 *	/proc has, which is made later
 * @cpu: the CPU whose buffer this is; PROV_CPU_CARRIED in a block that the
 *	recorder made to carry descriptions into a new segment
 * @used_bytes: bytes in use, this header included
 * @seq: number of this sub-buffer on its CPU, from 0, without gaps
 * @first_ns: CLOCK_BOOTTIME when the sub-buffer was begun, in ns: the time
 *	base of its records until a PROV_R_TIME record changes it
 * @last_ns: CLOCK_BOOTTIME when it was finished, in ns
 * @wall_offset_ns: what to add to a boot time to get CLOCK_REALTIME (signed)
 * @lost: records that should have stood between the end of the previous
 *	sub-buffer of this CPU and the beginning of this one, and were lost; and
 *	those of the previous one that could not even be tried, for want of memory
 * @lost_total: sum of @lost over this and all earlier sub-buffers of the CPU
 * @reserved: zero; room for a keyed chain over sub-buffers
 */
struct prov_subbuf_header {
	__le32	magic;
	__le16	format;
	__le16	header_bytes;
	__u8	boot_id[16];
	__le32	cpu;
	__le32	used_bytes;
	__le64	seq;
	__le64	first_ns;
	__le64	last_ns;
	__le64	wall_offset_ns;
	__le64	lost;
	__le64	lost_total;
	__u8	reserved[48];
};

#define PROV_CPU_CARRIED	0xffffffffu

/**
 * enum prov_record_type - what a record is
 * @PROV_R_PAD: nothing; skip it
 * @PROV_R_TIME: new time base, struct prov_time_record
 * @PROV_R_THREAD: the records that follow on this CPU are made by this
 *	thread, struct prov_thread_record
 * @PROV_R_NODE: a node comes to be known, struct prov_node_record;
 *	@sub is an enum prov_node_kind
 * @PROV_R_EDGE_DATA: content moved, struct prov_edge_record; @sub is an
 *	enum prov_op, as for the other two
 * @PROV_R_EDGE_META: names or attributes were seen or changed
 * @PROV_R_EDGE_CONTROL: influence without content
 * @PROV_R_TEXT: text that belongs to a node, struct prov_text_record; @sub is
 *	an enum prov_text_kind
 * @PROV_R_CRED: ids and capabilities of a process from now on,
 *	struct prov_cred_record
 * @PROV_R_INODE_ATTR: mode, owner, size and links of an inode from now on,
 *	struct prov_inode_attr_record
 * @PROV_R_ADDRESS: address of a socket, struct prov_address_record; @sub is an
 *	enum prov_end
 * @PROV_R_PEER: two sockets on this machine are the ends of one connection,
 *	struct prov_peer_record
 * @PROV_R_OPAQUE: the recording of a node was switched, struct
 *	prov_opaque_record; @sub is an enum prov_opaque_change
 * @PROV_R_END: the node is no more, struct prov_end_record
 * @PROV_R_REFUSAL: an operation was refused, struct prov_refusal_record; @sub is
 *	an enum prov_layer.  Readers show it as an edge of class control
 * @PROV_R_PROCESS_ATTR: namespaces and cgroup of a process from now on,
 *	struct prov_process_attr_record
 * @PROV_R_PID: number of a process in its own pid namespace,
 *	struct prov_pid_record
 */
enum prov_record_type {
	PROV_R_PAD		= 0,
	PROV_R_TIME		= 1,
	PROV_R_THREAD		= 2,
	PROV_R_NODE		= 3,
	PROV_R_EDGE_DATA	= 4,
	PROV_R_EDGE_META	= 5,
	PROV_R_EDGE_CONTROL	= 6,
	PROV_R_TEXT		= 7,
	PROV_R_CRED		= 8,
	PROV_R_INODE_ATTR	= 9,
	PROV_R_ADDRESS		= 10,
	PROV_R_PEER		= 11,
	PROV_R_OPAQUE		= 12,
	PROV_R_END		= 13,
	PROV_R_REFUSAL		= 14,
	PROV_R_PROCESS_ATTR	= 15,
	PROV_R_PID		= 16,
};

/**
 * struct prov_record - begins every record; 8 bytes
 * @type: enum prov_record_type
 * @sub: meaning depends on @type
 * @bytes: length of the whole record, a multiple of 8, at least 8
 * @dt_ns: time of the record in ns after the time base
 */
struct prov_record {
	__u8	type;
	__u8	sub;
	__le16	bytes;
	__le32	dt_ns;
};

/**
 * struct prov_time_record - a new time base for what follows in the sub-buffer
 * @rec: @dt_ns is 0
 * @boottime_ns: the new base, CLOCK_BOOTTIME
 * @wall_offset_ns: what to add to a boot time to get CLOCK_REALTIME (signed)
 */
struct prov_time_record {
	struct prov_record rec;
	__le64	boottime_ns;
	__le64	wall_offset_ns;
};

/**
 * struct prov_thread_record - who made the records that follow
 * @rec: type and time
 * @tid: thread id in the initial pid namespace; 0 in interrupt context
 * @tgid: thread group id, likewise
 *
 * At the beginning of a sub-buffer the thread is not known.
 */
struct prov_thread_record {
	struct prov_record rec;
	__le32	tid;
	__le32	tgid;
};

/**
 * enum prov_node_kind - what a node stands for
 * @PROV_K_PROCESS: the memory that one or more tasks share
 * @PROV_K_FILE: regular file
 * @PROV_K_DIRECTORY: directory
 * @PROV_K_SYMLINK: symbolic link
 * @PROV_K_PIPE: pipe without a name
 * @PROV_K_FIFO: pipe with a name
 * @PROV_K_CHARDEV: character device
 * @PROV_K_BLOCKDEV: block device
 * @PROV_K_MEMFD: file in memory without a name
 * @PROV_K_ANON: inode of no file system (eventfd, …)
 * @PROV_K_SOCKET: socket
 * @PROV_K_MSGQUEUE: SysV message queue
 * @PROV_K_MESSAGE: what one version of a process puts into one message queue
 * @PROV_K_SEM: SysV semaphore set
 * @PROV_K_MQUEUE: POSIX message queue, an inode
 * @PROV_K_TTY: what is written to a terminal; what is read from it is in its
 *	PROV_K_CHARDEV.  An inode, that of the terminal
 * @PROV_K_TUN: what is to be read from a queue of a TUN or TAP device; what is
 *	written to it is in a PROV_K_CHARDEV.  An inode, that of the device
 * @PROV_K_KEY: key or keyring
 * @PROV_K_BPF_MAP: BPF map
 * @PROV_K_BPF_PROG: BPF program
 * @PROV_K_MODULE: kernel module, once for each time that it is loaded
 * @PROV_K_KERNEL: the kernel; one a boot
 * @PROV_K_LOOP: loop device, from when it is given a file until it has none any more;
 *	what is read from and written to it is in a PROV_K_BLOCKDEV
 *
 * Nothing flows through a message queue but messages: each is a node of its own,
 * so that who receives one does not come from the senders of others.
 */
enum prov_node_kind {
	PROV_K_PROCESS		= 1,
	PROV_K_FILE		= 2,
	PROV_K_DIRECTORY	= 3,
	PROV_K_SYMLINK		= 4,
	PROV_K_PIPE		= 5,
	PROV_K_FIFO		= 6,
	PROV_K_CHARDEV		= 7,
	PROV_K_BLOCKDEV		= 8,
	PROV_K_MEMFD		= 9,
	PROV_K_ANON		= 10,
	PROV_K_SOCKET		= 11,
	PROV_K_MSGQUEUE		= 12,
	PROV_K_MESSAGE		= 13,
	PROV_K_SEM		= 14,
	PROV_K_MQUEUE		= 15,
	PROV_K_TTY		= 16,
	PROV_K_TUN		= 17,
	PROV_K_KEY		= 18,
	PROV_K_BPF_MAP		= 19,
	PROV_K_BPF_PROG		= 20,
	PROV_K_MODULE		= 21,
	PROV_K_KERNEL		= 22,
	PROV_K_LOOP		= 23,
};

/* struct prov_node_record.flags */
#define PROV_NODE_WEAK		0x1	/* inode: identity can be used again */
#define PROV_NODE_OPAQUE	0x2	/* not recorded: what it does is unknown */
#define PROV_NODE_BEFORE	0x4	/* was there before recording began */
#define PROV_NODE_OWNER		0x8	/* socket: its uid is known */

/**
 * struct prov_node_record - a node comes to be known
 * @rec: @sub is the enum prov_node_kind
 * @id: id of the node, unique within a boot, never 0
 * @flags: PROV_NODE_*
 * @reserved: zero
 * @process: PROV_K_PROCESS
 * @process.tgid: thread group id in the initial pid namespace
 * @process.ppid: that of the parent when the node was made
 * @process.start_ns: CLOCK_BOOTTIME at which the thread group began
 * @inode: all kinds of inodes
 * @inode.uuid: UUID of the file system, or zeroes if it has none
 * @inode.ino: inode number
 * @inode.dev: device number, major << 20 | minor
 * @inode.generation: inode generation
 * @inode.mode: type and permissions
 * @inode.rdev: for a device, its number as in @inode.dev
 * @socket: PROV_K_SOCKET
 * @socket.family: AF_*
 * @socket.type: SOCK_*
 * @socket.protocol: IPPROTO_* or 0
 * @socket.netns: inode number of the network namespace
 * @ipc: PROV_K_MSGQUEUE, PROV_K_SEM
 * @ipc.key: key_t (signed), 0 for IPC_PRIVATE
 * @ipc.id: what msgget() or semget() returned
 * @ipc.ipcns: inode number of the IPC namespace
 * @message: PROV_K_MESSAGE
 * @message.queue: id of the node of its queue
 * @numbered: PROV_K_KEY, PROV_K_BPF_MAP, PROV_K_BPF_PROG, PROV_K_MODULE,
 *	PROV_K_KERNEL, PROV_K_LOOP
 * @numbered.number: serial number of the key, id of the BPF object, number of the
 *	loop device, else 0
 * @numbered.type: enum bpf_map_type, enum bpf_prog_type, else 0
 * @socket.uid: owner, in the initial namespace, if @flags has PROV_NODE_OWNER
 *
 * A node appears at version 0.
 */
struct prov_node_record {
	struct prov_record rec;
	__le64	id;
	__le32	flags;
	__le32	reserved;
	union {
		struct {
			__le32	tgid;
			__le32	ppid;
			__le64	start_ns;
		} process;
		struct {
			__u8	uuid[16];
			__le64	ino;
			__le32	dev;
			__le32	generation;
			__le32	mode;
			__le32	rdev;
		} inode;
		struct {
			__le16	family;
			__le16	type;
			__le16	protocol;
			__le16	reserved;
			__le64	netns;
			__le32	uid;
			__le32	reserved2;
		} socket;
		struct {
			__le32	key;
			__le32	id;
			__le64	ipcns;
		} ipc;
		struct {
			__le64	queue;
		} message;
		struct {
			__le32	number;
			__le32	type;
		} numbered;
	};
};

/**
 * enum prov_op - what moved the information along an edge
 * @PROV_OP_READ: data: object to process
 * @PROV_OP_WRITE: data: process to object
 * @PROV_OP_MMAP: data: file to process
 * @PROV_OP_MMAP_WRITE: data: process to file
 * @PROV_OP_FORK: data: parent to child
 * @PROV_OP_EXEC: data: old image, binary, script or interpreter to new image
 * @PROV_OP_OPEN: meta: file to process
 * @PROV_OP_CREATE: meta: process to inode; also mknod
 * @PROV_OP_MKDIR: meta: process to directory
 * @PROV_OP_LINK: meta: process to inode
 * @PROV_OP_SYMLINK: data: process to symlink (its target)
 * @PROV_OP_READLINK: data: symlink to process
 * @PROV_OP_UNLINK: meta: process to inode
 * @PROV_OP_RMDIR: meta: process to directory
 * @PROV_OP_RENAME: meta: process to inode
 * @PROV_OP_TRUNCATE: data: process to file
 * @PROV_OP_SETATTR: meta: process to inode
 * @PROV_OP_CONNECT: control: process to socket
 * @PROV_OP_BIND: control: process to socket
 * @PROV_OP_LISTEN: control: process to socket
 * @PROV_OP_ACCEPT: control: listening socket to new socket, and new socket to
 *	process
 * @PROV_OP_SEND: data: process to socket or message
 * @PROV_OP_RECV: data: socket or message to process
 * @PROV_OP_DELIVER: data: socket to socket on this machine
 * @PROV_OP_SETXATTR: data: process to inode
 * @PROV_OP_GETXATTR: data: inode to process
 * @PROV_OP_READDIR: meta: directory to process
 * @PROV_OP_PASS: meta: process to the object of a descriptor that it sent, or
 *	that another took from it
 * @PROV_OP_RECEIVE: meta: object of a descriptor to the process that got it
 * @PROV_OP_GETFD: data: process to the process that took a descriptor from it, or
 *	that it sent one by io_uring
 * @PROV_OP_ECHO: data: what is typed at a terminal to what it shows
 * @PROV_OP_SEMOP: control: semaphore set to a process whose semop() succeeded
 * @PROV_OP_SHUTDOWN: control: process to socket
 * @PROV_OP_LOAD: data: process to module, kernel or BPF program, or file to kernel
 * @PROV_OP_KEYCTL: meta: process to a key that it changed, or key to a process that
 *	had it described
 * @PROV_OP_ATTACH: control: process to BPF program, or to a loop device that it gave
 *	a file
 * @PROV_OP_USE: data: BPF map to a program that uses it, and back; file, or block
 *	device, to loop device, and back; block device to an inode on it
 * @PROV_OP_REMOVEXATTR: data: process to inode; an attribute or ACL is gone
 * @PROV_OP_LISTXATTR: meta: inode to process
 * @PROV_OP_STAT: meta: inode to process; if asked for, as the next two
 * @PROV_OP_ACCESS: meta: inode to process
 * @PROV_OP_LOOKUP: meta: inode to process; a path led to it
 * @PROV_OP_SIGNAL: control: sender to who gets it
 * @PROV_OP_WAIT: control: child, or who is traced, to who took its status
 * @PROV_OP_PTRACE: control: tracer to who is traced
 * @PROV_OP_PEEK: data: memory or registers of a process to another; also its
 *	memory in a pipe
 * @PROV_OP_POKE: data: process to memory or registers of another; also a message to
 *	its io_uring
 * @PROV_OP_LIMIT: control: process to another whose limits, priority, scheduling,
 *	process group or memory placement it set
 * @PROV_OP_CGROUP: control: process to another that it moved to a cgroup
 * @PROV_OP_MOUNT: meta: process to root inode of what was mounted
 * @PROV_OP_UMOUNT: meta: process to root inode of what was unmounted
 * @PROV_OP_MOVE_MOUNT: meta: process to root inode of a mount that moved
 * @PROV_OP_SWAP: meta: process to file; swapping to it began or ended
 * @PROV_OP_SETTIME: control: process to kernel
 * @PROV_OP_ANSWER: data or meta: FUSE server to inode
 * @PROV_OP_REQUEST: data or meta: inode to FUSE server
 * @PROV_OP_REFUSED: control: process to what it tried something on; only readers
 *	use it, for PROV_R_REFUSAL
 *
 * SETXATTR and GETXATTR are also for POSIX ACLs.
 *
 * The direction is that of information: PROV_OP_READ goes from the file to the
 * process.  The class (data, meta, control) is the type of the record.
 */
enum prov_op {
	PROV_OP_READ		= 1,
	PROV_OP_WRITE		= 2,
	PROV_OP_MMAP		= 3,
	PROV_OP_MMAP_WRITE	= 4,
	PROV_OP_FORK		= 5,
	PROV_OP_EXEC		= 6,
	PROV_OP_OPEN		= 7,
	PROV_OP_CREATE		= 8,
	PROV_OP_MKDIR		= 9,
	PROV_OP_LINK		= 10,
	PROV_OP_SYMLINK		= 11,
	PROV_OP_READLINK	= 12,
	PROV_OP_UNLINK		= 13,
	PROV_OP_RMDIR		= 14,
	PROV_OP_RENAME		= 15,
	PROV_OP_TRUNCATE	= 16,
	PROV_OP_SETATTR		= 17,
	PROV_OP_CONNECT		= 18,
	PROV_OP_BIND		= 19,
	PROV_OP_LISTEN		= 20,
	PROV_OP_ACCEPT		= 21,
	PROV_OP_SEND		= 22,
	PROV_OP_RECV		= 23,
	PROV_OP_DELIVER		= 24,
	PROV_OP_SETXATTR	= 25,
	PROV_OP_GETXATTR	= 26,
	PROV_OP_READDIR		= 27,
	PROV_OP_PASS		= 28,
	PROV_OP_RECEIVE		= 29,
	PROV_OP_GETFD		= 30,
	PROV_OP_ECHO		= 31,
	PROV_OP_SEMOP		= 32,
	PROV_OP_SHUTDOWN	= 33,
	PROV_OP_LOAD		= 36,
	PROV_OP_KEYCTL		= 37,
	PROV_OP_ATTACH		= 38,
	PROV_OP_USE		= 39,
	PROV_OP_REMOVEXATTR	= 40,
	PROV_OP_LISTXATTR	= 41,
	PROV_OP_STAT		= 42,
	PROV_OP_ACCESS		= 43,
	PROV_OP_LOOKUP		= 44,
	PROV_OP_SIGNAL		= 45,
	PROV_OP_WAIT		= 46,
	PROV_OP_PTRACE		= 47,
	PROV_OP_PEEK		= 48,
	PROV_OP_POKE		= 49,
	PROV_OP_LIMIT		= 50,
	PROV_OP_CGROUP		= 51,
	PROV_OP_MOUNT		= 52,
	PROV_OP_UMOUNT		= 53,
	PROV_OP_MOVE_MOUNT	= 54,
	PROV_OP_SWAP		= 55,
	PROV_OP_SETTIME		= 56,
	PROV_OP_ANSWER		= 57,
	PROV_OP_REQUEST		= 58,
	PROV_OP_REFUSED		= 59,
};

/**
 * struct prov_edge_record - information moved between two node versions
 * @rec: @type is the class, @sub the enum prov_op
 * @from: id of the node that it came from
 * @to: id of the node that it went to
 * @from_version: version of @from that it came from
 * @to_version: version of @to that has it
 *
 * Versions of a node follow each other: each version n > 0 has an implicit
 * edge from n - 1.  An edge may be recorded after a later version of @to has
 * come to be, and records of different CPUs are in no order: the order in
 * which things happened is that of the versions along a path.
 */
struct prov_edge_record {
	struct prov_record rec;
	__le64	from;
	__le64	to;
	__le32	from_version;
	__le32	to_version;
};

/**
 * enum prov_text_kind - what a text is
 * @PROV_T_OPEN: absolute path, as seen through the mount it was opened by
 * @PROV_T_CREATE: path at which the inode was made
 * @PROV_T_LINK: path of another name that it got
 * @PROV_T_UNLINK: path of a name that it lost
 * @PROV_T_RENAME_FROM: name that it lost by rename
 * @PROV_T_RENAME_TO: name that it got by rename
 * @PROV_T_TARGET: target of a symbolic link
 * @PROV_T_EXE: path of the binary of a process
 * @PROV_T_ARGV: arguments, each ended by a NUL
 * @PROV_T_ENVIRON: environment, each variable ended by a NUL
 * @PROV_T_COMM: name of the process when it forked
 * @PROV_T_UNIX_PATH: address of a UNIX socket; begins with NUL if abstract
 * @PROV_T_ANON_NAME: name of a node without path, like "memfd:x", "user:x" of a key
 * @PROV_T_ALIAS: a path of an inode that was never opened, of which an operation
 *	was refused
 * @PROV_T_SECCTX: security context of a process from now on
 * @PROV_T_CGROUP: path of the cgroup that a process was moved to
 * @PROV_T_MOUNT: path at which a mount is whose root the inode is
 * @PROV_T_UMOUNT: path at which it was, and no longer is
 * @PROV_T_GROUPS: supplementary groups of a process from now on: how many, a
 *	colon, and their numbers with commas between, as many as fit; like "2:4,24"
 * @PROV_T_RENAMED: name that the process gave itself, until it runs another program
 *
 * Paths are as the kernel has them: any byte but NUL, not always UTF-8.  A path
 * that the current root does not reach begins with "(unreachable)".  A path
 * that could only be had relative to its file system begins with "//".
 */
enum prov_text_kind {
	PROV_T_OPEN		= 1,
	PROV_T_CREATE		= 2,
	PROV_T_LINK		= 3,
	PROV_T_UNLINK		= 4,
	PROV_T_RENAME_FROM	= 5,
	PROV_T_RENAME_TO	= 6,
	PROV_T_TARGET		= 7,
	PROV_T_EXE		= 8,
	PROV_T_ARGV		= 9,
	PROV_T_ENVIRON		= 10,
	PROV_T_COMM		= 11,
	PROV_T_UNIX_PATH	= 12,
	PROV_T_ANON_NAME	= 13,
	PROV_T_ALIAS		= 20,
	PROV_T_SECCTX		= 21,
	PROV_T_CGROUP		= 22,
	PROV_T_MOUNT		= 23,
	PROV_T_UMOUNT		= 24,
	PROV_T_GROUPS		= 25,
	PROV_T_RENAMED		= 26,
};

/**
 * struct prov_text_record - text that belongs to a node, or a part of it
 * @rec: @sub is the enum prov_text_kind
 * @id: the node
 * @total_bytes: length of the whole text
 * @offset: position of this part in it
 * @text: this part, not terminated, padded with NUL to a multiple of 8
 *
 * Only PROV_T_ARGV and PROV_T_ENVIRON come in parts, each but the last a
 * multiple of 8 long: the bytes in a part are the smaller of
 * @total_bytes - @offset and @rec.bytes - 24.  Parts may stand in the buffers
 * of different CPUs.
 */
struct prov_text_record {
	struct prov_record rec;
	__le64	id;
	__le32	total_bytes;
	__le32	offset;
	__u8	text[];
};

/**
 * struct prov_cred_record - ids and capabilities of a process from now on
 * @rec: type and time
 * @id: the process
 * @uid: real, effective, saved and file-system user id, initial namespace
 * @gid: real, effective, saved and file-system group id, likewise
 * @cap_permitted: capability set
 * @cap_effective: capability set
 * @loginuid: audit login uid, or 0xffffffff
 * @sessionid: audit session id, or 0xffffffff
 */
struct prov_cred_record {
	struct prov_record rec;
	__le64	id;
	__le32	uid[4];
	__le32	gid[4];
	__le64	cap_permitted;
	__le64	cap_effective;
	__le32	loginuid;
	__le32	sessionid;
};

/**
 * struct prov_inode_attr_record - attributes of an inode from now on
 * @rec: type and time
 * @id: the inode
 * @mode: type and permissions
 * @uid: owner, in the initial namespace
 * @gid: group, likewise
 * @nlink: link count
 * @size: length in bytes
 */
struct prov_inode_attr_record {
	struct prov_record rec;
	__le64	id;
	__le32	mode;
	__le32	uid;
	__le32	gid;
	__le32	nlink;
	__le64	size;
};

/**
 * enum prov_end - which end of a socket an address is of
 * @PROV_END_LOCAL: its own
 * @PROV_END_REMOTE: the one that it talks to; for a datagram socket, one of them
 */
enum prov_end {
	PROV_END_LOCAL	= 1,
	PROV_END_REMOTE	= 2,
};

/**
 * struct prov_address_record - an IPv4 or IPv6 address of a socket
 * @rec: @sub is the enum prov_end
 * @id: the socket
 * @family: AF_INET or AF_INET6
 * @port: port, little-endian like everything else
 * @scope: scope id of an IPv6 address, or 0
 * @address: the address in network order; an IPv4 address is in the first four
 *	bytes and the others are zero
 */
struct prov_address_record {
	struct prov_record rec;
	__le64	id;
	__le16	family;
	__le16	port;
	__le32	scope;
	__u8	address[16];
};

/**
 * struct prov_peer_record - two sockets are the ends of one connection
 * @rec: type and time
 * @id: a socket
 * @peer: the other end, on the same machine
 */
struct prov_peer_record {
	struct prov_record rec;
	__le64	id;
	__le64	peer;
};

/**
 * enum prov_opaque_change - how the recording of a node was switched
 * @PROV_OPAQUE_SET: a process is not recorded from now on
 * @PROV_OPAQUE_CLEARED: it is again
 * @PROV_OPAQUE_EXEC: it is again, because it executed a file without the mark
 * @PROV_OPAQUE_MARKED: a file got the mark: who executes it with
 *	CAP_AUDIT_CONTROL is opaque
 * @PROV_OPAQUE_UNMARKED: a file lost the mark
 */
enum prov_opaque_change {
	PROV_OPAQUE_SET		= 1,
	PROV_OPAQUE_CLEARED	= 2,
	PROV_OPAQUE_EXEC	= 3,
	PROV_OPAQUE_MARKED	= 4,
	PROV_OPAQUE_UNMARKED	= 5,
};

/**
 * struct prov_opaque_record - the recording of a node was switched
 * @rec: @sub is the enum prov_opaque_change
 * @id: the process or file
 * @by: the process that did it, or 0
 */
struct prov_opaque_record {
	struct prov_record rec;
	__le64	id;
	__le64	by;
};

/* No wait status. */
#define PROV_END_EXECUTED	0x10000

/**
 * struct prov_end_record - a node is no more
 * @rec: type and time
 * @id: the node
 * @code: of a process, its wait status, or PROV_END_EXECUTED if its last task
 *	became another by execution; of an inode, 1 if it was deleted and 0 if
 *	only its memory was freed
 * @version: its last version
 */
struct prov_end_record {
	struct prov_record rec;
	__le64	id;
	__le32	code;
	__le32	version;
};

/**
 * enum prov_layer - who refused an operation
 * @PROV_LAYER_DAC: owner and mode of an inode, ownership of a process
 * @PROV_LAYER_CAPABILITY: a capability is missing
 * @PROV_LAYER_LSM: a security module; its name is in the record if it is known
 * @PROV_LAYER_MODULE: a provenance module; likewise
 */
enum prov_layer {
	PROV_LAYER_DAC		= 1,
	PROV_LAYER_CAPABILITY	= 2,
	PROV_LAYER_LSM		= 3,
	PROV_LAYER_MODULE	= 4,
};

/**
 * struct prov_refusal_record - an operation was refused
 * @rec: @sub is the enum prov_layer
 * @id: the process that tried it
 * @object: the node that it tried it on, or 0
 * @version: of @id
 * @object_version: of @object
 * @error: errno, positive
 * @detail: of hook "capable", the capability; of "inode_permission", the access
 *	asked for as MAY_* bits; of "task_kill", the signal, if known; else 0
 * @text: name of the hook, NUL, name of the security or provenance module or
 *	nothing, NUL, and if something was to be made the last component of its
 *	path, NUL; padded with NUL to a multiple of 8
 *
 * The same of the same version of a process is recorded once, unless it did much
 * else in between.
 */
struct prov_refusal_record {
	struct prov_record rec;
	__le64	id;
	__le64	object;
	__le32	version;
	__le32	object_version;
	__le32	error;
	__le32	detail;
	__u8	text[];
};

/* Index of struct prov_process_attr_record.ns */
enum prov_namespace {
	PROV_NS_MNT	= 0,
	PROV_NS_UTS	= 1,
	PROV_NS_IPC	= 2,
	PROV_NS_NET	= 3,
	PROV_NS_PID	= 4,
	PROV_NS_USER	= 5,
	PROV_NS_CGROUP	= 6,
	PROV_NS_TIME	= 7,
	PROV_NS_COUNT	= 8,
};

/**
 * struct prov_process_attr_record - attributes of a process from now on
 * @rec: type and time
 * @id: the process
 * @cgroup: id of its cgroup in the unified hierarchy, or 0
 * @ns: inode numbers of its namespaces, by enum prov_namespace; 0 if there is
 *	no such namespace
 * @pid: thread group id in its own pid namespace
 * @reserved: zero
 *
 * Recorded at exec and when something in it changes.  A process that has none
 * has those of the process that forked it, but for @pid.
 */
struct prov_process_attr_record {
	struct prov_record rec;
	__le64	id;
	__le64	cgroup;
	__le32	ns[PROV_NS_COUNT];
	__le32	pid;
	__le32	reserved;
};

/**
 * struct prov_pid_record - number of a process in its own pid namespace
 * @rec: type and time
 * @id: the process
 * @pid: thread group id there
 * @ns: inode number of the pid namespace
 *
 * Recorded at fork, unless the namespace is the initial one.
 */
struct prov_pid_record {
	struct prov_record rec;
	__le64	id;
	__le32	pid;
	__le32	ns;
};

/*
 * Generic netlink family (Documentation/netlink/specs/provenance.yaml)
 */
#define PROV_GENL_NAME		"provenance"
#define PROV_GENL_VERSION	1

enum prov_genl_cmd {
	PROV_CMD_UNSPEC,
	PROV_CMD_STATUS,	/* CAP_AUDIT_READ: what is set and counted */
	PROV_CMD_FLUSH,		/* CAP_AUDIT_READ: finish all begun sub-buffers */
	PROV_CMD_OPAQUE,	/* CAP_AUDIT_CONTROL: switch a process or mark a file */
	PROV_CMD_SET,		/* CAP_AUDIT_CONTROL: change a setting */
	__PROV_CMD_MAX,
};

#define PROV_CMD_MAX (__PROV_CMD_MAX - 1)

/**
 * enum prov_genl_attr - attributes of all commands
 * @PROV_A_UNSPEC: never used
 * @PROV_A_FORMAT: u32, PROV_FORMAT_VERSION
 * @PROV_A_MODULES: string, active provenance modules, comma-separated
 * @PROV_A_BOOT_ID: binary, 16 bytes
 * @PROV_A_SUBBUF_BYTES: u32
 * @PROV_A_SUBBUFS: u32, sub-buffers a CPU
 * @PROV_A_ENVIRON: u8, 1 if environments are recorded (SET and STATUS)
 * @PROV_A_CPU: nest, one for each CPU in STATUS, of the attributes below
 * @PROV_A_CPU_ID: u32
 * @PROV_A_CPU_RECORDS: u64, records written since boot
 * @PROV_A_CPU_BYTES: u64, bytes written since boot
 * @PROV_A_CPU_LOST: u64, records lost since boot
 * @PROV_A_CPU_PRODUCED: u64, sub-buffers finished since boot
 * @PROV_A_CPU_CONSUMED: u64, sub-buffers read since boot
 * @PROV_A_CPU_HIGH_WATER: u32, most sub-buffers ever waiting to be read
 * @PROV_A_PID: u32, OPAQUE: the process, in the caller's pid namespace
 * @PROV_A_FD: u32, OPAQUE: a descriptor of the caller: the file to mark
 * @PROV_A_ON: u8, OPAQUE: 1 to set, 0 to clear
 * @PROV_A_PAD: padding of 64-bit attributes
 * @PROV_A_OPAQUE: u8, STATUS: 1 if the caller is opaque
 * @PROV_A_SUPPRESS: u8, STATUS: 1 if flows that are known are left out, 0 if each
 *	one is recorded
 * @PROV_A_META: u8, 1 if stat, access and lookups are recorded (SET and STATUS)
 * @__PROV_A_MAX: number of attributes
 */
enum prov_genl_attr {
	PROV_A_UNSPEC,
	PROV_A_FORMAT,
	PROV_A_MODULES,
	PROV_A_BOOT_ID,
	PROV_A_SUBBUF_BYTES,
	PROV_A_SUBBUFS,
	PROV_A_ENVIRON,
	PROV_A_CPU,
	PROV_A_CPU_ID,
	PROV_A_CPU_RECORDS,
	PROV_A_CPU_BYTES,
	PROV_A_CPU_LOST,
	PROV_A_CPU_PRODUCED,
	PROV_A_CPU_CONSUMED,
	PROV_A_CPU_HIGH_WATER,
	PROV_A_PID,
	PROV_A_FD,
	PROV_A_ON,
	PROV_A_PAD,
	PROV_A_OPAQUE,
	PROV_A_SUPPRESS,
	PROV_A_META,
	__PROV_A_MAX,
};

#define PROV_A_MAX (__PROV_A_MAX - 1)

#endif /* _UAPI_LINUX_PROVENANCE_H */
