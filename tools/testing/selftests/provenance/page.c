// SPDX-License-Identifier: GPL-2.0
/* Pages that pipes and sockets refer to: what is written to them later is read from there */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "copy.h"
#include "flow.h"

static void splice_in(struct scene *scene)
{
	MUST(splice(must_open(scene, "file", O_RDONLY), NULL, scene->fd[1], NULL, 2, 0) == 2);
}

static void send_file(struct scene *scene)
{
	MUST(sendfile(scene->fd[1], must_open(scene, "file", O_RDONLY), NULL, 2) == 2);
}

static void write_file(struct scene *scene)
{
	take_file(in(scene, "late"));
	MUST(pwrite(must_open(scene, "file", O_WRONLY), "YY", 2, 0) == 2);
}

/* One byte before the file is written to, and one after. */
static void read_twice(struct scene *scene)
{
	char byte;

	MUST(read(scene->fd[0], &byte, 1) == 1 && byte == 'x');
	put_file(in(scene, "to-before"), "x");
	told();
	await();
	MUST(read(scene->fd[0], &byte, 1) == 1 && byte == 'Y');
	put_file(in(scene, "to-after"), "x");
}

static void act_read(struct scene *scene, actor_fn put)
{
	put_file(in(scene, "file"), "xx");
	put_file(in(scene, "late"), "l");
	run(scene, 0, put);
	actor(scene, 1, read_twice);
	done(scene, 1);
	run(scene, 2, write_file);
	go(scene, 1);
	finish(scene, 1);
}

static void check_read(struct scene *scene, struct graph *graph)
{
	EXPECT_EDGE(process(scene, graph, 2, 0), file(scene, graph, "file"), "write", "data");
	EXPECT_EDGE(file(scene, graph, "file"), process(scene, graph, 1, 0), "read", "data");
	EXPECT_REACHES(file(scene, graph, "file"), file(scene, graph, "to-before"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to-before"));
	EXPECT_REACHES(file(scene, graph, "late"), file(scene, graph, "to-after"));
	/* Who put it there did not read it again. */
	EXPECT_NOT_REACHES(file(scene, graph, "late"), process(scene, graph, 0, 0));
}

CASE(pipe, "pipes", "splice from a file, which is written to before the pipe is read",
     "pipe_buffer_read", "file to reader: read, data")

ACT(pipe)
{
	EXPECT(!pipe(scene->fd));
	act_read(scene, splice_in);
}

CHECK(pipe)
{
	check_read(scene, graph);
}

CASE(unix_socket, "UNIX sockets", "sendfile, and the file is written to before it is received",
     "page_read", "file to receiver: read, data")

ACT(unix_socket)
{
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, scene->fd));
	act_read(scene, send_file);
}

CHECK(unix_socket)
{
	check_read(scene, graph);
}

CASE(tcp, "TCP", "sendfile, and the file is written to before it is received", "page_read",
     "file to receiver: read, data")

ACT(tcp)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	scene->fd[2] = socket(AF_INET, SOCK_STREAM, 0);
	scene->fd[1] = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(!bind(scene->fd[2], (struct sockaddr *)&address, length));
	EXPECT(!listen(scene->fd[2], 1));
	EXPECT(!getsockname(scene->fd[2], (struct sockaddr *)&address, &length));
	EXPECT(!connect(scene->fd[1], (struct sockaddr *)&address, length));
	scene->fd[0] = accept(scene->fd[2], NULL, NULL);
	EXPECT(scene->fd[0] >= 0);
	act_read(scene, send_file);
}

CHECK(tcp)
{
	check_read(scene, graph);
}

CASE(spliced_on, "pipes", "splice from a file to a pipe; the file is written to; tee, and splice "
     "to another file", "pipe_buffer_read, splice_taken", "the writer reaches the other file")

static void splice_out(struct scene *scene)
{
	int ends[2];

	MUST(!pipe(ends) && tee(scene->fd[0], ends[1], 1, 0) == 1);
	MUST(splice(ends[0], NULL, must_open(scene, "to-after", O_WRONLY | O_CREAT), NULL, 1, 0) ==
	     1);
}

