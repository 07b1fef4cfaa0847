/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goal: every attachment that needs a look is looked at once and ends as it should, whoever
 * finishes it when. Method: messages with attachments of random fates, told by their urls, handled
 * beside each other; finishers on threads of their own; then the store is compared with the fates.
 */
#include "tests/support/attachments.h"
#include "tests/support/seed.h"

TestSuite(stress_attachments, .init = attachments_setup, .fini = attachments_teardown, .timeout = 120);

#define MESSAGES 60
#define FINISHERS 3

static struct {
	uint64_t seed;
	pthread_mutex_t lock;
	weft_attachment_call *queue[MESSAGES * WEFT_ATTACHMENTS_MAX];
	uint32_t head, tail;
	bool over;
	_Atomic(uint32_t) calls, succeeded, failed;
} chance;

/* What becomes of an attachment follows from its url, so that the test can say what the store must hold. */
enum fate { INLINE_OK, INLINE_FAIL, LATE_OK, LATE_FAIL, FATES };

static int decide(weft_attachment_call *call, enum fate fate)
{
	bool fails = fate == INLINE_FAIL || fate == LATE_FAIL;

	if (!fails)
		cr_assert_eq(weft_attachment_describe(call, (weft_str){NULL, 0}, call->attachment->url,
		                                      call->attachment->title),
		             0);
	if (fails)
		chance.failed++;
	else
		chance.succeeded++;
	return fails ? -EIO : 0;
}

static enum fate fate_of(const weft_attachment *a)
{
	return (enum fate)(a->url.ptr[0] - '0');
}

static int by_chance(weft_attachment_call *call, void *user)
{
	enum fate fate = fate_of(call->attachment);

	(void)user;
	chance.calls++;
	if (fate == INLINE_OK || fate == INLINE_FAIL)
		return decide(call, fate);
	pthread_mutex_lock(&chance.lock);
	chance.queue[chance.tail++] = call;
	pthread_mutex_unlock(&chance.lock);
	return WEFT_PENDING;
}

static void *finisher(void *user)
{
	uint64_t rnd = chance.seed + (uintptr_t)user;

	for (;;) {
		weft_attachment_call *call = NULL;
		bool over;

		pthread_mutex_lock(&chance.lock);
		if (chance.head != chance.tail)
			call = chance.queue[chance.head++];
		over = chance.over;
		pthread_mutex_unlock(&chance.lock);
		if (call)
			weft_attachment_finish(call, decide(call, fate_of(call->attachment)));
		else if (over)
			return NULL;
		if (test_below(&rnd, 4) == 0)
			usleep(test_below(&rnd, 200));
	}
}

Test(stress_attachments, at_random__each_is_handled_once)
{
	uint64_t rnd = test_seed("attachments");
	weft_attachment_handler handler = WEFT_ATTACHMENT_HANDLER_INIT;
	pthread_t threads[FINISHERS];
	weft_uuid ids[MESSAGES];
	uint32_t handed = 0;
	weft_port *port;

	w->opt.room_policy = WEFT_ROOM_PARALLEL;
	world_def(w);
	handler.name = "chance";
	handler.content_type = "*/*";
	handler.fn = by_chance;
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), 0);
	world_start(w);
	cr_assert_eq(weft_port_create(w->rt, NULL, &port), 0);
	chance.seed = test_random(&rnd);
	pthread_mutex_init(&chance.lock, NULL);
	for (uintptr_t i = 0; i < FINISHERS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, finisher, (void *)i), 0);
	for (int i = 0; i < MESSAGES; i++) {
		weft_attachment list[WEFT_ATTACHMENTS_MAX];
		char urls[WEFT_ATTACHMENTS_MAX][16];
		uint32_t count = test_below(&rnd, 5);
		weft_incoming in = with("x", list, count);

		for (uint32_t k = 0; k < count; k++) {
			snprintf(urls[k], sizeof(urls[k]), "%u:%d:%u", test_below(&rnd, FATES), i, k);
			list[k] = (weft_attachment){.url = weft_str_from(urls[k]), .title = WEFT_STR("t")};
		}
		handed += count;
		ids[i] = in.message.id = weft_uuid_v7();
		cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_port(port, 0)), 0);
	}
	for (int i = 0; i < MESSAGES; i++) {
		weft_msg *m = NULL;

		cr_assert_eq(weft_port_wait_until(port, &m, 1, weft_now_ns() + TEST_LONG), 1);
		cr_assert_eq(weft_msg_status(m), 0);
		weft_msg_destroy(m);
	}
	pthread_mutex_lock(&chance.lock);
	chance.over = true;
	pthread_mutex_unlock(&chance.lock);
	for (int i = 0; i < FINISHERS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(chance.calls, handed);
	cr_assert_eq(chance.calls, chance.succeeded + chance.failed);
	for (int i = 0; i < MESSAGES; i++) {
		weft_memory m;

		cr_assert_eq(weft_store_get(w->store, ids[i], arena, &m), 0);
		for (uint32_t k = 0; k < m.attachment_count; k++) {
			const weft_attachment *a = &m.attachments[k];
			bool ok = fate_of(a) == INLINE_OK || fate_of(a) == LATE_OK;

			cr_assert(weft_str_eq(a->description, ok ? a->url : (weft_str){NULL, 0}), "%.*s: %.*s",
			          WEFT_STR_ARG(a->url), WEFT_STR_ARG(a->description));
		}
	}
	weft_port_destroy(port);
}
