/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Linux Provenance Modules: hooks of the layer's own
 *
 * LSM hooks run before the operation and decide.  These run when it is known
 * what happened, or where there is no LSM hook.  They return nothing and
 * refuse nothing.
 *
 * PROVENANCE_HOOK(RET, NAME, CONTEXT, PROTOTYPE, ARGUMENTS)
 *
 * RET is void, or int for a function that returns its argument @ret unchanged,
 * so that the caller need not keep it.  CONTEXT as in
 * security/provenance/lsm_rows.h.
 *
 * @file_read: data was obtained from @file
 * @file_writing: current is about to put data into @file, and no LSM is asked
 * @file_written: data was put into @file
 * @file_spliced: data was moved from @in, or the memory of current if that is
 *	NULL, into the pipe @out, and nobody can have seen it there yet
 * @splice_begun: what splice_taken() says from now on is of data that current
 *	moves from the pipe @in to @out; NULL when that is over
 * @splice_taken: data was found in @pipe and is about to be passed on
 * @request_begins: current is about to read through @kiocb, or to write; @memory is
 *	that of the buffer, or NULL if it is current's.  It can be over at once, or in
 *	any context later, or fail
 * @request_done: it moved @ret bytes, or ended with an error; data that was read can
 *	be seen, and what was written could be before
 * @memory_kept: @memory is that of current, and can be used when current is gone
 * @memory_shared: there is one more copy of @memory
 * @memory_left: @memory, or a copy of it, is not used any more
 * @buffer_registered: current's memory that is in @nr parts @pages is pinned, and
 *	requests can name it as @buffer
 * @buffer_left: they cannot any more
 * @page_read: current has read @page, to which a socket refers
 * @pipe_buffer_read: current has read @buf of a pipe, or is about to pass it on; the
 *	pipe is locked
 * @mounts_changed: what is mounted where in @ns is no longer what it was
 * @file_opened: @file was opened by a way that has no file_post_open
 * @file_received: current got the descriptor of another, which is of @file
 * @file_taken: current took the descriptor of @task, which is of @file
 * @file_given: @task gave the process of @mm a descriptor of @file, which cannot
 *	have been used yet; current is one of the two
 * @files_passed: current sends descriptors of @files: they are about to be queued
 * @mapping_added: @pages more of @vma are mapped with its flags: by mmap(),
 *	growing, moving, or changed protection, before a page can be touched so.
 *	Not for the memory of a child: see @task_forked
 * @mapping_removed: @pages of @vma are mapped with @flags no more, and none can
 *	be touched so
 * @mm_released: nobody uses @mm any more; its mappings go without further notice
 * @name_created: @dentry was made in @dir: file, directory, link or device.
 *	Some file systems have not instantiated it yet
 * @name_linked: @inode got the further name @dentry in @dir
 * @name_removed: @inode lost the name @dentry in @dir
 * @name_moved: @moved was @old_name in @old_dir and is in @new_dir now, in place
 *	of @target if that is not NULL
 * @socket_bound: @sock has a local address now
 * @socket_listening: @sock takes connections now
 * @socket_connected: connect() of @sock to @address ended with @ret
 * @socket_accepted: accept() on @sock made @newsock
 * @socket_sending: @msg is about to be sent, and no LSM is asked, because it goes
 *	where the one before went
 * @socket_sent: sendmsg() on @sock ended with @ret, bytes or an error
 * @socket_received: recvmsg() on @sock ended with @ret, bytes or an error
 * @partly_copied: current was given @bytes of what it asks for, and will be told -EFAULT
 * @socket_shut: shutdown() of @sock succeeded
 * @packet_leaves: @skb is on its way to a device or back to this machine, and
 *	still belongs to the socket that sent it, if one did
 * @packet_crosses: @skb is about to be seen by taps, or in another network
 *	namespace; likewise
 * @packet_queued: @skb is about to be queued to @sk, where nobody can have seen it
 * @zerocopy_begins: current is about to send packets through @sk that refer to memory
 *	and have no copy of it: that of @memory, or current's if it is NULL.  @pin is
 *	NULL, or as below; then it can be called more than once
 * @zerocopy_copied: @skb has a copy now, and refers to that memory no more
 * @zerocopy_done: no packet does, and nobody was told yet.  Of @pin, or of @sk if
 *	that is NULL
 * @netlink_queued: a message is about to be queued to @to, that came from @from; a kernel
 *	socket or NULL if it is the kernel's
 * @mptcp_accepted: @sk is the socket of an MPTCP connection that came by @ssk
 * @tcp_crossed: @skb is the SYN of the other end, which @sk got while it waited for the
 *	answer to its own
 * @tun_opened: @file is a new queue of a TUN or TAP device
 * @tun_queued: @skb is about to be queued to be read from @file
 * @tun_written: @skb was written to @file and nobody can have seen it yet
 * @message_queued: @msg is put into the SysV queue @perm; nobody can see it yet
 * @message_copied: @to is a copy of @from
 * @mqueue_queued: @msg is put into the POSIX queue @inode, by its sender or by
 *	who made room for it; nobody can see it yet
 * @message_dropped: @msg, or the one that current frees next if that is NULL, is
 *	freed without having been received
 * @sem_operated: semop() of @task on @perm succeeded, and may have altered values
 *	if @alter; nobody can see them yet.  Current can be another task, which
 *	@task was waiting for
 * @sem_set: current has set values of @perm; nobody can see them yet
 * @sem_read: current gets values of @perm
 * @tty_opened: @file was opened and is of @tty; @inode is that of the file, or of
 *	the slave if @tty is a master
 * @tty_freed: @tty is no more
 * @tty_echoed: @tty is about to show what was typed
 * @tty_typed: current is about to put something into @tty as if it was typed
 * @task_forked: @child was made and has not run
 * @task_exiting: @task has left for good with the wait status @code
 * @exec_done: current runs the new program
 * @cred_committed: current has the credentials @new now, and had @old
 * @loginuid_set: @task, which is current, has another login uid and session of audit
 * @task_renamed: @task has another name, and no other program; current's process, or
 *	a thread of the kernel
 * @xattr_read: @ret bytes of an extended attribute of @dentry were put at @value,
 *	which is NULL if only its length was asked for, or an error
 * @xattrs_listed: names of extended attributes of @dentry, likewise
 * @label_set: a security module has set its own attribute of @dentry, which the
 *	file system does not keep
 * @flags_set: current has set flags of @dentry, as chattr does; the inode is locked
 * @link_read: readlink() of @dentry ended with @ret, bytes or an error
 * @attributes_read: stat() of @path ended with @ret, 0 or an error
 * @access_asked: access() of @path was answered
 * @path_looked_up: a path walk led to @path
 * @mount_leaves: @mnt is about to be moved or unmounted, and may fail to
 * @mount_left: unmounting @mnt ended with @ret, 0 or an error
 * @mount_attached: @mnt is in its place now, new or moved there
 * @signal_sent: current has sent @task a signal; sighand lock held
 * @status_taken: current has taken the status of its child @task by wait()
 * @task_traced: @tracer traces @task now; tasklist lock held
 * @ptrace_done: a request to the stopped @task, with @data, ended with @ret; or what
 *	moves the same
 * @memory_begins: memory of @mm is about to be read, or written if @write
 * @memory_accessed: it was, @ret bytes; on every way from @memory_begins
 * @namespaces_entered: current is in other namespaces, of some kind of CLONE_*
 *	in @flags
 * @cgroup_moved: @task, and perhaps its other threads, is in another cgroup
 * @inode_refused: current may not @mask on @inode, for @ret, which is not an
 *	answer of an LSM; can be in an RCU walk if @mask has MAY_NOT_BLOCK
 * @delete_refused: current may not remove or replace @dentry, though it may
 *	write to its directory
 * @setattr_refused: current may not change attributes of @dentry, for @ret
 * @ptrace_refused: current may not look into @task, in PTRACE_MODE_* @mode
 * @kill_refused: current may not send @task the signal @sig
 * @key_instantiated: @key has its payload now, and nobody can see it yet
 * @key_noted: something became of @key, as in enum key_notification_subtype, or
 *	PROVENANCE_KEY_FREED; a payload that was updated cannot be seen yet
 * @key_read: current gets the payload of @key, or what follows from it
 * @key_described: current gets the description of @key
 * @module_loaded: the code of @mod is about to run for the first time
 * @kernel_changed: current has changed the kernel, as @what says, unless @ret is an
 *	error
 * @file_swapped: swapping to @file has begun or ended
 * @perf_event_opened: current is about to get a descriptor of @event
 * @bpf_map_writing: current is about to change elements of @map
 * @bpf_map_written: that ended with @ret, 0 or an error
 * @bpf_map_read: current gets elements or keys of @map
 * @bpf_prog_done: current has attached, run or read @prog, or is about to, as @what
 *	says, unless @ret is an error
 * @fuse_asked: current, a FUSE server, got the request @in; what it is about is the
 *	inode of @sb for which @same says so to @in->nodeid.  @sb can be NULL
 * @fuse_answered: current has answered it; nobody can see the answer yet
 * @device_erased: blocks of @bdev are about to be discarded or zeroed, by current
 * @loop_bound: what is in the loop device @disk is in @file from now on, which current
 *	gave it, and is not changed by it if @read_only
 * @loop_unbound: it is in no file any more; nobody has @disk open
 * @service_begins: current, a thread of a server in the kernel, is about to handle a
 *	request that came by way of @xprt
 * @service_ended: it has, and has sent the answer if there is one
 */
