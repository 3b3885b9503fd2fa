// SPDX-License-Identifier: GPL-2.0
/* Reads and writes by io_uring */
#include <fcntl.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "copy.h"
#include "flow.h"
#include "stall.h"
#include "uring.h"

CASE(plain, "file data", "io_uring: READ and WRITE", "request_begins, request_done",
     "file to process: read, data; process to file: write, data")

static void copy_plain(struct scene *scene)
{
	struct ring ring;

	ring_open(&ring, 0);
	MUST(ring_do(&ring, IORING_OP_READ, must_open(scene, "from", O_RDONLY), block, BLOCK, 0) ==
	     BLOCK);
	MUST(ring_do(&ring, IORING_OP_WRITE, must_open(scene, "to", O_WRONLY), block, BLOCK, 0) ==
	     BLOCK);
}

COPIES(plain, copy_plain)

CASE(repeated, "file data", "io_uring: 100 reads, then 100 writes",
     "request_begins, request_done", "one edge each")

static void copy_often(struct scene *scene)
{
	const int from = must_open(scene, "from", O_RDONLY), to = must_open(scene, "to", O_WRONLY);
	struct ring ring;

	ring_open(&ring, 0);
	for (int i = 0; i < 100; i++)
		MUST(ring_do(&ring, IORING_OP_READ, from, block, BLOCK, 0) == BLOCK);
	for (int i = 0; i < 100; i++)
		MUST(ring_do(&ring, IORING_OP_WRITE, to, block, BLOCK, 0) == BLOCK);
}

COPIES(repeated, copy_often)

CASE(vector, "file data", "io_uring: READV and WRITEV", "request_begins, request_done",
     "file to process to file")

static void copy_vector(struct scene *scene)
{
	const struct iovec io[2] = { { block, 100 }, { block + 100, 200 } };
	struct ring ring;

	ring_open(&ring, 0);
	MUST(ring_do(&ring, IORING_OP_READV, must_open(scene, "from", O_RDONLY), io, 2, 0) == 300);
	MUST(ring_do(&ring, IORING_OP_WRITEV, must_open(scene, "to", O_WRONLY), io, 2, 0) == 300);
}

COPIES(vector, copy_vector)

CASE(fixed, "file data", "io_uring: READ_FIXED and WRITE_FIXED of registered files",
     "request_begins, request_done, memory_kept", "file to process to file")

static void register_block(const struct ring *ring)
{
	const struct iovec buffer = { block, BLOCK };

	ring_register(ring, IORING_REGISTER_BUFFERS, &buffer, 1);
}

static void copy_fixed(struct scene *scene)
{
	const int files[2] = { must_open(scene, "from", O_RDONLY),
			       must_open(scene, "to", O_WRONLY) };
	struct ring ring;

	ring_open(&ring, 0);
	register_block(&ring);
	ring_register(&ring, IORING_REGISTER_FILES, files, 2);
	ring_sqe(&ring, IORING_OP_READ_FIXED, 0, block, BLOCK, 0)->flags = IOSQE_FIXED_FILE;
	MUST(ring_go(&ring) == BLOCK);
	ring_sqe(&ring, IORING_OP_WRITE_FIXED, 1, block, BLOCK, 0)->flags = IOSQE_FIXED_FILE;
	MUST(ring_go(&ring) == BLOCK);
}

COPIES(fixed, copy_fixed)

CASE(fixed_of_other, "file data", "io_uring: a child uses buffers that its parent has registered",
     "request_begins, request_done, memory_kept, memory_left",
     "what is read goes to the parent, what is written comes from it")

static struct ring shared;

static void finish_child(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, 0) == pid && !status);
}

static void use_fixed_of_parent(struct scene *scene)
{
	pid_t pid;

	ring_open(&shared, 0);
	register_block(&shared);
	take_file(in(scene, "secret"));
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		MUST(ring_do(&shared, IORING_OP_READ_FIXED, must_open(scene, "from", O_RDONLY),
			     block, BLOCK, 0) == BLOCK);
		MUST(ring_do(&shared, IORING_OP_WRITE_FIXED, must_open(scene, "to", O_WRONLY),
			     block, BLOCK, 0) == BLOCK);
		_exit(0);
	}
	finish_child(pid);
	put_file(in(scene, "parent"), "x");
}

