// SPDX-License-Identifier: GPL-2.0
/* Raw, ping and packet sockets */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "exchange.h"
#include "netns.h"

#define RAW_FLOWS "packet_leaves, packet_queued, socket_sent, socket_received"

/* Protocols and types of frames for experiments (RFC 3692, IEEE 802). */
#define PROTOCOL	253
#define FRAME_TYPE	0x88b5

static int raw_socket(int family, int protocol)
{
	const int fd = socket(family, SOCK_RAW, protocol);

	MUST(fd >= 0);
	return fd;
}

static void receive(struct scene *scene, int fd, const char *to)
{
	char buffer[256];

	told();
	MUST(recv(fd, buffer, sizeof(buffer), 0) > 0);
	put_file(in(scene, to), "x");
	told();
	await();
}

static void receive_nothing(struct scene *scene, int fd)
{
	char byte;

	told();
	await();
	MUST(recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	put_file(in(scene, "nothing"), "x");
}

/* Roles: 0 receives, 1 sends and then learns more, 2 receives nothing. */
static void act_raw(struct scene *scene, actor_fn receiver, actor_fn sender, actor_fn other)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	actor(scene, 0, receiver);
	done(scene, 0);
	actor(scene, 2, other);
	done(scene, 2);
	run(scene, 1, sender);
	done(scene, 0);
	go(scene, 0);
	finish(scene, 0);
	go(scene, 2);
	finish(scene, 2);
}

static void send_raw(struct scene *scene, int fd, const void *bytes, size_t count,
		     const void *address, socklen_t length)
{
	take_file(in(scene, "from"));
	MUST(sendto(fd, bytes, count, 0, address, length) == (ssize_t)count);
	take_file(in(scene, "late"));
}

static struct sockaddr_in local4(void)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static void receive_raw4(struct scene *scene)
{
	receive(scene, raw_socket(AF_INET, PROTOCOL), "to");
}

static void receive_other4(struct scene *scene)
{
	receive_nothing(scene, raw_socket(AF_INET, PROTOCOL + 1));
}

static void send_raw4(struct scene *scene)
{
	const struct sockaddr_in to = local4();

	send_raw(scene, raw_socket(AF_INET, PROTOCOL), "x", 1, &to, sizeof(to));
}

CASE(raw4, "network", "a raw socket over IPv4, to another one", RAW_FLOWS,
     "send, deliver, recv: data; nothing for a socket of another protocol")

ACT(raw4)
{
	act_raw(scene, receive_raw4, send_raw4, receive_other4);
}

CHECK(raw4)
{
	const int end = graph_to(graph, process(scene, graph, 1, 0), "send");

	expect_one_way(scene, graph);
	/* It also got a copy of what it sent itself. */
	EXPECT_NO_EDGE(end, end, "deliver");
}

static void send_header4(struct scene *scene)
{
	const struct sockaddr_in to = local4();
	const struct iphdr header = {
		.version = 4, .ihl = 5, .ttl = 64, .protocol = PROTOCOL,
		.tot_len = htons(sizeof(header)), .daddr = to.sin_addr.s_addr,
		.saddr = to.sin_addr.s_addr,
	};

	send_raw(scene, raw_socket(AF_INET, IPPROTO_RAW), &header, sizeof(header), &to,
		 sizeof(to));
}

CASE(raw_header, "network", "a raw socket that writes IP headers itself", RAW_FLOWS,
     "send, deliver, recv: data")

ACT(raw_header)
{
	act_raw(scene, receive_raw4, send_header4, receive_other4);
}

CHECK(raw_header)
{
	expect_one_way(scene, graph);
}

static void receive_raw6(struct scene *scene)
{
	receive(scene, raw_socket(AF_INET6, PROTOCOL), "to");
}

static void receive_other6(struct scene *scene)
{
	receive_nothing(scene, raw_socket(AF_INET6, PROTOCOL + 1));
}

