// SPDX-License-Identifier: GPL-2.0
/* The reader library: records, loading, names, times, JSON text. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "graph.h"
#include "json.h"
#include "logbuild.h"
#include "record.h"
#include "segment.h"
#include "tempdir.h"
#include "traverse.h"
#include "when.h"

#define D PROV_R_EDGE_DATA
#define S LOG_SECOND

static int setup(void **state)
{
	*state = tempdir_new();
	return 0;
}

static int teardown(void **state)
{
	tempdir_free(*state);
	return 0;
}

static struct graph *load(const char *directory)
{
	struct graph *graph = NULL;

	assert_int_equal(graph_load(&graph, directory, NULL), 0);
	return graph;
}

static uint64_t faults(const struct graph *graph)
{
	uint64_t sum = 0;

	for (int i = 0; i < GRAPH_F_COUNT; i++)
		sum += graph_info(graph)->faults[i];
	return sum;
}

/* ---- records ------------------------------------------------------------ */

struct subbuf {
	struct prov_subbuf_header header;
	uint8_t records[1024];
	size_t used;
} __attribute__((aligned(8)));

static void subbuf_begin(struct subbuf *subbuf)
{
	memset(subbuf, 0, sizeof(*subbuf));
	subbuf->header.header_bytes = htole16(sizeof(subbuf->header));
	subbuf->header.first_ns = htole64(1000);
}

static void *subbuf_add(struct subbuf *subbuf, uint8_t type, size_t bytes, uint32_t dt)
{
	struct prov_record *const rec = (void *)(subbuf->records + subbuf->used);

	rec->type = type;
	rec->bytes = htole16(bytes);
	rec->dt_ns = htole32(dt);
	subbuf->used += bytes;
	subbuf->header.used_bytes = htole32(sizeof(subbuf->header) + subbuf->used);
	return rec;
}

static void iterates_times_and_threads(void **state)
{
	struct prov_edge_record *edge;
	struct prov_thread_record *thread;
	struct prov_time_record *time;
	struct prov_iter iter;
	struct prov_item item;
	struct subbuf subbuf;

	(void)state;
	subbuf_begin(&subbuf);
	edge = subbuf_add(&subbuf, D, sizeof(*edge), 5);
	edge->from = htole64(1);
	edge->to = htole64(2);
	subbuf_add(&subbuf, PROV_R_PAD, 24, 0);
	thread = subbuf_add(&subbuf, PROV_R_THREAD, sizeof(*thread), 0);
	thread->tid = htole32(8);
	thread->tgid = htole32(7);
	time = subbuf_add(&subbuf, PROV_R_TIME, sizeof(*time), 0);
	time->boottime_ns = htole64(500000);
	time->wall_offset_ns = htole64(9);
	edge = subbuf_add(&subbuf, D, sizeof(*edge), 1);
	edge->from = htole64(3);
	edge->to = htole64(4);
	edge->from_version = htole32(6);
	subbuf_add(&subbuf, 200, 16, 0);

	prov_iter_init(&iter, &subbuf.header);
	assert_true(prov_iter_next(&iter, &item));
	assert_int_equal(item.time_ns, 1005);
	assert_int_equal(item.tid, 0);
	assert_true(prov_iter_next(&iter, &item));
	assert_int_equal(item.time_ns, 500001);
	assert_int_equal(item.tid, 8);
	assert_int_equal(item.tgid, 7);
	assert_int_equal(item.id, 3);
	assert_int_equal(item.edge.to, 4);
	assert_int_equal(item.edge.from_version, 6);
	assert_int_equal(iter.wall_offset_ns, 9);
	assert_false(prov_iter_next(&iter, &item));
	assert_int_equal(iter.skipped, 1);
	assert_int_equal(iter.bad, 0);
	assert_false(iter.broken);
}

