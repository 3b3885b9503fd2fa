// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: TUN and TAP devices
 *
 * Each open file of /dev/net/tun is a queue of a device, and like a terminal it
 * has two directions: what is written to it is received by the machine, what
 * the machine sends is read from it, and neither comes back the other way.
 *
 *	vpn --write--> [tun:tun0:rx] --deliver--> socket
 *	vpn <--read--- [tun:tun0:tx] <--deliver-- socket
 */
#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "object.h"
#include "packet.h"
#include "record.h"
#include "tun.h"

static void hook_tun_opened(struct file *file)
{
	struct prov_file *const blob = prov_file(file);
	struct inode *const inode = file_inode(file);

	/* Nobody else has the file yet. */
	blob->source = prov_inode_make_own(PROV_K_TUN, inode, GFP_KERNEL);
	blob->target = prov_inode_make_own(PROV_K_CHARDEV, inode, GFP_KERNEL);
}

/* It gets a device after it was opened. */
static void record_name(struct prov_inode *const node,
			const struct net_device *const dev,
			const char *const direction)
{
	char name[IFNAMSIZ + 16];

	if (READ_ONCE(node->names[0]))
		return;
	if (prov_record_text(node->obj.id, PROV_T_ANON_NAME, name,
			     scnprintf(name, sizeof(name), "tun:%s:%s",
				       dev->name, direction)))
		WRITE_ONCE(node->names[0], 1);
}

static void hook_tun_queued(struct file *file, struct sk_buff *skb)
{
	struct prov_inode *const node = prov_file(file)->source;
	struct skb_provenance origin;

	if (!node || node->obj.kind != PROV_K_TUN ||
	    !prov_packet_origin(skb, &origin))
		return;
	record_name(node, skb->dev, "tx");
	prov_packet_absorb(&origin, &node->obj,
			   &container_of(node, struct prov_tun, node)->absorbed);
}

static void hook_tun_written(struct file *file, struct sk_buff *skb)
{
	struct prov_inode *const node = prov_file(file)->target;

	if (!node)
		return;
	record_name(node, skb->dev, "rx");
	prov_packet_mark(skb, node->obj.id, prov_close_version(&node->obj));
}

static const struct provenance_hook tun_hooks[] = {
	PROVENANCE_OWN_HOOK_INIT(tun_opened, hook_tun_opened),
	PROVENANCE_OWN_HOOK_INIT(tun_queued, hook_tun_queued),
	PROVENANCE_OWN_HOOK_INIT(tun_written, hook_tun_written),
};

void __init prov_tun_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, tun_hooks, ARRAY_SIZE(tun_hooks));
}
