#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_mock_llm_cli.py WEFT

Goal: `weft mock-llm` does what its manual says. Method: it is run; Python's own HTTP client asks; exit statuses, what
is printed, and how it ends by a signal are compared.
"""
import http.client
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

WEFT = str(pathlib.Path(sys.argv[1]).resolve())
LONG = 100  # seconds for what must happen
QUESTION = {'model': 'm', 'messages': [{'role': 'user', 'content': 'hello'}]}


class Mock:
    def __init__(self, *options):
        self.process = subprocess.Popen([WEFT, 'mock-llm', '--workers', '2', *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.host = urllib.parse.urlsplit(self.url).netloc

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def begin(self, body=QUESTION, path='/v1/chat/completions'):
        connection = http.client.HTTPConnection(self.host, timeout=LONG)
        connection.request('POST', path, json.dumps(body), {'Content-Type': 'application/json'})
        return connection

    def ask(self, body=QUESTION, path='/v1/chat/completions'):
        connection = self.begin(body, path)
        try:
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def end(self, with_signal):
        """(exit status, what it printed besides its address)"""
        self.process.send_signal(with_signal)
        out, err = self.process.communicate(timeout=LONG)
        return self.process.returncode, out + err


def run(*options):
    done = subprocess.run([WEFT, 'mock-llm', *options], capture_output=True, text=True, timeout=LONG)
    return done.returncode, done.stdout, done.stderr


class Arguments(unittest.TestCase):
    def test_help(self):
        status, out, _ = run('--help')
        self.assertEqual(status, 0)
        self.assertIn('usage: weft mock-llm', out)

    def test_what_is_not_understood(self):
        for options in (['--nope'], ['--port'], ['--port', '70000'], ['--port', 'x'], ['--errors', '404:1'], ['--errors', '429:2'],
                        ['--disconnects', 'later:0.1'], ['--tokens-per-s', '-1'], ['--seed', '1x']):
            status, out, err = run(*options)
            self.assertEqual((status, out), (2, ''), options)
            self.assertIn(options[0], err)

    def test_what_cannot_start(self):
        with tempfile.TemporaryDirectory() as folder:
            fixture = pathlib.Path(folder) / 'fixture.json'
            fixture.write_text('{"answers":[\n{"txt":"x"}]}')
            for options, what in ((['--latency', 'file:/nonexistent'], '/nonexistent'), (['--fixture', str(fixture)], ':2: /answers/0/txt'),
                                  (['--fixture', '/nonexistent'], '/nonexistent')):
                status, out, err = run(*options)
                self.assertEqual((status, out), (1, ''), options)
                self.assertIn(what, err)

    def test_a_port_that_is_taken(self):
        for workers in ('1', '2'):
            with Mock('--workers', workers) as mock:
                status, _, err = run('--workers', workers, '--port', mock.host.rpartition(':')[2])
                self.assertEqual(status, 1)
                self.assertIn('cannot listen', err)


class Serving(unittest.TestCase):
    def test_answers_and_figures(self):
        with Mock() as mock:
            self.assertTrue(mock.url.startswith('http://127.0.0.1:') and mock.url.endswith('/v1'))
            status, body = mock.ask()
            self.assertEqual((status, json.loads(body)['choices'][0]['message']['content']), (200, 'You said: hello'))
            status, body = mock.ask({**QUESTION, 'stream': True})
            self.assertEqual((status, body.count('data: {'), body[-14:]), (200, 5, 'data: [DONE]\n\n'))
            self.assertEqual(mock.ask({})[0], 400)
            status, out = mock.end(signal.SIGTERM)
            self.assertEqual(status, 0)
            self.assertIn('3 requests on 3 connections, 1 refused, 0 made to fail, 0 left by their reader; 1 streams of 5 events, 6 tokens', out)

    def test_ipv6_and_quiet(self):
        with Mock('--address', '::1', '--quiet') as mock:
            if not mock.url:
                self.skipTest('no IPv6 here')
            self.assertTrue(mock.url.startswith('http://[::1]:'))
            self.assertEqual(mock.ask()[0], 200)
            self.assertEqual(mock.end(signal.SIGINT), (0, ''))

    def test_latencies_of_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            times = pathlib.Path(folder) / 'ms'
            times.write_text('# measured\n0.5\n 1ms\n\n2\n')
            with Mock('--latency', f'file:{times}') as mock:
                self.assertEqual({mock.ask()[0] for _ in range(20)}, {200})
            times.write_text('1\nx\n')
            status, _, err = run('--latency', f'file:{times}')
            self.assertEqual(status, 1)
            self.assertIn(':2: not a number', err)

    def test_faults_are_the_same_again(self):
        def fates():
            with Mock('--seed', '5', '--errors', '429:0.3,500:0.2') as mock:
                return [mock.ask()[0] for _ in range(60)]
        first = fates()
        self.assertEqual(first, fates())
        self.assertEqual(set(first), {200, 429, 500})

    def test_the_end_waits_for_answers_under_way(self):
        with Mock('--tokens-per-s', '20', '--answer-tokens', '10') as mock:
            connection = mock.begin({**QUESTION, 'stream': True})
            answer = connection.getresponse()
            begun = answer.readline()
            status, out = mock.end(signal.SIGTERM)
            self.assertEqual((status, answer.status), (0, 200))
            self.assertTrue((begun + answer.read()).endswith(b'data: [DONE]\n\n'))
            self.assertIn('1 streams of 12 events, 10 tokens', out)
            connection.close()

    def test_a_second_signal_ends_it_at_once(self):
        with Mock('--tokens-per-s', '0.001') as mock:
            connection = mock.begin({**QUESTION, 'stream': True})
            connection.getresponse().readline()
            while mock.process.poll() is None:
                mock.process.send_signal(signal.SIGTERM)
                time.sleep(0.05)
            self.assertEqual(mock.process.returncode, -signal.SIGTERM)
            connection.close()


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], '-v'])
