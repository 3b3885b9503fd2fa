// SPDX-License-Identifier: GPL-2.0
/* What a node is called, and what is said about it. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "provq.h"
#include "record.h"
#include "when.h"

#define MINOR_BITS 20
#define LONG_ARGV_BYTES 4096
#define NOT_SET 0xffffffffu	/* loginuid, sessionid */

bool node_wanted(const struct query *query, uint32_t node)
{
	const uint8_t kind = graph_node(query->graph, node)->kind;

	/* A kind that this program does not know is not among those named. */
	return !query->kinds || (kind <= PROV_K_LOOP && query->kinds >> kind & 1);
}

int node_name_event(uint8_t text_kind)
{
	switch (text_kind) {
	case PROV_T_OPEN:
	case PROV_T_CREATE:
	case PROV_T_LINK:
	case PROV_T_RENAME_TO:
	case PROV_T_ALIAS:
		return 1;
	case PROV_T_UNLINK:
	case PROV_T_RENAME_FROM:
		return -1;
	}
	return 0;
}

bool wall_in_window(const struct query *query, uint64_t wall_ns)
{
	return wall_ns >= query->since_ns && wall_ns <= query->until_ns;
}

bool edge_in_window(const struct query *query, const struct graph_edge *edge)
{
	return (!query->since_ns && query->until_ns == UINT64_MAX) ||
	       wall_in_window(query, graph_edge_wall_ns(query->graph, edge));
}

uint64_t node_first_wall_ns(const struct query *query, uint32_t node)
{
	const struct graph_node *const n = graph_node(query->graph, node);

	return graph_wall_ns(query->graph, n->boot, n->first_ns);
}

const char *edge_name(const struct graph_edge *edge)
{
	return edge->flags & GRAPH_EDGE_CONTINUES ? "continues" : prov_op_name(edge->op);
}

static struct bytes blob_bytes(const struct query *query, uint32_t fact)
{
	struct bytes bytes = {};

	if (fact != GRAPH_NONE)
		bytes.at = graph_blob(query->graph, graph_fact(query->graph, fact)->blob,
				      &bytes.length);
	return bytes;
}

static struct bytes fact_bytes(const struct query *query, const struct graph_fact *fact)
{
	struct bytes bytes;

	bytes.at = graph_blob(query->graph, fact->blob, &bytes.length);
	return bytes;
}

struct bytes node_text(const struct query *query, uint32_t node, uint8_t kind)
{
	return blob_bytes(query, graph_text(query->graph, node, kind));
}

/* What was said of a name last, by fact number. */
static int by_blob_and_fact(const void *one, const void *two, void *context)
{
	const struct graph *const graph = context;
	const uint32_t i = *(const uint32_t *)one, j = *(const uint32_t *)two;
	const uint32_t a = graph_fact(graph, i)->blob, b = graph_fact(graph, j)->blob;

	if (a != b)
		return a < b ? -1 : 1;
	return i < j ? -1 : i > j;
}

/* The facts of a node that are about names and not after the window. */
static size_t name_facts(const struct query *query, uint32_t node, uint32_t *facts)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	size_t count = 0;

	for (uint32_t i = n->fact_first; i < n->fact_first + n->fact_count; i++) {
		const struct graph_fact *const fact = graph_fact(query->graph, i);

		if (fact->type == PROV_R_TEXT && node_name_event(fact->sub) &&
		    graph_wall_ns(query->graph, n->boot, fact->time_ns) <= query->until_ns)
			facts[count++] = i;
	}
	return count;
}

/*
 * The last name that the inode had: the newest name that was not lost again,
 * else the one that it lost last.  Names given after the window do not count;
 * those given before it do, for a file keeps its name.
 */
static uint32_t last_name(const struct query *query, uint32_t node)
{
	const uint32_t most = graph_node(query->graph, node)->fact_count;
	uint32_t *const facts = malloc((most + 1ull) * sizeof(*facts));
	uint32_t held = GRAPH_NONE, lost = GRAPH_NONE;
	size_t count;

	if (!facts)
		return GRAPH_NONE;
	count = name_facts(query, node, facts);
	/* Equal names are one blob. */
	qsort_r(facts, count, sizeof(*facts), by_blob_and_fact, query->graph);
	for (size_t i = 0; i < count; i++) {
		uint32_t *last;

		if (i + 1 < count && graph_fact(query->graph, facts[i])->blob ==
				     graph_fact(query->graph, facts[i + 1])->blob)
			continue;
		last = node_name_event(graph_fact(query->graph, facts[i])->sub) > 0 ? &held : &lost;
		if (*last == GRAPH_NONE || *last < facts[i])
			*last = facts[i];
	}
	free(facts);
	return held != GRAPH_NONE ? held : lost;
}

