// SPDX-License-Identifier: GPL-2.0
/* SysV message queues and semaphores, POSIX message queues, eventfd and its like */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "flow.h"

/* The object of a case; set before its actors are forked. */
static int queue, set;

struct message {
	long type;
	char text[8];
};

static void send_type(long type)
{
	const struct message message = { .type = type, .text = "x" };

	MUST(!msgsnd(queue, &message, 1, 0));
}

static ssize_t receive_type(long type, int flags)
{
	struct message message;

	return msgrcv(queue, &message, sizeof(message.text), type, flags);
}

static void make_queue(struct scene *scene)
{
	queue = msgget(IPC_PRIVATE, 0600);
	EXPECT(queue >= 0);
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "other"), "o");
}

static void remove_queue(void)
{
	EXPECT(!msgctl(queue, IPC_RMID, NULL));
}

/* From "from", with type 1. */
static void send_secret(struct scene *scene)
{
	take_file(in(scene, "from"));
	send_type(1);
}

/* From "other", with type 2. */
static void send_other(struct scene *scene)
{
	take_file(in(scene, "other"));
	send_type(2);
}

static void receive_first(struct scene *scene)
{
	MUST(receive_type(0, 0) == 1);
	put_file(in(scene, "to"), "x");
}

CASE(message, "IPC", "SysV message: msgsnd, msgrcv", "msg_msg_alloc_security, message_queued, "
     "msg_msg_free_security", "process to message: send; message to process: recv; data")

ACT(message)
{
	make_queue(scene);
	run(scene, 0, send_secret);
	run(scene, 1, receive_first);
	remove_queue();
}

CHECK(message)
{
	const int sender = process(scene, graph, 0, 0), receiver = process(scene, graph, 1, 0);
	const int message = graph_to(graph, sender, "send");

	EXPECT(!strcmp(graph_string(graph, message, "kind"), "message"));
	EXPECT_EDGES(sender, message, "send", "data", 1);
	EXPECT_EDGES(message, receiver, "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(receiver, sender);
}

CASE(message_of_key, "IPC", "SysV message queue with a key", "message_queued",
     "the message names its queue, with key and id")

#define KEY 0x50524f56

static int id_of_key;

ACT(message_of_key)
{
	make_queue(scene);
	remove_queue();
	queue = id_of_key = msgget(KEY, IPC_CREAT | 0600);
	EXPECT(queue >= 0);
	run(scene, 0, send_secret);
	remove_queue();
}

CHECK(message_of_key)
{
	const int message = graph_to(graph, process(scene, graph, 0, 0), "send");

	EXPECT(graph_integer(graph, message, "key") == KEY, "%ld",
	       graph_integer(graph, message, "key"));
	EXPECT(graph_integer(graph, message, "msqid") == id_of_key, "%ld",
	       graph_integer(graph, message, "msqid"));
}

CASE(messages_apart, "IPC", "SysV messages of two senders in one queue, received by type",
     "message_queued", "who receives one does not come from who sent the other")

static void receive_other(struct scene *scene)
{
	MUST(receive_type(2, 0) == 1);
	put_file(in(scene, "to"), "x");
}

static void receive_secret(struct scene *scene)
{
	MUST(receive_type(1, 0) == 1);
	put_file(in(scene, "to-secret"), "x");
}

ACT(messages_apart)
{
	make_queue(scene);
	run(scene, 0, send_secret);
	run(scene, 1, send_other);
	run(scene, 2, receive_other);
	run(scene, 3, receive_secret);
	remove_queue();
}

CHECK(messages_apart)
{
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(process(scene, graph, 0, 0), process(scene, graph, 2, 0));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-secret"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "to-secret"));
}

CASE(message_waited_for, "IPC", "SysV message handed to a receiver that already waits",
     "message_queued, msg_msg_free_security", "the receiver comes from the sender, and nothing later")

static void wait_for_first(struct scene *scene)
{
	told();
	receive_first(scene);
}

static void send_and_learn(struct scene *scene)
{
	send_secret(scene);
	take_file(in(scene, "other"));
}

ACT(message_waited_for)
{
	make_queue(scene);
	actor(scene, 1, wait_for_first);
	done(scene, 1);
	blocked(scene, 1);
	run(scene, 0, send_and_learn);
	finish(scene, 1);
	remove_queue();
}

CHECK(message_waited_for)
{
	const int sender = process(scene, graph, 0, 0), receiver = process(scene, graph, 1, 0);

	EXPECT_EDGES(graph_to(graph, sender, "send"), receiver, "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(receiver, sender);
}

CASE(message_waits, "IPC", "SysV message of a sender that waits for room", "message_queued",
     "whoever receives it comes from its sender, and who makes the room does not")

static void send_when_full(struct scene *scene)
{
	take_file(in(scene, "other"));
	told();
	send_type(2);
}

static void make_room(struct scene *scene)
{
	static char buffer[sizeof(long) + 65536];

	MUST(msgrcv(queue, buffer, 65536, 1, 0) > 0);
	put_file(in(scene, "room"), "x");
}

static void fill_queue(struct scene *scene)
{
	static struct {
		long type;
		char text[8192];
	} message = { .type = 1 };

	take_file(in(scene, "from"));
	while (!msgsnd(queue, &message, sizeof(message.text), IPC_NOWAIT))
		;
	MUST(errno == EAGAIN);
	message.type = 1;
	while (!msgsnd(queue, &message, 1, IPC_NOWAIT))
		;
	MUST(errno == EAGAIN);
}

ACT(message_waits)
{
	make_queue(scene);
	run(scene, 0, fill_queue);
	actor(scene, 1, send_when_full);
	done(scene, 1);
	blocked(scene, 1);
	run(scene, 2, make_room);
	finish(scene, 1);
	run(scene, 3, receive_other);
	remove_queue();
}

CHECK(message_waits)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), ANY, "send", "data", 1);
	EXPECT_EDGES(process(scene, graph, 1, 0), ANY, "send", "data", 1);
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "room"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "room"));
}

