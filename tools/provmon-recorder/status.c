// SPDX-License-Identifier: GPL-2.0
#include "status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

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

static json_t *channel_json(const struct channel *channel)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b}",
			 "cpu", (json_int_t)channel->cpu,
			 "subbufs", (json_int_t)channel->subbufs,
			 "bytes", (json_int_t)channel->bytes,
			 "lost", (json_int_t)channel->lost,
			 "gaps", (json_int_t)channel->gaps,
			 "malformed", (json_int_t)channel->malformed,
			 "open", channel->fd >= 0);
}

static json_t *status_json(const struct options *options, const char *state,
			   const struct channels *channels,
			   const struct writer_progress *progress, size_t spool_bytes)
{
	const struct store_counters *const store = &progress->store;
	const time_t now = time(NULL);
	json_t *json, *list;
	char updated[32];
	struct tm tm;

	list = json_array();
	for (size_t i = 0; i < channels->count; i++)
		json_array_append_new(list, channel_json(&channels->all[i]));
	strftime(updated, sizeof(updated), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	json = json_pack("{s:i, s:s, s:s, s:s%, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "pid", (int)getpid(), "state", state, "version", PROV_VERSION,
			 "log", options->log_dir, strlen(options->log_dir),
			 "updated", updated, "trouble", progress->trouble,
			 "segment", (json_int_t)store->segment,
			 "segment_bytes", (json_int_t)store->segment_bytes,
			 "segments", (json_int_t)store->segments,
			 "log_bytes", (json_int_t)store->log_bytes,
			 "spool_bytes", (json_int_t)spool_bytes,
			 "removed", (json_int_t)store->removed);
	if (!json) {		/* the directory's name is not UTF-8 */
		json_decref(list);
		return NULL;
	}
	json_object_set_new(json, "records", json_integer(store->records));
	json_object_set_new(json, "edges", json_integer(store->edges));
	json_object_set_new(json, "lost", json_integer(store->lost));
	json_object_set_new(json, "missing_subbufs", json_integer(progress->missing_subbufs));
	json_object_set_new(json, "syncs", json_integer(progress->syncs));
	json_object_set_new(json, "carried_nodes", json_integer(progress->carry.nodes));
	json_object_set_new(json, "carried_bytes", json_integer(progress->carry.bytes));
	json_object_set_new(json, "forgotten_nodes", json_integer(progress->carry.forgotten));
	json_object_set_new(json, "channels", list);
	return json;
}

int status_write(int dirfd, const struct options *options, const char *state,
		 const struct channels *channels, const struct writer_progress *progress,
		 size_t spool_bytes)
{
	json_t *const json = status_json(options, state, channels, progress, spool_bytes);
	char *text = NULL;
	int fd, err = 0;

	if (json)
		text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(json);
	if (!text)
		return -EILSEQ;
	fd = openat(dirfd, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0) {
		err = -errno;
	} else {
		const size_t bytes = strlen(text);

		if (fchmod(fd, 0644) || write(fd, text, bytes) != (ssize_t)bytes ||
		    write(fd, "\n", 1) != 1)
			err = errno ? -errno : -EIO;
		close(fd);
	}
	free(text);
	if (!err && renameat(dirfd, NEW_NAME, dirfd, STATUS_NAME))
		err = -errno;
	return err;
}
