/* SPDX-License-Identifier: Apache-2.0 */
/* answer: models' answers as they come, well-formed or not; bounds on what is hostile. */
#include "net/markup/answer.h"

#include <time.h>

#include "json_test.h"

static weft_arena *arena;
static struct weft__answer answer;
static weft_error err;

static void setup(void)
{
	cr_assert_eq(weft_arena_create(0, &arena), 0);
}

static void teardown(void)
{
	weft_arena_destroy(arena);
}

TestSuite(answer, .init = setup, .fini = teardown);

static void parsed(const char *text)
{
	err.message[0] = '\0';
	cr_assert_eq(weft__answer_parse(str(text), arena, &answer, &err), 0, "%s: %s", text, err.message);
}

static void refused(const char *text)
{
	weft_error why = { 0 };

	cr_expect_eq(weft__answer_parse(str(text), arena, &answer, &why), WEFT_EPARSE, "%s", text);
	cr_expect_eq(why.code, WEFT_EPARSE);
	cr_expect(why.message[0]);
}

static void field_is(const char *name, const char *text)
{
	const struct weft__answer_field *f = weft__answer_find(&answer, str(name));

	cr_assert_not_null(f, "%s", name);
	cr_expect(weft_str_eq(f->text, str(text)), "%s is '%.*s'", name, WEFT_STR_ARG(f->text));
}

Test(answer, response__gives_a_field_for_each_child)
{
	parsed("Sure!\n<response>\n  <thought> Be kind. </thought>\n<providers></providers><actions>REPLY,NONE</actions>"
	       "<text>Hello\nthere</text><simple>true</simple></response> Anything else?");
	cr_assert_eq(answer.count, 5);
	cr_assert(weft_str_eq(answer.fields[0].name, WEFT_STR("thought")));
	field_is("thought", "Be kind.");
	field_is("providers", "");
	field_is("actions", "REPLY,NONE");
	field_is("text", "Hello\nthere");
	field_is("simple", "true");
	cr_assert(weft_str_eq(answer.rest, WEFT_STR("Anything else?")));
	cr_assert_null(weft__answer_find(&answer, WEFT_STR("missing")));
}

Test(answer, response__comes_before_other_elements)
{
	parsed("<note><text>no</text></note><response><text>yes</text></response>");
	field_is("text", "yes");
	parsed("{\"text\":\"no\"}<response><text>yes</text></response>");
	field_is("text", "yes");
}

Test(answer, other__the_first_balanced_element)
{
	parsed("<p>Let me think. <br> <output><text>hi</text></output><output><text>no</text></output>");
	field_is("text", "hi");
	parsed("a < b and c<d <reply id=\"1\" note='a>b'><text>hi</text></reply>");
	field_is("text", "hi");
}

Test(answer, names__are_compared_loosely)
{
	parsed("<r><isFinish>true</isFinish><Text-Body>x</Text-Body></r>");
	field_is("is_finish", "true");
	field_is("isfinish", "true");
	field_is("IS-FINISH", "true");
	field_is("text_body", "x");
	parsed("<r><is_finish>loose</is_finish><isFinish>exact</isFinish></r>");
	field_is("isFinish", "exact");
}

Test(answer, text__entities_and_cdata)
{
	parsed("<r><a>1 &lt; 2 &amp;&amp; 3 &gt; 2 &quot;q&quot; &apos;a&apos;</a><b><![CDATA[<x> & </b> ]] ]]></b>"
	       "<c>&nbsp; & &amp;lt; &lt</c><d>a<![CDATA[b]]>c</d></r>");
	field_is("a", "1 < 2 && 3 > 2 \"q\" 'a'");
	field_is("b", "<x> & </b> ]] ");
	field_is("c", "&nbsp; & &lt; &lt");
	field_is("d", "abc");
}

Test(answer, text__nested_markup_is_kept)
{
	parsed("<response><text>Use <b>bold</b>, 1 < 2, <br> and <text>text</text>.</text><a><b>1</b></a></response>");
	cr_assert_eq(answer.count, 2);
	field_is("text", "Use <b>bold</b>, 1 < 2, <br> and <text>text</text>.");
	field_is("a", "<b>1</b>");
}

Test(answer, unclosed__runs_to_the_end)
{
	parsed("<response><thought>t</thought><text>was cut off he");
	field_is("thought", "t");
	field_is("text", "was cut off he");
	parsed("<response><text>was cut off</response>");
	field_is("text", "was cut off");
	parsed("<response><thought/><text>x</text>");
	field_is("thought", "");
	field_is("text", "x");
}

Test(answer, json__members_are_fields)
{
	parsed("Here you go: ```json\n{\"text\":\" hi <b>you</b> \",\"simple\":true,\"n\":5,\"none\":null,\"actions\":[\"A\",\"B\"]}\n``` ok");
	cr_assert_eq(answer.count, 5);
	field_is("text", "hi <b>you</b>");
	field_is("simple", "true");
	field_is("n", "5");
	field_is("none", "");
	field_is("actions", "[\"A\",\"B\"]");
	cr_assert(weft_str_eq(answer.rest, WEFT_STR("``` ok")));
	parsed("<response>{\"text\":\"inside\"}</response>");
	field_is("text", "inside");
	parsed("In {braces} first, then {\"text\":\"}{\\\"\"}");
	field_is("text", "}{\"");
	parsed("<b>bold</b> {\"text\":\"x\"}");
	field_is("text", "x");
}

