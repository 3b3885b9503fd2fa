// SPDX-License-Identifier: GPL-2.0
#include "carry.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "segment.h"

/*
 * A node that has ended can still be used by records that other CPUs wrote
 * before and that come later: a sub-buffer is finished 200 ms after it was
 * begun, and may then wait for a reader.
 */
#define GRACE_NS	60000000000ull
/* Of one node: names, and remote addresses of a datagram socket. */
#define MAX_NAMES	32
#define MAX_REMOTES	8
#define FIRST_BUCKETS	4096
/* Of a text that is remembered for each process that inherited it. */
#define MAX_INHERITED	4096

/* A record that is remembered; @rec is followed by the rest of it. */
struct kept {
	uint64_t time_ns;
	uint64_t wall_offset_ns;
	struct prov_record rec;
};

#define KEPT_OVERHEAD	offsetof(struct kept, rec)

/*
 * A node; @records is a sequence of struct kept, the NODE record first, then in
 * the order in which they were learnt.
 */
struct node {
	struct node *next;		/* in its bucket */
	struct node *next_ended;
	uint64_t id;
	uint64_t segment;		/* the last in which it is described */
	uint64_t ended_ns;		/* 0 while it lives */
	uint32_t bytes, room;
	bool used;			/* since the clock's hand was here */
	bool carried;			/* its description is from an older segment */
	uint8_t *records;
};

/*
 * A process was forked, or executed a program: until that, it has been @from.
 * Records of several CPUs arrive in no order, so what it inherits is looked for
 * when all of a frame is learnt, and once more after the next.
 */
struct heir {
	uint64_t from, to;
	uint64_t time_ns, wall_offset_ns;
	bool forked;			/* and has the image of @from */
	bool again;
};

struct carry {
	uint8_t boot_id[16];
	uint64_t segment;		/* counts segments, from 1 */
	uint64_t seq;			/* of the next carried sub-buffer */
	uint64_t now_ns;		/* greatest time seen */

	struct node **buckets;
	size_t bucket_count;		/* a power of two */
	size_t hand;			/* of the clock that finds what to forget */
	struct node *first_ended, **last_ended;

	struct heir *heirs;
	size_t heir_count, heir_room;

	size_t limit;
	bool past;			/* see carry_new_past() */
	struct carry_counters counters;

	/* What carry_prepare() makes. */
	struct node **chosen;
	size_t chosen_count, chosen_room;
	uint8_t *out;
	size_t out_bytes, out_room;
	size_t subbuf;			/* where the current sub-buffer begins */
	uint64_t base_ns, wall_offset_ns;
};

/* ---- the table of nodes ------------------------------------------------ */

static struct node **bucket_of(const struct carry *carry, uint64_t id)
{
	/* Fibonacci hashing: ids are counted up, the high bits spread them. */
	const uint64_t hash = id * 0x9e3779b97f4a7c15ull;

	return &carry->buckets[(hash >> 32) & (carry->bucket_count - 1)];
}

static struct node *find(const struct carry *carry, uint64_t id)
{
	struct node *node = *bucket_of(carry, id);

	while (node && node->id != id)
		node = node->next;
	return node;
}

static size_t node_cost(const struct node *node)
{
	return sizeof(*node) + node->room + sizeof(struct node *);
}

static void node_free(struct carry *carry, struct node *node)
{
	carry->counters.nodes--;
	carry->counters.bytes -= node_cost(node);
	free(node->records);
	free(node);
}

static void unlink_node(struct carry *carry, const struct node *node)
{
	struct node **link = bucket_of(carry, node->id);

	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
}

static void grow_table(struct carry *carry)
{
	const size_t old_count = carry->bucket_count;
	struct node **const old = carry->buckets;
	struct node **const new = calloc(2 * old_count, sizeof(*new));

	if (!new)
		return;		/* longer chains, nothing worse */
	carry->buckets = new;
	carry->bucket_count = 2 * old_count;
	for (size_t i = 0; i < old_count; i++) {
		struct node *node = old[i];

		while (node) {
			struct node *const next = node->next;
			struct node **const bucket = bucket_of(carry, node->id);

			node->next = *bucket;
			*bucket = node;
			node = next;
		}
	}
	free(old);
}

