// SPDX-License-Identifier: GPL-2.0
#include "privilege.h"

#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "say.h"

static int failed(const char *what, int err)
{
	say(LOG_ERR, "cannot %s: %s", what, strerror(err));
	return -err;
}

static int keep_audit_read(void)
{
	const cap_value_t kept[] = { CAP_AUDIT_READ };
	cap_flag_value_t have = CAP_CLEAR;
	cap_t now, new;
	int err = 0;

	now = cap_get_proc();
	new = cap_init();
	if (!now || !new)
		err = ENOMEM;
	/* Started without it, for a test, there is nothing to keep. */
	if (!err)
		cap_get_flag(now, CAP_AUDIT_READ, CAP_PERMITTED, &have);
	if (!err && have == CAP_SET &&
	    (cap_set_flag(new, CAP_PERMITTED, 1, kept, CAP_SET) ||
	     cap_set_flag(new, CAP_EFFECTIVE, 1, kept, CAP_SET)))
		err = errno;
	if (!err && cap_set_proc(new))
		err = errno;
	if (now)
		cap_free(now);
	if (new)
		cap_free(new);
	return err;
}

int privilege_drop(gid_t gid)
{
	int err;

	if (!geteuid()) {
		if (setgroups(gid == (gid_t)-1 ? 0 : 1, &gid))
			return failed("give up supplementary groups", errno);
		/* What an exec could get back.  There is none, but it costs nothing. */
		for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++)
			if (cap != CAP_AUDIT_READ && cap_get_bound(cap) > 0 &&
			    cap_drop_bound(cap) && errno != EPERM)
				return failed("bound capabilities", errno);
	}
	err = keep_audit_read();
	if (err)
		return failed("drop capabilities", err);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return failed("refuse new privileges", errno);
	return 0;
}

/* Sorted by what needs them. */
static const char *const allowed[] = {
	/* channels, segments, the status file */
	"read", "readv", "pread64", "write", "writev", "pwrite64", "openat", "close", "lseek",
	"fstat", "newfstatat", "statx", "fstatfs", "fstatfs64", "getdents64", "fcntl", "fcntl64",
	"ftruncate", "ftruncate64", "fdatasync", "fsync", "renameat", "renameat2", "unlinkat",
	"fchown", "fchown32", "fchmod",
	/* events */
	"epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "poll", "ppoll", "ppoll_time64",
	/* netlink and the service manager; new sockets only of AF_UNIX, see below */
	"sendmsg", "sendto", "recvmsg", "recvfrom", "connect", "getsockname", "getsockopt",
	"setsockopt",
	/* threads, memory, time */
	"futex", "futex_time64", "mmap", "mmap2", "munmap", "mprotect", "mremap", "madvise", "brk",
	"clock_gettime", "clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64",
	"nanosleep", "gettimeofday", "time", "restart_syscall", "sched_yield", "getrandom",
	"rt_sigreturn", "rt_sigprocmask", "rt_sigaction", "sched_getaffinity", "gettid", "getpid",
	"tgkill", "geteuid", "getuid", "exit", "exit_group",
	/* the first calls of the writing thread, which may not have come to them yet */
	"rseq", "set_robust_list",
};

int privilege_confine(void)
{
	scmp_filter_ctx filter;
	int err = 0;

	filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return failed("make a system call filter", ENOMEM);
	for (size_t i = 0; !err && i < sizeof(allowed) / sizeof(*allowed); i++) {
		const int number = seccomp_syscall_resolve_name(allowed[i]);

		/* Not every architecture has every one. */
		if (number != __NR_SCMP_ERROR)
			err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				       SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err ? failed("load the system call filter", -err) : 0;
}
