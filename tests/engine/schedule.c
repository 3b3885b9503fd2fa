// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "schedule.h"

/* splitmix64; the constants are those of its authors. */
static u64 next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static u32 below(u64 *state, u32 n)
{
	return ((next(state) >> 32) * n) >> 32;
}

static bool chance(u64 *state, u32 percent)
{
	return below(state, 100) < percent;
}

static void make_ids(struct schedule *s, u64 *rnd, const u64 *colliding,
		     int ncolliding)
{
	const int all = s->objects + s->flows;
	const u32 mode = below(rnd, 4);
	int i;

	for (i = 0; i < all; i++)
		s->id[i] = i + 1;
	if (mode == 1) {
		/* All in one set, as long as there are such ids. */
		for (i = 0; i < all; i++)
			s->id[i] = i < ncolliding ? colliding[i] :
						    colliding[ncolliding - 1] + i;
	} else if (mode == 2) {
		/* Ids that are equal in the 32 bits that a cache has room for. */
		for (i = 0; i < all; i++)
			s->id[i] = 1 + i / 2 + ((u64)(i & 1) << 32);
	}
	/* The order of ids is the order of locks: any. */
	for (i = all - 1; i > 0; i--) {
		const int j = below(rnd, i + 1);
		const u64 id = s->id[i];

		s->id[i] = s->id[j];
		s->id[j] = id;
	}
}

static int any_process(const struct schedule *s, u64 *rnd)
{
	return below(rnd, s->processes);
}

static void make_flow(struct schedule *s, int index, u64 *rnd,
		      const u32 weight[FLOW_KINDS], u32 fail, u32 lose)
{
	struct flow *const f = &s->flow[index];
	u32 total = 0, pick;
	int i;

	for (i = 0; i < FLOW_KINDS; i++)
		total += weight[i];
	pick = below(rnd, total);
	for (i = 0; pick >= weight[i]; i++)
		pick -= weight[i];
	f->kind = i;
	f->ok = !chance(rnd, fail);
	f->lose = (chance(rnd, lose) ? PART_FIRST : 0) |
		  (chance(rnd, lose) ? PART_LAST : 0);
	f->file = below(rnd, s->files);
	f->cached = !chance(rnd, 15);
	f->memory = !chance(rnd, 15);
	f->via = 0;
	switch (f->kind) {
	case FLOW_RECEIVE:
		f->src = schedule_file(s, f->file);
		f->dst = any_process(s, rnd);
		break;
	case FLOW_SEND:
		f->src = any_process(s, rnd);
		f->dst = schedule_file(s, f->file);
		break;
	case FLOW_SOURCE:
		f->src = s->objects + index;
		f->dst = below(rnd, s->objects);
		break;
	case FLOW_DELIVER:
		f->via = schedule_file(s, f->file);
		f->src = s->processes + below(rnd, s->objects - s->processes);
		f->dst = any_process(s, rnd);
		break;
	default:
		f->src = below(rnd, s->objects);
		f->dst = below(rnd, s->objects);
		break;
	}
}

static void make_steps(struct schedule *s, u64 *rnd, int together)
{
	u8 open[MAX_FLOWS];
	int started = 0, nopen = 0;

	s->steps = 0;
	while (started < s->flows || nopen) {
		struct step *const step = &s->step[s->steps++];
		int i;

		if (started < s->flows &&
		    (!nopen || (nopen < together && chance(rnd, 60)))) {
			*step = (struct step){ .flow = started };
			open[nopen++] = started++;
			continue;
		}
		i = below(rnd, nopen);
		*step = (struct step){ .flow = open[i], .end = true };
		open[i] = open[--nopen];
	}
}

