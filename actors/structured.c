/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/structured.c - an answer freed of fences and thoughts, parsed and checked; and the conversation with what is wrong
 * behind it, for asking again.
 */
#include "actors/structured.h"

#include <errno.h>
#include <string.h>

#include <weft/json.h>

#include "actors/text.h"
#include "net/markup/answer.h"

/* Without the fence that models like to put around JSON. */
static weft_str without_fence(weft_str text)
{
	const char *line;

	text = weft__str_trim(text);
	if (text.len_bytes < 6 || memcmp(text.ptr, "```", 3) || memcmp(text.ptr + text.len_bytes - 3, "```", 3))
		return text;
	line = memchr(text.ptr, '\n', text.len_bytes);
	if (!line)
		return text;
	text = (weft_str){ line + 1, text.len_bytes - (size_t)(line + 1 - text.ptr) - 3 };
	return weft__str_trim(text);
}

static int check_text(const weft_json_schema *schema, weft_str text, weft_error *err)
{
	weft_json_doc *doc;
	weft_error why;
	int r = weft_json_parse(text, &doc, &why);

	if (r < 0)
		return weft_error_set(err, r == -ENOMEM ? r : WEFT_ESCHEMA, "the answer is not JSON: %s", why.message);
	r = weft_json_schema_check(schema, weft_json_root(doc), &why);
	weft_json_release(doc);
	return r < 0 ? weft_error_set(err, r, "the answer does not fit the schema: %s", why.message) : 0;
}

static int schema_of(weft_str text, weft_json_schema **ret_schema, weft_error *err)
{
	weft_json_doc *doc;
	weft_error why;
	int r = weft_json_parse(text, &doc, &why);

	if (r == 0) {
		r = weft_json_schema_compile(weft_json_root(doc), ret_schema, &why);
		weft_json_release(doc);
	}
	return r < 0 ? weft_error_set(err, r == -ENOMEM ? r : -EINVAL, "json_schema: %s", why.message) : 0;
}

int weft__structured_check(const weft_model_request *request, weft_model_response *response, weft_arena *arena,
                           weft_error *err)
{
	weft_json_schema *schema;
	weft_str text;
	int r;

	if (!request->json_schema.len_bytes || response->tool_call_count)
		return 0;
	if (response->finish == WEFT_FINISH_LENGTH)
		return weft_error_set(err, WEFT_ECUT, "the answer was cut off by max_tokens");
	if (response->finish == WEFT_FINISH_REFUSAL || response->finish == WEFT_FINISH_CONTENT_FILTER)
		return weft_error_set(err, WEFT_EFILTERED, "the model answered with %s", weft_finish_name(response->finish));
	r = schema_of(request->json_schema, &schema, err);
	if (r < 0)
		return r;
	text = without_fence(weft__strip_think(response->text, arena));
	r = check_text(schema, text, err);
	weft_json_schema_destroy(schema);
	if (r == 0)
		response->text = text;
	return r;
}

int weft__structured_ask_again(weft_model_request *request, const weft_model_response *response, weft_arena *arena,
                               const weft_error *why)
{
	uint32_t n = request->message_count ? request->message_count : 1;
	weft_chat_message *list = weft_arena_alloc(arena, (n + 2) * sizeof(*list));
	weft_str *image = NULL;
	weft_str said = weft_arena_dup(arena, response->text), told;

	told = weft_arena_printf(arena, "%s. Answer again, with the JSON alone.", why->message);
	if (request->image_url.len_bytes && !request->message_count) {
		image = weft_arena_alloc(arena, sizeof(*image));
		if (!image)
			return -ENOMEM;
		*image = request->image_url;
	}
	if (!list || !said.ptr || !told.ptr)
		return -ENOMEM;
	if (request->message_count)
		memcpy(list, request->messages, n * sizeof(*list));
	else
		list[0] = (weft_chat_message){ .role = WEFT_ROLE_USER,
			                       .content = request->prompt,
			                       .image_urls = image,
			                       .image_url_count = image != NULL };
	list[n] = (weft_chat_message){ .role = WEFT_ROLE_ASSISTANT, .content = said };
	list[n + 1] = (weft_chat_message){ .role = WEFT_ROLE_USER, .content = told };
	request->messages = list;
	request->message_count = n + 2;
	return 0;
}
