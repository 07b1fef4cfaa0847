/* SPDX-License-Identifier: Apache-2.0 */
/* net/mock_llm/draw.c - see draw.h. */
#include "net/mock_llm/draw.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <weft/alloc.h>

#define LIST_MAX 1000000u

double weft__draw_unit(struct weft__rng *rng)
{
	return (double)(weft__rng_next(rng) >> 11) * 0x1p-53;
}

/* The normal distribution by Box and Muller. */
static double draw_normal(struct weft__rng *rng)
{
	double u = 1.0 - weft__draw_unit(rng), v = weft__draw_unit(rng);

	return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

uint64_t weft__draw_time_ns(const struct weft__draw_times *t, struct weft__rng *rng)
{
	double ms = t->median_ms;

	if (t->kind == WEFT__TIMES_LOGNORMAL)
		ms *= exp(t->sigma * draw_normal(rng));
	else if (t->kind == WEFT__TIMES_LIST)
		ms = t->list_ms[weft__rng_below(rng, t->count)];
	return (uint64_t)((ms < WEFT__TIMES_MS_MAX ? ms : WEFT__TIMES_MS_MAX) * 1e6);
}

void weft__draw_times_fini(struct weft__draw_times *t)
{
	weft_free(t->list_ms);
	*t = (struct weft__draw_times){ .count = 0 };
}

/* Digits, perhaps with a point in them: strtod would follow the host's locale. NULL: there are none. */
static const char *take_number(const char *at, double *ret)
{
	const char *begin = at;
	double n = 0, unit = 1;

	for (; *at >= '0' && *at <= '9'; at++)
		n = n * 10 + (*at - '0');
	if (at > begin && *at == '.') {
		for (at++; *at >= '0' && *at <= '9'; at++)
			n += (*at - '0') * (unit /= 10);
	}
	*ret = n;
	return at > begin ? at : NULL;
}

/* A number of milliseconds, with "ms" behind it or nothing; what stands behind that. */
static const char *take_ms(const char *at, double *ret)
{
	const char *end = take_number(at, ret);

	if (!end || *ret > WEFT__TIMES_MS_MAX)
		return NULL;
	return strncmp(end, "ms", 2) ? end : end + 2;
}

static int read_line(struct weft__draw_times *t, const char *path, const char *line, uint32_t number, weft_error *err)
{
	const char *at = line + strspn(line, " \t"), *end;
	double ms, *more;
	int r;

	if (*at == '\n' || *at == '\0' || *at == '#')
		return 0;
	end = take_ms(at, &ms);
	if (!end || end[strspn(end, " \t\r\n")] || t->count == LIST_MAX) {
		r = weft_error_set(err, WEFT_ECONFIG, "%s:%u: not a number of milliseconds up to an hour", path, number);
		if (err)
			err->line = number;
		return r;
	}
	if ((t->count & (t->count - 1)) == 0) { /* at each power of two */
		more = weft_realloc(t->list_ms, (t->count ? t->count * 2 : 1) * sizeof(*more));
		if (!more)
			return weft_error_set(err, -ENOMEM, "%s: no memory", path);
		t->list_ms = more;
	}
	t->list_ms[t->count++] = ms;
	return 0;
}

static int read_list(struct weft__draw_times *t, const char *path, weft_error *err)
{
	char line[256];
	uint32_t number = 0;
	FILE *f = fopen(path, "re");
	int r = 0;

	if (!f)
		return weft_error_set(err, -errno, "%s: %s", path, weft_strerror(-errno));
	while (r == 0 && fgets(line, sizeof(line), f))
		r = read_line(t, path, line, ++number, err);
	fclose(f);
	if (r == 0 && !t->count)
		r = weft_error_set(err, WEFT_ECONFIG, "%s: no times in it", path);
	return r;
}

static int parse_lognormal(struct weft__draw_times *t, const char *at)
{
	const char *colon = take_ms(at, &t->median_ms), *end = colon && *colon == ':' ? take_number(colon + 1, &t->sigma) : NULL;

	return end && !*end && t->sigma <= 10 ? 0 : -EINVAL;
}

int weft__draw_times_parse(const char *text, struct weft__draw_times *ret, weft_error *err)
{
	struct weft__draw_times t = { .kind = WEFT__TIMES_CONSTANT };
	const char *end;
	int r = 0;

	if (!text) {
		*ret = t;
		return 0;
	}
	if (!strncmp(text, "file:", 5)) {
		t.kind = WEFT__TIMES_LIST;
		r = read_list(&t, text + 5, err);
	} else if (!strncmp(text, "lognormal:", 10)) {
		t.kind = WEFT__TIMES_LOGNORMAL;
		r = parse_lognormal(&t, text + 10);
	} else {
		end = take_ms(text, &t.median_ms);
		r = end && !*end ? 0 : -EINVAL;
	}
	if (r == -EINVAL)
		weft_error_set(err, r, "latency '%.60s': want MS, lognormal:MS:SIGMA or file:PATH", text);
	if (r < 0)
		weft__draw_times_fini(&t);
	else
		*ret = t;
	return r;
}
