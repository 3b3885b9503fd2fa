// SPDX-License-Identifier: GPL-2.0
/* Opaque processes and the mark on files */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow.h"
#include "uring.h"

/* Exit statuses of provctl. */
#define DONE		0
#define FAILED		1
#define NO_PRIVILEGE	5

static void provctl(const char *verb, const char *object, int status)
{
	const char *const argv[] = { "provctl", "opaque", verb, object, NULL };
	char *output;
	const int found = run_tool(&output, argv);

	EXPECT(found == status, "provctl opaque %s %s ended with %d, not %d", verb, object, found,
	       status);
	free(output);
}

static void provctl_process(const char *verb, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	provctl(verb, text, DONE);
}

/* A copy of cat in the case's directory, to be marked. */
static void make_cat(const struct scene *scene)
{
	const char *const copy[] = { "cp", "/bin/cat", in(scene, "cat"), NULL };
	char *output;

	EXPECT(run_tool(&output, copy) == 0);
	free(output);
}

/* How often the recording of the node was switched in that way. */
static int changes(const struct graph *graph, int node, const char *how)
{
	const json_t *const list = json_object_get(graph_node(graph, node), "opaque_changes");
	const json_t *item;
	int count = 0;
	size_t i;

	json_array_foreach((json_t *)list, i, item)
		count += !strcmp(json_string_value(json_object_get(item, "change")), how);
	return count;
}

CASE(set_clear, "opaque", "opaque set and cleared for a running process", "netlink",
     "set and cleared, with who did it; nothing of the process in between")

static void write_thrice(struct scene *scene)
{
	take_file(in(scene, "before"));
	put_file(in(scene, "to-before"), "x");
	told();
	await();
	take_file(in(scene, "hidden"));
	put_file(in(scene, "to-hidden"), "x");
	told();
	await();
	take_file(in(scene, "after"));
	put_file(in(scene, "to-after"), "x");
}

