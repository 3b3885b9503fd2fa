// SPDX-License-Identifier: GPL-2.0
/* Metadata: extended attributes, ACLs, targets of links, and looks at inodes */
#include <endian.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "flow.h"
#include "overlay.h"

#define NAME	"user.selftest"
#define ACL	"system.posix_acl_access"

CASE(xattr, "metadata", "extended attribute: set by one process, read by another",
     "inode_setxattr, inode_post_setxattr, xattr_read",
     "setxattr and getxattr, data; a path from one to the other")

static void set_attribute(struct scene *scene)
{
	MUST(!setxattr(in(scene, "file"), NAME, "secret", 6, 0));
}

static void get_attribute(struct scene *scene)
{
	char value[16];

	MUST(getxattr(in(scene, "file"), NAME, value, sizeof(value)) == 6);
	MUST(getxattr(in(scene, "file"), NAME, value, sizeof(value)) == 6);
}

ACT(xattr)
{
	put_file(in(scene, "file"), "x");
	run(scene, 0, set_attribute);
	run(scene, 1, get_attribute);
}

CHECK(xattr)
{
	const int node = file(scene, graph, "file");
	const int writer = process(scene, graph, 0, 0), reader = process(scene, graph, 1, 0);

	EXPECT_EDGES(writer, node, "setxattr", "data", 1);
	EXPECT_EDGES(node, reader, "getxattr", "data", 1);
	EXPECT_REACHES(writer, reader);
	EXPECT_NOT_REACHES(reader, writer);
	EXPECT_NO_EDGE(node, reader, "read");
}

CASE(xattr_order, "metadata", "extended attribute: read before it is set again",
     "inode_setxattr, xattr_read", "no path from who set it later")

ACT(xattr_order)
{
	put_file(in(scene, "file"), "x");
	run(scene, 0, set_attribute);
	run(scene, 1, get_attribute);
	run(scene, 2, set_attribute);
}

CHECK(xattr_order)
{
	EXPECT_REACHES(process(scene, graph, 0, 0), process(scene, graph, 1, 0));
	EXPECT_NOT_REACHES(process(scene, graph, 2, 0), process(scene, graph, 1, 0));
	EXPECT_EDGES(process(scene, graph, 2, 0), file(scene, graph, "file"), "setxattr", "data",
		     1);
}

CASE(xattr_failed, "metadata", "extended attributes: what fails, and what only asks for a length",
     "xattr_read", "no data edge")

static void fail_attributes(struct scene *scene)
{
	const char *const path = in(scene, "file");
	char value[16];

	MUST(getxattr(path, "user.none", value, sizeof(value)) < 0 && errno == ENODATA);
	MUST(getxattr(path, NAME, NULL, 0) == 6);
	MUST(getxattr(path, NAME, value, 1) < 0 && errno == ERANGE);
	MUST(setxattr(path, NAME, "y", 1, XATTR_CREATE) < 0 && errno == EEXIST);
	MUST(removexattr(path, "user.none") < 0 && errno == ENODATA);
	MUST(listxattr(path, NULL, 0) > 0);
}

ACT(xattr_failed)
{
	put_file(in(scene, "file"), "x");
	EXPECT(!setxattr(in(scene, "file"), NAME, "secret", 6, 0));
	run(scene, 0, fail_attributes);
}

CHECK(xattr_failed)
{
	const int node = file(scene, graph, "file"), process_0 = process(scene, graph, 0, 0);

	EXPECT_NO_DATA(node, process_0);
	EXPECT_NO_DATA(process_0, node);
	EXPECT_NO_EDGE(node, process_0, "listxattr");
}

CASE(xattr_remove, "metadata", "extended attributes: names listed, one removed",
     "xattrs_listed, inode_post_removexattr", "listxattr, meta; removexattr, data")

static void list_and_remove(struct scene *scene)
{
	char names[256];

	MUST(listxattr(in(scene, "file"), names, sizeof(names)) > 0);
	MUST(!removexattr(in(scene, "file"), NAME));
}

ACT(xattr_remove)
{
	put_file(in(scene, "file"), "x");
	EXPECT(!setxattr(in(scene, "file"), NAME, "secret", 6, 0));
	run(scene, 0, list_and_remove);
}

CHECK(xattr_remove)
{
	const int node = file(scene, graph, "file"), process_0 = process(scene, graph, 0, 0);

	EXPECT_EDGES(node, process_0, "listxattr", "meta", 1);
	EXPECT_EDGES(process_0, node, "removexattr", "data", 1);
	EXPECT_NO_DATA(node, process_0);
}

CASE(acl, "metadata", "POSIX ACL: set, read, removed",
     "inode_set_acl, inode_post_set_acl, xattr_read, inode_post_remove_acl",
     "setxattr, getxattr and removexattr, data")

