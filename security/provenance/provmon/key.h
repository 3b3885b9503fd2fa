/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: keys
 */
#ifndef _SECURITY_PROVMON_KEY_H
#define _SECURITY_PROVMON_KEY_H

#ifdef CONFIG_KEYS
void prov_key_add_hooks(void);
#else
static inline void prov_key_add_hooks(void) { }
#endif

#endif /* _SECURITY_PROVMON_KEY_H */
