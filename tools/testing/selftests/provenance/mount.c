// SPDX-License-Identifier: GPL-2.0
/* Mounts: what was mounted where, moved, and unmounted */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "flow.h"
#include "overlay.h"

static void own_namespace(void)
{
	MUST(!unshare(CLONE_NEWNS));
	MUST(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

/* How often it was said that @node was mounted, or unmounted, at a path. */
static int mounts(const struct graph *graph, int node, const char *path, const char *event)
{
	const json_t *const list = json_object_get(graph_node(graph, node), "mounts");
	int count = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *const one = json_array_get(list, i);

		count += !strcmp(json_string_value(json_object_get(one, "path")), path) &&
			 !strcmp(json_string_value(json_object_get(one, "event")), event);
	}
	return count;
}

CASE(mount, "mounts", "a file system mounted and unmounted; one that is busy",
     "mount_attached, mount_leaves, mount_left",
     "mount and umount, meta, on its root, with the path; nothing of what failed")

static void mount_and_unmount(struct scene *scene)
{
	own_namespace();
	MUST(!mount("none", in(scene, "mnt"), "tmpfs", 0, NULL));
	MUST(mount("none", in(scene, "none"), "tmpfs", 0, NULL) < 0 && errno == ENOENT);
	MUST(!umount(in(scene, "mnt")));
}

static void unmount_busy(struct scene *scene)
{
	own_namespace();
	MUST(!mount("none", in(scene, "mnt"), "tmpfs", 0, NULL));
	MUST(!chdir(in(scene, "mnt")));
	MUST(umount(in(scene, "mnt")) < 0 && errno == EBUSY);
}

ACT(mount)
{
	EXPECT(!mkdir(in(scene, "mnt"), 0755));
	run(scene, 0, mount_and_unmount);
	run(scene, 1, unmount_busy);
}

CHECK(mount)
{
	const int process_0 = process(scene, graph, 0, 0), process_1 = process(scene, graph, 1, 0);
	const int root = graph_to(graph, process_0, "mount"), busy = graph_to(graph, process_1, "mount");

	EXPECT_EDGES(process_0, root, "mount", "meta", 1);
	EXPECT_EDGES(process_0, root, "umount", "meta", 1);
	EXPECT(mounts(graph, root, in(scene, "mnt"), "mount") == 1);
	EXPECT(mounts(graph, root, in(scene, "mnt"), "umount") == 1);
	EXPECT_EDGES(process_1, busy, "mount", "meta", 1);
	EXPECT(root != busy);
	EXPECT_NO_EDGE(process_1, busy, "umount");
	EXPECT(mounts(graph, busy, in(scene, "mnt"), "umount") == 0);
	EXPECT_NO_DATA(process_0, root);
	EXPECT(graph_count(graph, process_0, ANY, "mount", NULL) == 1);
}

CASE(bind, "mounts", "a file bound over another, and a directory", "mount_attached",
     "mount, meta, on what is bound")

static void bind(struct scene *scene)
{
	own_namespace();
	MUST(!mount(in(scene, "file"), in(scene, "over"), NULL, MS_BIND, NULL));
	MUST(!mount(in(scene, "dir"), in(scene, "mnt"), NULL, MS_BIND, NULL));
}

ACT(bind)
{
	put_file(in(scene, "file"), "x");
	put_file(in(scene, "over"), "x");
	EXPECT(!mkdir(in(scene, "dir"), 0755) && !mkdir(in(scene, "mnt"), 0755));
	run(scene, 0, bind);
}

CHECK(bind)
{
	const int node = file(scene, graph, "file"), dir = file(scene, graph, "dir");

	EXPECT_EDGES(process(scene, graph, 0, 0), node, "mount", "meta", 1);
	EXPECT(mounts(graph, node, in(scene, "over"), "mount") == 1);
	EXPECT_EDGES(process(scene, graph, 0, 0), dir, "mount", "meta", 1);
	EXPECT(mounts(graph, dir, in(scene, "mnt"), "mount") == 1);
	EXPECT_NO_EDGE(process(scene, graph, 0, 0), file(scene, graph, "over"), "mount");
}

CASE(move, "mounts", "a mount moved by mount(2) and by move_mount(2)",
     "mount_leaves, mount_attached", "move_mount, meta, with the old path and the new one")

static void move_twice(struct scene *scene)
{
	own_namespace();
	MUST(!mount("none", in(scene, "one"), "tmpfs", 0, NULL));
	MUST(mount(in(scene, "one"), in(scene, "file"), NULL, MS_MOVE, NULL) < 0);
	MUST(!mount(in(scene, "one"), in(scene, "two"), NULL, MS_MOVE, NULL));
	MUST(!syscall(SYS_move_mount, AT_FDCWD, in(scene, "two"), AT_FDCWD, in(scene, "three"), 0));
}

ACT(move)
{
	put_file(in(scene, "file"), "x");
	EXPECT(!mkdir(in(scene, "one"), 0755) && !mkdir(in(scene, "two"), 0755) &&
	       !mkdir(in(scene, "three"), 0755));
	run(scene, 0, move_twice);
}

CHECK(move)
{
	const int process_0 = process(scene, graph, 0, 0);
	const int root = graph_to(graph, process_0, "mount");

	EXPECT_EDGES(process_0, root, "mount", "meta", 1);
	EXPECT_EDGES(process_0, root, "move_mount", "meta", 2);
	EXPECT(mounts(graph, root, in(scene, "one"), "mount") == 1);
	EXPECT(mounts(graph, root, in(scene, "one"), "umount") == 1);
	EXPECT(mounts(graph, root, in(scene, "two"), "mount") == 1);
	EXPECT(mounts(graph, root, in(scene, "two"), "umount") == 1);
	EXPECT(mounts(graph, root, in(scene, "three"), "mount") == 1);
	EXPECT(mounts(graph, root, in(scene, "three"), "umount") == 0);
}

CASE(pivot_root, "mounts", "pivot_root", "mount_attached", "mount, meta: the new root at /, the old one below")

static void pivot(struct scene *scene)
{
	own_namespace();
	MUST(!mount("none", in(scene, "new"), "tmpfs", 0, NULL));
	MUST(!chdir(in(scene, "new")) && !mkdir("old", 0755));
	MUST(!syscall(SYS_pivot_root, ".", "old"));
}

ACT(pivot_root)
{
	EXPECT(!mkdir(in(scene, "new"), 0755));
	run(scene, 0, pivot);
}

CHECK(pivot_root)
{
	const int process_0 = process(scene, graph, 0, 0);
	const int root = graph_to(graph, process_0, "mount");

	EXPECT(mounts(graph, root, in(scene, "new"), "mount") == 1);
	EXPECT(mounts(graph, root, "/", "mount") == 1);
	EXPECT_EDGES(process_0, root, "mount", "meta", 2);
	EXPECT(graph_count(graph, process_0, ANY, "mount", "meta") == 3);
}

CASE(overlay, "mounts", "sendfile to a file of an overlayfs that another process maps", "file_writing, file_written",
     "write, data, of the file above and of the one below; its mapper has it")

/* The real file is what is mapped. */
static void map_merged(struct scene *scene)
{
	const int fd = open(in(scene, "upper/file"), O_RDONLY);

	MUST(fd >= 0 && mmap(NULL, 4, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	put_file(in(scene, "early"), "x");
	told();
	await();
	put_file(in(scene, "late"), "x");
}

static void send_to_merged(struct scene *scene)
{
	int from, to;

	mount_overlay(scene);
	from = open(in(scene, "from"), O_RDONLY);
	to = open(in(scene, "merged/file"), O_WRONLY);
	MUST(from >= 0 && to >= 0 && sendfile(to, from, NULL, 4) == 4);
}

ACT(overlay)
{
	put_file(in(scene, "from"), "from");
	make_overlay(scene);
	put_file(in(scene, "upper/file"), "file");
	actor(scene, 0, map_merged);
	done(scene, 0);
	run(scene, 1, send_to_merged);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(overlay)
{
	const int below = file(scene, graph, "upper/file");

	EXPECT_EDGES(process(scene, graph, 1, 0), below, "write", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "late"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "early"));
}

CASE(copy_up, "mounts", "overlayfs: a file of the lower layer is opened to append to it, and read",
     "inode_copy_up, file_read, file_writing, file_written",
     "read, data, of the file below; write, data, of the one above, which has its owner and mode")

static void learn_and_write(struct scene *scene)
{
	take_file(in(scene, "from"));
	put_file(in(scene, "lower/file"), "below");
	MUST(!chmod(in(scene, "lower/file"), 0640) && !chown(in(scene, "lower/file"), 1, 2));
}

static void append(struct scene *scene)
{
	int fd;

	mount_overlay(scene);
	take_file(in(scene, "secret"));
	fd = open(in(scene, "merged/file"), O_WRONLY | O_APPEND);
	MUST(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
	take_file(in(scene, "late"));
}

static void read_merged(struct scene *scene)
{
	char text[8];
	int fd;

	mount_overlay(scene);
	fd = open(in(scene, "merged/file"), O_RDONLY);
	MUST(fd >= 0 && read(fd, text, sizeof(text)) == 6 && !memcmp(text, "belowx", 6));
	put_file(in(scene, "to"), "x");
}

/* Who opens it knows by which path. */
static void open_layers(struct scene *scene)
{
	MUST(open(in(scene, "upper/file"), O_RDONLY) >= 0);
	MUST(open(in(scene, "lower/file"), O_RDONLY) >= 0);
}

ACT(copy_up)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "late"), "l");
	make_overlay(scene);
	run(scene, 0, learn_and_write);
	run(scene, 1, append);
	run(scene, 2, read_merged);
	run(scene, 3, open_layers);
}

CHECK(copy_up)
{
	const int lower = file(scene, graph, "lower/file");
	const int upper = file(scene, graph, "upper/file");
	const int who = process(scene, graph, 1, 0), reader = process(scene, graph, 2, 0);

	EXPECT(lower != upper);
	EXPECT_EDGES(who, upper, "create", "meta", 1);
	EXPECT_EDGES(lower, who, "read", "data", 1);
	/* What was below, and what is appended. */
	EXPECT_EDGE(who, upper, "write", "data");
	EXPECT_REACHES(file(scene, graph, "from"), upper);
	EXPECT_REACHES(lower, upper);
	EXPECT_REACHES(file(scene, graph, "secret"), upper);
	EXPECT_NOT_REACHES(file(scene, graph, "late"), upper);
	EXPECT_NO_DATA(who, lower);
	EXPECT_NOT_REACHES(upper, lower);
	EXPECT_EDGES(upper, reader, "read", "data", 1);
	EXPECT_NO_DATA(lower, reader);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_EDGE(who, upper, "setattr", "meta");
	EXPECT(!strcmp(graph_string(graph, upper, "mode"), "0100640"), "%s",
	       graph_string(graph, upper, "mode"));
	EXPECT(graph_integer(graph, upper, "uid") == 1 && graph_integer(graph, upper, "gid") == 2);
}

CASE(copy_up_truncated, "mounts", "overlayfs: a file of the lower layer is opened with O_TRUNC",
     "inode_copy_up, inode_post_setattr",
     "truncate, data, of the merged file; data, of the file above; nothing of what is below")

static void write_anew(struct scene *scene)
{
	int fd;

	mount_overlay(scene);
	take_file(in(scene, "secret"));
	fd = open(in(scene, "merged/file"), O_WRONLY | O_TRUNC);
	MUST(fd >= 0);
	close(fd);
}

ACT(copy_up_truncated)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "secret"), "s");
	make_overlay(scene);
	run(scene, 0, learn_and_write);
	run(scene, 1, write_anew);
	run(scene, 3, open_layers);
}