struct bytes node_path(const struct query *query, uint32_t node)
{
	struct bytes path;

	if (graph_node(query->graph, node)->kind != PROV_K_SOCKET)
		return blob_bytes(query, last_name(query, node));
	path = node_text(query, node, PROV_T_UNIX_PATH);
	if (path.length && !path.at[0])
		path = (struct bytes) {};
	return path;
}

/*
 * A process that forked and did not exec runs its parent's binary.  The way up
 * is bounded: a hostile log could make it a ring.
 */
uint32_t node_image(const struct query *query, uint32_t node)
{
	for (int i = 0; i < 1000; i++) {
		struct graph_cursor cursor;
		const struct graph_edge *edge;
		uint32_t parent = GRAPH_NONE, number;

		if (graph_text(query->graph, node, PROV_T_EXE) != GRAPH_NONE ||
		    graph_text(query->graph, node, PROV_T_ARGV) != GRAPH_NONE)
			return node;
		cursor = graph_into(query->graph, node, 0, 0);
		while (parent == GRAPH_NONE && (edge = graph_next(&cursor, &number)) != NULL)
			if (edge->op == PROV_OP_FORK && edge->class == PROV_R_EDGE_DATA)
				parent = edge->from;
		if (parent == GRAPH_NONE || parent == node)
			return node;
		node = parent;
	}
	return node;
}

/* Who forked it, or what it was before it executed a program. */
static uint32_t node_before(const struct query *query, uint32_t node)
{
	struct graph_cursor cursor = graph_into(query->graph, node, 0, 0);
	const struct graph_edge *edge;
	uint32_t number;

	while ((edge = graph_next(&cursor, &number)) != NULL)
		if ((edge->op == PROV_OP_FORK || edge->op == PROV_OP_EXEC) &&
		    edge->class == PROV_R_EDGE_DATA && edge->from != node &&
		    graph_node(query->graph, edge->from)->kind == PROV_K_PROCESS)
			return edge->from;
	return GRAPH_NONE;
}

/*
 * The last fact of a sort that holds for a process: its own, or if it has none
 * what its parent had when it forked.  Bounded like the way to an image.
 */
static const struct graph_fact *node_attribute(const struct query *query, uint32_t node,
					       uint8_t type, uint8_t sub)
{
	uint64_t until_ns = UINT64_MAX;

	for (int i = 0; i < 1000 && node != GRAPH_NONE; i++) {
		const struct graph_node *const n = graph_node(query->graph, node);

		for (uint32_t j = n->fact_count; j-- > 0;) {
			const struct graph_fact *const fact =
				graph_fact(query->graph, n->fact_first + j);

			if (fact->type == type && fact->sub == sub && fact->time_ns <= until_ns)
				return fact;
		}
		if (n->first_ns < until_ns)
			until_ns = n->first_ns;
		node = node_before(query, node);
	}
	return NULL;
}

struct bytes node_exe(const struct query *query, uint32_t node)
{
	return node_text(query, node_image(query, node), PROV_T_EXE);
}

struct bytes node_argv(const struct query *query, uint32_t node)
{
	return node_text(query, node_image(query, node), PROV_T_ARGV);
}

struct bytes node_comm(const struct query *query, uint32_t node)
{
	struct bytes comm = node_text(query, node, PROV_T_RENAMED);
	const char *slash;

	if (!comm.at)
		comm = node_text(query, node, PROV_T_COMM);
	if (comm.at)
		return comm;
	comm = node_exe(query, node);
	slash = comm.at ? memrchr(comm.at, '/', comm.length) : NULL;
	if (slash) {
		comm.length -= slash + 1 - comm.at;
		comm.at = slash + 1;
	}
	return comm;
}

bool argv_next(struct bytes *rest, struct bytes *argument)
{
	const char *end;

	if (!rest->length)
		return false;
	end = memchr(rest->at, 0, rest->length);
	argument->at = rest->at;
	argument->length = end ? (size_t)(end - rest->at) : rest->length;
	rest->at += argument->length;
	rest->length -= argument->length;
	if (rest->length) {
		rest->at++;
		rest->length--;
	}
	return true;
}

void node_id(const struct query *query, uint32_t node, char text[48])
{
	const struct graph_node *const n = graph_node(query->graph, node);

	if (graph_boot_count(query->graph) > 1)
		snprintf(text, 48, "%" PRIu32 ":%" PRIu64, n->boot + 1, n->id);
	else
		snprintf(text, 48, "%" PRIu64, n->id);
}

