// SPDX-License-Identifier: GPL-2.0
/* Builds logs for tests.  See logbuild.h. */
#include <arpa/inet.h>
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "logbuild.h"
#include "segment.h"

#define CPUS 8
#define CARRIED CPUS		/* place of the carried sub-buffer among the CPUs' */

struct cpu {
	uint64_t bytes[PROV_SUBBUF_BYTES / 8];
	size_t used;
	uint64_t seq;
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t base_ns;
	uint64_t lost;
	uint64_t lost_total;
};

struct logbuild {
	int dirfd;
	struct prov_segment_writer *writer;
	uint64_t number;
	uint8_t boot_id[16];
	unsigned int boots;
	uint64_t wall_offset_ns;
	uint32_t cpu;
	uint32_t cpu_before;	/* carried */
	struct cpu cpus[CPUS + 1];
};

static void check(int condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "logbuild: %s failed\n", what);
	abort();
}

struct logbuild *log_begin(const char *directory)
{
	struct logbuild *const log = calloc(1, sizeof(*log));

	check(log != NULL, "calloc");
	log->dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(log->dirfd >= 0, directory);
	log->number = 1;
	log_new_boot(log, LOG_WALL_NS);
	return log;
}

static void need_writer(struct logbuild *log)
{
	struct prov_segment_options options = {
		.number = log->number,
		.created_wall_ns = log->wall_offset_ns,
		.level = 3,
		.gid = (gid_t)-1,
	};

	if (log->writer)
		return;
	memset(options.machine_id, 0xaa, sizeof(options.machine_id));
	memcpy(options.boot_id, log->boot_id, sizeof(options.boot_id));
	check(!prov_segment_create(&log->writer, log->dirfd, &options), "prov_segment_create");
	log->number++;
}

static void finish(struct logbuild *log, uint32_t which)
{
	struct cpu *const cpu = &log->cpus[which];
	struct prov_subbuf_header header = {
		.magic = htole32(PROV_MAGIC),
		.format = htole16(PROV_FORMAT_VERSION),
		.header_bytes = htole16(sizeof(header)),
		.cpu = htole32(which == CARRIED ? PROV_CPU_CARRIED : which),
		.used_bytes = htole32(cpu->used),
		.seq = htole64(cpu->seq),
		.first_ns = htole64(cpu->first_ns),
		.last_ns = htole64(cpu->last_ns),
		.wall_offset_ns = htole64(log->wall_offset_ns),
		.lost = htole64(cpu->lost),
	};

	if (!cpu->used)
		return;
	cpu->lost_total += cpu->lost;
	header.lost_total = htole64(cpu->lost_total);
	memcpy(header.boot_id, log->boot_id, sizeof(header.boot_id));
	memcpy(cpu->bytes, &header, sizeof(header));
	need_writer(log);
	check(!prov_segment_append(log->writer,
				   which == CARRIED ? PROV_FRAME_CARRIED : PROV_FRAME_SUBBUFS,
				   cpu->bytes, cpu->used), "prov_segment_append");
	cpu->seq++;
	cpu->lost = 0;
	cpu->used = 0;
}

static void finish_all(struct logbuild *log)
{
	for (uint32_t i = 0; i <= CPUS; i++)
		finish(log, i);
}

void log_new_boot(struct logbuild *log, uint64_t wall_ns)
{
	finish_all(log);
	memset(log->cpus, 0, sizeof(log->cpus));
	memset(log->boot_id, ++log->boots, sizeof(log->boot_id));
	log->wall_offset_ns = wall_ns;
}

void log_seal(struct logbuild *log)
{
	finish_all(log);
	need_writer(log);
	check(!prov_segment_seal(log->writer), "prov_segment_seal");
	log->writer = NULL;
}

void log_end(struct logbuild *log)
{
	log_seal(log);
	close(log->dirfd);
	free(log);
}