CASE(message_fails, "IPC", "SysV messages: nothing there, too big, no room, nowhere to put it", "message_queued, "
     "msg_msg_free_security", "no edge")

static void *volatile nowhere = (void *)8;

static void fail_to_receive(struct scene *scene)
{
	char byte[sizeof(long) + 1];

	MUST(receive_type(7, IPC_NOWAIT) < 0 && errno == ENOMSG);
	MUST(msgrcv(queue, byte, 0, 0, IPC_NOWAIT) < 0 && errno == E2BIG);
	/* It is gone then. */
	MUST(msgrcv(queue, nowhere, 1, 0, IPC_NOWAIT) < 0 && errno == EFAULT);
	put_file(in(scene, "to"), "x");
}

static void fail_to_send(struct scene *scene)
{
	static struct {
		long type;
		char text[8192];
	} message = { .type = 1 };

	take_file(in(scene, "other"));
	MUST(msgsnd(queue, &message, sizeof(message.text), IPC_NOWAIT) < 0 && errno == EAGAIN);
}

ACT(message_fails)
{
	struct msqid_ds state;

	make_queue(scene);
	run(scene, 0, send_secret);
	EXPECT(!msgctl(queue, IPC_STAT, &state));
	state.msg_qbytes = 4096;
	EXPECT(!msgctl(queue, IPC_SET, &state));
	run(scene, 1, fail_to_receive);
	run(scene, 2, fail_to_send);
	remove_queue();
}

CHECK(message_fails)
{
	EXPECT_NO_EDGE(ANY, process(scene, graph, 1, 0), "recv");
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NO_EDGE(process(scene, graph, 2, 0), ANY, "send");
}

CASE(message_copy, "IPC", "SysV message looked at with MSG_COPY", "message_copied, "
     "msg_msg_free_security", "message to process: recv, data; it stays for others")

static void peek(struct scene *scene)
{
	MUST(receive_type(0, MSG_COPY | IPC_NOWAIT) == 1);
	put_file(in(scene, "peeked"), "x");
}

ACT(message_copy)
{
	make_queue(scene);
	run(scene, 0, send_secret);
	run(scene, 1, peek);
	run(scene, 2, receive_first);
	remove_queue();
}

