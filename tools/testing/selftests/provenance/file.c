// SPDX-License-Identifier: GPL-2.0
/* What is in files: read, write, map, truncate, attributes */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "flow.h"

CASE(read_write, "file data", "read and write", "file_permission, file_read, file_written",
     "file to process: read, data; process to file: write, data")

static void copy_file(struct scene *scene)
{
	take_file(in(scene, "from"));
	put_file(in(scene, "to"), "x");
}

ACT(read_write)
{
	put_file(in(scene, "from"), "f");
	run(scene, 0, copy_file);
}

CHECK(read_write)
{
	const int from = file(scene, graph, "from"), to = file(scene, graph, "to");
	const int node = process(scene, graph, 0, 0);

	EXPECT_EDGES(from, node, "read", "data", 1);
	EXPECT_EDGES(node, to, "write", "data", 1);
	EXPECT_REACHES(from, to);
	EXPECT_NOT_REACHES(to, from);
	EXPECT_NO_EDGE(node, from, "write");
	EXPECT_NO_EDGE(to, node, "read");
}

CASE(read_late, "file data", "a file read after the write is no ancestor of it", "file_read",
     "no path from what was read later")

static void write_then_read(struct scene *scene)
{
	take_file(in(scene, "early"));
	put_file(in(scene, "to"), "x");
	take_file(in(scene, "late"));
}

ACT(read_late)
{
	put_file(in(scene, "early"), "e");
	put_file(in(scene, "late"), "l");
	run(scene, 0, write_then_read);
}

CHECK(read_late)
{
	EXPECT_REACHES(file(scene, graph, "early"), file(scene, graph, "to"));
	EXPECT_EDGE(file(scene, graph, "late"), process(scene, graph, 0, 0), "read", "data");
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
}

CASE(write_again, "file data", "write, read more, write again through one descriptor",
     "file_written", "both writes, of two versions")

static void write_read_write(struct scene *scene)
{
	const int fd = open(in(scene, "to"), O_WRONLY | O_CREAT, 0644);

	MUST(fd >= 0);
	MUST(write(fd, "1", 1) == 1);
	take_file(in(scene, "second"));
	MUST(write(fd, "2", 1) == 1);
	MUST(write(fd, "3", 1) == 1);
}

ACT(write_again)
{
	put_file(in(scene, "second"), "s");
	run(scene, 0, write_read_write);
}

CHECK(write_again)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, "to"), "write", "data", 2);
	EXPECT_REACHES(file(scene, graph, "second"), file(scene, graph, "to"));
}

CASE(vectors, "file data", "readv, writev, pread, pwrite, preadv, pwritev",
     "file_read, file_written", "as read and write")

static void copy_by(struct scene *scene, const char *from_name, const char *to_name, int how)
{
	const int from = open(in(scene, from_name), O_RDONLY);
	const int to = open(in(scene, to_name), O_WRONLY | O_CREAT, 0644);
	char one[1], two[1];
	struct iovec io[2] = { { one, 1 }, { two, 1 } };

	MUST(from >= 0 && to >= 0);
	switch (how) {
	case 0:
		MUST(readv(from, io, 2) == 2 && writev(to, io, 2) == 2);
		break;
	case 1:
		MUST(pread(from, one, 1, 1) == 1 && pwrite(to, one, 1, 5) == 1);
		break;
	case 2:
		MUST(preadv(from, io, 2, 0) == 2 && pwritev(to, io, 2, 0) == 2);
		break;
	}
}

static void copy_readv(struct scene *scene)
{
	copy_by(scene, "from", "to-0", 0);
}

static void copy_pread(struct scene *scene)
{
	copy_by(scene, "from", "to-1", 1);
}

static void copy_preadv(struct scene *scene)
{
	copy_by(scene, "from", "to-2", 2);
}

ACT(vectors)
{
	put_file(in(scene, "from"), "from");
	run(scene, 0, copy_readv);
	run(scene, 1, copy_pread);
	run(scene, 2, copy_preadv);
}

CHECK(vectors)
{
	static const char *const to[] = { "to-0", "to-1", "to-2" };

	for (int i = 0; i < 3; i++) {
		const int node = process(scene, graph, i, 0);

		EXPECT_EDGES(file(scene, graph, "from"), node, "read", "data", 1);
		EXPECT_EDGES(node, file(scene, graph, to[i]), "write", "data", 1);
	}
}

CASE(copy_in_kernel, "file data", "sendfile and copy_file_range from file to file",
     "file_read, file_written", "file to process: read, data; process to file: write, data")

static void copy_sendfile(struct scene *scene)
{
	const int from = open(in(scene, "from"), O_RDONLY);
	const int to = open(in(scene, "to-0"), O_WRONLY | O_CREAT, 0644);

	MUST(from >= 0 && to >= 0);
	MUST(sendfile(to, from, NULL, 100) == 4);
}

