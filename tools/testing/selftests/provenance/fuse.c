// SPDX-License-Identifier: GPL-2.0
/* A file system that a process serves, which speaks the protocol by itself */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <linux/fuse.h>

#include "flow.h"

#define BUFFER		(1 << 18)
#define FILES		9	/* "0" to "8" are nodes 2 to 10 */
#define SECRET_NODE	3
#define SLOW_NODE	4	/* its second half is only there when somebody says go() */
#define SPLICED_NODE	5	/* a child of the server makes what is in it */
#define REFUSED_NODE	6	/* what is written there the server takes, and refuses */
#define CUT_NODE	7	/* of its answer the server's memory has the beginning only */
#define NARROW_NODE	8	/* of what is written there the server has room for the beginning */
#define SILENT_NODE	9	/* what is written there the server takes, and says that it has not */
#define INVALID_NODE	10	/* what is written there the server takes, and says that it may not */

#define SLOW_BYTES	(256 * 1024)
#define SLOW_READ	(64 * 1024)
#define BLOCK		4096
#define FLOW_IOCTL	_IOWR('f', 1, char[8])

static const char content[] = "served";

static void fill(struct fuse_attr *attr, uint64_t node)
{
	*attr = (struct fuse_attr){
		.ino = node,
		.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0666,
		.nlink = 1,
		.size = node == FUSE_ROOT_ID ? 0 :
			node == SLOW_NODE ? SLOW_BYTES :
			node == INVALID_NODE ? BLOCK : sizeof(content),
		.blksize = 4096,
	};
}

struct reply {
	struct fuse_out_header header;
	union {
		struct fuse_init_out init;
		struct fuse_entry_out entry;
		struct fuse_attr_out attr;
		struct fuse_open_out open;
		struct fuse_write_out write;
		struct fuse_getxattr_out getxattr;
		struct fuse_ioctl_out ioctl;
		char data[SLOW_READ];
	};
};

/* Return: bytes of the answer. */
static int answer_slowly(const struct fuse_read_in *arg)
{
	static bool released;

	if (arg->offset >= SLOW_BYTES / 2 && !released) {
		told();
		await();
		released = true;
	}
	MUST(arg->size <= SLOW_READ);
	return arg->size;
}

static bool is_cut(const struct fuse_setattr_in *arg)
{
	return arg->valid & FATTR_SIZE;
}

/* Without the cache, whatever who opens it wants. */
static bool is_direct(const struct fuse_in_header *request, const struct fuse_open_in *arg)
{
	return request->nodeid == CUT_NODE ||
	       (request->nodeid == SILENT_NODE && arg->flags & O_DIRECT);
}

/* Return: bytes of the answer, or an errno, negative. */
static int answer(struct scene *scene, const struct fuse_in_header *request, const void *arg,
		  struct reply *reply)
{
	uint64_t node;

