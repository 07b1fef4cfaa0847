/* SPDX-License-Identifier: Apache-2.0 */
/* cli/mock_llm_cmd.c - `weft mock-llm`: an endpoint that speaks like a model's, until it is interrupted. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <weft/weft.h>

#include "cli/cli.h"

#define GRACE_NS UINT64_C(10000000000)

enum { FAILED = 1 }; /* exit code */

struct settings {
	weft_mock_llm_options mock;
	uint32_t workers;
	bool quiet;
};

/* ---- values of its own ----------------------------------------------------------------- */

struct share {
	const char *name;
	double *to;
};

/* "name:share,name:share" */
static bool read_shares(const char *at, const struct share *shares, weft_str *ret_wrong)
{
	while (*at) {
		const struct share *s = shares;
		const char *end = NULL;

		*ret_wrong = (weft_str){ at, strcspn(at, ",") };
		while (s->name && (strncmp(at, s->name, strlen(s->name)) || at[strlen(s->name)] != ':'))
			s++;
		if (!s->name || !cli_read_real(at + strlen(s->name) + 1, &end, s->to) || *s->to > 1 || (*end && *end != ','))
			return false;
		at = end + (*end == ',');
	}
	return true;
}

static bool read_errors(const char *value, void *options, weft_str *ret_wrong)
{
	weft_mock_llm_options *m = &((struct settings *)options)->mock;
	const struct share errors[] = { { "429", &m->rate_429 }, { "500", &m->rate_500 }, { "503", &m->rate_503 }, { NULL, NULL } };
	weft_str all = weft_str_from(value);

	if (!*value || !read_shares(value, errors, ret_wrong))
		return false;
	*ret_wrong = all; /* each is a share, and together they are one, too */
	return m->rate_429 + m->rate_500 + m->rate_503 <= 1;
}

static bool read_disconnects(const char *value, void *options, weft_str *ret_wrong)
{
	weft_mock_llm_options *m = &((struct settings *)options)->mock;
	const struct share cuts[] = { { "before", &m->rate_drop_before }, { "middle", &m->rate_drop_middle }, { NULL, NULL } };

	return *value && read_shares(value, cuts, ret_wrong);
}

static bool read_address(const char *value, void *options, weft_str *ret_wrong)
{
	unsigned char address[sizeof(struct in6_addr)];

	(void)ret_wrong;
	((struct settings *)options)->mock.address = value;
	return inet_pton(AF_INET, value, address) == 1 || inet_pton(AF_INET6, value, address) == 1;
}

static bool read_ms(const char *text, const char **ret_end)
{
	double n;

	if (!cli_read_real(text, ret_end, &n))
		return false;
	*ret_end += strncmp(*ret_end, "ms", 2) ? 0 : 2;
	return true;
}

/* Of a file only its name: it is read when the endpoint starts. */
static bool read_latency(const char *value, void *options, weft_str *ret_wrong)
{
	const char *at = value;
	double n;

	(void)ret_wrong;
	((struct settings *)options)->mock.latency = value;
	if (!strncmp(value, "file:", 5))
		return value[5] != '\0';
	if (!strncmp(value, "lognormal:", 10))
		return read_ms(value + 10, &at) && *at == ':' && cli_read_real(at + 1, &at, &n) && !*at && n <= 10;
	return read_ms(value, &at) && !*at;
}

/* ---- serving ---------------------------------------------------------------------------- */

static int complain(const char *what)
{
	fprintf(stderr, "weft mock-llm: %s\n", what);
	return FAILED;
}

static void say_figures(const weft_mock_llm_stats *s)
{
	printf("%" PRIu64 " requests on %" PRIu64 " connections, %" PRIu64 " refused, %" PRIu64 " made to fail, %" PRIu64 " left by their reader; %" PRIu64
	       " streams of %" PRIu64 " events, %" PRIu64 " tokens, %" PRIu64 " embeddings\n",
	       s->requests, s->accepted, s->refused, s->faults, s->gone, s->streams, s->events, s->tokens, s->embeddings);
}

