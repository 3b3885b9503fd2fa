/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: the version engine
 *
 * Decides for each flow whether it is new, which versions it connects and what
 * is remembered of it.  It knows nothing of processes or inodes, and also
 * compiles in user space (tests/engine), with engine_port.h in place of the
 * kernel's locks.
 */
#ifndef _SECURITY_PROVMON_ENGINE_H
#define _SECURITY_PROVMON_ENGINE_H

#ifdef __KERNEL__
#include <asm/barrier.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#else
#include "engine_port.h"
#endif

struct prov_map;

/**
 * struct prov_object - what a node of the graph is in memory
 * @id: never 0, never used again within a boot; read without lock
 * @version: written under @lock
 * @hot: what the caches of open files compare with: @version, or while
 *	PROV_OBJ_STALE is set PROV_VERSION_LAST, which is never cached.  Written
 *	under @lock, read without
 * @kind: enum prov_node_kind; 0 if nothing ever flows in or out
 * @out: a flow out of @version is recorded, or is about to be; under @lock
 * @flags: PROV_OBJ_*, for the owner of the object; only PROV_OBJ_STALE is the
 *	engine's
 * @influences: edges that came to it and make no version; see told.c.  Written without
 *	lock: one that is lost came at the time of another
 * @lock: taken with interrupts off; of two, the one with the lower id first
 * @map: its mappings (mapping.h), or NULL as long as it never had one
 *
 * The invariant that everything rests on: an edge into a version is only
 * captured while @out is clear, and an edge out of it sets @out.  So along any
 * path the moments of capture grow, and no cycle can close, in whatever order
 * the records are written.
 */
struct prov_object {
	u64		id;
	u32		version;
	u32		hot;
	u8		kind;
	bool		out;
	u16		flags;
	spinlock_t	lock;	/* of @version, @hot, @out, @flags */
	u32		influences;
	struct prov_map	*map;
};

/* Flag: something that is mapped has news that the object has not taken over. */
#define PROV_OBJ_STALE		0x8000

/* Version that a node enters when it can have no more. */
#define PROV_VERSION_LAST	U32_MAX

#define PROV_MEMORY_SETS	8	/* a power of two */
#define PROV_MEMORY_WAYS	4

/**
 * struct prov_memory_set - the flows that share a part of the memory
 * @way: the one used last comes first; no key is there twice
 * @way.key: the other object and the direction; 0 if there is none
 * @way.version: version of the source that the destination has absorbed
 */
struct prov_memory_set {
	struct prov_memory_way {
		u64	key;
		u32	version;
	} way[PROV_MEMORY_WAYS];
};

/**
 * struct prov_memory - flows that a process was part of and need no record
 * @set: by a hash of the key
 *
 * Belongs to one process object and is protected by its lock.  Forgetting is
 * safe: it costs a record and changes no answer.
 */
struct prov_memory {
	struct prov_memory_set set[PROV_MEMORY_SETS];
};

/* Which side of a flow the process is that remembers it. */
enum prov_direction {
	PROV_IN,	/* the other object flows into the process */
	PROV_OUT,	/* the process flows into the other object */
};

/**
 * struct prov_channel - the two ends of a flow and what remembers it
 * @src: where the information comes from
 * @dst: where it goes
 * @memory: of the process that is one of the two, or NULL
 * @direction: which one it is
 * @cache: word of the open file through which the flow goes, or NULL
 * @cache_id: prov_cache_id() of the process
 * @op: enum prov_op, for the record
 */
struct prov_channel {
	struct prov_object	*src;
	struct prov_object	*dst;
	struct prov_memory	*memory;
	enum prov_direction	direction;
	u64			*cache;
	u32			cache_id;
	u8			op;
};

/**
 * struct prov_send - a flow that has begun and whose outcome is not known
 * @src_version: version of the source when it began
 * @dst_version: version of the destination that the data goes into
 * @fresh: the destination had not absorbed @src_version
 */
struct prov_send {
	u32	src_version;
	u32	dst_version;
	bool	fresh;
};

/*
 * The cache of an open file is one word for each direction: the process and
 * the version of the source of the last flow through it.  A file can be shared
 * by processes, so the word is read and written at once.
 */
#define PROV_CACHE_NEVER	U32_MAX

/**
 * prov_cache_id - the short form of a process id for cache words
 * @id: id of the process
 *
 * Return: an id that is unique, or PROV_CACHE_NEVER when ids no longer fit: the
 * process then does without.  Never 0, so that a zeroed word never hits.
 */
static inline u32 prov_cache_id(u64 id)
{
	return id < PROV_CACHE_NEVER ? id : PROV_CACHE_NEVER;
}

static inline u64 prov_cache_word(u32 cache_id, u32 version)
{
	return (u64)cache_id << 32 | version;
}

/**
 * prov_cache_hit - was this flow recorded through this open file before?
 * @cache: word of the open file for this direction
 * @cache_id: of the process
 * @hot: of the source
 *
 * Of a receiver, to be called after the data was obtained.
 */
static __always_inline bool prov_cache_hit(const u64 *cache, u32 cache_id,
					   u32 hot)
{
	return READ_ONCE(*cache) == prov_cache_word(cache_id, hot);
}

/*
 * Is what is known left out?  Off, each flow is recorded: memories and caches
 * stay empty, so that nothing is ever found in them.  Set before the first flow.
 */
extern bool prov_suppress;

/**
 * enum prov_result - what became of a flow
 * @PROV_LOST: its record was lost
 * @PROV_KNOWN: nothing is new
 * @PROV_NEW: it was recorded
 */
enum prov_result {
	PROV_LOST,
	PROV_KNOWN,
	PROV_NEW,
};

void prov_object_init(struct prov_object *obj, u64 id, u8 kind);
bool prov_flow(const struct prov_channel *chan);
void prov_send_begin(const struct prov_channel *chan, struct prov_send *send);
bool prov_send_end(const struct prov_channel *chan,
		   const struct prov_send *send);
enum prov_result prov_transfer(const struct prov_channel *chan);
u32 prov_close_version(struct prov_object *obj);
u32 prov_capture(struct prov_object *obj, u64 *captured);

/**
 * prov_emit_edge - write the record of a data edge; the engine's only output
 * @op: enum prov_op
 * @src: source, locked
 * @src_version: version that it comes from
 * @dst: destination, locked
 * @dst_version: version that it goes into
 *
 * Provided by the user of the engine.  Must not sleep.
 *
 * Return: true if the record is in the buffer; false if it was lost, and
 * counted.
 */
bool prov_emit_edge(u8 op, const struct prov_object *src, u32 src_version,
		    const struct prov_object *dst, u32 dst_version);

/**
 * prov_emit_lost - count a record that cannot be written
 *
 * Provided by the user of the engine.
 */
void prov_emit_lost(void);

#endif /* _SECURITY_PROVMON_ENGINE_H */
