// SPDX-License-Identifier: GPL-2.0
#include "mapping_log.h"

enum {
	VERSIONS	= 2000,
	EDGES		= 20000,
};

/**
 * made - the records of a schedule
 * @ancestors: of each version; it has what the one before had
 * @last: last version of each object that is known of
 */
static struct {
	u64 ancestors[LOG_OBJECTS][VERSIONS];
	u32 last[LOG_OBJECTS];
	int edges;
	struct edge {
		short src, dst;
		u32 src_version, dst_version;
	} edge[EDGES];
} made;

void log_reset(void)
{
	int obj;

	made.edges = 0;
	for (obj = 0; obj < LOG_OBJECTS; obj++) {
		made.last[obj] = 0;
		made.ancestors[obj][0] = 1ULL << obj;
	}
}

static void reach(int obj, u32 version)
{
	for (; made.last[obj] < version; made.last[obj]++)
		made.ancestors[obj][made.last[obj] + 1] = made.ancestors[obj][made.last[obj]];
}

u64 log_ancestors(int obj, u32 version)
{
	if (obj >= LOG_OBJECTS)
		return 1ULL << obj;
	if (version >= VERSIONS)
		return 0;
	reach(obj, version);
	return made.ancestors[obj][version];
}

const char *log_edge(int src, u32 src_version, int dst, u32 dst_version)
{
	u64 news;
	u32 v;

	if (src_version >= VERSIONS || dst_version >= VERSIONS || made.edges == EDGES)
		return "more versions or records than there is room for";
	made.edge[made.edges++] = (struct edge){ src, dst, src_version, dst_version };
	reach(dst, dst_version);
	news = log_ancestors(src, src_version) & ~made.ancestors[dst][dst_version];
	for (v = dst_version; v <= made.last[dst]; v++)
		made.ancestors[dst][v] |= news;
	if (news && dst_version != made.last[dst])
		return "a record brings something to a version that was left";
	return NULL;
}

static int node_of(int obj, u32 version)
{
	return obj * VERSIONS + version;
}

/* Takes away what has no causes left; in a cycle, something always has. */
bool log_has_cycle(void)
{
	static int causes[LOG_OBJECTS * VERSIONS], queue[LOG_OBJECTS * VERSIONS];
	int head = 0, tail = 0, nodes = 0, obj, i;
	u32 v;

	for (obj = 0; obj < LOG_OBJECTS; obj++)
		for (v = 0; v <= made.last[obj]; v++, nodes++)
			causes[node_of(obj, v)] = v > 0;
	for (i = 0; i < made.edges; i++)
		if (made.edge[i].src < LOG_OBJECTS)
			causes[node_of(made.edge[i].dst, made.edge[i].dst_version)]++;
	for (obj = 0; obj < LOG_OBJECTS; obj++)
		for (v = 0; v <= made.last[obj]; v++)
			if (!causes[node_of(obj, v)])
				queue[tail++] = node_of(obj, v);
	while (head < tail) {
		const int node = queue[head++];

		obj = node / VERSIONS;
		v = node % VERSIONS;
		if (v < made.last[obj] && !--causes[node + 1])
			queue[tail++] = node + 1;
		for (i = 0; i < made.edges; i++) {
			const struct edge *const e = &made.edge[i];

			if (e->src == obj && e->src_version == v &&
			    !--causes[node_of(e->dst, e->dst_version)])
				queue[tail++] = node_of(e->dst, e->dst_version);
		}
	}
	return tail != nodes;
}
