// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: sockets
 *
 * A process sends into its socket and receives from its socket.  Between the
 * two ends of a connection on this machine, the receiver first takes over what
 * the other end has (PROV_OP_DELIVER), so that nothing need be done for each
 * packet.  A datagram has no such connection: it is delivered when the socket
 * that it goes to is known.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/memblock.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/random.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/af_unix.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/ipv6_stubs.h>
#include <net/tcp.h>
#include <net/udp.h>

#include "object.h"
#include "process.h"
#include "record.h"
#include "socket.h"

/* The end of a connection has one receiver; a datagram socket can have more. */
static u64 *delivered_word(struct prov_socket *const from, u32 id)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(from->delivered); i++)
		if (READ_ONCE(from->delivered[i]) >> 32 == id)
			return &from->delivered[i];
	i = READ_ONCE(from->delivered_next);
	WRITE_ONCE(from->delivered_next, i + 1);
	return &from->delivered[i % ARRAY_SIZE(from->delivered)];
}

static struct prov_channel channel_deliver(struct prov_socket *const from,
					   struct prov_socket *const to)
{
	const u32 id = prov_cache_id(to->obj.id);

	return (struct prov_channel){
		.src = &from->obj,
		.dst = &to->obj,
		.cache = delivered_word(from, id),
		.cache_id = id,
		.op = PROV_OP_DELIVER,
	};
}

/*
 * Ends of connections
 */

/*
 * Ends that wait to be joined.  Both ends of a TCP connection know both initial
 * sequence numbers and both ports.  Of these, only a host that is the other end
 * of two connections of this machine could make two ends look like one pair.
 * Addresses are left out, because a machine can have several network
 * namespaces with the same ones.
 *
 * Most connections are to other machines, and their ends wait as long as they
 * live: with TCP_DEFER_ACCEPT the other end can come at any time.  So there are
 * as many buckets as the hash table of TCP itself would have.
 */
static struct hlist_head *waiting __ro_after_init;
static unsigned int waiting_mask __ro_after_init;
static DEFINE_SPINLOCK(waiting_lock);
static siphash_aligned_key_t waiting_secret;

static struct hlist_head *waiting_for(const struct prov_connection *const key)
{
	net_get_random_once(&waiting_secret, sizeof(waiting_secret));
	return &waiting[siphash(key, sizeof(*key), &waiting_secret) &
			waiting_mask];
}

static void set_peer(struct prov_socket *const node,
		     struct prov_socket *const peer)
{
	struct prov_socket *old;

	if (peer)
		refcount_inc(&peer->refs);
	old = unrcu_pointer(xchg(&node->peer, RCU_INITIALIZER(peer)));
	if (old)
		prov_socket_put(old);
}

/*
 * A socket that was connected before, or would have been if a module had not
 * refused, has an end that is no longer its own.
 */
static void join(struct prov_socket *const a, struct prov_socket *const b)
{
	set_peer(a, b);
	set_peer(b, a);
	prov_record_peer(a->obj.id, b->obj.id);
}

/*
 * @node is connected to something else now.  The other end can still read what
 * it was sent, but nothing that is sent from now on.
 */
static void part(struct prov_socket *const node)
{
	struct prov_socket *const old =
		rcu_dereference_raw(node->peer);

	if (!old)
		return;
	if (rcu_access_pointer(old->peer) == node) {
		const struct prov_channel chan = channel_deliver(node, old);

		prov_flow(&chan);
		set_peer(old, NULL);
	}
	set_peer(node, NULL);
}

/* Join @node with the end that waits for it, or let it wait. */
static void join_or_wait(struct prov_socket *const node,
			 const struct prov_connection *const key)
{
	struct hlist_head *const bucket = waiting_for(key);
	struct prov_socket *other;
	unsigned long flags;

	spin_lock_irqsave(&waiting_lock, flags);
	hlist_del_init(&node->wait);
	part(node);
	hlist_for_each_entry(other, bucket, wait) {
		if (!memcmp(&other->key, key, sizeof(*key))) {
			hlist_del_init(&other->wait);
			join(node, other);
			goto out;
		}
	}
	node->key = *key;
	hlist_add_head(&node->wait, bucket);
out:
	spin_unlock_irqrestore(&waiting_lock, flags);
}

