// SPDX-License-Identifier: GPL-2.0
/*
 * provq from outside: logs are written, the program is run, its JSON is parsed
 *
 * $PROVQ is the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "logbuild.h"
#include "sample.h"
#include "tempdir.h"

#define D PROV_R_EDGE_DATA
#define M PROV_R_EDGE_META
#define C PROV_R_EDGE_CONTROL
#define S LOG_SECOND
#define MOST_ARGS 16

extern char **environ;

static int setup(void **state)
{
	*state = tempdir_new();
	return 0;
}

static int teardown(void **state)
{
	tempdir_free(*state);
	return 0;
}

/* ---- running it --------------------------------------------------------- */

/* What came out: the text, its lines as JSON, the exit status. */
struct output {
	char *text;
	char *errors;
	size_t bytes;
	int status;
	json_t *lines;
};

static void drain(int fds[2], char *texts[2], size_t sizes[2])
{
	struct pollfd polls[2] = { { fds[0], POLLIN, 0 }, { fds[1], POLLIN, 0 } };

	for (int open_fds = 2; open_fds;) {
		poll(polls, 2, -1);
		for (int i = 0; i < 2; i++) {
			ssize_t count;

			if (!polls[i].revents)
				continue;
			texts[i] = realloc(texts[i], sizes[i] + 65537);
			count = read(fds[i], texts[i] + sizes[i], 65536);
			if (count > 0) {
				sizes[i] += count;
			} else {
				polls[i].fd = -1;
				open_fds--;
			}
			texts[i][sizes[i]] = 0;
		}
	}
}

/* Arguments behind "provq -d DIRECTORY", up to NULL. */
static struct output run(const char *directory, ...)
{
	const char *args[MOST_ARGS] = { getenv("PROVQ"), "-d", directory };
	posix_spawn_file_actions_t actions;
	int out[2], err[2], status, count = 3;
	struct output output = {};
	char *texts[2] = {};
	size_t sizes[2] = {};
	va_list list;
	pid_t pid;

