// SPDX-License-Identifier: GPL-2.0
/* Carry and order: what is remembered of nodes, and in which order frames are made */
#include <endian.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "carry.h"
#include "record.h"
#include "segment.h"
#include "spool.h"

#define SECOND	1000000000ull
#define WALL	1700000000000000000ull

/* A sub-buffer in the making. */
struct draft {
	uint64_t base_ns;
	size_t used;
	_Alignas(8) char data[PROV_SUBBUF_BYTES];
};

static void begin(struct draft *draft, uint64_t base_ns)
{
	struct prov_subbuf_header *const header = (void *)draft->data;

	memset(draft->data, 0, sizeof(draft->data));
	draft->base_ns = base_ns;
	draft->used = sizeof(*header);
	header->magic = htole32(PROV_MAGIC);
	header->format = htole16(PROV_FORMAT_VERSION);
	header->header_bytes = htole16(sizeof(*header));
	header->boot_id[0] = 1;
	header->first_ns = htole64(base_ns);
	header->last_ns = htole64(base_ns);
	header->wall_offset_ns = htole64(WALL);
	header->used_bytes = htole32(draft->used);
}

static void *add(struct draft *draft, uint8_t type, uint8_t sub, size_t bytes, uint64_t time_ns)
{
	struct prov_subbuf_header *const header = (void *)draft->data;
	struct prov_record *const rec = (void *)(draft->data + draft->used);

	assert_true(draft->used + bytes <= sizeof(draft->data));
	rec->type = type;
	rec->sub = sub;
	rec->bytes = htole16(bytes);
	rec->dt_ns = htole32(time_ns - draft->base_ns);
	draft->used += bytes;
	header->used_bytes = htole32(draft->used);
	if (time_ns > le64toh(header->last_ns))
		header->last_ns = htole64(time_ns);
	return rec;
}

static void add_node(struct draft *draft, uint64_t id, uint8_t kind, uint64_t time_ns)
{
	struct prov_node_record *const rec =
		add(draft, PROV_R_NODE, kind, sizeof(*rec), time_ns);

	rec->id = htole64(id);
}

static void add_text_part(struct draft *draft, uint64_t id, uint8_t kind, const char *text,
			  uint32_t total, uint32_t offset, uint64_t time_ns)
{
	const size_t bytes = strlen(text);
	struct prov_text_record *const rec =
		add(draft, PROV_R_TEXT, kind, sizeof(*rec) + ((bytes + 7) & ~7ul), time_ns);

	rec->id = htole64(id);
	rec->total_bytes = htole32(total);
	rec->offset = htole32(offset);
	memcpy(rec->text, text, bytes);
}

static void add_text(struct draft *draft, uint64_t id, uint8_t kind, const char *text,
		     uint64_t time_ns)
{
	add_text_part(draft, id, kind, text, strlen(text), 0, time_ns);
}

static void add_cred(struct draft *draft, uint64_t id, uint32_t uid, uint64_t time_ns)
{
	struct prov_cred_record *const rec = add(draft, PROV_R_CRED, 0, sizeof(*rec), time_ns);

	rec->id = htole64(id);
	rec->uid[0] = htole32(uid);
}

static void add_flow(struct draft *draft, uint8_t op, uint64_t from, uint64_t to,
		     uint64_t time_ns)
{
	struct prov_edge_record *const rec =
		add(draft, PROV_R_EDGE_DATA, op, sizeof(*rec), time_ns);

	rec->from = htole64(from);
	rec->to = htole64(to);
}

static void add_edge(struct draft *draft, uint64_t from, uint64_t to, uint64_t time_ns)
{
	add_flow(draft, PROV_OP_READ, from, to, time_ns);
}

static void add_peer(struct draft *draft, uint64_t id, uint64_t peer, uint64_t time_ns)
{
	struct prov_peer_record *const rec = add(draft, PROV_R_PEER, 0, sizeof(*rec), time_ns);

	rec->id = htole64(id);
	rec->peer = htole64(peer);
}

static void add_remote(struct draft *draft, uint64_t id, uint16_t port, uint64_t time_ns)
{
	struct prov_address_record *const rec =
		add(draft, PROV_R_ADDRESS, PROV_END_REMOTE, sizeof(*rec), time_ns);

	rec->id = htole64(id);
	rec->port = htole16(port);
}

