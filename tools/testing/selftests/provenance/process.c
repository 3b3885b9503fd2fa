// SPDX-License-Identifier: GPL-2.0
/* Processes: fork, vfork, threads, exec, exit, credentials */
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/sched.h>

#include "flow.h"

/* A program that does nothing, with shared libraries. */
#define TRUE_PROGRAM	"/bin/true"

CASE(fork, "process", "fork", "task_alloc, task_forked", "parent to child: fork, data")

static void fork_once(struct scene *scene)
{
	pid_t pid;

	take_file(in(scene, "secret"));
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		put_file(in(scene, "copy"), "x");
		_exit(0);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
}

ACT(fork)
{
	put_file(in(scene, "secret"), "s");
	run(scene, 0, fork_once);
}

CHECK(fork)
{
	const int secret = file(scene, graph, "secret"), copy = file(scene, graph, "copy");
	const int parent = process(scene, graph, 0, 0), child = graph_from(graph, copy, "write");

	EXPECT_NODE(child);
	EXPECT(child != parent);
	EXPECT_EDGES(parent, child, "fork", "data", 1);
	EXPECT_EDGES(child, copy, "write", "data", 1);
	EXPECT(graph_integer(graph, child, "ppid") == scene->pid[0], "ppid %ld",
	       graph_integer(graph, child, "ppid"));
	EXPECT_EDGE(secret, parent, "read", "data");
	EXPECT_REACHES(secret, copy);
	EXPECT_NO_EDGE(secret, child, "read");
}

CASE(fork_before, "process", "read after fork: the child knows nothing of it", "task_forked",
     "no path from what the parent read later")

static void fork_then_read(struct scene *scene)
{
	const pid_t pid = fork();

	MUST(pid >= 0);
	if (!pid) {
		/* Its parent is the one that tells: so wait for it by signal. */
		await();
		put_file(in(scene, "copy"), "x");
		_exit(0);
	}
	take_file(in(scene, "secret"));
	MUST(!kill(pid, SIGRTMIN));
	MUST(waitpid(pid, NULL, 0) == pid);
}

ACT(fork_before)
{
	put_file(in(scene, "secret"), "s");
	run(scene, 0, fork_then_read);
}

CHECK(fork_before)
{
	const int secret = file(scene, graph, "secret"), copy = file(scene, graph, "copy");

	EXPECT_NODE(secret);
	EXPECT_REACHES(process(scene, graph, 0, 0), copy);
	EXPECT_NOT_REACHES(secret, copy);
}

CASE(vfork, "process", "vfork: one node until the child executes", "task_alloc",
     "no fork edge; exec edge from the shared node")

static void vfork_and_exec(struct scene *scene)
{
	char *const argv[] = { "true", "after-vfork", NULL };
	pid_t pid;

	take_file(in(scene, "secret"));
	pid = vfork();
	MUST(pid >= 0);
	if (!pid) {
		execv(TRUE_PROGRAM, argv);
		_exit(1);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
	put_file(in(scene, "after"), "x");
}

ACT(vfork)
{
	put_file(in(scene, "secret"), "s");
	run(scene, 0, vfork_and_exec);
}

/* The image that a node became by exec. */
static int executed_as(const struct graph *graph, int from)
{
	return from == NO_NODE ? NO_NODE : graph_to(graph, from, "exec");
}

CHECK(vfork)
{
	const int parent = process(scene, graph, 0, 0), child = executed_as(graph, parent);

	EXPECT_NODE(child);
	EXPECT(graph_integer(graph, child, "pid") > 0 &&
	       graph_integer(graph, child, "pid") != scene->pid[0]);
	EXPECT_NO_EDGE(parent, ANY, "fork");
	EXPECT_EDGES(parent, child, "exec", "data", 1);
	EXPECT_EDGES(graph_path(graph, "/usr/bin/true"), child, "exec", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), child);
	EXPECT_EDGE(parent, file(scene, graph, "after"), "write", "data");
}

