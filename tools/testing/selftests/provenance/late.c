// SPDX-License-Identifier: GPL-2.0
/* A recorder that comes late, to buffers that are full.  Loses records on purpose. */
#include <fcntl.h>
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

CASE(hotplug, "transport", "a CPU that goes and comes back, ten times, with records on it", "",
     "nothing lost, and what it had not finished is there")

#define CPU1_ONLINE	"/sys/devices/system/cpu/cpu1/online"

static void switch_cpu(const char *value)
{
	const int fd = open(CPU1_ONLINE, O_WRONLY | O_CLOEXEC);

	EXPECT(fd >= 0 && write(fd, value, 1) == 1, "%s: %s", value, strerror(errno));
	close(fd);
}

/* Directories from both CPUs: a task that is bound to one that goes is moved. */
static void make_on_cpu1(struct scene *scene)
{
	cpu_set_t second;

	CPU_ZERO(&second);
	CPU_SET(1, &second);
	MUST(!sched_setaffinity(0, sizeof(second), &second));
	for (int i = 0; i < 50; i++)
		MUST(!mkdir(in(scene, "d"), 0700) && !rmdir(in(scene, "d")));
}

#define HOTPLUG_ROUNDS	10

ACT(hotplug)
{
	const long before = lost();

	if (access(CPU1_ONLINE, W_OK)) {
		flow_skip("cpu1 cannot be switched off");
		return;
	}
	for (int i = 0; i < HOTPLUG_ROUNDS; i++) {
		run(scene, i % 2, make_on_cpu1);
		switch_cpu("0");
		pause_ms(50);
		switch_cpu("1");
	}
	EXPECT(lost() == before, "%ld records lost", lost() - before);
}

CHECK(hotplug)
{
	/* The roles' last processes. */
	EXPECT_EDGES(process(scene, graph, 0, 0), ANY, "mkdir", "meta", 50);
	EXPECT_EDGES(process(scene, graph, 1, 0), ANY, "mkdir", "meta", 50);
	EXPECT_EDGES(process(scene, graph, 1, 0), ANY, "rmdir", "meta", 50);
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

/* Until the recorder has made room: asking makes records itself, on either CPU. */
static void wait_for_room(void)
{
	const char *const rotate[] = { "provctl", "rotate", NULL };
	char *output;
	long before;

	run_tool(&output, rotate);
	free(output);
	do {
		before = lost();
		pause_ms(500);
	} while (lost() != before);
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
	wait_for_room();
	run(scene, 1, copy_file);
}

CHECK(full)
{
	EXPECT(graph_lost(graph) > 0);
	/* It made more than is there, and what is missing is counted. */
	EXPECT_NODE(process(scene, graph, 0, 0));
	EXPECT(graph_count(graph, process(scene, graph, 0, 0), ANY, "mkdir", NULL) < DIRECTORIES);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}
