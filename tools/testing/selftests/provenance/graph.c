// SPDX-License-Identifier: GPL-2.0
#include "graph.h"

#include <dirent.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct edge {
	int from, to;
	unsigned int from_version, to_version;
	char op[16];
	char class[8];
	json_t *refusal;	/* of a refused edge: the line */
};

struct graph {
	json_t *nodes;		/* array of objects */
	json_t *numbers;	/* id to index in @nodes */
	struct edge *edges;
	size_t edge_count, edge_room;
	long lost;
};

static void complain(const char *what)
{
	printf("# %s: %s\n", what, strerror(errno));
}

int run_tool(char **output, const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	size_t bytes = 0, room = 65536;
	int ends[2], status, err;
	ssize_t got;
	pid_t pid;

	*output = NULL;
	if (pipe(ends))
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	posix_spawn_file_actions_addclose(&actions, ends[1]);
	err = posix_spawnp(&pid, argv[0], &actions, NULL, (char **)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (err) {
		close(ends[0]);
		errno = err;
		complain(argv[0]);
		return -1;
	}
	*output = malloc(room);
	while (*output && (got = read(ends[0], *output + bytes, room - bytes - 1)) > 0) {
		bytes += got;
		if (bytes + 1 == room) {
			room *= 2;
			*output = realloc(*output, room);
		}
	}
	close(ends[0]);
	if (*output)
		(*output)[bytes] = '\0';
	if (waitpid(pid, &status, 0) != pid || !*output)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Number of the newest sealed segment, or -1. */
static long newest_sealed(void)
{
	DIR *const dir = opendir(LOG_DIR);
	const struct dirent *entry;
	long newest = -1;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)) != NULL) {
		long number;
		int end = 0;

		if (sscanf(entry->d_name, "segment-%16ld.plog%n", &number, &end) == 1 &&
		    end && !entry->d_name[end] && number > newest)
			newest = number;
	}
	closedir(dir);
	return newest;
}

int graph_sync(void)
{
	const char *const rotate[] = { "provctl", "rotate", NULL };
	const struct timespec pause = { .tv_nsec = 50000000 };
	const long before = newest_sealed();
	char *output;
	int status;

	status = run_tool(&output, rotate);
	free(output);
	if (status) {
		printf("# provctl rotate ended with %d\n", status);
		return -1;
	}
	for (int i = 0; i < 600; i++) {
		if (newest_sealed() > before)
			return 0;
		nanosleep(&pause, NULL);
	}
	printf("# the recorder did not seal its segment within 30 seconds\n");
	return -1;
}

/* "ID@VERSION": the index of the node, and its version. */
static int parse_vertex(const struct graph *graph, const char *text, unsigned int *version)
{
	const char *const at = strrchr(text, '@');
	char id[32];

	if (!at || at - text >= (ptrdiff_t)sizeof(id))
		return NO_NODE;
	memcpy(id, text, at - text);
	id[at - text] = '\0';
	if (version)
		*version = strtoul(at + 1, NULL, 10);
	return json_is_integer(json_object_get(graph->numbers, id)) ?
	       (int)json_integer_value(json_object_get(graph->numbers, id)) : NO_NODE;
}

static void add_node(struct graph *graph, json_t *line)
{
	const char *const text = json_string_value(json_object_get(line, "node"));
	char id[32];

	snprintf(id, sizeof(id), "%.*s", (int)strcspn(text, "@"), text);
	if (json_object_get(graph->numbers, id))
		return;
	json_object_set_new(line, "id", json_string(id));
	json_object_set_new(graph->numbers, id, json_integer(json_array_size(graph->nodes)));
	json_array_append(graph->nodes, line);
}

