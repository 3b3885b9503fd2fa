/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _COLLIDING_H
#define _COLLIDING_H

#include "engine.h"

/**
 * colliding_ids - find ids that push each other out of a process's memory
 * @first: the first of them
 * @id: filled in with distinct ids, ascending
 * @n: how many
 *
 * They are found by watching what the engine forgets, so that this holds for
 * any way in which the memory is organised, as long as it is by the id and what
 * was taken in last stays longest.  Writes records.
 *
 * Return: how many were found among the ids that follow @first; at least 1
 */
int colliding_ids(u64 first, u64 *id, int n);

#endif /* _COLLIDING_H */
