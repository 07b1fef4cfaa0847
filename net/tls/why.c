/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/tls/why.c - what was wrong, in a sentence that somebody who runs a service can act on.
 *
 * A certificate that is refused says which one, of whom, and why. All else is OpenSSL's reason, but for those
 * that everybody meets. Names come out of the peer's certificate: what is not plain ASCII in them becomes
 * '?'.
 */
#include "net/tls/openssl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "runtime/base/assert.h"

/* ---- text out of certificates --------------------------------------------------------------------- */

struct text {
	char buf[128];
	size_t len;
};

static void put(struct text *t, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len && t->len + 1 < sizeof(t->buf); i++)
		t->buf[t->len++] = bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?';
	t->buf[t->len] = '\0';
}

static void put_asn1(struct text *t, const ASN1_STRING *s)
{
	put(t, (const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* The common name, or the organisation where there is none. */
static void put_name(struct text *t, X509_NAME *name)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

	if (at < 0)
		at = X509_NAME_get_index_by_NID(name, NID_organizationName, -1);
	if (at < 0)
		put(t, "somebody without a name", 23);
	else
		put_asn1(t, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

#define NAMES_TOLD 3

/* "a.example, b.example, ..." */
static void put_hosts(struct text *t, X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int told = 0;

	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS)
			continue;
		if (told)
			put(t, ", ", 2);
		if (told++ == NAMES_TOLD) {
			put(t, "...", 3);
			break;
		}
		put_asn1(t, name->d.dNSName);
	}
	GENERAL_NAMES_free(names);
	if (!told)
		put(t, "no host", 7);
}

static void put_time(struct text *t, const ASN1_TIME *time)
{
	char buf[32];
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) && strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M:%S UTC", &tm))
		put(t, buf, strlen(buf));
	else
		put(t, "a time that is none", 19);
}

/* ---- certificates --------------------------------------------------------------------------------- */

static void explain_certificate(struct weft__tls *tls, int code, int depth, X509 *cert)
{
	const char *whose = depth == 0 ? "the certificate" : "a certificate of its chain";
	struct text t = {.len = 0};

	switch (code) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		put_hosts(&t, cert);
		weft_error_set(&tls->error, WEFT_ECERT, "%s: the certificate is for %s", tls->host, t.buf);
		return;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		put_time(&t, X509_get0_notAfter(cert));
		weft_error_set(&tls->error, WEFT_ECERT, "%s: %s expired on %s", tls->host, whose, t.buf);
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		put_time(&t, X509_get0_notBefore(cert));
		weft_error_set(&tls->error, WEFT_ECERT, "%s: %s is not valid before %s", tls->host, whose,
		               t.buf);
		return;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		weft_error_set(&tls->error, WEFT_ECERT, "%s: the certificate is self-signed, by no authority",
		               tls->host);
		return;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		put_name(&t, X509_get_issuer_name(cert));
		weft_error_set(&tls->error, WEFT_ECERT,
		               "%s: %s was issued by '%s', which is not trusted here", tls->host, whose,
		               t.buf);
		return;
	default:
		weft_error_set(&tls->error, WEFT_ECERT, "%s: %s is refused: %s", tls->host, whose,
		               X509_verify_cert_error_string(code));
	}
}

int weft__tls_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	struct weft__tls *tls = ssl ? SSL_get_app_data(ssl) : NULL;

	WEFT_ASSERT(tls);
	if (!ok && tls && cert)
		explain_certificate(tls, X509_STORE_CTX_get_error(store),
		                    X509_STORE_CTX_get_error_depth(store), cert);
	return ok;
}

/* ---- all else ---------------------------------------------------------------------------------------- */

const char *weft__tls_reason(char *buf, size_t size)
{
	unsigned long code = ERR_peek_error(); /* the first is nearest to the cause */
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	if (reason)
		snprintf(buf, size, "%s", reason);
	else
		snprintf(buf, size, "OpenSSL error %lx", code);
	ERR_clear_error();
	return buf;
}

/* NULL: OpenSSL's own words will do. */
static const char *in_our_words(unsigned long code)
{
	if (ERR_GET_LIB(code) != ERR_LIB_SSL)
		return NULL;
	switch (ERR_GET_REASON(code)) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
		return "the peer speaks neither TLS 1.2 nor TLS 1.3";
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_HTTP_REQUEST:
		return "what came is not TLS; is it the right port?";
	default:
		return NULL;
	}
}

int weft__tls_explain(struct weft__tls *tls)
{
	unsigned long code = ERR_peek_error();
	const char *ours = in_our_words(code);
	bool memory = ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
	char reason[128];

	if (tls->error.code == 0 && tls->out_error < 0)
		weft_error_set(&tls->error, tls->out_error, "%s: %s", tls->host,
		               weft_strerror(tls->out_error));
	else if (tls->error.code == 0 && memory)
		weft_error_set(&tls->error, -ENOMEM, "%s: no memory for TLS", tls->host);
	else if (tls->error.code == 0)
		weft_error_set(&tls->error, WEFT_ETLS, "%s: TLS failed: %s", tls->host,
		               ours ? ours : weft__tls_reason(reason, sizeof(reason)));
	ERR_clear_error();
	return tls->error.code;
}
