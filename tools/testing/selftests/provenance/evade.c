// SPDX-License-Identifier: GPL-2.0
/* Ways past the usual calls: what somebody who knows the hooks would try */
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/userfaultfd.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <elf.h>

#include "copy.h"
#include "flow.h"
#include "stall.h"
#include "uring.h"

#define PAGE		4096
#define HUGE_PAGE	(2 << 20)

/* A page, with none behind it. */
static char *last_page(void)
{
	char *const pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(pages != MAP_FAILED && !munmap(pages + PAGE, PAGE));
	return pages;
}

static void read_and_tell(struct scene *scene)
{
	char byte;

	MUST(pread(scene->fd[0], &byte, 1, 0) == 1);
	put_file(in(scene, "to"), "x");
}

CASE(fill_unwritable, "mappings", "UFFDIO_COPY into shared memory that is mapped only to be read",
     "file_writing, file_written", "write, data, process to file; read by another")

static void fill_hole_of(struct scene *scene, size_t bytes)
{
	char *const content = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = { .api = UFFD_API };
	const int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	char *const page = mmap(NULL, bytes, PROT_READ, MAP_SHARED, scene->fd[0], 0);
	struct uffdio_register range = {
		.range = { (unsigned long)page, bytes },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_copy copy = {
		.dst = (unsigned long)page, .src = (unsigned long)content, .len = bytes,
	};

	MUST(fd >= 0 && page != MAP_FAILED && content != MAP_FAILED);
	MUST(!ioctl(fd, UFFDIO_API, &api) && !ioctl(fd, UFFDIO_REGISTER, &range));
	take_file(in(scene, "secret"));
	memset(content, 7, bytes);
	MUST(!ioctl(fd, UFFDIO_COPY, &copy));
	/* The second time it is no hole. */
	MUST(ioctl(fd, UFFDIO_COPY, &copy));
}

static void fill_hole(struct scene *scene)
{
	fill_hole_of(scene, PAGE);
}

static void look_before(struct scene *scene)
{
	char byte;

	MUST(pread(scene->fd[0], &byte, 1, 0) == 1 && !byte);
	put_file(in(scene, "before"), "x");
	/* A hole, again. */
	MUST(!fallocate(scene->fd[0], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
}

ACT(fill_unwritable)
{
	put_file(in(scene, "secret"), "s");
	scene->fd[0] = memfd_create("hole", 0);
	EXPECT(scene->fd[0] > 0 && !ftruncate(scene->fd[0], PAGE));
	run(scene, 1, look_before);
	run(scene, 0, fill_hole);
	run(scene, 2, read_and_tell);
}

CHECK(fill_unwritable)
{
	const int who = process(scene, graph, 0, 0), hole = graph_to(graph, who, "write");

	EXPECT_EDGES(who, hole, "write", "data", 1);
	EXPECT_EDGES(hole, process(scene, graph, 2, 0), "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "before"));
}

CASE(fill_huge, "mappings", "UFFDIO_COPY into a huge page that is mapped only to be read",
     "file_writing, file_written", "write, data, process to file; read by another")

#define HUGE_PAGES	"/proc/sys/vm/nr_hugepages"

static void fill_huge_hole(struct scene *scene)
{
	fill_hole_of(scene, HUGE_PAGE);
}

ACT(fill_huge)
{
	put_file(in(scene, "secret"), "s");
	put_file(HUGE_PAGES, "2");
	scene->fd[0] = memfd_create("huge", MFD_HUGETLB);
	EXPECT(scene->fd[0] > 0 && !ftruncate(scene->fd[0], HUGE_PAGE));
	run(scene, 0, fill_huge_hole);
	run(scene, 2, read_and_tell);
	put_file(HUGE_PAGES, "0");
}

CHECK(fill_huge)
{
	const int who = process(scene, graph, 0, 0), hole = graph_to(graph, who, "write");

	EXPECT_EDGES(who, hole, "write", "data", 1);
	EXPECT_EDGES(hole, process(scene, graph, 2, 0), "read", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 2, 0), hole);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
}

CASE(ring_of_other, "file data",
     "io_uring_enter() for a ring that another process has made, mapped and filled",
     "memory_begins, memory_accessed", "peek and poke, data, and nothing before the call")

/* A ring cannot be sent, but taken. */
#define RING_NUMBER	77

static int take_ring(pid_t pid)
{
	const int process = syscall(SYS_pidfd_open, pid, 0);
	const int fd = syscall(SYS_pidfd_getfd, process, RING_NUMBER, 0);

	MUST(process >= 0 && fd >= 0);
	return fd;
}

static void make_and_fill(struct scene *scene)
{
	struct ring ring;

	ring_open(&ring, 0);
	MUST(dup2(ring.fd, RING_NUMBER) == RING_NUMBER);
	told();
	await();
	take_file(in(scene, "secret"));
	put_file(in(scene, "unknown"), "x");
	ring_sqe(&ring, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 0x5ec2e7;
	ring_push(&ring);
	told();
	await();
	MUST(ring_take(&ring, NULL) == 0);
	put_file(in(scene, "back"), "x");
}

static void enter_unmapped(struct scene *scene)
{
	const int fd = take_ring(scene->pid[0]);

	take_file(in(scene, "own"));
	told();
	await();
	put_file(in(scene, "before"), "x");
	MUST(syscall(__NR_io_uring_enter, fd, 1, 0, 0, NULL, 0) == 1);
	put_file(in(scene, "to"), "x");
	told();
	await();
}

ACT(ring_of_other)
{
	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "own"), "o");
	actor(scene, 0, make_and_fill);
	done(scene, 0);
	actor(scene, 1, enter_unmapped);
	done(scene, 1);
	step(scene, 0);
	step(scene, 1);
	go(scene, 0);
	finish(scene, 0);
	go(scene, 1);
	finish(scene, 1);
}

CHECK(ring_of_other)
{
	const int owner = process(scene, graph, 0, 0), other = process(scene, graph, 1, 0);

	/* Once more for what it was told. */
	EXPECT_EDGES(owner, other, "peek", "data", 2);
	EXPECT_EDGE(other, owner, "poke", "data");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "own"), file(scene, graph, "back"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "before"));
	EXPECT_NOT_REACHES(file(scene, graph, "own"), file(scene, graph, "unknown"));
}

