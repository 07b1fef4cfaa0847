/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/gate/hint.c - what the head of an answer says of limits (weft_gate_hint).
 *
 * Retry-After is a number of seconds or one of the three dates of HTTP; the resets of quotas are written as Go writes
 * durations ("6m0s", "1.5s", "20ms"). Whoever writes them is not ours: every number is bounded, what is not
 * understood is as if it were not there.
 */
#include <weft/gate.h>

#include <string.h>
#include <strings.h>

#define SECOND_NS UINT64_C(1000000000)
#define DAY_NS (86400 * SECOND_NS)

enum rank { FROM_RESETS = 0, FROM_RETRY_AFTER, FROM_RETRY_AFTER_MS };

struct scan {
	const char *at, *end;
};

static bool at_end(const struct scan *s)
{
	return s->at == s->end;
}

static bool skip_char(struct scan *s, char c)
{
	if (at_end(s) || *s->at != c)
		return false;
	s->at++;
	return true;
}

static void skip_spaces(struct scan *s)
{
	while (skip_char(s, ' ') || skip_char(s, '\t'))
		;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits, stuck at a value larger than all that is used. */
static bool number(struct scan *s, uint64_t *ret)
{
	uint64_t n = 0;

	if (at_end(s) || !is_digit(*s->at))
		return false;
	for (; !at_end(s) && is_digit(*s->at); s->at++) {
		if (n < UINT64_C(1000000000000))
			n = n * 10 + (uint64_t)(*s->at - '0');
	}
	*ret = n;
	return true;
}

/* A number with or without a fraction, times unit_ns; at most a day. */
static bool decimal(struct scan *s, uint64_t *ret_nano)
{
	uint64_t whole, scale = SECOND_NS, fraction = 0;

	if (!number(s, &whole))
		return false;
	if (skip_char(s, '.')) {
		for (; !at_end(s) && is_digit(*s->at); s->at++) {
			scale /= 10;
			fraction += scale * (uint64_t)(*s->at - '0');
		}
	}
	if (whole > 86400000)
		whole = 86400000; /* a day in milliseconds; callers bound what they make of it */
	*ret_nano = whole * SECOND_NS + fraction; /* in 1e-9 of whatever the unit is */
	return true;
}

static uint64_t bounded(unsigned __int128 ns)
{
	return ns < DAY_NS ? (uint64_t)ns : DAY_NS;
}

static bool word(struct scan *s, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(s->end - s->at) < len || strncasecmp(s->at, text, len) != 0)
		return false;
	s->at += len;
	return true;
}

/* "1h2m3.5s", "20ms"; a bare number counts seconds. */
static bool duration(struct scan s, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "ms", 1000000 },        { "us", 1000 }, { "ns", 1}, { "h", 3600 * SECOND_NS }, { "m", 60 * SECOND_NS },
		      { "s", SECOND_NS } };
	unsigned __int128 sum = 0;
	uint64_t nano;

	if (at_end(&s))
		return false;
	while (!at_end(&s)) {
		size_t i = 0;

		if (!decimal(&s, &nano))
			return false;
		if (at_end(&s) && sum == 0) {
			sum = nano;
			break;
		}
		while (i < sizeof(units) / sizeof(units[0]) && !word(&s, units[i].name))
			i++;
		if (i == sizeof(units) / sizeof(units[0]))
			return false;
		sum += (unsigned __int128)nano * units[i].ns / SECOND_NS;
	}
	*ret_ns = bounded(sum);
	return true;
}

/* ---- dates ---------------------------------------------------------------------- */

struct date {
	uint64_t year, day, hour, minute, second;
	uint32_t month; /* 1 .. 12 */
};

static bool month(struct scan *s, struct date *d)
{
	static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
		                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

	for (uint32_t i = 0; i < 12; i++) {
		if (word(s, names[i])) {
			d->month = i + 1;
			return true;
		}
	}
	return false;
}

static bool clock_time(struct scan *s, struct date *d)
{
	return number(s, &d->hour) && skip_char(s, ':') && number(s, &d->minute) && skip_char(s, ':') &&
	       number(s, &d->second) && d->hour < 24 && d->minute < 60 && d->second <= 60;
}

/* "06 Nov 1994 08:49:37 GMT" and "06-Nov-94 08:49:37 GMT", after the day's name and its comma */
static bool date_with_comma(struct scan *s, struct date *d)
{
	bool old;

	skip_spaces(s);
	if (!number(s, &d->day))
		return false;
	old = skip_char(s, '-');
	skip_spaces(s);
	if (!month(s, d) || (old && !skip_char(s, '-')))
		return false;
	skip_spaces(s);
	if (!number(s, &d->year))
		return false;
	if (old && d->year < 100)
		d->year += d->year < 70 ? 2000 : 1900;
	skip_spaces(s);
	if (!clock_time(s, d))
		return false;
	skip_spaces(s);
	return word(s, "GMT");
}