	va_start(list, directory);
	while ((args[count] = va_arg(list, const char *)) != NULL)
		assert_true(++count < MOST_ARGS);
	va_end(list);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
	assert_int_equal(posix_spawn(&pid, args[0], &actions, NULL, (char **)args, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	close(err[1]);
	drain((int[2]) { out[0], err[0] }, texts, sizes);
	close(out[0]);
	close(err[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	output.text = texts[0];
	output.bytes = sizes[0];
	output.errors = texts[1];
	output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
	if (strstr(output.errors, "Sanitizer") || strstr(output.errors, "runtime error"))
		fail_msg("%s", output.errors);
	return output;
}

static void parse(struct output *output)
{
	char *line = output->text, *end;

	output->lines = json_array();
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		json_error_t error;
		json_t *object;

		object = json_loadb(line, end - line, JSON_REJECT_DUPLICATES, &error);
		if (!object)
			fail_msg("%s: %.*s", error.text, (int)(end - line), line);
		json_array_append_new(output->lines, object);
	}
	assert_int_equal(*line, 0);
}

static void done(struct output *output)
{
	json_decref(output->lines);
	free(output->text);
	free(output->errors);
}

static const char *string(const json_t *object, const char *name)
{
	const char *const value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

/* The form that DESIGN fixes: nodes, edges between them, a trailer that counts. */
static const json_t *check_form(const struct output *output)
{
	const size_t count = json_array_size(output->lines);
	const json_t *trailer = json_array_get(output->lines, count - 1);
	size_t nodes = 0, edges = 0;

	assert_true(json_is_true(json_object_get(trailer, "end")));
	for (size_t i = 0; i + 1 < count; i++) {
		const json_t *const line = json_array_get(output->lines, i);

		if (json_object_get(line, "node")) {
			assert_int_equal(edges, 0);
			assert_non_null(strchr(string(line, "node"), '@'));
			assert_string_not_equal(string(line, "kind"), "");
			nodes++;
			continue;
		}
		assert_non_null(json_object_get(line, "edge"));
		assert_int_equal(strlen(string(line, "time")), 30);
		assert_string_not_equal(string(line, "class"), "");
		for (int side = 0; side < 2; side++) {
			const char *const id = string(line, side ? "from" : "to");
			bool known = false;

			for (size_t j = 0; j < nodes && !known; j++)
				known = !strcmp(string(json_array_get(output->lines, j), "node"), id);
			if (!known)
				fail_msg("%s is not among the nodes", id);
		}
		edges++;
	}
	assert_int_equal(json_integer_value(json_object_get(trailer, "nodes")), nodes);
	assert_int_equal(json_integer_value(json_object_get(trailer, "edges")), edges);
	assert_true(json_is_integer(json_object_get(trailer, "lost")));
	assert_true(json_is_integer(json_object_get(json_object_get(trailer, "cut"), "depth")));
	assert_true(json_is_integer(json_object_get(json_object_get(trailer, "cut"), "hidden")));
	return trailer;
}

static const json_t *find_node(const struct output *output, const char *field, const char *value)
{
	for (size_t i = 0; i < json_array_size(output->lines); i++) {
		const json_t *const line = json_array_get(output->lines, i);

		if (json_object_get(line, "node") && !strcmp(string(line, field), value))
			return line;
	}
	return NULL;
}

static bool has_edge(const struct output *output, const char *op, const char *from, const char *to)
{
	for (size_t i = 0; i < json_array_size(output->lines); i++) {
		const json_t *const line = json_array_get(output->lines, i);

		if (!strcmp(string(line, "edge"), op) && !strcmp(string(line, "from"), from) &&
		    !strcmp(string(line, "to"), to))
			return true;
	}
	return false;
}

static long cut(const json_t *trailer, const char *what)
{
	return json_integer_value(json_object_get(json_object_get(trailer, "cut"), what));
}

/* ---- the sample --------------------------------------------------------- */

static void ancestry_of_what_left(void **state)
{
	struct output output;
	const json_t *trailer, *node;

	sample_write(*state);
	output = run(*state, "ancestry", "sock:10.0.2.2:4711", "--json", NULL);
	assert_int_equal(output.status, 0);
	parse(&output);
	trailer = check_form(&output);
	assert_non_null(find_node(&output, "path", "/etc/secret"));
	assert_non_null(find_node(&output, "path", "/tmp/payload.c"));
	assert_non_null(find_node(&output, "remote", "10.0.2.2:8000"));
	assert_true(has_edge(&output, "write", "5@1", "105@0"));
	assert_true(has_edge(&output, "exec", "106@0", "9@0"));
	assert_true(has_edge(&output, "version", "5@0", "5@1"));
	node = find_node(&output, "exe", "/usr/bin/curl");
	assert_int_equal(json_integer_value(json_object_get(node, "pid")), 101);
	assert_string_equal(json_string_value(json_array_get(json_object_get(node, "argv"), 3)),
			    "http://10.0.2.2:8000/payload.c");
	/* It was read after the secret had gone. */
	assert_null(find_node(&output, "path", "/etc/hostname"));
	/* libc is a hub that nothing wrote. */
	assert_null(find_node(&output, "path", "/usr/lib/x86_64-linux-gnu/libc.so.6"));
	assert_int_equal(cut(trailer, "hidden"), 1);
	assert_int_equal(cut(trailer, "depth"), 0);
	done(&output);

	output = run(*state, "ancestry", "sock:10.0.2.2:4711", "--json", "--no-hide", NULL);
	parse(&output);
	trailer = check_form(&output);
	assert_non_null(find_node(&output, "path", "/usr/lib/x86_64-linux-gnu/libc.so.6"));
	assert_int_equal(cut(trailer, "hidden"), 0);
	done(&output);

	/* What the user asks about is never hidden. */
	output = run(*state, "descendants", "/usr/lib/x86_64-linux-gnu/libc.so.6", "--json", NULL);
	parse(&output);
	check_form(&output);
	assert_non_null(find_node(&output, "remote", "10.0.2.2:4711"));
	done(&output);
}

static void depth_and_kind_are_counted(void **state)
{
	struct output output;
	const json_t *trailer;

	sample_write(*state);
	output = run(*state, "ancestry", "sock:10.0.2.2:4711", "--json", "--depth", "2", NULL);
	parse(&output);
	trailer = check_form(&output);
	assert_non_null(find_node(&output, "path", "/etc/secret"));
	assert_null(find_node(&output, "path", "/tmp/payload.c"));
	assert_true(cut(trailer, "depth") > 0);
	done(&output);
	output = run(*state, "ancestry", "sock:10.0.2.2:4711", "--json", "--kind", "file", NULL);
	parse(&output);
	trailer = check_form(&output);
	assert_non_null(find_node(&output, "path", "/tmp/payload.c"));
	assert_null(find_node(&output, "kind", "process"));
	assert_true(cut(trailer, "kind") > 0);
	done(&output);
}

static void descendants_path_and_windows(void **state)
{
	struct output output;

	sample_write(*state);
	output = run(*state, "descendants", "sock:10.0.2.2:8000", "--json", NULL);
	parse(&output);
	check_form(&output);
	assert_non_null(find_node(&output, "remote", "10.0.2.2:4711"));
	assert_null(find_node(&output, "path", "/etc/secret"));
	done(&output);
	output = run(*state, "path", "/tmp/payload.c", "sock:10.0.2.2:4711", "--json", NULL);
	assert_int_equal(output.status, 0);
	parse(&output);
	check_form(&output);
	assert_true(has_edge(&output, "read", "105@0", "7@0"));
	assert_null(find_node(&output, "path", "/etc/secret"));
	done(&output);
	output = run(*state, "path", "/etc/hostname", "sock:10.0.2.2:4711", "--json", NULL);
	assert_int_equal(output.status, 1);
	done(&output);
	/* Before the compiler ran, the source had no descendants. */
	output = run(*state, "descendants", "/tmp/payload.c", "--json", "--until",
		     "2026-01-01T00:00:10.200Z", NULL);
	parse(&output);
	check_form(&output);
	assert_int_equal(json_array_size(output.lines), 2);
	done(&output);
	output = run(*state, "ancestry", "/tmp/payload.c", "--until", "2026-01-01T00:00:09Z", NULL);
	assert_int_equal(output.status, 1);
	done(&output);
	output = run(*state, "timeline", "--json", "--since", "-50ms", NULL);
	assert_int_equal(output.status, 2);
	done(&output);
}

static void follows_classes_by_time(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;

	for (int i = 1; i <= 4; i++)
		log_process(log, S, i, i, 0, S);
	log_edge(log, 2 * S, C, PROV_OP_CONNECT, 1, 0, 2, 0);
	log_edge(log, 3 * S, C, PROV_OP_CONNECT, 2, 0, 3, 0);
	log_edge(log, 4 * S, C, PROV_OP_CONNECT, 4, 0, 2, 0);
	log_end(log);
	output = run(*state, "ancestry", "pid:3", "--json", "--follow", "control", NULL);
	parse(&output);
	check_form(&output);
	assert_true(has_edge(&output, "connect", "1@0", "2@0"));
	/* 4 came to 2 after 2 had gone to 3. */
	assert_false(has_edge(&output, "connect", "4@0", "2@0"));
	done(&output);
	output = run(*state, "ancestry", "pid:3", NULL);
	assert_non_null(strstr(output.text, "Not followed: meta, control"));
	done(&output);
}

/*
 * A meta edge comes after all that is before it on a path, also where data edges,
 * which can be repeated at any time, are between.
 */
static void classes_keep_time_across_data(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;

	log_process(log, S, 1, 11, 0, S);
	log_process(log, S, 2, 12, 0, S);
	for (uint64_t id = 3; id <= 5; id++)
		log_inode(log, S, id, PROV_K_FILE, id, 1);
	log_edge(log, 50 * S, D, PROV_OP_READ, 3, 0, 2, 0);
	log_edge(log, 60 * S, M, PROV_OP_SETATTR, 2, 0, 4, 0);
	log_edge(log, 100 * S, M, PROV_OP_SETATTR, 1, 0, 3, 0);
	log_edge(log, 110 * S, M, PROV_OP_SETATTR, 2, 0, 5, 0);
	/* The next boot begins its clock anew. */
	log_new_boot(log, LOG_WALL_NS + 1000 * S);
	log_inode(log, S, 4, PROV_K_FILE, 4, 1);
	log_inode(log, S, 5, PROV_K_FILE, 5, 1);
	log_process(log, S, 6, 16, 0, S);
	log_edge(log, 2 * S, M, PROV_OP_SETATTR, 6, 0, 4, 0);
	log_edge(log, 2 * S, D, PROV_OP_READ, 5, 0, 6, 0);
	log_edge(log, 3 * S, M, PROV_OP_SETATTR, 6, 0, 4, 0);
	log_end(log);
	output = run(*state, "descendants", "pid:11", "--follow", "data,meta", "--json", NULL);
	parse(&output);
	check_form(&output);
	assert_true(has_edge(&output, "read", "1:3@0", "1:2@0"));
	assert_true(has_edge(&output, "setattr", "1:2@0", "1:5@0"));
	assert_false(has_edge(&output, "setattr", "1:2@0", "1:4@0"));
	assert_true(has_edge(&output, "continues", "1:5@0", "2:5@0"));
	assert_true(has_edge(&output, "setattr", "2:6@0", "2:4@0"));
	done(&output);
	output = run(*state, "ancestry", "node:1:4", "--follow", "data,meta", "--json", NULL);
	parse(&output);
	check_form(&output);
	assert_true(has_edge(&output, "read", "1:3@0", "1:2@0"));
	assert_false(has_edge(&output, "setattr", "1:1@0", "1:3@0"));
	done(&output);
	output = run(*state, "ancestry", "node:2:4", "--follow", "data,meta", "--json", NULL);
	parse(&output);
	check_form(&output);
	assert_true(has_edge(&output, "setattr", "1:1@0", "1:3@0"));
	done(&output);
	output = run(*state, "path", "pid:11", "node:1:4", "--follow", "data,meta", NULL);
	assert_int_equal(output.status, 1);
	done(&output);
	output = run(*state, "path", "pid:11", "node:2:4", "--follow", "data,meta", "--json", NULL);
	assert_int_equal(output.status, 0);
	parse(&output);
	check_form(&output);
	assert_true(has_edge(&output, "setattr", "2:6@0", "2:4@0"));
	done(&output);
}

static void a_path_is_whole_or_not_there(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;

	for (uint64_t id = 1; id <= 4; id++)
		log_process(log, S, id, 10 + id, 0, S);
	for (uint64_t id = 1; id < 4; id++)
		log_edge(log, (1 + id) * S, D, PROV_OP_SEND, id, 0, id + 1, 0);
	log_end(log);
	output = run(*state, "path", "pid:11", "pid:14", "--depth", "2", "--json", NULL);
	assert_int_equal(output.status, 1);
	assert_non_null(strstr(output.errors, "within --depth"));
	parse(&output);
	assert_true(cut(check_form(&output), "depth") > 0);
	assert_int_equal(json_array_size(output.lines), 1);
	done(&output);
	output = run(*state, "path", "pid:11", "pid:14", "--depth", "3", "--json", NULL);
	assert_int_equal(output.status, 0);
	parse(&output);
	assert_int_equal(cut(check_form(&output), "depth"), 0);
	assert_int_equal(json_array_size(output.lines), 4 + 3 + 1);
	done(&output);
}

static void all_verbs_and_forms_answer(void **state)
{
	static const char *const verbs[][3] = {
		{ "summary" }, { "ancestry", "/tmp/payload" }, { "descendants", "pid:101" },
		{ "path", "/etc/secret", "sock:10.0.2.2:4711" }, { "history", "/tmp/payload.c" },
		{ "tree" }, { "tree", "pid:100" }, { "timeline" }, { "net" }, { "find" },
		{ "verify" }, { "export" }, { "ancestry", "node:9@0" },
		{ "ancestry", "inode:8:1:16" }, { "ancestry", "inode:8388609:16" },
	};
	static const char *const forms[] = { "--json", "--dot", "--all" };

	sample_write(*state);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		for (size_t j = 0; j < 3; j++) {
			const char *args[4] = { forms[j], NULL, NULL, NULL };
			struct output output;

			if (verbs[i][1])
				args[1] = verbs[i][1];
			if (verbs[i][2])
				args[2] = verbs[i][2];
			output = run(*state, verbs[i][0], args[0], args[1], args[2], NULL);
			if (!strcmp(forms[j], "--dot")) {
				const bool none = !strcmp(verbs[i][0], "summary") ||
						  !strcmp(verbs[i][0], "verify");

				if (none ? output.status != 2 || output.bytes :
					   output.status || strncmp(output.text, "digraph", 7))
					fail_msg("%s --dot: status %d: %s", verbs[i][0],
						 output.status, output.text);
			} else if (output.status || !output.bytes) {
				fail_msg("%s %s: status %d: %s", verbs[i][0], forms[j],
					 output.status, output.errors);
			}
			if (!j) {
				parse(&output);
				assert_true(json_is_true(json_object_get(json_array_get(output.lines,
					json_array_size(output.lines) - 1), "end")));
			}
			done(&output);
		}
	}
}

/* An option does something, or it is said that it does not. */
static void no_option_is_ignored(void **state)
{
	static const char *const notes[][3] = {
		{ "export", "--depth=1", "--depth" }, { "find", "--follow=meta", "--follow" },
		{ "tree", "--hide=libs", "--hide" }, { "net", "--argv=x", "--argv" },
		{ "verify", "--since=-1h", "--since" }, { "summary", "--strict", "--strict" },
		{ "timeline", "--no-hide", NULL }, { "tree", "--depth=9", NULL },
		{ "export", "--kind=file", NULL }, { "net", "--follow=data", NULL },
	};
	struct output output;

	sample_write(*state);
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		output = run(*state, notes[i][0], notes[i][1], NULL);
		assert_int_equal(output.status, 0);
		if (notes[i][2] ? !strstr(output.errors, "does nothing with") ||
				  !strstr(output.errors, notes[i][2]) : *output.errors)
			fail_msg("%s %s: \"%s\"", notes[i][0], notes[i][1], output.errors);
		done(&output);
	}
	output = run(*state, "find", "payload", "--dot", NULL);
	assert_non_null(strstr(output.text, "/tmp/payload.c"));
	assert_null(strstr(output.text, "/etc/hostname"));
	done(&output);

	output = run(*state, "history", "/tmp/payload.c", "--kind", "process", NULL);
	assert_int_equal(output.status, 0);
	assert_non_null(strstr(output.text, "pid 101 curl"));
	assert_null(strstr(output.text, "[file"));
	assert_non_null(strstr(output.text, "by --kind"));
	done(&output);
	output = run(*state, "net", "--kind", "process", NULL);
	assert_int_equal(output.status, 0);
	assert_non_null(strstr(output.text, "pid 101 curl"));
	assert_null(strstr(output.text, "tcp socket"));
	done(&output);
}

static void trees_end_at_their_depth(void **state)
{
	enum { DEEP = 400 };
	struct logbuild *log;
	struct output output;

	sample_write(*state);
	for (int depth = 0; depth < 2; depth++) {
		const char *const option = depth ? "--depth=1" : "--depth=0";

		output = run(*state, "tree", "pid:100", option, NULL);
		assert_int_equal(output.status, 0);
		assert_int_equal(!!strstr(output.text, "pid 101 curl"), depth);
		assert_int_equal(!!strstr(output.text, "Cut: 3 edges"), !depth);
		done(&output);
		output = run(*state, "tree", "pid:100", option, "--json", NULL);
		parse(&output);
		assert_int_equal(cut(check_form(&output), "depth"), depth ? 0 : 3);
		assert_int_equal(!!find_node(&output, "exe", "/usr/bin/curl"), depth);
		done(&output);
	}
	/* What is below a process that ended before the window is below it still. */
	output = run(*state, "tree", "pid:1", "--since", "2026-01-01T00:00:10.230Z", NULL);
	assert_null(strstr(output.text, "pid 102"));
	assert_non_null(strstr(output.text, "pid 103 /tmp/payload"));
	done(&output);
	tempdir_clear(*state);

	log = log_begin(*state);
	for (uint64_t i = 1; i <= DEEP; i++) {
		log_process(log, i * S, i, i, i - 1, i * S);
		if (i > 1)
			log_edge(log, i * S, D, PROV_OP_FORK, i - 1, 0, i, 0);
		if (i % 2)
			log_node_end(log, i * S + 1, i, 0, 0);
	}
	log_end(log);
	output = run(*state, "tree", NULL);
	assert_non_null(strstr(output.text, "pid 400"));
	assert_non_null(strstr(output.text, "400 processes"));
	done(&output);
	output = run(*state, "tree", "pid:2", "--since", "2026-01-01T00:06:40Z", "--json", NULL);
	parse(&output);
	check_form(&output);
	assert_int_equal(json_array_size(output.lines), DEEP / 2 + 1);
	done(&output);
	output = run(*state, "tree", "pid:2", "--since", "2026-01-01T00:06:40Z", "--depth", "1",
		     NULL);
	assert_non_null(strstr(output.text, "2 processes"));
	assert_non_null(strstr(output.text, "pid 4 "));
	done(&output);
}

static void nothing_is_not_found(void **state)
{
	static const char *const empty[][4] = {
		{ "history", "/tmp/payload.c", "--since=2027-01-01" },
		{ "history", "/tmp/payload.c", "--since=2027-01-01", "--json" },
		{ "history", "/tmp/payload.c", "--kind=memfd" },
		{ "ancestry", "/tmp/payload.c", "--kind=memfd" },
		{ "ancestry", "/tmp/payload.c", "--kind=memfd", "--json" },
		{ "net", "--kind=memfd", "--json" }, { "net", "--kind=memfd" },
		{ "tree", "--kind=memfd" }, { "tree", "--kind=memfd", "--json" },
		{ "timeline", "--kind=memfd" }, { "export", "--kind=memfd", "--json" },
		{ "find", "--kind=memfd" }, { "find", "--kind=memfd", "--dot" },
		{ "path", "/tmp/payload.c", "/etc/secret" },
		{ "path", "/tmp/payload.c", "/etc/secret", "--json" },
	};

	sample_write(*state);
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		struct output output = run(*state, empty[i][0], empty[i][1], empty[i][2],
					   empty[i][2] ? empty[i][3] : NULL, NULL);

		if (output.status != 1)
			fail_msg("%s %s: status %d", empty[i][0], empty[i][1], output.status);
		done(&output);
	}
}

static void answers_say_what_they_left_out(void **state)
{
	static const char *const answers[][4] = {
		{ "net", NULL, NULL, "Not followed: meta (" },
		{ "history", "/tmp/payload.c", "--follow=data", "Not followed: meta, control (" },
		{ "timeline", "--follow=control", NULL, "Not followed: data, meta (" },
		{ "ancestry", "/tmp/payload.c", NULL, "Not followed: meta, control (" },
		{ "ancestry", "/tmp/payload.c", "--since=-1h", "repetitions are not recorded" },
		{ "history", "/tmp/payload.c", "--since=-1h", "repetitions are not recorded" },
		{ "timeline", "--since=-1h", NULL, "repetitions are not recorded" },
	};

	sample_write(*state);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct output output = run(*state, answers[i][0], answers[i][1],
					   answers[i][1] ? answers[i][2] : NULL, NULL);

		if (!strstr(output.text, answers[i][3]))
			fail_msg("%s: %s", answers[i][0], output.text);
		done(&output);
	}
}