static void refuses_impossible_records(void **state)
{
	struct prov_text_record *text;
	struct prov_iter iter;
	struct prov_item item;
	struct subbuf subbuf;

	(void)state;
	subbuf_begin(&subbuf);
	subbuf_add(&subbuf, D, 16, 0);			/* too short for an edge */
	subbuf_add(&subbuf, D, 32, 0);			/* from and to are 0 */
	text = subbuf_add(&subbuf, PROV_R_TEXT, sizeof(*text) + 8, 0);
	text->id = htole64(1);
	text->total_bytes = htole32(3);
	text->offset = htole32(4);			/* behind the end */
	text = subbuf_add(&subbuf, PROV_R_TEXT, sizeof(*text) + 8, 0);
	text->id = htole64(1);
	text->total_bytes = htole32(0xffffffff);	/* a part of something huge */
	subbuf_add(&subbuf, PROV_R_NODE, 24, 0);	/* no kind */
	((struct prov_record *)subbuf_add(&subbuf, D, 32, 0))->bytes = htole16(4);

	prov_iter_init(&iter, &subbuf.header);
	assert_true(prov_iter_next(&iter, &item));
	assert_int_equal(item.type, PROV_R_TEXT);
	assert_int_equal(item.text.part_bytes, 8);
	assert_false(prov_iter_next(&iter, &item));
	assert_int_equal(iter.bad, 4);
	assert_true(iter.broken);
}

static void stays_in_its_bounds(void **state)
{
	struct prov_iter iter;
	struct prov_item item;
	struct subbuf subbuf;

	(void)state;
	subbuf_begin(&subbuf);
	subbuf_add(&subbuf, D, 32, 0);
	/* The record reaches beyond used_bytes. */
	subbuf.header.used_bytes = htole32(sizeof(subbuf.header) + 24);
	prov_iter_init(&iter, &subbuf.header);
	assert_false(prov_iter_next(&iter, &item));
	assert_true(iter.broken);
}

static void names_are_found_again(void **state)
{
	(void)state;
	for (unsigned int i = PROV_K_PROCESS; i <= PROV_K_TUN; i++) {
		const char *const name = prov_kind_name(i);

		assert_string_not_equal(name, "?");
		assert_int_equal(prov_kind_from_name(name, strlen(name)), i);
	}
	for (unsigned int i = PROV_K_KEY; i <= PROV_K_LOOP; i++)
		assert_int_equal(prov_kind_from_name(prov_kind_name(i), strlen(prov_kind_name(i))),
				 i);
	for (unsigned int i = PROV_OP_LOAD; i <= PROV_OP_USE; i++)
		assert_string_not_equal(prov_op_name(i), "?");
	for (unsigned int i = PROV_OP_SWAP; i <= PROV_OP_REQUEST; i++)
		assert_string_not_equal(prov_op_name(i), "?");
	for (unsigned int i = PROV_OP_READ; i <= PROV_OP_SHUTDOWN; i++)
		assert_string_not_equal(prov_op_name(i), "?");
	for (unsigned int i = PROV_OP_REMOVEXATTR; i <= PROV_OP_MOVE_MOUNT; i++)
		assert_string_not_equal(prov_op_name(i), "?");
	for (unsigned int i = PROV_T_ALIAS; i <= PROV_T_RENAMED; i++)
		assert_string_not_equal(prov_text_name(i), "?");
	for (unsigned int i = PROV_LAYER_DAC; i <= PROV_LAYER_MODULE; i++)
		assert_string_not_equal(prov_layer_name(i), "?");
	for (unsigned int i = 0; i < PROV_NS_COUNT; i++)
		assert_string_not_equal(prov_namespace_name(i), "?");
	for (unsigned int i = PROV_T_OPEN; i <= PROV_T_ANON_NAME; i++)
		assert_string_not_equal(prov_text_name(i), "?");
	assert_string_equal(prov_op_name(255), "?");
	assert_string_equal(prov_kind_name(99), "?");
	assert_int_equal(prov_class_from_name("meta", 4), PROV_R_EDGE_META);
	assert_int_equal(prov_class_from_name("met", 3), 0);
}

/* ---- loading ------------------------------------------------------------ */

