/* SPDX-License-Identifier: Apache-2.0 */
/*
 * the HTTP client against a server that answers as each test wants: what is sent, what comes back, and what a
 * server can do wrong. Connections, limits and deadlines: test_http_pool.c. TLS and proxies: test_http_tls.c.
 */
#include <criterion/criterion.h>

#include <errno.h>

#include "net/http/inflate.h"
#include "runtime/base/atomic.h"
#include "tests/support/http_asker.h"
#include "tests/support/peer.h"

static struct weft__loop *loop;
static struct peer *peer;
static char url[128];

/* The last request of each connection, written by the server's threads. */
static pthread_mutex_t requests_lock = PTHREAD_MUTEX_INITIALIZER;
static char requests[16][8192];

static bool next_request(int fd, int number)
{
	char text[sizeof(requests[0])];
	int n = peer_request(fd, text, sizeof(text));

	if (n <= 0)
		return false;
	pthread_mutex_lock(&requests_lock);
	memcpy(requests[number % 16], text, (size_t)n + 1);
	pthread_mutex_unlock(&requests_lock);
	return true;
}

/* A copy, until the next one. */
static const char *request(int number)
{
	static _Thread_local char text[sizeof(requests[0])];

	pthread_mutex_lock(&requests_lock);
	memcpy(text, requests[number % 16], sizeof(text));
	pthread_mutex_unlock(&requests_lock);
	return text;
}

static void setup(void)
{
	loop = test_loop();
}

static void teardown(void)
{
	asker_all_ended(loop);
	weft__loop_close(loop);
	if (peer)
		peer_stop(peer);
}

TestSuite(http_client, .init = setup, .fini = teardown, .timeout = 120);

/* user must outlive the test's function: connections end in teardown. */
static void serve_with(void (*serve)(int fd, int number, void *user), void *user)
{
	peer = peer_start(serve, user);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/path?q=1", peer->port);
}

/* The same bytes to every request, then whatever the text's end means: keep (default) or close. */
struct script {
	const char *bytes;
	size_t len; /* 0: it is text */
	bool close, reset, byte_by_byte;
};

static _Atomic(uint32_t) may_reset;

static void play(int fd, int number, void *user)
{
	const struct script *s = user;
	size_t len = s->len ? s->len : strlen(s->bytes);

	while (next_request(fd, number)) {
		for (size_t i = 0; s->byte_by_byte && i < len; i++) {
			if (!peer_send_bytes(fd, s->bytes + i, 1))
				return;
		}
		if (!s->byte_by_byte && !peer_send_bytes(fd, s->bytes, len))
			return;
		if (s->reset) {
			while (!weft__load_acquire(&may_reset)) /* a reset overtakes what was not read */
				usleep(1000);
			peer_reset(fd);
		}
		if (s->close || s->reset)
			return;
	}
}

static void serve_script(const struct script *s)
{
	static struct script playing;

	playing = *s;
	serve_with(play, &playing);
}

static struct weft__http_request get(void)
{
	return (struct weft__http_request){.method = WEFT_STR("GET"), .url = weft_str_from(url)};
}

static void asked(struct asker *a, struct script *s)
{
	struct weft__http_request req;

	if (peer)
		peer_stop(peer);
	serve_script(s);
	req = get();
	asker_run(loop, a, &req);
}

/* ---- what is sent -------------------------------------------------------------------------------------- */

#define OK "HTTP/1.1 200 OK\r\n"
#define HELLO OK "Content-Length: 5\r\nX-One: 1\r\n\r\nhello"

Test(http_client, a_get_is_sent_and_its_answer_comes)
{
	struct script s = {.bytes = HELLO};
	struct asker a = {.done = 0};

	asked(&a, &s);
	cr_expect_eq(a.status, 0, "%s", a.call.error.message);
	cr_expect_eq(a.http_status, 200);
	cr_expect_str_eq(a.fields, "Content-Length: 5\nX-One: 1\n");
	cr_expect_str_eq(a.body, "hello");
	cr_expect(a.call.sent && a.call.answered && !a.call.reused);
	cr_expect(strncmp(request(0), "GET /path?q=1 HTTP/1.1\r\nHost: 127.0.0.1:", 40) == 0, "%s",
	          request(0));
	cr_expect_not_null(strstr(request(0), "\r\nUser-Agent: weft/"));
	cr_expect_not_null(strstr(request(0), "\r\nAccept: */*\r\n"));
	cr_expect_null(strstr(request(0), "Content-Length"));
	asker_clear(&a);
}

