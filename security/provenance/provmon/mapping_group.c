// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: objects that know the same
 *
 * Processes that write to what they share reach each other in a circle, so all
 * of them know the same at any moment: they are a group, a strongly connected
 * part of the graph of mappings.  If each took over from the next what that had
 * taken over from it, the records would never end.  So one inode, the hub,
 * stands for the group.  What a member has learnt elsewhere goes up to the hub,
 * along a tree of arcs; what the hub has goes down to who asks, along another
 * one.  With one inode and its processes both trees are the arcs themselves.
 *
 * All of it is under the graph's lock.
 */
#include "mapping_graph.h"

static u64 searches;

static bool is_sink(const struct prov_map *const map)
{
	return prov_map_is_process(map) && list_empty(&map->out);
}

static void set_up(struct prov_map *const map, struct prov_arc *const arc)
{
	if (map->up)
		map->up->dst->ways--;
	map->up = arc;
	if (arc)
		arc->dst->ways++;
}

static void set_down(struct prov_map *const map, struct prov_arc *const arc)
{
	if (map->down)
		map->down->src->ways--;
	map->down = arc;
	if (arc)
		arc->src->ways++;
}

/*
 * All that can be reached from @start, in @group if that is not NULL; with
 * @plant, by which arc each was.  Sinks are left out: nothing is behind them,
 * and they may go at any moment.
 */
static void search_forward(struct prov_map *const start,
			   const struct prov_group *const group, bool plant,
			   struct list_head *const found)
{
	struct prov_map *map;
	struct prov_arc *arc;

	start->seen_forward = searches;
	list_add_tail(&start->forward, found);
	list_for_each_entry(map, found, forward) {
		spin_lock(&map->lock);
		list_for_each_entry(arc, &map->out, out) {
			struct prov_map *const next = arc->dst;

			if (is_sink(next) || next->seen_forward == searches ||
			    (group && next->group != group))
				continue;
			next->seen_forward = searches;
			list_add_tail(&next->forward, found);
			if (plant)
				set_down(next, arc);
		}
		spin_unlock(&map->lock);
	}
}

/* All that reaches @start, in @group or else what was found forward. */
static void search_backward(struct prov_map *const start,
			    const struct prov_group *const group, bool plant,
			    struct list_head *const found)
{
	struct prov_map *map;
	struct prov_arc *arc;

	start->seen_backward = searches;
	list_add_tail(&start->backward, found);
	list_for_each_entry(map, found, backward) {
		list_for_each_entry(arc, &map->in, in) {
			struct prov_map *const next = arc->src;

			if (next->seen_backward == searches ||
			    (group ? next->group != group :
				   next->seen_forward != searches))
				continue;
			next->seen_backward = searches;
			list_add_tail(&next->backward, found);
			if (plant)
				set_up(next, arc);
		}
	}
}

/* Find the ways up and down once more. */
static void plant(const struct prov_group *const group)
{
	LIST_HEAD(down);
	LIST_HEAD(up);

	searches++;
	search_forward(group->hub, group, true, &down);
	search_backward(group->hub, group, true, &up);
}

/* What is within a group is neither armed nor pending; wants the source's lock. */
static void forget_news(struct prov_arc *const arc)
{
	if (!prov_arc_is_inner(arc) || list_empty(&arc->news))
		return;
	spin_lock(&arc->dst->obj->lock);
	list_del_init(&arc->news);
	spin_unlock(&arc->dst->obj->lock);
}

static void forget_news_in(struct prov_map *const map)
{
	struct prov_arc *arc;

	list_for_each_entry(arc, &map->in, in) {
		spin_lock(&arc->src->lock);
		forget_news(arc);
		spin_unlock(&arc->src->lock);
	}
}

static void forget_news_out(struct prov_map *const map)
{
	struct prov_arc *arc;

	spin_lock(&map->lock);
	list_for_each_entry(arc, &map->out, out)
		forget_news(arc);
	spin_unlock(&map->lock);
}

/* Return: a group that there is already, or else that of an inode. */
static struct prov_group *choose_hub(const struct list_head *const members)
{
	struct prov_map *map, *hub = NULL;

	list_for_each_entry(map, members, backward) {
		if (map->group)
			return map->group;
		if (!prov_map_is_process(map) &&
		    (!hub || prov_map_is_stale(hub)))
			hub = map;
	}
	return hub->own;
}