ACT(fixed_of_other)
{
	prepare_copy(scene);
	put_file(in(scene, "secret"), "s");
	run(scene, 0, use_fixed_of_parent);
}

CHECK(fixed_of_other)
{
	const int parent = process(scene, graph, 0, 0);

	EXPECT_EDGES(file(scene, graph, "from"), parent, "read", "data", 1);
	EXPECT_EDGES(parent, file(scene, graph, "to"), "write", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "parent"));
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
}

CASE(fixed_unmapped, "file data", "io_uring: a registered buffer of shared memory that is mapped no more",
     "buffer_registered, buffer_left", "what is read into it comes to who reads the memory; what others write there is written from it")

/* Registers the memfd, which is mapped no more then. */
static void *register_unmapped(struct scene *scene, const struct ring *ring)
{
	void *const place = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, scene->fd[0], 0);
	const struct iovec buffer = { place, BLOCK };

	MUST(place != MAP_FAILED);
	ring_register(ring, IORING_REGISTER_BUFFERS, &buffer, 1);
	MUST(!munmap(place, BLOCK));
	return place;
}

static void read_into_unmapped(struct scene *scene)
{
	struct ring ring;
	void *place;

	ring_open(&ring, 0);
	place = register_unmapped(scene, &ring);
	MUST(ring_do(&ring, IORING_OP_READ_FIXED, must_open(scene, "from", O_RDONLY), place, BLOCK,
		     0) == BLOCK);
	told();
	await();
	/* Somebody has written to it since. */
	MUST(ring_do(&ring, IORING_OP_WRITE_FIXED, must_open(scene, "to", O_WRONLY), place, BLOCK,
		     0) == BLOCK);
	ring_register(&ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
	told();
	await();
	put_file(in(scene, "after"), "x");
}

static void read_memory(struct scene *scene)
{
	MUST(pread(scene->fd[0], block, BLOCK, 0) == BLOCK);
	put_file(in(scene, "seen"), "x");
}

static void write_memory(struct scene *scene)
{
	take_file(in(scene, "secret"));
	MUST(pwrite(scene->fd[0], "x", 1, 0) == 1);
}

static void write_memory_late(struct scene *scene)
{
	take_file(in(scene, "late"));
	MUST(pwrite(scene->fd[0], "x", 1, 0) == 1);
}

ACT(fixed_unmapped)
{
	prepare_copy(scene);
	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "late"), "s");
	scene->fd[0] = memfd_create("flow", 0);
	EXPECT(!ftruncate(scene->fd[0], BLOCK));
	actor(scene, 0, read_into_unmapped);
	done(scene, 0);
	run(scene, 1, read_memory);
	run(scene, 2, write_memory);
	step(scene, 0);
	run(scene, 3, write_memory_late);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(fixed_unmapped)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "seen"));
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "seen"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "after"));
}

CASE(fixed_race, "file data", "io_uring: shared memory registered again and again while a thread maps it",
     "buffer_registered, buffer_left, mapping_added, mapping_removed",
     "who still maps it comes from who writes to it then")

#define ROUNDS	1000

static void *map_often(void *arg)
{
	const int fd = *(const int *)arg;

	for (int i = 0; i < ROUNDS; i++) {
		void *const both = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		void *const one = mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, fd, 0);

		MUST(both != MAP_FAILED && one != MAP_FAILED);
		MUST(!munmap(both, BLOCK) && !munmap(one, BLOCK));
	}
	return NULL;
}

static void register_often(struct scene *scene)
{
	void *const kept = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, scene->fd[0], 0);
	const struct iovec buffer = { kept, BLOCK };
	pthread_t thread;
	struct ring ring;

	MUST(kept != MAP_FAILED);
	ring_open(&ring, 0);
	MUST(!pthread_create(&thread, NULL, map_often, &scene->fd[0]));
	for (int i = 0; i < ROUNDS; i++) {
		ring_register(&ring, IORING_REGISTER_BUFFERS, &buffer, 1);
		ring_register(&ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
	}
	MUST(!pthread_join(thread, NULL));
	put_file(in(scene, "early"), "x");
	told();
	await();
	put_file(in(scene, "after"), "x");
	/* What is registered when the memory goes is not there to be taken back. */
	ring_register(&ring, IORING_REGISTER_BUFFERS, &buffer, 1);
}