void log_leave_open(struct logbuild *log)
{
	finish_all(log);
	need_writer(log);
	check(!prov_segment_sync(log->writer), "prov_segment_sync");
	prov_segment_abandon(log->writer);
	close(log->dirfd);
	free(log);
}

void log_cpu(struct logbuild *log, uint32_t cpu)
{
	check(cpu < CPUS, "log_cpu");
	log->cpu = cpu;
}

void log_carried(struct logbuild *log, int on)
{
	if (on) {
		log->cpu_before = log->cpu;
		log->cpu = CARRIED;
	} else {
		finish(log, CARRIED);
		log->cpu = log->cpu_before;
	}
}

void log_subbuf(struct logbuild *log)
{
	finish(log, log->cpu);
}

void log_lost(struct logbuild *log, uint64_t count)
{
	finish(log, log->cpu);
	log->cpus[log->cpu].lost += count;
}

void log_skip_subbuf(struct logbuild *log)
{
	finish(log, log->cpu);
	log->cpus[log->cpu].seq++;
}

static void *reserve(struct logbuild *log, size_t bytes, uint64_t time)
{
	struct cpu *const cpu = &log->cpus[log->cpu];
	void *at;

	if (cpu->used + bytes > PROV_SUBBUF_BYTES)
		finish(log, log->cpu);
	if (!cpu->used) {
		cpu->used = sizeof(struct prov_subbuf_header);
		cpu->first_ns = cpu->base_ns = time;
		cpu->last_ns = 0;
	}
	if (time > cpu->last_ns)
		cpu->last_ns = time;
	at = (uint8_t *)cpu->bytes + cpu->used;
	memset(at, 0, bytes);
	cpu->used += bytes;
	return at;
}

static void time_base(struct logbuild *log, uint64_t time)
{
	struct cpu *const cpu = &log->cpus[log->cpu];
	struct prov_time_record *const rec = reserve(log, sizeof(*rec), time);

	rec->rec.type = PROV_R_TIME;
	rec->rec.bytes = htole16(sizeof(*rec));
	rec->boottime_ns = htole64(time);
	rec->wall_offset_ns = htole64(log->wall_offset_ns);
	cpu->base_ns = time;
}

void log_clock_step(struct logbuild *log, int64_t ns)
{
	log->wall_offset_ns += ns;
	time_base(log, log->cpus[log->cpu].last_ns);
}

static void *record(struct logbuild *log, size_t bytes, uint8_t type, uint8_t sub, uint64_t time)
{
	struct cpu *const cpu = &log->cpus[log->cpu];
	struct prov_record *rec;

	bytes = (bytes + 7) & ~(size_t)7;
	if (cpu->used && cpu->used + bytes + sizeof(struct prov_time_record) > PROV_SUBBUF_BYTES)
		finish(log, log->cpu);
	if (cpu->used && (time < cpu->base_ns || time - cpu->base_ns > UINT32_MAX))
		time_base(log, time);
	rec = reserve(log, bytes, time);
	rec->type = type;
	rec->sub = sub;
	rec->bytes = htole16(bytes);
	rec->dt_ns = htole32(time - cpu->base_ns);
	return rec;
}

void log_raw(struct logbuild *log, const void *bytes, size_t length)
{
	struct cpu *const cpu = &log->cpus[log->cpu];

	memcpy(reserve(log, length, cpu->last_ns), bytes, length);
}

void log_thread(struct logbuild *log, uint32_t tid, uint32_t tgid)
{
	struct prov_thread_record *const rec =
		reserve(log, sizeof(*rec), log->cpus[log->cpu].last_ns);

	rec->rec.type = PROV_R_THREAD;
	rec->rec.bytes = htole16(sizeof(*rec));
	rec->tid = htole32(tid);
	rec->tgid = htole32(tgid);
}

void log_process(struct logbuild *log, uint64_t time, uint64_t id, uint32_t pid, uint32_t ppid,
		 uint64_t start)
{
	struct prov_node_record *const rec =
		record(log, offsetof(struct prov_node_record, process) + sizeof(rec->process),
		       PROV_R_NODE, PROV_K_PROCESS, time);

	rec->id = htole64(id);
	rec->process.tgid = htole32(pid);
	rec->process.ppid = htole32(ppid);
	rec->process.start_ns = htole64(start);
}