/* "Nov  6 08:49:37 1994", after the day's name */
static bool date_of_asctime(struct scan *s, struct date *d)
{
	skip_spaces(s);
	if (!month(s, d))
		return false;
	skip_spaces(s);
	if (!number(s, &d->day))
		return false;
	skip_spaces(s);
	if (!clock_time(s, d))
		return false;
	skip_spaces(s);
	return number(s, &d->year);
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days_of(const struct date *d)
{
	/* years begin in March, so that the leap day is the last of its year */
	int64_t y = (int64_t)d->year - (d->month <= 2);
	int64_t m = (int64_t)(d->month + 9) % 12;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + (int64_t)d->day - 1 - 719468;
}

static bool http_date(struct scan s, int64_t *ret_ms)
{
	struct date d = { 0 };

	while (!at_end(&s) && ((*s.at | 0x20) >= 'a' && (*s.at | 0x20) <= 'z'))
		s.at++;
	if (!(skip_char(&s, ',') ? date_with_comma(&s, &d) : date_of_asctime(&s, &d)) || !at_end(&s))
		return false;
	if (d.day < 1 || d.day > 31 || d.year < 1970 || d.year > 9999)
		return false;
	*ret_ms = (days_of(&d) * 86400 + (int64_t)(d.hour * 3600 + d.minute * 60 + d.second)) * 1000;
	return true;
}

/* ---- the fields ------------------------------------------------------------------- */

static bool retry_after(struct scan s, int64_t wall_ms, uint64_t *ret_ns)
{
	struct scan number_of = s;
	uint64_t nano;
	int64_t when;

	if (decimal(&number_of, &nano) && at_end(&number_of)) {
		*ret_ns = bounded(nano);
		return true;
	}
	if (!http_date(s, &when))
		return false;
	/* unsigned: a clock that is far before 1970 is no clock, but not undefined either */
	*ret_ns = when > wall_ms ? bounded((unsigned __int128)((uint64_t)when - (uint64_t)wall_ms) * 1000000) : 0;
	return true;
}

static void take(weft_gate_hints *hints, enum rank rank, uint64_t ns)
{
	if (hints->rank > rank)
		return;
	hints->rank = (uint8_t)rank;
	hints->retry_after_ns = ns;
}

static void take_resets(weft_gate_hints *hints)
{
	uint64_t longest = 0;

	for (uint32_t i = 0; i < 2; i++) {
		if ((hints->used_up & 1u << i) && hints->reset_ns[i] > longest)
			longest = hints->reset_ns[i];
	}
	take(hints, FROM_RESETS, longest);
}

static void quota(weft_gate_hints *hints, uint32_t which, bool is_reset, struct scan s)
{
	uint64_t n;

	if (is_reset && duration(s, &n))
		hints->reset_ns[which] = n;
	else if (!is_reset && number(&s, &n) && n == 0 && at_end(&s))
		hints->used_up |= (uint8_t)(1u << which);
	take_resets(hints);
}

static bool is(weft_str name, const char *want)
{
	return name.len_bytes == strlen(want) && strncasecmp(name.ptr, want, name.len_bytes) == 0;
}

void weft_gate_hint(weft_gate_hints *hints, weft_str name, weft_str value, int64_t wall_ms)
{
	struct scan s = { value.ptr, value.ptr + value.len_bytes };
	uint64_t ns;

	if (!hints || !name.len_bytes || !value.len_bytes)
		return;
	if (is(name, "retry-after")) {
		if (retry_after(s, wall_ms, &ns))
			take(hints, FROM_RETRY_AFTER, ns);
	} else if (is(name, "retry-after-ms")) {
		if (decimal(&s, &ns) && at_end(&s))
			take(hints, FROM_RETRY_AFTER_MS, bounded(ns / 1000));
	} else if (is(name, "x-should-retry")) {
		if (is(value, "true"))
			hints->server_says = WEFT_GATE_SAYS_RETRY;
		else if (is(value, "false"))
			hints->server_says = WEFT_GATE_SAYS_NO_RETRY;
	} else if (is(name, "x-ratelimit-remaining-requests") || is(name, "x-ratelimit-reset-requests")) {
		quota(hints, 0, is(name, "x-ratelimit-reset-requests"), s);
	} else if (is(name, "x-ratelimit-remaining-tokens") || is(name, "x-ratelimit-reset-tokens")) {
		quota(hints, 1, is(name, "x-ratelimit-reset-tokens"), s);
	}
}
