/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two processes with a socket each: one asks (role 1), the other one answers (role 0)
 *
 *	"from" --> client --> server --> "to"
 *	"answered" <-- client <-- server <-- "answer"
 *
 * After all was sent the client reads "late", which must come to nobody else.
 */
#ifndef SELFTEST_EXCHANGE_H
#define SELFTEST_EXCHANGE_H

#include <sys/socket.h>

#include "flow.h"

static inline void put_exchange_files(struct scene *scene)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "answer"), "a");
	put_file(in(scene, "late"), "l");
}

/** ask - the client, through a connected socket */
static inline void ask(struct scene *scene, int fd)
{
	char byte;

	take_file(in(scene, "from"));
	MUST(send(fd, "x", 1, 0) == 1);
	MUST(recv(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "answered"), "x");
	take_file(in(scene, "late"));
}

/** answer - the server, to where the request came from if @fd is not connected */
static inline void answer(struct scene *scene, int fd)
{
	struct sockaddr_storage from;
	struct sockaddr *const to = (struct sockaddr *)&from;
	socklen_t bytes = sizeof(from);
	char byte;

	MUST(recvfrom(fd, &byte, 1, 0, to, &bytes) == 1);
	put_file(in(scene, "to"), "x");
	take_file(in(scene, "answer"));
	MUST(sendto(fd, "x", 1, 0, bytes ? to : NULL, bytes) == 1);
}

/** accept_and_answer - the server, from where it listens to where it has answered */
static inline void accept_and_answer(struct scene *scene, int listening)
{
	int fd;

	told();
	fd = accept(listening, NULL, NULL);
	MUST(fd >= 0);
	answer(scene, fd);
}

/** expect_exchange - what flowed from end to end, and that nothing else did */
static inline void expect_exchange(const struct scene *scene, const struct graph *graph)
{
	const int server = process(scene, graph, 0, 0), client = process(scene, graph, 1, 0);
	const int server_end = graph_to(graph, server, "send");
	const int end = graph_to(graph, client, "send");

	EXPECT_EDGES(client, end, "send", "data", 1);
	EXPECT_EDGES(end, server_end, "deliver", "data", 1);
	EXPECT_EDGES(server_end, server, "recv", "data", 1);
	EXPECT_EDGES(server, server_end, "send", "data", 1);
	EXPECT_EDGES(server_end, end, "deliver", "data", 1);
	EXPECT_EDGES(end, client, "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "answer"), file(scene, graph, "answered"));
	EXPECT_NOT_REACHES(file(scene, graph, "answer"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), server);
}

/** expect_one_way - role 1 sent to role 0, and role 2 got nothing */
static inline void expect_one_way(const struct scene *scene, const struct graph *graph)
{
	const int sender = process(scene, graph, 1, 0), receiver = process(scene, graph, 0, 0);
	const int end = graph_to(graph, sender, "send");
	const int other = graph_from(graph, receiver, "recv");

	EXPECT_EDGES(sender, end, "send", "data", 1);
	EXPECT_EDGES(end, other, "deliver", "data", 1);
	EXPECT_EDGES(other, receiver, "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "nothing"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), receiver);
	EXPECT_NOT_REACHES(receiver, sender);
}

#endif /* SELFTEST_EXCHANGE_H */
