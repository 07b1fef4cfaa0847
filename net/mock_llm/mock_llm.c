/* SPDX-License-Identifier: Apache-2.0 */
/* net/mock_llm/mock_llm.c - start, stop, options, counts. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "net/http/service.h"
#include "net/mock_llm/mock.h"
#include "runtime/base/assert.h"
#include "runtime/loops.h"

#define DIMENSIONS 1536u
#define DIMENSIONS_MAX 8192u
#define TOKENS_PER_S_MAX 1e6
#define BODY_BYTES_MAX (UINT64_C(64) << 20)

/* ---- options -------------------------------------------------------------------------- */

static bool is_rate(double rate)
{
	return rate >= 0 && rate <= 1;
}

static int check_options(const weft_mock_llm_options *o, weft_error *err)
{
	if (o->size != sizeof(*o))
		return weft_error_set(err, -EINVAL, "mock: options of another size");
	if (!is_rate(o->rate_429) || !is_rate(o->rate_500) || !is_rate(o->rate_503) || !is_rate(o->rate_drop_before) ||
	    !is_rate(o->rate_drop_middle) ||
	    o->rate_429 + o->rate_500 + o->rate_503 + o->rate_drop_before + o->rate_drop_middle > 1.000001)
		return weft_error_set(err, -EINVAL, "mock: rates of faults are from 0 to 1, and so is their sum");
	if (!(o->tokens_per_s >= 0 && o->tokens_per_s <= TOKENS_PER_S_MAX))
		return weft_error_set(err, -EINVAL, "mock: tokens_per_s is from 0 to 1,000,000");
	if (o->dimensions > DIMENSIONS_MAX)
		return weft_error_set(err, -EINVAL, "mock: embeddings have up to 8192 dimensions");
	return 0;
}

static int set_address(const weft_mock_llm_options *o, struct sockaddr_storage *to, socklen_t *ret_len, weft_error *err)
{
	const char *text = o->address ? o->address : "127.0.0.1";
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(o->port);
		*ret_len = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(o->port);
		*ret_len = sizeof(*v6);
		return 0;
	}
	return weft_error_set(err, -EINVAL, "mock: '%.60s' is not an IP address", text);
}

/* ---- start ---------------------------------------------------------------------------- */

static void nodes_destroy(struct weft_mock_llm *m)
{
	for (uint32_t i = 0; m->nodes && i < m->node_count; i++) {
		weft_json_writer_destroy(m->nodes[i].json);
		weft__http_writer_fini(&m->nodes[i].out);
	}
	weft_free(m->nodes);
}

/* NULL and half-built are fine. */
static void mock_destroy(struct weft_mock_llm *m)
{
	if (!m)
		return;
	nodes_destroy(m);
	weft__draw_times_fini(&m->latency);
	weft__fixture_close(&m->fixture);
	weft_free(m->api_key);
	weft_free(m);
}

