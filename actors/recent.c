/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/recent.c - messages copied out of one visit of the store, newest first, then written oldest first; trimming moves
 * the heading up to the first line that stays.
 */
#include "actors/recent.h"

#include <errno.h>

#include "actors/text.h"

#define BUDGET_BYTES (WEFT__RECENT_TOKENS * WEFT__BYTES_PER_TOKEN)
#define NAME_BYTES 256u      /* of an attachment's title and url: a url may be the whole file */
#define LINE_EXTRA_BYTES 64u /* name and punctuation, for the first guess of the section's size */

/* One message as the visit saw it; text, actions and attachments stand one after the other in the scratch block. */
struct seen {
	weft_uuid entity_id;
	uint32_t at;
	uint32_t text_bytes;
	uint32_t action_bytes;
	uint32_t attached_bytes;
};

struct visit {
	struct weft__buf scratch;
	struct seen seen[WEFT__RECENT_MESSAGES];
	uint32_t count;
};

static void put_cut(struct weft__buf *b, const char *before, weft_str s, size_t max)
{
	size_t n = weft__str_cut(s, max);

	if (s.len_bytes == 0)
		return;
	weft__buf_put(b, weft_str_from(before));
	weft__buf_put(b, (weft_str){s.ptr, n});
	if (n < s.len_bytes)
		weft__buf_put(b, WEFT_STR("..."));
}

/* "\n  [id - title (url)] Text: ... Description: ..." */
static void put_attachment(struct weft__buf *b, const weft_attachment *a, size_t each)
{
	char id[WEFT_UUID_TEXT_LEN];

	weft_uuid_format(a->id, id);
	weft__buf_put(b, WEFT_STR("\n  ["));
	weft__buf_put(b, (weft_str){id, sizeof(id)});
	put_cut(b, " - ", a->title, NAME_BYTES);
	put_cut(b, " (", a->url, NAME_BYTES);
	weft__buf_put(b, a->url.len_bytes ? WEFT_STR(")]") : WEFT_STR("]"));
	put_cut(b, " Text: ", a->text, each / 2);
	put_cut(b, " Description: ", a->description, each / 2);
}

/* Behind what the newest of v said. False: it does not fit, and is not shown. Out of the way of messages that have none. */
static __attribute__((noinline)) bool see_attachments(struct visit *v, const weft_memory *m)
{
	size_t from = v->scratch.len_bytes;

	for (uint32_t i = 0; i < m->attachment_count; i++)
		put_attachment(&v->scratch, &m->attachments[i],
		               WEFT__RECENT_ATTACHED_BYTES / m->attachment_count);
	if (v->scratch.len_bytes > BUDGET_BYTES) {
		v->count--;
		return false;
	}
	v->seen[v->count - 1].attached_bytes = (uint32_t)(v->scratch.len_bytes - from);
	return !v->scratch.failed;
}

static bool see(const weft_memory *m, void *user)
{
	struct visit *v = user;
	struct seen *s = &v->seen[v->count];
	size_t text = weft__str_cut(m->text, WEFT__RECENT_BYTES_EACH);

	if (v->scratch.len_bytes + text + m->actions.len_bytes > BUDGET_BYTES)
		return false;
	*s = (struct seen){m->entity_id, (uint32_t)v->scratch.len_bytes, (uint32_t)text,
	                   (uint32_t)m->actions.len_bytes, 0};
	weft__buf_put(&v->scratch, (weft_str){m->text.ptr, text});
	weft__buf_put(&v->scratch, m->actions);
	v->count++;
	if (m->attachment_count)
		return see_attachments(v, m);
	return !v->scratch.failed;
}

/* Names of the speakers met so far. A conversation has few: looked up by a walk. */
struct speakers {
	const struct weft__recent_query *query;
	weft_arena *arena;
	struct {
		weft_uuid id;
		weft_str name;
	} known[WEFT__RECENT_MESSAGES];
	uint32_t count;
};

static int speaker_name(struct speakers *sp, weft_uuid id, weft_str *ret_name)
{
	weft_entity e = {0};
	int r;

	if (weft_uuid_eq(id, sp->query->agent_id)) {
		*ret_name = sp->query->agent_name;
		return 0;
	}
	for (uint32_t i = 0; i < sp->count; i++) {
		if (weft_uuid_eq(sp->known[i].id, id)) {
			*ret_name = sp->known[i].name;
			return 0;
		}
	}
	r = weft_store_get_entity(sp->query->store, id, sp->arena, &e);
	if (r == -ENOMEM)
		return r;
	*ret_name = r == 0 && e.name.len_bytes ? e.name : WEFT_STR("Unknown");
	sp->known[sp->count].id = id;
	sp->known[sp->count++].name = *ret_name;
	return 0;
}

