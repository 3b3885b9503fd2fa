// SPDX-License-Identifier: GPL-2.0
/* Influence: signals, wait, tracing, the memory of other processes, limits */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <elf.h>

#include "flow.h"

/* Where children find and leave something: at one address in all of them. */
static volatile long word;

/* An address that no process has; volatile, so that the compiler does not know. */
static void *volatile nowhere = (void *)8;

static void idle(struct scene *scene)
{
	(void)scene;
	word = 0x5ec2e7;
	told();
	await();
}

CASE(signal, "influence", "a signal, sent many times", "signal_sent",
     "signal, control, once a version of the sender; nothing for signal 0 or an ignored one")

static void send_signals(struct scene *scene)
{
	for (int i = 0; i < 100; i++)
		MUST(!kill(scene->pid[1], SIGUSR1));
	take_file(in(scene, "file"));
	/* One that is still pending would take up the next, which is then not sent. */
	pause_ms(500);
	for (int i = 0; i < 100; i++)
		MUST(!kill(scene->pid[1], SIGUSR1));
}

static void send_none(struct scene *scene)
{
	MUST(!kill(scene->pid[1], 0));
	MUST(!kill(scene->pid[1], SIGURG));
}

static volatile sig_atomic_t ended;

static void note(int sig)
{
	ended |= sig == SIGUSR2;
}

static void get_and_wait(struct scene *scene)
{
	sigset_t set;

	(void)scene;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGUSR1, note);
	signal(SIGUSR2, note);
	told();
	sigemptyset(&set);
	while (!ended)
		sigsuspend(&set);
}

ACT(signal)
{
	put_file(in(scene, "file"), "x");
	actor(scene, 1, get_and_wait);
	done(scene, 1);
	run(scene, 0, send_signals);
	run(scene, 2, send_none);
	EXPECT(!kill(scene->pid[1], SIGUSR2));
	finish(scene, 1);
}

CHECK(signal)
{
	const int sender = process(scene, graph, 0, 0), receiver = process(scene, graph, 1, 0);

	EXPECT_EDGES(sender, receiver, "signal", "control", 2);
	EXPECT_NO_DATA(sender, receiver);
	EXPECT_NO_EDGE(receiver, sender, NULL);
	EXPECT_NO_EDGE(process(scene, graph, 2, 0), receiver, NULL);
}

CASE(signal_passed_on, "influence",
     "a signal sent again, after the sender has got one, and ten times more", "signal_sent",
     "signal, control, two: who sent the one between reaches the receiver, by control")

/* They are queued, each of them, and taken one by one. */
#define SIG_TEST	(SIGRTMIN + 2)
#define MORE_SIGNALS	10

static void block_test_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIG_TEST);
	MUST(!sigprocmask(SIG_BLOCK, &set, NULL));
}

static void take_signal(void)
{
	const struct timespec limit = { .tv_sec = STEP_SECONDS };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIG_TEST);
	MUST(sigtimedwait(&set, NULL, &limit) == SIG_TEST);
}

/* Nobody but role 1 sends this one anything, so that it ends by itself. */
static void take_signals(struct scene *scene)
{
	(void)scene;
	block_test_signal();
	told();
	for (int i = 0; i < 2 + MORE_SIGNALS; i++)
		take_signal();
}

static void pass_signal_on(struct scene *scene)
{
	block_test_signal();
	MUST(!kill(scene->pid[2], SIG_TEST));
	told();
	take_signal();
	for (int i = 0; i < 1 + MORE_SIGNALS; i++)
		MUST(!kill(scene->pid[2], SIG_TEST));
}

static void send_between(struct scene *scene)
{
	MUST(!kill(scene->pid[1], SIG_TEST));
}

ACT(signal_passed_on)
{
	actor(scene, 2, take_signals);
	done(scene, 2);
	actor(scene, 1, pass_signal_on);
	done(scene, 1);
	run(scene, 0, send_between);
	finish(scene, 1);
	finish(scene, 2);
}

/* Does provq find a way from one to the other if it follows @classes? */
static bool is_way(const struct graph *graph, int from, int to, const char *classes)
{
	char a[40], b[40], *output;
	const char *const argv[] = { "provq", "-d", LOG_DIR, "path", a, b, "--follow", classes,
				     "--json", NULL };
	int status;

	snprintf(a, sizeof(a), "node:%s", graph_id(graph, from));
	snprintf(b, sizeof(b), "node:%s", graph_id(graph, to));
	status = run_tool(&output, argv);
	free(output);
	EXPECT(status == 0 || status == 1, "provq path ended with %d", status);
	return !status;
}

