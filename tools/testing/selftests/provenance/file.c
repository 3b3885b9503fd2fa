// SPDX-License-Identifier: GPL-2.0
/* What is in files: read, write, map, truncate, attributes */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "copy.h"

#define BLOCKS	4

/* A file of whole blocks, which all have that letter. */
static void put_blocks(const char *path, char letter)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	char text[BLOCKS * BLOCK];

	memset(text, letter, sizeof(text));
	MUST(fd >= 0 && write(fd, text, sizeof(text)) == sizeof(text) && !fsync(fd));
	close(fd);
}

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

CASE(fallocate, "file data", "fallocate: space made, a hole, zeroes, blocks taken out and put in",
     "file_permission, file_written",
     "process to file: write, data; who reads the file has what the process had learnt")

/* Each is done to the second block of a file of its own. */
static const struct {
	const char *name;
	int mode;
} allocations[] = {
	{ "made", 0 },
	{ "punched", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE },
	{ "zeroed", FALLOC_FL_ZERO_RANGE },
	{ "collapsed", FALLOC_FL_COLLAPSE_RANGE },
	{ "inserted", FALLOC_FL_INSERT_RANGE },
};

#define ALLOCATIONS	((int)(sizeof(allocations) / sizeof(*allocations)))

static void allocate(struct scene *scene)
{
	take_file(in(scene, "from"));
	for (int i = 0; i < ALLOCATIONS; i++) {
		const int fd = must_open(scene, allocations[i].name, O_WRONLY);

		MUST(!fallocate(fd, allocations[i].mode, BLOCK, BLOCK));
		close(fd);
	}
	take_file(in(scene, "late"));
}

static void read_collapsed(struct scene *scene)
{
	take_file(in(scene, "collapsed"));
	put_file(in(scene, "to"), "x");
}

ACT(fallocate)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	put_file(in(scene, "made"), "");
	for (int i = 1; i < ALLOCATIONS; i++)
		put_blocks(in(scene, allocations[i].name), 'a');
	run(scene, 0, allocate);
	run(scene, 1, read_collapsed);
}

CHECK(fallocate)
{
	const int who = process(scene, graph, 0, 0);

	for (int i = 0; i < ALLOCATIONS; i++) {
		const int node = file(scene, graph, allocations[i].name);

		EXPECT_EDGES(who, node, "write", "data", 1);
		EXPECT_REACHES(file(scene, graph, "from"), node);
		EXPECT_NO_DATA(node, who);
	}
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
}

CASE(fallocate_failed, "file data", "fallocate that fails", "file_permission", "no edge")

static void allocate_in_vain(struct scene *scene)
{
	const int reader = must_open(scene, "file", O_RDONLY);
	const int fd = must_open(scene, "file", O_RDWR);

	MUST(fallocate(reader, 0, 0, BLOCK) && errno == EBADF);
	MUST(fallocate(fd, 0, 0, 0) && errno == EINVAL);
	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, BLOCK) && errno == EOPNOTSUPP);
	MUST(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 1, BLOCK) && errno == EINVAL);
	MUST(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, BLOCKS * BLOCK) && errno == EINVAL);
}

ACT(fallocate_failed)
{
	put_blocks(in(scene, "file"), 'a');
	run(scene, 0, allocate_in_vain);
}

CHECK(fallocate_failed)
{
	EXPECT_NO_DATA(process(scene, graph, 0, 0), file(scene, graph, "file"));
	EXPECT_NO_DATA(file(scene, graph, "file"), process(scene, graph, 0, 0));
}

/*
 * Reflinks: XFS can share blocks, at "xfs" on a loop device.  It is never smaller than 300 MiB.
 * "mount -o loop" would have the device open to write to it, and so must nobody who mounts it.
 */
static void mount_xfs(const struct scene *scene)
{
	char command[256];

	snprintf(command, sizeof(command), "set -e; cd %s\n"
		 "truncate -s 320M image\n"
		 "mkfs.xfs -q -m reflink=1 image\n"
		 "mkdir xfs\n"
		 "device=$(losetup -f --show image)\n"
		 "mount -t xfs $device xfs\n"
		 "losetup -d $device\n", scene->dir);
	EXPECT(!system(command));
}

