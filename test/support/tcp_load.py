#!/usr/bin/python3
"""Load on a tcp_server: tcp_load.py PORT LASTING ADDRESS...

Opens connections to the addresses as fast as they are answered, each for one question, and keeps
LASTING more that ask again and again. Prints the name in each greeting when it changes. A line
`close` on stdin ends those that last, `end` ends all and has the counts printed, as JSON."""

import collections
import json
import socket
import sys
import threading
import time

PORT, LASTING, ADDRESSES = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
lock = threading.Lock()
failures = []
greeted = collections.Counter()
close_lasting, end = threading.Event(), threading.Event()
last_name = None
counts = collections.Counter()


def count(what):
    with lock:
        counts[what] += 1


def note_name(name):
    global last_name
    with lock:
        greeted[name] += 1
        if name != last_name:
            last_name = name
            print(name, flush=True)


def ask(connection, stream, greeting):
    connection.sendall(b"question\n")
    answer = stream.readline()
    if answer != greeting.rstrip(b"\n") + b" question\n":
        raise OSError(f"the answer is {answer!r} after the greeting {greeting!r}")
    count("answers")


def converse(address, lasts):
    """One connection, from its beginning to its orderly end."""
    with socket.create_connection((address, PORT), timeout=10) as connection:
        count("connections")
        stream = connection.makefile("rb")
        greeting = stream.readline()
        if not greeting.endswith(b"\n"):
            raise OSError(f"the greeting is {greeting!r}")
        if not lasts:
            note_name(greeting.split()[0].decode())
        ask(connection, stream, greeting)
        while lasts and not close_lasting.is_set():
            time.sleep(0.02)
            ask(connection, stream, greeting)
        connection.shutdown(socket.SHUT_WR)
        if stream.read():
            raise OSError("something follows the last answer")
    count("lasting" if lasts else "short")


def work(address, lasts):
    while not end.is_set():
        try:
            converse(address, lasts)
        except OSError as problem:
            with lock:
                failures.append(f"{'lasting' if lasts else 'short'} to {address}: {problem!r}")
        if lasts:
            return


threads = [threading.Thread(target=work, args=(ADDRESSES[n % len(ADDRESSES)], n < LASTING))
           for n in range(LASTING + 4)]
for thread in threads:
    thread.start()
for line in sys.stdin:
    if line.strip() == "close":
        close_lasting.set()
    if line.strip() == "end":
        break
close_lasting.set()
end.set()
for thread in threads:
    thread.join()
print(json.dumps({**counts, "greeted": greeted, "failures": failures[:20]}), flush=True)
