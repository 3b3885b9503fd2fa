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
 * @PROV_R_INODE_ATTR: mode, owner and size of an inode from now on,
 *	struct prov_inode_attr_record
 * @PROV_R_ADDRESS: address of a socket, struct prov_address_record; @sub is an
 *	enum prov_end
 * @PROV_R_PEER: two sockets on this machine are the ends of one connection,
 *	struct prov_peer_record
 * @PROV_R_OPAQUE: the recording of a node was switched, struct
 *	prov_opaque_record; @sub is an enum prov_opaque_change
 * @PROV_R_END: the node is no more, struct prov_end_record
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
};

/* struct prov_node_record.flags */
#define PROV_NODE_WEAK		0x1	/* inode: identity can be used again */
#define PROV_NODE_OPAQUE	0x2	/* not recorded: what it does is unknown */
#define PROV_NODE_BEFORE	0x4	/* was there before recording began */

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
		} socket;
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
 * @PROV_OP_SEND: data: process to socket
 * @PROV_OP_RECV: data: socket to process
 * @PROV_OP_DELIVER: data: socket to socket on this machine
 * @PROV_OP_SETXATTR: data: process to inode
 * @PROV_OP_GETXATTR: data: inode to process
 * @PROV_OP_READDIR: meta: directory to process
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
 * @PROV_T_ANON_NAME: name of an inode without path, like "memfd:x"
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
	__PROV_A_MAX,
};

#define PROV_A_MAX (__PROV_A_MAX - 1)

#endif /* _UAPI_LINUX_PROVENANCE_H */
