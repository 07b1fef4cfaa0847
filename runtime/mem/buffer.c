/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/mem/buffer.c - bytes that grow: by half as much again at least, in memory of their own or in an arena. */
#include <weft/alloc.h>

#include <errno.h>
#include <string.h>

#define CAP_MIN 256u

/* An arena takes nothing back: what was too small stays there until it goes. */
static char *moved(const weft_buffer *b, size_t cap)
{
	char *to;

	if (!b->arena)
		return weft_realloc(b->ptr, cap);
	to = weft_arena_alloc(b->arena, cap);
	if (to && b->len_bytes)
		memcpy(to, b->ptr, b->len_bytes);
	return to;
}

int weft_buffer_reserve(weft_buffer *buffer, size_t more)
{
	size_t need, cap = buffer->cap_bytes + buffer->cap_bytes / 2;
	char *to;

	if (buffer->cap_bytes - buffer->len_bytes >= more)
		return 0;
	if (__builtin_add_overflow(buffer->len_bytes, more, &need) || need > SIZE_MAX / 2)
		return -ENOMEM;
	if (cap < need)
		cap = need;
	if (cap < CAP_MIN)
		cap = CAP_MIN;
	to = moved(buffer, cap);
	if (!to)
		return -ENOMEM;
	buffer->ptr = to;
	buffer->cap_bytes = cap;
	return 0;
}

int weft_buffer_put(weft_buffer *buffer, weft_str bytes)
{
	int r = weft_buffer_reserve(buffer, bytes.len_bytes);

	if (r < 0)
		return r;
	if (bytes.len_bytes)
		memcpy(buffer->ptr + buffer->len_bytes, bytes.ptr, bytes.len_bytes);
	buffer->len_bytes += bytes.len_bytes;
	return 0;
}

void weft_buffer_fini(weft_buffer *buffer)
{
	if (!buffer)
		return;
	if (!buffer->arena)
		weft_free(buffer->ptr);
	*buffer = (weft_buffer){ .arena = buffer->arena };
}
