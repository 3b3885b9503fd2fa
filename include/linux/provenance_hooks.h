/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Linux Provenance Modules: how the kernel calls the hooks of the layer's own
 *
 * For each PROVENANCE_HOOK(NAME, …) of provenance_hook_defs.h there is a
 * function provenance_NAME().  While no module uses it, it is a patched-out
 * branch.
 */
#ifndef _LINUX_PROVENANCE_HOOKS_H
#define _LINUX_PROVENANCE_HOOKS_H

#include <linux/errno.h>
#include <linux/jump_label.h>
#include <linux/static_call.h>
#include <linux/types.h>

struct bio_vec;
struct block_device;
struct bpf_map;
struct bpf_prog;
struct cred;
struct dentry;
struct file;
struct fuse_in_header;
struct gendisk;
struct inode;
struct kern_ipc_perm;
struct key;
struct kiocb;
struct linux_binprm;
struct mm_struct;
struct mnt_namespace;
struct module;
struct msg_msg;
struct msghdr;
struct page;
struct path;
struct perf_event;
struct pipe_buffer;
struct pipe_inode_info;
struct qstr;
struct scm_fp_list;
struct sk_buff;
struct sock;
struct sockaddr_storage;
struct socket;
struct super_block;
struct svc_xprt;
struct task_struct;
struct tty_struct;
struct vfsmount;
struct vm_area_struct;

/**
 * struct provenance_memory - whose memory something has that outlives a call
 * @process: of provmon
 *
 * Memory that the kernel has pinned, and contexts of asynchronous I/O.  Of pages in
 * pipes, it is in the private field of their struct pipe_buffer.
 */
struct provenance_memory {
#ifdef CONFIG_SECURITY_PROVENANCE
	void	*process;
#endif
};

/**
 * struct provenance_buffer - memory that is registered with io_uring
 * @memory: whose it is
 * @files: of provmon: what is mapped there, shared, also when it is mapped no more
 */
struct provenance_buffer {
	struct provenance_memory memory;
#ifdef CONFIG_SECURITY_PROVENANCE
	void	*files;
#endif
};

/**
 * struct provenance_pin - the socket for which a request of io_uring pins memory
 * @socket: of provmon
 *
 * Other packets that refer to memory have no room for it, but hold their socket.
 */
struct provenance_pin {
#ifdef CONFIG_SECURITY_PROVENANCE
	void	*socket;
#endif
};

/**
 * struct provenance_request - a read or write that may end in another context
 * @node: of provmon, as all that follows: what is read or written, or NULL
 * @share: whose memory is moved
 * @share.process: who asked for it; then, of whom the buffer is, if that is another
 * @share.versions: of the process and the node, when a write began
 * @share.begun: it did
 * @share.fresh: the node had not absorbed that
 *
 * Here, because a blob would be one more allocation for each request.
 */
struct provenance_request {
#ifdef CONFIG_SECURITY_PROVENANCE
	void	*node;
	struct {
		void	*process;
		u32	versions[2];
		bool	begun;
		bool	fresh;
	} share[2];
#endif
};

/**
 * struct skb_provenance - where a packet comes from; of the provenance module
 * @node: id of an object
 * @version: of the object when the packet left it
 *
 * An extension of packets (SKB_EXT_PROVENANCE), so that it is with copies,
 * fragments and segments, too.
 */
struct skb_provenance {
	u64	node;
	u32	version;
};

#define PROVENANCE_KEY_FREED	-1	/* for key_noted() */
/** enum provenance_change - how the kernel was changed
 * @PROVENANCE_KEXEC: a kernel to execute was loaded
 * @PROVENANCE_TIME: the clock was set or adjusted
 */
enum provenance_change {
	PROVENANCE_KEXEC,
	PROVENANCE_TIME,
};

/**
 * enum provenance_bpf - what was done with a BPF program
 * @PROVENANCE_BPF_ATTACH: it runs from now on when something happens
 * @PROVENANCE_BPF_RUNS: it is about to run on data of current
 * @PROVENANCE_BPF_RAN: it did
 * @PROVENANCE_BPF_READ: its instructions were read
 */
enum provenance_bpf {
	PROVENANCE_BPF_ATTACH,
	PROVENANCE_BPF_RUNS,
	PROVENANCE_BPF_RAN,
	PROVENANCE_BPF_READ,
};

#ifdef CONFIG_SECURITY_PROVENANCE

bool provenance_skb_differs(const struct sk_buff *a, const struct sk_buff *b);

#define __PROVENANCE_CALL_void(CALL)	CALL
#define __PROVENANCE_CALL_int(CALL)	return CALL
#define __PROVENANCE_REST_void
#define __PROVENANCE_REST_int		return ret;

#define PROVENANCE_HOOK(RET, NAME, CONTEXT, PROTOTYPE, ARGUMENTS)	\
	DECLARE_STATIC_KEY_FALSE(provenance_active_##NAME);		\
	RET provenance_all_##NAME PROTOTYPE;				\
	DECLARE_STATIC_CALL(provenance_call_##NAME,			\
			    provenance_all_##NAME);			\
	static __always_inline RET provenance_##NAME PROTOTYPE		\
	{								\
		if (static_branch_unlikely(&provenance_active_##NAME))	\
			__PROVENANCE_CALL_##RET(			\
			static_call(provenance_call_##NAME) ARGUMENTS);	\
		__PROVENANCE_REST_##RET					\
	}
#include <linux/provenance_hook_defs.h>
#undef PROVENANCE_HOOK

#else /* CONFIG_SECURITY_PROVENANCE */

static inline bool provenance_skb_differs(const struct sk_buff *a,
					  const struct sk_buff *b)
{
	return false;
}

#define __PROVENANCE_REST_void
#define __PROVENANCE_REST_int	return ret;

#define PROVENANCE_HOOK(RET, NAME, CONTEXT, PROTOTYPE, ARGUMENTS)	\
	static inline RET provenance_##NAME PROTOTYPE			\
	{								\
		__PROVENANCE_REST_##RET					\
	}
#include <linux/provenance_hook_defs.h>
#undef PROVENANCE_HOOK

#endif /* CONFIG_SECURITY_PROVENANCE */

/*
 * A bit for the mask of inode_permission() that no other code knows: the caller
 * only asks, and goes on if the answer is no.
 */
#define PROVENANCE_MAY_ASK	0x10000000

/**
 * provenance_asks_again - should a path walk that was refused ask once more?
 * @err: the answer, from a walk without references
 *
 * Then the directory is held, and what is refused can be recorded.
 */
static __always_inline bool provenance_asks_again(int err)
{
#ifdef CONFIG_SECURITY_PROVENANCE
	if (static_branch_unlikely(&provenance_active_inode_refused))
		return err == -EACCES || err == -EPERM;
#endif
	return false;
}

#endif /* _LINUX_PROVENANCE_HOOKS_H */
