/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions of TLS, both ends in this test and the wire between them two buffers: what is refused and in which words,
 * resumption, the end told from a cut, pauses, and any split of the bytes.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/tls/openssl.h"
#include "tests/support/authority.h"
#include "tests/support/folder.h"
#include "tests/support/seed.h"

struct bytes {
	uint8_t *at;
	size_t len;
};

static void bytes_add(struct bytes *b, const void *more, size_t len)
{
	b->at = realloc(b->at, b->len + len + 1);
	memcpy(b->at + b->len, more, len);
	b->len += len;
}

static void bytes_take(struct bytes *b, size_t len)
{
	memmove(b->at, b->at + len, b->len - len);
	b->len -= len;
}

struct side {
	struct weft__tls *tls;
	struct bytes sent; /* ciphertext on its way to the other */
	struct bytes got;  /* plaintext */
	int status, out_fails, data_calls;
	bool open, mute, pause;
};

static void on_open(void *user)
{
	((struct side *)user)->open = true;
}

static void on_data(const uint8_t *bytes, size_t len, void *user)
{
	struct side *s = user;

	s->data_calls++;
	bytes_add(&s->got, bytes, len);
	if (s->mute)
		weft__tls_mute(s->tls);
	if (s->pause)
		weft__tls_pause(s->tls, true);
}

static int on_out(const uint8_t *bytes, size_t len, void *user)
{
	struct side *s = user;

	if (s->out_fails)
		return s->out_fails;
	bytes_add(&s->sent, bytes, len);
	return 0;
}

static const struct weft__tls_fns fns = {.open = on_open, .data = on_data, .out = on_out};

static char folder[256];
static struct test_identity root, other_root, host;

static void setup(void)
{
	test_folder(folder);
	test_identity_make(&root, &(struct test_identity_options){.name = "root"}, folder);
	test_identity_make(&other_root, &(struct test_identity_options){.name = "other-root"}, folder);
	test_identity_make(
	        &host,
	        &(struct test_identity_options){.name = "host",
	                                        .issuer = &root,
	                                        .names = "DNS:a.example,DNS:*.b.example,IP:127.0.0.1,IP:::1"},
	        folder);
}

static void teardown(void)
{
	test_identity_drop(&root);
	test_identity_drop(&other_root);
	test_identity_drop(&host);
	test_folder_remove(folder);
}

TestSuite(tls, .init = setup, .fini = teardown);

struct pair {
	struct side client, server;
	struct weft__tls_context *client_context, *server_context;
	uint64_t seed;
	uint32_t piece_max; /* 0: all there is */
};

static struct weft__tls_context *server_of(const struct test_identity *id)
{
	struct weft__tls_context *c = NULL;
	weft_error err = {0};

	cr_assert_eq(weft__tls_context_server(id->cert_file, id->key_file, &c, &err), 0, "%s", err.message);
	return c;
}

static struct weft__tls_context *client_of(const char *ca_file, bool insecure)
{
	struct weft__tls_context *c = NULL;
	weft_error err = {0};

	cr_assert_eq(weft__tls_context_client(
	                     &(struct weft__tls_beliefs){.ca_file = ca_file, .insecure = insecure}, &c, &err),
	             0, "%s", err.message);
	return c;
}

/* Takes the references. */
static void pair_open(struct pair *p, struct weft__tls_context *client, struct weft__tls_context *server,
                      const char *name, struct weft__tls_tickets *tickets)
{
	p->client_context = client;
	p->server_context = server;
	cr_assert_eq(weft__tls_create(&(struct weft__tls_options){.context = client,
	                                                          .host = name,
	                                                          .tickets = tickets,
	                                                          .fns = &fns,
	                                                          .user = &p->client},
	                              &p->client.tls),
	             0);
	cr_assert_eq(weft__tls_create(
	                     &(struct weft__tls_options){.context = server, .fns = &fns, .user = &p->server},
	                     &p->server.tls),
	             0);
	p->client.status = weft__tls_start(p->client.tls);
}

static void side_close(struct side *s)
{
	weft__tls_destroy(s->tls);
	free(s->sent.at);
	free(s->got.at);
}

