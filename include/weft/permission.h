/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft/permission.h - which tools an agent may call, who says so, and what is noted.
 *
 *     rules: allow -> the call is made      deny -> the model is told      ask -> the run is suspended
 *
 * A suspended run holds no memory, thread or place: it ends with WEFT_EAPPROVAL, and what it needs to go on is
 * kept, in memory or in a folder, until each of its approvals is answered. Then weft_agent_resume goes on
 * from there: with an agent of the same definition, on this runtime or, with a folder, another one later.
 *
 *     weft_agent_ask --> WEFT_EAPPROVAL {run, approvals}      (calls that need no approval are made before)
 *     weft_approvals_answer  one by one, in any order
 *     weft_agent_resume --> the answer of the run, or WEFT_EAPPROVAL again
 *
 * Guide: docs/guide/tools.md. Why it is made like this: docs/decisions/0015-approvals.md.
 */
#ifndef WEFT_PERMISSION_H
#define WEFT_PERMISSION_H

#include <weft/actor.h>
#include <weft/alloc.h>
#include <weft/base.h>
#include <weft/error.h>
#include <weft/uuid.h>

WEFT_BEGIN_DECLS

/* ---- rules -------------------------------------------------------------- */

typedef enum weft_permit {
	WEFT_PERMIT_ALLOW = 0,
	WEFT_PERMIT_ASK,
	WEFT_PERMIT_DENY
} weft_permit;

/** "allow", "ask", "deny" */
WEFT_API const char *weft_permit_name(weft_permit permit);

/** Rules; filled once, then shared by any number of definitions. */
typedef struct weft_permissions weft_permissions;

/** otherwise: what holds for a tool that no rule matches. @return 0, -EINVAL, -ENOMEM. Holds one reference. */
WEFT_API int weft_permissions_create(weft_permit otherwise, weft_permissions **ret_permissions);
WEFT_API weft_permissions *weft_permissions_ref(weft_permissions *permissions);
WEFT_API void weft_permissions_unref(weft_permissions *permissions); /* NULL is fine */

typedef struct weft_permission_rule {
	uint32_t size; /* set by WEFT_PERMISSION_RULE_INIT */
	uint8_t permit;       /* weft_permit */
	const char *tool;     /* a name, with * for any characters; copied */
	const char *argument; /* only calls whose argument of this name, a string, ... NULL: all calls; copied */
	const char *value;    /* ... is like this, with * for any characters; copied */
	const char *why;      /* for the person who is asked, or the model that is denied; NULL: a plain one; copied */
} weft_permission_rule;

#define WEFT_PERMISSION_RULE_INIT                                                                          \
	{                                                                                                  \
		.size = sizeof(weft_permission_rule)                                                       \
	}

/**
 * Add a rule. Of those that match a call the strictest holds, whatever the order: deny, then ask, then allow. A pattern
 * of an argument is a convenience, not a wall: the same file has many names.
 * @return 0, -EINVAL (no tool; argument without value), -EBUSY (a definition holds them), -ENOMEM
 */
WEFT_API int weft_permissions_add(weft_permissions *permissions, const weft_permission_rule *rule);

/**
 * The same from configuration, a JSON list of {"tool", "permit": "allow" | "ask" | "deny", "argument", "value", "why"}. All
 * of them or none. @return also WEFT_EPARSE, WEFT_ECONFIG; err says which rule
 */
WEFT_API int weft_permissions_add_json(weft_permissions *permissions, weft_str json, weft_error *err);

/* ---- approvals ------------------------------------------------------------ */

typedef enum weft_approval_state {
	WEFT_APPROVAL_OPEN = 0,
	WEFT_APPROVAL_APPROVED,
	WEFT_APPROVAL_DENIED,
	WEFT_APPROVAL_EXPIRED /* nobody answered in time: counts as denied */
} weft_approval_state;

typedef struct weft_approval {
	weft_uuid id;
	weft_uuid run;      /* what weft_agent_resume wants */
	weft_str agent;     /* its name */
	weft_str tool;
	weft_str arguments; /* JSON, as the model wrote it */
	weft_str why;       /* of the rule */
	int64_t asked_ms;   /* Unix time */
	uint8_t state;      /* weft_approval_state */
	bool resumed;       /* its run was, and has not ended: it is under way, or broke off */
} weft_approval;

/** Suspended runs and their approvals. Any thread may call. */
typedef struct weft_approvals weft_approvals;

typedef struct weft_approvals_options {
	uint32_t size; /* set by WEFT_APPROVALS_OPTIONS_INIT */
	uint32_t runs_max;   /* suspended at one time; 0 = 10,000. Beyond, what would ask is denied */
	/* One file a run, made when it is not there (mode 0700, files 0600); one book has it open at a time. NULL: memory only */
	const char *folder;
	uint64_t expires_ns; /* an approval that is open so long counts as denied; 0: never */
	/* Somebody is to be asked: called after it is kept, on the agent's thread; must not wait. May be NULL. */
	void (*asked)(const weft_approval *approval, void *user);
	void *user;
} weft_approvals_options;

#define WEFT_APPROVALS_OPTIONS_INIT                                                                        \
	{                                                                                                  \
		.size = sizeof(weft_approvals_options)                                                     \
	}