static int serve(weft_runtime *rt, const struct settings *s, const sigset_t *ends)
{
	weft_mock_llm_stats stats = { .size = sizeof(stats) };
	weft_mock_llm *mock;
	weft_error err;
	int signal = 0;

	if (weft_mock_llm_start(rt, &s->mock, &mock, &err) < 0)
		return complain(err.message);
	printf("%s\n", weft_mock_llm_url(mock));
	fflush(stdout);
	sigwait(ends, &signal);
	/* What is under way may end; a second signal does not wait for it. */
	pthread_sigmask(SIG_UNBLOCK, ends, NULL);
	weft_mock_llm_stop(mock, GRACE_NS, &stats);
	if (!s->quiet)
		say_figures(&stats);
	return 0;
}

/* ---- the command ------------------------------------------------------------------------- */

static int mock_llm_run(int argc, char **argv)
{
	struct settings s = { .mock = WEFT_MOCK_LLM_OPTIONS_INIT };
	weft_runtime *rt = NULL;
	sigset_t ends;
	int r = cli_read_options(&cli_mock_llm, argc, argv, &s);

	if (r != CLI_GO_ON)
		return r;
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ends, NULL); /* before there are workers: they inherit it */
	r = cli_start_runtime(s.workers, &rt);
	r = r < 0 ? complain(weft_strerror(r)) : serve(rt, &s, &ends);
	weft_runtime_destroy(rt);
	return r;
}

#define AT(field) offsetof(struct settings, field)

static const struct cli_option options[] = {
	{ "port", "N", "listen there; 0, the default, takes a free one", .kind = CLI_U16, .at = AT(mock.port) },
	{ "address", "A", "an IP address (127.0.0.1)", .kind = CLI_OWN, .read = read_address, .expected = "an IP address" },
	{ "workers", "N", "threads (one a core)", .kind = CLI_U32, .at = AT(workers), .max = 1024 },
	{ "latency", "T", "until the first token: MS, lognormal:MEDIAN:SIGMA or file:PATH (0)", .kind = CLI_OWN, .read = read_latency,
	  .expected = "milliseconds, lognormal:MEDIAN:SIGMA or file:PATH" },
	{ "tokens-per-s", "R", "how fast the others follow (at once)", .kind = CLI_REAL, .at = AT(mock.tokens_per_s) },
	{ "answer-tokens", "N", "length of made-up answers (they repeat what the user said)", .kind = CLI_U32, .at = AT(mock.answer_tokens) },
	{ "errors", "LIST", "shares of requests that fail: 429:0.05,500:0.01,503:0.01", .kind = CLI_OWN, .read = read_errors,
	  .expected = "shares of 429, 500 and 503 that are at most 1 together, as 429:0.05,500:0.01" },
	{ "disconnects", "LIST", "shares that are cut off: before:0.01,middle:0.01", .kind = CLI_OWN, .read = read_disconnects,
	  .expected = "shares of before and middle from 0 to 1, as before:0.01,middle:0.01" },
	{ "retry-after", "S", "seconds, said with 429 and 503 (1)", .kind = CLI_U32, .at = AT(mock.retry_after_s) },
	{ "fixture", "FILE", "scripted answers", .kind = CLI_FILE, .at = AT(mock.fixture) },
	{ "seed", "N", "of all that is drawn (0)", .kind = CLI_U64, .at = AT(mock.seed) },
	{ "by-request", NULL, "what is drawn depends on the request's content, not its number", .kind = CLI_FLAG, .at = AT(mock.by_request) },
	{ "strict", NULL, "refuse parameters that OpenAI does not know", .kind = CLI_FLAG, .at = AT(mock.strict) },
	{ "api-key", "KEY", "ask for it", .kind = CLI_TEXT, .at = AT(mock.api_key) },
	{ "dimensions", "N", "of embeddings (1536)", .kind = CLI_U32, .at = AT(mock.dimensions) },
	{ "connections", "N", "at most so many a worker (10,000)", .kind = CLI_U32, .at = AT(mock.connections_max) },
	{ "quiet", NULL, "no figures at the end", .kind = CLI_FLAG, .at = AT(quiet) },
	{ .name = NULL },
};

const struct cli_command cli_mock_llm = {
	.name = "mock-llm",
	.what = "an endpoint that speaks like a model's, for tests and load tests",
	.intro = "Speaks the OpenAI API (chat completions, embeddings, models) and Anthropic's messages, until SIGINT or SIGTERM.",
	.outro = "Exit status: 0 done, 1 failed, 2 not understood.",
	.options = options,
	.run = mock_llm_run,
};
