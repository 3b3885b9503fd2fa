// SPDX-License-Identifier: GPL-2.0
/* From what the user wrote to nodes. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "provq.h"
#include "record.h"

#define MINOR_BITS 20
#define NEAR_MATCHES 5
#define LONGEST_PATH (32 * 1024)	/* that the kernel records, bytes */

struct found {
	uint32_t *nodes;
	size_t count, room;
	bool failed;
};

static bool make_room(void *array, size_t *room, size_t count, size_t element_bytes)
{
	const size_t more = *room * 2 + 16;
	void *bigger;

	if (count < *room)
		return true;
	bigger = reallocarray(*(void **)array, more, element_bytes);
	if (!bigger)
		return false;
	*(void **)array = bigger;
	*room = more;
	return true;
}

static void found_add(struct found *found, uint32_t node)
{
	if (!make_room(&found->nodes, &found->room, found->count, sizeof(*found->nodes))) {
		found->failed = true;
		return;
	}
	found->nodes[found->count++] = node;
}

static bool parse_number(const char *text, const char **end, uint64_t *number)
{
	char *after;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoull(text, &after, 10);
	*end = after;
	return !errno;
}

static bool later(const struct query *query, uint32_t a, uint64_t a_ns, uint32_t b, uint64_t b_ns)
{
	const struct graph_node *const one = graph_node(query->graph, a);
	const struct graph_node *const two = graph_node(query->graph, b);

	if (one->boot != two->boot)
		return one->boot > two->boot;
	if (a_ns != b_ns)
		return a_ns > b_ns;
	return one->first_ns > two->first_ns;
}

/*
 * A file that was freed from memory and loaded again is several nodes: all of
 * them are the object.
 */
static void add_incarnations(const struct query *query, struct found *found, uint32_t node)
{
	const struct graph_node *const n = graph_node(query->graph, node);

	found_add(found, node);
	if (!graph_is_strong(n))
		return;
	for (uint32_t i = 0; i < graph_node_count(query->graph); i++)
		if (i != node && graph_same_inode(graph_node(query->graph, i), n))
			found_add(found, i);
}

/* ---- paths -------------------------------------------------------------- */

/**
 * struct chains - nodes of one inode, each loaded after the other
 * @after: by node, the next, or GRAPH_NONE
 * @continued: by node, whether it is not the first
 */
struct chains {
	uint32_t *after;
	bool *continued;
};

static bool chains_init(const struct query *query, struct chains *chains)
{
	const uint64_t nodes = graph_node_count(query->graph);
	const uint64_t edges = graph_edge_count(query->graph);

	if (graph_take(query->graph,
		       nodes * (sizeof(*chains->after) + sizeof(*chains->continued))))
		return false;
	chains->after = malloc((nodes + 1) * sizeof(*chains->after));
	chains->continued = calloc(nodes + 1, sizeof(*chains->continued));
	if (!chains->after || !chains->continued)
		return false;
	memset(chains->after, 0xff, nodes * sizeof(*chains->after));
	for (uint64_t i = edges - graph_info(query->graph)->continues; i < edges; i++) {
		const struct graph_edge *const edge = graph_edge(query->graph, i);

		chains->after[edge->from] = edge->to;
		chains->continued[edge->to] = true;
	}
	return true;
}

static void chains_free(struct chains *chains)
{
	free(chains->after);
	free(chains->continued);
}

/**
 * struct claim - what an object has to do with a name
 * @time_ns: when it last got or lost it in the window
 * @boot: of @time_ns
 * @first: first node of the object
 * @node: node that it was then
 * @holds: it got it then
 * @moved: it lost it because a directory was renamed, as far as can be told
 */
struct claim {
	uint64_t time_ns;
	uint32_t boot;
	uint32_t first;
	uint32_t node;
	bool holds;
	bool moved;
};

/* A name that an inode has, and the move of a directory that will change it. */
struct name {
	char *text;
	size_t length;
	const struct move *next;
};

/**
 * struct track - following the names of an object
 * @path: the path that is asked about
 * @node: node of the object that is looked at
 * @base: its last component, with the slash
 * @names: those that end with @base: only they can become it
 */
struct track {
	const struct query *query;
	const struct moves *moves;
	struct bytes path, base;
	uint32_t node;
	struct name *names;
	size_t count, room;
	struct claim claim;
	bool had, failed;
};

