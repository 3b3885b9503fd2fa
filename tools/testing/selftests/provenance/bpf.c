// SPDX-License-Identifier: GPL-2.0
/* BPF maps, the programs that use them, and what is done with these */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/btf.h>

#include "flow.h"

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int make_map(const char *name, unsigned int type, unsigned int flags)
{
	union bpf_attr attr = {
		.map_type = type,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 4,
		.map_flags = flags,
	};

	strncpy(attr.map_name, name, sizeof(attr.map_name) - 1);
	return bpf(BPF_MAP_CREATE, &attr);
}

static long update(int map, uint32_t key, uint64_t value)
{
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
	};

	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

static long look_up(int map, uint32_t key)
{
	uint64_t value = 0;
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
	};

	return bpf(BPF_MAP_LOOKUP_ELEM, &attr) ? -1 : (long)value;
}

CASE(map, "bpf", "elements of a map updated and looked up",
     "bpf_map, bpf_map_writing, bpf_map_written, bpf_map_read",
     "write and read, data, once; nothing for who fails, or has only the descriptor")

static void put_element(struct scene *scene)
{
	take_file(in(scene, "secret"));
	for (int i = 0; i < 10; i++)
		MUST(!update(scene->fd[0], 1, 7));
}

static void get_element(struct scene *scene)
{
	for (int i = 0; i < 10; i++)
		MUST(look_up(scene->fd[0], 1) == 7);
	put_file(in(scene, "copy"), "x");
}

static void miss_element(struct scene *scene)
{
	MUST(look_up(scene->fd[0], 2) == -1);
	put_file(in(scene, "nothing"), "x");
}

static void make_hash(struct scene *scene)
{
	(void)scene;
	MUST(update(scene->fd[0], 1, 0) == 0);
}

static void fail_to_update(struct scene *scene)
{
	union bpf_attr attr = { .map_fd = scene->fd[0] };

	take_file(in(scene, "other"));
	MUST(bpf(BPF_MAP_UPDATE_ELEM, &attr));
}

ACT(map)
{
	scene->fd[0] = make_map("flow_map", BPF_MAP_TYPE_HASH, 0);
	EXPECT(scene->fd[0] > 0);
	put_file(in(scene, "secret"), "s");
	put_file(in(scene, "other"), "o");
	run(scene, 0, make_hash);
	run(scene, 1, put_element);
	run(scene, 4, fail_to_update);
	run(scene, 2, get_element);
	run(scene, 3, miss_element);
}

CHECK(map)
{
	const int map = graph_named(graph, "bpf_map", "flow_map");
	const int writer = process(scene, graph, 1, 0), reader = process(scene, graph, 2, 0);

	EXPECT_EDGES(writer, map, "write", "data", 1);
	EXPECT_EDGES(map, reader, "read", "data", 1);
	EXPECT_EDGES(ANY, map, "create", "meta", 1);
	EXPECT_NO_DATA(map, writer);
	EXPECT_NO_DATA(map, process(scene, graph, 3, 0));
	EXPECT_NO_DATA(process(scene, graph, 4, 0), map);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "copy"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "nothing"));
}

CASE(map_calls, "bpf", "keys, deletion, batches of elements, elements taken out",
     "bpf_map_writing, bpf_map_written, bpf_map_read", "read or write, data, each by who does it")

static void next_key(struct scene *scene)
{
	uint32_t next;
	union bpf_attr attr = { .map_fd = scene->fd[0], .next_key = (uintptr_t)&next };

	MUST(!bpf(BPF_MAP_GET_NEXT_KEY, &attr));
}

static void delete_key(struct scene *scene)
{
	uint32_t key = 1;
	union bpf_attr attr = { .map_fd = scene->fd[0], .key = (uintptr_t)&key };

	MUST(!bpf(BPF_MAP_DELETE_ELEM, &attr));
}

static uint32_t batch_keys[2] = { 2, 3 };
static uint64_t batch_values[2] = { 4, 5 };

static long batch(int map, int command)
{
	uint32_t position;
	union bpf_attr attr = {
		.batch = {
			.out_batch = (uintptr_t)&position,
			.keys = (uintptr_t)batch_keys,
			.values = (uintptr_t)batch_values,
			.count = 2,
			.map_fd = map,
		},
	};

	return bpf(command, &attr) && errno != ENOENT;
}