static void copy_range(struct scene *scene)
{
	const int from = open(in(scene, "from"), O_RDONLY);
	const int to = open(in(scene, "to-1"), O_WRONLY | O_CREAT, 0644);

	MUST(from >= 0 && to >= 0);
	MUST(copy_file_range(from, NULL, to, NULL, 100, 0) == 4);
}

ACT(copy_in_kernel)
{
	put_file(in(scene, "from"), "from");
	run(scene, 0, copy_sendfile);
	run(scene, 1, copy_range);
}

CHECK(copy_in_kernel)
{
	static const char *const to[] = { "to-0", "to-1" };

	for (int i = 0; i < 2; i++) {
		EXPECT_EDGE(process(scene, graph, i, 0), file(scene, graph, to[i]), "write",
			    "data");
		EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, to[i]));
	}
}

CASE(splice_file, "file data", "splice from file to pipe and from pipe to file",
     "file_read, file_written", "file to pipe to file, by way of the process")

static void copy_splice(struct scene *scene)
{
	const int from = open(in(scene, "from"), O_RDONLY);
	const int to = open(in(scene, "to"), O_WRONLY | O_CREAT, 0644);
	int ends[2];

	MUST(from >= 0 && to >= 0 && !pipe(ends));
	MUST(splice(from, NULL, ends[1], NULL, 100, 0) == 4);
	MUST(splice(ends[0], NULL, to, NULL, 100, 0) == 4);
}

ACT(splice_file)
{
	put_file(in(scene, "from"), "from");
	run(scene, 0, copy_splice);
}

CHECK(splice_file)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(splice_to_pipe, "file data", "splice from file to a pipe that another process reads",
     "file_read, file_written", "file to pipe, by way of the process")

static void splice_into_pipe(struct scene *scene)
{
	const int from = open(in(scene, "from"), O_RDONLY);

	MUST(from >= 0);
	MUST(splice(from, NULL, scene->fd[1], NULL, 100, 0) == 4);
}

static void read_pipe(struct scene *scene)
{
	char buffer[8];

	MUST(read(scene->fd[0], buffer, sizeof(buffer)) == 4);
	put_file(in(scene, "to"), "x");
}

ACT(splice_to_pipe)
{
	put_file(in(scene, "from"), "from");
	EXPECT(!pipe(scene->fd));
	run(scene, 0, splice_into_pipe);
	run(scene, 1, read_pipe);
}

