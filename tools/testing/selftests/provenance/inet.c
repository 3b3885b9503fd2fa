// SPDX-License-Identifier: GPL-2.0
/* TCP and UDP over IPv4 and IPv6, both ends on this machine */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exchange.h"

/**
 * struct peers - who talks to whom; a case sets it before it forks them
 * @family: of both sockets
 * @host: address of the server
 * @port: of the server
 * @mapped: the client is IPv4, the server IPv6
 */
static struct peers {
	int family;
	const char *host;
	int port;
	bool mapped;
} peers;

static socklen_t make_address(int family, const char *host, int port,
			      struct sockaddr_storage *storage)
{
	struct sockaddr_in *const in4 = (struct sockaddr_in *)storage;
	struct sockaddr_in6 *const in6 = (struct sockaddr_in6 *)storage;

	memset(storage, 0, sizeof(*storage));
	if (family == AF_INET) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		MUST(inet_pton(AF_INET, host, &in4->sin_addr) == 1);
		return sizeof(*in4);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	MUST(inet_pton(AF_INET6, host, &in6->sin6_addr) == 1);
	return sizeof(*in6);
}

static int bound_socket(int type)
{
	const int fd = socket(peers.family, type, 0), on = 1;
	struct sockaddr_storage address;
	const socklen_t bytes = make_address(peers.family, peers.mapped ? "::" : peers.host,
					     peers.port, &address);

	MUST(fd >= 0);
	MUST(!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	MUST(!bind(fd, (struct sockaddr *)&address, bytes));
	return fd;
}

static int client_family(void)
{
	return peers.mapped ? AF_INET : peers.family;
}

static socklen_t server_address(struct sockaddr_storage *address)
{
	return make_address(client_family(), peers.host, peers.port, address);
}

static int connected_socket(int type)
{
	const int fd = socket(client_family(), type, 0);
	struct sockaddr_storage address;
	const socklen_t bytes = server_address(&address);

	MUST(fd >= 0);
	MUST(!connect(fd, (struct sockaddr *)&address, bytes));
	return fd;
}

/* The server's address as provq prints it. */
static const char *server_text(void)
{
	static char text[80];

	snprintf(text, sizeof(text), strchr(peers.host, ':') ? "[%s]:%d" : "%s:%d", peers.host,
		 peers.port);
	return text;
}

static void serve(struct scene *scene)
{
	const int listening = bound_socket(SOCK_STREAM);
	char byte;
	int fd;

	MUST(!listen(listening, 1));
	told();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0);
	answer(scene, fd);
	/* Until the client has read it and gone. */
	MUST(recv(fd, &byte, 1, 0) == 0);
}

static void request(struct scene *scene)
{
	ask(scene, connected_socket(SOCK_STREAM));
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
	EXPECT_EDGES(client, end, "connect", "control", 1);
	EXPECT_EDGES(listening, server_end, "accept", "control", 1);
	EXPECT_EDGES(server_end, server, "accept", "control", 1);
	EXPECT(graph_peer(graph, end) == server_end);
	if (!peers.mapped) {
		EXPECT(!strcmp(graph_string(graph, listening, "local"), server_text()), "%s",
		       graph_string(graph, listening, "local"));
		EXPECT(!strcmp(graph_string(graph, server_end, "local"), server_text()), "%s",
		       graph_string(graph, server_end, "local"));
		EXPECT(!strcmp(graph_string(graph, server_end, "remote"),
			       graph_string(graph, end, "local")));
	}
	EXPECT(!strcmp(graph_string(graph, end, "remote"), server_text()), "%s",
	       graph_string(graph, end, "remote"));
	expect_exchange(scene, graph);
}

#define TCP_FLOWS "socket_bound, socket_listening, socket_connected, inet_conn_established, "	\
		  "inet_csk_clone, socket_accepted, socket_sent, socket_received"

CASE(tcp4, "network", "TCP over IPv4: bind, listen, connect, accept, send, receive, both ways",
     TCP_FLOWS, "bind, listen, connect, accept: control; send, deliver, recv: data; addresses")

static const struct peers tcp4 = { AF_INET, "127.0.0.1", 7001, false };
static const struct peers tcp6 = { AF_INET6, "::1", 7002, false };
static const struct peers tcp_mapped = { AF_INET6, "127.0.0.1", 7003, true };

ACT(tcp4)
{
	peers = tcp4;
	act_connection(scene);
}

CHECK(tcp4)
{
	peers = tcp4;
	check_connection(scene, graph);
}

CASE(tcp6, "network", "TCP over IPv6", TCP_FLOWS, "as over IPv4")

ACT(tcp6)
{
	peers = tcp6;
	act_connection(scene);
}

CHECK(tcp6)
{
	peers = tcp6;
	check_connection(scene, graph);
}

CASE(tcp_mapped, "network", "TCP from an IPv4 socket to an IPv6 socket", TCP_FLOWS,
     "as over IPv4")

ACT(tcp_mapped)
{
	peers = tcp_mapped;
	act_connection(scene);
}

CHECK(tcp_mapped)
{
	peers = tcp_mapped;
	check_connection(scene, graph);
}

static void serve_late(struct scene *scene)
{
	const int listening = bound_socket(SOCK_STREAM);
	char bytes[4];
	int fd;

	MUST(!listen(listening, 2));
	told();
	await();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0 && recv(fd, bytes, 4, 0) == 1);
	put_file(in(scene, "to"), "x");
}

static void send_only(struct scene *scene)
{
	const int fd = connected_socket(SOCK_STREAM);

	take_file(in(scene, "from"));
	MUST(send(fd, "x", 1, 0) == 1);
}

