/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: operations that were refused
 */
#ifndef _SECURITY_PROVMON_REFUSAL_H
#define _SECURITY_PROVMON_REFUSAL_H

struct provenance_refusal;

void prov_refused(const struct provenance_refusal *refusal);
void prov_refusal_add_hooks(void);

#endif /* _SECURITY_PROVMON_REFUSAL_H */