static void history_tree_and_net_say_who(void **state)
{
	struct output output;

	sample_write(*state);
	output = run(*state, "history", "/tmp/payload.c", NULL);
	assert_non_null(strstr(output.text, "write       by pid 101 curl"));
	assert_non_null(strstr(output.text, "read        into pid 102 gcc"));
	assert_true(strstr(output.text, "(create)") < strstr(output.text, "write "));
	done(&output);
	output = run(*state, "tree", NULL);
	assert_non_null(strstr(output.text, "└─ pid 103 /tmp/payload"));
	done(&output);
	output = run(*state, "tree", "--json", NULL);
	parse(&output);
	check_form(&output);
	assert_true(has_edge(&output, "fork", "3@0", "4@0"));
	assert_true(has_edge(&output, "exec", "4@0", "5@0"));
	assert_null(find_node(&output, "kind", "file"));
	done(&output);
	output = run(*state, "net", NULL);
	assert_non_null(strstr(output.text, "10.0.2.2:4711"));
	done(&output);
	output = run(*state, "find", "--kind", "process", "--argv", "*payload.c", "--json", NULL);
	parse(&output);
	check_form(&output);
	assert_int_equal(json_array_size(output.lines), 3);
	done(&output);
	output = run(*state, "find", "no such thing", NULL);
	assert_int_equal(output.status, 1);
	done(&output);
}

/* The line of an edge of that name. */
static const json_t *find_edge(const struct output *output, const char *name, const char *from)
{
	const json_t *line;
	size_t i;

	json_array_foreach(output->lines, i, line) {
		const char *const edge = json_string_value(json_object_get(line, "edge"));

		if (edge && !strcmp(edge, name) &&
		    !strcmp(json_string_value(json_object_get(line, "from")), from))
			return line;
	}
	return NULL;
}

static void refusals_and_attributes_show(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;
	const json_t *line;

	log_process(log, 1 * S, 1, 50, 1, 1 * S);
	log_process_attr(log, 1 * S, 1, 99, 1000, 50);
	log_text(log, 1 * S, 1, PROV_T_SECCTX, "unconfined");
	log_text(log, 1 * S, 1, PROV_T_CGROUP, "/a");
	log_text(log, 1 * S, 1, PROV_T_GROUPS, "3:4,24");
	log_process(log, 2 * S, 2, 51, 50, 2 * S);
	log_edge(log, 2 * S, D, PROV_OP_FORK, 1, 0, 2, 0);
	log_pid(log, 2 * S, 2, 3);
	log_text(log, 2 * S, 2, PROV_T_COMM, "sh");
	log_text(log, 2 * S, 2, PROV_T_RENAMED, "first");
	log_text(log, 2 * S, 2, PROV_T_RENAMED, "kworker");
	/* What the parent gets later is not the child's. */
	log_process_attr(log, 3 * S, 1, 100, 2000, 50);
	log_text(log, 3 * S, 1, PROV_T_CGROUP, "/b");
	log_inode(log, 3 * S, 20, PROV_K_DIRECTORY, 5, 1);
	log_text(log, 3 * S, 20, PROV_T_ALIAS, "/private");
	log_text(log, 3 * S, 20, PROV_T_MOUNT, "/mnt");
	log_refusal(log, 4 * S, PROV_LAYER_LSM, 2, 0, 20, 13, 0, "path_mkdir\0apparmor\0new", 24);
	log_refusal(log, 5 * S, PROV_LAYER_CAPABILITY, 2, 0, 0, 1, 18, "capable\0", 9);
	log_end(log);

	output = run(*state, "export", "--json", NULL);
	parse(&output);
	check_form(&output);
	line = find_edge(&output, "refused", "2@0");
	assert_string_equal(json_string_value(json_object_get(line, "to")), "20@0");
	assert_string_equal(json_string_value(json_object_get(line, "class")), "control");
	assert_string_equal(json_string_value(json_object_get(line, "hook")), "path_mkdir");
	assert_string_equal(json_string_value(json_object_get(line, "error")), "EACCES");
	assert_string_equal(json_string_value(json_object_get(line, "layer")), "apparmor");
	assert_string_equal(json_string_value(json_object_get(line, "name")), "new");
	assert_true(has_edge(&output, "refused", "2@0", "2@0"));
	line = find_node(&output, "node", "2@0");
	assert_int_equal(json_integer_value(json_object_get(line, "ns_pid")), 3);
	assert_string_equal(json_string_value(json_object_get(line, "comm")), "kworker");
	assert_int_equal(json_integer_value(json_object_get(line, "cgroup_id")), 99);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "ns"), "net")),
			 1000 + PROV_NS_NET);
	assert_string_equal(json_string_value(json_object_get(line, "cgroup")), "/a");
	assert_string_equal(json_string_value(json_object_get(line, "secctx")), "unconfined");
	assert_int_equal(json_array_size(json_object_get(line, "groups")), 2);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(line, "groups"), 1)),
			 24);
	assert_true(json_is_true(json_object_get(line, "groups_cut")));
	line = find_node(&output, "node", "1@0");
	assert_int_equal(json_integer_value(json_object_get(line, "cgroup_id")), 100);
	assert_string_equal(json_string_value(json_object_get(line, "cgroup")), "/b");
	assert_null(json_object_get(line, "ns_pid"));
	line = find_node(&output, "kind", "dir");
	assert_string_equal(json_string_value(json_object_get(line, "path")), "/private");
	assert_int_equal(json_array_size(json_object_get(line, "mounts")), 1);
	done(&output);
	output = run(*state, "history", "/private", NULL);
	assert_non_null(strstr(output.text, "(path_mkdir: EACCES by apparmor)"));
	done(&output);
	output = run(*state, "history", "pid:51", NULL);
	assert_non_null(strstr(output.text, "(capable: EPERM by capability)"));
	assert_non_null(strstr(output.text, "pid 51 sh as kworker"));
	done(&output);
	output = run(*state, "find", "kwork*", NULL);
	assert_non_null(strstr(output.text, "pid 51"));
	done(&output);
	output = run(*state, "verify", NULL);
	assert_int_equal(output.status, 0);
	done(&output);
}

static void draws(void **state)
{
	struct output output;

	sample_write(*state);
	if (access("/usr/bin/dot", X_OK))
		skip();
	output = run(*state, "ancestry", "sock:10.0.2.2:4711", "--svg", NULL);
	assert_int_equal(output.status, 0);
	assert_non_null(strstr(output.text, "</svg>"));
	assert_non_null(strstr(output.text, "/etc/secret"));
	done(&output);
}

static void graphviz_may_be_missing(void **state)
{
	const char *const before = getenv("PATH");
	char *const path = strdup(before ? before : "");
	struct output output;

	sample_write(*state);
	setenv("PATH", "/nonexistent", 1);
	output = run(*state, "ancestry", "/tmp/payload", "--svg", NULL);
	setenv("PATH", path, 1);
	free(path);
	assert_int_equal(output.status, 4);
	assert_non_null(strstr(output.errors, "graphviz"));
	done(&output);
}