static void send_raw6(struct scene *scene)
{
	const struct sockaddr_in6 to = {
		.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};

	send_raw(scene, raw_socket(AF_INET6, PROTOCOL), "x", 1, &to, sizeof(to));
}

CASE(raw6, "network", "a raw socket over IPv6, to another one", RAW_FLOWS,
     "send, deliver, recv: data; nothing for a socket of another protocol")

ACT(raw6)
{
	act_raw(scene, receive_raw6, send_raw6, receive_other6);
}

CHECK(raw6)
{
	expect_one_way(scene, graph);
}

CASE(multicast, "network", "a raw socket over IPv4, to a multicast group on this machine",
     RAW_FLOWS, "send, deliver, recv: data")

static void receive_multicast(struct scene *scene)
{
	const int fd = raw_socket(AF_INET, PROTOCOL);
	const struct ip_mreqn group = {
		.imr_multiaddr.s_addr = inet_addr("239.1.2.3"),
		.imr_address.s_addr = inet_addr("10.0.2.15"),
	};

	MUST(!setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
	receive(scene, fd, "to");
}

static void send_multicast(struct scene *scene)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("239.1.2.3"),
	};
	const struct ip_mreqn by = { .imr_address.s_addr = inet_addr("10.0.2.15") };
	const int fd = raw_socket(AF_INET, PROTOCOL);

	MUST(!setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by)));
	send_raw(scene, fd, "x", 1, &to, sizeof(to));
}

ACT(multicast)
{
	act_raw(scene, receive_multicast, send_multicast, receive_other4);
}

CHECK(multicast)
{
	expect_one_way(scene, graph);
}

CASE(ping, "network", "ICMP echo by a ping socket, seen by a raw socket", RAW_FLOWS,
     "the request reaches the raw socket, the answer who asked; nothing goes from there to it")

static void receive_icmp(struct scene *scene)
{
	receive(scene, raw_socket(AF_INET, IPPROTO_ICMP), "to");
}

static void ping(struct scene *scene)
{
	const int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	const struct icmphdr request = { .type = ICMP_ECHO };
	const struct sockaddr_in to = local4();
	char answer[64];

	MUST(fd >= 0);
	send_raw(scene, fd, &request, sizeof(request), &to, sizeof(to));
	MUST(recv(fd, answer, sizeof(answer), 0) == sizeof(request));
}

ACT(ping)
{
	EXPECT(!system("sysctl -qw net.ipv4.ping_group_range='0 1000'"));
	act_raw(scene, receive_icmp, ping, receive_other4);
}

CHECK(ping)
{
	const int client = process(scene, graph, 1, 0), end = graph_to(graph, client, "send");

	expect_one_way(scene, graph);
	EXPECT_EDGES(end, client, "recv", "data", 1);
	EXPECT_NO_EDGE(ANY, end, "deliver");
}

CASE(checksum, "outcome",
     "UDP with a wrong checksum, which is seen when it is copied (EAGAIN); to a bad address (EFAULT)",
     "packet_queued, partly_copied, socket_received",
     "send, deliver, recv: data; none for who is not given any of it")

#define DATAGRAM	200	/* of less than 77 bytes the checksum is looked at when it comes */

static struct sockaddr_in name_of(int fd)
{
	struct sockaddr_in name;
	socklen_t bytes = sizeof(name);

	MUST(!getsockname(fd, (struct sockaddr *)&name, &bytes));
	return name;
}

static void send_wrong_to(int raw, int fd)
{
	const struct sockaddr_in to = name_of(fd);
	struct {
		struct iphdr ip;
		struct udphdr udp;
		char text[DATAGRAM];
	} packet = {
		.ip = {
			.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
			.saddr = to.sin_addr.s_addr, .daddr = to.sin_addr.s_addr,
		},
		.udp = {
			.source = to.sin_port, .dest = to.sin_port,
			.len = htons(sizeof(packet.udp) + DATAGRAM), .check = 1,
		},
	};

	memset(packet.text, 'x', DATAGRAM);
	MUST(sendto(raw, &packet, sizeof(packet), 0, (const struct sockaddr *)&to, sizeof(to)) ==
	     sizeof(packet));
}

