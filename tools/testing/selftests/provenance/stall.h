/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A buffer whose second page is not there before somebody asks for it and says so
 *
 * Who writes it to a file gets stuck in the middle, when the first page can be seen.
 */
#ifndef SELFTEST_STALL_H
#define SELFTEST_STALL_H

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "flow.h"

#define STALL_PAGE	4096
#define STALL_BYTES	(2 * STALL_PAGE)

/**
 * struct stall - a buffer of two pages
 * @buffer: the first begins with 'x', the second is not there
 * @fd: that tells who asks for it
 */
struct stall {
	char *buffer;
	int fd;
};

static inline void stall_begin(struct stall *stall)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range.len = STALL_PAGE,
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	stall->buffer = mmap(NULL, STALL_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(stall->buffer != MAP_FAILED);
	stall->buffer[0] = 'x';
	stall->fd = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	MUST(stall->fd >= 0 && !ioctl(stall->fd, UFFDIO_API, &api));
	range.range.start = (unsigned long)stall->buffer + STALL_PAGE;
	MUST(!ioctl(stall->fd, UFFDIO_REGISTER, &range));
}

/* stall_wait - until somebody is stuck */
static inline void stall_wait(const struct stall *stall)
{
	struct pollfd poll_fd = { .fd = stall->fd, .events = POLLIN };

	MUST(poll(&poll_fd, 1, 60000) == 1);
}

/* stall_end - let it go on */
static inline void stall_end(const struct stall *stall)
{
	struct uffdio_zeropage zero = {
		.range.start = (unsigned long)stall->buffer + STALL_PAGE,
		.range.len = STALL_PAGE,
	};

	MUST(!ioctl(stall->fd, UFFDIO_ZEROPAGE, &zero));
}

#endif /* SELFTEST_STALL_H */
