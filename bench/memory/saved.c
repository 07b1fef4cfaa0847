/* SPDX-License-Identifier: Apache-2.0 */
/* bench/memory/saved.c - an index as a file: written, and opened until the first search has its answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/memory/memory.h"

struct saved {
	struct memory_index m;
	char folder[256], path[300];
};

static int saved_open(const struct bench_options *opt, const struct bench_micro *self, bool judged, struct saved *s,
                      struct bench_outcome *out)
{
	int r = memory_folder_make(s->folder, sizeof(s->folder));

	if (r < 0)
		return r;
	snprintf(s->path, sizeof(s->path), "%s/index", s->folder);
	return memory_index_ready(opt, self, WEFT_INDEX_GRAPH, judged, &s->m, out);
}

static void saved_close(struct saved *s, int r, struct bench_outcome *out)
{
	if (s->folder[0])
		memory_folder_remove(s->folder);
	memory_index_close(&s->m);
	memory_end(out, r);
}

void memory_save(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct saved s = { .path = "" };
	int r;

	memory_begin(opt, self, out);
	r = saved_open(opt, self, false, &s, out);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		uint64_t t0 = weft_now_ns();

		r = weft_index_save(s.m.index, s.path);
		memory_add(out, i, t0, 1);
	}
	saved_close(&s, r, out);
}

/* Open the file and ask once; the answer has to be what the saved one says. */
static int open_and_ask(struct saved *s, struct memory_index *opened)
{
	weft_index_hit hits[MEMORY_TOP];
	int r = weft_index_open(s->path, NULL, &opened->index, NULL);

	if (r == 0)
		r = memory_ask(opened, 0, hits);
	return r < 0 ? r : r == (int)MEMORY_TOP ? 0 : -EIO;
}

void memory_open(const struct bench_options *opt, const struct bench_micro *self, struct bench_outcome *out)
{
	struct saved s = { .path = "" };
	double before = 0;
	int r;

	memory_begin(opt, self, out);
	r = saved_open(opt, self, true, &s, out);
	s.m.query.ef = out->ef = 64;
	if (r == 0)
		r = weft_index_save(s.m.index, s.path);
	if (r == 0)
		before = memory_recall(&s.m);
	for (uint32_t i = 0; r == 0 && i < out->warmup + out->iterations; i++) {
		struct memory_index opened = s.m;
		uint64_t t0 = weft_now_ns();

		opened.index = NULL;
		r = open_and_ask(&s, &opened);
		memory_add(out, i, t0, 1);
		out->recall = r == 0 ? memory_recall(&opened) : -1;
		weft_index_unref(opened.index);
	}
	if (r == 0 && out->recall != before)
		bench_fail(out, "recall %.4f of the opened index, %.4f of the saved one", out->recall, before);
	saved_close(&s, r, out);
}