CHECK(message_copy)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "peeked"));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(process(scene, graph, 1, 0), process(scene, graph, 2, 0));
}

CASE(messages_in_turn, "IPC", "a hundred SysV messages of two senders in turn, and to oneself",
     "message_queued", "a few records, and none for what one sends oneself")

static void send_in_turn(struct scene *scene)
{
	take_file(in(scene, "from"));
	for (int i = 0; i < 50; i++) {
		await();
		send_type(1);
		told();
	}
}

static void receive_hundred(struct scene *scene)
{
	await();
	for (int i = 0; i < 100; i++)
		MUST(receive_type(1, 0) == 1);
	for (int i = 0; i < 100; i++) {
		send_type(3);
		MUST(receive_type(3, 0) == 1);
	}
	put_file(in(scene, "to"), "x");
}

ACT(messages_in_turn)
{
	make_queue(scene);
	actor(scene, 0, send_in_turn);
	actor(scene, 1, send_in_turn);
	actor(scene, 2, receive_hundred);
	for (int i = 0; i < 50; i++) {
		step(scene, 0);
		step(scene, 1);
	}
	go(scene, 2);
	for (int i = 0; i < 3; i++)
		finish(scene, i);
	remove_queue();
}

CHECK(messages_in_turn)
{
	const int receiver = process(scene, graph, 2, 0);

	EXPECT_EDGES(process(scene, graph, 0, 0), ANY, "send", "data", 1);
	EXPECT_EDGES(process(scene, graph, 1, 0), ANY, "send", "data", 1);
	EXPECT_EDGES(receiver, ANY, "send", "data", 1);
	EXPECT_EDGES(ANY, receiver, "recv", "data", 2);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
}

/*
 * POSIX message queues
 */

static int queue_of(const struct graph *graph, int message)
{
	for (int i = 0; graph_node(graph, i); i++)
		if (!strcmp(graph_id(graph, i), graph_string(graph, message, "queue")))
			return i;
	return NO_NODE;
}

static const char *mq_name(const struct scene *scene)
{
	static char name[64];

	snprintf(name, sizeof(name), "/flow-%s", strrchr(scene->dir, '/') + 1);
	return name;
}

static mqd_t open_mq(const struct scene *scene, int flags)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	const mqd_t mq = mq_open(mq_name(scene), flags | O_CREAT, 0600, &attr);

	MUST(mq >= 0);
	return mq;
}

static void mq_secret(struct scene *scene)
{
	const mqd_t mq = open_mq(scene, O_WRONLY);

	take_file(in(scene, "from"));
	MUST(!mq_send(mq, "x", 1, 1));
}

static void mq_other(struct scene *scene)
{
	const mqd_t mq = open_mq(scene, O_WRONLY);

	take_file(in(scene, "other"));
	MUST(!mq_send(mq, "x", 1, 9));
}

static void mq_take(struct scene *scene, const char *to)
{
	const mqd_t mq = open_mq(scene, O_RDONLY);
	char bytes[8];

	MUST(mq_receive(mq, bytes, sizeof(bytes), NULL) == 1);
	put_file(in(scene, to), "x");
}

static void mq_first(struct scene *scene)
{
	mq_take(scene, "to");
}

static void mq_second(struct scene *scene)
{
	mq_take(scene, "to-2");
}

static void begin_mq(struct scene *scene)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "other"), "o");
}

static void end_mq(struct scene *scene)
{
	EXPECT(!mq_unlink(mq_name(scene)));
}

CASE(mq, "IPC", "POSIX message queue: mq_open, mq_send, mq_receive, by priority",
     "file_opened, mqueue_queued, msg_msg_free_security",
     "process to message to process; not from the sender of another message")

ACT(mq)
{
	begin_mq(scene);
	run(scene, 0, mq_secret);
	run(scene, 1, mq_other);
	run(scene, 2, mq_first);
	run(scene, 3, mq_second);
	end_mq(scene);
}

