/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the heads of hostile answers say of limits: Retry-After, retry-after-ms, x-should-retry, x-ratelimit-*.
 *
 * An input is eight bytes of Unix time and fields, a line each. Oracles: times stay within a day; the case of a name, a
 * field said twice and fields of other names make no difference; what a plain second reader can tell of a value
 * (whole seconds, durations of whole numbers, dates that the C library writes again to the letter) is the same.
 */
#include "fuzz.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <weft/gate.h>

#define SECOND UINT64_C(1000000000)
#define DAY (86400 * SECOND)

/* A copy without room behind it: whoever reads on is seen by a sanitizer. */
static weft_str copy_of(weft_str s)
{
	char *copy = malloc(s.len_bytes ? s.len_bytes : 1);

	FUZZ_CHECK(copy);
	if (s.len_bytes)
		memcpy(copy, s.ptr, s.len_bytes);
	return (weft_str){ copy, s.len_bytes };
}

static bool same(const weft_gate_hints *a, const weft_gate_hints *b)
{
	return a->retry_after_ns == b->retry_after_ns && a->server_says == b->server_says && a->rank == b->rank &&
	       a->used_up == b->used_up && a->reset_ns[0] == b->reset_ns[0] && a->reset_ns[1] == b->reset_ns[1];
}

static void check_bounds(const weft_gate_hints *h)
{
	FUZZ_CHECK(h->retry_after_ns <= DAY);
	FUZZ_CHECK(h->reset_ns[0] <= DAY && h->reset_ns[1] <= DAY);
	FUZZ_CHECK(h->server_says <= WEFT_GATE_SAYS_NO_RETRY);
	FUZZ_CHECK(h->used_up <= 3);
}

/* ---- the plain reader: what it understands, it understands for certain ---------------- */

static bool is(weft_str name, const char *want)
{
	return name.len_bytes == strlen(want) && strncasecmp(name.ptr, want, name.len_bytes) == 0;
}

/* Up to nine digits. */
static bool plain_number(const char *text, uint64_t *ret, const char **ret_end)
{
	size_t n = strspn(text, "0123456789");

	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret = *ret * 10 + (uint64_t)(text[i] - '0');
	*ret_end = text + n;
	return n > 0 && n < 10;
}

static uint64_t at_most_a_day(uint64_t ns)
{
	return ns < DAY ? ns : DAY;
}

static bool plain_date(const char *text, int64_t wall_ms, uint64_t *ret_ns)
{
	static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y" };
	char again[64];

	for (size_t i = 0; i < 2; i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);
		int64_t when;

		if (!end || *end || tm.tm_year < 70 || tm.tm_year > 8099 || tm.tm_sec > 59)
			continue;
		when = (int64_t)timegm(&tm) * 1000; /* and the 31st of February is a day of March, which is not the same text */
		if (!strftime(again, sizeof(again), forms[i], &tm) || strcmp(again, text) != 0)
			continue;
		*ret_ns = when > wall_ms ? (uint64_t)when - (uint64_t)wall_ms : 0;
		*ret_ns = *ret_ns < 86400000 ? *ret_ns * 1000000 : DAY;
		return true;
	}
	return false;
}

/* "1h2m3s" */
static bool plain_duration(const char *text, uint64_t *ret_ns)
{
	uint64_t n, sum = 0;

	if (!*text)
		return false;
	while (*text) {
		if (!plain_number(text, &n, &text) || n > 100000)
			return false;
		if (*text == 'h')
			sum += n * 3600 * SECOND;
		else if (*text == 'm' && text[1] != 's')
			sum += n * 60 * SECOND;
		else if (*text == 's')
			sum += n * SECOND;
		else
			return false;
		text++;
	}
	*ret_ns = at_most_a_day(sum);
	return true;
}

static void check_plainly(weft_str name, weft_str value, int64_t wall_ms)
{
	weft_gate_hints h = { 0 };
	char text[128];
	const char *end;
	uint64_t n;

	if (value.len_bytes >= sizeof(text) || memchr(value.ptr, '\0', value.len_bytes))
		return;
	memcpy(text, value.ptr, value.len_bytes);
	text[value.len_bytes] = '\0';
	weft_gate_hint(&h, name, value, wall_ms);
	if (is(name, "retry-after") && plain_number(text, &n, &end) && !*end)
		FUZZ_CHECK(h.retry_after_ns == at_most_a_day(n * SECOND));
	else if (is(name, "retry-after-ms") && plain_number(text, &n, &end) && !*end)
		FUZZ_CHECK(h.retry_after_ns == at_most_a_day(n * 1000000));
	else if (is(name, "retry-after") && plain_date(text, wall_ms, &n))
		FUZZ_CHECK(h.retry_after_ns == n);
	else if (is(name, "x-ratelimit-reset-tokens") && plain_duration(text, &n))
		FUZZ_CHECK(h.reset_ns[1] == n && h.retry_after_ns == 0);
}

/* ---- one field ----------------------------------------------------------------------------- */

static void field(weft_gate_hints *h, weft_str name_in, weft_str value_in, int64_t wall_ms)
{
	weft_str name = copy_of(name_in), value = copy_of(value_in);
	weft_gate_hints other = *h;
	uint8_t rank = h->rank;

	weft_gate_hint(h, name, value, wall_ms);
	check_bounds(h);
	FUZZ_CHECK(h->rank >= rank);
	for (size_t i = 0; i < name.len_bytes; i++) {
		char *c = (char *)(uintptr_t)&name.ptr[i];

		*c = (char)(islower((unsigned char)*c) ? toupper((unsigned char)*c) : tolower((unsigned char)*c));
	}
	weft_gate_hint(&other, name, value, wall_ms);
	FUZZ_CHECK(same(h, &other));
	weft_gate_hint(&other, name, value, wall_ms);
	FUZZ_CHECK(same(h, &other));
	weft_gate_hint(&other, WEFT_STR("x-ratelimit-limit-tokens"), value, wall_ms);
	FUZZ_CHECK(same(h, &other));
	check_plainly(name, value, wall_ms);
	free((void *)(uintptr_t)name.ptr);
	free((void *)(uintptr_t)value.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	weft_gate_hints h = { 0 };
	const char *at, *end = (const char *)data + size;
	int64_t wall_ms;

	if (size < sizeof(wall_ms))
		return 0;
	memcpy(&wall_ms, data, sizeof(wall_ms));
	for (at = (const char *)data + sizeof(wall_ms); at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at)), *line_end = stop ? stop : end;
		const char *colon = memchr(at, ':', (size_t)(line_end - at));

		if (colon) {
			const char *value = colon + 1 < line_end && colon[1] == ' ' ? colon + 2 : colon + 1;

			field(&h, (weft_str){ at, (size_t)(colon - at) }, (weft_str){ value, (size_t)(line_end - value) }, wall_ms);
		}
		at = stop ? stop + 1 : end;
	}
	return 0;
}
