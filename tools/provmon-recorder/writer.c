// SPDX-License-Identifier: GPL-2.0
#include "writer.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay.h"
#include "say.h"
#include "segment.h"

#define TICK_NS		1000000000ull
#define SYNC_NS		1000000000ull
#define RETAIN_NS	60000000000ull
#define RETRY_NS	500000000l
/* How long the log may still be read again when the end is asked for. */
#define LAST_REPLAY_NS	5000000000ull

/* What a batch has still to go through; only the thread uses it. */
struct batch {
	const void *raw;
	size_t bytes;
	bool prepared;			/* for the segment that is open */
	const void *carried;
	size_t carried_bytes, carried_done;
};

struct writer {
	pthread_t thread;
	struct store *store;
	struct spool *spool;
	struct carry *carry;
	struct replay *replay;
	bool unsynced;
	uint64_t synced_ns, retained_ns;
	uint64_t unwritten_bytes;
	char trouble[128];

	_Atomic uint64_t beat_ns;
	_Atomic uint64_t replay_until_ns;
	atomic_bool give_up;
	atomic_bool ended;

	pthread_mutex_t lock;		/* protects @progress */
	struct writer_progress progress;
};

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void publish(struct writer *writer)
{
	const struct store_counters store = store_counters(writer->store);
	const struct carry_counters carry = carry_counters(writer->carry);

	pthread_mutex_lock(&writer->lock);
	writer->progress.store = store;
	writer->progress.carry = carry;
	memcpy(writer->progress.trouble, writer->trouble, sizeof(writer->trouble));
	pthread_mutex_unlock(&writer->lock);
}

/* Say once that nothing can be written, and once that it can again. */
static void set_trouble(struct writer *writer, const char *what, int err)
{
	char trouble[sizeof(writer->trouble)];

	snprintf(trouble, sizeof(trouble), "%s: %s", what, strerror(-err));
	if (strcmp(trouble, writer->trouble)) {
		memcpy(writer->trouble, trouble, sizeof(trouble));
		say(LOG_ERR, "%s; records are kept in memory, and then in the kernel", trouble);
	}
	publish(writer);
}

static void clear_trouble(struct writer *writer)
{
	if (!writer->trouble[0])
		return;
	writer->trouble[0] = '\0';
	say(LOG_NOTICE, "the log can be written again");
	publish(writer);
}

static void sync_store(struct writer *writer)
{
	const int err = store_sync(writer->store);

	writer->synced_ns = monotonic_ns();
	/* If it failed, there is no segment any more that could be synced. */
	writer->unsynced = false;
	if (err)
		return;
	pthread_mutex_lock(&writer->lock);
	writer->progress.syncs++;
	pthread_mutex_unlock(&writer->lock);
}

/* The end of the next piece of carried sub-buffers that makes a frame. */
static size_t carried_piece(const struct batch *batch)
{
	const size_t left = batch->carried_bytes - batch->carried_done;
	const char *const at = (const char *)batch->carried + batch->carried_done;
	size_t end = 0, next = 0;

	while (prov_subbuf_next(at, left, &next) && next <= SPOOL_BATCH_BYTES)
		end = next;
	return end;
}

static int write_once(struct writer *writer, struct batch *batch)
{
	int err;

	err = store_begin(writer->store);
	if (err < 0)
		return err;
	if (err > 0) {
		carry_segment(writer->carry);
		batch->prepared = false;
	}
	if (!batch->prepared) {
		err = carry_prepare(writer->carry, batch->raw, batch->bytes, &batch->carried,
				    &batch->carried_bytes);
		if (err)
			say(LOG_ERR, "no memory to describe all nodes in this segment");
		batch->carried_done = 0;
		batch->prepared = true;
	}
	while (batch->carried_done < batch->carried_bytes) {
		const size_t bytes = carried_piece(batch);

		err = store_append(writer->store, PROV_FRAME_CARRIED,
				   (const char *)batch->carried + batch->carried_done, bytes);
		if (err)
			return err;
		batch->carried_done += bytes;
	}
	return store_append(writer->store, PROV_FRAME_SUBBUFS, batch->raw, batch->bytes);
}

static void pause_writing(struct writer *writer)
{
	const struct timespec retry = { .tv_nsec = RETRY_NS };

	writer->beat_ns = monotonic_ns();
	nanosleep(&retry, NULL);
}

/* Do what can be done about @err, so that trying again makes sense. */
static void cope(struct writer *writer, const char *what, int err)
{
	if (err == -ENOSPC || err == -EDQUOT) {
		/* A sealed segment is worth less than the newest records. */
		if (!store_make_room(writer->store)) {
			publish(writer);
			return;
		}
	} else if (err == -EFBIG &&
		   store_counters(writer->store).segment_bytes > PROV_SUBBUF_BYTES &&
		   !store_seal(writer->store)) {
		return;
	}
	set_trouble(writer, what, err);
	pause_writing(writer);
}