static bool same_text(struct bytes a, const char *text, size_t length)
{
	return a.length == length && !memcmp(a.at, text, length);
}

static void track_claim(struct track *track, uint32_t boot, uint64_t time_ns, bool holds,
			bool moved)
{
	track->had = true;
	track->claim.node = track->node;
	track->claim.boot = boot;
	track->claim.time_ns = time_ns;
	track->claim.holds = holds;
	track->claim.moved = moved;
}

/* Let directories be renamed up to a time. */
static void track_moves(struct track *track, uint32_t boot, uint64_t time_ns)
{
	for (size_t i = 0; i < track->count; i++) {
		struct name *const name = &track->names[i];

		while (name->next && (name->next->boot != boot ? name->next->boot < boot :
							      name->next->time_ns <= time_ns)) {
			const struct move *const move = name->next;
			const size_t below = name->length - move->from.length;
			char *text;

			/* Only a log that was made for it has paths that grow so. */
			if (move->to.length + below > LONGEST_PATH) {
				name->next = NULL;
				break;
			}
			text = malloc(move->to.length + below + 1);
			if (!text) {
				track->failed = true;
				return;
			}
			memcpy(text, move->to.at, move->to.length);
			memcpy(text + move->to.length, name->text + move->from.length, below);
			if (same_text(track->path, name->text, name->length))
				track_claim(track, move->boot, move->time_ns, false, true);
			free(name->text);
			name->text = text;
			name->length = move->to.length + below;
			if (same_text(track->path, name->text, name->length))
				track_claim(track, move->boot, move->time_ns, true, false);
			name->next = moves_next(track->query, track->moves, track->node,
						(struct bytes) { text, name->length },
						move->boot, move->time_ns, move);
		}
	}
}

/* The object got or lost a name. */
static void track_name(struct track *track, struct bytes text, uint32_t boot, uint64_t time_ns,
		       bool gets)
{
	struct name *name;
	size_t i = 0;

	while (i < track->count && !same_text(text, track->names[i].text, track->names[i].length))
		i++;
	if (i < track->count) {
		free(track->names[i].text);
		track->names[i] = track->names[--track->count];
	}
	if (!gets)
		return;
	if (!make_room(&track->names, &track->room, track->count, sizeof(*track->names))) {
		track->failed = true;
		return;
	}
	name = &track->names[track->count];
	name->text = malloc(text.length + 1);
	if (!name->text) {
		track->failed = true;
		return;
	}
	memcpy(name->text, text.at, text.length);
	name->length = text.length;
	name->next = moves_next(track->query, track->moves, track->node, text, boot,
				time_ns, NULL);
	track->count++;
}

static void track_node(struct track *track, uint32_t node)
{
	const struct query *const query = track->query;
	const struct graph_node *const n = graph_node(query->graph, node);
	const bool moves = graph_is_inode(n) && !moves_none(track->moves);

	track->node = node;
	for (uint32_t i = 0; i < n->fact_count && !track->failed; i++) {
		const struct graph_fact *const fact = graph_fact(query->graph, n->fact_first + i);
		const int event = fact->type == PROV_R_TEXT ? node_name_event(fact->sub) : 0;
		struct bytes text;

		if (!event && !(fact->type == PROV_R_TEXT && n->kind == PROV_K_SOCKET &&
				fact->sub == PROV_T_UNIX_PATH))
			continue;
		text.at = graph_blob(query->graph, fact->blob, &text.length);
		if (text.length < track->base.length ||
		    memcmp(text.at + text.length - track->base.length, track->base.at,
			   track->base.length) ||
		    graph_wall_ns(query->graph, n->boot, fact->time_ns) > query->until_ns)
			continue;
		if (moves)
			track_moves(track, n->boot, fact->time_ns);
		if (same_text(track->path, text.at, text.length))
			track_claim(track, n->boot, fact->time_ns, event >= 0, false);
		if (moves)
			track_name(track, text, n->boot, fact->time_ns, event >= 0);
	}
}

/*
 * Is the object no more at the end of the window?  The loss of a name is not
 * always recorded: it can be by another mount's path, or by an opaque process.  An
 * inode whose end does not say that it was deleted only left the memory.
 */
static bool is_gone(const struct query *query, const struct chains *chains, uint32_t node)
{
	for (; node != GRAPH_NONE; node = chains->after[node]) {
		const struct graph_node *const n = graph_node(query->graph, node);

		if (n->ended && (!graph_is_inode(n) || n->end_code == 1) &&
		    graph_wall_ns(query->graph, n->boot, n->end_ns) <= query->until_ns)
			return true;
	}
	return false;
}

