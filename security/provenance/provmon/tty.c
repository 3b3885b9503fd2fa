// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: terminals
 *
 * A terminal has two directions, and what goes one way does not come back the
 * other: a shell that reads commands does not come from what its children print.
 * So a terminal is two nodes.  What is typed goes into the inode of the terminal
 * (/dev/pts/0, /dev/ttyS0) and is read from there; what is written to it goes
 * into a node of the kind PROV_K_TTY.  The master of a pseudoterminal is the
 * other end of both, /dev/tty and /dev/console are further names of them: each
 * open file knows its two nodes.  What the terminal echoes flows from the first
 * into the second.
 *
 *	sshd --write--> [/dev/pts/0] --read--> bash
 *	                     |echo
 *	sshd <--read--- [tty:pts0] <--write--- ls
 */
#include <linux/slab.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>

#include "name.h"
#include "object.h"
#include "process.h"
#include "record.h"
#include "tty.h"

/**
 * struct prov_terminal - a terminal that is open; of a pair, the slave
 * @input: what is typed
 * @output: what is written to it
 * @echoed: cache word: the version of @input that @output has absorbed
 *
 * Made when it is opened first, and freed with the tty_struct.
 */
struct prov_terminal {
	struct prov_inode	*input;
	struct prov_inode	*output;
	u64			echoed;
};

static bool is_master(const struct tty_struct *const tty)
{
	return tty->driver->type == TTY_DRIVER_TYPE_PTY &&
	       tty->driver->subtype == PTY_TYPE_MASTER;
}

/* The terminal that a tty is an end of. */
static struct tty_struct *slave_of(struct tty_struct *const tty)
{
	return is_master(tty) ? tty->link : tty;
}

static struct prov_terminal *terminal_of(struct tty_struct *const tty)
{
	struct tty_struct *const slave = slave_of(tty);

	return slave ? READ_ONCE(slave->provenance) : NULL;
}

static void free_terminal(struct prov_terminal *const terminal)
{
	if (terminal->input)
		prov_inode_put(terminal->input);
	if (terminal->output)
		prov_inode_put(terminal->output);
	kfree(terminal);
}

/* An inode that is only another name for terminals has no node to share. */
static struct prov_inode *make_input(struct inode *const inode)
{
	struct prov_inode *const node = prov_inode_get(inode);

	if (node == &prov_nothing)
		return prov_inode_make_own(PROV_K_CHARDEV, inode, GFP_KERNEL);
	if (node)
		refcount_inc(&node->refs);
	return node;
}

static struct prov_terminal *make_terminal(const struct tty_struct *const slave,
					   struct inode *const inode)
{
	struct prov_terminal *const terminal =
		kzalloc(sizeof(*terminal), GFP_KERNEL);
	char name[sizeof(slave->name) + 8];

	if (!terminal) {
		prov_emit_lost();
		return NULL;
	}
	terminal->input = make_input(inode);
	terminal->output = prov_inode_make_own(PROV_K_TTY, inode,
					       GFP_KERNEL);
	if (!terminal->input || !terminal->output) {
		free_terminal(terminal);
		return NULL;
	}
	if (prov_record_text(terminal->output->obj.id, PROV_T_ANON_NAME, name,
			     scnprintf(name, sizeof(name), "tty:%s",
				       slave->name)))
		terminal->output->names[0] = 1;
	return terminal;
}

static struct prov_terminal *get_terminal(struct tty_struct *const tty,
					  struct inode *const inode)
{
	struct prov_terminal *terminal = terminal_of(tty);
	struct tty_struct *const slave = slave_of(tty);
	void *other;

	if (terminal || !slave)
		return terminal;
	terminal = make_terminal(slave, inode);
	if (!terminal)
		return NULL;
	other = cmpxchg(&slave->provenance, NULL, terminal);
	if (!other)
		return terminal;
	free_terminal(terminal);
	return other;
}

static void set_node(struct prov_inode **const slot,
		     struct prov_inode *const node)
{
	refcount_inc(&node->refs);
	if (cmpxchg(slot, NULL, node))
		refcount_dec(&node->refs);
}

static void hook_tty_opened(struct file *file, struct tty_struct *tty,
			    struct inode *inode)
{
	struct prov_terminal *const terminal = get_terminal(tty, inode);
	struct prov_file *const blob = prov_file(file);

	if (!terminal)
		return;
	if (is_master(tty)) {
		prov_inode_get(file_inode(file));
		set_node(&blob->source, terminal->output);
		set_node(&blob->target, terminal->input);
		return;
	}
	/* Another name of a terminal shares its node if it has none yet. */
	prov_inode_adopt(inode, terminal->input);
	if (READ_ONCE(*prov_inode_slot(inode)) != terminal->input)
		set_node(&blob->source, terminal->input);
	/* What was opened as /dev/console first has no better name. */
	if (!blob->source || !READ_ONCE(terminal->input->names[0]))
		prov_record_open(terminal->input, file);
	set_node(&blob->target, terminal->output);
}

static void hook_tty_freed(struct tty_struct *tty)
{
	if (tty->provenance)
		free_terminal(tty->provenance);
}

/* Only the slave echoes.  Nobody can see it yet. */
static void hook_tty_echoed(struct tty_struct *tty)
{
	struct prov_terminal *const terminal = READ_ONCE(tty->provenance);
	struct prov_channel chan;

	if (!terminal)
		return;
	chan = (struct prov_channel){
		.src = &terminal->input->obj,
		.dst = &terminal->output->obj,
		.cache = &terminal->echoed,
		.cache_id = prov_cache_id(terminal->output->obj.id),
		.op = PROV_OP_ECHO,
	};
	if (!prov_cache_hit(chan.cache, chan.cache_id,
			    READ_ONCE(chan.src->hot)))
		prov_flow(&chan);
}

/* TIOCSTI.  At a master, what is typed is what the slave shows. */
static void hook_tty_typed(struct tty_struct *tty)
{
	const struct prov_terminal *const terminal = terminal_of(tty);
	struct prov_process *const process = prov_current();
	struct prov_channel chan;

	if (!terminal || !prov_is_recorded(process))
		return;
	prov_process_describe(process);
	chan = (struct prov_channel){
		.src = &process->obj,
		.dst = is_master(tty) ? &terminal->output->obj :
					&terminal->input->obj,
		.memory = &process->memory,
		.direction = PROV_OUT,
		.op = PROV_OP_WRITE,
	};
	prov_flow(&chan);
}

static const struct provenance_hook tty_hooks[] = {
	PROVENANCE_OWN_HOOK_INIT(tty_opened, hook_tty_opened),
	PROVENANCE_OWN_HOOK_INIT(tty_freed, hook_tty_freed),
	PROVENANCE_OWN_HOOK_INIT(tty_echoed, hook_tty_echoed),
	PROVENANCE_OWN_HOOK_INIT(tty_typed, hook_tty_typed),
};

void __init prov_tty_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, tty_hooks, ARRAY_SIZE(tty_hooks));
}
