/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/put.h"

#include <errno.h>
#include <math.h>

void bench_put_key(weft_json_writer *w, const char *name)
{
	weft_json_key(w, weft_str_from(name));
}

void bench_put_number(weft_json_writer *w, const char *name, double value)
{
	bench_put_key(w, name);
	weft_json_put_double(w, value);
}

void bench_put_count(weft_json_writer *w, const char *name, uint64_t value)
{
	bench_put_key(w, name);
	weft_json_put_uint(w, value);
}

void bench_put_flag(weft_json_writer *w, const char *name, bool value)
{
	bench_put_key(w, name);
	weft_json_put_bool(w, value);
}

void bench_put_text(weft_json_writer *w, const char *name, const char *value)
{
	bench_put_key(w, name);
	if (value)
		weft_json_put_str(w, weft_str_from(value));
	else
		weft_json_put_null(w);
}

void bench_put_number_if(weft_json_writer *w, const char *name, double value)
{
	if (!isnan(value))
		bench_put_number(w, name, value);
}

void bench_put_text_if(weft_json_writer *w, const char *name, const char *value)
{
	if (value)
		bench_put_text(w, name, value);
}

void bench_put_interval_if(weft_json_writer *w, const char *name, double low, double high)
{
	if (isfinite(low) && isfinite(high))
		bench_put_numbers(w, name, (const double[]){ fmax(low, 0), fmax(high, 0) }, 2);
}

void bench_put_numbers(weft_json_writer *w, const char *name, const double *values, size_t count)
{
	bench_put_list(w, name);
	for (size_t i = 0; i < count; i++)
		weft_json_put_double(w, values[i]);
	weft_json_end_array(w);
}

void bench_put_counts_of(weft_json_writer *w, const char *name, const uint32_t *values, size_t count)
{
	bench_put_list(w, name);
	for (size_t i = 0; i < count; i++)
		weft_json_put_uint(w, values[i]);
	weft_json_end_array(w);
}

void bench_put_object(weft_json_writer *w, const char *name)
{
	bench_put_key(w, name);
	weft_json_begin_object(w);
}

void bench_put_list(weft_json_writer *w, const char *name)
{
	bench_put_key(w, name);
	weft_json_begin_array(w);
}

int bench_put_print(weft_json_writer *w, FILE *to)
{
	weft_str text;
	int r = weft_json_writer_text(w, &text);

	if (r < 0)
		return r;
	return fwrite(text.ptr, 1, text.len_bytes, to) == text.len_bytes && fputc('\n', to) != EOF ? 0 : -EIO;
}
