#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
cut.py FULL_SETS OUT

Cuts the sets of this folder from the full ones: every fifth row of notes384 as half floats, and all of sift128. The
nearest rows of each query are then computed from what was written, in double precision over normalised rows, so they are
exact for the cut. Takes a minute or two; formats and licences: README.md.
"""
import array
import heapq
import math
import operator
import pathlib
import struct
import sys

NEAREST = 20
HALF, BYTE, FLOAT = 'e', 'B', 'f'
SUFFIX = {HALF: '.f16bin', BYTE: '.u8bin', FLOAT: '.fbin'}


def read_rows(stem):
    """The rows of a matrix file, as lists of numbers, and the letter of their type."""
    for letter, suffix in SUFFIX.items():
        path = stem.with_suffix(suffix)
        if path.exists():
            data = path.read_bytes()
            count, dims = struct.unpack_from('<II', data)
            size = struct.calcsize(letter)
            return [struct.unpack_from(f'<{dims}{letter}', data, 8 + i * dims * size) for i in range(count)], letter
    raise SystemExit(f'cut.py: no matrix {stem}.*')


def write_rows(stem, rows, letter):
    with open(stem.with_suffix(SUFFIX[letter]), 'wb') as f:
        f.write(struct.pack('<II', len(rows), len(rows[0])))
        for row in rows:
            f.write(struct.pack(f'<{len(row)}{letter}', *row))


def cut_meta(source, target, keep):
    data = source.read_bytes()
    count, stride = struct.unpack_from('<II', data)
    rows = [data[8 + i * stride:8 + (i + 1) * stride] for i in range(count)]
    rows = keep(rows)
    target.write_bytes(struct.pack('<II', len(rows), stride) + b''.join(rows))


def normalised(row):
    length = math.sqrt(sum(v * v for v in row))
    return array.array('d', (v / length for v in row) if length else row)


def write_truth(folder):
    """Ids and cosines of the NEAREST rows of each query, best first, ties by the lower id."""
    rows = [normalised(r) for r in read_rows(folder / 'base')[0]]
    queries = [normalised(q) for q in read_rows(folder / 'query')[0]]
    ids, scores = array.array('I'), array.array('f')
    for n, q in enumerate(queries):
        best = heapq.nsmallest(NEAREST, ((-sum(map(operator.mul, q, r)), i) for i, r in enumerate(rows)))
        ids.extend(i for _, i in best)
        scores.extend(-s for s, _ in best)
        if sys.stderr.isatty():
            print(f'\r{folder.name}: {n + 1}/{len(queries)}', end='', file=sys.stderr)
    with open(folder / 'query.gt', 'wb') as f:
        f.write(struct.pack('<II', len(queries), NEAREST))
        for numbers in (ids, scores):
            if sys.byteorder == 'big':
                numbers.byteswap()
            f.write(numbers.tobytes())


def cut(full, out, name, letter, keep_rows, keep_queries, with_meta):
    target = out / name
    target.mkdir(parents=True, exist_ok=True)
    for stem, keep in (('base', keep_rows), ('query', keep_queries)):
        write_rows(target / stem, keep(read_rows(full / name / stem)[0]), letter)
        if with_meta:
            cut_meta(full / name / f'{stem}.meta', target / f'{stem}.meta', keep)
    write_truth(target)


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__.strip().splitlines()[0])
    full, out = map(pathlib.Path, sys.argv[1:])
    cut(full, out, 'notes384', HALF, lambda rows: rows[::5], lambda rows: rows[:300], True)
    cut(full, out, 'sift128', BYTE, lambda rows: rows, lambda rows: rows, False)


if __name__ == '__main__':
    main()
