/* SPDX-License-Identifier: Apache-2.0 */
/* cli/store_cmd.c - `weft store`: look at the folder of a durable store, tidy it, carry it elsewhere. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/store/store.h"

enum { FAILED = 1, DAMAGED = 3 }; /* exit codes */

struct options {
	const char *command, *path, *file; /* file: NULL, standard input or output */
	bool quiet;
};

static int code_of(int status)
{
	return status == 0 ? 0 : status == WEFT_EDAMAGED || status == WEFT_EVERSION ? DAMAGED : FAILED;
}

static int complain(int status, const char *what)
{
	fprintf(stderr, "weft store: %s\n", what);
	return code_of(status);
}

static void on_progress(uint64_t done_bytes, uint64_t total_bytes, void *user)
{
	store_progress_show(user, done_bytes, total_bytes);
}

/* ---- check and dump --------------------------------------------------------------- */

static const char *size_text(uint64_t bytes, char *text, size_t size)
{
	if (bytes < 1000000)
		snprintf(text, size, "%.1f KB", (double)bytes / 1e3);
	else
		snprintf(text, size, "%.1f MB", (double)bytes / 1e6);
	return text;
}

static const char *s_of(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void say_summary(const char *path, const weft_log_summary *s)
{
	char size[32];

	printf("%s: whole: ", path);
	if (s->snapshot)
		printf("a snapshot before segment %" PRIu64 ", ", s->snapshot);
	printf("%u segment%s, %" PRIu64 " batch%s, %" PRIu64 " change%s, %s; %s\n", s->segments, s_of(s->segments), s->batches,
	       s->batches == 1 ? "" : "es", s->changes, s_of(s->changes), size_text(s->bytes, size, sizeof(size)),
	       s->clean ? "closed" : s->torn ? "not closed, an unfinished write at the end" : "not closed");
}

static int do_check(const struct options *opt)
{
	weft_log_summary summary = { .size = sizeof(summary) };
	weft_error err;
	int r = weft_log_read(opt->path, NULL, NULL, &summary, &err);

	if (r < 0)
		return complain(r, err.message);
	if (!opt->quiet)
		say_summary(opt->path, &summary);
	return 0;
}

struct printing {
	FILE *to;
	weft_json_writer *writer;
	struct store_progress progress;
	uint64_t count, bytes;
	int status;
};

static bool print_change(const weft_change *change, const weft_log_place *place, void *user)
{
	struct printing *p = user;
	weft_str text;

	weft_json_writer_reset(p->writer);
	store_json_put(p->writer, change, place);
	p->status = weft_json_writer_text(p->writer, &text);
	if (p->status == 0 && (fwrite(text.ptr, 1, text.len_bytes, p->to) != text.len_bytes || fputc('\n', p->to) == EOF))
		p->status = -EIO;
	p->count++;
	p->bytes += text.len_bytes + 1;
	if (p->to != stdout)
		store_progress_show(&p->progress, p->bytes, 0);
	return p->status == 0;
}

static bool print_state(const weft_change *change, void *user)
{
	return print_change(change, NULL, user);
}

static int printing_begin(struct printing *p, const struct options *opt, const char *what)
{
	*p = (struct printing){ .to = stdout };
	if (opt->file)
		p->to = fopen(opt->file, "w");
	if (!p->to) {
		cli_line(stderr, "weft store: %s: %s", opt->file, strerror(errno));
		return FAILED;
	}
	p->progress = store_progress_begin(what, opt->quiet);
	if (weft_json_writer_create(0, &p->writer) < 0) {
		if (p->to != stdout)
			fclose(p->to);
		return complain(-ENOMEM, "no memory");
	}
	return 0;
}

/* status: of the reading. */
static int printing_end(struct printing *p, int status, const char *message)
{
	int closed = p->to == stdout ? fflush(p->to) : fclose(p->to);

	store_progress_end(&p->progress);
	weft_json_writer_destroy(p->writer);
	if (p->status < 0)
		return complain(p->status, p->status == -EIO ? "cannot write the output" : weft_strerror(p->status));
	if (status < 0)
		return complain(status, message);
	return closed ? complain(-EIO, "cannot write the output") : 0;
}

static int do_dump(const struct options *opt)
{
	struct printing p;
	weft_error err = { .code = 0 };
	int r = printing_begin(&p, opt, "dump");

	if (r)
		return r;
	r = weft_log_read(opt->path, print_change, &p, NULL, &err);
	return printing_end(&p, r, err.message);
}

/* ---- what opens the store ------------------------------------------------------------ */

static int open_store(const struct options *opt, bool must_exist, weft_store **ret)
{
	weft_store_open_options open = WEFT_STORE_OPEN_OPTIONS_INIT;
	struct store_progress progress = store_progress_begin("open", opt->quiet);
	weft_error err;
	int r;

	open.sync = WEFT_STORE_SYNC_DEMAND;
	open.must_exist = must_exist;
	open.progress = on_progress;
	open.user = &progress;
	r = weft_store_open(opt->path, &open, ret, &err);
	store_progress_end(&progress);
	return r < 0 ? complain(r, err.message) : 0;
}

static int do_export(const struct options *opt)
{
	weft_store *store;
	struct printing p;
	int r = open_store(opt, true, &store);

	if (r)
		return r;
	r = printing_begin(&p, opt, "export");
	if (r == 0) {
		r = weft_store_visit(store, print_state, &p);
		r = printing_end(&p, r, weft_strerror(r));
	}
	weft_store_close(store);
	return r;
}

static int do_compact(const struct options *opt)
{
	weft_log_summary before = { .size = sizeof(before) }, after = before;
	char size_before[32], size_after[32];
	weft_store *store;
	weft_error err;
	int r, closed;

	weft_log_read(opt->path, NULL, NULL, &before, NULL); /* for the summary alone; the open says what is wrong */
	r = open_store(opt, true, &store);
	if (r)
		return r;
	r = weft_store_snapshot(store, &err);
	closed = weft_store_close(store);
	if (r < 0)
		return complain(r, err.message);
	if (closed < 0)
		return complain(closed, weft_strerror(closed));
	if (!opt->quiet && weft_log_read(opt->path, NULL, NULL, &after, NULL) == 0)
		printf("%s: %s, %" PRIu64 " change%s -> %s, %" PRIu64 " change%s\n", opt->path,
		       size_text(before.bytes, size_before, sizeof(size_before)), before.changes, s_of(before.changes),
		       size_text(after.bytes, size_after, sizeof(size_after)), after.changes, s_of(after.changes));
	return 0;
}

/* ---- import --------------------------------------------------------------------------- */

struct importing {
	weft_store *store;
	weft_arena *arena;
	FILE *from;
	const char *name;
	uint64_t line, count, done_bytes, total_bytes;
	struct store_progress progress;
};

static int import_line(struct importing *im, weft_str text)
{
	weft_json_doc *doc;
	weft_change change;
	weft_error err = { .code = 0 };
	int r = weft_json_parse(text, &doc, &err);

	if (r == 0) {
		weft_arena_reset(im->arena);
		r = store_json_get(weft_json_root(doc), im->arena, &change, &err);
		if (r == 0) {
			r = weft_store_apply(im->store, &change);
			snprintf(err.message, sizeof(err.message), "%s", weft_strerror(r));
		}
		weft_json_release(doc);
	}
	if (r < 0) {
		store_progress_end(&im->progress);
		fprintf(stderr, "weft store: %s:%" PRIu64 ": %s\n", im->name, im->line, err.message);
		return FAILED;
	}
	im->count++;
	return 0;
}

static bool is_blank(const char *line, size_t len)
{
	return strspn(line, " \t\r\n") >= len;
}

static int import_lines(struct importing *im)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = getline(&line, &room, im->from)) >= 0) {
		im->line++;
		im->done_bytes += (size_t)n;
		if (!is_blank(line, (size_t)n))
			r = import_line(im, (weft_str){ line, (size_t)n });
		store_progress_show(&im->progress, im->done_bytes, im->total_bytes);
	}
	if (r == 0 && ferror(im->from))
		r = complain(-EIO, "cannot read the input");
	free(line);
	return r;
}

