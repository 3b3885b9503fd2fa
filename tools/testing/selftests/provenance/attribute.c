// SPDX-License-Identifier: GPL-2.0
/* Attributes: what was true of processes, files and sockets, and from when on */
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow.h"

#define NOBODY		65534
#define CONFINED_SHELL	"/usr/local/bin/confined-sh"
#define CGROUPS		"/sys/fs/cgroup"
#define CGROUP		"/selftest-attribute"

/* What children tell by memory that they share with us, and not through a file. */
static struct told {
	unsigned long ino[4];
} *told_to_us;

static void share(void)
{
	if (!told_to_us)
		told_to_us = mmap(NULL, sizeof(*told_to_us), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static unsigned long namespace_ino(const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	return stat(path, &st) ? 0 : st.st_ino;
}

static unsigned long recorded(const struct graph *graph, int node, const char *name)
{
	const json_t *const ns = json_object_get(graph_node(graph, node), "ns");

	return json_integer_value(json_object_get(ns, name));
}

CASE(namespaces, "attributes", "namespaces of a process, before and after unshare",
     "namespaces_entered", "namespaces by inode number, as /proc has them")

static void leave_namespaces(struct scene *scene)
{
	(void)scene;
	MUST(!unshare(CLONE_NEWUTS | CLONE_NEWIPC));
	told_to_us->ino[0] = namespace_ino("uts");
	told_to_us->ino[1] = namespace_ino("ipc");
}

static void stay(struct scene *scene)
{
	put_file(in(scene, "mark"), "x");
}

static unsigned long uts_before, net_before, left_uts, left_ipc;

ACT(namespaces)
{
	share();
	uts_before = namespace_ino("uts");
	net_before = namespace_ino("net");
	run(scene, 0, leave_namespaces);
	left_uts = told_to_us->ino[0];
	left_ipc = told_to_us->ino[1];
	run(scene, 1, stay);
}

CHECK(namespaces)
{
	const int left = process(scene, graph, 0, 0), stayed = process(scene, graph, 1, 0);

	EXPECT_NODE(left);
	EXPECT(left_uts && left_uts != uts_before);
	EXPECT(recorded(graph, left, "uts") == left_uts, "%lu, not %lu",
	       recorded(graph, left, "uts"), left_uts);
	EXPECT(recorded(graph, left, "ipc") == left_ipc);
	EXPECT(recorded(graph, left, "net") == net_before);
	/* It has none of its own, but its parent's. */
	EXPECT(recorded(graph, stayed, "uts") == uts_before, "%lu, not %lu",
	       recorded(graph, stayed, "uts"), uts_before);
	for (int i = 0; i < 8; i++) {
		static const char *const names[] = {
			"mnt", "uts", "ipc", "net", "pid", "user", "cgroup", "time",
		};

		EXPECT(recorded(graph, stayed, names[i]) == namespace_ino(names[i]), "%s: %lu",
		       names[i], recorded(graph, stayed, names[i]));
	}
}

CASE(pid_namespace, "attributes", "a process in a pid namespace and its child", "task_forked",
     "its number there, beside the one here")

static void live_elsewhere(struct scene *scene)
{
	pid_t pid;

	MUST(!unshare(CLONE_NEWPID));
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		put_file(in(scene, "first"), "x");
		pid = fork();
		MUST(pid >= 0);
		if (!pid) {
			put_file(in(scene, "second"), "x");
			_exit(0);
		}
		MUST(waitpid(pid, NULL, 0) == pid);
		_exit(0);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
}

ACT(pid_namespace)
{
	run(scene, 0, live_elsewhere);
}

CHECK(pid_namespace)
{
	const int first = graph_from(graph, file(scene, graph, "first"), "write");
	const int second = graph_from(graph, file(scene, graph, "second"), "write");

	EXPECT_NODE(first);
	EXPECT_NODE(second);
	EXPECT(graph_integer(graph, first, "ns_pid") == 1, "%ld",
	       graph_integer(graph, first, "ns_pid"));
	EXPECT(graph_integer(graph, second, "ns_pid") == 2, "%ld",
	       graph_integer(graph, second, "ns_pid"));
	EXPECT(graph_integer(graph, first, "pid") > 2);
	EXPECT(recorded(graph, first, "pid") != recorded(graph, process(scene, graph, 0, 0), "pid"));
	EXPECT(recorded(graph, first, "pid") == recorded(graph, second, "pid"));
	EXPECT(graph_integer(graph, process(scene, graph, 0, 0), "ns_pid") == -1);
}

CASE(cgroup, "attributes", "a process moved to a cgroup by another, and its child", "cgroup_moved",
     "path and id of the cgroup; cgroup, control, from who moved it")

static void be_moved(struct scene *scene)
{
	pid_t pid;

	told();
	await();
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		put_file(in(scene, "mark"), "x");
		_exit(0);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
}

static void move(struct scene *scene)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", scene->pid[1]);
	put_file(CGROUPS CGROUP "/cgroup.procs", text);
}

static unsigned long cgroup_ino;

ACT(cgroup)
{
	struct stat st;

	if (mkdir(CGROUPS CGROUP, 0755) || stat(CGROUPS CGROUP, &st)) {
		flow_skip("no unified cgroup hierarchy at " CGROUPS);
		return;
	}
	cgroup_ino = st.st_ino;
	actor(scene, 1, be_moved);
	done(scene, 1);
	run(scene, 0, move);
	go(scene, 1);
	finish(scene, 1);
	run(scene, 2, stay);
	rmdir(CGROUPS CGROUP);
}

CHECK(cgroup)
{
	const int moved = process(scene, graph, 1, 0), stayed = process(scene, graph, 2, 0);
	const int child = graph_to(graph, moved, "fork");

	EXPECT_EDGES(process(scene, graph, 0, 0), moved, "cgroup", "control", 1);
	EXPECT_NO_DATA(process(scene, graph, 0, 0), moved);
	EXPECT(!strcmp(graph_string(graph, moved, "cgroup"), CGROUP), "%s",
	       graph_string(graph, moved, "cgroup"));
	EXPECT(graph_integer(graph, moved, "cgroup_id") == (long)cgroup_ino);
	EXPECT(!strcmp(graph_string(graph, child, "cgroup"), CGROUP), "%s",
	       graph_string(graph, child, "cgroup"));
	EXPECT_NODE(stayed);
	EXPECT(strcmp(graph_string(graph, stayed, "cgroup"), CGROUP));
}

CASE(secctx, "attributes", "security context of a confined program and of its parent",
     "bprm_committed_creds", "secctx")

static void run_confined(struct scene *scene)
{
	(void)scene;
	execl(CONFINED_SHELL, "sh", "-c", "exit 0", NULL);
}

ACT(secctx)
{
	if (access(CONFINED_SHELL, X_OK)) {
		flow_skip("no " CONFINED_SHELL ", which an AppArmor profile confines");
		return;
	}
	run(scene, 0, run_confined);
}

CHECK(secctx)
{
	const char *const confined = graph_string(graph, process(scene, graph, 0, 1), "secctx");
	const char *const before = graph_string(graph, process(scene, graph, 0, 0), "secctx");

	EXPECT(strstr(confined, "guest-confined"), "%s", confined);
	EXPECT(*before && !strstr(before, "guest-confined"), "%s", before);
}

CASE(groups, "attributes", "supplementary groups of a process, set and set to none, and of its child",
     "cred_committed", "groups")

static void set_groups(struct scene *scene)
{
	static const gid_t groups[] = { 4, 4000000000, 24 };
	pid_t child;

	MUST(!setgroups(3, groups));
	child = fork();
	MUST(child >= 0);
	if (!child) {
		put_file(in(scene, "of-child"), "x");
		MUST(!setgroups(0, NULL));
		_exit(0);
	}
	MUST(waitpid(child, NULL, 0) == child);
	execl("/bin/true", "true", NULL);
	MUST(false);
}

ACT(groups)
{
	run(scene, 0, set_groups);
}

static bool has_groups(const struct graph *graph, int node, int count)
{
	/* As the kernel sorts them. */
	static const json_int_t expected[] = { 4, 24, 4000000000 };
	const json_t *const groups = json_object_get(graph_node(graph, node), "groups");

	if (!json_is_array(groups) || (int)json_array_size(groups) != count)
		return false;
	for (int i = 0; i < count; i++)
		if (json_integer_value(json_array_get(groups, i)) != expected[i])
			return false;
	return true;
}

CHECK(groups)
{
	const int before = process(scene, graph, 0, 0), after = process(scene, graph, 0, 1);
	const int child = graph_to(graph, before, "fork");

	EXPECT_NODE(child);
	EXPECT(has_groups(graph, before, 3));
	EXPECT(has_groups(graph, after, 3));
	/* Its last ones; it began with those of its parent. */
	EXPECT(has_groups(graph, child, 0));
}

CASE(renamed, "attributes",
     "a process renames itself by prctl() and another by /proc; its child, its thread, its program",
     "task_renamed", "the name, until exec")

static void *rename_thread(void *arg)
{
	MUST(!prctl(PR_SET_NAME, "only-a-thread"));
	return arg;
}

static void rename_self(struct scene *scene)
{
	pthread_t thread;
	pid_t child;

	MUST(!prctl(PR_SET_NAME, "first-name"));
	MUST(!prctl(PR_SET_NAME, "kworker/0:1"));
	MUST(!pthread_create(&thread, NULL, rename_thread, NULL));
	MUST(!pthread_join(thread, NULL));
	child = fork();
	MUST(child >= 0);
	if (!child) {
		put_file(in(scene, "of-child"), "x");
		_exit(0);
	}
	MUST(waitpid(child, NULL, 0) == child);
	execl("/bin/true", "true", NULL);
	MUST(false);
}

static void rename_by_file(struct scene *scene)
{
	(void)scene;
	put_file("/proc/self/comm", "by-file");
}

ACT(renamed)
{
	run(scene, 0, rename_self);
	run(scene, 1, rename_by_file);
}

static bool has_name(const struct graph *graph, int node, const char *name)
{
	return !strcmp(graph_string(graph, node, "comm"), name);
}

CHECK(renamed)
{
	const int self = process(scene, graph, 0, 0), program = process(scene, graph, 0, 1);
	const int child = graph_to(graph, self, "fork");

	EXPECT(has_name(graph, self, "kworker/0:1"), "%s", graph_string(graph, self, "comm"));
	EXPECT_NODE(child);
	EXPECT(has_name(graph, child, "kworker/0:1"), "%s", graph_string(graph, child, "comm"));
	EXPECT(has_name(graph, program, "true"), "%s", graph_string(graph, program, "comm"));
	EXPECT(has_name(graph, process(scene, graph, 1, 0), "by-file"));
}

CASE(renamed_early, "attributes",
     "a process renames itself before its parent goes on (CLONE_VFORK): with memory of its own, and by vfork()",
     "task_renamed", "the name; that of who has its parent's memory is not its parent's")

static void clone_and_vfork(struct scene *scene)
{
	pid_t child;

	/* It is described before. */
	put_file(in(scene, "of-parent"), "x");
	child = syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, NULL, NULL, 0);
	MUST(child >= 0);
	if (!child) {
		put_file(in(scene, "of-child"), "x");
		MUST(!prctl(PR_SET_NAME, "named-early"));
		_exit(0);
	}
	MUST(waitpid(child, NULL, 0) == child);
	child = vfork();
	MUST(child >= 0);
	if (!child) {
		prctl(PR_SET_NAME, "only-vforked");
		_exit(0);
	}
	MUST(waitpid(child, NULL, 0) == child);
}

