/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flows of a log, in an order in which they can have happened, and what can
 * be reached in a graph of records.
 */
#ifndef _REPLAY_FLOWS_H
#define _REPLAY_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct flow - information moved from one object to another
 * @src: number of the object that it came from
 * @dst: number of the object that it went to
 * @src_version: version of @src in the log
 * @dst_version: version of @dst in the log
 * @time_ns: when it was recorded
 * @op: enum prov_op
 */
struct flow {
	uint32_t src;
	uint32_t dst;
	uint32_t src_version;
	uint32_t dst_version;
	uint64_t time_ns;
	uint8_t	 op;
};

/**
 * struct flows - the data flows of a log
 * @flow: array of @count
 * @kind: of each of @objects, enum prov_node_kind, 0 if not known
 * @lost: records that the log lacks
 */
struct flows {
	struct flow *flow;
	size_t count;
	uint8_t *kind;
	uint32_t objects;
	uint64_t lost;
};

/**
 * flows_load - the data edges of a log as flows, ordered by flows_order()
 * @directory: the log; its newest boot counts
 *
 * Return: NULL, or what went wrong, a constant string.
 */
const char *flows_load(struct flows *flows, const char *directory);
void flows_free(struct flows *flows);

/**
 * flows_order - put flows into the order of their captures
 *
 * All edges of a version come before those of the next one, and within a version
 * those into it before those out of it: so the engine captures them.  What this
 * leaves open is decided by time.
 *
 * Return: false if there is no such order: then the log breaks the engine's
 * invariant, or has a cycle.
 */
bool flows_order(struct flows *flows);

/**
 * flows_cut - a part of flows, with the objects that it has, and versions from the first of these
 * @whole: flows in order
 * @first: the first one of the part
 * @count: how many it may have
 * @objects: how many objects it may have, two at least
 * @part: set to the part; flows_free() frees it
 *
 * Return: the number of the first flow behind the part.
 */
size_t flows_cut(const struct flows *whole, size_t first, size_t count, uint32_t objects,
		 struct flows *part);

/* A set of objects: an array of set_words(objects) words. */
static inline size_t set_words(uint32_t objects)
{
	return (objects + 63) / 64;
}

static inline void set_add(uint64_t *set, uint32_t object)
{
	set[object / 64] |= 1ull << object % 64;
}

static inline void set_join(uint64_t *set, const uint64_t *other, size_t words)
{
	for (size_t i = 0; i < words; i++)
		set[i] |= other[i];
}

/** set_digest - two sets that differ have different ones, but for bad luck */
uint64_t set_digest(const uint64_t *set, size_t words);

/**
 * typedef reach_fn - what is among the ancestors of a version
 * @set: the objects, itself included
 */
typedef void reach_fn(void *context, uint32_t object, uint32_t version, const uint64_t *set);

/**
 * flows_reach - ancestors of all versions in the graph that records make
 * @record: the records, in any order; each version also comes from the one before
 * @count: of @record
 * @objects: how many there are
 * @told: called once for each version up to the last that a record names
 *
 * Relies on nothing that the engine promises.
 *
 * Return: false if the graph has a cycle.
 */
bool flows_reach(const struct flow *record, size_t count, uint32_t objects, reach_fn *told,
		 void *context);

void *must_alloc(size_t count, size_t bytes);

#endif /* _REPLAY_FLOWS_H */
