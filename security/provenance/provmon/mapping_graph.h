/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: the graph of mappings, between the files that keep it
 */
#ifndef _SECURITY_PROVMON_MAPPING_GRAPH_H
#define _SECURITY_PROVMON_MAPPING_GRAPH_H

#include "mapping.h"

extern spinlock_t prov_map_graph_lock;

static inline bool prov_map_is_process(const struct prov_map *const map)
{
	return map->memory;
}

static inline bool prov_map_is_stale(const struct prov_map *const map)
{
	return READ_ONCE(map->obj->flags) & PROV_OBJ_STALE;
}

/* Are both ends of one group? */
static inline bool prov_arc_is_inner(const struct prov_arc *const arc)
{
	return arc->src->group && arc->src->group == arc->dst->group;
}

enum prov_result prov_arc_transfer(const struct prov_arc *arc);
bool prov_arc_take_over(struct prov_arc *arc);
void prov_arc_arm(struct prov_arc *arc);
void prov_arc_announce(struct prov_arc *arc, struct list_head *work);
void prov_map_tell(struct list_head *work);
void prov_map_spread(struct prov_map *map, const struct prov_map *cause);
bool prov_map_pull(struct prov_map *map);
bool prov_map_pull_some(struct prov_map *map);
bool prov_map_pull_first(struct prov_map *map);

void prov_group_form(struct prov_arc *arc);
void prov_group_split(struct prov_arc *arc);

#endif /* _SECURITY_PROVMON_MAPPING_GRAPH_H */
