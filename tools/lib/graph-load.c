// SPDX-License-Identifier: GPL-2.0
/*
 * The graph of a log: reading it from the segments
 *
 * Records come in no order: those of different CPUs overlap, a text may come
 * before the node that it belongs to, and a log may begin in the middle.  So
 * everything is first collected in flat arrays, and put in order at the end.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <xxhash.h>

#include "graph-internal.h"
#include "record.h"
#include "segment.h"

/* A part of a text that came in several. */
struct part {
	uint64_t time_ns;
	uint32_t node;
	uint32_t offset;
	uint32_t total_bytes;
	uint32_t blob;
	uint8_t	 sub;
	uint8_t	 flags;
};

struct loader {
	struct graph *graph;
	graph_fault_fn *fault;
	void *context;
	struct table blob_table;
	struct table subbuf_table;
	struct table boot_table;	/* until order_boots() numbers them anew */
	struct part *parts;
	size_t part_count, part_room;
	uint64_t segment;
	const char *where;
	uint32_t boot;		/* of the sub-buffer at hand */
	bool carried;		/* it repeats descriptions */
};

static void __attribute__((format(printf, 3, 4)))
report(struct loader *loader, enum graph_fault fault, const char *format, ...)
{
	char message[256];
	va_list args;

	loader->graph->info.faults[fault]++;
	if (!loader->fault)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	loader->fault(loader->context, fault, loader->where, message);
}

/* ---- memory ------------------------------------------------------------- */

/* Make room in *@array for @count elements and one more; it grows by half. */
static int grow(struct graph *graph, void *array, size_t *room, size_t count, size_t element_bytes)
{
	size_t more = *room + *room / 2 + 64;
	void *bigger;

	if (count < *room)
		return 0;
	if (count >= UINT32_MAX - 1)
		return -EOVERFLOW;
	if (graph_take(graph, (more - *room) * element_bytes))
		return -ENOMEM;
	bigger = realloc(*(void **)array, more * element_bytes);
	if (!bigger)
		return -ENOMEM;
	*(void **)array = bigger;
	*room = more;
	return 0;
}

static uint64_t node_hash_of(const struct loader *loader, uint32_t index)
{
	const struct graph_node *const node = &loader->graph->nodes[index];

	return graph_node_hash(loader->graph, node->boot, node->id);
}

static uint64_t blob_hash(const struct loader *loader, const void *bytes, size_t length)
{
	return XXH3_64bits_withSeed(bytes, length, loader->graph->seed);
}

static uint64_t blob_hash_of(const struct loader *loader, uint32_t index)
{
	const struct blob *const blob = &loader->graph->blobs[index];

	return blob_hash(loader, loader->graph->arena + blob->offset, blob->bytes);
}

static uint64_t subbuf_hash(const struct loader *loader, uint32_t boot, uint32_t cpu, uint64_t seq)
{
	const uint64_t key[2] = { seq, (uint64_t)boot << 32 | cpu };

	return XXH3_64bits_withSeed(key, sizeof(key), loader->graph->seed);
}

static uint64_t subbuf_hash_of(const struct loader *loader, uint32_t index)
{
	const struct graph_subbuf *const subbuf = &loader->graph->subbufs[index];

	return subbuf_hash(loader, subbuf->boot, subbuf->cpu, subbuf->seq);
}

static uint64_t boot_hash(const struct loader *loader, const uint8_t *id)
{
	return XXH3_64bits_withSeed(id, sizeof(loader->graph->boots->id), loader->graph->seed);
}

static uint64_t boot_hash_of(const struct loader *loader, uint32_t index)
{
	return boot_hash(loader, loader->graph->boots[index].id);
}

/* Keep at least half of the slots free. */
static int table_room(struct loader *loader, struct table *table,
		      uint64_t (*hash_of)(const struct loader *loader, uint32_t index))
{
	const size_t old = table->slots ? table->mask + 1 : 0;
	const size_t size = old ? 2 * old : 1024;
	uint32_t *slots;

	if (2 * (table->used + 1) <= old)
		return 0;
	if (graph_take(loader->graph, (size - old) * sizeof(*slots)))
		return -ENOMEM;
	slots = calloc(size, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < old; i++) {
		size_t at;

		if (!table->slots[i])
			continue;
		at = hash_of(loader, table->slots[i] - 1);
		while (slots[at & (size - 1)])
			at++;
		slots[at & (size - 1)] = table->slots[i];
	}
	free(table->slots);
	table->slots = slots;
	table->mask = size - 1;
	return 0;
}

static void table_add(struct table *table, uint64_t hash, uint32_t index)
{
	size_t at = hash;

	while (table->slots[at & table->mask])
		at++;
	table->slots[at & table->mask] = index + 1;
	table->used++;
}

/* ---- collecting --------------------------------------------------------- */