ACT(fixed_race)
{
	put_file(in(scene, "secret"), "s");
	scene->fd[0] = memfd_create("flow", 0);
	EXPECT(!ftruncate(scene->fd[0], BLOCK));
	actor(scene, 0, register_often);
	done(scene, 0);
	run(scene, 1, write_memory);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(fixed_race)
{
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "after"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "early"));
}

CASE(fixed_dying, "file data", "io_uring: who registered shared memory is killed while another unregisters it",
     "buffer_registered, buffer_left, mm_released",
     "what is written then; a debug kernel sees whether what was freed is used")

#define DEATHS		30
#define OTHER_FILES	200

/* Its last mapping to go is that of the buffer. */
static void register_last(struct scene *scene, const struct ring *ring)
{
	struct iovec buffer = { .iov_len = BLOCK };

	for (int i = 0; i < OTHER_FILES; i++) {
		const int fd = memfd_create("other", 0);

		MUST(fd >= 0 && !ftruncate(fd, BLOCK));
		MUST(mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
		MUST(!close(fd));
	}
	buffer.iov_base = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, scene->fd[0], 0);
	MUST(buffer.iov_base != MAP_FAILED);
	ring_register(ring, IORING_REGISTER_BUFFERS, &buffer, 1);
	MUST(!munmap(buffer.iov_base, BLOCK) && !close(scene->fd[0]));
}

/* A child has registered the buffer in our ring; we give it up while its memory goes. */
static void die_with_buffer(struct scene *scene, const struct ring *ring, int after_us)
{
	char byte;
	int pipes[2];
	pid_t pid;

	scene->fd[0] = memfd_create("flow", 0);
	MUST(scene->fd[0] >= 0 && !ftruncate(scene->fd[0], BLOCK) && !pipe(pipes));
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		register_last(scene, ring);
		MUST(write(pipes[1], "", 1) == 1);
		for (;;)
			pause();
	}
	MUST(!close(scene->fd[0]) && read(pipes[0], &byte, 1) == 1);
	/* The file is not there any more when a grace period is over. */
	syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	MUST(!kill(pid, SIGKILL));
	usleep(after_us);
	ring_register(ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
	MUST(waitpid(pid, NULL, 0) == pid && !close(pipes[0]) && !close(pipes[1]));
}

static void see_them_die(struct scene *scene)
{
	struct ring ring;

	ring_open(&ring, 0);
	for (int i = 0; i < DEATHS; i++)
		die_with_buffer(scene, &ring, i * 100);
	put_file(in(scene, "after"), "x");
}

ACT(fixed_dying)
{
	run(scene, 0, see_them_die);
}

CHECK(fixed_dying)
{
	EXPECT_EDGE(process(scene, graph, 0, 0), file(scene, graph, "after"), "write", "data");
}

CASE(worker, "file data", "io_uring: read and write by a worker (IOSQE_ASYNC)",
     "request_begins, request_done", "the edges are the submitter's")

static void copy_by_worker(struct scene *scene)
{
	struct ring ring;

	ring_open(&ring, 0);
	ring_sqe(&ring, IORING_OP_READ, must_open(scene, "from", O_RDONLY), block, BLOCK, 0)->flags =
		IOSQE_ASYNC;
	MUST(ring_go(&ring) == BLOCK);
	ring_sqe(&ring, IORING_OP_WRITE, must_open(scene, "to", O_WRONLY), block, BLOCK, 0)->flags =
		IOSQE_ASYNC;
	MUST(ring_go(&ring) == BLOCK);
}

COPIES(worker, copy_by_worker)

CASE(sqpoll, "file data", "io_uring: a thread of the kernel takes the requests (SQPOLL)",
     "request_begins, request_done", "the edges are those of who made the ring")

