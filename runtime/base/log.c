/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/base/log.c - see log.h. */
#include "runtime/base/log.h"

#include <stdarg.h>
#include <stdio.h>

void weft__log(const struct weft__log *log, weft_log_level level, const char *fmt, ...)
{
	char line[512];
	va_list args;

	if (!log || !log->fn || (uint32_t)level < log->level)
		return;
	va_start(args, fmt);
	if (vsnprintf(line, sizeof(line), fmt, args) < 0)
		line[0] = '\0';
	va_end(args);
	log->fn(level, line, log->user);
}
