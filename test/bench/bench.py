#!/usr/bin/python3
"""Measures the real programs on this machine and prints one table; README.md says what the rows mean."""

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from disk import fresh_disk
from farm import Farm  # noqa: E402
from supervisor import Supervisor, is_installed  # noqa: E402
from wire import Client, Watcher, seconds_of  # noqa: E402

BUSYBOX = shutil.which("busybox")
SLEEP = ["sleep", "100000"]
MACHINE = "bench"
PARTS = ["starts", "orders", "lag"]
# With `min_ready: 0s` an instance is ready as soon as it runs, and no state of its own tells that it runs.
UP = ("running", "ready")


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def ms(seconds):
    return f"{seconds * 1000:.1f} ms"


def two(values):
    """Median and 99th percentile; of fewer than 100 values the latter is the worst."""
    return f"p50 {ms(percentile(values, 0.5))}, p99 {ms(percentile(values, 0.99))}"


class Table:
    def __init__(self):
        self.rows = [("what", "measured", "against, in the same run", "ratio")]

    def add(self, what, measured, against="", ratio=""):
        self.rows.append((what, measured, against, ratio))
        say(f"  {what}: {measured}" + (f"; {against}" if against else "") + (f"; {ratio}" if ratio else ""))

    def show(self):
        widths = [max(len(row[n]) for row in self.rows) for n in range(4)]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
                 for row in self.rows]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        print("\n".join(lines))


