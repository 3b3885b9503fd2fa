// SPDX-License-Identifier: GPL-2.0
/* Metadata: extended attributes, ACLs, targets of links, and looks at inodes */
#include <endian.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "flow.h"
#include "overlay.h"

#define NAME	"user.selftest"
#define ACL	"system.posix_acl_access"
#define DEFAULT_ACL	"system.posix_acl_default"

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

CASE(copied_up, "metadata",
     "extended attribute and ACL that overlayfs copies up, of a directory and an empty file",
     "xattr_read, inode_post_setxattr, inode_post_set_acl",
     "getxattr and setxattr, data, of who had it copied: who set it reaches who reads the copy")

/* There is no other content in any of them. */
static const char *const copied[] = { "dir", "file", "acl-dir", "acl-file" };

static bool has_acl(const char *name)
{
	return !strncmp(name, "acl-", 4);
}

/* "LAYER/NAME", until the next call. */
static const char *of_layer(const char *layer, const char *name)
{
	static char path[32];

	snprintf(path, sizeof(path), "%s/%s", layer, name);
	return path;
}

static void set_below(struct scene *scene)
{
	take_file(in(scene, "secret"));
	for (int i = 0; i < 4; i++) {
		const char *const path = in(scene, of_layer("lower", copied[i]));

		if (has_acl(copied[i]))
			MUST(!setxattr(path, ACL, &acl_value, sizeof(acl_value), 0));
		else
			MUST(!setxattr(path, NAME, "secret", 6, 0));
	}
}

static void copy_up(struct scene *scene)
{
	struct stat st;

	mount_overlay(scene);
	for (int i = 0; i < 4; i++) {
		MUST(!chmod(in(scene, of_layer("merged", copied[i])), 0755));
		MUST(!stat(in(scene, of_layer("upper", copied[i])), &st));
	}
}

static void get_copied(struct scene *scene, int number)
{
	const char *const name = copied[number], *const path = in(scene, of_layer("merged", name));
	char value[256], to[16];

	mount_overlay(scene);
	if (has_acl(name))
		MUST(getxattr(path, ACL, value, sizeof(value)) == sizeof(acl_value));
	else
		MUST(getxattr(path, NAME, value, sizeof(value)) == 6);
	snprintf(to, sizeof(to), "to-%s", name);
	put_file(in(scene, to), "x");
}

/* A process for each. */
static void get_all_copied(struct scene *scene)
{
	for (int i = 0; i < 4; i++) {
		const pid_t pid = fork();
		int status;

		MUST(pid >= 0);
		if (!pid) {
			get_copied(scene, i);
			_exit(0);
		}
		MUST(waitpid(pid, &status, 0) == pid && !status);
	}
}

/* With this one nothing comes. */
static void copy_plain(struct scene *scene)
{
	mount_overlay(scene);
	MUST(!chmod(in(scene, "merged/plain"), 0700));
}

ACT(copied_up)
{
	make_overlay(scene);
	for (int i = 0; i < 4; i++) {
		const char *const path = in(scene, of_layer("lower", copied[i]));

		if (strstr(copied[i], "dir"))
			EXPECT(!mkdir(path, 0755));
		else
			put_file(path, "");
	}
	put_file(in(scene, "lower/plain"), "");
	put_file(in(scene, "secret"), "s");
	run(scene, 0, set_below);
	run(scene, 3, copy_plain);
	run(scene, 1, copy_up);
	run(scene, 2, get_all_copied);
}

CHECK(copied_up)
{
	const int copier = process(scene, graph, 1, 0), other = process(scene, graph, 3, 0);
	const int secret = file(scene, graph, "secret");

	for (int i = 0; i < 4; i++) {
		const int below = file(scene, graph, of_layer("lower", copied[i]));
		char to[16];

		snprintf(to, sizeof(to), "to-%s", copied[i]);
		EXPECT_EDGES(below, copier, "getxattr", "data", 1);
		EXPECT_REACHES(secret, file(scene, graph, to));
	}
	EXPECT_NO_EDGE(ANY, other, "getxattr");
	EXPECT_NOT_REACHES(secret, other);
}

CASE(acl_below, "metadata",
     "the ACL of a file in the lower layer of an overlayfs, read by the name above", "xattr_read",
     "getxattr, data, from the file below")

static void set_acl_below(struct scene *scene)
{
	take_file(in(scene, "secret"));
	MUST(!setxattr(in(scene, "lower/file"), ACL, &acl_value, sizeof(acl_value), 0));
}

static void get_acl_above(struct scene *scene)
{
	char value[256];

	mount_overlay(scene);
	MUST(getxattr(in(scene, "merged/file"), ACL, value, sizeof(value)) == sizeof(acl_value));
	put_file(in(scene, "to"), "x");
}

/* It is also looked at for permissions, by who is not root. */
static void use_acl_above(struct scene *scene)
{
	mount_overlay(scene);
	MUST(!setgid(65534) && !setuid(65534));
	MUST(open(in(scene, "merged/file"), O_PATH) >= 0);
	MUST(!access(in(scene, "merged/file"), R_OK));
}

ACT(acl_below)
{
	make_overlay(scene);
	put_file(in(scene, "lower/file"), "");
	put_file(in(scene, "secret"), "s");
	run(scene, 0, set_acl_below);
	run(scene, 1, get_acl_above);
	run(scene, 2, use_acl_above);
}

CHECK(acl_below)
{
	const int below = file(scene, graph, "lower/file"), user = process(scene, graph, 2, 0);

	EXPECT_EDGES(below, process(scene, graph, 1, 0), "getxattr", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "to"));
	EXPECT_NO_EDGE(ANY, user, "getxattr");
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), user);
}

