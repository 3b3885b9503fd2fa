/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A schedule: which flows there are between which objects, and in which order
 * they start and end.  All else that happens follows from it.
 */
#ifndef _SCHEDULE_H
#define _SCHEDULE_H

#include "engine_port.h"

enum {
	MAX_OBJECTS	= 24,
	MAX_FLOWS	= 110,
	MAX_STEPS	= 2 * MAX_FLOWS,
	/* A flow makes two versions at most, or one fresh object. */
	MAX_NODES	= 256,
};

/**
 * enum flow_kind - the ways in which the kernel uses the engine
 * @FLOW_RECEIVE: a process takes from an inode, through an open file
 * @FLOW_SEND: a process gives to an inode, through an open file
 * @FLOW_SOURCE: an object that nobody saw before flows into any object
 * @FLOW_DELIVER: socket to socket, then to the process that receives
 * @FLOW_MOVE: any object to any object, over when it is known (fork, splice)
 * @FLOW_PUSH: any object to any object, visible while it lasts; no open file
 */
enum flow_kind {
	FLOW_RECEIVE,
	FLOW_SEND,
	FLOW_SOURCE,
	FLOW_DELIVER,
	FLOW_MOVE,
	FLOW_PUSH,
	FLOW_KINDS,
};

/*
 * The records that one flow can write: a sender's at its start and when it
 * looks again; a delivery's to the socket and to the process; others have only
 * the last.
 */
#define PART_FIRST	1
#define PART_LAST	2

/**
 * struct flow - one flow
 * @kind: enum flow_kind
 * @ok: data moved; if not, the call failed, would block or moved nothing
 * @lose: PART_*, the records that are lost if they are written
 * @src: source, an index of objects
 * @via: FLOW_DELIVER: the socket between
 * @dst: destination, an index of objects
 * @file: open file: of @src (receive), @dst (send), @via (deliver)
 * @cached: the flow goes through the cache of the open file
 * @memory: the flow is remembered in a process, if one of its ends is one
 */
struct flow {
	u8 kind;
	bool ok;
	u8 lose;
	u8 src, via, dst;
	u8 file;
	bool cached;
	bool memory;
};

struct step {
	u8 flow;
	bool end;
};

/**
 * struct schedule - all that happens in one run
 * @seed: what it was made from
 * @objects: number of objects there are from the start
 * @processes: the first of these are processes, the others can be opened
 * @files: number of open files; file f belongs to object schedule_file()
 * @flows: number of flows; the object that a source flow brings is number
 *	@objects + its index
 * @steps: number of steps; a flow without a step does not happen
 * @id: ids of the objects
 */
struct schedule {
	u64 seed;
	int objects, processes, files, flows, steps;
	u64 id[MAX_OBJECTS + MAX_FLOWS];
	struct flow flow[MAX_FLOWS];
	struct step step[MAX_STEPS];
};

static inline int schedule_file(const struct schedule *s, int file)
{
	return s->processes + file % (s->objects - s->processes);
}

/**
 * schedule_make - a random schedule
 * @s: filled in
 * @seed: the same seed makes the same schedule
 * @objects: 6 to MAX_OBJECTS
 * @flows: 1 to MAX_FLOWS
 * @colliding: ids that share one set of a process's memory
 * @ncolliding: how many these are, at least @objects
 */
void schedule_make(struct schedule *s, u64 seed, int objects, int flows,
		   const u64 *colliding, int ncolliding);

/**
 * schedule_shrink - leave out of a failing schedule what it does not need
 * @s: the schedule; replaced by a smaller one that also fails
 * @fails: tells whether a schedule fails
 */
void schedule_shrink(struct schedule *s, bool (*fails)(const struct schedule *));

/**
 * schedule_name - what an object is called in messages
 * @s: the schedule
 * @obj: index of the object
 *
 * Return: a string that lasts for the next seven calls
 */
const char *schedule_name(const struct schedule *s, int obj);

/**
 * schedule_describe - a step in words
 * @s: the schedule
 * @step: index of the step
 *
 * Return: a string that lasts until the next call
 */
const char *schedule_describe(const struct schedule *s, int step);

#endif /* _SCHEDULE_H */
