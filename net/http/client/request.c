/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/client/request.c - a request as the bytes that are sent: head and body in one piece.
 *
 * Framing is ours alone: what a caller could say about it would have to agree with what is sent.
 */
#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "net/http/client/parts.h"
#include "net/http/write.h"

#define FIELDS_MAX 256u

bool weft__http_method_repeats(weft_str method)
{
	static const weft_str methods[] = {{"GET", 3},   {"HEAD", 4}, {"OPTIONS", 7},
	                                   {"TRACE", 5}, {"PUT", 3},  {"DELETE", 6}};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (weft_str_eq(method, methods[i]))
			return true;
	}
	return false;
}

static bool is_ours(weft_str name)
{
	static const weft_str names[] = {{"Host", 4},
	                                 {"Content-Length", 14},
	                                 {"Transfer-Encoding", 17},
	                                 {"Connection", 10},
	                                 {"TE", 2},
	                                 {"Upgrade", 7},
	                                 {"Expect", 6},
	                                 {"Proxy-Authorization", 19},
	                                 {"Keep-Alive", 10},
	                                 {"Trailer", 7}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (weft__http_name_eq(name, names[i]))
			return true;
	}
	return false;
}

static int check_fields(const struct weft__http_request *req, weft_error *err)
{
	if (req->field_count > FIELDS_MAX)
		return weft_error_set(err, -E2BIG, "more than %u fields", FIELDS_MAX);
	for (uint32_t i = 0; i < req->field_count; i++) {
		if (is_ours(req->fields[i].name))
			return weft_error_set(err, -EINVAL, "the field %.*s is not the caller's to set",
			                      WEFT_STR_ARG(req->fields[i].name));
	}
	return 0;
}

static void unless_given(struct weft__http_writer *w, const struct weft__http_request *req, weft_str name,
                         weft_str value)
{
	if (!weft__http_find(req->fields, req->field_count, name).ptr)
		weft__http_write_field(w, name, value);
}

static bool has_length(const struct weft__http_request *req)
{
	return req->body.len_bytes || weft_str_eq(req->method, WEFT_STR("POST")) ||
	       weft_str_eq(req->method, WEFT_STR("PUT")) || weft_str_eq(req->method, WEFT_STR("PATCH"));
}

/* "http://host:port/path?query": what a proxy is asked for. */
static void write_absolute(struct weft__http_writer *w, const struct weft__http_request *req,
                           const struct weft__url *url)
{
	struct weft__http_writer target = {.ptr = NULL};
	weft_str text = {NULL, 0};

	weft__http_write_bytes(&target, "http://", 7);
	weft__http_write_bytes(&target, url->authority.ptr, url->authority.len_bytes);
	if (weft__url_target_slash(url))
		weft__http_write_bytes(&target, "/", 1);
	weft__http_write_bytes(&target, url->path_query.ptr, url->path_query.len_bytes);
	if (weft__http_writer_text(&target, &text) == 0)
		weft__http_write_request(w, req->method, text);
	else
		w->status = target.status;
	weft__http_writer_fini(&target);
}

static void write_head(struct weft__http_writer *w, const struct weft__http_request *req,
                       const struct weft__url *url, const struct weft__proxy *proxy)
{
	if (proxy)
		write_absolute(w, req, url);
	else
		weft__http_write_request(w, req->method, url->path_query);
	weft__http_write_field(w, WEFT_STR("Host"), url->authority);
	weft__http_write_fields(w, req->fields, req->field_count);
	unless_given(w, req, WEFT_STR("User-Agent"), WEFT_STR("weft/" WEFT_VERSION));
	unless_given(w, req, WEFT_STR("Accept"), WEFT_STR("*/*"));
	if (!(req->flags & WEFT__HTTP_AS_SENT) && weft__inflate_available())
		unless_given(w, req, WEFT_STR("Accept-Encoding"), WEFT_STR("gzip, deflate"));
	if (req->flags & WEFT__HTTP_FRESH)
		weft__http_write_field(w, WEFT_STR("Connection"), WEFT_STR("close"));
	if (proxy && proxy->authorization)
		weft__http_write_field(w, WEFT_STR("Proxy-Authorization"),
		                       weft_str_from(proxy->authorization));
	if (has_length(req))
		weft__http_write_number(w, WEFT_STR("Content-Length"), req->body.len_bytes);
	weft__http_write_end(w);
}

static int join(const struct weft__http_writer *head, weft_str body, char **ret_bytes, size_t *ret_len)
{
	char *bytes = weft_malloc(head->len + body.len_bytes);

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, head->ptr, head->len);
	if (body.len_bytes)
		memcpy(bytes + head->len, body.ptr, body.len_bytes);
	*ret_bytes = bytes;
	*ret_len = head->len + body.len_bytes;
	return 0;
}

int weft__http_request_write(const struct weft__http_request *req, const struct weft__url *url,
                             const struct weft__proxy *absolute_for, char **ret_bytes, size_t *ret_len,
                             weft_error *err)
{
	struct weft__http_writer w = {.ptr = NULL};
	int r = check_fields(req, err);

	if (r < 0)
		return r;
	if (req->body.len_bytes > WEFT__HTTP_REQUEST_BODY_BYTES_MAX)
		return weft_error_set(err, -E2BIG, "the request's body is larger than %llu bytes",
		                      (unsigned long long)WEFT__HTTP_REQUEST_BODY_BYTES_MAX);
	write_head(&w, req, url, absolute_for);
	if (w.status == -EINVAL)
		r = weft_error_set(err, -EINVAL,
		                   "the method or a field of the request holds what may not stand there");
	else if (w.status == 0 && w.len > WEFT__HTTP_REQUEST_HEAD_BYTES_MAX)
		r = weft_error_set(err, -E2BIG, "the request's head is larger than %u bytes",
		                   WEFT__HTTP_REQUEST_HEAD_BYTES_MAX);
	else if (w.status < 0 || join(&w, req->body, ret_bytes, ret_len) < 0)
		r = weft_error_set(err, -ENOMEM, "no memory for a request");
	weft__http_writer_fini(&w);
	return r;
}
