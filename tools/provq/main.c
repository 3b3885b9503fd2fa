// SPDX-License-Identifier: GPL-2.0
/* The command line of provq. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "provq.h"
#include "record.h"
#include "when.h"

#define DEFAULT_LOG "/var/log/provenance"

enum option_number {
	OPT_JSON = 256, OPT_DOT, OPT_SVG, OPT_SINCE, OPT_UNTIL, OPT_DEPTH, OPT_KIND, OPT_FOLLOW,
	OPT_HIDE, OPT_NO_HIDE, OPT_ALL, OPT_PATH, OPT_EXE, OPT_ARGV, OPT_STRICT, OPT_MEMORY,
	OPT_HELP, OPT_VERSION,
};

static const struct option options[] = {
	{ "log", required_argument, NULL, 'd' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "dot", no_argument, NULL, OPT_DOT },
	{ "svg", no_argument, NULL, OPT_SVG },
	{ "since", required_argument, NULL, OPT_SINCE },
	{ "until", required_argument, NULL, OPT_UNTIL },
	{ "depth", required_argument, NULL, OPT_DEPTH },
	{ "kind", required_argument, NULL, OPT_KIND },
	{ "follow", required_argument, NULL, OPT_FOLLOW },
	{ "hide", required_argument, NULL, OPT_HIDE },
	{ "no-hide", no_argument, NULL, OPT_NO_HIDE },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "path", required_argument, NULL, OPT_PATH },
	{ "exe", required_argument, NULL, OPT_EXE },
	{ "argv", required_argument, NULL, OPT_ARGV },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "max-memory", required_argument, NULL, OPT_MEMORY },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{}
};

/* Sets of options. */
#define OPTION(number) (1u << ((number) - OPT_JSON))
#define PICTURE (OPTION(OPT_DOT) | OPTION(OPT_SVG))
#define WINDOW	(OPTION(OPT_SINCE) | OPTION(OPT_UNTIL))
#define OBJECT	(WINDOW | OPTION(OPT_ALL))
#define EDGES	(OPTION(OPT_FOLLOW) | OPTION(OPT_KIND))
#define LINEAGE	(OBJECT | EDGES | OPTION(OPT_DEPTH) | OPTION(OPT_HIDE) | PICTURE)
#define PATTERN	(OPTION(OPT_PATH) | OPTION(OPT_EXE) | OPTION(OPT_ARGV))
/* Every verb takes these, or there is nothing to leave undone. */
#define ANY_VERB (OPTION(OPT_JSON) | OPTION(OPT_NO_HIDE) | OPTION(OPT_MEMORY))

struct verb {
	const char *name;
	enum status (*run)(struct query *query);
	uint32_t uses;			/* options, besides ANY_VERB */
	int least_args;
	int most_args;
	const char *args;
	const char *what;
	const char *help;
};

