// SPDX-License-Identifier: GPL-2.0
/* provctl status: what records, what is lost, and what is missing */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "provctl.h"

/* A line of the recorder's status file: see its status.h. */
struct line {
	struct line *next;
	char *name;
	char *value;
};

/* What was found out; @advice is what to do about what is missing, or "". */
struct found {
	bool kernel;			/* provmon is there */
	bool kernel_status;		/* and it answered */
	struct prov_kernel_status status;
	char kernel_advice[512];

	int recorder_pid;		/* 0: none, negative: cannot be told */
	struct line *recorder;		/* its status file, or NULL */
	char recorder_advice[512];
};

static const char *hex_id(const uint8_t *id, char *text)
{
	char *at = text;

	for (int i = 0; i < 16; i++)
		at += sprintf(at, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			      id[i]);
	return text;
}

static void ask_kernel(struct found *found)
{
	struct prov_kernel *kernel;
	int err;

	err = prov_kernel_open(&kernel);
	if (err) {
		if (err == -ENOENT)
			prov_kernel_missing(found->kernel_advice, sizeof(found->kernel_advice));
		else
			snprintf(found->kernel_advice, sizeof(found->kernel_advice),
				 "cannot talk to the kernel: %s", strerror(-err));
		return;
	}
	found->kernel = true;
	err = prov_kernel_status(kernel, &found->status);
	prov_kernel_close(kernel);
	found->kernel_status = !err;
	if (err == -EPERM)
		snprintf(found->kernel_advice, sizeof(found->kernel_advice),
			 "its counters need CAP_AUDIT_READ; run this as root");
	else if (err)
		snprintf(found->kernel_advice, sizeof(found->kernel_advice),
			 "it did not answer: %s", strerror(-err));
}

static void free_lines(struct line *line)
{
	while (line) {
		struct line *const next = line->next;

		free(line->name);
		free(line);
		line = next;
	}
}

/* The lines of a file, in their order; NULL if there is none. */
static struct line *read_lines(const char *path)
{
	FILE *const file = fopen(path, "re");
	struct line *first = NULL, **tail = &first;
	char *text = NULL;
	size_t room = 0;

	if (!file)
		return NULL;
	while (getline(&text, &room, file) > 0) {
		struct line *const line = calloc(1, sizeof(*line));
		char *const space = strchr(text, ' ');

		if (!line || !space) {
			free(line);
			continue;
		}
		text[strcspn(text, "\n")] = '\0';
		*space = '\0';
		/* One string holds both. */
		line->name = text;
		line->value = space + 1;
		*tail = line;
		tail = &line->next;
		text = NULL;
		room = 0;
	}
	free(text);
	fclose(file);
	return first;
}

static const char *recorder_text(const struct found *found, const char *name)
{
	for (const struct line *line = found->recorder; line; line = line->next)
		if (!strcmp(line->name, name))
			return line->value;
	return "";
}

static uint64_t recorder_number(const struct found *found, const char *name)
{
	return strtoull(recorder_text(found, name), NULL, 10);
}

/* A number in a line "channel", like "gaps=3". */
static uint64_t channel_number(const struct line *channel, const char *name)
{
	const size_t bytes = strlen(name);

	for (const char *at = channel->value; at; at = strchr(at, ' ')) {
		at += *at == ' ';
		if (!strncmp(at, name, bytes) && at[bytes] == '=')
			return strtoull(at + bytes + 1, NULL, 10);
	}
	return 0;
}

static void ask_recorder(const struct provctl *ctl, struct found *found)
{
	char path[PATH_MAX];

	found->recorder_pid = provctl_recorder_pid(ctl);
	snprintf(path, sizeof(path), "%s/status", ctl->runtime_dir);
	found->recorder = read_lines(path);
	if (found->recorder_pid == -EACCES && found->recorder) {
		/* Who may not see the lock can still see that the process is there. */
		const int pid = recorder_number(found, "pid");

		if (!strcmp(recorder_text(found, "state"), "running") && pid > 0 &&
		    (!kill(pid, 0) || errno == EPERM))
			found->recorder_pid = pid;
	}
	if (found->recorder_pid < 0)
		snprintf(found->recorder_advice, sizeof(found->recorder_advice),
			 "cannot tell whether a recorder runs on %s: %s; run this as root",
			 ctl->log_dir, strerror(-found->recorder_pid));
	else if (!found->recorder_pid)
		snprintf(found->recorder_advice, sizeof(found->recorder_advice), "%s",
			 found->kernel ?
			 "start it with 'systemctl start provmon-recorder'; "
			 "'journalctl -u provmon-recorder' says why it ended" :
			 "it can only run when the kernel records");
}

