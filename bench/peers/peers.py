#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
bench/peers/peers.py SUITE|all --weft PROGRAM --work FOLDER [OPTION...]

Runs weft and other runtimes through the same work items on this machine, in turn, and prints one table. Called
by scripts/peers, which installs what the peers need and builds weft. What is compared, and how to
read it: docs/guide/peers.md. The result file: bench/peers/README.md.

Round after round: each item with each number of workers by each runtime, one process each, one after the other. A cell is
the median over all rounds. A runtime that is not there, or fails, leaves its cells empty, and the reason
below the table.
"""
import argparse
import datetime
import fnmatch
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import actors
import agents
import streams
import vectors

SUITES = {'actors': actors, 'vectors': vectors, 'io': streams, 'agents': agents}
TIME_LIMIT_S = 90
NOT_HERE = 3  # exit status of a program that does not have the item


class Failed(Exception):
    """A program could not be built or run; the text says why."""


def run(command, limit_s=TIME_LIMIT_S, folder=None, statuses=(0, NOT_HERE)):
    """(exit status, standard output) of a program; raises Failed."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=limit_s)
    except FileNotFoundError:
        raise Failed(f'{command[0]} is not installed') from None
    except subprocess.TimeoutExpired:
        raise Failed(f'no end after {limit_s} s') from None
    if done.returncode not in statuses:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Failed(f'exit status {done.returncode}' + (f': {said[-1][:200]}' if said else ''))
    return done.returncode, done.stdout


# ---- figures ------------------------------------------------------------------------------------


def figures(text):
    """
    {item: {'values': [...], 'unit': ..., 'peak_rss_mb': ..., 'recall': ...}} of a program's lines, or {item: {'why': ...}} where
    it says why there is no figure; raises Failed for a line that is neither.
    """
    found = {}
    for line in text.splitlines():
        if not line.startswith('{'):
            continue
        try:
            figure = json.loads(line)
            if 'why' in figure:
                found[figure['item']] = {'why': str(figure['why'])}
                continue
            values = [float(v) for v in figure['values']]
            if not values or min(values) < 0:
                raise ValueError('no values')
            found[figure['item']] = {'values': values, 'unit': figure['unit'], 'peak_rss_mb': figure.get('peak_rss_mb'),
                                     'recall': figure.get('recall')}
        except (ValueError, KeyError, TypeError) as e:
            raise Failed(f'not a figure: {line[:120]} ({e})') from None
    return found


class Cells:
    """What came out: by row (an item and a number of workers) and runtime."""

    def __init__(self):
        self.values, self.units, self.rss, self.recalls, self.reasons = {}, {}, {}, {}, {}
        self.interrupted = False

    def add(self, row, runtime, figure):
        self.values.setdefault((row, runtime), []).extend(figure['values'])
        self.units[row[0]] = figure['unit']
        rss = figure.get('peak_rss_mb')
        if rss:
            self.rss[row, runtime] = max(rss, self.rss.get((row, runtime), 0))
        recall = figure.get('recall')
        if recall is not None:  # the least of all rounds
            self.recalls[row, runtime] = min(recall, self.recalls.get((row, runtime), 1))

    def fail(self, row, runtime, why):
        self.reasons.setdefault((row, runtime), why)

    def median(self, row, runtime):
        values = self.values.get((row, runtime))
        return statistics.median(values) if values else None

    def rows(self):
        """In the order in which they came."""
        return list(dict.fromkeys(row for row, _ in self.values))


# ---- the table --------------------------------------------------------------------------------------


def number(value):
    if value is None:
        return '-'
    return f'{value:,.0f}' if value >= 100 else f'{value:.1f}' if value >= 10 else f'{value:.2f}'


def cell(cells, row, runtime, best):
    value = cells.median(row, runtime)
    recall = cells.recalls.get((row, runtime))
    return number(value) + ('*' if value == best else '') + (f' ({recall:.3f})' if recall is not None else '')


