/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/wanted.h - recorded answers of models (tests/data/models), each beside what must be read from it.
 *
 *   NAME.sse    a stream as it came over the wire       NAME.want   {"text", "reasoning", "finish", "calls": [[id, name,
 *   NAME.json   a whole body                                        arguments]], "prompt", "completion", "error", ...}
 *
 * What a want does not name is not looked at, but calls: without it there are none. An id of null is any.
 */
#ifndef WEFT_TESTS_SUPPORT_WANTED_H
#define WEFT_TESTS_SUPPORT_WANTED_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/json.h>
#include <weft/model.h>

/* The whole file, a NUL behind it; the caller frees. */
static inline char *wanted__file(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	char *text;
	long len;

	cr_assert_not_null(f, "%s", path);
	fseek(f, 0, SEEK_END);
	len = ftell(f);
	rewind(f);
	text = malloc((size_t)len + 1);
	cr_assert_not_null(text);
	cr_assert_eq(fread(text, 1, (size_t)len, f), (size_t)len);
	text[len] = '\0';
	fclose(f);
	*ret_len = (size_t)len;
	return text;
}

static inline void wanted__str(const char *name, weft_json want, const char *key, weft_str is)
{
	weft_str text;

	if (weft_json_get_str(weft_json_find(want, weft_str_from(key)), &text))
		cr_assert(weft_str_eq(text, is), "%s: %s is '%.*s'", name, key, WEFT_STR_ARG(is));
}

static inline void wanted__int(const char *name, weft_json want, const char *key, int64_t is)
{
	int64_t n;

	if (weft_json_get_int(weft_json_find(want, weft_str_from(key)), &n))
		cr_assert_eq(n, is, "%s: %s is %lld", name, key, (long long)is);
}

static inline void wanted__calls(const char *name, weft_json calls, const weft_model_response *res)
{
	weft_json_iter it = weft_json_iter_begin(calls);
	uint32_t i = 0;

	cr_assert_eq(weft_json_count(calls), res->tool_call_count, "%s: %u calls", name, res->tool_call_count);
	for (; weft_json_iter_next(&it); i++) {
		weft_json_iter part = weft_json_iter_begin(it.value);
		const weft_tool_request *call = &res->tool_calls[i];
		weft_str is[3] = { call->id, call->name, call->arguments_json }, text;

		for (int p = 0; weft_json_iter_next(&part); p++) {
			if (weft_json_get_str(part.value, &text))
				cr_assert(weft_str_eq(text, is[p]), "%s: call %u has '%.*s'", name, i, WEFT_STR_ARG(is[p]));
			else
				cr_assert(is[p].len_bytes > 0, "%s: call %u lacks an id", name, i);
		}
	}
}

/* r and err or res are what came of a fixture; want_path says what should have. */
static inline void wanted__check(const char *want_path, int r, const weft_error *err, const weft_model_response *res)
{
	weft_json_doc *doc;
	weft_json want;
	weft_str text;

	cr_assert_eq(weft_json_parse_file(want_path, &doc, NULL), 0, "%s", want_path);
	want = weft_json_root(doc);
	if (weft_json_get_str(weft_json_find(want, WEFT_STR("error")), &text)) {
		cr_assert(r < 0, "%s: no error", want_path);
		cr_assert_not_null(strstr(err->message, text.ptr), "%s: says '%s'", want_path, err->message);
		wanted__str(want_path, want, "error_code", weft_str_from(weft_errname(r)));
	} else {
		cr_assert_eq(r, 0, "%s: %s", want_path, err->message);
		wanted__str(want_path, want, "text", res->text);
		wanted__str(want_path, want, "reasoning", res->reasoning);
		wanted__str(want_path, want, "finish", weft_str_from(weft_finish_name(res->finish)));
		wanted__str(want_path, want, "model", res->model);
		wanted__str(want_path, want, "carry", res->carry_json);
		wanted__int(want_path, want, "prompt", res->usage.prompt_tokens);
		wanted__int(want_path, want, "completion", res->usage.completion_tokens);
		wanted__int(want_path, want, "cached", res->usage.cached_tokens);
		wanted__int(want_path, want, "reasoning_tokens", res->usage.reasoning_tokens);
		wanted__calls(want_path, weft_json_find(want, WEFT_STR("calls")), res);
	}
	weft_json_release(doc);
}

/* Call fn for each fixture in a folder that ends so. @return how many */
static inline int wanted__each(const char *folder, const char *ending,
                               void (*fn)(const char *bytes, size_t len, const char *want_path))
{
	DIR *dir = opendir(folder);
	const struct dirent *e;
	int count = 0;

	cr_assert_not_null(dir, "%s", folder);
	while ((e = readdir(dir))) {
		size_t stem = strlen(e->d_name) - strlen(ending), len;
		char path[1200], want[1200];
		char *bytes;

		if (strlen(e->d_name) <= strlen(ending) || strcmp(e->d_name + stem, ending))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		snprintf(want, sizeof(want), "%s/%.*s.want", folder, (int)stem, e->d_name);
		bytes = wanted__file(path, &len);
		fn(bytes, len, want);
		free(bytes);
		count++;
	}
	closedir(dir);
	return count;
}

/* The data of each event of a stream with one data line an event. *at starts at 0. False at the end. */
static inline bool wanted__event(const char *bytes, size_t len, size_t *at, weft_str *ret_data)
{
	while (*at < len) {
		const char *line = bytes + *at, *end = memchr(line, '\n', len - *at);
		size_t n = end ? (size_t)(end - line) : len - *at;

		*at += n + 1;
		if (n && line[n - 1] == '\r')
			n--;
		if (n < 5 || memcmp(line, "data:", 5))
			continue;
		*ret_data = (weft_str){ line + 5, n - 5 };
		return true;
	}
	return false;
}

#endif
