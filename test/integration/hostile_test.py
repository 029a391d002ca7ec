"""Programs that are up to everything against their agent, machine and neighbours, side by side on one farm: the agents
live on, the neighbours do not notice, what is shown is true, and nothing is left."""

import os
import pathlib
import socket
import time
import unittest

import case
from case import Case, answers, application
from disk import mount_small_disk
from farm import start_time, wait_until

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "support" / "hostile_program.py"

# What stays as it is, whatever it does to others; and how the rest ends, again and again.
STAYING = ["leaves_daemon", "ignores_signals", "stops_itself", "floods", "prints_endless_line", "closes_output",
           "forks", "leaves_files", "hides", "attacks", "holds_memory_and_descriptors"]
ENDING = {"leaves_daemon_and_ends": 3, "eats_memory": 1}
REFUSED = {
    "Operation not permitted": ["kill-neighbour", "trace-neighbour", "kill-starter", "queue-to-starter", "owner"],
    # It does not even see who it is.
    "No such file or directory": ["memory-of-neighbour", "directory-of-neighbour"],
    "Permission denied": ["state", "lock", "remove-lock", "rename", "rename-all", "list-instances", "log", "journal",
                          "oom"],
    # So says the kernel where it was allowed to reach nobody.
    "done": ["kill-all"]}


