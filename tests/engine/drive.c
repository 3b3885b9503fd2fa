// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "drive.h"
#include "engine.h"

/* The graph needs something in these fields; the engine does not read them. */
#define KIND 1
#define OP(kind) (0x40 + (kind))

/**
 * struct pending - what a flow keeps between its start and its end
 * @begun: prov_send_begin() was called
 * @send: what it filled in
 * @start: step in which the flow started
 */
struct pending {
	bool begun;
	struct prov_send send;
	short start;
};

static struct {
	const struct schedule *schedule;
	struct run *run;
	int step;
	int flow;
	u8 part;		/* which record the engine would write next */
	bool lost;		/* one was lost in this call */
	struct prov_object object[MAX_OBJECTS + MAX_FLOWS];
	u32 version[MAX_OBJECTS + MAX_FLOWS];
	struct prov_memory memory[MAX_OBJECTS];
	u64 in[MAX_OBJECTS * 2], out[MAX_OBJECTS * 2];
	u64 delivered[MAX_OBJECTS];
	struct pending pending[MAX_FLOWS];
} now;

static void fail(const char *what)
{
	if (now.run->error)
		return;
	now.run->error = what;
	now.run->error_step = now.step;
}

static struct event *new_event(u8 type)
{
	struct event *event;

	if (now.run->events == MAX_EVENTS) {
		fail("more records and versions than the flows can have");
		now.run->events--;
	}
	event = &now.run->event[now.run->events++];
	event->type = type;
	event->step = now.step;
	return event;
}

bool prov_emit_edge(u8 op, const struct prov_object *src, u32 src_version,
		    const struct prov_object *dst, u32 dst_version)
{
	const struct flow *flow;
	struct outcome *outcome;
	struct pending *pending;
	struct event *event;
	u8 part = now.part;

	if (!now.schedule)
		return true;	/* colliding_ids() */
	flow = &now.schedule->flow[now.flow];
	outcome = &now.run->outcome[now.flow];
	pending = &now.pending[now.flow];
	if (!src->lock.held || !dst->lock.held)
		fail("a record is written without both locks");
	if (op != OP(flow->kind))
		fail("a record has the wrong operation");
	now.part = PART_LAST;
	event = new_event(flow->lose & part ? EVENT_LOST : EVENT_EDGE);
	event->src = src - now.object;
	event->dst = dst - now.object;
	event->src_version = src_version;
	event->dst_version = dst_version;
	event->captured = now.step;
	if (pending->begun && part == PART_FIRST)
		event->captured = pending->start;
	if (flow->lose & part) {
		outcome->lost |= part;
		now.lost = true;
		return false;
	}
	outcome->recorded |= part;
	return true;
}

void prov_emit_lost(void)
{
	if (now.schedule)
		fail("a record is counted as lost that was not tried");
}

/* After each call of the engine: which versions are there now? */
static void look(int obj)
{
	const u32 version = now.object[obj].version;
	struct event *event;

	if (version == now.version[obj])
		return;
	if (version != now.version[obj] + 1)
		fail("a version is not the successor of the one before");
	now.version[obj] = version;
	event = new_event(EVENT_BUMP);
	event->dst = obj;
	event->dst_version = version;
}

static bool is_twice_in(const struct prov_memory *memory)
{
	int set, i, j;

	for (set = 0; set < PROV_MEMORY_SETS; set++) {
		const struct prov_memory_way *const way = memory->set[set].way;

		for (i = 1; i < PROV_MEMORY_WAYS && way[i].key; i++)
			for (j = 0; j < i; j++)
				if (way[i].key == way[j].key)
					return true;
	}
	return false;
}

static void after_call(const struct prov_channel *chan, bool recorded)
{
	const int src = chan->src - now.object;

	if (now.object[src].version != now.version[src] && chan->src != chan->dst)
		fail("a source got a new version");
	look(chan->dst - now.object);
	if (recorded == now.lost)
		fail("the result of the call does not say whether a record was lost");
	if (chan->memory && is_twice_in(chan->memory))
		fail("a flow is in the memory twice");
	if (port_locks_held())
		fail("a lock is still taken after the call");
	if (port_error())
		fail(port_error());
}

static bool call_flow(const struct prov_channel *chan, u8 part)
{
	bool ret;

	now.part = part;
	now.lost = false;
	ret = prov_flow(chan);
	after_call(chan, ret);
	return ret;
}

static void call_begin(const struct prov_channel *chan, struct pending *pending)
{
	now.lost = false;
	prov_send_begin(chan, &pending->send);
	pending->begun = true;
	after_call(chan, true);
}