CHECK(signal_passed_on)
{
	const int first = process(scene, graph, 0, 0), between = process(scene, graph, 1, 0);
	const int last = process(scene, graph, 2, 0);

	EXPECT_EDGES(first, between, "signal", "control", 1);
	EXPECT_EDGES(between, last, "signal", "control", 2);
	EXPECT(graph_count(graph, ANY, last, "signal", NULL) == 2);
	EXPECT(is_way(graph, first, last, "data,meta,control"));
	EXPECT(!is_way(graph, first, last, "data,meta"));
	EXPECT_NOT_REACHES(first, last);
}

CASE(refused_again, "refusals",
     "the same refusal, before and after the process has got a signal, or has read a file",
     "inode_refused, signal_sent",
     "refused, control, two: where the news came from reaches what was tried, by control")

static void try_often(struct scene *scene)
{
	for (int i = 0; i < 10; i++)
		MUST(open(in(scene, "private"), O_RDONLY) < 0 && errno == EACCES);
}

static void try_after_signal(struct scene *scene)
{
	block_test_signal();
	MUST(!seteuid(65534));
	try_often(scene);
	told();
	take_signal();
	try_often(scene);
}

static void try_after_reading(struct scene *scene)
{
	MUST(!seteuid(65534));
	try_often(scene);
	take_file(in(scene, "secret"));
	try_often(scene);
}

ACT(refused_again)
{
	put_file(in(scene, "private"), "x");
	EXPECT(!chmod(in(scene, "private"), 0600));
	put_file(in(scene, "secret"), "s");
	actor(scene, 1, try_after_signal);
	done(scene, 1);
	run(scene, 0, send_between);
	finish(scene, 1);
	run(scene, 2, try_after_reading);
}

CHECK(refused_again)
{
	const int node = file(scene, graph, "private");
	const int first = process(scene, graph, 0, 0), secret = file(scene, graph, "secret");
	const int signalled = process(scene, graph, 1, 0), reader = process(scene, graph, 2, 0);

	EXPECT_EDGES(first, signalled, "signal", "control", 1);
	EXPECT(graph_refused(graph, signalled, node, "inode_permission", "dac", "EACCES") == 2);
	EXPECT(is_way(graph, first, node, "data,meta,control"));
	EXPECT(!is_way(graph, first, node, "data,meta"));
	EXPECT(graph_refused(graph, reader, node, "inode_permission", "dac", "EACCES") == 2);
	EXPECT(is_way(graph, secret, node, "data,control"));
	EXPECT(!is_way(graph, secret, node, "data"));
}

CASE(wait, "influence", "exit status taken by wait", "status_taken",
     "wait, control, from the child; no data")

static void wait_for_child(struct scene *scene)
{
	const pid_t pid = fork();
	int status;

	MUST(pid >= 0);
	if (!pid) {
		take_file(in(scene, "secret"));
		put_file(in(scene, "mark"), "x");
		_exit(7);
	}
	MUST(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
	put_file(in(scene, "after"), "x");
}

ACT(wait)
{
	put_file(in(scene, "secret"), "s");
	run(scene, 0, wait_for_child);
}

CHECK(wait)
{
	const int parent = process(scene, graph, 0, 0);
	const int child = graph_from(graph, file(scene, graph, "mark"), "write");

	EXPECT_EDGES(child, parent, "wait", "control", 1);
	EXPECT_NO_DATA(child, parent);
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "after"));
}

CASE(ptrace_attach, "influence", "tracing attached, and nothing read", "task_traced",
     "ptrace, control; no data")

