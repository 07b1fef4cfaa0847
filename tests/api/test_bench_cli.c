/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: `weft bench` does what its options say, names what it does not understand, and tells
 * by its exit status what happened: 0 all well, 1 an entry failed, 2 a wrong command line or file.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft/weft.h>

static char output[65536];

/* Run the command; what it says on either stream is in output. @return its exit status */
static int weft(const char *args)
{
	char command[1024];
	size_t n;
	FILE *p;

	snprintf(command, sizeof(command), "'%s' %s 2>&1", WEFT_COMMAND, args);
	p = popen(command, "r");
	cr_assert_not_null(p);
	n = fread(output, 1, sizeof(output) - 1, p);
	output[n] = '\0';
	n = (size_t)pclose(p);
	return WIFEXITED((int)n) ? WEXITSTATUS((int)n) : -1;
}

static void expect(const char *args, int status, const char *needle)
{
	int got = weft(args);

	cr_expect_eq(got, status, "weft %s: status %d: %s", args, got, output);
	cr_expect(strstr(output, needle) != NULL, "weft %s: '%s' not in: %s", args, needle, output);
}

Test(bench_cli, weft__helps_and_tells_its_version)
{
	expect("--version", 0, "weft 0.");
	expect("--help", 0, "bench");
	expect("", 2, "usage:");
	expect("knit", 2, "knit");
	expect("bench --help", 0, "--filter GLOB");
}

/* What it finds depends on where this runs; that it says a verdict, and ends as the verdict says, does not. */
Test(bench_cli, doctor__says_a_verdict)
{
	weft_json_doc *doc = NULL;
	weft_str verdict = { 0 };
	int status = weft("doctor --json");

	cr_assert_eq(weft_json_parse(weft_str_from(output), &doc, NULL), 0, "%s", output);
	cr_expect(weft_json_get_str(weft_json_find(weft_json_root(doc), WEFT_STR("verdict")), &verdict));
	cr_expect_eq(status, weft_str_eq(verdict, WEFT_STR("unfit")), "%s", output);
	weft_json_release(doc);
	expect("doctor --help", 0, "unfit");
	expect("doctor --fast", 2, "--fast");
	weft("doctor");
	cr_expect_not_null(strstr(output, "fingerprint"), "%s", output);
}

Test(bench_cli, options__unknown_ones_are_named)
{
	expect("bench --fast", 2, "--fast");
	expect("bench burst-1000", 2, "burst-1000");
	expect("bench --iterations", 2, "--iterations");
	expect("bench --suite large", 2, "large");
	expect("bench --suite io,large", 2, "large");
	expect("bench --events maybe", 2, "maybe");
	expect("bench --filter 'no-such-*'", 2, "no-such-*");
	expect("bench --scenarios /nowhere/s.json", 2, "/nowhere/s.json");
}

Test(bench_cli, options__numbers_are_checked)
{
	expect("bench --iterations 0", 2, "--iterations");
	expect("bench --iterations ten", 2, "ten");
	expect("bench --iterations 10x", 2, "10x");
	expect("bench --iterations -1", 2, "-1");
	expect("bench --iterations 99999999999999999999", 2, "99999999999999999999");
	expect("bench --warmup x", 2, "--warmup");
	expect("bench --workers 0", 2, "--workers");
	expect("bench --rounds 0", 2, "--rounds");
	expect("bench --budget none", 2, "--budget");
	expect("bench --workers 257", 2, "257");
}

Test(bench_cli, list__says_what_would_run)
{
	expect("bench --list", 0, "concurrent-50-rooms");
	cr_expect_null(strstr(output, "tool-dispatch"), "scenarios are the default");
	expect("bench --list --suite micro", 0, "actor-idle-bytes");
	cr_expect_null(strstr(output, "single-message"));
	expect("bench --list --suite all --filter '*-10'", 0, "concurrent-agents-10");
	cr_expect_not_null(strstr(output, "provider-scaling-10"));
	cr_expect_null(strstr(output, "provider-scaling-100"));
}

static weft_json_doc *load(const char *path)
{
	weft_error err = { 0 };
	weft_json_doc *doc = NULL;

	cr_assert_eq(weft_json_parse_file(path, &doc, &err), 0, "%s", err.message);
	return doc;
}

static weft_json at(weft_json v, const char *a, const char *b)
{
	return weft_json_find(weft_json_find(v, weft_str_from(a)), weft_str_from(b));
}