static void act_before_accept(struct scene *scene)
{
	put_file(in(scene, "from"), "f");
	actor(scene, 0, serve_late);
	done(scene, 0);
	run(scene, 1, send_only);
	go(scene, 0);
	finish(scene, 0);
}

static void check_before_accept(struct scene *scene, struct graph *graph)
{
	EXPECT_REACHES(process(scene, graph, 1, 0), process(scene, graph, 0, 0));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(before_accept4, "network", "TCP over IPv4: data sent before accept, by a sender that is gone",
     "inet_csk_clone", "the data arrives with its origin")

ACT(before_accept4)
{
	peers = (struct peers){ AF_INET, "127.0.0.1", 7004, false };
	act_before_accept(scene);
}

CHECK(before_accept4)
{
	check_before_accept(scene, graph);
}

CASE(before_accept6, "network", "TCP over IPv6: data sent before accept, by a sender that is gone",
     "inet_csk_clone", "the data arrives with its origin")

ACT(before_accept6)
{
	peers = (struct peers){ AF_INET6, "::1", 7005, false };
	act_before_accept(scene);
}

CHECK(before_accept6)
{
	check_before_accept(scene, graph);
}

CASE(deferred, "network", "TCP: a server that only accepts who sends (TCP_DEFER_ACCEPT)",
     "inet_csk_clone", "the server's end is joined when the data comes")

static void serve_deferred(struct scene *scene)
{
	const int listening = bound_socket(SOCK_STREAM), seconds = 30;
	char byte;
	int fd;

	MUST(!setsockopt(listening, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)));
	MUST(!listen(listening, 2));
	told();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0 && recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "to"), "x");
}

static void send_after_a_while(struct scene *scene)
{
	const int fd = connected_socket(SOCK_STREAM);

	take_file(in(scene, "from"));
	usleep(100000);
	MUST(send(fd, "x", 1, 0) == 1);
}

ACT(deferred)
{
	peers = (struct peers){ AF_INET, "127.0.0.1", 7012, false };
	put_file(in(scene, "from"), "f");
	actor(scene, 0, serve_deferred);
	done(scene, 0);
	run(scene, 1, send_after_a_while);
	finish(scene, 0);
}

CHECK(deferred)
{
	const int end = graph_to(graph, process(scene, graph, 1, 0), "send");
	const int server_end = graph_from(graph, process(scene, graph, 0, 0), "recv");

	EXPECT(graph_peer(graph, end) == server_end);
	EXPECT_EDGES(end, server_end, "deliver", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(nonblocking, "network", "TCP: connect that does not block", "socket_connected",
     "connect, control; data arrives with its origin")

static void connect_nonblocking(struct scene *scene)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_storage address;
	const socklen_t bytes = server_address(&address);

	take_file(in(scene, "from"));
	MUST(connect(fd, (struct sockaddr *)&address, bytes) && errno == EINPROGRESS);
	while (send(fd, "x", 1, 0) != 1)
		MUST(errno == EAGAIN || errno == ENOTCONN);
}

ACT(nonblocking)
{
	peers = (struct peers){ AF_INET, "127.0.0.1", 7006, false };
	put_file(in(scene, "from"), "f");
	actor(scene, 0, serve_late);
	done(scene, 0);
	run(scene, 1, connect_nonblocking);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(nonblocking)
{
	const int client = process(scene, graph, 1, 0);

	EXPECT_EDGES(client, graph_to(graph, client, "send"), "connect", "control", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(refused, "network", "TCP: connect to a port where nobody listens", "socket_connected",
     "no connect edge")

static void connect_in_vain(struct scene *scene)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_storage address;
	const socklen_t bytes = make_address(AF_INET, "127.0.0.1", 7999, &address);

	(void)scene;
	MUST(connect(fd, (struct sockaddr *)&address, bytes) && errno == ECONNREFUSED);
	MUST(send(fd, "x", 1, 0) < 0 && errno == EPIPE);
}

ACT(refused)
{
	run(scene, 0, connect_in_vain);
}

CHECK(refused)
{
	EXPECT_NO_EDGE(process(scene, graph, 0, 0), ANY, "connect");
	EXPECT_NO_EDGE(process(scene, graph, 0, 0), ANY, "send");
}

CASE(self_connect, "network", "a TCP socket that connects to itself", "socket_connected",
     "the process gets back what it sent; nothing hangs")

static void connect_to_oneself(struct scene *scene)
{
	const int fd = bound_socket(SOCK_STREAM);
	struct sockaddr_storage address;
	const socklen_t bytes = server_address(&address);
	char byte;

	(void)scene;
	MUST(!connect(fd, (struct sockaddr *)&address, bytes));
	MUST(send(fd, "x", 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1);
}

ACT(self_connect)
{
	peers = (struct peers){ AF_INET, "127.0.0.1", 7007, false };
	run(scene, 0, connect_to_oneself);
}

CHECK(self_connect)
{
	const int node = process(scene, graph, 0, 0), own = graph_to(graph, node, "send");

	EXPECT_EDGE(node, own, "send", "data");
	EXPECT_EDGE(own, node, "recv", "data");
}

CASE(fastopen, "network",
     "TCP Fast Open: a connection that gets the cookie, and one with data in its first segment",
     TCP_FLOWS, "of each: the ends are joined; send, deliver, recv: data")

#define FASTOPEN	"/proc/sys/net/ipv4/tcp_fastopen"

/* The first one has no cookie yet, so that its data follows. */
static void serve_fast(struct scene *scene)
{
	const int listening = bound_socket(SOCK_STREAM), length = 4;
	char byte;
	int fd;

	MUST(!setsockopt(listening, IPPROTO_TCP, TCP_FASTOPEN, &length, sizeof(length)));
	MUST(!listen(listening, 4));
	told();
	await();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0 && recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "first"), "x");
	close(fd);
	told();
	await();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0);
	answer(scene, fd);
	/* Until the client has read it and gone. */
	MUST(recv(fd, &byte, 1, 0) == 0);
}

/* Return: the socket.  Whether the data went with the first segment is known then. */
static int send_fast(bool in_first)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_storage address;
	const socklen_t bytes = server_address(&address);
	struct tcp_info info;
	socklen_t length = sizeof(info);

	MUST(fd >= 0);
	MUST(sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&address, bytes) == 1);
	MUST(!getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
	MUST(!(info.tcpi_options & TCPI_OPT_SYN_DATA) == !in_first);
	return fd;
}

