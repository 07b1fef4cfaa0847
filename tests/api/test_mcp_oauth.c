/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers of MCP that want authorization, as a host meets them: a person in a browser, on this host's port or on a page of the host's;
 * tokens that end, are refused, lack scope, are kept; machines; servers that are not to be believed. Each test looks for secrets
 * where they do not belong.
 */
#include "tests/support/leap.h"
#include "tests/support/oauth_host.h"

TestSuite(mcp_oauth, .init = begin, .fini = end);

/* ---- a person ----------------------------------------------------------------------------------- */

Test(mcp_oauth, person__comes_through_a_crowd)
{
	manner = IS_CROWDED_OUT;
	must_open();
	must_call();
	cr_assert_eq(is_now()->codes, 1);
}

Test(mcp_oauth, person__comes_back_to_a_port_of_the_library)
{
	manner = LIES_FIRST;
	must_open();
	must_call();
	cr_assert_eq(was_seen()->opens, 1);
	cr_assert_eq(was_seen()->overs, 1);
	cr_assert_eq(is_now()->codes, 1);
	cr_assert_eq(is_now()->registrations, 1);
	cr_assert_eq(is_now()->refused, 1, "one 401, before anything");
	cr_assert_str_eq(was_seen()->scopes, "base offline_access;");
	client_end();
}

Test(mcp_oauth, person__comes_back_to_the_host)
{
	oauth.redirect_uri = "https://host.example/page";
	oauth.client_id = "known";
	SET(world.no_hint = true);
	SET(world.wants = "exactly this");
	manner = TELLS_THE_HOST;
	must_open();
	must_call();
	cr_assert_eq(is_now()->registrations, 0);
	cr_assert_not_null(strstr(is_now()->last_form, "client_id=known"));
	cr_assert_not_null(strstr(is_now()->last_form, "redirect_uri=https%3A%2F%2Fhost.example%2Fpage"));
	cr_assert_str_eq(was_seen()->scopes, "exactly this offline_access;", "the challenge's scope, not the metadata's");
	cr_assert_not_null(strstr(was_seen()->log, "belongs to another question"));
	client_end();
}

Test(mcp_oauth, person__refuses)
{
	manner = REFUSES;
	must_not_open(-EACCES, "the authorization was refused");
	must_fail("");
	cr_assert_eq(was_seen()->opens, 1, "a call later does not ask again at once");
	cr_assert_eq(was_seen()->overs, 1);
	cr_assert_eq(weft_mcp_authorize(client, WEFT_STR("?code=x&state=y")), 0, "too late, and no harm");
	client_end();
}

Test(mcp_oauth, person__is_denied_by_the_server)
{
	manner = IS_DENIED;
	must_not_open(-EACCES, "access_denied");
	client_end();
}

Test(mcp_oauth, person__never_answers)
{
	manner = NEVER;
	oauth.person_ns = 50 * MS;
	must_not_open(-EACCES, "nobody authorized the client in time");
	cr_assert_eq(was_seen()->overs, 1);
	client_end();
}

Test(mcp_oauth, person__is_waited_for_with_the_patience_that_is_a_persons)
{
	weft_error err = { 0 };

	test_leaps();
	manner = NEVER;
	opt.start_ns = TEST_HOUR;
	oauth.person_ns = 3 * TEST_HOUR;
	cr_assert_eq(weft_mcp_open(NULL, &opt, &client, &err), 0);
	cr_assert_eq(weft_tools_create(&tools), 0);
	wait_for(&seen.opens, 1);
	test_leap(2 * TEST_HOUR); /* the one is over, the other is not */
	cr_assert_eq(weft_mcp_authorize(client, WEFT_STR("?state=wrong&code=x")), 0); /* wakes the loop */
	test_leap(2 * TEST_HOUR);
	cr_assert_eq(weft_mcp_authorize(client, WEFT_STR("?state=wrong&code=x")), 0);
	cr_assert_eq(weft_mcp_wait(client, 60 * SECOND, &err), -EACCES, "%s", err.message);
	cr_assert_not_null(strstr(err.message, "nobody authorized the client in time"), "%s", err.message);
	client_end();
}