/* user::rw-, user:65534:r--, group::r--, mask::r--, other::--- as the kernel takes it. */
static const struct {
	uint32_t version;
	struct {
		uint16_t tag, permissions;
		uint32_t id;
	} entry[5];
} acl_value = {
	2, { { 1, 6, -1 }, { 2, 4, 65534 }, { 4, 4, -1 }, { 16, 4, -1 }, { 32, 0, -1 } },
};

static void set_acl(struct scene *scene)
{
	MUST(!setxattr(in(scene, "file"), ACL, &acl_value, sizeof(acl_value), 0));
}

static void get_acl(struct scene *scene)
{
	char value[256];

	MUST(getxattr(in(scene, "file"), ACL, value, sizeof(value)) == sizeof(acl_value));
}

/* As ls and cp do, to learn whether there is one. */
static void ask_for_acl(struct scene *scene)
{
	char value;

	MUST(getxattr(in(scene, "file"), ACL, NULL, 0) == sizeof(acl_value));
	MUST(getxattr(in(scene, "file"), ACL, &value, 1) < 0 && errno == ERANGE);
}

static void remove_acl(struct scene *scene)
{
	MUST(!removexattr(in(scene, "file"), ACL));
}

ACT(acl)
{
	put_file(in(scene, "file"), "x");
	if (setxattr(in(scene, "file"), ACL, &acl_value, sizeof(acl_value), 0)) {
		flow_skip("the file system has no ACLs");
		return;
	}
	run(scene, 0, set_acl);
	run(scene, 1, get_acl);
	run(scene, 3, ask_for_acl);
	run(scene, 2, remove_acl);
}

CHECK(acl)
{
	const int node = file(scene, graph, "file");

	EXPECT_EDGES(process(scene, graph, 0, 0), node, "setxattr", "data", 1);
	EXPECT_EDGES(node, process(scene, graph, 1, 0), "getxattr", "data", 1);
	EXPECT_EDGES(process(scene, graph, 2, 0), node, "removexattr", "data", 1);
	EXPECT_REACHES(process(scene, graph, 0, 0), process(scene, graph, 1, 0));
	EXPECT_NO_DATA(node, process(scene, graph, 2, 0));
	EXPECT(graph_count(graph, node, ANY, "getxattr", NULL) == 1);
	EXPECT(graph_integer(graph, node, "uid") == 0);
}

CASE(overlay, "metadata", "overlayfs asks for its own extended attributes of what is looked up",
     "xattr_read", "nothing to who looks; who reads an attribute has that of the file below")

/* Copied up, which marks the file; and a new directory where there was one, which is opaque. */
static void change_overlay(struct scene *scene)
{
	int fd;

	mount_overlay(scene);
	take_file(in(scene, "secret"));
	fd = open(in(scene, "merged/file"), O_WRONLY | O_APPEND | O_CLOEXEC);
	MUST(fd >= 0 && write(fd, "x", 1) == 1);
	MUST(!setxattr(in(scene, "merged/file"), "user.flow", "x", 1, 0));
	MUST(!rmdir(in(scene, "merged/dir")) && !mkdir(in(scene, "merged/dir"), 0755));
}

static void look_at_overlay(struct scene *scene)
{
	struct stat st;

	mount_overlay(scene);
	MUST(!stat(in(scene, "merged/file"), &st) && st.st_size == 2);
	MUST(!stat(in(scene, "merged/dir"), &st));
	put_file(in(scene, "looked"), "x");
}

static void read_attribute(struct scene *scene)
{
	char value;

	mount_overlay(scene);
	MUST(getxattr(in(scene, "merged/file"), "user.flow", &value, 1) == 1);
	put_file(in(scene, "got"), "x");
}

ACT(overlay)
{
	make_overlay(scene);
	EXPECT(!mkdir(in(scene, "lower/dir"), 0755));
	put_file(in(scene, "lower/file"), "f");
	put_file(in(scene, "secret"), "s");
	run(scene, 0, change_overlay);
	run(scene, 1, look_at_overlay);
	run(scene, 2, read_attribute);
}

CHECK(overlay)
{
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "looked"));
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "got"));
}

CASE(acl_copied_up, "metadata", "overlayfs: the ACL of an empty file that is copied up",
     "inode_copy_up_xattr, inode_set_acl, inode_post_set_acl",
     "getxattr, data, of the file below; setxattr, data, of the one above")

static void learn_and_set_acl(struct scene *scene)
{
	take_file(in(scene, "secret"));
	MUST(!setxattr(in(scene, "lower/file"), ACL, &acl_value, sizeof(acl_value), 0));
}

static void touch_merged(struct scene *scene)
{
	mount_overlay(scene);
	MUST(!utimensat(AT_FDCWD, in(scene, "merged/file"), NULL, 0));
}

