// SPDX-License-Identifier: GPL-2.0
/* Netlink: with the kernel, and between processes */
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exchange.h"

#define NETLINK_FLOWS "netlink_send, netlink_queued, socket_sent, socket_received"

static int netlink_socket(int protocol, unsigned int port, unsigned int groups)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups,
	};
	const int fd = socket(AF_NETLINK, SOCK_RAW, protocol);

	MUST(fd >= 0);
	MUST(!bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	return fd;
}

/* A message that means nothing to the kernel. */
static ssize_t send_to(int fd, unsigned int port, unsigned int groups)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups,
	};
	const struct nlmsghdr message = {
		.nlmsg_len = sizeof(message), .nlmsg_type = NLMSG_NOOP,
	};

	return sendto(fd, &message, sizeof(message), 0, (const struct sockaddr *)&address,
		      sizeof(address));
}

static void get_message(int fd)
{
	char buffer[8192];

	MUST(recv(fd, buffer, sizeof(buffer), 0) > 0);
}

CASE(kernel, "network", "netlink: two processes ask the kernel for the network devices",
     NETLINK_FLOWS, "process to socket: send; socket to process: recv; nothing between the two")

static void ask_kernel(struct scene *scene)
{
	const struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {
		.header = {
			.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
	};
	const int fd = netlink_socket(NETLINK_ROUTE, 0, 0);

	(void)scene;
	MUST(send(fd, &request, sizeof(request), 0) == sizeof(request));
	get_message(fd);
}

ACT(kernel)
{
	run(scene, 0, ask_kernel);
	run(scene, 1, ask_kernel);
}

CHECK(kernel)
{
	const int first = process(scene, graph, 0, 0), second = process(scene, graph, 1, 0);
	const int node = graph_to(graph, first, "send");

	EXPECT_EDGES(first, node, "send", "data", 1);
	EXPECT_EDGES(node, first, "recv", "data", 1);
	EXPECT_EDGES(first, node, "bind", "control", 1);
	EXPECT_NO_EDGE(node, ANY, "deliver");
	EXPECT_NO_EDGE(ANY, node, "deliver");
	EXPECT_NOT_REACHES(first, second);
}

/* Who waits at a port of NETLINK_USERSOCK, or of another protocol. */
static int protocol = NETLINK_USERSOCK;

static void wait_at(struct scene *scene, unsigned int port, unsigned int groups, const char *to)
{
	const int fd = netlink_socket(protocol, port, groups);

	told();
	get_message(fd);
	put_file(in(scene, to), "x");
	told();
	/* Until the sender has learnt more. */
	await();
}

static void wait_at_100(struct scene *scene)
{
	wait_at(scene, 100, 0, "to");
}

static void wait_in_vain(struct scene *scene)
{
	const int fd = netlink_socket(protocol, 101, 0);
	char byte;

	told();
	await();
	MUST(recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	put_file(in(scene, "nothing"), "x");
}

static void send_to_100(struct scene *scene)
{
	const int fd = netlink_socket(protocol, 0, 0);

	take_file(in(scene, "from"));
	MUST(send_to(fd, 100, 0) > 0);
	told();
	await();
	take_file(in(scene, "late"));
	/* Nobody is there. */
	MUST(send_to(fd, 102, 0) < 0 && errno == ECONNREFUSED);
}

static void act_two(struct scene *scene)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	actor(scene, 0, wait_at_100);
	done(scene, 0);
	actor(scene, 2, wait_in_vain);
	done(scene, 2);
	actor(scene, 1, send_to_100);
	done(scene, 1);
	done(scene, 0);
	go(scene, 1);
	finish(scene, 1);
	go(scene, 0);
	finish(scene, 0);
	go(scene, 2);
	finish(scene, 2);
}

CASE(unicast, "network", "netlink: a message from one process to another; and one to nobody",
     NETLINK_FLOWS, "send, deliver, recv: data; nothing for who did not get it, or for ECONNREFUSED")

ACT(unicast)
{
	protocol = NETLINK_USERSOCK;
	act_two(scene);
}

CHECK(unicast)
{
	expect_one_way(scene, graph);
}

CASE(generic, "network", "generic netlink: a message from one process to another", NETLINK_FLOWS,
     "send, deliver, recv: data")

ACT(generic)
{
	protocol = NETLINK_GENERIC;
	act_two(scene);
}

CHECK(generic)
{
	expect_one_way(scene, graph);
}

CASE(multicast, "network", "netlink: a message to a group", NETLINK_FLOWS,
     "deliver to each socket in the group, and to no other")

static void wait_in_group(struct scene *scene)
{
	wait_at(scene, 0, 1, "to");
}

static void wait_in_group_too(struct scene *scene)
{
	wait_at(scene, 0, 3, "to-too");
}

static void wait_in_other_group(struct scene *scene)
{
	wait_at(scene, 0, 2, "to-other");
}

static void send_to_group(struct scene *scene)
{
	const int fd = netlink_socket(NETLINK_USERSOCK, 0, 0);

	take_file(in(scene, "from"));
	/* The kernel itself does not take it. */
	send_to(fd, 0, 1);
}

static void send_to_other_group(struct scene *scene)
{
	const int fd = netlink_socket(NETLINK_USERSOCK, 0, 0);

	send_to(fd, 0, 2);
	put_file(in(scene, "last"), "x");
}

ACT(multicast)
{
	protocol = NETLINK_USERSOCK;
	put_file(in(scene, "from"), "f");
	actor(scene, 0, wait_in_group);
	done(scene, 0);
	actor(scene, 1, wait_in_group_too);
	done(scene, 1);
	actor(scene, 2, wait_in_other_group);
	done(scene, 2);
	run(scene, 3, send_to_group);
	done(scene, 0);
	done(scene, 1);
	run(scene, 4, send_to_other_group);
	done(scene, 2);
	for (int i = 0; i < 3; i++) {
		go(scene, i);
		finish(scene, i);
	}
}

CHECK(multicast)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-too"));
	EXPECT_REACHES(process(scene, graph, 4, 0), file(scene, graph, "to-other"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-other"));
	EXPECT_NOT_REACHES(process(scene, graph, 4, 0), file(scene, graph, "to"));
}

CASE(notified, "network", "rtnetlink: a process makes a device, others are told its name",
     NETLINK_FLOWS, "socket of the request to the sockets that are told: deliver, data")

static void make_device(struct scene *scene)
{
	take_file(in(scene, "from"));
	MUST(!system("ip link add prov-told type dummy"));
}

static void wait_for_device(struct scene *scene)
{
	protocol = NETLINK_ROUTE;
	wait_at(scene, 0, RTMGRP_LINK, "to");
}

static void wait_for_nothing(struct scene *scene)
{
	const int fd = netlink_socket(NETLINK_ROUTE, 0, RTMGRP_TC);
	char byte;

	told();
	await();
	MUST(recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	put_file(in(scene, "nothing"), "x");
}

ACT(notified)
{
	put_file(in(scene, "from"), "f");
	actor(scene, 0, wait_for_device);
	done(scene, 0);
	actor(scene, 2, wait_for_nothing);
	done(scene, 2);
	run(scene, 1, make_device);
	done(scene, 0);
	go(scene, 0);
	finish(scene, 0);
	go(scene, 2);
	finish(scene, 2);
	EXPECT(!system("ip link del prov-told"));
}

CHECK(notified)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "nothing"));
	EXPECT_NOT_REACHES(process(scene, graph, 0, 0), process(scene, graph, 1, 0));
}