void address_text(const struct graph_address *address, char text[96])
{
	char host[INET6_ADDRSTRLEN];

	if (address->family == AF_INET6) {
		inet_ntop(AF_INET6, address->address, host, sizeof(host));
		if (address->scope)
			snprintf(text, 96, "[%s%%%" PRIu32 "]:%u", host, address->scope,
				 address->port);
		else
			snprintf(text, 96, "[%s]:%u", host, address->port);
	} else {
		inet_ntop(AF_INET, address->address, host, sizeof(host));
		snprintf(text, 96, "%s:%u", host, address->port);
	}
}

const struct graph_address *node_address(const struct query *query, uint32_t node, uint8_t end)
{
	const struct graph_node *const n = graph_node(query->graph, node);

	for (uint32_t i = n->fact_count; i-- > 0;) {
		const struct graph_fact *const fact = graph_fact(query->graph, n->fact_first + i);

		if (fact->type == PROV_R_ADDRESS && fact->sub == end)
			return graph_blob(query->graph, fact->blob, NULL);
	}
	return NULL;
}

const char *family_name(unsigned int family)
{
	switch (family) {
	case AF_UNIX:
		return "unix";
	case AF_INET:
		return "inet";
	case AF_INET6:
		return "inet6";
	case AF_NETLINK:
		return "netlink";
	case AF_PACKET:
		return "packet";
	case AF_VSOCK:
		return "vsock";
	case AF_ALG:
		return "alg";
	}
	return NULL;
}

const char *protocol_name(const struct graph_node *node)
{
	if (node->socket.family == AF_INET || node->socket.family == AF_INET6) {
		if (node->socket.protocol == IPPROTO_TCP ||
		    (!node->socket.protocol && node->socket.type == SOCK_STREAM))
			return "tcp";
		if (node->socket.protocol == IPPROTO_UDP ||
		    (!node->socket.protocol && node->socket.type == SOCK_DGRAM))
			return "udp";
		if (node->socket.protocol == IPPROTO_ICMP)
			return "icmp";
		if (node->socket.protocol == IPPROTO_ICMPV6)
			return "icmpv6";
		return "ip";
	}
	return family_name(node->socket.family);
}

/* ---- for people --------------------------------------------------------- */

static size_t characters(const char *text, size_t length)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++)
		count += ((uint8_t)text[i] & 0xc0) != 0x80;
	return count;
}

void print_cut(FILE *out, const char *text, size_t length, size_t width)
{
	const size_t count = characters(text, length);
	size_t head, skip, at = 0;

	if (count <= width) {
		fwrite(text, 1, length, out);
		return;
	}
	head = (width - 1) * 2 / 5;
	skip = count - (width - 1);
	for (size_t i = 0; i < length; i++) {
		if (((uint8_t)text[i] & 0xc0) != 0x80) {
			if (at == head)
				fputs("…", out);
			at++;
		}
		if (at <= head || at > head + skip)
			putc(text[i], out);
	}
}

/* The end of a file's name says more than its beginning only in a path. */
static void label_program(const struct query *query, uint32_t node, FILE *out)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	struct bytes rest = node_argv(query, node), argument;

	if (!rest.length) {
		rest = node_exe(query, node);
		if (!rest.at)
			rest = node_text(query, node, PROV_T_COMM);
		if (rest.at)
			text_print(out, rest.at, rest.length);
		else if (n->kind == PROV_K_PROCESS && !n->process.tgid)
			fputs("kernel", out);
		else
			fputs("(unnamed)", out);
		return;
	}
	for (bool first = true; argv_next(&rest, &argument); first = false) {
		const bool quote = !argument.length || memchr(argument.at, ' ', argument.length);

		if (!first)
			putc(' ', out);
		if (quote)
			putc('\'', out);
		text_print(out, argument.at, argument.length);
		if (quote)
			putc('\'', out);
	}
}

static void label_process(const struct query *query, uint32_t node, FILE *out)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	const struct bytes renamed = node_text(query, node, PROV_T_RENAMED);

	if (n->kind == PROV_K_PROCESS)
		fprintf(out, "pid %" PRIu32 " ", n->process.tgid);
	label_program(query, node, out);
	if (renamed.at) {
		fputs(" as ", out);
		text_print(out, renamed.at, renamed.length);
	}
}

static void label_socket(const struct query *query, uint32_t node, FILE *out)
{
	const struct graph_address *const local = node_address(query, node, PROV_END_LOCAL);
	const struct graph_address *const remote = node_address(query, node, PROV_END_REMOTE);
	const struct bytes path = node_text(query, node, PROV_T_UNIX_PATH);
	const struct graph_node *const n = graph_node(query->graph, node);
	const char *const protocol = protocol_name(n);
	char text[96];

	if (protocol)
		fprintf(out, "%s socket", protocol);
	else
		fprintf(out, "socket of family %u", n->socket.family);
	if (local) {
		address_text(local, text);
		fprintf(out, " %s", text);
	}
	if (remote) {
		address_text(remote, text);
		fprintf(out, "%s ↔ %s", local ? "" : " ?", text);
	}
	if (path.length) {
		putc(' ', out);
		if (!path.at[0])
			putc('@', out);
		text_print(out, path.at + !path.at[0], path.length - !path.at[0]);
	}
}

