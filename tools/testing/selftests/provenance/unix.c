// SPDX-License-Identifier: GPL-2.0
/* UNIX sockets: stream, datagram, seqpacket, pairs; by path, abstract, unnamed */
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "exchange.h"

/* What the servers and clients of a case use; set before they are forked. */
static int type;
static bool abstract;

static const char *socket_name(const struct scene *scene)
{
	return in(scene, "sock");
}

static socklen_t make_address(const struct scene *scene, struct sockaddr_un *address)
{
	const char *const name = socket_name(scene);

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	strcpy(address->sun_path + abstract, name);
	return offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name) + !abstract;
}

static int bound_socket(const struct scene *scene)
{
	const int fd = socket(AF_UNIX, type, 0);
	struct sockaddr_un address;
	const socklen_t bytes = make_address(scene, &address);

	MUST(fd >= 0);
	MUST(!bind(fd, (struct sockaddr *)&address, bytes));
	return fd;
}

static int connected_socket(const struct scene *scene)
{
	const int fd = socket(AF_UNIX, type, 0);
	struct sockaddr_un address;
	const socklen_t bytes = make_address(scene, &address);

	MUST(fd >= 0);
	MUST(!connect(fd, (struct sockaddr *)&address, bytes));
	return fd;
}

static void serve(struct scene *scene)
{
	const int listening = bound_socket(scene);

	MUST(!listen(listening, 1));
	accept_and_answer(scene, listening);
}

static void request(struct scene *scene)
{
	ask(scene, connected_socket(scene));
}

static void act_connection(struct scene *scene)
{
	put_exchange_files(scene);
	actor(scene, 0, serve);
	done(scene, 0);
	run(scene, 1, request);
	finish(scene, 0);
}

static void check_connection(struct scene *scene, struct graph *graph)
{
	const int server = process(scene, graph, 0, 0), client = process(scene, graph, 1, 0);
	const int server_end = graph_to(graph, server, "send");
	const int end = graph_to(graph, client, "send");
	const int listening = graph_to(graph, server, "listen");

	EXPECT_EDGES(server, listening, "bind", "control", 1);
	EXPECT_EDGES(server, listening, "listen", "control", 1);
	EXPECT(!strcmp(graph_string(graph, listening, abstract ? "abstract" : "path"),
		       socket_name(scene)), "%s", graph_string(graph, listening, "path"));
	EXPECT_EDGES(client, end, "connect", "control", 1);
	EXPECT_EDGES(listening, server_end, "accept", "control", 1);
	EXPECT_EDGES(server_end, server, "accept", "control", 1);
	EXPECT(graph_peer(graph, end) == server_end);
	expect_exchange(scene, graph);
}

/* Of a case that binds one, for its children. */
static struct sockaddr_un scene_address;
static socklen_t scene_address_bytes;

CASE(stream, "IPC", "UNIX stream: bind, listen, connect, accept, send, receive, both ways",
     "unix_stream_connect, socket_bound, socket_listening, socket_connected, socket_accepted, "
     "socket_sent, socket_received",
     "process to socket: send; socket to socket: deliver; socket to process: recv; data")

ACT(stream)
{
	type = SOCK_STREAM;
	abstract = false;
	act_connection(scene);
}

CHECK(stream)
{
	abstract = false;
	check_connection(scene, graph);
}

CASE(stream_abstract, "IPC", "UNIX stream with an abstract address", "unix_stream_connect",
     "as UNIX stream")

ACT(stream_abstract)
{
	type = SOCK_STREAM;
	abstract = true;
	act_connection(scene);
}

CHECK(stream_abstract)
{
	abstract = true;
	check_connection(scene, graph);
}

CASE(seqpacket, "IPC", "UNIX seqpacket", "unix_stream_connect", "as UNIX stream")

ACT(seqpacket)
{
	type = SOCK_SEQPACKET;
	abstract = false;
	act_connection(scene);
}

CHECK(seqpacket)
{
	abstract = false;
	check_connection(scene, graph);
}

CASE(before_accept, "IPC", "UNIX stream: data sent before accept, by a sender that is gone",
     "unix_stream_connect", "the data arrives with its origin")

