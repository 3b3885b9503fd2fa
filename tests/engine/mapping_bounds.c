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
	PROCESSES	= 400,
	INODES		= 4000,
	LIBRARIES	= 60,
	KIND		= 1,
	OP		= 1,
};

static struct prov_object process[PROCESSES], inode[INODES], source;
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
	prov_object_init(&source, INODES + PROCESSES + 1, KIND);
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

static void unmap(unsigned int p, unsigned int i, enum prov_access access)
{
	prov_map_remove(&place[p].map, inode[i].map, access, 1);
}

static void learn(unsigned int p)
{
	const struct prov_channel chan = {
		.src = &source, .dst = &process[p], .memory = &memory[p], .direction = PROV_IN,
	};

	prov_close_version(&process[p]);
	source.version++;
	prov_flow(&chan);
}

static void map_all(unsigned int p)
{
	unsigned int i;

	for (i = 0; i < INODES; i++)
		map(p, i, PROV_ACCESS_SHARE);
}

static bool shares_many(void)
{
	bool good;
	unsigned int i;

	prepare();
	begin();
	map_all(0);
	good = cost("mmap", INODES, 120, 2100);
	begin();
	for (i = 0; i < INODES; i++)
		unmap(0, i, PROV_ACCESS_SHARE);
	good &= cost("munmap, the oldest first", INODES, 120, 2100);
	map_all(0);
	begin();
	for (i = INODES; i; i--)
		unmap(0, i - 1, PROV_ACCESS_SHARE);
	good &= cost("munmap, the latest first", INODES, 120, 2100);
	map_all(0);
	begin();
	for (i = 0; i < INODES; i++) {
		learn(0);
		unmap(0, i * 7 % INODES, PROV_ACCESS_SHARE);
	}
	good &= cost("munmap in any order, while it learns", INODES, 120, 2100);
	clean_up();
	return good;
}

static bool shares_many_and_exits(void)
{
	bool good;

	prepare();
	map_all(0);
	begin();
	prov_map_release(&place[0].map, true);
	good = cost("exit", INODES, 120, 2100);
	clean_up();
	return good;
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
	good = cost("fork", INODES, 120, 2100);
	begin();
	prov_map_release(&place[1].map, true);
	good &= cost("exit of the child", INODES, 120, 2100);
	clean_up();
	return good;
}

/* A database server: each backend maps its memory, and some libraries. */
static bool many_share_one(void)
{
	bool good;
	unsigned int i;

	prepare();
	map(0, 0, PROV_ACCESS_SHARE);
	for (i = 1; i < LIBRARIES; i++)
		map(0, i, PROV_ACCESS_READ);
	begin();
	for (i = 1; i < PROCESSES; i++) {
		fork_all(0, i, LIBRARIES, 1);
		learn(i);
		prov_pull(&process[i]);
	}
	good = cost("fork", (PROCESSES - 1) * LIBRARIES, 30, 5 * LIBRARIES + 200);
	begin();
	for (i = 1; i < PROCESSES - 1; i++)
		prov_map_release(&place[i].map, true);
	good &= cost("exit", (PROCESSES - 2) * LIBRARIES, 30, 5 * LIBRARIES + 200);
	clean_up();
	return good;
}

/* As many files as a memory can have mappings, or nearly. */
static bool maps_many(void)
{
	bool good;
	unsigned int i;

	prepare();
	begin();
	for (i = 0; i < INODES; i++)
		map(0, i, PROV_ACCESS_READ);
	good = cost("mmap", INODES, 100, 150);
	begin();
	fork_all(0, 1, INODES, 0);
	good &= cost("fork", INODES, 100, 150);
	begin();
	for (i = 0; i < INODES; i++)
		unmap(0, i, PROV_ACCESS_READ);
	good &= cost("munmap", INODES, 60, 150);
	begin();
	prov_map_release(&place[1].map, true);
	good &= cost("exit", INODES, 60, 150);
	clean_up();
	return good;
}

static void learn_inode(unsigned int i)
{
	const struct prov_channel chan = { .src = &source, .dst = &inode[i] };

	source.version++;
	prov_flow(&chan);
}

/* All of it is written to at once, and then it sends something. */
static bool maps_much_that_is_new(void)
{
	bool good;
	unsigned int i;

	prepare();
	for (i = 0; i < INODES; i++)
		map(0, i, PROV_ACCESS_READ);
	for (i = 0; i < INODES; i++)
		learn_inode(i);
	begin();
	prov_pull(&process[0]);
	good = cost("pull", INODES, 10, 6 * 1024);
	clean_up();
	return good;
}

/* A loop device, and one of the inodes of a file system on it leaves memory. */
static bool one_of_many_goes(void)
{
	bool good;
	unsigned int i;

	prepare();
	map(0, 0, PROV_ACCESS_SHARE);
	for (i = 1; i < INODES; i++) {
		prov_close_version(&inode[i]);
		prov_map_adopt(&place[0].map, &inode[i], 0);
	}
	for (i = 1; i < INODES; i++)
		learn_inode(i);
	begin();
	prov_map_drop(&inode[INODES / 2]);
	good = cost("drop", 1, 100, 100);
	begin();
	prov_map_drop(&inode[INODES / 2 + 1]);
	good &= cost("drop", 1, 100, 100);
	clean_up();
	return good;
}

/* It has sent from its memory by very many sockets, and exits. */
static bool feeds_many_and_exits(void)
{
	static struct prov_arc feed[INODES];
	bool good;
	unsigned int i;

	prepare();
	for (i = 0; i < INODES; i++)
		prov_map_feed(&feed[i], &place[0].map, prov_map_get(&inode[i]));
	begin();
	prov_map_release(&place[0].map, true);
	good = cost("exit", INODES, 20, 100);
	clean_up();
	return good;
}

const struct mapping_bound mapping_bound[] = {
	{ "a process shares thousands of segments: mmap and munmap do not look at all",
	  shares_many },
	{ "a process that shares thousands of segments exits, one by one",
	  shares_many_and_exits },
	{ "a process that shares thousands of segments forks, one by one",
	  shares_many_and_forks },
	{ "hundreds share a segment: who comes and goes looks only at what it maps",
	  many_share_one },
	{ "a process maps thousands of files: none is looked for in a list", maps_many },
	{ "news of thousands of files are not taken over in one go", maps_much_that_is_new },
	{ "a process exits whose memory thousands of sockets refer to, one by one",
	  feeds_many_and_exits },
	{ "an inode of a loop device that goes takes only its own news along",
	  one_of_many_goes },
};

const unsigned int mapping_bounds = sizeof(mapping_bound) / sizeof(mapping_bound[0]);
