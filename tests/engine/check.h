/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs a schedule, and compares the graph that the engine recorded with the
 * oracle after each step.
 */
#ifndef _CHECK_H
#define _CHECK_H

#include "schedule.h"

/**
 * check_fails - does the engine do something wrong in a schedule?
 * @s: the schedule
 */
bool check_fails(const struct schedule *s);

/**
 * check_print - print the schedule of the last check_fails() step by step
 * @s: the schedule
 */
void check_print(const struct schedule *s);

/**
 * check_report - shrink a schedule that fails, and print it
 * @s: the schedule of the last check_fails(); replaced by the smallest one
 */
void check_report(struct schedule *s);

/**
 * check_summary - print how many records all schedules so far made
 */
void check_summary(void);

#endif /* _CHECK_H */
