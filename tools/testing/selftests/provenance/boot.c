// SPDX-License-Identifier: GPL-2.0
/* What a boot to multi-user leaves: the record begins with init, and is whole */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flow.h"

CASE(init, "boot", "the first program", "bprm_committed_creds",
     "process 1 from its first exec on")

/* Nothing to do: it is long done. */
ACT(init)
{
}

CHECK(init)
{
	struct graph *const all = graph_load(0);
	const int first = all ? graph_image(all, 1, 0) : NO_NODE;
	const int binary = all ? graph_path(all, "/usr/lib/systemd/systemd") : NO_NODE;

	if (!EXPECT(all))
		return;
	EXPECT_NODE(first);
	EXPECT(strstr(graph_string(all, first, "exe"), "systemd"), "exe %s",
	       graph_string(all, first, "exe"));
	EXPECT(json_array_size(json_object_get(graph_node(all, first), "argv")) >= 1);
	EXPECT_NODE(binary);
	EXPECT(graph_count(all, binary, first, "exec", "data") == 1);
	/* It goes on with its libraries and with whom it starts. */
	EXPECT(graph_count(all, ANY, first, NULL, "data") > 20, "%d data edges",
	       graph_count(all, ANY, first, NULL, "data"));
	EXPECT(graph_count(all, first, ANY, "fork", "data") + graph_count(all, first, ANY, "exec",
									   "data") > 3);
	EXPECT(graph_lost(all) == 0, "%ld records lost", graph_lost(all));
	graph_free(all);
}

CASE(lost, "boot", "a boot to multi-user", "", "no record lost")

ACT(lost)
{
	const char *const status[] = { "provctl", "status", "--json", NULL };
	const json_t *kernel, *recorder, *cpu;
	json_t *answer;
	char *output;
	size_t i;
	const int found = run_tool(&output, status);

	EXPECT(found == 0, "provctl status ended with %d:\n%s", found, output);
	answer = json_loads(output ? output : "", 0, NULL);
	free(output);
	kernel = json_object_get(answer, "kernel");
	recorder = json_object_get(answer, "recorder");
	EXPECT(json_is_true(json_object_get(kernel, "records")));
	EXPECT(json_is_true(json_object_get(recorder, "runs")));
	EXPECT(json_integer_value(json_object_get(kernel, "lost")) == 0);
	json_array_foreach(json_object_get(kernel, "cpus"), i, cpu) {
		const long high = json_integer_value(json_object_get(cpu, "high_water"));
		const long all = json_integer_value(json_object_get(kernel, "subbufs"));

		/* How near it came, for who tunes it. */
		printf("# cpu %zu: at most %ld of %ld sub-buffers waited\n", i, high, all);
	}
	json_decref(answer);
}

CHECK(lost)
{
	EXPECT(graph_lost(graph) == 0, "%ld records lost", graph_lost(graph));
}

CASE(taint, "boot", "the kernel after the boot", "", "not tainted")

ACT(taint)
{
	FILE *const file = fopen("/proc/sys/kernel/tainted", "re");
	long taint = -1;

	EXPECT(file && fscanf(file, "%ld", &taint) == 1 && taint == 0, "%ld", taint);
	if (file)
		fclose(file);
}

CHECK(taint)
{
}

CASE(hooks_file, "layer", "the list of hooks", "",
     "a line for each, with verdict, context, subject and users")

ACT(hooks_file)
{
	FILE *const file = fopen("/sys/kernel/security/provenance/hooks", "re");
	char name[64], owner[8], verdict[16], refuse[16], context[16], subject[16], users[64];
	int lsm = 0, own = 0, used = 0;

	if (!EXPECT(file))
		return;
	while (fscanf(file, "%63s %7s %15s %15s %15s %15s %63s", name, owner, verdict, refuse,
		      context, subject, users) == 7) {
		lsm += !strcmp(owner, "lsm");
		own += !strcmp(owner, "own");
		used += !!strstr(users, "provmon");
		if (!strcmp(name, "file_permission"))
			EXPECT(!strcmp(verdict, "permit") && !strcmp(refuse, "may-refuse") &&
			       strstr(users, "provmon"), "%s %s %s", verdict, refuse, users);
	}
	EXPECT(feof(file), "a line of another form behind %s", name);
	fclose(file);
	printf("# %d LSM hooks and %d of the layer's own, %d used by provmon\n", lsm, own, used);
	EXPECT(lsm >= 200 && own >= 17 && used >= 30);
}

CHECK(hooks_file)
{
}

CASE(anyone_reads_lists, "layer", "the lists of modules and hooks, read by a user", "", "readable")

static void read_lists(struct scene *scene)
{
	(void)scene;
	MUST(!setresgid(65534, 65534, 65534) && !setresuid(65534, 65534, 65534));
	take_file("/sys/kernel/security/provenance/modules");
	take_file("/sys/kernel/security/provenance/hooks");
}

ACT(anyone_reads_lists)
{
	run(scene, 0, read_lists);
}

CHECK(anyone_reads_lists)
{
}

CASE(wall_clock, "boot", "a record after the wall clock was set", "",
     "the time that the clock showed, in the middle of a sub-buffer, too")

#define AHEAD_SECONDS	(400L * 24 * 3600)

static void turn_clock(long seconds)
{
	struct timespec now;

	MUST(!clock_gettime(CLOCK_REALTIME, &now));
	now.tv_sec += seconds;
	MUST(!clock_settime(CLOCK_REALTIME, &now));
}

static void write_ahead(struct scene *scene)
{
	put_file(in(scene, "before"), "x");
	turn_clock(AHEAD_SECONDS);
	put_file(in(scene, "ahead"), "x");
	turn_clock(-AHEAD_SECONDS);
	put_file(in(scene, "after"), "x");
}

static time_t wall_clock_began;

ACT(wall_clock)
{
	wall_clock_began = time(NULL);
	run(scene, 0, write_ahead);
}

/* When the file was written, as a date and a time. */
static void time_of_write(const struct scene *scene, const char *name, char date[11])
{
	const char *const history[] = { "provq", "-d", LOG_DIR, "history", in(scene, name),
					"--json", NULL };
	char *output, *edge;

	date[0] = '\0';
	if (!EXPECT(!run_tool(&output, history)))
		return;
	edge = strstr(output, "{\"edge\":\"write\"");
	edge = edge ? strstr(edge, "\"time\":\"") : NULL;
	if (edge)
		snprintf(date, 11, "%s", edge + strlen("\"time\":\""));
	free(output);
}

CHECK(wall_clock)
{
	const time_t now = wall_clock_began, ahead = now + AHEAD_SECONDS;
	char before[11], at[11], after[11], wanted[11];

	strftime(wanted, sizeof(wanted), "%Y-%m-%d", gmtime(&ahead));
	time_of_write(scene, "before", before);
	time_of_write(scene, "ahead", at);
	time_of_write(scene, "after", after);
	EXPECT(!strcmp(at, wanted), "%s and not %s", at, wanted);
	strftime(wanted, sizeof(wanted), "%Y-%m-%d", gmtime(&now));
	EXPECT(!strcmp(before, wanted), "%s and not %s", before, wanted);
	EXPECT(!strcmp(after, wanted), "%s and not %s", after, wanted);
}
