/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: packets that refer to memory
 */
#ifndef _SECURITY_PROVMON_ZEROCOPY_H
#define _SECURITY_PROVMON_ZEROCOPY_H

struct prov_process;
struct prov_socket;

void prov_zerocopy_sent(struct prov_socket *node, struct prov_process *process);
void prov_zerocopy_end(struct prov_socket *node);
void prov_zerocopy_add_hooks(void);

#endif /* _SECURITY_PROVMON_ZEROCOPY_H */
