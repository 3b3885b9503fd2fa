// SPDX-License-Identifier: GPL-2.0
/* Reads and writes by the kernel's aio */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "copy.h"
#include "flow.h"
#include "overlay.h"
#include "stall.h"

static aio_context_t open_context(void)
{
	aio_context_t context = 0;

	MUST(!syscall(__NR_io_setup, 8, &context));
	return context;
}

static struct iocb request_for(int op, int fd, const void *address, size_t count, off_t offset)
{
	return (struct iocb){
		.aio_lio_opcode = op,
		.aio_fildes = fd,
		.aio_buf = (uintptr_t)address,
		.aio_nbytes = count,
		.aio_offset = offset,
	};
}

static long submit(aio_context_t context, struct iocb *request)
{
	return syscall(__NR_io_submit, context, 1, &request) == 1 ? 0 : -errno;
}

static long take(aio_context_t context)
{
	struct io_event event;

	MUST(syscall(__NR_io_getevents, context, 1, 1, &event, NULL) == 1);
	return event.res;
}

static long perform(aio_context_t context, int op, int fd, const void *address, size_t count,
		    off_t offset)
{
	struct iocb request = request_for(op, fd, address, count, offset);
	const long error = submit(context, &request);

	return error ? error : take(context);
}

CASE(plain, "file data", "aio: PREAD and PWRITE", "request_begins, request_done",
     "file to process: read, data; process to file: write, data")

static void copy(struct scene *scene, int flags)
{
	const int from = must_open(scene, "from", O_RDONLY | flags);
	const int to = must_open(scene, "to", O_WRONLY | flags);
	const aio_context_t context = open_context();

	MUST(perform(context, IOCB_CMD_PREAD, from, block, BLOCK, 0) == BLOCK);
	MUST(block[0] == 'x');
	/* The second time they are known. */
	MUST(perform(context, IOCB_CMD_PREAD, from, block, BLOCK, 0) == BLOCK);
	MUST(perform(context, IOCB_CMD_PWRITE, to, block, BLOCK, 0) == BLOCK);
	MUST(perform(context, IOCB_CMD_PWRITE, to, block, BLOCK, 0) == BLOCK);
}

static void copy_plain(struct scene *scene)
{
	copy(scene, 0);
}

COPIES(plain, copy_plain)

CASE(direct, "file data", "aio: PREAD and PWRITE with O_DIRECT", "request_begins, request_done",
     "file to process to file")

static void copy_direct(struct scene *scene)
{
	copy(scene, O_DIRECT);
}

COPIES(direct, copy_direct)

CASE(vector, "file data", "aio: PREADV and PWRITEV", "request_begins, request_done",
     "file to process to file")

static void copy_vector(struct scene *scene)
{
	const int from = must_open(scene, "from", O_RDONLY), to = must_open(scene, "to", O_WRONLY);
	const struct iovec io[2] = { { block, 100 }, { block + 100, 200 } };
	const aio_context_t context = open_context();

	MUST(perform(context, IOCB_CMD_PREADV, from, io, 2, 0) == 300);
	MUST(perform(context, IOCB_CMD_PWRITEV, to, io, 2, 0) == 300);
}

COPIES(vector, copy_vector)

CASE(event, "file data", "aio: O_DIRECT, whose end an eventfd tells (IOCB_FLAG_RESFD)",
     "request_done", "file to process, before it takes the result")

static void read_with_event(struct scene *scene)
{
	struct iocb request = request_for(IOCB_CMD_PREAD,
					  must_open(scene, "from", O_RDONLY | O_DIRECT), block,
					  BLOCK, 0);
	const aio_context_t context = open_context();
	const int fd = eventfd(0, 0);
	uint64_t count;

	MUST(fd >= 0);
	request.aio_flags = IOCB_FLAG_RESFD;
	request.aio_resfd = fd;
	MUST(!submit(context, &request));
	MUST(read(fd, &count, sizeof(count)) == sizeof(count) && count == 1 && block[0] == 'x');
	put_file(in(scene, "to"), "x");
}

