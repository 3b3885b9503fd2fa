/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The graph of a log: nodes, what is known of them, and edges by version
 *
 * graph_load() reads a log directory; after that the graph does not change.
 * Nodes are numbered from 0, edges as well; the numbers are handles that are
 * good for this graph only.  A node is what the kernel calls by (boot, id).
 *
 * Edges are reached only through cursors, which give the edges into or out of a
 * range of a node's versions, so that the arrays behind them can become an
 * index on disk without a change for the callers.
 */
#ifndef PROV_LIB_GRAPH_H
#define PROV_LIB_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/provenance.h>

#define GRAPH_NONE UINT32_MAX		/* no node, no edge, no text */

/* struct graph_edge.flags */
#define GRAPH_EDGE_CONTINUES	0x1	/* derived: the same inode, loaded again */

/**
 * struct graph_edge - information moved
 * @time_ns: CLOCK_BOOTTIME of the boot of @to
 * @from: node it came from
 * @to: node it went to
 * @from_version: version of @from
 * @to_version: version of @to
 * @tid: thread that did it, 0 if not known
 * @op: enum prov_op; 0 if the edge is derived
 * @class: PROV_R_EDGE_DATA, PROV_R_EDGE_META or PROV_R_EDGE_CONTROL
 * @flags: GRAPH_EDGE_*
 */
struct graph_edge {
	uint64_t time_ns;
	uint32_t from;
	uint32_t to;
	uint32_t from_version;
	uint32_t to_version;
	uint32_t tid;
	uint8_t	 op;
	uint8_t	 class;
	uint8_t	 flags;
	uint8_t	 reserved;
};

/**
 * struct graph_node - a node
 * @id: its id in its boot
 * @first_ns: CLOCK_BOOTTIME of its record, or of the first that names it
 * @end_ns: CLOCK_BOOTTIME of its end, 0 if none was seen
 * @boot: number of its boot, from 0 in the order of the segments
 * @last_version: greatest version seen
 * @end_code: as in struct prov_end_record
 * @fact_first: first of its facts
 * @fact_count: how many they are
 * @kind: PROV_K_*, 0 if no record described it
 * @flags: PROV_NODE_*
 * @ended: @end_ns and @end_code are known
 *
 * The rest is as in struct prov_node_record, in host byte order.
 */
struct graph_node {
	uint64_t id;
	uint64_t first_ns;
	uint64_t end_ns;
	uint32_t boot;
	uint32_t last_version;
	uint32_t end_code;
	uint32_t end_version;
	uint32_t fact_first;
	uint32_t fact_count;
	uint8_t	 kind;
	bool	 ended;
	uint32_t flags;
	union {
		struct {
			uint32_t tgid;
			uint32_t ppid;
			uint64_t start_ns;
		} process;
		struct {
			uint8_t	 uuid[16];
			uint64_t ino;
			uint32_t dev;
			uint32_t generation;
			uint32_t mode;
			uint32_t rdev;
		} inode;
		struct {
			uint16_t family;
			uint16_t type;
			uint16_t protocol;
			uint64_t netns;
			uint32_t uid;
		} socket;
		struct {
			uint32_t key;
			uint32_t id;
			uint64_t ipcns;
		} ipc;
		struct {
			uint64_t queue;
		} message;
		struct {
			uint32_t number;
			uint32_t type;
		} numbered;
	};
};

/**
 * struct graph_fact - something that was said about a node, at a time
 * @time_ns: CLOCK_BOOTTIME
 * @node: the node
 * @blob: for a text, its bytes; for the others, see the accessors below
 * @type: PROV_R_TEXT, _CRED, _INODE_ATTR, _ADDRESS, _PEER, _OPAQUE,
 *	_PROCESS_ATTR or _PID
 * @sub: as in the record
 * @flags: GRAPH_FACT_*
 */
struct graph_fact {
	uint64_t time_ns;
	uint32_t node;
	uint32_t blob;
	uint8_t	 type;
	uint8_t	 sub;
	uint8_t	 flags;
};

#define GRAPH_FACT_CARRIED	0x1	/* repeated from an older segment */
#define GRAPH_FACT_CUT		0x2	/* parts of the text are missing */

/* Facts other than texts; the blob of such a fact is one of these. */
struct graph_cred {
	uint32_t uid[4];
	uint32_t gid[4];
	uint64_t cap_permitted;
	uint64_t cap_effective;
	uint32_t loginuid;
	uint32_t sessionid;
};

struct graph_attr {
	uint64_t size;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint32_t nlink;
};

