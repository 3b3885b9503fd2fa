# SPDX-License-Identifier: GPL-2.0
"""What each system call moves: the table of flows, and the table of calls that are ignored.

flows() gives for a Call, if it succeeded, the Flows that it made.  A call that is in neither table
is unknown, and makes the comparison fail.

An object is a tuple: ("path", path, deleted), ("pipe", inode), ("socket", inode), ("device",
"major:minor"), ("anon", name), ("link", path) for a symbolic link itself, ("queue", id) for the
messages of a SysV queue, ("child", pid), ("image",) for the program that was executed and ("exe",) for
its binary or interpreter, or PROCESS for who made the call; or ("either", object, object) if strace
does not show which of two it is.
"""
import collections
import re

import descriptors
import strace

PROCESS = ("process",)
LOADER = "/lib64/ld-linux-x86-64.so.2"

# @ops are the edges that say it.  A flow that need not be in the log (@must is false) explains an
# edge, but is not missed: whether it happened does not show.  @lasts is "mapping" for what lasts
# as long as a mapping does, "written" for what a shared one lets through.  "create" among the @ops
# is no flow: it says that there was none, because there was nothing before.
Flow = collections.namedtuple("Flow", "source target ops must lasts")

_IN = {"path": ("read",), "device": ("read",), "pipe": ("read",), "anon": ("read",),
       "socket": ("recv",)}
_OUT = {"path": ("write",), "device": ("write",), "pipe": ("write",), "anon": ("write",),
	"socket": ("send",)}
_LOOKS = "looks at names and attributes; recorded only by setting, as class meta"
_NAMES = "changes names and attributes: class meta, of which only soundness is compared"
_OWN = "concerns nothing but the caller's own memory, descriptors, ids or time"
_CONTROL = "no content moves: class control, of which only soundness is compared"
_READY = "says that something is ready, or waits for it; no content moves"
_SETS = "sets up or asks about a socket; no content moves"

IGNORED = {}
for _reason, _names in {
	_LOOKS: """access faccessat faccessat2 stat lstat fstat newfstatat statx statfs fstatfs
		listxattr llistxattr flistxattr getcwd""",
	_NAMES: """link linkat unlink unlinkat rename renameat renameat2 mkdir mkdirat rmdir chmod
		fchmod fchmodat chown lchown fchown fchownat utime utimes utimensat futimesat mknod
		mknodat close_range""",
	_OWN: """brk munmap mremap madvise mprotect mlock munlock msync close dup dup2 dup3 fcntl lseek
		chdir fchdir chroot umask getpid getppid gettid getuid geteuid getgid getegid getgroups
		getresuid getresgid setuid setgid setreuid setregid setresuid setresgid setgroups
		capget capset prctl arch_prctl set_tid_address set_robust_list rseq getpgrp getpgid
		setpgid getsid setsid getrlimit setrlimit prlimit64 getrusage times time
		gettimeofday clock_gettime clock_getres nanosleep clock_nanosleep getrandom uname
		sysinfo sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_getscheduler
		getpriority setpriority rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend
		rt_sigpending rt_sigtimedwait sigaltstack alarm setitimer getitimer pause exit exit_group
		restart_syscall membarrier getcpu seccomp umount2 unshare fadvise64 readahead flock
		fsync fdatasync sync sync_file_range syncfs memfd_create setfsuid setfsgid
		timer_create timer_settime timer_delete iopl ioprio_get""",
	_CONTROL: "kill tkill tgkill rt_sigqueueinfo wait4 waitid semop semtimedop pidfd_open",
	_READY: """poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait
		epoll_pwait eventfd eventfd2 inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
		timerfd_create timerfd_settime signalfd4 futex pipe pipe2""",
	_SETS: """socket socketpair bind listen accept accept4 connect shutdown getsockname getpeername
		getsockopt setsockopt""",
}.items():
	for _name in _names.split():
		IGNORED[_name] = _reason
