#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_codec.py CONVERT INCLUDE_DIR

Goal: what others read of our messages is what we wrote, and what they write is what we read.
Method: the example that converts lists of messages, beside protobuf's own compiler (protoc, or protoc-c, which is the same
front end: --decode and --encode by the installed .proto) and beside python's json and msgpack. What is missing is left out and named.
"""
import json
import shutil
import subprocess
import sys

CONVERT, INCLUDE = sys.argv[1:3]
ROOM = '00112233-4455-6677-8899-aabbccddeeff'

MESSAGES = [
    {'role': 'user', 'id': ROOM, 'created_ms': 1763734800123, 'text': 'h\u00e9llo \u20ac \U0001f600 "quoted"\n', 'source': 'chat',
     'metadata': {'a': [1, 2.5, None, {'b': 'c'}]},
     'attachments': [{'url': 'http://a/b.png', 'content_type': 'image/png'}, {'text': 'x' * 300}]},
    {'role': 'assistant', 'room_id': ROOM, 'created_ms': -1, 'thought': 'hm',
     'tool_calls': [{'id': 'c1', 'name': 'add', 'arguments': '{"a":1}'}]},
    {'role': 'tool', 'tool_results': [{'call_id': 'c1', 'text': '2'}, {'call_id': 'c2', 'text': 'no', 'failed': True}]},
    {'role': 'system'},
]

PROTO_TEXT = r'''
messages {
  role: ROLE_USER
  id: "\000\021\"3DUfw\210\231\252\273\314\335\356\377"
  created_ms: 1763734800123
  text: "h\303\251llo"
  metadata: "{\"k\":1}"
  attachments { url: "http://a/b.png" title: "T" }
  attachments { description: "d" text: "t" source: "s" }
}
messages {
  role: ROLE_TOOL
  tool_results { call_id: "c2" text: "no" failed: true }
}
'''
PROTO_MESSAGES = [
    {'role': 'user', 'id': ROOM, 'created_ms': 1763734800123, 'text': 'h\u00e9llo', 'metadata': {'k': 1},
     'attachments': [{'url': 'http://a/b.png', 'title': 'T'}, {'description': 'd', 'text': 't', 'source': 's'}]},
    {'role': 'tool', 'tool_results': [{'call_id': 'c2', 'text': 'no', 'failed': True}]},
]


def run(args, data):
    done = subprocess.run(args, input=data, capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f'FAILED: {" ".join(args)}: {done.stderr.decode(errors="replace")}')
    return done.stdout


def convert(source, target, data):
    return run([CONVERT, source, target], data)


def has(name):
    done = subprocess.run([CONVERT, 'json', name], input=b'[]', capture_output=True, check=False)
    if done.returncode != 0:
        print(f'left out: {done.stderr.decode().strip()}')
    return done.returncode == 0


def expect(what, got, want):
    if got != want:
        sys.exit(f'FAILED: {what}:\n{got}\ninstead of\n{want}')
    print(f'ok: {what}')


def check_json():
    text = json.dumps(MESSAGES).encode()
    expect('json: python reads what we write', json.loads(convert('json', 'json', text)), MESSAGES)


def plain(message):
    """A message as msgpack has it: ids are bytes, metadata is text."""
    out = dict(message)
    for key in ('id', 'room_id'):
        if key in out:
            out[key] = bytes.fromhex(out[key].replace('-', ''))
    if 'metadata' in out:
        out['metadata'] = json.dumps(out['metadata'])
    return out


def check_msgpack():
    try:
        import msgpack
    except ImportError:
        print('left out: python3-msgpack is not there')
        return False
    ours = msgpack.unpackb(convert('json', 'msgpack', json.dumps(MESSAGES).encode()))
    expect('msgpack: python reads what we write', ours, [plain(m) for m in MESSAGES])
    theirs = msgpack.packb([plain(m) for m in MESSAGES])
    expect('msgpack: we read what python writes', json.loads(convert('msgpack', 'json', theirs)), MESSAGES)
    return True


def check_protobuf():
    protoc = shutil.which('protoc') or shutil.which('protoc-c')
    if not protoc:
        print('left out: there is no protoc')
        return False
    by = [protoc, '-I', INCLUDE]
    proto = f'{INCLUDE}/weft/message.proto'
    theirs = run([*by, '--encode=weft.v1.Messages', proto], PROTO_TEXT.encode())
    expect('protobuf: we read what protoc writes', json.loads(convert('protobuf', 'json', theirs)), PROTO_MESSAGES)
    ours = convert('json', 'protobuf', json.dumps(MESSAGES).encode())
    text = run([*by, '--decode=weft.v1.Messages', proto], ours)
    again = run([*by, '--encode=weft.v1.Messages', proto], text)
    expect('protobuf: protoc reads what we write, and writes the same', again, ours)
    expect('protobuf: by name', text.count(b'messages {') == 4 and b'role: ROLE_ASSISTANT' in text and b'failed: true' in text, True)
    return True


def main():
    check_json()
    ran = [check_msgpack() if has('msgpack') else False, check_protobuf() if has('protobuf') else False]
    return 0 if any(ran) else 77


if __name__ == '__main__':
    sys.exit(main())
