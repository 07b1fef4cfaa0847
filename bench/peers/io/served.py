#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
bench/peers/io/served.py WEFT TOKENS_PER_S PROGRAM ITEM WORKERS REPETITIONS [ARGUMENT...]

Starts `weft mock-llm` in a process of its own, runs PROGRAM with its URL behind REPETITIONS, and ends it again. The exit
status is PROGRAM's.
"""
import signal
import subprocess
import sys


def main(weft, tokens_per_s, program, item, workers, repetitions, *arguments):
    server = subprocess.Popen([weft, 'mock-llm', '--workers', '1', '--tokens-per-s', tokens_per_s, '--connections', '16000', '--quiet'],
                              stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().split()[-1]
        command = program.split('|') + [item, workers, repetitions, url, *arguments]
        return subprocess.run(command).returncode
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