static void loads_nodes_and_edges(void **state)
{
	struct logbuild *const log = log_begin(*state);
	const struct graph_edge *edge;
	struct graph_cursor cursor;
	struct graph *graph;
	uint32_t file, process, number;

	/* The text comes first, on another CPU. */
	log_cpu(log, 1);
	log_text(log, 2 * S, 20, PROV_T_OPEN, "/a");
	log_cpu(log, 0);
	log_process(log, 1 * S, 10, 77, 1, 1 * S);
	log_inode(log, 2 * S, 20, PROV_K_FILE, 5, 1);
	log_edge(log, 3 * S, D, PROV_OP_READ, 20, 0, 10, 0);
	log_edge(log, 4 * S, D, PROV_OP_WRITE, 10, 3, 20, 2);
	log_edge(log, 5 * S, D, PROV_OP_WRITE, 10, 1, 20, 1);
	log_end(log);

	graph = load(*state);
	assert_int_equal(faults(graph), 0);
	assert_int_equal(graph_node_count(graph), 2);
	assert_int_equal(graph_edge_count(graph), 3);
	process = graph_find_node(graph, 0, 10);
	file = graph_find_node(graph, 0, 20);
	assert_int_equal(graph_find_node(graph, 0, 30), GRAPH_NONE);
	assert_int_equal(graph_find_node(graph, 1, 10), GRAPH_NONE);
	assert_int_equal(graph_node(graph, process)->process.tgid, 77);
	assert_int_equal(graph_node(graph, process)->last_version, 3);
	assert_int_equal(graph_node(graph, file)->inode.ino, 5);
	assert_memory_equal(graph_blob(graph, graph_fact(graph, graph_text(graph, file,
			    PROV_T_OPEN))->blob, NULL), "/a", 3);

	/* Versions 1 to 2 of the file, in that order. */
	cursor = graph_into(graph, file, 1, 2);
	edge = graph_next(&cursor, &number);
	assert_int_equal(edge->to_version, 1);
	assert_int_equal(graph_edge_wall_ns(graph, edge), LOG_WALL_NS + 5 * S);
	edge = graph_next(&cursor, &number);
	assert_int_equal(edge->to_version, 2);
	assert_null(graph_next(&cursor, &number));
	cursor = graph_out_of(graph, process, 2, UINT32_MAX);
	assert_int_equal(graph_next(&cursor, &number)->from_version, 3);
	assert_null(graph_next(&cursor, &number));
	cursor = graph_out_of(graph, process, 4, 9);
	assert_null(graph_next(&cursor, &number));
	graph_free(graph);
}

static void loads_refusals(void **state)
{
	static const char full[] = "path_mkdir\0landlock\0made";
	struct logbuild *const log = log_begin(*state);
	struct graph_refusal refusal;
	const struct graph_edge *edge;
	struct graph *graph;

	log_process(log, 1 * S, 10, 77, 1, 1 * S);
	log_inode(log, 1 * S, 20, PROV_K_DIRECTORY, 5, 1);
	log_edge(log, 2 * S, D, PROV_OP_READ, 20, 0, 10, 0);
	log_refusal(log, 3 * S, PROV_LAYER_LSM, 10, 4, 20, 13, 2, full, sizeof(full));
	log_refusal(log, 4 * S, PROV_LAYER_CAPABILITY, 10, 4, 0, 1, 18, "capable\0", 9);
	/* Texts without an end, and none at all. */
	log_refusal(log, 5 * S, PROV_LAYER_DAC, 10, 4, 20, 1, 0, "eight by", 8);
	log_refusal(log, 6 * S, 99, 10, 4, 20, 1, 0, "", 0);
	log_end(log);

	graph = load(*state);
	assert_int_equal(faults(graph), 0);
	assert_int_equal(graph_edge_count(graph), 5);
	assert_false(graph_refusal(graph, graph_edge(graph, 0), &refusal));
	edge = graph_edge(graph, 1);
	assert_int_equal(edge->class, PROV_R_EDGE_CONTROL);
	assert_int_equal(edge->op, PROV_OP_REFUSED);
	assert_int_equal(edge->from_version, 4);
	assert_int_equal(edge->to, graph_find_node(graph, 0, 20));
	assert_true(graph_refusal(graph, edge, &refusal));
	assert_string_equal(refusal.hook, "path_mkdir");
	assert_string_equal(refusal.by, "landlock");
	assert_string_equal(refusal.made, "made");
	assert_int_equal(refusal.error, 13);
	assert_int_equal(refusal.detail, 2);
	assert_int_equal(refusal.layer, PROV_LAYER_LSM);
	edge = graph_edge(graph, 2);
	assert_int_equal(edge->to, edge->from);
	assert_int_equal(edge->to_version, 4);
	assert_true(graph_refusal(graph, edge, &refusal));
	assert_string_equal(refusal.hook, "capable");
	assert_string_equal(refusal.by, "");
	assert_true(graph_refusal(graph, graph_edge(graph, 3), &refusal));
	assert_string_equal(refusal.hook, "eight by");
	assert_string_equal(refusal.made, "");
	assert_true(graph_refusal(graph, graph_edge(graph, 4), &refusal));
	assert_string_equal(refusal.hook, "");
	graph_free(graph);
}

