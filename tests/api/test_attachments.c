/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came with a message: handed over, looked into by handlers that answer at once, later
 * or not at all, kept in the store, shown to the model.
 */
#include "tests/support/pipeline.h"
#include "tests/support/seed.h"

static struct world *w;
static weft_msg *reply;
static weft_arena *arena;
static weft_subscription *events;

static void setup(void)
{
	w = world_create();
	w->opt.no_embeddings = true;
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void teardown(void)
{
	weft_msg_destroy(reply);
	weft_arena_destroy(arena);
	weft_events_unsubscribe(events);
	world_end(w);
	reply = NULL;
	events = NULL;
}

TestSuite(attachments, .init = setup, .fini = teardown, .timeout = 60);

/* ---- handlers --------------------------------------------------------------------- */

#define LATE_MAX 64

/* A handler that says what it is told to: at once, or later from test_let_go's thread. */
struct handler {
	const char *title, *description, *text;
	int status;
	bool hold;
	pthread_mutex_t lock;
	uint32_t calls;
	weft_attachment_call *held[LATE_MAX];
	uint32_t held_count;
};

static int answer(struct handler *h, weft_attachment_call *call)
{
	if (h->status < 0)
		return weft_error_set(call->error, h->status, "no eyes for %.*s",
		                      WEFT_STR_ARG(call->attachment->url));
	cr_assert_eq(weft_attachment_describe(call, weft_str_from(h->title), weft_str_from(h->description),
	                                      weft_str_from(h->text)),
	             0);
	return 0;
}

static int look(weft_attachment_call *call, void *user)
{
	struct handler *h = user;
	bool hold;

	pthread_mutex_lock(&h->lock);
	h->calls++;
	hold = h->hold;
	if (hold)
		h->held[h->held_count++] = call;
	pthread_mutex_unlock(&h->lock);
	return hold ? WEFT_PENDING : answer(h, call);
}

static uint32_t held(struct handler *h)
{
	uint32_t n;

	pthread_mutex_lock(&h->lock);
	n = h->held_count;
	pthread_mutex_unlock(&h->lock);
	return n;
}

/* Finish one of the held calls. */
static void let_go(struct handler *h, uint32_t at)
{
	weft_attachment_call *call;

	pthread_mutex_lock(&h->lock);
	cr_assert_lt(at, h->held_count);
	call = h->held[at];
	h->held[at] = h->held[--h->held_count];
	pthread_mutex_unlock(&h->lock);
	weft_attachment_finish(call, answer(h, call));
}

static void add_handler(const char *name, const char *content_type, int priority, struct handler *h)
{
	weft_attachment_handler handler = WEFT_ATTACHMENT_HANDLER_INIT;

	if (!w->def)
		world_def(w);
	pthread_mutex_init(&h->lock, NULL);
	handler.name = name;
	handler.content_type = content_type;
	handler.priority = priority;
	handler.fn = look;
	handler.user = h;
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), 0);
}

/* ---- messages --------------------------------------------------------------------- */

#define IMAGE {.url = WEFT_STR("https://a/bee.png"), .content_type = WEFT_STR("image/png"), .title = WEFT_STR("bee.png")}

static weft_incoming with(const char *text, const weft_attachment *list, uint32_t count)
{
	weft_incoming in = world_message(w, text);

	in.message.attachments = list;
	in.message.attachment_count = count;
	return in;
}

static const weft_agent_result *send(const weft_attachment *list, uint32_t count)
{
	weft_incoming in = with("look, Ada", list, count);
	const weft_agent_result *r;

	weft_msg_destroy(reply);
	r = world_handle(w, &in, &reply);
	cr_assert_eq(r->status, 0, "%.*s", WEFT_STR_ARG(r->error));
	return r;
}

/* The message as the store has it. */
static weft_memory stored(void)
{
	weft_memory m;

	cr_assert_eq(weft_store_get(w->store, weft_agent_result_of(reply)->message_id, arena, &m), 0);
	return m;
}

static void listen(void)
{
	weft_subscribe_options opt = WEFT_SUBSCRIBE_OPTIONS_INIT;

	cr_assert_eq(weft_events_subscribe(w->rt, &opt, &events), 0);
}

