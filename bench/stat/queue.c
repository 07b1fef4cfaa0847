/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/stat/queue.h"

#include <math.h>

#include "bench/stat/gamma.h"

double bench_queue_utilisation(const struct bench_queue *q)
{
	return q->rate * q->service_s / q->servers;
}

/* From Erlang B, whose recursion stays within 0 and 1 for any number of servers. */
double bench_erlang_c(unsigned servers, double offered)
{
	double blocked = 1, idle;

	if (!(offered < servers))
		return 1;
	for (unsigned k = 1; k <= servers; k++)
		blocked = offered * blocked / (k + offered * blocked);
	idle = 1 - offered / servers;
	return blocked / (idle + (1 - idle) * blocked);
}

static double waits(const struct bench_queue *q)
{
	return bench_erlang_c(q->servers, q->rate * q->service_s);
}

double bench_queue_wait(const struct bench_queue *q)
{
	double idle = 1 - bench_queue_utilisation(q);

	if (!(idle > 0))
		return INFINITY;
	return waits(q) * q->service_s / (q->servers * idle) * (q->ca2 + q->cs2) / 2;
}

/* Mean wait of those who do wait. */
static double wait_of_waiting(const struct bench_queue *q)
{
	double share = waits(q);

	return share > 0 ? bench_queue_wait(q) / share : 0;
}

/* E S^3 / (E S)^3 for such a variation: of two exponentials mixed, or of sums of them. */
static double third_moment(double cs2)
{
	return cs2 >= 1 ? 3 * cs2 * (1 + cs2) : (2 * cs2 + 1) * (cs2 + 1);
}

/* With one server a wait is a geometric sum of residual services, whose moments are known. */
double bench_queue_wait_cv2(const struct bench_queue *q)
{
	double load = bench_queue_utilisation(q), cs3 = q->cs3 > 0 ? q->cs3 : third_moment(q->cs2);

	return fmax(1e-3, 2 * load - 1 + 4 * (1 - load) * cs3 / (3 * (1 + q->cs2) * (1 + q->cs2)));
}

/* Of those who wait: the share that waits longer. */
static double waiting_tail(double mean, double cv2, double seconds)
{
	return bench_gamma_tail(1 / cv2, seconds / (mean * cv2));
}

double bench_queue_wait_tail(const struct bench_queue *q, double seconds)
{
	double mean = wait_of_waiting(q);

	if (!isfinite(mean))
		return 1;
	return mean > 0 ? waits(q) * waiting_tail(mean, bench_queue_wait_cv2(q), seconds) : 0;
}

/* Where a falling tail comes down to `share`, from `high` on upwards if need be. */
static double where(double (*tail)(const void *of, double at), const void *of, double share, double high)
{
	double low = 0;

	while (tail(of, high) > share)
		high *= 2;
	for (int i = 0; i < 100 && high - low > 1e-13 * high; i++) {
		double middle = 0.5 * (low + high);

		if (tail(of, middle) > share)
			low = middle;
		else
			high = middle;
	}
	return high;
}

static double tail_of_wait(const void *of, double seconds)
{
	return bench_queue_wait_tail(of, seconds);
}

double bench_queue_wait_quantile(const struct bench_queue *q, double p)
{
	double mean = wait_of_waiting(q);

	if (!isfinite(mean))
		return INFINITY;
	return waits(q) <= 1 - p || !(mean > 0) ? 0 : where(tail_of_wait, q, 1 - p, mean);
}

struct response {
	struct bench_queue queue;
	const double *service;
	size_t n;
	double share, mean, cv2; /* who waits, and how long */
};

/* The share of responses longer than `seconds`: over each service time, the wait that would bring it there. */
static double tail_of_response(const void *of, double seconds)
{
	const struct response *r = of;
	double sum = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (r->service[i] > seconds)
			sum += 1;
		else if (r->mean > 0)
			sum += r->share * waiting_tail(r->mean, r->cv2, seconds - r->service[i]);
	}
	return sum / (double)r->n;
}

static double third_moment_of(const double *service, size_t n)
{
	double mean = 0, cubes = 0;

	for (size_t i = 0; i < n; i++) {
		mean += service[i];
		cubes += service[i] * service[i] * service[i];
	}
	mean /= (double)n;
	return mean > 0 ? cubes / (double)n / (mean * mean * mean) : 0;
}

double bench_queue_response_quantile(const struct bench_queue *q, const double *service_sorted, size_t n, double p)
{
	struct response r = { .queue = *q, .service = service_sorted, .n = n };
	double wait;

	if (!n)
		return 0;
	if (!(r.queue.cs3 > 0))
		r.queue.cs3 = third_moment_of(service_sorted, n);
	wait = bench_queue_wait_quantile(&r.queue, p);
	if (!isfinite(wait))
		return INFINITY;
	r.share = waits(&r.queue);
	r.mean = wait_of_waiting(&r.queue);
	r.cv2 = bench_queue_wait_cv2(&r.queue);
	return where(tail_of_response, &r, 1 - p, service_sorted[n - 1] + wait);
}
