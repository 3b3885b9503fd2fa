// SPDX-License-Identifier: GPL-2.0
/* provctl: control the recording of provenance */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/provenance.h>

#include "provctl.h"

static const struct command {
	const char *name;
	int (*run)(const struct provctl *ctl, int argc, char **argv);
	const char *synopsis;
	const char *help;
} commands[] = {
	{ "status", provctl_status, "status",
	  "show what the kernel and the recorder do, and what is missing" },
	{ "flush", provctl_flush, "flush",
	  "have the kernel hand out all records that it has" },
	{ "rotate", provctl_rotate, "rotate",
	  "seal the log's open segment and begin a new one" },
	{ "opaque", provctl_opaque, "opaque set|clear PID, opaque mark|unmark FILE",
	  "exempt a process from recording, or who executes a file" },
	{ "set", provctl_set, "set NAME=VALUE...",
	  "change settings of the kernel: environ=on|off, meta=on|off" },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void print_help(void)
{
	puts("Usage: provctl [OPTION]... COMMAND [ARGUMENT]...\n"
	     "Control the recording of provenance.\n\nCommands:");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %s\n      %s\n", commands[i].synopsis, commands[i].help);
	puts("\nOptions:\n"
	     "  -j, --json         print JSON (status)\n"
	     "  -d, --log DIR      the recorder's log (/var/log/provenance)\n"
	     "      --runtime DIR  where the recorder keeps its status\n"
	     "                     (/run/provmon-recorder)\n"
	     "  -h, --help         print this and end\n"
	     "  -V, --version      print the version and end\n\n"
	     "Exit status: 0 done, 1 failed, 2 wrong usage, 3 the kernel does not record,\n"
	     "4 no recorder runs, 5 no privilege, 6 records were lost or cannot be written.");
}

void provctl_complain(const char *format, ...)
{
	va_list args;

	fputs("provctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

int provctl_usage(const char *synopsis)
{
	fprintf(stderr, "Usage: provctl %s\nTry 'provctl --help'.\n", synopsis);
	return PROVCTL_USAGE;
}

int provctl_kernel(struct prov_kernel **kernel)
{
	char missing[512];
	const int err = prov_kernel_open(kernel);

	if (!err)
		return PROVCTL_OK;
	if (err == -ENOENT) {
		prov_kernel_missing(missing, sizeof(missing));
		provctl_complain("the kernel does not record: %s", missing);
	} else {
		provctl_complain("cannot talk to the kernel: %s", strerror(-err));
	}
	return PROVCTL_NO_KERNEL;
}

int provctl_error(const char *what, int err, const char *capability)
{
	if (err == -EPERM) {
		provctl_complain("cannot %s: it needs %s; run it as root", what, capability);
		return PROVCTL_NO_PRIVILEGE;
	}
	provctl_complain("cannot %s: %s", what, strerror(-err));
	return PROVCTL_FAILED;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json",    no_argument,	NULL, 'j' },
		{ "log",     required_argument, NULL, 'd' },
		{ "runtime", required_argument, NULL, 'r' },
		{ "help",    no_argument,	NULL, 'h' },
		{ "version", no_argument,	NULL, 'V' },
		{ }
	};
	struct provctl ctl = {
		.log_dir = "/var/log/provenance",
		.runtime_dir = "/run/provmon-recorder",
	};
	int option;

	while ((option = getopt_long(argc, argv, "jd:hV", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			ctl.json = true;
			break;
		case 'd':
			ctl.log_dir = optarg;
			break;
		case 'r':
			ctl.runtime_dir = optarg;
			break;
		case 'h':
			print_help();
			return PROVCTL_OK;
		case 'V':
			printf("provctl %s, record format %d\n", PROV_VERSION,
			       PROV_FORMAT_VERSION);
			return PROVCTL_OK;
		default:
			fputs("Try 'provctl --help'.\n", stderr);
			return PROVCTL_USAGE;
		}
	}
	if (optind == argc) {
		provctl_complain("a command is missing");
		fputs("Try 'provctl --help'.\n", stderr);
		return PROVCTL_USAGE;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[optind], commands[i].name))
			return commands[i].run(&ctl, argc - optind - 1, argv + optind + 1);
	provctl_complain("there is no command '%s'", argv[optind]);
	fputs("Try 'provctl --help'.\n", stderr);
	return PROVCTL_USAGE;
}