struct graph_address {
	uint8_t	 address[16];
	uint32_t scope;
	uint16_t family;
	uint16_t port;
};

struct graph_process_attr {
	uint64_t cgroup;
	uint32_t ns[PROV_NS_COUNT];
	uint32_t pid;
};

struct graph_pid {
	uint32_t pid;
	uint32_t ns;
};

/* @node is GRAPH_NONE where the record had 0 */
struct graph_link {
	uint32_t node;
};

/**
 * struct graph_boot - a boot that the log knows of
 * @id: boot id
 * @first_ns: least CLOCK_BOOTTIME in its sub-buffers
 * @last_ns: greatest
 */
struct graph_boot {
	uint8_t	 id[16];
	uint64_t first_ns;
	uint64_t last_ns;
};

/**
 * struct graph_subbuf - a sub-buffer that was read
 * @segment: number of the segment that it is in
 */
struct graph_subbuf {
	uint64_t segment;
	uint64_t seq;
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t lost;
	uint64_t lost_total;
	uint32_t boot;
	uint32_t cpu;
};

/**
 * enum graph_fault - what can be wrong with a log
 * @GRAPH_F_SEGMENT: a file is no segment, or cannot be read
 * @GRAPH_F_FRAME: frames whose checksum does not fit, or that do not decompress
 * @GRAPH_F_SEAL: a seal does not fit its segment, or a sealed name has no seal
 * @GRAPH_F_GAP: segments that are missing between others
 * @GRAPH_F_SUBBUF: sub-buffers with an impossible header
 * @GRAPH_F_RECORD: records with an impossible length or content
 * @GRAPH_F_SEQUENCE: sub-buffers that are missing between others of their CPU
 * @GRAPH_F_REPEAT: sub-buffers that are there twice
 * @GRAPH_F_LOST: sub-buffers whose counts of lost records contradict each other
 */
enum graph_fault {
	GRAPH_F_SEGMENT,
	GRAPH_F_FRAME,
	GRAPH_F_SEAL,
	GRAPH_F_GAP,
	GRAPH_F_SUBBUF,
	GRAPH_F_RECORD,
	GRAPH_F_SEQUENCE,
	GRAPH_F_REPEAT,
	GRAPH_F_LOST,
	GRAPH_F_COUNT,
};

/**
 * struct graph_info - what loading has shown
 * @segments: segment files read
 * @bytes: their length
 * @frames: frames used
 * @raw_bytes: length of what was in them
 * @records: records, without those carried
 * @unknown_records: of a type that this reader does not know
 * @lost: records lost, by the sub-buffers' counts
 * @missing: sub-buffers missing in the middle, by their sequence numbers
 * @begins_late: CPUs whose first sub-buffer in the log is not their number 0
 * @open_segments: segments without a seal, named as open
 * @torn_bytes: bytes after the last good frame of an open segment
 * @undescribed: nodes that edges name and no record describes
 * @continues: derived edges; they are the last of all edges, those of one inode in
 *	order of time
 * @faults: how often each fault was found
 * @machine_id: of the newest segment
 */
struct graph_info {
	uint64_t segments;
	uint64_t bytes;
	uint64_t frames;
	uint64_t raw_bytes;
	uint64_t records;
	uint64_t unknown_records;
	uint64_t lost;
	uint64_t missing;
	uint64_t begins_late;
	uint64_t open_segments;
	uint64_t torn_bytes;
	uint64_t undescribed;
	uint64_t continues;
	uint64_t faults[GRAPH_F_COUNT];
	uint8_t	 machine_id[16];
};

struct graph;

/**
 * typedef graph_fault_fn - told of each fault while a log is loaded
 * @where: segment file name, or NULL
 * @message: what is wrong, one line
 */
typedef void graph_fault_fn(void *context, enum graph_fault fault, const char *where,
			    const char *message);

/**
 * struct graph_options - how to load a log
 * @fault: called for each fault, or NULL
 * @context: for @fault
 * @max_bytes: memory that the graph and what is asked of it may take; 0 for three
 *	quarters of the machine's
 */
struct graph_options {
	graph_fault_fn *fault;
	void *context;
	uint64_t max_bytes;
};

/**
 * graph_load - read a log
 * @graph: set to the graph; graph_free() frees it
 * @directory: the log directory
 * @options: NULL for the defaults
 *
 * A damaged log is read as far as it can be; graph_info() says what was found.
 *
 * Return: 0; -ENODATA if the directory holds no segment, -ENOMEM also if
 * @max_bytes do not suffice, -EOVERFLOW if there are more nodes, edges or facts
 * than fit 32 bits, or the errno of reading the directory.
 */
