// SPDX-License-Identifier: GPL-2.0
/* Requests that change something in the kernel: flush, opaque, set */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provctl.h"

int provctl_flush(const struct provctl *ctl, int argc, char **argv)
{
	struct prov_kernel *kernel;
	int status, err;

	(void)ctl;
	(void)argv;
	if (argc)
		return provctl_usage("flush");
	status = provctl_kernel(&kernel);
	if (status)
		return status;
	err = prov_kernel_flush(kernel);
	prov_kernel_close(kernel);
	return err ? provctl_error("flush", err, "CAP_AUDIT_READ") : PROVCTL_OK;
}

static int opaque_process(const char *text, bool on)
{
	struct prov_kernel *kernel;
	int status, err;
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (end == text || *end || errno || pid <= 0 || pid > INT32_MAX) {
		provctl_complain("'%s' is no process id", text);
		return PROVCTL_USAGE;
	}
	status = provctl_kernel(&kernel);
	if (status)
		return status;
	err = prov_kernel_opaque_process(kernel, pid, on);
	prov_kernel_close(kernel);
	return err ? provctl_error(on ? "make the process opaque" : "record the process again",
				   err, "CAP_AUDIT_CONTROL") : PROVCTL_OK;
}

static int opaque_file(const char *path, bool on)
{
	struct prov_kernel *kernel;
	int status, fd, err;

	status = provctl_kernel(&kernel);
	if (status)
		return status;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		provctl_complain("cannot open %s: %s", path, strerror(errno));
		prov_kernel_close(kernel);
		return PROVCTL_FAILED;
	}
	err = prov_kernel_opaque_file(kernel, fd, on);
	close(fd);
	prov_kernel_close(kernel);
	return err ? provctl_error(on ? "mark the file" : "unmark the file", err,
				   "CAP_AUDIT_CONTROL") : PROVCTL_OK;
}

int provctl_opaque(const struct provctl *ctl, int argc, char **argv)
{
	static const struct {
		const char *verb;
		int (*run)(const char *object, bool on);
		bool on;
	} verbs[] = {
		{ "set", opaque_process, true },
		{ "clear", opaque_process, false },
		{ "mark", opaque_file, true },
		{ "unmark", opaque_file, false },
	};

	(void)ctl;
	for (size_t i = 0; argc == 2 && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(argv[0], verbs[i].verb))
			return verbs[i].run(argv[1], verbs[i].on);
	return provctl_usage("opaque set|clear PID, opaque mark|unmark FILE");
}

/* What "NAME=VALUE" can name. */
static const struct setting {
	const char *name;
	int (*apply)(struct prov_kernel *kernel, bool on);
} settings[] = {
	{ "environ", prov_kernel_set_environ },
	{ "meta", prov_kernel_set_meta },
};

static int parse_switch(const char *text)
{
	if (!strcmp(text, "on") || !strcmp(text, "1") || !strcmp(text, "yes"))
		return 1;
	if (!strcmp(text, "off") || !strcmp(text, "0") || !strcmp(text, "no"))
		return 0;
	return -1;
}

/* Find the setting and the value that @text asks for; NULL after a message. */
static const struct setting *parse_setting(const char *text, bool *on)
{
	const size_t name_bytes = strcspn(text, "=");

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		int value;

		if (strlen(settings[i].name) != name_bytes ||
		    strncmp(settings[i].name, text, name_bytes) || !text[name_bytes])
			continue;
		value = parse_switch(text + name_bytes + 1);
		if (value < 0) {
			provctl_complain("'%s' is not on or off", text + name_bytes + 1);
			return NULL;
		}
		*on = value;
		return &settings[i];
	}
	provctl_complain("there is no setting like '%s'", text);
	return NULL;
}

int provctl_set(const struct provctl *ctl, int argc, char **argv)
{
	struct prov_kernel *kernel;
	int status, err = 0;
	bool on;

	(void)ctl;
	if (!argc)
		return provctl_usage("set NAME=VALUE...");
	/* All are looked at before one is changed. */
	for (int i = 0; i < argc; i++)
		if (!parse_setting(argv[i], &on))
			return PROVCTL_USAGE;
	status = provctl_kernel(&kernel);
	if (status)
		return status;
	for (int i = 0; !err && i < argc; i++)
		err = parse_setting(argv[i], &on)->apply(kernel, on);
	prov_kernel_close(kernel);
	return err ? provctl_error("change the setting", err, "CAP_AUDIT_CONTROL") : PROVCTL_OK;
}
