// SPDX-License-Identifier: GPL-2.0
/* What is put into the kernel itself: modules, firmware, kernels, policy, time, swap */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>
#include <linux/kexec.h>

#include "flow.h"

#define MODULE		"crc7"
#define FIRMWARE	"flow-firmware"

/* Beside this program; see tests/guest/run. */
static const char *module_path(void)
{
	static char path[PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 32);
	char *slash;

	path[length > 0 ? length : 0] = 0;
	slash = strrchr(path, '/');
	if (slash)
		strcpy(slash + 1, MODULE ".ko");
	return path;
}

static int the_kernel(const struct graph *graph)
{
	return graph_named(graph, "kernel", "kernel");
}

CASE(finit_module, "kernel", "a module loaded from its file", "module_loaded",
     "load, data: process to module, which has its name; nothing for a file that is none")

static void load_file(struct scene *scene)
{
	const int fd = open(module_path(), O_RDONLY | O_CLOEXEC);

	MUST(fd >= 0);
	MUST(!syscall(SYS_finit_module, fd, "", 0));
	MUST(!syscall(SYS_delete_module, MODULE, 0));
	close(fd);
	put_file(in(scene, "after"), "x");
}

static void load_nonsense(struct scene *scene)
{
	const int fd = open(in(scene, "nonsense"), O_RDONLY | O_CLOEXEC);

	MUST(fd >= 0);
	MUST(syscall(SYS_finit_module, fd, "", 0));
	close(fd);
	put_file(in(scene, "failed"), "x");
}

ACT(finit_module)
{
	if (access(module_path(), R_OK)) {
		flow_skip("no module beside this program");
		return;
	}
	put_file(in(scene, "nonsense"), "this is no module");
	run(scene, 0, load_file);
	run(scene, 1, load_nonsense);
}

CHECK(finit_module)
{
	const int loader = process(scene, graph, 0, 0);
	const int module = graph_to(graph, loader, "load");

	EXPECT(!strcmp(graph_string(graph, module, "name"), MODULE), "%s",
	       graph_string(graph, module, "name"));
	EXPECT_EDGES(loader, module, "load", "data", 1);
	EXPECT_REACHES(graph_path(graph, module_path()), module);
	EXPECT_NO_DATA(module, loader);
	EXPECT_NO_EDGE(loader, the_kernel(graph), NULL);
	EXPECT(!graph_count(graph, process(scene, graph, 1, 0), ANY, "load", NULL));
}

CASE(init_module, "kernel", "a module loaded from memory", "module_loaded",
     "load, data: process to a module of its own, though it has the same name as another")

static void load_memory(struct scene *scene)
{
	const int fd = open(module_path(), O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *image;

	(void)scene;
	MUST(fd >= 0 && !fstat(fd, &st));
	image = malloc(st.st_size);
	MUST(image && read(fd, image, st.st_size) == st.st_size);
	close(fd);
	MUST(!syscall(SYS_init_module, image, st.st_size, ""));
	MUST(!syscall(SYS_delete_module, MODULE, 0));
	free(image);
}

ACT(init_module)
{
	if (access(module_path(), R_OK)) {
		flow_skip("no module beside this program");
		return;
	}
	run(scene, 0, load_memory);
	run(scene, 1, load_memory);
}

CHECK(init_module)
{
	const int first = process(scene, graph, 0, 0), second = process(scene, graph, 1, 0);
	const int module = graph_to(graph, first, "load");

	EXPECT_NODE(module);
	EXPECT_EDGES(first, module, "load", "data", 1);
	EXPECT_NO_DATA(second, module);
	EXPECT_NODE(graph_to(graph, second, "load"));
}

CASE(firmware, "kernel", "firmware that a driver asks for", "kernel_post_read_file",
     "load, data: file to kernel; nothing for a file that is not there, nor from who triggered it")

static const char trigger[] = "/sys/devices/virtual/misc/test_firmware/trigger_request";

static void ask_for(const char *name, bool there)
{
	const int fd = open(trigger, O_WRONLY | O_CLOEXEC);
	const ssize_t bytes = write(fd, name, strlen(name));

	MUST(fd >= 0);
	MUST(there ? bytes == (ssize_t)strlen(name) : bytes < 0);
	close(fd);
}

static void ask_for_firmware(struct scene *scene)
{
	take_file(in(scene, "secret"));
	ask_for(FIRMWARE, true);
	ask_for("flow-no-firmware", false);
}

ACT(firmware)
{
	if (access(trigger, W_OK)) {
		flow_skip("no CONFIG_TEST_FIRMWARE");
		return;
	}
	mkdir("/lib/firmware", 0755);
	put_file("/lib/firmware/" FIRMWARE, "firmware");
	put_file(in(scene, "secret"), "s");
	run(scene, 0, ask_for_firmware);
	unlink("/lib/firmware/" FIRMWARE);
}

CHECK(firmware)
{
	char path[PATH_MAX];
	int firmware;

	/* /lib is a link. */
	EXPECT(realpath("/lib/firmware", path));
	strcat(path, "/" FIRMWARE);
	firmware = graph_path(graph, path);
	EXPECT_EDGES(firmware, the_kernel(graph), "load", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 0, 0), the_kernel(graph));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), the_kernel(graph));
}

CASE(kexec, "kernel", "kexec_load of something, and of something that is refused",
     "kernel_changed", "load, data: process to kernel; nothing for the refused one")

static long load_kernel(unsigned long address)
{
	static char code[4096] __attribute__((aligned(4096)));
	struct kexec_segment segment = {
		.buf = code,
		.bufsz = sizeof(code),
		.mem = (void *)address,
		.memsz = sizeof(code),
	};

	return syscall(SYS_kexec_load, address, 1, &segment, 0);
}

