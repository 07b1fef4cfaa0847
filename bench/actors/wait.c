/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/actors/wait.c - open-loop: a foreign thread sends 100,000 messages a second to 64 actors, each at the
 * time it is due, whatever happened to the ones before; a sample is the delay of one message from that time to
 * its handler. The thread sleeps in between: the workers may have all cores.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/actors/actors.h"
#include "bench/open_loop.h"

#define RECEIVERS 64u
#define PER_S 100000.0
#define WAIT_NS UINT64_C(10000000000)

struct wait {
	weft_ref receivers[RECEIVERS];
	uint64_t *due_ns, *sent_ns, *handled_ns;
	_Atomic(uint32_t) arrived;
};

struct receiver {
	struct wait *wait;
};

static int receiver_behaviour(weft_actor *self, weft_msg *msg)
{
	struct wait *w = ((struct receiver *)weft_actor_state(self))->wait;
	uint32_t number;

	memcpy(&number, weft_msg_data(msg), sizeof(number));
	w->handled_ns[number] = weft_now_ns();
	w->arrived++;
	return 0;
}

static const weft_actor_class receiver_class = { .size = sizeof(receiver_class),
	                                         .name = "receiver",
	                                         .behaviour = receiver_behaviour,
	                                         .state_bytes = sizeof(struct receiver) };

static int send_one(uint32_t i, void *user)
{
	struct wait *w = user;

	return actors_send(w->receivers[i % RECEIVERS], actors_msg(ACTORS_PLAY, &i, sizeof(i)));
}

static int one_round(struct wait *w, struct bench_requests *q)
{
	uint64_t until;
	int r;

	w->arrived = 0;
	r = bench_requests_send(q);
	until = weft_now_ns() + WAIT_NS;
	while (r == 0 && w->arrived < q->count) {
		if (weft_now_ns() > until)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return r;
}

static int up(struct wait *w, const struct bench_options *opt, uint32_t count, weft_runtime **ret_rt)
{
	struct receiver to = { w };
	int r;

	w->due_ns = calloc(count, sizeof(*w->due_ns));
	w->sent_ns = calloc(count, sizeof(*w->sent_ns));
	w->handled_ns = calloc(count, sizeof(*w->handled_ns));
	if (!w->due_ns || !w->sent_ns || !w->handled_ns)
		return -ENOMEM;
	bench_arrivals_fill(BENCH_EVENLY, PER_S, 0, w->due_ns, count);
	r = bench_runtime_up(opt, ret_rt);
	for (uint32_t i = 0; r == 0 && i < RECEIVERS; i++)
		r = weft_actor_spawn(*ret_rt, &receiver_class, &to, &w->receivers[i]);
	return r;
}

static void add_delays(const struct bench_requests *q, struct bench_outcome *out)
{
	for (uint32_t i = 0; i < q->count; i++)
		bench_outcome_add(out, (double)(q->done_ns[i] - q->start_ns - q->due_ns[i]) / 1e6, 1);
	out->total_ms = (double)q->count * 1e3 / PER_S;
}

void actors_open_loop(const struct bench_options *opt, struct bench_outcome *out)
{
	uint32_t count = opt->quick ? 20000 : BENCH_ITERATIONS_MAX / (opt->rounds ? opt->rounds : 1);
	struct wait w = { .arrived = 0 };
	struct bench_requests q;
	weft_runtime *rt = NULL;
	int r;

	bench_outcome_begin(out, count, count / 4);
	r = up(&w, opt, count, &rt);
	q = (struct bench_requests){ .count = count / 4, .due_ns = w.due_ns, .sent_ns = w.sent_ns, .done_ns = w.handled_ns, .rests = true,
		                     .send = send_one, .user = &w };
	out->rss_start_mb = bench_rss_read().now_mb;
	if (r == 0)
		r = one_round(&w, &q); /* warm */
	q.count = count;
	if (r == 0)
		r = one_round(&w, &q);
	out->rss_end_mb = bench_rss_read().now_mb;
	out->rss_peak_mb = bench_rss_read().peak_mb;
	if (r == 0) {
		add_delays(&q, out);
		bench_requests_judge(&q, PER_S, opt->quick, out);
	} else {
		bench_fail(out, "%u of %u messages arrived: %s", w.arrived, q.count, weft_strerror(r));
	}
	weft_runtime_destroy(rt);
	free(w.due_ns);
	free(w.sent_ns);
	free(w.handled_ns);
}