CASE(acl_inherited, "metadata", "the default ACL of a directory, which what is made in it gets",
     "name_created, inode_post_set_acl, xattr_read",
     "getxattr and setxattr, data, of who makes it: who set it reaches who reads it; not of a link")

static void set_default_acl(struct scene *scene)
{
	take_file(in(scene, "secret"));
	MUST(!setxattr(in(scene, "dir"), DEFAULT_ACL, &acl_value, sizeof(acl_value), 0));
}

static void make_file(struct scene *scene)
{
	put_file(in(scene, "dir/file"), "");
}

static void make_dir(struct scene *scene)
{
	MUST(!mkdir(in(scene, "dir/dir"), 0755));
}

static void make_node(struct scene *scene)
{
	MUST(!mkfifo(in(scene, "dir/fifo"), 0644));
}

static void make_others(struct scene *scene)
{
	put_file(in(scene, "plain/file"), "");
	MUST(!mkdir(in(scene, "plain/dir"), 0755));
	MUST(!symlink("file", in(scene, "dir/link")));
}

static void get_inherited(struct scene *scene, const char *from, const char *to)
{
	char value[256];

	MUST(getxattr(in(scene, from), ACL, value, sizeof(value)) > 0);
	put_file(in(scene, to), "x");
}

static void get_from_file(struct scene *scene)
{
	get_inherited(scene, "dir/file", "to-file");
}

static void get_from_dir(struct scene *scene)
{
	get_inherited(scene, "dir/dir", "to-dir");
}

static void get_from_node(struct scene *scene)
{
	get_inherited(scene, "dir/fifo", "to-fifo");
}

ACT(acl_inherited)
{
	EXPECT(!mkdir(in(scene, "dir"), 0755) && !mkdir(in(scene, "plain"), 0755));
	put_file(in(scene, "secret"), "s");
	run(scene, 0, set_default_acl);
	run(scene, 1, make_file);
	run(scene, 2, make_dir);
	run(scene, 3, make_node);
	run(scene, 4, make_others);
	run(scene, 5, get_from_file);
	run(scene, 6, get_from_dir);
	run(scene, 7, get_from_node);
}

CHECK(acl_inherited)
{
	static const char *const made[] = { "file", "dir", "fifo" };
	const int dir = file(scene, graph, "dir"), secret = file(scene, graph, "secret");
	const int other = process(scene, graph, 4, 0);

	for (int i = 0; i < 3; i++) {
		const int maker = process(scene, graph, 1 + i, 0);
		char name[16];

		EXPECT_EDGES(dir, maker, "getxattr", "data", 1);
		snprintf(name, sizeof(name), "dir/%s", made[i]);
		EXPECT_EDGES(maker, file(scene, graph, name), "setxattr", "data", 1);
		snprintf(name, sizeof(name), "to-%s", made[i]);
		EXPECT_REACHES(secret, file(scene, graph, name));
	}
	EXPECT_NO_EDGE(ANY, other, "getxattr");
	EXPECT_NO_EDGE(other, ANY, "setxattr");
	EXPECT_NOT_REACHES(secret, file(scene, graph, "dir/link"));
}

CASE(acl_inherited_above, "metadata",
     "the default ACL of a directory of an overlayfs, for what is new and what replaces a removed file",
     "name_created, inode_post_set_acl", "getxattr and setxattr, data, of who makes it")

static void make_above(struct scene *scene)
{
	mount_overlay(scene);
	put_file(in(scene, "merged/dir/new"), "");
}

static void replace_above(struct scene *scene)
{
	mount_overlay(scene);
	put_file(in(scene, "merged/dir/removed"), "");
}

static void remove_above(struct scene *scene)
{
	mount_overlay(scene);
	MUST(!unlink(in(scene, "merged/dir/removed")));
}

static void set_default_below(struct scene *scene)
{
	take_file(in(scene, "secret"));
	MUST(!setxattr(in(scene, "upper/dir"), DEFAULT_ACL, &acl_value, sizeof(acl_value), 0));
}

static void get_from_new(struct scene *scene)
{
	get_inherited(scene, "upper/dir/new", "to-new");
}

static void get_from_replaced(struct scene *scene)
{
	get_inherited(scene, "upper/dir/removed", "to-removed");
}

ACT(acl_inherited_above)
{
	make_overlay(scene);
	EXPECT(!mkdir(in(scene, "lower/dir"), 0755) && !mkdir(in(scene, "upper/dir"), 0755));
	put_file(in(scene, "lower/dir/removed"), "");
	put_file(in(scene, "secret"), "s");
	run(scene, 0, remove_above);
	run(scene, 1, set_default_below);
	run(scene, 2, make_above);
	run(scene, 3, replace_above);
	run(scene, 4, get_from_new);
	run(scene, 5, get_from_replaced);
}

CHECK(acl_inherited_above)
{
	const int dir = file(scene, graph, "upper/dir"), secret = file(scene, graph, "secret");

	EXPECT_EDGES(dir, process(scene, graph, 2, 0), "getxattr", "data", 1);
	EXPECT_EDGES(dir, process(scene, graph, 3, 0), "getxattr", "data", 1);
	EXPECT_REACHES(secret, file(scene, graph, "to-new"));
	EXPECT_REACHES(secret, file(scene, graph, "to-removed"));
	EXPECT_NO_EDGE(ANY, process(scene, graph, 0, 0), "getxattr");
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