static void add_end(struct draft *draft, uint64_t id, uint64_t time_ns)
{
	struct prov_end_record *const rec = add(draft, PROV_R_END, 0, sizeof(*rec), time_ns);

	rec->id = htole64(id);
}

/* What carry_prepare() made, as lines of text: "node 7 @3" and the like. */
static char lines[1 << 20];

static void note(const char *format, ...)
{
	const size_t used = strlen(lines);
	va_list args;

	va_start(args, format);
	vsnprintf(lines + used, sizeof(lines) - used, format, args);
	va_end(args);
}

static void note_item(const struct prov_item *item, const struct prov_iter *iter)
{
	const uint64_t seconds = item->time_ns / SECOND;

	assert_int_equal(iter->wall_offset_ns, WALL);
	switch (item->type) {
	case PROV_R_NODE:
		note("node %" PRIu64 " @%" PRIu64 "\n", item->id, seconds);
		break;
	case PROV_R_TEXT:
		note("%s %" PRIu64 " %.*s @%" PRIu64 "\n", prov_text_name(item->sub), item->id,
		     (int)(item->text.part_bytes > 40 ? 40 : item->text.part_bytes),
		     (const char *)item->text.part, seconds);
		break;
	case PROV_R_CRED:
		note("cred %" PRIu64 " %" PRIu32 " @%" PRIu64 "\n", item->id, item->cred.uid[0],
		     seconds);
		break;
	case PROV_R_PEER:
		note("peer %" PRIu64 " %" PRIu64 " @%" PRIu64 "\n", item->id, item->peer.peer,
		     seconds);
		break;
	case PROV_R_ADDRESS:
		note("remote %" PRIu64 " %u @%" PRIu64 "\n", item->id, item->address.port, seconds);
		break;
	case PROV_R_PROCESS_ATTR:
		note("attr %" PRIu64 " %" PRIu64 "%s @%" PRIu64 "\n", item->id,
		     item->process_attr.cgroup, item->process_attr.pid ? " pid" : "", seconds);
		break;
	case PROV_R_PID:
		note("pid %" PRIu64 " %" PRIu32 " @%" PRIu64 "\n", item->id, item->pid.pid,
		     seconds);
		break;
	case PROV_R_END:
		note("end %" PRIu64 " @%" PRIu64 "\n", item->id, seconds);
		break;
	default:
		note("type %u\n", item->type);
	}
}

/* What a frame with the draft needs; and then the frame is learnt. */
static const char *carried_for(struct carry *carry, const struct draft *draft)
{
	const struct prov_subbuf_header *const source = (const void *)draft->data;
	const struct prov_subbuf_header *header;
	const void *carried;
	size_t bytes, offset = 0;
	uint64_t seq = 0;
	bool first = true;

	lines[0] = '\0';
	assert_int_equal(carry_prepare(carry, draft->data, draft->used, &carried, &bytes), 0);
	while ((header = prov_subbuf_next(carried, bytes, &offset))) {
		struct prov_iter iter;
		struct prov_item item;

		assert_int_equal(le32toh(header->cpu), PROV_CPU_CARRIED);
		assert_memory_equal(header->boot_id, source->boot_id, 16);
		assert_true(first || le64toh(header->seq) == seq + 1);
		seq = le64toh(header->seq);
		first = false;
		prov_iter_init(&iter, header);
		while (prov_iter_next(&iter, &item))
			note_item(&item, &iter);
		assert_false(iter.broken);
		assert_int_equal(iter.bad + iter.skipped, 0);
	}
	assert_int_equal(offset, bytes);
	assert_int_equal(carry_learn(carry, draft->data, draft->used), 0);
	return lines;
}

static int setup(void **state)
{
	struct carry *const carry = carry_new(64 << 20);

	*state = carry;
	carry_segment(carry);
	return !carry;
}

static int teardown(void **state)
{
	carry_free(*state);
	return 0;
}

static struct draft draft;

static void test_once_a_segment(void **state)
{
	struct carry *const carry = *state;

	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_PROCESS, 2 * SECOND);
	add_node(&draft, 2, PROV_K_FILE, 3 * SECOND);
	add_text(&draft, 2, PROV_T_OPEN, "/a", 3 * SECOND);
	add_edge(&draft, 2, 1, 4 * SECOND);
	assert_string_equal(carried_for(carry, &draft), "");

	begin(&draft, 10 * SECOND);
	add_edge(&draft, 2, 1, 10 * SECOND);
	assert_string_equal(carried_for(carry, &draft), "");
	carry_segment(carry);
	assert_string_equal(carried_for(carry, &draft), "node 1 @2\nnode 2 @3\nopen 2 /a @3\n");
	assert_string_equal(carried_for(carry, &draft), "");
}

