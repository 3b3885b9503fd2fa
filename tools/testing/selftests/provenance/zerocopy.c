// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that refer to the memory of who sent them
 *
 * Something keeps a packet from going on: a window that is full, a neighbour that is
 * not known yet, a receiver that takes its time.  What the sender reads into the same
 * memory meanwhile is what the receiver gets, which is looked at.  What the sender reads
 * after it was told that the kernel is done with the memory is not.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow.h"
#include "netns.h"
#include "uring.h"

#define PAGE		4096
#define FLOWS		"zerocopy_begins, zerocopy_done, socket_sent, socket_received"
#define EDGES		"process to socket: send, and mmap_write when it has learnt more; deliver, recv"

#define SENDER		"10.9.9.1"
#define RECEIVER	"10.9.9.2"
#define RECEIVER_MAC	"02:00:00:00:00:02"
#define KNOW_RECEIVER	"ip -n prov-y neigh replace " RECEIVER " lladdr " RECEIVER_MAC	\
			" dev eth0 nud permanent\n"

/* Who talks to whom, and how much: a case sets it before it forks them. */
static struct {
	int family;
	int type;
	int port;
	size_t bytes;
} talk;

static union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_vm vm;
} address;

static void talk_of(int family, int type, const char *host, int port, size_t bytes)
{
	talk.family = family;
	talk.type = type;
	talk.port = port;
	talk.bytes = bytes;
	memset(&address, 0, sizeof(address));
	address.any.sa_family = family;
	if (family == AF_VSOCK) {
		address.vm.svm_cid = VMADDR_CID_LOCAL;
		address.vm.svm_port = port;
	} else {
		address.in.sin_addr.s_addr = inet_addr(host);
		address.in.sin_port = htons(port);
	}
}

static socklen_t address_bytes(void)
{
	return talk.family == AF_VSOCK ? sizeof(address.vm) : sizeof(address.in);
}

static void must_set(int fd, int option, int value)
{
	MUST(!setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)));
}

/* The sending end. */

static char *new_memory(void)
{
	char *const memory = mmap(NULL, talk.bytes, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(memory != MAP_FAILED);
	memset(memory, 'x', talk.bytes);
	return memory;
}

static int connected(void)
{
	const int fd = socket(talk.family, talk.type, 0);

	MUST(fd >= 0);
	must_set(fd, SO_ZEROCOPY, 1);
	must_set(fd, SO_SNDBUFFORCE, 4 << 20);
	MUST(!connect(fd, &address.any, address_bytes()));
	return fd;
}

/* Where the last page begins that is sent. */
static size_t last_page(void)
{
	return (talk.bytes - 1) / PAGE * PAGE;
}

/* Read the file into what was sent. */
static void overwrite(struct scene *scene, char *memory)
{
	const int fd = open(in(scene, "secret"), O_RDONLY);

	MUST(fd >= 0 && read(fd, memory + last_page(), 1) == 1);
	close(fd);
}

/* Until the kernel says that it is done with the only send. */
static void wait_until_done(int fd)
{
	char control[128];
	struct msghdr message = { .msg_control = control, .msg_controllen = sizeof(control) };
	struct pollfd poll_fd = { .fd = fd };

	MUST(poll(&poll_fd, 1, 60000) == 1 && poll_fd.revents & POLLERR);
	MUST(recvmsg(fd, &message, MSG_ERRQUEUE) == 0);
}

static void send_late(struct scene *scene, int fd)
{
	MUST(send(fd, "x", 1, 0) == 1);
	take_file(in(scene, "late"));
	told();
	await();
}

static void send_memory(struct scene *scene)
{
	char *const memory = new_memory();
	const int fd = connected();

	take_file(in(scene, "from"));
	MUST(send(fd, memory, talk.bytes, MSG_ZEROCOPY) == (ssize_t)talk.bytes);
	overwrite(scene, memory);
	told();
	await();
	wait_until_done(fd);
	send_late(scene, fd);
}

static void send_and_exit(struct scene *scene)
{
	char *const memory = new_memory();
	const int fd = connected();

	MUST(send(fd, memory, talk.bytes, MSG_ZEROCOPY) == (ssize_t)talk.bytes);
	overwrite(scene, memory);
}

static void send_by_ring(struct scene *scene)
{
	char *const memory = new_memory();
	const int fd = connected();
	struct ring ring;

	take_file(in(scene, "from"));
	ring_open(&ring, 0);
	ring_sqe(&ring, IORING_OP_SEND_ZC, fd, memory, talk.bytes, 0);
	MUST(ring_go(&ring) == (int)talk.bytes);
	overwrite(scene, memory);
	told();
	await();
	MUST(ring_take(&ring, NULL) == 0);
	send_late(scene, fd);
}

/* The receiving end. */

static int listening(void)
{
	const int fd = socket(talk.family, talk.type, 0);

	MUST(fd >= 0);
	must_set(fd, SO_REUSEADDR, 1);
	/* So that little is copied before it is asked for. */
	if (talk.type == SOCK_STREAM && talk.family == AF_INET)
		must_set(fd, SO_RCVBUF, PAGE);
	MUST(!bind(fd, &address.any, address_bytes()));
	if (talk.type == SOCK_STREAM)
		MUST(!listen(fd, 1));
	return fd;
}

static void receive_memory(struct scene *scene)
{
	char *const memory = new_memory();
	size_t got = 0;
	ssize_t ret;
	int fd = listening();

	told();
	await();
	if (talk.type == SOCK_STREAM)
		fd = accept(fd, NULL, NULL);
	for (; got < talk.bytes; got += ret) {
		ret = recv(fd, memory + got, talk.bytes - got, 0);
		MUST(ret > 0);
	}
	/* It was in the memory after it was sent. */
	MUST(memory[last_page()] == 's');
	put_file(in(scene, "to"), "x");
	told();
	await();
	MUST(recv(fd, memory, 1, 0) == 1);
	put_file(in(scene, "after"), "x");
}

static void put_files(struct scene *scene)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "late"), "l");
}