static void add_node(struct carry *carry, struct node *node)
{
	struct node **bucket;

	if (carry->counters.nodes >= carry->bucket_count)
		grow_table(carry);
	bucket = bucket_of(carry, node->id);
	node->next = *bucket;
	*bucket = node;
	carry->counters.nodes++;
	carry->counters.bytes += node_cost(node);
}

static struct node *find_or_add(struct carry *carry, uint64_t id)
{
	struct node *node = find(carry, id);

	if (node)
		return node;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->id = id;
	node->used = true;
	add_node(carry, node);
	return node;
}

static void forget_all(struct carry *carry)
{
	for (size_t i = 0; i < carry->bucket_count; i++) {
		while (carry->buckets[i]) {
			struct node *const node = carry->buckets[i];

			carry->buckets[i] = node->next;
			node_free(carry, node);
		}
	}
	carry->first_ended = NULL;
	carry->last_ended = &carry->first_ended;
	carry->heir_count = 0;
}

static void forget_first_ended(struct carry *carry)
{
	struct node *const node = carry->first_ended;

	carry->first_ended = node->next_ended;
	if (!carry->first_ended)
		carry->last_ended = &carry->first_ended;
	unlink_node(carry, node);
	node_free(carry, node);
}

/* Did it end so long ago that nothing will name it any more? */
static bool is_past_grace(const struct carry *carry, const struct node *node)
{
	return node->ended_ns && node->ended_ns + GRACE_NS < carry->now_ns;
}

static void forget_ended(struct carry *carry)
{
	while (!carry->past && carry->first_ended && is_past_grace(carry, carry->first_ended))
		forget_first_ended(carry);
}

/*
 * Forget until the memory suffices: first what has ended, whose grace is a
 * courtesy, or whoever ends nodes fast enough would have the living forgotten;
 * then what was not used for longest.
 */
static void forget_unused(struct carry *carry)
{
	while (carry->counters.bytes > carry->limit && carry->first_ended)
		forget_first_ended(carry);
	/* Two turns of the hand: the first may only clear marks. */
	for (size_t steps = 0; carry->counters.bytes > carry->limit &&
	     steps < 2 * carry->bucket_count; steps++) {
		struct node **link = &carry->buckets[carry->hand];

		carry->hand = (carry->hand + 1) & (carry->bucket_count - 1);
		while (*link) {
			struct node *const node = *link;

			if (node->used) {
				node->used = false;
				link = &node->next;
				continue;
			}
			*link = node->next;
			node_free(carry, node);
			carry->counters.forgotten++;
		}
	}
}

static void meet_boot(struct carry *carry, const struct prov_subbuf_header *header)
{
	if (!memcmp(carry->boot_id, header->boot_id, sizeof(carry->boot_id)))
		return;
	/* Ids are of a boot: what is known of another means nothing here. */
	forget_all(carry);
	memcpy(carry->boot_id, header->boot_id, sizeof(carry->boot_id));
	carry->now_ns = 0;
}

struct carry *carry_new(size_t limit_bytes)
{
	struct carry *const carry = calloc(1, sizeof(*carry));

	if (!carry)
		return NULL;
	carry->limit = limit_bytes;
	carry->bucket_count = FIRST_BUCKETS;
	carry->buckets = calloc(FIRST_BUCKETS, sizeof(*carry->buckets));
	if (!carry->buckets) {
		free(carry);
		return NULL;
	}
	carry->last_ended = &carry->first_ended;
	return carry;
}

void carry_free(struct carry *carry)
{
	if (!carry)
		return;
	forget_all(carry);
	free(carry->buckets);
	free(carry->heirs);
	free(carry->chosen);
	free(carry->out);
	free(carry);
}

