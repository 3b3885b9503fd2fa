/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Status: what the recorder does, in a file that provctl reads
 *
 * RUNTIME/status.json is replaced as a whole; readable by everyone, it has
 * numbers and no recorded content:
 *   {"pid":1,"state":"running","version":"…","log":"/var/log/provenance",
 *    "updated":"2026-01-01T00:00:00Z","trouble":"","segment":3,
 *    "segment_bytes":0,"segments":3,"log_bytes":0,"spool_bytes":0,"records":0,
 *    "edges":0,"lost":0,"removed":0,"missing_subbufs":0,"syncs":0,
 *    "carried_nodes":0,"carried_bytes":0,"forgotten_nodes":0,
 *    "channels":[{"cpu":0,"subbufs":0,"bytes":0,"lost":0,"gaps":0,"malformed":0,
 *    "open":true}]}
 * "state" is "running", "stopping" or "stopped".
 */
#ifndef RECORDER_STATUS_H
#define RECORDER_STATUS_H

#include <stddef.h>

#include "channel.h"
#include "options.h"
#include "writer.h"

#define STATUS_NAME	"status.json"

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
