// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: where packets come from
 *
 * A packet can be queued, fragmented, sent through bridges, tunnels and other
 * network namespaces, and given another address before it comes to a socket of
 * this machine.  So it carries its origin, as a message does: the socket that
 * sent it, or the TUN device that it was written to, and the version that this
 * had when the packet left it.
 *
 *	process --send--> [socket] ...packet... [socket] --recv--> process
 *	                      '------deliver------^
 *
 * The ends of TCP connections are joined once and for all (see socket.c), and
 * their packets carry nothing, unless there is a tap or a raw socket for them, or
 * they leave a network namespace.
 */
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/jump_label.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/ipv6_stubs.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/udp.h>

#include "object.h"
#include "packet.h"
#include "record.h"
#include "socket.h"

/**
 * prov_delivered_word - the cache word of a sender for one receiver
 * @from: the sender
 * @id: prov_cache_id() of the receiver
 *
 * The end of a connection has one receiver; a datagram socket can have more.
 */
u64 *prov_delivered_word(struct prov_socket *from, u32 id)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(from->delivered); i++)
		if (READ_ONCE(from->delivered[i]) >> 32 == id)
			return &from->delivered[i];
	i = READ_ONCE(from->delivered_next);
	WRITE_ONCE(from->delivered_next, i + 1);
	return &from->delivered[i % ARRAY_SIZE(from->delivered)];
}

/*
 * Leaving
 */

/* The node of the socket that sent a packet and still owns it, or NULL. */
static struct prov_socket *sender(const struct sk_buff *const skb)
{
	struct sock *const sk = skb->sk;

	/* What comes in can have been given to who is to receive it. */
	if (!sk || !sk_fullsock(sk) || skb_sk_is_prefetched((void *)skb) ||
	    skb->destructor == sock_edemux || !sk->sk_security)
		return NULL;
	return READ_ONCE(*prov_socket_slot(sk));
}

/* What is in a tunnel has headers that are not looked for. */
static bool is_tcp_without_data(const struct sk_buff *const skb)
{
	return sk_is_tcp(skb->sk) && !skb->encapsulation &&
	       skb_transport_header_was_set(skb) &&
	       skb->len <= skb_transport_offset(skb) + tcp_hdrlen(skb);
}

/**
 * prov_packet_origin - where does a packet come from?
 * @skb: the packet
 * @origin: filled in
 *
 * Return: false if that is not known, or nothing that is recorded.
 */
bool prov_packet_origin(const struct sk_buff *skb,
			struct skb_provenance *origin)
{
	const struct skb_provenance *const mark =
		skb_ext_find(skb, SKB_EXT_PROVENANCE);
	struct prov_socket *from;

	if (mark) {
		*origin = *mark;
		return true;
	}
	from = sender(skb);
	if (!from || is_tcp_without_data(skb))
		return false;
	*origin = (struct skb_provenance){
		.node = from->obj.id,
		/* With what others have put into the ring that it is sent from. */
		.version = prov_capture(&from->obj, &from->captured),
	};
	return true;
}

/**
 * prov_packet_mark - let a packet carry its origin
 * @skb: the packet
 * @node: id of the object
 * @version: its version, which takes nothing in any more
 */
void prov_packet_mark(struct sk_buff *skb, u64 node, u32 version)
{
	struct skb_provenance *const mark =
		skb_ext_add(skb, SKB_EXT_PROVENANCE);

	if (!mark) {
		prov_emit_lost();
		return;
	}
	*mark = (struct skb_provenance){ .node = node, .version = version };
}

static void hook_packet_crosses(struct sk_buff *skb)
{
	struct skb_provenance origin;

	if (!skb_ext_exist(skb, SKB_EXT_PROVENANCE) &&
	    prov_packet_origin(skb, &origin))
		prov_packet_mark(skb, origin.node, origin.version);
}

/* Somebody has a raw socket for segments of TCP, or had one. */
static DEFINE_STATIC_KEY_FALSE(raw_tcp);

static void hook_packet_leaves(struct sk_buff *skb)
{
	struct sock *const sk = skb->sk;

	if (sk && sk_fullsock(sk) &&
	    (!sk_is_tcp(sk) || static_branch_unlikely(&raw_tcp)))
		hook_packet_crosses(skb);
}

/*
 * Such a socket gets all segments that come to this machine; those of the kernel,
 * which it has to answer for TCP, get none.
 */
static int hook_socket_post_create(struct socket *sock, int family, int type,
				   int protocol, int kern)
{
	if (!kern && type == SOCK_RAW && protocol == IPPROTO_TCP &&
	    (family == AF_INET || family == AF_INET6))
		static_branch_enable(&raw_tcp);
	return 0;
}

/*
 * Arriving
 */

static void deliver(const struct skb_provenance *const origin,
		    struct prov_object *const to, u64 *const word, u32 cache_id)
{
	struct prov_object from;
	const struct prov_channel chan = {
		.src = &from,
		.dst = to,
		.cache = word,
		.cache_id = cache_id,
		.op = PROV_OP_DELIVER,
	};

	if (origin->node == to->id ||
	    prov_cache_hit(word, cache_id, origin->version))
		return;
	prov_object_init(&from, origin->node, PROV_K_SOCKET);
	from.version = origin->version;
	from.hot = origin->version;
	prov_flow(&chan);
}