/* Boot, then a daemon that forks and by vfork executes, which is read as a tree. */
static void trees_put_what_is_near_first(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;

	log_process(log, S, 1, 1, 0, S);
	log_inode(log, S, 20, PROV_K_FILE, 20, 1);
	log_text(log, S, 20, PROV_T_OPEN, "/boot");
	log_edge(log, S, D, PROV_OP_READ, 20, 0, 1, 0);
	log_process(log, 2 * S, 2, 2, 1, 2 * S);
	log_edge(log, 2 * S, D, PROV_OP_FORK, 1, 0, 2, 0);
	/* A child of vfork has no node of its own until it executes. */
	log_process(log, 3 * S, 3, 3, 2, 3 * S);
	log_edge(log, 3 * S, D, PROV_OP_EXEC, 2, 0, 3, 0);
	log_inode(log, 4 * S, 21, PROV_K_FILE, 21, 1);
	log_text(log, 4 * S, 21, PROV_T_OPEN, "/secret");
	log_edge(log, 4 * S, D, PROV_OP_READ, 21, 0, 3, 0);
	log_end(log);

	output = run(*state, "ancestry", "pid:3", NULL);
	/* It is later, but who started whom goes back for ever. */
	assert_non_null(strstr(output.text, "/secret"));
	assert_true(strstr(output.text, "/secret") < strstr(output.text, "/boot"));
	done(&output);
	output = run(*state, "tree", NULL);
	assert_non_null(strstr(output.text, "   └─ pid 3"));
	done(&output);
}

/* A message is named by its queue, of either family, or by nothing. */
static void messages_name_their_queues(void **state)
{
	struct logbuild *const log = log_begin(*state);
	const json_t *node;
	struct output output;

	log_process(log, S, 1, 1, 0, S);
	log_ipc(log, S, 2, PROV_K_MSGQUEUE, 0x1234, 77);
	log_message(log, S, 3, 2);
	log_edge(log, S, D, PROV_OP_SEND, 1, 0, 3, 0);
	log_inode(log, 2 * S, 4, PROV_K_MQUEUE, 9, 0);
	log_text(log, 2 * S, 4, PROV_T_ANON_NAME, "mqueue:/jobs");
	log_message(log, 2 * S, 5, 4);
	log_edge(log, 2 * S, D, PROV_OP_RECV, 5, 0, 1, 1);
	log_message(log, 3 * S, 6, 6);
	log_edge(log, 3 * S, D, PROV_OP_RECV, 6, 0, 1, 1);
	log_message(log, 3 * S, 7, 999);
	log_edge(log, 3 * S, D, PROV_OP_RECV, 7, 0, 1, 1);
	log_ipc(log, 4 * S, 8, PROV_K_SEM, 0, 5);
	log_edge(log, 4 * S, PROV_R_EDGE_CONTROL, PROV_OP_SEMOP, 8, 0, 1, 1);
	log_end(log);

	output = run(*state, "timeline", NULL);
	assert_int_equal(output.status, 0);
	assert_non_null(strstr(output.text, "message in msgqueue 77 key 0x1234"));
	assert_non_null(strstr(output.text, "message in mqueue:/jobs"));
	assert_non_null(strstr(output.text, "sem 5 key 0x0"));
	done(&output);
	output = run(*state, "export", "--json", "--kind", "message,process", NULL);
	assert_int_equal(output.status, 0);
	parse(&output);
	node = find_node(&output, "kind", "message");
	assert_int_equal(json_integer_value(json_object_get(node, "key")), 0x1234);
	assert_int_equal(json_integer_value(json_object_get(node, "msqid")), 77);
	node = find_node(&output, "name", "mqueue:/jobs");
	assert_string_equal(string(node, "kind"), "message");
	done(&output);
}

/* Every kind has its name in a summary, also those that came last. */
static void kinds_have_their_names(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;
	const json_t *kinds;

	log_process(log, S, 1, 1, 0, S);
	log_ipc(log, S, 2, PROV_K_MSGQUEUE, 1, 1);
	log_message(log, S, 3, 2);
	log_inode(log, S, 4, PROV_K_TUN, 1, 0);
	/* A kind of the future. */
	log_inode(log, S, 5, 200, 1, 0);
	log_inode(log, S, 6, 201, 1, 0);
	log_end(log);
	output = run(*state, "summary", "--json", NULL);
	parse(&output);
	kinds = json_object_get(json_array_get(output.lines, 0), "kinds");
	assert_int_equal(json_integer_value(json_object_get(kinds, "msgqueue")), 1);
	assert_int_equal(json_integer_value(json_object_get(kinds, "message")), 1);
	assert_int_equal(json_integer_value(json_object_get(kinds, "tun")), 1);
	assert_int_equal(json_integer_value(json_object_get(kinds, "unknown")), 2);
	done(&output);
}

/* A message's label has its queue's in it, which can be kept in the same place. */
static void labels_do_not_mix(void **state)
{
	enum { SLOTS = 4096 };
	struct logbuild *const log = log_begin(*state);
	struct output output;

	log_ipc(log, S, 1, PROV_K_MSGQUEUE, 1, 55);
	for (uint64_t id = 2; id <= SLOTS; id++)
		log_inode(log, S, id, PROV_K_FILE, id, 0);
	log_message(log, S, SLOTS + 1, 1);
	log_message(log, S, SLOTS + 2, 1);
	log_process(log, S, SLOTS + 3, 7, 0, S);
	for (int i = 0; i < 2; i++)
		log_edge(log, (2 + i) * S, D, PROV_OP_RECV, SLOTS + 1 + i, 0, SLOTS + 3, i);
	log_end(log);
	output = run(*state, "timeline", NULL);
	assert_non_null(strstr(output.text, "message in msgqueue 55"));
	assert_null(strstr(output.text, "in message"));
	done(&output);
}

static void a_socket_has_had_peers(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;
	const json_t *node;

	for (uint64_t id = 1; id <= 3; id++)
		log_socket(log, S, id, AF_UNIX, SOCK_DGRAM, 0);
	log_peer(log, 2 * S, 1, 2);
	log_peer(log, 3 * S, 1, 3);
	log_end(log);
	output = run(*state, "history", "node:1", "--json", NULL);
	parse(&output);
	node = find_node(&output, "node", "1@0");
	assert_string_equal(string(node, "peer"), "3");
	assert_int_equal(json_array_size(json_object_get(node, "peers")), 2);
	done(&output);
}

/* A log that was copied while a segment was sealed has it under both names. */
static void a_segment_may_have_two_names(void **state)
{
	struct logbuild *const log = log_begin(*state);
	char from[256], to[256];
	struct output output;

	log_process(log, S, 1, 1, 0, S);
	log_end(log);
	snprintf(from, sizeof(from), "%s/segment-%016d.plog", (char *)*state, 1);
	snprintf(to, sizeof(to), "%s/segment-%016d.open", (char *)*state, 1);
	assert_int_equal(link(from, to), 0);
	output = run(*state, "verify", NULL);
	assert_int_equal(output.status, 0);
	assert_string_equal(output.errors, "");
	done(&output);
}

/* ---- names -------------------------------------------------------------- */

static void check_name(void *directory, const char *path, bool valid)
{
	struct logbuild *log;
	struct output output;
	char *b64_path = NULL;
	const json_t *node;

	tempdir_clear(directory);
	log = log_begin(directory);
	log_inode(log, S, 1, PROV_K_FILE, 5, 1);
	log_text(log, S, 1, PROV_T_OPEN, path);
	log_process(log, S, 2, 7, 1, S);
	log_text(log, S, 2, PROV_T_EXE, path);
	log_argv(log, S, 2, (const char *const[]) { path, "", "x y", NULL }, 4096);
	log_edge(log, 2 * S, D, PROV_OP_WRITE, 2, 0, 1, 0);
	log_end(log);

	/* By its bytes on the command line. */
	output = run(directory, "ancestry", path, "--json", NULL);
	assert_int_equal(output.status, 0);
	parse(&output);
	check_form(&output);
	node = find_node(&output, "kind", "file");
	if (valid) {
		assert_string_equal(string(node, "path"), path);
		assert_null(json_object_get(node, "path_b64"));
	} else {
		assert_non_null(strstr(string(node, "path"), "\xef\xbf\xbd"));
		assert_int_equal(asprintf(&b64_path, "path-b64:%s", string(node, "path_b64")),
				 9 + strlen(string(node, "path_b64")));
	}
	node = find_node(&output, "kind", "process");
	assert_int_equal(json_array_size(json_object_get(node, "argv")), 3);
	assert_int_equal(json_array_size(json_object_get(node, "argv_b64")), valid ? 0 : 3);
	done(&output);

	/* By what the JSON said. */
	if (!valid) {
		output = run(directory, "ancestry", b64_path, "--json", NULL);
		assert_int_equal(output.status, 0);
		parse(&output);
		assert_non_null(find_node(&output, "kind", "process"));
		done(&output);
		free(b64_path);
	}
	/* And nothing in it acts on a terminal or breaks the dot language. */
	output = run(directory, "ancestry", path, "--no-hide", NULL);
	assert_int_equal(output.status, 0);
	for (size_t i = 0; i < output.bytes; i++)
		assert_true((uint8_t)output.text[i] >= 0x20 || output.text[i] == '\n');
	assert_true(strchr(output.text, '\n') - output.text < 2000);
	done(&output);
	output = run(directory, "ancestry", path, "--dot", NULL);
	for (const char *at = output.text; (at = strchr(at, '&')) != NULL; at++)
		assert_int_equal(strncmp(at, "&amp;", 5), 0);
	done(&output);
	if (!access("/usr/bin/dot", X_OK)) {
		output = run(directory, "ancestry", path, "--svg", NULL);
		assert_int_equal(output.status, 0);
		assert_non_null(strstr(output.text, "</svg>"));
		done(&output);
	}
}

