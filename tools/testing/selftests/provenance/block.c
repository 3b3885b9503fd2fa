// SPDX-License-Identifier: GPL-2.0
/* Loop devices and their files, and file systems on block devices */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/membarrier.h>

#include "flow.h"
#include "uring.h"

#define IMAGE_BYTES	(8 << 20)
#define BLOCK		4096

/* The loop device of the case that is performed, for its children. */
static char device[32];

static void make_image(const char *path)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	EXPECT(fd >= 0);
	EXPECT(!ftruncate(fd, IMAGE_BYTES));
	close(fd);
}

/* Give a free loop device the image as its file. */
static void attach(const char *image, bool read_only, unsigned int flags)
{
	const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	const int file = open(image, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	struct loop_config config = { .fd = file, .info.lo_flags = flags };
	int fd;

	EXPECT(control >= 0 && file >= 0);
	snprintf(device, sizeof(device), "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
	close(control);
	fd = open(device, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	EXPECT(fd >= 0, "%s: %s", device, strerror(errno));
	EXPECT(!ioctl(fd, LOOP_CONFIGURE, &config), "%s", strerror(errno));
	close(file);
	close(fd);
}

static bool is_attached(const char *name)
{
	const int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct loop_info64 info;
	bool is = true;

	if (fd >= 0)
		is = !ioctl(fd, LOOP_GET_STATUS64, &info) || errno != ENXIO;
	close(fd);
	return is;
}

/* Others can have it open for a moment: it loses its file when they close it. */
static void detach(const char *name)
{
	const int fd = open(name, O_RDONLY | O_CLOEXEC);

	EXPECT(!ioctl(fd, LOOP_CLR_FD), "%s", strerror(errno));
	close(fd);
	for (int i = 0; i < 200 && is_attached(name); i++)
		pause_ms(20);
	EXPECT(!is_attached(name));
}

static void write_block(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	static const char block[BLOCK] = "x";

	MUST(fd >= 0);
	for (int i = 0; i < 10; i++)
		MUST(pwrite(fd, block, BLOCK, 0) == BLOCK);
	close(fd);
}

static void read_block(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	char block[BLOCK];

	MUST(fd >= 0);
	for (int i = 0; i < 10; i++)
		MUST(pread(fd, block, BLOCK, 0) == BLOCK);
	close(fd);
}

static void learn_and_write_device(struct scene *scene)
{
	take_file(in(scene, "secret"));
	write_block(device);
}

static void learn_and_write_image(struct scene *scene)
{
	take_file(in(scene, "secret"));
	write_block(in(scene, "image"));
}

static void read_image(struct scene *scene)
{
	read_block(in(scene, "image"));
	put_file(in(scene, "copy"), "x");
}

static void read_image_early(struct scene *scene)
{
	read_block(in(scene, "image"));
	put_file(in(scene, "early"), "x");
}

static void read_device(struct scene *scene)
{
	read_block(device);
	put_file(in(scene, "copy"), "x");
}

static void read_device_early(struct scene *scene)
{
	read_block(device);
	put_file(in(scene, "early"), "x");
}

CASE(loop_written, "through the kernel", "a loop device written, and its file read",
     "loop_bound, loop_unbound",
     "write to the device; use, data, to the loop device and its file; attach, control, by who gives it the file; nothing to who read the file before")

ACT(loop_written)
{
	put_file(in(scene, "secret"), "s");
	make_image(in(scene, "image"));
	attach(in(scene, "image"), false, 0);
	run(scene, 0, read_image_early);
	run(scene, 1, learn_and_write_device);
	run(scene, 2, read_image);
	detach(device);
}

CHECK(loop_written)
{
	const int writer = process(scene, graph, 1, 0);
	const int written = graph_to(graph, writer, "write");
	const int image = file(scene, graph, "image");
	const int loop = graph_to(graph, image, "use");

	EXPECT(!strcmp(graph_string(graph, written, "kind"), "blockdev"));
	EXPECT(!strcmp(graph_string(graph, loop, "kind"), "loop"));
	EXPECT(!strncmp(graph_string(graph, loop, "name"), "loop", 4));
	EXPECT_EDGES(writer, written, "write", "data", 1);
	EXPECT_EDGE(written, loop, "use", "data");
	EXPECT_EDGE(loop, image, "use", "data");
	EXPECT_EDGES(ANY, loop, "attach", "control", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "early"));
	/* What the threads of the loop device do is not somebody's. */
	EXPECT(graph_count(graph, ANY, image, "write", NULL) == 0);
	EXPECT(graph_count(graph, image, ANY, "read", NULL) == 2);
}

CASE(loop_read, "through the kernel", "a loop device read whose file was written", "loop_bound",
     "use, data, from the file to the loop device, and to the device; nothing to who read it before")

ACT(loop_read)
{
	put_file(in(scene, "secret"), "s");
	make_image(in(scene, "image"));
	attach(in(scene, "image"), false, 0);
	run(scene, 0, read_device_early);
	run(scene, 1, learn_and_write_image);
	run(scene, 2, read_device);
	detach(device);
}

CHECK(loop_read)
{
	const int read = graph_from(graph, process(scene, graph, 2, 0), "read");

	EXPECT(!strcmp(graph_string(graph, read, "kind"), "blockdev"));
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "early"));
}

