/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes and histograms, in every way. Goal: who runs a stamped actor reads the stamp and the weight that belong to it, while
 * the lane that sent it already wants to send the next; who reads a histogram finds no bucket that was not made, and
 * no value that is larger than its max.
 * Method: the queue between the lanes is a word, stored with release and loaded with acquire as all of ours are.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "runtime/base/clock.h"
#include "runtime/observe/meter.h"
#include "tests/model/explore.h"

static struct weft__meter sender, runner;
static _Atomic(uint32_t) queue; /* how many probes were sent */
static uint32_t arrived;

_Atomic(uint32_t) weft__tsc_kind;

uint64_t weft__tsc_slow(void)
{
	return 100;
}

uint64_t weft__tsc_to_ns(uint64_t ticks)
{
	return ticks;
}

bool weft__tsc_is_calibrated(void)
{
	return true;
}

static void begin(void)
{
	/* the buckets of a histogram hold anything before they are made */
	memset((void *)&runner.delay_ns, 0xa5, sizeof(runner.delay_ns));
	weft__meter_init(&sender);
	weft__meter_init(&runner);
	weft__store_relaxed(&queue, 0u);
	arrived = 0;
	explore_name(&sender, sizeof(sender), "sender");
	explore_name(&runner, sizeof(runner), "runner");
	explore_name(&queue, sizeof(queue), "queue");
}

static void sends(void)
{
	uint32_t sent = 0;

	for (uint64_t weight = 1; weight <= 2; weight++) {
		if (weft__meter_probe(&sender, weight))
			weft__store_release(&queue, ++sent);
	}
}

static void runs_one(void)
{
	if (weft__load_acquire(&queue) > arrived) {
		weft__meter_arrived(&runner, &sender);
		arrived++;
	}
}

static void runs(void)
{
	runs_one();
	runs_one();
}

/* What arrived has the weights 1 and, if the second one was sent, 2: nothing else, and nothing twice. */
static void weights_add_up(void)
{
	runs_one();
	explore_assert(arrived == weft__load_relaxed(&queue));
	explore_assert(weft_histogram_count(&runner.delay_ns) == (arrived == 2 ? 3u : 1u));
	explore_assert(!weft__load_relaxed(&sender.from));
}

Test(model_meter, arrived__has_its_own_weight)
{
	static const struct explore_model m = {
		.name = "meter", .init = begin, .thread = { sends, runs }, .check = weights_add_up
	};

	cr_assert(explore(&m));
}

static void records(void)
{
	weft_histogram_record(&runner.delay_ns, 5);
	weft_histogram_record(&runner.delay_ns, 6);
}

static void reads(void)
{
	uint64_t n = weft_histogram_count(&runner.delay_ns), max = weft_histogram_max(&runner.delay_ns);

	explore_assert(n <= 2);
	explore_assert(max >= (n == 0 ? 0 : n == 1 ? 5 : 6));
}

static void both_are_there(void)
{
	explore_assert(weft_histogram_count(&runner.delay_ns) == 2);
}

Test(model_meter, reader__finds_what_is_made_and_its_max)
{
	static const struct explore_model m = {
		.name = "histogram", .init = begin, .thread = { records, reads }, .check = both_are_there
	};

	cr_assert(explore(&m));
}
