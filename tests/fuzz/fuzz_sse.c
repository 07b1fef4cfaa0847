/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events of hostile bytes. Oracles: a second reader, written the slow and plain way after the text of the
 * HTML standard, tells the same events; cuts make no difference; limits hold.
 */
#include "fuzz.h"

#include <string.h>

#include "net/sse/sse.h"

struct told {
	char *text;
	size_t len, cap;
};

static void add(struct told *t, const char *bytes, size_t len)
{
	if (t->len + len + 1 > t->cap) {
		t->cap = (t->len + len + 1) * 2;
		t->text = realloc(t->text, t->cap);
		FUZZ_CHECK(t->text);
	}
	if (len)
		memcpy(t->text + t->len, bytes, len);
	t->len += len;
}

/* Each part with its length, so that no two lists of events look the same. */
static void add_part(struct told *t, weft_str s)
{
	char head[32];

	add(t, head, (size_t)snprintf(head, sizeof(head), "%zu:", s.len_bytes));
	add(t, s.ptr, s.len_bytes);
}

static int on_event(const struct weft__sse_event *e, void *user)
{
	add_part(user, e->type);
	add_part(user, e->data);
	add_part(user, e->id);
	return 0;
}

/* ---- the plain reader ------------------------------------------------------------------ */

struct plain {
	struct told data, type, id, *out;
};

static void plain_line(struct plain *p, const char *line, size_t len)
{
	const char *colon = len ? memchr(line, ':', len) : NULL;
	size_t name = colon ? (size_t)(colon - line) : len, skip = colon ? name + 1 : len;

	if (!len) {
		if (p->data.len) {
			p->data.len--; /* its last LF */
			add_part(p->out, p->type.len ? (weft_str){ p->type.text, p->type.len } : WEFT_STR("message"));
			add_part(p->out, (weft_str){ p->data.text, p->data.len });
			add_part(p->out, (weft_str){ p->id.text, p->id.len });
		}
		p->data.len = p->type.len = 0;
		return;
	}
	if (skip < len && line[skip] == ' ')
		skip++;
	if (name == 4 && !memcmp(line, "data", 4)) {
		add(&p->data, line + skip, len - skip);
		add(&p->data, "\n", 1);
	} else if (name == 5 && !memcmp(line, "event", 5)) {
		p->type.len = 0;
		add(&p->type, line + skip, len - skip);
	} else if (name == 2 && !memcmp(line, "id", 2) && !(len > skip && memchr(line + skip, 0, len - skip))) {
		p->id.len = 0;
		add(&p->id, line + skip, len - skip);
	}
}

static void plain_read(const char *bytes, size_t len, struct told *out)
{
	struct plain p = { .out = out };
	size_t at = len >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0, line = at;

	for (; at < len; at++) {
		if (bytes[at] != '\n' && bytes[at] != '\r')
			continue;
		plain_line(&p, bytes + line, at - line);
		at += bytes[at] == '\r' && at + 1 < len && bytes[at + 1] == '\n';
		line = at + 1;
	}
	free(p.data.text);
	free(p.type.text);
	free(p.id.text);
}

/* ---- ours --------------------------------------------------------------------------------- */

static int feed(struct weft__sse *s, const char *bytes, size_t len)
{
	char *copy = malloc(len ? len : 1);
	int r;

	FUZZ_CHECK(copy);
	if (len)
		memcpy(copy, bytes, len);
	r = weft__sse_feed(s, copy, len);
	free(copy);
	return r;
}

static int read_cut(const char *bytes, size_t len, size_t cut, uint32_t max, struct told *out)
{
	struct weft__sse s;
	int r = 0;

	weft__sse_init(&s, max, on_event, out);
	for (size_t at = 0; at < len && r == 0; at += cut)
		r = feed(&s, bytes + at, cut < len - at ? cut : len - at);
	FUZZ_CHECK(r == 0 || (r == -90 && s.error)); /* EMSGSIZE */
	FUZZ_CHECK(s.line.cap <= 2 * max + 512 && s.data.cap <= 2 * max + 512);
	weft__sse_fini(&s);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct told plain = { .text = NULL }, whole = { .text = NULL };
	size_t cuts[] = { size + 1, 1, 2, 3, 7, size / 2 + 1 };

	plain_read(bytes, size, &plain);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct told t = { .text = NULL }, small = { .text = NULL };
		int r = read_cut(bytes, size, cuts[i], 1u << 16, &t);

		FUZZ_CHECK(r == 0 && t.len == plain.len && (!t.len || !memcmp(t.text, plain.text, t.len)));
		r = read_cut(bytes, size, cuts[i], 20, &small);
		if (i == 0)
			whole = small;
		FUZZ_CHECK(small.len == whole.len && (!small.len || !memcmp(small.text, whole.text, small.len)));
		FUZZ_CHECK(r < 0 || small.len == plain.len);
		if (i)
			free(small.text);
		free(t.text);
	}
	free(whole.text);
	free(plain.text);
	return 0;
}