CASE(threads, "process", "clone with CLONE_VM: threads share the node", "task_alloc",
     "what one thread reads, another writes, from one node")

static void *thread_reads(void *path)
{
	take_file(path);
	return NULL;
}

static void *thread_writes(void *path)
{
	put_file(path, "x");
	return NULL;
}

static void two_threads(struct scene *scene)
{
	pthread_t thread;

	MUST(!pthread_create(&thread, NULL, thread_reads, (void *)in(scene, "secret")));
	MUST(!pthread_join(thread, NULL));
	MUST(!pthread_create(&thread, NULL, thread_writes, (void *)in(scene, "copy")));
	MUST(!pthread_join(thread, NULL));
}

ACT(threads)
{
	put_file(in(scene, "secret"), "s");
	run(scene, 0, two_threads);
}

CHECK(threads)
{
	const int node = process(scene, graph, 0, 0);

	EXPECT(graph_images(graph, scene->pid[0]) == 1, "%d nodes",
	       graph_images(graph, scene->pid[0]));
	EXPECT_EDGES(file(scene, graph, "secret"), node, "read", "data", 1);
	EXPECT_EDGES(node, file(scene, graph, "copy"), "write", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
}

CASE(clone3_process, "process", "clone3 without CLONE_VM, with shared descriptors",
     "task_alloc, task_forked", "parent to child: fork, data; a node of its own")

static void clone3_and_write(struct scene *scene)
{
	struct clone_args args = {
		.flags = CLONE_FILES | CLONE_FS,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	take_file(in(scene, "secret"));
	pid = syscall(SYS_clone3, &args, sizeof(args));
	MUST(pid >= 0);
	if (!pid) {
		put_file(in(scene, "copy"), "x");
		_exit(3);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
}

ACT(clone3_process)
{
	put_file(in(scene, "secret"), "s");
	run(scene, 0, clone3_and_write);
}

CHECK(clone3_process)
{
	const int copy = file(scene, graph, "copy"), parent = process(scene, graph, 0, 0);
	const int child = graph_from(graph, copy, "write");

	EXPECT_NODE(child);
	EXPECT(child != parent);
	EXPECT(graph_integer(graph, child, "pid") != scene->pid[0]);
	EXPECT(graph_integer(graph, child, "ppid") == scene->pid[0], "ppid %ld",
	       graph_integer(graph, child, "ppid"));
	EXPECT(graph_integer(graph, child, "exit") == 3);
	EXPECT_EDGES(parent, child, "fork", "data", 1);
	EXPECT_NO_EDGE(parent, copy, "write");
	EXPECT_REACHES(file(scene, graph, "secret"), copy);
}

static _Alignas(16) char clone_stack[65536];

/*
 * clone3() with shared memory: the child has a stack of its own, on which it
 * calls @fn, and has no frame to return to.
 */
static long clone3_sharing(struct clone_args *args, actor_fn fn, struct scene *scene)
{
#ifdef __x86_64__
	register actor_fn child_fn asm("r12") = fn;
	register struct scene *child_scene asm("r13") = scene;
	long ret;

	args->stack = (unsigned long)clone_stack;
	args->stack_size = sizeof(clone_stack);
	asm volatile("syscall\n\t"
		     "test %%rax, %%rax\n\t"
		     "jnz 1f\n\t"
		     "xor %%ebp, %%ebp\n\t"
		     "mov %%r13, %%rdi\n\t"
		     "call *%%r12\n\t"
		     "mov %[exit], %%eax\n\t"
		     "xor %%edi, %%edi\n\t"
		     "syscall\n\t"
		     "hlt\n"
		     "1:"
		     : "=a" (ret)
		     : "0" ((long)SYS_clone3), "D" (args), "S" (sizeof(*args)),
		       "r" (child_fn), "r" (child_scene), [exit] "i" (SYS_exit)
		     : "rcx", "r11", "memory");
	return ret;
#else
	(void)args;
	(void)fn;
	(void)scene;
	return -1;
#endif
}

static bool has_clone3_sharing(void)
{
#ifdef __x86_64__
	return true;
#else
	flow_skip("who shares memory needs a stack, which is only written for x86-64");
	return false;
#endif
}

CASE(clone3_thread, "process", "clone3 with CLONE_THREAD: the node of its process", "task_alloc",
     "no fork edge; what the thread reads, its process writes, from one node")

static void read_secret(struct scene *scene)
{
	take_file(in(scene, "secret"));
}

static void clone3_thread_reads(struct scene *scene)
{
	static pid_t tid = -1;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			 CLONE_SYSVSEM | CLONE_CHILD_CLEARTID,
		.child_tid = (unsigned long)&tid,
	};

	MUST(clone3_sharing(&args, read_secret, scene) > 0);
	/* Nobody can wait for a thread but by this; it has our thread-local storage. */
	while (__atomic_load_n(&tid, __ATOMIC_ACQUIRE))
		pause_ms(1);
	put_file(in(scene, "copy"), "x");
}

ACT(clone3_thread)
{
	if (!has_clone3_sharing())
		return;
	put_file(in(scene, "secret"), "s");
	run(scene, 0, clone3_thread_reads);
}

CHECK(clone3_thread)
{
	const int node = process(scene, graph, 0, 0), secret = file(scene, graph, "secret");

	EXPECT(graph_images(graph, scene->pid[0]) == 1, "%d nodes",
	       graph_images(graph, scene->pid[0]));
	EXPECT_NO_EDGE(node, ANY, "fork");
	EXPECT_EDGES(secret, node, "read", "data", 1);
	EXPECT_EDGES(secret, ANY, "read", "data", 1);
	EXPECT_EDGES(node, file(scene, graph, "copy"), "write", "data", 1);
	EXPECT_REACHES(secret, file(scene, graph, "copy"));
	EXPECT(graph_integer(graph, node, "exit") == 0);
}

CASE(clone3_vm, "process", "clone3 with CLONE_VM alone: another process, the same node",
     "task_alloc, task_exiting", "no fork edge; one node, which ends with the last of the two")

static void clone3_vm_reads(struct scene *scene)
{
	struct clone_args args = { .flags = CLONE_VM, .exit_signal = SIGCHLD };
	const pid_t pid = clone3_sharing(&args, read_secret, scene);

	MUST(pid > 0);
	MUST(waitpid(pid, NULL, 0) == pid);
	put_file(in(scene, "copy"), "x");
	_exit(0);
}

ACT(clone3_vm)
{
	if (!has_clone3_sharing())
		return;
	put_file(in(scene, "secret"), "s");
	run(scene, 0, clone3_vm_reads);
}

CHECK(clone3_vm)
{
	const int node = process(scene, graph, 0, 0), secret = file(scene, graph, "secret");

	EXPECT_NO_EDGE(node, ANY, "fork");
	EXPECT_EDGES(secret, node, "read", "data", 1);
	EXPECT_EDGES(secret, ANY, "read", "data", 1);
	EXPECT_EDGES(node, file(scene, graph, "copy"), "write", "data", 1);
	EXPECT_REACHES(secret, file(scene, graph, "copy"));
	EXPECT(graph_integer(graph, node, "exit") == 0);
}

CASE(clone3_vfork, "process", "clone3 with CLONE_VM and CLONE_VFORK: one node until exec",
     "task_alloc, bprm_committed_creds", "no fork edge; exec edge from the shared node")

static void read_and_exec(struct scene *scene)
{
	char *const argv[] = { "true", "after-clone3", NULL };

	take_file(in(scene, "secret"));
	execv(TRUE_PROGRAM, argv);
}

static void clone3_vfork_execs(struct scene *scene)
{
	struct clone_args args = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };
	const pid_t pid = clone3_sharing(&args, read_and_exec, scene);

	MUST(pid > 0);
	MUST(waitpid(pid, NULL, 0) == pid);
	put_file(in(scene, "copy"), "x");
}

ACT(clone3_vfork)
{
	if (!has_clone3_sharing())
		return;
	put_file(in(scene, "secret"), "s");
	run(scene, 0, clone3_vfork_execs);
}

CHECK(clone3_vfork)
{
	const int parent = process(scene, graph, 0, 0), child = executed_as(graph, parent);

	EXPECT_NODE(child);
	EXPECT(graph_integer(graph, child, "pid") > 0 &&
	       graph_integer(graph, child, "pid") != scene->pid[0]);
	EXPECT(graph_images(graph, scene->pid[0]) == 1);
	EXPECT_NO_EDGE(parent, ANY, "fork");
	EXPECT_EDGES(parent, child, "exec", "data", 1);
	EXPECT_EDGES(graph_path(graph, "/usr/bin/true"), child, "exec", "data", 1);
	/* The child has read it, in the memory of the parent. */
	EXPECT_EDGES(file(scene, graph, "secret"), parent, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), child);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
	EXPECT_NOT_REACHES(child, file(scene, graph, "copy"));
}