	switch (request->opcode) {
	case FUSE_INIT:
		reply->init = (struct fuse_init_out){
			.major = FUSE_KERNEL_VERSION,
			.minor = FUSE_KERNEL_MINOR_VERSION,
			.max_readahead = 4096,
			.max_write = 65536,
			.flags = FUSE_ASYNC_DIO,
		};
		return sizeof(reply->init);
	case FUSE_LOOKUP:
		node = *(const char *)arg - '0' + 2;
		if (node < 2 || node >= 2 + FILES || strlen(arg) != 1)
			return -ENOENT;
		reply->entry = (struct fuse_entry_out){ .nodeid = node };
		fill(&reply->entry.attr, node);
		return sizeof(reply->entry);
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		if (request->opcode == FUSE_SETATTR && is_cut(arg)) {
			told();
			await();
		}
		reply->attr = (struct fuse_attr_out){ .attr_valid = 0 };
		fill(&reply->attr.attr, request->nodeid);
		return sizeof(reply->attr);
	case FUSE_OPEN:
		reply->open = (struct fuse_open_out){
			.fh = 1,
			.open_flags = is_direct(request, arg) ? FOPEN_DIRECT_IO : 0,
		};
		return sizeof(reply->open);
	case FUSE_READ:
		if (request->nodeid == SLOW_NODE)
			return answer_slowly(arg);
		if (((const struct fuse_read_in *)arg)->offset)
			return 0;
		/* What it serves there it has to read first. */
		if (request->nodeid == SECRET_NODE || request->nodeid == CUT_NODE)
			take_file(in(scene, "secret"));
		memcpy(reply->data, content, sizeof(content));
		return sizeof(content);
	case FUSE_WRITE:
		reply->write = (struct fuse_write_out){
			.size = ((const struct fuse_write_in *)arg)->size,
		};
		put_file(in(scene, "stored"), "x");
		if (request->nodeid == REFUSED_NODE)
			return -EIO;
		if (request->nodeid == INVALID_NODE)
			return -EINVAL;
		if (request->nodeid == SILENT_NODE)
			reply->write.size = 0;
		return sizeof(reply->write);
	case FUSE_SETXATTR:
		put_file(in(scene, "stored_xattr"), "x");
		if (request->nodeid == REFUSED_NODE)
			return -EPERM;
		return 0;
	case FUSE_IOCTL:
		put_file(in(scene, "stored_ioctl"), "x");
		reply->ioctl = (struct fuse_ioctl_out){ .result = 0 };
		return sizeof(reply->ioctl) + 8;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_FSYNC:
		return 0;
	default:
		return -ENOSYS;
	}
}

/* What a child writes to a pipe is the answer, which the server never looks at. */
static void answer_spliced(struct scene *scene, const struct reply *reply)
{
	const int length = reply->header.len;
	int ends[2], status;
	pid_t pid;

	MUST(!pipe(ends));
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		take_file(in(scene, "secret"));
		MUST(write(ends[1], reply, length) == length);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid && !status);
	MUST(splice(ends[0], NULL, scene->fd[0], NULL, length, 0) == length);
	close(ends[0]);
	close(ends[1]);
}

static void answer_cut(struct scene *scene, const struct reply *reply)
{
	const int kept = sizeof(reply->header) + 2;
	const struct iovec io[2] = {
		{ (void *)reply, kept }, { (void *)8, reply->header.len - kept },
	};

	MUST(writev(scene->fd[0], io, 2) < 0 && errno == EFAULT);
}

#define NARROW		512	/* what all requests fit in but those with data */

/* There is nothing at the address of the rest. */
static ssize_t read_request(const struct scene *scene, char *buffer, bool narrow)
{
	const struct iovec io[2] = { { buffer, NARROW }, { (void *)8, BUFFER - NARROW } };

	return narrow ? readv(scene->fd[0], io, 2) : read(scene->fd[0], buffer, BUFFER);
}

static void keep_part(struct scene *scene, const char *request)
{
	MUST(request[NARROW - 1] == 'x');
	put_file(in(scene, "stored_part"), "x");
}

static void serve(struct scene *scene)
{
	static struct reply reply;
	char *const buffer = malloc(BUFFER);
	bool narrow = false;
	ssize_t bytes;

	MUST(buffer);
	told();
	while ((bytes = read_request(scene, buffer, narrow)) > 0 || errno == EINTR ||
	       errno == EFAULT) {
		struct fuse_in_header header;
		int length;

		if (bytes < 0 && errno == EFAULT) {
			MUST(narrow);
			keep_part(scene, buffer);
			narrow = false;
		}
		if (bytes < (ssize_t)sizeof(header))
			continue;
		memcpy(&header, buffer, sizeof(header));
		if (header.opcode == FUSE_FORGET || header.opcode == FUSE_BATCH_FORGET ||
		    header.opcode == FUSE_INTERRUPT)
			continue;
		narrow |= header.opcode == FUSE_OPEN && header.nodeid == NARROW_NODE;
		memset(&reply, 0, sizeof(reply));
		length = answer(scene, &header, buffer + sizeof(header), &reply);
		reply.header.unique = header.unique;
		reply.header.error = length < 0 ? length : 0;
		reply.header.len = sizeof(reply.header) + (length < 0 ? 0 : length);
		if (header.opcode == FUSE_READ && header.nodeid == SPLICED_NODE && length > 0)
			answer_spliced(scene, &reply);
		else if (header.opcode == FUSE_READ && header.nodeid == CUT_NODE && length > 0)
			answer_cut(scene, &reply);
		else
			/* Who asked may not wait for it any more. */
			MUST(write(scene->fd[0], &reply, reply.header.len) ==
			     reply.header.len || errno == ENOENT);
	}
	/* Unmounted. */
	MUST(errno == ENODEV);
}

