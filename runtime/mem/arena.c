/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/mem/arena.c - many allocations, one release.
 *
 *   one block from weft_malloc                   later chunks, newest first
 *   +-------+--------------------------+         +------+----------------+
 *   | arena | used ...... | free       |  chunks | next | used ... |free |--> next
 *   +-------+-------------^------------^-------->+------+----------^-----^
 *                         at           end   (at and end move into the newest chunk)
 *
 * at and end are multiples of 16, so a request fits exactly when its plain size does.
 * Chunks double up to CHUNK_BYTES_MAX. A block too large for a share of a chunk gets
 * a chunk of its own and leaves at and end alone. Under ASan the free part is poisoned.
 */
#include <weft/alloc.h>

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/assert.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#endif

#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#define hide(ptr, bytes) ASAN_POISON_MEMORY_REGION(ptr, bytes)
#define show(ptr, bytes) ASAN_UNPOISON_MEMORY_REGION(ptr, bytes)
#else
#define hide(ptr, bytes) ((void)(ptr), (void)(bytes))
#define show(ptr, bytes) ((void)(ptr), (void)(bytes))
#endif

#define ALIGN 16u
#define CHUNK_BYTES_DEFAULT 4096u
#define CHUNK_BYTES_MIN 256u
#define CHUNK_BYTES_MAX (64u << 10)

struct chunk {
	struct chunk *next;
	size_t bytes; /* with this header */
};

struct weft_arena {
	char *at, *end;
	struct chunk *chunks;  /* all but the first */
	size_t first_bytes;    /* of the block this struct starts */
	size_t next_bytes;     /* how large the next chunk will be */
	size_t held_bytes;
	bool wipes; /* what was here is overwritten before it goes */
	char unused[15];
};

static_assert(sizeof(struct chunk) % ALIGN == 0, "a chunk's data starts aligned");
static_assert(sizeof(struct weft_arena) % ALIGN == 0, "the first chunk's data starts aligned");
static_assert(sizeof(struct weft_arena) + ALIGN <= CHUNK_BYTES_MIN, "the smallest arena holds something");

static size_t round_up(size_t bytes)
{
	return (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static void rewind_to_first(weft_arena *a)
{
	a->at = (char *)(a + 1);
	a->end = (char *)a + a->first_bytes;
	a->next_bytes = a->first_bytes < CHUNK_BYTES_MAX ? a->first_bytes * 2 : a->first_bytes;
	a->held_bytes = a->first_bytes;
	hide(a->at, (size_t)(a->end - a->at));
}

int weft_arena_create(size_t chunk_bytes, weft_arena **ret_arena)
{
	weft_arena *a;

	WEFT_RETURN_IF(!ret_arena, -EINVAL);
	WEFT_RETURN_IF(chunk_bytes > SIZE_MAX / 4, -ENOMEM);
	if (chunk_bytes == 0)
		chunk_bytes = CHUNK_BYTES_DEFAULT;
	if (chunk_bytes < CHUNK_BYTES_MIN)
		chunk_bytes = CHUNK_BYTES_MIN;
	chunk_bytes = round_up(chunk_bytes);
	a = weft_malloc(chunk_bytes);
	if (!a)
		return -ENOMEM;
	a->chunks = NULL;
	a->wipes = false;
	a->first_bytes = chunk_bytes;
	rewind_to_first(a);
	*ret_arena = a;
	return 0;
}

static void free_chunks(weft_arena *a)
{
	while (a->chunks) {
		struct chunk *chunk = a->chunks;

		a->chunks = chunk->next;
		show(chunk, chunk->bytes);
		if (a->wipes)
			explicit_bzero(chunk + 1, chunk->bytes - sizeof(*chunk));
		weft_free(chunk);
	}
}

static void wipe_first(weft_arena *a)
{
	show(a + 1, a->first_bytes - sizeof(*a));
	explicit_bzero(a + 1, a->first_bytes - sizeof(*a));
}

void weft_arena_destroy(weft_arena *a)
{
	if (!a)
		return;
	free_chunks(a);
	if (a->wipes)
		wipe_first(a);
	show(a, a->first_bytes);
	weft_free(a);
}

void weft_arena_reset(weft_arena *a)
{
	if (a->chunks)
		free_chunks(a);
	if (a->wipes)
		wipe_first(a);
	rewind_to_first(a);
}

void weft_arena_wipe_at_end(weft_arena *a)
{
	a->wipes = true;
}

static struct chunk *chunk_add(weft_arena *a, size_t bytes)
{
	struct chunk *chunk = weft_malloc(bytes);

	if (!chunk)
		return NULL;
	chunk->bytes = bytes;
	chunk->next = a->chunks;
	a->chunks = chunk;
	a->held_bytes += bytes;
	return chunk;
}

static __attribute__((noinline)) void *alloc_slow(weft_arena *a, size_t bytes)
{
	struct chunk *chunk;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	if (bytes > a->next_bytes / 4) {
		chunk = chunk_add(a, sizeof(*chunk) + round_up(bytes));
		if (chunk)
			hide((char *)(chunk + 1) + bytes, round_up(bytes) - bytes);
		return chunk ? chunk + 1 : NULL;
	}
	chunk = chunk_add(a, a->next_bytes);
	if (!chunk)
		return NULL;
	a->at = (char *)(chunk + 1);
	a->end = (char *)chunk + chunk->bytes;
	if (a->next_bytes < CHUNK_BYTES_MAX)
		a->next_bytes *= 2;
	hide(a->at, (size_t)(a->end - a->at));
	return weft_arena_alloc(a, bytes);
}

void *weft_arena_alloc(weft_arena *a, size_t bytes)
{
	char *ptr = a->at;

	if (__builtin_expect(bytes > (size_t)(a->end - ptr), 0))
		return alloc_slow(a, bytes);
	a->at = ptr + round_up(bytes);
	show(ptr, bytes);
	return ptr;
}

void *weft_arena_calloc(weft_arena *a, size_t bytes)
{
	void *ptr = weft_arena_alloc(a, bytes);

	return ptr ? memset(ptr, 0, bytes) : NULL;
}

weft_str weft_arena_dup(weft_arena *a, weft_str text)
{
	char *copy = text.len_bytes == SIZE_MAX ? NULL : weft_arena_alloc(a, text.len_bytes + 1);

	if (!copy)
		return (weft_str){ NULL, 0 };
	if (text.len_bytes)
		memcpy(copy, text.ptr, text.len_bytes);
	copy[text.len_bytes] = '\0';
	return (weft_str){ copy, text.len_bytes };
}

weft_str weft_arena_printf(weft_arena *a, const char *fmt, ...)
{
	size_t room = (size_t)(a->end - a->at);
	char *text = a->at;
	va_list args;
	int len;

	/* Written where it will stay when it fits; printed again when it does not. */
	show(text, room);
	va_start(args, fmt);
	len = vsnprintf(text, room, fmt, args);
	va_end(args);
	hide(text, room);
	if (len < 0)
		return (weft_str){ NULL, 0 };
	text = weft_arena_alloc(a, (size_t)len + 1);
	if (!text)
		return (weft_str){ NULL, 0 };
	if ((size_t)len >= room) {
		va_start(args, fmt);
		vsnprintf(text, (size_t)len + 1, fmt, args);
		va_end(args);
	}
	return (weft_str){ text, (size_t)len };
}

size_t weft_arena_bytes(const weft_arena *a)
{
	return a->held_bytes;
}
