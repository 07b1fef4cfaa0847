/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: the transport over an HTTP client that is played by the test: what is asked, in which order, what becomes of
 * answers of every kind, streams that break and are taken up, sessions that are forgotten, ends.
 */
#include <weft/runtime.h>

#include "mcp_test.h"
#include "net/mcp/http.h"
#include "net/mcp/session.h"
#include "runtime/io/loop.h"

#define CALLS_MAX 256u
#define MS UINT64_C(1000000)

/* ---- the client that is played --------------------------------------------------------- */

struct asked {
	struct weft__http_call *call; /* NULL: it is over */
	char method[8], body[512];
	char accept[64], session[64], version[32], last_event[32], secret[32];
	uint64_t total_ns;
	bool cancelled;
};

static struct asked asked[CALLS_MAX];
static uint32_t asked_count;
static int start_answer;

static void field_copy(const struct weft__http_request *req, const char *name, char *to, size_t room)
{
	weft_str value = weft__http_find(req->fields, req->field_count, weft_str_from(name));

	snprintf(to, room, "%.*s", (int)value.len_bytes, value.len_bytes ? value.ptr : "");
}

int weft__http_start(struct weft__loop *loop, struct weft__http_call *call, const struct weft__http_request *req)
{
	struct asked *a = &asked[asked_count];

	(void)loop;
	if (start_answer < 0)
		return weft_error_set(&call->error, start_answer, "no start");
	cr_assert_lt(asked_count, CALLS_MAX);
	cr_assert(weft_str_eq(req->url, WEFT_STR("http://h/mcp")));
	cr_assert(req->flags & WEFT__HTTP_SAME_ORIGIN, "sessions and arguments are for one server");
	memset(a, 0, sizeof(*a));
	a->call = call;
	call->flight = (struct weft__http_flight *)a;
	a->total_ns = req->total_ns;
	snprintf(a->method, sizeof(a->method), "%.*s", WEFT_STR_ARG(req->method));
	snprintf(a->body, sizeof(a->body), "%.*s", (int)req->body.len_bytes, req->body.len_bytes ? req->body.ptr : "");
	field_copy(req, "Accept", a->accept, sizeof(a->accept));
	field_copy(req, "Mcp-Session-Id", a->session, sizeof(a->session));
	field_copy(req, "MCP-Protocol-Version", a->version, sizeof(a->version));
	field_copy(req, "Last-Event-ID", a->last_event, sizeof(a->last_event));
	field_copy(req, "Authorization", a->secret, sizeof(a->secret));
	asked_count++;
	return 0;
}

void weft__http_cancel(struct weft__http_call *call)
{
	struct asked *a = (struct asked *)call->flight;

	if (a)
		a->cancelled = true;
}

static bool done_sent = true; /* whether the request left */

static void done(uint32_t i, int status)
{
	struct weft__http_call *call = asked[i].call;

	cr_assert_not_null(call, "call %u is over", i);
	asked[i].call = NULL;
	call->flight = NULL;
	call->sent = done_sent;
	if (status < 0)
		weft_error_set(&call->error, status, "broken");
	call->done(call, status);
}

static void head(uint32_t i, int status, const char *type, const char *session)
{
	struct weft__http_field fields[2] = { { WEFT_STR("content-type"), weft_str_from(type) },
		                              { WEFT_STR("mcp-session-id"), weft_str_from(session) } };

	asked[i].call->head(asked[i].call, status, fields, session ? 2 : 1);
}

static void body(uint32_t i, const char *text)
{
	asked[i].call->body(asked[i].call, (const uint8_t *)text, strlen(text));
}

static void answer(uint32_t i, int status, const char *type, const char *text)
{
	head(i, status, type, NULL);
	if (*text)
		body(i, text);
	done(i, 0);
}

/* What was cancelled says so, as the real one does: later. */
static void cancelled_end(void)
{
	for (uint32_t i = 0; i < asked_count; i++) {
		if (asked[i].cancelled && asked[i].call)
			done(i, -ECANCELED);
	}
}

/* ---- the owner ---------------------------------------------------------------------------- */

