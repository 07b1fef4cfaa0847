#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_embed.py EMBED_EPOLL

Goal: examples/embed_epoll.c answers every line of every client, in order, survives those who leave, and ends when told.
"""
import socket
import subprocess
import sys
import time

CLIENTS, LINES = 50, 20


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def connect(port):
    for _ in range(100):
        try:
            return socket.create_connection(('127.0.0.1', port), timeout=20)
        except ConnectionRefusedError:
            time.sleep(0.05)
    sys.exit('nobody listens')


def main():
    port = free_port()
    service = subprocess.Popen([sys.argv[1], str(port)])
    try:
        clients = [connect(port) for _ in range(CLIENTS)]
        for client in clients:
            client.sendall(b'hello\n' * LINES)
        for leaver in clients[::5]:
            leaver.close()
        answered = 0
        for client in clients:
            if client.fileno() < 0:
                continue
            with client.makefile() as lines:
                answered += sum(bool(lines.readline().strip()) for _ in range(LINES))
        wanted = (CLIENTS - len(clients[::5])) * LINES
        connect(port).sendall(b'quit\n')
        status = service.wait(timeout=20)
    finally:
        service.kill()
    print(f'{answered} of {wanted} lines answered, exit status {status}')
    return 0 if answered == wanted and status == 0 else 1


if __name__ == '__main__':
    sys.exit(main())