CASE(ring_waited_at, "file data",
     "io_uring_enter() for a ring of another process, which takes what it did while it waits",
     "memory_begins, memory_accessed", "poke, data, before the wait")

static void fill_and_take(struct scene *scene)
{
	struct ring ring;

	ring_open(&ring, 0);
	MUST(dup2(ring.fd, RING_NUMBER) == RING_NUMBER);
	ring_sqe(&ring, IORING_OP_NOP, -1, NULL, 0, 0);
	ring_push(&ring);
	told();
	await();
	/* It is there. */
	MUST(ring_take(&ring, NULL) == 0);
	put_file(in(scene, "back"), "x");
	/* The other one waits for two. */
	MUST(ring_do(&ring, IORING_OP_NOP, -1, NULL, 0, 0) == 0);
}

static void enter_and_wait(struct scene *scene)
{
	const int fd = take_ring(scene->pid[0]);

	take_file(in(scene, "own"));
	told();
	MUST(syscall(__NR_io_uring_enter, fd, 1, 2, IORING_ENTER_GETEVENTS, NULL, 0) == 1);
	take_file(in(scene, "late"));
}

ACT(ring_waited_at)
{
	put_file(in(scene, "own"), "o");
	put_file(in(scene, "late"), "l");
	actor(scene, 0, fill_and_take);
	done(scene, 0);
	actor(scene, 1, enter_and_wait);
	done(scene, 1);
	blocked(scene, 1);
	go(scene, 0);
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(ring_waited_at)
{
	const int owner = process(scene, graph, 0, 0), other = process(scene, graph, 1, 0);

	EXPECT_EDGE(other, owner, "poke", "data");
	EXPECT_REACHES(file(scene, graph, "own"), file(scene, graph, "back"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), owner);
}

CASE(ring_filled_late, "file data",
     "io_uring_enter() for a ring of another process, which fills in a request meanwhile",
     "memory_begins, memory_accessed", "peek, data, after the requests were taken")

static struct stall stall;

static void fill_late(struct scene *scene)
{
	struct ring ring;
	char *buffer;
	int fd;

	ring_open(&ring, 0);
	MUST(dup2(ring.fd, RING_NUMBER) == RING_NUMBER);
	told();
	await();
	fd = must_open(scene, "address", O_RDONLY);
	MUST(read(fd, &buffer, sizeof(buffer)) == sizeof(buffer));
	/* What is at the address is asked for when the first is taken. */
	ring_sqe(&ring, IORING_OP_WRITEV, -1, buffer + STALL_PAGE, 1, 0);
	ring_push(&ring);
	ring_sqe(&ring, IORING_OP_NOP, -1, NULL, 0, 0);
	ring_push(&ring);
	told();
	await();
	take_file(in(scene, "secret"));
	ring.sqes[1].user_data = 0x5ec2e7;
	told();
	await();
	MUST(ring_take(&ring, NULL) == -EBADF && ring_take(&ring, NULL) == 0);
}

static void *let_go(void *scene)
{
	stall_wait(&stall);
	put_file(in(scene, "before"), "x");
	told();
	await();
	stall_end(&stall);
	return NULL;
}

static void enter_stalled(struct scene *scene)
{
	const int fd = take_ring(scene->pid[0]), to = must_open(scene, "address", O_WRONLY);
	pthread_t thread;

	stall_begin(&stall);
	MUST(write(to, &stall.buffer, sizeof(stall.buffer)) == sizeof(stall.buffer));
	told();
	await();
	MUST(!pthread_create(&thread, NULL, let_go, scene));
	MUST(syscall(__NR_io_uring_enter, fd, 2, 0, 0, NULL, 0) == 2);
	put_file(in(scene, "to"), "x");
	MUST(!pthread_join(thread, NULL));
}

ACT(ring_filled_late)
{
	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "address"), "");
	actor(scene, 0, fill_late);
	done(scene, 0);
	actor(scene, 1, enter_stalled);
	done(scene, 1);
	step(scene, 0);
	step(scene, 1);
	step(scene, 0);
	go(scene, 1);
	finish(scene, 1);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(ring_filled_late)
{
	EXPECT_EDGE(process(scene, graph, 0, 0), process(scene, graph, 1, 0), "peek", "data");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "before"));
}

