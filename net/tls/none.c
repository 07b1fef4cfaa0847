/* SPDX-License-Identifier: Apache-2.0 */
/* net/tls/none.c - a build without TLS: everything is there, and says which option is missing. */
#include "net/tls/tls.h"

#include <errno.h>

static const char missing[] = "this build of weft has no TLS (meson option tls)";

static int refuse(weft_error *err)
{
	return weft_error_set(err, -EPROTONOSUPPORT, "%s", missing);
}

bool weft__tls_available(void)
{
	return false;
}

struct weft__tls_context *weft__tls_context_find(const struct weft__tls_beliefs *beliefs)
{
	(void)beliefs;
	return NULL;
}

int weft__tls_context_client(const struct weft__tls_beliefs *beliefs, struct weft__tls_context **ret_context,
                             weft_error *err)
{
	(void)beliefs;
	(void)ret_context;
	return refuse(err);
}

int weft__tls_context_server(const char *chain_file, const char *key_file,
                             struct weft__tls_context **ret_context, weft_error *err)
{
	(void)chain_file;
	(void)key_file;
	(void)ret_context;
	return refuse(err);
}

struct weft__tls_context *weft__tls_context_ref(struct weft__tls_context *context)
{
	return context;
}

void weft__tls_context_unref(struct weft__tls_context *context)
{
	(void)context;
}

void weft__tls_tickets_clear(struct weft__tls_tickets *tickets)
{
	tickets->count = 0;
}

int weft__tls_create(const struct weft__tls_options *options, struct weft__tls **ret_tls)
{
	(void)options;
	(void)ret_tls;
	return -EPROTONOSUPPORT;
}

void weft__tls_destroy(struct weft__tls *tls)
{
	(void)tls;
}

int weft__tls_start(struct weft__tls *tls)
{
	(void)tls;
	return -EPROTONOSUPPORT;
}

int weft__tls_feed(struct weft__tls *tls, const uint8_t *bytes, size_t len)
{
	(void)tls;
	(void)bytes;
	(void)len;
	return -EPROTONOSUPPORT;
}

int weft__tls_send(struct weft__tls *tls, const void *bytes, size_t len)
{
	(void)tls;
	(void)bytes;
	(void)len;
	return -EPROTONOSUPPORT;
}

int weft__tls_pause(struct weft__tls *tls, bool paused)
{
	(void)tls;
	(void)paused;
	return -EPROTONOSUPPORT;
}

void weft__tls_mute(struct weft__tls *tls)
{
	(void)tls;
}

void weft__tls_finish(struct weft__tls *tls)
{
	(void)tls;
}

bool weft__tls_ended(const struct weft__tls *tls)
{
	(void)tls;
	return false;
}

bool weft__tls_is_quiet(const struct weft__tls *tls)
{
	(void)tls;
	return false;
}

bool weft__tls_resumed(const struct weft__tls *tls)
{
	(void)tls;
	return false;
}

const char *weft__tls_version(const struct weft__tls *tls)
{
	(void)tls;
	return "";
}

const char *weft__tls_why(const struct weft__tls *tls)
{
	(void)tls;
	return missing;
}
