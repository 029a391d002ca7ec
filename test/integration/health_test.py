"""Instances are known to serve and not only to live: by http, tcp, notify and exec, with programs that
can be told to be unhealthy, hang or flood, and with an agent that is killed meanwhile."""

import json
import os
import pathlib
import signal
import socket
import time
import unittest

import case
import network
from case import Case, application
from farm import wait_until

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "support" / "health_program.py"
SOON = {"parallel": "100%", "min_ready": "200ms", "deadline": "20s"}
OFTEN = {"interval": "200ms", "timeout": "300ms", "failures": 2}


def checked(health, *args, **changes):
    return application(**{
        "downloadurl": str(PROGRAM), "binary": "program.py", "interpreter": ["python3"], "args": list(args),
        "instances": 1, "rollout": SOON, "health": health, "restart": {"backoff": "100ms..1s"}, **changes})


class Health(Case):
    agents = ["w1"]

    def row(self, name="web"):
        rows = [row for row in self.farm.instances("shop/web") if row["application"] == name]
        return rows[0] if rows else None

    def wait_for(self, what, name="web", deadline=20, **wanted):
        def matches():
            row = self.row(name)
            return row and all(wanted[key] in row[key] if key == "reason" else row[key] == wanted[key]
                               for key in wanted) and row
        return wait_until(matches, what, deadline)

    def tell(self, sig, name="web"):
        os.kill(self.row(name)["pid"], sig)

    def states(self):
        return [(event["from"], event["to"], event["reason"])
                for event in self.farm.events("events", "--since", "0", "--no-follow")
                if event["type"] == "instance.state"]

    def roll_out(self, *applications, **options):
        return self.new_build(self.write(*applications), 1, **options)

    def kill_agent(self):
        self.farm.end("w1", signal.SIGKILL)

    def start_agent(self):
        known = self.farm.log("w1").count("agent is connected")
        self.farm.start_agent("w1")
        wait_until(lambda: self.farm.log("w1").count("agent is connected") > known, "the agent is back")


class Http(Health):
    def test_ready_once_it_answers_and_restarted_when_it_does_no_more(self):
        path = self.write(checked({"http": "/health", **OFTEN}, "http", "${PORT1}", "bad"))
        self.new_build(path, 1, "--no-wait")
        row = self.wait_for("it is not ready, and why", state="running", reason="503")
        self.assertEqual(row["reason"],
                         f"GET http://127.0.0.1:{row['ports'][0]}/health answered 503: database ?[31maway")
        self.assertIn("answered 503: database", self.farm.deploy("instances", "-o", "wide").stdout)
        self.tell(signal.SIGUSR2)
        ready = self.wait_for("it is ready", state="ready")
        self.assertEqual((ready["pid"], ready["restarts"], ready["reason"]), (row["pid"], 0, ""))
        self.wait_until_done()

        # Nothing flaps when the agent is killed, and what goes bad meanwhile is found.
        before = self.states()
        for _ in range(2):
            self.kill_agent()
            self.start_agent()
            time.sleep(1)
        self.assertEqual(self.states(), before)
        self.assertEqual(self.wait_for("it stays", state="ready")["pid"], row["pid"])
        self.kill_agent()
        os.kill(row["pid"], signal.SIGUSR1)
        self.start_agent()
        wait_until(lambda: self.row()["restarts"] > 0, "it is restarted")
        told = self.states()[len(before):]
        self.assertEqual([each[:2] for each in told[:3]],
                         [("ready", "running"), ("running", "stopping"), ("stopping", "failed")])
        self.assertRegex(told[0][2], r"^unhealthy: GET http://127.0.0.1:\d+/health answered 503: database .*\(2 in a row\)$")
        self.undeploy_and_check()

    def test_a_rollout_fails_with_what_was_seen(self):
        done = self.roll_out(checked({"http": "/health", **OFTEN}, "http", "${PORT1}", "bad",
                                     rollout={**SOON, "deadline": "3s"}), expect=1)
        self.assertIn("was not ready within 3 s: GET http://127.0.0.1:", done.stdout + done.stderr)
        self.assertIn("answered 503: database ?[31maway", done.stdout + done.stderr)

    def test_what_hangs_floods_or_points_elsewhere_is_bounded(self):
        paths = ["hang", "flood", "headers", "moved", "nothing"]
        self.new_build(self.write(*(checked({"http": "/" + each, **OFTEN}, "http", "${PORT1}", name=each)
                                    for each in paths)), 1, "--no-wait")
        self.wait_for("a flood is read as far as it counts", "flood", state="ready")
        self.wait_for("204 is healthy", "nothing", state="ready")
        self.wait_for("what hangs ends", "hang", state="running", reason="/hang was not answered within 300ms")
        self.wait_for("nothing is followed", "moved", state="running", reason="/moved answered 302: elsewhere")
        self.wait_for("no end of headers is waited for", "headers", state="running", reason="/headers")