Test(mcp_oauth, close__while_a_person_is_asked)
{
	weft_error err = { 0 };

	manner = NEVER;
	cr_assert_eq(weft_mcp_open(NULL, &opt, &client, &err), 0);
	cr_assert_eq(weft_tools_create(&tools), 0);
	wait_for(&seen.opens, 1);
	client_end();
	cr_assert_eq(was_seen()->overs, 1);
}

Test(mcp_oauth, close__with_the_runtime_while_a_person_is_asked)
{
	weft_runtime *rt = test_runtime(2);
	weft_error err = { 0 };

	manner = NEVER;
	cr_assert_eq(weft_mcp_open(rt, &opt, &client, &err), 0);
	wait_for(&seen.opens, 1);
	test_runtime_end(rt);
	wait_for(&seen.closed, 1);
	cr_assert_eq(weft_mcp_refuse(client), -ESHUTDOWN);
	weft_mcp_unref(client);
}

/* ---- tokens ----------------------------------------------------------------------------------------- */

static void token_ends(void)
{
	SET(strcpy(world.access, "another"));
}

static void *call_once(void *arg)
{
	(void)arg;
	must_call();
	return NULL;
}

Test(mcp_oauth, token__many_calls_meet_a_401_and_one_renews)
{
	pthread_t threads[16];

	must_open();
	for (int round = 0; round < 5; round++) {
		token_ends();
		for (int i = 0; i < 16; i++)
			cr_assert_eq(pthread_create(&threads[i], NULL, call_once, NULL), 0);
		for (int i = 0; i < 16; i++)
			pthread_join(threads[i], NULL);
	}
	cr_assert_eq(is_now()->calls, 80);
	cr_assert_eq(is_now()->refreshes, 5, "one a round, not %u", is_now()->refreshes);
	cr_assert_eq(was_seen()->opens, 1);
	client_end();
}

Test(mcp_oauth, token__that_cannot_be_renewed_is_asked_for_anew)
{
	must_open();
	SET(world.refresh_is_refused = true);
	token_ends();
	must_call();
	cr_assert_eq(is_now()->refreshes, 0);
	cr_assert_eq(was_seen()->opens, 2);
	cr_assert_eq(is_now()->registrations, 1, "the same port, the same client");
	client_end();
}

Test(mcp_oauth, token__without_a_refresh_token)
{
	SET(world.no_refresh = true);
	must_open();
	token_ends();
	must_call();
	cr_assert_eq(was_seen()->opens, 2);
	client_end();
}

Test(mcp_oauth, token__that_is_refused_at_once_is_the_end)
{
	must_open();
	SET(world.takes_no_token = world.tells_token = true); /* and what it tells is in no error: call() looks */
	must_fail("refuses the token that it was authorized with");
	cr_assert_eq(is_now()->refreshes, 1);
	cr_assert_eq(is_now()->refused, 3, "the first of all, and two of this call");
	must_fail("refuses the token");
	cr_assert_eq(was_seen()->opens, 1, "and nobody is asked for a while");
	SET(world.takes_no_token = false);
	client_end();
}

Test(mcp_oauth, token__the_server_that_gives_them_is_ill)
{
	must_open();
	token_ends();
	SET(world.token_status = 503);
	must_fail("could not be renewed: HTTP 503");
	cr_assert_eq(was_seen()->opens, 1, "no reason to ask a person");
	client_end();
}

/* ---- scope ------------------------------------------------------------------------------------------------ */

Test(mcp_oauth, scope__grows_with_what_a_call_needs)
{
	must_open();
	SET(world.tool_wants = "write");
	must_call();
	must_call();
	cr_assert_eq(was_seen()->opens, 2);
	cr_assert_str_eq(was_seen()->scopes, "base offline_access;base offline_access write;");
	cr_assert_eq(is_now()->refreshes, 0, "a refresh gives no more scope");
	client_end();
}