/* The client's end, when the answer of the server is there. */
static void hook_inet_conn_established(struct sock *sk, struct sk_buff *skb)
{
	const struct tcphdr *const th = tcp_hdr(skb);
	const struct prov_connection key = {
		.isn = { htonl(ntohl(th->ack_seq) - 1), th->seq },
		.port = { th->dest, th->source },
	};
	struct prov_socket *const node = *prov_socket_slot(sk);

	/* Who made the connection has a node, or is not recorded. */
	if (node)
		join_or_wait(node, &key);
}

/* The server's end, when the client has acknowledged its answer. */
static void hook_inet_csk_clone(struct sock *newsk,
				const struct request_sock *req)
{
	const struct inet_request_sock *const ireq = inet_rsk(req);
	struct prov_connection key;
	struct prov_socket *node;

	if (newsk->sk_protocol != IPPROTO_TCP)
		return;
	key = (struct prov_connection){
		.isn = { htonl(tcp_rsk(req)->rcv_isn),
			 htonl(tcp_rsk(req)->snt_isn) },
		.port = { ireq->ir_rmt_port, htons(ireq->ir_num) },
	};
	node = prov_socket_get(newsk, GFP_ATOMIC);
	if (node)
		join_or_wait(node, &key);
}

static void join_sockets(struct sock *const a, struct sock *const b)
{
	struct prov_socket *const na = prov_socket_get(a, GFP_ATOMIC);
	struct prov_socket *const nb = prov_socket_get(b, GFP_ATOMIC);

	if (na && nb)
		join(na, nb);
}

static int hook_unix_stream_connect(struct sock *sk, struct sock *other,
				    struct sock *newsk)
{
	join_sockets(sk, newsk);
	return 0;
}

static int hook_socket_socketpair(struct socket *a, struct socket *b)
{
	if (a->type != SOCK_DGRAM)
		join_sockets(a->sk, b->sk);
	return 0;
}

static void hook_sk_free_security(struct sock *sk)
{
	struct prov_socket *node;
	unsigned long flags;

	if (!sk->sk_security)
		return;
	node = *prov_socket_slot(sk);
	if (!node)
		return;
	*prov_socket_slot(sk) = NULL;
	spin_lock_irqsave(&waiting_lock, flags);
	hlist_del_init(&node->wait);
	spin_unlock_irqrestore(&waiting_lock, flags);
	prov_record_end(&node->obj, 0);
	set_peer(node, NULL);
	prov_socket_put(node);
}

/*
 * Addresses
 */

static void record_inet_addresses(struct prov_socket *const node,
				  const struct sock *const sk)
{
	const struct inet_sock *const inet = inet_sk(sk);
	const u32 scope = READ_ONCE(sk->sk_bound_dev_if);
	const bool v6 = sk->sk_family == AF_INET6;
	const void *local = &inet->inet_rcv_saddr, *remote = &inet->inet_daddr;

#if IS_ENABLED(CONFIG_IPV6)
	if (v6) {
		local = &sk->sk_v6_rcv_saddr;
		remote = &sk->sk_v6_daddr;
	}
#endif
	if (!(node->obj.flags & PROV_OBJ_LOCAL) && inet->inet_sport &&
	    prov_record_address(node->obj.id, PROV_END_LOCAL, sk->sk_family,
				ntohs(inet->inet_sport), v6 ? scope : 0, local))
		prov_set_flag(&node->obj, PROV_OBJ_LOCAL);
	if (!(node->obj.flags & PROV_OBJ_REMOTE) && inet->inet_dport &&
	    prov_record_address(node->obj.id, PROV_END_REMOTE, sk->sk_family,
				ntohs(inet->inet_dport), v6 ? scope : 0,
				remote))
		prov_set_flag(&node->obj, PROV_OBJ_REMOTE);
}

static void record_unix_address(struct prov_socket *const node,
				const struct sock *const sk)
{
	const struct unix_address *address;
	size_t bytes;

	/* Whoever binds it may not be done. */
	address = smp_load_acquire(&unix_sk(sk)->addr);
	if (node->obj.flags & PROV_OBJ_LOCAL || !address)
		return;
	bytes = address->len - offsetof(struct sockaddr_un, sun_path);
	if (address->name->sun_path[0])
		bytes = strnlen(address->name->sun_path, bytes);
	if (prov_record_text(node->obj.id, PROV_T_UNIX_PATH,
			     address->name->sun_path, bytes))
		prov_set_flag(&node->obj, PROV_OBJ_LOCAL);
}

static void record_addresses(struct prov_socket *const node,
			     const struct sock *const sk)
{
	switch (sk->sk_family) {
	case AF_INET:
	case AF_INET6:
		record_inet_addresses(node, sk);
		break;
	case AF_UNIX:
		record_unix_address(node, sk);
		break;
	}
}

