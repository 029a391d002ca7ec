"""What the artifacts' server, and a proxy before it, may do to the farm, and what they may not."""

import base64
import ctypes
import http.server
import os
import select
import socket
import socketserver
import sqlite3
import ssl
import subprocess
import threading
import unittest

import case
from case import Case, application, make_tar
from farm import wait_until

SOON = {"parallel": "100%", "min_ready": "300ms"}


class Builds(Case):
    agents = ["w1"]

    def setUp(self):
        super().setUp()
        self.builds = self.farm.root / "builds"
        self.builds.mkdir()
        make_tar(self.builds / "app.tar", [("busybox", None, 0o755)])
        self.url = self.farm.serve_files(self.builds)

    def begin(self, group, query, **rules):
        app = application(downloadurl=f"{self.url}/app.tar?{query}", instances=1, rollout={**SOON, **rules})
        return self.new_build(self.write(app, group=group, name=f"{group}.yaml"), 1, "--no-wait")

    def end_of(self, group):
        """The reason for which the group's rollout has ended, once it has."""
        def ends():
            events = self.farm.events("events", "--no-follow", timeout=20)
            return [e["reason"] for e in events
                    if e["type"] == "rollout.finished" and e["group"] == group]
        return wait_until(ends, f"the rollout of {group} ends", 40)[0]


class Fetching(Builds):
    def test_servers_that_drip_let_others_have_their_turn_and_their_builds_end(self):
        dripping = ["drip1", "drip2", "drip3"]
        for group in dripping:
            self.begin(group, f"rate=2&for={group}", fetch_deadline="14s")
        wait_until(lambda: len(self.farm.instances(state="downloading")) == 3, "three are fetched")
        self.begin("good", "")
        reason = wait_until(lambda: next((r["reason"] for r in self.farm.instances("shop/good")), ""),
                            "it is told why it waits")
        self.assertRegex(reason, r"^queued behind (app\.tar of 127\.0\.0\.1:\d+(, )?){3}$")
        self.assertEqual(self.end_of("good"), "every instance is ready")
        for group in dripping:
            self.assertRegex(self.end_of(group), "did not fetch its artifact within 14 s: "
                                                 "less than 1 KiB a second comes; see what holds its server or "
                                                 "the network up$")
        # Of all that, little is kept.
        with sqlite3.connect(f"file:{self.farm.root}/deployminator.sqlite?mode=ro", uri=True) as store:
            kept = store.execute("SELECT count(*) FROM event WHERE type = 'download.progress'").fetchone()[0]
        self.assertLessEqual(kept, 4 * 6)

    def test_the_deadline_ends_a_fetch_of_which_nothing_comes(self):
        self.begin("silent", "delay=1000", deadline="2s")
        self.begin("busy", "status=503", deadline="2s")
        self.assertIn("did not fetch its artifact within 2 s", self.end_of("silent"))
        self.assertRegex(self.end_of("busy"), "within 2 s: cannot fetch .*app.tar: the server answers "
                                              "503 Service Unavailable")

    def test_a_secret_in_a_url_is_shown_nowhere(self):
        secret = "t0p-5ecret"
        said = ""
        for build, changes in enumerate([
                {}, {"downloadurl": f"{self.url}/none.tar?token={secret}"}, {"sha256": "ab" * 32},
                {"downloadurl": f"{self.url.replace('//', f'//me:{secret}@')}/app.tar?status=503&token={secret}",
                 "rollout": {**SOON, "deadline": "2s"}}], 1):
            app = application(**{"downloadurl": f"{self.url}/app.tar?token={secret}", "instances": 1, **changes})
            done = self.new_build(self.write(app), build, expect=None)
            said += done.stdout + done.stderr
        for verb in ("instances",), ("events", "--no-follow"), ("history", "shop/web"), ("versions", "shop/web"):
            said += self.farm.deploy(*verb).stdout + self.farm.deploy("--json", *verb).stdout
        with sqlite3.connect(f"file:{self.farm.root}/deployminator.sqlite?mode=ro", uri=True) as store:
            said += str(store.execute("SELECT * FROM event").fetchall())
        said += self.farm.log("deployminator") + self.farm.log("w1")
        self.assertIn("app.tar", said)
        self.assertIn("none.tar", said)
        self.assertNotIn(secret, said)


