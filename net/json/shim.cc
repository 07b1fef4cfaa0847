/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/shim.cc - simdjson behind weft/json.h. The one C++ file of the project.
 *
 * A document is a simdjson parser with its tape, and a padded copy of the text. Making
 * one costs allocations, so documents are kept a thread (at most POOL_DOCS, none
 * that grew past POOL_BYTES_MAX): a small parse allocates nothing once warm. A document
 * may be released on another thread; it then joins that thread's pool.
 *
 * A weft_json is a dom::element: the document and an index into its tape, copied
 * bit by bit. simdjson allocates by operator new; nothing is thrown out of here.
 */
#include <simdjson.h>

#include <cerrno>
#include <cstring>
#include <new>

#include <weft/json.h>

#include "net/json/json.h"

using simdjson::dom::element;
using simdjson::dom::element_type;

namespace {

constexpr std::size_t POOL_DOCS = 16;
constexpr std::size_t POOL_BYTES_MAX = 64u << 10;
constexpr std::size_t DEPTH_MAX = 64;

static_assert(sizeof(element) == sizeof(weft_json), "a value is an element");
static_assert(std::is_trivially_copyable<element>::value, "and is copied as bits");

} // namespace

struct weft_json_doc {
	simdjson::dom::parser parser;
	element root;
	char *text = nullptr; /* padded; from weft_malloc */
	std::size_t len = 0, cap = 0;
	weft_json_doc *next = nullptr;

	~weft_json_doc() { weft_free(text); }
};

namespace {

struct Pool {
	weft_json_doc *free = nullptr;
	std::size_t count = 0;

	~Pool()
	{
		while (free) {
			weft_json_doc *doc = free;

			free = doc->next;
			delete doc;
		}
		count = POOL_DOCS; /* what comes after the thread's end is not kept */
	}
};

thread_local Pool pool;

weft_json_doc *doc_take()
{
	weft_json_doc *doc = pool.free;

	if (doc) {
		pool.free = doc->next;
		pool.count--;
		return doc;
	}
	doc = new (std::nothrow) weft_json_doc;
	if (doc && doc->parser.allocate(4096, DEPTH_MAX) != simdjson::SUCCESS) {
		delete doc;
		return nullptr;
	}
	return doc;
}

bool text_copy(weft_json_doc *doc, weft_str text)
{
	const std::size_t need = text.len_bytes + simdjson::SIMDJSON_PADDING;

	if (need > doc->cap) {
		const std::size_t cap = need < 512 ? 512 : need + need / 4;
		char *more = static_cast<char *>(weft_malloc(cap));

		if (!more)
			return false;
		weft_free(doc->text);
		doc->text = more;
		doc->cap = cap;
	}
	if (text.len_bytes)
		std::memcpy(doc->text, text.ptr, text.len_bytes);
	std::memset(doc->text + text.len_bytes, 0, simdjson::SIMDJSON_PADDING);
	doc->len = text.len_bytes;
	return true;
}

element to_element(weft_json v)
{
	element e;

	std::memcpy(static_cast<void *>(&e), &v, sizeof(e));
	return e;
}

weft_json from_element(const element &e)
{
	weft_json v;

	std::memcpy(&v, static_cast<const void *>(&e), sizeof(v));
	return v;
}

weft_str from_view(std::string_view s)
{
	return weft_str{s.data(), s.size()};
}

int parse_failed(simdjson::error_code code, weft_str text, weft_error *err)
{
	uint32_t line = 0, column = 0;
	const char *what;

	if (code == simdjson::MEMALLOC)
		return -ENOMEM;
	what = weft__json_find_error(text, &line, &column);
	if (code == simdjson::DEPTH_ERROR)
		what = "nested more than 64 deep";
	weft_error_set(err, WEFT_EPARSE, "line %u, column %u: %s", line, column,
	               what ? what : simdjson::error_message(code));
	if (err) {
		err->line = line;
		err->column = column;
	}
	return WEFT_EPARSE;
}

} // namespace