static struct weft__loop *loop;
static struct weft__mcp_http http;
static int64_t awaited[8]; /* calls that are not answered yet */
static bool is_closed;

static void on_message(struct weft__mcp_transport *t, weft_str text)
{
	weft_json_doc *doc = NULL;
	int64_t id = 0;

	(void)t;
	happened("<%.*s>", WEFT_STR_ARG(text));
	cr_assert_eq(weft_json_parse(text, &doc, NULL), 0);
	weft_json_get_int(weft_json_find(weft_json_root(doc), WEFT_STR("id")), &id);
	weft_json_release(doc);
	for (size_t i = 0; i < 8; i++)
		awaited[i] = awaited[i] == id ? 0 : awaited[i];
}

static void on_failed(struct weft__mcp_transport *t, int64_t id, int status, weft_str why)
{
	(void)t;
	for (size_t i = 0; i < 8; i++)
		awaited[i] = awaited[i] == id ? 0 : awaited[i];
	happened("failed %lld %s %.*s;", (long long)id, weft_errname(status), WEFT_STR_ARG(why));
}

static void on_lost(struct weft__mcp_transport *t, int status, weft_str why)
{
	happened("lost %s %.*s;", weft_errname(status), WEFT_STR_ARG(why));
	t->close(t);
}

static bool on_is_awaited(struct weft__mcp_transport *t, int64_t id)
{
	(void)t;
	for (size_t i = 0; i < 8; i++) {
		if (awaited[i] == id)
			return true;
	}
	return false;
}

static void on_chatter(struct weft__mcp_transport *t, weft_str text)
{
	(void)t;
	happened("chatter %.*s;", WEFT_STR_ARG(text));
}

static void on_closed(struct weft__mcp_transport *t)
{
	(void)t;
	is_closed = true;
}

static const struct weft__mcp_heard heard = { on_message, on_failed, on_lost, on_is_awaited, NULL, on_chatter, on_closed };

static const struct weft__http_field secret = { { "Authorization", 13 }, { "Bearer x", 8 } };

static void setup(void)
{
	struct weft__mcp_http_options options = { .url = WEFT_STR("http://h/mcp"),
		                                  .fields = &secret,
		                                  .field_count = 1,
		                                  .message_bytes_max = 300,
		                                  .retry_ns = MS,
		                                  .retry_ns_min = MS,
		                                  .retry_ns_max = 60 * MS };

	transcript_reset();
	asked_count = 0;
	start_answer = 0;
	is_closed = false;
	memset(awaited, 0, sizeof(awaited));
	cr_assert_eq(weft__loop_open(WEFT_IO_EPOLL, &loop, NULL), 0);
	http.transport.heard = &heard;
	cr_assert_eq(weft__mcp_http_open(loop, &http, &options), 0);
}

static void close_all(void)
{
	http.transport.close(&http.transport);
	cancelled_end();
	for (uint32_t i = 0; i < asked_count; i++) {
		if (asked[i].call) {
			cr_assert_str_eq(asked[i].method, "DELETE");
			done(i, 0);
		}
	}
	while (!is_closed)
		weft__loop_wait(loop, 100 * MS);
}

static void teardown(void)
{
	if (!is_closed)
		close_all();
	weft__loop_retire(loop);
	weft__loop_close(loop);
	transcript_reset();
}

TestSuite(mcp_http, .init = setup, .fini = teardown);

static int ask(int64_t id, const char *text)
{
	for (size_t i = 0; id && i < 8; i++) {
		if (!awaited[i]) {
			awaited[i] = id;
			break;
		}
	}
	return http.transport.send(&http.transport, weft_str_from(text), id);
}

/* The handshake, up to the stream of what the server says by itself: exchanges 0 to 2. */
static void greet(const char *session)
{
	cr_assert_eq(ask(1, "{hello}"), 0);
	head(0, 200, "application/json; charset=utf-8", session);
	body(0, "{\"id\":1}");
	http.transport.greeted(&http.transport, "2025-06-18");
	done(0, 0);
	cr_assert_eq(ask(0, "{initialized}"), 0);
	answer(1, 202, "", "");
	cr_assert_str_eq(asked[2].method, "GET");
	events[0] = '\0';
}

