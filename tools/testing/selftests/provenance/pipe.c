// SPDX-License-Identifier: GPL-2.0
/* Pipes and fifos */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "flow.h"

CASE(pipe, "pipes", "pipe", "file_written, file_read",
     "writer to pipe: write, data; pipe to reader: read, data")

static void write_secret(struct scene *scene)
{
	take_file(in(scene, "from"));
	MUST(write(scene->fd[1], "x", 1) == 1);
}

static void read_and_write(struct scene *scene)
{
	char byte;

	MUST(read(scene->fd[0], &byte, 1) == 1);
	put_file(in(scene, "to"), "x");
}

ACT(pipe)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!pipe(scene->fd));
	run(scene, 0, write_secret);
	run(scene, 1, read_and_write);
}

CHECK(pipe)
{
	const int writer = process(scene, graph, 0, 0), reader = process(scene, graph, 1, 0);
	const int node = graph_to(graph, writer, "write");

	EXPECT(!strcmp(graph_string(graph, node, "kind"), "pipe"));
	EXPECT_EDGES(writer, node, "write", "data", 1);
	EXPECT_EDGES(node, reader, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(reader, writer);
}

CASE(fifo, "pipes", "mkfifo, and both sides", "name_created, file_written, file_read",
     "writer to fifo to reader, with its path")

static void write_fifo(struct scene *scene)
{
	int fd;

	take_file(in(scene, "from"));
	fd = open(in(scene, "fifo"), O_WRONLY);
	MUST(fd >= 0 && write(fd, "x", 1) == 1);
}

static void read_fifo(struct scene *scene)
{
	const int fd = open(in(scene, "fifo"), O_RDONLY);
	char byte;

	MUST(fd >= 0 && read(fd, &byte, 1) == 1);
	put_file(in(scene, "to"), "x");
}

ACT(fifo)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!mkfifo(in(scene, "fifo"), 0644));
	actor(scene, 0, write_fifo);
	run(scene, 1, read_fifo);
	finish(scene, 0);
}

CHECK(fifo)
{
	const int fifo = file(scene, graph, "fifo");

	EXPECT(!strcmp(graph_string(graph, fifo, "kind"), "fifo"));
	EXPECT_EDGE(process(scene, graph, 0, 0), fifo, "write", "data");
	EXPECT_EDGE(fifo, process(scene, graph, 1, 0), "read", "data");
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(reader_blocks, "pipes", "a reader that blocks before its writer writes", "file_read",
     "the reader comes from the writer")

static void wait_and_write(struct scene *scene)
{
	take_file(in(scene, "from"));
	await();
	MUST(write(scene->fd[1], "x", 1) == 1);
	told();
}

static void block_and_read(struct scene *scene)
{
	char byte;

	told();
	MUST(read(scene->fd[0], &byte, 1) == 1);
	put_file(in(scene, "to"), "x");
}

ACT(reader_blocks)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!pipe(scene->fd));
	actor(scene, 0, wait_and_write);
	actor(scene, 1, block_and_read);
	done(scene, 1);
	blocked(scene, 1);
	step(scene, 0);
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(reader_blocks)
{
	EXPECT_REACHES(process(scene, graph, 0, 0), process(scene, graph, 1, 0));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(written_later, "pipes", "what is written after the read is no ancestor of it", "file_read",
     "no path from the later writer to what was made of the first")

static void read_one(struct scene *scene)
{
	char byte;

	await();
	MUST(read(scene->fd[0], &byte, 1) == 1);
	put_file(in(scene, "to"), "x");
	told();
	await();
	MUST(read(scene->fd[0], &byte, 1) == 1);
	put_file(in(scene, "to-late"), "x");
}

static void write_late(struct scene *scene)
{
	take_file(in(scene, "late"));
	MUST(write(scene->fd[1], "y", 1) == 1);
}

ACT(written_later)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	EXPECT(!pipe(scene->fd));
	actor(scene, 1, read_one);
	run(scene, 0, write_secret);
	step(scene, 1);
	run(scene, 2, write_late);
	go(scene, 1);
	finish(scene, 1);
}

CHECK(written_later)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "late"), file(scene, graph, "to-late"));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-late"));
}

CASE(writer_learns, "pipes", "a writer that reads more between two writes", "file_written",
     "the second reader has it, the first has not")

static void write_twice(struct scene *scene)
{
	MUST(write(scene->fd[1], "1", 1) == 1);
	told();
	await();
	take_file(in(scene, "from"));
	MUST(write(scene->fd[1], "2", 1) == 1);
	told();
}