static void fail_to_write_device(struct scene *scene)
{
	static const char block[BLOCK] = "x";
	int fd;

	take_file(in(scene, "other"));
	fd = open(device, O_RDWR | O_CLOEXEC);
	MUST(fd < 0 || pwrite(fd, block, BLOCK, 0) < 0);
	close(fd);
}

CASE(loop_read_only, "through the kernel", "a loop device that must not be written", "loop_bound",
     "use, data, from the file; nothing to it")

ACT(loop_read_only)
{
	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "other"), "o");
	make_image(in(scene, "image"));
	attach(in(scene, "image"), true, 0);
	run(scene, 1, learn_and_write_image);
	run(scene, 0, fail_to_write_device);
	run(scene, 2, read_device);
	detach(device);
}

CHECK(loop_read_only)
{
	const int image = file(scene, graph, "image");
	const int loop = graph_to(graph, image, "use");

	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
	EXPECT_NO_DATA(loop, image);
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "copy"));
}

static void read_device_again(struct scene *scene)
{
	read_block(device);
	put_file(in(scene, "again"), "x");
}

static void learn_other_and_write_device(struct scene *scene)
{
	take_file(in(scene, "other"));
	write_block(device);
}

CASE(loop_detached, "through the kernel", "a loop device that gets another file",
     "loop_unbound, loop_bound",
     "nothing from the old file to the new one or who reads it, and nothing back")

ACT(loop_detached)
{
	char first[32];

	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "other"), "o");
	make_image(in(scene, "image"));
	make_image(in(scene, "image2"));
	attach(in(scene, "image"), false, 0);
	strcpy(first, device);
	run(scene, 0, learn_and_write_device);
	detach(device);
	attach(in(scene, "image2"), false, 0);
	EXPECT(!strcmp(first, device), "%s and %s", first, device);
	run(scene, 1, read_device_again);
	run(scene, 2, learn_other_and_write_device);
	detach(device);
	run(scene, 3, read_image);
}

CHECK(loop_detached)
{
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "again"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "image2"));
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "image2"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "copy"));
}

static void zero_device(struct scene *scene)
{
	const int fd = open(device, O_RDWR | O_CLOEXEC);
	uint64_t range[2] = { 0, BLOCK };

	take_file(in(scene, "secret"));
	MUST(fd >= 0 && !ioctl(fd, BLKZEROOUT, range));
	close(fd);
}

static void fail_to_zero_device(struct scene *scene)
{
	const int fd = open(device, O_RDONLY | O_CLOEXEC);
	uint64_t range[2] = { 0, BLOCK };

	(void)scene;
	MUST(fd >= 0 && ioctl(fd, BLKZEROOUT, range) && errno == EBADF);
	close(fd);
}

CASE(cut, "outcome",
     "a loop device read without the cache (O_DIRECT), whose file has become too short",
     "file_read", "read, data")

