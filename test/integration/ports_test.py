"""Public ports, on machines of their own: network namespaces that the tests make."""

import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

import case
import network
from case import Case, application
from farm import wait_until
from network import ADDRESSES, nft

SERVER = pathlib.Path(__file__).resolve().parent.parent / "support" / "tcp_server.py"
LOAD = SERVER.with_name("tcp_load.py")

# Word for word the example of the original.
SEED = (pathlib.Path(__file__).parents[1] / "support/public_ports.yaml").read_text()

FOREIGN = """\
table ip nat {
  chain prerouting {
    type nat hook prerouting priority -100;
    tcp dport 26 dnat to :25
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    oifname "there" masquerade
  }
}
table inet mangle {
  set friends {
    type ipv4_addr
    elements = { 10.0.0.1, 10.0.0.2 }
  }
  chain forward {
    type filter hook forward priority -150;
    ip saddr @friends meta mark set 7
  }
}
"""

# Lets nothing in but what is marked; without the neighbours' questions IPv6 does not even begin.
DROP = """\
table ip filter {
  chain INPUT {
    type filter hook input priority 0; policy drop;
  }
}
table ip6 filter {
  chain INPUT {
    type filter hook input priority 0; policy drop;
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
  }
}
"""


def greeting(address, port, prefix=(), patience=3):
    """The greeting of the server that a port leads to, after a question and its answer; nothing
    where none answers."""
    ask = ("import socket, sys\n"
           f"c = socket.create_connection(({address!r}, {port}), timeout={patience})\n"
           "s = c.makefile('rb'); line = s.readline().decode().strip()\n"
           "c.sendall(b'hello\\n'); answer = s.readline().decode().strip()\n"
           "assert answer == line + ' hello', answer\n"
           "print(line)")
    done = subprocess.run([*prefix, "/usr/bin/python3", "-c", ask], capture_output=True, text=True)
    return done.stdout.strip() or None


def ours():
    """Our tables as they are."""
    return nft("-y", "list", "table", "ip", "autodeployer_table") \
        + nft("-y", "list", "table", "ip6", "autodeployer_table")