static void update_batch(struct scene *scene)
{
	MUST(!batch(scene->fd[0], BPF_MAP_UPDATE_BATCH));
}

static void lookup_batch(struct scene *scene)
{
	MUST(!batch(scene->fd[0], BPF_MAP_LOOKUP_BATCH));
}

static void take_out(struct scene *scene)
{
	uint32_t key = 2;
	uint64_t value;
	union bpf_attr attr = {
		.map_fd = scene->fd[0],
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
	};

	MUST(!bpf(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &attr));
}

ACT(map_calls)
{
	scene->fd[0] = make_map("flow_calls", BPF_MAP_TYPE_HASH, 0);
	EXPECT(scene->fd[0] > 0);
	EXPECT(!update(scene->fd[0], 1, 7));
	run(scene, 0, next_key);
	run(scene, 1, delete_key);
	run(scene, 2, update_batch);
	run(scene, 3, lookup_batch);
	run(scene, 4, take_out);
}

CHECK(map_calls)
{
	const int map = graph_named(graph, "bpf_map", "flow_calls");

	EXPECT_EDGES(map, process(scene, graph, 0, 0), "read", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 0, 0), map);
	EXPECT_EDGES(process(scene, graph, 1, 0), map, "write", "data", 1);
	EXPECT_NO_DATA(map, process(scene, graph, 1, 0));
	EXPECT_EDGES(process(scene, graph, 2, 0), map, "write", "data", 1);
	EXPECT_NO_DATA(map, process(scene, graph, 2, 0));
	EXPECT_EDGES(map, process(scene, graph, 3, 0), "read", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 3, 0), map);
	EXPECT_EDGES(map, process(scene, graph, 4, 0), "read", "data", 1);
	EXPECT_EDGES(process(scene, graph, 4, 0), map, "write", "data", 1);
}

CASE(map_printed, "bpf", "the elements of a pinned map, printed by its file in bpffs",
     "bpf_map_read",
     "read, data, map to reader; nothing of an empty one, or for who only opens it")

/* The kernel prints a hash only if it knows the types of its keys and values. */
static int load_types(void)
{
	static const struct {
		struct btf_header header;
		struct {
			struct btf_type type;
			uint32_t bits;
		} types[2];
		char names[12];
	} btf = {
		.header = {
			.magic = BTF_MAGIC,
			.version = BTF_VERSION,
			.hdr_len = sizeof(btf.header),
			.type_len = sizeof(btf.types),
			.str_off = sizeof(btf.types),
			.str_len = sizeof(btf.names),
		},
		.types = {
			{ { .name_off = 1, .info = BTF_KIND_INT << 24, .size = 4 }, 32 },
			{ { .name_off = 5, .info = BTF_KIND_INT << 24, .size = 8 }, 64 },
		},
		.names = "\0key\0number",
	};
	union bpf_attr attr = { .btf = (uintptr_t)&btf, .btf_size = sizeof(btf) };

	return bpf(BPF_BTF_LOAD, &attr);
}

static int make_printed_map(const char *name, int types, const char *path)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_HASH,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 4,
		.btf_fd = types,
		.btf_key_type_id = 1,
		.btf_value_type_id = 2,
	};
	union bpf_attr pin = { .pathname = (uintptr_t)path };

	snprintf(attr.map_name, sizeof(attr.map_name), "%s", name);
	pin.bpf_fd = bpf(BPF_MAP_CREATE, &attr);
	EXPECT((int)pin.bpf_fd > 0 && !bpf(BPF_OBJ_PIN, &pin), "%s", strerror(errno));
	return pin.bpf_fd;
}

static void print_map(struct scene *scene)
{
	take_file(in(scene, "mnt/map"));
	put_file(in(scene, "copy"), "x");
}

static void print_empty(struct scene *scene)
{
	take_file(in(scene, "mnt/empty"));
}

static void only_open(struct scene *scene)
{
	MUST(open(in(scene, "mnt/map"), O_RDONLY) >= 0);
}

