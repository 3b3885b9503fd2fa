/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Network namespaces that "ip netns add" made
 */
#ifndef SELFTEST_NETNS_H
#define SELFTEST_NETNS_H

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "flow.h"

/** enter - in a child: be in a network namespace from now on */
static inline void enter(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0 && !setns(fd, CLONE_NEWNET));
	close(fd);
}

#endif /* SELFTEST_NETNS_H */
