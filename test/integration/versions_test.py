"""Builds that come again, versions that are kept, and two clients at one instant."""

import concurrent.futures
import json
import os
import shutil
import signal
import subprocess

import case
from case import BUSYBOX, Case, application

ROUNDS = int(os.environ.get("DEPLOYMINATOR_ROUNDS", "50"))


class Versions(Case):
    def write_program(self, content=b""):
        """A plain binary at one place, with something behind its end."""
        path = self.farm.root / "busybox"
        shutil.copy(BUSYBOX, path)
        with open(path, "ab") as file:
            file.write(content)
        path.chmod(0o755)
        return application(downloadurl=str(path))

    def test_a_build_does_not_come_again_with_other_content_unless_it_is_forced(self):
        app = self.write_program()
        self.new_build(self.write(app), 1)
        before = self.pids()
        done = self.new_build(self.write(app), 1, "--sha256", "0" * 64, expect=1)
        self.assertIn("build 1 of shop/web was deployed with other content, as version 1", done.stderr)
        self.assertIn("--force", done.stderr)
        elsewhere = dict(app, downloadurl=BUSYBOX)
        refused = json.loads(self.farm.deploy("--json", "new-build", self.write(elsewhere), "--build", 1,
                                              expect=1).stdout)
        self.assertEqual(refused["error"]["code"], "mismatch")
        self.assertEqual(self.pids(), before)
        # More of the same is no other content.
        self.new_build(self.write(dict(app, instances=3)), 1)
        self.assertLess(before, self.pids())
        # Other bytes at the same place are noticed when they come.
        self.write_program(b"other")
        for name in self.agents:
            self.farm.end(name)
            shutil.rmtree(self.farm.root / name / "cache")
            self.farm.start_agent(name)
        self.farm.wait_for_machines(self.agents)
        done = self.new_build(self.write(dict(app, instances=4, env={"A": "b"})), 1, expect=1)
        self.assertIn("its SHA-256 is", done.stdout + done.stderr)
        self.new_build(self.write(app), 1, "--force")
        self.assertEqual({row["build"] for row in self.ready()}, {1})
        self.assertFalse({pid for _, pid, _ in before} & {pid for _, pid, _ in self.pids()})

    def test_the_last_versions_are_kept_and_one_that_is_gone_is_told(self):
        self.farm.end("deployminator")
        self.farm.store += ["--keep-versions", "2"]
        self.farm.start_server()
        self.farm.wait_for_machines(self.agents)
        for build in range(1, 5):
            self.new_build(self.write(application(instances=1)), build)
        versions = self.farm.json("versions", "shop/web")
        self.assertEqual([row["build"] for row in versions], [4, 3])
        done = self.farm.deploy("version", "shop/web", "1", expect=1)
        self.assertIn("version 1 is gone", done.stderr)
        self.farm.deploy("rollback", "shop/web")
        self.assertEqual({row["build"] for row in self.ready()}, {3})
        self.assertEqual(len(self.farm.json("history", "shop/web")), 5)
        # The store has forgotten them as well.
        self.farm.end("deployminator", signal.SIGKILL)
        self.farm.start_server()
        self.farm.wait_for_machines(self.agents)
        self.assertEqual([row["build"] for row in self.farm.json("versions", "shop/web")], [4, 3])


class TwoClients(Case):
    agents = ["w1"]

    def one(self, path, build):
        done = subprocess.run(self.farm.command("--json", "new-build", path, "--build", build), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    def test_of_two_clients_at_one_instant_both_are_told_the_truth(self):
        app = application(instances=1, args=["sleep", "1000"], stop={"timeout": "0s"},
                          rollout={"min_ready": "0s", "deadline": "20s"})
        path = self.write(app)
        outcomes = {}
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for number in range(ROUNDS):
                builds = [2 * number + 1, 2 * number + 2]
                answers = list(pool.map(lambda build: self.one(path, build), builds))
                history = {row["build"]: row for row in self.farm.json("history", "shop/web")[:2]}
                self.assertEqual(set(history), set(builds))
                # The later version is the one that is there.
                last = max(history.values(), key=lambda row: row["version"])
                deployed = self.farm.json("status", "shop/web")["groups"][0]["deployed_version"]
                self.assertEqual(deployed, last["version"])
                self.assertEqual({(row["build"], row["state"]) for row in self.farm.instances("shop/web")},
                                 {(last["build"], "ready")})
                for build, (code, end) in zip(builds, answers):
                    self.assertEqual(end["type"], "rollout.finished")
                    self.assertEqual(end["outcome"], history[build]["outcome"])
                    self.assertEqual(end["version"], history[build]["version"])
                    self.assertEqual(code, 0 if end["outcome"] == "succeeded" else 1)
                    self.assertIn(end["outcome"], ("succeeded", "superseded"))
                    outcomes[end["outcome"]] = outcomes.get(end["outcome"], 0) + 1
                self.assertEqual(history[last["build"]]["outcome"], "succeeded")
        print(f"{ROUNDS} rounds: {outcomes}", flush=True)
        self.assertGreater(outcomes.get("superseded", 0), 0)


if __name__ == "__main__":
    case.main()
