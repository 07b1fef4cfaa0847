/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/io/request.c - short answers, whole, over connections that are kept: 64 at a time. A value is the processor time
 * that a request takes of this process, from an agent's question to its answer.
 */
#include <errno.h>
#include <string.h>

#include "bench/io/io.h"

#define AT_ONCE 64u
#define WAIT_NS UINT64_C(60000000000)

struct asking {
	struct io_server server;
	struct io_client client;
	weft_agent_def *def;
	weft_port *port;
	weft_ref agents[AT_ONCE];
	weft_error err;
};

static int up(struct asking *a, struct bench_outcome *out)
{
	weft_mock_llm_options mo = WEFT_MOCK_LLM_OPTIONS_INIT;
	weft_agent_options ao = WEFT_AGENT_OPTIONS_INIT;
	int r = io_server_start(&a->server, &mo, out);

	if (r == 0)
		r = io_client_up(&a->client, &a->server, false, &a->err);
	if (r < 0)
		return r;
	ao.models = a->client.models;
	r = weft_agent_def_create(&ao, &a->def, &a->err);
	for (uint32_t i = 0; i < AT_ONCE && r == 0; i++)
		r = weft_agent_spawn(a->client.rt, a->def, NULL, &a->agents[i]);
	return r == 0 ? weft_port_create(a->client.rt, NULL, &a->port) : r;
}

static void down(struct asking *a)
{
	weft_port_destroy(a->port);
	if (a->client.rt) {
		weft_runtime_stop(a->client.rt, 0);
		weft_runtime_join(a->client.rt);
	}
	weft_agent_def_unref(a->def);
	io_client_down(&a->client);
	io_server_stop(&a->server);
}

static int ask(struct asking *a, uint32_t which)
{
	weft_ask question = WEFT_ASK_INIT;

	question.input = WEFT_STR("Say this again");
	return weft_agent_ask(a->agents[which], &question, weft_reply_to_port(a->port, which));
}

static int check(struct asking *a, weft_msg *msg)
{
	const weft_agent_result *result = weft_agent_result_of(msg);

	if (!result || result->status < 0 || !weft_str_eq(result->text, WEFT_STR("You said: Say this again")))
		return weft_error_set(&a->err, -EIO, "an answer is wrong: %s", weft_strerror(result ? result->status : weft_msg_status(msg)));
	return 0;
}

/* As many as were asked for; each answer is followed by the next question of its agent. */
static int run(struct asking *a, uint32_t count)
{
	uint64_t until = weft_now_ns() + WAIT_NS;
	uint32_t asked = 0, answered = 0;
	weft_msg *msgs[AT_ONCE];
	int r = 0;

	for (; asked < AT_ONCE && asked < count && r == 0; asked++)
		r = ask(a, asked);
	while (answered < asked && r == 0) {
		int n = io_port_take(a->port, msgs, AT_ONCE, until);

		if (n <= 0)
			return weft_error_set(&a->err, -ETIMEDOUT, "%u requests have not ended", asked - answered);
		answered += (uint32_t)n;
		for (int i = 0; i < n; i++) {
			uint32_t which = (uint32_t)weft_msg_token(msgs[i]);

			r = r < 0 ? r : check(a, msgs[i]);
			if (r == 0 && asked < count) {
				r = ask(a, which);
				asked++;
			}
			weft_msg_destroy(msgs[i]);
		}
	}
	return r;
}

void io_requests(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct asking a = { .def = NULL };
	uint32_t count = io_detail(opt, self).count;
	int r;

	io_begin(opt, self, out);
	r = up(&a, out);
	for (uint32_t i = 0; i < out->warmup + out->iterations && r == 0; i++) {
		double cpu = bench_cpu_ms();
		uint64_t start = weft_now_ns();

		r = run(&a, count);
		if (r == 0 && i >= out->warmup) {
			bench_outcome_add(out, (bench_cpu_ms() - cpu) / count, count);
			out->total_ms += (double)(weft_now_ns() - start) / 1e6;
		}
	}
	down(&a);
	io_end(out, r, &a.err);
}
