/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/client/redirect.c - where an answer points, and what goes there.
 *
 * A request that may be redirected is copied once, into an arena, and changed there from step to step: another
 * address, sometimes another method, and fewer fields, since what proves who we are is for one origin only.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <weft/alloc.h>

#include "net/http/client/parts.h"

#define STEPS_MAX 10u

struct weft__http_redirect {
	weft_arena *arena; /* owned; all strings below are in it */
	struct weft__http_request req;
	struct weft__http_field *fields;
	uint32_t steps;
};

/* ---- joining addresses ------------------------------------------------------------------------------ */

/* RFC 3986, 5.2.4: take "." and ".." out of path, in place. Its new length. */
static size_t remove_dots(char *path, size_t len)
{
	size_t out = 0, at = 0;

	while (at < len) { /* at a slash each time */
		size_t end = at + 1;

		while (end < len && path[end] != '/')
			end++;
		if (end - at == 2 && path[at + 1] == '.') {
			if (end == len)
				path[out++] = '/';
		} else if (end - at == 3 && path[at + 1] == '.' && path[at + 2] == '.') {
			while (out > 0 && path[--out] != '/')
				;
			if (end == len)
				path[out++] = '/';
		} else {
			memmove(path + out, path + at, end - at);
			out += end - at;
		}
		at = end;
	}
	return out;
}

static size_t span(weft_str s, const char *until)
{
	size_t n = 0;

	while (n < s.len_bytes && !strchr(until, s.ptr[n]))
		n++;
	return n;
}

static bool has_scheme(weft_str s)
{
	size_t n = span(s, ":/?#");

	return n > 0 && n < s.len_bytes && s.ptr[n] == ':';
}

/* "scheme://host:port" */
static size_t origin_len(weft_str base)
{
	weft_str rest = {base.ptr, base.len_bytes};
	size_t scheme = span(rest, ":") + 3;

	if (scheme > base.len_bytes)
		return base.len_bytes;
	rest = (weft_str){base.ptr + scheme, base.len_bytes - scheme};
	return scheme + span(rest, "/?#");
}

char *weft__http_url_join(weft_str base, weft_str ref)
{
	size_t origin = origin_len(base), path, keep, len, start;
	char *url = weft_malloc(base.len_bytes + ref.len_bytes + 3);
	weft_str rest = {base.ptr + origin, base.len_bytes - origin};

	if (!url)
		return NULL;
	if (has_scheme(ref)) { /* an address of its own */
		memcpy(url, ref.ptr, ref.len_bytes);
		url[ref.len_bytes] = '\0';
		return url;
	}
	if (ref.len_bytes >= 2 && ref.ptr[0] == '/' && ref.ptr[1] == '/') { /* all but the scheme */
		keep = span(base, ":") + 1;
		memcpy(url, base.ptr, keep);
		memcpy(url + keep, ref.ptr, ref.len_bytes);
		url[keep + ref.len_bytes] = '\0';
		return url;
	}
	memcpy(url, base.ptr, base.len_bytes);
	len = origin;
	path = span(rest, "?#");
	if (ref.len_bytes == 0 || ref.ptr[0] == '#') { /* the same again */
		keep = span(rest, "#");
		len += keep;
	} else if (ref.ptr[0] == '?') {
		len += path;
	} else if (ref.ptr[0] != '/') { /* beside the last part of the path */
		while (path > 0 && rest.ptr[path - 1] != '/')
			path--;
		len += path;
		if (path == 0)
			url[len++] = '/';
	}
	memcpy(url + len, ref.ptr, ref.len_bytes);
	len += ref.len_bytes;
	start = origin;
	rest = (weft_str){url + start, len - start};
	path = span(rest, "?#");
	keep = remove_dots(url + start, path);
	memmove(url + start + keep, url + start + path, len - start - path);
	url[len - path + keep] = '\0';
	return url;
}

/* ---- the copy ---------------------------------------------------------------------------------------------- */

static bool copy_str(weft_arena *arena, weft_str from, weft_str *to)
{
	*to = weft_arena_dup(arena, from);
	return to->ptr != NULL;
}

static bool copy_text(weft_arena *arena, const char *from, const char **to)
{
	weft_str text;

	if (!from)
		return true;
	if (!copy_str(arena, weft_str_from(from), &text))
		return false;
	*to = text.ptr;
	return true;
}

