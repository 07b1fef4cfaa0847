/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/pattern.c - see pattern.h. Perl knows more than ECMA does: what PCRE2 would silently read as something else
 * ("\h" is no 'h' to it, "a++" no error) is refused before it gets to see it.
 *
 * PCRE2 counts the steps of a match from each place in the text anew. So a pattern is compiled behind a lazy prefix and
 * tied to the beginning of the text: there is one place to begin at, and one count for the whole match.
 *
 * What it does not count is how far one step goes. A repetition that it makes possessive by itself runs to its end in one
 * step, at each place anew; it is told not to, and each character is a step on the way back. Looks around, what refers
 * back and large counts leap all the same: they get short texts. And what is spelled out is compared in one step.
 */
#include "net/json/pattern.h"

#include <errno.h>
#include <string.h>

#ifdef WEFT_HAVE_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define STEPS_MAX 100000u       /* of a match, and four a byte of text: some milliseconds */
#define STEPS_TEXT_MAX (1u << 26) /* so that four times that still counts */
#define HEAP_KIB_MAX 4096u
#define NEST_MAX 64u
#define COMPARED_MAX (UINT64_C(1) << 30) /* bytes of compiled code times bytes of text */
#define TEXT_OF_LEAPS_MAX (8u << 10)
#define COUNT_DIGITS_MAX 1u /* of a repetition that is no leap */

struct weft__pattern {
	pcre2_code *code;        /* owned */
	size_t text_bytes_max;
};

struct scan {
	const char *at, *end;
	uint32_t depth; /* groups that are open: the suffix must not close one of the pattern's */
	bool leaps;     /* a step of it may go over any part of the text */
};

static bool is(const struct scan *s, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(s->end - s->at) >= n && memcmp(s->at, text, n) == 0;
}

/* "\": what ECMA has, with the "u" flag: of letters and digits those that mean something. */
static const char *escape(struct scan *s)
{
	char c;

	if (++s->at == s->end)
		return "ends in a backslash";
	c = *s->at++;
	s->leaps |= c == 'k' || (c >= '1' && c <= '9');
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return strchr("dDwWsSbBtnvfrcxupPk", c) ? NULL : "has an unsupported escape";
	return (unsigned char)c >= 0x80 ? "has an unsupported escape" : NULL;
}

static const char *bracket(struct scan *s)
{
	const char *what;

	s->at += is(s, "[^") ? 2 : 1;
	while (s->at < s->end && *s->at != ']') {
		if (is(s, "[:") || is(s, "[.") || is(s, "[="))
			return "has a POSIX class in brackets";
		if (*s->at != '\\') {
			s->at++;
			continue;
		}
		what = escape(s);
		if (what)
			return what;
	}
	if (s->at == s->end)
		return "has a bracket that is not closed";
	s->at++;
	return NULL;
}

static const char *group_end(struct scan *s)
{
	s->at++;
	return s->depth-- ? NULL : "has a ')' too many";
}

static const char *group(struct scan *s)
{
	static const char *const kinds[] = { "(?:", "(?=", "(?!", "(?<=", "(?<!" };

	if (is(s, "(*"))
		return "has a verb";
	s->depth++;
	if (!is(s, "(?")) {
		s->at++;
		return NULL;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (is(s, kinds[i])) {
			s->leaps |= i > 0; /* a look around */
			s->at += strlen(kinds[i]);
			return NULL;
		}
	}
	if (!is(s, "(?<"))
		return "has an unsupported group";
	s->at += 3; /* a name: PCRE2 knows what one is */
	return NULL;
}

/* Where a quantifier ends that begins at `at`; at itself where none does ("a{b" has a brace). */
static const char *quantifier_end(const char *at, const char *end)
{
	const char *p = at;

	if (p < end && (*p == '*' || *p == '+' || *p == '?'))
		return p + 1;
	if (end - p < 2 || *p != '{' || p[1] < '0' || p[1] > '9')
		return at;
	for (p++; p < end && ((*p >= '0' && *p <= '9') || *p == ','); p++)
		;
	return p < end && *p == '}' ? p + 1 : at;
}

