# SPDX-License-Identifier: Apache-2.0
"""
bench/peers/vectors.py - the suite `vectors`: its items, and how each library is built and asked.

An item is a set of vectors, or something done with one; a program prints several figures for it. A peer's program is called
as PROGRAM ITEM WORKERS REPETITIONS DATA SETS: sets of vectors are in DATA ($WEFT_DATA, or tests/data), and in SETS those
that are made. weft answers through `weft bench --suite memory`.
"""
import json
import os
import pathlib
import shutil
import subprocess

import actors

HERE = pathlib.Path(__file__).resolve().parent / 'vectors'
ROOT = HERE.parent.parent.parent

SETS = ['notes384', 'mnist784', 'sift128', 'made768']
ITEMS = ['kernel', 'exact', *SETS, 'strange', 'filter', 'delete', 'replace', 'repeated', 'mixed']
TIME_LIMIT_S = 300
WINDOWS = 5  # measured ones of each search: they cost little beside the building
PER_MS = actors.PER_MS


def data():
    return pathlib.Path(os.environ.get('WEFT_DATA') or ROOT / 'tests/data').resolve()


def is_here(item):
    """Sets that are made are, and so is what the data folder has."""
    needed = item if item in SETS else 'notes384'
    return item in ('kernel', 'exact', 'made768') or (data() / needed / 'query.gt').exists()


def workers_of(item, workers):
    """With how many threads an item makes sense."""
    if not is_here(item):
        return []
    if item == 'mixed':  # a reader and a writer
        return [w for w in workers if w == 2]
    return workers if item in SETS else workers[:1]


def notes():
    """Lines for below the table."""
    yield f'sets of vectors: {data()}'
    for item in ITEMS:
        if not is_here(item):
            yield f'{item} is left out: its set is not there'


def make_sets(work, run):
    """The sets that are made, and the object that the programs read them by."""
    sets, reader, maker = work / 'sets', work / 'vectors.o', work / 'make-sets'
    source, program = ROOT / 'tests/support/vectors.c', HERE / 'sets.c'
    stamp = sets / 'made-of'
    if stamp.exists() and stamp.read_text() == str(data()) and \
            stamp.stat().st_mtime > max(source.stat().st_mtime, program.stat().st_mtime) and reader.exists():
        return
    run(['gcc', '-O3', '-march=native', f'-I{ROOT}', '-c', str(source), '-o', str(reader)], 600)
    run(['gcc', '-O2', f'-I{ROOT}', str(program), str(reader), '-lm', '-o', str(maker)], 600)
    shutil.rmtree(sets, ignore_errors=True)
    sets.mkdir()
    run([str(maker), str(data()), str(sets)], 600)
    stamp.write_text(str(data()))


class Weft:
    name = 'weft'
    statuses = (0, 1)  # 1: an entry failed; the others count

    def __init__(self, program):
        self.program = program

    def version(self):
        return subprocess.run([self.program, '--version'], capture_output=True, text=True).stdout.strip()

    def build(self, work, run):
        run([self.program, '--version'])  # scripts/peers built it

    @staticmethod
    def entries(item, workers):
        """A pattern for the ids of an item's entries."""
        if item in SETS:  # what more threads cannot change is left out: only build and search-95, -99 end so
            return f'memory-{item}-*' if workers == 1 else f'memory-{item}-*[d59]'
        return f'memory-{item}*'

    def command(self, item, workers, _repetitions, work):
        (work / 'weft.json').unlink(missing_ok=True)
        return [self.program, 'bench', '--rounds', '1', '--suite', 'memory', '--filter', self.entries(item, workers), '--workers', str(workers),
                '--data', str(data()), '--json', str(work / 'weft.json')]

    def figures(self, item, _text, work):
        found = {}
        for entry_id, entry in json.loads((work / 'weft.json').read_text())['scenarios'].items():
            name = entry_id.removeprefix('memory-')
            if 'error' in entry:
                found[name] = {'why': entry['error']}
                continue
            found.update(self.figures_of(name, entry))
        return found

    @staticmethod
    def figures_of(name, entry):
        unit, rss, recall = entry['unit'], entry['resources']['memory_rss_peak_mb'], entry.get('recall')

        def figure(values, unit=unit, recall=None):
            return {'values': values, 'unit': unit, 'peak_rss_mb': rss, 'recall': recall}

        if unit == 'bytes':
            return {name: figure([entry['bytes']])}
        values = [v * PER_MS[unit] for v in entry['latency']['raw_ms']]
        if name in ('mixed', 'mixed-alone'):  # a sample is one search
            values.sort()
            return {f'{name}-{p}': figure([values[int(share * len(values))]]) for p, share in (('p50', 0.5), ('p99', 0.99))}
        found = {'repeated-search' if name == 'repeated' else name: figure(values, recall=recall)}
        if name in ('delete', 'replace'):
            found[f'{name}-lost'] = figure([entry['lost']], 'rows')
        if name == 'repeated':
            found['repeated-missed'] = figure([(1 - recall) * 1000], 'of 1000')
        return found


class Compiled:
    """A library that a program in C++ is written for."""

    def __init__(self, name, package, *libraries):
        self.name, self.package, self.libraries = name, package, libraries

    def version(self):
        return actors.package_version(self.package)

    def build(self, work, run):
        make_sets(work, run)
        source, program = HERE / f'{self.name}.cpp', work / f'vectors-{self.name}'
        newest = max(p.stat().st_mtime for p in (source, HERE / 'harness.h', work / 'vectors.o'))
        if not program.exists() or program.stat().st_mtime < newest:
            run(['g++', '-std=c++17', '-O3', '-march=native', '-w', '-fopenmp', f'-I{ROOT}', str(source), str(work / 'vectors.o'),
                 '-o', str(program), *self.libraries, '-lm', '-pthread'], 600)

    def command(self, item, workers, repetitions, work):
        return [str(work / f'vectors-{self.name}'), item, str(workers), str(max(repetitions, WINDOWS)), str(data()), str(work / 'sets')]


class Numpy:
    name = 'numpy'
    # Debian's, where another python comes first in PATH
    python = '/usr/bin/python3'

    def version(self):
        return actors.package_version('python3-numpy')

    def build(self, work, run):
        if subprocess.run([self.python, '-c', 'import numpy'], capture_output=True).returncode != 0:
            raise OSError('python3-numpy is not installed')
        make_sets(work, run)

    def command(self, item, workers, repetitions, work):
        return [self.python, str(HERE / 'scan.py'), item, str(workers), str(max(repetitions, WINDOWS)), str(data()), str(work / 'sets')]


def runtimes(weft):
    """Ours first."""
    return [Weft(weft), Compiled('hnswlib', 'libhnswlib-dev'), Compiled('faiss', 'libfaiss-dev', '-lfaiss', '-lopenblas'), Numpy()]
