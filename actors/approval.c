/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/approval.c - the book of suspended runs: kept, answered, taken; see approval.h.
 *
 * One lock: people answer a few times a minute, and no run waits in here but for a disk. A record lives
 * in an arena of its own and is found by going through the list.
 */
#include "actors/approval.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <weft/json.h>
#include <weft/runtime.h>

#include "runtime/base/refs.h"
#include "runtime/io/file.h"

#define RUNS_MAX 10000u
#define ENDING ".json"

struct record {
	struct weft__suspended s; /* in arena */
	weft_arena *arena;        /* owned */
	bool live;                /* who took it, in this process, has not left it */
	struct record *next, **prev;
};

struct weft_approvals {
	weft__refs refs;
	uint32_t runs_max;
	char *folder; /* owned; NULL: memory only */
	int lock_fd;  /* owned; the folder's; -1: none */
	uint64_t expires_ns;
	void (*asked)(const weft_approval *approval, void *user);
	void *user;
	pthread_mutex_t lock; /* what is below */
	struct record *first, **end;
	uint32_t count;
};

/* ---- records -------------------------------------------------------------------------- */

static void record_free(struct record *r)
{
	weft_arena_destroy(r->arena);
	weft_free(r);
}

static struct record *record_new(void)
{
	struct record *r = weft_calloc(1, sizeof(*r));

	if (r && weft_arena_create(0, &r->arena) < 0) {
		weft_free(r);
		r = NULL;
	}
	return r;
}

static struct record *last_record(const weft_approvals *book)
{
	return book->first ? (struct record *)((char *)book->end - offsetof(struct record, next)) : NULL;
}

/* By the time they were asked: the newest one at the end, where nearly all belong; files come in any order. */
static void link_record(weft_approvals *book, struct record *r)
{
	const struct record *last = last_record(book);
	struct record **at = &book->first;

	if (last && last->s.asked_ms <= r->s.asked_ms)
		at = book->end;
	while (*at && (*at)->s.asked_ms <= r->s.asked_ms)
		at = &(*at)->next;
	r->next = *at;
	r->prev = at;
	if (r->next)
		r->next->prev = &r->next;
	else
		book->end = &r->next;
	*at = r;
	book->count++;
}

static void unlink_record(weft_approvals *book, struct record *r)
{
	*r->prev = r->next;
	if (r->next)
		r->next->prev = r->prev;
	else
		book->end = r->prev;
	book->count--;
}

static struct record *find_run(weft_approvals *book, weft_uuid run)
{
	struct record *r = book->first;

	while (r && !weft_uuid_eq(r->s.run, run))
		r = r->next;
	return r;
}

static struct weft__approval *find_approval(weft_approvals *book, weft_uuid id, struct record **ret_record)
{
	for (struct record *r = book->first; r; r = r->next) {
		for (uint32_t i = 0; i < r->s.count; i++) {
			if (weft_uuid_eq(r->s.approvals[i].id, id)) {
				*ret_record = r;
				return &r->s.approvals[i];
			}
		}
	}
	return NULL;
}

static bool has_expired(const struct weft__suspended *s)
{
	return s->expires_ms && weft_wall_ms() >= s->expires_ms;
}

static uint8_t state_of(const struct weft__suspended *s, const struct weft__approval *a)
{
	return a->state == WEFT_APPROVAL_OPEN && has_expired(s) ? WEFT_APPROVAL_EXPIRED : a->state;
}

static uint32_t open_count(const struct weft__suspended *s)
{
	uint32_t open = 0;

	for (uint32_t i = 0; i < s->count; i++)
		open += state_of(s, &s->approvals[i]) == WEFT_APPROVAL_OPEN;
	return open;
}

/* ---- copies -------------------------------------------------------------------------------- */

static bool copy_text(weft_arena *arena, weft_str from, weft_str *to)
{
	*to = from.len_bytes ? weft_arena_dup(arena, from) : (weft_str){ 0 };
	return !from.len_bytes || to->ptr;
}