ACT(set_clear)
{
	put_file(in(scene, "before"), "x");
	put_file(in(scene, "hidden"), "x");
	put_file(in(scene, "after"), "x");
	actor(scene, 0, write_thrice);
	done(scene, 0);
	provctl_process("set", scene->pid[0]);
	step(scene, 0);
	provctl_process("clear", scene->pid[0]);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(set_clear)
{
	const int node = process(scene, graph, 0, 0);
	const json_t *const list = json_object_get(graph_node(graph, node), "opaque_changes");

	EXPECT_EDGE(node, file(scene, graph, "to-before"), "write", "data");
	EXPECT_NO_EDGE(file(scene, graph, "hidden"), node, "read");
	EXPECT(file(scene, graph, "to-hidden") == NO_NODE, "what the opaque process made is named");
	EXPECT_EDGE(file(scene, graph, "after"), node, "read", "data");
	EXPECT_EDGE(node, file(scene, graph, "to-after"), "write", "data");
	EXPECT(changes(graph, node, "set") == 1);
	EXPECT(changes(graph, node, "cleared") == 1);
	EXPECT(json_object_get(json_array_get(list, 0), "by"));
}

CASE(mapping, "opaque", "a process with shared memory, opaque and visible again",
     "netlink, mapping_added", "what it maps flows again from then on, and not in between")

static void share_and_take(struct scene *scene)
{
	const int fd = open(in(scene, "shared"), O_RDWR);

	MUST(fd >= 0);
	MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
	told();
	await();
	take_file(in(scene, "hidden"));
	told();
	await();
	take_file(in(scene, "after"));
	told();
	await();
}

static void copy_between(struct scene *scene)
{
	take_file(in(scene, "shared"));
	put_file(in(scene, "between"), "x");
}

static void copy_last(struct scene *scene)
{
	take_file(in(scene, "shared"));
	put_file(in(scene, "last"), "x");
}

ACT(mapping)
{
	put_file(in(scene, "hidden"), "x");
	put_file(in(scene, "after"), "x");
	put_file(in(scene, "shared"), "x");
	actor(scene, 0, share_and_take);
	done(scene, 0);
	provctl_process("set", scene->pid[0]);
	step(scene, 0);
	run(scene, 1, copy_between);
	provctl_process("clear", scene->pid[0]);
	step(scene, 0);
	run(scene, 2, copy_last);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(mapping)
{
	const int node = process(scene, graph, 0, 0);

	EXPECT_EDGE(node, file(scene, graph, "shared"), "mmap_write", "data");
	EXPECT_REACHES(file(scene, graph, "after"), file(scene, graph, "last"));
	EXPECT_NOT_REACHES(file(scene, graph, "after"), file(scene, graph, "between"));
	EXPECT_NO_EDGE(file(scene, graph, "hidden"), node, "read");
}

CASE(registered, "opaque",
     "a process with shared memory registered with io_uring, opaque and visible again",
     "buffer_registered, buffer_left",
     "what it maps flows again, also when it is registered no more; not in between")

static void register_and_take(struct scene *scene)
{
	void *const place = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, scene->fd[0], 0);
	const struct iovec buffer = { place, 4096 };
	struct ring ring;

	MUST(place != MAP_FAILED);
	ring_open(&ring, 0);
	ring_register(&ring, IORING_REGISTER_BUFFERS, &buffer, 1);
	told();
	await();
	take_file(in(scene, "hidden"));
	told();
	await();
	ring_register(&ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
	take_file(in(scene, "after"));
	told();
	await();
	/* It is mapped no more now. */
	MUST(!munmap(place, 4096));
	take_file(in(scene, "late"));
	told();
	await();
}

static void copy_memory(struct scene *scene, const char *name)
{
	char byte;

	MUST(pread(scene->fd[0], &byte, 1, 0) == 1);
	put_file(in(scene, name), "x");
}

static void copy_memory_between(struct scene *scene)
{
	copy_memory(scene, "between");
}

static void copy_memory_after(struct scene *scene)
{
	copy_memory(scene, "last");
}

static void copy_memory_late(struct scene *scene)
{
	copy_memory(scene, "unmapped");
}

ACT(registered)
{
	put_file(in(scene, "hidden"), "x");
	put_file(in(scene, "after"), "x");
	put_file(in(scene, "late"), "x");
	scene->fd[0] = memfd_create("flow_registered", 0);
	EXPECT(!ftruncate(scene->fd[0], 4096));
	actor(scene, 0, register_and_take);
	done(scene, 0);
	provctl_process("set", scene->pid[0]);
	step(scene, 0);
	run(scene, 1, copy_memory_between);
	provctl_process("clear", scene->pid[0]);
	step(scene, 0);
	run(scene, 2, copy_memory_after);
	step(scene, 0);
	run(scene, 3, copy_memory_late);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(registered)
{
	const int node = process(scene, graph, 0, 0);
	const int memory = graph_from(graph, process(scene, graph, 2, 0), "read");

	EXPECT_EDGE(node, memory, "mmap_write", "data");
	EXPECT_REACHES(file(scene, graph, "after"), file(scene, graph, "last"));
	EXPECT_NOT_REACHES(file(scene, graph, "after"), file(scene, graph, "between"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "unmapped"));
	EXPECT_NO_EDGE(file(scene, graph, "hidden"), node, "read");
}

CASE(fork, "opaque", "fork of an opaque process", "task_alloc", "the child is recorded")

static void fork_and_write(struct scene *scene)
{
	pid_t pid;

	await();
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		put_file(in(scene, "by-child"), "x");
		_exit(0);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
	put_file(in(scene, "by-parent"), "x");
}

ACT(fork)
{
	actor(scene, 0, fork_and_write);
	provctl_process("set", scene->pid[0]);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(fork)
{
	const int child = graph_from(graph, file(scene, graph, "by-child"), "write");

	EXPECT_NODE(child);
	EXPECT(graph_integer(graph, child, "ppid") == scene->pid[0]);
	EXPECT_EDGES(process(scene, graph, 0, 0), child, "fork", "data", 1);
	EXPECT(file(scene, graph, "by-parent") == NO_NODE);
}

CASE(exec_unmarked, "opaque", "execve of a file without the mark by an opaque process",
     "bprm_committed_creds", "the new image is recorded, and says that it was opaque")

/* What cat prints must not get into the TAP. */
static void be_quiet(void)
{
	MUST(dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO) == STDOUT_FILENO);
}

static void exec_cat(struct scene *scene)
{
	MUST(!chdir(scene->dir));
	be_quiet();
	await();
	execl(in(scene, "cat"), "cat", "file", NULL);
}

ACT(exec_unmarked)
{
	make_cat(scene);
	put_file(in(scene, "file"), "x");
	actor(scene, 0, exec_cat);
	provctl_process("set", scene->pid[0]);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(exec_unmarked)
{
	const int new = process(scene, graph, 0, 1);

	EXPECT(changes(graph, new, "exec") == 1);
	EXPECT_EDGES(file(scene, graph, "file"), new, "read", "data", 1);
	EXPECT_EDGES(process(scene, graph, 0, 0), new, "exec", "data", 1);
}

CASE(exec_marked, "opaque", "execve of a marked file with CAP_AUDIT_CONTROL",
     "bprm_committed_creds", "the new image is opaque, and it is said of it")

ACT(exec_marked)
{
	make_cat(scene);
	put_file(in(scene, "file"), "x");
	provctl("mark", in(scene, "cat"), DONE);
	actor(scene, 0, exec_cat);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(exec_marked)
{
	const int new = process(scene, graph, 0, 1);

	EXPECT(changes(graph, file(scene, graph, "cat"), "marked") == 1);
	EXPECT(changes(graph, new, "set") == 1);
	EXPECT_NO_EDGE(file(scene, graph, "file"), new, "read");
}

CASE(exec_script, "opaque", "execve of a script whose interpreter is marked",
     "bprm_check_security, bprm_committed_creds", "the new image is opaque if the script is, too")

static void exec_script(struct scene *scene)
{
	be_quiet();
	execl(in(scene, "script"), "script", in(scene, "file"), NULL);
}

ACT(exec_script)
{
	char text[PATH_MAX];

	make_cat(scene);
	put_file(in(scene, "file"), "x");
	snprintf(text, sizeof(text), "#!%s\n", in(scene, "cat"));
	put_file(in(scene, "script"), text);
	EXPECT(!chmod(in(scene, "script"), 0755));
	provctl("mark", in(scene, "cat"), DONE);
	run(scene, 0, exec_script);
	provctl("mark", in(scene, "script"), DONE);
	run(scene, 1, exec_script);
}

CHECK(exec_script)
{
	EXPECT(!changes(graph, process(scene, graph, 0, 1), "set"));
	EXPECT_EDGE(file(scene, graph, "file"), process(scene, graph, 0, 1), "read", "data");
	EXPECT(changes(graph, process(scene, graph, 1, 1), "set") == 1);
	EXPECT_NO_EDGE(file(scene, graph, "file"), process(scene, graph, 1, 1), "read");
}

CASE(exec_unprivileged, "opaque", "execve of a marked file without the capability",
     "bprm_committed_creds", "the new image is recorded")

static void exec_cat_as_nobody(struct scene *scene)
{
	MUST(!chdir(scene->dir));
	be_quiet();
	MUST(!setresgid(65534, 65534, 65534) && !setresuid(65534, 65534, 65534));
	execl(in(scene, "cat"), "cat", "file", NULL);
}

/* All capabilities, but in a user namespace of its own. */
static void exec_cat_as_other_root(struct scene *scene)
{
	MUST(!chdir(scene->dir));
	be_quiet();
	MUST(!setresgid(65534, 65534, 65534) && !setresuid(65534, 65534, 65534));
	MUST(!unshare(CLONE_NEWUSER));
	execl(in(scene, "cat"), "cat", "file", NULL);
}

ACT(exec_unprivileged)
{
	make_cat(scene);
	put_file(in(scene, "file"), "x");
	provctl("mark", in(scene, "cat"), DONE);
	run(scene, 0, exec_cat_as_nobody);
	run(scene, 1, exec_cat_as_other_root);
}

CHECK(exec_unprivileged)
{
	for (int role = 0; role < 2; role++) {
		EXPECT(!changes(graph, process(scene, graph, role, 1), "set"));
		EXPECT_EDGES(file(scene, graph, "file"), process(scene, graph, role, 1), "read",
			     "data", 1);
	}
}

CASE(mark_lost, "opaque", "a marked file that is opened for writing or truncated",
     "file_open, inode_post_setattr", "unmarked, and execve of it is recorded")

static void open_for_writing(struct scene *scene)
{
	MUST(open(in(scene, "written"), O_WRONLY) >= 0);
	MUST(open(in(scene, "appended"), O_WRONLY | O_APPEND) >= 0);
	MUST(open(in(scene, "both"), O_RDWR) >= 0);
	MUST(!truncate(in(scene, "truncated"), 1));
	MUST(open(in(scene, "emptied"), O_WRONLY | O_TRUNC) >= 0);
	MUST(open(in(scene, "read"), O_RDONLY) >= 0);
}

static const char *const marked_files[] = {
	"written", "appended", "both", "truncated", "emptied", "read"
};

ACT(mark_lost)
{
	for (int i = 0; i < 6; i++) {
		put_file(in(scene, marked_files[i]), "xx");
		provctl("mark", in(scene, marked_files[i]), DONE);
	}
	run(scene, 0, open_for_writing);
}

CHECK(mark_lost)
{
	for (int i = 0; i < 6; i++) {
		const int node = file(scene, graph, marked_files[i]);

		EXPECT(changes(graph, node, "marked") == 1, "%s", marked_files[i]);
		EXPECT(changes(graph, node, "unmarked") == (i < 5), "%s: %d", marked_files[i],
		       changes(graph, node, "unmarked"));
	}
}

CASE(mark_lost_unseen, "opaque", "a marked file that an opaque process truncates",
     "inode_post_setattr", "unmarked")

static void truncate_unseen(struct scene *scene)
{
	await();
	MUST(!truncate(in(scene, "file"), 1));
}

ACT(mark_lost_unseen)
{
	put_file(in(scene, "file"), "xx");
	provctl("mark", in(scene, "file"), DONE);
	actor(scene, 0, truncate_unseen);
	provctl_process("set", scene->pid[0]);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(mark_lost_unseen)
{
	EXPECT(changes(graph, file(scene, graph, "file"), "unmarked") == 1);
}

CASE(mark_busy, "opaque", "marking a file that is open for writing", "netlink",
     "refused; the file is not marked")

ACT(mark_busy)
{
	put_file(in(scene, "file"), "x");
	scene->fd[0] = open(in(scene, "file"), O_WRONLY);
	provctl("mark", in(scene, "file"), FAILED);
}

CHECK(mark_busy)
{
	const int node = file(scene, graph, "file");

	EXPECT(changes(graph, node, "marked") == changes(graph, node, "unmarked"), "%d, %d",
	       changes(graph, node, "marked"), changes(graph, node, "unmarked"));
}

CASE(mark_no_file, "opaque", "marking a directory, a device, a fifo", "netlink", "refused")

ACT(mark_no_file)
{
	EXPECT(!mkfifo(in(scene, "fifo"), 0644));
	provctl("mark", scene->dir, FAILED);
	provctl("mark", "/dev/null", FAILED);
	provctl("mark", in(scene, "fifo"), FAILED);
}

CHECK(mark_no_file)
{
	EXPECT(!changes(graph, file(scene, graph, "fifo"), "marked"));
}

CASE(unmark, "opaque", "taking the mark away", "netlink", "unmarked; execve of it is recorded")

ACT(unmark)
{
	make_cat(scene);
	put_file(in(scene, "file"), "x");
	provctl("mark", in(scene, "cat"), DONE);
	provctl("unmark", in(scene, "cat"), DONE);
	actor(scene, 0, exec_cat);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(unmark)
{
	EXPECT(changes(graph, file(scene, graph, "cat"), "unmarked") == 1);
	EXPECT_EDGES(file(scene, graph, "file"), process(scene, graph, 0, 1), "read", "data", 1);
}

CASE(no_privilege, "opaque", "provctl opaque by others than CAP_AUDIT_CONTROL", "netlink",
     "refused; the process goes on being recorded")

static void ask_as(const char *privilege, const char *verb, const char *object)
{
	const char *const argv[] = { "setpriv", "--reuid=65534", "--regid=65534",
				     "--clear-groups", "--", "provctl", "opaque", verb, object,
				     NULL };
	const char *const less[] = { "setpriv", "--bounding-set", "-audit_control", "--",
				     "provctl", "opaque", verb, object, NULL };
	const char *const other[] = { "setpriv", "--reuid=65534", "--regid=65534",
				      "--clear-groups", "--", "unshare", "--user",
				      "--map-root-user", "provctl", "opaque", verb, object, NULL };
	char *output;
	int status;

	status = run_tool(&output, !strcmp(privilege, "nobody") ? argv :
			  !strcmp(privilege, "root without") ? less : other);
	EXPECT(status == NO_PRIVILEGE, "%s: provctl opaque %s ended with %d", privilege, verb,
	       status);
	free(output);
}

static void write_when_told(struct scene *scene)
{
	await();
	put_file(in(scene, "to"), "x");
}

ACT(no_privilege)
{
	static const char *const who[] = { "nobody", "root without", "root of a namespace" };
	char pid[16];

	put_file(in(scene, "file"), "x");
	actor(scene, 0, write_when_told);
	snprintf(pid, sizeof(pid), "%d", scene->pid[0]);
	for (int i = 0; i < 3; i++) {
		ask_as(who[i], "set", pid);
		ask_as(who[i], "mark", in(scene, "file"));
	}
	go(scene, 0);
	finish(scene, 0);
}

CHECK(no_privilege)
{
	EXPECT(!changes(graph, process(scene, graph, 0, 0), "set"));
	EXPECT(!changes(graph, file(scene, graph, "file"), "marked"));
	EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, "to"), "write", "data", 1);
}

CASE(no_process, "opaque", "a process that is not there, a kernel thread", "netlink", "refused")

ACT(no_process)
{
	provctl("set", "2147483647", FAILED);
	provctl("set", "2", FAILED);
}

CHECK(no_process)
{
}
