"""What `limits` says is kept, by the kernel; and who hits a limit is told which."""

import os
import pathlib
import resource
import shutil
import signal
import time
import unittest

import case
from case import Case, application
from farm import start_time, wait_until

IDLE = "exec busybox sleep 1000"
# Keeps so many megabytes, page by page.
EATER = """
import sys, time
eaten = []
for _ in range(int(sys.argv[1])):
    eaten.append(bytearray(b"x" * (1 << 20)))
print("ate it all", flush=True)
time.sleep(1000)
"""
# Never more than so many at once, wherever no limit is kept.
FORKS = """
import os, time
children = refused = 0
for _ in range(60):
    try:
        if os.fork() == 0:
            time.sleep(1000)
    except BlockingIOError:
        refused += 1
    else:
        children += 1
print(f"children {children} refused {refused}", flush=True)
time.sleep(1000)
"""


def hierarchies():
    """Where the kernel's controllers are: name to mount point, and whether that is version 2."""
    v1, v2 = {}, None
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup":
            v1.update({name: pathlib.Path(before.split()[4]) for name in options.split(",")})
        elif kind == "cgroup2":
            v2 = pathlib.Path(before.split()[4])
    offered = (v2 / "cgroup.controllers").read_text().split() if v2 else []
    if "memory" in offered:
        return {name: v2 for name in offered}, True
    return v1, False


WHERE, UNIFIED = hierarchies()


def groups(id_=None):
    """The control groups of agents, or of one instance."""
    roots = {WHERE[name] for name in ("memory", "pids", "cpu") if name in WHERE}
    return [path for root in roots for path in root.glob("autodeployer-*/*")
            if path.is_dir() and (id_ is None or path.name == id_)]


def needs(controller):
    reason = ("control groups take root" if os.geteuid() != 0
              else f"this kernel offers no {controller} controller")
    return unittest.skipUnless(os.geteuid() == 0 and controller in WHERE, reason)


def script(text, *args, **changes):
    """A Python program."""
    return application(instances=1, **changes,
                       args=["sh", "-c", f"exec /usr/bin/python3 -c '{text}' {' '.join(map(str, args))}"])


