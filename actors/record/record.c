/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/record/record.c - the recorder: what runs do, as lines.
 *
 *   {"type":"recording","version":2,...}              first
 *   {"type":"agent","agent":1,...}                    a definition
 *   {"type":"run","run":1,"agent":1,...}              a run begins: what it was asked
 *   {"type":"model","run":1,"step":1,"hash":...}      it asks a model; then "answer" of the same step
 *   {"type":"tool","run":1,"step":2,"name":...}       it calls a tool; then "result" of the same step
 *   {"type":"draw","run":1,"step":3,...}              it takes a value from outside
 *   {"type":"permit","run":1,"step":4,...}            what the rules say of a call
 *   {"type":"suspended","run":1,"step":5,...}         it is kept, to wait for approvals
 *   {"type":"resumed","run":2,"step":1,...}           it goes on with a suspended one: what was said, and by whom
 *   {"type":"end","run":1,...}                        it has ended; exchanges still out were given up before it
 *   {"type":"closed",...}                             last
 *
 * A run has a scribe of its own, used on its agent's thread alone. Run 0 is nobody's: embeddings that are made beside
 * the runs. Chunks are kept until their answer is there, because a secret may be cut in two by them.
 */
#include <weft/record.h>

#include <errno.h>
#include <string.h>

#include "actors/agent.h"
#include "actors/record/asked.h"
#include "actors/record/file.h"
#include "actors/record/permits.h"
#include "actors/record/scribe.h"
#include "actors/record/tape.h"
#include "runtime/base/atomic.h"

#define LINE_BYTES_DEFAULT (4u << 20)
#define LINE_BYTES_MIN 4096u
#define BUFFER_BYTES_DEFAULT (64u << 20)

struct weft_recorder {
	struct weft__tape tape; /* first; its count is the recorder's */
	struct weft__record_file *file;
	struct weft__redact redact;
	uint32_t line_bytes_max;
	_Atomic(uint32_t) closed; /* weft_recorder_close was called */
	/* relaxed: numbers to give out, and statistics */
	_Atomic(uint64_t) runs, exchanges, lost;
	_Atomic(uint32_t) agents, loose_steps;
};

/* A run as it is recorded: base first. The agent's thread, but for what taped exchanges hold. */
struct recorded {
	struct weft__tape_run base;
	struct weft__scribe scribe;
	struct weft__digest before; /* of the request before */
	struct weft__taped *out;    /* exchanges under way */
	uint64_t id;
	uint32_t steps;
	uint32_t agent;
	bool damaged; /* a line of it was lost or cut */
	bool ended;
};

/* Chunks of one answer. */
struct weft__streamed {
	char *text; /* all of them, one behind the other */
	uint32_t *sizes;
	size_t len, cap;
	uint32_t count, count_cap;
	bool incomplete; /* out of memory, or over the bound of a line */
};

static struct weft_recorder *recorder_of(struct weft__tape *tape)
{
	return (struct weft_recorder *)tape;
}

static struct recorded *recorded_of(const struct weft__run *run)
{
	return (struct recorded *)run->tape;
}

/* ---- lines ---------------------------------------------------------------------- */

/* Instead of a line that is too long: what it was about, and how long it was. */
static int push_note(struct weft_recorder *rec, struct weft__scribe *s, const char *type, uint64_t run, uint32_t step, size_t len)
{
	weft_str line;
	int r;

	weft__scribe_begin(s, type, run, step);
	weft__scribe_uint(s, "cut", len);
	r = weft__scribe_end(s, &line);
	return r < 0 ? r : weft__record_file_push(rec->file, line, true);
}

