/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/stand_ins.h - what models set of the world below the code under test; see stand_ins.c. */
#ifndef WEFT_TESTS_MODEL_STAND_INS_H
#define WEFT_TESTS_MODEL_STAND_INS_H

#include <stdint.h>

/* In init: each look at the clock moves it by so much; 0, as at first: time stands still. */
void stand_ins_time(uint64_t tick_ns);
/* In init, of models that are linked with waits.c. */
void waits_begin(void);

#endif
