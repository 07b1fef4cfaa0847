/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: whatever servers and callers do, each call ends once, each connection is closed, and nobody gets
 * another's answer.
 *
 * Method: two threads with a loop each, many calls at a time under small limits, against a server that
 * answers, splits, stalls, cuts, resets and lies, by the seed. Calls cancel, pause and give up by the seed
 * too. What a call asks for is in its path, and the answer's body follows from it alone. Laws: started ==
 * done, opened == closed, and a call that ended well has its own body, whole.
 *
 * How many of those end well is a matter of the machine's speed. So one call in four is patient: it has no
 * deadlines, is not cancelled, and goes to an origin of its own, where the same server under the same limits
 * only answers, in pieces. Each of these must end well.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <poll.h>

#include "net/dns/resolver.h"
#include "tests/support/http_asker.h"
#include "tests/support/peer.h"
#include "tests/support/seed.h"

enum { THREADS = 2, CALLS = 1500, AT_ONCE = 40 };

#define PATIENT_HOST "patient.example"

static struct peer *peer;
static uint64_t seed;

/* Every name is this machine. */
static int source(const char *name, struct weft__address *ret, uint32_t max, void *user)
{
	(void)max;
	(void)user;
	if (strncmp(name, "gone", 4) == 0)
		return 0;
	weft__address_parse(WEFT_STR("127.0.0.1"), &ret[0]);
	return 1;
}

/* ---- the server ---------------------------------------------------------------------------------------- */

static size_t body_len(uint64_t id)
{
	return test_random(&id) % 3 == 0 ? test_random(&id) % 60000 : test_random(&id) % 500;
}

static uint8_t body_byte(uint64_t id, size_t at)
{
	return (uint8_t)(id * 31 + at * 7 + at / 251);
}

/* In pieces of random lengths, some after a moment. */
static bool send_split(int fd, const uint8_t *bytes, size_t len, uint64_t *rng)
{
	while (len > 0) {
		size_t n = test_below(rng, 4) ? len : 1 + test_below(rng, (uint32_t)(len < 300 ? len : 300));

		if (!peer_send_bytes(fd, bytes, n))
			return false;
		bytes += n;
		len -= n;
		if (len && test_below(rng, 8) == 0)
			poll(NULL, 0, 1);
	}
	return true;
}

/* An answer's bytes: by length, in chunks, or until the end. */
static size_t make_answer(uint64_t id, uint8_t *to, uint64_t *rng, bool *ret_close)
{
	size_t len = body_len(id), at = 0, done = 0, kind = test_below(rng, 4);
	char *text = (char *)to;

	*ret_close = kind == 0;
	if (test_below(rng, 5) == 0)
		at += (size_t)sprintf(text + at, "HTTP/1.1 100 Continue\r\n\r\n");
	at += (size_t)sprintf(text + at, "HTTP/1.1 200 OK\r\nX-Id: %lu\r\n", id);
	at += (size_t)(kind == 0   ? sprintf(text + at, "\r\n")
	               : kind == 1 ? sprintf(text + at, "Transfer-Encoding: chunked\r\n\r\n")
	                           : sprintf(text + at, "Content-Length: %zu\r\n\r\n", len));
	while (done < len) {
		size_t n = kind == 1 ? 1 + test_below(rng, 5000) : len;

		n = n < len - done ? n : len - done;
		if (kind == 1)
			at += (size_t)sprintf(text + at, "%zx\r\n", n);
		for (size_t i = 0; i < n; i++)
			to[at++] = body_byte(id, done + i);
		done += n;
		if (kind == 1)
			at += (size_t)sprintf(text + at, "\r\n");
	}
	if (kind == 1)
		at += (size_t)sprintf(text + at, "0\r\n\r\n");
	return at;
}

static bool wait_readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) != 0;
}

/* False: the connection ends here. */
static bool answer(int fd, uint64_t id, bool plainly, uint64_t *rng)
{
	uint8_t *bytes = malloc(200000);
	bool close = false, go_on = true;
	size_t len = make_answer(id, bytes, rng, &close);

	switch (plainly ? UINT32_MAX : test_below(rng, 24)) {
	case 0: /* nothing, and the end */
		go_on = false;
		break;
	case 1: /* cut */
		send_split(fd, bytes, test_below(rng, (uint32_t)len), rng);
		go_on = false;
		break;
	case 2: /* cut by a reset */
		send_split(fd, bytes, test_below(rng, (uint32_t)len), rng);
		peer_reset(fd);
		go_on = false;
		break;
	case 3: /* a while of nothing */
		wait_readable(fd, 60);
		go_on = false;
		break;
	case 4: /* something else */
		for (size_t i = 0; i < 200; i++)
			bytes[i] = (uint8_t)test_random(rng);
		send_split(fd, bytes, 200, rng);
		go_on = false;
		break;
	case 5: /* more than the answer; an answer would be taken for the next one's when it comes late */
		go_on = send_split(fd, bytes, len, rng) && peer_send(fd, "and more");
		break;
	case 6: /* the end behind an answer that promised more */
		send_split(fd, bytes, len, rng);
		go_on = false;
		break;
	case 7: /* a head without end */
		peer_send(fd, "HTTP/1.1 200 OK\r\n");
		for (int i = 0; i < 3000 && peer_send(fd, "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"); i++)
			;
		go_on = false;
		break;
	default:
		go_on = send_split(fd, bytes, len, rng) && !close;
	}
	free(bytes);
	return go_on;
}

static void serve(int fd, int number, void *user)
{
	uint64_t rng = seed + (uint64_t)number * 977;
	char text[8192];
	char *id;

	(void)user;
	while (peer_request(fd, text, sizeof(text)) > 0) {
		id = strstr(text, "/id/");
		if (!id || !answer(fd, strtoull(id + 4, NULL, 10), strstr(text, PATIENT_HOST) != NULL, &rng))
			return;
	}
}

