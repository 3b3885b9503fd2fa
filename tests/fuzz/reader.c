// SPDX-License-Identifier: GPL-2.0
/*
 * Damaged and hostile logs: the readers must not crash, hang or run away
 *
 * All of provq runs inside this program, so that sanitizers see every step.
 * What goes in:
 *  - files: a good log with each byte changed, and cut at each length;
 *  - content: the same records with each byte changed before they are compressed
 *    and checksummed, so that what checksums do not stop is tried as well;
 *  - noise: several random changes at once.
 *
 * usage: reader [SEED [ROUNDS]]
 *        reader --content FILE	write the content of a good log, for the fuzzer
 *
 * Compiled with -DLIBFUZZER (clang -fsanitize=fuzzer), the input is the content
 * of a frame: sub-buffers back to back.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "sample.h"
#include "segment.h"
#include "tempdir.h"

#define SEGMENT "segment-0000000000000001.plog"
#define FRAMES_MOST 16

int provq_main(int argc, char **argv);

static char *directory;
static unsigned int turn;

/* Every question is asked in turn; verify is asked each time. */
static const char *const questions[][6] = {
	{ "ancestry", "pid:103", "--follow=data,meta,control" },
	{ "descendants", "/etc/secret", "--json" },
	{ "path", "/tmp/payload.c", "sock:10.0.2.2:4711", "--dot" },
	{ "history", "/tmp/payload.c" },
	{ "tree" },
	{ "tree", "--json", "--since=-1s" },
	{ "timeline", "--until=2026-01-01T00:00:11Z" },
	{ "net", "--json" },
	{ "find", "a*", "--kind=process" },
	{ "export", "--json" },
	{ "export", "--dot" },
	{ "summary" },
	{ "summary", "--json" },
	{ "ancestry", "inode:8:1:16", "--all", "--no-hide" },
	{ "descendants", "node:3", "--depth=3", "--kind=file,socket" },
	{ "ancestry", "/tmp/payloads" },
};

#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

static void ask(const char *const *question)
{
	char *argv[12] = { "provq", "-d", directory, "--max-memory=256M" };
	int argc = 4, status;

	for (int i = 0; i < 6 && question[i]; i++)
		argv[argc++] = (char *)question[i];
	optind = 0;
	status = provq_main(argc, argv);
	if (status < 0 || status > 3) {
		dprintf(2, "%s ended with %d\n", question[0], status);
		abort();
	}
}

static void ask_some(void)
{
	static const char *const verify[6] = { "verify" };

	ask(verify);
	ask(questions[turn++ % QUESTIONS]);
}

static void start(void)
{
	directory = tempdir_new();
	/* Sanitizers write to descriptor 2; messages about bad logs go nowhere. */
	stdout = fopen("/dev/null", "w");
	stderr = fopen("/dev/null", "w");
	if (!stdout || !stderr)
		abort();
}

static void write_content(const void *raw, size_t bytes)
{
	const struct prov_segment_options options = { .number = 1, .level = 1, .gid = (gid_t)-1 };
	struct prov_segment_writer *writer;
	const int dirfd = open(directory, O_RDONLY | O_DIRECTORY);

	tempdir_clear(directory);
	if (dirfd < 0 || prov_segment_create(&writer, dirfd, &options))
		abort();
	/* The writer refuses what is not sub-buffers at all. */
	prov_segment_append(writer, PROV_FRAME_SUBBUFS, raw, bytes);
	prov_segment_abandon(writer);
	close(dirfd);
}

#ifdef LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t *copy;

	if (!directory)
		start();
	if (size > PROV_FRAME_MAX_RAW || !size)
		return 0;
	copy = malloc(size + 8);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	write_content(copy, size);
	ask_some();
	free(copy);
	return 0;
}
#else

static uint64_t random_state;

static uint32_t roll(uint32_t sides)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 20) % sides;
}

static uint8_t *good_file(size_t *bytes)
{
	char path[256];
	uint8_t *file;
	FILE *in;

	tempdir_clear(directory);
	sample_write(directory);
	snprintf(path, sizeof(path), "%s/" SEGMENT, directory);
	in = fopen(path, "r");
	if (!in)
		abort();
	file = malloc(1 << 20);
	*bytes = fread(file, 1, 1 << 20, in);
	fclose(in);
	return file;
}