CHECK(mq)
{
	const int sender = process(scene, graph, 0, 0), message = graph_to(graph, sender, "send");
	char name[80];

	snprintf(name, sizeof(name), "mqueue:%s", mq_name(scene));
	EXPECT(!strcmp(graph_string(graph, message, "kind"), "message"));
	EXPECT(!strcmp(graph_string(graph, message, "name"), name), "%s",
	       graph_string(graph, message, "name"));
	EXPECT(!strcmp(graph_string(graph, queue_of(graph, message), "kind"), "mqueue"));
	EXPECT_EDGE(queue_of(graph, message), sender, "open", "meta");
	EXPECT_EDGES(message, process(scene, graph, 3, 0), "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to-2"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "to-2"));
}

CASE(mq_waited_for, "IPC", "POSIX message handed to a receiver that already waits",
     "mqueue_queued, msg_msg_free_security", "the receiver comes from the sender")

static void mq_wait(struct scene *scene)
{
	told();
	mq_first(scene);
}

ACT(mq_waited_for)
{
	begin_mq(scene);
	actor(scene, 1, mq_wait);
	done(scene, 1);
	blocked(scene, 1);
	run(scene, 0, mq_secret);
	finish(scene, 1);
	end_mq(scene);
}

CHECK(mq_waited_for)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(process(scene, graph, 1, 0), process(scene, graph, 0, 0));
}

CASE(mq_waits, "IPC", "POSIX message of a sender that waits for room, queued by a receiver",
     "mqueue_queued", "it comes from its sender, and not from who made the room")

static void mq_fill(struct scene *scene)
{
	const mqd_t mq = open_mq(scene, O_WRONLY | O_NONBLOCK);

	take_file(in(scene, "from"));
	MUST(!mq_send(mq, "x", 1, 5) && !mq_send(mq, "x", 1, 1));
	MUST(mq_send(mq, "x", 1, 1) < 0 && errno == EAGAIN);
}

static void mq_other_waits(struct scene *scene)
{
	told();
	mq_other(scene);
}

static void mq_nothing(struct scene *scene)
{
	const mqd_t mq = open_mq(scene, O_RDONLY | O_NONBLOCK);
	char bytes[8];

	MUST(mq_receive(mq, bytes, sizeof(bytes), NULL) == 1);
	MUST(mq_receive(mq, bytes, sizeof(bytes), NULL) < 0 && errno == EAGAIN);
}

ACT(mq_waits)
{
	begin_mq(scene);
	run(scene, 0, mq_fill);
	actor(scene, 1, mq_other_waits);
	done(scene, 1);
	blocked(scene, 1);
	run(scene, 2, mq_first);
	finish(scene, 1);
	run(scene, 3, mq_second);
	run(scene, 4, mq_nothing);
	end_mq(scene);
}

CHECK(mq_waits)
{
	EXPECT_EDGES(process(scene, graph, 0, 0), ANY, "send", "data", 1);
	EXPECT_EDGES(ANY, process(scene, graph, 4, 0), "recv", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "other"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "to-2"));
	EXPECT_NOT_REACHES(process(scene, graph, 2, 0), process(scene, graph, 3, 0));
}

/*
 * SysV semaphores
 */

union semun {
	int val;
	unsigned short *array;
};

static void make_set(struct scene *scene, int value)
{
	set = semget(IPC_PRIVATE, 2, 0600);
	EXPECT(set >= 0 && !semctl(set, 0, SETVAL, (union semun){ .val = value }));
	put_file(in(scene, "from"), "f");
}

static void remove_set(void)
{
	EXPECT(!semctl(set, 0, IPC_RMID));
}

static void operate(int by)
{
	struct sembuf op = { .sem_op = by };

	MUST(!semop(set, &op, 1));
}

static void set_value(struct scene *scene)
{
	take_file(in(scene, "from"));
	MUST(!semctl(set, 0, SETVAL, (union semun){ .val = 42 }));
}

static void get_value(struct scene *scene)
{
	MUST(semctl(set, 0, GETVAL) == 42);
	put_file(in(scene, "to"), "x");
}

CASE(sem_value, "IPC", "SysV semaphore: SETVAL, GETVAL", "sem_set, sem_read",
     "process to semaphore: write; semaphore to process: read; data")

ACT(sem_value)
{
	make_set(scene, 0);
	run(scene, 0, set_value);
	run(scene, 1, get_value);
	remove_set();
}

