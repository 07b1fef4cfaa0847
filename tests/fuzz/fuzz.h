/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/fuzz/fuzz.h - what a harness needs. A harness defines LLVMFuzzerTestOneInput and
 * says with FUZZ_CHECK what must hold; link it with driver.c for an ordinary test, or
 * build it with clang -fsanitize=fuzzer for a real hunt.
 */
#ifndef WEFT_TESTS_FUZZ_FUZZ_H
#define WEFT_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(cond)                                                                                     \
	do {                                                                                                 \
		if (!(cond)) {                                                                               \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond);            \
			abort();                                                                             \
		}                                                                                            \
	} while (0)

#endif
