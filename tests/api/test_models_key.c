/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider's key is where it must be and nowhere else. Method: agents ask a server that quotes the key in its refusals;
 * everything that leaves weft is searched for the key (answers, errors, events, logs, the recording), and an allocator
 * looks into each block that is freed: none may hold the key, so it was wiped wherever it had been.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weft/record.h>
#include <weft/weft.h>

#include "tests/support/folder.h"
#include "tests/support/looking_alloc.h"

#define KEY "sk-probe-7c1d0e5b2a9f4863-key"
#define QUOTED "sk-probe-7c1d****" /* as providers like to quote it */
#define LONG UINT64_C(20000000000)

/* ---- a server of few words ----------------------------------------------------------------- */

static const char *const answers[] = {
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	"data: {\"choices\":[{\"delta\":{\"content\":\"fine\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
	"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
	"{\"error\":{\"message\":\"Incorrect API key: " QUOTED "\",\"code\":\"" QUOTED "\"}}",
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	"data: {\"error\":{\"message\":\"no " QUOTED " here\"}}\n\n",
};
#define ANSWERS (sizeof(answers) / sizeof(answers[0]))

static int listener;
static uint32_t keys_seen; /* requests with the right field */

/* Until the whole request has come. */
static void request_read(int fd)
{
	static char text[65536];
	size_t len = 0, want = SIZE_MAX;
	ssize_t n;

	while (len < want && len + 1 < sizeof(text) && (n = read(fd, text + len, sizeof(text) - len - 1)) > 0) {
		const char *end, *length;

		len += (size_t)n;
		text[len] = '\0';
		end = strstr(text, "\r\n\r\n");
		length = strcasestr(text, "content-length:");
		if (end && length)
			want = (size_t)(end + 4 - text) + strtoul(length + 15, NULL, 10);
	}
	keys_seen += strstr(text, "Bearer " KEY "\r\n") != NULL;
}

static void *serve(void *unused)
{
	(void)unused;
	for (size_t i = 0; i < ANSWERS; i++) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			break;
		request_read(fd);
		(void)!write(fd, answers[i], strlen(answers[i]));
		shutdown(fd, SHUT_WR);
		while (read(fd, &(char){ 0 }, 1) > 0)
			;
		close(fd);
	}
	return NULL;
}

static uint16_t listen_any(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_geq(listener, 0);
	cr_assert_eq(bind(listener, (struct sockaddr *)&at, len), 0);
	cr_assert_eq(listen(listener, 8), 0);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	return ntohs(at.sin_port);
}

/* ---- what leaves --------------------------------------------------------------------------------- */

static char logs[65536];
static pthread_mutex_t logs_lock = PTHREAD_MUTEX_INITIALIZER;

static void on_log(weft_log_level level, const char *line, void *user)
{
	(void)level;
	(void)user;
	pthread_mutex_lock(&logs_lock);
	strncat(logs, line, sizeof(logs) - strlen(logs) - 1);
	pthread_mutex_unlock(&logs_lock);
}

static void hides(const char *what, const void *bytes, size_t len)
{
	/* the beginning alone is a secret too */
	cr_assert(!len || !memmem(bytes, len, KEY, 12), "%s: %.*s", what, (int)len, (const char *)bytes);
}

static void events_hide(weft_subscription *sub)
{
	static weft_event events[64];
	int n, all = 0;

	while ((n = weft_events_read(sub, events, 64)) > 0) {
		for (int i = 0; i < n; i++) {
			hides("event", events[i].message.ptr, events[i].message.len_bytes);
			for (uint32_t f = 0; f < events[i].field_count; f++) {
				if (events[i].fields[f].kind == WEFT_FIELD_STR || events[i].fields[f].kind == WEFT_FIELD_JSON)
					hides("event", events[i].fields[f].str.ptr, events[i].fields[f].str.len_bytes);
			}
		}
		all += n;
	}
	cr_assert_gt(all, 10);
}

static void file_hides(const char *path)
{
	static char text[262144];
	FILE *f = fopen(path, "r");
	size_t len;

	cr_assert_not_null(f);
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	cr_assert_gt(len, 500, "%zu bytes were recorded", len);
	hides("recording", text, len);
}

