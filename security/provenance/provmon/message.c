// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: SysV and POSIX message queues
 *
 * Who receives a message comes from who sent it, and not from who sent others
 * through the same queue.  So nothing flows through the queue itself: a message
 * is a node of its own, into which its sender flows and which flows into who
 * receives it.  As it never changes, all messages that one version of a process
 * puts into one queue are the same node, and need no further record.
 *
 * A message carries its origin: the process and its version from when it was
 * copied out of the sender's memory, and from when it is queued its node.  So it
 * does not matter in whose context it is queued or handed over.
 */
#include <linux/ipc_namespace.h>
#include <linux/msg.h>
#include <linux/nsproxy.h>

#include "message.h"
#include "object.h"
#include "process.h"
#include "record.h"

/* Its text was copied from the memory of current. */
static int hook_msg_msg_alloc_security(struct msg_msg *msg)
{
	struct prov_process *const process = prov_current();

	msg->provenance.node = 0;
	msg->provenance.process = 0;
	if (unlikely(!prov_is_recorded(process)))
		return 0;
	msg->provenance.process = process->obj.id;
	msg->provenance.version =
		prov_capture(&process->obj, &process->captured);
	return 0;
}

static void hook_message_copied(struct msg_msg *to, const struct msg_msg *from)
{
	to->provenance = from->provenance;
}

/* The node of a message that is not like the last ones in this queue. */
static noinline void new_node(struct prov_lanes *const lanes,
			      const struct prov_object *const queue,
			      struct msg_msg *const msg)
{
	struct prov_object message;
	const struct prov_object from = {
		.id = msg->provenance.process,
		.kind = PROV_K_PROCESS,
	};

	prov_object_init(&message, prov_new_id(), PROV_K_MESSAGE);
	msg->provenance.node = message.id;
	if (prov_record_message(message.id, queue->id) &&
	    prov_emit_edge(PROV_OP_SEND, &from, msg->provenance.version,
			   &message, 0)) {
		lanes->lane[lanes->next] = (struct prov_lane){
			.process = from.id,
			.node = message.id,
			.version = msg->provenance.version,
		};
		lanes->next = (lanes->next + 1) % ARRAY_SIZE(lanes->lane);
	}
}

static struct prov_lane *find_lane(struct prov_lanes *const lanes,
				   const struct msg_msg *const msg)
{
	struct prov_lane *lane;

	for (lane = lanes->lane;
	     lane < lanes->lane + ARRAY_SIZE(lanes->lane); lane++)
		if (lane->process == msg->provenance.process &&
		    lane->version == msg->provenance.version)
			return lane;
	return NULL;
}

static void hook_message_queued(struct kern_ipc_perm *perm, struct msg_msg *msg)
{
	struct prov_ipc *const queue = prov_ipc(perm);
	const struct prov_lane *lane;

	if (unlikely(!msg->provenance.process))
		return;
	lane = find_lane(&queue->lanes, msg);
	if (likely(lane)) {
		msg->provenance.node = lane->node;
		return;
	}
	if (!(READ_ONCE(queue->obj.flags) & PROV_OBJ_DESCRIBED) &&
	    prov_record_ipc(&queue->obj, perm, queue->ipcns))
		prov_set_flag(&queue->obj, PROV_OBJ_DESCRIBED);
	new_node(&queue->lanes, &queue->obj, msg);
}

static void hook_mqueue_queued(struct inode *inode, struct msg_msg *msg)
{
	struct prov_inode *const node = READ_ONCE(*prov_inode_slot(inode));
	struct prov_mqueue *queue;
	const struct prov_lane *lane;

	if (unlikely(!msg->provenance.process))
		return;
	/* Made when it was opened, unless there was no memory. */
	if (unlikely(!node)) {
		prov_emit_lost();
		return;
	}
	queue = container_of(node, struct prov_mqueue, node);
	lane = find_lane(&queue->lanes, msg);
	if (likely(lane))
		msg->provenance.node = lane->node;
	else
		new_node(&queue->lanes, &node->obj, msg);
}

static noinline void receive(struct prov_process *const process, u64 id)
{
	struct prov_object message;
	const struct prov_channel chan = {
		.src = &message,
		.dst = &process->obj,
		.memory = &process->memory,
		.direction = PROV_IN,
		.op = PROV_OP_RECV,
	};

	if (!prov_is_recorded(process))
		return;
	prov_process_describe(process);
	prov_object_init(&message, id, PROV_K_MESSAGE);
	if (prov_flow(&chan))
		WRITE_ONCE(process->received, id);
}

static int hook_message_dropped(struct msg_msg *msg, int ret)
{
	if (msg)
		msg->provenance.node = 0;
	else
		prov_task(current)->message_dropped = true;
	return ret;
}

/*
 * The message is freed because it was received, or else hook_message_dropped() was
 * called, or it never was in a queue.  What one sent oneself, one had.
 */
static void hook_msg_msg_free_security(struct msg_msg *msg)
{
	struct prov_process *const process = prov_current();
	struct prov_task *const task = prov_task(current);
	const u64 node = msg->provenance.node;

	if (unlikely(task->message_dropped)) {
		task->message_dropped = false;
		return;
	}
	if (likely(!node || node == READ_ONCE(process->received) ||
		   msg->provenance.process == process->obj.id))
		return;
	receive(process, node);
}

static int hook_msg_queue_alloc_security(struct kern_ipc_perm *perm)
{
	struct prov_ipc *const queue = prov_ipc(perm);

	prov_object_init(&queue->obj, prov_new_id(), PROV_K_MSGQUEUE);
	queue->ipcns = current->nsproxy->ipc_ns->ns.inum;
	return 0;
}

static void hook_msg_queue_free_security(struct kern_ipc_perm *perm)
{
	if (perm->security && prov_ipc(perm)->obj.flags & PROV_OBJ_DESCRIBED)
		prov_record_end(&prov_ipc(perm)->obj, 0);
}

static const struct provenance_hook message_hooks[] = {
	PROVENANCE_LSM_HOOK_INIT(msg_msg_alloc_security,
				 hook_msg_msg_alloc_security),
	PROVENANCE_LSM_HOOK_INIT(msg_msg_free_security,
				 hook_msg_msg_free_security),
	PROVENANCE_LSM_HOOK_INIT(msg_queue_alloc_security,
				 hook_msg_queue_alloc_security),
	PROVENANCE_LSM_HOOK_INIT(msg_queue_free_security,
				 hook_msg_queue_free_security),
	PROVENANCE_OWN_HOOK_INIT(message_queued, hook_message_queued),
	PROVENANCE_OWN_HOOK_INIT(message_copied, hook_message_copied),
	PROVENANCE_OWN_HOOK_INIT(mqueue_queued, hook_mqueue_queued),
	PROVENANCE_OWN_HOOK_INIT(message_dropped, hook_message_dropped),
};

void __init prov_message_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, message_hooks,
			     ARRAY_SIZE(message_hooks));
}