PROVENANCE_HOOK(void, file_read, SLEEP, (struct file *file), (file))
PROVENANCE_HOOK(void, file_writing, SLEEP, (struct file *file), (file))
PROVENANCE_HOOK(void, file_written, SLEEP, (struct file *file), (file))
PROVENANCE_HOOK(void, file_spliced, SLEEP,
		(struct file *in, struct file *out), (in, out))
PROVENANCE_HOOK(void, splice_begun, SLEEP,
		(struct file *in, struct file *out), (in, out))
PROVENANCE_HOOK(void, splice_taken, SLEEP, (struct pipe_inode_info *pipe),
		(pipe))
PROVENANCE_HOOK(void, request_begins, SLEEP,
		(struct provenance_request *request, struct kiocb *kiocb,
		 const struct provenance_memory *memory),
		(request, kiocb, memory))
PROVENANCE_HOOK(void, request_done, HARDIRQ,
		(struct provenance_request *request, struct kiocb *kiocb,
		 long ret), (request, kiocb, ret))
PROVENANCE_HOOK(void, memory_kept, SLEEP, (struct provenance_memory *memory),
		(memory))
PROVENANCE_HOOK(void, memory_shared, ATOMIC, (struct provenance_memory *memory),
		(memory))
PROVENANCE_HOOK(void, memory_left, ATOMIC, (struct provenance_memory *memory),
		(memory))
