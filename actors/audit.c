/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors/audit.c - an audit line a call: who called what, who let it, what came of it.
 *
 * A file is appended to by one write a line, so lines of several processes do not mix. A line is bounded: long parts
 * are cut, and when it is too long all the same it goes without arguments and reason.
 */
#include "actors/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/runtime.h>

#include "actors/record/redact.h"
#include "actors/text.h"
#include "runtime/base/refs.h"

#define LINE_BYTES_MAX 4096u
#define NAME_BYTES_MAX 128u
#define REASON_BYTES_MAX 256u
#define ARGUMENTS_BYTES_MAX 1024u

struct weft_audit {
	weft__refs refs;
	bool arguments_text;
	int fd; /* owned; -1: none */
	void (*line)(weft_str line, void *user);
	void *user;
	_Atomic(uint64_t) lost; /* atomic, relaxed: statistics */
	struct weft__redact redact;
};

int weft_audit_open(const weft_audit_options *opt, weft_audit **ret_audit, weft_error *err)
{
	weft_audit *audit;
	int r;

	if (!opt || opt->size != sizeof(*opt) || !ret_audit || (!opt->path && !opt->line))
		return weft_error_set(err, -EINVAL, "an audit needs options of the right size, and a path or a function");
	audit = weft_calloc(1, sizeof(*audit));
	if (!audit)
		return -ENOMEM;
	weft__refs_init(&audit->refs, 1);
	audit->fd = -1;
	audit->arguments_text = opt->arguments_text;
	audit->line = opt->line;
	audit->user = opt->user;
	r = weft__redact_init(&audit->redact, NULL, NULL);
	if (r == 0 && opt->path) {
		audit->fd = open(opt->path, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
		if (audit->fd < 0)
			r = weft_error_set(err, -errno, "%s: %s", opt->path, weft_strerror(-errno));
	}
	if (r < 0) {
		weft_audit_unref(audit);
		return r;
	}
	*ret_audit = audit;
	return 0;
}

weft_audit *weft_audit_ref(weft_audit *audit)
{
	weft__refs_take(&audit->refs);
	return audit;
}

void weft_audit_unref(weft_audit *audit)
{
	if (!audit || !weft__refs_drop(&audit->refs))
		return;
	weft__redact_fini(&audit->redact);
	if (audit->fd >= 0)
		close(audit->fd);
	weft_free(audit);
}

uint64_t weft_audit_lost(const weft_audit *audit)
{
	return weft__load_relaxed(&audit->lost); /* relaxed: statistics */
}

static void put(weft_json_writer *w, const char *key, weft_str text, size_t max)
{
	if (!text.len_bytes)
		return;
	weft_json_key(w, weft_str_from(key));
	weft_json_put_str(w, (weft_str){ text.ptr, weft__str_cut(text, max) });
}

static void put_run(weft_json_writer *w, weft_uuid run)
{
	char text[WEFT_UUID_TEXT_LEN];

	if (weft_uuid_is_nil(run))
		return;
	weft_uuid_format(run, text);
	put(w, "run", (weft_str){ text, sizeof(text) }, sizeof(text));
}

static void put_arguments(weft_audit *audit, weft_json_writer *w, const struct weft__audit_entry *e, weft_arena *arena)
{
	char text[33];

	if (e->arguments.doc) {
		weft_hash128 hash = weft_json_canonical_hash(e->arguments);

		snprintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64, hash.hi, hash.lo);
		put(w, "arguments_hash", weft_str_from(text), sizeof(text));
	}
	if (audit->arguments_text && arena)
		put(w, "arguments", weft__redact(&audit->redact, e->arguments_text, arena), ARGUMENTS_BYTES_MAX);
}

/* arena NULL: without what may be long. */
static int write_line(weft_audit *audit, weft_json_writer *w, const struct weft__audit_entry *e, weft_arena *arena,
                      weft_str *ret_line)
{
	char time[24];

	weft__format_utc(weft_wall_ms(), time);
	weft_json_writer_reset(w);
	weft_json_begin_object(w);
	put(w, "time", weft_str_from(time), sizeof(time));
	weft_json_key(w, WEFT_STR("time_ms"));
	weft_json_put_int(w, weft_wall_ms());
	put(w, "agent", e->agent, NAME_BYTES_MAX);
	weft_json_key(w, WEFT_STR("workflow"));
	weft_json_put_uint(w, e->workflow_id);
	put_run(w, e->run);
	put(w, "tool", e->tool, NAME_BYTES_MAX);
	put(w, "call", e->call_id, NAME_BYTES_MAX);
	put_arguments(audit, w, e, arena);
	put(w, "decision", weft_str_from(e->decision), NAME_BYTES_MAX);
	put(w, "by", e->by, NAME_BYTES_MAX);
	if (arena)
		put(w, "reason", weft__redact(&audit->redact, e->reason, arena), REASON_BYTES_MAX);
	weft_json_key(w, WEFT_STR("made"));
	weft_json_put_bool(w, e->made);
	put(w, "status", e->status < 0 ? weft_str_from(weft_errname(e->status)) : WEFT_STR("ok"), NAME_BYTES_MAX);
	if (e->made) {
		weft_json_key(w, WEFT_STR("duration_ms"));
		weft_json_put_double(w, (double)e->duration_ns / 1e6);
	}
	weft_json_end_object(w);
	return weft_json_writer_text(w, ret_line);
}

static bool emit(weft_audit *audit, weft_str line)
{
	char whole[LINE_BYTES_MAX + 1];
	ssize_t n;

	if (audit->line)
		audit->line(line, audit->user);
	if (audit->fd < 0)
		return true;
	memcpy(whole, line.ptr, line.len_bytes);
	whole[line.len_bytes] = '\n';
	do {
		n = write(audit->fd, whole, line.len_bytes + 1);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)line.len_bytes + 1;
}

void weft__audit_note(weft_audit *audit, const struct weft__audit_entry *entry)
{
	weft_json_writer *w = NULL;
	weft_arena *arena = NULL;
	weft_str line;
	int r = weft_json_writer_create(0, &w);

	if (r == 0)
		r = weft_arena_create(0, &arena);
	if (r == 0)
		r = write_line(audit, w, entry, arena, &line);
	if (r == 0 && line.len_bytes > LINE_BYTES_MAX)
		r = write_line(audit, w, entry, NULL, &line);
	if (r < 0 || line.len_bytes > LINE_BYTES_MAX || !emit(audit, line))
		weft__fetch_add_relaxed(&audit->lost, 1); /* relaxed: statistics */
	weft_arena_destroy(arena);
	weft_json_writer_destroy(w);
}