static void serve_late(struct scene *scene)
{
	const int listening = bound_socket(scene);
	char bytes[4];
	int fd;

	MUST(!listen(listening, 1));
	told();
	await();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0 && recv(fd, bytes, 4, 0) == 1);
	put_file(in(scene, "to"), "x");
}

static void send_only(struct scene *scene)
{
	const int fd = connected_socket(scene);

	take_file(in(scene, "from"));
	MUST(send(fd, "x", 1, 0) == 1);
}

ACT(before_accept)
{
	type = SOCK_STREAM;
	abstract = false;
	put_file(in(scene, "from"), "f");
	actor(scene, 0, serve_late);
	done(scene, 0);
	run(scene, 1, send_only);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(before_accept)
{
	EXPECT_REACHES(process(scene, graph, 1, 0), process(scene, graph, 0, 0));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

static void receive_datagram(struct scene *scene)
{
	const int fd = bound_socket(scene);
	char bytes[4];

	told();
	MUST(recvfrom(fd, bytes, 4, 0, NULL, NULL) == 1);
	put_file(in(scene, "to"), "x");
}

static void send_unconnected(struct scene *scene)
{
	const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un address;
	const socklen_t bytes = make_address(scene, &address);

	take_file(in(scene, "from"));
	MUST(fd >= 0);
	MUST(sendto(fd, "x", 1, 0, (struct sockaddr *)&address, bytes) == 1);
	take_file(in(scene, "late"));
}

static void send_connected(struct scene *scene)
{
	const int fd = connected_socket(scene);

	take_file(in(scene, "from"));
	MUST(write(fd, "x", 1) == 1);
	take_file(in(scene, "late"));
}

static void act_datagrams(struct scene *scene, actor_fn sender)
{
	type = SOCK_DGRAM;
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	actor(scene, 0, receive_datagram);
	done(scene, 0);
	run(scene, 1, sender);
	finish(scene, 0);
}

static void check_datagrams(struct scene *scene, struct graph *graph, bool is_abstract)
{
	const int receiver = process(scene, graph, 0, 0), sender = process(scene, graph, 1, 0);
	const int to = graph_unix(graph, socket_name(scene), is_abstract);
	const int from = graph_to(graph, sender, "send");

	EXPECT_EDGES(receiver, to, "bind", "control", 1);
	EXPECT_EDGES(sender, from, "send", "data", 1);
	EXPECT_EDGES(from, to, "deliver", "data", 1);
	EXPECT_EDGES(to, receiver, "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(receiver, sender);
}

CASE(datagram, "IPC", "UNIX datagram, bound receiver, unconnected sender without a name",
     "unix_may_send, socket_sent, socket_received", "send, deliver, recv; data")

ACT(datagram)
{
	abstract = false;
	act_datagrams(scene, send_unconnected);
}

CHECK(datagram)
{
	check_datagrams(scene, graph, false);
}

CASE(datagram_connected, "IPC", "UNIX datagram, connected sender that writes", "unix_may_send",
     "send, deliver, recv; data")

ACT(datagram_connected)
{
	abstract = false;
	act_datagrams(scene, send_connected);
}

CHECK(datagram_connected)
{
	check_datagrams(scene, graph, false);
}

CASE(datagram_abstract, "IPC", "UNIX datagram with an abstract address", "unix_may_send",
     "send, deliver, recv; data")

ACT(datagram_abstract)
{
	abstract = true;
	act_datagrams(scene, send_unconnected);
}

CHECK(datagram_abstract)
{
	check_datagrams(scene, graph, true);
}

CASE(datagram_blocks, "IPC", "UNIX datagram: a receiver that blocks before the sender sends",
     "unix_may_send", "the receiver comes from the sender, and nothing later")

static void send_when_told(struct scene *scene)
{
	const int fd = connected_socket(scene);

	take_file(in(scene, "from"));
	await();
	MUST(send(fd, "x", 1, 0) == 1);
	take_file(in(scene, "late"));
	told();
}

ACT(datagram_blocks)
{
	type = SOCK_DGRAM;
	abstract = false;
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	actor(scene, 0, receive_datagram);
	done(scene, 0);
	actor(scene, 1, send_when_told);
	blocked(scene, 0);
	step(scene, 1);
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(datagram_blocks)
{
	check_datagrams(scene, graph, false);
}

CASE(pair_stream, "IPC", "socketpair, stream", "socket_socketpair", "send, deliver, recv; data")

static void pair_write(struct scene *scene)
{
	take_file(in(scene, "from"));
	MUST(write(scene->fd[0], "x", 1) == 1);
}

static void pair_read(struct scene *scene)
{
	char byte;

	MUST(read(scene->fd[1], &byte, 1) == 1);
	put_file(in(scene, "to"), "x");
}

static void act_pair(struct scene *scene, int pair_type)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!socketpair(AF_UNIX, pair_type, 0, scene->fd));
	run(scene, 0, pair_write);
	run(scene, 1, pair_read);
}

static void check_pair(struct scene *scene, struct graph *graph)
{
	const int writer = process(scene, graph, 0, 0), reader = process(scene, graph, 1, 0);
	const int from = graph_to(graph, writer, "send"), to = graph_from(graph, reader, "recv");

	EXPECT(from != to);
	EXPECT_EDGES(writer, from, "send", "data", 1);
	EXPECT_EDGES(from, to, "deliver", "data", 1);
	EXPECT_EDGES(to, reader, "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(reader, writer);
	/* A socket is no file: what goes through it is recorded once. */
	EXPECT_NO_EDGE(writer, ANY, "write");
}

ACT(pair_stream)
{
	act_pair(scene, SOCK_STREAM);
}

CHECK(pair_stream)
{
	check_pair(scene, graph);
	EXPECT(graph_peer(graph, graph_to(graph, process(scene, graph, 0, 0), "send")) ==
	       graph_from(graph, process(scene, graph, 1, 0), "recv"));
}

CASE(pair_datagram, "IPC", "socketpair, datagram", "unix_may_send", "send, deliver, recv; data")

ACT(pair_datagram)
{
	act_pair(scene, SOCK_DGRAM);
}

CHECK(pair_datagram)
{
	check_pair(scene, graph);
}

CASE(pair_seqpacket, "IPC", "socketpair, seqpacket", "socket_socketpair",
     "send, deliver, recv; data")

ACT(pair_seqpacket)
{
	act_pair(scene, SOCK_SEQPACKET);
}

CHECK(pair_seqpacket)
{
	check_pair(scene, graph);
}

CASE(empty_named, "IPC", "UNIX datagram without bytes, whose sender has a name; and an end of file",
     "socket_sent, socket_received", "send, deliver, recv; data, for who is told the name")

static int empty_flags;

static void send_name(struct scene *scene)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	take_file(in(scene, "secret"));
	memcpy(name.sun_path, "\0any bytes", 10);
	MUST(fd >= 0 && !bind(fd, (struct sockaddr *)&name,
			      offsetof(struct sockaddr_un, sun_path) + 10));
	for (int i = 0; i < 2; i++)
		MUST(sendto(fd, "", 0, empty_flags, (struct sockaddr *)&scene_address,
			    scene_address_bytes) == 0);
}

static void take_name(struct scene *scene)
{
	struct sockaddr_un name;
	socklen_t bytes = sizeof(name);
	char byte;

	MUST(recvfrom(scene->fd[0], &byte, 1, 0, (struct sockaddr *)&name, &bytes) == 0);
	MUST(!memcmp(name.sun_path, "\0any bytes", 10));
	put_file(in(scene, "to"), "x");
}

static void take_no_name(struct scene *scene)
{
	char byte;

	MUST(recv(scene->fd[0], &byte, 1, 0) == 0);
	put_file(in(scene, "none"), "x");
}

static void act_empty(struct scene *scene, int flags)
{
	empty_flags = flags;
	put_file(in(scene, "secret"), "s");
	scene->fd[0] = socket(AF_UNIX, SOCK_DGRAM, 0);
	scene_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(scene_address.sun_path, sizeof(scene_address.sun_path), "%s", in(scene, "socket"));
	scene_address_bytes = sizeof(scene_address);
	EXPECT(!bind(scene->fd[0], (struct sockaddr *)&scene_address, scene_address_bytes));
	run(scene, 0, send_name);
	run(scene, 1, take_no_name);
	run(scene, 2, take_name);
}

static void check_empty(struct scene *scene, struct graph *graph)
{
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "none"));
}

