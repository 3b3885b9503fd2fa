// SPDX-License-Identifier: GPL-2.0
/* What else io_uring does: sockets, splice, names, attributes, messages between rings */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "copy.h"
#include "flow.h"
#include "uring.h"

static char buffer[64] = "x";

CASE(send, "UNIX sockets", "io_uring: SEND and RECV", "socket_sent, socket_received",
     "sender to socket to socket to receiver")

static void send_byte(struct scene *scene)
{
	struct ring ring;

	take_file(in(scene, "from"));
	ring_open(&ring, 0);
	MUST(ring_do(&ring, IORING_OP_SEND, scene->fd[0], buffer, 1, 0) == 1);
}

static void receive_byte(struct scene *scene)
{
	struct ring ring;

	ring_open(&ring, 0);
	ring_sqe(&ring, IORING_OP_RECV, scene->fd[1], buffer, sizeof(buffer), 0);
	ring_push(&ring);
	ring_enter(&ring, 1, 0);
	told();
	MUST(ring_take(&ring, NULL) == 1);
	put_file(in(scene, "to"), "x");
}

static void expect_sent(const struct scene *scene, const struct graph *graph)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), ANY, "send", "data", 1);
	EXPECT_EDGES(ANY, process(scene, graph, 1, 0), "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(process(scene, graph, 1, 0), process(scene, graph, 0, 0));
}

ACT(send)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, scene->fd));
	actor(scene, 1, receive_byte);
	done(scene, 1);
	run(scene, 0, send_byte);
	finish(scene, 1);
}

CHECK(send)
{
	expect_sent(scene, graph);
}

CASE(message, "UNIX sockets", "io_uring: SENDMSG and RECVMSG, of datagrams",
     "socket_sent, socket_received", "sender to socket to socket to receiver")

static void send_message(struct scene *scene)
{
	struct iovec io = { buffer, 1 };
	struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1 };
	struct ring ring;

	take_file(in(scene, "from"));
	ring_open(&ring, 0);
	MUST(ring_do(&ring, IORING_OP_SENDMSG, scene->fd[0], &message, 1, 0) == 1);
}

static void receive_message(struct scene *scene)
{
	struct iovec io = { buffer, sizeof(buffer) };
	struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1 };
	struct ring ring;

	ring_open(&ring, 0);
	MUST(ring_do(&ring, IORING_OP_RECVMSG, scene->fd[1], &message, 1, 0) == 1);
	put_file(in(scene, "to"), "x");
}

ACT(message)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!socketpair(AF_UNIX, SOCK_DGRAM, 0, scene->fd));
	run(scene, 0, send_message);
	run(scene, 1, receive_message);
}

CHECK(message)
{
	expect_sent(scene, graph);
}

CASE(zero_copy, "TCP", "io_uring: SEND_ZC, multishot ACCEPT and RECV", "socket_sent, "
     "socket_accepted, socket_received", "sender to socket to socket to receiver")

static void send_zero_copy(struct scene *scene)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	struct ring ring;
	int fd;

	take_file(in(scene, "from"));
	ring_open(&ring, 0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	MUST(fd >= 0 && !getsockname(scene->fd[0], (struct sockaddr *)&address, &length));
	MUST(ring_do(&ring, IORING_OP_CONNECT, fd, &address, 0, length) == 0);
	ring_sqe(&ring, IORING_OP_SEND_ZC, fd, buffer, 1, 0);
	MUST(ring_go(&ring) == 1);
	told();
	await();
}

static void serve(struct scene *scene)
{
	struct io_uring_sqe *sqe;
	struct ring ring;
	int fd;

	ring_open(&ring, 0);
	sqe = ring_sqe(&ring, IORING_OP_ACCEPT, scene->fd[0], NULL, 0, 0);
	sqe->ioprio = IORING_ACCEPT_MULTISHOT;
	ring_push(&ring);
	ring_enter(&ring, 1, 0);
	told();
	fd = ring_take(&ring, NULL);
	MUST(fd >= 0);
	sqe = ring_sqe(&ring, IORING_OP_PROVIDE_BUFFERS, 1, buffer, sizeof(buffer), 0);
	sqe->buf_group = 1;
	MUST(ring_go(&ring) >= 0);
	sqe = ring_sqe(&ring, IORING_OP_RECV, fd, NULL, 0, 0);
	sqe->ioprio = IORING_RECV_MULTISHOT;
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = 1;
	ring_push(&ring);
	ring_enter(&ring, 1, 1);
	MUST(ring_take(&ring, NULL) == 1);
	put_file(in(scene, "to"), "x");
}