static void attach_only(struct scene *scene)
{
	const pid_t pid = scene->pid[1];

	MUST(!ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	MUST(!ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
	MUST(waitpid(pid, NULL, __WALL) == pid);
	MUST(!ptrace(PTRACE_DETACH, pid, NULL, NULL));
}

ACT(ptrace_attach)
{
	actor(scene, 1, idle);
	done(scene, 1);
	run(scene, 0, attach_only);
	go(scene, 1);
	finish(scene, 1);
}

CHECK(ptrace_attach)
{
	const int tracer = process(scene, graph, 0, 0), traced = process(scene, graph, 1, 0);

	EXPECT_EDGES(tracer, traced, "ptrace", "control", 1);
	EXPECT_EDGE(traced, tracer, "wait", "control");
	EXPECT_NO_DATA(tracer, traced);
	EXPECT_NO_DATA(traced, tracer);
}

CASE(ptrace_data, "influence", "ptrace: registers and memory read, memory written; /proc/PID/syscall",
     "ptrace_done, memory_begins, memory_accessed", "peek and poke, data, each in its direction")

static void attach(pid_t pid)
{
	MUST(!ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	MUST(waitpid(pid, NULL, __WALL) == pid);
}

static void get_registers(struct scene *scene)
{
	struct user_regs_struct regs;

	attach(scene->pid[3]);
	MUST(!ptrace(PTRACE_GETREGS, scene->pid[3], NULL, &regs));
	MUST(!ptrace(PTRACE_DETACH, scene->pid[3], NULL, NULL));
}

static void peek(struct scene *scene)
{
	attach(scene->pid[3]);
	errno = 0;
	MUST(ptrace(PTRACE_PEEKDATA, scene->pid[3], &word, NULL) == 0x5ec2e7 && !errno);
	MUST(ptrace(PTRACE_PEEKDATA, scene->pid[3], nowhere, NULL) == -1 && errno == EIO);
	MUST(!ptrace(PTRACE_DETACH, scene->pid[3], NULL, NULL));
}

static void poke(struct scene *scene)
{
	attach(scene->pid[3]);
	MUST(ptrace(PTRACE_POKEDATA, scene->pid[3], nowhere, 1) == -1 && errno == EIO);
	MUST(!ptrace(PTRACE_POKEDATA, scene->pid[3], &word, 1L));
	MUST(!ptrace(PTRACE_DETACH, scene->pid[3], NULL, NULL));
}

#ifdef PTRACE_ARCH_PRCTL
#define GET_FS		0x1003	/* <asm/prctl.h> */

static void get_base(struct scene *scene)
{
	unsigned long base;

	attach(scene->pid[3]);
	MUST(!ptrace(PTRACE_ARCH_PRCTL, scene->pid[3], &base, GET_FS));
	MUST(!ptrace(PTRACE_DETACH, scene->pid[3], NULL, NULL));
}
#else
#define get_base	get_registers
#endif

static void read_registers(struct scene *scene)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/syscall", scene->pid[3]);
	take_file(path);
}

ACT(ptrace_data)
{
	actor(scene, 3, idle);
	done(scene, 3);
	run(scene, 0, get_registers);
	run(scene, 1, peek);
	run(scene, 2, poke);
	run(scene, 4, get_base);
	run(scene, 5, read_registers);
	go(scene, 3);
	finish(scene, 3);
}

CHECK(ptrace_data)
{
	const int traced = process(scene, graph, 3, 0);

	EXPECT_EDGES(traced, process(scene, graph, 0, 0), "peek", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 0, 0), traced);
	EXPECT_EDGES(traced, process(scene, graph, 1, 0), "peek", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 1, 0), traced);
	EXPECT_EDGES(traced, process(scene, graph, 4, 0), "peek", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 4, 0), traced);
	EXPECT_EDGES(traced, process(scene, graph, 5, 0), "peek", "data", 1);
	EXPECT_EDGES(process(scene, graph, 2, 0), traced, "poke", "data", 1);
	EXPECT_NO_DATA(traced, process(scene, graph, 2, 0));
}

CASE(ptrace_state, "influence",
     "ptrace: a set of registers, what is known of a signal, the system call; and what fails",
     "ptrace_done", "peek for what is got, poke for what is set, data, and nothing back")

static void get_set(struct scene *scene)
{
	struct user_regs_struct regs;
	struct iovec set = { &regs, sizeof(regs) };

	attach(scene->pid[0]);
	MUST(!ptrace(PTRACE_GETREGSET, scene->pid[0], NT_PRSTATUS, &set));
	MUST(!ptrace(PTRACE_DETACH, scene->pid[0], NULL, NULL));
}

static void get_signal(struct scene *scene)
{
	siginfo_t info;

	attach(scene->pid[0]);
	MUST(!ptrace(PTRACE_GETSIGINFO, scene->pid[0], NULL, &info) && info.si_signo == SIGSTOP);
	MUST(!ptrace(PTRACE_DETACH, scene->pid[0], NULL, NULL));
}

