/* SPDX-License-Identifier: Apache-2.0 */
/* bench/page/html.c - see html.h. */
#include "bench/page/html.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "bench/bench.h"

void html_text(FILE *to, const char *text)
{
	for (const char *p = text ? text : ""; *p; p++) {
		switch (*p) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		case '\'':
			fputs("&#39;", to);
			break;
		default:
			if ((unsigned char)*p >= 0x20 || *p == '\n' || *p == '\t')
				fputc(*p, to);
			break;
		}
	}
}

void html_textf(FILE *to, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	html_text(to, text);
}

void html_anchor(FILE *to, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_@";

	fputs("e-", to);
	for (; *text; text++)
		fputc(strchr(plain, *text) ? *text : '.', to);
}

/* ---- numbers --------------------------------------------------------------------------- */

static char *none(char *buf)
{
	return strcpy(buf, "-");
}

char *html_time(double ms, char *buf)
{
	if (isnan(ms))
		return none(buf);
	bench_time_text(ms, buf, HTML_NUMBER);
	return buf;
}

/* Three digits and k, M, G. */
static char *scaled(double value, const char *unit, char *buf)
{
	static const char *const prefixes[] = { "", "k", "M", "G", "T" };
	size_t at = 0;

	if (isnan(value))
		return none(buf);
	while (fabs(value) >= 999.5 && at < 4) {
		value /= 1000;
		at++;
	}
	snprintf(buf, HTML_NUMBER, "%.*f %s%s", fabs(value) >= 99.95 || (at == 0 && value == floor(value)) ? 0 : fabs(value) >= 9.995 ? 1 : 2,
	         value, prefixes[at], unit);
	while (buf[0] && buf[strlen(buf) - 1] == ' ')
		buf[strlen(buf) - 1] = '\0';
	return buf;
}

char *html_rate(double per_second, char *buf)
{
	return scaled(per_second, "/s", buf);
}

char *html_megabytes(double mb, char *buf)
{
	return scaled(mb * 1e6, "B", buf);
}

char *html_count(double n, char *buf)
{
	return scaled(n, "", buf);
}

char *html_ratio(double ratio, char *buf)
{
	if (isnan(ratio))
		return none(buf);
	snprintf(buf, HTML_NUMBER, ratio >= 100 ? "%.0f x" : ratio >= 10 ? "%.1f x" : "%.2f x", ratio);
	return buf;
}

void html_cell(FILE *to, const char *text, const char *means)
{
	fputs("<td title=\"", to);
	html_text(to, means);
	fputs("\">", to);
	html_text(to, text);
	fputs("</td>", to);
}