/* The scribe's line goes to the file. False: it did not, or not whole. */
static bool push(struct weft_recorder *rec, struct weft__scribe *s, const char *type, uint64_t run, uint32_t step, bool must)
{
	weft_str line;
	int r = weft__scribe_end(s, &line);
	bool whole = r == 0 && line.len_bytes <= rec->line_bytes_max;

	if (r == 0 && whole)
		r = weft__record_file_push(rec->file, line, must);
	else if (r == 0)
		r = push_note(rec, s, type, run, step, line.len_bytes);
	if (r < 0 && r != -ESHUTDOWN)
		weft__fetch_add_relaxed(&rec->lost, 1); /* relaxed: statistics */
	return r == 0 && whole;
}

static void push_run_line(struct recorded *rd, const char *type, uint32_t step, bool must)
{
	if (!push(recorder_of(rd->base.tape), &rd->scribe, type, rd->id, step, must))
		rd->damaged = true;
}

/* ---- chunks ----------------------------------------------------------------------- */

static bool grow(void **list, size_t size, size_t need, size_t *cap)
{
	size_t more = *cap ? *cap : 256;
	void *p;

	if (need <= *cap)
		return true;
	while (more < need)
		more *= 2;
	p = weft_realloc(*list, more * size);
	if (!p)
		return false;
	*list = p;
	*cap = more;
	return true;
}

static void streamed_add(struct weft__streamed *st, weft_str chunk, size_t bytes_max)
{
	size_t count_cap = st->count_cap;

	if (st->incomplete || st->len + chunk.len_bytes > bytes_max ||
	    !grow((void **)&st->text, 1, st->len + chunk.len_bytes, &st->cap) ||
	    !grow((void **)&st->sizes, sizeof(*st->sizes), st->count + 1u, &count_cap)) {
		st->incomplete = true;
		return;
	}
	st->count_cap = (uint32_t)count_cap;
	if (chunk.len_bytes)
		memcpy(st->text + st->len, chunk.ptr, chunk.len_bytes);
	st->len += chunk.len_bytes;
	st->sizes[st->count++] = (uint32_t)chunk.len_bytes;
}

static void streamed_free(struct weft__taped *t)
{
	if (!t->streamed)
		return;
	weft_free(t->streamed->text);
	weft_free(t->streamed->sizes);
	weft_free(t->streamed);
	t->streamed = NULL;
}

static void on_chunk(struct weft__model_ask *ask, weft_str chunk)
{
	struct weft__taped *t = &ask->taped;

	if (!t->step)
		return;
	if (!t->streamed)
		t->streamed = weft_calloc(1, sizeof(*t->streamed));
	if (t->streamed)
		streamed_add(t->streamed, chunk, recorder_of(ask->run->tape->tape)->line_bytes_max);
}

/* The sizes of the chunks; their text too, when it is not the answer's. */
static void put_chunks(struct weft__scribe *s, const struct weft__streamed *st, weft_str text)
{
	weft_str all;

	if (!st || !st->count || st->incomplete)
		return;
	all = (weft_str){ st->text, st->len };
	if (!weft_str_eq(all, text))
		weft__scribe_str(s, "streamed", all);
	weft_json_key(s->w, WEFT_STR("chunks"));
	weft_json_begin_array(s->w);
	for (uint32_t i = 0; i < st->count; i++)
		weft_json_put_uint(s->w, st->sizes[i]);
	weft_json_end_array(s->w);
}

/* ---- runs ---------------------------------------------------------------------------- */

