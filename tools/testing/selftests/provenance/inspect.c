// SPDX-License-Identifier: GPL-2.0
/* What the kernel gives away of a process: core dumps, /proc, perf, userfaultfd */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>

#include "flow.h"

#define CORE_PATTERN	"/proc/sys/kernel/core_pattern"

static void get_line(const char *path, char *line, size_t room)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t bytes = read(fd, line, room - 1);

	line[bytes > 0 ? bytes : 0] = 0;
	close(fd);
}

/* Ends by a signal, so that its status is of no use to finish(). */
static void crash(struct scene *scene)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	const pid_t pid = fork();
	int status;

	MUST(pid >= 0);
	if (!pid) {
		take_file(in(scene, "secret"));
		put_file(in(scene, "mark"), "x");
		MUST(!setrlimit(RLIMIT_CORE, &all));
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
		_exit(1);
	}
	MUST(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WCOREDUMP(status));
}

CASE(core, "kernel", "a process dumps core into a file", "file_writing, file_written",
     "truncate or write, data, process to file; nothing to its parent")

ACT(core)
{
	char before[256], pattern[PATH_MAX];

	get_line(CORE_PATTERN, before, sizeof(before));
	snprintf(pattern, sizeof(pattern), "%s", in(scene, "core"));
	put_file(in(scene, "secret"), "s");
	put_file(CORE_PATTERN, pattern);
	run(scene, 0, crash);
	put_file(CORE_PATTERN, before);
}

CHECK(core)
{
	const int core = file(scene, graph, "core");
	const int dumped = graph_from(graph, file(scene, graph, "mark"), "write");

	/* It is cut to nothing first, and the write is no news then. */
	EXPECT_EDGES(dumped, core, NULL, "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), core);
	EXPECT_NO_DATA(dumped, process(scene, graph, 0, 0));
	EXPECT_NO_DATA(core, dumped);
}

CASE(core_pipe, "kernel", "a core dump into a program that the kernel starts",
     "file_writing, file_written", "write and read, data, through a pipe that only these two have")

#define CATCHER	"/run/flow-core"

ACT(core_pipe)
{
	char before[256], script[2 * PATH_MAX];
	int tries = 100;

	get_line(CORE_PATTERN, before, sizeof(before));
	snprintf(script, sizeof(script), "#!/bin/sh\n/bin/cat > %s/part && mv %s/part %s/core\n",
		 scene->dir, scene->dir, scene->dir);
	put_file(CATCHER, script);
	EXPECT(!chmod(CATCHER, 0755));
	put_file(in(scene, "secret"), "s");
	put_file(CORE_PATTERN, "|" CATCHER);
	run(scene, 0, crash);
	while (access(in(scene, "core"), F_OK) && tries--)
		pause_ms(100);
	EXPECT(!access(in(scene, "core"), F_OK));
	put_file(CORE_PATTERN, before);
	unlink(CATCHER);
}

CHECK(core_pipe)
{
	const int core = file(scene, graph, "core");
	const int dumped = graph_from(graph, file(scene, graph, "mark"), "write");
	const int cat = graph_from(graph, core, "write");

	EXPECT_NODE(cat);
	EXPECT_REACHES(file(scene, graph, "secret"), core);
	EXPECT_REACHES(dumped, cat);
	/* Only through the pipe: the kernel started the program, not who crashed. */
	EXPECT_NO_DATA(dumped, cat);
	EXPECT_NO_DATA(dumped, process(scene, graph, 0, 0));
	EXPECT_NOT_REACHES(core, process(scene, graph, 0, 0));
}

CASE(perf, "kernel", "perf_event_open on another process, and on oneself",
     "perf_event_opened, perf_event_read", "peek, data, again for what it learns until a read; "
     "none on oneself")

static int measure(pid_t pid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.exclude_kernel = 1,
	};

	return syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static void measure_other(struct scene *scene)
{
	const int fd = measure(scene->pid[1]);
	long long count;

	MUST(fd >= 0);
	put_file(in(scene, "before"), "x");
	told();
	await();
	MUST(read(fd, &count, sizeof(count)) == sizeof(count));
	put_file(in(scene, "after"), "x");
	close(fd);
}

static void measure_self(struct scene *scene)
{
	const int fd = measure(0);

	(void)scene;
	MUST(fd >= 0);
	close(fd);
	MUST(measure(-2) < 0);
}

static void learn(struct scene *scene)
{
	told();
	await();
	take_file(in(scene, "secret"));
	told();
	await();
}

ACT(perf)
{
	put_file(in(scene, "secret"), "s");
	actor(scene, 1, learn);
	done(scene, 1);
	actor(scene, 0, measure_other);
	done(scene, 0);
	step(scene, 1);
	go(scene, 0);
	finish(scene, 0);
	run(scene, 2, measure_self);
	go(scene, 1);
	finish(scene, 1);
}

CHECK(perf)
{
	const int target = process(scene, graph, 1, 0), measurer = process(scene, graph, 0, 0);

	EXPECT_EDGES(target, measurer, "peek", "data", 2);
	EXPECT_NO_DATA(measurer, target);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "after"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "before"));
	EXPECT(!graph_count(graph, ANY, process(scene, graph, 2, 0), "peek", NULL));
}

CASE(userfaultfd, "kernel", "a page fault that another process answers with UFFDIO_COPY",
     "memory_begins, memory_accessed", "poke, data, once there was a copy; nothing back")

#define PAGE	4096