class Tcp(Health):
    def test_ready_while_its_port_takes_connections(self):
        self.roll_out(checked({"tcp": 1, **OFTEN}, "tcp", "${PORT1}", restart={"policy": "never"}))
        pid = self.row()["pid"]
        self.tell(signal.SIGUSR1)
        row = self.wait_for("it is unhealthy", state="running", reason="takes no connections")
        self.assertEqual(row["reason"], f"unhealthy: 127.0.0.1:{row['ports'][0]} takes no connections: "
                                        "Connection refused (2 in a row)")
        status = self.farm.deploy("status")
        self.assertIn("takes no connections", status.stdout + status.stderr)
        self.tell(signal.SIGUSR2)
        self.assertEqual(self.wait_for("it is healthy again", state="ready")["pid"], pid)


class Notify(Health):
    def test_ready_when_it_says_so_also_while_there_is_no_agent(self):
        self.new_build(self.write(checked({"notify": True}, "notify", "STATUS=loading", "wait=3", "READY=1\nSTATUS=serving")),
                       1, "--no-wait")
        row = self.wait_for("it is on its way", state="running", reason="says: loading")
        self.assertEqual(row["reason"], "has not said READY=1 yet; says: loading")
        self.kill_agent()
        time.sleep(3.5)
        self.start_agent()
        ready = self.wait_for("it is ready", state="ready")
        self.assertEqual((ready["pid"], ready["reason"]), (row["pid"], "says: serving"))
        self.assertIn("says: serving", self.farm.deploy("instances", "-o", "wide").stdout)
        before = self.states()
        self.kill_agent()
        self.start_agent()
        time.sleep(1)
        self.assertEqual(self.states(), before)

    def test_a_watchdog_restarts_what_is_silent_and_strangers_say_nothing(self):
        self.roll_out(checked({"notify": True, "watchdog": "1s"}, "notify", "READY=1"))
        row = self.row()
        environ = pathlib.Path(f"/proc/{row['pid']}/environ").read_bytes().split(b"\0")
        self.assertIn(b"WATCHDOG_USEC=1000000", environ)
        address, = (each.partition(b"=")[2].decode() for each in environ if each.startswith(b"NOTIFY_SOCKET="))
        time.sleep(2)
        self.assertEqual(self.row()["restarts"], 0)
        if os.geteuid() == 0:
            # Another user's word does not count, and root is another one.
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
                stranger.sendto(b"STOPPING=1", "\0" + address[1:] if address.startswith("@") else address)
            time.sleep(0.5)
            self.assertEqual(self.row()["state"], "ready")
        self.tell(signal.SIGUSR1)
        wait_until(lambda: self.row()["restarts"] == 1, "it is restarted")
        self.assertIn("unhealthy: said no WATCHDOG=1 for 1s", [each[2] for each in self.states()])
        self.wait_for("it is ready again", state="ready")