static void hostile_names_come_back(void **state)
{
	char name[300], path[4001];

	check_name(*state, "/tmp/new\nline", true);
	check_name(*state, "/tmp/quote\"'`$(x)\\back", true);
	check_name(*state, "/tmp/\\n\\l</svg><script>&amp;", true);
	check_name(*state, "/tmp/a&#27;b&amp;", true);
	check_name(*state, "/tmp/\x1b[31mred\x07\x7f", true);
	check_name(*state, "/tmp/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 space", true);
	check_name(*state, "/tmp/bad\xff\xfe", false);
	check_name(*state, "/tmp/\xc0\xaf\xed\xa0\x80\xf5", false);
	memset(name, 'n', sizeof(name));
	memcpy(name, "/tmp/", 5);
	name[5 + 255] = 0;
	check_name(*state, name, true);
	memset(path, 'p', sizeof(path));
	for (int i = 0; i < 4000; i += 100)
		path[i] = '/';
	path[4000] = 0;
	check_name(*state, path, true);
	path[2000] = '\xff';
	check_name(*state, path, false);
}

static void a_path_is_what_had_it_last(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;

	log_process(log, S, 9, 7, 1, S);
	log_inode(log, S, 1, PROV_K_FILE, 5, 1);
	log_text(log, S, 1, PROV_T_CREATE, "/a");
	log_edge(log, S, D, PROV_OP_WRITE, 9, 0, 1, 0);
	log_text(log, 3 * S, 1, PROV_T_RENAME_FROM, "/a");
	log_text(log, 3 * S, 1, PROV_T_RENAME_TO, "/b");
	log_inode(log, 4 * S, 2, PROV_K_FILE, 6, 1);
	log_text(log, 4 * S, 2, PROV_T_CREATE, "/a");
	log_text(log, 5 * S, 2, PROV_T_UNLINK, "/a");
	log_end(log);

	output = run(*state, "ancestry", "/a", "--json", NULL);
	parse(&output);
	assert_non_null(find_node(&output, "node", "2@0"));
	assert_null(find_node(&output, "node", "1@0"));
	done(&output);
	output = run(*state, "ancestry", "/a", "--json", "--until", "2026-01-01T00:00:02Z", NULL);
	parse(&output);
	assert_non_null(find_node(&output, "node", "1@0"));
	assert_null(find_node(&output, "node", "2@0"));
	assert_string_equal(string(find_node(&output, "node", "1@0"), "path"), "/a");
	done(&output);
	output = run(*state, "ancestry", "/a", "--all", "--json", NULL);
	parse(&output);
	assert_non_null(find_node(&output, "node", "1@0"));
	assert_non_null(find_node(&output, "node", "2@0"));
	assert_string_equal(string(find_node(&output, "node", "1@0"), "path"), "/b");
	done(&output);
	output = run(*state, "ancestry", "/b", NULL);
	assert_non_null(strstr(output.text, "/b (also /a)"));
	done(&output);
	output = run(*state, "ancestry", "/aa/b", NULL);
	assert_int_equal(output.status, 1);
	assert_non_null(strstr(output.errors, "near matches: /b"));
	done(&output);
}

static void check_path(void *directory, const char *path, const char *node, const char *why)
{
	struct output output = run(directory, "ancestry", path, "--json", NULL);

	parse(&output);
	check_form(&output);
	if (!find_node(&output, "node", node))
		fail_msg("%s: %s", why, output.text);
	done(&output);
}

static void a_path_is_who_holds_it(void **state)
{
	struct logbuild *log = log_begin(*state);

	/* renameat2(RENAME_EXCHANGE) */
	for (uint64_t id = 1; id <= 2; id++) {
		log_inode(log, S, id, PROV_K_FILE, id, 1);
		log_text(log, S, id, PROV_T_CREATE, id == 1 ? "/x" : "/y");
	}
	log_text(log, 2 * S, 1, PROV_T_RENAME_FROM, "/x");
	log_text(log, 2 * S, 1, PROV_T_RENAME_TO, "/y");
	log_text(log, 2 * S, 2, PROV_T_RENAME_FROM, "/y");
	log_text(log, 2 * S, 2, PROV_T_RENAME_TO, "/x");
	/* Moved away and replaced in one instant, and another that came and went. */
	log_inode(log, S, 3, PROV_K_FILE, 3, 1);
	log_text(log, S, 3, PROV_T_CREATE, "/z");
	log_inode(log, 2 * S, 4, PROV_K_FILE, 4, 0);
	log_text(log, 2 * S, 4, PROV_T_RENAME_TO, "/z");
	log_text(log, 3 * S, 3, PROV_T_UNLINK, "/z");
	log_end(log);
	check_path(*state, "/x", "2@0", "/x after an exchange");
	check_path(*state, "/y", "1@0", "/y after an exchange");
	check_path(*state, "/z", "4@0", "a loss that was told late");
	tempdir_clear(*state);

	/* What the first node of an inode got, the second lost, and a third had it since. */
	log = log_begin(*state);
	log_inode(log, S, 1, PROV_K_FILE, 1, 1);
	log_text(log, S, 1, PROV_T_CREATE, "/x");
	log_node_end(log, 2 * S, 1, 0, 0);
	log_inode(log, 3 * S, 2, PROV_K_FILE, 1, 1);
	log_text(log, 3 * S, 2, PROV_T_UNLINK, "/x");
	log_inode(log, 4 * S, 3, PROV_K_FILE, 3, 1);
	log_text(log, 4 * S, 3, PROV_T_CREATE, "/x");
	log_text(log, 5 * S, 3, PROV_T_UNLINK, "/x");
	log_end(log);
	check_path(*state, "/x", "3@0", "a name that an earlier node of the inode had");
}

/* What is carried is older than the same that was recorded again. */
static void a_carried_name_keeps_its_time(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;

	log_carried(log, 1);
	log_inode(log, 1 * S, 1, PROV_K_FILE, 1, 1);
	log_text(log, 1 * S, 1, PROV_T_OPEN, "/etc/hosts");
	log_carried(log, 0);
	log_process(log, 1 * S, 2, 7, 1, 1 * S);
	log_edge(log, 1 * S, D, PROV_OP_READ, 1, 0, 2, 0);
	log_text(log, 3 * S, 1, PROV_T_OPEN, "/etc/hosts");
	log_end(log);
	output = run(*state, "descendants", "/etc/hosts", "--until", "2026-01-01T00:00:02Z",
		     "--json", NULL);
	assert_int_equal(output.status, 0);
	parse(&output);
	assert_true(has_edge(&output, "read", "1@0", "2@0"));
	done(&output);
}

static const json_t *others_of(const struct output *output)
{
	const json_t *const trailer = check_form(output);
	const json_t *const others = json_object_get(trailer, "others");

	assert_true(json_array_size(others) <= 1);
	return json_object_get(json_array_get(others, 0), "nodes");
}

/* A name in another mount namespace is the same text: it is not passed over. */
static void others_of_a_name_are_told(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;

	log_inode(log, S, 1, PROV_K_FILE, 1, 1);
	log_text(log, S, 1, PROV_T_CREATE, "/usr/bin/foo");
	log_inode(log, 2 * S, 2, PROV_K_FILE, 2, 0);
	log_text(log, 2 * S, 2, PROV_T_CREATE, "/usr/bin/foo");
	log_node_end(log, 3 * S, 2, 0, 0);
	/* A socket keeps its name for as long as it lives. */
	log_socket(log, 4 * S, 3, AF_UNIX, SOCK_STREAM, 0);
	log_text(log, 4 * S, 3, PROV_T_UNIX_PATH, "/usr/bin/foo");
	log_node_end(log, 5 * S, 3, 0, 0);
	/* Deleted by a path that was not seen; the end of another node of it says so. */
	log_inode(log, 6 * S, 4, PROV_K_FILE, 4, 1);
	log_text(log, 6 * S, 4, PROV_T_CREATE, "/usr/bin/foo");
	log_node_end(log, 7 * S, 4, 0, 0);
	log_inode(log, 8 * S, 5, PROV_K_FILE, 4, 1);
	log_node_end(log, 9 * S, 5, 1, 0);
	log_end(log);

	output = run(*state, "ancestry", "/usr/bin/foo", "--json", NULL);
	assert_int_equal(output.status, 0);
	parse(&output);
	assert_non_null(find_node(&output, "node", "2@0"));
	assert_null(find_node(&output, "node", "1@0"));
	assert_int_equal(json_array_size(others_of(&output)), 1);
	assert_string_equal(json_string_value(json_array_get(others_of(&output), 0)), "1");
	done(&output);
	output = run(*state, "ancestry", "/usr/bin/foo", NULL);
	assert_non_null(strstr(output.text, "/usr/bin/foo: 1 other object holds this name: node:1;"
					    " --all takes all."));
	done(&output);
	/* Before it was deleted, it held its name. */
	output = run(*state, "history", "/usr/bin/foo", "--until", "2026-01-01T00:00:08Z", "--json",
		     NULL);
	parse(&output);
	assert_non_null(find_node(&output, "node", "4@0"));
	assert_int_equal(json_array_size(others_of(&output)), 2);
	done(&output);
	output = run(*state, "ancestry", "/usr/bin/foo", "--all", "--json", NULL);
	parse(&output);
	assert_non_null(find_node(&output, "node", "1@0"));
	assert_null(others_of(&output));
	done(&output);
}

static void log_moved(struct logbuild *log, uint64_t time, uint64_t id, const char *from,
		      const char *to)
{
	log_text(log, time, id, PROV_T_RENAME_FROM, from);
	log_text(log, time, id, PROV_T_RENAME_TO, to);
}

static void check_object(void *directory, const char *path, const char *until, const char *node,
			 size_t others)
{
	struct output output = run(directory, "ancestry", path, "--json", "--until", until, NULL);

	parse(&output);
	if (output.status || !find_node(&output, "node", node) ||
	    json_array_size(others_of(&output)) != others)
		fail_msg("%s at %s: %s%s", path, until, output.text, output.errors);
	done(&output);
}

