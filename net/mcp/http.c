/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mcp/http.c - see http.h. An exchange is one POST and the streams that go on with its answer, or the
 * stream of what the server says by itself, again and again.
 */
#include "net/mcp/http.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <weft/alloc.h>
#include <weft/json.h>
#include <weft/runtime.h>

#include "net/mcp/admission.h"
#include "net/sse/sse.h"

#define MS_NS UINT64_C(1000000)
#define ERROR_BYTES_MAX (16u << 10) /* of an answer that is only looked at for its reason */
#define RESUMES_MAX 1000u           /* in a row without an event */
#define FIELDS_OWN 7u
#define TOLD_MAX 32u                     /* under way at once: the server's 16 questions, and pings beside them */
#define TOLD_NS UINT64_C(30000000000)    /* for one of them */
#define LEFT_OPEN_MAX 64u                /* exchanges before somebody looks whether anybody waits for them */

enum kind { POST, LISTEN, END };

struct weft__mcp_exchange {
	struct weft__http_call call; /* first */
	struct weft__mcp_http *http;
	struct weft__mcp_exchange *next;
	enum kind kind;
	int64_t id; /* of the call that is asked; 0: none */
	char *text; /* owned: the message, until it has gone */
	size_t text_len;
	int status;          /* of the answer; 0: none yet */
	bool is_events;      /* the answer is a stream */
	bool resumed;        /* this request only goes on with a stream */
	bool ends_greeting;  /* with its answer the others may go */
	bool forgotten;      /* nobody waits any more */
	uint32_t fruitless;  /* streams in a row that brought nothing */
	struct weft__sse sse;
	uint64_t retry_ns;   /* as the server named it; 0: it did not */
	char *last_id;       /* owned: of the last event that had one */
	char *body;          /* owned: an answer that is no stream */
	size_t body_len, body_cap;
	struct weft__alarm alarm;
	struct weft__mcp_admission admission;
};

static struct weft__mcp_http *of_transport(struct weft__mcp_transport *t)
{
	return (struct weft__mcp_http *)t; /* its first member */
}

static struct weft__mcp_exchange *of_call(struct weft__http_call *call)
{
	return (struct weft__mcp_exchange *)call; /* its first member */
}

static bool is_told(const struct weft__mcp_http *h)
{
	return !h->closing && !h->lost;
}

/* ---- an exchange comes and goes ------------------------------------------------------- */

/* An answer or a notification: nobody here waits for what comes of it. */
static bool is_telling(const struct weft__mcp_exchange *x)
{
	return x->kind == POST && !x->id;
}

static struct weft__mcp_exchange *exchange_make(struct weft__mcp_http *h, enum kind kind, int64_t id)
{
	struct weft__mcp_exchange *x = weft_calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->http = h;
	x->kind = kind;
	x->id = id;
	h->told += is_telling(x);
	h->posts += kind == POST;
	return x;
}

static void exchange_free(struct weft__mcp_exchange *x)
{
	weft__loop_alarm_off(x->http->loop, &x->alarm);
	weft__mcp_admission_fini(&x->admission, x->http->options.oauth);
	x->http->told -= is_telling(x);
	x->http->posts -= x->kind == POST;
	weft__sse_fini(&x->sse);
	weft_free(x->text);
	weft_free(x->last_id);
	weft_free(x->body);
	weft_free(x);
}

static void close_when_idle(struct weft__mcp_http *h);

static void exchange_over(struct weft__mcp_exchange *x)
{
	struct weft__mcp_http *h = x->http;
	struct weft__mcp_exchange **at = &h->exchanges;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	exchange_free(x);
	close_when_idle(h);
}

static void tell_failed(struct weft__mcp_exchange *x, int status, weft_str why)
{
	struct weft__mcp_http *h = x->http;

	if (!is_told(h) || x->forgotten)
		return;
	if (!x->id)
		h->transport.heard->chatter(&h->transport, why);
	else if (h->transport.heard->is_awaited(&h->transport, x->id)) /* what breaks after the answer does no harm */
		h->transport.heard->failed(&h->transport, x->id, status, why);
}

static void tell_lost(struct weft__mcp_http *h, int status, weft_str why)
{
	if (!is_told(h))
		return;
	h->lost = true;
	h->transport.heard->lost(&h->transport, status, why);
}