Test(mcp_oauth, scope__that_was_asked_for_and_is_wanted_still)
{
	SET(world.tool_wants = "write");
	must_open();
	must_call();
	SET(strcpy(world.scope, "base")); /* it was taken away again */
	must_fail("asked for already");
	cr_assert_eq(was_seen()->opens, 2);
	client_end();
}

/* ---- keeping ------------------------------------------------------------------------------------------------ */

Test(mcp_oauth, saved__is_used_and_renewed_without_a_person)
{
	oauth.load = on_load;
	oauth.save = on_save;
	must_open();
	cr_assert_eq(was_seen()->saves, 1);
	client_end();
	must_open();
	must_call();
	cr_assert_eq(was_seen()->opens, 1);
	cr_assert_eq(is_now()->refused, 1, "the token was shown from the first request on");
	token_ends();
	must_call();
	cr_assert_eq(is_now()->refreshes, 1);
	cr_assert_eq(was_seen()->saves, 2);
	client_end();
}

Test(mcp_oauth, saved__past_its_time_is_renewed_before_it_is_refused)
{
	char *renew;

	oauth.load = on_load;
	oauth.save = on_save;
	SET(world.expires_in = 3600);
	must_open();
	client_end();
	renew = strstr(seen.saved, "\"renew_at\":");
	cr_assert_not_null(renew);
	strcpy(renew, "\"renew_at\":1}"); /* its last member */
	must_open();
	must_call();
	cr_assert_eq(is_now()->refreshes, 1);
	cr_assert_eq(is_now()->refused, 1, "only the very first request of all");
	cr_assert_eq(was_seen()->opens, 1);
	client_end();
}

Test(mcp_oauth, saved__for_another_server_or_nonsense_is_not_believed)
{
	oauth.load = on_load;
	snprintf(seen.saved, sizeof(seen.saved), "{\"resource\":\"https://other\",\"issuer\":\"i\",\"access_token\":\"SECRET-access-0\"}");
	must_open();
	cr_assert_eq(was_seen()->opens, 1);
	client_end();
	snprintf(seen.saved, sizeof(seen.saved), "nonsense");
	must_open();
	cr_assert_eq(was_seen()->opens, 2);
	client_end();
}

Test(mcp_oauth, saved__by_another_issuer_is_thrown_away)
{
	oauth.load = on_load;
	oauth.save = on_save;
	snprintf(seen.saved, sizeof(seen.saved), "{\"resource\":\"%s\",\"issuer\":\"https://old.example\",\"client_id\":\"c\","
	         "\"redirect_uri\":\"x\",\"refresh_token\":\"SECRET-of-another\"}", server_url);
	must_open();
	cr_assert_eq(was_seen()->opens, 1);
	cr_assert_eq(is_now()->registrations, 1);
	cr_assert_null(strstr(was_seen()->saved, "old.example"));
	client_end();
}

Test(mcp_oauth, saved__registered_with_another_redirect_registers_anew)
{
	oauth.load = on_load;
	oauth.redirect_uri = "https://host.example/page";
	manner = TELLS_THE_HOST;
	snprintf(seen.saved, sizeof(seen.saved), "{\"resource\":\"%s\",\"issuer\":\"http://127.0.0.1:%u\",\"client_id\":\"c\","
	         "\"redirect_uri\":\"https://host.example/old\"}", server_url, (unsigned)is_now()->ports[OAUTH_ISSUER]);
	must_open();
	cr_assert_eq(is_now()->registrations, 1);
	client_end();
	snprintf(seen.saved, sizeof(seen.saved), "{\"resource\":\"%s\",\"issuer\":\"http://127.0.0.1:%u\",\"client_id\":\"c\","
	         "\"redirect_uri\":\"https://host.example/page\"}", server_url, (unsigned)is_now()->ports[OAUTH_ISSUER]);
	must_open();
	cr_assert_eq(is_now()->registrations, 1, "the same redirect, the same client");
	cr_assert_not_null(strstr(is_now()->last_form, "client_id=c"));
	client_end();
}

