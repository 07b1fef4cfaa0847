/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/io/streams.c - many answers at once, each a stream of tokens at the speed of a model, held by one core.
 *
 * The endpoint repeats what it was told, "0 1 2 ...", a token an event, so an event that is lost, doubled or out of
 * order shows in the text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/io/io.h"

#define SAID "You said: " /* what the endpoint puts in front */
#define EVENTS_BESIDE 5u  /* that, too, in two tokens; who speaks, why it ended, that it did */
#define WAIT_NS UINT64_C(120000000000)
#define FIRST_TOKENS 8u
#define FIRST_ONES 16u /* asked before, so that what is made once is there */

struct streams {
	struct io_server server;
	struct io_client client;
	weft_agent_def *def;
	weft_port *port;
	char *answer; /* what has to come back; owned */
	const char *text; /* what is asked for: the end of it */
	weft_error err;
};

static char *count_to(uint32_t tokens)
{
	char *text = malloc(sizeof(SAID) + tokens * 11u), *at = text ? stpcpy(text, SAID) : NULL;

	for (uint32_t i = 0; text && i < tokens; i++)
		at += sprintf(at, i ? " %u" : "%u", i);
	return text;
}

static int up(struct streams *s, const struct io_detail *d, struct bench_outcome *out)
{
	weft_mock_llm_options mo = WEFT_MOCK_LLM_OPTIONS_INIT;
	weft_agent_options ao = WEFT_AGENT_OPTIONS_INIT;
	weft_port_options po = WEFT_PORT_OPTIONS_INIT;
	int r;

	mo.tokens_per_s = d->tokens_per_s;
	mo.connections_max = d->count + 64;
	r = io_server_start(&s->server, &mo, out);
	s->answer = count_to(d->tokens);
	s->text = s->answer ? s->answer + strlen(SAID) : NULL;
	if (r == 0)
		r = s->text ? io_client_up(&s->client, &s->server, true, &s->err) : -ENOMEM;
	if (r < 0)
		return r;
	po.capacity_msgs = d->count + FIRST_ONES;
	ao.models = s->client.models;
	r = weft_agent_def_create(&ao, &s->def, &s->err);
	return r == 0 ? weft_port_create(s->client.rt, &po, &s->port) : r;
}

static void down(struct streams *s)
{
	weft_port_destroy(s->port);
	if (s->client.rt) {
		weft_runtime_stop(s->client.rt, 0);
		weft_runtime_join(s->client.rt);
	}
	weft_agent_def_unref(s->def);
	io_client_down(&s->client);
	io_server_stop(&s->server);
	free(s->answer);
}

static int ask(struct streams *s, uint32_t count)
{
	weft_ask question = WEFT_ASK_INIT;
	int r = 0;

	question.input = weft_str_from(s->text);
	question.end_after = true;
	for (uint32_t i = 0; i < count && r == 0; i++) {
		weft_ref agent;

		r = weft_agent_spawn(s->client.rt, s->def, NULL, &agent);
		if (r == 0)
			r = weft_agent_ask(agent, &question, weft_reply_to_port(s->port, i));
	}
	return r;
}

static int check(struct streams *s, weft_msg *msg)
{
	const weft_agent_result *result = weft_agent_result_of(msg);

	if (!result || result->status < 0)
		return weft_error_set(&s->err, -EIO, "an answer failed: %s", weft_strerror(result ? result->status : weft_msg_status(msg)));
	if (!weft_str_eq(result->text, weft_str_from(s->answer)))
		return weft_error_set(&s->err, -EIO, "a stream is not what was sent: '%.*s'", WEFT_STR_ARG(result->text));
	return 0;
}

static int collect(struct streams *s, uint32_t count)
{
	uint64_t until = weft_now_ns() + WAIT_NS;
	weft_msg *msgs[64];

	while (count) {
		int n = io_port_take(s->port, msgs, 64, until), r = 0;

		if (n <= 0)
			return weft_error_set(&s->err, -ETIMEDOUT, "%u streams have not ended", count);
		for (int i = 0; i < n; i++) {
			int one = check(s, msgs[i]);

			r = r < 0 ? r : one;
			weft_msg_destroy(msgs[i]);
		}
		if (r < 0)
			return r;
		count -= (uint32_t)n;
	}
	return 0;
}

static int run(struct streams *s, uint32_t count)
{
	int r = ask(s, count);

	return r == 0 ? collect(s, count) : r;
}

/* What is made once is there afterwards: short answers do for that. */
static int run_first(struct streams *s)
{
	char *answer = s->answer, *few = count_to(FIRST_TOKENS);
	const char *text = s->text;
	int r = -ENOMEM;

	if (few) {
		s->answer = few;
		s->text = few + strlen(SAID);
		r = run(s, FIRST_ONES);
		s->answer = answer;
		s->text = text;
	}
	free(few);
	return r;
}

static int measure_cpu(struct streams *s, const struct io_detail *d, struct bench_outcome *out)
{
	double cpu = bench_cpu_ms();
	uint64_t start = weft_now_ns(), events = (uint64_t)d->count * (d->tokens + EVENTS_BESIDE);
	int r = run(s, d->count);

	if (r < 0)
		return r;
	bench_outcome_add(out, (bench_cpu_ms() - cpu) / (double)events, events);
	out->total_ms += (double)(weft_now_ns() - start) / 1e6;
	out->lost = 0; /* all were whole */
	return 0;
}

/* What the peak lies above the time before, spread over the streams that were there at once. */
static double bytes_each(double before_mb, uint32_t count)
{
	return (bench_rss_read().peak_mb - before_mb) * 1024 * 1024 / count;
}

void io_streams_cpu(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct io_detail d = io_detail(opt, self);
	struct streams s = { .answer = NULL };
	double before = 0;
	int r;

	io_begin(opt, self, out);
	r = up(&s, &d, out);
	if (r == 0)
		r = run_first(&s);
	before = bench_rss_read().now_mb;
	for (uint32_t i = 0; i < out->iterations && r == 0; i++) {
		r = measure_cpu(&s, &d, out);
		if (i == 0) /* later ones leave the peak where it is, or higher */
			out->bytes = bytes_each(before, d.count);
	}
	down(&s);
	io_end(out, r, &s.err);
}

void io_streams_bytes(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct io_detail d = io_detail(opt, self);
	struct streams s = { .answer = NULL };
	double before = 0;
	int r;

	io_begin(opt, self, out);
	r = up(&s, &d, out);
	if (r == 0)
		r = run_first(&s);
	before = bench_rss_read().now_mb;
	if (r == 0)
		r = run(&s, d.count);
	out->bytes = bytes_each(before, d.count);
	bench_outcome_add(out, 0, d.count);
	down(&s);
	io_end(out, r, &s.err);
}
