/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What was recorded, as provq exports it, for tests to look at
 *
 * Nodes are numbers from 0; NO_NODE stands for one that is not in the graph,
 * and every question about it has the answer "no", but for a count, which is -1.
 */
#ifndef SELFTEST_GRAPH_H
#define SELFTEST_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <jansson.h>

#define LOG_DIR	"/var/log/provenance"
#define NO_NODE	(-1)

struct graph;

/**
 * graph_sync - wait until all that has happened so far is in the log
 *
 * The recorder is told to flush the kernel's buffers and to begin a new
 * segment; when the old one is sealed, everything is in it.
 *
 * Return: 0, or -1 after a message if that takes too long.
 */
int graph_sync(void);

/**
 * graph_load - ask provq for everything since a time
 * @since: seconds since the epoch
 *
 * Return: the graph, which graph_free() frees, or NULL after a message.
 */
struct graph *graph_load(time_t since);

void graph_free(struct graph *graph);

/** graph_lost - records lost in the window, from the trailer */
long graph_lost(const struct graph *graph);

/** graph_node - what provq says of a node; NULL for NO_NODE */
const json_t *graph_node(const struct graph *graph, int node);

/** graph_string - a text that provq says of a node, or "" */
const char *graph_string(const struct graph *graph, int node, const char *key);

/** graph_integer - a number that provq says of a node, or -1 */
long graph_integer(const struct graph *graph, int node, const char *key);

/** graph_id - the id of a node, for messages and "peer" */
const char *graph_id(const struct graph *graph, int node);

/** graph_image - image number @nth of a process: 0 is what was forked */
int graph_image(const struct graph *graph, pid_t pid, int nth);

/** graph_images - how many images a process had */
int graph_images(const struct graph *graph, pid_t pid);

/** graph_path - the last object that ever had a path, by any event */
int graph_path(const struct graph *graph, const char *path);

/** graph_has_path - did the node have that path by that event ("open", …)? */
bool graph_has_path(const struct graph *graph, int node, const char *path, const char *event);

/** graph_path_events - how often a path of the node was recorded */
int graph_path_events(const struct graph *graph, int node);

/** graph_inode - the last object with that number on that device */
int graph_inode(const struct graph *graph, dev_t dev, ino_t ino);

/**
 * graph_socket - a socket by its addresses, as provq prints them
 * @local: its own, or NULL for any
 * @remote: one that it talked to, or NULL for any
 */
int graph_socket(const struct graph *graph, const char *protocol, const char *local,
		 const char *remote);

/** graph_unix - a UNIX socket by its path, or if @abstract its abstract name */
int graph_unix(const struct graph *graph, const char *name, bool abstract);

/** graph_named - the last object of a kind that has that name but no path */
int graph_named(const struct graph *graph, const char *kind, const char *name);

/** graph_peer - the other end of a socket, or NO_NODE */
int graph_peer(const struct graph *graph, int node);

/* For graph_count(): whatever the node is. */
#define ANY	(-2)

/**
 * graph_count - how many edges are there?  -1 of NO_NODE, for "none" would be good news
 * @from: node, or ANY
 * @to: node, or ANY
 * @op: name of the operation, or NULL for any
 * @class: "data", "meta", "control", or NULL for any
 */
int graph_count(const struct graph *graph, int from, int to, const char *op, const char *class);

/**
 * graph_refused - how many refusals are there?  -1 of NO_NODE
 * @from: who tried, or ANY
 * @to: on what, or ANY
 * @hook: where it was refused, or NULL for any, as the other two
 * @layer: "dac", "capability", or the name of a security module
 * @error: "EACCES" and the like
 */
int graph_refused(const struct graph *graph, int from, int to, const char *hook,
		  const char *layer, const char *error);

/** graph_from - the node that the first edge @op into @to comes from, or NO_NODE */
int graph_from(const struct graph *graph, int to, const char *op);

/** graph_to - the node that the first edge @op out of @from goes to, or NO_NODE */
int graph_to(const struct graph *graph, int from, const char *op);

/** graph_reaches - can information have gone from @from to @to along data edges? */
bool graph_reaches(const struct graph *graph, int from, int to);

/**
 * run_tool - run a program and keep what it prints
 * @output: set to its standard output, NUL-terminated, to be freed
 * @argv: NULL-terminated
 *
 * Return: its exit status, or -1.
 */
int run_tool(char **output, const char *const argv[]);

#endif /* SELFTEST_GRAPH_H */
