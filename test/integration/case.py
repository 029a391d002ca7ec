"""What the integration tests share: a farm per test, and deploy.yaml files made to order."""

import argparse
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import unittest
import urllib.request

from farm import Farm, start_time, wait_until

BUSYBOX = shutil.which("busybox")
SERVE = ["httpd", "-f", "-p", "${PORT1}", "-h", "/"]


def application(**changes):
    """An application as YAML text (JSON is YAML): a web server that is ready soon."""
    app = {
        # busybox finds out what to be by its name.
        "repository": "shop", "name": "web", "downloadurl": BUSYBOX, "binary": "busybox",
        "args": SERVE, "instances": 2,
        "rollout": {"parallel": "100%", "min_ready": "300ms", "deadline": "20s"},
        "stop": {"signal": "TERM", "timeout": "1s"},
    }
    app.update(changes)
    return {key: value for key, value in app.items() if value is not None}


def answers(port, path="/etc/hostname"):
    """Whether an instance serves on its port."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=3) as reply:
            return reply.status == 200
    except OSError:
        return False


def make_tar(path, members):
    """A tar of (name, content or file to copy, mode); a content of None copies busybox."""
    with tarfile.open(path, "w") as tar:
        for name, content, mode in members:
            entry = tarfile.TarInfo(name)
            entry.mode = mode
            data = pathlib.Path(BUSYBOX).read_bytes() if content is None else content
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


class Case(unittest.TestCase):
    """A farm for each test; `agents` are started with it."""

    agents = ["w1", "w2"]

    def setUp(self):
        self.farm = Farm(OPTIONS.bin)
        self.addCleanup(self.finish)
        self.farm.start(self.agents)

    def finish(self):
        outcome = getattr(self, "_outcome", None)
        failed = outcome and outcome.result and any(
            test is self for test, _ in outcome.result.failures + outcome.result.errors)
        if failed:
            self.farm.show_logs()
        self.farm.close()

    def write(self, *applications, group="web", name="deploy.yaml", namespace="shop"):
        path = self.farm.root / name
        path.write_text(json.dumps({"namespace": namespace, "groups": [
            {"groupid": group, "applications": list(applications) or [application()]}]}))
        return path

    def new_build(self, path, build, *options, **expectations):
        return self.farm.deploy("new-build", path, "--build", build, *options, **expectations)

    def ready(self, group="shop/web"):
        return self.farm.instances(group, "ready")

    def pids(self, group="shop/web"):
        """(id, pid, start time) of the ready instances: the same set means the same processes."""
        return {(row["id"], row["pid"], start_time(row["pid"])) for row in self.ready(group)}

    def phase(self, group="shop/web"):
        row = self.farm.json("status", group)["groups"][0]
        return row["rollout"]["phase"] if row["rollout"] else None

    def wait_for_phase(self, phase, group="shop/web", deadline=20):
        wait_until(lambda: self.phase(group) == phase, f"the rollout is {phase}", deadline)

    def wait_until_done(self, group="shop/web", deadline=30):
        wait_until(lambda: self.phase(group) is None, "the rollout is done", deadline)

    def version_states(self, group="shop/web"):
        return {row["build"]: row["state"] for row in self.farm.json("versions", group)}

    def undeploy_and_check(self, group="shop/web"):
        self.farm.deploy("undeploy", group)
        wait_until(lambda: not self.farm.instances(group), "the instances are gone")
        wait_until(lambda: not self.farm.leftovers(), f"nothing is left: {self.farm.leftovers()}")


OPTIONS = argparse.Namespace(bin=os.environ.get("DEPLOYMINATOR_BIN"))


def main():
    """Runs the calling file's tests with the programs of `--bin DIR`."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--bin", default=OPTIONS.bin)
    found, rest = parser.parse_known_args()
    if not found.bin:
        parser.error("--bin DIR, the directory with the programs, is missing")
    OPTIONS.bin = found.bin
    # The test files import this module by its name, not as the program that was started.
    sys.modules["case"].OPTIONS.bin = found.bin
    unittest.main(module="__main__", argv=[sys.argv[0], *rest], verbosity=2)
