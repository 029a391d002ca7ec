"""What `deploy` shows on a terminal, and that it is true: tables that fit, local times, verdicts."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time
import unicodedata

import case
from case import Case, application, make_tar
from farm import wait_until


def width_of(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


class Terminal(Case):
    agents = ["w1"]

    def on_terminal(self, *arguments, columns=80, rows=24, expect=0, **variables):
        """What `deploy` writes to a terminal of that size, as lines without colours."""
        outer, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm", "LANG": "C.UTF-8", "LC_ALL": "", **variables}
        process = subprocess.Popen(self.farm.command(*arguments), stdin=subprocess.DEVNULL, stdout=inner,
                                   stderr=inner, env=environment)
        os.close(inner)
        out = b""
        try:
            while piece := os.read(outer, 65536):
                out += piece
        except OSError:
            pass  # All who could write are gone.
        os.close(outer)
        self.assertEqual(process.wait(30), expect)
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", out.decode()).replace("\r", "").splitlines()

    def test_tables_fit_the_terminal_and_are_whole_where_they_are_wanted_wide_or_read(self):
        self.new_build(self.write(application(name="a-rather-long-name-of-an-application", instances=1)), 1)
        broken = self.write(application(args=["sh", "-c", "exit 3"], instances=1), name="broken.yaml")
        self.new_build(broken, 2, expect=1)
        for verb in (["status"], ["instances"], ["machines"], ["versions", "shop/web"],
                     ["history", "shop/web"], ["key", "list"], ["events", "--no-follow"]):
            whole = self.farm.deploy(*verb).stdout
            self.assertNotIn("…", whole)
            for columns in (40, 60, 80):
                for line in self.on_terminal(*verb, columns=columns):
                    self.assertLessEqual(width_of(line), columns, f"{verb} on {columns} columns: {line}")
            for line in self.on_terminal(*verb, columns=40, LANG="C"):
                self.assertTrue(line.isascii(), line)
            wide = self.on_terminal(*verb, "-o", "wide", columns=40)
            self.assertEqual(wide[0].split(), whole.splitlines()[0].split())
        self.assertIn("a-rather-long-name-of-an-application",
                      "\n".join(self.on_terminal("instances", "-o", "wide", columns=40)))
        self.farm.deploy("instances", "-o", "narrow", expect=2)

    def test_times_are_local_with_their_zone_or_utc_and_json_stays_as_it_is(self):
        self.new_build(self.write(application(instances=1)), 1)
        berlin = {**os.environ, "TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}

        def said(*arguments):
            return subprocess.run(self.farm.command(*arguments), env=berlin, check=True, text=True,
                                  capture_output=True, stdin=subprocess.DEVNULL, timeout=20).stdout
        time_form = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
        for verb in (["versions", "shop/web"], ["history", "shop/web"], ["events", "--no-follow"]):
            self.assertRegex(said(*verb), f"{time_form} CES?T")
            self.assertRegex(said(*verb, "--utc"), f"{time_form} UTC")
        shown = re.search(f"{time_form} CES?T", said("versions", "shop/web"))[0]
        created = self.farm.json("versions", "shop/web")[0]["created_at"]
        self.assertEqual(said("versions", "shop/web", "--json"), said("versions", "shop/web", "--json", "--utc"))
        self.assertRegex(created, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        # What is shown can be given back.
        self.assertEqual(said("events", "--no-follow", "--since", shown),
                         said("events", "--no-follow", "--since", created[:19] + "Z"))

    def test_after_a_failed_build_the_version_that_serves_is_named(self):
        self.new_build(self.write(application(instances=1)), 1)
        first = self.farm.json("status")["groups"][0]["deployed_version"]
        broken = self.write(application(args=["sh", "-c", "exit 3"], instances=1), name="broken.yaml")
        seen = self.on_terminal("new-build", broken, "--build", 2, columns=150, expect=1)
        heading = [line for line in seen if line.startswith("shop/web  ")][-1]
        second = self.farm.json("versions", "shop/web")[0]["version"]
        self.assertRegex(heading, f"^shop/web  version {first}  1/1 ready  rollout of version {second} failed: ")
        self.assertFalse([line for line in seen if "nothing deployed" in line])
        self.assertRegex(seen[-1], f"^shop/web: the rollout of version {second} failed: .*exited with code 3; "
                                   f"version {first} still serves, 1 of 1 instance ready$")
        self.assertRegex(self.farm.deploy("status").stdout,
                         f"shop/web +{first} .* rollout of version {second} failed: .*exited with code 3, .* ago")
        group = self.farm.json("status")["groups"][0]
        self.assertEqual((group["failure"]["version"], group["failure"]["outcome"]), (second, "failed"))
        self.farm.deploy("restart", "shop/web")
        self.assertIsNone(self.farm.json("status")["groups"][0]["failure"])

    def test_what_lies_in_the_cache_is_not_said_to_be_downloaded(self):
        builds = self.farm.root / "builds"
        builds.mkdir()
        for build in (1, 2):
            make_tar(builds / f"{build}.tar", [("busybox", None, 0o755), ("build", str(build).encode(), 0o644)])
        url = self.farm.serve_files(builds)
        path = self.write(application(downloadurl=url + "/${BUILDID}.tar", instances=1))
        told = self.farm.events("new-build", path, "--build", 1)
        self.assertIn("downloading", [e["to"] for e in told if e["type"] == "instance.state"])
        self.assertIn("download.progress", [e["type"] for e in told])
        self.new_build(path, 2)
        told = self.farm.events("rollback", "shop/web")
        states = [e for e in told if e["type"] == "instance.state"]
        self.assertNotIn("downloading", [e["to"] for e in states])
        self.assertNotIn("download.progress", [e["type"] for e in told])
        self.assertIn("the artifact is in the cache; is being unpacked", [e["reason"] for e in states])
        seen = self.on_terminal("rollback", "shop/web", columns=120)
        self.assertFalse([line for line in seen if re.search("fetching|download", line)], seen)

    @staticmethod
    def job(script, deadline="20s", **changes):
        return application(name="import", alwayson=False, instances=1, args=["sh", "-c", script],
                           restart={"policy": "never"},
                           rollout={"parallel": "100%", "min_ready": "300ms", "deadline": deadline}, **changes)

    def test_a_job_is_waited_for_and_its_failure_is_told(self):
        path = self.write(self.job("sleep 3; echo no such table; exit 3"))
        done = self.new_build(path, 1, expect=1)
        self.assertRegex(done.stdout, r"import-\w+ on w1:\n    \| no such table\n")
        self.assertIn("is rolled out", done.stdout)
        self.assertRegex(done.stdout, r"its job import failed: exited with code 3; its log: deploy logs import-\w+\n")
        self.assertIn("waits for its jobs, 20s at most", done.stderr)
        # With the default rules it is started again, and its first failure counts all the same.
        again = application(name="import", alwayson=False, instances=1,
                            args=["sh", "-c", "sleep 3; exit 4"],
                            rollout={"parallel": "100%", "min_ready": "300ms", "deadline": "20s"})
        self.assertIn("its job import failed: exited with code 4",
                      self.new_build(self.write(again, name="again.yaml"), 2, expect=1).stdout)
        seen = self.on_terminal("new-build", path, "--build", 3, columns=100, expect=1)
        self.assertTrue(any("its job import failed: exited with code 3" in line for line in seen), seen)

    def test_a_job_that_succeeds_is_waited_for(self):
        done = self.new_build(self.write(self.job("sleep 3")), 1)
        self.assertIn("its job import is done", done.stdout)
        self.assertIn("is deployed", done.stdout)

    def test_a_job_that_still_runs_after_the_deadline_is_not_called_deployed(self):
        path = self.write(self.job("sleep 30", "2s"))
        done = self.new_build(path, 1)
        self.assertIn("is rolled out", done.stdout)
        self.assertIn("its job import still runs, and how it ends is not known yet", done.stdout)
        self.assertNotIn("is deployed", done.stdout)
        given_up = self.new_build(self.write(self.job("sleep 30", "20s")), 2, "--timeout", "8s", expect=4)
        self.assertIn("its job import still runs", given_up.stdout)
        self.assertIn("stopped waiting for its jobs, which go on", given_up.stderr)

    def test_the_end_of_the_rollout_is_the_last_line_of_json_and_has_the_jobs(self):
        told = self.farm.events("new-build", self.write(self.job("sleep 3; exit 3")), "--build", 1, expect=1)
        self.assertEqual([each["type"] for each in told].count("rollout.finished"), 1)
        last = told[-1]
        self.assertEqual((last["type"], last["outcome"]), ("rollout.finished", "succeeded"))
        self.assertEqual([(each["application"], each["state"], each["exit"]) for each in last["jobs"]],
                         [("import", "failed", 3)])
        self.assertIn("failed", [each["to"] for each in told if each["type"] == "instance.state"])

    def test_a_job_that_is_replaced_while_it_is_waited_for_was_not_done(self):
        follower = subprocess.Popen(
            self.farm.command("new-build", self.write(self.job("sleep 60")), "--build", "1"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(follower.kill)
        wait_until(lambda: self.farm.json("status")["groups"], "the build is accepted")
        wait_until(lambda: self.ready() and self.phase() is None, "it runs")
        self.farm.deploy("undeploy", "shop/web")
        told = follower.communicate(timeout=20)[0]
        self.assertEqual(follower.returncode, 1, told)
        self.assertIn("its job import was stopped before it had ended", told)

    def test_a_machine_was_seen_when_it_was_heard_of(self):
        def seen():
            return self.farm.json("machines")[0]["last_seen"]
        joined = seen()
        wait_until(lambda: seen() > joined, "its heartbeats count")
        self.farm.end("w1", 9)
        ended = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 1))
        wait_until(lambda: self.farm.json("machines")[0]["state"] == "unreachable", "it is missed")
        last = seen()
        self.assertLess(joined, last)
        self.assertLess(last, ended)
        # The server knows after a restart as well.
        self.farm.end("deployminator")
        self.farm.start_server()
        self.assertEqual(seen(), last)


if __name__ == "__main__":
    case.main()
