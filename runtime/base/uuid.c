/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/uuid.c - UUIDv7 from thread-local state.
 *
 *   48 bits Unix ms | 0111 | 12 bits counter | 10 | 30 bits counter | 32 bits random
 *
 * RFC 9562, section 6.2, method 1, with a long counter: it starts anywhere in the lower
 * half of its range each millisecond and counts up, so one thread's ids sort. When the
 * wall clock steps back the last millisecond stays in use until it is passed
 * again. The clock is read at most every quarter of a millisecond, so
 * an id can carry the millisecond before.
 */
#include <weft/uuid.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "runtime/base/atomic.h"
#include "runtime/base/clock.h"
#include "runtime/base/rng.h"

#define COUNTER_BITS 42
#define COUNTER_SEED_MASK ((UINT64_C(1) << (COUNTER_BITS - 1)) - 1)

struct uuid_state {
	uint32_t era; /* fork_era it was seeded in; 0: not seeded */
	uint64_t ms;
	uint64_t counter;
	uint64_t read_at, read_every; /* ticks */
	struct weft__rng rng;
};

static _Thread_local struct uuid_state local;

/* Counts forks, from 1: a child must not go on with its parent's random numbers. */
static _Atomic(uint32_t) fork_era = 1;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void in_child(void)
{
	weft__fetch_add_relaxed(&fork_era, 1u); /* relaxed: a child starts with one thread */
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, in_child);
}

static void tick(struct uuid_state *s, uint64_t ms)
{
	if (ms <= s->ms)
		return;
	s->ms = ms;
	s->counter = weft__rng_next(&s->rng) & COUNTER_SEED_MASK;
}

static void seed(struct uuid_state *s, uint32_t era)
{
	pthread_once(&fork_once, watch_forks);
	weft__rng_seed(&s->rng, weft__entropy());
	for (int i = 0; i < 4; i++)
		s->rng.s[i] ^= weft__entropy();
	s->era = era;
	s->read_every = weft__tsc_short_span();
	s->read_at = weft__tsc();
	s->counter = weft__rng_next(&s->rng) & COUNTER_SEED_MASK;
	tick(s, (uint64_t)weft_wall_ms());
}

static void store_be64(uint8_t *to, uint64_t value)
{
	value = __builtin_bswap64(value);
	memcpy(to, &value, sizeof(value));
}

static uint64_t load_be64(const uint8_t *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return __builtin_bswap64(value);
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "store_be64 and load_be64 swap, hex8 counts from the low end");

weft_uuid weft_uuid_v7(void)
{
	struct uuid_state *s = &local;
	uint64_t now = weft__tsc();
	uint64_t counter;
	weft_uuid id;

	/* relaxed: only this thread's own fork can have changed it */
	if (__builtin_expect(s->era != weft__load_relaxed(&fork_era), 0)) {
		seed(s, weft__load_relaxed(&fork_era));
	} else if (now - s->read_at >= s->read_every) {
		s->read_at = now;
		tick(s, (uint64_t)weft_wall_ms());
	}
	counter = s->counter++;
	if (__builtin_expect(counter >> COUNTER_BITS, 0)) { /* needs 2^41 ids in a millisecond */
		s->ms++;
		counter = weft__rng_next(&s->rng) & COUNTER_SEED_MASK;
		s->counter = counter + 1;
	}
	store_be64(id.bytes, s->ms << 16 | 0x7000u | counter >> 30);
	store_be64(id.bytes + 8, UINT64_C(2) << 62 | (counter & 0x3fffffffu) << 32 | weft__rng_next(&s->rng) >> 32);
	return id;
}

void weft_uuid_format(weft_uuid id, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";
	char *at = ret_text;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		*at++ = digits[id.bytes[i] >> 4];
		*at++ = digits[id.bytes[i] & 15];
	}
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * Eight hexadecimal digits, four at high and four at low, as four bytes in memory; *bad gets a bit when one is none.
 *
 * All eight at once, a byte each: a letter has bit 6, and its low half is 9 less than its value. What the values are spelled
 * like is compared with the text, which finds everything else than a digit or a letter, but for g to o: they are above 15.
 */
static uint32_t hex8(const char *high, const char *low, uint64_t *bad)
{
	uint64_t text, value, letters, lower;

	memcpy(&text, high, 4);
	memcpy((char *)&text + 4, low, 4);
	letters = text & EACH(0x40);
	lower = text | letters >> 1;
	value = (text & EACH(0x0f)) + (letters >> 6) * 9;
	letters = (value + EACH(0x80 - 10)) >> 7 & EACH(1);
	*bad |= (value & EACH(0x10)) | (lower ^ (value + EACH('0') + letters * ('a' - 10 - '0')));
	value = (value << 4 | value >> 8) & UINT64_C(0x00ff00ff00ff00ff);
	value = (value | value >> 8) & UINT64_C(0x0000ffff0000ffff);
	return (uint32_t)(value | value >> 16);
}

int weft_uuid_parse(weft_str text, weft_uuid *ret_id)
{
	const char *t = text.ptr;
	uint64_t bad = 0;
	uint32_t words[4];

	if (!ret_id || text.len_bytes != WEFT_UUID_TEXT_LEN)
		return -EINVAL;
	words[0] = hex8(t, t + 4, &bad);
	words[1] = hex8(t + 9, t + 14, &bad);
	words[2] = hex8(t + 19, t + 24, &bad);
	words[3] = hex8(t + 28, t + 32, &bad);
	if (bad || t[8] != '-' || t[13] != '-' || t[18] != '-' || t[23] != '-')
		return -EINVAL;
	memcpy(ret_id->bytes, words, sizeof(words));
	return 0;
}

bool weft_uuid_eq(weft_uuid a, weft_uuid b)
{
	return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

bool weft_uuid_is_nil(weft_uuid id)
{
	return (load_be64(id.bytes) | load_be64(id.bytes + 8)) == 0;
}

uint64_t weft_uuid_hash(weft_uuid id)
{
	return weft__mix2(load_be64(id.bytes), load_be64(id.bytes + 8));
}
