// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: start
 */
#include <linux/init.h>

#include "channel.h"
#include "file.h"
#include "name.h"
#include "object.h"
#include "process.h"
#include "socket.h"

static bool active __ro_after_init;

/**
 * prov_is_active - was provmon chosen, and did it start?
 */
bool prov_is_active(void)
{
	return active;
}

static int __init provmon_init(void)
{
	const int err = prov_channel_open();

	if (err)
		return err;
	prov_object_setup();
	prov_process_setup();
	prov_socket_setup();
	prov_inode_add_hooks();
	prov_process_add_hooks();
	prov_name_add_hooks();
	prov_file_add_hooks();
	prov_socket_add_hooks();
	active = true;
	return 0;
}

DEFINE_PROVENANCE_MODULE(provmon) = {
	.name = PROVMON_NAME,
	.init = provmon_init,
	.blobs = &provmon_blobs,
};