ACT(spliced_on)
{
	put_file(in(scene, "file"), "xx");
	put_file(in(scene, "late"), "l");
	EXPECT(!pipe(scene->fd));
	run(scene, 0, splice_in);
	run(scene, 2, write_file);
	run(scene, 1, splice_out);
}

CHECK(spliced_on)
{
	EXPECT_EDGES(process(scene, graph, 1, 0), file(scene, graph, "to-after"), "write", "data",
		     1);
	EXPECT_REACHES(file(scene, graph, "late"), file(scene, graph, "to-after"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), process(scene, graph, 0, 0));
}

CASE(memory, "pipes", "vmsplice, and the memory is changed before the pipe is read",
     "pipe_buffer_read, memory_kept, memory_shared, memory_left", "memory to reader: peek, data")

static void give_memory(struct scene *scene)
{
	char *const page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct iovec io = { page, 2 };

	MUST(page != MAP_FAILED);
	memcpy(page, "xx", 2);
	MUST(vmsplice(scene->fd[1], &io, 1, 0) == 2);
	told();
	await();
	take_file(in(scene, "late"));
	memcpy(page, "YY", 2);
	/* Something that it learns and has not put there yet. */
	told();
	await();
}

ACT(memory)
{
	put_file(in(scene, "late"), "l");
	EXPECT(!pipe(scene->fd));
	actor(scene, 0, give_memory);
	done(scene, 0);
	actor(scene, 1, read_twice);
	done(scene, 1);
	step(scene, 0);
	go(scene, 1);
	finish(scene, 1);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(memory)
{
	const int giver = process(scene, graph, 0, 0);

	EXPECT_EDGE(giver, process(scene, graph, 1, 0), "peek", "data");
	EXPECT_REACHES(giver, file(scene, graph, "to-before"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to-before"));
	EXPECT_REACHES(file(scene, graph, "late"), file(scene, graph, "to-after"));
}

CASE(memory_teed, "pipes", "vmsplice, tee, and the memory is changed before the copy is read",
     "pipe_buffer_read, memory_shared", "memory to reader of the copy: peek, data")

static void tee_on(struct scene *scene)
{
	MUST(tee(scene->fd[0], scene->fd[3], 2, 0) == 2);
	/* The first one goes, and what it held with it. */
	MUST(read(scene->fd[0], (char[2]){ }, 2) == 2);
}

static void read_copy(struct scene *scene)
{
	char byte;

	MUST(read(scene->fd[2], &byte, 1) == 1 && byte == 'Y');
	put_file(in(scene, "to-after"), "x");
}

ACT(memory_teed)
{
	put_file(in(scene, "late"), "l");
	EXPECT(!pipe(scene->fd) && !pipe(scene->fd + 2));
	actor(scene, 0, give_memory);
	done(scene, 0);
	run(scene, 2, tee_on);
	step(scene, 0);
	run(scene, 1, read_copy);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(memory_teed)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), process(scene, graph, 1, 0), "peek", "data", 1);
	EXPECT_REACHES(file(scene, graph, "late"), file(scene, graph, "to-after"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), process(scene, graph, 2, 0));
}

CASE(copied, "pipes", "write to a pipe of what was read of a file, which is written to later",
     "pipe_buffer_read", "the later writer does not reach the reader")

static void copy_in(struct scene *scene)
{
	char bytes[2];

	MUST(read(must_open(scene, "file", O_RDONLY), bytes, 2) == 2);
	MUST(write(scene->fd[1], bytes, 2) == 2);
}

static void read_once(struct scene *scene)
{
	char byte;

	MUST(read(scene->fd[0], &byte, 1) == 1 && byte == 'x');
	put_file(in(scene, "to"), "x");
}

ACT(copied)
{
	put_file(in(scene, "file"), "xx");
	put_file(in(scene, "late"), "l");
	EXPECT(!pipe(scene->fd));
	run(scene, 0, copy_in);
	run(scene, 2, write_file);
	run(scene, 1, read_once);
}

CHECK(copied)
{
	EXPECT_REACHES(file(scene, graph, "file"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
	EXPECT_NO_EDGE(file(scene, graph, "file"), process(scene, graph, 1, 0), "read");
}