static void joins_argv_from_any_order(void **state)
{
	static const char *const argv[] = { "one", "two-with-more", "", "three", NULL };
	static const char whole[] = "one\0two-with-more\0\0three";
	struct logbuild *const log = log_begin(*state);
	const struct graph_fact *fact;
	struct graph *graph;
	size_t length;

	log_process(log, S, 1, 5, 1, S);
	log_argv(log, S, 1, argv, 8);
	/* The same again as the recorder carries it, and parts that came reversed. */
	log_carried(log, 1);
	log_process(log, S, 1, 5, 1, S);
	log_argv(log, S, 1, argv, 16);
	log_carried(log, 0);
	log_process(log, S, 2, 6, 1, S);
	log_text_bytes(log, S, 2, PROV_T_ARGV, "ijk", 4, 12, 8);
	log_text_bytes(log, S, 2, PROV_T_ARGV, "abcdefgh", 8, 12, 0);
	/* A part is missing, and the length is absurd. */
	log_process(log, S, 3, 7, 1, S);
	log_text_bytes(log, S, 3, PROV_T_ARGV, "abcdefgh", 8, 0xfffffff0, 0);
	log_text_bytes(log, S, 3, PROV_T_ARGV, "zz\0", 3, 0xfffffff0, 0x10000000);
	log_end(log);

	graph = load(*state);
	fact = graph_fact(graph, graph_text(graph, graph_find_node(graph, 0, 1), PROV_T_ARGV));
	assert_memory_equal(graph_blob(graph, fact->blob, &length), whole, sizeof(whole));
	assert_int_equal(length, sizeof(whole));
	assert_int_equal(fact->flags & GRAPH_FACT_CUT, 0);
	fact = graph_fact(graph, graph_text(graph, graph_find_node(graph, 0, 2), PROV_T_ARGV));
	assert_memory_equal(graph_blob(graph, fact->blob, &length), "abcdefghijk", 12);
	assert_int_equal(length, 12);
	fact = graph_fact(graph, graph_text(graph, graph_find_node(graph, 0, 3), PROV_T_ARGV));
	graph_blob(graph, fact->blob, &length);
	/* Of a part that is not the last, the padding counts as text. */
	assert_int_equal(length, 16);
	assert_int_equal(fact->flags & GRAPH_FACT_CUT, GRAPH_FACT_CUT);
	assert_int_equal(graph_node(graph, graph_find_node(graph, 0, 1))->fact_count, 1);
	graph_free(graph);
}

static void carried_descriptions_are_not_doubled(void **state)
{
	struct logbuild *log = log_begin(*state);
	struct graph *graph;

	log_inode(log, S, 1, PROV_K_FILE, 5, 1);
	log_text(log, S, 1, PROV_T_OPEN, "/a");
	log_text(log, 3 * S, 1, PROV_T_RENAME_FROM, "/a");
	log_text(log, 3 * S, 1, PROV_T_RENAME_TO, "/b");
	log_seal(log);
	log_carried(log, 1);
	log_inode(log, S, 1, PROV_K_FILE, 5, 1);
	log_text(log, 3 * S, 1, PROV_T_RENAME_TO, "/b");
	log_text(log, 4 * S, 1, PROV_T_LINK, "/only-carried");
	log_carried(log, 0);
	log_process(log, 5 * S, 2, 9, 1, 5 * S);
	log_edge(log, 5 * S, D, PROV_OP_READ, 1, 0, 2, 0);
	log_end(log);

	graph = load(*state);
	assert_int_equal(faults(graph), 0);
	assert_int_equal(graph_info(graph)->segments, 2);
	assert_int_equal(graph_node(graph, graph_find_node(graph, 0, 1))->fact_count, 4);
	/* Carried records are not counted again. */
	assert_int_equal(graph_info(graph)->records, 6);
	graph_free(graph);
}