/* As the protocols read it: they take more than what is well formed. */
static bool read_address(struct prov_remote *const remote,
			 const struct sock *const sk,
			 const struct msghdr *const msg)
{
	const struct sockaddr_in6 *const in6 = msg->msg_name;
	const struct sockaddr_in *const in = msg->msg_name;
	const int length = msg->msg_namelen;

	memset(remote, 0, sizeof(*remote));
	if (!in || length < (int)sizeof(*in))
		return false;
	switch (in->sin_family) {
	case AF_UNSPEC:
		if (sk->sk_family != AF_INET)
			return false;
		fallthrough;
	case AF_INET:
		remote->family = AF_INET;
		remote->port = in->sin_port;
		memcpy(&remote->address, &in->sin_addr, sizeof(in->sin_addr));
		return true;
	case AF_INET6:
		if (length < SIN6_LEN_RFC2133)
			return false;
		remote->family = AF_INET6;
		remote->port = in6->sin6_port;
		remote->address = in6->sin6_addr;
		if (length >= (int)sizeof(*in6))
			remote->scope = in6->sin6_scope_id;
		return true;
	default:
		return false;
	}
}

/* The other side of a datagram, unless it is that of the last one. */
static void record_datagram_address(struct prov_socket *const node,
				    const struct sock *const sk,
				    const struct msghdr *const msg)
{
	struct prov_remote remote;

	if (!read_address(&remote, sk, msg) ||
	    !memcmp(&remote, &node->remote, sizeof(remote)))
		return;
	if (prov_record_address(node->obj.id, PROV_END_REMOTE, remote.family,
				ntohs(remote.port), remote.scope,
				&remote.address))
		node->remote = remote;
}

/*
 * Flows
 */

/* Sockets of other families are not recorded. */
static bool has_family(const struct sock *const sk)
{
	return sk->sk_family == AF_UNIX || sk->sk_family == AF_INET ||
	       sk->sk_family == AF_INET6;
}

static struct prov_socket *socket_node(const struct socket *const sock,
				       struct prov_process *const process)
{
	struct prov_socket *node;

	if (!prov_is_recorded(process) || !sock->sk || !has_family(sock->sk))
		return NULL;
	prov_process_describe(process);
	node = prov_socket_get(sock->sk, GFP_KERNEL);
	if (node)
		record_addresses(node, sock->sk);
	return node;
}

static u64 *cache_in(const struct socket *const sock)
{
	return sock->file ? &prov_file(sock->file)->in : NULL;
}

static u64 *cache_out(const struct socket *const sock)
{
	return sock->file ? &prov_file(sock->file)->out : NULL;
}

static struct prov_channel channel_send(struct prov_process *const process,
					struct prov_socket *const node,
					const struct socket *const sock)
{
	return (struct prov_channel){
		.src = &process->obj,
		.dst = &node->obj,
		.memory = &process->memory,
		.direction = PROV_OUT,
		.cache = cache_out(sock),
		.cache_id = READ_ONCE(process->cache_id),
		.op = PROV_OP_SEND,
	};
}

static bool is_delivered(const struct prov_channel *const chan)
{
	return prov_cache_hit(chan->cache, chan->cache_id,
			      READ_ONCE(chan->src->version));
}

static bool is_datagram(const struct socket *const sock)
{
	return sock->type == SOCK_DGRAM || sock->type == SOCK_RAW;
}

static int hook_socket_sendmsg(struct socket *sock, struct msghdr *msg,
			       int size)
{
	struct prov_task *const task = prov_task(current);
	struct prov_process *const process = prov_current();
	const u64 *const cache = cache_out(sock);
	struct prov_channel chan;
	struct prov_socket *node;

	if (likely(cache) && !task->sending && !is_datagram(sock) &&
	    prov_cache_hit(cache, process->cache_id,
			   READ_ONCE(process->obj.version)))
		return 0;
	task->sending = NULL;
	if (task->datagram_to) {
		prov_socket_put(task->datagram_to);
		task->datagram_to = NULL;
	}
	node = socket_node(sock, process);
	if (!node)
		return 0;
	chan = channel_send(process, node, sock);
	prov_send_begin(&chan, &task->send);
	task->sending = sock;
	return 0;
}

