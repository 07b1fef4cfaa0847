#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_man.py SOURCE_ROOT COMPILER...

Goal: the man pages are well formed, their SYNOPSIS is what the headers say, and libweft(3) names every header.
Method: mandoc's lint, where there is a mandoc; each prototype of section 3 declared once more behind the headers: a
compiler refuses two that differ.
"""
import pathlib
import re
import shutil
import subprocess
import sys


def prototypes(page):
    kind = None
    for line in page.read_text().splitlines():
        if line.startswith('.Sh ') and line != '.Sh SYNOPSIS':
            kind = None
        if line.startswith('.Ft '):
            kind = line[4:]
        elif line.startswith('.Fn ') and kind:
            words = re.findall(r'"[^"]*"|\S+', line[4:])
            arguments = ', '.join(w.strip('"') for w in words[1:]) or 'void'
            yield f'{kind} {words[0]}({arguments});'


def main():
    root, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
    pages = sorted((root / 'docs/man').glob('*.[1-9]'))
    failed = not pages
    if shutil.which('mandoc'):
        failed |= subprocess.run(['mandoc', '-Tlint', '-Wwarning', *pages]).returncode != 0
    else:
        print('no mandoc here: lint left out')
    for page in pages:
        source = '#include <weft/weft.h>\n' + '\n'.join(prototypes(page)) + '\n'
        run = subprocess.run([*compiler, '-x', 'c', '-std=c11', '-fsyntax-only', f'-I{root}/include', '-'],
                             input=source, text=True)
        if run.returncode:
            print(f'{page.name}: the SYNOPSIS is not what the headers say')
            failed = True
    overview = (root / 'docs/man/libweft.3').read_text()
    for header in sorted((root / 'include/weft').glob('*.h')):
        if header.name != 'weft.h' and f'.It In weft/{header.name}\n' not in overview:
            print(f'libweft.3: nothing about <weft/{header.name}>')
            failed = True
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
