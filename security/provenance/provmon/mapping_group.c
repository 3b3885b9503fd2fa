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
 * All that can be reached from @start, in @hub's group if that is not NULL; with
 * @plant, by which arc each was.  Sinks are left out: nothing is behind them,
 * and they may go at any moment.
 */
static void search_forward(struct prov_map *const start,
			   const struct prov_map *const hub, bool plant,
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
			    (hub && next->hub != hub))
				continue;
			next->seen_forward = searches;
			list_add_tail(&next->forward, found);
			if (plant)
				set_down(next, arc);
		}
		spin_unlock(&map->lock);
	}
}

/* All that reaches @start, in @hub's group or else what was found forward. */
static void search_backward(struct prov_map *const start,
			    const struct prov_map *const hub, bool plant,
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
			    (hub ? next->hub != hub :
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
static void plant(struct prov_map *const hub)
{
	LIST_HEAD(down);
	LIST_HEAD(up);

	searches++;
	search_forward(hub, hub, true, &down);
	search_backward(hub, hub, true, &up);
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

/* The hub of a group that is the largest, or else an inode. */
static struct prov_map *choose_hub(const struct list_head *const members)
{
	struct prov_map *map, *hub = NULL;

	list_for_each_entry(map, members, backward) {
		if (map->hub)
			return map->hub;
		if (!prov_map_is_process(map) &&
		    (!hub || prov_map_is_stale(hub)))
			hub = map;
	}
	return hub;
}

static void enter(struct prov_map *const map, struct prov_map *const hub,
		  bool hub_knows_all)
{
	list_del_init(&map->dirty);
	list_del_init(&map->input);
	WRITE_ONCE(map->hub, hub);
	list_move(&map->member,
		  prov_map_is_stale(map) ? &hub->stale : &hub->fresh);
	if (map != hub && !hub_knows_all)
		list_add_tail(&map->dirty, &hub->dirties);
}

/* What is pending comes from outside of the group. */
static void note_input(struct prov_map *const map)
{
	if (!list_empty(&map->pending) && list_empty(&map->input))
		list_add_tail(&map->input, &map->hub->inputs);
}

/* If @map is part of a circle, make one group of all that is in it. */
static void form(struct prov_map *const map)
{
	struct prov_map *hub, *member;
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
	hub = choose_hub(&members);
	/*
	 * If the hub is not stale, it knows all that any of them knows.  Else
	 * who is new has to tell it.
	 */
	hub_knows_all = !prov_map_is_stale(hub);
	list_for_each_entry(member, &members, backward)
		if (!member->hub || member->hub != hub)
			enter(member, hub, hub_knows_all);
	list_for_each_entry(member, &members, backward)
		forget_news_in(member);
	list_for_each_entry(member, &members, backward)
		note_input(member);
	plant(hub);
}

/* Does @map know the same as @other, or is it that? */
static bool is_of(const struct prov_map *const map,
		  const struct prov_map *const other)
{
	return map == other || (map->hub && map->hub == other->hub);
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
		else if (!*up || arc->dst == other->hub)
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
		else if (!*down || arc->src == other->hub)
			*down = arc;
	}
	return all;
}

static void enter_all(struct prov_map *const map, struct prov_map *const hub,
		      bool hub_knows_all)
{
	enter(map, hub, hub_knows_all);
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
	struct prov_map *hub = other->hub;
	bool hub_knows_all;

	if (!find_up(map, other, &up) || !find_down(map, other, &down))
		return false;
	if (!up || !down)
		return true;
	if (hub) {
		enter_all(map, hub, !prov_map_is_stale(hub));
		set_up(map, up);
		set_down(map, down);
		return true;
	}
	hub = prov_map_is_process(map) ? other : map;
	hub_knows_all = !prov_map_is_stale(hub);
	enter(hub, hub, hub_knows_all);
	if (hub == map) {
		enter_all(other, hub, hub_knows_all);
		set_up(other, down);
		set_down(other, up);
	} else {
		enter_all(map, hub, hub_knows_all);
		set_up(map, up);
		set_down(map, down);
	}
	note_input(hub);
	return true;
}

/* Both ends of @arc are of one group: the shortest ways are those to the hub. */
static void shorten(struct prov_arc *const arc)
{
	if (arc->dst == arc->src->hub)
		set_up(arc->src, arc);
	else if (arc->src == arc->dst->hub)
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
	if (map->hub)
		map = map == src ? dst : src;
	if (map->hub || !join(map, map == src ? dst : src))
		form(dst);
}

static void restore_in(struct prov_map *const map, struct list_head *const work)
{
	struct prov_arc *arc;

	list_for_each_entry(arc, &map->in, in) {
		if (!list_empty(&arc->news))
			continue;
		spin_lock(&arc->src->lock);
		if (prov_map_is_stale(arc->src))
			prov_arc_announce(arc, work);
		else
			prov_arc_arm(arc);
		spin_unlock(&arc->src->lock);
	}
}

/* @map is in no group any more: tell what its arcs are. */
static void restore_arcs(struct prov_map *const map,
			 struct list_head *const work)
{
	struct prov_arc *arc;

	spin_lock(&map->lock);
	list_for_each_entry(arc, &map->out, out) {
		if (!list_empty(&arc->news))
			continue;
		if (prov_map_is_stale(map))
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

static void leave(struct prov_map *const map)
{
	set_up(map, NULL);
	set_down(map, NULL);
	WRITE_ONCE(map->hub, NULL);
	list_del_init(&map->member);
	list_del_init(&map->dirty);
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

static bool is_alone(const struct prov_map *const hub)
{
	return list_empty(&hub->fresh) ? list_is_singular(&hub->stale) :
	       list_is_singular(&hub->fresh) && list_empty(&hub->stale);
}

/*
 * Who is not in a circle with the hub any more takes over what the group knows, and
 * leaves.
 */
static void split(struct prov_map *const hub)
{
	struct prov_map *map, *next;
	LIST_HEAD(leavers);
	LIST_HEAD(forward);
	LIST_HEAD(backward);
	LIST_HEAD(left);
	LIST_HEAD(work);

	searches++;
	search_forward(hub, hub, false, &forward);
	search_backward(hub, hub, false, &backward);
	find_leavers(&hub->fresh, &leavers);
	find_leavers(&hub->stale, &leavers);
	if (list_empty(&leavers)) {
		plant(hub);
		return;
	}
	prov_map_pull(hub);
	list_for_each_entry(map, &leavers, work)
		prov_map_pull(map);
	list_for_each_entry_safe(map, next, &leavers, work) {
		list_del_init(&map->work);
		leave(map);
		list_add_tail(&map->member, &left);
	}
	if (is_alone(hub))
		leave(hub);
	else
		plant(hub);
	list_for_each_entry(map, &left, member)
		restore_arcs(map, &work);
	prov_map_tell(&work);
	while (!list_empty(&left)) {
		map = list_first_entry(&left, struct prov_map, member);
		list_del_init(&map->member);
		if (!map->hub)
			form(map);
	}
}

/*
 * No way of others goes by @map: so they know what they know without it, and if it
 * leaves, it is alone.
 */
static void part(struct prov_map *const map, struct prov_map *const hub)
{
	struct prov_arc *up = NULL, *down = NULL;
	LIST_HEAD(work);

	find_up(map, hub, &up);
	/* If nothing flows out of it, it maps without the graph's lock. */
	if (up)
		find_down(map, hub, &down);
	if (down) {
		set_up(map, up);
		set_down(map, down);
		return;
	}
	prov_map_pull(map);
	leave(map);
	if (is_alone(hub))
		leave(hub);
	restore_arcs(map, &work);
	prov_map_tell(&work);
}

/**
 * prov_group_split - an arc within a group is cut
 * @arc: the arc, which is in no list any more, but still tells what flowed until
 *	now if it is a way
 */
void prov_group_split(struct prov_arc *arc)
{
	struct prov_map *const hub = arc->src->hub;
	struct prov_map *map;

	if (arc->src->up == arc)
		map = arc->src;
	else if (arc->dst->down == arc)
		map = arc->dst;
	else
		return;
	if (map->ways)
		split(hub);
	else
		part(map, hub);
}