static void get_call(struct scene *scene)
{
	char info[128];

	attach(scene->pid[0]);
	MUST(ptrace(PTRACE_GET_SYSCALL_INFO, scene->pid[0], sizeof(info), info) > 0);
	MUST(!ptrace(PTRACE_DETACH, scene->pid[0], NULL, NULL));
}

/* That of floating point, as it is in the beginning: nothing in a system call needs it. */
static void set_set(struct scene *scene)
{
	struct user_fpregs_struct regs = { .cwd = 0x37f, .mxcsr = 0x1f80 };
	struct iovec set = { &regs, sizeof(regs) };

	attach(scene->pid[0]);
	MUST(!ptrace(PTRACE_SETREGSET, scene->pid[0], NT_PRFPREG, &set));
	MUST(!ptrace(PTRACE_DETACH, scene->pid[0], NULL, NULL));
}

static void set_signal(struct scene *scene)
{
	siginfo_t info = { .si_signo = SIGSTOP };

	attach(scene->pid[0]);
	MUST(!ptrace(PTRACE_SETSIGINFO, scene->pid[0], NULL, &info));
	MUST(!ptrace(PTRACE_DETACH, scene->pid[0], NULL, NULL));
}

/* There is no such set, and these registers only a process of 32 bits has by that name. */
static void fail_to_trace(struct scene *scene)
{
	char bytes[64] = "";
	struct iovec set = { bytes, sizeof(bytes) };

	attach(scene->pid[0]);
	MUST(ptrace(PTRACE_GETREGSET, scene->pid[0], -1, &set) && errno == EINVAL);
	MUST(ptrace(PTRACE_SETREGSET, scene->pid[0], -1, &set) && errno == EINVAL);
	MUST(ptrace(PTRACE_GETFPXREGS, scene->pid[0], NULL, bytes) && errno == EIO);
	MUST(ptrace(PTRACE_SETFPXREGS, scene->pid[0], NULL, bytes) && errno == EIO);
	MUST(!ptrace(PTRACE_DETACH, scene->pid[0], NULL, NULL));
}

