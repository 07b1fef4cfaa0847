/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/alloc.h - the one seam through which weft gets memory, and arenas and buffers over it.
 *
 * The default is mimalloc. A host that owns its memory replaces it once, before
 * any other call into weft.
 */
#ifndef WEFT_ALLOC_H
#define WEFT_ALLOC_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

/** Memory functions with the meaning of malloc, realloc and free; all must be thread-safe. */
typedef struct weft_allocator {
	uint32_t size; /* sizeof(weft_allocator) */
	void *(*malloc_fn)(size_t bytes, void *user);
	void *(*realloc_fn)(void *ptr, size_t bytes, void *user);
	void (*free_fn)(void *ptr, void *user);
	void *(*aligned_fn)(size_t alignment, size_t bytes, void *user); /* freed by free_fn */
	void *user;
} weft_allocator;

/**
 * Replace the allocator of this process.
 * @return 0, -EINVAL (a function missing), -EBUSY (weft has allocated already)
 * Threads: call before any other thread uses weft.
 */
WEFT_API int weft_allocator_set(const weft_allocator *allocator);

/*
 * Memory from the seam. NULL when out of memory, never an abort. A block given
 * to weft ("ownership: the runtime's") comes from here. Threads: any.
 */
WEFT_API void *weft_malloc(size_t bytes);
WEFT_API void *weft_calloc(size_t count, size_t bytes);
WEFT_API void *weft_realloc(void *ptr, size_t bytes);
WEFT_API void *weft_aligned_alloc(size_t alignment, size_t bytes); /* freed by weft_free */
WEFT_API void weft_free(void *ptr);
WEFT_API char *weft_strndup(const char *text, size_t len_bytes); /* adds a NUL */

/**
 * An arena: many allocations, one release. For what lives as long as one
 * message's handling. Not thread-safe: one user at a time.
 */
typedef struct weft_arena weft_arena;

/** @return 0 or -ENOMEM. chunk_bytes: how much to take from the allocator at a time; 0 = 4096. */
WEFT_API int weft_arena_create(size_t chunk_bytes, weft_arena **ret_arena);
/** Release everything; NULL is fine. */
WEFT_API void weft_arena_destroy(weft_arena *arena);
/** Forget all allocations and keep the first chunk for reuse. */
WEFT_API void weft_arena_reset(weft_arena *arena);
/** 16-byte aligned, not zeroed; NULL when out of memory. */
WEFT_API void *weft_arena_alloc(weft_arena *arena, size_t bytes);
/** Zeroed. */
WEFT_API void *weft_arena_calloc(weft_arena *arena, size_t bytes);
/** A copy with a NUL behind it; {NULL, 0} when out of memory. */
WEFT_API weft_str weft_arena_dup(weft_arena *arena, weft_str text);
/** Formatted text with a NUL behind it; {NULL, 0} when out of memory. */
WEFT_API weft_str weft_arena_printf(weft_arena *arena, const char *fmt, ...) WEFT_PRINTF(2, 3);
/** It holds secrets: what was in it is overwritten before its memory is given back or used again. */
WEFT_API void weft_arena_wipe_at_end(weft_arena *arena);
/** Bytes held from the allocator. */
WEFT_API size_t weft_arena_bytes(const weft_arena *arena);

/**
 * Bytes that grow. Zero is an empty one whose memory comes from the allocator; with an arena it comes from there, and goes
 * with it. To use its memory again set len_bytes to 0. Not thread-safe: one user at a time.
 */
typedef struct weft_buffer {
	char *ptr; /* owned, or the arena's */
	size_t len_bytes, cap_bytes;
	weft_arena *arena; /* borrowed; NULL: none */
} weft_buffer;

/** Room for `more` bytes behind len_bytes. @return 0 or -ENOMEM: nothing changed then */
WEFT_API int weft_buffer_reserve(weft_buffer *buffer, size_t more);
/** Append. @return as weft_buffer_reserve */
WEFT_API int weft_buffer_put(weft_buffer *buffer, weft_str bytes);
/** Release what it owns; an empty one afterwards, of the same arena. NULL is fine. */
WEFT_API void weft_buffer_fini(weft_buffer *buffer);

WEFT_END_DECLS

#endif