void log_inode(struct logbuild *log, uint64_t time, uint64_t id, uint8_t kind, uint64_t ino,
	       int strong)
{
	struct prov_node_record *const rec =
		record(log, offsetof(struct prov_node_record, inode) + sizeof(rec->inode),
		       PROV_R_NODE, kind, time);

	rec->id = htole64(id);
	rec->inode.ino = htole64(ino);
	rec->inode.dev = htole32(8 << 20 | 1);
	rec->inode.mode = htole32(kind == PROV_K_DIRECTORY ? 0040755 : 0100644);
	if (strong) {
		memset(rec->inode.uuid, 0x5a, sizeof(rec->inode.uuid));
		rec->inode.generation = htole32(7);
	} else {
		rec->flags = htole32(PROV_NODE_WEAK);
	}
}

void log_socket(struct logbuild *log, uint64_t time, uint64_t id, uint16_t family, uint16_t type,
		uint16_t protocol)
{
	struct prov_node_record *const rec =
		record(log, offsetof(struct prov_node_record, socket) + sizeof(rec->socket),
		       PROV_R_NODE, PROV_K_SOCKET, time);

	rec->id = htole64(id);
	rec->socket.family = htole16(family);
	rec->socket.type = htole16(type);
	rec->socket.protocol = htole16(protocol);
	rec->socket.netns = htole64(4026531840);
}

void log_ipc(struct logbuild *log, uint64_t time, uint64_t id, uint8_t kind, uint32_t key,
	     uint32_t number)
{
	struct prov_node_record *const rec =
		record(log, offsetof(struct prov_node_record, ipc) + sizeof(rec->ipc),
		       PROV_R_NODE, kind, time);

	rec->id = htole64(id);
	rec->ipc.key = htole32(key);
	rec->ipc.id = htole32(number);
	rec->ipc.ipcns = htole64(4026531839);
}

void log_message(struct logbuild *log, uint64_t time, uint64_t id, uint64_t queue)
{
	struct prov_node_record *const rec =
		record(log, offsetof(struct prov_node_record, message) + sizeof(rec->message),
		       PROV_R_NODE, PROV_K_MESSAGE, time);

	rec->id = htole64(id);
	rec->message.queue = htole64(queue);
}

void log_edge(struct logbuild *log, uint64_t time, uint8_t class, uint8_t op, uint64_t from,
	      uint32_t from_version, uint64_t to, uint32_t to_version)
{
	struct prov_edge_record *const rec = record(log, sizeof(*rec), class, op, time);

	rec->from = htole64(from);
	rec->to = htole64(to);
	rec->from_version = htole32(from_version);
	rec->to_version = htole32(to_version);
}

void log_text_bytes(struct logbuild *log, uint64_t time, uint64_t id, uint8_t kind,
		    const void *text, size_t bytes, uint32_t total, uint32_t offset)
{
	struct prov_text_record *const rec =
		record(log, sizeof(*rec) + bytes, PROV_R_TEXT, kind, time);

	rec->id = htole64(id);
	rec->total_bytes = htole32(total);
	rec->offset = htole32(offset);
	memcpy(rec->text, text, bytes);
}

void log_text(struct logbuild *log, uint64_t time, uint64_t id, uint8_t kind, const char *text)
{
	log_text_bytes(log, time, id, kind, text, strlen(text), strlen(text), 0);
}

void log_argv(struct logbuild *log, uint64_t time, uint64_t id, const char *const *argv,
	      size_t part_bytes)
{
	char *text = NULL;
	size_t total = 0;

	for (; *argv; argv++) {
		const size_t bytes = strlen(*argv) + 1;

		text = realloc(text, total + bytes);
		check(text != NULL, "realloc");
		memcpy(text + total, *argv, bytes);
		total += bytes;
	}
	part_bytes &= ~(size_t)7;
	for (size_t at = 0; at < total; at += part_bytes)
		log_text_bytes(log, time, id, PROV_T_ARGV, text + at,
			       total - at < part_bytes ? total - at : part_bytes, total, at);
	free(text);
}