/* How often an event of this name came since the last call; error: of the last that had one. */
static void count_events(const char *const *names, uint32_t *counts, char *error, size_t size)
{
	static weft_event batch[256];
	int n;

	while ((n = weft_events_read(events, batch, 256)) > 0) {
		for (int i = 0; i < n; i++) {
			for (int k = 0; names[k]; k++)
				counts[k] += weft_str_eq(batch[i].message, weft_str_from(names[k]));
			for (uint32_t f = 0; f < batch[i].field_count; f++) {
				if (weft_str_eq(batch[i].fields[f].key, WEFT_STR("error")))
					snprintf(error, size, "%.*s", WEFT_STR_ARG(batch[i].fields[f].str));
			}
		}
	}
}

static const char *const names[] = {"ATTACHMENT_STARTED", "ATTACHMENT_COMPLETED", "ATTACHMENT_FAILED",
                                    "process_attachments", NULL};

/* ---- without handlers -------------------------------------------------------------- */

Test(attachments, none__costs_no_stage)
{
	world_start(w);
	cr_assert_eq(send(NULL, 0)->stage_runs[WEFT_STAGE_ATTACHMENTS], 0);
	cr_assert_eq(stored().attachment_count, 0);
}

Test(attachments, no_handler__kept_and_shown_as_they_came)
{
	weft_attachment list[] = {IMAGE, {.text = WEFT_STR("a note")}};

	world_start(w);
	cr_assert_eq(send(list, 2)->stage_runs[WEFT_STAGE_ATTACHMENTS], 1);
	cr_assert_eq(stored().attachment_count, 2);
	assert_str(stored().attachments[0].url, "https://a/bee.png");
	assert_str(stored().attachments[0].description, "");
	assert_str(stored().attachments[1].text, "a note");
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], " - bee.png (https://a/bee.png)]\n"), "%s",
	          w->script.prompt[ASK_MESSAGE]);
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], "] Text: a note"));
}

Test(attachments, refused__before_the_agent_hears_of_it)
{
	weft_attachment list[WEFT_ATTACHMENTS_MAX + 1] = {IMAGE};
	weft_incoming in = with("x", list, WEFT_ATTACHMENTS_MAX + 1);

	world_start(w);
	for (int i = 1; i <= (int)WEFT_ATTACHMENTS_MAX; i++)
		list[i] = list[0];
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), -EMSGSIZE);
	in.message.attachment_count = 2;
	list[1].url = (weft_str){NULL, 0};
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), -EINVAL);
	in.message.attachments = NULL;
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), -EINVAL);
	list[1] = list[0];
	cr_assert_eq(send(list, WEFT_ATTACHMENTS_MAX)->stage_runs[WEFT_STAGE_ATTACHMENTS], 1);
	cr_assert_eq(stored().attachment_count, WEFT_ATTACHMENTS_MAX);
}

Test(attachments, handed_over__are_copied)
{
	char url[] = "https://a", text[] = "first words";
	weft_attachment list[] = {{.url = {url, strlen(url)}, .text = {text, strlen(text)}}};
	weft_incoming in = with("x", list, 1);

	w->script.hold[ASK_MESSAGE] = true;
	world_start(w);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	memset(url, '!', sizeof(url));
	memset(text, '!', sizeof(text));
	memset(list, 0xee, sizeof(list));
	test_until(script_held(&w->script) == 1);
	script_let_go(&w->script);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	assert_str(stored().attachments[0].url, "https://a");
	assert_str(stored().attachments[0].text, "first words");
}

/* ---- handlers that answer at once ---------------------------------------------------- */

Test(attachments, inline__what_it_says_is_kept_and_shown)
{
	struct handler h = {.title = "A bee", .description = "A bee on a thistle.", .text = "NO SMOKING"};
	weft_attachment list[] = {IMAGE};
	uint32_t counts[4] = {0};
	char error[64];

	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	listen();
	(void)send(list, 1);
	assert_str(stored().attachments[0].title, "A bee");
	assert_str(stored().attachments[0].description, "A bee on a thistle.");
	assert_str(stored().attachments[0].text, "NO SMOKING");
	assert_str(stored().attachments[0].url, "https://a/bee.png");
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE],
	                 " - A bee (https://a/bee.png)] Text: NO SMOKING Description: A bee on a thistle."),
	          "%s", w->script.prompt[ASK_MESSAGE]);
	count_events(names, counts, error, sizeof(error));
	cr_assert_eq(counts[0], 1);
	cr_assert_eq(counts[1], 1);
	cr_assert_eq(counts[2], 0);
	cr_assert_eq(counts[3], 2, "the stage begins and ends");
}

