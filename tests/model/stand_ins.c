/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/stand_ins.c - what the code under test calls below it: memory, broken
 * invariants, spin loops. All of it leads into the explorer.
 */
#include <weft/alloc.h>

#include "runtime/base/assert.h"
#include "runtime/base/atomic.h"
#include "tests/model/explore.h"

void weft__model_spin(void)
{
	explore_spin();
}

void weft__assert_fail(const char *cond, const char *file, int line)
{
	explore_fail("%s:%d: %s", file, line, cond);
}

bool weft__check_fail(const char *cond, const char *file, int line)
{
	explore_fail("%s:%d: %s", file, line, cond);
}
