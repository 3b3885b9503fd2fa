// SPDX-License-Identifier: GPL-2.0
/* What flows through mappings, from their first moment to their last */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow.h"

#define ROUNDS	1000

static size_t page_bytes(void)
{
	return sysconf(_SC_PAGESIZE);
}

static char *map_fd(int fd, size_t pages, int prot, int flags)
{
	char *const map = mmap(NULL, pages * page_bytes(), prot, flags, fd, 0);

	MUST(map != MAP_FAILED);
	return map;
}

static char *map_file(const char *path, size_t pages, int prot, int flags)
{
	const int fd = open(path, prot & PROT_WRITE ? O_RDWR : O_RDONLY);
	char *map;

	MUST(fd >= 0);
	map = map_fd(fd, pages, prot, flags);
	close(fd);
	return map;
}

static char *share(const char *path, size_t pages)
{
	return map_file(path, pages, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static void make_file(const char *path, size_t pages)
{
	put_file(path, "x");
	EXPECT(!truncate(path, pages * page_bytes()));
}

static void copy(struct scene *scene, const char *from, const char *to)
{
	take_file(in(scene, from));
	put_file(in(scene, to), "x");
}

CASE(written, "mappings", "a file changed through a shared mapping, then read", "mapping_added",
     "process to file: mmap_write, when the file is read")

static void learn_while_sharing(struct scene *scene)
{
	char *const map = share(in(scene, "shared"), 1);

	told();
	await();
	take_file(in(scene, "secret"));
	map[0] = 'y';
	told();
	await();
}

static void copy_early(struct scene *scene)
{
	copy(scene, "shared", "early");
}

static void copy_late(struct scene *scene)
{
	copy(scene, "shared", "out");
}

ACT(written)
{
	put_file(in(scene, "secret"), "secret");
	make_file(in(scene, "shared"), 1);
	actor(scene, 0, learn_while_sharing);
	done(scene, 0);
	run(scene, 1, copy_early);
	step(scene, 0);
	run(scene, 2, copy_late);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(written)
{
	const int secret = file(scene, graph, "secret"), shared = file(scene, graph, "shared");

	EXPECT_EDGE(process(scene, graph, 0, 0), shared, "mmap_write", "data");
	EXPECT_REACHES(secret, file(scene, graph, "out"));
	EXPECT_NOT_REACHES(secret, file(scene, graph, "early"));
}

CASE(seen, "mappings", "a file that others map, shared and private, is written to",
     "mapping_added", "file to process: mmap, before the process sends")

static void watch(struct scene *scene, int flags, const char *early, const char *late)
{
	map_file(in(scene, "shared"), 1, PROT_READ, flags);
	put_file(in(scene, early), "x");
	told();
	await();
	put_file(in(scene, late), "x");
}

static void watch_shared(struct scene *scene)
{
	watch(scene, MAP_SHARED, "early-shared", "late-shared");
}

static void watch_private(struct scene *scene)
{
	watch(scene, MAP_PRIVATE, "early-private", "late-private");
}

static void hand_over(struct scene *scene)
{
	copy(scene, "secret", "shared");
}

ACT(seen)
{
	put_file(in(scene, "secret"), "secret");
	make_file(in(scene, "shared"), 1);
	actor(scene, 0, watch_shared);
	actor(scene, 1, watch_private);
	done(scene, 0);
	done(scene, 1);
	run(scene, 2, hand_over);
	go(scene, 0);
	go(scene, 1);
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(seen)
{
	const int secret = file(scene, graph, "secret");

	EXPECT_REACHES(secret, file(scene, graph, "late-shared"));
	EXPECT_REACHES(secret, file(scene, graph, "late-private"));
	EXPECT_NOT_REACHES(secret, file(scene, graph, "early-shared"));
	EXPECT_NOT_REACHES(secret, file(scene, graph, "early-private"));
}

CASE(chain, "mappings", "three processes, of which each shares something with the next",
     "mapping_added", "along all of them, when the last one sends")

static void first_of_chain(struct scene *scene)
{
	char *const a = share(in(scene, "a"), 1);

	told();
	await();
	take_file(in(scene, "secret"));
	a[0] = 'y';
	told();
	await();
}

static void middle_of_chain(struct scene *scene)
{
	const char *const a = map_file(in(scene, "a"), 1, PROT_READ, MAP_SHARED);
	char *const b = share(in(scene, "b"), 1);

	told();
	await();
	b[0] = a[0];
	told();
	await();
}

static void last_of_chain(struct scene *scene)
{
	map_file(in(scene, "b"), 1, PROT_READ, MAP_SHARED);
	put_file(in(scene, "early"), "x");
	told();
	await();
	put_file(in(scene, "out"), "x");
}

ACT(chain)
{
	put_file(in(scene, "secret"), "secret");
	make_file(in(scene, "a"), 1);
	make_file(in(scene, "b"), 1);
	actor(scene, 0, first_of_chain);
	done(scene, 0);
	actor(scene, 1, middle_of_chain);
	done(scene, 1);
	actor(scene, 2, last_of_chain);
	done(scene, 2);
	step(scene, 0);
	step(scene, 1);
	go(scene, 2);
	finish(scene, 2);
	go(scene, 0);
	go(scene, 1);
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(chain)
{
	const int secret = file(scene, graph, "secret");

	EXPECT_REACHES(secret, file(scene, graph, "out"));
	EXPECT_NOT_REACHES(secret, file(scene, graph, "early"));
}

CASE(anonymous, "mappings", "anonymous memory that parent and child share", "mapping_added",
     "between them, through the memory, when the child sends")

/* The child stops until its parent lets it go on: no data moves by that. */
static pid_t stopped_child(void (*fn)(struct scene *scene), struct scene *scene)
{
	const pid_t pid = fork();
	int status;

	MUST(pid >= 0);
	if (!pid) {
		raise(SIGSTOP);
		fn(scene);
		_exit(0);
	}
	MUST(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	return pid;
}

static void let_go(pid_t pid)
{
	int status;

	MUST(!kill(pid, SIGCONT));
	MUST(waitpid(pid, &status, 0) == pid && !status);
}

static void put_out(struct scene *scene)
{
	put_file(in(scene, "out"), "x");
}

static void put_other(struct scene *scene)
{
	put_file(in(scene, "other"), "x");
}

static void share_with_child(struct scene *scene)
{
	char *const map = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	MUST(map != MAP_FAILED);
	pid = stopped_child(put_out, scene);
	take_file(in(scene, "secret"));
	map[0] = 'y';
	let_go(pid);
}

static void share_nothing(struct scene *scene)
{
	const pid_t pid = stopped_child(put_other, scene);

	take_file(in(scene, "secret"));
	let_go(pid);
}

ACT(anonymous)
{
	put_file(in(scene, "secret"), "secret");
	run(scene, 0, share_with_child);
	run(scene, 1, share_nothing);
}

CHECK(anonymous)
{
	const int secret = file(scene, graph, "secret");

	EXPECT_REACHES(secret, file(scene, graph, "out"));
	EXPECT_NOT_REACHES(secret, file(scene, graph, "other"));
}

CASE(memfd, "mappings", "a memfd that two processes map", "mapping_added",
     "process to memfd to process, when the reader sends")

static void share_memfd(struct scene *scene)
{
	char *const map = map_fd(scene->fd[0], 1, PROT_READ | PROT_WRITE, MAP_SHARED);

	told();
	await();
	take_file(in(scene, "secret"));
	map[0] = 'y';
	told();
	await();
}

static void watch_memfd(struct scene *scene)
{
	map_fd(scene->fd[0], 1, PROT_READ, MAP_SHARED);
	put_file(in(scene, "early"), "x");
	told();
	await();
	put_file(in(scene, "out"), "x");
}

ACT(memfd)
{
	put_file(in(scene, "secret"), "secret");
	scene->fd[0] = memfd_create("mapped", 0);
	EXPECT(scene->fd[0] > 0 && !ftruncate(scene->fd[0], page_bytes()));
	actor(scene, 0, share_memfd);
	done(scene, 0);
	actor(scene, 1, watch_memfd);
	done(scene, 1);
	step(scene, 0);
	go(scene, 1);
	finish(scene, 1);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(memfd)
{
	const int memfd = graph_to(graph, process(scene, graph, 0, 0), "mmap_write");

	EXPECT_NODE(memfd);
	EXPECT_EDGE(memfd, process(scene, graph, 1, 0), "mmap", "data");
	EXPECT_NO_EDGE(process(scene, graph, 1, 0), memfd, "mmap_write");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "out"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "early"));
}

CASE(sysv, "mappings", "a SysV segment, attached and detached", "mapping_added, mapping_removed",
     "process to segment to process, when the reader sends; none after shmdt()")

static int segment;

static void share_segment(struct scene *scene)
{
	char *const map = shmat(segment, NULL, 0);

	MUST(map != (void *)-1);
	told();
	await();
	take_file(in(scene, "secret"));
	map[0] = 'y';
	told();
	await();
	MUST(!shmdt(map));
	take_file(in(scene, "late"));
	told();
	await();
}

static void watch_segment(struct scene *scene)
{
	MUST(shmat(segment, NULL, SHM_RDONLY) != (void *)-1);
	told();
	await();
	put_file(in(scene, "out"), "x");
	told();
	await();
	put_file(in(scene, "after"), "x");
}

ACT(sysv)
{
	put_file(in(scene, "secret"), "secret");
	put_file(in(scene, "late"), "late");
	segment = shmget(IPC_PRIVATE, page_bytes(), IPC_CREAT | 0600);
	EXPECT(segment >= 0);
	actor(scene, 0, share_segment);
	done(scene, 0);
	actor(scene, 1, watch_segment);
	done(scene, 1);
	step(scene, 0);
	step(scene, 1);
	step(scene, 0);
	go(scene, 1);
	finish(scene, 1);
	go(scene, 0);
	finish(scene, 0);
	EXPECT(!shmctl(segment, IPC_RMID, NULL));
}

CHECK(sysv)
{
	const int node = graph_to(graph, process(scene, graph, 0, 0), "mmap_write");

	EXPECT_NODE(node);
	EXPECT_EDGE(node, process(scene, graph, 1, 0), "mmap", "data");
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "out"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "after"));
}

CASE(munmap, "mappings", "munmap of a part, then of all", "mapping_removed",
     "what flowed until then, and nothing after")

static void unmap_by_parts(struct scene *scene)
{
	char *const map = share(in(scene, "shared"), 3);

	MUST(!munmap(map, page_bytes()));
	take_file(in(scene, "secret"));
	map[page_bytes()] = 'y';
	MUST(!munmap(map + page_bytes(), 2 * page_bytes()));
	take_file(in(scene, "late"));
	told();
	await();
}

static void watch_a_while(struct scene *scene)
{
	char *const map = map_file(in(scene, "other"), 1, PROT_READ, MAP_PRIVATE);

	MUST(!munmap(map, page_bytes()));
	told();
	await();
	put_file(in(scene, "after"), "x");
}

static void write_other(struct scene *scene)
{
	copy(scene, "late", "other");
}

ACT(munmap)
{
	put_file(in(scene, "secret"), "secret");
	put_file(in(scene, "late"), "late");
	make_file(in(scene, "shared"), 3);
	make_file(in(scene, "other"), 1);
	actor(scene, 0, unmap_by_parts);
	done(scene, 0);
	run(scene, 1, copy_late);
	go(scene, 0);
	finish(scene, 0);
	actor(scene, 2, watch_a_while);
	done(scene, 2);
	run(scene, 3, write_other);
	go(scene, 2);
	finish(scene, 2);
}

CHECK(munmap)
{
	const int late = file(scene, graph, "late");

	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "out"));
	EXPECT_NOT_REACHES(late, file(scene, graph, "out"));
	EXPECT_REACHES(late, file(scene, graph, "other"));
	EXPECT_NOT_REACHES(late, file(scene, graph, "after"));
}

CASE(mprotect, "mappings", "mprotect to writable, and back", "mapping_added, mapping_removed",
     "process to file: mmap_write, only in between")

static void protect_twice(struct scene *scene)
{
	const int fd = open(in(scene, "shared"), O_RDWR);
	char *const map = map_fd(fd, 1, PROT_READ, MAP_SHARED);

	take_file(in(scene, "secret"));
	told();
	await();
	MUST(!mprotect(map, page_bytes(), PROT_READ | PROT_WRITE));
	map[0] = 'y';
	told();
	await();
	MUST(!mprotect(map, page_bytes(), PROT_READ));
	take_file(in(scene, "late"));
	told();
	await();
}

static void copy_after(struct scene *scene)
{
	copy(scene, "shared", "after");
}

ACT(mprotect)
{
	put_file(in(scene, "secret"), "secret");
	put_file(in(scene, "late"), "late");
	make_file(in(scene, "shared"), 1);
	actor(scene, 0, protect_twice);
	done(scene, 0);
	run(scene, 1, copy_early);
	step(scene, 0);
	run(scene, 2, copy_late);
	step(scene, 0);
	run(scene, 3, copy_after);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(mprotect)
{
	const int secret = file(scene, graph, "secret"), late = file(scene, graph, "late");

	EXPECT_NOT_REACHES(secret, file(scene, graph, "early"));
	EXPECT_REACHES(secret, file(scene, graph, "out"));
	EXPECT_NOT_REACHES(late, file(scene, graph, "after"));
}

CASE(mremap, "mappings", "mremap: growing, moving, shrinking", "mapping_added, mapping_removed",
     "until the last page is unmapped, and not after")

static void remap(struct scene *scene)
{
	char *map = share(in(scene, "shared"), 1);
	char *const place = mmap(NULL, 8 * page_bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
				 -1, 0);

	MUST(place != MAP_FAILED);
	map = mremap(map, page_bytes(), 4 * page_bytes(), MREMAP_MAYMOVE);
	MUST(map != MAP_FAILED);
	map = mremap(map, 4 * page_bytes(), 4 * page_bytes(), MREMAP_MAYMOVE | MREMAP_FIXED,
		     place + page_bytes());
	MUST(map == place + page_bytes());
	map = mremap(map, 4 * page_bytes(), page_bytes(), 0);
	MUST(map == place + page_bytes());
	take_file(in(scene, "secret"));
	map[0] = 'y';
	told();
	await();
	MUST(!munmap(map, page_bytes()));
	take_file(in(scene, "late"));
	told();
	await();
}

ACT(mremap)
{
	put_file(in(scene, "secret"), "secret");
	put_file(in(scene, "late"), "late");
	make_file(in(scene, "shared"), 4);
	actor(scene, 0, remap);
	done(scene, 0);
	run(scene, 1, copy_late);
	step(scene, 0);
	run(scene, 2, copy_after);
	go(scene, 0);
	finish(scene, 0);
}

CHECK(mremap)
{
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "out"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "after"));
}