/* Begins the server, role 0, of a file system at "mnt". */
static bool begin(struct scene *scene)
{
	char options[64];

	scene->fd[0] = open("/dev/fuse", O_RDWR);
	if (scene->fd[0] < 0) {
		flow_skip("no /dev/fuse");
		return false;
	}
	EXPECT(!mkdir(in(scene, "mnt"), 0755));
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0",
		 scene->fd[0]);
	put_file(in(scene, "secret"), "s");
	EXPECT(!mount("flow", in(scene, "mnt"), "fuse.flow", 0, options));
	actor(scene, 0, serve);
	done(scene, 0);
	return true;
}

static void end(struct scene *scene)
{
	EXPECT(!umount(in(scene, "mnt")));
	finish(scene, 0);
}

CASE(read, "through the kernel", "a file read that a FUSE server serves", "fuse_answered",
     "answer, data, server to inode, and read; nothing from what the server learnt later, "
     "nor to it from who reads")

static void read_first(struct scene *scene)
{
	take_file(in(scene, "other"));
	take_file(in(scene, "mnt/0"));
	put_file(in(scene, "before"), "x");
}

static void read_second(struct scene *scene)
{
	take_file(in(scene, "mnt/1"));
	put_file(in(scene, "after"), "x");
}

static void only_look(struct scene *scene)
{
	struct stat st;

	MUST(!stat(in(scene, "mnt/1"), &st));
	MUST(access(in(scene, "mnt/none"), F_OK));
	put_file(in(scene, "looked"), "x");
}

ACT(read)
{
	if (!begin(scene))
		return;
	put_file(in(scene, "other"), "o");
	run(scene, 1, read_first);
	run(scene, 2, read_second);
	run(scene, 3, only_look);
	end(scene);
}

CHECK(read)
{
	const int server = process(scene, graph, 0, 0), served = file(scene, graph, "mnt/1");

	EXPECT_EDGES(server, served, "answer", "data", 1);
	EXPECT_EDGES(served, process(scene, graph, 2, 0), "read", "data", 1);
	EXPECT_EDGE(served, server, "request", "meta");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "after"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "before"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "looked"));
	EXPECT_NO_DATA(served, server);
	EXPECT_NOT_REACHES(file(scene, graph, "other"), server);
	/* The device is one for all servers: nothing is recorded of it. */
	EXPECT(graph_path(graph, "/dev/fuse") == NO_NODE);
}

CASE(write, "through the kernel", "a file written that a FUSE server serves", "fuse_asked",
     "write, and request, data, inode to server, before it acts on it; nothing back")

static void write_it(struct scene *scene)
{
	int fd;

	take_file(in(scene, "secret"));
	fd = open(in(scene, "mnt/0"), O_WRONLY | O_CLOEXEC);
	MUST(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
}

ACT(write)
{
	if (!begin(scene))
		return;
	run(scene, 1, only_look);
	run(scene, 2, write_it);
	end(scene);
}

CHECK(write)
{
	const int server = process(scene, graph, 0, 0), served = file(scene, graph, "mnt/0");
	const int writer = process(scene, graph, 2, 0);

	EXPECT_EDGES(writer, served, "write", "data", 1);
	EXPECT_EDGES(served, server, "request", "data", 1);
	EXPECT_NO_DATA(server, served);
	EXPECT_NO_DATA(server, writer);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "stored"));
	EXPECT_NOT_REACHES(file(scene, graph, "stored"), writer);
}

CASE(refused, "through the kernel", "what a FUSE server takes, and then refuses",
     "file_written, inode_setxattr, fuse_asked", "write and setxattr, and request, data")