ACT(event)
{
	put_block(in(scene, "from"));
	run(scene, 0, read_with_event);
}

CHECK(event)
{
	EXPECT_EDGES(file(scene, graph, "from"), process(scene, graph, 0, 0), "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(left, "file data", "aio: O_DIRECT, and the submitter is killed at once", "request_done",
     "the writes are its own")

static void name_of(char name[8], int number)
{
	snprintf(name, 8, "to-%d", number);
}

static void write_and_leave(struct scene *scene)
{
	const aio_context_t context = open_context();
	struct iocb requests[8], *list[8];
	char name[8];

	take_file(in(scene, "from"));
	for (int i = 0; i < 8; i++) {
		name_of(name, i);
		requests[i] = request_for(IOCB_CMD_PWRITE,
					  must_open(scene, name, O_WRONLY | O_DIRECT), block, BLOCK,
					  0);
		list[i] = &requests[i];
	}
	MUST(syscall(__NR_io_submit, context, 8, list) == 8);
}

ACT(left)
{
	char name[8];

	put_block(in(scene, "from"));
	for (int i = 0; i < 8; i++) {
		name_of(name, i);
		put_block(in(scene, name));
	}
	run(scene, 0, write_and_leave);
}

CHECK(left)
{
	char name[8];

	for (int i = 0; i < 8; i++) {
		name_of(name, i);
		EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, name), "write", "data",
			     1);
		EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, name));
	}
}

CASE(pipe, "pipes", "aio: write to a pipe, and read from it", "request_begins, request_done",
     "writer to pipe to reader")

static void write_pipe(struct scene *scene)
{
	take_file(in(scene, "from"));
	MUST(perform(open_context(), IOCB_CMD_PWRITE, scene->fd[1], block, 1, 0) == 1);
}

static void read_pipe(struct scene *scene)
{
	MUST(perform(open_context(), IOCB_CMD_PREAD, scene->fd[0], block, 1, 0) == 1);
	put_file(in(scene, "to"), "x");
}

ACT(pipe)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!pipe(scene->fd));
	run(scene, 0, write_pipe);
	run(scene, 1, read_pipe);
}

CHECK(pipe)
{
	const int writer = process(scene, graph, 0, 0), reader = process(scene, graph, 1, 0);

	EXPECT_EDGES(graph_to(graph, writer, "write"), reader, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(socket, "UNIX sockets", "aio: write to a socket, and read from it",
     "socket_sent, socket_received", "sender to socket to socket to receiver")

ACT(socket)
{
	int ends[2];

	put_file(in(scene, "from"), "f");
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	scene->fd[0] = ends[0];
	scene->fd[1] = ends[1];
	run(scene, 0, write_pipe);
	run(scene, 1, read_pipe);
}

CHECK(socket)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), ANY, "send", "data", 1);
	EXPECT_EDGES(ANY, process(scene, graph, 1, 0), "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(seen_early, "file data", "aio: a write whose first page can be seen before it is over",
     "file_permission, request_done", "who reads that comes from the writer")

static struct stall stall;

static void *let_go(void *unused)
{
	stall_wait(&stall);
	told();
	await();
	stall_end(&stall);
	return unused;
}

static void write_stalled(struct scene *scene)
{
	const int to = must_open(scene, "to", O_WRONLY);
	const aio_context_t context = open_context();
	pthread_t thread;

	take_file(in(scene, "from"));
	stall_begin(&stall);
	MUST(!pthread_create(&thread, NULL, let_go, NULL));
	MUST(perform(context, IOCB_CMD_PWRITE, to, stall.buffer, STALL_BYTES, 0) == STALL_BYTES);
	MUST(!pthread_join(thread, NULL));
	told();
}

static void read_early(struct scene *scene)
{
	const int fd = must_open(scene, "to", O_RDONLY);
	char byte;

	MUST(read(fd, &byte, 1) == 1 && byte == 'x');
	put_file(in(scene, "early"), "x");
}