static int intern(struct loader *loader, const void *bytes, size_t length, uint32_t *index)
{
	struct graph *const graph = loader->graph;
	const uint64_t hash = blob_hash(loader, bytes, length);
	const size_t stored = (length + 1 + 7) & ~(size_t)7;
	int err;

	err = table_room(loader, &loader->blob_table, blob_hash_of);
	if (err)
		return err;
	for (size_t at = hash;; at++) {
		const uint32_t slot = loader->blob_table.slots[at & loader->blob_table.mask];
		const struct blob *blob;

		if (!slot)
			break;
		blob = &graph->blobs[slot - 1];
		if (blob->bytes == length &&
		    (!length || !memcmp(graph->arena + blob->offset, bytes, length))) {
			*index = slot - 1;
			return 0;
		}
	}

	err = grow(graph, &graph->blobs, &graph->blob_room, graph->blob_count,
		   sizeof(*graph->blobs));
	if (err)
		return err;
	if (graph->arena_room - graph->arena_bytes < stored) {
		const size_t more = graph->arena_room / 2 + stored + 4096;
		uint8_t *bigger;

		if (graph_take(graph, more))
			return -ENOMEM;
		bigger = realloc(graph->arena, graph->arena_room + more);
		if (!bigger)
			return -ENOMEM;
		graph->arena = bigger;
		graph->arena_room += more;
	}
	graph->blobs[graph->blob_count] = (struct blob) {
		.offset = graph->arena_bytes,
		.bytes = length,
	};
	if (length)
		memcpy(graph->arena + graph->arena_bytes, bytes, length);
	memset(graph->arena + graph->arena_bytes + length, 0, stored - length);
	graph->arena_bytes += stored;
	table_add(&loader->blob_table, hash, graph->blob_count);
	*index = graph->blob_count++;
	return 0;
}

static int get_node(struct loader *loader, uint64_t id, uint64_t time_ns, uint32_t *index)
{
	struct graph *const graph = loader->graph;
	int err;

	*index = graph_find_node(graph, loader->boot, id);
	if (*index != GRAPH_NONE) {
		if (!graph->nodes[*index].kind && time_ns < graph->nodes[*index].first_ns)
			graph->nodes[*index].first_ns = time_ns;
		return 0;
	}
	err = table_room(loader, &graph->node_table, node_hash_of);
	if (err)
		return err;
	err = grow(graph, &graph->nodes, &graph->node_room, graph->node_count,
		   sizeof(*graph->nodes));
	if (err)
		return err;
	graph->nodes[graph->node_count] = (struct graph_node) {
		.id = id,
		.boot = loader->boot,
		.first_ns = time_ns,
	};
	table_add(&graph->node_table, graph_node_hash(graph, loader->boot, id), graph->node_count);
	*index = graph->node_count++;
	return 0;
}

static int add_fact(struct loader *loader, const struct prov_item *item, uint32_t node,
		    const void *bytes, size_t length)
{
	struct graph *const graph = loader->graph;
	uint32_t blob;
	int err;

	err = intern(loader, bytes, length, &blob);
	if (err)
		return err;
	err = grow(graph, &graph->facts, &graph->fact_room, graph->fact_count,
		   sizeof(*graph->facts));
	if (err)
		return err;
	graph->facts[graph->fact_count++] = (struct graph_fact) {
		.time_ns = item->time_ns,
		.node = node,
		.blob = blob,
		.type = item->type,
		.sub = item->sub,
		.flags = loader->carried ? GRAPH_FACT_CARRIED : 0,
	};
	return 0;
}

static int add_part(struct loader *loader, const struct prov_item *item, uint32_t node)
{
	uint32_t blob;
	int err;

	err = intern(loader, item->text.part, item->text.part_bytes, &blob);
	if (err)
		return err;
	err = grow(loader->graph, &loader->parts, &loader->part_room, loader->part_count,
		   sizeof(*loader->parts));
	if (err)
		return err;
	loader->parts[loader->part_count++] = (struct part) {
		.time_ns = item->time_ns,
		.node = node,
		.offset = item->text.offset,
		.total_bytes = item->text.total_bytes,
		.blob = blob,
		.sub = item->sub,
		.flags = loader->carried ? GRAPH_FACT_CARRIED : 0,
	};
	return 0;
}

static void describe(struct graph_node *node, const struct prov_item *item)
{
	/* A carried description repeats the first one, which may have been read. */
	if (node->kind)
		return;
	node->kind = item->sub;
	node->flags = item->node.flags;
	node->first_ns = item->time_ns;
	if (item->sub == PROV_K_PROCESS) {
		node->process.tgid = item->node.tgid;
		node->process.ppid = item->node.ppid;
		node->process.start_ns = item->node.start_ns;
	} else if (item->sub == PROV_K_SOCKET) {
		node->socket.family = item->node.family;
		node->socket.type = item->node.socket_type;
		node->socket.protocol = item->node.protocol;
		node->socket.netns = item->node.netns;
		node->socket.uid = item->node.uid;
	} else if (item->sub == PROV_K_MSGQUEUE || item->sub == PROV_K_SEM) {
		node->ipc.key = item->node.key;
		node->ipc.id = item->node.ipc_id;
		node->ipc.ipcns = item->node.ipcns;
	} else if (item->sub == PROV_K_MESSAGE) {
		node->message.queue = item->node.queue;
	} else if (prov_kind_is_numbered(item->sub)) {
		node->numbered.number = item->node.number;
		node->numbered.type = item->node.number_type;
	} else {
		memcpy(node->inode.uuid, item->node.uuid, sizeof(node->inode.uuid));
		node->inode.ino = item->node.ino;
		node->inode.dev = item->node.dev;
		node->inode.generation = item->node.generation;
		node->inode.mode = item->node.mode;
		node->inode.rdev = item->node.rdev;
	}
}

static void saw_version(struct graph_node *node, uint32_t version)
{
	if (version > node->last_version)
		node->last_version = version;
}

static int add_edge(struct loader *loader, const struct prov_item *item, uint32_t from)
{
	struct graph *const graph = loader->graph;
	uint32_t to;
	int err;

	err = get_node(loader, item->edge.to, item->time_ns, &to);
	if (err)
		return err;
	err = grow(graph, &graph->edges, &graph->edge_room, graph->edge_count,
		   sizeof(*graph->edges));
	if (err)
		return err;
	graph->edges[graph->edge_count++] = (struct graph_edge) {
		.time_ns = item->time_ns,
		.from = from,
		.to = to,
		.from_version = item->edge.from_version,
		.to_version = item->edge.to_version,
		.tid = item->tid,
		.op = item->sub,
		.class = item->type,
	};
	saw_version(&graph->nodes[from], item->edge.from_version);
	saw_version(&graph->nodes[to], item->edge.to_version);
	return 0;
}