PROVENANCE_HOOK(void, buffer_registered, SLEEP,
		(struct provenance_buffer *buffer, const struct bio_vec *pages,
		 unsigned int nr), (buffer, pages, nr))
PROVENANCE_HOOK(void, buffer_left, SLEEP, (struct provenance_buffer *buffer),
		(buffer))
PROVENANCE_HOOK(void, page_read, ATOMIC, (const struct page *page), (page))
PROVENANCE_HOOK(void, pipe_buffer_read, SLEEP, (const struct pipe_buffer *buf),
		(buf))
PROVENANCE_HOOK(void, mounts_changed, ATOMIC, (struct mnt_namespace *ns), (ns))
PROVENANCE_HOOK(void, file_opened, SLEEP, (struct file *file), (file))
PROVENANCE_HOOK(void, file_received, SLEEP, (struct file *file), (file))
PROVENANCE_HOOK(void, file_taken, SLEEP,
		(struct task_struct *task, struct file *file), (task, file))
PROVENANCE_HOOK(void, file_given, SLEEP,
		(struct task_struct *task, struct mm_struct *mm,
		 struct file *file), (task, mm, file))
PROVENANCE_HOOK(void, files_passed, ATOMIC, (struct scm_fp_list *files), (files))
PROVENANCE_HOOK(void, mapping_added, SLEEP,
		(struct vm_area_struct *vma, unsigned long pages), (vma, pages))
