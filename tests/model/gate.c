/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/gate.c - see gate.h. */
#include "tests/model/gate.h"

#include "tests/model/explore.h"

static bool is_open(const void *arg)
{
	return ((const struct gate *)arg)->opened;
}

static bool is_closed(const void *arg)
{
	return !is_open(arg);
}

static bool was_passed(const void *arg)
{
	const struct gate *g = arg;

	return g->passed != g->seen;
}

void gate_open(struct gate *g, const char *what)
{
	explore_step(g, NULL, NULL, what);
	g->opened = true;
}

bool gate_is_open(struct gate *g, const char *what)
{
	explore_step(g, NULL, NULL, what);
	return g->opened;
}

bool gate_close(struct gate *g, const char *what)
{
	bool was;

	explore_step(g, NULL, NULL, what);
	was = g->opened;
	g->opened = false;
	return was;
}

void gate_wait_open(struct gate *g, const char *what)
{
	explore_step(g, is_open, g, what);
}

void gate_lock(struct gate *g, const char *what)
{
	explore_step(g, is_closed, g, what);
	g->opened = true;
}

uint32_t gate_count(const struct gate *g)
{
	return g->passed;
}

void gate_pass(struct gate *g, const char *what)
{
	explore_step(g, NULL, NULL, what);
	g->passed++;
}

void gate_wait(struct gate *g, uint32_t seen, const char *what)
{
	g->seen = seen;
	explore_step(g, was_passed, g, what);
}
