/* SPDX-License-Identifier: Apache-2.0 */
/* store/attachment.c - attachments: checked, copied as one block (see attachment.h), replaced in a memory. */
#include "store/attachment.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "store/journal.h"
#include "store/store.h"

/* The strings of an attachment, in the order they stand in a block. */
static const struct field {
	const char *name;
	size_t offset;
	size_t bytes_max;
} fields[] = {
	{ "url", offsetof(weft_attachment, url), WEFT_ATTACHMENTS_BYTES_MAX },
	{ "content_type", offsetof(weft_attachment, content_type), WEFT_ATTACHMENT_NAME_BYTES_MAX },
	{ "title", offsetof(weft_attachment, title), WEFT_ATTACHMENT_NAME_BYTES_MAX },
	{ "description", offsetof(weft_attachment, description), WEFT_ATTACHMENTS_BYTES_MAX },
	{ "text", offsetof(weft_attachment, text), WEFT_ATTACHMENTS_BYTES_MAX },
	{ "source", offsetof(weft_attachment, source), WEFT_ATTACHMENT_NAME_BYTES_MAX },
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static weft_str *field_of(weft_attachment *a, size_t i)
{
	return (weft_str *)(void *)((char *)a + fields[i].offset);
}

static weft_str read_field(const weft_attachment *a, size_t i)
{
	return *(const weft_str *)(const void *)((const char *)a + fields[i].offset);
}

/* ---- checking -------------------------------------------------------------------- */

/* A restricted-name of RFC 6838; how long it is, 0: none. */
static size_t name_length(weft_str s)
{
	size_t n = 0;

	while (n < s.len_bytes) {
		char c = s.ptr[n];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!alnum && !(n && memchr("!#$&-^_.+", c, 9)))
			break;
		n++;
	}
	return n;
}

/* type "/" subtype, and perhaps parameters behind a semicolon, which nobody here reads. */
static bool is_content_type(weft_str s)
{
	size_t n = name_length(s);

	if (!n || n == s.len_bytes || s.ptr[n] != '/')
		return false;
	s = (weft_str){ s.ptr + n + 1, s.len_bytes - n - 1 };
	n = name_length(s);
	while (n && n < s.len_bytes && s.ptr[n] == ' ')
		n++;
	return n && (n == s.len_bytes || s.ptr[n] == ';');
}

static int check_one(const weft_attachment *a, uint32_t at, size_t *total, weft_error *err)
{
	for (size_t i = 0; i < FIELDS; i++) {
		size_t bytes = read_field(a, i).len_bytes;

		if (bytes > fields[i].bytes_max)
			return weft_error_set(err, -EMSGSIZE, "attachments[%u].%s: %zu bytes, at most %zu", at, fields[i].name,
			                      bytes, fields[i].bytes_max);
		*total += bytes;
		if (*total > WEFT_ATTACHMENTS_BYTES_MAX)
			return weft_error_set(err, -EMSGSIZE, "attachments[%u].%s: over %u bytes in all attachments together", at,
			                      fields[i].name, WEFT_ATTACHMENTS_BYTES_MAX);
	}
	if (!a->url.len_bytes && !a->text.len_bytes)
		return weft_error_set(err, -EINVAL, "attachments[%u].url: empty, and so is text", at);
	if (a->content_type.len_bytes && !is_content_type(a->content_type))
		return weft_error_set(err, -EINVAL, "attachments[%u].content_type: \"%.*s\" is not type/subtype", at,
		                      a->content_type.len_bytes > 64 ? 64 : (int)a->content_type.len_bytes,
		                      a->content_type.ptr);
	return 0;
}