static void read_beyond_end(struct scene *scene)
{
	char *const blocks = mmap(NULL, 4 * BLOCK, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int fd = open(device, O_RDONLY | O_DIRECT | O_CLOEXEC);

	MUST(fd >= 0 && blocks != MAP_FAILED);
	MUST(pread(fd, blocks, 4 * BLOCK, 0) < 0 && errno == EIO && *blocks == 'x');
	put_file(in(scene, "copy"), "x");
}

ACT(cut)
{
	put_file(in(scene, "secret"), "s");
	make_image(in(scene, "image"));
	run(scene, 0, learn_and_write_image);
	attach(in(scene, "image"), false, 0);
	EXPECT(!truncate(in(scene, "image"), BLOCK));
	run(scene, 1, read_beyond_end);
	detach(device);
}

CHECK(cut)
{
	const int who = process(scene, graph, 1, 0);

	EXPECT_EDGES(graph_from(graph, who, "read"), who, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
}

CASE(zeroed, "through the kernel", "blocks of a loop device zeroed (BLKZEROOUT)", "device_erased",
     "write, data, and on to the file of the device")

ACT(zeroed)
{
	put_file(in(scene, "secret"), "s");
	make_image(in(scene, "image"));
	attach(in(scene, "image"), false, 0);
	run(scene, 0, fail_to_zero_device);
	run(scene, 1, zero_device);
	run(scene, 2, read_image);
	detach(device);
}

CHECK(zeroed)
{
	const int zeroed = graph_to(graph, process(scene, graph, 1, 0), "write");

	EXPECT_EDGES(process(scene, graph, 1, 0), zeroed, "write", "data", 1);
	EXPECT_NO_EDGE(process(scene, graph, 0, 0), zeroed, "write");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
}

/* BLOCK_URING_CMD_DISCARD, which older headers do not have. */
#define DISCARD	_IO(0x12, 0)

static int discard(int flags)
{
	struct io_uring_sqe *sqe;
	struct ring ring;

	ring_open(&ring, 0);
	sqe = ring_sqe(&ring, IORING_OP_URING_CMD, open(device, flags | O_CLOEXEC), NULL, 0, 0);
	sqe->cmd_op = DISCARD;
	sqe->addr3 = BLOCK;
	return ring_go(&ring);
}

static void discard_on_device(struct scene *scene)
{
	take_file(in(scene, "secret"));
	MUST(discard(O_RDWR) == 0);
}

static void fail_to_discard(struct scene *scene)
{
	(void)scene;
	MUST(discard(O_RDONLY) == -EBADF);
}

CASE(discarded, "through the kernel", "io_uring: blocks of a loop device discarded",
     "device_erased", "write, data, and on to the file of the device; nothing for who fails")

ACT(discarded)
{
	put_file(in(scene, "secret"), "s");
	make_image(in(scene, "image"));
	attach(in(scene, "image"), false, 0);
	run(scene, 0, fail_to_discard);
	run(scene, 1, discard_on_device);
	run(scene, 2, read_image);
	detach(device);
}

CHECK(discarded)
{
	const int discarder = process(scene, graph, 1, 0);
	const int erased = graph_to(graph, discarder, "write");

	EXPECT(!strcmp(graph_string(graph, erased, "kind"), "blockdev"));
	EXPECT_EDGES(discarder, erased, "write", "data", 1);
	EXPECT_NO_DATA(erased, discarder);
	EXPECT_NO_DATA(process(scene, graph, 0, 0), erased);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
}

static void read_alias(struct scene *scene)
{
	char alias[64];

	snprintf(alias, sizeof(alias), "%s.alias", device);
	read_block(alias);
	put_file(in(scene, "copy"), "x");
}

CASE(names, "through the kernel", "a block device by two special files", "file_post_open",
     "write and read, data, of one node")

ACT(names)
{
	char alias[64];
	struct stat stat;

	put_file(in(scene, "secret"), "s");
	make_image(in(scene, "image"));
	attach(in(scene, "image"), false, 0);
	snprintf(alias, sizeof(alias), "%s.alias", device);
	EXPECT(!lstat(device, &stat));
	EXPECT(!mknod(alias, S_IFBLK | 0600, stat.st_rdev));
	run(scene, 0, learn_and_write_device);
	run(scene, 1, read_alias);
	unlink(alias);
	detach(device);
}

CHECK(names)
{
	const int read = graph_from(graph, process(scene, graph, 1, 0), "read");

	EXPECT(read == graph_to(graph, process(scene, graph, 0, 0), "write"));
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
}

/* A table with one partition, from 1 MiB on. */
static void make_partition(const char *image)
{
	static const unsigned char entry[] = {
		0, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 16, 0, 0,
	};
	const int fd = open(image, O_WRONLY | O_CLOEXEC);

	EXPECT(pwrite(fd, entry, sizeof(entry), 446) == sizeof(entry));
	EXPECT(pwrite(fd, "\x55\xaa", 2, 510) == 2);
	close(fd);
}

/* udev has partitions read once more; not while one is open. */
static void learn_and_write_partition(struct scene *scene)
{
	char partition[64];
	int fd = -1;

	snprintf(partition, sizeof(partition), "%sp1", device);
	for (int i = 0; i < 500 && fd < 0; i++) {
		fd = open(partition, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			pause_ms(20);
	}
	MUST(fd >= 0);
	take_file(in(scene, "secret"));
	write_block(partition);
	close(fd);
}

CASE(partition, "through the kernel", "a partition of a loop device written, and its file read",
     "loop_bound", "write to the partition; use, data, to the loop device and its file")

ACT(partition)
{
	put_file(in(scene, "secret"), "s");
	make_image(in(scene, "image"));
	make_partition(in(scene, "image"));
	attach(in(scene, "image"), false, LO_FLAGS_PARTSCAN);
	run(scene, 0, read_image_early);
	run(scene, 1, learn_and_write_partition);
	run(scene, 2, read_image);
	detach(device);
}

CHECK(partition)
{
	const int partition = graph_to(graph, process(scene, graph, 1, 0), "write");
	const int loop = graph_to(graph, file(scene, graph, "image"), "use");

	EXPECT_EDGE(partition, loop, "use", "data");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "early"));
}

/* As long as somebody has a partition open, it stays. */
static void scan_again(void)
{
	const int fd = open(device, O_RDONLY | O_CLOEXEC);
	int err = -1;

	for (int i = 0; i < 500 && err; i++) {
		err = ioctl(fd, BLKRRPART);
		if (err)
			pause_ms(20);
	}
	EXPECT(!err, "%s", strerror(errno));
	close(fd);
}

static void write_partition(struct scene *scene)
{
	learn_and_write_partition(scene);
	put_file(in(scene, "mark"), "x");
}

CASE(partition_gone, "through the kernel", "a loop device whose partitions are looked for again",
     "loop_bound", "the node of the partition that was there ends, and what it held is in the file")

ACT(partition_gone)
{
	put_file(in(scene, "secret"), "s");
	make_image(in(scene, "image"));
	make_partition(in(scene, "image"));
	attach(in(scene, "image"), false, LO_FLAGS_PARTSCAN);
	run(scene, 1, learn_and_write_partition);
	scan_again();
	/* What was there is freed after a grace period. */
	syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	pause_ms(100);
	run(scene, 2, write_partition);
	run(scene, 3, read_image);
	detach(device);
}

CHECK(partition_gone)
{
	const int partition = graph_to(graph, process(scene, graph, 1, 0), "write");
	const int mark = file(scene, graph, "mark");

	EXPECT_NODE(partition);
	EXPECT_NODE(mark);
	EXPECT(partition != graph_to(graph, process(scene, graph, 2, 0), "write"));
	EXPECT(*graph_string(graph, partition, "end") &&
	       strcmp(graph_string(graph, partition, "end"),
		      graph_string(graph, mark, "first")) < 0,
	       "%s, not before %s", graph_string(graph, partition, "end"),
	       graph_string(graph, mark, "first"));
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
}

/* Files that are in the file system from the beginning. */
static const char *const seeds[] = { "first", "second", "third" };

static void make_file_system(struct scene *scene, const char *target)
{
	char seed_dir[PATH_MAX];
	pid_t pid;
	int status;

	take_file(in(scene, "secret"));
	strcpy(seed_dir, in(scene, "seed"));
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		execlp("mke2fs", "mke2fs", "-q", "-F", "-t", "ext4", "-d", seed_dir, target, "8M",
		       NULL);
		_exit(127);
	}
	MUST(waitpid(pid, &status, 0) == pid && !status);
}