static void continues_across_eviction_and_boots(void **state)
{
	struct logbuild *const log = log_begin(*state);
	const struct graph_edge *edge;
	struct graph_cursor cursor;
	struct graph *graph;
	uint32_t a, b, c, d, number;

	log_inode(log, 1 * S, 1, PROV_K_FILE, 5, 1);
	log_process(log, 1 * S, 9, 9, 1, S);
	log_edge(log, 2 * S, D, PROV_OP_WRITE, 9, 0, 1, 4);
	log_inode(log, 1 * S, 3, PROV_K_FILE, 6, 0);
	log_node_end(log, 4 * S, 3, 0, 0);
	log_inode(log, 5 * S, 4, PROV_K_FILE, 6, 0);
	/* The successor is there before the end of the first is recorded. */
	log_inode(log, 5 * S, 2, PROV_K_FILE, 5, 1);
	log_node_end(log, 5 * S + 1, 1, 0, 4);
	log_edge(log, 6 * S, D, PROV_OP_WRITE, 9, 0, 2, 2);
	log_new_boot(log, LOG_WALL_NS + 3600 * S);
	log_inode(log, 1 * S, 1, PROV_K_FILE, 5, 1);
	log_end(log);

	graph = load(*state);
	assert_int_equal(graph_boot_count(graph), 2);
	a = graph_find_node(graph, 0, 1);
	b = graph_find_node(graph, 0, 2);
	c = graph_find_node(graph, 1, 1);
	d = graph_find_node(graph, 0, 4);
	assert_int_equal(graph_info(graph)->continues, 2);
	cursor = graph_into(graph, b, 0, 0);
	edge = graph_next(&cursor, &number);
	assert_int_equal(edge->flags, GRAPH_EDGE_CONTINUES);
	assert_int_equal(edge->class, D);
	assert_int_equal(edge->from, a);
	assert_int_equal(edge->from_version, 4);
	cursor = graph_into(graph, c, 0, 0);
	edge = graph_next(&cursor, &number);
	assert_int_equal(edge->from, b);
	assert_int_equal(edge->from_version, 2);
	assert_int_equal(graph_edge_wall_ns(graph, edge), LOG_WALL_NS + 3601 * S);
	/* A weak identity says nothing. */
	cursor = graph_into(graph, d, 0, UINT32_MAX);
	assert_null(graph_next(&cursor, &number));
	graph_free(graph);
}

/* The clock of the second boot was wrong: it is still the second. */
static void a_wrong_clock_turns_no_flow_round(void **state)
{
	struct logbuild *const log = log_begin(*state);
	const struct graph_edge *edge;
	struct graph_cursor cursor;
	struct graph *graph;
	uint32_t number;

	log_inode(log, 1 * S, 1, PROV_K_FILE, 5, 1);
	log_new_boot(log, 0);
	log_seal(log);
	/* What is carried is older than the segment that it is in. */
	log_new_boot(log, LOG_WALL_NS);
	log_carried(log, 1);
	log_inode(log, 1 * S, 7, PROV_K_FILE, 6, 1);
	log_carried(log, 0);
	log_new_boot(log, 0);
	log_inode(log, 1 * S, 2, PROV_K_FILE, 5, 1);
	log_end(log);

	graph = load(*state);
	assert_int_equal(graph_boot_count(graph), 3);
	assert_int_equal(graph_boot(graph, 0)->id[0], 1);
	assert_int_equal(graph_boot(graph, 1)->id[0], 3);
	assert_int_equal(graph_boot(graph, 2)->id[0], 4);
	assert_int_equal(graph_info(graph)->continues, 1);
	cursor = graph_into(graph, graph_find_node(graph, 2, 2), 0, 0);
	edge = graph_next(&cursor, &number);
	assert_int_equal(edge->flags, GRAPH_EDGE_CONTINUES);
	assert_int_equal(edge->from, graph_find_node(graph, 0, 1));
	graph_free(graph);
}

static void knows_clock_steps(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct graph *graph;

	log_process(log, 10 * S, 1, 1, 0, 0);
	log_clock_step(log, -3600 * (int64_t)S);
	log_process(log, 20 * S, 2, 2, 1, 0);
	log_subbuf(log);
	log_process(log, 30 * S, 3, 3, 1, 0);
	log_end(log);
	graph = load(*state);
	assert_int_equal(graph_wall_ns(graph, 0, 5 * S), graph_wall_ns(graph, 0, 6 * S) - S);
	assert_int_equal(graph_wall_ns(graph, 0, 30 * S), LOG_WALL_NS + 30 * S - 3600 * S);
	graph_free(graph);
}