/*
 * Did the object have this name?  A name from before the window counts as well:
 * files keep their names.  What it did with the name is what the last of its nodes
 * did.
 */
static bool claim_path(struct track *track, const struct chains *chains, uint32_t first)
{
	track->had = false;
	track->count = 0;
	track->claim = (struct claim) { .first = first };
	for (uint32_t node = first; node != GRAPH_NONE; node = chains->after[node])
		track_node(track, node);
	if (track->count)
		track_moves(track, UINT32_MAX, UINT64_MAX);
	while (track->count)
		free(track->names[--track->count].text);
	if (track->had && is_gone(track->query, chains, track->claim.node)) {
		track->claim.holds = false;
		track->claim.moved = false;
	}
	return track->had;
}

/*
 * Who holds the name, the last to get it if they are several; if nobody does, who
 * lost it last.
 */
static int by_right(const void *one, const void *two, void *context)
{
	const struct query *const query = context;
	const struct claim *const a = one, *const b = two;

	if (a->holds != b->holds)
		return a->holds ? -1 : 1;
	if (a->boot != b->boot)
		return a->boot > b->boot ? -1 : 1;
	if (a->time_ns != b->time_ns)
		return a->time_ns > b->time_ns ? -1 : 1;
	if (later(query, a->node, 0, b->node, 0))
		return -1;
	if (later(query, b->node, 0, a->node, 0))
		return 1;
	return a->node < b->node ? -1 : a->node > b->node;
}

/*
 * A name says nothing of mount namespaces, and so the rename of a directory may be
 * of another than the name leads through: who else may hold it must not be hidden.
 */
static bool note_others(struct query *query, const char *object, const struct claim *claims,
			size_t count)
{
	struct others *const others = &query->others[query->others_count];

	others->object = object;
	others->count = 0;
	others->moved = 0;
	others->nodes = malloc(count * sizeof(*others->nodes));
	if (!others->nodes)
		return false;
	for (size_t i = 1; i < count; i++) {
		if (claims[i].holds || claims[i].moved)
			others->nodes[others->count++] = claims[i].node;
		others->moved += claims[i].moved;
	}
	if (others->count)
		query->others_count++;
	else
		free(others->nodes);
	return true;
}

void objects_free_others(struct query *query)
{
	while (query->others_count)
		free(query->others[--query->others_count].nodes);
}

/* Longest common beginning and end, so that slips in the middle rank high. */
static size_t likeness(const char *a, size_t a_length, const char *b, size_t b_length)
{
	const size_t least = a_length < b_length ? a_length : b_length;
	size_t head = 0, tail = 0;

	while (head < least && a[head] == b[head])
		head++;
	while (tail < least - head && a[a_length - 1 - tail] == b[b_length - 1 - tail])
		tail++;
	return head + tail;
}

static const char *base_name(const char *path, size_t length, size_t *base_length)
{
	const char *const slash = memrchr(path, '/', length);
	const char *const base = slash ? slash + 1 : path;

	*base_length = length - (base - path);
	return base;
}

static void suggest_paths(const struct query *query, const char *path, size_t length)
{
	struct {
		struct bytes path;
		size_t score;
	} best[NEAR_MATCHES] = {};
	size_t base_length;
	const char *const base = base_name(path, length, &base_length);

	for (uint32_t i = 0; i < graph_node_count(query->graph); i++) {
		const struct bytes other = node_path(query, i);
		size_t other_base_length, score;
		const char *other_base;
		bool known = false;

		if (!other.length)
			continue;
		other_base = base_name(other.at, other.length, &other_base_length);
		score = 2 * likeness(path, length, other.at, other.length);
		score = score > other.length ? score - other.length : 1;
		if (base_length && other_base_length == base_length &&
		    !memcmp(base, other_base, base_length))
			score += 1000;
		else if (base_length > 2 && memmem(other_base, other_base_length, base, base_length))
			score += 500;
		else if (likeness(base, base_length, other_base, other_base_length) * 2 <
			 base_length)
			continue;
		for (int j = 0; j < NEAR_MATCHES; j++)
			known |= best[j].path.length == other.length &&
				 !memcmp(best[j].path.at, other.at, other.length);
		for (int j = 0; j < NEAR_MATCHES && !known; j++) {
			if (score <= best[j].score)
				continue;
			memmove(&best[j + 1], &best[j],
				(NEAR_MATCHES - 1 - j) * sizeof(best[0]));
			best[j].path = other;
			best[j].score = score;
			break;
		}
	}
	for (int j = 0; j < NEAR_MATCHES && best[j].score; j++) {
		fputs(j ? "                " : "  near matches: ", stderr);
		text_print(stderr, best[j].path.at, best[j].path.length);
		putc('\n', stderr);
	}
}

