// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: file systems that a process serves
 *
 * What is read from a file of such a file system comes from its server, and what is
 * written to it goes there.  Nothing is recorded of the device through which the
 * server talks to the kernel: it is one inode for all servers.  Each request names
 * an inode, and so does its answer:
 *
 *	server --answer--> [/mnt/file] --read--> cat
 *	cp --write--> [/mnt/file] --request--> server
 *
 * That what was written goes to the inode is known before the server can see the
 * request, and that an answer does before who waits for it can see it.
 */
#include <linux/fs.h>
#include <linux/fuse.h>

#include "fuse.h"
#include "object.h"
#include "process.h"
#include "record.h"
#include "told.h"

/* Does a request bring content to the server? */
static bool has_content(u32 opcode)
{
	switch (opcode) {
	case FUSE_WRITE:
	case FUSE_SETXATTR:
	case FUSE_IOCTL:
	case FUSE_NOTIFY_REPLY:
		return true;
	default:
		return false;
	}
}

/* Does its answer bring content to the inode? */
static bool asks_for_content(u32 opcode)
{
	switch (opcode) {
	case FUSE_READ:
	case FUSE_READLINK:
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
	case FUSE_IOCTL:
		return true;
	default:
		return false;
	}
}

/*
 * Return: the node of the inode, valid until rcu_read_unlock(), or NULL.  No
 * reference is taken: who frees an inode may be waiting for this very server.
 */
static struct prov_inode *
find_node(struct super_block *const sb, const struct fuse_in_header *const in,
	  int (*const same)(struct inode *inode, void *nodeid))
{
	u64 nodeid = in->nodeid;
	struct prov_inode *node;
	struct inode *inode;

	if (!sb || !nodeid)
		return NULL;
	inode = find_inode_rcu(sb, nodeid, same, &nodeid);
	node = inode ? prov_inode_get_gfp(inode, GFP_ATOMIC) : NULL;
	return node == &prov_nothing ? NULL : node;
}

/* Current is the server: @direction says whether it is asked or answers. */
static void record(struct super_block *const sb,
		   const struct fuse_in_header *const in,
		   int (*const same)(struct inode *inode, void *nodeid),
		   enum prov_direction direction, bool has_content)
{
	const bool asked = direction == PROV_IN;
	struct prov_process *const process = prov_current();
	struct prov_channel chan = {
		.memory = &process->memory,
		.direction = direction,
		.op = asked ? PROV_OP_REQUEST : PROV_OP_ANSWER,
	};
	struct prov_inode *node;

	if (!in_task() || !prov_is_recorded(process))
		return;
	prov_process_describe(process);
	rcu_read_lock();
	node = find_node(sb, in, same);
	if (node) {
		chan.src = asked ? &node->obj : &process->obj;
		chan.dst = asked ? &process->obj : &node->obj;
		if (has_content)
			prov_flow(&chan);
		else
			prov_tell_edge(process, PROV_R_EDGE_META, chan.op,
				       chan.src, chan.dst);
	}
	rcu_read_unlock();
}

static void hook_fuse_asked(struct super_block *sb,
			    const struct fuse_in_header *in,
			    int (*same)(struct inode *inode, void *nodeid))
{
	record(sb, in, same, PROV_IN, has_content(in->opcode));
}

static void hook_fuse_answered(struct super_block *sb,
			       const struct fuse_in_header *in,
			       int (*same)(struct inode *inode, void *nodeid))
{
	record(sb, in, same, PROV_OUT, asks_for_content(in->opcode));
}

static const struct provenance_hook fuse_hooks[] = {
	PROVENANCE_OWN_HOOK_INIT(fuse_asked, hook_fuse_asked),
	PROVENANCE_OWN_HOOK_INIT(fuse_answered, hook_fuse_answered),
};

void __init prov_fuse_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, fuse_hooks, ARRAY_SIZE(fuse_hooks));
}
