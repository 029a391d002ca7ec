"""What programs print is evidence: nothing of it is lost, whatever they or their agents are up to."""

import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import unittest

import case
from case import Case, application
from farm import wait_until

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


def shell(script, **changes):
    """One instance of a shell that runs a script until it ends."""
    changes.setdefault("rollout", {"min_ready": "100ms", "deadline": "20s"})
    return application(args=["sh", "-c", script], instances=1, **changes)


class Logs(Case):
    agents = ["w1"]

    def start(self, *scripts, build=1, **options):
        self.new_build(self.write(*scripts, **options), build)
        return self.ready()[0]["id"]

    def logs(self, *arguments, **expectations):
        return self.farm.deploy("logs", *arguments, **expectations).stdout.splitlines()

    def directory(self, instance):
        return self.farm.root / "w1/log" / f"{instance}.log"

    def size_of_log(self, instance):
        """The sum of its files, as they are at one moment: none comes or goes while they are measured."""
        while True:
            before = sorted(self.directory(instance).iterdir())
            try:
                size = sum(each.stat().st_size for each in before)
            except FileNotFoundError:
                continue
            if sorted(self.directory(instance).iterdir()) == before:
                return size

    def wait_for_line(self, instance, line):
        wait_until(lambda: line in self.logs(instance), f"{instance} prints {line}")

    def test_a_program_that_opens_its_stderr_anew_empties_nothing(self):
        instance = self.start(shell("echo one; echo two >&2; echo three >/dev/stderr; echo four >/dev/stdout;"
                                    "printf 'half a'; sleep 1000"))
        self.wait_for_line(instance, "half a")
        self.assertEqual(sorted(self.logs(instance)), ["four", "half a", "one", "three", "two"])
        streams = {line["text"]: line["stream"] for line in self.farm.json("logs", instance)}
        self.assertEqual(streams, {"one": "out", "two": "err", "three": "err", "four": "out", "half a": "out"})
        for line in self.logs(instance, "--time"):
            self.assertRegex(line, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \S+ (out|err) ")
        files = list(self.directory(instance).iterdir())
        text = b"".join(each.read_bytes() for each in files).decode()
        self.assertRegex(text, f"(?m)^{TIME} err two$")
        self.assertEqual(self.directory(instance).stat().st_uid, os.getuid())
        self.assertEqual(self.directory(instance).stat().st_mode & 0o777, 0o700)

    def test_hostile_bytes_stay_in_the_file_and_are_escaped_when_shown(self):
        instance = self.start(shell(r"printf '\033[2Jred\000\377\r2026-11-27T05:40:10.123456Z sys lie\n'; sleep 1000"))
        line = wait_until(lambda: self.logs(instance), "it prints")[0]
        self.assertEqual(line, r"\x1b[2Jred\x00\xff\x0d2026-11-27T05:40:10.123456Z sys lie")
        stored = next(self.directory(instance).iterdir()).read_bytes()
        self.assertIn(b"Z out \x1b[2Jred\0\xff\r2026", stored)
        self.assertEqual(self.farm.json("logs", instance)[0]["stream"], "out")

    def test_a_flood_stays_within_its_bound_at_every_moment(self):
        self.farm.end("w1")
        config = self.farm.root / "agent.yaml"
        config.write_text("log-size: 1\n")
        self.farm.start_agent("w1", config=config)
        self.farm.wait_for_machines(["w1"])
        instance = self.start(shell(
            "sleep 0.5; yes 'the same line again and again, for a hundred megabytes' | head -c 100000000; echo;"
            "echo that was it; sleep 1000"))
        most, done = 0, False
        while not done:
            done = "that was it" in self.logs(instance, "-n", 1)
            most = max(most, self.size_of_log(instance))
        self.assertLessEqual(most, 1 << 20)
        self.assertGreater(most, 800_000)
        lines = self.logs(instance, "-n", 1_000_000)
        self.assertGreater(len(lines), 5_000)
        self.assertEqual(set(lines[1:-2]), {"the same line again and again, for a hundred megabytes"})

    def test_what_prints_faster_than_it_is_read_is_shown_to_where_it_was(self):
        instance = self.start(shell("while :; do head -c 40000 /dev/zero | tr '\\000' '\\n'; sleep 0.01; done"))
        wait_until(lambda: self.size_of_log(instance) > 1_000_000, "it prints")
        reader = subprocess.Popen(self.farm.command("logs", instance, "-n", "1000000"), stdout=subprocess.PIPE)
        self.addCleanup(reader.kill)
        deadline = time.monotonic() + 60
        # Slower than it prints, but no pipe of the reader's holds up the program.
        while reader.stdout.read(4_000):
            time.sleep(0.02)
            self.assertLess(time.monotonic(), deadline, "it ends")
        self.assertEqual(reader.wait(10), 0)

    def test_a_line_of_ten_megabytes_is_kept_in_pieces_and_stops_nothing(self):
        instance = self.start(shell("head -c 10000000 /dev/zero | tr '\\000' x; echo; echo done; sleep 1000"))
        self.wait_for_line(instance, "done")
        stored = b"".join(each.read_bytes() for each in sorted(self.directory(instance).iterdir()))
        self.assertLess(max(map(len, stored.splitlines())), 4200)
        self.assertEqual(stored.count(b"x"), 10_000_000)
        shown = self.farm.json("logs", instance, "-n", 5000)
        self.assertEqual(sum(line["text"].count("x") for line in shown), 10_000_000)

    def test_what_is_printed_after_the_stop_signal_and_by_children_is_kept(self):
        instance = self.start(shell(
            "(trap '' TERM; while :; do sleep 0.05; echo child; done) & trap 'echo bye; sleep 0.3; exit 5' TERM;"
            "echo up; while :; do sleep 0.05; done"))
        self.farm.deploy("undeploy", "shop/web")
        lines = self.logs(instance)
        self.assertIn("bye", lines)
        self.assertIn("child", lines[lines.index("bye"):])

    def test_a_program_that_closes_its_output_and_one_that_hands_it_on_are_fine(self):
        instance = self.start(shell(
            "echo first; setsid sh -c 'sleep 0.5; echo handed on' & exec >&- 2>&-; sleep 1000"))
        self.wait_for_line(instance, "handed on")
        self.assertEqual(self.logs(instance), ["first", "handed on"])
        self.assertEqual(self.ready()[0]["restarts"], 0)

    def test_the_log_of_a_failed_instance_is_found_when_it_is_gone(self):
        first = self.start(shell("echo old and well; sleep 1000"))
        broken = self.write(shell("echo cannot bind; printf 'at all' >&2; exit 3",
                                  rollout={"min_ready": "5s", "deadline": "20s"}), name="broken.yaml")
        done = self.new_build(broken, 2, expect=1)
        self.assertIn("    | cannot bind", done.stdout)
        instance = re.search(r"its log: deploy logs (\S+)", done.stdout).group(1)
        wait_until(lambda: len(self.farm.instances("shop/web")) == 1, "it is gone")
        self.assertEqual(sorted(self.logs(instance)), ["at all", "cannot bind"])
        self.assertEqual(self.logs("shop/web"), [f"{first} | old and well"])
        self.assertEqual(sorted(self.logs("shop/web", "--all")),
                         sorted([f"{first} | old and well", f"{instance} | cannot bind", f"{instance} | at all"]))
        follower = self.farm.deploy("logs", instance, "-f")
        self.assertIn(f"{instance} is gone: exited with code 3", follower.stderr)
        last = self.farm.events("logs", instance, "-f")[-1]
        self.assertEqual((last["type"], last["id"], last["reason"]), ("log.end", instance, "exited with code 3"))
        self.farm.end("w1", signal.SIGKILL)
        self.farm.start_agent("w1")
        wait_until(lambda: sorted(self.logs(instance, expect=None)) == ["at all", "cannot bind"],
                   "the next agent knows it too")
        self.assertIn("there is no instance never-was", self.farm.deploy("logs", "never-was", expect=1).stderr)
        viewer = self.farm.new_key("bank", "--role", "viewer", "--namespaces", "bank")
        self.assertIn("there is no instance", self.farm.deploy("logs", instance, key=viewer, expect=1).stderr)
        self.farm.deploy("logs", "shop/web", "--all", key=viewer, expect=1)

    def test_following_ends_when_the_instance_is_gone(self):
        instance = self.start(shell("trap 'echo last words; exit 7' TERM; echo up; while :; do sleep 0.05; done"))
        follower = subprocess.Popen(self.farm.command("logs", instance, "-f"), stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)
        self.assertEqual(follower.stdout.readline(), "up\n")
        self.farm.deploy("undeploy", "shop/web")
        out, err = follower.communicate(timeout=20)
        self.assertIn("last words", out.splitlines())
        self.assertIn(f"deploy: {instance} is gone: exited with code 7", err)
        self.assertEqual(follower.returncode, 0)

    def test_since_a_time_and_the_last_lines(self):
        instance = self.start(shell("for i in 1 2 3; do echo early $i; done; sleep 1.2;"
                                    "for i in 1 2 3; do echo late $i; done; sleep 1000"))
        self.wait_for_line(instance, "late 3")
        lines = self.farm.json("logs", instance)
        times = {line["text"]: line["time"] for line in lines}
        self.assertEqual(self.logs(instance, "--since", times["late 1"]), ["late 1", "late 2", "late 3"])
        self.assertEqual(self.logs(instance, "--since", times["early 1"], "-n", 2), ["late 2", "late 3"])
        self.assertEqual(self.logs(instance, "-n", 1), ["late 3"])
        self.assertEqual(len(self.logs(instance, "--since", "1h")), 6)
        self.assertEqual(self.logs(instance, "--since", "2099-01-01 00:00:00"), [])
        self.assertIn("is no time", self.farm.deploy("logs", instance, "--since", "noon", expect=2).stderr)

    def test_an_agent_that_is_killed_loses_and_doubles_no_line(self):
        instance = self.start(shell("i=0; while :; do i=$((i+1)); echo $i; done"))
        for _ in range(3):
            time.sleep(0.2)
            self.farm.end("w1", signal.SIGKILL)
            time.sleep(0.1)
            self.farm.start_agent("w1")
        self.farm.wait_for_machines(["w1"])
        os.kill(self.ready()[0]["pid"], signal.SIGSTOP)
        time.sleep(0.2)
        stored = b"".join(each.read_bytes() for each in sorted(self.directory(instance).iterdir()))
        numbers = [int(line.rsplit(b" ", 1)[1]) for line in stored.splitlines()]
        self.assertGreater(len(numbers), 1_000)
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_a_starter_that_is_killed_leaves_a_word_about_it(self):
        instance = self.start(shell("echo up; sleep 1000", restart={"backoff": "100ms..1s"}))
        pid = self.ready()[0]["pid"]
        starter = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(starter, signal.SIGKILL)
        wait_until(lambda: [row for row in self.ready() if row["restarts"] == 1], "it runs again")
        self.wait_for_line(instance, "up")
        lines = wait_until(lambda: self.logs(instance) if self.logs(instance).count("up") == 2 else None,
                           "it prints again")
        self.assertEqual(lines, ["up", "-- its starter ended without a word: what the program printed last may be "
                                       "missing", "up"])


if __name__ == "__main__":
    case.main()