static void enter(struct prov_map *const map, struct prov_group *const group,
		  bool hub_knows_all)
{
	list_del_init(&map->dirty);
	list_del_init(&map->input);
	WRITE_ONCE(map->group, group);
	list_move(&map->member,
		  prov_map_is_stale(map) ? &group->stale : &group->fresh);
	if (map != group->hub && !hub_knows_all)
		list_add_tail(&map->dirty, &group->dirties);
}

/* What is pending comes from outside of the group. */
static void note_input(struct prov_map *const map)
{
	if (!list_empty(&map->pending) && list_empty(&map->input))
		list_add_tail(&map->input, &map->group->inputs);
}

/* If @map is part of a circle, make one group of all that is in it. */
static void form(struct prov_map *const map)
{
	struct prov_group *group;
	struct prov_map *member;
	bool hub_knows_all;
	LIST_HEAD(reached);
	LIST_HEAD(members);

	if (is_sink(map))
		return;
	searches++;
	search_forward(map, NULL, false, &reached);
	search_backward(map, NULL, false, &members);
	if (list_is_singular(&members))
		return;
	group = choose_hub(&members);
	/*
	 * If the hub is not stale, it knows all that any of them knows.  Else
	 * who is new has to tell it.
	 */
	hub_knows_all = !prov_map_is_stale(group->hub);
	list_for_each_entry(member, &members, backward)
		if (member->group != group)
			enter(member, group, hub_knows_all);
	list_for_each_entry(member, &members, backward)
		forget_news_in(member);
	list_for_each_entry(member, &members, backward)
		note_input(member);
	plant(group);
}

static bool is_hub(const struct prov_map *const map)
{
	return map->group && map->group->hub == map;
}

/* Does @map know the same as @other, or is it that? */
static bool is_of(const struct prov_map *const map,
		  const struct prov_map *const other)
{
	return map == other || (map->group && map->group == other->group);
}

/*
 * By which arc @map flows to those that are of @other, to the hub if it can.
 *
 * Return: false if it also flows to somebody else, who may lead on.
 */
static bool find_up(struct prov_map *const map,
		    const struct prov_map *const other,
		    struct prov_arc **const up)
{
	struct prov_arc *arc;
	bool all = true;

	spin_lock(&map->lock);
	list_for_each_entry(arc, &map->out, out) {
		if (!is_of(arc->dst, other))
			all &= list_empty(&arc->dst->out);
		else if (!*up || is_hub(arc->dst))
			*up = arc;
	}
	spin_unlock(&map->lock);
	return all;
}

/*
 * By which arc those that are of @other flow to @map, from the hub if there is one.
 *
 * Return: false if somebody else does, too, whom others may lead to.
 */
static bool find_down(const struct prov_map *const map,
		      const struct prov_map *const other,
		      struct prov_arc **const down)
{
	struct prov_arc *arc;
	bool all = true;

	list_for_each_entry(arc, &map->in, in) {
		if (!is_of(arc->src, other))
			all &= list_empty(&arc->src->in);
		else if (!*down || is_hub(arc->src))
			*down = arc;
	}
	return all;
}

static void enter_alone(struct prov_map *const map,
			struct prov_group *const group, bool hub_knows_all)
{
	enter(map, group, hub_knows_all);
	forget_news_in(map);
	forget_news_out(map);
	note_input(map);
}

/*
 * @map, which is in no group, has a new arc to or from @other.  If it has arcs to
 * and from those that are of @other and else none that lead anywhere, only @map
 * comes to these; if it has not both, it is in no circle.
 *
 * Return: false if that cannot be told without a search.
 */
static bool join(struct prov_map *const map, struct prov_map *const other)
{
	struct prov_arc *up = NULL, *down = NULL;

	if (!find_up(map, other, &up) || !find_down(map, other, &down))
		return false;
	if (!up || !down)
		return true;
	if (!other->group) {
		/* Of the two, it is the inode. */
		enter_alone(map, map->own, true);
		enter_alone(other, map->own, !prov_map_is_stale(map));
		set_up(other, down);
		set_down(other, up);
		return true;
	}
	enter_alone(map, other->group, !prov_map_is_stale(other->group->hub));
	set_up(map, up);
	set_down(map, down);
	return true;
}

