/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: descriptors that go from one process to another
 */
#ifndef _SECURITY_PROVMON_PASS_H
#define _SECURITY_PROVMON_PASS_H

void prov_pass_add_hooks(void);

#endif /* _SECURITY_PROVMON_PASS_H */