static void write_refused(struct scene *scene)
{
	int fd;

	take_file(in(scene, "secret"));
	fd = open(in(scene, "mnt/4"), O_WRONLY | O_CLOEXEC);
	MUST(fd >= 0 && write(fd, "x", 1) < 0 && errno == EIO);
	close(fd);
}

static void set_refused(struct scene *scene)
{
	take_file(in(scene, "other"));
	MUST(setxattr(in(scene, "mnt/4"), "user.flow", "x", 1, 0) && errno == EPERM);
}

ACT(refused)
{
	if (!begin(scene))
		return;
	put_file(in(scene, "other"), "o");
	run(scene, 1, write_refused);
	run(scene, 2, set_refused);
	end(scene);
}

CHECK(refused)
{
	const int server = process(scene, graph, 0, 0), served = file(scene, graph, "mnt/4");

	EXPECT_EDGES(process(scene, graph, 1, 0), served, "write", "data", 1);
	EXPECT_EDGES(process(scene, graph, 2, 0), served, "setxattr", "data", 1);
	EXPECT_EDGES(served, server, "request", "data", 2);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "stored"));
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "stored_xattr"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "stored"));
}

CASE(refused_direct, "through the kernel",
     "what a FUSE server takes past the cache (O_DIRECT), and then refuses",
     "request_begins, request_done, fuse_asked", "write and request, data")

static void write_direct(struct scene *scene)
{
	int fd;

	take_file(in(scene, "secret"));
	fd = open(in(scene, "mnt/4"), O_WRONLY | O_CLOEXEC | O_DIRECT);
	MUST(fd >= 0 && write(fd, "x", 1) < 0 && errno == EIO);
	close(fd);
}

ACT(refused_direct)
{
	if (!begin(scene))
		return;
	run(scene, 1, write_direct);
	end(scene);
}

CHECK(refused_direct)
{
	const int server = process(scene, graph, 0, 0), served = file(scene, graph, "mnt/4");

	EXPECT_EDGES(process(scene, graph, 1, 0), served, "write", "data", 1);
	EXPECT_EDGES(served, server, "request", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "stored"));
	EXPECT_NO_DATA(server, served);
}

CASE(silent, "through the kernel", "what a FUSE server takes, and says that it is nothing",
     "file_written, fuse_asked", "write and request, data; with O_DIRECT, too")

static void write_for_nothing(struct scene *scene, int flags)
{
	const int fd = open(in(scene, "mnt/7"), O_WRONLY | O_CLOEXEC | flags);
	ssize_t bytes;

	MUST(fd >= 0);
	bytes = write(fd, "x", 1);
	MUST(flags ? bytes == 0 : bytes < 0 && errno == EIO);
	close(fd);
}

static void write_for_nothing_kept(struct scene *scene)
{
	take_file(in(scene, "secret"));
	write_for_nothing(scene, 0);
}

static void write_for_nothing_direct(struct scene *scene)
{
	take_file(in(scene, "other"));
	write_for_nothing(scene, O_DIRECT);
}

ACT(silent)
{
	if (!begin(scene))
		return;
	put_file(in(scene, "other"), "o");
	run(scene, 1, write_for_nothing_kept);
	run(scene, 2, write_for_nothing_direct);
	end(scene);
}

CHECK(silent)
{
	const int server = process(scene, graph, 0, 0), served = file(scene, graph, "mnt/7");

	EXPECT_EDGES(process(scene, graph, 1, 0), served, "write", "data", 1);
	EXPECT_EDGES(process(scene, graph, 2, 0), served, "write", "data", 1);
	EXPECT_EDGES(served, server, "request", "data", 2);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "stored"));
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "stored"));
}

CASE(invalid, "through the kernel",
     "what a FUSE server takes of an aio request past the cache (O_DIRECT), and fails with EINVAL",
     "request_begins, request_done, fuse_asked", "write and request, data")