/* ---- machines -------------------------------------------------------------------------------------------------- */

Test(mcp_oauth, machine__by_its_secret)
{
	oauth.flags = WEFT_MCP_OAUTH_MACHINE;
	oauth.open = NULL;
	oauth.client_id = "m";
	oauth.client_secret = "SECRET-of-the-machine";
	oauth.scope = "extra";
	SET(world.ways = "\"client_secret_basic\"");
	SET(world.no_pkce = true);
	must_open();
	must_call();
	cr_assert_eq(is_now()->machines, 1);
	cr_assert_str_eq(is_now()->scope, "base extra");
	cr_assert_eq(strncmp(is_now()->last_authorization, "Basic ", 6), 0);
	token_ends();
	must_call();
	cr_assert_eq(is_now()->machines, 2);
	client_end();
}

/* ---- files ----------------------------------------------------------------------------------------------------- */

static int load(const char *format, weft_error *err)
{
	char path[] = "/tmp/weft-test-XXXXXX";
	int fd = mkstemp(path), r;
	FILE *file = fdopen(fd, "w");

	fprintf(file, format, server_url);
	fclose(file);
	r = weft_mcp_load(NULL, path, &opt, &client, 1, err);
	unlink(path);
	return r;
}

Test(mcp_oauth, person__is_told_once_that_it_is_over)
{
	oauth.client_id = "c";
	oauth.client_secret = "SECRET-of-the-client";
	SET(world.ways = "\"private_key_jwt\""); /* known only when the code is there, and nothing is asked then */
	must_not_open(-EACCES, "takes none of the ways");
	cr_assert_eq(was_seen()->overs, 1);
	client_end();
}

Test(mcp_oauth, file__says_who_the_client_is)
{
	weft_error err = { 0 };

	setenv("MCP_TEST_SECRET", "SECRET-of-the-machine", 1);
	SET(world.ways = "\"client_secret_post\"");
	cr_assert_eq(load("{\"mcpServers\":{\"w\":{\"url\":\"%s\",\"oauth\":{\"client_id\":\"m\",\"client_secret\":\"${MCP_TEST_SECRET}\","
	                  "\"machine\":true,\"old_servers\":false}}}}", &err),
	             1, "%s", err.message);
	cr_assert_eq(weft_tools_create(&tools), 0);
	cr_assert_eq(weft_tools_add_mcp(tools, client, "", &err), 1, "%s", err.message);
	cr_assert_not_null(strstr(is_now()->last_form, "client_id=m&client_secret=SECRET-of-the-machine"));
	cr_assert_eq(was_seen()->opens, 0);
	client_end();
	cr_assert_eq(load("{\"mcpServers\":{\"w\":{\"url\":\"%s\",\"oauth\":7}}}", &err), WEFT_ECONFIG);
	cr_assert_eq(load("{\"mcpServers\":{\"w\":{\"url\":\"%s\",\"oauth\":{\"machine\":1}}}}", &err), WEFT_ECONFIG);
	cr_assert_eq(load("{\"mcpServers\":{\"w\":{\"url\":\"%s\",\"oauth\":{\"machine\":true}}}}", &err), -EINVAL, "a machine without a secret");
	cr_assert_eq(load("{\"mcpServers\":{\"w\":{\"url\":\"%s\",\"oauth\":{},\"headers\":{\"authorization\":\"x\"}}}}", &err), -EINVAL);
}

Test(mcp_oauth, file__of_servers_that_have_a_key_takes_no_oauth_of_the_host)
{
	weft_error err = { 0 };

	cr_assert_eq(load("{\"mcpServers\":{\"w\":{\"url\":\"%s\",\"headers\":{\"Authorization\":\"Bearer x\"}}}}", &err), 1, "%s", err.message);
	cr_assert_eq(weft_tools_create(&tools), 0);
	cr_assert_eq(weft_tools_add_mcp(tools, client, "", &err), -EACCES);
	cr_assert_not_null(strstr(err.message, "or oauth"), "%s", err.message);
	client_end();
}

