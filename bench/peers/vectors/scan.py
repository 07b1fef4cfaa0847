#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
scan.py ITEM WORKERS REPETITIONS DATA SETS: item `exact` by numpy, on one thread: a product of the matrix with the query, and the ten
best of it. As the other programs, it prints a line of JSON a figure, and ends with 3 for an item that it does not have.
"""
import json
import os
import pathlib
import sys
import time

for name in ('OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS'):
    os.environ[name] = '1'
import numpy as np  # noqa: E402

TOP, WINDOW_S, TIE = 10, 0.1, 1e-5


def matrix(path):
    count, dims = np.fromfile(path, '<u4', 2)
    return np.fromfile(path, '<f4', offset=8).reshape(count, dims)


def search(rows, query):
    scores = rows @ query
    best = np.argpartition(-scores, TOP)[:TOP]
    return best[np.argsort(-scores[best])]


def recall(rows, queries, truth):
    count, k = np.fromfile(truth, '<u4', 2)
    least = np.fromfile(truth, '<f4', offset=8 + 4 * count * k).reshape(count, k)[:, TOP - 1]
    wide, right = rows.astype('f8'), 0
    for query, at_least in zip(queries, least):
        right += int((wide[search(rows, query)] @ query.astype('f8') >= at_least - TIE).sum())
    return right / (len(queries) * TOP)


def window(rows, queries):
    """Microseconds a query."""
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < WINDOW_S:
        for query in queries:
            search(rows, query)
        done += len(queries)
    return (time.perf_counter() - start) * 1e6 / done


def main():
    item, _workers, repetitions, _data, sets = sys.argv[1:]
    if item != 'exact':
        sys.exit(3)
    for name in ('exact-1000x768', 'exact-10000x384'):
        folder = pathlib.Path(sets) / name
        rows, queries = matrix(folder / 'base.fbin'), matrix(folder / 'query.fbin')
        values = [window(rows, queries) for _ in range(int(repetitions) + 1)][1:]
        print(json.dumps({'item': name, 'unit': 'us', 'values': values, 'recall': recall(rows, queries, folder / 'query.gt')}))


if __name__ == '__main__':
    main()
