/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/gate/gate.c - a call's way through a gate: the parts of gate.h in their order, and back.
 *
 *	EMPTY --line--> IN_LINE --a place--> PLACED --buckets--> BOOKED --due, breaker--> GONE --leave--> EMPTY
 *	                                        ^-----quiet---------|
 *
 * The pass is its owner's; all that is shared lies in the parts. What each state holds is given back by let_go.
 */
#include "net/gate/gate.h"

#include <errno.h>
#include <string.h>

#include "runtime/base/hash.h"

#define MS UINT64_C(1000000)

enum { EMPTY = 0, IN_LINE, PLACED, BOOKED, GONE };
enum { REQUESTS = 0, TOKENS, BUCKETS };

static void count(weft_gate *g, enum weft__gate_count which)
{
	weft__fetch_add_relaxed(&g->counts[which], UINT64_C(1)); /* relaxed: statistics */
}

static uint32_t limit_of(const weft_gate *g)
{
	return weft__pace_limit(&g->pace);
}

static void unbook(weft_gate *g, weft_gate_pass *pass)
{
	for (int i = 0; i < BUCKETS; i++) {
		if (g->buckets[i].per_minute)
			weft__bucket_give_up(&g->buckets[i], &pass->taken[i]);
	}
	pass->state = PLACED;
}

/* From wherever it is, but not GONE. */
static void let_go(weft_gate *g, weft_gate_pass *pass)
{
	if (pass->state == IN_LINE)
		weft__line_give_up(&g->line, limit_of(g), pass->ticket);
	if (pass->state == BOOKED)
		unbook(g, pass);
	if (pass->state == PLACED)
		weft__line_leave(&g->line, limit_of(g));
	pass->state = EMPTY;
	pass->waited = 0;
}

static int64_t refuse(weft_gate *g, weft_gate_pass *pass, int code, const char *why, uint64_t retry_after_ns)
{
	let_go(g, pass);
	pass->why = why;
	pass->retry_after_ns = retry_after_ns;
	if (code == WEFT_EBREAKER)
		count(g, WEFT__GATE_REFUSED_BREAKER);
	else if (code == WEFT_EOVERLOAD)
		count(g, WEFT__GATE_REFUSED_OVERLOAD);
	else
		count(g, WEFT__GATE_REFUSED_DEADLINE);
	return code;
}

static int64_t refuse_broken(weft_gate *g, weft_gate_pass *pass, uint64_t now_ns)
{
	return refuse(g, pass, WEFT_EBREAKER, "the endpoint failed too often just now",
	              weft__breaker_wait(&g->breaker, now_ns));
}

/* A wait of so long from now: too long for the gate, or for the caller? */
static bool is_too_long(const weft_gate *g, const weft_gate_pass *pass, uint64_t now_ns, uint64_t wait_ns)
{
	return wait_ns > g->wait_max_ns || (pass->deadline_ns && now_ns + wait_ns >= pass->deadline_ns);
}

static int64_t refuse_wait(weft_gate *g, weft_gate_pass *pass, uint64_t wait_ns)
{
	if (wait_ns > g->wait_max_ns)
		return refuse(g, pass, WEFT_EOVERLOAD, "the wait would be too long", wait_ns);
	return refuse(g, pass, -ETIMEDOUT, "the deadline would pass in the wait", wait_ns);
}

/* ---- a place ------------------------------------------------------------------------ */

/* How long so many before one take, as things went lately; 0: not known. */
static uint64_t line_wait(const weft_gate *g, uint32_t before)
{
	return (before + 1) * weft__load_relaxed(&g->gap_ns); /* relaxed: a guess */
}

/* Half of what is left of the wait: few questions from far behind, and hardly a place that lies idle in front. */
static int64_t ask_again(const weft_gate *g, uint32_t before)
{
	uint64_t half = line_wait(g, before) / 2;

	if (!half)
		return 5 * (int64_t)MS;
	return (int64_t)(half < MS ? MS : half > 1000 * MS ? 1000 * MS : half);
}

/* @return 0: PLACED; else as weft_gate_enter */
static int64_t take_place(weft_gate *g, weft_gate_pass *pass, uint64_t now_ns)
{
	uint32_t waiting = weft__line_waiting(&g->line);
	enum weft__line_place place;

	if (pass->state == IN_LINE) {
		place = weft__line_served(&g->line, limit_of(g), pass->ticket) ? WEFT__LINE_HAS : WEFT__LINE_WAITS;
	} else if (waiting && is_too_long(g, pass, now_ns, line_wait(g, waiting))) {
		return refuse_wait(g, pass, line_wait(g, waiting));
	} else {
		place = weft__line_come(&g->line, limit_of(g), &pass->ticket);
	}
	if (place == WEFT__LINE_FULL)
		return refuse(g, pass, WEFT_EOVERLOAD, "too many wait", line_wait(g, waiting));
	pass->state = place == WEFT__LINE_HAS ? PLACED : IN_LINE;
	return place == WEFT__LINE_HAS ? 0 : ask_again(g, weft__line_before(&g->line, pass->ticket));
}

