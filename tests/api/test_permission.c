/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: what rules let be called, what the model is told, and the audit line of each call. Method: agents with scripted
 * models, and a tool that counts. Runs that wait for a person: test_approvals.c.
 */
#include "tests/support/approvals.h"

/* ---- rules ------------------------------------------------------------------------------------ */

Test(permission, what_is_denied_is_not_made_and_told)
{
	static const weft_mock_step steps[] = {
		{ .calls = { { "act", "{}" }, { "look", "{}" } }, .call_count = 2 }, { .text = "Done." }
	};
	weft_permissions *p = rules(WEFT_PERMIT_ALLOW);
	const weft_agent_result *r;
	weft_msg *reply;
	struct kit k;

	rule(p, WEFT_PERMIT_DENY, "act", "acting is for others");
	kit_make(&k, steps, 2, p, NULL);
	kit_start(&k, 1);
	reply = kit_say(&k, "go");
	r = weft_agent_result_of(reply);
	cr_expect_eq(r->status, 0);
	cr_expect_eq(made, 0);
	expect_text(told(r, 0), "Error: tool 'act' may not be called: acting is for others");
	expect_text(told(r, 1), "looked");
	weft_msg_destroy(reply);
	kit_end(&k);
	weft_permissions_unref(p);
}

Test(permission, without_a_book_asking_is_denying)
{
	weft_permissions *p = rules(WEFT_PERMIT_ASK);
	weft_msg *reply;
	struct kit k;

	kit_make(&k, act_once, 2, p, NULL);
	kit_start(&k, 1);
	reply = kit_say(&k, "go");
	cr_expect_eq(weft_agent_result_of(reply)->status, 0);
	cr_expect_eq(made, 0);
	cr_expect(text_has(told(weft_agent_result_of(reply), 0), "nobody to give one"));
	weft_msg_destroy(reply);
	kit_end(&k);
	weft_permissions_unref(p);
}

/* Of the rules that match the strictest holds, whatever their order. */
Test(permission, the_strictest_rule_holds)
{
	static const weft_mock_step steps[] = {
		{ .calls = { { "act", "{\"what\":\"paint the wall\"}" }, { "act", "{\"what\":\"burn the house\"}" }, { "look", "{}" } },
		  .call_count = 3 },
		{ .text = "Done." }
	};
	weft_permissions *p = rules(WEFT_PERMIT_DENY);
	weft_msg *reply;
	struct kit k;

	rule_of(p, WEFT_PERMIT_DENY, "*", "what", "*house*");
	rule(p, WEFT_PERMIT_ALLOW, "a*t", NULL);
	kit_make(&k, steps, 2, p, NULL);
	kit_start(&k, 1);
	reply = kit_say(&k, "go");
	cr_expect_eq(made, 1);
	cr_expect_str_eq(last_argument, "paint the wall");
	expect_text(told(weft_agent_result_of(reply), 0), "acted");
	cr_expect(text_has(told(weft_agent_result_of(reply), 1), "may not be called"));
	cr_expect(text_has(told(weft_agent_result_of(reply), 2), "may not be called"), "no rule names it: the default");
	weft_msg_destroy(reply);
	kit_end(&k);
	weft_permissions_unref(p);
}

/* A pattern of an argument is of texts: what is none, or not there, it does not match. */
Test(permission, a_pattern_matches_texts_alone)
{
	static const weft_mock_step steps[] = {
		{ .calls = { { "act", "{\"what\":1}" }, { "act", "{}" }, { "act", "{\"what\":\"any\"}" } }, .call_count = 3 },
		{ .text = "Done." }
	};
	weft_permissions *p = rules(WEFT_PERMIT_DENY);
	weft_msg *reply;
	struct kit k;

	rule_of(p, WEFT_PERMIT_ALLOW, "act", "what", "*");
	kit_make(&k, steps, 2, p, NULL);
	kit_start(&k, 1);
	reply = kit_say(&k, "go");
	cr_expect_eq(made, 1);
	cr_expect_str_eq(last_argument, "any");
	weft_msg_destroy(reply);
	kit_end(&k);
	weft_permissions_unref(p);
}

