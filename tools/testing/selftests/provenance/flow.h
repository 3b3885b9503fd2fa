/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests of flows: perform something, then look at what was recorded of it
 *
 * A program has any number of
 *
 *	CASE(name, area, flow, hooks, edges)
 *	ACT(name) { … }
 *	CHECK(name) { … }
 *
 * All acts are performed, then the log is read once, then all checks are made.
 * Each case is one line of TAP.  With --list, a program prints the texts of its
 * cases instead: they are the rows of the coverage table in
 * Documentation/security/provenance/coverage.rst.
 *
 * Acts are performed by children, for a process that had learnt something would
 * hand it down to all children after.  Where their order matters they are moved
 * step by step by signals, which carry no data, so that the tests' own
 * synchronisation is no flow.
 */
#ifndef SELFTEST_FLOW_H
#define SELFTEST_FLOW_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "graph.h"

#define ROLES		9
#define STEP_SECONDS	60

/**
 * struct scene - where a case is performed, and by whom
 * @dir: an empty directory of the case's own
 * @pid: what actor()s and run()s were, by their role
 * @told: how often an actor said told() and nobody has called done() for it
 * @fd: open files for children to inherit; closed after the act if not 0
 */
struct scene {
	char dir[64];
	pid_t pid[ROLES];
	unsigned int told[ROLES];
	int fd[8];
};

/**
 * struct flow_case - a test
 * @name: in its program
 * @area: of the coverage table
 * @flow: what is performed
 * @hooks: that see it
 * @edges: what has to be recorded of it
 * @act: performs it
 * @check: looks at what was recorded
 * @next: in the program
 * @scene: for both
 * @failed: something was not as expected
 * @skip: why it cannot be performed here, or NULL
 */
struct flow_case {
	const char *name;
	const char *area;
	const char *flow;
	const char *hooks;
	const char *edges;
	void (*act)(struct scene *scene);
	void (*check)(struct scene *scene, struct graph *graph);
	struct flow_case *next;
	struct scene scene;
	bool failed;
	const char *skip;
};

void flow_register(struct flow_case *flow_case);

#define CASE(NAME, AREA, FLOW, HOOKS, EDGES)				\
	static void act_##NAME(struct scene *scene);			\
	static void check_##NAME(struct scene *scene, struct graph *graph); \
	static struct flow_case case_##NAME = {				\
		.name = #NAME, .area = AREA, .flow = FLOW, .hooks = HOOKS, \
		.edges = EDGES, .act = act_##NAME, .check = check_##NAME, \
	};								\
	static void __attribute__((constructor)) register_##NAME(void)	\
	{								\
		flow_register(&case_##NAME);				\
	}
#define ACT(NAME)							\
	static void act_##NAME(struct scene *scene __attribute__((unused)))
#define CHECK(NAME)							\
	static void check_##NAME(struct scene *scene __attribute__((unused)), \
				 struct graph *graph __attribute__((unused)))

/**
 * EXPECT - the case fails unless @condition holds
 *
 * Followed by a format and what it says: what was found instead.
 */
#define EXPECT(condition, ...)						\
	flow_expect(condition, __FILE__, __LINE__, #condition, " " __VA_ARGS__)

bool flow_expect(bool condition, const char *file, int line, const char *what,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

/** SKIP - the case cannot be performed here, because of @reason */
void flow_skip(const char *reason);

/**
 * MUST - in a child: end it, and with it the case as failed, unless @condition
 * holds
 */
#define MUST(condition)							\
do {									\
	if (!(condition))						\
		flow_die(__FILE__, __LINE__, #condition);		\
} while (0)

void flow_die(const char *file, int line, const char *what) __attribute__((noreturn));

typedef void (*actor_fn)(struct scene *scene);

/** run - perform @fn in a child, to its end; the case fails if the child does */
void run(struct scene *scene, int role, actor_fn fn);

/** actor - begin @fn in a child, which first waits in await() */
void actor(struct scene *scene, int role, actor_fn fn);

/** go - let an actor go on behind its await() */
void go(struct scene *scene, int role);

/** done - wait until an actor says told() */
void done(struct scene *scene, int role);

/** step - go() and done() */
void step(struct scene *scene, int role);

/** finish - wait for the end of an actor; the case fails if it failed */
void finish(struct scene *scene, int role);

/** await - in an actor: wait for go() */
void await(void);

/** told - in an actor: let done() return */
void told(void);

/** blocked - wait until an actor blocks in a call */
void blocked(struct scene *scene, int role);

/** pause_ms - sleep; for who waits until another one blocks */
void pause_ms(unsigned int ms);

/**
 * in - a path in the case's directory
 *
 * Return: one of several static buffers, good until some more calls.
 */
const char *in(const struct scene *scene, const char *name);

/** put_file - write a file, which is made if it is not there */
void put_file(const char *path, const char *text);

/** take_file - read a file to its end */
void take_file(const char *path);

/** process - image @nth of a role's process */
int process(const struct scene *scene, const struct graph *graph, int role, int nth);

/** file - the node of a path in the case's directory */
int file(const struct scene *scene, const struct graph *graph, const char *name);

/** expect_edge - exactly @count edges of that operation and class, at least one if 0 */
void expect_edge(const struct graph *graph, int from, int to, const char *op,
		 const char *class, int count, const char *where, int line);

/** expect_no_edge - no such edge between nodes that are there */
void expect_no_edge(const struct graph *graph, int from, int to, const char *op,
		    const char *class, const char *where, int line);

/** expect_path - a path of data edges, or none, between nodes that are there */
void expect_path(const struct graph *graph, int from, int to, bool there, const char *where,
		 int line);

#define EXPECT_EDGE(FROM, TO, OP, CLASS)				\
	expect_edge(graph, FROM, TO, OP, CLASS, 0, __FILE__, __LINE__)
#define EXPECT_EDGES(FROM, TO, OP, CLASS, COUNT)			\
	expect_edge(graph, FROM, TO, OP, CLASS, COUNT, __FILE__, __LINE__)
/* That something is not there says only something of nodes that are. */
#define EXPECT_NO_EDGE(FROM, TO, OP)					\
	expect_no_edge(graph, FROM, TO, OP, NULL, __FILE__, __LINE__)
#define EXPECT_NO_DATA(FROM, TO)					\
	expect_no_edge(graph, FROM, TO, NULL, "data", __FILE__, __LINE__)
#define EXPECT_REACHES(FROM, TO)					\
	expect_path(graph, FROM, TO, true, __FILE__, __LINE__)
#define EXPECT_NOT_REACHES(FROM, TO)					\
	expect_path(graph, FROM, TO, false, __FILE__, __LINE__)
#define EXPECT_NODE(NODE)	EXPECT((NODE) >= 0, "no such node")

#endif /* SELFTEST_FLOW_H */
