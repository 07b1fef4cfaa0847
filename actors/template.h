/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/template.h - prompts with {{holes}}, compiled once.
 *
 * Compiling finds the holes and fills those that never change (the character's
 * name); rendering is one length sum, one allocation and a copy of each piece.
 * A hole whose name nobody knows is an error at compile time, not an empty
 * place in a prompt at run time.
 */
#ifndef WEFT_ACTORS_TEMPLATE_H
#define WEFT_ACTORS_TEMPLATE_H

#include <weft/alloc.h>
#include <weft/base.h>
#include <weft/error.h>

/* A name that may stand in {{ }}. */
struct weft__template_var {
	weft_str name;
	int slot;       /* >= 0: filled in when rendering, from slots[slot] */
	weft_str fixed; /* slot < 0: this text, for good */
};

struct weft__template; /* lives in the arena it was compiled in */

/* What fills a slot: pieces, joined by newlines; empty pieces are left out. */
struct weft__slot {
	const weft_str *parts;
	uint32_t count;
};

/**
 * @param source  text; copied
 * @return 0, -ENOMEM, WEFT_ECONFIG: an unknown name or an unclosed "{{"; err names the template and the hole
 */
int weft__template_compile(const char *name, weft_str source, const struct weft__template_var *vars,
                           uint32_t var_count, weft_arena *arena, const struct weft__template **ret,
                           weft_error *err);

/** Render into one block of arena, with a NUL behind it. @return 0 or -ENOMEM */
int weft__template_render(const struct weft__template *t, const struct weft__slot *slots, weft_arena *arena,
                          weft_str *ret_text);
/** How long the rendered text will be. */
size_t weft__template_len_bytes(const struct weft__template *t, const struct weft__slot *slots);

#endif