ACT(zero_copy)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	put_file(in(scene, "from"), "f");
	scene->fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(!bind(scene->fd[0], (struct sockaddr *)&address, sizeof(address)));
	EXPECT(!listen(scene->fd[0], 1));
	actor(scene, 1, serve);
	done(scene, 1);
	actor(scene, 0, send_zero_copy);
	done(scene, 0);
	finish(scene, 1);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(zero_copy)
{
	expect_sent(scene, graph);
	EXPECT_EDGES(ANY, process(scene, graph, 1, 0), "accept", "control", 1);
	EXPECT_EDGE(process(scene, graph, 0, 0), ANY, "connect", "control");
}

CASE(splice, "pipes", "io_uring: SPLICE from a file to a pipe, TEE, SPLICE to a file",
     "file_spliced, splice_taken, file_written", "file to process to pipes and file")

static void splice_all(struct scene *scene)
{
	struct io_uring_sqe *sqe;
	int a[2], b[2];
	struct ring ring;

	MUST(!pipe(a) && !pipe(b));
	ring_open(&ring, 0);
	sqe = ring_sqe(&ring, IORING_OP_SPLICE, a[1], NULL, 1, -1);
	sqe->splice_fd_in = must_open(scene, "from", O_RDONLY);
	sqe->splice_off_in = 0;
	MUST(ring_go(&ring) == 1);
	sqe = ring_sqe(&ring, IORING_OP_TEE, b[1], NULL, 1, 0);
	sqe->splice_fd_in = a[0];
	MUST(ring_go(&ring) == 1);
	sqe = ring_sqe(&ring, IORING_OP_SPLICE, must_open(scene, "to", O_WRONLY), NULL, 1, 0);
	sqe->splice_fd_in = b[0];
	sqe->splice_off_in = -1;
	MUST(ring_go(&ring) == 1);
}

ACT(splice)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "to"), "");
	run(scene, 0, splice_all);
}

