// SPDX-License-Identifier: GPL-2.0
/* find: nodes by name or kind. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "provq.h"
#include "record.h"
#include "when.h"

#define LABEL_WIDTH 200

enum field { ON_PATH = 1, ON_EXE = 2, ON_ARGV = 4, ON_ADDRESS = 8, ON_ALL = 15 };

/* Text in a log is any bytes, the pattern is from the command line. */
static bool matches(const char *pattern, const char *text, size_t length)
{
	if (strpbrk(pattern, "*?["))
		return strlen(text) == length && !fnmatch(pattern, text, 0);
	return memmem(text, length, pattern, strlen(pattern)) != NULL;
}

static enum field field_of(uint8_t text_kind)
{
	if (node_name_event(text_kind))
		return ON_PATH;
	switch (text_kind) {
	case PROV_T_UNIX_PATH:
	case PROV_T_ANON_NAME:
	case PROV_T_TARGET:
		return ON_PATH;
	case PROV_T_EXE:
	case PROV_T_COMM:
	case PROV_T_RENAMED:
		return ON_EXE;
	}
	return 0;
}

static bool argv_matches(const char *pattern, struct bytes argv)
{
	struct bytes rest = argv, argument;
	char line[4096];
	size_t length = argv.length;

	while (argv_next(&rest, &argument)) {
		char *const copy = strndup(argument.at, argument.length);
		const bool match = copy && matches(pattern, copy, argument.length);

		free(copy);
		if (match)
			return true;
	}
	/* And as a command line; what is longer than this is not typed by people. */
	while (length && !argv.at[length - 1])
		length--;
	if (length >= sizeof(line))
		length = sizeof(line) - 1;
	for (size_t i = 0; i < length; i++)
		line[i] = argv.at[i] ? argv.at[i] : ' ';
	line[length] = 0;
	return length && matches(pattern, line, length);
}

static bool node_matches(const struct query *query, uint32_t node, const char *pattern,
			 enum field fields)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	bool has_exe = false;
	char text[96];

	for (uint32_t i = 0; i < n->fact_count; i++) {
		const struct graph_fact *const fact = graph_fact(query->graph, n->fact_first + i);
		size_t length;
		const void *const blob = graph_blob(query->graph, fact->blob, &length);

		if (fact->type == PROV_R_TEXT && (field_of(fact->sub) & fields)) {
			has_exe |= fact->sub == PROV_T_EXE;
			if (matches(pattern, blob, length))
				return true;
		}
		if (fact->type == PROV_R_ADDRESS && (fields & ON_ADDRESS)) {
			address_text(blob, text);
			if (matches(pattern, text, strlen(text)))
				return true;
		}
	}
	if (n->kind != PROV_K_PROCESS)
		return false;
	if ((fields & ON_EXE) && !has_exe) {
		const struct bytes exe = node_exe(query, node);

		if (exe.at && matches(pattern, exe.at, exe.length))
			return true;
	}
	return (fields & ON_ARGV) && argv_matches(pattern, node_argv(query, node));
}

static bool wanted(const struct query *query, uint32_t node)
{
	const struct graph_node *const n = graph_node(query->graph, node);

	if (!node_wanted(query, node))
		return false;
	/* It lived in the window, as far as is known. */
	if (node_first_wall_ns(query, node) > query->until_ns ||
	    (n->ended && graph_wall_ns(query->graph, n->boot, n->end_ns) < query->since_ns))
		return false;
	for (int i = 0; i < query->arg_count; i++)
		if (!node_matches(query, node, query->args[i], ON_ALL))
			return false;
	return (!query->path_glob || node_matches(query, node, query->path_glob, ON_PATH)) &&
	       (!query->exe_glob || node_matches(query, node, query->exe_glob, ON_EXE)) &&
	       (!query->argv_glob || node_matches(query, node, query->argv_glob, ON_ARGV));
}

static void print_found(const struct query *query, const struct vertex *found, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct graph_node *const n = graph_node(query->graph, found[i].node);
		char id[48], text[WHEN_BYTES];

		node_id(query, found[i].node, id);
		when_format_short(text, node_first_wall_ns(query, found[i].node), true);
		printf("%-8s %-8s %s  ", n->kind ? prov_kind_name(n->kind) : "unknown", id, text);
		node_label(query, found[i].node, stdout, LABEL_WIDTH);
		putchar('\n');
	}
	printf("\n%zu nodes; times (UTC) are those of their first record.\n", count);
	print_log_state(query, stdout);
}

enum status verb_find(struct query *query)
{
	const uint32_t nodes = graph_node_count(query->graph);
	struct vertex *const found = malloc((nodes + 1ull) * sizeof(*found));
	struct answer answer;
	enum status status;
	size_t count = 0;

	if (!found) {
		complain("out of memory");
		return NO_MEMORY;
	}
	for (uint32_t i = 0; i < nodes; i++)
		if (wanted(query, i))
			found[count++] = (struct vertex) {
				i, graph_node(query->graph, i)->last_version
			};
	if (query->format == TEXT) {
		print_found(query, found, count);
		free(found);
		return count ? FOUND : NOTHING_FOUND;
	}
	status = answer_init(&answer, query, NULL, 0, found, count);
	answer.start_count = 0;
	answer.classes = TRAVERSE_ALL;
	if (status == FOUND)
		status = answer_print(&answer);
	answer_free(&answer);
	return status;
}