CHECK(sem_value)
{
	const int setter = process(scene, graph, 0, 0), node = graph_to(graph, setter, "write");

	EXPECT(!strcmp(graph_string(graph, node, "kind"), "sem"));
	EXPECT_EDGES(setter, node, "write", "data", 1);
	EXPECT_EDGES(node, process(scene, graph, 1, 0), "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(process(scene, graph, 1, 0), setter);
}

CASE(sem_values, "IPC", "SysV semaphores: SETALL, semop, GETALL", "sem_set, sem_operated, sem_read",
     "who changed a value and who set all to who gets all; data")

static void set_all(struct scene *scene)
{
	unsigned short values[2] = { 1, 2 };

	take_file(in(scene, "from"));
	MUST(!semctl(set, 0, SETALL, (union semun){ .array = values }));
}

static void add_to_value(struct scene *scene)
{
	take_file(in(scene, "other"));
	operate(5);
}

static void get_all(struct scene *scene)
{
	unsigned short values[2];

	MUST(!semctl(set, 0, GETALL, (union semun){ .array = values }));
	MUST(values[0] == 6);
	put_file(in(scene, "to"), "x");
}

ACT(sem_values)
{
	make_set(scene, 0);
	put_file(in(scene, "other"), "o");
	run(scene, 0, set_all);
	run(scene, 1, add_to_value);
	run(scene, 2, get_all);
	remove_set();
}

CHECK(sem_values)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "other"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), process(scene, graph, 1, 0));
}

CASE(sem_lock, "IPC", "two processes that use a SysV semaphore as a lock, in turn", "sem_operated",
     "semaphore to process: semop, control, a few; neither comes from the other")

static void lock_in_turn(struct scene *scene)
{
	take_file(in(scene, "from"));
	for (int i = 0; i < 50; i++) {
		await();
		operate(-1);
		operate(1);
		told();
	}
}

ACT(sem_lock)
{
	make_set(scene, 1);
	actor(scene, 0, lock_in_turn);
	actor(scene, 1, lock_in_turn);
	for (int i = 0; i < 50; i++) {
		step(scene, 0);
		step(scene, 1);
	}
	finish(scene, 0);
	finish(scene, 1);
	remove_set();
}

CHECK(sem_lock)
{
	const int one = process(scene, graph, 0, 0), two = process(scene, graph, 1, 0);
	const int node = graph_to(graph, one, "write");

	EXPECT_EDGES(one, node, "write", "data", 1);
	EXPECT_EDGES(two, node, "write", "data", 1);
	EXPECT(graph_count(graph, node, one, "semop", "control") >= 2);
	EXPECT(graph_count(graph, node, one, "semop", "control") < 6, "%d",
	       graph_count(graph, node, one, "semop", "control"));
	EXPECT_EDGE(node, two, "semop", "control");
	EXPECT_NOT_REACHES(one, two);
	EXPECT_NOT_REACHES(two, one);
}

CASE(sem_waits, "IPC", "a semop that waits until another process changes the value",
     "sem_operated", "semaphore to who waited: semop, control; a failed one leaves none")

static void wait_for_value(struct scene *scene)
{
	told();
	operate(-1);
	put_file(in(scene, "to"), "x");
}

static void raise_value(struct scene *scene)
{
	take_file(in(scene, "from"));
	operate(1);
}

static void try_value(struct scene *scene)
{
	struct sembuf op = { .sem_op = -1, .sem_flg = IPC_NOWAIT };

	MUST(semop(set, &op, 1) < 0 && errno == EAGAIN);
	put_file(in(scene, "tried"), "x");
}

ACT(sem_waits)
{
	make_set(scene, 0);
	run(scene, 2, try_value);
	actor(scene, 0, wait_for_value);
	done(scene, 0);
	blocked(scene, 0);
	run(scene, 1, raise_value);
	finish(scene, 0);
	remove_set();
}

