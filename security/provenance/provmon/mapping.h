/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: what is mapped, and how news of it are taken over
 *
 * A mapping moves information without any call, for as long as it lasts.  So
 * nothing is recorded when it happens: an object takes over the news of what
 * flows into it by mappings before anything flows out of it.
 *
 * Like the engine, this knows nothing of VMAs and inodes, and also compiles in
 * user space (tests/engine).  What it calls a process can also be a BPF program,
 * and the inodes that it maps are the BPF maps that it can use; or a loop device.
 */
#ifndef _SECURITY_PROVMON_MAPPING_H
#define _SECURITY_PROVMON_MAPPING_H

#include "engine.h"

/**
 * struct prov_arc - information flows from @src to @dst at any moment
 * @src: where from
 * @dst: where to; one of the two is a process, the other one an inode
 * @out: in @src->out
 * @in: in @dst->in
 * @news: in @src->armed, as long as @dst knows all that @src knows; in
 *	@dst->pending if not; in neither if both are of one group
 */
struct prov_arc {
	struct prov_map		*src;
	struct prov_map		*dst;
	struct list_head	out;
	struct list_head	in;
	struct list_head	news;
};

/**
 * struct prov_link - an inode that a process maps
 * @read: from the inode to the process
 * @write: from the process to the inode; NULL unless a shared mapping is
 *	writable
 * @node: in the process's @links
 * @id: of the inode's object, by which it is found there
 * @readable: pages that are mapped with any access
 * @writable: pages of these that are shared and writable
 *
 * Pages are counted, not VMAs: splitting and merging these changes nothing.
 */
struct prov_link {
	struct prov_arc		read;
	struct prov_arc		*write;
	struct rb_node		node;
	u64			id;
	unsigned long		readable;
	unsigned long		writable;
};

/**
 * struct prov_group - objects that know the same
 * @hub: the inode that stands for it
 * @fresh: members that know all that the group knows
 * @stale: members that do not
 * @dirties: members that have news that the hub has not
 * @inputs: members that may have something pending
 *
 * Each inode has one, for when it is a hub.  Under prov_map_graph_lock.
 */
struct prov_group {
	struct prov_map		*hub;
	struct list_head	fresh;
	struct list_head	stale;
	struct list_head	dirties;
	struct list_head	inputs;
};

/**
 * struct prov_map - an object's place in the graph of mappings
 * @obj: the object
 * @memory: of a process; NULL: it is an inode
 * @op: of a process: enum prov_op of the records, by enum prov_direction
 * @lock: see below
 * @out: arcs out of it; a process has some if it can write to what it maps, or
 *	the kernel reads its memory for a socket
 * @in: arcs into it
 * @armed: of @out: who has to be told of news
 * @pending: of @in: who has news, under @obj->lock
 * @group: its group, or NULL if it is in none
 * @member: in @group->fresh or @group->stale
 * @dirty: in @group->dirties
 * @input: in @group->inputs
 * @up: the way of its news to the hub
 * @down: the way of the hub's news to it
 * @ways: how many others have their way up or down by it
 * @forward: in the list of a search
 * @backward: in the list of a search
 * @seen_forward: number of the last search that came by
 * @seen_backward: number of the last search that came by
 * @work: who has to be told next
 * @next: pulls: who waits for this one; or the next one on the way down
 * @own: of an inode: the group that it is the hub of, if it is one
 * @spare: of a process: a link that is not used, for the next mapping
 * @links: of a process, by the id of the inode; there can be very many
 *
 * Locks, in the order in which they are taken:
 * - prov_map_graph_lock: of all below @pending; of the lists of an inode that
 *   can be written by mappings, and of a process that can write so.  Most
 *   processes and inodes are neither: their mappings come and go without it.
 *   All taking over of news is under it
 * - @lock of a process: @links, @spare, @in, and, with the graph's lock, @out
 * - @lock of an inode: @out, @armed
 * - @obj->lock
 * Only who may change the mappings of a process (the holder of its mmap_lock)
 * adds or removes links of it; but any number of inodes can be adopted by a loop
 * device and dropped at once, also while that goes: these links are found and
 * removed under the graph's lock.  Feeds (prov_map_feed()) come and go at any time.
 * So who does without the graph's lock, because a process has nothing in @out,
 * looks at that under the lock of the process.
 */