/* A refusal is an edge; what else it says is kept beside. */
static int add_refusal(struct loader *loader, const struct prov_item *item, uint32_t node)
{
	const struct refusal_numbers numbers = {
		.error = item->refusal.error,
		.detail = item->refusal.detail,
		.layer = item->sub,
	};
	struct graph *const graph = loader->graph;
	struct prov_item edge = *item;
	uint8_t bytes[UINT16_MAX];
	uint32_t blob;
	int err;

	memcpy(bytes, &numbers, sizeof(numbers));
	memcpy(bytes + sizeof(numbers), item->refusal.text, item->refusal.text_bytes);
	err = intern(loader, bytes, sizeof(numbers) + item->refusal.text_bytes, &blob);
	if (!err)
		err = grow(graph, &graph->refusals, &graph->refusal_room, graph->refusal_count,
			   sizeof(*graph->refusals));
	if (err)
		return err;
	edge.type = PROV_R_EDGE_CONTROL;
	edge.sub = PROV_OP_REFUSED;
	edge.edge.to = item->refusal.object ? item->refusal.object : item->id;
	edge.edge.from_version = item->refusal.version;
	edge.edge.to_version = item->refusal.object ? item->refusal.object_version :
						      item->refusal.version;
	err = add_edge(loader, &edge, node);
	if (err)
		return err;
	graph->refusals[graph->refusal_count++] = (struct refusal) {
		.edge = graph->edge_count - 1,
		.blob = blob,
	};
	return 0;
}

static int add_link(struct loader *loader, const struct prov_item *item, uint32_t node,
		    uint64_t id)
{
	struct graph_link link = { .node = GRAPH_NONE };
	int err;

	if (id) {
		err = get_node(loader, id, item->time_ns, &link.node);
		if (err)
			return err;
	}
	return add_fact(loader, item, node, &link, sizeof(link));
}

static int add_item(struct loader *loader, const struct prov_item *item)
{
	struct graph_node *n;
	uint32_t node;
	int err;

	/* What is carried are descriptions; where an edge went is in its segment. */
	if (loader->carried && (item->type == PROV_R_REFUSAL ||
	    (item->type >= PROV_R_EDGE_DATA && item->type <= PROV_R_EDGE_CONTROL)))
		return 0;
	err = get_node(loader, item->id, item->time_ns, &node);
	if (err)
		return err;
	n = &loader->graph->nodes[node];

	switch (item->type) {
	case PROV_R_NODE:
		describe(n, item);
		return 0;
	case PROV_R_EDGE_DATA:
	case PROV_R_EDGE_META:
	case PROV_R_EDGE_CONTROL:
		return add_edge(loader, item, node);
	case PROV_R_TEXT:
		if (item->text.offset || item->text.part_bytes < item->text.total_bytes)
			return add_part(loader, item, node);
		return add_fact(loader, item, node, item->text.part, item->text.part_bytes);
	case PROV_R_CRED: {
		struct graph_cred cred;

		memset(&cred, 0, sizeof(cred));
		memcpy(cred.uid, item->cred.uid, sizeof(cred.uid));
		memcpy(cred.gid, item->cred.gid, sizeof(cred.gid));
		cred.cap_permitted = item->cred.cap_permitted;
		cred.cap_effective = item->cred.cap_effective;
		cred.loginuid = item->cred.loginuid;
		cred.sessionid = item->cred.sessionid;
		return add_fact(loader, item, node, &cred, sizeof(cred));
	}
	case PROV_R_INODE_ATTR: {
		struct graph_attr attr;

		memset(&attr, 0, sizeof(attr));
		attr.size = item->attr.size;
		attr.mode = item->attr.mode;
		attr.uid = item->attr.uid;
		attr.gid = item->attr.gid;
		attr.nlink = item->attr.nlink;
		return add_fact(loader, item, node, &attr, sizeof(attr));
	}
	case PROV_R_ADDRESS: {
		struct graph_address address;

		memset(&address, 0, sizeof(address));
		memcpy(address.address, item->address.address, sizeof(address.address));
		address.scope = item->address.scope;
		address.family = item->address.family;
		address.port = item->address.port;
		return add_fact(loader, item, node, &address, sizeof(address));
	}
	case PROV_R_REFUSAL:
		return add_refusal(loader, item, node);
	case PROV_R_PROCESS_ATTR: {
		struct graph_process_attr attr;

		memset(&attr, 0, sizeof(attr));
		attr.cgroup = item->process_attr.cgroup;
		memcpy(attr.ns, item->process_attr.ns, sizeof(attr.ns));
		attr.pid = item->process_attr.pid;
		return add_fact(loader, item, node, &attr, sizeof(attr));
	}
	case PROV_R_PID: {
		const struct graph_pid pid = { item->pid.pid, item->pid.ns };

		return add_fact(loader, item, node, &pid, sizeof(pid));
	}
	case PROV_R_PEER:
		return add_link(loader, item, node, item->peer.peer);
	case PROV_R_OPAQUE:
		return add_link(loader, item, node, item->opaque.by);
	case PROV_R_END:
		n->ended = true;
		n->end_ns = item->time_ns;
		n->end_code = item->end.code;
		n->end_version = item->end.version;
		saw_version(n, item->end.version);
		return 0;
	}
	return 0;
}

