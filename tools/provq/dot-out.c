// SPDX-License-Identifier: GPL-2.0
/* Answers as pictures: in the dot language, and as SVG made by graphviz. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provq.h"
#include "record.h"
#include "when.h"

#define LINE_WIDTH 44		/* characters in a line of a label */
#define LABEL_WIDTH 132		/* characters in all */
#define LARGE_PICTURE 1500	/* nodes: dot takes very long beyond this */

extern char **environ;

/* Edges of one kind between two nodes are one arrow. */
struct arrow {
	uint32_t from;
	uint32_t to;
	const char *name;
	uint8_t class;
	uint32_t count;
	uint64_t first_ns;	/* wall clock */
	uint64_t last_ns;
};

static int by_ends(const void *one, const void *two)
{
	const struct arrow *const a = one, *const b = two;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	return strcmp(a->name, b->name);
}

static size_t make_arrows(const struct answer *answer, struct arrow *arrows)
{
	const struct graph *const graph = answer->query->graph;
	size_t kept = 0;

	for (size_t i = 0; i < answer->edge_count; i++) {
		const struct graph_edge *const edge = graph_edge(graph, answer->edges[i]);
		const uint64_t wall_ns = graph_edge_wall_ns(graph, edge);

		arrows[i] = (struct arrow) {
			.from = edge->from,
			.to = edge->to,
			.name = edge_name(edge),
			.class = edge->class,
			.count = 1,
			.first_ns = wall_ns,
			.last_ns = wall_ns,
		};
	}
	qsort(arrows, answer->edge_count, sizeof(*arrows), by_ends);
	for (size_t i = 0; i < answer->edge_count; i++) {
		struct arrow *const last = kept ? &arrows[kept - 1] : NULL;

		if (!last || by_ends(last, &arrows[i])) {
			arrows[kept++] = arrows[i];
			continue;
		}
		last->count++;
		if (arrows[i].first_ns < last->first_ns)
			last->first_ns = arrows[i].first_ns;
		if (arrows[i].last_ns > last->last_ns)
			last->last_ns = arrows[i].last_ns;
	}
	return kept;
}

static bool same_process(const struct query *query, uint32_t a, uint32_t b)
{
	const struct graph_node *const one = graph_node(query->graph, a);
	const struct graph_node *const two = graph_node(query->graph, b);

	return one->kind == PROV_K_PROCESS && two->kind == PROV_K_PROCESS &&
	       one->boot == two->boot && one->process.tgid == two->process.tgid &&
	       one->process.start_ns == two->process.start_ns;
}

/*
 * A process that was forked and did nothing but execute is one arrow, from who
 * forked it to what it became.  @dropped marks the nodes that are gone by this.
 */
static size_t join_fork_and_exec(const struct answer *answer, struct arrow *arrows, size_t count,
				 bool *dropped)
{
	const uint32_t nodes = graph_node_count(answer->query->graph);
	struct ends {
		uint32_t in, out;	/* how many arrows */
		uint32_t fork, exec;	/* the last of them */
	} *const ends = calloc(nodes + 1ull, sizeof(*ends));
	size_t kept = 0;

	if (!ends)
		return count;
	for (size_t i = 0; i < count; i++) {
		ends[arrows[i].to].in++;
		ends[arrows[i].to].fork = i;
		ends[arrows[i].from].out++;
		ends[arrows[i].from].exec = i;
	}
	for (size_t i = 0; i < answer->vertex_count; i++) {
		const uint32_t node = answer->vertices[i].node;
		struct arrow *fork, *exec;

		if (dropped[node] || ends[node].in != 1 || ends[node].out != 1 ||
		    answer_is_start(answer, node))
			continue;
		fork = &arrows[ends[node].fork];
		exec = &arrows[ends[node].exec];
		if (strcmp(fork->name, "fork") || strcmp(exec->name, "exec") ||
		    !same_process(answer->query, node, exec->to))
			continue;
		dropped[node] = true;
		fork->to = exec->to;
		fork->name = "fork, exec";
		exec->count = 0;
	}
	for (size_t i = 0; i < count; i++)
		if (arrows[i].count)
			arrows[kept++] = arrows[i];
	free(ends);
	return kept;
}

/*
 * Inside double quotes; a backslash begins an escape of dot, and an ampersand an
 * entity of HTML, which it resolves or copies into the picture.
 */
static void escape(FILE *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '&') {
			fputs("&amp;", out);
			continue;
		}
		if (text[i] == '"' || text[i] == '\\')
			putc('\\', out);
		putc(text[i], out);
	}
}

