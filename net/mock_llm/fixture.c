/* SPDX-License-Identifier: Apache-2.0 */
/* net/mock_llm/fixture.c - members read by tables of their names, so that one that is not known is told. */
#include "net/mock_llm/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weft/alloc.h>

#define ENTRIES_MAX 100000u

struct reading {
	const char *path;
	struct weft__fixture *fixture;
	weft_error *err;
	char place[64]; /* JSON pointer of the object that is being read */
};

static int wrong(struct reading *r, weft_str key, const char *what)
{
	char pointer[160];
	uint32_t line = 0, column = 0;

	snprintf(pointer, sizeof(pointer), "%s/%.*s", r->place, key.len_bytes < 80 ? (int)key.len_bytes : 80, key.ptr);
	weft_json_locate(weft_json_text(r->fixture->doc), weft_str_from(pointer), &line, &column);
	weft_error_set(r->err, WEFT_ECONFIG, "%s:%u: %s: %s", r->path, line, pointer, what);
	if (r->err) {
		r->err->line = line;
		r->err->column = column;
	}
	return WEFT_ECONFIG;
}

/* One member that an object may have. */
struct member {
	const char *name;
	enum { STRING, COUNT, BOOL, CALLS, DROP, OBJECT } kind;
	void *to;
	int (*read)(struct reading *r, weft_json v, struct weft__fixture_entry *e); /* OBJECT */
};

static int read_drop(struct reading *r, weft_str key, weft_json v, int *ret)
{
	weft_str s;

	if (weft_json_get_str(v, &s) && weft_str_eq(s, WEFT_STR("before")))
		*ret = WEFT__DROP_BEFORE;
	else if (weft_json_get_str(v, &s) && weft_str_eq(s, WEFT_STR("middle")))
		*ret = WEFT__DROP_MIDDLE;
	else
		return wrong(r, key, "want \"before\" or \"middle\"");
	return 0;
}

static int read_calls(struct reading *r, weft_str key, weft_json v, weft_json *ret)
{
	weft_json_iter it = weft_json_iter_begin(v);
	weft_str s;

	if (weft_json_typeof(v) != WEFT_JSON_ARRAY)
		return wrong(r, key, "want a list of {name, arguments}");
	while (weft_json_iter_next(&it)) {
		weft_json id = weft_json_find(it.value, WEFT_STR("id"));

		if (!weft_json_get_str(weft_json_find(it.value, WEFT_STR("name")), &s) ||
		    weft_json_typeof(weft_json_find(it.value, WEFT_STR("arguments"))) == WEFT_JSON_NONE ||
		    (weft_json_typeof(id) != WEFT_JSON_NONE && !weft_json_get_str(id, &s)))
			return wrong(r, key, "a call wants a name and arguments");
	}
	*ret = v;
	return 0;
}

static int read_member(struct reading *r, const struct member *m, weft_str key, weft_json v, struct weft__fixture_entry *e)
{
	int64_t n;
	bool b;

	switch (m->kind) {
	case STRING:
		return weft_json_get_str(v, m->to) ? 0 : wrong(r, key, "want a string");
	case COUNT:
		if (!weft_json_get_int(v, &n) || n < 0 || n > 1000000000)
			return wrong(r, key, "want a whole number, 0 or more");
		*(uint64_t *)m->to = (uint64_t)n;
		return 0;
	case BOOL:
		if (!weft_json_get_bool(v, &b))
			return wrong(r, key, "want true or false");
		*(int *)m->to = b;
		return 0;
	case CALLS:
		return read_calls(r, key, v, m->to);
	case DROP:
		return read_drop(r, key, v, m->to);
	default:
		return weft_json_typeof(v) == WEFT_JSON_OBJECT ? m->read(r, v, e) : wrong(r, key, "want an object");
	}
}

static int read_object(struct reading *r, weft_json object, const struct member *members, size_t count,
                       struct weft__fixture_entry *e)
{
	weft_json_iter it = weft_json_iter_begin(object);

