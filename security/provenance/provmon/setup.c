// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: start
 */
#include <linux/init.h>
#include <linux/kstrtox.h>

#include "attribute.h"
#include "block.h"
#include "bpf.h"
#include "channel.h"
#include "engine.h"
#include "file.h"
#include "fuse.h"
#include "message.h"
#include "influence.h"
#include "kernel.h"
#include "key.h"
#include "metadata.h"
#include "mount.h"
#include "mmap.h"
#include "name.h"
#include "object.h"
#include "packet.h"
#include "page.h"
#include "pass.h"
#include "process.h"
#include "request.h"
#include "sem.h"
#include "server.h"
#include "refusal.h"
#include "socket.h"
#include "tun.h"
#include "tty.h"
#include "zerocopy.h"

static bool active __ro_after_init;

/**
 * prov_is_active - was provmon chosen, and did it start?
 */
bool prov_is_active(void)
{
	return active;
}

/*
 * provmon.suppress=off: record each flow, also those that are known.  Only from
 * the start on, because what is in caches by then would hold.
 */
static int __init set_suppress(char *text)
{
	return !kstrtobool(text, &prov_suppress);
}
__setup("provmon.suppress=", set_suppress);

static int __init provmon_init(void)
{
	int err = prov_channel_open();

	if (err)
		return err;
	err = prov_socket_setup();
	if (err)
		return err;
	prov_object_setup();
	prov_process_setup();
	prov_inode_add_hooks();
	prov_process_add_hooks();
	prov_name_add_hooks();
	prov_file_add_hooks();
	prov_mmap_add_hooks();
	prov_request_add_hooks();
	prov_page_add_hooks();
	prov_socket_add_hooks();
	prov_packet_add_hooks();
	prov_tun_add_hooks();
	prov_message_add_hooks();
	prov_sem_add_hooks();
	prov_pass_add_hooks();
	prov_tty_add_hooks();
	prov_metadata_add_hooks();
	prov_influence_add_hooks();
	prov_attribute_add_hooks();
	prov_mount_add_hooks();
	prov_refusal_add_hooks();
	prov_key_add_hooks();
	prov_kernel_add_hooks();
	prov_bpf_add_hooks();
	prov_fuse_add_hooks();
	prov_block_add_hooks();
	prov_zerocopy_add_hooks();
	prov_server_add_hooks();
	active = true;
	return 0;
}

DEFINE_PROVENANCE_MODULE(provmon) = {
	.name = PROVMON_NAME,
	.init = provmon_init,
	.blobs = &provmon_blobs,
	.refused = prov_refused,
};