static void format_image(struct scene *scene)
{
	make_file_system(scene, in(scene, "image"));
}

static void prepare(struct scene *scene)
{
	char path[PATH_MAX];

	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "other"), "o");
	EXPECT(!mkdir(in(scene, "seed"), 0755));
	EXPECT(!mkdir(in(scene, "mnt"), 0755));
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		snprintf(path, sizeof(path), "seed/%s", seeds[i]);
		put_file(in(scene, path), "seed");
	}
}

static void read_first(struct scene *scene)
{
	take_file(in(scene, "mnt/first"));
	put_file(in(scene, "copy"), "x");
}

static void learn_other_and_write_file(struct scene *scene)
{
	take_file(in(scene, "other"));
	put_file(in(scene, "mnt/new"), "x");
}

static void read_second(struct scene *scene)
{
	take_file(in(scene, "mnt/second"));
	put_file(in(scene, "copy_of_second"), "x");
}

static void make_and_read_fresh(struct scene *scene)
{
	put_file(in(scene, "mnt/fresh"), "x");
	take_file(in(scene, "mnt/fresh"));
	put_file(in(scene, "copy_of_fresh"), "x");
}

static void read_image_while_mounted(struct scene *scene)
{
	read_block(in(scene, "image"));
	put_file(in(scene, "while_mounted"), "x");
}

