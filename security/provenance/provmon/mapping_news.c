// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: how news travel through mappings
 *
 * Who takes something in tells those that are next to it, who become stale and
 * tell the next.  Who is stale already has told them before: so it costs
 * nothing to have more news that nobody asks for.  Who is stale and is asked
 * takes over what is pending, and then knows all that there is to know.
 *
 * An object that is not stale knows all that can flow into it by mappings.
 */
#include "mapping_graph.h"

/* Records of a pull between two moments at which others can have the lock. */
#define RECORDS_AT_ONCE		1024

DEFINE_SPINLOCK(prov_map_graph_lock);

/* What is left of that to who holds the lock. */
static u32 budget;

/* Return: what became of the news of @arc; does not say where it is next. */
enum prov_result prov_arc_transfer(const struct prov_arc *const arc)
{
	const bool in = prov_map_is_process(arc->dst);
	const struct prov_map *const process = in ? arc->dst : arc->src;
	const enum prov_direction direction = in ? PROV_IN : PROV_OUT;
	const struct prov_channel chan = {
		.src = arc->src->obj,
		.dst = arc->dst->obj,
		.memory = process->memory,
		.direction = direction,
		.op = process->op[direction],
	};

	return prov_transfer(&chan);
}

/* The destination knows all that the source knows; wants the source's lock. */
void prov_arc_arm(struct prov_arc *const arc)
{
	struct prov_map *const dst = arc->dst;

	spin_lock(&dst->obj->lock);
	list_move(&arc->news, &arc->src->armed);
	spin_unlock(&dst->obj->lock);
}

static void outdate(struct prov_map *const map, struct list_head *const work)
{
	struct prov_object *const obj = map->obj;

	if (prov_map_is_stale(map))
		return;
	spin_lock(&obj->lock);
	WRITE_ONCE(obj->flags, obj->flags | PROV_OBJ_STALE);
	WRITE_ONCE(obj->hot, PROV_VERSION_LAST);
	spin_unlock(&obj->lock);
	if (map->group)
		list_move(&map->member, &map->group->stale);
	/* Processes that write to nothing that they map have nobody to tell. */
	if (!prov_map_is_process(map) || !list_empty(&map->out))
		list_add_tail(&map->work, work);
}

static void outdate_others(struct prov_group *const group,
			   const struct prov_map *const but,
			   struct list_head *const work)
{
	struct prov_map *map, *next;

	list_for_each_entry_safe(map, next, &group->fresh, member)
		if (map != but)
			outdate(map, work);
}

/* The source has news for the destination; wants the source's lock. */
void prov_arc_announce(struct prov_arc *const arc, struct list_head *const work)
{
	struct prov_map *const dst = arc->dst;

	spin_lock(&dst->obj->lock);
	list_move_tail(&arc->news, &dst->pending);
	spin_unlock(&dst->obj->lock);
	if (!dst->group) {
		outdate(dst, work);
		return;
	}
	if (list_empty(&dst->input))
		list_add_tail(&dst->input, &dst->group->inputs);
	outdate_others(dst->group, NULL, work);
}

/*
 * What @cause knows is all that is new, and it knew the rest: so it has no news.
 */
static void tell_next(struct prov_map *const map,
		      const struct prov_map *const cause,
		      struct list_head *const work)
{
	struct prov_arc *arc, *next;

	spin_lock(&map->lock);
	list_for_each_entry_safe(arc, next, &map->armed, news)
		if (arc->dst != cause)
			prov_arc_announce(arc, work);
	spin_unlock(&map->lock);
}

/* Tell those that are next to the objects of @work, and so on. */
void prov_map_tell(struct list_head *const work)
{
	struct prov_map *map;

	while (!list_empty(work)) {
		map = list_first_entry(work, struct prov_map, work);
		list_del_init(&map->work);
		tell_next(map, NULL, work);
	}
}

/* Under the graph's lock: @map has taken something in. */
void prov_map_spread(struct prov_map *const map,
		     const struct prov_map *const cause)
{
	LIST_HEAD(work);

	if (map->group) {
		if (map != map->group->hub && list_empty(&map->dirty))
			list_add_tail(&map->dirty, &map->group->dirties);
		outdate_others(map->group, map, &work);
	}
	tell_next(map, cause, &work);
	prov_map_tell(&work);
	/* The news first, then what brought them: see prov_send_begin(). */
	smp_wmb();
}

/**
 * prov_spread_news - see prov_spread()
 * @map: of the object
 * @cause: who flowed into it
 */
void prov_spread_news(struct prov_map *map, struct prov_object *cause)
{
	unsigned long flags;

	spin_lock_irqsave(&prov_map_graph_lock, flags);
	prov_map_spread(map, READ_ONCE(cause->map));
	spin_unlock_irqrestore(&prov_map_graph_lock, flags);
}

static struct prov_arc *first_pending(struct prov_map *const map)
{
	struct prov_arc *arc;

	spin_lock(&map->obj->lock);
	arc = list_first_entry_or_null(&map->pending, struct prov_arc, news);
	spin_unlock(&map->obj->lock);
	return arc;
}

/* Forget that there was something pending, as @arc was taken over. */
static void settle(struct prov_arc *const arc)
{
	spin_lock(&arc->src->lock);
	prov_arc_arm(arc);
	spin_unlock(&arc->src->lock);
}

/**
 * prov_arc_take_over - take over what is pending of a source that is not stale
 * @arc: from there; wants the lock of the destination if that is a process
 *
 * Return: false if its record was lost: it is still pending.
 */
