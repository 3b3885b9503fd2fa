// SPDX-License-Identifier: GPL-2.0
/*
 * Linux Provenance Modules: KUnit tests of the layer and of provmon's parts
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "layer.h"
#include "provmon/channel.h"
#include "provmon/object.h"
#include "provmon/record.h"

static void test_permit(struct kunit *test)
{
	const enum provenance_verdict permit = PROVENANCE_VERDICT_PERMIT;

	KUNIT_EXPECT_FALSE(test, provenance_is_refusal(permit, 0, 0));
	KUNIT_EXPECT_TRUE(test, provenance_is_refusal(permit, -EPERM, 0));
	KUNIT_EXPECT_TRUE(test, provenance_is_refusal(permit, 1, 0));
}

static void test_skip(struct kunit *test)
{
	const enum provenance_verdict skip = PROVENANCE_VERDICT_SKIP;

	KUNIT_EXPECT_FALSE(test, provenance_is_refusal(skip, 0, -ENOSYS));
	KUNIT_EXPECT_FALSE(test, provenance_is_refusal(skip, 7, -ENOSYS));
	KUNIT_EXPECT_FALSE(test, provenance_is_refusal(skip, -ENOSYS, -ENOSYS));
	KUNIT_EXPECT_TRUE(test, provenance_is_refusal(skip, -EPERM, -ENOSYS));
}

static void test_answer(struct kunit *test)
{
	const enum provenance_verdict answer = PROVENANCE_VERDICT_ANSWER;

	KUNIT_EXPECT_FALSE(test, provenance_is_refusal(answer, 0, 1));
	KUNIT_EXPECT_FALSE(test, provenance_is_refusal(answer, -EPERM, 0));
}

/* A hook whose default is not 0 cannot be one where 0 alone allows. */
static void test_rows_fit_defaults(struct kunit *test)
{
#define DEFAULT_int(DEFAULT) (DEFAULT)
#define DEFAULT_void(DEFAULT) 0
#define LSM_HOOK(RET, DEFAULT, NAME, ...)				\
	do {								\
		const int neutral = DEFAULT_##RET(DEFAULT);		\
									\
		KUNIT_EXPECT_FALSE_MSG(test,				\
			provenance_is_refusal((int)provenance_verdict_##NAME, \
					      neutral, neutral),	\
			"the default of %s refuses", #NAME);		\
	} while (0);
#include <linux/lsm_hook_defs.h>
#undef LSM_HOOK
}

static bool returns_nothing(const char *type)
{
	return !strcmp(type, "void");
}

/* What returns nothing has no verdict, and all else has one. */
static void test_rows_fit_types(struct kunit *test)
{
#define LSM_HOOK(RET, DEFAULT, NAME, ...)				\
	KUNIT_EXPECT_EQ_MSG(test, returns_nothing(#RET),		\
			    (int)provenance_verdict_##NAME ==		\
			    (int)PROVENANCE_VERDICT_VOID, "%s", #NAME);	\
	KUNIT_EXPECT_FALSE_MSG(test, provenance_may_refuse_##NAME &&	\
			       (int)provenance_verdict_##NAME !=	\
			       (int)PROVENANCE_VERDICT_PERMIT,		\
			       "%s may not refuse", #NAME);
#include <linux/lsm_hook_defs.h>
#undef LSM_HOOK
}

static void test_hook_names(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, "file_open",
			   provenance_hook_name(PROVENANCE_ID_file_open));
	KUNIT_EXPECT_STREQ(test, "file_read",
			   provenance_hook_name(PROVENANCE_ID_file_read));
}

static void test_ids_are_new(struct kunit *test)
{
	u64 last = prov_new_id(), id;
	int i;

	KUNIT_EXPECT_NE(test, last, 0);
	for (i = 0; i < 5000; i++) {
		id = prov_new_id();
		KUNIT_EXPECT_NE(test, id, last);
		last = id;
	}
}

static void test_edge_record(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct prov_edge_record), 32);
	KUNIT_EXPECT_EQ(test, sizeof(struct prov_subbuf_header), 128);
	KUNIT_EXPECT_EQ(test, sizeof(struct prov_node_record) % 8, 0);
	KUNIT_EXPECT_EQ(test, sizeof(struct prov_cred_record) % 8, 0);
}

/* A repeat is no record, and what was lost is not remembered. */
static void test_engine_counts(struct kunit *test)
{
	struct prov_counters before, after;
	struct prov_process *process;
	struct prov_object file;
	struct prov_channel chan;
	u64 cache = 0;

	if (!prov_is_active())
		kunit_skip(test, "provmon is not active");
	process = prov_process_alloc(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, process);
	prov_object_init(&file, prov_new_id(), PROV_K_FILE);
	chan = (struct prov_channel){
		.src = &file,
		.dst = &process->obj,
		.memory = &process->memory,
		.direction = PROV_IN,
		.cache = &cache,
		.cache_id = process->cache_id,
		.op = PROV_OP_READ,
	};
	migrate_disable();
	prov_channel_counters(smp_processor_id(), &before);
	KUNIT_EXPECT_TRUE(test, prov_flow(&chan));
	KUNIT_EXPECT_TRUE(test, prov_cache_hit(&cache, process->cache_id,
					       file.version));
	cache = 0;
	KUNIT_EXPECT_TRUE(test, prov_flow(&chan));
	prov_channel_counters(smp_processor_id(), &after);
	migrate_enable();
	/* Others can write records between the two. */
	KUNIT_EXPECT_GE(test, after.records, before.records + 1);
	KUNIT_EXPECT_EQ(test, file.version, 0);
	KUNIT_EXPECT_TRUE(test, file.out);
	prov_process_put(process);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(test_permit),
	KUNIT_CASE(test_skip),
	KUNIT_CASE(test_answer),
	KUNIT_CASE(test_rows_fit_defaults),
	KUNIT_CASE(test_rows_fit_types),
	KUNIT_CASE(test_hook_names),
	KUNIT_CASE(test_ids_are_new),
	KUNIT_CASE(test_edge_record),
	KUNIT_CASE(test_engine_counts),
	{}
};

static struct kunit_suite suite = {
	.name = "provenance",
	.test_cases = cases,
};

kunit_test_suite(suite);