static void request_cookie(struct scene *scene)
{
	take_file(in(scene, "before"));
	send_fast(false);
}

static void request_fast(struct scene *scene)
{
	char byte;
	int fd;

	take_file(in(scene, "from"));
	fd = send_fast(true);
	told();
	MUST(recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "answered"), "x");
	take_file(in(scene, "late"));
}

static void allow_fastopen(const char *value, char old[16])
{
	const int fd = open(FASTOPEN, O_RDWR | O_CLOEXEC);
	ssize_t bytes;

	if (old) {
		bytes = read(fd, old, 15);
		EXPECT(bytes > 0);
		old[bytes < 0 ? 0 : bytes] = '\0';
	}
	EXPECT(pwrite(fd, value, strlen(value), 0) == (ssize_t)strlen(value));
	close(fd);
}

ACT(fastopen)
{
	char old[16];

	peers = (struct peers){ AF_INET, "127.0.0.1", 7013, false };
	put_exchange_files(scene);
	put_file(in(scene, "before"), "b");
	allow_fastopen("3", old);
	actor(scene, 0, serve_fast);
	done(scene, 0);
	run(scene, 2, request_cookie);
	step(scene, 0);
	actor(scene, 1, request_fast);
	done(scene, 1);
	go(scene, 0);
	finish(scene, 1);
	finish(scene, 0);
	allow_fastopen(old, NULL);
}

CHECK(fastopen)
{
	const int server = process(scene, graph, 0, 0), client = process(scene, graph, 1, 0);
	const int first = graph_to(graph, process(scene, graph, 2, 0), "send");
	const int end = graph_to(graph, client, "send");

	EXPECT(graph_peer(graph, first) == graph_from(graph, server, "recv"));
	EXPECT_REACHES(file(scene, graph, "before"), file(scene, graph, "first"));
	EXPECT(graph_peer(graph, end) == graph_to(graph, server, "send"));
	expect_exchange(scene, graph);
}

CASE(crossed, "network", "TCP: a socket that is called by the one that it calls",
     "tcp_crossed, inet_conn_established", "the ends are joined; send, deliver, recv: data")

#define CALLER_PORT	7014
#define CALLED_PORT	7015

/* What both say first is lost, so that each of them has called when it is called. */
static bool lose_calls(void)
{
	return !system("nft -f - << END\n"
		       "table ip prov {\n"
		       "	chain in {\n"
		       "		type filter hook input priority 0;\n"
		       "		tcp dport { 7014, 7015 } drop\n"
		       "	}\n"
		       "}\n"
		       "END\n");
}

static int call(int port, int other)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct sockaddr_storage address;
	socklen_t bytes = make_address(AF_INET, "127.0.0.1", port, &address);

	MUST(fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	MUST(!bind(fd, (struct sockaddr *)&address, bytes));
	bytes = make_address(AF_INET, "127.0.0.1", other, &address);
	told();
	MUST(!connect(fd, (struct sockaddr *)&address, bytes));
	return fd;
}

static void call_and_ask(struct scene *scene)
{
	ask(scene, call(CALLER_PORT, CALLED_PORT));
}

static void call_and_answer(struct scene *scene)
{
	const int fd = call(CALLED_PORT, CALLER_PORT);
	char byte;

	answer(scene, fd);
	MUST(recv(fd, &byte, 1, 0) == 0);
}

ACT(crossed)
{
	if (!lose_calls()) {
		flow_skip("nft cannot drop packets");
		return;
	}
	put_exchange_files(scene);
	actor(scene, 0, call_and_answer);
	done(scene, 0);
	blocked(scene, 0);
	actor(scene, 1, call_and_ask);
	done(scene, 1);
	blocked(scene, 1);
	EXPECT(!system("nft delete table ip prov"));
	finish(scene, 1);
	finish(scene, 0);
}

CHECK(crossed)
{
	const int server = process(scene, graph, 0, 0), client = process(scene, graph, 1, 0);
	const int end = graph_to(graph, client, "send"), other = graph_to(graph, server, "send");

	/* Nobody has listened. */
	EXPECT_EDGES(client, end, "connect", "control", 1);
	EXPECT_EDGES(server, other, "connect", "control", 1);
	EXPECT_NO_EDGE(ANY, other, "accept");
	EXPECT(graph_peer(graph, end) == other);
	expect_exchange(scene, graph);
}

CASE(reconnect, "network", "a TCP socket that is disconnected and connected to another server",
     "inet_conn_established",
     "both servers come from the client, the first one not from what it sent to the second")

static void connect_twice(struct scene *scene)
{
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	const int fd = connected_socket(SOCK_STREAM);
	struct sockaddr_storage address;
	socklen_t bytes;

	MUST(send(fd, "x", 1, 0) == 1);
	told();
	await();
	MUST(!connect(fd, &nowhere, sizeof(nowhere)));
	peers.port++;
	bytes = server_address(&address);
	take_file(in(scene, "from"));
	MUST(!connect(fd, (struct sockaddr *)&address, bytes));
	MUST(send(fd, "x", 1, 0) == 1);
}

