/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What was recorded in a schedule of mappings: which objects are among the
 * ancestors of each version.
 *
 * Objects from LOG_OBJECTS on are only sources: they have one version.
 */
#ifndef _MAPPING_LOG_H
#define _MAPPING_LOG_H

#include "engine_port.h"

enum {
	LOG_OBJECTS	= 12,
	LOG_ALL		= 64,
};

void log_reset(void);

/**
 * log_edge - a record was written
 *
 * Return: NULL, or what is wrong with it
 */
const char *log_edge(int src, u32 src_version, int dst, u32 dst_version);

/**
 * log_ancestors - the objects among the ancestors of a version
 *
 * Return: a bit for each
 */
u64 log_ancestors(int obj, u32 version);

bool log_has_cycle(void);

#endif /* _MAPPING_LOG_H */
