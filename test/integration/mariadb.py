"""A MariaDB of its own for a test: in a directory, on loopback, as nobody where the test is root."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from farm import free_port, wait_until

PROGRAM = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")
NOBODY = 65534

# Small and quick; what was committed survives its being killed, not the machine's.
SETTINGS = [
    "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=1",
    "--innodb-flush-method=nosync", "--innodb-doublewrite=0", "--skip-log-bin", "--performance-schema=OFF",
    "--innodb-buffer-pool-dump-at-shutdown=OFF", "--innodb-buffer-pool-load-at-startup=OFF",
    "--skip-name-resolve", "--aria-pagecache-buffer-size=8M", "--key-buffer-size=64K", "--sync-frm=OFF",
    "--innodb-fast-shutdown=2"]


class MariaDB:
    """Has an empty database `farm`, and a user `deployminator` whose password is in `password_file`."""

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="mariadb-"))
        self.port = free_port()
        self.process = None
        self.password_file = self.root / "password"
        for each in ["", "data", "run", "tmp"]:
            (self.root / each).mkdir(exist_ok=True)
            if os.geteuid() == 0:
                os.chown(self.root / each, NOBODY, NOBODY)
        # A root whose password is none may come in over the socket.
        with open(self.root / "install.log", "wb") as log:
            subprocess.run(["mariadb-install-db", *self.arguments(), "--skip-test-db",
                            "--auth-root-authentication-method=normal"],
                           stdout=log, stderr=log, check=True, timeout=120, **self.rights())
        self.start()
        self.password_file.write_text("it's secret\n")
        self.password_file.chmod(0o600)
        self.run("CREATE DATABASE farm; CREATE USER deployminator@'127.0.0.1' IDENTIFIED BY 'it''s secret'; "
                 "GRANT ALL ON farm.* TO deployminator@'127.0.0.1'")

    @staticmethod
    def rights():
        return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}

    def arguments(self):
        return ["--no-defaults", f"--datadir={self.root}/data", f"--tmpdir={self.root}/tmp", *SETTINGS]

    @property
    def url(self):
        return f"mysql://deployminator@127.0.0.1:{self.port}/farm"

    @property
    def socket(self):
        return self.root / "run" / "s"

    def start(self):
        with open(self.root / "mariadbd.log", "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, *self.arguments(), f"--socket={self.socket}", f"--pid-file={self.root}/run/pid",
                 "--bind-address=127.0.0.1", f"--port={self.port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.rights())
        wait_until(self.answers, "MariaDB answers", 60)

    def answers(self):
        assert self.process.poll() is None, (self.root / "mariadbd.log").read_text(errors="replace")
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def end(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        self.process.wait(30)
        self.process = None

    def run(self, sql):
        """As root; returns what the client printed."""
        return subprocess.run(["mariadb", "--no-defaults", "-uroot", "-S", self.socket, "-N", "-e", sql],
                              capture_output=True, text=True, check=True, timeout=30).stdout

    def close(self):
        if self.process:
            self.end(signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)