/* ---- requests ---------------------------------------------------------------------------- */

static void field(struct weft__http_request *req, struct weft__http_field *fields, weft_str name, weft_str value)
{
	fields[req->field_count++] = (struct weft__http_field){ name, value };
}

static int request(struct weft__mcp_exchange *x, weft_str method)
{
	struct weft__mcp_http *h = x->http;
	int r = weft__mcp_admission_show(&x->admission, h->options.oauth);
	struct weft__http_field fields[WEFT__MCP_HTTP_FIELDS + FIELDS_OWN];
	struct weft__http_request req = { .method = method,
		                          .url = h->options.url,
		                          .fields = fields,
		                          .first_byte_ns = UINT64_MAX, /* patience is the session's */
		                          .idle_ns = UINT64_MAX,
		                          .body_bytes_max = UINT64_MAX,
		                          .flags = WEFT__HTTP_FOLLOW | WEFT__HTTP_SAME_ORIGIN |
		                                   (h->options.insecure ? WEFT__HTTP_INSECURE : 0u),
		                          .ca_file = h->options.ca_file,
		                          .proxy = h->options.proxy };

	for (uint32_t i = 0; i < h->options.field_count; i++)
		fields[req.field_count++] = h->options.fields[i];
	if (x->kind == POST && !x->resumed) {
		req.body = (weft_str){ x->text, x->text_len };
		field(&req, fields, WEFT_STR("Content-Type"), WEFT_STR("application/json"));
		field(&req, fields, WEFT_STR("Accept"), WEFT_STR("application/json, text/event-stream"));
		req.total_ns = is_telling(x) ? TOLD_NS : 0;
	} else if (x->kind == END) {
		req.total_ns = h->options.end_ns;
	} else {
		field(&req, fields, WEFT_STR("Accept"), WEFT_STR("text/event-stream"));
		if (x->last_id)
			field(&req, fields, WEFT_STR("Last-Event-ID"), weft_str_from(x->last_id));
	}
	if (h->session_id[0])
		field(&req, fields, WEFT_STR("Mcp-Session-Id"), weft_str_from(h->session_id));
	if (h->version)
		field(&req, fields, WEFT_STR("MCP-Protocol-Version"), weft_str_from(h->version));
	if (x->admission.shown.len)
		field(&req, fields, WEFT_STR("Authorization"), weft__secret_text(&x->admission.shown));
	x->status = 0;
	x->is_events = false;
	x->body_len = 0;
	return r < 0 ? r : weft__http_start(h->loop, &x->call, &req);
}

/* ---- the stream of events -------------------------------------------------------------------- */

static int on_event(const struct weft__sse_event *event, void *user)
{
	struct weft__mcp_exchange *x = user;
	struct weft__mcp_http *h = x->http;

	if (event->id.len_bytes) {
		char *id = weft_strndup(event->id.ptr, event->id.len_bytes);

		if (id) { /* out of memory: the older one serves, and what comes twice finds nobody */
			weft_free(x->last_id);
			x->last_id = id;
		}
	}
	if (!event->data.len_bytes || !weft_str_eq(event->type, WEFT_STR("message")))
		return 0;
	x->fruitless = 0;
	if (is_told(h))
		h->transport.heard->message(&h->transport, event->data);
	return h->closing ? -ECANCELED : 0;
}

static uint64_t pause_before(const struct weft__mcp_exchange *x)
{
	const struct weft__mcp_http_options *o = &x->http->options;
	uint64_t pause = x->retry_ns ? x->retry_ns : o->retry_ns;

	for (uint32_t i = 1; !x->retry_ns && i < x->fruitless && pause < o->retry_ns_max; i++)
		pause *= 2;
	if (pause < o->retry_ns_min)
		return o->retry_ns_min;
	return pause < o->retry_ns_max ? pause : o->retry_ns_max;
}

static void take_up(struct weft__alarm *alarm)
{
	struct weft__mcp_exchange *x =
		(struct weft__mcp_exchange *)((char *)alarm - offsetof(struct weft__mcp_exchange, alarm));
	int r;

	x->resumed = true;
	r = request(x, WEFT_STR("GET"));
	if (r < 0) {
		tell_failed(x, r, weft_str_from(x->call.error.message));
		exchange_over(x);
	}
}

