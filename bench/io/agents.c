/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/io/agents.c - agents that come at a rate, on one core, whether those before have ended or not. Each asks a model that
 * takes 200 ms to begin, makes the two tool calls that it is told to make, one after another, and ends with its answer.
 *
 * Started by the clock: one that is late is made up for, and a rate that cannot be held leaves more and more of them under
 * way, which fails the item. A value is the processor time an agent took, over a second.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/io/io.h"
#include "bench/micro.h"

#define LATENCY "200"
#define CALLS 2u
#define SLACK_MS 2000u /* how far the number under way may be beyond what the waits alone make */
#define SECOND_NS UINT64_C(1000000000)

static const char fixture[] =
	"{\"answers\": ["
	"{\"match\": {\"turn\": 1}, \"tool_calls\": [{\"name\": \"calculator\", \"arguments\": {\"operation\": \"add\", \"a\": 5, \"b\": 3}}]},"
	"{\"match\": {\"turn\": 2}, \"tool_calls\": [{\"name\": \"calculator\", \"arguments\": {\"operation\": \"multiply\", \"a\": 8, \"b\": 2}}]},"
	"{\"match\": {\"turn\": 3}, \"text\": \"The final result is 16\"}]}";

struct crowd {
	struct io_server server;
	struct io_client client;
	weft_tools *tools;
	weft_agent_def *def;
	weft_port *port;
	uint64_t started, ended;
	char path[64];
	weft_error err;
};

static int write_fixture(struct crowd *c)
{
	int fd;

	strcpy(c->path, "/tmp/weft-bench-XXXXXX");
	fd = mkstemp(c->path);
	if (fd < 0)
		return -errno;
	if (write(fd, fixture, sizeof(fixture) - 1) < 0) {
		close(fd);
		return -EIO;
	}
	close(fd);
	return 0;
}

static int up(struct crowd *c, const struct io_detail *d, struct bench_outcome *out)
{
	weft_mock_llm_options mo = WEFT_MOCK_LLM_OPTIONS_INIT;
	weft_agent_options ao = WEFT_AGENT_OPTIONS_INIT;
	weft_port_options po = WEFT_PORT_OPTIONS_INIT;
	int r = write_fixture(c);

	mo.latency = LATENCY;
	mo.fixture = c->path;
	if (r == 0)
		r = io_server_start(&c->server, &mo, out);
	if (r == 0)
		r = io_client_up(&c->client, &c->server, true, &c->err);
	if (r == 0)
		r = micro_tools(&c->tools);
	if (r < 0)
		return r;
	ao.models = c->client.models;
	ao.tools = c->tools;
	ao.system = "You are a calculator agent";
	r = weft_agent_def_create(&ao, &c->def, &c->err);
	po.capacity_msgs = 16 * d->count;
	return r == 0 ? weft_port_create(c->client.rt, &po, &c->port) : r;
}

static void down(struct crowd *c)
{
	weft_port_destroy(c->port);
	if (c->client.rt) {
		weft_runtime_stop(c->client.rt, 0);
		weft_runtime_join(c->client.rt);
	}
	weft_agent_def_unref(c->def);
	weft_tools_unref(c->tools);
	io_client_down(&c->client);
	io_server_stop(&c->server);
	if (c->path[0])
		unlink(c->path);
}

static int start_one(struct crowd *c)
{
	weft_ask question = WEFT_ASK_INIT;
	weft_ref agent;
	int r = weft_agent_spawn(c->client.rt, c->def, NULL, &agent);

	question.input = WEFT_STR("Calculate (5 + 3) * 2");
	question.end_after = true;
	if (r == 0)
		r = weft_agent_ask(agent, &question, weft_reply_to_port(c->port, 0));
	if (r == 0)
		c->started++;
	return r;
}

static int check(struct crowd *c, weft_msg *msg)
{
	const weft_agent_result *result = weft_agent_result_of(msg);

	if (!result || result->status < 0)
		return weft_error_set(&c->err, -EIO, "an agent failed: %s", weft_strerror(result ? result->status : weft_msg_status(msg)));
	if (result->tool_calls != CALLS || !weft_str_eq(result->text, WEFT_STR("The final result is 16")))
		return weft_error_set(&c->err, -EIO, "an agent made %u calls and said '%.*s'", result->tool_calls, WEFT_STR_ARG(result->text));
	return 0;
}

/* Those that have ended; waits for the first of them until until_ns. */
static int collect(struct crowd *c, uint64_t until_ns)
{
	weft_msg *msgs[64];
	int n, r = 0;

	do {
		n = io_port_take(c->port, msgs, 64, until_ns);
		for (int i = 0; i < n; i++) {
			int one = check(c, msgs[i]);

			r = r < 0 ? r : one;
			weft_msg_destroy(msgs[i]);
			c->ended++;
		}
	} while (n == 64 && r == 0);
	return n < 0 ? n : r;
}

/* A second of the clock. */
static int second(struct crowd *c, uint32_t rate, uint64_t from_ns)
{
	uint64_t ends = c->started + rate, under_way_max = (uint64_t)rate * (CALLS + 1) * 200 / 1000 + (uint64_t)rate * SLACK_MS / 1000;
	int r = 0;

	for (uint32_t i = 0; c->started < ends && r == 0; i++) {
		uint64_t due = from_ns + (rate - (ends - c->started)) * SECOND_NS / rate;

		r = weft_now_ns() >= due ? start_one(c) : collect(c, due);
	}
	if (r == 0 && c->started - c->ended > under_way_max)
		r = weft_error_set(&c->err, -EAGAIN, "%u agents/s cannot be held: %llu are under way", rate,
		                   (unsigned long long)(c->started - c->ended));
	return r;
}

static int finish(struct crowd *c)
{
	uint64_t until = weft_now_ns() + 10 * SECOND_NS;
	int r = 0;

	while (r == 0 && c->ended < c->started && weft_now_ns() < until)
		r = collect(c, until);
	if (r == 0 && c->ended < c->started)
		r = weft_error_set(&c->err, -ETIMEDOUT, "%llu agents have not ended", (unsigned long long)(c->started - c->ended));
	return r;
}

void io_agents(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct io_detail d = io_detail(opt, self);
	struct crowd c = { .path = "" };
	uint64_t from = 0;
	int r;

	io_begin(opt, self, out);
	r = up(&c, &d, out);
	from = weft_now_ns();
	for (uint32_t i = 0; i < out->warmup + out->iterations && r == 0; i++) {
		double cpu = bench_cpu_ms();
		uint64_t ended = c.ended;

		r = second(&c, d.count, from + i * SECOND_NS);
		if (r == 0 && i >= out->warmup && c.ended > ended) {
			bench_outcome_add(out, (bench_cpu_ms() - cpu) / (double)(c.ended - ended), c.ended - ended);
			out->total_ms += 1000;
		}
	}
	if (r == 0)
		r = finish(&c);
	down(&c);
	io_end(out, r, &c.err);
}
