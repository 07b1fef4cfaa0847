/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/remote/exchange.c - one call of a model over HTTP: through the gate, sent, read as it comes, repeated if
 * that is safe, and finished once.
 *
 *     handler --post--> HELD <-----------------------\
 *                        | the gate lets it go       | the gate says again, and no text was shown
 *                        v                           |
 *                      CALLING --answer or failure---+--> finished
 *                        | the stream says that it is complete
 *                        v
 *                      finished, DRAINING: what the server still sends, so that the connection can be used again
 *
 * It lives on one loop: the worker's whose agent asked, or the process's own. The handler only
 * writes the request and posts; all else happens in the loop's thread. An agent that ends
 * posts too: then a call under way is cancelled, which closes its connection, and one that waits is over.
 *
 * The exchange is freed when it is finished, its HTTP call is done and nothing that was posted is to come.
 */
#include <errno.h>
#include <stdalign.h>
#include <stddef.h>

#include <weft/runtime.h>

#include "actors/model.h"
#include "actors/remote/fault.h"
#include "actors/remote/hold.h"
#include "actors/remote/provider.h"
#include "net/sse/sse.h"
#include "runtime/io/loop.h"
#include "runtime/loops.h"

#define FAULT_BYTES_MAX 65536u  /* of a refusal's body */
#define ANSWER_TOKENS 1024u     /* what an answer is taken for at the gate, before it is known */
#define DRAIN_NS UINT64_C(1000000000) /* for a server to end what it has said is over */

enum stage { HELD = 0, CALLING, DRAINING };

struct exchange {
	weft_model_call *call; /* NULL once finished */
	struct weft__provider *p; /* a reference */
	struct weft__loop *loop;
	struct weft__job begin, stop;
	struct weft__hold hold;
	weft_gate_pass pass;
	weft_gate_hints hints;
	weft_json_writer *w; /* holds body */
	weft_str body;
	struct weft__http_call http;
	struct weft__sse sse;
	struct {
		char *ptr; /* owned */
		size_t len, cap;
	} whole; /* an answer that is no stream, or a refusal */
	int http_status;
	uint8_t stage;
	bool is_embedding;
	bool wants_stream, is_stream;
	bool canceled;
	bool out_of_memory;
	bool stop_posted, stop_ran; /* posted: written by the agent's thread before finish returns */
	bool dead;                  /* to be freed when stop has run */
	weft_error error;
	alignas(16) unsigned char stream[]; /* the API's, a struct weft__answering first */
};

static void go(struct exchange *x);

static struct exchange *of_http(struct weft__http_call *http)
{
	return http->user;
}

static struct weft__answering *answering(struct exchange *x)
{
	return (struct weft__answering *)(void *)x->stream;
}

static weft_str key_of(const struct exchange *x)
{
	return weft__secret_key(&x->p->secret);
}

/* ---- the end --------------------------------------------------------------------------- */

static void free_exchange(struct exchange *x)
{
	weft__sse_fini(&x->sse);
	weft_json_writer_destroy(x->w);
	weft_free(x->whole.ptr);
	weft__provider_unref(x->p);
	weft_free(x);
}

static void release(struct exchange *x)
{
	if (x->stop_posted && !x->stop_ran)
		x->dead = true;
	else
		free_exchange(x);
}

/* Say how it ended. After this the call and its arena are not ours. */
static void finish(struct exchange *x, int status)
{
	weft_model_call *call = x->call;

	x->call = NULL;
	if (status < 0)
		weft_error_set(call->error, status, "%.*s: %s", WEFT_STR_ARG(x->p->name),
		               x->error.message[0] ? x->error.message : weft_strerror(status));
	weft_model_finish(call, status);
}

static void end(struct exchange *x, int status)
{
	finish(x, status);
	release(x);
}

/* ---- waiting for the gate ------------------------------------------------------------------ */

static void give_up_pass(struct exchange *x)
{
	if (x->p->gate)
		weft_gate_cancel(x->p->gate, &x->pass, weft_now_ns());
}

static void hold_over(struct weft__hold *hold, bool loop_ends)
{
	struct exchange *x = weft__op_owner(hold, struct exchange, hold);

	if (!loop_ends) {
		go(x);
		return;
	}
	give_up_pass(x);
	weft_error_set(&x->error, -ECANCELED, "the runtime ends");
	end(x, -ECANCELED);
}