class Load:
    """Connections from the other machine to a public port of this one."""

    def __init__(self, machines, port, lasting):
        self.process = subprocess.Popen(
            [*machines.elsewhere, "/usr/bin/python3", LOAD, str(port), str(lasting), *ADDRESSES],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=lambda: [self.lines.put(line.strip()) for line in self.process.stdout],
                         daemon=True).start()

    def wait_for(self, name, deadline=30):
        end = time.monotonic() + deadline
        while self.lines.get(timeout=end - time.monotonic()) != name:
            pass

    def say(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def end(self):
        self.say("end")
        self.process.wait(20)
        self.process.stdin.close()
        last = None
        while last is None or not last.startswith("{"):
            last = self.lines.get(timeout=5)
        self.process.stdout.close()
        return json.loads(last)


@unittest.skipIf(network.missing(), network.missing())
class Ports(Case):
    agents = []

    def setUp(self):
        self.machines = network.TwoMachines()
        self.addCleanup(self.machines.close)
        super().setUp()
        self.config = self.farm.root / "config.yaml"
        self.server = self.farm.root / "lbproxy-server"
        shutil.copy(SERVER, self.server)

    def configure(self, *entries):
        """Entries as (label, matcher, {publicport: portindex})."""
        self.config.write_text(json.dumps({"applications": [
            {"label": label, "matcher": matcher,
             "actionports": [{"portindex": index, "publicport": port} for port, index in ports.items()]}
            for label, matcher, ports in entries]}))

    def start(self, config=None):
        if config is not None:
            self.config.write_text(config)
        self.farm.start_agent("w1", config=self.config)
        self.farm.wait_for_machines(["w1"])

    def lbproxy(self, **changes):
        """The application that the example is about; each build tells its number."""
        return application(**{
            "repository": "lbproxy", "name": "lbproxy", "binary": "lbproxy-server",
            "downloadurl": str(self.server), "args": ["build${BUILDID}", "${PORT1}", "${PORT2}"],
            "instances": 1, "stop": {"signal": "TERM", "timeout": "20s"},
            # Enough to begin to listen, even on a busy machine.
            "rollout": {"parallel": "100%", "min_ready": "1500ms", "deadline": "20s"}, **changes})

    def deploy(self, build, *options, **changes):
        path = self.write(self.lbproxy(**changes), group="testing", namespace="lbproxy")
        return self.new_build(path, build, *options)

    def row(self, port):
        return next(row for row in self.farm.json("ports")["ports"] if row["public_port"] == port)

    def wait_for_row(self, port, condition, what):
        return wait_until(lambda: (row := self.row(port)) and condition(row) and row, what)

    def events_of(self, type):
        lines = self.farm.deploy("--json", "events", "--since", "0", "--no-follow", expect=None)
        return [e for e in map(json.loads, lines.stdout.splitlines()) if e["type"] == type]

    def check_no_failure(self, counts, lasting=20):
        print(f"\n    {counts}", flush=True)
        self.assertEqual(counts["failures"], [])
        self.assertEqual(counts["lasting"], lasting)
        self.assertGreater(counts["short"], 100)


class Seed(Ports):
    def test_the_example_of_the_original_works_from_everywhere(self):
        self.start(SEED)
        self.deploy(7)
        [instance] = self.ready("lbproxy/testing")
        for public, port in zip([80, 443], instance["ports"]):
            for address in ADDRESSES:
                self.assertEqual(greeting(address, public, self.machines.elsewhere), f"build7 {port}")
            for address in [*ADDRESSES, "127.0.0.1", "::1", "127.8.8.8"]:
                self.assertEqual(greeting(address, public), f"build7 {port}", address)
        self.assertEqual(self.row(443), {
            "machine": "w1", "public_port": 443, "label": "lbproxy", "instance": instance["id"],
            "namespace": "lbproxy", "group": "testing", "version": instance["version"],
            "application": "lbproxy", "port": instance["ports"][1],
            "reason": "the only ready instance that matches"})
        self.assertEqual(self.row(22)["instance"], None)
        self.assertEqual(self.row(22)["reason"], "no instance matches")
        self.assertIsNone(greeting(ADDRESSES[0], 22, self.machines.elsewhere, 1))

    def test_the_rules_are_printed_as_they_are_set(self):
        self.start(SEED)
        self.deploy(7)
        [instance] = self.ready("lbproxy/testing")
        printed = subprocess.run(
            [self.farm.binaries / "autodeployer", "--config", self.config, "--root",
             self.farm.root / "w1", "--print-rules"], capture_output=True, text=True, check=True).stdout
        self.assertIn(f"# port 80 (lbproxy) leads to {instance['id']} :{instance['ports'][0]}: the only",
                      printed)
        self.assertIn("# port 22 leads nowhere: no instance matches", printed)
        self.assertEqual(printed[printed.index("table ip autodeployer_table {"):], ours())
        before = ours()
        nft("-f", "-", text=printed)
        self.assertEqual(ours(), before)

    def test_a_port_whose_instance_goes_leads_nowhere_and_the_event_says_so(self):
        self.start(SEED)
        self.deploy(7)
        self.farm.deploy("undeploy", "lbproxy/testing")
        self.assertEqual(self.row(80)["instance"], None)
        self.assertNotIn("elements", ours())
        told = [(e["public_port"], bool(e["to"]), e["reason"]) for e in self.events_of("port.target")
                if e["public_port"] == 80]
        self.assertEqual(told, [(80, False, "no instance matches"),
                                (80, True, "the only ready instance that matches"),
                                (80, False, "the last instance that matched is told to stop")])
        self.assertEqual(self.row(80)["reason"], "no instance matches")


class Switching(Ports):
    def test_200_switches_under_load_lose_no_connection(self):
        for name, port in ("build1", "5001"), ("build2", "5002"):
            self.farm.spawn(name, ["/usr/bin/python3", SERVER, name, port])
            wait_until(lambda: "listens" in self.farm.log(name), f"{name} listens")
        switcher = self.farm.binaries / "port_switcher"
        subprocess.run([switcher, "80", "5001", "5002", "1", "0"], check=True)
        load = Load(self.machines, 80, 20)
        load.wait_for("build1")
        subprocess.run([switcher, "80", "5002", "5001", "200", "25"], check=True)
        counts = load.end()
        self.check_no_failure(counts)
        self.assertGreater(min(counts["greeted"].values()), 50)
        self.assertEqual(len(counts["greeted"]), 2)

    def roll_under_load(self, build, disturb):
        load = Load(self.machines, 80, 20)
        load.wait_for(f"build{build - 1}")
        self.deploy(build, "--no-wait")
        disturb()
        load.wait_for(f"build{build}")
        # The old ones may only go when their last connection has.
        time.sleep(0.5)
        load.say("close")
        self.wait_until_done("lbproxy/testing")
        counts = load.end()
        self.check_no_failure(counts)
        self.assertEqual({row["build"] for row in self.farm.instances("lbproxy/testing")}, {build})
        self.assertEqual([row["restarts"] for row in self.ready("lbproxy/testing")], [0])

    def kill_agent_when(self, state):
        if state != "ordered":
            wait_until(lambda: any(row["build"] == self.build and row["state"] == state
                                   for row in self.farm.instances("lbproxy/testing")),
                       f"an instance is {state}")
        self.farm.end("w1", signal.SIGKILL)
        self.assertIn("elements", ours())
        self.farm.start_agent("w1", config=self.config)

    def test_new_builds_under_load_lose_no_connection_though_the_agent_is_killed(self):
        self.start(SEED)
        self.deploy(1)
        for self.build, state in enumerate(["ordered", "running", "ready"], 2):
            with self.subTest(f"killed when an instance is {state}"):
                self.roll_under_load(self.build, lambda: self.kill_agent_when(state))

    def test_the_server_hears_of_a_ready_instance_when_the_port_leads_to_it(self):
        self.start(SEED)
        for build in range(1, 5):
            self.deploy(build)
            self.assertEqual(greeting(ADDRESSES[0], 80, self.machines.elsewhere).split()[0], f"build{build}")


class Filter(Ports):
    def test_behind_a_filter_that_lets_only_the_mark_in_the_public_port_works_and_no_other(self):
        self.start(SEED)
        self.deploy(7)
        [instance] = self.ready("lbproxy/testing")
        own = instance["ports"][0]
        self.assertEqual(greeting(ADDRESSES[0], own, self.machines.elsewhere), f"build7 {own}")
        nft("-f", "-", text=DROP)
        nft("add", "rule", "ip", "filter", "INPUT", "meta", "mark", "412", "accept")
        nft("add", "rule", "ip6", "filter", "INPUT", "meta", "mark", "412", "accept")
        for address in ADDRESSES:
            self.assertEqual(greeting(address, 80, self.machines.elsewhere), f"build7 {own}")
            self.assertEqual(greeting(address, 80), f"build7 {own}")
            self.assertIsNone(greeting(address, own, self.machines.elsewhere, 1))
            self.assertIsNone(greeting(address, own, patience=1))
        # A connection that carries much, both ways.
        much = ("import socket, sys, threading\n"
                f"c = socket.create_connection(({ADDRESSES[0]!r}, 80), timeout=10)\n"
                "s = c.makefile('rb'); s.readline()\n"
                "def talk():\n  for n in range(20000): c.sendall(b'x' * 200 + b'\\n')\n"
                "threading.Thread(target=talk).start()\n"
                "print(sum(len(s.readline()) for n in range(20000)))")
        got = subprocess.run([*self.machines.elsewhere, "/usr/bin/python3", "-c", much],
                             capture_output=True, text=True, timeout=60)
        self.assertEqual(got.stdout.strip(), str(20000 * len(f"build7 {own} {'x' * 200}\n")), got.stderr)
        nft("flush", "chain", "ip", "filter", "INPUT")
        self.assertIsNone(greeting(ADDRESSES[0], 80, self.machines.elsewhere, 1))

    def test_rules_of_others_stay_byte_for_byte_and_ours_come_back_when_they_are_flushed(self):
        nft("-f", "-", text=FOREIGN)
        before = nft("-a", "list", "ruleset")
        self.start(SEED)
        self.deploy(7)
        self.deploy(8)
        self.assertEqual(nft("-a", "list", "table", "ip", "nat")
                         + nft("-a", "list", "table", "inet", "mangle"), before)
        rules = ours()
        nft("flush", "ruleset")
        self.assertIsNone(greeting(ADDRESSES[0], 80, self.machines.elsewhere, 1))
        wait_until(lambda: "autodeployer_table" in nft("list", "tables"), "our rules are back", 16)
        self.assertEqual(ours(), rules)
        self.assertEqual(greeting(ADDRESSES[0], 80, self.machines.elsewhere).split()[0], "build8")
        self.assertIn("put rules back", self.farm.log("w1"))
        nft("flush", "ruleset")
        nft("-f", "-", text=FOREIGN)
        before = nft("list", "ruleset")
        wait_until(lambda: "autodeployer_table" in nft("list", "tables"), "our rules are back", 16)
        self.farm.deploy("undeploy", "lbproxy/testing")
        self.farm.end("w1")
        nft("delete", "table", "ip", "autodeployer_table")
        nft("delete", "table", "ip6", "autodeployer_table")
        self.assertEqual(nft("list", "ruleset"), before)

    def test_rules_outlive_the_agents_end_and_are_not_made_anew(self):
        self.start(SEED)
        self.deploy(7)
        rules = nft("-a", "list", "ruleset")
        for sig in signal.SIGTERM, signal.SIGKILL:
            self.farm.end("w1", sig)
            self.assertEqual(nft("-a", "list", "ruleset"), rules)
            self.assertEqual(greeting(ADDRESSES[0], 80, self.machines.elsewhere).split()[0], "build7")
            self.start()
            self.assertEqual(nft("-a", "list", "ruleset"), rules)

    def test_without_the_right_to_it_all_else_works_and_one_sentence_says_so(self):
        self.config.write_text(SEED)
        self.farm.spawn("w1", ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin",
                               self.farm.binaries / "autodeployer", "--keys", self.farm.machine_key("w1"),
                               "--server", self.farm.server_url, "--name", "w1",
                               "--root", self.farm.root / "w1", "--config", self.config])
        self.farm.wait_for_machines(["w1"])
        self.deploy(7)
        self.assertEqual(len(self.ready("lbproxy/testing")), 1)
        [problem] = self.farm.json("ports")["problems"]
        self.assertEqual(problem["machine"], "w1")
        self.assertIn("Operation not permitted", problem["reason"])
        self.assertIn("CAP_NET_ADMIN", problem["reason"])
        self.assertEqual(self.row(80)["instance"], None)
        self.assertEqual(self.farm.log("w1").count("Operation not permitted"), 1)
        self.assertEqual(len(self.events_of("port.problem")), 1)