/* Another name that it had: what was renamed is known by both. */
static struct bytes other_name(const struct query *query, uint32_t node, struct bytes name)
{
	const struct graph_node *const n = graph_node(query->graph, node);

	for (uint32_t i = 0; i < n->fact_count; i++) {
		const struct graph_fact *const fact = graph_fact(query->graph, n->fact_first + i);
		const struct bytes other = blob_bytes(query, n->fact_first + i);

		if (fact->type == PROV_R_TEXT && node_name_event(fact->sub) &&
		    other.at != name.at)
			return other;
	}
	return (struct bytes) {};
}
static void label_message(const struct query *query, uint32_t node, FILE *out)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	const uint32_t queue = graph_find_node(query->graph, n->boot, n->message.queue);

	fputs("message", out);
	/* A record that breaks the format could name itself. */
	if (queue == GRAPH_NONE || graph_node(query->graph, queue)->kind == PROV_K_MESSAGE)
		return;
	fputs(" in ", out);
	node_label(query, queue, out, SIZE_MAX);
}

/* Like "key 123456 user:name" */
static void label_numbered(const struct query *query, uint32_t node, FILE *out)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	const struct bytes name = node_text(query, node, PROV_T_ANON_NAME);

	fputs(prov_kind_name(n->kind), out);
	/* The name of a loop device has its number. */
	if (n->numbered.number && n->kind != PROV_K_LOOP)
		fprintf(out, " %" PRIu32, n->numbered.number);
	if (name.at && n->kind != PROV_K_KERNEL) {
		fputc(' ', out);
		text_print(out, name.at, name.length);
	}
}

static void make_label(const struct query *query, uint32_t node, FILE *out, size_t width)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	struct bytes path, other;
	char id[48], *text = NULL;
	size_t length = 0;
	FILE *line;

	line = open_memstream(&text, &length);
	if (!line)
		return;
	node_id(query, node, id);
	if (n->kind == PROV_K_PROCESS) {
		label_process(query, node, line);
	} else if (n->kind == PROV_K_SOCKET) {
		label_socket(query, node, line);
	} else if (n->kind == PROV_K_MSGQUEUE || n->kind == PROV_K_SEM) {
		fprintf(line, "%s %" PRIu32 " key 0x%" PRIx32, prov_kind_name(n->kind), n->ipc.id,
			n->ipc.key);
	} else if (n->kind == PROV_K_MESSAGE) {
		label_message(query, node, line);
	} else if (prov_kind_is_numbered(n->kind)) {
		label_numbered(query, node, line);
	} else {
		path = node_path(query, node);
		if (!path.at)
			path = node_text(query, node, PROV_T_ANON_NAME);
		if (path.at)
			text_print(line, path.at, path.length);
		else if (n->kind == PROV_K_PIPE)
			fprintf(line, "pipe:[%" PRIu64 "]", n->inode.ino);
		else if (n->kind)
			fprintf(line, "%s inode:%u:%u:%" PRIu64, prov_kind_name(n->kind),
				n->inode.dev >> MINOR_BITS,
				n->inode.dev & ((1u << MINOR_BITS) - 1), n->inode.ino);
		else
			fprintf(line, "node %s (not described)", id);
		other = other_name(query, node, path);
		if (path.at && other.at) {
			fputs(" (also ", line);
			text_print(line, other.at, other.length);
			putc(')', line);
		}
	}
	if (!fclose(line))
		print_cut(out, text, length, width);
	free(text);
}

/*
 * Timelines and trees name a few nodes over and over, which may have many facts:
 * the labels that were made last are kept, each in a slot by its node's number.
 */
#define LABEL_SLOTS 4096

struct labels {
	struct label {
		char *text;
		size_t length;
		size_t width;
		uint32_t node;
	} slots[LABEL_SLOTS];
};

struct labels *labels_new(void)
{
	return calloc(1, sizeof(struct labels));
}

void labels_free(struct labels *labels)
{
	for (size_t i = 0; labels && i < LABEL_SLOTS; i++)
		free(labels->slots[i].text);
	free(labels);
}

