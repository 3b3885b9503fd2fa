// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: servers in the kernel (nfsd)
 *
 * The threads of such a server stand for nobody, but while they handle a request
 * they are a process that has received it, and what they do is recorded as of
 * any other:
 *
 *	client --send--> [socket] --deliver--> [socket] --recv--> nfsd --write--> [file]
 *
 * A thread is the same process as long as its requests come from one socket.
 * What it learnt before cannot get to a file that it writes but by way of the other
 * end of that socket, which got it, too.  (With UDP, one socket is for all clients.)
 */
#include <linux/sched.h>
#include <linux/sunrpc/svcsock.h>
#include <linux/sunrpc/xprt.h>

#include "object.h"
#include "process.h"
#include "record.h"
#include "server.h"
#include "socket.h"

static struct socket *socket_of(const struct svc_xprt *const xprt)
{
	switch (xprt->xpt_class->xcl_ident) {
	case XPRT_TRANSPORT_TCP:
	case XPRT_TRANSPORT_UDP:
		return container_of(xprt, struct svc_sock, sk_xprt)->sk_sock;
	}
	return NULL;
}

/**
 * prov_server_end - a thread is no longer the process that it was for its requests
 * @task: of the thread
 */
void prov_server_end(struct prov_task *task)
{
	struct prov_process *const process = task->server;

	if (!process)
		return;
	task->server = NULL;
	if (atomic_dec_and_test(&process->tasks))
		prov_record_end(&process->obj, 0);
	prov_process_put(process);
}

/* What is asked by way of no socket has a process of its own each time. */
static bool make_server(struct prov_task *const task, u64 socket)
{
	struct prov_process *fresh;

	if (task->server && socket && task->served == socket)
		return true;
	fresh = prov_process_alloc(GFP_NOFS);
	if (!fresh)
		return false;
	atomic_set(&fresh->tasks, 1);
	prov_server_end(task);
	task->server = fresh;
	task->served = socket;
	prov_process_describe(fresh);
	prov_record_text(fresh->obj.id, PROV_T_COMM, current->comm,
			 strnlen(current->comm, sizeof(current->comm)));
	return true;
}

/* All of the request is there, which may be older than the thread's last one. */
static void hook_service_begins(const struct svc_xprt *xprt)
{
	struct prov_task *const task = prov_task(current);
	struct socket *const sock = socket_of(xprt);
	const struct prov_socket *const node = sock && sock->sk ?
		prov_socket_get(sock->sk, GFP_NOFS) : NULL;

	if (!(current->flags & PF_KTHREAD) || prov_current() != &prov_nobody)
		return;
	if (!make_server(task, node ? node->obj.id : 0)) {
		prov_emit_lost();
		return;
	}
	rcu_assign_pointer(task->process, task->server);
	if (node)
		prov_socket_receive(sock);
}

static void hook_service_ended(const struct svc_xprt *xprt)
{
	struct prov_task *const task = prov_task(current);

	if (!task->server || prov_current() != task->server)
		return;
	/* What had begun and failed is not what the next request sends. */
	task->sending = 0;
	rcu_assign_pointer(task->process, &prov_nobody);
}

static const struct provenance_hook server_hooks[] = {
	PROVENANCE_OWN_HOOK_INIT(service_begins, hook_service_begins),
	PROVENANCE_OWN_HOOK_INIT(service_ended, hook_service_ended),
};

void __init prov_server_add_hooks(void)
{
	provenance_add_hooks(PROVMON_NAME, server_hooks,
			     ARRAY_SIZE(server_hooks));
}
