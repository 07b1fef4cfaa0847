/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/actors/wait.c - open-loop: a foreign thread sends 100,000 messages a second to 64 actors, each at the
 * time it is due, whatever happened to the ones before; a sample is the delay of one message from that time to
 * its handler.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "bench/actors/actors.h"

#define RECEIVERS 64u
#define GAP_NS 10000u /* 100,000 a second */
#define LATE_NS_MAX 1000000u /* of the generator, on average; --quick also runs where much else does, and measures nothing */

struct due {
	uint64_t at_ns;
	uint32_t number;
};

struct samples {
	float *delay_ms; /* of message i */
	uint64_t late_ns, late_max_ns; /* the generator's own */
	_Atomic(uint32_t) arrived;
};

struct receiver {
	struct samples *samples;
};

static int receiver_behaviour(weft_actor *self, weft_msg *msg)
{
	struct samples *s = ((struct receiver *)weft_actor_state(self))->samples;
	struct due d;

	memcpy(&d, weft_msg_data(msg), sizeof(d));
	s->delay_ms[d.number] = (float)((double)(weft_now_ns() - d.at_ns) / 1e6);
	s->arrived++;
	return 0;
}

static const weft_actor_class receiver_class = { .size = sizeof(receiver_class),
	                                         .name = "receiver",
	                                         .behaviour = receiver_behaviour,
	                                         .state_bytes = sizeof(struct receiver) };

static void sleep_until(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* Sleep until the next one is due, then send all that are. */
static int generate(const weft_ref *receivers, uint32_t count, struct samples *s)
{
	uint64_t start = weft_now_ns() + 1000000;
	uint32_t i = 0;
	int r = 0;

	prctl(PR_SET_TIMERSLACK, 1);
	while (r == 0 && i < count) {
		sleep_until(start + (uint64_t)i * GAP_NS);
		for (uint64_t now; r == 0 && i < count && (now = weft_now_ns()) >= start + (uint64_t)i * GAP_NS; i++) {
			struct due d = { start + (uint64_t)i * GAP_NS, i };
			uint64_t late = now - d.at_ns;

			s->late_ns += late;
			s->late_max_ns = late > s->late_max_ns ? late : s->late_max_ns;
			r = actors_send(receivers[i % RECEIVERS], actors_msg(ACTORS_PLAY, &d, sizeof(d)));
		}
	}
	return r;
}

static void wait_arrived(struct samples *s, uint32_t count)
{
	uint64_t until = weft_now_ns() + UINT64_C(10000000000);

	while (s->arrived < count && weft_now_ns() < until)
		sleep_until(weft_now_ns() + 1000000);
}

static int one_round(const weft_ref *receivers, struct samples *s, uint32_t count)
{
	int r;

	s->arrived = 0;
	s->late_ns = s->late_max_ns = 0;
	r = generate(receivers, count, s);
	if (r == 0)
		wait_arrived(s, count);
	return r < 0 ? r : s->arrived == count ? 0 : -ETIMEDOUT;
}

void actors_open_loop(const struct bench_options *opt, struct bench_outcome *out)
{
	uint32_t count = opt->quick ? 20000 : BENCH_ITERATIONS_MAX;
	struct samples s = { .delay_ms = calloc(count, sizeof(*s.delay_ms)) };
	struct receiver to = { &s };
	weft_ref receivers[RECEIVERS];
	weft_runtime *rt = NULL;
	int r = s.delay_ms ? bench_runtime_up(opt, &rt) : -ENOMEM;

	bench_outcome_begin(out, count, count / 4);
	for (uint32_t i = 0; r == 0 && i < RECEIVERS; i++)
		r = weft_actor_spawn(rt, &receiver_class, &to, &receivers[i]);
	if (r == 0)
		r = one_round(receivers, &s, count / 4); /* warm */
	if (r == 0)
		r = one_round(receivers, &s, count);
	for (uint32_t i = 0; r == 0 && i < count; i++)
		bench_outcome_add(out, (double)s.delay_ms[i], 1);
	out->total_ms = (double)count * GAP_NS / 1e6;
	if (r < 0)
		bench_fail(out, "%u of %u messages arrived: %s", s.arrived, count, weft_strerror(r));
	else if (s.late_ns / count > (opt->quick ? 100 * LATE_NS_MAX : LATE_NS_MAX))
		bench_fail(out, "the generator could not keep up: %.1f ms late on average", (double)s.late_ns / count / 1e6);
	weft_runtime_destroy(rt);
	free(s.delay_ms);
}
