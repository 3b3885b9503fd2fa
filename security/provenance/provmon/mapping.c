// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: which process maps what
 */
#include "mapping_graph.h"

static struct lock_class_key process_lock_class;
static struct lock_class_key inode_lock_class;

static void init_map(struct prov_map *const map, struct prov_object *const obj)
{
	map->obj = obj;
	spin_lock_init(&map->lock);
	INIT_LIST_HEAD(&map->out);
	INIT_LIST_HEAD(&map->in);
	INIT_LIST_HEAD(&map->armed);
	INIT_LIST_HEAD(&map->pending);
	INIT_LIST_HEAD(&map->member);
	INIT_LIST_HEAD(&map->dirty);
	INIT_LIST_HEAD(&map->input);
	INIT_LIST_HEAD(&map->work);
}

/**
 * prov_map_init_process - make a process's place in the graph of mappings
 * @place: zeroed memory for it, valid as long as the object is
 * @obj: the object, not yet visible to others
 * @memory: of the process
 * @in: enum prov_op of the records of what flows into it
 * @out: likewise, out of it
 */
void prov_map_init_process(struct prov_process_map *place,
			   struct prov_object *obj, struct prov_memory *memory,
			   u8 in, u8 out)
{
	init_map(&place->map, obj);
	lockdep_set_class(&place->map.lock, &process_lock_class);
	place->map.memory = memory;
	place->map.op[PROV_IN] = in;
	place->map.op[PROV_OUT] = out;
	place->links = RB_ROOT;
	place->map.links = &place->links;
	obj->map = &place->map;
}

static struct prov_map *make_map(struct prov_object *const obj, gfp_t gfp)
{
	struct prov_map *const map = kzalloc(sizeof(*map), gfp);
	struct prov_group *const group = kzalloc(sizeof(*group), gfp);

	if (!map || !group) {
		kfree(map);
		kfree(group);
		prov_emit_lost();
		return NULL;
	}
	init_map(map, obj);
	lockdep_set_class(&map->lock, &inode_lock_class);
	map->own = group;
	group->hub = map;
	INIT_LIST_HEAD(&group->fresh);
	INIT_LIST_HEAD(&group->stale);
	INIT_LIST_HEAD(&group->dirties);
	INIT_LIST_HEAD(&group->inputs);
	return map;
}

/**
 * prov_map_get - an inode's place in the graph of mappings, made if need be
 * @obj: its object
 *
 * Context: May sleep.
 * Return: the place, valid as long as the object is, or NULL if there is no
 * memory, which is counted as a loss.
 */
struct prov_map *prov_map_get(struct prov_object *obj)
{
	struct prov_map *map = READ_ONCE(obj->map), *other;

	if (map)
		return map;
	map = make_map(obj, GFP_KERNEL_ACCOUNT);
	if (!map)
		return NULL;
	other = cmpxchg(&obj->map, NULL, map);
	if (other) {
		kfree(map->own);
		kfree(map);
		map = other;
	}
	return map;
}

/**
 * prov_map_free - the object goes, and is mapped or maps no more
 * @obj: the object
 */
void prov_map_free(struct prov_object *obj)
{
	struct prov_map *const map = obj->map;

	if (!map)
		return;
	kfree(map->spare);
	kfree(map->own);
	if (!prov_map_is_process(map))
		kfree(map);
	obj->map = NULL;
}

static bool is_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct prov_link, node)->id <
	       rb_entry(b, struct prov_link, node)->id;
}

static int compare(const void *key, const struct rb_node *node)
{
	const u64 id = *(const u64 *)key;
	const u64 other = rb_entry(node, struct prov_link, node)->id;

	return id < other ? -1 : id > other;
}

/* Under the lock of @process. */
static struct prov_link *find_link(const struct prov_map *const process,
				   const struct prov_map *const inode)
{
	struct rb_node *const node =
		rb_find(&inode->obj->id, process->links, compare);

	return node ? rb_entry(node, struct prov_link, node) : NULL;
}

static void count_pages(struct prov_link *const link, enum prov_access access,
			unsigned long pages)
{
	link->readable += pages;
	if (access == PROV_ACCESS_SHARE)
		link->writable += pages;
}

/* Can news of the process come to others by what it maps? */
static bool can_share(const struct prov_map *const process)
{
	return !list_empty(&process->out);
}