struct carry_counters carry_counters(const struct carry *carry)
{
	return carry->counters;
}

void carry_segment(struct carry *carry)
{
	carry->segment++;
	carry->seq = 0;
}

/* ---- what is remembered of a node -------------------------------------- */

static struct kept *kept_at(const struct node *node, size_t at)
{
	return (struct kept *)(node->records + at);
}

static size_t kept_bytes(const struct kept *kept)
{
	return KEPT_OVERHEAD + le16toh(kept->rec.bytes);
}

static bool is_name(const struct prov_record *rec)
{
	if (rec->type != PROV_R_TEXT)
		return false;
	switch (rec->sub) {
	case PROV_T_OPEN:
	case PROV_T_CREATE:
	case PROV_T_LINK:
	case PROV_T_RENAME_TO:
	case PROV_T_ALIAS:
		return true;
	default:
		return false;
	}
}

/* A name that was got or lost, or a mount. */
static bool is_name_event(const struct prov_record *rec)
{
	return is_name(rec) || (rec->type == PROV_R_TEXT &&
				(rec->sub == PROV_T_UNLINK || rec->sub == PROV_T_RENAME_FROM ||
				 rec->sub == PROV_T_MOUNT || rec->sub == PROV_T_UMOUNT));
}

static bool is_remote(const struct prov_record *rec)
{
	return rec->type == PROV_R_ADDRESS && rec->sub == PROV_END_REMOTE;
}

static bool same_text(const struct prov_record *a, const struct prov_record *b)
{
	return a->bytes == b->bytes &&
	       !memcmp(a + 1, b + 1, le16toh(a->bytes) - sizeof(*a));
}

static bool text_replaces(const struct prov_record *new, const struct prov_record *old)
{
	const struct prov_text_record *const new_text = (const void *)new;
	const struct prov_text_record *const old_text = (const void *)old;

	switch (new->sub) {
	case PROV_T_ARGV:
	case PROV_T_ENVIRON:
		return old->sub == new->sub &&
		       (new_text->total_bytes != old_text->total_bytes ||
			new_text->offset == old_text->offset);
	case PROV_T_OPEN:
	case PROV_T_CREATE:
	case PROV_T_LINK:
	case PROV_T_UNLINK:
	case PROV_T_RENAME_TO:
	case PROV_T_ALIAS:
		return old->sub == new->sub && same_text(new, old);
	case PROV_T_MOUNT:
	case PROV_T_UMOUNT:
		return (old->sub == PROV_T_MOUNT || old->sub == PROV_T_UMOUNT) &&
		       same_text(new, old);
	case PROV_T_RENAME_FROM:
		return is_name(old) && same_text(new, old);
	default:
		return old->sub == new->sub;
	}
}

/* Does @new make @old, of the same node, superfluous? */
static bool replaces(const struct prov_record *new, const struct prov_record *old)
{
	if (new->type != old->type)
		return false;
	switch (new->type) {
	case PROV_R_TEXT:
		return text_replaces(new, old);
	case PROV_R_ADDRESS:
		return new->sub == old->sub &&
		       (new->sub == PROV_END_LOCAL || same_text(new, old));
	case PROV_R_OPAQUE:
		return (new->sub <= PROV_OPAQUE_EXEC) == (old->sub <= PROV_OPAQUE_EXEC);
	default:
		return true;
	}
}

static void drop(struct node *node, size_t at)
{
	const size_t bytes = kept_bytes(kept_at(node, at));

	memmove(node->records + at, node->records + at + bytes, node->bytes - at - bytes);
	node->bytes -= bytes;
}

/* Drop the oldest name or peer if there are too many by one. */
static void make_place(struct carry *carry, struct node *node, const struct prov_record *new)
{
	bool (*const of_sort)(const struct prov_record *rec) = is_remote(new) ? is_remote :
							       is_name_event;
	const size_t most = is_remote(new) ? MAX_REMOTES : MAX_NAMES;
	size_t oldest = 0, count = 0;

	if (!of_sort(new))
		return;
	for (size_t at = 0; at < node->bytes; at += kept_bytes(kept_at(node, at)))
		if (of_sort(&kept_at(node, at)->rec) && !count++)
			oldest = at;
	if (count < most)
		return;
	drop(node, oldest);
	carry->counters.dropped++;
}