static void unmount_xfs(const struct scene *scene)
{
	EXPECT(!umount(in(scene, "xfs")), "%s", strerror(errno));
}

static void learn_and_write(struct scene *scene)
{
	take_file(in(scene, "secret"));
	put_blocks(in(scene, "xfs/from"), 's');
}

CASE(reflink, "file data", "reflinks: FICLONE, FICLONERANGE of a part, cp --reflink",
     "file_permission, file_read, file_written",
     "file to process: read, data; process to file: write, data")

static void clone_whole(struct scene *scene)
{
	const int from = must_open(scene, "xfs/from", O_RDONLY);

	MUST(!ioctl(must_open(scene, "xfs/whole", O_WRONLY | O_CREAT), FICLONE, from));
}

static void clone_part(struct scene *scene)
{
	struct file_clone_range range = {
		.src_fd = must_open(scene, "xfs/from", O_RDONLY),
		.src_offset = BLOCK, .src_length = BLOCK,
	};

	MUST(!ioctl(must_open(scene, "xfs/part", O_WRONLY | O_CREAT), FICLONERANGE, &range));
}

static void clone_by_cp(struct scene *scene)
{
	execl("/bin/cp", "cp", "--reflink=always", in(scene, "xfs/from"), in(scene, "xfs/copy"),
	      NULL);
	MUST(false);
}

static void read_part(struct scene *scene)
{
	const int fd = must_open(scene, "xfs/part", O_RDONLY);
	char text[2 * BLOCK];

	MUST(read(fd, text, sizeof(text)) == BLOCK && text[0] == 's' && text[BLOCK - 1] == 's');
	put_file(in(scene, "to"), "x");
}

ACT(reflink)
{
	put_file(in(scene, "secret"), "s");
	mount_xfs(scene);
	run(scene, 0, learn_and_write);
	run(scene, 1, clone_whole);
	run(scene, 2, clone_part);
	run(scene, 3, clone_by_cp);
	run(scene, 4, read_part);
	unmount_xfs(scene);
}

CHECK(reflink)
{
	static const char *const to[] = { "xfs/whole", "xfs/part", "xfs/copy" };
	const int from = file(scene, graph, "xfs/from");

	for (int i = 0; i < 3; i++) {
		/* cp is what was executed. */
		const int who = process(scene, graph, i + 1, i == 2);
		const int node = file(scene, graph, to[i]);

		EXPECT_EDGES(from, who, "read", "data", 1);
		/* What it knew before, and what it has by the clone. */
		EXPECT_EDGES(who, node, "write", "data", 2);
		EXPECT_REACHES(file(scene, graph, "secret"), node);
		EXPECT_NO_DATA(who, from);
		EXPECT_NO_DATA(node, who);
		EXPECT_NOT_REACHES(node, from);
	}
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "xfs/whole"), file(scene, graph, "to"));
}

CASE(reflink_failed, "file data", "reflinks that fail", "file_permission",
     "no edge")

static void clone_in_vain(struct scene *scene)
{
	const int from = must_open(scene, "xfs/from", O_RDONLY);
	const int to = must_open(scene, "xfs/to", O_RDWR | O_CREAT);
	struct file_clone_range range = {
		.src_fd = from, .src_length = BLOCK, .dest_offset = 1,
	};

	MUST(ioctl(to, FICLONE, must_open(scene, "other", O_RDONLY)) && errno == EXDEV);
	MUST(ioctl(must_open(scene, "other", O_WRONLY), FICLONE,
		   must_open(scene, "other", O_RDONLY)) && errno == EOPNOTSUPP);
	MUST(ioctl(must_open(scene, "xfs/to", O_RDONLY), FICLONE, from) && errno == EBADF);
	MUST(ioctl(to, FICLONE, must_open(scene, "xfs/from", O_WRONLY)) && errno == EBADF);
	MUST(ioctl(to, FICLONERANGE, &range) && errno == EINVAL);
}

