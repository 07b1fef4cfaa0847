#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_models.py PROBE BUILD_FOLDER

Goal: agents get right answers from servers that others wrote, and survive their faults. Method: @copilotkit/aimock and
openai-mock-api from npm, each started on a port of the kernel's choice; the probe asks, its JSON is compared. With
aimock's chaos the oracle is a law: each run has an answer, it is the right text or a named error, no text is shown
twice, and the key is in no event. Its chaos takes no seed, so nothing may hang on the order of its faults: no breaker
opens there, which five faults in a row would do. Skipped (77), with the reason, without node, npm or their registry.
"""
import json
import os
import pathlib
import platform
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

PROBE, BUILD = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
HERE = pathlib.Path(__file__).resolve().parent / 'models'
NPM = BUILD / 'npm-models'
KEY = 'probe-key-0123456789'
PACKAGES = {'@copilotkit/aimock': '1.43.0', 'openai-mock-api': '0.4.0'}
NODE_MIN, NODE = (20, 15), '22.23.3'  # aimock wants this much; Debian 12 has 18, so another one comes from npm then
STORY = 'Once upon a time there was a queue ... and it was bounded. — Ende 🎈'


def skip(why):
    print('skipped:', why)
    sys.exit(77)


def node():
    """(the program, the package it comes from or None): the system's if it is new enough."""
    for program in ('node', 'npm'):
        if not shutil.which(program):
            skip(f'{program} is not installed')
    version = subprocess.run(['node', '--version'], capture_output=True, text=True).stdout
    found = tuple(int(n) for n in re.findall(r'\d+', version)[:2])
    arch = {'x86_64': 'x64', 'aarch64': 'arm64'}.get(platform.machine())
    if found >= NODE_MIN:
        return 'node', None
    if not arch:
        skip(f'node is {version.strip()}, and there is no other for {platform.machine()}')
    return str(NPM / 'node_modules' / f'node-linux-{arch}' / 'bin' / 'node'), f'node-linux-{arch}'