static int keep(struct carry *carry, struct node *node, const struct prov_record *rec,
		uint64_t time_ns, uint64_t wall_offset_ns)
{
	const size_t bytes = KEPT_OVERHEAD + le16toh(rec->bytes);
	bool renamed = false;
	struct kept *kept;
	size_t at = 0;

	while (at < node->bytes) {
		if (!replaces(rec, &kept_at(node, at)->rec)) {
			at += kept_bytes(kept_at(node, at));
			continue;
		}
		renamed = rec->type == PROV_R_TEXT && rec->sub == PROV_T_RENAME_FROM;
		drop(node, at);
	}
	/* The name that it lost is gone: no need to remember that it is. */
	if (renamed)
		return 0;
	make_place(carry, node, rec);
	if (node->bytes + bytes > node->room) {
		const size_t room = node->bytes + bytes + node->bytes / 4;
		uint8_t *const records = realloc(node->records, room);

		if (!records)
			return -ENOMEM;
		carry->counters.bytes += room - node->room;
		node->records = records;
		node->room = room;
	}
	at = node->bytes;
	if (rec->type == PROV_R_NODE) {
		memmove(node->records + bytes, node->records, node->bytes);
		at = 0;
	}
	kept = kept_at(node, at);
	kept->time_ns = time_ns;
	kept->wall_offset_ns = wall_offset_ns;
	memcpy(&kept->rec, rec, le16toh(rec->bytes));
	node->bytes += bytes;
	return 0;
}

/* ---- what a process has from the one that it came from ------------------ */

static int add_heir(struct carry *carry, const struct prov_iter *iter,
		    const struct prov_item *item)
{
	if (carry->heir_count == carry->heir_room) {
		const size_t room = carry->heir_room ? 2 * carry->heir_room : 256;
		struct heir *const heirs = reallocarray(carry->heirs, room, sizeof(*heirs));

		if (!heirs)
			return -ENOMEM;
		carry->heirs = heirs;
		carry->heir_room = room;
	}
	carry->heirs[carry->heir_count++] = (struct heir) {
		.from = item->id,
		.to = item->edge.to,
		.time_ns = item->time_ns,
		.wall_offset_ns = iter->wall_offset_ns,
		.forked = item->sub == PROV_OP_FORK,
	};
	return 0;
}

static bool is_described(const struct node *node)
{
	return node && node->bytes && kept_at(node, 0)->rec.type == PROV_R_NODE;
}

static bool is_process(const struct node *node)
{
	return kept_at(node, 0)->rec.sub == PROV_K_PROCESS;
}

static bool has(const struct node *node, uint8_t type, uint8_t sub)
{
	for (size_t at = 0; at < node->bytes; at += kept_bytes(kept_at(node, at))) {
		const struct prov_record *const rec = &kept_at(node, at)->rec;

		if (rec->type == type && rec->sub == sub)
			return true;
	}
	return false;
}

/* As readers see it: what is recorded at each fork or exec is not inherited. */
static bool is_inherited(const struct prov_record *rec, bool forked)
{
	if (rec->type == PROV_R_PROCESS_ATTR)
		return true;
	if (rec->type != PROV_R_TEXT)
		return false;
	switch (rec->sub) {
	case PROV_T_SECCTX:
	case PROV_T_CGROUP:
	case PROV_T_GROUPS:
		return true;
	case PROV_T_EXE:
		return forked;
	case PROV_T_ARGV:
		return forked && !((const struct prov_text_record *)rec)->offset;
	default:
		return false;
	}
}

