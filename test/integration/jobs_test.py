"""Jobs (`alwayson: false`): each is run once for an order, whatever is rolled back, drained or killed."""

import os
import pathlib
import signal
import time

import case
from case import Case, application
from farm import wait_until


class Jobs(Case):
    def setUp(self):
        super().setUp()
        self.runs = self.farm.root / "runs"
        self.runs.mkdir(mode=0o777)
        self.runs.chmod(0o777)

    def job(self, script="true", **changes):
        """Leaves a file for each of its runs."""
        return application(**{
            "name": "import", "alwayson": False, "instances": 1,
            "args": ["sh", "-c", f"echo > {self.runs}/${{BUILDID}}-$DEPLOY_INSTANCE_ID-$$; {script}"],
            "rollout": {"parallel": "100%", "min_ready": "300ms", "deadline": "20s"}, **changes})

    def count(self, build=""):
        return len(list(self.runs.glob(f"{build}*")))

    def deploy(self, build, *applications, **expectations):
        return self.new_build(self.write(*applications), build, **expectations)

    def stays(self, count):
        time.sleep(3)
        self.assertEqual(self.count(), count)

    def test_a_rollback_runs_no_job_again(self):
        for build in (1, 2):
            self.deploy(build, self.job(), application())
        self.assertEqual((self.count(1), self.count(2)), (1, 1))
        done = self.farm.deploy("rollback", "shop/web")
        self.assertIn("build 1", done.stdout)
        self.assertEqual({row["build"] for row in self.ready()}, {1})
        self.stays(2)
        self.assertEqual(self.farm.deploy("status", "--check").returncode, 0)
        self.deploy(3, self.job(), application())
        self.assertEqual(self.count(3), 1)

    def test_a_rollback_runs_a_job_again_that_says_so(self):
        for build in (1, 2):
            self.deploy(build, self.job(rerun=True), application())
        self.farm.deploy("rollback", "shop/web")
        wait_until(lambda: self.count(1) == 2, "it is run again")

    def test_what_has_ended_is_not_run_again_whoever_is_killed(self):
        self.deploy(1, self.job("sleep 2"))
        self.assertEqual(self.count(), 1)
        for name in ("w1", "w2", "deployminator"):
            self.farm.end(name, signal.SIGKILL)
        self.farm.start_server()
        for name in ("w1", "w2"):
            self.farm.start_agent(name)
        self.farm.wait_for_machines(["w1", "w2"])
        self.stays(1)
        self.assertEqual([row["state"] for row in self.farm.json("instances")], ["stopped"])

    def test_a_job_that_ends_while_everybody_is_away_is_not_run_again(self):
        self.new_build(self.write(self.job("sleep 5")), 1, "--no-wait")
        wait_until(lambda: self.count() == 1, "it runs")
        for name in ("w1", "w2", "deployminator"):
            self.farm.end(name, signal.SIGKILL)
        wait_until(lambda: not [c for _, c in self.farm.living() if "starter" not in c], "it has ended")
        self.farm.start_server()
        for name in ("w1", "w2"):
            self.farm.start_agent(name)
        wait_until(lambda: [(r["state"], r["exit"]) for r in self.farm.json("instances")] == [("stopped", 0)],
                   "its end is known")
        self.stays(1)

    def kill_starter(self, policy):
        self.new_build(self.write(self.job("sleep 600", restart={"policy": policy})), 1, "--no-wait")
        wait_until(lambda: self.count() == 1, "it runs")
        self.wait_until_done()
        pid = self.farm.json("instances")[0]["pid"]
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        starter = int(next(line for line in status.splitlines() if line.startswith("PPid:")).split()[1])
        os.kill(starter, signal.SIGKILL)

    def test_a_job_whose_end_nobody_knows_is_run_again_on_failure(self):
        self.kill_starter("on-failure")
        wait_until(lambda: self.count() == 2, "it is run again")

    def test_a_job_whose_end_nobody_knows_is_over_where_it_is_never_restarted(self):
        self.kill_starter("never")
        wait_until(lambda: [(r["state"], r["exit"]) for r in self.farm.json("instances")] == [("failed", None)],
                   "it has failed")
        self.stays(1)

    def test_a_drained_machine_hands_no_job_over(self):
        self.deploy(1, self.job())
        machine = self.farm.json("instances")[0]["machine"]
        self.farm.deploy("drain", machine, "--wait")
        self.stays(1)
        self.farm.deploy("undrain", machine)
        self.stays(1)


if __name__ == "__main__":
    case.main()