/* A stream ended and somebody still waits for what it should have brought. */
static void take_up_later(struct weft__mcp_exchange *x)
{
	x->fruitless++;
	if (x->sse.retry_ms)
		x->retry_ns = x->sse.retry_ms < UINT64_MAX / MS_NS ? x->sse.retry_ms * MS_NS : UINT64_MAX;
	weft__sse_fini(&x->sse);
	memset(&x->sse, 0, sizeof(x->sse));
	weft__loop_alarm(x->http->loop, &x->alarm, weft_now_ns() + pause_before(x), take_up);
}

/* ---- answers ---------------------------------------------------------------------------------- */

static bool id_is_valid(weft_str id)
{
	for (size_t i = 0; i < id.len_bytes; i++) {
		if (id.ptr[i] < 0x21 || id.ptr[i] > 0x7e)
			return false;
	}
	return id.len_bytes && id.len_bytes <= WEFT__MCP_SESSION_ID_BYTES;
}

static void on_head(struct weft__http_call *call, int status, const struct weft__http_field *fields, uint32_t n)
{
	struct weft__mcp_exchange *x = of_call(call);
	struct weft__mcp_http *h = x->http;
	weft_str id = weft__http_find(fields, n, WEFT_STR("Mcp-Session-Id"));

	x->status = status;
	weft__mcp_admission_head(&x->admission, h->options.oauth, status, fields, n);
	if (status / 100 != 2)
		return;
	if (!h->version && id_is_valid(id)) {
		memcpy(h->session_id, id.ptr, id.len_bytes);
		h->session_id[id.len_bytes] = '\0';
	}
	x->is_events = weft__http_list_has(weft__http_find(fields, n, WEFT_STR("Content-Type")), WEFT_STR("text/event-stream"));
	if (x->is_events)
		weft__sse_init(&x->sse, (uint32_t)(h->options.message_bytes_max < UINT32_MAX ? h->options.message_bytes_max : UINT32_MAX),
		               on_event, x);
}

static int body_keep(struct weft__mcp_exchange *x, const uint8_t *bytes, size_t len)
{
	size_t most = x->status / 100 == 2 ? x->http->options.message_bytes_max : ERROR_BYTES_MAX;

	if (len > most || x->body_len > most - len)
		return -EMSGSIZE;
	if (x->body_len + len > x->body_cap) {
		size_t cap = x->body_cap ? x->body_cap * 2 : 1024;
		char *more;

		while (cap < x->body_len + len)
			cap *= 2;
		more = weft_realloc(x->body, cap);
		if (!more)
			return -ENOMEM;
		x->body = more;
		x->body_cap = cap;
	}
	memcpy(x->body + x->body_len, bytes, len);
	x->body_len += len;
	return 0;
}

static void on_body(struct weft__http_call *call, const uint8_t *bytes, size_t len)
{
	struct weft__mcp_exchange *x = of_call(call);
	int r = x->is_events ? weft__sse_feed(&x->sse, bytes, len) : body_keep(x, bytes, len);

	if (r == 0)
		return;
	if (r != -ECANCELED)
		tell_failed(x, r, r == -EMSGSIZE ? WEFT_STR("a message of the server is too long") : (weft_str){ 0 });
	x->forgotten = true; /* it was told */
	weft__http_cancel(call);
}

/* What an answer that is none says for itself, when it says it as JSON. */
static weft_str reason_of(const struct weft__mcp_exchange *x, weft_json_doc **ret_doc)
{
	weft_str why = { 0 };
	weft_json error;

	*ret_doc = NULL;
	if (weft_json_parse((weft_str){ x->body, x->body_len }, ret_doc, NULL) < 0)
		return why;
	error = weft_json_find(weft_json_root(*ret_doc), WEFT_STR("error"));
	if (!weft_json_get_str(weft_json_find(error, WEFT_STR("message")), &why))
		weft_json_get_str(error, &why);
	return why;
}

static bool speaks_of_session(weft_str reason)
{
	for (size_t i = 0; i + 7 <= reason.len_bytes; i++) {
		if (!strncasecmp(reason.ptr + i, "session", 7))
			return true;
	}
	return false;
}

/*
 * 404 is how a server says that it does not know the session (any more); many say 400 and why. Then this request was
 * not looked at, which is told of it alone, and the others that are under way are lost with the session.
 */
