// SPDX-License-Identifier: GPL-2.0
/* The NFS server of the kernel, and clients in user space (libnfs) */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow.h"

/* One thread, so that all requests are handled by the same one. */
#define START								\
	"set -e; exec > /dev/null 2>&1\n"				\
	"mount -t nfsd nfsd /proc/fs/nfsd\n"				\
	"rpcbind\n"							\
	"exportfs -i -o rw,no_root_squash,insecure,no_subtree_check,fsid=7 127.0.0.1:%s\n" \
	"rpc.mountd\n"							\
	"rpc.nfsd --no-nfs-version 4 1\n"
#define STOP								\
	"exec > /dev/null 2>&1\n"					\
	"rpc.nfsd 0\n"							\
	"exportfs -u 127.0.0.1:%s\n"					\
	"pkill -x rpc.mountd\n"						\
	"pkill -x rpcbind\n"						\
	"umount /proc/fs/nfsd\n"

static void start(struct scene *scene)
{
	char command[512];

	EXPECT(!mkdir(in(scene, "export"), 0777));
	EXPECT(!chmod(in(scene, "export"), 0777));
	snprintf(command, sizeof(command), START, in(scene, "export"));
	EXPECT(!system(command), "the server did not start");
}

static void stop(struct scene *scene)
{
	char command[512];

	snprintf(command, sizeof(command), STOP, in(scene, "export"));
	EXPECT(system(command) >= 0);
}

/* What is in the exported directory, as the clients call it. */
static const char *url(const struct scene *scene, const char *name)
{
	static char text[256];

	snprintf(text, sizeof(text), "nfs://127.0.0.1%s/%s", in(scene, "export"), name);
	return text;
}

static void copy_secret_there(struct scene *scene)
{
	execlp("nfs-cp", "nfs-cp", in(scene, "secret"), url(scene, "file"), NULL);
}

static void copy_other_there(struct scene *scene)
{
	execlp("nfs-cp", "nfs-cp", in(scene, "other"), url(scene, "file2"), NULL);
}

static void copy_from_there(struct scene *scene)
{
	execlp("nfs-cp", "nfs-cp", url(scene, "file"), in(scene, "copy"), NULL);
}

static void take_and_put(struct scene *scene)
{
	take_file(in(scene, "export/file"));
	put_file(in(scene, "copy"), "x");
}

static void learn_and_put(struct scene *scene)
{
	take_file(in(scene, "secret"));
	put_file(in(scene, "export/file"), "x");
}

CASE(written, "through the kernel", "nfsd: a client copies a file to the server, where it is read",
     "service_begins, service_ended, socket_received, file_written",
     "client to socket to socket to nfsd: recv, data; nfsd to file: write, data; the answer goes back")

ACT(written)
{
	put_file(in(scene, "secret"), "s");
	start(scene);
	run(scene, 0, copy_secret_there);
	run(scene, 1, take_and_put);
	stop(scene);
}

CHECK(written)
{
	const int written = file(scene, graph, "export/file");
	const int server = graph_from(graph, written, "write");
	const int from = graph_from(graph, server, "recv");

	EXPECT(!strcmp(graph_string(graph, server, "kind"), "process"));
	EXPECT(!strcmp(graph_string(graph, server, "comm"), "nfsd"));
	EXPECT(!strcmp(graph_string(graph, from, "kind"), "socket"));
	EXPECT_EDGES(server, written, "write", "data", 1);
	EXPECT_EDGE(server, from, "send", "data");
	EXPECT_EDGE(process(scene, graph, 0, 1), graph_peer(graph, from), "send", "data");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
}

CASE(read, "through the kernel", "nfsd: a client copies a file of the server",
     "service_begins, file_read, socket_sent",
     "file to nfsd: read, data; nfsd to socket to socket to client")

ACT(read)
{
	put_file(in(scene, "secret"), "s");
	start(scene);
	run(scene, 0, learn_and_put);
	run(scene, 1, copy_from_there);
	stop(scene);
}

CHECK(read)
{
	const int given = file(scene, graph, "export/file");
	const int server = graph_to(graph, given, "read");

	EXPECT(!strcmp(graph_string(graph, server, "comm"), "nfsd"));
	EXPECT_EDGES(given, server, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
}

CASE(apart, "through the kernel", "nfsd: one client reads what another has not written",
     "service_begins, service_ended",
     "nothing from what the first got to what the second writes, by the same thread")

ACT(apart)
{
	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "other"), "o");
	start(scene);
	run(scene, 0, learn_and_put);
	run(scene, 1, copy_from_there);
	run(scene, 2, copy_other_there);
	stop(scene);
}

CHECK(apart)
{
	const int first = graph_to(graph, file(scene, graph, "export/file"), "read");
	const int second = graph_from(graph, file(scene, graph, "export/file2"), "write");

	EXPECT(first != second);
	EXPECT(graph_integer(graph, first, "pid") == graph_integer(graph, second, "pid"));
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "export/file2"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "export/file2"));
}

CASE(link, "through the kernel", "nfsd: a client follows a symbolic link of the server",
     "service_begins, link_read", "who made the link reaches the client: readlink, data")

static void learn_and_link(struct scene *scene)
{
	take_file(in(scene, "secret"));
	MUST(!symlink("file", in(scene, "export/link")));
}

static void copy_link_from_there(struct scene *scene)
{
	execlp("nfs-cp", "nfs-cp", url(scene, "link"), in(scene, "copy"), NULL);
}

ACT(link)
{
	put_file(in(scene, "secret"), "s");
	start(scene);
	put_file(in(scene, "export/file"), "x");
	run(scene, 0, learn_and_link);
	run(scene, 1, copy_link_from_there);
	stop(scene);
}

CHECK(link)
{
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
}

CASE(control, "through the kernel", "one process sets the number of nfsd's threads, another asks",
     "file_read, file_written", "write and read, data")

static void learn_and_set(struct scene *scene)
{
	take_file(in(scene, "secret"));
	put_file("/proc/fs/nfsd/threads", "2\n");
}

static void ask(struct scene *scene)
{
	const int fd = open("/proc/fs/nfsd/threads", O_RDONLY | O_CLOEXEC);
	char text[16];

	MUST(fd >= 0 && read(fd, text, sizeof(text)) == 2 && *text == '2');
	put_file(in(scene, "copy"), "x");
}

ACT(control)
{
	put_file(in(scene, "secret"), "s");
	start(scene);
	run(scene, 0, learn_and_set);
	run(scene, 1, ask);
	stop(scene);
}

CHECK(control)
{
	EXPECT_EDGES(graph_to(graph, process(scene, graph, 0, 0), "write"),
		     process(scene, graph, 1, 0), "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
}
