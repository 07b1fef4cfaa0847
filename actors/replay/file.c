/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/replay/file.c - a recording read line by line into an index of runs and steps; a line that does not fit where it
 * stands is damage, and named by its number.
 */
#include "actors/replay/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/alloc.h>

#include "actors/record/asked.h"
#include "actors/record/scribe.h"

#define FILE_BYTES_MAX (UINT64_C(1) << 30)

struct reader {
	struct weft__tape_file *f;
	weft_error *err;
	uint32_t line; /* being read, from 1 */
	bool partial;
	bool closed; /* the last line was read */
};

static int damaged(struct reader *rd, const char *what)
{
	weft_error_set(rd->err, WEFT_EDAMAGED, "%s:%u: %s", rd->f->path, rd->line, what);
	if (rd->err)
		rd->err->line = rd->line;
	return WEFT_EDAMAGED;
}

/* ---- the bytes -------------------------------------------------------------------- */

static int read_all(struct weft__tape_file *f, int fd, size_t size)
{
	f->text = weft_malloc(size + 1);
	if (!f->text)
		return -ENOMEM;
	while (f->len_bytes < size) {
		ssize_t n = read(fd, f->text + f->len_bytes, size - f->len_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		f->len_bytes += (size_t)n;
	}
	f->text[f->len_bytes] = '\0';
	return 0;
}

static int load(struct weft__tape_file *f, weft_error *err)
{
	struct stat st;
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY), r = 0;

	if (fd < 0) {
		r = -errno;
		return weft_error_set(err, r, "%s: %s", f->path, weft_strerror(r));
	}
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else if ((uint64_t)st.st_size > FILE_BYTES_MAX)
		r = -EFBIG;
	else
		r = read_all(f, fd, (size_t)st.st_size);
	close(fd);
	return r < 0 ? weft_error_set(err, r, "%s: %s", f->path, weft_strerror(r)) : 0;
}

/* Where the lines begin. A last one without a newline counts. */
static int split(struct weft__tape_file *f)
{
	size_t n = 0;
	char *at = f->text;

	for (size_t i = 0; i < f->len_bytes; i++)
		n += f->text[i] == '\n';
	n += f->len_bytes && f->text[f->len_bytes - 1] != '\n';
	f->lines = weft_calloc(n + 1, sizeof(*f->lines));
	f->run_of_id = weft_calloc(n + 1, sizeof(*f->run_of_id));
	if (!f->lines || !f->run_of_id)
		return -ENOMEM;
	for (f->line_count = 0; f->line_count < n; f->line_count++) {
		char *end = memchr(at, '\n', f->len_bytes - (size_t)(at - f->text));

		f->lines[f->line_count] = (size_t)(at - f->text);
		at = end ? end + 1 : f->text + f->len_bytes;
	}
	f->lines[n] = f->len_bytes;
	return 0;
}

weft_str weft__tape_file_text(const struct weft__tape_file *f, uint32_t n)
{
	size_t from = f->lines[n - 1], to = f->lines[n];

	if (to > from && f->text[to - 1] == '\n')
		to--;
	return (weft_str){ f->text + from, to - from };
}

int weft__tape_file_line(const struct weft__tape_file *f, uint32_t n, weft_json_doc **ret_doc)
{
	return weft_json_parse(weft__tape_file_text(f, n), ret_doc, NULL) < 0 ? -ENOMEM : 0;
}

/* ---- runs ---------------------------------------------------------------------------- */

static struct weft__tape_file_run *run_of(struct weft__tape_file *f, weft_json line)
{
	uint64_t id = weft__read_uint(line, "run");

	if (!id)
		return &f->loose;
	return id <= f->line_count && f->run_of_id[id] ? &f->runs[f->run_of_id[id] - 1] : NULL;
}

static int parse_hash(weft_str text, weft_hash128 *ret)
{
	uint64_t part[2] = { 0 };

	if (text.len_bytes != 32)
		return -EINVAL;
	for (size_t i = 0; i < 32; i++) {
		char c = text.ptr[i];
		uint64_t digit = c >= '0' && c <= '9' ? (uint64_t)(c - '0') : c >= 'a' && c <= 'f' ? (uint64_t)(c - 'a') + 10 : 16;

		if (digit > 15)
			return -EINVAL;
		part[i / 16] = part[i / 16] << 4 | digit;
	}
	*ret = (weft_hash128){ .hi = part[0], .lo = part[1] };
	return 0;
}

