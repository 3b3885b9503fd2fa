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
#include <time.h>
#include <unistd.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/securebits.h>

#include "flow.h"

#define NOBODY		65534
#define CONFINED_SHELL	"/usr/local/bin/confined-sh"
#define CGROUPS		"/sys/fs/cgroup"
#define CGROUP		"/selftest-attribute"

/* What children tell by memory that they share with us, and not through a file. */
static struct told {
	unsigned long ino[4];
	unsigned long ids[2];
	unsigned long long permitted[2], effective[2];
	struct timespec time[2];
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

CASE(setns, "attributes", "setns by /proc/PID/ns and by pidfd, of one and of several namespaces",
     "namespaces_entered", "those of the owner from then on, for the caller and its later children")

static void hold_namespaces(struct scene *scene)
{
	(void)scene;
	MUST(!unshare(CLONE_NEWUSER));
	MUST(!unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS));
	told_to_us->ino[0] = namespace_ino("uts");
	told_to_us->ino[1] = namespace_ino("net");
	told_to_us->ino[2] = namespace_ino("mnt");
	told_to_us->ino[3] = namespace_ino("user");
	told();
	await();
}

static int open_namespace(pid_t pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0);
	return fd;
}

static void fork_to_write(struct scene *scene, const char *name)
{
	const pid_t pid = fork();

	MUST(pid >= 0);
	if (!pid) {
		put_file(in(scene, name), "x");
		_exit(0);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
}

static void enter_uts(struct scene *scene)
{
	fork_to_write(scene, "before");
	MUST(!setns(open_namespace(scene->pid[0], "uts"), 0));
	fork_to_write(scene, "after");
}

static void enter_by_pidfd(struct scene *scene)
{
	const int fd = syscall(SYS_pidfd_open, scene->pid[0], 0);

	MUST(fd >= 0);
	MUST(!setns(fd, CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS));
}

static void enter_wrong(struct scene *scene)
{
	MUST(setns(open_namespace(scene->pid[0], "uts"), CLONE_NEWNET) && errno == EINVAL);
	MUST(setns(open(in(scene, "file"), O_RDONLY), CLONE_NEWNET) && errno == EINVAL);
}

static unsigned long held_uts, held_net, held_mnt, held_user;

ACT(setns)
{
	share();
	put_file(in(scene, "file"), "x");
	actor(scene, 0, hold_namespaces);
	done(scene, 0);
	held_uts = told_to_us->ino[0];
	held_net = told_to_us->ino[1];
	held_mnt = told_to_us->ino[2];
	held_user = told_to_us->ino[3];
	run(scene, 1, enter_uts);
	run(scene, 2, enter_by_pidfd);
	run(scene, 3, enter_wrong);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(setns)
{
	const int holder = process(scene, graph, 0, 0), by_file = process(scene, graph, 1, 0);
	const int by_pidfd = process(scene, graph, 2, 0), wrong = process(scene, graph, 3, 0);
	const int before = graph_from(graph, file(scene, graph, "before"), "write");
	const int after = graph_from(graph, file(scene, graph, "after"), "write");
	const unsigned long uts = namespace_ino("uts");

	EXPECT(held_uts && held_uts != uts && held_net && held_net != namespace_ino("net"));
	EXPECT(held_mnt && held_mnt != namespace_ino("mnt"));
	EXPECT(held_user && held_user != namespace_ino("user"));

	EXPECT(recorded(graph, by_file, "uts") == held_uts, "%lu, not %lu",
	       recorded(graph, by_file, "uts"), held_uts);
	EXPECT(recorded(graph, by_file, "net") == namespace_ino("net"));
	EXPECT(recorded(graph, before, "uts") == uts, "%lu", recorded(graph, before, "uts"));
	EXPECT(recorded(graph, after, "uts") == held_uts, "%lu", recorded(graph, after, "uts"));

	EXPECT(recorded(graph, by_pidfd, "uts") == uts, "%lu", recorded(graph, by_pidfd, "uts"));
	EXPECT(recorded(graph, by_pidfd, "net") == held_net, "%lu, not %lu",
	       recorded(graph, by_pidfd, "net"), held_net);
	EXPECT(recorded(graph, by_pidfd, "mnt") == held_mnt, "%lu, not %lu",
	       recorded(graph, by_pidfd, "mnt"), held_mnt);
	EXPECT(recorded(graph, by_pidfd, "user") == held_user, "%lu, not %lu",
	       recorded(graph, by_pidfd, "user"), held_user);

	EXPECT(recorded(graph, wrong, "uts") == uts && recorded(graph, wrong, "net") != held_net);
	/* To be where another one is tells nothing of it. */
	EXPECT_NO_DATA(holder, by_file);
	EXPECT_NO_DATA(holder, by_pidfd);
}

CASE(setns_pid, "attributes", "setns to a pid namespace: its children are in it, and it is not",
     "task_forked", "number and namespace of the child, and of who called none")

static void hold_pid_namespace(struct scene *scene)
{
	pid_t pid;

	(void)scene;
	MUST(!unshare(CLONE_NEWPID));
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		pause();
		_exit(0);
	}
	told();
	await();
	MUST(!kill(pid, SIGKILL));
	MUST(waitpid(pid, NULL, 0) == pid);
}

static void enter_pid_namespace(struct scene *scene)
{
	const int fd = open_namespace(scene->pid[0], "pid_for_children");
	struct stat st;

	MUST(!fstat(fd, &st));
	told_to_us->ino[0] = st.st_ino;
	MUST(!setns(fd, CLONE_NEWPID));
	fork_to_write(scene, "inside");
}

static unsigned long held_pid;

ACT(setns_pid)
{
	share();
	actor(scene, 0, hold_pid_namespace);
	done(scene, 0);
	run(scene, 1, enter_pid_namespace);
	held_pid = told_to_us->ino[0];
	go(scene, 0);
	finish(scene, 0);
}

CHECK(setns_pid)
{
	const int caller = process(scene, graph, 1, 0);
	const int inside = graph_from(graph, file(scene, graph, "inside"), "write");

	EXPECT(held_pid && held_pid != namespace_ino("pid"));
	EXPECT(recorded(graph, inside, "pid") == held_pid, "%lu, not %lu",
	       recorded(graph, inside, "pid"), held_pid);
	EXPECT(graph_integer(graph, inside, "ns_pid") == 2, "%ld",
	       graph_integer(graph, inside, "ns_pid"));
	EXPECT(recorded(graph, caller, "pid") == namespace_ino("pid"), "%lu",
	       recorded(graph, caller, "pid"));
	EXPECT(graph_integer(graph, caller, "ns_pid") == -1);
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

CASE(clone3_cgroup, "attributes", "clone3 with CLONE_INTO_CGROUP", "task_forked",
     "path and id of the cgroup, of the child only; no cgroup edge")

static void clone_into(struct scene *scene)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = scene->fd[0],
	};
	const pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	MUST(pid >= 0);
	if (!pid) {
		put_file(in(scene, "mark"), "x");
		_exit(0);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
}

static unsigned long into_ino;

ACT(clone3_cgroup)
{
	struct stat st;

	if (mkdir(CGROUPS CGROUP, 0755) || stat(CGROUPS CGROUP, &st)) {
		flow_skip("no unified cgroup hierarchy at " CGROUPS);
		return;
	}
	into_ino = st.st_ino;
	scene->fd[0] = open(CGROUPS CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EXPECT(scene->fd[0] > 0);
	run(scene, 0, clone_into);
	EXPECT(!rmdir(CGROUPS CGROUP));
}

CHECK(clone3_cgroup)
{
	const int parent = process(scene, graph, 0, 0), child = graph_to(graph, parent, "fork");

	EXPECT(child == graph_from(graph, file(scene, graph, "mark"), "write"));
	EXPECT(!strcmp(graph_string(graph, child, "cgroup"), CGROUP), "%s",
	       graph_string(graph, child, "cgroup"));
	EXPECT(graph_integer(graph, child, "cgroup_id") == (long)into_ino);
	EXPECT_NODE(parent);
	EXPECT(strcmp(graph_string(graph, parent, "cgroup"), CGROUP));
	EXPECT(graph_integer(graph, parent, "cgroup_id") != (long)into_ino);
	EXPECT_NO_EDGE(ANY, child, "cgroup");
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

CASE(secctx_changed, "attributes",
     "a process changes its AppArmor profile by /proc and by lsm_set_self_attr(); for its next program; and in vain",
     "setprocattr, setselfattr, bprm_committed_creds",
     "secctx from then on, also of its later children; nothing for a question or a failure")

#define PROFILE		"flow-changed"
#define ATTR		"/proc/self/attr/apparmor/"
#define PARSER		"/sbin/apparmor_parser"

/* The numbers of <linux/lsm.h> and <asm/unistd.h>, which Debian 12 does not have. */
#define SET_SELF_ATTR	460
#define ATTR_CURRENT	100
#define ID_APPARMOR	104

static void parse_profile(struct scene *scene)
{
	execl(PARSER, PARSER, "-r", "-K", in(scene, "profile"), NULL);
	MUST(!"apparmor_parser");
}

static void change_by_file(struct scene *scene)
{
	fork_to_write(scene, "before");
	put_file(ATTR "current", "changeprofile " PROFILE);
	fork_to_write(scene, "after");
}

static void change_by_call(struct scene *scene)
{
	static const char text[] = "changeprofile " PROFILE;
	struct {
		__u64 id, flags, len, ctx_len;
		char ctx[sizeof(text)];
	} context = {
		.id = ID_APPARMOR,
		.len = sizeof(context),
		.ctx_len = sizeof(text),
	};

	(void)scene;
	memcpy(context.ctx, text, sizeof(text));
	MUST(!syscall(SET_SELF_ATTR, ATTR_CURRENT, &context, sizeof(context), 0));
}

static void change_at_exec(struct scene *scene)
{
	(void)scene;
	put_file(ATTR "exec", "exec " PROFILE);
	execl("/bin/true", "true", NULL);
	MUST(false);
}

static void change_in_vain(struct scene *scene)
{
	static const char missing[] = "changeprofile flow-no-such-profile";
	const int fd = open(ATTR "current", O_WRONLY | O_CLOEXEC);

	(void)scene;
	MUST(fd >= 0 && write(fd, missing, strlen(missing)) < 0);
	close(fd);
	/* Only asks whether it could. */
	put_file(ATTR "current", "permprofile " PROFILE);
}

ACT(secctx_changed)
{
	if (access(ATTR "current", W_OK) || access(PARSER, X_OK)) {
		flow_skip("no AppArmor");
		return;
	}
	put_file(in(scene, "profile"), "profile " PROFILE " { file, signal, capability, }\n");
	run(scene, 0, parse_profile);
	run(scene, 1, change_by_file);
	run(scene, 2, change_by_call);
	run(scene, 3, change_at_exec);
	run(scene, 4, change_in_vain);
}

static bool is_changed(const struct graph *graph, int node)
{
	return !strcmp(graph_string(graph, node, "secctx"), PROFILE);
}

CHECK(secctx_changed)
{
	const int by_file = process(scene, graph, 1, 0), by_call = process(scene, graph, 2, 0);
	const int old = process(scene, graph, 3, 0), new = process(scene, graph, 3, 1);
	const int vain = process(scene, graph, 4, 0);
	const int before = graph_from(graph, file(scene, graph, "before"), "write");
	const int after = graph_from(graph, file(scene, graph, "after"), "write");

	EXPECT(is_changed(graph, by_file), "%s", graph_string(graph, by_file, "secctx"));
	EXPECT(*graph_string(graph, before, "secctx") && !is_changed(graph, before), "%s",
	       graph_string(graph, before, "secctx"));
	EXPECT(is_changed(graph, after), "%s", graph_string(graph, after, "secctx"));
	EXPECT(is_changed(graph, by_call), "%s", graph_string(graph, by_call, "secctx"));
	EXPECT(*graph_string(graph, old, "secctx") && !is_changed(graph, old), "%s",
	       graph_string(graph, old, "secctx"));
	EXPECT(is_changed(graph, new), "%s", graph_string(graph, new, "secctx"));
	EXPECT(*graph_string(graph, vain, "secctx") && !is_changed(graph, vain), "%s",
	       graph_string(graph, vain, "secctx"));
}

CASE(loginuid, "attributes", "children and programs of who has written its loginuid", "task_forked",
     "loginuid and session, as /proc has them")

#define LOGINUID	4711

static unsigned long number_in(const char *path)
{
	FILE *const file = fopen(path, "r");
	unsigned long number = 0;

	MUST(file);
	MUST(fscanf(file, "%lu", &number) == 1);
	fclose(file);
	return number;
}

static void log_in(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", LOGINUID);
	put_file("/proc/self/loginuid", text);
	told_to_us->ids[0] = number_in("/proc/self/loginuid");
	told_to_us->ids[1] = number_in("/proc/self/sessionid");
}

static void log_in_and_fork(struct scene *scene)
{
	fork_to_write(scene, "before");
	log_in();
	fork_to_write(scene, "after");
	execl("/bin/true", "true", NULL);
	MUST(false);
}

static unsigned long session, our_loginuid;

ACT(loginuid)
{
	if (access("/proc/self/loginuid", W_OK)) {
		flow_skip("no CONFIG_AUDIT");
		return;
	}
	share();
	our_loginuid = number_in("/proc/self/loginuid");
	run(scene, 0, log_in_and_fork);
	EXPECT(told_to_us->ids[0] == LOGINUID);
	session = told_to_us->ids[1];
}

/* provq says nothing of one that is not set. */
static long loginuid_of(const struct graph *graph, int node)
{
	return graph_integer(graph, node, "loginuid");
}

CHECK(loginuid)
{
	const int program = process(scene, graph, 0, 1);
	const int before = graph_from(graph, file(scene, graph, "before"), "write");
	const int after = graph_from(graph, file(scene, graph, "after"), "write");

	EXPECT_NODE(before);
	EXPECT(loginuid_of(graph, before) == (our_loginuid == -1U ? -1 : (long)our_loginuid),
	       "%ld, not %ld", loginuid_of(graph, before), (long)our_loginuid);
	EXPECT(session && session != -1U);
	EXPECT(graph_integer(graph, before, "session") != (long)session);
	EXPECT(loginuid_of(graph, after) == LOGINUID, "%ld", loginuid_of(graph, after));
	EXPECT(graph_integer(graph, after, "session") == (long)session, "%ld, not %ld",
	       graph_integer(graph, after, "session"), (long)session);
	EXPECT(loginuid_of(graph, program) == LOGINUID, "%ld", loginuid_of(graph, program));
	EXPECT(graph_integer(graph, program, "session") == (long)session);
}

CASE(loginuid_written, "attributes", "a process writes its loginuid, and does nothing else",
     "loginuid_set", "loginuid and session of it, from then on")

static void only_log_in(struct scene *scene)
{
	(void)scene;
	log_in();
}

static unsigned long session_written;

ACT(loginuid_written)
{
	if (access("/proc/self/loginuid", W_OK)) {
		flow_skip("no CONFIG_AUDIT");
		return;
	}
	share();
	run(scene, 0, only_log_in);
	session_written = told_to_us->ids[1];
}

CHECK(loginuid_written)
{
	const int node = process(scene, graph, 0, 0);

	EXPECT_NODE(node);
	EXPECT(loginuid_of(graph, node) == LOGINUID, "%ld", loginuid_of(graph, node));
	EXPECT(graph_integer(graph, node, "session") == (long)session_written, "%ld, not %ld",
	       graph_integer(graph, node, "session"), (long)session_written);
	/* As it was forked, and since. */
	EXPECT(json_array_size(json_object_get(graph_node(graph, node), "creds")) == 2, "%zu",
	       json_array_size(json_object_get(graph_node(graph, node), "creds")));
}

CASE(capset, "attributes", "capset: capabilities given away, for good and for now",
     "cred_committed", "cap_permitted and cap_effective before and after, with time")

static void get_capabilities(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	MUST(!syscall(SYS_capget, &header, data));
}

static void set_capabilities(const struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	MUST(!syscall(SYS_capset, &header, data));
}

static void tell_capabilities(int index)
{
	struct __user_cap_data_struct data[2];

	get_capabilities(data);
	told_to_us->permitted[index] = data[0].permitted | (__u64)data[1].permitted << 32;
	told_to_us->effective[index] = data[0].effective | (__u64)data[1].effective << 32;
}

static void give_away(struct scene *scene)
{
	struct __user_cap_data_struct data[2];

	(void)scene;
	tell_capabilities(0);
	get_capabilities(data);
	/* The same once more changes nothing. */
	set_capabilities(data);
	data[0].permitted &= ~(1U << CAP_NET_RAW);
	data[0].effective &= ~(1U << CAP_NET_RAW | 1U << CAP_SYS_CHROOT);
	data[1].permitted &= ~(1U << (CAP_SYSLOG - 32));
	data[1].effective &= ~(1U << (CAP_SYSLOG - 32));
	pause_ms(100);
	clock_gettime(CLOCK_REALTIME, &told_to_us->time[0]);
	pause_ms(100);
	set_capabilities(data);
	pause_ms(100);
	clock_gettime(CLOCK_REALTIME, &told_to_us->time[1]);
	tell_capabilities(1);
}

static struct told capabilities;

ACT(capset)
{
	share();
	run(scene, 0, give_away);
	capabilities = *told_to_us;
}

static unsigned long long capabilities_of(const json_t *creds, const char *key)
{
	const char *const text = json_string_value(json_object_get(creds, key));

	return text ? strtoull(text, NULL, 16) : 0xdeadULL << 48;
}

/* As provq prints it: times of this form compare as texts. */
static void print_time(char text[40], const struct timespec *time)
{
	const size_t bytes = strftime(text, 40, "%FT%T", gmtime(&time->tv_sec));

	snprintf(text + bytes, 40 - bytes, ".%09ldZ", time->tv_nsec);
}

CHECK(capset)
{
	const int node = process(scene, graph, 0, 0);
	const json_t *const creds = json_object_get(graph_node(graph, node), "creds");
	const char *const time =
		json_string_value(json_object_get(json_array_get(creds, 1), "time"));
	char earliest[40], latest[40];

	EXPECT_NODE(node);
	EXPECT(json_array_size(creds) == 2, "%zu", json_array_size(creds));
	EXPECT(capabilities.permitted[0] & ~capabilities.permitted[1] & 1ULL << CAP_NET_RAW);
	EXPECT(capabilities.effective[0] & ~capabilities.effective[1] & 1ULL << CAP_SYS_CHROOT);
	for (int i = 0; i < 2; i++) {
		const json_t *const item = json_array_get(creds, i);

		EXPECT(capabilities_of(item, "cap_permitted") == capabilities.permitted[i],
		       "%llx, not %llx", capabilities_of(item, "cap_permitted"),
		       capabilities.permitted[i]);
		EXPECT(capabilities_of(item, "cap_effective") == capabilities.effective[i],
		       "%llx, not %llx", capabilities_of(item, "cap_effective"),
		       capabilities.effective[i]);
	}
	print_time(earliest, &capabilities.time[0]);
	print_time(latest, &capabilities.time[1]);
	EXPECT(time && strcmp(earliest, time) < 0 && strcmp(time, latest) < 0,
	       "%s, not between %s and %s", time ?: "(none)", earliest, latest);
}

CASE(capabilities_at_exec, "attributes",
     "an execve after prctl(): PR_CAPBSET_DROP, PR_SET_SECUREBITS, PR_SET_KEEPCAPS and PR_CAP_AMBIENT",
     "cred_committed, bprm_committed_creds",
     "capabilities that the new image got; no record for what is only set aside")

static void exec_true(void)
{
	execl("/bin/true", "true", NULL);
	MUST(false);
}

static void exec_bounded(struct scene *scene)
{
	(void)scene;
	MUST(!prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0));
	exec_true();
}

static void exec_without_root(struct scene *scene)
{
	(void)scene;
	MUST(!prctl(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0));
	exec_true();
}

static void keep_one(void)
{
	struct __user_cap_data_struct data[2] = {};

	MUST(!prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	MUST(!setresuid(NOBODY, NOBODY, NOBODY));
	data[0].permitted = 1U << CAP_NET_BIND_SERVICE;
	data[0].effective = data[0].permitted;
	data[0].inheritable = data[0].permitted;
	set_capabilities(data);
}

static void exec_ambient(struct scene *scene)
{
	(void)scene;
	keep_one();
	MUST(!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0));
	exec_true();
}

static void exec_kept(struct scene *scene)
{
	(void)scene;
	keep_one();
	exec_true();
}

static struct told at_exec;

ACT(capabilities_at_exec)
{
	share();
	tell_capabilities(0);
	at_exec = *told_to_us;
	run(scene, 0, exec_bounded);
	run(scene, 1, exec_without_root);
	run(scene, 2, exec_ambient);
	run(scene, 3, exec_kept);
}

static bool has_capabilities(const struct graph *graph, int node, unsigned long long permitted,
			     unsigned long long effective)
{
	const json_t *const line = graph_node(graph, node);

	return EXPECT(capabilities_of(line, "cap_permitted") == permitted &&
		      capabilities_of(line, "cap_effective") == effective, "%llx and %llx",
		      capabilities_of(line, "cap_permitted"),
		      capabilities_of(line, "cap_effective"));
}

CHECK(capabilities_at_exec)
{
	const unsigned long long all = at_exec.permitted[0], one = 1ULL << CAP_NET_BIND_SERVICE;
	const int kept = process(scene, graph, 2, 0);
	const json_t *const creds = json_object_get(graph_node(graph, kept), "creds");

	EXPECT(all & 1ULL << CAP_NET_RAW && all == at_exec.effective[0]);
	has_capabilities(graph, process(scene, graph, 0, 0), all, all);
	has_capabilities(graph, process(scene, graph, 0, 1), all & ~(1ULL << CAP_NET_RAW),
			 all & ~(1ULL << CAP_NET_RAW));
	has_capabilities(graph, process(scene, graph, 1, 0), all, all);
	has_capabilities(graph, process(scene, graph, 1, 1), 0, 0);
	has_capabilities(graph, process(scene, graph, 2, 1), one, one);
	has_capabilities(graph, process(scene, graph, 3, 1), 0, 0);
	/* As it was forked, as nobody with what it kept, and with the one. */
	EXPECT(json_array_size(creds) == 3, "%zu", json_array_size(creds));
	EXPECT(capabilities_of(json_array_get(creds, 1), "cap_permitted") == all);
	EXPECT(capabilities_of(json_array_get(creds, 1), "cap_effective") == 0);
	EXPECT(capabilities_of(json_array_get(creds, 2), "cap_effective") == one);
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

CASE(nlink, "attributes", "link count of a file after link, unlink, and a rename over it",
     "name_linked, name_removed, name_moved", "nlink as it is then")

/* The size is recorded at close, and with it how many names there are. */
static void write_and_close(const char *path, nlink_t links)
{
	const int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	struct stat st;

	MUST(fd >= 0 && !fstat(fd, &st) && st.st_nlink == links);
	MUST(write(fd, "x", 1) == 1 && !close(fd));
}

static void change_links(struct scene *scene)
{
	write_and_close(in(scene, "one"), 1);
	MUST(!link(in(scene, "one"), in(scene, "two")));
	write_and_close(in(scene, "left"), 2);
	MUST(!unlink(in(scene, "lost")));
	write_and_close(in(scene, "kept"), 3);
	MUST(!rename(in(scene, "new"), in(scene, "old")));
}

ACT(nlink)
{
	put_file(in(scene, "one"), "x");
	put_file(in(scene, "left"), "x");
	put_file(in(scene, "kept"), "x");
	put_file(in(scene, "new"), "x");
	EXPECT(!link(in(scene, "left"), in(scene, "lost")) &&
	       !link(in(scene, "kept"), in(scene, "old")) &&
	       !link(in(scene, "kept"), in(scene, "third")));
	run(scene, 0, change_links);
}

CHECK(nlink)
{
	static const char *const names[] = { "one", "left", "kept", "new" };
	static const long links[] = { 2, 1, 2, 1 };

	for (int i = 0; i < 4; i++) {
		const int node = file(scene, graph, names[i]);

		EXPECT_NODE(node);
		EXPECT(graph_integer(graph, node, "nlink") == links[i], "%s: %ld", names[i],
		       graph_integer(graph, node, "nlink"));
	}
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
