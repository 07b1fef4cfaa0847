/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/error.h - how weft says no.
 *
 * A fallible function returns 0 or a count on success and a negative number on
 * failure: -Exxx of <errno.h> where POSIX has the meaning, one of WEFT_E* below
 * where it does not. The two ranges do not overlap. There is no last-error
 * global and errno is never used for our own results.
 */
#ifndef WEFT_ERROR_H
#define WEFT_ERROR_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

enum {
	WEFT_E_FIRST = -20000,     /* nothing below -20099 or above -20000 is ours */
	WEFT_EINTERNAL = -20001,   /* an invariant of weft did not hold; the fault hook was told */
	WEFT_EMAXTURNS = -20002,   /* a tool loop or multi-step run used up its turns */
	WEFT_EPARSE = -20003,      /* text is not what its format says (JSON, XML-tagged answer) */
	WEFT_ESCHEMA = -20004,     /* well-formed, but not what the schema or template asks for */
	WEFT_ENOTOOL = -20005,     /* no tool of that name */
	WEFT_ENOMODEL = -20006,    /* no model handler of that type */
	WEFT_EMODEL = -20007,      /* every model handler of that type failed */
	WEFT_ETOOL = -20008,       /* a tool ran and failed */
	WEFT_ELOOP = -20009,       /* a tool loop was detected and the policy is stop */
	WEFT_EBLOCKED = -20010,    /* a pre-evaluator refused the message */
	WEFT_ESUPERSEDED = -20011, /* room policy "latest": a newer message of the room took over */
	WEFT_ENOREPLY = -20012,    /* the receiver let go of a request without answering it */
	WEFT_ELAGGED = -20013,     /* a reader fell behind and records were dropped */
	WEFT_ECONFIG = -20014,     /* a configuration or character file is not valid */
	WEFT_EFAILED = -20015,     /* an actor said that it failed, and gave no reason of its own */
	WEFT_EKILLED = -20016,     /* an actor was ended by weft_actor_kill */
	WEFT_ERESTARTS = -20017,   /* a supervisor had to restart more often than it may */
	WEFT_EDAMAGED = -20018,    /* what is stored is not what was written; the message names file and offset */
	WEFT_EVERSION = -20019,    /* stored by a version of weft whose format this one does not read */
	WEFT_ELOGFAILED = -20020,  /* the store's log failed before: it takes no more writes, and reads go on */
	WEFT_EHOSTNAME = -20021,   /* no host of that name */
	WEFT_ETLS = -20022,        /* TLS could not be agreed on, or its bytes are not what they should be */
	WEFT_ECERT = -20023,       /* a certificate is not believed; the message names the host and the reason */
	WEFT_EPROXY = -20024,      /* a proxy refused to connect; the message has its status */
	WEFT_EBREAKER = -20025,    /* the endpoint failed too often just now: it is not asked */
	WEFT_EOVERLOAD = -20026,   /* too many wait already, or the wait would be too long; the message says when to come back */
	WEFT_EBUDGET = -20027,     /* the run's budget of tokens or money is spent; the message says which */
	WEFT_ECUT = -20030,        /* a model used up its tokens before it had answered */
	WEFT_EFILTERED = -20031,   /* a model refused to answer, or its provider withheld the answer */
	WEFT_EBROKEN = -20032,     /* a model's answer broke off after some of it had been shown: it is not asked again */
	WEFT_EDENIED = -20040,     /* a tool may not be called: by a rule, or by who was asked */
	WEFT_EAPPROVAL = -20041,   /* a run waits for an approval: weft_agent_resume goes on with it */
	WEFT_EDIVERGED = -20050, /* a replayed run did something else than the recorded one; the message has file, line and difference */
	WEFT_E_LAST = -20099
};

/** Not an error: a handler will finish later. See weft/tool.h, weft/model.h. */
#define WEFT_PENDING 1

/**
 * A short English phrase for any value a weft function may return; static
 * storage, never NULL, also for unknown values. Threads: any. Source: this file.
 */
WEFT_API const char *weft_strerror(int code);

/** The symbolic name ("WEFT_EMAXTURNS", "EAGAIN"), or "UNKNOWN". Threads: any. */
WEFT_API const char *weft_errname(int code);

/** Room for a sentence that says what was wrong with the caller's input. */
typedef struct weft_error {
	int code;            /* the function's return value, 0 when nothing failed */
	uint32_t line;       /* 1-based line in the input, 0 when it does not apply */
	uint32_t column;     /* 1-based byte column, 0 when it does not apply */
	char message[244];   /* NUL-terminated; names file, line and field where there are any */
} weft_error;

/**
 * Fill an error and return code, so that a failing function can end with
 * "return weft_error_set(err, -EINVAL, ...)". line and column become 0: set them
 * afterwards. A long message is cut between characters. err may be NULL. Threads: any.
 */
WEFT_API int weft_error_set(weft_error *err, int code, const char *fmt, ...) WEFT_PRINTF(3, 4);

WEFT_END_DECLS

#endif
