/* SPDX-License-Identifier: Apache-2.0 */
/* net/gate/breaker.c - is the endpoint broken? One word: breaker.h. */
#include "net/gate/breaker.h"

#define MS UINT64_C(1000000)
#define STAMP_SHIFT 18u
#define FAILURES_SHIFT 2u

static weft_breaker_state state_of(uint64_t word)
{
	return (weft_breaker_state)(word & 3);
}

static uint32_t failures_of(uint64_t word)
{
	return word >> FAILURES_SHIFT & WEFT__BREAKER_FAILURES_MAX;
}

static uint64_t stamp_of(uint64_t word)
{
	return word >> STAMP_SHIFT;
}

static uint64_t word_of(weft_breaker_state state, uint32_t failures, uint64_t stamp)
{
	return stamp << STAMP_SHIFT | (uint64_t)failures << FAILURES_SHIFT | (uint64_t)state;
}

void weft__breaker_init(struct weft__breaker *b, uint32_t failures_max, uint64_t open_ns)
{
	weft__store_relaxed(&b->word, word_of(WEFT_BREAKER_CLOSED, 0, 0)); /* relaxed: not shared yet */
	b->failures_max = failures_max;
	b->open_ns = open_ns > MS ? open_ns : MS; /* two periods never begin in one millisecond */
}

uint64_t weft__breaker_wait(const struct weft__breaker *b, uint64_t now_ns)
{
	uint64_t word = weft__load_acquire(&b->word);

	if (state_of(word) == WEFT_BREAKER_CLOSED)
		return 0;
	if (state_of(word) == WEFT_BREAKER_HALF_OPEN)
		return b->open_ns; /* if that one call fails; if it does not, who asks sooner goes sooner */
	return stamp_of(word) * MS > now_ns ? stamp_of(word) * MS - now_ns : 0;
}

bool weft__breaker_go(struct weft__breaker *b, uint64_t now_ns, uint64_t *ret_period)
{
	uint64_t word = weft__load_acquire(&b->word);

	while (state_of(word) == WEFT_BREAKER_OPEN && stamp_of(word) * MS <= now_ns) {
		/* acq_rel: of all who try one wins; behind whoever opened it */
		if (weft__cas_acq_rel(&b->word, &word, word_of(WEFT_BREAKER_HALF_OPEN, 0, stamp_of(word)))) {
			*ret_period = WEFT__BREAKER_PROBE;
			return true;
		}
	}
	if (state_of(word) != WEFT_BREAKER_CLOSED)
		return false;
	*ret_period = stamp_of(word);
	return true;
}

/* Rounded up, so that it is never open for less. */
static uint64_t open_until(const struct weft__breaker *b, uint64_t now_ns)
{
	return (now_ns + b->open_ns + MS - 1) / MS;
}

static void probe_back(struct weft__breaker *b, uint64_t now_ns, enum weft__breaker_news news)
{
	uint64_t next;

	if (news == WEFT__BREAKER_GOOD)
		next = word_of(WEFT_BREAKER_CLOSED, 0, now_ns / MS);
	else
		next = word_of(WEFT_BREAKER_OPEN, 0, news == WEFT__BREAKER_BAD ? open_until(b, now_ns) : now_ns / MS);
	weft__store_release(&b->word, next); /* HALF_OPEN is ours alone; release: to the next who goes */
}

bool weft__breaker_back(struct weft__breaker *b, uint64_t now_ns, uint64_t period, enum weft__breaker_news news)
{
	uint64_t word, next;

	if (period == WEFT__BREAKER_PROBE) {
		probe_back(b, now_ns, news);
		return false;
	}
	if (news == WEFT__BREAKER_NOTHING || b->failures_max == 0)
		return false;
	word = weft__load_acquire(&b->word);
	do {
		if (state_of(word) != WEFT_BREAKER_CLOSED || stamp_of(word) != period)
			return false;
		if (news == WEFT__BREAKER_GOOD && failures_of(word) == 0)
			return false; /* the common case writes nothing */
		if (news == WEFT__BREAKER_GOOD)
			next = word_of(WEFT_BREAKER_CLOSED, 0, period);
		else if (failures_of(word) + 1 < b->failures_max)
			next = word_of(WEFT_BREAKER_CLOSED, failures_of(word) + 1, period);
		else
			next = word_of(WEFT_BREAKER_OPEN, 0, open_until(b, now_ns));
		/* acq_rel: each failure is counted once, and one of them opens it */
	} while (!weft__cas_weak_acq_rel(&b->word, &word, next));
	return state_of(next) == WEFT_BREAKER_OPEN;
}

weft_breaker_state weft__breaker_state(const struct weft__breaker *b)
{
	return state_of(weft__load_relaxed(&b->word)); /* relaxed: to look at */
}
