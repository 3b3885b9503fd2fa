// SPDX-License-Identifier: GPL-2.0
/*
 * The hook layer, with the test module beside provmon: calls are counted,
 * refusals by a module fail the operation, refusals by LSMs are reported
 *
 * Needs "provenance=provmon,nonsense,test" on the kernel's command line.
 */
#include <fcntl.h>
#include <grp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow.h"

#define TEST_DIR	"/sys/kernel/security/provenance/test"
#define NOBODY		65534

/* An errno that none of the operations gives by itself. */
#define REFUSED		EBADFD

struct counts {
	long calls;
	long refusals;
};

/* Counters of a hook; negative if there is no such hook. */
static struct counts read_counts(const char *hook)
{
	FILE *const file = fopen(TEST_DIR "/counts", "re");
	struct counts counts = { -1, -1 }, found;
	char name[64];

	while (file && fscanf(file, "%63s %ld %ld", name, &found.calls, &found.refusals) == 3)
		if (!strcmp(name, hook))
			counts = found;
	if (file)
		fclose(file);
	return counts;
}

/* Let a hook refuse a process; NULL: let none. */
static void refuse(const char *hook, int error, pid_t pid)
{
	const int fd = open(TEST_DIR "/refuse", O_WRONLY | O_CLOEXEC);
	char line[80] = "none";

	if (hook)
		snprintf(line, sizeof(line), "%s %d %d", hook, error, pid);
	EXPECT(fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line), "%s: %s", line,
	       strerror(errno));
	close(fd);
}

static struct sockaddr_un server_address(const struct scene *scene)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in(scene, "server"));
	return address;
}

/* Operations: 0, or -1 and errno. */

static int op_open(struct scene *scene)
{
	return open(in(scene, "file"), O_RDONLY) < 0 ? -1 : 0;
}

static int op_create(struct scene *scene)
{
	return open(in(scene, "created"), O_WRONLY | O_CREAT | O_EXCL, 0600) < 0 ? -1 : 0;
}

static int op_mkdir(struct scene *scene)
{
	return mkdir(in(scene, "made"), 0700);
}

static int op_rmdir(struct scene *scene)
{
	return rmdir(in(scene, "empty"));
}

static int op_mknod(struct scene *scene)
{
	return mknod(in(scene, "fifo"), S_IFIFO | 0600, 0);
}

static int op_symlink(struct scene *scene)
{
	return symlink("x", in(scene, "symlink"));
}

static int op_link(struct scene *scene)
{
	return link(in(scene, "file"), in(scene, "link"));
}

static int op_unlink(struct scene *scene)
{
	return unlink(in(scene, "victim"));
}

static int op_rename(struct scene *scene)
{
	return rename(in(scene, "old"), in(scene, "new"));
}

static int op_chmod(struct scene *scene)
{
	return chmod(in(scene, "file"), 0600);
}

static int op_stat(struct scene *scene)
{
	struct stat st;

	return stat(in(scene, "file"), &st);
}

static int op_read(struct scene *scene)
{
	char byte;

	return pread(scene->fd[0], &byte, 1, 0) == 1 ? 0 : -1;
}

static int op_write(struct scene *scene)
{
	return pwrite(scene->fd[0], "x", 1, 0) == 1 ? 0 : -1;
}

static int op_mmap(struct scene *scene)
{
	void *const map = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, scene->fd[0], 0);

	return map == MAP_FAILED ? -1 : munmap(map, 1);
}

static int op_socket(struct scene *scene)
{
	(void)scene;
	return socket(AF_INET, SOCK_DGRAM, 0) < 0 ? -1 : 0;
}

static int op_bind(struct scene *scene)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)scene;
	return bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address,
		    sizeof(address.sun_family));
}

static int op_connect(struct scene *scene)
{
	const struct sockaddr_un address = server_address(scene);

	return connect(socket(AF_UNIX, SOCK_STREAM, 0), (const struct sockaddr *)&address,
		       sizeof(address));
}

static int op_send(struct scene *scene)
{
	return send(scene->fd[2], "x", 1, 0) == 1 ? 0 : -1;
}

static int op_receive(struct scene *scene)
{
	char byte;

	return recv(scene->fd[3], &byte, 1, MSG_DONTWAIT) == 1 ? 0 : -1;
}

static int op_fork(struct scene *scene)
{
	const pid_t pid = fork();

	(void)scene;
	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return pid < 0 ? -1 : 0;
}

static int op_nice(struct scene *scene)
{
	(void)scene;
	return setpriority(PRIO_PROCESS, 0, 1);
}

/* Of a file in no format: it is past the hook when the kernel finds that out. */
static int op_exec(struct scene *scene)
{
	execl(in(scene, "program"), "program", NULL);
	return errno == ENOEXEC ? 0 : -1;
}