ACT(empty_named)
{
	act_empty(scene, 0);
}

CHECK(empty_named)
{
	check_empty(scene, graph);
}

CASE(empty_probe, "IPC",
     "UNIX datagram without bytes, sent with MSG_PROBE, which means nothing there",
     "socket_sent, socket_received", "as without")

#ifndef MSG_PROBE
#define MSG_PROBE	0x10
#endif

ACT(empty_probe)
{
	act_empty(scene, MSG_PROBE);
}

CHECK(empty_probe)
{
	check_empty(scene, graph);
}

CASE(self, "IPC", "UNIX datagram socket that sends to itself, and a pair in one process",
     "unix_may_send", "the process gets back what it sent; nothing hangs")

static void talk_to_oneself(struct scene *scene)
{
	const int fd = bound_socket(scene);
	struct sockaddr_un address;
	const socklen_t bytes = make_address(scene, &address);
	int ends[2];
	char byte;

	MUST(!connect(fd, (struct sockaddr *)&address, bytes));
	for (int i = 0; i < 3; i++) {
		MUST(send(fd, "x", 1, 0) == 1);
		MUST(recv(fd, &byte, 1, 0) == 1);
	}
	for (int i = 0; i < 2; i++) {
		MUST(!socketpair(AF_UNIX, i ? SOCK_DGRAM : SOCK_STREAM, 0, ends));
		MUST(write(ends[0], "x", 1) == 1 && read(ends[1], &byte, 1) == 1);
		MUST(write(ends[1], "x", 1) == 1 && read(ends[0], &byte, 1) == 1);
	}
}

