/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MAPPING_BOUNDS_H
#define _MAPPING_BOUNDS_H

#include <stdbool.h>

/**
 * mapping_bound - what mappings cost where there are many: a part of bounds
 * @name: what the case is, and what it may cost
 * @run: whether it costs no more
 */
struct mapping_bound {
	const char *name;
	bool (*run)(void);
};

extern const struct mapping_bound mapping_bound[];
extern const unsigned int mapping_bounds;

#endif /* _MAPPING_BOUNDS_H */