IGNORED.update({
	"ioctl": "of those in IOCTLS; IOCTL_FLOWS has those that move content, and others are unknown "
		 "calls unless they fail",
	"msgget": "makes or finds a queue; messages are content, the queue is not",
	"semget": "makes or finds a set of semaphores; its values are content",
	"msgctl": "asks about or removes a queue",
	"sethostname": "no object that is recorded",
	"io_setup": "nothing moves until something is submitted, and io_submit is not known here",
})
# Commands of ioctl() that ask or set a property of a terminal, socket or file, or of a device; no content
# moves.
IOCTLS = frozenset("""TCGETS TCSETS TCSETSW TCSETSF TCSBRK TCFLSH TCXONC TIOCGWINSZ TIOCSWINSZ TIOCGPGRP TIOCSPGRP
	TIOCSCTTY TIOCNOTTY TIOCGSID TIOCGPTN TIOCSPTLCK TIOCGPTPEER TIOCMGET FIONBIO FIOASYNC FIOCLEX
	FIONCLEX FIONREAD FIOQSIZE SIOCGIFCONF SIOCGIFNAME SIOCGIFINDEX SIOCGIFFLAGS SIOCGIFADDR
	SIOCGIFHWADDR SIOCGIFMTU SIOCOUTQ SIOCINQ FS_IOC_GETFLAGS FS_IOC_FSGETXATTR FS_IOC_GETVERSION
	FS_IOC_FIEMAP FIGETBSZ BLKGETSIZE64 BLKSSZGET BLKPBSZGET""".split())

# Objects that carry no flow, with the reason.
IGNORED_OBJECTS = {
	"device": {
		"1:3": "/dev/null", "1:5": "/dev/zero", "1:7": "/dev/full", "1:8": "/dev/random",
		"1:9": "/dev/urandom",
	},
}
STATELESS = "stateless device: nothing of what goes in comes out"
# Families of sockets of which nothing has to be in the log, with the reason.
IGNORED_FAMILIES = {
	"AF_NETLINK": "what is asked of the kernel and what it answers is of no object",
}


def ignored_socket(call):
	"""The socket that a call made, if it is of a family that is ignored; or None."""
	if call.name == "socket" and call.arguments[0] in IGNORED_FAMILIES:
		return object_of(strace.descriptor(call.result or ""))
	return None


def object_of(descriptor):
	if descriptor is None:
		return None
	if descriptor.kind == "path":
		return "path", descriptor.name, descriptor.deleted
	return descriptor.kind, descriptor.name


def _argument(call, index):
	"""The object of a descriptor that is an argument."""
	if index >= len(call.arguments):
		return None
	return object_of(strace.descriptor(call.arguments[index]))


# An object that strace did not decode is None here and below: is_decoded() looks for that.
def _receive(source, must=True):
	if source is None or source[0] in _IN:
		yield Flow(source, PROCESS, _IN[source[0]] if source else (), must, None)


def _send(target, must=True):
	if target is None or target[0] in _OUT:
		yield Flow(PROCESS, target, _OUT[target[0]] if target else (), must, None)


def _passed(call, index):
	"""Objects of the descriptors in the control data of a message."""
	for part in re.findall(r"cmsg_type=SCM_RIGHTS, cmsg_data=\[([^][]*(?:\[\d+\][^][]*)*)\]",
			       call.arguments[index] if index < len(call.arguments) else ""):
		for descriptor in strace.descriptors(part):
			yield object_of(descriptor)


def _read(call, moved):
	if moved:
		yield from _receive(_argument(call, 0))


def _recvmsg(call, moved):
	passed = list(_passed(call, 1))
	if moved or passed:
		yield from _receive(_argument(call, 0))
	for source in passed:
		yield Flow(source, PROCESS, ("receive",), True, None)


def _write(call, moved):
	if moved:
		yield from _send(_argument(call, 0))


def _sendmsg(call, moved):
	passed = list(_passed(call, 1))
	if moved or passed:
		yield from _send(_argument(call, 0))
	for target in passed:
		yield Flow(PROCESS, target, ("pass",), True, None)


def _between(source, target):
	def flows(call, moved):
		if moved:
			yield from _receive(_argument(call, source))
			yield from _send(_argument(call, target))
	return flows


def _vmsplice(call, moved):
	"""To a pipe or from it, as the descriptor is of its one end or the other; see descriptors.py."""
	pipe = _argument(call, 0)
	if moved and descriptors.WRITE_END in call.arguments:
		yield from _send(pipe)
	elif moved and descriptors.READ_END in call.arguments:
		yield from _receive(pipe)
	elif moved and pipe:
		either = "either", PROCESS, pipe
		yield Flow(either, either, ("read", "write"), True, None)
	elif moved:
		yield Flow(pipe, PROCESS, ("read",), True, None)


def _clone_file(call, _):
	"""What an ioctl() shares with another file: FICLONE, or a range of it."""
	source = strace.descriptors(", ".join(call.arguments[2:]))
	yield from _receive(object_of(source[0]) if source else None)
	yield from _send(_argument(call, 0))


