// SPDX-License-Identifier: GPL-2.0
#include "store.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "retain.h"
#include "say.h"

/* The default limit is a part of the file system, but no more than this. */
#define RETAIN_CAP_BYTES	(8ull << 30)

struct store {
	int dirfd;
	int lock_fd;
	gid_t gid;
	int level;
	uint64_t max_segment_bytes, max_age_ns;
	uint8_t machine_id[16], boot_id[16];

	struct prov_segment_writer *writer;	/* NULL between segments */
	uint64_t number;			/* of the open segment, or the next */
	uint64_t begun_ns;			/* CLOCK_BOOTTIME */

	struct retain retain;
	struct store_counters counters;		/* of sealed segments */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* Read 32 hexadecimal digits, with or without dashes; zeroes if there are none. */
static void read_id(const char *path, uint8_t *id)
{
	unsigned int digits = 0;
	char text[64] = "";
	FILE *file;

	memset(id, 0, 16);
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	for (const char *at = text; *at && digits < 32; at++) {
		if (!isxdigit((unsigned char)*at))
			continue;
		id[digits / 2] = id[digits / 2] << 4 |
			(isdigit((unsigned char)*at) ? *at - '0' :
			 tolower((unsigned char)*at) - 'a' + 10);
		digits++;
	}
}

/*
 * Who else can write to the directory can take segments away, and have files
 * written where they have put links.  The last component may be a link: it is what
 * it leads to that counts.
 */
static int check_dir(int fd, const char *path)
{
	struct stat stat;
	int err;

	if (fstat(fd, &stat)) {
		err = -errno;
		say(LOG_ERR, "cannot look at the log directory %s: %s", path, strerror(-err));
		return err;
	}
	if (stat.st_uid != geteuid()) {
		say(LOG_ERR, "the log directory %s belongs to user %u, and not to user %u who runs "
		    "the recorder: chown it, or choose another with --log", path,
		    (unsigned int)stat.st_uid, (unsigned int)geteuid());
		return -EPERM;
	}
	if (stat.st_mode & (S_IWGRP | S_IWOTH)) {
		say(LOG_ERR, "the log directory %s has mode %04o and can be written by others: "
		    "chmod it to 0750, or choose another with --log", path,
		    stat.st_mode & 07777);
		return -EPERM;
	}
	return 0;
}

static int open_dir(const char *path, gid_t gid)
{
	bool made = false;
	int fd, err;

	if (!mkdir(path, 0750))
		made = true;
	else if (errno != EEXIST)
		goto failed;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		goto failed;
	if (made && gid != (gid_t)-1 && fchown(fd, -1, gid))
		say(LOG_WARNING, "cannot give %s to the log's group: %s", path, strerror(errno));
	err = check_dir(fd, path);
	if (err)
		close(fd);
	return err ? err : fd;

failed:
	say(LOG_ERR, "cannot use the log directory %s: %s", path, strerror(errno));
	return -errno;
}

/*
 * The log's group may read the log, but not the lock: who can open it can hold
 * a read lock on it, and with that keep every recorder from starting.
 */
static int lock_dir(struct store *store, const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int err;

	store->lock_fd = openat(store->dirfd, STORE_LOCK_NAME,
				O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* Older recorders made it readable. */
	if (store->lock_fd < 0 || fchmod(store->lock_fd, 0600)) {
		err = -errno;
		say(LOG_ERR, "cannot open %s/" STORE_LOCK_NAME ": %s", path, strerror(-err));
		return err;
	}
	if (!fcntl(store->lock_fd, F_SETLK, &lock))
		return 0;
	err = -errno;
	if (err != -EAGAIN && err != -EACCES) {
		say(LOG_ERR, "cannot lock %s: %s", path, strerror(-err));
		return err;
	}
	lock.l_pid = 0;
	fcntl(store->lock_fd, F_GETLK, &lock);
	say(LOG_ERR, "%s is in use by another recorder, process %d; stop that one first",
	    path, (int)lock.l_pid);
	return -EBUSY;
}

/* Return: is there a segment of this number, repaired or not? */
static bool repair_one(struct store *store, uint64_t number)
{
	struct prov_segment_repair done;
	int err;

	err = prov_segment_repair(store->dirfd, number, &done);
	/* A full disk has no place for the seal either. */
	while (err == -ENOSPC || err == -EDQUOT) {
		if (retain_make_room(&store->retain))
			break;
		err = prov_segment_repair(store->dirfd, number, &done);
	}
	if (err) {
		say(LOG_ERR, "cannot repair segment %" PRIu64 ": %s; it is left as it is", number,
		    err == -EBADMSG ? "it has not the format of a segment" : strerror(-err));
		return true;
	}
	if (done.removed) {
		say(LOG_NOTICE, "segment %" PRIu64 " held nothing after a crash, and was removed",
		    number);
		return false;
	}
	say(done.cut_bytes || done.damaged ? LOG_WARNING : LOG_NOTICE,
	    "segment %" PRIu64 " was not sealed, and is now: %" PRIu64 " frames and %" PRIu64
	    " records kept, %" PRIu64 " torn bytes cut off, %" PRIu64 " damaged places left",
	    number, done.frames, done.tally.records, done.cut_bytes, done.damaged);
	return true;
}

/*
 * Repair what is open, and find the number to go on with.  Numbers of what held
 * nothing are used again: a gap in them means that a segment was taken away.
 */
static int survey(struct store *store, const char *path)
{
	struct prov_segment_entry *entries;
	size_t count;
	int err;

	err = prov_segment_list(store->dirfd, &entries, &count);
	for (size_t i = 0; !err && i < count; i++) {
		if (!entries[i].open || repair_one(store, entries[i].number))
			store->number = entries[i].number + 1;
		else if (!i || entries[i].number != entries[i - 1].number + 1)
			store->number = entries[i].number;
	}
	if (err)
		say(LOG_ERR, "cannot read %s: %s", path, strerror(-err));
	free(entries);
	return err;
}

static uint64_t retain_bytes(const struct store *store, const struct options *options)
{
	struct statvfs fs;
	uint64_t bytes;

	if (!options->retain_percent)
		return options->retain_bytes;
	if (fstatvfs(store->dirfd, &fs))
		return RETAIN_CAP_BYTES;
	bytes = fs.f_frsize * (uint64_t)fs.f_blocks / 100 * options->retain_percent;
	return bytes < RETAIN_CAP_BYTES ? bytes : RETAIN_CAP_BYTES;
}

int store_open(struct store **store, const struct options *options, gid_t gid)
{
	struct store *const new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	new->lock_fd = -1;
	new->gid = gid;
	new->level = options->level;
	new->max_segment_bytes = options->max_segment_bytes;
	new->max_age_ns = options->max_age_ns;
	new->dirfd = open_dir(options->log_dir, gid);
	if (new->dirfd < 0) {
		err = new->dirfd;
		goto out;
	}
	err = lock_dir(new, options->log_dir);
	if (err)
		goto out;
	read_id("/etc/machine-id", new->machine_id);
	read_id("/proc/sys/kernel/random/boot_id", new->boot_id);
	new->retain = (struct retain) {
		.dirfd = new->dirfd,
		.gid = gid,
		.bytes = retain_bytes(new, options),
		.least_bytes = options->keep_bytes,
		.age_ns = options->retain_age_ns,
	};
	memcpy(new->retain.boot_id, new->boot_id, sizeof(new->boot_id));
	err = survey(new, options->log_dir);
	if (err)
		goto out;
	new->retain.began = new->number;
	new->retain.writing = new->number;
	err = retain_count(&new->retain);
	if (err)
		goto out;
	*store = new;
	return 0;
out:
	store_close(new);
	return err;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	prov_segment_abandon(store->writer);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	if (store->dirfd >= 0)
		close(store->dirfd);
	free(store);
}

int store_dirfd(const struct store *store)
{
	return store->dirfd;
}

const uint8_t *store_boot_id(const struct store *store)
{
	return store->boot_id;
}

int store_begin(struct store *store)
{
	struct prov_segment_options options = {
		.created_wall_ns = clock_ns(CLOCK_REALTIME),
		.level = store->level,
		.gid = store->gid,
	};
	int err;

	if (store->writer)
		return 0;
	memcpy(options.machine_id, store->machine_id, sizeof(options.machine_id));
	memcpy(options.boot_id, store->boot_id, sizeof(options.boot_id));
	for (;;) {
		options.number = store->number;
		err = prov_segment_create(&store->writer, store->dirfd, &options);
		if (err != -EEXIST)
			break;
		say(LOG_WARNING, "there is a segment %" PRIu64 " already, which is not from this "
		    "recorder; it is passed over", store->number);
		store->number++;
		store->retain.writing = store->number;
	}
	if (err)
		return err;
	store->begun_ns = clock_ns(CLOCK_BOOTTIME);
	return 1;
}

int store_append(struct store *store, enum prov_frame_type type, const void *raw,
		 size_t raw_bytes)
{
	return prov_segment_append(store->writer, type, raw, raw_bytes);
}

bool store_due(const struct store *store)
{
	if (!store->writer)
		return false;
	return prov_segment_bytes(store->writer) >= store->max_segment_bytes ||
	       clock_ns(CLOCK_BOOTTIME) - store->begun_ns >= store->max_age_ns;
}

static void add_tally(struct store_counters *counters, const struct prov_tally *tally)
{
	counters->records += tally->records;
	counters->edges += tally->edges;
	counters->lost += tally->lost;
}

/* The segment is sealed, or given up. */
static void next_segment(struct store *store, const struct prov_tally *tally)
{
	store->writer = NULL;
	store->number++;
	add_tally(&store->counters, tally);
	store->retain.writing = store->number;
	/* It is so, whatever the directory says. */
	(void)retain_count(&store->retain);
}

/* Nobody knows what of it is on the disk: go on with another one. */
static void give_up_segment(struct store *store, int err)
{
	const struct prov_tally tally = *prov_segment_tally(store->writer);

	say(LOG_ERR, "segment %" PRIu64 " could not be synced to the disk: %s; it stays unsealed "
	    "until the next start, which checks what there is of it", store->number,
	    strerror(-err));
	prov_segment_abandon(store->writer);
	store->counters.unsynced_segments++;
	next_segment(store, &tally);
}

int store_sync(struct store *store)
{
	int err;

	if (!store->writer)
		return 0;
	err = prov_segment_sync(store->writer);
	if (err)
		give_up_segment(store, err);
	return err;
}

int store_seal(struct store *store)
{
	struct prov_tally tally;
	int err;

	if (!store->writer)
		return 0;
	tally = *prov_segment_tally(store->writer);
	err = prov_segment_seal(store->writer);
	if (err && prov_segment_failed(store->writer)) {
		give_up_segment(store, err);
		return 0;
	}
	if (err)
		return err;
	next_segment(store, &tally);
	return 0;
}

int store_retain(struct store *store)
{
	return retain_apply(&store->retain);
}

int store_make_room(struct store *store)
{
	return retain_make_room(&store->retain);
}

struct store_counters store_counters(const struct store *store)
{
	struct store_counters counters = store->counters;

	counters.segment = store->number;
	counters.removed = store->retain.removed;
	counters.segments = store->retain.segments;
	counters.log_bytes = store->retain.log_bytes;
	if (store->writer) {
		counters.segment_bytes = prov_segment_bytes(store->writer);
		counters.segments++;
		counters.log_bytes += counters.segment_bytes;
		add_tally(&counters, prov_segment_tally(store->writer));
	}
	return counters;
}
