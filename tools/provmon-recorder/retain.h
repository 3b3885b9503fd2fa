/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Retention: which segments are removed, and the mark that it leaves
 *
 * Each removal is a line of JSON in the file "removed" of the log directory:
 *   {"time":"2026-01-01T00:00:00Z","segment":7,"bytes":123,"reason":"size"}
 * The reason is "size", "age" or "full" (the disk was).  The segment that is being
 * written is never removed, nor what was there before and could not be repaired;
 * one that the recorder has given up is.
 */
#ifndef RECORDER_RETAIN_H
#define RECORDER_RETAIN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RETAIN_MARKS_NAME	"removed"

/**
 * struct retain - what to keep
 * @dirfd: the log directory
 * @gid: group of the file of marks, or (gid_t)-1
 * @bytes: length of the log above which the oldest segments go; 0: never
 * @least_bytes: a full disk does not make the log smaller than this
 * @age_ns: age above which segments go, since their last record; 0: never
 * @boot_id: the running boot, as segments have it
 * @began: number of the first segment of this recorder
 * @writing: number of the segment that is being written, or will be next
 * @removed: counts what was removed
 * @segments: how many there are but @writing, when they were counted last
 * @log_bytes: and their length
 */
struct retain {
	int	 dirfd;
	gid_t	 gid;
	uint64_t bytes;
	uint64_t least_bytes;
	uint64_t age_ns;
	uint8_t	 boot_id[16];
	uint64_t began;
	uint64_t writing;
	uint64_t removed;
	uint64_t segments;
	uint64_t log_bytes;
};

/**
 * retain_count - count the segments anew
 *
 * That reads the whole directory: it is for the start and for each seal.  The
 * functions below keep the count.
 *
 * Return: 0 or a negative errno.
 */
int retain_count(struct retain *retain);

/** retain_apply - remove what is too much or too old; 0 or a negative errno */
int retain_apply(struct retain *retain);

/**
 * retain_make_room - remove the oldest segment that may go
 *
 * Return: 0, -ENOENT if there is none that may go, or another errno.
 */
int retain_make_room(struct retain *retain);

#endif /* RECORDER_RETAIN_H */
