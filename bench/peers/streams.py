# SPDX-License-Identifier: Apache-2.0
"""
bench/peers/streams.py - the suite `io`: streamed answers of a model's endpoint, many at once, held by one core.

The endpoint is `weft mock-llm` for everybody, in a process of its own. Measured is the client: processor time an event, and
resident memory a stream. Each checks that every event of every stream comes, in order. weft's client does more than the others': it
reads each event as JSON, as node does and the program over libcurl does not, and each stream is an agent's.
"""
import json
import pathlib
import shutil
import subprocess

import actors

HERE = pathlib.Path(__file__).resolve().parent / 'io'

# streams at once, tokens of each, tokens a second of each: as bench/io/list.c has them
STREAMS = {'streams-1000': (1000, 200, 50), 'streams-10000': (10000, 60, 8)}
ITEMS = list(STREAMS)
TIME_LIMIT_S = 180


def workers_of(_item, workers):
    return workers[:1]


def notes():
    yield 'the endpoint is weft mock-llm, in a process of its own; cpu: processor time of the client an event'


class Weft:
    name = 'weft'
    statuses = (0, 1)  # 1: an entry failed; the others count

    def __init__(self, program):
        self.program = program

    def version(self):
        return subprocess.run([self.program, '--version'], capture_output=True, text=True).stdout.strip()

    def build(self, work, run):
        run([self.program, '--version'])  # scripts/peers built it

    def command(self, item, _workers, _repetitions, work):
        (work / 'weft-io.json').unlink(missing_ok=True)
        return [self.program, 'bench', '--rounds', '1', '--suite', 'io', '--filter', f'io-{item}*', '--iterations', '1', '--json', str(work / 'weft-io.json')]

    def figures(self, item, _text, work):
        found = {}
        for entry_id, entry in json.loads((work / 'weft-io.json').read_text())['scenarios'].items():
            of_memory = entry_id.endswith('-bytes')
            name = f'{item}-memory' if of_memory else f'{item}-cpu'
            if 'error' in entry:
                found[name] = {'why': entry['error']}
            elif of_memory:
                found[name] = {'values': [entry['bytes'] / 1024], 'unit': 'KB', 'peak_rss_mb': entry['resources']['memory_rss_peak_mb']}
            else:
                found[name] = {'values': [v * 1000 for v in entry['latency']['raw_ms']], 'unit': 'us',
                               'peak_rss_mb': entry['resources']['memory_rss_peak_mb']}
        return found


class Peer:
    """A program that is given the endpoint's URL."""

    def __init__(self, weft):
        self.weft = weft

    def command(self, item, workers, repetitions, work):
        streams, tokens, per_s = STREAMS[item]
        return ['python3', str(HERE / 'served.py'), str(self.weft), str(per_s), '|'.join(self.program(work)), item, str(workers),
                str(repetitions), str(streams), str(tokens)]


class Curl(Peer):
    name = 'curl'

    def version(self):
        return actors.package_version('libcurl4-openssl-dev')

    def program(self, work):
        return [str(work / 'io-curl')]

    def build(self, work, run):
        source, program = HERE / 'curl.c', work / 'io-curl'
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            run(['gcc', '-O3', '-march=native', str(source), '-o', str(program), '-lcurl'], 600)


class Node(Peer):
    name = 'node'

    def __init__(self, weft):
        super().__init__(weft)
        self.package = None

    def version(self):
        return self.package

    def program(self, _work):
        return ['node', str(HERE / 'node.mjs')]

    def build(self, work, run):
        if not shutil.which('node') or not shutil.which('npm'):
            raise OSError('node and npm are not installed')
        manifest = work / 'node_modules/openai/package.json'
        if not manifest.exists():
            run(['npm', 'install', '--silent', '--no-save', '--prefix', str(work), 'openai'], 300)
        node = subprocess.run(['node', '--version'], capture_output=True, text=True).stdout.strip()
        self.package = f"{node}, openai {json.loads(manifest.read_text())['version']}"


def runtimes(weft):
    """Ours first."""
    return [Weft(weft), Curl(weft), Node(weft)]