/**
 * prov_packet_absorb - a packet is about to come to an object
 * @origin: where it comes from
 * @to: the object
 * @absorbed: of the object
 */
void prov_packet_absorb(const struct skb_provenance *origin,
			struct prov_object *to, struct prov_absorbed *absorbed)
{
	const u32 id = prov_cache_id(origin->node);

	deliver(origin, to,
		&absorbed->word[id % ARRAY_SIZE(absorbed->word)], id);
}

/*
 * The socket on this machine that a UDP packet seems to come from, or NULL; RCU.
 * It only serves to find the word that the sender has for this receiver: a
 * server has more clients than it has words.
 */
static struct sock *udp_sender(const struct sock *const sk,
			       const struct sk_buff *const skb)
{
	const struct udphdr *const uh = udp_hdr(skb);
	struct net *const net = sock_net(sk);

	if (skb->protocol == htons(ETH_P_IP))
		return __udp4_lib_lookup(net, ip_hdr(skb)->daddr, uh->dest,
					 ip_hdr(skb)->saddr, uh->source,
					 inet_iif(skb), 0, net->ipv4.udp_table,
					 NULL);
#if IS_ENABLED(CONFIG_IPV6)
	if (skb->protocol == htons(ETH_P_IPV6) && ipv6_bpf_stub)
		return ipv6_bpf_stub->udp6_lib_lookup(net,
				&ipv6_hdr(skb)->daddr, uh->dest,
				&ipv6_hdr(skb)->saddr, uh->source,
				inet6_iif(skb), 0, net->ipv4.udp_table, NULL);
#endif
	return NULL;
}

/* The node of the sender if it can be found from its packet, or NULL; RCU. */
static struct prov_socket *find_sender(const struct sock *const sk,
				       const struct sk_buff *const skb)
{
	struct sock *from;

	if (sk->sk_family == AF_VSOCK)
		return sender(skb);
	if (sk->sk_protocol != IPPROTO_UDP || sk->sk_type != SOCK_DGRAM ||
	    !skb->dev || !(skb->dev->flags & IFF_LOOPBACK))
		return NULL;
	from = udp_sender(sk, skb);
	return from ? READ_ONCE(*prov_socket_slot(from)) : NULL;
}

static void absorb(const struct skb_provenance *const origin,
		   struct prov_socket *const from, struct prov_socket *const to)
{
	const u32 id = prov_cache_id(to->obj.id);

	if (from && from->obj.id == origin->node)
		deliver(origin, &to->obj, prov_delivered_word(from, id), id);
	else
		prov_packet_absorb(origin, &to->obj, &to->absorbed);
}

static void hook_packet_queued(struct sock *sk, struct sk_buff *skb)
{
	struct skb_provenance origin;
	struct prov_socket *from, *to;

	/* Only vsock hands packets over as they were sent. */
	if (!skb_ext_exist(skb, SKB_EXT_PROVENANCE) &&
	    sk->sk_family != AF_VSOCK)
		return;
	if (!prov_packet_origin(skb, &origin))
		return;
	to = prov_socket_get(sk, GFP_ATOMIC);
	if (!to)
		return;
	rcu_read_lock();
	from = find_sender(sk, skb);
	absorb(&origin, from, to);
	/* Who receives reads what the sender has in its memory then. */
	if (from && sk->sk_family == AF_VSOCK && unlikely(skb_zcopy(skb)) &&
	    rcu_access_pointer(to->peer) != from)
		prov_socket_set_peer(to, from);
	rcu_read_unlock();
}

/*
 * A segment of TCP that has an origin: it was written to a TUN device, or its
 * ends are not joined because its ports were changed on the way.
 */
static int hook_socket_sock_rcv_skb(struct sock *sk, struct sk_buff *skb)
{
	const struct skb_provenance *const mark =
		skb_ext_find(skb, SKB_EXT_PROVENANCE);
	const struct prov_socket *peer;
	struct prov_socket *to;

	if (likely(!mark) || !sk_is_tcp(sk) || sk->sk_state == TCP_LISTEN ||
	    skb->len <= tcp_hdrlen(skb))
		return 0;
	to = prov_socket_get(sk, GFP_ATOMIC);
	if (!to)
		return 0;
	rcu_read_lock();
	peer = rcu_dereference(to->peer);
	if (!peer || peer->obj.id != mark->node)
		prov_packet_absorb(mark, &to->obj, &to->absorbed);
	rcu_read_unlock();
	return 0;
}

static const struct provenance_hook packet_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(socket_post_create, hook_socket_post_create),
	PROVENANCE_LSM_HOOK_INIT(socket_sock_rcv_skb, hook_socket_sock_rcv_skb),
	PROVENANCE_OWN_HOOK_INIT(packet_leaves, hook_packet_leaves),
	PROVENANCE_OWN_HOOK_INIT(packet_crosses, hook_packet_crosses),
	PROVENANCE_OWN_HOOK_INIT(packet_queued, hook_packet_queued),
};

void __init prov_packet_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, packet_hooks,
			     ARRAY_SIZE(packet_hooks));
}
