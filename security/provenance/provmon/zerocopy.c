// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: packets that refer to memory
 *
 * MSG_ZEROCOPY and SEND_ZC of io_uring put no copy of what is sent into packets but
 * the pages themselves, and what is stored there later is what comes to the other
 * end.  So from the call until the kernel is done with all such packets of a socket,
 * the process feeds the socket: what it learns is news for the socket, as if that
 * could be mapped and only be written to.
 *
 * Which packet refers to whose memory is not known, for there is no room for that in
 * the state that the kernel keeps of a send.  So sends are counted for each socket,
 * and all its feeds end when there are none.
 */
#include <linux/skbuff.h>
#include <linux/slab.h>

#include "object.h"
#include "packet.h"
#include "record.h"
#include "zerocopy.h"

/**
 * struct feed - a process whose memory packets of a socket may refer to
 * @all: in the socket's list
 * @arc: in the graph of mappings
 * @process: holds a reference
 */
struct feed {
	struct list_head	all;
	struct prov_arc		arc;
	struct prov_process	*process;
};

static void free_feed(struct feed *const feed)
{
	prov_process_put(feed->process);
	kfree(feed);
}

/* Under the lock: is there nothing to do for this process? */
static bool is_fed(const struct prov_socket *const node,
		   const struct prov_process *const process)
{
	const struct feed *feed;

	if (!node->pinned)
		return true;
	/* One that ended with what was the memory of the process does not count. */
	list_for_each_entry(feed, &node->feeds, all)
		if (feed->process == process && prov_map_is_fed(&feed->arc))
			return true;
	return false;
}

static struct feed *make_feed(struct prov_process *const process)
{
	struct feed *const feed = kzalloc(sizeof(*feed), GFP_KERNEL_ACCOUNT);

	if (!feed) {
		prov_emit_lost();
		return NULL;
	}
	refcount_inc(&process->refs);
	feed->process = process;
	return feed;
}

/* Under the lock: those whose memory is gone, which nothing can come from any more. */
static void take_ended(struct prov_socket *const node,
		       struct list_head *const ended)
{
	struct feed *feed, *next;

	list_for_each_entry_safe(feed, next, &node->feeds, all) {
		if (prov_map_is_fed(&feed->arc))
			continue;
		/* Who ended it can still be at it. */
		prov_map_unfeed(&feed->arc);
		list_move(&feed->all, ended);
	}
}

static void free_feeds(struct list_head *const ended)
{
	struct feed *feed, *next;

	list_for_each_entry_safe(feed, next, ended, all)
		free_feed(feed);
}

/**
 * prov_zerocopy_sent - packets of a socket may refer to the memory of a process
 * @node: the socket
 * @process: the process
 *
 * Nothing is done if they do not any more.
 *
 * Context: May sleep.
 */
void prov_zerocopy_sent(struct prov_socket *node, struct prov_process *process)
{
	struct prov_map *map;
	struct feed *feed;
	unsigned long flags;
	LIST_HEAD(ended);
	bool fed;

	/* What can be much is not taken over with interrupts off. */
	prov_pull(&process->obj);
	prov_pull(&node->obj);
	spin_lock_irqsave(&node->feed_lock, flags);
	fed = is_fed(node, process);
	if (!fed)
		take_ended(node, &ended);
	spin_unlock_irqrestore(&node->feed_lock, flags);
	free_feeds(&ended);
	if (fed)
		return;
	map = prov_map_get(&node->obj);
	feed = map ? make_feed(process) : NULL;
	if (!feed)
		return;
	spin_lock_irqsave(&node->feed_lock, flags);
	fed = is_fed(node, process);
	if (!fed) {
		list_add(&feed->all, &node->feeds);
		prov_map_feed(&feed->arc, &process->place.map, map);
	}
	spin_unlock_irqrestore(&node->feed_lock, flags);
	if (fed)
		free_feed(feed);
}