Test(answer, refused__says_why)
{
	refused("");
	refused("   \n");
	refused("Just prose, a < b.");
	refused("<think>never done <response><text>x</text></response>");
	refused("<response></response>");
	refused("<r>no children</r>");
	refused("{}");
	refused("{\"a\":");
	refused("<a <b");
	refused("<>");
	refused("</a>");
	refused("<![CDATA[");
}

Test(answer, think__is_stripped)
{
	weft_str s;

	parsed("<think>maybe <response><text>no</text></response></think>\n<response><text>yes</text></response>");
	field_is("text", "yes");
	s = weft__strip_think(WEFT_STR("a<think>b</think>c<think>d</think>e"), arena);
	cr_assert(weft_str_eq(s, WEFT_STR("ace")));
	s = weft__strip_think(WEFT_STR("a<think>b"), arena);
	cr_assert(weft_str_eq(s, WEFT_STR("a")));
	s = weft__strip_think(WEFT_STR("<think>b"), arena);
	cr_assert_eq(s.len_bytes, 0);
	s = weft__strip_think((weft_str){ 0 }, arena);
	cr_assert_eq(s.len_bytes, 0);
}

Test(answer, think__is_no_copy_without)
{
	weft_str text = WEFT_STR("no </think> here, <thinking> neither");

	cr_assert_eq(weft__strip_think(text, arena).ptr, text.ptr);
}

Test(answer, fields__are_bounded)
{
	char *text = malloc(200 * 32), *to = text;

	to += sprintf(to, "<response>");
	for (int i = 0; i < 200; i++)
		to += sprintf(to, "<f%d>%d</f%d>", i, i, i);
	sprintf(to, "</response>");
	parsed(text);
	cr_assert_eq(answer.count, WEFT__ANSWER_FIELDS_MAX);
	field_is("f0", "0");
	field_is("f8", "8");
	field_is("f63", "63");
	cr_assert_null(weft__answer_find(&answer, WEFT_STR("f64")));
	free(text);
}

Test(answer, bool__takes_six_words)
{
	bool b = false;

	cr_expect(weft__answer_bool(WEFT_STR(" TRUE "), &b) && b);
	cr_expect(weft__answer_bool(WEFT_STR("no"), &b) && !b);
	cr_expect(weft__answer_bool(WEFT_STR("Yes"), &b) && b);
	cr_expect(weft__answer_bool(WEFT_STR("0"), &b) && !b);
	cr_expect(weft__answer_bool(WEFT_STR("1"), &b) && b);
	cr_expect(weft__answer_bool(WEFT_STR("false"), &b) && !b);
	b = true;
	cr_expect_not(weft__answer_bool(WEFT_STR("maybe"), &b));
	cr_expect_not(weft__answer_bool(WEFT_STR(""), &b));
	cr_expect_not(weft__answer_bool(WEFT_STR("10"), &b));
	cr_expect(b);
}

static void list_is(const char *text, const char *joined)
{
	weft_str *items = NULL;
	uint32_t n = weft__answer_list(str(text), arena, &items);
	char got[256] = "";

	for (uint32_t i = 0; i < n; i++) {
		strcat(got, i ? "|" : "");
		strncat(got, items[i].ptr, items[i].len_bytes);
	}
	cr_expect_str_eq(got, joined);
}

Test(answer, list__in_three_notations)
{
	list_is("REPLY", "REPLY");
	list_is(" A , B,,C , ", "A|B|C");
	list_is("", "");
	list_is(" , ", "");
	list_is("[\"A\", \" B \", \"\", 3]", "A|B|3");
	list_is("[]", "");
	list_is("[{\"name\":\"A\",\"x\":1},\"B\"]", "A|B");
	list_is("[broken", "[broken");
	list_is("<action>A</action> <action> B </action><action/>", "A|B");
	list_is("<action><name>A</name><params>x</params></action><action><name>B</name></action>", "A|B");
}

/* Of this thread's own, so that a machine that is busy or stands still does not matter. */
static double seconds_of(const char *pattern, size_t bytes)
{
	char *text = malloc(bytes);
	struct timespec from, to;
	size_t n = strlen(pattern);

	for (size_t i = 0; i < bytes; i++)
		text[i] = pattern[i % n];
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	(void)weft__answer_parse((weft_str){ text, bytes }, arena, &answer, &err);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	weft_arena_reset(arena);
	free(text);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* Eight times as much takes eight times as long; a square would take sixty-four times. */
Test(answer, hostile__stays_linear, .timeout = 120)
{
	static const char *const all[] = { "<a>", "<a ", "<a \"", "<a '<a \"", "<", "<a>&amp;", "<![CDATA[", "{\"a\":", "{", "{}",
		                           "<think>", "<a></b>", "&", "<response>", "<response><a>", "<a></a>", "</a>", "<a/>" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		double little = seconds_of(all[i], 512u << 10), much = seconds_of(all[i], 4u << 20);

		cr_expect_lt(much, 24 * little + 0.2, "%s: %g s, %g s", all[i], little, much);
	}
}
