// SPDX-License-Identifier: GPL-2.0
/* What repeats is recorded a bounded number of times */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow.h"

#define ROUNDS	100

/* Edges between two nodes, or all at one, are at most so many, and at least one. */
static void expect_few(const struct graph *graph, int from, int to, const char *op, int most)
{
	const int count = graph_count(graph, from, to, op, NULL);

	EXPECT(count >= 1 && count <= most, "%d %s edges, at most %d expected", count, op, most);
}

CASE(read_loop, "bounds", "a file read byte by byte, a hundred times", "file_read", "one edge")

static void read_often(struct scene *scene)
{
	const int fd = open(in(scene, "file"), O_RDONLY);
	char byte;

	for (int i = 0; i < ROUNDS; i++)
		MUST(pread(fd, &byte, 1, 0) == 1);
}

ACT(read_loop)
{
	put_file(in(scene, "file"), "x");
	run(scene, 0, read_often);
}

CHECK(read_loop)
{
	EXPECT_EDGES(file(scene, graph, "file"), process(scene, graph, 0, 0), "read", "data", 1);
}

CASE(open_loop, "bounds", "a file opened, read and closed a hundred times", "file_post_open",
     "one open, one read, one path")

static void open_often(struct scene *scene)
{
	for (int i = 0; i < ROUNDS; i++)
		take_file(in(scene, "file"));
}

ACT(open_loop)
{
	put_file(in(scene, "file"), "x");
	run(scene, 0, open_often);
}

CHECK(open_loop)
{
	const int node = file(scene, graph, "file");

	EXPECT_EDGES(node, process(scene, graph, 0, 0), "open", "meta", 1);
	EXPECT_EDGES(node, process(scene, graph, 0, 0), "read", "data", 1);
	EXPECT(graph_path_events(graph, node) == 1, "%d names", graph_path_events(graph, node));
}

CASE(two_files, "bounds", "two files read in turn, through two descriptors", "file_read",
     "one edge each")

static void read_in_turn(struct scene *scene)
{
	const int a = open(in(scene, "a"), O_RDONLY), b = open(in(scene, "b"), O_RDONLY);
	char byte;

	for (int i = 0; i < ROUNDS; i++)
		MUST(pread(a, &byte, 1, 0) == 1 && pread(b, &byte, 1, 0) == 1);
}

ACT(two_files)
{
	put_file(in(scene, "a"), "x");
	put_file(in(scene, "b"), "x");
	run(scene, 0, read_in_turn);
}

CHECK(two_files)
{
	EXPECT_EDGES(file(scene, graph, "a"), process(scene, graph, 0, 0), "read", "data", 1);
	EXPECT_EDGES(file(scene, graph, "b"), process(scene, graph, 0, 0), "read", "data", 1);
}

CASE(shared_descriptor, "bounds", "two processes that write in turn through one descriptor",
     "file_written", "a few edges each")

static void write_in_turn(struct scene *scene)
{
	for (int i = 0; i < ROUNDS; i++) {
		await();
		MUST(write(scene->fd[0], "x", 1) == 1);
		told();
	}
}

