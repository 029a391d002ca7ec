"""What gets in the way for a while, a full disk, a port that is taken, ends by itself: nothing hangs, nothing has to be
restarted, and where a person looks it says what is wrong."""

import os
import pathlib
import signal
import socket
import time
import unittest

import case
from case import Case, answers, application
from disk import Greed, mount_small_disk
from farm import wait_until

FAILS_LATER = ["sh", "-c", "sleep 2; exit 7"]
SLOWLY = {"parallel": "100%", "min_ready": "3s", "deadline": "20s"}


@unittest.skipUnless(os.getuid() == 0, "only root can make a small disk")
class FullDisk(Case):
    """The machine `w1` on a disk of its own that something fills at the worst moment."""

    agents = []

    def setUp(self):
        super().setUp()
        self.disk = self.farm.root / "w1"
        mount_small_disk(self, self.disk, "30m")
        self.farm.start_agent("w1")
        self.farm.wait_for_machines(["w1"])
        self.new_build(self.write(), 1)
        self.before = self.pids()

    def fill(self):
        greed = Greed(self.disk)
        self.addCleanup(greed.end)
        return greed

    def troubles(self):
        return [each["what"] for each in self.farm.json("machines")[0]["troubles"]]

    def begin(self, build, **changes):
        path = self.write(application(**changes), name=f"{build}.yaml")
        self.new_build(path, build, "--no-wait")

    def last_end(self):
        ends = [each for each in self.events() if each["type"] == "rollout.finished"]
        return ends[-1]

    def events(self):
        return self.farm.events("events", "--since", "0", "--no-follow")

    def goes_on(self, greed, build):
        """Once there is space again the next order works, with nothing restarted."""
        full = f"the disk of {self.disk}/lib is full"
        wait_until(lambda: full in self.troubles(), "the machine says that its disk is full")
        said = self.farm.deploy("machines")
        self.assertIn(full, said.stdout)
        self.assertIn("free 4.0 MiB or more of it", said.stderr)
        greed.end()
        done = self.new_build(self.write(application(env={"BUILD": str(build)})), build, timeout=60)
        self.assertIn("succeeded", done.stdout + done.stderr)
        wait_until(lambda: len(self.farm.instances("shop/web")) == 2, "the others are gone")
        wait_until(lambda: not self.troubles(), "the trouble is over")
        told = [(each["what"], each["over"]) for each in self.events() if each["type"] == "machine.trouble"]
        self.assertEqual([over for what, over in told if what == full], [False, True])
        self.undeploy_and_check()

    def fails(self, build, sentence):
        self.wait_until_done(deadline=40)
        end = self.last_end()
        self.assertEqual(end["outcome"], "failed")
        self.assertIn(sentence, end["reason"])
        self.assertEqual(self.pids(), self.before)
        self.assertEqual(self.version_states()[build], "failed")

    def test_before_anything_is_fetched(self):
        greed = self.fill()
        self.begin(2)
        self.fails(2, "No space left")
        self.goes_on(greed, 3)

    def test_while_the_new_ones_start(self):
        self.begin(2, args=FAILS_LATER, rollout={**SLOWLY, "min_ready": "10s"})
        self.wait_for_phase("starting")
        wait_until(lambda: len(self.farm.instances("shop/web", "running")) == 2, "the new ones run")
        greed = self.fill()
        self.fails(2, "exited with code 7")
        # They are not gone before that can be noted, but nothing of them runs.
        new = [row for row in self.farm.instances("shop/web") if row["version"] == 2]
        self.assertEqual({row["pid"] for row in new}, {0} if new else set())
        self.goes_on(greed, 3)

    def test_before_the_new_ones_start(self):
        # The second one waits for the first.
        self.begin(2, rollout={**SLOWLY, "parallel": "1"})
        self.wait_for_phase("starting")
        greed = self.fill()
        self.fails(2, "No space left")
        self.goes_on(greed, 3)

    def test_before_the_old_ones_stop(self):
        self.begin(2, rollout=SLOWLY)
        self.wait_for_phase("starting")
        wait_until(lambda: len(self.farm.instances("shop/web", "running")) == 2, "the new ones run")
        greed = self.fill()
        self.wait_until_done(deadline=40)
        self.assertEqual(self.last_end()["outcome"], "succeeded")
        self.assertEqual(len(self.ready()), 2)
        deployed = self.farm.json("status")["groups"][0]["deployed_version"]
        self.assertEqual({row["version"] for row in self.ready()}, {deployed})
        self.goes_on(greed, 3)

    def test_while_agent_and_server_are_started_anew(self):
        greed = self.fill()
        wait_until(self.troubles, "the machine says that its disk is full")
        self.farm.end("w1", signal.SIGKILL)
        self.farm.start_agent("w1")
        self.farm.end("deployminator", signal.SIGKILL)
        self.farm.start_server()
        self.farm.wait_for_machines(["w1"])
        wait_until(self.troubles, "the machine says that its disk is full")
        wait_until(lambda: self.pids() == self.before, "all goes on")
        self.assertTrue(self.farm.deploy("logs", self.farm.instances("shop/web")[0]["id"]).returncode == 0)
        self.goes_on(greed, 2)

    def test_what_was_given_up_is_tried_again_when_there_is_space(self):
        mark = self.farm.root / "mark"
        mark.touch()
        os.chmod(mark, 0o644)
        job = application(name="waits", instances=1, args=["sh", "-c", f"[ -e {mark} ] && exec sleep 1000; exit 1"],
                          restart={"backoff": "10ms..10ms", "give_up_after": "2 in 10m"})
        self.new_build(self.write(job, group="other", name="other.yaml"), 1)
        greed = self.fill()
        wait_until(self.troubles, "the machine says that its disk is full")
        mark.unlink()
        os.kill(self.ready("shop/other")[0]["pid"], signal.SIGKILL)
        wait_until(lambda: "gave up" in self.farm.instances("shop/other")[0]["reason"], "it is given up")
        mark.touch()
        greed.end()
        wait_until(lambda: self.ready("shop/other"), "it is tried again")


