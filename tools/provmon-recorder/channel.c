// SPDX-License-Identifier: GPL-2.0
#include "channel.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"
#include "segment.h"

/* A part of a sub-buffer, and behind it room for a whole one. */
#define BUFFER_BYTES	(2 * PROV_SUBBUF_BYTES)
/* Reads of a channel before the others have their turn. */
#define READS_A_TURN	16

static int open_one(struct channels *channels, int dirfd, const char *dir, const char *name)
{
	struct channel *all, *channel;
	struct stat stat;
	unsigned long cpu;
	int fd, flags;
	char *end;

	cpu = strtoul(name + 3, &end, 10);
	if (end == name + 3 || *end)
		return 0;
	if (fstatat(dirfd, name, &stat, 0))
		return -errno;
	/* A FIFO that is also open for writing has no end between two writers. */
	flags = S_ISFIFO(stat.st_mode) ? O_RDWR : O_RDONLY;
	fd = openat(dirfd, name, flags | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		const int err = -errno;

		if (err == -EBUSY)
			say(LOG_ERR, "%s/%s is being read by another recorder; stop that one "
			    "first ('provctl status' shows it)", dir, name);
		else
			say(LOG_ERR, "cannot open %s/%s: %s", dir, name, strerror(-err));
		return err;
	}
	all = reallocarray(channels->all, channels->count + 1, sizeof(*all));
	if (!all) {
		close(fd);
		return -ENOMEM;
	}
	channels->all = all;
	channel = &all[channels->count++];
	*channel = (struct channel) { .fd = fd, .cpu = cpu };
	return 0;
}

int channels_open(struct channels *channels, const char *path)
{
	struct dirent *dirent;
	int err = 0;
	DIR *dir;

	*channels = (struct channels) { 0 };
	dir = opendir(path);
	if (!dir) {
		err = -errno;
		say(LOG_ERR, "cannot read %s: %s", path, strerror(-err));
		return err;
	}
	channels->buffer = malloc(BUFFER_BYTES);
	if (!channels->buffer)
		err = -ENOMEM;
	while (!err && (dirent = readdir(dir)))
		if (!strncmp(dirent->d_name, "cpu", 3))
			err = open_one(channels, dirfd(dir), path, dirent->d_name);
	closedir(dir);
	if (!err && !channels->count) {
		say(LOG_ERR, "%s has no channel files (cpu0, cpu1, …)", path);
		err = -ENOENT;
	}
	if (err)
		channels_close(channels);
	return err;
}

void channels_close(struct channels *channels)
{
	for (size_t i = 0; i < channels->count; i++) {
		if (channels->all[i].fd >= 0)
			close(channels->all[i].fd);
		free(channels->all[i].part);
	}
	free(channels->all);
	free(channels->buffer);
	*channels = (struct channels) { 0 };
}

/* Say the 1st, 2nd, 4th, … of what may come thousands of times a second. */
static bool worth_saying(uint64_t count)
{
	return !(count & (count - 1));
}

/* The kernel numbers without gaps: one is a fault, ours or its, and is told. */
static void check_sequence(struct channel *channel, const struct prov_subbuf_header *header)
{
	const uint64_t seq = le64toh(header->seq);

	if (channel->begun && !memcmp(channel->boot_id, header->boot_id, sizeof(header->boot_id)) &&
	    seq != channel->next_seq) {
		if (worth_saying(++channel->faults))
			say(LOG_ERR, "cpu%" PRIu32 ": sub-buffer %" PRIu64 " came where %" PRIu64
			    " was expected", channel->cpu, seq, channel->next_seq);
		channel->gaps += seq > channel->next_seq ? seq - channel->next_seq : 1;
	}
	memcpy(channel->boot_id, header->boot_id, sizeof(header->boot_id));
	channel->next_seq = seq + 1;
	channel->begun = true;
}

static int take_subbuf(struct channel *channel, const struct prov_subbuf_header *header,
		       struct spool *spool)
{
	int err;

	err = spool_put(spool, header);
	if (err)
		return err;
	check_sequence(channel, header);
	channel->subbufs++;
	channel->bytes += le32toh(header->used_bytes);
	channel->lost += le64toh(header->lost);
	return 0;
}

/*
 * Take the whole sub-buffers in the first @have bytes of the buffer; keep what
 * is begun behind them as the channel's part.
 */
static int take_all(struct channels *channels, struct channel *channel, size_t have,
		    struct spool *spool)
{
	size_t at = 0;

	while (have - at >= sizeof(struct prov_subbuf_header)) {
		const struct prov_subbuf_header *const header =
			(const void *)(channels->buffer + at);
		const size_t used = prov_subbuf_check(header);
		int err;

		if (!used) {
			if (worth_saying(++channel->malformed))
				say(LOG_ERR, "cpu%" PRIu32 ": %zu bytes that are no sub-buffer of "
				    "format %d dropped", channel->cpu, have - at,
				    PROV_FORMAT_VERSION);
			at = have;
			break;
		}
		if (used > have - at)
			break;
		err = take_subbuf(channel, header, spool);
		if (err) {
			/* Read and not kept: a loss of ours. */
			if (worth_saying(++channel->malformed))
				say(LOG_ERR, "cpu%" PRIu32 ": no memory for sub-buffer %" PRIu64
				    ", it is lost", channel->cpu, (uint64_t)le64toh(header->seq));
		}
		at += used;
	}
	channel->part_bytes = have - at;
	if (!channel->part_bytes)
		return 0;
	if (!channel->part)
		channel->part = malloc(PROV_SUBBUF_BYTES);
	if (!channel->part) {
		channel->part_bytes = 0;
		return -ENOMEM;
	}
	memcpy(channel->part, channels->buffer + at, channel->part_bytes);
	return 0;
}

static enum channel_end gone(struct channel *channel, const char *why)
{
	say(LOG_WARNING, "cpu%" PRIu32 ": the channel has ended: %s", channel->cpu, why);
	if (channel->part_bytes) {
		say(LOG_ERR, "cpu%" PRIu32 ": %zu bytes of a cut sub-buffer dropped",
		    channel->cpu, channel->part_bytes);
		channel->malformed++;
		channel->part_bytes = 0;
	}
	close(channel->fd);
	channel->fd = -1;
	return CHANNEL_GONE;
}

enum channel_end channel_drain(struct channels *channels, struct channel *channel,
			       struct spool *spool)
{
	for (unsigned int reads = 0; reads < READS_A_TURN; reads++) {
		const size_t part = channel->part_bytes;
		ssize_t n;

		if (channel->fd < 0)
			return CHANNEL_GONE;
		/* What is read must be kept: ask for room before. */
		if (!spool_has_room(spool, BUFFER_BYTES))
			return CHANNEL_FULL;
		if (part)
			memcpy(channels->buffer, channel->part, part);
		n = read(channel->fd, channels->buffer + part, BUFFER_BYTES - part);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN)
				return CHANNEL_EMPTY;
			return gone(channel, strerror(errno));
		}
		if (!n)
			return gone(channel, "end of file");
		if (take_all(channels, channel, part + n, spool))
			say(LOG_ERR, "cpu%" PRIu32 ": no memory", channel->cpu);
	}
	return CHANNEL_MORE;
}
