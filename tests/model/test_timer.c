/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timer between its actor, the guest that holds it and the worker whose wheel it is meant for, in every way. Goal: it
 * fires or is cancelled, never both, and whoever frees it is the last to touch it. Method: the real timer.c and
 * wheel.c. The actor was run by a guest, armed a timer there, and was stolen by worker 1, which cancels it or
 * ends it while the guest hands over and worker 0 arms and runs out what came.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "runtime/actor/core.h"
#include "tests/model/explore.h"
#include "tests/model/stand_ins.h"

enum { WHEEL = 0, THIEF = 1, GUEST = 2, WORKERS };

#define DELAY_NS WEFT__WHEEL_TICK_NS

static struct weft__sched sched;
static struct weft__worker workers[WORKERS];
static struct weft__wheel wheel;
static struct weft_actor *actor;
static weft_timer timer;
static struct weft_msg *fired; /* of worker 0 */
static bool cancelled;         /* of worker 1 */

/* ---- what timer.c calls ---------------------------------------------------------------- */

_Thread_local struct weft__worker *weft__self;

struct weft_msg *weft__msg_new(uint32_t kind, size_t len_bytes)
{
	struct weft_msg *msg = explore_alloc(sizeof(*msg) + len_bytes, 16);

	memset(msg, 0, sizeof(*msg) + len_bytes);
	msg->kind = kind;
	msg->len_bytes = (uint32_t)len_bytes;
	return msg;
}

void weft__msg_release(struct weft_msg *msg)
{
	explore_free(msg);
}

void weft__timer_remote(struct weft__sched *s, uint32_t worker, ck_stack_entry_t *entry)
{
	weft__inject_push(&s->workers[worker].inject_timers, entry);
}

int weft__deliver_anywhere(weft_ref to, struct weft_msg *msg)
{
	explore_assert(to.id == 1);
	explore_assert(!fired);
	fired = msg;
	return 0;
}

/* ---- the actor, and who meets it ------------------------------------------------------------ */

static void begin(void)
{
	memset(&sched, 0, sizeof(sched));
	memset(workers, 0, sizeof(workers));
	stand_ins_time(0);
	sched.workers = workers;
	sched.worker_count = GUEST;
	explore_thread_local(&weft__self, sizeof(weft__self));
	for (uint32_t i = 0; i < WORKERS; i++) {
		workers[i].sched = &sched;
		workers[i].id = i;
		workers[i].guest = i == GUEST;
		workers[i].wheel_due_ns = UINT64_MAX;
		weft__inject_init(&workers[i].inject_timers);
	}
	workers[WHEEL].wheel = &wheel;
	weft__wheel_init(&wheel, 0);
	fired = NULL;
	cancelled = false;
	actor = explore_alloc(sizeof(*actor), WEFT_CACHELINE);
	memset(actor, 0, sizeof(*actor));
	actor->ref_id = 1;
	weft__self = &workers[GUEST];
	weft__self->actor = actor;
	explore_assert(weft_timer_start(actor, DELAY_NS, 7, &timer) == 0);
	explore_name((void *)actor->timers.word, 64, "timer");
	weft__self->actor = NULL;
	weft__self = NULL;
	workers[THIEF].actor = actor;
}

static void guest_hands_over(void)
{
	weft__self = &workers[GUEST];
	weft__timers_hand_over(weft__self);
	weft__self = NULL;
}

static void actor_cancels(void)
{
	int r;

	weft__self = &workers[THIEF];
	r = weft_timer_cancel(actor, timer);
	explore_assert(r == 0 || r == -ENOENT);
	cancelled = r == 0;
	weft__self = NULL;
}

static void actor_ends(void)
{
	weft__self = &workers[THIEF];
	weft__timers_cancel_all(actor, weft__self);
	weft__self = NULL;
}

static void due(struct weft__timer *t, void *user)
{
	weft__timer_due(user, t);
}

static void look_once(struct weft__worker *w, uint64_t now)
{
	weft__timer_requests(w, weft__inject_take_all(&w->inject_timers));
	weft__wheel_advance(w->wheel, now, UINT64_MAX, due, w);
}

static void wheel_turns(void)
{
	weft__self = &workers[WHEEL];
	look_once(weft__self, 0);
	look_once(weft__self, 2 * DELAY_NS);
	weft__self = NULL;
}

/* What was asked for too late for worker 0 is done at the end, as weft_runtime_destroy does it. */
static void late(void)
{
	weft__timer_requests(&workers[WHEEL], weft__inject_take_all(&workers[WHEEL].inject_timers));
	explore_assert(!workers[GUEST].held_timers);
}

static void cancelled_or_not(void)
{
	late();
	explore_assert(!(cancelled && fired));
	if (fired) {
		weft__timer_delivered(actor, fired);
		explore_assert(fired->token == 7 && fired->len_bytes == 0);
		explore_free(fired);
	} else if (!cancelled) {
		weft__self = &workers[WHEEL];
		look_once(&workers[WHEEL], 4 * DELAY_NS);
		weft__self = NULL;
		explore_assert(fired); /* it came too late for worker 0 */
		weft__timer_delivered(actor, fired);
		explore_free(fired);
	}
	explore_assert(!actor->timers.word);
	explore_free(actor);
	explore_assert(explore_blocks() == 0);
}

static void none_is_left(void)
{
	late();
	explore_assert(!actor->timers.word);
	explore_free(fired);
	explore_free(actor);
	explore_assert(explore_blocks() == 0);
}

#define MODEL(about, check_, ...)                                                                            \
	static const struct explore_model m = {                                                              \
		.name = "timer, " about, .init = begin, .thread = { __VA_ARGS__ }, .check = check_           \
	};                                                                                                   \
	cr_assert(explore(&m))

Test(model_timer, handed_over__while_its_actor_cancels_it)
{
	MODEL("cancel", cancelled_or_not, guest_hands_over, actor_cancels, wheel_turns);
}

Test(model_timer, handed_over__while_its_actor_ends)
{
	MODEL("end", none_is_left, guest_hands_over, actor_ends, wheel_turns);
}