CASE(exec, "process", "execve of an ELF program, with arguments",
     "bprm_creds_for_exec, bprm_check_security, bprm_committed_creds, exec_done",
     "old image and binary to new image: exec, data; argv; exe")

static void exec_elf(struct scene *scene)
{
	char *const argv[] = { "true", "one two", "", "quote\"back\\new\nline", NULL };

	take_file(in(scene, "secret"));
	execv(TRUE_PROGRAM, argv);
}

ACT(exec)
{
	put_file(in(scene, "secret"), "s");
	run(scene, 0, exec_elf);
}

static const char *argument(const struct graph *graph, int node, int number)
{
	const json_t *const argv = json_object_get(graph_node(graph, node), "argv");
	const char *const text = json_string_value(json_array_get(argv, number));

	return text ? text : "(none)";
}

CHECK(exec)
{
	const int old = process(scene, graph, 0, 0), new = process(scene, graph, 0, 1);
	const json_t *const argv = json_object_get(graph_node(graph, new), "argv");

	EXPECT(graph_images(graph, scene->pid[0]) == 2, "%d images",
	       graph_images(graph, scene->pid[0]));
	EXPECT_EDGES(old, new, "exec", "data", 1);
	EXPECT_EDGES(graph_path(graph, "/usr/bin/true"), new, "exec", "data", 1);
	EXPECT(!strcmp(graph_string(graph, new, "exe"), "/usr/bin/true"), "exe %s",
	       graph_string(graph, new, "exe"));
	EXPECT(json_array_size(argv) == 4, "%zu arguments", json_array_size(argv));
	EXPECT(!strcmp(argument(graph, new, 0), "true"));
	EXPECT(!strcmp(argument(graph, new, 1), "one two"));
	EXPECT(!strcmp(argument(graph, new, 2), ""));
	EXPECT(!strcmp(argument(graph, new, 3), "quote\"back\\new\nline"), "%s",
	       argument(graph, new, 3));
	EXPECT_REACHES(file(scene, graph, "secret"), new);
	/* The dynamic linker was mapped by the new image and not by the old. */
	EXPECT_EDGE(ANY, new, "mmap", "data");
	EXPECT(graph_integer(graph, new, "exit") == 0, "exit %ld",
	       graph_integer(graph, new, "exit"));
}

