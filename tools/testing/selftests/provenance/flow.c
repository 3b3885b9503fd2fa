// SPDX-License-Identifier: GPL-2.0
#include "flow.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIG_GO		SIGRTMIN
#define SIG_TOLD	(SIGRTMIN + 1)

static struct flow_case *first_case, **last_case = &first_case;
static struct flow_case *current_case;

void flow_register(struct flow_case *flow_case)
{
	*last_case = flow_case;
	last_case = &flow_case->next;
}

bool flow_expect(bool condition, const char *file, int line, const char *what,
		 const char *format, ...)
{
	va_list args;

	if (condition)
		return true;
	current_case->failed = true;
	printf("# %s: %s:%d: not so: %s", current_case->name, file, line, what);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	return false;
}

void flow_skip(const char *reason)
{
	current_case->skip = reason;
}

void flow_die(const char *file, int line, const char *what)
{
	printf("# %s: %s:%d: in a child: not so: %s (errno: %s)\n", current_case->name, file,
	       line, what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static pid_t begin_child(struct scene *scene, actor_fn fn)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	fn(scene);
	fflush(stdout);
	_exit(0);
}

void finish(struct scene *scene, int role)
{
	int status;

	if (!EXPECT(waitpid(scene->pid[role], &status, 0) == scene->pid[role]))
		return;
	EXPECT(WIFEXITED(status) && !WEXITSTATUS(status), "role %d ended with %#x", role, status);
}

void run(struct scene *scene, int role, actor_fn fn)
{
	scene->pid[role] = begin_child(scene, fn);
	finish(scene, role);
}

void actor(struct scene *scene, int role, actor_fn fn)
{
	scene->pid[role] = begin_child(scene, fn);
}

/* Return: who sent the signal, or 0 if nobody does in so many seconds. */
static pid_t wait_signal(int number, unsigned int seconds)
{
	const struct timespec limit = { .tv_sec = seconds };
	siginfo_t info;
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, number);
	/* A tracer that comes and goes interrupts it. */
	do {
		got = sigtimedwait(&set, &info, &limit);
	} while (got < 0 && errno == EINTR);
	return got == number ? info.si_pid : 0;
}

void go(struct scene *scene, int role)
{
	EXPECT(!kill(scene->pid[role], SIG_GO));
}

/* An actor that has ended says nothing more. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid == pid;
}

void done(struct scene *scene, int role)
{
	for (int i = 0; !scene->told[role]; i++) {
		const bool ended = has_ended(scene->pid[role]);
		const pid_t pid = wait_signal(SIG_TOLD, !ended);

		if (!EXPECT(pid || (!ended && i < STEP_SECONDS),
			    "role %d did not say told(), and has%s ended", role,
			    ended ? "" : " not"))
			return;
		for (int j = 0; j < ROLES; j++)
			scene->told[j] += pid && scene->pid[j] == pid;
	}
	scene->told[role]--;
}

void step(struct scene *scene, int role)
{
	go(scene, role);
	done(scene, role);
}

void await(void)
{
	MUST(wait_signal(SIG_GO, STEP_SECONDS));
}

void told(void)
{
	MUST(!kill(getppid(), SIG_TOLD));
}

static char task_state(pid_t pid)
{
	char path[64], line[512] = "", *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	end = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	return end ? end[2] : 0;
}

void blocked(struct scene *scene, int role)
{
	int sleeps = 0;

	/* It could wait for a lock, for a moment. */
	for (int i = 0; sleeps < 5 && i < STEP_SECONDS * 50; i++) {
		sleeps = task_state(scene->pid[role]) == 'S' ? sleeps + 1 : 0;
		pause_ms(20);
	}
	EXPECT(sleeps == 5, "role %d does not block", role);
}

void pause_ms(unsigned int ms)
{
	const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}

const char *in(const struct scene *scene, const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned int next;
	char *const path = paths[next++ % 8];

	snprintf(path, PATH_MAX, "%s/%s", scene->dir, name);
	return path;
}

