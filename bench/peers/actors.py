# SPDX-License-Identifier: Apache-2.0
"""
bench/peers/actors.py - the suite `actors`: its items, and how each runtime is built and asked.

A peer's program is called as PROGRAM ITEM WORKERS REPETITIONS and prints a line of JSON a figure; exit status 3 says
that it does not have the item. weft answers through `weft bench --suite actors`.
"""
import json
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent / 'actors'

ITEMS = ['ping-pong', 'ping-pong-cross', 'many-to-one', 'ring', 'spawn', 'idle-bytes', 'big', 'fork-join',
         'chameneos', 'bank', 'fibonacci', 'skynet',
         'tasks-1', 'tasks-5', 'tasks-10', 'tasks-20', 'tasks-50',
         'tasks-foreign-1', 'tasks-foreign-5', 'tasks-foreign-10', 'tasks-foreign-20', 'tasks-foreign-50',
         'open-loop', 'broadcast-4']
PER_MS = {'ns': 1e6, 'us': 1e3, 'ms': 1}


def workers_of(item, workers):
    """With how many workers an item makes sense."""
    if item == 'ping-pong-cross':
        return [w for w in workers if w == 2]
    if item == 'idle-bytes':
        return workers[:1]
    return workers


def package_version(*packages):
    """Of Debian packages, as far as they are there."""
    try:
        done = subprocess.run(['dpkg-query', '-W', '-f', '${Package} ${Version}, ', *packages], capture_output=True, text=True)
    except FileNotFoundError:
        return ''
    return done.stdout.rstrip(', ')


class Weft:
    name = 'weft'

    def __init__(self, program):
        self.program = program

    def version(self):
        done = subprocess.run([self.program, '--version'], capture_output=True, text=True)
        return done.stdout.strip()

    def build(self, work, run):
        run([self.program, '--version'])  # scripts/peers built it

    def command(self, item, workers, repetitions, work):
        counts = [] if item == 'open-loop' else ['--iterations', '1' if item == 'idle-bytes' else str(repetitions),
                                                 '--warmup', '0' if item == 'idle-bytes' else '1']
        (work / 'weft.json').unlink(missing_ok=True)
        return [self.program, 'bench', '--rounds', '1', '--suite', 'actors', '--filter', 'actors-' + item, '--workers', str(workers),
                '--json', str(work / 'weft.json'), *counts]

    def figures(self, item, _text, work):
        entry = json.loads((work / 'weft.json').read_text())['scenarios']['actors-' + item]
        unit = entry['unit']
        rss = entry['resources']['memory_rss_peak_mb']
        if unit == 'bytes':
            return {item: {'values': [entry['bytes']], 'unit': unit, 'peak_rss_mb': rss}}
        values = [v * PER_MS[unit] for v in entry['latency']['raw_ms']]
        if item != 'open-loop':
            return {item: {'values': values, 'unit': unit, 'peak_rss_mb': rss}}
        values.sort()
        return {f'open-loop-{name}': {'values': [values[int(share * len(values))]], 'unit': unit, 'peak_rss_mb': rss}
                for name, share in (('p50', 0.5), ('p99', 0.99), ('p99.9', 0.999))}


def compile_cxx(run, source, program, *libraries):
    """A program of one file, unless it is newer than that."""
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        run(['g++', '-std=c++17', '-O3', '-march=native', '-w', str(source), '-o', str(program), *libraries, '-pthread'], 600)


class Caf:
    name = 'caf'

    def version(self):
        return package_version('libcaf-dev')

    def build(self, work, run):
        compile_cxx(run, HERE / 'caf/actors.cpp', work / 'actors-caf', '-lcaf_core')

    def command(self, item, workers, repetitions, work):
        return [str(work / 'actors-caf'), item, str(workers), str(repetitions)]


class Erlang:
    name = 'erlang'

    def version(self):
        return package_version('erlang-base')

    def build(self, work, run):
        run(['erlc', '-o', str(work), str(HERE / 'erlang/actors.erl')])
        include = pathlib.Path(run(['erl', '-noshell', '-eval', 'io:put_chars(code:root_dir()), halt().'])[1]) / 'usr/include'
        run(['gcc', '-O2', '-fPIC', '-shared', f'-I{include}', str(HERE / 'erlang/generator.c'), '-o', str(work / 'generator.so')])

    def command(self, item, workers, repetitions, work):
        schedulers = f'{workers}:{workers}'
        return ['erl', '+S', schedulers, '+P', '4000000', '-noshell', '-pa', str(work), '-s', 'actors', 'main', item, str(repetitions)]


class Tokio:
    name = 'tokio'

    def version(self):
        return package_version('librust-tokio-dev', 'rustc')

    def build(self, work, run):
        # Debian's crates are a directory of sources; cargo writes beside the manifest, so it gets a copy
        crates = pathlib.Path('/usr/share/cargo/registry')
        if not crates.is_dir() or not list(crates.glob('tokio-[0-9]*')):
            raise OSError('librust-tokio-dev is not installed')
        folder = work / 'tokio'
        shutil.copytree(HERE / 'tokio', folder, dirs_exist_ok=True)
        # the versions that version() names, where another toolchain comes first in PATH
        cargo, rustc = (f'/usr/bin/{p}' if os.access(f'/usr/bin/{p}', os.X_OK) else p for p in ('cargo', 'rustc'))
        run(['env', f'RUSTC={rustc}', cargo, 'build', '--release', '--offline', '--config', 'source.crates-io.replace-with="debian"',
             '--config', f'source.debian.directory="{crates}"'], 900, folder)

    def command(self, item, workers, repetitions, work):
        return [str(work / 'tokio/target/release/actors-tokio'), item, str(workers), str(repetitions)]


class Go:
    name = 'go'

    def version(self):
        return package_version('golang-go')

    def build(self, work, run):
        # no version stamp: that would ask git, which refuses the folder of another user
        run(['env', f'GOCACHE={work}/go-cache', 'go', 'build', '-buildvcs=false', '-o', str(work / 'actors-go'), '.'], 600, HERE / 'go')

    def command(self, item, workers, repetitions, work):
        return [str(work / 'actors-go'), item, str(workers), str(repetitions)]


class Tbb:
    name = 'tbb'
    extra = True  # no actors; only when asked for

    def version(self):
        return package_version('libtbb-dev')

    def build(self, work, run):
        compile_cxx(run, HERE / 'tbb/tasks.cpp', work / 'tasks-tbb', '-ltbb')

    def command(self, item, workers, repetitions, work):
        return [str(work / 'tasks-tbb'), item, str(workers), str(repetitions)]


def runtimes(weft):
    """Ours first."""
    return [Weft(weft), Caf(), Erlang(), Tokio(), Go(), Tbb()]