CASE(direct_read, "outcome", "a read without the cache (O_DIRECT) whose second page is not there",
     "file_read", "read, data")

/* Some file systems give what there is. */
static bool halfway(ssize_t bytes)
{
	return bytes == PAGE || (bytes < 0 && errno == EFAULT);
}

static void read_direct(struct scene *scene)
{
	const int fd = open(in(scene, "from"), O_RDONLY | O_DIRECT);
	char *const page = last_page();
	const struct iovec io[2] = { { page, PAGE }, { page + PAGE, PAGE } };

	MUST(fd >= 0 && halfway(preadv(fd, io, 2, 0)) && *page == 7);
	put_file(in(scene, "to"), "x");
}

static void write_pages(struct scene *scene, const char *name, char byte)
{
	const int fd = open(in(scene, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	char bytes[2 * PAGE];

	memset(bytes, byte, sizeof(bytes));
	EXPECT(fd >= 0 && write(fd, bytes, sizeof(bytes)) == sizeof(bytes) && !fsync(fd));
	close(fd);
}

ACT(direct_read)
{
	write_pages(scene, "from", 7);
	run(scene, 0, read_direct);
}

CHECK(direct_read)
{
	EXPECT_EDGES(file(scene, graph, "from"), process(scene, graph, 0, 0), "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(direct_write, "outcome", "a write without the cache (O_DIRECT) whose second page is not there",
     "file_written", "write, data")

static void write_direct(struct scene *scene)
{
	const int fd = open(in(scene, "kept"), O_WRONLY | O_DIRECT);
	char *const page = last_page();
	const struct iovec io[2] = { { page, PAGE }, { page + PAGE, PAGE } };

	take_file(in(scene, "secret"));
	memset(page, 9, PAGE);
	MUST(fd >= 0 && halfway(pwritev(fd, io, 2, 0)));
}

static void read_kept(struct scene *scene)
{
	const int fd = open(in(scene, "kept"), O_RDONLY | O_CLOEXEC);
	char byte;

	MUST(fd >= 0 && pread(fd, &byte, 1, 0) == 1 && byte == 9);
	put_file(in(scene, "to"), "x");
}

ACT(direct_write)
{
	put_file(in(scene, "secret"), "s");
	write_pages(scene, "kept", 7);
	run(scene, 0, write_direct);
	run(scene, 1, read_kept);
}

CHECK(direct_write)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, "kept"), "write", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
}

CASE(counter, "outcome", "an eventfd read to an address whose end is not there (EFAULT)",
     "file_read", "read, data")

static void count(struct scene *scene)
{
	const uint64_t number = 0x5ec2e7;

	take_file(in(scene, "secret"));
	MUST(write(scene->fd[0], &number, sizeof(number)) == sizeof(number));
}

static void read_half(struct scene *scene)
{
	char *const page = last_page();
	uint32_t low = 0;
	const struct iovec io[2] = { { &low, sizeof(low) }, { page + PAGE, sizeof(low) } };

	MUST(readv(scene->fd[0], io, 2) < 0 && errno == EFAULT && low == 0x5ec2e7);
	put_file(in(scene, "to"), "x");
}

ACT(counter)
{
	put_file(in(scene, "secret"), "s");
	scene->fd[0] = eventfd(0, 0);
	run(scene, 1, count);
	run(scene, 0, read_half);
}

CHECK(counter)
{
	const int node = graph_to(graph, process(scene, graph, 1, 0), "write");

	EXPECT_EDGES(node, process(scene, graph, 0, 0), "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
}

CASE(registers, "influence",
     "PTRACE_SETREGS and GETREGS at an address whose end is not there (EFAULT)",
     "ptrace_done", "poke and peek, data")

static void idle(struct scene *scene)
{
	(void)scene;
	told();
	await();
}

/* All but the last word is there. */
static void *almost(void)
{
	return last_page() + PAGE - sizeof(struct user_regs_struct) + sizeof(long);
}

static void trace(struct scene *scene, int request)
{
	const pid_t pid = scene->pid[0];
	char *const from = almost();
	struct user_regs_struct regs;
	int status;

	MUST(!ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	MUST(waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status));
	if (request == PTRACE_SETREGS) {
		MUST(!ptrace(PTRACE_GETREGS, pid, NULL, &regs));
		memcpy(from, &regs, sizeof(regs) - sizeof(long));
	}
	MUST(ptrace(request, pid, NULL, from) && errno == EFAULT);
	MUST(!ptrace(PTRACE_DETACH, pid, NULL, NULL));
}

static void set_most(struct scene *scene)
{
	trace(scene, PTRACE_SETREGS);
}

static void get_most(struct scene *scene)
{
	trace(scene, PTRACE_GETREGS);
}

ACT(registers)
{
	actor(scene, 0, idle);
	done(scene, 0);
	run(scene, 1, set_most);
	run(scene, 2, get_most);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(registers)
{
	const int traced = process(scene, graph, 0, 0);

	EXPECT_EDGES(process(scene, graph, 1, 0), traced, "poke", "data", 1);
	EXPECT_EDGES(traced, process(scene, graph, 2, 0), "peek", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 2, 0), traced);
}

CASE(register_sets, "influence",
     "PTRACE_SETREGSET and GETREGSET with a vector whose end is not there (EFAULT)",
     "ptrace_done", "poke and peek, data")

static void trace_set(struct scene *scene, int request)
{
	const size_t there = sizeof(struct user_regs_struct) - sizeof(long);
	const pid_t pid = scene->pid[0];
	char *const from = almost();
	struct iovec set = { from, sizeof(struct user_regs_struct) };
	struct user_regs_struct regs;
	int status;

	MUST(!ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	MUST(waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status));
	memset(from, 0x5e, there);
	memset(&regs, 0x5e, there);
	if (request == PTRACE_SETREGSET) {
		MUST(!ptrace(PTRACE_GETREGS, pid, NULL, &regs));
		memcpy(from, &regs, there);
	}
	MUST(ptrace(request, pid, NT_PRSTATUS, &set) && errno == EFAULT);
	MUST(request == PTRACE_SETREGSET || memcmp(from, &regs, there));
	MUST(!ptrace(PTRACE_DETACH, pid, NULL, NULL));
}

static void set_most_of_set(struct scene *scene)
{
	trace_set(scene, PTRACE_SETREGSET);
}

static void get_most_of_set(struct scene *scene)
{
	trace_set(scene, PTRACE_GETREGSET);
}

ACT(register_sets)
{
	actor(scene, 0, idle);
	done(scene, 0);
	run(scene, 1, set_most_of_set);
	run(scene, 2, get_most_of_set);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(register_sets)
{
	const int traced = process(scene, graph, 0, 0);

	EXPECT_EDGES(process(scene, graph, 1, 0), traced, "poke", "data", 1);
	EXPECT_EDGES(traced, process(scene, graph, 2, 0), "peek", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 2, 0), traced);
}

CASE(call_at_end, "influence",
     "PTRACE_GET_SYSCALL_INFO to an address whose end is not there (EFAULT)", "ptrace_done",
     "peek, data")

#define BEGINNING	16	/* the architecture and the instruction; the stack comes after */

static void get_call(struct scene *scene)
{
	const pid_t pid = scene->pid[0];
	char *const at = last_page() + PAGE - BEGINNING;
	int status;

	MUST(!ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	MUST(waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status));
	MUST(ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)(3 * BEGINNING), at) < 0 &&
	     errno == EFAULT);
	/* The architecture is never 0. */
	MUST(at[4] || at[5] || at[6] || at[7]);
	MUST(!ptrace(PTRACE_DETACH, pid, NULL, NULL));
}

