// SPDX-License-Identifier: GPL-2.0
/* Network namespaces that veth and TUN devices connect */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "exchange.h"
#include "netns.h"

#define CLIENT	"10.9.1.2"
#define ROUTER	"10.9.1.1"
#define SERVER	"10.9.2.2"

/*
 * Three namespaces: the client's is prov-a, the server's prov-b, and prov-r, in
 * between, passes packets on.  Made once, for all cases that need them.
 */
static void make_namespaces(void)
{
	static bool made;

	if (made)
		return;
	made = true;
	EXPECT(!system("set -e\n"
		       "for ns in a r b; do\n"
		       "	ip netns add prov-$ns\n"
		       "	ip -n prov-$ns link set lo up\n"
		       "done\n"
		       "ip -n prov-a link add eth0 type veth peer name a netns prov-r\n"
		       "ip -n prov-b link add eth0 type veth peer name b netns prov-r\n"
		       "ip -n prov-a address add " CLIENT "/24 dev eth0\n"
		       "ip -n prov-r address add " ROUTER "/24 dev a\n"
		       "ip -n prov-r address add 10.9.2.1/24 dev b\n"
		       "ip -n prov-b address add " SERVER "/24 dev eth0\n"
		       "for link in 'a dev eth0' 'b dev eth0' 'r dev a' 'r dev b'; do\n"
		       "	ip -n prov-${link%% *} link set ${link#* } up\n"
		       "done\n"
		       "ip -n prov-a route add default via " ROUTER "\n"
		       "ip -n prov-b route add default via 10.9.2.1\n"
		       "ip netns exec prov-r sysctl -qw net.ipv4.ip_forward=1\n"));
}

static struct sockaddr_in address_of(const char *host, int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(host),
		.sin_port = htons(port),
	};
}