class Configuration(Ports):
    def refused(self, text):
        self.config.write_text(text)
        done = subprocess.run([self.farm.binaries / "autodeployer", "--config", self.config, "--print-rules"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        return done.stderr

    def entry(self, index, port, label="a"):
        return f"- label: {label}\n  matcher: {{binary: x}}\n  actionports: [{{portindex: {index}, publicport: {port}}}]\n"

    def test_ports_that_are_none_are_refused_with_their_line(self):
        for port in "0", "65536", "-1":
            self.assertIn(f"config.yaml:4:44: `publicport` is `{port}`; expected a whole number from 1 to 65535",
                          self.refused("applications:\n" + self.entry(1, port)))
        for index in "0", "-1", "101":
            self.assertIn(f"config.yaml:4:29: `portindex` is `{index}`; expected a whole number from 1 to 100",
                          self.refused("applications:\n" + self.entry(index, 80)))

    def test_two_entries_that_claim_the_same_public_port_are_refused_both_by_name(self):
        said = self.refused("applications:\n" + self.entry(1, 80, "front") + self.entry(2, 80, "back"))
        self.assertIn("config.yaml:7:44: the entry `back` claims the public port 80, which the entry `front` "
                      "claims in line 4; expected each public port once", said)

    def test_what_matches_nothing_leads_nowhere_and_what_matches_ten_to_the_newest(self):
        self.configure(("ten", {"namespace": "lbproxy"}, {80: 1, 443: 3}),
                       ("none", {"namespace": "lbproxy", "binary": "other"}, {81: 1}))
        self.start()
        self.deploy(1, instances=10)
        newest = max(self.ready("lbproxy/testing"), key=lambda row: row["ready_at"])
        self.assertEqual(self.row(80)["instance"], newest["id"])
        self.assertEqual(self.row(80)["reason"], "the newest of 10 ready instances that match")
        self.assertEqual(greeting(ADDRESSES[0], 80, self.machines.elsewhere),
                         f"build1 {newest['ports'][0]}")
        self.assertEqual(self.row(443)["instance"], None)
        self.assertEqual(self.row(443)["reason"],
                         f"portindex is 3, but {newest['id']}, the newest ready instance that matches, has 2 ports")
        self.assertEqual(self.row(81)["reason"], "no instance matches")
        os.kill(newest["pid"], signal.SIGKILL)
        row = self.wait_for_row(80, lambda r: r["instance"] not in (None, newest["id"]),
                                "the port leads to another")
        self.assertTrue(greeting(ADDRESSES[0], 80, self.machines.elsewhere).endswith(f" {row['port']}"))

    def test_a_changed_file_counts_and_a_broken_one_keeps_the_rules_and_says_so(self):
        self.start(SEED)
        self.deploy(7)
        rules = ours()
        self.config.write_text(SEED.replace("publicport: 443", "publicport: 80"))
        problem = wait_until(lambda: self.farm.json("ports")["problems"], "the problem is known")
        self.assertIn("config.yaml:12:17: the entry `lbproxy` claims the public port 80, which the entry "
                      "`lbproxy` claims in line 9", problem[0]["reason"])
        self.assertIn("keeps its rules", self.farm.log("w1"))
        self.deploy(8)
        self.assertEqual(self.row(443)["instance"], self.ready("lbproxy/testing")[0]["id"])
        self.config.write_text(SEED.replace("publicport: 443", "publicport: 444"))
        wait_until(lambda: not self.farm.json("ports")["problems"], "the problem is over")
        self.assertEqual(greeting(ADDRESSES[0], 444, self.machines.elsewhere).split()[0], "build8")
        self.assertIsNone(greeting(ADDRESSES[0], 443, self.machines.elsewhere, 1))
        self.assertNotEqual(ours(), rules)
        told = [event["reason"] for event in self.events_of("port.problem")]
        self.assertEqual(len(told), 2)
        self.assertEqual(told[1], "")
        self.config.unlink()
        wait_until(lambda: self.farm.json("ports")["problems"], "that the file is gone is known")
        self.assertEqual(greeting(ADDRESSES[0], 444, self.machines.elsewhere).split()[0], "build8")


if __name__ == "__main__":
    case.main()