ACT(self)
{
	type = SOCK_DGRAM;
	abstract = false;
	run(scene, 0, talk_to_oneself);
}

CHECK(self)
{
	const int node = process(scene, graph, 0, 0);
	const int own = graph_unix(graph, socket_name(scene), false);

	EXPECT_EDGE(node, own, "send", "data");
	EXPECT_EDGE(own, node, "recv", "data");
	EXPECT(graph_count(graph, own, own, NULL, NULL) == 0);
}

CASE(two_senders, "IPC", "two senders to one datagram socket, one after the other",
     "unix_may_send", "what was received first does not come from the second")

static void receive_two(struct scene *scene)
{
	const int fd = bound_socket(scene);
	char byte;

	told();
	MUST(recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "to"), "x");
	told();
	MUST(recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "to-late"), "x");
}

static void send_late(struct scene *scene)
{
	const int fd = connected_socket(scene);

	take_file(in(scene, "late"));
	MUST(send(fd, "x", 1, 0) == 1);
}

ACT(two_senders)
{
	type = SOCK_DGRAM;
	abstract = false;
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	actor(scene, 0, receive_two);
	done(scene, 0);
	run(scene, 1, send_only);
	done(scene, 0);
	run(scene, 2, send_late);
	finish(scene, 0);
}

CHECK(two_senders)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "late"), file(scene, graph, "to-late"));
}

CASE(mmsg_rebound, "IPC", "sendmmsg to a path that becomes another socket's between two datagrams",
     "socket_sending, unix_may_send", "both receivers come from the sender")

#define DATAGRAMS	1000

/* Blocks when the queue of the first receiver or the sender's memory is full. */
static void send_many(struct scene *scene)
{
	const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	static struct mmsghdr messages[DATAGRAMS];
	struct iovec vector = { "x", 1 };
	struct sockaddr_un address;
	const socklen_t bytes = make_address(scene, &address);

	take_file(in(scene, "from"));
	for (int i = 0; i < DATAGRAMS; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_name = &address, .msg_namelen = bytes,
						       .msg_iov = &vector, .msg_iovlen = 1 };
	MUST(fd >= 0);
	told();
	MUST(sendmmsg(fd, messages, DATAGRAMS, 0) == DATAGRAMS);
}

