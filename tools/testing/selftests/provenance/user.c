// SPDX-License-Identifier: GPL-2.0
/* What a user without privilege must not be able to do, and what must do no harm */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow.h"

#define PROVENANCE_DIR	"/sys/kernel/security/provenance"
#define CHANNEL		PROVENANCE_DIR "/provmon/cpu0"
#define NOBODY		65534

/* Exit statuses of provctl. */
#define NO_PRIVILEGE	5

static void become_nobody(void)
{
	MUST(!setgroups(0, NULL));
	MUST(!setresgid(NOBODY, NOBODY, NOBODY) && !setresuid(NOBODY, NOBODY, NOBODY));
}

/* The recorder is there, and does what it did before. */
static void expect_recording(void)
{
	const char *const status[] = { "provctl", "status", NULL };
	char *output;
	const int found = run_tool(&output, status);

	EXPECT(found == 0, "provctl status ended with %d:\n%s", found, output);
	free(output);
}

CASE(channel_files, "privilege", "opening the channels", "",
     "EACCES for others, EPERM without CAP_AUDIT_READ, EBUSY while the recorder has them")

static void open_as_nobody(struct scene *scene)
{
	(void)scene;
	become_nobody();
	MUST(open(CHANNEL, O_RDONLY) < 0 && errno == EACCES);
	MUST(open(CHANNEL, O_WRONLY) < 0 && errno == EACCES);
	MUST(!opendir("/var/log/provenance") && errno == EACCES);
}

static void open_without_capability(struct scene *scene)
{
	const char *const less[] = { "setpriv", "--bounding-set", "-audit_read", "--", "cat",
				     CHANNEL, NULL };
	char *output;

	(void)scene;
	MUST(run_tool(&output, less) == 1);
}

static void open_second(struct scene *scene)
{
	(void)scene;
	MUST(open(CHANNEL, O_RDONLY) < 0 && errno == EBUSY);
}

ACT(channel_files)
{
	run(scene, 0, open_as_nobody);
	run(scene, 1, open_without_capability);
	run(scene, 2, open_second);
}

CHECK(channel_files)
{
	expect_recording();
}

CASE(netlink, "privilege", "status, flush and set by netlink", "",
     "EPERM without CAP_AUDIT_READ or CAP_AUDIT_CONTROL")

static void ask(const char *const command[3], bool in_namespace)
{
	const char *argv[16] = { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
				 "--" };
	int n = 5, status;
	char *output;

	if (in_namespace) {
		argv[n++] = "unshare";
		argv[n++] = "--user";
		argv[n++] = "--map-root-user";
	}
	argv[n++] = "provctl";
	for (int i = 0; i < 3; i++)
		argv[n++] = command[i];
	status = run_tool(&output, argv);
	EXPECT(status == NO_PRIVILEGE, "provctl %s as nobody%s ended with %d", command[0],
	       in_namespace ? " in a namespace" : "", status);
	free(output);
}

ACT(netlink)
{
	static const char *const commands[][3] = {
		{ "flush" }, { "set", "environ=on" }, { "rotate" },
	};

	for (size_t i = 0; i < 3; i++) {
		ask(commands[i], false);
		ask(commands[i], true);
	}
}

CHECK(netlink)
{
	expect_recording();
}

CASE(signal, "privilege", "signals to the recorder by a user", "", "EPERM")

static pid_t recorder_pid(void)
{
	const char *const show[] = { "systemctl", "show", "-p", "MainPID", "--value",
				     "provmon-recorder", NULL };
	char *output;
	pid_t pid;

	run_tool(&output, show);
	pid = output ? atoi(output) : 0;
	free(output);
	return pid;
}

static void signal_recorder(struct scene *scene)
{
	const pid_t pid = recorder_pid();

	(void)scene;
	MUST(pid > 1);
	become_nobody();
	MUST(kill(pid, SIGTERM) < 0 && errno == EPERM);
	MUST(kill(pid, SIGKILL) < 0 && errno == EPERM);
	MUST(kill(pid, SIGUSR1) < 0 && errno == EPERM);
}

ACT(signal)
{
	run(scene, 0, signal_recorder);
}

CHECK(signal)
{
	expect_recording();
}

