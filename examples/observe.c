/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/observe.c - look at a runtime that works: figures of the last interval, and, should the process crash,
 * what each worker did before. `observe crash` shows the latter.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <weft/weft.h>

enum { PASS = 1, CRASH };

/* Passes what it gets on to itself, so that there is always something to do. */
static int pass(weft_actor *self, weft_msg *msg)
{
	if (weft_msg_kind(msg) == CRASH)
		raise(SIGSEGV);
	return weft_msg_kind(msg) == PASS ? weft_send(weft_actor_ref(self), msg) : 0;
}

static const weft_actor_class passer = { .size = sizeof(passer), .name = "passer", .behaviour = pass };

/* Everything called here is async-signal-safe. Then the default action: SA_RESETHAND. */
static void on_crash(int signal)
{
	weft_flight_dump(NULL, STDERR_FILENO);
	raise(signal);
}

/* What came since the last look: h is what `before` holds afterwards. */
static int interval(weft_runtime *rt, uint32_t kind, weft_histogram *h, weft_histogram *before)
{
	int r;

	weft_histogram_reset(h);
	r = weft_stats_histogram(rt, WEFT_LANE_ALL, kind, h);
	if (r < 0)
		return r;
	weft_histogram_subtract(h, before);
	weft_histogram_merge(before, h);
	return 0;
}

static int look(weft_runtime *rt, weft_histogram *delay, weft_histogram *before)
{
	static uint64_t handled;
	weft_stats s = WEFT_STATS_INIT;
	int r = weft_stats_read(rt, WEFT_LANE_ALL, &s);

	if (r == 0)
		r = interval(rt, WEFT_STATS_DELAY_NS, delay, before);
	if (r < 0)
		return r;
	printf("%" PRIu64 " messages, %u actors, %u of %u workers asleep; waits: p50 %" PRIu64 " ns, p99 %" PRIu64 " ns\n",
	       s.msgs_handled - handled, s.actors_alive, s.parked, s.workers, weft_histogram_quantile(delay, 0.5),
	       weft_histogram_quantile(delay, 0.99));
	handled = s.msgs_handled;
	return 0;
}

/* Five actors, each with one message. *ret_ref: the last of them. */
static int populate(weft_runtime *rt, weft_ref *ret_ref)
{
	int r = 0;

	for (int i = 0; i < 5 && r == 0; i++) {
		weft_msg *msg = weft_msg_create(PASS, 0);

		r = msg ? weft_actor_spawn(rt, &passer, NULL, ret_ref) : -ENOMEM;
		if (r == 0)
			r = weft_send(*ret_ref, msg);
		if (r < 0)
			weft_msg_destroy(msg);
	}
	return r;
}

int main(int argc, char **argv)
{
	struct sigaction crash = { .sa_handler = on_crash, .sa_flags = SA_RESETHAND };
	weft_histogram *delay = NULL, *before = NULL;
	weft_runtime *rt = NULL;
	weft_ref last;
	int r;

	sigaction(SIGSEGV, &crash, NULL);
	if ((r = weft_histogram_create(&delay)) < 0 || (r = weft_histogram_create(&before)) < 0 ||
	    (r = weft_runtime_create(NULL, &rt)) < 0 || (r = weft_runtime_start(rt)) < 0 || (r = populate(rt, &last)) < 0)
		goto out;
	for (int i = 0; i < 5 && r == 0; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
		r = look(rt, delay, before);
	}
	if (argc > 1 && strcmp(argv[1], "crash") == 0) {
		weft_send(last, weft_msg_create(CRASH, 0));
		pause();
	}
out:
	if (r < 0)
		fprintf(stderr, "observe: %s\n", weft_strerror(r));
	weft_runtime_destroy(rt);
	weft_histogram_destroy(delay);
	weft_histogram_destroy(before);
	return r < 0;
}
