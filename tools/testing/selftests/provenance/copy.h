/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One process that reads "from" and writes "to", by one of many ways
 */
#ifndef SELFTEST_COPY_H
#define SELFTEST_COPY_H

#include <fcntl.h>
#include <unistd.h>

#include "flow.h"

#define BLOCK	4096

/* Memory that direct I/O takes. */
static char block[BLOCK] __attribute__((aligned(BLOCK), unused));

static inline void put_block(const char *path)
{
	static const char text[BLOCK] = "x";
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	MUST(fd >= 0 && write(fd, text, BLOCK) == BLOCK && !fsync(fd));
	close(fd);
}

static inline int must_open(const struct scene *scene, const char *name, int flags)
{
	const int fd = open(in(scene, name), flags, 0644);

	MUST(fd >= 0);
	return fd;
}

static inline void prepare_copy(struct scene *scene)
{
	put_block(in(scene, "from"));
	put_block(in(scene, "to"));
}

static inline void expect_copy(const struct scene *scene, const struct graph *graph)
{
	const int who = process(scene, graph, 0, 0);
	const int from = file(scene, graph, "from"), to = file(scene, graph, "to");

	EXPECT_EDGES(from, who, "read", "data", 1);
	EXPECT_EDGES(who, to, "write", "data", 1);
	EXPECT_REACHES(from, to);
	/* "to" has no other content than that of "from", which nobody writes to. */
	EXPECT_NO_DATA(who, from);
	EXPECT_NO_DATA(to, who);
	EXPECT_NOT_REACHES(to, from);
}

/* What most cases do: one process, "from" and "to". */
#define COPIES(NAME, COPY)	\
	ACT(NAME)		\
	{			\
		prepare_copy(scene); \
		run(scene, 0, COPY); \
	}			\
	CHECK(NAME)		\
	{			\
		expect_copy(scene, graph); \
	}

#endif /* SELFTEST_COPY_H */
