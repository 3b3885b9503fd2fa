// SPDX-License-Identifier: GPL-2.0
/* VM sockets, both ends on this machine */
#include <sys/socket.h>
#include <linux/vm_sockets.h>
#include <unistd.h>

#include "exchange.h"

#define VSOCK_FLOWS "socket_bound, socket_listening, socket_connected, socket_accepted, "	\
		    "packet_queued, socket_sent, socket_received"

static struct {
	int type;
	unsigned int port;
} vsock;

static int vsock_socket(void)
{
	return socket(AF_VSOCK, vsock.type, 0);
}

static struct sockaddr_vm vsock_address(void)
{
	return (struct sockaddr_vm){
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL, .svm_port = vsock.port,
	};
}

static void serve(struct scene *scene)
{
	const struct sockaddr_vm address = vsock_address();
	const int listening = vsock_socket();

	MUST(listening >= 0);
	MUST(!bind(listening, (const struct sockaddr *)&address, sizeof(address)));
	MUST(!listen(listening, 1));
	accept_and_answer(scene, listening);
	told();
	await();
}

static void request(struct scene *scene)
{
	const struct sockaddr_vm address = vsock_address();
	const int fd = vsock_socket();

	MUST(fd >= 0 && !connect(fd, (const struct sockaddr *)&address, sizeof(address)));
	ask(scene, fd);
}

static void act_vsock(struct scene *scene, int type, unsigned int port)
{
	vsock.type = type;
	vsock.port = port;
	put_exchange_files(scene);
	actor(scene, 0, serve);
	done(scene, 0);
	run(scene, 1, request);
	done(scene, 0);
	go(scene, 0);
	finish(scene, 0);
}

static void check_vsock(struct scene *scene, struct graph *graph)
{
	const int server = process(scene, graph, 0, 0), client = process(scene, graph, 1, 0);
	const int server_end = graph_to(graph, server, "send");
	const int end = graph_to(graph, client, "send");
	const int listening = graph_to(graph, server, "listen");

	EXPECT_EDGES(client, end, "connect", "control", 1);
	EXPECT_EDGES(listening, server_end, "accept", "control", 1);
	/* Connecting is no data. */
	EXPECT_NO_DATA(end, listening);
	expect_exchange(scene, graph);
}

CASE(stream, "network", "vsock: a stream between two processes, both ways", VSOCK_FLOWS,
     "bind, listen, connect, accept: control; send, deliver, recv: data")

ACT(stream)
{
	act_vsock(scene, SOCK_STREAM, 7001);
}

CHECK(stream)
{
	check_vsock(scene, graph);
}

CASE(seqpacket, "network", "vsock: packets between two processes, both ways", VSOCK_FLOWS,
     "as for a stream")

ACT(seqpacket)
{
	act_vsock(scene, SOCK_SEQPACKET, 7002);
}

CHECK(seqpacket)
{
	check_vsock(scene, graph);
}
