/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/io/io.h - what the items of `weft bench --suite io` share.
 *
 *   server.c    the model's endpoint: the mock, in a process of its own
 *   streams.c   many answers at once, token by token
 *   agents.c    agents with two tool calls each, started at a rate
 *   request.c   one request after another
 *
 * What is measured is this process: its processor time, its memory, and how late things happen. Each answer is
 * compared with what it has to be, and one that is not fails the item.
 */
#ifndef WEFT_BENCH_IO_H
#define WEFT_BENCH_IO_H

#include <sys/types.h>

#include "bench/bench.h"

struct io_detail {
	uint32_t count;      /* streams at once; agents a second; requests */
	uint32_t tokens;     /* of an answer */
	double tokens_per_s; /* of a stream; 0: as fast as it goes */
};

typedef void io_item_fn(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out);

io_item_fn io_streams_cpu, io_streams_bytes, io_agents, io_requests;

/* Less of it with --quick: what is checked is the same. */
static inline struct io_detail io_detail(const struct bench_options *opt, const struct bench_micro *self)
{
	struct io_detail d = *(const struct io_detail *)self->detail;

	if (opt->quick) {
		d.count /= 10;
		d.tokens /= 4;
		d.tokens_per_s *= 10;
	}
	return d;
}

void io_begin(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out);
/* r negative: it failed, and err (may be NULL) may say why. */
void io_end(struct bench_outcome *out, int r, const weft_error *err);

/* ---- server.c ------------------------------------------------------------------------ */

struct io_server {
	pid_t pid;
	int life;      /* the end of a pipe: closed, it ends */
	char url[128]; /* "http://127.0.0.1:port/v1" */
};

/* In a process of its own, on one worker. Before this process has threads. 0 or negative, with a reason in out. */
int io_server_start(struct io_server *s, const weft_mock_llm_options *options, struct bench_outcome *out);
void io_server_stop(struct io_server *s);

/* A runtime of one worker, and models that are asked over there, without a gate. The caller's; all NULL when it fails. */
struct io_client {
	weft_runtime *rt;
	weft_models *models;
};
/* Wait without helping, so that the worker does all the work. How many; 0: until passed. */
int io_port_take(weft_port *port, weft_msg **ret_msgs, uint32_t max, uint64_t until_ns);
int io_client_up(struct io_client *c, const struct io_server *s, bool stream, weft_error *err);
void io_client_down(struct io_client *c);

#endif
