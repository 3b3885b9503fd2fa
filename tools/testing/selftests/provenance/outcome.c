// SPDX-License-Identifier: GPL-2.0
/* By outcome: calls that fail, would block or end move nothing */
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow.h"

/* An address that no process has; volatile, so that the compiler does not know. */
static void *volatile nowhere = (void *)8;

CASE(end_of_file, "outcome",
     "read, readv, sendfile and splice at the end of a file; read at that of pipe and socket",
     "file_read, socket_received",
     "no edge")

static void read_ends(struct scene *scene)
{
	const int fd = open(in(scene, "empty"), O_RDONLY), null = open("/dev/null", O_WRONLY);
	char byte;
	struct iovec io = { &byte, 1 };
	int ends[2];

	MUST(fd >= 0 && read(fd, &byte, 1) == 0 && pread(fd, &byte, 1, 100) == 0);
	MUST(readv(fd, &io, 1) == 0 && preadv(fd, &io, 1, 0) == 0);
	MUST(sendfile(null, fd, NULL, 1) == 0);
	MUST(!pipe(ends) && splice(fd, NULL, ends[1], NULL, 1, 0) == 0);
	MUST(!pipe(ends) && !close(ends[1]) && read(ends[0], &byte, 1) == 0);
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends) && !close(ends[1]));
	MUST(recv(ends[0], &byte, 1, 0) == 0 && read(ends[0], &byte, 1) == 0);
}

ACT(end_of_file)
{
	put_file(in(scene, "empty"), "");
	run(scene, 0, read_ends);
}

CHECK(end_of_file)
{
	const int node = process(scene, graph, 0, 0);

	EXPECT_NO_EDGE(ANY, node, "read");
	EXPECT_NO_EDGE(ANY, node, "recv");
	EXPECT_NO_EDGE(node, ANY, "write");
}

CASE(would_block, "outcome", "read, write, recv and send that would block",
     "file_read, file_written, socket_sent, socket_received", "no edge")

static void never_block(struct scene *scene)
{
	static char zeroes[65536];
	int ends[2];

	MUST(!pipe2(ends, O_NONBLOCK));
	MUST(read(ends[0], zeroes, 1) < 0 && errno == EAGAIN);
	MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
	MUST(recv(ends[0], zeroes, 1, 0) < 0 && errno == EAGAIN);
	MUST(read(ends[0], zeroes, 1) < 0 && errno == EAGAIN);
	/* Others have filled these. */
	MUST(write(scene->fd[1], zeroes, 1) < 0 && errno == EAGAIN);
	MUST(send(scene->fd[2], zeroes, sizeof(zeroes), 0) < 0 && errno == EAGAIN);
}

static void fill(struct scene *scene)
{
	static char zeroes[65536];

	while (write(scene->fd[1], zeroes, sizeof(zeroes)) > 0)
		;
	while (send(scene->fd[2], zeroes, sizeof(zeroes), 0) > 0)
		;
	while (send(scene->fd[2], zeroes, 1, 0) > 0)
		;
}

ACT(would_block)
{
	EXPECT(!pipe2(scene->fd, O_NONBLOCK));
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, scene->fd + 2));
	run(scene, 1, fill);
	run(scene, 0, never_block);
}

CHECK(would_block)
{
	const int node = process(scene, graph, 0, 0);

	EXPECT_NO_EDGE(ANY, node, "read");
	EXPECT_NO_EDGE(ANY, node, "recv");
	EXPECT_NO_EDGE(node, ANY, "write");
	EXPECT_NO_EDGE(node, ANY, "send");
	/* The one that filled them did write. */
	EXPECT_EDGES(process(scene, graph, 1, 0), ANY, "write", "data", 1);
	EXPECT_EDGES(process(scene, graph, 1, 0), ANY, "send", "data", 1);
}

CASE(bad_call, "outcome", "EBADF and EFAULT in read, write, recv and send",
     "file_read, file_written, socket_sent, socket_received", "no edge")

