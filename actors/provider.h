/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/provider.h - composing the state of a turn from its providers.
 *
 * Which providers: the include list alone, or all that are neither private nor
 * dynamic, the included ones, and dynamic ones whose keywords are in the message;
 * plus, either way, those that are in every state. They start in order of
 * position; those that wait run beside each other. What a provider gave is kept
 * for the message: it is not run again unless it is volatile.
 */
#ifndef WEFT_ACTORS_PROVIDER_H
#define WEFT_ACTORS_PROVIDER_H

#include "actors/turn.h"

struct weft__compose_spec {
	const weft_str *include; /* names; unknown ones are passed over */
	uint32_t include_count;
	bool include_only; /* nothing but those, and the always-run ones */
	bool keep;         /* the state so far stays: add to it */
};

/**
 * Start the providers that are needed.
 * @return 0: the state is composed; WEFT_PENDING: weft__turn_go goes on when the last is back; -ENOMEM
 */
int weft__compose(weft_turn *turn, const struct weft__compose_spec *spec);

/** The sections of the state in order of position, in the arena. @return how many, or -ENOMEM */
int weft__compose_sections(const weft_turn *turn, weft_str **ret_sections);

/** What the agent waits for while this call is pending. */
struct weft__op *weft__provider_op(weft_provider_call *call);

/** Shorten the conversation in the state by at least bytes, if it can be. @return by how much */
size_t weft__compose_trim(weft_turn *turn, size_t bytes);

/** Let go of what the arena does not hold. */
void weft__providers_fini(weft_turn *turn);

#endif
