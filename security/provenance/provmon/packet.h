/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: where packets come from
 */
#ifndef _SECURITY_PROVMON_PACKET_H
#define _SECURITY_PROVMON_PACKET_H

#include <linux/types.h>

struct prov_absorbed;
struct prov_object;
struct prov_socket;
struct sk_buff;
struct skb_provenance;

u64 *prov_delivered_word(struct prov_socket *from, u32 id);
bool prov_packet_origin(const struct sk_buff *skb,
			struct skb_provenance *origin);
void prov_packet_mark(struct sk_buff *skb, u64 node, u32 version);
void prov_packet_absorb(const struct skb_provenance *origin,
			struct prov_object *to, struct prov_absorbed *absorbed);
void prov_packet_add_hooks(void);

#endif /* _SECURITY_PROVMON_PACKET_H */
