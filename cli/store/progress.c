/* SPDX-License-Identifier: Apache-2.0 */
/* cli/store/progress.c - see store.h. Ten times a second, on standard error. */
#include <stdio.h>
#include <unistd.h>

#include "cli/store/store.h"

#define BAR_CHARS 30
#define EVERY_NS UINT64_C(100000000)

struct store_progress store_progress_begin(const char *what, bool quiet)
{
	return (struct store_progress){ .what = what, .on = !quiet && isatty(STDERR_FILENO) };
}

void store_progress_show(struct store_progress *p, uint64_t done_bytes, uint64_t total_bytes)
{
	uint64_t now = p->on ? weft_now_ns() : 0;
	double part = total_bytes ? (double)done_bytes / (double)total_bytes : 0;
	int filled;

	if (!p->on || (p->drawn_ns && now - p->drawn_ns < EVERY_NS && done_bytes != total_bytes))
		return;
	p->drawn_ns = now;
	part = part > 1 ? 1 : part;
	filled = (int)(part * BAR_CHARS);
	if (total_bytes)
		fprintf(stderr, "\r%s [%.*s%*s] %3.0f%% %.1f MB\033[K", p->what, filled, "##############################",
		        BAR_CHARS - filled, "", part * 100, (double)done_bytes / 1e6);
	else
		fprintf(stderr, "\r%s %.1f MB\033[K", p->what, (double)done_bytes / 1e6);
	fflush(stderr);
}

void store_progress_end(struct store_progress *p)
{
	if (p->on && p->drawn_ns)
		fputs("\r\033[K", stderr);
	p->on = false;
}
