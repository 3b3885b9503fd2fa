// SPDX-License-Identifier: GPL-2.0
/* UNIX sockets: stream, datagram, seqpacket, pairs; by path, abstract, unnamed */
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "flow.h"

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

/* Take a request, keep it in "to", and answer with what is in "answer". */
static void serve(struct scene *scene)
{
	const int listening = bound_socket(scene);
	char byte;
	int fd;

	MUST(!listen(listening, 1));
	told();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0);
	MUST(recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "to"), "x");
	take_file(in(scene, "answer"));
	MUST(send(fd, "x", 1, 0) == 1);
}

static void request(struct scene *scene)
{
	const int fd = connected_socket(scene);
	char byte;

	take_file(in(scene, "from"));
	MUST(send(fd, "x", 1, 0) == 1);
	MUST(recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "answered"), "x");
	/* Learnt after all was sent. */
	take_file(in(scene, "late"));
}

static void act_connection(struct scene *scene)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "answer"), "a");
	put_file(in(scene, "late"), "l");
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
	EXPECT_EDGES(client, end, "send", "data", 1);
	EXPECT_EDGES(end, server_end, "deliver", "data", 1);
	EXPECT_EDGES(server_end, server, "recv", "data", 1);
	EXPECT_EDGES(server_end, end, "deliver", "data", 1);
	EXPECT_EDGES(end, client, "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "answer"), file(scene, graph, "answered"));
	EXPECT_NOT_REACHES(file(scene, graph, "answer"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), server);
}

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
	pause_ms(100);
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