static int import_from(struct importing *im, const struct options *opt)
{
	struct stat st;
	int r, closed;

	if (fstat(fileno(im->from), &st) == 0 && S_ISREG(st.st_mode))
		im->total_bytes = (uint64_t)st.st_size;
	r = open_store(opt, false, &im->store);
	if (r)
		return r;
	im->progress = store_progress_begin("import", opt->quiet);
	r = import_lines(im);
	store_progress_end(&im->progress);
	closed = weft_store_close(im->store); /* with all changes up to a line that is wrong */
	if (r == 0 && closed < 0)
		r = complain(closed, weft_strerror(closed));
	if (!opt->quiet)
		printf("%s: %" PRIu64 " change%s made\n", opt->path, im->count, s_of(im->count));
	return r;
}

static int do_import(const struct options *opt)
{
	struct importing im = { .from = stdin, .name = opt->file ? opt->file : "standard input" };
	int r;

	if (opt->file)
		im.from = fopen(opt->file, "r");
	if (!im.from) {
		fprintf(stderr, "weft store: %s: %s\n", opt->file, strerror(errno));
		return FAILED;
	}
	r = weft_arena_create(0, &im.arena) < 0 ? complain(-ENOMEM, "no memory") : import_from(&im, opt);
	weft_arena_destroy(im.arena);
	if (opt->file)
		fclose(im.from);
	return r;
}

