// SPDX-License-Identifier: GPL-2.0
/* Directories for tests.  See tempdir.h. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tempdir.h"

char *tempdir_new(void)
{
	char name[64];

	/* Sealing syncs, which takes long on a disk. */
	snprintf(name, sizeof(name), "%s/provtest.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(name)) {
		perror(name);
		abort();
	}
	return strdup(name);
}

void tempdir_clear(const char *directory)
{
	DIR *const dir = opendir(directory);
	const struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

void tempdir_free(char *directory)
{
	tempdir_clear(directory);
	rmdir(directory);
	free(directory);
}
