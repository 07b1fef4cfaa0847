/* SPDX-License-Identifier: Apache-2.0 */
/* Images that came with a message and that no handler takes: described by the IMAGE_DESCRIPTION model. */
#include "tests/support/attachments.h"

TestSuite(image_model, .init = attachments_setup, .fini = attachments_teardown, .timeout = 120);

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

Test(image_model, model__describes_images_that_no_handler_takes)
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

Test(image_model, model__a_handler_goes_before_it)
{
	struct handler h = {.status = -EACCES};
	weft_attachment list[] = {IMAGE};

	add_image_model(IMAGE_ANSWER);
	add_handler("mine", "image/*", 0, &h);
	world_start(w);
	(void)send(list, 1);
	cr_assert_eq(image.calls, 0, "also when it fails: it may have had its reasons");
}

Test(image_model, model__plain_words_are_a_description)
{
	weft_attachment list[] = {IMAGE};

	add_image_model("  A bee, seen at %.*s\n");
	world_start(w);
	(void)send(list, 1);
	assert_str(stored().attachments[0].title, "bee.png");
	assert_str(stored().attachments[0].description, "A bee, seen at https://a/bee.png");
}

Test(image_model, model__failing_leaves_it_and_the_message_goes_on)
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
	count_events(stage_events, counts, error, sizeof(error));
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
Test(image_model, model__several_wait_beside_each_other)
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

/* The library's own mock tells what the address tells; its texts are not asked, since others come first. */
Test(image_model, mock__tells_what_the_address_tells)
{
	weft_attachment list[] = {IMAGE, {.url = WEFT_STR("https://a/<b>/c&d.png?w=1"), .content_type = WEFT_STR("image/png")},
	                          {.url = WEFT_STR("data:image/png;base64,AAAA"), .content_type = WEFT_STR("image/png")}};

	cr_assert_eq(weft_models_add_mock(w->models, -1, NULL), 0);
	world_start(w);
	cr_assert(send(list, 3)->responded);
	assert_str(stored().attachments[0].title, "bee.png");
	assert_str(stored().attachments[0].description, "What is to be seen: bee.png");
	assert_str(stored().attachments[0].text, "");
	assert_str(stored().attachments[1].title, "c&d.png");
	assert_str(stored().attachments[2].description, "What is to be seen: an image");
}
