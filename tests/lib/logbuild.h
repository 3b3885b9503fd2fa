/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Builds logs for tests: records as the kernel writes them, in real segments
 *
 * Every call either works or ends the test program with a message.  Times are
 * ns since boot.  Records go to the current CPU's sub-buffer; a sub-buffer is
 * finished when it is full or by log_subbuf(), a segment by log_seal().
 */
#ifndef LOGBUILD_H
#define LOGBUILD_H

#include <stddef.h>
#include <stdint.h>
#include <linux/provenance.h>

struct logbuild;

/* 2026-01-01T00:00:00Z: the wall-clock time at which a built boot begins. */
#define LOG_WALL_NS 1767225600000000000ull
#define LOG_SECOND 1000000000ull

/** log_begin - begin a log in an existing, empty directory */
struct logbuild *log_begin(const char *directory);
/** log_end - finish sub-buffers, seal the last segment, free */
void log_end(struct logbuild *log);
/** log_leave_open - like log_end(), but without a seal: the recorder was killed */
void log_leave_open(struct logbuild *log);

void log_seal(struct logbuild *log);
/** log_new_boot - another boot, with its own ids and times, beginning at @wall_ns */
void log_new_boot(struct logbuild *log, uint64_t wall_ns);
void log_cpu(struct logbuild *log, uint32_t cpu);
void log_subbuf(struct logbuild *log);
/** log_lost - records were lost before what follows on this CPU */
void log_lost(struct logbuild *log, uint64_t count);
/** log_skip_subbuf - a sub-buffer of this CPU is missing */
void log_skip_subbuf(struct logbuild *log);
/** log_clock_step - the wall clock was set forward by @ns (signed) */
void log_clock_step(struct logbuild *log, int64_t ns);
/** log_carried - what follows repeats descriptions, until it is called with 0 */
void log_carried(struct logbuild *log, int on);

void log_raw(struct logbuild *log, const void *record, size_t bytes);
void log_thread(struct logbuild *log, uint32_t tid, uint32_t tgid);
void log_process(struct logbuild *log, uint64_t time, uint64_t id, uint32_t pid, uint32_t ppid,
		 uint64_t start);
/** log_inode - @strong: with a file system UUID and generation */
void log_inode(struct logbuild *log, uint64_t time, uint64_t id, uint8_t kind, uint64_t ino,
	       int strong);
void log_ipc(struct logbuild *log, uint64_t time, uint64_t id, uint8_t kind, uint32_t key,
	     uint32_t number);
void log_message(struct logbuild *log, uint64_t time, uint64_t id, uint64_t queue);
void log_socket(struct logbuild *log, uint64_t time, uint64_t id, uint16_t family, uint16_t type,
		uint16_t protocol);
void log_edge(struct logbuild *log, uint64_t time, uint8_t class, uint8_t op, uint64_t from,
	      uint32_t from_version, uint64_t to, uint32_t to_version);
void log_text(struct logbuild *log, uint64_t time, uint64_t id, uint8_t kind, const char *text);
void log_text_bytes(struct logbuild *log, uint64_t time, uint64_t id, uint8_t kind,
		    const void *text, size_t bytes, uint32_t total, uint32_t offset);
/** log_argv - in parts of at most @part_bytes; @argv ends with NULL */
void log_argv(struct logbuild *log, uint64_t time, uint64_t id, const char *const *argv,
	      size_t part_bytes);
void log_cred(struct logbuild *log, uint64_t time, uint64_t id, uint32_t uid, uint32_t gid);
void log_attr(struct logbuild *log, uint64_t time, uint64_t id, uint32_t mode, uint64_t size);
/** log_refusal - @object: 0 for none; @text: in full, with its NULs */
void log_refusal(struct logbuild *log, uint64_t time, uint8_t layer, uint64_t id,
		 uint32_t version, uint64_t object, uint32_t error, uint32_t detail,
		 const void *text, size_t bytes);
void log_process_attr(struct logbuild *log, uint64_t time, uint64_t id, uint64_t cgroup,
		      uint32_t first_ns, uint32_t pid);
void log_pid(struct logbuild *log, uint64_t time, uint64_t id, uint32_t pid);
/** log_address - @address: as inet_ntop(3) writes it, with %N behind it for a scope */
void log_address(struct logbuild *log, uint64_t time, uint64_t id, uint8_t end,
		 const char *address, uint16_t port);
void log_peer(struct logbuild *log, uint64_t time, uint64_t id, uint64_t peer);
void log_node_end(struct logbuild *log, uint64_t time, uint64_t id, uint32_t code,
		  uint32_t version);

#endif /* LOGBUILD_H */
