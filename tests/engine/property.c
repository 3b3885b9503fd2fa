// SPDX-License-Identifier: GPL-2.0
/*
 * The property test of the version engine: random schedules, and after each
 * step the ancestors in the recorded graph against what the oracle says.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "colliding.h"
#include "drive.h"
#include "schedule.h"

static u64 number(const char *text, u64 min, u64 max)
{
	char *end;
	u64 value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || value < min || value > max) {
		fprintf(stderr, "property: %s is not a number from %" PRIu64 " to %" PRIu64 "\n",
			text, min, max);
		exit(2);
	}
	return value;
}

static void usage(FILE *out)
{
	fprintf(out,
		"usage: property [OPTION]…\n"
		"  --seed N       seed of the first schedule (default: from the clock)\n"
		"  --schedules N  how many schedules (1000000)\n"
		"  --objects N    objects in each, 6 to %d (8)\n"
		"  --flows N      flows in each, 1 to %d (44)\n"
		"  --verbose      print the schedule also if nothing is wrong\n",
		MAX_OBJECTS, MAX_FLOWS);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "schedules", required_argument, NULL, 'n' },
		{ "objects", required_argument, NULL, 'o' },
		{ "flows", required_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	static struct schedule schedule;
	u64 seed = (u64)time(NULL) << 20 ^ getpid(), schedules = 1000000, i;
	int objects = 8, flows = 44, option, ncolliding;
	bool verbose = false;
	u64 colliding[MAX_OBJECTS];

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			seed = number(optarg, 0, UINT64_MAX);
			break;
		case 'n':
			schedules = number(optarg, 1, UINT64_MAX);
			break;
		case 'o':
			objects = number(optarg, 6, MAX_OBJECTS);
			break;
		case 'f':
			flows = number(optarg, 1, MAX_FLOWS);
			break;
		case 'v':
			verbose = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	printf("# seed %" PRIu64 ", %" PRIu64 " schedules of %d objects and %d flows\n",
	       seed, schedules, objects, flows);
	ncolliding = colliding_ids(1, colliding, MAX_OBJECTS);
	for (i = 0; i < schedules; i++) {
		schedule_make(&schedule, seed + i, objects, flows, colliding, ncolliding);
		if (check_fails(&schedule)) {
			printf("# %" PRIu64 " schedules held before\n", i);
			check_report(&schedule);
			printf("# again with: property --seed %" PRIu64
			       " --schedules 1 --objects %d --flows %d\n",
			       seed + i, objects, flows);
			printf("not ok 1 - same reachability, no cycle\n1..1\n");
			return 1;
		}
		if (verbose)
			check_print(&schedule);
	}
	check_summary();
	printf("ok 1 - same reachability and no cycle in %" PRIu64 " schedules\n1..1\n", schedules);
	return 0;
}