ACT(seen_early)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "to"), "");
	actor(scene, 0, write_stalled);
	done(scene, 0);
	run(scene, 1, read_early);
	step(scene, 0);
	finish(scene, 0);
}

CHECK(seen_early)
{
	EXPECT_REACHES(process(scene, graph, 0, 0), process(scene, graph, 1, 0));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "early"));
	EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, "to"), "write", "data", 1);
}

CASE(overlay, "mounts", "aio with O_DIRECT through an overlayfs", "request_begins, request_done",
     "the file above and the one below both have it")

static void write_overlay(struct scene *scene)
{
	mount_overlay(scene);
	take_file(in(scene, "from"));
	MUST(perform(open_context(), IOCB_CMD_PWRITE,
		     must_open(scene, "merged/file", O_WRONLY | O_DIRECT), block, BLOCK, 0) == BLOCK);
}

static void read_overlay(struct scene *scene)
{
	mount_overlay(scene);
	MUST(perform(open_context(), IOCB_CMD_PREAD,
		     must_open(scene, "merged/file", O_RDONLY | O_DIRECT), block, BLOCK, 0) == BLOCK);
	put_file(in(scene, "to"), "x");
}

ACT(overlay)
{
	put_file(in(scene, "from"), "f");
	make_overlay(scene);
	put_block(in(scene, "upper/file"));
	run(scene, 0, write_overlay);
	run(scene, 1, read_overlay);
}

CHECK(overlay)
{
	const int below = file(scene, graph, "upper/file");

	EXPECT_EDGES(process(scene, graph, 0, 0), below, "write", "data", 1);
	EXPECT_EDGES(below, process(scene, graph, 1, 0), "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(nothing, "outcome", "aio that fails, is empty, or would block", "request_done", "no edge")

/* The compiler must not see that it is no address. */
static void *volatile nowhere = (void *)1;

static void move_nothing(struct scene *scene)
{
	const int from = must_open(scene, "from", O_RDONLY), to = must_open(scene, "to", O_WRONLY);
	const int direct = must_open(scene, "from", O_RDONLY | O_DIRECT);
	const aio_context_t context = open_context();
	int ends[2];

	MUST(perform(context, IOCB_CMD_PREAD, to, block, 1, 0) == -EBADF);
	MUST(perform(context, IOCB_CMD_PWRITE, from, block, 1, 0) == -EBADF);
	MUST(perform(context, IOCB_CMD_PREAD, from, nowhere, 1, 0) == -EFAULT);
	MUST(perform(context, IOCB_CMD_PWRITE, to, nowhere, 1, 0) == -EFAULT);
	MUST(perform(context, IOCB_CMD_PREAD, from, block, BLOCK, BLOCK) == 0);
	MUST(perform(context, IOCB_CMD_PREAD, direct, block, BLOCK, BLOCK) == 0);
	MUST(perform(context, IOCB_CMD_PREAD, direct, block + 1, 1, 0) == -EINVAL);
	MUST(perform(context, IOCB_CMD_PREAD, from, block, 0, 0) == 0);
	MUST(perform(context, IOCB_CMD_PWRITE, to, block, 0, 0) == 0);
	MUST(perform(context, IOCB_CMD_FSYNC, to, NULL, 0, 0) == 0);
	MUST(!pipe2(ends, O_NONBLOCK));
	MUST(perform(context, IOCB_CMD_PREAD, ends[0], block, 1, 0) == -EAGAIN);
	close(ends[0]);
	MUST(perform(context, IOCB_CMD_PWRITE, ends[1], block, 1, 0) == -EPIPE);
}

ACT(nothing)
{
	prepare_copy(scene);
	run(scene, 0, move_nothing);
}

CHECK(nothing)
{
	const int node = process(scene, graph, 0, 0);

	EXPECT_NODE(node);
	EXPECT_NO_EDGE(ANY, node, "read");
	EXPECT_NO_EDGE(node, ANY, "write");
}