/* ---- the command line --------------------------------------------------------------------- */

static const struct command {
	const char *name;
	int (*run)(const struct options *opt);
	bool file; /* reads or writes one */
} commands[] = {
	{ "check", do_check, false },  { "dump", do_dump, true },     { "compact", do_compact, false },
	{ "export", do_export, true }, { "import", do_import, true },
};

static int store_run(int argc, char **argv)
{
	struct options opt = { .path = NULL };
	int r = cli_read_options(&cli_store, argc, argv, &opt);
	size_t i = 0;

	if (r != CLI_GO_ON)
		return r;
	while (strcmp(opt.command, commands[i].name) != 0)
		i++; /* it is one of the words of the operand */
	if (opt.file && !commands[i].file) {
		fprintf(stderr, "weft store: --file: %s reads and writes none; expected with dump, export and import\n", opt.command);
		return CLI_USAGE;
	}
	return commands[i].run(&opt);
}

#define AT(field) offsetof(struct options, field)

static const struct cli_option options[] = {
	{ "file", "F", "read (import) or write (dump, export) this file", .kind = CLI_FILE, .at = AT(file) },
	{ "quiet", NULL, "no progress, no summary", .kind = CLI_FLAG, .at = AT(quiet) },
	{ .name = NULL },
};

static const char *const words[] = { "check", "dump", "compact", "export", "import", NULL };

static const struct cli_operand operands[] = {
	{ "COMMAND", .at = AT(command), .words = words },
	{ "PATH", .at = AT(path) },
	{ .name = NULL },
};

const struct cli_command cli_store = {
	.name = "store",
	.what = "look at the folder of a durable store, tidy it, carry it elsewhere",
	.intro = "  check    read all of it, and say whether it is whole\n"
		 "  dump     print each change where it stands, as a line of JSON\n"
		 "  compact  write one snapshot of it, and drop the log before it\n"
		 "  export   print what it holds, as lines of JSON\n"
		 "  import   make the changes that lines of JSON say, in a new store if need be",
	.outro = "Exit status: 0 done, 1 failed, 2 not understood, 3 the store is damaged or of another version.",
	.options = options,
	.operands = operands,
	.run = store_run,
};