ACT(call_at_end)
{
	actor(scene, 0, idle);
	done(scene, 0);
	run(scene, 1, get_call);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(call_at_end)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), process(scene, graph, 1, 0), "peek", "data", 1);
}

CASE(cookie, "IPC", "mq_notify(): a cookie that comes to a netlink socket",
     "socket_sending, socket_sent", "process to socket: send; socket to another: recv; data")

#define COOKIE	32

static void leave_cookie(struct scene *scene)
{
	char cookie[COOKIE] = "0123456789";
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD,
		.sigev_signo = scene->fd[0],
		.sigev_value.sival_ptr = cookie,
	};
	const mqd_t queue = mq_open("/evade", O_RDONLY | O_CREAT, 0600, NULL);

	MUST(queue >= 0 && !mq_unlink("/evade"));
	take_file(in(scene, "secret"));
	MUST(!syscall(__NR_mq_notify, queue, &event));
	MUST(!syscall(__NR_mq_notify, queue, NULL));
}

static void take_cookie(struct scene *scene)
{
	char cookie[COOKIE];

	MUST(recv(scene->fd[0], cookie, COOKIE, MSG_DONTWAIT) == COOKIE && cookie[1] == '1');
	put_file(in(scene, "to"), "x");
}

ACT(cookie)
{
	put_file(in(scene, "secret"), "s");
	scene->fd[0] = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	run(scene, 0, leave_cookie);
	run(scene, 1, take_cookie);
}

