/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/approval_file.c - a suspended run as JSON, and a folder of such files.
 *
 * A file is written beside its place, synced, and renamed into it: after a crash there is the old one, the new
 * one or none, and never a part. What is left beside is removed when the folder is read. Who has the folder
 * open holds its lock, so no second book can answer, or go on with, what this one keeps.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/json.h>

#include "actors/approval.h"
#include "runtime/io/file.h"

#define VERSION 1
#define PATH_BYTES 4096u
#define PARTIAL ".partial"
#define LOCK "lock"

/* ---- JSON ---------------------------------------------------------------------------- */

static const char *const states[] = { "open", "approved", "denied", "expired" };

static void put_text(weft_json_writer *w, const char *key, weft_str text)
{
	weft_json_key(w, weft_str_from(key));
	weft_json_put_str(w, text);
}

static void put_int(weft_json_writer *w, const char *key, int64_t value)
{
	weft_json_key(w, weft_str_from(key));
	weft_json_put_int(w, value);
}

static void put_id(weft_json_writer *w, const char *key, weft_uuid id)
{
	char text[WEFT_UUID_TEXT_LEN];

	weft_uuid_format(id, text);
	put_text(w, key, (weft_str){ text, sizeof(text) });
}

static void put_approval(weft_json_writer *w, const struct weft__approval *a)
{
	weft_json_begin_object(w);
	put_id(w, "id", a->id);
	put_int(w, "call", a->call);
	put_text(w, "state", weft_str_from(states[a->state]));
	put_text(w, "tool", a->tool);
	put_text(w, "arguments", a->arguments);
	put_text(w, "why", a->why);
	put_text(w, "by", a->by);
	put_text(w, "reason", a->reason);
	put_text(w, "arguments_now", a->arguments_now);
	put_int(w, "answered_ms", a->answered_ms);
	weft_json_end_object(w);
}

int weft__suspended_write(const struct weft__suspended *s, weft_arena *arena, weft_str *ret_json)
{
	weft_json_writer *w;
	weft_str text;
	int r = weft_json_writer_create(0, &w);

	if (r < 0)
		return r;
	weft_json_begin_object(w);
	put_int(w, "version", VERSION);
	put_id(w, "run", s->run);
	put_text(w, "agent", s->agent);
	put_int(w, "asked_ms", s->asked_ms);
	put_int(w, "expires_ms", s->expires_ms);
	weft_json_key(w, WEFT_STR("taken"));
	weft_json_put_bool(w, s->taken);
	weft_json_key(w, WEFT_STR("approvals"));
	weft_json_begin_array(w);
	for (uint32_t i = 0; i < s->count; i++)
		put_approval(w, &s->approvals[i]);
	weft_json_end_array(w);
	weft_json_key(w, WEFT_STR("state"));
	weft_json_put_raw(w, s->state_json);
	weft_json_end_object(w);
	r = weft_json_writer_text(w, &text);
	if (r == 0) {
		*ret_json = weft_arena_dup(arena, text);
		r = ret_json->ptr ? 0 : -ENOMEM;
	}
	weft_json_writer_destroy(w);
	return r;
}

static bool get_text(weft_json object, const char *key, weft_arena *arena, weft_str *ret)
{
	weft_str text;

	if (!weft_json_get_str(weft_json_find(object, weft_str_from(key)), &text))
		return false;
	*ret = text.len_bytes ? weft_arena_dup(arena, text) : (weft_str){ 0 };
	return !text.len_bytes || ret->ptr;
}

static bool get_id(weft_json object, const char *key, weft_uuid *ret)
{
	weft_str text;

	return weft_json_get_str(weft_json_find(object, weft_str_from(key)), &text) && weft_uuid_parse(text, ret) == 0;
}

static bool get_int(weft_json object, const char *key, int64_t *ret)
{
	return weft_json_get_int(weft_json_find(object, weft_str_from(key)), ret) && *ret >= 0;
}