static void counts_what_is_lost_and_missing(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct graph *graph;

	log_process(log, 1 * S, 1, 1, 0, 0);
	log_lost(log, 7);
	log_process(log, 2 * S, 2, 2, 1, 0);
	log_skip_subbuf(log);
	log_process(log, 3 * S, 3, 3, 1, 0);
	log_end(log);
	graph = load(*state);
	assert_int_equal(graph_info(graph)->lost, 7);
	assert_int_equal(graph_info(graph)->missing, 1);
	assert_int_equal(graph_info(graph)->faults[GRAPH_F_SEQUENCE], 1);
	assert_int_equal(faults(graph), 1);
	graph_free(graph);
}

static void reads_an_open_segment(void **state)
{
	struct logbuild *const log = log_begin(*state);
	char path[256];
	struct graph *graph;
	FILE *file;

	log_process(log, 1 * S, 1, 1, 0, 0);
	log_leave_open(log);
	snprintf(path, sizeof(path), "%s/segment-%016d.open", (char *)*state, 1);
	file = fopen(path, "a");
	assert_non_null(file);
	fputs("PFRM and then the power failed", file);
	fclose(file);
	graph = load(*state);
	assert_int_equal(faults(graph), 0);
	assert_int_equal(graph_node_count(graph), 1);
	assert_int_equal(graph_info(graph)->open_segments, 1);
	assert_int_equal(graph_info(graph)->torn_bytes, 30);
	graph_free(graph);
}

static void keeps_to_its_memory(void **state)
{
	const struct graph_options options = { .max_bytes = 100000 };
	struct logbuild *const log = log_begin(*state);
	struct graph *graph = (void *)1;

	for (uint64_t i = 1; i < 20000; i++)
		log_node_end(log, S, i, 0, 0);
	log_end(log);
	assert_int_equal(graph_load(&graph, *state, &options), -ENOMEM);
	assert_null(graph);
	assert_int_equal(graph_load(&graph, *state, NULL), 0);
	graph_free(graph);
}

/* The limit is for the log and what is asked of it. */
static void questions_keep_to_its_memory(void **state)
{
	struct graph_options options = {};
	struct logbuild *const log = log_begin(*state);
	uint64_t least = 0, most = 1 << 24;
	struct graph *graph;

	for (uint64_t i = 1; i < 5000; i++)
		log_edge(log, S, D, PROV_OP_SEND, i, 0, i + 1, 0);
	log_end(log);
	/* What loading takes, to a few bytes. */
	while (most - least > 64) {
		options.max_bytes = least + (most - least) / 2;
		if (graph_load(&graph, *state, &options)) {
			least = options.max_bytes;
		} else {
			graph_free(graph);
			most = options.max_bytes;
		}
	}
	for (int more = 0; more < 2; more++) {
		struct traverse_start start = {};
		struct traverse_result result;
		struct traverse_query query = {
			.forward = true, .classes = TRAVERSE_DATA, .max_depth = UINT32_MAX,
			.until_ns = UINT64_MAX,
		};

		options.max_bytes = most + (more ? 1 << 24 : 0);
		assert_int_equal(graph_load(&graph, *state, &options), 0);
		query.graph = graph;
		start.node = graph_find_node(graph, 0, 1);
		assert_int_equal(traverse(&query, &start, 1, &result), more ? 0 : -ENOMEM);
		traverse_free(&result);
		graph_free(graph);
	}
}

static void boots_may_be_empty(void **state)
{
	struct logbuild *const log = log_begin(*state);
	struct graph *graph;

	log_thread(log, 1, 1);
	log_new_boot(log, LOG_WALL_NS - 1000 * S);
	log_thread(log, 1, 1);
	log_end(log);
	graph = load(*state);
	assert_int_equal(graph_boot_count(graph), 2);
	assert_int_equal(graph_node_count(graph), 0);
	/* Segments are numbered as they were written; a clock may have been wrong. */
	assert_int_equal(graph_boot(graph, 0)->id[0], 1);
	graph_free(graph);
}

