/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/page/keep.c - results of earlier runs in a folder: a file each, named by the time of its run, without the raw
 * values, which are nearly all of a file and which a trend has no use for.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/page/page.h"
#include "bench/text_file.h"

#define SUFFIX ".json"
#define PATH_BYTES 1024

/* ---- a copy without raw values ------------------------------------------------------------------ */

static bool is_raw(weft_str key)
{
	return weft_str_eq(key, WEFT_STR("raw_ms")) || weft_str_eq(key, WEFT_STR("raw_round")) ||
	       weft_str_eq(key, WEFT_STR("histogram"));
}

/* A document is at most 128 deep. */
static void copy(weft_json_writer *w, weft_json v)
{
	weft_json_iter it;

	if (weft_json_typeof(v) != WEFT_JSON_OBJECT) {
		weft_json_put_value(w, v);
		return;
	}
	weft_json_begin_object(w);
	for (it = weft_json_iter_begin(v); weft_json_iter_next(&it);) {
		if (is_raw(it.key))
			continue;
		weft_json_key(w, it.key);
		copy(w, it.value);
	}
	weft_json_end_object(w);
}

static int write_slim(const char *path, weft_json root)
{
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(1, &w);

	if (r < 0)
		return r;
	copy(w, root);
	r = weft_json_writer_text(w, &text);
	if (r == 0)
		r = bench_text_replace(path, text); /* a file in the folder is whole */
	weft_json_writer_destroy(w);
	return r;
}

/* ---- the folder ------------------------------------------------------------------------------------- */

static int is_result(const struct dirent *d)
{
	size_t n = strlen(d->d_name), suffix = sizeof(SUFFIX) - 1;

	return d->d_name[0] != '.' && n > suffix && !strcmp(d->d_name + n - suffix, SUFFIX);
}

/* Named as name_of names them, "2026-11-21T093000Z.json". Whatever else is in the folder is not ours to remove. */
static int is_kept(const struct dirent *d)
{
	static const char digits[] = "0123456789", shape[] = "0000-00-00T000000";
	const char *at = d->d_name;

	for (const char *s = shape; *s; s++, at++) {
		if (*s == '0' ? !*at || !strchr(digits, *at) : *at != *s)
			return 0;
	}
	if (*at == '.') /* of the second */
		at += 1 + strspn(at + 1, digits);
	at += *at == 'Z';
	return !strcmp(at, SUFFIX);
}

/* The names sort by time: the oldest are first. */
static void forget_the_oldest(const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_kept, alphasort);

	for (int i = 0; i < n; i++) {
		char path[PATH_BYTES];

		if (i < n - (int)BENCH_KEPT_MAX && snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name) < PATH_BYTES)
			unlink(path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

static int name_of(const struct bench_results *run, const char *folder, char *path)
{
	char stamp[32] = "";
	size_t n = 0;

	for (const char *p = run->timestamp; *p && n < sizeof(stamp) - 1; p++) {
		if (*p != ':' && *p != '/')
			stamp[n++] = *p;
	}
	stamp[n] = '\0';
	return snprintf(path, PATH_BYTES, "%s/%s" SUFFIX, folder, stamp) < PATH_BYTES ? 0 : -ENAMETOOLONG;
}

int bench_keep(const char *path, const char *folder, weft_error *err)
{
	struct bench_results *run = NULL;
	weft_json_doc *doc = NULL;
	char *text = NULL, kept[PATH_BYTES];
	size_t len = 0;
	int r = bench_results_load(path, &run, err); /* only what can be read again is kept */

	if (r < 0)
		return r;
	r = mkdir(folder, 0777) < 0 && errno != EEXIST ? -errno : 0;
	if (r == 0)
		r = name_of(run, folder, kept);
	if (r == 0)
		r = bench_text_read(path, BENCH_RESULTS_BYTES_MAX, &text, &len);
	if (r == 0)
		r = weft_json_parse((weft_str){ text, len }, &doc, NULL);
	if (r == 0)
		r = write_slim(kept, weft_json_root(doc));
	if (r == 0)
		forget_the_oldest(folder);
	if (r < 0)
		weft_error_set(err, r, "%s: %s", folder, weft_strerror(r));
	weft_json_release(doc);
	bench_results_free(run);
	free(text);
	return r;
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool belongs(const struct bench_results *old, const struct bench_results *run)
{
	return same(old->runtime, run->runtime) && same(old->system.fingerprint, run->system.fingerprint) &&
	       old->timestamp_s < run->timestamp_s;
}

static int by_time(const void *a, const void *b)
{
	const struct bench_results *const *x = a, *const *y = b;

	return ((*x)->timestamp_s > (*y)->timestamp_s) - ((*x)->timestamp_s < (*y)->timestamp_s);
}

static void load_one(const char *folder, const char *name, const struct bench_results *run, struct bench_results **list,
                     int *count, uint32_t *bad)
{
	struct bench_results *old = NULL;
	char path[PATH_BYTES];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= PATH_BYTES || bench_results_load(path, &old, NULL) < 0)
		++*bad;
	else if (belongs(old, run))
		list[(*count)++] = old;
	else
		bench_results_free(old);
}

int bench_kept_load(const char *folder, const struct bench_results *run, struct bench_results ***ret_list, uint32_t *ret_bad)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_result, alphasort), count = 0;

	*ret_list = NULL;
	*ret_bad = 0;
	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	*ret_list = calloc((size_t)n + 1, sizeof(**ret_list));
	for (int i = 0; i < n; i++) {
		if (*ret_list && i >= n - (int)BENCH_KEPT_MAX)
			load_one(folder, names[i]->d_name, run, *ret_list, &count, ret_bad);
		free(names[i]);
	}
	free(names);
	if (!*ret_list)
		return -ENOMEM;
	qsort(*ret_list, (size_t)count, sizeof(**ret_list), by_time);
	return count;
}

void bench_kept_free(struct bench_results **list, int count)
{
	for (int i = 0; i < count; i++)
		bench_results_free(list[i]);
	free(list);
}