CHECK(sem_waits)
{
	const int waiter = process(scene, graph, 0, 0), raiser = process(scene, graph, 1, 0);
	const int node = graph_to(graph, raiser, "write");

	EXPECT_EDGES(node, waiter, "semop", "control", 1);
	EXPECT_EDGES(waiter, node, "write", "data", 1);
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NO_EDGE(node, process(scene, graph, 2, 0), "semop");
	EXPECT_NO_DATA(process(scene, graph, 2, 0), node);
}

CASE(sem_threads, "IPC",
     "a thread operates on a SysV semaphore while another one of its process learns",
     "sem_operated, sem_read", "what was learnt reaches who gets the value after the next semop")

#define SEM_ROUNDS	40
#define SEM_FILES	25

static void name_learnt(char name[16], int round, int number)
{
	snprintf(name, 16, "from-%d-%d", round, number);
}

static int learnt_fd[SEM_FILES];
static volatile bool has_learnt;

/* Each of them makes the next semop() one that has something to tell, before the next comes. */
static void *learn(void *data)
{
	char byte;

	for (int i = 0; i < SEM_FILES; i++)
		MUST(read(learnt_fd[i], &byte, 1) == 1);
	has_learnt = true;
	return data;
}

static void operate_and_learn(struct scene *scene)
{
	for (int i = 0; i < SEM_ROUNDS; i++) {
		pthread_t thread;
		char name[16];

		await();
		for (int j = 0; j < SEM_FILES; j++) {
			name_learnt(name, i, j);
			learnt_fd[j] = open(in(scene, name), O_RDONLY);
			MUST(learnt_fd[j] >= 0);
		}
		has_learnt = false;
		MUST(!pthread_create(&thread, NULL, learn, NULL));
		while (!has_learnt)
			operate(1);
		operate(1);
		MUST(!pthread_join(thread, NULL));
		for (int j = 0; j < SEM_FILES; j++)
			close(learnt_fd[j]);
		told();
	}
}

static void get_each_value(struct scene *scene)
{
	char name[16];

	for (int i = 0; i < SEM_ROUNDS; i++) {
		await();
		MUST(semctl(set, 0, GETVAL) > 0);
		snprintf(name, sizeof(name), "to-%d", i);
		put_file(in(scene, name), "x");
		MUST(!semctl(set, 0, SETVAL, (union semun){ .val = 0 }));
		told();
	}
}

ACT(sem_threads)
{
	char name[16];

	make_set(scene, 0);
	for (int i = 0; i < SEM_ROUNDS * SEM_FILES; i++) {
		name_learnt(name, i / SEM_FILES, i % SEM_FILES);
		put_file(in(scene, name), "f");
	}
	actor(scene, 0, operate_and_learn);
	actor(scene, 1, get_each_value);
	for (int i = 0; i < SEM_ROUNDS; i++) {
		step(scene, 0);
		step(scene, 1);
	}
	finish(scene, 0);
	finish(scene, 1);
	remove_set();
}

CHECK(sem_threads)
{
	int learnt, before = NO_NODE;
	char name[16];

	for (int i = 0; i < SEM_ROUNDS; i++) {
		/* If an earlier one is missed, so is the last. */
		name_learnt(name, i, SEM_FILES - 1);
		learnt = file(scene, graph, name);
		snprintf(name, sizeof(name), "to-%d", i);
		EXPECT_REACHES(learnt, file(scene, graph, name));
		/* Who has got the value before has nothing of it. */
		if (i)
			EXPECT_NOT_REACHES(learnt, before);
		before = file(scene, graph, name);
	}
}

/*
 * Files without an inode of their own
 */

static void add_to_event(struct scene *scene)
{
	const uint64_t one = 1;

	take_file(in(scene, "from"));
	MUST(write(scene->fd[0], &one, sizeof(one)) == sizeof(one));
}

static void take_event(struct scene *scene)
{
	uint64_t value;

	MUST(read(scene->fd[0], &value, sizeof(value)) == sizeof(value));
	put_file(in(scene, "to"), "x");
}

static void use_other_event(struct scene *scene)
{
	uint64_t value = 1;

	MUST(write(scene->fd[1], &value, sizeof(value)) == sizeof(value));
	MUST(read(scene->fd[1], &value, sizeof(value)) == sizeof(value));
	put_file(in(scene, "elsewhere"), "x");
}

