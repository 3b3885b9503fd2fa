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
#ifdef __x86_64__
#include <asm/bootparam.h>
#endif

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

CASE(kexec_file, "kernel", "kexec_file_load of an image with an initramfs and a command line",
     "file_read, kernel_changed",
     "read, data: both files to process; load, data: process to kernel, once")

#define KEXEC_COMMAND_LINE	"console=none"

/* As little of a kernel as is taken for one; nobody starts it. */
static void make_image(const char *path)
{
	static char bytes[8192];
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
#ifdef __x86_64__
	struct setup_header *const header = &((struct boot_params *)bytes)->hdr;

	header->setup_sects = 7;
	header->boot_flag = 0xaa55;
	/* Its second byte says where the header ends. */
	header->jump = 0x66eb;
	memcpy(&header->header, "HdrS", 4);
	header->version = 0x20f;
	header->loadflags = LOADED_HIGH;
	header->kernel_alignment = 0x200000;
	header->xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G | XLF_5LEVEL;
	header->cmdline_size = 2047;
	header->pref_address = 0x1000000;
	header->init_size = 4096;
#endif
	MUST(fd >= 0 && write(fd, bytes, sizeof(bytes)) == sizeof(bytes));
	close(fd);
}

static long load_files(const struct scene *scene, const char *image, const char *initramfs,
		       const char *command_line, size_t bytes)
{
	const int image_fd = open(in(scene, image), O_RDONLY | O_CLOEXEC);
	const int initramfs_fd = initramfs ? open(in(scene, initramfs), O_RDONLY | O_CLOEXEC) : -1;
	long ret;

	MUST(image_fd >= 0 && (initramfs_fd >= 0 || !initramfs));
	ret = syscall(SYS_kexec_file_load, image_fd, initramfs_fd, bytes, command_line,
		      initramfs ? 0UL : KEXEC_FILE_NO_INITRAMFS);
	close(image_fd);
	if (initramfs)
		close(initramfs_fd);
	return ret;
}

static void make_kernel(struct scene *scene)
{
	make_image(in(scene, "image"));
	put_file(in(scene, "initramfs"), "initramfs");
}

static void load_kernel_files(struct scene *scene)
{
	MUST(!load_files(scene, "image", "initramfs", KEXEC_COMMAND_LINE,
			 sizeof(KEXEC_COMMAND_LINE)));
	/* Away with it again. */
	MUST(!syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, KEXEC_FILE_UNLOAD));
}

static bool can_kexec_files(void)
{
#ifdef __x86_64__
	/* No flags that there are: it is asked for after the permission. */
	if (syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, ~0UL) && errno == EINVAL)
		return true;
#endif
	flow_skip("no CONFIG_KEXEC_FILE, or no x86-64, whose image is made here");
	return false;
}

ACT(kexec_file)
{
	if (!can_kexec_files())
		return;
	run(scene, 0, make_kernel);
	run(scene, 1, load_kernel_files);
}

CHECK(kexec_file)
{
	const int loader = process(scene, graph, 1, 0);
	const int image = file(scene, graph, "image");
	const int initramfs = file(scene, graph, "initramfs");

	EXPECT_EDGES(image, loader, "read", "data", 1);
	EXPECT_EDGES(initramfs, loader, "read", "data", 1);
	/* Once: that it was taken away again is nothing that it takes in. */
	EXPECT_EDGES(loader, the_kernel(graph), "load", "data", 1);
	EXPECT_REACHES(image, the_kernel(graph));
	EXPECT_REACHES(initramfs, the_kernel(graph));
	EXPECT_REACHES(process(scene, graph, 0, 0), the_kernel(graph));
	EXPECT_NO_EDGE(image, the_kernel(graph), NULL);
	EXPECT_NO_DATA(loader, image);
}

CASE(kexec_file_refused, "kernel",
     "kexec_file_load of what is no kernel, and of one whose command line does not end",
     "file_read", "read, data: what was read to process; nothing to the kernel")

static void load_nonsense_kernel(struct scene *scene)
{
	MUST(load_files(scene, "nonsense", NULL, NULL, 0) && errno == ENOEXEC);
	put_file(in(scene, "after-nonsense"), "x");
}

static void load_with_endless_line(struct scene *scene)
{
	/* Its NUL is not given. */
	MUST(load_files(scene, "image", "initramfs", KEXEC_COMMAND_LINE,
			sizeof(KEXEC_COMMAND_LINE) - 1) && errno == EINVAL);
	put_file(in(scene, "after-line"), "x");
}

static void load_flags_of_none(struct scene *scene)
{
	const int fd = open(in(scene, "unread"), O_RDONLY | O_CLOEXEC);

	MUST(fd >= 0);
	MUST(syscall(SYS_kexec_file_load, fd, -1, 0UL, NULL, ~0UL) && errno == EINVAL);
}

ACT(kexec_file_refused)
{
	if (!can_kexec_files())
		return;
	put_file(in(scene, "nonsense"), "this is no kernel");
	put_file(in(scene, "unread"), "this is not even read");
	run(scene, 0, make_kernel);
	run(scene, 1, load_nonsense_kernel);
	run(scene, 2, load_with_endless_line);
	run(scene, 3, load_flags_of_none);
}

CHECK(kexec_file_refused)
{
	const int nonsense = file(scene, graph, "nonsense");

	/* The kernel has thrown it away, but an error tells who has called of it. */
	EXPECT_EDGES(nonsense, process(scene, graph, 1, 0), "read", "data", 1);
	EXPECT_REACHES(nonsense, file(scene, graph, "after-nonsense"));
	EXPECT_EDGES(file(scene, graph, "image"), process(scene, graph, 2, 0), "read", "data", 1);
	EXPECT_EDGES(file(scene, graph, "initramfs"), process(scene, graph, 2, 0), "read", "data",
		     1);
	EXPECT_NO_DATA(file(scene, graph, "unread"), process(scene, graph, 3, 0));
	for (int i = 1; i <= 3; i++)
		EXPECT_NO_EDGE(process(scene, graph, i, 0), the_kernel(graph), NULL);
	EXPECT_NO_EDGE(nonsense, the_kernel(graph), NULL);
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