static int on_run(struct reader *rd, weft_json line)
{
	struct weft__tape_file *f = rd->f;
	uint64_t id = weft__read_uint(line, "run"), agent = weft__read_uint(line, "agent");
	struct weft__tape_file_run *more, run = { .id = id, .begin = rd->line };

	if (!id || id > f->line_count || f->run_of_id[id])
		return damaged(rd, "a run without a number of its own");
	run.unknown = weft__read_bool(line, "resumed") && !weft__read_str(line, "suspended").len_bytes;
	if (weft__read_uint(line, "cut"))
		run.damaged = true;
	else if (!agent || agent > f->agent_count)
		return damaged(rd, "a run of an agent that was not there before");
	else if (parse_hash(weft__read_str(line, "hash"), &run.key) < 0)
		return damaged(rd, "a run without a hash");
	run.agent = agent ? (uint32_t)agent - 1 : 0;
	more = weft_realloc(f->runs, (f->run_count + 1) * sizeof(*more)); /* few; the allocator grows in place */
	if (!more)
		return -ENOMEM;
	f->runs = more;
	f->runs[f->run_count++] = run;
	f->run_of_id[id] = f->run_count;
	return 0;
}

static struct weft__tape_step *step_of(struct reader *rd, struct weft__tape_file_run *run, uint64_t step)
{
	if (!step || step > rd->f->line_count)
		return NULL;
	if (step > run->step_cap) {
		uint32_t cap = run->step_cap ? run->step_cap * 2 : 8;
		struct weft__tape_step *more;

		while (cap < step)
			cap *= 2;
		more = weft_realloc(run->steps, cap * sizeof(*more));
		if (!more)
			return NULL;
		memset(more + run->step_cap, 0, (cap - run->step_cap) * sizeof(*more));
		run->steps = more;
		run->step_cap = cap;
	}
	if (step > run->step_count)
		run->step_count = (uint32_t)step;
	return &run->steps[step - 1];
}

static int on_begin(struct reader *rd, struct weft__tape_file_run *run, weft_json line, uint8_t kind)
{
	struct weft__tape_step *step = step_of(rd, run, weft__read_uint(line, "step"));

	if (!step)
		return damaged(rd, "a step without a number");
	if (step->begin)
		return damaged(rd, "a step that was there before");
	step->begin = rd->line;
	step->kind = kind;
	if (kind >= WEFT__STEP_DRAW)
		step->end = rd->line;
	return 0;
}

static int on_end(struct reader *rd, struct weft__tape_file_run *run, weft_json line, uint8_t kind)
{
	struct weft__tape_step *step = step_of(rd, run, weft__read_uint(line, "step"));

	if (!step || !step->begin) {
		run->damaged = true; /* its beginning was lost: the end of the run must say so */
		return step ? 0 : damaged(rd, "a step without a number");
	}
	if (step->end)
		return damaged(rd, "a step that ends twice");
	if (kind && step->kind != kind)
		return damaged(rd, "the end of another kind of step");
	step->end = rd->line;
	step->given_up = !kind;
	return 0;
}

/* Canceled, timed out, superseded, refused. What an approval was asked for is not in a file of version 1. */
static bool ended_outside(const struct weft__tape_file *f, int status)
{
	return status == -ECANCELED || status == -ETIMEDOUT || status == WEFT_ESUPERSEDED || status == -EAGAIN ||
	       status == -ESHUTDOWN || (status == WEFT_EAPPROVAL && f->version < WEFT__RECORDING_PERMITS);
}

static int on_run_end(struct reader *rd, struct weft__tape_file_run *run, weft_json line)
{
	bool said = weft__read_bool(line, "damaged"), whole = weft__read_uint(line, "steps") == run->step_count && !run->damaged;

	if (run->end || run == &rd->f->loose)
		return damaged(rd, "a run that ends twice, or never began");
	for (uint32_t i = 0; i < run->step_count; i++)
		whole &= run->steps[i].begin && run->steps[i].end;
	run->end = rd->line;
	run->status = (int)weft__read_int(line, "status");
	run->outside = ended_outside(rd->f, run->status);
	if (!whole && !said)
		return damaged(rd, "a run of which a step, or the end of one, is missing");
	run->damaged |= said || weft__read_uint(line, "cut");
	return 0;
}

/* ---- lines ------------------------------------------------------------------------------ */

