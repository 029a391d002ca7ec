"""A program whose health can be told to change: SIGUSR1 makes it bad, SIGUSR2 good again.

    health_program.py http PORT [bad]    serves /health: 200 or 503
    health_program.py tcp PORT           listens, or does not
    health_program.py file               makes or removes the file `bad` where it runs
    health_program.py notify WORD…       sends each to NOTIFY_SOCKET; then WATCHDOG=1 ten times a second

Whatever its health, it serves /hang, /flood, /headers, /moved and /nothing by http."""

import http.server
import os
import pathlib
import signal
import socket
import sys
import threading
import time

is_good = threading.Event()
is_good.set()
signal.signal(signal.SIGUSR1, lambda *_: is_good.clear())
signal.signal(signal.SIGUSR2, lambda *_: is_good.set())


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/hang":
            time.sleep(1000)
        elif self.path == "/flood":
            self.answer(200, b"enough\n")
            while True:
                self.wfile.write(b"x" * 65536)
        elif self.path == "/headers":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                self.wfile.write(b"X-Flood: " + b"x" * 1000 + b"\r\n")
        elif self.path == "/moved":
            self.answer(302, b"elsewhere\n", Location="/health")
        elif self.path == "/nothing":
            self.answer(204)
        elif is_good.is_set():
            self.answer(200, b"ok\n")
        else:
            self.answer(503, b"database \x1b[31maway\nsecond line\n")


def listen(port):
    out = socket.socket()
    out.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    out.bind(("127.0.0.1", port))
    out.listen(50)
    return out


def serve_tcp(port):
    listener = None
    while True:
        if is_good.is_set() and not listener:
            listener = listen(port)
        elif not is_good.is_set() and listener:
            listener.close()
            listener = None
        time.sleep(0.02)


def notify(words):
    address = os.environ["NOTIFY_SOCKET"]
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        def say(word):
            to.sendto(word.encode(), address)
        for word in words:
            if word.startswith("wait="):
                time.sleep(float(word[5:]))
            else:
                say(word)
        while True:
            if is_good.is_set():
                say("WATCHDOG=1")
            time.sleep(0.1)


def main():
    what, *rest = sys.argv[1:]
    if "bad" in rest:
        is_good.clear()
    if what == "http":
        http.server.ThreadingHTTPServer(("127.0.0.1", int(rest[0])), Handler).serve_forever()
    elif what == "tcp":
        serve_tcp(int(rest[0]))
    elif what == "notify":
        notify(rest)
    else:
        pathlib.Path("/tmp/mark").write_text("its own view\n")
        while True:
            if is_good.is_set():
                pathlib.Path("bad").unlink(missing_ok=True)
            else:
                pathlib.Path("bad").touch()
            time.sleep(0.02)


main()