static bool copy_request(struct weft__http_redirect *r, const struct weft__http_request *req)
{
	weft_arena *a = r->arena;
	bool ok = copy_str(a, req->method, &r->req.method) && copy_str(a, req->url, &r->req.url) &&
	          copy_str(a, req->body, &r->req.body) && copy_text(a, req->ca_file, &r->req.ca_file) &&
	          copy_text(a, req->proxy, &r->req.proxy);

	r->fields = weft_arena_calloc(a, (req->field_count + 1) * sizeof(*r->fields));
	r->req.fields = r->fields;
	for (uint32_t i = 0; ok && r->fields && i < req->field_count; i++)
		ok = copy_str(a, req->fields[i].name, &r->fields[i].name) &&
		     copy_str(a, req->fields[i].value, &r->fields[i].value);
	return ok && r->fields;
}

struct weft__http_redirect *weft__http_redirect_new(const struct weft__http_request *req)
{
	struct weft__http_redirect *r = weft_calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->req = *req;
	if (weft_arena_create(0, &r->arena) < 0 || !copy_request(r, req)) {
		weft__http_redirect_free(r);
		return NULL;
	}
	return r;
}

/* A field's value may be a key; the bytes are ours, in the arena. */
static void wipe(const struct weft__http_field *field)
{
	explicit_bzero((void *)(uintptr_t)field->value.ptr, field->value.len_bytes);
}

void weft__http_redirect_free(struct weft__http_redirect *redirect)
{
	if (!redirect)
		return;
	for (uint32_t i = 0; redirect->fields && i < redirect->req.field_count; i++) {
		if (redirect->fields[i].value.ptr) /* a copy that ran out of memory has not all of them */
			wipe(&redirect->fields[i]);
	}
	weft_arena_destroy(redirect->arena);
	weft_free(redirect);
}

/*
 * ---- the next request
 * --------------------------------------------------------------------------------------------
 */

static bool is_redirection(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool is_of_body(weft_str name)
{
	return name.len_bytes >= 8 && strncasecmp(name.ptr, "Content-", 8) == 0;
}

/* A caller's field may prove who asks under any name, so these alone go to a stranger. */
static bool is_harmless(weft_str name)
{
	return is_of_body(name) || weft__http_name_eq(name, WEFT_STR("Accept")) ||
	       weft__http_name_eq(name, WEFT_STR("User-Agent"));
}

/* Not what is meant for another origin, nor what speaks of a body that is not sent any more. */
static void keep_fields(struct weft__http_redirect *r, bool same_origin, bool same_body)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < r->req.field_count; i++) {
		weft_str name = r->fields[i].name;

		if ((!same_origin && !is_harmless(name)) || (!same_body && is_of_body(name))) {
			wipe(&r->fields[i]);
			continue;
		}
		r->fields[kept++] = r->fields[i];
	}
	r->req.field_count = kept;
}

static bool becomes_get(int status, weft_str method)
{
	if (status == 303)
		return !weft_str_eq(method, WEFT_STR("HEAD"));
	return status <= 302 && weft_str_eq(method, WEFT_STR("POST"));
}

static int go_to(struct weft__http_redirect *r, weft_str to, int status, weft_error *err)
{
	struct weft__url from_url, to_url;
	bool get = becomes_get(status, r->req.method), same_origin;
	int e;

	e = weft__url_parse(to, &to_url, NULL);
	if (e < 0 || weft__url_parse(r->req.url, &from_url, NULL) < 0)
		return weft_error_set(err, -EBADMSG, "the answer redirects to what is no address");
	if (from_url.tls && !to_url.tls)
		return weft_error_set(err, -EACCES, "the answer redirects from https to http");
	same_origin = weft__url_same_origin(&from_url, &to_url);
	if (!same_origin && r->req.flags & WEFT__HTTP_SAME_ORIGIN)
		return weft_error_set(err, -EACCES, "the answer redirects to another origin");
	keep_fields(r, same_origin, !get);
	r->req.url = to;
	if (get) {
		r->req.method = WEFT_STR("GET");
		r->req.body = (weft_str){NULL, 0};
	}
	return 1;
}

int weft__http_redirect_look(struct weft__http_redirect *r, int status, const struct weft__http_field *fields,
                             uint32_t n, weft_error *err)
{
	weft_str location = weft__http_find(fields, n, WEFT_STR("Location")), to;
	char *url;

	if (!is_redirection(status) || !location.ptr)
		return 0;
	if (++r->steps > STEPS_MAX)
		return weft_error_set(err, -ELOOP, "more than %u redirections", STEPS_MAX);
	url = weft__http_url_join(r->req.url, location);
	to = url ? weft_arena_dup(r->arena, weft_str_from(url)) : (weft_str){NULL, 0};
	weft_free(url);
	if (!to.ptr)
		return weft_error_set(err, -ENOMEM, "no memory for a redirection");
	return go_to(r, to, status, err);
}

const struct weft__http_request *weft__http_redirect_next(struct weft__http_redirect *redirect)
{
	return &redirect->req;
}