static void write_batch(struct writer *writer, const void *raw, size_t bytes)
{
	struct batch batch = { .raw = raw, .bytes = bytes };
	int err;

	if (writer->replay) {
		const uint64_t missing = replay_check(writer->replay, raw, bytes);

		pthread_mutex_lock(&writer->lock);
		writer->progress.missing_subbufs += missing;
		pthread_mutex_unlock(&writer->lock);
	}
	while ((err = write_once(writer, &batch))) {
		if (writer->give_up) {
			writer->unwritten_bytes += bytes;
			return;
		}
		cope(writer, "cannot write the log", err);
	}
	clear_trouble(writer);
	if (carry_learn(writer->carry, raw, bytes))
		say(LOG_ERR, "no memory to remember all nodes for later segments");
	writer->unsynced = true;
}

static void seal(struct writer *writer)
{
	int err;

	while ((err = store_seal(writer->store))) {
		if (writer->give_up) {
			say(LOG_ERR, "the last segment is not sealed: %s; the next start will "
			    "do it", strerror(-err));
			return;
		}
		cope(writer, "cannot seal the segment", err);
	}
	clear_trouble(writer);
	writer->unsynced = false;
}

static void retain(struct writer *writer)
{
	const int err = store_retain(writer->store);

	if (err)
		say(LOG_ERR, "cannot remove old segments: %s", strerror(-err));
	writer->retained_ns = monotonic_ns();
}

static void *run(void *arg)
{
	struct writer *const writer = arg;
	const struct replay_limits limits = {
		.spool = writer->spool,
		.until_ns = &writer->replay_until_ns,
		.beat = &writer->beat_ns,
	};
	enum spool_event event;

	writer->replay = replay_log(writer->store, writer->carry, &limits);
	if (writer->replay) {
		pthread_mutex_lock(&writer->lock);
		writer->progress.unread_segments = replay_unread(writer->replay);
		pthread_mutex_unlock(&writer->lock);
	}
	retain(writer);
	publish(writer);
	do {
		size_t bytes;
		const void *raw;
		uint64_t now_ns;

		event = spool_take(writer->spool, &raw, &bytes, TICK_NS);
		if (event == SPOOL_BATCH) {
			write_batch(writer, raw, bytes);
			spool_done(writer->spool);
		}
		now_ns = monotonic_ns();
		writer->beat_ns = now_ns;
		if (event == SPOOL_ROTATE || event == SPOOL_END || store_due(writer->store)) {
			seal(writer);
			retain(writer);
		} else if (writer->unsynced && now_ns - writer->synced_ns >= SYNC_NS) {
			sync_store(writer);
		}
		if (now_ns - writer->retained_ns >= RETAIN_NS)
			retain(writer);
		publish(writer);
	} while (event != SPOOL_END);
	writer->ended = true;
	return NULL;
}

struct writer *writer_start(const struct options *options, struct store *store,
			    struct spool *spool)
{
	struct writer *const writer = calloc(1, sizeof(*writer));
	int err = ENOMEM;

	if (!writer)
		goto failed;
	writer->store = store;
	writer->spool = spool;
	writer->beat_ns = monotonic_ns();
	writer->replay_until_ns = UINT64_MAX;
	pthread_mutex_init(&writer->lock, NULL);
	writer->carry = carry_new(options->carry_bytes);
	if (!writer->carry)
		goto free;
	err = pthread_create(&writer->thread, NULL, run, writer);
	if (!err)
		return writer;
	carry_free(writer->carry);
free:
	pthread_mutex_destroy(&writer->lock);
	free(writer);
failed:
	say(LOG_ERR, "cannot start the writing thread: %s", strerror(err));
	return NULL;
}

void writer_progress(struct writer *writer, struct writer_progress *progress)
{
	pthread_mutex_lock(&writer->lock);
	*progress = writer->progress;
	pthread_mutex_unlock(&writer->lock);
	progress->beat_ns = writer->beat_ns;
}

bool writer_ended(struct writer *writer)
{
	return writer->ended;
}

void writer_hurry(struct writer *writer)
{
	writer->replay_until_ns = monotonic_ns() + LAST_REPLAY_NS;
}

void writer_give_up(struct writer *writer)
{
	writer->give_up = true;
}

uint64_t writer_join(struct writer *writer)
{
	uint64_t unwritten;

	pthread_join(writer->thread, NULL);
	unwritten = writer->unwritten_bytes;
	replay_free(writer->replay);
	carry_free(writer->carry);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
	return unwritten;
}