static void read_first(struct scene *scene)
{
	char byte;

	MUST(read(scene->fd[0], &byte, 1) == 1);
	put_file(in(scene, "to-1"), "x");
}

static void read_second(struct scene *scene)
{
	char byte;

	MUST(read(scene->fd[0], &byte, 1) == 1);
	put_file(in(scene, "to-2"), "x");
}

ACT(writer_learns)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!pipe(scene->fd));
	actor(scene, 0, write_twice);
	done(scene, 0);
	run(scene, 1, read_first);
	step(scene, 0);
	run(scene, 2, read_second);
	finish(scene, 0);
}

CHECK(writer_learns)
{
	EXPECT_REACHES(process(scene, graph, 0, 0), file(scene, graph, "to-1"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-1"));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-2"));
}

CASE(full_pipe, "pipes", "a writer that blocks on a full pipe", "file_written",
     "the reader comes from the writer although it is not done")

static void write_much(struct scene *scene)
{
	static const char zeroes[200000];

	take_file(in(scene, "from"));
	told();
	MUST(write(scene->fd[1], zeroes, sizeof(zeroes)) == sizeof(zeroes));
}

static void read_some(struct scene *scene)
{
	static char buffer[65536];
	size_t left = 200000;
	ssize_t got;

	got = read(scene->fd[0], buffer, sizeof(buffer));
	MUST(got > 0);
	put_file(in(scene, "to"), "x");
	for (left -= got; left; left -= got)
		MUST((got = read(scene->fd[0], buffer, sizeof(buffer))) > 0);
}

ACT(full_pipe)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!pipe(scene->fd));
	actor(scene, 0, write_much);
	done(scene, 0);
	blocked(scene, 0);
	run(scene, 1, read_some);
	finish(scene, 0);
}

CHECK(full_pipe)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(failed_before, "pipes", "a write that fails, and then vmsplice into another pipe in its place",
     "file_permission, file_spliced", "the reader of the second comes from who wrote to it")

/* The compiler must not see that it is no address. */
static void *volatile nowhere = (void *)1;

/* What is told of the failed write must not be taken for the beginning of another. */
static void fail_then_vmsplice(struct scene *scene)
{
	struct iovec vector = { "x", 1 };
	int ends[2], fd;
	char byte;

	MUST(!pipe(ends));
	MUST(write(ends[1], "x", 1) == 1 && read(ends[0], &byte, 1) == 1);
	take_file(in(scene, "from"));
	MUST(write(ends[1], nowhere, 1) < 0 && errno == EFAULT);
	close(ends[0]);
	close(ends[1]);
	/* The kernel gives it the memory of the open file that went last. */
	fd = open(in(scene, "fifo"), O_WRONLY);
	MUST(fd >= 0 && vmsplice(fd, &vector, 1, 0) == 1);
}

static void read_fifo_and_keep(struct scene *scene)
{
	take_file(in(scene, "fifo"));
	put_file(in(scene, "to"), "x");
}

ACT(failed_before)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!mkfifo(in(scene, "fifo"), 0600));
	actor(scene, 1, read_fifo_and_keep);
	blocked(scene, 1);
	run(scene, 0, fail_then_vmsplice);
	finish(scene, 1);
}

CHECK(failed_before)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, "fifo"), "write", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(failed_same, "pipes", "a write that fails, and then tee into the same pipe",
     "file_permission, file_spliced", "no edge into a version that was read before")

static void fail_then_tee(struct scene *scene)
{
	char byte;

	MUST(write(scene->fd[1], "x", 1) == 1);
	take_file(in(scene, "failed"));
	MUST(write(scene->fd[1], nowhere, 1) < 0 && errno == EFAULT);
	told();
	await();
	take_file(in(scene, "from"));
	MUST(tee(scene->fd[2], scene->fd[1], 1, 0) == 1);
	MUST(read(scene->fd[2], &byte, 1) == 1);
	told();
}

static void read_into(struct scene *scene, const char *name)
{
	char byte;

	MUST(read(scene->fd[0], &byte, 1) == 1);
	put_file(in(scene, name), "x");
}

static void read_before_tee(struct scene *scene)
{
	read_into(scene, "to-before");
}

static void read_after_tee(struct scene *scene)
{
	read_into(scene, "to-after");
}

ACT(failed_same)
{
	put_file(in(scene, "failed"), "f");
	put_file(in(scene, "from"), "f");
	EXPECT(!pipe(scene->fd) && !pipe(scene->fd + 2));
	EXPECT(write(scene->fd[3], "y", 1) == 1);
	actor(scene, 0, fail_then_tee);
	done(scene, 0);
	run(scene, 1, read_before_tee);
	step(scene, 0);
	run(scene, 2, read_after_tee);
	finish(scene, 0);
}

