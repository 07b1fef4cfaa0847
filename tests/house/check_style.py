#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_style.py SOURCE_ROOT

Goal: what a tool can tell of the house style, told before a reviewer has to.
Method: each tracked source file opens with its SPDX line, is at most 800 lines, leaves no blanks at line ends, and
promises nothing for later; the library's shared words are touched through runtime/base/atomic.h.
"""
import pathlib
import re
import subprocess
import sys

TOPS = ['include', 'runtime', 'simd', 'store', 'net', 'sandbox', 'actors', 'bench', 'cli', 'examples', 'tests', 'scripts']
SOURCES = {'.c', '.h', '.cc', '.cpp', '.go', '.rs', '.erl', '.py', '.sh', '.map', '.build', ''}
LATER = re.compile(r'\b(?:TODO|FIXME|XXX)\b')
LINES_MAX = 800
LIBRARY = {'runtime', 'simd', 'store', 'net', 'sandbox', 'actors'}
BUILTIN = re.compile(r'\b(?:__atomic|__sync)_\w+|\batomic_\w+_explicit\b')
BUILTIN_MAY = {'runtime/queue/inject.h'}  # reads a word of Concurrency Kit's own


def files(root):
    """Tracked files, or all of them where there is no git."""
    run = subprocess.run(['git', '-C', root, 'ls-files', *TOPS], capture_output=True, text=True)
    if run.returncode == 0 and run.stdout:
        paths = [root / line for line in run.stdout.splitlines()]
    else:
        paths = [p for top in TOPS for p in sorted((root / top).rglob('*'))]
    return [p for p in paths if p.is_file() and p.suffix in SOURCES]


def past_the_seam(name):
    return name.parts[0] in LIBRARY and name.parts[:2] != ('runtime', 'base') and str(name) not in BUILTIN_MAY


def errors_of(path, name):
    lines = path.read_text(errors='replace').splitlines()
    if not any('SPDX-License-Identifier: Apache-2.0' in line for line in lines[:2]):
        yield f'{name}:1: no SPDX line'
    if len(lines) > LINES_MAX:
        yield f'{name}: {len(lines)} lines; look for the second idea'
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield f'{name}:{number}: blanks at the end of the line'
        if LATER.search(line) and path.name != 'check_style.py':
            yield f'{name}:{number}: promises something for later'
        if BUILTIN.search(line) and past_the_seam(name):
            yield f'{name}:{number}: a shared word is touched past runtime/base/atomic.h'


def assertions_that_only_criterion_has(root):
    """The sanitizer builds have a stand-in of Criterion (tests/plain): a test may use what both have."""
    have = set()
    for path in (root / 'tests/plain').rglob('*.h'):
        have |= set(re.findall(r'define\s+(cr_\w+)', path.read_text()))
    for path in sorted((root / 'tests').rglob('*.[ch]')):
        if 'plain' in path.parts:
            continue
        for number, line in enumerate(path.read_text(errors='replace').splitlines(), 1):
            for name in re.findall(r'\b(cr_(?:assert|expect)\w*)\(', line):
                if name not in have:
                    yield f'{path.relative_to(root)}:{number}: {name} is not in tests/plain'


def main():
    root = pathlib.Path(sys.argv[1])
    checked = files(root)
    errors = [e for path in checked for e in errors_of(path, path.relative_to(root))]
    errors += assertions_that_only_criterion_has(root)
    print('\n'.join(errors))
    print(f'{len(checked)} files, {len(errors)} wrong')
    return 1 if errors or not checked else 0


if __name__ == '__main__':
    sys.exit(main())
