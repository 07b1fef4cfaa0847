/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mock_llm/run.c - an answer in time: the first token when its draw says, the others at their pace.
 *
 * Token n is due at due_ns + n / tokens_per_s; of several choices each comes at this pace. One alarm; when it rings late, all that are due go. An answer that
 * is no stream comes when its last token is due. A reader that does not take what is sent is waited for: the tokens that
 * were due meanwhile follow then.
 */
#include <errno.h>

#include "net/mock_llm/mock.h"

#define UNSENT_BYTES_MAX (64u << 10)

static void step(struct weft__mock_run *run);

static struct weft__mock_run *run_of(struct weft__http_exchange *x)
{
	return x->user;
}

void weft__mock_run_free(struct weft__mock_run *run)
{
	weft__loop_alarm_off(run->node->loop, &run->alarm);
	weft_json_release(run->doc);
	weft_arena_destroy(run->arena);
}

static void on_alarm(struct weft__alarm *alarm)
{
	step((struct weft__mock_run *)((char *)alarm - offsetof(struct weft__mock_run, alarm)));
}

static void wait_until(struct weft__mock_run *run, uint64_t due_ns)
{
	weft__loop_alarm(run->node->loop, &run->alarm, due_ns, on_alarm);
}

static uint64_t due(const struct weft__mock_run *run, uint32_t piece)
{
	double per_s = run->node->mock->options.tokens_per_s;

	return run->due_ns + (per_s > 0 ? (uint64_t)(piece / run->ask.choices * (1e9 / per_s)) : 0);
}

/* ---- ends ------------------------------------------------------------------------------ */

static void on_gone(struct weft__http_exchange *x)
{
	weft__mock_run_free(run_of(x));
}

static void cut_off(struct weft__mock_run *run)
{
	struct weft__http_exchange *x = run->x;

	weft__count(&run->node->faults, 1u);
	weft__mock_run_free(run);
	weft__http_abort(x);
}

static void on_drained_cut_off(struct weft__http_exchange *x)
{
	cut_off(run_of(x));
}

/* What was written so far has to arrive first. */
static void cut_off_behind(struct weft__mock_run *run)
{
	if (weft__http_unsent(run->x))
		run->x->drained = on_drained_cut_off;
	else
		cut_off(run);
}

static void fail(struct weft__mock_run *run)
{
	struct weft__http_exchange *x = run->x;

	weft__mock_run_free(run);
	weft__http_abort(x);
}

/* ---- an answer in one piece -------------------------------------------------------------- */

static void respond_fault(struct weft__mock_run *run)
{
	const struct weft__dialect *dialect = run->dialect;
	struct weft__http_exchange *x = run->x;
	struct weft__mock_node *node = run->node;
	struct weft__fault fault = run->fault;

	weft__mock_run_free(run);
	weft__mock_fault(x, node, dialect, &fault);
}

static void respond_whole(struct weft__mock_run *run)
{
	static const struct weft__http_field json = { { "Content-Type", 12 }, { "application/json", 16 } };
	struct weft__mock_node *node = run->node;
	struct weft__http_exchange *x = run->x;

	weft__http_writer_reset(&node->out);
	if (run->dialect->whole(run) < 0) {
		weft__count(&node->refused, run->fault.status ? 1u : 0u);
		if (run->fault.status)
			respond_fault(run);
		else
			fail(run);
		return;
	}
	weft__count(&node->tokens, run->completion_tokens);
	if (run->drop == WEFT__DROP_MIDDLE) {
		if (weft__http_begin(x, 200, &json, 1) < 0 || weft__http_write(x, node->out.ptr, node->out.len / 2) < 0)
			fail(run);
		else
			cut_off_behind(run);
		return;
	}
	weft__mock_run_free(run);
	weft__mock_respond_json(x, node, 200);
}

/* ---- a stream ---------------------------------------------------------------------------- */

static int send_out(struct weft__mock_run *run)
{
	struct weft__mock_node *node = run->node;

	if (node->out.status < 0)
		return node->out.status;
	weft__count(&node->events, 1u);
	return weft__http_write(run->x, node->out.ptr, node->out.len);
}

static int begin_stream(struct weft__mock_run *run)
{
	static const struct weft__http_field fields[] = { { { "Content-Type", 12 }, { "text/event-stream; charset=utf-8", 32 } },
		                                          { { "Cache-Control", 13 }, { "no-cache", 8 } } };
	int r = weft__http_begin(run->x, 200, fields, 2);

	run->begun = true;
	weft__count(&run->node->streams, 1u);
	if (r < 0)
		return r;
	weft__http_writer_reset(&run->node->out);
	r = run->dialect->begin(run);
	return r < 0 ? r : send_out(run);
}

static int send_piece(struct weft__mock_run *run)
{
	int r;

	weft__http_writer_reset(&run->node->out);
	r = run->dialect->piece(run, &run->pieces[run->sent]);
	run->sent++;
	weft__count(&run->node->tokens, 1u);
	return r < 0 ? r : send_out(run);
}

static void end_stream(struct weft__mock_run *run)
{
	struct weft__http_exchange *x = run->x;

	weft__http_writer_reset(&run->node->out);
	if (run->dialect->end(run) < 0 || send_out(run) < 0) {
		fail(run);
		return;
	}
	weft__mock_run_free(run);
	weft__http_end(x);
}

static void on_drained(struct weft__http_exchange *x)
{
	struct weft__mock_run *run = run_of(x);

	if (!weft__alarm_is_on(&run->alarm))
		step(run);
}

static void step_stream(struct weft__mock_run *run)
{
	uint32_t last = run->drop == WEFT__DROP_MIDDLE ? run->piece_count / 2 : run->piece_count;
	uint64_t now = weft_now_ns();
	int r = run->begun ? 0 : begin_stream(run);

	run->x->drained = on_drained;
	while (r == 0 && run->sent < last && due(run, run->sent) <= now && weft__http_unsent(run->x) < UNSENT_BYTES_MAX)
		r = send_piece(run);
	if (r < 0)
		fail(run);
	else if (run->sent < last && due(run, run->sent) > now)
		wait_until(run, due(run, run->sent));
	else if (run->sent == last && run->drop == WEFT__DROP_MIDDLE)
		cut_off_behind(run);
	else if (run->sent == last)
		end_stream(run);
}

/* ---- in time ------------------------------------------------------------------------------- */

static void step(struct weft__mock_run *run)
{
	if (run->drop == WEFT__DROP_BEFORE) {
		cut_off(run);
	} else if (run->fault.status) {
		weft__count(&run->node->faults, 1u);
		respond_fault(run);
	} else if (run->ask.stream) {
		step_stream(run);
	} else {
		respond_whole(run);
	}
}

void weft__mock_run_start(struct weft__mock_run *run)
{
	bool whole = !run->ask.stream && !run->fault.status && run->drop != WEFT__DROP_BEFORE && run->piece_count;
	uint64_t first = whole ? due(run, run->piece_count - 1) : run->due_ns;

	run->x->user = run;
	run->x->gone = on_gone;
	if (first > weft_now_ns())
		wait_until(run, first);
	else
		step(run);
}