/* Break a label into lines, if it can be where a word or a directory begins. */
static void wrap(FILE *out, const char *text, size_t length)
{
	size_t begin = 0, width = 0, place = 0;

	for (size_t i = 0; i < length; i++) {
		if (((uint8_t)text[i] & 0xc0) == 0x80)
			continue;
		if (text[i] == ' ' || (text[i] == '/' && i && text[i - 1] != '/'))
			place = i;
		if (++width <= LINE_WIDTH)
			continue;
		if (place <= begin)
			place = i;
		escape(out, text + begin, place - begin);
		fputs("\\l", out);
		begin = place + (text[place] == ' ');
		width = i - begin + 1;
	}
	escape(out, text + begin, length - begin);
	fputs("\\l", out);
}

static void print_node(const struct answer *answer, uint32_t node, FILE *out)
{
	const struct query *const query = answer->query;
	const struct graph_node *const n = graph_node(query->graph, node);
	const char *shape = "note", *fill = "#f3f0e4", *line = "#9a8f66";
	size_t length = 0;
	char *text = NULL;
	FILE *label = open_memstream(&text, &length);

	if (!label)
		return;
	node_label(query, node, label, LABEL_WIDTH);
	if (fclose(label)) {
		free(text);
		return;
	}
	if (n->kind == PROV_K_PROCESS) {
		shape = "box";
		fill = "#dbe9f6";
		line = "#4a78a6";
	} else if (n->kind == PROV_K_SOCKET) {
		shape = "ellipse";
		fill = "#e2f2e1";
		line = "#5b955a";
	} else if (n->kind == PROV_K_DIRECTORY) {
		shape = "folder";
	} else if (n->kind == PROV_K_PIPE || n->kind == PROV_K_FIFO ||
		   n->kind == PROV_K_MESSAGE || n->kind == PROV_K_TTY || n->kind == PROV_K_TUN) {
		shape = "cds";
		fill = "#efe6f5";
		line = "#8762a8";
	} else if (!n->kind || n->kind == PROV_K_MEMFD || n->kind == PROV_K_ANON ||
		   n->kind == PROV_K_SEM || prov_kind_is_numbered(n->kind)) {
		shape = "box3d";
		fill = "#eeeeee";
		line = "#888888";
	}
	if (answer_is_start(answer, node)) {
		fill = "#ffd37a";
		line = "#b3541e";
	}
	fprintf(out, "\tn%" PRIu32 " [shape=%s, fillcolor=\"%s\", color=\"%s\"%s, label=\"", node,
		shape, fill, line, answer_is_start(answer, node) ? ", penwidth=2.5" : "");
	wrap(out, text, length);
	fputs("\"];\n", out);
	free(text);
}

static void print_arrow(const struct arrow *arrow, bool date, FILE *out)
{
	const char *style = "color=\"#444444\"";
	char text[WHEN_BYTES];

	if (arrow->class == PROV_R_EDGE_META)
		style = "style=dashed, color=\"#8a8a8a\"";
	else if (arrow->class == PROV_R_EDGE_CONTROL)
		style = "style=dotted, color=\"#b04040\"";
	when_format_short(text, arrow->first_ns, date);
	/* Milliseconds are enough in a picture. */
	text[strlen(text) - 3] = 0;
	fprintf(out, "\tn%" PRIu32 " -> n%" PRIu32 " [%s, label=\" %s", arrow->from, arrow->to,
		style, arrow->name);
	if (arrow->count > 1)
		fprintf(out, " ×%" PRIu32, arrow->count);
	fprintf(out, "\\n %s\"];\n", text);
}

static void print_legend(FILE *out)
{
	fputs("\tsubgraph cluster_legend {\n"
	      "\t\tlabel=\"legend: arrows point the way information flows\";\n"
	      "\t\tlabeljust=l; fontsize=9; color=\"#cccccc\";\n"
	      "\t\tnode [fontsize=8, height=0.2, margin=\"0.06,0.03\"];\n"
	      "\t\tl1 [shape=box, fillcolor=\"#dbe9f6\", color=\"#4a78a6\", label=\"process\"];\n"
	      "\t\tl2 [shape=note, fillcolor=\"#f3f0e4\", color=\"#9a8f66\", label=\"file\"];\n"
	      "\t\tl3 [shape=ellipse, fillcolor=\"#e2f2e1\", color=\"#5b955a\", label=\"socket\"];\n"
	      "\t\tl4 [shape=cds, fillcolor=\"#efe6f5\", color=\"#8762a8\", label=\"pipe\"];\n"
	      "\t\tl5 [shape=box, fillcolor=\"#ffd37a\", color=\"#b3541e\", penwidth=2.5, label=\"asked for\"];\n"
	      "\t}\n", out);
}

