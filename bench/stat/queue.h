/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/stat/queue.h - waiting in line before c servers: M/G/c.
 *
 * Arrivals are independent of one another (Poisson), service times of any distribution, of which the mean and the
 * variation count. The mean wait is Allen and Cunneen's approximation: that of M/M/c, times (ca2 + cs2) / 2; exact for
 * M/M/c and M/G/1.
 *
 * The wait of those who wait is taken for gamma distributed, with a second moment that comes from the third of the
 * service (Whitt 1993): exact for M/G/1, approximate beyond. For M/M/c that is the exponential which it is. Where service
 * times differ much, the tail is longer than an exponential of the same mean: at p99 by a fourth for cs2 6 and half a load.
 */
#ifndef WEFT_BENCH_STAT_QUEUE_H
#define WEFT_BENCH_STAT_QUEUE_H

#include <stddef.h>

struct bench_queue {
	double rate;      /* arrivals a second */
	double service_s; /* mean, in seconds */
	double cs2;       /* squared coefficient of variation of the service time: 0 always the same, 1 exponential */
	double cs3;       /* the third moment of the service time over service_s^3; 0: as usual for such a cs2 */
	double ca2;       /* of the time between arrivals: 1 for Poisson */
	unsigned servers;
};

/* Share of the time that a server is busy; 1 and more: the line grows without end. */
double bench_queue_utilisation(const struct bench_queue *q);
/* Erlang C: the share of arrivals that have to wait, for an offered load of so many busy servers. 1 when it is too much. */
double bench_erlang_c(unsigned servers, double offered);
/* Mean wait in seconds, those who do not wait counted; INFINITY when it is too much. */
double bench_queue_wait(const struct bench_queue *q);
/* Squared coefficient of variation of the wait of those who do wait. */
double bench_queue_wait_cv2(const struct bench_queue *q);
/* The share of arrivals that wait longer. */
double bench_queue_wait_tail(const struct bench_queue *q, double seconds);
/* The wait that a share p of arrivals does not exceed. */
double bench_queue_wait_quantile(const struct bench_queue *q, double p);
/*
 * The time from arrival to the end of service that a share p of arrivals does not exceed: the wait, and then a service
 * time out of n measured ones (in seconds, ascending), which also give the third moment where cs3 is 0.
 */
double bench_queue_response_quantile(const struct bench_queue *q, const double *service_sorted, size_t n, double p);

/* Little's law: how many are there, when so many come a second and each stays so long. */
static inline double bench_little(double rate, double stay_s)
{
	return rate * stay_s;
}

#endif
