// SPDX-License-Identifier: GPL-2.0
/*
 * What one operation costs, in guest instructions
 *
 * This program is the init of a machine with one CPU in which an instruction
 * takes a nanosecond (QEMU's -icount shift=0), so that CLOCK_MONOTONIC counts
 * instructions.  The first row checks that: a loop of known length.
 *
 * A cost is a slope: the time of 2N operations less that of N, over N, which
 * cancels what is paid once.  N is chosen so that a run takes about
 * RUN_INSTRUCTIONS, many timer ticks, which are part of every cost.  The
 * measuring process is a child; init keeps the channel buffers empty between
 * the runs, outside of what is measured.
 *
 * Output: a line of JSON for each row on the console.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drain.h"

#define RUN_INSTRUCTIONS	20000000ULL
/* Runs of N and of 2N in one boot; the least of each counts. */
#define REPEATS			8
/* Time for the work that booting left to kernel threads; an idle machine spends it at once. */
#define SETTLE_SECONDS		10
#define FILE_BYTES		65536
#define MAPPINGS		100

#define MOUNT_POINT	"/mnt"
#define DATA_FILE	MOUNT_POINT "/data"
#define SCRATCH_FILE	MOUNT_POINT "/scratch"
#define OTHER_FILE	MOUNT_POINT "/other"
#define RAM_DISK	"/dev/ram0"
#define DISK_IMAGE	"/disk.ext4"
#define EXIT_PROGRAM	MOUNT_POINT "/exit"

static int zero_fd, null_fd, data_fd, queue;
static int pipe_fds[2], unix_fds[2], tcp_fd;
static char buffer[4096];

static void must(bool done, const char *what)
{
	if (!done)
		err(1, "%s", what);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* Two instructions a turn, whatever the compiler thinks. */
static void do_loop(uint64_t count)
{
	__asm__ volatile("1: dec %0; jnz 1b" : "+r" (count) : : "cc");
}

static void do_null_read(uint64_t count)
{
	while (count--)
		must(read(zero_fd, buffer, 1) == 1, "read /dev/zero");
}

static void do_null_write(uint64_t count)
{
	while (count--)
		must(write(null_fd, buffer, 1) == 1, "write /dev/null");
}

static void do_stat(uint64_t count)
{
	struct stat status;

	while (count--)
		must(!stat(DATA_FILE, &status), "stat");
}

static void do_access(uint64_t count)
{
	while (count--)
		must(!access(DATA_FILE, R_OK), "access");
}

static void do_open_close(uint64_t count)
{
	while (count--) {
		const int fd = open(DATA_FILE, O_RDONLY);

		must(fd >= 0 && !close(fd), "open and close");
	}
}

static void do_read_4k(uint64_t count)
{
	while (count--)
		must(pread(data_fd, buffer, sizeof(buffer), 0) == sizeof(buffer), "read a file");
}

static void do_pipe(uint64_t count)
{
	while (count--) {
		must(write(pipe_fds[1], buffer, 1) == 1, "write to a pipe");
		must(read(pipe_fds[0], buffer, 1) == 1, "read from a pipe");
	}
}

static void do_unix(uint64_t count)
{
	while (count--) {
		must(write(unix_fds[1], buffer, 1) == 1, "write to a UNIX socket");
		must(read(unix_fds[0], buffer, 1) == 1, "read from a UNIX socket");
	}
}

static void do_tcp(uint64_t count)
{
	while (count--) {
		must(send(tcp_fd, buffer, 1, 0) == 1, "send over TCP");
		must(recv(tcp_fd, buffer, 1, 0) == 1, "receive over TCP");
	}
}

static void do_fork(uint64_t count)
{
	while (count--) {
		const pid_t child = fork();

		if (!child)
			_exit(0);
		must(child > 0 && waitpid(child, NULL, 0) == child, "fork");
	}
}

static void do_exec(uint64_t count)
{
	char *const argv[] = { EXIT_PROGRAM, NULL };
	char *const environment[] = { NULL };

	while (count--) {
		const pid_t child = vfork();
		int status;

		if (!child) {
			execve(argv[0], argv, environment);
			_exit(1);
		}
		must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "exec");
	}
}

static void do_create_unlink(uint64_t count)
{
	while (count--) {
		const int fd = open(SCRATCH_FILE, O_WRONLY | O_CREAT | O_EXCL, 0644);

		must(fd >= 0 && !close(fd) && !unlink(SCRATCH_FILE), "create and unlink");
	}
}

static void do_rename_twice(uint64_t count)
{
	while (count--) {
		must(!rename(DATA_FILE, OTHER_FILE), "rename");
		must(!rename(OTHER_FILE, DATA_FILE), "rename back");
	}
}

static void do_mmap(uint64_t count)
{
	while (count--) {
		volatile const char *const mapped =
			mmap(NULL, FILE_BYTES, PROT_READ, MAP_SHARED, data_fd, 0);

		must(mapped != MAP_FAILED, "mmap");
		(void)mapped[0];
		must(!munmap((void *)mapped, FILE_BYTES), "munmap");
	}
}

