// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: the version engine
 */
#include "engine.h"
#include "mapping.h"

bool prov_suppress __ro_after_init = true;

/**
 * prov_object_init - make an object at version 0
 * @obj: the object, not yet visible to others
 * @id: its id
 * @kind: enum prov_node_kind
 */
void prov_object_init(struct prov_object *obj, u64 id, u8 kind)
{
	obj->id = id;
	obj->version = 0;
	obj->hot = 0;
	obj->kind = kind;
	obj->out = false;
	obj->flags = 0;
	obj->influences = 0;
	obj->map = NULL;
	spin_lock_init(&obj->lock);
}

static unsigned long lock_both(struct prov_object *const a,
			       struct prov_object *const b)
	__acquires(&a->lock) __acquires(&b->lock)
{
	unsigned long flags;

	if (a->id < b->id) {
		spin_lock_irqsave(&a->lock, flags);
		spin_lock_nested(&b->lock, SINGLE_DEPTH_NESTING);
	} else {
		spin_lock_irqsave(&b->lock, flags);
		spin_lock_nested(&a->lock, SINGLE_DEPTH_NESTING);
	}
	return flags;
}

static void unlock_both(struct prov_object *const a,
			struct prov_object *const b, unsigned long flags)
	__releases(&a->lock) __releases(&b->lock)
{
	if (a->id < b->id) {
		spin_unlock(&b->lock);
		spin_unlock_irqrestore(&a->lock, flags);
	} else {
		spin_unlock(&a->lock);
		spin_unlock_irqrestore(&b->lock, flags);
	}
}

static u64 memory_key(const struct prov_channel *const chan)
{
	const struct prov_object *const other =
		chan->direction == PROV_IN ? chan->src : chan->dst;

	return other->id << 1 | chan->direction;
}

static struct prov_memory_set *memory_set(struct prov_memory *const memory,
					  u64 key)
{
	/* Multiplicative hashing; the constant is 2^64 / golden ratio. */
	const u32 hash = (key * 0x9e3779b97f4a7c15ULL) >> 32;

	return &memory->set[hash / (U32_MAX / PROV_MEMORY_SETS + 1)];
}

/* Return: the way that @key is in, or PROV_MEMORY_WAYS. */
static u32 find_way(const struct prov_memory_set *const set, u64 key)
{
	u32 way;

	for (way = 0; way < PROV_MEMORY_WAYS; way++)
		if (set->way[way].key == key)
			break;
	return way;
}

static void move_to_front(struct prov_memory_set *const set, u32 way)
{
	const struct prov_memory_way used = set->way[way];

	for (; way; way--)
		set->way[way] = set->way[way - 1];
	set->way[0] = used;
}

static bool absorbed(const struct prov_channel *const chan)
{
	const u64 key = memory_key(chan);
	struct prov_memory_set *set;
	u32 way;

	if (!chan->memory)
		return false;
	set = memory_set(chan->memory, key);
	way = find_way(set, key);
	if (way == PROV_MEMORY_WAYS)
		return false;
	move_to_front(set, way);
	return set->way[0].version == chan->src->version;
}

/* Only ever called when the record is in the buffer. */
static void remember(const struct prov_channel *const chan, u32 src_version)
{
	const u64 key = memory_key(chan);
	struct prov_memory_set *set;
	u32 way;

	if (!chan->memory || !prov_suppress)
		return;
	set = memory_set(chan->memory, key);
	way = find_way(set, key);
	/* Of others, the one that was not used for the longest time goes. */
	if (way == PROV_MEMORY_WAYS)
		way--;
	move_to_front(set, way);
	set->way[0] = (struct prov_memory_way){ key, src_version };
}

static void fill_cache(const struct prov_channel *const chan, u32 version)
{
	if (chan->cache && chan->cache_id != PROV_CACHE_NEVER &&
	    version != PROV_VERSION_LAST && prov_suppress)
		WRITE_ONCE(*chan->cache,
			   prov_cache_word(chan->cache_id, version));
}

/*
 * The version of @dst that takes something in now.  The last version that the
 * format can express takes nothing in: such flows are counted as lost.
 */
static u32 open_version(const struct prov_object *const dst)
{
	if (dst->version == PROV_VERSION_LAST)
		return PROV_VERSION_LAST;
	return dst->version + dst->out;
}

static bool emit(const struct prov_channel *const chan, u32 src_version,
		 u32 dst_version)
{
	if (dst_version == PROV_VERSION_LAST) {
		prov_emit_lost();
		return false;
	}
	return prov_emit_edge(chan->op, chan->src, src_version, chan->dst,
			      dst_version);
}

static void enter_version(struct prov_object *const dst, u32 version)
{
	if (dst->version != version) {
		WRITE_ONCE(dst->version, version);
		if (!(dst->flags & PROV_OBJ_STALE))
			WRITE_ONCE(dst->hot, version);
		dst->out = false;
		/*
		 * The version first, then the data, which is stored when the
		 * lock is given up and so not ordered by it, and the word of the
		 * open file, by which other senders leave prov_send_begin() out.
		 * Pairs with the smp_rmb() in hook_file_read() and
		 * hook_socket_received(), between the data and the version.
		 */
		smp_wmb();
	}
}

/* A flow that happens now, both objects locked. */
static __always_inline enum prov_result
flow_locked(const struct prov_channel *const chan)
{
	struct prov_object *const src = chan->src, *const dst = chan->dst;
	u32 version;

	if (absorbed(chan))
		return PROV_KNOWN;
	version = open_version(dst);
	if (!emit(chan, src->version, version))
		return PROV_LOST;
	enter_version(dst, version);
	src->out = true;
	remember(chan, src->version);
	return PROV_NEW;
}

