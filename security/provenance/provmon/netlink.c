// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: control over generic netlink
 *
 * The family is described in Documentation/netlink/specs/provenance.yaml.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/pid.h>
#include <net/genetlink.h>

#include "channel.h"
#include "file.h"
#include "metadata.h"
#include "object.h"
#include "process.h"

static struct genl_family family;

static int put_counters(struct sk_buff *const skb, unsigned int cpu)
{
	struct prov_counters counters;
	struct nlattr *const nest = nla_nest_start(skb, PROV_A_CPU);

	if (!nest)
		return -EMSGSIZE;
	prov_channel_counters(cpu, &counters);
	if (nla_put_u32(skb, PROV_A_CPU_ID, cpu) ||
	    nla_put_u64_64bit(skb, PROV_A_CPU_RECORDS, counters.records,
			      PROV_A_PAD) ||
	    nla_put_u64_64bit(skb, PROV_A_CPU_BYTES, counters.bytes,
			      PROV_A_PAD) ||
	    nla_put_u64_64bit(skb, PROV_A_CPU_LOST, counters.lost,
			      PROV_A_PAD) ||
	    nla_put_u64_64bit(skb, PROV_A_CPU_PRODUCED, counters.produced,
			      PROV_A_PAD) ||
	    nla_put_u64_64bit(skb, PROV_A_CPU_CONSUMED, counters.consumed,
			      PROV_A_PAD) ||
	    nla_put_u32(skb, PROV_A_CPU_HIGH_WATER, counters.high_water)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int put_status(struct sk_buff *const skb)
{
	unsigned int cpu;
	int err;

	if (nla_put_u32(skb, PROV_A_FORMAT, PROV_FORMAT_VERSION) ||
	    nla_put_string(skb, PROV_A_MODULES, PROVMON_NAME) ||
	    nla_put(skb, PROV_A_BOOT_ID, UUID_SIZE, prov_boot_id()) ||
	    nla_put_u32(skb, PROV_A_SUBBUF_BYTES, PROV_SUBBUF_BYTES) ||
	    nla_put_u32(skb, PROV_A_SUBBUFS, PROV_SUBBUFS) ||
	    nla_put_u8(skb, PROV_A_ENVIRON, READ_ONCE(prov_environ)) ||
	    nla_put_u8(skb, PROV_A_OPAQUE, !prov_is_recorded(prov_current())) ||
	    nla_put_u8(skb, PROV_A_SUPPRESS, prov_suppress) ||
	    nla_put_u8(skb, PROV_A_META, prov_meta_is_on()))
		return -EMSGSIZE;
	for_each_possible_cpu(cpu) {
		err = put_counters(skb, cpu);
		if (err)
			return err;
	}
	return 0;
}

static int do_status(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply;
	void *header;
	int err;

	if (!netlink_capable(skb, CAP_AUDIT_READ))
		return -EPERM;
	reply = genlmsg_new(512 + nr_cpu_ids * 128, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	header = genlmsg_put_reply(reply, info, &family, 0, PROV_CMD_STATUS);
	err = header ? put_status(reply) : -EMSGSIZE;
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

static int do_flush(struct sk_buff *skb, struct genl_info *info)
{
	if (!netlink_capable(skb, CAP_AUDIT_READ))
		return -EPERM;
	prov_channel_flush();
	return 0;
}

static int mark_file(const struct nlattr *const attr, bool on)
{
	struct file *const file = fget(nla_get_u32(attr));
	int err;

	if (!file)
		return -EBADF;
	err = prov_file_mark(file, on);
	fput(file);
	return err;
}

static int switch_process(const struct nlattr *const attr, bool on)
{
	struct pid *const pid = find_get_pid(nla_get_u32(attr));
	int err;

	err = pid ? prov_process_set_opaque(pid, on) : -ESRCH;
	put_pid(pid);
	return err;
}

static int do_opaque(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *const pid = info->attrs[PROV_A_PID];
	const struct nlattr *const fd = info->attrs[PROV_A_FD];
	bool on;

	if (!netlink_capable(skb, CAP_AUDIT_CONTROL))
		return -EPERM;
	if (!info->attrs[PROV_A_ON]) {
		NL_SET_ERR_MSG(info->extack, "attribute ON is missing");
		return -EINVAL;
	}
	if (!pid == !fd) {
		NL_SET_ERR_MSG(info->extack, "one of PID and FD is needed");
		return -EINVAL;
	}
	on = nla_get_u8(info->attrs[PROV_A_ON]);
	return pid ? switch_process(pid, on) : mark_file(fd, on);
}

static int do_set(struct sk_buff *skb, struct genl_info *info)
{
	if (!netlink_capable(skb, CAP_AUDIT_CONTROL))
		return -EPERM;
	if (!info->attrs[PROV_A_ENVIRON] && !info->attrs[PROV_A_META]) {
		NL_SET_ERR_MSG(info->extack, "nothing to set");
		return -EINVAL;
	}
	if (info->attrs[PROV_A_ENVIRON])
		WRITE_ONCE(prov_environ,
			   nla_get_u8(info->attrs[PROV_A_ENVIRON]));
	if (info->attrs[PROV_A_META])
		prov_meta_switch(nla_get_u8(info->attrs[PROV_A_META]));
	return 0;
}

static const struct nla_policy no_policy[] = {
	[0] = { .type = NLA_REJECT },
};

static const struct nla_policy opaque_policy[PROV_A_ON + 1] = {
	[PROV_A_PID] = NLA_POLICY_MIN(NLA_U32, 1),
	[PROV_A_FD] = { .type = NLA_U32 },
	[PROV_A_ON] = NLA_POLICY_MAX(NLA_U8, 1),
};

static const struct nla_policy set_policy[PROV_A_META + 1] = {
	[PROV_A_ENVIRON] = NLA_POLICY_MAX(NLA_U8, 1),
	[PROV_A_META] = NLA_POLICY_MAX(NLA_U8, 1),
};

static const struct genl_split_ops operations[] = {
	{
		.cmd = PROV_CMD_STATUS,
		.doit = do_status,
		.policy = no_policy,
		.maxattr = 0,
		.flags = GENL_CMD_CAP_DO,
	},
	{
		.cmd = PROV_CMD_FLUSH,
		.doit = do_flush,
		.policy = no_policy,
		.maxattr = 0,
		.flags = GENL_CMD_CAP_DO,
	},
	{
		.cmd = PROV_CMD_OPAQUE,
		.doit = do_opaque,
		.policy = opaque_policy,
		.maxattr = PROV_A_ON,
		.flags = GENL_CMD_CAP_DO,
	},
	{
		.cmd = PROV_CMD_SET,
		.doit = do_set,
		.policy = set_policy,
		.maxattr = PROV_A_META,
		.flags = GENL_CMD_CAP_DO,
	},
};

static struct genl_family family __ro_after_init = {
	.name = PROV_GENL_NAME,
	.version = PROV_GENL_VERSION,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.split_ops = operations,
	.n_split_ops = ARRAY_SIZE(operations),
};

static int __init netlink_init(void)
{
	/* A module that is not active has no hooks and no channel. */
	if (!prov_is_active())
		return 0;
	return genl_register_family(&family);
}
late_initcall(netlink_init);
