// SPDX-License-Identifier: GPL-2.0
/* Ciphers behind sockets: AF_ALG, and TLS in the kernel */
#include <arpa/inet.h>
#include <linux/if_alg.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "exchange.h"

#define BYTES	64

CASE(hash, "network", "AF_ALG: one process gives data to be hashed, another gets the result",
     "socket_sent, socket_received", "process to socket: send; socket to the other: recv; data")

static void give_data(struct scene *scene)
{
	take_file(in(scene, "from"));
	MUST(send(scene->fd[0], "x", 1, MSG_MORE) == 1);
	take_file(in(scene, "late"));
}

static void get_hash(struct scene *scene)
{
	char hash[32];

	MUST(recv(scene->fd[0], hash, sizeof(hash), 0) == sizeof(hash));
	put_file(in(scene, "to"), "x");
}

static bool open_algorithm(struct scene *scene, const char *type, const char *name)
{
	struct sockaddr_alg address = { .salg_family = AF_ALG };
	const int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);

	strcpy((char *)address.salg_type, type);
	strcpy((char *)address.salg_name, name);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address))) {
		flow_skip("AF_ALG does not have it");
		return false;
	}
	scene->fd[1] = fd;
	put_exchange_files(scene);
	return true;
}

static bool open_hash(struct scene *scene)
{
	if (!open_algorithm(scene, "hash", "sha256"))
		return false;
	scene->fd[0] = accept(scene->fd[1], NULL, NULL);
	return true;
}

ACT(hash)
{
	if (!open_hash(scene))
		return;
	run(scene, 0, give_data);
	run(scene, 1, get_hash);
}

CHECK(hash)
{
	const int node = graph_to(graph, process(scene, graph, 0, 0), "send");

	EXPECT_EDGES(node, process(scene, graph, 1, 0), "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
}

CASE(hash_cut, "network", "AF_ALG: a result whose end cannot be copied (EFAULT)",
     "socket_received", "socket to process: recv; data")

static void get_beginning(struct scene *scene)
{
	char hash[16] = "";
	const struct iovec io[2] = { { hash, sizeof(hash) }, { (void *)8, sizeof(hash) } };

	MUST(readv(scene->fd[0], io, 2) < 0 && errno == EFAULT);
	/* Of "x", SHA-256 begins so. */
	MUST(!memcmp(hash, "\x2d\x71\x16\x42", 4));
	put_file(in(scene, "to"), "x");
}

ACT(hash_cut)
{
	if (!open_hash(scene))
		return;
	run(scene, 0, give_data);
	run(scene, 1, get_beginning);
}

CHECK(hash_cut)
{
	const int node = graph_to(graph, process(scene, graph, 0, 0), "send");

	EXPECT_EDGES(node, process(scene, graph, 1, 0), "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
}

CASE(hash_goes_on, "network",
     "AF_ALG: a hash that is begun goes on in a socket that accept() gives",
     "socket_accepted", "deliver, data, socket to socket")

static void end_hash(struct scene *scene)
{
	const int fd = accept(scene->fd[0], NULL, NULL);
	char hash[32];

	MUST(fd >= 0 && recv(fd, hash, sizeof(hash), 0) == sizeof(hash));
	put_file(in(scene, "to"), "x");
}

ACT(hash_goes_on)
{
	if (!open_hash(scene))
		return;
	run(scene, 0, give_data);
	run(scene, 1, end_hash);
}

CHECK(hash_goes_on)
{
	const int from = graph_to(graph, process(scene, graph, 0, 0), "send");
	const int to = graph_from(graph, process(scene, graph, 1, 0), "recv");

	EXPECT_EDGES(from, to, "deliver", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
}

/* What is only authenticated is copied before the cipher looks at anything. */
static void give_authenticated(struct scene *scene)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int)) * 2 +
			   CMSG_SPACE(sizeof(struct af_alg_iv) + 16)];
	} control = {};
	char data[BYTES];
	struct iovec io = { memset(data, 'x', BYTES), BYTES };
	struct msghdr message = {
		.msg_iov = &io, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *part = CMSG_FIRSTHDR(&message);

	*part = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_ALG, ALG_SET_OP };
	*(int *)CMSG_DATA(part) = ALG_OP_ENCRYPT;
	part = CMSG_NXTHDR(&message, part);
	*part = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_ALG, ALG_SET_AEAD_ASSOCLEN };
	*(int *)CMSG_DATA(part) = BYTES / 2;
	part = CMSG_NXTHDR(&message, part);
	/* CCM wants the length of its counter in the first byte, which is never 1. */
	*part = (struct cmsghdr){
		CMSG_LEN(sizeof(struct af_alg_iv) + 16), SOL_ALG, ALG_SET_IV
	};
	((struct af_alg_iv *)CMSG_DATA(part))->ivlen = 16;
	take_file(in(scene, "from"));
	MUST(sendmsg(scene->fd[0], &message, 0) == BYTES);
	take_file(in(scene, "late"));
}

static void fail_to_encrypt(struct scene *scene)
{
	char bytes[2 * BYTES] = "";

	MUST(recv(scene->fd[0], bytes, sizeof(bytes), 0) < 0 && errno == EINVAL);
	MUST(bytes[0] == 'x' && bytes[BYTES / 2 - 1] == 'x');
	put_file(in(scene, "to"), "x");
}

CASE(aead_cut, "outcome",
     "AF_ALG: a message with data that is only authenticated, and an IV that is not valid",
     "socket_sent, socket_received", "socket to process: recv; data")

