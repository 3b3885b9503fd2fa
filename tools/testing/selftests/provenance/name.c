// SPDX-License-Identifier: GPL-2.0
/* Names: paths as they are opened, made, moved and lost; hostile ones too */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <linux/fs.h>
#include <unistd.h>

#include "flow.h"

CASE(open, "names", "open of a file that was there", "file_post_open",
     "path by open; file to process: open, meta")

static void open_file(struct scene *scene)
{
	MUST(open(in(scene, "file"), O_RDONLY) >= 0);
}

ACT(open)
{
	put_file(in(scene, "file"), "x");
	run(scene, 0, open_file);
}

CHECK(open)
{
	const int node = file(scene, graph, "file");

	EXPECT_EDGES(node, process(scene, graph, 0, 0), "open", "meta", 1);
	EXPECT_NO_DATA(node, process(scene, graph, 0, 0));
}

CASE(open_relative, "names", "open by a relative path, dots and a symbolic link",
     "file_post_open", "the path is absolute and without links")

static void open_roundabout(struct scene *scene)
{
	MUST(!chdir(in(scene, "dir")));
	MUST(!symlink("../dir", "link"));
	MUST(open("../dir/./link/file", O_WRONLY | O_CREAT, 0600) >= 0);
}

ACT(open_relative)
{
	EXPECT(!mkdir(in(scene, "dir"), 0755));
	run(scene, 0, open_roundabout);
}

CHECK(open_relative)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, "dir/file"), "create",
		     "meta", 1);
	EXPECT_NODE(file(scene, graph, "dir/link"));
}

CASE(open_failed, "names", "an open that fails", "file_post_open", "no edge")

static void open_in_vain(struct scene *scene)
{
	MUST(!setresuid(65534, 65534, 65534));
	MUST(open(in(scene, "file"), O_RDONLY) < 0 && errno == EACCES);
	MUST(open(in(scene, "none"), O_RDONLY) < 0 && errno == ENOENT);
	MUST(open(in(scene, "file"), O_WRONLY | O_CREAT | O_EXCL, 0600) < 0 && errno == EEXIST);
}

ACT(open_failed)
{
	put_file(in(scene, "file"), "x");
	EXPECT(!chmod(in(scene, "file"), 0600));
	run(scene, 0, open_in_vain);
}

CHECK(open_failed)
{
	EXPECT_NO_EDGE(file(scene, graph, "file"), process(scene, graph, 0, 0), NULL);
	EXPECT(file(scene, graph, "none") == NO_NODE);
}

CASE(bind_mount, "names", "open through a bind mount in a mount namespace", "file_post_open",
     "both paths, one node")

