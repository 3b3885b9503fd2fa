/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: terminals
 */
#ifndef _SECURITY_PROVMON_TTY_H
#define _SECURITY_PROVMON_TTY_H

void prov_tty_add_hooks(void);

#endif /* _SECURITY_PROVMON_TTY_H */