static uint64_t kernel_lost(const struct found *found)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < found->status.cpu_count; i++)
		lost += found->status.cpus[i].lost;
	return lost;
}

/* Sub-buffers that are missing, by any fault. */
static uint64_t missing_subbufs(const struct found *found)
{
	uint64_t missing = recorder_number(found, "missing_subbufs");

	for (const struct line *line = found->recorder; line; line = line->next)
		if (!strcmp(line->name, "channel"))
			missing += channel_number(line, "gaps") +
				   channel_number(line, "malformed");
	return missing;
}

static int exit_status(const struct found *found)
{
	if (!found->kernel)
		return PROVCTL_NO_KERNEL;
	if (!found->recorder_pid)
		return PROVCTL_NO_RECORDER;
	if (!found->kernel_status || found->recorder_pid < 0)
		return PROVCTL_NO_PRIVILEGE;
	if (kernel_lost(found) || missing_subbufs(found) || *recorder_text(found, "trouble"))
		return PROVCTL_LOST;
	return PROVCTL_OK;
}

/* ---- text -------------------------------------------------------------- */

static void print_kernel(const struct found *found)
{
	const struct prov_kernel_status *const status = &found->status;
	char boot_id[40];

	printf("kernel     %s\n", found->kernel ? "records" : "does not record");
	if (found->kernel_advice[0])
		printf("           %s\n", found->kernel_advice);
	if (!found->kernel_status)
		return;
	printf("modules    %s\n", status->modules[0] ? status->modules : "-");
	printf("format     %" PRIu32 "\n", status->format);
	printf("boot       %s\n", hex_id(status->boot_id, boot_id));
	printf("buffers    %zu CPUs, %" PRIu32 " sub-buffers of %" PRIu32 " bytes each\n",
	       status->cpu_count, status->subbufs, status->subbuf_bytes);
	printf("settings   environ=%s meta=%s suppress=%s\n", status->environ ? "on" : "off",
	       status->meta ? "on" : "off", status->suppress ? "on" : "off");
	printf("lost       %" PRIu64 " records\n", kernel_lost(found));
}

static void print_cpus(const struct found *found)
{
	printf("\n%5s %14s %16s %12s %10s %10s %8s %8s\n", "cpu", "records", "bytes", "lost",
	       "finished", "read", "waiting", "most");
	for (size_t i = 0; i < found->status.cpu_count; i++) {
		const struct prov_kernel_cpu *const cpu = &found->status.cpus[i];

		printf("%5" PRIu32 " %14" PRIu64 " %16" PRIu64 " %12" PRIu64 " %10" PRIu64
		       " %10" PRIu64 " %8" PRIu64 " %8" PRIu32 "\n", cpu->id, cpu->records,
		       cpu->bytes, cpu->lost, cpu->produced, cpu->consumed,
		       cpu->produced - cpu->consumed, cpu->high_water);
	}
}

static void print_recorder(const struct found *found)
{
	if (found->recorder_pid > 0)
		printf("recorder   runs, process %d\n", found->recorder_pid);
	else
		printf("recorder   %s\n", found->recorder_pid ? "unknown" : "does not run");
	if (found->recorder_advice[0])
		printf("           %s\n", found->recorder_advice);
	if (!found->recorder)
		return;
	if (*recorder_text(found, "trouble"))
		printf("trouble    %s\n", recorder_text(found, "trouble"));
	if (recorder_number(found, "unread_segments"))
		printf("unread     %" PRIu64 " segments of this boot: what only they describe is not "
		       "described in later ones\n", recorder_number(found, "unread_segments"));
	printf("log        %s, %" PRIu64 " segments, %" PRIu64 " bytes\n",
	       recorder_text(found, "log"), recorder_number(found, "segments"),
	       recorder_number(found, "log_bytes"));
	printf("segment    %" PRIu64 ", %" PRIu64 " bytes; %" PRIu64 " bytes wait in memory\n",
	       recorder_number(found, "segment"), recorder_number(found, "segment_bytes"),
	       recorder_number(found, "spool_bytes"));
	printf("recorded   %" PRIu64 " records, %" PRIu64 " edges, %" PRIu64
	       " lost in the kernel, %" PRIu64 " sub-buffers missing\n",
	       recorder_number(found, "records"), recorder_number(found, "edges"),
	       recorder_number(found, "lost"), missing_subbufs(found));
	printf("removed    %" PRIu64 " segments\n", recorder_number(found, "removed"));
	printf("carried    %" PRIu64 " nodes in %" PRIu64 " bytes, %" PRIu64
	       " forgotten, %" PRIu64 " old names and peers dropped\n",
	       recorder_number(found, "carried_nodes"), recorder_number(found, "carried_bytes"),
	       recorder_number(found, "forgotten_nodes"),
	       recorder_number(found, "dropped_descriptions"));
}