/* Both ends of @arc are of one group: the shortest ways are those to the hub. */
static void shorten(struct prov_arc *const arc)
{
	if (is_hub(arc->dst))
		set_up(arc->src, arc);
	else if (is_hub(arc->src))
		set_down(arc->dst, arc);
}

/**
 * prov_group_form - a new arc may close a circle
 * @arc: the arc
 *
 * If so, all that is in it is made one group.  Who has few mappings, or comes to a
 * large group, does not look at all of that.
 */
void prov_group_form(struct prov_arc *arc)
{
	struct prov_map *const src = arc->src, *const dst = arc->dst;
	struct prov_map *map = prov_map_is_process(src) ? dst : src;

	if (prov_arc_is_inner(arc)) {
		shorten(arc);
		return;
	}
	if (is_sink(dst))
		return;
	/* Who is in no group; of two, the inode, which has few. */
	if (map->group)
		map = map == src ? dst : src;
	if (map->group || !join(map, map == src ? dst : src))
		form(dst);
}

/* If a pull could not tell @map what it comes from, these arcs have to. */
static void restore_in(struct prov_map *const map, struct list_head *const work)
{
	struct prov_arc *arc;

	list_for_each_entry(arc, &map->in, in) {
		if (!list_empty(&arc->news))
			continue;
		spin_lock(&arc->src->lock);
		if (prov_map_is_stale(arc->src) || prov_map_is_stale(map))
			prov_arc_announce(arc, work);
		else
			prov_arc_arm(arc);
		spin_unlock(&arc->src->lock);
	}
}

/* Has who left the group, too, not been told what that knows, for a record was lost? */
static bool left_behind(const struct prov_map *const map)
{
	return !map->group && prov_map_is_stale(map);
}

/* @map is in no group any more: tell what its arcs are. */
static void restore_arcs(struct prov_map *const map,
			 struct list_head *const work)
{
	/* Or it has news that the group was not told, for a record was lost. */
	const bool untold = prov_map_is_stale(map) || !list_empty(&map->dirty);
	struct prov_arc *arc;

	list_del_init(&map->dirty);
	spin_lock(&map->lock);
	list_for_each_entry(arc, &map->out, out) {
		if (!list_empty(&arc->news))
			continue;
		if (untold || left_behind(arc->dst))
			prov_arc_announce(arc, work);
		else
			prov_arc_arm(arc);
	}
	spin_unlock(&map->lock);
	if (!prov_map_is_process(map)) {
		restore_in(map, work);
		return;
	}
	/* Its last arc out of it may be gone: then it maps without the graph's lock. */
	spin_lock(&map->lock);
	restore_in(map, work);
	spin_unlock(&map->lock);
}

/* With restore_arcs() to follow, if it has arcs to or from members. */
static void leave(struct prov_map *const map, struct list_head *const dirty)
{
	set_up(map, NULL);
	set_down(map, NULL);
	WRITE_ONCE(map->group, NULL);
	list_del_init(&map->member);
	if (!list_empty(&map->dirty))
		list_move(&map->dirty, dirty);
	list_del_init(&map->input);
}

static void find_leavers(const struct list_head *const members,
			 struct list_head *const leavers)
{
	struct prov_map *map;

	list_for_each_entry(map, members, member)
		if (map->seen_forward != searches ||
		    map->seen_backward != searches)
			list_add_tail(&map->work, leavers);
}

static bool is_alone(const struct prov_group *const group)
{
	return list_empty(&group->fresh) ? list_is_singular(&group->stale) :
	       list_is_singular(&group->fresh) && list_empty(&group->stale);
}

/*
 * Who is not in a circle with the hub any more takes over what the group knows, and
 * leaves.
 */
