// SPDX-License-Identifier: GPL-2.0
/* Refused operations: who tried what on which object, and who refused it */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <unistd.h>

#include "flow.h"

#define NOBODY		65534
#define CONFINED_SHELL	"/usr/local/bin/confined-sh"

static void become_nobody(void)
{
	MUST(!setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY));
	MUST(!setresuid(NOBODY, NOBODY, NOBODY));
}

CASE(dac_open, "refusals", "open of a file that its mode forbids, five times", "inode_refused",
     "refused, control: inode_permission, EACCES, by dac; once; the file's path")

static void open_private(struct scene *scene)
{
	become_nobody();
	for (int i = 0; i < 5; i++)
		MUST(open(in(scene, "private"), O_RDONLY) < 0 && errno == EACCES);
}

ACT(dac_open)
{
	put_file(in(scene, "private"), "x");
	EXPECT(!chmod(in(scene, "private"), 0600));
	run(scene, 0, open_private);
}

CHECK(dac_open)
{
	const int node = file(scene, graph, "private"), process_0 = process(scene, graph, 0, 0);

	EXPECT_NODE(node);
	EXPECT(graph_refused(graph, process_0, node, "inode_permission", "dac", "EACCES") == 1);
	EXPECT_EDGES(process_0, node, "refused", "control", 1);
	EXPECT_NO_EDGE(node, process_0, NULL);
	EXPECT_NO_DATA(process_0, node);
}

CASE(never_opened, "refusals", "open of /etc/shadow by a user", "inode_refused",
     "refused by dac; a path of the file")

static void open_shadow(struct scene *scene)
{
	(void)scene;
	become_nobody();
	MUST(open("/etc/shadow", O_RDONLY) < 0 && errno == EACCES);
}

ACT(never_opened)
{
	run(scene, 0, open_shadow);
}

CHECK(never_opened)
{
	const int node = graph_to(graph, process(scene, graph, 0, 0), "refused");

	EXPECT_NODE(node);
	EXPECT(!strcmp(graph_string(graph, node, "path"), "/etc/shadow"), "%s",
	       graph_string(graph, node, "path"));
	EXPECT(graph_refused(graph, process(scene, graph, 0, 0), node, NULL, "dac", "EACCES") == 1);
}

CASE(dac_search, "refusals", "a path through a directory that its mode forbids", "inode_refused",
     "refused: the directory, not what is in it")

static void open_behind(struct scene *scene)
{
	become_nobody();
	for (int i = 0; i < 5; i++)
		MUST(open(in(scene, "dir/file"), O_RDONLY) < 0 && errno == EACCES);
}

ACT(dac_search)
{
	EXPECT(!mkdir(in(scene, "dir"), 0700));
	put_file(in(scene, "dir/file"), "x");
	run(scene, 0, open_behind);
}

CHECK(dac_search)
{
	const int dir = file(scene, graph, "dir"), process_0 = process(scene, graph, 0, 0);

	EXPECT_EDGES(process_0, dir, "refused", "control", 1);
	EXPECT(graph_refused(graph, process_0, dir, "inode_permission", "dac", "EACCES") == 1);
	EXPECT_NO_EDGE(process_0, file(scene, graph, "dir/file"), "refused");
}

CASE(questions, "refusals", "access(2), signal 0, /proc/PID/stat, a link to one's own read-only file",
     "inode_refused, kill_refused, ptrace_access_check", "no refusal")

static void ask(struct scene *scene)
{
	char text[64];
	int fd;

	become_nobody();
	MUST(access(in(scene, "private"), R_OK) < 0 && errno == EACCES);
	MUST(kill(1, 0) < 0 && errno == EPERM);
	/* Fields are left out without a word for who may not look. */
	fd = open("/proc/1/stat", O_RDONLY);
	MUST(fd >= 0 && read(fd, text, sizeof(text)) > 0);
	MUST(!link(in(scene, "own"), in(scene, "linked")));
}

ACT(questions)
{
	EXPECT(!chmod(scene->dir, 0777));
	put_file(in(scene, "private"), "x");
	EXPECT(!chmod(in(scene, "private"), 0600));
	put_file(in(scene, "own"), "x");
	EXPECT(!chown(in(scene, "own"), NOBODY, NOBODY) && !chmod(in(scene, "own"), 0400));
	run(scene, 0, ask);
}

CHECK(questions)
{
	const int process_0 = process(scene, graph, 0, 0);

	EXPECT_EDGE(process_0, file(scene, graph, "own"), "link", "meta");
	EXPECT(graph_refused(graph, process_0, ANY, NULL, NULL, NULL) == 0, "%d",
	       graph_refused(graph, process_0, ANY, NULL, NULL, NULL));
}

CASE(dac_change, "refusals", "another's file: chmod, unlink in a sticky directory, write",
     "setattr_refused, delete_refused, inode_refused", "refused by dac, each")