static void wait_for(struct exchange *x, uint64_t ns)
{
	int r;

	x->stage = HELD;
	r = weft__hold(&x->hold, x->loop, ns, hold_over);
	if (r == 0)
		return;
	give_up_pass(x);
	end(x, r == -ESHUTDOWN ? -ECANCELED : r);
}

/* What it will cost, for limits of tokens: corrected when it is known. */
static uint32_t tokens_estimated(const struct exchange *x)
{
	uint32_t answer = x->call->request->max_tokens, prompt = weft__tokens_of(x->body.len_bytes);

	if (x->is_embedding)
		return prompt;
	return prompt + (answer && answer < ANSWER_TOKENS ? answer : ANSWER_TOKENS);
}

/* ---- how an attempt ended ---------------------------------------------------------------------- */

static int error_for_gate(const struct exchange *x, int r)
{
	if (r == 0 || x->http_status >= 300)
		return 0; /* the status says it */
	return r == -EPIPE || r == -EIO || r == WEFT_EPARSE ? -ECONNRESET : r;
}

/* A success is told to the gate alone; a failure goes on from here, or ends. */
static void attempt_over(struct exchange *x, int r, const weft_model_usage *used)
{
	weft_gate_outcome out = { .http_status = x->http_status,
		                  .error = x->canceled ? -ECANCELED : error_for_gate(x, r),
		                  .retry_after_ns = x->hints.retry_after_ns,
		                  .server_says = x->hints.server_says,
		                  .tokens_used = used ? used->prompt_tokens + used->completion_tokens : 0,
		                  .bytes_delivered = weft__model_was_shown(x->call),
		                  .safe_to_repeat = true };
	weft_gate_verdict verdict = WEFT_GATE_FAIL;

	if (r == -EAGAIN && x->is_stream) { /* said inside the stream, but it is the same */
		out.http_status = 503;
		out.error = 0;
	}
	if (strstr(x->error.message, "insufficient_quota"))
		out.server_says = WEFT_GATE_SAYS_NO_RETRY; /* no waiting brings money */
	if (x->p->gate)
		verdict = weft_gate_leave(x->p->gate, &x->pass, &out, weft_now_ns());
	if (r == 0)
		return;
	if (verdict != WEFT_GATE_RETRY) {
		end(x, x->canceled ? -ECANCELED : r);
	} else if (x->canceled) {
		give_up_pass(x);
		end(x, -ECANCELED);
	} else {
		wait_for(x, x->pass.retry_after_ns);
	}
}

static int answer_read(struct exchange *x, weft_model_response *ret)
{
	weft_str body = { x->whole.ptr, x->whole.len };

	if (x->http_status < 200 || x->http_status > 299)
		return weft__fault(&x->error, x->http_status, body, key_of(x));
	if (x->out_of_memory)
		return -ENOMEM;
	if (x->is_stream)
		return x->p->api->stream_end(x->stream, ret);
	return x->p->api->read(answering(x), x->call->request, body, key_of(x), ret);
}

/* ---- the HTTP call --------------------------------------------------------------------------------- */

/* Of an answer to a request for a stream. Some servers name another type, or none, so it is one unless it cannot be. */
static bool is_event_stream(const struct weft__http_field *fields, uint32_t n)
{
	static const weft_str others[] = { { "application/json", 16 }, { "text/html", 9 } };
	weft_str type = weft__http_find(fields, n, WEFT_STR("content-type"));

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (type.len_bytes >= others[i].len_bytes &&
		    weft__str_eq_nocase((weft_str){ type.ptr, others[i].len_bytes }, others[i]))
			return false;
	}
	return true;
}

static void on_head(struct weft__http_call *http, int status, const struct weft__http_field *fields, uint32_t n)
{
	struct exchange *x = of_http(http);
	int64_t now_ms = weft_wall_ms();

	x->http_status = status;
	for (uint32_t i = 0; i < n; i++)
		weft_gate_hint(&x->hints, fields[i].name, fields[i].value, now_ms);
	/* a server that cannot stream answers whole */
	x->is_stream = x->wants_stream && status >= 200 && status < 300 && is_event_stream(fields, n);
}