	while (weft_json_iter_next(&it)) {
		size_t i = 0;
		int status;

		while (i < count && !weft_str_eq(it.key, weft_str_from(members[i].name)))
			i++;
		if (i == count)
			return wrong(r, it.key, "there is no such member");
		status = read_member(r, &members[i], it.key, it.value, e);
		if (status < 0)
			return status;
	}
	return 0;
}

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Its place is one deeper meanwhile. */
static int read_inner(struct reading *r, const char *name, weft_json v, const struct member *members, size_t count,
                      struct weft__fixture_entry *e)
{
	size_t len = strlen(r->place);
	int status;

	snprintf(r->place + len, sizeof(r->place) - len, "/%s", name);
	status = read_object(r, v, members, count, e);
	r->place[len] = '\0';
	return status;
}

static int read_match(struct reading *r, weft_json v, struct weft__fixture_entry *e)
{
	const struct member members[] = {
		{ "user", STRING, &e->user, NULL },
		{ "user_contains", STRING, &e->user_contains, NULL },
		{ "tool_result", STRING, &e->tool_result, NULL },
		{ "tool_result_contains", STRING, &e->tool_result_contains, NULL },
		{ "system_contains", STRING, &e->system_contains, NULL },
		{ "model", STRING, &e->model, NULL },
		{ "turn", COUNT, &e->turn, NULL },
		{ "stream", BOOL, &e->stream, NULL },
	};

	return read_inner(r, "match", v, members, COUNT_OF(members), e);
}

static int read_error(struct reading *r, weft_json v, struct weft__fixture_entry *e)
{
	uint64_t status = 500;
	const struct member members[] = {
		{ "status", COUNT, &status, NULL },
		{ "message", STRING, &e->error_message, NULL },
		{ "type", STRING, &e->error_type, NULL },
		{ "code", STRING, &e->error_code, NULL },
		{ "retry_after_s", COUNT, &e->retry_after_s, NULL },
	};
	int result = read_inner(r, "error", v, members, COUNT_OF(members), e);

	if (result == 0 && (status < 400 || status > 599))
		return wrong(r, WEFT_STR("error"), "a status is from 400 to 599");
	e->status = (int)status;
	return result;
}

static int read_entry(struct reading *r, weft_json v, struct weft__fixture_entry *e)
{
	const struct member members[] = {
		{ "match", OBJECT, NULL, read_match },
		{ "times", COUNT, &e->times, NULL },
		{ "text", STRING, &e->text, NULL },
		{ "reasoning", STRING, &e->reasoning, NULL },
		{ "tool_calls", CALLS, &e->tool_calls, NULL },
		{ "finish_reason", STRING, &e->finish, NULL },
		{ "error", OBJECT, NULL, read_error },
		{ "delay_ms", COUNT, &e->delay_ms, NULL },
		{ "disconnect", DROP, &e->drop, NULL },
	};

	e->stream = -1;
	if (weft_json_typeof(v) != WEFT_JSON_OBJECT)
		return wrong(r, WEFT_STR(""), "want an object");
	return read_object(r, v, members, COUNT_OF(members), e);
}

static int read_answers(struct reading *r, weft_json answers)
{
	weft_json_iter it = weft_json_iter_begin(answers);
	size_t count = weft_json_count(answers);
	int status = 0;

	if (weft_json_typeof(answers) != WEFT_JSON_ARRAY || count > ENTRIES_MAX)
		return wrong(r, WEFT_STR("answers"), "want a list");
	r->fixture->entries = weft_calloc(count ? count : 1, sizeof(r->fixture->entries[0]));
	if (!r->fixture->entries)
		return weft_error_set(r->err, -ENOMEM, "%s: no memory", r->path);
	while (status == 0 && weft_json_iter_next(&it)) {
		snprintf(r->place, sizeof(r->place), "/answers/%u", r->fixture->count);
		status = read_entry(r, it.value, &r->fixture->entries[r->fixture->count++]);
	}
	r->place[0] = '\0';
	return status;
}

