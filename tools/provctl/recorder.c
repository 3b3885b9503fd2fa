// SPDX-License-Identifier: GPL-2.0
/* The recorder: found by the lock on its log, spoken to by signals */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "provctl.h"

int provctl_recorder_pid(const struct provctl *ctl)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];
	int fd, err = 0;

	if (snprintf(path, sizeof(path), "%s/lock", ctl->log_dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fcntl(fd, F_GETLK, &lock))
		err = -errno;
	close(fd);
	if (err)
		return err;
	return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

int provctl_rotate(const struct provctl *ctl, int argc, char **argv)
{
	int pid;

	(void)argv;
	if (argc)
		return provctl_usage("rotate");
	pid = provctl_recorder_pid(ctl);
	if (pid == -EACCES || pid == -EPERM) {
		provctl_complain("cannot see the recorder of %s; run it as root", ctl->log_dir);
		return PROVCTL_NO_PRIVILEGE;
	}
	if (pid < 0) {
		provctl_complain("cannot find the recorder: %s", strerror(-pid));
		return PROVCTL_FAILED;
	}
	if (!pid) {
		provctl_complain("no recorder writes to %s; start it with "
				 "'systemctl start provmon-recorder'", ctl->log_dir);
		return PROVCTL_NO_RECORDER;
	}
	if (kill(pid, SIGUSR1))
		return provctl_error("signal the recorder", -errno, "CAP_KILL");
	return PROVCTL_OK;
}