/* Between hook_socket_sendmsg() and hook_socket_sent(). */
static int hook_unix_may_send(struct socket *sock, struct socket *other)
{
	struct prov_task *const task = prov_task(current);
	struct prov_socket *from, *to;
	struct prov_channel chan;

	if (task->sending != sock)
		return 0;
	from = prov_socket_get(sock->sk, GFP_ATOMIC);
	to = prov_socket_get(other->sk, GFP_ATOMIC);
	if (!from || !to)
		return 0;
	chan = channel_deliver(from, to);
	if (task->datagram_to) {
		prov_socket_put(task->datagram_to);
		task->datagram_to = NULL;
	}
	if (is_delivered(&chan))
		return 0;
	prov_send_begin(&chan, &task->datagram);
	refcount_inc(&to->refs);
	task->datagram_to = to;
	return 0;
}

static int hook_socket_sent(struct socket *sock, struct msghdr *msg, int ret)
{
	struct prov_task *const task = prov_task(current);
	struct prov_process *const process = prov_current();
	const u64 *const cache = cache_out(sock);
	const void *const sending = task->sending;
	struct prov_channel chan;
	struct prov_socket *node;

	if (ret <= 0)
		return ret;
	if (likely(cache) && !sending &&
	    prov_cache_hit(cache, process->cache_id,
			   READ_ONCE(process->obj.version)))
		return ret;
	task->sending = NULL;
	node = socket_node(sock, process);
	if (!node)
		return ret;
	chan = channel_send(process, node, sock);
	if (sending == sock)
		prov_send_end(&chan, &task->send);
	else
		prov_flow(&chan);
	if (!is_datagram(sock))
		return ret;
	record_datagram_address(node, sock->sk, msg);
	if (task->datagram_to) {
		chan = channel_deliver(node, task->datagram_to);
		prov_send_end(&chan, &task->datagram);
		prov_socket_put(task->datagram_to);
		task->datagram_to = NULL;
	}
	return ret;
}

static int hook_socket_received(struct socket *sock, struct msghdr *msg,
				int ret, int flags)
{
	struct prov_process *const process = prov_current();
	const u64 *const cache = cache_in(sock);
	struct prov_channel chan;
	struct prov_socket *node, *peer;

	if (ret <= 0 || flags & MSG_ERRQUEUE)
		return ret;
	/* The data first, then the versions: see prov_send_begin(). */
	smp_rmb();
	node = READ_ONCE(*prov_socket_slot(sock->sk));
	if (likely(node)) {
		rcu_read_lock();
		peer = rcu_dereference(node->peer);
		if (peer) {
			chan = channel_deliver(peer, node);
			if (!is_delivered(&chan))
				prov_flow(&chan);
		}
		rcu_read_unlock();
		if (likely(cache) && !is_datagram(sock) &&
		    prov_cache_hit(cache, process->cache_id,
				   READ_ONCE(node->obj.version)))
			return ret;
	}
	node = socket_node(sock, process);
	if (!node)
		return ret;
	if (is_datagram(sock))
		record_datagram_address(node, sock->sk, msg);
	chan = (struct prov_channel){
		.src = &node->obj,
		.dst = &process->obj,
		.memory = &process->memory,
		.direction = PROV_IN,
		.cache = cache_in(sock),
		.cache_id = READ_ONCE(process->cache_id),
		.op = PROV_OP_RECV,
	};
	prov_flow(&chan);
	return ret;
}

/* The socket on this machine that a UDP packet comes from, or NULL; RCU. */
static struct sock *udp_sender(const struct sock *const sk,
			       const struct sk_buff *const skb)
{
	const struct udphdr *const uh = udp_hdr(skb);
	struct net *const net = sock_net(sk);
	const int dif = skb->dev->ifindex;

	if (skb->protocol == htons(ETH_P_IP))
		return __udp4_lib_lookup(net, ip_hdr(skb)->daddr, uh->dest,
					 ip_hdr(skb)->saddr, uh->source, dif, 0,
					 net->ipv4.udp_table, NULL);
#if IS_ENABLED(CONFIG_IPV6)
	if (skb->protocol == htons(ETH_P_IPV6) && ipv6_bpf_stub)
		return ipv6_bpf_stub->udp6_lib_lookup(net,
				&ipv6_hdr(skb)->daddr, uh->dest,
				&ipv6_hdr(skb)->saddr, uh->source, dif, 0,
				net->ipv4.udp_table, NULL);
#endif
	return NULL;
}