static void test_only_what_is_used(void **state)
{
	struct carry *const carry = *state;

	begin(&draft, SECOND);
	for (uint64_t id = 1; id <= 100; id++)
		add_node(&draft, id, PROV_K_FILE, SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 2 * SECOND);
	add_cred(&draft, 50, 0, 2 * SECOND);
	assert_string_equal(carried_for(carry, &draft), "node 50 @1\n");
	/* An unknown node is not made up. */
	add_edge(&draft, 1000, 1001, 2 * SECOND);
	assert_string_equal(carried_for(carry, &draft), "");
}

static void test_names(void **state)
{
	struct carry *const carry = *state;

	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_FILE, SECOND);
	add_text(&draft, 1, PROV_T_CREATE, "/a", SECOND);
	add_text(&draft, 1, PROV_T_LINK, "/hard", SECOND);
	add_text(&draft, 1, PROV_T_RENAME_FROM, "/a", 2 * SECOND);
	add_text(&draft, 1, PROV_T_RENAME_TO, "/b", 2 * SECOND);
	add_text(&draft, 1, PROV_T_UNLINK, "/hard", 3 * SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 4 * SECOND);
	add_edge(&draft, 1, 1, 4 * SECOND);
	assert_string_equal(carried_for(carry, &draft),
			    "node 1 @1\nlink 1 /hard @1\nrename_to 1 /b @2\nunlink 1 /hard @3\n");
}

static void test_many_names_are_bounded(void **state)
{
	struct carry *const carry = *state;
	unsigned int names = 0;
	char name[32];

	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_FILE, SECOND);
	/* It is no name, and not one of those that are too many. */
	add_text(&draft, 1, PROV_T_TARGET, "to", SECOND);
	for (unsigned int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "/link%u", i);
		add_text(&draft, 1, PROV_T_LINK, name, SECOND);
	}
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 4 * SECOND);
	add_edge(&draft, 1, 1, 4 * SECOND);
	carried_for(carry, &draft);
	for (const char *at = lines; (at = strstr(at, "/link")); at++)
		names++;
	assert_int_equal(names, 32);
	assert_non_null(strstr(lines, "/link499 "));
	assert_null(strstr(lines, "/link0 "));
	assert_non_null(strstr(lines, "target 1 to "));
	assert_int_equal(carry_counters(carry).dropped, 500 - 32);
}

static void test_state_of_a_process(void **state)
{
	struct carry *const carry = *state;

	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_PROCESS, SECOND);
	add_text_part(&draft, 1, PROV_T_ARGV, "12345678", 12, 0, SECOND);
	add_text_part(&draft, 1, PROV_T_ARGV, "9abc", 12, 8, SECOND);
	add_cred(&draft, 1, 0, SECOND);
	add_cred(&draft, 1, 33, 2 * SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 4 * SECOND);
	/* What the frame changes comes after what was true before it. */
	add_edge(&draft, 1, 1, 4 * SECOND);
	add_cred(&draft, 1, 44, 4 * SECOND);
	assert_string_equal(carried_for(carry, &draft),
			    "node 1 @1\nargv 1 12345678 @1\nargv 1 9abc @1\ncred 1 33 @2\n");
	carry_segment(carry);
	assert_non_null(strstr(carried_for(carry, &draft), "cred 1 44 @4"));
}

/* Who changes CPU has the end of its arguments read before their beginning. */
static void test_parts_in_any_order(void **state)
{
	struct carry *const carry = *state;

	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_PROCESS, SECOND);
	add_text_part(&draft, 1, PROV_T_ARGV, "9abc", 12, 8, 2 * SECOND);
	add_text_part(&draft, 1, PROV_T_ARGV, "12345678", 12, 0, SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 4 * SECOND);
	add_edge(&draft, 1, 1, 4 * SECOND);
	assert_string_equal(carried_for(carry, &draft),
			    "node 1 @1\nargv 1 9abc @2\nargv 1 12345678 @1\n");
	/* Another text is not mixed with it, and the same is not there twice. */
	add_text_part(&draft, 1, PROV_T_ARGV, "new", 3, 0, 4 * SECOND);
	add_text_part(&draft, 1, PROV_T_ARGV, "new", 3, 0, 5 * SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	assert_string_equal(carried_for(carry, &draft), "node 1 @1\nargv 1 new @5\n");
}

