/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads that are switched by the test: at each lock, and at each access without a
 * lock.  A run makes decisions; the next one makes the last of them otherwise, so
 * that all runs with so many switches that no thread asked for come in turn.
 */
#ifndef _SWITCH_H
#define _SWITCH_H

#include "engine.h"

enum {
	MAX_THREADS	= 3,
};

/**
 * switch_run - one run of all threads
 * @threads: how many
 * @preemptions: how many switches there may be that no thread asks for
 * @body: what a thread does; its argument is the number of the thread
 */
void switch_run(int threads, int preemptions, void (*body)(int thread));

/**
 * switch_first - the next run is the first one of all
 */
void switch_first(void);

/**
 * switch_next - the next run is another one
 *
 * Return: false if there is none that was not there already
 */
bool switch_next(void);

/**
 * switch_fail - something is wrong in this run; only the first thing counts
 */
void switch_fail(const char *what);

/**
 * switch_error - what is wrong in this run, or NULL
 */
const char *switch_error(void);

/**
 * switch_print - print the decisions of this run
 */
void switch_print(void);

#endif /* _SWITCH_H */
