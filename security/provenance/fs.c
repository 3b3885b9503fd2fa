// SPDX-License-Identifier: GPL-2.0
/*
 * Linux Provenance Modules: files in securityfs
 *
 * provenance/modules: the active modules, separated by commas
 * provenance/hooks: a line for each hook, see provenance_show_hook()
 */
#include <linux/security.h>
#include <linux/seq_file.h>

#include "fs.h"
#include "layer.h"

static int modules_show(struct seq_file *seq, void *unused)
{
	provenance_show_modules(seq);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(modules);

static int hooks_show(struct seq_file *seq, void *unused)
{
	unsigned int id;

	for (id = 0; id < PROVENANCE_HOOKS; id++)
		provenance_show_hook(seq, id);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(hooks);

struct dentry *provenance_dir __ro_after_init;

static int __init provenance_fs_init(void)
{
	struct dentry *dentry;

	provenance_dir = securityfs_create_dir("provenance", NULL);
	if (IS_ERR(provenance_dir))
		return PTR_ERR(provenance_dir);
	dentry = securityfs_create_file("modules", 0444, provenance_dir, NULL,
					&modules_fops);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	dentry = securityfs_create_file("hooks", 0444, provenance_dir, NULL,
					&hooks_fops);
	return PTR_ERR_OR_ZERO(dentry);
}
fs_initcall(provenance_fs_init);
