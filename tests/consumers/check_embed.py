#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
check_embed.py EMBED_EPOLL

Goal: examples/embed_epoll.c answers every line of every client, in order, survives those who leave, and ends when told.
"""
import re
import socket
import subprocess
import sys

CLIENTS, LINES = 50, 20


def connect(port):
    return socket.create_connection(('127.0.0.1', port), timeout=100)


def main():
    service = subprocess.Popen([sys.argv[1], '0'], stderr=subprocess.PIPE, text=True)
    try:
        port = int(re.search(r' port (\d+):', service.stderr.readline())[1])
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
        status = service.wait(timeout=100)
    finally:
        service.kill()
        sys.stderr.write(service.stderr.read())
    print(f'{answered} of {wanted} lines answered, exit status {status}')
    return 0 if answered == wanted and status == 0 else 1


if __name__ == '__main__':
    sys.exit(main())