CHECK(failed_same)
{
	EXPECT_NOT_REACHES(file(scene, graph, "failed"), file(scene, graph, "to-before"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-before"));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-after"));
}

CASE(splice_blocked, "pipes", "splice and tee into a pipe whose reader already waits",
     "file_spliced", "the reader comes from the file, a hundred times of a hundred")

#define SPLICES	100

/* Each time another file, and one byte of it, to a reader that waits on another CPU. */
static void splice_many(struct scene *scene)
{
	char name[32], byte;

	for (int i = 0; i < SPLICES; i++) {
		int fd;

		snprintf(name, sizeof(name), "from-%d", i);
		fd = open(in(scene, name), O_RDONLY);
		MUST(fd >= 0);
		if (i % 2) {
			MUST(splice(fd, NULL, scene->fd[1], NULL, 1, 0) == 1);
		} else {
			MUST(splice(fd, NULL, scene->fd[5], NULL, 1, 0) == 1);
			MUST(tee(scene->fd[4], scene->fd[1], 1, 0) == 1);
			MUST(read(scene->fd[4], &byte, 1) == 1);
		}
		close(fd);
		MUST(read(scene->fd[2], &byte, 1) == 1);
	}
}

static void read_many(struct scene *scene)
{
	char name[32], byte;

	for (int i = 0; i < SPLICES; i++) {
		MUST(read(scene->fd[0], &byte, 1) == 1);
		snprintf(name, sizeof(name), "to-%d", i);
		put_file(in(scene, name), "x");
		MUST(write(scene->fd[3], "x", 1) == 1);
	}
}

ACT(splice_blocked)
{
	char name[32];

	for (int i = 0; i < SPLICES; i++) {
		snprintf(name, sizeof(name), "from-%d", i);
		put_file(in(scene, name), "f");
	}
	EXPECT(!pipe(scene->fd) && !pipe(scene->fd + 2) && !pipe(scene->fd + 4));
	actor(scene, 1, read_many);
	blocked(scene, 1);
	run(scene, 0, splice_many);
	finish(scene, 1);
}

CHECK(splice_blocked)
{
	char from[32], to[32];

	for (int i = 0; i < SPLICES; i++) {
		snprintf(from, sizeof(from), "from-%d", i);
		snprintf(to, sizeof(to), "to-%d", i);
		EXPECT_REACHES(file(scene, graph, from), file(scene, graph, to));
	}
}

CASE(splice_waits, "pipes", "splice from an empty pipe, which waits for its writer, to a file",
     "splice_begun, splice_taken", "who reads the file at once comes from the writer")

static void write_after(struct scene *scene)
{
	take_file(in(scene, "from"));
	await();
	MUST(write(scene->fd[1], "x", 1) == 1);
}

static void splice_to_file(struct scene *scene)
{
	const int to = open(in(scene, "to"), O_WRONLY | O_CREAT, 0644);

	MUST(to >= 0);
	told();
	MUST(splice(scene->fd[0], NULL, to, NULL, 10, 0) == 1);
}

ACT(splice_waits)
{
	put_file(in(scene, "from"), "f");
	EXPECT(!pipe(scene->fd));
	actor(scene, 0, write_after);
	actor(scene, 1, splice_to_file);
	done(scene, 1);
	blocked(scene, 1);
	go(scene, 0);
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(splice_waits)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_EDGES(process(scene, graph, 1, 0), file(scene, graph, "to"), "write", "data", 1);
}

/*
 * Without the data passing through the memory of who moves it.  scene->fd[2] and
 * [3] are a second pipe.
 */

static void begin_two_pipes(struct scene *scene)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "other"), "o");
	EXPECT(!pipe(scene->fd) && !pipe(scene->fd + 2));
}

static void read_second_pipe(struct scene *scene)
{
	char byte;

	told();
	MUST(read(scene->fd[2], &byte, 1) == 1);
	put_file(in(scene, "to-2"), "x");
}

static void splice_pipes(struct scene *scene)
{
	MUST(splice(scene->fd[0], NULL, scene->fd[3], NULL, 1, 0) == 1);
}

/* The reader of the second pipe waits; "other" is learnt too late. */
static void act_second_pipe(struct scene *scene, actor_fn mover)
{
	begin_two_pipes(scene);
	run(scene, 0, write_secret);
	actor(scene, 2, read_second_pipe);
	done(scene, 2);
	blocked(scene, 2);
	run(scene, 1, mover);
	finish(scene, 2);
}

