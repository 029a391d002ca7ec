"""A night drill: something breaks, and within ten seconds whoever looks is told where, why, and what to do.

The table has a row for each thing that breaks: for each surface the words that name the place, the reason and the
remedy, one after the other, or why it is no concern of that surface. `status` and `machines` are asked anew; `events`,
`watch` and `new-build`, which follows a rollout, were begun before.

The machine's clock cannot be set for one process. What is loaded into the agent before all else (LD_PRELOAD) is
compiled here, and shifts what the kernel tells it.
"""

import json
import os
import re
import signal
import socket
import subprocess
import time
import unittest

import case
from case import Case, application, make_tar
from disk import Greed, mount_small_disk
from farm import free_port, wait_until

WITHIN = 10
FOLLOWING = "events", "watch", "new-build"
SURFACES = {"status", "machines", *FOLLOWING}


class NoConcern(str):
    """Why a surface says nothing of it."""


INSTANCES_ARE_WELL = NoConcern("every instance is ready all the time")
MACHINE_IS_WELL = NoConcern("nothing is wrong with the machine")
NOT_ROLLED_OUT = NoConcern("no build is being rolled out")

AWAY = r"w1  machine unreachable: nothing was heard of its agent for \d s; `deploy machines` says what to do"
AGENT_AWAY = {
    "status": r"shop/web: web-\w+ on w1 is lost: the machine is out of reach; see deploy machines",
    "machines": r"w1: nothing was heard of its agent since .*: see that the machine runs .*systemctl status autodeployer",
    "events": AWAY,
    "watch": AWAY,
    "new-build": AWAY,
}

NO_SPACE = r".*(see `deploy machines`.*No space left|No space left.*free some space there)"
NOT_STORED = (r"nothing can be stored: the database .*/store/deployminator\.sqlite cannot .*: "
              r"(make room on its disk|see whether its disk is full)")

LOGS = r"what version 2 printed: deploy logs shop/web --all -n 50; what happened: deploy history shop/web"


def failing_fetch(reason):
    """The row of an artifact that can never be had."""
    why = r"cannot fetch http://127.0.0.1:\d+/app.tar: " + reason
    return {
        "status": rf"rollout of version 2 failed: web-\w+ on w\d {why}(?s:.*)deploy history shop/web",
        "machines": MACHINE_IS_WELL,
        "events": rf"w\d  web-\w+  failed: {why}",
        "watch": rf"w\d  web-\w+  failed: {why}",
        "new-build": rf"web-\w+ on w\d: {why}(?s:.*)version 1 still serves",
    }


UNREACHED = r"cannot fetch http://127.0.0.1:\d+/app.tar: its host .* is away.*; see that it runs"
SLOW = r"w\d  [\d.]+/[\d.]+ KiB  [\d.]+ KiB/s  ETA \w+  app.tar"
CREDENTIALS = r".*; check downloaduser and downloadpassword, downloadtoken, or the machine's netrc"
CRASHED = r"w1  web-\w+  failed: exited with code 7.*; its log: deploy logs web-\w+"
IN_USE = r"web-\w+  failed: exited with code 1; its log: deploy logs web-\w+"
CLOCK = r"w1  the machine's clock is 3\d{3} s ahead of the server's: have a time service set both"

TABLE = {
    "an agent is killed": AGENT_AWAY,
    "an agent is frozen": AGENT_AWAY,
    "the disk of a machine is full": {
        "status": rf"rollout of version 2 failed: web-\w+ on w1{NO_SPACE}(?s:.*)deploy history shop/web",
        # going_on_test has those of `machines`.
        "machines": r"w1: the disk of .*/w1/lib is full, since .*: free 4.0 MiB or more of it",
        "events": r"w1  the disk of .*/w1/lib is full: free 4.0 MiB or more of it",
        "watch": r"w1  the disk of .*/w1/lib is full: free 4.0 MiB or more of it",
        "new-build": rf"web-\w+ on w1:{NO_SPACE}",
    },
    "the disk of the server is full": {
        "status": f"the server: {NOT_STORED.replace(': (', ', since .*: (')}",
        "machines": f"the server: {NOT_STORED.replace(': (', ', since .*: (')}",
        "events": f"the server  {NOT_STORED}",
        "watch": f"the server  {NOT_STORED}",
        "new-build": f"the server  {NOT_STORED}",
    },
    "the server of the artifacts is away": {
        "status": rf"shop/web: web-\w+ on w\d is downloading: {UNREACHED}.*; how far it is: deploy watch shop/web",
        "machines": MACHINE_IS_WELL,
        "events": rf"w\d  web-\w+  downloading: {UNREACHED}",
        "watch": rf"w\d  web-\w+  downloading: {UNREACHED}",
        "new-build": rf"w\d  web-\w+  downloading: {UNREACHED}",
    },
    "the server of the artifacts is slow": {
        "status": r"shop/web: web-\w+ on w\d is downloading; how far it is: deploy watch shop/web",
        "machines": MACHINE_IS_WELL,
        "events": SLOW,
        "watch": SLOW,
        "new-build": SLOW,
    },
    "the server of the artifacts refuses": failing_fetch("the server answers 403 Forbidden" + CREDENTIALS),
    "the server of the artifacts asks for a login": failing_fetch("a page of HTML came" + CREDENTIALS),
    "a program crashes again and again": {
        "status": r"shop/web: web-\w+ on w1 failed: exited with code 7; its log: deploy logs web-\w+",
        "machines": MACHINE_IS_WELL,
        "events": CRASHED,
        "watch": CRASHED,
        "new-build": NoConcern("every instance was ready once, so the rollout is over"),
    },
    "another process has the port that a program wants": {
        "status": rf"rollout of version 2 failed: web-\w+ on w\d exited with code 1(?s:.*){LOGS}",
        "machines": MACHINE_IS_WELL,
        "events": IN_USE,
        "watch": IN_USE,
        "new-build": r"web-\w+ on w\d: exited with code 1\n.*bind: Address already in use\n +its log: deploy logs web-\w+",
    },
    "another process takes the port of an instance": {
        "status": NoConcern("it has another port, and is ready"),
        "machines": MACHINE_IS_WELL,
        "events": r"w1  web-\w+  ready :\d+: another process has taken port \d+ meanwhile, so it gets another",
        "watch": r"w1  web-\w+  ready :\d+: another process has taken port \d+ meanwhile, so it gets another",
        "new-build": NOT_ROLLED_OUT,
    },
    "the clock of a machine is an hour ahead": {
        "status": INSTANCES_ARE_WELL,
        "machines": r"w1: the machine's clock is 3\d{3} s ahead of the server's, since .*: have a time service set both",
        "events": CLOCK,
        "watch": CLOCK,
        "new-build": NOT_ROLLED_OUT,
    },
}

