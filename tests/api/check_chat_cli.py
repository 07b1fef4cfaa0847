#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_chat_cli.py WEFT MCP_SERVER

Goal: `weft chat` does what its manual says, for a person and for a script.
Method: the command on a pseudo-terminal, typed at and read from; the same through pipes. Nothing is waited for by time:
what is expected is read until it comes, and a Ctrl-C that came too early is typed again.
"""
import base64
import fcntl
import hashlib
import http.server
import json
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import urllib.parse
import urllib.request

LONG = 100  # seconds for what must happen

WEFT = str(pathlib.Path(sys.argv[1]).resolve())


class Terminal:
    """The command on a terminal of so many columns."""

    def __init__(self, *args, columns=60, **env):
        self.out = b''
        self.at = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
            os.execve(WEFT, [WEFT, 'chat', *args], {**os.environ, 'TERM': 'xterm', 'LC_ALL': 'C.UTF-8', **env})

    def read(self, seconds):
        """What comes until there is a pause; None at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return b''
        try:
            return os.read(self.fd, 65536) or None
        except OSError:
            return None

    def sees(self, pattern, again=None):
        """Wait for a pattern behind the last one; `again` is typed in a second, and then now and then until it is there: two of
        them at once, behind a stall, would mean something else."""
        until = time.monotonic() + LONG
        typing = time.monotonic() + 1
        while time.monotonic() < until:
            found = re.search(pattern.encode(), self.out[self.at:])
            if found:
                self.at += found.end()
                return found
            data = self.read(0.1)
            assert data is not None, f'it ended before {pattern!r}: {self.out[-500:]!r}'
            self.out += data
            if again and time.monotonic() > typing:
                self.types(again)
                typing = time.monotonic() + 10
        raise AssertionError(f'never: {pattern!r} in {self.out[-500:]!r}')

    def types(self, text):
        os.write(self.fd, text.encode())

    def prompts(self):
        """It is about to read a line."""
        self.sees(r'\n> $')

    def ends(self, text=''):
        """Its exit code, after text, typed once a second: the terminal may change its mode just then."""
        until = time.monotonic() + LONG
        typed = 0.0
        while time.monotonic() < until:
            if text and time.monotonic() > typed + 1:
                self.types('\x15' + text if typed else text)  # Ctrl-U: whatever stands there
                typed = time.monotonic()
            data = self.read(0.1)
            self.out += data or b''
            if data is None:
                break
        else:
            os.kill(self.pid, 9)
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def piped(*args, text='', code=0, **env):
    run = subprocess.run([WEFT, 'chat', *args], input=text, capture_output=True, text=True, timeout=LONG,
                         env={**os.environ, **env})
    assert run.returncode == code, f'{args} gave {run.returncode}: {run.stdout} {run.stderr}'
    return run


def a_conversation():
    t = Terminal('--tools', 'time')
    t.sees('Ctrl-D ends')
    t.prompts()
    t.types('hello\r')
    t.sees('Let me look at the clock')
    t.sees(r'> time \{\}')
    t.sees(r'= time: \w+day \d{4}-')
    t.sees('The clock has answered')
    t.sees(r'/v1\.')
    t.prompts()
    t.types('/help\r')
    t.sees('/forget: begin anew')
    t.types('/etc/passwd holds what?\r')
    t.sees('There is no /etc/passwd;')
    t.prompts()
    assert t.ends('/quit\r') == 0
    assert b'\x1b[2m' in t.out, 'tools are dim'


def wrapping():
    for columns in (30, 77):
        t = Terminal(columns=columns)
        t.prompts()
        t.types('h\u00e9llo\r')
        t.sees('I am the mock model')
        t.sees(r'/v1\.')
        t.prompts()
        assert t.ends('\x04') == 0
        text = t.out[t.out.index(b'I am the mock'):].decode()
        lines = text.split('\r\n')
        assert all(len(line) <= columns for line in lines[:2]), lines
        assert all(not line.startswith(' ') for line in lines), 'words begin lines'


def without_colour():
    t = Terminal(NO_COLOR='1')
    t.sees('Ctrl-D ends')
    t.prompts()
    assert t.ends('\x04') == 0
    assert b'\x1b[2m' not in t.out


ODD = 'a\x1b[2J\u009b2J\u202eb\u2066c'  # clears a screen, turns the order of what follows
PLAIN = 'a[2J2Jbc'


