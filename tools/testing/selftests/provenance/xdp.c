// SPDX-License-Identifier: GPL-2.0
/* AF_XDP: packets that a program gives to a process, and that a process makes, in its memory */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "flow.h"
#include "netns.h"

#define SENDER		"10.9.8.1"
#define RECEIVER	"10.9.8.2"
#define PORT		7701
#define MARK		"a packet of the selftest"

#define ENTRIES		8
#define FRAME		2048
#define BYTES		(2 * ENTRIES * FRAME)

/* Neither end learns the address of the other one by a packet. */
static void make_namespaces(void)
{
	static bool made;

	if (made)
		return;
	made = true;
	EXPECT(!system("set -e\n"
		       "ip netns add prov-v\n"
		       "ip netns add prov-w\n"
		       "ip -n prov-v link add eth0 type veth peer name eth0 netns prov-w\n"
		       "ip -n prov-v link set eth0 address 02:00:00:00:01:01\n"
		       "ip -n prov-w link set eth0 address 02:00:00:00:01:02\n"
		       "ip -n prov-v address add " SENDER "/24 dev eth0\n"
		       "ip -n prov-w address add " RECEIVER "/24 dev eth0\n"
		       "ip -n prov-v link set eth0 up\n"
		       "ip -n prov-w link set eth0 up\n"
		       "ip -n prov-v neigh replace " RECEIVER
		       " lladdr 02:00:00:00:01:02 dev eth0 nud permanent\n"));
}

/**
 * struct ring - a ring of an AF_XDP socket, as mapped
 * @producer: count of entries that were put in
 * @consumer: count of those that were taken out
 * @entries: the entries
 */
struct ring {
	uint32_t *producer;
	uint32_t *consumer;
	void *entries;
};

/**
 * struct xsk - an AF_XDP socket
 * @fd: its descriptor
 * @memory: what packets are in
 * @fill: frames of it for packets that come in
 * @rx: packets that came in
 * @tx: packets that are to go out
 */
struct xsk {
	int fd;
	char *memory;
	struct ring fill;
	struct ring rx;
	struct ring tx;
};

static void map_ring(struct ring *ring, int fd, const struct xdp_ring_offset *offset,
		     size_t entry_bytes, off_t which)
{
	char *const map = mmap(NULL, offset->desc + ENTRIES * entry_bytes,
			       PROT_READ | PROT_WRITE, MAP_SHARED, fd, which);

	MUST(map != MAP_FAILED);
	ring->producer = (uint32_t *)(map + offset->producer);
	ring->consumer = (uint32_t *)(map + offset->consumer);
	ring->entries = map + offset->desc;
}

static void must_set(int fd, int option, const void *value, socklen_t bytes)
{
	MUST(!setsockopt(fd, SOL_XDP, option, value, bytes));
}

static void xsk_open(struct xsk *xsk)
{
	struct sockaddr_xdp address = { .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY };
	struct xdp_umem_reg umem = { .len = BYTES, .chunk_size = FRAME };
	const uint32_t entries = ENTRIES;
	struct xdp_mmap_offsets offsets;
	socklen_t bytes = sizeof(offsets);

	xsk->fd = socket(AF_XDP, SOCK_RAW, 0);
	xsk->memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(xsk->fd >= 0 && xsk->memory != MAP_FAILED);
	umem.addr = (uintptr_t)xsk->memory;
	must_set(xsk->fd, XDP_UMEM_REG, &umem, sizeof(umem));
	must_set(xsk->fd, XDP_UMEM_FILL_RING, &entries, sizeof(entries));
	must_set(xsk->fd, XDP_UMEM_COMPLETION_RING, &entries, sizeof(entries));
	must_set(xsk->fd, XDP_RX_RING, &entries, sizeof(entries));
	must_set(xsk->fd, XDP_TX_RING, &entries, sizeof(entries));
	MUST(!getsockopt(xsk->fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &bytes));
	map_ring(&xsk->fill, xsk->fd, &offsets.fr, sizeof(uint64_t), XDP_UMEM_PGOFF_FILL_RING);
	map_ring(&xsk->rx, xsk->fd, &offsets.rx, sizeof(struct xdp_desc), XDP_PGOFF_RX_RING);
	map_ring(&xsk->tx, xsk->fd, &offsets.tx, sizeof(struct xdp_desc), XDP_PGOFF_TX_RING);
	address.sxdp_ifindex = if_nametoindex("eth0");
	MUST(!bind(xsk->fd, (const struct sockaddr *)&address, sizeof(address)));
}

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* Let the program of the device give all that comes in to the socket. */
static void redirect_to(int fd)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_insn code[6];
	uint32_t key = 0, value = fd;
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_XSKMAP, .key_size = 4, .value_size = 4,
				.max_entries = 1 };
	int map, prog;

	map = bpf(BPF_MAP_CREATE, &attr);
	MUST(map >= 0);
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = map;
	attr.key = (uintptr_t)&key;
	attr.value = (uintptr_t)&value;
	MUST(!bpf(BPF_MAP_UPDATE_ELEM, &attr));
	memcpy(code, insns, sizeof(code));
	code[0].imm = map;
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_XDP;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = 6;
	attr.license = (uintptr_t)"GPL";
	prog = bpf(BPF_PROG_LOAD, &attr);
	MUST(prog >= 0);
	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = prog;
	attr.link_create.target_ifindex = if_nametoindex("eth0");
	attr.link_create.attach_type = BPF_XDP;
	attr.link_create.flags = XDP_FLAGS_SKB_MODE;
	MUST(bpf(BPF_LINK_CREATE, &attr) >= 0);
}