static int give(struct carry *carry, struct node *node, const struct prov_record *rec,
		const struct heir *heir)
{
	union {
		struct prov_record rec;
		struct prov_text_record text;
		struct prov_process_attr_record attr;
		uint8_t bytes[sizeof(struct prov_text_record) + MAX_INHERITED];
	} own;
	size_t bytes = le16toh(rec->bytes);

	/* Only what comes in parts can be longer, and then the rest counts as lost. */
	if (bytes > sizeof(own))
		bytes = sizeof(own);
	memcpy(&own, rec, bytes);
	own.rec.bytes = htole16(bytes);
	if (rec->type == PROV_R_TEXT) {
		own.text.id = htole64(node->id);
	} else {
		own.attr.id = htole64(node->id);
		own.attr.pid = 0;
	}
	return keep(carry, node, &own.rec, heir->time_ns, heir->wall_offset_ns);
}

/* Return: 1 if all is known that there can be, 0 if not, or -ENOMEM. */
static int inherit(struct carry *carry, const struct heir *heir)
{
	struct node *const node = find(carry, heir->to);
	const struct node *const from = find(carry, heir->from);

	if (!is_described(node) || !is_described(from))
		return 0;
	/* A program's file passes nothing on. */
	if (node == from || !is_process(node) || !is_process(from))
		return 1;
	for (size_t at = 0; at < from->bytes; at += kept_bytes(kept_at(from, at))) {
		const struct kept *const kept = kept_at(from, at);
		int err;

		if (!is_inherited(&kept->rec, heir->forked) || kept->time_ns > heir->time_ns ||
		    has(node, kept->rec.type, kept->rec.sub))
			continue;
		err = give(carry, node, &kept->rec, heir);
		if (err)
			return err;
	}
	return !heir->forked || has(node, PROV_R_TEXT, PROV_T_EXE);
}

static int by_time(const void *left, const void *right)
{
	const struct heir *const a = left, *const b = right;

	return a->time_ns < b->time_ns ? -1 : a->time_ns > b->time_ns;
}

static int inherit_all(struct carry *carry)
{
	size_t left = 0;
	int ret = 0;

	/* Who is forked forks later. */
	if (carry->heir_count)
		qsort(carry->heirs, carry->heir_count, sizeof(*carry->heirs), by_time);
	for (size_t i = 0; i < carry->heir_count; i++) {
		struct heir *const heir = &carry->heirs[i];
		const int done = inherit(carry, heir);

		if (done < 0)
			ret = done;
		if (done || heir->again)
			continue;
		heir->again = true;
		carry->heirs[left++] = *heir;
	}
	carry->heir_count = left;
	return ret;
}

/* ---- learning ---------------------------------------------------------- */

static void add_ended(struct carry *carry, struct node *node)
{
	node->next_ended = NULL;
	*carry->last_ended = node;
	carry->last_ended = &node->next_ended;
}

static void end_node(struct carry *carry, struct node *node, uint64_t time_ns)
{
	if (node->ended_ns)
		return;
	node->ended_ns = time_ns ? time_ns : 1;
	add_ended(carry, node);
}

static int learn_item(struct carry *carry, const struct prov_iter *iter,
		      const struct prov_item *item, bool carried)
{
	const struct prov_record *const rec = (const void *)(iter->at - item->bytes);
	struct node *node;
	int err = 0;

	switch (item->type) {
	case PROV_R_NODE:
		node = find_or_add(carry, item->id);
		if (!node)
			return -ENOMEM;
		break;
	case PROV_R_TEXT:
	case PROV_R_CRED:
	case PROV_R_INODE_ATTR:
	case PROV_R_ADDRESS:
	case PROV_R_PEER:
	case PROV_R_OPAQUE:
	case PROV_R_PROCESS_ATTR:
	case PROV_R_PID:
	case PROV_R_END:
		/*
		 * Records of two CPUs come in any order: text before its node
		 * is remembered as well.
		 */
		node = item->type == PROV_R_END ? find(carry, item->id) :
						  find_or_add(carry, item->id);
		if (!node)
			return item->type == PROV_R_END ? 0 : -ENOMEM;
		break;
	case PROV_R_EDGE_DATA:
		return item->sub == PROV_OP_FORK || item->sub == PROV_OP_EXEC ?
		       add_heir(carry, iter, item) : 0;
	default:
		return 0;
	}
	node->used = true;
	node->carried |= carried;
	err = keep(carry, node, rec, item->time_ns, iter->wall_offset_ns);
	if (item->type == PROV_R_END)
		end_node(carry, node, item->time_ns);
	return err;
}

