// SPDX-License-Identifier: GPL-2.0
/*
 * badsync: preloaded, fails the first sync of a file with EIO, and no other
 *
 * As the kernel does when a page could not be written: it tells that once.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

static int sync_file(const char *name, int fd)
{
	static atomic_flag failed = ATOMIC_FLAG_INIT;
	int (*const real)(int fd) = dlsym(RTLD_NEXT, name);
	struct stat stat;

	if (!fstat(fd, &stat) && S_ISREG(stat.st_mode) && !atomic_flag_test_and_set(&failed)) {
		errno = EIO;
		return -1;
	}
	return real(fd);
}

int fsync(int fd)
{
	return sync_file("fsync", fd);
}

int fdatasync(int fd)
{
	return sync_file("fdatasync", fd);
}