def nothing_moves_the_cursor(folder):
    """What models, files and errors say does not reach the terminal as commands."""
    character = folder / 'odd.json'
    character.write_text(json.dumps({'name': ODD, 'bio': 'Odd.'}))
    t = Terminal(str(character))
    t.sees(re.escape(PLAIN) + ', by')
    t.prompts()
    assert t.ends('\x04') == 0
    said = piped('--once', 'x', f'{folder}/{ODD}', code=1).stderr
    assert PLAIN in said and said.rstrip('\n').isprintable(), repr(said)
    server, url = serve()
    try:
        assert piped('--model', url, '--once', ODD).stdout == f'You said: {PLAIN}\n'
    finally:
        server.terminate()
        server.wait()


def interrupts():
    t = Terminal('--model', 'mock:60000')
    t.prompts()
    t.types('hello\r')
    t.sees(r'hello')
    t.sees('canceled', again='\x03')
    t.prompts()
    t.sees('Ctrl-C once more', again='\x03')
    assert t.ends('\x03') == 0


def memory(folder):
    path = str(folder / 'memory')
    character = folder / 'ada.json'
    character.write_text('{"name":"Ada","system":"You are Ada.","bio":"Ada counts."}')
    piped('--memory', path, '--once', 'my name is Bob', str(character))
    t = Terminal('--memory', path, '--record', str(folder / 'second.jsonl'), str(character))
    t.sees('2 messages are remembered')
    t.prompts()
    t.types('who am I?\r')
    t.sees(r'/v1\.')
    t.prompts()
    assert t.ends('\x04') == 0
    lines = [json.loads(line) for line in (folder / 'second.jsonl').read_text().splitlines()]
    asked = next(line for line in lines if line['type'] == 'model')['messages']
    assert [m['content'] for m in asked if m['role'] == 'user'] == ['my name is Bob', 'who am I?'], asked
    assert 'You are Ada.' in asked[0]['content'] and 'Ada counts.' in asked[0]['content']
    run = subprocess.run([WEFT, 'replay', str(folder / 'second.jsonl')], capture_output=True, text=True, timeout=LONG)
    assert run.returncode == 0 and 'identical' in run.stdout, run
    t = Terminal('--memory', path, str(character))
    t.sees('4 messages are remembered')
    t.prompts()
    t.types('/forget\r')
    t.sees('4 messages are forgotten')
    t.prompts()
    assert t.ends('\x04') == 0
    t = Terminal('--memory', path, str(character))
    t.sees('Ctrl-D ends')
    t.prompts()
    assert t.ends('\x04') == 0
    assert b'remembered' not in t.out


def scripts(folder):
    assert piped('--once', 'hi').stdout.startswith('I am the mock model')
    assert piped('--once', 'hi', '--tools', 'time').stdout.startswith('The clock has answered'), 'the answer alone'
    assert len(piped(text='one\n\ntwo').stdout.splitlines()) == 2
    assert piped(text='one\\\ntwo\n').stdout.count('mock model:') == 1, 'a line that goes on'
    events = [json.loads(line) for line in piped('--json', '--tools', 'time', text='hi\n').stdout.splitlines()]
    assert [e['type'] for e in events if e['type'] != 'chunk'] == ['tool', 'result', 'answer'], events
    chunks = ''.join(e['text'] for e in events if e['type'] == 'chunk')
    assert chunks.endswith(events[-1]['text']), 'the chunks are the answer'
    assert 'usage:' in piped('--help').stdout
    assert "unknown option '--unheard'" in piped('--unheard', code=2).stderr
    assert "--model: 'nothing' is not understood" in piped('--model', 'nothing', '--once', 'x', code=2).stderr
    assert 'time, shell' in piped('--tools', 'nothing', '--once', 'x', code=2).stderr
    assert 'none.json' in piped('--once', 'x', str(folder / 'none.json'), code=1).stderr
    taken = folder / 'taken'
    taken.write_text('mine')
    told = f'weft chat: {taken} exists; a recording is never written over: give another name or remove it'
    assert told in piped('--record', str(taken), '--once', 'x', code=1).stderr
    memory = ['--memory', str(taken), '--record', str(folder / 'early')]
    assert 'taken' in piped(*memory, '--once', 'x', code=1).stderr and not (folder / 'early').exists()
    assert taken.read_text() == 'mine'


def serve(*args):
    """A model behind HTTP, the one that comes with weft: the process, and its URL."""
    server = subprocess.Popen([WEFT, 'mock-llm', '--port', '0', *args], stdout=subprocess.PIPE, text=True)
    address = re.search(r'127\.0\.0\.1:\d+', server.stdout.readline())
    assert address, 'mock-llm does not say where it listens'
    return server, f'http://{address.group()}/v1#some-model'