static void drain_over(struct weft__hold *hold, bool loop_ends)
{
	struct exchange *x = weft__op_owner(hold, struct exchange, hold);

	if (!loop_ends) /* else the client ends it */
		x->p->line->cancel(&x->http);
}

/* The stream is complete: the agent need not wait for the connection. */
static void stream_over(struct exchange *x)
{
	weft_model_response res;

	if (answer_read(x, &res) < 0) { /* it is kept, and done tells it */
		x->p->line->cancel(&x->http);
		return;
	}
	*x->call->response = res;
	attempt_over(x, 0, &res.usage);
	x->stage = DRAINING;
	finish(x, 0);
	if (weft__hold(&x->hold, x->loop, DRAIN_NS, drain_over) < 0)
		x->p->line->cancel(&x->http);
}

static int on_event(const struct weft__sse_event *event, void *user)
{
	struct exchange *x = user;

	return x->p->api->stream_data(x->stream, event->data);
}

static void whole_add(struct exchange *x, const uint8_t *bytes, size_t len)
{
	bool refused = x->http_status < 200 || x->http_status > 299;
	size_t need;
	char *more;

	if (refused && len > FAULT_BYTES_MAX - x->whole.len)
		len = FAULT_BYTES_MAX - x->whole.len;
	if (!len || x->out_of_memory)
		return;
	need = x->whole.len + len;
	if (need > x->whole.cap) {
		need = need < 2 * x->whole.cap ? 2 * x->whole.cap : need;
		more = weft_realloc(x->whole.ptr, need);
		if (!more) {
			x->out_of_memory = true;
			return;
		}
		x->whole.ptr = more;
		x->whole.cap = need;
	}
	memcpy(x->whole.ptr + x->whole.len, bytes, len);
	x->whole.len += len;
}

static void on_body(struct weft__http_call *http, const uint8_t *bytes, size_t len)
{
	struct exchange *x = of_http(http);
	int r;

	if (x->stage != CALLING || x->canceled)
		return;
	if (!x->is_stream) {
		whole_add(x, bytes, len);
		return;
	}
	r = weft__sse_feed(&x->sse, bytes, len);
	if (r < 0 && answering(x)->status == 0)
		weft__answering_fail(answering(x), r, r == -ENOMEM ? "out of memory" : "an event of the stream is too large");
	if (r < 0)
		x->p->line->cancel(http); /* done says the rest */
	else if (x->p->api->stream_is_over(x->stream))
		stream_over(x);
}

static void on_done(struct weft__http_call *http, int status)
{
	struct exchange *x = of_http(http);
	weft_model_response res = { 0 };

	if (x->stage == DRAINING) {
		weft__hold_end(&x->hold);
		release(x);
		return;
	}
	/* what the stream, or a refusal, said counts for more than how the connection ended */
	if (x->is_stream && answering(x)->status < 0) {
		status = answering(x)->status;
	} else if (status < 0 && x->http_status < 300) {
		x->error = http->error;
	} else {
		status = answer_read(x, &res);
	}
	attempt_over(x, status, &res.usage);
	if (status == 0) {
		*x->call->response = res;
		end(x, 0);
	}
}

static void said(void *user, weft_str text)
{
	struct exchange *x = user;

	weft_model_chunk(x->call, text);
}

/* Forget the attempt before. */
static void attempt_begin(struct exchange *x)
{
	x->stage = CALLING;
	x->http_status = 0;
	x->hints = (weft_gate_hints){ 0 };
	x->whole.len = 0;
	x->is_stream = x->out_of_memory = false;
	x->error.message[0] = '\0';
	weft__sse_fini(&x->sse);
	weft__sse_init(&x->sse, 0, on_event, x);
	weft__answering_begin(answering(x), x->call->arena, &x->error, x->p->starts_thinking, x->wants_stream ? said : NULL, x);
	answering(x)->id_salt = x->call->request->message_count;
	if (x->wants_stream)
		x->p->api->stream_begin(x->stream, key_of(x));
}

