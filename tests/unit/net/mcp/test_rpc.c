/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc: what goes out word for word, answers in any order, errors, progress, patience, what is odd, the end.
 * The law of the last test: a call that was begun ends once, whatever comes and in whatever order.
 */
#include "mcp_test.h"
#include "net/mcp/rpc.h"
#include "tests/support/seed.h"

#define MS 1000000u

static struct weft__rpc rpc;

struct call {
	struct weft__rpc_call call; /* first */
	const char *name;
	uint32_t done;
};

static int on_send(struct weft__rpc *r, weft_str text, int64_t id)
{
	(void)r;
	(void)id;
	return keep_sent(text);
}

static void on_forget(struct weft__rpc *r, int64_t id)
{
	(void)r;
	happened("forget %lld;", (long long)id);
}

static void on_asked(struct weft__rpc *r, const struct weft__rpc_id *id, weft_str method, weft_json params)
{
	happened("asked %.*s %.*s;", (int)id->len_bytes, id->json, WEFT_STR_ARG(method));
	if (weft_json_typeof(params) == WEFT_JSON_OBJECT) {
		weft_json_put_value(weft__rpc_answer_open(r, id), params);
		cr_assert_eq(weft__rpc_answer_commit(r), 0);
	} else {
		weft__rpc_refuse(r, id, WEFT__RPC_NO_METHOD, WEFT_STR("no"));
	}
}

static void on_notified(struct weft__rpc *r, weft_str method, weft_json params)
{
	(void)r;
	(void)params;
	happened("told %.*s;", WEFT_STR_ARG(method));
}

static void on_odd(struct weft__rpc *r, const char *what, weft_str text)
{
	(void)r;
	(void)text;
	happened("odd: %s;", what);
}

static const struct weft__rpc_fns fns = { on_send, on_forget, on_asked, on_notified, on_odd };

static void on_done(struct weft__rpc_call *c, const struct weft__rpc_answer *a)
{
	struct call *call = (struct call *)c;
	int64_t n = 0;

	call->done++;
	if (a->status == 0) {
		weft_json_get_int(weft_json_find(a->result, WEFT_STR("n")), &n);
		happened("%s=%lld;", call->name, (long long)n);
	} else if (a->status == -EREMOTEIO) {
		happened("%s: error %lld %.*s;", call->name, (long long)a->code, WEFT_STR_ARG(a->message));
	} else {
		happened("%s: %s, %.*s;", call->name, weft_errname(a->status), WEFT_STR_ARG(a->message));
	}
}

static void on_progress(struct weft__rpc_call *c, double progress, double total, weft_str message)
{
	happened("%s at %g of %g %.*s;", ((struct call *)c)->name, progress, total, WEFT_STR_ARG(message));
}

static void setup(void)
{
	transcript_reset();
	cr_assert_eq(weft__rpc_init(&rpc, &fns), 0);
}

static void teardown(void)
{
	weft__rpc_end(&rpc, -ECANCELED, WEFT_STR("test over"));
	weft__rpc_fini(&rpc);
	transcript_reset();
}

TestSuite(rpc, .init = setup, .fini = teardown);

static int start(struct call *call, const char *name, uint64_t now_ns)
{
	call->name = name;
	call->call.done = on_done;
	weft__rpc_open(&rpc, &call->call, weft_str_from(name));
	return weft__rpc_commit(&rpc, now_ns);
}

static void says(const char *json)
{
	weft__rpc_receive(&rpc, weft_str_from(json), 0);
}

Test(rpc, a_call_and_its_answer)
{
	struct call a = { 0 };

	a.call.done = on_done;
	a.name = "sum";
	weft_json_writer *w = weft__rpc_open(&rpc, &a.call, WEFT_STR("sum"));
	weft_json_key(w, WEFT_STR("x"));
	weft_json_put_int(w, 2);
	cr_assert_eq(weft__rpc_commit(&rpc, 0), 0);
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sum\",\"params\":{\"x\":2}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"n\":5}}");
	expect_events("sum=5;");
	says("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"n\":6}}"); /* twice: nobody waits */
	expect_events("");
	cr_assert_eq(a.call.id, 0);
}

Test(rpc, answers_in_another_order_and_errors)
{
	struct call a = { 0 }, b = { 0 }, c = { 0 };

	start(&a, "a", 0);
	start(&b, "b", 0);
	start(&c, "c", 0);
	says("{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32602,\"message\":\"bad\",\"data\":[1]}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"n\":2}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":7}}");
	expect_events("c: error -32602 bad;b=2;a: error 7 an error without a message;");
}