static void pair_close(struct pair *p)
{
	side_close(&p->client);
	side_close(&p->server);
	weft__tls_context_unref(p->client_context);
	weft__tls_context_unref(p->server_context);
}

/* Some of what one has sent reaches the other, in memory of its own, so that a sanitizer sees who keeps it. */
static void carry(struct pair *p, struct side *from, struct side *to)
{
	size_t n = p->piece_max ? 1 + test_below(&p->seed, p->piece_max) : from->sent.len;
	uint8_t *piece;
	int r;

	n = n < from->sent.len ? n : from->sent.len;
	if (n == 0)
		return;
	piece = malloc(n);
	memcpy(piece, from->sent.at, n);
	bytes_take(&from->sent, n);
	r = weft__tls_feed(to->tls, piece, n);
	if (to->status == 0)
		to->status = r;
	free(piece);
}

static void run(struct pair *p)
{
	while (p->client.sent.len || p->server.sent.len) {
		carry(p, &p->client, &p->server);
		carry(p, &p->server, &p->client);
	}
}

/* A whole connection to a host with that certificate; what came of it. */
static struct pair *meet(const char *ca_file, bool insecure, const struct test_identity *id, const char *name)
{
	struct pair *p = calloc(1, sizeof(*p));

	pair_open(p, client_of(ca_file, insecure), server_of(id), name, NULL);
	run(p);
	return p;
}

static void part(struct pair *p)
{
	pair_close(p);
	free(p);
}

static void refused(struct pair *p, int code, const char *words)
{
	const char *why = weft__tls_why(p->client.tls);

	cr_expect_not(p->client.open, "%s", words);
	cr_expect_eq(p->client.status, code, "%s: %d", words, p->client.status);
	cr_expect(strstr(why, words), "expected '%s', got '%s'", words, why);
	cr_expect_eq(weft__tls_feed(p->client.tls, (const uint8_t *)"x", 1), code,
	             "a failed session stays failed");
	cr_expect_eq(weft__tls_send(p->client.tls, "x", 1), code);
	part(p);
}

/* ---- who is believed -------------------------------------------------------------------------------- */

Test(tls, accepts_names_wildcards_and_addresses_of_the_certificate)
{
	static const char *const names[] = {"a.example",   "A.EXAMPLE", "a.example.",
	                                    "x.b.example", "127.0.0.1", "::1"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct pair *p = meet(root.cert_file, false, &host, names[i]);

		cr_expect_eq(p->client.status, 0, "%s: %s", names[i], weft__tls_why(p->client.tls));
		cr_expect(p->client.open && p->server.open, "%s", names[i]);
		cr_expect_str_eq(weft__tls_version(p->client.tls), "TLSv1.3");
		part(p);
	}
}

Test(tls, refuses_another_host_and_says_whose_certificate_it_is)
{
	refused(meet(root.cert_file, false, &host, "c.example"), WEFT_ECERT,
	        "c.example: the certificate is for a.example, *.b.example");
	refused(meet(root.cert_file, false, &host, "b.example"), WEFT_ECERT,
	        "b.example: the certificate is for a.example");
	refused(meet(root.cert_file, false, &host, "x.y.b.example"), WEFT_ECERT,
	        "x.y.b.example: the certificate is for");
	refused(meet(root.cert_file, false, &host, "127.0.0.2"), WEFT_ECERT,
	        "127.0.0.2: the certificate is for a.example");
}

static struct test_identity make(const char *name, const struct test_identity *issuer, long from_s,
                                 long until_s)
{
	struct test_identity id;

	test_identity_make(&id,
	                   &(struct test_identity_options){.name = name,
	                                                   .names = "DNS:a.example",
	                                                   .issuer = issuer,
	                                                   .from_s = from_s,
	                                                   .until_s = until_s},
	                   folder);
	return id;
}

Test(tls, refuses_what_is_over_or_has_not_begun)
{
	struct test_identity old = make("old", &root, -7200, -3600), early = make("early", &root, 3600, 7200);

	refused(meet(root.cert_file, false, &old, "a.example"), WEFT_ECERT,
	        "a.example: the certificate expired on 2");
	refused(meet(root.cert_file, false, &early, "a.example"), WEFT_ECERT,
	        "a.example: the certificate is not valid before 2");
	test_identity_drop(&old);
	test_identity_drop(&early);
}