static void serve_first(struct scene *scene)
{
	const int listening = bound_socket(SOCK_STREAM);
	char bytes[4];
	int fd;

	MUST(!listen(listening, 2));
	told();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0);
	told();
	await();
	/* It was sent before the client went away. */
	MUST(recv(fd, bytes, 4, 0) == 1);
	put_file(in(scene, "first"), "x");
}

ACT(reconnect)
{
	peers = (struct peers){ AF_INET, "127.0.0.1", 7008, false };
	put_file(in(scene, "from"), "f");
	actor(scene, 2, serve_first);
	done(scene, 2);
	peers.port++;
	actor(scene, 0, serve_late);
	done(scene, 0);
	peers.port--;
	actor(scene, 1, connect_twice);
	done(scene, 1);
	done(scene, 2);
	go(scene, 1);
	finish(scene, 1);
	go(scene, 0);
	finish(scene, 0);
	go(scene, 2);
	finish(scene, 2);
}

CHECK(reconnect)
{
	EXPECT_REACHES(process(scene, graph, 1, 0), process(scene, graph, 0, 0));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_REACHES(process(scene, graph, 1, 0), file(scene, graph, "first"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "first"));
	EXPECT_NODE(graph_socket(graph, "tcp", NULL, "127.0.0.1:7008"));
	EXPECT_NODE(graph_socket(graph, "tcp", NULL, "127.0.0.1:7009"));
}

CASE(sendfile_tcp, "network", "sendfile from a file to a TCP socket", "file_read, socket_sent",
     "file to process to socket to server")

static void send_file(struct scene *scene)
{
	const int fd = connected_socket(SOCK_STREAM);
	const int from = open(in(scene, "from"), O_RDONLY);

	MUST(from >= 0 && sendfile(fd, from, NULL, 10) == 1);
	take_file(in(scene, "late"));
}

ACT(sendfile_tcp)
{
	peers = (struct peers){ AF_INET, "127.0.0.1", 7010, false };
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	actor(scene, 0, serve_late);
	done(scene, 0);
	run(scene, 1, send_file);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(sendfile_tcp)
{
	const int client = process(scene, graph, 1, 0);

	EXPECT_EDGES(file(scene, graph, "from"), client, "read", "data", 1);
	EXPECT_EDGE(client, graph_to(graph, client, "send"), "send", "data");
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
}

CASE(splice_tcp, "network", "splice from a file by a pipe to a TCP socket, and back to a file",
     "file_read, file_written, socket_sent, socket_received", "file to file, over the connection")

static void splice_to_socket(struct scene *scene)
{
	const int fd = connected_socket(SOCK_STREAM);
	const int from = open(in(scene, "from"), O_RDONLY);
	int ends[2];

	MUST(from >= 0 && !pipe(ends));
	MUST(splice(from, NULL, ends[1], NULL, 10, 0) == 1);
	MUST(splice(ends[0], NULL, fd, NULL, 10, 0) == 1);
}

static void splice_from_socket(struct scene *scene)
{
	const int listening = bound_socket(SOCK_STREAM);
	int fd, to, ends[2];

	MUST(!listen(listening, 2));
	told();
	await();
	fd = accept(listening, NULL, NULL);
	to = open(in(scene, "to"), O_WRONLY | O_CREAT, 0644);
	MUST(fd >= 0 && to >= 0 && !pipe(ends));
	MUST(splice(fd, NULL, ends[1], NULL, 10, 0) == 1);
	MUST(splice(ends[0], NULL, to, NULL, 10, 0) == 1);
}

ACT(splice_tcp)
{
	peers = (struct peers){ AF_INET, "127.0.0.1", 7011, false };
	put_file(in(scene, "from"), "f");
	actor(scene, 0, splice_from_socket);
	done(scene, 0);
	run(scene, 1, splice_to_socket);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(splice_tcp)
{
	EXPECT_REACHES(file(scene, graph, "from"), process(scene, graph, 1, 0));
	EXPECT_REACHES(process(scene, graph, 1, 0), process(scene, graph, 0, 0));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

/* UDP: a datagram and an answer to where it came from. */

static void serve_datagram(struct scene *scene)
{
	const int fd = bound_socket(SOCK_DGRAM);

	told();
	answer(scene, fd);
}

static void request_datagram(struct scene *scene)
{
	const int fd = socket(client_family(), SOCK_DGRAM, 0);
	struct sockaddr_storage address;
	const socklen_t bytes = server_address(&address);
	char byte;

	take_file(in(scene, "from"));
	MUST(fd >= 0);
	MUST(sendto(fd, "x", 1, 0, (struct sockaddr *)&address, bytes) == 1);
	MUST(recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "answered"), "x");
	take_file(in(scene, "late"));
}

static void request_connected(struct scene *scene)
{
	const int fd = connected_socket(SOCK_DGRAM);
	char byte;

	take_file(in(scene, "from"));
	MUST(write(fd, "x", 1) == 1 && read(fd, &byte, 1) == 1);
	put_file(in(scene, "answered"), "x");
	take_file(in(scene, "late"));
}

static void act_datagrams(struct scene *scene, actor_fn client)
{
	put_exchange_files(scene);
	actor(scene, 0, serve_datagram);
	done(scene, 0);
	run(scene, 1, client);
	finish(scene, 0);
}

static void check_datagrams(struct scene *scene, struct graph *graph)
{
	const int server = process(scene, graph, 0, 0), client = process(scene, graph, 1, 0);
	const int server_end = graph_to(graph, server, "send");
	const int end = graph_to(graph, client, "send");

	EXPECT_EDGES(server, server_end, "bind", "control", 1);
	expect_exchange(scene, graph);
	EXPECT(!strcmp(graph_string(graph, end, "remote"), server_text()), "%s",
	       graph_string(graph, end, "remote"));
	if (!peers.mapped)
		EXPECT(!strcmp(graph_string(graph, server_end, "local"), server_text()), "%s",
		       graph_string(graph, server_end, "local"));
}

#define UDP_FLOWS "socket_bound, socket_sent, packet_leaves, packet_queued, socket_received"

#define UDP_CASE(NAME, FLOW, CLIENT, ...)				\
CASE(NAME, "network", FLOW, UDP_FLOWS, "send, deliver, recv: data; addresses")	\
static const struct peers NAME##_peers = { __VA_ARGS__ };		\
ACT(NAME)								\
{									\
	peers = NAME##_peers;						\
	act_datagrams(scene, CLIENT);					\
}									\
CHECK(NAME)								\
{									\
	peers = NAME##_peers;						\
	check_datagrams(scene, graph);					\
}

UDP_CASE(udp4, "UDP over IPv4, unconnected", request_datagram, AF_INET, "127.0.0.1", 7021, false)
UDP_CASE(udp6, "UDP over IPv6, unconnected", request_datagram, AF_INET6, "::1", 7022, false)
UDP_CASE(udp4_connected, "UDP over IPv4, connected", request_connected, AF_INET, "127.0.0.1",
	 7023, false)
UDP_CASE(udp6_connected, "UDP over IPv6, connected", request_connected, AF_INET6, "::1", 7024,
	 false)
UDP_CASE(udp_mapped, "UDP from an IPv4 socket to an IPv6 socket", request_datagram, AF_INET6,
	 "127.0.0.1", 7025, true)
UDP_CASE(udp_nic, "UDP to the address of the network card", request_datagram, AF_INET,
	 "10.0.2.15", 7026, false)

CASE(udp_blocks, "network", "UDP: a receiver that blocks before the sender sends",
     "packet_queued", "the receiver comes from the sender, and nothing later")

static void receive_datagram(struct scene *scene)
{
	const int fd = bound_socket(SOCK_DGRAM);
	char byte;

	told();
	MUST(recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "to"), "x");
	told();
	MUST(recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "to-late"), "x");
}