static bool add_edge(struct graph *graph, const json_t *line)
{
	const char *const op = json_string_value(json_object_get(line, "edge"));
	const char *const class = json_string_value(json_object_get(line, "class"));
	const char *const from = json_string_value(json_object_get(line, "from"));
	const char *const to = json_string_value(json_object_get(line, "to"));
	struct edge *edge;

	if (!op || !class || !from || !to)
		return false;
	/* Reachability knows that versions follow each other. */
	if (!strcmp(class, "version"))
		return true;
	if (graph->edge_count == graph->edge_room) {
		const size_t room = graph->edge_room * 2 + 1024;
		struct edge *const more = realloc(graph->edges, room * sizeof(*more));

		if (!more)
			return false;
		graph->edges = more;
		graph->edge_room = room;
	}
	edge = &graph->edges[graph->edge_count++];
	snprintf(edge->op, sizeof(edge->op), "%s", op);
	snprintf(edge->class, sizeof(edge->class), "%s", class);
	edge->from = parse_vertex(graph, from, &edge->from_version);
	edge->to = parse_vertex(graph, to, &edge->to_version);
	edge->refusal = strcmp(op, "refused") ? NULL : json_incref((json_t *)line);
	return edge->from != NO_NODE && edge->to != NO_NODE;
}

/* Later versions of a node say the same of it again: not worth parsing. */
static bool is_known_node(const struct graph *graph, const char *line)
{
	static const char begin[] = "{\"node\":\"";
	char id[32];
	size_t length;

	if (strncmp(line, begin, sizeof(begin) - 1))
		return false;
	line += sizeof(begin) - 1;
	length = strcspn(line, "@\"");
	if (length >= sizeof(id))
		return false;
	memcpy(id, line, length);
	id[length] = '\0';
	return json_object_get(graph->numbers, id) != NULL;
}

static bool add_line(struct graph *graph, const char *text)
{
	json_error_t error;
	json_t *line;
	bool ok = true;

	if (is_known_node(graph, text))
		return true;
	/* A path can have any byte but NUL, which provq escapes. */
	line = json_loads(text, JSON_ALLOW_NUL, &error);
	if (!line) {
		printf("# provq printed no JSON: %s: %.200s\n", error.text, text);
		return false;
	}
	if (json_object_get(line, "node"))
		add_node(graph, line);
	else if (json_object_get(line, "edge"))
		ok = add_edge(graph, line);
	else if (json_object_get(line, "end"))
		graph->lost = json_integer_value(json_object_get(line, "lost"));
	if (!ok)
		printf("# an edge that says too little: %.200s\n", text);
	json_decref(line);
	return ok;
}

struct graph *graph_load(time_t since)
{
	char when[32], *output, *line, *rest;
	const char *const export[] = { "provq", "-d", LOG_DIR, "export", "--json", "--since", when,
				       NULL };
	struct graph *graph;
	int status;
	bool ok = true;

	snprintf(when, sizeof(when), "@%lld", (long long)since);
	status = run_tool(&output, export);
	graph = calloc(1, sizeof(*graph));
	if (status || !graph) {
		printf("# provq export ended with %d\n", status);
		free(output);
		free(graph);
		return NULL;
	}
	graph->nodes = json_array();
	graph->numbers = json_object();
	graph->lost = -1;
	for (line = strtok_r(output, "\n", &rest); line && ok; line = strtok_r(NULL, "\n", &rest))
		ok = add_line(graph, line);
	free(output);
	if (ok && graph->lost >= 0)
		return graph;
	printf("# provq's answer is not complete\n");
	graph_free(graph);
	return NULL;
}

void graph_free(struct graph *graph)
{
	if (!graph)
		return;
	json_decref(graph->nodes);
	json_decref(graph->numbers);
	for (size_t i = 0; i < graph->edge_count; i++)
		json_decref(graph->edges[i].refusal);
	free(graph->edges);
	free(graph);
}

long graph_lost(const struct graph *graph)
{
	return graph->lost;
}

const json_t *graph_node(const struct graph *graph, int node)
{
	return node < 0 ? NULL : json_array_get(graph->nodes, node);
}

const char *graph_string(const struct graph *graph, int node, const char *key)
{
	const char *const text =
		json_string_value(json_object_get(graph_node(graph, node), key));

	return text ? text : "";
}

