/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: scenarios.json is read strictly. The built-in one holds every id that was promised;
 * whatever is wrong in another is an error that names the file, the scenario and the key.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"

static const char *const promised[] = {
	"single-message", "minimal-bootstrap", "conversation-10", "conversation-100", "burst-100", "burst-1000",
	"with-should-respond", "with-should-respond-no-name", "with-actions", "multi-step", "provider-scaling-10",
	"provider-scaling-50", "provider-scaling-100", "history-scaling-100", "history-scaling-1000",
	"history-scaling-10000", "concurrent-10", "concurrent-50", "concurrent-1000", "concurrent-10000",
	"concurrent-50-rooms", "db-write-throughput", "db-read-throughput", "startup-cold", "agents-per-second",
};

static const char *const promised_micros[] = {
	"agent-no-tools", "agent-1-tool", "agent-3-tools", "recorded-no-tools", "recorded-1-tool", "recorded-3-tools", "tool-dispatch", "event-1-subscriber", "event-4-subscribers",
	"event-form", "histogram-record", "gate-1-thread", "gate-2-threads", "gate-mutex-1-thread", "gate-mutex-2-threads",
	"concurrent-agents-1", "concurrent-agents-5", "concurrent-agents-10", "concurrent-agents-20", "concurrent-agents-50",
	"loop-detection", "actor-ping-pong-same-core", "actor-ping-pong-cross-core", "mailbox-many-to-one", "mailbox-many-to-one-muted", "actor-spawn",
	"actor-idle-bytes", "timer-arm-cancel", "timer-fire",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int load_text(const char *text, struct bench_file *file, weft_error *err)
{
	char path[] = "/tmp/weft-scenarios-XXXXXX";
	int fd = mkstemp(path), r;

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	r = bench_file_load(path, file, err);
	unlink(path);
	return r;
}

static void expect_refused(const char *text, const char *needle)
{
	struct bench_file file;
	weft_error err = { 0 };

	cr_expect_lt(load_text(text, &file, &err), 0, "%s", text);
	cr_expect(strstr(err.message, needle) != NULL, "'%s' does not name '%s'", err.message, needle);
	cr_expect_null(file.scenarios);
}

Test(file, built_in__has_every_promised_id)
{
	struct bench_file file;
	weft_error err = { 0 };

	cr_assert_eq(bench_file_load(NULL, &file, &err), 0, "%s", err.message);
	cr_expect_eq(file.count, COUNT(promised));
	for (size_t i = 0; i < COUNT(promised); i++) {
		bool found = false;

		for (uint32_t j = 0; j < file.count; j++)
			found |= !strcmp(file.scenarios[j].id, promised[i]);
		cr_expect(found, "%s", promised[i]);
	}
	bench_file_free(&file);
	cr_expect_null(file.scenarios);
}

Test(file, micros__have_every_promised_id)
{
	cr_expect_eq(bench_micro_count, COUNT(promised_micros));
	for (size_t i = 0; i < COUNT(promised_micros); i++) {
		bool found = false;

		for (uint32_t j = 0; j < bench_micro_count; j++)
			found |= !strcmp(bench_micros[j].id, promised_micros[i]);
		cr_expect(found, "%s", promised_micros[i]);
	}
}

Test(file, built_in__sends_what_the_names_say)
{
	struct bench_file file;

	cr_assert_eq(bench_file_load(NULL, &file, NULL), 0);
	for (uint32_t i = 0; i < file.count; i++) {
		const struct bench_scenario *s = &file.scenarios[i];
		unsigned n;

		if (sscanf(s->id, "conversation-%u", &n) == 1 || sscanf(s->id, "burst-%u", &n) == 1 ||
		    sscanf(s->id, "concurrent-%u", &n) == 1)
			cr_expect_eq(s->message_count, n, "%s", s->id);
		if (!strncmp(s->id, "burst-", 6) || !strncmp(s->id, "concurrent-", 11))
			cr_expect(s->config.concurrent, "%s", s->id);
		if (sscanf(s->id, "history-scaling-%u", &n) == 1)
			cr_expect_eq(s->config.history, n, "%s", s->id);
		if (sscanf(s->id, "provider-scaling-%u", &n) == 1)
			cr_expect_eq(s->config.dummy_providers, n, "%s", s->id);
		if (!strcmp(s->id, "concurrent-50-rooms"))
			cr_expect(s->config.room_per_message);
	}
	bench_file_free(&file);
}

Test(file, load__takes_lists_and_generated_messages)
{
	struct bench_file file;
	weft_error err = { 0 };

	cr_assert_eq(load_text("{\"version\":1,\"scenarios\":[{\"id\":\"a\",\"name\":\"A\",\"description\":\"d\","
	                       "\"messages\":[\"one\",\"two\"],\"config\":{\"group\":\"g\",\"warmup\":0}},"
	                       "{\"id\":\"b\",\"name\":\"B\",\"description\":\"d\",\"messages\":{\"generate\":3},"
	                       "\"config\":{\"group\":\"g\"}}]}",
	                       &file, &err),
	             0, "%s", err.message);
	cr_expect_eq(file.count, 2);
	cr_expect_eq(file.scenarios[0].message_count, 2);
	cr_expect_str_eq(file.scenarios[0].messages[1], "two");
	cr_expect(file.scenarios[0].config.has_warmup);
	cr_expect_not(file.scenarios[1].config.has_warmup);
	cr_expect_eq(file.scenarios[1].message_count, 3);
	cr_expect_str_eq(file.scenarios[1].messages[2], "BenchmarkAgent, benchmark message number 3.");
	bench_file_free(&file);
}

Test(file, load__names_what_is_wrong)
{
#define ONE(fields) "{\"version\":1,\"scenarios\":[{\"id\":\"x1\"," fields "}]}"
#define REST "\"name\":\"n\",\"description\":\"d\",\"messages\":[]"
	expect_refused("{\"version\":2,\"scenarios\":[]}", "version");
	expect_refused("{\"version\":1}", "scenarios");
	expect_refused("{\"version\":1,\"scenarios\":[{}]}", "id");
	expect_refused(ONE(REST ",\"config\":{\"group\":\"g\"},\"colour\":1"), "x1: colour: unknown key");
	expect_refused(ONE(REST ",\"config\":{\"group\":\"g\",\"speed\":1}"), "config.speed: unknown key");
	expect_refused(ONE(REST ",\"config\":{\"group\":\"g\",\"history\":\"many\"}"), "config.history");
	expect_refused(ONE(REST ",\"config\":{\"group\":\"g\",\"history\":-1}"), "config.history");
	expect_refused(ONE(REST ",\"config\":{\"group\":\"a group whose name has no end\"}"), "config.group");
	expect_refused(ONE(REST ",\"config\":[]"), "config");
	expect_refused(ONE(REST), "config.group");
	expect_refused(ONE("\"name\":\"n\",\"description\":\"d\",\"messages\":[1],\"config\":{\"group\":\"g\"}"), "messages");
	expect_refused(ONE("\"name\":\"n\",\"description\":\"d\",\"messages\":{\"generate\":-1},\"config\":{\"group\":\"g\"}"),
	               "messages");
	expect_refused("{\"version\":1,\"scenarios\":[{\"id\":\"two\"," REST ",\"config\":{\"group\":\"g\"}},{\"id\":\"two\"," REST
	               ",\"config\":{\"group\":\"g\"}}]}",
	               "two: given twice");
}

Test(file, load__broken_json_is_an_error_with_its_file)
{
	struct bench_file file;
	weft_error err = { 0 };

	cr_expect_eq(load_text("{\"version\":1,", &file, &err), WEFT_EPARSE);
	cr_expect(strstr(err.message, "weft-scenarios-") != NULL, "%s", err.message);
	cr_expect_lt(bench_file_load("/nowhere/scenarios.json", &file, &err), 0);
	cr_expect(strstr(err.message, "/nowhere/scenarios.json") != NULL, "%s", err.message);
}