CHECK(copy_up_truncated)
{
	const int lower = file(scene, graph, "lower/file");
	const int upper = file(scene, graph, "upper/file");
	const int who = process(scene, graph, 1, 0);

	EXPECT(lower != upper);
	EXPECT_EDGES(who, upper, "create", "meta", 1);
	EXPECT_EDGES(who, file(scene, graph, "merged/file"), "truncate", "data", 1);
	/* The mark that overlayfs sets comes first, after which the truncation is no news. */
	EXPECT_EDGES(who, upper, "setxattr", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), upper);
	EXPECT_NO_DATA(lower, who);
	EXPECT_NO_DATA(who, lower);
	EXPECT_NOT_REACHES(lower, upper);
	EXPECT_NOT_REACHES(file(scene, graph, "from"), upper);
	EXPECT(!strcmp(graph_string(graph, upper, "mode"), "0100640"), "%s",
	       graph_string(graph, upper, "mode"));
}

CASE(copy_up_xattr, "mounts", "overlayfs: an extended attribute of an empty file that is copied up",
     "inode_copy_up_xattr, inode_setxattr, inode_post_setxattr",
     "getxattr, data, of the file below; setxattr, data, of the one above")

static void set_attribute(struct scene *scene)
{
	take_file(in(scene, "from"));
	MUST(!setxattr(in(scene, "lower/file"), "user.flow", "below", 5, 0));
}