def a_url_without_a_name(folder):
    some = folder / 'some.json'
    some.write_text(json.dumps({'models': ['one', 'nomic-embed-text', 'two', *(f'{i}' * 60 for i in range(9))]}))
    expected = 'it has 11 models; expected URL#NAME, with one of: one, two, ' + 60 * '0' + ', ...'
    for options, code, told in (([], 0, ''), (['--fixture', str(some)], 1, expected)):
        server, url = serve(*options)
        try:
            run = piped('--model', url.split('#')[0], '--once', 'hello', code=code)
            assert told in run.stderr and (code or run.stdout.startswith('You said')), run
        finally:
            server.terminate()
            server.wait()
    assert 'asked which models it has' in piped('--model', url.split('#')[0], '--once', 'x', code=1).stderr


SCRIPT = {'models': ['one'], 'answers': [
    {'match': {'user': 'shell', 'turn': 1}, 'tool_calls': [{'name': 'shell', 'arguments': {'command': 'echo $((6*7)); ls /proc/1/root >&2'}}]},
    {'match': {'user': 'python', 'turn': 1}, 'tool_calls': [{'name': 'python', 'arguments': {'code': 'print(6*7)'}}]},
    {'match': {'user': 'echo', 'turn': 1}, 'tool_calls': [{'name': 'one_echo', 'arguments': {'text': '42'}}]},
    {'match': {'tool_result_contains': '42'}, 'text': 'It is 42.'},
    {'text': 'It is not.'}]}


def no_sandbox():
    """Why programs cannot be walled in here, or nothing."""
    try:
        run = subprocess.run(['bwrap', '--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--', 'true'],
                             capture_output=True, text=True, timeout=LONG)
    except OSError as e:
        return str(e)
    return run.stderr.strip() if run.returncode else ''


def tools(folder, mcp_server):
    """Each kind of tool is called by a scripted model, and what it gave comes back to that."""
    script, servers = folder / 'script.json', folder / 'servers.json'
    script.write_text(json.dumps(SCRIPT))
    servers.write_text(json.dumps({'mcpServers': {'one': {'command': mcp_server}}}))
    which, why = {'echo': str(servers)}, no_sandbox()
    if why:
        print(f'chat: shell and python are not tried: {why}')
    else:
        which |= {'shell': 'shell', 'python': 'python'}
    server, url = serve('--fixture', str(script))
    try:
        for word, tool in which.items():
            run = piped('--model', url.split('#')[0], '--tools', f'time,{tool}', '--json', text=word + '\n')
            events = [json.loads(line) for line in run.stdout.splitlines()]
            kinds = [e['type'] for e in events if e['type'] not in ('chunk', 'progress')]
            assert kinds == ['tool', 'result', 'answer'], events
            assert events[-1]['text'] == 'It is 42.', events
            recording = folder / f'{word}.jsonl'
            piped('--model', url.split('#')[0], '--tools', tool, '--record', str(recording), '--once', word)
            run = subprocess.run([WEFT, 'replay', str(recording)], capture_output=True, text=True, timeout=LONG)
            assert run.returncode == 0 and 'identical' in run.stdout, run
    finally:
        server.terminate()
        server.wait()
    broken = folder / 'broken.json'
    broken.write_text(json.dumps({'mcpServers': {'gone': {'command': str(folder / 'nothing-here')}}}))
    assert 'gone' in piped('--tools', str(broken), '--once', 'x', code=1).stderr
    assert 'none-here.json' in piped('--tools', 'none-here.json', '--once', 'x', code=1).stderr


def canceled_in_the_middle(folder):
    server, url = serve('--tokens-per-s', '5')
    try:
        t = Terminal('--model', url, '--memory', str(folder / 'half'))
        t.prompts()
        t.types('one two ' + 200 * 'and ' + 'last\r')  # 40 s: whoever cancels may be slow
        t.sees(r'You said: one ')
        t.sees('canceled', again='\x03')
        assert t.ends('\x04') == 0
        assert b'said: one' in t.out and b'last' not in t.out[t.out.index(b'said: one'):]
        t = Terminal('--memory', str(folder / 'half'))
        t.sees('2 messages are remembered')
        assert t.ends('\x04') == 0
    finally:
        server.terminate()
        server.wait()