static void write_invalid(struct scene *scene)
{
	static char block[BLOCK];
	const int fd = open(in(scene, "mnt/8"), O_WRONLY | O_DIRECT | O_CLOEXEC);
	aio_context_t context = 0;
	struct iocb request = {
		.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_fildes = fd,
		.aio_buf = (uintptr_t)block,
		.aio_nbytes = BLOCK,
	}, *requests = &request;
	struct io_event event;

	take_file(in(scene, "secret"));
	MUST(fd >= 0 && !syscall(__NR_io_setup, 1, &context));
	MUST(syscall(__NR_io_submit, context, 1, &requests) == 1);
	MUST(syscall(__NR_io_getevents, context, 1, 1, &event, NULL) == 1);
	MUST(event.res == -EINVAL);
	close(fd);
}

ACT(invalid)
{
	if (!begin(scene))
		return;
	run(scene, 1, write_invalid);
	end(scene);
}

CHECK(invalid)
{
	const int server = process(scene, graph, 0, 0), served = file(scene, graph, "mnt/8");

	EXPECT_EDGES(process(scene, graph, 1, 0), served, "write", "data", 1);
	EXPECT_EDGES(served, server, "request", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "stored"));
}

CASE(narrow, "through the kernel",
     "a request whose end cannot be copied to its FUSE server (EFAULT)",
     "file_written, fuse_asked", "write, and request, data")

static void write_much(struct scene *scene)
{
	char bytes[BLOCK];
	int fd;

	memset(bytes, 'x', sizeof(bytes));
	take_file(in(scene, "secret"));
	fd = open(in(scene, "mnt/6"), O_WRONLY | O_CLOEXEC);
	MUST(fd >= 0 && write(fd, bytes, sizeof(bytes)) < 0 && errno == EIO);
	close(fd);
}

ACT(narrow)
{
	if (!begin(scene))
		return;
	run(scene, 1, only_look);
	run(scene, 2, write_much);
	end(scene);
}

CHECK(narrow)
{
	const int server = process(scene, graph, 0, 0), served = file(scene, graph, "mnt/6");
	const int writer = process(scene, graph, 2, 0);

	EXPECT_EDGES(writer, served, "write", "data", 1);
	EXPECT_EDGES(served, server, "request", "data", 1);
	EXPECT_NO_DATA(server, served);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "stored_part"));
	EXPECT_NOT_REACHES(file(scene, graph, "stored_part"), writer);
}

CASE(cut, "through the kernel", "an answer of a FUSE server whose end cannot be copied (EFAULT)",
     "fuse_answered, file_read", "answer and read, data")

static void read_cut(struct scene *scene)
{
	const int fd = open(in(scene, "mnt/5"), O_RDONLY | O_CLOEXEC);
	char bytes[sizeof(content)] = "";

	MUST(fd >= 0 && read(fd, bytes, sizeof(bytes)) < 0 && errno == EIO);
	MUST(!memcmp(bytes, content, 2));
	put_file(in(scene, "after"), "x");
}

ACT(cut)
{
	if (!begin(scene))
		return;
	run(scene, 1, read_cut);
	end(scene);
}

CHECK(cut)
{
	const int server = process(scene, graph, 0, 0), served = file(scene, graph, "mnt/5");

	EXPECT_EDGES(server, served, "answer", "data", 1);
	EXPECT_EDGES(served, process(scene, graph, 1, 0), "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "after"));
}

CASE(cut_early, "file data", "truncate by its path of a file that is read before the call is over",
     "inode_setattr, inode_post_setattr", "truncate, data, once, and on to who reads meanwhile")

static void cut_it(struct scene *scene)
{
	take_file(in(scene, "secret"));
	MUST(!truncate(in(scene, "mnt/0"), 1));
}

/* It is in the cache, and the server need not be asked. */
static void read_meanwhile(struct scene *scene)
{
	const int fd = open(in(scene, "mnt/0"), O_RDONLY | O_CLOEXEC);
	char byte;

	MUST(fd >= 0 && pread(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "before"), "x");
	told();
	await();
	MUST(pread(fd, &byte, 1, 0) == 1);
	put_file(in(scene, "meanwhile"), "x");
	told();
	await();
	close(fd);
}

ACT(cut_early)
{
	if (!begin(scene))
		return;
	actor(scene, 1, read_meanwhile);
	done(scene, 1);
	actor(scene, 2, cut_it);
	/* The server is about to do it. */
	done(scene, 0);
	step(scene, 1);
	go(scene, 0);
	finish(scene, 2);
	go(scene, 1);
	finish(scene, 1);
	end(scene);
}

CHECK(cut_early)
{
	const int served = file(scene, graph, "mnt/0"), who = process(scene, graph, 2, 0);

	EXPECT_EDGES(who, served, "truncate", "data", 1);
	EXPECT_NO_DATA(served, who);
	EXPECT_EDGES(served, process(scene, graph, 1, 0), "read", "data", 2);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "meanwhile"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "before"));
}