/* One small frame can hold very many. */
static void many_boots_cost_little(void **state)
{
	enum { BOOTS = PROV_FRAME_MAX_RAW / sizeof(struct prov_subbuf_header) };
	const struct prov_segment_options options = { .number = 1, .level = 1, .gid = (gid_t)-1 };
	struct prov_subbuf_header *const headers = calloc(BOOTS, sizeof(*headers));
	const int dirfd = open(*state, O_RDONLY | O_DIRECTORY);
	struct prov_segment_writer *writer;
	struct rusage before, after;
	struct graph *graph;

	for (uint32_t i = 0; i < BOOTS; i++) {
		headers[i].magic = htole32(PROV_MAGIC);
		headers[i].format = htole16(PROV_FORMAT_VERSION);
		headers[i].header_bytes = htole16(sizeof(*headers));
		headers[i].used_bytes = htole32(sizeof(*headers));
		memcpy(headers[i].boot_id, &i, sizeof(i));
	}
	assert_int_equal(prov_segment_create(&writer, dirfd, &options), 0);
	assert_int_equal(prov_segment_append(writer, PROV_FRAME_SUBBUFS, headers,
					     PROV_FRAME_MAX_RAW), 0);
	assert_int_equal(prov_segment_seal(writer), 0);
	getrusage(RUSAGE_SELF, &before);
	graph = load(*state);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(graph_boot_count(graph), BOOTS);
	assert_int_equal(graph_boot(graph, BOOTS - 1)->id[0], (BOOTS - 1) & 0xff);
	/* It takes less than one, and took more than 20. */
	assert_true(after.ru_utime.tv_sec - before.ru_utime.tv_sec < 5);
	graph_free(graph);
	free(headers);
	close(dirfd);
}

/* Stands for the recorder, which works meanwhile: a fault in one segment removes another. */
static void remove_at_fault(void *context, enum graph_fault fault, const char *where,
			    const char *message)
{
	(void)fault;
	(void)where;
	(void)message;
	unlink(context);
}