static void drain(int fd)
{
	const struct timeval first = { .tv_sec = 30 }, limit = { .tv_sec = 2 };
	char byte;

	/* A debug kernel is slow to begin. */
	MUST(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &first, sizeof(first)));
	MUST(recv(fd, &byte, 1, 0) == 1);
	MUST(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	while (recv(fd, &byte, 1, 0) == 1)
		;
}

static void receive_first(struct scene *scene)
{
	const int fd = bound_socket(scene);

	told();
	await();
	MUST(!unlink(socket_name(scene)));
	told();
	await();
	drain(fd);
	put_file(in(scene, "to-first"), "x");
}

static void receive_second(struct scene *scene)
{
	const int fd = bound_socket(scene);

	told();
	drain(fd);
	put_file(in(scene, "to-second"), "x");
}

ACT(mmsg_rebound)
{
	type = SOCK_DGRAM;
	abstract = false;
	put_file(in(scene, "from"), "f");
	actor(scene, 0, receive_first);
	done(scene, 0);
	actor(scene, 1, send_many);
	done(scene, 1);
	blocked(scene, 1);
	step(scene, 0);
	actor(scene, 2, receive_second);
	done(scene, 2);
	go(scene, 0);
	finish(scene, 1);
	finish(scene, 0);
	finish(scene, 2);
}

CHECK(mmsg_rebound)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-first"));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-second"));
}

/*
 * Descriptors
 */

/* Send descriptor @fd with @bytes of data. */
static void pass(int socket, int fd, size_t bytes)
{
	char byte = 'x', control[CMSG_SPACE(sizeof(fd))] = {};
	struct iovec iov = { .iov_base = &byte, .iov_len = bytes };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *const cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	MUST(sendmsg(socket, &msg, 0) == (ssize_t)bytes);
}

static int get_passed(int socket, size_t bytes)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	MUST(recvmsg(socket, &msg, 0) == (ssize_t)bytes);
	MUST(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* What is passed is opened by who passes it, but read by who gets it. */
static size_t pass_bytes;

static void pass_file(struct scene *scene)
{
	const int fd = open(in(scene, "passed"), O_RDONLY);

	take_file(in(scene, "from"));
	MUST(fd >= 0);
	pass(scene->fd[0], fd, pass_bytes);
}

static void get_file(struct scene *scene)
{
	char byte;
	const int fd = get_passed(scene->fd[1], pass_bytes);

	put_file(in(scene, "got"), "x");
	MUST(read(fd, &byte, 1) == 1);
	put_file(in(scene, "to"), "x");
}

static void act_pass(struct scene *scene, int pair_type, size_t bytes)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "passed"), "p");
	pass_bytes = bytes;
	EXPECT(!socketpair(AF_UNIX, pair_type, 0, scene->fd));
	run(scene, 0, pass_file);
	run(scene, 1, get_file);
}

static void check_pass(struct scene *scene, struct graph *graph)
{
	const int sender = process(scene, graph, 0, 0), receiver = process(scene, graph, 1, 0);
	const int passed = file(scene, graph, "passed");
	const int from = graph_to(graph, sender, "send"), to = graph_from(graph, receiver, "recv");

	EXPECT_EDGES(sender, passed, "pass", "meta", 1);
	EXPECT_EDGES(passed, receiver, "receive", "meta", 1);
	EXPECT_EDGES(sender, from, "send", "data", 1);
	EXPECT_EDGES(from, to, "deliver", "data", 1);
	EXPECT_EDGES(to, receiver, "recv", "data", 1);
	EXPECT_EDGES(passed, receiver, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "got"));
	EXPECT_NOT_REACHES(passed, file(scene, graph, "got"));
	EXPECT_REACHES(passed, file(scene, graph, "to"));
	EXPECT_NOT_REACHES(passed, sender);
}

CASE(pass_stream, "IPC", "descriptor passed with data over a UNIX stream",
     "files_passed, file_received",
     "process to file: pass; file to process: receive; meta; sender to receiver, data")

ACT(pass_stream)
{
	act_pass(scene, SOCK_STREAM, 1);
}