CHECK(splice_to_pipe)
{
	EXPECT_REACHES(process(scene, graph, 0, 0), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(splice_from_pipe, "file data", "splice from a pipe that another process wrote to a file",
     "file_read, file_written", "pipe to file, by way of the process")

static void write_pipe(struct scene *scene)
{
	take_file(in(scene, "from"));
	MUST(write(scene->fd[1], "data", 4) == 4);
}

static void splice_out_of_pipe(struct scene *scene)
{
	const int to = open(in(scene, "to"), O_WRONLY | O_CREAT, 0644);

	MUST(to >= 0);
	MUST(splice(scene->fd[0], NULL, to, NULL, 100, 0) == 4);
}

ACT(splice_from_pipe)
{
	put_file(in(scene, "from"), "from");
	EXPECT(!pipe(scene->fd));
	run(scene, 0, write_pipe);
	run(scene, 1, splice_out_of_pipe);
}

CHECK(splice_from_pipe)
{
	EXPECT_EDGE(process(scene, graph, 1, 0), file(scene, graph, "to"), "write", "data");
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(mmap_private, "file data", "mmap, private", "mapping_added", "file to process: mmap, data")

static void map_private(struct scene *scene)
{
	const int fd = open(in(scene, "from"), O_RDONLY);

	MUST(fd >= 0);
	MUST(mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	put_file(in(scene, "to"), "x");
}

ACT(mmap_private)
{
	put_file(in(scene, "from"), "from");
	run(scene, 0, map_private);
}

CHECK(mmap_private)
{
	const int from = file(scene, graph, "from"), node = process(scene, graph, 0, 0);

	EXPECT_EDGES(from, node, "mmap", "data", 1);
	EXPECT_NO_EDGE(node, from, "mmap_write");
	EXPECT_REACHES(from, file(scene, graph, "to"));
}

CASE(mmap_closed, "file data", "mmap without any right, read by way of /proc/self/mem",
     "mapping_added", "file to process: mmap, data")

static void map_and_look(struct scene *scene)
{
	const int fd = open(in(scene, "from"), O_RDONLY);
	const int memory = open("/proc/self/mem", O_RDONLY);
	char *place;
	char text[4];

	MUST(fd >= 0 && memory >= 0);
	place = mmap(NULL, 4, PROT_NONE, MAP_PRIVATE, fd, 0);
	MUST(place != MAP_FAILED);
	MUST(pread(memory, text, sizeof(text), (off_t)(uintptr_t)place) == sizeof(text));
	MUST(!memcmp(text, "from", sizeof(text)));
	put_file(in(scene, "to"), "x");
}

ACT(mmap_closed)
{
	put_file(in(scene, "from"), "from");
	run(scene, 0, map_and_look);
}

CHECK(mmap_closed)
{
	EXPECT_EDGES(file(scene, graph, "from"), process(scene, graph, 0, 0), "mmap", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(mmap_shared, "file data", "mmap, shared and writable", "mapping_added",
     "file to process: mmap, data; process to file: mmap_write, data")

static void map_shared(struct scene *scene)
{
	const int fd = open(in(scene, "to"), O_RDWR);

	take_file(in(scene, "from"));
	MUST(fd >= 0);
	MUST(mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
}

static void map_shared_to_read(struct scene *scene)
{
	const int fd = open(in(scene, "to"), O_RDWR);

	MUST(fd >= 0);
	MUST(mmap(NULL, 4, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
}

ACT(mmap_shared)
{
	put_file(in(scene, "from"), "from");
	put_file(in(scene, "to"), "to");
	run(scene, 0, map_shared);
	run(scene, 1, map_shared_to_read);
}

CHECK(mmap_shared)
{
	const int to = file(scene, graph, "to"), node = process(scene, graph, 0, 0);
	const int reader = process(scene, graph, 1, 0);

	EXPECT_EDGES(to, node, "mmap", "data", 1);
	EXPECT_EDGES(node, to, "mmap_write", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), to);
	EXPECT_EDGES(to, reader, "mmap", "data", 1);
	EXPECT_NO_EDGE(reader, to, "mmap_write");
}

CASE(mmap_failed, "file data", "an mmap that fails", "mapping_added", "no edge")

static void map_wrongly(struct scene *scene)
{
	const int fd = open(in(scene, "from"), O_RDONLY);

	MUST(fd >= 0);
	MUST(mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	MUST(mmap(NULL, 4, PROT_READ, MAP_PRIVATE, fd, 1) == MAP_FAILED);
}

ACT(mmap_failed)
{
	put_file(in(scene, "from"), "from");
	run(scene, 0, map_wrongly);
}

CHECK(mmap_failed)
{
	EXPECT_NO_DATA(file(scene, graph, "from"), process(scene, graph, 0, 0));
}

CASE(truncate, "file data", "truncate, ftruncate and O_TRUNC", "inode_post_setattr",
     "process to file: truncate, data")

static void truncate_path(struct scene *scene)
{
	MUST(!truncate(in(scene, "a"), 1));
}

static void truncate_descriptor(struct scene *scene)
{
	const int fd = open(in(scene, "b"), O_RDWR);

	MUST(fd >= 0 && !ftruncate(fd, 100));
}

static void truncate_by_open(struct scene *scene)
{
	MUST(open(in(scene, "c"), O_WRONLY | O_TRUNC) >= 0);
}

ACT(truncate)
{
	put_file(in(scene, "a"), "aaaa");
	put_file(in(scene, "b"), "bbbb");
	put_file(in(scene, "c"), "cccc");
	run(scene, 0, truncate_path);
	run(scene, 1, truncate_descriptor);
	run(scene, 2, truncate_by_open);
}

CHECK(truncate)
{
	static const char *const name[] = { "a", "b", "c" };

	for (int i = 0; i < 3; i++)
		EXPECT_EDGES(process(scene, graph, i, 0), file(scene, graph, name[i]), "truncate",
			     "data", 1);
}

CASE(setattr, "metadata", "chmod, chown and utimensat", "inode_post_setattr",
     "process to file: setattr, meta; new attributes")

static void change_attributes(struct scene *scene)
{
	const char *const path = in(scene, "file");
	const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 2 } };

	MUST(!chmod(path, 0640));
	MUST(!chown(path, 1, 2));
	MUST(!utimensat(AT_FDCWD, path, times, 0));
	MUST(!utimensat(AT_FDCWD, path, NULL, 0));
}

ACT(setattr)
{
	put_file(in(scene, "file"), "x");
	run(scene, 0, change_attributes);
}

CHECK(setattr)
{
	const int node = file(scene, graph, "file");

	EXPECT_EDGES(process(scene, graph, 0, 0), node, "setattr", "meta", 4);
	EXPECT(graph_integer(graph, node, "uid") == 1);
	EXPECT(graph_integer(graph, node, "gid") == 2);
	EXPECT(!strcmp(graph_string(graph, node, "mode"), "0100640"), "mode %s",
	       graph_string(graph, node, "mode"));
	/* Attributes are no content. */
	EXPECT_NO_DATA(process(scene, graph, 0, 0), node);
}

CASE(setattr_failed, "metadata", "chmod and chown that fail", "inode_post_setattr", "no edge")

static void change_in_vain(struct scene *scene)
{
	MUST(!setresuid(65534, 65534, 65534));
	MUST(chmod(in(scene, "file"), 0666) && errno == EPERM);
	MUST(chown(in(scene, "file"), 65534, 65534) && errno == EPERM);
	MUST(truncate(in(scene, "file"), 0) && errno == EACCES);
}

ACT(setattr_failed)
{
	put_file(in(scene, "file"), "x");
	run(scene, 0, change_in_vain);
}

CHECK(setattr_failed)
{
	const int node = process(scene, graph, 0, 0);

	EXPECT_NODE(node);
	EXPECT_NO_EDGE(node, ANY, "setattr");
	EXPECT_NO_EDGE(node, ANY, "truncate");
}

CASE(devices, "file data", "null, zero and urandom carry nothing; a terminal does", "file_read",
     "no edge through stateless devices")

static void use_devices(struct scene *scene)
{
	char buffer[16];
	int fd;

	take_file(in(scene, "from"));
	fd = open("/dev/null", O_RDWR);
	MUST(fd >= 0 && write(fd, "x", 1) == 1);
	fd = open("/dev/zero", O_RDWR);
	MUST(fd >= 0 && read(fd, buffer, 1) == 1 && write(fd, "x", 1) == 1);
	fd = open("/dev/urandom", O_RDONLY);
	MUST(fd >= 0 && read(fd, buffer, 1) == 1);
}

static void read_zero(struct scene *scene)
{
	char buffer[16];
	const int fd = open("/dev/zero", O_RDONLY);

	MUST(fd >= 0 && read(fd, buffer, 1) == 1);
	put_file(in(scene, "to"), "x");
}

static void use_terminal(struct scene *scene)
{
	const int master = posix_openpt(O_RDWR | O_NOCTTY);
	int slave;

	(void)scene;
	MUST(master >= 0 && !grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	MUST(slave >= 0 && write(slave, "x", 1) == 1);
}

ACT(devices)
{
	put_file(in(scene, "from"), "f");
	run(scene, 0, use_devices);
	run(scene, 1, read_zero);
	run(scene, 2, use_terminal);
}

CHECK(devices)
{
	const int user = process(scene, graph, 0, 0);

	EXPECT_NODE(user);
	EXPECT_NO_EDGE(user, ANY, "write");
	EXPECT_EDGES(ANY, user, "read", "data", 1);
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_EDGES(process(scene, graph, 2, 0), ANY, "write", "data", 1);
	EXPECT(!strcmp(graph_string(graph, graph_to(graph, process(scene, graph, 2, 0), "write"),
				    "kind"), "tty"));
}

CASE(memfd, "file data", "memfd_create, write, and read by a child", "file_written",
     "process to memfd to process, with its name")

static void use_memfd(struct scene *scene)
{
	take_file(in(scene, "from"));
	MUST(write(scene->fd[0], "x", 1) == 1);
}

static void read_memfd(struct scene *scene)
{
	char buffer[4];

	MUST(pread(scene->fd[0], buffer, 4, 0) == 1);
	put_file(in(scene, "to"), "x");
}

ACT(memfd)
{
	put_file(in(scene, "from"), "f");
	scene->fd[0] = memfd_create("a name", 0);
	run(scene, 0, use_memfd);
	run(scene, 1, read_memfd);
}

CHECK(memfd)
{
	const int node = graph_to(graph, process(scene, graph, 0, 0), "write");

	EXPECT(!strcmp(graph_string(graph, node, "kind"), "memfd"), "kind %s",
	       graph_string(graph, node, "kind"));
	EXPECT(strstr(graph_string(graph, node, "name"), "a name"), "name %s",
	       graph_string(graph, node, "name"));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(shell_redirection, "file data", "sh: cat a | tr > b, and an unrelated cat", "file_read",
     "a to b through the pipe, and nothing of the other")

static void pipeline(struct scene *scene)
{
	MUST(!chdir(scene->dir));
	execl("/bin/sh", "sh", "-c", "cat other > unrelated; cat a | tr a b > b", NULL);
}

ACT(shell_redirection)
{
	put_file(in(scene, "a"), "aaa\n");
	put_file(in(scene, "other"), "ooo\n");
	run(scene, 0, pipeline);
}

CHECK(shell_redirection)
{
	EXPECT_REACHES(file(scene, graph, "a"), file(scene, graph, "b"));
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "unrelated"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "b"));
	EXPECT_NOT_REACHES(file(scene, graph, "a"), file(scene, graph, "unrelated"));
}