extern "C" {

int weft_json_parse(weft_str text, weft_json_doc **ret_doc, weft_error *err)
{
	weft_json_doc *doc;

	if (!ret_doc || (!text.ptr && text.len_bytes))
		return -EINVAL;
	doc = doc_take();
	if (!doc)
		return -ENOMEM;
	if (!text_copy(doc, text)) {
		weft_json_release(doc);
		return -ENOMEM;
	}
	if (doc->parser.capacity() < text.len_bytes &&
	    doc->parser.allocate(text.len_bytes + text.len_bytes / 4, DEPTH_MAX) != simdjson::SUCCESS) {
		weft_json_release(doc);
		return -ENOMEM;
	}
	const simdjson::error_code code = doc->parser.parse(doc->text, doc->len, false).get(doc->root);

	if (code != simdjson::SUCCESS) {
		weft_json_release(doc);
		return parse_failed(code, text, err);
	}
	*ret_doc = doc;
	return 0;
}

void weft_json_release(weft_json_doc *doc)
{
	if (!doc)
		return;
	if (pool.count >= POOL_DOCS || doc->cap > POOL_BYTES_MAX) {
		delete doc;
		return;
	}
	doc->next = pool.free;
	pool.free = doc;
	pool.count++;
}

weft_json weft_json_root(const weft_json_doc *doc)
{
	return doc ? from_element(doc->root) : weft_json{nullptr, 0};
}

weft_str weft_json_text(const weft_json_doc *doc)
{
	return doc ? weft_str{doc->text, doc->len} : weft_str{nullptr, 0};
}

weft_json_type weft_json_typeof(weft_json v)
{
	if (!v.doc)
		return WEFT_JSON_NONE;
	switch (to_element(v).type()) {
	case element_type::ARRAY:
		return WEFT_JSON_ARRAY;
	case element_type::OBJECT:
		return WEFT_JSON_OBJECT;
	case element_type::INT64:
		return WEFT_JSON_INT;
	case element_type::UINT64: /* over INT64_MAX */
	case element_type::DOUBLE:
		return WEFT_JSON_DOUBLE;
	case element_type::STRING:
		return WEFT_JSON_STRING;
	case element_type::BOOL:
		return WEFT_JSON_BOOL;
	case element_type::NULL_VALUE:
		return WEFT_JSON_NULL;
	}
	return WEFT_JSON_NONE;
}

bool weft_json_get_bool(weft_json v, bool *ret)
{
	return v.doc && to_element(v).get_bool().get(*ret) == simdjson::SUCCESS;
}

bool weft_json_get_int(weft_json v, int64_t *ret)
{
	int64_t n;

	if (weft_json_typeof(v) != WEFT_JSON_INT || to_element(v).get_int64().get(n) != simdjson::SUCCESS)
		return false;
	*ret = n;
	return true;
}

bool weft_json_get_double(weft_json v, double *ret)
{
	double d;

	if (!v.doc || to_element(v).get_double().get(d) != simdjson::SUCCESS)
		return false;
	*ret = d;
	return true;
}

bool weft_json_get_str(weft_json v, weft_str *ret)
{
	std::string_view s;

	if (!v.doc || to_element(v).get_string().get(s) != simdjson::SUCCESS)
		return false;
	*ret = from_view(s);
	return true;
}

size_t weft_json_count(weft_json v)
{
	weft_json_iter it;
	size_t n = 0;

	/* the tape's own count saturates at 2^24 - 1 */
	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);)
		n++;
	return n;
}

weft_json weft_json_find(weft_json v, weft_str key)
{
	weft_json_iter it;

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return weft_json{nullptr, 0};
	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);) {
		if (it.key.len_bytes == key.len_bytes &&
		    (!key.len_bytes || std::memcmp(it.key.ptr, key.ptr, key.len_bytes) == 0))
			return it.value;
	}
	return weft_json{nullptr, 0};
}

/*
 * private_: [0..1] the next place on the tape, [2..3] the end; an object's and an
 * array's iterators are a document and an index too.
 */
using array_iter = simdjson::dom::array::iterator;
using object_iter = simdjson::dom::object::iterator;

static_assert(sizeof(array_iter) == 16 && sizeof(object_iter) == 16, "two words each");

weft_json_iter weft_json_iter_begin(weft_json v)
{
	weft_json_iter it{};
	const weft_json_type type = weft_json_typeof(v);

	if (type == WEFT_JSON_ARRAY) {
		simdjson::dom::array a;

		if (to_element(v).get_array().get(a) == simdjson::SUCCESS) {
			array_iter begin = a.begin(), end = a.end();

			std::memcpy(&it.private_[0], static_cast<void *>(&begin), 16);
			std::memcpy(&it.private_[2], static_cast<void *>(&end), 16);
		}
	} else if (type == WEFT_JSON_OBJECT) {
		simdjson::dom::object o;

		if (to_element(v).get_object().get(o) == simdjson::SUCCESS) {
			object_iter begin = o.begin(), end = o.end();

			std::memcpy(&it.private_[0], static_cast<void *>(&begin), 16);
			std::memcpy(&it.private_[2], static_cast<void *>(&end), 16);
			it.key.ptr = ""; /* says that members follow */
		}
	}
	return it;
}

bool weft_json_iter_next(weft_json_iter *it)
{
	if (!it->private_[0] || it->private_[1] == it->private_[3])
		return false;
	if (it->key.ptr) {
		object_iter at;

		std::memcpy(static_cast<void *>(&at), &it->private_[0], 16);
		it->key = from_view(at.key());
		it->value = from_element(at.value());
		++at;
		std::memcpy(&it->private_[0], static_cast<void *>(&at), 16);
		return true;
	}
	array_iter at;

	std::memcpy(static_cast<void *>(&at), &it->private_[0], 16);
	it->value = from_element(*at);
	++at;
	std::memcpy(&it->private_[0], static_cast<void *>(&at), 16);
	return true;
}

} /* extern "C" */