/* Copy s to *at and step over it. */
static inline void put(char **at, weft_str s)
{
	memcpy(*at, s.ptr, s.len_bytes);
	*at += s.len_bytes;
}

/* One look for room, then nothing but copying: a section has many lines. */
static void put_line(struct weft__buf *out, weft_str name, const struct visit *v, const struct seen *s)
{
	static const weft_str before = {" (actions: ", sizeof(" (actions: ") - 1};
	const char *text = v->scratch.ptr + s->at;
	size_t most = name.len_bytes + s->text_bytes + s->action_bytes + s->attached_bytes + before.len_bytes + 4;
	char *at;

	if (out->cap_bytes - out->len_bytes < most && !weft__buf_reserve(out, most))
		return;
	at = out->ptr + out->len_bytes;
	put(&at, name);
	put(&at, WEFT_STR(": "));
	put(&at, (weft_str){text, s->text_bytes});
	if (s->action_bytes) {
		put(&at, before);
		put(&at, (weft_str){text + s->text_bytes, s->action_bytes});
		put(&at, WEFT_STR(")"));
	}
	if (s->attached_bytes)
		put(&at, (weft_str){text + s->text_bytes + s->action_bytes, s->attached_bytes});
	put(&at, WEFT_STR("\n"));
	out->len_bytes = (size_t)(at - out->ptr);
}

static int write_section(const struct weft__recent_query *query, const struct visit *v, weft_arena *arena,
                         struct weft__recent *ret)
{
	static const char heading[] = "# Conversation, oldest first\n";
	struct weft__buf out = weft__buf_begin(arena, v->scratch.len_bytes + sizeof(heading) +
	                                                      (size_t)v->count * LINE_EXTRA_BYTES);
	uint32_t *line_at = weft_arena_alloc(arena, v->count * sizeof(*line_at));
	struct speakers speakers;
	weft_str name;
	int r;

	if (!line_at)
		return -ENOMEM;
	speakers.query = query;
	speakers.arena = arena;
	speakers.count = 0;
	weft__buf_put(&out, WEFT_STR(heading));
	for (uint32_t i = 0; i < v->count; i++) {
		const struct seen *s = &v->seen[v->count - 1 - i];

		r = speaker_name(&speakers, s->entity_id, &name);
		if (r < 0)
			return r;
		line_at[i] = (uint32_t)out.len_bytes;
		put_line(&out, name, v, s);
	}
	if (out.len_bytes && !out.failed)
		out.len_bytes--; /* sections are joined by newlines: the last line brings none of its own */
	*ret = (struct weft__recent){
	        .heading_bytes = sizeof(heading) - 1, .line_at = line_at, .line_count = v->count};
	return weft__buf_end(&out, &ret->section);
}

int weft__recent_render(const struct weft__recent_query *query, weft_arena *arena, struct weft__recent *ret)
{
	struct visit v; /* 2.5 KB; only what `count` covers is ever read */
	int r;

	v.count = 0;
	v.scratch = weft__buf_begin(arena, 2048);
	r = weft_store_visit_recent(query->store, query->room_id, WEFT_MEMORY_MESSAGE, 0,
	                            WEFT__RECENT_MESSAGES, see, &v);
	if (v.scratch.failed)
		return -ENOMEM;
	if (r <= 0 || v.count == 0) {
		*ret = (struct weft__recent){0};
		return 0;
	}
	return write_section(query, &v, arena, ret);
}

size_t weft__recent_trim(struct weft__recent *recent, size_t bytes)
{
	size_t keep_from = recent->heading_bytes, dropped;
	char *start = (char *)(uintptr_t)recent->section.ptr;
	uint32_t drop = 0;

	while (drop + 1 < recent->line_count && keep_from - recent->heading_bytes < bytes)
		keep_from = recent->line_at[++drop];
	if (drop == 0)
		return 0;
	/* The heading moves up to the first line that stays; the section is ours, in the arena. */
	dropped = keep_from - recent->heading_bytes;
	memmove(start + dropped, start, recent->heading_bytes);
	recent->section = (weft_str){start + dropped, recent->section.len_bytes - dropped};
	recent->line_at += drop;
	recent->line_count -= drop;
	for (uint32_t i = 0; i < recent->line_count; i++)
		recent->line_at[i] -= (uint32_t)dropped;
	return dropped;
}
