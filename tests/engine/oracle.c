// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "oracle.h"

static u64 knows[MAX_OBJECTS + MAX_FLOWS][ORACLE_WORDS];

void oracle_reset(int objects)
{
	memset(knows, 0, objects * sizeof(knows[0]));
}

void oracle_atom(int obj, int atom)
{
	knows[obj][atom / 64] |= 1ULL << (atom % 64);
}

const u64 *oracle_knows(int obj)
{
	return knows[obj];
}

static void learn(int who, int from)
{
	int i;

	for (i = 0; i < ORACLE_WORDS; i++)
		knows[who][i] |= knows[from][i];
}

/*
 * A sender gives what it knows at its start, since its data can be seen from
 * then on, and what it knows at its end.  If the record of the start is lost,
 * the end is only known from a record of its own.
 */
static void send(const struct flow *f, const struct outcome *o, bool end)
{
	if (!end) {
		if (!(o->lost & PART_FIRST))
			learn(f->dst, f->src);
		return;
	}
	if (o->lost & PART_LAST)
		return;
	if ((o->lost & PART_FIRST) && !(o->recorded & PART_LAST))
		return;
	learn(f->dst, f->src);
}

void oracle_step(const struct schedule *s, const struct outcome *outcome, int step)
{
	const int index = s->step[step].flow;
	const struct flow *const f = &s->flow[index];
	const struct outcome *const o = &outcome[index];
	const bool end = s->step[step].end;

	if (!f->ok)
		return;
	switch (f->kind) {
	case FLOW_SEND:
	case FLOW_PUSH:
		send(f, o, end);
		break;
	case FLOW_DELIVER:
		if (!end)
			break;
		if (!(o->lost & PART_FIRST))
			learn(f->via, f->src);
		if (!(o->lost & PART_LAST))
			learn(f->dst, f->via);
		break;
	default:
		if (end && !(o->lost & PART_LAST))
			learn(f->dst, f->src);
		break;
	}
}