static void change(struct scene *scene)
{
	become_nobody();
	MUST(chmod(in(scene, "sticky/file"), 0777) < 0 && errno == EPERM);
	MUST(unlink(in(scene, "sticky/file")) < 0 && errno == EPERM);
	MUST(open(in(scene, "sticky/file"), O_WRONLY) < 0 && errno == EACCES);
	MUST(unlink(in(scene, "plain/file")) < 0 && errno == EACCES);
}

ACT(dac_change)
{
	EXPECT(!mkdir(in(scene, "sticky"), 0777) && !chmod(in(scene, "sticky"), 01777));
	EXPECT(!mkdir(in(scene, "plain"), 0755));
	put_file(in(scene, "sticky/file"), "x");
	put_file(in(scene, "plain/file"), "x");
	run(scene, 0, change);
}

CHECK(dac_change)
{
	const int process_0 = process(scene, graph, 0, 0);
	const int node = file(scene, graph, "sticky/file"), plain = file(scene, graph, "plain");

	EXPECT(graph_refused(graph, process_0, node, "inode_setattr", "dac", "EPERM") == 1);
	EXPECT(graph_refused(graph, process_0, node, "inode_unlink", "dac", "EPERM") == 1);
	EXPECT(graph_refused(graph, process_0, node, "inode_permission", "dac", "EACCES") == 1);
	EXPECT(graph_refused(graph, process_0, plain, "inode_permission", "dac", "EACCES") == 1);
	EXPECT_NO_EDGE(process_0, node, "unlink");
	EXPECT_NO_EDGE(process_0, node, "setattr");
}

CASE(dac_process, "refusals", "another's process: kill and ptrace", "kill_refused, ptrace_refused",
     "refused by dac; no signal, no tracing")

static void wait_to_end(struct scene *scene)
{
	(void)scene;
	told();
	await();
}

static void touch_process(struct scene *scene)
{
	become_nobody();
	for (int i = 0; i < 10; i++)
		MUST(kill(scene->pid[1], SIGTERM) < 0 && errno == EPERM);
	MUST(ptrace(PTRACE_SEIZE, scene->pid[1], NULL, NULL) < 0 && errno == EPERM);
}

ACT(dac_process)
{
	actor(scene, 1, wait_to_end);
	done(scene, 1);
	run(scene, 0, touch_process);
	go(scene, 1);
	finish(scene, 1);
}

CHECK(dac_process)
{
	const int process_0 = process(scene, graph, 0, 0), other = process(scene, graph, 1, 0);

	EXPECT(graph_refused(graph, process_0, other, "task_kill", "dac", "EPERM") == 1);
	EXPECT(graph_refused(graph, process_0, other, "ptrace_access_check", "dac", "EPERM") == 1);
	EXPECT_NO_EDGE(process_0, other, "signal");
	EXPECT_NO_EDGE(process_0, other, "ptrace");
}

CASE(capability, "refusals", "chroot without the capability; a mapping, which only asks", "capable",
     "refused by capability, EPERM; nothing of checks without audit")

static void chroot_in_vain(struct scene *scene)
{
	become_nobody();
	for (int i = 0; i < 5; i++)
		MUST(chroot(scene->dir) < 0 && errno == EPERM);
}

/* Each mapping asks whether it may use the last of the memory. */
static void be_probed(struct scene *scene)
{
	char text[64];
	int fd;

	(void)scene;
	become_nobody();
	MUST(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	     MAP_FAILED);
	/* There is no such capability: that is an error, and no refusal. */
	MUST(prctl(PR_CAPBSET_READ, 1000, 0, 0, 0) < 0 && errno == EINVAL);
	fd = open("/proc/kallsyms", O_RDONLY);
	MUST(fd >= 0 && read(fd, text, sizeof(text)) > 0);
}

ACT(capability)
{
	run(scene, 0, chroot_in_vain);
	run(scene, 1, be_probed);
}

CHECK(capability)
{
	const int process_0 = process(scene, graph, 0, 0);

	EXPECT(graph_refused(graph, process_0, process_0, "capable", "capability", "EPERM") == 1,
	       "%d", graph_refused(graph, process_0, ANY, "capable", NULL, NULL));
	EXPECT_NODE(process(scene, graph, 1, 0));
	EXPECT(graph_refused(graph, process(scene, graph, 1, 0), ANY, NULL, NULL, NULL) == 0);
}

CASE(apparmor, "refusals", "a program that an AppArmor profile confines reads and writes",
     "file_open", "refused by apparmor, EACCES; no data")

static void be_confined(struct scene *scene)
{
	(void)scene;
	execl(CONFINED_SHELL, "sh", "-c",
	      "read x < /srv/forbidden/file; mkdir /srv/forbidden/new; exit 0", NULL);
}

ACT(apparmor)
{
	if (access(CONFINED_SHELL, X_OK)) {
		flow_skip("no " CONFINED_SHELL ", which an AppArmor profile confines");
		return;
	}
	mkdir("/srv/forbidden", 0755);
	put_file("/srv/forbidden/file", "x\n");
	run(scene, 0, be_confined);
}