static const struct verb verbs[] = {
	{ "summary", verb_summary, WINDOW,
	  0, 0, "", "what is in the log",
	  "Boots, times, segments, counts of nodes and edges, and what was lost.\n" },
	{ "ancestry", verb_ancestry, LINEAGE,
	  1, 1, "OBJ", "where an object came from",
	  "All that could have flowed into OBJ, along paths that respect time.\n" },
	{ "descendants", verb_descendants, LINEAGE,
	  1, 1, "OBJ", "what came from an object",
	  "All that OBJ could have flowed into, along paths that respect time.\n" },
	{ "path", verb_path, LINEAGE,
	  2, 2, "A B", "how one object got to another",
	  "All paths from A to B.\n" },
	{ "history", verb_history, OBJECT | EDGES | PICTURE,
	  1, 1, "FILE", "names, writers and readers of a file",
	  "What happened to a file, in order of time, all classes of edges.\n" },
	{ "tree", verb_tree, OBJECT | OPTION(OPT_KIND) | OPTION(OPT_DEPTH) | PICTURE,
	  0, 1, "[OBJ]", "processes and what they executed",
	  "The tree of processes, or that below the process OBJ, with all images.\n" },
	{ "timeline", verb_timeline, WINDOW | EDGES | PICTURE,
	  0, 0, "", "all edges in order of time",
	  "One line an edge; all classes unless --follow is given.\n" },
	{ "net", verb_net, WINDOW | EDGES | PICTURE,
	  0, 0, "", "connections and who used them",
	  "Sockets with an address, and the processes that sent, received or connected.\n" },
	{ "find", verb_find, WINDOW | OPTION(OPT_KIND) | PATTERN | PICTURE,
	  0, 64, "[PATTERN…]", "nodes by name or kind",
	  "Nodes for which each PATTERN matches a path, the binary, an argument, the whole\n"
	  "command line or an address. A pattern with *, ? or [ is a glob over the whole,\n"
	  "else a part of it. --path, --exe and --argv match only there.\n" },
	{ "verify", verb_verify, OPTION(OPT_STRICT),
	  0, 0, "", "check the log",
	  "Checksums, seals, sequence of sub-buffers, losses, descriptions, acyclicity.\n"
	  "Ends with 3 if the log is damaged; --strict: also if records were lost.\n" },
	{ "export", verb_export, WINDOW | EDGES | PICTURE,
	  0, 0, "", "everything, for other programs",
	  "All nodes and edges in the window; all classes unless --follow is given.\n" },
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

void complain(const char *format, ...)
{
	va_list args;

	fputs("provq: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	putc('\n', stderr);
}

static void usage(FILE *out)
{
	fputs("usage: provq [-d LOG] VERB [ARGUMENT…] [OPTION…]\n\n", out);
	for (size_t i = 0; i < VERBS; i++)
		fprintf(out, "  %-11s %-11s %s\n", verbs[i].name, verbs[i].args, verbs[i].what);
	fputs("\nOBJ is a path, path:PATH, path-b64:BASE64, pid:N, inode:MAJOR:MINOR:N,\n"
	      "node:ID[@VERSION] or sock:ADDRESS:PORT ([ADDRESS] or [ADDRESS%N] if it is IPv6).\n"
	      "A path names the object that has it at the end of the window.\n\n"
	      "  -d, --log DIR     the log (default " DEFAULT_LOG ")\n"
	      "      --json        one object a line: nodes, edges, a trailer\n"
	      "      --dot, --svg  a picture (--svg needs graphviz)\n"
	      "      --since TIME  only what happened first then or later\n"
	      "      --until TIME  only what happened then or earlier\n"
	      "                    TIME: ISO 8601 (UTC if it names no zone), @SECONDS, or -10min\n"
	      "                    before the end of the log (s, min, h, d, w)\n"
	      "      --depth N     at most N edges from OBJ (path: from A to B)\n"
	      "      --kind LIST   print only nodes of these kinds (process, file, socket, …)\n"
	      "      --follow LIST classes of edges to follow: data (default), meta, control\n"
	      "      --hide LIST   hubs to leave out: libs,locale,runtime (default: all) or none\n"
	      "      --no-hide     leave nothing out\n"
	      "      --all         every object that ever had the path, pid or number\n"
	      "      --path GLOB, --exe GLOB, --argv GLOB\n"
	      "                    find: match only there\n"
	      "      --strict      verify: lost records are an error\n"
	      "      --max-memory BYTES\n"
	      "                    give up rather than take more (suffixes K, M, G)\n"
	      "  -h, --help        this, or after a verb, what it does\n"
	      "      --version\n\n"
	      "Exit status: 0 found, 1 nothing found, 2 usage, 3 bad log, 4 cannot write,\n"
	      "5 out of memory.\n", out);
}

static void verb_help(const struct verb *verb)
{
	printf("usage: provq [-d LOG] %s %s%s[OPTION…]\n\n%s", verb->name, verb->args,
	       *verb->args ? " " : "", verb->help);
	if (verb->uses & OPTION(OPT_HIDE)) {
		puts("\nLeft out unless --no-hide is given (never what the log shows to have been written):");
		hide_help(stdout);
	}
	puts("\nOptions: see provq --help.");
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < VERBS; i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static bool parse_list(const char *list, unsigned int (*number)(const char *name, size_t bytes),
		       const char *option, uint32_t *bits)
{
	*bits = 0;
	if (!*list)
		complain("%s needs a list", option);
	while (*list) {
		const size_t length = strcspn(list, ",");
		const unsigned int n = number(list, length);

		if (!n) {
			complain("%s does not know \"%.*s\"", option, (int)length, list);
			return false;
		}
		*bits |= 1u << n;
		list += length;
		list += *list == ',';
	}
	return *bits != 0;
}

static bool parse_bytes(const char *text, uint64_t *bytes)
{
	char *end;
	unsigned int shift = 0;

	errno = 0;
	*bytes = strtoull(text, &end, 10);
	if (errno || end == text || *text == '-')
		return false;
	if (*end == 'K' || *end == 'M' || *end == 'G')
		shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 30;
	if (shift && *++end)
		return false;
	if (*end || *bytes > UINT64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

/* What the command line says that can only be acted on once the log is known. */
struct late {
	uint32_t given;			/* options */
	const char *since;
	const char *until;
	uint64_t max_memory_bytes;
	int hide_sets;
	bool help;
	bool version;
};

static bool parse_options(int argc, char **argv, struct query *query, struct late *late)
{
	uint64_t number;
	char *end;
	int option;

	while ((option = getopt_long(argc, argv, "d:h", options, NULL)) != -1) {
		if (option >= OPT_JSON)
			late->given |= OPTION(option);
		switch (option) {
		case 'd':
			query->log = optarg;
			break;
		case OPT_JSON:
			query->format = JSON;
			break;
		case OPT_DOT:
			query->format = DOT;
			break;
		case OPT_SVG:
			query->format = SVG;
			break;
		case OPT_SINCE:
			late->since = optarg;
			break;
		case OPT_UNTIL:
			late->until = optarg;
			break;
		case OPT_DEPTH:
			errno = 0;
			number = strtoull(optarg, &end, 10);
			if (errno || *end || end == optarg || *optarg == '-' ||
			    number >= UINT32_MAX) {
				complain("--depth takes a number, not \"%s\"", optarg);
				return false;
			}
			query->depth = number;
			break;
		case OPT_KIND:
			if (!parse_list(optarg, prov_kind_from_name, "--kind", &query->kinds))
				return false;
			break;
		case OPT_FOLLOW:
			if (!parse_list(optarg, prov_class_from_name, "--follow", &query->classes))
				return false;
			query->classes_given = true;
			break;
		case OPT_HIDE:
			late->hide_sets = hide_parse(optarg);
			if (late->hide_sets < 0)
				return false;
			break;
		case OPT_NO_HIDE:
			late->hide_sets = 0;
			break;
		case OPT_ALL:
			query->all = true;
			break;
		case OPT_PATH:
			query->path_glob = optarg;
			break;
		case OPT_EXE:
			query->exe_glob = optarg;
			break;
		case OPT_ARGV:
			query->argv_glob = optarg;
			break;
		case OPT_STRICT:
			query->strict = true;
			break;
		case OPT_MEMORY:
			if (!parse_bytes(optarg, &late->max_memory_bytes)) {
				complain("--max-memory takes bytes, like 512M, not \"%s\"", optarg);
				return false;
			}
			break;
		case 'h':
		case OPT_HELP:
			late->help = true;
			break;
		case OPT_VERSION:
			late->version = true;
			break;
		default:
			return false;
		}
	}
	return true;
}

/* What was given and will not be done must not look as if it had been. */
static bool check_options(const struct verb *verb, uint32_t given)
{
	const uint32_t unused = given & ~(verb->uses | ANY_VERB);

	if (unused & PICTURE) {
		complain("there is no picture of %s: use text or --json", verb->name);
		return false;
	}
	for (const struct option *option = options; option->name; option++)
		if (option->val >= OPT_JSON && unused & OPTION(option->val))
			complain("note: %s does nothing with --%s", verb->name, option->name);
	return true;
}

static void on_fault(void *context, enum graph_fault fault, const char *where, const char *message)
{
	const struct query *const query = context;

	(void)fault;
	/* verify prints them as its answer. */
	fprintf(!strcmp(query->verb, "verify") && query->format == TEXT ? stdout : stderr,
		"%s%s%s%s\n", strcmp(query->verb, "verify") ? "provq: warning: " : "BAD  ",
		where ? where : "", where ? ": " : "", message);
}

/* What is named as a segment and cannot be one: a symbolic link, most likely. */
static void explain_no_segment(const char *directory)
{
	DIR *const dir = opendir(directory);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "segment-", 8))
			continue;
		text_print(stderr, entry->d_name, strlen(entry->d_name));
		fputs(" is there, but only regular files are segments: links are not followed.\n",
		      stderr);
		break;
	}
	if (dir)
		closedir(dir);
}

static enum status cannot_load(const struct query *query, int err)
{
	switch (err) {
	case -ENOENT:
	case -ENODATA:
		complain("there is no log in %s", query->log);
		if (!strcmp(query->log, DEFAULT_LOG) &&
		    access("/sys/kernel/security/provenance", F_OK))
			fputs("This kernel does not record provenance: boot one with the provenance patches.\n"
			      "To read a log from elsewhere: provq -d DIRECTORY …\n", stderr);
		else if (!strcmp(query->log, DEFAULT_LOG))
			fputs("Is the recorder running? See: systemctl status provmon-recorder\n", stderr);
		explain_no_segment(query->log);
		return BAD_LOG;
	case -EACCES:
		complain("%s: permission denied; members of the group adm and root may read it",
			 query->log);
		return BAD_LOG;
	case -ENOMEM:
		complain("the log in %s needs more memory than there is (or --max-memory allows)",
			 query->log);
		return NO_MEMORY;
	case -EOVERFLOW:
		complain("the log in %s is too large for one query: copy fewer of its segments to another directory",
			 query->log);
		return BAD_LOG;
	default:
		complain("%s: %s", query->log, strerror(-err));
		return BAD_LOG;
	}
}

/* The answer to any question would be "nothing": say that the log is why. */
static bool nothing_readable(const struct query *query)
{
	return !graph_info(query->graph)->frames && log_faults(query);
}

static uint64_t log_end_ns(const struct graph *graph)
{
	uint64_t end_ns = 0;

	for (uint32_t i = 0; i < graph_boot_count(graph); i++) {
		const uint64_t wall_ns = graph_wall_ns(graph, i, graph_boot(graph, i)->last_ns);

		if (wall_ns > end_ns)
			end_ns = wall_ns;
	}
	return end_ns;
}

static bool set_window(struct query *query, const struct late *late)
{
	const uint64_t end_ns = log_end_ns(query->graph);

	if (late->since && !when_parse(late->since, end_ns, false, &query->since_ns)) {
		complain("--since does not understand \"%s\"", late->since);
		return false;
	}
	if (late->until && !when_parse(late->until, end_ns, true, &query->until_ns)) {
		complain("--until does not understand \"%s\"", late->until);
		return false;
	}
	if (query->since_ns > query->until_ns) {
		complain("--since is after --until");
		return false;
	}
	return true;
}

/* The log is loaded. */
static enum status ask(struct query *query, const struct verb *verb, const struct late *late)
{
	/* Only traversal leaves nodes out. */
	const bool hides = late->hide_sets && (verb->uses & OPTION(OPT_HIDE));

	if (verb->run != verb_verify && nothing_readable(query)) {
		complain("nothing in the log in %s can be read", query->log);
		return BAD_LOG;
	}
	if (!set_window(query, late))
		return USAGE;
	query->labels = labels_new();
	if (hides)
		query->hide = hide_new(query, late->hide_sets);
	if (!query->labels || (hides && !query->hide)) {
		complain("out of memory");
		return NO_MEMORY;
	}
	return verb->run(query);
}

static enum status run(struct query *query, const struct verb *verb, const struct late *late)
{
	const struct graph_options graph_options = {
		.fault = on_fault,
		.context = query,
		.max_bytes = late->max_memory_bytes,
	};
	const int err = graph_load(&query->graph, query->log, &graph_options);
	enum status status;

	if (err)
		return cannot_load(query, err);
	status = ask(query, verb, late);
	hide_free(query->hide);
	labels_free(query->labels);
	objects_free_others(query);
	graph_free(query->graph);
	return status;
}

int main(int argc, char **argv)
{
	struct query query = {
		.log = DEFAULT_LOG,
		.until_ns = UINT64_MAX,
		.depth = UINT32_MAX,
		.classes = TRAVERSE_DATA,
	};
	struct late late = { .hide_sets = hide_default() };
	const struct verb *verb;
	enum status status;

	if (!parse_options(argc, argv, &query, &late)) {
		fputs("Try: provq --help\n", stderr);
		return USAGE;
	}
	if (late.version) {
		puts("provq " PROV_VERSION);
		return FOUND;
	}
	verb = optind < argc ? find_verb(argv[optind]) : NULL;
	if (late.help) {
		if (verb)
			verb_help(verb);
		else
			usage(stdout);
		return FOUND;
	}
	if (!verb) {
		if (optind < argc)
			complain("there is no verb \"%s\"", argv[optind]);
		usage(stderr);
		return USAGE;
	}
	query.verb = verb->name;
	query.args = argv + optind + 1;
	query.arg_count = argc - optind - 1;
	if (query.arg_count < verb->least_args || query.arg_count > verb->most_args) {
		complain("usage: provq [-d LOG] %s %s", verb->name, verb->args);
		return USAGE;
	}
	if (!check_options(verb, late.given))
		return USAGE;

	/* One thread writes; locks for each character are half of a large answer. */
	__fsetlocking(stdout, FSETLOCKING_BYCALLER);
	status = run(&query, verb, &late);
	if (fflush(stdout) || ferror(stdout)) {
		if (errno != EPIPE)
			complain("cannot write the answer: %s", strerror(errno));
		return CANNOT_WRITE;
	}
	return status;
}