Test(tls, refuses_the_self_signed_and_unknown_authorities)
{
	struct test_identity alone = make("alone", NULL, 0, 0), strange = make("strange", &other_root, 0, 0);

	refused(meet(root.cert_file, false, &alone, "a.example"), WEFT_ECERT,
	        "a.example: the certificate is self-signed");
	refused(meet(root.cert_file, false, &strange, "a.example"), WEFT_ECERT,
	        "issued by 'other-root', which is not trusted here");
	refused(meet(NULL, false, &host, "a.example"), WEFT_ECERT,
	        "issued by 'root', which is not trusted here");
	test_identity_drop(&alone);
	test_identity_drop(&strange);
}

Test(tls, insecure_believes_anybody)
{
	struct test_identity alone = make("alone", NULL, -7200, -3600);
	struct pair *p = meet(NULL, true, &alone, "somewhere.else");

	cr_expect(p->client.open);
	part(p);
	test_identity_drop(&alone);
}

/* ---- which protocol --------------------------------------------------------------------------------- */

static struct weft__tls_context *old_server(int version)
{
	struct weft__tls_context *c = server_of(&host);

	SSL_CTX_set_min_proto_version(c->ssl_ctx, version);
	SSL_CTX_set_max_proto_version(c->ssl_ctx, version);
	SSL_CTX_set_cipher_list(c->ssl_ctx, "ALL:@SECLEVEL=0");
	return c;
}

Test(tls, refuses_a_server_of_tls_1_1)
{
	struct pair *p = calloc(1, sizeof(*p));

	pair_open(p, client_of(root.cert_file, false), old_server(TLS1_1_VERSION), "a.example", NULL);
	run(p);
	refused(p, WEFT_ETLS, "a.example: TLS failed: the peer speaks neither TLS 1.2 nor TLS 1.3");
}

Test(tls, refuses_what_is_not_tls)
{
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	struct pair *p = calloc(1, sizeof(*p));

	pair_open(p, client_of(root.cert_file, false), server_of(&host), "a.example", NULL);
	p->client.status = weft__tls_feed(p->client.tls, (const uint8_t *)answer, sizeof(answer) - 1);
	refused(p, WEFT_ETLS, "what came is not TLS");
}

Test(tls, a_server_that_asks_to_begin_again_is_refused)
{
	struct pair *p = calloc(1, sizeof(*p));

	pair_open(p, client_of(root.cert_file, false), old_server(TLS1_2_VERSION), "a.example", NULL);
	run(p);
	cr_assert(p->client.open);
	SSL_clear_options(p->server.tls->ssl, SSL_OP_NO_RENEGOTIATION);
	SSL_renegotiate(p->server.tls->ssl);
	SSL_do_handshake(p->server.tls->ssl);
	run(p);
	weft__tls_send(p->server.tls, "secret", 6);
	run(p);
	cr_expect_eq(SSL_num_renegotiations(p->client.tls->ssl), 0);
	part(p);
}

/* ---- bytes ---------------------------------------------------------------------------------------------- */

Test(tls, bytes_arrive_whole_and_in_order_however_they_are_split)
{
	uint64_t seed = test_seed("tls splits");

	for (int round = 0; round < 40; round++) {
		struct pair *p = calloc(1, sizeof(*p));
		size_t len = test_below(&seed, 70000);
		uint8_t *text = malloc(len + 1);

		for (size_t i = 0; i < len; i++)
			text[i] = (uint8_t)test_random(&seed);
		p->piece_max = round < 3 ? 1 : 1 + test_below(&seed, 20000);
		p->seed = seed;
		pair_open(p, client_of(root.cert_file, false), server_of(&host), "a.example", NULL);
		cr_expect_eq(weft__tls_send(p->client.tls, text, len), -EPIPE, "not open yet");
		run(p);
		cr_assert(p->client.open && p->server.open);
		cr_expect_eq(weft__tls_send(p->client.tls, text, len), 0);
		cr_expect_eq(weft__tls_send(p->server.tls, text, len / 2), 0);
		run(p);
		cr_expect(p->server.got.len == len && memcmp(p->server.got.at, text, len) == 0);
		cr_expect(p->client.got.len == len / 2 &&
		          (len < 2 || memcmp(p->client.got.at, text, len / 2) == 0));
		free(text);
		part(p);
	}
}