static void check_second_pipe(struct scene *scene, struct graph *graph)
{
	const int mover = process(scene, graph, 1, 0), reader = process(scene, graph, 2, 0);
	const int first = graph_to(graph, process(scene, graph, 0, 0), "write");
	const int second = graph_from(graph, reader, "read");

	EXPECT(first != second);
	EXPECT_EDGES(first, mover, "read", "data", 1);
	EXPECT_EDGES(mover, second, "write", "data", 1);
	EXPECT_EDGES(second, reader, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-2"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "to-2"));
	EXPECT_NOT_REACHES(reader, mover);
}

CASE(splice_pipes, "pipes", "splice from a pipe into a pipe whose reader waits", "file_spliced",
     "pipe to process: read; process to pipe: write; data")

static void splice_and_learn(struct scene *scene)
{
	splice_pipes(scene);
	take_file(in(scene, "other"));
}

ACT(splice_pipes)
{
	act_second_pipe(scene, splice_and_learn);
}

CHECK(splice_pipes)
{
	check_second_pipe(scene, graph);
}

CASE(tee, "pipes", "tee into a pipe whose reader waits; the data stays in the first", "file_spliced",
     "pipe to process: read; process to pipe: write; data")

static void tee_and_learn(struct scene *scene)
{
	MUST(tee(scene->fd[0], scene->fd[3], 1, 0) == 1);
	take_file(in(scene, "other"));
}

ACT(tee)
{
	act_second_pipe(scene, tee_and_learn);
	run(scene, 3, read_and_write);
}

CHECK(tee)
{
	check_second_pipe(scene, graph);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(process(scene, graph, 1, 0), process(scene, graph, 3, 0));
}

CASE(vmsplice, "pipes", "vmsplice into a pipe whose reader waits, and out of it", "file_spliced, "
     "file_read", "process to pipe: write; pipe to process: read; data")

static void vmsplice_secret(struct scene *scene)
{
	static char byte = 'x';
	const struct iovec iov = { .iov_base = &byte, .iov_len = 1 };

	take_file(in(scene, "from"));
	/* What it takes later can be in the page until that is read: see page.c. */
	MUST(vmsplice(scene->fd[3], &iov, 1, 0) == 1);
}

static void vmsplice_out(struct scene *scene)
{
	char byte;
	const struct iovec iov = { .iov_base = &byte, .iov_len = 1 };

	MUST(vmsplice(scene->fd[2], &iov, 1, 0) == 1);
	put_file(in(scene, "to"), "x");
}

ACT(vmsplice)
{
	begin_two_pipes(scene);
	actor(scene, 1, read_second_pipe);
	done(scene, 1);
	blocked(scene, 1);
	run(scene, 0, vmsplice_secret);
	finish(scene, 1);
	run(scene, 2, vmsplice_secret);
	run(scene, 3, vmsplice_out);
}

CHECK(vmsplice)
{
	const int writer = process(scene, graph, 0, 0), reader = process(scene, graph, 1, 0);
	const int node = graph_to(graph, writer, "write");

	EXPECT(!strcmp(graph_string(graph, node, "kind"), "pipe"));
	EXPECT_EDGES(writer, node, "write", "data", 1);
	EXPECT_EDGES(node, reader, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-2"));
	EXPECT_EDGES(node, process(scene, graph, 3, 0), "read", "data", 1);
	EXPECT_REACHES(process(scene, graph, 2, 0), file(scene, graph, "to"));
}

CASE(vmsplice_partly, "outcome",
     "vmsplice out of a pipe, into memory that ends before the data (EFAULT)",
     "file_read, pipe_buffer_read",
     "pipe, and file whose page is in it, to process: read, data; none if nothing was copied")

#define PIECE	64

/* So many bytes before memory that is not there. */
static struct iovec before_the_end(size_t bytes)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	char *const map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

	MUST(map != MAP_FAILED && !munmap(map + page, page));
	return (struct iovec){ .iov_base = map + page - bytes, .iov_len = PIECE };
}

/* All but the last byte of it. */
static void take_partly(struct scene *scene, int fd, const char *to)
{
	const struct iovec vector = before_the_end(PIECE - 1);
	const char *const copy = vector.iov_base;

	MUST(vmsplice(fd, &vector, 1, 0) < 0 && errno == EFAULT);
	MUST(copy[0] == 'x' && copy[PIECE - 2] == 'x');
	put_file(in(scene, to), "x");
}

static void take_written(struct scene *scene)
{
	take_partly(scene, scene->fd[0], "to");
}

static void take_spliced(struct scene *scene)
{
	take_partly(scene, scene->fd[2], "to-2");
}

static void take_no_byte(struct scene *scene)
{
	const struct iovec vector = before_the_end(0);
	int ends[2];

	MUST(vmsplice(scene->fd[0], &vector, 1, 0) < 0 && errno == EFAULT);
	MUST(vmsplice(scene->fd[2], &vector, 1, 0) < 0 && errno == EFAULT);
	MUST(!pipe(ends));
	MUST(vmsplice(ends[0], &vector, 1, SPLICE_F_NONBLOCK) < 0 && errno == EAGAIN);
	put_file(in(scene, "nothing"), "x");
}

static void write_piece(struct scene *scene)
{
	char piece[PIECE];

	memset(piece, 'x', PIECE);
	take_file(in(scene, "from"));
	MUST(write(scene->fd[1], piece, PIECE) == PIECE);
}

static void splice_piece(struct scene *scene)
{
	const int page = open(in(scene, "page"), O_RDONLY);

	MUST(page >= 0 && splice(page, NULL, scene->fd[3], NULL, PIECE, 0) == PIECE);
}

/* What is in the page that the pipe refers to is what is in the file then. */
static void change_page(struct scene *scene)
{
	take_file(in(scene, "other"));
	put_file(in(scene, "page"), "x");
}

ACT(vmsplice_partly)
{
	char piece[PIECE + 1] = "";

	begin_two_pipes(scene);
	put_file(in(scene, "page"), memset(piece, 'x', PIECE));
	run(scene, 0, write_piece);
	run(scene, 1, splice_piece);
	run(scene, 2, take_no_byte);
	run(scene, 3, change_page);
	run(scene, 4, take_written);
	run(scene, 5, take_spliced);
}

CHECK(vmsplice_partly)
{
	const int page = file(scene, graph, "page"), none = process(scene, graph, 2, 0);
	const int taker = process(scene, graph, 4, 0), taker_2 = process(scene, graph, 5, 0);
	const int first = graph_to(graph, process(scene, graph, 0, 0), "write");
	const int second = graph_to(graph, process(scene, graph, 1, 0), "write");

	EXPECT_EDGES(first, taker, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_EDGES(second, taker_2, "read", "data", 1);
	EXPECT_EDGES(page, taker_2, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "to-2"));
	EXPECT_NO_EDGE(ANY, none, "read");
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "nothing"));
	EXPECT_NOT_REACHES(page, file(scene, graph, "nothing"));
}