static void open_bound(struct scene *scene)
{
	char byte;
	int fd;

	MUST(!unshare(CLONE_NEWNS));
	MUST(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(!mount(in(scene, "real"), in(scene, "bound"), NULL, MS_BIND, NULL));
	fd = open(in(scene, "bound/file"), O_RDONLY);
	MUST(fd >= 0 && read(fd, &byte, 1) == 1);
	fd = open(in(scene, "bound/made"), O_WRONLY | O_CREAT, 0600);
	MUST(fd >= 0);
}

ACT(bind_mount)
{
	EXPECT(!mkdir(in(scene, "real"), 0755));
	EXPECT(!mkdir(in(scene, "bound"), 0755));
	put_file(in(scene, "real/file"), "x");
	run(scene, 0, open_bound);
}

CHECK(bind_mount)
{
	const int node = file(scene, graph, "bound/file");

	EXPECT_NODE(node);
	EXPECT(node == file(scene, graph, "real/file"));
	EXPECT(graph_has_path(graph, node, in(scene, "bound/file"), "open"));
	EXPECT(graph_has_path(graph, node, in(scene, "real/file"), "create"));
	EXPECT_EDGE(node, process(scene, graph, 0, 0), "read", "data");
	EXPECT(graph_has_path(graph, file(scene, graph, "bound/made"), in(scene, "bound/made"),
			      "create"));
}

CASE(tmpfs, "names", "a file on a tmpfs that is mounted for it", "name_created",
     "path below the mount point")

static void use_tmpfs(struct scene *scene)
{
	MUST(!unshare(CLONE_NEWNS));
	MUST(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(!mount("none", in(scene, "mnt"), "tmpfs", 0, NULL));
	put_file(in(scene, "mnt/file"), "x");
}

ACT(tmpfs)
{
	EXPECT(!mkdir(in(scene, "mnt"), 0755));
	run(scene, 0, use_tmpfs);
}

CHECK(tmpfs)
{
	const int node = file(scene, graph, "mnt/file");

	EXPECT_EDGES(process(scene, graph, 0, 0), node, "create", "meta", 1);
	EXPECT_EDGES(process(scene, graph, 0, 0), node, "write", "data", 1);
}

CASE(chroot, "names", "open below a chroot", "file_post_open", "the path of the outer root")

static void open_in_chroot(struct scene *scene)
{
	MUST(!chroot(in(scene, "root")) && !chdir("/"));
	MUST(open("/file", O_RDONLY) >= 0);
	MUST(open("/made", O_WRONLY | O_CREAT, 0600) >= 0);
}

ACT(chroot)
{
	EXPECT(!mkdir(in(scene, "root"), 0755));
	put_file(in(scene, "root/file"), "x");
	run(scene, 0, open_in_chroot);
}

CHECK(chroot)
{
	EXPECT_EDGES(file(scene, graph, "root/file"), process(scene, graph, 0, 0), "open", "meta",
		     1);
	EXPECT_NODE(file(scene, graph, "root/made"));
}

CASE(make, "names", "creat, mkdir, mknod, symlink, link and rmdir",
     "path_mknod, path_mkdir, path_symlink, path_link, name_created, name_linked, name_removed",
     "create, mkdir, link, rmdir: meta; symlink: data, with its target")

static void make_names(struct scene *scene)
{
	MUST(creat(in(scene, "file"), 0600) >= 0);
	MUST(!mkdir(in(scene, "dir"), 0700));
	MUST(!mknod(in(scene, "node"), S_IFIFO | 0600, 0));
	MUST(!symlink("some/target", in(scene, "symlink")));
	MUST(!link(in(scene, "file"), in(scene, "link")));
	MUST(!rmdir(in(scene, "dir")));
}

ACT(make)
{
	run(scene, 0, make_names);
}

CHECK(make)
{
	const int node = process(scene, graph, 0, 0), made = file(scene, graph, "file");

	EXPECT_EDGES(node, made, "create", "meta", 1);
	EXPECT_EDGES(node, file(scene, graph, "dir"), "mkdir", "meta", 1);
	EXPECT_EDGES(node, file(scene, graph, "dir"), "rmdir", "meta", 1);
	EXPECT(!strcmp(graph_string(graph, file(scene, graph, "dir"), "kind"), "dir"));
	EXPECT_EDGES(node, file(scene, graph, "node"), "create", "meta", 1);
	EXPECT_EDGES(node, file(scene, graph, "symlink"), "symlink", "data", 1);
	EXPECT(!strcmp(graph_string(graph, file(scene, graph, "symlink"), "target"),
		       "some/target"));
	EXPECT_EDGES(node, made, "link", "meta", 1);
	EXPECT(file(scene, graph, "link") == made);
	EXPECT(graph_has_path(graph, made, in(scene, "link"), "link"));
}

CASE(make_failed, "names", "mkdir, link, symlink, unlink and rename that fail", "name_created",
     "no edge")

static void make_in_vain(struct scene *scene)
{
	MUST(mkdir(in(scene, "file"), 0700) && errno == EEXIST);
	MUST(link(in(scene, "none"), in(scene, "link")) && errno == ENOENT);
	MUST(symlink("x", in(scene, "file")) && errno == EEXIST);
	MUST(unlink(in(scene, "none")) && errno == ENOENT);
	MUST(rename(in(scene, "file"), in(scene, "full")) && errno == EISDIR);
	MUST(rmdir(in(scene, "full")) && errno == ENOTEMPTY);
}

ACT(make_failed)
{
	put_file(in(scene, "file"), "x");
	EXPECT(!mkdir(in(scene, "full"), 0755));
	put_file(in(scene, "full/one"), "x");
	run(scene, 0, make_in_vain);
}

CHECK(make_failed)
{
	const int node = process(scene, graph, 0, 0);

	EXPECT_NODE(node);
	EXPECT(graph_count(graph, node, ANY, NULL, "meta") == 0);
}

CASE(unlink, "names", "unlink of one of two names", "path_unlink, name_removed",
     "unlink, meta; the other name remains")

static void unlink_one(struct scene *scene)
{
	MUST(!unlink(in(scene, "a")));
}

ACT(unlink)
{
	put_file(in(scene, "a"), "x");
	EXPECT(!link(in(scene, "a"), in(scene, "b")));
	run(scene, 0, unlink_one);
}

CHECK(unlink)
{
	const int node = file(scene, graph, "b");

	EXPECT_EDGES(process(scene, graph, 0, 0), node, "unlink", "meta", 1);
	EXPECT(graph_has_path(graph, node, in(scene, "a"), "unlink"));
	EXPECT(!strcmp(graph_string(graph, node, "path"), in(scene, "b")), "path %s",
	       graph_string(graph, node, "path"));
}

CASE(deleted, "names", "an inode whose last name and descriptor are gone",
     "inode_free_security", "end of the node, deleted")

static void make_and_delete(struct scene *scene)
{
	put_file(in(scene, "file"), "x");
	MUST(!unlink(in(scene, "file")));
}

ACT(deleted)
{
	run(scene, 0, make_and_delete);
}

CHECK(deleted)
{
	EXPECT(json_is_true(json_object_get(graph_node(graph, file(scene, graph, "file")),
					    "deleted")));
}

CASE(rename, "names", "rename within and between directories", "path_rename, name_moved",
     "rename, meta; old and new path")

static void rename_twice(struct scene *scene)
{
	MUST(!rename(in(scene, "a"), in(scene, "b")));
	MUST(!rename(in(scene, "b"), in(scene, "dir/c")));
}

ACT(rename)
{
	EXPECT(!mkdir(in(scene, "dir"), 0755));
	put_file(in(scene, "a"), "x");
	run(scene, 0, rename_twice);
}

CHECK(rename)
{
	const int node = file(scene, graph, "a");

	EXPECT_EDGES(process(scene, graph, 0, 0), node, "rename", "meta", 2);
	EXPECT(graph_has_path(graph, node, in(scene, "a"), "rename_from"));
	EXPECT(graph_has_path(graph, node, in(scene, "b"), "rename_to"));
	EXPECT(graph_has_path(graph, node, in(scene, "b"), "rename_from"));
	EXPECT(graph_has_path(graph, node, in(scene, "dir/c"), "rename_to"));
	EXPECT(!strcmp(graph_string(graph, node, "path"), in(scene, "dir/c")), "path %s",
	       graph_string(graph, node, "path"));
}

CASE(rename_over, "names", "rename over an existing file", "name_moved",
     "rename, meta; the replaced file loses its name")

static void rename_onto(struct scene *scene)
{
	MUST(!rename(in(scene, "new"), in(scene, "old")));
}

ACT(rename_over)
{
	struct stat st;

	put_file(in(scene, "old"), "o");
	put_file(in(scene, "new"), "n");
	EXPECT(!stat(in(scene, "old"), &st));
	/* Keep the replaced inode, so that it is not freed. */
	EXPECT(!link(in(scene, "old"), in(scene, "kept")));
	run(scene, 0, rename_onto);
}

CHECK(rename_over)
{
	const int new = file(scene, graph, "new"), replaced = file(scene, graph, "kept");

	EXPECT(new != replaced);
	EXPECT(!strcmp(graph_string(graph, new, "path"), in(scene, "old")));
	EXPECT_EDGES(process(scene, graph, 0, 0), new, "rename", "meta", 1);
	EXPECT(graph_has_path(graph, replaced, in(scene, "old"), "unlink"));
	EXPECT_EDGE(process(scene, graph, 0, 0), replaced, "unlink", "meta");
}

CASE(rename_exchange, "names", "renameat2 with RENAME_EXCHANGE", "name_moved",
     "rename of both, with their paths")

static void exchange(struct scene *scene)
{
	MUST(!renameat2(AT_FDCWD, in(scene, "a"), AT_FDCWD, in(scene, "dir/b"),
			RENAME_EXCHANGE));
}

ACT(rename_exchange)
{
	EXPECT(!mkdir(in(scene, "dir"), 0755));
	put_file(in(scene, "a"), "a");
	put_file(in(scene, "dir/b"), "b");
	run(scene, 0, exchange);
}

CHECK(rename_exchange)
{
	const int node = process(scene, graph, 0, 0);
	const int first = graph_to(graph, node, "rename");
	const bool first_was_a = graph_has_path(graph, first, in(scene, "a"), "create");
	const char *const was = first_was_a ? "a" : "dir/b";
	const char *const is = first_was_a ? "dir/b" : "a";

	EXPECT(graph_count(graph, node, ANY, "rename", "meta") == 2, "%d",
	       graph_count(graph, node, ANY, "rename", "meta"));
	EXPECT_EDGES(node, first, "rename", "meta", 1);
	EXPECT(graph_has_path(graph, first, in(scene, was), "rename_from"));
	EXPECT(graph_has_path(graph, first, in(scene, is), "rename_to"));
	EXPECT(!strcmp(graph_string(graph, first, "path"), in(scene, is)), "path %s",
	       graph_string(graph, first, "path"));
	EXPECT_NODE(file(scene, graph, "a"));
	EXPECT_NODE(file(scene, graph, "dir/b"));
}

CASE(dir_renamed, "names", "a file opened after a directory above it was renamed",
     "file_post_open", "the new path of the file")

static void open_below_renamed(struct scene *scene)
{
	MUST(!rename(in(scene, "before"), in(scene, "after")));
	take_file(in(scene, "after/file"));
}

ACT(dir_renamed)
{
	EXPECT(!mkdir(in(scene, "before"), 0755));
	put_file(in(scene, "before/file"), "x");
	run(scene, 0, open_below_renamed);
}

CHECK(dir_renamed)
{
	const int node = file(scene, graph, "before/file");

	EXPECT_EDGE(node, process(scene, graph, 0, 0), "read", "data");
	EXPECT(file(scene, graph, "after/file") == node);
}

CASE(getdents, "names", "getdents of a directory, twice, and by ls", "file_read",
     "directory to process: readdir, meta; of the files in it nothing")

static void list_twice(struct scene *scene)
{
	char entries[4096];

	for (int i = 0; i < 2; i++) {
		const int fd = open(in(scene, "dir"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		MUST(fd >= 0);
		MUST(syscall(SYS_getdents64, fd, entries, sizeof(entries)) > 0);
		MUST(syscall(SYS_getdents64, fd, entries, sizeof(entries)) == 0);
		close(fd);
	}
	put_file(in(scene, "to"), "x");
}

static void list_by_ls(struct scene *scene)
{
	MUST(dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO) == STDOUT_FILENO);
	execl("/bin/ls", "ls", "-U", in(scene, "dir"), NULL);
	MUST(false);
}

ACT(getdents)
{
	EXPECT(!mkdir(in(scene, "dir"), 0755));
	put_file(in(scene, "dir/file"), "x");
	run(scene, 0, list_twice);
	run(scene, 1, list_by_ls);
}

CHECK(getdents)
{
	const int dir = file(scene, graph, "dir"), node = process(scene, graph, 0, 0);

	EXPECT_EDGES(dir, node, "readdir", "meta", 1);
	EXPECT_EDGES(dir, process(scene, graph, 1, 1), "readdir", "meta", 1);
	EXPECT_NO_DATA(dir, node);
	EXPECT_NO_EDGE(file(scene, graph, "dir/file"), node, NULL);
	/* Names are no content. */
	EXPECT_NOT_REACHES(dir, file(scene, graph, "to"));
}

CASE(getdents_failed, "names", "getdents that is refused, or fails", "file_read",
     "no readdir; the refusal")

static void list_in_vain(struct scene *scene)
{
	char entries[4096];
	int fd = open(in(scene, "file"), O_RDONLY | O_CLOEXEC);

	MUST(fd >= 0 && syscall(SYS_getdents64, fd, entries, sizeof(entries)) < 0 &&
	     errno == ENOTDIR);
	fd = open(in(scene, "dir"), O_PATH | O_CLOEXEC);
	MUST(fd >= 0 && syscall(SYS_getdents64, fd, entries, sizeof(entries)) < 0 &&
	     errno == EBADF);
	fd = open(in(scene, "gone"), O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0 && !rmdir(in(scene, "gone")));
	MUST(syscall(SYS_getdents64, fd, entries, sizeof(entries)) < 0 && errno == ENOENT);
	MUST(!setresuid(65534, 65534, 65534));
	MUST(open(in(scene, "dir"), O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
}

ACT(getdents_failed)
{
	put_file(in(scene, "file"), "x");
	EXPECT(!mkdir(in(scene, "dir"), 0700) && !mkdir(in(scene, "gone"), 0755));
	run(scene, 0, list_in_vain);
}

CHECK(getdents_failed)
{
	const int node = process(scene, graph, 0, 0), dir = file(scene, graph, "dir");

	EXPECT_NODE(node);
	EXPECT_NO_EDGE(ANY, node, "readdir");
	EXPECT(graph_refused(graph, node, dir, NULL, "dac", "EACCES") == 1, "%d",
	       graph_refused(graph, node, dir, NULL, "dac", "EACCES"));
}

CASE(tmpfile, "names", "O_TMPFILE and linkat", "inode_post_create_tmpfile, name_linked",
     "create and link, meta")

static void make_tmpfile(struct scene *scene)
{
	const int fd = open(scene->dir, O_TMPFILE | O_RDWR, 0600);
	char path[40];

	MUST(fd >= 0 && write(fd, "x", 1) == 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	MUST(!linkat(AT_FDCWD, path, AT_FDCWD, in(scene, "named"), AT_SYMLINK_FOLLOW));
}

ACT(tmpfile)
{
	run(scene, 0, make_tmpfile);
}

CHECK(tmpfile)
{
	const int named = file(scene, graph, "named"), node = process(scene, graph, 0, 0);

	EXPECT_EDGES(node, named, "create", "meta", 1);
	EXPECT_EDGES(node, named, "write", "data", 1);
	EXPECT_EDGES(node, named, "link", "meta", 1);
}

CASE(tmpfile_open, "names", "O_TMPFILE", "inode_post_create_tmpfile", "create and open, meta")

static void open_tmpfile(struct scene *scene)
{
	MUST(open(scene->dir, O_TMPFILE | O_RDWR, 0600) >= 0);
}

ACT(tmpfile_open)
{
	run(scene, 0, open_tmpfile);
}

CHECK(tmpfile_open)
{
	const int maker = process(scene, graph, 0, 0), node = graph_to(graph, maker, "create");

	EXPECT_EDGES(maker, node, "create", "meta", 1);
	EXPECT_EDGES(node, maker, "open", "meta", 1);
}

CASE(socket_file, "names", "bind of a UNIX socket to a path", "path_mknod, name_created",
     "create, meta, of the socket's file")

static void bind_socket(struct scene *scene)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in(scene, "sock"));
	MUST(fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

ACT(socket_file)
{
	run(scene, 0, bind_socket);
}

CHECK(socket_file)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), file(scene, graph, "sock"), "create", "meta", 1);
}

/* Hostile names: what provq says of them, and whether it finds them by it again. */

#define LONG_NAME_BYTES	255

/* A name of 255 bytes. */
static const char *long_name(void)
{
	static char name[LONG_NAME_BYTES + 1];

	memset(name, 'n', LONG_NAME_BYTES);
	return name;
}

static const char *const hostile[] = {
	"new\nline", "quo\"te", "back\\slash", "tab\tbell\a", " blank ", "-dash", "$(id)`id`;'",
	"umlaut-\xc3\xa4", "\xe2\x80\xae\xe2\x80\xa8", "invalid-\xff\xfe", "cut-\xe2\x82",
	"overlong-\xc0\xaf", "surrogate-\xed\xa0\x80", "\x01\x1b[31m", "%s%n", "pid:1",
};

#define HOSTILE	(sizeof(hostile) / sizeof(*hostile))

/* The base64 of a text, to be freed. */
static char *base64(const char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const size_t length = strlen(text);
	char *const out = malloc((length + 2) / 3 * 4 + 1), *at = out;

	for (size_t i = 0; i < length; i += 3) {
		const unsigned int bits = (unsigned char)text[i] << 16 |
			(i + 1 < length ? (unsigned char)text[i + 1] << 8 : 0) |
			(i + 2 < length ? (unsigned char)text[i + 2] : 0);

		*at++ = digits[bits >> 18];
		*at++ = digits[bits >> 12 & 63];
		*at++ = i + 1 < length ? digits[bits >> 6 & 63] : '=';
		*at++ = i + 2 < length ? digits[bits & 63] : '=';
	}
	*at = '\0';
	return out;
}

/*
 * Ask for a path by its base64, and look whether the answer names it, plainly if
 * it is UTF-8, or else by "path_b64".
 */
static void expect_found(const char *path)
{
	char *const b64 = base64(path), *output = NULL, *line, *rest, *object;
	bool found = false;

	EXPECT(asprintf(&object, "path-b64:%s", b64) > 0);
	{
		const char *const history[] = { "provq", "history", object, "--json", NULL };

		EXPECT(run_tool(&output, history) == 0, "provq history %s found nothing", object);
	}
	for (line = strtok_r(output ? output : b64, "\n", &rest); line && !found;
	     line = strtok_r(NULL, "\n", &rest)) {
		json_t *const node = json_loads(line, JSON_ALLOW_NUL, NULL);
		const char *const plain = json_string_value(json_object_get(node, "path"));
		const char *const exact = json_string_value(json_object_get(node, "path_b64"));

		found = exact ? !strcmp(exact, b64) : plain && !strcmp(plain, path);
		json_decref(node);
	}
	EXPECT(found, "no line of the answer to %s has the name as it is", object);
	free(output);
	free(object);
	free(b64);
}

CASE(hostile, "names", "newline, quote, backslash, control, invalid UTF-8 and 255 bytes",
     "name_created", "every byte, to provq --json and back")

static void make_hostile(struct scene *scene)
{
	for (size_t i = 0; i < HOSTILE; i++)
		put_file(in(scene, hostile[i]), "x");
	put_file(in(scene, long_name()), "x");
}

ACT(hostile)
{
	run(scene, 0, make_hostile);
}

CHECK(hostile)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), ANY, "write", "data", (int)HOSTILE + 1);
	for (size_t i = 0; i < HOSTILE; i++)
		expect_found(in(scene, hostile[i]));
	expect_found(in(scene, long_name()));
}

