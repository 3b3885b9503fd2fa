/* SPDX-License-Identifier: GPL-2.0 */
/* provctl: what its commands share */
#ifndef PROVCTL_H
#define PROVCTL_H

#include <stdbool.h>

#include "kernel.h"

/*
 * Exit statuses, the same for all commands.  Documented in provctl(8).
 */
enum {
	PROVCTL_OK = 0,
	PROVCTL_FAILED = 1,		/* asked, and it could not be done */
	PROVCTL_USAGE = 2,
	PROVCTL_NO_KERNEL = 3,		/* the kernel does not record */
	PROVCTL_NO_RECORDER = 4,	/* no recorder runs */
	PROVCTL_NO_PRIVILEGE = 5,
	PROVCTL_LOST = 6,		/* status: records were lost, or cannot be written */
};

/**
 * struct provctl - options that all commands have
 * @json: print JSON
 * @log_dir: the recorder's log directory
 * @runtime_dir: where its status file is
 */
struct provctl {
	bool json;
	const char *log_dir;
	const char *runtime_dir;
};

/* The commands: arguments without the command's name; return an exit status. */
int provctl_status(const struct provctl *ctl, int argc, char **argv);
int provctl_flush(const struct provctl *ctl, int argc, char **argv);
int provctl_rotate(const struct provctl *ctl, int argc, char **argv);
int provctl_opaque(const struct provctl *ctl, int argc, char **argv);
int provctl_set(const struct provctl *ctl, int argc, char **argv);

/**
 * provctl_complain - print a message on stderr, "provctl: …"
 */
__attribute__((format(printf, 1, 2)))
void provctl_complain(const char *format, ...);

/**
 * provctl_usage - say that the arguments of a command are wrong
 *
 * Return: PROVCTL_USAGE.
 */
int provctl_usage(const char *synopsis);

/**
 * provctl_kernel - find the kernel's netlink family, or say why not
 *
 * Return: an exit status.
 */
int provctl_kernel(struct prov_kernel **kernel);

/**
 * provctl_error - say that the kernel refused a request
 * @what: what was tried, as in "cannot …"
 * @capability: which one it needs
 *
 * Return: an exit status.
 */
int provctl_error(const char *what, int err, const char *capability);

/**
 * provctl_recorder_pid - find the recorder
 *
 * Return: its process id, 0 if none runs, or a negative errno if that cannot be
 * told.
 */
int provctl_recorder_pid(const struct provctl *ctl);

#endif /* PROVCTL_H */