struct prov_map {
	struct prov_object	*obj;
	struct prov_memory	*memory;
	u8			op[2];
	spinlock_t		lock;	/* see above */
	struct list_head	out;
	struct list_head	in;
	struct list_head	armed;
	struct list_head	pending;
	struct prov_group	*group;
	struct list_head	member;
	struct list_head	dirty;
	struct list_head	input;
	struct prov_arc		*up;
	struct prov_arc		*down;
	unsigned int		ways;
	struct list_head	forward;
	struct list_head	backward;
	u64			seen_forward;
	u64			seen_backward;
	struct list_head	work;
	struct prov_map		*next;
	struct prov_group	*own;
	struct prov_link	*spare;
	struct rb_root		*links;
};

/**
 * struct prov_process_map - a process's place in the graph of mappings
 * @map: the place
 * @links: for @map.links
 */
struct prov_process_map {
	struct prov_map		map;
	struct rb_root		links;
};

/**
 * enum prov_access - what a mapping lets a process do
 * @PROV_ACCESS_NONE: nothing
 * @PROV_ACCESS_READ: read what is mapped, or change a copy of its own
 * @PROV_ACCESS_SHARE: change what is mapped
 */
enum prov_access {
	PROV_ACCESS_NONE,
	PROV_ACCESS_READ,
	PROV_ACCESS_SHARE,
};

void prov_map_init_process(struct prov_process_map *place,
			   struct prov_object *obj, struct prov_memory *memory,
			   u8 in, u8 out);
struct prov_map *prov_map_get(struct prov_object *obj);
void prov_map_free(struct prov_object *obj);
bool prov_map_add(struct prov_map *process, struct prov_map *inode,
		  enum prov_access access, unsigned long pages);
void prov_map_inherit(struct prov_map *parent, u32 version,
		      struct prov_map *child, struct prov_map *inode,
		      enum prov_access access, unsigned long pages);
void prov_map_remove(struct prov_map *process, struct prov_map *inode,
		     enum prov_access access, unsigned long pages);
void prov_map_adopt(struct prov_map *process, struct prov_object *obj, gfp_t gfp);
void prov_map_drop(struct prov_object *obj);
void prov_map_release(struct prov_map *process, bool dies);
void prov_map_release_mapper(struct prov_map *mapper);
void prov_map_feed(struct prov_arc *feed, struct prov_map *process,
		   struct prov_map *inode);
void prov_map_unfeed(struct prov_arc *feed);

bool prov_pull_stale(struct prov_object *obj);
void prov_spread_news(struct prov_map *map, struct prov_object *cause);

/**
 * prov_map_is_fed - does a feed last?
 * @feed: what prov_map_feed() was called for
 *
 * It ends with prov_map_unfeed(), or when the memory of the process goes.
 */
static inline bool prov_map_is_fed(const struct prov_arc *const feed)
{
	return !list_empty(&feed->out);
}

/**
 * prov_pull - take over what came by mappings, before something flows out
 * @obj: out of it
 *
 * Context: Any but NMI; no lock of an object held.
 * Return: false if a record was lost: then it is tried again the next time.
 */
static inline bool prov_pull(struct prov_object *const obj)
{
	return likely(!(READ_ONCE(obj->flags) & PROV_OBJ_STALE)) ||
	       prov_pull_stale(obj);
}

/**
 * prov_spread - an object has taken something in: who maps it has news
 * @obj: the object
 * @cause: who flowed into it, and has no news of it therefore
 *
 * Context: As prov_pull().
 */
static inline void prov_spread(struct prov_object *const obj,
			       struct prov_object *const cause)
{
	struct prov_map *const map = READ_ONCE(obj->map);

	/* Who maps it later looks at it after that. */
	if (map && unlikely(!list_empty(&map->out)))
		prov_spread_news(map, cause);
}

/**
 * prov_know_the_same - does a mapping let a source's knowledge flow at any moment?
 * @src: the source of a flow
 * @dst: its destination
 *
 * Groups change meanwhile.  So each group is looked at once, that of the source
 * first: what it knew then came to the group, also if it left, and from there to
 * who is in it later.
 */
static inline bool prov_know_the_same(const struct prov_object *const src,
				      const struct prov_object *const dst)
{
	const struct prov_map *const from = READ_ONCE(src->map);
	const struct prov_map *const to = READ_ONCE(dst->map);
	const struct prov_group *const group =
		from ? READ_ONCE(from->group) : NULL;

	if (!group || !to)
		return false;
	/* Pairs with the lock that one gives up who stores a group. */
	smp_rmb();
	return READ_ONCE(to->group) == group;
}

#endif /* _SECURITY_PROVMON_MAPPING_H */
