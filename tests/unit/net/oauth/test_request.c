/* SPDX-License-Identifier: Apache-2.0 */
/* request: what is asked, letter by letter; how a client says who it is; a signature that its public key accepts. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <weft/json.h>

#include "net/oauth/request.h"

static struct weft__oauth_server server = { .issuer = { "https://a", 9 }, .authorize = { "https://a/go", 12 } };
static struct weft__secret text, form, head;

static void end(void)
{
	weft__secret_fini(&text);
	weft__secret_fini(&form);
	weft__secret_fini(&head);
}

TestSuite(request, .fini = end);

Test(request, person__the_whole_address)
{
	struct weft__pkce pkce = { .state = "st", .challenge = "ch", .verifier = "never here" };

	cr_assert_eq(weft__oauth_ask_person(&server, WEFT_STR("id"), WEFT_STR("http://127.0.0.1:7/c"), WEFT_STR("a b"), WEFT_STR("https://h/mcp"),
	                                    &pkce, &text),
	             0);
	cr_assert_str_eq(text.at, "https://a/go?response_type=code&client_id=id&redirect_uri=http%3A%2F%2F127.0.0.1%3A7%2Fc&scope=a%20b"
	                          "&resource=https%3A%2F%2Fh%2Fmcp&state=st&code_challenge=ch&code_challenge_method=S256");
	weft__secret_fini(&text);
	server.authorize = WEFT_STR("https://a/go?tenant=x");
	cr_assert_eq(weft__oauth_ask_person(&server, WEFT_STR("id"), WEFT_STR("r"), WEFT_STR(""), WEFT_STR("h"), &pkce, &text), 0);
	cr_assert_str_eq(text.at, "https://a/go?tenant=x&response_type=code&client_id=id&redirect_uri=r&resource=h&state=st&code_challenge=ch"
	                          "&code_challenge_method=S256");
}

static int ask_as(const struct weft__oauth_client *client, uint32_t ways)
{
	server.ways = ways;
	weft__secret_fini(&form);
	weft__secret_fini(&head);
	weft__oauth_ask_with_code(&form, WEFT_STR("co"), WEFT_STR("r"), WEFT_STR("ve"));
	return weft__oauth_ask_as(client, &server, WEFT_STR("https://h"), 1000, &form, &head);
}

#define CODE "grant_type=authorization_code&code=co&redirect_uri=r&code_verifier=ve&resource=https%3A%2F%2Fh"

Test(request, as__a_public_client)
{
	struct weft__oauth_client client = { .id = WEFT_STR("id") };

	cr_assert_eq(ask_as(&client, 0), 0);
	cr_assert_str_eq(form.at, CODE "&client_id=id");
	cr_assert_eq(head.len, 0);
	cr_assert_eq(ask_as(&client, WEFT__OAUTH_BY_BASIC), 0, "some say only how those with a secret ask");
}

Test(request, as__one_with_a_secret)
{
	struct weft__oauth_client client = { .id = WEFT_STR("i:d"), .secret = WEFT_STR("s e") };

	cr_assert_eq(ask_as(&client, 0), 0);
	cr_assert_str_eq(form.at, CODE);
	cr_assert_str_eq(head.at, "Basic aSUzQWQ6cyUyMGU=", "both parts are encoded before they are joined");
	cr_assert_eq(ask_as(&client, WEFT__OAUTH_BY_BASIC | WEFT__OAUTH_BY_POST), 0);
	cr_assert_eq(ask_as(&client, WEFT__OAUTH_BY_POST), 0);
	cr_assert_str_eq(form.at, CODE "&client_id=i%3Ad&client_secret=s%20e");
	cr_assert_eq(head.len, 0);
	cr_assert_eq(ask_as(&client, WEFT__OAUTH_BY_NONE), 0);
	cr_assert_str_eq(form.at, CODE "&client_id=i%3Ad", "no secret for who wants none");
	cr_assert_eq(ask_as(&client, WEFT__OAUTH_BY_KEY), -EACCES);
	client.way = WEFT__OAUTH_BY_POST;
	cr_assert_eq(ask_as(&client, WEFT__OAUTH_BY_BASIC), 0, "as it was registered");
	cr_assert_not_null(strstr(form.at, "client_secret="));
}

Test(request, forms__of_the_other_grants)
{
	struct weft__oauth_client client = { .id = WEFT_STR("id") };

	weft__oauth_ask_with_refresh(&form, WEFT_STR("r/t"), WEFT_STR(""));
	cr_assert_eq(weft__oauth_ask_as(&client, &server, WEFT_STR("h"), 0, &form, &head), 0);
	cr_assert_str_eq(form.at, "grant_type=refresh_token&refresh_token=r%2Ft&resource=h&client_id=id");
	weft__secret_fini(&form);
	weft__oauth_ask_as_machine(&form, WEFT_STR("a"));
	cr_assert_eq(weft__oauth_ask_as(&client, &server, WEFT_STR("h"), 0, &form, &head), 0);
	cr_assert_str_eq(form.at, "grant_type=client_credentials&scope=a&resource=h&client_id=id");
}

/* ---- keys ------------------------------------------------------------------------------ */

static void pem_of(EVP_PKEY *pkey, struct weft__secret *to)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes;
	long n;

	cr_assert(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL));
	n = BIO_get_mem_data(bio, &bytes);
	weft__secret_put(to, (weft_str){ bytes, (size_t)n });
	BIO_free(bio);
}