static bool is_forgotten(const struct weft__mcp_exchange *x, weft_str reason)
{
	return x->http->session_id[0] && (x->status == 404 || (x->status == 400 && speaks_of_session(reason)));
}

static void forgotten(struct weft__mcp_exchange *x)
{
	if (x->id && !x->resumed)
		tell_failed(x, -ESTALE, WEFT_STR("the server has forgotten the session"));
	tell_lost(x->http, -ESTALE, WEFT_STR("the server has forgotten the session"));
}

static void refused(struct weft__mcp_exchange *x)
{
	weft_json_doc *doc = NULL;
	weft_str reason = reason_of(x, &doc);
	char why[320];

	if (is_forgotten(x, reason)) {
		weft_json_release(doc);
		forgotten(x);
		return;
	}
	if (weft__mcp_admission_is_told(&x->admission, reason))
		reason = (weft_str){ 0 }; /* errors are shown, sent to models and recorded */
	snprintf(why, sizeof(why), "the server answered HTTP %d%s%s%.*s", x->status,
	         x->status != 401       ? "" :
	         x->http->options.oauth ? " (it refuses the token that it was authorized with)" :
	                                  " (it wants to know who asks: give it an Authorization header, or oauth)",
	         reason.len_bytes ? ": " : "", (int)(reason.len_bytes < 200 ? reason.len_bytes : 200),
	         reason.len_bytes ? reason.ptr : "");
	weft_json_release(doc);
	tell_failed(x, x->status == 401 || x->status == 403 ? -EACCES : x->status / 100 == 5 ? -EPIPE : -EPROTO, weft_str_from(why));
}

/* One that only told something is answered by 202 and nothing. */
static void body_give(struct weft__mcp_exchange *x)
{
	struct weft__mcp_http *h = x->http;

	if (x->body_len && is_told(h) && x->id)
		h->transport.heard->message(&h->transport, (weft_str){ x->body, x->body_len });
}

static bool is_awaited(const struct weft__mcp_exchange *x)
{
	struct weft__mcp_http *h = x->http;

	if (!is_told(h) || x->forgotten)
		return false;
	return x->kind == LISTEN || (x->id && h->transport.heard->is_awaited(&h->transport, x->id));
}

/* The stream of what the server says by itself: any end but a refusal is taken up again. */
static bool listens_on(struct weft__mcp_exchange *x, int status)
{
	struct weft__mcp_http *h = x->http;

	if (!is_told(h))
		return false;
	if (x->status == 404 || x->status == 400) {
		refused(x);
		return false;
	}
	if (x->status / 100 == 4 || x->status / 100 == 3 || (x->status / 100 == 2 && !x->is_events))
		return false; /* 405: the server has no such stream */
	return status != -ECANCELED && status != -ESHUTDOWN;
}

/* What a POST, or the GET that went on with its answer, came to. True: it goes on. */
static bool posted(struct weft__mcp_exchange *x, int status)
{
	if (x->status && x->status / 100 != 2) {
		refused(x);
		return false;
	}
	if (x->is_events && status != -ECANCELED && x->last_id && x->fruitless < RESUMES_MAX && is_awaited(x))
		return true;
	if (x->resumed && !x->status && status != -ECANCELED && x->fruitless < RESUMES_MAX && is_awaited(x))
		return true; /* the server could not be reached just now */
	if (status < 0) { /* what never left can not have been done */
		tell_failed(x, x->call.sent || x->resumed ? status : -EHOSTDOWN, weft_str_from(x->call.error.message));
		return false;
	}
	if (!x->is_events)
		body_give(x);
	if (is_awaited(x))
		tell_failed(x, -EPIPE, x->is_events ? WEFT_STR("the stream ended before the answer") :
		                                       WEFT_STR("the server took the request and did not answer it"));
	return false;
}

/* ---- a token comes first ------------------------------------------------------------------- */

static void waiting_go(struct weft__mcp_http *h);

static weft_str method_of(const struct weft__mcp_exchange *x)
{
	return x->kind == END ? WEFT_STR("DELETE") : x->kind == POST && !x->resumed ? WEFT_STR("POST") : WEFT_STR("GET");
}

static void hold(struct weft__mcp_exchange *x, bool held)
{
	struct weft__mcp_http *h = x->http;

	if (x->id && is_told(h) && h->transport.heard->held)
		h->transport.heard->held(&h->transport, x->id, held);
}

