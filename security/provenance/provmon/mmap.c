// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: what is mapped in which memory
 *
 * Translates VMAs to what mapping.h counts.  The memory that a hook is called
 * for need not be that of current: the last user of a memory can be anybody.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>

#include "file.h"
#include "mmap.h"
#include "object.h"
#include "process.h"

#define MM_BUCKETS_SHIFT	10

/*
 * Processes by their memory, until that is released.  Each bucket has a lock of
 * its own, under which it is read and changed.
 */
static struct hlist_bl_head processes[1 << MM_BUCKETS_SHIFT];

static struct hlist_bl_head *bucket_of(const struct mm_struct *const mm)
{
	return &processes[hash_ptr(mm, MM_BUCKETS_SHIFT)];
}

/*
 * Return: the process that has a memory, valid until it is released; NULL if
 * it is nobody's.
 */
static struct prov_process *process_of(const struct mm_struct *const mm)
{
	struct prov_process *process = prov_current();
	const struct hlist_bl_node *node;
	struct hlist_bl_head *bucket;

	if (likely(READ_ONCE(process->mm) == mm))
		return process;
	bucket = bucket_of(mm);
	hlist_bl_lock(bucket);
	hlist_bl_for_each_entry(process, node, bucket, by_mm)
		if (process->mm == mm)
			break;
	hlist_bl_unlock(bucket);
	return node ? process : NULL;
}

/**
 * prov_mmap_begin - a process has a memory of its own
 * @process: the process
 * @mm: its memory, which nobody has changed yet
 */
void prov_mmap_begin(struct prov_process *process, struct mm_struct *mm)
{
	struct hlist_bl_head *const bucket = bucket_of(mm);

	refcount_inc(&process->refs);
	hlist_bl_lock(bucket);
	WRITE_ONCE(process->mm, mm);
	hlist_bl_add_head(&process->by_mm, bucket);
	hlist_bl_unlock(bucket);
}

/* What must not be read by instructions can be read by way of /proc/PID/mem. */
static enum prov_access access_of(unsigned long flags)
{
	if (!(flags & (VM_READ | VM_WRITE | VM_EXEC | VM_MAYREAD)))
		return PROV_ACCESS_NONE;
	return (flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE) ?
	       PROV_ACCESS_SHARE : PROV_ACCESS_READ;
}

/* Return: the place of what is mapped, made if need be, or NULL. */
static struct prov_map *mapped(struct file *const file)
{
	struct prov_object *const object = prov_file_mapped(file);

	return object ? prov_map_get(object) : NULL;
}

/* Return: the place of what was mapped, if it ever was, or NULL. */
static struct prov_map *was_mapped(struct file *const file)
{
	struct prov_object *const object = prov_file_object(file, GFP_NOFS);

	return object ? READ_ONCE(object->map) : NULL;
}

static void add(struct prov_process *const process,
		struct file *const file, enum prov_access access,
		unsigned long pages)
{
	struct prov_map *const what = mapped(file);

	if (what)
		prov_map_add(&process->place.map, what, access, pages);
}

static void hook_mapping_added(struct vm_area_struct *vma, unsigned long pages)
{
	const enum prov_access access = access_of(vma->vm_flags);
	struct prov_process *process;

	if (!vma->vm_file || access == PROV_ACCESS_NONE)
		return;
	process = process_of(vma->vm_mm);
	if (!process || !prov_is_recorded(process))
		return;
	if (process == prov_current())
		prov_process_describe(process);
	add(process, vma->vm_file, access, pages);
}

static void hook_mapping_removed(struct vm_area_struct *vma,
				 unsigned long flags, unsigned long pages)
{
	const enum prov_access access = access_of(flags);
	struct prov_process *process;
	struct prov_map *what;

	if (!vma->vm_file || access == PROV_ACCESS_NONE)
		return;
	process = process_of(vma->vm_mm);
	what = was_mapped(vma->vm_file);
	if (process && what)
		prov_map_remove(&process->place.map, what, access, pages);
}