static void copy_by_thread(struct scene *scene)
{
	const int from = must_open(scene, "from", O_RDONLY), to = must_open(scene, "to", O_WRONLY);
	struct ring ring;

	ring_open(&ring, IORING_SETUP_SQPOLL);
	MUST(ring_do(&ring, IORING_OP_READ, from, block, BLOCK, 0) == BLOCK);
	MUST(ring_do(&ring, IORING_OP_WRITE, to, block, BLOCK, 0) == BLOCK);
}

COPIES(sqpoll, copy_by_thread)

CASE(sqpoll_of_parent, "file data", "io_uring: a child submits to its parent's ring with SQPOLL",
     "request_begins, request_done", "the data goes to the parent, not to the child")

static void submit_to_parent(struct scene *scene)
{
	const int from = must_open(scene, "from", O_RDONLY);
	pid_t pid;

	ring_open(&shared, IORING_SETUP_SQPOLL);
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		MUST(ring_do(&shared, IORING_OP_READ, from, block, BLOCK, 0) == BLOCK);
		MUST(!block[0]);
		put_file(in(scene, "child"), "x");
		_exit(0);
	}
	finish_child(pid);
	MUST(block[0] == 'x');
	put_file(in(scene, "parent"), "x");
}

ACT(sqpoll_of_parent)
{
	put_block(in(scene, "from"));
	run(scene, 0, submit_to_parent);
}

CHECK(sqpoll_of_parent)
{
	const int child = graph_from(graph, file(scene, graph, "child"), "write");

	EXPECT_EDGES(file(scene, graph, "from"), process(scene, graph, 0, 0), "read", "data", 1);
	EXPECT_NO_EDGE(file(scene, graph, "from"), child, "read");
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "parent"));
}

CASE(direct, "file data", "io_uring: O_DIRECT", "request_begins, request_done",
     "file to process to file")

static void copy_direct(struct scene *scene)
{
	struct ring ring;

	ring_open(&ring, 0);
	MUST(ring_do(&ring, IORING_OP_READ, must_open(scene, "from", O_RDONLY | O_DIRECT), block,
		     BLOCK, 0) == BLOCK);
	MUST(block[0] == 'x');
	MUST(ring_do(&ring, IORING_OP_WRITE, must_open(scene, "to", O_WRONLY | O_DIRECT), block,
		     BLOCK, 0) == BLOCK);
}

COPIES(direct, copy_direct)

CASE(direct_left, "file data", "io_uring: O_DIRECT, and the submitter is gone when it is over",
     "request_done", "the write is its own all the same; none of what was canceled")

static bool is_written[RING_ENTRIES];

static const char *numbered(const struct scene *scene, int number)
{
	char name[8];

	snprintf(name, sizeof(name), "to-%d", number);
	return in(scene, name);
}

static void write_and_leave(struct scene *scene)
{
	struct ring ring;

	take_file(in(scene, "from"));
	block[0] = 'y';
	ring_open(&ring, 0);
	for (int i = 0; i < RING_ENTRIES; i++) {
		const int fd = open(numbered(scene, i), O_WRONLY | O_DIRECT);

		MUST(fd >= 0);
		ring_sqe(&ring, IORING_OP_WRITE, fd, block, BLOCK, 0);
		ring_push(&ring);
		/* For a change of the time a worker is needed, which goes with its process. */
		MUST(!futimens(fd, NULL));
		ring_enter(&ring, 1, 0);
	}
}

ACT(direct_left)
{
	bool any = false;

	put_block(in(scene, "from"));
	for (int i = 0; i < RING_ENTRIES; i++)
		put_block(numbered(scene, i));
	run(scene, 0, write_and_leave);
	pause_ms(500);
	for (int i = 0; i < RING_ENTRIES; i++) {
		const int fd = open(numbered(scene, i), O_RDONLY);
		char byte = 0;

		EXPECT(fd >= 0 && read(fd, &byte, 1) == 1);
		close(fd);
		is_written[i] = byte == 'y';
		any |= is_written[i];
	}
	if (!any)
		flow_skip("all was canceled");
}

