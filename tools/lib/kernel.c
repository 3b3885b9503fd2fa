// SPDX-License-Identifier: GPL-2.0
/* The recording kernel, over generic netlink */
#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <linux/provenance.h>

struct prov_kernel {
	struct nl_sock *sock;
	int family;
};

/* What is known of a request that waits for its answer. */
struct answer {
	bool done;
	int err;
	struct prov_kernel_status *status;	/* to be filled in, or NULL */
};

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct answer *const answer = arg;

	(void)msg;
	answer->done = true;
	return NL_STOP;
}

/* libnl would turn the errno into a code of its own and lose some. */
static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct answer *const answer = arg;

	(void)from;
	answer->err = error->error;
	answer->done = true;
	return NL_STOP;
}

static int parse_cpu(struct nlattr *nest, struct prov_kernel_status *status)
{
	static struct nla_policy policy[PROV_A_MAX + 1] = {
		[PROV_A_CPU_ID] = { .type = NLA_U32 },
		[PROV_A_CPU_RECORDS] = { .type = NLA_U64 },
		[PROV_A_CPU_BYTES] = { .type = NLA_U64 },
		[PROV_A_CPU_LOST] = { .type = NLA_U64 },
		[PROV_A_CPU_PRODUCED] = { .type = NLA_U64 },
		[PROV_A_CPU_CONSUMED] = { .type = NLA_U64 },
		[PROV_A_CPU_HIGH_WATER] = { .type = NLA_U32 },
	};
	struct nlattr *attrs[PROV_A_MAX + 1];
	struct prov_kernel_cpu *cpus, *cpu;

	if (nla_parse_nested(attrs, PROV_A_MAX, nest, policy) || !attrs[PROV_A_CPU_ID])
		return -EBADMSG;
	cpus = reallocarray(status->cpus, status->cpu_count + 1, sizeof(*cpus));
	if (!cpus)
		return -ENOMEM;
	status->cpus = cpus;
	cpu = &cpus[status->cpu_count++];
	*cpu = (struct prov_kernel_cpu) { .id = nla_get_u32(attrs[PROV_A_CPU_ID]) };
	if (attrs[PROV_A_CPU_RECORDS])
		cpu->records = nla_get_u64(attrs[PROV_A_CPU_RECORDS]);
	if (attrs[PROV_A_CPU_BYTES])
		cpu->bytes = nla_get_u64(attrs[PROV_A_CPU_BYTES]);
	if (attrs[PROV_A_CPU_LOST])
		cpu->lost = nla_get_u64(attrs[PROV_A_CPU_LOST]);
	if (attrs[PROV_A_CPU_PRODUCED])
		cpu->produced = nla_get_u64(attrs[PROV_A_CPU_PRODUCED]);
	if (attrs[PROV_A_CPU_CONSUMED])
		cpu->consumed = nla_get_u64(attrs[PROV_A_CPU_CONSUMED]);
	if (attrs[PROV_A_CPU_HIGH_WATER])
		cpu->high_water = nla_get_u32(attrs[PROV_A_CPU_HIGH_WATER]);
	return 0;
}