PROVENANCE_HOOK(void, mapping_removed, SLEEP,
		(struct vm_area_struct *vma, unsigned long flags,
		 unsigned long pages), (vma, flags, pages))
PROVENANCE_HOOK(void, mm_released, SLEEP, (struct mm_struct *mm), (mm))
PROVENANCE_HOOK(void, name_created, SLEEP,
		(struct inode *dir, struct dentry *dentry), (dir, dentry))
PROVENANCE_HOOK(void, name_linked, SLEEP,
		(struct inode *dir, struct inode *inode, struct dentry *dentry),
		(dir, inode, dentry))
PROVENANCE_HOOK(void, name_removed, SLEEP,
		(struct inode *dir, struct inode *inode, struct dentry *dentry),
		(dir, inode, dentry))
PROVENANCE_HOOK(void, name_moved, SLEEP,
		(struct inode *old_dir, struct inode *new_dir,
		 const struct qstr *old_name, struct inode *target,
		 struct dentry *moved),
		(old_dir, new_dir, old_name, target, moved))
PROVENANCE_HOOK(void, socket_bound, SLEEP, (struct socket *sock), (sock))
PROVENANCE_HOOK(void, socket_listening, SLEEP, (struct socket *sock), (sock))
PROVENANCE_HOOK(void, socket_connected, SLEEP,
		(struct socket *sock, const struct sockaddr_storage *address,
		 int ret), (sock, address, ret))
PROVENANCE_HOOK(void, socket_accepted, SLEEP,
		(struct socket *sock, struct socket *newsock), (sock, newsock))
PROVENANCE_HOOK(void, socket_sending, SLEEP,
		(struct socket *sock, struct msghdr *msg), (sock, msg))
PROVENANCE_HOOK(int, socket_sent, SLEEP,
		(struct socket *sock, struct msghdr *msg, int ret),
		(sock, msg, ret))
PROVENANCE_HOOK(int, socket_received, SLEEP,
		(struct socket *sock, struct msghdr *msg, int ret, int flags),
		(sock, msg, ret, flags))
PROVENANCE_HOOK(void, partly_copied, ATOMIC, (size_t bytes), (bytes))
PROVENANCE_HOOK(void, socket_shut, SLEEP, (struct socket *sock), (sock))
PROVENANCE_HOOK(void, packet_leaves, SOFTIRQ, (struct sk_buff *skb), (skb))
PROVENANCE_HOOK(void, packet_crosses, SOFTIRQ, (struct sk_buff *skb), (skb))
PROVENANCE_HOOK(void, packet_queued, SOFTIRQ,
		(struct sock *sk, struct sk_buff *skb), (sk, skb))
PROVENANCE_HOOK(void, mptcp_accepted, SOFTIRQ,
		(struct sock *sk, struct sock *ssk), (sk, ssk))
PROVENANCE_HOOK(void, tcp_crossed, SOFTIRQ,
		(struct sock *sk, struct sk_buff *skb), (sk, skb))
PROVENANCE_HOOK(void, zerocopy_begins, SLEEP,
		(struct sock *sk, struct provenance_pin *pin,
		 const struct provenance_memory *memory), (sk, pin, memory))
PROVENANCE_HOOK(void, zerocopy_copied, SOFTIRQ,
		(struct sk_buff *skb, struct sock *sk,
		 const struct provenance_pin *pin), (skb, sk, pin))
PROVENANCE_HOOK(void, zerocopy_done, HARDIRQ,
		(struct sock *sk, struct provenance_pin *pin), (sk, pin))
PROVENANCE_HOOK(void, netlink_queued, SOFTIRQ,
		(struct sock *from, struct sock *to), (from, to))