CHECK(apparmor)
{
	const int node = graph_path(graph, "/srv/forbidden/file");
	const int shell = process(scene, graph, 0, 1);

	EXPECT_NODE(node);
	EXPECT(graph_refused(graph, shell, node, "file_open", "apparmor", "EACCES") == 1);
	EXPECT_NO_DATA(node, shell);
	EXPECT_NO_EDGE(node, shell, "open");
}

CASE(selinux, "refusals", "a program in a domain of SELinux that may not read two files, of one of "
     "which the audit log is not told; access(2)", "inode_permission",
     "refused, control: by selinux, EACCES, each once; no data, and nothing of what is asked")

/* tests/full/selinux-confined.cil has the domain and the types. */
static void put_labelled(const char *path, const char *type)
{
	char context[64];
	const int length = snprintf(context, sizeof(context), "system_u:object_r:%s:s0", type);

	put_file(path, "x\n");
	EXPECT(!setxattr(path, "security.selinux", context, length + 1, 0), "%s", strerror(errno));
}

/* That it may read the last one shows that it is the type that counts. */
static void be_in_domain(struct scene *scene)
{
	MUST(!chdir(scene->dir));
	execl("/usr/bin/runcon", "runcon", "-t", "flow_confined_t", "/bin/sh", "-c",
	      "read x < forbidden && exit 1; read x < silent && exit 2;"
	      "[ -r asked ] && exit 3; read x < allowed", NULL);
}

ACT(selinux)
{
	const int fd = open("/sys/fs/selinux/enforce", O_RDONLY | O_CLOEXEC);
	char enforces = '0';

	if (fd < 0 || read(fd, &enforces, 1) != 1 || enforces != '1') {
		flow_skip("SELinux does not enforce a policy");
		return;
	}
	close(fd);
	put_labelled(in(scene, "forbidden"), "flow_forbidden_t");
	put_labelled(in(scene, "asked"), "flow_forbidden_t");
	put_labelled(in(scene, "silent"), "flow_silent_t");
	put_file(in(scene, "allowed"), "x\n");
	run(scene, 0, be_in_domain);
}

CHECK(selinux)
{
	const int shell = process(scene, graph, 0, 2);

	for (int i = 0; i < 2; i++) {
		const int node = file(scene, graph, i ? "silent" : "forbidden");

		EXPECT_NODE(node);
		EXPECT(graph_refused(graph, shell, node, "inode_permission", "selinux", "EACCES") ==
		       1);
		EXPECT_EDGES(shell, node, "refused", "control", 1);
		EXPECT_NO_DATA(node, shell);
		EXPECT_NO_EDGE(node, shell, "open");
	}
	EXPECT_NO_EDGE(shell, file(scene, graph, "asked"), "refused");
	EXPECT_EDGE(file(scene, graph, "allowed"), shell, "read", "data");
}

CASE(landlock, "refusals", "a program that has confined itself with Landlock",
     "file_open, path_mkdir", "refused by landlock, EACCES; the name of what was to be made")

static void confine_self(struct scene *scene)
{
	const struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR,
	};
	const int fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (fd < 0)
		_exit(77);
	MUST(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(!syscall(SYS_landlock_restrict_self, fd, 0));
	MUST(open(in(scene, "file"), O_RDONLY) < 0 && errno == EACCES);
	MUST(mkdir(in(scene, "dir/made"), 0755) < 0 && errno == EACCES);
}

ACT(landlock)
{
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 0) {
		flow_skip("no Landlock");
		return;
	}
	put_file(in(scene, "file"), "x");
	EXPECT(!mkdir(in(scene, "dir"), 0755));
	run(scene, 0, confine_self);
}

CHECK(landlock)
{
	const int process_0 = process(scene, graph, 0, 0);
	const int node = file(scene, graph, "file"), dir = file(scene, graph, "dir");

	EXPECT(graph_refused(graph, process_0, node, "file_open", "landlock", "EACCES") == 1);
	EXPECT(graph_refused(graph, process_0, dir, "path_mkdir", "landlock", "EACCES") == 1);
	EXPECT_NO_EDGE(node, process_0, NULL);
}

CASE(again, "refusals", "the same refusal after something was learnt", "inode_refused",
     "recorded again for the new version, and only once")

static void learn_and_try(struct scene *scene)
{
	become_nobody();
	for (int i = 0; i < 5; i++)
		MUST(open(in(scene, "private"), O_RDONLY) < 0 && errno == EACCES);
	put_file(in(scene, "out"), "x");
	take_file(in(scene, "file"));
	for (int i = 0; i < 5; i++)
		MUST(open(in(scene, "private"), O_RDONLY) < 0 && errno == EACCES);
}

ACT(again)
{
	EXPECT(!chmod(scene->dir, 0777));
	put_file(in(scene, "file"), "x");
	put_file(in(scene, "private"), "x");
	EXPECT(!chmod(in(scene, "private"), 0600));
	run(scene, 0, learn_and_try);
}

CHECK(again)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, "private"), "refused",
		     "control", 2);
}