static int nodes_create(struct weft_mock_llm *m, uint32_t count)
{
	m->nodes = weft_calloc(count, sizeof(m->nodes[0]));
	if (!m->nodes)
		return -ENOMEM;
	m->node_count = count;
	for (uint32_t i = 0; i < count; i++) {
		m->nodes[i].mock = m;
		if (weft_json_writer_create(0, &m->nodes[i].json) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_options(struct weft_mock_llm *m, const weft_mock_llm_options *o, weft_error *err)
{
	int r;

	m->options = *o;
	m->options.address = m->options.latency = m->options.api_key = m->options.fixture = NULL;
	m->options.dimensions = o->dimensions ? o->dimensions : DIMENSIONS;
	m->options.retry_after_s = o->retry_after_s ? o->retry_after_s : 1;
	if (o->api_key) {
		m->api_key = weft_strndup(o->api_key, strlen(o->api_key));
		if (!m->api_key)
			return weft_error_set(err, -ENOMEM, "mock: no memory");
	}
	r = weft__draw_times_parse(o->latency, &m->latency, err);
	if (r == 0 && o->fixture)
		r = weft__fixture_open(o->fixture, &m->fixture, err);
	return r;
}

static void set_url(struct weft_mock_llm *m, const struct sockaddr_storage *address)
{
	char host[INET6_ADDRSTRLEN];
	bool v6 = address->ss_family == AF_INET6;

	inet_ntop(address->ss_family, v6 ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr :
	                                   (const void *)&((const struct sockaddr_in *)address)->sin_addr, host, sizeof(host));
	snprintf(m->url, sizeof(m->url), v6 ? "http://[%s]:%u/v1" : "http://%s:%u/v1", host, weft__http_service_port(m->service));
}

/* The nodes know their loops before anybody listens. */
static int serve(struct weft_mock_llm *m, weft_runtime *rt, const weft_mock_llm_options *o, weft_error *err)
{
	struct weft__http_service_options so = { .server = { .request = weft__mock_request, .connections_max = o->connections_max,
		                                             .limits = { .body_bytes = BODY_BYTES_MAX } },
		                                 .loops = m->node_count };
	struct sockaddr_storage address;
	void **users;
	int r = set_address(o, &address, &so.server.address_len, err);

	if (r < 0)
		return r;
	users = weft_calloc(m->node_count, sizeof(*users));
	if (!users)
		return weft_error_set(err, -ENOMEM, "mock: no memory");
	for (uint32_t i = 0; i < m->node_count; i++) {
		m->nodes[i].loop = weft__loop_of(rt, i);
		users[i] = &m->nodes[i];
	}
	so.server.address = (const struct sockaddr *)&address;
	so.users = users;
	r = weft__http_service_start(rt, &so, &m->service, err);
	weft_free(users);
	if (r == 0)
		set_url(m, &address);
	return r;
}

int weft_mock_llm_start(weft_runtime *rt, const weft_mock_llm_options *options, weft_mock_llm **ret_mock, weft_error *err)
{
	struct weft_mock_llm *m;
	uint32_t workers;
	int r;

	WEFT_RETURN_IF(!rt || !options || !ret_mock, weft_error_set(err, -EINVAL, "mock: no runtime, options or place for the result"));
	r = check_options(options, err);
	if (r < 0)
		return r;
	m = weft_calloc(1, sizeof(*m));
	if (!m)
		return weft_error_set(err, -ENOMEM, "mock: no memory");
	workers = weft_runtime_workers(rt);
	r = read_options(m, options, err);
	if (r == 0 && nodes_create(m, options->workers && options->workers < workers ? options->workers : workers) < 0)
		r = weft_error_set(err, -ENOMEM, "mock: no memory");
	if (r == 0)
		r = serve(m, rt, options, err);
	if (r < 0) {
		mock_destroy(m);
		return r;
	}
	*ret_mock = m;
	return 0;
}

/* ---- afterwards ------------------------------------------------------------------------ */

uint16_t weft_mock_llm_port(const weft_mock_llm *mock)
{
	return mock ? weft__http_service_port(mock->service) : 0;
}

const char *weft_mock_llm_url(const weft_mock_llm *mock)
{
	return mock ? mock->url : "";
}

static void stats_of(const struct weft_mock_llm *m, const struct weft__http_server_stats *s, weft_mock_llm_stats *ret)
{
	*ret = (weft_mock_llm_stats){ .size = sizeof(*ret), .connections = s->connections, .accepted = s->accepted,
		                      .requests = s->requests, .refused = s->refused, .gone = s->gone };
	for (uint32_t i = 0; i < m->node_count; i++) {
		struct weft__mock_node *n = &m->nodes[i];

		/* relaxed: counters of their loops' */
		ret->refused += weft__load_relaxed(&n->refused);
		ret->faults += weft__load_relaxed(&n->faults);
		ret->streams += weft__load_relaxed(&n->streams);
		ret->events += weft__load_relaxed(&n->events);
		ret->tokens += weft__load_relaxed(&n->tokens);
		ret->embeddings += weft__load_relaxed(&n->embeddings);
	}
}

int weft_mock_llm_stats_read(weft_mock_llm *mock, weft_mock_llm_stats *ret_stats)
{
	struct weft__http_server_stats s;
	int r;

	WEFT_RETURN_IF(!mock || !ret_stats || ret_stats->size != sizeof(*ret_stats), -EINVAL);
	r = weft__http_service_stats(mock->service, &s);
	if (r < 0)
		return r;
	stats_of(mock, &s, ret_stats);
	return 0;
}

int weft_mock_llm_stop(weft_mock_llm *mock, uint64_t timeout_ns, weft_mock_llm_stats *ret_stats)
{
	struct weft__http_server_stats s;
	int r;

	if (!mock)
		return 0;
	r = weft__http_service_stop(mock->service, timeout_ns, &s);
	if (r < 0)
		return r;
	if (ret_stats)
		stats_of(mock, &s, ret_stats);
	mock_destroy(mock);
	return 0;
}