void log_cred(struct logbuild *log, uint64_t time, uint64_t id, uint32_t uid, uint32_t gid)
{
	struct prov_cred_record *const rec = record(log, sizeof(*rec), PROV_R_CRED, 0, time);

	rec->id = htole64(id);
	for (int i = 0; i < 4; i++) {
		rec->uid[i] = htole32(uid);
		rec->gid[i] = htole32(gid);
	}
	rec->loginuid = rec->sessionid = htole32(0xffffffff);
}

void log_attr(struct logbuild *log, uint64_t time, uint64_t id, uint32_t mode, uint64_t size)
{
	struct prov_inode_attr_record *const rec =
		record(log, sizeof(*rec), PROV_R_INODE_ATTR, 0, time);

	rec->id = htole64(id);
	rec->mode = htole32(mode);
	rec->nlink = htole32(1);
	rec->size = htole64(size);
}

void log_refusal(struct logbuild *log, uint64_t time, uint8_t layer, uint64_t id,
		 uint32_t version, uint64_t object, uint32_t error, uint32_t detail,
		 const void *text, size_t bytes)
{
	struct prov_refusal_record *const rec =
		record(log, sizeof(*rec) + ((bytes + 7) & ~7ul), PROV_R_REFUSAL, layer, time);

	rec->id = htole64(id);
	rec->version = htole32(version);
	rec->object = htole64(object);
	rec->error = htole32(error);
	rec->detail = htole32(detail);
	memcpy(rec->text, text, bytes);
}

void log_process_attr(struct logbuild *log, uint64_t time, uint64_t id, uint64_t cgroup,
		      uint32_t first_ns, uint32_t pid)
{
	struct prov_process_attr_record *const rec =
		record(log, sizeof(*rec), PROV_R_PROCESS_ATTR, 0, time);

	rec->id = htole64(id);
	rec->cgroup = htole64(cgroup);
	for (int i = 0; i < PROV_NS_COUNT; i++)
		rec->ns[i] = htole32(first_ns + i);
	rec->pid = htole32(pid);
}

void log_pid(struct logbuild *log, uint64_t time, uint64_t id, uint32_t pid)
{
	struct prov_pid_record *const rec = record(log, sizeof(*rec), PROV_R_PID, 0, time);

	rec->id = htole64(id);
	rec->pid = htole32(pid);
	rec->ns = htole32(7);
}

void log_address(struct logbuild *log, uint64_t time, uint64_t id, uint8_t end,
		 const char *address, uint16_t port)
{
	struct prov_address_record *const rec =
		record(log, sizeof(*rec), PROV_R_ADDRESS, end, time);
	const int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	char host[INET6_ADDRSTRLEN];

	rec->id = htole64(id);
	rec->family = htole16(family);
	rec->port = htole16(port);
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(address, "%"), address);
	if (strchr(address, '%'))
		rec->scope = htole32(strtoul(strchr(address, '%') + 1, NULL, 10));
	check(inet_pton(family, host, rec->address) == 1, address);
}

void log_peer(struct logbuild *log, uint64_t time, uint64_t id, uint64_t peer)
{
	struct prov_peer_record *const rec = record(log, sizeof(*rec), PROV_R_PEER, 0, time);

	rec->id = htole64(id);
	rec->peer = htole64(peer);
}

void log_node_end(struct logbuild *log, uint64_t time, uint64_t id, uint32_t code,
		  uint32_t version)
{
	struct prov_end_record *const rec = record(log, sizeof(*rec), PROV_R_END, 0, time);

	rec->id = htole64(id);
	rec->code = htole32(code);
	rec->version = htole32(version);
}
