/* SPDX-License-Identifier: Apache-2.0 */
/*
 * https and proxies: the client against a server whose TLS is OpenSSL's own, over blocking sockets, and
 * against a proxy of the test's. Certificates are made for the test. Which certificates are refused in which
 * words: test_tls.c.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <poll.h>

#include <openssl/ssl.h>

#include "net/dns/resolver.h"
#include "runtime/base/log.h"
#include "tests/support/authority.h"
#include "tests/support/folder.h"
#include "tests/support/http_asker.h"
#include "tests/support/leap.h"
#include "tests/support/peer.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static struct weft__loop *loop;
static struct peer *peer, *proxy;
static char folder[256], url[128], proxy_url[128];
static struct test_identity root, host;
static SSL_CTX *server_ctx;

/* Every name is this machine. */
static int source(const char *name, struct weft__address *ret, uint32_t max, void *user)
{
	(void)name;
	(void)max;
	(void)user;
	weft__address_parse(WEFT_STR("127.0.0.1"), &ret[0]);
	return 1;
}

static void setup(void)
{
	weft__dns_source_set(source, NULL);
	test_folder(folder);
	test_identity_make(&root, &(struct test_identity_options){.name = "root"}, folder);
	test_identity_make(
	        &host,
	        &(struct test_identity_options){
	                .name = "host", .issuer = &root, .names = "DNS:a.example,DNS:b.example,IP:127.0.0.1"},
	        folder);
	server_ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(server_ctx, host.cert);
	SSL_CTX_use_PrivateKey(server_ctx, host.key);
	loop = test_loop();
}

static void teardown(void)
{
	asker_all_ended(loop);
	weft__loop_close(loop);
	if (peer)
		peer_stop(peer);
	if (proxy)
		peer_stop(proxy);
	SSL_CTX_free(server_ctx);
	test_identity_drop(&root);
	test_identity_drop(&host);
	test_folder_remove(folder);
}

TestSuite(http_tls, .init = setup, .fini = teardown, .timeout = 120);

/* ---- the server ---------------------------------------------------------------------------------------- */

/* A request without a body, by bytes. */
static bool tls_request(SSL *ssl)
{
	char buf[4096];
	size_t len = 0;

	while (len + 1 < sizeof(buf)) {
		if (SSL_read(ssl, buf + len, 1) != 1)
			return false;
		len++;
		if (len >= 4 && memcmp(buf + len - 4, "\r\n\r\n", 4) == 0)
			return true;
	}
	return false;
}

/* What the test's server says to each request. */
static const char *answer = HELLO;
static bool end_properly;

static void serve_tls(int fd, int number, void *user)
{
	SSL *ssl = SSL_new(server_ctx);

	(void)number;
	(void)user;
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		while (tls_request(ssl)) {
			SSL_write(ssl, answer, (int)strlen(answer));
			if (!strstr(answer, "Content-Length"))
				break;
		}
		if (end_properly)
			SSL_shutdown(ssl);
	}
	SSL_free(ssl);
}

static void serve(void)
{
	peer = peer_start(serve_tls, NULL);
	snprintf(url, sizeof(url), "https://a.example:%u/", peer->port);
}

static struct weft__http_request get(void)
{
	return (struct weft__http_request){.method = WEFT_STR("GET"),
	                                   .url = weft_str_from(url),
	                                   .ca_file = root.cert_file,
	                                   .flags = WEFT__HTTP_NO_PROXY};
}

static struct weft__http_counts counts_now(void)
{
	struct weft__http_counts c;

	weft__http_counts(loop, &c);
	return c;
}

/*
 * ---- https
 * ---------------------------------------------------------------------------------------------------
 */

Test(http_tls, a_secure_call_and_another_on_the_same_connection)
{
	struct asker a = {.done = 0};
	struct weft__http_request req;

	serve();
	req = get();
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(asker_run(loop, &a, &req), 0, "%s", a.call.error.message);
		cr_expect_str_eq(a.body, "hello");
		cr_expect_eq(a.call.reused, i > 0);
		asker_clear(&a);
	}
	cr_expect_eq(counts_now().opened, 1u);
}

/* Each answer's end and the connection's come in one piece; what done starts must not go onto it. (TCP_CORK holds for 200 ms only.) */
static void start_post(struct asker *a)
{
	struct weft__http_request req = get();

	req.method = WEFT_STR("POST");
	req.body = WEFT_STR("not to be sent twice");
	cr_assert_eq(asker_start(loop, a + 1, &req), 0);
}

