/* SPDX-License-Identifier: GPL-2.0 */
/* What graph-load.c fills and graph.c reads. */
#ifndef PROV_LIB_GRAPH_INTERNAL_H
#define PROV_LIB_GRAPH_INTERNAL_H

#include "graph.h"

/* Bytes in the arena; equal ones are stored once. */
struct blob {
	uint64_t offset;
	uint32_t bytes;
};

/* A time from which on CLOCK_REALTIME is CLOCK_BOOTTIME plus an offset. */
struct wall_step {
	uint64_t boot_ns;
	uint64_t offset_ns;
};

struct wall {
	struct wall_step *steps;
	size_t count;
	size_t room;
	uint64_t carried_offset_ns;	/* used if there are no steps */
	size_t first_subbuf;		/* sub-buffers read before the first of the boot */
};

/* Open addressing; a slot holds an index plus one, 0 if it is free. */
struct table {
	uint32_t *slots;
	size_t mask;
	size_t used;
};

/* What is not in the edge; the blob begins with these numbers, then text. */
struct refusal {
	uint32_t edge;
	uint32_t blob;
};

struct refusal_numbers {
	uint32_t error;
	uint32_t detail;
	uint32_t layer;
};

struct graph {
	struct graph_info info;
	struct graph_boot *boots;
	struct wall *walls;
	struct graph_subbuf *subbufs;
	struct graph_node *nodes;
	struct graph_edge *edges;
	struct refusal *refusals;	/* by edge */
	struct graph_fact *facts;
	struct blob *blobs;
	uint8_t *arena;
	uint32_t *into;			/* edges by (to, to_version, time) */
	uint32_t *into_first;		/* by node; one more than there are nodes */
	uint32_t *out_of;		/* edges by (from, from_version, time) */
	uint32_t *out_of_first;
	struct table node_table;
	uint64_t seed;
	size_t boot_count, boot_room, wall_room;
	size_t subbuf_count, subbuf_room;
	size_t node_count, node_room;
	size_t edge_count, edge_room;
	size_t refusal_count, refusal_room;
	size_t fact_count, fact_room;
	size_t blob_count, blob_room;
	size_t arena_bytes, arena_room;
	uint64_t memory_bytes;		/* taken so far */
	uint64_t max_bytes;
};

/* graph.c */
uint64_t graph_node_hash(const struct graph *graph, uint32_t boot, uint64_t id);

#endif /* PROV_LIB_GRAPH_INTERNAL_H */
