/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/put.h - fields of an object into JSON, for all that writes results: each call is a key with its value. What is
 * out of memory shows when the writer is asked for its text.
 */
#ifndef WEFT_BENCH_PUT_H
#define WEFT_BENCH_PUT_H

#include <stdio.h>

#include <weft/weft.h>

void bench_put_key(weft_json_writer *w, const char *name);
void bench_put_number(weft_json_writer *w, const char *name, double value); /* null where it is not finite */
void bench_put_count(weft_json_writer *w, const char *name, uint64_t value);
void bench_put_flag(weft_json_writer *w, const char *name, bool value);
void bench_put_text(weft_json_writer *w, const char *name, const char *value); /* NULL: null */

/* The same, or no field at all: where a number is NAN, a text NULL. */
void bench_put_number_if(weft_json_writer *w, const char *name, double value);
void bench_put_text_if(weft_json_writer *w, const char *name, const char *value);
/* [low, high], of what cannot be below 0; no field where one is not finite. */
void bench_put_interval_if(weft_json_writer *w, const char *name, double low, double high);

void bench_put_numbers(weft_json_writer *w, const char *name, const double *values, size_t count);
void bench_put_counts_of(weft_json_writer *w, const char *name, const uint32_t *values, size_t count);

/* A key whose object or list begins; weft_json_end_object and _end_array end it. */
void bench_put_object(weft_json_writer *w, const char *name);
void bench_put_list(weft_json_writer *w, const char *name);

/* The whole text and a line's end. @return 0, -EIO, or what the writer says */
int bench_put_print(weft_json_writer *w, FILE *to);

#endif
