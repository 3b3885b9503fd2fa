// SPDX-License-Identifier: GPL-2.0
/* Keys: payloads, keyrings, what is computed with them, and requests for them */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_alg.h>
#include <linux/keyctl.h>

#include "flow.h"

#define SET_KEY_BY_SERIAL	7	/* ALG_SET_KEY_BY_KEY_SERIAL, of newer headers */
#ifndef SOL_ALG
#define SOL_ALG			279
#endif

/* Every child has a session keyring of its own, which the parent's key is not in. */
#define PROCESS_KEYRING	KEY_SPEC_USER_KEYRING

static long keyctl(int operation, unsigned long a, unsigned long b, unsigned long c,
		   unsigned long d)
{
	return syscall(SYS_keyctl, operation, a, b, c, d);
}

static long add(const char *name, const void *payload, size_t bytes)
{
	return syscall(SYS_add_key, "user", name, payload, bytes, PROCESS_KEYRING);
}

static long find(const char *name)
{
	return keyctl(KEYCTL_SEARCH, PROCESS_KEYRING, (unsigned long)"user", (unsigned long)name,
		      0);
}

static long take(long key)
{
	char buffer[256];

	return keyctl(KEYCTL_READ, key, (unsigned long)buffer, sizeof(buffer), 0);
}

static void own_user_keyring(void)
{
	/* Possessed, so that its keys can be read. */
	MUST(keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) >= 0);
	MUST(!keyctl(KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING, 0, 0));
}

CASE(payload, "keys", "add_key, and another process reads the key",
     "key_instantiated, key_read",
     "write and read, data; nothing back, nor for who only looks it up")

static void add_secret(struct scene *scene)
{
	own_user_keyring();
	take_file(in(scene, "secret"));
	MUST(add("flow:payload", "secret", 6) >= 0);
	/* No payload is too long for this; nothing has come of it. */
	MUST(add("flow:failed", "", 0) < 0);
}

static void read_secret(struct scene *scene)
{
	own_user_keyring();
	MUST(take(find("flow:payload")) == 6);
	put_file(in(scene, "copy"), "x");
}

static void only_find(struct scene *scene)
{
	char buffer[256];
	long key;

	own_user_keyring();
	key = find("flow:payload");
	MUST(key >= 0);
	/* Its length is no payload. */
	MUST(keyctl(KEYCTL_READ, key, 0, 0, 0) == 6);
	MUST(keyctl(KEYCTL_READ, key, (unsigned long)buffer, 3, 0) == 6);
	put_file(in(scene, "nothing"), "x");
}

ACT(payload)
{
	put_file(in(scene, "secret"), "s");
	run(scene, 0, add_secret);
	run(scene, 1, read_secret);
	run(scene, 2, only_find);
}

CHECK(payload)
{
	const int key = graph_named(graph, "key", "user:flow:payload");
	const int writer = process(scene, graph, 0, 0), reader = process(scene, graph, 1, 0);
	const int finder = process(scene, graph, 2, 0);

	EXPECT_EDGES(writer, key, "write", "data", 1);
	EXPECT_EDGES(key, reader, "read", "data", 1);
	EXPECT_NO_DATA(reader, key);
	EXPECT_NO_DATA(key, writer);
	EXPECT_NO_DATA(key, finder);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "nothing"));
	EXPECT(graph_named(graph, "key", "user:flow:failed") == NO_NODE);
}

CASE(update, "keys", "KEYCTL_UPDATE after somebody read the key", "key_noted",
     "write, data, into a later version: who read before does not come from it")

static void add_plain(struct scene *scene)
{
	(void)scene;
	own_user_keyring();
	MUST(add("flow:update", "plain", 5) >= 0);
}

static void read_updated(struct scene *scene)
{
	own_user_keyring();
	MUST(take(find("flow:update")) > 0);
	put_file(in(scene, scene->pid[2] ? "after" : "before"), "x");
}

static void update(struct scene *scene)
{
	own_user_keyring();
	take_file(in(scene, "secret"));
	MUST(!keyctl(KEYCTL_UPDATE, find("flow:update"), (unsigned long)"secret", 6, 0));
}

ACT(update)
{
	put_file(in(scene, "secret"), "s");
	run(scene, 0, add_plain);
	run(scene, 1, read_updated);
	run(scene, 2, update);
	run(scene, 3, read_updated);
}

CHECK(update)
{
	const int key = graph_named(graph, "key", "user:flow:update");

	EXPECT_EDGES(process(scene, graph, 2, 0), key, "write", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "after"));
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "before"));
}

CASE(keyring, "keys", "a key linked to a keyring, unlinked, given other permissions, described",
     "key_noted, key_described, key_read", "keyctl, meta; readdir, meta, of the keyring; no data")