ACT(map_printed)
{
	put_file(in(scene, "secret"), "s");
	EXPECT(!mkdir(in(scene, "mnt"), 0755));
	EXPECT(!mount("flow", in(scene, "mnt"), "bpf", 0, NULL), "%s", strerror(errno));
	scene->fd[2] = load_types();
	EXPECT(scene->fd[2] > 0, "%s", strerror(errno));
	scene->fd[0] = make_printed_map("flow_printed", scene->fd[2], in(scene, "mnt/map"));
	scene->fd[1] = make_printed_map("flow_empty", scene->fd[2], in(scene, "mnt/empty"));
	run(scene, 0, put_element);
	run(scene, 1, print_map);
	run(scene, 2, print_empty);
	run(scene, 3, only_open);
	EXPECT(!umount(in(scene, "mnt")));
}

CHECK(map_printed)
{
	const int map = graph_named(graph, "bpf_map", "flow_printed");

	EXPECT_EDGES(map, process(scene, graph, 1, 0), "read", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 1, 0), map);
	EXPECT_NO_DATA(graph_named(graph, "bpf_map", "flow_empty"), process(scene, graph, 2, 0));
	EXPECT_NO_DATA(map, process(scene, graph, 3, 0));
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
}

CASE(map_mmap, "bpf", "an array mapped by one process and looked up by another",
     "file_mapped, bpf_map_read",
     "mmap and mmap_write, data, of the map and not of a file")

static void write_mapped(struct scene *scene)
{
	uint64_t *values;

	take_file(in(scene, "secret"));
	values = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, scene->fd[0], 0);
	MUST(values != MAP_FAILED);
	values[1] = 7;
	munmap(values, 4096);
}

ACT(map_mmap)
{
	scene->fd[0] = make_map("flow_array", BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE);
	EXPECT(scene->fd[0] > 0);
	put_file(in(scene, "secret"), "s");
	run(scene, 1, write_mapped);
	run(scene, 2, get_element);
}

CHECK(map_mmap)
{
	const int map = graph_named(graph, "bpf_map", "flow_array");

	EXPECT_EDGE(process(scene, graph, 1, 0), map, "mmap_write", "data");
	EXPECT_EDGE(map, process(scene, graph, 2, 0), "read", "data");
	EXPECT_NO_DATA(process(scene, graph, 2, 0), map);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
}

#define INSN(CODE, DST, SRC, OFF, IMM)					\
	((struct bpf_insn){ .code = CODE, .dst_reg = DST, .src_reg = SRC, .off = OFF, .imm = IMM })

/* Copies element 1 of one map to another. */
static int make_program(const char *name, int from, int to)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, 1),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, from),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 11, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 6, 0, 0, 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 10, 6, -16, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 3, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -16),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, 0),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, to),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_update_elem),
		INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)insns,
		.insn_cnt = sizeof(insns) / sizeof(*insns),
		.license = (uintptr_t)"GPL",
	};

	strncpy(attr.prog_name, name, sizeof(attr.prog_name) - 1);
	return bpf(BPF_PROG_LOAD, &attr);
}

static void run_program(int program)
{
	static char packet[64];
	union bpf_attr attr = {
		.test = {
			.prog_fd = program,
			.data_size_in = sizeof(packet),
			.data_in = (uintptr_t)packet,
		},
	};

	MUST(!bpf(BPF_PROG_TEST_RUN, &attr));
}

CASE(program, "bpf", "programs that copy from map to map to map, loaded first",
     "bpf_prog, bpf_map_read",
     "load, data; use, data, between maps and programs when somebody reads a map; "
     "a map of no program stays apart")

static void load_programs(struct scene *scene)
{
	/* The second one first: what it needs comes later. */
	scene->fd[4] = make_program("flow_second", scene->fd[1], scene->fd[2]);
	scene->fd[5] = make_program("flow_first", scene->fd[0], scene->fd[1]);
	MUST(scene->fd[4] > 0 && scene->fd[5] > 0);
	told();
	await();
	/* That runs them; what it brings along is its own. */
	run_program(scene->fd[5]);
	run_program(scene->fd[4]);
	told();
	await();
}

static void get_copied(struct scene *scene)
{
	MUST(look_up(scene->fd[2], 1) == 7);
	put_file(in(scene, "copy"), "x");
}

static void get_early(struct scene *scene)
{
	MUST(look_up(scene->fd[2], 1) == 0);
	put_file(in(scene, "early"), "x");
}

static void get_apart(struct scene *scene)
{
	MUST(look_up(scene->fd[3], 1) == 0);
	put_file(in(scene, "apart"), "x");
}