static int get_boot(struct loader *loader, const uint8_t *id)
{
	struct graph *const graph = loader->graph;
	const uint64_t hash = boot_hash(loader, id);
	int err;

	err = table_room(loader, &loader->boot_table, boot_hash_of);
	if (err)
		return err;
	for (size_t at = hash;; at++) {
		const uint32_t slot = loader->boot_table.slots[at & loader->boot_table.mask];

		if (!slot)
			break;
		if (!memcmp(graph->boots[slot - 1].id, id, sizeof(graph->boots->id))) {
			loader->boot = slot - 1;
			return 0;
		}
	}
	err = grow(graph, &graph->boots, &graph->boot_room, graph->boot_count,
		   sizeof(*graph->boots));
	if (!err)
		err = grow(graph, &graph->walls, &graph->wall_room, graph->boot_count,
			   sizeof(*graph->walls));
	if (err)
		return err;
	loader->boot = graph->boot_count;
	graph->walls[loader->boot] = (struct wall) { .first_subbuf = graph->subbuf_count };
	graph->boots[loader->boot] = (struct graph_boot) { .first_ns = UINT64_MAX };
	memcpy(graph->boots[loader->boot].id, id, sizeof(graph->boots->id));
	table_add(&loader->boot_table, hash, graph->boot_count++);
	return 0;
}

static int add_wall_step(struct loader *loader, uint64_t boot_ns, uint64_t offset_ns)
{
	struct wall *const wall = &loader->graph->walls[loader->boot];
	int err;

	if (loader->carried) {
		wall->carried_offset_ns = offset_ns;
		return 0;
	}
	if (wall->count && wall->steps[wall->count - 1].offset_ns == offset_ns &&
	    wall->steps[wall->count - 1].boot_ns <= boot_ns)
		return 0;
	err = grow(loader->graph, &wall->steps, &wall->room, wall->count, sizeof(*wall->steps));
	if (err)
		return err;
	wall->steps[wall->count++] = (struct wall_step) { boot_ns, offset_ns };
	return 0;
}

/* Note a sub-buffer; *@fresh says whether it is here for the first time. */
static int add_subbuf(struct loader *loader, const struct prov_subbuf_header *header, bool *fresh)
{
	struct graph *const graph = loader->graph;
	const uint32_t cpu = le32toh(header->cpu);
	const uint64_t seq = le64toh(header->seq);
	const uint64_t hash = subbuf_hash(loader, loader->boot, cpu, seq);
	int err;

	err = table_room(loader, &loader->subbuf_table, subbuf_hash_of);
	if (err)
		return err;
	for (size_t at = hash;; at++) {
		const uint32_t slot = loader->subbuf_table.slots[at & loader->subbuf_table.mask];
		const struct graph_subbuf *subbuf;

		if (!slot)
			break;
		subbuf = &graph->subbufs[slot - 1];
		if (subbuf->boot == loader->boot && subbuf->cpu == cpu && subbuf->seq == seq) {
			report(loader, GRAPH_F_REPEAT,
			       "sub-buffer %llu of CPU %u is there twice; the second is ignored",
			       (unsigned long long)seq, cpu);
			*fresh = false;
			return 0;
		}
	}
	err = grow(graph, &graph->subbufs, &graph->subbuf_room, graph->subbuf_count,
		   sizeof(*graph->subbufs));
	if (err)
		return err;
	graph->subbufs[graph->subbuf_count] = (struct graph_subbuf) {
		.segment = loader->segment,
		.seq = seq,
		.first_ns = le64toh(header->first_ns),
		.last_ns = le64toh(header->last_ns),
		.lost = le64toh(header->lost),
		.lost_total = le64toh(header->lost_total),
		.boot = loader->boot,
		.cpu = cpu,
	};
	table_add(&loader->subbuf_table, hash, graph->subbuf_count++);
	*fresh = true;
	return 0;
}

static int load_subbuf(struct loader *loader, const struct prov_subbuf_header *header,
		       uint32_t frame_type)
{
	struct graph *const graph = loader->graph;
	struct graph_boot *boot;
	struct prov_iter iter;
	struct prov_item item;
	uint64_t offset_ns;
	bool fresh = true;
	int err;

	loader->carried = frame_type == PROV_FRAME_CARRIED ||
			  le32toh(header->cpu) == PROV_CPU_CARRIED;
	err = get_boot(loader, header->boot_id);
	if (!err && !loader->carried)
		err = add_subbuf(loader, header, &fresh);
	if (err || !fresh)
		return err;

	prov_iter_init(&iter, header);
	offset_ns = iter.wall_offset_ns;
	err = add_wall_step(loader, le64toh(header->first_ns), offset_ns);
	if (err)
		return err;
	while (prov_iter_next(&iter, &item)) {
		if (iter.wall_offset_ns != offset_ns) {
			offset_ns = iter.wall_offset_ns;
			err = add_wall_step(loader, iter.base_ns, offset_ns);
			if (err)
				return err;
		}
		err = add_item(loader, &item);
		if (err)
			return err;
	}

	boot = &graph->boots[loader->boot];
	if (!loader->carried) {
		graph->info.records += iter.items + iter.skipped + iter.bad;
		graph->info.unknown_records += iter.skipped;
		if (le64toh(header->first_ns) < boot->first_ns)
			boot->first_ns = le64toh(header->first_ns);
		if (le64toh(header->last_ns) > boot->last_ns)
			boot->last_ns = le64toh(header->last_ns);
	}
	if (iter.bad)
		report(loader, GRAPH_F_RECORD, "sub-buffer %llu of CPU %u: %llu impossible records",
		       (unsigned long long)le64toh(header->seq), le32toh(header->cpu),
		       (unsigned long long)iter.bad);
	if (iter.broken)
		report(loader, GRAPH_F_RECORD,
		       "sub-buffer %llu of CPU %u: a record's length is impossible; the rest is lost",
		       (unsigned long long)le64toh(header->seq), le32toh(header->cpu));
	return 0;
}

