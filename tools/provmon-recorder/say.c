// SPDX-License-Identifier: GPL-2.0
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void say(int priority, const char *format, ...)
{
	char line[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* One call, one line: two threads may speak. */
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", priority, line);
	else
		fprintf(stderr, "provmon-recorder: %s\n", line);
}