def _mmap(call, _):
	if any("MAP_ANONYMOUS" in argument for argument in call.arguments):
		return
	mapped = _argument(call, 4)
	yield Flow(mapped, PROCESS, ("mmap",), True, "mapping")
	if "MAP_SHARED" in call.arguments[3]:
		# Without PROT_WRITE it can get that later.
		yield Flow(PROCESS, mapped, ("mmap_write",), "PROT_WRITE" in call.arguments[2],
			   "written")


def _truncate(call, _):
	target = _argument(call, 0) or ("path", strace.string(call.arguments[0]), False)
	yield Flow(PROCESS, target, ("truncate",), True, None)


def _fallocate(call, _):
	yield Flow(PROCESS, _argument(call, 0), ("write",), True, None)


def _open(call, _):
	# The first that the loader does, which the kernel has mapped with the program.
	if len(call.arguments) > 1 and call.arguments[1] == '"/etc/ld.so.cache"':
		yield Flow(("path", LOADER, False), PROCESS, ("mmap",), True, "mapping")
	behind_path = call.arguments[1 if call.name == "open" else 2:]
	how = set(re.findall(r"\bO_[A-Z]+\b", ", ".join(behind_path)))
	if call.name == "creat":
		how = {"O_CREAT", "O_TRUNC"}
	opened = object_of(strace.descriptor(call.result or ""))
	# Of a new file there is nothing to take away.
	if "O_TRUNC" in how and not how & {"O_EXCL", "O_TMPFILE"} and opened and opened[0] == "path":
		ops = ("truncate", "create") if "O_CREAT" in how else ("truncate",)
		yield Flow(PROCESS, opened, ops, True, None)


def _getdents(call, moved):
	if moved:
		yield Flow(_argument(call, 0), PROCESS, ("readdir",), True, None)


def _readlink(call, moved):
	index = 1 if call.name == "readlinkat" else 0
	if moved:
		path = strace.string(call.arguments[index])
		# What /proc shows is made for who asks, and its inode anew each time.
		yield Flow(("link", path), PROCESS, ("readlink",), not path.startswith("/proc/"), None)


def _symlink(call, _):
	yield Flow(PROCESS, ("link", strace.string(call.arguments[-1])), ("symlink",), True, None)


def _xattr(direction, op, descriptor):
	def flows(call, moved):
		named = _argument(call, 0) if descriptor else \
			("path", strace.string(call.arguments[0]), False)
		if call.name.startswith("l") and not descriptor:
			named = "link", named[1]
		# Asked for its size only, it is not read.
		if direction == "in" and moved and not call.arguments[-1] == "0":
			yield Flow(named, PROCESS, (op,), True, None)
		if direction == "out":
			yield Flow(PROCESS, named, (op,), True, None)
	return flows


def _fork(call, moved):
	if moved and not call.name == "vfork" and not any("CLONE_VM" in argument
							   for argument in call.arguments):
		yield Flow(PROCESS, ("child", moved), ("fork",), True, None)


def _execve(call, _):
	path = strace.string(call.arguments[1 if call.name == "execveat" else 0])
	yield Flow(PROCESS, ("image",), ("exec",), True, None)
	yield Flow(("path", path, False), ("image",), ("exec",), True, None)
	yield Flow(("exe",), ("image",), ("exec",), True, None)


def _msgsnd(call, _):
	yield Flow(PROCESS, ("queue", int(call.arguments[0])), ("send",), True, None)


def _msgrcv(call, _):
	yield Flow(("queue", int(call.arguments[0])), PROCESS, ("recv",), True, None)


def _semctl(call, _):
	command = call.arguments[2]
	if command in ("SETVAL", "SETALL"):
		yield Flow(PROCESS, ("semaphores", int(call.arguments[0])), ("write",), True, None)
	if command in ("GETVAL", "GETALL"):
		yield Flow(("semaphores", int(call.arguments[0])), PROCESS, ("read",), True, None)


