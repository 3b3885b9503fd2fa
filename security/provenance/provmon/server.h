/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: servers in the kernel
 */
#ifndef _SECURITY_PROVMON_SERVER_H
#define _SECURITY_PROVMON_SERVER_H

struct prov_task;

void prov_server_end(struct prov_task *task);
void prov_server_add_hooks(void);

#endif /* _SECURITY_PROVMON_SERVER_H */
