/* SPDX-License-Identifier: GPL-2.0 */
/* Privilege: what the recorder gives up once it is started */
#ifndef RECORDER_PRIVILEGE_H
#define RECORDER_PRIVILEGE_H

#include <sys/types.h>

/**
 * privilege_drop - keep CAP_AUDIT_READ only
 * @gid: the log's group, to be kept as the only supplementary group, or
 *	(gid_t)-1
 *
 * CAP_AUDIT_READ is needed for each flush and status.  The recorder stays root,
 * who owns the log, but without power over other people's files and processes.
 * To be called before threads are started: capabilities are per thread.
 *
 * Return: 0, or a negative errno after a message.
 */
int privilege_drop(gid_t gid);

/**
 * privilege_confine - allow only the system calls that recording needs
 *
 * For all threads.  Others fail with EPERM.
 *
 * Return: 0, or a negative errno after a message.
 */
int privilege_confine(void);

#endif /* RECORDER_PRIVILEGE_H */
