"""What people choose for a rollout, and what they say to one: order, waves, canaries, pause, abort."""

import signal
import subprocess
import threading
import time

import case
from case import Case, application
from farm import wait_until

RULES = {"parallel": "100%", "min_ready": "300ms", "deadline": "20s"}


def app(**rollout):
    instances = rollout.pop("instances", 3)
    args = rollout.pop("args", case.SERVE)
    return application(instances=instances, args=args, rollout={**RULES, **rollout})


class RolloutOptions(Case):
    def waits_for(self):
        row = self.farm.json("status", "shop/web")["groups"][0]["rollout"]
        return row and row["waits_for"]

    def wait_until_it_waits(self, verb):
        wait_until(lambda: self.waits_for() == verb, f"the rollout waits for {verb}")

    def builds(self):
        counts = {}
        for row in self.ready():
            counts[row["build"]] = counts.get(row["build"], 0) + 1
        return counts

    def kill_server(self):
        self.farm.end("deployminator", signal.SIGKILL)
        self.farm.start_server()
        self.farm.wait_for_machines(self.agents)

    def test_a_canary_waits_across_the_servers_death_and_promote_brings_the_rest(self):
        self.new_build(self.write(), 1)
        self.new_build(self.write(app(canary=1)), 2, "--no-wait")
        self.wait_until_it_waits("promote")
        self.assertEqual(self.builds(), {1: 2, 2: 1})
        self.assertIn("waits for `deploy promote`", self.farm.deploy("status").stdout.replace("\n", " "))
        self.kill_server()
        self.assertEqual(self.waits_for(), "promote")
        self.assertEqual(self.builds(), {1: 2, 2: 1})
        done = self.farm.deploy("promote", "shop/web")
        self.assertIn("version 2", done.stdout)
        self.assertEqual(self.builds(), {2: 3})
        self.farm.deploy("promote", "shop/web", expect=1)

    def test_abort_takes_a_canary_back_and_both_are_told_the_truth(self):
        self.new_build(self.write(), 1)
        before = self.pids()
        builder = subprocess.Popen(self.farm.command("new-build", self.write(app(canary=2)), "--build", 2),
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.wait_until_it_waits("promote")
        done = self.farm.deploy("abort", "shop/web")
        self.assertIn("reverted: aborted by operator", done.stdout)
        output, _ = builder.communicate(timeout=30)
        self.assertEqual(builder.returncode, 1)
        self.assertIn("reverted", output)
        self.assertEqual(self.pids(), before)
        self.assertEqual(self.version_states(), {1: "deployed", 2: "failed"})
        orders = [(row["order"], row["outcome"]) for row in self.farm.json("history", "shop/web")]
        self.assertEqual(orders, [("abort", "succeeded"), ("new-build", "reverted"), ("new-build", "succeeded")])
        self.assertEqual(self.farm.json("status")["groups"][0]["failure"]["outcome"], "reverted")

    def test_where_the_old_stop_first_no_more_run_than_before_and_one_is_missing_at_most(self):
        self.new_build(self.write(app()), 1)
        seen = []
        over = threading.Event()

        def look():
            while not over.is_set():
                rows = self.farm.json("instances", "shop/web")
                seen.append((sum(row["state"] in ("starting", "running", "ready", "stopping") for row in rows),
                             sum(row["state"] == "ready" for row in rows)))
        watcher = threading.Thread(target=look)
        watcher.start()
        self.new_build(self.write(app(order="stop-first", parallel=1)), 2)
        over.set()
        watcher.join()
        self.assertEqual(self.builds(), {2: 3})
        self.assertLessEqual(max(there for there, _ in seen), 3)
        self.assertGreaterEqual(min(ready for _, ready in seen), 2)

    def test_a_paused_rollout_starts_nothing_across_the_servers_death_and_goes_on(self):
        self.new_build(self.write(app()), 1)
        self.new_build(self.write(app(parallel=1, min_ready="1s")), 2, "--no-wait")
        self.wait_for_phase("starting")
        self.assertIn("paused", self.farm.deploy("pause", "shop/web").stdout)
        self.assertEqual(self.waits_for(), "resume")
        wait_until(lambda: self.builds().get(2) == 1, "what had started is ready")
        self.kill_server()
        time.sleep(2)
        self.assertEqual(self.builds(), {1: 3, 2: 1})
        self.farm.deploy("pause", "shop/web", expect=1)
        self.farm.deploy("resume", "shop/web")
        self.assertEqual(self.builds(), {2: 3})

    def test_a_newer_build_takes_the_place_of_one_that_is_paused(self):
        self.new_build(self.write(app()), 1)
        self.new_build(self.write(app(canary=1)), 2, "--no-wait")
        self.wait_until_it_waits("promote")
        self.farm.deploy("pause", "shop/web")
        self.new_build(self.write(app()), 3)
        self.assertEqual(self.builds(), {3: 3})
        self.assertEqual(self.version_states(), {1: "retired", 2: "superseded", 3: "deployed"})

    def test_what_failed_is_left_for_looking_at_until_abort(self):
        self.new_build(self.write(app()), 1)
        before = self.pids()
        done = self.new_build(self.write(app(auto_revert=False, args=["sh", "-c", "echo broken; exit 7"])), 2,
                              expect=1)
        self.assertIn("left for looking at", done.stdout + done.stderr)
        self.assertEqual(self.pids(), before)
        left = [row for row in self.farm.json("instances", "shop/web") if row["build"] == 2]
        self.assertGreaterEqual(len(left), 1)
        self.assertIn("broken", self.farm.deploy("logs", left[0]["id"]).stdout)
        self.farm.deploy("abort", "shop/web")
        wait_until(lambda: {row["build"] for row in self.farm.json("instances", "shop/web")} == {1}, "it is gone")
        self.assertEqual(self.pids(), before)
        self.assertIn("nothing to abort", self.farm.deploy("abort", "shop/web", expect=1).stderr)

    def test_a_restart_obeys_order_and_parallel(self):
        self.new_build(self.write(app(order="stop-first", parallel=1)), 1)
        before = {row["id"] for row in self.ready()}
        events = self.farm.events("restart", "shop/web")
        self.assertEqual(events[-1]["outcome"], "succeeded")
        now = set(before)
        for event in events:
            if event["type"] == "instance.state" and event["to"] in ("ready", "stopping", "stopped"):
                (now.add if event["to"] == "ready" else now.discard)(event["id"])
                self.assertGreaterEqual(len(now), 2)
                self.assertLessEqual(len(now), 3)
        self.assertFalse(before & {row["id"] for row in self.ready()})
        self.assertEqual(len(self.ready()), 3)

    def test_a_rollout_with_every_option_survives_the_servers_death_at_any_step(self):
        self.new_build(self.write(app(min_ready="100ms")), 1)
        for build in range(2, 8):
            self.new_build(self.write(app(order="stop-first", parallel=1, canary=1, min_ready="100ms")), build,
                           "--no-wait")
            promoted = False
            end = time.monotonic() + 60
            while self.phase() is not None:
                self.assertLess(time.monotonic(), end, "the rollout does not end")
                time.sleep(0.05 * build)
                self.farm.end("deployminator", signal.SIGKILL)
                self.farm.start_server()
                if not promoted and self.waits_for() == "promote":
                    self.farm.deploy("promote", "shop/web", "--no-wait")
                    promoted = True
                time.sleep(1)
            self.assertTrue(promoted)
            self.assertEqual(self.builds(), {build: 3})


if __name__ == "__main__":
    case.main()
