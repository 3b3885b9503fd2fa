// SPDX-License-Identifier: GPL-2.0
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <zstd.h>

#include "kernel.h"
#include "segment.h"

#define MIB		(1ull << 20)
#define SECOND_NS	1000000000ull

#define MIN_SEGMENT_BYTES (64ull << 10)
/* Room for a few reads of every CPU, and for a frame that is being written. */
#define MIN_MEMORY_BYTES (4 * MIB)

static const char usage[] =
"Usage: provmon-recorder [OPTION]...\n"
"Record what provmon in the kernel reports, in a log directory.\n"
"\n"
"  -l, --log DIR            write the log there (/var/log/provenance)\n"
"      --group NAME         group that may read the log (adm)\n"
"      --max-segment SIZE   seal a segment that has grown to SIZE (64M)\n"
"      --max-age TIME       seal a segment that is older than TIME (1h)\n"
"      --retain-size SIZE   remove the oldest segments while the log is larger;\n"
"                           SIZE may be a percentage of the file system, 0 is\n"
"                           without limit (20%)\n"
"      --keep-min SIZE      on a full disk, keep SIZE of sealed segments rather than\n"
"                           write new ones (0)\n"
"      --retain-age TIME    remove segments that ended longer ago; 0 is never (0)\n"
"      --level N            zstd compression level (3)\n"
"      --memory SIZE        keep up to SIZE in memory while the disk is slow or\n"
"                           full (64M)\n"
"      --carry-memory SIZE  remember up to SIZE of descriptions of living objects,\n"
"                           for later segments (256M)\n"
"      --channels DIR       read the kernel's channels there\n"
"                           (" PROV_CHANNELS_DIR ")\n"
"      --runtime DIR        keep the status there (/run/provmon-recorder)\n"
"      --once               write what is there, seal the segment, and end\n"
"      --no-kernel          the channels are not of the running kernel: do not talk\n"
"                           to it\n"
"      --no-sandbox         keep privileges and system calls, for debugging\n"
"  -h, --help               print this and end\n"
"  -V, --version            print the version and end\n"
"\n"
"SIZE is in bytes, or with K, M, G or T behind it; TIME is in seconds, or with s,\n"
"m, h or d behind it.  SIGTERM ends it when all is written; SIGUSR1 begins a new\n"
"segment.  Exit status: 0 ended as asked, 64 wrong usage, 69 the kernel does not\n"
"record or another recorder runs, 71 something failed at start, 74 records that\n"
"were read could not be written, 77 it lacks CAP_AUDIT_CONTROL.\n";

enum {
	OPT_GROUP = 256, OPT_MAX_SEGMENT, OPT_MAX_AGE, OPT_RETAIN_SIZE, OPT_KEEP_MIN,
	OPT_RETAIN_AGE, OPT_LEVEL, OPT_MEMORY, OPT_CARRY_MEMORY, OPT_CHANNELS, OPT_RUNTIME,
	OPT_ONCE, OPT_NO_KERNEL, OPT_NO_SANDBOX,
};

static const struct option long_options[] = {
	{ "log",	  required_argument, NULL, 'l' },
	{ "group",	  required_argument, NULL, OPT_GROUP },
	{ "max-segment",  required_argument, NULL, OPT_MAX_SEGMENT },
	{ "max-age",	  required_argument, NULL, OPT_MAX_AGE },
	{ "retain-size",  required_argument, NULL, OPT_RETAIN_SIZE },
	{ "keep-min",	  required_argument, NULL, OPT_KEEP_MIN },
	{ "retain-age",	  required_argument, NULL, OPT_RETAIN_AGE },
	{ "level",	  required_argument, NULL, OPT_LEVEL },
	{ "memory",	  required_argument, NULL, OPT_MEMORY },
	{ "carry-memory", required_argument, NULL, OPT_CARRY_MEMORY },
	{ "channels",	  required_argument, NULL, OPT_CHANNELS },
	{ "runtime",	  required_argument, NULL, OPT_RUNTIME },
	{ "once",	  no_argument,	     NULL, OPT_ONCE },
	{ "no-kernel",	  no_argument,	     NULL, OPT_NO_KERNEL },
	{ "no-sandbox",	  no_argument,	     NULL, OPT_NO_SANDBOX },
	{ "help",	  no_argument,	     NULL, 'h' },
	{ "version",	  no_argument,	     NULL, 'V' },
	{ }
};