ACT(ptrace_state)
{
	actor(scene, 0, idle);
	done(scene, 0);
	run(scene, 1, get_set);
	run(scene, 2, get_signal);
	run(scene, 3, get_call);
	run(scene, 4, set_set);
	run(scene, 5, set_signal);
	run(scene, 6, fail_to_trace);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(ptrace_state)
{
	const int traced = process(scene, graph, 0, 0), failed = process(scene, graph, 6, 0);

	for (int role = 1; role <= 5; role++) {
		const int tracer = process(scene, graph, role, 0);
		const bool gets = role <= 3;

		EXPECT_EDGES(gets ? traced : tracer, gets ? tracer : traced,
			     gets ? "peek" : "poke", "data", 1);
		EXPECT_NO_DATA(gets ? tracer : traced, gets ? traced : tracer);
	}
	EXPECT_NO_DATA(traced, failed);
	EXPECT_NO_DATA(failed, traced);
}

CASE(ptrace_set, "influence", "PTRACE_SETREGS and PTRACE_SETFPREGS", "ptrace_done",
     "poke, data, tracer to traced; nothing back from floating point")

static void set_registers(struct scene *scene)
{
	struct user_regs_struct regs;

	attach(scene->pid[0]);
	MUST(!ptrace(PTRACE_GETREGS, scene->pid[0], NULL, &regs));
	take_file(in(scene, "secret"));
	MUST(!ptrace(PTRACE_SETREGS, scene->pid[0], NULL, &regs));
	MUST(!ptrace(PTRACE_DETACH, scene->pid[0], NULL, NULL));
}

static void set_floating(struct scene *scene)
{
	struct user_fpregs_struct regs = { .cwd = 0x37f, .mxcsr = 0x1f80 };

	attach(scene->pid[0]);
	MUST(!ptrace(PTRACE_SETFPREGS, scene->pid[0], NULL, &regs));
	MUST(!ptrace(PTRACE_DETACH, scene->pid[0], NULL, NULL));
}

static void idle_and_put(struct scene *scene)
{
	told();
	await();
	put_file(in(scene, "to"), "x");
}

ACT(ptrace_set)
{
	put_file(in(scene, "secret"), "s");
	actor(scene, 0, idle_and_put);
	done(scene, 0);
	run(scene, 1, set_registers);
	run(scene, 2, set_floating);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(ptrace_set)
{
	const int traced = process(scene, graph, 0, 0);

	EXPECT_EDGES(process(scene, graph, 1, 0), traced, "poke", "data", 1);
	EXPECT_EDGES(process(scene, graph, 2, 0), traced, "poke", "data", 1);
	EXPECT_NO_DATA(traced, process(scene, graph, 2, 0));
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
}

CASE(traceme, "influence", "a child asks to be traced", "task_traced", "ptrace, control")

static void trace_child(struct scene *scene)
{
	const pid_t pid = fork();
	int status;

	MUST(pid >= 0);
	if (!pid) {
		put_file(in(scene, "mark"), "x");
		MUST(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid);
}

ACT(traceme)
{
	run(scene, 0, trace_child);
}

CHECK(traceme)
{
	const int child = graph_from(graph, file(scene, graph, "mark"), "write");

	EXPECT_EDGES(process(scene, graph, 0, 0), child, "ptrace", "control", 1);
	EXPECT_NO_EDGE(child, process(scene, graph, 0, 0), "ptrace");
}

CASE(process_vm, "influence", "process_vm_readv and process_vm_writev",
     "memory_begins, memory_accessed", "peek and poke, data; nothing of a bad address")

static ssize_t vm(pid_t pid, bool write, void *where)
{
	static long copy;
	const struct iovec local = { &copy, sizeof(copy) }, remote = { where, sizeof(copy) };

	return write ? process_vm_writev(pid, &local, 1, &remote, 1, 0) :
		       process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

static void vm_read(struct scene *scene)
{
	for (int i = 0; i < 10; i++)
		MUST(vm(scene->pid[3], false, (void *)&word) == sizeof(long));
}

static void vm_write(struct scene *scene)
{
	for (int i = 0; i < 10; i++)
		MUST(vm(scene->pid[3], true, (void *)&word) == sizeof(long));
}

static void vm_fail(struct scene *scene)
{
	MUST(vm(scene->pid[3], false, nowhere) < 0 && errno == EFAULT);
	MUST(vm(scene->pid[3], true, nowhere) < 0 && errno == EFAULT);
}

ACT(process_vm)
{
	actor(scene, 3, idle);
	done(scene, 3);
	run(scene, 0, vm_read);
	run(scene, 1, vm_write);
	run(scene, 2, vm_fail);
	go(scene, 3);
	finish(scene, 3);
}

CHECK(process_vm)
{
	const int other = process(scene, graph, 3, 0), failed = process(scene, graph, 2, 0);

	EXPECT_EDGES(other, process(scene, graph, 0, 0), "peek", "data", 1);
	EXPECT_EDGES(process(scene, graph, 1, 0), other, "poke", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 0, 0), other);
	EXPECT_NO_DATA(other, process(scene, graph, 1, 0));
	EXPECT_NO_DATA(other, failed);
	EXPECT_NO_DATA(failed, other);
}

CASE(proc_mem, "influence",
     "/proc/PID/mem read and written; /proc/PID/environ, cmdline and auxv read",
     "memory_begins, memory_accessed", "peek and poke, data; nothing of one's own")

static int open_proc(pid_t pid, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, flags);
	MUST(fd >= 0);
	return fd;
}

static void mem_read(struct scene *scene)
{
	const int fd = open_proc(scene->pid[4], "mem", O_RDONLY);
	long copy;

	MUST(pread(fd, &copy, sizeof(copy), (long)&word) == sizeof(copy) && copy == 0x5ec2e7);
}

static void mem_write(struct scene *scene)
{
	const int fd = open_proc(scene->pid[4], "mem", O_RDWR);
	const long copy = 1;

	MUST(pwrite(fd, &copy, sizeof(copy), (long)&word) == sizeof(copy));
}

static void environ_read(struct scene *scene)
{
	char text[64];

	MUST(read(open_proc(scene->pid[4], "environ", O_RDONLY), text, sizeof(text)) > 0);
}

static void cmdline_read(struct scene *scene)
{
	char text[64];

	MUST(read(open_proc(scene->pid[4], "cmdline", O_RDONLY), text, sizeof(text)) > 0);
	MUST(read(open_proc(getpid(), "environ", O_RDONLY), text, sizeof(text)) > 0);
}

static void auxv_read(struct scene *scene)
{
	char text[64];

	MUST(read(open_proc(scene->pid[4], "auxv", O_RDONLY), text, sizeof(text)) > 0);
}

/* One's own, and none of another's. */
static void auxv_only_open(struct scene *scene)
{
	char text[64];

	MUST(read(open_proc(getpid(), "auxv", O_RDONLY), text, sizeof(text)) > 0);
	MUST(read(open_proc(scene->pid[4], "auxv", O_RDONLY), text, 0) == 0);
}

ACT(proc_mem)
{
	actor(scene, 4, idle);
	done(scene, 4);
	run(scene, 0, mem_read);
	run(scene, 1, mem_write);
	run(scene, 2, environ_read);
	run(scene, 3, cmdline_read);
	run(scene, 5, auxv_read);
	run(scene, 6, auxv_only_open);
	go(scene, 4);
	finish(scene, 4);
}

CHECK(proc_mem)
{
	const int other = process(scene, graph, 4, 0);

	EXPECT_EDGES(other, process(scene, graph, 0, 0), "peek", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 0, 0), other);
	EXPECT_EDGES(process(scene, graph, 1, 0), other, "poke", "data", 1);
	EXPECT_NO_DATA(other, process(scene, graph, 1, 0));
	EXPECT_EDGES(other, process(scene, graph, 2, 0), "peek", "data", 1);
	EXPECT_EDGES(other, process(scene, graph, 3, 0), "peek", "data", 1);
	EXPECT(graph_count(graph, ANY, process(scene, graph, 3, 0), "peek", "data") == 1);
	EXPECT_EDGES(other, process(scene, graph, 5, 0), "peek", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 5, 0), other);
	EXPECT_NO_EDGE(ANY, process(scene, graph, 6, 0), "peek");
}