/* So that the whole path has about 4,000 bytes, and then more than PATH_MAX. */
#define DEEP		15
#define DEEPER		8

static void make_deep(struct scene *scene)
{
	MUST(!chdir(scene->dir));
	for (int i = 0; i < DEEP; i++)
		MUST(!mkdir(long_name(), 0755) && !chdir(long_name()));
	put_file("deep", "x");
	for (int i = 0; i < DEEPER; i++)
		MUST(!mkdir(long_name(), 0755) && !chdir(long_name()));
	put_file("deeper", "x");
}

/* The path that many directories down. */
static const char *deep_path(const struct scene *scene, int depth, const char *name)
{
	static char path[PATH_MAX * 2];
	size_t at = snprintf(path, sizeof(path), "%s", scene->dir);

	while (depth--)
		at += snprintf(path + at, sizeof(path) - at, "/%s", long_name());
	snprintf(path + at, sizeof(path) - at, "/%s", name);
	return path;
}

CASE(deep, "names", "paths of 4,000 and of 6,000 bytes", "name_created",
     "every byte, to provq --json and back")

ACT(deep)
{
	run(scene, 0, make_deep);
}

CHECK(deep)
{
	EXPECT_NODE(graph_path(graph, deep_path(scene, DEEP, "deep")));
	expect_found(deep_path(scene, DEEP, "deep"));
	EXPECT_NODE(graph_path(graph, deep_path(scene, DEEP + DEEPER, "deeper")));
	expect_found(deep_path(scene, DEEP + DEEPER, "deeper"));
}