/* To each of three sockets. */
static void send_wrong(struct scene *scene)
{
	const int raw = raw_socket(AF_INET, IPPROTO_RAW);

	take_file(in(scene, "from"));
	for (int i = 0; i < 3; i++)
		send_wrong_to(raw, scene->fd[i]);
	take_file(in(scene, "late"));
}

static void take_wrong(struct scene *scene)
{
	char text[DATAGRAM] = "";

	MUST(recv(scene->fd[0], text, DATAGRAM, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	MUST(text[DATAGRAM - 1] == 'x');
	put_file(in(scene, "to"), "x");
}

/* For who only looks it is checked before. */
static void look_at_wrong(struct scene *scene)
{
	char text[DATAGRAM] = "";

	MUST(recv(scene->fd[1], text, DATAGRAM, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	     errno == EAGAIN && !*text);
	put_file(in(scene, "nothing"), "x");
}

static void take_half(struct scene *scene)
{
	char text[DATAGRAM / 2] = "";
	const struct iovec io[2] = {
		{ text, sizeof(text) }, { (void *)8, DATAGRAM - sizeof(text) },
	};

	MUST(readv(scene->fd[2], io, 2) < 0 && errno == EFAULT && *text == 'x');
	put_file(in(scene, "half"), "x");
}

ACT(checksum)
{
	const struct sockaddr_in address = local4();

	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	for (int i = 0; i < 3; i++) {
		scene->fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
		EXPECT(!bind(scene->fd[i], (const struct sockaddr *)&address, sizeof(address)));
	}
	run(scene, 1, send_wrong);
	run(scene, 0, take_wrong);
	run(scene, 2, look_at_wrong);
	run(scene, 3, take_half);
}

CHECK(checksum)
{
	const int half = process(scene, graph, 3, 0), end = graph_from(graph, half, "recv");

	expect_one_way(scene, graph);
	EXPECT_NO_EDGE(ANY, process(scene, graph, 2, 0), "recv");
	EXPECT_EDGES(end, half, "recv", "data", 1);
	EXPECT_EDGES(graph_to(graph, process(scene, graph, 1, 0), "send"), end, "deliver", "data",
		     1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "half"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), half);
}

CASE(checksum_empty, "outcome", "UDP with a wrong checksum, and an empty datagram behind it",
     "partly_copied, socket_received", "send, deliver, recv: data")

static void send_wrong_and_empty(struct scene *scene)
{
	const struct sockaddr_in to = name_of(scene->fd[0]);

	take_file(in(scene, "from"));
	send_wrong_to(raw_socket(AF_INET, IPPROTO_RAW), scene->fd[0]);
	take_file(in(scene, "late"));
	MUST(sendto(socket(AF_INET, SOCK_DGRAM, 0), "", 0, 0, (const struct sockaddr *)&to,
		    sizeof(to)) == 0);
}

static void take_both(struct scene *scene)
{
	char text[DATAGRAM] = "";

	MUST(recv(scene->fd[0], text, DATAGRAM, MSG_DONTWAIT) == 0);
	MUST(text[DATAGRAM - 1] == 'x');
	put_file(in(scene, "to"), "x");
}

ACT(checksum_empty)
{
	const struct sockaddr_in address = local4();

	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	scene->fd[0] = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT(!bind(scene->fd[0], (const struct sockaddr *)&address, sizeof(address)));
	run(scene, 1, send_wrong_and_empty);
	run(scene, 0, take_both);
}

CHECK(checksum_empty)
{
	const int taker = process(scene, graph, 0, 0), end = graph_from(graph, taker, "recv");

	EXPECT_EDGES(end, taker, "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

/*
 * Packet sockets
 */

static int packet_socket(int type, int frame_type, bool bound)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(frame_type),
		.sll_ifindex = if_nametoindex("lo"),
	};
	const int fd = socket(AF_PACKET, type, 0);

	MUST(fd >= 0);
	if (bound)
		MUST(!bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static void receive_frame(struct scene *scene)
{
	receive(scene, packet_socket(SOCK_RAW, FRAME_TYPE, true), "to");
}

static void receive_other_frame(struct scene *scene)
{
	receive_nothing(scene, packet_socket(SOCK_RAW, FRAME_TYPE + 1, true));
}

static void send_frame(struct scene *scene)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(FRAME_TYPE),
		.sll_ifindex = if_nametoindex("lo"), .sll_halen = ETH_ALEN,
	};

	send_raw(scene, packet_socket(SOCK_DGRAM, 0, false), "x", 1, &to, sizeof(to));
}

CASE(frames, "network", "a frame from a packet socket (SOCK_DGRAM) to another (SOCK_RAW)",
     RAW_FLOWS, "send, deliver, recv: data; nothing for a socket of another type of frames")

ACT(frames)
{
	act_raw(scene, receive_frame, send_frame, receive_other_frame);
}

CHECK(frames)
{
	expect_one_way(scene, graph);
}

static void send_frame_directly(struct scene *scene)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(FRAME_TYPE),
		.sll_ifindex = if_nametoindex("lo"),
	};
	const unsigned char frame[ETH_ZLEN] = { [12] = FRAME_TYPE >> 8, [13] = FRAME_TYPE & 255 };
	const int fd = packet_socket(SOCK_RAW, 0, false), on = 1;

	MUST(!setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)));
	send_raw(scene, fd, frame, sizeof(frame), &to, sizeof(to));
}