void node_label(const struct query *query, uint32_t node, FILE *out, size_t width)
{
	struct label *const slot = &query->labels->slots[node % LABEL_SLOTS];

	if (!slot->text || slot->node != node || slot->width != width) {
		struct label label = { .node = node, .width = width };
		FILE *const line = open_memstream(&label.text, &label.length);

		if (!line)
			return;
		/* This can need the label of another node, which can take the slot. */
		make_label(query, node, line, width);
		if (fclose(line)) {
			free(label.text);
			return;
		}
		free(slot->text);
		*slot = label;
	}
	fwrite(slot->text, 1, slot->length, out);
}

void print_refusal(const struct query *query, const struct graph_edge *edge, FILE *out)
{
	struct graph_refusal refusal;
	const char *error;

	if (!graph_refusal(query->graph, edge, &refusal))
		return;
	error = strerrorname_np(refusal.error);
	fputs(" (", out);
	text_print(out, refusal.hook, strlen(refusal.hook));
	fprintf(out, ": %s by ", error ? error : "?");
	if (refusal.layer >= PROV_LAYER_LSM && *refusal.by)
		text_print(out, refusal.by, strlen(refusal.by));
	else
		fputs(prov_layer_name(refusal.layer), out);
	putc(')', out);
}

/* ---- for programs ------------------------------------------------------- */

/* A list of texts; "name_b64" follows if one of them is not UTF-8. */
static void json_argv(struct json *json, const char *name, struct bytes argv)
{
	struct bytes rest = argv, argument;
	bool whole = true;
	char b64[64];

	json_name(json, name);
	json_begin(json, '[');
	while (argv_next(&rest, &argument))
		whole &= json_value(json, argument.at, argument.length);
	json_end(json, ']');
	if (whole)
		return;
	snprintf(b64, sizeof(b64), "%s_b64", name);
	json_name(json, b64);
	json_begin(json, '[');
	for (rest = argv; argv_next(&rest, &argument);)
		json_base64(json, argument.at, argument.length);
	json_end(json, ']');
}

static void json_bytes(struct json *json, const char *name, struct bytes bytes)
{
	if (bytes.at)
		json_text(json, name, bytes.at, bytes.length);
}

static void json_ids(struct json *json, const char *name, const uint32_t ids[4])
{
	json_name(json, name);
	json_begin(json, '[');
	for (int i = 0; i < 4; i++)
		json_number(json, ids[i]);
	json_end(json, ']');
}

static void json_hex(struct json *json, const char *name, uint64_t bits)
{
	char text[20];

	snprintf(text, sizeof(text), "%016" PRIx64, bits);
	json_string(json, name, text);
}

static void json_cred(struct json *json, const struct graph_cred *cred)
{
	json_ids(json, "uids", cred->uid);
	json_ids(json, "gids", cred->gid);
	json_hex(json, "cap_permitted", cred->cap_permitted);
	json_hex(json, "cap_effective", cred->cap_effective);
}

/* Ids of a process: the last ones, and how they changed if they did. */
static void json_creds(const struct query *query, uint32_t node, bool whole, struct json *json)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	const struct graph_cred *last = NULL;
	unsigned int count = 0;

	for (uint32_t i = 0; i < n->fact_count; i++) {
		const struct graph_fact *const fact = graph_fact(query->graph, n->fact_first + i);

		if (fact->type != PROV_R_CRED)
			continue;
		last = graph_blob(query->graph, fact->blob, NULL);
		count++;
	}
	if (!last)
		return;
	json_u64(json, "uid", last->uid[0]);
	json_u64(json, "euid", last->uid[1]);
	json_u64(json, "gid", last->gid[0]);
	json_u64(json, "egid", last->gid[1]);
	if (last->loginuid != NOT_SET)
		json_u64(json, "loginuid", last->loginuid);
	if (last->sessionid != NOT_SET)
		json_u64(json, "session", last->sessionid);
	if (count < 2) {
		json_cred(json, last);
		return;
	}
	if (!whole)
		return;
	json_name(json, "creds");
	json_begin(json, '[');
	for (uint32_t i = 0; i < n->fact_count; i++) {
		const struct graph_fact *const fact = graph_fact(query->graph, n->fact_first + i);

		if (fact->type != PROV_R_CRED)
			continue;
		json_begin(json, '{');
		json_time(json, "time", graph_wall_ns(query->graph, n->boot, fact->time_ns));
		json_cred(json, graph_blob(query->graph, fact->blob, NULL));
		json_end(json, '}');
	}
	json_end(json, ']');
}