static void act_memory(struct scene *scene, actor_fn sends)
{
	put_files(scene);
	actor(scene, 0, receive_memory);
	done(scene, 0);
	actor(scene, 1, sends);
	done(scene, 1);
	step(scene, 0);
	step(scene, 1);
	go(scene, 0);
	finish(scene, 0);
	go(scene, 1);
	finish(scene, 1);
}

static void check_memory(struct scene *scene, struct graph *graph)
{
	const int receiver = process(scene, graph, 0, 0), sender = process(scene, graph, 1, 0);
	const int end = graph_to(graph, sender, "send");

	EXPECT_EDGE(sender, end, "mmap_write", "data");
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
	EXPECT_REACHES(sender, file(scene, graph, "after"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), receiver);
	EXPECT_NOT_REACHES(file(scene, graph, "late"), end);
}

CASE(stream, "network", "TCP: memory changes after MSG_ZEROCOPY, while the window is full", FLOWS,
     EDGES)

ACT(stream)
{
	talk_of(AF_INET, SOCK_STREAM, "127.0.0.1", 7601, 64 * PAGE);
	act_memory(scene, send_memory);
}

CHECK(stream)
{
	check_memory(scene, graph);
}

CASE(ring, "network", "TCP: memory changes after SEND_ZC of io_uring, while the window is full",
     FLOWS, EDGES)

ACT(ring)
{
	talk_of(AF_INET, SOCK_STREAM, "127.0.0.1", 7602, 64 * PAGE);
	act_memory(scene, send_by_ring);
}

CHECK(ring)
{
	check_memory(scene, graph);
}

CASE(exit, "network", "TCP: memory changes after MSG_ZEROCOPY, and the sender exits", FLOWS, EDGES)

static void receive_and_exit(struct scene *scene)
{
	char *const memory = new_memory();
	const int listens = listening();
	int fd;

	told();
	await();
	fd = accept(listens, NULL, NULL);
	MUST(fd >= 0 && recv(fd, memory, talk.bytes, MSG_WAITALL) == (ssize_t)talk.bytes);
	MUST(memory[last_page()] == 's');
	put_file(in(scene, "to"), "x");
}