static void give_place(weft_gate *g, uint64_t now_ns)
{
	/* relaxed, all four: a guess at how fast the line moves; a lost sample does no harm */
	uint64_t last = weft__load_relaxed(&g->left_ns), gap;
	bool waits = weft__line_waiting(&g->line) > 0;

	if (waits && last && now_ns > last) {
		gap = weft__load_relaxed(&g->gap_ns);
		weft__store_relaxed(&g->gap_ns, gap ? gap - gap / 8 + (now_ns - last) / 8 : now_ns - last);
	}
	if (waits || last)
		weft__store_relaxed(&g->left_ns, waits ? now_ns : 0);
	weft__line_leave(&g->line, limit_of(g));
}

/* ---- the buckets -------------------------------------------------------------------- */

static uint32_t units_of(const weft_gate_pass *pass, int bucket)
{
	return bucket == REQUESTS ? 1 : pass->tokens;
}

static uint64_t latest(const weft_gate *g, const weft_gate_pass *pass, uint64_t now_ns)
{
	uint64_t last = now_ns + g->wait_max_ns;

	return pass->deadline_ns && pass->deadline_ns <= last ? pass->deadline_ns - 1 : last;
}

/* @return 0: BOOKED; else as weft_gate_enter */
static int64_t book(weft_gate *g, weft_gate_pass *pass, uint64_t now_ns)
{
	uint64_t last = latest(g, pass, now_ns), due;

	for (int i = 0; i < BUCKETS; i++) {
		if (!g->buckets[i].per_minute)
			continue;
		due = weft__bucket_take(&g->buckets[i], now_ns, last, units_of(pass, i), &pass->taken[i]);
		if (due <= last)
			continue;
		if (i == TOKENS && g->buckets[REQUESTS].per_minute)
			weft__bucket_give_up(&g->buckets[REQUESTS], &pass->taken[REQUESTS]);
		return refuse_wait(g, pass, due - now_ns);
	}
	pass->state = BOOKED;
	return 0;
}

static uint64_t bucket_wait(const weft_gate *g, const weft_gate_pass *pass, uint64_t now_ns)
{
	uint64_t due = now_ns, one;

	for (int i = 0; i < BUCKETS; i++) {
		if (!g->buckets[i].per_minute)
			continue;
		one = weft__bucket_due(&g->buckets[i], &pass->taken[i]);
		due = one > due ? one : due;
	}
	return due - now_ns;
}

/* ---- in ------------------------------------------------------------------------------- */

static uint64_t quiet_wait(const weft_gate *g, uint64_t now_ns)
{
	uint64_t until = weft__load_relaxed(&g->quiet_ns); /* relaxed: who just missed it goes, as who came just before */

	return until > now_ns ? until - now_ns : 0;
}

static int64_t go(weft_gate *g, weft_gate_pass *pass, uint64_t now_ns)
{
	if (!weft__breaker_go(&g->breaker, now_ns, &pass->period))
		return refuse_broken(g, pass, now_ns);
	pass->state = GONE;
	pass->began_ns = now_ns;
	pass->why = NULL;
	pass->retry_after_ns = 0;
	return 0;
}

int64_t weft_gate_enter(weft_gate *gate, weft_gate_pass *pass, uint64_t now_ns, uint32_t tokens)
{
	uint64_t wait;
	int64_t r;

	if (!gate || !pass || pass->state == GONE)
		return -EINVAL;
	if (pass->deadline_ns && now_ns >= pass->deadline_ns)
		return refuse(gate, pass, -ETIMEDOUT, "the deadline is over", 0);
	if (weft__breaker_wait(&gate->breaker, now_ns))
		return refuse_broken(gate, pass, now_ns);
	if (pass->state == EMPTY)
		pass->tokens = tokens;
	if (pass->state == EMPTY || pass->state == IN_LINE) {
		r = take_place(gate, pass, now_ns);
		if (r)
			return r;
	}
	wait = quiet_wait(gate, now_ns);
	if (wait) {
		if (pass->state == BOOKED)
			unbook(gate, pass);
		return is_too_long(gate, pass, now_ns, wait) ? refuse_wait(gate, pass, wait) : (int64_t)wait;
	}
	if (pass->state == PLACED) {
		r = book(gate, pass, now_ns);
		if (r)
			return r;
	}
	wait = bucket_wait(gate, pass, now_ns);
	if (wait) {
		pass->waited = 1;
		return (int64_t)wait;
	}
	return go(gate, pass, now_ns);
}

/* ---- out ------------------------------------------------------------------------------ */

