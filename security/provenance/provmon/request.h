/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: reads and writes that end in another context
 */
#ifndef _SECURITY_PROVMON_REQUEST_H
#define _SECURITY_PROVMON_REQUEST_H

void prov_request_add_hooks(void);

#endif /* _SECURITY_PROVMON_REQUEST_H */
