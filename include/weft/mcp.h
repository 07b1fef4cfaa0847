/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/mcp.h - servers of the Model Context Protocol: their tools for agents, their resources and prompts
 * for the host.
 *
 * A client is one server, a program that is started or an address that is asked. It lives on one I/O loop
 * and may be used from any thread. When the server dies it is started again, with pauses that
 * grow; what it was working on fails and is never repeated, since it may have been done.
 *
 *   weft_mcp_open -> (weft_mcp_wait) -> weft_tools_add_mcp, weft_mcp_request ... -> weft_mcp_unref
 */
#ifndef WEFT_MCP_H
#define WEFT_MCP_H

#include <weft/alloc.h>
#include <weft/error.h>
#include <weft/json.h>
#include <weft/runtime.h>
#include <weft/tool.h>

WEFT_BEGIN_DECLS

typedef struct weft_mcp weft_mcp;
typedef struct weft_mcp_question weft_mcp_question;

/**
 * What a client tells its host. All in the thread of the client's loop: they must not block; NULL is fine. They may call
 * any function here but those that wait.
 */
typedef struct weft_mcp_hooks {
	/** The server is there (again), or is not: why lives during the call. */
	void (*up)(weft_mcp *client, void *user);
	void (*down)(weft_mcp *client, int status, const char *why, void *user);
	/** Its tools are others than before. A registry that was filled keeps those it has: fill a new one for new agents. */
	void (*tools_changed)(weft_mcp *client, void *user);
	/** "resources" or "prompts" are others; a resource that was subscribed to was changed. */
	void (*list_changed)(weft_mcp *client, const char *list, void *user);
	void (*resource_updated)(weft_mcp *client, weft_str uri, void *user);
	/** A tool under way; total 0: not known. */
	void (*progress)(weft_mcp *client, weft_str tool, double progress, double total, weft_str message, void *user);
	/**
	 * The server asks: "elicitation/create" (a form for the user) or "sampling/createMessage" (a model's words). Answer once,
	 * with weft_mcp_answer or weft_mcp_decline, now or later, from any thread; also when gone was called.
	 */
	void (*question)(weft_mcp *client, weft_mcp_question *question, void *user);
	/** The answer is not waited for any more. */
	void (*question_gone)(weft_mcp *client, weft_mcp_question *question, void *user);
	/** The last of all calls, log lines too: the server has ended, user may go. */
	void (*closed)(void *user);
} weft_mcp_hooks;

enum {
	WEFT_MCP_OAUTH_MACHINE = 1,     /* no person: the client itself is authorized (client_credentials), by its secret or its key */
	WEFT_MCP_OAUTH_NO_REGISTRATION = 2, /* never register a client by itself (RFC 7591) */
	WEFT_MCP_OAUTH_OLD_SERVERS = 4, /* also servers of 2025-03-26, which have no metadata of the resource, or none at all */
	WEFT_MCP_OAUTH_PUBLIC_ONLY = 8  /* ask no authorization server whose address is private; no proxy then */
};

/**
 * How to be let in by a server behind a URL that asks for it (OAuth 2.1). Only such a server is ever authorized for: the
 * first 401 begins it. Everything is copied; strings may be NULL. Tokens stay in memory, and go to load and save, to the server and to its
 * authorization server: into no log, error, event or recording.
 */
typedef struct weft_mcp_oauth {
	uint32_t size;  /* set by WEFT_MCP_OAUTH_INIT */
	uint32_t flags; /* WEFT_MCP_OAUTH_... */
	const char *client_id;       /* of a client that was registered by hand; NULL: by its document, or by itself */
	const char *client_secret;   /* name the issuer too: else the server chooses who is shown the secret */
	const char *client_key;      /* PEM: P-256, P-384 or RSA; instead of a secret (private_key_jwt) */
	const char *client_key_id;   /* of the key ("kid") */
	const char *client_document; /* the https address of the client's metadata document, for servers that read it */
	const char *client_name;     /* for a person to read; NULL: weft */
	const char *issuer;          /* the only authorization server that is asked; NULL: the first that the server names */
	const char *scope;           /* asked for besides what the server wants */
	const char *redirect_uri;    /* where the host hears browsers, for weft_mcp_authorize; NULL: the library listens on 127.0.0.1, at a
	                                port of the kernel's choice, while a person is asked */
	uint64_t person_ns;          /* patience with a person; 0: 5 min. Calls that wait for it have their own times stand still */

	/** A person shall open url in a browser. In the thread of the client's loop, as over. NULL: there is no person. */
	void (*open)(weft_mcp *client, const char *url, void *user);
	/** The person is not waited for any more, however it ended. NULL is fine. */
	void (*over)(weft_mcp *client, void *user);
	/** What save was given for this url the last time, in arena; nothing there is no error. In the thread of weft_mcp_open. May be NULL. */
	int (*load)(const char *url, weft_arena *arena, weft_str *ret_text, void *user);
	/** Keep text, which is a secret, for the next time; NULL: forget it. In the thread of the loop: hand it on. May be NULL. */
	void (*save)(weft_mcp *client, const char *url, const char *text, void *user);
	void *user;
} weft_mcp_oauth;

