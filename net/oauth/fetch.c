/* SPDX-License-Identifier: Apache-2.0 */
/* net/oauth/fetch.c - see fetch.h. */
#include "net/oauth/fetch.h"

#include <errno.h>

#include "net/http/message.h"
#include "net/oauth/metadata.h"

static struct weft__oauth_fetch *of_call(struct weft__http_call *call)
{
	return (struct weft__oauth_fetch *)call; /* its first member */
}

static void on_head(struct weft__http_call *call, int status, const struct weft__http_field *fields,
                    uint32_t n)
{
	(void)fields;
	(void)n;
	of_call(call)->answered = status;
}

static void on_body(struct weft__http_call *call, const uint8_t *bytes, size_t len)
{
	weft__secret_put(&of_call(call)->body, (weft_str){(const char *)bytes, len});
}

static void on_done(struct weft__http_call *call, int status)
{
	struct weft__oauth_fetch *f = of_call(call);

	f->busy = false;
	if (status == 0 && f->body.failed)
		status = weft_error_set(&call->error, -ENOMEM, "out of memory");
	f->done(f, status);
}

int weft__oauth_fetch_start(struct weft__loop *loop, struct weft__oauth_fetch *f,
                            const struct weft__oauth_fetch_options *o)
{
	struct weft__http_field fields[3] = {{WEFT_STR("Accept"), WEFT_STR("application/json")}};
	struct weft__http_request req = {
	        .method = o->form.len_bytes ? WEFT_STR("POST") : WEFT_STR("GET"),
	        .url = o->url,
	        .fields = fields,
	        .field_count = 1,
	        .body = o->form,
	        .total_ns = o->total_ns,
	        .body_bytes_max = WEFT__OAUTH_METADATA_BYTES_MAX,
	        /* a code is good once: no connection that may just be closing */
	        .flags = (o->form.len_bytes ? WEFT__HTTP_FRESH : WEFT__HTTP_FOLLOW | WEFT__HTTP_SAME_ORIGIN) |
	                 (o->public_only ? WEFT__HTTP_PUBLIC_ONLY : 0u),
	        .ca_file = o->ca_file,
	        .proxy = o->proxy};
	int r;

	if (o->form.len_bytes)
		fields[req.field_count++] = (struct weft__http_field){WEFT_STR("Content-Type"),
		                                                      o->content_type};
	if (o->authorization.len_bytes)
		fields[req.field_count++] = (struct weft__http_field){WEFT_STR("Authorization"),
		                                                      o->authorization};
	weft__secret_fini(&f->body);
	f->answered = 0;
	f->call.head = on_head;
	f->call.body = on_body;
	f->call.done = on_done;
	r = weft__http_start(loop, &f->call, &req);
	f->busy = r == 0;
	return r;
}

void weft__oauth_fetch_cancel(struct weft__oauth_fetch *f)
{
	if (f->busy)
		weft__http_cancel(&f->call);
}

void weft__oauth_fetch_fini(struct weft__oauth_fetch *f)
{
	weft__secret_fini(&f->body);
}