static void on_run_begin(struct weft__tape *tape, struct weft__run *run)
{
	struct weft_recorder *rec = recorder_of(tape);
	weft_hash128 key = { 0 };
	struct recorded *rd;

	if (weft__load_relaxed(&rec->closed)) /* relaxed: a push says it for certain */
		return;
	rd = weft_calloc(1, sizeof(*rd));
	if (!rd || weft__scribe_init(&rd->scribe, &rec->redact) < 0) {
		if (rd)
			weft__scribe_fini(&rd->scribe);
		weft_free(rd);
		weft__fetch_add_relaxed(&rec->lost, 1); /* relaxed: statistics */
		return;
	}
	rd->base.tape = weft__tape_ref(tape);
	rd->id = weft__fetch_add_relaxed(&rec->runs, 1u) + 1; /* relaxed: only different */
	rd->agent = run->agent->def->tape_agent;
	rd->scribe.tools = run->agent->def->tape_tools;
	rd->scribe.tools_hash = run->agent->def->tape_tools_hash;
	run->tape = &rd->base;
	if (weft__asked_hash(&rd->scribe, run->request, &key) < 0)
		rd->damaged = true;
	weft__scribe_begin(&rd->scribe, "run", rd->id, 0);
	weft__scribe_uint(&rd->scribe, "agent", rd->agent);
	weft__scribe_hash(&rd->scribe, "hash", key);
	weft__scribe_asked(&rd->scribe, run->request);
	push_run_line(rd, "run", 0, false);
}

/* What is still out ends here for the recording: nobody waits for it. */
static void give_up(struct recorded *rd)
{
	for (struct weft__taped *t = rd->out; t; t = t->next) {
		weft__scribe_begin(&rd->scribe, "given_up", rd->id, t->step);
		push_run_line(rd, "given_up", t->step, false);
	}
}

static void on_run_end(struct weft__run *run)
{
	const weft_agent_result *result = &run->result;
	struct recorded *rd = recorded_of(run);

	give_up(rd);
	rd->ended = true;
	weft__scribe_begin(&rd->scribe, "end", rd->id, 0);
	weft__scribe_ended(&rd->scribe, result, rd->steps);
	weft__scribe_uint(&rd->scribe, "ns", result->duration_ns);
	weft__scribe_true(&rd->scribe, "damaged", rd->damaged);
	push_run_line(rd, "end", 0, true);
}

static void on_released(struct weft__run *run)
{
	struct recorded *rd = recorded_of(run);

	for (struct weft__taped *t = rd->out; t; t = t->next)
		streamed_free(t);
	weft__scribe_fini(&rd->scribe);
	weft__digest_fini(&rd->before);
	weft__tape_unref(rd->base.tape);
	weft_free(rd);
	run->tape = NULL;
}

/* ---- exchanges -------------------------------------------------------------------------- */

static void taped_begin(struct recorded *rd, struct weft__taped *t)
{
	*t = (struct weft__taped){ .step = ++rd->steps, .began_ns = weft_now_ns() };
	weft__taped_add(&rd->out, t);
	weft__fetch_add_relaxed(&recorder_of(rd->base.tape)->exchanges, 1); /* relaxed: statistics */
}

static void put_time(struct weft__scribe *s, const struct weft__taped *t)
{
	weft__scribe_uint(s, "ns", weft_now_ns() - t->began_ns);
}

static void on_run_asked(struct recorded *rd, struct weft__model_ask *ask)
{
	/* the conversation of a tool loop only grows; what others ask may lie in the same place and be another */
	bool grows = weft_msg_kind(ask->run->request) == WEFT__KIND_ASK;
	struct weft__digest now = { 0 };
	uint32_t kept;

	taped_begin(rd, &ask->taped);
	if (weft__digest_make(&rd->scribe, &ask->request, grows ? &rd->before : NULL, &now) < 0) {
		rd->damaged = true;
		weft__digest_fini(&now);
		return;
	}
	kept = weft__digest_common(&rd->before, &now);
	weft__scribe_begin(&rd->scribe, "model", rd->id, ask->taped.step);
	weft__scribe_hash(&rd->scribe, "hash", now.hash);
	weft__scribe_request(&rd->scribe, &ask->request, kept);
	push_run_line(rd, "model", ask->taped.step, false);
	weft__digest_keep(&rd->before, &now);
}

static void on_asked(struct weft__tape *tape, struct weft__model_ask *ask)
{
	(void)tape;
	if (ask->run->tape)
		on_run_asked(recorded_of(ask->run), ask);
	else
		ask->taped = (struct weft__taped){ .began_ns = weft_now_ns() };
}