static void change_mode(struct scene *scene)
{
	mount_overlay(scene);
	MUST(!chmod(in(scene, "merged/file"), 0600));
}

static void get_attribute(struct scene *scene)
{
	char value[8];

	MUST(getxattr(in(scene, "upper/file"), "user.flow", value, sizeof(value)) == 5);
	put_file(in(scene, "to"), "x");
}

ACT(copy_up_xattr)
{
	put_file(in(scene, "from"), "f");
	make_overlay(scene);
	put_file(in(scene, "lower/file"), "");
	run(scene, 0, set_attribute);
	run(scene, 1, change_mode);
	run(scene, 2, get_attribute);
	run(scene, 3, open_layers);
}

CHECK(copy_up_xattr)
{
	const int lower = file(scene, graph, "lower/file");
	const int upper = file(scene, graph, "upper/file");
	const int who = process(scene, graph, 1, 0);

	EXPECT(lower != upper);
	EXPECT_EDGES(lower, who, "getxattr", "data", 1);
	EXPECT_EDGE(who, upper, "setxattr", "data");
	EXPECT_NO_EDGE(lower, who, "read");
	EXPECT_REACHES(lower, upper);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

CASE(overlay_mapped, "mounts", "overlayfs: mmap of merged files that are below and above",
     "mmap_backing_file, mapping_added",
     "mmap and mmap_write, data, of the file below or above; the mapper has what is written later")

static void map_layers(struct scene *scene)
{
	int below, above, written;

	mount_overlay(scene);
	below = open(in(scene, "merged/below"), O_RDONLY);
	above = open(in(scene, "merged/file"), O_RDONLY);
	written = open(in(scene, "merged/written"), O_RDWR);
	MUST(below >= 0 && above >= 0 && written >= 0);
	MUST(mmap(NULL, 4, PROT_READ, MAP_PRIVATE, below, 0) != MAP_FAILED);
	MUST(mmap(NULL, 4, PROT_READ, MAP_SHARED, above, 0) != MAP_FAILED);
	MUST(mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, written, 0) != MAP_FAILED);
	put_file(in(scene, "early"), "x");
	told();
	await();
	put_file(in(scene, "late"), "x");
}

