/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/tls/context.c - whom to trust, or who we are: made once, then only read.
 *
 * Contexts of clients stand in one list of the process, by what they were made from. The list holds no
 * reference: the last user's unref takes a context out, so nothing outlives the last connection. One lock
 * guards the list and all counts; it is held for a few instructions, and taken once or twice a connection.
 * Another one is held while a context is made: who wants the same one meanwhile waits for it, and so does the
 * end of the process. A child after fork begins with all locks open: who held them is not in it.
 */
#include "net/tls/openssl.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>

#include <weft/alloc.h>

#include "runtime/base/assert.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct weft__tls_context *shared; /* under lock */

static pthread_mutex_t making =
        PTHREAD_MUTEX_INITIALIZER; /* one at a time; before lock, where both are held */
static pthread_rwlock_t running =
        PTHREAD_RWLOCK_INITIALIZER; /* read: contexts come and go; written by the exit */
static bool exiting;                /* under running */

static const unsigned char alpn[] = "\x08http/1.1";
#define ALPN_BYTES (sizeof(alpn) - 1)

bool weft__tls_available(void)
{
	return true;
}

/* ---- forks ------------------------------------------------------------------------------ */

/* In the child. A list is changed by one store, and what a thread was making is lost. */
static void open_locks(void)
{
	pthread_mutex_t unlocked = PTHREAD_MUTEX_INITIALIZER;
	pthread_rwlock_t unused = PTHREAD_RWLOCK_INITIALIZER;

	lock = unlocked;
	making = unlocked;
	running = unused;
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, open_locks); /* -ENOMEM: a fork while a context is made stays a risk */
}

static pthread_once_t forks_once = PTHREAD_ONCE_INIT;

/* ---- files ------------------------------------------------------------------------------ */

/* A file that is not there is the same as any other that is not there: reading it will say so. */
static struct weft__tls_file file_of(const char *path)
{
	struct stat st;

	if (!path || stat(path, &st) < 0)
		return (struct weft__tls_file){0};
	return (struct weft__tls_file){
	        .dev = st.st_dev, .ino = st.st_ino, .size = st.st_size, .changed = st.st_mtim};
}