CHECK(splice)
{
	const int who = process(scene, graph, 0, 0);

	EXPECT_EDGES(file(scene, graph, "from"), who, "read", "data", 1);
	EXPECT_EDGES(who, file(scene, graph, "to"), "write", "data", 1);
	/* The file and two pipes. */
	EXPECT_EDGES(who, ANY, "write", "data", 3);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(names, "names", "io_uring: OPENAT, MKDIRAT, LINKAT, SYMLINKAT, RENAMEAT, UNLINKAT",
     "file_post_open, name_created, name_linked, name_moved, name_removed",
     "as of the system calls")

static void make_names(struct scene *scene)
{
	struct io_uring_sqe *sqe;
	struct ring ring;
	int fd;

	ring_open(&ring, 0);
	sqe = ring_sqe(&ring, IORING_OP_OPENAT, AT_FDCWD, in(scene, "made"), 0644, 0);
	sqe->open_flags = O_CREAT | O_WRONLY;
	fd = ring_go(&ring);
	MUST(fd >= 0 && ring_do(&ring, IORING_OP_WRITE, fd, "x", 1, 0) == 1);
	MUST(ring_do(&ring, IORING_OP_MKDIRAT, AT_FDCWD, in(scene, "dir"), 0755, 0) == 0);
	MUST(ring_do(&ring, IORING_OP_LINKAT, AT_FDCWD, in(scene, "made"), AT_FDCWD,
		     (uintptr_t)in(scene, "linked")) == 0);
	MUST(ring_do(&ring, IORING_OP_SYMLINKAT, AT_FDCWD, "made", 0,
		     (uintptr_t)in(scene, "symlink")) == 0);
	MUST(ring_do(&ring, IORING_OP_RENAMEAT, AT_FDCWD, in(scene, "linked"), AT_FDCWD,
		     (uintptr_t)in(scene, "renamed")) == 0);
	MUST(ring_do(&ring, IORING_OP_UNLINKAT, AT_FDCWD, in(scene, "renamed"), 0, 0) == 0);
	/* And what fails. */
	MUST(ring_do(&ring, IORING_OP_UNLINKAT, AT_FDCWD, in(scene, "other"), 0, 0) == -ENOENT);
	MUST(ring_do(&ring, IORING_OP_MKDIRAT, AT_FDCWD, in(scene, "made"), 0755, 0) == -EEXIST);
}

ACT(names)
{
	run(scene, 0, make_names);
}

CHECK(names)
{
	const int who = process(scene, graph, 0, 0), made = file(scene, graph, "made");

	EXPECT_EDGES(who, made, "create", "meta", 1);
	EXPECT_EDGES(made, who, "open", "meta", 1);
	EXPECT_EDGES(who, made, "write", "data", 1);
	EXPECT_EDGES(who, made, "link", "meta", 1);
	EXPECT_EDGES(who, made, "rename", "meta", 1);
	EXPECT_EDGES(who, made, "unlink", "meta", 1);
	EXPECT_EDGES(who, file(scene, graph, "dir"), "mkdir", "meta", 1);
	EXPECT_EDGES(who, file(scene, graph, "symlink"), "symlink", "data", 1);
	EXPECT(graph_has_path(graph, made, in(scene, "renamed"), "unlink"));
}

CASE(attributes, "metadata", "io_uring: FSETXATTR, GETXATTR, FTRUNCATE, FALLOCATE",
     "inode_post_setxattr, xattr_read, inode_post_setattr, file_written",
     "as of the system calls")

static void set_attributes(struct scene *scene)
{
	const int fd = must_open(scene, "file", O_RDWR);
	struct io_uring_sqe *sqe;
	struct ring ring;

	ring_open(&ring, 0);
	ring_sqe(&ring, IORING_OP_FSETXATTR, fd, "user.a", 1, (uintptr_t)"v");
	MUST(ring_go(&ring) == 0);
	sqe = ring_sqe(&ring, IORING_OP_GETXATTR, 0, "user.a", 1, (uintptr_t)buffer);
	sqe->addr3 = (uintptr_t)in(scene, "other");
	MUST(ring_go(&ring) == 1);
	/* The length is in addr, the mode in len. */
	sqe = ring_sqe(&ring, IORING_OP_FALLOCATE, fd, (void *)4096, 0, 0);
	MUST(ring_go(&ring) == 0);
	ring_sqe(&ring, URING_FTRUNCATE, must_open(scene, "cut", O_WRONLY), NULL, 0, 1);
	MUST(ring_go(&ring) == 0);
}

ACT(attributes)
{
	put_file(in(scene, "file"), "x");
	put_file(in(scene, "other"), "x");
	put_file(in(scene, "cut"), "xx");
	EXPECT(!setxattr(in(scene, "other"), "user.a", "v", 1, 0));
	run(scene, 0, set_attributes);
}

CHECK(attributes)
{
	const int who = process(scene, graph, 0, 0), node = file(scene, graph, "file");

	EXPECT_EDGES(who, node, "setxattr", "data", 1);
	EXPECT_EDGES(file(scene, graph, "other"), who, "getxattr", "data", 1);
	EXPECT_EDGE(who, node, "write", "data");
	EXPECT_EDGES(who, file(scene, graph, "cut"), "truncate", "data", 1);
	EXPECT_NO_EDGE(who, file(scene, graph, "other"), "setxattr");
}

CASE(wait, "process", "io_uring: WAITID", "status_taken", "child to parent: wait, control")

static void wait_for_child(struct scene *scene)
{
	struct io_uring_sqe *sqe;
	struct ring ring;
	siginfo_t info;
	pid_t pid;

	ring_open(&ring, 0);
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		put_file(in(scene, "child"), "x");
		_exit(3);
	}
	sqe = ring_sqe(&ring, URING_WAITID, pid, NULL, P_PID, (uintptr_t)&info);
	sqe->file_index = WEXITED;
	MUST(ring_go(&ring) == 0 && info.si_status == 3);
}

ACT(wait)
{
	run(scene, 0, wait_for_child);
}

CHECK(wait)
{
	const int child = graph_from(graph, file(scene, graph, "child"), "write");

	EXPECT_EDGES(child, process(scene, graph, 0, 0), "wait", "control", 1);
	EXPECT_NO_DATA(child, process(scene, graph, 0, 0));
}

