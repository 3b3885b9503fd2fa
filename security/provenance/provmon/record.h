/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: how each kind of record is written
 *
 * All return false if the record was lost, which is counted.  None sleeps.
 */
#ifndef _SECURITY_PROVMON_RECORD_H
#define _SECURITY_PROVMON_RECORD_H

#include <linux/types.h>
#include <uapi/linux/provenance.h>

#include "engine.h"

struct cred;
struct inode;
struct kern_ipc_perm;
struct sock;
struct task_struct;

bool prov_record_process(const struct prov_object *obj,
			 struct task_struct *task, u32 ppid);
bool prov_record_inode(const struct prov_object *obj,
		       const struct inode *inode);
bool prov_record_socket(const struct prov_object *obj, const struct sock *sk);
bool prov_record_ipc(const struct prov_object *obj,
		     const struct kern_ipc_perm *perm, u32 ipcns);
bool prov_record_numbered(const struct prov_object *obj, u32 number, u32 type);
bool prov_record_message(u64 id, u64 queue);
bool prov_record_edge(enum prov_record_type type, enum prov_op op,
		      const struct prov_object *from, u32 version,
		      struct prov_object *to);
bool prov_record_meta(enum prov_op op, struct prov_object *from,
		      struct prov_object *to);
bool prov_record_control(enum prov_op op, struct prov_object *from,
			 struct prov_object *to);
bool prov_record_text(u64 id, enum prov_text_kind kind, const char *text,
		      size_t bytes);
bool prov_record_text_part(u64 id, enum prov_text_kind kind, const char *text,
			   size_t bytes, u32 offset, u32 total);
bool prov_record_cred(u64 id, const struct cred *cred, u32 loginuid,
		      u32 sessionid);
bool prov_record_inode_attr(u64 id, const struct inode *inode);
bool prov_record_address(u64 id, enum prov_end end, u16 family, u16 port,
			 u32 scope, const void *address);
bool prov_record_peer(u64 id, u64 peer);
bool prov_record_opaque(enum prov_opaque_change change, u64 id, u64 by);
bool prov_record_end(const struct prov_object *obj, u32 code);

#endif /* _SECURITY_PROVMON_RECORD_H */
