// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that are switched by the test
 */
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "switch.h"

enum {
	MAX_CHOICES	= 4000,
	STACK_BYTES	= 64 * 1024,
};

/**
 * struct thread - a thread
 * @context: where it is
 * @stack: its stack
 * @waits: the lock that it needs to go on, or NULL
 * @finished: it has done all
 */
struct thread {
	ucontext_t context;
	char stack[STACK_BYTES];
	spinlock_t *waits;
	bool finished;
};

static struct thread thread[MAX_THREADS];
static ucontext_t scheduler;

/* The run that is going on; outside of one nothing is switched. */
static struct {
	bool going_on;
	int threads, preemptions;
	int current;
	int preempted;
	void (*body)(int thread);
	const char *error;
} now;

/*
 * The decisions of the run, in order.  Those up to @fixed repeat the run before;
 * after them the first alternative is taken.
 */
static struct {
	int made, fixed;
	u8 taken[MAX_CHOICES], possible[MAX_CHOICES];
} choices;

void switch_fail(const char *what)
{
	if (!now.error)
		now.error = what;
}

const char *switch_error(void)
{
	return now.error;
}

static int choose(int possible)
{
	const int i = choices.made++;

	if (i == MAX_CHOICES) {
		printf("Bail out! a run has more decisions than there is room for\n");
		exit(1);
	}
	if (i >= choices.fixed)
		choices.taken[i] = 0;
	choices.possible[i] = possible;
	return choices.taken[i];
}

void switch_first(void)
{
	choices.made = 0;
	choices.fixed = 0;
}

bool switch_next(void)
{
	int i;

	for (i = choices.made - 1; i >= 0; i--) {
		if (choices.taken[i] + 1 < choices.possible[i]) {
			choices.taken[i]++;
			choices.fixed = i + 1;
			return true;
		}
	}
	return false;
}

void switch_print(void)
{
	int i;

	printf("# decisions:");
	for (i = 0; i < choices.made; i++)
		printf(" %d", choices.taken[i]);
	printf("\n");
}

static bool runnable(const struct thread *t)
{
	return !t->finished && !(t->waits && t->waits->held);
}

static int others_runnable(int able[MAX_THREADS])
{
	int n = 0, i;

	for (i = 0; i < now.threads; i++)
		if (i != now.current && runnable(&thread[i]))
			able[n++] = i;
	return n;
}

/* Chooses among the others; -1 if none can go on. */
static int other_thread(void)
{
	int able[MAX_THREADS];
	const int n = others_runnable(able);

	if (!n)
		return -1;
	return able[n > 1 ? choose(n) : 0];
}

static void switch_to(int next)
{
	struct thread *const from = &thread[now.current];

	now.current = next;
	swapcontext(&from->context, &thread[next].context);
}

void port_point(void)
{
	int able[MAX_THREADS], n, next;

	if (!now.going_on || now.preempted == now.preemptions)
		return;
	n = others_runnable(able);
	if (!n)
		return;
	/* The first alternative is to go on. */
	next = choose(n + 1);
	if (!next)
		return;
	now.preempted++;
	switch_to(able[next - 1]);
}

void port_lock(spinlock_t *lock, bool nested)
{
	(void)nested;
	port_point();
	while (lock->held) {
		int next;

		thread[now.current].waits = lock;
		next = other_thread();
		if (next < 0) {
			switch_fail("the threads wait for each other");
			setcontext(&scheduler);
		}
		switch_to(next);
		thread[now.current].waits = NULL;
	}
	lock->held = true;
}

void port_unlock(spinlock_t *lock)
{
	lock->held = false;
}

static void run_thread(int index)
{
	int i, next;

	now.body(index);
	thread[index].finished = true;
	next = other_thread();
	if (next >= 0)
		switch_to(next);
	for (i = 0; i < now.threads; i++)
		if (!thread[i].finished)
			switch_fail("a thread waits for a lock that is not released");
	setcontext(&scheduler);
}

static void start_thread(int index)
{
	struct thread *const t = &thread[index];

	t->waits = NULL;
	t->finished = false;
	getcontext(&t->context);
	t->context.uc_stack.ss_sp = t->stack;
	t->context.uc_stack.ss_size = sizeof(t->stack);
	t->context.uc_link = NULL;
	makecontext(&t->context, (void (*)(void))run_thread, 1, index);
}

void switch_run(int threads, int preemptions, void (*body)(int thread))
{
	volatile bool back = false;
	int i;

	now.threads = threads;
	now.preemptions = preemptions;
	now.preempted = 0;
	now.body = body;
	now.error = NULL;
	choices.made = 0;
	for (i = 0; i < threads; i++)
		start_thread(i);
	/* Threads come back here when all is over, or nothing goes on. */
	getcontext(&scheduler);
	if (back) {
		now.going_on = false;
		return;
	}
	back = true;
	now.going_on = true;
	now.current = choose(threads);
	setcontext(&thread[now.current].context);
}