static void init_arc(struct prov_arc *const arc, struct prov_map *const src,
		     struct prov_map *const dst)
{
	arc->src = src;
	arc->dst = dst;
	INIT_LIST_HEAD(&arc->out);
	INIT_LIST_HEAD(&arc->in);
	INIT_LIST_HEAD(&arc->news);
}

static void init_link(struct prov_link *const link,
		      struct prov_map *const inode,
		      struct prov_map *const process)
{
	init_arc(&link->read, inode, process);
	link->id = inode->obj->id;
	link->write = NULL;
	link->readable = 0;
	link->writable = 0;
}

/* Make what @access needs beyond what is there already. */
static bool prepare(struct prov_link **const link,
		    struct prov_arc **const write, struct prov_map *const process,
		    struct prov_map *const inode, enum prov_access access)
{
	struct prov_link *fresh = NULL;

	*write = NULL;
	if (!*link) {
		fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
		if (!fresh)
			goto lost;
		init_link(fresh, inode, process);
	}
	if (access == PROV_ACCESS_SHARE) {
		*write = kzalloc(sizeof(**write), GFP_KERNEL_ACCOUNT);
		if (!*write)
			goto lost;
		init_arc(*write, process, inode);
	}
	if (fresh)
		*link = fresh;
	return true;
lost:
	kfree(fresh);
	prov_emit_lost();
	return false;
}

static void attach(struct prov_arc *const arc)
{
	spin_lock(&arc->src->lock);
	list_add(&arc->out, &arc->src->out);
	list_add(&arc->in, &arc->dst->in);
	spin_unlock(&arc->src->lock);
}

static void detach(struct prov_arc *const arc)
{
	spin_lock(&arc->src->lock);
	spin_lock(&arc->dst->obj->lock);
	list_del_init(&arc->news);
	spin_unlock(&arc->dst->obj->lock);
	list_del_init(&arc->out);
	list_del_init(&arc->in);
	spin_unlock(&arc->src->lock);
}

static void insert_link(struct prov_link *const link)
{
	rb_add(&link->node, link->read.dst->links, is_before);
	attach(&link->read);
}

/*
 * The source is asked for news from now on, or at once if it may have some.
 *
 * Return: true if it had none.
 */
static bool watch(struct prov_arc *const arc, bool knows,
		  struct list_head *const work)
{
	spin_lock(&arc->src->lock);
	knows = knows && !prov_map_is_stale(arc->src);
	if (knows)
		prov_arc_arm(arc);
	else
		prov_arc_announce(arc, work);
	spin_unlock(&arc->src->lock);
	return knows;
}

/*
 * Take over what the source knows when the mapping begins.  A source that has
 * become stale since it was asked is no reason not to: it is not said when the
 * destination will be told of that.
 *
 * Return: true if the destination has learnt something.
 */
static bool begin(struct prov_arc *const arc, struct list_head *const work)
{
	enum prov_result ret;

	if (!watch(arc, true, work))
		return false;
	ret = prov_arc_transfer(arc);
	if (ret == PROV_LOST)
		watch(arc, false, work);
	return ret == PROV_NEW;
}

/*
 * Neither can news come back to the inode, nor has it writers of its own.
 *
 * Return: false if the process can share what it knows by now: nothing is done.
 */
static bool add_reader(struct prov_link *const link)
{
	struct prov_map *const process = link->read.dst;
	unsigned long flags;
	LIST_HEAD(work);
	bool is_sink;

	prov_pull(link->read.src->obj);
	spin_lock_irqsave(&process->lock, flags);
	is_sink = !can_share(process);
	if (is_sink) {
		insert_link(link);
		begin(&link->read, &work);
	}
	spin_unlock_irqrestore(&process->lock, flags);
	return is_sink;
}

/* Under the graph's lock. */
static void add_arc(struct prov_arc *const arc)
{
	LIST_HEAD(work);

	if (prov_arc_is_inner(arc)) {
		/* The group knows it, or will; but it is said who maps what. */
		prov_arc_transfer(arc);
		prov_group_form(arc);
		return;
	}
	if (prov_map_is_stale(arc->src))
		prov_map_pull(arc->src);
	if (begin(arc, &work))
		prov_map_spread(arc->dst, arc->src);
	prov_map_tell(&work);
	/* What nobody writes to by a mapping is in no circle. */
	if (!list_empty(&arc->src->in))
		prov_group_form(arc);
}

