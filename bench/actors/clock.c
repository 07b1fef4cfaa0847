/* SPDX-License-Identifier: Apache-2.0 */
/* bench/actors/clock.c - from the question to the time it took; actors.h. */
#include "bench/actors/actors.h"

int actors_clock_stop(struct actors_clock *c)
{
	uint64_t ns = weft_now_ns() - c->start_ns;
	weft_msg *m = actors_msg(ACTORS_DONE, &ns, sizeof(ns));
	int r = m ? weft_reply(c->asked, m) : -ENOMEM;

	weft_msg_destroy(c->asked);
	c->asked = NULL;
	return r;
}

int actors_measure(weft_runtime *rt, weft_ref to, struct bench_outcome *out, uint64_t *ret_ns)
{
	return actors_answer(micro_request(rt, to, ACTORS_GO, out), ret_ns);
}

int actors_answer(weft_msg *answer, uint64_t *ret_ns)
{
	if (!answer)
		return -EIO;
	memcpy(ret_ns, weft_msg_data(answer), sizeof(*ret_ns));
	weft_msg_destroy(answer);
	return 0;
}

int actors_end(weft_runtime *rt, int r, uint64_t ns, uint64_t ops, double *ret_ms, uint64_t *ret_ops)
{
	*ret_ms = (double)ns / 1e6 / (double)ops;
	*ret_ops = ops;
	weft_runtime_destroy(rt);
	return r;
}

int actors_run_one(const struct bench_options *opt, const weft_actor_class *class, const void *state, uint64_t ops, double *ret_ms,
                   uint64_t *ret_ops, struct bench_outcome *out)
{
	weft_runtime *rt = NULL;
	weft_ref ref;
	uint64_t ns = 0;
	int r = bench_runtime_up(opt, &rt);

	if (r == 0)
		r = weft_actor_spawn(rt, class, state, &ref);
	if (r == 0)
		r = actors_measure(rt, ref, out, &ns);
	return actors_end(rt, r, ns, ops, ret_ms, ret_ops);
}