CHECK(direct_left)
{
	for (int i = 0; i < RING_ENTRIES; i++) {
		const int who = process(scene, graph, 0, 0);
		const int to = graph_path(graph, numbered(scene, i));

		if (is_written[i]) {
			EXPECT_EDGES(who, to, "write", "data", 1);
			EXPECT_REACHES(file(scene, graph, "from"), to);
		} else {
			EXPECT_NO_EDGE(who, to, "write");
		}
	}
}

CASE(seen_early, "file data", "io_uring: a write whose first page can be seen before it is over",
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
	struct ring ring;
	pthread_t thread;

	take_file(in(scene, "from"));
	stall_begin(&stall);
	ring_open(&ring, 0);
	MUST(!pthread_create(&thread, NULL, let_go, NULL));
	ring_sqe(&ring, IORING_OP_WRITE, to, stall.buffer, STALL_BYTES, 0)->flags = IOSQE_ASYNC;
	MUST(ring_go(&ring) == STALL_BYTES);
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

CASE(reader_waits, "pipes", "io_uring: a read from a pipe that is still empty, and a write to it",
     "request_begins, request_done",
     "the reader comes from the writer")

static void read_pipe(struct scene *scene)
{
	struct ring ring;

	ring_open(&ring, 0);
	ring_sqe(&ring, IORING_OP_READ, scene->fd[0], block, 1, -1);
	ring_push(&ring);
	ring_enter(&ring, 1, 0);
	told();
	MUST(ring_take(&ring, NULL) == 1);
	put_file(in(scene, "to"), "x");
}

static void write_pipe(struct scene *scene)
{
	struct ring ring;

	take_file(in(scene, "from"));
	ring_open(&ring, 0);
	MUST(ring_do(&ring, IORING_OP_WRITE, scene->fd[1], "x", 1, -1) == 1);
}

ACT(reader_waits)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!pipe(scene->fd));
	actor(scene, 1, read_pipe);
	done(scene, 1);
	run(scene, 0, write_pipe);
	finish(scene, 1);
}

CHECK(reader_waits)
{
	const int reader = process(scene, graph, 1, 0);

	EXPECT_EDGES(graph_to(graph, process(scene, graph, 0, 0), "write"), reader, "read", "data",
		     1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(multishot, "pipes", "io_uring: READ_MULTISHOT into provided buffers", "request_done",
     "pipe to process: read, data")

static void read_often(struct scene *scene)
{
	struct io_uring_sqe *sqe;
	struct ring ring;

	ring_open(&ring, 0);
	sqe = ring_sqe(&ring, IORING_OP_PROVIDE_BUFFERS, 4, block, 64, 0);
	sqe->buf_group = 1;
	MUST(ring_go(&ring) >= 0);
	sqe = ring_sqe(&ring, URING_READ_MULTISHOT, scene->fd[0], NULL, 0, -1);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = 1;
	ring_push(&ring);
	ring_enter(&ring, 1, 0);
	told();
	MUST(ring_take(&ring, NULL) == 1);
	put_file(in(scene, "to"), "x");
}

ACT(multishot)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!pipe(scene->fd));
	actor(scene, 1, read_often);
	done(scene, 1);
	run(scene, 0, write_pipe);
	finish(scene, 1);
}

