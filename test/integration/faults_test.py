"""What survives when a process is killed with -9 at the worst moment."""

import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import time
import unittest

import case
from case import Case, answers, application, make_tar
from farm import start_time, wait_until


class ServerFaults(Case):
    """The server is killed at each step of a rollout; each time the rollout finishes and no instance
    was restarted."""

    def setUp(self):
        super().setUp()
        builds = self.farm.root / "builds"
        builds.mkdir()
        for number in (1, 2):
            make_tar(builds / f"{number}.tar", [("busybox", None, 0o755), ("ballast", os.urandom(4 << 20), 0o644)])
        self.url = self.farm.serve_files(builds, "--rate", str(3 << 20))
        # The old instance takes its time to stop, so that the last step can be hit.
        self.path = self.write(application(
            downloadurl=self.url + "/${BUILDID}.tar", stop={"signal": "CONT", "timeout": "2s"},
            rollout={"parallel": "50%", "min_ready": "1s", "deadline": "60s"}))
        self.new_build(self.path, 1)
        self.old = self.pids()

    def roll_with_a_kill(self, when):
        follower = subprocess.Popen(self.farm.command("--json", "new-build", self.path, "--build", "2"),
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        wait_until(lambda: len(self.farm.json("versions", "shop/web")) == 2, "the order is accepted")
        when()
        seen = {row["id"]: row for row in self.farm.instances("shop/web")}
        self.farm.end("deployminator", signal.SIGKILL)
        downloads = self.bytes_downloaded()
        self.farm.start_server()
        out, _ = follower.communicate(timeout=60)
        self.assertEqual(follower.returncode, 0, out)
        self.assertEqual(json.loads(out.splitlines()[-1])["outcome"], "succeeded")
        rows = self.ready()
        self.assertEqual({row["build"] for row in rows}, {2})
        self.assertEqual(len(rows), 2)
        for row in rows:
            self.assertEqual(row["restarts"], 0)
            self.assertTrue(answers(row["ports"][0]))
            before = seen.get(row["id"])
            if before and before["pid"]:
                self.assertEqual(row["pid"], before["pid"])
        self.undeploy_and_check()
        return downloads

    def bytes_downloaded(self):
        return sum(path.stat().st_size for path in self.farm.root.glob("w*/cache/**/*") if path.is_file())

    def test_when_it_was_accepted(self):
        self.roll_with_a_kill(lambda: None)

    def test_while_it_is_fetched(self):
        self.roll_with_a_kill(lambda: wait_until(
            lambda: any(row["state"] == "downloading" for row in self.farm.instances("shop/web")),
            "an instance is downloading"))

    def test_while_the_new_ones_start(self):
        self.roll_with_a_kill(lambda: self.wait_for_phase("starting"))

    def test_while_it_waits_for_ready(self):
        self.roll_with_a_kill(lambda: wait_until(
            lambda: any(row["build"] == 2 and row["state"] == "running"
                        for row in self.farm.instances("shop/web")), "a new instance runs"))

    def test_while_the_old_ones_stop(self):
        self.roll_with_a_kill(lambda: self.wait_for_phase("stopping_old"))

    def test_the_agents_go_on_downloading_while_the_server_is_away(self):
        make_tar(self.farm.root / "builds" / "3.tar",
                 [("busybox", None, 0o755), ("ballast", os.urandom(12 << 20), 0o644)])
        self.new_build(self.path, 3, "--no-wait")
        wait_until(lambda: any(row["state"] == "downloading" for row in self.farm.instances("shop/web")),
                   "an instance is downloading")
        self.farm.end("deployminator", signal.SIGKILL)
        before = self.bytes_downloaded()
        wait_until(lambda: self.bytes_downloaded() > before + (1 << 20), "the download goes on")
        self.assertEqual({start_time(pid) for _, pid, _ in self.old}, {start for _, _, start in self.old})
        self.farm.start_server()
        wait_until(lambda: self.version_states().get(3) == "deployed", "the rollout succeeds", 60)

    def test_a_build_right_after_the_start_goes_to_the_machines_that_are_there(self):
        self.farm.end("w2", signal.SIGKILL)
        self.farm.end("deployminator", signal.SIGKILL)
        self.farm.start_server()
        self.new_build(self.write(name="other.yaml", group="other"), 1)
        self.assertEqual({row["machine"] for row in self.ready("shop/other")}, {"w1"})

    def test_an_order_that_was_acknowledged_is_there_after_a_restart(self):
        for build in range(2, 6):
            self.new_build(self.path, build if build < 3 else 2, "--no-wait")
        self.farm.end("deployminator", signal.SIGKILL)
        self.farm.start_server()
        self.assertEqual(len(self.farm.json("versions", "shop/web")), 5)


class AgentFaults(Case):
    agents = ["w1"]

    def kill_agent(self):
        self.farm.end("w1", signal.SIGKILL)

    def restart_agent(self):
        self.farm.start_agent("w1")
        self.farm.wait_for_machines(["w1"])

    def test_its_instances_are_the_same_processes_when_it_comes_back(self):
        self.new_build(self.write(), 1)
        before = self.pids()
        self.kill_agent()
        wait_until(lambda: {row["state"] for row in self.farm.instances("shop/web")} == {"lost"},
                   "the instances are shown as lost", 10)
        self.assertEqual(self.farm.json("machines")[0]["state"], "unreachable")
        self.restart_agent()
        wait_until(lambda: self.pids() == before, "the instances are ready as they were", 10)
        self.assertEqual({row["restarts"] for row in self.ready()}, {0})
        self.undeploy_and_check()

    def test_an_undeploy_tells_what_may_still_run_out_of_reach(self):
        self.new_build(self.write(application(instances=2)), 1)
        self.farm.deploy("status", "--check")
        self.kill_agent()
        wait_until(lambda: self.farm.json("machines")[0]["state"] == "unreachable", "the machine is missed")
        self.farm.deploy("status", "--check", expect=1)
        # Nobody saw them end.
        verdict = self.farm.deploy("undeploy", "shop/web", expect=4).stdout
        self.assertIn("2 instances may still run on w1, which cannot be reached", verdict)
        last = [e for e in self.farm.events("events", "--no-follow") if e["type"] == "rollout.finished"][-1]
        self.assertEqual((last["outcome"], last["left"]), ("succeeded", 2))
        self.farm.start_agent("w1")
        wait_until(lambda: not self.farm.instances("shop/web"), "the machine stopped it when it was back")

    def test_a_quick_restart_is_not_even_noticed_by_the_instances(self):
        self.new_build(self.write(), 1)
        before = self.pids()
        for _ in range(5):
            self.kill_agent()
            self.farm.start_agent("w1")
        wait_until(lambda: self.pids() == before, "the instances are ready as they were", 20)

    def test_the_exit_code_of_one_that_ended_in_its_absence_is_reported(self):
        self.new_build(self.write(application(restart={"policy": "never"})), 1)
        victim, other = self.ready()
        self.kill_agent()
        os.kill(victim["pid"], signal.SIGSEGV)
        self.restart_agent()
        row = wait_until(lambda: next((r for r in self.farm.instances("shop/web")
                                       if r["id"] == victim["id"] and r["exit"] is not None), None),
                         "the exit is reported", 10)
        self.assertEqual(row["exit"], 128 + signal.SIGSEGV)
        self.assertEqual([r["pid"] for r in self.ready()], [other["pid"]])

    def test_a_download_it_was_in_the_middle_of_resumes(self):
        builds = self.farm.root / "builds"
        builds.mkdir()
        make_tar(builds / "1.tar", [("busybox", None, 0o755), ("ballast", os.urandom(6 << 20), 0o644)])
        url = self.farm.serve_files(builds, "--rate", str(2 << 20))
        self.new_build(self.write(application(downloadurl=url + "/1.tar")), 1, "--no-wait")
        partial = lambda: [p for p in (self.farm.root / "w1" / "cache").glob("**/*")
                           if p.is_file() and p.stat().st_size > (1 << 20)]
        wait_until(partial, "a part of it is there")
        self.kill_agent()
        self.restart_agent()
        wait_until(lambda: len(self.ready()) == 2, "the instances are ready", 30)
        requests = "".join(path.read_text() for path in self.farm.root.glob("*.requests"))
        self.assertRegex(requests, r"bytes=[1-9]")

    def test_a_second_agent_on_the_same_root_is_refused(self):
        second = subprocess.run([self.farm.binaries / "autodeployer", "--keys", self.farm.machine_key("w1"),
                                 "--server", self.farm.server_url, "--name", "other", "--root", self.farm.root / "w1"],
                                capture_output=True, text=True, timeout=10)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn(str(self.farm.root / "w1"), second.stderr)

    def test_sigterm_ends_both_daemons_soon_and_leaves_the_instances_running(self):
        self.new_build(self.write(), 1)
        before = self.pids()
        self.assertEqual(self.farm.end("w1", signal.SIGTERM, 5), 0)
        self.assertEqual(self.farm.end("deployminator", signal.SIGTERM, 5), 0)
        for _, pid, start in before:
            self.assertEqual(start_time(pid), start)
        self.farm.start_server()
        self.restart_agent()
        wait_until(lambda: self.pids() == before, "the instances are ready as they were", 10)

    def test_sigterm_ends_a_server_whose_store_hangs(self):
        self.new_build(self.write(), 1)
        before = self.pids()
        with sqlite3.connect(f"{self.farm.root}/deployminator.sqlite", isolation_level=None) as other:
            other.execute("BEGIN EXCLUSIVE")
            late = subprocess.Popen(self.farm.command("undeploy", "shop/web", "--no-wait"),
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(1)
            begun = time.monotonic()
            # Had the order not come to the store yet, the server would have ended well.
            self.assertEqual(self.farm.end("deployminator"), -signal.SIGALRM)
            self.assertLess(time.monotonic() - begun, 5.5)
            other.execute("ROLLBACK")
        late.kill()
        late.wait()
        self.farm.start_server()
        wait_until(lambda: self.pids() == before, "the instances are as they were")


if __name__ == "__main__":
    case.main()