Test(rpc, answers_that_are_none)
{
	struct call a = { 0 }, b = { 0 }, c = { 0 };

	start(&a, "a", 0);
	start(&b, "b", 0);
	start(&c, "c", 0);
	says("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{\"code\":1,\"message\":\"m\"}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":7}");
	expect_events("a: EBADMSG, the answer has no result and no error, or both;"
	              "b: EBADMSG, the answer has no result and no error, or both;");
	says("{\"jsonrpc\":\"2.0\",\"id\":\"3\",\"result\":{}}"); /* ours are numbers */
	says("{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"what?\"}}");
	expect_events("odd: an answer that nobody waits for;odd: an answer that nobody waits for;"
	              "odd: an answer that nobody waits for;");
	cr_assert_eq(c.done, 0);
	weft__rpc_end(&rpc, -ECANCELED, (weft_str){ 0 });
	cr_assert_eq(c.done, 1);
}

Test(rpc, what_is_no_message)
{
	says("Server listening on stdio");
	says("7");
	says("{\"id\":1,\"method\":\"x\"}");
	says("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"x\"}");
	expect_nothing_sent();
	expect_events("odd: no JSON;odd: JSON that is no message;odd: no JSON-RPC 2.0 message;odd: no JSON-RPC 2.0 message;");
	says("{\"jsonrpc\":\"2.0\",\"id\":1}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"no method, result or error\"}}");
}

Test(rpc, the_peer_asks)
{
	says("{\"jsonrpc\":\"2.0\",\"id\":\"a\\n\\u0001\",\"method\":\"echo\",\"params\":{\"x\":[1,2]}}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":\"a\\n\\u0001\",\"result\":{\"x\":[1,2]}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":-3,\"method\":\"other\"}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":-3,\"error\":{\"code\":-32601,\"message\":\"no\"}}");
	says("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"other\"}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":"
	            "\"the id must be a short string or a whole number\"}}");
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}");
	expect_nothing_sent();
	expect_events("asked \"a\\n\\u0001\" echo;asked -3 other;"
	              "odd: a request whose id is no string, no whole number, or too long;told notifications/x;");
}

Test(rpc, batches_where_they_are_allowed)
{
	static const char batch[] = "[{\"jsonrpc\":\"2.0\",\"method\":\"a\"},{\"jsonrpc\":\"2.0\",\"method\":\"b\"}]";

	says(batch);
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"no batches here\"}}");
	expect_events("odd: a batch, which this version of the protocol does not have;");
	rpc.batches = true;
	says(batch);
	expect_events("told a;told b;");
	says("[]");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"no batches here\"}}");
}

Test(rpc, patience_and_progress)
{
	struct call a = { .call = { .timeout_ns = 10 * MS, .total_ns = 25 * MS, .progress = on_progress } };
	struct call b = { .call = { .timeout_ns = 12 * MS } };

	cr_assert_eq(weft__rpc_due(&rpc), UINT64_MAX);
	start(&a, "a", 0);
	start(&b, "b", 0);
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"_meta\":{\"progressToken\":1}}}");
	expect_sent("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"b\",\"params\":{}}");
	cr_assert_eq(weft__rpc_due(&rpc), 10 * MS);
	weft__rpc_receive(&rpc, WEFT_STR("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,"
	                                 "\"progress\":1,\"total\":4,\"message\":\"on it\"}}"), 9 * MS);
	cr_assert_eq(weft__rpc_due(&rpc), 12 * MS); /* b's: a was heard of */
	weft__rpc_tick(&rpc, 12 * MS);
	expect_sent("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":2,\"reason\":\"timed out\"}}");
	expect_events("a at 1 of 4 on it;forget 2;b: ETIMEDOUT, no answer in time;");
	weft__rpc_receive(&rpc, WEFT_STR("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,"
	                                 "\"progress\":2}}"), 18 * MS);
	cr_assert_eq(weft__rpc_due(&rpc), 25 * MS); /* no progress buys more than this */
	weft__rpc_tick(&rpc, 25 * MS - 1);
	expect_events("a at 2 of 0 ;");
	weft__rpc_tick(&rpc, 25 * MS);
	expect_events("forget 1;a: ETIMEDOUT, no answer in time;");
	says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,\"progress\":3}}");
	expect_events("");
}

