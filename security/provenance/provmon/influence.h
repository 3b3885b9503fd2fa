/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: what one process does to another
 */
#ifndef _SECURITY_PROVMON_INFLUENCE_H
#define _SECURITY_PROVMON_INFLUENCE_H

void prov_influence_add_hooks(void);

#endif /* _SECURITY_PROVMON_INFLUENCE_H */
