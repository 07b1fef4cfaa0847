/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/open_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "bench/stat/random.h"

#define LEAD_NS 1000000u /* from now to the first one */
#define SPIN_NS 200000u  /* what is due sooner is not worth a sleep, which may last much longer */

/* ---- when ---------------------------------------------------------------------------------- */

void bench_arrivals_fill(enum bench_arrivals how, double per_s, uint64_t seed, uint64_t *ret_due_ns, uint32_t count)
{
	struct bench_random random = { seed };
	double gap = 1e9 / per_s, at = 0;

	for (uint32_t i = 0; i < count; i++) {
		ret_due_ns[i] = (uint64_t)at;
		at += how == BENCH_POISSON ? bench_random_exponential(&random, gap) : gap;
	}
}

/* ---- sending --------------------------------------------------------------------------------- */

static void sleep_until(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static uint64_t wait_until(uint64_t due, bool rests)
{
	uint64_t now = weft_now_ns();

	if (now < due && (rests || due - now > 2 * SPIN_NS))
		sleep_until(rests ? due : due - SPIN_NS);
	while ((now = weft_now_ns()) < due)
		;
	return now;
}

int bench_requests_send(struct bench_requests *q)
{
	int r = 0;

	prctl(PR_SET_TIMERSLACK, 1);
	q->start_ns = weft_now_ns() + LEAD_NS;
	for (uint32_t i = 0; r >= 0 && i < q->count; i++) {
		q->sent_ns[i] = wait_until(q->start_ns + q->due_ns[i], q->rests);
		r = q->send(i, q->user);
	}
	return r < 0 ? r : 0;
}

/* ---- what came out ------------------------------------------------------------------------------ */

static uint64_t count_late(const struct bench_requests *q)
{
	uint64_t late = 0;

	for (uint32_t i = 0; i < q->count; i++)
		late += q->sent_ns[i] > q->start_ns + q->due_ns[i] + BENCH_LATE_NS;
	return late;
}

bool bench_requests_are_late(const struct bench_requests *q)
{
	return (double)count_late(q) > BENCH_LATE_SHARE * (double)q->count;
}

struct delays {
	uint64_t *from_due, *from_sent;
	uint32_t count;
};

static void gather(const struct bench_requests *q, struct delays *d, struct bench_open_loop *o)
{
	for (uint32_t i = 0; i < q->count; i++) {
		uint64_t due = q->start_ns + q->due_ns[i];

		if (!q->done_ns[i])
			continue;
		d->from_due[d->count] = q->done_ns[i] > due ? q->done_ns[i] - due : 0;
		d->from_sent[d->count++] = q->done_ns[i] > q->sent_ns[i] ? q->done_ns[i] - q->sent_ns[i] : 0;
	}
	o->late = count_late(q);
	o->intended = q->count;
	o->done = d->count;
}

static int fill(const struct bench_requests *q, struct delays *d, struct bench_open_loop *o)
{
	int r;

	gather(q, d, o);
	r = bench_histogram_of(d->from_due, d->count, &o->from_intended);
	return r < 0 ? r : bench_histogram_of(d->from_sent, d->count, &o->from_sent);
}

void bench_requests_judge(const struct bench_requests *q, double per_s, bool lenient, struct bench_outcome *out)
{
	size_t size = ((size_t)q->count + 1) * sizeof(uint64_t);
	struct delays d = { .from_due = malloc(size), .from_sent = malloc(size) };
	struct bench_open_loop *o = calloc(1, sizeof(*o));

	out->open_loop = o;
	if (!d.from_due || !d.from_sent || !o || fill(q, &d, o) < 0) {
		bench_fail(out, "out of memory");
	} else {
		o->offered_per_s = per_s;
		if (o->done < o->intended)
			bench_fail(out, "%llu of %llu requests were never answered", (unsigned long long)(o->intended - o->done),
			           (unsigned long long)o->intended);
		if (!lenient && bench_requests_are_late(q))
			bench_fail(out, "the generator could not keep up: %llu of %llu requests were sent over %u ms late",
			           (unsigned long long)o->late, (unsigned long long)o->intended, BENCH_LATE_NS / 1000000);
	}
	free(d.from_due);
	free(d.from_sent);
}

/* ---- the table -------------------------------------------------------------------------------------- */

static void put_ms(FILE *to, const struct bench_histogram *h, double q)
{
	char text[24];

	bench_time_text((double)bench_histogram_quantile(h, q) / 1e6, text, sizeof(text));
	fprintf(to, " %9s", text);
}

static void put_rate(FILE *to, double per_s)
{
	fprintf(to, " %7.1f k/s", per_s / 1e3);
}

#define BEHIND 0.97 /* fewer done a second than this of what is offered: that is over what the system can do */

void bench_open_loop_report(FILE *to, const struct bench_row *rows, uint32_t count)
{
	bool seen = false;

	for (uint32_t i = 0; i < count; i++) {
		const struct bench_outcome *out = rows[i].out;
		const struct bench_open_loop *o = out->open_loop;
		double done = out->total_ms > 0 ? (double)out->messages * 1e3 / out->total_ms : 0;

		if (!o)
			continue;
		if (!seen)
			fprintf(to, "\nat a rate%12s%12s%40s%20s\n%-9s%12s%12s%10s%10s%10s%10s%10s%10s\n", "", "", "from when it was due", "sent", "",
			        "offered", "done", "p50", "p99", "p99.9", "max", "p50", "p99");
		seen = true;
		fprintf(to, "  %-17s", rows[i].id);
		put_rate(to, o->offered_per_s);
		put_rate(to, done);
		put_ms(to, &o->from_intended, 0.5);
		put_ms(to, &o->from_intended, 0.99);
		put_ms(to, &o->from_intended, 0.999);
		put_ms(to, &o->from_intended, 1);
		put_ms(to, &o->from_sent, 0.5);
		put_ms(to, &o->from_sent, 0.99);
		fprintf(to, "%s\n", out->error[0] ? "  FAILED" : done < BEHIND * o->offered_per_s ? "  over capacity" : "");
	}
}