CASE(xattr, "through the kernel", "an extended attribute set that a FUSE server keeps",
     "fuse_asked", "setxattr, and request, data, inode to server")

static void set_attribute(struct scene *scene)
{
	take_file(in(scene, "secret"));
	MUST(!setxattr(in(scene, "mnt/0"), "user.flow", "x", 1, 0));
}

ACT(xattr)
{
	if (!begin(scene))
		return;
	run(scene, 2, set_attribute);
	end(scene);
}

CHECK(xattr)
{
	const int server = process(scene, graph, 0, 0);
	/* It is never opened, and so has no path. */
	const int served = graph_to(graph, process(scene, graph, 2, 0), "setxattr");

	EXPECT_EDGES(process(scene, graph, 2, 0), served, "setxattr", "data", 1);
	EXPECT_EDGES(served, server, "request", "data", 1);
	EXPECT_NO_DATA(server, served);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "stored_xattr"));
}

CASE(ioctl, "through the kernel", "an ioctl that a FUSE server answers",
     "file_writing, fuse_asked, fuse_answered, file_read",
     "write, request, answer, read, data: both ways through the inode")

static void ask(struct scene *scene)
{
	const int fd = open(in(scene, "mnt/0"), O_RDONLY | O_CLOEXEC);
	char buffer[8] = "x";

	MUST(fd >= 0 && !ioctl(fd, FLOW_IOCTL, buffer));
	close(fd);
}

static void learn_and_ask(struct scene *scene)
{
	take_file(in(scene, "secret"));
	ask(scene);
}

static void ask_and_put(struct scene *scene)
{
	ask(scene);
	put_file(in(scene, "got"), "x");
}

ACT(ioctl)
{
	if (!begin(scene))
		return;
	run(scene, 1, learn_and_ask);
	run(scene, 2, ask_and_put);
	end(scene);
}

CHECK(ioctl)
{
	const int served = file(scene, graph, "mnt/0");

	EXPECT_EDGES(process(scene, graph, 1, 0), served, "write", "data", 1);
	EXPECT_EDGE(served, process(scene, graph, 2, 0), "read", "data");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "stored_ioctl"));
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "got"));
}

CASE(spliced, "through the kernel", "an answer that a FUSE server splices from a pipe",
     "splice_taken, pipe_buffer_read, fuse_answered",
     "who wrote to the pipe reaches who reads the file")

static void read_spliced(struct scene *scene)
{
	take_file(in(scene, "mnt/3"));
	put_file(in(scene, "got"), "x");
}

ACT(spliced)
{
	if (!begin(scene))
		return;
	run(scene, 1, read_spliced);
	end(scene);
}

CHECK(spliced)
{
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "got"));
	EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, "mnt/3"), "answer", "data", 1);
}

CASE(copied, "file data", "sendfile to a file, whose first half is read before the second is there",
     "file_writing, file_written", "who reads the first half comes from what is copied")