static bool get_state(weft_json object, uint8_t *ret)
{
	weft_str text;

	if (!weft_json_get_str(weft_json_find(object, WEFT_STR("state")), &text))
		return false;
	for (uint8_t i = 0; i < 4; i++) {
		if (weft_str_eq(text, weft_str_from(states[i]))) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool get_approval(weft_json o, weft_arena *arena, struct weft__approval *a)
{
	int64_t call;

	if (!get_int(o, "call", &call) || call > UINT32_MAX)
		return false;
	a->call = (uint32_t)call;
	(void)get_int(o, "answered_ms", &a->answered_ms); /* older files do not have it */
	return get_id(o, "id", &a->id) && get_state(o, &a->state) && get_text(o, "tool", arena, &a->tool) &&
	       get_text(o, "arguments", arena, &a->arguments) && get_text(o, "why", arena, &a->why) &&
	       get_text(o, "by", arena, &a->by) && get_text(o, "reason", arena, &a->reason) &&
	       get_text(o, "arguments_now", arena, &a->arguments_now);
}

static bool get_approvals(weft_json list, weft_arena *arena, struct weft__suspended *s)
{
	weft_json_iter it;

	if (weft_json_typeof(list) != WEFT_JSON_ARRAY || !weft_json_count(list))
		return false;
	s->approvals = weft_arena_calloc(arena, weft_json_count(list) * sizeof(*s->approvals));
	if (!s->approvals)
		return false;
	for (it = weft_json_iter_begin(list); weft_json_iter_next(&it);) {
		if (!get_approval(it.value, arena, &s->approvals[s->count++]))
			return false;
	}
	return true;
}

/* The state is text again: its reader is suspend.c. */
static bool get_raw(weft_json value, weft_arena *arena, weft_str *ret)
{
	weft_json_writer *w;
	weft_str text;
	bool ok = false;

	if (weft_json_typeof(value) != WEFT_JSON_OBJECT || weft_json_writer_create(0, &w) < 0)
		return false;
	weft_json_put_value(w, value);
	if (weft_json_writer_text(w, &text) == 0) {
		*ret = weft_arena_dup(arena, text);
		ok = ret->ptr != NULL;
	}
	weft_json_writer_destroy(w);
	return ok;
}

static int read_suspended(weft_json root, weft_arena *arena, struct weft__suspended *s, weft_error *err)
{
	int64_t version;

	if (!get_int(root, "version", &version))
		return weft_error_set(err, WEFT_EDAMAGED, "this is no suspended run");
	if (version != VERSION)
		return weft_error_set(err, WEFT_EVERSION, "a suspended run of version %lld, this reads %d", (long long)version,
		                      VERSION);
	if (!get_id(root, "run", &s->run) || !get_text(root, "agent", arena, &s->agent) ||
	    !get_int(root, "asked_ms", &s->asked_ms) || !get_int(root, "expires_ms", &s->expires_ms) ||
	    !weft_json_get_bool(weft_json_find(root, WEFT_STR("taken")), &s->taken) ||
	    !get_approvals(weft_json_find(root, WEFT_STR("approvals")), arena, s) ||
	    !get_raw(weft_json_find(root, WEFT_STR("state")), arena, &s->state_json))
		return weft_error_set(err, WEFT_EDAMAGED, "a suspended run with a part that is missing or not as it should be");
	return 0;
}

int weft__suspended_read(weft_str json, weft_arena *arena, struct weft__suspended *ret, weft_error *err)
{
	struct weft__suspended s = { 0 };
	weft_json_doc *doc;
	int r = weft_json_parse(json, &doc, err);

	if (r < 0)
		return r;
	r = read_suspended(weft_json_root(doc), arena, &s, err);
	weft_json_release(doc);
	if (r == 0)
		*ret = s;
	return r;
}

/* ---- the folder --------------------------------------------------------------------------- */

int weft__folder_make(const char *folder)
{
	struct stat st;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (stat(folder, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int join(char *path, const char *folder, const char *name, const char *ending)
{
	int n = snprintf(path, PATH_BYTES, "%s/%s%s", folder, name, ending);

	return n < 0 || (size_t)n >= PATH_BYTES ? -ENAMETOOLONG : 0;
}

int weft__folder_lock(const char *folder, int64_t *ret_owner)
{
	char path[PATH_BYTES];
	int r = join(path, folder, LOCK, "");

	return r < 0 ? r : weft__file_lock(path, ret_owner);
}

static int sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* What has that name, left by a crash or somebody's link, goes: only what is made here is written to. */
static int write_whole(const char *path, weft_str text)
{
	int fd, r = 0;

	unlink(path);
	fd = open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	while (r == 0 && text.len_bytes) {
		ssize_t n = write(fd, text.ptr, text.len_bytes);

		if (n < 0 && errno != EINTR)
			r = -errno;
		if (n > 0)
			text = (weft_str){ text.ptr + n, text.len_bytes - (size_t)n };
	}
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

int weft__folder_put(const char *folder, const char *name, weft_str text)
{
	char partial[PATH_BYTES], path[PATH_BYTES];
	int r = join(partial, folder, name, PARTIAL);

	if (r == 0)
		r = join(path, folder, name, "");
	if (r == 0)
		r = write_whole(partial, text);
	if (r == 0 && rename(partial, path) < 0)
		r = -errno;
	return r < 0 ? r : sync_folder(folder);
}

int weft__folder_remove(const char *folder, const char *name)
{
	char path[PATH_BYTES];
	int r = join(path, folder, name, "");

	if (r == 0 && unlink(path) < 0 && errno != ENOENT)
		r = -errno;
	return r < 0 ? r : sync_folder(folder);
}

static bool ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name), e = strlen(ending);

	return n > e && strcmp(name + n - e, ending) == 0;
}

int weft__folder_each(const char *folder, const char *ending, int (*fn)(const char *path, void *user), void *user)
{
	DIR *dir = opendir(folder);
	char path[PATH_BYTES];
	struct dirent *e;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0 && (e = readdir(dir))) {
		if (join(path, folder, e->d_name, "") < 0)
			continue;
		if (ends_with(e->d_name, PARTIAL))
			unlink(path);
		else if (ends_with(e->d_name, ending))
			r = fn(path, user);
	}
	closedir(dir);
	return r;
}