static void add_attr(struct draft *draft, uint64_t id, uint64_t cgroup, uint64_t time_ns)
{
	struct prov_process_attr_record *const rec =
		add(draft, PROV_R_PROCESS_ATTR, 0, sizeof(*rec), time_ns);

	rec->id = htole64(id);
	rec->cgroup = htole64(cgroup);
}

/* The latest of each attribute, and no other. */
static void test_attributes(void **state)
{
	struct carry *const carry = *state;
	struct prov_pid_record *pid;

	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_PROCESS, SECOND);
	pid = add(&draft, PROV_R_PID, 0, sizeof(*pid), SECOND);
	pid->id = htole64(1);
	pid->pid = htole32(2);
	add_attr(&draft, 1, 7, SECOND);
	add_text(&draft, 1, PROV_T_SECCTX, "unconfined", SECOND);
	add_text(&draft, 1, PROV_T_CGROUP, "/old", SECOND);
	add_attr(&draft, 1, 8, 2 * SECOND);
	add_text(&draft, 1, PROV_T_CGROUP, "/new", 2 * SECOND);
	add_text(&draft, 1, PROV_T_SECCTX, "confined", 3 * SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 4 * SECOND);
	add_edge(&draft, 1, 1, 4 * SECOND);
	assert_string_equal(carried_for(carry, &draft),
			    "node 1 @1\npid 1 2 @1\nattr 1 8 @2\ncgroup 1 /new @2\n"
			    "secctx 1 confined @3\n");
}

/* A shell with all that a process passes on, recorded at 1 s. */
static void describe_shell(struct carry *carry)
{
	static char argv[65001];
	struct prov_process_attr_record *attr;

	memset(argv, 'x', sizeof(argv) - 1);
	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_PROCESS, SECOND);
	add_text(&draft, 1, PROV_T_EXE, "/bin/sh", SECOND);
	add_text(&draft, 1, PROV_T_COMM, "its own", SECOND);
	add_text(&draft, 1, PROV_T_GROUPS, "1:4", SECOND);
	add_cred(&draft, 1, 7, SECOND);
	attr = add(&draft, PROV_R_PROCESS_ATTR, 0, sizeof(*attr), SECOND);
	attr->id = htole64(1);
	attr->cgroup = htole64(5);
	attr->pid = htole32(2);
	carried_for(carry, &draft);
	begin(&draft, SECOND);
	add_text(&draft, 1, PROV_T_ARGV, argv, SECOND);
	carried_for(carry, &draft);
}

/* What a process has from the one that forked it is said of it in later segments. */
static void test_fork_inherits(void **state)
{
	struct carry *const carry = *state;
	size_t bytes;

	describe_shell(carry);
	begin(&draft, 3 * SECOND);
	add_node(&draft, 2, PROV_K_PROCESS, 3 * SECOND);
	add_cred(&draft, 2, 8, 3 * SECOND);
	add_text(&draft, 2, PROV_T_GROUPS, "1:9", 4 * SECOND);
	add_flow(&draft, PROV_OP_FORK, 1, 2, 3 * SECOND);
	carried_for(carry, &draft);
	bytes = carry_counters(carry).bytes;
	/* Not what came to be true of the parent after that. */
	begin(&draft, 6 * SECOND);
	add_text(&draft, 1, PROV_T_SECCTX, "later", 6 * SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 7 * SECOND);
	add_edge(&draft, 2, 2, 7 * SECOND);
	assert_string_equal(carried_for(carry, &draft),
			    "node 2 @3\ncred 2 8 @3\ngroups 2 1:9 @4\nexe 2 /bin/sh @3\n"
			    "attr 2 5 @3\nargv 2 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx @3\n");
	/* A long argv is not there once for each child. */
	begin(&draft, 8 * SECOND);
	for (uint64_t id = 10; id < 20; id++) {
		add_node(&draft, id, PROV_K_PROCESS, 8 * SECOND);
		add_flow(&draft, PROV_OP_FORK, 1, id, 8 * SECOND);
	}
	carried_for(carry, &draft);
	assert_true(carry_counters(carry).bytes - bytes < 10 * 8192);
}

