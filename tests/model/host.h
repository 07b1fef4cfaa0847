/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/host.h - what ports and futures need around them: answers, and nobody to help. */
#ifndef WEFT_TESTS_MODEL_HOST_H
#define WEFT_TESTS_MODEL_HOST_H

#include <errno.h>

#include "runtime/host/host.h"
#include "tests/model/explore.h"
#include "tests/model/stand_ins.h"

/* An answer is its number, in plain bytes. */
static struct weft_msg *answer_make(uint32_t number)
{
	struct weft_msg *msg = explore_alloc(sizeof(*msg), 16);

	msg->kind = number;
	return msg;
}

void weft_msg_destroy(weft_msg *msg)
{
	explore_free(msg);
}

void weft__help(uint32_t rt_slot, weft__done_fn done, void *what, uint64_t deadline_ns)
{
	(void)rt_slot;
	(void)deadline_ns;
	(void)done(what); /* nothing to do for a guest */
}

int weft__may_wait(void)
{
	return 0;
}

#endif