static int read_models(struct reading *r, weft_json models)
{
	weft_json_iter it = weft_json_iter_begin(models);
	weft_str s;

	if (weft_json_typeof(models) != WEFT_JSON_ARRAY)
		return wrong(r, WEFT_STR("models"), "want a list of names");
	while (weft_json_iter_next(&it)) {
		if (!weft_json_get_str(it.value, &s))
			return wrong(r, WEFT_STR("models"), "want a list of names");
	}
	r->fixture->models = models;
	return 0;
}

static int read_file(struct reading *r)
{
	weft_json root = weft_json_root(r->fixture->doc);
	weft_json_iter it = weft_json_iter_begin(root);
	int status = 0;

	if (weft_json_typeof(root) != WEFT_JSON_OBJECT)
		return wrong(r, WEFT_STR(""), "want an object");
	while (status == 0 && weft_json_iter_next(&it)) {
		if (weft_str_eq(it.key, WEFT_STR("answers")))
			status = r->fixture->entries ? 0 : read_answers(r, it.value);
		else if (weft_str_eq(it.key, WEFT_STR("models")))
			status = read_models(r, it.value);
		else
			status = wrong(r, it.key, "there is no such member");
	}
	return status;
}

int weft__fixture_open(const char *path, struct weft__fixture *ret, weft_error *err)
{
	struct weft__fixture f = { .count = 0 };
	struct reading r = { .path = path, .fixture = &f, .err = err };
	int status = weft_json_parse_file(path, &f.doc, err);

	if (status < 0)
		return status;
	status = read_file(&r);
	if (status < 0)
		weft__fixture_close(&f);
	else
		*ret = f;
	return status;
}

void weft__fixture_close(struct weft__fixture *f)
{
	weft_free(f->entries);
	weft_json_release(f->doc);
	*f = (struct weft__fixture){ .count = 0 };
}

static bool is_or_any(weft_str wanted, weft_str s)
{
	return !wanted.ptr || (s.ptr && weft_str_eq(wanted, s));
}

static bool contains(weft_str s, weft_str part)
{
	return !part.ptr || (s.ptr && memmem(s.ptr, s.len_bytes, part.ptr, part.len_bytes));
}

static bool fits(const struct weft__fixture_entry *e, const struct weft__fixture_question *q)
{
	return is_or_any(e->user, q->user) && contains(q->user, e->user_contains) && is_or_any(e->tool_result, q->tool_result) &&
	       contains(q->tool_result, e->tool_result_contains) && contains(q->system, e->system_contains) &&
	       is_or_any(e->model, q->model) && (!e->turn || e->turn == q->turn) && (e->stream < 0 || e->stream == q->stream);
}

/* False: it was used as often as it may be. */
static bool use(struct weft__fixture_entry *e)
{
	uint64_t used = weft__load_relaxed(&e->used); /* relaxed: a count, nothing is published by it */

	if (!e->times)
		return true;
	while (used < e->times) {
		if (weft__cas_acq_rel(&e->used, &used, used + 1))
			return true;
	}
	return false;
}

const struct weft__fixture_entry *weft__fixture_find(struct weft__fixture *f, const struct weft__fixture_question *q)
{
	for (uint32_t i = 0; i < f->count; i++) {
		if (fits(&f->entries[i], q) && use(&f->entries[i]))
			return &f->entries[i];
	}
	return NULL;
}

bool weft__fixture_has_model(const struct weft__fixture *f, weft_str name)
{
	weft_json_iter it = weft_json_iter_begin(f->models);
	weft_str s;

	if (weft_json_typeof(f->models) == WEFT_JSON_NONE)
		return true;
	while (weft_json_iter_next(&it)) {
		if (weft_json_get_str(it.value, &s) && weft_str_eq(s, name))
			return true;
	}
	return false;
}
