/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Carry: descriptions of living nodes, for segments that use them later
 *
 * A node is described once by the kernel, when it comes to be known; the edges
 * that use it may stand in segments that are written hours later, when
 * retention has removed the one with the description.  So the recorder
 * remembers the records that describe each living node, and repeats them in a
 * carried frame before the first frame of each further segment that uses the
 * node.  Thus every segment can be understood alone, and costs only the
 * descriptions of what happens in it.
 *
 * What is remembered of a node: its NODE record; of its texts the last of each
 * name (a rename replaces the old name by the new one), and of names the last 32;
 * the last CRED, INODE_ATTR, PEER, OPAQUE and local ADDRESS; the last few remote
 * ADDRESSes.
 * All are repeated with the time at which they were recorded.
 *
 * A process that was forked has the program, arguments, namespaces, cgroup, security
 * context and groups of its parent, and the kernel does not say them again; one that
 * executed a program has some of them from what it was.  Readers find them along
 * the edge, which no later segment has.  So they are remembered as the child's
 * own, since the fork or exec, but for what it has recorded itself; of long arguments
 * the beginning.  Repeating the edge and the parent instead would be an edge
 * that is there twice, and a line of parents that have ended to be kept for each
 * process.
 */
#ifndef RECORDER_CARRY_H
#define RECORDER_CARRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct carry;

/**
 * struct carry_counters - for the status
 * @nodes: nodes remembered
 * @bytes: memory used for them
 * @forgotten: nodes that lived, and were forgotten for want of memory
 * @dropped: names and remote addresses of nodes that have more than a few
 */
struct carry_counters {
	uint64_t nodes;
	uint64_t bytes;
	uint64_t forgotten;
	uint64_t dropped;
};

/**
 * carry_new - make a memory without nodes
 * @limit_bytes: memory that the descriptions may take; when it is used up,
 *	nodes that have ended are forgotten, and then those that were not used for
 *	the longest time
 *
 * Return: it, or NULL without memory.
 */
struct carry *carry_new(size_t limit_bytes);

void carry_free(struct carry *carry);

/** carry_segment - a new segment was begun: nothing is described in it */
void carry_segment(struct carry *carry);

/**
 * carry_prepare - make the descriptions that a frame needs
 * @raw: payload of the frame to be written next
 * @carried: set to sub-buffers, back to back, for a carried frame to be written
 *	before it; they belong to @carry until the next call; NULL if none are
 *	needed
 * @carried_bytes: their length
 *
 * Return: 0, or -ENOMEM; what could be made is in @carried then.
 */
int carry_prepare(struct carry *carry, const void *raw, size_t raw_bytes,
		  const void **carried, size_t *carried_bytes);

/**
 * carry_learn - remember the descriptions in a frame that was written
 * @raw: its payload
 *
 * Return: 0, or -ENOMEM if some are not remembered.
 */
int carry_learn(struct carry *carry, const void *raw, size_t raw_bytes);

/**
 * carry_new_past - make a memory for a segment that is older than all that is known
 * @carry: to which carry_join() will add it
 *
 * It takes at most half of the memory that @carry may take.  One remembers what
 * one frame after the other changes; so a log that is read from its newest
 * segment back needs a memory for each segment.
 *
 * Return: it, for carry_learn() and carry_join(); NULL without memory.
 */
struct carry *carry_new_past(const struct carry *carry);

/**
 * carry_join - add what an older segment tells of nodes that are not known
 * @past: all of the segment; is empty then, and only good for carry_free()
 *
 * Not between carry_prepare() and the use of what it made.
 *
 * Return: is there room for what a still older segment tells?
 */
bool carry_join(struct carry *carry, struct carry *past);

/** carry_counters - what it costs */
struct carry_counters carry_counters(const struct carry *carry);

#endif /* RECORDER_CARRY_H */