PROVENANCE_HOOK(void, tun_opened, SLEEP, (struct file *file), (file))
PROVENANCE_HOOK(void, tun_queued, SOFTIRQ,
		(struct file *file, struct sk_buff *skb), (file, skb))
PROVENANCE_HOOK(void, tun_written, SOFTIRQ,
		(struct file *file, struct sk_buff *skb), (file, skb))
PROVENANCE_HOOK(void, message_queued, ATOMIC,
		(struct kern_ipc_perm *perm, struct msg_msg *msg), (perm, msg))
PROVENANCE_HOOK(void, message_copied, ATOMIC,
		(struct msg_msg *to, const struct msg_msg *from), (to, from))
PROVENANCE_HOOK(void, mqueue_queued, ATOMIC,
		(struct inode *inode, struct msg_msg *msg), (inode, msg))
PROVENANCE_HOOK(int, message_dropped, SLEEP, (struct msg_msg *msg, int ret),
		(msg, ret))
PROVENANCE_HOOK(void, sem_operated, ATOMIC,
		(struct kern_ipc_perm *perm, struct task_struct *task, bool alter),
		(perm, task, alter))
PROVENANCE_HOOK(void, sem_set, ATOMIC, (struct kern_ipc_perm *perm), (perm))
PROVENANCE_HOOK(void, sem_read, ATOMIC, (struct kern_ipc_perm *perm), (perm))
PROVENANCE_HOOK(void, tty_opened, SLEEP,
		(struct file *file, struct tty_struct *tty, struct inode *inode),
		(file, tty, inode))
PROVENANCE_HOOK(void, tty_freed, SLEEP, (struct tty_struct *tty), (tty))
PROVENANCE_HOOK(void, tty_echoed, ATOMIC, (struct tty_struct *tty), (tty))
PROVENANCE_HOOK(void, tty_typed, SLEEP, (struct tty_struct *tty), (tty))
PROVENANCE_HOOK(void, task_forked, SLEEP,
		(struct task_struct *child, u64 clone_flags),
		(child, clone_flags))
PROVENANCE_HOOK(void, task_exiting, SLEEP, (struct task_struct *task, long code),
		(task, code))
PROVENANCE_HOOK(void, exec_done, SLEEP, (struct linux_binprm *bprm), (bprm))
PROVENANCE_HOOK(void, cred_committed, SLEEP,
		(const struct cred *new, const struct cred *old), (new, old))
PROVENANCE_HOOK(void, loginuid_set, SLEEP, (struct task_struct *task), (task))
PROVENANCE_HOOK(void, task_renamed, SLEEP, (struct task_struct *task), (task))
PROVENANCE_HOOK(int, xattr_read, SLEEP,
		(struct dentry *dentry, const void *value, int ret),
		(dentry, value, ret))
PROVENANCE_HOOK(int, xattrs_listed, SLEEP,
		(struct dentry *dentry, const char *list, int ret),
		(dentry, list, ret))
PROVENANCE_HOOK(void, label_set, SLEEP, (struct dentry *dentry), (dentry))
PROVENANCE_HOOK(void, flags_set, SLEEP, (struct dentry *dentry), (dentry))
PROVENANCE_HOOK(int, link_read, SLEEP, (struct dentry *dentry, int ret),
		(dentry, ret))
PROVENANCE_HOOK(int, attributes_read, SLEEP,
		(const struct path *path, int ret), (path, ret))
PROVENANCE_HOOK(void, access_asked, SLEEP, (const struct path *path), (path))
PROVENANCE_HOOK(void, path_looked_up, SLEEP, (const struct path *path), (path))
PROVENANCE_HOOK(void, mount_leaves, SLEEP, (struct vfsmount *mnt), (mnt))
PROVENANCE_HOOK(int, mount_left, SLEEP, (struct vfsmount *mnt, int ret),
		(mnt, ret))
PROVENANCE_HOOK(void, mount_attached, SLEEP, (struct vfsmount *mnt), (mnt))
PROVENANCE_HOOK(void, signal_sent, ATOMIC, (struct task_struct *task), (task))
PROVENANCE_HOOK(void, status_taken, SLEEP, (struct task_struct *task), (task))
PROVENANCE_HOOK(void, task_traced, ATOMIC,
		(struct task_struct *task, struct task_struct *tracer),
		(task, tracer))