#define WEFT_MCP_OAUTH_INIT                                                                                \
	{                                                                                                  \
		.size = sizeof(weft_mcp_oauth)                                                             \
	}

enum {
	WEFT_MCP_ELICITATION = 1, /* offer to the server to ask; hooks.question must be there */
	WEFT_MCP_SAMPLING = 2,
	WEFT_MCP_INSECURE = 4 /* believe any certificate of an https server; not of its authorization server */
};

/** Everything is copied. Times in ns. */
typedef struct weft_mcp_options {
	uint32_t size;    /* set by WEFT_MCP_OPTIONS_INIT */
	uint32_t flags;   /* WEFT_MCP_... */
	const char *name; /* [A-Za-z0-9_-]{1,32}: for messages, and the prefix of its tools' names */

	/* A program, over its stdin and stdout. It gets HOME, LANG, LOGNAME, PATH, SHELL, TERM, TMPDIR, TZ and USER of the host, and env. */
	const char *command;     /* a path, or looked for in PATH */
	const char *const *args; /* without the program's name; NULL at the end; NULL: none */
	const char *const *env;  /* "NAME=value", NULL at the end */
	const char *cwd;         /* NULL: the host's */

	/* Or an address: streamable HTTP. */
	const char *url;
	const char *const *headers; /* "Name: value", for each request; NULL at the end. Never logged */
	const char *ca_file;        /* PEM, instead of the system's authorities */
	const char *proxy;          /* http://host:port; "": none; NULL: as the environment says */
	const weft_mcp_oauth *oauth; /* NULL: a server that wants authorization is told of as an error. Not with an Authorization header */

	uint64_t start_ns;          /* to start, greet and list the tools; 0: 30 s */
	uint64_t call_ns;           /* a call without an answer or progress; 0: 60 s */
	uint64_t call_total_ns;     /* a call with all progress; 0: 10 min */
	uint64_t backoff_ns;        /* before the first restart, doubled each time; 0: 0.5 s */
	uint64_t backoff_ns_max;    /* 0: 30 s */
	uint32_t restarts_max;      /* in a row; then the next call tries again, after a pause; 0: 5; UINT32_MAX: none */
	uint32_t calls_max;         /* under way at once; 0: 1,024 */
	uint64_t message_bytes_max; /* of the server; 0: 16 MiB */
	uint64_t result_bytes_max;  /* of a tool's result as text for the model, the rest is left out; 0: 256 KiB */
	const char *const *roots;   /* file:// URIs the server may work in; NULL at the end; NULL: not offered */
	const char *log_from;       /* the server's level, debug to emergency, from which on it shall log; NULL: as it likes */

	weft_log_fn log; /* what it and its server say; NULL: silent. Called on the loop's thread */
	void *log_user;
	weft_mcp_hooks hooks;
	void *user; /* of the hooks */
} weft_mcp_options;

#define WEFT_MCP_OPTIONS_INIT                                                                              \
	{                                                                                                  \
		.size = sizeof(weft_mcp_options)                                                           \
	}

/**
 * Make a client and begin to start its server.
 * @param rt  started; the client lives on one of its workers and ends with it. NULL: on a thread of the library's own
 * @return 0: the server itself may still fail, weft_mcp_wait tells; -EINVAL (err says what), -ENOMEM, -ESHUTDOWN,
 *         -EPROTONOSUPPORT (a URL of another kind)
 */
WEFT_API int weft_mcp_open(weft_runtime *rt, const weft_mcp_options *opt, weft_mcp **ret_client, weft_error *err);
WEFT_API weft_mcp *weft_mcp_ref(weft_mcp *client);
/** With the last reference the server is ended, which takes its time: hooks.closed tells. Tools in a registry hold one each. NULL is fine. */
WEFT_API void weft_mcp_unref(weft_mcp *client);
/** End the server now, whoever has references: calls fail from here on. */
WEFT_API void weft_mcp_close(weft_mcp *client);

/**
 * Wait until the server is there.
 * @return 0; what the last start failed with (err says it); -ETIMEDOUT; -ESHUTDOWN (closed); -EDEADLK (on a worker or another
 *         loop of the library, which must not wait)
 */
WEFT_API int weft_mcp_wait(weft_mcp *client, uint64_t timeout_ns, weft_error *err);

/** What is known of a server. */
typedef struct weft_mcp_info {
	uint32_t size;           /* set by WEFT_MCP_INFO_INIT */
	bool up;
	uint32_t tools;          /* as it listed them last */
	uint64_t starts, losses; /* sessions that were there, and that were lost */
	uint64_t changes;        /* how often its tools became others */
	uint64_t calls, failures; /* of tools: asked, and ended badly */
	char server[64], server_version[32], protocol[16]; /* of the last session */
} weft_mcp_info;

