/* SPDX-License-Identifier: Apache-2.0 */
/* bench/page/page.c - the page as a whole, and what its parts share. */
#include <errno.h>

#include "bench/page/html.h"
#include "bench/page/parts.h"

extern const char bench_style_css[], bench_script_js[];
extern const size_t bench_style_css_len, bench_script_js_len;

void page_section(FILE *to, const char *id, const char *title, const char *text)
{
	fprintf(to, "<section id=\"%s\"><h2>%s</h2>\n<p>%s</p>\n", id, title, text);
}

void page_section_end(FILE *to)
{
	fputs("</section>\n", to);
}

char *page_headline(const struct bench_results_entry *e, char *buf)
{
	if (bench_is_given(e->bytes)) {
		snprintf(buf, HTML_NUMBER, "%.0f bytes", e->bytes);
		return buf;
	}
	return html_time(e->latency.median, buf);
}

void page_link(FILE *to, const char *id)
{
	fputs("<a href=\"#", to);
	html_anchor(to, id);
	fputs("\">", to);
	html_text(to, id);
	fputs("</a>", to);
}

void page_bar(FILE *to, double share, unsigned colour)
{
	fprintf(to,
	        "<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
	        "<rect class=\"fill s%u\" width=\"%.2f\" height=\"8\"/></svg>",
	        colour % 6, share < 0 ? 0 : share > 1 ? 100 : share * 100);
}

static void head(FILE *to, const struct bench_page *p)
{
	fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
	      "script-src 'unsafe-inline'; img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n<title>",
	      to);
	html_textf(to, "%s bench, %s", p->run->runtime, p->run->timestamp);
	fputs("</title>\n<style>\n", to);
	fwrite(bench_style_css, 1, bench_style_css_len, to);
	fputs("</style>\n</head>\n<body>\n<header><h1>", to);
	html_textf(to, "%s bench", p->run->runtime);
	fputs("</h1><p>", to);
	html_textf(to, "%s, %s, on %u %s", p->run->system.runtime_version, p->run->timestamp, p->run->system.cpus,
	           p->run->system.cpu_model ? p->run->system.cpu_model : p->run->system.arch);
	fputs("</p></header>\n<nav aria-label=\"Parts\"><a href=\"#summary\">Summary</a> <a href=\"#workers\">Workers</a> "
	      "<a href=\"#load\">Load</a> <a href=\"#stages\">Stages</a> <a href=\"#sizes\">Sizes</a> "
	      "<a href=\"#memory\">Memory</a> <a href=\"#peers\">Peers</a> <a href=\"#entries\">Every entry</a></nav>\n<main>\n",
	      to);
}

static void foot(FILE *to)
{
	fputs("</main>\n<footer><p>Point at any figure, or tap it, to see what it is. Nothing on this page was loaded from "
	      "anywhere.</p></footer>\n<div id=\"tip\" role=\"status\" hidden></div>\n<script>\n",
	      to);
	fwrite(bench_script_js, 1, bench_script_js_len, to);
	fputs("</script>\n</body>\n</html>\n", to);
}

int bench_page_write(FILE *to, const struct bench_page *p)
{
	head(to, p);
	page_summary(to, p);
	page_workers(to, p);
	page_load(to, p);
	page_stages(to, p);
	page_sizes(to, p);
	page_memory(to, p);
	page_published(to, p);
	page_peers(to, p);
	page_entries(to, p);
	foot(to);
	return fflush(to) != 0 || ferror(to) ? -EIO : 0;
}