ACT(renamed_early)
{
	run(scene, 0, clone_and_vfork);
}

CHECK(renamed_early)
{
	const int self = process(scene, graph, 0, 0);
	const int child = graph_from(graph, file(scene, graph, "of-child"), "write");

	EXPECT_EDGES(self, child, "fork", "data", 1);
	EXPECT(has_name(graph, child, "named-early"), "%s", graph_string(graph, child, "comm"));
	EXPECT(!has_name(graph, self, "only-vforked") && !has_name(graph, self, "named-early"));
	EXPECT_NODE(self);
}

CASE(size, "attributes", "size of a file that was written and closed, and of one only read",
     "file_release", "size at close")

static void write_much(struct scene *scene)
{
	const int fd = open(in(scene, "file"), O_WRONLY);
	char text[1000] = "";

	MUST(fd >= 0);
	for (int i = 0; i < 7; i++)
		MUST(write(fd, text, sizeof(text)) == sizeof(text));
	MUST(!close(fd));
}

ACT(size)
{
	put_file(in(scene, "file"), "");
	run(scene, 0, write_much);
}

CHECK(size)
{
	EXPECT(graph_integer(graph, file(scene, graph, "file"), "size") == 7000, "%ld",
	       graph_integer(graph, file(scene, graph, "file"), "size"));
}

CASE(socket_owner, "attributes", "owner of a socket", "", "uid of who made it")

static void make_socket(struct scene *scene)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	MUST(!setgroups(0, NULL) && !setresuid(NOBODY, NOBODY, NOBODY));
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in(scene, "socket"));
	MUST(fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

ACT(socket_owner)
{
	EXPECT(!chmod(scene->dir, 0777));
	run(scene, 0, make_socket);
}

CHECK(socket_owner)
{
	const int node = graph_unix(graph, in(scene, "socket"), false);

	EXPECT_NODE(node);
	EXPECT(graph_integer(graph, node, "uid") == NOBODY, "%ld",
	       graph_integer(graph, node, "uid"));
}
