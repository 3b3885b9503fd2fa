// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: pages that a pipe or a socket refers to
 *
 * What splice() and sendfile() put into a pipe or a socket are the pages of the
 * file themselves, and what vmsplice() puts there is memory of its caller.  Who
 * takes it out reads what the file or the memory has in them by then: that is a
 * flow from there to the reader, whatever flowed when they were put in.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pipe_fs_i.h>
#include <linux/splice.h>

#include "object.h"
#include "page.h"
#include "process.h"
#include "record.h"

static void reads(struct prov_process *const process,
		  struct prov_object *const from, enum prov_op op)
{
	const struct prov_channel chan = {
		.src = from,
		.dst = &process->obj,
		.memory = &process->memory,
		.direction = PROV_IN,
		.op = op,
	};

	prov_flow(&chan);
}

/**
 * prov_page_node - the file that a page is of
 * @page: the page, which somebody refers to
 *
 * Context: Any but NMI, under RCU, which keeps the node.
 * Return: its node, or NULL if it is of no file, or of one without a node.
 */
struct prov_inode *prov_page_node(const struct page *page)
{
	const struct folio *const folio = page_folio(page);
	const struct address_space *mapping;
	const struct inode *inode;
	struct prov_inode *node;

	if (folio_test_slab(folio))
		return NULL;
	mapping = READ_ONCE(folio->mapping);
	if (!mapping || (unsigned long)mapping & PAGE_MAPPING_FLAGS)
		return NULL;
	inode = READ_ONCE(mapping->host);
	node = inode ? READ_ONCE(*prov_inode_slot(inode)) : NULL;
	/* Without one, nobody that is recorded has written to it. */
	return node && node->obj.kind ? node : NULL;
}

static noinline void page_read(const struct page *const page)
{
	struct prov_process *const process = prov_current();
	struct prov_inode *node;

	if (!in_task() || !prov_is_recorded(process))
		return;
	prov_process_describe(process);
	rcu_read_lock();
	node = prov_page_node(page);
	if (node)
		reads(process, &node->obj, PROV_OP_READ);
	rcu_read_unlock();
}

static void hook_page_read(const struct page *page)
{
	/* Most are of nothing. */
	if (unlikely(READ_ONCE(page_folio(page)->mapping)))
		page_read(page);
}

static noinline void memory_read(const struct pipe_buffer *const buf)
{
	struct prov_process *const from = (struct prov_process *)buf->private;
	struct prov_process *const process = prov_current();

	if (from && from != process && prov_is_recorded(from) &&
	    prov_is_recorded(process)) {
		prov_process_describe(process);
		reads(process, &from->obj, PROV_OP_PEEK);
	}
}

static void hook_pipe_buffer_read(const struct pipe_buffer *buf)
{
	if (unlikely(buf->ops == &user_page_pipe_buf_ops))
		memory_read(buf);
	/* That memory can be a mapping. */
	hook_page_read(buf->page);
}

static const struct provenance_hook page_hooks[] = {
	PROVENANCE_OWN_HOOK_INIT(page_read, hook_page_read),
	PROVENANCE_OWN_HOOK_INIT(pipe_buffer_read, hook_pipe_buffer_read),
};

void __init prov_page_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, page_hooks, ARRAY_SIZE(page_hooks));
}