CASE(limits, "influence", "limits, priorities and scheduler of another process",
     "task_setnice, task_setrlimit, task_setscheduler, task_setioprio",
     "limit, control, once; none for one's own")

static void set_limits(struct scene *scene)
{
	const struct rlimit limit = { 100, 200 };

	MUST(!setpriority(PRIO_PROCESS, scene->pid[1], 5));
	MUST(!prlimit(scene->pid[1], RLIMIT_NOFILE, &limit, NULL));
}

static void set_scheduler(struct scene *scene)
{
	MUST(!sched_setscheduler(scene->pid[1], SCHED_BATCH, &(struct sched_param){ 0 }));
}

/* IOPRIO_WHO_PROCESS, and the lowest of the class "best effort". */
static void set_io_priority(struct scene *scene)
{
	MUST(!syscall(SYS_ioprio_set, 1, scene->pid[1], 2 << 13 | 7));
}

static void set_own(struct scene *scene)
{
	const struct rlimit limit = { 100, 200 };

	(void)scene;
	MUST(!setpriority(PRIO_PROCESS, 0, 5));
	MUST(!setrlimit(RLIMIT_NOFILE, &limit));
}

ACT(limits)
{
	actor(scene, 1, idle);
	done(scene, 1);
	run(scene, 0, set_limits);
	run(scene, 2, set_own);
	run(scene, 3, set_scheduler);
	run(scene, 4, set_io_priority);
	go(scene, 1);
	finish(scene, 1);
}

CHECK(limits)
{
	const int other = process(scene, graph, 1, 0), own = process(scene, graph, 2, 0);

	EXPECT_EDGES(process(scene, graph, 0, 0), other, "limit", "control", 1);
	EXPECT_NO_DATA(process(scene, graph, 0, 0), other);
	EXPECT_EDGES(process(scene, graph, 3, 0), other, "limit", "control", 1);
	EXPECT_EDGES(process(scene, graph, 4, 0), other, "limit", "control", 1);
	EXPECT_NODE(own);
	EXPECT(graph_count(graph, own, ANY, "limit", NULL) == 0);
}

CASE(subreaper, "influence", "an orphan ends whose ancestor has called PR_SET_CHILD_SUBREAPER",
     "status_taken", "wait, control, from the orphan to that ancestor; no data")

static void leave_orphan(struct scene *scene)
{
	const pid_t parent = getpid(), pid = fork();

	MUST(pid >= 0);
	if (pid)
		_exit(0);
	while (getppid() == parent)
		pause_ms(1);
	put_file(in(scene, "mark"), "x");
	_exit(5);
}

