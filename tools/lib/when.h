/* SPDX-License-Identifier: GPL-2.0 */
/* Wall-clock times: CLOCK_REALTIME in ns since 1970, and as text in UTC. */
#ifndef PROV_LIB_WHEN_H
#define PROV_LIB_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#define WHEN_BYTES 96		/* room for a time as text */

/** when_format - "2026-01-01T00:00:00.000000000Z" */
void when_format(char text[WHEN_BYTES], uint64_t wall_ns);

/** when_format_short - "00:00:00.000000", preceded by the date if @date */
void when_format_short(char text[WHEN_BYTES], uint64_t wall_ns, bool date);

/**
 * when_parse - read a time that a person wrote
 * @text: ISO 8601 (date, or date and time, with Z, +hh:mm or nothing for UTC),
 *	"@seconds" with an optional fraction, or "-10min" (s, min, h, d, w)
 * @now_ns: what a relative time is relative to
 * @end: the last instant of what is named: "2026-01-01" ends with the day,
 *	"12:30" with the minute
 * @wall_ns: the time
 *
 * Return: true, or false if @text is no time.
 */
bool when_parse(const char *text, uint64_t now_ns, bool end, uint64_t *wall_ns);

#endif /* PROV_LIB_WHEN_H */