/* A rule looks at the first "what", the tool might take the last: the call is not made. */
Test(permission, an_argument_given_twice_gets_past_no_rule)
{
	static const weft_mock_step steps[] = {
		{ .calls = { { "act", "{\"what\":\"paint\",\"what\":\"burn\"}" } }, .call_count = 1 }, { .text = "Done." }
	};
	weft_permissions *p = rules(WEFT_PERMIT_DENY);
	weft_msg *reply;
	struct kit k;

	rule_of(p, WEFT_PERMIT_ALLOW, "act", "what", "paint*");
	kit_make(&k, steps, 2, p, NULL);
	kit_start(&k, 1);
	reply = kit_say(&k, "go");
	cr_expect_eq(weft_agent_result_of(reply)->status, 0);
	cr_expect_eq(made, 0);
	cr_expect(text_has(told(weft_agent_result_of(reply), 0), "the key 'what' is given twice"));
	weft_msg_destroy(reply);
	kit_end(&k);
	weft_permissions_unref(p);
}

Test(permission, rules_from_configuration)
{
	static const char *const bad[] = {
		"{}", "[1]", "[{}]", "[{\"tool\":\"a\"}]", "[{\"permit\":\"ask\"}]", "[{\"tool\":\"a\",\"permit\":\"maybe\"}]",
		"[{\"tool\":\"a\",\"permit\":\"ask\",\"argument\":\"x\"}]", "[{\"tool\":\"a\",\"permit\":\"ask\",\"because\":\"x\"}]",
		"[{\"tool\":\"*\",\"permit\":\"deny\"},{\"tool\":7,\"permit\":\"deny\"}]", "[[\"tool\"]]",
		"[{\"tool\":\"a\\u0000\",\"permit\":\"ask\"}]",
	};
	weft_permissions *p = rules(WEFT_PERMIT_ALLOW);
	weft_error err = { 0 };
	weft_msg *reply;
	struct kit k;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(weft_permissions_add_json(p, weft_str_from(bad[i]), &err), WEFT_ECONFIG, "%s", bad[i]);
	cr_expect_eq(weft_permissions_add_json(p, WEFT_STR("["), &err), WEFT_EPARSE);
	cr_expect_eq(weft_permissions_add_json(p, WEFT_STR("[{\"tool\":\"a*\",\"permit\":\"deny\",\"argument\":\"what\","
	                                                   "\"value\":\"p*\",\"why\":\"no paint\"}]"), &err), 0, "%s", err.message);
	kit_make(&k, act_once, 2, p, NULL);
	kit_start(&k, 1);
	reply = kit_say(&k, "go");
	expect_text(told(weft_agent_result_of(reply), 0), "Error: tool 'act' may not be called: no paint");
	cr_expect_eq(made, 0);
	weft_msg_destroy(reply);
	kit_end(&k);
	weft_permissions_unref(p);
}

Test(permission, rules_are_checked)
{
	weft_permission_rule r = WEFT_PERMISSION_RULE_INIT;
	weft_permissions *p = rules(WEFT_PERMIT_ALLOW);
	struct kit k;

	cr_expect_eq(weft_permissions_add(p, &r), -EINVAL, "no tool");
	r.tool = "x";
	r.argument = "y";
	cr_expect_eq(weft_permissions_add(p, &r), -EINVAL, "an argument without value");
	r.value = "z";
	r.permit = 7;
	cr_expect_eq(weft_permissions_add(p, &r), -EINVAL);
	kit_make(&k, act_once, 2, p, NULL);
	kit_start(&k, 1);
	r.permit = WEFT_PERMIT_DENY;
	cr_expect_eq(weft_permissions_add(p, &r), -EBUSY, "a definition holds them");
	kit_end(&k);
	weft_permissions_unref(p);
	weft_permissions_unref(NULL);
}

/* ---- audit -------------------------------------------------------------------------------------------------- */

static char audit_lines[8][4200];
static int audit_count;

static void on_line(weft_str line, void *user)
{
	(void)user;
	if (audit_count < 8)
		snprintf(audit_lines[audit_count++], sizeof(audit_lines[0]), "%.*s", WEFT_STR_ARG(line));
}

static void expect_line(int n, const char *part)
{
	cr_assert_lt(n, audit_count);
	cr_expect_not_null(strstr(audit_lines[n], part), "'%s' in %s", part, audit_lines[n]);
}