static void reap_orphan(struct scene *scene)
{
	int status;
	pid_t pid;

	MUST(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid = fork();
	MUST(pid >= 0);
	if (!pid)
		leave_orphan(scene);
	MUST(waitpid(pid, &status, 0) == pid && !status);
	/* It is ours now. */
	MUST(wait(&status) > 0 && WEXITSTATUS(status) == 5);
}

ACT(subreaper)
{
	run(scene, 0, reap_orphan);
}

CHECK(subreaper)
{
	const int reaper = process(scene, graph, 0, 0);
	const int orphan = graph_from(graph, file(scene, graph, "mark"), "write");
	const int parent = graph_to(graph, reaper, "fork");

	EXPECT(orphan != parent);
	EXPECT_EDGES(parent, orphan, "fork", "data", 1);
	EXPECT_EDGES(orphan, reaper, "wait", "control", 1);
	EXPECT_NO_EDGE(orphan, parent, NULL);
	EXPECT_NO_DATA(orphan, reaper);
}

CASE(parent_death, "influence", "the signal of PR_SET_PDEATHSIG, when the parent ends",
     "signal_sent", "signal, control, from the parent; nothing to a child that has asked for none")

static void outlive(struct scene *scene, pid_t parent, bool ask)
{
	const struct timespec limit = { .tv_sec = STEP_SECONDS };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	MUST(!sigprocmask(SIG_BLOCK, &set, NULL));
	if (ask)
		MUST(!prctl(PR_SET_PDEATHSIG, SIGUSR1));
	put_file(in(scene, ask ? "asked" : "other"), "x");
	/* The parent is seen to be another one before the signal is sent. */
	if (ask)
		MUST(sigtimedwait(&set, NULL, &limit) == SIGUSR1);
	while (getppid() == parent)
		pause_ms(1);
	put_file(in(scene, ask ? "asked-end" : "other-end"), "x");
	_exit(0);
}

static void die_as_parent(struct scene *scene)
{
	const pid_t parent = getpid();

	for (int i = 0; i < 2; i++) {
		const pid_t pid = fork();

		MUST(pid >= 0);
		if (!pid)
			outlive(scene, parent, !i);
	}
	while (access(in(scene, "other"), F_OK) || access(in(scene, "asked"), F_OK))
		pause_ms(5);
}

/* They are nobody's whom we could wait for. */
static void wait_for_file(const char *path)
{
	for (int i = 0; access(path, F_OK) && i < STEP_SECONDS * 50; i++)
		pause_ms(20);
}

ACT(parent_death)
{
	run(scene, 0, die_as_parent);
	wait_for_file(in(scene, "asked-end"));
	wait_for_file(in(scene, "other-end"));
}

CHECK(parent_death)
{
	const int parent = process(scene, graph, 0, 0);
	const int asked = graph_from(graph, file(scene, graph, "asked-end"), "write");
	const int other = graph_from(graph, file(scene, graph, "other-end"), "write");

	EXPECT_EDGES(parent, asked, "signal", "control", 1);
	EXPECT_NO_EDGE(parent, other, "signal");
}

CASE(shown_memory, "influence", "what PR_SET_MM shows as arguments, read from /proc/PID/cmdline",
     "memory_accessed", "peek, data, from whose memory it is; not before")

static void show_secret(struct scene *scene)
{
	const int fd = open(in(scene, "secret"), O_RDONLY | O_CLOEXEC);
	/* The kernel does not show memory of files. */
	char *const shown = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(shown != MAP_FAILED);
	told();
	await();
	MUST(fd >= 0 && read(fd, shown, 4096) == 6);
	close(fd);
	/* The stack is above: so the beginning is never behind the end. */
	MUST(!prctl(PR_SET_MM, PR_SET_MM_ARG_START, shown, 0, 0));
	MUST(!prctl(PR_SET_MM, PR_SET_MM_ARG_END, shown + 7, 0, 0));
	told();
	await();
}

static void copy_arguments(struct scene *scene, const char *name, bool secret)
{
	char text[4096] = "";

	MUST(read(open_proc(scene->pid[0], "cmdline", O_RDONLY), text, sizeof(text) - 1) > 0);
	MUST(!strncmp(text, "secret", 6) == secret);
	put_file(in(scene, name), text);
}

static void copy_before(struct scene *scene)
{
	copy_arguments(scene, "before", false);
}

static void copy_after(struct scene *scene)
{
	copy_arguments(scene, "after", true);
}

ACT(shown_memory)
{
	put_file(in(scene, "secret"), "secret");
	actor(scene, 0, show_secret);
	done(scene, 0);
	run(scene, 1, copy_before);
	step(scene, 0);
	run(scene, 2, copy_after);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(shown_memory)
{
	const int secret = file(scene, graph, "secret"), owner = process(scene, graph, 0, 0);

	EXPECT_EDGES(owner, process(scene, graph, 1, 0), "peek", "data", 1);
	EXPECT_EDGES(owner, process(scene, graph, 2, 0), "peek", "data", 1);
	EXPECT_NOT_REACHES(secret, file(scene, graph, "before"));
	EXPECT_REACHES(secret, file(scene, graph, "after"));
	EXPECT_NO_DATA(process(scene, graph, 2, 0), owner);
}

CASE(ptracer, "influence", "PR_SET_PTRACER, where Yama lets only ancestors trace",
     "task_traced, ptrace_access_check",
     "ptrace, control, of who has been named; refused by yama, EPERM, of who has not")

#define PTRACE_SCOPE	"/proc/sys/kernel/yama/ptrace_scope"
#define NOBODY		65534

static void become_traceable(void)
{
	MUST(!setresgid(NOBODY, NOBODY, NOBODY) && !setresuid(NOBODY, NOBODY, NOBODY));
	/* Who changes its ids is no longer. */
	MUST(!prctl(PR_SET_DUMPABLE, 1));
}

static void name_tracer(struct scene *scene)
{
	become_traceable();
	MUST(!prctl(PR_SET_PTRACER, scene->pid[0]));
	await();
}

static void name_nobody(struct scene *scene)
{
	(void)scene;
	become_traceable();
	await();
}

static pid_t *traced;

static void trace_both(struct scene *scene)
{
	(void)scene;
	become_traceable();
	await();
	MUST(ptrace(PTRACE_SEIZE, traced[1], NULL, NULL) == -1 && errno == EPERM);
	MUST(!ptrace(PTRACE_SEIZE, traced[0], NULL, NULL));
	MUST(!ptrace(PTRACE_INTERRUPT, traced[0], NULL, NULL));
	MUST(waitpid(traced[0], NULL, __WALL) == traced[0]);
	MUST(!ptrace(PTRACE_DETACH, traced[0], NULL, NULL));
}

ACT(ptracer)
{
	char scope[2] = "";
	int fd;

	fd = open(PTRACE_SCOPE, O_RDWR | O_CLOEXEC);
	if (fd < 0 || read(fd, scope, 1) != 1) {
		flow_skip("no Yama");
		return;
	}
	close(fd);
	traced = mmap(NULL, sizeof(*traced) * 2, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!EXPECT(traced != MAP_FAILED))
		return;
	put_file(PTRACE_SCOPE, "1");
	actor(scene, 0, trace_both);
	actor(scene, 1, name_tracer);
	actor(scene, 2, name_nobody);
	/* Nobody may send us a signal. */
	blocked(scene, 1);
	blocked(scene, 2);
	traced[0] = scene->pid[1];
	traced[1] = scene->pid[2];
	go(scene, 0);
	finish(scene, 0);
	for (int i = 1; i <= 2; i++) {
		go(scene, i);
		finish(scene, i);
	}
	put_file(PTRACE_SCOPE, scope);
}

CHECK(ptracer)
{
	const int tracer = process(scene, graph, 0, 0), named = process(scene, graph, 1, 0);
	const int other = process(scene, graph, 2, 0);

	EXPECT_EDGES(tracer, named, "ptrace", "control", 1);
	EXPECT(!graph_refused(graph, tracer, named, NULL, NULL, NULL));
	EXPECT_NO_EDGE(tracer, other, "ptrace");
	EXPECT(graph_refused(graph, tracer, other, "ptrace_access_check", "yama", "EPERM") == 1,
	       "%d refusals",
	       graph_refused(graph, tracer, other, NULL, NULL, NULL));
	/* To name a tracer gives it nothing yet. */
	EXPECT_NO_EDGE(named, tracer, "ptrace");
}
