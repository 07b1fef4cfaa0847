/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What servers, browsers and keyrings say to net/oauth, of hostile bytes: each input is given to every reader. Oracles: what is believed
 * keeps the rules (whom to ask, what may stand in a head, whose issuer); what is refused changes nothing; what is saved reads back.
 */
#include "fuzz.h"

#include <string.h>

#include "net/oauth/challenge.h"
#include "net/oauth/metadata.h"
#include "net/oauth/place.h"
#include "net/oauth/redirect.h"
#include "net/oauth/token.h"

#define SERVER WEFT_STR("https://h.example/mcp")
#define ISSUER WEFT_STR("https://a.example")

static bool is_visible(const char *text)
{
	for (; *text; text++) {
		if (*text < 0x21 || *text > 0x7e)
			return false;
	}
	return true;
}

static void challenge(weft_str text)
{
	struct weft__http_field field = { WEFT_STR("WWW-Authenticate"), text };
	struct weft__oauth_challenge c;

	weft__oauth_challenge_read(&field, 1, &c);
	FUZZ_CHECK(memchr(c.resource_metadata, '\0', sizeof(c.resource_metadata)));
	FUZZ_CHECK(!c.scope[0] || weft__oauth_scope_is_valid(weft_str_from(c.scope)));
	FUZZ_CHECK(!c.error[0] || weft__oauth_scope_is_valid(weft_str_from(c.error)));
	FUZZ_CHECK(c.is_bearer || (!c.scope[0] && !c.error[0] && !c.resource_metadata[0]));
}

static bool may_be_asked(weft_str url)
{
	char origin[2048];

	return weft__oauth_allowed(url, false, "", NULL) == 0 && weft__oauth_origin(url, origin, sizeof(origin)) == 0 &&
	       !strncmp(origin, "https://", 8);
}

static void metadata(weft_str text, weft_arena *arena)
{
	const struct weft__oauth_server_wants wants = { .issuer = ISSUER };
	struct weft__oauth_resource resource = { .server_count = 0 };
	struct weft__oauth_server server = { .ways = 0 };

	if (weft__oauth_resource_read(text, SERVER, false, arena, &resource, NULL) == 0) {
		FUZZ_CHECK(resource.server_count && resource.server_count <= WEFT__OAUTH_SERVERS_MAX);
		FUZZ_CHECK(weft__oauth_resource_covers(resource.name, SERVER));
		FUZZ_CHECK(!resource.scopes.len_bytes || weft__oauth_scope_is_valid(resource.scopes));
		for (uint32_t i = 0; i < resource.server_count; i++)
			FUZZ_CHECK(may_be_asked(resource.servers[i]));
	}
	if (weft__oauth_server_read(text, &wants, arena, &server, NULL) == 0) {
		FUZZ_CHECK(server.pkce && weft__oauth_issuer_eq(server.issuer, ISSUER));
		FUZZ_CHECK(may_be_asked(server.authorize) && may_be_asked(server.token));
		FUZZ_CHECK(!server.registration.len_bytes || may_be_asked(server.registration));
	}
}

static void tokens(weft_str text)
{
	struct weft__oauth_grant g = { .issuer = weft__secret_dup(ISSUER), .access = weft__secret_dup(WEFT_STR("old")) }, back = { .renew_s = 0 };
	struct weft__secret saved = { 0 };
	char error[48];
	int r = weft__oauth_token_read(text, 1000, WEFT_STR("a"), &g, NULL);

	FUZZ_CHECK(g.access && g.access[0] && is_visible(g.access) && strlen(g.access) <= WEFT__OAUTH_TOKEN_BYTES_MAX);
	FUZZ_CHECK(r == 0 || (!strcmp(g.access, "old") && !g.refresh && !g.scope && !g.renew_s));
	FUZZ_CHECK(g.renew_s == 0 || g.renew_s > 1000);
	(void)weft__oauth_client_read(text, WEFT_STR("http://127.0.0.1/"), &g, NULL);
	FUZZ_CHECK(!g.client_id || (is_visible(g.client_id) && g.redirect));
	weft__oauth_error_read(text, error);
	FUZZ_CHECK(strspn(error, "abcdefghijklmnopqrstuvwxyz_") == strlen(error));

	FUZZ_CHECK(weft__oauth_grant_write(&g, SERVER, &saved) == 0);
	FUZZ_CHECK(weft__oauth_grant_read(weft__secret_text(&saved), SERVER, &back) == 0);
	FUZZ_CHECK(!strcmp(back.access, g.access) && !back.client_id == !g.client_id && back.renew_s == g.renew_s);
	FUZZ_CHECK(weft__oauth_grant_read(weft__secret_text(&saved), ISSUER, &back) < 0);
	(void)weft__oauth_grant_read(text, SERVER, &back);
	FUZZ_CHECK(back.issuer && (!back.access || is_visible(back.access)) && (!back.refresh || is_visible(back.refresh)));
	weft__secret_fini(&saved);
	weft__oauth_grant_fini(&g);
	weft__oauth_grant_fini(&back);
}

static void redirect(weft_str text)
{
	struct weft__secret code = { 0 };

	if (weft__oauth_redirect_read(text, WEFT_STR("st"), ISSUER, false, &code, NULL) == 0) {
		FUZZ_CHECK(code.len && strlen(code.at) == code.len);
		FUZZ_CHECK(memmem(text.ptr, text.len_bytes, "state=", 6));
	} else {
		FUZZ_CHECK(!code.at);
	}
	weft__secret_fini(&code);
}

static void places(weft_str text)
{
	char to[256], origin[256], again[256];

	if (weft__oauth_origin(text, origin, sizeof(origin)) < 0)
		return;
	FUZZ_CHECK(weft__oauth_origin(weft_str_from(origin), again, sizeof(again)) == 0 && !strcmp(origin, again));
	for (uint32_t n = 0; n < 4; n++) {
		if (weft__oauth_place_of_issuer(text, n, to, sizeof(to)) == 0)
			FUZZ_CHECK(weft__oauth_origin(weft_str_from(to), again, sizeof(again)) == 0 && !strcmp(origin, again));
		if (weft__oauth_place_of_resource(text, n, to, sizeof(to)) == 0)
			FUZZ_CHECK(weft__oauth_origin(weft_str_from(to), again, sizeof(again)) == 0 && !strcmp(origin, again));
	}
	if (weft__oauth_resource_of(text, to, sizeof(to)) == 0)
		FUZZ_CHECK(weft__oauth_resource_covers(weft_str_from(to), text) || memchr(text.ptr, '#', text.len_bytes));
	FUZZ_CHECK(weft__oauth_allowed(text, false, "", NULL) < 0 || !strncmp(origin, "https://", 8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size ? size : 1);
	weft_str text = { bytes, size };
	weft_arena *arena;

	FUZZ_CHECK(bytes && weft_arena_create(0, &arena) == 0);
	if (size)
		memcpy(bytes, data, size);
	challenge(text);
	metadata(text, arena);
	tokens(text);
	redirect(text);
	places(text);
	weft_arena_destroy(arena);
	free(bytes);
	return 0;
}
