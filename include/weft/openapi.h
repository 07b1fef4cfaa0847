/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/openapi.h - the operations of an HTTP interface as tools, read from its OpenAPI 3 document.
 *
 * A document may come from anywhere, and what a model writes is not to be believed either. So the host names
 * the servers that may be asked, addresses that are not public are refused after the name was resolved,
 * only GET is allowed unless more is said, credentials come from these options and go nowhere else, redirections
 * are not followed, and answers are bounded.
 */
#ifndef WEFT_OPENAPI_H
#define WEFT_OPENAPI_H

#include <weft/error.h>
#include <weft/json.h>
#include <weft/runtime.h>
#include <weft/tool.h>

WEFT_BEGIN_DECLS

/** The secret for one of the document's securitySchemes. */
typedef struct weft_openapi_credential {
	const char *scheme; /* its name there */
	const char *value;  /* the key (apiKey), the token (bearer, oauth2, openIdConnect), "user:password" (basic) */
} weft_openapi_credential;

enum {
	WEFT_OPENAPI_PRIVATE = 1, /* addresses that are not public may be asked: loopback, private networks */
	WEFT_OPENAPI_INSECURE = 2 /* believe any certificate */
};

/** Everything is copied. */
typedef struct weft_openapi_options {
	uint32_t size;  /* set by WEFT_OPENAPI_OPTIONS_INIT */
	uint32_t flags; /* WEFT_OPENAPI_... */
	const char *name;     /* for messages; NULL: the document's title */
	weft_str document;    /* JSON; OpenAPI 3.0 or 3.1 */
	const char *server;   /* http(s)://host[:port][/base], instead of the document's servers */
	/**
	 * "host" or "*.domain" (on the port of http or https), "host:port", NULL at the end: who may be asked, whatever the
	 * document says. Not needed beside server, whose host is allowed then. Where the document chooses http, no secret goes.
	 */
	const char *const *hosts;
	const char *const *methods;    /* "GET", "POST", ..., NULL at the end; NULL: GET alone */
	const char *const *operations; /* operationIds that become tools, NULL at the end: -EINVAL for one that is not there; NULL: all */
	const weft_openapi_credential *credentials; /* a scheme with a NULL name at the end; NULL: none */
	const char *ca_file;       /* PEM, instead of the system's authorities */
	uint64_t timeout_ns;       /* of a call; 0: 30 s */
	uint64_t result_bytes_max; /* of an answer as text for the model, the rest is not read; 0: 64 KiB */
	weft_log_fn log; /* which operations were left out, and why; only while tools are added. NULL: silent */
	void *log_user;
} weft_openapi_options;

#define WEFT_OPENAPI_OPTIONS_INIT                                                                          \
	{                                                                                                  \
		.size = sizeof(weft_openapi_options)                                                       \
	}

/**
 * Put the operations of a document into a registry. The arguments of a tool are the parameters of its operation by name, and
 * "body". An operation is left out when its method, server or credential is not given, or it needs a body
 * of a kind that is not spoken here; the log says so. Of a multipart body the model sees each file as {"content", "filename"}: text.
 * @param prefix  before each name, with a '_' between; NULL or "": none
 * @return how many were added; or nothing was: -EINVAL (options; neither server nor hosts), WEFT_EPARSE (no JSON; YAML has to be
 *         converted), WEFT_ESCHEMA (no OpenAPI 3), -EEXIST, -EBUSY, -ENOMEM; err says what
 */
WEFT_API int weft_tools_add_openapi(weft_tools *tools, const weft_openapi_options *opt, const char *prefix, weft_error *err);

WEFT_END_DECLS

#endif
