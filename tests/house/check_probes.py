#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_probes.py LIBWEFT_SO SOURCE_ROOT

Goal: the probes that docs/guide/observing.md promises are in the library, no others are, and each is a nop.
Method: the notes of `readelf -n`, the first column of the guide's table, and the instruction at each note's address.
"""
import pathlib
import re
import subprocess
import sys



def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def notes(library):
    """[(name, address)] of provider weft."""
    out = run('readelf', '-n', library)
    found = re.findall(r'Provider: (\S+)\s+Name: (\S+)\s+Location: (0x[0-9a-f]+)', out)
    return [(name, int(at, 16)) for provider, name, at in found if provider == 'weft']


def promised(root):
    text = pathlib.Path(root, 'docs/guide/observing.md').read_text()
    table = text.partition('| probe |')[2].partition('\n\n')[0]
    return set(re.findall(r'^\| `(\w+)` \|', table, flags=re.M))


def instruction_at(library, address):
    out = run('objdump', '-d', '--no-show-raw-insn', f'--start-address={address:#x}', f'--stop-address={address + 4:#x}',
              library)
    lines = re.findall(r'^\s+([0-9a-f]+):\s+(\S+)', out, flags=re.M)
    return lines[0][1] if lines and int(lines[0][0], 16) == address else '?'


def main():
    library, root = sys.argv[1:]
    found, want = notes(library), promised(root)
    have = {name for name, _ in found}
    wrong = 0
    for name in sorted(want - have):
        print(f'{name}: promised by the guide, not in the library')
        wrong += 1
    for name in sorted(have - want):
        print(f'{name}: in the library, not in the guide')
        wrong += 1
    for name, address in found:
        instruction = instruction_at(library, address)
        if instruction != 'nop':
            print(f'{name}: {instruction} at {address:#x} instead of a nop')
            wrong += 1
    print(f'{len(found)} places of {len(have)} probes, {wrong} wrong')
    return 1 if wrong or not found else 0


if __name__ == '__main__':
    sys.exit(main())