def ratio(cells, row, ours, peers):
    """How many times better we are than the best peer; None where one of the two is not there."""
    best = min((m for m in (cells.median(row, p) for p in peers) if m is not None), default=None)
    mine = cells.median(row, ours)
    return best / mine if best and mine else None


def table(cells, runtimes, ours):
    """The rows of the table as lists of text, the header first. The best of a row is marked."""
    peers = [r for r in runtimes if r != ours]
    lines = [['item', 'workers', 'unit'] + runtimes + [f'{ours} is']]
    for row in cells.rows():
        medians = {r: cells.median(row, r) for r in runtimes}
        best = min(m for m in medians.values() if m is not None)
        times = ratio(cells, row, ours, peers)
        lines.append([row[0], str(row[1]), cells.units[row[0]]] +
                     [cell(cells, row, r, best) for r in runtimes] +
                     [f'{times:.1f} x' if times else '-'])
    return lines


def print_table(lines, to):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for n, line in enumerate(lines):
        cells = [c.ljust(w) if i in (0, 2) else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))]
        print('  '.join(cells).rstrip(), file=to)
        if n == 0:
            print('-' * (sum(widths) + 2 * (len(widths) - 1)), file=to)


def summary(cells, runtimes, ours):
    peers = [r for r in runtimes if r != ours]
    times = {row: ratio(cells, row, ours, peers) for row in cells.rows()}
    times = {row: t for row, t in times.items() if t}
    first, twice = sum(t > 1 for t in times.values()), sum(t >= 2 for t in times.values())
    lost = ', '.join(f'{item} on {workers}' for (item, workers), t in times.items() if t <= 1)
    text = f'{ours} is first in {first} of {len(times)} rows, by 2 x or more in {twice}'
    return text + (f'; not in: {lost}' if lost else '')


# ---- running -----------------------------------------------------------------------------------------


class Progress:
    """One line on a terminal: what runs, how far, how long it will take. Otherwise a line a round."""

    def __init__(self, steps):
        self.steps, self.done, self.start = steps, 0, time.monotonic()
        self.terminal = sys.stderr.isatty() and not os.environ.get('CI')

    def step(self, what):
        if self.terminal:
            spent = time.monotonic() - self.start
            left = spent / self.done * (self.steps - self.done) if self.done else 0
            eta = f', {left / 60:.0f} min {left % 60:.0f} s left' if self.done else ''
            print(f'\r\033[K{self.done}/{self.steps} {what}{eta}', end='', file=sys.stderr, flush=True)
        self.done += 1

    def end(self):
        if self.terminal:
            print('\r\033[K', end='', file=sys.stderr, flush=True)


def build_all(wanted, work):
    """The runtimes that are ready to run, and {name: why not} of the others."""
    ready, missing = [], {}
    for runtime in wanted:
        print(f'peers: building {runtime.name}', file=sys.stderr)
        try:
            runtime.build(work, run)
            ready.append(runtime)
        except (Failed, OSError) as e:
            missing[runtime.name] = str(e)
    return ready, missing


def measure(cells, runtime, item, workers, repetitions, work, limit_s):
    row = (item, workers)
    try:
        status, text = run(runtime.command(item, workers, repetitions, work), limit_s, work,
                           getattr(runtime, 'statuses', (0, NOT_HERE)))
        found = runtime.figures(item, text, work) if hasattr(runtime, 'figures') else figures(text)
    except (Failed, OSError, KeyError, ValueError) as e:
        cells.fail(row, runtime.name, str(e) or type(e).__name__)
        return
    if status == NOT_HERE:
        cells.fail(row, runtime.name, 'does not have it')
    for name, figure in found.items():
        if 'why' in figure:
            cells.fail((name, workers), runtime.name, figure['why'])
        else:
            cells.add((name, workers), runtime.name, figure)