static void put_answer(struct weft__scribe *s, struct weft__model_ask *ask, int status)
{
	weft__scribe_status(s, status);
	if (status < 0)
		weft__scribe_str(s, "why", ask->why);
	else
		weft__scribe_response(s, &ask->response);
	put_chunks(s, ask->taped.streamed, status < 0 ? (weft_str){ 0 } : ask->response.text);
	put_time(s, &ask->taped);
}

/* Nobody's: both lines now, so that none is left without the other. By a scribe of its own. */
static void record_loose(struct weft_recorder *rec, struct weft__model_ask *ask, int status)
{
	struct weft__digest now = { 0 };
	struct weft__scribe s;
	uint32_t step;

	if (weft__load_relaxed(&rec->closed)) /* relaxed: a push says it for certain */
		return;
	if (weft__scribe_init(&s, &rec->redact) == 0 && weft__digest_make(&s, &ask->request, NULL, &now) == 0) {
		step = weft__fetch_add_relaxed(&rec->loose_steps, 1u) + 1; /* relaxed: only different */
		weft__scribe_begin(&s, "model", 0, step);
		weft__scribe_hash(&s, "hash", now.hash);
		weft__scribe_request(&s, &ask->request, 0);
		if (push(rec, &s, "model", 0, step, false)) {
			weft__scribe_begin(&s, "answer", 0, step);
			put_answer(&s, ask, status);
			(void)push(rec, &s, "answer", 0, step, true);
			weft__fetch_add_relaxed(&rec->exchanges, 1); /* relaxed: statistics */
		}
	}
	weft__digest_fini(&now);
	weft__scribe_fini(&s);
}

static int on_answered(struct weft__model_ask *ask, int status)
{
	struct recorded *rd = recorded_of(ask->run);
	uint32_t step = ask->taped.step;

	if (!rd && !ask->run->request)
		record_loose(recorder_of(ask->run->agent->def->tape), ask, status);
	if (!rd || !step)
		return status;
	if (!rd->ended) {
		weft__scribe_begin(&rd->scribe, "answer", rd->id, step);
		put_answer(&rd->scribe, ask, status);
		push_run_line(rd, "answer", step, false);
	}
	weft__taped_remove(&ask->taped);
	streamed_free(&ask->taped);
	ask->taped.step = 0;
	return status;
}

static bool on_called(struct weft__run *run, struct weft__tool_run *t, int *ret_r)
{
	struct recorded *rd = recorded_of(run);

	(void)ret_r;
	taped_begin(rd, &t->taped);
	weft__scribe_begin(&rd->scribe, "tool", rd->id, t->taped.step);
	weft__scribe_call(&rd->scribe, &t->call);
	push_run_line(rd, "tool", t->taped.step, false);
	return false;
}

static void on_returned(struct weft__run *run, struct weft__tool_run *t, int status)
{
	struct recorded *rd = recorded_of(run);

	if (!t->taped.step)
		return;
	if (!rd->ended) {
		weft__scribe_begin(&rd->scribe, "result", rd->id, t->taped.step);
		weft__scribe_status(&rd->scribe, status);
		weft__scribe_str(&rd->scribe, "why", t->reason);
		weft__scribe_str(&rd->scribe, "text", t->text);
		put_time(&rd->scribe, &t->taped);
		push_run_line(rd, "result", t->taped.step, false);
	}
	weft__taped_remove(&t->taped);
	t->taped.step = 0;
}

static int64_t on_draw(struct weft__run *run, enum weft__draw what, int64_t value)
{
	static const char *const names[] = { [WEFT__DRAW_TIME] = "time", [WEFT__DRAW_DEADLINE] = "deadline" };
	struct recorded *rd = recorded_of(run);
	uint32_t step = ++rd->steps;

	weft__scribe_begin(&rd->scribe, "draw", rd->id, step);
	weft__scribe_plain(&rd->scribe, "what", weft_str_from(names[what]));
	weft_json_key(rd->scribe.w, WEFT_STR("value"));
	weft_json_put_int(rd->scribe.w, value);
	push_run_line(rd, "draw", step, false);
	return value;
}