/* ---- the run ---------------------------------------------------------------------------------------- */

static weft_models *models_make(uint16_t port)
{
	weft_openai_options opt = WEFT_OPENAI_OPTIONS_INIT;
	weft_models *models;
	weft_error err;
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/v1", port);
	opt.base_url = url;
	opt.api_key = KEY;
	opt.large_model = "m";
	opt.flags = WEFT_OPENAI_NO_GATE;
	opt.proxy = "";
	cr_assert_eq(weft_models_create(&models), 0);
	cr_assert_eq(weft_models_add_openai(models, 0, &opt, &err), 0, "%s", err.message);
	return models;
}

static void ask(weft_runtime *rt, weft_ref agent, int status)
{
	weft_ask a = WEFT_ASK_INIT;
	const weft_agent_result *r;
	weft_future *future;
	weft_msg *answer;

	a.input = WEFT_STR("how are you?");
	cr_assert_eq(weft_future_create(rt, &future), 0);
	cr_assert_eq(weft_agent_ask(agent, &a, weft_reply_to_future(future)), 0);
	cr_assert_eq(weft_future_wait_until(future, &answer, weft_now_ns() + LONG), 0);
	r = weft_agent_result_of(answer);
	cr_assert_not_null(r);
	cr_assert_eq(r->status, status, "%.*s", WEFT_STR_ARG(r->error));
	hides("answer", r->text.ptr, r->text.len_bytes);
	hides("error", r->error.ptr, r->error.len_bytes);
	if (status < 0)
		cr_assert(memmem(r->error.ptr, r->error.len_bytes, "[key]", 5), "%.*s", WEFT_STR_ARG(r->error));
	weft_msg_destroy(answer);
	weft_future_destroy(future);
}

Test(models_key, key__is_in_nothing_that_leaves_and_in_no_block_that_is_freed, .timeout = 120)
{
	weft_runtime_options opt = WEFT_RUNTIME_OPTIONS_INIT;
	weft_agent_options agent_opt = WEFT_AGENT_OPTIONS_INIT;
	char folder[256], path[300];
	weft_subscription *sub;
	weft_recorder *rec;
	weft_agent_def *def;
	weft_models *models;
	weft_runtime *rt;
	pthread_t server;
	weft_ref agent;
	weft_error err;

	look_for(KEY);
	cr_assert_not_null(test_folder(folder));
	snprintf(path, sizeof(path), "%s/run.jsonl", folder);
	models = models_make(listen_any());
	cr_assert_eq(pthread_create(&server, NULL, serve, NULL), 0);
	opt.workers = 2;
	opt.log = on_log;
	cr_assert_eq(weft_runtime_create(&opt, &rt), 0);
	cr_assert_eq(weft_runtime_start(rt), 0);
	cr_assert_eq(weft_events_subscribe(rt, NULL, &sub), 0);
	cr_assert_eq(weft_recorder_open(path, NULL, &rec, &err), 0, "%s", err.message);
	agent_opt.models = models;
	agent_opt.system = "You are being tested.";
	agent_opt.recorder = rec;
	cr_assert_eq(weft_agent_def_create(&agent_opt, &def, &err), 0, "%s", err.message);
	cr_assert_eq(weft_agent_spawn(rt, def, NULL, &agent), 0);
	ask(rt, agent, 0);
	ask(rt, agent, WEFT_EMODEL);
	ask(rt, agent, WEFT_EMODEL);
	pthread_join(server, NULL);
	cr_assert_eq(keys_seen, ANSWERS, "the key is sent where it belongs");
	cr_assert_eq(weft_runtime_stop(rt, LONG), 0);
	cr_assert_eq(weft_runtime_join(rt), 0);
	events_hide(sub);
	weft_events_unsubscribe(sub);
	weft_runtime_destroy(rt);
	weft_agent_def_unref(def);
	weft_models_unref(models);
	weft_recorder_unref(rec);
	file_hides(path);
	hides("log", logs, strlen(logs));
	cr_assert_eq(look_found(), 0, "%u blocks", look_found());
	close(listener);
	test_folder_remove(folder);
}