ACT(program)
{
	const char *const names[] = { "flow_a", "flow_b", "flow_c", "flow_apart" };

	for (int i = 0; i < 4; i++) {
		scene->fd[i] = make_map(names[i], BPF_MAP_TYPE_ARRAY, 0);
		EXPECT(scene->fd[i] > 0);
	}
	put_file(in(scene, "secret"), "s");
	actor(scene, 0, load_programs);
	done(scene, 0);
	run(scene, 3, get_early);
	run(scene, 1, put_element);
	step(scene, 0);
	run(scene, 2, get_copied);
	run(scene, 4, get_apart);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(program)
{
	const int a = graph_named(graph, "bpf_map", "flow_a");
	const int b = graph_named(graph, "bpf_map", "flow_b");
	const int first = graph_named(graph, "bpf_prog", "flow_first");
	const int second = graph_named(graph, "bpf_prog", "flow_second");
	const int loader = process(scene, graph, 0, 0);

	EXPECT_EDGES(loader, first, "load", "data", 1);
	EXPECT_EDGES(loader, second, "load", "data", 1);
	EXPECT_EDGE(a, first, "use", "data");
	EXPECT_EDGE(first, b, "use", "data");
	EXPECT_EDGE(b, second, "use", "data");
	EXPECT_NO_EDGE(a, second, NULL);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "early"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "apart"));
	/* A few more each time that there is news, and not for ever. */
	EXPECT(graph_count(graph, ANY, a, "use", NULL) <= 8, "%d",
	       graph_count(graph, ANY, a, "use", NULL));
}

CASE(program_calls, "bpf", "a program run by a process, dumped, got by its id",
     "bpf_prog_done, bpf_prog",
     "write and read, data, for a run; read, data, for a dump; nothing for who only gets it by id")

static void run_it(struct scene *scene)
{
	run_program(scene->fd[2]);
}

static void get_info(int program, unsigned int instructions)
{
	static struct bpf_insn insns[64];
	struct bpf_prog_info info = {
		.xlated_prog_insns = (uintptr_t)insns,
		.xlated_prog_len = instructions * sizeof(*insns),
	};
	union bpf_attr attr = {
		.info = {
			.bpf_fd = program,
			.info_len = sizeof(info),
			.info = (uintptr_t)&info,
		},
	};

	MUST(!bpf(BPF_OBJ_GET_INFO_BY_FD, &attr));
}

static void dump_it(struct scene *scene)
{
	get_info(scene->fd[2], 64);
}

static void ask_for_it(struct scene *scene)
{
	get_info(scene->fd[2], 0);
}

static void get_by_id(struct scene *scene)
{
	struct bpf_prog_info info = {};
	union bpf_attr attr = {
		.info = {
			.bpf_fd = scene->fd[2],
			.info_len = sizeof(info),
			.info = (uintptr_t)&info,
		},
	};
	union bpf_attr by_id = {};

	MUST(!bpf(BPF_OBJ_GET_INFO_BY_FD, &attr));
	by_id.prog_id = info.id;
	MUST(bpf(BPF_PROG_GET_FD_BY_ID, &by_id) > 0);
}

ACT(program_calls)
{
	scene->fd[0] = make_map("flow_d", BPF_MAP_TYPE_ARRAY, 0);
	scene->fd[1] = make_map("flow_e", BPF_MAP_TYPE_ARRAY, 0);
	scene->fd[2] = make_program("flow_calls", scene->fd[0], scene->fd[1]);
	EXPECT(scene->fd[2] > 0);
	run(scene, 0, run_it);
	run(scene, 1, dump_it);
	run(scene, 2, ask_for_it);
	run(scene, 3, get_by_id);
}

CHECK(program_calls)
{
	const int program = graph_named(graph, "bpf_prog", "flow_calls");
	const int e = graph_named(graph, "bpf_map", "flow_e");

	EXPECT_EDGES(process(scene, graph, 0, 0), program, "write", "data", 1);
	EXPECT_EDGE(program, process(scene, graph, 0, 0), "read", "data");
	EXPECT_REACHES(process(scene, graph, 0, 0), e);
	EXPECT_EDGES(program, process(scene, graph, 1, 0), "read", "data", 1);
	EXPECT_NO_DATA(process(scene, graph, 1, 0), program);
	EXPECT_NO_DATA(program, process(scene, graph, 2, 0));
	EXPECT_NO_DATA(program, process(scene, graph, 3, 0));
	EXPECT_EDGES(program, process(scene, graph, 3, 0), "open", "meta", 1);
}

