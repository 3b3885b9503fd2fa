/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The oracle: what every object knows, from the events alone.
 *
 * It has no versions, no memory of repeats and no graph.  It is told when an
 * atom of knowledge appears, and plays the flows of a schedule in time order.
 */
#ifndef _ORACLE_H
#define _ORACLE_H

#include "schedule.h"

#define ORACLE_WORDS (MAX_NODES / 64)

/**
 * struct outcome - what became of the records of one flow
 * @lost: PART_*, the records that were lost
 * @recorded: PART_*, the records that were written
 */
struct outcome {
	u8 lost;
	u8 recorded;
};

/**
 * oracle_reset - forget all
 * @objects: how many objects there will be, 0 to MAX_OBJECTS + MAX_FLOWS
 */
void oracle_reset(int objects);

/**
 * oracle_atom - something new appears in an object
 * @obj: index of the object
 * @atom: 0 to MAX_NODES - 1
 */
void oracle_atom(int obj, int atom);

/**
 * oracle_step - play one step
 * @s: the schedule
 * @outcome: of each of its flows, at the end of the whole run
 * @step: index of the step
 */
void oracle_step(const struct schedule *s, const struct outcome *outcome, int step);

/**
 * oracle_knows - what an object knows now
 * @obj: index of the object
 *
 * Return: ORACLE_WORDS words, a bit for each atom
 */
const u64 *oracle_knows(int obj);

#endif /* _ORACLE_H */