long graph_integer(const struct graph *graph, int node, const char *key)
{
	const json_t *const value = json_object_get(graph_node(graph, node), key);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

const char *graph_id(const struct graph *graph, int node)
{
	return node < 0 ? "none" : graph_string(graph, node, "id");
}

/* Times are of one form, so that they compare as texts. */
static bool is_before(const struct graph *graph, int a, int b)
{
	return strcmp(graph_string(graph, a, "first"), graph_string(graph, b, "first")) < 0;
}

static bool is_process(const struct graph *graph, int node, pid_t pid)
{
	return !strcmp(graph_string(graph, node, "kind"), "process") &&
	       graph_integer(graph, node, "pid") == pid;
}

int graph_images(const struct graph *graph, pid_t pid)
{
	const int count = json_array_size(graph->nodes);
	int images = 0;

	for (int i = 0; i < count; i++)
		images += is_process(graph, i, pid);
	return images;
}

int graph_image(const struct graph *graph, pid_t pid, int nth)
{
	const int count = json_array_size(graph->nodes);

	for (int i = 0; i < count; i++) {
		int earlier = 0;

		if (!is_process(graph, i, pid))
			continue;
		for (int j = 0; j < count; j++)
			earlier += is_process(graph, j, pid) && is_before(graph, j, i);
		if (earlier == nth)
			return i;
	}
	return NO_NODE;
}

/* How often the node had the path by the event; both can be NULL for any. */
static int path_events(const struct graph *graph, int node, const char *path, const char *event)
{
	const json_t *const paths = json_object_get(graph_node(graph, node), "paths");
	const json_t *item;
	size_t i;
	int count = 0;

	json_array_foreach((json_t *)paths, i, item) {
		const char *const is = json_string_value(json_object_get(item, "path"));
		const char *const by = json_string_value(json_object_get(item, "event"));

		count += is && by && (!path || !strcmp(is, path)) &&
			 (!event || !strcmp(by, event));
	}
	return count;
}

int graph_path(const struct graph *graph, const char *path)
{
	const int count = json_array_size(graph->nodes);
	int found = NO_NODE;

	for (int i = 0; i < count; i++)
		if (path_events(graph, i, path, NULL) &&
		    (found == NO_NODE || is_before(graph, found, i)))
			found = i;
	return found;
}

bool graph_has_path(const struct graph *graph, int node, const char *path, const char *event)
{
	return path_events(graph, node, path, event) > 0;
}

int graph_path_events(const struct graph *graph, int node)
{
	return path_events(graph, node, NULL, NULL);
}

int graph_inode(const struct graph *graph, dev_t dev, ino_t ino)
{
	const int count = json_array_size(graph->nodes);
	int found = NO_NODE;
	char text[32];

	snprintf(text, sizeof(text), "%u:%u", major(dev), minor(dev));
	for (int i = 0; i < count; i++)
		if (!strcmp(graph_string(graph, i, "dev"), text) &&
		    graph_integer(graph, i, "ino") == (long)ino &&
		    (found == NO_NODE || is_before(graph, found, i)))
			found = i;
	return found;
}

static bool has_remote(const struct graph *graph, int node, const char *remote)
{
	const json_t *const remotes = json_object_get(graph_node(graph, node), "remotes");
	const json_t *item;
	size_t i;

	if (!strcmp(graph_string(graph, node, "remote"), remote))
		return true;
	json_array_foreach((json_t *)remotes, i, item)
		if (!strcmp(json_string_value(item), remote))
			return true;
	return false;
}

int graph_socket(const struct graph *graph, const char *protocol, const char *local,
		 const char *remote)
{
	const int count = json_array_size(graph->nodes);
	int found = NO_NODE;

	for (int i = 0; i < count; i++)
		if (!strcmp(graph_string(graph, i, "kind"), "socket") &&
		    !strcmp(graph_string(graph, i, "protocol"), protocol) &&
		    (!local || !strcmp(graph_string(graph, i, "local"), local)) &&
		    (!remote || has_remote(graph, i, remote)) &&
		    (found == NO_NODE || is_before(graph, found, i)))
			found = i;
	return found;
}

int graph_unix(const struct graph *graph, const char *name, bool abstract)
{
	const int count = json_array_size(graph->nodes);
	int found = NO_NODE;

	for (int i = 0; i < count; i++)
		if (!strcmp(graph_string(graph, i, "family"), "unix") &&
		    !strcmp(graph_string(graph, i, abstract ? "abstract" : "path"), name) &&
		    (found == NO_NODE || is_before(graph, found, i)))
			found = i;
	return found;
}

int graph_named(const struct graph *graph, const char *kind, const char *name)
{
	const int count = json_array_size(graph->nodes);
	int found = NO_NODE;

	for (int i = 0; i < count; i++)
		if (!strcmp(graph_string(graph, i, "kind"), kind) &&
		    !strcmp(graph_string(graph, i, "name"), name) &&
		    (found == NO_NODE || is_before(graph, found, i)))
			found = i;
	return found;
}

int graph_peer(const struct graph *graph, int node)
{
	const int count = json_array_size(graph->nodes);

	if (node < 0)
		return NO_NODE;
	/* The record names both, and provq says it of the first. */
	for (int i = 0; i < count; i++)
		if (!strcmp(graph_string(graph, i, "peer"), graph_id(graph, node)) ||
		    !strcmp(graph_string(graph, node, "peer"), graph_id(graph, i)))
			return i;
	return NO_NODE;
}

static bool matches(const struct edge *edge, int from, int to, const char *op, const char *class)
{
	return (from == ANY || edge->from == from) && (to == ANY || edge->to == to) &&
	       (!op || !strcmp(edge->op, op)) && (!class || !strcmp(edge->class, class));
}

int graph_count(const struct graph *graph, int from, int to, const char *op, const char *class)
{
	int count = 0;

	if (from == NO_NODE || to == NO_NODE)
		return -1;
	for (size_t i = 0; i < graph->edge_count; i++)
		count += matches(&graph->edges[i], from, to, op, class);
	return count;
}

static bool says(const json_t *line, const char *key, const char *value)
{
	const char *const text = json_string_value(json_object_get(line, key));

	return !value || (text && !strcmp(text, value));
}

int graph_refused(const struct graph *graph, int from, int to, const char *hook,
		  const char *layer, const char *error)
{
	int count = 0;

	if (from == NO_NODE || to == NO_NODE)
		return -1;
	for (size_t i = 0; i < graph->edge_count; i++) {
		const json_t *const line = graph->edges[i].refusal;

		count += line && matches(&graph->edges[i], from, to, "refused", "control") &&
			 says(line, "hook", hook) && says(line, "layer", layer) &&
			 says(line, "error", error);
	}
	return count;
}

int graph_from(const struct graph *graph, int to, const char *op)
{
	for (size_t i = 0; i < graph->edge_count; i++)
		if (matches(&graph->edges[i], ANY, to, op, NULL))
			return graph->edges[i].from;
	return NO_NODE;
}

int graph_to(const struct graph *graph, int from, const char *op)
{
	for (size_t i = 0; i < graph->edge_count; i++)
		if (matches(&graph->edges[i], from, ANY, op, NULL))
			return graph->edges[i].to;
	return NO_NODE;
}

bool graph_reaches(const struct graph *graph, int from, int to)
{
	const size_t count = json_array_size(graph->nodes);
	/* The least version that was reached: all later ones are, too. */
	unsigned int *const least = malloc(count * sizeof(*least));
	bool changed = true, reached;

	if (!least || from < 0 || to < 0) {
		free(least);
		return false;
	}
	memset(least, 0xff, count * sizeof(*least));
	least[from] = 0;
	while (changed) {
		changed = false;
		for (size_t i = 0; i < graph->edge_count; i++) {
			const struct edge *const edge = &graph->edges[i];

			if (strcmp(edge->class, "data") ||
			    least[edge->from] > edge->from_version ||
			    least[edge->to] <= edge->to_version)
				continue;
			least[edge->to] = edge->to_version;
			changed = true;
		}
	}
	reached = least[to] != ~0u;
	free(least);
	return reached;
}