/* Who executes a program has its own image, and the rest from what it was. */
static void test_exec_inherits(void **state)
{
	struct carry *const carry = *state;

	describe_shell(carry);
	/* The child of a child, and records of another CPU that come before theirs. */
	begin(&draft, 3 * SECOND);
	add_node(&draft, 3, PROV_K_PROCESS, 5 * SECOND);
	add_text(&draft, 3, PROV_T_EXE, "/bin/ls", 5 * SECOND);
	add_flow(&draft, PROV_OP_EXEC, 2, 3, 5 * SECOND);
	add_flow(&draft, PROV_OP_EXEC, 9, 3, 5 * SECOND);
	carried_for(carry, &draft);
	begin(&draft, 3 * SECOND);
	add_node(&draft, 9, PROV_K_FILE, 3 * SECOND);
	add_node(&draft, 2, PROV_K_PROCESS, 3 * SECOND);
	add_flow(&draft, PROV_OP_FORK, 1, 2, 3 * SECOND);
	add_end(&draft, 2, 5 * SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 7 * SECOND);
	add_edge(&draft, 3, 3, 7 * SECOND);
	assert_string_equal(carried_for(carry, &draft),
			    "node 3 @5\nexe 3 /bin/ls @5\ngroups 3 1:4 @5\nattr 3 5 @5\n");
}

static void test_mounts(void **state)
{
	struct carry *const carry = *state;

	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_DIRECTORY, SECOND);
	add_text(&draft, 1, PROV_T_MOUNT, "/mnt", SECOND);
	add_text(&draft, 1, PROV_T_MOUNT, "/srv", SECOND);
	add_text(&draft, 1, PROV_T_UMOUNT, "/mnt", 2 * SECOND);
	add_text(&draft, 1, PROV_T_ALIAS, "/x", 2 * SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 4 * SECOND);
	add_edge(&draft, 1, 1, 4 * SECOND);
	assert_string_equal(carried_for(carry, &draft),
			    "node 1 @1\nmount 1 /srv @1\numount 1 /mnt @2\nalias 1 /x @2\n");
}

/* Who tried something, and on what, are described where that is said. */
static void test_ends_of_refusals(void **state)
{
	struct carry *const carry = *state;
	struct prov_refusal_record *rec;

	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_PROCESS, SECOND);
	add_node(&draft, 2, PROV_K_FILE, 2 * SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 4 * SECOND);
	rec = add(&draft, PROV_R_REFUSAL, PROV_LAYER_DAC, sizeof(*rec), 4 * SECOND);
	rec->id = htole64(1);
	rec->object = htole64(2);
	assert_string_equal(carried_for(carry, &draft), "node 1 @1\nnode 2 @2\n");
	/* It is an edge, and not repeated. */
	carry_segment(carry);
	begin(&draft, 5 * SECOND);
	add_edge(&draft, 1, 2, 5 * SECOND);
	assert_string_equal(carried_for(carry, &draft), "node 1 @1\nnode 2 @2\n");
}

static void test_peers_of_peers(void **state)
{
	struct carry *const carry = *state;

	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_SOCKET, SECOND);
	add_node(&draft, 2, PROV_K_SOCKET, SECOND);
	add_peer(&draft, 1, 2, SECOND);
	add_peer(&draft, 2, 1, SECOND);
	for (uint16_t port = 1; port <= 20; port++)
		add_remote(&draft, 2, port, SECOND);
	add_remote(&draft, 2, 20, 2 * SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 4 * SECOND);
	add_edge(&draft, 1, 1, 4 * SECOND);
	assert_string_equal(carried_for(carry, &draft),
			    "node 1 @1\npeer 1 2 @1\nnode 2 @1\npeer 2 1 @1\n"
			    "remote 2 13 @1\nremote 2 14 @1\nremote 2 15 @1\nremote 2 16 @1\n"
			    "remote 2 17 @1\nremote 2 18 @1\nremote 2 19 @1\nremote 2 20 @2\n");
}