Test(http_client, fields_and_body_are_sent_as_they_are)
{
	struct script s = {.bytes = HELLO};
	struct weft__http_field fields[] = {{WEFT_STR("Content-Type"), WEFT_STR("application/json")},
	                                    {WEFT_STR("user-agent"), WEFT_STR("me")},
	                                    {WEFT_STR("accept"), WEFT_STR("text/plain")}};
	struct weft__http_request req = {.method = WEFT_STR("POST"),
	                                 .fields = fields,
	                                 .field_count = 3,
	                                 .body = WEFT_STR("{\"a\":1}")};
	struct asker a = {.done = 0};

	serve_script(&s);
	req.url = weft_str_from(url);
	cr_expect_eq(asker_run(loop, &a, &req), 0);
	cr_expect_not_null(strstr(request(0), "\r\nContent-Length: 7\r\n"));
	cr_expect_not_null(strstr(request(0), "\r\nContent-Type: application/json\r\n"));
	cr_expect_not_null(strstr(request(0), "\r\nuser-agent: me\r\n"));
	cr_expect_null(strstr(request(0), "weft"));
	cr_expect_null(strstr(request(0), "*/*"));
	cr_expect_str_eq(strstr(request(0), "\r\n\r\n"), "\r\n\r\n{\"a\":1}");
	asker_clear(&a);
}

Test(http_client, what_may_not_be_sent_is_refused_at_once)
{
	struct weft__http_field field = {WEFT_STR("X"), WEFT_STR("1")};
	struct weft__http_request good = {.method = WEFT_STR("GET"),
	                                  .url = WEFT_STR("http://127.0.0.1:1/"),
	                                  .fields = &field,
	                                  .field_count = 1},
	                          req;
	static const weft_str ours[] = {
	        {"Host", 4},    {"content-length", 14}, {"Transfer-Encoding", 17},  {"Connection", 10},
	        {"Upgrade", 7}, {"Expect", 6},          {"Proxy-Authorization", 19}};
	static const weft_str urls[] = {{"", 0},
	                                {"/path", 5},
	                                {"ftp://a/", 8},
	                                {"http://", 7},
	                                {"http://a b/", 11},
	                                {"http://u:p@a/", 13},
	                                {"http://a:0x/", 12}};
	char *large = calloc(1, 20000);
	struct asker a = {.done = 0};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		req = good;
		field.name = ours[i];
		cr_expect_eq(asker_start(loop, &a, &req), -EINVAL, "%s", ours[i].ptr);
	}
	field = (struct weft__http_field){WEFT_STR("X"), WEFT_STR("a\r\nEvil: 1")};
	cr_expect_eq(asker_start(loop, &a, &good), -EINVAL);
	field = (struct weft__http_field){WEFT_STR("X Y"), WEFT_STR("1")};
	cr_expect_eq(asker_start(loop, &a, &good), -EINVAL);
	field = (struct weft__http_field){WEFT_STR("X"), WEFT_STR("1")};
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		req = good;
		req.url = urls[i];
		cr_expect_lt(asker_start(loop, &a, &req), 0, "%s", urls[i].ptr);
	}
	memset(large, 'a', 19999);
	req = good;
	req.url = (weft_str){large, 9000};
	cr_expect_eq(asker_start(loop, &a, &req), -E2BIG);
	req = good;
	req.method = WEFT_STR("GET\r\n");
	cr_expect_eq(asker_start(loop, &a, &req), -EINVAL);
	req = good;
	req.field_count = 10000;
	cr_expect_eq(asker_start(loop, &a, &req), -E2BIG);
	req = good;
	req.body = (weft_str){large, (size_t)1 << 40};
	cr_expect_eq(asker_start(loop, &a, &req), -E2BIG);
	test_settle(loop);
	cr_expect_eq(a.done, 0);
	free(large);
}