CASE(frames_direct, "network", "a frame past the queues of the device (PACKET_QDISC_BYPASS)",
     RAW_FLOWS, "send, deliver, recv: data")

ACT(frames_direct)
{
	act_raw(scene, receive_frame, send_frame_directly, receive_other_frame);
}

CHECK(frames_direct)
{
	expect_one_way(scene, graph);
}

CASE(frame_refused, "outcome",
     "a frame that is dropped after a packet socket has seen it (ENOBUFS); one too long (EMSGSIZE)",
     RAW_FLOWS, "send, deliver, recv: data; none for what nobody was shown, nor behind the device")

/* What the near end of the link lets pass is too long for the far one. */
#define REFUSED_BYTES	1400
#define LONG_BYTES	1600

/* Not even IPv6 sends anything by itself there. */
static void make_link(void)
{
	EXPECT(!system("set -e\n"
		       "ip netns add prov-drop\n"
		       "ip netns exec prov-drop sysctl -qw net.ipv6.conf.all.disable_ipv6=1\n"
		       "ip netns exec prov-drop sysctl -qw net.ipv6.conf.default.disable_ipv6=1\n"
		       "ip -n prov-drop link add v0 type veth peer name v1\n"
		       "ip -n prov-drop link set v1 mtu 1280\n"
		       "ip -n prov-drop link set v0 up\n"
		       "ip -n prov-drop link set v1 up\n"));
}

static int device_socket(const char *device, int frame_type)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(frame_type),
	};
	int fd;

	enter("prov-drop");
	address.sll_ifindex = if_nametoindex(device);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	MUST(fd >= 0 && !bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	return fd;
}

/* The sender's own frames are shown only to who asks for all. */
static void receive_refused(struct scene *scene)
{
	receive(scene, device_socket("v0", ETH_P_ALL), "to");
}

static void receive_behind(struct scene *scene)
{
	receive_nothing(scene, device_socket("v1", ETH_P_ALL));
}

