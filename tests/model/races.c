/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/races.c - stamps on bytes, the arena, and names for the trace; see races.h. */
#include "tests/model/races.h"

#include <stdio.h>
#include <string.h>

#include "tests/model/explore.h"

#define GRANULE 8u /* bytes with one entry */
#define ENTRIES 8192u /* power of two */
#define ARENA_BYTES (1u << 20)
#define GAP_BYTES 64u
#define BLOCKS 256u
#define NAMES 64u

enum way { PLAIN_READ, PLAIN_WRITE, ATOMIC_READ, ATOMIC_WRITE, WAYS };

static const char *const way_names[WAYS] = { "plain read", "plain write", "atomic read", "atomic write" };

struct entry {
	uintptr_t granule;
	uint32_t execution; /* of an older one: empty */
	uint16_t latest[MEM_THREADS]; /* of the stamps below */
	uint16_t stamp[MEM_THREADS][WAYS][GRANULE];
};

static struct entry entries[ENTRIES];
static uint32_t execution;

static _Alignas(GAP_BYTES) unsigned char arena[ARENA_BYTES];
static bool usable[ARENA_BYTES / GRANULE];
static size_t arena_used;
static struct block {
	unsigned char *at;
	size_t bytes;
	bool freed;
} blocks[BLOCKS];
static unsigned block_count;

static struct {
	uintptr_t at;
	size_t bytes;
	const char *name;
} names[NAMES];
static unsigned name_count;

void races_reset(void)
{
	execution++;
	memset(usable, 0, arena_used / GRANULE);
	arena_used = 0;
	block_count = 0;
}

static struct entry *entry_of(uintptr_t granule)
{
	unsigned i = (unsigned)((granule * UINT64_C(0x9e3779b97f4a7c15)) >> 44) & (ENTRIES - 1);

	for (unsigned looked = 0; looked < ENTRIES; looked++, i = (i + 1) & (ENTRIES - 1)) {
		struct entry *e = &entries[i];

		if (e->execution == execution && e->granule == granule)
			return e;
		if (e->execution != execution) {
			memset(e, 0, sizeof(*e));
			e->granule = granule;
			e->execution = execution;
			return e;
		}
	}
	explore_fail("model too large: plain memory");
}

static bool conflict(enum way mine, enum way theirs)
{
	if (mine == PLAIN_WRITE || theirs == PLAIN_WRITE)
		return true;
	return (mine == PLAIN_READ && theirs == ATOMIC_WRITE) || (mine == ATOMIC_WRITE && theirs == PLAIN_READ);
}

static void look_at_other(const struct entry *e, unsigned byte, unsigned thread, enum way mine, unsigned other,
                          unsigned known)
{
	for (unsigned theirs = 0; theirs < WAYS; theirs++) {
		if (e->stamp[other][theirs][byte] > known && conflict(mine, theirs))
			explore_fail("data race on %s: %s by T%u is not ordered after %s by T%u",
			             mem_name((void *)(e->granule * GRANULE + byte)), way_names[mine], thread,
			             way_names[theirs], other);
	}
}

static void touch(unsigned thread, const struct mem_clock *now, uintptr_t at, size_t bytes, enum way mine)
{
	while (bytes) {
		struct entry *e = entry_of(at / GRANULE);
		unsigned from = at % GRANULE, to = from + bytes < GRANULE ? (unsigned)(from + bytes) : GRANULE;

		for (unsigned other = 1; other < MEM_THREADS; other++) {
			if (other == thread || e->latest[other] <= now->at[other])
				continue;
			for (unsigned byte = from; byte < to; byte++)
				look_at_other(e, byte, thread, mine, other, now->at[other]);
		}
		for (unsigned byte = from; byte < to; byte++)
			e->stamp[thread][mine][byte] = now->at[thread];
		e->latest[thread] = now->at[thread];
		at += to - from;
		bytes -= to - from;
	}
}

static void must_be_usable(uintptr_t at, size_t bytes, const char *what)
{
	uintptr_t offset = at - (uintptr_t)arena;

	if (offset >= ARENA_BYTES)
		return;
	for (uintptr_t g = offset / GRANULE; g <= (offset + bytes - 1) / GRANULE; g++) {
		if (!usable[g])
			explore_fail("%s of %s, which was freed or is outside of its block", what, mem_name((void *)at));
	}
}

static void look(unsigned thread, const struct mem_clock *now, uintptr_t at, size_t bytes, enum way mine)
{
	if (!bytes)
		return;
	must_be_usable(at, bytes, way_names[mine]);
	if (thread) /* 0 is alone whenever it runs */
		touch(thread, now, at, bytes, mine);
}

void races_plain(unsigned thread, const struct mem_clock *now, const void *at, size_t bytes, bool write)
{
	look(thread, now, (uintptr_t)at, bytes, write ? PLAIN_WRITE : PLAIN_READ);
}

void races_atomic(unsigned thread, const struct mem_clock *now, const void *at, size_t bytes, bool write)
{
	look(thread, now, (uintptr_t)at, bytes, write ? ATOMIC_WRITE : ATOMIC_READ);
}

/* ---- the arena --------------------------------------------------------------------------------- */

void *mem_alloc(size_t bytes, size_t alignment)
{
	size_t at = (arena_used + GAP_BYTES + alignment - 1) / alignment * alignment;
	size_t end = (at + bytes + GRANULE - 1) / GRANULE * GRANULE;

	if (end > ARENA_BYTES || block_count == BLOCKS)
		explore_fail("model too large: arena");
	memset(arena + at, 0xa5, end - at);
	memset(&usable[at / GRANULE], true, (end - at) / GRANULE);
	blocks[block_count++] = (struct block){ .at = arena + at, .bytes = bytes };
	arena_used = end;
	return arena + at;
}

void races_free(unsigned thread, const struct mem_clock *now, void *memory)
{
	for (unsigned i = 0; i < block_count; i++) {
		struct block *b = &blocks[i];

		if (b->at != memory)
			continue;
		if (b->freed)
			explore_fail("%s is freed twice", mem_name(memory));
		races_plain(thread, now, b->at, b->bytes, true);
		memset(&usable[(size_t)(b->at - arena) / GRANULE], false, (b->bytes + GRANULE - 1) / GRANULE);
		b->freed = true;
		return;
	}
	explore_fail("%p is freed and was never allocated", memory);
}

unsigned mem_blocks(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < block_count; i++)
		n += !blocks[i].freed;
	return n;
}

/* ---- names ---------------------------------------------------------------------------------------- */

void mem_names_forget(void)
{
	name_count = 0;
}

void mem_name_add(const void *at, size_t bytes, const char *name)
{
	if (name_count < NAMES) {
		names[name_count].at = (uintptr_t)at;
		names[name_count].bytes = bytes;
		names[name_count++].name = name;
	}
}

/* The smallest named piece of memory that at lies in. */
const char *mem_name(const void *at)
{
	static char text[4][64];
	static unsigned turn;
	char *to = text[turn++ % 4];
	unsigned best = NAMES;

	for (unsigned i = 0; i < name_count; i++) {
		if ((uintptr_t)at - names[i].at < names[i].bytes && (best == NAMES || names[i].bytes < names[best].bytes))
			best = i;
	}
	if (best == NAMES)
		snprintf(to, sizeof(text[0]), "%p", at);
	else if ((uintptr_t)at == names[best].at)
		snprintf(to, sizeof(text[0]), "%s", names[best].name);
	else
		snprintf(to, sizeof(text[0]), "%s+%zu", names[best].name, (size_t)((uintptr_t)at - names[best].at));
	return to;
}
