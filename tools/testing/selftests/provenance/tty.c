// SPDX-License-Identifier: GPL-2.0
/* Terminals: both ends of a pseudoterminal, in both directions */
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "flow.h"

/* scene->fd[0] is the master and [1] the slave. */
static char slave_path[64];

static void open_pair(struct scene *scene, bool echo)
{
	struct termios termios;
	char path[64];

	EXPECT(!openpty(scene->fd, scene->fd + 1, path, NULL, NULL));
	snprintf(slave_path, sizeof(slave_path), "%s", path);
	EXPECT(!tcgetattr(scene->fd[1], &termios));
	if (!echo)
		termios.c_lflag &= ~ECHO;
	termios.c_oflag &= ~OPOST;
	EXPECT(!tcsetattr(scene->fd[1], TCSANOW, &termios));
	put_file(in(scene, "keys"), "k");
	put_file(in(scene, "output"), "o");
}

/* As sshd does with what it gets from the network. */
static void type_secret(struct scene *scene)
{
	take_file(in(scene, "keys"));
	MUST(write(scene->fd[0], "ls\n", 3) == 3);
}

/* As a shell does. */
static void read_line(struct scene *scene)
{
	char line[8];

	told();
	MUST(read(scene->fd[1], line, sizeof(line)) == 3);
	put_file(in(scene, "to-shell"), "x");
}

static void print_secret(struct scene *scene)
{
	take_file(in(scene, "output"));
	MUST(write(scene->fd[1], "x", 1) == 1);
}

static void read_screen(struct scene *scene)
{
	char bytes[8];

	told();
	MUST(read(scene->fd[0], bytes, sizeof(bytes)) > 0);
	put_file(in(scene, "to-screen"), "x");
}

CASE(pty, "terminals", "pseudoterminal: what is typed at the master, and what is written to the slave",
     "tty_opened, file_permission, file_written, file_read",
     "master's writer to terminal to slave's reader; slave's writer to tty to master's reader; data; "
     "neither comes back")

ACT(pty)
{
	open_pair(scene, false);
	actor(scene, 0, read_line);
	done(scene, 0);
	blocked(scene, 0);
	run(scene, 1, type_secret);
	finish(scene, 0);
	actor(scene, 2, read_screen);
	done(scene, 2);
	blocked(scene, 2);
	run(scene, 3, print_secret);
	finish(scene, 2);
}

CHECK(pty)
{
	const int shell = process(scene, graph, 0, 0), typist = process(scene, graph, 1, 0);
	const int screen = process(scene, graph, 2, 0), printer = process(scene, graph, 3, 0);
	const int input = graph_to(graph, typist, "write"), output = graph_to(graph, printer, "write");

	EXPECT(!strcmp(graph_string(graph, input, "kind"), "chardev"));
	EXPECT(!strncmp(graph_string(graph, input, "path"), "/dev/pts/", 9), "%s",
	       graph_string(graph, input, "path"));
	EXPECT(!strcmp(graph_string(graph, output, "kind"), "tty"));
	EXPECT(!strncmp(graph_string(graph, output, "name"), "tty:pts", 7), "%s",
	       graph_string(graph, output, "name"));
	EXPECT_EDGES(typist, input, "write", "data", 1);
	EXPECT_EDGES(input, shell, "read", "data", 1);
	EXPECT_EDGES(printer, output, "write", "data", 1);
	EXPECT_EDGES(output, screen, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "keys"), file(scene, graph, "to-shell"));
	EXPECT_REACHES(file(scene, graph, "output"), file(scene, graph, "to-screen"));
	EXPECT_NOT_REACHES(file(scene, graph, "keys"), file(scene, graph, "to-screen"));
	EXPECT_NO_EDGE(input, output, "echo");
}

CASE(pty_apart, "terminals", "a shell that reads its terminal after others have written to it",
     "file_read", "it does not come from what they wrote")

static void read_line_now(struct scene *scene)
{
	await();
	read_line(scene);
}

ACT(pty_apart)
{
	open_pair(scene, false);
	actor(scene, 0, read_line_now);
	run(scene, 1, print_secret);
	run(scene, 2, type_secret);
	step(scene, 0);
	finish(scene, 0);
}

CHECK(pty_apart)
{
	EXPECT_REACHES(file(scene, graph, "keys"), file(scene, graph, "to-shell"));
	EXPECT_NOT_REACHES(file(scene, graph, "output"), file(scene, graph, "to-shell"));
	EXPECT_NOT_REACHES(process(scene, graph, 1, 0), process(scene, graph, 0, 0));
}

CASE(pty_echo, "terminals", "what a pseudoterminal echoes", "tty_echoed",
     "terminal to tty: echo, data; the master's reader comes from its writer")

ACT(pty_echo)
{
	open_pair(scene, true);
	actor(scene, 0, read_screen);
	done(scene, 0);
	blocked(scene, 0);
	run(scene, 1, type_secret);
	finish(scene, 0);
}

CHECK(pty_echo)
{
	const int input = graph_to(graph, process(scene, graph, 1, 0), "write");
	const int output = graph_from(graph, process(scene, graph, 0, 0), "read");

	EXPECT_EDGES(input, output, "echo", "data", 1);
	EXPECT_REACHES(file(scene, graph, "keys"), file(scene, graph, "to-screen"));
}