static void call_start(struct exchange *x)
{
	struct weft__http_field fields[WEFT__PROVIDER_FIELDS_MAX + 2];
	const struct weft__provider *p = x->p;
	uint64_t now = weft_now_ns();
	struct weft__http_request req = { .method = WEFT_STR("POST"),
		                          .url = x->is_embedding ? p->embeddings_url : p->chat_url,
		                          .fields = fields,
		                          .body = x->body,
		                          .connect_ns = p->connect_ns,
		                          .first_byte_ns = p->first_byte_ns,
		                          .idle_ns = p->idle_ns,
		                          .total_ns = x->pass.deadline_ns > now ? x->pass.deadline_ns - now : 1,
		                          .flags = p->http_flags,
		                          .ca_file = p->ca_file,
		                          .proxy = p->proxy };
	int r;

	fields[0] = (struct weft__http_field){ WEFT_STR("Content-Type"), WEFT_STR("application/json") };
	fields[1] = (struct weft__http_field){ WEFT_STR("Accept"), WEFT_STR("application/json, text/event-stream") };
	memcpy(&fields[2], p->fields, p->field_count * sizeof(fields[0]));
	req.field_count = p->field_count + 2;
	attempt_begin(x);
	x->http = (struct weft__http_call){ .head = on_head, .body = on_body, .done = on_done, .user = x };
	r = p->line->start(x->loop, &x->http, &req);
	if (r < 0) {
		x->error = x->http.error;
		attempt_over(x, r, NULL);
	}
}

/* Through the gate, or wait before it. */
static void go(struct exchange *x)
{
	int64_t wait = 0;

	if (x->p->gate)
		wait = weft_gate_enter(x->p->gate, &x->pass, weft_now_ns(), tokens_estimated(x));
	if (wait > 0) {
		wait_for(x, (uint64_t)wait);
	} else if (wait < 0) {
		weft_error_set(&x->error, (int)wait, "%s", x->pass.why ? x->pass.why : weft_strerror((int)wait));
		end(x, (int)wait);
	} else {
		call_start(x);
	}
}

/* ---- from outside of the loop's thread ------------------------------------------------------------------ */

static void begin_run(struct weft__job *job)
{
	go(weft__op_owner(job, struct exchange, begin));
}

static void stop_run(struct weft__job *job)
{
	struct exchange *x = weft__op_owner(job, struct exchange, stop);

	x->stop_ran = true;
	if (x->dead) {
		free_exchange(x);
		return;
	}
	x->canceled = true;
	if (weft__hold_is_on(&x->hold) && x->stage == HELD) {
		weft__hold_end(&x->hold);
		give_up_pass(x);
		weft_error_set(&x->error, -ECANCELED, "canceled");
		end(x, -ECANCELED);
	} else {
		x->p->line->cancel(&x->http); /* done ends it, soon */
	}
}

/* Nobody waits any more. On the agent's thread; finish waits for its end. */
static void stop(void *user)
{
	struct exchange *x = user;

	x->stop_posted = weft__loop_post(x->loop, &x->stop) == 0; /* a loop that ends ends its calls by itself */
}

static int make(weft_model_call *call, struct weft__provider *p, struct exchange **ret)
{
	struct exchange *x = weft_calloc(1, sizeof(*x) + p->api->stream_bytes);
	int r;

	if (!x)
		return -ENOMEM;
	x->call = call;
	x->p = weft__provider_ref(p);
	x->is_embedding = call->request->type == WEFT_MODEL_TEXT_EMBEDDING;
	x->wants_stream = !p->no_stream && !x->is_embedding;
	x->begin.run = begin_run;
	x->stop.run = stop_run;
	x->pass.deadline_ns = weft__after_ns(weft_now_ns(), p->timeout_ns);
	r = weft_json_writer_create(0, &x->w);
	if (r == 0)
		r = p->api->write(p, call->request, x->wants_stream, x->w, &x->body, call->error);
	if (r < 0) {
		free_exchange(x);
		return r;
	}
	*ret = x;
	return 0;
}

int weft__exchange(weft_model_call *call, void *user)
{
	struct exchange *x;
	int r = make(call, user, &x);

	if (r < 0)
		return r;
	x->loop = call->rt ? weft__loop_any(call->rt) : weft__loop_own();
	if (!x->loop) {
		free_exchange(x);
		return weft_error_set(call->error, -EAGAIN, "there is no loop to wait on");
	}
	(void)weft_model_on_cancel(call, stop, x); /* it is set inside the handler, as it must be */
	r = weft__loop_post(x->loop, &x->begin);
	if (r < 0) {
		free_exchange(x);
		return weft_error_set(call->error, r, "the runtime ends");
	}
	return WEFT_PENDING;
}
