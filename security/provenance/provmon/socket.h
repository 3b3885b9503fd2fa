/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: sockets
 */
#ifndef _SECURITY_PROVMON_SOCKET_H
#define _SECURITY_PROVMON_SOCKET_H

void prov_socket_setup(void);
void prov_socket_add_hooks(void);

#endif /* _SECURITY_PROVMON_SOCKET_H */