static bool copy_approval(weft_arena *arena, const struct weft__approval *from, struct weft__approval *to)
{
	*to = *from;
	return copy_text(arena, from->tool, &to->tool) && copy_text(arena, from->arguments, &to->arguments) &&
	       copy_text(arena, from->why, &to->why) && copy_text(arena, from->by, &to->by) &&
	       copy_text(arena, from->reason, &to->reason) && copy_text(arena, from->arguments_now, &to->arguments_now);
}

static int copy_suspended(weft_arena *arena, const struct weft__suspended *from, struct weft__suspended *to)
{
	struct weft__suspended s = *from;

	s.approvals = weft_arena_calloc(arena, s.count * sizeof(*s.approvals));
	if (!s.approvals || !copy_text(arena, from->agent, &s.agent) || !copy_text(arena, from->state_json, &s.state_json))
		return -ENOMEM;
	for (uint32_t i = 0; i < s.count; i++) {
		if (!copy_approval(arena, &from->approvals[i], &s.approvals[i]))
			return -ENOMEM;
	}
	*to = s;
	return 0;
}

static bool show(weft_arena *arena, const struct weft__suspended *s, const struct weft__approval *a, weft_approval *to)
{
	*to = (weft_approval){ .id = a->id, .run = s->run, .asked_ms = s->asked_ms, .state = state_of(s, a),
		               .resumed = s->taken };
	return copy_text(arena, s->agent, &to->agent) && copy_text(arena, a->tool, &to->tool) &&
	       copy_text(arena, a->arguments, &to->arguments) && copy_text(arena, a->why, &to->why);
}

/* ---- the folder ----------------------------------------------------------------------------- */

static void file_name(weft_uuid run, char *name)
{
	weft_uuid_format(run, name);
	memcpy(name + WEFT_UUID_TEXT_LEN, ENDING, sizeof(ENDING));
}

static int save(weft_approvals *book, const struct weft__suspended *s)
{
	char name[WEFT_UUID_TEXT_LEN + sizeof(ENDING)];
	weft_arena *arena;
	weft_str json;
	int r;

	if (!book->folder)
		return 0;
	r = weft_arena_create(0, &arena);
	if (r < 0)
		return r;
	file_name(s->run, name);
	r = weft__suspended_write(s, arena, &json);
	if (r == 0)
		r = weft__folder_put(book->folder, name, json);
	weft_arena_destroy(arena);
	return r;
}

static void unsave(weft_approvals *book, weft_uuid run)
{
	char name[WEFT_UUID_TEXT_LEN + sizeof(ENDING)];

	if (!book->folder)
		return;
	file_name(run, name);
	(void)weft__folder_remove(book->folder, name); /* one that stays is listed again, as taken: nothing goes on by itself */
}

/* ---- open and close ---------------------------------------------------------------------------- */

static int import(weft_approvals *book, weft_str json, struct record **ret_record, weft_error *err)
{
	struct record *r = record_new();
	int e;

	if (!r)
		return -ENOMEM;
	e = weft__suspended_read(json, r->arena, &r->s, err);
	if (e == 0 && find_run(book, r->s.run))
		e = weft_error_set(err, -EEXIST, "that run is here already");
	if (e < 0) {
		record_free(r);
		return e;
	}
	link_record(book, r);
	*ret_record = r;
	return 0;
}

struct loading {
	weft_approvals *book;
	weft_error *err;
};

static int load_file(const char *path, void *user)
{
	struct loading *l = user;
	struct record *record;
	weft_json_doc *doc;
	int r = weft_json_parse_file(path, &doc, l->err);

	if (r < 0)
		return r;
	r = import(l->book, weft_json_text(doc), &record, l->err);
	weft_json_release(doc);
	if (r < 0 && r != -ENOMEM && l->err) {
		char why[sizeof(l->err->message)];

		memcpy(why, l->err->message, sizeof(why));
		(void)weft_error_set(l->err, r, "%s: %s", path, why);
	}
	return r;
}