PROVENANCE_HOOK(void, ptrace_done, SLEEP,
		(struct task_struct *task, long request, unsigned long data,
		 long ret),
		(task, request, data, ret))
PROVENANCE_HOOK(void, memory_begins, SLEEP, (struct mm_struct *mm, bool write),
		(mm, write))
PROVENANCE_HOOK(int, memory_accessed, SLEEP,
		(struct mm_struct *mm, bool write, int ret), (mm, write, ret))
PROVENANCE_HOOK(void, namespaces_entered, SLEEP, (u64 flags), (flags))
PROVENANCE_HOOK(void, cgroup_moved, SLEEP, (struct task_struct *task), (task))
PROVENANCE_HOOK(int, inode_refused, RCU_WALK,
		(struct inode *inode, int mask, int ret), (inode, mask, ret))
PROVENANCE_HOOK(int, delete_refused, SLEEP, (struct dentry *dentry, int ret),
		(dentry, ret))
PROVENANCE_HOOK(int, setattr_refused, SLEEP, (struct dentry *dentry, int ret),
		(dentry, ret))
PROVENANCE_HOOK(int, ptrace_refused, ATOMIC,
		(struct task_struct *task, unsigned int mode, int ret),
		(task, mode, ret))
PROVENANCE_HOOK(int, kill_refused, ATOMIC,
		(struct task_struct *task, int sig, int ret), (task, sig, ret))
PROVENANCE_HOOK(void, key_instantiated, SLEEP, (struct key *key), (key))
PROVENANCE_HOOK(void, key_noted, SLEEP, (struct key *key, int subtype),
		(key, subtype))
PROVENANCE_HOOK(void, key_read, SLEEP, (struct key *key), (key))
PROVENANCE_HOOK(void, key_described, SLEEP, (struct key *key), (key))
PROVENANCE_HOOK(void, module_loaded, SLEEP, (struct module *mod), (mod))
PROVENANCE_HOOK(void, kernel_changed, SLEEP,
		(enum provenance_change what, long ret), (what, ret))
PROVENANCE_HOOK(void, file_swapped, SLEEP, (struct file *file), (file))
PROVENANCE_HOOK(void, perf_event_opened, SLEEP, (struct perf_event *event),
		(event))
PROVENANCE_HOOK(void, bpf_map_writing, SLEEP, (struct bpf_map *map), (map))
PROVENANCE_HOOK(void, bpf_map_written, SLEEP, (struct bpf_map *map, int ret),
		(map, ret))
PROVENANCE_HOOK(void, bpf_map_read, SLEEP, (struct bpf_map *map), (map))
PROVENANCE_HOOK(void, bpf_prog_done, SLEEP,
		(struct bpf_prog *prog, enum provenance_bpf what, int ret),
		(prog, what, ret))
PROVENANCE_HOOK(void, fuse_asked, SLEEP,
		(struct super_block *sb, const struct fuse_in_header *in,
		 int (*same)(struct inode *inode, void *nodeid)),
		(sb, in, same))
PROVENANCE_HOOK(void, fuse_answered, SLEEP,
		(struct super_block *sb, const struct fuse_in_header *in,
		 int (*same)(struct inode *inode, void *nodeid)),
		(sb, in, same))
PROVENANCE_HOOK(void, device_erased, SLEEP, (struct block_device *bdev), (bdev))
PROVENANCE_HOOK(void, loop_bound, SLEEP,
		(struct gendisk *disk, struct file *file, bool read_only),
		(disk, file, read_only))
PROVENANCE_HOOK(void, loop_unbound, SLEEP, (struct gendisk *disk), (disk))
PROVENANCE_HOOK(void, service_begins, SLEEP, (const struct svc_xprt *xprt), (xprt))
PROVENANCE_HOOK(void, service_ended, SLEEP, (const struct svc_xprt *xprt), (xprt))