static void on_admitted(struct weft__oauth_waiter *waiter, int status, weft_str why)
{
	struct weft__mcp_admission *a = (struct weft__mcp_admission *)waiter; /* its first member */
	struct weft__mcp_exchange *x = (struct weft__mcp_exchange *)((char *)a - offsetof(struct weft__mcp_exchange, admission));
	struct weft__mcp_http *h = x->http;
	bool ends_greeting = x->ends_greeting;

	hold(x, false);
	if (status == 0) {
		status = request(x, method_of(x));
		if (status == 0)
			return;
		why = weft_str_from(x->call.error.message);
	}
	tell_failed(x, status, why);
	exchange_over(x);
	if (ends_greeting)
		waiting_go(h);
}

/* Refused, and worth asking for a better token: it goes once more then. */
static bool is_admitted_later(struct weft__mcp_exchange *x)
{
	struct weft__mcp_http *h = x->http;

	if (x->kind == END || !is_told(h) || x->forgotten || !weft__mcp_admission_asks(&x->admission, h->options.oauth, x->status))
		return false;
	hold(x, true);
	return true;
}

static void on_done(struct weft__http_call *call, int status)
{
	struct weft__mcp_exchange *x = of_call(call);
	struct weft__mcp_http *h = x->http;
	bool ends_greeting = x->ends_greeting;

	if (x->is_events)
		(void)weft__sse_finish(&x->sse);
	if (is_admitted_later(x))
		return;
	if (x->kind == POST ? posted(x, status) : x->kind == LISTEN && listens_on(x, status)) {
		take_up_later(x);
		return;
	}
	exchange_over(x);
	if (ends_greeting)
		waiting_go(h);
}

/* ---- going out ------------------------------------------------------------------------------------ */

static int exchange_go(struct weft__mcp_exchange *x)
{
	struct weft__mcp_http *h = x->http;
	int r;

	x->call.head = on_head;
	x->call.body = on_body;
	x->call.done = on_done;
	x->admission.waiter.done = on_admitted;
	if (x->kind != END && weft__mcp_admission_renews(&x->admission, h->options.oauth)) {
		hold(x, true);
	} else {
		r = request(x, method_of(x));
		if (r < 0)
			return r;
	}
	x->next = h->exchanges;
	h->exchanges = x;
	return 0;
}

static void listen_begin(struct weft__mcp_http *h)
{
	struct weft__mcp_exchange *x = exchange_make(h, LISTEN, 0);

	if (x && exchange_go(x) < 0)
		exchange_free(x);
}

/*
 * The server knows that the handshake is over. First the stream on which it speaks by itself, on the connection that is
 * there, so that it comes before what may make it speak; then what had to wait, in its order.
 */
static void waiting_go(struct weft__mcp_http *h)
{
	struct weft__mcp_exchange *x;

	h->greeting = false;
	if (is_told(h))
		listen_begin(h);
	while (is_told(h) && (x = h->waiting)) {
		int r;

		h->waiting = x->next;
		if (!h->waiting)
			h->waiting_end = &h->waiting;
		r = exchange_go(x);
		if (r < 0) {
			tell_failed(x, r, weft_str_from(x->call.error.message));
			exchange_free(x);
		}
	}
}

/* One that only waits, to be taken up again or for a token, goes at once. */
static void let_go(struct weft__mcp_exchange *x)
{
	x->forgotten = true;
	if (weft__alarm_is_on(&x->alarm) || x->admission.waiter.waits)
		exchange_over(x);
	else
		weft__http_cancel(&x->call);
}

/*
 * A call may be answered on any stream, and its own be left open: those would gather, a connection each. Looking at all of
 * them is put off until there are twice as many as at the last look, so it costs each call the same.
 */
static void answered_end(struct weft__mcp_http *h)
{
	struct weft__mcp_exchange *x, *next;
	uint32_t left = 0;

	if (h->posts < (h->look_at ? h->look_at : LEFT_OPEN_MAX))
		return;
	for (x = h->exchanges; x; x = next) {
		next = x->next;
		if (x->kind != POST || !x->id || x->forgotten)
			continue;
		if (h->transport.heard->is_awaited(&h->transport, x->id))
			left++;
		else
			let_go(x);
	}
	h->look_at = left * 2 > LEFT_OPEN_MAX ? left * 2 : LEFT_OPEN_MAX;
}