/* ---- servers that are not to be believed ------------------------------------------------------------------------ */

Test(mcp_oauth, server__of_another_resource)
{
	SET(world.resource = "https://evil.example/mcp");
	must_not_open(-EACCES, "another resource");
	cr_assert_eq(was_seen()->opens, 0);
	client_end();
}

Test(mcp_oauth, server__of_another_issuer)
{
	SET(world.issuer = "https://evil.example");
	must_not_open(-EACCES, "another issuer");
	cr_assert_eq(was_seen()->opens, 0);
	client_end();
}

Test(mcp_oauth, server__that_is_not_the_configured_one)
{
	oauth.issuer = "https://ours.example";
	must_not_open(-EACCES, "other authorization servers than the one that was configured");
	cr_assert_eq(is_now()->looks, 1, "the other one is not even looked at");
	client_end();
}

Test(mcp_oauth, server__without_pkce)
{
	SET(world.no_pkce = true);
	must_not_open(-EACCES, "PKCE");
	cr_assert_eq(was_seen()->opens, 0);
	client_end();
}

Test(mcp_oauth, server__that_registers_nobody)
{
	SET(world.no_registration = true);
	must_not_open(-EACCES, "needs a client_id");
	client_end();
}

Test(mcp_oauth, server__that_refuses_the_code)
{
	SET(world.token_status = 400);
	must_not_open(-EACCES, "gave no token: HTTP 400, invalid_client");
	client_end();
}

Test(mcp_oauth, server__that_leads_elsewhere_takes_no_token_along)
{
	must_open();
	SET(world.is_moved = true);
	must_fail("");
	cr_assert_eq(is_now()->elsewhere, 0);
	SET(world.is_moved = false);
	client_end();
}

Test(mcp_oauth, server__that_leads_elsewhere_gets_no_code_there)
{
	SET(world.token_is_moved = true);
	must_not_open(-EACCES, "gave no token: HTTP 307");
	cr_assert_eq(is_now()->elsewhere, 0);
	client_end();
}

/* ---- options --------------------------------------------------------------------------------------------------------- */

static void must_be_wrong(const char *part)
{
	weft_error err = { 0 };

	cr_assert_eq(weft_mcp_open(NULL, &opt, &client, &err), -EINVAL, "%s", part);
	cr_assert_not_null(strstr(err.message, part), "%s", err.message);
	oauth = (weft_mcp_oauth)WEFT_MCP_OAUTH_INIT;
}

Test(mcp_oauth, options__that_are_wrong)
{
	oauth.size = 1;
	must_be_wrong("its size");
	oauth.client_secret = "s";
	must_be_wrong("needs a client_id");
	oauth.client_id = "c";
	oauth.client_secret = oauth.client_key = "s";
	must_be_wrong("not both");
	oauth.client_id = "c";
	oauth.client_key = "no key";
	must_be_wrong("private key");
	oauth.flags = WEFT_MCP_OAUTH_MACHINE;
	must_be_wrong("a machine needs");
	oauth.client_document = "http://h/c";
	must_be_wrong("client_document");
	oauth.scope = "a  b";
	must_be_wrong("scope");
	oauth.redirect_uri = "http://far.example/";
	must_be_wrong("redirect_uri");
	opt.headers = (const char *const[]){ "authorization: Bearer x", NULL };
	must_be_wrong("Authorization header already");
	opt.headers = NULL;
	opt.url = "http://far.example/mcp";
	must_be_wrong("tokens go to https addresses");
}

Test(mcp_oauth, without__a_401_says_what_to_do)
{
	weft_error err = { 0 };

	opt.oauth = NULL;
	cr_assert_eq(client_open(&err), -EACCES);
	cr_assert_not_null(strstr(err.message, "or oauth"), "%s", err.message);
	cr_assert_eq(weft_mcp_refuse(client), -EINVAL);
	client_end();
}