int carry_learn(struct carry *carry, const void *raw, size_t raw_bytes)
{
	const struct prov_subbuf_header *header;
	size_t offset = 0;
	int ret = 0;

	while ((header = prov_subbuf_next(raw, raw_bytes, &offset))) {
		const bool carried = le32toh(header->cpu) == PROV_CPU_CARRIED;
		struct prov_iter iter;
		struct prov_item item;

		meet_boot(carry, header);
		if (le64toh(header->last_ns) > carry->now_ns)
			carry->now_ns = le64toh(header->last_ns);
		prov_iter_init(&iter, header);
		while (prov_iter_next(&iter, &item)) {
			const int err = learn_item(carry, &iter, &item, carried);

			if (err)
				ret = err;
		}
	}
	if (inherit_all(carry))
		ret = -ENOMEM;
	forget_ended(carry);
	forget_unused(carry);
	return ret;
}

/* ---- older segments ---------------------------------------------------- */

struct carry *carry_new_past(const struct carry *carry)
{
	struct carry *const past = carry_new(carry->limit / 2);

	if (past)
		past->past = true;
	return past;
}

/* Take a node of @past over, or free it. */
static void join_node(struct carry *carry, struct carry *past, struct node *node)
{
	const bool gone = is_past_grace(carry, node);

	/* A segment that uses a node describes it as far as it is known. */
	if (find(carry, node->id) || (gone && !node->carried)) {
		node_free(past, node);
		return;
	}
	past->counters.nodes--;
	past->counters.bytes -= node_cost(node);
	if (gone) {
		/* Still older segments describe it: remember that it is no more. */
		free(node->records);
		node->records = NULL;
		node->bytes = 0;
		node->room = 0;
	}
	add_node(carry, node);
	if (node->ended_ns)
		add_ended(carry, node);
}

bool carry_join(struct carry *carry, struct carry *past)
{
	static const uint8_t no_boot[sizeof(carry->boot_id)];

	/* In a segment without a frame there is none. */
	if (!memcmp(past->boot_id, no_boot, sizeof(no_boot)))
		return true;
	if (!memcmp(carry->boot_id, no_boot, sizeof(no_boot)))
		memcpy(carry->boot_id, past->boot_id, sizeof(carry->boot_id));
	if (memcmp(carry->boot_id, past->boot_id, sizeof(carry->boot_id)))
		return false;
	if (past->now_ns > carry->now_ns)
		carry->now_ns = past->now_ns;
	carry->counters.dropped += past->counters.dropped;
	carry->counters.forgotten += past->counters.forgotten;
	for (size_t i = 0; i < past->bucket_count; i++) {
		while (past->buckets[i]) {
			struct node *const node = past->buckets[i];

			past->buckets[i] = node->next;
			join_node(carry, past, node);
		}
	}
	past->first_ended = NULL;
	past->last_ended = &past->first_ended;
	return !past->counters.forgotten && carry->counters.bytes <= carry->limit / 2;
}

/* ---- making carried sub-buffers ---------------------------------------- */

static int choose(struct carry *carry, uint64_t id)
{
	struct node *const node = id ? find(carry, id) : NULL;

	if (!node)
		return 0;
	node->used = true;
	if (node->segment == carry->segment)
		return 0;
	if (carry->chosen_count == carry->chosen_room) {
		const size_t room = carry->chosen_room ? 2 * carry->chosen_room : 256;
		struct node **const chosen = reallocarray(carry->chosen, room, sizeof(*chosen));

		if (!chosen)
			return -ENOMEM;
		carry->chosen = chosen;
		carry->chosen_room = room;
	}
	node->segment = carry->segment;
	carry->chosen[carry->chosen_count++] = node;
	return 0;
}

