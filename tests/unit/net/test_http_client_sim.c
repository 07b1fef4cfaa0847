/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client and server on one simulated machine: connections are refused, break and deliver in pieces, waits end
 * early, memory runs out, as the seed says. Laws: each call ends once; one that ended well has its own body;
 * all that was opened is closed; the same seed is the same run. WEFT_SEED replays one.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

#include <weft/sim.h>

#include "net/dns/resolver.h"
#include "net/http/server.h"
#include "runtime/base/clock.h"
#include "runtime/io/net.h"
#include "tests/support/http_asker.h"

enum { CALLS = 40, AT_ONCE = 6 };

static uint64_t seed;

static void stuck(const char *why, void *user)
{
	(void)user;
	fprintf(stderr, "WEFT_SEED=%lu: %s\n", (unsigned long)seed, why);
	abort();
}

static int source(const char *name, struct weft__address *ret, uint32_t max, void *user)
{
	(void)max;
	(void)user;
	if (strncmp(name, "gone", 4) == 0)
		return 0;
	weft__address_parse(WEFT_STR("127.0.0.1"), &ret[0]);
	return 1;
}

/* ---- the server ---------------------------------------------------------------------------------------- */

static size_t body_len(uint64_t id)
{
	return id * 37 % 3 == 0 ? id * 7919 % 30000 : id * 7919 % 200;
}

static void make_body(uint64_t id, char *to)
{
	for (size_t i = 0; i < body_len(id); i++)
		to[i] = (char)('a' + (id + i) % 26);
}

static void on_request(struct weft__http_exchange *x, void *user)
{
	uint64_t id = strtoull(x->target.ptr + 1, NULL, 10), how = weft_sim_choose(12);
	char *body = malloc(30000);

	(void)user;
	make_body(id, body);
	if (how == 0) {
		weft__http_abort(x);
	} else if (how < 5) {
		if (weft__http_begin(x, 200, NULL, 0) < 0) {
			weft__http_abort(x);
		} else {
			size_t half = body_len(id) / 2;

			if (weft__http_write(x, body, half) < 0 ||
			    weft__http_write(x, body + half, body_len(id) - half) < 0)
				weft__http_abort(x);
			else
				weft__http_end(x);
		}
	} else {
		weft__http_respond(x, 200, NULL, 0, (weft_str){body, body_len(id)});
	}
	free(body);
}

static int servers_closed;

static void on_closed(const struct weft__http_server_stats *stats, void *user)
{
	(void)stats;
	(void)user;
	servers_closed++;
}

/* ---- a run ------------------------------------------------------------------------------------------------- */

struct run {
	struct weft__loop *loop;
	struct asker askers[AT_ONCE];
	uint64_t ids[AT_ONCE];
	bool active[AT_ONCE];
	int begun, ended, well;
};

static void check(const struct asker *a, uint64_t id)
{
	char *body = malloc(30000);

	make_body(id, body);
	if (a->status == 0 && a->http_status == 200) {
		cr_assert_eq(a->len, body_len(id), "seed %lu, call %lu", (unsigned long)seed,
		             (unsigned long)id);
		cr_assert(a->len == 0 || memcmp(a->body, body, a->len) == 0, "seed %lu, call %lu",
		          (unsigned long)seed, (unsigned long)id);
	}
	free(body);
}

static void begin(struct run *r, int i, uint16_t port)
{
	struct weft__http_request req = {.method = weft_sim_choose(2) ? WEFT_STR("GET") : WEFT_STR("POST")};
	char url[64];

	asker_clear(&r->askers[i]);
	r->ids[i] = (uint64_t)++r->begun;
	snprintf(url, sizeof(url), "http://%s.example:%u/%lu", weft_sim_choose(20) ? "a" : "gone", port,
	         (unsigned long)r->ids[i]);
	req.url = weft_str_from(url);
	req.flags = WEFT__HTTP_NO_PROXY | (weft_sim_choose(8) ? 0 : WEFT__HTTP_FRESH) |
	            (weft_sim_choose(2) ? WEFT__HTTP_SAFE_TO_REPEAT : 0);
	if (weft_sim_choose(4) == 0)
		req.body = WEFT_STR("some body");
	if (weft_sim_choose(10) == 0)
		req.total_ns = weft_sim_choose(50) * TEST_MS + 1;
	r->askers[i].pause_in_body = weft_sim_choose(6) == 0;
	r->askers[i].cancel_in_body = weft_sim_choose(20) == 0;
	r->active[i] = asker_start(r->loop, &r->askers[i], &req) == 0;
	if (!r->active[i])
		r->ended++;
}