/* Each succeeds when it is not refused, once the stage is set. */
static const struct operation {
	const char *hook;
	int (*perform)(struct scene *scene);
} operations[] = {
	{ "file_open", op_open },
	{ "inode_create", op_create },
	{ "path_mkdir", op_mkdir },
	{ "inode_mkdir", op_mkdir },
	{ "inode_rmdir", op_rmdir },
	{ "inode_mknod", op_mknod },
	{ "inode_symlink", op_symlink },
	{ "inode_link", op_link },
	{ "path_unlink", op_unlink },
	{ "inode_unlink", op_unlink },
	{ "path_rename", op_rename },
	{ "inode_rename", op_rename },
	{ "inode_setattr", op_chmod },
	{ "path_chmod", op_chmod },
	{ "inode_getattr", op_stat },
	{ "file_permission", op_read },
	{ "file_permission", op_write },
	{ "mmap_file", op_mmap },
	{ "socket_create", op_socket },
	{ "socket_bind", op_bind },
	{ "socket_connect", op_connect },
	{ "unix_stream_connect", op_connect },
	{ "socket_sendmsg", op_send },
	{ "socket_recvmsg", op_receive },
	{ "task_setnice", op_nice },
	{ "bprm_check_security", op_exec },
};

#define OPERATIONS	(sizeof(operations) / sizeof(*operations))

/* What the operations need, each time anew. */
static void set_stage(struct scene *scene)
{
	static const char *const leftovers[] = {
		"created", "fifo", "symlink", "link", "new", "server"
	};
	const struct sockaddr_un address = server_address(scene);

	for (size_t i = 0; i < sizeof(leftovers) / sizeof(*leftovers); i++)
		unlink(in(scene, leftovers[i]));
	rmdir(in(scene, "made"));
	mkdir(in(scene, "empty"), 0700);
	put_file(in(scene, "file"), "x");
	put_file(in(scene, "program"), "x");
	EXPECT(!chmod(in(scene, "program"), 0755));
	put_file(in(scene, "victim"), "x");
	put_file(in(scene, "old"), "x");
	for (int i = 0; i < 5; i++)
		if (scene->fd[i] > 0)
			close(scene->fd[i]);
	scene->fd[0] = open(in(scene, "file"), O_RDWR);
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, scene->fd + 2));
	EXPECT(send(scene->fd[2], "xx", 2, 0) == 2);
	scene->fd[4] = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT(!bind(scene->fd[4], (const struct sockaddr *)&address, sizeof(address)));
	EXPECT(!listen(scene->fd[4], 8));
}

static const struct operation *operation;

static void try_refused(struct scene *scene)
{
	await();
	if (!operation->perform(scene) || errno != REFUSED) {
		printf("# %s does not refuse as it should\n", operation->hook);
		flow_die(__FILE__, __LINE__, "refused");
	}
	told();
	await();
	if (operation->perform(scene)) {
		printf("# %s refuses although it should not\n", operation->hook);
		flow_die(__FILE__, __LINE__, "allowed");
	}
}

static void try_allowed(struct scene *scene)
{
	MUST(!operation->perform(scene));
}

static void refuse_operation(struct scene *scene)
{
	struct counts before, after;

	set_stage(scene);
	actor(scene, 0, try_refused);
	before = read_counts(operation->hook);
	refuse(operation->hook, REFUSED, scene->pid[0]);
	/* Nobody else is refused. */
	run(scene, 1, try_allowed);
	set_stage(scene);
	step(scene, 0);
	refuse(NULL, 0, 0);
	after = read_counts(operation->hook);
	set_stage(scene);
	go(scene, 0);
	finish(scene, 0);
	EXPECT(after.calls > before.calls, "%s: %ld, %ld", operation->hook, before.calls,
	       after.calls);
	EXPECT(after.refusals >= before.refusals + 1, "%s: %ld, %ld", operation->hook,
	       before.refusals, after.refusals);
}

CASE(modules, "layer", "modules on the command line", "",
     "those that are built in are active, an unknown one is ignored with a warning")

static void read_line(const char *path, char *line, size_t bytes)
{
	FILE *const file = fopen(path, "re");

	*line = '\0';
	if (file && fgets(line, bytes, file))
		line[strcspn(line, "\n")] = '\0';
	if (file)
		fclose(file);
}

ACT(modules)
{
	const char *const dmesg[] = { "dmesg", NULL };
	char line[80], *output;

	read_line("/sys/kernel/security/provenance/modules", line, sizeof(line));
	EXPECT(!strcmp(line, "provmon,test"), "%s", line);
	EXPECT(!run_tool(&output, dmesg));
	EXPECT(output && strstr(output, "no module \"nonsense\" is built in, ignored"));
	free(output);
}