static const char *quantifier(struct scan *s)
{
	const char *after = quantifier_end(s->at, s->end);

	if (after == s->at) { /* a brace */
		s->at++;
		return NULL;
	}
	s->leaps |= *s->at == '{' && strspn(s->at + 1, "0123456789") > COUNT_DIGITS_MAX;
	if (after < s->end && *after == '?')
		after++;
	if (quantifier_end(after, s->end) != after)
		return "repeats a repetition";
	s->at = after;
	return NULL;
}

/* NULL, or what it has that ECMA does not have. */
static const char *refuse(weft_str ecma, bool *ret_leaps)
{
	struct scan s = { .at = ecma.ptr, .end = ecma.ptr + ecma.len_bytes };
	const char *what = NULL;

	if (ecma.len_bytes > WEFT__PATTERN_BYTES_MAX)
		return "is longer than 16384 bytes";
	while (s.at < s.end && !what) {
		switch (*s.at) {
		case '\\':
			what = escape(&s);
			break;
		case '[':
			what = bracket(&s);
			break;
		case '(':
			what = group(&s);
			break;
		case ')':
			what = group_end(&s);
			break;
		case '*':
		case '+':
		case '?':
		case '{':
			what = quantifier(&s);
			break;
		default:
			s.at++;
			break;
		}
	}
	*ret_leaps = s.leaps;
	return what;
}

/* ---- memory from our seam ------------------------------------------------------------ */

static void *take(size_t bytes, void *user)
{
	(void)user;
	return weft_malloc(bytes);
}

static void give(void *ptr, void *user)
{
	(void)user;
	weft_free(ptr);
}

/* ---- compiling -------------------------------------------------------------------------- */

static const char prefix[] = "\\A(?s:.*?)(?:", suffix[] = ")";

static const char *why_not(int code)
{
	switch (code) {
	case PCRE2_ERROR_PATTERN_TOO_LARGE:
	case PCRE2_ERROR_QUANTIFIER_TOO_BIG:
	case PCRE2_ERROR_PATTERN_TOO_COMPLICATED:
		return "repeats too much";
	case PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP:
		return "has groups in groups, too deep";
	case PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH:
	case PCRE2_ERROR_LOOKBEHIND_TOO_COMPLICATED:
	case PCRE2_ERROR_LOOKBEHIND_TOO_LONG:
		return "looks behind by no fixed length";
	default:
		return "is not a regular expression";
	}
}

static pcre2_code *compile(pcre2_compile_context *context, weft_str whole, int *ret_code)
{
	const uint32_t options = PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_DOLLAR_ENDONLY |
	                         PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_POSSESS;
	PCRE2_SIZE offset;

	pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF); /* what '.' is not */
	pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
	pcre2_set_parens_nest_limit(context, NEST_MAX);
	return pcre2_compile((PCRE2_SPTR)whole.ptr, whole.len_bytes, options, ret_code, &offset, context);
}

/* The pattern between prefix and suffix; freed by the caller. */
static weft_str wrapped(weft_str ecma)
{
	size_t front = sizeof(prefix) - 1, back = sizeof(suffix) - 1;
	char *text = weft_malloc(front + ecma.len_bytes + back);

	if (!text)
		return (weft_str){ 0 };
	memcpy(text, prefix, front);
	if (ecma.len_bytes)
		memcpy(text + front, ecma.ptr, ecma.len_bytes);
	memcpy(text + front + ecma.len_bytes, suffix, back);
	return (weft_str){ text, front + ecma.len_bytes + back };
}

static size_t text_max(const pcre2_code *code, bool leaps)
{
	size_t size = 0, compared;

	pcre2_pattern_info(code, PCRE2_INFO_SIZE, &size);
	compared = COMPARED_MAX / (size + 1);
	return leaps ? TEXT_OF_LEAPS_MAX : compared < STEPS_TEXT_MAX ? compared : STEPS_TEXT_MAX;
}