/* What PROV_T_GROUPS says; nothing of it is believed. */
static void json_groups(struct json *json, struct bytes text)
{
	char copy[4097];
	unsigned long count;
	unsigned long listed = 0;
	char *rest;

	if (!text.at || text.length >= sizeof(copy))
		return;
	memcpy(copy, text.at, text.length);
	copy[text.length] = '\0';
	count = strtoul(copy, &rest, 10);
	if (rest == copy || *rest != ':')
		return;
	json_name(json, "groups");
	json_begin(json, '[');
	while (*rest++ && *rest >= '0' && *rest <= '9') {
		json_number(json, strtoul(rest, &rest, 10));
		listed++;
	}
	json_end(json, ']');
	if (listed < count)
		json_bool(json, "groups_cut", true);
}

/* Namespaces, groups, cgroup, its own idea of its pid, and security context. */
static void json_attributes(const struct query *query, uint32_t node, struct json *json)
{
	const struct graph_fact *const fact = node_attribute(query, node, PROV_R_PROCESS_ATTR, 0);
	const struct graph_fact *text;
	const struct graph_process_attr *attr = NULL;
	const struct graph_node *const n = graph_node(query->graph, node);
	uint32_t pid = 0;

	if (fact) {
		attr = graph_blob(query->graph, fact->blob, NULL);
		/* The pid is its own, not its parent's. */
		if (fact->node == node)
			pid = attr->pid;
	}
	for (uint32_t i = 0; i < n->fact_count; i++) {
		const struct graph_fact *const own = graph_fact(query->graph, n->fact_first + i);

		if (own->type == PROV_R_PID && !pid)
			pid = ((const struct graph_pid *)graph_blob(query->graph, own->blob,
								    NULL))->pid;
	}
	if (pid && pid != n->process.tgid)
		json_u64(json, "ns_pid", pid);
	if (attr) {
		json_name(json, "ns");
		json_begin(json, '{');
		for (int i = 0; i < PROV_NS_COUNT; i++)
			if (attr->ns[i])
				json_u64(json, prov_namespace_name(i), attr->ns[i]);
		json_end(json, '}');
		if (attr->cgroup)
			json_u64(json, "cgroup_id", attr->cgroup);
	}
	text = node_attribute(query, node, PROV_R_TEXT, PROV_T_GROUPS);
	if (text)
		json_groups(json, fact_bytes(query, text));
	text = node_attribute(query, node, PROV_R_TEXT, PROV_T_CGROUP);
	if (text)
		json_bytes(json, "cgroup", fact_bytes(query, text));
	text = node_attribute(query, node, PROV_R_TEXT, PROV_T_SECCTX);
	if (text)
		json_bytes(json, "secctx", fact_bytes(query, text));
}

static void json_process(const struct query *query, uint32_t node, bool whole, struct json *json)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	const uint32_t image = node_image(query, node);
	const struct bytes argv = node_argv(query, node);
	const struct bytes environ = node_text(query, node, PROV_T_ENVIRON);

	json_u64(json, "pid", n->process.tgid);
	json_u64(json, "ppid", n->process.ppid);
	json_bytes(json, "exe", node_exe(query, node));
	if (argv.at && (whole || argv.length <= LONG_ARGV_BYTES))
		json_argv(json, "argv", argv);
	if (argv.at && graph_fact(query->graph, graph_text(query->graph, image, PROV_T_ARGV))->flags
	    & GRAPH_FACT_CUT)
		json_bool(json, "argv_cut", true);
	if (image != node && (argv.at || node_exe(query, node).at))
		json_bool(json, "inherited", true);
	json_bytes(json, "comm", node_comm(query, node));
	if (environ.at && whole)
		json_argv(json, "environ", environ);
	json_creds(query, node, whole, json);
	json_attributes(query, node, json);
	json_time(json, "start", graph_wall_ns(query->graph, n->boot, n->process.start_ns));
	if (!n->ended)
		return;
	if (n->end_code == PROV_END_EXECUTED)
		json_bool(json, "executed", true);
	else if (WIFEXITED(n->end_code))
		json_u64(json, "exit", WEXITSTATUS(n->end_code));
	else if (WIFSIGNALED(n->end_code))
		json_u64(json, "signal", WTERMSIG(n->end_code));
}

static int is_mount_event(uint8_t kind)
{
	return kind == PROV_T_MOUNT || kind == PROV_T_UMOUNT;
}

/* Paths that it had by such events, and when. */
static void json_paths(const struct query *query, uint32_t node, const char *name,
		       int (*is_event)(uint8_t kind), struct json *json)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	bool begun = false;

	for (uint32_t i = 0; i < n->fact_count; i++) {
		const struct graph_fact *const fact = graph_fact(query->graph, n->fact_first + i);
		const struct bytes path = blob_bytes(query, n->fact_first + i);

		if (fact->type != PROV_R_TEXT || !is_event(fact->sub))
			continue;
		if (!begun) {
			json_name(json, name);
			json_begin(json, '[');
			begun = true;
		}
		json_begin(json, '{');
		json_text(json, "path", path.at, path.length);
		json_string(json, "event", prov_text_name(fact->sub));
		json_time(json, "time", graph_wall_ns(query->graph, n->boot, fact->time_ns));
		json_end(json, '}');
	}
	if (begun)
		json_end(json, ']');
}