static bool same_file(const struct weft__tls_file *a, const struct weft__tls_file *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool same_path(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool fits(const struct weft__tls_context *c, const struct weft__tls_beliefs *beliefs,
                 const struct weft__tls_file *file)
{
	return c->insecure == beliefs->insecure && same_path(c->ca_file, beliefs->ca_file) &&
	       same_file(&c->file, file);
}

/* ---- the end of the process --------------------------------------------------------------------- */

/* Runs before OpenSSL's clean-up, which was registered before it: no helper makes or frees contexts after this. */
static void before_exit(void)
{
	pthread_rwlock_wrlock(&running);
	exiting = true;
	pthread_rwlock_unlock(&running);
}

/*
 * OpenSSL's own clean-up at exit would pull its tables from under threads that are still at work: the helpers are not
 * joined when main returns. So there is none, unless the host has initialised OpenSSL before.
 */
static void library_init(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	OPENSSL_init_ssl(0, NULL);
	atexit(before_exit);
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

/* May OpenSSL be used, perhaps on a helper? Until leave, the process does not end. */
static bool enter(void)
{
	pthread_once(&forks_once, watch_forks);
	pthread_rwlock_rdlock(&running);
	if (!exiting)
		return true;
	pthread_rwlock_unlock(&running);
	return false;
}

static void leave(void)
{
	OPENSSL_thread_stop(); /* a helper may end while OpenSSL cleans up: it has nothing of it left to free then */
	pthread_rwlock_unlock(&running);
}

bool weft__tls_enter(void)
{
	pthread_once(&library_once, library_init);
	return enter();
}

void weft__tls_leave(void)
{
	leave();
}

/* ---- making one ----------------------------------------------------------------------------- */

/* The process ends: nobody frees it any more. Kept where a leak checker sees it. */
static void keep(struct weft__tls_context *c)
{
	static struct weft__tls_context *kept; /* under lock */

	pthread_mutex_lock(&lock);
	c->next = kept;
	kept = c;
	pthread_mutex_unlock(&lock);
}

static void context_free(struct weft__tls_context *c)
{
	if (!c)
		return;
	if (!enter()) {
		keep(c);
		return;
	}
	SSL_CTX_free(c->ssl_ctx);
	leave();
	weft_free(c->ca_file);
	weft_free(c);
}

static int choose_http(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                       unsigned in_len, void *user)
{
	unsigned char *chosen;

	(void)ssl;
	(void)user;
	if (SSL_select_next_proto(&chosen, out_len, alpn, ALPN_BYTES, in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* What holds for both sides. */
static struct weft__tls_context *context_new(const SSL_METHOD *method)
{
	struct weft__tls_context *c = weft_calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	pthread_once(&library_once, library_init);
	c->refs = 1;
	c->ssl_ctx = SSL_CTX_new(method);
	if (!c->ssl_ctx || !SSL_CTX_set_min_proto_version(c->ssl_ctx, TLS1_2_VERSION)) {
		ERR_clear_error();
		context_free(c);
		return NULL;
	}
	SSL_CTX_set_options(c->ssl_ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(c->ssl_ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	                                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return c;
}

/* A wrong file is told apart from one that cannot be read. */
static int no_file(weft_error *err, const char *path, const char *what)
{
	char reason[128];
	struct stat st;

	weft__tls_reason(reason, sizeof(reason));
	if (stat(path, &st) < 0)
		return weft_error_set(err, -errno, "%s: %s: %s", what, path, weft_strerror(-errno));
	return weft_error_set(err, -EINVAL, "%s: %s: %s", what, path, reason);
}

static int trust(struct weft__tls_context *c, const struct weft__tls_beliefs *beliefs, weft_error *err)
{
	SSL_CTX *ctx = c->ssl_ctx;

	if (beliefs->insecure) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
		return 0;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, weft__tls_verify);
	if (beliefs->ca_file) {
		if (!SSL_CTX_load_verify_file(ctx, beliefs->ca_file))
			return no_file(err, beliefs->ca_file, "certificate authorities");
	} else if (!SSL_CTX_set_default_verify_paths(ctx)) {
		ERR_clear_error();
		return weft_error_set(err, -ENOMEM, "the system's certificate authorities cannot be read");
	}
	return 0;
}

static int client_new(const struct weft__tls_beliefs *beliefs, struct weft__tls_context **ret_context,
                      weft_error *err)
{
	struct weft__tls_context *c = context_new(TLS_client_method());
	int r;

	if (!c)
		return weft_error_set(err, -ENOMEM, "no memory for TLS");
	c->insecure = beliefs->insecure;
	c->file = file_of(beliefs->ca_file); /* before it is read: one replaced meanwhile is read again */
	c->ca_file = beliefs->ca_file ? weft_strndup(beliefs->ca_file, strlen(beliefs->ca_file)) : NULL;
	r = beliefs->ca_file && !c->ca_file ? -ENOMEM : trust(c, beliefs, err);
	/* Tickets go to their owner by the callback; a cache in the context would be shared by threads. */
	SSL_CTX_set_session_cache_mode(c->ssl_ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(c->ssl_ctx, weft__tls_ticket_put);
	if (r == 0 && SSL_CTX_set_alpn_protos(c->ssl_ctx, alpn, ALPN_BYTES) != 0)
		r = weft_error_set(err, -ENOMEM, "no memory for TLS");
	if (r < 0) {
		context_free(c);
		return r;
	}
	*ret_context = c;
	return 0;
}

/* ---- sharing ------------------------------------------------------------------------------------ */

static struct weft__tls_context *find_locked(const struct weft__tls_beliefs *beliefs,
                                             const struct weft__tls_file *file)
{
	struct weft__tls_context *c = shared;

	while (c && !fits(c, beliefs, file))
		c = c->next;
	if (c)
		c->refs++;
	return c;
}

struct weft__tls_context *weft__tls_context_find(const struct weft__tls_beliefs *beliefs)
{
	struct weft__tls_file file = file_of(beliefs->ca_file);
	struct weft__tls_context *c;

	pthread_once(&library_once,
	             library_init); /* here, and not on a helper when the process may be ending already */
	pthread_once(&forks_once, watch_forks);
	pthread_mutex_lock(&lock);
	c = find_locked(beliefs, &file);
	pthread_mutex_unlock(&lock);
	return c;
}

/* Only the one who is making looks and adds: so nobody else's can have come in between. */
static int make_locked(const struct weft__tls_beliefs *beliefs, struct weft__tls_context **ret_context,
                       weft_error *err)
{
	struct weft__tls_context *c = weft__tls_context_find(beliefs);
	int r;

	if (!c) {
		r = client_new(beliefs, &c, err);
		if (r < 0)
			return r;
		pthread_mutex_lock(&lock);
		c->shared = true;
		c->next = shared;
		shared = c;
		pthread_mutex_unlock(&lock);
	}
	*ret_context = c;
	return 0;
}

int weft__tls_context_client(const struct weft__tls_beliefs *beliefs, struct weft__tls_context **ret_context,
                             weft_error *err)
{
	int r;

	if (!enter())
		return weft_error_set(err, -ESHUTDOWN, "the process ends");
	pthread_mutex_lock(&making);
	r = make_locked(beliefs, ret_context, err);
	pthread_mutex_unlock(&making);
	leave();
	return r;
}

struct weft__tls_context *weft__tls_context_ref(struct weft__tls_context *context)
{
	pthread_mutex_lock(&lock);
	context->refs++;
	pthread_mutex_unlock(&lock);
	return context;
}

static void take_out_locked(struct weft__tls_context *context)
{
	struct weft__tls_context **at = &shared;

	while (*at != context)
		at = &(*at)->next;
	*at = context->next;
}

void weft__tls_context_unref(struct weft__tls_context *context)
{
	bool last;

	if (!context)
		return;
	pthread_mutex_lock(&lock);
	WEFT_ASSERT(context->refs > 0);
	last = --context->refs == 0;
	if (last && context->shared)
		take_out_locked(context);
	pthread_mutex_unlock(&lock);
	if (last)
		context_free(context);
}

/* ---- servers ---------------------------------------------------------------------------------- */

int weft__tls_context_server(const char *chain_file, const char *key_file,
                             struct weft__tls_context **ret_context, weft_error *err)
{
	struct weft__tls_context *c;
	int r = 0;

	WEFT_RETURN_IF(!chain_file || !key_file || !ret_context, -EINVAL);
	c = context_new(TLS_server_method());
	if (!c)
		return weft_error_set(err, -ENOMEM, "no memory for TLS");
	c->server = true;
	SSL_CTX_set_alpn_select_cb(c->ssl_ctx, choose_http, NULL);
	/* Tickets carry the session: nothing is kept for clients that do not come back. */
	SSL_CTX_set_session_cache_mode(c->ssl_ctx, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_use_certificate_chain_file(c->ssl_ctx, chain_file) != 1)
		r = no_file(err, chain_file, "certificate");
	else if (SSL_CTX_use_PrivateKey_file(c->ssl_ctx, key_file, SSL_FILETYPE_PEM) != 1)
		r = no_file(err, key_file, "private key");
	if (r < 0) {
		context_free(c);
		return r;
	}
	*ret_context = c;
	return 0;
}
