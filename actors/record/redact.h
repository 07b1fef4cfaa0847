/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/record/redact.h - secrets out of texts, before they are written or compared.
 *
 * Three nets, and the host's hook behind them:
 *  - the values of environment variables whose names say what they are (OPENAI_API_KEY), wherever they stand;
 *  - words that begin as keys of known services do (sk-, ghp_, AKIA, ...), and PEM private keys;
 *  - what is given to a name like "password": "password": "x", password=x, Authorization: Bearer x.
 * What is found becomes "[redacted]". Redacting twice is redacting once: a replay compares what it sees, redacted,
 * with what was written.
 */
#ifndef WEFT_ACTORS_RECORD_REDACT_H
#define WEFT_ACTORS_RECORD_REDACT_H

#include <weft/alloc.h>
#include <weft/base.h>
#include <weft/record.h>

#include "runtime/base/atomic.h"

#define WEFT__REDACTED "[redacted]"
#define WEFT__REDACT_VALUES 64u

struct weft__redact {
	weft_str values[WEFT__REDACT_VALUES]; /* owned */
	uint32_t value_count;
	/* so that most places of a text are passed with one look */
	uint8_t first[256];     /* of a byte: can a value, or a key, begin with it? */
	uint32_t name_ends[26]; /* of a name's last letter: a bit for each letter before it that a secret's name may have */
	weft_redact_fn host; /* may be NULL */
	void *host_user;
	_Atomic(uint64_t) found; /* relaxed: statistics */
};

/** Look at the environment. @return 0 or -ENOMEM */
int weft__redact_init(struct weft__redact *r, weft_redact_fn host, void *host_user);
void weft__redact_fini(struct weft__redact *r);

/** text, or a copy in arena without its secrets. Empty when out of memory: never the text itself. Threads: any. */
weft_str weft__redact(struct weft__redact *r, weft_str text, weft_arena *arena);

#endif
