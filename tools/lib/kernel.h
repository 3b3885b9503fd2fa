/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The recording kernel, as user space talks to it: generic netlink
 *
 * The family is described by Documentation/netlink/specs/provenance.yaml.
 * Every call is one request and waits for its answer.  Errors are negative
 * errnos as the kernel gave them: -EPERM without the capability, -EOPNOTSUPP
 * for a command that this kernel does not know.
 *
 * Link with -lnl-genl-3 -lnl-3.
 */
#ifndef PROV_LIB_KERNEL_H
#define PROV_LIB_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROV_SECURITYFS		"/sys/kernel/security"
#define PROV_MODULES_FILE	PROV_SECURITYFS "/provenance/modules"
#define PROV_CHANNELS_DIR	PROV_SECURITYFS "/provenance/provmon"

struct prov_kernel;

/**
 * struct prov_kernel_cpu - counters of a CPU's channel buffer since boot
 * @id: the CPU
 * @records: records written
 * @bytes: bytes written
 * @lost: records lost
 * @produced: sub-buffers finished
 * @consumed: sub-buffers read
 * @high_water: most sub-buffers that ever waited to be read
 */
struct prov_kernel_cpu {
	uint32_t id;
	uint64_t records;
	uint64_t bytes;
	uint64_t lost;
	uint64_t produced;
	uint64_t consumed;
	uint32_t high_water;
};

/**
 * struct prov_kernel_status - answer to PROV_CMD_STATUS
 * @format: version of the record format
 * @modules: active provenance modules, comma-separated
 * @boot_id: made by provmon for this boot; not the one that /proc has
 * @subbuf_bytes: size of a sub-buffer
 * @subbufs: sub-buffers a CPU
 * @environ: environments are recorded
 * @meta: looks at inodes are recorded: stat, access, lookups
 * @opaque: the caller is not recorded
 * @suppress: flows that say nothing new are left out
 * @cpus: array of @cpu_count; prov_kernel_status_free() frees it
 */
struct prov_kernel_status {
	uint32_t format;
	char	 modules[128];
	uint8_t	 boot_id[16];
	uint32_t subbuf_bytes;
	uint32_t subbufs;
	bool	 environ;
	bool	 meta;
	bool	 opaque;
	bool	 suppress;
	struct prov_kernel_cpu *cpus;
	size_t	 cpu_count;
};

/**
 * prov_kernel_open - find the netlink family
 * @kernel: set to a handle that prov_kernel_close() frees
 *
 * Return: 0; -ENOENT if the kernel has no such family: prov_kernel_missing()
 * says why; another errno if netlink does not work at all.
 */
int prov_kernel_open(struct prov_kernel **kernel);

void prov_kernel_close(struct prov_kernel *kernel);

/**
 * prov_kernel_missing - say what a machine that does not record lacks
 * @text: room for one or two sentences: what is missing and what to do
 */
void prov_kernel_missing(char *text, size_t bytes);

/** prov_kernel_status - ask for settings and counters; needs CAP_AUDIT_READ */
int prov_kernel_status(struct prov_kernel *kernel, struct prov_kernel_status *status);

void prov_kernel_status_free(struct prov_kernel_status *status);

/** prov_kernel_flush - finish all begun sub-buffers; needs CAP_AUDIT_READ */
int prov_kernel_flush(struct prov_kernel *kernel);

/**
 * prov_kernel_opaque_process - switch the recording of a process off or on;
 * needs CAP_AUDIT_CONTROL
 * @pid: in the caller's pid namespace
 * @on: true: not recorded from now on
 *
 * Return: 0, -ESRCH without such a process, or another errno.
 */
int prov_kernel_opaque_process(struct prov_kernel *kernel, pid_t pid, bool on);

/**
 * prov_kernel_opaque_file - mark a file, or take the mark away: who executes a
 * marked file with CAP_AUDIT_CONTROL is opaque; needs CAP_AUDIT_CONTROL
 * @fd: the file, open in the caller
 */
int prov_kernel_opaque_file(struct prov_kernel *kernel, int fd, bool on);

/** prov_kernel_set_environ - record environments or not; needs CAP_AUDIT_CONTROL */
int prov_kernel_set_environ(struct prov_kernel *kernel, bool on);

/** prov_kernel_set_meta - record looks at inodes or not; needs CAP_AUDIT_CONTROL */
int prov_kernel_set_meta(struct prov_kernel *kernel, bool on);

#endif /* PROV_LIB_KERNEL_H */
