/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/doc.c - documents: a parser with its tape, and a padded copy of the text.
 *
 * Making one costs several allocations, so each thread keeps those it released (at most
 * POOL_DOCS, none that grew past POOL_BYTES_MAX): a small parse allocates nothing once
 * warm. A document may be released on another thread than it was parsed on; it then
 * joins that thread's pool. The pool goes with its thread.
 */
#include "net/json/json.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "runtime/base/assert.h"

#define POOL_DOCS 16u
#define POOL_BYTES_MAX (64u << 10)
#define TEXT_BYTES_MIN 512u

struct pool {
	weft_json_doc *free;
	uint32_t count;
	bool watched; /* pool_end will be called when this thread ends */
	bool ended;   /* it has been: what comes later is not kept */
};

static __thread struct pool pool;
static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static bool key_made; /* written once, under key_once */

static void doc_destroy(weft_json_doc *doc)
{
	if (!doc)
		return;
	weft__json_parser_destroy(doc->parser);
	weft_free(doc->text);
	weft_free(doc);
}

static void pool_end(void *p)
{
	(void)p;
	pool.ended = true;
	while (pool.free) {
		weft_json_doc *doc = pool.free;

		pool.free = doc->next;
		doc_destroy(doc);
	}
	pool.count = 0;
}

static void key_make(void)
{
	key_made = pthread_key_create(&key, pool_end) == 0;
}

/* A thread that cannot be watched keeps nothing. */
static __attribute__((noinline)) bool pool_watch(void)
{
	if (pool.ended)
		return false;
	pthread_once(&key_once, key_make);
	pool.watched = key_made && pthread_setspecific(key, &pool) == 0;
	return pool.watched;
}

static __attribute__((noinline)) weft_json_doc *doc_create(void)
{
	weft_json_doc *doc = weft_calloc(1, sizeof(*doc));

	if (!doc)
		return NULL;
	doc->parser = weft__json_parser_create();
	if (!doc->parser) {
		weft_free(doc);
		return NULL;
	}
	return doc;
}

static weft_json_doc *doc_take(void)
{
	weft_json_doc *doc = pool.free;

	if (!doc)
		return doc_create();
	pool.free = doc->next;
	pool.count--;
	return doc;
}

/* The text, and the strings that the parser took out of it. */
static __attribute__((noinline)) void wipe(weft_json_doc *doc)
{
	if (doc->text)
		explicit_bzero(doc->text, doc->cap_bytes);
	weft__json_parser_wipe(doc->parser);
	doc->secret = false;
}

void weft_json_release(weft_json_doc *doc)
{
	if (!doc)
		return;
	if (doc->secret)
		wipe(doc);
	if (pool.count >= POOL_DOCS || doc->cap_bytes > POOL_BYTES_MAX || (!pool.watched && !pool_watch()) || pool.ended) {
		doc_destroy(doc);
		return;
	}
	doc->next = pool.free;
	pool.free = doc;
	pool.count++;
}

static int text_copy(weft_json_doc *doc, weft_str text)
{
	size_t need;

	if (__builtin_add_overflow(text.len_bytes, WEFT__JSON_PADDING, &need))
		return -ENOMEM;
	if (need > doc->cap_bytes) {
		size_t cap = need < TEXT_BYTES_MIN ? TEXT_BYTES_MIN : need;
		char *more = weft_malloc(cap);

		if (!more)
			return -ENOMEM;
		weft_free(doc->text);
		doc->text = more;
		doc->cap_bytes = cap;
	}
	if (text.len_bytes)
		memcpy(doc->text, text.ptr, text.len_bytes);
	memset(doc->text + text.len_bytes, 0, WEFT__JSON_PADDING);
	doc->len_bytes = text.len_bytes;
	return 0;
}

/* "line 3, column 7: ..." of a text, "name:3:7: ..." of a file. */
static __attribute__((noinline)) int parse_failed(int why, weft_str text, const char *name, weft_error *err)
{
	const char *what = why == WEFT__JSON_TOO_LONG ? "longer than 4 GiB" : NULL;
	uint32_t line = 1, column = 1;

	if (why == WEFT__JSON_NO_MEMORY)
		return weft_error_set(err, -ENOMEM, "%s%sout of memory", name ? name : "", name ? ": " : "");
	if (!err)
		return WEFT_EPARSE;
	if (!what)
		what = weft__json_find_error(text, &line, &column);
	if (!what)
		what = why == WEFT__JSON_TOO_DEEP ? "nested more than 64 deep" : "not valid JSON";
	if (name)
		weft_error_set(err, WEFT_EPARSE, "%s:%u:%u: %s", name, line, column, what);
	else
		weft_error_set(err, WEFT_EPARSE, "line %u, column %u: %s", line, column, what);
	err->line = line;
	err->column = column;
	return WEFT_EPARSE;
}

static inline int parse(weft_str text, const char *name, bool secret, weft_json_doc **ret_doc, weft_error *err)
{
	weft_json_doc *doc = doc_take();
	int r;

	if (!doc)
		return parse_failed(WEFT__JSON_NO_MEMORY, text, name, err);
	doc->secret = secret;
	r = text_copy(doc, text) < 0 ? WEFT__JSON_NO_MEMORY : weft__json_parser_run(doc);
	if (r != WEFT__JSON_OK) {
		weft_json_release(doc);
		return parse_failed(r, text, name, err);
	}
	*ret_doc = doc;
	return 0;
}

int weft_json_parse(weft_str text, weft_json_doc **ret_doc, weft_error *err)
{
	WEFT_RETURN_IF(!ret_doc || (!text.ptr && text.len_bytes), -EINVAL);
	return parse(text, NULL, false, ret_doc, err);
}

int weft__json_parse_secret(weft_str text, const char *name, weft_json_doc **ret_doc, weft_error *err)
{
	return parse(text, name, true, ret_doc, err);
}

weft_json weft_json_root(const weft_json_doc *doc)
{
	return doc ? (weft_json){ doc, 1 } : (weft_json){ NULL, 0 };
}

weft_str weft_json_text(const weft_json_doc *doc)
{
	return doc ? (weft_str){ doc->text, doc->len_bytes } : (weft_str){ NULL, 0 };
}
