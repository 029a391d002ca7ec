#!/usr/bin/python3
"""Load on servers: request_load.py URL...

Asks each, http://HOST:PORT or redis://HOST:PORT, in two threads as fast as it answers, each time over a
connection of its own. A line on stdin ends all and has the counts printed, as JSON: for each URL how
often each answer came, and the first failures."""

import collections
import json
import socket
import sys
import threading
import urllib.parse
import urllib.request

end = threading.Event()
counts = {url: collections.Counter() for url in sys.argv[1:]}
failures = collections.defaultdict(list)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url):
    """What is answered."""
    where = urllib.parse.urlsplit(url)
    if where.scheme == "http":
        with opener.open(url, timeout=10) as reply:
            return reply.read().decode()
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(b"PING\r\n")
        answer = connection.makefile("rb").readline()
        if answer != b"+PONG\r\n":
            raise OSError(f"the answer is {answer!r}")
        return "PONG"


def work(url):
    while not end.is_set():
        try:
            counts[url][ask(url)] += 1
        except (OSError, ValueError) as problem:
            failures[url].append(repr(problem))


threads = [threading.Thread(target=work, args=(url,)) for url in counts for _ in range(2)]
for thread in threads:
    thread.start()
sys.stdin.readline()
end.set()
for thread in threads:
    thread.join()
print(json.dumps({"counts": counts, "failures": {url: all[:5] for url, all in failures.items()}}))
