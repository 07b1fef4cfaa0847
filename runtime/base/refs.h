/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/refs.h - how many hold a thing. Whoever gives back the last hold destroys it.
 *
 * A hold is taken only by somebody who has one already, for himself or for another: so the count cannot come up
 * from nothing, and who sees that it is one knows that nobody else can change it.
 */
#ifndef WEFT_RUNTIME_BASE_REFS_H
#define WEFT_RUNTIME_BASE_REFS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/base/atomic.h"

typedef _Atomic(uint32_t) weft__refs;

/* Before anybody else can see it. */
static inline void weft__refs_init(weft__refs *refs, uint32_t n)
{
	weft__store_relaxed(refs, n); /* relaxed: whoever hands the thing out publishes it */
}

static inline void weft__refs_take(weft__refs *refs)
{
	weft__fetch_add_relaxed(refs, 1u); /* relaxed: the caller's own hold keeps it alive */
}

/* True: it was the last; what the others did with the thing is visible, and the caller destroys it. */
static inline bool weft__refs_drop(weft__refs *refs)
{
	/*
	 * acquire: what those did who let go before; acq_rel: publishes what this one did to whoever is last. The only
	 * holder need not take it away, which saves a locked instruction for what was never shared.
	 */
	return weft__load_acquire(refs) == 1 || weft__fetch_sub_acq_rel(refs, 1u) == 1;
}

#endif
