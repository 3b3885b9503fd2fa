// SPDX-License-Identifier: GPL-2.0
/*
 * What mappings cost where a process has very many of them, or very many processes
 * share one segment: all of it in steps (see port_longest()), and the longest
 * section in which interrupts are off.
 */
#include <stdio.h>
#include <string.h>

#include "mapping.h"
#include "mapping_bounds.h"

enum {
	PROCESSES	= 2,
	INODES		= 4000,
	KIND		= 1,
	OP		= 1,
};

static struct prov_object process[PROCESSES], inode[INODES];
static struct prov_memory memory[PROCESSES];
static struct prov_process_map place[PROCESSES];
static unsigned int steps_before;

static void prepare(void)
{
	unsigned int i;

	memset(process, 0, sizeof(process));
	memset(memory, 0, sizeof(memory));
	memset(place, 0, sizeof(place));
	for (i = 0; i < INODES; i++)
		prov_object_init(&inode[i], i + 1, KIND);
	for (i = 0; i < PROCESSES; i++) {
		prov_object_init(&process[i], INODES + i + 1, KIND);
		prov_map_init_process(&place[i], &process[i], &memory[i], OP, OP);
	}
}

static void clean_up(void)
{
	unsigned int i;

	for (i = 0; i < PROCESSES; i++)
		prov_map_release(&place[i].map, true);
	for (i = 0; i < PROCESSES; i++)
		prov_map_free(&process[i]);
	for (i = 0; i < INODES; i++)
		prov_map_free(&inode[i]);
}

static void begin(void)
{
	port_reset();
	steps_before = port_steps;
}

/* Of @n operations since begin(): how many steps each took, and the longest section. */
static bool cost(const char *what, unsigned int n, unsigned int each, unsigned int longest)
{
	const unsigned int steps = port_steps - steps_before;
	const bool good = steps <= n * each && port_longest() <= longest;

	printf("# %s: %u steps for each of %u, at most %u are allowed; "
	       "with interrupts off at most %u, %u are allowed\n",
	       what, steps / n, n, each, port_longest(), longest);
	return good;
}

static void map(unsigned int p, unsigned int i, enum prov_access access)
{
	prov_map_add(&place[p].map, prov_map_get(&inode[i]), access, 1);
}

static void map_all(unsigned int p)
{
	unsigned int i;

	for (i = 0; i < INODES; i++)
		map(p, i, PROV_ACCESS_SHARE);
}

static void fork_all(unsigned int parent, unsigned int child, unsigned int n, unsigned int shared)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		prov_map_inherit(&place[parent].map, process[parent].version,
				 &place[child].map, inode[i].map,
				 i < shared ? PROV_ACCESS_SHARE : PROV_ACCESS_READ, 1);
}

static bool shares_many_and_forks(void)
{
	bool good;

	prepare();
	map_all(0);
	begin();
	fork_all(0, 1, INODES, INODES);
	good = cost("fork", INODES, 300, 100000);
	clean_up();
	return good;
}

const struct mapping_bound mapping_bound[] = {
	{ "a process that shares thousands of segments forks: it looks for circles once",
	  shares_many_and_forks },
};

const unsigned int mapping_bounds = sizeof(mapping_bound) / sizeof(mapping_bound[0]);