int weft_attachments_check(const weft_attachment *attachments, uint32_t count, weft_error *err)
{
	size_t total = 0;

	if (count && !attachments)
		return weft_error_set(err, -EINVAL, "attachments: NULL, and attachment_count is %u", count);
	if (count > WEFT_ATTACHMENTS_MAX)
		return weft_error_set(err, -EMSGSIZE, "attachment_count: %u, at most %u", count, WEFT_ATTACHMENTS_MAX);
	for (uint32_t i = 0; i < count; i++) {
		int r = check_one(&attachments[i], i, &total, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- blocks ---------------------------------------------------------------------- */

size_t weft__attachments_bytes(const weft_attachment *list, uint32_t count)
{
	size_t bytes = count * sizeof(*list);

	for (uint32_t a = 0; a < count; a++) {
		for (size_t i = 0; i < FIELDS; i++)
			bytes += read_field(&list[a], i).len_bytes + 1;
	}
	return bytes;
}

weft_attachment *weft__attachments_put(void *block, const weft_attachment *list, uint32_t count)
{
	weft_attachment *copy = block;
	char *at = (char *)(copy + count);

	if (!count)
		return NULL;
	memcpy(copy, list, count * sizeof(*copy));
	for (uint32_t a = 0; a < count; a++) {
		for (size_t i = 0; i < FIELDS; i++)
			*field_of(&copy[a], i) = weft__text_put(&at, *field_of(&copy[a], i));
		if (weft_uuid_is_nil(copy[a].id))
			copy[a].id = weft_uuid_v7();
	}
	return copy;
}

/* ---- in a memory ------------------------------------------------------------------ */

/*
 * Swap the new block in, with the record's map shard locked; what has to be freed comes back through *block.
 * 0, or -EDQUOT: nothing was swapped.
 */
static int swap_locked(weft_store *store, struct weft__record *r, weft_attachment **block, uint32_t count, size_t bytes,
                       struct weft__journal *journal)
{
	weft_attachment *old = (weft_attachment *)(uintptr_t)r->m.attachments;
	size_t old_bytes = weft__attachments_bytes(old, r->m.attachment_count);
	int status = weft__usage_charge_bytes(store, r->account, bytes > old_bytes ? bytes - old_bytes : 0);

	if (status < 0)
		return status;
	pthread_rwlock_wrlock(&r->room->lock);
	r->m.attachments = *block;
	r->m.attachment_count = count;
	r->room->histories[r->m.type]->bytes += bytes - old_bytes; /* unsigned: right when it is less as well */
	weft__journal_push(store, journal);
	pthread_rwlock_unlock(&r->room->lock);
	r->bytes += (uint32_t)(bytes - old_bytes);
	weft__usage_refund_bytes(store, r->account, old_bytes > bytes ? old_bytes - bytes : 0);
	*block = old;
	return 0;
}

int weft_store_set_attachments(weft_store *store, weft_uuid id, const weft_attachment *attachments, uint32_t count)
{
	weft_change change = { .kind = WEFT_CHANGE_ATTACHMENTS, .memory = { .id = id, .attachment_count = count } };
	weft_memory_type type = WEFT_MEMORY_MESSAGE;
	struct weft__journal journal;
	struct weft__room *room = NULL;
	struct weft__shard *shard;
	struct weft__record *r;
	weft_attachment *block = NULL;
	size_t bytes;
	int status;

	if (!store)
		return -EINVAL;
	status = weft_attachments_check(attachments, count, NULL);
	if (status < 0)
		return status;
	bytes = weft__attachments_bytes(attachments, count);
	if (count) {
		block = weft_malloc(bytes);
		if (!block)
			return -ENOMEM;
		change.memory.attachments = weft__attachments_put(block, attachments, count);
	}
	status = weft__journal_begin(store, &change, &journal);
	if (status < 0) {
		weft_free(block);
		return status;
	}
	shard = weft__map_lock(&store->memories, id);
	r = weft__shard_find(shard, id);
	status = r ? swap_locked(store, r, &block, count, bytes, &journal) : -ENOENT;
	if (status == 0) {
		room = r->room;
		type = r->m.type;
	}
	weft__map_unlock(shard);
	weft_free(block); /* the old one; the new one when it was not swapped in */
	if (room)
		weft__limits_enforce(store, room, type);
	return weft__journal_end(store, &journal, status);
}