/* The rename of a directory renames what is below it. */
static void names_move_with_directories(void **state)
{
	struct logbuild *log = log_begin(*state);
	struct output output;

	for (uint64_t id = 1; id <= 4; id++)
		log_inode(log, S, id, PROV_K_DIRECTORY, id, 1);
	log_text(log, S, 1, PROV_T_CREATE, "/tmp/a");
	log_inode(log, 2 * S, 10, PROV_K_FILE, 10, 1);
	log_text(log, 2 * S, 10, PROV_T_CREATE, "/tmp/a/d/x");
	log_moved(log, 4 * S, 1, "/tmp/a", "/tmp/b");
	/* Evicted, loaded again, and its directory moved on. */
	log_node_end(log, 5 * S, 10, 0, 0);
	log_inode(log, 6 * S, 11, PROV_K_FILE, 10, 1);
	log_moved(log, 8 * S, 1, "/tmp/b", "/srv/c");
	/* Another takes its first name. */
	log_inode(log, 10 * S, 12, PROV_K_FILE, 12, 1);
	log_text(log, 10 * S, 12, PROV_T_CREATE, "/tmp/a/d/x");
	/* Two directories are exchanged. */
	log_inode(log, 10 * S, 13, PROV_K_FILE, 13, 1);
	log_text(log, 10 * S, 13, PROV_T_CREATE, "/p/y");
	log_inode(log, 10 * S, 14, PROV_K_FILE, 14, 1);
	log_text(log, 10 * S, 14, PROV_T_CREATE, "/q/y");
	log_moved(log, 12 * S, 2, "/p", "/q");
	log_moved(log, 12 * S + 1, 3, "/q", "/p");
	/* Removed by the name that it has then, by another node of it. */
	log_inode(log, 13 * S, 15, PROV_K_FILE, 15, 1);
	log_text(log, 13 * S, 15, PROV_T_CREATE, "/m/z");
	log_moved(log, 14 * S, 4, "/m", "/n");
	log_inode(log, 15 * S, 16, PROV_K_FILE, 15, 1);
	log_text(log, 15 * S, 16, PROV_T_UNLINK, "/n/z");
	log_moved(log, 16 * S, 4, "/n", "/o");
	log_end(log);

	check_object(*state, "/tmp/a/d/x", "2026-01-01T00:00:03Z", "10@0", 0);
	check_object(*state, "/tmp/b/d/x", "2026-01-01T00:00:05Z", "10@0", 0);
	check_object(*state, "/srv/c/d/x", "2026-01-01T00:00:09Z", "11@0", 0);
	/* Nobody holds it: who had it last. */
	check_object(*state, "/tmp/b/d/x", "2026-01-01T00:00:09Z", "10@0", 0);
	check_object(*state, "/tmp/a/d/x", "2026-01-01T00:00:09Z", "10@0", 0);
	/* But which directory was renamed is not certain. */
	check_object(*state, "/tmp/a/d/x", "2026-01-01T00:00:11Z", "12@0", 1);
	check_object(*state, "/q/y", "2026-01-01T00:00:13Z", "13@0", 1);
	check_object(*state, "/p/y", "2026-01-01T00:00:13Z", "14@0", 1);
	check_object(*state, "/n/z", "2026-01-01T00:00:17Z", "15@0", 0);
	output = run(*state, "ancestry", "/o/z", NULL);
	assert_int_equal(output.status, 1);
	done(&output);
	output = run(*state, "history", "/tmp/a/d/x", NULL);
	assert_non_null(strstr(output.text, "1 other object holds this name, or held it until a"
					    " directory was renamed: node:11; --all takes all."));
	done(&output);
	tempdir_clear(*state);

	/* A directory of another file system does not take it along. */
	log = log_begin(*state);
	log_inode(log, S, 1, PROV_K_DIRECTORY, 1, 0);
	log_inode(log, S, 10, PROV_K_FILE, 10, 1);
	log_text(log, S, 10, PROV_T_CREATE, "/a/x");
	log_moved(log, 2 * S, 1, "/a", "/b");
	log_end(log);
	check_object(*state, "/a/x", "2026-01-01T00:00:03Z", "10@0", 0);
	output = run(*state, "ancestry", "/b/x", NULL);
	assert_int_equal(output.status, 1);
	done(&output);
	tempdir_clear(*state);

	/* Nor one that was renamed before. */
	log = log_begin(*state);
	log_inode(log, S, 1, PROV_K_DIRECTORY, 1, 1);
	log_inode(log, S, 10, PROV_K_FILE, 10, 1);
	log_moved(log, 2 * S, 1, "/a", "/b");
	log_text(log, 3 * S, 10, PROV_T_CREATE, "/a/x");
	log_new_boot(log, LOG_WALL_NS + 100 * S);
	log_inode(log, S, 2, PROV_K_DIRECTORY, 1, 1);
	log_moved(log, 2 * S, 2, "/a", "/c");
	log_end(log);
	check_object(*state, "/a/x", "2026-01-01T00:00:04Z", "1:10@0", 0);
	check_object(*state, "/c/x", "2026-01-01T00:02:00Z", "1:10@0", 0);
}

static void a_pid_is_all_images_of_the_last_process(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;

	log_process(log, 1 * S, 1, 50, 1, 1 * S);
	log_node_end(log, 2 * S, 1, 0, 0);
	log_process(log, 3 * S, 2, 50, 1, 3 * S);
	log_process(log, 4 * S, 3, 50, 1, 3 * S);
	log_edge(log, 4 * S, D, PROV_OP_EXEC, 2, 0, 3, 0);
	log_end(log);
	output = run(*state, "ancestry", "pid:50", "--json", NULL);
	parse(&output);
	check_form(&output);
	assert_non_null(find_node(&output, "node", "2@0"));
	assert_non_null(find_node(&output, "node", "3@0"));
	assert_null(find_node(&output, "node", "1@0"));
	done(&output);
	output = run(*state, "descendants", "pid:50", "--json", "--until", "2026-01-01T00:00:02Z",
		     NULL);
	parse(&output);
	assert_non_null(find_node(&output, "node", "1@0"));
	assert_null(find_node(&output, "node", "2@0"));
	done(&output);
	output = run(*state, "ancestry", "pid:51", "--json", NULL);
	assert_int_equal(output.status, 1);
	parse(&output);
	check_form(&output);
	done(&output);
}

/* What is printed as an address can be asked for. */
static void addresses_have_scopes(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;

	for (uint64_t id = 1; id <= 2; id++) {
		log_socket(log, S, id, AF_INET6, SOCK_STREAM, IPPROTO_TCP);
		log_address(log, S, id, PROV_END_REMOTE, id == 1 ? "fe80::1%2" : "fe80::1%3", 80);
	}
	log_end(log);
	output = run(*state, "ancestry", "sock:[fe80::1%2]:80", "--json", NULL);
	assert_int_equal(output.status, 0);
	parse(&output);
	assert_non_null(find_node(&output, "remote", "[fe80::1%2]:80"));
	assert_null(find_node(&output, "remote", "[fe80::1%3]:80"));
	done(&output);
	output = run(*state, "ancestry", "sock:[fe80::1]:80", "--json", NULL);
	parse(&output);
	assert_non_null(find_node(&output, "remote", "[fe80::1%2]:80"));
	assert_non_null(find_node(&output, "remote", "[fe80::1%3]:80"));
	done(&output);
	output = run(*state, "ancestry", "sock:[fe80::1%4]:80", NULL);
	assert_int_equal(output.status, 1);
	done(&output);
	output = run(*state, "ancestry", "sock:[fe80::1%eth0]:80", NULL);
	assert_int_equal(output.status, 2);
	done(&output);
}

static void boots_qualify_ids(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;

	log_inode(log, S, 1, PROV_K_FILE, 5, 1);
	log_text(log, S, 1, PROV_T_CREATE, "/a");
	log_process(log, S, 2, 7, 1, S);
	log_edge(log, S, D, PROV_OP_WRITE, 2, 0, 1, 0);
	log_new_boot(log, LOG_WALL_NS + 1000 * S);
	log_inode(log, S, 1, PROV_K_FILE, 5, 1);
	log_text(log, S, 1, PROV_T_OPEN, "/a");
	log_process(log, S, 2, 8, 1, S);
	log_edge(log, 2 * S, D, PROV_OP_READ, 1, 0, 2, 0);
	log_end(log);

	/* Down the years: written in one boot, read in the next. */
	output = run(*state, "ancestry", "node:2:2", "--json", NULL);
	parse(&output);
	check_form(&output);
	assert_true(has_edge(&output, "continues", "1:1@0", "2:1@0"));
	assert_true(has_edge(&output, "write", "1:2@0", "1:1@0"));
	done(&output);
	output = run(*state, "ancestry", "node:2", "--json", NULL);
	parse(&output);
	assert_non_null(find_node(&output, "node", "2:2@0"));
	done(&output);
	/* All of a file's nodes are the file. */
	output = run(*state, "descendants", "/a", "--json", NULL);
	parse(&output);
	assert_non_null(find_node(&output, "node", "1:1@0"));
	assert_non_null(find_node(&output, "node", "2:2@0"));
	done(&output);
	output = run(*state, "verify", NULL);
	assert_int_equal(output.status, 0);
	done(&output);
}

/* ---- size --------------------------------------------------------------- */

/* A server with a version, a peer, a name and ids for each of @count clients. */
static void write_server(const char *directory, int count)
{
	struct logbuild *const log = log_begin(directory);
	char text[64];

	log_process(log, S, 1, 1, 0, S);
	log_socket(log, S, 2, AF_INET, SOCK_DGRAM, IPPROTO_UDP);
	log_inode(log, S, 3, PROV_K_FILE, 3, 1);
	for (int i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 250, 1 + i % 250);
		log_address(log, S + i, 2, PROV_END_REMOTE, text, 53);
		log_edge(log, S + i, D, PROV_OP_RECV, 2, i, 1, i);
		log_cred(log, S + i, 1, i, i);
		snprintf(text, sizeof(text), "/srv/file-%d", i);
		log_text(log, S + i, 3, PROV_T_RENAME_TO, text);
		log_edge(log, S + i, D, PROV_OP_WRITE, 1, i, 3, i);
		log_edge(log, S + i, D, PROV_OP_SEND, 1, i, 2, i + 1);
	}
	log_end(log);
}