/* Rings of different processes */

#define RING_FD	100

/* The ring of an actor that has it as RING_FD. */
static int take_ring(const struct scene *scene, int role)
{
	const int pidfd = syscall(__NR_pidfd_open, scene->pid[role], 0);
	const int fd = syscall(__NR_pidfd_getfd, pidfd, RING_FD, 0);

	MUST(pidfd >= 0 && fd >= 0);
	return fd;
}

static void wait_for_message(struct scene *scene, unsigned int flags)
{
	uint64_t user_data;
	struct ring ring;

	ring_open(&ring, flags);
	MUST(dup2(ring.fd, RING_FD) == RING_FD);
	told();
	MUST(ring_take(&ring, &user_data) == 7 && user_data == 42);
	put_file(in(scene, "to"), "x");
}

static void wait_plainly(struct scene *scene)
{
	wait_for_message(scene, 0);
}

static void wait_deferred(struct scene *scene)
{
	wait_for_message(scene, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
}

static void tell_ring(struct scene *scene)
{
	const int target = take_ring(scene, 1);
	struct ring ring;

	take_file(in(scene, "from"));
	ring_open(&ring, 0);
	MUST(ring_do(&ring, IORING_OP_MSG_RING, target, (void *)IORING_MSG_DATA, 7, 42) == 0);
}

static void act_tell(struct scene *scene, actor_fn receiver)
{
	put_file(in(scene, "from"), "f");
	actor(scene, 1, receiver);
	done(scene, 1);
	run(scene, 0, tell_ring);
	finish(scene, 1);
}

static void check_message_told(struct scene *scene, struct graph *graph)
{
	const int sender = process(scene, graph, 0, 0), receiver = process(scene, graph, 1, 0);

	EXPECT_EDGES(sender, receiver, "poke", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(msg_ring, "IPC", "io_uring: MSG_RING to the ring of another process",
     "memory_begins, memory_accessed", "sender to receiver: poke, data")

ACT(msg_ring)
{
	act_tell(scene, wait_plainly);
}

CHECK(msg_ring)
{
	check_message_told(scene, graph);
}

CASE(msg_deferred, "IPC", "io_uring: MSG_RING to a ring whose owner does the work itself",
     "memory_begins, memory_accessed", "sender to receiver: poke, data")

ACT(msg_deferred)
{
	act_tell(scene, wait_deferred);
}

CHECK(msg_deferred)
{
	check_message_told(scene, graph);
}

CASE(msg_failed, "outcome", "io_uring: MSG_RING to a ring that is not enabled, and to a file",
     "memory_accessed", "no edge")

static void have_disabled_ring(struct scene *scene)
{
	struct ring ring;

	(void)scene;
	ring_open(&ring, IORING_SETUP_R_DISABLED);
	MUST(dup2(ring.fd, RING_FD) == RING_FD);
	told();
	await();
}

static void tell_badly(struct scene *scene)
{
	const int target = take_ring(scene, 1), fd = must_open(scene, "file", O_RDWR);
	struct ring ring;

	ring_open(&ring, 0);
	MUST(ring_do(&ring, IORING_OP_MSG_RING, target, (void *)IORING_MSG_DATA, 7, 42) == -EBADFD);
	MUST(ring_do(&ring, IORING_OP_MSG_RING, fd, (void *)IORING_MSG_DATA, 7, 42) == -EBADFD);
	/* To one's own other ring it is no flow. */
	ring_open(&ring, 0);
	MUST(ring_do(&ring, IORING_OP_MSG_RING, ring.fd, (void *)IORING_MSG_DATA, 7, 42) == 7 ||
	     ring_take(&ring, NULL) == 7);
}

ACT(msg_failed)
{
	put_file(in(scene, "file"), "x");
	actor(scene, 1, have_disabled_ring);
	done(scene, 1);
	run(scene, 0, tell_badly);
	go(scene, 1);
	finish(scene, 1);
}

CHECK(msg_failed)
{
	const int sender = process(scene, graph, 0, 0);

	EXPECT_NO_DATA(sender, process(scene, graph, 1, 0));
	EXPECT_NO_EDGE(sender, ANY, "poke");
	EXPECT_NO_EDGE(sender, file(scene, graph, "file"), "write");
}

CASE(msg_fd, "descriptors", "io_uring: MSG_RING sends a registered file to another process",
     "file_given", "sender to file: pass, meta; file to receiver: receive, meta; sender to "
     "receiver: getfd, data")

static void wait_for_file(struct scene *scene, unsigned int flags)
{
	const int nothing = -1;
	uint64_t user_data;
	struct ring ring;

	ring_open(&ring, flags);
	ring_register(&ring, IORING_REGISTER_FILES, &nothing, 1);
	MUST(dup2(ring.fd, RING_FD) == RING_FD);
	told();
	MUST(ring_take(&ring, &user_data) == 0 && user_data == 42);
	ring_sqe(&ring, IORING_OP_READ, 0, buffer, 1, 0)->flags = IOSQE_FIXED_FILE;
	MUST(ring_go(&ring) == 1);
	put_file(in(scene, "to"), "x");
}

static void get_plainly(struct scene *scene)
{
	wait_for_file(scene, 0);
}

static void get_deferred(struct scene *scene)
{
	wait_for_file(scene, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
}

static void give_file(struct scene *scene)
{
	const int target = take_ring(scene, 1), fd = must_open(scene, "file", O_RDONLY);
	struct io_uring_sqe *sqe;
	struct ring ring;

	take_file(in(scene, "from"));
	ring_open(&ring, 0);
	ring_register(&ring, IORING_REGISTER_FILES, &fd, 1);
	sqe = ring_sqe(&ring, IORING_OP_MSG_RING, target, (void *)IORING_MSG_SEND_FD, 0, 42);
	sqe->addr3 = 0;
	sqe->file_index = 1;
	MUST(ring_go(&ring) == 0);
}

static void act_give(struct scene *scene, actor_fn receiver)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "file"), "x");
	actor(scene, 1, receiver);
	done(scene, 1);
	run(scene, 0, give_file);
	finish(scene, 1);
}

static void check_given(struct scene *scene, struct graph *graph)
{
	const int sender = process(scene, graph, 0, 0), receiver = process(scene, graph, 1, 0);
	const int node = file(scene, graph, "file");

	EXPECT_EDGES(sender, node, "pass", "meta", 1);
	EXPECT_EDGES(node, receiver, "receive", "meta", 1);
	EXPECT_EDGES(sender, receiver, "getfd", "data", 1);
	EXPECT_EDGES(node, receiver, "read", "data", 1);
	EXPECT_NO_EDGE(node, sender, "read");
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

ACT(msg_fd)
{
	act_give(scene, get_plainly);
}

CHECK(msg_fd)
{
	check_given(scene, graph);
}

CASE(msg_fd_deferred, "descriptors",
     "io_uring: the same to a ring whose owner does the work itself", "file_given",
     "the same edges")

ACT(msg_fd_deferred)
{
	act_give(scene, get_deferred);
}

CHECK(msg_fd_deferred)
{
	check_given(scene, graph);
}

CASE(install, "outcome",
     "an end of file after io_uring has installed a registered file (FIXED_FD_INSTALL)",
     "file_received, socket_received", "receive, meta, of the file; no recv of the socket")

/* Nothing was sent to the socket, whose other end is closed. */
static void install_and_end(struct scene *scene)
{
	const int fd = must_open(scene, "file", O_RDONLY);
	struct ring ring;
	char byte;

	MUST(recv(scene->fd[1], &byte, 1, MSG_DONTWAIT) == 0);
	ring_open(&ring, 0);
	ring_register(&ring, IORING_REGISTER_FILES, &fd, 1);
	ring_sqe(&ring, URING_FD_INSTALL, 0, NULL, 0, 0)->flags = IOSQE_FIXED_FILE;
	MUST(ring_go(&ring) > fd);
	MUST(recv(scene->fd[1], &byte, 1, 0) == 0);
}

ACT(install)
{
	put_file(in(scene, "file"), "x");
	EXPECT(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, scene->fd));
	close(scene->fd[0]);
	scene->fd[0] = 0;
	run(scene, 0, install_and_end);
}

CHECK(install)
{
	const int who = process(scene, graph, 0, 0);

	EXPECT_EDGES(file(scene, graph, "file"), who, "receive", "meta", 1);
	EXPECT_NO_EDGE(ANY, who, "recv");
}