static void add_sharer(struct prov_link *const link, bool is_new,
		       struct prov_arc *const write)
{
	struct prov_map *const process = link->read.dst;
	unsigned long flags;

	spin_lock_irqsave(&prov_map_graph_lock, flags);
	if (is_new) {
		spin_lock(&process->lock);
		insert_link(link);
		spin_unlock(&process->lock);
		add_arc(&link->read);
	}
	if (write) {
		link->write = write;
		attach(write);
		add_arc(write);
	}
	spin_unlock_irqrestore(&prov_map_graph_lock, flags);
}

/*
 * What most programs do over and over: map a file to read it.  Nothing is
 * allocated, and nobody else is concerned.
 */
static struct prov_link *add_spare(struct prov_map *const process,
				   struct prov_map *const inode)
{
	struct prov_link *const link = process->spare;
	LIST_HEAD(work);

	if (!link || can_share(process) || prov_map_is_stale(inode))
		return NULL;
	process->spare = NULL;
	init_link(link, inode, process);
	insert_link(link);
	begin(&link->read, &work);
	return link;
}

/*
 * Return: the link, if there is one.  If it has all that @access needs, @pages
 * are counted, and @enough is set.
 */
static struct prov_link *count_known(struct prov_map *const process,
				     struct prov_map *const inode,
				     enum prov_access access,
				     unsigned long pages, bool spare,
				     bool *const enough)
{
	struct prov_link *link;
	unsigned long flags;

	spin_lock_irqsave(&process->lock, flags);
	link = find_link(process, inode);
	if (!link && spare && access == PROV_ACCESS_READ)
		link = add_spare(process, inode);
	*enough = link && (access != PROV_ACCESS_SHARE || link->write);
	if (*enough)
		count_pages(link, access, pages);
	spin_unlock_irqrestore(&process->lock, flags);
	return link;
}

/**
 * prov_map_add - a process maps pages of an inode from now on
 * @process: the process
 * @inode: the inode
 * @access: what it may do with them
 * @pages: how many
 *
 * Context: May sleep.
 *
 * Return: false if there was no memory for it, which is counted as a loss.
 */
bool prov_map_add(struct prov_map *process, struct prov_map *inode,
		  enum prov_access access, unsigned long pages)
{
	struct prov_link *link;
	struct prov_arc *write;
	bool enough, is_new;

	if (access == PROV_ACCESS_NONE)
		return true;
	link = count_known(process, inode, access, pages, true, &enough);
	if (enough)
		return true;
	is_new = !link;
	if (!prepare(&link, &write, process, inode, access))
		return false;
	count_pages(link, access, pages);
	if (!write && !can_share(process) && add_reader(link))
		return true;
	/* What can be much is not taken over in one go. */
	if (!prov_know_the_same(inode->obj, process->obj)) {
		prov_pull(inode->obj);
		prov_pull(process->obj);
	}
	add_sharer(link, is_new, write);
	return true;
}

/**
 * prov_map_adopt - what a new inode learns flows into a process from now on
 * @process: the process, which can write to something that it maps
 * @obj: the inode's object, not yet visible to others, which knows nothing that the
 *	process does not know
 * @gfp: allocation flags
 *
 * As if the process mapped it to read, until prov_map_drop().  There can be very many
 * of them, so the link is not looked for.  If there is no memory, that is counted as
 * a loss.
 */
void prov_map_adopt(struct prov_map *process, struct prov_object *obj, gfp_t gfp)
{
	struct prov_map *const map = make_map(obj, gfp);
	struct prov_link *link;
	unsigned long flags;
	LIST_HEAD(work);

	if (!map)
		return;
	obj->map = map;
	link = kzalloc(sizeof(*link), gfp);
	if (!link) {
		prov_emit_lost();
		return;
	}
	init_link(link, map, process);
	link->readable = 1;
	spin_lock_irqsave(&prov_map_graph_lock, flags);
	spin_lock(&process->lock);
	insert_link(link);
	spin_unlock(&process->lock);
	watch(&link->read, true, &work);
	spin_unlock_irqrestore(&prov_map_graph_lock, flags);
}

/* Did the child get all that the inode has now, with what its parent knew? */
static bool inherits_news(struct prov_map *const parent, u32 version,
			  const struct prov_map *const inode)
{
	return !prov_map_is_stale(parent) &&
	       READ_ONCE(parent->obj->version) == version &&
	       find_link(parent, inode);
}