Test(permission, each_call_leaves_a_line)
{
	static const weft_mock_step steps[] = {
		{ .calls = { { "act", "{\"what\":\"paint\",\"password\":\"hunter2\"}" }, { "look", "{}" }, { "nothing", "{}" } },
		  .call_count = 3 },
		{ .text = "Done." }
	};
	char path[] = "/tmp/weft-test-audit-XXXXXX", text[8192] = "";
	weft_audit_options opt = WEFT_AUDIT_OPTIONS_INIT;
	weft_permissions *p = rules(WEFT_PERMIT_ALLOW);
	weft_approvals *book = book_of(NULL);
	weft_msg *first, *second;
	const weft_agent_result *r;
	weft_audit *audit;
	char run[64] = "\"run\":\"";
	struct kit k;
	int fd = mkstemp(path);

	cr_expect_eq(weft_audit_open(&opt, &audit, NULL), -EINVAL);
	opt.path = path;
	opt.line = on_line;
	opt.arguments_text = true;
	cr_assert_eq(weft_audit_open(&opt, &audit, NULL), 0);
	rule(p, WEFT_PERMIT_ASK, "act", NULL);
	kit_make(&k, steps, 2, p, book);
	k.options.audit = audit;
	kit_start(&k, 1);
	first = kit_say(&k, "go");
	r = weft_agent_result_of(first);
	cr_assert_eq(answer(book, r->approvals[0].id, true, NULL, NULL), 0);
	second = kit_resume(&k, r->suspended_run);
	cr_expect_eq(weft_agent_result_of(second)->status, 0);
	cr_expect_eq(audit_count, 4);
	weft_uuid_format(r->suspended_run, run + strlen(run));
	expect_line(2, run);
	expect_line(3, run);
	cr_expect_null(strstr(audit_lines[0], "\"run\""), "it was not suspended: %s", audit_lines[0]);
	expect_line(0, "\"tool\":\"look\"");
	expect_line(0, "\"decision\":\"allow\",\"by\":\"default\",\"made\":true,\"status\":\"ok\",\"duration_ms\":");
	expect_line(0, "\"arguments_hash\":\"");
	expect_line(1, "\"tool\":\"nothing\"");
	expect_line(1, "\"made\":false,\"status\":\"WEFT_ENOTOOL\"");
	expect_line(2, "\"tool\":\"act\"");
	expect_line(2, "\"decision\":\"waiting\",\"by\":\"act\",\"made\":false");
	expect_line(3, "\"decision\":\"approved\",\"by\":\"anna\",\"made\":true,\"status\":\"ok\"");
	expect_line(3, "paint");
	cr_expect_eq(read(fd, text, sizeof(text) - 1) > 0, 1);
	cr_expect_not_null(strstr(text, audit_lines[3]));
	cr_expect_null(strstr(text, "hunter2"), "%s", text);
	cr_expect_eq(weft_audit_lost(audit), 0);
	weft_msg_destroy(first);
	weft_msg_destroy(second);
	kit_end(&k);
	weft_audit_unref(audit);
	weft_permissions_unref(p);
	weft_approvals_unref(book);
	close(fd);
	unlink(path);
}

Test(permission, an_audit_line_is_bounded)
{
	static char arguments[9000];
	static weft_mock_step steps[] = { { .calls = { { "act", arguments } }, .call_count = 1 }, { .text = "Done." } };
	weft_audit_options opt = WEFT_AUDIT_OPTIONS_INIT;
	weft_audit *audit;
	weft_msg *reply;
	struct kit k;

	strcpy(arguments, "{\"what\":\"");
	for (int i = 0; i < 1400; i++)
		strcat(arguments, "\\u0001");
	strcat(arguments, "\"}");
	opt.line = on_line;
	opt.arguments_text = true;
	cr_assert_eq(weft_audit_open(&opt, &audit, NULL), 0);
	kit_make(&k, steps, 2, NULL, NULL);
	k.options.audit = audit;
	kit_start(&k, 1);
	reply = kit_say(&k, "go");
	cr_assert_eq(audit_count, 1);
	cr_expect_leq(strlen(audit_lines[0]), 4096);
	expect_line(0, "\"tool\":\"act\"");
	weft_msg_destroy(reply);
	kit_end(&k);
	weft_audit_unref(audit);
}