static int choose_used(struct carry *carry, const struct prov_item *item)
{
	int err = choose(carry, item->id);

	switch (item->type) {
	case PROV_R_EDGE_DATA:
	case PROV_R_EDGE_META:
	case PROV_R_EDGE_CONTROL:
		return err ? err : choose(carry, item->edge.to);
	case PROV_R_REFUSAL:
		return err ? err : choose(carry, item->refusal.object);
	case PROV_R_PEER:
		return err ? err : choose(carry, item->peer.peer);
	case PROV_R_OPAQUE:
		return err ? err : choose(carry, item->opaque.by);
	case PROV_R_NODE:
		if (item->sub != PROV_K_MESSAGE)
			return err;
		return err ? err : choose(carry, item->node.queue);
	default:
		return err;
	}
}

/* A description that names another node needs that one described, too. */
static int choose_named(struct carry *carry, const struct node *node)
{
	for (size_t at = 0; at < node->bytes; at += kept_bytes(kept_at(node, at))) {
		const struct prov_record *const rec = &kept_at(node, at)->rec;
		int err = 0;

		if (rec->type == PROV_R_PEER)
			err = choose(carry, le64toh(((const struct prov_peer_record *)rec)->peer));
		else if (rec->type == PROV_R_OPAQUE)
			err = choose(carry, le64toh(((const struct prov_opaque_record *)rec)->by));
		else if (rec->type == PROV_R_NODE && rec->sub == PROV_K_MESSAGE)
			err = choose(carry,
				     le64toh(((const struct prov_node_record *)rec)->message.queue));
		if (err)
			return err;
	}
	return 0;
}

static int out_reserve(struct carry *carry, size_t bytes)
{
	size_t room = carry->out_room ? carry->out_room : PROV_SUBBUF_BYTES;
	uint8_t *out;

	if (carry->out_bytes + bytes <= carry->out_room)
		return 0;
	while (room < carry->out_bytes + bytes)
		room *= 2;
	out = realloc(carry->out, room);
	if (!out)
		return -ENOMEM;
	carry->out = out;
	carry->out_room = room;
	return 0;
}

static void begin_subbuf(struct carry *carry, const struct kept *kept)
{
	struct prov_subbuf_header *const header = (void *)(carry->out + carry->out_bytes);

	*header = (struct prov_subbuf_header) {
		.magic = htole32(PROV_MAGIC),
		.format = htole16(PROV_FORMAT_VERSION),
		.header_bytes = htole16(sizeof(*header)),
		.cpu = htole32(PROV_CPU_CARRIED),
		.seq = htole64(carry->seq++),
		.first_ns = htole64(kept->time_ns),
		.last_ns = htole64(kept->time_ns),
		.wall_offset_ns = htole64(kept->wall_offset_ns),
	};
	memcpy(header->boot_id, carry->boot_id, sizeof(header->boot_id));
	carry->subbuf = carry->out_bytes;
	carry->base_ns = kept->time_ns;
	carry->wall_offset_ns = kept->wall_offset_ns;
	carry->out_bytes += sizeof(*header);
	header->used_bytes = htole32(sizeof(*header));
}

static bool needs_base(const struct carry *carry, const struct kept *kept)
{
	return kept->wall_offset_ns != carry->wall_offset_ns ||
	       kept->time_ns < carry->base_ns || kept->time_ns - carry->base_ns > UINT32_MAX;
}