CHECK(pass_stream)
{
	check_pass(scene, graph);
}

CASE(pass_datagram, "IPC", "descriptor passed in a UNIX datagram without data",
     "files_passed, file_received, socket_sent, socket_received",
     "as with data: the descriptor is the data")

ACT(pass_datagram)
{
	act_pass(scene, SOCK_DGRAM, 0);
}

CHECK(pass_datagram)
{
	check_pass(scene, graph);
}

CASE(pass_seqpacket, "IPC", "descriptor passed in a UNIX seqpacket without data",
     "files_passed, file_received, socket_sent, socket_received",
     "as with data: the descriptor is the data")

ACT(pass_seqpacket)
{
	act_pass(scene, SOCK_SEQPACKET, 0);
}

CHECK(pass_seqpacket)
{
	check_pass(scene, graph);
}

CASE(pass_fails, "IPC", "descriptors that are not passed: no receiver; an end of file after one",
     "files_passed, socket_received", "no edge")

static void fail_to_pass(struct scene *scene)
{
	char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {};
	const int fd = open(in(scene, "passed"), O_RDONLY);
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *const cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	close(scene->fd[1]);
	MUST(sendmsg(scene->fd[0], &msg, MSG_NOSIGNAL) < 0);
}

/* Nothing was sent to the other socket. */
static void get_and_end(struct scene *scene)
{
	char byte;

	close(get_passed(scene->fd[3], 1));
	shutdown(scene->fd[4], SHUT_RDWR);
	MUST(recv(scene->fd[4], &byte, 1, 0) == 0);
}

static void pass_over_third(struct scene *scene)
{
	const int fd = open(in(scene, "passed"), O_RDONLY);

	MUST(fd >= 0);
	pass(scene->fd[2], fd, 1);
}

ACT(pass_fails)
{
	put_file(in(scene, "passed"), "p");
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, scene->fd));
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, scene->fd + 2));
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, scene->fd + 4));
	close(scene->fd[1]);
	scene->fd[1] = 0;
	run(scene, 0, fail_to_pass);
	run(scene, 1, pass_over_third);
	run(scene, 2, get_and_end);
}

CHECK(pass_fails)
{
	EXPECT_NO_EDGE(process(scene, graph, 0, 0), ANY, "pass");
	EXPECT_NO_EDGE(process(scene, graph, 0, 0), ANY, "send");
	EXPECT_EDGES(ANY, process(scene, graph, 2, 0), "recv", "data", 1);
}

CASE(getfd, "IPC", "pidfd_getfd", "file_received, file_taken",
     "owner to taker: getfd, data; owner to file: pass, file to taker: receive, meta")

static void hold_file(struct scene *scene)
{
	const int fd = open(in(scene, "passed"), O_RDONLY);

	take_file(in(scene, "from"));
	MUST(fd >= 0 && dup2(fd, 100) == 100);
	told();
	await();
	take_file(in(scene, "late"));
}

static void take_descriptor(struct scene *scene)
{
	const int pidfd = syscall(SYS_pidfd_open, scene->pid[0], 0);
	char byte;
	int fd;

	MUST(pidfd >= 0);
	MUST(syscall(SYS_pidfd_getfd, pidfd, 999, 0) < 0);
	fd = syscall(SYS_pidfd_getfd, pidfd, 100, 0);
	MUST(fd >= 0);
	put_file(in(scene, "got"), "x");
	MUST(read(fd, &byte, 1) == 1);
}

ACT(getfd)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "passed"), "p");
	put_file(in(scene, "late"), "l");
	actor(scene, 0, hold_file);
	done(scene, 0);
	run(scene, 1, take_descriptor);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(getfd)
{
	const int owner = process(scene, graph, 0, 0), taker = process(scene, graph, 1, 0);
	const int passed = file(scene, graph, "passed");

	EXPECT_EDGES(owner, taker, "getfd", "data", 1);
	EXPECT_EDGES(owner, passed, "pass", "meta", 1);
	EXPECT_EDGES(passed, taker, "receive", "meta", 1);
	EXPECT_EDGES(passed, taker, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "got"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), taker);
	EXPECT_NOT_REACHES(taker, owner);
}