static int take_folder(weft_approvals *book, weft_error *err)
{
	int r = weft__folder_make(book->folder);
	int64_t owner = 0;

	if (r == 0)
		r = book->lock_fd = weft__folder_lock(book->folder, &owner);
	if (r >= 0)
		return 0;
	if (r != -EBUSY)
		return weft_error_set(err, r, "%s: %s", book->folder, weft_strerror(r));
	if (owner)
		return weft_error_set(err, r, "%s: process %lld has it open", book->folder, (long long)owner);
	return weft_error_set(err, r, "%s: another process has it open", book->folder);
}

static int load(weft_approvals *book, weft_error *err)
{
	struct loading l = { book, err };
	int r = take_folder(book, err);

	if (r < 0)
		return r;
	return weft__folder_each(book->folder, ENDING, load_file, &l);
}

int weft_approvals_open(const weft_approvals_options *opt, weft_approvals **ret_approvals, weft_error *err)
{
	weft_approvals *book;
	int r = 0;

	if (!opt || opt->size != sizeof(*opt) || !ret_approvals)
		return weft_error_set(err, -EINVAL, "approvals need options of the right size");
	book = weft_calloc(1, sizeof(*book));
	if (!book)
		return -ENOMEM;
	weft__refs_init(&book->refs, 1);
	book->lock_fd = -1;
	book->runs_max = opt->runs_max ? opt->runs_max : RUNS_MAX;
	book->expires_ns = opt->expires_ns;
	book->asked = opt->asked;
	book->user = opt->user;
	book->end = &book->first;
	pthread_mutex_init(&book->lock, NULL);
	if (opt->folder) {
		book->folder = weft_strndup(opt->folder, strlen(opt->folder));
		r = book->folder ? load(book, err) : -ENOMEM;
	}
	if (r < 0) {
		weft_approvals_unref(book);
		return r;
	}
	*ret_approvals = book;
	return 0;
}

weft_approvals *weft_approvals_ref(weft_approvals *approvals)
{
	weft__refs_take(&approvals->refs);
	return approvals;
}

void weft_approvals_unref(weft_approvals *approvals)
{
	if (!approvals || !weft__refs_drop(&approvals->refs))
		return;
	while (approvals->first) {
		struct record *r = approvals->first;

		unlink_record(approvals, r);
		record_free(r);
	}
	pthread_mutex_destroy(&approvals->lock);
	weft__file_close(approvals->lock_fd);
	weft_free(approvals->folder);
	weft_free(approvals);
}

/* ---- a run's side --------------------------------------------------------------------------------- */

int weft__approvals_keep(weft_approvals *book, struct weft__suspended *s)
{
	struct record *r = record_new();
	int e = r ? 0 : -ENOMEM;

	s->run = weft_uuid_v7();
	s->asked_ms = weft_wall_ms();
	s->expires_ms = book->expires_ns ? s->asked_ms + (int64_t)(book->expires_ns / 1000000u) : 0;
	for (uint32_t i = 0; i < s->count; i++)
		s->approvals[i].id = weft_uuid_v7();
	pthread_mutex_lock(&book->lock);
	if (e == 0 && book->count >= book->runs_max)
		e = -ENOSPC;
	if (e == 0)
		e = copy_suspended(r->arena, s, &r->s);
	if (e == 0)
		e = save(book, &r->s);
	if (e == 0)
		link_record(book, r);
	else if (r)
		record_free(r);
	pthread_mutex_unlock(&book->lock);
	return e;
}

void weft__approvals_tell(weft_approvals *book, const struct weft__suspended *s)
{
	for (uint32_t i = 0; book->asked && i < s->count; i++) {
		const struct weft__approval *a = &s->approvals[i];
		weft_approval shown = { .id = a->id, .run = s->run, .agent = s->agent, .tool = a->tool,
			                .arguments = a->arguments, .why = a->why, .asked_ms = s->asked_ms };

		book->asked(&shown, book->user);
	}
}

