// SPDX-License-Identifier: GPL-2.0
/* Wall-clock times.  See when.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "when.h"

#define NS_PER_S 1000000000ull

void when_format(char text[WHEN_BYTES], uint64_t wall_ns)
{
	const time_t seconds = wall_ns / NS_PER_S;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	snprintf(text, WHEN_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%09uZ", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (unsigned int)(wall_ns % NS_PER_S));
}

void when_format_short(char text[WHEN_BYTES], uint64_t wall_ns, bool date)
{
	const time_t seconds = wall_ns / NS_PER_S;
	struct tm tm;
	size_t at = 0;

	gmtime_r(&seconds, &tm);
	if (date)
		at = snprintf(text, WHEN_BYTES, "%04d-%02d-%02d ", tm.tm_year + 1900, tm.tm_mon + 1,
			      tm.tm_mday);
	snprintf(text + at, WHEN_BYTES - at, "%02d:%02d:%02d.%06u", tm.tm_hour, tm.tm_min,
		 tm.tm_sec, (unsigned int)(wall_ns % NS_PER_S / 1000));
}

/* Digits after a decimal point, as nanoseconds; *@unit_ns is that of the last. */
static uint64_t fraction(const char **at, uint64_t *unit_ns)
{
	uint64_t unit = NS_PER_S, sum = 0;

	for (; isdigit((unsigned char)**at); (*at)++) {
		unit /= 10;
		sum += (**at - '0') * unit;
	}
	*unit_ns = unit ? unit : 1;
	return sum;
}

static bool parse_seconds(const char *at, bool end, uint64_t *wall_ns)
{
	uint64_t seconds = 0, unit_ns = NS_PER_S;

	if (!isdigit((unsigned char)*at))
		return false;
	for (; isdigit((unsigned char)*at); at++) {
		seconds = seconds * 10 + (*at - '0');
		if (seconds >= UINT64_MAX / NS_PER_S)
			return false;
	}
	*wall_ns = seconds * NS_PER_S;
	if (*at == '.') {
		at++;
		*wall_ns += fraction(&at, &unit_ns);
	}
	if (end)
		*wall_ns += unit_ns - 1;
	return !*at;
}

static bool parse_relative(const char *at, uint64_t now_ns, uint64_t *wall_ns)
{
	static const struct {
		const char *names[4];
		uint64_t seconds;
	} units[] = {
		{ { "s", "sec", "second", "seconds" }, 1 },
		{ { "m", "min", "minute", "minutes" }, 60 },
		{ { "h", "hour", "hours" }, 3600 },
		{ { "d", "day", "days" }, 86400 },
		{ { "w", "week", "weeks" }, 604800 },
	};
	char *unit;
	unsigned long long count;

	if (!isdigit((unsigned char)*at))
		return false;
	count = strtoull(at, &unit, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		for (int j = 0; j < 4 && units[i].names[j]; j++) {
			uint64_t back_ns;

			if (strcmp(unit, units[i].names[j]))
				continue;
			if (count > UINT64_MAX / NS_PER_S / units[i].seconds)
				return false;
			back_ns = count * units[i].seconds * NS_PER_S;
			*wall_ns = back_ns > now_ns ? 0 : now_ns - back_ns;
			return true;
		}
	}
	return false;
}

/* "Z", "+hh:mm", "+hhmm" or "+hh" up to the end of the text; seconds to take off. */
static bool parse_zone(const char *at, long *zone_s)
{
	int hours, minutes = 0, used = 0;
	long sign;

	*zone_s = 0;
	if (!*at || !strcmp(at, "Z") || !strcmp(at, "z"))
		return true;
	if (*at != '+' && *at != '-')
		return false;
	sign = *at == '-' ? -1 : 1;
	at++;
	if (!(sscanf(at, "%2d:%2d%n", &hours, &minutes, &used) == 2 && !at[used]) &&
	    !(sscanf(at, "%2d%2d%n", &hours, &minutes, &used) == 2 && !at[used]) &&
	    !(sscanf(at, "%2d%n", &hours, &used) == 1 && !at[used]))
		return false;
	*zone_s = sign * (hours * 3600l + minutes * 60l);
	return hours >= 0 && hours <= 14 && minutes >= 0 && minutes < 60;
}

static bool parse_iso(const char *at, bool end, uint64_t *wall_ns)
{
	uint64_t unit_ns = 86400 * NS_PER_S, part_ns = 0;
	struct tm tm = {}, check;
	time_t seconds;
	long zone_s;
	int used = 0;

	if (sscanf(at, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &used) != 3)
		return false;
	at += used;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (*at == 'T' || *at == 't' || *at == ' ') {
		at++;
		used = 0;
		if (sscanf(at, "%2d:%2d%n", &tm.tm_hour, &tm.tm_min, &used) != 2)
			return false;
		at += used;
		unit_ns = 60 * NS_PER_S;
		if (*at == ':') {
			at++;
			used = 0;
			if (sscanf(at, "%2d%n", &tm.tm_sec, &used) != 1)
				return false;
			at += used;
			unit_ns = NS_PER_S;
			if (*at == '.' || *at == ',') {
				at++;
				part_ns = fraction(&at, &unit_ns);
			}
		}
	}
	if (!parse_zone(at, &zone_s))
		return false;
	check = tm;
	seconds = timegm(&check);
	if (check.tm_mday != tm.tm_mday || check.tm_mon != tm.tm_mon || tm.tm_hour > 23 ||
	    tm.tm_min > 59 || tm.tm_sec > 60 || seconds < zone_s)
		return false;
	seconds -= zone_s;
	if ((uint64_t)seconds >= UINT64_MAX / NS_PER_S)
		return false;
	*wall_ns = seconds * NS_PER_S + part_ns + (end ? unit_ns - 1 : 0);
	return true;
}

bool when_parse(const char *text, uint64_t now_ns, bool end, uint64_t *wall_ns)
{
	if (*text == '@')
		return parse_seconds(text + 1, end, wall_ns);
	if (*text == '-')
		return parse_relative(text + 1, now_ns, wall_ns);
	return parse_iso(text, end, wall_ns);
}
