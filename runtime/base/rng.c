/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/base/rng.c - where seeds come from; see rng.h. */
#include "runtime/base/rng.h"

#include <errno.h>
#include <sys/random.h>

#include <weft/runtime.h>

static struct {
	uint64_t (*fn)(void *user);
	void *user;
} source;

uint64_t weft__entropy(void)
{
	uint64_t bits;
	ssize_t n;

	if (source.fn)
		return source.fn(source.user);
	do {
		n = getrandom(&bits, sizeof(bits), 0);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(bits))
		return bits;
	/* A sandbox that denies getrandom: the clock and this stack's randomised address must do. */
	bits = weft_now_ns() ^ (uint64_t)weft_wall_ms() << 32;
	return weft__mix2(bits, (uintptr_t)&n);
}

void weft__entropy_source_set(uint64_t (*fn)(void *user), void *user)
{
	source.fn = fn;
	source.user = user;
}