static void send_two(struct scene *scene)
{
	const int fd = connected_socket(SOCK_DGRAM);

	take_file(in(scene, "from"));
	await();
	MUST(send(fd, "x", 1, 0) == 1);
	told();
	await();
	take_file(in(scene, "late"));
	MUST(send(fd, "x", 1, 0) == 1);
	told();
}

ACT(udp_blocks)
{
	peers = (struct peers){ AF_INET, "127.0.0.1", 7027, false };
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	actor(scene, 0, receive_datagram);
	done(scene, 0);
	actor(scene, 1, send_two);
	blocked(scene, 0);
	step(scene, 1);
	done(scene, 0);
	step(scene, 1);
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(udp_blocks)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "late"), file(scene, graph, "to-late"));
}

CASE(mmsg, "network", "sendmmsg to two receivers, recvmmsg", "socket_sent, socket_received",
     "each message")

static void send_many(struct scene *scene)
{
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_storage address[2];
	struct iovec io = { "x", 1 };
	struct mmsghdr messages[2] = { 0 };

	take_file(in(scene, "from"));
	for (int i = 0; i < 2; i++) {
		messages[i].msg_hdr.msg_namelen = server_address(&address[i]);
		messages[i].msg_hdr.msg_name = &address[i];
		messages[i].msg_hdr.msg_iov = &io;
		messages[i].msg_hdr.msg_iovlen = 1;
		peers.port++;
	}
	MUST(fd >= 0 && sendmmsg(fd, messages, 2, 0) == 2);
}

static void receive_many(struct scene *scene, const char *to)
{
	const int fd = bound_socket(SOCK_DGRAM);
	char byte;
	struct iovec io = { &byte, 1 };
	struct mmsghdr messages[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		messages[i].msg_hdr.msg_iov = &io;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	told();
	MUST(recvmmsg(fd, messages, 2, MSG_WAITFORONE, NULL) == 1);
	put_file(in(scene, to), "x");
}

static void receive_many_0(struct scene *scene)
{
	receive_many(scene, "to-0");
}

static void receive_many_1(struct scene *scene)
{
	receive_many(scene, "to-1");
}

ACT(mmsg)
{
	peers = (struct peers){ AF_INET, "127.0.0.1", 7030, false };
	put_file(in(scene, "from"), "f");
	actor(scene, 0, receive_many_0);
	done(scene, 0);
	peers.port++;
	actor(scene, 1, receive_many_1);
	done(scene, 1);
	peers.port--;
	run(scene, 2, send_many);
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(mmsg)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-0"));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-1"));
	EXPECT_NODE(graph_socket(graph, "udp", NULL, "127.0.0.1:7030"));
	EXPECT_NODE(graph_socket(graph, "udp", NULL, "127.0.0.1:7031"));
}

CASE(forking_server, "network", "a server that forks for each connection", "socket_accepted",
     "each child from its client only")

static void serve_by_children(struct scene *scene)
{
	const int listening = bound_socket(SOCK_STREAM);
	static const char *const to[] = { "to-0", "to-1" };

	MUST(!listen(listening, 2));
	told();
	for (int i = 0; i < 2; i++) {
		const int fd = accept(listening, NULL, NULL);
		char byte;

		MUST(fd >= 0);
		if (!fork()) {
			MUST(recv(fd, &byte, 1, 0) == 1);
			put_file(in(scene, to[i]), "x");
			_exit(0);
		}
		close(fd);
	}
	while (wait(NULL) > 0)
		;
}

