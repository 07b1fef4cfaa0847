/* SPDX-License-Identifier: Apache-2.0 */
/* store/log/reader.c - see reader.h. */
#include "store/log/reader.h"

#include <errno.h>
#include <string.h>

#include <weft/alloc.h>

#include "runtime/io/file.h"
#include "store/log/crc.h"

#define WINDOW_BYTES (1u << 20)

int weft__reader_open(struct weft__reader *r, const char *path)
{
	int64_t size;

	memset(r, 0, sizeof(*r));
	r->fd = weft__file_open(path, 0);
	if (r->fd < 0)
		return r->fd;
	size = weft__file_size(r->fd);
	if (size < 0) {
		weft__file_close(r->fd);
		r->fd = -1;
		return (int)size;
	}
	r->size = (uint64_t)size;
	r->offset = WEFT__SECTOR;
	return 0;
}

void weft__reader_close(struct weft__reader *r)
{
	if (r->fd > 0)
		weft__file_close(r->fd);
	weft_free(r->buf);
	memset(r, 0, sizeof(*r));
}

static int window_grow(struct weft__reader *r, size_t room)
{
	char *more;

	if (room <= r->room)
		return 0;
	more = weft_realloc(r->buf, room);
	if (!more)
		return -ENOMEM;
	r->buf = more;
	r->room = room;
	return 0;
}

/* The bytes at offset: as many as asked for, fewer at the end of the file. */
static int64_t window_at(struct weft__reader *r, uint64_t offset, size_t len, const char **ret)
{
	size_t want = len > WINDOW_BYTES ? len : WINDOW_BYTES;
	int64_t n;
	int status;

	if (offset >= r->size)
		return 0;
	if (offset < r->start || offset + len > r->start + r->len) {
		status = window_grow(r, want);
		if (status < 0)
			return status;
		r->len = 0;
		n = weft__file_read(r->fd, r->buf, want, offset);
		if (n < 0)
			return n;
		r->start = offset;
		r->len = (size_t)n;
	}
	*ret = r->buf + (offset - r->start);
	n = (int64_t)(r->start + r->len - offset);
	return n < (int64_t)len ? n : (int64_t)len;
}

int weft__reader_head(struct weft__reader *r, uint32_t *ret_version)
{
	char sector[WEFT__SECTOR] = { 0 };
	const char *bytes = NULL;
	int64_t n = window_at(r, 0, sizeof(sector), &bytes);

	if (n < 0)
		return (int)n;
	if (n)
		memcpy(sector, bytes, (size_t)n);
	return weft__head_get(sector, &r->head, ret_version);
}

int weft__reader_batch(struct weft__reader *r, uint64_t offset, struct weft__frame *ret, const char **ret_records)
{
	struct weft__frame f;
	const char *bytes = NULL;
	int64_t n = window_at(r, offset, WEFT__FRAME_BYTES, &bytes);

	if (n < (int64_t)WEFT__FRAME_BYTES)
		return n < 0 ? (int)n : 0;
	if (weft__frame_get(bytes, &f) < 0 || f.len > r->size - offset - WEFT__FRAME_BYTES)
		return 0;
	n = window_at(r, offset, WEFT__FRAME_BYTES + f.len, &bytes);
	if (n < (int64_t)(WEFT__FRAME_BYTES + f.len))
		return n < 0 ? (int)n : 0;
	if (weft__crc32c(weft__frame_begin(&f, r->head.crc), bytes + WEFT__FRAME_BYTES, f.len) != f.crc)
		return 0;
	*ret = f;
	*ret_records = bytes + WEFT__FRAME_BYTES;
	return 1;
}

static bool is_zero(const char *bytes, size_t n)
{
	return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

int weft__reader_search(struct weft__reader *r, uint64_t offset, uint64_t *ret_at, bool *ret_dirty)
{
	for (; offset < r->size; offset += WEFT__SECTOR) {
		const char *bytes = NULL;
		struct weft__frame f;
		int64_t n = window_at(r, offset, WEFT__SECTOR, &bytes);
		int found;

		if (n < 0)
			return (int)n;
		if (is_zero(bytes, (size_t)n))
			continue;
		*ret_dirty = true;
		found = weft__reader_batch(r, offset, &f, &bytes);
		if (found) {
			*ret_at = offset;
			return found;
		}
	}
	return 0;
}