/**
 * prov_transfer - a mapping has moved information
 * @chan: from where to where
 *
 * A flow, but the caller sees to what the source has to take over before, and
 * to whom the news of the destination concern.
 *
 * Context: Any but NMI.
 */
enum prov_result prov_transfer(const struct prov_channel *chan)
{
	unsigned long flags = lock_both(chan->src, chan->dst);
	const enum prov_result ret = flow_locked(chan);

	unlock_both(chan->src, chan->dst, flags);
	return ret;
}

/*
 * A flow between two objects that know the same because of their mappings: no
 * record of its own would say more.  The word of the open file says nothing of
 * it: without an edge, nobody knows what the version stands for when the mapping
 * is gone.
 */
static bool flow_within(const struct prov_channel *const chan)
{
	return prov_pull(chan->dst);
}

/**
 * prov_close_version - something comes from what an object knows now
 * @obj: the object
 *
 * What it learns from now on goes into another version, as after each flow out of
 * it.
 *
 * Context: Any but NMI; no lock of an object held.
 * Return: the version.
 */
u32 prov_close_version(struct prov_object *obj)
{
	unsigned long flags;
	u32 version;

	spin_lock_irqsave(&obj->lock, flags);
	obj->out = true;
	version = obj->version;
	spin_unlock_irqrestore(&obj->lock, flags);
	return version;
}

/**
 * prov_capture - a copy is made of what an object knows now
 * @obj: the object
 * @captured: of the object, zeroed at first: the version that this was last
 *	called for, plus 1
 *
 * Context: Any but NMI; no lock of an object held.
 * Return: the version, which takes nothing in any more.
 */
u32 prov_capture(struct prov_object *obj, u64 *captured)
{
	u32 version = READ_ONCE(obj->hot);

	if (likely(READ_ONCE(*captured) == version + 1ULL))
		return version;
	prov_pull(obj);
	version = prov_close_version(obj);
	WRITE_ONCE(*captured, version + 1ULL);
	return version;
}

/**
 * prov_flow - information has moved, now
 * @chan: from where to where
 *
 * For receivers, after they obtained data, and for flows that are over when
 * the caller knows of them and that nobody could see before.
 *
 * Context: Any but NMI.
 * Return: true if the flow is in the record, from now or from before.
 */
bool prov_flow(const struct prov_channel *chan)
{
	enum prov_result ret;
	unsigned long flags;

	if (chan->src == chan->dst)
		return true;
	if (unlikely(prov_know_the_same(chan->src, chan->dst)))
		return flow_within(chan);
	prov_pull(chan->src);
	flags = lock_both(chan->src, chan->dst);
	ret = flow_locked(chan);
	if (ret != PROV_LOST)
		fill_cache(chan, chan->src->version);
	unlock_both(chan->src, chan->dst, flags);
	if (ret == PROV_NEW)
		prov_spread(chan->dst, chan->src);
	return ret != PROV_LOST;
}

/**
 * prov_send_begin - information may move from now on, others may see it
 * @chan: from where to where
 * @send: filled in, for prov_send_end()
 *
 * If the sender fails, @send is just forgotten: a version without an edge into
 * it says nothing.
 *
 * Who sees data that the caller stores from now on, and then has a smp_rmb(),
 * sees the version of the destination that the data goes into, or a later one;
 * and that who maps the destination has news.
 *
 * Context: Any but NMI.
 */
void prov_send_begin(const struct prov_channel *const chan,
		     struct prov_send *const send)
{
	struct prov_object *const src = chan->src, *const dst = chan->dst;
	unsigned long flags;

	*send = (struct prov_send){};
	if (src == dst)
		return;
	if (unlikely(prov_know_the_same(src, dst))) {
		/* Who learns more is at another version at the end of the send. */
		send->src_version = prov_close_version(src);
		flow_within(chan);
		return;
	}
	prov_pull(src);
	flags = lock_both(src, dst);
	send->fresh = !absorbed(chan);
	if (send->fresh) {
		enter_version(dst, open_version(dst));
		src->out = true;
	}
	send->src_version = src->version;
	send->dst_version = dst->version;
	unlock_both(src, dst, flags);
	if (send->fresh)
		prov_spread(dst, src);
}

/**
 * prov_send_end - information has moved since prov_send_begin()
 * @chan: the same as then
 * @send: what prov_send_begin() filled in
 *
 * The source may have learnt something while it waited, and have passed it on.
 *
 * Context: Any but NMI.
 * Return: true if the flow is in the record, from now or from before.
 */
bool prov_send_end(const struct prov_channel *const chan,
		   const struct prov_send *const send)
{
	struct prov_object *const src = chan->src, *const dst = chan->dst;
	enum prov_result last = PROV_KNOWN;
	unsigned long flags;
	bool ret = true;

	if (src == dst)
		return true;
	if (!send->fresh && unlikely(prov_know_the_same(src, dst)))
		return flow_within(chan);
	prov_pull(src);
	flags = lock_both(src, dst);
	if (send->fresh) {
		ret = emit(chan, send->src_version, send->dst_version);
		if (ret)
			remember(chan, send->src_version);
	}
	if (src->version != send->src_version)
		last = flow_locked(chan);
	ret &= last != PROV_LOST;
	if (ret)
		fill_cache(chan, src->version);
	unlock_both(src, dst, flags);
	if (last == PROV_NEW)
		prov_spread(dst, src);
	return ret;
}
