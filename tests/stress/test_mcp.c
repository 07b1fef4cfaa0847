/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of MCP under many: agents on two workers and threads of the host call its tools by chance, cancel, kill it, fill
 * registries and let go of them. Goal: each call ends once, with its own answer or with a reason; none has
 * another's. Law: each ask is answered once, with its own words or a reason.
 */
#include <unistd.h>

#include <weft/mcp.h>

#include "tests/support/agents.h"
#include "tests/support/seed.h"

#define AGENTS 16u
#define ASKS 3000u
#define UNDER_WAY 64u
#define HOSTS 3u
#define HOST_CALLS 300u

static weft_mcp *client;
static weft_tools *shared; /* of the host's threads */
static uint32_t odd;       /* answers that are neither */
static uint32_t closed;

static void on_closed(void *user)
{
	(void)user;
	__atomic_store_n(&closed, 1, __ATOMIC_RELEASE);
}

/* The user says "TOOL TEXT": the tool is called with the text, and what it says is the answer. */
static int obey(weft_model_call *call, void *user)
{
	const weft_model_request *q = call->request;
	const weft_chat_message *last = &q->messages[q->message_count - 1];
	weft_tool_request *calls = weft_arena_calloc(call->arena, sizeof(*calls));
	const char *blank = memchr(last->content.ptr, ' ', last->content.len_bytes);

	(void)user;
	if (last->role == WEFT_ROLE_TOOL || !blank) {
		call->response->text = last->content;
		return 0;
	}
	calls->id = WEFT_STR("call");
	calls->name = (weft_str){ last->content.ptr, (size_t)(blank - last->content.ptr) };
	calls->arguments_json = weft_arena_printf(call->arena, "{\"text\":\"%.*s\"}",
	                                          (int)(last->content.len_bytes - calls->name.len_bytes - 1), blank + 1);
	call->response->tool_calls = calls;
	call->response->tool_call_count = 1;
	return 0;
}

static bool is_reason(weft_str text)
{
	return text_has(text, "may have done it or not") || text_has(text, "could not be asked");
}

static void *host_thread(void *arg)
{
	uint64_t seed = *(uint64_t *)arg;
	char arguments[64], expected[32];

	for (uint32_t i = 0; i < HOST_CALLS; i++) {
		uint64_t n = test_random(&seed);
		weft_tools *own = NULL;
		weft_arena *arena;
		weft_str text = { 0 };
		int r;

		cr_assert_eq(weft_arena_create(0, &arena), 0);
		if (n % 7 == 0) { /* a registry of its own, for one call */
			cr_assert_eq(weft_tools_create(&own), 0);
			if (weft_tools_add_mcp(own, client, "t", NULL) < 0) {
				weft_tools_unref(own);
				weft_arena_destroy(arena);
				continue; /* the server is down just now */
			}
		}
		snprintf(expected, sizeof(expected), "h%016llx", (unsigned long long)n);
		snprintf(arguments, sizeof(arguments), "{\"text\":\"%s\"}", expected);
		r = weft_tools_call(own ? own : shared, WEFT_STR("t_echo"), weft_str_from(arguments), arena, &text);
		if (r == 0 ? !text_is(text, expected) : !is_reason(text))
			__atomic_fetch_add(&odd, 1, __ATOMIC_RELAXED);
		weft_tools_unref(own);
		weft_arena_destroy(arena);
	}
	return NULL;
}

struct asked {
	uint64_t workflow_id;
	bool echo, over;
	char text[32];
};

static void check(const struct asked *asked, weft_msg *answer)
{
	weft_str text = weft_agent_result_of(answer)->text;

	if (weft_msg_status(answer) == -ECANCELED)
		return;
	if (weft_msg_status(answer) < 0 || (asked->echo && !text_is(text, asked->text) && !is_reason(text)))
		odd++;
}

static struct asked asked[ASKS];

static void ask_one(weft_runtime *rt, const weft_ref *agents, weft_port *port, uint32_t i, uint64_t *seed)
{
	uint32_t what = test_below(seed, 100);
	weft_ask ask = WEFT_ASK_INIT;
	char input[64];

	asked[i].echo = what > 4;
	snprintf(asked[i].text, sizeof(asked[i].text), "a%u", i);
	snprintf(input, sizeof(input), "%s %s", what == 0 ? "t_die" : what == 1 ? "t_slow" : what < 5 ? "t_steps" : "t_echo", asked[i].text);
	ask.input = weft_str_from(input);
	ask.workflow_id = asked[i].workflow_id = weft_workflow_id(rt);
	while (weft_agent_ask(agents[test_below(seed, AGENTS)], &ask, weft_reply_to_port(port, i)) == -EAGAIN)
		usleep(100);
	if (what == 1 || test_below(seed, 10) == 0) {
		uint64_t id = asked[what == 1 ? i : test_below(seed, i + 1)].workflow_id;

		for (uint32_t n = 0; n < AGENTS; n++) /* whoever has it */
			(void)weft_agent_cancel(agents[n], id);
	}
}