/**
 * Open; what a folder holds is read. A file is written, synced and renamed before a run is told to be suspended, and before
 * an answer is told to be taken: some milliseconds of a disk, at the pace at which people answer.
 * @return 0, -EINVAL, -ENOMEM, -EBUSY (another book has the folder open; err names its process, if that is known), -errno of
 *         the folder, WEFT_EPARSE or WEFT_EDAMAGED (err names the file). Holds one reference; with the last one, which an
 *         agent's definition may hold, the folder is let go.
 */
WEFT_API int weft_approvals_open(const weft_approvals_options *opt, weft_approvals **ret_approvals, weft_error *err);
WEFT_API weft_approvals *weft_approvals_ref(weft_approvals *approvals);
WEFT_API void weft_approvals_unref(weft_approvals *approvals); /* NULL is fine; files stay */

/** All approvals of all suspended runs, oldest run first; strings in arena. @return 0 or -ENOMEM */
WEFT_API int weft_approvals_list(weft_approvals *approvals, weft_arena *arena, weft_approval **ret_list,
                                 uint32_t *ret_count);

typedef struct weft_approval_answer {
	uint32_t size; /* set by WEFT_APPROVAL_ANSWER_INIT */
	bool approve;
	const char *by;          /* who; for the audit; NULL: nobody in particular */
	const char *reason;      /* denied: the model is told; may be NULL */
	weft_str arguments_json; /* approved: call with these instead; empty: as asked. Checked as ever; the model is told */
} weft_approval_answer;

#define WEFT_APPROVAL_ANSWER_INIT                                                                          \
	{                                                                                                  \
		.size = sizeof(weft_approval_answer)                                                       \
	}

/**
 * Answer one.
 * @param ret_open  if not NULL: how many of its run are still open; at 0 the run can be resumed
 * @return 0, -ENOENT (no such approval), -EALREADY (it was answered), -ETIMEDOUT (it had expired), -EINVAL, WEFT_EPARSE
 *         (arguments_json: no JSON, or a key twice), -ENOMEM, -errno of the folder (then nothing was taken)
 */
WEFT_API int weft_approvals_answer(weft_approvals *approvals, weft_uuid approval, const weft_approval_answer *answer,
                                   uint32_t *ret_open);

/** Drop a suspended run. @return 0, -ENOENT, -EBUSY (it was resumed and did not end: weft_approvals_retry comes first) */
WEFT_API int weft_approvals_forget(weft_approvals *approvals, weft_uuid run);

/**
 * A run that was resumed and did not end, because its agent or the process did: let it be resumed again. Its
 * approved calls may have been made, and are made again. @return 0, -ENOENT, -EINVAL (it was not resumed), -EBUSY (it is
 * under way: also while a call of an agent that ended is still being made)
 */
WEFT_API int weft_approvals_retry(weft_approvals *approvals, weft_uuid run);

/**
 * A suspended run as JSON, for a host that keeps it itself, and back. The JSON holds the conversation: keep it
 * as you keep that. @return 0, -ENOENT, -ENOMEM; import: -EEXIST, WEFT_EPARSE, WEFT_EVERSION, WEFT_EDAMAGED
 */
WEFT_API int weft_approvals_export(weft_approvals *approvals, weft_uuid run, weft_arena *arena, weft_str *ret_json);
WEFT_API int weft_approvals_import(weft_approvals *approvals, weft_str json, weft_error *err);

/**
 * Go on with a suspended run: with what it had used of its budget. The answer comes as one to weft_agent_ask; its status is -ENOENT (no such run, or it
 * went on already), -EAGAIN (an approval is open), -EALREADY (it is under way, or was resumed before and did not end:
 * weft_approvals_retry), -EINVAL (it is another agent's), or that of the run; its error says which in a sentence.
 * @return as weft_agent_ask
 */
WEFT_API int weft_agent_resume(weft_ref agent, weft_uuid run, weft_reply_to reply_to);

/* ---- audit ------------------------------------------------------------------ */

/** One line of JSON for each call of a tool, and for each approval that is asked for. */
typedef struct weft_audit weft_audit;

typedef struct weft_audit_options {
	uint32_t size; /* set by WEFT_AUDIT_OPTIONS_INIT */
	bool arguments_text; /* the arguments, secrets taken out and cut to 1 KiB, beside their hash */
	const char *path;    /* appended to, one write a line, mode 0600; NULL: only the hook */
	/* line: without its newline, at most 4 KiB. On the agent's thread; must not wait. May be NULL. */
	void (*line)(weft_str line, void *user);
	void *user;
} weft_audit_options;

#define WEFT_AUDIT_OPTIONS_INIT                                                                            \
	{                                                                                                  \
		.size = sizeof(weft_audit_options)                                                         \
	}

/** @return 0, -EINVAL (neither path nor line), -ENOMEM, -errno of the file. Holds one reference. */
WEFT_API int weft_audit_open(const weft_audit_options *opt, weft_audit **ret_audit, weft_error *err);
WEFT_API weft_audit *weft_audit_ref(weft_audit *audit);
WEFT_API void weft_audit_unref(weft_audit *audit); /* NULL is fine */
/** Lines that could not be written. Threads: any. */
WEFT_API uint64_t weft_audit_lost(const weft_audit *audit);

WEFT_END_DECLS

#endif