static void look(struct run *r, int i)
{
	struct asker *a = &r->askers[i];

	if (!r->active[i])
		return;
	if (a->done) {
		check(a, r->ids[i]);
		r->well += a->status == 0;
		r->ended++;
		r->active[i] = false;
	} else if (weft_sim_choose(2000) == 0) {
		weft__http_cancel(&a->call);
	} else if (weft_sim_choose(3) == 0) {
		weft__http_pause(&a->call, false);
	}
}

static void turn(struct run *r, uint16_t port)
{
	while (r->ended < CALLS) {
		for (int i = 0; i < AT_ONCE; i++) {
			look(r, i);
			if (!r->active[i] && r->begun < CALLS)
				begin(r, i, port);
		}
		weft__loop_wait(r->loop, TEST_MS);
	}
}

static uint64_t simulate(uint32_t faults)
{
	struct sockaddr_in at = {
	        .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct weft__http_server_options options = {.address = (struct sockaddr *)&at,
	                                            .address_len = sizeof(at),
	                                            .request = on_request,
	                                            .closed = on_closed};
	struct weft__http_config config = {.connections_max = 4, .origin_connections_max = 3, .idle_max = 2};
	struct weft__http_server *server = NULL;
	weft_sim_options opt = WEFT_SIM_OPTIONS_INIT;
	struct run r = {.begun = 0};
	uint64_t hash;

	opt.seed = seed;
	opt.stuck = stuck;
	servers_closed = 0;
	cr_assert_eq(weft_sim_begin(&opt), 0);
	cr_assert_eq(weft__loop_open(WEFT_IO_AUTO, &r.loop, NULL), 0);
	cr_assert_eq(weft__http_server_open(r.loop, &options, &server, NULL), 0);
	cr_assert_eq(weft__http_configure(r.loop, &config), 0);
	weft_sim_faults(faults);
	turn(&r, weft__http_server_port(server));
	weft_sim_faults(0);
	asker_all_ended(r.loop);
	hash = weft_sim_hash() ^ weft_now_ns();
	weft__http_server_close(server, true);
	while (!servers_closed)
		weft__loop_wait(r.loop, TEST_MS);
	for (int i = 0; i < AT_ONCE; i++)
		asker_clear(&r.askers[i]);
	weft__loop_close(r.loop);
	weft__net_clear();
	cr_assert_eq(weft_sim_end(), 0);
	if (!faults)
		cr_expect_gt(r.well, CALLS / 4, "seed %lu: %d", (unsigned long)seed, r.well);
	return hash;
}

static void seeds(int count, uint32_t faults)
{
	const char *text = getenv("WEFT_SEED");

	weft__dns_source_set(source, NULL);
	for (int i = 1; i <= count; i++) {
		seed = text ? strtoull(text, NULL, 0) : (uint64_t)i;
		simulate(faults);
	}
}

Test(http_client_sim, calls_without_faults, .timeout = 120)
{
	seeds(30, 0);
}

Test(http_client_sim, calls_among_faults, .timeout = 120)
{
	seeds(200, WEFT_SIM_IO | WEFT_SIM_EARLY);
}

Test(http_client_sim, calls_without_memory, .timeout = 120)
{
	seeds(200, WEFT_SIM_IO | WEFT_SIM_EARLY | WEFT_SIM_ALLOC);
}

Test(http_client_sim, a_seed_is_a_run, .timeout = 120)
{
	weft__dns_source_set(source, NULL);
	for (seed = 1; seed < 20; seed++)
		cr_assert_eq(simulate(WEFT_SIM_IO), simulate(WEFT_SIM_IO), "seed %lu", (unsigned long)seed);
}
