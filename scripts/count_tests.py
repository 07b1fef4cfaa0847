#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
count_tests.py TESTLOG_JSON [CONFIG FAILURES]: prints "PASSED FAILED" of one `meson test` run.

A Criterion program counts as its cases, any other test as one. A program that failed,
or in which a sanitizer found something, counts as at least one failure, whatever it said.

FAILURES is a file to which what failed is added: the configuration and the program, how it ended, and what it said of it.
"""
import json
import re
import sys

# A sanitizer may report on the way out of a test that passed.
REPORT = re.compile(r'ERROR: (?:Address|Leak)Sanitizer|WARNING: ThreadSanitizer|: runtime error: ')
SYNTHESIS = re.compile(r'Synthesis: Tested: (\d+) \| Passing: (\d+) \| Failing: (\d+) \| Crashing: (\d+)')
# What says why: Criterion's lines that are not "passed", a failed assert, a sanitizer, the seed to repeat it with.
TELLING = re.compile(r'^\[(?!\[?(?:RUN|PASS|====|SKIP))|[Aa]ssert|seed|[Ss]ummary|ThreadSanitizer|: runtime error: |[Ff]ail')
TELLING_LINES = 20


def telling(said):
    """the lines of a failed program's output that say what failed; its last ones where none does"""
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    return [line for line in lines if TELLING.search(line)][:TELLING_LINES] or lines[-TELLING_LINES:]


def main():
    config, named = sys.argv[2:] or (None, None)
    passed = failed = 0
    failures = []
    try:
        lines = open(sys.argv[1], encoding='utf-8', errors='replace').read().splitlines()
    except OSError as error:
        print(f'count_tests: {error}', file=sys.stderr)
        return 1
    for line in filter(None, lines):
        test = json.loads(line)
        if test['result'] == 'SKIP':
            continue
        said = re.sub(r'\x1b\[[0-9;]*m', '', (test.get('stdout') or '') + (test.get('stderr') or ''))
        ok = test['result'] in ('OK', 'EXPECTEDFAIL') and not REPORT.search(said)
        cases = SYNTHESIS.search(said)
        good, bad = (int(cases[2]), int(cases[3]) + int(cases[4])) if cases else (1 if ok else 0, 0 if ok else 1)
        passed += good
        failed += bad if ok else max(bad, 1)
        if not ok or bad:
            failures += [f"  {config}: {test['name']}: {test['result']} after {test['duration']:.1f} s"]
            failures += [f'    {said_line}' for said_line in telling(said)]
    if named:
        with open(named, 'a', encoding='utf-8') as out:
            out.writelines(f'{line}\n' for line in failures)
    print(passed, failed)
    return 0 if passed or failed else 1


if __name__ == '__main__':
    sys.exit(main())