static void send_first(struct scene *scene)
{
	const int fd = connected_socket(SOCK_STREAM);

	take_file(in(scene, "from-0"));
	MUST(send(fd, "x", 1, 0) == 1);
}

static void send_second(struct scene *scene)
{
	const int fd = connected_socket(SOCK_STREAM);

	take_file(in(scene, "from-1"));
	MUST(send(fd, "x", 1, 0) == 1);
}

ACT(forking_server)
{
	peers = (struct peers){ AF_INET, "127.0.0.1", 7040, false };
	put_file(in(scene, "from-0"), "f");
	put_file(in(scene, "from-1"), "f");
	actor(scene, 0, serve_by_children);
	done(scene, 0);
	run(scene, 1, send_first);
	run(scene, 2, send_second);
	finish(scene, 0);
}

CHECK(forking_server)
{
	EXPECT_REACHES(file(scene, graph, "from-0"), file(scene, graph, "to-0"));
	EXPECT_REACHES(file(scene, graph, "from-1"), file(scene, graph, "to-1"));
	EXPECT_NOT_REACHES(file(scene, graph, "from-0"), file(scene, graph, "to-1"));
	EXPECT_NOT_REACHES(file(scene, graph, "from-1"), file(scene, graph, "to-0"));
}

CASE(splice_relay, "network", "splice to a TCP socket from a pipe that is written by another, later",
     "splice_begun, splice_taken, socket_sent", "writer to pipe to process to socket to server")

static void serve_at_once(struct scene *scene)
{
	const int listening = bound_socket(SOCK_STREAM);
	char byte;
	int fd;

	MUST(!listen(listening, 1));
	told();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0 && recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "to"), "x");
}

static void relay_pipe(struct scene *scene)
{
	const int fd = connected_socket(SOCK_STREAM);

	told();
	MUST(splice(scene->fd[0], NULL, fd, NULL, 10, 0) == 1);
}

static void feed_pipe(struct scene *scene)
{
	take_file(in(scene, "from"));
	MUST(write(scene->fd[1], "x", 1) == 1);
}

ACT(splice_relay)
{
	peers = (struct peers){ AF_INET, "127.0.0.1", 7020, false };
	put_file(in(scene, "from"), "f");
	EXPECT(!pipe(scene->fd));
	actor(scene, 0, serve_at_once);
	done(scene, 0);
	actor(scene, 1, relay_pipe);
	done(scene, 1);
	blocked(scene, 1);
	run(scene, 2, feed_pipe);
	finish(scene, 1);
	finish(scene, 0);
}

CHECK(splice_relay)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(disconnect, "network", "connect of a UDP socket, and connect to AF_UNSPEC", "socket_connected",
     "one connect edge")

static void connect_and_dissolve(struct scene *scene __attribute__((unused)))
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	const int fd = connected_socket(SOCK_DGRAM);

	MUST(!connect(fd, &none, sizeof(none)));
}

ACT(disconnect)
{
	peers = (struct peers){ AF_INET, "127.0.0.1", 7021, false };
	run(scene, 0, connect_and_dissolve);
}

CHECK(disconnect)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), ANY, "connect", "control", 1);
}

CASE(udp_device, "network", "UDP between sockets that are bound to a device, by its own address",
     "packet_queued", "deliver")

static int device_socket(void)
{
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(fd >= 0);
	MUST(!setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5));
	return fd;
}

static void receive_on_device(struct scene *scene)
{
	const int fd = device_socket();
	struct sockaddr_storage address;
	const socklen_t bytes = make_address(AF_INET, peers.host, peers.port, &address);
	char byte;

	MUST(!bind(fd, (struct sockaddr *)&address, bytes));
	told();
	MUST(recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "to"), "x");
}

static void send_on_device(struct scene *scene)
{
	const int fd = device_socket();
	struct sockaddr_storage address;
	const socklen_t bytes = make_address(AF_INET, peers.host, peers.port, &address);

	take_file(in(scene, "from"));
	MUST(sendto(fd, "x", 1, 0, (struct sockaddr *)&address, bytes) == 1);
}

ACT(udp_device)
{
	/* The address that QEMU's user network gives the guest. */
	peers = (struct peers){ AF_INET, "10.0.2.15", 7022, false };
	put_file(in(scene, "from"), "f");
	actor(scene, 0, receive_on_device);
	done(scene, 0);
	run(scene, 1, send_on_device);
	finish(scene, 0);
}

CHECK(udp_device)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(multicast, "network", "UDP to a multicast group that this machine is a member of",
     "packet_queued", "deliver")

#define GROUP	"239.77.0.1"

static void receive_from_group(struct scene *scene)
{
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ip_mreqn group = { .imr_ifindex = if_nametoindex("eth0") };
	struct sockaddr_storage address;
	const socklen_t bytes = make_address(AF_INET, "0.0.0.0", peers.port, &address);
	char byte;

	MUST(fd >= 0 && !bind(fd, (struct sockaddr *)&address, bytes));
	MUST(inet_pton(AF_INET, GROUP, &group.imr_multiaddr) == 1);
	MUST(!setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
	told();
	MUST(recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "to"), "x");
}

static void send_to_group(struct scene *scene)
{
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	const struct ip_mreqn from = { .imr_ifindex = if_nametoindex("eth0") };
	struct sockaddr_storage address;
	const socklen_t bytes = make_address(AF_INET, GROUP, peers.port, &address);

	take_file(in(scene, "from"));
	MUST(fd >= 0);
	MUST(!setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof(from)));
	MUST(sendto(fd, "x", 1, 0, (struct sockaddr *)&address, bytes) == 1);
}

