/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/approval.h - the book of suspended runs.
 *
 * What a run needs to go on is text to the book (its state, made and read by suspend.c); what it knows itself
 * is who was asked what and what they said.
 *
 *     keep -> OPEN --answer*--> all answered --take--> TAKEN --done--> gone
 *                 \--expired counts as an answer      \--left, retry (the run did not end)--> all answered
 *
 * With a folder each arrow is a file written, synced and renamed, or removed, before it is told.
 */
#ifndef WEFT_ACTORS_APPROVAL_H
#define WEFT_ACTORS_APPROVAL_H

#include <weft/permission.h>

/* One call that waits, and what was said of it. Strings in the record's arena. */
struct weft__approval {
	weft_uuid id;
	uint32_t call; /* which of the turn's */
	uint8_t state; /* weft_approval_state */
	weft_str tool, arguments, why;
	weft_str by, reason, arguments_now;
	int64_t answered_ms; /* 0: not yet, or by a weft that did not write it down */
};

/* A suspended run. */
struct weft__suspended {
	weft_uuid run;
	weft_str agent;
	int64_t asked_ms, expires_ms; /* expires_ms 0: never */
	bool taken;
	struct weft__approval *approvals;
	uint32_t count;
	weft_str state_json;
};

/** Keep a copy; run and the approvals' ids are filled in. @return 0, -ENOSPC (too many), -ENOMEM, -errno of the folder */
int weft__approvals_keep(weft_approvals *book, struct weft__suspended *s);
/** Tell the host that somebody is to be asked. */
void weft__approvals_tell(weft_approvals *book, const struct weft__suspended *s);
/**
 * Take a run to go on with it: a copy in arena. @return 0, -ENOENT, -EAGAIN, -EALREADY (all with ret_why, in arena), -ENOMEM,
 * -errno of the folder
 */
int weft__approvals_take(weft_approvals *book, weft_uuid run, weft_arena *arena, struct weft__suspended *ret,
                         weft_str *ret_why);
/** The run that was taken was not begun: it stays as it was. */
void weft__approvals_put_back(weft_approvals *book, weft_uuid run);
/** Nothing is under way any more of what took the run. One that has not ended may be tried again from here on. */
void weft__approvals_left(weft_approvals *book, weft_uuid run);
/** The run that was taken has ended, or is kept anew. */
void weft__approvals_done(weft_approvals *book, weft_uuid run);

/** A run as the JSON of a file, and back; strings in arena. */
int weft__suspended_write(const struct weft__suspended *s, weft_arena *arena, weft_str *ret_json);
int weft__suspended_read(weft_str json, weft_arena *arena, struct weft__suspended *ret, weft_error *err);

/** Files of a folder: one text by one name, whole or not at all. @return 0 or -errno */
int weft__folder_make(const char *folder);
/** Be the only one who has the folder, until the descriptor is closed. @return it, -EBUSY (*ret_owner: whose it is; 0: not known) */
int weft__folder_lock(const char *folder, int64_t *ret_owner);
int weft__folder_put(const char *folder, const char *name, weft_str text);
int weft__folder_remove(const char *folder, const char *name);
/** Call fn for each name that ends in `ending`, until it gives something else than 0. */
int weft__folder_each(const char *folder, const char *ending, int (*fn)(const char *path, void *user), void *user);

#endif
