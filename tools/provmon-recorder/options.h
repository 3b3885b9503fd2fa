/* SPDX-License-Identifier: GPL-2.0 */
/* What the administrator can choose */
#ifndef RECORDER_OPTIONS_H
#define RECORDER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct options - the settings of a recorder
 * @log_dir: where segments are written
 * @channels_dir: where the kernel's channel files are
 * @runtime_dir: where the status file is kept
 * @group: group that may read the log
 * @max_segment_bytes: a segment is sealed when it has grown to this size
 * @max_age_ns: or when it is this old
 * @retain_bytes: the oldest segments are removed while the log is larger; 0: never
 * @retain_percent: the same as a part of the file system, if @retain_bytes is 0
 * @keep_bytes: sealed segments that a full disk does not cost
 * @retain_age_ns: segments that ended longer ago are removed; 0: never
 * @memory_bytes: most that is kept in memory while nothing can be written
 * @carry_bytes: most memory for descriptions of nodes
 * @level: zstd compression level
 * @once: write what there is and end
 * @no_kernel: the channels are not those of the running kernel
 * @no_sandbox: keep privileges and all system calls, for debugging
 */
struct options {
	const char *log_dir;
	const char *channels_dir;
	const char *runtime_dir;
	const char *group;
	uint64_t max_segment_bytes;
	uint64_t max_age_ns;
	uint64_t retain_bytes;
	unsigned int retain_percent;
	uint64_t keep_bytes;
	uint64_t retain_age_ns;
	uint64_t memory_bytes;
	uint64_t carry_bytes;
	int	 level;
	bool	 once;
	bool	 no_kernel;
	bool	 no_sandbox;
};

/**
 * options_parse - read the command line
 *
 * Return: -1 to go on, or the exit status to end with: 0 after --help or
 * --version, EX_USAGE after a message about what is wrong.
 */
int options_parse(struct options *options, int argc, char **argv);

#endif /* RECORDER_OPTIONS_H */