/* May it go on? If not, what its asker is told. */
static int check_ready(const struct record *r, weft_arena *arena, weft_str *ret_why)
{
	uint32_t open = open_count(&r->s);

	if (r->live)
		*ret_why = WEFT_STR("it is under way");
	else if (r->s.taken)
		*ret_why = WEFT_STR("it was resumed before and did not end: weft_approvals_retry lets it go on");
	else if (open)
		*ret_why = weft_arena_printf(arena, "%u approval%s open", open, open == 1 ? " is" : "s are");
	if (r->s.taken)
		return -EALREADY;
	return open ? -EAGAIN : 0;
}

static int take_record(weft_approvals *book, struct record *r, weft_arena *arena, struct weft__suspended *ret)
{
	int e;

	for (uint32_t i = 0; i < r->s.count; i++) /* from here on time changes nothing */
		r->s.approvals[i].state = state_of(&r->s, &r->s.approvals[i]);
	e = copy_suspended(arena, &r->s, ret);
	if (e < 0)
		return e;
	r->s.taken = true;
	e = save(book, &r->s);
	r->s.taken = r->live = e == 0;
	return e;
}

int weft__approvals_take(weft_approvals *book, weft_uuid run, weft_arena *arena, struct weft__suspended *ret,
                         weft_str *ret_why)
{
	struct record *r;
	int e = -ENOENT;

	pthread_mutex_lock(&book->lock);
	r = find_run(book, run);
	if (r)
		e = check_ready(r, arena, ret_why);
	else
		*ret_why = WEFT_STR("no such run is kept: it has ended, or was dropped");
	if (e == 0)
		e = take_record(book, r, arena, ret);
	pthread_mutex_unlock(&book->lock);
	return e;
}

static int untake(weft_approvals *book, struct record *r)
{
	int e;

	r->s.taken = false;
	e = save(book, &r->s);
	r->s.taken = e < 0;
	return e;
}

void weft__approvals_put_back(weft_approvals *book, weft_uuid run)
{
	struct record *r;

	pthread_mutex_lock(&book->lock);
	r = find_run(book, run);
	if (r) {
		r->live = false;
		(void)untake(book, r); /* one that stays marked waits for weft_approvals_retry */
	}
	pthread_mutex_unlock(&book->lock);
}

void weft__approvals_left(weft_approvals *book, weft_uuid run)
{
	struct record *r;

	pthread_mutex_lock(&book->lock);
	r = find_run(book, run);
	if (r)
		r->live = false;
	pthread_mutex_unlock(&book->lock);
}

static void drop(weft_approvals *book, struct record *r)
{
	unsave(book, r->s.run);
	unlink_record(book, r);
	record_free(r);
}

void weft__approvals_done(weft_approvals *book, weft_uuid run)
{
	struct record *r;

	pthread_mutex_lock(&book->lock);
	r = find_run(book, run);
	if (r)
		drop(book, r);
	pthread_mutex_unlock(&book->lock);
}

/* ---- the host's side ---------------------------------------------------------------------------------- */

int weft_approvals_list(weft_approvals *approvals, weft_arena *arena, weft_approval **ret_list, uint32_t *ret_count)
{
	uint32_t total = 0, n = 0;
	weft_approval *list;
	bool ok = true;

	if (!approvals || !arena || !ret_list || !ret_count)
		return -EINVAL;
	pthread_mutex_lock(&approvals->lock);
	for (struct record *r = approvals->first; r; r = r->next)
		total += r->s.count;
	list = weft_arena_alloc(arena, (total + 1) * sizeof(*list));
	ok = list != NULL;
	for (struct record *r = approvals->first; ok && r; r = r->next) {
		for (uint32_t i = 0; ok && i < r->s.count; i++)
			ok = show(arena, &r->s, &r->s.approvals[i], &list[n++]);
	}
	pthread_mutex_unlock(&approvals->lock);
	if (!ok)
		return -ENOMEM;
	*ret_list = list;
	*ret_count = total;
	return 0;
}