ACT(exit)
{
	talk_of(AF_INET, SOCK_STREAM, "127.0.0.1", 7603, 64 * PAGE);
	put_files(scene);
	actor(scene, 0, receive_and_exit);
	done(scene, 0);
	run(scene, 1, send_and_exit);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(exit)
{
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
}

CASE(vsock, "network", "vsock: memory changes after MSG_ZEROCOPY, while it is in the queue",
     FLOWS ", packet_queued", EDGES)

ACT(vsock)
{
	talk_of(AF_VSOCK, SOCK_STREAM, NULL, 7604, 4 * PAGE);
	act_memory(scene, send_memory);
}

CHECK(vsock)
{
	check_memory(scene, graph);
}

CASE(datagram, "network", "UDP: memory changes after MSG_ZEROCOPY, for an unknown neighbour",
     FLOWS ", packet_leaves, packet_queued", EDGES)

static void receive_datagram(struct scene *scene)
{
	enter("prov-z");
	receive_memory(scene);
}

static void send_datagram(struct scene *scene)
{
	enter("prov-y");
	send_memory(scene);
}

/* By @hold a packet gets stuck that is sent from prov-y to prov-z, until @release. */
static void act_held(struct scene *scene, int port, const char *hold, const char *release)
{
	talk_of(AF_INET, SOCK_DGRAM, RECEIVER, port, 1000);
	put_files(scene);
	EXPECT(!system("set -e\n"
		       "ip netns add prov-y\n"
		       "ip netns add prov-z\n"
		       "ip -n prov-y link add eth0 type veth peer name eth0 netns prov-z\n"
		       "ip -n prov-z link set eth0 address " RECEIVER_MAC "\n"
		       "ip -n prov-y address add " SENDER "/24 dev eth0\n"
		       "ip -n prov-z address add " RECEIVER "/24 dev eth0\n"
		       "ip -n prov-y link set eth0 up\n"
		       "ip -n prov-z link set eth0 up\n"));
	EXPECT(!system(hold));
	actor(scene, 0, receive_datagram);
	done(scene, 0);
	actor(scene, 1, send_datagram);
	done(scene, 1);
	EXPECT(!system(release));
	step(scene, 0);
	step(scene, 1);
	go(scene, 0);
	finish(scene, 0);
	go(scene, 1);
	finish(scene, 1);
	EXPECT(!system("ip netns del prov-y; ip netns del prov-z"));
}

ACT(datagram)
{
	act_held(scene, 7605,
		 "ip -n prov-z link set eth0 arp off\n"
		 "ip netns exec prov-y sysctl -qw net.ipv4.neigh.eth0.mcast_solicit=90\n",
		 KNOW_RECEIVER);
}

CHECK(datagram)
{
	check_memory(scene, graph);
}

CASE(queued, "network", "UDP: memory changes after MSG_ZEROCOPY, in the queue of a device",
     FLOWS ", zerocopy_copied, packet_leaves, packet_queued",
     EDGES "; the packet comes from what was in the memory when it was copied")

ACT(queued)
{
	act_held(scene, 7607,
		 KNOW_RECEIVER
		 "tc -n prov-y qdisc add dev eth0 root handle 1: plug limit 100000\n",
		 "tc -n prov-y qdisc change dev eth0 root handle 1: plug release_indefinite\n");
}

CHECK(queued)
{
	check_memory(scene, graph);
}

CASE(of_other, "network", "TCP: SEND_ZC from a buffer that another process has registered", FLOWS,
     "the owner of the buffer to the socket: mmap_write, data")

static void send_for_child(struct scene *scene)
{
	char *const memory = new_memory();
	const struct iovec buffer = { memory, talk.bytes };
	const int fd = connected();
	struct ring ring;
	int status;
	pid_t pid;

	ring_open(&ring, 0);
	ring_register(&ring, IORING_REGISTER_BUFFERS, &buffer, 1);
	overwrite(scene, memory);
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		struct io_uring_sqe *const sqe =
			ring_sqe(&ring, IORING_OP_SEND_ZC, fd, memory, talk.bytes, 0);

		sqe->ioprio = IORING_RECVSEND_FIXED_BUF;
		MUST(ring_go(&ring) == (int)talk.bytes);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid && !status);
}

ACT(of_other)
{
	talk_of(AF_INET, SOCK_STREAM, "127.0.0.1", 7606, 64 * PAGE);
	put_files(scene);
	actor(scene, 0, receive_and_exit);
	done(scene, 0);
	run(scene, 1, send_for_child);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(of_other)
{
	const int end = graph_to(graph, process(scene, graph, 1, 0), "connect");

	EXPECT_EDGE(process(scene, graph, 1, 0), end, "mmap_write", "data");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
}

CASE(children, "network", "TCP: children send from memory to a socket that another send keeps, and exit",
     FLOWS, "nothing of them is kept when they are gone")

#define CHILDREN	1500

static long kept_processes(void)
{
	FILE *const file = fopen("/proc/slabinfo", "r");
	char line[512];
	long active = -1;

	MUST(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "prov_process %ld", &active);
	fclose(file);
	MUST(active >= 0);
	return active;
}

static void send_from_children(struct scene *scene __attribute__((unused)))
{
	const int fd = connected();
	char *const memory = new_memory();
	long before;

	MUST(send(fd, memory, talk.bytes, MSG_ZEROCOPY) > 0);
	/* What is sent from now on is copied, whatever is said of it. */
	must_set(fd, SO_ZEROCOPY, 0);
	before = kept_processes();
	for (int i = 0; i < CHILDREN; i++) {
		const pid_t pid = fork();
		int status;

		MUST(pid >= 0);
		if (!pid)
			_exit(send(fd, "x", 1, MSG_ZEROCOPY | MSG_DONTWAIT) != 1);
		MUST(waitpid(pid, &status, 0) == pid);
		/* There is no more room. */
		if (status)
			break;
	}
	/* They go when RCU lets them. */
	for (int i = 0; i < 100 && kept_processes() - before > CHILDREN / 4; i++)
		pause_ms(100);
	MUST(kept_processes() - before <= CHILDREN / 4);
}

static void only_listen(struct scene *scene __attribute__((unused)))
{
	listening();
	told();
	await();
}

ACT(children)
{
	if (!system("zcat /proc/config.gz 2> /dev/null | grep -qx CONFIG_KASAN=y")) {
		flow_skip("KASAN keeps what was freed");
		return;
	}
	talk_of(AF_INET, SOCK_STREAM, "127.0.0.1", 7631, 64 * PAGE);
	actor(scene, 0, only_listen);
	done(scene, 0);
	run(scene, 1, send_from_children);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(children)
{
	const int sender = process(scene, graph, 1, 0);

	EXPECT_EDGE(sender, graph_to(graph, sender, "send"), "send", "data");
}