static void json_device(struct json *json, const char *name, uint32_t dev)
{
	char text[32];

	snprintf(text, sizeof(text), "%u:%u", dev >> MINOR_BITS, dev & ((1u << MINOR_BITS) - 1));
	json_string(json, name, text);
}

static void json_uuid(struct json *json, const char *name, const uint8_t uuid[16])
{
	char text[40];
	size_t at = 0;

	for (int i = 0; i < 16; i++)
		at += snprintf(text + at, sizeof(text) - at, "%s%02x",
			       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	json_string(json, name, text);
}

static void json_inode(const struct query *query, uint32_t node, bool whole, struct json *json)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	const struct graph_attr *attr = NULL;
	char mode[16];

	json_bytes(json, "path", node_path(query, node));
	json_bytes(json, "name", node_text(query, node, PROV_T_ANON_NAME));
	json_bytes(json, "target", node_text(query, node, PROV_T_TARGET));
	if (whole) {
		json_paths(query, node, "paths", node_name_event, json);
		json_paths(query, node, "mounts", is_mount_event, json);
	}
	json_device(json, "dev", n->inode.dev);
	json_u64(json, "ino", n->inode.ino);
	json_u64(json, "generation", n->inode.generation);
	if (graph_is_strong(n))
		json_uuid(json, "fs", n->inode.uuid);
	else
		json_bool(json, "weak", true);
	for (uint32_t i = 0; i < n->fact_count; i++)
		if (graph_fact(query->graph, n->fact_first + i)->type == PROV_R_INODE_ATTR)
			attr = graph_blob(query->graph,
					  graph_fact(query->graph, n->fact_first + i)->blob, NULL);
	snprintf(mode, sizeof(mode), "%07o", attr ? attr->mode : n->inode.mode);
	json_string(json, "mode", mode);
	if (attr) {
		json_u64(json, "uid", attr->uid);
		json_u64(json, "gid", attr->gid);
		json_u64(json, "size", attr->size);
		json_u64(json, "nlink", attr->nlink);
	}
	if (n->kind == PROV_K_CHARDEV || n->kind == PROV_K_BLOCKDEV || n->kind == PROV_K_TTY ||
	    n->kind == PROV_K_TUN)
		json_device(json, "rdev", n->inode.rdev);
	if (n->ended && n->end_code == 1)
		json_bool(json, "deleted", true);
}

static void peer_text(const struct query *query, const struct graph_fact *fact, char text[48])
{
	const struct graph_link *const peer = graph_blob(query->graph, fact->blob, NULL);

	node_id(query, peer->node, text);
}

/* A datagram socket has had several. */
static void json_peers(const struct query *query, const struct graph_node *n, struct json *json)
{
	char text[48];

	json_name(json, "peers");
	json_begin(json, '[');
	for (uint32_t i = 0; i < n->fact_count; i++) {
		const struct graph_fact *const fact = graph_fact(query->graph, n->fact_first + i);

		if (fact->type != PROV_R_PEER)
			continue;
		peer_text(query, fact, text);
		json_value(json, text, strlen(text));
	}
	json_end(json, ']');
}

static void json_socket(const struct query *query, uint32_t node, bool whole, struct json *json)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	const struct graph_address *const local = node_address(query, node, PROV_END_LOCAL);
	const struct graph_address *const remote = node_address(query, node, PROV_END_REMOTE);
	const struct bytes path = node_text(query, node, PROV_T_UNIX_PATH);
	unsigned int remotes = 0, peers = 0;
	char text[96];

	if (family_name(n->socket.family))
		json_string(json, "family", family_name(n->socket.family));
	else
		json_u64(json, "family", n->socket.family);
	json_u64(json, "type", n->socket.type);
	if (protocol_name(n))
		json_string(json, "protocol", protocol_name(n));
	json_u64(json, "netns", n->socket.netns);
	if (n->flags & PROV_NODE_OWNER)
		json_u64(json, "uid", n->socket.uid);
	if (path.length && path.at[0])
		json_text(json, "path", path.at, path.length);
	else if (path.length)
		json_text(json, "abstract", path.at + 1, path.length - 1);
	if (local) {
		address_text(local, text);
		json_string(json, "local", text);
	}
	if (remote) {
		address_text(remote, text);
		json_string(json, "remote", text);
	}
	for (uint32_t i = 0; i < n->fact_count; i++) {
		const struct graph_fact *const fact = graph_fact(query->graph, n->fact_first + i);

		remotes += fact->type == PROV_R_ADDRESS && fact->sub == PROV_END_REMOTE;
		if (fact->type == PROV_R_PEER) {
			peer_text(query, fact, text);
			peers++;
		}
	}
	if (peers)
		json_string(json, "peer", text);
	if (whole && peers > 1)
		json_peers(query, n, json);
	if (!whole || remotes < 2)
		return;
	json_name(json, "remotes");
	json_begin(json, '[');
	for (uint32_t i = 0; i < n->fact_count; i++) {
		const struct graph_fact *const fact = graph_fact(query->graph, n->fact_first + i);

		if (fact->type == PROV_R_ADDRESS && fact->sub == PROV_END_REMOTE) {
			address_text(graph_blob(query->graph, fact->blob, NULL), text);
			json_value(json, text, strlen(text));
		}
	}
	json_end(json, ']');
}