static void on_signal(int number)
{
	(void)number;
}

static void do_signal(uint64_t count)
{
	const pid_t self = getpid();

	while (count--)
		must(!kill(self, SIGUSR1), "kill");
}

static void do_message(uint64_t count)
{
	struct {
		long type;
		char text[8];
	} message = { .type = 1, .text = "message" };

	while (count--) {
		must(!msgsnd(queue, &message, sizeof(message.text), 0), "msgsnd");
		must(msgrcv(queue, &message, sizeof(message.text), 0, 0) > 0, "msgrcv");
	}
}

/* The mappings are made once, by the first operation of this row. */
static void do_read_mapped(uint64_t count)
{
	static bool mapped;

	for (size_t i = 0; !mapped && i < MAPPINGS; i++) {
		const size_t page = i % (FILE_BYTES / sizeof(buffer));

		must(mmap(NULL, sizeof(buffer), PROT_READ, MAP_PRIVATE, data_fd,
			  (off_t)(page * sizeof(buffer))) != MAP_FAILED, "mmap");
	}
	mapped = true;
	do_null_read(count);
}

/**
 * struct row - one operation to measure
 * @name: as it stands in the table
 * @operate: does it the given number of times
 * @estimate: about how many instructions one takes without recording
 */
struct row {
	const char *name;
	void (*operate)(uint64_t count);
	uint64_t estimate;
};

/* The last row leaves mappings behind, and has to be the last. */
static const struct row rows[] = {
	{ "loop of two instructions",		do_loop,		2 },
	{ "read 1 byte of /dev/zero",		do_null_read,		400 },
	{ "write 1 byte to /dev/null",		do_null_write,		400 },
	{ "stat",				do_stat,		1800 },
	{ "access",				do_access,		1900 },
	{ "open+close",				do_open_close,		3200 },
	{ "read 4 KiB of a file",		do_read_4k,		1600 },
	{ "pipe write+read",			do_pipe,		2000 },
	{ "UNIX stream write+read",		do_unix,		2800 },
	{ "TCP round trip between processes",	do_tcp,			20000 },
	{ "fork+exit+wait",			do_fork,		100000 },
	{ "vfork+exec of a static program",	do_exec,		250000 },
	{ "create+unlink, empty file",		do_create_unlink,	28000 },
	{ "rename, twice",			do_rename_twice,	28000 },
	{ "mmap+munmap of a file",		do_mmap,		10000 },
	{ "signal to itself",			do_signal,		2500 },
	{ "SysV message send+receive",		do_message,		1500 },
	{ "1-byte read with 100 mappings",	do_read_mapped,		400 },
};

/* A process at the other end of a TCP connection sends back each byte. */
static void start_tcp_echo(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	socklen_t length = sizeof(address);
	const int listener = socket(AF_INET, SOCK_STREAM, 0);
	const int on = 1;
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	pid_t child;

	must(!ioctl(listener, SIOCSIFFLAGS, &request), "bring up lo");
	must(!bind(listener, (void *)&address, sizeof(address)), "bind");
	must(!listen(listener, 1), "listen");
	must(!getsockname(listener, (void *)&address, &length), "getsockname");
	child = fork();
	must(child >= 0, "fork");
	if (!child) {
		const int fd = accept(listener, NULL, NULL);
		char byte;

		must(fd >= 0, "accept");
		must(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "TCP_NODELAY");
		while (recv(fd, &byte, 1, 0) == 1)
			must(send(fd, &byte, 1, 0) == 1, "echo");
		_exit(0);
	}
	tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(!setsockopt(tcp_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "TCP_NODELAY");
	must(!connect(tcp_fd, (void *)&address, sizeof(address)), "connect");
	close(listener);
}

static void set_up_objects(void)
{
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	data_fd = open(DATA_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	must(zero_fd >= 0 && null_fd >= 0 && data_fd >= 0, "open");
	for (size_t done = 0; done < FILE_BYTES; done += sizeof(buffer))
		must(write(data_fd, buffer, sizeof(buffer)) == sizeof(buffer), "fill the file");
	must(!pipe2(pipe_fds, O_CLOEXEC), "pipe");
	must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, unix_fds), "socketpair");
	queue = msgget(IPC_PRIVATE, 0600);
	must(queue >= 0, "msgget");
	must(signal(SIGUSR1, on_signal) != SIG_ERR, "signal");
	start_tcp_echo();
}

/* What the drainer counted since the last time; it is asked over pipes. */
static int ask_fd, answer_fd;

static struct drain_counts drained(void)
{
	struct drain_counts counts;

	must(write(ask_fd, "", 1) == 1, "ask the drainer");
	must(read(answer_fd, &counts, sizeof(counts)) == sizeof(counts), "hear the drainer");
	return counts;
}