static uint32_t take_some(weft_port *port, uint32_t answered)
{
	weft_msg *messages[16];
	int n = weft_port_wait_until(port, messages, 16, weft_now_ns() + 3 * TEST_LONG);

	cr_assert_gt(n, 0, "%u of %u were answered", answered, ASKS);
	for (int i = 0; i < n; i++) {
		struct asked *a = &asked[weft_msg_token(messages[i])];

		cr_assert_not(a->over, "answered twice");
		a->over = true;
		check(a, messages[i]);
		weft_msg_destroy(messages[i]);
	}
	return (uint32_t)n;
}

static void agents_ask(weft_runtime *rt, const weft_ref *agents, uint64_t seed)
{
	weft_port *port;
	uint32_t answered = 0;

	cr_assert_eq(weft_port_create(rt, NULL, &port), 0);
	for (uint32_t i = 0; i < ASKS; i++) {
		ask_one(rt, agents, port, i, &seed);
		while (i + 1 - answered >= UNDER_WAY)
			answered += take_some(port, answered);
	}
	while (answered < ASKS)
		answered += take_some(port, answered);
	weft_port_destroy(port);
}

static void begin(struct kit *k)
{
	weft_mcp_options opt = WEFT_MCP_OPTIONS_INIT;
	weft_error err = { 0 };

	opt.name = "t";
	opt.command = MCP_SERVER;
	opt.backoff_ns = 1000000;
	opt.backoff_ns_max = 4000000;
	opt.restarts_max = 1000;
	opt.call_ns = TEST_SECOND / 5; /* what is slow and not cancelled */
	opt.hooks.closed = on_closed;
	kit_init(k);
	k->rt = test_runtime(2);
	cr_assert_eq(weft_mcp_open(k->rt, &opt, &client, &err), 0, "%s", err.message);
	cr_assert_eq(weft_tools_add_mcp(k->tools, client, NULL, &err), 11, "%s", err.message);
	cr_assert_eq(weft_tools_create(&shared), 0);
	cr_assert_eq(weft_tools_add_mcp(shared, client, NULL, &err), 11, "%s", err.message);
	cr_assert_eq(weft_models_add(k->models, WEFT_MODEL_TEXT_LARGE, 0, "obey", obey, NULL, NULL), 0);
	cr_assert_eq(weft_agent_def_create(&k->options, &k->def, &err), 0, "%s", err.message);
}

Test(mcp_stress, many_call_one_server_that_dies)
{
	uint64_t seed = test_seed("mcp"), seeds[HOSTS];
	weft_ref agents[AGENTS];
	pthread_t hosts[HOSTS];
	weft_mcp_info info = WEFT_MCP_INFO_INIT;
	struct kit k;

	begin(&k);
	for (uint32_t i = 0; i < AGENTS; i++)
		cr_assert_eq(weft_agent_spawn(k.rt, k.def, NULL, &agents[i]), 0);
	for (uint32_t i = 0; i < HOSTS; i++) {
		seeds[i] = test_random(&seed);
		pthread_create(&hosts[i], NULL, host_thread, &seeds[i]);
	}
	agents_ask(k.rt, agents, seed);
	for (uint32_t i = 0; i < HOSTS; i++)
		pthread_join(hosts[i], NULL);
	cr_assert_eq(odd, 0);
	cr_assert_eq(weft_mcp_get_info(client, &info), 0);
	fprintf(stderr, "calls %llu, failed %llu, sessions %llu\n", (unsigned long long)info.calls, (unsigned long long)info.failures,
	        (unsigned long long)info.starts);
	cr_assert_leq(info.losses, info.starts);
	cr_assert_gt(info.losses, 0);
	cr_assert_geq(info.calls, info.failures);
	weft_tools_unref(shared);
	weft_mcp_unref(client);
	kit_end(&k);
	cr_assert(__atomic_load_n(&closed, __ATOMIC_ACQUIRE), "the runtime ended before its client");
}
