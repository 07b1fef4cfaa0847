/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/io/uring_ring.c - get a ring: the best this kernel has, as large as memory may be locked, and no less than
 * the loop needs.
 */
#include "runtime/io/uring.h"

#include <errno.h>
#include <string.h>

#define SQ_ENTRIES 512u
#define SQ_ENTRIES_MIN 16u
#define CQ_PER_SQ 8u /* 64 KiB: a burst that does not fit ends what is done many times, and begins it again */
#define PROBE_OPS 64u /* more than any that is asked about */
#define FEATURES (IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP | IORING_FEAT_FAST_POLL)

/* RLIMIT_MEMLOCK of whoever is not root may hold a smaller one. */
static int open_with(struct weft__uring *u, unsigned flags)
{
	int r = -ENOMEM;

	for (unsigned entries = SQ_ENTRIES; r == -ENOMEM && entries >= SQ_ENTRIES_MIN; entries /= 2) {
		struct io_uring_params params = {
			.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
			.cq_entries = entries * CQ_PER_SQ,
		};

		r = io_uring_queue_init_params(entries, &u->ring, &params);
	}
	return r;
}

/* From the best to a plain one; -EINVAL means that this kernel does not know a flag. */
static int open_best(struct weft__uring *u)
{
	static const unsigned choices[] = {
		IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		0,
	};
	int r = -EINVAL;

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]) && r == -EINVAL; i++) {
		r = open_with(u, choices[i]);
		u->look_is_free = choices[i] & IORING_SETUP_TASKRUN_FLAG;
	}
	return r;
}

static int probe(struct weft__uring *u)
{
	static const int needed[] = { IORING_OP_NOP, IORING_OP_READ, IORING_OP_WRITE, IORING_OP_FSYNC, IORING_OP_POLL_ADD,
		                      IORING_OP_ASYNC_CANCEL, IORING_OP_ACCEPT, IORING_OP_CONNECT, IORING_OP_RECV,
		                      IORING_OP_SEND, IORING_OP_OPENAT, IORING_OP_CLOSE, IORING_OP_SHUTDOWN };
	union { /* the head ends in an array of ops */
		struct io_uring_probe head;
		char bytes[sizeof(struct io_uring_probe) + PROBE_OPS * sizeof(struct io_uring_probe_op)];
	} p;
	int r;

	memset(&p, 0, sizeof(p));
	r = io_uring_register_probe(&u->ring, &p.head, PROBE_OPS);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!io_uring_opcode_supported(&p.head, needed[i]))
			return -EOPNOTSUPP;
	}
	return 0;
}

int weft__uring_ring_open(struct weft__uring *u)
{
	int r = open_best(u);

	if (r < 0)
		return r;
	io_uring_ring_dontfork(&u->ring);    /* a child must not reach the host's ring */
	io_uring_register_ring_fd(&u->ring); /* saves a lookup a call; older kernels refuse */
	r = (u->ring.features & FEATURES) == FEATURES ? probe(u) : -EOPNOTSUPP;
	if (r < 0)
		io_uring_queue_exit(&u->ring);
	return r;
}