static void inherit_reader(struct prov_link *const link,
			   struct prov_map *const parent, u32 version)
{
	struct prov_map *const child = link->read.dst;
	unsigned long flags;
	LIST_HEAD(work);
	bool known;

	spin_lock_irqsave(&child->lock, flags);
	insert_link(link);
	watch(&link->read, true, &work);
	spin_unlock_irqrestore(&child->lock, flags);
	/* What comes in from now on makes the child stale. */
	spin_lock_irqsave(&parent->lock, flags);
	known = inherits_news(parent, version, link->read.src);
	spin_unlock_irqrestore(&parent->lock, flags);
	if (known)
		return;
	spin_lock_irqsave(&child->lock, flags);
	watch(&link->read, false, &work);
	spin_unlock_irqrestore(&child->lock, flags);
}

static void inherit_sharer(struct prov_link *const link, bool is_new,
			   struct prov_arc *const write,
			   struct prov_map *const parent, u32 version)
{
	struct prov_map *const child = link->read.dst;
	struct prov_map *const inode = link->read.src;
	unsigned long flags;
	bool known = false;
	LIST_HEAD(work);

	spin_lock_irqsave(&prov_map_graph_lock, flags);
	if (is_new) {
		spin_lock(&parent->lock);
		known = inherits_news(parent, version, inode);
		spin_unlock(&parent->lock);
		spin_lock(&child->lock);
		insert_link(link);
		spin_unlock(&child->lock);
	}
	if (write) {
		link->write = write;
		attach(write);
	}
	/* By another inode of its group, which knows that it can write. */
	if (prov_arc_is_inner(&link->read)) {
		prov_group_form(&link->read);
		if (write)
			prov_group_form(write);
		goto out;
	}
	if (is_new) {
		watch(&link->read, known, &work);
		prov_map_tell(&work);
	}
	if (!list_empty(&inode->in))
		prov_group_form(&link->read);
	/* It is somebody new who can write. */
	if (write)
		prov_map_spread(child, NULL);
out:
	spin_unlock_irqrestore(&prov_map_graph_lock, flags);
}

/**
 * prov_map_inherit - a process that was forked maps what its parent maps
 * @parent: the parent
 * @version: the parent's, not later than what flowed into the child
 * @child: the child, which does not run yet
 * @inode: the inode
 * @access: what it may do with them
 * @pages: how many pages of it
 *
 * Makes no record: the child knows what its parent does.
 *
 * Context: May sleep.
 */
void prov_map_inherit(struct prov_map *parent, u32 version,
		      struct prov_map *child, struct prov_map *inode,
		      enum prov_access access, unsigned long pages)
{
	struct prov_link *link;
	struct prov_arc *write;
	bool enough, is_new;

	if (access == PROV_ACCESS_NONE)
		return;
	link = count_known(child, inode, access, pages, false, &enough);
	if (enough)
		return;
	is_new = !link;
	if (!prepare(&link, &write, child, inode, access))
		return;
	count_pages(link, access, pages);
	if (!write && !can_share(child))
		inherit_reader(link, parent, version);
	else
		inherit_sharer(link, is_new, write, parent, version);
}

/* Under the graph's lock; the process has taken over what flowed until now. */
static void remove_arc(struct prov_arc *const arc)
{
	const bool is_inner = prov_arc_is_inner(arc);

	detach(arc);
	if (is_inner)
		prov_group_split(arc);
}

/* Under the lock of the process. */
static void unlink_read(struct prov_link *const link)
{
	rb_erase(&link->node, link->read.dst->links);
	detach(&link->read);
}

/* Under the graph's lock. */
static void cut_read(struct prov_link *const link)
{
	struct prov_map *const process = link->read.dst;
	const bool is_inner = prov_arc_is_inner(&link->read);

	/* It may write to nothing any more: then it maps without the graph's lock. */
	spin_lock(&process->lock);
	unlink_read(link);
	spin_unlock(&process->lock);
	if (is_inner)
		prov_group_split(&link->read);
}

/* Under the graph's lock.  Return: what is to be freed, or NULL. */
static struct prov_arc *cut_write(struct prov_link *const link)
{
	struct prov_arc *const write = link->write;

	/* By what is going to be cut, news can still come to other inodes. */
	if (prov_map_is_stale(link->read.dst))
		prov_map_pull(link->read.dst);
	if (write)
		remove_arc(write);
	link->write = NULL;
	return write;
}