CASE(script, "process", "execve of a script with an interpreter", "bprm_check_security",
     "script and interpreter to new image: exec, data")

static void exec_script(struct scene *scene)
{
	char *const argv[] = { "script", "arg", NULL };

	execv(in(scene, "script"), argv);
}

ACT(script)
{
	put_file(in(scene, "script"), "#!/bin/sh\n: > \"${0%/*}/made\"\n");
	EXPECT(!chmod(in(scene, "script"), 0755));
	run(scene, 0, exec_script);
}

CHECK(script)
{
	const int script = file(scene, graph, "script"), new = process(scene, graph, 0, 1);

	EXPECT_EDGES(script, new, "exec", "data", 1);
	EXPECT_EDGES(graph_path(graph, "/usr/bin/dash"), new, "exec", "data", 1);
	EXPECT(!strcmp(graph_string(graph, new, "exe"), "/usr/bin/dash"), "exe %s",
	       graph_string(graph, new, "exe"));
	EXPECT(!strcmp(argument(graph, new, 0), "/bin/sh"), "%s", argument(graph, new, 0));
	/* The shell also reads the script, as data. */
	EXPECT_EDGE(script, new, "read", "data");
	EXPECT_EDGE(new, file(scene, graph, "made"), "create", "meta");
}

CASE(script_chain, "process", "a script whose interpreter is a script", "bprm_check_security",
     "every file of the chain to new image: exec, data")