static void add_chain(const struct chains *chains, struct found *found, uint32_t node)
{
	for (; node != GRAPH_NONE; node = chains->after[node])
		found_add(found, node);
}

static void take_best(struct query *query, const char *object, const struct chains *chains,
		      struct claim *claims, size_t count, struct found *found)
{
	if (!count)
		return;
	qsort_r(claims, count, sizeof(*claims), by_right, query);
	add_chain(chains, found, claims[0].first);
	found->failed |= !note_others(query, object, claims, count);
}

/* @object is the path as the user wrote it. */
static void find_path(struct query *query, const char *object, const char *path, size_t length,
		      struct found *found)
{
	struct moves *const moves = moves_new(query);
	struct chains chains = {};
	struct claim *claims = NULL;
	struct track track = {
		.query = query, .moves = moves, .path = { path, length },
	};
	size_t count = 0, room = 0;

	track.base.at = base_name(path, length, &track.base.length);
	if (track.base.at > path) {
		track.base.at--;
		track.base.length++;
	}
	track.failed = !moves || !chains_init(query, &chains);
	for (uint32_t i = 0; i < graph_node_count(query->graph) && !track.failed; i++) {
		if (graph_node(query->graph, i)->kind == PROV_K_PROCESS || chains.continued[i] ||
		    !claim_path(&track, &chains, i))
			continue;
		if (query->all)
			add_chain(&chains, found, i);
		else if (make_room(&claims, &room, count, sizeof(*claims)))
			claims[count++] = track.claim;
		else
			track.failed = true;
	}
	found->failed |= track.failed;
	take_best(query, object, &chains, claims, count, found);
	free(claims);
	free(track.names);
	chains_free(&chains);
	moves_free(moves);
}

/* ---- processes ---------------------------------------------------------- */

static void find_pid(const struct query *query, uint64_t pid, struct found *found)
{
	uint32_t last = GRAPH_NONE;

	for (uint32_t i = 0; i < graph_node_count(query->graph); i++) {
		const struct graph_node *const n = graph_node(query->graph, i);

		if (n->kind != PROV_K_PROCESS || n->process.tgid != pid ||
		    node_first_wall_ns(query, i) > query->until_ns)
			continue;
		if (n->ended && graph_wall_ns(query->graph, n->boot, n->end_ns) < query->since_ns)
			continue;
		if (query->all)
			found_add(found, i);
		else if (last == GRAPH_NONE ||
			 later(query, i, n->process.start_ns, last,
			       graph_node(query->graph, last)->process.start_ns))
			last = i;
	}
	if (last == GRAPH_NONE)
		return;
	/* Each exec makes a new image: together they are the process. */
	for (uint32_t i = 0; i < graph_node_count(query->graph); i++) {
		const struct graph_node *const n = graph_node(query->graph, i);
		const struct graph_node *const l = graph_node(query->graph, last);

		if (n->kind == PROV_K_PROCESS && n->process.tgid == pid && n->boot == l->boot &&
		    n->process.start_ns == l->process.start_ns &&
		    node_first_wall_ns(query, i) <= query->until_ns)
			found_add(found, i);
	}
}

/* ---- inodes ------------------------------------------------------------- */

static bool parse_inode(const char *text, uint32_t *dev, uint64_t *ino)
{
	uint64_t first, second;
	const char *end;

	if (!parse_number(text, &end, &first) || *end != ':' ||
	    !parse_number(end + 1, &end, &second))
		return false;
	if (!*end) {
		*dev = first;
		*ino = second;
		return first <= UINT32_MAX;
	}
	*dev = first << MINOR_BITS | second;
	return *end == ':' && first < 1u << (32 - MINOR_BITS) && second < 1u << MINOR_BITS &&
	       parse_number(end + 1, &end, ino) && !*end;
}

