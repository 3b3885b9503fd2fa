/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: BPF maps and programs
 */
#ifndef _SECURITY_PROVMON_BPF_H
#define _SECURITY_PROVMON_BPF_H

struct file;
struct prov_inode;

#ifdef CONFIG_BPF_SYSCALL
struct prov_inode *prov_bpf_node(const struct file *file);
void prov_bpf_add_hooks(void);
#else
static inline struct prov_inode *prov_bpf_node(const struct file *file)
{
	return NULL;
}

static inline void prov_bpf_add_hooks(void) { }
#endif

#endif /* _SECURITY_PROVMON_BPF_H */