/* ---- permissions and approvals: each a step of one line ----------------------------------------- */

static void on_permitted(struct weft__run *run, const struct weft__tool_run *t, struct weft__verdict *verdict)
{
	struct recorded *rd = recorded_of(run);
	uint32_t step;

	if (!run->agent->def->permissions)
		return; /* all may be called, and the definition's line says so */
	step = ++rd->steps;
	weft__scribe_begin(&rd->scribe, "permit", rd->id, step);
	weft__scribe_verdict(&rd->scribe, &t->call, verdict);
	push_run_line(rd, "permit", step, false);
}

/* A run that is kept, or goes on, or why not. */
static int put_suspended(struct weft__run *run, const char *type, const struct weft__suspended *s, bool with_state, int r,
                         weft_str why)
{
	struct recorded *rd = recorded_of(run);
	uint32_t step = ++rd->steps;

	weft__scribe_begin(&rd->scribe, type, rd->id, step);
	weft__scribe_status(&rd->scribe, r);
	weft__scribe_str(&rd->scribe, "why", why);
	if (r == 0 && weft__scribe_suspended(&rd->scribe, s, with_state) < 0)
		rd->damaged = true;
	push_run_line(rd, type, step, false);
	return r;
}

static int on_suspended(struct weft__run *run, struct weft__suspended *s, int r)
{
	return put_suspended(run, "suspended", s, false, r, (weft_str){ 0 });
}

static int on_resumed(struct weft__run *run, struct weft__suspended *s, int r, weft_str *why)
{
	return put_suspended(run, "resumed", s, true, r, *why);
}

/* ---- definitions ------------------------------------------------------------------------------ */

static int on_bind(struct weft__tape *tape, weft_agent_def *def)
{
	struct weft_recorder *rec = recorder_of(tape);
	struct weft__scribe s;
	int r = weft__scribe_init(&s, &rec->redact);

	def->tape_agent = weft__fetch_add_relaxed(&rec->agents, 1u) + 1; /* relaxed: only different */
	if (r == 0) {
		weft__scribe_begin(&s, "agent", 0, 0);
		weft__scribe_uint(&s, "agent", def->tape_agent);
		weft__scribe_def(&s, def);
		(void)push(rec, &s, "agent", 0, 0, true);
		if (weft__scribe_tools_hash(&s, weft_tools_json(def->tools), &def->tape_tools_hash))
			def->tape_tools = weft_tools_json(def->tools);
	}
	weft__scribe_fini(&s);
	return r;
}

/* ---- the public side ------------------------------------------------------------------------------ */

static void on_destroy(struct weft__tape *tape)
{
	struct weft_recorder *rec = recorder_of(tape);

	(void)weft_recorder_close(rec);
	weft__record_file_destroy(rec->file);
	weft__redact_fini(&rec->redact);
	weft_free(rec);
}

static const struct weft__tape_fns fns = { .bind = on_bind,
	                                   .run_begin = on_run_begin,
	                                   .run_end = on_run_end,
	                                   .released = on_released,
	                                   .asked = on_asked,
	                                   .chunk = on_chunk,
	                                   .answered = on_answered,
	                                   .called = on_called,
	                                   .returned = on_returned,
	                                   .draw = on_draw,
	                                   .permitted = on_permitted,
	                                   .suspended = on_suspended,
	                                   .resumed = on_resumed,
	                                   .destroy = on_destroy };

