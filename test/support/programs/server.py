"""Answers each request with its first argument; told to stop, it ends the requests that it has."""

import http.server
import signal
import sys
import threading

assert sys.prefix != sys.base_prefix, "this is not the Python of the virtual environment"
ANSWER = sys.argv[1].encode()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128


server = Server(("0.0.0.0", int(sys.argv[2])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