ACT(shared_descriptor)
{
	scene->fd[0] = open(in(scene, "file"), O_WRONLY | O_CREAT | O_APPEND, 0644);
	actor(scene, 0, write_in_turn);
	actor(scene, 1, write_in_turn);
	for (int i = 0; i < ROUNDS; i++) {
		step(scene, 0);
		step(scene, 1);
	}
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(shared_descriptor)
{
	expect_few(graph, process(scene, graph, 0, 0), file(scene, graph, "file"), "write", 2);
	expect_few(graph, process(scene, graph, 1, 0), file(scene, graph, "file"), "write", 2);
}

CASE(shared_reading, "bounds", "two processes that read in turn through one descriptor",
     "file_read", "a few edges each")

static void read_shared(struct scene *scene)
{
	char byte;

	for (int i = 0; i < ROUNDS; i++) {
		await();
		MUST(pread(scene->fd[0], &byte, 1, 0) == 1);
		told();
	}
}

ACT(shared_reading)
{
	put_file(in(scene, "file"), "x");
	scene->fd[0] = open(in(scene, "file"), O_RDONLY);
	actor(scene, 0, read_shared);
	actor(scene, 1, read_shared);
	for (int i = 0; i < ROUNDS; i++) {
		step(scene, 0);
		step(scene, 1);
	}
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(shared_reading)
{
	expect_few(graph, file(scene, graph, "file"), process(scene, graph, 0, 0), "read", 2);
	expect_few(graph, file(scene, graph, "file"), process(scene, graph, 1, 0), "read", 2);
}

CASE(shell_loop, "bounds", "a shell that appends to a log a hundred times", "file_written",
     "a few edges")

static void append_in_shell(struct scene *scene)
{
	MUST(!chdir(scene->dir));
	execl("/bin/sh", "sh", "-c",
	      "i=0; while [ $i -lt 100 ]; do echo $i >> log; i=$((i + 1)); done", NULL);
}

ACT(shell_loop)
{
	run(scene, 0, append_in_shell);
}

CHECK(shell_loop)
{
	const int shell = process(scene, graph, 0, 1), log = file(scene, graph, "log");

	expect_few(graph, shell, log, "write", 2);
	expect_few(graph, log, shell, "open", 2);
	expect_few(graph, shell, log, "create", 1);
	EXPECT(graph_path_events(graph, log) == 1, "%d names", graph_path_events(graph, log));
}

CASE(many_pairs, "bounds", "forty pairs of files, each opened and read in turn", "file_read",
     "a few edges a file")

#define PAIRS	40

static void read_pair(struct scene *scene, int number)
{
	char a[16], b[16];

	/* At many distances, for a memory that is a small table. */
	snprintf(a, sizeof(a), "a-%d", number);
	snprintf(b, sizeof(b), "b-%d", number * 7 % PAIRS);
	for (int i = 0; i < ROUNDS / 4; i++) {
		take_file(in(scene, a));
		take_file(in(scene, b));
	}
}

/* A process for each pair, with memory of its own. */
static void read_pairs(struct scene *scene)
{
	for (int i = 0; i < PAIRS; i++) {
		const pid_t pid = fork();

		MUST(pid >= 0);
		if (!pid) {
			read_pair(scene, i);
			_exit(0);
		}
		MUST(waitpid(pid, NULL, 0) == pid);
	}
}

ACT(many_pairs)
{
	char name[16];

	for (int i = 0; i < PAIRS; i++) {
		snprintf(name, sizeof(name), "a-%d", i);
		put_file(in(scene, name), "x");
		snprintf(name, sizeof(name), "b-%d", i);
		put_file(in(scene, name), "x");
	}
	run(scene, 0, read_pairs);
}

CHECK(many_pairs)
{
	char name[16];
	int worst_reads = 0, worst_opens = 0;

	for (int i = 0; i < 2 * PAIRS; i++) {
		int node, reads, opens;

		snprintf(name, sizeof(name), "%c-%d", i & 1 ? 'a' : 'b', i / 2);
		node = file(scene, graph, name);
		reads = graph_count(graph, node, ANY, "read", NULL);
		opens = graph_count(graph, node, ANY, "open", NULL);
		EXPECT(reads >= 1 && opens >= 1);
		worst_reads = reads > worst_reads ? reads : worst_reads;
		worst_opens = opens > worst_opens ? opens : worst_opens;
	}
	EXPECT(worst_reads <= 4, "%d reads of one file", worst_reads);
	EXPECT(worst_opens <= 4, "%d opens of one file", worst_opens);
}

CASE(three_names, "bounds", "a file opened by three names in turn", "file_post_open",
     "each name a few times")

static void open_by_names(struct scene *scene)
{
	static const char *const name[] = { "a", "b", "c" };

	for (int i = 0; i < ROUNDS; i++)
		take_file(in(scene, name[i % 3]));
}

ACT(three_names)
{
	put_file(in(scene, "a"), "x");
	EXPECT(!link(in(scene, "a"), in(scene, "b")));
	EXPECT(!link(in(scene, "a"), in(scene, "c")));
	run(scene, 0, open_by_names);
}

CHECK(three_names)
{
	EXPECT(graph_path_events(graph, file(scene, graph, "a")) <= 12, "%d names",
	       graph_path_events(graph, file(scene, graph, "a")));
}

CASE(map_loop, "bounds", "a file mapped and unmapped a hundred times", "mapping_added", "one edge")

static void map_often(struct scene *scene)
{
	const int fd = open(in(scene, "file"), O_RDWR);

	for (int i = 0; i < ROUNDS; i++) {
		void *const map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

		MUST(map != MAP_FAILED && !munmap(map, 4096));
	}
}

ACT(map_loop)
{
	put_file(in(scene, "file"), "x");
	run(scene, 0, map_often);
}

CHECK(map_loop)
{
	EXPECT_EDGES(file(scene, graph, "file"), process(scene, graph, 0, 0), "mmap", "data", 1);
}

CASE(stream_loop, "bounds", "a hundred messages from one process to another by a stream socket",
     "socket_sent, socket_received", "one edge a hop")

static void send_often(struct scene *scene)
{
	for (int i = 0; i < ROUNDS; i++) {
		await();
		MUST(send(scene->fd[0], "x", 1, 0) == 1);
		told();
	}
}

static void receive_often(struct scene *scene)
{
	char byte;

	for (int i = 0; i < ROUNDS; i++) {
		await();
		MUST(recv(scene->fd[1], &byte, 1, 0) == 1);
		told();
	}
}

static void act_messages(struct scene *scene, int type)
{
	EXPECT(!socketpair(AF_UNIX, type, 0, scene->fd));
	actor(scene, 0, send_often);
	actor(scene, 1, receive_often);
	for (int i = 0; i < ROUNDS; i++) {
		step(scene, 0);
		step(scene, 1);
	}
	finish(scene, 0);
	finish(scene, 1);
}

static void check_messages(struct scene *scene, struct graph *graph)
{
	const int sender = process(scene, graph, 0, 0), receiver = process(scene, graph, 1, 0);
	const int from = graph_to(graph, sender, "send"), to = graph_from(graph, receiver, "recv");

	expect_few(graph, sender, from, "send", 2);
	expect_few(graph, from, to, "deliver", 2);
	expect_few(graph, to, receiver, "recv", 2);
}

ACT(stream_loop)
{
	act_messages(scene, SOCK_STREAM);
}

CHECK(stream_loop)
{
	check_messages(scene, graph);
}

CASE(datagram_loop, "bounds", "a hundred datagrams from one process to another",
     "unix_may_send, socket_sent, socket_received", "a few edges a hop")

ACT(datagram_loop)
{
	act_messages(scene, SOCK_DGRAM);
}

CHECK(datagram_loop)
{
	check_messages(scene, graph);
}

CASE(udp_loop, "bounds", "a hundred UDP datagrams from one process to another",
     "socket_sock_rcv_skb", "a few edges a hop, and each address once")

static struct sockaddr_in udp_address(void)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(7051),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static void send_udp(struct scene *scene)
{
	const struct sockaddr_in address = udp_address();

	scene->fd[0] = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(!connect(scene->fd[0], (const struct sockaddr *)&address, sizeof(address)));
	send_often(scene);
}

static void receive_udp(struct scene *scene)
{
	const struct sockaddr_in address = udp_address();

	scene->fd[1] = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(!bind(scene->fd[1], (const struct sockaddr *)&address, sizeof(address)));
	told();
	receive_often(scene);
}

ACT(udp_loop)
{
	actor(scene, 1, receive_udp);
	done(scene, 1);
	actor(scene, 0, send_udp);
	for (int i = 0; i < ROUNDS; i++) {
		step(scene, 0);
		step(scene, 1);
	}
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(udp_loop)
{
	const int receiver = process(scene, graph, 1, 0), to = graph_from(graph, receiver, "recv");

	check_messages(scene, graph);
	EXPECT(!json_object_get(graph_node(graph, to), "remotes"), "more than one remote address");
}

CASE(two_receivers, "bounds", "a hundred datagrams to two receivers in turn", "unix_may_send",
     "a few edges a hop")

static struct sockaddr_un receiver_address(const struct scene *scene, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in(scene, name));
	return address;
}

static void receive_at(struct scene *scene, const char *name)
{
	const struct sockaddr_un address = receiver_address(scene, name);
	const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char byte;

	MUST(!bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	told();
	for (int i = 0; i < ROUNDS / 2; i++)
		MUST(recv(fd, &byte, 1, 0) == 1);
}

static void receive_at_a(struct scene *scene)
{
	receive_at(scene, "a");
}

static void receive_at_b(struct scene *scene)
{
	receive_at(scene, "b");
}

static void send_in_turn(struct scene *scene)
{
	const struct sockaddr_un a = receiver_address(scene, "a");
	const struct sockaddr_un b = receiver_address(scene, "b");
	const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	for (int i = 0; i < ROUNDS; i++)
		MUST(sendto(fd, "x", 1, 0, (const struct sockaddr *)(i & 1 ? &a : &b),
			    sizeof(a)) == 1);
}

ACT(two_receivers)
{
	actor(scene, 0, receive_at_a);
	done(scene, 0);
	actor(scene, 1, receive_at_b);
	done(scene, 1);
	run(scene, 2, send_in_turn);
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(two_receivers)
{
	const int sender = process(scene, graph, 2, 0), from = graph_to(graph, sender, "send");

	for (int role = 0; role < 2; role++) {
		const int receiver = process(scene, graph, role, 0);
		const int to = graph_from(graph, receiver, "recv");

		expect_few(graph, from, to, "deliver", 2);
		expect_few(graph, to, receiver, "recv", 2);
	}
	expect_few(graph, sender, from, "send", 2);
}

CASE(signals_in_turn, "bounds", "two processes that signal each other a hundred times",
     "signal_sent", "at most one edge a signal: each can be news")

#define SIG_TURN	(SIGRTMIN + 2)

static void block_turns(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIG_TURN);
	MUST(!sigprocmask(SIG_BLOCK, &set, NULL));
}

/* Return: who sent it. */
static pid_t take_turn(void)
{
	const struct timespec limit = { .tv_sec = STEP_SECONDS };
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIG_TURN);
	MUST(sigtimedwait(&set, &info, &limit) == SIG_TURN);
	return info.si_pid;
}

static void signal_back(struct scene *scene)
{
	(void)scene;
	block_turns();
	told();
	for (int i = 0; i < ROUNDS; i++)
		MUST(!kill(take_turn(), SIG_TURN));
}

static void signal_first(struct scene *scene)
{
	block_turns();
	for (int i = 0; i < ROUNDS; i++) {
		MUST(!kill(scene->pid[1], SIG_TURN));
		MUST(take_turn() == scene->pid[1]);
	}
}

ACT(signals_in_turn)
{
	actor(scene, 1, signal_back);
	done(scene, 1);
	run(scene, 0, signal_first);
	finish(scene, 1);
}

CHECK(signals_in_turn)
{
	const int one = process(scene, graph, 0, 0), two = process(scene, graph, 1, 0);

	expect_few(graph, one, two, "signal", ROUNDS);
	expect_few(graph, two, one, "signal", ROUNDS);
}
