/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provq: answers an analyst's questions from a provenance log
 *
 * main.c reads the command line, loads the log and calls a verb.  A verb finds
 * its objects (object.c), builds an answer (answer.c) and prints it (json-out.c,
 * text-out.c, dot-out.c).  node.c says what a node is called and hide.c which
 * nodes are left out.
 */
#ifndef PROVQ_H
#define PROVQ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "graph.h"
#include "json.h"
#include "traverse.h"

/* Exit status; documented in provq(1). */
enum status {
	FOUND		= 0,
	NOTHING_FOUND	= 1,
	USAGE		= 2,
	BAD_LOG		= 3,
	CANNOT_WRITE	= 4,
	NO_MEMORY	= 5,
};

enum format { TEXT, JSON, DOT, SVG };

struct hide;
struct labels;

/**
 * struct others - objects that may hold a path as well as the one that was chosen
 * @object: what the user wrote
 * @nodes: one of each object, the last to get the name first
 * @count: how many
 * @moved: how many of them do not hold it if a directory that was renamed since was
 *	that to which the path led
 */
struct others {
	const char *object;
	uint32_t *nodes;
	size_t count;
	size_t moved;
};

#define MOST_OBJECTS 2		/* that a verb takes */

/**
 * struct query - what the user asked
 * @verb: name of the verb
 * @args: what stands behind it
 * @since_ns: 0 if not given
 * @until_ns: UINT64_MAX if not given
 * @kinds: bit PROV_K_* for each kind to print, 0 for all
 * @classes: TRAVERSE_*
 * @classes_given: --follow was given
 * @path_glob: --path, --exe, --argv of find; NULL if not given
 * @hide: what is left out
 * @labels: those made last, for node_label()
 * @others: of each path that was asked about, in the order of the arguments
 * @others_count: how many paths they are
 */
struct query {
	const char *log;
	const char *verb;
	char **args;
	int arg_count;
	enum format format;
	uint64_t since_ns;
	uint64_t until_ns;
	uint32_t depth;
	uint32_t kinds;
	uint32_t classes;
	bool classes_given;
	bool all;
	bool strict;
	const char *path_glob;
	const char *exe_glob;
	const char *argv_glob;
	struct graph *graph;
	struct hide *hide;
	struct labels *labels;
	struct others others[MOST_OBJECTS];
	size_t others_count;
};

/* ---- node.c: what a node is called ---- */

/** struct bytes - text that belongs to the graph; @at is NULL if there is none */
struct bytes {
	const char *at;
	size_t length;
};

/** node_wanted - is it of a kind that --kind names? */
bool node_wanted(const struct query *query, uint32_t node);

/** node_name_event - does this text give a path (1), take one away (-1), or neither (0)? */
int node_name_event(uint8_t text_kind);

/** node_path - the last name of an inode in the window, or the last that it lost */
struct bytes node_path(const struct query *query, uint32_t node);
/** node_image - the node whose exe and argv a process has: itself, or who forked it */
uint32_t node_image(const struct query *query, uint32_t node);
struct bytes node_exe(const struct query *query, uint32_t node);
struct bytes node_argv(const struct query *query, uint32_t node);
struct bytes node_comm(const struct query *query, uint32_t node);
struct bytes node_text(const struct query *query, uint32_t node, uint8_t kind);

/** argv_next - step through arguments, each ended by a NUL; false at the end */
bool argv_next(struct bytes *rest, struct bytes *argument);

/** node_id - "17", or "2:17" if the log has several boots, ended by a NUL */
void node_id(const struct query *query, uint32_t node, char text[48]);

/** address_text - "10.0.0.1:80" or "[::1]:80" */
void address_text(const struct graph_address *address, char text[96]);
/** node_address - last address of a socket's end (PROV_END_*), or NULL */
const struct graph_address *node_address(const struct query *query, uint32_t node, uint8_t end);
const char *family_name(unsigned int family);
const char *protocol_name(const struct graph_node *node);

/**
 * node_label - one line for people: "pid 7 gcc -o x", "/tmp/x", "tcp a:1 > b:2"
 * @width: greatest number of characters, longer ones are cut in the middle
 */
void node_label(const struct query *query, uint32_t node, FILE *out, size_t width);
struct labels *labels_new(void);
void labels_free(struct labels *labels);

/**
 * node_json - the fields that describe a node
 * @whole: else without those that grow with what the node did
 */
void node_json(const struct query *query, uint32_t node, bool whole, struct json *json);
/** print_cut - print text in at most @width characters, cut in the middle */
void print_cut(FILE *out, const char *text, size_t length, size_t width);

const char *edge_name(const struct graph_edge *edge);
/** print_refusal - of an edge that is one: where, with which error, by whom */
void print_refusal(const struct query *query, const struct graph_edge *edge, FILE *out);
bool edge_in_window(const struct query *query, const struct graph_edge *edge);
bool wall_in_window(const struct query *query, uint64_t wall_ns);
uint64_t node_first_wall_ns(const struct query *query, uint32_t node);

/* ---- moves.c: directories that were renamed ---- */

/**
 * struct move - the rename of a directory
 * @from: its path before; like @to, it belongs to the graph
 * @to: its path since
 * @time_ns: CLOCK_BOOTTIME
 * @boot: number of the boot
 * @node: the directory
 */
