/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs a schedule on the engine, in the way the kernel's hooks use it, and
 * keeps what the engine did.
 */
#ifndef _DRIVE_H
#define _DRIVE_H

#include "oracle.h"
#include "schedule.h"

enum {
	/* At most two records, and as many new versions, for a flow. */
	MAX_EVENTS = 4 * MAX_FLOWS + 8,
};

enum event_type {
	EVENT_BUMP,	/* dst is at dst_version now */
	EVENT_EDGE,	/* a record was written */
	EVENT_LOST,	/* a record was lost */
};

/**
 * struct event - something that the engine did
 * @type: enum event_type
 * @step: the step in which it did it
 * @captured: EVENT_EDGE: the step in which the versions were determined
 * @src: source, an index of objects
 * @dst: destination, an index of objects
 * @src_version: version of @src
 * @dst_version: version of @dst
 */
struct event {
	u8 type;
	short step, captured;
	short src, dst;
	u32 src_version, dst_version;
};

/**
 * struct run - all that the engine did in one schedule
 * @error: NULL, or what is wrong whatever the graph looks like
 * @error_step: the step in which that was
 * @events: number of events
 * @event: the events in the order in which they were
 * @outcome: of each flow
 */
struct run {
	const char *error;
	int error_step;
	int events;
	struct event event[MAX_EVENTS];
	struct outcome outcome[MAX_FLOWS];
};

/**
 * drive - run a schedule
 * @s: the schedule
 * @run: filled in
 */
void drive(const struct schedule *s, struct run *run);

#endif /* _DRIVE_H */