static void write_file(const uint8_t *file, size_t bytes, const char *name)
{
	char path[256];
	FILE *out;

	tempdir_clear(directory);
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	out = fopen(path, "w");
	if (!out || fwrite(file, 1, bytes, out) != bytes || fclose(out))
		abort();
}

/* What is in the frames of the sample, back to back. */
static uint64_t *good_content(size_t *bytes)
{
	uint64_t *const content = malloc(FRAMES_MOST * PROV_SUBBUF_BYTES);
	struct prov_segment_reader *reader;
	struct prov_frame frame;
	const void *raw;
	const int dirfd = open(directory, O_RDONLY | O_DIRECTORY);

	*bytes = 0;
	if (dirfd < 0 || prov_segment_open(&reader, dirfd, SEGMENT))
		abort();
	while (prov_segment_next(reader, &frame) > 0) {
		if (prov_segment_payload(reader, &raw))
			abort();
		memcpy((uint8_t *)content + *bytes, raw, frame.raw_bytes);
		*bytes += frame.raw_bytes;
	}
	prov_segment_close(reader);
	close(dirfd);
	return content;
}

static void each_byte_of_the_file(uint8_t *file, size_t bytes)
{
	static const uint8_t changes[] = { 0x01, 0x80, 0xff };

	for (size_t i = 0; i < bytes; i++) {
		for (size_t j = 0; j < sizeof(changes); j++) {
			file[i] ^= changes[j];
			write_file(file, bytes, SEGMENT);
			ask_some();
			file[i] ^= changes[j];
		}
	}
}

static void each_length_of_the_file(const uint8_t *file, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		write_file(file, i, i & 1 ? SEGMENT : "segment-0000000000000001.open");
		ask_some();
	}
}

static void each_byte_of_the_content(uint64_t *content, size_t bytes)
{
	static const uint8_t changes[] = { 0x01, 0x40, 0xff };
	uint8_t *const at = (uint8_t *)content;

	for (size_t i = 0; i < bytes; i++) {
		for (size_t j = 0; j < sizeof(changes); j++) {
			at[i] ^= changes[j];
			write_content(content, bytes);
			ask_some();
			at[i] ^= changes[j];
		}
	}
}

static void noise(const uint64_t *content, size_t bytes, int rounds)
{
	uint8_t *const copy = malloc(bytes);

	for (int i = 0; i < rounds; i++) {
		memcpy(copy, content, bytes);
		for (uint32_t j = 1 + roll(30); j; j--) {
			/* Bytes, or words from elsewhere: ids and lengths that exist. */
			if (roll(2))
				copy[roll(bytes)] = roll(256);
			else
				memcpy(copy + roll(bytes / 8) * 8, copy + roll(bytes / 8) * 8, 8);
		}
		write_content(copy, bytes);
		ask_some();
		ask(questions[roll(QUESTIONS)]);
	}
	free(copy);
}

int main(int argc, char **argv)
{
	const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	const int rounds = argc > 2 ? atoi(argv[2]) : 3000;
	FILE *const tap = fdopen(dup(STDOUT_FILENO), "w");
	size_t file_bytes, content_bytes;
	uint64_t *content;
	uint8_t *file;

	setvbuf(tap, NULL, _IOLBF, 0);
	fprintf(tap, "# seed %llu\n1..4\n", (unsigned long long)seed);
	random_state = seed * 0x9e3779b97f4a7c15ull | 1;
	start();
	file = good_file(&file_bytes);
	content = good_content(&content_bytes);
	if (argc > 2 && !strcmp(argv[1], "--content")) {
		FILE *const out = fopen(argv[2], "w");
		const bool written = out &&
			fwrite(content, 1, content_bytes, out) == content_bytes && !fclose(out);

		free(file);
		free(content);
		tempdir_free(directory);
		return !written;
	}
	each_length_of_the_file(file, file_bytes);
	fprintf(tap, "ok 1 - a log cut at each of its %zu lengths\n", file_bytes);
	each_byte_of_the_file(file, file_bytes);
	fprintf(tap, "ok 2 - a log with each of its %zu bytes changed\n", file_bytes);
	each_byte_of_the_content(content, content_bytes);
	fprintf(tap, "ok 3 - records with each of their %zu bytes changed\n", content_bytes);
	noise(content, content_bytes, rounds);
	fprintf(tap, "ok 4 - records with random changes (%d rounds)\n", rounds);
	free(file);
	free(content);
	tempdir_free(directory);
	fclose(tap);
	fclose(stdout);
	fclose(stderr);
	return 0;
}
#endif
