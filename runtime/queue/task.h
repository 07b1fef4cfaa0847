/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/queue/task.h - what a scheduler runs: a link and a function.
 *
 * An actor embeds one. The scheduler knows nothing else of actors. A task is in
 * at most one queue at a time; the link belongs to that queue.
 */
#ifndef WEFT_RUNTIME_QUEUE_TASK_H
#define WEFT_RUNTIME_QUEUE_TASK_H

#include <ck_stack.h>

struct weft__worker;

struct weft__task {
	union {
		struct weft__task *next; /* overflow and pinned lists: plain, one thread */
		ck_stack_entry_t link;   /* injection stack */
	};
	void (*run)(struct weft__worker *worker, struct weft__task *task);
};

#endif