Test(bench_cli, json__is_what_the_schema_says)
{
	char path[] = "/tmp/weft-cli-XXXXXX", args[256];
	weft_json_schema *schema = NULL;
	weft_json_doc *doc, *result;
	weft_json entry;
	weft_error err = { 0 };
	int64_t n = 0;

	close(mkstemp(path));
	snprintf(args, sizeof(args), "bench --quick --rounds 2 --suite all --filter '@(single-message|tool-dispatch)' --iterations 5 --warmup 1 --json %s",
	         path);
	expect(args, 0, "2 of 2 entries passed");
	cr_expect_null(strstr(output, "\033["), "no escapes where there is no terminal");
	doc = load(BENCH_SCHEMA);
	cr_assert_eq(weft_json_schema_compile(weft_json_root(doc), &schema, &err), 0, "%s", err.message);
	result = load(path);
	cr_expect_eq(weft_json_schema_check(schema, weft_json_root(result), &err), 0, "%s", err.message);
	cr_expect_eq(weft_json_typeof(at(weft_json_root(result), "machine_check", "findings")), WEFT_JSON_ARRAY);
	entry = at(weft_json_root(result), "scenarios", "single-message");
	cr_expect_eq(weft_json_count(at(entry, "latency", "raw_ms")), 5);
	cr_expect_eq(weft_json_count(at(entry, "latency", "raw_round")), 5);
	cr_expect_eq(weft_json_count(at(entry, "latency", "median_ci95_ms")), 2);
	cr_expect(weft_json_get_int(weft_json_find(entry, WEFT_STR("rounds")), &n));
	cr_expect_eq(n, 2);
	cr_expect(weft_json_get_int(weft_json_find(entry, WEFT_STR("warmup")), &n));
	cr_expect_eq(n, 1);
	cr_expect(weft_json_get_int(at(entry, "throughput", "total_messages"), &n));
	cr_expect_eq(n, 5);
	entry = at(weft_json_root(result), "scenarios", "tool-dispatch");
	cr_expect_eq(weft_json_typeof(weft_json_find(entry, WEFT_STR("unit"))), WEFT_JSON_STRING);
	weft_json_release(result);
	weft_json_release(doc);
	weft_json_schema_destroy(schema);
	unlink(path);
}

Test(bench_cli, json__that_cannot_be_written_fails)
{
	expect("bench --quick --filter single-message --json /nowhere/r.json", 1, "/nowhere/r.json");
}

/* Every scenario works, each answer checked by the scenario itself; short ones, with and without a subscriber. */
Test(bench_cli, scenarios__pass)
{
	expect("bench --quick --iterations 1 --warmup 0 --filter '!(*000|*-100)'", 0, "entries passed");
	cr_expect_null(strstr(output, "FAILED"), "%s", output);
	expect("bench --quick --events on --filter 'with-*'", 0, "3 of 3 entries passed");
}

/* Every work item, each result checked by the item itself. */
Test(bench_cli, actors__pass, .timeout = 170)
{
	expect("bench --quick --suite actors --workers 2 --iterations 1 --warmup 0 --filter '!(*-[125]0|*-1|*-cross)'", 0, "entries passed");
	cr_expect_null(strstr(output, "FAILED"), "%s", output);
	cr_expect_not_null(strstr(output, "actors-tasks-5 "), "%s", output); /* the others do the same with more */
}

Test(bench_cli, sweep__shows_each_number_of_workers)
{
	expect("bench --sweep --quick --workers 3 --iterations 1 --warmup 0 --filter actors-ring", 0, "speed-up");
	cr_expect_not_null(strstr(output, "actors-ring                              3"), "%s", output);
	expect("bench --sweep --filter actors-idle-bytes", 2, "nothing to sweep");
	expect("bench --sweep --filter startup-cold", 2, "startup-cold");
	expect("bench --sweep --list --workers 2 --filter burst-100", 0, "burst-100@2");
}

/* The sets of vectors are found where --data says; what needs one that is not there is left out, with a word. */
Test(bench_cli, memory__passes, .timeout = 170)
{
	/* one of what differs in size or set alone */
	expect("bench --quick --suite memory,io --iterations 1 --warmup 0 --data '" WEFT_TEST_DATA "' --filter '!(*-kernel-*|*784-*|"
	       "*128-*|*768-[bs]*|*-read-1000*|*-range-*|*-10000*|*-filter-[15]0|*-99)'",
	       0, "entries passed");
	cr_expect_null(strstr(output, "FAILED"), "%s", output);
	cr_expect_not_null(strstr(output, "recall 1.0000 of 300 rows"), "%s", output);
	expect("bench --quick --suite memory --filter 'memory-kernel-*-384-*' --iterations 1 --warmup 0", 0, "13 of 13 entries passed");
	expect("bench --data", 2, "--data");
}

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

Test(bench_cli, scenarios_file__of_ones_own)
{
	char path[] = "/tmp/weft-scn-XXXXXX", args[128];

	write_file(path, "{\"version\":1,\"scenarios\":[{\"id\":\"mine\",\"name\":\"m\",\"description\":\"d\","
	                 "\"messages\":[\"hello\",\"again\"],\"config\":{\"group\":\"own\",\"iterations\":2}}]}");
	snprintf(args, sizeof(args), "bench --scenarios %s", path);
	expect(args, 0, "1 of 1 entries passed");
	unlink(path);
}

/* A message that no agent takes: the entry fails, says why, and the command with it. */
Test(bench_cli, failing_scenario__fails_the_command)
{
	char path[] = "/tmp/weft-scn-XXXXXX", args[128];

	write_file(path, "{\"version\":1,\"scenarios\":["
	                 "{\"id\":\"good\",\"name\":\"m\",\"description\":\"d\",\"messages\":[\"hello\"],\"config\":{\"group\":\"own\"}},"
	                 "{\"id\":\"bad\",\"name\":\"m\",\"description\":\"d\",\"messages\":[\"hello\"],"
	                 "\"config\":{\"group\":\"own\",\"custom_actions\":true,\"multi_step\":true}}]}");
	snprintf(args, sizeof(args), "bench --quick --scenarios %s", path);
	expect(args, 1, "1 of 2 entries passed");
	cr_expect_not_null(strstr(output, "FAILED"), "%s", output);
	unlink(path);
}