int weft__pattern_compile(weft_str ecma, struct weft__pattern **ret_pattern, const char **ret_why)
{
	pcre2_general_context *memory;
	pcre2_compile_context *context;
	struct weft__pattern *p;
	pcre2_code *code = NULL;
	weft_str whole;
	bool leaps = false;
	int error = PCRE2_ERROR_HEAP_FAILED;

	*ret_pattern = NULL;
	*ret_why = refuse(ecma, &leaps);
	if (*ret_why)
		return -EINVAL;
	whole = wrapped(ecma);
	memory = pcre2_general_context_create(take, give, NULL);
	context = memory ? pcre2_compile_context_create(memory) : NULL;
	if (context && whole.ptr)
		code = compile(context, whole, &error);
	pcre2_compile_context_free(context);
	pcre2_general_context_free(memory);
	weft_free((char *)whole.ptr);
	if (!code && error == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	*ret_why = code ? NULL : why_not(error);
	if (!code)
		return -EINVAL;
	p = weft_malloc(sizeof(*p));
	if (!p) {
		pcre2_code_free(code);
		return -ENOMEM;
	}
	*p = (struct weft__pattern){ code, text_max(code, leaps) };
	*ret_pattern = p;
	return 0;
}

void weft__pattern_free(struct weft__pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_code_free(pattern->code);
	weft_free(pattern);
}

/* ---- matching ---------------------------------------------------------------------------- */

static int match(const pcre2_code *code, weft_str text, uint32_t steps, pcre2_match_data *data,
                 pcre2_match_context *context)
{
	int r;

	pcre2_set_match_limit(context, steps + 4 * (uint32_t)text.len_bytes);
	pcre2_set_heap_limit(context, HEAP_KIB_MAX);
	r = pcre2_match(code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len_bytes, 0, 0, data, context);
	if (r >= 0)
		return 1;
	if (r == PCRE2_ERROR_MATCHLIMIT || r == PCRE2_ERROR_DEPTHLIMIT || r == PCRE2_ERROR_HEAPLIMIT)
		return -E2BIG;
	return r == PCRE2_ERROR_NOMEMORY ? -ENOMEM : 0;
}

static int match_within(const struct weft__pattern *pattern, weft_str text, uint32_t steps)
{
	pcre2_general_context *memory;
	pcre2_match_context *context;
	pcre2_match_data *data;
	int r = -ENOMEM;

	if (text.len_bytes > pattern->text_bytes_max)
		return -E2BIG;
	memory = pcre2_general_context_create(take, give, NULL);
	context = memory ? pcre2_match_context_create(memory) : NULL;
	data = memory ? pcre2_match_data_create(1, memory) : NULL;
	if (context && data)
		r = match(pattern->code, text, steps, data, context);
	pcre2_match_data_free(data);
	pcre2_match_context_free(context);
	pcre2_general_context_free(memory);
	return r;
}

int weft__pattern_match(const struct weft__pattern *pattern, weft_str text)
{
	return match_within(pattern, text, STEPS_MAX);
}

int weft__pattern_try(const struct weft__pattern *pattern, weft_str text)
{
	return match_within(pattern, text, STEPS_MAX / 100);
}

#else

int weft__pattern_compile(weft_str ecma, struct weft__pattern **ret_pattern, const char **ret_why)
{
	(void)ecma;
	*ret_pattern = NULL;
	*ret_why = "cannot be read: weft was built without PCRE2 (-Dpcre2=enabled)";
	return -EPROTONOSUPPORT;
}

void weft__pattern_free(struct weft__pattern *pattern)
{
	(void)pattern;
}

int weft__pattern_match(const struct weft__pattern *pattern, weft_str text)
{
	(void)pattern, (void)text;
	return -E2BIG;
}

int weft__pattern_try(const struct weft__pattern *pattern, weft_str text)
{
	return weft__pattern_match(pattern, text);
}

#endif