static int on_send(struct weft__mcp_transport *t, weft_str text, int64_t id)
{
	struct weft__mcp_http *h = of_transport(t);
	struct weft__mcp_exchange *x;
	int r;

	if (!is_told(h))
		return -EPIPE;
	if (!id && h->told >= TOLD_MAX)
		return -ENOBUFS; /* a server that asks and does not take the answers */
	if (id)
		answered_end(h);
	x = exchange_make(h, POST, id);
	if (!x)
		return -ENOMEM;
	x->text = weft_strndup(text.ptr, text.len_bytes);
	x->text_len = text.len_bytes;
	if (!x->text) {
		exchange_free(x);
		return -ENOMEM;
	}
	if (h->greeting) {
		*h->waiting_end = x;
		h->waiting_end = &x->next;
		return 0;
	}
	if (h->greeted && !id) { /* notifications/initialized */
		h->greeted = false;
		h->greeting = x->ends_greeting = true;
	}
	r = exchange_go(x);
	if (r < 0) {
		h->greeting = h->greeting && !x->ends_greeting;
		exchange_free(x);
	}
	return r;
}

static void on_greeted(struct weft__mcp_transport *t, const char *version)
{
	struct weft__mcp_http *h = of_transport(t);

	h->version = version;
	h->greeted = true;
}

static void on_forget(struct weft__mcp_transport *t, int64_t id)
{
	struct weft__mcp_http *h = of_transport(t);

	for (struct weft__mcp_exchange *x = h->exchanges; x; x = x->next) {
		if (x->id == id) {
			let_go(x);
			return;
		}
	}
	for (struct weft__mcp_exchange **at = &h->waiting; *at; at = &(*at)->next) {
		struct weft__mcp_exchange *x = *at;

		if (x->id != id)
			continue;
		*at = x->next;
		if (!*at)
			h->waiting_end = at;
		exchange_free(x);
		return;
	}
}

/* ---- the end ---------------------------------------------------------------------------------------- */

static void tell_closed(struct weft__job *job)
{
	struct weft__mcp_http *h = (struct weft__mcp_http *)((char *)job - offsetof(struct weft__mcp_http, job));

	h->transport.heard->closed(&h->transport);
}

static bool delete_begin(struct weft__mcp_http *h)
{
	struct weft__mcp_exchange *x;

	if (h->deleting || h->lost || !h->session_id[0])
		return false;
	h->deleting = true;
	x = exchange_make(h, END, 0);
	if (!x)
		return false;
	if (exchange_go(x) == 0)
		return true;
	exchange_free(x);
	return false;
}

static void close_when_idle(struct weft__mcp_http *h)
{
	if (!h->closing || h->exchanges || h->job.run)
		return;
	h->job.run = tell_closed;
	weft__loop_later(h->loop, &h->job);
}

static void exchanges_end(struct weft__mcp_http *h)
{
	struct weft__mcp_exchange *x, *next;

	for (x = h->waiting; x; x = next) {
		next = x->next;
		exchange_free(x);
	}
	h->waiting = NULL;
	for (x = h->exchanges; x; x = next) {
		next = x->next;
		let_go(x);
	}
}

static void on_close(struct weft__mcp_transport *t)
{
	struct weft__mcp_http *h = of_transport(t);

	if (h->closing)
		return;
	h->closing = true;
	h->job.run = tell_closed; /* not yet: DELETE may come first */
	exchanges_end(h);
	h->job.run = NULL;
	(void)delete_begin(h);
	close_when_idle(h);
}

int weft__mcp_http_open(struct weft__loop *loop, struct weft__mcp_http *h, const struct weft__mcp_http_options *options)
{
	const struct weft__mcp_heard *heard = h->transport.heard;

	memset(h, 0, sizeof(*h));
	if (options->field_count > WEFT__MCP_HTTP_FIELDS)
		return -E2BIG;
	h->transport = (struct weft__mcp_transport){ .heard = heard,
		                                     .send = on_send,
		                                     .forget = on_forget,
		                                     .greeted = on_greeted,
		                                     .close = on_close };
	h->loop = loop;
	h->options = *options;
	h->waiting_end = &h->waiting;
	return 0;
}
