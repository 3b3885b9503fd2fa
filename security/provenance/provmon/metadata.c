// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: extended attributes, ACLs, targets of links, and looks at inodes
 *
 * The value of an extended attribute is content, and so is an ACL: like data,
 * who sets it changes the version of the inode before anybody can see it, and
 * who gets it is recorded when that has been done.  So is what readlink() gives;
 * a path walk that follows a link shows the process nothing of it.
 *
 * That an inode was looked at (stat, access, a path that led to it) is only
 * recorded if asked for.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/jump_label.h>
#include <linux/magic.h>
#include <linux/path.h>
#include <linux/posix_acl.h>

#include "metadata.h"
#include "object.h"
#include "process.h"
#include "record.h"
#include "told.h"

static DEFINE_STATIC_KEY_FALSE(meta_is_on);

/**
 * prov_meta_is_on - are looks at inodes recorded?
 */
bool prov_meta_is_on(void)
{
	return static_key_enabled(&meta_is_on.key);
}

/**
 * prov_meta_switch - begin or end recording looks at inodes
 * @on: which
 */
void prov_meta_switch(bool on)
{
	if (on)
		static_branch_enable(&meta_is_on);
	else
		static_branch_disable(&meta_is_on);
}

/* Return: the node of an inode that current deals with, or NULL. */
static struct prov_inode *node_of(struct inode *const inode)
{
	struct prov_process *const process = prov_current();
	struct prov_inode *node;

	if (!in_task() || !prov_is_recorded(process) || !inode)
		return NULL;
	node = prov_inode_get(inode);
	if (!node || node == &prov_nothing)
		return NULL;
	prov_process_describe(process);
	return node;
}

static struct prov_channel channel_into(struct prov_inode *const node,
					enum prov_op op)
{
	struct prov_process *const process = prov_current();

	return (struct prov_channel){
		.src = &process->obj,
		.dst = &node->obj,
		.memory = &process->memory,
		.direction = PROV_OUT,
		.op = op,
	};
}

static void begin(struct dentry *const dentry, enum prov_op op)
{
	struct prov_task *const task = prov_task(current);
	struct prov_inode *const node = node_of(d_inode(dentry));
	struct prov_channel chan;

	task->sending = 0;
	if (!node)
		return;
	chan = channel_into(node, op);
	prov_send_begin(&chan, &task->send);
	task->sending = node->obj.id;
}

static void end(struct dentry *const dentry, enum prov_op op)
{
	struct prov_task *const task = prov_task(current);
	struct prov_inode *const node = node_of(d_inode(dentry));
	const u64 sending = task->sending;
	struct prov_channel chan;

	task->sending = 0;
	if (!node)
		return;
	chan = channel_into(node, op);
	if (sending == node->obj.id)
		prov_send_end(&chan, &task->send);
	else
		prov_flow(&chan);
}

static void receive(struct inode *const inode, enum prov_op op)
{
	struct prov_process *const process = prov_current();
	struct prov_inode *const node = node_of(inode);
	struct prov_channel chan;

	if (!node)
		return;
	chan = (struct prov_channel){
		.src = &node->obj,
		.dst = &process->obj,
		.memory = &process->memory,
		.direction = PROV_IN,
		.op = op,
	};
	prov_flow(&chan);
}

/**
 * prov_acl_inherited - current has made an inode, which may have got its directory's ACL
 * @dir: the directory
 * @inode: the inode
 *
 * The kernel copies it on behalf of who makes the inode.
 *
 * Context: May sleep.
 */
void prov_acl_inherited(struct inode *dir, struct inode *inode)
{
	struct posix_acl *acl;
	struct prov_inode *node;

	if (!IS_POSIXACL(dir))
		return;
	acl = get_cached_acl(dir, ACL_TYPE_DEFAULT);
	/* It is a mark, and no error, while another task is getting it. */
	if (is_uncached_acl(acl) && !IS_ERR(acl))
		acl = get_inode_acl(dir, ACL_TYPE_DEFAULT);
	if (IS_ERR_OR_NULL(acl))
		return;
	posix_acl_release(acl);
	receive(dir, PROV_OP_GETXATTR);
	node = node_of(inode);
	if (node) {
		const struct prov_channel chan =
			channel_into(node, PROV_OP_SETXATTR);

		prov_flow(&chan);
	}
}

static int set_begins(struct dentry *const dentry)
{
	begin(dentry, PROV_OP_SETXATTR);
	/* A server can get it and fail. */
	if (dentry->d_sb->s_magic == FUSE_SUPER_MAGIC)
		end(dentry, PROV_OP_SETXATTR);
	return 0;
}

static int hook_inode_setxattr(struct mnt_idmap *idmap, struct dentry *dentry,
			       const char *name, const void *value, size_t size,
			       int flags)
{
	return set_begins(dentry);
}

static void hook_inode_post_setxattr(struct dentry *dentry, const char *name,
				     const void *value, size_t size, int flags)
{
	end(dentry, PROV_OP_SETXATTR);
}

static void hook_label_set(struct dentry *dentry)
{
	end(dentry, PROV_OP_SETXATTR);
}

static int hook_inode_removexattr(struct mnt_idmap *idmap,
				  struct dentry *dentry, const char *name)
{
	begin(dentry, PROV_OP_REMOVEXATTR);
	return 0;
}

