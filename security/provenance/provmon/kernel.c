// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: what is put into the kernel itself
 *
 * The kernel is one node a boot, and each load of a module is one of its own.
 * They only take in: what comes out of the kernel comes from objects in it.
 */
#include <linux/fs.h>
#include <linux/kernel_read_file.h>
#include <linux/module.h>

#include "file.h"
#include "kernel.h"
#include "name.h"
#include "object.h"
#include "process.h"
#include "record.h"
#include "told.h"

static struct prov_object the_kernel;

static void describe(struct prov_object *const object, const char *const name)
{
	if (!(READ_ONCE(object->flags) & PROV_OBJ_DESCRIBED) &&
	    prov_record_numbered(object, 0, 0) &&
	    prov_record_text(object->id, PROV_T_ANON_NAME, name, strlen(name)))
		prov_set_flag(object, PROV_OBJ_DESCRIBED);
}

/**
 * prov_kernel - the node of the kernel
 */
struct prov_object *prov_kernel(void)
{
	describe(&the_kernel, "kernel");
	return &the_kernel;
}

static void load(struct prov_object *const from, struct prov_object *const to)
{
	const struct prov_channel chan = {
		.src = from,
		.dst = to,
		.op = PROV_OP_LOAD,
	};

	prov_flow(&chan);
}

/* Its code and arguments come from the memory of current, or were read for it. */
static void hook_module_loaded(struct module *mod)
{
	struct prov_process *const process = prov_current();
	struct prov_object module;

	if (!prov_is_recorded(process))
		return;
	prov_process_describe(process);
	prov_object_init(&module, prov_new_id(), PROV_K_MODULE);
	describe(&module, mod->name);
	load(&process->obj, &module);
}

/* What the kernel asked for by itself.  Others are told of when they are used. */
static int hook_kernel_post_read_file(struct file *file, char *buf, loff_t size,
				      enum kernel_read_file_id id)
{
	struct prov_inode *node;

	if (id == READING_MODULE || id == READING_KEXEC_IMAGE ||
	    id == READING_KEXEC_INITRAMFS)
		return 0;
	node = prov_inode_get(file_inode(file));
	if (!node || node == &prov_nothing)
		return 0;
	prov_record_open(node, file);
	load(&node->obj, prov_kernel());
	return 0;
}

static void hook_kernel_changed(enum provenance_change what, long ret)
{
	struct prov_process *const process = prov_current();

	if (ret < 0 || !prov_is_recorded(process))
		return;
	prov_process_describe(process);
	if (what == PROVENANCE_KEXEC)
		load(&process->obj, prov_kernel());
	else
		prov_tell_edge(process, PROV_R_EDGE_CONTROL, PROV_OP_SETTIME,
			       &process->obj, prov_kernel());
}

static void hook_file_swapped(struct file *file)
{
	struct prov_process *const process = prov_current();
	struct prov_object *object;

	if (!prov_is_recorded(process))
		return;
	object = prov_file_object(file, GFP_KERNEL);
	if (!object)
		return;
	prov_process_describe(process);
	prov_record_meta(PROV_OP_SWAP, &process->obj, object);
}

static const struct provenance_hook kernel_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(kernel_post_read_file,
				 hook_kernel_post_read_file),
	PROVENANCE_OWN_HOOK_INIT(module_loaded, hook_module_loaded),
	PROVENANCE_OWN_HOOK_INIT(kernel_changed, hook_kernel_changed),
	PROVENANCE_OWN_HOOK_INIT(file_swapped, hook_file_swapped),
};

void __init prov_kernel_add_hooks(void)
{
	prov_object_init(&the_kernel, prov_new_id(), PROV_K_KERNEL);
	provenance_add_hooks(PROVMON_NAME, kernel_hooks,
			     ARRAY_SIZE(kernel_hooks));
}