CASE(pty_loop, "terminals", "a hundred lines typed, read and printed", "file_written, file_read",
     "one edge each way")

static void read_lines(struct scene *scene)
{
	char line[8];

	for (int i = 0; i < 100; i++) {
		told();
		MUST(read(scene->fd[1], line, sizeof(line)) == 3);
		MUST(write(scene->fd[1], "x", 1) == 1);
	}
}

static void type_lines(struct scene *scene)
{
	for (int i = 0; i < 100; i++) {
		await();
		MUST(write(scene->fd[0], "ls\n", 3) == 3);
	}
}

ACT(pty_loop)
{
	open_pair(scene, false);
	actor(scene, 0, read_lines);
	actor(scene, 1, type_lines);
	for (int i = 0; i < 100; i++) {
		done(scene, 0);
		go(scene, 1);
	}
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(pty_loop)
{
	EXPECT_EDGES(process(scene, graph, 1, 0), ANY, "write", "data", 1);
	EXPECT_EDGES(ANY, process(scene, graph, 0, 0), "read", "data", 1);
	EXPECT_EDGES(process(scene, graph, 0, 0), ANY, "write", "data", 1);
}

/* Makes the slave its controlling terminal. */
static void take_terminal(const struct scene *scene)
{
	MUST(setsid() > 0);
	MUST(!ioctl(scene->fd[1], TIOCSCTTY, 0));
}

CASE(dev_tty, "terminals", "reads and writes of /dev/tty", "tty_opened",
     "they are of the terminal that it stands for")

static void use_dev_tty(struct scene *scene)
{
	char line[8];
	int fd;

	take_terminal(scene);
	fd = open("/dev/tty", O_RDWR);
	MUST(fd >= 0);
	told();
	MUST(read(fd, line, sizeof(line)) == 3);
	put_file(in(scene, "to-shell"), "x");
	take_file(in(scene, "output"));
	MUST(write(fd, "x", 1) == 1);
	told();
	await();
}

ACT(dev_tty)
{
	open_pair(scene, false);
	actor(scene, 0, use_dev_tty);
	done(scene, 0);
	blocked(scene, 0);
	run(scene, 1, type_secret);
	done(scene, 0);
	actor(scene, 2, read_screen);
	finish(scene, 2);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(dev_tty)
{
	const int user = process(scene, graph, 0, 0);
	const int input = graph_to(graph, process(scene, graph, 1, 0), "write");
	const int output = graph_from(graph, process(scene, graph, 2, 0), "read");

	EXPECT_EDGES(input, user, "read", "data", 1);
	EXPECT_EDGES(user, output, "write", "data", 1);
	EXPECT_REACHES(file(scene, graph, "keys"), file(scene, graph, "to-shell"));
	EXPECT_REACHES(file(scene, graph, "output"), file(scene, graph, "to-screen"));
}

CASE(by_path, "terminals", "a slave that is opened by its path", "tty_opened",
     "the same nodes, with that path")

static char path_of_case[64];

static void use_path(struct scene *scene)
{
	const int fd = open(slave_path, O_RDWR | O_NOCTTY);

	take_file(in(scene, "output"));
	MUST(fd >= 0 && write(fd, "x", 1) == 1);
}

ACT(by_path)
{
	open_pair(scene, false);
	strcpy(path_of_case, slave_path);
	run(scene, 0, type_secret);
	run(scene, 1, use_path);
	actor(scene, 2, read_screen);
	finish(scene, 2);
}

CHECK(by_path)
{
	const int input = graph_to(graph, process(scene, graph, 0, 0), "write");

	EXPECT(graph_has_path(graph, input, path_of_case, "open"));
	EXPECT_EDGE(input, process(scene, graph, 1, 0), "open", "meta");
	EXPECT_REACHES(file(scene, graph, "output"), file(scene, graph, "to-screen"));
	EXPECT_NOT_REACHES(file(scene, graph, "keys"), file(scene, graph, "to-screen"));
}

CASE(sti, "terminals", "ioctl TIOCSTI", "tty_typed", "process to terminal: write, data")

static void read_faked(struct scene *scene)
{
	char line[8];

	MUST(read(scene->fd[1], line, sizeof(line)) == 3);
	put_file(in(scene, "faked"), "x");
}

static void fake_for_other(struct scene *scene)
{
	take_terminal(scene);
	take_file(in(scene, "keys"));
	for (const char *at = "ls\n"; *at; at++)
		MUST(!ioctl(scene->fd[1], TIOCSTI, at));
	/* Its end as leader would hang the terminal up. */
	told();
	await();
}

ACT(sti)
{
	open_pair(scene, false);
	actor(scene, 0, fake_for_other);
	done(scene, 0);
	run(scene, 1, read_faked);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(sti)
{
	const int input = graph_from(graph, process(scene, graph, 1, 0), "read");

	EXPECT_EDGES(process(scene, graph, 0, 0), input, "write", "data", 1);
	EXPECT_REACHES(file(scene, graph, "keys"), file(scene, graph, "faked"));
}
