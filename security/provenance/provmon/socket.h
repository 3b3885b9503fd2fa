/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: sockets
 */
#ifndef _SECURITY_PROVMON_SOCKET_H
#define _SECURITY_PROVMON_SOCKET_H

struct prov_socket;
struct socket;

void prov_socket_receive(struct socket *sock);
void prov_socket_set_peer(struct prov_socket *node, struct prov_socket *peer);
int prov_socket_setup(void);
void prov_socket_add_hooks(void);

#endif /* _SECURITY_PROVMON_SOCKET_H */