Test(http_client, a_request_may_go_when_start_returns)
{
	struct script s = {.bytes = HELLO};
	struct asker a = {.done = 0};
	char *text, *body = strdup("some body");
	struct weft__http_request req = {.method = WEFT_STR("PUT")};

	serve_script(&s);
	text = strdup(url);
	req.url = weft_str_from(text);
	req.body = weft_str_from(body);
	cr_assert_eq(asker_start(loop, &a, &req), 0);
	cr_expect_eq(weft__http_start(loop, &a.call, &req), -EALREADY);
	memset(text, 'x', strlen(text));
	memset(body, 'x', strlen(body));
	free(text);
	free(body);
	test_turn(loop, &a.done, 1);
	cr_expect_eq(a.status, 0);
	cr_expect_not_null(strstr(request(0), "\r\n\r\nsome body"));
	asker_clear(&a);
}

/* ---- what comes back ------------------------------------------------------------------------------------- */

struct row {
	const char *answer, *body; /* body NULL: it fails */
	int status;
	bool close, kept; /* kept: the connection can be used again */
};

static const struct row rows[] = {
        {HELLO, "hello", 0, false, true},
        {OK "Content-Length: 0\r\n\r\n", "", 0, false, true},
        {"HTTP/1.1 204 No Content\r\n\r\n", "", 0, false, true},
        {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX: y\r\n\r\n", "hello", 0,
         false, true},
        {OK "\r\nhello", "hello", 0, true, false},
        {OK "Connection: close\r\nContent-Length: 5\r\n\r\nhello", "hello", 0, false, false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 0, false, false},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", "hello", 0, false,
         true},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" HELLO, "hello", 0, false,
         true},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "no", 0, false, true},
        {"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 2\r\n\r\nno", "no", 0, false, true},
        /* more than the answer: the answer counts, the connection does not */
        {HELLO "surprise", "hello", 0, false, false},
        /* what a server can do wrong */
        {OK "Content-Length: 6\r\n\r\nhello", NULL, -ECONNRESET, true, false},
        {OK "Content-Len", NULL, -ECONNRESET, true, false},
        {"", NULL, -ECONNRESET, true, false},
        {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", NULL, -ECONNRESET, true, false},
        {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", NULL, -ECONNRESET, true, false},
        {OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloo\r\n0\r\n\r\n", NULL, -EBADMSG, false, false},
        {OK "Transfer-Encoding: chunked\r\n\r\nx\r\n", NULL, -EBADMSG, false, false},
        {"garbage garbage garbage\r\n\r\n", NULL, -EBADMSG, false, false},
        {"\x16\x03\x01\x02\r\n\r\n", NULL, -EBADMSG, false, false},
        {OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", NULL, -EBADMSG, false, false},
        {OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", NULL, -EBADMSG, false, false},
        {OK "Content-Length: -5\r\n\r\nhello", NULL, -EBADMSG, false, false},
        {OK "Content-Length: 99999999999999999999\r\n\r\nhello", NULL, -EBADMSG, false, false},
        {"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", NULL, -EBADMSG, false, false},
        {OK "X: a\r\n b\r\n\r\n", NULL, -EBADMSG, false, false},
        {"HTTP/1.1 101 Switching\r\n\r\n", NULL, -EPROTONOSUPPORT, false, false},
        {"HTTP/2 200\r\n\r\n", NULL, -EBADMSG, false, false},
        {OK "Content-Encoding: br\r\nContent-Length: 5\r\n\r\nhello", NULL, -EBADMSG, false, false},
        {OK "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", NULL, -EBADMSG, false, false},
};

static void answers(bool byte_by_byte)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct script s = {.bytes = row->answer, .close = row->close, .byte_by_byte = byte_by_byte};
		struct asker a = {.done = 0};
		struct weft__http_counts counts;

		asked(&a, &s);
		cr_expect_eq(a.status, row->status, "%zu %s: %d %s", i, row->answer, a.status,
		             a.call.error.message);
		if (row->body)
			cr_expect_str_eq(a.len ? a.body : "", row->body, "%zu", i);
		/*
		 * What comes behind an answer may come when the connection is idle already: then it is closed
		 * as soon as that comes.
		 */
		test_settle(loop);
		weft__http_counts(loop, &counts);
		while (!row->kept && counts.idle) {
			weft__loop_wait(loop, 10 * TEST_MS);
			weft__http_counts(loop, &counts);
		}
		cr_expect_eq(counts.idle, row->kept ? 1u : 0u, "%zu %s", i, row->answer);
		weft__http_flush(loop);
		asker_clear(&a);
	}
}

Test(http_client, answers_of_all_kinds_right_and_wrong)
{
	answers(false);
}

Test(http_client, and_byte_by_byte)
{
	answers(true);
}

Test(http_client, an_answer_to_head_has_no_body)
{
	struct script s = {.bytes = OK "Content-Length: 5\r\n\r\n"};
	struct weft__http_request req = {.method = WEFT_STR("HEAD")};
	struct asker a = {.done = 0};

	serve_script(&s);
	req.url = weft_str_from(url);
	cr_expect_eq(asker_run(loop, &a, &req), 0, "%s", a.call.error.message);
	cr_expect_eq(a.len, 0u);
	asker_clear(&a);
	cr_expect_eq(asker_run(loop, &a, &req), 0);
	cr_expect(a.call.reused);
	asker_clear(&a);
}

Test(http_client, a_reset_within_an_answer_is_an_error_and_not_repeated)
{
	struct script s = {.bytes = OK "Content-Length: 6\r\n\r\nhello", .reset = true};
	struct asker a = {.done = 0};
	struct weft__http_request req;

	serve_script(&s);
	req = get();
	cr_assert_eq(asker_start(loop, &a, &req), 0);
	while (!a.done) {
		weft__loop_wait(loop, 10 * TEST_MS);
		if (a.len == 5)
			weft__store_release(&may_reset, 1u);
	}
	cr_expect_eq(a.status, -ECONNRESET);
	cr_expect(a.call.answered);
	cr_expect_eq(peer_accepted(peer), 1);
	cr_expect_not_null(strstr(a.call.error.message, "127.0.0.1:"));
	cr_expect_null(strstr(a.call.error.message, "path"));
	asker_clear(&a);
}

/* ---- sizes ------------------------------------------------------------------------------------------------- */

static void send_large_head(int fd, int number, void *user)
{
	char line[1024];

	(void)user;
	next_request(fd, number);
	peer_send(fd, OK);
	memset(line, 'x', sizeof(line));
	memcpy(line, "X: ", 3);
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	while (peer_send_bytes(fd, line, sizeof(line)))
		;
}

Test(http_client, a_head_without_end_is_refused)
{
	struct asker a = {.done = 0};
	struct weft__http_request req;

	serve_with(send_large_head, NULL);
	req = get();
	cr_expect_eq(asker_run(loop, &a, &req), -EMSGSIZE);
	asker_clear(&a);
}

static void send_body_without_end(int fd, int number, void *user)
{
	char piece[65536];

	next_request(fd, number);
	peer_send(fd, user);
	memset(piece, 'x', sizeof(piece));
	while (peer_send_bytes(fd, piece, sizeof(piece)))
		;
}

Test(http_client, a_body_larger_than_allowed_is_refused)
{
	static char text[] = OK "\r\n";
	struct asker a = {.drop = true};
	struct weft__http_request req;

	serve_with(send_body_without_end, text);
	req = get();
	req.body_bytes_max = 1000000;
	cr_expect_eq(asker_run(loop, &a, &req), -EMSGSIZE);
	cr_expect_leq(a.len, 1000000u);
	asker_clear(&a);
}

Test(http_client, an_announced_length_is_refused_before_the_body)
{
	struct script s = {.bytes = OK "Content-Length: 1000\r\n\r\n"};
	struct weft__http_request req;
	struct asker a = {.done = 0};

	serve_script(&s);
	req = get();
	req.body_bytes_max = 999;
	cr_expect_eq(asker_run(loop, &a, &req), -EMSGSIZE);
	cr_expect_eq(a.len, 0u);
	asker_clear(&a);
}

/*
 * ---- packed bodies
 * --------------------------------------------------------------------------------------------
 */

/* "hello hello hello hello\n", by gzip -9. */
static const char gzip[] = OK "Content-Encoding: gzip\r\nContent-Length: 29\r\n\r\n"
                              "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27"
                              "\xb9\x00\x00\x88\x59\x0b\x18\x00\x00\x00";

Test(http_client, a_packed_body_is_unpacked_unless_asked_for_as_sent)
{
	struct script s = {.bytes = gzip, .len = sizeof(gzip) - 1};
	struct weft__http_request req;
	struct asker a = {.done = 0};

	if (!weft__inflate_available())
		cr_skip_test("built without zlib");
	serve_script(&s);
	req = get();
	req.flags = WEFT__HTTP_AS_SENT;
	asker_run(loop, &a, &req);
	cr_expect_eq(a.status, 0, "%s", a.call.error.message);
	cr_expect_eq(a.len, 29u);
	cr_expect_null(strstr(request(0), "Accept-Encoding"));
	asker_clear(&a);
	req.flags = 0;
	asker_run(loop, &a, &req);
	cr_expect_eq(a.status, 0, "%s", a.call.error.message);
	cr_expect_str_eq(a.body, "hello hello hello hello\n");
	cr_expect_not_null(strstr(request(0), "\r\nAccept-Encoding: gzip, deflate\r\n"));
	asker_clear(&a);
}

/*
 * ---- the request's side
 * ------------------------------------------------------------------------------------------
 */

static void refuse_early(int fd, int number, void *user)
{
	char buf[100];

	(void)number;
	(void)user;
	recv(fd, buf, sizeof(buf), 0);
	peer_send(fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
	shutdown(fd, SHUT_WR);
	peer_wait_closed(fd);
}

Test(http_client, an_answer_before_the_request_has_left_counts)
{
	struct weft__http_request req = {.method = WEFT_STR("POST")};
	struct asker a = {.done = 0};
	char *body = calloc(1, 20 << 20);
	struct weft__http_counts counts;

	memset(body, 'x', 20 << 20);
	serve_with(refuse_early, NULL);
	req.url = weft_str_from(url);
	req.body = (weft_str){body, 20 << 20};
	cr_expect_eq(asker_run(loop, &a, &req), 0, "%s", a.call.error.message);
	cr_expect_eq(a.http_status, 413);
	cr_expect_str_eq(a.body, "big");
	weft__http_counts(loop, &counts);
	cr_expect_eq(counts.idle, 0u, "half a request is on it");
	asker_clear(&a);
	free(body);
}

static void echo_length(int fd, int number, void *user)
{
	size_t got = 0, wanted = *(size_t *)user;
	char buf[65536], *end = NULL, *text = calloc(1, 1 << 16);
	size_t head = 0;
	ssize_t n;

	(void)number;
	while (!end && (n = recv(fd, text + head, 60000 - head, 0)) > 0) {
		head += (size_t)n;
		end = memmem(text, head, "\r\n\r\n", 4);
	}
	got = end ? head - (size_t)(end + 4 - text) : 0;
	while (got < wanted && (n = recv(fd, buf, sizeof(buf), 0)) > 0)
		got += (size_t)n;
	free(text);
	snprintf(buf, sizeof(buf), OK "Content-Length: 8\r\n\r\n%08zu", got);
	peer_send(fd, buf);
	peer_wait_closed(fd);
}

Test(http_client, a_body_larger_than_any_buffer_arrives)
{
	static size_t len = 40 << 20;
	struct weft__http_request req = {.method = WEFT_STR("POST")};
	struct asker a = {.done = 0};
	char *body = calloc(1, len), text[16];

	serve_with(echo_length, &len);
	req.url = weft_str_from(url);
	req.body = (weft_str){body, len};
	cr_expect_eq(asker_run(loop, &a, &req), 0, "%s", a.call.error.message);
	snprintf(text, sizeof(text), "%08zu", len);
	cr_expect_str_eq(a.body, text);
	asker_clear(&a);
	free(body);
}

/*
 * ---- redirections
 * ---------------------------------------------------------------------------------------------------
 */

static struct peer *other;

static void redirect(int fd, int number, void *user)
{
	char text[512];

	(void)user;
	while (next_request(fd, number)) {
		if (strstr(request(number), " /end"))
			snprintf(text, sizeof(text), HELLO);
		else if (strstr(request(number), " /loop"))
			snprintf(text, sizeof(text),
			         "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 4\r\n\r\nmore");
		else if (strstr(request(number), " /other"))
			snprintf(
			        text, sizeof(text),
			        "HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:%u/end\r\nContent-Length: 0\r\n\r\n",
			        other->port);
		else if (strstr(request(number), " /nowhere"))
			snprintf(text, sizeof(text),
			         "HTTP/1.1 302 Found\r\nLocation: gopher://x/\r\nContent-Length: 0\r\n\r\n");
		else
			snprintf(text, sizeof(text),
			         "HTTP/1.1 303 See\r\nLocation: ../end?x#y\r\nContent-Length: 2\r\n\r\nno");
		if (!peer_send(fd, text))
			return;
	}
}

static int follow(struct asker *a, const char *path, const char *method)
{
	struct weft__http_field fields[] = {{WEFT_STR("Authorization"), WEFT_STR("Bearer secret")},
	                                    {WEFT_STR("X-Api-Key"), WEFT_STR("secret")},
	                                    {WEFT_STR("Content-Type"), WEFT_STR("text/plain")}};
	struct weft__http_request req = {.method = weft_str_from(method),
	                                 .fields = fields,
	                                 .field_count = 3,
	                                 .flags = WEFT__HTTP_FOLLOW};

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", peer->port, path);
	req.url = weft_str_from(url);
	if (strcmp(method, "POST") == 0)
		req.body = WEFT_STR("body");
	asker_clear(a);
	return asker_run(loop, a, &req);
}

static void serve_other(int fd, int number, void *user)
{
	(void)number;
	(void)user;
	while (next_request(fd, 1))
		peer_send(fd, HELLO);
}

Test(http_client, redirections_are_followed_when_asked_for)
{
	struct asker a = {.done = 0};

	serve_with(redirect, NULL);
	other = peer_start(serve_other, NULL);
	cr_expect_eq(follow(&a, "/a/b", "POST"), 0, "%s", a.call.error.message);
	cr_expect_eq(a.http_status, 200);
	cr_expect_str_eq(a.body, "hello");
	cr_expect_eq(peer_accepted(peer), 1, "on the same connection");
	cr_expect(strncmp(request(0), "GET /end?x HTTP/1.1\r\n", 21) == 0, "%s", request(0));
	cr_expect_null(strstr(request(0), "body"));
	cr_expect_null(strstr(request(0), "Content-"));
	cr_expect_not_null(strstr(request(0), "Bearer secret"), "the same origin");
	cr_expect_eq(follow(&a, "/loop", "GET"), -ELOOP);
	cr_expect_eq(follow(&a, "/nowhere", "GET"), -EBADMSG);
	cr_expect_eq(follow(&a, "/other", "POST"), 0);
	cr_expect(strncmp(request(1), "POST /end HTTP/1.1\r\n", 20) == 0, "%s", request(1));
	cr_expect_not_null(strstr(request(1), "\r\n\r\nbody"), "307 keeps method and body");
	cr_expect_not_null(strstr(request(1), "Content-Type"));
	cr_expect_null(strstr(request(1), "secret"), "another port is another origin");
	asker_clear(&a);
	weft__http_flush(loop);
	test_settle(loop);
	peer_stop(other);
}

/*
 * ---- cancelling and pausing
 * -------------------------------------------------------------------------------------------
 */

static _Atomic(uint32_t) closed;

static void send_slowly(int fd, int number, void *user)
{
	(void)user;
	next_request(fd, number);
	peer_send(fd, OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n");
	peer_wait_closed(fd);
	weft__store_release(&closed, 1u);
}

Test(http_client, a_call_can_be_cancelled_anywhere)
{
	for (int where = 0; where < 4; where++) {
		struct asker a = {.cancel_in_head = where == 2, .cancel_in_body = where == 3};
		struct weft__http_request req;

		weft__store_release(&closed, 0u);
		serve_with(send_slowly, NULL);
		req = get();
		cr_assert_eq(asker_start(loop, &a, &req), 0);
		if (where == 0) {
			a.in_call = true;
			weft__http_cancel(&a.call);
			weft__http_cancel(&a.call);
			a.in_call = false;
		}
		if (where == 1) {
			test_turn(loop, &a.heads, 1);
			weft__http_cancel(&a.call);
		}
		test_turn(loop, &a.done, 1);
		cr_expect_eq(a.status, -ECANCELED, "%d", where);
		cr_expect_eq(a.bodies, where == 2 ? 0 : where == 3 ? 1 : a.bodies);
		weft__http_cancel(&a.call); /* over: nothing happens */
		asker_all_ended(loop);
		peer_stop(peer);
		peer = NULL;
		if (where > 0)
			cr_expect_eq(weft__load_acquire(&closed), 1u, "the server has seen the end");
		asker_clear(&a);
	}
}

Test(http_client, a_paused_call_holds_the_server_back)
{
	static char text[] = OK "\r\n";
	struct asker a = {.drop = true, .pause_in_body = true};
	struct weft__http_request req;
	size_t before;
	int pauses = 0;

	serve_with(send_body_without_end, text);
	req = get();
	req.body_bytes_max = 3000000;
	req.idle_ns = TEST_SECOND * 60;
	cr_assert_eq(asker_start(loop, &a, &req), 0);
	while (!a.done) {
		int bodies = a.bodies + 1;

		while (!a.done && a.bodies < bodies)
			weft__loop_wait(loop, 10 * TEST_MS);
		test_settle(loop);
		before = a.len;
		if (pauses++ < 3)
			test_settle(loop);
		cr_expect_eq(a.len, before, "nothing while paused");
		a.in_call = true;
		weft__http_pause(&a.call, false);
		a.in_call = false;
	}
	cr_expect_eq(a.status, -EMSGSIZE);
	cr_expect_gt(a.bodies, 3);
	asker_clear(&a);
}

Test(http_client, done_waits_for_the_end_of_a_pause)
{
	struct script s = {.bytes = HELLO};
	struct asker a = {.pause_in_body = true};
	struct weft__http_request req;
	struct weft__http_counts counts;

	serve_script(&s);
	req = get();
	cr_assert_eq(asker_start(loop, &a, &req), 0);
	test_turn(loop, &a.bodies, 1);
	test_settle(loop);
	cr_expect_eq(a.done, 0);
	a.in_call = true;
	weft__http_pause(&a.call, false);
	a.in_call = false;
	test_turn(loop, &a.done, 1);
	cr_expect_eq(a.status, 0);
	weft__http_counts(loop, &counts);
	cr_expect_eq(counts.idle, 1u, "and the connection is kept");
	asker_clear(&a);
	a.pause_in_body = true;
	cr_assert_eq(asker_start(loop, &a, &req), 0);
	test_turn(loop, &a.bodies, 1);
	weft__http_cancel(&a.call);
	test_turn(loop, &a.done, 1);
	cr_expect_eq(a.status, -ECANCELED);
	asker_clear(&a);
}

/*
 * ---- the loop ends
 * ------------------------------------------------------------------------------------------------------
 */

static void start_again(struct asker *a)
{
	struct weft__http_request req = get();
	struct asker inner = {.done = 0};

	cr_expect_eq(a->status, -ECANCELED);
	cr_expect_eq(asker_start(loop, &inner, &req), -ESHUTDOWN);
}

Test(http_client, calls_under_way_are_over_when_the_loop_ends)
{
	struct asker a[4] = {
	        {.then = start_again}, {.then = start_again}, {.then = start_again}, {.then = start_again}};
	struct weft__http_request req;

	serve_with(send_slowly, NULL);
	req = get();
	cr_assert_eq(asker_start(loop, &a[0], &req), 0);
	test_turn(loop, &a[0].heads, 1);
	cr_assert_eq(asker_start(loop, &a[1], &req), 0);
	req.url = WEFT_STR("http://name.that.is.asked.for.invalid/");
	cr_assert_eq(asker_start(loop, &a[2], &req), 0);
	cr_assert_eq(asker_start(loop, &a[3], &req), 0);
	weft__http_cancel(&a[3].call);
	weft__loop_close(loop);
	for (int i = 0; i < 4; i++) {
		cr_expect_eq(a[i].done, 1);
		asker_clear(&a[i]);
	}
	loop = test_loop();
}