def machine():
    """This machine in one line."""
    processors = pathlib.Path("/proc/cpuinfo").read_text()
    models = [line.split(":", 1)[1].strip() for line in processors.splitlines() if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    virtual = " (a VM)" if "hypervisor" in processors else ""
    return (f"{os.cpu_count()} cores of {model}{virtual}, {memory:.0f} GiB, Linux {platform.release()}, "
            f"user {'root' if os.geteuid() == 0 else os.geteuid()}, "
            f"load {os.getloadavg()[0]:.1f} before the run")


def deploy_yaml(group, url, sha256=None, instances=1, **changes):
    app = {"repository": "bench", "name": "sleeper", "downloadurl": url, "binary": "busybox", "args": SLEEP,
           "instances": instances, "restart": {"policy": "never"},
           "stop": {"signal": "TERM", "timeout": "5s"},
           "rollout": {"parallel": "100%", "min_ready": "0s", "deadline": "5m"}, **changes}
    if sha256:
        app["sha256"] = sha256
    return json.dumps({"namespace": "bench", "groups": [{"groupid": group, "applications": [app]}]})


class Bench:
    def __init__(self, options):
        self.options = options
        self.table = Table()
        self.build = 0

    def next_build(self):
        self.build += 1
        return self.build

    @contextlib.contextmanager
    def farm(self, archive=False):
        """A server and one agent that has busybox in its cache, by its hash; plain or inside a tar."""
        with fresh_disk() as disk, Farm(self.options.bin, keys=False, parent=disk) as farm:
            files = farm.root / "files"
            files.mkdir()
            name = "busybox.tar" if archive else "busybox"
            if archive:
                with tarfile.open(files / name, "w") as tar:
                    tar.add(BUSYBOX, "busybox")
            else:
                shutil.copy(BUSYBOX, files / name)
            farm.url = farm.serve_files(files)
            farm.artifact = f"{farm.url}/{name}"
            farm.sha256 = hashlib.sha256((files / name).read_bytes()).hexdigest()
            farm.start([MACHINE])
            yield farm

    def deploy(self, farm, group, instances):
        """The events of a build from its acceptance to its end."""
        path = farm.root / f"{group}.yaml"
        path.write_text(deploy_yaml(group, farm.artifact, farm.sha256, instances))
        return farm.events("new-build", path, "--build", self.next_build(), timeout=600)

    @staticmethod
    def undeploy(farm, group):
        farm.deploy("undeploy", f"bench/{group}", timeout=600)

    # -- starts a second --------------------------------------------------------------------------

    def floor_program(self, directory):
        built = pathlib.Path(self.options.bin) / "deployminator-floor"
        if built.exists():
            return built
        out = pathlib.Path(directory) / "floor"
        subprocess.run(["c++", "-std=c++20", "-O2", "-o", out, HERE / "floor.cpp"], check=True)
        return out

    def floor(self, count):
        with tempfile.TemporaryDirectory(prefix="floor-") as directory:
            program = self.floor_program(directory)
            return [count / float(subprocess.run([program, str(count), BUSYBOX, *SLEEP], check=True,
                                                 capture_output=True, text=True).stdout)
                    for _ in range(5)]

    def supervised(self, count):
        with Supervisor(count, [BUSYBOX, *SLEEP]) as supervisor:
            return count / supervisor.seconds_to_start_all()

    def ours(self, farm, count):
        """Starts a second: from the step that starts all, and from the order's acceptance."""
        events = self.deploy(farm, "many", count)
        up = {}
        for event in events:
            if event["type"] == "instance.state" and event["to"] in UP:
                up.setdefault(event["id"], seconds_of(event["time"]))
        assert len(up) == count, f"{len(up)} of {count} instances ran: {events[-1]}"
        times = {step["phase"]: seconds_of(step["time"]) for step in reversed(events)
                 if step["type"] == "rollout.step"}
        accepted = min(seconds_of(event["time"]) for event in events)
        last = max(up.values())
        return count / (last - times["starting"]), count / (last - accepted)

    def requests(self, farm):
        return sum(len(path.read_text().splitlines()) for path in farm.root.glob("http-*.requests"))

    def starts(self, count, rounds):
        say(f"starts a second, {count} instances")
        rounds = {kind: self.rounds(count, rounds, kind) for kind in (False, True)}
        floor = statistics.median(floor for _, floors in rounds.values() for floor in floors)
        rate = self.supervised(count) if is_installed() else None
        versus = f"supervisord {rate:.0f}/s" if rate else "supervisord is not installed"
        for is_archive, (figures, _) in rounds.items():
            starts, whole = (statistics.median(each) for each in zip(*figures))
            inside = " inside a tar" if is_archive else ""
            for what, value in (("told to start → running", starts),
                                ("accepted → running, with unpacking", whole)):
                ratio = f"{value / floor:.2f} × floor" + (f", {value / rate:.1f} × supervisord" if rate else "")
                self.table.add(f"starts/s, {count} instances{inside}, {what}", f"{value:.0f}/s",
                               f"floor {floor:.0f}/s, {versus}", ratio)

    def rounds(self, count, rounds, archive):
        """Of each round what `ours` and the floor were."""
        with self.farm(archive) as farm:
            self.deploy(farm, "first", 1)
            downloads, figures, floors = self.requests(farm), [], []
            for left in reversed(range(rounds)):
                floors += self.floor(count)
                figures.append(self.ours(farm, count))
                if not left and not archive:
                    self.memory_per_instance(farm, count)
                self.undeploy(farm, "many")
            assert self.requests(farm) == downloads, "the artifact was not cached"
        return figures, floors

    # -- memory -----------------------------------------------------------------------------------

    @staticmethod
    def kilobytes(pid, file, key):
        for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise AssertionError(f"/proc/{pid}/{file} has no {key}")

    @staticmethod
    def processor_seconds(pid):
        words = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def idle(self, farm):
        """What the programs cost while there is nothing to do; one agent is connected."""
        pids = {"agent": farm.processes[MACHINE].pid, "server": farm.processes["deployminator"].pid}
        before = {what: self.processor_seconds(pid) for what, pid in pids.items()}
        length = 10
        time.sleep(length)
        for what, pid in pids.items():
            used = (self.processor_seconds(pid) - before[what]) / length
            self.table.add(f"idle {what}",
                           f"RssAnon {self.kilobytes(pid, 'status', 'RssAnon') / 1000:.1f} MB, "
                           f"RSS {self.kilobytes(pid, 'status', 'VmRSS') / 1000:.1f} MB, "
                           f"{used:.1%} of a core")

    def memory_per_instance(self, farm, count):
        starters = [pid for pid, command in farm.living() if "autodeployer-starter " in command]
        pss = [self.kilobytes(pid, "smaps_rollup", "Pss") for pid in starters]
        agent = self.kilobytes(farm.processes[MACHINE].pid, "status", "RssAnon")
        server = self.kilobytes(farm.processes["deployminator"].pid, "status", "RssAnon")
        self.table.add(f"memory with {count} instances", f"starter PSS {statistics.mean(pss):.0f} kB on average",
                       f"RssAnon agent {agent / 1000:.1f} MB, server {server / 1000:.1f} MB")

    # -- one order --------------------------------------------------------------------------------

    def one_by_wire(self, farm, client, watcher):
        """Seconds from the order sent, and from its acceptance here, to the event that its instance runs."""
        text, since = deploy_yaml("one", farm.artifact, farm.sha256), len(watcher.seen)
        sent = time.time()
        accepted = client.submit(text, self.next_build())
        answered, version = time.time(), accepted["versions"][0]["version"]

        def ours(event, type):
            return event.get("version") == version and event["type"] == type
        at, arrival, _ = watcher.wait_for(
            lambda event: ours(event, "instance.state") and event["to"] in UP, since)
        watcher.wait_for(lambda event: ours(event, "rollout.finished"), at)
        return arrival - sent, max(0, arrival - answered)

    def one_by_command(self, farm):
        """Seconds from starting `deploy new-build` to its line that says the instance runs."""
        path = farm.root / "one.yaml"
        path.write_text(deploy_yaml("one", farm.artifact, farm.sha256))
        begin = time.monotonic()
        process = subprocess.Popen(farm.command("--json", "new-build", path, "--build", self.next_build()),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        passed = None
        for line in process.stdout:
            event = json.loads(line)
            if passed is None and event.get("to") in UP:
                passed = time.monotonic() - begin
        assert process.wait() == 0 and passed is not None, "the order failed"
        return passed

    @staticmethod
    def flushes(directory, count):
        """Seconds that each of so many durable writes of one block took there."""
        out = []
        with open(directory / "flushed", "wb", buffering=0) as file:
            for _ in range(count):
                begin = time.monotonic()
                os.pwrite(file.fileno(), bytes(4096), 0)
                os.fdatasync(file.fileno())
                out.append(time.monotonic() - begin)
        return out

    def latency(self, orders):
        say(f"order → running, {orders} orders")
        with self.farm() as farm:
            self.idle(farm)
            client = Client(farm.server_url)
            watcher = Watcher(client.welcome["publish"])
            try:
                self.one_by_wire(farm, client, watcher)
                flushes = self.flushes(farm.root, 100)
                wire = [self.one_by_wire(farm, client, watcher) for _ in range(orders)]
                flushes += self.flushes(farm.root, 100)
            finally:
                watcher.close()
                client.close()
            command = [self.one_by_command(farm) for _ in range(orders)]
        by_api, by_command = [], []
        if is_installed():
            with Supervisor(1, [BUSYBOX, *SLEEP]) as supervisor:
                by_api = [supervisor.seconds_to_start_one(False) for _ in range(orders)]
                by_command = [supervisor.seconds_to_start_one(True) for _ in range(min(orders, 20))]
        sent, answered = zip(*wire)
        self.table.add("one durable write of this disk", two(flushes))
        self.compare("order sent → running, by the protocol", sent, "supervisord's XML-RPC", by_api)
        self.table.add("order accepted → running, by the protocol", two(answered))
        self.compare("command → running, `deploy new-build`", command, "`supervisorctl start`", by_command)

    def compare(self, what, ours, name, theirs):
        if not theirs:
            return self.table.add(what, two(ours), "supervisord is not installed")
        ratio = percentile(theirs, 0.5) / percentile(ours, 0.5)
        return self.table.add(what, two(ours), f"{name} {two(theirs)}", f"{ratio:.1f} × as fast at p50")

    # -- event lag --------------------------------------------------------------------------------

    def lag(self, downloads, stalled):
        say("progress event → watcher" + (", another watcher stands still" if stalled else ""))
        with self.farm() as farm:
            client = Client(farm.server_url)
            watcher = Watcher(client.welcome["publish"])
            by_command, viewer = self.watch(farm)
            try:
                if stalled:
                    self.watch(farm)[1].send_signal(signal.SIGSTOP)
                self.download(farm, client, watcher, downloads)
            finally:
                watcher.close()
                client.close()
                viewer.terminate()
            viewer.wait(10)
            by_wire = [arrival - seconds_of(event["time"]) for arrival, event in watcher.seen
                       if event["type"] == "download.progress"]
        state = ", another watcher stopped" if stalled else ""
        self.table.add(f"progress event → subscriber{state}", f"{two(by_wire)} of {len(by_wire)}")
        self.table.add(f"progress event → line of `deploy watch`{state}", f"{two(by_command)} of {len(by_command)}")

    @staticmethod
    def watch(farm):
        """A `deploy watch` and the lags of what it prints."""
        lags = []
        process = farm.spawn(f"watch-{len(farm.processes)}", farm.command("--json", "watch"),
                             stdout=subprocess.PIPE, text=True)

        def read():
            for line in process.stdout:
                event = json.loads(line)
                if event["type"] == "download.progress":
                    lags.append(time.time() - seconds_of(event["time"]))
        threading.Thread(target=read, daemon=True).start()
        time.sleep(1)
        return lags, process

    def download(self, farm, client, watcher, count):
        """`count` downloads at once of 8 s each, as groups of their own."""
        rate = 200_000
        for n in range(count):
            data = os.urandom(16) + bytes(8 * rate)
            (farm.root / "files" / f"slow{n}").write_bytes(data)
            client.submit(deploy_yaml(f"slow{n}", f"{farm.url}/slow{n}?rate={rate}"), self.next_build())
        # What was fetched is no program, so each rollout ends by failing.
        at = -1
        for _ in range(count):
            at, _arrival, _event = watcher.wait_for(lambda event: event["type"] == "rollout.finished", at + 1)

    # -- all --------------------------------------------------------------------------------------

    def run(self):
        options = self.options
        about = machine()
        if not BUSYBOX:
            sys.exit("busybox is not installed; test/install-packages.sh does that")
        if "starts" in options.parts:
            for count in options.instances:
                self.starts(count, options.rounds if count <= 100 else max(1, options.rounds // 2))
        if "orders" in options.parts:
            self.latency(options.orders)
        if "lag" in options.parts:
            self.lag(options.downloads, stalled=False)
            self.lag(options.downloads, stalled=True)
        say("")
        print(f"{about}; `{' '.join(['test/bench/run.sh', *sys.argv[3:]])}`\n")
        self.table.show()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="the directory with the programs")
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS, help="what to measure")
    parser.add_argument("--instances", type=int, nargs="+", default=[100, 1000], help="to start at once")
    parser.add_argument("--rounds", type=int, default=5, help="of starts; half as many of over 100")
    parser.add_argument("--orders", type=int, default=50, help="of one instance each")
    parser.add_argument("--downloads", type=int, default=8, help="at once, for the lag of events")
    Bench(parser.parse_args()).run()


if __name__ == "__main__":
    main()