#define WEFT_MCP_INFO_INIT                                                                                 \
	{                                                                                                  \
		.size = sizeof(weft_mcp_info)                                                              \
	}

WEFT_API int weft_mcp_get_info(const weft_mcp *client, weft_mcp_info *ret_info);
/** What the server wrote about its use, for a system prompt. In arena; empty when there is nothing. 0 or -ENOMEM. */
WEFT_API int weft_mcp_instructions(weft_mcp *client, weft_arena *arena, weft_str *ret_text);

/**
 * Put the server's tools into a registry, as it has them now; waits for it if it is still starting.
 * @param prefix  before each name, with a '_' between; NULL: the client's name; "": none. What does not fit into a tool's name
 *                becomes '_', and then a hash keeps names apart
 * @return how many were added; or nothing was: -EEXIST (a name is taken), -EBUSY (registry in use), -EAGAIN (still starting, and
 *         this thread must not wait), what weft_mcp_wait says
 */
WEFT_API int weft_tools_add_mcp(weft_tools *tools, weft_mcp *client, const char *prefix, weft_error *err);

/**
 * How a request ended, on the client's loop. status 0: text is the result, a JSON object; else the reason, in words:
 * -EREMOTEIO (the server answered with an error), -ETIMEDOUT, -EPIPE (it was lost meanwhile), ...
 */
typedef void (*weft_mcp_done_fn)(int status, weft_str text, void *user);

/**
 * Ask the server anything: resources/list, resources/templates/list, resources/read, resources/subscribe, prompts/list,
 * prompts/get, tools/call, completion/complete, ping, logging/setLevel ... Lists are given whole, all pages of them.
 * @param params_json  an object, or empty
 * @param timeout_ns   0: as a call of a tool
 * @return 0: fn comes once; -EINVAL, WEFT_EPARSE (params), -ENOMEM, -ESHUTDOWN
 */
WEFT_API int weft_mcp_request(weft_mcp *client, weft_str method, weft_str params_json, uint64_t timeout_ns,
                              weft_mcp_done_fn fn, void *user);
/** The same, waiting. @return also -EDEADLK; ret_text in arena, also when it failed: the reason then */
WEFT_API int weft_mcp_request_wait(weft_mcp *client, weft_str method, weft_str params_json, uint64_t timeout_ns,
                                   weft_arena *arena, weft_str *ret_text);

/** The method of a question, and its params; live until it is answered. Threads: any. */
WEFT_API weft_str weft_mcp_question_method(const weft_mcp_question *question);
WEFT_API weft_json weft_mcp_question_params(const weft_mcp_question *question);
/**
 * Answer with a JSON object: {"action": "accept" | "decline" | "cancel", "content": {...}} for a form, in which fields with a
 * default may be left out; {"role", "content", "model"} for a sampling. Threads: any.
 * @return 0, and the question is gone; WEFT_EPARSE or WEFT_ESCHEMA (not what the form asks for; err says where), -ENOMEM: it is still yours
 */
WEFT_API int weft_mcp_answer(weft_mcp_question *question, weft_str result_json, weft_error *err);
/** Refuse. Never fails; the question is gone. */
WEFT_API void weft_mcp_decline(weft_mcp_question *question, const char *why);

/**
 * What the browser brought back to redirect_uri: the whole address, or its query. From any thread. What does not belong to the
 * question of oauth.open is passed over, and said in the log.
 * @return 0: it is looked at soon; -EINVAL, -ENOMEM, -ESHUTDOWN
 */
WEFT_API int weft_mcp_authorize(weft_mcp *client, weft_str redirect);
/** The person will not: whoever waits fails with -EACCES. @return 0, -ENOMEM, -ESHUTDOWN */
WEFT_API int weft_mcp_refuse(weft_mcp *client);

/**
 * Open the servers of a file {"mcpServers": {name: {command, args, env, cwd, url, headers, oauth, disabled}}}, the form that other
 * programs use; members that are not known are passed over. "${NAME}" and "${NAME:-else}" in values are taken from the
 * environment. oauth is an object of client_id, client_secret, client_document, client_name, issuer, scope, redirect_uri, machine and
 * old_servers, as in weft_mcp_oauth, over what base->oauth has. A file of servers that is no file is an error, one server that cannot start is not.
 * @param base  for all else: hooks, times, log; oauth, for those with a url that tokens may go to and without an Authorization header: a
 *              client_secret in it would be shown to all of them. NULL: none
 * @param clients  gets up to cap clients, one reference each
 * @return how many; or none are: WEFT_EPARSE, WEFT_ECONFIG (err names server and member), -E2BIG, -errno, as weft_mcp_open
 */
WEFT_API int weft_mcp_load(weft_runtime *rt, const char *path, const weft_mcp_options *base, weft_mcp **clients, uint32_t cap,
                           weft_error *err);

WEFT_END_DECLS

#endif