static void serve_tls_once(int fd, int number, void *user)
{
	SSL *ssl = SSL_new(server_ctx);
	char *bytes;
	long len;

	(void)number;
	(void)user;
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1 && tls_request(ssl)) {
		SSL_set0_wbio(ssl, BIO_new(BIO_s_mem()));
		SSL_write(ssl, HELLO, (int)strlen(HELLO));
		SSL_shutdown(ssl);
		len = BIO_get_mem_data(SSL_get_wbio(ssl), &bytes);
		peer_send_bytes(fd, bytes, (size_t)len);
		peer_wait_closed(fd);
	}
	SSL_free(ssl);
}

Test(http_tls, a_session_whose_end_has_come_already_is_not_used_again)
{
	struct asker a[2] = {{.then = start_post}};
	struct weft__http_request req;

	peer = peer_start(serve_tls_once, NULL);
	snprintf(url, sizeof(url), "https://a.example:%u/", peer->port);
	req = get();
	cr_assert_eq(asker_start(loop, &a[0], &req), 0);
	test_turn(loop, &a[0].done, 1);
	test_turn(loop, &a[1].done, 1);
	cr_expect_eq(a[0].status, 0, "%s", a[0].call.error.message);
	cr_expect_eq(a[1].status, 0, "%s", a[1].call.error.message);
	cr_expect_not(a[1].call.reused);
	asker_clear(&a[0]);
	asker_clear(&a[1]);
}

static void refused(struct weft__http_request req, int status, const char *words)
{
	struct asker a = {.done = 0};

	cr_assert_eq(asker_start(loop, &a, &req), 0, "%s", a.call.error.message);
	while (!a.done)
		weft__loop_wait(loop, 50 * TEST_MS);
	cr_expect_eq(a.status, status, "%s: %d", words, a.status);
	cr_expect(strstr(a.call.error.message, words), "expected '%s', got '%s'", words,
	          a.call.error.message);
	cr_expect_not(a.call.sent, "nothing was told to a stranger");
	asker_clear(&a);
}

Test(http_tls, who_is_not_believed_is_told_nothing)
{
	struct weft__http_request req;
	char missing[300];

	serve();
	req = get();
	req.ca_file = NULL;
	refused(req, WEFT_ECERT, "issued by 'root', which is not trusted here");
	req = get();
	snprintf(url, sizeof(url), "https://c.example:%u/", peer->port);
	req.url = weft_str_from(url);
	refused(req, WEFT_ECERT, "c.example: the certificate is for a.example, b.example");
	req = get();
	snprintf(missing, sizeof(missing), "%s/none.pem", folder);
	req.ca_file = missing;
	refused(req, -ENOENT, missing);
}

static char logged[512];

static void on_log(weft_log_level level, const char *line, void *user)
{
	(void)level;
	(void)user;
	snprintf(logged, sizeof(logged), "%s", line);
}

Test(http_tls, insecure_is_another_origin_and_logged)
{
	struct weft__log log = {.level = WEFT_LOG_INFO, .fn = on_log};
	struct asker a = {.done = 0};
	struct weft__http_request req;

	serve();
	req = get();
	req.ca_file = NULL;
	req.flags |= WEFT__HTTP_INSECURE;
	weft__loop_set_log(loop, &log);
	cr_expect_eq(asker_run(loop, &a, &req), 0, "%s", a.call.error.message);
	asker_clear(&a);
	cr_expect_eq(counts_now().idle, 1u);
	cr_expect(strstr(logged, "a.example:") && strstr(logged, "its certificate is not checked (insecure)"),
	          "%s", logged);
	req.flags &= ~WEFT__HTTP_INSECURE;
	refused(req, WEFT_ECERT, "not trusted here");
	asker_all_ended(loop);
	weft__loop_close(loop); /* before the log goes */
	loop = test_loop();
}

Test(http_tls, sessions_are_resumed)
{
	struct asker a = {.done = 0};
	struct weft__http_request req;

	serve();
	req = get();
	req.flags |= WEFT__HTTP_FRESH;
	for (int i = 0; i < 4; i++) {
		cr_expect_eq(asker_run(loop, &a, &req), 0, "%s", a.call.error.message);
		asker_clear(&a);
	}
	cr_expect_eq(counts_now().opened, 4u);
	cr_expect_eq(counts_now().resumed, 3u);
}

Test(http_tls, a_body_that_ends_with_the_connection_needs_its_proper_end)
{
	struct asker a = {.done = 0};
	struct weft__http_request req;

	answer = "HTTP/1.1 200 OK\r\n\r\nall of it, or is it?";
	serve();
	req = get();
	cr_expect_eq(asker_run(loop, &a, &req), -ECONNRESET);
	cr_expect(strstr(a.call.error.message, "the connection was cut"), "%s", a.call.error.message);
	asker_clear(&a);
	peer_stop(peer);
	end_properly = true;
	serve();
	req = get();
	cr_expect_eq(asker_run(loop, &a, &req), 0, "%s", a.call.error.message);
	cr_expect_str_eq(a.body, "all of it, or is it?");
	asker_clear(&a);
}

