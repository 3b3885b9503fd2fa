// SPDX-License-Identifier: GPL-2.0
/*
 * The order of flows and what can be reached, on graphs small enough to see.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows.h"

enum { A, B, C, OBJECTS };

static int tests, failed;

static void is(const char *what, bool good)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failed += !good;
}

static struct flow flow(uint64_t time_ns, uint32_t src, uint32_t src_version, uint32_t dst,
			uint32_t dst_version)
{
	return (struct flow){
		.src = src, .dst = dst, .src_version = src_version, .dst_version = dst_version,
		.time_ns = time_ns,
	};
}

static bool order(struct flows *flows, const struct flow *flow, size_t count)
{
	*flows = (struct flows){
		.flow = must_alloc(count, sizeof(*flow)), .count = count, .objects = OBJECTS,
	};
	memcpy(flows->flow, flow, count * sizeof(*flow));
	return flows_order(flows);
}

static bool has_order(const struct flow *flow, size_t count)
{
	struct flows flows;
	const bool ordered = order(&flows, flow, count);

	flows_free(&flows);
	return ordered;
}

/* A send is recorded when it is over, and others before it have used what it sent. */
static void test_order(void)
{
	const struct flow late[] = { flow(9, A, 0, B, 0), flow(3, B, 0, C, 0), flow(5, C, 0, A, 1) };
	const struct flow circle[] = { flow(1, A, 0, B, 0), flow(2, B, 0, A, 0) };
	/* No cycle of the graph: but which one was captured first? */
	const struct flow crossed[] = { flow(1, A, 0, B, 1), flow(2, B, 0, A, 1) };
	const struct flow apart[] = { flow(7, A, 0, B, 0), flow(2, C, 0, B, 0) };
	struct flows flows;

	is("what flowed in comes before what flowed out, whatever the times",
	   order(&flows, late, 3) && flows.flow[0].time_ns == 9 && flows.flow[1].time_ns == 3 &&
	   flows.flow[2].time_ns == 5);
	flows_free(&flows);
	is("what is independent comes by time",
	   order(&flows, apart, 2) && flows.flow[0].time_ns == 2);
	flows_free(&flows);
	is("a cycle has no order", !has_order(circle, 2));
	is("versions that were captured crosswise have no order", !has_order(crossed, 2));
}

struct answer {
	unsigned int told;
	uint64_t set[OBJECTS][2];
};

static void note(void *context, uint32_t object, uint32_t version, const uint64_t *set)
{
	struct answer *const answer = context;

	answer->told++;
	answer->set[object][version] = set[0];
}

static void test_reach(void)
{
	/* C learns of A through B's first version, and not what B learns later. */
	const struct flow record[] = { flow(0, B, 0, C, 0), flow(0, A, 0, B, 0),
				       flow(0, C, 0, B, 1) };
	const struct flow circle[] = { flow(0, A, 0, B, 0), flow(0, B, 1, C, 0),
				       flow(0, C, 0, A, 0) };
	struct answer answer = {};

	is("a graph without a cycle is walked", flows_reach(record, 3, OBJECTS, note, &answer));
	is("each version is told of once", answer.told == 4);
	is("ancestors are those on paths",
	   answer.set[A][0] == 1 << A && answer.set[B][0] == (1 << A | 1 << B) &&
	   answer.set[C][0] == (1 << A | 1 << B | 1 << C));
	is("a version comes from the one before",
	   answer.set[B][1] == (1 << A | 1 << B | 1 << C));
	is("a cycle is found, also through versions",
	   !flows_reach(circle, 3, OBJECTS, note, &answer));
}

static void test_cut(void)
{
	struct flow flow_of[] = { flow(0, A, 0, B, 5), flow(0, B, 5, C, 7), flow(0, C, 7, B, 6),
				  flow(0, A, 3, C, 8) };
	uint8_t kind[] = { 1, 2, 3 };
	const struct flows whole = { .flow = flow_of, .count = 4, .kind = kind, .objects = OBJECTS };
	struct flows part;

	is("a part ends before an object too many", flows_cut(&whole, 0, 4, 2, &part) == 1 &&
	   part.count == 1 && part.objects == 2);
	flows_free(&part);
	is("a part ends when it has enough flows", flows_cut(&whole, 0, 3, 9, &part) == 3 &&
	   part.count == 3 && part.objects == 3);
	flows_free(&part);
	is("a part has its own objects and versions",
	   flows_cut(&whole, 1, 9, 2, &part) == 3 && part.objects == 2 && part.kind[0] == 2 &&
	   part.kind[1] == 3 && part.flow[0].src == 0 && part.flow[0].dst == 1 &&
	   part.flow[0].src_version == 0 && part.flow[0].dst_version == 0 &&
	   part.flow[1].src == 1 && part.flow[1].dst == 0 && part.flow[1].dst_version == 1);
	flows_free(&part);
	is("the last part ends with the flows", flows_cut(&whole, 3, 9, 9, &part) == 4 &&
	   part.count == 1 && part.flow[0].src_version == 0);
	flows_free(&part);
}

int main(void)
{
	test_order();
	test_reach();
	test_cut();
	printf("1..%d\n", tests);
	return failed != 0;
}