static void call_badly(struct scene *scene)
{
	const int readable = open(in(scene, "file"), O_RDONLY);
	const int writable = open(in(scene, "file"), O_WRONLY);
	struct iovec io = { nowhere, 1 };
	int ends[2];
	char byte;

	MUST(readable >= 0 && writable >= 0);
	MUST(read(writable, &byte, 1) < 0 && errno == EBADF);
	MUST(write(readable, "x", 1) < 0 && errno == EBADF);
	MUST(write(readable + 100, "x", 1) < 0 && errno == EBADF);
	MUST(read(readable, nowhere, 1) < 0 && errno == EFAULT);
	MUST(readv(readable, &io, 1) < 0 && errno == EFAULT);
	MUST(write(writable, nowhere, 1) < 0 && errno == EFAULT);
	MUST(writev(writable, &io, 1) < 0 && errno == EFAULT);
	MUST(!pipe(ends) && write(ends[1], nowhere, 1) < 0 && errno == EFAULT);
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	MUST(send(ends[0], nowhere, 1, 0) < 0 && errno == EFAULT);
	MUST(recv(readable, &byte, 1, 0) < 0 && errno == ENOTSOCK);
}

ACT(bad_call)
{
	put_file(in(scene, "file"), "x");
	run(scene, 0, call_badly);
}

CHECK(bad_call)
{
	const int node = process(scene, graph, 0, 0), parent = graph_from(graph, node, "fork");

	EXPECT_NO_EDGE(ANY, node, "read");
	EXPECT_NO_EDGE(ANY, node, "recv");
	EXPECT(graph_count(graph, node, ANY, NULL, "data") == 0);
	EXPECT_EDGES(parent, node, NULL, "data", 1);
}

CASE(partly, "outcome",
     "a pipe, a datagram, a stream, messages and a link read to an address whose end is not there (EFAULT)",
     "pipe_buffer_read, file_read, partly_copied, socket_received, message_dropped, link_read",
     "as if they had been read: what fits before the end was given")

#define FITS	5
#define LONG	"longer than what fits"

enum { PIPE, DATAGRAM, STREAM, MESSAGE, PRIORITY, QUEUE, LINK, WAYS };

/* Who reads to there gets FITS bytes. */
static char *almost_nowhere(void)
{
	char *const pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(pages != MAP_FAILED && !munmap(pages + 4096, 4096));
	return pages + 4096 - FITS;
}

static void write_all(struct scene *scene)
{
	struct { long type; char text[sizeof(LONG)]; } message = { 1, LONG };

	take_file(in(scene, "secret"));
	MUST(write(scene->fd[1], LONG, sizeof(LONG)) == sizeof(LONG));
	MUST(send(scene->fd[3], LONG, sizeof(LONG), 0) == sizeof(LONG));
	MUST(send(scene->fd[5], LONG, sizeof(LONG), 0) == sizeof(LONG));
	for (int i = 0; i < 2; i++) {
		MUST(!msgsnd(scene->fd[6], &message, sizeof(message.text), 0));
		MUST(!mq_send(scene->fd[7], LONG, sizeof(LONG), 3));
	}
	MUST(!symlink(LONG, in(scene, "link")));
}

static bool fails(long ret)
{
	return ret < 0 && errno == EFAULT;
}

static void read_partly(struct scene *scene, int way)
{
	char *const at = almost_nowhere();
	unsigned int *const priority = (unsigned int *)(at - 4 - (uintptr_t)(at - 4) % 4);

	switch (way) {
	case PIPE:
		MUST(fails(read(scene->fd[0], at, sizeof(LONG))));
		break;
	case DATAGRAM:
		MUST(fails(recv(scene->fd[2], at, sizeof(LONG), 0)));
		break;
	case STREAM:
		MUST(fails(recv(scene->fd[4], at, sizeof(LONG), 0)));
		break;
	case MESSAGE:
		MUST(fails(msgrcv(scene->fd[6], at - sizeof(long), sizeof(LONG), 0, 0)));
		break;
	case PRIORITY:
		MUST(fails(mq_receive(scene->fd[7], nowhere, 8192, priority)) && *priority == 3);
		break;
	case QUEUE:
		MUST(fails(mq_receive(scene->fd[7], at, 8192, NULL)));
		break;
	case LINK:
		MUST(fails(readlink(in(scene, "link"), at, sizeof(LONG))));
		break;
	}
}

