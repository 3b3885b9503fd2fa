// SPDX-License-Identifier: GPL-2.0
/* Pipes and fifos */
#include <fcntl.h>
#include <sys/stat.h>
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
	pause_ms(100);
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
	pause_ms(100);
	run(scene, 1, read_some);
	finish(scene, 0);
}

CHECK(full_pipe)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}