static int check_arguments(weft_str json)
{
	weft_json_doc *doc;
	int r;

	if (!json.len_bytes)
		return 0;
	r = weft_json_parse(json, &doc, NULL);
	if (r < 0)
		return r;
	r = weft_json_check_keys(weft_json_root(doc), NULL);
	weft_json_release(doc);
	return r;
}

/* Nothing is changed unless it is on disk. */
static int answer_one(weft_approvals *book, struct record *r, struct weft__approval *a, const weft_approval_answer *answer)
{
	struct weft__approval before = *a;
	int e;

	if (a->state != WEFT_APPROVAL_OPEN)
		return -EALREADY;
	if (has_expired(&r->s))
		return -ETIMEDOUT;
	a->answered_ms = weft_wall_ms();
	a->state = answer->approve ? WEFT_APPROVAL_APPROVED : WEFT_APPROVAL_DENIED;
	e = copy_text(r->arena, weft_str_from(answer->by), &a->by) && copy_text(r->arena, weft_str_from(answer->reason), &a->reason) &&
	                    copy_text(r->arena, answer->arguments_json, &a->arguments_now)
	            ? save(book, &r->s)
	            : -ENOMEM;
	if (e < 0)
		*a = before;
	return e;
}

int weft_approvals_answer(weft_approvals *approvals, weft_uuid approval, const weft_approval_answer *answer,
                          uint32_t *ret_open)
{
	struct weft__approval *a;
	struct record *r = NULL;
	int e;

	if (!approvals || !answer || answer->size != sizeof(*answer) || (!answer->approve && answer->arguments_json.len_bytes))
		return -EINVAL;
	e = check_arguments(answer->arguments_json);
	if (e < 0)
		return e;
	pthread_mutex_lock(&approvals->lock);
	a = find_approval(approvals, approval, &r);
	e = a ? answer_one(approvals, r, a, answer) : -ENOENT;
	if (e == 0 && ret_open)
		*ret_open = open_count(&r->s);
	pthread_mutex_unlock(&approvals->lock);
	return e;
}

int weft_approvals_forget(weft_approvals *approvals, weft_uuid run)
{
	struct record *r;
	int e = 0;

	if (!approvals)
		return -EINVAL;
	pthread_mutex_lock(&approvals->lock);
	r = find_run(approvals, run);
	if (!r)
		e = -ENOENT;
	else if (r->s.taken)
		e = -EBUSY;
	else
		drop(approvals, r);
	pthread_mutex_unlock(&approvals->lock);
	return e;
}

int weft_approvals_retry(weft_approvals *approvals, weft_uuid run)
{
	struct record *r;
	int e;

	if (!approvals)
		return -EINVAL;
	pthread_mutex_lock(&approvals->lock);
	r = find_run(approvals, run);
	if (!r)
		e = -ENOENT;
	else if (!r->s.taken)
		e = -EINVAL;
	else
		e = r->live ? -EBUSY : untake(approvals, r);
	pthread_mutex_unlock(&approvals->lock);
	return e;
}

int weft_approvals_export(weft_approvals *approvals, weft_uuid run, weft_arena *arena, weft_str *ret_json)
{
	struct record *r;
	int e;

	if (!approvals || !arena || !ret_json)
		return -EINVAL;
	pthread_mutex_lock(&approvals->lock);
	r = find_run(approvals, run);
	e = r ? weft__suspended_write(&r->s, arena, ret_json) : -ENOENT;
	pthread_mutex_unlock(&approvals->lock);
	return e;
}

int weft_approvals_import(weft_approvals *approvals, weft_str json, weft_error *err)
{
	struct record *r;
	int e;

	if (!approvals)
		return -EINVAL;
	pthread_mutex_lock(&approvals->lock);
	e = import(approvals, json, &r, err);
	if (e == 0) {
		e = save(approvals, &r->s);
		if (e < 0) {
			unlink_record(approvals, r);
			record_free(r);
		}
	}
	pthread_mutex_unlock(&approvals->lock);
	return e;
}