def install():
    """The packages in the build folder, once; versions are fixed so that a failure is ours. Returns the node to run them."""
    program, package = node()
    packages = dict(PACKAGES, **({package: NODE} if package else {}))
    if all((NPM / 'node_modules' / p / 'package.json').is_file() for p in packages):
        return program
    NPM.mkdir(parents=True, exist_ok=True)
    (NPM / 'package.json').write_text('{"private": true}\n')
    command = ['npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', *[f'{p}@{v}' for p, v in packages.items()]]
    try:
        done = subprocess.run(command, cwd=NPM, capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        skip('npm took longer than four minutes')
    if done.returncode:
        skip('npm could not install: ' + (done.stderr.strip().splitlines() or ['no reason given'])[-1])
    return program


class Server:
    """A program that says on its output where it listens."""

    def __init__(self, script, *options, says, env=None):
        command = [node_program, str(NPM / 'node_modules' / script), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
                                        env={**os.environ, **(env or {})})
        self.url = self.wait(says)

    def wait(self, says):
        text, selector, until = b'', selectors.DefaultSelector(), time.monotonic() + 60
        selector.register(self.process.stdout, selectors.EVENT_READ)
        while time.monotonic() < until and self.process.poll() is None:
            if selector.select(timeout=1):
                text += self.process.stdout.read1(65536)
            match = re.search(says, text.decode(errors='replace'))
            if match:
                return match[1]
        self.stop()
        raise AssertionError('the server did not start: ' + text.decode(errors='replace')[-2000:])

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stdout.close()


def aimock(*options):
    return Server('@copilotkit/aimock/dist/cli.js', '-p', '0', '-f', str(HERE / 'aimock.json'), '-c', '7', *options,
                  says=r'listening on (http://[0-9.:]+)')


def ask(api, url, question, runs=1, at_once=1, **env):
    done = subprocess.run([str(PROBE), api, url, question, str(runs), str(at_once)], capture_output=True, text=True, timeout=170,
                          env={**os.environ, 'PROBE_KEY': KEY, **env})
    if done.returncode:
        raise AssertionError(f'the probe failed ({done.returncode}): {done.stderr[-2000:]}')
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if KEY in done.stdout + done.stderr:
        raise AssertionError('the key was shown')
    return lines[:-1], lines[-1]


class Aimock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = aimock()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def base(self, api):
        return self.server.url + ('/v1' if api == 'openai' else '')

    def test_text_streams(self):
        for api in ('openai', 'anthropic'):
            (run,), seen = ask(api, self.base(api), 'tell a story')
            self.assertEqual((run['status'], run['text'], run['finish']), ('ok', STORY, 'stop'), api)
            self.assertEqual(seen['streamed'], STORY)
            self.assertGreater(seen['chunks'], 5)

    def test_tools_in_parallel(self):
        for api in ('openai', 'anthropic'):
            (run,), _ = ask(api, self.base(api), 'add two and three')
            self.assertEqual((run['status'], run['text']), ('ok', 'The sums are 5 and 50.'), (api, run))
            self.assertEqual((run['turns'], run['tool_calls']), (2, 2))

    def test_thoughts_stay_apart(self):
        for api in ('openai', 'anthropic'):
            (run,), seen = ask(api, self.base(api), 'think first')
            self.assertEqual((run['text'], run['thought'], seen['streamed']), ('Four.', 'Two and two.', 'Four.'), api)

    def test_many_at_once(self):
        runs, seen = ask('openai', self.base('openai'), 'add two and three', 200, 50)
        self.assertEqual({(r['status'], r['text']) for r in runs}, {('ok', 'The sums are 5 and 50.')})
        self.assertEqual(seen['leaks'], 0)

    def test_a_question_it_does_not_know(self):
        (run,), _ = ask('openai', self.base('openai'), 'what is the weather?')
        self.assertEqual(run['status'], 'WEFT_EMODEL')
        self.assertIn('HTTP 4', run['error'])


class Chaos(unittest.TestCase):
    def law(self, runs, seen, least):
        right = [r for r in runs if r['status'] == 'ok']
        for r in runs:
            if r['status'] == 'ok':
                self.assertEqual(r['text'], STORY)
            else:
                self.assertIn(r['status'], ('WEFT_EMODEL', 'WEFT_EBROKEN'))
                self.assertTrue(r['error'])
        self.assertGreaterEqual(len(right), least, [r for r in runs if r not in right])
        self.assertEqual(seen['leaks'], 0)
        self.assertTrue(STORY.startswith(seen['streamed']), 'text was shown twice: ' + seen['streamed'])

    def chaos(self, *options, runs=40, least, **env):
        server = aimock(*options)
        try:
            answers, seen = ask('openai', server.url + '/v1', 'tell a story', runs, 10, PROBE_NO_BREAKER='1', **env)
        finally:
            server.stop()
        self.assertEqual(len(answers), runs)
        self.law(answers, seen, least)

    def test_connections_that_break(self):
        self.chaos('--chaos-disconnect', '0.3', least=20)

    def test_errors(self):
        self.chaos('--chaos-drop', '0.3', least=20)

    def test_limits(self):
        self.chaos('--chaos-ratelimit', '0.2', runs=20, least=10)

    def test_answers_that_are_no_json(self):
        self.chaos('--chaos-malformed', '0.3', least=10)

    def test_nothing_is_repeated_without_a_gate(self):
        self.chaos('--chaos-drop', '1', least=0, runs=10, PROBE_NO_GATE='1')


class OpenaiMockApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = held_port()
        cls.server = Server('openai-mock-api/dist/cli.js', '-c', str(HERE / 'openai-mock-api.yaml'), '-p',
                            str(cls.port.getsockname()[1]), says=r'port\D*(\d+)')
        cls.url = f'http://127.0.0.1:{cls.server.url}/v1'

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.port.close()

    def test_text_streams(self):
        (run,), seen = ask('openai', self.url, 'tell a story')
        self.assertEqual((run['status'], run['text']), ('ok', 'Once upon a time there was a queue.'), run)
        self.assertEqual(seen['streamed'], run['text'])

    def test_a_wrong_key_is_refused_and_not_shown(self):
        (run,), _ = ask('openai', self.url, 'tell a story', PROBE_KEY='another-key-987654321')
        self.assertEqual(run['status'], 'WEFT_EMODEL')
        self.assertIn('HTTP 401', run['error'])
        self.assertNotIn('another-key', run['error'])


def held_port():
    """That program takes a number only. A bound socket that does not listen: its port is given to nobody else, and a server that
    says SO_REUSEADDR, as node does, may have it."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', 0))
    return s


if __name__ == '__main__':
    node_program = install()
    unittest.main(argv=[sys.argv[0], '-v'])