def run_all(suite, runtimes, items, workers, rounds, repetitions, work):
    cells = Cells()
    steps = [(item, w) for item in items for w in workers if w in suite.workers_of(item, workers)]
    progress = Progress(rounds * len(steps) * len(runtimes))
    try:
        for n in range(rounds):
            if not progress.terminal:
                print(f'peers: round {n + 1} of {rounds}', file=sys.stderr)
            for item, w in steps:
                run_step(cells, progress, item, w, runtimes, repetitions, work, getattr(suite, 'TIME_LIMIT_S', TIME_LIMIT_S))
    except KeyboardInterrupt:
        cells.interrupted = True
    progress.end()
    return cells


def run_step(cells, progress, item, workers, runtimes, repetitions, work, limit_s):
    """One item by each runtime, except by those that failed at it before."""
    for runtime in runtimes:
        progress.step(f'{item}, {workers} workers, {runtime.name}')
        if item in getattr(runtime, 'items', [item]) and ((item, workers), runtime.name) not in cells.reasons:
            measure(cells, runtime, item, workers, repetitions, work, limit_s)


# ---- the result file -----------------------------------------------------------------------------------


def machine():
    model = next((line.split(':', 1)[1].strip() for line in pathlib.Path('/proc/cpuinfo').read_text().splitlines()
                  if line.startswith('model name')), platform.machine())
    memory = next(line for line in pathlib.Path('/proc/meminfo').read_text().splitlines() if line.startswith('MemTotal'))
    return {'cpu': model, 'cpus': len(os.sched_getaffinity(0)), 'memory_gb': round(int(memory.split()[1]) / 1048576, 1),
            'kernel': platform.release(), 'load': os.getloadavg()[2]}


def result(suite_name, cells, runtimes, ours, missing, rounds):
    rows, names = [], [r.name for r in runtimes]
    for row in cells.rows():
        by_runtime = {}
        for r in runtimes:
            if cells.values.get((row, r.name)):
                by_runtime[r.name] = {'median': cells.median(row, r.name), 'values': cells.values[row, r.name],
                                      'peak_rss_mb': cells.rss.get((row, r.name))}
                if (row, r.name) in cells.recalls:
                    by_runtime[r.name]['recall'] = cells.recalls[row, r.name]
        rows.append({'item': row[0], 'workers': row[1], 'unit': cells.units[row[0]], 'runtimes': by_runtime,
                     'best': min(by_runtime, key=lambda name: by_runtime[name]['median']),
                     'ratio': ratio(cells, row, ours, [n for n in names if n != ours])})
    return {'schema': 1, 'suite': suite_name, 'timestamp': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
            'machine': machine(), 'rounds': rounds, 'runtimes': {r.name: r.version() for r in runtimes}, 'missing': missing,
            'rows': rows,
            'failed': [{'item': i, 'workers': w, 'runtime': r, 'why': why} for ((i, w), r), why in cells.reasons.items()]}


# ---- the command ------------------------------------------------------------------------------------------


def numbers(text):
    try:
        found = sorted({int(n) for n in text.split(',')})
    except ValueError:
        found = []
    if not found or found[0] < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of numbers from 1")
    return found