Test(rpc, a_held_call_has_time)
{
	struct call a = { .call = { .timeout_ns = 10 * MS, .total_ns = 25 * MS } }, b = { .call = { .timeout_ns = 12 * MS } };

	start(&a, "a", 0);
	start(&b, "b", 0);
	weft__rpc_hold(&rpc, 1, true, 1 * MS);
	weft__rpc_hold(&rpc, 7, true, 1 * MS); /* nobody's */
	cr_assert_eq(weft__rpc_due(&rpc), 12 * MS);
	weft__rpc_tick(&rpc, 1000 * MS);
	expect_events("forget 2;b: ETIMEDOUT, no answer in time;");
	cr_assert_eq(weft__rpc_due(&rpc), UINT64_MAX);
	weft__rpc_hold(&rpc, 1, false, 2000 * MS);
	cr_assert_eq(weft__rpc_due(&rpc), 2010 * MS, "all of its patience begins now");
	says("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"n\":5}}");
	expect_events("a=5;");
	weft__rpc_hold(&rpc, 1, false, 2000 * MS); /* over */
}

Test(rpc, a_dropped_call_is_the_callers_again)
{
	struct call a = { 0 }, b = { .call = { .whole = true } };

	start(&a, "a", 0);
	start(&b, "b", 0);
	sent_read = sent_count;
	weft__rpc_drop(&rpc, &a.call, WEFT_STR("changed my mind"));
	expect_sent("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1,\"reason\":\"changed my mind\"}}");
	weft__rpc_drop(&rpc, &b.call, WEFT_STR("mine too"));
	weft__rpc_drop(&rpc, &b.call, WEFT_STR("idle"));
	expect_nothing_sent();
	expect_events("forget 1;forget 2;");
	says("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
	expect_events("");
	cr_assert_eq(start(&a, "again", 0), 0);
	says("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"n\":1}}");
	expect_events("again=1;");
}

Test(rpc, what_does_not_go_out_is_not_under_way)
{
	struct call a = { 0 }, b = { 0 };

	rpc.calls_max = 1;
	send_answer = -EPIPE;
	cr_assert_eq(start(&a, "a", 0), -EPIPE);
	send_answer = 0;
	cr_assert_eq(start(&a, "a", 0), 0);
	cr_assert_eq(start(&a, "a", 0), -EALREADY);
	cr_assert_eq(start(&b, "b", 0), -EAGAIN);
	weft__rpc_end(&rpc, -ECONNRESET, (weft_str){ 0 });
	cr_assert_eq(start(&b, "b", 0), -ECONNRESET);
	says("{\"jsonrpc\":\"2.0\",\"method\":\"late\"}");
	cr_assert_eq(a.done, 1);
	cr_assert_eq(b.done, 0);
	weft__rpc_failed(&rpc, 1, -EPIPE, (weft_str){ 0 });
}

/* Calls begin, are answered, fail, time out or are dropped by chance. */
Test(rpc, every_call_ends_once)
{
	uint64_t seed = test_seed("rpc"), now = 1;
	static struct call calls[32];
	uint32_t begun[32] = { 0 }, dropped[32] = { 0 };
	char text[128];

	for (int step = 0; step < 20000; step++) {
		uint32_t i = test_below(&seed, 32);
		struct call *c = &calls[i];

		transcript_reset();
		now += test_below(&seed, 5);
		c->call.timeout_ns = 1 + test_below(&seed, 50);
		switch (test_below(&seed, 7)) {
		case 0:
		case 1:
			if (!c->call.id && start(c, "c", now) == 0)
				begun[i]++;
			break;
		case 2:
			snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":{}}",
			         (long long)(c->call.id ? c->call.id : test_below(&seed, 100)));
			weft__rpc_receive(&rpc, weft_str_from(text), now);
			break;
		case 3:
			weft__rpc_tick(&rpc, now);
			cr_assert_gt(weft__rpc_due(&rpc), now);
			break;
		case 4:
			dropped[i] += c->call.id != 0;
			weft__rpc_drop(&rpc, &c->call, (weft_str){ 0 });
			break;
		case 5:
			weft__rpc_hold(&rpc, c->call.id, test_below(&seed, 2), now);
			break;
		default:
			weft__rpc_failed(&rpc, c->call.id, -EPIPE, (weft_str){ 0 });
		}
	}
	transcript_reset();
	weft__rpc_end(&rpc, -ECANCELED, (weft_str){ 0 });
	for (uint32_t i = 0; i < 32; i++)
		cr_assert_eq(begun[i], calls[i].done + dropped[i]);
}
