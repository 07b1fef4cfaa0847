/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handler of one's own behind a gate, and another one to fall back on. Goal: while the first one's breaker is open the
 * second is asked at once and the first one's endpoint not at all; afterwards one ask tries it. Method: an endpoint that the
 * test breaks and mends, and a clock that it moves.
 */
#include <weft/gate.h>

#include "tests/support/agents.h"

#define S UINT64_C(1000000000)

static weft_gate *gate;
static uint64_t now_ns;
static bool broken;
static uint32_t reached, fell_back;

static int behind_a_gate(weft_model_call *call, void *user)
{
	weft_gate_outcome out = { .http_status = broken ? 500 : 200, .safe_to_repeat = true };
	weft_gate_pass pass = { 0 };
	int64_t wait = weft_gate_enter(gate, &pass, now_ns, 100);

	(void)user;
	if (wait < 0)
		return weft_error_set(call->error, (int)wait, "%s", pass.why);
	cr_assert_eq(wait, 0);
	reached++;
	if (weft_gate_leave(gate, &pass, &out, now_ns) == WEFT_GATE_RETRY)
		weft_gate_cancel(gate, &pass, now_ns); /* there is somebody else */
	if (broken)
		return weft_error_set(call->error, -EIO, "HTTP 500");
	call->response->text = WEFT_STR("first");
	return 0;
}

static int second(weft_model_call *call, void *user)
{
	(void)user;
	fell_back++;
	call->response->text = WEFT_STR("second");
	return 0;
}

static void says(struct kit *k, const char *text)
{
	weft_msg *answer = kit_say(k, "hello");
	const weft_agent_result *r = weft_agent_result_of(answer);

	cr_expect_eq(r->status, 0);
	cr_expect(text_is(r->text, text), "%.*s", WEFT_STR_ARG(r->text));
	weft_msg_destroy(answer);
}

Test(agent_gate, open_breaker__asks_the_next_at_once)
{
	weft_gate_options o = WEFT_GATE_OPTIONS_INIT;
	weft_gate_stats s = { .size = sizeof(s) };
	struct kit k;

	o.breaker_failures = 2;
	cr_assert_eq(weft_gate_create(&o, &gate, NULL), 0);
	kit_init(&k);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 1, "first", behind_a_gate, NULL, NULL), 0);
	cr_assert_eq(weft_models_add(k.models, WEFT_MODEL_TEXT_LARGE, 0, "second", second, NULL, NULL), 0);
	kit_start(&k, 1);
	now_ns = 1000 * S;
	says(&k, "first");
	broken = true;
	for (int i = 0; i < 10; i++)
		says(&k, "second");
	cr_expect_eq(reached, 3, "one that went well, two that opened it");
	cr_expect_eq(fell_back, 10);
	now_ns += 30 * S;
	says(&k, "second");
	cr_expect_eq(reached, 4, "one tries");
	broken = false;
	says(&k, "second");
	cr_expect_eq(reached, 4, "it is open again");
	now_ns += 30 * S;
	says(&k, "first");
	says(&k, "first");
	cr_assert_eq(weft_gate_stats_read(gate, &s), 0);
	cr_expect_eq(s.refused_breaker, 9);
	cr_expect_eq(s.under_way, 0);
	kit_end(&k);
	weft_gate_unref(gate);
}