static int write_head(struct weft_recorder *rec)
{
	struct weft__scribe s;
	weft_str line;
	int r = weft__scribe_init(&s, &rec->redact);

	if (r == 0) {
		weft__scribe_begin(&s, "recording", 0, 0);
		weft__scribe_uint(&s, "version", WEFT__RECORDING_VERSION);
		weft__scribe_plain(&s, "weft", weft_str_from(weft_version()));
		weft__scribe_uint(&s, "wall_ms", (uint64_t)weft_wall_ms());
		r = weft__scribe_end(&s, &line);
	}
	if (r == 0)
		r = weft__record_file_push(rec->file, line, true);
	weft__scribe_fini(&s);
	return r;
}

int weft_recorder_open(const char *path, const weft_recorder_options *opt, weft_recorder **ret_recorder, weft_error *err)
{
	const weft_recorder_options plain = WEFT_RECORDER_OPTIONS_INIT;
	struct weft_recorder *rec;
	int r;

	opt = opt ? opt : &plain;
	if (!path || !ret_recorder || opt->size != sizeof(*opt))
		return weft_error_set(err, -EINVAL, "a recorder needs a path, and options of the right size");
	rec = weft_calloc(1, sizeof(*rec));
	if (!rec)
		return weft_error_set(err, -ENOMEM, "out of memory");
	rec->tape = (struct weft__tape){ .fns = &fns, .refs = 1 };
	rec->line_bytes_max = opt->line_bytes_max ? opt->line_bytes_max : LINE_BYTES_DEFAULT;
	if (rec->line_bytes_max < LINE_BYTES_MIN)
		rec->line_bytes_max = LINE_BYTES_MIN;
	r = weft__redact_init(&rec->redact, opt->redact, opt->redact_user);
	if (r == 0)
		r = weft__record_file_open(path, opt->buffer_bytes_max ? opt->buffer_bytes_max : BUFFER_BYTES_DEFAULT, &rec->file,
		                           err);
	if (r == 0)
		r = write_head(rec);
	if (r < 0) {
		rec->closed = !rec->file;
		on_destroy(&rec->tape);
		return r;
	}
	*ret_recorder = rec;
	return 0;
}

weft_recorder *weft_recorder_ref(weft_recorder *recorder)
{
	weft__tape_ref(&recorder->tape);
	return recorder;
}

void weft_recorder_unref(weft_recorder *recorder)
{
	weft__tape_unref(recorder ? &recorder->tape : NULL);
}

/* "closed", or an empty text when there is no memory: then the file says by its end that it is not complete. */
static weft_str last_line(struct weft_recorder *rec, struct weft__scribe *s)
{
	weft_str line = { 0 };

	weft__scribe_begin(s, "closed", 0, 0);
	weft__scribe_uint(s, "runs", weft__load_relaxed(&rec->runs)); /* relaxed: statistics */
	weft__scribe_uint(s, "lost", weft__load_relaxed(&rec->lost)); /* relaxed: statistics */
	(void)weft__scribe_end(s, &line);
	return line;
}

int weft_recorder_close(weft_recorder *rec)
{
	struct weft__scribe s;
	int r;

	if (!rec)
		return -EINVAL;
	if (weft__xchg_acq_rel(&rec->closed, 1u))
		return -EALREADY;
	r = weft__scribe_init(&s, &rec->redact);
	r = weft__record_file_close(rec->file, r < 0 ? (weft_str){ 0 } : last_line(rec, &s));
	weft__scribe_fini(&s);
	return r;
}

int weft_recorder_stats_read(const weft_recorder *rec, weft_recorder_stats *ret_stats)
{
	weft_recorder_stats s = { .size = sizeof(s) };
	int status;

	if (!rec || !ret_stats || ret_stats->size != sizeof(*ret_stats))
		return -EINVAL;
	weft__record_file_look(rec->file, &s.lines, &s.bytes, &status);
	s.status = status;
	/* relaxed: statistics */
	s.runs = weft__load_relaxed(&rec->runs);
	s.exchanges = weft__load_relaxed(&rec->exchanges);
	s.lines_lost = weft__load_relaxed(&rec->lost);
	s.redactions = weft__load_relaxed(&rec->redact.found);
	*ret_stats = s;
	return 0;
}