static void find_inode(const struct query *query, uint32_t dev, uint64_t ino, struct found *found)
{
	uint32_t last = GRAPH_NONE;

	for (uint32_t i = 0; i < graph_node_count(query->graph); i++) {
		const struct graph_node *const n = graph_node(query->graph, i);

		if (!graph_is_inode(n) || n->inode.dev != dev || n->inode.ino != ino ||
		    node_first_wall_ns(query, i) > query->until_ns)
			continue;
		if (query->all)
			found_add(found, i);
		else if (last == GRAPH_NONE ||
			 later(query, i, n->first_ns, last,
			       graph_node(query->graph, last)->first_ns))
			last = i;
	}
	if (last != GRAPH_NONE)
		add_incarnations(query, found, last);
}

/* ---- nodes -------------------------------------------------------------- */

static bool parse_node(const struct query *query, const char *text, uint32_t *node,
		       struct objects *objects)
{
	uint64_t id, boot = graph_boot_count(query->graph), version;
	const char *end;

	if (!parse_number(text, &end, &id))
		return false;
	if (*end == ':') {
		boot = id;
		if (!parse_number(end + 1, &end, &id))
			return false;
	}
	if (*end == '@') {
		if (!parse_number(end + 1, &end, &version) || version > UINT32_MAX)
			return false;
		objects->versioned = true;
		objects->version = version;
	}
	if (*end)
		return false;
	*node = boot && boot <= graph_boot_count(query->graph) ?
		graph_find_node(query->graph, boot - 1, id) : GRAPH_NONE;
	return true;
}

/* What nothing ever had cannot be asked about: it would look like an answer. */
static bool has_version(const struct query *query, uint32_t node, const struct objects *objects)
{
	const uint32_t last = graph_node(query->graph, node)->last_version;

	if (!objects->versioned || objects->version <= last)
		return true;
	complain("the last version of this node is %" PRIu32, last);
	return false;
}

/* ---- sockets ------------------------------------------------------------ */

/* ADDRESS:PORT, [ADDRESS]:PORT or [ADDRESS%SCOPE]:PORT; without SCOPE, any. */
static bool parse_address(const char *text, struct graph_address *address)
{
	const char *const colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + sizeof("%4294967295")];
	uint64_t port, scope = 0;
	const char *end;
	size_t length;
	char *percent;

	memset(address, 0, sizeof(*address));
	if (!colon || !parse_number(colon + 1, &end, &port) || *end || port > UINT16_MAX)
		return false;
	address->port = port;
	length = colon - text;
	address->family = AF_INET;
	if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
		address->family = AF_INET6;
	}
	if (length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = 0;
	percent = strchr(host, '%');
	if (percent && (!parse_number(percent + 1, &end, &scope) || *end || scope > UINT32_MAX))
		return false;
	if (percent)
		*percent = 0;
	address->scope = scope;
	return inet_pton(address->family, host, address->address) == 1;
}

/*
 * Is it the address that was asked for?  An IPv4 peer of an IPv6 socket has a
 * mapped address: ::ffff:a.b.c.d.
 */
static bool is_address(const struct graph_address *address, const struct graph_address *asked)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (address->port != asked->port || (asked->scope && address->scope != asked->scope))
		return false;
	if (address->family == asked->family)
		return !memcmp(address->address, asked->address,
			       address->family == AF_INET ? 4 : 16);
	if (address->family == AF_INET6)
		return !memcmp(address->address, mapped, 12) &&
		       !memcmp(address->address + 12, asked->address, 4);
	return !memcmp(asked->address, mapped, 12) &&
	       !memcmp(asked->address + 12, address->address, 4);
}

static void find_socket(const struct query *query, const struct graph_address *address,
			struct found *found)
{
	for (uint32_t i = 0; i < graph_node_count(query->graph); i++) {
		const struct graph_node *const n = graph_node(query->graph, i);
		bool match = false;

		if (n->kind != PROV_K_SOCKET || node_first_wall_ns(query, i) > query->until_ns ||
		    (n->ended && graph_wall_ns(query->graph, n->boot, n->end_ns) < query->since_ns))
			continue;
		for (uint32_t j = 0; j < n->fact_count && !match; j++) {
			const struct graph_fact *const fact =
				graph_fact(query->graph, n->fact_first + j);

			match = fact->type == PROV_R_ADDRESS &&
				is_address(graph_blob(query->graph, fact->blob, NULL), address);
		}
		if (match)
			found_add(found, i);
	}
}