int graph_load(struct graph **graph, const char *directory, const struct graph_options *options);
void graph_free(struct graph *graph);

/**
 * graph_take - count memory that is about to be taken for a question
 * @bytes: how much; it is not given back, as a program asks few questions of a log
 *
 * Return: 0, or -ENOMEM if that is more than graph_options.max_bytes in all.
 */
int graph_take(struct graph *graph, uint64_t bytes);

const struct graph_info *graph_info(const struct graph *graph);

uint32_t graph_boot_count(const struct graph *graph);
const struct graph_boot *graph_boot(const struct graph *graph, uint32_t boot);

size_t graph_subbuf_count(const struct graph *graph);
const struct graph_subbuf *graph_subbuf(const struct graph *graph, size_t index);

uint32_t graph_node_count(const struct graph *graph);
const struct graph_node *graph_node(const struct graph *graph, uint32_t node);

/** graph_find_node - handle of (boot, id), or GRAPH_NONE */
uint32_t graph_find_node(const struct graph *graph, uint32_t boot, uint64_t id);

uint64_t graph_edge_count(const struct graph *graph);
const struct graph_edge *graph_edge(const struct graph *graph, uint32_t edge);

/**
 * struct graph_cursor - edges into or out of a range of a node's versions
 *
 * They come by growing version of the node.
 */
struct graph_cursor {
	const struct graph *graph;
	const uint32_t *order;
	uint32_t at;
	uint32_t end;
};

/** graph_into - edges whose to_version of @node is from @low to @high */
struct graph_cursor graph_into(const struct graph *graph, uint32_t node, uint32_t low,
			       uint32_t high);

/** graph_out_of - edges whose from_version of @node is from @low to @high */
struct graph_cursor graph_out_of(const struct graph *graph, uint32_t node, uint32_t low,
				 uint32_t high);

/**
 * graph_next - step a cursor
 * @edge: set to the edge's number
 *
 * Return: the edge, NULL at the end.
 */
const struct graph_edge *graph_next(struct graph_cursor *cursor, uint32_t *edge);

/** graph_next_down - likewise from the end of the cursor: by falling version */
const struct graph_edge *graph_next_down(struct graph_cursor *cursor, uint32_t *edge);

/**
 * struct graph_refusal - what an edge PROV_OP_REFUSED says besides
 * @error: errno, positive
 * @detail: as in struct prov_refusal_record
 * @layer: PROV_LAYER_*
 * @hook: where it was refused
 * @by: the security or provenance module, or ""
 * @made: last component of what was to be made, or ""
 */
struct graph_refusal {
	uint32_t error;
	uint32_t detail;
	uint8_t layer;
	const char *hook;
	const char *by;
	const char *made;
};

/**
 * graph_refusal - what an edge PROV_OP_REFUSED says
 * @edge: of this graph
 * @refusal: filled in; its texts belong to the graph
 *
 * Return: false if the edge is no refusal.
 */
bool graph_refusal(const struct graph *graph, const struct graph_edge *edge,
		   struct graph_refusal *refusal);

/** graph_fact - a fact by its number; those of a node are ordered by time */
const struct graph_fact *graph_fact(const struct graph *graph, uint32_t fact);

/** graph_blob - bytes of a blob; belongs to the graph; followed by a NUL */
const void *graph_blob(const struct graph *graph, uint32_t blob, size_t *bytes);

/** graph_text - last text of a kind that @node has, GRAPH_NONE if none */
uint32_t graph_text(const struct graph *graph, uint32_t node, uint8_t kind);

/**
 * graph_wall_ns - CLOCK_REALTIME of a boot time, ns since 1970
 * @boot: number of the boot
 * @time_ns: CLOCK_BOOTTIME
 */
uint64_t graph_wall_ns(const struct graph *graph, uint32_t boot, uint64_t time_ns);

/** graph_edge_wall_ns - CLOCK_REALTIME of an edge */
uint64_t graph_edge_wall_ns(const struct graph *graph, const struct graph_edge *edge);

/** graph_is_inode - is it a node of an inode? */
bool graph_is_inode(const struct graph_node *node);

/** graph_is_strong - does its identity tell it from all other inodes for ever? */
bool graph_is_strong(const struct graph_node *node);

/** graph_same_inode - are these strong and the same inode? */
bool graph_same_inode(const struct graph_node *a, const struct graph_node *b);

#endif /* PROV_LIB_GRAPH_H */