static void send_refused(struct scene *scene)
{
	const unsigned char frame[REFUSED_BYTES] = {
		[12] = FRAME_TYPE >> 8, [13] = FRAME_TYPE & 255,
	};
	const int fd = device_socket("v0", FRAME_TYPE);

	take_file(in(scene, "from"));
	MUST(send(fd, frame, sizeof(frame), 0) < 0 && errno == ENOBUFS);
	take_file(in(scene, "late"));
	/* Of this one nobody is shown anything. */
	MUST(send(fd, frame, 0, 0) < 0 && errno == EINVAL);
}

static void send_too_long(struct scene *scene)
{
	static const unsigned char frame[LONG_BYTES];
	const int fd = device_socket("v0", FRAME_TYPE);

	take_file(in(scene, "other"));
	MUST(send(fd, frame, sizeof(frame), 0) < 0 && errno == EMSGSIZE);
}

ACT(frame_refused)
{
	make_link();
	put_file(in(scene, "other"), "o");
	act_raw(scene, receive_refused, send_refused, receive_behind);
	run(scene, 4, send_too_long);
	EXPECT(!system("ip netns delete prov-drop"));
}

CHECK(frame_refused)
{
	expect_one_way(scene, graph);
	EXPECT_NO_EDGE(process(scene, graph, 4, 0), ANY, "send");
	EXPECT_NO_EDGE(ANY, process(scene, graph, 2, 0), "recv");
}

/* A tap that lets pass what goes to a port, of UDP or TCP over IPv4. */
static int tap(int protocol, int port)
{
	const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, protocol, 0, 5),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 36),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 3),
		/* Not the handshake: IPv4, Ethernet and TCP headers with options are 66 bytes. */
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, protocol == IPPROTO_TCP ? 74 : 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 65535),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = {
		.len = sizeof(code) / sizeof(*code), .filter = (struct sock_filter *)code,
	};
	const int fd = socket(AF_PACKET, SOCK_RAW, 0);
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex("lo"),
	};

	MUST(fd >= 0);
	MUST(!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)));
	MUST(!bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static void tap_udp(struct scene *scene)
{
	receive(scene, tap(IPPROTO_UDP, 7101), "to");
}

static void tap_tcp(struct scene *scene)
{
	receive(scene, tap(IPPROTO_TCP, 7103), "to");
}

static void tap_nothing(struct scene *scene)
{
	receive_nothing(scene, tap(IPPROTO_UDP, 7104));
}

static void send_udp(struct scene *scene)
{
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = local4();

	MUST(fd >= 0);
	to.sin_port = htons(7101);
	send_raw(scene, fd, "x", 1, &to, sizeof(to));
}

static void send_udp_elsewhere(struct scene *scene)
{
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = local4();

	(void)scene;
	MUST(fd >= 0);
	to.sin_port = htons(7102);
	MUST(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1);
}

CASE(tap, "network", "a packet socket with a filter, that sees what other sockets send",
     "packet_crosses, packet_queued",
     "sender's socket to packet socket: deliver, data; nothing of what the filter drops")

ACT(tap)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	actor(scene, 0, tap_udp);
	done(scene, 0);
	actor(scene, 2, tap_nothing);
	done(scene, 2);
	run(scene, 3, send_udp_elsewhere);
	run(scene, 1, send_udp);
	done(scene, 0);
	go(scene, 0);
	finish(scene, 0);
	go(scene, 2);
	finish(scene, 2);
}

CHECK(tap)
{
	expect_one_way(scene, graph);
	EXPECT_NOT_REACHES(process(scene, graph, 3, 0), process(scene, graph, 0, 0));
}

static void serve_tcp(struct scene *scene)
{
	const int listening = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct sockaddr_in address = local4();
	char buffer[128];
	int fd;

	address.sin_port = htons(7103);
	MUST(listening >= 0);
	MUST(!setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	MUST(!bind(listening, (struct sockaddr *)&address, sizeof(address)));
	MUST(!listen(listening, 1));
	told();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0 && recv(fd, buffer, sizeof(buffer), 0) > 0);
	put_file(in(scene, "served"), "x");
}