static void exec_chain(struct scene *scene)
{
	char *const argv[] = { "outer", NULL };

	execv(in(scene, "outer"), argv);
}

ACT(script_chain)
{
	char line[PATH_MAX + 8];

	put_file(in(scene, "inner"), "#!/bin/sh\nexit 0\n");
	snprintf(line, sizeof(line), "#!%s\n", in(scene, "inner"));
	put_file(in(scene, "outer"), line);
	EXPECT(!chmod(in(scene, "inner"), 0755));
	EXPECT(!chmod(in(scene, "outer"), 0755));
	run(scene, 0, exec_chain);
}

CHECK(script_chain)
{
	const int new = process(scene, graph, 0, 1);

	EXPECT_EDGES(file(scene, graph, "outer"), new, "exec", "data", 1);
	EXPECT_EDGES(file(scene, graph, "inner"), new, "exec", "data", 1);
	EXPECT_EDGES(graph_path(graph, "/usr/bin/dash"), new, "exec", "data", 1);
}

CASE(binfmt_misc, "process",
     "execve of files with interpreters of binfmt_misc, by path and opened before (F)",
     "bprm_check_security", "file and interpreter to new image: exec, data")

#define BINFMT		"binfmt"
#define COPIED_SHELL	"interpreter"

static void register_format(struct scene *scene, const char *name, const char *interpreter,
			    const char *flags)
{
	char rule[PATH_MAX + 64], entry[64];

	/* To a shell, what makes the file one of this format is a comment. */
	snprintf(rule, sizeof(rule), ":%s:M::#%s::%s:%s", name, name, interpreter, flags);
	snprintf(entry, sizeof(entry), BINFMT "/%s", name);
	put_file(in(scene, BINFMT "/register"), rule);
	MUST(!access(in(scene, entry), F_OK));
}

static void register_both(struct scene *scene)
{
	char *const copy[] = { "cp", "/bin/dash", (char *)in(scene, COPIED_SHELL), NULL };

	register_format(scene, "flow-by-path", "/usr/bin/dash", "");
	if (!fork()) {
		execvp("cp", copy);
		_exit(1);
	}
	MUST(wait(NULL) > 0);
	register_format(scene, "flow-opened", in(scene, COPIED_SHELL), "F");
	/* It is what is executed nevertheless. */
	MUST(!unlink(in(scene, COPIED_SHELL)));
}

static void exec_by_path(struct scene *scene)
{
	char *const argv[] = { "ignored", "arg", NULL };

	execv(in(scene, "by-path"), argv);
}

static void exec_opened(struct scene *scene)
{
	char *const argv[] = { "ignored", "arg", NULL };

	execv(in(scene, "opened"), argv);
}

static void unregister_both(struct scene *scene)
{
	put_file(in(scene, BINFMT "/flow-by-path"), "-1");
	put_file(in(scene, BINFMT "/flow-opened"), "-1");
}

/* The format is gone: so it was its interpreter that has run before. */
static void exec_none(struct scene *scene)
{
	char *const argv[] = { "ignored", NULL };

	MUST(execv(in(scene, "by-path"), argv) == -1 && errno == ENOEXEC);
}