ACT(aead_cut)
{
	if (!open_algorithm(scene, "aead", "ccm(aes)"))
		return;
	EXPECT(!setsockopt(scene->fd[1], SOL_ALG, ALG_SET_KEY, "0123456789abcdef", 16));
	EXPECT(!setsockopt(scene->fd[1], SOL_ALG, ALG_SET_AEAD_AUTHSIZE, NULL, 16));
	scene->fd[0] = accept(scene->fd[1], NULL, NULL);
	run(scene, 0, give_authenticated);
	run(scene, 1, fail_to_encrypt);
}

CHECK(aead_cut)
{
	const int node = graph_to(graph, process(scene, graph, 0, 0), "send");

	EXPECT_EDGES(node, process(scene, graph, 1, 0), "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
}

/* Two ends of a connection over loopback, which encrypt one way. */
static bool open_tls(struct scene *scene, bool same_key)
{
	struct tls12_crypto_info_aes_gcm_128 info = {
		.info = { TLS_1_3_VERSION, TLS_CIPHER_AES_GCM_128 }, .key = "key",
	};
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);
	const int on = 1;

	scene->fd[2] = socket(AF_INET, SOCK_STREAM, 0);
	scene->fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(!bind(scene->fd[2], (struct sockaddr *)&address, length));
	EXPECT(!listen(scene->fd[2], 1));
	EXPECT(!getsockname(scene->fd[2], (struct sockaddr *)&address, &length));
	EXPECT(!connect(scene->fd[0], (struct sockaddr *)&address, length));
	scene->fd[1] = accept(scene->fd[2], NULL, NULL);
	EXPECT(scene->fd[1] > 0);
	put_exchange_files(scene);
	if (setsockopt(scene->fd[0], SOL_TCP, TCP_ULP, "tls", 4)) {
		flow_skip("no TLS in the kernel");
		return false;
	}
	EXPECT(!setsockopt(scene->fd[1], SOL_TCP, TCP_ULP, "tls", 4));
	EXPECT(!setsockopt(scene->fd[0], SOL_TLS, TLS_TX, &info, sizeof(info)));
	if (!same_key)
		info.key[0]++;
	EXPECT(!setsockopt(scene->fd[1], SOL_TLS, TLS_RX, &info, sizeof(info)));
	/* It decrypts right into the receiver's memory. */
	EXPECT(!setsockopt(scene->fd[1], SOL_TLS, TLS_RX_EXPECT_NO_PAD, &on, sizeof(on)));
	return true;
}

static void send_record(struct scene *scene, unsigned char type)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(1)];
	} control = { .header = { CMSG_LEN(1), SOL_TLS, TLS_SET_RECORD_TYPE } };
	char data[BYTES];
	struct iovec io = { memset(data, 'x', BYTES), BYTES };
	const struct msghdr message = {
		.msg_iov = &io, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	*CMSG_DATA(&control.header) = type;
	take_file(in(scene, "from"));
	MUST(sendmsg(scene->fd[0], &message, 0) == BYTES);
	take_file(in(scene, "late"));
}

#define RECORD_HANDSHAKE	22
#define RECORD_DATA		23

static void send_handshake(struct scene *scene)
{
	send_record(scene, RECORD_HANDSHAKE);
}

static void send_data(struct scene *scene)
{
	send_record(scene, RECORD_DATA);
}

static void expect_tls(const struct scene *scene, const struct graph *graph)
{
	const int receiver = process(scene, graph, 1, 0);
	const int end = graph_from(graph, receiver, "recv");

	EXPECT_EDGES(end, receiver, "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), receiver);
}

static void receive_data(struct scene *scene)
{
	char bytes[2 * BYTES] = "";

	MUST(recv(scene->fd[1], bytes, sizeof(bytes), 0) == BYTES && bytes[0] == 'x');
	put_file(in(scene, "to"), "x");
}

CASE(tls, "network", "TLS in the kernel: a record of data", "socket_sent, socket_received",
     "deliver, recv, data")

ACT(tls)
{
	if (!open_tls(scene, true))
		return;
	run(scene, 0, send_data);
	run(scene, 1, receive_data);
}

CHECK(tls)
{
	expect_tls(scene, graph);
}

/* Who does not ask for the type of the record is not to get it, but it is there. */
static void fail_to_receive(struct scene *scene)
{
	char bytes[2 * BYTES] = "";

	MUST(recv(scene->fd[1], bytes, sizeof(bytes), 0) < 0 && errno == EIO);
	MUST(bytes[0] == 'x' && bytes[BYTES - 1] == 'x');
	put_file(in(scene, "to"), "x");
}

CASE(tls_control, "outcome",
     "TLS in the kernel: a record that is none of data, for who does not ask of what type (EIO)",
     "socket_received", "recv, data")

ACT(tls_control)
{
	if (!open_tls(scene, true))
		return;
	run(scene, 0, send_handshake);
	run(scene, 1, fail_to_receive);
}

CHECK(tls_control)
{
	expect_tls(scene, graph);
}

static void receive_forged(struct scene *scene)
{
	char bytes[2 * BYTES] = "";
	static const char nothing[BYTES];

	MUST(recv(scene->fd[1], bytes, sizeof(bytes), 0) < 0 && errno == EBADMSG);
	MUST(memcmp(bytes, nothing, BYTES));
	put_file(in(scene, "to"), "x");
}

CASE(tls_forged, "outcome", "TLS in the kernel: a record with another key (EBADMSG)",
     "socket_received", "recv, data")

ACT(tls_forged)
{
	if (!open_tls(scene, false))
		return;
	run(scene, 0, send_data);
	run(scene, 1, receive_forged);
}

CHECK(tls_forged)
{
	expect_tls(scene, graph);
}