CASE(splice_file, "pipes", "splice and sendfile from a file into a pipe whose reader waits",
     "file_spliced", "the reader comes from the file, though it can be faster than the call")

static void splice_file(struct scene *scene)
{
	const int from = open(in(scene, "from"), O_RDONLY);

	MUST(from >= 0 && splice(from, NULL, scene->fd[3], NULL, 1, 0) == 1);
}

static void send_file(struct scene *scene)
{
	const int from = open(in(scene, "from"), O_RDONLY);

	MUST(from >= 0 && sendfile(scene->fd[1], from, NULL, 1) == 1);
}

static void wait_for_sent(struct scene *scene)
{
	told();
	read_and_write(scene);
}

ACT(splice_file)
{
	begin_two_pipes(scene);
	actor(scene, 0, read_second_pipe);
	actor(scene, 1, wait_for_sent);
	done(scene, 0);
	done(scene, 1);
	blocked(scene, 0);
	run(scene, 2, splice_file);
	run(scene, 3, send_file);
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(splice_file)
{
	EXPECT_EDGES(file(scene, graph, "from"), process(scene, graph, 2, 0), "read", "data", 1);
	EXPECT_EDGES(process(scene, graph, 2, 0), ANY, "write", "data", 1);
	EXPECT_EDGES(process(scene, graph, 3, 0), ANY, "write", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-2"));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(splice_empty, "pipes", "splice, tee and vmsplice of nothing, or into a full pipe", "file_spliced",
     "no edge")

static void move_nothing(struct scene *scene)
{
	char byte;
	const struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	const int in = scene->fd[0], out = scene->fd[3];

	MUST(splice(in, NULL, out, NULL, 1, SPLICE_F_NONBLOCK) < 0 && errno == EAGAIN);
	MUST(tee(in, out, 1, SPLICE_F_NONBLOCK) < 0 && errno == EAGAIN);
	MUST(vmsplice(scene->fd[1], &iov, 0, SPLICE_F_NONBLOCK) == 0);
}

ACT(splice_empty)
{
	begin_two_pipes(scene);
	run(scene, 0, move_nothing);
}

CHECK(splice_empty)
{
	const int mover = process(scene, graph, 0, 0);

	EXPECT_NO_EDGE(mover, ANY, "write");
	EXPECT_NO_EDGE(ANY, mover, "read");
}
