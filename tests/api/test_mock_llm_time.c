/* SPDX-License-Identifier: Apache-2.0 */
/* The mock endpoint in time: the same faults by the same seed, its end, its pace, many clients. See mock_llm_test.h. */
#include "mock_llm_test.h"

/* ---- by the seed ---------------------------------------------------------------------------- */

#define ROUNDS 300

/* The fate of each request, a letter each. */
static void fates(uint64_t seed, bool by_request, char *ret)
{
	weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;

	o.seed = seed;
	o.by_request = by_request;
	o.rate_429 = 0.2;
	o.rate_500 = 0.1;
	o.rate_503 = 0.1;
	o.rate_drop_before = 0.1;
	o.rate_drop_middle = 0.1;
	serve(&o);
	for (int i = 0; i < ROUNDS; i++) {
		char body[128];
		struct answer a;

		snprintf(body, sizeof(body), ASK("{\"role\":\"user\",\"content\":\"%d\"}"), by_request ? i / 2 : 0);
		a = chat(body);
		ret[i] = a.status == 200 ? (a.whole ? '.' : 'm') : a.status == 429 ? '4' : a.status == 500 ? '5' : a.status == 503 ? '3' : 'b';
		cr_expect_eq(a.error, ret[i] == 'm' || ret[i] == 'b' ? ECONNRESET : 0);
		if (a.status == 429 || a.status == 503)
			cr_expect_not_null(strstr(a.head, "Retry-After: 1\r\n"));
		answer_free(&a);
	}
	ret[ROUNDS] = '\0';
	finish();
}

static int count(const char *text, char c)
{
	int n = 0;

	for (; *text; text++)
		n += *text == c;
	return n;
}

Test(mock_llm, seed__gives_the_same_faults_again)
{
	static char one[ROUNDS + 1], again[ROUNDS + 1], other[ROUNDS + 1];

	fates(7, false, one);
	fates(7, false, again);
	fates(8, false, other);
	cr_expect_str_eq(one, again);
	cr_expect(strcmp(one, other) != 0);
	cr_expect(count(one, '4') > 35 && count(one, '4') < 90 && count(one, 'b') > 10 && count(one, 'm') > 10 && count(one, '.') > 80, "%s", one);
}

Test(mock_llm, by_request__the_same_question_has_the_same_fate)
{
	static char one[ROUNDS + 1];

	fates(7, true, one);
	for (int i = 0; i < ROUNDS; i += 2)
		cr_expect_eq(one[i], one[i + 1], "%d", i);
	cr_expect(count(one, '4') > 20 && count(one, '.') > 80, "%s", one);
}

/* ---- ends ------------------------------------------------------------------------------------ */

Test(mock_llm, stop__lets_streams_end_or_does_not)
{
	for (int patient = 0; patient < 2; patient++) {
		weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;
		weft_mock_llm_stats stats = { .size = sizeof(stats) };
		const char *body = "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}";
		struct answer a = { 0 };
		char text[512];
		size_t len;
		int fd;

		o.answer_tokens = 20;
		o.tokens_per_s = patient ? 200 : 0.01;
		serve(&o);
		fd = http_connect(port);
		len = (size_t)snprintf(text, sizeof(text), "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
		cr_assert_eq(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
		cr_assert_eq(recv(fd, text, 1, MSG_PEEK), 1); /* it has begun */
		cr_expect_eq(weft_mock_llm_stats_read(mock, &stats), 0);
		cr_expect_eq(stats.streams, 1);
		weft_mock_llm_stop(mock, patient ? 20 * SECOND : 1, &stats);
		http_read_all(fd, &a, &len);
		close(fd);
		a = http_take_apart(a, len);
		cr_expect_eq(a.whole, patient == 1, "%s", a.bytes);
		cr_expect_eq(stats.gone, !patient);
		cr_expect_eq(stats.tokens, patient ? 20 : 1);
		cr_expect_eq(stats.connections, 0);
		answer_free(&a);
		weft_runtime_destroy(rt);
	}
}

/* The runtime ends first: what was asked and not answered is cut off, and nothing is lost. */
Test(mock_llm, runtime__may_end_first)
{
	weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;
	weft_mock_llm_stats stats = { .size = sizeof(stats) };
	const char *body = WITH("\"n\":1");
	char text[512];
	int fd, n;

	o.latency = "lognormal:3600000:0";
	serve(&o);
	fd = http_connect(port);
	n = snprintf(text, sizeof(text), "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
	cr_assert_eq(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
	do {
		weft_mock_llm_stats_read(mock, &stats);
	} while (!stats.requests);
	weft_runtime_stop(rt, SECOND);
	weft_runtime_join(rt);
	weft_mock_llm_stop(mock, SECOND, &stats);
	cr_expect_eq(stats.gone, 1);
	cr_expect_leq(recv(fd, text, 1, 0), 0);
	close(fd);
	weft_runtime_destroy(rt);
}

/* ---- pace ------------------------------------------------------------------------------------- */

static int events_in(const char *text)
{
	int n = 0;

	for (; (text = strstr(text, "data: {")); text++)
		n++;
	return n;
}

/* No token before its time: of the first n events one is the role, one the first token, and the others 5 ms apart. */
Test(mock_llm, pace__holds_each_token_back)
{
	const char *body = "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}";
	weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;
	static char text[65536];
	uint64_t began;
	size_t len = 0;
	ssize_t n;
	int fd;

	o.answer_tokens = 20;
	o.tokens_per_s = 200;
	serve(&o);
	fd = http_connect(port);
	n = snprintf(text, sizeof(text), "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
	began = weft_now_ns();
	cr_assert_eq(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
	while ((n = recv(fd, text + len, sizeof(text) - len - 1, 0)) > 0) {
		uint64_t ms = (weft_now_ns() - began) / 1000000;
		int events;

		len += (size_t)n;
		text[len] = '\0';
		events = events_in(text);
		events -= strstr(text, "[DONE]") != NULL; /* the last one ends it, with the last token */
		cr_expect_leq(events, 2 + (int)ms / 5, "%d events after %d ms", events, (int)ms);
	}
	cr_expect_eq(events_in(text), 22);
	close(fd);
	finish();
}

/* ---- many at a time -------------------------------------------------------------------------- */

#define THREADS 4
#define EACH 100

static void *ask_many(void *arg)
{
	long bad = 0;

	for (int i = 0; i < EACH; i++) {
		struct answer a = chat(i % 2 ? WITH("\"stream\":true") : WITH("\"n\":1"));

		bad += a.status != 200 || !a.whole;
		answer_free(&a);
	}
	*(long *)arg = bad;
	return NULL;
}

Test(mock_llm, many_at_a_time__nothing_is_lost)
{
	weft_mock_llm_options o = WEFT_MOCK_LLM_OPTIONS_INIT;
	weft_mock_llm_stats stats;
	pthread_t threads[THREADS];
	long bad[THREADS];

	o.latency = "lognormal:1:0.5";
	serve(&o);
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, ask_many, &bad[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		cr_expect_eq(bad[i], 0);
	}
	stats = finish();
	cr_expect_eq(stats.requests, THREADS * EACH);
	cr_expect_eq(stats.accepted, THREADS * EACH);
	cr_expect_eq(stats.streams, THREADS * EACH / 2);
	cr_expect_eq(stats.tokens, THREADS * EACH * 3); /* "You said: x" */
	cr_expect_eq(stats.events, THREADS * EACH / 2 * 5); /* the role, three, and the end */
	cr_expect_eq(stats.gone + stats.refused + stats.faults, 0);
}