static void copy_slowly(struct scene *scene)
{
	const int from = open(in(scene, "mnt/2"), O_RDONLY | O_CLOEXEC);
	const int to = open(in(scene, "big"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	take_file(in(scene, "secret"));
	MUST(from >= 0 && to >= 0);
	MUST(sendfile(to, from, NULL, SLOW_BYTES) == SLOW_BYTES);
}

static void read_early(struct scene *scene)
{
	const int fd = open(in(scene, "big"), O_RDONLY | O_CLOEXEC);
	char byte;

	MUST(fd >= 0 && read(fd, &byte, 1) == 1);
	put_file(in(scene, "early"), "x");
}

ACT(copied)
{
	if (!begin(scene))
		return;
	actor(scene, 1, copy_slowly);
	/* The server is asked for the second half. */
	done(scene, 0);
	run(scene, 2, read_early);
	go(scene, 0);
	finish(scene, 1);
	end(scene);
}

CHECK(copied)
{
	const int big = file(scene, graph, "big");

	EXPECT_EDGE(big, process(scene, graph, 2, 0), "read", "data");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "early"));
}

CASE(exits, "file data", "aio: an O_DIRECT read into shared memory is over when its process exits",
     "request_done, mm_released", "who reads the memory comes from the file")

static void read_and_exit(struct scene *scene)
{
	void *const memory = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, scene->fd[1], 0);
	const int fd = open(in(scene, "mnt/2"), O_RDONLY | O_DIRECT | O_CLOEXEC);
	aio_context_t context = 0;
	struct iocb request = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = fd,
		.aio_buf = (uintptr_t)memory,
		.aio_nbytes = BLOCK,
		.aio_offset = SLOW_BYTES / 2,
	}, *requests = &request;

	MUST(memory != MAP_FAILED && fd >= 0 && !syscall(__NR_io_setup, 1, &context));
	MUST(syscall(__NR_io_submit, context, 1, &requests) == 1);
}

/* A process whose memory goes has none in /proc, and waits for its requests. */
static bool memory_goes(pid_t pid)
{
	char path[32], text[4096];
	ssize_t bytes;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bytes = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[bytes > 0 ? bytes : 0] = 0;
	return bytes > 0 && !strstr(text, "VmSize:");
}

static void read_what_came(struct scene *scene)
{
	char byte;

	MUST(pread(scene->fd[1], &byte, 1, 0) == 1);
	put_file(in(scene, "got"), "x");
}

ACT(exits)
{
	scene->fd[1] = memfd_create("flow", 0);
	EXPECT(scene->fd[1] >= 0 && !ftruncate(scene->fd[1], BLOCK));
	if (!begin(scene))
		return;
	actor(scene, 1, read_and_exit);
	done(scene, 0);
	for (int i = 0; i < 1000 && !memory_goes(scene->pid[1]); i++)
		pause_ms(10);
	EXPECT(memory_goes(scene->pid[1]));
	go(scene, 0);
	finish(scene, 1);
	run(scene, 2, read_what_came);
	end(scene);
}

CHECK(exits)
{
	EXPECT_EDGE(file(scene, graph, "mnt/2"), process(scene, graph, 1, 0), "read", "data");
	EXPECT_REACHES(file(scene, graph, "mnt/2"), file(scene, graph, "got"));
}

CASE(servers, "through the kernel", "two FUSE servers at once", "fuse_asked, fuse_answered",
     "what one of them serves does not come from the other, though both use one device")

static void read_other(struct scene *scene)
{
	take_file(in(scene, "mnt2/0"));
}

ACT(servers)
{
	char options[64];

	if (!begin(scene))
		return;
	/* The other one has read the secret, and serves it to nobody. */
	run(scene, 2, read_second);
	scene->fd[1] = scene->fd[0];
	scene->fd[0] = open("/dev/fuse", O_RDWR);
	EXPECT(scene->fd[0] > 0);
	EXPECT(!mkdir(in(scene, "mnt2"), 0755));
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0",
		 scene->fd[0]);
	EXPECT(!mount("flow", in(scene, "mnt2"), "fuse.flow", 0, options));
	actor(scene, 1, serve);
	done(scene, 1);
	run(scene, 3, read_other);
	EXPECT(!umount(in(scene, "mnt2")));
	finish(scene, 1);
	end(scene);
}

CHECK(servers)
{
	const int served = file(scene, graph, "mnt2/0");

	EXPECT_EDGE(process(scene, graph, 1, 0), served, "answer", "data");
	EXPECT_NO_EDGE(process(scene, graph, 0, 0), served, NULL);
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), served);
}