static void test_end_and_grace(void **state)
{
	struct carry *const carry = *state;

	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_FILE, SECOND);
	add_end(&draft, 1, 2 * SECOND);
	add_end(&draft, 7, 2 * SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 30 * SECOND);
	add_edge(&draft, 1, 1, 30 * SECOND);
	assert_string_equal(carried_for(carry, &draft), "node 1 @1\nend 1 @2\n");
	assert_int_equal(carry_counters(carry).nodes, 1);
	begin(&draft, 63 * SECOND);
	carried_for(carry, &draft);
	assert_int_equal(carry_counters(carry).nodes, 0);
	assert_int_equal(carry_counters(carry).bytes, 0);
	carry_segment(carry);
	add_edge(&draft, 1, 1, 64 * SECOND);
	assert_string_equal(carried_for(carry, &draft), "");
}

static void test_boots_do_not_mix(void **state)
{
	struct carry *const carry = *state;

	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_FILE, SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, SECOND);
	((struct prov_subbuf_header *)draft.data)->boot_id[0] = 2;
	add_edge(&draft, 1, 1, SECOND);
	assert_string_equal(carried_for(carry, &draft), "");
	assert_int_equal(carry_counters(carry).nodes, 0);
}

static void test_text_before_its_node(void **state)
{
	struct carry *const carry = *state;

	begin(&draft, SECOND);
	add_text(&draft, 1, PROV_T_OPEN, "/early", 2 * SECOND);
	carried_for(carry, &draft);
	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_FILE, SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 3 * SECOND);
	add_edge(&draft, 1, 1, 3 * SECOND);
	assert_string_equal(carried_for(carry, &draft), "node 1 @1\nopen 1 /early @2\n");
}

static void test_far_times_and_large_records(void **state)
{
	/* Hours apart: the 32-bit times need new bases. */
	struct carry *const carry = *state;
	static char text[65200];

	memset(text, 'x', sizeof(text) - 1);
	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_PROCESS, SECOND);
	carried_for(carry, &draft);
	begin(&draft, 20000 * SECOND);
	add_text(&draft, 1, PROV_T_ENVIRON, text, 20000 * SECOND);
	carried_for(carry, &draft);
	begin(&draft, 90000 * SECOND);
	add_cred(&draft, 1, 5, 90000 * SECOND);
	carried_for(carry, &draft);
	carry_segment(carry);
	begin(&draft, 90001 * SECOND);
	add_edge(&draft, 1, 1, 90001 * SECOND);
	assert_string_equal(carried_for(carry, &draft),
			    "node 1 @1\n"
			    "environ 1 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx @20000\n"
			    "cred 1 5 @90000\n");
}

static void test_memory_is_bounded(void **state)
{
	struct carry *const carry = carry_new(100000);

	(void)state;
	carry_segment(carry);
	for (uint64_t id = 1; id < 20000; id++) {
		begin(&draft, id * SECOND);
		add_node(&draft, id, PROV_K_FILE, id * SECOND);
		/* One is used all the time, and must not be what is forgotten. */
		add_edge(&draft, 1, id, id * SECOND);
		carried_for(carry, &draft);
		assert_true(carry_counters(carry).bytes <= 100000 + 500);
	}
	assert_true(carry_counters(carry).forgotten > 10000);
	assert_true(carry_counters(carry).nodes > 100);
	carry_segment(carry);
	begin(&draft, 30000 * SECOND);
	add_edge(&draft, 1, 1, 30000 * SECOND);
	assert_string_equal(carried_for(carry, &draft), "node 1 @1\n");
	carry_free(carry);
}

/* Who ends node after node, each with long arguments, cannot have living ones forgotten. */
static void test_ended_go_first(void **state)
{
	struct carry *const carry = carry_new(1 << 20);
	static char text[60001];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	carry_segment(carry);
	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_FILE, SECOND);
	carried_for(carry, &draft);
	for (uint64_t id = 2; id < 202; id++) {
		const uint64_t now_ns = SECOND + id * 1000000;

		begin(&draft, now_ns);
		add_node(&draft, id, PROV_K_PROCESS, now_ns);
		add_text(&draft, id, PROV_T_ARGV, text, now_ns);
		add_end(&draft, id, now_ns);
		carried_for(carry, &draft);
		assert_true(carry_counters(carry).bytes <= 1 << 20);
	}
	assert_int_equal(carry_counters(carry).forgotten, 0);
	carry_segment(carry);
	begin(&draft, 2 * SECOND);
	add_edge(&draft, 2, 1, 2 * SECOND);
	assert_string_equal(carried_for(carry, &draft), "node 1 @1\n");
	/* The oldest of the ended go first: the last is still known. */
	add_edge(&draft, 201, 1, 2 * SECOND);
	carried_for(carry, &draft);
	assert_non_null(strstr(lines, "node 201 @1\nargv 201 x"));
	assert_non_null(strstr(lines, "end 201 @1\n"));
	carry_free(carry);
}