/* The lists of a node are on its first line, and its answer does not grow with their square. */
static void answers_do_not_repeat_lists(void **state)
{
	static const struct {
		const char *node, *more, *list;
	} lists[] = {
		{ "1@0", "1@1", "creds" }, { "2@0", "2@1", "remotes" }, { "3@0", "3@1", "paths" },
	};
	size_t bytes[2];

	for (int i = 0; i < 2; i++) {
		struct output output;

		write_server(*state, i ? 400 : 200);
		output = run(*state, "export", "--json", NULL);
		assert_int_equal(output.status, 0);
		bytes[i] = output.bytes;
		parse(&output);
		for (size_t j = 0; j < sizeof(lists) / sizeof(lists[0]); j++) {
			const json_t *const first = find_node(&output, "node", lists[j].node);
			const json_t *const more = find_node(&output, "node", lists[j].more);

			assert_int_equal(json_array_size(json_object_get(first, lists[j].list)),
					 i ? 400 : 200);
			assert_non_null(more);
			assert_null(json_object_get(more, lists[j].list));
			assert_string_equal(string(more, "kind"), string(first, "kind"));
			assert_string_equal(string(more, "path"), string(first, "path"));
			assert_string_equal(string(more, "remote"), string(first, "remote"));
		}
		done(&output);
		tempdir_clear(*state);
	}
	if (bytes[1] > bytes[0] * 5 / 2)
		fail_msg("%zu bytes, and %zu for twice as much", bytes[0], bytes[1]);
}

/* The time of a question does not grow with the square of the log. */
static void much_is_answered_soon(void **state)
{
	enum { MANY = 40000 };
	struct logbuild *log = log_begin(*state);
	struct rusage before, after;
	struct output output;
	char text[64];

	/* Many names, all lost again but the first. */
	log_inode(log, S, 1, PROV_K_FILE, 1, 1);
	for (int event = PROV_T_LINK; event; event = event == PROV_T_LINK ? PROV_T_UNLINK : 0) {
		for (int i = event == PROV_T_UNLINK; i < MANY; i++) {
			snprintf(text, sizeof(text), "/name-%d", i);
			log_text(log, S + i, 1, event, text);
		}
	}
	/* A file that was loaded again and again, and was written at last. */
	for (int i = 0; i < MANY; i++)
		log_inode(log, S + i, 10 + i, PROV_K_FILE, 2, 1);
	log_process(log, 2 * S, 2, 2, 0, S);
	log_edge(log, 2 * S, D, PROV_OP_WRITE, 2, 0, 10 + MANY - 1, 0);
	log_edge(log, 3 * S, D, PROV_OP_WRITE, 2, 0, 1, 0);
	log_end(log);
	getrusage(RUSAGE_CHILDREN, &before);
	output = run(*state, "ancestry", "/name-0", NULL);
	getrusage(RUSAGE_CHILDREN, &after);
	assert_int_equal(output.status, 0);
	assert_int_equal(strncmp(output.text, "/name-0 (also ", 14), 0);
	done(&output);
	/* It takes less than one, and took more than 20. */
	if (after.ru_utime.tv_sec - before.ru_utime.tv_sec > 4)
		fail_msg("%ld seconds", (long)(after.ru_utime.tv_sec - before.ru_utime.tv_sec));
}

static void check_soon(void *directory, const char *const *question, long seconds)
{
	struct rusage before, after;
	struct output output;

	getrusage(RUSAGE_CHILDREN, &before);
	output = run(directory, question[0], question[1], question[2], question[3], question[4],
		     question[5], NULL);
	getrusage(RUSAGE_CHILDREN, &after);
	assert_int_equal(output.status, 0);
	done(&output);
	if (after.ru_utime.tv_sec - before.ru_utime.tv_sec > seconds)
		fail_msg("%s %s %s: %ld seconds", question[0], question[1], question[2],
			 (long)(after.ru_utime.tv_sec - before.ru_utime.tv_sec));
}

/* Nor does traversal with the square of a node's versions, or of what is asked about. */
static void versions_are_answered_soon(void **state)
{
	static const char *const versions[][6] = {
		{ "ancestry", "node:2" },
		{ "ancestry", "node:2", "--follow=data,meta,control" },
		{ "descendants", "node:3", "--follow=data,meta,control" },
		{ "path", "node:3", "node:2", "--follow=data,meta,control" },
		{ "ancestry", "node:4" },
		{ "ancestry", "node:4", "--follow=data,meta,control" },
	};
	static const char *const objects[][6] = {
		{ "ancestry", "/x", "--all" },
		{ "path", "node:1", "/x", "--all" },
	};
	enum { MANY = 200000, FILES = 40000 };
	struct logbuild *log = log_begin(*state);

	/* One writer, and who reads what it wrote from the last to the first. */
	log_process(log, S, 1, 1, 0, S);
	log_process(log, S, 4, 4, 0, S);
	log_inode(log, S, 2, PROV_K_FILE, 2, 1);
	log_inode(log, S, 3, PROV_K_FILE, 3, 1);
	for (int i = 0; i < MANY; i++) {
		log_edge(log, S + 10 * i, D, PROV_OP_READ, 3, i, 1, i);
		log_edge(log, S + 10 * i + 1, D, PROV_OP_WRITE, 1, i, 2, i);
		log_edge(log, S + 10 * i + 2, D, PROV_OP_WRITE, 1, i, 10 + i, 0);
	}
	for (int i = 0; i < MANY; i++)
		log_edge(log, 9 * S + i, D, PROV_OP_READ, 10 + i, 0, 4, i);
	log_end(log);
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		check_soon(*state, versions[i], 12);
	tempdir_clear(*state);

	log = log_begin(*state);
	log_process(log, S, 1, 1, 0, S);
	for (int i = 0; i < FILES; i++) {
		log_inode(log, S, 10 + i, PROV_K_FILE, i, 1);
		log_text(log, S, 10 + i, PROV_T_CREATE, "/x");
		if (i & 1)
			log_edge(log, S, D, PROV_OP_WRITE, 1, 0, 10 + i, 0);
	}
	log_end(log);
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		check_soon(*state, objects[i], 4);
}

/* ---- hubs --------------------------------------------------------------- */

static void write_library(struct logbuild *log, const char *path)
{
	log_inode(log, S, 1, PROV_K_FILE, 5, 1);
	log_text(log, S, 1, PROV_T_OPEN, path);
	for (uint64_t i = 10; i < 15; i++) {
		log_process(log, 2 * S, i, i, 1, 2 * S);
		log_edge(log, 3 * S, D, PROV_OP_MMAP, 1, 0, i, 0);
	}
}

static void check_hidden(void *directory, int expected, const char *why)
{
	struct output output = run(directory, "ancestry", "pid:10", "--json", NULL);

	parse(&output);
	if (cut(check_form(&output), "hidden") != expected)
		fail_msg("%s", why);
	done(&output);
	tempdir_clear(directory);
}

static void poisoned_libraries_show(void **state)
{
	static const char lib[] = "/usr/lib/x86_64-linux-gnu/libx.so.1";
	struct logbuild *log = log_begin(*state);

	write_library(log, lib);
	log_end(log);
	check_hidden(*state, 1, "a library is a hub");

	log = log_begin(*state);
	write_library(log, "/opt/lib/libx.so.1");
	log_end(log);
	check_hidden(*state, 0, "not in a standard directory");

	log = log_begin(*state);
	write_library(log, lib);
	log_text(log, 2 * S, 1, PROV_T_OPEN, "/tmp/also-here");
	log_end(log);
	check_hidden(*state, 0, "it has another name");

	log = log_begin(*state);
	write_library(log, lib);
	log_edge(log, 2 * S, D, PROV_OP_WRITE, 14, 0, 1, 0);
	log_end(log);
	check_hidden(*state, 0, "it was written");

	log = log_begin(*state);
	write_library(log, lib);
	log_text(log, 2 * S, 1, PROV_T_RENAME_TO, lib);
	log_end(log);
	check_hidden(*state, 0, "it was renamed into place");

	log = log_begin(*state);
	write_library(log, lib);
	log_edge(log, 2 * S, M, PROV_OP_SETATTR, 14, 0, 1, 0);
	log_end(log);
	check_hidden(*state, 0, "its attributes were changed");

	/* The write is in a segment that is gone, or was lost. */
	log = log_begin(*state);
	write_library(log, lib);
	log_process(log, 4 * S, 20, 20, 1, 4 * S);
	log_edge(log, 4 * S, D, PROV_OP_MMAP, 1, 1, 20, 0);
	log_end(log);
	check_hidden(*state, 0, "it has a second version");

	/* Written under another id that it had before it was evicted. */
	log = log_begin(*state);
	log_inode(log, S / 2, 2, PROV_K_FILE, 5, 1);
	log_process(log, S / 2, 3, 3, 1, S / 2);
	log_edge(log, S / 2, D, PROV_OP_WRITE, 3, 0, 2, 0);
	log_node_end(log, S / 2 + 9, 2, 0, 0);
	write_library(log, lib);
	log_end(log);
	check_hidden(*state, 0, "it was written before it was loaded again");

	/* Another file that had the name was written: which one is this? */
	log = log_begin(*state);
	log_inode(log, S / 2, 2, PROV_K_FILE, 77, 0);
	log_text(log, S / 2, 2, PROV_T_CREATE, lib);
	write_library(log, lib);
	log_end(log);
	check_hidden(*state, 0, "something was written under its name");
}

/* ---- verify ------------------------------------------------------------- */

static void check_verify(void *directory, int status, const char *fault, const char *message)
{
	struct output output = run(directory, "verify", NULL);

	if (output.status != status || !strstr(output.text, message))
		fail_msg("status %d, expected %d and \"%s\":\n%s", output.status, status, message,
			 output.text);
	done(&output);
	output = run(directory, "verify", "--json", NULL);
	assert_int_equal(output.status, status);
	parse(&output);
	if (fault)
		assert_true(json_integer_value(json_object_get(json_object_get(
			json_array_get(output.lines, 0), "faults"), fault)) > 0);
	done(&output);
	tempdir_clear(directory);
}

static void flip(const char *directory, const char *name, long offset)
{
	char path[256];
	FILE *file;
	int byte;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "r+");
	assert_non_null(file);
	fseek(file, offset, SEEK_SET);
	byte = getc(file);
	fseek(file, offset, SEEK_SET);
	putc(byte ^ 0x10, file);
	fclose(file);
}

static void remove_segment(const char *directory, int number)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/segment-%016d.plog", directory, number);
	assert_int_equal(unlink(path), 0);
}

static void truncate_segment(const char *directory, int number, long bytes)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/segment-%016d.plog", directory, number);
	assert_int_equal(truncate(path, bytes), 0);
}

