// SPDX-License-Identifier: GPL-2.0
/* A recorder that comes late, to buffers that are full.  Loses records on purpose. */
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow.h"

/* Each makes some 400 bytes of records; a CPU's buffers have 4 MiB. */
#define DIRECTORIES	14000

/* Longer than it takes to finish all sub-buffers by time alone. */
#define IDLE_MS		15000

static void service(const char *verb)
{
	const char *const argv[] = { "systemctl", verb, "provmon-recorder", NULL };
	char *output;
	const int status = run_tool(&output, argv);

	EXPECT(status == 0, "systemctl %s ended with %d", verb, status);
	free(output);
}

static void copy_file(struct scene *scene)
{
	take_file(in(scene, "from"));
	put_file(in(scene, "to"), "x");
}

CASE(idle, "transport", "a recorder that comes after a quiet while", "",
     "nothing lost: an idle machine does not fill its buffers")

static void write_now_and_then(struct scene *scene)
{
	for (int i = 0; i < IDLE_MS / 250; i++) {
		MUST(!mkdir(in(scene, "d"), 0700) && !rmdir(in(scene, "d")));
		pause_ms(250);
	}
}

static long lost(void)
{
	const char *const argv[] = { "provctl", "status", "--json", NULL };
	json_t *answer;
	char *output;
	long count;

	run_tool(&output, argv);
	answer = json_loads(output ? output : "", 0, NULL);
	count = json_integer_value(json_object_get(json_object_get(answer, "kernel"), "lost"));
	json_decref(answer);
	free(output);
	return count;
}

ACT(idle)
{
	const long before = lost();
	long after;

	service("stop");
	run(scene, 0, write_now_and_then);
	service("start");
	after = lost();
	EXPECT(after == before, "%ld records lost", after - before);
}

CHECK(idle)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), ANY, "mkdir", "meta", IDLE_MS / 250);
}

CASE(full, "transport", "a recorder that comes when the buffers are full", "",
     "it starts, the loss is counted, and recording goes on")

static void fill_buffers(struct scene *scene)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	MUST(!sched_setaffinity(0, sizeof(first), &first));
	for (int i = 0; i < DIRECTORIES; i++)
		MUST(!mkdir(in(scene, "d"), 0700) && !rmdir(in(scene, "d")));
}

ACT(full)
{
	long before, after;

	put_file(in(scene, "from"), "f");
	service("stop");
	before = lost();
	run(scene, 0, fill_buffers);
	after = lost();
	EXPECT(after > before, "the buffers did not get full");
	service("start");
	run(scene, 1, copy_file);
}

CHECK(full)
{
	EXPECT(graph_lost(graph) > 0);
	/* It made more than is there, and what is missing is counted. */
	EXPECT(graph_count(graph, process(scene, graph, 0, 0), ANY, "mkdir", NULL) < DIRECTORIES);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}