/* ---- JSON -------------------------------------------------------------- */

static void print_cpus_json(struct json *json, const struct found *found)
{
	json_name(json, "cpus");
	json_begin(json, '[');
	for (size_t i = 0; i < found->status.cpu_count; i++) {
		const struct prov_kernel_cpu *const cpu = &found->status.cpus[i];

		json_begin(json, '{');
		json_u64(json, "cpu", cpu->id);
		json_u64(json, "records", cpu->records);
		json_u64(json, "bytes", cpu->bytes);
		json_u64(json, "lost", cpu->lost);
		json_u64(json, "produced", cpu->produced);
		json_u64(json, "consumed", cpu->consumed);
		json_u64(json, "high_water", cpu->high_water);
		json_end(json, '}');
	}
	json_end(json, ']');
}

static void print_kernel_json(struct json *json, const struct found *found)
{
	const struct prov_kernel_status *const status = &found->status;
	char boot_id[40];

	json_name(json, "kernel");
	json_begin(json, '{');
	json_bool(json, "records", found->kernel);
	if (found->kernel_advice[0])
		json_string(json, "advice", found->kernel_advice);
	if (found->kernel_status) {
		json_string(json, "modules", status->modules);
		json_u64(json, "format", status->format);
		json_string(json, "boot_id", hex_id(status->boot_id, boot_id));
		json_u64(json, "subbuf_bytes", status->subbuf_bytes);
		json_u64(json, "subbufs", status->subbufs);
		json_bool(json, "environ", status->environ);
		json_bool(json, "meta", status->meta);
		json_bool(json, "opaque", status->opaque);
		json_bool(json, "suppress", status->suppress);
		json_u64(json, "lost", kernel_lost(found));
		print_cpus_json(json, found);
	}
	json_end(json, '}');
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

static void print_recorder_json(struct json *json, const struct found *found)
{
	static const char *const counters[] = {
		"cpu", "subbufs", "bytes", "lost", "gaps", "malformed", "open"
	};

	json_name(json, "recorder");
	json_begin(json, '{');
	json_bool(json, "runs", found->recorder_pid > 0);
	if (found->recorder_advice[0])
		json_string(json, "advice", found->recorder_advice);
	for (const struct line *line = found->recorder; line; line = line->next) {
		if (!strcmp(line->name, "channel"))
			continue;
		if (is_number(line->value))
			json_u64(json, line->name, strtoull(line->value, NULL, 10));
		else
			json_text(json, line->name, line->value, strlen(line->value));
	}
	json_name(json, "channels");
	json_begin(json, '[');
	for (const struct line *line = found->recorder; line; line = line->next) {
		if (strcmp(line->name, "channel"))
			continue;
		json_begin(json, '{');
		for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
			json_u64(json, counters[i], channel_number(line, counters[i]));
		json_end(json, '}');
	}
	json_end(json, ']');
	json_end(json, '}');
}

static void print_json(const struct found *found, int exit)
{
	struct json json = { .out = stdout };

	json_begin(&json, '{');
	print_kernel_json(&json, found);
	print_recorder_json(&json, found);
	json_u64(&json, "exit", exit);
	json_end(&json, '}');
	putchar('\n');
}

int provctl_status(const struct provctl *ctl, int argc, char **argv)
{
	struct found found = { 0 };
	int exit;

	(void)argv;
	if (argc)
		return provctl_usage("status [--json]");
	ask_kernel(&found);
	ask_recorder(ctl, &found);
	exit = exit_status(&found);
	if (ctl->json) {
		print_json(&found, exit);
	} else {
		print_kernel(&found);
		print_recorder(&found);
		if (found.kernel_status)
			print_cpus(&found);
	}
	free_lines(found.recorder);
	prov_kernel_status_free(&found.status);
	return exit;
}