static uint64_t timed_ns(const struct row *row, uint64_t count)
{
	const uint64_t began_ns = now_ns();

	row->operate(count);
	return now_ns() - began_ns;
}

static void measure(const struct row *row)
{
	const uint64_t n = RUN_INSTRUCTIONS / row->estimate;
	uint64_t least_ns[2] = { UINT64_MAX, UINT64_MAX };
	struct drain_counts counts[2] = { };
	uint64_t lost = 0;

	/* Warm caches, and get the records over with that only the first operation makes. */
	row->operate(n / 4 + 1);
	drained();
	for (int repeat = 0; repeat < REPEATS; repeat++) {
		for (int twice = 0; twice < 2; twice++) {
			const uint64_t took_ns = timed_ns(row, n << twice);

			if (took_ns < least_ns[twice])
				least_ns[twice] = took_ns;
			counts[twice] = drained();
			lost += counts[twice].lost;
		}
	}
	printf("{\"row\":\"%s\",\"n\":%llu,\"instructions\":%.2f,\"records\":%.3f,\"bytes\":%.2f,"
	       "\"lost\":%llu}\n", row->name, (unsigned long long)n,
	       (double)(least_ns[1] - least_ns[0]) / (double)n,
	       ((double)counts[1].records - (double)counts[0].records) / (double)n,
	       ((double)counts[1].bytes - (double)counts[0].bytes) / (double)n,
	       (unsigned long long)lost);
	fflush(stdout);
}

static void copy_image_to_ram_disk(void)
{
	const int from = open(DISK_IMAGE, O_RDONLY);
	const int to = open(RAM_DISK, O_WRONLY);
	ssize_t got;

	must(from >= 0 && to >= 0, "open the disk image and " RAM_DISK);
	while ((got = read(from, buffer, sizeof(buffer))) > 0)
		must(write(to, buffer, (size_t)got) == got, "write " RAM_DISK);
	must(!got && !fsync(to) && !close(to) && !close(from), "copy the disk image");
	must(!unlink(DISK_IMAGE), "unlink the disk image");
}

static void print_clock(void)
{
	char name[64] = "";
	const int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
			    O_RDONLY);

	if (fd >= 0 && read(fd, name, sizeof(name) - 1) > 0)
		name[strcspn(name, "\n")] = '\0';
	printf("{\"clock\":\"%s\"}\n", name);
	fflush(stdout);
}

static void mount_all(void)
{
	/* The console first, or nobody hears what fails. */
	mkdir("/dev", 0755);
	must(!mount("devtmpfs", "/dev", "devtmpfs", 0, NULL), "mount /dev");
	for (int fd = 0; fd < 3; fd++) {
		close(fd);
		must(open("/dev/console", O_RDWR) == fd, "open the console");
	}
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir(MOUNT_POINT, 0755);
	must(!mount("proc", "/proc", "proc", 0, NULL), "mount /proc");
	must(!mount("sysfs", "/sys", "sysfs", 0, NULL), "mount /sys");
	must(!mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL),
	     "mount securityfs");
	copy_image_to_ram_disk();
	must(!mount(RAM_DISK, MOUNT_POINT, "ext4", 0, NULL), "mount " RAM_DISK);
}

/* Init: answer the measuring process until it ends. */
static void serve_drain(int asked_fd, int tell_fd, bool recording)
{
	char byte;

	while (read(asked_fd, &byte, 1) == 1) {
		struct drain_counts counts = { };

		if (recording)
			drain_all(&counts);
		must(write(tell_fd, &counts, sizeof(counts)) == sizeof(counts), "answer");
	}
}

int main(int argc, char *argv[])
{
	int ask[2], tell[2];
	bool recording;
	pid_t child;
	int status;

	/* The program that one row executes is this one by another name. */
	if (argc > 0 && !strcmp(argv[0], EXIT_PROGRAM))
		return 0;

	if (getpid() != 1)
		errx(2, "this is the init of a benchmark machine: use make bench MICRO=1");
	mount_all();
	print_clock();
	must(!pipe2(ask, O_CLOEXEC) && !pipe2(tell, O_CLOEXEC), "pipe");
	child = fork();
	must(child >= 0, "fork");
	if (!child) {
		ask_fd = ask[1];
		answer_fd = tell[0];
		close(ask[0]);
		close(tell[1]);
		set_up_objects();
		sleep(SETTLE_SECONDS);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			measure(&rows[i]);
		exit(0);
	}
	close(ask[1]);
	close(tell[0]);
	/* After the fork: opaque is not inherited, but the child is to be sure. */
	recording = drain_open();
	printf("{\"recording\":%s}\n", recording ? "true" : "false");
	fflush(stdout);
	serve_drain(ask[0], tell[1], recording);
	must(waitpid(child, &status, 0) == child, "wait");
	printf("{\"done\":%s}\n", status == 0 ? "true" : "false");
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