/* Reproducible, and not of libc's making. */
static unsigned int random_bits(unsigned int *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void fill_random(unsigned int *state, void *buffer, size_t bytes)
{
	unsigned char *const to = buffer;

	for (size_t i = 0; i < bytes; i++)
		to[i] = random_bits(state);
}

/* Poke a file in all ways that its mode allows. */
static void poke_file(const char *path, unsigned int *state)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	char buffer[600];

	for (int i = 0; i < 3; i++) {
		const int fd = open(path, modes[i] | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0)
			continue;
		for (int j = 0; j < 20; j++) {
			const size_t bytes = random_bits(state) % sizeof(buffer);
			void *map;

			fill_random(state, buffer, sizeof(buffer));
			(void)!write(fd, buffer, bytes);
			(void)!pwrite(fd, buffer, bytes, random_bits(state));
			lseek(fd, random_bits(state), SEEK_SET);
			lseek(fd, -(off_t)random_bits(state), SEEK_END);
			(void)!read(fd, buffer, bytes);
			(void)!pread(fd, buffer, bytes, random_bits(state));
			ioctl(fd, random_bits(state), buffer);
			map = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   j & 1 ? MAP_SHARED : MAP_PRIVATE, fd, 0);
			if (map != MAP_FAILED)
				munmap(map, 4096);
			(void)!ftruncate(fd, random_bits(state));
		}
		close(fd);
	}
}

static void poke_directory(const char *path, unsigned int *state)
{
	DIR *const dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)) != NULL) {
		char below[512];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR)
			poke_directory(below, state);
		else
			poke_file(below, state);
	}
	closedir(dir);
}

/* The number of the family, by the one that tells numbers. */
static int family_number(int fd)
{
	struct {
		struct nlmsghdr header;
		struct genlmsghdr genl;
		struct nlattr attr;
		char name[16];
	} request = {
		.header = { sizeof(request), GENL_ID_CTRL, NLM_F_REQUEST, 1, 0 },
		.genl = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.attr = { NLA_HDRLEN + sizeof("provenance"), CTRL_ATTR_FAMILY_NAME },
		.name = "provenance",
	};
	char reply[8192];
	const ssize_t sent = send(fd, &request, sizeof(request), 0);
	const ssize_t got = recv(fd, reply, sizeof(reply), 0);
	size_t at = NLMSG_HDRLEN + GENL_HDRLEN;

	MUST(sent == sizeof(request) && got > (ssize_t)at);
	while (at + NLA_HDRLEN <= (size_t)got) {
		const struct nlattr *const attr = (const struct nlattr *)(reply + at);

		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(const unsigned short *)(attr + 1);
		at += NLA_ALIGN(attr->nla_len);
	}
	return -1;
}

/* Messages to our family with every command, odd lengths, random attributes. */
static void poke_netlink(unsigned int *state, bool privileged)
{
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_GENERIC);
	const int family = family_number(fd);
	char drain[8192];

	MUST(family > 0);
	for (int i = 0; i < 3000; i++) {
		struct {
			struct nlmsghdr header;
			struct genlmsghdr genl;
			unsigned char rest[256];
		} message;
		const size_t bytes = NLMSG_HDRLEN + random_bits(state) %
				     (sizeof(message) - NLMSG_HDRLEN);

		fill_random(state, &message, sizeof(message));
		message.header.nlmsg_type = family;
		message.header.nlmsg_flags |= NLM_F_REQUEST;
		if (random_bits(state) & 3)
			message.header.nlmsg_len = bytes;
		message.genl.cmd = random_bits(state) % 7;
		/* As root, opaque must stay what it is: a random number is nobody's pid. */
		if (privileged && message.genl.cmd == 3)
			message.genl.cmd = 1;
		/* Attributes that look like ones. */
		for (size_t at = 0; i & 1 && at + 8 <= sizeof(message.rest); at += 8) {
			struct nlattr *const attr = (struct nlattr *)(message.rest + at);

			attr->nla_len = random_bits(state) % 10;
			attr->nla_type = random_bits(state) % 24;
		}
		(void)!send(fd, &message, bytes, 0);
		while (recv(fd, drain, sizeof(drain), 0) > 0)
			;
	}
	close(fd);
}

CASE(garbage, "privilege", "random bytes to every file and to the netlink family", "",
     "no harm, as nobody and as root")

static void poke_as_nobody(struct scene *scene)
{
	unsigned int state = 1;

	(void)scene;
	become_nobody();
	poke_directory(PROVENANCE_DIR, &state);
	poke_netlink(&state, false);
}