void schedule_make(struct schedule *const s, u64 seed, int objects, int flows,
		   const u64 *colliding, int ncolliding)
{
	static const u32 lose_percent[] = { 0, 0, 5, 25 };
	static const u32 fail_percent[] = { 0, 10, 30 };
	u64 rnd = seed;
	u32 weight[FLOW_KINDS], fail, lose;
	int i;

	s->seed = seed;
	s->objects = objects;
	s->processes = 2 + below(&rnd, objects - 4);
	s->files = (objects - s->processes) * (1 + below(&rnd, 2));
	s->flows = flows;
	for (i = 0; i < FLOW_KINDS; i++)
		weight[i] = 1 + below(&rnd, i <= FLOW_SEND ? 30 : 10);
	fail = fail_percent[below(&rnd, 3)];
	lose = lose_percent[below(&rnd, 4)];
	make_ids(s, &rnd, colliding, ncolliding);
	for (i = 0; i < flows; i++)
		make_flow(s, i, &rnd, weight, fail, lose);
	make_steps(s, &rnd, 1 + below(&rnd, 8));
}

static void drop_flow(struct schedule *const s, int flow)
{
	int i, kept = 0;

	for (i = 0; i < s->steps; i++)
		if (s->step[i].flow != flow)
			s->step[kept++] = s->step[i];
	s->steps = kept;
}

/* Let a flow end right after it started. */
static void close_flow(struct schedule *const s, int flow)
{
	struct step *start = NULL, *end = NULL;
	int i;

	for (i = 0; i < s->steps; i++) {
		if (s->step[i].flow != flow)
			continue;
		if (s->step[i].end)
			end = &s->step[i];
		else
			start = &s->step[i];
	}
	if (!start || !end)
		return;
	memmove(start + 2, start + 1, (char *)end - (char *)(start + 1));
	start[1] = (struct step){ .flow = flow, .end = true };
}

static bool try(struct schedule *const s, const struct schedule *const smaller,
		bool (*fails)(const struct schedule *))
{
	if (!memcmp(s, smaller, sizeof(*s)) || !fails(smaller))
		return false;
	*s = *smaller;
	return true;
}

void schedule_shrink(struct schedule *const s, bool (*fails)(const struct schedule *))
{
	static struct schedule smaller;
	bool again = true;
	int i;

	while (again) {
		again = false;
		for (i = 0; i < s->flows; i++) {
			smaller = *s;
			drop_flow(&smaller, i);
			again |= try(s, &smaller, fails);
			smaller = *s;
			close_flow(&smaller, i);
			again |= try(s, &smaller, fails);
			smaller = *s;
			smaller.flow[i].lose = 0;
			again |= try(s, &smaller, fails);
			smaller = *s;
			smaller.flow[i].cached = false;
			again |= try(s, &smaller, fails);
			smaller = *s;
			smaller.flow[i].memory = false;
			again |= try(s, &smaller, fails);
		}
	}
}

const char *schedule_name(const struct schedule *const s, int obj)
{
	static char name[8][16];
	static unsigned int turn;
	char *const buf = name[turn++ % 8];

	if (obj < s->processes)
		snprintf(buf, sizeof(name[0]), "P%d", obj);
	else if (obj < s->objects)
		snprintf(buf, sizeof(name[0]), "I%d", obj - s->processes);
	else
		snprintf(buf, sizeof(name[0]), "new%d", obj - s->objects);
	return buf;
}

const char *schedule_describe(const struct schedule *const s, int step)
{
	static const char *const verb[FLOW_KINDS] = {
		[FLOW_RECEIVE] = "receive",
		[FLOW_SEND] = "send",
		[FLOW_SOURCE] = "source",
		[FLOW_DELIVER] = "deliver",
		[FLOW_MOVE] = "move",
		[FLOW_PUSH] = "push",
	};
	static char buf[160];
	const struct flow *const f = &s->flow[s->step[step].flow];
	char file[32] = "", via[32] = "";

	if (f->cached && (f->kind == FLOW_RECEIVE || f->kind == FLOW_SEND ||
			  f->kind == FLOW_DELIVER))
		snprintf(file, sizeof(file), " by file %d", f->file);
	if (f->kind == FLOW_DELIVER)
		snprintf(via, sizeof(via), " -> %s", schedule_name(s, f->via));
	snprintf(buf, sizeof(buf), "%s flow %d: %s %s%s -> %s%s%s%s",
		 s->step[step].end ? "end  " : "start", s->step[step].flow,
		 verb[f->kind], schedule_name(s, f->src), via,
		 schedule_name(s, f->dst), file, f->memory ? "" : ", no memory",
		 f->ok ? "" : ", fails");
	return buf;
}
