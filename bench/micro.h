/* SPDX-License-Identifier: Apache-2.0 */
/* bench/micro.h - the micro benches, by file, and what they share. */
#ifndef WEFT_BENCH_MICRO_H
#define WEFT_BENCH_MICRO_H

#include "bench/bench.h"

#define MICRO_WAIT_NS UINT64_C(60000000000)

/* micro_actor.c */
int micro_ping_pong_same(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_ping_pong_cross(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_many_to_one(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_many_to_one_muted(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_spawn(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_idle_bytes(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);

/* micro_agent.c */
int micro_agent_0(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_agent_1(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_agent_3(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_recorded_0(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_recorded_1(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_recorded_3(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_concurrent_1(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_concurrent_5(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_concurrent_10(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_concurrent_20(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_concurrent_50(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_loop_detection(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);


/* micro_gate.c */
int micro_gate_1(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_gate_2(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_gate_mutex_1(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_gate_mutex_2(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);

/* micro_timer.c */
int micro_timer_arm_cancel(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_timer_fire(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);

/* micro_parts.c */
int micro_tool_dispatch(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_event_1(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_event_4(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_event_form(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);
int micro_histogram(const struct bench_options *opt, double *ret_ms, uint64_t *ret_ops, struct bench_outcome *out);

/* micro.c: the calculator that agents call; and one request to an actor, waited for without helping */
extern const char micro_calculator_schema[];
int micro_calculator(weft_tool_call *call, void *user);
int micro_tools(weft_tools **ret_tools);
/* Send kind to `to`, wait for its answer on an eventfd, so that the workers do all the work. NULL: failed. */
weft_msg *micro_request(weft_runtime *rt, weft_ref to, uint32_t kind, struct bench_outcome *out);
/* The same in two steps, for work that others start in between. *ret_port is the caller's, also after a failure. */
int micro_request_send(weft_runtime *rt, weft_ref to, uint32_t kind, weft_port **ret_port);
weft_msg *micro_request_wait(weft_port *port, struct bench_outcome *out);

#endif
