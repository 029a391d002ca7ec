"""Two real servers on one database: one leads, the other stands by and takes over."""

import argparse
import itertools
import json
import signal
import statistics
import sys
import threading
import time

import msgpack
import zmq

import case
import mariadb
from farm import Farm, free_port, wait_until

# Longer than a lease lasts, and than a client waits for a server that is silent.
STOPPED = 10
# A lease lasts 4 s, and who stands by asks every second.
LONGEST = 5


class Servers:
    """A farm whose orders go to any of two servers."""

    def __init__(self, farm):
        self.farm = farm
        self.ports = [[free_port() for _ in range(3)] for _ in range(2)]
        self.urls = [f"tcp://127.0.0.1:{ports[0]}" for ports in self.ports]
        farm.server_url = ",".join(self.urls)

    def start(self, n, *more):
        name = self.name(n)
        begun = len(self.farm.log(name))
        process = self.farm.spawn(name, [
            self.farm.binaries / "deployminator", "--keys", self.farm.keys or "none",
            "--store", *self.farm.store, *more,
            *[word for flag, port in zip(["--listen", "--publish", "--collect"], self.ports[n])
              for word in (flag, f"tcp://127.0.0.1:{port}")]])
        wait_until(lambda: any(said in self.farm.log(name)[begun:]
                               for said in ("deployminator serves", "deployminator stands by"))
                   or process.poll() is not None, "the server leads or stands by")
        assert process.poll() is None, self.farm.log(name)
        return process

    @staticmethod
    def name(n):
        return f"server{n}"

    def process(self, n):
        return self.farm.processes[self.name(n)]

    def epochs(self, n):
        """Those that the server led in, as its log has them."""
        return [int(line.rsplit("epoch=", 1)[1].split()[0])
                for line in self.farm.log(self.name(n)).splitlines() if "deployminator serves" in line]


class Prober:
    """Asks one server over and over, and notes what it claims: (asked, answered, epoch)."""

    def __init__(self, farm, url):
        self.claims = []
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(farm, url), daemon=True)
        self.thread.start()

    def run(self, farm, url):
        context = zmq.Context()
        try:
            while not self.ends.is_set():
                dealer = context.socket(zmq.DEALER)
                dealer.linger = 0
                farm.encrypt(dealer).connect(url)
                self.ask(dealer)
                dealer.close()
        finally:
            context.destroy(0)

    def ask(self, dealer):
        """Until the server says nothing for a second, or does not lead."""
        welcomed = False
        for number in itertools.count(1):
            asked = time.monotonic()
            type_, body = ("query", {"subject": "status"}) if welcomed else ("hello", {"role": "client"})
            dealer.send(msgpack.packb({"magic": "deployminator", "version": 1, "type": type_,
                                       "id": number, "epoch": 0, "body": body}))
            answer = None
            while answer is None:
                if self.ends.is_set() or not dealer.poll(1000):
                    return
                answer = msgpack.unpackb(dealer.recv())
                if answer["id"] != number:
                    answer = None
            if answer["type"] == "table" and not answer["body"]["troubles"]:
                self.claims.append((asked, time.monotonic(), answer["epoch"]))
            if answer["type"] not in ("welcome", "table"):
                time.sleep(0.05)
                return
            welcomed = True
            time.sleep(0.02)

    def end(self):
        self.ends.set()
        self.thread.join(5)

    def answered_after(self, moment):
        return next((answered for asked, answered, _ in list(self.claims) if asked >= moment), None)


def two_at_a_time(claims):
    """Claims to lead made to who asked when a server of a higher epoch had answered already."""
    out = []
    highest = 0
    answers = sorted(claims, key=lambda each: each[1])
    waiting = iter(answers)
    known = next(waiting, None)
    for asked, answered, epoch in sorted(claims):
        while known and known[1] < asked:
            highest = max(highest, known[2])
            known = next(waiting, None)
        if epoch < highest:
            out.append((asked, answered, epoch, highest))
    return out


