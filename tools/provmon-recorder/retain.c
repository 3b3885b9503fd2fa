// SPDX-License-Identifier: GPL-2.0
#include "retain.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "say.h"
#include "segment.h"

/* Best effort: the message in the journal and the gap in the numbers remain. */
static void leave_mark(const struct retain *retain, const struct prov_segment_entry *entry,
		       const char *reason)
{
	const time_t now = time(NULL);
	char stamp[32], line[160];
	struct tm tm;
	int fd, n;

	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	n = snprintf(line, sizeof(line), "{\"time\":\"%s\",\"segment\":%" PRIu64
		     ",\"bytes\":%" PRIu64 ",\"reason\":\"%s\"}\n", stamp, entry->number,
		     entry->bytes, reason);
	fd = openat(retain->dirfd, RETAIN_MARKS_NAME,
		    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0 || write(fd, line, n) != n)
		say(LOG_WARNING, "cannot mark the removal of segment %" PRIu64 ": %s",
		    entry->number, strerror(errno));
	if (fd < 0)
		return;
	if (retain->gid != (gid_t)-1)
		(void)!fchown(fd, -1, retain->gid);
	close(fd);
}

static int remove_segment(struct retain *retain, const struct prov_segment_entry *entry,
			  const char *reason)
{
	char name[PROV_SEGMENT_NAME_BYTES];

	prov_segment_name(name, entry->number, entry->open);
	if (unlinkat(retain->dirfd, name, 0))
		return -errno;
	retain->removed++;
	retain->segments--;
	retain->log_bytes -= entry->bytes;
	say(LOG_NOTICE, "removed segment %" PRIu64 " (%" PRIu64 " bytes): %s", entry->number,
	    entry->bytes, reason);
	leave_mark(retain, entry, reason);
	return 0;
}

/* List the segments, which are counted by that; the caller frees @entries. */
static int list(struct retain *retain, struct prov_segment_entry **entries, size_t *count)
{
	const int err = prov_segment_list(retain->dirfd, entries, count);

	if (err)
		return err;
	retain->segments = 0;
	retain->log_bytes = 0;
	for (size_t i = 0; i < *count; i++) {
		if ((*entries)[i].open && (*entries)[i].number == retain->writing)
			continue;
		retain->segments++;
		retain->log_bytes += (*entries)[i].bytes;
	}
	return 0;
}

int retain_count(struct retain *retain)
{
	struct prov_segment_entry *entries;
	size_t count;
	const int err = list(retain, &entries, &count);

	if (!err)
		free(entries);
	return err;
}

static bool may_go(const struct retain *retain, const struct prov_segment_entry *entry)
{
	return !entry->open || (entry->number >= retain->began &&
				entry->number < retain->writing);
}

static int read_all(int fd, void *data, size_t bytes, uint64_t offset)
{
	return pread(fd, data, bytes, offset) == (ssize_t)bytes ? 0 : -EIO;
}

static uint64_t since(clockid_t clock, uint64_t then_ns)
{
	struct timespec now;
	uint64_t now_ns;

	clock_gettime(clock, &now);
	now_ns = now.tv_sec * 1000000000ull + now.tv_nsec;
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

/*
 * Age of the last record.  In the boot in which it was recorded no step of the wall
 * clock makes it older; later there is only the wall clock, as it was then.
 * What has no seal is as old as its file.
 */
static uint64_t age_ns(const struct retain *retain, int fd)
{
	struct prov_segment_header header;
	struct stat stat;
	struct {
		struct prov_frame_header frame;
		struct prov_segment_seal seal;
	} end;

	if (fstat(fd, &stat))
		return 0;
	if ((uint64_t)stat.st_size < sizeof(header) + sizeof(end) ||
	    read_all(fd, &header, sizeof(header), 0) ||
	    read_all(fd, &end, sizeof(end), stat.st_size - sizeof(end)) ||
	    le32toh(end.frame.magic) != PROV_FRAME_MAGIC ||
	    le32toh(end.frame.type) != PROV_FRAME_SEAL || !end.seal.last_wall_ns)
		return since(CLOCK_REALTIME, stat.st_mtim.tv_sec * 1000000000ull +
			     stat.st_mtim.tv_nsec);
	if (!memcmp(header.boot_id, retain->boot_id, sizeof(header.boot_id)))
		return since(CLOCK_BOOTTIME, le64toh(end.frame.last_ns));
	return since(CLOCK_REALTIME, le64toh(end.seal.last_wall_ns));
}

static bool too_old(const struct retain *retain, const struct prov_segment_entry *entry)
{
	char name[PROV_SEGMENT_NAME_BYTES];
	bool old;
	int fd;

	if (!retain->age_ns)
		return false;
	prov_segment_name(name, entry->number, entry->open);
	fd = openat(retain->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	old = age_ns(retain, fd) > retain->age_ns;
	close(fd);
	return old;
}

int retain_apply(struct retain *retain)
{
	struct prov_segment_entry *entries;
	uint64_t total = 0;
	size_t count;
	int err;

	err = list(retain, &entries, &count);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++)
		total += entries[i].bytes;
	for (size_t i = 0; !err && i < count; i++) {
		if (!may_go(retain, &entries[i]))
			continue;
		if (retain->bytes && total > retain->bytes)
			err = remove_segment(retain, &entries[i], "size");
		else if (too_old(retain, &entries[i]))
			err = remove_segment(retain, &entries[i], "age");
		else
			break;
		if (!err)
			total -= entries[i].bytes;
	}
	free(entries);
	return err;
}

int retain_make_room(struct retain *retain)
{
	struct prov_segment_entry *entries;
	size_t count, oldest = 0;
	int err;

	err = list(retain, &entries, &count);
	if (err)
		return err;
	/* One that could not be repaired may be older than all that are sealed. */
	while (oldest < count && !may_go(retain, &entries[oldest]))
		oldest++;
	if (oldest < count && retain->log_bytes >= retain->least_bytes + entries[oldest].bytes)
		err = remove_segment(retain, &entries[oldest], "full");
	else
		err = -ENOENT;
	free(entries);
	return err;
}
