# SPDX-License-Identifier: Apache-2.0
"""
bench/peers/agents.py - the suite `agents`: agent runtimes of npm beside weft, with a model that answers at once.

Two groups of items: the agent loop (a question, so many tool calls, a text), which npm's frameworks have and a loop
written by hand in JavaScript, which is the bar; and the scenarios of messages, which elizaOS has. A program runs one item
and prints an entry of a result file with its raw values; the rounds of each runtime are put together by `weft compare
--merge`, so that all statistics are made by one program, and then compared by `weft compare`.
"""
import json
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent / 'agents'
SCENARIOS = HERE.parent.parent / 'scenarios.json'  # the ones of weft itself

LOOPS = ['agent-no-tools', 'agent-1-tool', 'agent-3-tools', 'concurrent-agents-50']
MESSAGES = ['single-message', 'conversation-10', 'burst-100', 'burst-1000', 'with-should-respond', 'with-should-respond-no-name',
            'with-actions', 'provider-scaling-10', 'provider-scaling-100', 'history-scaling-100', 'history-scaling-1000',
            'history-scaling-10000', 'concurrent-10', 'concurrent-50', 'concurrent-50-rooms', 'db-write-throughput',
            'db-read-throughput', 'startup-cold']
ITEMS = LOOPS + MESSAGES
TIME_LIMIT_S = 180
BATCH_MS = 100  # of a loop in JavaScript: an iteration

# iterations and warm-ups of a process, the same for everybody; a burst of 1000 takes elizaOS seconds
COUNTS = {'burst-1000': (3, 1), 'burst-100': (5, 2), 'history-scaling-10000': (5, 2), 'single-message': (20, 5)}


def counts(item):
    return COUNTS.get(item, (10, 10) if item in LOOPS else (10, 3))


def workers_of(_item, workers):
    return workers[:1]


class Runtime:
    """One of them, and the entries it gave, round by round."""

    def __init__(self):
        self.rounds, self.file = {}, None

    def keep(self, item, entry):
        self.rounds.setdefault(item, []).append(entry)
        if 'error' in entry:
            return {item: {'why': entry['error']}}
        values = [ms * 1000 for ms in entry['latency']['raw_ms']]
        return {item: {'values': values, 'unit': 'us', 'peak_rss_mb': entry['resources']['memory_rss_peak_mb']}}


class Weft(Runtime):
    name = 'weft'
    items = ITEMS
    statuses = (0, 1)  # 1: an entry failed, which it says

    def __init__(self, program):
        super().__init__()
        self.program = program

    def version(self):
        return subprocess.run([self.program, '--version'], capture_output=True, text=True).stdout.strip()

    def build(self, work, run):
        run([self.program, '--version'])  # scripts/peers built it

    def command(self, item, workers, _repetitions, work):
        iterations, warmup = counts(item)
        (work / 'weft-agents.json').unlink(missing_ok=True)
        # a subscriber to the events belongs to the loops, and not to the messages
        events = [] if item in LOOPS else ['--events', 'off']
        return [self.program, 'bench', '--suite', 'scenarios,micro', '--filter', item, '--iterations', str(iterations),
                '--warmup', str(warmup), '--rounds', '1', '--workers', str(workers), '--json', str(work / 'weft-agents.json'), *events]

    def figures(self, item, _text, work):
        self.file = json.loads((work / 'weft-agents.json').read_text())
        return self.keep(item, self.file['scenarios'][item])


