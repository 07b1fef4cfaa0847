#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_options.py WEFT MAN_FOLDER

Goal: a command line that is not understood names the option, the value and what is expected, and ends with 2; help, manual
and completion know the same options.
Method: every command with each kind of mistake; the options of its --help looked for in its manual page and in what bash
completes.
"""
import functools
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

WEFT, MAN = sys.argv[1], pathlib.Path(sys.argv[2])
REQUIRED = {'replay': ['x.jsonl'], 'store': ['check', 'x'], 'completion': ['bash'], 'report': ['x.json']}  # operands of commands that want some


def run(*words):
    done = subprocess.run([WEFT, *words], capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


@functools.cache
def commands():
    return re.findall(r'^  ([a-z-]+)  +\S', run('--help')[1].split('\n\n')[1], re.M)


def few(command, with_value):
    """Two options: a table is a table, and each try is a process."""
    return [name for name, value in options(command).items() if bool(value) == with_value][:2]


@functools.cache
def options(command):
    """name -> what stands for its value, or ''"""
    return dict(re.findall(r'^  --([a-z-]+)(?: (\S+))?(?:  |$)', run(command, '--help')[1], re.M))


class Mistakes(unittest.TestCase):
    def wrong(self, words, message):
        status, out, err = run(*words)
        self.assertEqual((status, out), (2, ''), words)
        self.assertTrue(err.startswith(f'weft {words[0]}: '), err)
        self.assertIn(message, err, words)
        self.assertEqual(err.count('\n'), 1, 'one line: ' + err)

    def test_every_command_names_an_unknown_option(self):
        self.assertGreater(len(commands()), 5)
        for c in commands():
            self.wrong([c, '--unheard', *REQUIRED.get(c, [])], "unknown option '--unheard'")
            self.wrong([c, '-x', *REQUIRED.get(c, [])], "unknown option '-x'")

    def test_a_value_that_is_missing_or_empty_or_not_wanted(self):
        for c in commands():
            for name in few(c, True):
                self.wrong([c, *REQUIRED.get(c, []), '--' + name], f'--{name}: no value; expected ')
                self.wrong([c, *REQUIRED.get(c, []), '--' + name, ''], f'--{name}: it is empty; expected ')
            for name in few(c, False):
                self.wrong([c, *REQUIRED.get(c, []), f'--{name}=3'], f"'--{name}=3'")

    def test_wrong_values(self):
        def not_understood(what, value):
            return f"{what}: '{value}' is not understood; expected "

        for words, message in (
                (['chat', '--model', 'parrot'], not_understood('--model', 'parrot') + 'mock, mock:MS'),
                (['chat', '--model', 'parrot:7b'], not_understood('--model', 'parrot:7b')),
                (['chat', '--model', 'openai:'], not_understood('--model', 'openai:')),
                (['chat', '--model', 'mock:x'], not_understood('--model', 'mock:x')),
                (['chat', '--model', 'mock:600001'], not_understood('--model', 'mock:600001')),
                (['chat', '--tools', 'time,hammer,shell'], not_understood('--tools', 'hammer') + 'time, shell, python'),
                (['chat', '--model', 'x\033[2J\nweft'], "'x[2J weft'"),
                (['chat', 'one', 'two'], "one too many: 'two'"),
                (['mock-llm', '--port', '70000'], not_understood('--port', '70000') + 'a number from 0 to 65535'),
                (['mock-llm', '--port', '08x'], not_understood('--port', '08x')),
                (['mock-llm', '--errors', '429:0.1,404:1'], not_understood('--errors', '404:1') + 'shares of 429, 500 and 503'),
                (['mock-llm', '--errors', '429:2'], not_understood('--errors', '429:2')),
                (['mock-llm', '--errors', '429:x'], not_understood('--errors', '429:x')),
                (['mock-llm', '--errors', '429:0.6,500:0.6'], not_understood('--errors', '429:0.6,500:0.6') + 'shares of'),
                (['mock-llm', '--disconnects', 'later:0.1'], not_understood('--disconnects', 'later:0.1') + 'shares of before'),
                (['mock-llm', '--latency', 'fast'], not_understood('--latency', 'fast') + 'milliseconds, lognormal:'),
                (['mock-llm', '--latency', 'lognormal:3'], not_understood('--latency', 'lognormal:3')),
                (['mock-llm', '--address', 'nowhere'], not_understood('--address', 'nowhere') + 'an IP address'),
                (['mock-llm', '--tokens-per-s', '-1'], not_understood('--tokens-per-s', '-1') + 'a number that is not negative'),
                (['mock-llm', '--tokens-per-s', 'inf'], not_understood('--tokens-per-s', 'inf')),
                (['mock-llm', '--seed', '99999999999999999999'], not_understood('--seed', '99999999999999999999')),
                (['mock-llm', 'one'], "one too many: 'one'"),
                (['sim', '--seed', '1x'], not_understood('--seed', '1x') + 'a number from 0'),
                (['sim', '--scenario', 'nap'], "--scenario: 'nap' is not known; expected one that --list names"),
                (['sim', 'one'], "one too many: 'one'"),
                (['sim', '--trace'], '--trace: it shows one seed of one scenario'),
                (['sim', '--seeds', '0'], not_understood('--seeds', '0') + 'a number from 1 on'),
                (['store', 'polish', 'x'], not_understood('COMMAND', 'polish') + 'check, dump, compact, export or import'),
                (['store', 'check'], 'no PATH'),
                (['store', 'check', 'x', 'y'], "one too many: 'y'"),
                (['store'], 'no COMMAND'),
                (['store', 'check', ''], 'PATH: it is empty; expected the name of a file'),
                (['replay'], 'no FILE'),
                (['replay', 'x', 'y'], "one too many: 'y'"),
                (['completion', 'csh'], not_understood('SHELL', 'csh') + 'bash')):
            self.wrong(words, message)
        if 'bench' in commands():
            self.wrong(['bench', '--suite', 'micro,large'], not_understood('--suite', 'large') + 'scenarios, micro')
            self.wrong(['bench', '--iterations', '0'], not_understood('--iterations', '0') + 'a number from 1 to')
            self.wrong(['bench', '--events', 'maybe'], not_understood('--events', 'maybe') + 'on or off')
            for words in (['bench', '--json'], ['plan', '--rate', '1', '--save'], ['plan', '--rate', '1', '--html']):
                status, out, err = run(*words, '/nowhere at all/x')
                self.assertEqual((status, out, 'No such file' in err), (1, '', True), words)
            self.wrong(['report'], 'no RUN.json;')
            self.wrong(['report', 'x', '-o'], '--out: no value; expected')
            self.wrong(['report', 'x', '--keep'], '--keep: there is no history; expected')
            self.wrong(['bench', '--budget', '1e9'], not_understood('--budget', '1e9') + 'a number of seconds')

    def test_ways_to_write_it(self):
        self.assertEqual(run('sim', '--list', '--seed=0x10')[0], 0)
        self.assertEqual(run('store', '--quiet', 'check', '--', '--none')[0], 1)
        self.assertIn("unknown command 'knit'", run('knit')[2])
        self.assertIn("unknown command 'knit'", run('help', 'knit')[2])
        self.assertEqual(run('help', 'sim'), run('sim', '--help'))


class Tables(unittest.TestCase):
    def test_help_fits_a_terminal(self):
        for words in (['--help'], *([c, '--help'] for c in commands())):
            long = [line for line in run(*words)[1].split('\n') if len(line) > 80 or line != line.rstrip()]
            self.assertEqual(long, [], words)

    def test_the_manual_has_every_option(self):
        for c in commands():
            page = (MAN / f'weft-{c}.1').read_text()
            for name in options(c).keys() - {'help'}:
                self.assertIn('Fl -' + name, page, f'{c} --{name}')
            self.assertIn(f'.It Cm {c}\n', (MAN / 'weft.1').read_text())

    def complete(self, *words):
        line = ' '.join(f'"{w}"' for w in words)
        script = run('completion', 'bash')[1] + f'COMP_WORDS=(weft {line}) COMP_CWORD={len(words)}\n_weft\n' \
            + 'for word in "${COMPREPLY[@]}"; do echo "$word"; done\n'
        done = subprocess.run(['bash', '-u'], input=script, capture_output=True, text=True, timeout=100, cwd=MAN)
        self.assertEqual((done.returncode, done.stderr), (0, ''), words)
        return done.stdout.split()

    @unittest.skipUnless(shutil.which('bash'), 'bash is not there')
    def test_bash_completes(self):
        self.assertEqual(sorted(self.complete('')), sorted(commands()))
        self.assertEqual(self.complete('--'), ['--help', '--version'])
        self.assertEqual(self.complete('repl'), ['replay'])
        for c in commands():
            self.assertEqual(sorted(self.complete(c, '--')), sorted('--' + o for o in options(c)), c)
        self.assertEqual(self.complete('store', 'ch'), ['check'])
        self.assertEqual(self.complete('replay', 'weft-repl'), ['weft-replay.1'])
        self.assertEqual(self.complete('replay', '--permissions', 'weft-repl'), ['weft-replay.1'])
        self.assertEqual(self.complete('mock-llm', '--port', ''), [])
        self.assertEqual(self.complete('mock-llm', '--errors', ''), [])
        self.assertEqual(self.complete('replay', '--agent', 'weft-repl'), ['weft-replay.1'])
        if 'chat' in commands():
            self.assertEqual(self.complete('chat', '--tools', 'weft-repl'), ['weft-replay.1'])
            self.assertEqual(self.complete('chat', '--tools', 'ti'), ['time'])
        if 'bench' in commands():
            self.assertEqual(self.complete('bench', '--suite', 'mi'), ['micro'])
            self.assertEqual(self.complete('bench', '--events', 'o'), ['on', 'off'])
            self.assertEqual(self.complete('bench', '--warmup', ''), [], 'a number is no file')
            self.assertEqual(self.complete('plan', '--rate', ''), [], 'a number is no file')


unittest.main(argv=sys.argv[:1], verbosity=0)
