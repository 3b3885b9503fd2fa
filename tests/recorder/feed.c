// SPDX-License-Identifier: GPL-2.0
/*
 * feed: stand in for the kernel and write sub-buffers into FIFOs
 *
 *   feed DIR CPUS SUBBUFS BYTES PAUSE_US
 *
 * Makes DIR/cpu0 … and writes SUBBUFS sub-buffers of at most BYTES into each.
 * What is in them can be checked from the log alone (logcheck): the n-th edge
 * that a CPU records has the to_version n, and edges name nodes that the CPU
 * described long before.  SIGUSR1 ends it early.  Prints "edges N" for each CPU
 * at the end, and then keeps the FIFOs open until it is killed.
 *
 * With BYTES at most PIPE_BUF a FIFO always holds whole sub-buffers, so that
 * the reader can be killed at any time; with more, it gets them in pieces.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <linux/provenance.h>

#define NODES		3000	/* of a CPU; edges name any of them */
#define LOST_EVERY	50	/* sub-buffers, each time one record */

struct cpu {
	int fd;
	uint32_t cpu;
	uint64_t seq, edges, lost;
	unsigned int nodes;
	uint32_t random;
	_Alignas(8) char buffer[PROV_SUBBUF_BYTES];
	size_t used;
};

static uint8_t boot_id[16];
static volatile sig_atomic_t enough;

static void on_enough(int signal)
{
	(void)signal;
	enough = 1;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static uint32_t next_random(struct cpu *cpu)
{
	cpu->random ^= cpu->random << 13;
	cpu->random ^= cpu->random >> 17;
	cpu->random ^= cpu->random << 5;
	return cpu->random;
}

static uint64_t node_id(const struct cpu *cpu, unsigned int node)
{
	return (uint64_t)(cpu->cpu + 1) << 32 | (node + 1);
}

static void *put(struct cpu *cpu, uint8_t type, uint8_t sub, size_t bytes)
{
	struct prov_record *const rec = (void *)(cpu->buffer + cpu->used);

	memset(rec, 0, bytes);
	rec->type = type;
	rec->sub = sub;
	rec->bytes = htole16(bytes);
	cpu->used += bytes;
	return rec;
}

static void put_node(struct cpu *cpu)
{
	const uint64_t id = node_id(cpu, cpu->nodes);
	struct prov_inode_attr_record *attr;
	struct prov_text_record *text;
	struct prov_node_record *node;
	char path[64];
	size_t bytes;

	node = put(cpu, PROV_R_NODE, cpu->nodes ? PROV_K_FILE : PROV_K_PROCESS, sizeof(*node));
	node->id = htole64(id);
	bytes = snprintf(path, sizeof(path), "/data/cpu%" PRIu32 "/file%u", cpu->cpu, cpu->nodes);
	text = put(cpu, PROV_R_TEXT, cpu->nodes ? PROV_T_OPEN : PROV_T_EXE,
		   sizeof(*text) + ((bytes + 7) & ~7ul));
	text->id = htole64(id);
	text->total_bytes = htole32(bytes);
	memcpy(text->text, path, bytes);
	attr = put(cpu, PROV_R_INODE_ATTR, 0, sizeof(*attr));
	attr->id = htole64(id);
	cpu->nodes++;
}

static void put_edge(struct cpu *cpu)
{
	struct prov_edge_record *const edge =
		put(cpu, PROV_R_EDGE_DATA, PROV_OP_WRITE, sizeof(*edge));

	edge->from = htole64(node_id(cpu, 0));
	edge->to = htole64(node_id(cpu, next_random(cpu) % cpu->nodes));
	edge->to_version = htole32(cpu->edges++);
}

static void write_all(struct cpu *cpu)
{
	size_t done = 0;

	while (done < cpu->used) {
		const ssize_t n = write(cpu->fd, cpu->buffer + done, cpu->used - done);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd wait = { .fd = cpu->fd, .events = POLLOUT };

			poll(&wait, 1, 100);
			continue;
		}
		if (n < 0) {
			perror("feed: write");
			exit(1);
		}
		done += n;
	}
}

static void write_subbuf(struct cpu *cpu, size_t most)
{
	const uint64_t now_ns = clock_ns(CLOCK_BOOTTIME);
	const uint64_t lost = cpu->seq % LOST_EVERY == LOST_EVERY - 1;
	struct prov_subbuf_header *const header = (void *)cpu->buffer;

	cpu->used = sizeof(*header);
	cpu->lost += lost;
	while (cpu->used + 256 <= most) {
		if (cpu->nodes < NODES && (!cpu->nodes || next_random(cpu) % 4 == 0))
			put_node(cpu);
		else
			put_edge(cpu);
	}
	*header = (struct prov_subbuf_header) {
		.magic = htole32(PROV_MAGIC),
		.format = htole16(PROV_FORMAT_VERSION),
		.header_bytes = htole16(sizeof(*header)),
		.cpu = htole32(cpu->cpu),
		.used_bytes = htole32(cpu->used),
		.seq = htole64(cpu->seq++),
		.first_ns = htole64(now_ns),
		.last_ns = htole64(clock_ns(CLOCK_BOOTTIME)),
		.wall_offset_ns = htole64(clock_ns(CLOCK_REALTIME) - now_ns),
		.lost = htole64(lost),
		.lost_total = htole64(cpu->lost),
	};
	memcpy(header->boot_id, boot_id, sizeof(boot_id));
	write_all(cpu);
}

static void read_boot_id(void)
{
	FILE *const file = fopen("/proc/sys/kernel/random/boot_id", "re");
	char text[64];
	int digits = 0;

	if (!file || !fgets(text, sizeof(text), file))
		exit(1);
	fclose(file);
	for (const char *at = text; *at && digits < 32; at++) {
		unsigned int value;

		if (sscanf((char[]){ *at, 0 }, "%x", &value) != 1)
			continue;
		boot_id[digits / 2] = boot_id[digits / 2] << 4 | value;
		digits++;
	}
}

int main(int argc, char **argv)
{
	unsigned int cpus, subbufs, pause_us;
	struct cpu *all;
	size_t most;

	if (argc != 6) {
		fputs("Usage: feed DIR CPUS SUBBUFS BYTES PAUSE_US\n", stderr);
		return 64;
	}
	cpus = atoi(argv[2]);
	subbufs = atoi(argv[3]);
	most = atoi(argv[4]);
	pause_us = atoi(argv[5]);
	signal(SIGUSR1, on_enough);
	read_boot_id();
	all = calloc(cpus, sizeof(*all));
	for (unsigned int i = 0; i < cpus; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/cpu%u", argv[1], i);
		if (mkfifo(path, 0600) && errno != EEXIST) {
			perror(path);
			return 1;
		}
		all[i].cpu = i;
		all[i].random = 12345 + i;
		all[i].fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (all[i].fd < 0) {
			perror(path);
			return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	for (unsigned int n = 0; n < subbufs && !enough; n++) {
		for (unsigned int i = 0; i < cpus; i++)
			write_subbuf(&all[i], most);
		if (pause_us)
			usleep(pause_us);
	}
	for (unsigned int i = 0; i < cpus; i++)
		printf("edges %" PRIu64 "\n", all[i].edges);
	puts("done");
	fflush(stdout);
	pause();
	return 0;
}
