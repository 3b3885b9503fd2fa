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
 * @file_written: data was put into @file
 * @file_mapped: current has mapped @file at @address, or failed to and @address
 *	is an error, with protection @prot and MAP_* @flags; NULL for anonymous
 *	memory
 * @name_created: @dentry was made in @dir: file, directory, link or device.
 *	Some file systems have not instantiated it yet
 * @name_linked: @inode got the further name @dentry in @dir
 * @name_removed: @inode lost the name @dentry in @dir
 * @name_moved: @moved was @old_name in @old_dir and is in @new_dir now, in place
 *	of @target if that is not NULL
 * @socket_bound: @sock has a local address now
 * @socket_listening: @sock takes connections now
 * @socket_connected: connect() of @sock to @address was begun or done
 * @socket_accepted: accept() on @sock made @newsock
 * @socket_sent: sendmsg() on @sock ended with @ret, bytes or an error
 * @socket_received: recvmsg() on @sock ended with @ret, bytes or an error
 * @task_forked: @child was made and has not run
 * @task_exiting: @task has left for good with the wait status @code
 * @exec_done: current runs the new program
 * @cred_committed: current has the credentials @new now, and had @old
 */
PROVENANCE_HOOK(void, file_read, ATOMIC, (struct file *file), (file))
PROVENANCE_HOOK(void, file_written, ATOMIC, (struct file *file), (file))
PROVENANCE_HOOK(void, file_mapped, SLEEP,
		(struct file *file, unsigned long address, unsigned long prot,
		 unsigned long flags), (file, address, prot, flags))
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
PROVENANCE_HOOK(void, socket_connected, SLEEP, (struct socket *sock), (sock))
PROVENANCE_HOOK(void, socket_accepted, SLEEP,
		(struct socket *sock, struct socket *newsock), (sock, newsock))
PROVENANCE_HOOK(int, socket_sent, SLEEP,
		(struct socket *sock, struct msghdr *msg, int ret),
		(sock, msg, ret))
PROVENANCE_HOOK(int, socket_received, SLEEP,
		(struct socket *sock, struct msghdr *msg, int ret, int flags),
		(sock, msg, ret, flags))
PROVENANCE_HOOK(void, task_forked, SLEEP,
		(struct task_struct *child, u64 clone_flags),
		(child, clone_flags))
PROVENANCE_HOOK(void, task_exiting, SLEEP, (struct task_struct *task, long code),
		(task, code))
PROVENANCE_HOOK(void, exec_done, SLEEP, (struct linux_binprm *bprm), (bprm))
PROVENANCE_HOOK(void, cred_committed, SLEEP,
		(const struct cred *new, const struct cred *old), (new, old))