static void hook_inode_post_removexattr(struct dentry *dentry, const char *name)
{
	end(dentry, PROV_OP_REMOVEXATTR);
}

static int hook_inode_set_acl(struct mnt_idmap *idmap, struct dentry *dentry,
			      const char *acl_name, struct posix_acl *kacl)
{
	return set_begins(dentry);
}

/* An ACL can change the mode, and setting an empty one takes the last away. */
static void hook_inode_post_set_acl(struct dentry *dentry, const char *acl_name,
				    struct posix_acl *kacl)
{
	const struct prov_inode *const node = node_of(d_inode(dentry));

	end(dentry, kacl ? PROV_OP_SETXATTR : PROV_OP_REMOVEXATTR);
	if (node)
		prov_record_inode_attr(node->obj.id, d_inode(dentry));
}

static int hook_inode_remove_acl(struct mnt_idmap *idmap, struct dentry *dentry,
				 const char *acl_name)
{
	begin(dentry, PROV_OP_REMOVEXATTR);
	return 0;
}

static void hook_inode_post_remove_acl(struct mnt_idmap *idmap,
				       struct dentry *dentry,
				       const char *acl_name)
{
	end(dentry, PROV_OP_REMOVEXATTR);
}

/* Without room for it, only the length was asked for. */
static int hook_xattr_read(struct dentry *dentry, const void *value, int ret)
{
	if (value && ret > 0)
		receive(d_inode(dentry), PROV_OP_GETXATTR);
	return ret;
}

/* What an earlier call of another kind has left. */
static int hook_inode_readlink(struct dentry *dentry)
{
	prov_task(current)->partly_copied = false;
	return 0;
}

static int hook_link_read(struct dentry *dentry, int ret)
{
	struct prov_task *const task = prov_task(current);

	if (ret > 0 || (ret == -EFAULT && task->partly_copied))
		receive(d_inode(dentry), PROV_OP_READLINK);
	task->partly_copied = false;
	return ret;
}

static void hook_flags_set(struct dentry *dentry)
{
	struct prov_inode *const node = node_of(d_inode(dentry));

	if (node)
		prov_record_meta(PROV_OP_SETATTR, &prov_current()->obj,
				 &node->obj);
}

static void look(struct inode *const inode, enum prov_op op)
{
	struct prov_process *const process = prov_current();
	struct prov_inode *const node = node_of(inode);

	if (node)
		prov_tell_edge(process, PROV_R_EDGE_META, op, &node->obj,
			       &process->obj);
}

static int hook_xattrs_listed(struct dentry *dentry, const char *list, int ret)
{
	if (list && ret > 0)
		look(d_inode(dentry), PROV_OP_LISTXATTR);
	return ret;
}

static int hook_attributes_read(const struct path *path, int ret)
{
	if (static_branch_unlikely(&meta_is_on) && !ret)
		look(d_backing_inode(path->dentry), PROV_OP_STAT);
	return ret;
}

static void hook_access_asked(const struct path *path)
{
	if (static_branch_unlikely(&meta_is_on))
		look(d_backing_inode(path->dentry), PROV_OP_ACCESS);
}

static void hook_path_looked_up(const struct path *path)
{
	if (static_branch_unlikely(&meta_is_on) &&
	    d_really_is_positive(path->dentry))
		look(d_backing_inode(path->dentry), PROV_OP_LOOKUP);
}

static const struct provenance_hook metadata_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(inode_setxattr, hook_inode_setxattr),
	PROVENANCE_LSM_HOOK_INIT(inode_post_setxattr, hook_inode_post_setxattr),
	PROVENANCE_LSM_HOOK_INIT(inode_removexattr, hook_inode_removexattr),
	PROVENANCE_LSM_HOOK_INIT(inode_readlink, hook_inode_readlink),
	PROVENANCE_LSM_HOOK_INIT(inode_post_removexattr,
				 hook_inode_post_removexattr),
	PROVENANCE_LSM_HOOK_INIT(inode_set_acl, hook_inode_set_acl),
	PROVENANCE_LSM_HOOK_INIT(inode_post_set_acl, hook_inode_post_set_acl),
	PROVENANCE_LSM_HOOK_INIT(inode_remove_acl, hook_inode_remove_acl),
	PROVENANCE_LSM_HOOK_INIT(inode_post_remove_acl,
				 hook_inode_post_remove_acl),
	PROVENANCE_OWN_HOOK_INIT(label_set, hook_label_set),
	PROVENANCE_OWN_HOOK_INIT(xattr_read, hook_xattr_read),
	PROVENANCE_OWN_HOOK_INIT(xattrs_listed, hook_xattrs_listed),
	PROVENANCE_OWN_HOOK_INIT(link_read, hook_link_read),
	PROVENANCE_OWN_HOOK_INIT(flags_set, hook_flags_set),
	PROVENANCE_OWN_HOOK_INIT(attributes_read, hook_attributes_read),
	PROVENANCE_OWN_HOOK_INIT(access_asked, hook_access_asked),
	PROVENANCE_OWN_HOOK_INIT(path_looked_up, hook_path_looked_up),
};

void __init prov_metadata_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, metadata_hooks,
			     ARRAY_SIZE(metadata_hooks));
}