static void remove_sharer(struct prov_link *const link, bool wholly)
{
	struct prov_map *const process = link->read.dst;
	struct prov_arc *write;
	unsigned long flags;

	/* Who leaves a group takes over what that knows. */
	if (READ_ONCE(process->group))
		prov_map_pull_first(process);
	spin_lock_irqsave(&prov_map_graph_lock, flags);
	write = cut_write(link);
	if (wholly)
		cut_read(link);
	spin_unlock_irqrestore(&prov_map_graph_lock, flags);
	kfree(write);
	if (wholly)
		kfree(link);
}

/* Under the lock of the process.  Return: what is to be freed, or NULL. */
static struct prov_link *take_out(struct prov_link *const link)
{
	struct prov_map *const process = link->read.dst;

	unlink_read(link);
	if (process->spare)
		return link;
	process->spare = link;
	return NULL;
}

/* Return: false if the process can share what it knows: nothing is done. */
static bool remove_reader(struct prov_link *link)
{
	struct prov_map *const process = link->read.dst;
	unsigned long flags;
	bool is_sink;

	spin_lock_irqsave(&process->lock, flags);
	is_sink = !can_share(process);
	if (is_sink)
		link = take_out(link);
	spin_unlock_irqrestore(&process->lock, flags);
	if (is_sink)
		kfree(link);
	return is_sink;
}

static void remove_link(struct prov_link *const link, bool wholly)
{
	if (!remove_reader(link))
		remove_sharer(link, wholly);
}

static void less_pages(unsigned long *const have, unsigned long pages)
{
	*have -= min(*have, pages);
}

/**
 * prov_map_remove - a process maps pages of an inode no more
 * @process: the process
 * @inode: the inode
 * @access: what it could do with them
 * @pages: how many
 *
 * What flowed until now is recorded.
 *
 * Context: May sleep.
 */
void prov_map_remove(struct prov_map *process, struct prov_map *inode,
		     enum prov_access access, unsigned long pages)
{
	struct prov_link *link;
	unsigned long flags;
	bool last = false, last_writable = false;

	if (access == PROV_ACCESS_NONE)
		return;
	spin_lock_irqsave(&process->lock, flags);
	link = find_link(process, inode);
	if (link) {
		less_pages(&link->readable, pages);
		if (access == PROV_ACCESS_SHARE)
			less_pages(&link->writable, pages);
		last = !link->readable;
		last_writable = link->write && !link->writable;
	}
	if (last && !can_share(process) && !prov_map_is_stale(process)) {
		link = take_out(link);
		spin_unlock_irqrestore(&process->lock, flags);
		kfree(link);
		return;
	}
	spin_unlock_irqrestore(&process->lock, flags);
	if (!last && !last_writable)
		return;
	prov_pull(process->obj);
	remove_link(link, last);
}

/**
 * prov_map_feed - the kernel reads the memory of a process for an inode
 * @feed: for prov_map_unfeed(); until then valid, as both others are
 * @process: the process
 * @inode: the inode, or socket
 *
 * What the process learns from now on comes into the inode.
 *
 * Context: Any but NMI.
 */
void prov_map_feed(struct prov_arc *feed, struct prov_map *process,
		   struct prov_map *inode)
{
	unsigned long flags;

	init_arc(feed, process, inode);
	spin_lock_irqsave(&prov_map_graph_lock, flags);
	attach(feed);
	add_arc(feed);
	spin_unlock_irqrestore(&prov_map_graph_lock, flags);
}

/* Under the graph's lock: what flowed until now is taken over. */
static void cut_feed(struct prov_arc *const feed)
{
	if (prov_map_is_stale(feed->dst))
		prov_map_pull(feed->dst);
	remove_arc(feed);
}

/**
 * prov_map_unfeed - the kernel reads that memory no more
 * @feed: what prov_map_feed() was called for
 *
 * Context: Any but NMI.
 */
void prov_map_unfeed(struct prov_arc *feed)
{
	unsigned long flags;

	/* What can be much is not taken over in one go. */
	prov_pull(feed->dst->obj);
	spin_lock_irqsave(&prov_map_graph_lock, flags);
	if (prov_map_is_fed(feed))
		cut_feed(feed);
	spin_unlock_irqrestore(&prov_map_graph_lock, flags);
}