static void learn_late_and_write_file(struct scene *scene)
{
	take_file(in(scene, "late"));
	put_file(in(scene, "mnt/third"), "x");
}

static void read_third(struct scene *scene)
{
	take_file(in(scene, "mnt/third"));
	put_file(in(scene, "copy_of_third"), "x");
}

static void read_new(struct scene *scene)
{
	take_file(in(scene, "mnt/new"));
	put_file(in(scene, "copy_of_new"), "x");
}

static void drop_inodes(void)
{
	const int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	sync();
	EXPECT(write(fd, "3", 1) == 1);
	close(fd);
}

static void read_image_after(struct scene *scene)
{
	read_block(in(scene, "image"));
	put_file(in(scene, "after"), "x");
}

CASE(file_system, "through the kernel", "a file system on a loop device",
     "sb_set_mnt_opts, inode_init_security, inode_free_security",
     "use, data, from the device to files that were on it, and from files that are written to the loop device; nothing from one file to another, or to a new one")

ACT(file_system)
{
	prepare(scene);
	put_file(in(scene, "late"), "l");
	make_image(in(scene, "image"));
	run(scene, 0, format_image);
	attach(in(scene, "image"), false, 0);
	EXPECT(!mount(device, in(scene, "mnt"), "ext4", 0, NULL), "%s", strerror(errno));
	run(scene, 1, read_first);
	run(scene, 2, learn_other_and_write_file);
	run(scene, 3, read_second);
	run(scene, 3, make_and_read_fresh);
	run(scene, 4, read_image_while_mounted);
	run(scene, 5, learn_late_and_write_file);
	drop_inodes();
	run(scene, 1, read_new);
	run(scene, 1, read_third);
	EXPECT(!umount(in(scene, "mnt")));
	detach(device);
	run(scene, 4, read_image_after);
}

CHECK(file_system)
{
	const int image = file(scene, graph, "image");
	const int loop = graph_to(graph, image, "use");

	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
	EXPECT_REACHES(image, file(scene, graph, "copy"));
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy_of_second"));
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "while_mounted"));
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "after"));
	EXPECT_REACHES(file(scene, graph, "late"), file(scene, graph, "after"));
	EXPECT(graph_count(graph, ANY, loop, "use", "data") >= 4);
	/* Out of memory and back. */
	EXPECT_REACHES(file(scene, graph, "late"), file(scene, graph, "copy_of_third"));
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "copy_of_new"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "copy_of_new"));
	EXPECT_NO_DATA(file(scene, graph, "mnt/first"), loop);
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "copy"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "copy_of_second"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "copy_of_fresh"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy_of_fresh"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "while_mounted"));
}

/* Behind the first sector, a FAT, and the root. */
#define FAT_DATA	((1 + 7 + 1) * 512)