/* A number and a unit of @units, each @scale[i] large; false if it is none. */
static bool parse_scaled(const char *text, const char *units, const uint64_t *scale,
			 uint64_t *value)
{
	const char *unit;
	uint64_t number;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno)
		return false;
	if (!*end) {
		*value = number * scale[0];
		return number <= UINT64_MAX / scale[0];
	}
	unit = strchr(units, tolower((unsigned char)*end));
	if (!unit || end[1])
		return false;
	*value = number * scale[unit - units];
	return number <= UINT64_MAX / scale[unit - units];
}

static bool parse_size(const char *text, uint64_t *bytes)
{
	static const uint64_t scale[] = { 1, 1ull << 10, 1ull << 20, 1ull << 30, 1ull << 40 };

	return parse_scaled(text, "bkmgt", scale, bytes);
}

static bool parse_time(const char *text, uint64_t *ns)
{
	static const uint64_t scale[] = {
		SECOND_NS, 60 * SECOND_NS, 3600 * SECOND_NS, 86400 * SECOND_NS
	};

	return parse_scaled(text, "smhd", scale, ns);
}

static bool parse_retain_size(const char *text, struct options *options)
{
	const size_t length = strlen(text);

	if (length && text[length - 1] == '%') {
		char *end;
		const unsigned long percent = strtoul(text, &end, 10);

		options->retain_bytes = 0;
		options->retain_percent = percent;
		return isdigit((unsigned char)*text) && end == text + length - 1 &&
		       percent >= 1 && percent <= 100;
	}
	options->retain_percent = 0;
	return parse_size(text, &options->retain_bytes);
}

static bool parse_level(const char *text, int *level)
{
	char *end;
	const long value = strtol(text, &end, 10);

	*level = value;
	return end != text && !*end && value >= 1 && value <= ZSTD_maxCLevel();
}

int options_parse(struct options *options, int argc, char **argv)
{
	int option, index = 0;

	*options = (struct options) {
		.log_dir = "/var/log/provenance",
		.channels_dir = PROV_CHANNELS_DIR,
		.runtime_dir = "/run/provmon-recorder",
		.group = "adm",
		.max_segment_bytes = 64 * MIB,
		.max_age_ns = 3600 * SECOND_NS,
		.retain_percent = 20,
		.memory_bytes = 64 * MIB,
		.carry_bytes = 256 * MIB,
		.level = 3,
	};
	while ((option = getopt_long(argc, argv, "l:hV", long_options, &index)) != -1) {
		bool good = true;

		switch (option) {
		case 'l':
			options->log_dir = optarg;
			break;
		case OPT_GROUP:
			options->group = optarg;
			break;
		case OPT_MAX_SEGMENT:
			good = parse_size(optarg, &options->max_segment_bytes) &&
			       options->max_segment_bytes >= MIN_SEGMENT_BYTES;
			break;
		case OPT_MAX_AGE:
			good = parse_time(optarg, &options->max_age_ns) && options->max_age_ns;
			break;
		case OPT_RETAIN_SIZE:
			good = parse_retain_size(optarg, options);
			break;
		case OPT_KEEP_MIN:
			good = parse_size(optarg, &options->keep_bytes);
			break;
		case OPT_RETAIN_AGE:
			good = parse_time(optarg, &options->retain_age_ns);
			break;
		case OPT_LEVEL:
			good = parse_level(optarg, &options->level);
			break;
		case OPT_MEMORY:
			good = parse_size(optarg, &options->memory_bytes) &&
			       options->memory_bytes >= MIN_MEMORY_BYTES;
			break;
		case OPT_CARRY_MEMORY:
			good = parse_size(optarg, &options->carry_bytes);
			break;
		case OPT_CHANNELS:
			options->channels_dir = optarg;
			break;
		case OPT_RUNTIME:
			options->runtime_dir = optarg;
			break;
		case OPT_ONCE:
			options->once = true;
			break;
		case OPT_NO_KERNEL:
			options->no_kernel = true;
			break;
		case OPT_NO_SANDBOX:
			options->no_sandbox = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return EX_OK;
		case 'V':
			printf("provmon-recorder %s, record format %d\n", PROV_VERSION,
			       PROV_FORMAT_VERSION);
			return EX_OK;
		default:
			fputs("Try 'provmon-recorder --help'.\n", stderr);
			return EX_USAGE;
		}
		if (!good) {
			fprintf(stderr, "provmon-recorder: '%s' is no value for --%s\n"
				"Try 'provmon-recorder --help'.\n", optarg,
				long_options[index].name);
			return EX_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "provmon-recorder: unexpected '%s'\n"
			"Try 'provmon-recorder --help'.\n", argv[optind]);
		return EX_USAGE;
	}
	return -1;
}
