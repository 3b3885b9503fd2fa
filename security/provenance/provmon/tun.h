/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: TUN and TAP devices
 */
#ifndef _SECURITY_PROVMON_TUN_H
#define _SECURITY_PROVMON_TUN_H

void prov_tun_add_hooks(void);

#endif /* _SECURITY_PROVMON_TUN_H */
