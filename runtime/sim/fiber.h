/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/sim/fiber.h - stacks that one thread runs in turn.
 *
 * Over ucontext: a switch costs two system calls (the signal mask), well under a
 * microsecond, and works on every machine. The sanitizers are told of each switch.
 */
#ifndef WEFT_RUNTIME_SIM_FIBER_H
#define WEFT_RUNTIME_SIM_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

struct weft__fiber {
	ucontext_t context;
	void *(*fn)(void *arg);
	void *arg;
	void (*ended)(void); /* called on the fiber when fn has returned; must switch away for good */
	char *map;           /* guard page and stack; NULL for the thread's own stack */
	size_t map_bytes;
	const void *stack;   /* for the address sanitizer */
	size_t stack_bytes;
	void *fake_stack;    /* the same; while it does not run */
	void *tsan;
};

/* The calling thread's own stack as a fiber. */
void weft__fiber_init_own(struct weft__fiber *f);

/* 0 or -ENOMEM. fn runs at the first switch to it. */
int weft__fiber_init(struct weft__fiber *f, size_t stack_bytes, void *(*fn)(void *arg), void *arg,
                     void (*ended)(void));

/* It does not run, and never will again. */
void weft__fiber_fini(struct weft__fiber *f);

/* from is the one that runs. last: it will never run again. */
void weft__fiber_switch(struct weft__fiber *from, struct weft__fiber *to, bool last);

#endif
