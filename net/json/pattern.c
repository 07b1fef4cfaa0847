/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/json/pattern.c - see pattern.h. What POSIX would silently read as something else
 * ("\d" is a 'd' to it) is translated or refused, never passed on.
 */
#include "net/json/pattern.h"

#include <string.h>

#define GROUPS_MAX 32u
#define ATOMS_MAX 10000u

/*
 * regcomp writes a{9} out nine times, ((a{99}){99}){99} a million times: size counts
 * what it will come to, a level for each open group.
 */
struct translation {
	const char *at, *end;
	char *to;
	uint64_t size[GROUPS_MAX]; /* of what is done of each open group */
	uint64_t last;             /* of the atom before, which a repetition repeats */
	uint32_t depth;
};

static const char *grow(struct translation *t, uint64_t by)
{
	t->size[t->depth] += by;
	return t->size[t->depth] > ATOMS_MAX ? "repeats too much" : NULL;
}

static const char *atom(struct translation *t)
{
	t->last = 1;
	return grow(t, 1);
}

static void emit(struct translation *t, const char *text)
{
	size_t n = strlen(text);

	memcpy(t->to, text, n);
	t->to += n;
}

/* What a class stands for inside brackets; NULL: no class. */
static const char *class_of(char c)
{
	switch (c) {
	case 'd':
	case 'D':
		return "0-9";
	case 'w':
	case 'W':
		return "A-Za-z0-9_";
	case 's':
	case 'S':
		return " \t\n\r\f\v";
	default:
		return NULL;
	}
}

/* The byte that an escape stands for; 0: none that is known. */
static char escaped(char c)
{
	static const char controls[] = "n\nr\rt\tf\fv\v";

	for (const char *p = controls; *p; p += 2) {
		if (*p == c)
			return p[1];
	}
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return 0;
	return c;
}

static const char *bracket_escape(struct translation *t, bool *hyphen, bool *closing)
{
	const char *class;
	char c;

	if (++t->at == t->end)
		return "ends in a backslash";
	class = class_of(*t->at);
	if (class && *t->at >= 'a') {
		emit(t, class);
		return NULL;
	}
	c = class ? 0 : escaped(*t->at);
	if (!c)
		return "has an unsupported escape in brackets";
	*hyphen |= c == '-';
	*closing |= c == ']';
	if (c != '-' && c != ']')
		*t->to++ = c;
	return NULL;
}

/* POSIX has no escapes in brackets: a ']' goes first, a '-' goes last. */
static const char *bracket(struct translation *t)
{
	bool hyphen = false, closing = false;
	char *begin;

	*t->to++ = *t->at++;
	if (t->at < t->end && *t->at == '^')
		*t->to++ = *t->at++;
	begin = t->to;
	for (; t->at < t->end && *t->at != ']'; t->at++) {
		const char *what = NULL;

		if (*t->at == '\\')
			what = bracket_escape(t, &hyphen, &closing);
		else if (*t->at == '[')
			what = "has a '[' in brackets";
		else
			*t->to++ = *t->at;
		if (what)
			return what;
	}
	if (t->at == t->end)
		return "has a bracket that is not closed";
	if (t->to == begin && !hyphen && !closing)
		return "has empty brackets";
	if (closing) {
		memmove(begin + 1, begin, (size_t)(t->to - begin));
		*begin = ']';
		t->to++;
	}
	if (hyphen)
		*t->to++ = '-';
	*t->to++ = *t->at++;
	return NULL;
}

static const char *escape(struct translation *t)
{
	const char *class;
	char c;

	if (++t->at == t->end)
		return "ends in a backslash";
	c = *t->at++;
	class = class_of(c);
	if (class) {
		emit(t, c < 'a' ? "[^" : "[");
		emit(t, class);
		emit(t, "]");
		return NULL;
	}
	if (c == 'b' || c == 'B') { /* as in GNU's */
		*t->to++ = '\\';
		*t->to++ = c;
		return NULL;
	}
	if (!escaped(c))
		return "has an unsupported escape";
	if (strchr(".[]{}()\\*+?|^$", c))
		*t->to++ = '\\';
	*t->to++ = escaped(c);
	return NULL;
}

static const char *group(struct translation *t)
{
	*t->to++ = *t->at++;
	if (++t->depth == GROUPS_MAX)
		return "has too many groups";
	t->size[t->depth] = 1;
	if (t->at == t->end || *t->at != '?')
		return NULL;
	if (t->end - t->at < 2 || t->at[1] != ':')
		return "has a lookaround or a named group";
	t->at += 2;
	return NULL;
}

static const char *group_end(struct translation *t)
{
	*t->to++ = *t->at++;
	if (!t->depth)
		return "has a ')' too many";
	t->last = t->size[t->depth--];
	return grow(t, t->last);
}

/* {n}, {n,} or {n,m}; anything else is a brace. */
static const char *repetition(struct translation *t)
{
	uint64_t n = 0, most = 1;

	*t->to++ = *t->at++;
	for (; t->at < t->end && ((*t->at >= '0' && *t->at <= '9') || *t->at == ','); *t->to++ = *t->at++) {
		n = *t->at == ',' ? 0 : n * 10 + (uint64_t)(*t->at - '0');
		if (n > ATOMS_MAX)
			return "repeats too much";
		most = n > most ? n : most;
	}
	if (t->at == t->end || *t->at != '}')
		return NULL;
	*t->to++ = *t->at++;
	n = t->last * (most - 1);
	t->last *= most;
	return grow(t, n);
}

const char *weft__pattern_translate(weft_str pattern, char *to)
{
	struct translation t = { .at = pattern.ptr, .end = pattern.ptr + pattern.len_bytes, .to = to };
	const char *what = NULL;

	while (t.at < t.end && !what) {
		switch (*t.at) {
		case '\0':
			what = "has a NUL";
			break;
		case '[':
			what = bracket(&t);
			what = what ? what : atom(&t);
			break;
		case '\\':
			what = escape(&t);
			what = what ? what : atom(&t);
			break;
		case '(':
			what = group(&t);
			break;
		case ')':
			what = group_end(&t);
			break;
		case '{':
			what = repetition(&t);
			break;
		case '*':
		case '+':
		case '?':
			*t.to++ = *t.at++;
			break;
		default:
			*t.to++ = *t.at++;
			what = atom(&t);
			break;
		}
	}
	*t.to = '\0';
	return what;
}