static size_t decode(const char *from, size_t len, uint8_t *to)
{
	size_t n = 0;
	uint32_t word = 0, bits = 0;

	for (size_t i = 0; i < len; i++) {
		const char *all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
		const char *at = strchr(all, from[i]);

		cr_assert_not_null(at);
		word = word << 6 | (uint32_t)(at - all);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			to[n++] = (uint8_t)(word >> bits);
		}
	}
	return n;
}

/* Of JSON web signatures back to OpenSSL's. */
static size_t der_of(const uint8_t *pair, size_t len, uint8_t *to)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	uint8_t *at = to;
	int n;

	ECDSA_SIG_set0(sig, BN_bin2bn(pair, (int)len / 2, NULL), BN_bin2bn(pair + len / 2, (int)len / 2, NULL));
	n = i2d_ECDSA_SIG(sig, &at);
	ECDSA_SIG_free(sig);
	return (size_t)n;
}

static void expect_signed(EVP_PKEY *pkey, const char *algorithm, size_t pair_len, const EVP_MD *hash)
{
	struct weft__oauth_client client = { .id = WEFT_STR("id"), .key_id = WEFT_STR("k1") };
	uint8_t bytes[1024], der[1024];
	const char *token, *dot, *second;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	weft_json_doc *doc;
	weft_str value;
	size_t n;

	pem_of(pkey, &text);
	cr_assert_eq(weft__oauth_key_read(weft__secret_text(&text), &client.key, NULL), 0);
	cr_assert_str_eq(weft__oauth_key_algorithm(client.key), algorithm);
	cr_assert_eq(ask_as(&client, WEFT__OAUTH_BY_KEY), 0);
	token = strstr(form.at, "client_assertion=");
	cr_assert_not_null(strstr(form.at, "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"));
	token += strlen("client_assertion=");
	dot = strchr(token, '.');
	second = strchr(dot + 1, '.');
	n = decode(token, (size_t)(dot - token), bytes);
	cr_assert_eq(weft_json_parse((weft_str){ (char *)bytes, n }, &doc, NULL), 0);
	cr_assert(weft_json_get_str(weft_json_find(weft_json_root(doc), WEFT_STR("alg")), &value) && weft_str_eq(value, weft_str_from(algorithm)));
	weft_json_release(doc);
	n = decode(dot + 1, (size_t)(second - dot - 1), bytes);
	cr_assert_eq(weft_json_parse((weft_str){ (char *)bytes, n }, &doc, NULL), 0);
	cr_assert(weft_json_get_str(weft_json_find(weft_json_root(doc), WEFT_STR("aud")), &value) && weft_str_eq(value, WEFT_STR("https://a")));
	weft_json_release(doc);
	n = decode(second + 1, strlen(second + 1), bytes);
	if (pair_len) {
		cr_assert_eq(n, pair_len);
		n = der_of(bytes, n, der);
	} else {
		memcpy(der, bytes, n);
	}
	cr_assert_eq(EVP_DigestVerifyInit(ctx, NULL, hash, NULL, pkey), 1);
	cr_assert_eq(EVP_DigestVerify(ctx, der, n, (const uint8_t *)token, (size_t)(second - token)), 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	weft__oauth_key_free(client.key);
	weft__secret_fini(&text);
}

Test(request, as__one_with_a_key)
{
	expect_signed(EVP_EC_gen("P-256"), "ES256", 64, EVP_sha256());
	expect_signed(EVP_EC_gen("P-384"), "ES384", 96, EVP_sha384());
	expect_signed(EVP_RSA_gen(2048), "RS256", 0, EVP_sha256());
}

Test(request, key__that_is_none)
{
	struct weft__oauth_key *key;
	weft_error err;
	EVP_PKEY *small = EVP_EC_gen("secp224r1");

	cr_assert_eq(weft__oauth_key_read(WEFT_STR("nothing"), &key, &err), -EINVAL);
	pem_of(small, &text);
	cr_assert_eq(weft__oauth_key_read(weft__secret_text(&text), &key, &err), -EINVAL);
	EVP_PKEY_free(small);
	weft__oauth_key_free(NULL);
}

Test(request, registration__a_document)
{
	weft_json_doc *doc;
	weft_str value;

	server.ways = WEFT__OAUTH_BY_BASIC | WEFT__OAUTH_BY_NONE;
	cr_assert_eq(weft__oauth_ask_registration(&server, WEFT_STR("a \"name\""), WEFT_STR("http://127.0.0.1:7/c"), WEFT_STR("a b"), &text), 0);
	cr_assert_str_eq(text.at, "{\"client_name\":\"a \\\"name\\\"\",\"redirect_uris\":[\"http://127.0.0.1:7/c\"],"
	                          "\"grant_types\":[\"authorization_code\",\"refresh_token\"],\"response_types\":[\"code\"],"
	                          "\"token_endpoint_auth_method\":\"none\",\"scope\":\"a b\"}");
	weft__secret_fini(&text);
	server.ways = WEFT__OAUTH_BY_POST;
	cr_assert_eq(weft__oauth_ask_registration(&server, WEFT_STR("n"), WEFT_STR("r"), WEFT_STR(""), &text), 0);
	cr_assert_eq(weft_json_parse(weft__secret_text(&text), &doc, NULL), 0);
	cr_assert(weft_json_get_str(weft_json_find(weft_json_root(doc), WEFT_STR("token_endpoint_auth_method")), &value));
	cr_assert(weft_str_eq(value, WEFT_STR("client_secret_post")));
	cr_assert_eq(weft_json_typeof(weft_json_find(weft_json_root(doc), WEFT_STR("scope"))), WEFT_JSON_NONE);
	weft_json_release(doc);
}
