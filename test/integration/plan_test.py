"""What `deploy plan` says, and that it is what then happens."""

import collections
import json
import pathlib

import case
from case import Case, application, make_tar

EXAMPLES = pathlib.Path(__file__).parents[2] / "deploy-configs/examples"
SLEEPER = b"#!/bin/sh\nexec sleep 1000\n"


class Plans(Case):
    def plan(self, path, build, *options, expect):
        return json.loads(self.farm.deploy("--json", "plan", path, "--build", build, *options, expect=expect).stdout)

    def standing(self, group=None):
        """(machine, application, version) of each instance."""
        return collections.Counter((row["machine"], row["application"], row["version"])
                                   for row in self.farm.instances(group))

    def after(self, plan, group=None):
        """What the changes make of what is there."""
        left = {row["id"]: (row["machine"], row["application"], row["version"])
                for row in self.farm.instances(group)}
        come = collections.Counter()
        for change in plan["changes"]:
            if change["from"]:
                machine, _, _ = left.pop(change["instance"])
                self.assertEqual(machine, change["from"])
            if change["to"]:
                come[change["to"], change["application"], change["version"]] += 1
            self.assertTrue(change["reason"])
        self.assertEqual(left, {})
        return come

    def actions(self, plan):
        return dict(collections.Counter(change["action"] for change in plan["changes"]))

    def plan_and_do(self, path, build, actions, *options):
        """The plan is what happens, to the processes as well; again there is nothing to do."""
        before = self.pids(None)
        plan = self.plan(path, build, *options, expect=2)
        self.assertEqual(self.actions(plan), actions)
        expected = self.after(plan)
        self.assertEqual(self.pids(None), before)
        kept = {change["instance"] for change in plan["changes"] if change["action"] == "keep"}
        self.new_build(path, build, *options, "--plan-digest", plan["digest"])
        self.assertEqual(self.standing(), expected)
        self.assertEqual({each for each in self.pids(None) if each[0] in kept},
                         {each for each in before if each[0] in kept})
        again = self.plan(path, build, expect=0)
        self.assertEqual({change["action"] for change in again["changes"]} - {"keep"}, set())
        return plan

    def test_what_a_plan_says_is_what_happens(self):
        fresh = self.plan_and_do(self.write(application()), 1, {"start": 2})
        self.assertEqual(set(fresh["changes"][0]), {"action", "namespace", "group", "application", "version", "from",
                                                    "to", "instance", "reason"})
        self.assertIsNone(fresh["changes"][0]["from"])
        self.plan_and_do(self.write(application(instances=3)), 1, {"keep": 2, "start": 1})
        self.plan_and_do(self.write(application(instances=1)), 1, {"keep": 1, "stop": 2})
        self.plan_and_do(self.write(application(instances=2)), 2, {"replace": 1, "start": 1})
        other = self.plan_and_do(self.write(application(env={"MODE": "fast", "API_TOKEN": "hidden-value"})), 2,
                                 {"replace": 2})
        self.assertEqual({change["reason"] for change in other["changes"]},
                         {"the same build with other env.API_TOKEN, env.MODE"})
        self.assertEqual({(each["field"], each["before"], each["after"]) for each in other["differences"]},
                         {("env.MODE", None, "fast"), ("env.API_TOKEN", None, "***")})
        self.plan_and_do(self.write(application(strategy="one-per-machine", instances=1, env=None)), 2, {"replace": 2})
        # In words: what it would do, and nothing of what is secret.
        done = self.farm.deploy("plan", self.write(application(env={"API_TOKEN": "hidden-value"})), "--build", 3, expect=2)
        self.assertIn("build 3 in place of build 2", done.stdout)
        self.assertNotIn("hidden-value", done.stdout + done.stderr)
        self.assertEqual(len(self.farm.json("versions", "shop/web")), 6)

    def test_an_order_with_a_digest_is_refused_where_the_farm_has_moved_on(self):
        path = self.write(application())
        self.new_build(path, 1)
        digest = self.plan(path, 2, expect=2)["digest"]
        self.new_build(path, 3)
        before = self.pids(None)
        refused = json.loads(self.farm.deploy("--json", "new-build", path, "--build", 2, "--plan-digest", digest,
                                              expect=1).stdout)
        self.assertEqual(refused["error"]["code"], "refused")
        self.assertIn(f"the plan {digest} is not what build 2 would do now", refused["error"]["message"])
        self.assertIn("deploy plan", refused["error"]["hint"])
        self.assertEqual(self.pids(None), before)
        # Another file under the digest of this one is another plan as well.
        digest = self.plan(path, 4, expect=2)["digest"]
        self.new_build(self.write(application(env={"A": "b"})), 4, "--plan-digest", digest, expect=1)
        self.new_build(self.write(application()), 4, "--plan-digest", digest)

    def test_what_would_be_refused_is_refused_and_nothing_is_changed(self):
        path = self.write(application())
        self.new_build(path, 1)
        done = self.farm.deploy("plan", path, "--build", 1, "--sha256", "0" * 64, expect=1)
        self.assertIn("was deployed with other content", done.stderr)
        nowhere = self.write(application(machines="gpu"))
        self.assertIn("machine group gpu", self.farm.deploy("plan", nowhere, "--build", 2, expect=1).stderr)
        bad = self.farm.root / "bad.yaml"
        bad.write_text("groups: 5\n")
        self.farm.deploy("plan", bad, "--build", 1, expect=2)
        self.assertEqual(len(self.farm.json("versions", "shop/web")), 1)

    def test_a_plan_is_made_while_a_rollout_is_under_way(self):
        self.new_build(self.write(application()), 1)
        slow = application(rollout={"parallel": "100%", "min_ready": "300ms", "deadline": "20s", "canary": 1})
        self.new_build(self.write(slow), 2, "--no-wait")
        self.wait_for_phase("starting")
        plan = self.plan(self.write(application()), 3, expect=2)
        self.assertEqual(self.actions(plan), {"replace": 2, "stop": 2})
        self.assertIn("version 2 is given up", {change["reason"] for change in plan["changes"]})
        expected = self.after(plan)
        self.new_build(self.write(application()), 3, "--plan-digest", plan["digest"])
        self.assertEqual(self.standing(), expected)

    def test_the_files_of_the_original_suite_are_planned_and_deployed(self):
        builds = self.farm.root / "builds/7"
        builds.mkdir(parents=True)
        make_tar(builds / "dist.tar", [("dist/timeseries-server", SLEEPER, 0o755)])
        make_tar(builds / "tools.tar", [("bin/tool", SLEEPER, 0o755)])
        (builds / "import").write_bytes(b"#!/bin/sh\nexit 0\n")
        (builds / "minimal").write_bytes(SLEEPER)
        text = (EXAMPLES / "seed.yaml").read_text()
        for before, after in (("https://builds.example/${BUILDID}/dist.tar.bz2", "/srv/builds/${BUILDID}/dist.tar"),
                              ("        downloaduser: ci\n        downloadpassword: secret\n", ""),
                              ("          maxmemory: 10000",
                               "          maxmemory: 10000\n        downloadurl: /srv/builds/${BUILDID}/minimal"),
                              ("/srv/builds", str(builds.parent))):
            self.assertIn(before, text)
            text = text.replace(before, after)
        path = self.farm.root / "seed.yaml"
        path.write_text(text)
        self.farm.deploy("validate", path)
        plan = self.plan(path, 7, expect=2)
        self.assertEqual(self.actions(plan), {"start": 5})
        expected = self.after(plan)
        self.new_build(path, 7, "--plan-digest", plan["digest"])
        self.assertEqual(self.standing(), expected)
        self.assertEqual(len(self.farm.instances("timeseries/minimal", "ready")), 1)
        self.plan(path, 7, expect=0)


if __name__ == "__main__":
    case.main()
