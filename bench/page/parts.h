/* SPDX-License-Identifier: Apache-2.0 */
/* bench/page/parts.h - the parts of the page; each writes a section, or nothing where the result has nothing for it. */
#ifndef WEFT_BENCH_PAGE_PARTS_H
#define WEFT_BENCH_PAGE_PARTS_H

#include "bench/page/page.h"

/* <section id="ID"><h2>TITLE</h2><p>TEXT</p>, all of them ours; page_section_end closes it. */
void page_section(FILE *to, const char *id, const char *title, const char *text);
void page_section_end(FILE *to);

void page_summary(FILE *to, const struct bench_page *p);
void page_goals(FILE *to, const struct bench_results *run); /* of the summary */
uint32_t page_goals_reached(const struct bench_results *run);
void page_changes(FILE *to, const struct bench_page *p); /* the same */
/* Now over then, where the intervals of this run and of the one before lie apart; else NAN. */
double page_change(const struct bench_page *p, const struct bench_results_entry *e);
void page_workers(FILE *to, const struct bench_page *p);
void page_load(FILE *to, const struct bench_page *p);
void page_stages(FILE *to, const struct bench_page *p);
void page_sizes(FILE *to, const struct bench_page *p);
void page_memory(FILE *to, const struct bench_page *p);
void page_published(FILE *to, const struct bench_page *p);
bool page_is_reached(const struct bench_results_published *p); /* at or better than the range that was published */
void page_peers(FILE *to, const struct bench_page *p);
void page_entries(FILE *to, const struct bench_page *p);

/* The figure an entry is judged by: bytes where it has them, else its median. "-" when it has none. */
char *page_headline(const struct bench_results_entry *e, char *buf);

/* A link to an entry's own place. */
void page_link(FILE *to, const char *id);

/* A bar of a share (0 .. 1) of its cell's width. */
void page_bar(FILE *to, double share, unsigned colour);

#endif