static void send_tcp(struct scene *scene)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in to = local4();
	const char text[64] = "";

	to.sin_port = htons(7103);
	MUST(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)));
	take_file(in(scene, "from"));
	MUST(send(fd, text, sizeof(text), 0) == sizeof(text));
	take_file(in(scene, "late"));
}

CASE(tap_tcp, "network", "a packet socket that sees a TCP connection", "packet_crosses",
     "the data reaches the packet socket and the server, by one edge each")

ACT(tap_tcp)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	actor(scene, 3, serve_tcp);
	done(scene, 3);
	actor(scene, 0, tap_tcp);
	done(scene, 0);
	actor(scene, 2, tap_nothing);
	done(scene, 2);
	run(scene, 1, send_tcp);
	finish(scene, 3);
	done(scene, 0);
	go(scene, 0);
	finish(scene, 0);
	go(scene, 2);
	finish(scene, 2);
}

CHECK(tap_tcp)
{
	const int end = graph_to(graph, process(scene, graph, 1, 0), "send");
	const int server_end = graph_from(graph, process(scene, graph, 3, 0), "recv");

	expect_one_way(scene, graph);
	EXPECT_EDGES(end, server_end, "deliver", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "served"));
	/* What the server does is not seen at that port. */
	EXPECT_NOT_REACHES(process(scene, graph, 3, 0), process(scene, graph, 0, 0));
}

CASE(tap_loop, "network", "a thousand packets from two sockets in turn, before a packet socket",
     "packet_queued", "one edge from each")

static void tap_all(struct scene *scene)
{
	const int fd = packet_socket(SOCK_RAW, ETH_P_IP, true);
	char buffer[256];

	told();
	await();
	while (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
		;
	(void)scene;
}

static void send_thousand(struct scene *scene)
{
	struct sockaddr_in to = local4();
	int fd[2];

	to.sin_port = htons(7105);
	for (int i = 0; i < 2; i++) {
		fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
		MUST(fd[i] >= 0);
	}
	for (int i = 0; i < 1000; i++)
		MUST(sendto(fd[i % 2], "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1);
	put_file(in(scene, "done"), "x");
}

ACT(tap_loop)
{
	actor(scene, 0, tap_all);
	done(scene, 0);
	run(scene, 1, send_thousand);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(tap_loop)
{
	const int reader = process(scene, graph, 0, 0);
	const int end = graph_to(graph, process(scene, graph, 1, 0), "send");
	const int packet = graph_from(graph, reader, "recv");

	EXPECT_EDGES(end, packet, "deliver", "data", 1);
	EXPECT_REACHES(process(scene, graph, 1, 0), reader);
}

/*
 * Rings that are mapped
 */

#define RING_BYTES	(16 * 4096)

static void *map_ring(int fd, int option)
{
	const struct tpacket_req request = {
		.tp_block_size = 4096, .tp_block_nr = 16, .tp_frame_size = 2048, .tp_frame_nr = 32,
	};
	const int version = TPACKET_V2;
	void *ring;

	MUST(!setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)));
	MUST(!setsockopt(fd, SOL_PACKET, option, &request, sizeof(request)));
	ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(ring != MAP_FAILED);
	return ring;
}

CASE(ring, "network", "a ring of a packet socket (PACKET_RX_RING), read without a call",
     "mapping_added, mapping_removed, packet_queued",
     "sender to packet socket to who maps the ring, as long as it does")

static void read_ring(struct scene *scene)
{
	const int fd = packet_socket(SOCK_RAW, 0, false);
	volatile struct tpacket2_hdr *ring = map_ring(fd, PACKET_RX_RING);
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(FRAME_TYPE),
		.sll_ifindex = if_nametoindex("lo"),
	};

	MUST(!bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	told();
	for (int i = 0; !(ring->tp_status & TP_STATUS_USER); i++) {
		MUST(i < 10000);
		pause_ms(1);
	}
	put_file(in(scene, "to"), "x");
	MUST(!munmap((void *)ring, RING_BYTES));
	told();
	await();
	put_file(in(scene, "unmapped"), "x");
}

static void send_frame_late(struct scene *scene)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(FRAME_TYPE),
		.sll_ifindex = if_nametoindex("lo"), .sll_halen = ETH_ALEN,
	};
	const int fd = packet_socket(SOCK_DGRAM, 0, false);

	(void)scene;
	MUST(sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)) == 1);
}