/* What is left in the pipe and the queues, for who is not given any of it. */
static void read_nothing(struct scene *scene)
{
	MUST(fails(read(scene->fd[0], nowhere, sizeof(LONG))));
	MUST(fails(recv(scene->fd[2], nowhere, sizeof(LONG), MSG_PEEK)));
	MUST(fails(recv(scene->fd[4], nowhere, sizeof(LONG), MSG_PEEK)));
	MUST(fails(msgrcv(scene->fd[6], nowhere, sizeof(LONG), 0, 0)));
	MUST(fails(readlink(in(scene, "link"), nowhere, sizeof(LONG))));
	put_file(in(scene, "none"), "x");
}

#define READER(WAY, NAME)						\
	static void reads_##WAY(struct scene *scene)			\
	{								\
		read_partly(scene, WAY);				\
		put_file(in(scene, NAME), "x");				\
	}
READER(PIPE, "0")
READER(DATAGRAM, "1")
READER(STREAM, "2")
READER(MESSAGE, "3")
READER(PRIORITY, "4")
READER(QUEUE, "5")
READER(LINK, "6")

static void (*const readers[WAYS])(struct scene *scene) = {
	reads_PIPE, reads_DATAGRAM, reads_STREAM, reads_MESSAGE, reads_PRIORITY, reads_QUEUE,
	reads_LINK,
};

ACT(partly)
{
	put_file(in(scene, "secret"), "s");
	EXPECT(!pipe(scene->fd));
	EXPECT(!socketpair(AF_UNIX, SOCK_DGRAM, 0, scene->fd + 2));
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, scene->fd + 4));
	scene->fd[6] = msgget(IPC_PRIVATE, 0600);
	scene->fd[7] = mq_open("/selftest-partly", O_RDWR | O_CREAT, 0600, NULL);
	EXPECT(scene->fd[6] >= 0 && scene->fd[7] >= 0);
	run(scene, 0, write_all);
	run(scene, 1, read_nothing);
	/* It took one message from the queue. */
	for (int way = 0; way < WAYS; way++)
		run(scene, 2 + way, readers[way]);
	msgctl(scene->fd[6], IPC_RMID, NULL);
	mq_unlink("/selftest-partly");
}

CHECK(partly)
{
	const int secret = file(scene, graph, "secret");
	char name[2] = "0";

	EXPECT_NOT_REACHES(secret, file(scene, graph, "none"));
	for (int way = 0; way < WAYS; way++, name[0]++)
		EXPECT_REACHES(secret, file(scene, graph, name));
}

CASE(partly_shown, "outcome",
     "a file of /proc/sys and one of sysfs read to an address whose end is not there (EFAULT)",
     "file_read", "read, data, file to process; none for who is not given any of it")

static const char *const shown[] = { "/proc/sys/kernel/ostype", "/sys/kernel/notes" };

static void read_shown(const char *path, char *at)
{
	const int fd = open(path, O_RDONLY);

	MUST(fd >= 0 && fails(read(fd, at, FITS + 1)));
}

static void read_setting(struct scene *scene)
{
	(void)scene;
	read_shown(shown[0], almost_nowhere());
}

static void read_notes(struct scene *scene)
{
	(void)scene;
	read_shown(shown[1], almost_nowhere());
}

static void read_none(struct scene *scene)
{
	(void)scene;
	read_shown(shown[0], nowhere);
	read_shown(shown[1], nowhere);
}

ACT(partly_shown)
{
	/* Their inodes must not leave memory meanwhile. */
	for (int i = 0; i < 2; i++) {
		scene->fd[i] = open(shown[i], O_RDONLY);
		EXPECT(scene->fd[i] > 0, "%s", shown[i]);
	}
	run(scene, 0, read_setting);
	run(scene, 1, read_notes);
	run(scene, 2, read_none);
}

CHECK(partly_shown)
{
	for (int i = 0; i < 2; i++) {
		const int node = graph_path(graph, shown[i]);

		EXPECT_EDGES(node, process(scene, graph, i, 0), "read", "data", 1);
		EXPECT_NO_DATA(process(scene, graph, i, 0), node);
		EXPECT_NO_DATA(node, process(scene, graph, !i, 0));
		EXPECT_NO_DATA(node, process(scene, graph, 2, 0));
	}
}