# Name: what gives the flows of a call that succeeded, from the Call and the number it returned
FLOWS = {
	"sendfile": _between(1, 0), "copy_file_range": _between(0, 2), "splice": _between(0, 2),
	"tee": _between(0, 1), "vmsplice": _vmsplice,
	"recvmsg": _recvmsg, "sendmsg": _sendmsg, "recvmmsg": _recvmsg, "sendmmsg": _sendmsg,
	"mmap": _mmap, "truncate": _truncate, "ftruncate": _truncate,
	"fallocate": _fallocate,
	"open": _open, "openat": _open, "openat2": _open, "creat": _open,
	"getdents": _getdents, "getdents64": _getdents,
	"readlink": _readlink, "readlinkat": _readlink, "symlink": _symlink, "symlinkat": _symlink,
	"clone": _fork, "clone3": _fork, "fork": _fork, "vfork": _fork,
	"execve": _execve, "execveat": _execve,
	"msgsnd": _msgsnd, "msgrcv": _msgrcv, "semctl": _semctl,
}
FLOWS.update(dict.fromkeys("read readv pread64 preadv preadv2 recvfrom".split(), _read))
FLOWS.update(dict.fromkeys("write writev pwrite64 pwritev pwritev2 sendto".split(), _write))
for _prefix in ("", "l", "f"):
	FLOWS[_prefix + "getxattr"] = _xattr("in", "getxattr", _prefix == "f")
	FLOWS[_prefix + "setxattr"] = _xattr("out", "setxattr", _prefix == "f")
	FLOWS[_prefix + "removexattr"] = _xattr("out", "removexattr", _prefix == "f")

# The same of commands of ioctl()
IOCTL_FLOWS = {"FICLONE": _clone_file, "FICLONERANGE": _clone_file}


def _commands(call):
	"""What an ioctl() may be: where one number stands for several, strace names all that it knows."""
	return call.arguments[1].split(" or ") if len(call.arguments) > 1 else []


def _maker(call):
	"""What gives the flows of a call; None if it is not in the tables of flows."""
	if call.name == "ioctl":
		return next((IOCTL_FLOWS[name] for name in _commands(call) if name in IOCTL_FLOWS), None)
	return FLOWS.get(call.name)


# Calls that open: to empty the file lets out nothing of what is mapped if there was no file.
OPENS = frozenset("open openat openat2 creat".split())
# Edges of class meta that a call has to leave
LOOKS = frozenset(("readdir", "pass", "receive"))
# Edges that none of another kind between the same two nodes can stand for
BY_NAME = LOOKS | {"exec", "fork", "deliver"}

# Calls that give away what they have just taken in
BETWEEN = frozenset(("sendfile", "copy_file_range", "splice", "tee", "ioctl"))
# Of these, what can put pages of a file into a pipe or socket, and no copy
REFERRING = BETWEEN - {"copy_file_range", "ioctl"}

# Edges that are no flow of data, and the calls that may be behind them.
BEHIND = {
	"open": "open openat openat2 creat execve execveat",
	"create": "open openat openat2 creat mknod mknodat bind",
	"mkdir": "mkdir mkdirat", "rmdir": "rmdir unlinkat",
	"link": "link linkat", "unlink": "unlink unlinkat rename renameat renameat2",
	"rename": "rename renameat renameat2",
	"setattr": "chmod fchmod fchmodat chown lchown fchown fchownat utime utimes utimensat "
		   "futimesat",
	"connect": "connect", "bind": "bind", "listen": "listen", "accept": "accept accept4",
	"signal": "kill tkill tgkill rt_sigqueueinfo", "wait": "wait4 waitid",
	"semop": "semop semtimedop",
	"limit": "setpgid setpriority prlimit64 sched_setaffinity setrlimit",
	"listxattr": "listxattr llistxattr flistxattr",
	# What is refused fails, or is tried in another way.
	"refused": None,
}
BEHIND = {op: names and frozenset(names.split()) for op, names in BEHIND.items()}
# Of these, the ones whose call names the file
NAMED = frozenset("open create mkdir rmdir link unlink rename setattr listxattr".split())
NAMING = frozenset(name for op in NAMED for name in BEHIND[op])


def is_known(call):
	if call.name == "ioctl" and strace.number(call.result) is not None:
		return bool(_maker(call) or IOCTLS & set(_commands(call)))
	return call.name in FLOWS or call.name in IGNORED


def is_decoded(call):
	"""Does strace say of each flow of a call that succeeded what it was from and to?"""
	make = _maker(call)
	moved = strace.number(call.result) if make else None
	return moved is None or all(flow.source and flow.target for flow in make(call, moved))


def is_ignored_object(what):
	return what is None or what[-1] in IGNORED_OBJECTS.get(what[0], ())


def flows(call):
	"""The Flows of a call; of one that never came back, those that it may have made."""
	make = _maker(call)
	if not make:
		return []
	moved = strace.number(call.result)
	if call.result is None or call.result.startswith("? "):
		return [] if call.result else [flow._replace(must=False) for flow in make(call, 1)
					       if flow.source and flow.target]
	if moved is None:
		return []
	return [flow for flow in make(call, moved)
		if not is_ignored_object(flow.source) and not is_ignored_object(flow.target)]