static int parse_status(struct nlmsghdr *message, struct prov_kernel_status *status)
{
	static struct nla_policy policy[PROV_A_MAX + 1] = {
		[PROV_A_FORMAT] = { .type = NLA_U32 },
		[PROV_A_MODULES] = { .type = NLA_NUL_STRING },
		[PROV_A_BOOT_ID] = { .type = NLA_UNSPEC, .minlen = 16 },
		[PROV_A_SUBBUF_BYTES] = { .type = NLA_U32 },
		[PROV_A_SUBBUFS] = { .type = NLA_U32 },
		[PROV_A_ENVIRON] = { .type = NLA_U8 },
		[PROV_A_META] = { .type = NLA_U8 },
		[PROV_A_OPAQUE] = { .type = NLA_U8 },
		[PROV_A_SUPPRESS] = { .type = NLA_U8 },
		[PROV_A_CPU] = { .type = NLA_NESTED },
	};
	struct nlattr *attrs[PROV_A_MAX + 1], *attr;
	int remaining;

	if (genlmsg_parse(message, 0, attrs, PROV_A_MAX, policy))
		return -EBADMSG;
	if (attrs[PROV_A_FORMAT])
		status->format = nla_get_u32(attrs[PROV_A_FORMAT]);
	if (attrs[PROV_A_MODULES])
		snprintf(status->modules, sizeof(status->modules), "%s",
			 nla_get_string(attrs[PROV_A_MODULES]));
	if (attrs[PROV_A_BOOT_ID])
		memcpy(status->boot_id, nla_data(attrs[PROV_A_BOOT_ID]),
		       sizeof(status->boot_id));
	if (attrs[PROV_A_SUBBUF_BYTES])
		status->subbuf_bytes = nla_get_u32(attrs[PROV_A_SUBBUF_BYTES]);
	if (attrs[PROV_A_SUBBUFS])
		status->subbufs = nla_get_u32(attrs[PROV_A_SUBBUFS]);
	if (attrs[PROV_A_ENVIRON])
		status->environ = nla_get_u8(attrs[PROV_A_ENVIRON]);
	if (attrs[PROV_A_META])
		status->meta = nla_get_u8(attrs[PROV_A_META]);
	if (attrs[PROV_A_OPAQUE])
		status->opaque = nla_get_u8(attrs[PROV_A_OPAQUE]);
	/* A kernel that does not say can do nothing else. */
	status->suppress = !attrs[PROV_A_SUPPRESS] ||
			   nla_get_u8(attrs[PROV_A_SUPPRESS]);
	/* One nest a CPU, all of the same type: the table above has the last. */
	nla_for_each_attr(attr, genlmsg_attrdata(genlmsg_hdr(message), 0),
			  genlmsg_attrlen(genlmsg_hdr(message), 0), remaining) {
		int err;

		if (nla_type(attr) != PROV_A_CPU)
			continue;
		err = parse_cpu(attr, status);
		if (err)
			return err;
	}
	return 0;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct answer *const answer = arg;
	int err;

	if (!answer->status)
		return NL_OK;
	err = parse_status(nlmsg_hdr(msg), answer->status);
	if (err)
		answer->err = err;
	return NL_OK;
}

/* libnl's codes of what can go wrong below the kernel's answer. */
static int nl_errno(int nl_error)
{
	switch (nl_error < 0 ? -nl_error : nl_error) {
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_AGAIN:
		return -EAGAIN;
	default:
		return -EIO;
	}
}

static struct nl_msg *new_request(struct prov_kernel *kernel, enum prov_genl_cmd cmd)
{
	struct nl_msg *const msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, kernel->family, 0,
				NLM_F_REQUEST | NLM_F_ACK, cmd, PROV_GENL_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* Send @msg, free it, and wait until it is answered. */
static int transact(struct prov_kernel *kernel, struct nl_msg *msg,
		    struct prov_kernel_status *status)
{
	struct answer answer = { .status = status };
	struct nl_cb *cb;
	int err;

	cb = nl_cb_alloc(NL_CB_DEFAULT);
	if (!cb) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &answer);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, &answer);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &answer);
	err = nl_send_auto(kernel->sock, msg);
	nlmsg_free(msg);
	while (err >= 0 && !answer.done)
		err = nl_recvmsgs(kernel->sock, cb);
	nl_cb_put(cb);
	if (answer.done)
		return answer.err;
	return nl_errno(err);
}

int prov_kernel_open(struct prov_kernel **kernel)
{
	struct prov_kernel *const new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	new->sock = nl_socket_alloc();
	if (!new->sock) {
		free(new);
		return -ENOMEM;
	}
	err = genl_connect(new->sock);
	if (err < 0) {
		err = nl_errno(err);
		goto out;
	}
	new->family = genl_ctrl_resolve(new->sock, PROV_GENL_NAME);
	if (new->family < 0) {
		err = nl_errno(new->family);
		goto out;
	}
	*kernel = new;
	return 0;
out:
	prov_kernel_close(new);
	return err;
}