static void change(struct scene *scene)
{
	long ring, key;

	own_user_keyring();
	take_file(in(scene, "secret"));
	key = find("flow:linked");
	ring = syscall(SYS_add_key, "keyring", "flow:ring", NULL, 0, PROCESS_KEYRING);
	MUST(key >= 0 && ring >= 0);
	MUST(!keyctl(KEYCTL_LINK, key, ring, 0, 0));
	MUST(!keyctl(KEYCTL_SETPERM, key, 0x3f3f0000, 0, 0));
	MUST(!keyctl(KEYCTL_UNLINK, key, ring, 0, 0));
	MUST(!keyctl(KEYCTL_LINK, key, ring, 0, 0));
}

static void look(struct scene *scene)
{
	char buffer[256];

	own_user_keyring();
	MUST(keyctl(KEYCTL_DESCRIBE, find("flow:linked"), (unsigned long)buffer, sizeof(buffer),
		    0) > 0);
	MUST(take(keyctl(KEYCTL_SEARCH, PROCESS_KEYRING, (unsigned long)"keyring",
			 (unsigned long)"flow:ring", 0)) > 0);
	put_file(in(scene, "copy"), "x");
}

static void add_linked(struct scene *scene)
{
	(void)scene;
	own_user_keyring();
	MUST(add("flow:linked", "x", 1) >= 0);
}

ACT(keyring)
{
	put_file(in(scene, "secret"), "s");
	run(scene, 0, add_linked);
	run(scene, 1, change);
	run(scene, 2, look);
}

CHECK(keyring)
{
	const int key = graph_named(graph, "key", "user:flow:linked");
	const int ring = graph_named(graph, "key", "keyring:flow:ring");
	const int changer = process(scene, graph, 1, 0), looker = process(scene, graph, 2, 0);

	EXPECT_EDGE(changer, ring, "keyctl", "meta");
	EXPECT_EDGE(changer, key, "keyctl", "meta");
	EXPECT_EDGE(key, looker, "keyctl", "meta");
	EXPECT_EDGE(ring, looker, "readdir", "meta");
	EXPECT_NO_DATA(changer, key);
	EXPECT_NO_DATA(changer, ring);
	EXPECT_NO_DATA(key, looker);
	EXPECT_NO_DATA(ring, looker);
	EXPECT_NOT_REACHES(file(scene, graph, "secret"), file(scene, graph, "copy"));
}

CASE(both_ways, "keys", "a new program makes a key, describes it, and changes its permissions",
     "key_described, key_noted", "keyctl, meta, from the key and to it: one is not the other")

/*
 * It reads nothing before, so that both are still in their first version: what is remembered of one
 * must not be taken for the other.
 */
static void describe_and_change(void)
{
	char buffer[256];
	const long key = syscall(SYS_add_key, "user", "flow:both", "x", 1,
				 KEY_SPEC_PROCESS_KEYRING);

	_exit(key < 0 ||
	      keyctl(KEYCTL_DESCRIBE, key, (unsigned long)buffer, sizeof(buffer), 0) <= 0 ||
	      keyctl(KEYCTL_SETPERM, key, 0x3f3f0000, 0, 0) ||
	      keyctl(KEYCTL_SET_TIMEOUT, key, 60, 0, 0));
}

static void __attribute__((constructor)) be_the_new_program(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "describe-and-change"))
		describe_and_change();
}

static void execute_itself(struct scene *scene)
{
	(void)scene;
	execl("/proc/self/exe", "key", "describe-and-change", NULL);
	MUST(!"executed");
}

ACT(both_ways)
{
	run(scene, 0, execute_itself);
}

CHECK(both_ways)
{
	const int program = process(scene, graph, 0, 1);
	const int key = graph_named(graph, "key", "user:flow:both");

	EXPECT_EDGES(program, key, "write", "data", 1);
	EXPECT_EDGES(key, program, "keyctl", "meta", 1);
	EXPECT_EDGES(program, key, "keyctl", "meta", 1);
	EXPECT_NO_DATA(key, program);
}

CASE(dh, "keys", "KEYCTL_DH_COMPUTE with three keys", "key_read",
     "read, data, from each of them; not from a key that it does not use")

static const char *const parts[] = { "flow:prime", "flow:base", "flow:private", "flow:other" };

static void add_parts(struct scene *scene)
{
	/* Long enough, and odd: nobody looks whether it is a prime. */
	unsigned char prime[256];

	memset(prime, 0xff, sizeof(prime));
	(void)scene;
	own_user_keyring();
	MUST(add(parts[0], prime, sizeof(prime)) >= 0);
	MUST(add(parts[1], "\2", 1) >= 0);
	MUST(add(parts[2], "private", 7) >= 0);
	MUST(add(parts[3], "other", 5) >= 0);
}

static void compute(struct scene *scene)
{
	struct keyctl_dh_params params;
	unsigned char buffer[512];

	(void)scene;
	own_user_keyring();
	params = (struct keyctl_dh_params){
		.prime = find(parts[0]),
		.base = find(parts[1]),
		.private = find(parts[2]),
	};
	MUST(find(parts[3]) >= 0);
	MUST(keyctl(KEYCTL_DH_COMPUTE, (unsigned long)&params, (unsigned long)buffer,
		    sizeof(buffer), 0) > 0);
}

