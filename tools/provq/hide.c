// SPDX-License-Identifier: GPL-2.0
/*
 * Hubs: files that almost every process reads and that explain nothing
 *
 * A file is hidden if all of this holds:
 * - all names that it ever had are of one of the sets below, which are standard
 *   directories that only the package manager writes to;
 * - at least as many different processes as the set says have read, mapped or
 *   executed it;
 * - nothing in the log has written, created, linked, renamed or changed it, or
 *   another file that had one of its names, or the same inode under another id, as
 *   far as its edges, its names and its version tell;
 * - it is not what the user asked about.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "provq.h"

static const struct set {
	const char *name;
	const char *what;
	unsigned int readers;
	const char *patterns[16];	/* fnmatch(3); "*" also matches "/" */
} sets[] = {
	{
		"libs", "shared libraries and the loader's cache", 3,
		{ "/usr/lib/*.so", "/usr/lib/*.so.*", "/usr/lib32/*.so*", "/usr/lib64/*.so*",
		  "/lib/*.so", "/lib/*.so.*", "/lib32/*.so*", "/lib64/*.so*",
		  "/etc/ld.so.cache" },
	},
	{
		"locale", "locale archives, character sets and time zones", 3,
		{ "/usr/lib/locale/*", "/usr/share/locale/*", "/usr/lib/*/gconv/*",
		  "/usr/share/zoneinfo/*", "/usr/share/i18n/*", "/etc/localtime",
		  "/etc/locale.alias" },
	},
	{
		"runtime", "modules of language runtimes, headers of the compiler", 1,
		{ "/usr/lib/python3*", "/usr/share/perl/*", "/usr/share/perl5/*",
		  "/usr/lib/*/perl/*", "/usr/lib/*/perl-base/*", "/usr/lib/*/perl5/*",
		  "/usr/include/*", "/usr/lib/gcc/*.h", "/usr/lib/gcc/*.a",
		  "/usr/lib/gcc/*.o", "/usr/lib/*/crt?.o", "/usr/lib/*/Scrt1.o" },
	},
};

#define SETS (sizeof(sets) / sizeof(sets[0]))

struct hide {
	const struct query *query;
	uint8_t *set;		/* by node: number of the set plus one, or 0 */
};

int hide_default(void)
{
	return (1 << SETS) - 1;
}

const char *hide_set_name(unsigned int set)
{
	return set < SETS ? sets[set].name : NULL;
}

void hide_help(FILE *out)
{
	for (size_t i = 0; i < SETS; i++)
		fprintf(out, "  %-9s %s\n", sets[i].name, sets[i].what);
}

int hide_parse(const char *list)
{
	int bits = 0;

	while (*list) {
		const size_t length = strcspn(list, ",");
		size_t i;

		for (i = 0; i < SETS; i++)
			if (strlen(sets[i].name) == length && !memcmp(sets[i].name, list, length))
				break;
		if (length == 4 && !memcmp(list, "none", 4)) {
			bits = 0;
		} else if (i == SETS) {
			complain("--hide knows no set \"%.*s\"; it knows:", (int)length, list);
			hide_help(stderr);
			return -1;
		} else {
			bits |= 1 << i;
		}
		list += length;
		list += *list == ',';
	}
	return bits;
}

static bool is_name(const struct graph_fact *fact)
{
	return fact->type == PROV_R_TEXT && node_name_event(fact->sub);
}

/* The set that all names of the node belong to, plus one. */
static unsigned int set_by_name(const struct query *query, const struct graph_node *n,
				uint32_t wanted)
{
	for (size_t i = 0; i < SETS; i++) {
		bool all = false;

		if (!(wanted >> i & 1))
			continue;
		for (uint32_t j = 0; j < n->fact_count; j++) {
			const struct graph_fact *const fact =
				graph_fact(query->graph, n->fact_first + j);
			const char *path;
			size_t length;

			if (!is_name(fact))
				continue;
			path = graph_blob(query->graph, fact->blob, &length);
			all = false;
			for (int k = 0; sets[i].patterns[k] && !all; k++)
				all = strlen(path) == length &&
				      !fnmatch(sets[i].patterns[k], path, 0);
			if (!all)
				break;
		}
		if (all)
			return i + 1;
	}
	return 0;
}

/* Has something in the log changed the node's content, names or attributes? */
static bool touched(const struct query *query, uint32_t node)
{
	struct graph_cursor cursor = graph_into(query->graph, node, 0, UINT32_MAX);
	const struct graph_node *const n = graph_node(query->graph, node);
	const struct graph_edge *edge;
	uint32_t number;

	/* A version is made by what flows in, whether or not the log still has it. */
	if (n->last_version)
		return true;
	while ((edge = graph_next(&cursor, &number)) != NULL)
		if (!(edge->flags & GRAPH_EDGE_CONTINUES) && edge->class != PROV_R_EDGE_CONTROL)
			return true;
	for (uint32_t i = 0; i < n->fact_count; i++) {
		const struct graph_fact *const fact = graph_fact(query->graph, n->fact_first + i);

		if (is_name(fact) && fact->sub != PROV_T_OPEN && fact->sub != PROV_T_ALIAS)
			return true;
	}
	return false;
}