class Exec(Health):
    SCRIPT = ("test ! -e bad || { echo $(id -u) $HOME $(cat /tmp/mark) ${PORT1} $DEPLOY_INSTANCE_ID; "
              "yes flood | head -c 1000000 >&2; exit 3; }")

    def test_it_runs_as_the_instance_does(self):
        self.roll_out(checked({"exec": ["sh", "-c", self.SCRIPT], **OFTEN, "timeout": "2s"}, "file", "${PORT1}",
                              restart={"policy": "never"}))
        self.tell(signal.SIGUSR1)
        row = self.wait_for("it is unhealthy", state="running", reason="sh exited with code 3")
        uid, home, *view, port, name = row["reason"].split("code 3: ")[1].split(" (")[0].split()
        self.assertEqual((int(uid), pathlib.Path(home).name, int(port), name),
                         (row["uid"], "home", row["ports"][0], row["id"]))
        self.assertEqual(view, ["its", "own", "view"])
        self.tell(signal.SIGUSR2)
        self.assertEqual(self.wait_for("it is healthy again", state="ready")["pid"], row["pid"])

    def test_one_that_hangs_is_killed_with_all_it_started(self):
        marker = f"{7000 + os.getpid() % 1000}.25"
        script = f"echo still looking; (setsid sleep {marker} &); sleep {marker}"
        self.new_build(self.write(checked({"exec": ["sh", "-c", script], **OFTEN}, "file")), 1, "--no-wait")
        row = self.wait_for("it is not healthy", state="running", reason="did not end")
        self.assertEqual(row["reason"], "sh did not end within 300ms: still looking")

        def left():
            return [each for each in pathlib.Path("/proc").glob("[0-9]*/cmdline") if marker in read(each)
                    and "sleep" in read(each).split("\0")[0]]
        time.sleep(2)
        self.assertLessEqual(len(left()), 2, "what earlier checks started is gone")
        self.assertEqual(self.row()["pid"], row["pid"], "and the instance is not")
        self.farm.deploy("undeploy", "shop/web")
        wait_until(lambda: not left(), "nothing of a check is left")

    def test_a_program_that_is_not_there_is_told(self):
        self.new_build(self.write(checked({"exec": ["no-such-check"], **OFTEN}, "file")), 1, "--no-wait")
        self.wait_for("it is not healthy", state="running", reason="no-such-check")


def read(path):
    try:
        return path.read_text()
    except OSError:
        return ""


@unittest.skipIf(network.missing(), network.missing())
class PublicPort(Health):
    agents = []

    def setUp(self):
        self.machines = network.TwoMachines()
        self.addCleanup(self.machines.close)
        super().setUp()
        config = self.farm.root / "config.yaml"
        config.write_text(json.dumps({"applications": [{
            "label": "web", "matcher": {"groupname": "web"}, "actionports": [{"portindex": 1, "publicport": 80}]}]}))
        self.farm.start_agent("w1", config=config)
        self.farm.wait_for_machines(["w1"])

    def leads_to(self):
        return self.farm.json("ports")["ports"][0]["instance"]

    def test_it_leads_away_from_what_is_unhealthy(self):
        self.roll_out(checked({"http": "/health", **OFTEN}, "http", "${PORT1}", instances=2, restart={"policy": "never"}))
        first = self.leads_to()
        pid, = (row["pid"] for row in self.ready() if row["id"] == first)
        os.kill(pid, signal.SIGUSR1)
        second = wait_until(lambda: self.leads_to() not in (None, first) and self.leads_to(), "it leads elsewhere", 5)
        other, = (row["pid"] for row in self.ready() if row["id"] == second)
        os.kill(other, signal.SIGUSR1)
        wait_until(lambda: self.leads_to() is None, "it leads nowhere", 5)
        os.kill(pid, signal.SIGUSR2)
        wait_until(lambda: self.leads_to() == first, "it leads to what is healthy again", 5)


if __name__ == "__main__":
    case.main()
