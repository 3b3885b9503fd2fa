// SPDX-License-Identifier: GPL-2.0
/* Zero-copy, MPTCP, SCTP and shutdown */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "exchange.h"

#define PAGE	4096

/* A connection over IPv4: of what protocol, to which port. */
static struct {
	int protocol;
	int port;
} peers;

static struct sockaddr_in server_address(void)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(peers.port),
	};
}

static int listening_socket(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM, peers.protocol), on = 1;
	const struct sockaddr_in address = server_address();

	MUST(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	MUST(!bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	MUST(!listen(fd, 4));
	return fd;
}

static int connected_socket(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM, peers.protocol);
	const struct sockaddr_in address = server_address();

	MUST(fd >= 0 && !connect(fd, (const struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static void serve(struct scene *scene)
{
	accept_and_answer(scene, listening_socket());
	told();
	await();
}

static void request(struct scene *scene)
{
	ask(scene, connected_socket());
}

static void act_connection(struct scene *scene, int protocol, int port)
{
	peers.protocol = protocol;
	peers.port = port;
	put_exchange_files(scene);
	actor(scene, 0, serve);
	done(scene, 0);
	run(scene, 1, request);
	done(scene, 0);
	go(scene, 0);
	finish(scene, 0);
}

static void check_connection(struct scene *scene, struct graph *graph)
{
	const int client = process(scene, graph, 1, 0);
	const int end = graph_to(graph, client, "send");

	EXPECT_EDGES(client, end, "connect", "control", 1);
	expect_exchange(scene, graph);
}

CASE(mptcp, "network", "MPTCP, both ways",
     "mptcp_add_subflow, inet_conn_established, inet_csk_clone, socket_sent, socket_received",
     "the sockets of the processes are joined: send, deliver, recv: data")

ACT(mptcp)
{
	act_connection(scene, IPPROTO_MPTCP, 7501);
}

CHECK(mptcp)
{
	check_connection(scene, graph);
}

CASE(mptcp_plain, "network", "TCP to a server that listens for MPTCP",
     "inet_conn_established, inet_csk_clone", "send, deliver, recv: data")

static void request_plain(struct scene *scene)
{
	peers.protocol = IPPROTO_TCP;
	request(scene);
}

ACT(mptcp_plain)
{
	peers.protocol = IPPROTO_MPTCP;
	peers.port = 7502;
	put_exchange_files(scene);
	actor(scene, 0, serve);
	done(scene, 0);
	run(scene, 1, request_plain);
	done(scene, 0);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(mptcp_plain)
{
	check_connection(scene, graph);
}

CASE(sctp, "network", "SCTP, both ways", "packet_leaves, packet_queued, socket_received",
     "send, deliver, recv: data")

ACT(sctp)
{
	act_connection(scene, IPPROTO_SCTP, 7503);
}

CHECK(sctp)
{
	check_connection(scene, graph);
}

CASE(sctp_before, "network", "SCTP: two clients send before the server accepts", "packet_queued",
     "each accepted socket comes from its client, and not from the other")

static void send_only(struct scene *scene)
{
	const int fd = connected_socket();

	MUST(send(fd, "x", 1, 0) == 1);
	(void)scene;
}

static void serve_two(struct scene *scene)
{
	const int listening = listening_socket();

	told();
	await();
	for (int i = 0; i < 2; i++) {
		const int fd = accept(listening, NULL, NULL);
		const pid_t child = fork();
		char byte;

		MUST(fd >= 0 && child >= 0);
		if (child) {
			close(fd);
			continue;
		}
		MUST(recv(fd, &byte, 1, 0) == 1);
		put_file(in(scene, i ? "second" : "first"), "x");
		_exit(0);
	}
}

ACT(sctp_before)
{
	peers.protocol = IPPROTO_SCTP;
	peers.port = 7504;
	actor(scene, 0, serve_two);
	done(scene, 0);
	run(scene, 1, send_only);
	run(scene, 2, send_only);
	go(scene, 0);
	finish(scene, 0);
	pause_ms(500);
}

CHECK(sctp_before)
{
	const int one = process(scene, graph, 1, 0), two = process(scene, graph, 2, 0);

	EXPECT_REACHES(one, file(scene, graph, "first"));
	EXPECT_REACHES(two, file(scene, graph, "second"));
	EXPECT_NOT_REACHES(one, file(scene, graph, "second"));
	EXPECT_NOT_REACHES(two, file(scene, graph, "first"));
}

CASE(shutdown, "network", "shutdown of a connection, and of one that is not there",
     "socket_shut", "process to socket: shutdown, control; nothing for ENOTCONN")

static void serve_to_end(struct scene *scene)
{
	const int listening = listening_socket();
	char byte;
	int fd;

	(void)scene;
	told();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0 && recv(fd, &byte, 1, 0) == 0);
}

static void shut_down(struct scene *scene)
{
	const int unconnected = socket(AF_INET, SOCK_STREAM, 0);
	const int fd = connected_socket();

	(void)scene;
	MUST(shutdown(unconnected, SHUT_WR) < 0 && errno == ENOTCONN);
	MUST(!shutdown(fd, SHUT_WR));
}

ACT(shutdown)
{
	peers.protocol = 0;
	peers.port = 7505;
	actor(scene, 0, serve_to_end);
	done(scene, 0);
	run(scene, 1, shut_down);
	finish(scene, 0);
}

CHECK(shutdown)
{
	const int client = process(scene, graph, 1, 0);

	EXPECT_EDGES(client, graph_to(graph, client, "connect"), "shutdown", "control", 1);
	EXPECT_EDGES(client, ANY, "shutdown", "control", 1);
	EXPECT_NOT_REACHES(client, process(scene, graph, 0, 0));
}

CASE(zerocopy_receive, "network", "TCP that is received by mapping its pages, and none when empty",
     "socket_received", "socket to process: recv, data; only when there was data")

#define PAGES	4

/* Receive what is there: into pages of @map, and what does not fill one as a copy into @rest. */
static struct tcp_zerocopy_receive receive_pages(int fd, const void *map, void *rest)
{
	struct tcp_zerocopy_receive receive = {
		.address = (unsigned long)map, .length = PAGES * PAGE,
		.copybuf_address = (unsigned long)rest, .copybuf_len = rest ? PAGE : 0,
	};
	socklen_t bytes = sizeof(receive);

	MUST(!getsockopt(fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &receive, &bytes));
	return receive;
}

/* An accepted socket of which nothing can be mapped yet; then the sender may send. */
static int accept_to_map(struct scene *scene, const void **map)
{
	const int listening = listening_socket();
	int fd;

	told();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0);
	*map = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	MUST(*map != MAP_FAILED);
	MUST(!receive_pages(fd, *map, NULL).length);
	put_file(in(scene, "before"), "x");
	told();
	await();
	return fd;
}

/* All of it has come, and no byte of it is copied. */
static void map_received(struct scene *scene)
{
	const void *map;
	const int fd = accept_to_map(scene, &map);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	const int wanted = PAGES * PAGE;
	struct tcp_zerocopy_receive receive;
	char page[PAGE];

	MUST(!setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof(wanted)));
	MUST(poll(&ready, 1, STEP_SECONDS * 1000) == 1);
	receive = receive_pages(fd, map, NULL);
	MUST(receive.length == PAGES * PAGE && !receive.copybuf_len);
	for (int i = 0; i < PAGES; i++) {
		memset(page, 'a' + i, PAGE);
		MUST(!memcmp((const char *)map + i * PAGE, page, PAGE));
	}
	put_file(in(scene, "to"), "x");
}

/*
 * A page can be mapped if it is full and nobody else's: neither what send() copies to nor a page
 * of a file or of a process's memory, but one that was written to a pipe.
 */
static void send_pages(struct scene *scene)
{
	const int fd = connected_socket();
	char page[PAGE];
	int ends[2];

	told();
	await();
	take_file(in(scene, "from"));
	MUST(!pipe(ends));
	for (int i = 0; i < PAGES; i++) {
		memset(page, 'a' + i, PAGE);
		MUST(write(ends[1], page, PAGE) == PAGE);
	}
	for (int sent = 0; sent < PAGES * PAGE; ) {
		const ssize_t now = splice(ends[0], NULL, fd, NULL, PAGES * PAGE - sent, 0);

		MUST(now > 0);
		sent += now;
	}
	told();
	await();
}

static void receive_mapped(struct scene *scene, int port, actor_fn receiver, actor_fn sender)
{
	peers.protocol = 0;
	peers.port = port;
	put_exchange_files(scene);
	actor(scene, 0, receiver);
	done(scene, 0);
	actor(scene, 1, sender);
	done(scene, 1);
	done(scene, 0);
	step(scene, 1);
	go(scene, 0);
	finish(scene, 0);
	go(scene, 1);
	finish(scene, 1);
}

static void check_received(struct scene *scene, struct graph *graph)
{
	const int server = process(scene, graph, 0, 0);

	EXPECT_EDGES(graph_from(graph, server, "recv"), server, "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(process(scene, graph, 1, 0), file(scene, graph, "before"));
}

ACT(zerocopy_receive)
{
	receive_mapped(scene, 7506, map_received, send_pages);
}

CHECK(zerocopy_receive)
{
	check_received(scene, graph);
}

CASE(zerocopy_receive_copied, "network",
     "TCP that is received by mapping its pages, of which none can be: it is copied",
     "socket_received", "socket to process: recv, data")

static void receive_copy(struct scene *scene)
{
	const void *map;
	const int fd = accept_to_map(scene, &map);
	char rest[PAGE];

	for (int got = 0; got < PAGE; ) {
		const struct tcp_zerocopy_receive receive = receive_pages(fd, map, rest);

		MUST(!receive.length && receive.copybuf_len > 0);
		got += receive.copybuf_len;
	}
	put_file(in(scene, "to"), "x");
}

static void send_page(struct scene *scene)
{
	static const char page[PAGE];
	const int fd = connected_socket();

	told();
	await();
	take_file(in(scene, "from"));
	MUST(send(fd, page, PAGE, 0) == PAGE);
	told();
	await();
}

ACT(zerocopy_receive_copied)
{
	receive_mapped(scene, 7508, receive_copy, send_page);
}

CHECK(zerocopy_receive_copied)
{
	check_received(scene, graph);
}

CASE(zerocopy_send, "network", "TCP that is sent without a copy (MSG_ZEROCOPY)",
     "socket_sent, packet_leaves", "send, deliver, recv: data")

static void send_zerocopy(struct scene *scene)
{
	static const char page[PAGE];
	const int fd = connected_socket(), on = 1;

	MUST(!setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)));
	take_file(in(scene, "from"));
	MUST(send(fd, page, PAGE, MSG_ZEROCOPY) == PAGE);
	take_file(in(scene, "late"));
}

static void serve_page(struct scene *scene)
{
	const int listening = listening_socket();
	char page[PAGE];
	int fd;

	told();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0 && recv(fd, page, PAGE, MSG_WAITALL) == PAGE);
	put_file(in(scene, "to"), "x");
}

ACT(zerocopy_send)
{
	peers.protocol = 0;
	peers.port = 7507;
	put_exchange_files(scene);
	actor(scene, 0, serve_page);
	done(scene, 0);
	run(scene, 1, send_zerocopy);
	finish(scene, 0);
}

CHECK(zerocopy_send)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), process(scene, graph, 0, 0));
}