static void until_asked(uint32_t count)
{
	while (asked_count < count)
		weft__loop_wait(loop, 100 * MS);
}

Test(mcp_http, the_handshake)
{
	cr_assert_eq(ask(1, "{hello}"), 0);
	cr_assert_str_eq(asked[0].method, "POST");
	cr_assert_str_eq(asked[0].body, "{hello}");
	cr_assert_str_eq(asked[0].accept, "application/json, text/event-stream");
	cr_assert_str_eq(asked[0].secret, "Bearer x");
	cr_assert_str_eq(asked[0].session, "");
	cr_assert_str_eq(asked[0].version, "");
	head(0, 200, "application/json", "s-1");
	body(0, "{\"id\"");
	body(0, ":1}");
	expect_events("");
	http.transport.greeted(&http.transport, "2025-06-18"); /* as the session does inside message */
	done(0, 0);
	expect_events("<{\"id\":1}>");
	cr_assert_eq(ask(0, "{initialized}"), 0);
	cr_assert_eq(ask(2, "{list}"), 0);
	cr_assert_eq(ask(3, "{level}"), 0);
	cr_assert_eq(asked_count, 2, "nothing overtakes the end of the handshake");
	http.transport.forget(&http.transport, 2);
	answer(1, 202, "", "");
	cr_assert_eq(asked_count, 4);
	cr_assert_str_eq(asked[2].method, "GET");
	cr_assert_str_eq(asked[2].accept, "text/event-stream");
	cr_assert_str_eq(asked[3].body, "{level}");
	cr_assert_str_eq(asked[3].session, "s-1");
	cr_assert_str_eq(asked[3].version, "2025-06-18");
	answer(2, 405, "", "");
	expect_events("");
	close_all();
	cr_assert_str_eq(asked[asked_count - 1].method, "DELETE");
	cr_assert_str_eq(asked[asked_count - 1].session, "s-1");
}

Test(mcp_http, answers_as_events)
{
	greet(NULL);
	ask(2, "{call}");
	head(3, 200, "text/event-stream", NULL);
	body(3, "data: {\"p\":1}\n\nda");
	body(3, "ta: {\"id\":2}\n\nevent: other\ndata: no\n\n");
	done(3, 0);
	expect_events("<{\"p\":1}><{\"id\":2}>");
	close_all();
	cr_assert_eq(asked_count, 4, "no session, nothing to delete");
}

Test(mcp_http, a_stream_is_taken_up_after_its_last_event)
{
	uint64_t began;

	greet("s");
	ask(2, "{call}");
	head(3, 200, "text/event-stream", NULL);
	body(3, "id: e1\nretry: 50\ndata:\n\n");
	began = weft_now_ns();
	done(3, 0);
	until_asked(5);
	cr_assert_geq(weft_now_ns() - began, 50 * MS, "the pause is the server's to say");
	cr_assert_str_eq(asked[4].method, "GET");
	cr_assert_str_eq(asked[4].body, "");
	cr_assert_str_eq(asked[4].last_event, "e1");
	done(4, -ECONNREFUSED); /* the server is not there just now */
	until_asked(6);
	cr_assert_str_eq(asked[5].last_event, "e1");
	head(5, 200, "text/event-stream", NULL);
	body(5, "id: e2\ndata: {\"id\":2}\n\n");
	done(5, -ECONNRESET);
	expect_events("<{\"id\":2}>");
}

Test(mcp_http, the_pause_that_a_server_names_is_bounded)
{
	uint64_t began;

	http.options.retry_ns_min = 30 * MS;
	greet("s");
	head(2, 200, "text/event-stream", NULL);
	body(2, "retry: 1\ndata: {}\n\n");
	began = weft_now_ns();
	done(2, 0);
	until_asked(4);
	cr_assert_geq(weft_now_ns() - began, 30 * MS, "it is not asked a thousand times a second");
	head(3, 200, "text/event-stream", NULL);
	body(3, "retry: 99999999999999\ndata: {}\n\n");
	done(3, 0);
	until_asked(5); /* 60 ms, not three thousand years */
	expect_events("<{}><{}>");
}