CASE(program_race, "bpf", "programs that another process gets by their ids while they are loaded",
     "bpf_prog_load, bpf_prog", "load, data, from who loads them alone")

#define PROGRAMS	200

static void load_many(struct scene *scene)
{
	for (int i = 0; i < PROGRAMS; i++)
		MUST(make_program("flow_race", scene->fd[0], scene->fd[0]) > 0);
}

static void get_all(struct scene *scene)
{
	union bpf_attr attr = {};
	struct pollfd ended = { .fd = scene->fd[1], .events = POLLIN };
	uint32_t last = 0;

	while (!poll(&ended, 1, 0)) {
		attr.start_id = last;
		if (bpf(BPF_PROG_GET_NEXT_ID, &attr))
			continue;
		last = attr.next_id;
		memset(&attr, 0, sizeof(attr));
		attr.prog_id = last;
		close(bpf(BPF_PROG_GET_FD_BY_ID, &attr));
		memset(&attr, 0, sizeof(attr));
	}
}

ACT(program_race)
{
	const uint64_t one = 1;

	scene->fd[0] = make_map("flow_race", BPF_MAP_TYPE_ARRAY, 0);
	scene->fd[1] = eventfd(0, 0);
	EXPECT(scene->fd[1] >= 0);
	actor(scene, 1, get_all);
	run(scene, 0, load_many);
	EXPECT(write(scene->fd[1], &one, sizeof(one)) == sizeof(one));
	finish(scene, 1);
}

CHECK(program_race)
{
	const int loader = process(scene, graph, 0, 0), other = process(scene, graph, 1, 0);

	EXPECT_NODE(loader);
	EXPECT_NODE(other);
	EXPECT(graph_count(graph, loader, ANY, "load", "data") == PROGRAMS);
	EXPECT(graph_count(graph, other, ANY, "load", "data") == 0);
	EXPECT(graph_count(graph, ANY, other, "open", "meta") > 0);
}

CASE(program_mmap, "bpf", "an array mapped by a process, to which a program copies, and no call for it",
     "bpf_prog, mapping_added",
     "use, data, to what is mapped, and mmap, data, before the process passes it on")

static void copy_mapped(struct scene *scene)
{
	const volatile uint64_t *const values =
		mmap(NULL, 4096, PROT_READ, MAP_SHARED, scene->fd[1], 0);

	MUST(values != MAP_FAILED);
	put_file(in(scene, "early"), "x");
	told();
	await();
	MUST(values[1] == 7);
	put_file(in(scene, "copy"), "x");
}

ACT(program_mmap)
{
	scene->fd[0] = make_map("flow_from", BPF_MAP_TYPE_ARRAY, 0);
	scene->fd[1] = make_map("flow_mapped", BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE);
	scene->fd[2] = make_program("flow_copies", scene->fd[0], scene->fd[1]);
	EXPECT(scene->fd[0] > 0 && scene->fd[1] > 0 && scene->fd[2] > 0);
	put_file(in(scene, "secret"), "s");
	actor(scene, 2, copy_mapped);
	done(scene, 2);
	run(scene, 1, put_element);
	run(scene, 0, run_it);
	go(scene, 2);
	finish(scene, 2);
}

CHECK(program_mmap)
{
	EXPECT_EDGE(graph_named(graph, "bpf_prog", "flow_copies"),
		    graph_named(graph, "bpf_map", "flow_mapped"), "use", "data");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "early"));
	EXPECT_NO_DATA(process(scene, graph, 2, 0),
		       graph_named(graph, "bpf_map", "flow_mapped"));
}

CASE(attach, "bpf", "a program attached to a cgroup, and one that cannot be", "bpf_prog_done",
     "attach, control, process to program; no data; nothing for who fails")

#define CGROUP	"/sys/fs/cgroup/flow-bpf"

static int make_filter(const char *name)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_SKB,
		.expected_attach_type = BPF_CGROUP_INET_INGRESS,
		.insns = (uintptr_t)insns,
		.insn_cnt = sizeof(insns) / sizeof(*insns),
		.license = (uintptr_t)"GPL",
	};

	snprintf(attr.prog_name, sizeof(attr.prog_name), "%s", name);
	return bpf(BPF_PROG_LOAD, &attr);
}

