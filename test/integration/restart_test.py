"""A restart of the agent harms nothing that is just beginning: each step between two states is held,
the agent is killed there and started again, and all goes on as it would have without that."""

import collections
import fcntl
import os
import pathlib
import shutil
import signal

import case
from case import BUSYBOX, Case, application
from farm import start_time, wait_until


class Held:
    """Whoever wants to run or read a file waits, until it is released (a lease, see fcntl(2))."""

    reached = collections.Counter()

    def __init__(self, path):
        signal.signal(signal.SIGIO, self.note)
        self.file = os.open(path, os.O_RDONLY)
        self.before = self.reached["all"]
        wait_until(self.take, f"nobody uses {path}")

    @classmethod
    def note(cls, *_):
        cls.reached["all"] += 1

    def take(self):
        try:
            fcntl.fcntl(self.file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except BlockingIOError:
            return False
        return True

    def wait_for_user(self):
        wait_until(lambda: self.reached["all"] > self.before, "somebody wants the file")

    def release(self):
        if self.file is not None:
            os.close(self.file)
        self.file = None


class Restarts(Case):
    agents = []

    def setUp(self):
        super().setUp()
        # Programs that nobody else uses, so that they can be held.
        self.own = self.farm.root / "own"
        self.own.mkdir()
        for program in "autodeployer", "autodeployer-starter", "autodeployer-unpack":
            shutil.copy(self.farm.binaries / program, self.own)
        self.shell = pathlib.Path(shutil.copy(BUSYBOX, self.own / "busybox"))
        self.script = self.own / "serve"
        self.script.write_text(f"#!{self.shell} sh\n"
                               "echo start >> starts\n"
                               f"exec {BUSYBOX} httpd -f -p $1 -h /\n")
        self.script.chmod(0o755)
        self.start_agent()
        self.wait_for_agent()

    def start_agent(self):
        self.known = self.farm.log("w1").count("agent is connected")
        self.farm.start_agent("w1", binaries=self.own)

    def wait_for_agent(self):
        wait_until(lambda: self.farm.log("w1").count("agent is connected") > self.known,
                   "it is connected")

    def restart_agent(self, sig):
        self.farm.end("w1", sig)
        self.start_agent()
        self.wait_for_agent()

    def hold(self, path):
        held = Held(path)
        self.addCleanup(held.release)
        return held

    def build(self, group, **changes):
        app = {"downloadurl": str(self.script), "binary": "serve", "args": ["${PORT1}"], "instances": 1}
        path = self.write(application(**{**app, **changes}), group=group, name=f"{group}.yaml")
        self.new_build(path, 1, "--no-wait")
        return f"shop/{group}"

    def starts(self, row):
        home = self.farm.root / "w1" / "lib" / "instances" / row["id"] / "home"
        return (home / "starts").read_text().split().count("start")

    def told(self, row):
        return [event for event in self.farm.events("events", "--since", "0", "--no-follow")
                if event.get("id") == row["id"]]

    def check_it_went_well(self, group):
        self.wait_until_done(group)
        row, = self.ready(group)
        self.assertEqual((row["restarts"], row["exit"], self.starts(row)), (0, None, 1))
        self.assertNotIn("failed", {event["to"] for event in self.told(row)})
        self.farm.deploy("undeploy", group)

    def test_a_program_that_is_just_being_started(self):
        for sig in signal.SIGKILL, signal.SIGTERM:
            with self.subTest(sig):
                held = self.hold(self.shell)
                group = self.build(f"a{sig}")
                held.wait_for_user()
                self.restart_agent(sig)
                self.assertEqual([row["state"] for row in self.farm.instances(group)], ["starting"])
                held.release()
                self.check_it_went_well(group)

    def test_a_program_that_is_just_being_started_again(self):
        group = self.build("again", restart={"backoff": "100ms..1s"})
        self.wait_until_done(group)
        before, = self.ready(group)
        held = self.hold(self.shell)
        os.kill(before["pid"], signal.SIGSEGV)
        held.wait_for_user()
        self.restart_agent(signal.SIGKILL)
        held.release()
        row = wait_until(lambda: next(iter(self.ready(group)), None), "it is ready again")
        self.assertEqual((row["id"], row["restarts"], row["exit"], self.starts(row)),
                         (before["id"], 1, 128 + signal.SIGSEGV, 2))

    def test_a_program_that_is_just_being_started_and_not_wanted_any_more(self):
        held = self.hold(self.shell)
        group = self.build("unwanted")
        held.wait_for_user()
        self.farm.end("w1", signal.SIGKILL)
        self.farm.deploy("undeploy", group, "--no-wait")
        self.start_agent()
        self.wait_for_agent()
        held.release()
        wait_until(lambda: not self.farm.instances(group), "it is gone")
        wait_until(lambda: not list((self.farm.root / "w1/lib/instances").iterdir()), "nothing is left")

    def test_a_starter_and_an_unpacker_that_are_just_being_started(self):
        for program in "autodeployer-starter", "autodeployer-unpack":
            with self.subTest(program):
                held = self.hold(self.own / program)
                # A copy, which the unpacker makes, also where the agent is root.
                group = self.build(program, downloadurl=self.archive())
                held.wait_for_user()
                self.farm.end("w1", signal.SIGKILL)
                self.start_agent()
                held.release()
                self.check_it_went_well(group)

    def archive(self):
        return str(case.make_tar(self.own / "serve.tar", [("serve", self.script.read_bytes(), 0o755)]))

    def test_an_unpacker_that_is_killed_is_run_again(self):
        held = self.hold(self.own / "autodeployer-unpack")
        group = self.build("killed", downloadurl=self.archive())
        held.wait_for_user()
        os.kill(self.child_of(self.farm.processes["w1"].pid), signal.SIGKILL)
        held.release()
        self.check_it_went_well(group)

    @staticmethod
    def child_of(pid):
        tasks = pathlib.Path(f"/proc/{pid}/task").glob("*/children")
        return next(int(word) for path in tasks for word in path.read_text().split())

    def test_a_starter_that_is_held_up_while_its_program_ends(self):
        group = self.build("slow", restart={"policy": "never"})
        self.wait_until_done(group)
        row, = self.ready(group)
        starter = int(pathlib.Path(f"/proc/{row['pid']}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(starter, signal.SIGSTOP)
        os.kill(row["pid"], signal.SIGSEGV)
        self.restart_agent(signal.SIGKILL)
        os.kill(starter, signal.SIGCONT)
        wait_until(lambda: [r["exit"] for r in self.farm.instances(group)] == [128 + signal.SIGSEGV],
                   "its exit is told")
        self.assertEqual(self.starts(row), 1)

    def test_what_the_agent_killed_is_not_told_as_the_programs_own_doing(self):
        # It ignores the signal that it is told to end by.
        group = self.build("deaf", stop={"signal": "CONT", "timeout": "2s"})
        self.wait_until_done(group)
        row, = self.ready(group)
        self.farm.deploy("undeploy", group, "--no-wait")
        wait_until(lambda: [r["state"] for r in self.farm.instances(group)] == ["stopping"], "it stops")
        self.restart_agent(signal.SIGKILL)
        wait_until(lambda: not self.farm.instances(group), "it is gone")
        last = self.told(row)[-1]
        self.assertEqual((last["exit"], last["reason"]),
                         (None, "killed, for it did not end within 2s of signal 18 (SIGCONT)"))
        self.assertIsNone(start_time(row["pid"]))


if __name__ == "__main__":
    case.main()
