/* SPDX-License-Identifier: GPL-2.0 */
/* Messages to the journal, or to a terminal */
#ifndef RECORDER_SAY_H
#define RECORDER_SAY_H

#include <syslog.h>

/**
 * say - print a message on stderr
 * @priority: LOG_ERR, LOG_WARNING, LOG_NOTICE or LOG_INFO; with the journal on
 *	the other end, the message has it
 * @format: one line, without a line feed
 */
__attribute__((format(printf, 2, 3)))
void say(int priority, const char *format, ...);

#endif /* RECORDER_SAY_H */
