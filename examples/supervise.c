/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/supervise.c - a counter that fails on every third message, and a supervisor
 * that brings it back, under the same name.
 */
#include <stdio.h>
#include <weft/weft.h>

enum { COUNT = 1 };

static int count(weft_actor *self, weft_msg *msg)
{
	unsigned *n = weft_actor_state(self);

	if (weft_msg_kind(msg) != COUNT)
		return 0;
	if (++*n == 3)
		return weft_actor_fail(self, WEFT_EFAILED, "three is too much"); /* the asker gets NOREPLY */
	*(unsigned *)weft_msg_data(msg) = *n;
	return weft_reply(msg, msg);
}

static const weft_actor_class counter = {
	.size = sizeof(counter), .name = "counter", .behaviour = count, .state_bytes = sizeof(unsigned)
};

/* Ask whoever is called "counter" at the moment. */
static int ask(weft_runtime *rt, weft_future *future)
{
	weft_msg *msg = weft_msg_create(COUNT, sizeof(unsigned)), *answer = NULL;
	weft_ref ref;
	int r;

	if (!msg)
		return -1;
	while (weft_name_find(rt, "counter", &ref) < 0 || weft_request(ref, msg, weft_reply_to_future(future)) < 0)
		; /* it is being restarted: a real program would wait for something better */
	r = weft_future_wait_until(future, &answer, WEFT_FOREVER);
	if (r < 0)
		return r;
	if (weft_msg_kind(answer) == WEFT_KIND_NOREPLY)
		printf("it failed\n");
	else
		printf("%u\n", *(unsigned *)weft_msg_data(answer));
	weft_msg_destroy(answer);
	return 0;
}

int main(void)
{
	const weft_child_spec child = { .size = sizeof(child), .id = "counter", .cls = &counter, .name = "counter" };
	weft_supervisor_options opt = WEFT_SUPERVISOR_OPTIONS_INIT;
	weft_runtime *rt = NULL;
	weft_future *future = NULL;
	weft_ref supervisor;
	int r;

	opt.restarts_max = 10;
	if ((r = weft_runtime_create(NULL, &rt)) < 0 || (r = weft_runtime_start(rt)) < 0 ||
	    (r = weft_future_create(rt, &future)) < 0 ||
	    (r = weft_supervisor_spawn(rt, &opt, &child, 1, &supervisor)) < 0)
		goto out;
	for (int i = 0; i < 7 && r == 0; i++) /* 1, 2, it failed, 1, 2, it failed, 1 */
		r = ask(rt, future);
out:
	if (r < 0)
		fprintf(stderr, "supervise: %s\n", weft_strerror(r));
	weft_future_destroy(future);
	weft_runtime_destroy(rt);
	return r < 0;
}