/* ---- all ---------------------------------------------------------------- */

static enum status bad_object(const char *text, const char *form)
{
	complain("\"%s\" should look like %s", text, form);
	return USAGE;
}

static enum status find_b64(struct query *query, const char *object, const char *text,
			    struct found *found)
{
	const size_t length = strlen(text);
	uint8_t *const bytes = malloc(length + 1);
	ptrdiff_t count;

	if (!bytes) {
		found->failed = true;
		return NO_MEMORY;
	}
	count = base64_decode(text, bytes);
	if (count >= 0)
		find_path(query, object, (const char *)bytes, count, found);
	if (count >= 0 && !found->count)
		suggest_paths(query, (const char *)bytes, count);
	free(bytes);
	return count < 0 ? USAGE : FOUND;
}

enum status objects_find(struct query *query, const char *text, struct objects *objects)
{
	const char *const object = text;
	struct graph_address address;
	struct found found = {};
	uint64_t number, ino;
	uint32_t dev, node;
	const char *end;

	memset(objects, 0, sizeof(*objects));
	if (!strncmp(text, "pid:", 4)) {
		if (!parse_number(text + 4, &end, &number) || *end)
			return bad_object(text, "pid:1234");
		find_pid(query, number, &found);
	} else if (!strncmp(text, "inode:", 6)) {
		if (!parse_inode(text + 6, &dev, &ino))
			return bad_object(text, "inode:8:1:1234 (major:minor:number)");
		find_inode(query, dev, ino, &found);
	} else if (!strncmp(text, "node:", 5)) {
		if (!parse_node(query, text + 5, &node, objects))
			return bad_object(text, "node:17, node:17@3 or node:2:17@3");
		if (node != GRAPH_NONE && has_version(query, node, objects))
			found_add(&found, node);
	} else if (!strncmp(text, "sock:", 5)) {
		if (!parse_address(text + 5, &address))
			return bad_object(text, "sock:10.0.0.1:80, sock:[::1]:80 or sock:[fe80::1%2]:80");
		find_socket(query, &address, &found);
	} else if (!strncmp(text, "path-b64:", 9)) {
		if (find_b64(query, object, text + 9, &found) == USAGE)
			return bad_object(text, "path-b64: and base64");
	} else {
		if (!strncmp(text, "path:", 5))
			text += 5;
		find_path(query, object, text, strlen(text), &found);
	}

	objects->nodes = found.nodes;
	objects->count = found.count;
	if (found.failed) {
		complain("out of memory");
		return NO_MEMORY;
	}
	if (found.count)
		return FOUND;
	complain("nothing in the log matches \"%s\"%s", text,
		 query->since_ns || query->until_ns != UINT64_MAX ? " in this window" : "");
	if (strncmp(text, "pid:", 4) && strncmp(text, "inode:", 6) && strncmp(text, "node:", 5) &&
	    strncmp(text, "sock:", 5) && strncmp(text, "path-b64:", 9))
		suggest_paths(query, text, strlen(text));
	/* An empty answer is one as well. */
	if (query->format == JSON)
		json_trailer(query, NULL, 0, 0, stdout);
	return NOTHING_FOUND;
}

/*
 * Backward, what counts is what the object had become at the end of the window;
 * forward, what it was at the beginning.
 */
struct traverse_start *objects_starts(const struct query *query, const struct objects *objects,
				      bool forward)
{
	struct traverse_start *const starts = calloc(objects->count + 1, sizeof(*starts));

	if (!starts)
		return NULL;
	for (size_t i = 0; i < objects->count; i++) {
		const struct graph_node *const n = graph_node(query->graph, objects->nodes[i]);
		uint32_t version = forward ? 0 : n->last_version;

		if (objects->versioned) {
			version = objects->version;
		} else if (!forward && query->until_ns != UINT64_MAX) {
			struct graph_cursor cursor = graph_into(query->graph, objects->nodes[i], 0,
								UINT32_MAX);
			const struct graph_edge *edge;
			uint32_t number;

			version = 0;
			while ((edge = graph_next(&cursor, &number)) != NULL)
				if (graph_edge_wall_ns(query->graph, edge) <= query->until_ns &&
				    edge->to_version > version)
					version = edge->to_version;
		}
		starts[i].node = objects->nodes[i];
		starts[i].version = version;
	}
	return starts;
}