static void settle_tokens(weft_gate *g, const weft_gate_pass *pass, const weft_gate_outcome *out, bool good, uint64_t now_ns)
{
	bool nothing = !good && !out->bytes_delivered;

	if (g->buckets[TOKENS].per_minute && (out->tokens_used || nothing))
		weft__bucket_used(&g->buckets[TOKENS], now_ns, &pass->taken[TOKENS], out->tokens_used);
}

static void be_quiet(weft_gate *g, uint64_t until_ns)
{
	uint64_t until = weft__load_relaxed(&g->quiet_ns); /* relaxed: a time, nothing hangs on it */

	while (until < until_ns && !weft__cas_weak_acq_rel(&g->quiet_ns, &until, until_ns))
		;
}

/* What the outcome teaches all who come after. */
static void learn(weft_gate *g, const weft_gate_pass *pass, const weft_gate_outcome *out, const struct weft__meaning *m,
                  uint64_t now_ns)
{
	uint64_t quiet = out->retry_after_ns < g->retry_after_max_ns ? out->retry_after_ns : g->retry_after_max_ns;

	settle_tokens(g, pass, out, m->good, now_ns);
	if (weft__breaker_back(&g->breaker, now_ns, pass->period, (enum weft__breaker_news)m->news))
		count(g, WEFT__GATE_OPENED);
	if (m->quiet && quiet)
		be_quiet(g, now_ns + quiet);
	if (m->overload && weft__pace_overload(&g->pace, pass->began_ns, now_ns))
		count(g, WEFT__GATE_CUTS);
	/* who had to wait for a bucket says nothing of how many at once would do */
	if (m->good && !pass->waited)
		weft__pace_good(&g->pace, weft__line_taken(&g->line));
	if (pass->retries == 0)
		weft__retry_budget_pay(&g->budget);
}

static bool may_repeat(const weft_gate *g, const weft_gate_pass *pass, const weft_gate_outcome *out,
                       const struct weft__meaning *m)
{
	if (out->bytes_delivered || out->server_says == WEFT_GATE_SAYS_NO_RETRY || pass->retries >= g->retries)
		return false;
	if (out->retry_after_ns > g->retry_after_max_ns)
		return false;
	if (m->repeat == WEFT__REPEAT_ALWAYS || (out->server_says == WEFT_GATE_SAYS_RETRY && !out->error))
		return true;
	return m->repeat == WEFT__REPEAT_IF_SAFE && out->safe_to_repeat;
}

static weft_gate_verdict retry(weft_gate *g, weft_gate_pass *pass, const weft_gate_outcome *out, uint64_t now_ns)
{
	uint64_t broken = weft__breaker_wait(&g->breaker, now_ns);
	uint64_t draw, wait;

	draw = weft__fetch_add_relaxed(&g->draws, UINT64_C(1)); /* relaxed: any order gives each its own */
	wait = weft__retry_delay(weft__mix64(g->seed + draw * UINT64_C(0x9e3779b97f4a7c15)), pass->retries,
	                         g->retry_first_ns, g->retry_cap_ns, out->retry_after_ns);
	pass->retry_after_ns = wait > out->retry_after_ns ? wait : out->retry_after_ns;
	if (pass->deadline_ns && now_ns + wait >= pass->deadline_ns)
		return WEFT_GATE_FAIL;
	if (broken > wait) {
		pass->retry_after_ns = broken;
		return WEFT_GATE_FAIL; /* it would be refused: so another endpoint can be asked at once */
	}
	if (!weft__retry_budget_take(&g->budget)) {
		count(g, WEFT__GATE_RETRIES_DENIED);
		return WEFT_GATE_FAIL;
	}
	count(g, WEFT__GATE_RETRIES);
	pass->retries++;
	return WEFT_GATE_RETRY;
}

weft_gate_verdict weft_gate_leave(weft_gate *gate, weft_gate_pass *pass, const weft_gate_outcome *outcome, uint64_t now_ns)
{
	struct weft__meaning m;

	if (!gate || !pass || !outcome || pass->state != GONE) {
		if (pass)
			pass->why = "it was not under way";
		return WEFT_GATE_FAIL;
	}
	m = weft__meaning_of(outcome);
	learn(gate, pass, outcome, &m, now_ns);
	give_place(gate, now_ns);
	pass->state = EMPTY;
	pass->waited = 0;
	pass->why = m.why;
	pass->retry_after_ns = m.good ? 0 : outcome->retry_after_ns;
	if (m.good)
		return WEFT_GATE_DONE;
	return may_repeat(gate, pass, outcome, &m) ? retry(gate, pass, outcome, now_ns) : WEFT_GATE_FAIL;
}

void weft_gate_cancel(weft_gate *gate, weft_gate_pass *pass, uint64_t now_ns)
{
	static const weft_gate_outcome canceled = { .error = -ECANCELED };

	if (!gate || !pass)
		return;
	if (pass->state == GONE)
		weft_gate_leave(gate, pass, &canceled, now_ns);
	else
		let_go(gate, pass);
}