static void call_end(const struct prov_channel *chan, const struct pending *pending)
{
	bool ret;

	now.part = pending->send.fresh ? PART_FIRST : PART_LAST;
	now.lost = false;
	ret = prov_send_end(chan, &pending->send);
	after_call(chan, ret);
}

static struct prov_channel channel(const struct flow *f, int src, int dst)
{
	struct prov_channel chan = {
		.src = &now.object[src],
		.dst = &now.object[dst],
		.op = OP(f->kind),
	};

	if (!f->memory)
		return chan;
	if (src < now.schedule->processes) {
		chan.memory = &now.memory[src];
		chan.direction = PROV_OUT;
	} else if (dst < now.schedule->processes) {
		chan.memory = &now.memory[dst];
		chan.direction = PROV_IN;
	}
	return chan;
}

static void use_cache(struct prov_channel *chan, u64 *word,
		      const struct prov_object *process)
{
	chan->cache = word;
	chan->cache_id = prov_cache_id(process->id);
}

static bool hit(const struct prov_channel *chan)
{
	return chan->cache &&
	       prov_cache_hit(chan->cache, chan->cache_id, READ_ONCE(chan->src->hot));
}

static void receive(const struct flow *f, int src)
{
	struct prov_channel chan = channel(f, src, f->dst);

	if (f->cached)
		use_cache(&chan, &now.in[f->file], chan.dst);
	if (!hit(&chan))
		call_flow(&chan, PART_LAST);
}

/* The receiving socket remembers its peer as an open file does a process. */
static void deliver(const struct flow *f)
{
	struct prov_channel chan = channel(f, f->src, f->via);

	if (f->cached)
		use_cache(&chan, &now.delivered[f->via], chan.src);
	if (!hit(&chan))
		call_flow(&chan, PART_FIRST);
	receive(f, f->via);
}

static void send_start(const struct flow *f, struct pending *pending)
{
	struct prov_channel chan = channel(f, f->src, f->dst);

	if (f->kind == FLOW_SEND && f->cached)
		use_cache(&chan, &now.out[f->file], chan.src);
	if (!hit(&chan))
		call_begin(&chan, pending);
}

static void send_done(const struct flow *f, const struct pending *pending)
{
	struct prov_channel chan = channel(f, f->src, f->dst);

	if (f->kind == FLOW_SEND && f->cached)
		use_cache(&chan, &now.out[f->file], chan.src);
	if (pending->begun)
		call_end(&chan, pending);
	else if (!hit(&chan))
		call_flow(&chan, PART_LAST);
}

static void start(const struct flow *f, struct pending *pending)
{
	pending->begun = false;
	pending->start = now.step;
	if (f->kind == FLOW_SEND || f->kind == FLOW_PUSH)
		send_start(f, pending);
}

static void end(const struct flow *f, const struct pending *pending)
{
	struct prov_channel chan;

	if (!f->ok)
		return;
	switch (f->kind) {
	case FLOW_RECEIVE:
		receive(f, f->src);
		break;
	case FLOW_SEND:
	case FLOW_PUSH:
		send_done(f, pending);
		break;
	case FLOW_DELIVER:
		deliver(f);
		break;
	default:
		chan = channel(f, f->src, f->dst);
		call_flow(&chan, PART_LAST);
		break;
	}
}

static void prepare(const struct schedule *s, struct run *run)
{
	const int all = s->objects + s->flows;
	int i;

	port_reset();
	now.schedule = s;
	now.run = run;
	run->error = NULL;
	run->events = 0;
	memset(run->outcome, 0, s->flows * sizeof(run->outcome[0]));
	for (i = 0; i < all; i++)
		prov_object_init(&now.object[i], s->id[i], KIND);
	memset(now.version, 0, all * sizeof(now.version[0]));
	memset(now.memory, 0, s->processes * sizeof(now.memory[0]));
	memset(now.in, 0, sizeof(now.in));
	memset(now.out, 0, sizeof(now.out));
	memset(now.delivered, 0, sizeof(now.delivered));
}

void drive(const struct schedule *s, struct run *run)
{
	prepare(s, run);
	for (now.step = 0; now.step < s->steps && !run->error; now.step++) {
		now.flow = s->step[now.step].flow;
		if (s->step[now.step].end)
			end(&s->flow[now.flow], &now.pending[now.flow]);
		else
			start(&s->flow[now.flow], &now.pending[now.flow]);
	}
}