Test(tls, an_end_is_told_from_a_cut)
{
	struct pair *p = meet(root.cert_file, false, &host, "a.example");

	weft__tls_send(p->server.tls, "half", 4);
	run(p);
	cr_expect_not(weft__tls_ended(p->client.tls));
	weft__tls_finish(p->server.tls);
	weft__tls_finish(p->server.tls);
	run(p);
	cr_expect(weft__tls_ended(p->client.tls));
	cr_expect_eq(p->client.status, 0);
	cr_expect_eq(weft__tls_send(p->server.tls, "more", 4), -EPIPE);
	part(p);
}

Test(tls, a_changed_byte_is_an_error)
{
	struct pair *p = meet(root.cert_file, false, &host, "a.example");

	weft__tls_send(p->server.tls, "something", 9);
	p->server.sent.at[p->server.sent.len - 1] ^= 1;
	run(p);
	cr_expect_eq(p->client.status, WEFT_ETLS);
	cr_expect_eq(p->client.got.len, 0u);
	cr_expect(strstr(weft__tls_why(p->client.tls), "a.example: TLS failed"), "%s",
	          weft__tls_why(p->client.tls));
	part(p);
}

Test(tls, nothing_is_given_while_paused_and_all_of_it_after)
{
	struct pair *p = meet(root.cert_file, false, &host, "a.example");
	char text[50000];

	memset(text, 'x', sizeof(text));
	p->client.pause = true;
	weft__tls_send(p->server.tls, text, sizeof(text));
	run(p);
	cr_expect_eq(p->client.data_calls, 1, "it paused in the first");
	weft__tls_send(p->server.tls, "the end", 7);
	run(p);
	cr_expect_eq(p->client.data_calls, 1);
	p->client.pause = false;
	cr_expect_eq(weft__tls_pause(p->client.tls, false), 0);
	cr_expect_eq(p->client.got.len, sizeof(text) + 7);
	cr_expect(memcmp(p->client.got.at + sizeof(text), "the end", 7) == 0);
	part(p);
}

Test(tls, a_muted_session_calls_nobody)
{
	struct pair *p = meet(root.cert_file, false, &host, "a.example");
	char text[50000];

	memset(text, 'x', sizeof(text));
	p->client.mute = true;
	weft__tls_send(p->server.tls, text, sizeof(text));
	run(p);
	cr_expect_eq(p->client.data_calls, 1, "muted in the first");
	part(p);
}

Test(tls, a_wire_that_takes_no_more_ends_the_session_with_its_reason)
{
	struct pair *p = meet(root.cert_file, false, &host, "a.example");

	p->client.out_fails = -ENOBUFS;
	cr_expect_eq(weft__tls_send(p->client.tls, "x", 1), -ENOBUFS);
	cr_expect(strstr(weft__tls_why(p->client.tls), "a.example: "), "%s", weft__tls_why(p->client.tls));
	part(p);
}

/* ---- resumption ------------------------------------------------------------------------------------------ */

/* One after the other, each cut without a word, as connections end: the second and third need no certificate. */
static void resume(int version)
{
	struct weft__tls_tickets tickets = {.count = 0};
	struct weft__tls_context *client = client_of(root.cert_file, false), *server = server_of(&host);

	SSL_CTX_set_max_proto_version(server->ssl_ctx, version);
	for (int i = 0; i < 3; i++) {
		struct pair p = {.seed = 0};

		pair_open(&p, weft__tls_context_ref(client), weft__tls_context_ref(server), "a.example",
		          &tickets);
		run(&p);
		cr_assert(p.client.open);
		cr_expect_eq(weft__tls_resumed(p.client.tls), i > 0, "connection %d", i);
		weft__tls_send(p.server.tls, "x", 1);
		run(&p);
		cr_expect_eq(p.client.got.len, 1u);
		cr_expect(tickets.count > 0 && tickets.count <= WEFT__TLS_TICKETS);
		pair_close(&p);
	}
	weft__tls_tickets_clear(&tickets);
	weft__tls_context_unref(client);
	weft__tls_context_unref(server);
}