class Orders:
    """Builds that are ordered one after the other, for as long as the servers are in trouble."""

    def __init__(self, farm, path, group):
        self.farm, self.path, self.group = farm, path, group
        self.acknowledged = {}
        self.last = 0
        self.times = []
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ends.is_set():
            self.last += 1
            done = self.farm.deploy("--json", "new-build", self.path, "--build", self.last, "--no-wait",
                                    expect=None)
            if done.returncode == 0:
                self.acknowledged[self.last] = json.loads(done.stdout)["versions"][0]["version"]
                self.times.append(time.monotonic())

    def end(self):
        self.ends.set()
        self.thread.join(60)


class StandbyTest(case.Case):
    agents = []

    def setUp(self):
        self.farm = Farm(case.OPTIONS.bin)
        self.addCleanup(self.finish)
        self.servers = Servers(self.farm)

    def start_both(self):
        """The first leads."""
        for n in (0, 1):
            self.servers.start(n)
        self.farm.start_agent("w1")
        self.farm.wait_for_machines(["w1"])

    def states(self):
        return {row["listen"]: row["state"] for row in self.farm.json("servers")}

    def test_a_second_server_on_the_store_waits_and_everybody_finds_the_first(self):
        self.start_both()
        self.assertIn("deployminator stands by", self.farm.log("server1"))
        self.assertIn(self.servers.urls[0], self.farm.log("server1"))
        self.assertEqual(self.states(), {self.servers.urls[0]: "reigning", self.servers.urls[1]: "standby"})
        self.new_build(self.write(), 1)
        both = self.farm.server_url
        self.farm.server_url = ",".join(reversed(self.servers.urls))
        self.assertEqual(len(self.ready()), 2)
        self.farm.server_url = self.servers.urls[1]
        done = self.farm.deploy("status", expect=3)
        self.assertIn("stands by", done.stderr)
        self.assertIn(self.servers.urls[0], done.stderr)
        self.farm.server_url = both
        time.sleep(LONGEST)
        self.assertEqual(self.servers.epochs(1), [])
        self.assertEqual(len(self.servers.epochs(0)), 1)

    def test_a_server_that_ends_hands_the_lead_over_at_once(self):
        self.start_both()
        self.new_build(self.write(), 1)
        before = self.pids()
        begun = time.monotonic()
        self.assertEqual(self.farm.end("server0"), 0)
        wait_until(lambda: self.servers.epochs(1), "the other server leads", 3)
        self.assertLess(time.monotonic() - begun, 3)
        self.new_build(self.write(), 2)
        self.assertFalse({each[0] for each in self.pids()} & {each[0] for each in before})
        self.assertEqual(self.states()[self.servers.urls[1]], "reigning")
        wait_until(lambda: self.states()[self.servers.urls[0]] == "unreachable", "the first is missed")
        self.servers.start(0)
        wait_until(lambda: self.states()[self.servers.urls[0]] == "standby", "the first stands by")

    def test_a_server_that_is_killed_is_followed_when_its_lease_is_over(self):
        self.start_both()
        self.new_build(self.write(), 1)
        before = self.pids()
        begun = time.monotonic()
        self.farm.end("server0", signal.SIGKILL)
        wait_until(lambda: self.servers.epochs(1), "the other server leads", LONGEST + 2)
        self.assertGreater(time.monotonic() - begun, 1)
        wait_until(lambda: self.farm.deploy("status", expect=None).returncode == 0, "the farm is seen")
        wait_until(lambda: self.pids() == before, "the instances are as they were")

    def test_a_server_that_is_killed_and_started_again_need_not_wait_for_its_own_lease(self):
        self.start_both()
        self.farm.end("server0", signal.SIGKILL)
        begun = time.monotonic()
        self.servers.start(0)
        self.assertLess(time.monotonic() - begun, 2)
        self.assertEqual(len(self.servers.epochs(0)), 2)

    def test_a_server_that_was_stopped_ends_when_it_goes_on_and_another_one_leads(self):
        self.start_both()
        process = self.servers.process(0)
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: self.servers.epochs(1), "the other server leads", LONGEST + 2)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(process.wait(5), 1)
        self.assertIn("another server has taken over", self.farm.log("server0"))
        self.servers.start(0)
        self.assertEqual(self.states(), {self.servers.urls[0]: "standby", self.servers.urls[1]: "reigning"})