/* An empty FAT with 12 bits, one sector a cluster, and a serial number. */
static void make_fat(const char *image)
{
	static const unsigned char boot[] = {
		0xeb, 0x3c, 0x90, 'l', 'p', 'm',
		[11] = 0x00, 0x02,	/* bytes of a sector */
		[13] = 1,		/* sectors of a cluster */
		[14] = 1, 0,		/* reserved */
		[16] = 1,		/* FATs */
		[17] = 16, 0,		/* entries of the root */
		[19] = 0x00, 0x08,	/* sectors */
		[21] = 0xf8,
		[22] = 7, 0,		/* sectors of a FAT */
		[38] = 0x29, 1, 2, 3, 4,
	};
	const int fd = open(image, O_WRONLY | O_CLOEXEC);

	EXPECT(pwrite(fd, boot, sizeof(boot), 0) == sizeof(boot));
	EXPECT(pwrite(fd, "\x55\xaa", 2, 510) == 2);
	EXPECT(pwrite(fd, "\xf8\xff\xff", 3, 512) == 3);
	close(fd);
}

static void learn_and_write_new(struct scene *scene)
{
	take_file(in(scene, "secret"));
	put_file(in(scene, "mnt/new"), "x");
}

CASE(fat, "through the kernel",
     "a file of a FAT on a loop device, which has another number when it is loaded again",
     "sb_set_mnt_opts, inode_free_security", "use, data, from and to the device")

ACT(fat)
{
	put_file(in(scene, "secret"), "s");
	EXPECT(!mkdir(in(scene, "mnt"), 0755));
	make_image(in(scene, "image"));
	make_fat(in(scene, "image"));
	attach(in(scene, "image"), false, 0);
	EXPECT(!mount(device, in(scene, "mnt"), "vfat", 0, NULL), "%s", strerror(errno));
	run(scene, 0, learn_and_write_new);
	drop_inodes();
	run(scene, 1, read_new);
	EXPECT(!umount(in(scene, "mnt")));
	detach(device);
}

CHECK(fat)
{
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy_of_new"));
}

static void learn_and_write_blocks(struct scene *scene)
{
	char *const blocks = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int fd = open(in(scene, "mnt/blocks"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	take_file(in(scene, "other"));
	MUST(fd >= 0 && blocks != MAP_FAILED);
	memset(blocks, 'x', 2 * BLOCK);
	MUST(write(fd, blocks, 2 * BLOCK) == 2 * BLOCK && !fsync(fd));
	close(fd);
}

/* The first of them is there, and the second beyond the end of what the device is made of. */
static void read_cut_file(struct scene *scene)
{
	char *const blocks = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int fd = open(in(scene, "mnt/blocks"), O_RDONLY | O_DIRECT | O_CLOEXEC);

	MUST(fd >= 0 && blocks != MAP_FAILED);
	MUST(pread(fd, blocks, 2 * BLOCK, 0) < 0 && errno == EIO && *blocks == 'x');
	put_file(in(scene, "copy"), "x");
}

CASE(fat_cut, "outcome",
     "a file of a FAT read without the cache (O_DIRECT), on a loop device that has become too short",
     "file_read", "read, data")

ACT(fat_cut)
{
	put_file(in(scene, "other"), "o");
	EXPECT(!mkdir(in(scene, "mnt"), 0755));
	make_image(in(scene, "image"));
	make_fat(in(scene, "image"));
	attach(in(scene, "image"), false, 0);
	EXPECT(!mount(device, in(scene, "mnt"), "vfat", 0, NULL), "%s", strerror(errno));
	run(scene, 0, learn_and_write_blocks);
	EXPECT(!truncate(in(scene, "image"), FAT_DATA + BLOCK));
	run(scene, 1, read_cut_file);
	EXPECT(!umount(in(scene, "mnt")));
	detach(device);
}

CHECK(fat_cut)
{
	const int who = process(scene, graph, 1, 0);

	EXPECT_EDGES(graph_from(graph, who, "read"), who, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "copy"));
}

static void learn_and_store(struct scene *scene)
{
	const int fd = open(in(scene, "mnt/first"), O_RDWR | O_CLOEXEC);
	char *const page = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	MUST(page != MAP_FAILED);
	close(fd);
	take_file(in(scene, "other"));
	page[0] = 'x';
	told();
	await();
}

CASE(file_mapped, "through the kernel", "a file on a loop device that is mapped and written",
     "sb_set_mnt_opts, mapping_added",
     "mmap_write, and use, data, when the file of the loop device is read")

ACT(file_mapped)
{
	prepare(scene);
	make_image(in(scene, "image"));
	run(scene, 0, format_image);
	attach(in(scene, "image"), false, 0);
	EXPECT(!mount(device, in(scene, "mnt"), "ext4", 0, NULL), "%s", strerror(errno));
	run(scene, 1, read_image_early);
	actor(scene, 2, learn_and_store);
	done(scene, 2);
	run(scene, 3, read_image);
	go(scene, 2);
	finish(scene, 2);
	EXPECT(!umount(in(scene, "mnt")));
	detach(device);
}

CHECK(file_mapped)
{
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "copy"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "early"));
}

