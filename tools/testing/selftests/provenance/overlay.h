/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An overlayfs at "merged", of "lower" and "upper", in a mount namespace of its own
 */
#ifndef SELFTEST_OVERLAY_H
#define SELFTEST_OVERLAY_H

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "flow.h"

/* Before who mounts it. */
static inline void make_overlay(struct scene *scene)
{
	static const char *const dirs[] = { "lower", "upper", "work", "merged" };

	for (int i = 0; i < 4; i++)
		EXPECT(!mkdir(in(scene, dirs[i]), 0755));
}

/* Each who does so has a mount that knows nothing of what others looked up. */
static inline void mount_overlay(struct scene *scene)
{
	char options[512];

	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", in(scene, "lower"),
		 in(scene, "upper"), in(scene, "work"));
	MUST(!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(!mount("overlay", in(scene, "merged"), "overlay", 0, options));
}

#endif /* SELFTEST_OVERLAY_H */
