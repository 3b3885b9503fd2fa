// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: sockets
 *
 * A process sends into its socket and receives from its socket.  Between the
 * two ends of a connection on this machine, the receiver first takes over what
 * the other end has (PROV_OP_DELIVER), so that nothing need be done for each
 * packet.  A datagram has no such connection: it is delivered when the socket
 * that it goes to is known, see packet.c.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/random.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/tcp.h>
#include <net/af_unix.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/mptcp.h>
#include <net/tcp.h>

#include "object.h"
#include "packet.h"
#include "process.h"
#include "record.h"
#include "socket.h"
#include "zerocopy.h"

static struct prov_channel channel_deliver(struct prov_socket *const from,
					   struct prov_socket *const to)
{
	const u32 id = prov_cache_id(to->obj.id);

	return (struct prov_channel){
		.src = &from->obj,
		.dst = &to->obj,
		.cache = prov_delivered_word(from, id),
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

/**
 * prov_socket_set_peer - a socket has another end on this machine
 * @node: of the socket
 * @peer: of the other end, or NULL
 */
void prov_socket_set_peer(struct prov_socket *node, struct prov_socket *peer)
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
	prov_socket_set_peer(a, b);
	prov_socket_set_peer(b, a);
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
		prov_socket_set_peer(old, NULL);
	}
	prov_socket_set_peer(node, NULL);
}

static void join_or_wait_locked(struct prov_socket *const node)
{
	struct hlist_head *const bucket = waiting_for(&node->key);
	struct prov_socket *other;

	hlist_for_each_entry(other, bucket, wait) {
		if (!memcmp(&other->key, &node->key, sizeof(node->key))) {
			hlist_del_init(&other->wait);
			join(node, other);
			return;
		}
	}
	hlist_add_head(&node->wait, bucket);
}

/* If both ends have called each other, none is the client's: see tcp_crossed. */
static void sort_ends(struct prov_connection *const key)
{
	if (memcmp(&key->isn[0], &key->isn[1], sizeof(key->isn[0])) <= 0)
		return;
	swap(key->isn[0], key->isn[1]);
	swap(key->port[0], key->port[1]);
}

/* Join @node with the end that waits for it, or let it wait. */
static void join_or_wait(struct prov_socket *const node,
			 const struct prov_connection *const key)
{
	unsigned long flags;

	spin_lock_irqsave(&waiting_lock, flags);
	hlist_del_init(&node->wait);
	part(node);
	node->key = *key;
	sort_ends(&node->key);
	join_or_wait_locked(node);
	spin_unlock_irqrestore(&waiting_lock, flags);
}

/*
 * @node's socket is gone.  If two CPUs make the server's end of one connection at
 * the same time, one of them is thrown away, and it can be the one that was joined:
 * then the other one is waiting, or will come.
 */
static void stop_waiting(struct prov_socket *const node)
{
	struct prov_socket *peer;
	unsigned long flags;

	spin_lock_irqsave(&waiting_lock, flags);
	node->gone = true;
	hlist_del_init(&node->wait);
	peer = rcu_dereference_protected(node->peer,
					 lockdep_is_held(&waiting_lock));
	/* Connections through UNIX sockets have no key. */
	if (peer && !peer->gone && node->key.port[0] &&
	    rcu_access_pointer(peer->peer) == node &&
	    hlist_unhashed(&peer->wait))
		join_or_wait_locked(peer);
	spin_unlock_irqrestore(&waiting_lock, flags);
}

/*
 * The client's end, when the answer of the server is there; or either end, when both
 * have called each other and it has the other's call.  The answer can acknowledge
 * data that went with the call (TCP Fast Open), so what it acknowledges is not counted
 * from the beginning.
 */
static void hook_inet_conn_established(struct sock *sk, struct sk_buff *skb)
{
	const struct tcp_sock *const tp = tcp_sk(sk);
	const struct tcphdr *const th = tcp_hdr(skb);
	const struct prov_connection key = {
		.isn = { htonl(tp->snd_una - (u32)tp->bytes_acked), th->seq },
		.port = { th->dest, th->source },
	};
	struct prov_socket *const node = READ_ONCE(*prov_socket_slot(sk));

	/* Who made the connection has a node, or is not recorded. */
	if (!node || (sk_is_mptcp(sk) && rcu_access_pointer(node->peer)))
		return;
	join_or_wait(node, &key);
}