static void release(struct prov_process *const process, bool dies)
{
	process->releases++;
	prov_map_release(&process->place.map, dies);
}

static void hook_mm_released(struct mm_struct *mm)
{
	struct prov_process *const process = process_of(mm);
	struct hlist_bl_head *const bucket = bucket_of(mm);

	if (!process)
		return;
	/* Nobody uses it, but who ends the mapping of a registered buffer has it, too. */
	mmap_write_lock(mm);
	/* An execution passes on what the old memory knew. */
	release(process, process != prov_current() || !current->in_execve);
	mmap_write_unlock(mm);
	hlist_bl_lock(bucket);
	hlist_bl_del_init(&process->by_mm);
	WRITE_ONCE(process->mm, NULL);
	hlist_bl_unlock(bucket);
	prov_process_put(process);
}

/* Parts of one file that follow each other are one for our purpose. */
struct run {
	struct file		*file;
	enum prov_access	access;
	unsigned long		pages;
};

/* To the next run of a memory; its lock is held. */
static bool next_run(struct vma_iterator *const vmi, struct run *const run)
{
	struct vm_area_struct *vma;

	run->file = NULL;
	for_each_vma(*vmi, vma) {
		const enum prov_access access = access_of(vma->vm_flags);

		if (!vma->vm_file || access == PROV_ACCESS_NONE)
			continue;
		if (!run->file) {
			run->file = vma->vm_file;
			run->access = access;
			run->pages = vma_pages(vma);
		} else if (run->file == vma->vm_file && run->access == access) {
			run->pages += vma_pages(vma);
		} else {
			vma_iter_set(vmi, vma->vm_start);
			break;
		}
	}
	return run->file;
}

/**
 * prov_mmap_inherit - a child maps what its parent mapped when it was forked
 * @process: the child, which does not run yet
 * @mm: its memory
 * @parent: the parent
 * @version: the parent's, not later than what flowed into the child
 */
void prov_mmap_inherit(struct prov_process *process, struct mm_struct *mm,
		       struct prov_process *parent, u32 version)
{
	struct prov_map *what;
	struct vma_iterator vmi;
	struct run run;

	mmap_read_lock(mm);
	vma_iter_init(&vmi, mm, 0);
	/* Who makes it opaque holds the lock for writing. */
	while (prov_is_recorded(process) && next_run(&vmi, &run)) {
		what = mapped(run.file);
		if (what)
			prov_map_inherit(&parent->place.map, version,
					 &process->place.map, what, run.access,
					 run.pages);
	}
	mmap_read_unlock(mm);
}

/**
 * prov_mmap_look - find out what a process maps that was not recorded before
 * @process: the process
 * @mm: its memory, locked
 */
void prov_mmap_look(struct prov_process *process, struct mm_struct *mm)
{
	struct vma_iterator vmi;
	struct run run;

	if (READ_ONCE(process->mm) != mm)
		return;
	/* What was found when it was made must not count twice. */
	release(process, false);
	vma_iter_init(&vmi, mm, 0);
	while (next_run(&vmi, &run))
		add(process, run.file, run.access, run.pages);
}

/**
 * prov_mmap_forget - a process is not recorded any more
 * @process: the process
 * @mm: its memory, locked
 */
void prov_mmap_forget(struct prov_process *process, struct mm_struct *mm)
{
	if (READ_ONCE(process->mm) == mm)
		release(process, false);
}

static const struct provenance_hook mmap_hooks[] = {
	PROVENANCE_OWN_HOOK_INIT(mapping_added, hook_mapping_added),
	PROVENANCE_OWN_HOOK_INIT(mapping_removed, hook_mapping_removed),
	PROVENANCE_OWN_HOOK_INIT(mm_released, hook_mm_released),
};

void __init prov_mmap_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, mmap_hooks, ARRAY_SIZE(mmap_hooks));
}
