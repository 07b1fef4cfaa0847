/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/support/authority.h - certificates for one test: an authority, and hosts it speaks for.
 *
 * P-256, made in a millisecond each, and written as PEM into the test's folder. Nothing of it is a secret.
 */
#ifndef WEFT_TESTS_SUPPORT_AUTHORITY_H
#define WEFT_TESTS_SUPPORT_AUTHORITY_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

struct test_identity {
	X509 *cert;
	EVP_PKEY *key;
	char cert_file[160], key_file[160]; /* PEM; of the issuer too where there is one */
};

struct test_identity_options {
	const char *name;                   /* common name, and of the files */
	const char *names;                  /* "DNS:a.example,IP:127.0.0.1"; NULL: an authority */
	const struct test_identity *issuer; /* NULL: signs itself */
	long from_s, until_s;               /* from now; both 0: yesterday until tomorrow */
};

/* A broken tool must not look like a failed test. */
static inline void test_identity_need(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "authority: %s failed\n", what);
		abort();
	}
}

static inline void test_identity_extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	test_identity_need(extension && X509_add_ext(cert, extension, -1), value);
	X509_EXTENSION_free(extension);
}

static inline void test_identity_write(struct test_identity *id, const struct test_identity_options *o,
                                       const char *folder)
{
	FILE *file;

	snprintf(id->cert_file, sizeof(id->cert_file), "%s/%s.pem", folder, o->name);
	snprintf(id->key_file, sizeof(id->key_file), "%s/%s.key", folder, o->name);
	file = fopen(id->cert_file, "w");
	test_identity_need(file && PEM_write_X509(file, id->cert), id->cert_file);
	if (o->issuer && o->names)
		PEM_write_X509(file, o->issuer->cert);
	fclose(file);
	file = fopen(id->key_file, "w");
	test_identity_need(file && PEM_write_PrivateKey(file, id->key, NULL, NULL, 0, NULL, NULL),
	                   id->key_file);
	fclose(file);
}

static inline void test_identity_make(struct test_identity *id, const struct test_identity_options *o,
                                      const char *folder)
{
	static int serial;
	bool always = o->from_s == 0 && o->until_s == 0;
	const struct test_identity *issuer = o->issuer ? o->issuer : id;
	X509_NAME *subject;

	id->key = EVP_EC_gen("P-256");
	id->cert = X509_new();
	test_identity_need(id->key && id->cert, "a key");
	X509_set_version(id->cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(id->cert), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(id->cert), always ? -86400 : o->from_s);
	X509_gmtime_adj(X509_getm_notAfter(id->cert), always ? 86400 : o->until_s);
	subject = X509_get_subject_name(id->cert);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)o->name, -1, -1, 0);
	X509_set_issuer_name(id->cert, X509_get_subject_name(issuer->cert));
	X509_set_pubkey(id->cert, id->key);
	test_identity_extend(id->cert, issuer->cert, NID_basic_constraints,
	                     o->names ? "CA:FALSE" : "critical,CA:TRUE");
	test_identity_extend(id->cert, issuer->cert, NID_subject_key_identifier, "hash");
	if (o->names)
		test_identity_extend(id->cert, issuer->cert, NID_subject_alt_name, o->names);
	test_identity_need(X509_sign(id->cert, issuer->key, EVP_sha256()) > 0, "signing");
	test_identity_write(id, o, folder);
}

static inline void test_identity_drop(struct test_identity *id)
{
	X509_free(id->cert);
	EVP_PKEY_free(id->key);
	remove(id->cert_file);
	remove(id->key_file);
}

#endif