/* ---- the callers ------------------------------------------------------------------------------------------- */

struct caller {
	struct asker a; /* first */
	uint64_t id;
	bool active, patient;
};

static void check(const struct caller *c)
{
	size_t len = body_len(c->id);
	char field[64];

	if (c->patient)
		cr_assert_eq(c->a.status, 0, "a patient call: %s", c->a.call.error.message);
	if (c->a.status < 0)
		return;
	cr_assert_eq(c->a.http_status, 200);
	snprintf(field, sizeof(field), "X-Id: %lu\n", c->id);
	cr_assert(strstr(c->a.fields, field), "asked for %lu, got %s", c->id, c->a.fields);
	/* Without a length nobody can tell a cut from the end. */
	if (!strstr(c->a.fields, "Content-Length") && !strstr(c->a.fields, "chunked"))
		cr_assert_leq(c->a.len, len);
	else
		cr_assert_eq(c->a.len, len);
	for (size_t i = 0; i < c->a.len; i++)
		cr_assert_eq((uint8_t)c->a.body[i], body_byte(c->id, i));
}

static void make_patient(struct caller *c, struct weft__http_request *req, char *url, size_t size)
{
	c->patient = true;
	snprintf(url, size, "http://" PATIENT_HOST ":%u/id/%lu", peer->port, c->id);
	req->connect_ns = req->first_byte_ns = req->idle_ns = UINT64_MAX;
}

/* Deadlines that many miss, hosts that are not there, and a change of mind. */
static void make_hasty(struct caller *c, struct weft__http_request *req, char *url, size_t size, uint64_t *rng)
{
	snprintf(url, size, "http://%c.example:%u/id/%lu", 'a' + (int)test_below(rng, 3), peer->port, c->id);
	if (test_below(rng, 60) == 0)
		snprintf(url, size, "http://gone.example/");
	req->first_byte_ns = req->idle_ns = (10 + test_below(rng, 40)) * TEST_MS;
	if (test_below(rng, 8) == 0)
		req->total_ns = test_below(rng, 30) * TEST_MS + 1;
	c->a.cancel_in_body = test_below(rng, 40) == 0;
	c->a.cancel_in_head = test_below(rng, 40) == 0;
}

static void begin(struct weft__loop *loop, struct caller *c, uint64_t id, uint64_t *rng)
{
	static const weft_str methods[] = {{"GET", 3}, {"POST", 4}, {"PUT", 3}};
	struct weft__http_request req = {.method = methods[test_below(rng, 3)], .body_bytes_max = 100000};
	char url[128];

	asker_clear(&c->a);
	c->id = id;
	c->active = true;
	c->patient = false;
	if (id % 4 == 0)
		make_patient(c, &req, url, sizeof(url));
	else
		make_hasty(c, &req, url, sizeof(url), rng);
	req.url = weft_str_from(url);
	req.body = test_below(rng, 2) && !weft_str_eq(req.method, WEFT_STR("GET")) ? WEFT_STR("some body")
	                                                                           : (weft_str){NULL, 0};
	req.flags = WEFT__HTTP_NO_PROXY | (test_below(rng, 10) ? 0 : WEFT__HTTP_FRESH) |
	            (test_below(rng, 2) ? 0 : WEFT__HTTP_SAFE_TO_REPEAT);
	c->a.pause_in_body = test_below(rng, 10) == 0;
	cr_assert_eq(asker_start(loop, &c->a, &req), 0, "%s", c->a.call.error.message);
}

static void meddle(struct caller *c, uint64_t *rng)
{
	switch (test_below(rng, 200)) {
	case 0:
		if (!c->patient)
			weft__http_cancel(&c->a.call);
		break;
	case 1:
		weft__http_pause(&c->a.call, true);
		break;
	default:
		if (test_below(rng, 3) == 0)
			weft__http_pause(&c->a.call, false);
	}
}

static void *call_many(void *arg)
{
	uint64_t rng = seed + 1000003 * (uint64_t)(uintptr_t)arg, next = (uint64_t)(uintptr_t)arg * 1000000;
	struct weft__loop *loop = test_loop();
	struct caller *callers = calloc(AT_ONCE, sizeof(*callers));
	int begun = 0, ended = 0;
	struct weft__http_config config = {.connections_max = 12,
	                                   .origin_connections_max = 6,
	                                   .idle_max = 4,
	                                   .origin_idle_max = 3,
	                                   .idle_ns = 5 * TEST_MS};

	cr_assert_eq(weft__http_configure(loop, &config), 0);
	while (ended < CALLS) {
		for (int i = 0; i < AT_ONCE; i++) {
			struct caller *c = &callers[i];

			if (c->active && c->a.done) {
				check(c);
				c->active = false;
				ended++;
			} else if (c->active) {
				meddle(c, &rng);
			}
			if (!c->active && begun < CALLS) {
				begin(loop, c, ++next, &rng);
				begun++;
			}
		}
		if (test_below(&rng, 300) == 0)
			weft__http_flush(loop);
		weft__loop_wait(loop, TEST_MS);
	}
	asker_all_ended(loop);
	for (int i = 0; i < AT_ONCE; i++)
		asker_clear(&callers[i].a);
	free(callers);
	weft__loop_close(loop);
	return NULL;
}

Test(http_client_stress, each_call_ends_once_and_nobody_gets_anothers_answer, .timeout = 120)
{
	pthread_t threads[THREADS];

	seed = test_seed("http client");
	weft__dns_source_set(source, NULL);
	peer = peer_start(serve, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, call_many, (void *)(i + 1));
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	peer_stop(peer);
}