/*
 * The first flow of an MPTCP connection joins it as if it was all: the flow and
 * the socket that the process has are one node.
 */
static void share_node(struct sock *const from, struct sock *const to)
{
	struct prov_socket *const node = prov_socket_get(from, GFP_ATOMIC);

	if (!node)
		return;
	refcount_inc(&node->refs);
	refcount_inc(&node->socks);
	if (cmpxchg(prov_socket_slot(to), NULL, node)) {
		refcount_dec(&node->socks);
		refcount_dec(&node->refs);
	}
}

static int hook_mptcp_add_subflow(struct sock *sk, struct sock *ssk)
{
	share_node(sk, ssk);
	return 0;
}

static void hook_mptcp_accepted(struct sock *sk, struct sock *ssk)
{
	share_node(ssk, sk);
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

	if (!sk->sk_security)
		return;
	node = READ_ONCE(*prov_socket_slot(sk));
	if (!node)
		return;
	/* Who found the socket under RCU can still look, and finds nothing. */
	WRITE_ONCE(*prov_socket_slot(sk), NULL);
	if (refcount_dec_and_test(&node->socks)) {
		stop_waiting(node);
		prov_zerocopy_end(node);
		prov_record_end(&node->obj, 0);
		prov_socket_set_peer(node, NULL);
	}
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
	const u16 family = READ_ONCE(sk->sk_family);
	const bool v6 = family == AF_INET6;
	const u16 flags = READ_ONCE(node->obj.flags);
	const void *local = &inet->inet_rcv_saddr, *remote = &inet->inet_daddr;
	/*
	 * Another thread may connect it.  When that is done the remote address is
	 * recorded again: hook_socket_connected().
	 */
	const u16 sport = ntohs(data_race(READ_ONCE(inet->inet_sport)));
	const u16 dport = ntohs(data_race(READ_ONCE(inet->inet_dport)));

#if IS_ENABLED(CONFIG_IPV6)
	if (v6) {
		local = &sk->sk_v6_rcv_saddr;
		remote = &sk->sk_v6_daddr;
	}
#endif
	if (!(flags & PROV_OBJ_LOCAL) && sport &&
	    prov_record_address(node->obj.id, PROV_END_LOCAL, family, sport,
				v6 ? scope : 0, local))
		prov_set_flag(&node->obj, PROV_OBJ_LOCAL);
	if (!(flags & PROV_OBJ_REMOTE) && dport &&
	    prov_record_address(node->obj.id, PROV_END_REMOTE, family, dport,
				v6 ? scope : 0, remote))
		prov_set_flag(&node->obj, PROV_OBJ_REMOTE);
}

static void record_unix_address(struct prov_socket *const node,
				const struct sock *const sk)
{
	const struct unix_address *address;
	size_t bytes;

	/* Whoever binds it may not be done. */
	address = smp_load_acquire(&unix_sk(sk)->addr);
	if (READ_ONCE(node->obj.flags) & PROV_OBJ_LOCAL || !address)
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
	switch (READ_ONCE(sk->sk_family)) {
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
		if (READ_ONCE(sk->sk_family) != AF_INET)
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
	unsigned long flags;
	bool is_known;

	if (!read_address(&remote, sk, msg))
		return;
	spin_lock_irqsave(&node->obj.lock, flags);
	is_known = !memcmp(&remote, &node->remote, sizeof(remote));
	spin_unlock_irqrestore(&node->obj.lock, flags);
	if (is_known ||
	    !prov_record_address(node->obj.id, PROV_END_REMOTE, remote.family,
				 ntohs(remote.port), remote.scope,
				 &remote.address))
		return;
	spin_lock_irqsave(&node->obj.lock, flags);
	node->remote = remote;
	spin_unlock_irqrestore(&node->obj.lock, flags);
}

/*
 * Flows
 */

static struct prov_socket *socket_node(const struct socket *const sock,
				       struct prov_process *const process)
{
	struct prov_socket *node;

	if (!prov_is_recorded(process) || !sock->sk)
		return NULL;
	prov_process_describe(process);
	/* File systems have sockets, too. */
	node = prov_socket_get(sock->sk, GFP_NOFS);
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
			      READ_ONCE(chan->src->hot));
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

	/* As in hook_file_permission(). */
	smp_rmb();
	if (likely(cache) && !task->sending && !is_datagram(sock) &&
	    prov_cache_hit(cache, READ_ONCE(process->cache_id),
			   READ_ONCE(process->obj.hot)))
		return 0;
	task->sending = 0;
	if (task->datagram_to) {
		prov_socket_put(task->datagram_to);
		task->datagram_to = NULL;
	}
	node = socket_node(sock, process);
	if (!node)
		return 0;
	chan = channel_send(process, node, sock);
	prov_send_begin(&chan, &task->send);
	task->sending = node->obj.id;
	return 0;
}