static void poke_as_root(struct scene *scene)
{
	const char *const off[] = { "provctl", "set", "environ=off", "meta=off", NULL };
	unsigned int state = 2;
	char *output;

	(void)scene;
	poke_directory(PROVENANCE_DIR, &state);
	poke_netlink(&state, true);
	/* What it may have switched on. */
	MUST(run_tool(&output, off) == 0);
}

ACT(garbage)
{
	run(scene, 0, poke_as_nobody);
	run(scene, 1, poke_as_root);
}

CHECK(garbage)
{
	expect_recording();
}

CASE(channel_calls, "transport", "the channel's file without the recorder: read, poll and all else",
     "", "short reads lose nothing; lseek, mmap, ioctl, splice, write fail")

/* An address that no process has; volatile, so that the compiler does not know. */
static void *volatile nowhere = (void *)8;

static void use_channel(struct scene *scene)
{
	const int fd = open(CHANNEL, O_RDONLY | O_NONBLOCK);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char small[10], first[10];
	int ends[2];

	(void)scene;
	MUST(fd >= 0);
	MUST(open(CHANNEL, O_RDONLY) < 0 && errno == EBUSY);
	/* Something is recorded all the time, by ourselves. */
	for (int i = 0; i < 100; i++)
		MUST(!mkdir(in(scene, "d"), 0700) && !rmdir(in(scene, "d")));
	MUST(poll(&poll_fd, 1, 5000) == 1 && poll_fd.revents & POLLIN);
	MUST(read(fd, first, sizeof(first)) == sizeof(first));
	MUST(!memcmp(first, "PROV", 4));
	MUST(read(fd, small, sizeof(small)) == sizeof(small));
	MUST(read(fd, small, 0) == 0);
	MUST(read(fd, nowhere, 4096) < 0 && errno == EFAULT);
	MUST(pread(fd, small, 1, 0) < 0 && errno == ESPIPE);
	MUST(lseek(fd, 0, SEEK_SET) < 0 && errno == ESPIPE);
	MUST(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV);
	MUST(ioctl(fd, _IO('P', 1), small) < 0 && errno == ENOTTY);
	MUST(!pipe(ends) && splice(fd, NULL, ends[1], NULL, 4096, 0) < 0 && errno == EINVAL);
	MUST(write(fd, "x", 1) < 0 && errno == EBADF);
	/* Who comes after gets the sub-buffer from its beginning. */
	MUST(!close(fd));
}

static void service(const char *verb)
{
	const char *const argv[] = { "systemctl", verb, "provmon-recorder", NULL };
	char *output;

	EXPECT(run_tool(&output, argv) == 0, "systemctl %s", verb);
	free(output);
}

ACT(channel_calls)
{
	service("stop");
	run(scene, 0, use_channel);
	service("start");
}

CHECK(channel_calls)
{
	expect_recording();
	EXPECT(graph_lost(graph) == 0, "%ld records lost", graph_lost(graph));
}

CASE(descriptors, "privilege", "descriptors passed in descriptors, deeply, by a user", "",
     "no harm")

static void send_descriptor(int to, int what)
{
	char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec io = { "x", 1 };
	struct msghdr message = {
		.msg_iov = &io, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *const header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &what, sizeof(int));
	(void)!sendmsg(to, &message, 0);
}

