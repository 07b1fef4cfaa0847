/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/loop.h - see loop.c. */
#ifndef WEFT_TESTS_MODEL_LOOP_H
#define WEFT_TESTS_MODEL_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct weft__loop {
	bool naps; /* set by the model */
	bool woken;
	uint32_t wakes;
};

#endif