Test(attachments, inline__what_it_does_not_say_stays)
{
	struct handler h = {.description = "A bee."};
	weft_attachment list[] = {IMAGE};

	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	(void)send(list, 1);
	assert_str(stored().attachments[0].title, "bee.png");
	assert_str(stored().attachments[0].description, "A bee.");
}

static weft_str seen_url, seen_description;

static int see(weft_provider_call *call, void *user)
{
	const weft_memory *m = weft_turn_message(call->turn);

	(void)user;
	cr_assert_eq(m->attachment_count, 1);
	seen_url = weft_arena_dup(arena, m->attachments[0].url);
	seen_description = weft_arena_dup(arena, m->attachments[0].description);
	return 0;
}

Test(attachments, inline__providers_see_them_described)
{
	struct handler h = {.description = "A bee."};
	weft_provider p = WEFT_PROVIDER_INIT;
	weft_attachment list[] = {IMAGE};

	add_handler("eyes", "image/*", 0, &h);
	p.name = "SEE";
	p.fn = see;
	cr_assert_eq(weft_agent_def_add_provider(w->def, &p), 0);
	world_start(w);
	(void)send(list, 1);
	assert_str(seen_url, "https://a/bee.png");
	assert_str(seen_description, "A bee.");
}

Test(attachments, should_respond__is_asked_with_them_described)
{
	struct handler h = {.description = "A bee on a thistle."};
	weft_attachment list[] = {IMAGE};
	weft_incoming in = with("what is this?", list, 1);

	w->opt.check_should_respond = true;
	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	cr_assert(world_handle(w, &in, &reply)->responded);
	cr_assert_eq(script_calls(&w->script, ASK_RESPOND), 1);
	cr_assert(strstr(w->script.prompt[ASK_RESPOND], "Description: A bee on a thistle."));
}

Test(attachments, which__text_and_described_ones_need_no_look)
{
	struct handler h = {.description = "never"};
	weft_attachment list[] = {
	        {.content_type = WEFT_STR("text/markdown"), .text = WEFT_STR("# Hi")},
	        {.content_type = WEFT_STR("application/json; charset=utf-8"), .text = WEFT_STR("{}")},
	        {.content_type = WEFT_STR("image/png"), .url = WEFT_STR("u"), .description = WEFT_STR("known")},
	};

	add_handler("all", "*/*", 0, &h);
	world_start(w);
	(void)send(list, 3);
	cr_assert_eq(h.calls, 0);
	assert_str(stored().attachments[0].text, "# Hi");
	assert_str(stored().attachments[2].description, "known");
	list[0].text = (weft_str){NULL, 0}; /* a text that is not here yet: somebody has to fetch it */
	list[0].url = WEFT_STR("https://a/readme.md");
	(void)send(list, 3);
	cr_assert_eq(h.calls, 1);
}

Test(attachments, which__by_type_then_priority)
{
	struct handler any = {.description = "any"}, image = {.description = "image"}, png = {.description = "png"};
	weft_attachment list[] = {
	        IMAGE, {.url = WEFT_STR("u"), .content_type = WEFT_STR("IMAGE/jpeg")}, {.url = WEFT_STR("u")}};

	add_handler("any", "*/*", -1, &any);
	add_handler("image", "image/*", 5, &image);
	add_handler("png", "image/png", 6, &png);
	world_start(w);
	(void)send(list, 3);
	assert_str(stored().attachments[0].description, "png");
	assert_str(stored().attachments[1].description, "image");
	assert_str(stored().attachments[2].description, "any");
}

/* ---- handlers that fail --------------------------------------------------------------- */

Test(attachments, failing__leaves_it_and_the_message_goes_on)
{
	struct handler h = {.status = -EIO};
	weft_attachment list[] = {IMAGE};
	uint32_t counts[4] = {0};
	char error[64] = "";

	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	listen();
	cr_assert(send(list, 1)->responded);
	assert_str(stored().attachments[0].title, "bee.png");
	assert_str(stored().attachments[0].description, "");
	count_events(names, counts, error, sizeof(error));
	cr_assert_eq(counts[1], 0);
	cr_assert_eq(counts[2], 1);
	cr_assert_str_eq(error, "no eyes for https://a/bee.png");
}