class Proxy(socketserver.ThreadingTCPServer):
    """Leads all tunnels that are asked for (CONNECT) to one port here, or refuses them with `status`. The first
    `breaks` of them break off after 100,000 bytes."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        # Either side may go away.
        pass

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.port, self.status, self.breaks, self.asked = port, 200, 0, []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Tunnel(socketserver.StreamRequestHandler):
    def handle(self):
        lines = [line.strip().decode() for line in iter(self.rfile.readline, b"\r\n")]
        self.server.asked.append(lines)
        if self.server.status != 200:
            self.wfile.write(f"HTTP/1.1 {self.server.status} No\r\nContent-Length: 2\r\n\r\nno".encode())
            return
        left = 100_000 if self.server.breaks > 0 else 1 << 60
        self.server.breaks -= 1
        with socket.create_connection(("127.0.0.1", self.server.port)) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            other = {there: self.connection, self.connection: there}
            while left > 0:
                for each in select.select(list(other), [], [])[0]:
                    data = each.recv(min(left, 1 << 16))
                    if not data:
                        return
                    other[each].sendall(data)
                    left -= len(data) if each is there else 0


def trust(certificate):
    """Lets this process, and what it starts, trust that authority alone: in a mount namespace of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_mounts, bind, private = 0x20000, 0x1000, 0x4C000
    if (libc.unshare(new_mounts) or libc.mount(b"none", b"/", None, private, None)
            or libc.mount(str(certificate).encode(), b"/etc/ssl/certs/ca-certificates.crt", None, bind, None)):
        raise OSError(ctypes.get_errno(), "cannot mount")


@unittest.skipUnless(os.getuid() == 0, "only root can change whom the agent trusts")
class ThroughProxy(Builds):
    """The artifacts' server speaks TLS, under a name that only the proxy knows."""

    def setUp(self):
        super().setUp()
        self.farm.end("w1")
        certificate, key = self.farm.root / "ca.pem", self.farm.root / "ca.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=builds.invalid", "-addext", "subjectAltName=DNS:builds.invalid", "-days", "2",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        port = self.serve_tls(certificate, key)
        self.proxy = Proxy(port)
        self.addCleanup(self.proxy.server_close)
        self.addCleanup(self.proxy.shutdown)
        self.address = f"127.0.0.1:{self.proxy.server_address[1]}"
        self.url = "https://builds.invalid"
        environment = {**os.environ, "https_proxy": f"http://me:t0p-5ecret@{self.address}"}
        self.farm.start_agent("w1", env=environment, preexec_fn=lambda: trust(certificate))
        self.farm.wait_for_machines(["w1"])

    def serve_tls(self, certificate, key):
        """A server of the builds; its port."""
        directory = str(self.builds)

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=directory)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *_: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def refused(self, status, **rules):
        """The reason for which a rollout fails whose proxy answers this."""
        self.proxy.status = status
        self.begin(f"refused{status}", "", **rules)
        reason = self.end_of(f"refused{status}")
        self.assertIn(f", through the proxy {self.address} (https_proxy)", reason)
        self.assertNotIn("t0p", reason + self.farm.log("w1"))
        return reason

    def test_a_build_comes_through_the_tunnel_also_where_that_breaks(self):
        self.proxy.breaks = 2
        self.begin("good", "")
        self.assertEqual(self.end_of("good"), "every instance is ready")
        self.assertEqual(len(self.proxy.asked), 3)
        for request in self.proxy.asked:
            self.assertEqual(request[0], "CONNECT builds.invalid:443 HTTP/1.1")
            secret = base64.b64encode(b"me:t0p-5ecret").decode()
            self.assertIn(f"Proxy-Authorization: Basic {secret}", request)

    def test_a_proxy_that_wants_another_password_is_named_at_once(self):
        self.assertRegex(self.refused(407), "cannot fetch https://builds.invalid/app.tar: the proxy answers 407 Proxy "
                                            "Authentication Required")
        self.assertEqual(len(self.proxy.asked), 1)

    def test_a_proxy_that_cannot_get_through_is_asked_again_until_the_deadline(self):
        self.assertRegex(self.refused(502, deadline="2s"), "within 2 s: cannot fetch https://builds.invalid/app.tar: "
                                                           "the proxy answers 502 Bad Gateway")
        self.assertGreater(len(self.proxy.asked), 1)

    def test_a_server_that_nobody_vouches_for_is_not_believed(self):
        other = self.farm.root / "other.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=builds.invalid", "-days", "2", "-keyout", self.farm.root / "other.key",
                        "-out", other], check=True, capture_output=True)
        self.farm.end("w1")
        self.farm.start_agent("w1", env={**os.environ, "https_proxy": f"http://{self.address}"},
                              preexec_fn=lambda: trust(other))
        self.farm.wait_for_machines(["w1"])
        self.begin("strange", "")
        self.assertRegex(self.end_of("strange"), f"SSL certificate problem: self-signed certificate, through the proxy "
                                                 f"{self.address}")


if __name__ == "__main__":
    case.main()
