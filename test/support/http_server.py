#!/usr/bin/python3
"""Serves files over HTTP the way real servers do on bad days.

Serves DIRECTORY on 127.0.0.1 and prints the port on the first line of its output. How it behaves is
set by the flags, and for one request by the same names in the query:

    http_server.py --directory builds --rate 200000
    curl http://127.0.0.1:PORT/app.tar?break-at=1000&break-times=2

It understands ranges (also with If-Range) and gives an ETag, unless told not to.
"""

import argparse
import base64
import ctypes
import email.utils
import http.server
import json
import os
import re
import select
import signal
import sys
import threading
import time
import urllib.parse

FLAGS = {
    "rate": (int, 0, "bytes per second; 0: as fast as it goes"),
    "delay": (float, 0.0, "seconds before the answer begins"),
    "status": (int, 200, "answer with this status instead of the file"),
    "status-times": (int, -1, "so many times only, for each path"),
    "retry-after": (str, "", "with such a header"),
    "redirect": (str, "", "answer with a redirect to this URL"),
    "break-at": (int, -1, "close the connection at this byte of the file"),
    "break-times": (int, -1, "so many times only, for each path"),
    "stall-at": (int, -1, "send nothing more from this byte of the file on"),
    "stall-times": (int, -1, "so many times only, for each path"),
    "ignore-range": (int, 0, "1: always send the whole file"),
    "wrong-range": (int, 0, "1: answer a range with another one"),
    "ignore-if-range": (int, 0, "1: answer a range though the file is another one"),
    "most-of-range": (int, 0, "answer a range with so many bytes at most"),
    "excess": (int, 0, "send so many bytes more than were announced"),
    "no-content-length": (int, 0, "1: end the file by closing the connection"),
    "no-range-length": (int, 0, "1: end a part of a file so"),
    "no-validators": (int, 0, "1: neither ETag nor Last-Modified"),
    "no-etag": (int, 0, "1: only Last-Modified"),
    "user": (str, "", "NAME:PASSWORD that is asked for"),
    "bearer": (str, "", "token that is asked for"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        split = urllib.parse.urlsplit(self.path)
        self.settings = dict(self.server.settings)
        for name, value in urllib.parse.parse_qsl(split.query):
            if name in FLAGS:
                self.settings[name] = FLAGS[name][0](value)
        self.file_path = urllib.parse.unquote(split.path)
        time.sleep(self.settings["delay"])
        if not self.authorized():
            self.refuse(401, {"WWW-Authenticate": 'Basic realm="builds"'})
        elif self.settings["redirect"]:
            self.refuse(302, {"Location": self.settings["redirect"]})
        elif self.settings["status"] != 200 and self.happens("status", self.settings["status-times"]):
            after = self.settings["retry-after"]
            self.refuse(self.settings["status"], {"Retry-After": after} if after else None)
        else:
            self.serve_file()

    def do_HEAD(self):
        self.do_GET()

    def authorized(self):
        given = self.headers.get("Authorization", "")
        if self.settings["bearer"]:
            return given == "Bearer " + self.settings["bearer"]
        wanted = self.settings["user"]
        return not wanted or given == "Basic " + base64.b64encode(wanted.encode()).decode()

    def refuse(self, status, headers=None):
        body = f"{status}\n".encode()
        self.answer(status, {"Content-Length": len(body), **(headers or {})})
        self.wfile.write(body)

    def answer(self, status, headers):
        self.server.note(path=self.file_path, status=status, range=self.headers.get("Range", ""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def serve_file(self):
        root = os.path.realpath(self.server.directory)
        path = os.path.realpath(os.path.join(root, self.file_path.lstrip("/")))
        if os.path.commonpath([root, path]) != root or not os.path.isfile(path):
            self.refuse(404)
            return
        with open(path, "rb") as file:
            info = os.fstat(file.fileno())
            headers = self.validators(info)
            begin = self.range_begin(headers)
            if begin >= info.st_size > 0 and begin > 0:
                self.refuse(416, {"Content-Range": f"bytes */{info.st_size}"})
                return
            end = info.st_size
            if begin and self.settings["most-of-range"]:
                end = min(end, begin + self.settings["most-of-range"])
            self.send_head(headers, begin, end, info.st_size)
            if self.command == "GET":
                file.seek(begin)
                self.send_body(file, begin, end)

    def validators(self, info):
        if self.settings["no-validators"]:
            return {}
        out = {
            "ETag": f'"{info.st_size:x}-{info.st_mtime_ns:x}"',
            "Last-Modified": email.utils.formatdate(info.st_mtime, usegmt=True),
        }
        if self.settings["no-etag"]:
            del out["ETag"]
        return out

    def range_begin(self, headers):
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if not match or self.settings["ignore-range"]:
            return 0
        is_other = condition is not None and condition not in headers.values()
        if is_other and not self.settings["ignore-if-range"]:
            return 0
        return int(match.group(1))

    def send_head(self, headers, begin, end, size):
        if self.settings["no-content-length"] or (begin and self.settings["no-range-length"]):
            headers["Connection"] = "close"
            self.close_connection = True
        else:
            headers["Content-Length"] = end - begin
        if begin:
            shown = begin + 1 if self.settings["wrong-range"] else begin
            headers["Content-Range"] = f"bytes {shown}-{end - 1}/{size}"
        self.answer(206 if begin else 200, headers)

    def send_body(self, file, at, end):
        rate = self.settings["rate"]
        piece = max(1, rate // 20) if rate else 256 * 1024
        stops = sorted((s, kind) for kind in ("break", "stall") if (s := self.stop_of(kind)) >= at)
        while True:
            stop = stops[0] if stops and stops[0][0] <= end else None
            limit = stop[0] if stop else end
            data = file.read(min(piece, limit - at))
            self.wfile.write(data)
            at += len(data)
            if stop and at == limit:
                self.stop(stop[1])
                return
            if not data:
                self.wfile.write(b"x" * self.settings["excess"])
                return
            if rate:
                time.sleep(len(data) / rate)

    def stop_of(self, kind):
        at = self.settings[f"{kind}-at"]
        return at if at >= 0 and self.happens(kind, self.settings[f"{kind}-times"]) else -1

    def happens(self, kind, times):
        return times < 0 or self.server.count(kind, self.file_path, times)

    def stop(self, kind):
        self.close_connection = True
        self.wfile.flush()
        if kind == "stall":
            # Until the other side closes the connection.
            select.select([self.connection], [], [])

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, options, settings):
        super().__init__((options.address, options.port), Handler)
        self.directory = options.directory
        self.settings = settings
        self.log = open(options.log, "a", buffering=1) if options.log else None
        self.counts = {}
        self.lock = threading.Lock()

    def note(self, **what):
        if self.log:
            with self.lock:
                self.log.write(json.dumps(what) + "\n")

    def count(self, kind, path, most):
        with self.lock:
            n = self.counts.get((kind, path), 0)
            self.counts[(kind, path)] = n + 1
            return n < most

    def handle_error(self, request, client_address):
        # A client that goes away is nothing to report.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--directory", default=".", help="what is served (default: here)")
    parser.add_argument("--log", help="append a line of JSON for each answer to this file")
    parser.add_argument("--end-with-parent", action="store_true", help="end when the parent ends")
    for name, (kind, default, text) in FLAGS.items():
        if text.startswith("1: "):
            parser.add_argument(f"--{name}", action="store_const", const=1, default=0, help=text[3:])
        else:
            parser.add_argument(f"--{name}", type=kind, default=default, help=text)
    options = parser.parse_args()
    if options.end_with_parent:
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    settings = {name: getattr(options, name.replace("-", "_")) for name in FLAGS}
    server = Server(options, settings)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print(server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