/* Forks who answers; waits for it in the page fault. */
static void fault(struct scene *scene)
{
	struct uffdio_api api = { .api = UFFD_API };
	const int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	char *const page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				-1, 0);
	struct uffdio_register range = {
		.range = { (unsigned long)page, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	pid_t pid;

	MUST(fd >= 0 && page != MAP_FAILED);
	MUST(!ioctl(fd, UFFDIO_API, &api) && !ioctl(fd, UFFDIO_REGISTER, &range));
	put_file(in(scene, "faulting"), "x");
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		static char content[PAGE] __attribute__((aligned(PAGE)));
		struct uffdio_copy copy = {
			.dst = 4096,
			.src = (unsigned long)content,
			.len = PAGE,
		};

		put_file(in(scene, "failing"), "x");
		/* Nothing is registered there. */
		MUST(ioctl(fd, UFFDIO_COPY, &copy));
		take_file(in(scene, "secret"));
		memset(content, 7, sizeof(content));
		copy.dst = (unsigned long)page;
		put_file(in(scene, "answering"), "x");
		MUST(!ioctl(fd, UFFDIO_COPY, &copy));
		_exit(0);
	}
	MUST(*(volatile char *)page == 7);
	put_file(in(scene, "copy"), "x");
	MUST(waitpid(pid, NULL, 0) == pid);
}

ACT(userfaultfd)
{
	put_file(in(scene, "secret"), "s");
	run(scene, 0, fault);
}

CHECK(userfaultfd)
{
	const int faulting = process(scene, graph, 0, 0);
	const int answering = graph_from(graph, file(scene, graph, "answering"), "write");

	EXPECT_EDGES(answering, faulting, "poke", "data", 1);
	EXPECT_EDGES(faulting, answering, "fork", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "faulting"));
}

CASE(supervisor, "kernel", "a system call that a supervisor answers (seccomp user notification)",
     "ptrace_done", "peek, data, target to supervisor; poke, data, back if it gives a value")

#define ASKED	SYS_getpgid	/* which nothing else here calls */

/* Return: a descriptor for who supervises current from now on. */
static int begin_supervision(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ASKED, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		       &program);
}

static uint64_t get_call(int fd)
{
	struct seccomp_notif call = {};

	MUST(!ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &call));
	MUST(call.data.nr == ASKED);
	return call.id;
}

/* The first call goes through, and the second gets an answer. */
static void let_through_and_answer(struct scene *scene, int fd)
{
	struct seccomp_notif_resp answer = { .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	put_file(in(scene, "unasked"), "x");
	answer.id = get_call(fd);
	put_file(in(scene, "told"), "x");
	take_file(in(scene, "answer"));
	MUST(!ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer));
	answer = (struct seccomp_notif_resp){ .id = get_call(fd), .val = 7 };
	MUST(!ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer));
}

/* Forks who supervises current from now on. */
static void begin_supervised(struct scene *scene, void (*supervise)(struct scene *scene, int fd))
{
	const int fd = begin_supervision();
	pid_t pid;

	MUST(fd >= 0);
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		supervise(scene, fd);
		_exit(0);
	}
	close(fd);
}

static void end_supervised(void)
{
	int status;

	MUST(wait(&status) > 0 && !status);
}

static void ask_supervisor(struct scene *scene)
{
	begin_supervised(scene, let_through_and_answer);
	take_file(in(scene, "secret"));
	MUST(syscall(ASKED, 0) == getpgrp());
	put_file(in(scene, "before"), "x");
	MUST(syscall(ASKED, 0) == 7);
	put_file(in(scene, "after"), "x");
	end_supervised();
}

ACT(supervisor)
{
	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "answer"), "a");
	run(scene, 0, ask_supervisor);
}

CHECK(supervisor)
{
	const int target = process(scene, graph, 0, 0);
	const int supervisor = graph_from(graph, file(scene, graph, "told"), "write");

	EXPECT_EDGES(target, supervisor, "peek", "data", 1);
	EXPECT_EDGES(supervisor, target, "poke", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "told"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "unasked"));
	EXPECT_REACHES(file(scene, graph, "answer"), file(scene, graph, "after"));
	EXPECT_NOT_REACHES(file(scene, graph, "answer"), file(scene, graph, "before"));
}

CASE(supervisor_gives, "outcome",
     "an end of file after a supervisor has given a descriptor (SECCOMP_IOCTL_NOTIF_ADDFD)",
     "file_received, socket_received, ptrace_done",
     "receive, meta, of the file; poke, data, for its number; no recv of the socket")

#define NUMBER	77

static void give_descriptor(struct scene *scene, int fd)
{
	struct seccomp_notif_addfd given = {
		.id = get_call(fd),
		.flags = SECCOMP_ADDFD_FLAG_SEND | SECCOMP_ADDFD_FLAG_SETFD,
		.srcfd = open(in(scene, "file"), O_RDONLY),
		.newfd = NUMBER,
	};

	take_file(in(scene, "secret"));
	MUST(ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &given) > 0);
}

/* Nothing was sent to the socket, whose other end is closed. */
static void get_descriptor_and_end(struct scene *scene)
{
	char byte;

	MUST(recv(scene->fd[1], &byte, 1, MSG_DONTWAIT) == 0);
	begin_supervised(scene, give_descriptor);
	MUST(syscall(ASKED, 0) == NUMBER);
	MUST(recv(scene->fd[1], &byte, 1, 0) == 0);
	put_file(in(scene, "got"), "x");
	end_supervised();
}

ACT(supervisor_gives)
{
	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "file"), "x");
	EXPECT(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, scene->fd));
	close(scene->fd[0]);
	scene->fd[0] = 0;
	run(scene, 0, get_descriptor_and_end);
}

CHECK(supervisor_gives)
{
	const int who = process(scene, graph, 0, 0);

	EXPECT_EDGES(file(scene, graph, "file"), who, "receive", "meta", 1);
	EXPECT_NO_EDGE(ANY, who, "recv");
	EXPECT_EDGES(ANY, who, "poke", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "got"));
}