CHECK(multishot)
{
	const int reader = process(scene, graph, 1, 0);

	EXPECT_EDGES(graph_to(graph, process(scene, graph, 0, 0), "write"), reader, "read", "data",
		     1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(linked, "file data", "io_uring: a read and a write that is linked to it",
     "request_begins, request_done", "file to process to file")

static void copy_linked(struct scene *scene)
{
	struct ring ring;

	ring_open(&ring, 0);
	ring_sqe(&ring, IORING_OP_READ, must_open(scene, "from", O_RDONLY), block, BLOCK, 0)->flags =
		IOSQE_IO_LINK;
	ring_push(&ring);
	ring_sqe(&ring, IORING_OP_WRITE, must_open(scene, "to", O_WRONLY), block, BLOCK, 0);
	ring_push(&ring);
	ring_enter(&ring, 2, 2);
	MUST(ring_take(&ring, NULL) == BLOCK && ring_take(&ring, NULL) == BLOCK);
}

COPIES(linked, copy_linked)

CASE(nothing, "outcome", "io_uring: what fails, is empty, would block, or is canceled",
     "request_done", "no edge")

/* The compiler must not see that it is no address. */
static void *volatile nowhere = (void *)1;

static void cancel_read(struct ring *ring, int flags)
{
	uint64_t which;
	int ends[2];

	MUST(!pipe(ends));
	ring_sqe(ring, IORING_OP_READ, ends[0], block, 1, -1)->flags = flags;
	ring_push(ring);
	ring_enter(ring, 1, 0);
	pause_ms(50);
	ring_sqe(ring, IORING_OP_ASYNC_CANCEL, -1, (void *)IORING_OP_READ, 0, 0);
	ring_push(ring);
	ring_enter(ring, 1, 2);
	for (int i = 0; i < 2; i++) {
		const int result = ring_take(ring, &which);

		MUST(which == IORING_OP_READ ? result < 0 : result >= 0 || result == -EALREADY);
	}
}

static void move_nothing(struct scene *scene)
{
	const int from = must_open(scene, "from", O_RDONLY), to = must_open(scene, "to", O_WRONLY);
	const int direct = must_open(scene, "from", O_RDONLY | O_DIRECT);
	struct ring ring;
	int ends[2];

	ring_open(&ring, 0);
	MUST(ring_do(&ring, IORING_OP_READ, to, block, 1, 0) == -EBADF);
	MUST(ring_do(&ring, IORING_OP_WRITE, from, block, 1, 0) == -EBADF);
	MUST(ring_do(&ring, IORING_OP_READ, from, nowhere, 1, 0) == -EFAULT);
	MUST(ring_do(&ring, IORING_OP_WRITE, to, nowhere, 1, 0) == -EFAULT);
	MUST(ring_do(&ring, IORING_OP_READ, from, block, BLOCK, BLOCK) == 0);
	MUST(ring_do(&ring, IORING_OP_READ, direct, block, BLOCK, BLOCK) == 0);
	MUST(ring_do(&ring, IORING_OP_READ, direct, block + 1, 1, 0) == -EINVAL);
	MUST(ring_do(&ring, IORING_OP_READ, from, block, 0, 0) == 0);
	MUST(ring_do(&ring, IORING_OP_WRITE, to, block, 0, 0) == 0);
	MUST(!pipe(ends));
	ring_sqe(&ring, IORING_OP_READ, ends[0], block, 1, -1)->rw_flags = RWF_NOWAIT;
	MUST(ring_go(&ring) == -EAGAIN);
	close(ends[0]);
	MUST(ring_do(&ring, IORING_OP_WRITE, ends[1], block, 1, -1) == -EPIPE);
	cancel_read(&ring, 0);
	cancel_read(&ring, IOSQE_ASYNC);
	/* The second is canceled because the first fails. */
	ring_sqe(&ring, IORING_OP_READ, to, block, 1, 0)->flags = IOSQE_IO_LINK;
	ring_push(&ring);
	ring_sqe(&ring, IORING_OP_WRITE, to, block, 1, 0);
	ring_push(&ring);
	ring_enter(&ring, 2, 2);
	MUST(ring_take(&ring, NULL) == -EBADF && ring_take(&ring, NULL) == -ECANCELED);
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

CASE(failed_then_done, "outcome", "io_uring: a write that fails, then reading more, then one that succeeds",
     "request_begins, request_done", "the data has what was read in between")

static void fail_and_write(struct scene *scene)
{
	const int to = must_open(scene, "to", O_WRONLY);
	struct ring ring;

	ring_open(&ring, 0);
	MUST(ring_do(&ring, IORING_OP_WRITE, to, nowhere, 1, 0) == -EFAULT);
	take_file(in(scene, "from"));
	MUST(ring_do(&ring, IORING_OP_WRITE, to, block, 1, 0) == 1);
}

ACT(failed_then_done)
{
	prepare_copy(scene);
	run(scene, 0, fail_and_write);
}

CHECK(failed_then_done)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, "to"), "write", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}