static void learn_and_write_upper(struct scene *scene)
{
	take_file(in(scene, "from"));
	put_file(in(scene, "upper/file"), "new");
}

ACT(overlay_mapped)
{
	put_file(in(scene, "from"), "f");
	make_overlay(scene);
	put_file(in(scene, "lower/below"), "file");
	put_file(in(scene, "upper/file"), "file");
	put_file(in(scene, "upper/written"), "file");
	actor(scene, 0, map_layers);
	done(scene, 0);
	run(scene, 1, learn_and_write_upper);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(overlay_mapped)
{
	const int who = process(scene, graph, 0, 0), below = file(scene, graph, "lower/below");
	const int above = file(scene, graph, "upper/file");
	const int written = file(scene, graph, "upper/written");

	EXPECT_EDGES(below, who, "mmap", "data", 1);
	EXPECT_EDGE(above, who, "mmap", "data");
	EXPECT_EDGE(written, who, "mmap", "data");
	EXPECT_EDGE(who, written, "mmap_write", "data");
	EXPECT_NO_EDGE(who, below, "mmap_write");
	EXPECT_NO_EDGE(who, above, "mmap_write");
	EXPECT_REACHES(below, file(scene, graph, "early"));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "late"));
	EXPECT_REACHES(file(scene, graph, "from"), written);
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "early"));
}
