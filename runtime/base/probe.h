/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime/base/probe.h - places where perf, bpftrace and SystemTap may look in, in a process that runs.
 *
 * A probe is one nop, and a note in the library that says where it is and in which register or on which stack slot
 * its arguments lie. Who is not looked at pays for the nop; arguments must be at hand anyway, so never compute
 * one. Without <sys/sdt.h> (-Dusdt) there is nothing at all.
 *
 * The provider is "weft". Which probes there are, and what their arguments mean, is an interface:
 * docs/guide/observing.md, checked by tests/house/check_probes.py.
 */
#ifndef WEFT_RUNTIME_BASE_PROBE_H
#define WEFT_RUNTIME_BASE_PROBE_H

#ifdef WEFT_HAVE_USDT
#include <sys/sdt.h>

#define WEFT_PROBE1(name, a) DTRACE_PROBE1(weft, name, a)
#define WEFT_PROBE2(name, a, b) DTRACE_PROBE2(weft, name, a, b)
#define WEFT_PROBE3(name, a, b, c) DTRACE_PROBE3(weft, name, a, b, c)
#else
#define WEFT_PROBE1(name, a) ((void)sizeof(a))
#define WEFT_PROBE2(name, a, b) ((void)sizeof(a), (void)sizeof(b))
#define WEFT_PROBE3(name, a, b, c) ((void)sizeof(a), (void)sizeof(b), (void)sizeof(c))
#endif

#endif