ACT(dh)
{
	run(scene, 0, add_parts);
	run(scene, 1, compute);
}

CHECK(dh)
{
	const int computer = process(scene, graph, 1, 0);
	char name[32];

	for (int i = 0; i < 4; i++) {
		int key;

		snprintf(name, sizeof(name), "user:%s", parts[i]);
		key = graph_named(graph, "key", name);
		if (i < 3)
			EXPECT_EDGES(key, computer, "read", "data", 1);
		else
			EXPECT_NO_DATA(key, computer);
	}
}

#define REQUEST_KEY	"/sbin/request-key"

CASE(hash, "keys", "a key that a socket of AF_ALG is given", "key_read",
     "key to process: read, data, before it can ask for anything that is computed with it")

static void hash_with_key(struct scene *scene)
{
	const struct sockaddr_alg address = {
		.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "hmac(sha256)",
	};
	const int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);
	int32_t serial;

	own_user_keyring();
	serial = find("flow:hash");
	MUST(serial > 0);
	MUST(fd >= 0 && !bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	MUST(!setsockopt(fd, SOL_ALG, SET_KEY_BY_SERIAL, &serial, sizeof(serial)));
	put_file(in(scene, "got"), "x");
}

static void add_hash_key(struct scene *scene)
{
	own_user_keyring();
	take_file(in(scene, "secret"));
	MUST(add("flow:hash", "secret", 6) >= 0);
}

ACT(hash)
{
	put_file(in(scene, "secret"), "s");
	run(scene, 0, add_hash_key);
	run(scene, 1, hash_with_key);
}

CHECK(hash)
{
	EXPECT_REACHES(file(scene, graph, "secret"), file(scene, graph, "got"));
}

CASE(request, "keys", "request_key, which /sbin/request-key answers",
     "key_instantiated, key_read",
     "write, data: what is asked for to a key of its own, read by the program, which makes the key")

static const char answer[] =
	"#!/bin/sh\n"
	"exec " "/run/flow-request-key \"$@\"\n";

/* As the kernel starts it: create KEY UID GID KEYRING KEYRING KEYRING */
static void answer_request(const char *key_text)
{
	const long key = atol(key_text);
	char asked[64] = "";

	keyctl(KEYCTL_ASSUME_AUTHORITY, key, 0, 0, 0);
	keyctl(KEYCTL_READ, KEY_SPEC_REQKEY_AUTH_KEY, (unsigned long)asked, sizeof(asked), 0);
	_exit(keyctl(KEYCTL_INSTANTIATE, key, (unsigned long)asked, strlen(asked), 0) != 0);
}

static void __attribute__((constructor)) be_the_answerer(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "create"))
		answer_request(argv[2]);
}

static void ask(struct scene *scene)
{
	long key;

	own_user_keyring();
	take_file(in(scene, "secret"));
	key = syscall(SYS_request_key, "user", "flow:requested", "what is asked",
		      KEY_SPEC_SESSION_KEYRING);
	MUST(key >= 0);
	MUST(take(key) == 13);
	put_file(in(scene, "copy"), "x");
}

ACT(request)
{
	char self[PATH_MAX] = "";
	const bool was_there = !access(REQUEST_KEY, F_OK);

	EXPECT(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	if (was_there)
		EXPECT(!rename(REQUEST_KEY, REQUEST_KEY ".flow"));
	unlink("/run/flow-request-key");
	EXPECT(!symlink(self, "/run/flow-request-key"));
	put_file(REQUEST_KEY, answer);
	EXPECT(!chmod(REQUEST_KEY, 0755));
	put_file(in(scene, "secret"), "s");
	run(scene, 0, ask);
	unlink(REQUEST_KEY);
	unlink("/run/flow-request-key");
	if (was_there)
		EXPECT(!rename(REQUEST_KEY ".flow", REQUEST_KEY));
}

CHECK(request)
{
	const int asker = process(scene, graph, 0, 0);
	const int key = graph_named(graph, "key", "user:flow:requested");
	const int answerer = graph_from(graph, key, "write");
	int question = NO_NODE;

	EXPECT_NODE(answerer);
	EXPECT_EDGE(answerer, key, "write", "data");
	EXPECT_EDGE(key, asker, "read", "data");
	EXPECT_NO_DATA(asker, key);
	/* The question is named after the key's serial number, in hexadecimal. */
	if (key >= 0) {
		char name[32];

		snprintf(name, sizeof(name), ".request_key_auth:%lx",
			 graph_integer(graph, key, "serial"));
		question = graph_named(graph, "key", name);
	}
	EXPECT_EDGES(asker, question, "write", "data", 1);
	EXPECT_EDGES(question, answerer, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "secret"), key);
}