@unittest.skipUnless(os.getuid() == 0, "only where the agent is root has each instance a user of its own")
class Hostile(Case):
    agents = []
    maxDiff = None

    def setUp(self):
        super().setUp()
        config = self.farm.root / "agent.yaml"
        config.write_text("log-size: 2\n")
        # What fills its disk has a machine of its own.
        mount_small_disk(self, self.farm.root / "w2", "40m")
        self.farm.start_agent("w1", config=config)
        self.farm.start_agent("w2", config=config, groups="small")
        self.farm.wait_for_machines(["w1", "w2"])
        self.new_build(self.write(
            application(instances=2, name="big"), application(instances=1, name="small", machines="small")), 1)
        self.neighbours = self.pids()

    def hostile(self, kind, *arguments, **changes):
        return application(**{
            "name": kind.replace("_", "-"), "downloadurl": str(PROGRAM), "binary": None,
            "interpreter": ["/usr/bin/python3"], "args": [kind, *arguments], "instances": 1,
            "restart": {"backoff": "300ms..300ms"}, "limits": {"priority": 10, "maxmemory": 300},
            "machines": "worker", **changes})

    def begin(self):
        victim = next(row["pid"] for row in self.ready() if row["machine"] == "w1")
        arguments = {"leaves_daemon": ["${PORT1}"], "leaves_daemon_and_ends": ["${PORT1}"], "attacks": [str(victim)]}
        self.new_build(self.write(
            *[self.hostile(kind, *arguments.get(kind, [])) for kind in [*STAYING, *ENDING]],
            self.hostile("fills_disk", machines="small"), group="hostile", name="hostile.yaml"), 1, timeout=60)
        self.first = {row["application"].replace("-", "_"): row for row in self.farm.instances("shop/hostile")}
        self.assertEqual(len(self.first), len(STAYING) + len(ENDING) + 1)

    def rows(self):
        return {row["application"].replace("-", "_"): row for row in self.farm.instances("shop/hostile")}

    def log_of(self, kind, *arguments):
        return self.farm.deploy("logs", self.first[kind]["id"], *arguments).stdout.splitlines()

    def all_is_well_beside_them(self):
        for name in "w1", "w2", "deployminator":
            self.assertIsNone(self.farm.processes[name].poll(), f"{name} has ended")
        self.assertEqual(self.pids(), self.neighbours)
        for row in self.ready():
            self.assertEqual(row["restarts"], 0)
            self.assertTrue(answers(row["ports"][0]))
        self.assertEqual({each["state"] for each in self.farm.json("machines")}, {"ready"})

    def processes_of(self, uids):
        out = []
        for each in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if each.stat().st_uid in uids and " Z " not in (each / "stat").read_text():
                    out.append(each.name)
            except (FileNotFoundError, ProcessLookupError):
                pass
        return out

    def what_is_shown_is_true(self):
        rows = self.rows()
        for kind in [*STAYING, "fills_disk"]:
            row = rows[kind]
            self.assertEqual((kind, row["state"], row["restarts"], row["pid"]),
                             (kind, "ready", 0, self.first[kind]["pid"]))
            self.assertIn(kind.encode(), pathlib.Path(f"/proc/{row['pid']}/cmdline").read_bytes())
            self.assertEqual(os.stat(f"/proc/{row['pid']}").st_uid, row["uid"])
        for kind, code in ENDING.items():
            self.assertEqual((kind, rows[kind]["exit"]), (kind, code))
            self.assertGreater(rows[kind]["restarts"], 0, kind)
        status = self.farm.json("status", "shop/hostile")["groups"][0]
        self.assertEqual(status["wanted"], len(rows))
        self.assertGreaterEqual(status["ready"], len(STAYING) + 1)

    def nothing_got_through(self):
        said = dict(line.split(" ", 1) for line in self.log_of("attacks") if " " in line)
        wanted = {what: words for words, all_of_it in REFUSED.items() for what in all_of_it}
        wanted["priority"] = said.get("priority")
        self.assertEqual(said, wanted)
        self.assertEqual(os.getpriority(os.PRIO_PROCESS, self.first["attacks"]["pid"]), 10)

    def what_was_printed_is_bounded_and_whole(self):
        for row in self.first.values():
            files = (self.farm.root / row["machine"] / "log" / f"{row['id']}.log").glob("*")
            self.assertLessEqual(sum(each.stat().st_size for each in files), 2 << 20)
        self.assertEqual(set(self.log_of("floods", "-n", 50)[1:-1]), {"the same line again and again, as fast as it goes"})
        self.assertEqual(set("".join(self.log_of("prints_endless_line"))), {"x"})

    def test_agents_and_neighbours_live_on_and_nothing_is_left(self):
        self.begin()
        full = f"the disk of {self.farm.root}/w2/lib is full"
        wait_until(lambda: full in str(self.farm.json("machines")), "the machine says that its disk is full", 60)
        wait_until(lambda: "attacked" in self.log_of("attacks"), "it has tried all", 60)
        wait_until(lambda: "left" in self.log_of("leaves_files"), "it has left all", 60)
        wait_until(lambda: all(self.rows()[kind]["restarts"] > 1 for kind in ENDING), "they ended", 60)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            self.all_is_well_beside_them()
            self.what_is_shown_is_true()
        self.nothing_got_through()
        self.what_was_printed_is_bounded_and_whole()
        self.go()
        wait_until(lambda: not any(each["troubles"] for each in self.farm.json("machines")), "the disk is free again")
        self.all_is_well_beside_them()
        self.undeploy_and_check()

    def go(self):
        uids = {row["uid"] for row in self.first.values()}
        self.assertEqual(len(uids), len(self.first))
        self.assertGreater(len(self.processes_of(uids)), 200)
        self.farm.deploy("undeploy", "shop/hostile", timeout=60)
        wait_until(lambda: not self.rows(), "the instances are gone", 60)
        # What the server calls gone runs no more; its files go meanwhile.
        self.assertEqual(self.processes_of(uids), [])
        mine = {row["id"] for row in self.ready()}
        wait_until(lambda: {path.name for path in self.farm.root.glob("w?/lib/instances/*")} == mine,
                   "their directories are gone", 60)
        owned = [path for path in self.farm.root.rglob("*") if path.lstat().st_uid in uids]
        self.assertEqual(owned, [])
        for row in self.first.values():
            for port in row["ports"]:
                with socket.socket() as server:
                    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    server.bind(("", port))
        held = self.farm.reservations()
        self.assertFalse({f"/run/autodeployer-users/{uid}" for uid in uids} & held)


if __name__ == "__main__":
    case.main()
