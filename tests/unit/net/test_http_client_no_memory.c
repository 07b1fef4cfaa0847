/* SPDX-License-Identifier: Apache-2.0 */
/*
 * the client without memory: in each round one allocation more succeeds before one fails, until a round needs no more. A
 * call then is refused or ends once, with a reason; everything is closed, and the next call finds all in order.
 */
#include <criterion/criterion.h>

#include <errno.h>

#include "net/dns/resolver.h"
#include "net/http/inflate.h"
#include "runtime/base/atomic.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/http_asker.h"
#include "tests/support/peer.h"

static _Atomic(int32_t) left =
        INT32_MAX; /* allocations that succeed; the one after them fails, and no other */

static bool test_alloc_fails(void)
{
	return weft__fetch_sub_relaxed(&left, 1) == 0; /* relaxed: only the number matters */
}

static int source(const char *name, struct weft__address *ret, uint32_t max, void *user)
{
	(void)name;
	(void)max;
	(void)user;
	weft__address_parse(WEFT_STR("127.0.0.1"), &ret[0]);
	return 1;
}

/* In two pieces, so that the head has to be kept. */
static void serve(int fd, int number, void *user)
{
	char text[8192];

	(void)number;
	(void)user;
	while (peer_request(fd, text, sizeof(text)) > 0) {
		if (strstr(text, " /moved"))
			peer_send(fd,
			          "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 2\r\n\r\nno");
		else if (
		        !peer_send(fd, "HTTP/1.1 200 OK\r\nX: y\r\nContent-Encoding: gz") ||
		        usleep(2000) < 0 || !peer_send(fd, "ip\r\nContent-Length: 29\r\n\r\n") ||
		        !peer_send_bytes(
		                fd,
		                "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00\x00"
		                "\x88\x59\x0b\x18\x00\x00\x00",
		                29))
			return;
	}
}

/* True: no allocation failed. */
static bool round_of(const struct weft__http_request *req, int32_t successes)
{
	struct weft__loop *loop = test_loop();
	struct asker a = {.done = 0};
	bool enough;
	int r;

	weft__store_release(&left, successes);
	r = asker_start(loop, &a, req);
	if (r == 0)
		test_turn(loop, &a.done, 1);
	enough = weft__load_acquire(&left) >= 0;
	weft__store_release(&left, INT32_MAX);
	if (enough)
		cr_expect(r == 0 && a.status == 0, "%s", a.call.error.message);
	if (r == 0 && a.status == 0)
		cr_expect_str_eq(a.body, "hello hello hello hello\n");
	asker_clear(&a);
	cr_expect_eq(asker_run(loop, &a, req), 0, "after %d: %s", successes, a.call.error.message);
	asker_clear(&a);
	asker_all_ended(loop);
	weft__loop_close(loop);
	return enough;
}

Test(http_client_no_memory, a_call_is_refused_or_ends_once_and_nothing_is_lost, .timeout = 120)
{
	weft_allocator allocator = test_failing_allocator();
	struct weft__http_field field = {WEFT_STR("X"), WEFT_STR("1")};
	struct weft__http_request req = {.method = WEFT_STR("POST"),
	                                 .body = WEFT_STR("body"),
	                                 .fields = &field,
	                                 .field_count = 1,
	                                 .flags = WEFT__HTTP_NO_PROXY | WEFT__HTTP_FOLLOW};
	struct peer *peer = peer_start(serve, NULL);
	char url[128];
	int32_t n = 0;

	if (!weft__inflate_available())
		cr_skip_test("built without zlib");
	cr_assert_eq(weft_allocator_set(&allocator), 0);
	weft__dns_source_set(source, NULL);
	snprintf(url, sizeof(url), "http://a.example:%u/moved", peer->port);
	req.url = weft_str_from(url);
	while (!round_of(&req, n))
		cr_assert_lt(++n, 300);
	cr_expect_gt(n, 15, "%d allocations failed", n);
	peer_stop(peer);
}