CASE(eventfd, "IPC", "eventfd: written by one process, read by another; a second one",
     "file_written, file_read", "process to eventfd to process, data; not through the other")

ACT(eventfd)
{
	put_file(in(scene, "from"), "f");
	scene->fd[0] = eventfd(0, 0);
	scene->fd[1] = eventfd(0, 0);
	run(scene, 0, add_to_event);
	run(scene, 1, take_event);
	run(scene, 2, use_other_event);
}

CHECK(eventfd)
{
	const int writer = process(scene, graph, 0, 0), reader = process(scene, graph, 1, 0);
	const int node = graph_to(graph, writer, "write");

	EXPECT(!strcmp(graph_string(graph, node, "kind"), "anon"));
	EXPECT(!strcmp(graph_string(graph, node, "name"), "anon_inode:[eventfd]"), "%s",
	       graph_string(graph, node, "name"));
	EXPECT_EDGES(writer, node, "write", "data", 1);
	EXPECT_EDGES(node, reader, "read", "data", 1);
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "from"), file(scene, graph, "elsewhere"));
	EXPECT_NOT_REACHES(reader, writer);
}

CASE(eventfd_waited_for, "IPC", "eventfd: readers that wait, with each write news, and a loop",
     "file_permission, file_read", "each reader comes from its writer; a loop leaves one edge")

static void take_two_events(struct scene *scene)
{
	uint64_t value;

	told();
	MUST(read(scene->fd[0], &value, sizeof(value)) == sizeof(value));
	put_file(in(scene, "to"), "x");
	told();
	MUST(read(scene->fd[0], &value, sizeof(value)) == sizeof(value));
	put_file(in(scene, "to-late"), "x");
}

static void add_late_event(struct scene *scene)
{
	const uint64_t one = 1;

	take_file(in(scene, "late"));
	MUST(write(scene->fd[0], &one, sizeof(one)) == sizeof(one));
}

static void add_many_events(struct scene *scene)
{
	const uint64_t one = 1;

	for (int i = 0; i < 100; i++)
		MUST(write(scene->fd[0], &one, sizeof(one)) == sizeof(one));
}

ACT(eventfd_waited_for)
{
	put_file(in(scene, "from"), "f");
	put_file(in(scene, "late"), "l");
	scene->fd[0] = eventfd(0, 0);
	actor(scene, 0, take_two_events);
	done(scene, 0);
	blocked(scene, 0);
	run(scene, 1, add_to_event);
	done(scene, 0);
	blocked(scene, 0);
	run(scene, 2, add_late_event);
	finish(scene, 0);
	run(scene, 3, add_many_events);
}

CHECK(eventfd_waited_for)
{
	EXPECT_REACHES(file(scene, graph, "from"), file(scene, graph, "to"));
	EXPECT_NOT_REACHES(file(scene, graph, "late"), file(scene, graph, "to"));
	EXPECT_REACHES(file(scene, graph, "late"), file(scene, graph, "to-late"));
	EXPECT_EDGES(process(scene, graph, 3, 0), ANY, "write", "data", 1);
}

CASE(timerfd, "IPC", "timerfd, read twice", "file_read", "timer to process: read, data; one")

static void wait_for_timer(struct scene *scene)
{
	const struct itimerspec timer = {
		.it_value = { .tv_nsec = 1000000 }, .it_interval = { .tv_nsec = 1000000 },
	};
	const int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t value;

	MUST(!timerfd_settime(fd, 0, &timer, NULL));
	for (int i = 0; i < 2; i++)
		MUST(read(fd, &value, sizeof(value)) == sizeof(value));
	put_file(in(scene, "to"), "x");
}

ACT(timerfd)
{
	run(scene, 0, wait_for_timer);
}

CHECK(timerfd)
{
	const int reader = process(scene, graph, 0, 0), node = graph_from(graph, reader, "read");

	EXPECT(!strcmp(graph_string(graph, node, "name"), "anon_inode:[timerfd]"), "%s",
	       graph_string(graph, node, "name"));
	EXPECT_EDGES(node, reader, "read", "data", 1);
	EXPECT_EDGES(reader, ANY, "write", "data", 1);
}