static int load_frame(struct loader *loader, struct prov_segment_reader *reader,
		      const struct prov_frame *frame)
{
	const struct prov_subbuf_header *header;
	const void *raw;
	size_t at = 0;
	int err;

	err = prov_segment_payload(reader, &raw);
	if (err == -EBADMSG) {
		report(loader, GRAPH_F_FRAME, "frame %llu cannot be decompressed",
		       (unsigned long long)frame->index);
		return 0;
	}
	if (err)
		return err;
	loader->graph->info.frames++;
	loader->graph->info.raw_bytes += frame->raw_bytes;
	while ((header = prov_subbuf_next(raw, frame->raw_bytes, &at)) != NULL) {
		err = load_subbuf(loader, header, frame->type);
		if (err)
			return err;
	}
	if (at != frame->raw_bytes)
		report(loader, GRAPH_F_SUBBUF, "frame %llu: what is at byte %zu is no sub-buffer",
		       (unsigned long long)frame->index, at);
	return 0;
}

static void judge_segment(struct loader *loader, const struct prov_segment_entry *entry,
			  const struct prov_segment_state *state)
{
	struct graph_info *const info = &loader->graph->info;

	if (state->damaged)
		report(loader, GRAPH_F_FRAME, "%llu damaged places were jumped over",
		       (unsigned long long)state->damaged);
	if (state->end == PROV_SEGMENT_BAD_SEAL) {
		report(loader, GRAPH_F_SEAL, "the seal does not fit: the segment was changed");
	} else if (state->end != PROV_SEGMENT_SEALED) {
		if (entry->open) {
			info->open_segments++;
			info->torn_bytes += state->tail_bytes;
		} else {
			report(loader, GRAPH_F_SEAL,
			       "the seal is missing: the segment was cut short (%llu bytes of no use at its end)",
			       (unsigned long long)state->tail_bytes);
		}
	}
}

static int load_segment(struct loader *loader, int dirfd, const struct prov_segment_entry *entry)
{
	struct graph_info *const info = &loader->graph->info;
	struct prov_segment_reader *reader;
	struct prov_frame frame;
	int err;

	err = prov_segment_open_entry(&reader, dirfd, entry);
	if (err == -ENOMEM)
		return err;
	/* Retention takes the oldest, and may have done so since they were listed. */
	if (err == -ENOENT && !info->segments)
		return 0;
	/* Begun this moment: nothing is in it yet. */
	if (err == -ENODATA && entry->open) {
		info->open_segments++;
		return 0;
	}
	if (err) {
		report(loader, GRAPH_F_SEGMENT, "%s",
		       err == -EBADMSG ? "the file does not begin as a segment does" :
		       err == -ENODATA ? "the file is too short for a segment" : strerror(-err));
		return 0;
	}
	info->segments++;
	info->bytes += entry->bytes;
	memcpy(info->machine_id, prov_segment_header(reader)->machine_id,
	       sizeof(info->machine_id));
	if (le64toh(prov_segment_header(reader)->number) != entry->number)
		report(loader, GRAPH_F_SEGMENT, "the segment says that its number is %llu",
		       (unsigned long long)le64toh(prov_segment_header(reader)->number));
	while ((err = prov_segment_next(reader, &frame)) > 0) {
		err = load_frame(loader, reader, &frame);
		if (err)
			break;
	}
	if (!err) {
		judge_segment(loader, entry, prov_segment_state(reader));
	} else if (err != -ENOMEM && err != -EOVERFLOW) {
		report(loader, GRAPH_F_SEGMENT, "%s", strerror(-err));
		err = 0;
	}
	prov_segment_close(reader);
	return err;
}

static int load_segments(struct loader *loader, int dirfd)
{
	struct prov_segment_entry *entries;
	char name[PROV_SEGMENT_NAME_BYTES];
	size_t count;
	int err;

	err = prov_segment_list(dirfd, &entries, &count);
	if (err)
		return err;
	if (!count)
		return -ENODATA;
	loader->where = name;
	for (size_t i = 0; i < count && !err; i++) {
		/* Copied while it was sealed, it is there twice: the sealed one has all. */
		if (i && entries[i].open && entries[i].number == entries[i - 1].number)
			continue;
		prov_segment_name(name, entries[i].number, entries[i].open);
		loader->segment = entries[i].number;
		if (i && entries[i].number != entries[i - 1].number + 1)
			report(loader, GRAPH_F_GAP, "%llu segments before this one are missing",
			       (unsigned long long)(entries[i].number - entries[i - 1].number - 1));
		err = load_segment(loader, dirfd, &entries[i]);
	}
	loader->where = NULL;
	free(entries);
	return err;
}

/* ---- putting in order --------------------------------------------------- */

#define COMPARE(a, b) ((a) < (b) ? -1 : (a) > (b))

/* qsort(3) must not be given NULL, which an empty array is. */
static void sort(void *array, size_t count, size_t element_bytes,
		 int (*compare)(const void *one, const void *two))
{
	if (count > 1)
		qsort(array, count, element_bytes, compare);
}

static int by_part(const void *one, const void *two)
{
	const struct part *const a = one, *const b = two;
	int order = COMPARE(a->node, b->node);

	if (!order)
		order = COMPARE(a->sub, b->sub);
	if (!order)
		order = COMPARE(a->total_bytes, b->total_bytes);
	if (!order)
		order = COMPARE(a->offset, b->offset);
	if (!order)
		order = COMPARE(a->flags, b->flags);
	return order ? order : COMPARE(a->time_ns, b->time_ns);
}

