/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/write.h - heads of HTTP/1.1 messages, written into memory that grows.
 *
 * Nothing that could end a line or begin another gets through: a name is a token (RFC 9110), a value has no
 * controls but tabs, a target no blanks. Errors stick: check weft__http_writer_text once at the end.
 */
#ifndef WEFT_NET_HTTP_WRITE_H
#define WEFT_NET_HTTP_WRITE_H

#include "net/http/message.h"

/* A zeroed one is empty and ready. */
struct weft__http_writer {
	char *ptr; /* owned */
	size_t len, cap;
	int status; /* 0, -EINVAL (something that may not stand in a head), -ENOMEM */
};

void weft__http_writer_fini(struct weft__http_writer *w);

/* Forget what was written, and errors; keeps the memory. */
void weft__http_writer_reset(struct weft__http_writer *w);

/* "GET /v1/models HTTP/1.1". target: as weft__url's path_query, a missing "/" is added; "*" and, for CONNECT, host:port as they are. */
void weft__http_write_request(struct weft__http_writer *w, weft_str method, weft_str target);

/* "HTTP/1.1 200 OK". status: 100 to 999. */
void weft__http_write_status(struct weft__http_writer *w, int status);

void weft__http_write_field(struct weft__http_writer *w, weft_str name, weft_str value);
void weft__http_write_number(struct weft__http_writer *w, weft_str name, uint64_t value);
void weft__http_write_fields(struct weft__http_writer *w, const struct weft__http_field *fields, uint32_t count);

/* The empty line that ends a head. */
void weft__http_write_end(struct weft__http_writer *w);

/* As it is: a body behind its head. */
void weft__http_write_bytes(struct weft__http_writer *w, const void *bytes, size_t len);

/* 0 and what was written, valid until the next write; or the first error. */
int weft__http_writer_text(const struct weft__http_writer *w, weft_str *ret_text);

#define WEFT__HTTP_CHUNK_HEAD_BYTES 18u
#define WEFT__HTTP_CHUNK_LAST "0\r\n\r\n"

/* What stands before len bytes of a chunk ("1f4\r\n"; behind them stands "\r\n"). len > 0. Returns how long it is. */
size_t weft__http_chunk_head(char to[WEFT__HTTP_CHUNK_HEAD_BYTES], size_t len);

#endif