static void plain_http(int fd, int number, void *user)
{
	char buf[4096];

	(void)number;
	(void)user;
	recv(fd, buf, sizeof(buf), 0);
	peer_send(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

Test(http_tls, a_server_without_tls_is_told_so)
{
	struct weft__http_request req;

	peer = peer_start(plain_http, NULL);
	snprintf(url, sizeof(url), "https://a.example:%u/", peer->port);
	req = get();
	refused(req, WEFT_ETLS, "what came is not TLS");
}

/* The client has begun its handshake, and an hour goes by. */
static void silent(int fd, int number, void *user)
{
	char byte;

	(void)number;
	(void)user;
	recv(fd, &byte, 1, MSG_PEEK);
	test_leap(TEST_HOUR);
	peer_wait_closed(fd);
}

static void hello_and_nothing(int fd, int number, void *user)
{
	char buf[16];

	(void)number;
	(void)user;
	recv(fd, buf, sizeof(buf), 0);
}

Test(http_tls, a_handshake_that_hangs_is_timed_out_and_one_that_is_cut_told)
{
	struct weft__http_request req;

	test_leaps();
	peer = peer_start(silent, NULL);
	snprintf(url, sizeof(url), "https://a.example:%u/", peer->port);
	req = get();
	req.connect_ns = TEST_HOUR;
	refused(req, -ETIMEDOUT, "(shook hands to the last)");
	peer_stop(peer);
	peer = peer_start(hello_and_nothing, NULL);
	snprintf(url, sizeof(url), "https://a.example:%u/", peer->port);
	req = get();
	refused(req, -ECONNRESET, "a.example:");
}

/* Many at once: the certificates are read once, and all calls wait for that. */
Test(http_tls, calls_that_begin_together)
{
	enum { N = 20 };
	struct asker a[N] = {{.done = 0}};
	struct weft__http_request req;

	serve();
	req = get();
	for (int i = 0; i < N; i++)
		cr_assert_eq(asker_start(loop, &a[i], &req), 0);
	weft__http_cancel(&a[3].call);
	for (int i = 0; i < N; i++) {
		test_turn(loop, &a[i].done, 1);
		cr_expect_eq(a[i].status, i == 3 ? -ECANCELED : 0, "%s", a[i].call.error.message);
		asker_clear(&a[i]);
	}
}

Test(http_tls, the_loop_may_end_while_certificates_are_read)
{
	struct asker a = {.done = 0};
	struct weft__http_request req = {.method = WEFT_STR("GET"), .url = WEFT_STR("https://127.0.0.1:1/")};

	cr_assert_eq(asker_start(loop, &a, &req), 0);
	weft__loop_close(loop);
	cr_expect_eq(a.done, 1);
	cr_expect_eq(a.status, -ECANCELED);
	loop = test_loop();
}

Test(http_tls, a_paused_secure_call_goes_on_where_it_was)
{
	static char long_answer[200000];
	struct asker a = {.pause_in_body = true};
	struct weft__http_request req;

	memset(long_answer, 'x', sizeof(long_answer) - 1);
	memcpy(long_answer, "HTTP/1.1 200 OK\r\n\r\n", 19);
	answer = long_answer;
	end_properly = true;
	serve();
	req = get();
	cr_assert_eq(asker_start(loop, &a, &req), 0);
	while (!a.done) {
		size_t before = a.len;

		test_settle(loop);
		if (a.len > before && !a.done) {
			before = a.len;
			test_settle(loop);
			cr_expect_eq(a.len, before, "nothing while paused");
		}
		weft__http_pause(&a.call, false);
	}
	cr_expect_eq(a.status, 0, "%s", a.call.error.message);
	cr_expect_eq(a.len, sizeof(long_answer) - 1 - 19);
	asker_clear(&a);
}

/*
 * ---- proxies
 * ----------------------------------------------------------------------------------------------------
 */

static pthread_mutex_t asked_lock = PTHREAD_MUTEX_INITIALIZER;
static char asked[4096]; /* the last request of a proxy's */

/* A copy, until the next one. */
static const char *what_was_asked(void)
{
	static char text[sizeof(asked)];

	pthread_mutex_lock(&asked_lock);
	memcpy(text, asked, sizeof(text));
	pthread_mutex_unlock(&asked_lock);
	return text;
}

static void carry_bytes(int a, int b)
{
	struct pollfd fds[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
	char buf[4096];

	while (poll(fds, 2, -1) > 0) {
		for (int i = 0; i < 2; i++) {
			ssize_t n = fds[i].revents ? recv(fds[i].fd, buf, sizeof(buf), 0) : 1;

			if (n <= 0)
				return;
			if (fds[i].revents && !peer_send_bytes(fds[!i].fd, buf, (size_t)n))
				return;
		}
	}
}

/* Connects to this machine whatever the name; or says to every request what the test wants. Under asked_lock. */
static const char *refuse_with;

static const char *refusal(void)
{
	const char *text;

	pthread_mutex_lock(&asked_lock);
	text = refuse_with;
	pthread_mutex_unlock(&asked_lock);
	return text;
}

static void refuse(const char *text)
{
	pthread_mutex_lock(&asked_lock);
	refuse_with = text;
	pthread_mutex_unlock(&asked_lock);
}

static void serve_proxy(int fd, int number, void *user)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char text[sizeof(asked)];
	int to;

	(void)number;
	(void)user;
	while (peer_request(fd, text, sizeof(text)) > 0) {
		pthread_mutex_lock(&asked_lock);
		memcpy(asked, text, sizeof(asked));
		pthread_mutex_unlock(&asked_lock);
		if (refusal()) {
			peer_send(fd, refusal());
			return;
		}
		if (strncmp(text, "CONNECT ", 8) != 0) {
			if (!peer_send(fd, HELLO))
				return;
			continue;
		}
		at.sin_port = htons((uint16_t)atoi(strchr(text, ':') + 1));
		to = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(to, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		    peer_send(fd, "HTTP/1.1 200 Connected\r\nX: y\r\n\r\n"))
			carry_bytes(fd, to);
		close(to);
		return;
	}
}

static void begin_proxy(void)
{
	proxy = peer_start(serve_proxy, NULL);
	snprintf(proxy_url, sizeof(proxy_url), "http://user:pass@127.0.0.1:%u", proxy->port);
}

Test(http_tls, https_goes_through_a_tunnel)
{
	struct asker a = {.done = 0};
	struct weft__http_request req;

	serve();
	begin_proxy();
	req = get();
	req.flags = 0;
	req.proxy = proxy_url;
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(asker_run(loop, &a, &req), 0, "%s", a.call.error.message);
		cr_expect_str_eq(a.body, "hello");
		cr_expect_eq(a.call.reused, i == 1);
		asker_clear(&a);
	}
	cr_expect(strncmp(what_was_asked(), "CONNECT a.example:", 18) == 0, "%s", what_was_asked());
	cr_expect_not_null(strstr(what_was_asked(), "\r\nHost: a.example:"));
	cr_expect_not_null(strstr(what_was_asked(), "\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n"));
	req.proxy = "";
	cr_expect_eq(asker_run(loop, &a, &req), 0);
	cr_expect_not(a.call.reused, "straight is another origin");
	asker_clear(&a);
	cr_expect_eq(peer_accepted(proxy), 1);
}

Test(http_tls, http_asks_the_proxy_with_the_whole_address)
{
	struct asker a = {.done = 0};
	struct weft__http_request req = {.method = WEFT_STR("GET"),
	                                 .url = WEFT_STR("http://far.example:81?q=1#x")};

	begin_proxy();
	req.proxy = proxy_url;
	cr_expect_eq(asker_run(loop, &a, &req), 0, "%s", a.call.error.message);
	cr_expect(strncmp(what_was_asked(),
	                  "GET http://far.example:81/?q=1 HTTP/1.1\r\nHost: far.example:81\r\n", 63) == 0,
	          "%s", what_was_asked());
	cr_expect_not_null(strstr(what_was_asked(), "\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n"));
	asker_clear(&a);
}

Test(http_tls, a_proxy_that_refuses_is_named)
{
	struct weft__http_request req;

	serve();
	begin_proxy();
	req = get();
	req.flags = 0;
	req.proxy = proxy_url;
	refuse("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
	refused(req, WEFT_EPROXY, "refused to connect: 407");
	refuse("HTTP/1.1 200 OK\r\n\r\nand then some");
	refused(req, WEFT_EPROXY, "the proxy sent more than its answer");
	refuse("nonsense\r\n\r\n");
	refused(req, WEFT_EPROXY, "the proxy's answer is not HTTP");
	refuse("HTTP/1.1 200");
	refused(req, -ECONNRESET, "(the proxy)");
}

Test(http_tls, a_proxy_that_is_none_or_forbidden_is_refused_at_once)
{
	struct asker a = {.done = 0};
	struct weft__http_request req = {
	        .method = WEFT_STR("GET"), .url = WEFT_STR("http://far.example/"), .proxy = "socks5://x"};

	cr_expect_eq(asker_start(loop, &a, &req), -EPROTONOSUPPORT);
	req.proxy = "http://user:secret@";
	cr_expect_eq(asker_start(loop, &a, &req), -EINVAL);
	cr_expect_null(strstr(a.call.error.message, "secret"));
	req.proxy = "http://p.example";
	req.flags = WEFT__HTTP_PUBLIC_ONLY;
	cr_expect_eq(asker_start(loop, &a, &req), -EINVAL);
}