ACT(multicast)
{
	peers = (struct peers){ AF_INET, GROUP, 7023, false };
	put_file(in(scene, "from"), "f");
	actor(scene, 0, receive_from_group);
	done(scene, 0);
	run(scene, 1, send_to_group);
	finish(scene, 0);
}

CHECK(multicast)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(error_queue, "network", "UDP: what one process sent, read by another from the queue of errors",
     "socket_received", "the reader comes from the sender; no remote address is made up")

static void send_to_nobody(struct scene *scene)
{
	struct sockaddr_storage address;
	const socklen_t bytes = server_address(&address);

	take_file(in(scene, "from"));
	MUST(sendto(scene->fd[0], "x", 1, 0, (struct sockaddr *)&address, bytes) == 1);
}

static void read_error(struct scene *scene)
{
	char data[16], control[256];
	struct iovec vector = { data, sizeof(data) };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };

	MUST(recvmsg(scene->fd[0], &message, MSG_ERRQUEUE) == 1);
	put_file(in(scene, "to"), "x");
}

ACT(error_queue)
{
	const int on = 1;

	/* Nobody is bound to that port. */
	peers = (struct peers){ AF_INET, "127.0.0.1", 7024, false };
	put_file(in(scene, "from"), "f");
	scene->fd[0] = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT(!setsockopt(scene->fd[0], IPPROTO_IP, IP_RECVERR, &on, sizeof(on)));
	run(scene, 0, send_to_nobody);
	run(scene, 1, read_error);
}

CHECK(error_queue)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_EDGES(ANY, process(scene, graph, 1, 0), "recv", "data", 1);
}

CASE(error_made_up, "network",
     "UDP: an ICMP error that another process made up, read from the queue of errors",
     "packet_queued", "send, deliver, recv: data, from who made it up; nothing to another socket")

#define VICTIM_PORT	7025

/* Of an even number of bytes. */
static uint16_t checksum(const void *bytes, size_t count)
{
	const uint16_t *word = bytes;
	uint32_t sum = 0;

	for (size_t i = 0; i < count / 2; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

/* Says that what the other one has sent, which it has not, did not arrive. */
static void make_up_error(struct scene *scene)
{
	const in_addr_t loopback = htonl(INADDR_LOOPBACK);
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		struct udphdr udp;
		char text[8];
	} packet = {
		.icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_PORT_UNREACH },
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
			.tot_len = htons(sizeof(packet) - sizeof(packet.icmp)),
			.saddr = loopback, .daddr = loopback },
		.udp = { .source = htons(VICTIM_PORT), .dest = htons(VICTIM_PORT + 100),
			 .len = htons(sizeof(packet.udp) + sizeof(packet.text)) },
		.text = "made up",
	};
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = loopback };
	const int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	packet.icmp.checksum = checksum(&packet, sizeof(packet));
	take_file(in(scene, "from"));
	MUST(fd >= 0);
	MUST(sendto(fd, &packet, sizeof(packet), 0, (const struct sockaddr *)&to, sizeof(to)) ==
	     sizeof(packet));
}

static ssize_t get_error(int fd)
{
	char data[16], control[256];
	struct iovec vector = { data, sizeof(data) };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };

	return recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
}

static void take_error(struct scene *scene)
{
	MUST(get_error(scene->fd[0]) == 8);
	put_file(in(scene, "to"), "x");
}

static void take_no_error(struct scene *scene)
{
	MUST(get_error(scene->fd[1]) < 0 && errno == EAGAIN);
	put_file(in(scene, "none"), "x");
}

ACT(error_made_up)
{
	const int on = 1;

	put_file(in(scene, "from"), "f");
	for (int i = 0; i < 2; i++) {
		peers = (struct peers){ AF_INET, "127.0.0.1", VICTIM_PORT + i, false };
		scene->fd[i] = bound_socket(SOCK_DGRAM);
		EXPECT(!setsockopt(scene->fd[i], IPPROTO_IP, IP_RECVERR, &on, sizeof(on)));
	}
	run(scene, 0, make_up_error);
	run(scene, 1, take_error);
	run(scene, 2, take_no_error);
}

CHECK(error_made_up)
{
	const int victim = process(scene, graph, 1, 0);
	const int end = graph_from(graph, victim, "recv");
	const int raw = graph_to(graph, process(scene, graph, 0, 0), "send");

	EXPECT_EDGES(raw, end, "deliver", "data", 1);
	EXPECT_NO_DATA(end, raw);
	EXPECT_EDGES(end, victim, "recv", "data", 1);
	EXPECT_NO_EDGE(ANY, process(scene, graph, 2, 0), "recv");
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "none"));
}

CASE(thrown_away, "network",
     "recv with MSG_TRUNC: from TCP, which throws the bytes away, and from a UNIX socket",
     "socket_received", "no edge from TCP; recv, data, to the next reader and from UNIX")

static void send_three(struct scene *scene)
{
	take_file(in(scene, "from"));
	MUST(send(scene->fd[0], "xy", 2, 0) == 2);
	MUST(send(scene->fd[2], "x", 1, 0) == 1);
}

static void throw_away(struct scene *scene)
{
	char byte = 'n';

	MUST(recv(scene->fd[1], &byte, 1, MSG_TRUNC) == 1 && byte == 'n');
	put_file(in(scene, "none"), "x");
}

static void take_next(struct scene *scene)
{
	char byte;

	MUST(recv(scene->fd[1], &byte, 1, 0) == 1 && byte == 'y');
	put_file(in(scene, "to"), "x");
}

