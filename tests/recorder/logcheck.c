// SPDX-License-Identifier: GPL-2.0
/*
 * logcheck: what is in a log that was recorded from feed, as one JSON object
 *
 *   logcheck DIR
 *
 * "missing" and "twice" count edges by the numbers that feed gave them, between
 * the first and the last of each CPU; "last" is the number of the last edge of
 * each CPU.  "undescribed" counts, over all segments, nodes that a segment uses
 * and does not describe, though the log described them before.
 */
#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "segment.h"

#define CPUS		64
#define NODES		4096
#define EDGES		(1u << 24)

#define DESCRIBED_HERE	1	/* NODE record in this segment */
#define NAMED_HERE	2	/* and a text */
#define USED_HERE	4
#define DESCRIBED	8	/* in this segment or an older one */

static uint8_t nodes[CPUS][NODES];
static uint8_t *edges[CPUS];
static uint64_t first_edge[CPUS], last_edge[CPUS], edge_count;
static uint64_t next_seq[CPUS], gap_subbufs, lost, carried, unordered;
static bool seen[CPUS];

static uint8_t *node_of(uint64_t id)
{
	const uint64_t cpu = (id >> 32) - 1, node = (id & 0xffffffff) - 1;

	if (cpu >= CPUS || node >= NODES) {
		fprintf(stderr, "logcheck: node %#" PRIx64 " was never made\n", id);
		exit(1);
	}
	return &nodes[cpu][node];
}

static void take_edge(uint32_t cpu, uint32_t number)
{
	if (!edges[cpu])
		edges[cpu] = calloc(EDGES, 1);
	if (number >= EDGES)
		exit(1);
	if (edges[cpu][number] < 255)
		edges[cpu][number]++;
	if (!seen[cpu] || number < first_edge[cpu])
		first_edge[cpu] = number;
	if (!seen[cpu] || number > last_edge[cpu])
		last_edge[cpu] = number;
	seen[cpu] = true;
	edge_count++;
}

static void take_subbuf(const struct prov_subbuf_header *header, bool is_carried)
{
	const uint32_t cpu = le32toh(header->cpu);
	struct prov_iter iter;
	struct prov_item item;

	if (is_carried != (cpu == PROV_CPU_CARRIED))
		exit(1);
	if (!is_carried) {
		if (le64toh(header->seq) != next_seq[cpu])
			gap_subbufs += le64toh(header->seq) - next_seq[cpu];
		next_seq[cpu] = le64toh(header->seq) + 1;
		lost += le64toh(header->lost);
	}
	prov_iter_init(&iter, header);
	while (prov_iter_next(&iter, &item)) {
		switch (item.type) {
		case PROV_R_NODE:
			*node_of(item.id) |= DESCRIBED_HERE | DESCRIBED;
			carried += is_carried;
			break;
		case PROV_R_TEXT:
			*node_of(item.id) |= NAMED_HERE;
			break;
		case PROV_R_EDGE_DATA:
			if (is_carried)
				exit(1);
			*node_of(item.id) |= USED_HERE;
			*node_of(item.edge.to) |= USED_HERE;
			take_edge(cpu, item.edge.to_version);
			break;
		}
	}
	if (iter.broken || iter.bad)
		exit(1);
}

int main(int argc, char **argv)
{
	uint64_t sealed = 0, open_segments = 0, bad = 0, torn = 0, undescribed = 0;
	uint64_t missing = 0, twice = 0, frames = 0;
	struct prov_segment_entry *entries;
	size_t count;
	int dirfd;

	if (argc != 2)
		return 64;
	dirfd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 || prov_segment_list(dirfd, &entries, &count)) {
		perror(argv[1]);
		return 1;
	}
	for (size_t i = 0; i < count; i++) {
		const struct prov_segment_state *state;
		struct prov_segment_reader *reader;
		struct prov_frame frame;
		uint64_t last_ns = 0;

		if (prov_segment_open_entry(&reader, dirfd, &entries[i]))
			return 1;
		for (unsigned int cpu = 0; cpu < CPUS; cpu++)
			for (unsigned int node = 0; node < NODES; node++)
				nodes[cpu][node] &= DESCRIBED;
		while (prov_segment_next(reader, &frame) > 0) {
			const struct prov_subbuf_header *header;
			size_t offset = 0;
			const void *raw;

			frames++;
			if (prov_segment_payload(reader, &raw))
				return 1;
			for (last_ns = 0; (header = prov_subbuf_next(raw, frame.raw_bytes,
								     &offset));) {
				unordered += le64toh(header->first_ns) < last_ns;
				last_ns = le64toh(header->first_ns);
				take_subbuf(header, frame.type == PROV_FRAME_CARRIED);
			}
		}
		state = prov_segment_state(reader);
		sealed += state->end == PROV_SEGMENT_SEALED;
		open_segments += state->end == PROV_SEGMENT_OPEN;
		torn += state->end == PROV_SEGMENT_TORN;
		bad += state->end == PROV_SEGMENT_BAD_SEAL || state->damaged;
		prov_segment_close(reader);
		for (unsigned int cpu = 0; cpu < CPUS; cpu++)
			for (unsigned int node = 0; node < NODES; node++)
				undescribed += nodes[cpu][node] & USED_HERE &&
					nodes[cpu][node] & DESCRIBED &&
					(~nodes[cpu][node] & (DESCRIBED_HERE | NAMED_HERE));
	}
	printf("{\"segments\":%zu,\"sealed\":%" PRIu64 ",\"open\":%" PRIu64 ",\"torn\":%" PRIu64
	       ",\"bad\":%" PRIu64 ",\"first_segment\":%" PRIu64 ",\"frames\":%" PRIu64
	       ",\"edges\":%" PRIu64 ",\"carried\":%" PRIu64 ",\"undescribed\":%" PRIu64
	       ",\"gap_subbufs\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"unordered\":%" PRIu64
	       ",\"last\":[", count, sealed, open_segments, torn, bad,
	       count ? entries[0].number : 0, frames, edge_count, carried, undescribed,
	       gap_subbufs, lost, unordered);
	for (unsigned int cpu = 0; cpu < CPUS && seen[cpu]; cpu++) {
		printf("%s%" PRIu64, cpu ? "," : "", last_edge[cpu]);
		for (uint64_t n = first_edge[cpu]; n <= last_edge[cpu]; n++) {
			missing += !edges[cpu][n];
			twice += edges[cpu][n] > 1;
		}
	}
	printf("],\"missing\":%" PRIu64 ",\"twice\":%" PRIu64 "}\n", missing, twice);
	free(entries);
	return 0;
}