ACT(binfmt_misc)
{
	if (mkdir(in(scene, BINFMT), 0755) ||
	    mount("binfmt_misc", in(scene, BINFMT), "binfmt_misc", 0, NULL)) {
		flow_skip("no binfmt_misc");
		return;
	}
	put_file(in(scene, "by-path"), "#flow-by-path\n: > \"${0%/*}/made-by-path\"\n");
	put_file(in(scene, "opened"), "#flow-opened\n: > \"${0%/*}/made-opened\"\n");
	EXPECT(!chmod(in(scene, "by-path"), 0755) && !chmod(in(scene, "opened"), 0755));
	run(scene, 0, register_both);
	run(scene, 1, exec_by_path);
	run(scene, 2, exec_opened);
	run(scene, 3, unregister_both);
	run(scene, 4, exec_none);
	EXPECT(!umount(in(scene, BINFMT)));
}

CHECK(binfmt_misc)
{
	const int by_path = process(scene, graph, 1, 1), opened = process(scene, graph, 2, 1);
	const int shell = graph_path(graph, "/usr/bin/dash");
	const int copied = file(scene, graph, COPIED_SHELL);

	EXPECT_EDGES(file(scene, graph, "by-path"), by_path, "exec", "data", 1);
	EXPECT_EDGES(shell, by_path, "exec", "data", 1);
	EXPECT_EDGES(process(scene, graph, 1, 0), by_path, "exec", "data", 1);
	/* These three and no other: the formats do not mix. */
	EXPECT_EDGES(ANY, by_path, "exec", "data", 3);
	EXPECT(!strcmp(graph_string(graph, by_path, "exe"), "/usr/bin/dash"), "exe %s",
	       graph_string(graph, by_path, "exe"));
	EXPECT(!strcmp(argument(graph, by_path, 0), "/usr/bin/dash"), "%s",
	       argument(graph, by_path, 0));
	EXPECT(!strcmp(argument(graph, by_path, 1), in(scene, "by-path")), "%s",
	       argument(graph, by_path, 1));
	EXPECT_EDGE(by_path, file(scene, graph, "made-by-path"), "create", "meta");

	EXPECT_EDGES(file(scene, graph, "opened"), opened, "exec", "data", 1);
	EXPECT_EDGES(copied, opened, "exec", "data", 1);
	EXPECT_EDGES(ANY, opened, "exec", "data", 3);
	EXPECT_EDGE(opened, file(scene, graph, "made-opened"), "create", "meta");

	EXPECT_NODE(process(scene, graph, 4, 0));
	EXPECT(graph_images(graph, scene->pid[4]) == 1, "%d images",
	       graph_images(graph, scene->pid[4]));
}

CASE(exec_failed, "process", "an execve that fails", "bprm_committed_creds",
     "no new image, no exec edge")

static void exec_nothing(struct scene *scene)
{
	char *const argv[] = { "none", NULL };

	MUST(execv(in(scene, "no-format"), argv) == -1 && errno == ENOEXEC);
	MUST(execv(in(scene, "not-there"), argv) == -1 && errno == ENOENT);
	MUST(execv(in(scene, "no-permission"), argv) == -1 && errno == EACCES);
	put_file(in(scene, "after"), "x");
}

ACT(exec_failed)
{
	put_file(in(scene, "no-format"), "nothing that runs");
	EXPECT(!chmod(in(scene, "no-format"), 0755));
	put_file(in(scene, "no-permission"), "#!/bin/sh\n");
	run(scene, 0, exec_nothing);
}

CHECK(exec_failed)
{
	EXPECT(graph_images(graph, scene->pid[0]) == 1, "%d images",
	       graph_images(graph, scene->pid[0]));
	EXPECT_NO_EDGE(file(scene, graph, "no-format"), ANY, "exec");
	EXPECT_NO_EDGE(file(scene, graph, "no-permission"), ANY, "exec");
	EXPECT_NOT_REACHES(file(scene, graph, "no-format"), file(scene, graph, "after"));
}

CASE(exec_thread, "process", "execve by a thread that is not the leader", "task_exiting",
     "one new image with the process's number")

static void *thread_execs(void *unused)
{
	char *const argv[] = { "true", NULL };

	(void)unused;
	execv(TRUE_PROGRAM, argv);
	return NULL;
}