ACT(ring)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	actor(scene, 0, read_ring);
	done(scene, 0);
	actor(scene, 2, receive_other_frame);
	done(scene, 2);
	run(scene, 1, send_frame);
	done(scene, 0);
	run(scene, 3, send_frame_late);
	go(scene, 0);
	finish(scene, 0);
	go(scene, 2);
	finish(scene, 2);
}

CHECK(ring)
{
	const int reader = process(scene, graph, 0, 0), sender = process(scene, graph, 1, 0);
	const int end = graph_to(graph, sender, "send");

	EXPECT_EDGES(end, graph_from(graph, reader, "mmap"), "deliver", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "nothing"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
	/* What came when it was mapped no more. */
	EXPECT_NOT_REACHES(process(scene, graph, 3, 0), file(scene, graph, "unmapped"));
	EXPECT_NOT_REACHES(reader, sender);
}

CASE(ring_sent, "network", "one process writes a frame to a ring (PACKET_TX_RING), another sends it",
     "mapping_added, packet_leaves", "both reach the receiver")

/* Role 1 writes, role 3 sends. */
static void write_ring(struct scene *scene)
{
	const unsigned char frame[ETH_ZLEN] = { [12] = FRAME_TYPE >> 8, [13] = FRAME_TYPE & 255 };
	volatile struct tpacket2_hdr *const ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE,
							MAP_SHARED, scene->fd[0], 0);

	MUST(ring != MAP_FAILED);
	take_file(in(scene, "from"));
	memcpy((char *)ring + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll), frame, sizeof(frame));
	ring->tp_len = sizeof(frame);
	ring->tp_status = TP_STATUS_SEND_REQUEST;
	told();
	await();
}

static void send_ring(struct scene *scene)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(FRAME_TYPE),
		.sll_ifindex = if_nametoindex("lo"),
	};

	MUST(sendto(scene->fd[0], NULL, 0, 0, (const struct sockaddr *)&to, sizeof(to)) ==
	     ETH_ZLEN);
}

ACT(ring_sent)
{
	const struct tpacket_req request = {
		.tp_block_size = 4096, .tp_block_nr = 16, .tp_frame_size = 2048, .tp_frame_nr = 32,
	};
	const int version = TPACKET_V2;

	put_file(in(scene, "from"), "f");
	scene->fd[0] = socket(AF_PACKET, SOCK_RAW, 0);
	EXPECT(!setsockopt(scene->fd[0], SOL_PACKET, PACKET_VERSION, &version, sizeof(version)));
	EXPECT(!setsockopt(scene->fd[0], SOL_PACKET, PACKET_TX_RING, &request, sizeof(request)));
	actor(scene, 0, receive_frame);
	done(scene, 0);
	actor(scene, 2, receive_other_frame);
	done(scene, 2);
	actor(scene, 1, write_ring);
	done(scene, 1);
	run(scene, 3, send_ring);
	done(scene, 0);
	for (int i = 0; i < 3; i++) {
		go(scene, i);
		finish(scene, i);
	}
}

CHECK(ring_sent)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_REACHES(process(scene, graph, 3, 0), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "nothing"));
}
