/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: SysV and POSIX message queues
 */
#ifndef _SECURITY_PROVMON_MESSAGE_H
#define _SECURITY_PROVMON_MESSAGE_H

void prov_message_add_hooks(void);

#endif /* _SECURITY_PROVMON_MESSAGE_H */
