/* SPDX-License-Identifier: Apache-2.0 */
/* net/gate/retry.c - what an outcome says, and when a second time is in order: retry.h. */
#include "net/gate/retry.h"

#include <errno.h>

#define RETRY_POINTS 100u
#define POINTS_MAX (WEFT__RETRIES_SAVED * RETRY_POINTS)

#define GOOD WEFT__BREAKER_GOOD
#define BAD WEFT__BREAKER_BAD
#define NOTHING WEFT__BREAKER_NOTHING

struct row {
	int code; /* a status, or a negative error */
	struct weft__meaning meaning;
};

/* clang-format off */
static const struct row rows[] = {
	/*                 good   overload quiet  repeat                 news */
	{ 408,           { false, false,   false, WEFT__REPEAT_ALWAYS,   GOOD,    "the endpoint waited too long for the request" } },
	{ 409,           { false, false,   false, WEFT__REPEAT_ALWAYS,   GOOD,    "the endpoint saw a conflict" } },
	{ 429,           { false, true,    true,  WEFT__REPEAT_ALWAYS,   GOOD,    "the endpoint's limit of requests or tokens" } },
	{ 500,           { false, false,   false, WEFT__REPEAT_IF_SAFE,  BAD,     "the endpoint failed" } },
	{ 501,           { false, false,   false, WEFT__REPEAT_NEVER,    GOOD,    "the endpoint cannot do this" } },
	{ 502,           { false, false,   false, WEFT__REPEAT_IF_SAFE,  BAD,     "a gateway before the endpoint failed" } },
	{ 503,           { false, true,    true,  WEFT__REPEAT_ALWAYS,   BAD,     "the endpoint is overloaded" } },
	{ 504,           { false, true,    false, WEFT__REPEAT_IF_SAFE,  BAD,     "a gateway waited too long for the endpoint" } },
	{ 505,           { false, false,   false, WEFT__REPEAT_NEVER,    GOOD,    "the endpoint does not speak this version" } },
	{ 529,           { false, true,    true,  WEFT__REPEAT_ALWAYS,   BAD,     "the endpoint is overloaded" } },
	{ -ECONNREFUSED, { false, false,   false, WEFT__REPEAT_ALWAYS,   BAD,     "the endpoint refused the connection" } },
	{ -EHOSTUNREACH, { false, false,   false, WEFT__REPEAT_ALWAYS,   BAD,     "there is no way to the endpoint" } },
	{ -ENETUNREACH,  { false, false,   false, WEFT__REPEAT_ALWAYS,   BAD,     "there is no way to the endpoint" } },
	{ -EHOSTDOWN,    { false, false,   false, WEFT__REPEAT_ALWAYS,   BAD,     "there is no way to the endpoint" } },
	{ -ENETDOWN,     { false, false,   false, WEFT__REPEAT_ALWAYS,   BAD,     "there is no network" } },
	{ WEFT_EHOSTNAME, { false, false,  false, WEFT__REPEAT_ALWAYS,   BAD,     "the endpoint's name is not known" } },
	{ WEFT_EPROXY,   { false, false,   false, WEFT__REPEAT_ALWAYS,   BAD,     "the proxy did not connect" } },
	{ WEFT_ETLS,     { false, false,   false, WEFT__REPEAT_IF_SAFE,  BAD,     "TLS with the endpoint failed" } },
	{ WEFT_ECERT,    { false, false,   false, WEFT__REPEAT_NEVER,    BAD,     "the endpoint's certificate is not believed" } },
	{ -ETIMEDOUT,    { false, true,    false, WEFT__REPEAT_IF_SAFE,  BAD,     "the endpoint took too long" } },
	{ -ECONNRESET,   { false, false,   false, WEFT__REPEAT_IF_SAFE,  BAD,     "the connection broke" } },
	{ -ECONNABORTED, { false, false,   false, WEFT__REPEAT_IF_SAFE,  BAD,     "the connection broke" } },
	{ -EPIPE,        { false, false,   false, WEFT__REPEAT_IF_SAFE,  BAD,     "the connection broke" } },
	{ -ENETRESET,    { false, false,   false, WEFT__REPEAT_IF_SAFE,  BAD,     "the connection broke" } },
	{ -EBADMSG,      { false, false,   false, WEFT__REPEAT_IF_SAFE,  BAD,     "the endpoint's answer is not well-formed" } },
	{ -EPROTO,       { false, false,   false, WEFT__REPEAT_IF_SAFE,  BAD,     "the endpoint broke the protocol" } },
	{ WEFT_EPARSE,   { false, false,   false, WEFT__REPEAT_IF_SAFE,  BAD,     "the endpoint's answer is not well-formed" } },
	{ -ECANCELED,    { false, false,   false, WEFT__REPEAT_NEVER,    NOTHING, "the call was canceled" } },
};
/* clang-format on */

struct weft__meaning weft__meaning_of(const weft_gate_outcome *outcome)
{
	int code = outcome->error ? outcome->error : outcome->http_status;

	for (size_t i = 0; code && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].code == code)
			return rows[i].meaning;
	}
	if (code < 0) /* memory, sizes, arguments: ours */
		return (struct weft__meaning){ .news = NOTHING, .why = "the call failed on this side" };
	if (code >= 500) /* statuses nobody has heard of: as 500 */
		return (struct weft__meaning){ .repeat = WEFT__REPEAT_IF_SAFE, .news = BAD, .why = "the endpoint failed" };
	if (code >= 300)
		return (struct weft__meaning){ .news = GOOD, .why = "the endpoint did not accept the request" };
	return (struct weft__meaning){ .good = true, .news = GOOD };
}

/* 0 .. most */
static uint64_t up_to(uint64_t random, uint64_t most)
{
	return (uint64_t)(((unsigned __int128)random * (most + 1)) >> 64);
}

uint64_t weft__retry_delay(uint64_t random, uint32_t n, uint64_t first_ns, uint64_t cap_ns, uint64_t retry_after_ns)
{
	uint64_t most = first_ns;

	if (retry_after_ns)
		return retry_after_ns + up_to(random, first_ns < cap_ns ? first_ns : cap_ns);
	while (n-- && most < cap_ns)
		most *= 2;
	return up_to(random, most < cap_ns ? most : cap_ns);
}

void weft__retry_budget_init(struct weft__retry_budget *b, uint32_t share_percent)
{
	weft__store_relaxed(&b->points, POINTS_MAX); /* relaxed: not shared yet */
	b->share_percent = share_percent;
}

void weft__retry_budget_pay(struct weft__retry_budget *b)
{
	uint32_t points = weft__load_relaxed(&b->points); /* relaxed here and below: a counter, nothing hangs on it */
	uint32_t next;

	do {
		if (points == POINTS_MAX)
			return; /* the common case writes nothing */
		next = points + b->share_percent < POINTS_MAX ? points + b->share_percent : POINTS_MAX;
	} while (!weft__cas_weak_acq_rel(&b->points, &points, next));
}

bool weft__retry_budget_take(struct weft__retry_budget *b)
{
	uint32_t points = weft__load_relaxed(&b->points);

	do {
		if (points < RETRY_POINTS)
			return false;
	} while (!weft__cas_weak_acq_rel(&b->points, &points, points - RETRY_POINTS));
	return true;
}