/* A log that is read from its end: what is newer is true, what has ended stays so. */
static void test_older_segments(void **state)
{
	struct carry *const carry = carry_new(1 << 20);
	struct carry *past = carry_new_past(carry);

	(void)state;
	begin(&draft, 1000 * SECOND);
	((struct prov_subbuf_header *)draft.data)->cpu = htole32(PROV_CPU_CARRIED);
	add_node(&draft, 1, PROV_K_FILE, 1000 * SECOND);
	add_text(&draft, 1, PROV_T_OPEN, "/new", 1000 * SECOND);
	add_node(&draft, 2, PROV_K_FILE, 1000 * SECOND);
	assert_int_equal(carry_learn(past, draft.data, draft.used), 0);
	begin(&draft, 1000 * SECOND);
	add_end(&draft, 2, 1001 * SECOND);
	/* Nothing older knows of this one, and nothing needs to. */
	add_node(&draft, 3, PROV_K_FILE, 1001 * SECOND);
	add_end(&draft, 3, 1002 * SECOND);
	assert_int_equal(carry_learn(past, draft.data, draft.used), 0);
	begin(&draft, 2000 * SECOND);
	add_node(&draft, 4, PROV_K_FILE, 2000 * SECOND);
	add_end(&draft, 4, 2000 * SECOND);
	assert_int_equal(carry_learn(past, draft.data, draft.used), 0);
	assert_true(carry_join(carry, past));
	assert_int_equal(carry_counters(past).nodes, 0);
	assert_int_equal(carry_counters(past).bytes, 0);
	carry_free(past);
	assert_int_equal(carry_counters(carry).nodes, 3);

	/* A recorder may have been killed before it wrote anything. */
	past = carry_new_past(carry);
	assert_true(carry_join(carry, past));
	carry_free(past);

	past = carry_new_past(carry);
	begin(&draft, SECOND);
	add_node(&draft, 1, PROV_K_FILE, SECOND);
	add_text(&draft, 1, PROV_T_OPEN, "/old", SECOND);
	add_node(&draft, 2, PROV_K_FILE, SECOND);
	add_text(&draft, 2, PROV_T_OPEN, "/ended", SECOND);
	add_node(&draft, 5, PROV_K_FILE, SECOND);
	add_text(&draft, 5, PROV_T_OPEN, "/idle", SECOND);
	assert_int_equal(carry_learn(past, draft.data, draft.used), 0);
	assert_true(carry_join(carry, past));
	carry_free(past);

	carry_segment(carry);
	begin(&draft, 2001 * SECOND);
	add_edge(&draft, 1, 2, 2001 * SECOND);
	add_edge(&draft, 4, 5, 2001 * SECOND);
	assert_string_equal(carried_for(carry, &draft),
			    "node 5 @1\nopen 5 /idle @1\nnode 1 @1000\nopen 1 /new @1000\n"
			    "node 4 @2000\nend 4 @2000\n");
	/* What has ended is forgotten like all that does. */
	begin(&draft, 3000 * SECOND);
	assert_string_equal(carried_for(carry, &draft), "");
	assert_int_equal(carry_counters(carry).nodes, 2);
	carry_free(carry);
}

/* It takes half of the memory: there must be room for what comes. */
static void test_older_segments_are_bounded(void **state)
{
	struct carry *const carry = carry_new(1 << 20);
	bool more = true;
	uint64_t id = 1;

	(void)state;
	while (more) {
		struct carry *const past = carry_new_past(carry);

		begin(&draft, SECOND);
		for (unsigned int i = 0; i < 500; i++)
			add_node(&draft, id++, PROV_K_FILE, SECOND);
		assert_int_equal(carry_learn(past, draft.data, draft.used), 0);
		more = carry_join(carry, past);
		carry_free(past);
		assert_true(carry_counters(carry).bytes <= 1 << 20);
		assert_true(id < 20000);
	}
	assert_true(id > 1000);
	carry_free(carry);
}

static void put_at(struct spool *spool, uint32_t cpu, uint64_t seq, uint64_t first_ns)
{
	struct prov_subbuf_header *const header = (void *)draft.data;

	begin(&draft, first_ns);
	header->cpu = htole32(cpu);
	header->seq = htole64(seq);
	assert_int_equal(spool_put(spool, header), 0);
}