def served(folder):
    server, url = serve()
    try:
        record = folder / 'http.jsonl'
        answer = piped('--model', url, '--record', str(record), '--once', 'hello').stdout.strip()
        assert answer, 'no answer'
        t = Terminal('--model', url)
        t.prompts()
        t.types('hello\r')
        t.sees(re.escape(answer.split()[0]))
        t.prompts()
        assert t.ends('\x04') == 0
    finally:
        server.terminate()
        server.wait()
    run = subprocess.run([WEFT, 'replay', str(record)], capture_output=True, text=True, timeout=LONG)
    assert run.returncode == 0 and 'identical' in run.stdout, run
    piped('--model', url, '--once', 'hello', code=1)


class Guarded(http.server.BaseHTTPRequestHandler):
    """An MCP server that wants authorization, and the authorization server, at one address."""
    protocol_version = 'HTTP/1.1'
    challenge = ''

    def log_message(self, *_):
        pass

    def say(self, status, body=None, **fields):
        text = b'' if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {'Content-Type': 'application/json', 'Content-Length': str(len(text)), **fields}.items():
            self.send_header(name.replace('_', '-'), value)
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        me = f'http://127.0.0.1:{self.server.server_port}'
        path, _, query = self.path.partition('?')
        asked = dict(urllib.parse.parse_qsl(query))
        if path == '/.well-known/oauth-protected-resource/mcp':
            self.say(200, {'resource': me + '/mcp', 'authorization_servers': [me]})
        elif path == '/.well-known/oauth-authorization-server':
            self.say(200, {'issuer': me, 'authorization_endpoint': me + '/go', 'token_endpoint': me + '/token',
                           'registration_endpoint': me + '/register', 'code_challenge_methods_supported': ['S256']})
        elif path == '/go':
            Guarded.challenge = asked['code_challenge']
            answer = urllib.parse.urlencode({'code': 'c', 'state': asked['state']})
            self.say(302, Location=asked['redirect_uri'] + '?' + answer)
        else:
            self.say(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length'])).decode()
        if self.path == '/register':
            self.say(201, {'client_id': 'chat'})
        elif self.path == '/token':
            hashed = hashlib.sha256(dict(urllib.parse.parse_qsl(body))['code_verifier'].encode()).digest()
            right = base64.urlsafe_b64encode(hashed).decode().rstrip('=') == Guarded.challenge
            self.say(200 if right else 400, {'access_token': 'SECRET', 'token_type': 'Bearer'})
        elif self.headers['Authorization'] != 'Bearer SECRET':
            self.say(401, WWW_Authenticate='Bearer')
        else:
            self.answer(json.loads(body))

    def answer(self, message):
        hello = {'protocolVersion': '2025-11-25', 'capabilities': {'tools': {}}, 'serverInfo': {'name': 'g', 'version': '1'}}
        if 'id' not in message:
            self.say(202)
        else:
            self.say(200, {'jsonrpc': '2.0', 'id': message['id'],
                           'result': hello if message['method'] == 'initialize' else {'tools': []}})


def a_server_that_wants_authorization(folder):
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Guarded)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = folder / 'guarded.json'
    config.write_text(json.dumps({'mcpServers': {'g': {'url': f'http://127.0.0.1:{server.server_port}/mcp'}}}))
    run = piped('--tools', str(config), '--once', 'hello', code=1, no_proxy='*')
    if 'or oauth' in run.stderr:
        print('a server that wants authorization: skipped, this build has no TLS')
        return
    assert 'there is nobody to ask' in run.stderr, run
    t = Terminal('--tools', str(config), no_proxy='*')
    url = t.sees(r'Open this in a browser[^:]*:\s+(http://127\.0\.0\.1:\d+/go\?[!-~]+)').group(1).decode()
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=LONG) as page:
        assert b'You can close this page' in page.read()
    t.prompts()
    assert t.ends('\x04') == 0
    assert b'SECRET' not in t.out
    t = Terminal('--tools', str(config), no_proxy='*')
    t.sees('Open this in a browser')
    t.types('\x03')
    t.sees('canceled while an MCP server was starting')
    assert t.ends() == 1
    server.shutdown()


def main():
    os.environ.pop('NO_COLOR', None)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.environ['HOME'] = name  # nobody's ~/.editrc
        scripts(folder)
        a_conversation()
        wrapping()
        without_colour()
        nothing_moves_the_cursor(folder)
        interrupts()
        memory(folder)
        served(folder)
        canceled_in_the_middle(folder)
        a_url_without_a_name(folder)
        a_server_that_wants_authorization(folder)
        tools(folder, sys.argv[2])
    print('chat: as the manual says')


main()