static void verify_tells_good_from_bad(void **state)
{
	struct logbuild *log;

	sample_write(*state);
	check_verify(*state, 0, NULL, "The log is good.");

	sample_write(*state);
	flip(*state, "segment-0000000000000001.plog", 150);
	check_verify(*state, 3, "frame", "BAD");

	sample_write(*state);
	truncate_segment(*state, 1, 900);
	check_verify(*state, 3, "seal", "the seal is missing");

	sample_write(*state);
	flip(*state, "segment-0000000000000001.plog", 3);
	check_verify(*state, 3, "segment", "does not begin as a segment");

	for (int i = 0; i < 2; i++) {
		log = log_begin(*state);
		for (int j = 1; j <= 3; j++) {
			log_process(log, j * S, j, j, 0, j * S);
			log_seal(log);
		}
		log_end(log);
		/* The oldest may go; one in the middle may not. */
		remove_segment(*state, i ? 2 : 1);
		check_verify(*state, i ? 3 : 0, i ? "gap" : NULL, i ? "missing" : "begins after");
	}

	log = log_begin(*state);
	log_process(log, S, 1, 1, 0, S);
	log_skip_subbuf(log);
	log_process(log, S, 2, 2, 0, S);
	log_end(log);
	check_verify(*state, 3, "sequence", "sub-buffers are missing");

	log = log_begin(*state);
	log_process(log, S, 1, 1, 0, S);
	log_process(log, S, 2, 2, 0, S);
	log_edge(log, 2 * S, D, PROV_OP_WRITE, 1, 0, 2, 1);
	log_edge(log, 2 * S, D, PROV_OP_WRITE, 2, 1, 1, 0);
	log_end(log);
	check_verify(*state, 3, NULL, "a cycle, against the flow:");

	/* By way of an implicit edge: 2@1 before 2@3. */
	log = log_begin(*state);
	log_process(log, S, 1, 1, 0, S);
	log_process(log, S, 2, 2, 0, S);
	log_edge(log, 2 * S, D, PROV_OP_WRITE, 1, 0, 2, 1);
	log_edge(log, 2 * S, D, PROV_OP_WRITE, 2, 3, 1, 0);
	log_end(log);
	check_verify(*state, 3, NULL, "a cycle, against the flow:");

	/* Control edges make no cycle, and neither do data edges the other way round. */
	log = log_begin(*state);
	log_process(log, S, 1, 1, 0, S);
	log_process(log, S, 2, 2, 0, S);
	log_edge(log, 2 * S, D, PROV_OP_WRITE, 1, 0, 2, 3);
	log_edge(log, 2 * S, D, PROV_OP_WRITE, 2, 1, 1, 0);
	log_edge(log, 2 * S, C, PROV_OP_CONNECT, 2, 3, 1, 0);
	log_end(log);
	check_verify(*state, 0, NULL, "acyclic");

	log = log_begin(*state);
	log_process(log, S, 1, 1, 0, S);
	log_edge(log, 2 * S, D, PROV_OP_WRITE, 1, 0, 99, 0);
	log_end(log);
	check_verify(*state, 3, NULL, "node 99");

	log = log_begin(*state);
	log_process(log, S, 1, 1, 0, S);
	log_leave_open(log);
	check_verify(*state, 0, NULL, "still writes it");
}

/* A bad log is no empty answer. */
static void what_cannot_be_read_is_told(void **state)
{
	static const char *const verbs[][2] = {
		{ "summary" }, { "ancestry", "/tmp/payload" }, { "tree" }, { "net" }, { "find" },
		{ "export" }, { "verify" },
	};
	static const char segment[] = "segment-0000000000000001.plog";
	char path[256], elsewhere[256];
	struct output output;

	/* The header, then the content. */
	for (long damaged_from = 0; damaged_from <= 150; damaged_from += 150) {
		sample_write(*state);
		for (long at = damaged_from; at < 400; at++)
			flip(*state, segment, at);
		truncate_segment(*state, 1, 400);
		for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
			output = run(*state, verbs[i][0], verbs[i][1], NULL);
			if (output.status != 3 || !strstr(output.errors, "the log in"))
				fail_msg("%s: status %d, \"%s\"", verbs[i][0], output.status,
					 output.errors);
			done(&output);
		}
		tempdir_clear(*state);
	}

	sample_write(*state);
	snprintf(path, sizeof(path), "%s/%s", (char *)*state, segment);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", (char *)*state);
	assert_int_equal(rename(path, elsewhere), 0);
	assert_int_equal(symlink("elsewhere", path), 0);
	output = run(*state, "summary", NULL);
	assert_int_equal(output.status, 3);
	assert_non_null(strstr(output.errors, "links are not followed"));
	done(&output);
}

static void losses_are_told(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct output output;

	log_process(log, S, 1, 1, 0, S);
	log_lost(log, 12);
	log_process(log, 5 * S, 2, 2, 0, S);
	log_edge(log, 5 * S, D, PROV_OP_WRITE, 1, 0, 2, 0);
	log_end(log);
	output = run(*state, "ancestry", "pid:2", NULL);
	assert_non_null(strstr(output.text, "12 records were lost"));
	done(&output);
	output = run(*state, "ancestry", "pid:2", "--json", NULL);
	parse(&output);
	assert_int_equal(json_integer_value(json_object_get(check_form(&output), "lost")), 12);
	done(&output);
	/* They were lost before the sixth second. */
	output = run(*state, "export", "--json", "--since", "2026-01-01T00:00:06Z", NULL);
	assert_int_equal(output.status, 1);
	parse(&output);
	assert_int_equal(json_integer_value(json_object_get(check_form(&output), "lost")), 0);
	done(&output);
	output = run(*state, "verify", NULL);
	assert_int_equal(output.status, 0);
	assert_non_null(strstr(output.text, "12 records lost"));
	done(&output);
	output = run(*state, "verify", "--strict", NULL);
	assert_int_equal(output.status, 3);
	done(&output);
}

static void usage_and_errors(void **state)
{
	static const char *const bad[][3] = {
		{ "nonsense" }, { "ancestry" }, { "ancestry", "a", "b" }, { "tree", "pid:x" },
		{ "ancestry", "sock:1.2.3.4" }, { "ancestry", "inode:1" }, { "ancestry", "node:x" },
		{ "ancestry", "path-b64:!" }, { "export", "--depth=x" }, { "export", "--kind=cat" },
		{ "export", "--follow=cat" }, { "export", "--hide=cat" }, { "export", "--since=x" },
		{ "export", "--since=@5", "--until=@4" }, { "export", "--cat" },
		{ "export", "--max-memory=1X" }, { "export", "--follow=" }, { "export", "--kind=" },
	};
	struct output output;

	sample_write(*state);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		output = run(*state, bad[i][0], bad[i][1], bad[i][1] ? bad[i][2] : NULL, NULL);
		/* With a reason. */
		if (output.status != 2 || !strncmp(output.errors, "Try:", 4) || !*output.errors)
			fail_msg("%s %s: status %d: %s", bad[i][0], bad[i][1] ? bad[i][1] : "",
				 output.status, output.errors);
		done(&output);
	}
	output = run(*state, "ancestry", "node:106@1", NULL);
	assert_int_equal(output.status, 1);
	assert_non_null(strstr(output.errors, "last version of this node is 0"));
	done(&output);
	output = run("/nonexistent", "summary", NULL);
	assert_int_equal(output.status, 3);
	assert_non_null(strstr(output.errors, "no log"));
	done(&output);
	output = run(*state, "summary", "--max-memory", "1K", NULL);
	assert_int_equal(output.status, 5);
	done(&output);
	output = run(*state, "--help", NULL);
	assert_int_equal(output.status, 0);
	assert_non_null(strstr(output.text, "Exit status"));
	assert_non_null(strstr(output.text, "-h, --help"));
	assert_non_null(strstr(output.text, "path:PATH"));
	assert_non_null(strstr(output.text, "or none"));
	done(&output);
	output = run(*state, "--version", NULL);
	assert_int_equal(output.status, 0);
	done(&output);
}

static void a_full_disk_is_told(void **state)
{
	char command[512];

	sample_write(*state);
	snprintf(command, sizeof(command), "%s -d %s export --json >/dev/full 2>/dev/null",
		 getenv("PROVQ"), (char *)*state);
	assert_int_equal(WEXITSTATUS(system(command)), 4);
	snprintf(command, sizeof(command), "%s -d %s export --json 2>&1 | head -n 1 >/dev/null",
		 getenv("PROVQ"), (char *)*state);
	assert_int_equal(system(command), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ancestry_of_what_left),
		TEST(depth_and_kind_are_counted),
		TEST(descendants_path_and_windows),
		TEST(follows_classes_by_time),
		TEST(classes_keep_time_across_data),
		TEST(a_path_is_whole_or_not_there),
		TEST(all_verbs_and_forms_answer),
		TEST(no_option_is_ignored),
		TEST(trees_end_at_their_depth),
		TEST(nothing_is_not_found),
		TEST(answers_say_what_they_left_out),
		TEST(history_tree_and_net_say_who),
		TEST(trees_put_what_is_near_first),
		TEST(messages_name_their_queues),
		TEST(kinds_have_their_names),
		TEST(labels_do_not_mix),
		TEST(a_socket_has_had_peers),
		TEST(a_segment_may_have_two_names),
		TEST(refusals_and_attributes_show),
		TEST(draws),
		TEST(graphviz_may_be_missing),
		TEST(hostile_names_come_back),
		TEST(a_path_is_what_had_it_last),
		TEST(a_path_is_who_holds_it),
		TEST(a_carried_name_keeps_its_time),
		TEST(others_of_a_name_are_told),
		TEST(names_move_with_directories),
		TEST(a_pid_is_all_images_of_the_last_process),
		TEST(addresses_have_scopes),
		TEST(boots_qualify_ids),
		TEST(answers_do_not_repeat_lists),
		TEST(much_is_answered_soon),
		TEST(versions_are_answered_soon),
		TEST(poisoned_libraries_show),
		TEST(verify_tells_good_from_bad),
		TEST(what_cannot_be_read_is_told),
		TEST(losses_are_told),
		TEST(usage_and_errors),
		TEST(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