Test(attachments, failing__the_next_by_priority_is_asked)
{
	struct handler first = {.status = -EIO}, second = {.status = -ENOENT}, third = {.description = "seen"},
	               fourth = {.description = "never"};
	weft_attachment list[] = {IMAGE};
	weft_incoming in = with("x", list, 1);

	add_handler("first", "image/png", 9, &first);
	add_handler("second", "image/*", 8, &second);
	add_handler("third", "*/*", 7, &third);
	add_handler("fourth", "*/*", 6, &fourth);
	second.hold = true; /* fails too, from here */
	world_start(w);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	test_until(held(&second) == 1);
	let_go(&second, 0);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	assert_str(stored().attachments[0].description, "seen");
	cr_assert_eq(first.calls, 1);
	cr_assert_eq(third.calls, 1);
	cr_assert_eq(fourth.calls, 0);
}

static int say_too_much(weft_attachment_call *call, void *user)
{
	static char much[WEFT_ATTACHMENTS_BYTES_MAX + 1];
	weft_str none = {NULL, 0}, most = {much, WEFT_ATTACHMENTS_BYTES_MAX}, more = {much, sizeof(much)};

	(void)user;
	memset(much, 'x', sizeof(much));
	cr_assert_eq(weft_attachment_describe(NULL, none, none, none), -EINVAL);
	cr_assert_eq(weft_attachment_describe(call, none, more, none), -EMSGSIZE);
	cr_assert_eq(weft_attachment_describe(call, (weft_str){much, WEFT_ATTACHMENT_NAME_BYTES_MAX + 1}, none, none),
	             -EMSGSIZE);
	return weft_attachment_describe(call, none, most, none);
}

/* One description may be as long as all attachments together may be: with the url it is too long for the store. */
Test(attachments, too_long_for_the_store__is_told_and_the_message_goes_on)
{
	static const char *const saved[] = {"ATTACHMENTS_NOT_SAVED", NULL};
	weft_attachment_handler handler = WEFT_ATTACHMENT_HANDLER_INIT;
	weft_attachment list[] = {IMAGE};
	uint32_t counts[1] = {0};
	char error[64];

	world_def(w);
	handler.name = "talker";
	handler.content_type = "image/*";
	handler.fn = say_too_much;
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), 0);
	world_start(w);
	listen();
	cr_assert(send(list, 1)->responded);
	assert_str(stored().attachments[0].description, "");
	count_events(saved, counts, error, sizeof(error));
	cr_assert_eq(counts[0], 1);
}

/* ---- handlers that wait ---------------------------------------------------------------- */

Test(attachments, pending__two_of_a_message_beside_each_other)
{
	struct handler h = {.description = "late", .title = "t", .text = "words", .hold = true};
	weft_attachment list[] = {IMAGE, {.text = WEFT_STR("no look"), .content_type = WEFT_STR("text/plain")}, IMAGE};
	weft_incoming in = with("x", list, 3);
	weft_memory *none;

	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	test_until(held(&h) == 2); /* both are under way before either is over */
	let_go(&h, 1);
	usleep(2000);
	cr_assert_eq(script_calls(&w->script, ASK_MESSAGE), 0, "the other one is waited for");
	cr_assert_eq(weft_store_recent(w->store, w->room_id, WEFT_MEMORY_MESSAGE, 0, 1, arena, &none), 1);
	assert_str(none[0].attachments[2].description, "");
	let_go(&h, 0);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	for (int i = 0; i < 3; i += 2) {
		assert_str(stored().attachments[i].description, "late");
		assert_str(stored().attachments[i].text, "words");
	}
	assert_str(stored().attachments[1].text, "no look");
	cr_assert_gt(weft_agent_result_of(reply)->stage_ns[WEFT_STAGE_ATTACHMENTS], 2000000);
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], "] Text: words Description: late"));
}

Test(attachments, pending__past_the_deadline_is_dropped)
{
	struct handler h = {.description = "too late", .hold = true}, next = {.description = "never"};
	weft_attachment list[] = {IMAGE};
	weft_incoming in = with("x", list, 1);

	w->opt.run_timeout_ns = 30000000;
	add_handler("eyes", "image/*", 1, &h);
	add_handler("next", "*/*", 0, &next);
	world_start(w);
	cr_assert_eq(world_handle(w, &in, &reply)->status, -ETIMEDOUT);
	assert_str(stored().attachments[0].description, "");
	h.status = -EIO; /* a failure then asks nobody else */
	let_go(&h, 0);
	weft_msg_destroy(reply);
	cr_assert_eq(weft_actor_stop(w->agent), 0);
	test_until(!weft_actor_is_alive(w->agent));
	reply = NULL;
	cr_assert_eq(next.calls, 0);
}

