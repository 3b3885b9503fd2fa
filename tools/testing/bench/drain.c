// SPDX-License-Identifier: GPL-2.0
/*
 * A recorder that only counts.  Without libnl, because the benchmark is one
 * static program in an otherwise empty machine.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/provenance.h>

#include "drain.h"

#define CHANNEL_PATH	"/sys/kernel/security/provenance/provmon/cpu0"
/* A message that we send or get is a few attributes; the family's the most. */
#define MESSAGE_BYTES	8192

struct message {
	struct nlmsghdr nl;
	struct genlmsghdr genl;
	uint8_t attributes[MESSAGE_BYTES - NLMSG_HDRLEN - GENL_HDRLEN];
};

static int netlink_fd = -1;
static int channel_fd = -1;
static uint16_t family;

static void message_init(struct message *message, uint16_t type, uint8_t command)
{
	memset(message, 0, sizeof(*message));
	message->nl.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	message->nl.nlmsg_type = type;
	message->nl.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->genl.cmd = command;
	message->genl.version = 1;
}

static void message_add(struct message *message, uint16_t type, const void *data, uint16_t bytes)
{
	struct nlattr *const attribute = (void *)((uint8_t *)message + message->nl.nlmsg_len);

	attribute->nla_type = type;
	attribute->nla_len = NLA_HDRLEN + bytes;
	memcpy((uint8_t *)attribute + NLA_HDRLEN, data, bytes);
	message->nl.nlmsg_len += NLA_ALIGN(attribute->nla_len);
}

/*
 * Send @message and read answers up to the acknowledgement.  The last answer
 * with attributes is left in @message.  Returns 0 or a negative errno.
 */
static int message_exchange(struct message *message)
{
	static uint8_t answer[MESSAGE_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));

	if (send(netlink_fd, message, message->nl.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		const ssize_t got = recv(netlink_fd, answer, sizeof(answer), 0);
		const struct nlmsghdr *nl = (void *)answer;
		size_t left = (size_t)got;

		if (got < 0)
			return -errno;
		for (; NLMSG_OK(nl, left); nl = NLMSG_NEXT(nl, left)) {
			if (nl->nlmsg_type == NLMSG_ERROR)
				return ((const struct nlmsgerr *)NLMSG_DATA(nl))->error;
			memcpy(message, nl, nl->nlmsg_len);
		}
	}
}

/* The number that the kernel gave the family, or 0. */
static uint16_t find_family(void)
{
	struct message message;
	size_t at = NLMSG_LENGTH(GENL_HDRLEN);

	message_init(&message, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	message_add(&message, CTRL_ATTR_FAMILY_NAME, PROV_GENL_NAME, sizeof(PROV_GENL_NAME));
	if (message_exchange(&message))
		return 0;
	while (at + NLA_HDRLEN <= message.nl.nlmsg_len) {
		const struct nlattr *const attribute = (void *)((uint8_t *)&message + at);

		if (attribute->nla_type == CTRL_ATTR_FAMILY_ID) {
			uint16_t id;

			memcpy(&id, (const uint8_t *)attribute + NLA_HDRLEN, sizeof(id));
			return id;
		}
		if (attribute->nla_len < NLA_HDRLEN)
			return 0;
		at += NLA_ALIGN(attribute->nla_len);
	}
	return 0;
}

static void become_opaque(void)
{
	const uint32_t pid = (uint32_t)getpid();
	const uint8_t on = 1;
	struct message message;
	int error;

	message_init(&message, family, PROV_CMD_OPAQUE);
	message_add(&message, PROV_A_PID, &pid, sizeof(pid));
	message_add(&message, PROV_A_ON, &on, sizeof(on));
	error = message_exchange(&message);
	if (error)
		errx(1, "cannot become opaque: %s", strerror(-error));
}

bool drain_open(void)
{
	channel_fd = open(CHANNEL_PATH, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (channel_fd < 0) {
		if (errno == ENOENT)
			return false;
		err(1, "cannot open %s", CHANNEL_PATH);
	}
	netlink_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (netlink_fd < 0)
		err(1, "cannot open a netlink socket");
	family = find_family();
	if (!family)
		errx(1, "there is %s but no netlink family %s", CHANNEL_PATH, PROV_GENL_NAME);
	become_opaque();
	return true;
}

/* Count the records of one sub-buffer and return its length, or 0 if it is cut off. */
static size_t count_subbuf(const uint8_t *data, size_t bytes, struct drain_counts *counts)
{
	struct prov_subbuf_header header;
	size_t at;

	if (bytes < sizeof(header))
		return 0;
	memcpy(&header, data, sizeof(header));
	if (header.magic != PROV_MAGIC)
		errx(1, "a sub-buffer begins with %#x", header.magic);
	if (header.used_bytes > bytes)
		return 0;
	counts->lost += header.lost;
	counts->bytes += header.used_bytes;
	for (at = header.header_bytes; at + sizeof(struct prov_record) <= header.used_bytes;) {
		struct prov_record record;

		memcpy(&record, data + at, sizeof(record));
		if (record.bytes < sizeof(record) || at + record.bytes > header.used_bytes)
			errx(1, "a record at %zu of %u has %u bytes", at, header.used_bytes,
			     record.bytes);
		if (record.type != PROV_R_PAD)
			counts->records++;
		at += record.bytes;
	}
	return header.used_bytes;
}

void drain_all(struct drain_counts *counts)
{
	/* What a read returns need not end where a sub-buffer does. */
	static uint8_t buffer[4 * PROV_SUBBUF_BYTES];
	static size_t filled;
	struct message message;
	int error;

	message_init(&message, family, PROV_CMD_FLUSH);
	error = message_exchange(&message);
	if (error)
		errx(1, "cannot flush: %s", strerror(-error));
	for (;;) {
		const ssize_t got = read(channel_fd, buffer + filled, sizeof(buffer) - filled);
		size_t at = 0, length;

		if (got < 0 && errno != EAGAIN)
			err(1, "cannot read %s", CHANNEL_PATH);
		if (got <= 0)
			break;
		filled += (size_t)got;
		while ((length = count_subbuf(buffer + at, filled - at, counts)))
			at += length;
		filled -= at;
		memmove(buffer, buffer + at, filled);
	}
}