static bool enough_readers(const struct query *query, uint32_t node, unsigned int least)
{
	struct graph_cursor cursor = graph_out_of(query->graph, node, 0, UINT32_MAX);
	uint32_t readers[8], number;
	const struct graph_edge *edge;
	unsigned int count = 0;

	while (count < least && (edge = graph_next(&cursor, &number)) != NULL) {
		bool known = edge->class != PROV_R_EDGE_DATA ||
			     (edge->flags & GRAPH_EDGE_CONTINUES);

		for (unsigned int i = 0; i < count && !known; i++)
			known = readers[i] == edge->to;
		if (!known)
			readers[count++] = edge->to;
	}
	return count >= least;
}

/*
 * Mark what nodes continue, and what continues them, as touched as well.  They
 * form chains, whose edges are in order: up all of them, then down.
 */
static void spread_touched(const struct query *query, bool *is_touched)
{
	const uint64_t edges = graph_edge_count(query->graph);
	const uint64_t first = edges - graph_info(query->graph)->continues;

	for (uint64_t i = first; i < edges; i++) {
		const struct graph_edge *const edge = graph_edge(query->graph, i);

		is_touched[edge->to] |= is_touched[edge->from];
	}
	for (uint64_t i = edges; i-- > first;) {
		const struct graph_edge *const edge = graph_edge(query->graph, i);

		is_touched[edge->from] |= is_touched[edge->to];
	}
}

static int by_number(const void *one, const void *two)
{
	const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)two;

	return a < b ? -1 : a > b;
}

/* Put the blobs of all names of touched nodes in @names, if given; return how many. */
static size_t touched_names(const struct query *query, const bool *is_touched, uint32_t *names)
{
	size_t count = 0;

	for (uint32_t i = 0; i < graph_node_count(query->graph); i++) {
		const struct graph_node *const n = graph_node(query->graph, i);

		for (uint32_t j = 0; is_touched[i] && j < n->fact_count; j++) {
			const struct graph_fact *const fact =
				graph_fact(query->graph, n->fact_first + j);

			if (!is_name(fact))
				continue;
			if (names)
				names[count] = fact->blob;
			count++;
		}
	}
	return count;
}

struct hide *hide_new(const struct query *query, uint32_t wanted)
{
	const uint32_t nodes = graph_node_count(query->graph);
	const uint64_t bytes = nodes * (sizeof(bool) + sizeof(uint8_t));
	struct hide *const hide = calloc(1, sizeof(*hide));
	bool *const is_touched = calloc(nodes + 1ull, sizeof(*is_touched));
	uint32_t *names = NULL;
	size_t count;

	if (!hide || !is_touched || graph_take(query->graph, bytes))
		goto fail;
	hide->query = query;
	hide->set = calloc(nodes + 1ull, sizeof(*hide->set));
	if (!hide->set)
		goto fail;
	for (uint32_t i = 0; i < nodes; i++)
		if (graph_is_inode(graph_node(query->graph, i)))
			is_touched[i] = touched(query, i);
	spread_touched(query, is_touched);
	count = touched_names(query, is_touched, NULL);
	if (!graph_take(query->graph, count * sizeof(*names)))
		names = malloc((count + 1) * sizeof(*names));
	if (!names)
		goto fail;
	/* Equal names are one blob. */
	touched_names(query, is_touched, names);
	qsort(names, count, sizeof(*names), by_number);
	for (uint32_t i = 0; i < nodes; i++) {
		const struct graph_node *const n = graph_node(query->graph, i);
		unsigned int set;

		if (!graph_is_inode(n) || is_touched[i])
			continue;
		set = set_by_name(query, n, wanted);
		if (!set || !enough_readers(query, i, sets[set - 1].readers))
			continue;
		for (uint32_t j = 0; j < n->fact_count && set; j++) {
			const struct graph_fact *const fact =
				graph_fact(query->graph, n->fact_first + j);

			if (is_name(fact) &&
			    bsearch(&fact->blob, names, count, sizeof(*names), by_number))
				set = 0;
		}
		hide->set[i] = set;
	}
	free(names);
	free(is_touched);
	return hide;
fail:
	hide_free(hide);
	free(is_touched);
	return NULL;
}

void hide_free(struct hide *hide)
{
	if (!hide)
		return;
	free(hide->set);
	free(hide);
}

void hide_keep(struct hide *hide, const struct objects *objects)
{
	for (size_t i = 0; i < objects->count; i++)
		hide->set[objects->nodes[i]] = 0;
}

bool hide_hidden(void *hide, uint32_t node)
{
	return ((struct hide *)hide)->set[node];
}

const char *hide_set_of(const struct hide *hide, uint32_t node)
{
	return hide->set[node] ? sets[hide->set[node] - 1].name : NULL;
}