void prov_kernel_close(struct prov_kernel *kernel)
{
	if (!kernel)
		return;
	nl_socket_free(kernel->sock);
	free(kernel);
}

void prov_kernel_missing(char *text, size_t bytes)
{
	char modules[256] = "";
	FILE *file;

	if (access(PROV_SECURITYFS "/lsm", F_OK) && access(PROV_SECURITYFS "/provenance", F_OK)) {
		snprintf(text, bytes,
			 "securityfs is not mounted on " PROV_SECURITYFS "; mount it with "
			 "'mount -t securityfs securityfs " PROV_SECURITYFS "'");
		return;
	}
	file = fopen(PROV_MODULES_FILE, "re");
	if (!file) {
		snprintf(text, bytes, errno == EACCES ?
			 "only root may see " PROV_MODULES_FILE "; run this as root" :
			 "this kernel has no provenance hooks (" PROV_MODULES_FILE " is missing); "
			 "boot a kernel built with CONFIG_SECURITY_PROVENANCE=y");
		return;
	}
	if (!fgets(modules, sizeof(modules), file))
		modules[0] = '\0';
	modules[strcspn(modules, "\n")] = '\0';
	fclose(file);
	if (!strstr(modules, "provmon"))
		snprintf(text, bytes,
			 "provmon is not active (active modules: %s); boot with "
			 "'provenance=provmon' on the kernel command line, and with CONFIG_SECURITY_PROVMON=y",
			 modules[0] ? modules : "none");
	else
		snprintf(text, bytes,
			 "provmon is active but its netlink family '" PROV_GENL_NAME
			 "' is not there; look for messages of provmon in the kernel log");
}

int prov_kernel_status(struct prov_kernel *kernel, struct prov_kernel_status *status)
{
	struct nl_msg *const msg = new_request(kernel, PROV_CMD_STATUS);
	int err;

	*status = (struct prov_kernel_status) { 0 };
	if (!msg)
		return -ENOMEM;
	err = transact(kernel, msg, status);
	if (err)
		prov_kernel_status_free(status);
	return err;
}

void prov_kernel_status_free(struct prov_kernel_status *status)
{
	free(status->cpus);
	*status = (struct prov_kernel_status) { 0 };
}

int prov_kernel_flush(struct prov_kernel *kernel)
{
	struct nl_msg *const msg = new_request(kernel, PROV_CMD_FLUSH);

	return msg ? transact(kernel, msg, NULL) : -ENOMEM;
}

static int opaque(struct prov_kernel *kernel, enum prov_genl_attr attr, uint32_t value, bool on)
{
	struct nl_msg *const msg = new_request(kernel, PROV_CMD_OPAQUE);

	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, attr, value) || nla_put_u8(msg, PROV_A_ON, on)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return transact(kernel, msg, NULL);
}

int prov_kernel_opaque_process(struct prov_kernel *kernel, pid_t pid, bool on)
{
	return opaque(kernel, PROV_A_PID, pid, on);
}

int prov_kernel_opaque_file(struct prov_kernel *kernel, int fd, bool on)
{
	return opaque(kernel, PROV_A_FD, fd, on);
}

static int set(struct prov_kernel *kernel, enum prov_genl_attr attr, bool on)
{
	struct nl_msg *const msg = new_request(kernel, PROV_CMD_SET);

	if (!msg)
		return -ENOMEM;
	if (nla_put_u8(msg, attr, on)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return transact(kernel, msg, NULL);
}

int prov_kernel_set_environ(struct prov_kernel *kernel, bool on)
{
	return set(kernel, PROV_A_ENVIRON, on);
}

int prov_kernel_set_meta(struct prov_kernel *kernel, bool on)
{
	return set(kernel, PROV_A_META, on);
}