static void retention_may_be_faster(void **state)
{
	/* The oldest may go at any time, one in the middle may not. */
	static const struct {
		int faulty, removed, faults;
	} cases[] = { { 1, 2, 1 }, { 2, 3, 2 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct logbuild *const log = log_begin(*state);
		struct graph_options options = { .fault = remove_at_fault };
		struct graph *graph;
		char path[256];

		for (uint64_t id = 1; id <= 3; id++) {
			log_process(log, id * S, id, id, 0, S);
			log_seal(log);
		}
		log_end(log);
		snprintf(path, sizeof(path), "%s/segment-%016d.plog", (char *)*state,
			 cases[i].faulty);
		assert_int_equal(truncate(path, 3), 0);
		snprintf(path, sizeof(path), "%s/segment-%016d.plog", (char *)*state,
			 cases[i].removed);
		options.context = path;
		assert_int_equal(graph_load(&graph, *state, &options), 0);
		assert_int_equal(access(path, F_OK), -1);
		assert_int_equal(graph_info(graph)->faults[GRAPH_F_SEGMENT], cases[i].faults);
		graph_free(graph);
		tempdir_clear(*state);
	}
}

static void tells_what_is_no_log(void **state)
{
	struct graph *graph;

	assert_int_equal(graph_load(&graph, *state, NULL), -ENODATA);
	assert_int_equal(graph_load(&graph, "/nonexistent", NULL), -ENOENT);
}

/* ---- text --------------------------------------------------------------- */

static char *json_of(const char *bytes, size_t length)
{
	struct json json = {};
	char *text = NULL;
	size_t size;

	json.out = open_memstream(&text, &size);
	json_begin(&json, '{');
	json_text(&json, "t", bytes, length);
	json_end(&json, '}');
	fclose(json.out);
	return text;
}

static void check_json(const char *bytes, size_t length, const char *expected)
{
	char *const text = json_of(bytes, length);

	assert_string_equal(text, expected);
	free(text);
}

static void json_says_every_byte(void **state)
{
	(void)state;
	check_json("a\"b\\c\n\x01\x7f", 8, "{\"t\":\"a\\\"b\\\\c\\u000a\\u0001\\u007f\"}");
	check_json("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9,
		   "{\"t\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}");
	check_json("a\xff", 2, "{\"t\":\"a\xef\xbf\xbd\",\"t_b64\":\"Yf8=\"}");
	/* overlong, a surrogate, beyond Unicode, cut short */
	check_json("\xc0\xaf", 2, "{\"t\":\"\xef\xbf\xbd\xef\xbf\xbd\",\"t_b64\":\"wK8=\"}");
	check_json("\xed\xa0\x80", 3,
		   "{\"t\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"t_b64\":\"7aCA\"}");
	assert_int_equal(utf8_length((const uint8_t *)"\xf4\x90\x80\x80", 4), 0);
	assert_int_equal(utf8_length((const uint8_t *)"\xe2\x82", 2), 0);
}

static void base64_comes_back(void **state)
{
	uint8_t bytes[16];

	(void)state;
	assert_int_equal(base64_decode("Yf8=", bytes), 2);
	assert_memory_equal(bytes, "a\xff", 2);
	assert_int_equal(base64_decode("Yf8", bytes), 2);
	assert_int_equal(base64_decode("", bytes), 0);
	assert_int_equal(base64_decode("Y", bytes), -1);
	assert_int_equal(base64_decode("Y!==", bytes), -1);
}

static void terminals_are_safe(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	text_print(out, "\x1b[2J\r\n\\\xc2\x9b\xff\xc3\xa4", 12);
	fclose(out);
	assert_string_equal(text, "\\x1b[2J\\x0d\\n\\\\\\xc2\\x9b\\xff\xc3\xa4");
	free(text);

	/* Nor is it shown in another order than it has. */
	out = open_memstream(&text, &size);
	text_print(out, "a\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa9\xe2\x81\xa5", 13);
	fclose(out);
	assert_string_equal(text, "a\\xe2\\x80\\xae\\xe2\\x81\\xa6\xe2\x80\xa9\xe2\x81\xa5");
	free(text);
}

static void check_time(const char *text, bool end, uint64_t expected)
{
	uint64_t ns = 0;

	if (!when_parse(text, 1000 * S, end, &ns))
		fail_msg("%s is not understood", text);
	if (ns != expected)
		fail_msg("%s is %llu, not %llu", text, (unsigned long long)ns,
			 (unsigned long long)expected);
}

static void times_are_understood(void **state)
{
	static const char *const bad[] = {
		"", "x", "2026", "2026-13-01", "2026-02-30", "2026-01-01T25:00", "@", "@1x", "-",
		"-5", "-5parsecs", "2026-01-01T00:00:00Q", "-99999999999999w", "@99999999999999",
		"2026-01-01T00:00+99:00",
	};
	char text[WHEN_BYTES];
	uint64_t ns;

	(void)state;
	check_time("2026-01-01", false, LOG_WALL_NS);
	check_time("2026-01-01", true, LOG_WALL_NS + 86400 * S - 1);
	check_time("2026-01-01T00:01", true, LOG_WALL_NS + 120 * S - 1);
	check_time("2026-01-01 00:00:01.5", false, LOG_WALL_NS + 1500000000);
	check_time("2026-01-01T00:00:01.000000001Z", true, LOG_WALL_NS + S + 1);
	check_time("2026-01-01T01:00:00+01:00", false, LOG_WALL_NS);
	check_time("2025-12-31T23:30:00-0030", false, LOG_WALL_NS);
	check_time("@1.25", false, 1250000000);
	check_time("@1.25", true, 1259999999);
	check_time("@1", true, 2 * S - 1);
	check_time("-10min", false, 400 * S);
	check_time("-2s", false, 998 * S);
	check_time("-1w", false, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (when_parse(bad[i], 1000 * S, false, &ns))
			fail_msg("%s is understood", bad[i]);
	when_format(text, LOG_WALL_NS + 1);
	assert_string_equal(text, "2026-01-01T00:00:00.000000001Z");
	when_format(text, UINT64_MAX);
	assert_true(strlen(text) < WHEN_BYTES);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iterates_times_and_threads),
		cmocka_unit_test(refuses_impossible_records),
		cmocka_unit_test(stays_in_its_bounds),
		cmocka_unit_test(names_are_found_again),
		TEST(loads_nodes_and_edges),
		TEST(loads_refusals),
		TEST(joins_argv_from_any_order),
		TEST(carried_descriptions_are_not_doubled),
		TEST(continues_across_eviction_and_boots),
		TEST(a_wrong_clock_turns_no_flow_round),
		TEST(knows_clock_steps),
		TEST(counts_what_is_lost_and_missing),
		TEST(reads_an_open_segment),
		TEST(keeps_to_its_memory),
		TEST(questions_keep_to_its_memory),
		TEST(boots_may_be_empty),
		TEST(many_boots_cost_little),
		TEST(retention_may_be_faster),
		TEST(tells_what_is_no_log),
		cmocka_unit_test(json_says_every_byte),
		cmocka_unit_test(base64_comes_back),
		cmocka_unit_test(terminals_are_safe),
		cmocka_unit_test(times_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
