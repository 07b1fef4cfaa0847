/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/sim/fiber.c - see fiber.h. */
#include "runtime/sim/fiber.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WITH_ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define WITH_TSAN 1
#endif

#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif

static struct weft__fiber *entering, *leaving; /* the two of the switch that is under way */

/* In the new fiber, right after a switch. */
static void arrived(void)
{
#ifdef WITH_ASAN
	/* what is learnt of the stack left matters the first time a thread's own stack is left */
	__sanitizer_finish_switch_fiber(entering->fake_stack, &leaving->stack, &leaving->stack_bytes);
#endif
}

static void fiber_main(void)
{
	struct weft__fiber *f = entering;

	arrived();
	f->fn(f->arg);
	f->ended();
}

void weft__fiber_init_own(struct weft__fiber *f)
{
	*f = (struct weft__fiber){ 0 };
#ifdef WITH_TSAN
	f->tsan = __tsan_get_current_fiber();
#endif
}

int weft__fiber_init(struct weft__fiber *f, size_t stack_bytes, void *(*fn)(void *arg), void *arg, void (*ended)(void))
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, stack_bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	                 -1, 0);

	if (map == MAP_FAILED)
		return -ENOMEM;
	if (mprotect(map, page, PROT_NONE) < 0) { /* too deep a call ends in a fault, not in another stack */
		munmap(map, stack_bytes + page);
		return -ENOMEM;
	}
	*f = (struct weft__fiber){
		.fn = fn,
		.arg = arg,
		.ended = ended,
		.map = map,
		.map_bytes = stack_bytes + page,
		.stack = map + page,
		.stack_bytes = stack_bytes,
	};
	getcontext(&f->context);
	f->context.uc_stack.ss_sp = map + page;
	f->context.uc_stack.ss_size = stack_bytes;
	makecontext(&f->context, fiber_main, 0);
#ifdef WITH_TSAN
	f->tsan = __tsan_create_fiber(0);
#endif
	return 0;
}

void weft__fiber_fini(struct weft__fiber *f)
{
	if (!f->map)
		return;
#ifdef WITH_TSAN
	__tsan_destroy_fiber(f->tsan);
#endif
	munmap(f->map, f->map_bytes);
	f->map = NULL;
}

void weft__fiber_switch(struct weft__fiber *from, struct weft__fiber *to, bool last)
{
	leaving = from;
	entering = to;
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(last ? NULL : &from->fake_stack, to->stack, to->stack_bytes);
#else
	(void)last;
#endif
#ifdef WITH_TSAN
	__tsan_switch_to_fiber(to->tsan, 0); /* flags 0: what happened before a switch is known after it */
#endif
	swapcontext(&from->context, &to->context);
	arrived();
}