static void split(struct prov_group *const group)
{
	struct prov_map *map, *next;
	LIST_HEAD(leavers);
	LIST_HEAD(forward);
	LIST_HEAD(backward);
	LIST_HEAD(dirty);
	LIST_HEAD(left);
	LIST_HEAD(work);

	searches++;
	search_forward(group->hub, group, false, &forward);
	search_backward(group->hub, group, false, &backward);
	find_leavers(&group->fresh, &leavers);
	find_leavers(&group->stale, &leavers);
	if (list_empty(&leavers)) {
		plant(group);
		return;
	}
	prov_map_pull(group->hub);
	list_for_each_entry(map, &leavers, work)
		prov_map_pull(map);
	list_for_each_entry_safe(map, next, &leavers, work) {
		list_del_init(&map->work);
		leave(map, &dirty);
		list_add_tail(&map->member, &left);
	}
	/* A hub has no news that it would have to tell. */
	if (is_alone(group))
		leave(group->hub, &dirty);
	else
		plant(group);
	list_for_each_entry(map, &left, member)
		restore_arcs(map, &work);
	prov_map_tell(&work);
	while (!list_empty(&left)) {
		map = list_first_entry(&left, struct prov_map, member);
		list_del_init(&map->member);
		if (!map->group)
			form(map);
	}
}

static struct prov_arc *any_way_up(struct prov_map *const map)
{
	struct prov_arc *arc, *way = NULL;

	spin_lock(&map->lock);
	list_for_each_entry(arc, &map->out, out) {
		if (prov_arc_is_inner(arc)) {
			way = arc;
			break;
		}
	}
	spin_unlock(&map->lock);
	return way;
}

static struct prov_arc *any_way_down(const struct prov_map *const map)
{
	struct prov_arc *arc;

	list_for_each_entry(arc, &map->in, in)
		if (prov_arc_is_inner(arc))
			return arc;
	return NULL;
}

/*
 * No way of others goes by @map: so they know what they know without it, and if it
 * leaves, it is alone.
 */
static void part(struct prov_map *const map)
{
	struct prov_group *const group = map->group;
	struct prov_arc *const up = any_way_up(map);
	/* If nothing flows out of it, it maps without the graph's lock. */
	struct prov_arc *const down = up ? any_way_down(map) : NULL;
	LIST_HEAD(dirty);
	LIST_HEAD(work);

	if (down) {
		set_up(map, up);
		set_down(map, down);
		return;
	}
	prov_map_pull(map);
	leave(map, &dirty);
	if (is_alone(group))
		leave(group->hub, &dirty);
	restore_arcs(map, &work);
	prov_map_tell(&work);
}

/* Another inode than the hub that has its ways by nobody but @process, or NULL. */
static struct prov_map *find_heir(struct prov_map *const process)
{
	struct prov_map *heir = NULL;
	struct prov_arc *arc;

	spin_lock(&process->lock);
	list_for_each_entry(arc, &process->out, out) {
		struct prov_map *const next = arc->dst;

		if (next->down == arc && next->up->dst == process) {
			heir = next;
			break;
		}
	}
	spin_unlock(&process->lock);
	return heir;
}

/*
 * If only @process has its ways by the hub, let another inode be that.  All members
 * stay, and nobody else has other ways.
 *
 * Return: false if not: nothing is done.
 */
static bool replace_hub(struct prov_map *const process)
{
	struct prov_group *const group = process->group;
	struct prov_map *const hub = group->hub;
	struct prov_arc *const up = process->up, *const down = process->down;
	struct prov_arc *heir_up, *heir_down;
	struct prov_map *heir;

	if (up->dst != hub || down->src != hub || hub->ways != 2)
		return false;
	heir = find_heir(process);
	if (!heir)
		return false;
	/* Then both know all that there is, and nobody has anything to tell. */
	if (!prov_map_pull(heir) || prov_map_is_stale(heir))
		return false;
	hub->own = heir->own;
	hub->own->hub = hub;
	heir->own = group;
	group->hub = heir;
	heir_up = heir->up;
	heir_down = heir->down;
	set_up(heir, NULL);
	set_down(heir, NULL);
	set_up(process, heir_down);
	set_down(process, heir_up);
	set_up(hub, down);
	set_down(hub, up);
	return true;
}

/**
 * prov_group_split - an arc within a group is cut
 * @arc: the arc, which is in no list any more, but still tells what flowed until
 *	now if it is a way
 */
void prov_group_split(struct prov_arc *arc)
{
	struct prov_map *map, *hub;

	if (arc->src->up == arc)
		map = arc->src;
	else if (arc->dst->down == arc)
		map = arc->dst;
	else
		return;
	hub = map->group->hub;
	if (map->ways && replace_hub(map))
		map = hub;
	if (map->ways)
		split(map->group);
	else
		part(map);
}