CASE(exec, "mappings", "exec and exit end the mappings", "mm_released",
     "what the old image knew, and nothing of the new one")

static void share_and_exec(struct scene *scene)
{
	char *const map = share(in(scene, "shared"), 1);

	take_file(in(scene, "secret"));
	map[0] = 'y';
	execl("/bin/grep", "grep", "-q", "late", in(scene, "late"), NULL);
	MUST(false);
}

static void share_and_exit(struct scene *scene)
{
	char *const map = share(in(scene, "exited"), 1);

	take_file(in(scene, "secret"));
	map[0] = 'y';
}

static void copy_exited(struct scene *scene)
{
	copy(scene, "exited", "after");
}

ACT(exec)
{
	put_file(in(scene, "secret"), "secret");
	put_file(in(scene, "late"), "late");
	make_file(in(scene, "shared"), 1);
	make_file(in(scene, "exited"), 1);
	run(scene, 0, share_and_exec);
	run(scene, 1, copy_late);
	run(scene, 2, share_and_exit);
	run(scene, 3, copy_exited);
}

CHECK(exec)
{
	const int secret = file(scene, graph, "secret"), late = file(scene, graph, "late");

	EXPECT_REACHES(late, process(scene, graph, 0, 1));
	EXPECT_REACHES(secret, file(scene, graph, "out"));
	EXPECT_NOT_REACHES(late, file(scene, graph, "out"));
	EXPECT_REACHES(secret, file(scene, graph, "after"));
}