def options(argv):
    p = argparse.ArgumentParser(prog='scripts/peers', description='weft beside other runtimes, on this machine.')
    p.add_argument('suite', choices=[*SUITES, 'all'])
    p.add_argument('--weft', type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    p.add_argument('--work', type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    p.add_argument('--items', default='*', metavar='GLOB', help='only items whose name matches')
    p.add_argument('--runtimes', metavar='LIST', help='only these, for example weft,go')
    p.add_argument('--workers', type=numbers, default=[1, 2], metavar='LIST', help='default 1,2')
    p.add_argument('--rounds', type=int, default=3, metavar='N', help='default 3')
    p.add_argument('--repetitions', type=int, default=1, metavar='N',
                   help='measured ones an item and round, after one to warm up (default 1)')
    p.add_argument('--quick', action='store_true', help='one round')
    p.add_argument('--json', type=pathlib.Path, metavar='FILE', help='where the result goes (default: in the build folder)')
    o = p.parse_args(argv)
    if o.quick:
        o.rounds = 1
    if o.rounds < 1 or o.repetitions < 1:
        p.error('--rounds and --repetitions count from 1')
    if o.suite == 'all' and o.json:
        p.error('--json is of one suite; all of them write theirs in the build folder')
    return p, o


class Nothing(Exception):
    """Of a suite, nothing that the options ask for."""


def wanted_of(suite, o):
    """The runtimes and items that were asked for; raises Nothing."""
    runtimes, items = suite.runtimes(o.weft.resolve()), [i for i in suite.ITEMS if fnmatch.fnmatch(i, o.items)]
    if not items:
        raise Nothing(f"no item matches '{o.items}'")
    if not o.runtimes:
        return [r for r in runtimes if not getattr(r, 'extra', False)], items
    names = o.runtimes.split(',')
    unknown = [n for n in names if n not in {r.name for r in runtimes}]
    if unknown and o.suite != 'all' or len(unknown) == len(names):
        raise Nothing(f"no such runtime: {', '.join(sorted(unknown))}")
    return [r for r in runtimes if r.name in names], items


def print_all(suite, cells, ready, ours, missing):
    names = [r.name for r in ready]
    if cells.rows():
        print_table(table(cells, names, ours), sys.stdout)
        recall = ' In brackets: recall.' if cells.recalls else ''
        print(f'\nLess is better; * the best.{recall} {summary(cells, names, ours)}.')
    for line in getattr(suite, 'notes', tuple)():
        print(f'  {line}')
    for (row, name), why in cells.reasons.items():
        if why != 'does not have it':
            print(f'  {row[0]} on {row[1]}, {name}: {why}')
    for name, why in missing.items():
        print(f'  {name} is not in the table: {why}')


def finish(suite, ready, work):
    """What a suite does with all that was measured. @return whether that worked"""
    try:
        for line in getattr(suite, 'finish', lambda *_: ())(ready, work, run):
            print(line)
    except (Failed, OSError) as e:
        print(f'peers: {e}', file=sys.stderr)
        return False
    return True


def run_suite(name, o):
    """Measure and print a suite. @return (exit status, the line of it in the closing summary); raises Nothing"""
    suite, work = SUITES[name], o.work.resolve()
    wanted, items = wanted_of(suite, o)
    ready, missing = build_all(wanted, work)
    cells = run_all(suite, ready, items, o.workers, o.rounds, o.repetitions, work)
    ours = wanted[0].name
    print_all(suite, cells, ready, ours, missing)
    path = o.json or o.work / f'{name}.json'
    path.write_text(json.dumps(result(name, cells, ready, ours, missing, o.rounds), indent=1) + '\n')
    print(f'result: {path}')
    done = finish(suite, ready, work)
    said = f'{name}: {summary(cells, [r.name for r in ready], ours) if cells.rows() else "nothing was measured"}'
    if missing:
        said += f"; without {', '.join(missing)}"
    if cells.interrupted:
        print('interrupted: medians of what was measured until then')
        return 130, said + '; interrupted'
    failed = any(runtime == ours for _, runtime in cells.reasons) or ours in missing or not cells.rows() or not done
    return (1 if failed else 0), said + (f'; {ours} failed an item' if failed else '')


def run_every(o):
    """All suites, one after another; one that lacks what was asked for is left out."""
    status, lines = 0, []
    for name in SUITES:
        print(f'\n{name}\n')
        try:
            one, line = run_suite(name, o)
        except Nothing as e:
            one, line = 0, f'{name}: left out: {e}'
        lines.append(line)
        status = max(status, one)
        if one == 130:
            break
    print('\nall of it')
    for line in lines:
        print(f'  {line}')
    return status if any('left out' not in line for line in lines) else 2


def main(argv):
    parser, o = options(argv)
    o.work.mkdir(parents=True, exist_ok=True)
    if o.suite == 'all':
        return run_every(o)
    try:
        return run_suite(o.suite, o)[0]
    except Nothing as e:
        parser.error(str(e))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