/*
 * Join the parts of each text.  What is missing is left out and marked; memory
 * is bounded by what is there, whatever total_bytes says.
 */
static int join_parts(struct loader *loader)
{
	struct graph *const graph = loader->graph;
	struct part *const parts = loader->parts;
	uint8_t *text = NULL;
	size_t room = 0;
	int err = 0;

	sort(parts, loader->part_count, sizeof(*parts), by_part);
	for (size_t i = 0, next; i < loader->part_count && !err; i = next) {
		struct prov_item item = { .type = PROV_R_TEXT, .sub = parts[i].sub };
		uint64_t end = 0;
		size_t bytes = 0;
		bool cut = false;

		item.time_ns = parts[i].time_ns;
		loader->carried = parts[i].flags & GRAPH_FACT_CARRIED;
		for (next = i; next < loader->part_count && parts[next].node == parts[i].node &&
		     parts[next].sub == parts[i].sub &&
		     parts[next].total_bytes == parts[i].total_bytes; next++) {
			const struct blob *const blob = &graph->blobs[parts[next].blob];

			/* Carried and original: the same part again. */
			if (parts[next].offset < end)
				continue;
			if (parts[next].offset > end)
				cut = true;
			while (room - bytes < blob->bytes) {
				err = grow(graph, &text, &room, room, 1);
				if (err)
					goto out;
			}
			if (blob->bytes)
				memcpy(text + bytes, graph->arena + blob->offset, blob->bytes);
			bytes += blob->bytes;
			end = (uint64_t)parts[next].offset + blob->bytes;
			if (!(parts[next].flags & GRAPH_FACT_CARRIED))
				loader->carried = false;
		}
		err = add_fact(loader, &item, parts[i].node, text, bytes);
		if (!err && (cut || end != parts[i].total_bytes))
			graph->facts[graph->fact_count - 1].flags |= GRAPH_FACT_CUT;
	}
out:
	free(text);
	return err;
}

static int by_content(const void *one, const void *two)
{
	const struct graph_fact *const a = one, *const b = two;
	int order = COMPARE(a->node, b->node);

	if (!order)
		order = COMPARE(a->type, b->type);
	if (!order)
		order = COMPARE(a->sub, b->sub);
	if (!order)
		order = COMPARE(a->blob, b->blob);
	if (!order)
		order = COMPARE(a->time_ns, b->time_ns);
	return order ? order : COMPARE(a->flags & GRAPH_FACT_CARRIED,
				       b->flags & GRAPH_FACT_CARRIED);
}

static int by_time(const void *one, const void *two)
{
	const struct graph_fact *const a = one, *const b = two;
	int order = COMPARE(a->node, b->node);

	if (!order)
		order = COMPARE(a->time_ns, b->time_ns);
	if (!order)
		order = COMPARE(a->type, b->type);
	return order ? order : COMPARE(a->sub, b->sub);
}

/*
 * A carried fact has the time of the original, and is dropped where the log still
 * has that.  The same said at another time is another fact: a name can be lost and
 * given again.
 */
static void order_facts(struct graph *graph)
{
	struct graph_fact *const facts = graph->facts;
	size_t kept = 0;

	sort(facts, graph->fact_count, sizeof(*facts), by_content);
	for (size_t i = 0; i < graph->fact_count; i++) {
		if (kept && facts[kept - 1].node == facts[i].node &&
		    facts[kept - 1].type == facts[i].type &&
		    facts[kept - 1].sub == facts[i].sub &&
		    facts[kept - 1].blob == facts[i].blob &&
		    facts[kept - 1].time_ns == facts[i].time_ns)
			continue;
		facts[kept++] = facts[i];
	}
	graph->fact_count = kept;

	sort(facts, kept, sizeof(*facts), by_time);
	for (size_t i = 0; i < kept; i++) {
		struct graph_node *const node = &graph->nodes[facts[i].node];

		if (!node->fact_count)
			node->fact_first = i;
		node->fact_count++;
	}
}

static int by_step(const void *one, const void *two)
{
	const struct wall_step *const a = one, *const b = two;
	const int order = COMPARE(a->boot_ns, b->boot_ns);

	return order ? order : COMPARE(a->offset_ns, b->offset_ns);
}

static void order_walls(struct graph *graph)
{
	for (size_t i = 0; i < graph->boot_count; i++) {
		struct wall *const wall = &graph->walls[i];
		size_t kept = 0;

		sort(wall->steps, wall->count, sizeof(*wall->steps), by_step);
		for (size_t j = 0; j < wall->count; j++)
			if (!kept || wall->steps[kept - 1].offset_ns != wall->steps[j].offset_ns)
				wall->steps[kept++] = wall->steps[j];
		wall->count = kept;
		if (graph->boots[i].first_ns == UINT64_MAX)
			graph->boots[i].first_ns = graph->boots[i].last_ns;
	}
}

static int by_appearance(const void *one, const void *two, void *context)
{
	const struct graph *const graph = context;
	const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)two;
	const size_t first_a = graph->walls[a].first_subbuf;
	const size_t first_b = graph->walls[b].first_subbuf;

	return first_a == first_b ? COMPARE(a, b) : COMPARE(first_a, first_b);
}

/*
 * Number the boots in the order in which they were recorded: segments are numbered
 * in that order and read by their numbers.  The wall clock does not tell it, for a
 * boot may begin with a wrong one.  What is carried into a segment belongs to
 * older ones, so a boot begins with what is not.
 */