class OtherTroubles(Case):
    agents = ["w1"]

    def test_a_cache_that_is_unreadable(self):
        cache = self.farm.root / "w1" / "cache"
        cache.rename(cache.with_name("away"))
        cache.touch()
        said = wait_until(lambda: self.farm.json("machines")[0]["troubles"], "the machine says so")
        self.assertEqual(said[0]["what"], f"cannot read the directory {cache}: Not a directory")
        self.assertIn(f"{cache}: Not a directory", self.farm.deploy("machines").stdout)
        cache.unlink()
        cache.with_name("away").rename(cache)
        wait_until(lambda: not self.farm.json("machines")[0]["troubles"], "the trouble is over")
        self.new_build(self.write(), 1)

    def test_a_trouble_that_ended_while_the_agent_was_away_is_over(self):
        cache = self.farm.root / "w1" / "cache"
        cache.rename(cache.with_name("away"))
        cache.touch()
        wait_until(lambda: self.farm.json("machines")[0]["troubles"], "the machine says so")
        self.farm.end("w1", signal.SIGKILL)
        cache.unlink()
        self.farm.start_agent("w1")
        wait_until(lambda: not self.farm.json("machines")[0]["troubles"], "the trouble is over")


class Ports(Case):
    """A port that another process takes while the program is down."""

    agents = ["w1"]

    def setUp(self):
        super().setUp()
        self.new_build(self.write(application(instances=1, restart={"backoff": "2s..2s"})), 1)
        self.row = self.ready()[0]

    def take_port(self):
        thief = socket.socket()
        self.addCleanup(thief.close)
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", self.row["ports"][0]))
        thief.listen()

    def runs_again(self):
        return wait_until(lambda: [row for row in self.ready() if row["pid"] != self.row["pid"]], "it runs again")[0]

    def has_another(self):
        now = self.runs_again()
        self.assertEqual(now["id"], self.row["id"])
        self.assertNotEqual(now["ports"], self.row["ports"])
        self.assertEqual(now["restarts"], self.row["restarts"] + 1)
        self.assertTrue(answers(now["ports"][0]))
        environment = pathlib.Path(f"/proc/{now['pid']}/environ").read_bytes().split(b"\0")
        self.assertIn(f"PORT1={now['ports'][0]}".encode(), environment)
        why = f"another process has taken port {self.row['ports'][0]} meanwhile, so it gets another"
        events = [each for each in self.farm.events("events", "--since", "0", "--no-follow") if each["type"] == "instance.state"]
        self.assertIn((why, now["ports"]), [(each["reason"], each["ports"]) for each in events])
        return now

    def test_it_gets_another_port(self):
        os.kill(self.row["pid"], signal.SIGKILL)
        wait_until(lambda: self.farm.instances("shop/web", "failed"), "it is down")
        self.take_port()
        self.row = self.has_another()
        self.undeploy_and_check()

    def test_it_gets_another_port_from_the_next_agent(self):
        self.farm.end("w1", signal.SIGKILL)
        os.kill(self.row["pid"], signal.SIGKILL)
        wait_until(lambda: not pathlib.Path(f"/proc/{self.row['pid']}").exists(), "it is down")
        self.take_port()
        self.farm.start_agent("w1")
        self.has_another()

    def test_it_keeps_its_port_where_nobody_took_it(self):
        # Connections that linger are nobody's.
        for _ in range(20):
            answers(self.row["ports"][0])
        os.kill(self.row["pid"], signal.SIGKILL)
        self.assertEqual(self.runs_again()["ports"], self.row["ports"])


class GivenUp(Case):
    agents = ["w1", "w2"]

    def test_it_is_tried_again_once_something_else_of_its_namespace_is_deployed(self):
        mark = self.farm.root / "mark"
        mark.touch()
        program = application(name="waits", instances=1,
                              args=["sh", "-c", f"[ -e {mark} ] && exec sleep 1000; exit 1"],
                              restart={"backoff": "10ms..10ms", "give_up_after": "2 in 10m"})
        self.new_build(self.write(program), 1)
        mark.unlink()
        os.kill(self.ready()[0]["pid"], signal.SIGKILL)
        wait_until(lambda: "gave up" in self.farm.instances("shop/web")[0]["reason"], "it is given up")
        mark.touch()
        other = self.write(application(), group="database", name="other.yaml", namespace="bank")
        self.new_build(other, 1)
        time.sleep(1)
        self.assertFalse(self.ready())
        self.new_build(self.write(application(), group="database", name="other.yaml"), 1)
        wait_until(self.ready, "it is tried again")


if __name__ == "__main__":
    case.main()
