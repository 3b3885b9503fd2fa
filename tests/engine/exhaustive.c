// SPDX-License-Identifier: GPL-2.0
/*
 * All schedules of a few flows between two processes and two files: every order
 * of their starts and ends, and every way in which some of them go wrong.
 *
 * Nothing happens at the start of a receive, so it is taken for a point in time.
 * Which process and which file come first makes no difference.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

enum { PROCESSES = 2, FILES = 2 };

static struct schedule schedule;
static int flows = 5, faults = 1;
static u64 schedules;

static void add_step(int flow, bool end)
{
	schedule.step[schedule.steps++] = (struct step){ .flow = flow, .end = end };
}

static void check(void)
{
	schedules++;
	if (!check_fails(&schedule))
		return;
	printf("# %" PRIu64 " schedules held before\n", schedules - 1);
	check_report(&schedule);
	printf("not ok 1 - all schedules of %d flows\n1..1\n", flows);
	exit(1);
}

static void choose_faults(int flow, int left)
{
	struct flow *const f = &schedule.flow[flow];
	u8 lose;

	if (flow == flows) {
		check();
		return;
	}
	choose_faults(flow + 1, left);
	if (!left)
		return;
	for (lose = PART_FIRST; lose <= (PART_FIRST | PART_LAST); lose++) {
		if (f->kind == FLOW_RECEIVE && lose != PART_LAST)
			continue;
		f->lose = lose;
		choose_faults(flow + 1, left - 1);
	}
	f->lose = 0;
	/* A receive that fails is none. */
	if (f->kind == FLOW_RECEIVE)
		return;
	f->ok = false;
	choose_faults(flow + 1, left - 1);
	f->ok = true;
}

static void choose_step(int started, unsigned int open);

static void start_flow(int flow, int process, int file, unsigned int open)
{
	struct flow *const f = &schedule.flow[flow];
	const int steps = schedule.steps;

	f->file = file;
	f->kind = FLOW_RECEIVE;
	f->src = PROCESSES + file;
	f->dst = process;
	add_step(flow, false);
	add_step(flow, true);
	choose_step(flow + 1, open);
	schedule.steps = steps;

	f->kind = FLOW_SEND;
	f->src = process;
	f->dst = PROCESSES + file;
	add_step(flow, false);
	choose_step(flow + 1, open | 1 << flow);
	schedule.steps = steps;
}

static void choose_step(int started, unsigned int open)
{
	const int steps = schedule.steps;
	int flow, process, file;

	if (started == flows && !open) {
		choose_faults(0, faults);
		return;
	}
	for (flow = 0; flow < started; flow++) {
		if (!(open >> flow & 1))
			continue;
		add_step(flow, true);
		choose_step(started, open & ~(1 << flow));
		schedule.steps = steps;
	}
	if (started == flows)
		return;
	for (process = 0; process < (started ? PROCESSES : 1); process++)
		for (file = 0; file < (started ? FILES : 1); file++)
			start_flow(started, process, file, open);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "flows", required_argument, NULL, 'f' },
		{ "faults", required_argument, NULL, 'l' },
		{ "no-cache", no_argument, NULL, 'c' },
		{ "no-memory", no_argument, NULL, 'm' },
		{ }
	};
	bool cached = true, memory = true;
	int option, i;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'f':
			flows = atoi(optarg);
			break;
		case 'l':
			faults = atoi(optarg);
			break;
		case 'c':
			cached = false;
			break;
		case 'm':
			memory = false;
			break;
		default:
			flows = 0;
			break;
		}
	}
	if (flows < 1 || flows > 8 || faults < 0) {
		fprintf(stderr,
			"usage: exhaustive [--flows 1..8] [--faults N] [--no-cache] [--no-memory]\n");
		return 2;
	}
	schedule.objects = PROCESSES + FILES;
	schedule.processes = PROCESSES;
	schedule.files = FILES;
	schedule.flows = flows;
	for (i = 0; i < schedule.objects + flows; i++)
		schedule.id[i] = i + 1;
	for (i = 0; i < flows; i++)
		schedule.flow[i] = (struct flow){ .ok = true, .cached = cached, .memory = memory };
	choose_step(0, 0);
	check_summary();
	printf("ok 1 - all %" PRIu64 " schedules of %d flows, up to %d of them faulty\n1..1\n",
	       schedules, flows, faults);
	return 0;
}