static void test_order(void **state)
{
	/* Random arrival: each batch is sorted, and no CPU's order is changed. */
	const int room_fd = eventfd(0, EFD_NONBLOCK);
	struct spool *const spool = spool_new(64 << 20, room_fd);
	uint64_t seq[5] = { 0 }, time[5] = { 0 }, next[5] = { 0 }, last_ns = 0, count = 0;
	size_t bytes, offset = 0;
	const struct prov_subbuf_header *header;
	const void *raw;

	(void)state;
	srandom(7);
	for (unsigned int i = 0; i < 1000; i++) {
		const uint32_t cpu = random() % 5;

		/* Now and then two of a CPU at the same time. */
		time[cpu] += random() % 4;
		put_at(spool, cpu, seq[cpu]++, time[cpu]);
	}
	spool_close(spool);
	assert_int_equal(spool_take(spool, &raw, &bytes, 0), SPOOL_BATCH);
	while ((header = prov_subbuf_next(raw, bytes, &offset))) {
		const uint32_t cpu = le32toh(header->cpu);

		assert_true(le64toh(header->first_ns) >= last_ns);
		last_ns = le64toh(header->first_ns);
		assert_int_equal(le64toh(header->seq), next[cpu]);
		next[cpu]++;
		count++;
	}
	assert_int_equal(count, 1000);
	spool_done(spool);
	assert_int_equal(spool_bytes(spool), 0);
	assert_int_equal(spool_take(spool, &raw, &bytes, 0), SPOOL_END);
	spool_free(spool);
	close(room_fd);
}

static void test_spool_events(void **state)
{
	const int room_fd = eventfd(0, EFD_NONBLOCK);
	struct spool *const spool = spool_new(300, room_fd);
	uint64_t value;
	size_t bytes;
	const void *raw;

	(void)state;
	assert_int_equal(spool_take(spool, &raw, &bytes, 1000), SPOOL_TICK);
	spool_rotate(spool);
	assert_int_equal(spool_take(spool, &raw, &bytes, 1000), SPOOL_ROTATE);
	assert_true(spool_has_room(spool, 300));
	put_at(spool, 0, 0, 1);
	put_at(spool, 0, 1, 2);
	assert_false(spool_has_room(spool, 128));
	/* Too little and too young for a frame, until somebody asks for it. */
	assert_int_equal(spool_take(spool, &raw, &bytes, 1000), SPOOL_TICK);
	spool_rotate(spool);
	assert_int_equal(spool_take(spool, &raw, &bytes, 1000), SPOOL_BATCH);
	assert_int_equal(bytes, 256);
	assert_int_equal(spool_bytes(spool), 256);
	assert_int_equal(read(room_fd, &value, sizeof(value)), -1);
	spool_done(spool);
	assert_int_equal(read(room_fd, &value, sizeof(value)), sizeof(value));
	assert_true(spool_has_room(spool, 128));
	assert_int_equal(spool_take(spool, &raw, &bytes, 1000), SPOOL_ROTATE);
	/* One that waits long enough is a batch by itself. */
	put_at(spool, 0, 2, 3);
	assert_int_equal(spool_take(spool, &raw, &bytes, 3 * SECOND), SPOOL_BATCH);
	spool_done(spool);
	spool_close(spool);
	assert_int_equal(spool_take(spool, &raw, &bytes, 1000), SPOOL_END);
	spool_free(spool);
	close(room_fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_once_a_segment),
		TEST(test_only_what_is_used),
		TEST(test_names),
		TEST(test_many_names_are_bounded),
		TEST(test_state_of_a_process),
		TEST(test_parts_in_any_order),
		TEST(test_attributes),
		TEST(test_fork_inherits),
		TEST(test_exec_inherits),
		TEST(test_mounts),
		TEST(test_ends_of_refusals),
		TEST(test_peers_of_peers),
		TEST(test_end_and_grace),
		TEST(test_boots_do_not_mix),
		TEST(test_text_before_its_node),
		TEST(test_far_times_and_large_records),
		TEST(test_memory_is_bounded),
		TEST(test_ended_go_first),
		TEST(test_older_segments),
		TEST(test_older_segments_are_bounded),
		TEST(test_order),
		TEST(test_spool_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