void put_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	MUST(fd >= 0);
	MUST(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

void take_file(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buffer[4096];
	ssize_t got;

	MUST(fd >= 0);
	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		;
	MUST(!got);
	close(fd);
}

int process(const struct scene *scene, const struct graph *graph, int role, int nth)
{
	return graph_image(graph, scene->pid[role], nth);
}

int file(const struct scene *scene, const struct graph *graph, const char *name)
{
	return graph_path(graph, in(scene, name));
}

static const char *id_text(const struct graph *graph, int node)
{
	return node == ANY ? "any" : graph_id(graph, node);
}

void expect_edge(const struct graph *graph, int from, int to, const char *op,
		 const char *class, int count, const char *where, int line)
{
	const int found = from == NO_NODE || to == NO_NODE ? 0 :
			  graph_count(graph, from, to, op, class);

	if (count ? found == count : found > 0)
		return;
	current_case->failed = true;
	printf("# %s: %s:%d: %d %s edges (%s) from node %s to node %s, but %s%d expected\n",
	       current_case->name, where, line, found, op, class, id_text(graph, from),
	       id_text(graph, to), count ? "" : "at least ", count ?: 1);
}

void expect_no_edge(const struct graph *graph, int from, int to, const char *op,
		    const char *class, const char *where, int line)
{
	const bool there = from != NO_NODE && to != NO_NODE;
	const int found = there ? graph_count(graph, from, to, op, class) : 0;

	if (there && !found)
		return;
	current_case->failed = true;
	printf("# %s: %s:%d: %d %s edges from node %s to node %s, but none expected\n",
	       current_case->name, where, line, found, op ?: class ?: "",
	       id_text(graph, from), id_text(graph, to));
}

void expect_path(const struct graph *graph, int from, int to, bool there, const char *where,
		 int line)
{
	if (from != NO_NODE && to != NO_NODE && graph_reaches(graph, from, to) == there)
		return;
	current_case->failed = true;
	printf("# %s: %s:%d: %s path of data from node %s to node %s\n", current_case->name,
	       where, line, there ? "no" : "unexpected", graph_id(graph, from),
	       graph_id(graph, to));
}

static void perform(struct flow_case *flow_case, const char *top)
{
	struct scene *const scene = &flow_case->scene;

	current_case = flow_case;
	snprintf(scene->dir, sizeof(scene->dir), "%s/%.24s", top, flow_case->name);
	EXPECT(!mkdir(scene->dir, 0777));
	flow_case->act(scene);
	for (size_t i = 0; i < sizeof(scene->fd) / sizeof(*scene->fd); i++)
		if (scene->fd[i] > 0)
			close(scene->fd[i]);
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIG_GO);
	sigaddset(&set, SIG_TOLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int list_cases(void)
{
	for (const struct flow_case *c = first_case; c; c = c->next)
		printf("%s\t%s\t%s\t%s\t%s\n", c->name, c->area, c->flow, c->hooks, c->edges);
	return 0;
}

int main(int argc, char **argv)
{
	const char *const only = argc > 1 ? argv[1] : NULL;
	const time_t since = time(NULL) - 1;
	char top[] = "/var/tmp/flow-XXXXXX";
	int count = 0, number = 0, failed = 0;
	struct graph *graph = NULL;

	if (only && !strcmp(only, "--list"))
		return list_cases();
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	if (!mkdtemp(top) || chmod(top, 0755)) {
		printf("Bail out! cannot make a directory: %s\n", strerror(errno));
		return 1;
	}
	block_signals();
	for (struct flow_case *c = first_case; c; c = c->next)
		count += !only || !strcmp(only, c->name);
	printf("TAP version 13\n1..%d\n", count);
	for (struct flow_case *c = first_case; c; c = c->next)
		if (!only || !strcmp(only, c->name))
			perform(c, top);
	if (!graph_sync())
		graph = graph_load(since);
	for (struct flow_case *c = first_case; c; c = c->next) {
		if (only && strcmp(only, c->name))
			continue;
		current_case = c;
		if (!c->skip && EXPECT(graph, "the graph cannot be read"))
			c->check(&c->scene, graph);
		if (c->skip && !c->failed)
			printf("ok %d %s # SKIP %s\n", ++number, c->name, c->skip);
		else
			printf("%sok %d %s\n", c->failed ? "not " : "", ++number, c->name);
		failed += c->failed;
	}
	graph_free(graph);
	return failed ? 1 : 0;
}