static void fill(struct xsk *xsk)
{
	for (int i = 0; i < ENTRIES; i++)
		((uint64_t *)xsk->fill.entries)[i] = i * FRAME;
	__atomic_store_n(xsk->fill.producer, ENTRIES, __ATOMIC_RELEASE);
}

/* Until the packet is there: others, of the kernel, can come before. */
static void wait_for_packet(struct xsk *xsk)
{
	const struct xdp_desc *const packets = xsk->rx.entries;

	for (uint32_t at = 0; ; at++) {
		while (__atomic_load_n(xsk->rx.producer, __ATOMIC_ACQUIRE) == at)
			pause_ms(20);
		if (memmem(xsk->memory + packets[at % ENTRIES].addr, packets[at % ENTRIES].len,
			   MARK, strlen(MARK)))
			break;
		((uint64_t *)xsk->fill.entries)[at % ENTRIES] = packets[at % ENTRIES].addr;
		__atomic_store_n(xsk->rx.consumer, at + 1, __ATOMIC_RELEASE);
		__atomic_store_n(xsk->fill.producer, ENTRIES + at + 1, __ATOMIC_RELEASE);
	}
}

static void receive_packet(struct scene *scene)
{
	struct xsk xsk;

	enter("prov-w");
	xsk_open(&xsk);
	fill(&xsk);
	redirect_to(xsk.fd);
	put_file(in(scene, "before"), "x");
	told();
	wait_for_packet(&xsk);
	put_file(in(scene, "to"), "x");
	told();
	await();
}

static int udp_socket(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(RECEIVER),
		.sin_port = htons(PORT),
	};
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(fd >= 0 && !connect(fd, (const struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static void send_datagram(struct scene *scene)
{
	int fd;

	enter("prov-v");
	fd = udp_socket();
	take_file(in(scene, "from"));
	MUST(send(fd, MARK, sizeof(MARK), 0) == sizeof(MARK));
	take_file(in(scene, "late"));
}

static void put_files(struct scene *scene)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
}

CASE(receive, "network", "AF_XDP: a packet that comes into the memory of a process", "packet_queued",
     "socket of the sender to that of the receiver: deliver; and to who maps it: mmap; data")

ACT(receive)
{
	make_namespaces();
	put_files(scene);
	actor(scene, 0, receive_packet);
	done(scene, 0);
	run(scene, 1, send_datagram);
	done(scene, 0);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(receive)
{
	const int receiver = process(scene, graph, 0, 0), sender = process(scene, graph, 1, 0);
	const int end = graph_to(graph, sender, "send");

	EXPECT_EDGE(end, graph_to(graph, end, "deliver"), "deliver", "data");
	EXPECT_EDGE(graph_to(graph, end, "deliver"), receiver, "mmap", "data");
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "before"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), receiver);
}

CASE(send, "network", "AF_XDP: a packet that a process makes in its memory", "packet_leaves",
     "process to socket: mmap_write; to the socket of the receiver: deliver; data")

static uint16_t checksum(const void *data, size_t bytes)
{
	const uint16_t *words = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < bytes / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

static size_t make_packet(char *at)
{
	static const unsigned char ends[2 * ETH_ALEN] = { 2, 0, 0, 0, 1, 2, 2, 0, 0, 0, 1, 1 };
	const uint16_t protocol = htons(ETH_P_IP);
	const struct udphdr udp = {
		.source = htons(PORT), .dest = htons(PORT),
		.len = htons(sizeof(udp) + sizeof(MARK)),
	};
	struct iphdr ip = {
		.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
		.tot_len = htons(sizeof(ip) + sizeof(udp) + sizeof(MARK)),
		.saddr = inet_addr(SENDER), .daddr = inet_addr(RECEIVER),
	};

	ip.check = checksum(&ip, sizeof(ip));
	memcpy(at, ends, sizeof(ends));
	memcpy(at + sizeof(ends), &protocol, sizeof(protocol));
	memcpy(at + ETH_HLEN, &ip, sizeof(ip));
	memcpy(at + ETH_HLEN + sizeof(ip), &udp, sizeof(udp));
	memcpy(at + ETH_HLEN + sizeof(ip) + sizeof(udp), MARK, sizeof(MARK));
	return ETH_HLEN + sizeof(ip) + sizeof(udp) + sizeof(MARK);
}

static void send_packet(struct scene *scene)
{
	struct xdp_desc *packet;
	struct xsk xsk;

	enter("prov-v");
	xsk_open(&xsk);
	take_file(in(scene, "from"));
	packet = xsk.tx.entries;
	packet->addr = 0;
	packet->len = make_packet(xsk.memory);
	__atomic_store_n(xsk.tx.producer, 1, __ATOMIC_RELEASE);
	MUST(sendto(xsk.fd, NULL, 0, MSG_DONTWAIT, NULL, 0) == 0);
	take_file(in(scene, "late"));
}

static void receive_datagram(struct scene *scene)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	char text[64];
	int fd;

	enter("prov-w");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(fd >= 0 && !bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	told();
	MUST(recv(fd, text, sizeof(text), 0) == sizeof(MARK));
	put_file(in(scene, "to"), "x");
}

ACT(send)
{
	make_namespaces();
	put_files(scene);
	actor(scene, 0, receive_datagram);
	done(scene, 0);
	run(scene, 1, send_packet);
	finish(scene, 0);
	EXPECT(!system("ip netns del prov-v; ip netns del prov-w"));
}

CHECK(send)
{
	const int receiver = process(scene, graph, 0, 0), sender = process(scene, graph, 1, 0);
	const int end = graph_from(graph, receiver, "recv");

	EXPECT_EDGE(graph_from(graph, end, "deliver"), end, "deliver", "data");
	EXPECT_EDGE(sender, graph_from(graph, end, "deliver"), "mmap_write", "data");
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), receiver);
}
