/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/exchange.c - answers written: whole ones, and those that come in pieces.
 *
 * A head and a short body go to the stream in one piece. Each piece of a chunked answer is one chunk.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "net/http/connection.h"

#define ONE_PIECE_BYTES (32u << 10)
#define UNSENT_BYTES_MAX (256u << 10) /* of an answer in pieces; the writer waits, then */

static int send_bytes(struct weft__http_connection *c, const void *bytes, size_t len)
{
	int r;

	c->stream.unsent_max = len + (UNSENT_BYTES_MAX << 1); /* a whole answer is as long as it is */
	if (c->stream.unsent_max < WEFT__STREAM_UNSENT_BYTES)
		c->stream.unsent_max = WEFT__STREAM_UNSENT_BYTES;
	r = weft__stream_send(&c->stream, bytes, len);
	if (r == 0)
		c->queued += len;
	return r;
}

/* What the writer has. */
static int send_written(struct weft__http_connection *c)
{
	weft_str text;
	int r = weft__http_writer_text(&c->server->writer, &text);

	return r < 0 ? r : send_bytes(c, text.ptr, text.len_bytes);
}

/* ---- heads ---------------------------------------------------------------------------- */

static void put_two(char *to, int n)
{
	to[0] = (char)('0' + n / 10 % 10);
	to[1] = (char)('0' + n % 10);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", in no locale; once a second. */
static weft_str date(struct weft__http_server *s)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = (time_t)(weft_wall_ms() / 1000);
	struct tm tm;

	if (now != s->date_s && gmtime_r(&now, &tm)) {
		memcpy(s->date, "Ddd, 00 Mmm 0000 00:00:00 GMT", 30);
		memcpy(s->date, days + 3 * tm.tm_wday, 3);
		put_two(s->date + 5, tm.tm_mday);
		memcpy(s->date + 8, months + 3 * tm.tm_mon, 3);
		put_two(s->date + 12, (tm.tm_year + 1900) / 100);
		put_two(s->date + 14, tm.tm_year + 1900);
		put_two(s->date + 17, tm.tm_hour);
		put_two(s->date + 20, tm.tm_min);
		put_two(s->date + 23, tm.tm_sec);
		s->date_s = now;
	}
	return (weft_str){ s->date, s->date_s < 0 ? 0 : 29 };
}

static bool has_no_body(int status)
{
	return status < 200 || status == 204 || status == 304;
}

/* Up to Connection: what says how long the body is comes next. */
static void write_head(struct weft__http_connection *c, int status, const struct weft__http_field *fields, uint32_t count)
{
	struct weft__http_writer *w = &c->server->writer;

	weft__http_writer_reset(w);
	weft__http_write_status(w, status);
	weft__http_write_field(w, WEFT_STR("Date"), date(c->server));
	weft__http_write_fields(w, fields, count);
	if (!c->keep)
		weft__http_write_field(w, WEFT_STR("Connection"), WEFT_STR("close"));
	else if (!c->x.minor)
		weft__http_write_field(w, WEFT_STR("Connection"), WEFT_STR("keep-alive"));
}

/* ---- a whole answer ------------------------------------------------------------------- */

static int respond(struct weft__http_connection *c, int status, const struct weft__http_field *fields, uint32_t count,
                   weft_str body)
{
	struct weft__http_writer *w = &c->server->writer;
	bool without = c->head_only || has_no_body(status), apart = body.len_bytes > ONE_PIECE_BYTES;
	int r;

	c->keep = c->keep && !c->server->closing;
	write_head(c, status, fields, count);
	if (!has_no_body(status))
		weft__http_write_number(w, WEFT_STR("Content-Length"), body.len_bytes);
	weft__http_write_end(w);
	if (!without && !apart)
		weft__http_write_bytes(w, body.ptr, body.len_bytes);
	r = send_written(c);
	if (r == 0 && !without && apart)
		r = send_bytes(c, body.ptr, body.len_bytes);
	return r;
}

int weft__http_respond(struct weft__http_exchange *x, int status, const struct weft__http_field *fields, uint32_t count,
                       weft_str body)
{
	struct weft__http_connection *c = weft__http_connection_of(x);
	int r = respond(c, status, fields, count, body);

	if (r == -EINVAL) {
		c->keep = false;
		(void)respond(c, 500, NULL, 0, WEFT_STR(""));
	} else if (r < 0) {
		weft__http_abort(x);
		return r;
	}
	weft__http_exchange_over(c);
	return r;
}

void weft__http_refuse_request(struct weft__http_connection *c, int status, const char *why)
{
	static const struct weft__http_field text = { { "Content-Type", 12 }, { "text/plain", 10 } };

	c->server->stats.refused++;
	c->keep = false;
	c->head_only = false;
	c->x.minor = 1;
	if (respond(c, status, &text, 1, weft_str_from(why)) < 0)
		weft__http_connection_end(c, true);
	else
		weft__http_exchange_over(c);
}

/* ---- an answer in pieces -------------------------------------------------------------- */

int weft__http_begin(struct weft__http_exchange *x, int status, const struct weft__http_field *fields, uint32_t count)
{
	struct weft__http_connection *c = weft__http_connection_of(x);
	int r;

	c->chunked = x->minor > 0 && !has_no_body(status);
	c->keep = c->keep && x->minor > 0 && !c->server->closing;
	write_head(c, status, fields, count);
	if (c->chunked)
		weft__http_write_field(&c->server->writer, WEFT_STR("Transfer-Encoding"), WEFT_STR("chunked"));
	weft__http_write_end(&c->server->writer);
	r = send_written(c);
	c->begun = r == 0;
	c->head_only = c->head_only || has_no_body(status);
	return r;
}

int weft__http_write(struct weft__http_exchange *x, const void *bytes, size_t len)
{
	struct weft__http_connection *c = weft__http_connection_of(x);
	struct weft__http_writer *w = &c->server->writer;
	char head[WEFT__HTTP_CHUNK_HEAD_BYTES];
	int r;

	if (!len)
		return 0;
	if (c->head_only) {
		weft__http_connection_later(c);
		return 0;
	}
	if (weft__stream_unsent(&c->stream) >= UNSENT_BYTES_MAX)
		return -ENOBUFS;
	weft__http_writer_reset(w);
	if (c->chunked)
		weft__http_write_bytes(w, head, weft__http_chunk_head(head, len));
	weft__http_write_bytes(w, bytes, len);
	if (c->chunked)
		weft__http_write_bytes(w, "\r\n", 2);
	r = send_written(c);
	if (r == 0)
		weft__http_watch_sending(c);
	if (w->cap > 2 * ONE_PIECE_BYTES)
		weft__http_writer_fini(w);
	return r;
}

int weft__http_end(struct weft__http_exchange *x)
{
	struct weft__http_connection *c = weft__http_connection_of(x);
	int r = 0;

	if (c->chunked && !c->head_only)
		r = send_bytes(c, WEFT__HTTP_CHUNK_LAST, sizeof(WEFT__HTTP_CHUNK_LAST) - 1);
	if (r < 0) {
		weft__http_abort(x);
		return r;
	}
	weft__http_exchange_over(c);
	return 0;
}

void weft__http_abort(struct weft__http_exchange *x)
{
	struct weft__http_connection *c = weft__http_connection_of(x);

	c->phase = WEFT__HTTP_LINGERING; /* it is the handler who goes */
	weft__http_connection_end(c, true);
}

size_t weft__http_unsent(const struct weft__http_exchange *x)
{
	return weft__stream_unsent(&weft__http_connection_of(x)->stream);
}