CHECK(modules)
{
}

CASE(counts, "layer", "every hook that operations go through is counted", "all", "counts move")

static void do_everything(struct scene *scene)
{
	for (size_t i = 0; i < OPERATIONS; i++)
		(void)operations[i].perform(scene);
	MUST(!op_fork(scene));
	put_file(in(scene, "more"), "x");
	take_file(in(scene, "more"));
	MUST(!setresuid(NOBODY, NOBODY, NOBODY));
	execl("/bin/true", "true", NULL);
}

ACT(counts)
{
	static const char *const hooks[] = {
		"file_open", "file_post_open", "file_permission", "inode_create", "inode_mkdir",
		"inode_rmdir", "inode_mknod", "inode_symlink", "inode_link", "inode_unlink",
		"inode_rename", "inode_setattr", "inode_post_setattr", "inode_getattr",
		"inode_permission", "path_mknod", "path_mkdir", "path_rmdir", "path_symlink",
		"path_link", "path_unlink", "path_rename", "path_chmod", "mmap_file",
		"socket_create", "socket_post_create", "socket_bind", "socket_connect",
		"socket_sendmsg", "socket_recvmsg", "unix_stream_connect", "sk_alloc_security",
		"task_alloc", "task_free", "task_setnice", "task_fix_setuid", "cred_prepare",
		"bprm_creds_for_exec", "bprm_check_security", "bprm_committing_creds",
		"bprm_committed_creds", "capable", "d_instantiate", "inode_alloc_security",
		"inode_free_security", "file_alloc_security", "file_read", "file_written",
		"mapping_added", "mapping_removed", "mm_released",
		"name_created", "name_linked", "name_removed", "name_moved",
		"socket_bound", "socket_connected", "socket_sent", "socket_received",
		"task_forked", "task_exiting", "exec_done", "cred_committed",
	};
	const size_t count = sizeof(hooks) / sizeof(*hooks);
	struct counts before[sizeof(hooks) / sizeof(*hooks)];

	set_stage(scene);
	for (size_t i = 0; i < count; i++)
		before[i] = read_counts(hooks[i]);
	run(scene, 0, do_everything);
	for (size_t i = 0; i < count; i++)
		EXPECT(before[i].calls >= 0 && read_counts(hooks[i]).calls > before[i].calls, "%s",
		       hooks[i]);
}

CHECK(counts)
{
}

CASE(refuse, "layer", "a module that refuses, at each of 26 operations", "all that may refuse",
     "exactly that operation of that process fails with that errno, and it is counted")

ACT(refuse)
{
	for (operation = operations; operation < operations + OPERATIONS; operation++)
		refuse_operation(scene);
}

CHECK(refuse)
{
}

CASE(may_not_refuse, "layer", "a module that refuses where the table does not allow it",
     "task_alloc", "the operation succeeds, and no refusal is counted")

static void try_fork(struct scene *scene)
{
	await();
	MUST(!op_fork(scene));
}

ACT(may_not_refuse)
{
	const struct counts before = read_counts("task_alloc");
	struct counts after;

	actor(scene, 0, try_fork);
	refuse("task_alloc", REFUSED, scene->pid[0]);
	go(scene, 0);
	finish(scene, 0);
	refuse(NULL, 0, 0);
	after = read_counts("task_alloc");
	EXPECT(after.calls > before.calls && after.refusals == before.refusals);
}

CHECK(may_not_refuse)
{
}

CASE(refused_leaves_nothing, "layer", "what a module refused", "inode_create, socket_sendmsg",
     "no edge in provmon's record")

static void try_in_vain(struct scene *scene)
{
	take_file(in(scene, "file"));
	told();
	await();
	MUST(operation->perform(scene) < 0 && errno == REFUSED);
	told();
}

ACT(refused_leaves_nothing)
{
	static const struct operation both[] = {
		{ "inode_create", op_create }, { "socket_sendmsg", op_send },
		{ "file_permission", op_write }
	};

	for (int role = 0; role < 3; role++) {
		operation = &both[role];
		set_stage(scene);
		actor(scene, role, try_in_vain);
		done(scene, role);
		refuse(operation->hook, REFUSED, scene->pid[role]);
		step(scene, role);
		refuse(NULL, 0, 0);
		finish(scene, role);
	}
}

CHECK(refused_leaves_nothing)
{
	EXPECT_NO_EDGE(process(scene, graph, 0, 0), ANY, "create");
	EXPECT_NO_EDGE(process(scene, graph, 1, 0), ANY, "send");
	EXPECT_NO_EDGE(process(scene, graph, 2, 0), ANY, "write");
}