Test(attachments, pending__a_newer_message_takes_over)
{
	struct handler h = {.description = "seen", .hold = true};
	weft_attachment list[] = {IMAGE};
	weft_incoming in = with("x", list, 1);
	weft_future *other;

	w->opt.room_policy = WEFT_ROOM_LATEST;
	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	cr_assert_eq(weft_future_create(w->rt, &other), 0);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(other)), 0);
	test_until(held(&h) == 1);
	h.hold = false;
	cr_assert_eq(world_handle(w, &in, &reply)->status, 0);
	weft_msg_destroy(reply);
	cr_assert_eq(weft_future_wait_until(other, &reply, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_status(reply), WEFT_ESUPERSEDED);
	let_go(&h, 0);
	weft_future_destroy(other);
}

Test(attachments, runtime_end__lets_go_of_what_is_pending)
{
	struct handler h = {.description = "nobody hears", .title = "t", .text = "t", .hold = true};
	weft_attachment list[] = {IMAGE, IMAGE};
	weft_incoming in = with("x", list, 2);
	weft_runtime *rt = w->rt;

	add_handler("eyes", "image/*", 0, &h);
	world_start(w);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	test_until(held(&h) == 2);
	cr_assert_eq(weft_runtime_stop(rt, 0), 0);
	cr_assert_eq(weft_runtime_join(rt), -ETIMEDOUT);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	cr_assert_eq(weft_msg_status(reply), -ECANCELED);
	let_go(&h, 0);
	let_go(&h, 0); /* the abandoned run goes with its last call */
	weft_future_destroy(w->future);
	weft_runtime_destroy(rt);
	w->rt = test_runtime(1); /* what teardown ends */
	cr_assert_eq(weft_future_create(w->rt, &w->future), 0);
	w->agent.id = 0;
}

/* ---- at random -------------------------------------------------------------------------- */

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

/* Goal: every attachment is looked at once, each ends as it should. Method: random fates, finishers on threads of their own. */
Test(attachments, at_random__each_is_handled_once)
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

/* ---- registration ----------------------------------------------------------------------- */

Test(attachments, add_handler__refuses_bad_ones)
{
	struct handler h = {0};
	weft_attachment_handler handler = WEFT_ATTACHMENT_HANDLER_INIT;

	add_handler("eyes", "image/*", 0, &h);
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, NULL), -EINVAL);
	handler.name = "eyes";
	handler.content_type = "image/png";
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), -EINVAL, "no function");
	handler.fn = look;
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), -EEXIST);
	handler.name = "ears";
	handler.content_type = "image";
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), -EINVAL, "no pattern");
	handler.content_type = NULL;
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), -EINVAL);
	world_start(w);
	handler.content_type = "audio/*";
	cr_assert_eq(weft_agent_def_add_attachment_handler(w->def, &handler), -EBUSY);
}

/* ---- the image model --------------------------------------------------------------------- */

/* Answers with text, or fails with status; late answers are made in the call's arena by the thread that gives them. */
static struct {
	const char *text;
	int status;
	pthread_mutex_t lock;
	weft_model_call *held[LATE_MAX];
	uint32_t held_count, calls;
	bool hold;
	pthread_barrier_t together;
} image;

static int image_answer(weft_model_call *call)
{
	if (image.status < 0)
		return weft_error_set(call->error, image.status, "no image there");
	call->response->text = weft_arena_printf(call->arena, image.text, WEFT_STR_ARG(call->request->image_url));
	return 0;
}

static int image_model(weft_model_call *call, void *user)
{
	bool hold;

	(void)user;
	cr_assert_eq(call->request->type, WEFT_MODEL_IMAGE_DESCRIPTION);
	pthread_mutex_lock(&image.lock);
	image.calls++;
	hold = image.hold;
	if (hold)
		image.held[image.held_count++] = call;
	pthread_mutex_unlock(&image.lock);
	return hold ? WEFT_PENDING : image_answer(call);
}

static uint32_t image_held(void)
{
	uint32_t n;

	pthread_mutex_lock(&image.lock);
	n = image.held_count;
	pthread_mutex_unlock(&image.lock);
	return n;
}

