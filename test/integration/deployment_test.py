"""What a deployment does when all goes well, and when a build is broken."""

import json
import os
import signal
import subprocess
import unittest

import case
from case import BUSYBOX, Case, answers, application
from farm import wait_until


class Deployment(Case):
    def test_a_build_becomes_running_instances_that_answer_on_their_ports(self):
        self.new_build(self.write(), 1)
        rows = self.ready()
        self.assertEqual(len(rows), 2)
        self.assertEqual({row["machine"] for row in rows}, {"w1", "w2"})
        for row in rows:
            self.assertTrue(answers(row["ports"][0]))
            self.assertGreaterEqual(row["ports"][0], 4100)
            self.assertEqual(row["build"], 1)
            self.assertEqual(row["restarts"], 0)
        self.assertEqual(len({port for row in rows for port in row["ports"]}), 2)
        self.undeploy_and_check()

    def test_the_json_of_every_verb_has_the_keys_scripts_rely_on(self):
        events = self.farm.events("new-build", self.write(), "--build", 1)
        self.assertEqual(events[-1]["type"], "rollout.finished")
        self.assertEqual(events[-1]["outcome"], "succeeded")
        for event in events:
            self.assertLessEqual({"seq", "time", "type"}, event.keys())
        instance = self.farm.json("instances")[0]
        self.assertLessEqual({"id", "namespace", "group", "application", "version", "build", "machine",
                              "state", "pid", "uid", "ports", "restarts", "started_at", "ready_at",
                              "exit", "reason", "services"}, instance.keys())
        machine = self.farm.json("machines")[0]
        self.assertLessEqual({"name", "groups", "state", "instances", "agent_version", "last_seen",
                              "memory_mb"}, machine.keys())
        version = self.farm.json("versions", "shop/web")[0]
        self.assertLessEqual({"version", "build", "repository", "branch", "commit", "created_at",
                              "state"}, version.keys())
        group = self.farm.json("status")["groups"][0]
        self.assertLessEqual({"namespace", "group", "deployed_version", "pending_version", "wanted",
                              "running", "ready", "rollout"}, group.keys())
        self.assertEqual((group["wanted"], group["running"], group["ready"]), (2, 2, 2))

    def test_an_instance_gets_the_environment_that_is_promised_and_nothing_else(self):
        self.new_build(self.write(application(
            name="dump", args=["sh", "-c", "env; pwd; ulimit -v; sleep 1000; : ${PORT1} ${PORT2}"],
            instances=1, env={"GREETING": "hello ${PORT2}"}, limits={"maxmemory": 500, "priority": 4})), 3)
        row = self.ready()[0]
        log = self.farm.deploy("logs", row["id"]).stdout
        lines = dict(line.split("=", 1) for line in log.splitlines() if "=" in line)
        self.assertEqual(lines["DEPLOY_INSTANCE_ID"], row["id"])
        self.assertEqual((lines["DEPLOY_NAMESPACE"], lines["DEPLOY_GROUP"]), ("shop", "web"))
        self.assertEqual((lines["DEPLOY_APPLICATION"], lines["DEPLOY_BUILD"]), ("dump", "3"))
        self.assertEqual(lines["DEPLOY_VERSION"], str(row["version"]))
        self.assertEqual(lines["DEPLOY_MACHINE"], row["machine"])
        self.assertEqual([lines["PORT1"], lines["PORT2"]], [str(port) for port in row["ports"]])
        self.assertEqual(lines["GREETING"], f"hello {row['ports'][1]}")
        self.assertIn(lines["HOME"], log.splitlines())
        known = {"DEPLOY_INSTANCE_ID", "DEPLOY_NAMESPACE", "DEPLOY_GROUP", "DEPLOY_APPLICATION",
                 "DEPLOY_VERSION", "DEPLOY_BUILD", "DEPLOY_MACHINE", "PORT1", "PORT2", "HOME", "PATH",
                 "USER", "LOGNAME", "SHELL", "TMPDIR", "GREETING", "PWD", "SHLVL", "OLDPWD"}
        self.assertLessEqual(lines.keys(), known)
        self.assertIn(str(500 * 1024), log.splitlines())
        with open(f"/proc/{row['pid']}/stat") as stat:
            self.assertEqual(stat.read().rsplit(")", 1)[1].split()[16], "4")
        if os.getuid() == 0:
            self.assertNotEqual(row["uid"], 0)
            self.assertEqual(os.stat(f"/proc/{row['pid']}").st_uid, row["uid"])

    def test_a_new_build_replaces_the_old_one_and_a_rollback_brings_it_back(self):
        path = self.write()
        self.new_build(path, 1)
        first = self.ready()
        self.new_build(path, 2)
        self.assertEqual({row["build"] for row in self.ready()}, {2})
        self.assertEqual(self.version_states(), {1: "retired", 2: "deployed"})
        self.assertFalse({row["pid"] for row in first} & {row["pid"] for row in self.ready()})
        self.farm.deploy("rollback", "shop/web")
        self.assertEqual({row["build"] for row in self.ready()}, {1})
        self.assertEqual(self.version_states(), {1: "deployed", 2: "retired"})
        version = {row["build"]: row["version"] for row in self.farm.json("versions", "shop/web")}[2]
        self.farm.deploy("version", "shop/web", version)
        self.assertEqual({row["build"] for row in self.ready()}, {2})
        self.undeploy_and_check()

    def test_a_build_whose_program_exits_at_once_leaves_the_old_one_untouched(self):
        self.new_build(self.write(), 1)
        before = self.pids()
        broken = self.write(application(args=["sh", "-c", "echo cannot bind; exit 3"]), name="broken.yaml")
        done = self.new_build(broken, 2, expect=1)
        self.assertIn("exited with code 3", done.stdout + done.stderr)
        self.assertIn("cannot bind", done.stdout + done.stderr)
        self.assertRegex(done.stdout.splitlines()[-1], "^shop/web: the rollout of version 2 (failed|reverted): ")
        self.assertEqual(self.pids(), before)
        self.assertEqual(self.version_states(), {1: "deployed", 2: "failed"})
        events = self.farm.events("new-build", broken, "--build", 3, expect=1)
        self.assertEqual(events[-1]["type"], "rollout.finished")
        self.assertEqual(events[-1]["outcome"], "failed")
        self.assertEqual(self.pids(), before)
        self.assertEqual(len(self.farm.instances("shop/web")), 2)

    def test_an_instance_that_is_not_ready_by_the_deadline_fails_the_build(self):
        path = self.write(application(rollout={"min_ready": "4s", "deadline": "5s"}))
        follower = subprocess.Popen(self.farm.command("--json", "new-build", path, "--build", "1"),
                                    stdout=subprocess.PIPE, text=True)
        wait_until(lambda: any(row["state"] == "running" for row in self.farm.instances()), "it runs")
        self.farm.end("w1", signal.SIGKILL)
        out, _ = follower.communicate(timeout=30)
        self.assertEqual(follower.returncode, 1)
        last = json.loads(out.splitlines()[-1])
        self.assertEqual(last["outcome"], "failed")
        self.assertIn("was not ready within 5 s", last["reason"])

    def test_what_is_stopped_stays_stopped_across_builds_until_it_is_started(self):
        apps = [application(), application(name="other", instances=1)]
        path = self.write(*apps)
        self.new_build(path, 1)
        done = self.farm.deploy("stop", "shop/web/other")
        self.assertIn("stopped", done.stdout)
        self.assertEqual({row["application"] for row in self.farm.instances("shop/web")}, {"web"})
        self.new_build(path, 2)
        self.assertEqual([(row["application"], row["build"]) for row in self.farm.instances("shop/web")],
                         [("web", 2)] * 2)
        self.assertEqual(self.farm.json("status")["groups"][0]["stopped"], ["other"])
        last = self.farm.events("start", "shop/web/other")[-1]
        self.assertEqual((last["type"], last["outcome"]), ("rollout.finished", "succeeded"))
        self.assertEqual(len(self.ready()), 3)
        self.farm.deploy("stop", "shop/web")
        self.assertEqual(self.farm.instances("shop/web"), [])
        self.assertIn("stopped already", self.farm.deploy("stop", "shop/web", expect=1).stderr)
        self.farm.deploy("start", "shop/web")
        self.assertEqual({row["build"] for row in self.ready()}, {2})
        self.undeploy_and_check()

    def test_a_restart_brings_new_processes_of_the_same_version_on_the_same_machines(self):
        self.new_build(self.write(application(instances=3)), 1)
        before = self.ready()
        done = self.farm.deploy("restart", "shop/web")
        self.assertIn("version 1", done.stdout)
        after = self.ready()
        self.assertEqual(sorted(row["machine"] for row in after), sorted(row["machine"] for row in before))
        self.assertFalse({row["id"] for row in after} & {row["id"] for row in before})
        self.assertEqual({row["version"] for row in after}, {row["version"] for row in before})
        self.undeploy_and_check()

    def test_a_newer_build_supersedes_one_that_is_still_rolling_out(self):
        path = self.write()
        self.new_build(path, 1)
        slow = self.write(application(rollout={"min_ready": "1h", "deadline": "2h"}), name="slow.yaml")
        follower = subprocess.Popen(self.farm.command("--json", "new-build", slow, "--build", "2"),
                                    stdout=subprocess.PIPE, text=True)
        self.addCleanup(follower.stdout.close)
        self.wait_for_phase("starting")
        self.new_build(path, 3)
        out, _ = follower.communicate(timeout=20)
        self.assertEqual(follower.returncode, 1)
        self.assertEqual(json.loads(out.splitlines()[-1])["outcome"], "superseded")
        self.assertEqual(self.version_states(), {1: "retired", 2: "superseded", 3: "deployed"})
        self.assertEqual({row["build"] for row in self.farm.instances("shop/web")}, {3})

    def test_a_machine_that_joins_later_gets_its_copy_of_one_per_machine(self):
        self.new_build(self.write(application(strategy="one-per-machine", instances=1)), 1)
        self.assertEqual({row["machine"] for row in self.ready()}, {"w1", "w2"})
        before = self.pids()
        self.farm.start_agent("w3")
        wait_until(lambda: len(self.ready()) == 3, "the third machine has its copy")
        self.assertLess(before, self.pids())

    def test_an_instance_that_crashes_is_started_again_with_the_same_id_and_ports(self):
        self.new_build(self.write(application(restart={"backoff": "100ms..1s"})), 1)
        row = self.ready()[0]
        os.kill(row["pid"], 9)
        again = wait_until(lambda: next((r for r in self.ready() if r["id"] == row["id"]
                                         and r["restarts"] == 1), None), "it runs again")
        self.assertNotEqual(again["pid"], row["pid"])
        self.assertEqual(again["ports"], row["ports"])
        self.assertEqual(again["exit"], 137)
        self.assertTrue(answers(again["ports"][0]))

    def test_a_job_that_ends_with_0_is_done_and_stays_stopped(self):
        self.new_build(self.write(application(args=["echo", "done"], alwayson=False, instances=1)), 1)
        rows = self.farm.instances("shop/web")
        self.assertEqual([(row["state"], row["exit"], row["restarts"]) for row in rows],
                         [("stopped", 0, 0)])

    def test_everything_an_instance_started_ends_with_it(self):
        self.new_build(self.write(application(
            args=["sh", "-c", "(setsid sleep 1001 &) ; (setsid sh -c 'trap : TERM; sleep 1002 & wait; "
                  "sleep 1003' &) ; trap : TERM; while :; do sleep 1; done"], instances=1)), 1)
        self.assertTrue(any("sleep 1001" in command for _, command in self.farm.living()))
        self.undeploy_and_check()

    def test_logs_follow_an_instance(self):
        self.new_build(self.write(application(
            args=["sh", "-c", "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.1; done"],
            instances=1)), 1)
        row = self.ready()[0]
        follower = subprocess.Popen(self.farm.command("logs", row["id"], "-f", "-n", "2"),
                                    stdout=subprocess.PIPE, text=True)
        lines = [follower.stdout.readline().split() for _ in range(8)]
        follower.kill()
        follower.communicate()
        numbers = [int(line[-1]) for line in lines]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 8)))

    def test_a_late_watch_sees_the_whole_picture_and_then_everything_that_follows(self):
        path = self.write()
        self.new_build(path, 1)
        watcher = subprocess.Popen(self.farm.command("--json", "watch"), stdout=subprocess.PIPE, text=True)
        first = json.loads(watcher.stdout.readline())
        self.assertIn(self.ready()[0]["id"], json.dumps(first))
        self.new_build(path, 2)
        numbers = []
        for line in watcher.stdout:
            event = json.loads(line)
            numbers.append(event.get("seq"))
            if event["type"] == "rollout.finished":
                break
        watcher.kill()
        watcher.communicate()
        numbers = [number for number in numbers if number]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

    def test_a_machine_that_leaves_a_group_hands_its_instances_over(self):
        self.new_build(self.write(), 1)
        self.assertEqual({row["machine"] for row in self.ready()}, {"w1", "w2"})
        staying = {row["id"] for row in self.ready() if row["machine"] == "w2"}
        self.farm.end("w1")
        self.farm.start_agent("w1", groups="db")
        wait_until(lambda: [row["machine"] for row in self.farm.instances("shop/web")] == ["w2", "w2"],
                   "both instances are on w2")
        self.assertLess(staying, {row["id"] for row in self.ready()})
        told = [event for event in self.farm.events("events", "--since", "0", "--no-follow")
                if "left its machine groups: w1 has other machine groups" in event.get("reason", "")]
        self.assertEqual(len(told), 1)

    def test_services_show_the_ports_of_autoregs(self):
        self.new_build(self.write(application(autoregs=[
            {"portdef": "${PORT1}", "servicename": "shop.Web", "apitypes": "http, status"}])), 1)
        row = self.ready()[0]
        self.assertEqual(row["services"], [{"name": "shop.Web", "port": row["ports"][0],
                                            "types": ["http", "status"]}])

    def test_waiting_ends_with_4_when_the_time_is_over_and_the_rollout_goes_on(self):
        path = self.write(application(rollout={"min_ready": "3s"}))
        last = self.farm.events("new-build", path, "--build", 1, "--timeout", "1s", expect=4)[-1]
        self.assertEqual((last["type"], last["outcome"]), ("rollout.finished", "unknown"))
        self.wait_until_done()
        self.assertEqual(len(self.ready()), 2)


if __name__ == "__main__":
    case.main()