struct move {
	struct bytes from, to;
	uint64_t time_ns;
	uint32_t boot;
	uint32_t node;
};

/** moves_new - all in the window; moves_free() frees them; NULL without memory */
struct moves *moves_new(struct query *query);
void moves_free(struct moves *moves);
bool moves_none(const struct moves *moves);
/**
 * moves_next - the next move of a directory that a path leads through
 * @node: the inode that has the path; it moves with directories of its file system
 * @boot: number of the boot, and with @time_ns
 * @time_ns: CLOCK_BOOTTIME after which the move was
 * @last: the move by which it got the path, NULL if it was by none
 *
 * Return: the move, NULL if there is none.
 */
const struct move *moves_next(const struct query *query, const struct moves *moves, uint32_t node,
			      struct bytes path, uint32_t boot, uint64_t time_ns,
			      const struct move *last);

/* ---- object.c: from what the user wrote to nodes ---- */

/**
 * struct objects - the nodes that an OBJ names
 * @versioned: the user named a version, which is @version
 */
struct objects {
	uint32_t *nodes;
	size_t count;
	bool versioned;
	uint32_t version;
};

/**
 * objects_find - find the nodes that an OBJ names
 *
 * If a path is held by other objects as well, they are added to @query->others.
 *
 * Return: FOUND; NOTHING_FOUND or USAGE with a message on stderr. The caller
 * frees @objects->nodes in any case.
 */
enum status objects_find(struct query *query, const char *text, struct objects *objects);
/** objects_free_others - free what objects_find() has added to a query */
void objects_free_others(struct query *query);

/** objects_starts - where a traversal begins; the caller frees the array */
struct traverse_start *objects_starts(const struct query *query, const struct objects *objects,
				      bool forward);

/* ---- hide.c: hubs ---- */

/** hide_new - decide what is hidden; @objects are not, whatever they are */
struct hide *hide_new(const struct query *query, uint32_t sets);
void hide_free(struct hide *hide);
void hide_keep(struct hide *hide, const struct objects *objects);
bool hide_hidden(void *hide, uint32_t node);
/** hide_set_of - name of the set that hides a node, NULL if none does */
const char *hide_set_of(const struct hide *hide, uint32_t node);
/** hide_parse - bits of sets named in a list, or -1 with a message */
int hide_parse(const char *list);
int hide_default(void);
const char *hide_set_name(unsigned int set);
void hide_help(FILE *out);

/* ---- answer.c: what is printed ---- */

struct vertex {
	uint32_t node;
	uint32_t version;
};

/**
 * struct answer - nodes with their versions, and edges
 * @vertices: ordered by node and version
 * @edges: numbers of edges, ordered by time
 * @starts: vertices that the user asked about
 */
struct answer {
	const struct query *query;
	struct vertex *vertices;
	size_t vertex_count;
	uint32_t *edges;
	size_t edge_count;
	struct vertex *starts;
	size_t start_count;
	uint32_t classes;
	uint64_t cut_depth;
	uint64_t cut_kind;
	uint32_t *hidden;
	size_t hidden_count;
	bool backward;
};

/**
 * answer_init - make an answer of edges and single vertices
 * @edges: edge numbers; the answer takes the array over
 *
 * --kind drops vertices of other kinds, and edges that lose an end by it.
 */
enum status answer_init(struct answer *answer, const struct query *query, uint32_t *edges,
			size_t edge_count, struct vertex *starts, size_t start_count);
void answer_free(struct answer *answer);
/** answer_print - print it in the form that was asked for; an empty one is NOTHING_FOUND */
enum status answer_print(const struct answer *answer);
bool answer_is_start(const struct answer *answer, uint32_t node);
uint64_t lost_in_window(const struct query *query, uint64_t *missing);
/** log_faults - how many faults loading found: the log is damaged if it is not 0 */
uint64_t log_faults(const struct query *query);
/** answer_footer - for people: what was cut, hidden, lost and not followed */
void answer_footer(const struct answer *answer, FILE *out);
void print_log_state(const struct query *query, FILE *out);

enum status json_answer(const struct answer *answer, FILE *out);
/** json_trailer - the last line; @answer may be NULL */
void json_trailer(const struct query *query, const struct answer *answer, uint64_t nodes,
		  uint64_t edges, FILE *out);
/** json_node_line - the first or only line of a node */
void json_node_line(const struct query *query, struct vertex vertex, FILE *out);
enum status text_answer(const struct answer *answer, FILE *out);
void dot_answer(const struct answer *answer, FILE *out);
/** svg_answer - run graphviz on dot_answer() */
enum status svg_answer(const struct answer *answer);

/* ---- verbs ---- */

enum status verb_summary(struct query *query);
enum status verb_ancestry(struct query *query);
enum status verb_descendants(struct query *query);
enum status verb_path(struct query *query);
enum status verb_history(struct query *query);
enum status verb_tree(struct query *query);
enum status verb_timeline(struct query *query);
enum status verb_net(struct query *query);
enum status verb_find(struct query *query);
enum status verb_verify(struct query *query);
enum status verb_export(struct query *query);

/** complain - print a message to stderr, preceded by the program's name */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* PROVQ_H */
