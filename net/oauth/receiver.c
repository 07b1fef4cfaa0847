/* SPDX-License-Identifier: Apache-2.0 */
/* net/oauth/receiver.c - see receiver.h. */
#include "net/oauth/receiver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "net/http/server.h"

#define SECOND_NS UINT64_C(1000000000)
#define PATH "/callback"

static bool is_callback(const struct weft__http_exchange *x)
{
	size_t n = sizeof(PATH) - 1;

	return weft_str_eq(x->method, WEFT_STR("GET")) && x->target.len_bytes >= n &&
	       !memcmp(x->target.ptr, PATH, n) && (x->target.len_bytes == n || x->target.ptr[n] == '?');
}

/* The address holds the code: no cache keeps it, no page is told it. */
static void show(struct weft__http_exchange *x, int status, const char *text)
{
	const struct weft__http_field fields[] = {
	        {WEFT_STR("Content-Type"), WEFT_STR("text/plain; charset=utf-8")},
	        {WEFT_STR("Cache-Control"), WEFT_STR("no-store")},
	        {WEFT_STR("Referrer-Policy"), WEFT_STR("no-referrer")},
	        {WEFT_STR("X-Content-Type-Options"), WEFT_STR("nosniff")}};

	(void)weft__http_respond(x, status, fields, sizeof(fields) / sizeof(fields[0]), weft_str_from(text));
}

static void on_request(struct weft__http_exchange *x, void *user)
{
	struct weft__oauth_receiver *r = user;
	int came;

	if (!is_callback(x)) {
		show(x, 404, "There is nothing here.\n");
		return;
	}
	came = r->came(r, x->target);
	if (came == 0)
		show(x, 200, "That is all. You can close this page.\n");
	else if (came == -EINVAL)
		show(x, 400, "This is not the answer that is waited for.\n");
	else
		show(x, 200, "Access was not given. You can close this page.\n");
}

static void on_closed(const struct weft__http_server_stats *stats, void *user)
{
	struct weft__oauth_receiver *r = user;

	(void)stats;
	r->server = NULL;
	r->closed(r);
}

static int listen_at(struct weft__loop *loop, struct weft__oauth_receiver *r, uint16_t port, weft_error *err)
{
	struct sockaddr_in address = {
	        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct weft__http_server_options options = {.address = (struct sockaddr *)&address,
	                                            .address_len = sizeof(address),
	                                            .limits = {.head_bytes = 32u << 10, .body_bytes = 1},
	                                            .connections_max = 32,
	                                            .oldest_yields = true, /* or who holds them all keeps the browser out */
	                                            .head_ns = 5 * SECOND_NS,
	                                            .idle_ns = 2 * SECOND_NS,
	                                            .send_ns = 5 * SECOND_NS,
	                                            .request = on_request,
	                                            .closed = on_closed,
	                                            .user = r};

	return weft__http_server_open(loop, &options, &r->server, err);
}

int weft__oauth_receiver_open(struct weft__loop *loop, struct weft__oauth_receiver *r, uint16_t port,
                              weft_error *err)
{
	int status = listen_at(loop, r, port, err);

	if (status < 0 && port)
		status = listen_at(loop, r, 0, err);
	if (status == 0)
		snprintf(r->uri, sizeof(r->uri), "http://127.0.0.1:%u" PATH,
		         (unsigned)weft__http_server_port(r->server));
	return status;
}

void weft__oauth_receiver_close(struct weft__oauth_receiver *r, bool now)
{
	if (r->server)
		weft__http_server_close(r->server, now);
}
