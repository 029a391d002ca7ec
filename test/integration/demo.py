"""A live deployment on one machine: three agents, three builds, a rollback.

Shows what a person would do and see, checks it, and leaves nothing behind."""

import argparse
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import urllib.error
import urllib.request

from farm import Farm, wait_until

BALLAST = 12 << 20
RATE = 5 << 20

DEPLOY_YAML = """\
namespace: demo
groups:
  - groupid: shop
    applications:
      - repository: shop
        downloadurl: {url}/build-${{BUILDID}}.tar
        binary: shop/busybox
        args: {args}
        instances: 1
        strategy: one-per-machine
        instancesmeansperautodeployer: true
        rollout: {{parallel: 100%, min_ready: 1s, deadline: 20s}}
        stop: {{signal: TERM, timeout: 2s}}
"""


def say(text):
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def make_build(directory, number):
    """A tar with Debian's busybox, a page that names the build, and ballast that takes a while."""
    with tarfile.open(directory / f"build-{number}.tar", "w") as tar:
        tar.add(shutil.which("busybox"), "shop/busybox", recursive=False)
        for name, content in [("shop/www/index.html", f"build {number}\n".encode()),
                              ("shop/ballast", os.urandom(BALLAST))]:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(content))


def fetch(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        return answer.read().decode().strip()


class Poller(threading.Thread):
    """A client that asks the instances' ports all the time, as the list of instances gives them.
    A port that has just been replaced is looked up again once; a second failure counts."""

    def __init__(self, farm):
        super().__init__(daemon=True)
        self.farm, self.answers, self.failures, self.stop = farm, {}, [], threading.Event()

    def ask(self, port):
        try:
            text = fetch(port)
            self.answers[text] = self.answers.get(text, 0) + 1
            return None
        except (OSError, urllib.error.URLError) as problem:
            return problem

    def run(self):
        while not self.stop.is_set():
            ready = self.farm.instances("demo/shop", "ready")
            if not ready:
                self.failures.append("no instance is ready")
            for row in ready[:3]:
                problem = self.ask(row["ports"][0])
                if problem and row["id"] in {r["id"] for r in self.farm.instances("demo/shop", "ready")}:
                    self.failures.append(f"{row['id']}: {problem}")


def run(farm, *arguments, expect=0):
    """Runs `deploy` as a person does: its output goes to the terminal."""
    print("$ deploy " + " ".join(str(each) for each in arguments), flush=True)
    code = subprocess.run(farm.command(*arguments), timeout=120).returncode
    if code != expect:
        raise AssertionError(f"deploy ended with {code} instead of {expect}")


def show(farm):
    builds = pathlib.Path(farm.root) / "builds"
    builds.mkdir()
    for number in (1, 2, 3):
        make_build(builds, number)
    url = farm.serve_files(builds, "--rate", str(RATE))
    good = farm.root / "deploy.yaml"
    good.write_text(DEPLOY_YAML.format(
        url=url, args='["httpd", "-f", "-p", "${PORT1}", "-h", "shop/www"]'))
    broken = farm.root / "broken.yaml"
    broken.write_text(DEPLOY_YAML.format(url=url, args='["ls", "/no-such-directory"]'))
    before = farm.reservations()

    say("a server and three agents on loopback")
    farm.start(["w1", "w2", "w3"])
    run(farm, "machines")

    say("build 1: one call from the build repository")
    run(farm, "new-build", good, "--build", "1", "--commit", "4f2c1e9", "--branch", "main")
    run(farm, "instances", "demo/shop")
    ports = [row["ports"][0] for row in farm.instances("demo/shop")]
    assert len(ports) == 3 and {fetch(port) for port in ports} == {"build 1"}
    print("each instance answers: build 1")

    say("build 2 rolls over it while a client polls the ports")
    poller = Poller(farm)
    poller.start()
    run(farm, "new-build", good, "--build", "2")
    poller.stop.set()
    poller.join()
    print(f"the client got {poller.answers}, failed {len(poller.failures)} times")
    assert not poller.failures, poller.failures
    second = {(row["id"], row["pid"]) for row in farm.instances("demo/shop", "ready")}

    say("build 3 is broken: build 2 stays untouched")
    run(farm, "new-build", broken, "--build", "3", expect=1)
    wait_until(lambda: len(farm.instances("demo/shop")) == 3, "the broken instances are gone")
    assert {(row["id"], row["pid"]) for row in farm.instances("demo/shop", "ready")} == second
    print("the processes of build 2 are the same")

    say("rollback to build 1")
    run(farm, "rollback", "demo/shop")
    ports = [row["ports"][0] for row in farm.instances("demo/shop", "ready")]
    assert {fetch(port) for port in ports} == {"build 1"}
    run(farm, "versions", "demo/shop")

    say("undeploy: nothing is left behind")
    run(farm, "undeploy", "demo/shop")
    wait_until(lambda: not farm.leftovers(), "every process and directory is gone")
    wait_until(lambda: farm.reservations() <= before, "no port or user is reserved any more")
    print("no process, no reserved port, no instance directory")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="the directory with the programs")
    arguments = parser.parse_args()
    began = time.monotonic()
    with Farm(arguments.bin) as farm:
        show(farm)
    print(f"\ndone in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
