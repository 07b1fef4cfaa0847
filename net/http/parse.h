/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/http/parse.h - HTTP/1.1 and 1.0 messages out of a stream of bytes (RFC 9112), strictly.
 *
 * One parser a direction of a connection. Bytes are fed as they come, in any pieces; how they were cut makes no
 * difference to what is told. What two programs on one connection could read in two ways is refused, not guessed
 * at: a line that ends in LF alone, a CR elsewhere, Content-Length beside Transfer-Encoding or twice, a folded
 * line, blanks before a colon, a chunk size that is not plain hex, a transfer coding other than chunked.
 *
 *     start line, fields --head--> body --body, body, ...--> end, done = true
 *
 * A head that arrives in one piece is not copied: its strings point into the fed bytes. One that arrives in pieces
 * is gathered in memory of the parser's. A line is judged once it is complete.
 *
 * Answers of 1xx before the real one are told by sink->info, or left out when there is none. 101 is refused: nobody
 * here asks for another protocol. A request may ask for one (Upgrade); it is answered as if it had not.
 * The fields of a trailer are checked and dropped.
 */
#ifndef WEFT_NET_HTTP_PARSE_H
#define WEFT_NET_HTTP_PARSE_H

#include "net/http/message.h"

enum { WEFT__HTTP_REQUEST, WEFT__HTTP_RESPONSE };

/* What an answer is to: those to HEAD, and a 2xx to CONNECT, have no body whatever their fields say. */
enum { WEFT__HTTP_ANSWER, WEFT__HTTP_ANSWER_TO_HEAD, WEFT__HTTP_ANSWER_TO_CONNECT };

#define WEFT__HTTP_LENGTH_UNKNOWN UINT64_MAX

struct weft__http_parser;

/*
 * Told in the order head, body (any number of times), end. A negative return stops the parse with that value at
 * once: the parser is not touched any more, so a sink may have ended it. Any but head may be NULL.
 */
struct weft__http_sink {
	int (*head)(struct weft__http_parser *p, void *user); /* the strings are valid during this call only */
	int (*body)(struct weft__http_parser *p, const uint8_t *bytes, size_t len, void *user); /* len > 0, chunking taken off */
	int (*end)(struct weft__http_parser *p, void *user);
	int (*info)(struct weft__http_parser *p, void *user); /* a head of 100, 102, ...: as head */
};

struct weft__http_parser {
	/* Of the head, from sink->head on. */
	weft_str method, target;                /* of a request; "" in an answer. As the fields: valid within sink->head */
	weft_str reason;                        /* of an answer; may be empty */
	struct weft__http_field *fields;
	uint32_t field_count;
	uint16_t status;                        /* of an answer, 100 to 999; 0 in a request */
	uint8_t minor;                          /* HTTP/1.<minor>: 0 or 1 */
	bool keep_alive;                        /* another message may follow on this connection; final at the end */
	bool chunked;
	bool expect_continue;                   /* the request waits for "100 Continue" before its body */
	bool done;                              /* the message ended; the bytes behind it were not used */
	uint64_t content_length;                /* of the body to come; 0: none, WEFT__HTTP_LENGTH_UNKNOWN: chunked, or until the end */
	uint64_t body_bytes;                    /* told so far */
	struct weft__http_limits limits;        /* those of body_bytes may be changed in sink->head */
	const char *error;                      /* what was wrong, static; NULL as long as nothing was */

	/* private */
	const struct weft__http_sink *sink;
	void *user;
	uint8_t *head;                          /* owned: the head so far, when it came in pieces */
	uint32_t head_len, head_cap, line_at;   /* line_at: where in it the line begins that is not complete */
	uint32_t field_cap, infos, extension_bytes;
	uint64_t left;                          /* of the body or the chunk */
	uint8_t kind, state, answer_to, chunk_digits;
	uint8_t seen;                           /* which fields of framing there were */
};

/* sink is the caller's and outlives the parser. limits is copied; NULL: all defaults. Cannot fail, allocates nothing. */
void weft__http_parser_init(struct weft__http_parser *p, int kind, const struct weft__http_limits *limits,
                            const struct weft__http_sink *sink, void *user);
void weft__http_parser_fini(struct weft__http_parser *p);

/* After done: begin with the next message of the connection. Keeps limits, sink and memory. */
void weft__http_parser_next(struct weft__http_parser *p);

/* What the next answer is to: WEFT__HTTP_ANSWER_TO_HEAD, ... Before its first byte; holds until weft__http_parser_next. */
void weft__http_parser_expect(struct weft__http_parser *p, int answer_to);

/* Has a byte of the message come? An idle connection may be closed, a begun message is cut off. */
bool weft__http_parser_begun(const struct weft__http_parser *p);

/* Was the head told, and the end not? */
bool weft__http_parser_in_body(const struct weft__http_parser *p);

/*
 * Feed bytes. 0: all of them were used, or the message is done and *ret_used says where it ended. Else p->error says
 * what was wrong, and the parser takes no more:
 *   -EBADMSG          not what RFC 9112 says
 *   -EMSGSIZE         over a limit (head, fields, body)
 *   -EPROTONOSUPPORT  HTTP/2 and later, a transfer coding other than chunked, 101
 *   -ENOMEM           the head could not be gathered
 *   what a sink returned
 */
int weft__http_parse(struct weft__http_parser *p, const uint8_t *bytes, size_t len, size_t *ret_used);

/*
 * The connection ended. 0: nothing was missing (between two messages, or a body that ends so: end is told and
 * done set now). -ECONNRESET: in the middle. What sink->end returned.
 */
int weft__http_parse_eof(struct weft__http_parser *p);

/* The status a server answers with when weft__http_parse of a request gave error: 400, 413, 431, 501, 505, 500. */
int weft__http_parse_status(const struct weft__http_parser *p, int error);

#endif