static void nest_descriptors(struct scene *scene)
{
	int ends[2], more[2];

	(void)scene;
	become_nobody();
	MUST(!socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
	/* Each pair goes into the next, and the last into itself. */
	for (int i = 0; i < 200; i++) {
		MUST(!socketpair(AF_UNIX, i & 1 ? SOCK_STREAM : SOCK_DGRAM, 0, more));
		send_descriptor(more[0], ends[0]);
		send_descriptor(more[0], ends[1]);
		close(ends[0]);
		close(ends[1]);
		memcpy(ends, more, sizeof(ends));
	}
	send_descriptor(ends[0], ends[0]);
	send_descriptor(ends[0], ends[1]);
}

ACT(descriptors)
{
	for (int i = 0; i < 5; i++)
		run(scene, 0, nest_descriptors);
}

CHECK(descriptors)
{
	expect_recording();
}

CASE(self_sockets, "privilege", "sockets that talk to themselves, by a user", "", "no hang")

static void talk_to_self(struct scene *scene)
{
	struct sockaddr_in in4 = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t bytes;
	char byte;
	int fd;

	(void)scene;
	become_nobody();
	for (int i = 0; i < 50; i++) {
		/* Autobind gives an abstract name. */
		fd = socket(AF_UNIX, SOCK_DGRAM, 0);
		MUST(!bind(fd, (struct sockaddr *)&address, sizeof(address.sun_family)));
		bytes = sizeof(address);
		MUST(!getsockname(fd, (struct sockaddr *)&address, &bytes));
		MUST(!connect(fd, (struct sockaddr *)&address, bytes));
		for (int j = 0; j < 5; j++)
			MUST(send(fd, "x", 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1);
		close(fd);
		address.sun_path[0] = '\0';
		/* A port that nobody has. */
		in4.sin_port = 0;
		fd = socket(AF_INET, i & 1 ? SOCK_STREAM : SOCK_DGRAM, 0);
		MUST(!bind(fd, (struct sockaddr *)&in4, sizeof(in4)));
		bytes = sizeof(in4);
		MUST(!getsockname(fd, (struct sockaddr *)&in4, &bytes));
		MUST(!connect(fd, (struct sockaddr *)&in4, sizeof(in4)));
		for (int j = 0; j < 5; j++)
			MUST(send(fd, "x", 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1);
		close(fd);
	}
}

ACT(self_sockets)
{
	run(scene, 0, talk_to_self);
}

CHECK(self_sockets)
{
	expect_recording();
}

CASE(fork_bomb, "privilege", "processes that fork until they may not, by a user", "", "no harm")

static void fork_all(struct scene *scene)
{
	const struct rlimit limit = { 150, 150 };

	(void)scene;
	become_nobody();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	MUST(!setrlimit(RLIMIT_NPROC, &limit));
	/* All children fork on, until the limit or the end of the rounds. */
	for (int i = 0; i < 9; i++)
		fork();
	for (int i = 0; i < 20; i++)
		if (!fork())
			_exit(0);
	while (wait(NULL) > 0)
		;
}

ACT(fork_bomb)
{
	run(scene, 0, fork_all);
}

CHECK(fork_bomb)
{
	expect_recording();
}

CASE(exec_loop, "privilege", "a script that is its own interpreter, and a long chain",
     "bprm_check_security", "the kernel's limit, and no harm")

static void exec_self(struct scene *scene)
{
	char *const argv[] = { "self", NULL };

	become_nobody();
	MUST(execv(in(scene, "self"), argv) < 0 && errno == ELOOP);
	MUST(execv(in(scene, "script-9"), argv) < 0 && errno == ELOOP);
}

ACT(exec_loop)
{
	char line[160], name[16];

	snprintf(line, sizeof(line), "#!%s\n", in(scene, "self"));
	put_file(in(scene, "self"), line);
	EXPECT(!chmod(in(scene, "self"), 0755));
	put_file(in(scene, "script-0"), "#!/bin/true\n");
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "script-%d", i);
		if (i)
			put_file(in(scene, name), line);
		EXPECT(!chmod(in(scene, name), 0755));
		snprintf(line, sizeof(line), "#!%s\n", in(scene, name));
	}
	run(scene, 0, exec_self);
}

CHECK(exec_loop)
{
	EXPECT(graph_images(graph, scene->pid[0]) == 1);
	expect_recording();
}

CASE(many_files, "privilege", "many small files made and deleted by a user", "name_created",
     "nothing lost, or the loss counted")

/* SELFTEST_FILES in the environment asks for more. */
#define FILES	10000

static int files(void)
{
	const char *const text = getenv("SELFTEST_FILES");

	return text ? atoi(text) : FILES;
}

static void make_files(struct scene *scene)
{
	char name[32];

	become_nobody();
	MUST(!chdir(scene->dir));
	for (int i = 0; i < files(); i++) {
		int fd;

		snprintf(name, sizeof(name), "file-%d", i);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		MUST(fd >= 0 && write(fd, "x", 1) == 1);
		close(fd);
		if (i >= 100) {
			snprintf(name, sizeof(name), "file-%d", i - 100);
			MUST(!unlink(name));
		}
	}
}

ACT(many_files)
{
	EXPECT(!chmod(scene->dir, 0777));
	run(scene, 0, make_files);
}

CHECK(many_files)
{
	const int node = process(scene, graph, 0, 0);
	const int created = graph_count(graph, node, ANY, "create", "meta");

	EXPECT(created == files() || graph_lost(graph) >= files() - created, "%d of %d, %ld lost",
	       created, files(), graph_lost(graph));
	EXPECT(graph_lost(graph) == 0, "%ld records lost", graph_lost(graph));
}