static int on_agent(struct reader *rd, weft_json line)
{
	struct weft__tape_file *f = rd->f;
	uint32_t *more;

	if (weft__read_uint(line, "agent") != f->agent_count + 1u)
		return damaged(rd, "agents that do not count");
	more = weft_realloc(f->agents, (f->agent_count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	f->agents = more;
	f->agents[f->agent_count++] = rd->line;
	return 0;
}

static int on_step(struct reader *rd, weft_json line, weft_str type)
{
	static const struct {
		weft_str type;
		uint8_t kind;
		bool begins;
	} steps[] = { { WEFT_STR("model"), WEFT__STEP_MODEL, true },  { WEFT_STR("answer"), WEFT__STEP_MODEL, false },
		      { WEFT_STR("tool"), WEFT__STEP_TOOL, true },    { WEFT_STR("result"), WEFT__STEP_TOOL, false },
		      { WEFT_STR("draw"), WEFT__STEP_DRAW, true },    { WEFT_STR("permit"), WEFT__STEP_PERMIT, true },
		      { WEFT_STR("suspended"), WEFT__STEP_SUSPENDED, true },
		      { WEFT_STR("resumed"), WEFT__STEP_RESUMED, true },
		      { WEFT_STR("given_up"), WEFT__STEP_NONE, false } };
	struct weft__tape_file_run *run = run_of(rd->f, line);

	if (!run)
		return damaged(rd, "a line of a run that did not begin");
	if (run->end)
		return damaged(rd, "a line of a run that has ended");
	if (weft__read_uint(line, "cut"))
		run->damaged = true;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (weft_str_eq(type, steps[i].type))
			return steps[i].begins ? on_begin(rd, run, line, steps[i].kind) : on_end(rd, run, line, steps[i].kind);
	}
	if (weft_str_eq(type, WEFT_STR("end")))
		return on_run_end(rd, run, line);
	return damaged(rd, "a line of a kind that this version does not know");
}

static int on_head(struct reader *rd, weft_json line, weft_str type)
{
	int64_t version = weft__read_int(line, "version");

	if (!weft_str_eq(type, WEFT_STR("recording"))) {
		weft_error_set(rd->err, WEFT_EVERSION, "%s:1: this is no recording", rd->f->path);
	} else if (version < 1 || version > WEFT__RECORDING_VERSION) {
		weft_error_set(rd->err, WEFT_EVERSION, "%s:1: a recording of version %" PRId64 "; this weft reads versions 1 to %d",
		               rd->f->path, version, WEFT__RECORDING_VERSION);
	} else {
		rd->f->version = (uint32_t)version;
		return 0;
	}
	if (rd->err)
		rd->err->line = 1;
	return WEFT_EVERSION;
}

static int on_line(struct reader *rd, weft_json line)
{
	weft_str type = weft__read_str(line, "type");

	if (rd->line == 1)
		return on_head(rd, line, type);
	if (rd->closed)
		return damaged(rd, "a line behind the last");
	if (weft_str_eq(type, WEFT_STR("closed"))) {
		rd->closed = true;
		return 0;
	}
	if (weft_str_eq(type, WEFT_STR("agent")))
		return on_agent(rd, line);
	if (weft_str_eq(type, WEFT_STR("run")))
		return on_run(rd, line);
	return on_step(rd, line, type);
}

/* A line that does not parse: cut off, when it is the last and has no newline. */
static int bad_line(struct reader *rd, const weft_error *why)
{
	bool last = rd->line == rd->f->line_count && rd->f->text[rd->f->len_bytes - 1] != '\n';

	if (rd->line == 1)
		return on_head(rd, (weft_json){ 0 }, (weft_str){ 0 });
	if (last)
		return rd->partial ? 0 : damaged(rd, "the file is cut off in the middle of a line");
	weft_error_set(rd->err, WEFT_EPARSE, "%s:%u: %s", rd->f->path, rd->line, why->message);
	if (rd->err)
		rd->err->line = rd->line;
	return WEFT_EPARSE;
}

static int read_lines(struct reader *rd)
{
	int r = 0;

	for (rd->line = 1; r == 0 && rd->line <= rd->f->line_count; rd->line++) {
		weft_json_doc *doc;
		weft_error why = { 0 };

		r = weft_json_parse(weft__tape_file_text(rd->f, rd->line), &doc, &why);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			r = bad_line(rd, &why);
		else {
			r = on_line(rd, weft_json_root(doc));
			weft_json_release(doc);
		}
	}
	rd->line = rd->f->line_count;
	return r;
}

int weft__tape_file_read(struct weft__tape_file *f, const char *path, bool partial, weft_error *err)
{
	struct reader rd = { .f = f, .err = err, .partial = partial };
	int r;

	*f = (struct weft__tape_file){ .path = weft_strndup(path, strlen(path)) };
	if (!f->path)
		return weft_error_set(err, -ENOMEM, "out of memory");
	r = load(f, err);
	if (r < 0)
		return r;
	r = split(f);
	if (r == 0 && !f->line_count)
		return weft_error_set(err, WEFT_EVERSION, "%s: this is no recording: it is empty", path);
	if (r == 0)
		r = read_lines(&rd);
	if (r == 0 && !rd.closed && !partial)
		return damaged(&rd, "the recording was not closed: its end is missing");
	return r == -ENOMEM ? weft_error_set(err, r, "out of memory") : r;
}

void weft__tape_file_fini(struct weft__tape_file *f)
{
	for (uint32_t i = 0; i < f->run_count; i++)
		weft_free(f->runs[i].steps);
	weft_free(f->loose.steps);
	weft_free(f->runs);
	weft_free(f->run_of_id);
	weft_free(f->agents);
	weft_free(f->lines);
	weft_free(f->text);
	weft_free(f->path);
	*f = (struct weft__tape_file){ 0 };
}