static int order_boots(struct graph *graph)
{
	const size_t count = graph->boot_count;
	struct graph_boot *boots;
	struct wall *walls;
	uint32_t *order, *number;

	if (count < 2)
		return 0;
	boots = malloc(count * sizeof(*boots));
	walls = malloc(count * sizeof(*walls));
	order = malloc(count * sizeof(*order));
	number = malloc(count * sizeof(*number));
	if (!boots || !walls || !order || !number) {
		free(boots);
		free(walls);
		free(order);
		free(number);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	for (size_t i = graph->subbuf_count; i-- > 0;)
		graph->walls[graph->subbufs[i].boot].first_subbuf = i;
	qsort_r(order, count, sizeof(*order), by_appearance, graph);
	for (size_t i = 0; i < count; i++) {
		boots[i] = graph->boots[order[i]];
		walls[i] = graph->walls[order[i]];
		number[order[i]] = i;
	}
	free(graph->boots);
	free(graph->walls);
	graph->boots = boots;
	graph->walls = walls;
	graph->boot_room = count;
	graph->wall_room = count;
	for (size_t i = 0; i < graph->subbuf_count; i++)
		graph->subbufs[i].boot = number[graph->subbufs[i].boot];
	if (graph->node_count)
		memset(graph->node_table.slots, 0,
		       (graph->node_table.mask + 1) * sizeof(*graph->node_table.slots));
	for (size_t i = 0; i < graph->node_count; i++) {
		struct graph_node *const node = &graph->nodes[i];

		node->boot = number[node->boot];
		table_add(&graph->node_table, graph_node_hash(graph, node->boot, node->id), i);
	}
	free(order);
	free(number);
	return 0;
}

static int by_identity(const void *one, const void *two, void *context)
{
	const struct graph *const graph = context;
	const struct graph_node *const a = &graph->nodes[*(const uint32_t *)one];
	const struct graph_node *const b = &graph->nodes[*(const uint32_t *)two];
	int order = memcmp(a->inode.uuid, b->inode.uuid, sizeof(a->inode.uuid));

	if (!order)
		order = COMPARE(a->inode.ino, b->inode.ino);
	if (!order)
		order = COMPARE(a->inode.generation, b->inode.generation);
	if (!order)
		order = COMPARE(a->boot, b->boot);
	if (!order)
		order = COMPARE(a->first_ns, b->first_ns);
	return order ? order : COMPARE(a->id, b->id);
}

/*
 * Derive "continues": an inode that was freed from memory and loaded again, in
 * this boot or a later one, is the same file under a new id.
 *
 * Its end may be recorded a little after the beginning of its successor, so
 * what counts is the version that the old node had when the new one began.
 *
 * The edges of an inode are made in order of time: see graph_info.continues.
 */
static int derive_continues(struct graph *graph)
{
	uint32_t *strong, *version_then, *next;
	size_t count = 0;
	int err = 0;

	for (size_t i = 0; i < graph->node_count; i++)
		count += graph_is_strong(&graph->nodes[i]);
	if (count < 2)
		return 0;
	strong = malloc(count * sizeof(*strong));
	version_then = calloc(graph->node_count, sizeof(*version_then));
	next = malloc(graph->node_count * sizeof(*next));
	if (!strong || !version_then || !next) {
		err = -ENOMEM;
		goto out;
	}
	memset(next, 0xff, graph->node_count * sizeof(*next));
	count = 0;
	for (size_t i = 0; i < graph->node_count; i++)
		if (graph_is_strong(&graph->nodes[i]))
			strong[count++] = i;
	qsort_r(strong, count, sizeof(*strong), by_identity, graph);
	for (size_t i = 1; i < count; i++)
		if (graph_same_inode(&graph->nodes[strong[i - 1]], &graph->nodes[strong[i]]))
			next[strong[i - 1]] = strong[i];

	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct graph_edge *const edge = &graph->edges[i];
		const uint32_t ends[2] = { edge->from, edge->to };
		const uint32_t versions[2] = { edge->from_version, edge->to_version };

		for (int j = 0; j < 2; j++) {
			const struct graph_node *after;

			if (next[ends[j]] == GRAPH_NONE)
				continue;
			after = &graph->nodes[next[ends[j]]];
			if ((after->boot != graph->nodes[ends[j]].boot ||
			     edge->time_ns <= after->first_ns) &&
			    versions[j] > version_then[ends[j]])
				version_then[ends[j]] = versions[j];
		}
	}
	for (size_t i = 0; i + 1 < count; i++) {
		const uint32_t from = strong[i], to = next[from];
		const struct graph_node *const node = &graph->nodes[from];
		const struct graph_node *after;

		if (to == GRAPH_NONE)
			continue;
		after = &graph->nodes[to];
		if (node->ended && (after->boot != node->boot || node->end_ns <= after->first_ns) &&
		    node->end_version > version_then[from])
			version_then[from] = node->end_version;
		err = grow(graph, &graph->edges, &graph->edge_room, graph->edge_count,
			   sizeof(*graph->edges));
		if (err)
			goto out;
		graph->edges[graph->edge_count++] = (struct graph_edge) {
			.time_ns = after->first_ns,
			.from = from,
			.to = to,
			.from_version = version_then[from],
			.class = PROV_R_EDGE_DATA,
			.flags = GRAPH_EDGE_CONTINUES,
		};
		graph->info.continues++;
	}
out:
	free(strong);
	free(version_then);
	free(next);
	return err;
}

struct order_context {
	const struct graph_edge *edges;
	bool into;
};

static int by_version(const void *one, const void *two, void *context)
{
	const struct order_context *const c = context;
	const uint32_t i = *(const uint32_t *)one, j = *(const uint32_t *)two;
	const struct graph_edge *const a = &c->edges[i], *const b = &c->edges[j];
	int order = c->into ? COMPARE(a->to_version, b->to_version) :
			      COMPARE(a->from_version, b->from_version);

	if (!order)
		order = COMPARE(a->time_ns, b->time_ns);
	return order ? order : COMPARE(i, j);
}