CASE(no_space, "outcome", "write to a full file system", "file_written",
     "no edge for the write that fails; one for a short write")

static void mount_small(struct scene *scene)
{
	char zeroes[4096] = "";
	pid_t pid;

	MUST(!unshare(CLONE_NEWNS));
	MUST(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(!mount("none", in(scene, "mnt"), "tmpfs", 0, "size=64k"));
	scene->fd[1] = open(in(scene, "mnt/full"), O_WRONLY | O_CREAT, 0644);
	scene->fd[2] = open(in(scene, "mnt/other"), O_WRONLY | O_CREAT, 0644);
	MUST(scene->fd[1] >= 0 && scene->fd[2] >= 0);
	for (int i = 0; i < 100 && write(scene->fd[1], zeroes, sizeof(zeroes)) > 0; i++)
		;
	/* A child, so that it is not who filled it. */
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		MUST(write(scene->fd[2], "x", 1) < 0 && errno == ENOSPC);
		put_file(in(scene, "who"), "x");
		_exit(0);
	}
	MUST(waitpid(pid, NULL, 0) == pid);
}

ACT(no_space)
{
	EXPECT(!mkdir(in(scene, "mnt"), 0755));
	run(scene, 0, mount_small);
}

CHECK(no_space)
{
	const int who = graph_from(graph, file(scene, graph, "who"), "write");

	EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, "mnt/full"), "write", "data",
		     1);
	EXPECT_NO_EDGE(who, file(scene, graph, "mnt/other"), "write");
}

CASE(broken_pipe, "outcome", "EPIPE in write and send", "file_written, socket_sent", "no edge")

static void write_to_nobody(struct scene *scene)
{
	int ends[2];

	(void)scene;
	MUST(!pipe(ends) && !close(ends[0]));
	MUST(write(ends[1], "x", 1) < 0 && errno == EPIPE);
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends) && !close(ends[0]));
	MUST(send(ends[1], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
}

ACT(broken_pipe)
{
	run(scene, 0, write_to_nobody);
}

CHECK(broken_pipe)
{
	const int node = process(scene, graph, 0, 0);

	EXPECT_NO_EDGE(node, ANY, "write");
	EXPECT_NO_EDGE(node, ANY, "send");
}

CASE(failed_then_done, "outcome", "a write that fails, then reading more, then one that succeeds",
     "file_permission, file_written", "the data has what was read in between")

static void fail_and_write(struct scene *scene)
{
	const int fd = open(in(scene, "to"), O_WRONLY);

	MUST(fd >= 0 && write(fd, nowhere, 1) < 0 && errno == EFAULT);
	take_file(in(scene, "from"));
	MUST(write(fd, "x", 1) == 1);
}

ACT(failed_then_done)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "to"), "");
	run(scene, 0, fail_and_write);
}

CHECK(failed_then_done)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, "to"), "write", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(nothing_asked, "outcome", "read and write of zero bytes", "file_read, file_written",
     "no edge")

static void move_nothing(struct scene *scene)
{
	const int fd = open(in(scene, "file"), O_RDWR);
	char byte;

	MUST(fd >= 0 && read(fd, &byte, 0) == 0 && write(fd, &byte, 0) == 0);
}

ACT(nothing_asked)
{
	put_file(in(scene, "file"), "x");
	run(scene, 0, move_nothing);
}

CHECK(nothing_asked)
{
	const int node = process(scene, graph, 0, 0);

	EXPECT_NO_DATA(file(scene, graph, "file"), node);
	EXPECT_NO_DATA(node, file(scene, graph, "file"));
}

CASE(peek, "outcome", "recv with MSG_PEEK only", "socket_received", "it is a read like any other")

static void peek_only(struct scene *scene)
{
	char byte;

	MUST(recv(scene->fd[1], &byte, 1, MSG_PEEK) == 1);
	put_file(in(scene, "to"), "x");
}

static void send_byte(struct scene *scene)
{
	take_file(in(scene, "from"));
	MUST(send(scene->fd[0], "x", 1, 0) == 1);
}

ACT(peek)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, scene->fd));
	run(scene, 0, send_byte);
	run(scene, 1, peek_only);
}

CHECK(peek)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}
