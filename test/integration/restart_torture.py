"""Kills agents, starters and unpackers at random moments and checks that nobody is harmed by it. By hand, in full:

  /usr/bin/python3 test/integration/restart_torture.py --bin build/ci/bin

It prints a table of what was broken and ends with 1 if anything was. CI runs it with --short.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import threading
import time

import case
from case import application, make_tar
from farm import Farm, start_time, wait_until

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "support" / "torture_program.c"
SOON = {"parallel": "100%", "min_ready": "100ms", "deadline": "30s"}
COLUMNS = ["double starts", "ports taken", "healthy ones restarted", "exits lost", "rollouts failed", "log lines lost or doubled",
           "orphans", "losses not told", "left behind"]
# What may be on a machine on which nothing runs.
REST = re.compile(r"lib/(lock|journal/(agent|identity|records))|cache/[0-9a-f]{64}|log/[^/]+\.end|log/[^/]+\.log/[0-9a-f]{16}")


class Torture:
    """A farm of one machine, and what is found to be broken on it: by column, a sentence each."""

    def __init__(self, farm, dice):
        self.farm = farm
        self.dice = dice
        self.broken = {}
        self.records = farm.root / "records"
        self.records.mkdir()
        self.records.chmod(0o777)
        self.program = farm.root / "torture"
        subprocess.run(["cc", "-O1", "-o", self.program, PROGRAM], check=True)
        farm.start(["w1"])

    def complain(self, column, sentence):
        self.broken.setdefault(column, []).append(sentence)

    def app(self, kind, count, **changes):
        return application(**{
            "name": kind, "downloadurl": str(self.program), "binary": "torture", "args": [str(self.records), kind, "${PORT1}"],
            "instances": count, "rollout": SOON, "restart": {"backoff": "200ms..200ms"}, **changes})

    def write(self, group, *apps):
        path = self.farm.root / f"{group}.yaml"
        path.write_text(case.json.dumps({"namespace": "shop", "groups": [{"groupid": group, "applications": apps}]}))
        return path

    def rows(self, group):
        return {row["id"]: row for row in self.farm.instances(f"shop/{group}")}

    def build(self, path, build):
        """Whether it succeeded; each that did not is broken."""
        done = self.farm.deploy("new-build", path, "--build", build, expect=None)
        if done.returncode:
            self.complain("rollouts failed", f"build {build} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.returncode == 0

    # -- what is killed ---------------------------------------------------------------------------

    def kill_agent(self, sig=signal.SIGKILL):
        """At any moment, but more often while it takes over."""
        time.sleep(self.dice.uniform(0, self.dice.choice([0.05, 0.6])))
        self.farm.end("w1", sig)
        self.farm.start_agent("w1")

    def starter_of(self, row):
        return int(pathlib.Path(f"/proc/{row['pid']}/stat").read_text().rsplit(")", 1)[1].split()[1])

    def wait_for_agent(self):
        known = self.farm.log("w1").count("agent is connected")
        self.farm.end("w1")
        self.farm.start_agent("w1")
        wait_until(lambda: self.farm.log("w1").count("agent is connected") > known, "the agent is connected")

    # -- what is checked --------------------------------------------------------------------------

    def record(self, instance):
        """What the program itself noted: (what, run, code, lines)."""
        lines = (self.records / instance).read_text().splitlines()
        return [(line.split()[0], *map(int, line.split()[1:])) for line in lines]

    def printed(self, instance):
        """What is in its log, as (run, line); and what the starter or agent said."""
        files = sorted((self.farm.root / "w1/log" / f"{instance}.log").glob("*"))
        text = b"".join(each.read_bytes() for each in files).decode(errors="replace")
        return [tuple(map(int, found)) for found in re.findall(r"(?m)^\S+Z out run (\d+) line (\d+)$", text)]

    def check_doubles(self, rows):
        for instance in rows:
            for what, run, *_ in self.record(instance):
                if what == "double":
                    self.complain("double starts", f"{instance}, run {run}")
                if what == "port":
                    self.complain("ports taken", f"{instance}, run {run}")

    def check_steady(self, before, after):
        for instance, row in before.items():
            now = after.get(instance, {})
            if (now.get("pid"), now.get("restarts"), now.get("exit"), now.get("state")) != (
                    row["pid"], 0, None, "ready") or sum(what == "start" for what, *_ in self.record(instance)) != 1:
                self.complain("healthy ones restarted", f"{row}\n    is now {now}")

    def check_exits(self, rows, events):
        """Each run that ended is known with its code, and is counted."""
        for instance, row in rows.items():
            ends = [code for what, _, code, _ in self.record(instance) if what == "end"]
            told = [event["exit"] for event in events[instance] if event["exit"] is not None]
            told = [code for n, code in enumerate(told) if n == 0 or told[n - 1] != code]
            if self.record(instance)[-1][0] != "end" and told[-1:] == [128 + signal.SIGTERM]:
                told.pop()
            if told != ends[:len(told)] or len(ends) - len(told) > 1:
                lost = [code for code in ends if code not in told]
                self.complain("exits lost", f"{instance}: {len(ends)} ended, {len(told)} are told, not {lost}\n"
                                            f"    ended {ends}\n    told  {told}")
            starts = [run for what, run, *_ in self.record(instance) if what == "start"]
            if row["restarts"] not in (len(starts) - 1, len(starts) - 2):
                self.complain("exits lost", f"{instance} was started {len(starts)} times, but {row}")

    def check_lines(self, rows):
        for instance in rows:
            ends = {run: lines for what, run, _, lines in self.record(instance) if what == "end"}
            runs = [run for what, run, *_ in self.record(instance) if what == "start"]
            found = self.printed(instance)
            wanted = []
            for run in runs:
                # Of one that was killed nobody knows how much it printed.
                last = ends.get(run) or max((line for each, line in found if each == run), default=0)
                wanted += [(run, line) for line in range(1, last + 1)]
            if found != wanted:
                here, there = collections.Counter(found), collections.Counter(wanted)
                self.complain("log lines lost or doubled", f"{instance}: lost {sorted((there - here))[:5]}, "
                                                          f"more than there were {sorted((here - there))[:5]}")

    def check_nothing_is_left(self):
        wait_until(lambda: not self.farm.leftovers(), "its processes and directories are gone", 60)
        # Trees of artifacts go after a minute, or with the next agent.
        self.wait_for_agent()
        wait_until(lambda: not self.strange_files(), "the agent has tidied up", 60)

    def strange_files(self):
        top = self.farm.root / "w1"
        files = [os.path.relpath(os.path.join(directory, name), top) for directory, _, names in os.walk(top)
                 for name in names]
        logs = {path.name.removesuffix(".log") for path in (top / "log").glob("*.log")}
        ends = {path.name.removesuffix(".end") for path in (top / "log").glob("*.end")}
        return [path for path in files if not REST.fullmatch(path)] + sorted(logs ^ ends)

    def end(self, *groups):
        for group in groups:
            self.farm.deploy("undeploy", f"shop/{group}")
        try:
            self.check_nothing_is_left()
        except AssertionError as error:
            self.complain("left behind", f"{error}: {self.farm.leftovers()} {self.strange_files()}")

    def events(self):
        out = collections.defaultdict(list)
        for event in self.farm.events("events", "--since", "0", "--no-follow"):
            if event["type"] == "instance.state":
                out[event["id"]].append(event)
        return out

    # -- the tortures -----------------------------------------------------------------------------

    def agents(self, kills):
        """kill -9 of the agent with ten instances, half of which fail again and again."""
        self.build(self.write("web", self.app("steady", 5), self.app("failing", 5)), 1)
        before = self.rows("web")
        steady = {each: row for each, row in before.items() if row["application"] == "steady"}
        for _ in range(kills):
            self.kill_agent()
        self.wait_for_agent()
        time.sleep(2)
        after = self.rows("web")
        self.check_steady(steady, after)
        self.end("web")
        self.check_exits({each: row for each, row in after.items() if each not in steady}, self.events())
        self.check_doubles(before)
        self.check_lines(before)
        ends = sum(what == "end" for each in before for what, *_ in self.record(each))
        return f"{kills} kills of the agent beside 10 instances, which ended {ends} times"

    def orders(self, kills):
        """Ends of the agent, by KILL and TERM, while one build follows the other."""
        archive = make_tar(self.farm.root / "torture.tar", [("torture", self.program.read_bytes(), 0o755)])
        path = self.write("orders", self.app("steady", 3, downloadurl=str(archive)))
        over, count = threading.Event(), []

        def torment():
            while not over.is_set() or len(count) < kills:
                self.kill_agent(self.dice.choice([signal.SIGKILL, signal.SIGTERM]))
                count.append(1)

        tormentor = threading.Thread(target=torment)
        tormentor.start()
        builds, seen = 0, set()
        try:
            while len(count) < kills:
                builds += 1
                self.build(path, builds)
                rows = {each: row for each, row in self.rows("orders").items() if row["build"] == builds}
                seen |= rows.keys()
                self.check_steady(rows, rows)
        finally:
            over.set()
            tormentor.join()
        self.wait_for_agent()
        self.end("orders")
        self.check_doubles(seen)
        self.check_lines(seen)
        return f"{len(count)} ends of the agent while {builds} builds followed each other"

    def starters(self, kills):
        """Kills of starters whose programs have children that ignore everything; some together with the agent."""
        self.build(self.write("daemons", self.app("daemon", 10)), 1)
        for _ in range(0, kills, 10):
            before = self.rows("daemons")
            victims = [self.starter_of(row) for row in before.values()]
            self.dice.shuffle(victims)
            for victim in victims:
                os.kill(victim, signal.SIGKILL)
                time.sleep(self.dice.uniform(0, 0.03))
                if self.dice.random() < 0.05:
                    self.kill_agent()

            def again():
                now = self.rows("daemons")
                return all(now[each]["state"] == "ready" and now[each]["pid"] != row["pid"] for each, row in before.items())

            wait_until(again, "all run again", 60)
        after, events = self.rows("daemons"), self.events()
        for instance, row in after.items():
            told = [event for event in events[instance] if "starter" in event["reason"] and event["to"] == "failed"]
            starts = [run for what, run, *_ in self.record(instance) if what == "start"]
            if (len(told), row["restarts"]) != (len(starts) - 1, len(starts) - 1):
                self.complain("losses not told", f"{instance} was started {len(starts)} times, {len(told)} losses are "
                                                 f"told, {row['restarts']} restarts")
            if row["exit"] is not None:
                self.complain("exits lost", f"{instance} never ended by itself, but {row}")
            of_it = [pid for pid, _ in self.farm.living() if os.stat(f"/proc/{pid}").st_uid == row["uid"]]
            if os.getuid() == 0 and len(of_it) != 2:
                self.complain("orphans", f"{instance} has the processes {of_it} instead of two")
        self.end("daemons")
        self.check_doubles(after)
        return f"{sum(row['restarts'] for row in after.values())} kills of starters"

    def unpackers(self, kills):
        """Kills of the unpacker, one with each build."""
        members = [("torture", self.program.read_bytes(), 0o755)]
        members += [(f"files/{number}", bytes(30_000), 0o644) for number in range(300)]
        archive = make_tar(self.farm.root / "large.tar", members)
        path = self.write("unpacked", self.app("steady", 2, downloadurl=str(archive)))
        killed, build = 0, 0
        while killed < kills and build < 4 * kills:
            build += 1
            over = threading.Event()
            hits = []
            hunter = threading.Thread(target=lambda: hits.append(self.hunt("autodeployer-unpack", over)))
            hunter.start()
            self.build(path, build)
            over.set()
            hunter.join()
            killed += hits[0]
            rows = {each: row for each, row in self.rows("unpacked").items() if row["build"] == build}
            self.check_steady(rows, rows)
        self.end("unpacked")
        return f"{killed} kills of the unpacker in {build} builds"

    def hunt(self, program, over):
        """Kills the first process of this program that the agent has; how many it killed."""
        while not over.is_set():
            agent = self.farm.processes["w1"].pid
            try:
                children = pathlib.Path(f"/proc/{agent}/task").glob("*/children")
                for pid in [int(word) for each in children for word in each.read_text().split()]:
                    command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
                    if command.endswith(program):
                        time.sleep(self.dice.uniform(0, 0.02))
                        os.kill(pid, signal.SIGKILL)
                        return 1
            except (FileNotFoundError, ProcessLookupError):
                pass
            time.sleep(0.001)
        return 0


def show(results):
    width = max(len(what) for what, _ in results)
    print(" " * width, "".join(f"{number:>4}" for number in range(1, len(COLUMNS) + 1)))
    for what, broken in results:
        print(what.ljust(width), "".join(f"{len(broken.get(column, [])):>4}" for column in COLUMNS))
    print("", *[f"{number}  {column}" for number, column in enumerate(COLUMNS, 1)], "", sep="\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--short", action="store_true", help="a few of each")
    parser.add_argument("--only", help="one of agents, orders, starters, unpackers")
    parser.add_argument("--kills", type=int, help="so many of each")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"--seed {options.seed}", flush=True)
    counts = {"agents": (1000, 30), "orders": (300, 15), "starters": (200, 10), "unpackers": (50, 3)}
    results = []
    for name, (many, few) in counts.items():
        if options.only not in (None, name):
            continue
        begin = time.monotonic()
        with Farm(options.bin) as farm:
            torture = Torture(farm, random.Random(f"{options.seed} {name}"))
            what = getattr(torture, name)(options.kills or (few if options.short else many))
            results.append((what, torture.broken))
            print(f"{what}, in {time.monotonic() - begin:.0f} s", flush=True)
            for column, sentences in torture.broken.items():
                print(*[f"{column}: {each}" for each in sentences[:10]], sep="\n", flush=True)
            if torture.broken:
                farm.show_logs()
    show(results)
    return 1 if any(broken for _, broken in results) else 0


if __name__ == "__main__":
    sys.exit(main())