Test(mcp_http, a_stream_that_cannot_be_taken_up_fails_its_call)
{
	greet("s");
	ask(2, "{call}");
	head(3, 200, "text/event-stream", NULL);
	body(3, "data: {\"p\":1}\n\n");
	done(3, 0);
	expect_events("<{\"p\":1}>failed 2 EPIPE the stream ended before the answer;");
	ask(3, "{call}");
	head(4, 200, "text/event-stream", NULL);
	done(4, -ECONNRESET);
	expect_events("failed 3 ECONNRESET broken;");
	ask(4, "{call}");
	head(5, 200, "text/event-stream", NULL);
	body(5, "id: e\ndata: {}\n\n");
	done(5, 0);
	until_asked(7);
	answer(6, 400, "application/json", "{\"error\":{\"message\":\"no such event\"}}");
	expect_events("<{}>failed 4 EPROTO the server answered HTTP 400: no such event;");
}

Test(mcp_http, refusals_and_broken_answers)
{
	greet("s");
	ask(2, "{a}");
	answer(3, 401, "text/plain", "who are you");
	ask(3, "{b}");
	answer(4, 500, "application/json", "{\"error\":\"out of order\"}");
	ask(4, "{c}");
	answer(5, 202, "", "");
	ask(5, "{d}");
	done_sent = false;
	done(6, -ECONNREFUSED);
	done_sent = true;
	ask(0, "{told}");
	answer(7, 500, "", "");
	expect_events("failed 2 EACCES the server answered HTTP 401 (it wants to know who asks: give it an Authorization header, or oauth);"
	              "failed 3 EPIPE the server answered HTTP 500: out of order;"
	              "failed 4 EPIPE the server took the request and did not answer it;failed 5 EHOSTDOWN broken;"
	              "chatter the server answered HTTP 500;");
	start_answer = -ENOMEM;
	cr_assert_eq(ask(6, "{e}"), -ENOMEM);
}

Test(mcp_http, messages_are_bounded)
{
	char big[400];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	greet("s");
	ask(2, "{a}");
	head(3, 200, "application/json", NULL);
	body(3, big);
	cr_assert(asked[3].cancelled);
	cancelled_end();
	ask(3, "{b}");
	head(4, 200, "text/event-stream", NULL);
	body(4, "id: 1\ndata: ");
	body(4, big);
	cancelled_end();
	expect_events("failed 2 EMSGSIZE a message of the server is too long;failed 3 EMSGSIZE a message of the server is too long;");
}

Test(mcp_http, a_forgotten_session_is_lost)
{
	greet("s");
	ask(2, "{a}");
	ask(3, "{b}");
	answer(3, 404, "", "");
	expect_events("failed 2 ESTALE the server has forgotten the session;lost ESTALE the server has forgotten the session;");
	cr_assert(asked[4].cancelled);
	cr_assert(asked[2].cancelled);
	cr_assert_eq(ask(4, "{c}"), -EPIPE);
	close_all();
	cr_assert_eq(asked_count, 5, "what was forgotten is not deleted");
	expect_events("");
}

Test(mcp_http, many_servers_say_400_for_a_session_they_forgot)
{
	greet("s");
	ask(2, "{a}");
	answer(3, 400, "application/json", "{\"error\":{\"message\":\"bad arguments\"}}");
	ask(3, "{b}");
	answer(4, 400, "application/json", "{\"error\":{\"message\":\"Bad Request: No valid session ID provided\"}}");
	expect_events("failed 2 EPROTO the server answered HTTP 400: bad arguments;"
	              "failed 3 ESTALE the server has forgotten the session;lost ESTALE the server has forgotten the session;");
}