static void hook_socket_sending(struct socket *sock, struct msghdr *msg)
{
	hook_socket_sendmsg(sock, msg, 0);
}

/* Between hook_socket_sendmsg() and hook_socket_sent(). */
static int hook_unix_may_send(struct socket *sock, struct socket *other)
{
	struct prov_task *const task = prov_task(current);
	struct prov_socket *const from = READ_ONCE(*prov_socket_slot(sock->sk));
	struct prov_socket *to;
	struct prov_channel chan;

	if (!from || task->sending != from->obj.id)
		return 0;
	to = prov_socket_get(other->sk, GFP_ATOMIC);
	if (!to)
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

/*
 * Descriptors and credentials make a datagram without data a message.  What is
 * sent to a stream so is not even queued.
 */
static bool can_be_empty(const struct socket *const sock)
{
	return sock->type != SOCK_STREAM &&
	       READ_ONCE(sock->sk->sk_family) == AF_UNIX;
}

static bool has_control(const struct socket *const sock,
			const struct msghdr *const msg)
{
	return msg->msg_controllen && can_be_empty(sock);
}

/* It is over, and what was known is recorded: begin with what comes from now on. */
static void memory_sent(const struct socket *const sock)
{
	struct prov_process *const process = prov_current();
	struct prov_socket *const node = READ_ONCE(*prov_socket_slot(sock->sk));

	if (node && prov_is_recorded(process))
		prov_zerocopy_sent(node, process);
}

/* IP looks for a way, and sends nothing.  (L2TP over IPv4 sends.) */
static bool is_probe(const struct socket *const sock,
		     const struct msghdr *const msg)
{
	const struct sock *const sk = sock->sk;

	if (likely(!(msg->msg_flags & MSG_PROBE)) || !is_datagram(sock))
		return false;
	return sk->sk_family == AF_INET6 ||
	       (sk->sk_family == AF_INET &&
		(sock->type == SOCK_RAW || sk->sk_protocol != IPPROTO_L2TP));
}

/* Is a call that tells of no bytes a datagram without any? */
static bool sent_empty(const struct socket *const sock,
		       const struct msghdr *const msg)
{
	switch (sock->sk->sk_family) {
	case AF_INET:
	case AF_INET6:
	case AF_UNIX:
	case AF_VSOCK:
		return is_datagram(sock);
	default:
		return false;
	}
}

/* What was sent is sent, also if the call then fails. */
static void record_sent(struct prov_socket *const node)
{
	struct prov_task *const task = prov_task(current);
	struct prov_process *const process = prov_current();
	const struct prov_channel chan = {
		.src = &process->obj,
		.dst = &node->obj,
		.memory = &process->memory,
		.direction = PROV_OUT,
		.op = PROV_OP_SEND,
	};

	if (prov_send_end(&chan, &task->send))
		task->send.fresh = false;
}

/*
 * A packet that a device or a filter does not take can have been seen before: by a packet
 * socket, or as multicast that comes back.  Then it has closed the version that the
 * call has made.
 */
static void send_failed(const struct socket *const sock, u64 sending)
{
	struct prov_socket *const node =
		READ_ONCE(*prov_socket_slot(sock->sk));

	if (node && sending == node->obj.id && is_datagram(sock) &&
	    READ_ONCE(node->captured) > prov_task(current)->send.dst_version)
		record_sent(node);
}

static int sent(struct socket *sock, struct msghdr *msg, int ret)
{
	struct prov_task *const task = prov_task(current);
	struct prov_process *const process = prov_current();
	const u64 *const cache = cache_out(sock);
	const u64 sending = task->sending;
	struct prov_channel chan;
	struct prov_socket *node;

	if (unlikely(task->request))
		task->request = NULL;
	if (ret <= 0 && (ret || !(sent_empty(sock, msg) || has_control(sock, msg)))) {
		send_failed(sock, sending);
		return ret;
	}
	if (likely(cache) && !sending &&
	    prov_cache_hit(cache, READ_ONCE(process->cache_id),
			   READ_ONCE(process->obj.hot)))
		return ret;
	task->sending = 0;
	if (unlikely(is_probe(sock, msg)))
		return ret;
	node = socket_node(sock, process);
	if (!node)
		return ret;
	chan = channel_send(process, node, sock);
	if (sending == node->obj.id)
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

static int hook_socket_sent(struct socket *sock, struct msghdr *msg, int ret)
{
	ret = sent(sock, msg, ret);
	if (unlikely(msg->msg_flags & MSG_ZEROCOPY) && ret > 0)
		memory_sent(sock);
	return ret;
}

/*
 * Netlink
 */

/* Between hook_socket_sendmsg() and hook_socket_sent(). */
static int hook_netlink_send(struct sock *sk, struct sk_buff *skb)
{
	struct prov_task *const task = prov_task(current);
	struct prov_socket *const node = READ_ONCE(*prov_socket_slot(sk));

	if (node && task->sending == node->obj.id)
		task->request = node;
	return 0;
}

/*
 * The kernel's own sockets have no node.  It handles a request within the call
 * that sends it: what it tells others meanwhile comes from the request.
 */
static void hook_netlink_queued(struct sock *from, struct sock *to)
{
	struct prov_socket *source =
		from ? READ_ONCE(*prov_socket_slot(from)) : NULL;
	struct prov_socket *node;
	struct prov_channel chan;

	if (!source && in_task())
		source = prov_task(current)->request;
	if (!source || source == READ_ONCE(*prov_socket_slot(to)))
		return;
	/* What is sent to a group can have come to one of it, and the call fail. */
	if (in_task() && source == prov_task(current)->request)
		record_sent(source);
	node = prov_socket_get(to, GFP_ATOMIC);
	if (!node)
		return;
	chan = channel_deliver(source, node);
	if (!is_delivered(&chan))
		prov_flow(&chan);
}

/* What the other end has sent so far is here now. */
static void deliver(struct prov_socket *const node)
{
	struct prov_channel chan;
	struct prov_socket *peer;

	rcu_read_lock();
	peer = rcu_dereference(node->peer);
	if (peer) {
		chan = channel_deliver(peer, node);
		if (!is_delivered(&chan))
			prov_flow(&chan);
	}
	rcu_read_unlock();
}

static void receive(const struct socket *const sock,
		    struct prov_process *const process,
		    struct prov_socket *const node)
{
	const struct prov_channel chan = {
		.src = &node->obj,
		.dst = &process->obj,
		.memory = &process->memory,
		.direction = PROV_IN,
		.cache = cache_in(sock),
		.cache_id = READ_ONCE(process->cache_id),
		.op = PROV_OP_RECV,
	};

	prov_flow(&chan);
}

/**
 * prov_socket_receive - current's process has received from a socket
 * @sock: the socket
 *
 * Context: May sleep.
 */
void prov_socket_receive(struct socket *sock)
{
	struct prov_process *const process = prov_current();
	struct prov_socket *const node = socket_node(sock, process);

	if (!node)
		return;
	deliver(node);
	receive(sock, process, node);
}

/* What a protocol does by itself, without telling of it. */
static bool can_fail_halfway(const struct socket *const sock, int ret)
{
	switch (sock->sk->sk_family) {
	case AF_INET:
	case AF_INET6:
		/*
		 * TLS decrypts before it authenticates, and before it sees that
		 * the record is none of data.
		 */
		return ret == -EBADMSG || ret == -EIO;
	case AF_ALG:
		/* What is only authenticated is there before anything is checked. */
		return ret == -EBADMSG || ret == -EFAULT || ret == -EINVAL;
	case AF_CAIF:
	case AF_CAN:
	case AF_RDS:
	case AF_RXRPC:
	case AF_SMC:
		return ret == -EFAULT;
	case AF_VSOCK:
		/* VMCI says that memory is short whatever it is. */
		return ret == -EFAULT || ret == -ENOMEM;
	default:
		return false;
	}
}

/* Of a call that tells of no bytes. */
static bool received_something(const struct socket *const sock,
			       const struct msghdr *const msg, int ret,
			       int flags)
{
	struct prov_task *const task = prov_task(current);
	const bool descriptors = task->descriptors;
	const bool partly = task->partly_copied;

	task->descriptors = false;
	task->partly_copied = false;
	if (ret == -EIOCBQUEUED)
		return true;
	/* Urgent data is one byte, and not there if it fails. */
	if (partly && (msg || ret == -EFAULT) && !(flags & MSG_OOB))
		return true;
	if (ret)
		return !(flags & MSG_OOB) && can_fail_halfway(sock, ret);
	if (descriptors && can_be_empty(sock))
		return true;
	/* Its sender has chosen where it comes from.  What is spliced has no @msg. */
	return is_datagram(sock) && msg && msg->msg_name &&
	       msg->msg_namelen > 0;
}

/* TCP itself does with the bytes what is asked for; what is above or in front of it not. */
static bool throws_away(const struct sock *const sk, int flags)
{
	return IS_ENABLED(CONFIG_INET) && sk_is_tcp(sk) &&
	       !(flags & MSG_ERRQUEUE) &&
	       /* Of what is sent it gives a copy nevertheless. */
	       !(flags & MSG_PEEK && tcp_sk(sk)->repair &&
		 tcp_sk(sk)->repair_queue == TCP_SEND_QUEUE) &&
	       READ_ONCE(sk->sk_prot)->recvmsg == tcp_recvmsg;
}

static void hook_partly_copied(size_t bytes)
{
	if (bytes && in_task())
		prov_task(current)->partly_copied = true;
}

/* What an earlier call of another kind has left. */
static int hook_socket_recvmsg(struct socket *sock, struct msghdr *msg,
			       int size, int flags)
{
	struct prov_task *const task = prov_task(current);

	if (unlikely(task->descriptors || task->partly_copied)) {
		task->descriptors = false;
		task->partly_copied = false;
	}
	return 0;
}

static int hook_socket_received(struct socket *sock, struct msghdr *msg,
				int ret, int flags)
{
	struct prov_task *const task = prov_task(current);
	struct prov_process *const process = prov_current();
	const u64 *const cache = cache_in(sock);
	struct prov_socket *node;

	if (ret <= 0 && !received_something(sock, msg, ret, flags))
		return ret;
	if (unlikely(task->descriptors || task->partly_copied)) {
		task->descriptors = false;
		task->partly_copied = false;
	}
	if (unlikely(flags & MSG_TRUNC) && throws_away(sock->sk, flags))
		return ret;
	/* The data first, then the versions: see prov_send_begin(). */
	smp_rmb();
	node = READ_ONCE(*prov_socket_slot(sock->sk));
	if (likely(node)) {
		/* What is in the queue of errors came by hook_packet_queued(). */
		if (!(flags & MSG_ERRQUEUE))
			deliver(node);
		if (likely(cache) && !is_datagram(sock) &&
		    prov_cache_hit(cache, READ_ONCE(process->cache_id),
				   READ_ONCE(node->obj.hot)))
			return ret;
	}
	node = socket_node(sock, process);
	if (!node)
		return ret;
	if (is_datagram(sock) && !(flags & MSG_ERRQUEUE))
		record_datagram_address(node, sock->sk, msg);
	receive(sock, process, node);
	return ret;
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

	if (!prov_is_recorded(prov_current()))
		return 0;
	node = prov_socket_get(sock->sk, GFP_KERNEL);
	if (node)
		prov_clear_flag(&node->obj, PROV_OBJ_LOCAL | PROV_OBJ_REMOTE);
	return 0;
}

static void hook_socket_shut(struct socket *sock)
{
	struct prov_process *const process = prov_current();
	struct prov_socket *const node = socket_node(sock, process);

	if (node)
		prov_record_control(PROV_OP_SHUTDOWN, &process->obj,
				    &node->obj);
}

static void hook_socket_connected(struct socket *sock,
				  const struct sockaddr_storage *address,
				  int ret)
{
	struct prov_process *const process = prov_current();
	struct prov_socket *node;

	/* What was interrupted goes on without current; AF_UNSPEC ends it. */
	if ((ret && ret != -EINPROGRESS && ret != -EINTR &&
	     ret != -ERESTARTSYS) || address->ss_family == AF_UNSPEC)
		return;
	/* Another thread may have seen, and recorded, half of it. */
	node = sock->sk ? READ_ONCE(*prov_socket_slot(sock->sk)) : NULL;
	if (node)
		prov_clear_flag(&node->obj, PROV_OBJ_REMOTE);
	node = socket_node(sock, process);
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
	/* What is computed so far goes on in the new socket. */
	if (sock->sk->sk_family == AF_ALG) {
		const struct prov_channel chan = channel_deliver(from, node);

		prov_flow(&chan);
	}
}

static const struct provenance_hook socket_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(socket_sendmsg, hook_socket_sendmsg),
	PROVENANCE_LSM_HOOK_INIT(socket_recvmsg, hook_socket_recvmsg),
	PROVENANCE_LSM_HOOK_INIT(socket_connect, hook_socket_connect),
	PROVENANCE_LSM_HOOK_INIT(unix_may_send, hook_unix_may_send),
	PROVENANCE_LSM_HOOK_INIT(unix_stream_connect, hook_unix_stream_connect),
	PROVENANCE_LSM_HOOK_INIT(socket_socketpair, hook_socket_socketpair),
	PROVENANCE_LSM_HOOK_INIT(inet_conn_established,
				 hook_inet_conn_established),
	PROVENANCE_LSM_HOOK_INIT(inet_csk_clone, hook_inet_csk_clone),
	PROVENANCE_LSM_HOOK_INIT(mptcp_add_subflow, hook_mptcp_add_subflow),
	PROVENANCE_LSM_HOOK_INIT(netlink_send, hook_netlink_send),
	PROVENANCE_LSM_HOOK_INIT(sk_free_security, hook_sk_free_security),
	PROVENANCE_OWN_HOOK_INIT(socket_sending, hook_socket_sending),
	PROVENANCE_OWN_HOOK_INIT(socket_sent, hook_socket_sent),
	PROVENANCE_OWN_HOOK_INIT(socket_received, hook_socket_received),
	PROVENANCE_OWN_HOOK_INIT(partly_copied, hook_partly_copied),
	PROVENANCE_OWN_HOOK_INIT(socket_bound, hook_socket_bound),
	PROVENANCE_OWN_HOOK_INIT(socket_listening, hook_socket_listening),
	PROVENANCE_OWN_HOOK_INIT(socket_connected, hook_socket_connected),
	PROVENANCE_OWN_HOOK_INIT(socket_accepted, hook_socket_accepted),
	PROVENANCE_OWN_HOOK_INIT(socket_shut, hook_socket_shut),
	PROVENANCE_OWN_HOOK_INIT(mptcp_accepted, hook_mptcp_accepted),
	PROVENANCE_OWN_HOOK_INIT(tcp_crossed, hook_inet_conn_established),
	PROVENANCE_OWN_HOOK_INIT(netlink_queued, hook_netlink_queued),
};

/**
 * prov_socket_setup - make the table of ends of connections
 *
 * Return: 0 or -ENOMEM.
 */
int __init prov_socket_setup(void)
{
	/* TCP has a bucket for each 128 KiB of memory, and no more than this. */
	const unsigned long wanted = totalram_pages() >> (17 - PAGE_SHIFT);
	const unsigned long buckets =
		roundup_pow_of_two(clamp(wanted, 256UL, 512UL * 1024));

	waiting = kvcalloc(buckets, sizeof(*waiting), GFP_KERNEL);
	waiting_mask = buckets - 1;
	return waiting ? 0 : -ENOMEM;
}

void __init prov_socket_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, socket_hooks,
			     ARRAY_SIZE(socket_hooks));
}