static void exec_in_thread(struct scene *scene)
{
	pthread_t thread;

	(void)scene;
	MUST(!pthread_create(&thread, NULL, thread_execs, NULL));
	pthread_join(thread, NULL);
	_exit(1);
}

ACT(exec_thread)
{
	run(scene, 0, exec_in_thread);
}

CHECK(exec_thread)
{
	const int new = process(scene, graph, 0, 1);
	const json_t *const old = graph_node(graph, process(scene, graph, 0, 0));

	EXPECT_EDGES(process(scene, graph, 0, 0), new, "exec", "data", 1);
	EXPECT(graph_integer(graph, new, "exit") == 0);
	EXPECT(json_object_get(old, "end"));
	EXPECT(json_is_true(json_object_get(old, "executed")));
	EXPECT(!json_object_get(old, "exit"));
}

CASE(environ, "process", "environment of an execve, by setting", "exec_done",
     "environ only while the setting is on")

static void exec_with_environment(struct scene *scene)
{
	char *const argv[] = { "true", NULL };
	char *const envp[] = { "SECRET_TOKEN=swordfish", "EMPTY=", NULL };

	(void)scene;
	execve(TRUE_PROGRAM, argv, envp);
}

static void set_environ(const char *value)
{
	const char *const argv[] = { "provctl", "set", value, NULL };
	char *output;

	EXPECT(!run_tool(&output, argv));
	free(output);
}

ACT(environ)
{
	run(scene, 0, exec_with_environment);
	set_environ("environ=on");
	run(scene, 1, exec_with_environment);
	set_environ("environ=off");
	run(scene, 2, exec_with_environment);
}

CHECK(environ)
{
	const int on = process(scene, graph, 1, 1);
	const json_t *const environment = json_object_get(graph_node(graph, on), "environ");

	EXPECT_NODE(on);
	EXPECT(json_array_size(environment) == 2, "%zu variables", json_array_size(environment));
	if (json_array_size(environment) == 2)
		EXPECT(!strcmp(json_string_value(json_array_get(environment, 0)),
			       "SECRET_TOKEN=swordfish"));
	for (int role = 0; role < 3; role += 2) {
		const int off = process(scene, graph, role, 1);

		EXPECT_NODE(off);
		EXPECT(!json_object_get(graph_node(graph, off), "environ"));
	}
}

CASE(long_argv, "process", "arguments of a hundred thousand bytes", "exec_done",
     "argv in parts, whole")

#define LONG_ARGUMENT	100000

static void exec_long(struct scene *scene)
{
	char *const text = malloc(LONG_ARGUMENT + 1);
	char *const argv[] = { "true", text, "end", NULL };

	(void)scene;
	MUST(text);
	memset(text, 'a', LONG_ARGUMENT);
	text[LONG_ARGUMENT] = '\0';
	execv(TRUE_PROGRAM, argv);
}

ACT(long_argv)
{
	run(scene, 0, exec_long);
}

CHECK(long_argv)
{
	const int new = process(scene, graph, 0, 1);

	EXPECT(strlen(argument(graph, new, 1)) == LONG_ARGUMENT, "%zu bytes",
	       strlen(argument(graph, new, 1)));
	EXPECT(!strcmp(argument(graph, new, 2), "end"));
	EXPECT(!json_object_get(graph_node(graph, new), "argv_cut"));
}

CASE(exit, "process", "exit and death by signal", "task_exiting", "end with the wait status")

