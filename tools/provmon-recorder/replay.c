// SPDX-License-Identifier: GPL-2.0
#include "replay.h"

#include <endian.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "say.h"
#include "segment.h"

/* A CPU of which a sub-buffer is in the log, or has come. */
struct replay_cpu {
	uint32_t cpu;
	uint64_t next_seq;
	bool checked;
};

struct replay {
	uint8_t boot_id[16];
	struct replay_cpu *cpus;
	size_t count;
	uint64_t segments, unread;	/* of this boot */
	bool unreadable;		/* something in the log was */
};

/* NULL: no memory for one that is new */
static struct replay_cpu *get_cpu(struct replay *replay, uint32_t cpu)
{
	struct replay_cpu *cpus;

	for (size_t i = 0; i < replay->count; i++)
		if (replay->cpus[i].cpu == cpu)
			return &replay->cpus[i];
	cpus = reallocarray(replay->cpus, replay->count + 1, sizeof(*cpus));
	if (!cpus)
		return NULL;
	replay->cpus = cpus;
	cpus[replay->count] = (struct replay_cpu) { .cpu = cpu };
	return &cpus[replay->count++];
}

static void note_seq(struct replay *replay, const struct prov_subbuf_header *header)
{
	const uint64_t next = le64toh(header->seq) + 1;
	struct replay_cpu *cpu;

	if (memcmp(replay->boot_id, header->boot_id, sizeof(replay->boot_id))) {
		memcpy(replay->boot_id, header->boot_id, sizeof(replay->boot_id));
		replay->count = 0;
	}
	cpu = get_cpu(replay, le32toh(header->cpu));
	if (cpu && next > cpu->next_seq)
		cpu->next_seq = next;
}

static uint64_t beat_now(_Atomic uint64_t *beat)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	*beat = now.tv_sec * 1000000000ull + now.tv_nsec;
	return *beat;
}

/* Return: was all of it read? */
static bool read_segment(struct replay *replay, struct prov_segment_reader *reader,
			 struct carry *past, const struct replay_limits *limits)
{
	struct prov_frame frame;

	while (prov_segment_next(reader, &frame) > 0) {
		const struct prov_subbuf_header *header;
		size_t offset = 0;
		const void *raw;

		if (beat_now(limits->beat) >= *limits->until_ns || spool_presses(limits->spool))
			return false;
		if (prov_segment_payload(reader, &raw))
			continue;
		carry_learn(past, raw, frame.raw_bytes);
		if (frame.type != PROV_FRAME_SUBBUFS)
			continue;
		while ((header = prov_subbuf_next(raw, frame.raw_bytes, &offset)))
			note_seq(replay, header);
	}
	return true;
}

/* Return: may a still older segment be read? */
static bool replay_segment(struct replay *replay, struct prov_segment_reader *reader,
			   struct carry *carry, const struct replay_limits *limits)
{
	struct carry *const past = carry_new_past(carry);
	const size_t count = replay->count;
	bool more = false;

	if (past && read_segment(replay, reader, past, limits)) {
		replay->segments++;
		more = carry_join(carry, past);
	} else {
		/* Half a segment tells what was, and not what is. */
		replay->unread++;
		replay->count = count;
	}
	carry_free(past);
	return more;
}

struct replay *replay_log(const struct store *store, struct carry *carry,
			  const struct replay_limits *limits)
{
	struct replay *const replay = calloc(1, sizeof(*replay));
	struct prov_segment_entry *entries;
	bool more = true;
	size_t count;
	int err;

	if (!replay)
		return NULL;
	memcpy(replay->boot_id, store_boot_id(store), sizeof(replay->boot_id));
	err = prov_segment_list(store_dirfd(store), &entries, &count);
	if (err) {
		say(LOG_WARNING, "cannot read the log again: %s", strerror(-err));
		replay->unreadable = true;
		return replay;
	}
	while (count--) {
		struct prov_segment_reader *reader;
		bool ours;

		err = prov_segment_open_entry(&reader, store_dirfd(store), &entries[count]);
		if (err) {
			say(LOG_WARNING, "cannot read segment %" PRIu64 ": %s",
			    entries[count].number, strerror(-err));
			replay->unreadable = true;
			continue;
		}
		ours = !memcmp(prov_segment_header(reader)->boot_id, store_boot_id(store), 16);
		if (ours && more)
			more = replay_segment(replay, reader, carry, limits);
		else if (ours)
			replay->unread++;
		prov_segment_close(reader);
	}
	free(entries);
	if (replay->segments)
		say(LOG_INFO, "learnt %" PRIu64 " nodes from %" PRIu64 " segments of this boot",
		    carry_counters(carry).nodes, replay->segments);
	if (replay->unread)
		say(LOG_WARNING, "%" PRIu64 " segments of this boot were not read again, for want "
		    "of time or memory: what only they describe is not described in new segments",
		    replay->unread);
	return replay;
}

uint64_t replay_unread(const struct replay *replay)
{
	return replay->unread;
}

uint64_t replay_check(struct replay *replay, const void *raw, size_t raw_bytes)
{
	const struct prov_subbuf_header *header;
	uint64_t missing = 0;
	size_t offset = 0;

	while ((header = prov_subbuf_next(raw, raw_bytes, &offset))) {
		const uint64_t seq = le64toh(header->seq);
		struct replay_cpu *cpu;

		if (memcmp(replay->boot_id, header->boot_id, sizeof(header->boot_id)))
			continue;
		cpu = get_cpu(replay, le32toh(header->cpu));
		if (!cpu || cpu->checked)
			continue;
		cpu->checked = true;
		if (seq > cpu->next_seq && cpu->next_seq) {
			say(LOG_ERR, "cpu%" PRIu32 ": sub-buffers %" PRIu64 " to %" PRIu64
			    " were read by a recorder that did not live to write them",
			    cpu->cpu, cpu->next_seq, seq - 1);
			missing += seq - cpu->next_seq;
		} else if (seq > cpu->next_seq && !replay->unread && !replay->unreadable) {
			/* It may have been another log's, or of a segment that was removed. */
			say(LOG_WARNING, "cpu%" PRIu32 ": sub-buffers 0 to %" PRIu64
			    " were read by another recorder, and are not in this log",
			    cpu->cpu, seq - 1);
		}
	}
	return missing;
}

void replay_free(struct replay *replay)
{
	if (!replay)
		return;
	free(replay->cpus);
	free(replay);
}