CASE(mount_moved, "names", "a file opened by another path after mount(MS_MOVE) and pivot_root",
     "mounts_changed, file_post_open", "each path")

static void open_in(const char *path)
{
	const int fd = open(path, O_RDONLY);

	MUST(fd >= 0);
	close(fd);
}

static void move_mounts(struct scene *scene)
{
	const char *const old = in(scene, "old"), *const new = in(scene, "new");

	MUST(!unshare(CLONE_NEWNS));
	MUST(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(!mkdir(old, 0755) && !mkdir(new, 0755));
	MUST(!mount("tmpfs", old, "tmpfs", 0, NULL));
	put_file(in(scene, "old/file"), "x");
	MUST(!mkdir(in(scene, "old/put"), 0755));
	open_in(in(scene, "old/file"));
	MUST(!mount(old, new, NULL, MS_MOVE, NULL));
	open_in(in(scene, "new/file"));
	MUST(!chdir(new) && !syscall(SYS_pivot_root, ".", "put"));
	open_in("/file");
}

ACT(mount_moved)
{
	run(scene, 0, move_mounts);
}

CHECK(mount_moved)
{
	const int node = file(scene, graph, "old/file");

	EXPECT(graph_has_path(graph, node, in(scene, "new/file"), "open"));
	EXPECT(graph_has_path(graph, node, "/file", "open"));
}