static void take_unix(struct scene *scene)
{
	char byte;

	MUST(recv(scene->fd[3], &byte, 1, MSG_TRUNC) == 1 && byte == 'x');
	put_file(in(scene, "to_unix"), "x");
}

ACT(thrown_away)
{
	put_file(in(scene, "from"), "f");
	peers = (struct peers){ AF_INET, "127.0.0.1", 7027, false };
	scene->fd[4] = bound_socket(SOCK_STREAM);
	EXPECT(!listen(scene->fd[4], 1));
	scene->fd[0] = connected_socket(SOCK_STREAM);
	scene->fd[1] = accept(scene->fd[4], NULL, NULL);
	EXPECT(scene->fd[1] > 0 && !socketpair(AF_UNIX, SOCK_STREAM, 0, scene->fd + 2));
	run(scene, 0, send_three);
	run(scene, 1, throw_away);
	run(scene, 2, take_next);
	run(scene, 3, take_unix);
}

CHECK(thrown_away)
{
	const int from = file(scene, graph, "from");

	EXPECT_NO_EDGE(ANY, process(scene, graph, 1, 0), "recv");
	EXPECT_NOT_REACHES(from, file(scene, graph, "none"));
	EXPECT_EDGES(ANY, process(scene, graph, 2, 0), "recv", "data", 1);
	EXPECT_REACHES(from, file(scene, graph, "to"));
	EXPECT_EDGES(ANY, process(scene, graph, 3, 0), "recv", "data", 1);
	EXPECT_REACHES(from, file(scene, graph, "to_unix"));
}

CASE(repaired, "outcome",
     "TCP_REPAIR: recv with MSG_PEEK and MSG_TRUNC from the queue of what is sent",
     "socket_sent, socket_received", "recv, data; to the peer only what it gets")

static void send_repaired(struct scene *scene)
{
	take_file(in(scene, "from"));
	MUST(send(scene->fd[0], "xy", 2, 0) == 2);
	take_file(in(scene, "late"));
}

static void take_repaired(struct scene *scene)
{
	char bytes[2] = "";

	MUST(recv(scene->fd[0], bytes, 2, MSG_PEEK | MSG_TRUNC) == 2 && bytes[1] == 'y');
	put_file(in(scene, "to"), "x");
}

/* The queue of what is sent gets to the peer only when the timer of retransmissions fires. */
static void ask_peer(struct scene *scene)
{
	char byte;
	const ssize_t received = recv(scene->fd[1], &byte, 1, MSG_DONTWAIT);

	MUST(received == 1 || (received < 0 && errno == EAGAIN));
	put_file(in(scene, received == 1 ? "sent" : "none"), "x");
}

ACT(repaired)
{
	const int on = 1, queue = TCP_SEND_QUEUE;

	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	peers = (struct peers){ AF_INET, "127.0.0.1", 7028, false };
	scene->fd[2] = bound_socket(SOCK_STREAM);
	EXPECT(!listen(scene->fd[2], 1));
	scene->fd[0] = connected_socket(SOCK_STREAM);
	scene->fd[1] = accept(scene->fd[2], NULL, NULL);
	EXPECT(scene->fd[1] > 0);
	EXPECT(!setsockopt(scene->fd[0], IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)));
	EXPECT(!setsockopt(scene->fd[0], IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)));
	run(scene, 0, send_repaired);
	run(scene, 1, take_repaired);
	run(scene, 2, ask_peer);
}

CHECK(repaired)
{
	const int end = graph_to(graph, process(scene, graph, 0, 0), "send");

	EXPECT_EDGES(process(scene, graph, 0, 0), end, "send", "data", 1);
	EXPECT_EDGES(end, process(scene, graph, 1, 0), "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
	if (access(in(scene, "sent"), F_OK))
		EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "none"));
	else
		EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "sent"));
}

CASE(probe, "outcome", "UDP: an empty datagram, and two with MSG_PROBE, which are not sent",
     "socket_sent, socket_received", "send, deliver, recv: data, for who is told where from; none")

#ifndef MSG_PROBE
#define MSG_PROBE	0x10
#endif

static void send_empty(struct scene *scene, int flags)
{
	const int fd = connected_socket(SOCK_DGRAM);

	take_file(in(scene, "from"));
	MUST(send(fd, "", 0, flags) == 0);
	take_file(in(scene, "late"));
}

static void send_probe(struct scene *scene)
{
	send_empty(scene, MSG_PROBE);
	MUST(send(connected_socket(SOCK_DGRAM), "p", 1, MSG_PROBE) == 1);
}

static void send_nothing(struct scene *scene)
{
	send_empty(scene, 0);
}

static void take_empty(struct scene *scene)
{
	struct sockaddr_in from;
	socklen_t bytes = sizeof(from);
	char byte;

	MUST(recvfrom(scene->fd[0], &byte, 1, MSG_DONTWAIT, (struct sockaddr *)&from, &bytes) == 0);
	MUST(bytes == sizeof(from));
	put_file(in(scene, "to"), "x");
	MUST(recv(scene->fd[0], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
}

ACT(probe)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	peers = (struct peers){ AF_INET, "127.0.0.1", 7029, false };
	scene->fd[0] = bound_socket(SOCK_DGRAM);
	run(scene, 2, send_probe);
	run(scene, 1, send_nothing);
	run(scene, 0, take_empty);
}

CHECK(probe)
{
	const int end = graph_to(graph, process(scene, graph, 1, 0), "send");
	const int other = graph_from(graph, process(scene, graph, 0, 0), "recv");

	EXPECT_EDGES(process(scene, graph, 1, 0), end, "send", "data", 1);
	EXPECT_EDGES(end, other, "deliver", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
	EXPECT_NO_EDGE(process(scene, graph, 2, 0), ANY, "send");
}