ACT(reflink_failed)
{
	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "other"), "o");
	mount_xfs(scene);
	run(scene, 0, learn_and_write);
	run(scene, 1, clone_in_vain);
	unmount_xfs(scene);
}

CHECK(reflink_failed)
{
	static const char *const names[] = { "xfs/from", "xfs/to", "other" };

	for (int i = 0; i < 3; i++) {
		EXPECT_NO_DATA(process(scene, graph, 1, 0), file(scene, graph, names[i]));
		EXPECT_NO_DATA(file(scene, graph, names[i]), process(scene, graph, 1, 0));
	}
	EXPECT_NOT_REACHES(file(scene, graph, "xfs/from"), file(scene, graph, "xfs/to"));
}

CASE(reflink_nothing, "file data", "a reflink of an empty file", "file_permission", "no edge")

static void clone_nothing(struct scene *scene)
{
	const int from = must_open(scene, "xfs/empty", O_RDONLY);

	MUST(!ioctl(must_open(scene, "xfs/to", O_WRONLY | O_CREAT), FICLONE, from));
}

ACT(reflink_nothing)
{
	mount_xfs(scene);
	put_file(in(scene, "xfs/empty"), "");
	run(scene, 0, clone_nothing);
	unmount_xfs(scene);
}

CHECK(reflink_nothing)
{
	const int who = process(scene, graph, 0, 0);

	EXPECT_NO_DATA(file(scene, graph, "xfs/empty"), who);
	EXPECT_NO_DATA(who, file(scene, graph, "xfs/to"));
}

CASE(dedupe, "file data", "FIDEDUPERANGE: of equal content, of other, and without the right",
     "file_permission", "no data edge: that files are the same is no content")

/* Return: what is said of it. */
static int deduplicate(struct scene *scene, const char *name, int flags)
{
	const int from = must_open(scene, "xfs/from", O_RDONLY);
	struct file_dedupe_range *const range =
		calloc(1, sizeof(*range) + sizeof(struct file_dedupe_range_info));

	MUST(range);
	range->src_length = BLOCK;
	range->dest_count = 1;
	range->info[0].dest_fd = must_open(scene, name, flags);
	MUST(!ioctl(from, FIDEDUPERANGE, range));
	MUST(range->info[0].status || range->info[0].bytes_deduped == BLOCK);
	return range->info[0].status;
}

static void deduplicate_same(struct scene *scene)
{
	MUST(deduplicate(scene, "xfs/same", O_RDWR) == FILE_DEDUPE_RANGE_SAME);
	put_file(in(scene, "after"), "x");
}

static void deduplicate_other(struct scene *scene)
{
	MUST(deduplicate(scene, "xfs/other", O_RDWR) == FILE_DEDUPE_RANGE_DIFFERS);
}

static void deduplicate_unallowed(struct scene *scene)
{
	MUST(!setresuid(65534, 65534, 65534));
	MUST(deduplicate(scene, "xfs/same", O_RDONLY) == -EPERM);
}

ACT(dedupe)
{
	put_file(in(scene, "secret"), "s");
	mount_xfs(scene);
	run(scene, 0, learn_and_write);
	put_blocks(in(scene, "xfs/same"), 's');
	put_blocks(in(scene, "xfs/other"), 'o');
	run(scene, 1, deduplicate_same);
	run(scene, 2, deduplicate_other);
	run(scene, 3, deduplicate_unallowed);
	unmount_xfs(scene);
}

CHECK(dedupe)
{
	static const char *const names[] = { "xfs/same", "xfs/other", "xfs/same" };
	const int from = file(scene, graph, "xfs/from");

	for (int i = 0; i < 3; i++) {
		const int who = process(scene, graph, i + 1, 0), to = file(scene, graph, names[i]);

		EXPECT_NO_DATA(from, who);
		EXPECT_NO_DATA(to, who);
		EXPECT_NO_DATA(who, to);
		EXPECT_NO_DATA(who, from);
		EXPECT_NOT_REACHES(from, to);
	}
	EXPECT_EDGES(process(scene, graph, 1, 0), file(scene, graph, "after"), "write", "data", 1);
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "after"));
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
