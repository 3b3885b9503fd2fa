/* SPDX-License-Identifier: GPL-2.0 */
/* What the reader and the writer of segments share and nobody else needs */
#ifndef PROV_LIB_SEGMENT_INTERNAL_H
#define PROV_LIB_SEGMENT_INTERNAL_H

/* The state of a streamed hash is kept by value. */
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "segment.h"

static inline size_t segment_pad(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

/* The checksum of a frame; @stored is as long as @header says. */
uint64_t segment_frame_hash(const struct prov_frame_header *header, const void *stored,
			    uint64_t index);

/* At the end of a segment: the index of the frame to be appended. */
uint64_t segment_reader_index(const struct prov_segment_reader *reader);

/* At the end of a segment: what the seal's xxh64 has to be. */
uint64_t segment_reader_chain(const struct prov_segment_reader *reader);

#endif /* PROV_LIB_SEGMENT_INTERNAL_H */