static void json_ipc(const struct query *query, uint32_t node, struct json *json)
{
	const struct graph_node *const n = graph_node(query->graph, node);

	json_u64(json, "key", n->ipc.key);
	json_u64(json, n->kind == PROV_K_SEM ? "semid" : "msqid", n->ipc.id);
	json_u64(json, "ipcns", n->ipc.ipcns);
}

static void json_message(const struct query *query, uint32_t node, struct json *json)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	const uint32_t queue = graph_find_node(query->graph, n->boot, n->message.queue);
	char id[48];

	if (queue == GRAPH_NONE)
		return;
	node_id(query, queue, id);
	json_string(json, "queue", id);
	json_bytes(json, "name", node_text(query, queue, PROV_T_ANON_NAME));
	if (graph_node(query->graph, queue)->kind == PROV_K_MSGQUEUE)
		json_ipc(query, queue, json);
}

static void json_numbered(const struct query *query, uint32_t node, struct json *json)
{
	const struct graph_node *const n = graph_node(query->graph, node);

	json_bytes(json, "name", node_text(query, node, PROV_T_ANON_NAME));
	if (n->kind == PROV_K_KEY)
		json_u64(json, "serial", n->numbered.number);
	if (n->kind != PROV_K_BPF_MAP && n->kind != PROV_K_BPF_PROG)
		return;
	json_u64(json, "id", n->numbered.number);
	json_u64(json, "type", n->numbered.type);
}

static void json_opaque(const struct query *query, uint32_t node, struct json *json)
{
	const struct graph_node *const n = graph_node(query->graph, node);
	bool begun = false;

	for (uint32_t i = 0; i < n->fact_count; i++) {
		const struct graph_fact *const fact = graph_fact(query->graph, n->fact_first + i);
		const struct graph_link *by;
		char id[48];

		if (fact->type != PROV_R_OPAQUE)
			continue;
		if (!begun) {
			json_name(json, "opaque_changes");
			json_begin(json, '[');
			begun = true;
		}
		by = graph_blob(query->graph, fact->blob, NULL);
		json_begin(json, '{');
		json_string(json, "change", prov_opaque_name(fact->sub));
		json_time(json, "time", graph_wall_ns(query->graph, n->boot, fact->time_ns));
		if (by->node != GRAPH_NONE) {
			node_id(query, by->node, id);
			json_string(json, "by", id);
		}
		json_end(json, '}');
	}
	if (begun)
		json_end(json, ']');
}

void node_json(const struct query *query, uint32_t node, bool whole, struct json *json)
{
	const struct graph_node *const n = graph_node(query->graph, node);

	json_string(json, "kind", n->kind ? prov_kind_name(n->kind) : "unknown");
	if (n->kind == PROV_K_PROCESS)
		json_process(query, node, whole, json);
	else if (n->kind == PROV_K_SOCKET)
		json_socket(query, node, whole, json);
	else if (graph_is_inode(n))
		json_inode(query, node, whole, json);
	else if (n->kind == PROV_K_MSGQUEUE || n->kind == PROV_K_SEM)
		json_ipc(query, node, json);
	else if (n->kind == PROV_K_MESSAGE)
		json_message(query, node, json);
	else if (prov_kind_is_numbered(n->kind))
		json_numbered(query, node, json);
	if (whole)
		json_opaque(query, node, json);
	if (n->flags & PROV_NODE_OPAQUE)
		json_bool(json, "opaque", true);
	if (n->flags & PROV_NODE_BEFORE)
		json_bool(json, "before", true);
	json_time(json, "first", node_first_wall_ns(query, node));
	if (n->ended)
		json_time(json, "end", graph_wall_ns(query->graph, n->boot, n->end_ns));
}