/* A datagram from this machine is about to be queued. */
static int hook_socket_sock_rcv_skb(struct sock *sk, struct sk_buff *skb)
{
	struct prov_socket *from, *to;
	struct prov_channel chan;
	struct sock *sender;

	if (sk->sk_protocol != IPPROTO_UDP || sk->sk_type != SOCK_DGRAM ||
	    !has_family(sk) || !skb->dev || !(skb->dev->flags & IFF_LOOPBACK))
		return 0;
	rcu_read_lock();
	sender = udp_sender(sk, skb);
	from = sender ? READ_ONCE(*prov_socket_slot(sender)) : NULL;
	/* Without a node, it has sent nothing that is recorded. */
	if (from && sender != sk) {
		to = prov_socket_get(sk, GFP_ATOMIC);
		if (to) {
			chan = channel_deliver(from, to);
			if (!is_delivered(&chan))
				prov_flow(&chan);
		}
	}
	rcu_read_unlock();
	return 0;
}

static void hook_socket_bound(struct socket *sock)
{
	struct prov_process *const process = prov_current();
	struct prov_socket *const node = socket_node(sock, process);

	if (node)
		prov_record_control(PROV_OP_BIND, &process->obj, &node->obj);
}

static void hook_socket_listening(struct socket *sock)
{
	struct prov_process *const process = prov_current();
	struct prov_socket *const node = socket_node(sock, process);

	if (node)
		prov_record_control(PROV_OP_LISTEN, &process->obj, &node->obj);
}

/*
 * Its node must be there when the connection is established.  A socket can be
 * connected again, to somewhere else.
 */
static int hook_socket_connect(struct socket *sock, struct sockaddr *address,
			       int addrlen)
{
	struct prov_socket *node;

	if (!prov_is_recorded(prov_current()) || !has_family(sock->sk))
		return 0;
	node = prov_socket_get(sock->sk, GFP_KERNEL);
	if (node)
		prov_clear_flag(&node->obj, PROV_OBJ_LOCAL | PROV_OBJ_REMOTE);
	return 0;
}

static void hook_socket_connected(struct socket *sock)
{
	struct prov_process *const process = prov_current();
	struct prov_socket *const node = socket_node(sock, process);

	if (node)
		prov_record_control(PROV_OP_CONNECT, &process->obj, &node->obj);
}

static void hook_socket_accepted(struct socket *sock, struct socket *newsock)
{
	struct prov_process *const process = prov_current();
	struct prov_socket *const from = socket_node(sock, process);
	struct prov_socket *const node = socket_node(newsock, process);

	if (!from || !node)
		return;
	prov_record_control(PROV_OP_ACCEPT, &from->obj, &node->obj);
	prov_record_control(PROV_OP_ACCEPT, &node->obj, &process->obj);
}

static const struct provenance_hook socket_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(socket_sendmsg, hook_socket_sendmsg),
	PROVENANCE_LSM_HOOK_INIT(socket_connect, hook_socket_connect),
	PROVENANCE_LSM_HOOK_INIT(unix_may_send, hook_unix_may_send),
	PROVENANCE_LSM_HOOK_INIT(unix_stream_connect, hook_unix_stream_connect),
	PROVENANCE_LSM_HOOK_INIT(socket_socketpair, hook_socket_socketpair),
	PROVENANCE_LSM_HOOK_INIT(inet_conn_established,
				 hook_inet_conn_established),
	PROVENANCE_LSM_HOOK_INIT(inet_csk_clone, hook_inet_csk_clone),
	PROVENANCE_LSM_HOOK_INIT(socket_sock_rcv_skb, hook_socket_sock_rcv_skb),
	PROVENANCE_LSM_HOOK_INIT(sk_free_security, hook_sk_free_security),
	PROVENANCE_OWN_HOOK_INIT(socket_sent, hook_socket_sent),
	PROVENANCE_OWN_HOOK_INIT(socket_received, hook_socket_received),
	PROVENANCE_OWN_HOOK_INIT(socket_bound, hook_socket_bound),
	PROVENANCE_OWN_HOOK_INIT(socket_listening, hook_socket_listening),
	PROVENANCE_OWN_HOOK_INIT(socket_connected, hook_socket_connected),
	PROVENANCE_OWN_HOOK_INIT(socket_accepted, hook_socket_accepted),
};

/**
 * prov_socket_setup - make the table of ends of connections
 */
void __init prov_socket_setup(void)
{
	waiting = alloc_large_system_hash("provmon connection",
					  sizeof(*waiting), 0, 17, HASH_ZERO,
					  NULL, &waiting_mask, 0, 512 * 1024);
}

void __init prov_socket_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, socket_hooks,
			     ARRAY_SIZE(socket_hooks));
}