SHIFTED_CLOCK = r"""
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t which, struct timespec* now) {
  int failed = syscall(SYS_clock_gettime, which, now) != 0;
  if (!failed && which == CLOCK_REALTIME)
    now->tv_sec += 3600;
  return failed ? -1 : 0;
}
"""


class Drill(Case):
    agents = ["w1", "w2"]

    def setUp(self):
        super().setUp()
        self.followed = {}

    def file(self, build, **changes):
        return self.write(application(strategy="one-per-machine", instances=1, **changes), name=f"{build}.yaml")

    def deploy_first(self, **changes):
        self.new_build(self.file(1, **changes), 1)
        self.follow("watch")
        last = self.farm.events("events", "--no-follow")[-1]["seq"]
        self.follow("events", "--since", last)
        wait_until(lambda: "2/2 ready" in self.said("watch"), "the watcher has the picture")

    def follow(self, verb, *arguments):
        self.followed[verb] = path = self.farm.root / f"{verb}.txt"
        with path.open("wb") as out:
            self.farm.processes[f"{verb} follower"] = subprocess.Popen(
                self.farm.command(verb, *arguments), stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def roll_out(self, **changes):
        self.follow("new-build", self.file(2, **changes), "--build", "2")

    def said(self, surface):
        if surface in FOLLOWING:
            return self.followed[surface].read_text()
        done = self.farm.deploy(surface, "-o", "wide")
        return done.stdout + done.stderr

    def is_told(self, fault):
        """Within ten seconds from now each surface says what its row has."""
        row = TABLE[fault]
        self.assertEqual(set(row), SURFACES)
        until = time.monotonic() + WITHIN
        missing = {surface: words for surface, words in row.items() if not isinstance(words, NoConcern)}
        while missing:
            said = {surface: self.said(surface) for surface in missing}
            for surface, text in said.items():
                if re.search(missing[surface], text):
                    del missing[surface]
            if missing and time.monotonic() > until:
                self.fail("\n".join(f"`{surface}` did not say {words!r} within {WITHIN} s, but:\n{said[surface]}"
                                    for surface, words in missing.items()))
            time.sleep(0.1)


class Agents(Drill):
    def test_killed(self):
        self.deploy_first()
        self.roll_out(rollout={"parallel": "100%", "min_ready": "20s", "deadline": "60s"})
        self.wait_for_phase("starting")
        self.farm.end("w1", signal.SIGKILL)
        self.is_told("an agent is killed")

    def test_frozen(self):
        self.deploy_first()
        # The order comes before anybody knows, so the machine is given an instance.
        self.farm.processes["w1"].send_signal(signal.SIGSTOP)
        self.roll_out()
        self.is_told("an agent is frozen")

    def test_an_hour_ahead(self):
        self.deploy_first()
        source = self.farm.root / "clock.c"
        source.write_text(SHIFTED_CLOCK)
        shim = self.farm.root / "clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, source], check=True)
        self.farm.end("w1", signal.SIGKILL)
        self.farm.start_agent("w1", env={**os.environ, "LD_PRELOAD": str(shim)})
        self.farm.wait_for_machines(["w1"])
        self.is_told("the clock of a machine is an hour ahead")


@unittest.skipUnless(os.getuid() == 0, "only root can make a small disk")
class Disks(Drill):
    agents = []

    def test_full_on_a_machine(self):
        mount_small_disk(self, self.farm.root / "w1", "30m")
        self.start("w1", "w2")
        greed = Greed(self.farm.root / "w1")
        self.addCleanup(greed.end)
        self.roll_out()
        self.is_told("the disk of a machine is full")

    def test_full_on_the_server(self):
        self.farm.end("deployminator")
        store = self.farm.root / "store"
        mount_small_disk(self, store, "8m")
        self.farm.store = [f"sqlite:{store}/deployminator.sqlite"]
        self.farm.start_server()
        self.start("w1", "w2")
        self.roll_out(rollout={"parallel": "100%", "min_ready": "20s", "deadline": "60s"})
        self.wait_for_phase("starting")
        wait_until(lambda: len(self.farm.instances("shop/web", "running")) == 2, "the new ones run")
        greed = Greed(store)
        self.addCleanup(greed.end)
        os.kill(self.ready()[0]["pid"], signal.SIGKILL)
        self.is_told("the disk of the server is full")
        self.assertRegex(self.farm.deploy("status", "--check", expect=1).stderr, "the server: " + NOT_STORED.replace(
            ": (", ", since .*: ("))
        problems = json.loads(self.farm.deploy("--json", "status", "--check", expect=1).stdout)["problems"]
        self.assertRegex(problems[0], "^the server: nothing can be stored: .*Z?: (make room|see whether)")
        refused = self.new_build(self.file(3), 3, expect=1)
        self.assertRegex(refused.stderr, r"the database .* cannot .*\n  (make room on|see whether) its disk")
        greed.end()
        wait_until(lambda: "that is over" in self.said("watch"), "it is over")
        self.assertNotIn("nothing can be stored", self.said("status"))

    def start(self, *names):
        for name in names:
            self.farm.start_agent(name)
        self.farm.wait_for_machines(names)
        self.deploy_first()


class Artifacts(Drill):
    def setUp(self):
        super().setUp()
        self.builds = self.farm.root / "builds"
        self.builds.mkdir()
        make_tar(self.builds / "app.tar", [("busybox", None, 0o755)])
        self.deploy_first()

    def fetch(self, fault, *options):
        self.roll_out(downloadurl=self.farm.serve_files(self.builds, *options) + "/app.tar")
        self.is_told(fault)

    def test_from_nowhere(self):
        self.roll_out(downloadurl=f"http://127.0.0.1:{free_port()}/app.tar")
        self.is_told("the server of the artifacts is away")

    def test_that_come_slowly(self):
        self.fetch("the server of the artifacts is slow", "--rate", "20000")

    def test_that_are_refused(self):
        self.fetch("the server of the artifacts refuses", "--status", "403")

    def test_behind_a_login(self):
        (self.builds / "app.tar").write_text("<html><title>Log in</title></html>")
        self.fetch("the server of the artifacts asks for a login")


class Programs(Drill):
    def test_that_crash_again_and_again(self):
        self.deploy_first()
        self.roll_out(args=["sh", "-c", "sleep 1; exit 7"], restart={"backoff": "1s..2s"})
        self.is_told("a program crashes again and again")

    def test_that_crash_again_and_again_and_are_ready_when_one_looks(self):
        loop = self.file(1, args=["sh", "-c", "sleep 2; exit 7"], restart={"backoff": "1ms..1ms"})
        self.new_build(loop, 1)

        def ready_by_chance():
            told = json.loads(self.farm.deploy("--json", "status", "shop/web", "--check", expect=None).stdout)
            group, = told["groups"]
            return group["ready"] == group["wanted"] == group["restarting"] == 2 and told["problems"]
        problem, = wait_until(ready_by_chance, "all are ready, and restarted again and again", 40)
        self.assertEqual(problem, "shop/web: 2 instances restarted 3 times or more within 10 minutes: "
                                  "deploy instances shop/web")
        checked = self.farm.deploy("status", "--check", expect=1)
        self.assertIn(problem + "\n", checked.stderr)
        # A line each; broken where a terminal is narrow.
        self.assertRegex(checked.stderr, r"shop/web: web-\w+ on w1 (is|failed)[^\n]*; its log: deploy logs web-\w+\n")
        self.assertTrue(all(each["restarting"] for each in self.farm.instances("shop/web")))
        # What replaces them is well.
        self.new_build(self.file(2), 2)
        self.assertEqual(self.farm.deploy("status", "--check").stderr, "")

    def taken_port(self, port):
        thief = socket.socket()
        self.addCleanup(thief.close)
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("0.0.0.0", port))
        thief.listen()

    def test_that_want_a_port_of_another_process(self):
        self.deploy_first()
        port = free_port()
        self.taken_port(port)
        self.roll_out(args=["httpd", "-f", "-p", str(port)])
        self.is_told("another process has the port that a program wants")

    def test_that_lose_their_port(self):
        self.deploy_first(restart={"backoff": "1s..1s"})
        row, = (each for each in self.ready() if each["machine"] == "w1")
        os.kill(row["pid"], signal.SIGKILL)
        wait_until(lambda: self.farm.instances("shop/web", "failed"), "it is down")
        self.taken_port(row["ports"][0])
        self.is_told("another process takes the port of an instance")


if __name__ == "__main__":
    case.main()