static int bound(int type, const char *host, int port)
{
	const struct sockaddr_in address = address_of(host, port);
	const int fd = socket(AF_INET, type, 0), on = 1;

	MUST(fd >= 0);
	MUST(!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	MUST(!bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static int connected(int type, const char *host, int port)
{
	const struct sockaddr_in address = address_of(host, port);
	const int fd = socket(AF_INET, type, 0);

	MUST(fd >= 0 && !connect(fd, (const struct sockaddr *)&address, sizeof(address)));
	return fd;
}

/* Who talks to whom: a case sets it before it forks them. */
static struct {
	const char *host;
	int port;
} target;

static void request_tcp(struct scene *scene)
{
	enter("prov-a");
	ask(scene, connected(SOCK_STREAM, target.host, target.port));
}

static void request_udp(struct scene *scene)
{
	enter("prov-a");
	ask(scene, connected(SOCK_DGRAM, target.host, target.port));
}

static void serve_tcp(struct scene *scene)
{
	int listening;

	enter("prov-b");
	listening = bound(SOCK_STREAM, SERVER, 7201);
	MUST(!listen(listening, 1));
	accept_and_answer(scene, listening);
	told();
	await();
}

static void serve_udp(struct scene *scene)
{
	int fd;

	enter("prov-b");
	fd = bound(SOCK_DGRAM, SERVER, 7202);
	told();
	answer(scene, fd);
	told();
	await();
}

static void act_veth(struct scene *scene, actor_fn server, actor_fn client, const char *host,
		     int port)
{
	make_namespaces();
	target.host = host;
	target.port = port;
	put_exchange_files(scene);
	actor(scene, 0, server);
	done(scene, 0);
	run(scene, 1, client);
	done(scene, 0);
	go(scene, 0);
	finish(scene, 0);
}

CASE(tcp, "network", "TCP between network namespaces, through a third one, over veth devices",
     "inet_conn_established, inet_csk_clone, socket_received", "send, deliver, recv: data")

ACT(tcp)
{
	act_veth(scene, serve_tcp, request_tcp, SERVER, 7201);
}

CHECK(tcp)
{
	expect_exchange(scene, graph);
}

CASE(crossed, "network",
     "TCP between network namespaces: the first segments of both ends cross (simultaneous open)",
     "tcp_crossed", "the ends are joined; send, deliver, recv: data")

/*
 * The router keeps what is for a host until it knows where that is, which neither tells it.  When
 * it learns of the server, that has called, and gets the client's call; and its own call, which the
 * router has before its answer, then comes to a client that has no answer yet.
 */
static bool hide(void)
{
	make_namespaces();
	return !system("set -e\n"
		       "for side in 'a 10.9.1.1' 'b 10.9.2.1'; do\n"
		       "	ns=${side%% *}\n"
		       "	mac=$(ip netns exec prov-r cat /sys/class/net/$ns/address)\n"
		       "	ip -n prov-$ns neigh replace ${side#* } lladdr $mac dev eth0\n"
		       "	ip netns exec prov-$ns sysctl -qw net.ipv4.conf.eth0.arp_ignore=8\n"
		       "	ip netns exec prov-r sysctl -qw net.ipv4.neigh.$ns.mcast_solicit=60\n"
		       "	ip -n prov-r neigh flush dev $ns\n"
		       "done\n");
}

/* Let the router know where a host is. */
static bool show(const char *ns, const char *host)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "mac=$(ip netns exec prov-%s cat /sys/class/net/eth0/address) &&\n"
		 "ip -n prov-r neigh replace %s dev %s lladdr $mac\n", ns, host, ns);
	return !system(command);
}

static void hide_no_more(void)
{
	EXPECT(!system("set -e\n"
		       "for side in 'a 10.9.1.1' 'b 10.9.2.1'; do\n"
		       "	ns=${side%% *}\n"
		       "	ip -n prov-$ns neigh del ${side#* } dev eth0\n"
		       "	ip netns exec prov-$ns sysctl -qw net.ipv4.conf.eth0.arp_ignore=0\n"
		       "	ip netns exec prov-r sysctl -qw net.ipv4.neigh.$ns.mcast_solicit=3\n"
		       "done\n"
		       "ip -n prov-r neigh del " CLIENT " dev a\n"
		       "ip -n prov-r neigh del " SERVER " dev b\n"));
}

static int call(const char *ns, const char *from, const char *to)
{
	const struct sockaddr_in address = address_of(to, 7203);
	int fd;

	enter(ns);
	fd = bound(SOCK_STREAM, from, 7203);
	told();
	MUST(!connect(fd, (const struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static void call_and_ask(struct scene *scene)
{
	ask(scene, call("prov-a", CLIENT, SERVER));
}

static void call_and_answer(struct scene *scene)
{
	const int fd = call("prov-b", SERVER, CLIENT);
	char byte;

	answer(scene, fd);
	/* Until the client has read it and gone. */
	MUST(recv(fd, &byte, 1, 0) == 0);
}

ACT(crossed)
{
	EXPECT(hide());
	put_exchange_files(scene);
	actor(scene, 0, call_and_answer);
	done(scene, 0);
	blocked(scene, 0);
	actor(scene, 1, call_and_ask);
	done(scene, 1);
	blocked(scene, 1);
	EXPECT(show("b", SERVER));
	EXPECT(show("a", CLIENT));
	finish(scene, 1);
	finish(scene, 0);
	hide_no_more();
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

CASE(udp, "network", "UDP between network namespaces, through a third one, over veth devices",
     "packet_leaves, packet_queued", "send, deliver, recv: data")

ACT(udp)
{
	act_veth(scene, serve_udp, request_udp, SERVER, 7202);
}

CHECK(udp)
{
	expect_exchange(scene, graph);
}

/* The server's ports, by others of the router. */
static bool translate(void)
{
	make_namespaces();
	return !system("ip netns exec prov-r nft -f - << END\n"
		       "table ip prov {\n"
		       "	chain in {\n"
		       "		type nat hook prerouting priority dstnat;\n"
		       "		tcp dport 7301 dnat to " SERVER ":7201\n"
		       "		udp dport 7302 dnat to " SERVER ":7202\n"
		       "	}\n"
		       "	chain out {\n"
		       "		type nat hook postrouting priority srcnat;\n"
		       "		oifname b masquerade random\n"
		       "	}\n"
		       "}\n"
		       "END\n");
}

static void translate_no_more(void)
{
	EXPECT(!system("ip netns exec prov-r nft delete table ip prov"));
}

CASE(nat_tcp, "network", "TCP between network namespaces, to another address and port (NAT)",
     "packet_crosses, socket_sock_rcv_skb", "send, deliver, recv: data")

ACT(nat_tcp)
{
	if (!translate()) {
		flow_skip("nft cannot translate addresses");
		return;
	}
	act_veth(scene, serve_tcp, request_tcp, ROUTER, 7301);
	translate_no_more();
}

CHECK(nat_tcp)
{
	expect_exchange(scene, graph);
}

CASE(nat_udp, "network", "UDP between network namespaces, to another address and port (NAT)",
     "packet_leaves, packet_queued", "send, deliver, recv: data")

ACT(nat_udp)
{
	if (!translate()) {
		flow_skip("nft cannot translate addresses");
		return;
	}
	act_veth(scene, serve_udp, request_udp, ROUTER, 7302);
	translate_no_more();
}

CHECK(nat_udp)
{
	expect_exchange(scene, graph);
}

CASE(tap, "network", "a packet socket at the other end of a veth device",
     "packet_crosses, packet_queued",
     "sender's socket to packet socket: deliver, data; also of TCP; not the other way")

static void tap_router(struct scene *scene)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
	};
	char buffer[256];
	int fd;

	enter("prov-r");
	address.sll_ifindex = if_nametoindex("a");
	fd = socket(AF_PACKET, SOCK_DGRAM, 0);
	MUST(fd >= 0 && !bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	told();
	await();
	while (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
		;
	put_file(in(scene, "tapped"), "x");
}

ACT(tap)
{
	make_namespaces();
	actor(scene, 2, tap_router);
	done(scene, 2);
	act_veth(scene, serve_tcp, request_tcp, SERVER, 7201);
	go(scene, 2);
	finish(scene, 2);
}

CHECK(tap)
{
	const int end = graph_to(graph, process(scene, graph, 1, 0), "send");
	const int packet = graph_from(graph, process(scene, graph, 2, 0), "recv");

	expect_exchange(scene, graph);
	EXPECT_EDGES(end, packet, "deliver", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "tapped"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "tapped"));
	EXPECT_NOT_REACHES(process(scene, graph, 2, 0), process(scene, graph, 1, 0));
}

/*
 * TUN: the actor at the device is role 0, a process with a socket role 1.
 */

#define TUN_PEER	"10.9.3.2"

static int open_tun(const char *name)
{
	const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	char command[128];

	strcpy(request.ifr_name, name);
	MUST(fd >= 0 && !ioctl(fd, TUNSETIFF, &request));
	snprintf(command, sizeof(command), "ip address add 10.9.3.1/24 dev %s && ip link set %s up",
		 name, name);
	MUST(!system(command));
	return fd;
}

struct datagram {
	struct iphdr ip;
	struct udphdr udp;
	char text[4];
};

static unsigned short checksum(const void *bytes, size_t count)
{
	const unsigned short *words = bytes;
	unsigned int sum = 0;

	for (size_t i = 0; i < count / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

static void read_datagram(int fd, int port)
{
	struct datagram datagram;

	/* The machine also looks for IPv6 routers. */
	do {
		MUST(read(fd, &datagram, sizeof(datagram)) > 0);
	} while (datagram.ip.version != 4 || datagram.ip.protocol != IPPROTO_UDP ||
		 datagram.udp.dest != htons(port));
}

static void write_datagram(int fd, int port)
{
	struct datagram datagram = {
		.ip = {
			.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
			.tot_len = htons(sizeof(datagram)),
			.saddr = inet_addr(TUN_PEER), .daddr = inet_addr("10.9.3.1"),
		},
		.udp = {
			.source = htons(7001), .dest = htons(port),
			.len = htons(sizeof(datagram) - sizeof(struct iphdr)),
		},
	};

	datagram.ip.check = checksum(&datagram.ip, sizeof(datagram.ip));
	MUST(write(fd, &datagram, sizeof(datagram)) == sizeof(datagram));
}

CASE(tun_read, "network", "a UDP socket sends into a TUN device; one that is not read from",
     "tun_opened, tun_queued, file_read",
     "socket to tun: deliver; tun to process: read; data; the device's name")

static void read_tun(struct scene *scene)
{
	const int fd = open_tun("prov-tun0");

	told();
	read_datagram(fd, 7401);
	put_file(in(scene, "to"), "x");
	told();
	await();
}

static void send_to_tun(struct scene *scene)
{
	const int fd = connected(SOCK_DGRAM, TUN_PEER, 7401);

	take_file(in(scene, "from"));
	MUST(send(fd, "x", 1, 0) == 1);
	take_file(in(scene, "late"));
}

ACT(tun_read)
{
	put_exchange_files(scene);
	actor(scene, 0, read_tun);
	done(scene, 0);
	run(scene, 1, send_to_tun);
	done(scene, 0);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(tun_read)
{
	const int reader = process(scene, graph, 0, 0), sender = process(scene, graph, 1, 0);
	const int end = graph_to(graph, sender, "send"), tun = graph_to(graph, end, "deliver");

	EXPECT(!strcmp(graph_string(graph, tun, "kind"), "tun"));
	EXPECT(!strcmp(graph_string(graph, tun, "name"), "tun:prov-tun0:tx"), "%s",
	       graph_string(graph, tun, "name"));
	EXPECT_EDGES(end, tun, "deliver", "data", 1);
	/* It can also have read what the kernel sent itself. */
	EXPECT_EDGE(tun, reader, "read", "data");
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), reader);
	EXPECT_NOT_REACHES(reader, sender);
}

CASE(tun_write, "network", "a datagram written to a TUN device, received by a UDP socket",
     "file_written, tun_written, packet_queued",
     "process to device: write; device to socket: deliver; data; nothing is read from there")

static void write_tun(struct scene *scene)
{
	const int fd = open_tun("prov-tun1");

	scene->fd[0] = fd;
	told();
	await();
	take_file(in(scene, "from"));
	write_datagram(fd, 7402);
	told();
	await();
	take_file(in(scene, "late"));
}

static void receive_from_tun(struct scene *scene)
{
	const int fd = bound(SOCK_DGRAM, "10.9.3.1", 7402);
	char text[4];

	told();
	MUST(recv(fd, text, sizeof(text), 0) == sizeof(text));
	put_file(in(scene, "to"), "x");
	told();
	await();
}

ACT(tun_write)
{
	put_exchange_files(scene);
	actor(scene, 0, write_tun);
	done(scene, 0);
	actor(scene, 1, receive_from_tun);
	done(scene, 1);
	step(scene, 0);
	done(scene, 1);
	go(scene, 1);
	finish(scene, 1);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(tun_write)
{
	const int writer = process(scene, graph, 0, 0), receiver = process(scene, graph, 1, 0);
	const int end = graph_from(graph, receiver, "recv");
	const int device = graph_from(graph, end, "deliver");

	EXPECT(!strcmp(graph_string(graph, device, "kind"), "chardev"));
	EXPECT(!strcmp(graph_string(graph, device, "name"), "tun:prov-tun1:rx"), "%s",
	       graph_string(graph, device, "name"));
	EXPECT_EDGES(writer, device, "write", "data", 1);
	EXPECT_EDGES(device, end, "deliver", "data", 1);
	EXPECT_NO_DATA(device, writer);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), receiver);
	EXPECT_NOT_REACHES(receiver, writer);
}

CASE(tun_apart, "network", "one process reads from a TUN device, its child writes to it",
     "tun_queued, tun_written", "what is read does not come from what is written")

static void read_apart(struct scene *scene)
{
	const int fd = open_tun("prov-tun2");
	const pid_t child = fork();

	MUST(child >= 0);
	if (!child) {
		take_file(in(scene, "answer"));
		write_datagram(fd, 7403);
		_exit(0);
	}
	pause_ms(200);
	told();
	read_datagram(fd, 7401);
	put_file(in(scene, "to"), "x");
}

ACT(tun_apart)
{
	put_exchange_files(scene);
	actor(scene, 0, read_apart);
	done(scene, 0);
	run(scene, 1, send_to_tun);
	finish(scene, 0);
}

CHECK(tun_apart)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "answer"),
		       graph_to(graph, process(scene, graph, 0, 0), "fork"));
	EXPECT_NOT_REACHES(file(scene, graph, "answer"), file(scene, graph, "to"));
}