/* One send less, or all of them; what they passed on until now is recorded. */
static void unpin(struct prov_socket *const node, bool all)
{
	struct feed *feed;
	unsigned long flags;
	LIST_HEAD(ended);

	prov_pull(&node->obj);
	spin_lock_irqsave(&node->feed_lock, flags);
	if (node->pinned)
		node->pinned = all ? 0 : node->pinned - 1;
	if (!node->pinned) {
		list_for_each_entry(feed, &node->feeds, all)
			prov_map_unfeed(&feed->arc);
		list_splice_init(&node->feeds, &ended);
	}
	spin_unlock_irqrestore(&node->feed_lock, flags);
	free_feeds(&ended);
}

/**
 * prov_zerocopy_end - a socket is no more
 * @node: its node, which requests of io_uring can still hold
 *
 * Context: Any but NMI.
 */
void prov_zerocopy_end(struct prov_socket *node)
{
	unpin(node, true);
}

/* Return: the node that has one more send, or NULL. */
static struct prov_socket *pin(struct sock *const sk,
			       struct provenance_pin *const pin)
{
	struct prov_socket *const node = prov_socket_get(sk, GFP_KERNEL);

	if (!node || !pin)
		return node;
	/* The second part of what could not be sent at once. */
	if (pin->socket)
		return NULL;
	refcount_inc(&node->refs);
	pin->socket = node;
	return node;
}

/*
 * Under the lock of the socket.  What current knows flows with the call, and what it
 * learns later with the feed that begins when that is over: hook_socket_sent().
 */
static void hook_zerocopy_begins(struct sock *sk, struct provenance_pin *of,
				 const struct provenance_memory *memory)
{
	struct prov_process *const owner = memory ? memory->process : NULL;
	struct prov_socket *const node = pin(sk, of);
	unsigned long flags;

	if (!node)
		return;
	spin_lock_irqsave(&node->feed_lock, flags);
	node->pinned++;
	spin_unlock_irqrestore(&node->feed_lock, flags);
	if (owner && owner != prov_current() && prov_is_recorded(owner))
		prov_zerocopy_sent(node, owner);
}

static struct prov_socket *node_of(const struct sock *const sk,
				   const struct provenance_pin *const of)
{
	return sk ? READ_ONCE(*prov_socket_slot(sk)) : of->socket;
}

/*
 * What the packet carries is what was in the memory at this moment, and not when the
 * packet left the socket.  TCP has no mark: who receives looks at the socket.
 */
static void hook_zerocopy_copied(struct sk_buff *skb, struct sock *sk,
				 const struct provenance_pin *of)
{
	const struct skb_provenance *const mark =
		skb_ext_find(skb, SKB_EXT_PROVENANCE);
	struct prov_socket *const node = node_of(sk, of);
	u32 version;

	if (!mark || !node || mark->node != node->obj.id)
		return;
	/* The data first, then the version: see prov_send_begin(). */
	smp_rmb();
	version = prov_capture(&node->obj, &node->captured);
	if (mark->version != version)
		prov_packet_mark(skb, node->obj.id, version);
}

static void hook_zerocopy_done(struct sock *sk, struct provenance_pin *of)
{
	struct prov_socket *const node = node_of(sk, of);

	if (!node)
		return;
	unpin(node, false);
	if (!of)
		return;
	of->socket = NULL;
	prov_socket_put(node);
}

static const struct provenance_hook zerocopy_hooks[] = {
	PROVENANCE_OWN_HOOK_INIT(zerocopy_begins, hook_zerocopy_begins),
	PROVENANCE_OWN_HOOK_INIT(zerocopy_copied, hook_zerocopy_copied),
	PROVENANCE_OWN_HOOK_INIT(zerocopy_done, hook_zerocopy_done),
};

void __init prov_zerocopy_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, zerocopy_hooks,
			     ARRAY_SIZE(zerocopy_hooks));
}
