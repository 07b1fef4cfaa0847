/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/mem/fault.h - how a simulation makes memory run out. */
#ifndef WEFT_RUNTIME_MEM_FAULT_H
#define WEFT_RUNTIME_MEM_FAULT_H

#include <stdbool.h>

/* From now on fn is asked before each allocation; true refuses it. NULL: no more. While one thread uses weft. */
void weft__alloc_refuse_set(bool (*fn)(void));

#endif