void dot_answer(const struct answer *answer, FILE *out)
{
	const struct query *const query = answer->query;
	struct arrow *const arrows = malloc((answer->edge_count + 1) * sizeof(*arrows));
	char *footer = NULL, text[WHEN_BYTES] = "";
	const uint64_t day_ns = 86400ull * 1000000000;
	uint64_t first_ns = UINT64_MAX, last_ns = 0;
	size_t count, length = 0, begin = 0;
	bool *const dropped = calloc(graph_node_count(query->graph) + 1ull, sizeof(*dropped));
	FILE *stream;
	bool date;

	if (!arrows || !dropped) {
		free(arrows);
		free(dropped);
		complain("out of memory");
		return;
	}
	count = join_fork_and_exec(answer, arrows, make_arrows(answer, arrows), dropped);
	for (size_t i = 0; i < count; i++) {
		if (arrows[i].first_ns < first_ns)
			first_ns = arrows[i].first_ns;
		if (arrows[i].last_ns > last_ns)
			last_ns = arrows[i].last_ns;
	}
	date = count && first_ns / day_ns != last_ns / day_ns;
	if (count)
		when_format(text, first_ns);

	fprintf(out, "digraph provenance {\n"
		"\tgraph [rankdir=%s, fontname=\"Helvetica\", fontsize=10, nodesep=0.25, ranksep=0.45, labelloc=b, labeljust=l, bgcolor=white];\n"
		"\tnode [style=filled, fontname=\"Helvetica\", fontsize=10, margin=\"0.12,0.06\"];\n"
		"\tedge [fontname=\"Helvetica\", fontsize=8, fontcolor=\"#333333\", arrowsize=0.7];\n",
		answer->vertex_count > 60 ? "LR" : "TB");
	stream = open_memstream(&footer, &length);
	if (stream) {
		fprintf(stream, "provq %s", query->verb);
		for (int i = 0; i < query->arg_count; i++) {
			putc(' ', stream);
			text_print(stream, query->args[i], strlen(query->args[i]));
		}
		fprintf(stream, "\nTimes are UTC%s%.10s.\n", count && !date ? " of " : "",
			date ? "" : text);
		answer_footer(answer, stream);
		if (!fclose(stream)) {
			fputs("\tlabel=\"", out);
			for (size_t i = 0; i < length; i++) {
				if (footer[i] != '\n')
					continue;
				escape(out, footer + begin, i - begin);
				fputs("\\l", out);
				begin = i + 1;
			}
			fputs("\";\n", out);
		}
		free(footer);
	}
	for (size_t i = 0; i < answer->vertex_count; i++)
		if ((!i || answer->vertices[i].node != answer->vertices[i - 1].node) &&
		    !dropped[answer->vertices[i].node])
			print_node(answer, answer->vertices[i].node, out);
	for (size_t i = 0; i < count; i++)
		print_arrow(&arrows[i], date, out);
	print_legend(out);
	fputs("}\n", out);
	free(arrows);
	free(dropped);
}

enum status svg_answer(const struct answer *answer)
{
	char *const argv[] = { "dot", "-Tsvg", NULL };
	posix_spawn_file_actions_t actions;
	int pipe_fds[2], err, wait_status;
	pid_t pid;
	FILE *out;

	if (answer->vertex_count > LARGE_PICTURE)
		complain("this picture has %zu nodes, which can take graphviz very long; --depth, --since or --kind make it smaller",
			 answer->vertex_count);
	if (pipe2(pipe_fds, O_CLOEXEC)) {
		complain("pipe: %s", strerror(errno));
		return CANNOT_WRITE;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[0], STDIN_FILENO);
	err = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fds[0]);
	if (err) {
		close(pipe_fds[1]);
		if (err == ENOENT)
			complain("--svg needs the program \"dot\": install the package graphviz, or use --dot");
		else
			complain("dot: %s", strerror(err));
		return CANNOT_WRITE;
	}
	out = fdopen(pipe_fds[1], "w");
	if (out) {
		dot_answer(answer, out);
		fclose(out);
	} else {
		close(pipe_fds[1]);
	}
	if (waitpid(pid, &wait_status, 0) != pid || !WIFEXITED(wait_status) ||
	    WEXITSTATUS(wait_status)) {
		complain("graphviz failed");
		return CANNOT_WRITE;
	}
	return FOUND;
}