/* Return: false if there was none. */
static bool release_feed(struct prov_map *const process)
{
	struct prov_arc *feed;
	unsigned long flags;

	spin_lock_irqsave(&prov_map_graph_lock, flags);
	feed = list_first_entry_or_null(&process->out, struct prov_arc, out);
	/* The socket, and with it the feed, can go when the lock is given up. */
	if (feed && (!prov_map_is_stale(feed->dst) ||
		     prov_map_pull_some(feed->dst)))
		remove_arc(feed);
	spin_unlock_irqrestore(&prov_map_graph_lock, flags);
	return feed;
}

/* Under the graph's lock. */
static struct prov_link *first_adopter(struct prov_map *const inode)
{
	struct prov_link *link;

	spin_lock(&inode->lock);
	link = list_first_entry_or_null(&inode->out, struct prov_link, read.out);
	spin_unlock(&inode->lock);
	return link;
}

/*
 * Under the graph's lock.  Of all that the process has not taken over, only what goes
 * matters.  That concerns nobody else who was not told when the process was.
 */
static void take_over_last(struct prov_link *const link)
{
	struct prov_map *const inode = link->read.src;
	struct prov_map *const process = link->read.dst;

	if (inode->group || (prov_map_is_stale(inode) && !prov_map_pull(inode))) {
		prov_map_pull(process);
		return;
	}
	/* It is not armed if it is pending, and nobody else maps the inode. */
	if (!list_empty(&inode->armed))
		return;
	spin_lock(&process->lock);
	prov_arc_take_over(&link->read);
	spin_unlock(&process->lock);
}

static bool drop_one(struct prov_map *const inode)
{
	struct prov_link *link;
	unsigned long flags;
	bool found;

	spin_lock_irqsave(&prov_map_graph_lock, flags);
	link = first_adopter(inode);
	found = link;
	if (found) {
		take_over_last(link);
		cut_read(link);
	}
	spin_unlock_irqrestore(&prov_map_graph_lock, flags);
	kfree(link);
	return found;
}

/**
 * prov_map_drop - an inode goes that prov_map_adopt() was called for
 * @obj: its object, which nobody maps any more
 *
 * What it knows flows on.
 *
 * Context: Any but NMI; at the same time, who adopted it may be released.
 */
void prov_map_drop(struct prov_object *obj)
{
	while (obj->map && drop_one(obj->map))
		;
}

/* Of a process that nobody else adds links to or removes them from; or locked. */
static struct prov_link *first_link(const struct prov_map *const process)
{
	struct rb_node *const node = rb_first(process->links);

	return node ? rb_entry(node, struct prov_link, node) : NULL;
}

/**
 * prov_map_release - the memory of a process is no more
 * @process: the process
 * @dies: nothing of what it knew is needed any more
 *
 * Context: May sleep.
 */
void prov_map_release(struct prov_map *process, bool dies)
{
	struct prov_link *link;

	/* Before the first one goes: all of them are there until then. */
	if (!dies || can_share(process))
		prov_pull(process->obj);
	for (link = first_link(process); link; link = first_link(process)) {
		remove_link(link, true);
		/* A program can have as many as it wants. */
		cond_resched();
	}
	/* The memory is nobody's any more: nobody's news come into it. */
	while (can_share(process) && release_feed(process))
		cond_resched();
}

static bool release_one(struct prov_map *const process)
{
	struct prov_arc *write = NULL;
	struct prov_link *link;
	unsigned long flags;
	bool found;

	spin_lock_irqsave(&prov_map_graph_lock, flags);
	spin_lock(&process->lock);
	link = first_link(process);
	spin_unlock(&process->lock);
	found = link;
	if (found) {
		/* Else nothing of what it knew is needed any more. */
		if (can_share(process))
			write = cut_write(link);
		cut_read(link);
	}
	spin_unlock_irqrestore(&prov_map_graph_lock, flags);
	kfree(write);
	kfree(link);
	return found;
}

/**
 * prov_map_release_mapper - a BPF program or loop device is no more
 * @mapper: what prov_map_init_process() was called for, too
 *
 * Context: Any but NMI; at the same time, inodes that it adopted may be dropped.
 */
void prov_map_release_mapper(struct prov_map *mapper)
{
	if (can_share(mapper))
		prov_map_pull_first(mapper);
	while (release_one(mapper))
		;
}