CASE(connect_after_refusal, "layer", "a connect that a module refused, and then one that succeeds",
     "unix_stream_connect", "the second is joined with its server")

static void connect_again(struct scene *scene)
{
	const struct sockaddr_un address = server_address(scene);
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	await();
	MUST(connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0);
	MUST(errno == REFUSED);
	told();
	await();
	MUST(!connect(fd, (const struct sockaddr *)&address, sizeof(address)));
	take_file(in(scene, "file"));
	MUST(send(fd, "x", 1, 0) == 1);
}

static void accept_one(struct scene *scene)
{
	const int fd = accept(scene->fd[4], NULL, NULL);
	char byte;

	MUST(fd >= 0 && recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "to"), "x");
}

ACT(connect_after_refusal)
{
	set_stage(scene);
	actor(scene, 0, connect_again);
	refuse("unix_stream_connect", REFUSED, scene->pid[0]);
	step(scene, 0);
	refuse(NULL, 0, 0);
	go(scene, 0);
	finish(scene, 0);
	run(scene, 1, accept_one);
}

CHECK(connect_after_refusal)
{
	EXPECT_REACHES(file(scene, graph, "file"), file(scene, graph, "to"));
}

CASE(refuse_file, "layer", "what is written to the test module's file", "",
     "EINVAL for what is no hook, errno and pid; EPERM without CAP_MAC_ADMIN")

static int write_refuse(const char *text, size_t bytes)
{
	const int fd = open(TEST_DIR "/refuse", O_WRONLY | O_CLOEXEC);
	const ssize_t ret = fd < 0 ? -1 : write(fd, text, bytes);
	const int err = ret < 0 ? errno : 0;

	close(fd);
	return err;
}

static void write_wrongly(struct scene *scene)
{
	static const char *const wrong[] = {
		"x", "file_open", "file_open 1", "no_hook 1 1", "file_open 0 1",
		"file_open -1 1", "file_open 5000 1", "file_open 1 0", "file_open 1 -1",
	};
	char long_line[200];

	(void)scene;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		MUST(write_refuse(wrong[i], strlen(wrong[i])) == EINVAL);
	memset(long_line, 'a', sizeof(long_line));
	MUST(write_refuse(long_line, sizeof(long_line)) == EINVAL);
	MUST(!setgroups(0, NULL) && !setresuid(NOBODY, NOBODY, NOBODY));
	MUST(write_refuse("none", 4) == EACCES);
}

ACT(refuse_file)
{
	run(scene, 0, write_wrongly);
}

CHECK(refuse_file)
{
}

CASE(lsm_refusals, "layer", "refusals by discretionary access control, capabilities and AppArmor",
     "capable, file_open", "reported to modules, once or more each")

static void open_not_allowed(struct scene *scene)
{
	MUST(!setgroups(0, NULL) && !setresuid(NOBODY, NOBODY, NOBODY));
	MUST(open(in(scene, "private"), O_RDONLY) < 0 && errno == EACCES);
}

static void chroot_not_allowed(struct scene *scene)
{
	MUST(!setgroups(0, NULL) && !setresuid(NOBODY, NOBODY, NOBODY));
	MUST(chroot(scene->dir) < 0 && errno == EPERM);
}

static void expect_refusal(struct scene *scene, const char *hook, actor_fn fn)
{
	const struct counts before = read_counts(hook);
	struct counts after;

	run(scene, 0, fn);
	after = read_counts(hook);
	EXPECT(after.refusals > before.refusals, "%s: %ld, %ld", hook, before.refusals,
	       after.refusals);
}

#define CONFINED_SHELL	"/usr/local/bin/confined-sh"

static void read_forbidden(struct scene *scene)
{
	const pid_t pid = fork();
	int status;

	(void)scene;
	MUST(pid >= 0);
	if (!pid) {
		execl(CONFINED_SHELL, "sh", "-c", "read x < /srv/forbidden/file", NULL);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status));
}

ACT(lsm_refusals)
{
	put_file(in(scene, "private"), "x");
	EXPECT(!chmod(in(scene, "private"), 0600));
	expect_refusal(scene, "capable", open_not_allowed);
	expect_refusal(scene, "capable", chroot_not_allowed);
	if (access(CONFINED_SHELL, X_OK)) {
		flow_skip("no " CONFINED_SHELL ", which an AppArmor profile confines");
		return;
	}
	mkdir("/srv/forbidden", 0755);
	put_file("/srv/forbidden/file", "x\n");
	expect_refusal(scene, "file_open", read_forbidden);
}

CHECK(lsm_refusals)
{
}
