/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/hooks.h - what the compiler calls instead of touching memory.
 *
 * Code built with -fsanitize=thread calls __tsan_* at each access; hooks.c defines these and is
 * linked instead of the sanitizer's library. What the hooks see goes to explore.c.
 */
#ifndef WEFT_TESTS_MODEL_HOOKS_H
#define WEFT_TESTS_MODEL_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/model/memory.h"

/* Off while the explorer itself, or the test program around it, runs. */
extern bool hooks_on;

/* Memory that is one thread's although others see the same address; until hooks_forget. */
void hooks_ignore(const void *at, size_t bytes);
void hooks_forget(void);

/* explore.c */
struct mem_result explore_perform(const struct mem_op *op);

#endif