class TortureTest(case.Case):
    agents = []
    rounds = 3

    def setUp(self):
        self.farm = Farm(case.OPTIONS.bin)
        self.addCleanup(self.finish)
        self.database = mariadb.MariaDB()
        self.addCleanup(self.database.close)
        self.farm.store = [self.database.url, "--store-password-file", self.database.password_file,
                           "--keep-versions", "100000"]
        self.servers = Servers(self.farm)

    def test_the_leading_server_is_killed_or_stopped_under_a_stream_of_orders(self):
        """No acknowledged order is lost or doubled, and one server leads at a time."""
        for n in (0, 1):
            self.servers.start(n)
        self.farm.start_agent("w1")
        self.farm.wait_for_machines(["w1"])
        probers = [Prober(self.farm, url) for url in self.servers.urls]
        streams = []
        for name in ("a", "b"):
            path = self.farm.root / f"{name}.yaml"
            path.write_text(json.dumps({"namespace": "shop", "groups": [{
                "groupid": name, "applications": [case.application(instances=1, rollout={"min_ready": "0s"})]}]}))
            streams.append(Orders(self.farm, path, name))
        waits, orders = [], []
        for n in range(self.rounds):
            wait_until(lambda: all(stream.times for stream in streams), "orders are acknowledged", 30)
            self.one_round(n, probers, streams, waits, orders)
        for each in streams + probers:
            each.end()
        self.check(probers, streams)
        for what, times in (("until the other answers", waits), ("until an order is acknowledged", orders)):
            print(f"{what}: p50 {statistics.median(times):.1f} s, worst {max(times):.1f} s, "
                  f"{len(times)} times", file=sys.stderr)
        print(f"{sum(len(each.acknowledged) for each in streams)} orders acknowledged of "
              f"{sum(each.last for each in streams)}, {sum(len(each.claims) for each in probers)} answers "
              "looked at", file=sys.stderr)
        self.assertLess(max(waits), LONGEST + 3)

    def one_round(self, n, probers, streams, waits, orders):
        leader = max((0, 1), key=lambda each: max(self.servers.epochs(each), default=0))
        other = 1 - leader
        process = self.servers.process(leader)
        begun = time.monotonic()
        process.send_signal(signal.SIGSTOP if n % 2 else signal.SIGKILL)
        answered = wait_until(lambda: probers[other].answered_after(begun), "the other answers", 30)
        waits.append(answered - begun)
        first = wait_until(lambda: min((t for each in streams for t in each.times[-5:] if t > answered),
                                       default=None), "an order is acknowledged", 60)
        orders.append(first - begun)
        if n % 2:
            time.sleep(max(0, begun + STOPPED - time.monotonic()))
            process.send_signal(signal.SIGCONT)
            self.assertEqual(process.wait(10), 1)
        process.wait(10)
        self.servers.start(leader)

    def check(self, probers, streams):
        self.assertEqual(two_at_a_time([claim for each in probers for claim in each.claims]), [])
        epochs = self.servers.epochs(0) + self.servers.epochs(1)
        self.assertEqual(sorted(epochs), list(range(1, self.rounds + 2)))
        stored = {}
        for line in self.database.run(
                "SELECT g.groupname, v.build, v.id FROM farm.group_version v "
                "JOIN farm.appgroup g ON g.id = v.group_id").splitlines():
            group, build, version = line.split("\t")
            stored.setdefault((group, int(build)), []).append(int(version))
        for stream in streams:
            self.assertGreater(len(stream.acknowledged), self.rounds)
            for build, version in stream.acknowledged.items():
                self.assertEqual(stored.get((stream.group, build)), [version])
        self.assertFalse({each: ids for each, ids in stored.items() if len(ids) != 1})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--rounds", type=int, default=TortureTest.rounds)
    found, rest = parser.parse_known_args()
    TortureTest.rounds = found.rounds
    sys.argv = [sys.argv[0], *rest]
    if not mariadb.PROGRAM:
        del TortureTest
    case.main()