static long attach(struct scene *scene, unsigned int flags)
{
	union bpf_attr attr = {
		.target_fd = scene->fd[1],
		.attach_bpf_fd = scene->fd[0],
		.attach_type = BPF_CGROUP_INET_INGRESS,
		.attach_flags = flags,
	};

	return bpf(BPF_PROG_ATTACH, &attr);
}

static void attach_it(struct scene *scene)
{
	MUST(!attach(scene, 0));
}

static int make_link(int program, int cgroup)
{
	union bpf_attr attr = {
		.link_create = {
			.prog_fd = program,
			.target_fd = cgroup,
			.attach_type = BPF_CGROUP_INET_INGRESS,
		},
	};

	return bpf(BPF_LINK_CREATE, &attr);
}

static void link_it(struct scene *scene)
{
	MUST(make_link(scene->fd[0], scene->fd[2]) > 0);
}

static void fail_to_attach(struct scene *scene)
{
	MUST(attach(scene, BPF_F_ALLOW_OVERRIDE | BPF_F_ALLOW_MULTI));
}

ACT(attach)
{
	if (mkdir(CGROUP, 0755) || mkdir(CGROUP "-link", 0755)) {
		flow_skip("no unified cgroup hierarchy");
		return;
	}
	scene->fd[0] = make_filter("flow_attach");
	scene->fd[1] = open(CGROUP, O_RDONLY | O_DIRECTORY);
	scene->fd[2] = open(CGROUP "-link", O_RDONLY | O_DIRECTORY);
	EXPECT(scene->fd[0] > 0 && scene->fd[1] > 0 && scene->fd[2] > 0);
	run(scene, 0, attach_it);
	run(scene, 1, fail_to_attach);
	run(scene, 2, link_it);
	rmdir(CGROUP);
	rmdir(CGROUP "-link");
}

CHECK(attach)
{
	const int program = graph_named(graph, "bpf_prog", "flow_attach");

	for (int i = 0; i < 3; i += 2) {
		EXPECT_EDGES(process(scene, graph, i, 0), program, "attach", "control", 1);
		EXPECT_NO_DATA(process(scene, graph, i, 0), program);
		EXPECT_NO_DATA(program, process(scene, graph, i, 0));
	}
	EXPECT_NO_EDGE(process(scene, graph, 1, 0), program, NULL);
}

CASE(link_updated, "bpf",
     "a program put in the place of another (BPF_LINK_UPDATE), and one that cannot be",
     "bpf_prog_done", "attach, control, process to the new program; nothing for who fails")

static long update_link(int link, int program, int old)
{
	union bpf_attr attr = {
		.link_update = {
			.link_fd = link,
			.new_prog_fd = program,
			.flags = BPF_F_REPLACE,
			.old_prog_fd = old,
		},
	};

	return bpf(BPF_LINK_UPDATE, &attr);
}

static void replace_it(struct scene *scene)
{
	MUST(!update_link(scene->fd[3], scene->fd[1], scene->fd[0]));
}

/* It is not there any more. */
static void fail_to_replace(struct scene *scene)
{
	MUST(update_link(scene->fd[3], scene->fd[1], scene->fd[0]) && errno == EPERM);
}

ACT(link_updated)
{
	if (mkdir(CGROUP, 0755)) {
		flow_skip("no unified cgroup hierarchy");
		return;
	}
	scene->fd[0] = make_filter("flow_replaced");
	scene->fd[1] = make_filter("flow_new");
	scene->fd[2] = open(CGROUP, O_RDONLY | O_DIRECTORY);
	scene->fd[3] = make_link(scene->fd[0], scene->fd[2]);
	EXPECT(scene->fd[0] > 0 && scene->fd[1] > 0 && scene->fd[3] > 0);
	run(scene, 0, replace_it);
	run(scene, 1, fail_to_replace);
	rmdir(CGROUP);
}

CHECK(link_updated)
{
	const int new = graph_named(graph, "bpf_prog", "flow_new");
	const int replaced = graph_named(graph, "bpf_prog", "flow_replaced");

	EXPECT_EDGES(process(scene, graph, 0, 0), new, "attach", "control", 1);
	EXPECT_NO_DATA(process(scene, graph, 0, 0), new);
	EXPECT_NO_EDGE(process(scene, graph, 0, 0), replaced, NULL);
	EXPECT_NO_EDGE(process(scene, graph, 1, 0), new, NULL);
}
