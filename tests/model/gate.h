/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/model/gate.h - something of the outside world that is open or not, and what threads wait for.
 *
 * Each call is one step, and orders nothing but steps on the same gate. In the explorer's library, so that its
 * own words are no part of the model.
 */
#ifndef WEFT_TESTS_MODEL_GATE_H
#define WEFT_TESTS_MODEL_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct gate {
	bool opened;
	uint32_t passed;
	uint32_t seen; /* while somebody waits */
};

void gate_open(struct gate *g, const char *what);
bool gate_is_open(struct gate *g, const char *what);
/* Was it open? */
bool gate_close(struct gate *g, const char *what);
void gate_wait_open(struct gate *g, const char *what);
/* Wait until it is not open, and open it. */
void gate_lock(struct gate *g, const char *what);

/* How often somebody passed; let those go on who wait for the next time; wait for it. One waiter at a time. */
uint32_t gate_count(const struct gate *g);
void gate_pass(struct gate *g, const char *what);
void gate_wait(struct gate *g, uint32_t seen, const char *what);

#endif