CHECK(cookie)
{
	const int socket = graph_to(graph, process(scene, graph, 0, 0), "send");

	EXPECT_EDGES(process(scene, graph, 0, 0), socket, "send", "data", 1);
	EXPECT_EDGES(socket, process(scene, graph, 1, 0), "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
}

CASE(raw_tcp, "network", "a raw socket for TCP gets what others send to each other",
     "packet_leaves, packet_queued", "sender's socket to raw socket: deliver, data")

static const char marked[] = "5ec2e7 which nobody else sends";

static void see_segments(struct scene *scene)
{
	const int fd = socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
	char bytes[2048];
	ssize_t got;

	MUST(fd >= 0);
	told();
	await();
	do {
		got = recv(fd, bytes, sizeof(bytes), 0);
		MUST(got > 0);
	} while (!memmem(bytes, got, marked, sizeof(marked)));
	put_file(in(scene, "to"), "x");
}

static void send_marked(struct scene *scene)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in to;
	socklen_t bytes = sizeof(to);

	MUST(fd >= 0 && !getsockname(scene->fd[0], (struct sockaddr *)&to, &bytes));
	MUST(!connect(fd, (struct sockaddr *)&to, bytes));
	take_file(in(scene, "secret"));
	MUST(send(fd, marked, sizeof(marked), 0) == sizeof(marked));
}