/* Sort edge numbers by one of their nodes, and there by its version. */
static int order_edges(struct graph *graph, bool into, uint32_t **order_out, uint32_t **first_out)
{
	struct order_context context = { .edges = graph->edges, .into = into };
	uint32_t *order, *first;

	if (graph_take(graph, (graph->edge_count + graph->node_count + 1) * sizeof(*order)))
		return -ENOMEM;
	order = malloc((graph->edge_count + 1) * sizeof(*order));
	first = calloc(graph->node_count + 2, sizeof(*first));
	*order_out = order;
	*first_out = first;
	if (!order || !first)
		return -ENOMEM;
	/* Count one place ahead, so that filling leaves each count at its start. */
	for (size_t i = 0; i < graph->edge_count; i++)
		first[(into ? graph->edges[i].to : graph->edges[i].from) + 2]++;
	for (size_t i = 2; i <= graph->node_count; i++)
		first[i] += first[i - 1];
	for (size_t i = 0; i < graph->edge_count; i++)
		order[first[(into ? graph->edges[i].to : graph->edges[i].from) + 1]++] = i;
	for (size_t i = 0; i < graph->node_count; i++)
		if (first[i + 1] - first[i] > 1)
			qsort_r(order + first[i], first[i + 1] - first[i], sizeof(*order),
				by_version, &context);
	return 0;
}

static int by_sequence(const void *one, const void *two)
{
	const struct graph_subbuf *const a = one, *const b = two;
	int order = COMPARE(a->boot, b->boot);

	if (!order)
		order = COMPARE(a->cpu, b->cpu);
	return order ? order : COMPARE(a->seq, b->seq);
}

/* Order sub-buffers by boot, CPU and sequence, and find what is missing. */
static void check_sequence(struct loader *loader)
{
	struct graph *const graph = loader->graph;
	struct graph_info *const info = &graph->info;

	sort(graph->subbufs, graph->subbuf_count, sizeof(*graph->subbufs), by_sequence);
	for (size_t i = 0; i < graph->subbuf_count; i++) {
		const struct graph_subbuf *const now = &graph->subbufs[i];
		const struct graph_subbuf *const before = now - 1;

		info->lost += now->lost;
		if (!i || before->boot != now->boot || before->cpu != now->cpu) {
			if (now->seq)
				info->begins_late++;
			continue;
		}
		if (now->seq != before->seq + 1) {
			info->missing += now->seq - before->seq - 1;
			report(loader, GRAPH_F_SEQUENCE,
			       "CPU %u of boot %u: %llu sub-buffers are missing after number %llu (segment %llu)",
			       now->cpu, now->boot + 1,
			       (unsigned long long)(now->seq - before->seq - 1),
			       (unsigned long long)before->seq,
			       (unsigned long long)before->segment);
		} else if (now->lost_total != before->lost_total + now->lost) {
			report(loader, GRAPH_F_LOST,
			       "CPU %u of boot %u: counts of lost records do not add up at number %llu",
			       now->cpu, now->boot + 1, (unsigned long long)now->seq);
		}
	}
}

static int finish(struct loader *loader)
{
	struct graph *const graph = loader->graph;
	int err;

	err = join_parts(loader);
	if (err)
		return err;
	order_walls(graph);
	err = order_boots(graph);
	if (err)
		return err;
	order_facts(graph);
	check_sequence(loader);
	err = derive_continues(graph);
	if (!err)
		err = order_edges(graph, true, &graph->into, &graph->into_first);
	if (!err)
		err = order_edges(graph, false, &graph->out_of, &graph->out_of_first);
	if (err)
		return err;
	for (size_t i = 0; i < graph->node_count; i++) {
		const bool in_edges = graph->into_first[i + 1] > graph->into_first[i];
		const bool out_edges = graph->out_of_first[i + 1] > graph->out_of_first[i];

		if (!graph->nodes[i].kind && (in_edges || out_edges))
			graph->info.undescribed++;
	}
	return 0;
}

static uint64_t default_max_bytes(void)
{
	const long pages = sysconf(_SC_PHYS_PAGES);
	const long page_bytes = sysconf(_SC_PAGESIZE);

	if (pages <= 0 || page_bytes <= 0)
		return UINT64_MAX;
	return (uint64_t)pages * page_bytes / 4 * 3;
}

int graph_load(struct graph **graph_out, const char *directory, const struct graph_options *options)
{
	const void *const random = (const void *)getauxval(AT_RANDOM);
	struct loader loader = {};
	struct graph *graph;
	int dirfd, err;

	*graph_out = NULL;
	graph = calloc(1, sizeof(*graph));
	if (!graph)
		return -ENOMEM;
	/* Ids and names in a log may be chosen to collide: hash with a secret. */
	if (random)
		memcpy(&graph->seed, random, sizeof(graph->seed));
	graph->max_bytes = options && options->max_bytes ? options->max_bytes :
			   default_max_bytes();
	loader.graph = graph;
	if (options) {
		loader.fault = options->fault;
		loader.context = options->context;
	}

	dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0) {
		err = -errno;
		free(graph);
		return err;
	}
	err = load_segments(&loader, dirfd);
	close(dirfd);
	if (!err)
		err = finish(&loader);
	free(loader.blob_table.slots);
	free(loader.subbuf_table.slots);
	free(loader.boot_table.slots);
	free(loader.parts);
	if (err) {
		graph_free(graph);
		return err;
	}
	*graph_out = graph;
	return 0;
}