static void get_acl_above(struct scene *scene)
{
	char value[256];

	MUST(getxattr(in(scene, "upper/file"), ACL, value, sizeof(value)) == sizeof(acl_value));
	put_file(in(scene, "got"), "x");
	/* So that it is known by its path. */
	take_file(in(scene, "upper/file"));
}

ACT(acl_copied_up)
{
	put_file(in(scene, "secret"), "s");
	make_overlay(scene);
	put_file(in(scene, "lower/file"), "");
	run(scene, 0, learn_and_set_acl);
	run(scene, 1, touch_merged);
	run(scene, 2, get_acl_above);
}

CHECK(acl_copied_up)
{
	const int lower = file(scene, graph, "lower/file");
	const int upper = file(scene, graph, "upper/file");
	const int who = process(scene, graph, 1, 0);

	EXPECT_EDGES(lower, who, "getxattr", "data", 1);
	EXPECT_EDGE(who, upper, "setxattr", "data");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "got"));
}

CASE(readlink, "metadata", "readlink of a symbolic link, and a path walk through one", "link_read",
     "readlink, data; nothing from a link that was followed")

static void make_link(struct scene *scene)
{
	MUST(!symlink("file", in(scene, "link")));
}

static void read_link(struct scene *scene)
{
	char target[64];

	MUST(readlink(in(scene, "link"), target, sizeof(target)) == 4);
}

static void follow_link(struct scene *scene)
{
	char target[8];

	MUST(open(in(scene, "link"), O_RDONLY) >= 0);
	MUST(readlink(in(scene, "file"), target, sizeof(target)) < 0 && errno == EINVAL);
}

ACT(readlink)
{
	put_file(in(scene, "file"), "x");
	run(scene, 0, make_link);
	run(scene, 1, read_link);
	run(scene, 2, follow_link);
}

CHECK(readlink)
{
	const int link = file(scene, graph, "link");

	EXPECT_EDGES(link, process(scene, graph, 1, 0), "readlink", "data", 1);
	EXPECT_REACHES(process(scene, graph, 0, 0), process(scene, graph, 1, 0));
	EXPECT_NO_DATA(link, process(scene, graph, 2, 0));
	EXPECT_NO_DATA(file(scene, graph, "file"), process(scene, graph, 2, 0));
}

CASE(flags, "metadata", "flags of a file, as chattr sets them; and a request that fails", "flags_set",
     "setattr, meta")

static void set_flags(struct scene *scene)
{
	const int fd = open(in(scene, "file"), O_RDONLY | O_CLOEXEC);
	int flags;

	MUST(fd >= 0 && !ioctl(fd, FS_IOC_GETFLAGS, &flags));
	flags |= FS_NODUMP_FL;
	MUST(!ioctl(fd, FS_IOC_SETFLAGS, &flags));
	close(fd);
}

static void fail_to_set_flags(struct scene *scene)
{
	const int fd = open(in(scene, "other"), O_RDONLY | O_CLOEXEC);
	int flags = -1;

	MUST(fd >= 0 && ioctl(fd, FS_IOC_SETFLAGS, &flags));
	close(fd);
}

ACT(flags)
{
	put_file(in(scene, "file"), "x");
	put_file(in(scene, "other"), "x");
	run(scene, 0, set_flags);
	run(scene, 1, fail_to_set_flags);
}

CHECK(flags)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, "file"), "setattr", "meta", 1);
	EXPECT_NO_EDGE(process(scene, graph, 1, 0), file(scene, graph, "other"), "setattr");
}

CASE(looks, "metadata", "stat, access and lookup of a path, by setting",
     "attributes_read, access_asked, path_looked_up", "stat, access, lookup, meta, while it is on")

static void look(struct scene *scene)
{
	struct stat st;

	for (int i = 0; i < 10; i++) {
		MUST(!stat(in(scene, "file"), &st));
		MUST(!access(in(scene, "file"), R_OK));
		MUST(stat(in(scene, "none"), &st) < 0 && errno == ENOENT);
	}
}

static void set_meta(const char *value)
{
	const char *const argv[] = { "provctl", "set", value, NULL };
	char *output;

	EXPECT(!run_tool(&output, argv));
	free(output);
}

ACT(looks)
{
	put_file(in(scene, "file"), "x");
	run(scene, 0, look);
	set_meta("meta=on");
	run(scene, 1, look);
	set_meta("meta=off");
	run(scene, 2, look);
}

CHECK(looks)
{
	static const char *const ops[] = { "stat", "access", "lookup" };
	const int node = file(scene, graph, "file");

	for (int i = 0; i < 3; i++) {
		EXPECT_NO_EDGE(node, process(scene, graph, 0, 0), ops[i]);
		EXPECT_EDGES(node, process(scene, graph, 1, 0), ops[i], "meta", 1);
		EXPECT_NO_EDGE(node, process(scene, graph, 2, 0), ops[i]);
	}
	EXPECT_NO_DATA(node, process(scene, graph, 1, 0));
}