static void load_some_kernel(struct scene *scene)
{
	take_file(in(scene, "image"));
	MUST(!load_kernel(0x4000000));
	/* Away with it again. */
	MUST(!syscall(SYS_kexec_load, 0, 0, NULL, 0));
}

static void load_no_kernel(struct scene *scene)
{
	(void)scene;
	/* An address that is not that of a page. */
	MUST(load_kernel(0x4000001));
}

ACT(kexec)
{
	put_file(in(scene, "image"), "image");
	run(scene, 0, load_some_kernel);
	run(scene, 1, load_no_kernel);
}

CHECK(kexec)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), the_kernel(graph), "load", "data", 1);
	EXPECT_REACHES(file(scene, graph, "image"), the_kernel(graph));
	EXPECT_NO_EDGE(process(scene, graph, 1, 0), the_kernel(graph), NULL);
}

CASE(settime, "kernel", "the clock set, adjusted, and only looked at", "kernel_changed",
     "settime, control, process to kernel; no data; nothing for who looks or fails")

static void set_clock(struct scene *scene)
{
	struct timespec now;

	(void)scene;
	MUST(!clock_gettime(CLOCK_REALTIME, &now));
	MUST(!clock_settime(CLOCK_REALTIME, &now));
}

static void adjust_clock(struct scene *scene)
{
	struct timex timex = { .modes = 0 };

	(void)scene;
	MUST(adjtimex(&timex) >= 0);
	timex.modes = ADJ_TICK;
	MUST(adjtimex(&timex) >= 0);
}

static void look_at_clock(struct scene *scene)
{
	const struct timespec never = { .tv_nsec = -1 };
	struct timex timex = { .modes = 0 };

	(void)scene;
	MUST(adjtimex(&timex) >= 0);
	MUST(clock_settime(CLOCK_REALTIME, &never));
}

ACT(settime)
{
	run(scene, 0, set_clock);
	run(scene, 1, adjust_clock);
	run(scene, 2, look_at_clock);
}

CHECK(settime)
{
	for (int i = 0; i < 2; i++) {
		EXPECT_EDGES(process(scene, graph, i, 0), the_kernel(graph), "settime", "control",
			     1);
		EXPECT_NO_DATA(process(scene, graph, i, 0), the_kernel(graph));
	}
	EXPECT_NO_EDGE(process(scene, graph, 2, 0), the_kernel(graph), NULL);
}

CASE(swap, "kernel", "swapon and swapoff, and swapon of a file that is no swap space",
     "file_swapped", "swap, meta, process to file, twice; nothing for the failed one; no data")

#define SWAP_FILE	"/var/flow-swap"
#define SWAP_PAGES	64

static void make_swap(const char *path, bool valid)
{
	static char page[4096];
	const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unsigned int *const info = (unsigned int *)(page + 1024);

	MUST(fd >= 0);
	for (int i = 0; i < SWAP_PAGES; i++) {
		memset(page, 0, sizeof(page));
		if (!i && valid) {
			info[0] = 1;
			info[1] = SWAP_PAGES - 1;
			memcpy(page + sizeof(page) - 10, "SWAPSPACE2", 10);
		}
		MUST(write(fd, page, sizeof(page)) == sizeof(page));
	}
	MUST(!fsync(fd));
	close(fd);
}

static void make_both(struct scene *scene)
{
	(void)scene;
	make_swap(SWAP_FILE, true);
	make_swap(SWAP_FILE "-not", false);
}

static void swap_on_and_off(struct scene *scene)
{
	(void)scene;
	MUST(!swapon(SWAP_FILE, 0));
	MUST(!swapoff(SWAP_FILE));
	MUST(swapon(SWAP_FILE "-not", 0));
}

ACT(swap)
{
	run(scene, 0, make_both);
	run(scene, 1, swap_on_and_off);
	unlink(SWAP_FILE);
	unlink(SWAP_FILE "-not");
}

CHECK(swap)
{
	const int swapper = process(scene, graph, 1, 0);
	const int space = graph_path(graph, SWAP_FILE), none = graph_path(graph, SWAP_FILE "-not");

	EXPECT_EDGES(swapper, space, "swap", "meta", 2);
	EXPECT_NO_DATA(swapper, space);
	EXPECT_NO_DATA(space, swapper);
	EXPECT_NODE(none);
	EXPECT_NO_EDGE(swapper, none, "swap");
}

CASE(policy, "kernel", "an AppArmor profile loaded by apparmor_parser", "file_written",
     "read and write, data: profile to parser to the file of apparmorfs")

#define APPARMOR	"/sys/kernel/security/apparmor/"

static void load_profile(struct scene *scene)
{
	execl("/sbin/apparmor_parser", "apparmor_parser", "-r", "-K", in(scene, "profile"), NULL);
	MUST(!"apparmor_parser");
}

ACT(policy)
{
	if (access(APPARMOR ".replace", W_OK) || access("/sbin/apparmor_parser", X_OK)) {
		flow_skip("no AppArmor");
		return;
	}
	put_file(in(scene, "profile"), "profile flow-profile /nowhere/flow { }\n");
	run(scene, 0, load_profile);
}

CHECK(policy)
{
	const int replace = graph_path(graph, APPARMOR ".replace");
	const int parser = graph_from(graph, replace, "write");

	EXPECT_NODE(parser);
	EXPECT_REACHES(file(scene, graph, "profile"), replace);
	EXPECT_NOT_REACHES(replace, file(scene, graph, "profile"));
}
