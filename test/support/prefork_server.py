#!/usr/bin/env -S python3 -u
"""Serves HTTP by worker processes that share the main one's socket: PORT SECONDS LEAVING.

A request takes SECONDS. Told to end, a worker finishes the request that it is at, and the main process
`leaves` at once, or `waits` for its workers, to which it passes nothing on, or its worker is `deaf`."""

import os
import signal
import socket
import sys
import time

PORT, SECONDS, LEAVING = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]

told = []


def work(listener):
    signal.signal(signal.SIGTERM, signal.SIG_IGN if LEAVING == "deaf" else lambda *_: told.append(True))
    while not told:
        try:
            connection, _ = listener.accept()
        except socket.timeout:
            continue
        with connection:
            connection.settimeout(5)
            connection.recv(4096)
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                time.sleep(0.05)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nserved\n")
    print("worker is told, and done", flush=True)
    os._exit(0)


listener = socket.create_server(("127.0.0.1", PORT))
listener.settimeout(0.1)
for _ in range(2):
    if os.fork() == 0:
        work(listener)
print("serves", flush=True)
if LEAVING == "waits":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.wait()
    os.wait()
    sys.exit(7)
signal.signal(signal.SIGTERM, lambda *_: os._exit(5))
signal.pause()