class Node(Runtime):
    """A program of bench/peers/agents; package: what it measures, None: nothing that has to be installed."""

    def __init__(self, name, items, package, program):
        super().__init__()
        self.name, self.items, self.package, self.program = name, items, package, program
        self.said = 'node'

    def version(self):
        return self.said

    def build(self, work, run):
        if not shutil.which('node'):
            raise OSError('node is not installed')
        folder = work / 'agents'
        folder.mkdir(exist_ok=True)
        for source in HERE.iterdir():
            if source.suffix in ('.mjs', '.json'):
                shutil.copy(source, folder)
        self.said = 'node ' + run(['node', '--version'])[1].strip()
        if self.package:
            install(folder, run)
            manifest = json.loads((folder / 'node_modules' / self.package / 'package.json').read_text())
            self.said += f", {self.package} {manifest['version']}"

    def command(self, item, _workers, _repetitions, work):
        return ['env', f'--chdir={work}/agents', 'LOG_LEVEL=fatal', 'node', '--expose-gc', *self.program, item,
                *(str(n) for n in counts(item)), str(BATCH_MS)]

    def figures(self, item, text, _work):
        line = next((line for line in reversed(text.splitlines()) if line.startswith('{"id"')), None)
        if not line:
            raise ValueError('it printed no figure')
        said = json.loads(line)
        if 'why' in said:
            return self.keep(item, {'iterations': 0, 'warmup': 0, 'latency': {'raw_ms': []}, 'error': said['why']})
        return self.keep(item, said['entry'])


def install(folder, run):
    """What the lock says, once a lock. No script of a package is run."""
    lock, stamp = folder / 'package-lock.json', folder / 'node_modules/.lock'
    if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
        return
    if not shutil.which('npm'):
        raise OSError('npm is not installed')
    run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', str(folder)], 600)
    shutil.copy(lock, stamp)


def runtimes(weft):
    """Ours first."""
    return [Weft(weft), Node('plain', LOOPS, None, ['loop.mjs', 'plain']),
            Node('openai-agents', LOOPS, '@openai/agents', ['loop.mjs', 'openai-agents']),
            Node('ai', LOOPS, 'ai', ['loop.mjs', 'ai']),
            Node('langgraph', LOOPS, '@langchain/langgraph', ['loop.mjs', 'langgraph']),
            Node('eliza', MESSAGES, '@elizaos/core', ['eliza.mjs', str(SCENARIOS)])]


def notes():
    yield 'agent-*: a run; concurrent-agents-50: fifty at once; of messages: all of an iteration'


# ---- result files ------------------------------------------------------------------------------------


def result_of(runtime, like, number):
    """The file of one round: the machine is that of weft's files of the same session."""
    system = dict(like['system'], runtime_version=runtime.version())
    scenarios = {item: entries[number] for item, entries in runtime.rounds.items() if len(entries) > number}
    return dict(schema_version=2, runtime=runtime.name, timestamp=like['timestamp'], system=system, rounds=1, scenarios=scenarios)


def write_results(runtimes_, folder, run):
    """{runtime: path} of those that have any entry."""
    weft, paths = runtimes_[0], {}
    for runtime in runtimes_:
        rounds = []
        for number in range(max(map(len, runtime.rounds.values()), default=0)):
            rounds.append(folder / f'{runtime.name}-{number + 1}.json')
            rounds[-1].write_text(json.dumps(result_of(runtime, weft.file, number)))
        if rounds:
            paths[runtime] = folder / f'{runtime.name}.json'
            paths[runtime].write_text(run([weft.program, 'compare', '--merge', *map(str, rounds)])[1])
        for path in rounds:
            path.unlink()
    return paths


def finish(ready, work, run):
    """Lines to print at the end: which files there are, and what `weft compare` says of them."""
    weft = ready[0] if ready and ready[0].name == Weft.name else None
    if not weft or not weft.file:
        return
    folder = work / 'agents'
    folder.mkdir(exist_ok=True)
    paths = write_results(ready, folder, run)
    yield f"result files: {', '.join(str(p) for p in paths.values())}"
    for name, group in (('loops', LOOPS), ('messages', MESSAGES)):
        files = [p for r, p in paths.items() if r is weft or r.items is group]
        if len(files) < 2:
            continue
        text = run([weft.program, 'compare', *map(str, files)])[1]
        (folder / f'{name}.txt').write_text(text)
        yield f"weft compare of the {name}: {folder / f'{name}.txt'}"
