/* SPDX-License-Identifier: Apache-2.0 */
/* character: what a file may hold, and that errors name file, line and field. */
#include <weft/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

static weft_str str(const char *s)
{
	return weft_str_from(s);
}

static void refuse(const char *json, int code, const char *message_part)
{
	const weft_character *c = NULL;
	weft_error err = {0};

	cr_assert_eq(weft_character_parse(str(json), "a.json", &c, &err), code, "%s gave %s", json,
	             err.message);
	cr_assert_null(c);
	cr_assert(strstr(err.message, message_part), "\"%s\" is not in \"%s\"", message_part, err.message);
	cr_assert_eq(strncmp(err.message, "a.json", 6), 0, "\"%s\" does not name the file", err.message);
}

Test(character, parse__reads_every_field)
{
	const weft_character *c = NULL;
	weft_error err = {0};
	int64_t n = 0;

	cr_assert_eq(
	        weft_character_parse(
	                str("{\"name\":\"Ada\",\"system\":\"S\",\"bio\":[\"b1\",\"b2\"],"
	                    "\"topics\":[\"t\"],\"style\":{\"all\":[\"a\"],\"chat\":[],\"post\":[\"p\",\"q\"]},"
	                    "\"settings\":{\"n\":3,\"s\":\"x\",\"b\":true},\"plugins\":[\"pl\"]}"),
	                "a.json", &c, &err),
	        0, "%s", err.message);
	cr_assert(weft_str_eq(c->name, str("Ada")));
	cr_assert(weft_str_eq(c->system, str("S")));
	cr_assert_eq(c->bio_count, 2);
	cr_assert(weft_str_eq(c->bio[1], str("b2")));
	cr_assert_eq(c->topic_count, 1);
	cr_assert_eq(c->style_all_count, 1);
	cr_assert_eq(c->style_chat_count, 0);
	cr_assert(weft_str_eq(c->style_post[1], str("q")));
	cr_assert(weft_str_eq(c->plugins[0], str("pl")));
	cr_assert(weft_json_get_int(weft_json_find(c->settings, str("n")), &n));
	cr_assert_eq(n, 3);
	weft_character_destroy(c);
}

Test(character, parse__takes_a_bare_name_and_a_string_bio)
{
	const weft_character *c = NULL;

	cr_assert_eq(weft_character_parse(str("{\"name\":\"A\",\"bio\":\"one\"}"), "a.json", &c, NULL), 0);
	cr_assert_eq(c->bio_count, 1);
	cr_assert(weft_str_eq(c->bio[0], str("one")));
	cr_assert_eq(weft_json_typeof(c->settings), WEFT_JSON_NONE);
	weft_character_destroy(c);
	weft_character_destroy(NULL);
}

Test(character, parse__names_file_line_and_field)
{
	refuse("{\n  \"name\": \"A\",\n  \"styel\": {}\n}", WEFT_ECONFIG,
	       "a.json:3: field \"styel\": unknown field");
	refuse("{\n\"name\": \"A\",\n\"style\": {\n  \"al\": []\n}}", WEFT_ECONFIG,
	       "a.json:4: field \"style.al\": unknown field");
	refuse("{\"name\": \"A\",\n\"topics\": [\"x\",\n 3]}", WEFT_ECONFIG,
	       "a.json:3: field \"topics.1\": must be a string");
	refuse("{\"name\": \"A\", \"bio\": 1}", WEFT_ECONFIG, "field \"bio\"");
	refuse("{\"name\": \"A\", \"bio\": [1]}", WEFT_ECONFIG, "field \"bio.0\"");
	refuse("{\"name\": \"A\", \"style\": []}", WEFT_ECONFIG, "field \"style\"");
	refuse("{\"name\": \"A\", \"style\": {\"all\": \"x\"}}", WEFT_ECONFIG, "field \"style.all\"");
	refuse("{\"name\": \"A\", \"settings\": {\"a\": []}}", WEFT_ECONFIG, "field \"settings.a\"");
	refuse("{\"name\": \"A\", \"settings\": 1}", WEFT_ECONFIG, "field \"settings\"");
	refuse("{\"name\": \"A\", \"plugins\": {}}", WEFT_ECONFIG, "field \"plugins\"");
	refuse("{\"name\": \"A\", \"system\": null}", WEFT_ECONFIG, "field \"system\"");
	refuse("{\"name\": 3}", WEFT_ECONFIG, "field \"name\": must be a string");
	refuse("{\"name\": \"\"}", WEFT_ECONFIG, "field \"name\": must not be empty");
	refuse("{}", WEFT_ECONFIG, "field \"name\": missing");
	refuse("[]", WEFT_ECONFIG, "must be a JSON object");
}

Test(character, parse__bad_json_says_where)
{
	refuse("{\n\"name\": \"A\",\n}", WEFT_EPARSE, "a.json:3");
	refuse("", WEFT_EPARSE, "a.json");
}

Test(character, load__reads_a_file_and_says_which_is_missing)
{
	char path[] = "/tmp/weft-character-XXXXXX";
	const weft_character *c = NULL;
	weft_error err = {0};
	int fd = mkstemp(path);

	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, "{\"name\":\"A\"}", 12), 12);
	close(fd);
	cr_assert_eq(weft_character_load(path, &c, &err), 0, "%s", err.message);
	cr_assert(weft_str_eq(c->name, str("A")));
	weft_character_destroy(c);
	unlink(path);
	cr_assert_eq(weft_character_load(path, &c, &err), -ENOENT);
	cr_assert(strstr(err.message, path));
	cr_assert_eq(weft_character_load(NULL, &c, &err), -EINVAL);
}