class Limits(Case):
    agents = ["w1"]

    def run_one(self, app, expect=0):
        self.new_build(self.write(app), 1, expect=expect)
        rows = self.farm.instances("shop/web")
        return rows[0] if rows else None

    def failing(self, app):
        """The instance of a program that does not stay, and is left for looking at."""
        app["rollout"] = {"min_ready": "20s", "deadline": "40s", "auto_revert": False}
        app["restart"] = {"policy": "never"}
        return self.run_one(app, expect=1)

    def output(self, row, word):
        wait_until(lambda: word in self.farm.deploy("logs", row["id"]).stdout, f"it prints {word!r}")
        return self.farm.deploy("logs", row["id"]).stdout

    def tearDown(self):
        self.farm.deploy("undeploy", "shop/web", expect=None)

    @needs("memory")
    def test_who_takes_more_real_memory_than_the_limit_is_killed_and_told_so(self):
        row = self.failing(script(EATER, 300, limits={"maxkillmemory": 64}))
        self.assertEqual(row["state"], "failed")
        self.assertIn("killed: it used more than limits.maxkillmemory (64 MB) of memory", row["reason"])
        self.assertEqual(row["exit"], 137)

    @needs("memory")
    def test_a_child_that_is_killed_for_its_memory_is_told_of_while_the_program_goes_on(self):
        row = self.run_one(script(
            "import os, time\n"
            "if os.fork() == 0:\n"
            "    x = [bytearray(b\"x\" * (1 << 20)) for _ in range(300)]\n"
            "os.wait()\nprint(\"it is gone\", flush=True)\ntime.sleep(1000)", limits={"maxkillmemory": 64}))
        self.output(row, "it is gone")
        reason = wait_until(lambda: self.farm.instances("shop/web")[0]["reason"], "the reason is told")
        self.assertIn("the kernel killed a process of it: it used more than limits.maxkillmemory (64 MB)", reason)
        self.assertEqual(self.pids(), {(row["id"], row["pid"], start_time(row["pid"]))})
        self.assertIn("limits.maxkillmemory (64 MB)", self.farm.deploy("instances").stdout)

    @needs("memory")
    def test_where_a_file_says_nothing_real_memory_is_bounded_and_address_space_is_not(self):
        row = self.run_one(application(args=["sh", "-c", f"echo space $(ulimit -v) core $(ulimit -c); {IDLE}"],
                                       instances=1))
        self.assertIn("space unlimited core 0", self.output(row, "space"))
        name = "memory.max" if UNIFIED else "memory.limit_in_bytes"
        group, = [path for path in groups(row["id"]) if (path / name).exists()]
        self.assertEqual((group / name).read_text(), f"{3000 << 20}\n")
        self.assertIn(str(row["pid"]), (group / "cgroup.procs").read_text().split())

    def test_the_address_space_that_is_given_bounds_and_the_reason_says_so(self):
        row = self.failing(script(EATER, 300, limits={"maxmemory": 100}))
        self.assertIn("its output speaks of memory: limits.maxmemory gives it 100 MB of address space", row["reason"])

    @needs("pids")
    def test_a_fork_bomb_gets_no_more_processes_than_the_limit_and_is_told_of(self):
        row = self.run_one(script(FORKS, limits={"processes": 20}))
        children = int(self.output(row, "children").split("children ")[1].split()[0])
        self.assertEqual(children, 19)
        wait_until(lambda: "it wanted more than limits.processes (20)" in self.farm.instances("shop/web")[0]["reason"],
                   "the reason is told")

    @unittest.skipIf(os.geteuid() != 0, "without root an instance has no user of its own to be counted")
    def test_files_cores_and_unlimited_reach_the_program(self):
        look = "echo $(ulimit -Sn) $(ulimit -Hn) $(ulimit -c) $(ulimit -v) $(ulimit -u);" + IDLE
        given = [application(name="given", args=["sh", "-c", look], instances=1,
                             limits={"openfiles": 99, "coresize": 4, "maxmemory": 500}),
                 application(name="all", args=["sh", "-c", look], instances=1, limits=dict.fromkeys(
                     ["openfiles", "coresize", "maxmemory", "processes", "cpu", "maxkillmemory", "maxswapmemory"],
                     "unlimited"))]
        self.new_build(self.write(*given), 1)
        rows = {row["application"]: row for row in self.farm.instances("shop/web")}
        told = self.output(rows["given"], " ").split()
        # busybox counts core dumps in blocks of 512 bytes.
        self.assertEqual(told[:4], ["99", "99", str(4 * 2048), str(500 * 1024)])
        files, processes = pathlib.Path("/proc/sys/fs/nr_open").read_text().strip(), "unlimited"
        if not may_raise_limits():
            files = str(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
            processes = str(resource.getrlimit(resource.RLIMIT_NPROC)[1]).replace("-1", "unlimited")
        self.assertEqual(self.output(rows["all"], " ").split(), [files, files, "unlimited", "unlimited", processes])
        self.assertEqual(groups(rows["all"]["id"]), [])

    @needs("cpu")
    def test_a_busy_program_gets_its_share_of_a_processor_and_top_shows_it(self):
        app = application(args=["sh", "-c", "while :; do :; done"], instances=1, limits={"cpu": "30%"})
        row = self.run_one(app)
        self.farm.json("top", "shop/web")
        used, passed = ticks(row["pid"]), time.monotonic()
        wait_until(lambda: time.monotonic() - passed > 2, "two seconds pass")
        share = (ticks(row["pid"]) - used) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - passed) * 100
        self.assertLess(share, 40)
        # Where others use all processors it gets less.
        shown, = self.farm.json("top", "shop/web")["instances"]
        self.assertEqual(shown["id"], row["id"])
        self.assertLess(shown["cpu_percent"], 60)
        self.assertGreater(shown["cpu_percent"], 0)
        self.assertEqual(shown["threads"], 1)
        self.assertGreater(shown["memory_bytes"], 0)
        self.assertGreaterEqual(shown["open_files"], 3)
        table = self.farm.deploy("top").stdout
        self.assertRegex(table, r"ID +GROUP +APPLICATION +MACHINE +CPU +MEMORY +THREADS +FILES\n")
        listed, = self.farm.instances("shop/web")
        self.assertEqual(listed["threads"], 1)
        self.assertIsNotNone(listed["cpu_percent"])

    def test_a_machine_that_does_not_answer_is_named_and_its_figures_are_null(self):
        self.run_one(application(instances=1))
        self.farm.processes["w1"].send_signal(signal.SIGSTOP)
        try:
            self.assertEqual(self.farm.json("top")["silent"], ["w1"])
            self.assertIsNone(self.farm.instances("shop/web")[0]["memory_bytes"])
            self.assertIn("not measured: w1", self.farm.deploy("top").stderr)
        finally:
            self.farm.processes["w1"].send_signal(signal.SIGCONT)

    @needs("memory")
    def test_no_group_stays_when_agent_and_starter_are_killed(self):
        row = self.run_one(application(instances=1, limits={"cpu": "90%", "processes": 50}))
        self.assertTrue(groups(row["id"]))
        # The agent alone: what runs goes on in its groups.
        self.farm.end("w1", signal.SIGKILL)
        self.assertTrue(groups(row["id"]))
        self.farm.start_agent("w1")
        wait_until(lambda: self.ready(), "it is seen again")
        self.assertEqual(self.ready()[0]["pid"], row["pid"])
        # Both: it is started anew.
        self.farm.end("w1", signal.SIGKILL)
        starter = int(pathlib.Path(f"/proc/{row['pid']}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(starter, signal.SIGKILL)
        self.farm.start_agent("w1")
        wait_until(lambda: [each for each in self.ready() if each["pid"] != row["pid"]], "it runs again", 40)
        self.assertTrue(groups(row["id"]))
        self.farm.end("w1", signal.SIGKILL)
        self.farm.start_agent("w1")
        self.farm.wait_for_machines(["w1"])
        self.undeploy_and_check()
        wait_until(lambda: not groups(row["id"]), "its groups are gone")

    @unittest.skipUnless(shutil.which("java"), "no java is installed")
    def test_java_runs_where_nothing_is_said_of_memory(self):
        self.runs_with(["java", "-version"])

    @unittest.skipUnless(shutil.which("node"), "no node is installed")
    def test_node_runs_where_nothing_is_said_of_memory(self):
        self.runs_with(["node", "--version"])

    def runs_with(self, interpreter):
        program = shutil.which(interpreter[0])
        app = application(args=["sh", "-c", f"{program} {interpreter[1]} && echo it works; {IDLE}"], instances=1)
        self.output(self.run_one(app), "it works")


def may_raise_limits():
    """Not every root has CAP_SYS_RESOURCE; who has not stays below the limits it was given."""
    capabilities = pathlib.Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0]
    return int(capabilities, 16) >> 24 & 1


def ticks(pid):
    return sum(map(int, pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))


if __name__ == "__main__":
    case.main()
