// SPDX-License-Identifier: GPL-2.0
#include "status.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

#define NEW_NAME	STATUS_NAME ".new"

int status_open(const struct options *options)
{
	int fd;

	if (mkdir(options->runtime_dir, 0755) && errno != EEXIST) {
		say(LOG_ERR, "cannot make %s: %s", options->runtime_dir, strerror(errno));
		return -errno;
	}
	fd = open(options->runtime_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		say(LOG_ERR, "cannot open %s: %s", options->runtime_dir, strerror(errno));
		return -errno;
	}
	return fd;
}

/* A value is the rest of a line, whatever the administrator calls a directory. */
static void print_text(FILE *file, const char *name, const char *value)
{
	fprintf(file, "%s ", name);
	for (; *value; value++)
		fputc(*value == '\n' ? '?' : *value, file);
	fputc('\n', file);
}

static void print_number(FILE *file, const char *name, uint64_t value)
{
	fprintf(file, "%s %" PRIu64 "\n", name, value);
}

static void print_channel(FILE *file, const struct channel *channel)
{
	fprintf(file, "channel cpu=%" PRIu32 " subbufs=%" PRIu64 " bytes=%" PRIu64 " lost=%" PRIu64
		" gaps=%" PRIu64 " malformed=%" PRIu64 " open=%d\n", channel->cpu,
		channel->subbufs, channel->bytes, channel->lost, channel->gaps,
		channel->malformed, channel->fd >= 0);
}

/* What is lost on the disk stays trouble when writing works again. */
static void print_trouble(FILE *file, const struct writer_progress *progress)
{
	char text[128];

	if (progress->trouble[0] || !progress->store.unsynced_segments) {
		print_text(file, "trouble", progress->trouble);
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64 " segments could not be synced to the disk, and "
		 "may have lost records", progress->store.unsynced_segments);
	print_text(file, "trouble", text);
}

static void print_status(FILE *file, const struct options *options, const char *state,
			 const struct channels *channels,
			 const struct writer_progress *progress, size_t spool_bytes)
{
	const time_t now = time(NULL);
	char updated[32];
	struct tm tm;

	strftime(updated, sizeof(updated), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	print_number(file, "pid", getpid());
	print_text(file, "state", state);
	print_text(file, "version", PROV_VERSION);
	print_text(file, "log", options->log_dir);
	print_text(file, "updated", updated);
	print_trouble(file, progress);
	print_number(file, "segment", progress->store.segment);
	print_number(file, "segment_bytes", progress->store.segment_bytes);
	print_number(file, "segments", progress->store.segments);
	print_number(file, "log_bytes", progress->store.log_bytes);
	print_number(file, "spool_bytes", spool_bytes);
	print_number(file, "records", progress->store.records);
	print_number(file, "edges", progress->store.edges);
	print_number(file, "lost", progress->store.lost);
	print_number(file, "removed", progress->store.removed);
	print_number(file, "unsynced_segments", progress->store.unsynced_segments);
	print_number(file, "missing_subbufs", progress->missing_subbufs);
	print_number(file, "syncs", progress->syncs);
	print_number(file, "carried_nodes", progress->carry.nodes);
	print_number(file, "carried_bytes", progress->carry.bytes);
	print_number(file, "unread_segments", progress->unread_segments);
	print_number(file, "forgotten_nodes", progress->carry.forgotten);
	print_number(file, "dropped_descriptions", progress->carry.dropped);
	for (size_t i = 0; i < channels->count; i++)
		print_channel(file, &channels->all[i]);
}

int status_write(int dirfd, const struct options *options, const char *state,
		 const struct channels *channels, const struct writer_progress *progress,
		 size_t spool_bytes)
{
	FILE *file;
	int fd, err = 0;

	fd = openat(dirfd, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	print_status(file, options, state, channels, progress, spool_bytes);
	if (ferror(file) || fchmod(fd, 0644))
		err = -EIO;
	if (fclose(file))
		err = -errno;
	if (!err && renameat(dirfd, NEW_NAME, dirfd, STATUS_NAME))
		err = -errno;
	return err;
}
