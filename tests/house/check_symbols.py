#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_symbols.py LIBWEFT_SO INCLUDE_DIR

Goal: what the library exports is what the headers promise, neither less nor more.
Method: `nm -D` of the shared library against the WEFT_API declarations in weft/*.h.
"""
import pathlib
import re
import subprocess
import sys


def declared(include_dir):
    """{name: header} of every function or object marked WEFT_API."""
    names = {}
    for header in sorted(pathlib.Path(include_dir, 'weft').glob('*.h')):
        text = header.read_text()
        text = re.sub(r'/\*.*?\*/', ' ', text, flags=re.S)
        text = re.sub(r'^\s*#.*(?:\\\n.*)*$', ' ', text, flags=re.M)
        for declaration in re.findall(r'\bWEFT_API\b([^;]*);', text):
            declaration = re.sub(r'WEFT_PRINTF\([^)]*\)', '', declaration)
            match = re.search(r'\b(weft_\w+)\s*\(', declaration) or re.search(r'(\w+)\s*(?:\[[^\]]*\]\s*)?$', declaration)
            if match:
                names[match.group(1)] = header.name
    return names


def exported(library):
    out = subprocess.run(['nm', '-D', '--defined-only', library], check=True, capture_output=True, text=True).stdout
    symbols = {line.split()[-1] for line in out.splitlines()}
    return {s.split('@')[0] for s in symbols if not s.startswith('WEFT_')}


def main():
    library, include_dir = sys.argv[1:]
    want, have = declared(include_dir), exported(library)
    wrong = 0
    for name in sorted(have):
        if not name.startswith('weft_') or name.startswith('weft__'):
            print(f'{name}: exported, but not ours to show')
            wrong += 1
        elif name not in want:
            print(f'{name}: exported, but no header declares it WEFT_API')
            wrong += 1
    for name in sorted(set(want) - have):
        print(f'{name}: declared in weft/{want[name]}, but not exported')
        wrong += 1
    print(f'{len(want)} declared, {len(have)} exported, {wrong} wrong')
    return 1 if wrong or not want else 0


if __name__ == '__main__':
    sys.exit(main())
