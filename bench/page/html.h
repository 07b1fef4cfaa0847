/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/page/html.h - text into HTML. Names in a result file are a stranger's: each goes through html_text, and what is
 * printed plainly is ours or a number.
 */
#ifndef WEFT_BENCH_PAGE_HTML_H
#define WEFT_BENCH_PAGE_HTML_H

#include <stdio.h>

#include <weft/base.h>

#define HTML_NUMBER 32 /* bytes of a number as text */

/* Escaped, for content and for values of attributes in double quotes. NULL: nothing. */
void html_text(FILE *to, const char *text);
/* Formatted, then escaped. What comes to more than 1 KiB is cut. */
void html_textf(FILE *to, const char *fmt, ...) WEFT_PRINTF(2, 3);
/* An id attribute's value: 'e-' and the text with all but letters, digits, '-', '_' and '@' as '.'. */
void html_anchor(FILE *to, const char *text);

/* Numbers as people read them, into HTML_NUMBER bytes; "-" for what is not given. All return buf. */
char *html_time(double ms, char *buf);
char *html_rate(double per_second, char *buf);
char *html_megabytes(double mb, char *buf);
char *html_count(double n, char *buf);
char *html_ratio(double ratio, char *buf);

/* <td>text</td> with what it means as its title. */
void html_cell(FILE *to, const char *text, const char *means);

#endif
