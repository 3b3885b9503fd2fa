// SPDX-License-Identifier: GPL-2.0
/*
 * Linux Provenance Modules: what packets carry
 */
#include <linux/provenance_hooks.h>
#include <linux/skbuff.h>

/**
 * provenance_skb_differs - do two packets come from different places?
 * @a: a packet
 * @b: another, which is not merged with it then
 */
bool provenance_skb_differs(const struct sk_buff *a, const struct sk_buff *b)
{
	const struct skb_provenance *const of_a =
		skb_ext_find(a, SKB_EXT_PROVENANCE);
	const struct skb_provenance *const of_b =
		skb_ext_find(b, SKB_EXT_PROVENANCE);

	if (!of_a || !of_b)
		return of_a != of_b;
	return of_a->node != of_b->node || of_a->version != of_b->version;
}