static void exit_with_7(struct scene *scene)
{
	const pid_t pid = fork();
	int status;

	MUST(pid >= 0);
	if (!pid) {
		put_file(in(scene, "seven"), "x");
		_exit(7);
	}
	MUST(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
}

static void die_by_signal(struct scene *scene)
{
	const pid_t pid = fork();
	int status;

	MUST(pid >= 0);
	if (!pid) {
		put_file(in(scene, "killed"), "x");
		raise(SIGKILL);
	}
	MUST(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL);
}

ACT(exit)
{
	run(scene, 0, exit_with_7);
	run(scene, 1, die_by_signal);
}

CHECK(exit)
{
	const int seven = graph_from(graph, file(scene, graph, "seven"), "write");
	const int killed = graph_from(graph, file(scene, graph, "killed"), "write");

	EXPECT(graph_integer(graph, seven, "exit") == 7, "exit %ld",
	       graph_integer(graph, seven, "exit"));
	EXPECT(graph_integer(graph, killed, "signal") == SIGKILL, "signal %ld",
	       graph_integer(graph, killed, "signal"));
}

CASE(setuid, "process", "setgid and setuid", "cred_committed", "ids before and after, with time")

static void become_nobody(struct scene *scene)
{
	put_file(in(scene, "as-root"), "x");
	MUST(!setgroups(0, NULL));
	MUST(!setresgid(65534, 65534, 65534));
	MUST(!setresuid(65534, 65534, 65534));
}

ACT(setuid)
{
	run(scene, 0, become_nobody);
}

CHECK(setuid)
{
	const int node = process(scene, graph, 0, 0);
	const json_t *const creds = json_object_get(graph_node(graph, node), "creds");
	const json_t *const first = json_array_get(creds, 0);

	/* As it was forked, after setresgid() and after setresuid(). */
	EXPECT(json_array_size(creds) == 3, "%zu", json_array_size(creds));
	EXPECT(json_integer_value(json_array_get(json_object_get(first, "uids"), 0)) == 0);
	EXPECT(graph_integer(graph, node, "uid") == 65534);
	EXPECT(graph_integer(graph, node, "euid") == 65534);
	EXPECT(graph_integer(graph, node, "gid") == 65534);
}

CASE(setuid_exec, "process", "execve of a set-user-ID program", "bprm_committed_creds",
     "ids of the new image are those it has after exec")

static void exec_setuid(struct scene *scene)
{
	char *const argv[] = { "setuid-true", NULL };

	MUST(!setresuid(65534, 65534, 65534));
	execv(in(scene, "setuid-true"), argv);
}

ACT(setuid_exec)
{
	const char *const copy[] = { "cp", "/bin/true", in(scene, "setuid-true"), NULL };
	char *output;

	EXPECT(!run_tool(&output, copy));
	free(output);
	EXPECT(!chmod(in(scene, "setuid-true"), 04755));
	run(scene, 0, exec_setuid);
}

CHECK(setuid_exec)
{
	const int old = process(scene, graph, 0, 0), new = process(scene, graph, 0, 1);

	EXPECT(graph_integer(graph, old, "euid") == 65534);
	EXPECT(graph_integer(graph, new, "uid") == 65534);
	EXPECT(graph_integer(graph, new, "euid") == 0, "euid %ld",
	       graph_integer(graph, new, "euid"));
}

CASE(no_new_privs, "process", "execve of a set-user-ID program after PR_SET_NO_NEW_PRIVS",
     "bprm_committed_creds", "ids of the new image are those of the old one")

static void exec_setuid_in_vain(struct scene *scene)
{
	char *const argv[] = { "setuid-true", NULL };

	MUST(!setresuid(65534, 65534, 65534));
	MUST(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	execv(in(scene, "setuid-true"), argv);
}

ACT(no_new_privs)
{
	const char *const copy[] = { "cp", "/bin/true", in(scene, "setuid-true"), NULL };
	char *output;

	EXPECT(!run_tool(&output, copy));
	free(output);
	EXPECT(!chmod(in(scene, "setuid-true"), 04755));
	run(scene, 0, exec_setuid_in_vain);
}

CHECK(no_new_privs)
{
	const int new = process(scene, graph, 0, 1);

	EXPECT_EDGES(file(scene, graph, "setuid-true"), new, "exec", "data", 1);
	EXPECT(graph_integer(graph, new, "uid") == 65534);
	EXPECT(graph_integer(graph, new, "euid") == 65534, "euid %ld",
	       graph_integer(graph, new, "euid"));
}
