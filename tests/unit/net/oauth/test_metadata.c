/* SPDX-License-Identifier: Apache-2.0 */
/* metadata: documents that are believed, and each reason not to. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/oauth/metadata.h"

static weft_arena *arena;
static weft_error err;
static struct weft__oauth_resource resource;
static struct weft__oauth_server server;

static void begin(void)
{
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void end(void)
{
	weft_arena_destroy(arena);
}

TestSuite(metadata, .init = begin, .fini = end);

static int read_resource(const char *text)
{
	return weft__oauth_resource_read(weft_str_from(text), WEFT_STR("https://h/mcp"), false, arena, &resource, &err);
}

static void expect_refused(int r, const char *why)
{
	cr_assert_eq(r, -EACCES);
	cr_assert_not_null(strstr(err.message, why), "%s", err.message);
}

static bool is(weft_str text, const char *expected)
{
	return weft_str_eq(text, weft_str_from(expected));
}

Test(metadata, resource__what_is_said)
{
	cr_assert_eq(read_resource("{\"resource\":\"https://h/mcp\",\"authorization_servers\":[\"https://a\",\"http://no\",7,\"https://b/t\","
	                           "\"https://c?q\"],\"scopes_supported\":[\"x\",\"y z\",\"bad\\\"\",\"x\",3],\"other\":{}}"),
	             0);
	cr_assert(is(resource.name, "https://h/mcp"));
	cr_assert(is(resource.scopes, "x y z"));
	cr_assert_eq(resource.server_count, 2);
	cr_assert(is(resource.servers[0], "https://a"));
	cr_assert(is(resource.servers[1], "https://b/t"));
	cr_assert_eq(read_resource("{\"resource\":\"https://h\",\"authorization_servers\":[\"https://a\"]}"), 0);
	cr_assert_eq(resource.scopes.len_bytes, 0);
}

Test(metadata, resource__of_somebody_else)
{
	expect_refused(read_resource("{\"resource\":\"https://evil.example/mcp\",\"authorization_servers\":[\"https://a\"]}"), "another resource");
	expect_refused(read_resource("{\"authorization_servers\":[\"https://a\"]}"), "another resource");
	expect_refused(read_resource("{\"resource\":7,\"authorization_servers\":[\"https://a\"]}"), "another resource");
}

Test(metadata, resource__nobody_to_ask)
{
	expect_refused(read_resource("{\"resource\":\"https://h\"}"), "names no authorization server");
	expect_refused(read_resource("{\"resource\":\"https://h\",\"authorization_servers\":\"https://a\"}"), "names no authorization server");
	expect_refused(read_resource("{\"resource\":\"https://h\",\"authorization_servers\":[\"http://127.0.0.1\"]}"), "that may be asked");
}

Test(metadata, resource__more_servers_than_there_is_room_for)
{
	char text[1024] = "{\"resource\":\"https://h\",\"authorization_servers\":[";

	for (unsigned i = 0; i < 3 * WEFT__OAUTH_SERVERS_MAX; i++)
		sprintf(text + strlen(text), "%s\"https://a%u\"", i ? "," : "", i);
	strcat(text, "]}");
	cr_assert_eq(read_resource(text), 0);
	cr_assert_eq(resource.server_count, WEFT__OAUTH_SERVERS_MAX);
	cr_assert(is(resource.servers[7], "https://a7"));
}

Test(metadata, documents__that_are_none)
{
	static char big[WEFT__OAUTH_METADATA_BYTES_MAX + 10];

	expect_refused(read_resource(""), "not the JSON object");
	expect_refused(read_resource("<!doctype html>"), "not the JSON object");
	expect_refused(read_resource("[]"), "not the JSON object");
	expect_refused(read_resource("{\"resource\":\"https://h\",\"resource\":\"https://evil\"}"), "not the JSON object");
	memset(big, ' ', sizeof(big) - 1);
	memcpy(big, "{}", 2);
	expect_refused(read_resource(big), "not the JSON object");
}

static struct weft__oauth_server_wants wants = { .issuer = { "https://a/t", 11 } };

static int read_server(const char *text)
{
	memset(&server, 0, sizeof(server));
	return weft__oauth_server_read(weft_str_from(text), &wants, arena, &server, &err);
}

#define ENDPOINTS "\"authorization_endpoint\":\"https://a/go\",\"token_endpoint\":\"https://a/token\""
#define PKCE "\"code_challenge_methods_supported\":[\"plain\",\"S256\"]"

Test(metadata, server__what_is_said)
{
	cr_assert_eq(read_server("{\"issuer\":\"https://a/t\"," ENDPOINTS "," PKCE ",\"registration_endpoint\":\"https://a/reg\","
	                         "\"token_endpoint_auth_methods_supported\":[\"none\",\"client_secret_post\",\"tls_client_auth\"],"
	                         "\"scopes_supported\":[\"offline_access\"],\"client_id_metadata_document_supported\":true,"
	                         "\"authorization_response_iss_parameter_supported\":true}"),
	             0);
	cr_assert(is(server.authorize, "https://a/go"));
	cr_assert(is(server.token, "https://a/token"));
	cr_assert(is(server.registration, "https://a/reg"));
	cr_assert(is(server.scopes, "offline_access"));
	cr_assert_eq(server.ways, WEFT__OAUTH_BY_NONE | WEFT__OAUTH_BY_POST);
	cr_assert(server.pkce && server.reads_client_documents && server.names_itself);
	cr_assert_eq(read_server("{\"issuer\":\"https://a/t\"," ENDPOINTS "," PKCE "}"), 0);
	cr_assert_eq(server.registration.len_bytes, 0);
	cr_assert(!server.reads_client_documents && !server.names_itself && !server.ways);
}

Test(metadata, server__another_issuer)
{
	expect_refused(read_server("{\"issuer\":\"https://evil\"," ENDPOINTS "," PKCE "}"), "another issuer");
	expect_refused(read_server("{\"issuer\":\"https://a\"," ENDPOINTS "," PKCE "}"), "another issuer");
	expect_refused(read_server("{" ENDPOINTS "," PKCE "}"), "another issuer");
	wants.same_origin_is_enough = true;
	cr_assert_eq(read_server("{\"issuer\":\"https://a/other\"," ENDPOINTS "," PKCE "}"), 0);
	expect_refused(read_server("{\"issuer\":\"https://b/t\"," ENDPOINTS "," PKCE "}"), "another issuer");
	wants.same_origin_is_enough = false;
}

Test(metadata, server__without_pkce)
{
	expect_refused(read_server("{\"issuer\":\"https://a/t\"," ENDPOINTS "}"), "PKCE");
	expect_refused(read_server("{\"issuer\":\"https://a/t\"," ENDPOINTS ",\"code_challenge_methods_supported\":[\"plain\"]}"), "PKCE");
	expect_refused(read_server("{\"issuer\":\"https://a/t\"," ENDPOINTS ",\"code_challenge_methods_supported\":\"S256\"}"), "PKCE");
	wants.machine = true;
	cr_assert_eq(read_server("{\"issuer\":\"https://a/t\",\"token_endpoint\":\"https://a/token\"}"), 0, "no person, no PKCE");
	wants.machine = false;
}

Test(metadata, server__endpoints_that_are_not_asked)
{
	expect_refused(read_server("{\"issuer\":\"https://a/t\",\"authorization_endpoint\":\"https://a/go\"," PKCE "}"), "no token endpoint");
	expect_refused(read_server("{\"issuer\":\"https://a/t\",\"token_endpoint\":\"https://a/token\"," PKCE "}"), "no authorization endpoint");
	expect_refused(read_server("{\"issuer\":\"https://a/t\",\"authorization_endpoint\":\"https://a/go\",\"token_endpoint\":\"http://a/token\"," PKCE "}"),
	               "token_endpoint is not https");
	expect_refused(read_server("{\"issuer\":\"https://a/t\",\"authorization_endpoint\":\"javascript:alert(1)\",\"token_endpoint\":\"https://a/t\"," PKCE "}"),
	               "authorization_endpoint is not an address");
	expect_refused(read_server("{\"issuer\":\"https://a/t\"," ENDPOINTS ",\"registration_endpoint\":\"http://127.0.0.1/\"," PKCE "}"),
	               "registration_endpoint is not https");
}
