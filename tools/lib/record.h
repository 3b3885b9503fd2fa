/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records: what is inside a sub-buffer
 *
 * The bytes are untrusted: nothing is read outside the sub-buffer, whatever the
 * lengths in it say, and every field comes out in host byte order.
 */
#ifndef PROV_LIB_RECORD_H
#define PROV_LIB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/provenance.h>

/**
 * struct prov_item - one record, decoded
 * @type: enum prov_record_type
 * @sub: meaning depends on @type
 * @bytes: length of the record, its header included
 * @time_ns: CLOCK_BOOTTIME
 * @tid: thread that made it, 0 if not known
 * @tgid: thread group that made it, 0 if not known
 * @id: the node that it is about; of an edge, where it comes from
 *
 * @text.part and @refusal.text point into the sub-buffer.
 */
struct prov_item {
	uint8_t	 type;
	uint8_t	 sub;
	uint16_t bytes;
	uint64_t time_ns;
	uint32_t tid;
	uint32_t tgid;
	uint64_t id;
	union {
		struct {
			uint32_t flags;
			uint32_t tgid;
			uint32_t ppid;
			uint64_t start_ns;
			uint8_t	 uuid[16];
			uint64_t ino;
			uint32_t dev;
			uint32_t generation;
			uint32_t mode;
			uint32_t rdev;
			uint16_t family;
			uint16_t socket_type;
			uint16_t protocol;
			uint64_t netns;
			uint32_t key;
			uint32_t ipc_id;
			uint64_t ipcns;
			uint64_t queue;
			uint32_t uid;
			uint32_t number;
			uint32_t number_type;
		} node;
		struct {
			uint64_t to;
			uint32_t from_version;
			uint32_t to_version;
		} edge;
		struct {
			const uint8_t *part;
			uint32_t part_bytes;
			uint32_t total_bytes;
			uint32_t offset;
		} text;
		struct {
			uint32_t uid[4];
			uint32_t gid[4];
			uint64_t cap_permitted;
			uint64_t cap_effective;
			uint32_t loginuid;
			uint32_t sessionid;
		} cred;
		struct {
			uint32_t mode;
			uint32_t uid;
			uint32_t gid;
			uint32_t nlink;
			uint64_t size;
		} attr;
		struct {
			uint16_t family;
			uint16_t port;
			uint32_t scope;
			uint8_t	 address[16];
		} address;
		struct {
			uint64_t peer;
		} peer;
		struct {
			uint64_t by;
		} opaque;
		struct {
			uint32_t code;
			uint32_t version;
		} end;
		struct {
			uint64_t object;
			uint32_t version;
			uint32_t object_version;
			uint32_t error;
			uint32_t detail;
			const char *text;
			uint32_t text_bytes;
		} refusal;
		struct {
			uint64_t cgroup;
			uint32_t ns[PROV_NS_COUNT];
			uint32_t pid;
		} process_attr;
		struct {
			uint32_t pid;
			uint32_t ns;
		} pid;
	};
};

/**
 * struct prov_iter - where prov_iter_next() is in a sub-buffer
 * @wall_offset_ns: what to add to the time of the last item to get
 *	CLOCK_REALTIME; wraps on hostile input like all time arithmetic here
 * @items: records returned so far
 * @skipped: records passed over because their type is not known
 * @bad: records passed over because they are too short for their type
 * @broken: a record's length is impossible: the rest cannot be read
 */
struct prov_iter {
	const uint8_t *at;
	const uint8_t *end;
	uint64_t base_ns;
	uint64_t wall_offset_ns;
	uint32_t tid;
	uint32_t tgid;
	uint64_t items;
	uint64_t skipped;
	uint64_t bad;
	bool	 broken;
};

/**
 * prov_iter_init - begin with the first record of a sub-buffer
 * @subbuf: a header for which prov_subbuf_check() gave its length, with all its
 *	used_bytes readable behind it; must live as long as the iteration
 */
void prov_iter_init(struct prov_iter *iter, const struct prov_subbuf_header *subbuf);

/**
 * prov_iter_next - decode the next record
 *
 * PROV_R_PAD, PROV_R_TIME and PROV_R_THREAD are acted on and not returned.
 *
 * Return: true if @item was filled in, false at the end.
 */
bool prov_iter_next(struct prov_iter *iter, struct prov_item *item);

/*
 * Names, as they are printed.  They never return NULL; for a number that has no
 * name it is "?".
 */
const char *prov_kind_name(unsigned int kind);
const char *prov_op_name(unsigned int op);
const char *prov_class_name(unsigned int record_type);
const char *prov_text_name(unsigned int text_kind);
const char *prov_opaque_name(unsigned int change);
const char *prov_layer_name(unsigned int layer);
const char *prov_namespace_name(unsigned int ns);

/** prov_kind_is_inode - is a node of that kind described as an inode is? */
bool prov_kind_is_inode(unsigned int kind);

/** prov_kind_is_numbered - is it a key, a BPF object, a module or the kernel? */
bool prov_kind_is_numbered(unsigned int kind);

/** prov_kind_from_name - PROV_K_* of a name as prov_kind_name() gives it, or 0 */
unsigned int prov_kind_from_name(const char *name, size_t bytes);

/** prov_class_from_name - PROV_R_EDGE_* of "data", "meta" or "control", or 0 */
unsigned int prov_class_from_name(const char *name, size_t bytes);

#endif /* PROV_LIB_RECORD_H */
