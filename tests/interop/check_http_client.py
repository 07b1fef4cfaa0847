#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_http_client.py PROBE: our HTTP client beside libcurl (the curl command), at one server.

The same requests get the same answers, to the byte: bodies by length, in chunks, up to the end and packed, heads of 1xx before, heads
and chunks cut anywhere. Both must tell the same status, fields and body, ask for the same when they are redirected, and use a
connection again in the same places. What we send to another origin is no more than what curl sends. The seed is WEFT_SEED, or 1.
"""
import gzip
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

SEED = int(os.environ.get("WEFT_SEED", "1"))
ROUNDS = int(os.environ.get("WEFT_ROUNDS", "100"))
draw = random.Random(SEED)
failures = []


def fail(what):
    failures.append(what)
    print("FAILED", what)


# ---- the server -------------------------------------------------------------------------------------------


class Server:
    """Answers by path: raw bytes, cut as told. Writes down what it was asked, and on which connection."""

    def __init__(self):
        self.answers, self.asked, self.connections = {}, [], 0
        self.lock = threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def take_log(self):
        with self.lock:
            log, self.asked = self.asked, []
            return log

    def accept(self):
        while True:
            peer, _ = self.socket.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self.serve, args=(peer, number), daemon=True).start()

    def serve(self, peer, number):
        stream = peer.makefile("rb")
        try:
            while self.exchange(peer, stream, number):
                pass
        except OSError:
            pass
        stream.close()
        peer.close()

    def exchange(self, peer, stream, number):
        method, path, *_ = (stream.readline().decode("latin1").split() + ["", ""])
        if not method:
            return False
        fields = []
        while (line := stream.readline()) not in (b"\r\n", b""):
            name, value = line.decode("latin1").split(":", 1)
            fields.append((name.lower(), value.strip()))
        known = dict(fields)
        if known.get("expect"):
            peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = stream.read(int(known.get("content-length", "0")))
        with self.lock:
            self.asked.append({"connection": number, "method": method, "path": path, "fields": fields, "body": body})
        pieces, keep = self.answers[path]
        for piece in pieces:
            peer.sendall(piece if method != "HEAD" else piece.split(b"\r\n\r\n")[0] + b"\r\n\r\n")
        return keep


# ---- answers ----------------------------------------------------------------------------------------------


def chunks(body):
    out = b""
    while body:
        n = min(len(body), draw.choice([1, 7, 100, 5000, 40000]))
        size = draw.choice(["%x", "%X", "0%x"]) % n
        out += (size + draw.choice(["", ";a=b", ';a="b c"'])).encode() + b"\r\n" + body[:n] + b"\r\n"
        body = body[n:]
    return out + b"0\r\n" + draw.choice([b"", b"X-Trailer: yes\r\n"]) + b"\r\n"


def cut(raw):
    """Anywhere, but a long one not into too many."""
    kind = draw.choice(["whole", "some", "bytes"])
    if kind == "whole" or (kind == "bytes" and len(raw) > 400):
        return [raw]
    if kind == "bytes":
        return [raw[i : i + 1] for i in range(len(raw))]
    at = sorted(draw.randrange(len(raw)) for _ in range(draw.randrange(1, 8)))
    return [raw[a:b] for a, b in zip([0] + at, at + [len(raw)]) if a < b]


def make_answer():
    """(pieces, whether the connection stays)."""
    status = draw.choice([200, 200, 200, 201, 204, 304, 400, 404, 429, 500, 503])
    framing = draw.choice(["length", "length", "chunks", "chunks", "end", "1.0", "close"])
    size = draw.choice([0, 1, 100, 5000, 70000])
    body = bytes(draw.choices(b"abc \r\n\x00\xff", k=size))
    fields = [("Content-Type", draw.choice(["text/plain", "application/json; charset=utf-8"])), ("X-Empty", ""),
              ("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("x-odd", draw.choice(["\t v \t", " a:b,c ", "v" * 8000]))]
    draw.shuffle(fields)
    bare = status in (204, 304)
    if not bare and draw.random() < 0.4:
        body = gzip.compress(body, mtime=0)
        fields.append(("Content-Encoding", draw.choice(["gzip", "GZIP", "x-gzip"])))
    if bare:
        body, framing = b"", draw.choice(["length", "close"])
    elif framing in ("length", "close"):
        fields.append(("Content-Length", str(len(body))))
    elif framing == "chunks":
        fields.append(("Transfer-Encoding", draw.choice(["chunked", "Chunked"])))
        body = chunks(body)
    if framing == "close":
        fields.append(("Connection", draw.choice(["close", "Close"])))
    infos = draw.choice(["", "", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"])
    if framing == "1.0":
        infos = ""
    version = "1.0" if framing == "1.0" else "1.1"
    head = f"HTTP/{version} {status} {draw.choice(['Fine', 'No Such Thing', ''])}\r\n"
    head += "".join(f"{name}:{draw.choice(['', ' ', '  '])}{value}\r\n" for name, value in fields)
    return cut((infos + head + "\r\n").encode("latin1") + body), framing in ("length", "chunks")


# ---- the two clients ----------------------------------------------------------------------------------------


class Ours:
    def __init__(self, probe):
        self.process = subprocess.Popen([probe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, method, url, body, fields):
        words = [method, url, body.hex() if body else "-"] + [f"{n}: {v}".encode().hex() for n, v in fields]
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        seen = json.loads(self.process.stdout.readline())
        if seen["error"]:
            return {"error": seen["error"]}
        pairs = [[bytes.fromhex(n).decode("latin1").lower(), bytes.fromhex(v).decode("latin1")] for n, v in seen["fields"]]
        return {"status": seen["status"], "fields": pairs, "body": bytes.fromhex(seen["body"])}


def curl(folder, asks):
    """All in one process, so that it may use a connection again."""
    args = ["curl", "-q"]
    for i, (method, url, body, fields) in enumerate(asks):
        args += ["--next"] if i else []
        args += ["-s", "-L", "--max-redirs", "10", "--max-time", "60", "--compressed", "--noproxy", "*", "--http1.1",
                 "-D", f"{folder}/{i}.head", "-o", f"{folder}/{i}.body", url]
        args += ["-I"] if method == "HEAD" else ["--data-binary", body.decode("latin1")] if method == "POST" else []
        for name, value in fields:
            args += ["-H", f"{name}: {value}"]
    subprocess.run(args, check=False, timeout=300)
    return [curls_answer(f"{folder}/{i}") for i in range(len(asks))]


def curls_answer(path):
    """The last head: those of 1xx and of redirections come before, trailers behind."""
    try:
        with open(path + ".head", encoding="latin1", newline="") as file:
            heads = [head for head in file.read().split("\r\n\r\n") if head.startswith("HTTP/")]
    except FileNotFoundError:
        return {"error": "curl has no answer"}
    head = heads[-1].split("\r\n")
    pairs = [line.split(":", 1) for line in head[1:]]
    body = b""
    if os.path.exists(path + ".body"):
        with open(path + ".body", "rb") as file:
            body = file.read()
    return {"status": int(head[0].split()[1]), "fields": [[n.lower(), v.strip(" \t")] for n, v in pairs], "body": body}


# ---- what is compared ------------------------------------------------------------------------------------------


def short(seen):
    return {k: (v[:60] if isinstance(v, bytes) else v) for k, v in seen.items()}


def compare(name, ours, theirs):
    if ours != theirs:
        fail(f"{name}\n  ours   {short(ours)}\n  theirs {short(theirs)}")


def check_answers(ours, folder):
    server = Server()
    asks = []
    for i in range(ROUNDS):
        server.answers[f"/{i}"] = make_answer()
        asks.append(("GET", server.url(f"/{i}"), b"", []))
    mine = [ours.ask(*a) for a in asks]
    my_log = server.take_log()
    theirs = curl(folder, asks)
    their_log = server.take_log()
    for i, (a, b) in enumerate(zip(mine, theirs)):
        compare(f"answer {i}: {server.answers[f'/{i}'][0][:2]}", a, b)

    def again(log):
        return [a["connection"] == b["connection"] for a, b in zip(log, log[1:])]

    if again(my_log) != again(their_log):
        fail(f"connections used again: ours {again(my_log)}, theirs {again(their_log)}")
    print(f"{ROUNDS} answers alike; {sum(again(my_log))} of {ROUNDS - 1} on the connection of before, for both")


SECRETS = [("Authorization", "Bearer s"), ("Cookie", "c=1"), ("X-Api-Key", "k"), ("Accept", "text/x")]


def asked(log):
    return [(a["method"], a["path"], a["body"]) for a in log]


def check_redirections(ours, folder):
    here, there = Server(), Server()
    plain = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    count = 0
    for away in (False, True):
        for status in (301, 302, 303, 307, 308):
            for method in ("GET", "POST"):
                to = (there if away else here).url("/end?q=1") if away or status % 2 else "end?q=1"
                head = f"HTTP/1.1 {status} Over There\r\nLocation: {to}\r\nContent-Length: 4\r\n\r\nover"
                here.answers["/from"] = ([head.encode()], True)
                here.answers["/end?q=1"] = there.answers["/end?q=1"] = ([plain], True)
                ask = (method, here.url("/from"), b"a body" if method == "POST" else b"", SECRETS)
                mine, log = ours.ask(*ask), here.take_log() + there.take_log()
                theirs, their_log = curl(folder, [ask])[0], here.take_log() + there.take_log()
                name = f"{method} {status} {'to another origin' if away else 'here'}"
                compare(name, mine, theirs)
                if asked(log) != asked(their_log):
                    fail(f"{name}: ours asked {asked(log)}, theirs {asked(their_log)}")
                more = {n for n, _ in log[-1]["fields"]} - {n for n, _ in their_log[-1]["fields"]}
                if more:
                    fail(f"{name}: we sent {more}, curl did not")
                if away and any(v in ("Bearer s", "c=1", "k") for _, v in log[-1]["fields"]):
                    fail(f"{name}: a secret left its origin")
                count += 1
    print(f"{count} redirections followed alike")


def check_methods(ours, folder):
    server = Server()
    server.answers["/head"] = ([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello"], True)
    server.answers["/post"] = ([b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"], True)
    # curl expects 100-continue beyond a megabyte; we never wait for it
    for name, ask in (("HEAD", ("HEAD", server.url("/head"), b"", [])),
                      ("POST", ("POST", server.url("/post"), b"x" * 100, [("Content-Type", "text/plain")])),
                      ("POST, expecting", ("POST", server.url("/post"), b"y" * 100000, [("Content-Type", "text/plain")]))):
        mine, log = ours.ask(*ask), server.take_log()
        asks = [ask if "exp" not in name else (ask[0], ask[1], ask[2], ask[3] + [("Expect", "100-continue")])]
        theirs, their_log = curl(folder, asks)[0], server.take_log()
        if name == "HEAD":
            theirs["body"] = b""
        compare(name, mine, theirs)
        if asked(log) != asked(their_log):
            fail(f"{name}: ours asked {asked(log)[0][:2]}, theirs {asked(their_log)[0][:2]}")


def main():
    if not shutil.which("curl"):
        print("skipped: there is no curl")
        return 77
    print(f"WEFT_SEED={SEED}, {subprocess.run(['curl', '--version'], capture_output=True, text=True, check=True).stdout.split(' (')[0]}")
    ours = Ours(sys.argv[1])
    for check in (check_answers, check_redirections, check_methods):
        with tempfile.TemporaryDirectory() as folder:
            check(ours, folder)
    ours.process.stdin.close()
    if ours.process.wait(60) != 0:
        fail("the probe failed")
    return 1 if failures else 0


sys.exit(main())