Test(tls, a_connection_that_was_cut_can_be_resumed)
{
	resume(TLS1_2_VERSION);
	resume(TLS1_3_VERSION);
}

Test(tls, a_ticket_that_the_server_no_longer_knows_is_a_full_handshake)
{
	struct weft__tls_tickets tickets = {.count = 0};

	for (int i = 0; i < 2; i++) {
		struct pair p = {.seed = 0};

		pair_open(&p, client_of(root.cert_file, false), server_of(&host), "a.example", &tickets);
		run(&p);
		cr_expect(p.client.open);
		cr_expect_not(weft__tls_resumed(p.client.tls), "each server has keys of its own");
		pair_close(&p);
	}
	weft__tls_tickets_clear(&tickets);
}

/* ---- contexts -------------------------------------------------------------------------------------------- */

Test(tls, contexts_are_shared_while_they_are_used)
{
	struct weft__tls_beliefs beliefs = {.ca_file = root.cert_file};
	struct weft__tls_context *a, *b;

	cr_expect_null(weft__tls_context_find(&beliefs), "nobody has it yet");
	a = client_of(root.cert_file, false);
	b = weft__tls_context_find(&beliefs);
	cr_expect_eq(a, b);
	weft__tls_context_unref(b);
	b = client_of(root.cert_file, true);
	cr_expect_neq(a, b, "insecure is another belief");
	weft__tls_context_unref(b);
	test_identity_write(&other_root, &(struct test_identity_options){.name = "root"}, folder);
	cr_expect_null(weft__tls_context_find(&beliefs), "the file was replaced");
	weft__tls_context_unref(a);
	weft__tls_context_unref(NULL);
}

Test(tls, files_that_are_missing_or_none_are_named)
{
	struct weft__tls_context *c = NULL;
	weft_error err = {0};
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/none.pem", folder);
	cr_expect_eq(weft__tls_context_client(&(struct weft__tls_beliefs){.ca_file = path}, &c, &err),
	             -ENOENT);
	cr_expect(strstr(err.message, path), "%s", err.message);
	file = fopen(path, "w");
	fputs("no certificate\n", file);
	fclose(file);
	cr_expect_eq(weft__tls_context_client(&(struct weft__tls_beliefs){.ca_file = path}, &c, &err),
	             -EINVAL);
	cr_expect(strstr(err.message, path), "%s", err.message);
	cr_expect_eq(weft__tls_context_server(path, host.key_file, &c, &err), -EINVAL);
	cr_expect_eq(weft__tls_context_server(host.cert_file, root.key_file, &c, &err), -EINVAL,
	             "the key of another");
	cr_expect_null(c);
}

/* Its authorities come through a pipe: it stands there, with the locks of who makes a context. */
static void *make_slowly(void *pipe)
{
	struct weft__tls_context *c = NULL;
	weft_error err;

	return weft__tls_context_client(&(struct weft__tls_beliefs){.ca_file = pipe}, &c, &err) == -EINVAL ? pipe : NULL;
}

static bool in_child;

/* A leak checker would miss the threads that held what they hold. */
static void end_child(void)
{
	if (in_child)
		_exit(0);
}

static void use_in_child(void)
{
	in_child = true;
	alarm(100); /* ends a child that hangs */
	weft__tls_context_unref(client_of(root.cert_file, false));
	exit(0); /* waits for those who are in OpenSSL: nobody */
}

Test(tls, a_child_uses_contexts_and_ends_whoever_made_one_at_fork, .timeout = 120)
{
	char pipe[300];
	pthread_t thread;
	void *right = NULL;
	int fd, status = -1;
	pid_t pid;

	atexit(end_child); /* before the library's handler is there, so after it in the end */
	snprintf(pipe, sizeof(pipe), "%s/pipe.pem", folder);
	cr_assert_eq(mkfifo(pipe, 0600), 0);
	cr_assert_eq(pthread_create(&thread, NULL, make_slowly, pipe), 0);
	fd = open(pipe, O_WRONLY | O_CLOEXEC); /* returns when the thread has opened it */
	pid = fork();
	if (pid == 0)
		use_in_child();
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
	close(fd);
	pthread_join(thread, &right);
	cr_expect_eq(right, pipe);
}