bool prov_arc_take_over(struct prov_arc *arc)
{
	struct prov_map *const map = arc->dst;
	const enum prov_result ret = prov_arc_transfer(arc);

	if (ret == PROV_LOST)
		return false;
	settle(arc);
	if (ret == PROV_NEW && map->group && map != map->group->hub &&
	    list_empty(&map->dirty))
		list_add_tail(&map->dirty, &map->group->dirties);
	return true;
}

/*
 * Take over what is pending, from sources that are not stale.  The first one
 * that is goes to @stale.
 */
static bool take_pending(struct prov_map *const map,
			 struct prov_map **const stale)
{
	struct prov_arc *arc;

	for (arc = first_pending(map); arc; arc = first_pending(map)) {
		if (prov_map_is_stale(arc->src)) {
			*stale = arc->src;
			break;
		}
		if (!prov_arc_take_over(arc) || !--budget)
			return false;
	}
	return true;
}

static bool take_over(struct prov_map *const map, struct prov_map **const stale)
{
	bool ret;

	/* An arc into an inode is only removed under the graph's lock. */
	if (!prov_map_is_process(map))
		return take_pending(map, stale);
	spin_lock(&map->lock);
	ret = take_pending(map, stale);
	spin_unlock(&map->lock);
	return ret;
}

static bool take_over_inputs(struct prov_group *const group,
			     struct prov_map **const stale)
{
	struct prov_map *map;

	while (!list_empty(&group->inputs)) {
		map = list_first_entry(&group->inputs, struct prov_map, input);
		if (!take_over(map, stale))
			return false;
		if (*stale)
			break;
		list_del_init(&map->input);
	}
	return true;
}

static void refresh(struct prov_map *const map)
{
	struct prov_object *const obj = map->obj;

	spin_lock(&obj->lock);
	/* Who maps something now may have made it stale once more. */
	if (list_empty(&map->pending)) {
		WRITE_ONCE(obj->flags, obj->flags & ~PROV_OBJ_STALE);
		WRITE_ONCE(obj->hot, obj->version);
	}
	spin_unlock(&obj->lock);
	if (map->group)
		list_move(&map->member, &map->group->fresh);
}

/*
 * All that members of a group know goes to their hub, along the whole way: who is
 * next may have known before, from a hand_down() between a member's taking in
 * and its prov_spread(), and has not passed it on.
 */
static bool gather(struct prov_group *const group)
{
	struct prov_map *map, *next;

	while (!list_empty(&group->dirties)) {
		map = list_first_entry(&group->dirties, struct prov_map, dirty);
		if (prov_arc_transfer(map->up) == PROV_LOST)
			return false;
		list_del_init(&map->dirty);
		next = map->up->dst;
		if (next != group->hub && list_empty(&next->dirty))
			list_add_tail(&next->dirty, &group->dirties);
		if (!--budget)
			return false;
	}
	refresh(group->hub);
	return true;
}

/* From the nearest member that knows all, the hub in the end, to @map. */
static bool hand_down(struct prov_map *map)
{
	struct prov_map *next = NULL;

	for (; prov_map_is_stale(map); map = map->down->src) {
		map->next = next;
		next = map;
	}
	for (map = next; map; map = map->next) {
		if (prov_arc_transfer(map->down) == PROV_LOST)
			return false;
		refresh(map);
		if (!--budget)
			return false;
	}
	return true;
}

/*
 * Take over all news that there are for @map, or as many as the budget allows:
 * then what was taken over is done with, and it goes on from there.
 *
 * Depth first, but without a stack: chains of mappings can be long.  Who waits
 * for whom is kept in @next.  It is no cycle, since cycles are groups.
 */
static bool pull(struct prov_map *map)
{
	struct prov_map *stale;

	map->next = NULL;
	while (map) {
		struct prov_map *const waits = map->next;

		stale = NULL;
		if (!(map->group ? take_over_inputs(map->group, &stale) :
				 take_over(map, &stale)))
			return false;
		if (stale) {
			stale->next = map;
			map = stale;
			continue;
		}
		if (!map->group)
			refresh(map);
		else if (!gather(map->group) || !hand_down(map))
			return false;
		map = waits;
	}
	return true;
}

/**
 * prov_map_pull - take over all news that there are, under the graph's lock
 * @map: for whom
 *
 * What can be much is better taken over before, by prov_map_pull_first().
 *
 * Return: false if a record was lost.
 */
bool prov_map_pull(struct prov_map *map)
{
	budget = U32_MAX;
	return pull(map);
}

/**
 * prov_map_pull_some - take over some of the news that there are, under the graph's lock
 * @map: for whom
 *
 * Return: false if there are more.  Those of a record that was lost are not waited for.
 */
bool prov_map_pull_some(struct prov_map *map)
{
	budget = RECORDS_AT_ONCE;
	return pull(map) || budget;
}

/**
 * prov_map_pull_first - take over all news that there are, before the lock is taken
 * @map: for whom, and its group
 *
 * What is left to who takes the lock then is little.
 *
 * Return: false if a record was lost.
 */
bool prov_map_pull_first(struct prov_map *map)
{
	unsigned long flags;
	bool ret, again;

	do {
		spin_lock_irqsave(&prov_map_graph_lock, flags);
		budget = RECORDS_AT_ONCE;
		ret = pull(map);
		again = !ret && !budget;
		spin_unlock_irqrestore(&prov_map_graph_lock, flags);
	} while (again);
	return ret;
}

/**
 * prov_pull_stale - see prov_pull()
 * @obj: an object that was found to be stale
 */
bool prov_pull_stale(struct prov_object *obj)
{
	return prov_map_pull_first(READ_ONCE(obj->map));
}