ACT(raw_tcp)
{
	const struct sockaddr_in any = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	put_file(in(scene, "secret"), "s");
	scene->fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(!bind(scene->fd[0], (const struct sockaddr *)&any, sizeof(any)));
	EXPECT(!listen(scene->fd[0], 1));
	actor(scene, 1, see_segments);
	done(scene, 1);
	run(scene, 0, send_marked);
	go(scene, 1);
	finish(scene, 1);
}

CHECK(raw_tcp)
{
	const int from = graph_to(graph, process(scene, graph, 0, 0), "send");
	const int raw = graph_from(graph, process(scene, graph, 1, 0), "recv");

	EXPECT_EDGE(from, raw, "deliver", "data");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
}

CASE(datagram, "outcome", "a UDP datagram received to an address whose end is not there (EFAULT)",
     "partly_copied, socket_received", "recv, data; none for who is not given any of it")

static void send_datagram(struct scene *scene)
{
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to;
	socklen_t bytes = sizeof(to);

	MUST(fd >= 0 && !getsockname(scene->fd[0], (struct sockaddr *)&to, &bytes));
	take_file(in(scene, "secret"));
	MUST(sendto(fd, marked, sizeof(marked), 0, (struct sockaddr *)&to, bytes) ==
	     sizeof(marked));
}

static void receive_at(struct scene *scene, char *at)
{
	MUST(recv(scene->fd[0], at, sizeof(marked), MSG_PEEK) < 0 && errno == EFAULT);
}

static void receive_none(struct scene *scene)
{
	receive_at(scene, last_page() + PAGE);
}

static void receive_most(struct scene *scene)
{
	char *const at = last_page() + PAGE - 8;

	receive_at(scene, at);
	MUST(!memcmp(at, marked, 8));
	put_file(in(scene, "to"), "x");
}

ACT(datagram)
{
	const struct sockaddr_in any = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	put_file(in(scene, "secret"), "s");
	scene->fd[0] = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT(!bind(scene->fd[0], (const struct sockaddr *)&any, sizeof(any)));
	run(scene, 0, send_datagram);
	run(scene, 1, receive_none);
	run(scene, 2, receive_most);
}

CHECK(datagram)
{
	const int socket = graph_from(graph, process(scene, graph, 2, 0), "recv");

	EXPECT_EDGES(socket, process(scene, graph, 2, 0), "recv", "data", 1);
	EXPECT_NO_EDGE(ANY, process(scene, graph, 1, 0), "recv");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
}