static int emit(struct carry *carry, const struct kept *kept)
{
	const size_t bytes = le16toh(kept->rec.bytes);
	struct prov_subbuf_header *header;
	struct prov_record *rec;
	int err;

	err = out_reserve(carry, sizeof(*header) + sizeof(struct prov_time_record) + bytes);
	if (err)
		return err;
	if (!carry->out_bytes || carry->out_bytes - carry->subbuf +
	    sizeof(struct prov_time_record) + bytes > PROV_SUBBUF_BYTES)
		begin_subbuf(carry, kept);
	if (needs_base(carry, kept)) {
		const struct prov_time_record time = {
			.rec = { .type = PROV_R_TIME, .bytes = htole16(sizeof(time)) },
			.boottime_ns = htole64(kept->time_ns),
			.wall_offset_ns = htole64(kept->wall_offset_ns),
		};

		memcpy(carry->out + carry->out_bytes, &time, sizeof(time));
		carry->out_bytes += sizeof(time);
		carry->base_ns = kept->time_ns;
		carry->wall_offset_ns = kept->wall_offset_ns;
	}
	rec = (void *)(carry->out + carry->out_bytes);
	memcpy(rec, &kept->rec, bytes);
	rec->dt_ns = htole32(kept->time_ns - carry->base_ns);
	carry->out_bytes += bytes;
	header = (void *)(carry->out + carry->subbuf);
	header->used_bytes = htole32(carry->out_bytes - carry->subbuf);
	if (kept->time_ns > le64toh(header->last_ns))
		header->last_ns = htole64(kept->time_ns);
	return 0;
}

static int emit_node(struct carry *carry, const struct node *node)
{
	for (size_t at = 0; at < node->bytes; at += kept_bytes(kept_at(node, at))) {
		const int err = emit(carry, kept_at(node, at));

		if (err)
			return err;
	}
	return 0;
}

static int by_first_time(const void *left, const void *right)
{
	const struct node *const a = *(struct node *const *)left;
	const struct node *const b = *(struct node *const *)right;
	const uint64_t a_ns = a->bytes ? kept_at(a, 0)->time_ns : 0;
	const uint64_t b_ns = b->bytes ? kept_at(b, 0)->time_ns : 0;

	return a_ns < b_ns ? -1 : a_ns > b_ns;
}

/* Mark the nodes that the frame itself describes. */
static int note_described(struct carry *carry, const struct prov_subbuf_header *header)
{
	struct prov_iter iter;
	struct prov_item item;

	prov_iter_init(&iter, header);
	while (prov_iter_next(&iter, &item)) {
		struct node *node;

		if (item.type != PROV_R_NODE)
			continue;
		node = find_or_add(carry, item.id);
		if (!node)
			return -ENOMEM;
		node->segment = carry->segment;
	}
	return 0;
}

static int choose_all(struct carry *carry, const void *raw, size_t raw_bytes)
{
	const struct prov_subbuf_header *header;
	size_t offset = 0;
	int err = 0;

	while (!err && (header = prov_subbuf_next(raw, raw_bytes, &offset))) {
		meet_boot(carry, header);
		err = note_described(carry, header);
	}
	for (offset = 0; !err && (header = prov_subbuf_next(raw, raw_bytes, &offset));) {
		struct prov_iter iter;
		struct prov_item item;

		prov_iter_init(&iter, header);
		while (!err && prov_iter_next(&iter, &item))
			err = choose_used(carry, &item);
	}
	/* The list grows while it is walked. */
	for (size_t i = 0; !err && i < carry->chosen_count; i++)
		err = choose_named(carry, carry->chosen[i]);
	return err;
}

int carry_prepare(struct carry *carry, const void *raw, size_t raw_bytes,
		  const void **carried, size_t *carried_bytes)
{
	int err, emit_err = 0;

	carry->chosen_count = 0;
	carry->out_bytes = 0;
	err = choose_all(carry, raw, raw_bytes);
	if (carry->chosen_count)
		qsort(carry->chosen, carry->chosen_count, sizeof(*carry->chosen), by_first_time);
	for (size_t i = 0; !emit_err && i < carry->chosen_count; i++)
		emit_err = emit_node(carry, carry->chosen[i]);
	*carried = carry->out_bytes ? carry->out : NULL;
	*carried_bytes = carry->out_bytes;
	return err ? err : emit_err;
}
