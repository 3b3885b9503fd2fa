/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Status: what the recorder does, in a file that provctl reads
 *
 * RUNTIME/status is replaced as a whole, once a second.  Everyone may read it: it
 * has numbers and no recorded content.  A line is a name, a space, and the value:
 *
 *   pid 1234
 *   state running			or stopping, stopped
 *   version 0.1
 *   log /var/log/provenance
 *   updated 2026-01-01T00:00:00Z
 *   trouble				why nothing can be written, or what the disk has lost
 *   segment 3				and more numbers, see status.c
 *   channel cpu=0 subbufs=1 bytes=2 lost=0 gaps=0 malformed=0 open=1
 *
 * with one line "channel" for each CPU.
 */
#ifndef RECORDER_STATUS_H
#define RECORDER_STATUS_H

#include <stddef.h>

#include "channel.h"
#include "options.h"
#include "writer.h"

#define STATUS_NAME	"status"

/**
 * status_open - make the runtime directory if it is not there
 *
 * Return: a descriptor of it, or a negative errno after a message.
 */
int status_open(const struct options *options);

/**
 * status_write - replace the status file
 * @dirfd: from status_open()
 * @spool_bytes: what waits to be written
 *
 * Return: 0 or a negative errno.
 */
int status_write(int dirfd, const struct options *options, const char *state,
		 const struct channels *channels, const struct writer_progress *progress,
		 size_t spool_bytes);

#endif /* RECORDER_STATUS_H */