Test(mcp_http, what_the_server_says_by_itself)
{
	greet("s");
	head(2, 200, "text/event-stream", NULL);
	body(2, "id: 7\ndata: {\"m\":1}\n\n");
	done(2, -ECONNRESET);
	until_asked(4);
	cr_assert_str_eq(asked[3].last_event, "7");
	answer(3, 503, "", "");
	until_asked(5);
	head(4, 200, "text/event-stream", NULL);
	body(4, "data: {\"m\":2}\n\n");
	done(4, 0);
	until_asked(6);
	answer(5, 404, "", "");
	expect_events("<{\"m\":1}><{\"m\":2}>lost ESTALE the server has forgotten the session;");
}

Test(mcp_http, nobody_waits_any_more)
{
	greet("s");
	ask(2, "{a}");
	head(3, 200, "text/event-stream", NULL);
	body(3, "id: 1\ndata:\n\n");
	http.transport.forget(&http.transport, 2);
	cr_assert(asked[3].cancelled);
	cancelled_end();
	ask(3, "{b}");
	head(4, 200, "text/event-stream", NULL);
	body(4, "id: 1\ndata:\n\n");
	done(4, 0);
	http.transport.forget(&http.transport, 3); /* while it waits to be taken up */
	http.transport.forget(&http.transport, 99);
	expect_events("");
}

Test(mcp_http, closed_while_things_wait)
{
	cr_assert_eq(ask(1, "{hello}"), 0);
	head(0, 200, "application/json", "s");
	body(0, "{\"id\":1}");
	http.transport.greeted(&http.transport, "2025-11-25");
	done(0, 0);
	ask(0, "{initialized}");
	ask(2, "{waits}");
	close_all();
	expect_events("<{\"id\":1}>");
}

/* Pings, say, whose answers it does not take. */
Test(mcp_http, a_server_that_takes_no_answers)
{
	uint32_t told = 0;

	greet("s");
	while (told < 100 && ask(0, "{pong}") == 0)
		told++;
	cr_assert_eq(told, 32);
	cr_assert_eq(ask(0, "{pong}"), -ENOBUFS);
	cr_assert_eq(ask(2, "{call}"), 0, "calls go on");
	cr_assert_eq(asked[3].total_ns, 30 * UINT64_C(1000000000));
	cr_assert_eq(asked[3 + told].total_ns, 0, "the patience of calls is the session's");
	done(3, -ETIMEDOUT);
	cr_assert_eq(ask(0, "{pong}"), 0, "there is room again");
	cr_assert_eq(ask(0, "{pong}"), -ENOBUFS);
	expect_events("chatter broken;");
	for (uint32_t i = 4; i < asked_count; i++) {
		if (!strcmp(asked[i].body, "{pong}"))
			answer(i, 202, "", "");
	}
}

/* What waits for the end of the handshake counts too. */
Test(mcp_http, a_server_that_asks_before_the_handshake_is_over)
{
	uint32_t told = 0;

	ask(1, "{hello}");
	answer(0, 200, "application/json", "{\"id\":1}");
	http.transport.greeted(&http.transport, "2025-06-18");
	while (told < 100 && ask(0, "{initialized}") == 0)
		told++;
	cr_assert_eq(told, 32);
	events[0] = '\0';
}

/* Each call is answered on the server's own stream, and its POST never. */
Test(mcp_http, a_server_that_ends_no_stream)
{
	uint32_t open = 0;
	char text[32];

	greet("s");
	head(2, 200, "text/event-stream", NULL);
	ask(1000, "{waits}");
	for (int64_t id = 2; id < 202; id++) {
		cr_assert_eq(ask(id, "{call}"), 0);
		if (id % 2)
			head(asked_count - 1, 200, "text/event-stream", NULL);
		snprintf(text, sizeof(text), "data: {\"id\":%d}\n\n", (int)id);
		body(2, text);
		cancelled_end();
		events[0] = '\0';
	}
	for (uint32_t i = 0; i < asked_count; i++)
		open += asked[i].call != NULL;
	cr_assert_leq(open, 66, "%u are open", open);
	cr_assert_not_null(asked[3].call, "somebody waits for this one");
	cr_assert(!asked[3].cancelled);
	expect_events("");
}