static void add_image_model(const char *text)
{
	memset(&image, 0, sizeof(image));
	pthread_mutex_init(&image.lock, NULL);
	image.text = text;
	cr_assert_eq(weft_models_add(w->models, WEFT_MODEL_IMAGE_DESCRIPTION, 0, "eyes", image_model, NULL, NULL), 0);
}

#define IMAGE_ANSWER                                                                                         \
	"<think>hm</think><response><title>Bee</title><description>A bee at %.*s.</description>"             \
	"<text>BUZZ</text></response>"

Test(attachments, image_model__describes_images_that_no_handler_takes)
{
	struct handler pdf = {.description = "a paper"};
	weft_attachment list[] = {IMAGE, {.url = WEFT_STR("u"), .content_type = WEFT_STR("application/pdf")},
	                          {.url = WEFT_STR("v")}};
	const weft_agent_result *r;

	add_image_model(IMAGE_ANSWER);
	add_handler("papers", "application/pdf", 0, &pdf);
	world_start(w);
	r = send(list, 3);
	cr_assert_eq(image.calls, 1);
	cr_assert_eq(r->iterations, 2);
	assert_str(stored().attachments[0].title, "Bee");
	assert_str(stored().attachments[0].description, "A bee at https://a/bee.png.");
	assert_str(stored().attachments[0].text, "BUZZ");
	assert_str(stored().attachments[1].description, "a paper");
	assert_str(stored().attachments[2].description, "");
	cr_assert(strstr(w->script.prompt[ASK_MESSAGE], "Description: A bee at https://a/bee.png."));
}

Test(attachments, image_model__a_handler_goes_before_it)
{
	struct handler h = {.status = -EACCES};
	weft_attachment list[] = {IMAGE};

	add_image_model(IMAGE_ANSWER);
	add_handler("mine", "image/*", 0, &h);
	world_start(w);
	(void)send(list, 1);
	cr_assert_eq(image.calls, 0, "also when it fails: it may have had its reasons");
}

Test(attachments, image_model__plain_words_are_a_description)
{
	weft_attachment list[] = {IMAGE};

	add_image_model("  A bee, seen at %.*s\n");
	world_start(w);
	(void)send(list, 1);
	assert_str(stored().attachments[0].title, "bee.png");
	assert_str(stored().attachments[0].description, "A bee, seen at https://a/bee.png");
}

Test(attachments, image_model__failing_leaves_it_and_the_message_goes_on)
{
	weft_attachment list[] = {IMAGE};
	uint32_t counts[4] = {0};
	char error[64] = "";

	add_image_model("%.*s");
	image.status = -EIO;
	world_start(w);
	listen();
	cr_assert(send(list, 1)->responded);
	assert_str(stored().attachments[0].description, "");
	count_events(names, counts, error, sizeof(error));
	cr_assert_eq(counts[2], 1);
	cr_assert_str_eq(error, "no image there");
	image.status = 0;
	image.text = "<response><title>%.*s</title><description> </description></response>";
	cr_assert(send(list, 1)->responded, "nothing is no description either");
	assert_str(stored().attachments[0].title, "bee.png");
	assert_str(stored().attachments[0].description, "");
}

static void *image_finish(void *user)
{
	weft_model_call *call = user;

	pthread_barrier_wait(&image.together);
	weft_model_finish(call, image_answer(call));
	return NULL;
}

/* Goal: answers that are made at the same moment do not meet in one arena; under the thread sanitizer. */
Test(attachments, image_model__several_wait_beside_each_other)
{
	enum { N = 4 };
	weft_attachment list[N] = {IMAGE, IMAGE, IMAGE, IMAGE};
	weft_incoming in = with("x", list, N);
	pthread_t threads[N];

	add_image_model(IMAGE_ANSWER);
	image.hold = true;
	pthread_barrier_init(&image.together, NULL, N);
	world_start(w);
	cr_assert_eq(weft_agent_handle_message(w->agent, &in, weft_reply_to_future(w->future)), 0);
	test_until(image_held() == N);
	for (int i = 0; i < N; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, image_finish, image.held[i]), 0);
	for (int i = 0; i < N; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(weft_future_wait_until(w->future, &reply, weft_now_ns() + TEST_LONG), 0);
	for (int i = 0; i < N; i++)
		assert_str(stored().attachments[i].description, "A bee at https://a/bee.png.");
	pthread_barrier_destroy(&image.together);
}
