/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/jobs.c - a hundred numbers counted up to on all cores, at most four at once; then three that race. The main
 * thread helps while it waits.
 */
#include <stdio.h>
#include <weft/weft.h>

struct range {
	unsigned to, primes;
};

static bool is_prime(unsigned n)
{
	for (unsigned i = 2; i * i <= n; i++) {
		if (n % i == 0)
			return false;
	}
	return n > 1;
}

/* A job: on some worker, once. It looks now and then whether anybody still wants to know. */
static int count_primes(weft_job *job, void *arg)
{
	struct range *r = arg;

	for (unsigned i = 0; i < r->to; i++) {
		if (i % 1024 == 0 && weft_job_is_canceled(job))
			return -1;
		r->primes += is_prime(i);
	}
	return 0;
}

/* Wait for a group's answer. */
static int wait_for(weft_future *future, weft_group_result *ret_result)
{
	weft_msg *answer;
	int r = weft_future_wait_until(future, &answer, WEFT_FOREVER);

	if (r < 0)
		return r;
	*ret_result = *weft_group_result_of(answer);
	weft_msg_destroy(answer);
	return ret_result->status;
}

static int count_all(weft_runtime *rt, weft_future *future)
{
	weft_group_options opt = WEFT_GROUP_OPTIONS_INIT;
	struct range ranges[100];
	weft_map_work work = { .fn = count_primes, .items = ranges, .item_bytes = sizeof(ranges[0]), .count = 100 };
	weft_group_result result;
	int r;

	for (unsigned i = 0; i < 100; i++)
		ranges[i] = (struct range){ .to = 100 * i };
	opt.limit = 4;
	r = weft_map(rt, &work, &opt, weft_reply_to_future(future), NULL);
	if (r == 0)
		r = wait_for(future, &result);
	if (r == 0)
		printf("%u ranges counted; below %u there are %u primes\n", result.succeeded, ranges[99].to, ranges[99].primes);
	return r;
}

static int race(weft_runtime *rt, weft_future *future)
{
	struct range ranges[] = { { .to = 3000000 }, { .to = 1000 }, { .to = 2000000 } };
	weft_call calls[3];
	weft_group_result result;
	int r;

	for (int i = 0; i < 3; i++)
		calls[i] = (weft_call){ .fn = count_primes, .arg = &ranges[i] };
	r = weft_race(rt, calls, 3, NULL, weft_reply_to_future(future), NULL);
	if (r == 0)
		r = wait_for(future, &result);
	if (r == 0)
		printf("%u was first, with %u primes\n", ranges[result.first].to, ranges[result.first].primes);
	return r;
}

int main(void)
{
	weft_runtime *rt = NULL;
	weft_future *future = NULL;
	int r;

	if ((r = weft_runtime_create(NULL, &rt)) < 0 || (r = weft_runtime_start(rt)) < 0 ||
	    (r = weft_future_create(rt, &future)) < 0 || (r = count_all(rt, future)) < 0 || (r = race(rt, future)) < 0)
		fprintf(stderr, "jobs: %s\n", weft_strerror(r));
	weft_future_destroy(future);
	weft_runtime_destroy(rt);
	return r < 0;
}