static void change_fd(struct scene *scene, const char *image)
{
	const int file = open(in(scene, image), O_RDONLY | O_CLOEXEC);
	const int fd = open(device, O_RDONLY | O_CLOEXEC);

	EXPECT(file >= 0 && fd >= 0);
	EXPECT(!ioctl(fd, LOOP_CHANGE_FD, file), "%s", strerror(errno));
	close(file);
	close(fd);
}

CASE(loop_changed, "through the kernel", "a loop device whose file is replaced", "loop_bound",
     "use, data, from the new file, and from the old one no more")

static void learn_other_and_write_image(struct scene *scene)
{
	take_file(in(scene, "other"));
	write_block(in(scene, "image2"));
}

static void read_device_after_all(struct scene *scene)
{
	read_block(device);
	put_file(in(scene, "after_all"), "x");
}

ACT(loop_changed)
{
	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "other"), "o");
	make_image(in(scene, "image"));
	make_image(in(scene, "image2"));
	attach(in(scene, "image2"), true, 0);
	change_fd(scene, "image");
	run(scene, 0, learn_other_and_write_image);
	run(scene, 1, learn_and_write_image);
	run(scene, 2, read_device_after_all);
	detach(device);
}

CHECK(loop_changed)
{
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "after_all"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "after_all"));
}

#define DISK	"/dev/ram1"

static void format_disk(struct scene *scene)
{
	make_file_system(scene, DISK);
}

CASE(disk, "through the kernel", "a file system on a disk that was formatted",
     "sb_set_mnt_opts, inode_init_security",
     "use, data, from the disk to files that were on it, not to new ones")

ACT(disk)
{
	if (access(DISK, F_OK)) {
		flow_skip("no RAM disk");
		return;
	}
	prepare(scene);
	run(scene, 0, format_disk);
	EXPECT(!mount(DISK, in(scene, "mnt"), "ext4", 0, NULL), "%s", strerror(errno));
	run(scene, 1, read_first);
	run(scene, 2, learn_other_and_write_file);
	run(scene, 3, read_second);
	run(scene, 3, make_and_read_fresh);
	EXPECT(!umount(in(scene, "mnt")));
}

CHECK(disk)
{
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy_of_second"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy_of_fresh"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "copy_of_second"));
}

/* The request is over before it is known that it cannot go on. */
static void read_into_less_memory(struct scene *scene)
{
	char *const blocks = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int fd = open(in(scene, "mnt/blocks"), O_RDONLY | O_DIRECT | O_CLOEXEC);
	struct ring ring;

	ring_open(&ring, 0);
	/* Not before, or the ring is mapped there. */
	MUST(fd >= 0 && blocks != MAP_FAILED && !munmap(blocks + BLOCK, BLOCK));
	ring_sqe(&ring, IORING_OP_READ, fd, blocks, 2 * BLOCK, 0);
	MUST(ring_go(&ring) == -EFAULT && *blocks == 'x');
	put_file(in(scene, "copy"), "x");
}

CASE(disk_cut, "outcome",
     "io_uring: a file of a disk read without the cache (O_DIRECT) into memory that ends",
     "request_done", "read, data")

ACT(disk_cut)
{
	if (access(DISK, F_OK)) {
		flow_skip("no RAM disk");
		return;
	}
	prepare(scene);
	run(scene, 2, format_disk);
	EXPECT(!mount(DISK, in(scene, "mnt"), "ext4", 0, NULL), "%s", strerror(errno));
	run(scene, 0, learn_and_write_blocks);
	run(scene, 1, read_into_less_memory);
	EXPECT(!umount(in(scene, "mnt")));
}

CHECK(disk_cut)
{
	const int who = process(scene, graph, 1, 0);

	EXPECT_EDGES(graph_from(graph, who, "read"), who, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "copy"));
}