CASE(bounded, "mappings", "two processes that share two files, a thousand rounds",
     "mapping_added", "a few edges, for all rounds")

static void round_by_round(struct scene *scene, const char *own)
{
	const int fd = open(in(scene, own), O_RDWR | O_CREAT, 0644);
	char *const a = share(in(scene, "a"), 1), *const b = share(in(scene, "b"), 1);
	const int shared = open(in(scene, "a"), O_RDWR);
	char byte;

	MUST(fd >= 0 && shared >= 0);
	told();
	await();
	for (int i = 0; i < ROUNDS; i++) {
		a[i]++;
		b[i]++;
		MUST(pwrite(fd, "x", 1, 0) == 1);
		MUST(pread(shared, &byte, 1, 0) == 1);
		if (i % 100)
			continue;
		told();
		await();
	}
}

static void rounds_of_one(struct scene *scene)
{
	round_by_round(scene, "one");
}

static void rounds_of_two(struct scene *scene)
{
	round_by_round(scene, "two");
}

ACT(bounded)
{
	make_file(in(scene, "a"), 1);
	make_file(in(scene, "b"), 1);
	actor(scene, 0, rounds_of_one);
	done(scene, 0);
	actor(scene, 1, rounds_of_two);
	done(scene, 1);
	for (int i = 0; i < ROUNDS / 100; i++) {
		step(scene, 0);
		step(scene, 1);
	}
	go(scene, 0);
	go(scene, 1);
	finish(scene, 0);
	finish(scene, 1);
}

CHECK(bounded)
{
	int count = 0;

	for (int i = 0; i < 2; i++) {
		const int node = process(scene, graph, i, 0);

		EXPECT_NODE(node);
		count += graph_count(graph, node, ANY, NULL, "data");
		count += graph_count(graph, ANY, node, NULL, "data");
	}
	EXPECT(count >= 8 && count <= 40, "%d edges", count);
}
