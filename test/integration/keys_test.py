"""Every key of deploy.yaml does something: another value makes a difference that can be seen, or is
refused. The keys are those of the tables in deploy-configs/README.md."""

import datetime
import hashlib
import json
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import zipfile

import case
import limits_test
from case import BUSYBOX, Case, application, make_tar
from farm import wait_until

README = pathlib.Path(__file__).resolve().parents[2] / "deploy-configs" / "README.md"


def documented(heading):
    """The keys of the table under a heading, one each: `a, b` is two, `rollout.order, canary` too."""
    section = README.read_text().split(f"### {heading}\n")[1].split("\n#")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    keys = set()
    for cell in cells:
        parent = ""
        for key in re.findall(r"`([^`]+)`", cell):
            parent = key.rpartition(".")[0] or parent
            keys.add(key if "." in key or not parent else f"{parent}.{key}")
    return keys


def with_key(key, value):
    """The changes of an application for a key such as `stop.signal`."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def shell(script, **changes):
    """One instance of a shell script that is ready soon."""
    return application(**{"name": None, "args": ["sh", "-c", script], "instances": 1, **changes})


def java_archive(directory):
    """A tar with a main class in one jar and what that needs in another, further down."""
    sources = {"shop/Main": "public class Main { public static void main(String[] a) throws Exception { "
                            "System.out.println(new Greeting() + System.getProperty(\"from\") + \" \" + "
                            "String.join(\" \", a)); Thread.sleep(1000000); } }",
               "shop/Greeting": "class Greeting { public String toString() { return \"hello \"; } }"}
    for name, source in sources.items():
        path = directory / f"{name}.java"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"package shop; {source}")
    subprocess.run(["ecj", "-proc:none", "-17", *(f"{name}.java" for name in sources)], cwd=directory, check=True)
    members = []
    for name, jar in ("shop/Main", "main.jar"), ("shop/Greeting", "lib/deep/greeting.jar"):
        with zipfile.ZipFile(directory / "made.jar", "w") as made:
            made.write(directory / f"{name}.class", f"{name}.class")
        members.append((jar, (directory / "made.jar").read_bytes(), 0o644))
    return make_tar(directory / "java.tar", members)


IDLE = "exec sleep 1000"
SMALL = {"maxmemory": 100}
SOON = {"parallel": "100%", "min_ready": "100ms", "deadline": "20s"}


class Keys(Case):
    """`check_KEY` shows what the key does."""

    def setUp(self):
        super().setUp()
        self.builds = 0

    def fresh(self, *applications, file=None, expect=0, build=None, wait=True):
        """Deploys these applications in a group of their own, whose name it returns."""
        self.builds += 1
        group = f"g{self.builds}"
        path = self.write(*applications, group=group) if file is None else file
        self.farm.deploy("new-build", path, "--build", build or self.builds,
                         *([] if wait else ["--no-wait"]), expect=expect)
        return f"shop/{group}"

    def row(self, app, **options):
        rows = self.farm.instances(self.fresh(app, **options))
        self.assertEqual(len(rows), 1)
        return rows[0]

    def output(self, app, **options):
        id_ = self.row(app, **options)["id"]
        return wait_until(lambda: self.farm.deploy("logs", id_).stdout, "the instance has printed something")

    def told(self, group, **wanted):
        """The stored events of a group with these values, in their order."""
        return [event for event in self.farm.events("events", "--since", "0", "--no-follow")
                if f"{event.get('namespace')}/{event.get('group')}" == group
                and all(event.get(key) == value for key, value in wanted.items())]

    def times(self, group, **wanted):
        return [datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()
                for event in self.told(group, **wanted)]

    def groups(self):
        return {(row["namespace"], row["group"]) for row in self.farm.json("status")["groups"]}

    def write_file(self, document):
        path = self.farm.root / "whole.yaml"
        path.write_text(json.dumps(document))
        return path

    # -- the file and its groups ------------------------------------------------------------------

    def check_namespace(self):
        app = shell(IDLE, rollout=SOON)
        for name in "one", "two":
            self.fresh(file=self.write_file(
                {"namespace": name, "groups": [{"groupid": "a", "applications": [app]}]}))
        self.assertLessEqual({("one", "a"), ("two", "a")}, self.groups())

    def check_groups(self):
        app = shell(IDLE, rollout=SOON)
        self.fresh(file=self.write_file({"namespace": "many", "groups": [
            {"groupid": name, "applications": [app]} for name in ("a", "b")]}))
        self.assertLessEqual({("many", "a"), ("many", "b")}, self.groups())

    def check_groups__groupid(self):
        self.check_groups()

    def check_groups__groupname(self):
        self.fresh(file=self.write_file({"namespace": "named", "groups": [
            {"groupname": "a", "applications": [shell(IDLE, rollout=SOON)]}]}))
        self.assertIn(("named", "a"), self.groups())

    def check_groups__namespace(self):
        self.fresh(file=self.write_file({"namespace": "file", "groups": [
            {"groupid": "a", "namespace": "group", "applications": [shell(IDLE, rollout=SOON)]}]}))
        self.assertIn(("group", "a"), self.groups())
        self.assertNotIn(("file", "a"), self.groups())

    def check_groups__applications(self):
        group = self.fresh(shell(IDLE, name="a", rollout=SOON), shell(IDLE, name="b", rollout=SOON))
        self.assertEqual({row["application"] for row in self.farm.instances(group)}, {"a", "b"})

    # -- an application: what it is ---------------------------------------------------------------

    def check_name(self):
        self.assertEqual(self.row(shell(IDLE, rollout=SOON))["application"], "busybox")
        self.assertEqual(self.row(shell(IDLE, name="other", rollout=SOON))["application"], "other")

    def repository_of(self, **changes):
        group = self.fresh(shell(IDLE, rollout=SOON, **changes))
        return self.farm.json("versions", group)[0]["repository"]

    def check_repository(self):
        self.assertEqual(self.repository_of(repository="tills"), "tills")

    def check_repositoryid(self):
        self.assertEqual(self.repository_of(repository=None, repositoryid=42), "42")

    def check_artefactid(self):
        self.fresh(shell(IDLE, rollout=SOON, artefactid="tools-7"))
        with sqlite3.connect(f"file:{self.farm.root}/deployminator.sqlite?mode=ro", uri=True) as store:
            stored = {row[0] for row in store.execute("SELECT artifact_id FROM group_version")}
        self.assertIn("tools-7", stored)

    def program(self, name, word):
        path = self.farm.root / name
        path.write_text(f"#!/bin/sh\necho {word}\nexec sleep 1000\n")
        path.chmod(0o755)
        return path

    def check_downloadurl(self):
        for build, word in (7, "first"), (8, "second"):
            self.program(f"run-{build}", word)
            self.assertIn(word, self.output(application(
                name=None, downloadurl=f"{self.farm.root}/run-${{BUILDID}}", binary="run", args=[],
                instances=1, rollout=SOON), build=build))

    def locked(self, **changes):
        self.program("locked", "opened")
        url = self.farm.serve_files(self.farm.root, "--user", "ci:secret")
        return application(name=None, downloadurl=f"{url}/locked", binary="run", args=[], instances=1,
                           rollout={**SOON, "deadline": "3s"}, **changes)

    def check_downloaduser(self):
        self.fresh(self.locked(downloaduser="other", downloadpassword="secret"), expect=1)
        self.assertIn("opened", self.output(self.locked(downloaduser="ci", downloadpassword="secret")))

    def check_downloadpassword(self):
        self.fresh(self.locked(downloaduser="ci", downloadpassword="wrong"), expect=1)

    def check_downloadtoken(self):
        self.program("locked", "opened")
        url = self.farm.serve_files(self.farm.root, "--bearer", "secret")
        app = application(name=None, downloadurl=f"{url}/locked", binary="run", args=[], instances=1,
                          limits={"maxmemory": 100}, rollout=SOON)
        self.fresh({**app, "downloadtoken": "other"}, expect=1)
        self.assertIn("opened", self.output({**app, "downloadtoken": "secret"}))

    def check_sha256(self):
        right = hashlib.sha256(pathlib.Path(BUSYBOX).read_bytes()).hexdigest()
        self.fresh(shell(IDLE, rollout=SOON, sha256=right))
        self.fresh(shell(IDLE, rollout={**SOON, "deadline": "3s"}, sha256="0" * 64), expect=1)

    def check_binary(self):
        archive = make_tar(self.farm.root / "two.tar", [
            (name, f"#!/bin/sh\necho I am {name}\nexec sleep 1000\n".encode(), 0o755) for name in ("a", "b")])
        for name in "a", "b":
            self.assertIn(f"I am {name}", self.output(application(
                name=None, downloadurl=str(archive), binary=name, args=[], instances=1, rollout=SOON)))

    def python(self, script="report.py", **changes):
        """An archive with a script in it that nobody can execute, run by the machine's Python."""
        archive = make_tar(self.farm.root / "script.tar", [
            ("report.py", b"import os, sys, time\nprint(sys.argv, os.getcwd() == os.environ['HOME'],"
                          b" open('data.txt').read(), os.getuid(), flush=True)\ntime.sleep(1000)\n", 0o644),
            ("data.txt", b"with its data", 0o600)])
        return application(**{"name": "report", "downloadurl": str(archive), "binary": script, "instances": 1,
                              "interpreter": ["python3", "-B"], "args": ["${PORT1}"], "rollout": SOON,
                              "limits": {"maxmemory": 500}, **changes})

    def check_interpreter(self):
        row = self.row(self.python())
        printed = wait_until(lambda: self.farm.deploy("logs", row["id"]).stdout, "the script has printed")
        self.assertIn(f"['report.py', '{row['ports'][0]}'] True with its data {row['uid']}", printed)
        plain = self.farm.root / "plain.py"
        plain.write_text("print('I am plain', flush=True)\nimport time\ntime.sleep(1000)\n")
        self.assertIn("I am plain", self.output(self.python(
            None, name=None, downloadurl=str(plain), interpreter=["/usr/bin/python3"])))

    def test_an_interpreter_that_is_not_on_the_machine_fails_with_its_name_and_what_to_do(self):
        group = self.fresh(self.python(interpreter=["no-such-java"]), expect=1)
        reasons = [event["reason"] for event in self.told(group, type="instance.state", to="failed")]
        self.assertTrue(any("cannot run no-such-java: no program of that name is in "
                            "/usr/local/sbin:" in each and "install it there" in each for each in reasons), reasons)

    def large(self, count):
        """A file with an argument of the greatest length and so many long ones; aliases keep it small."""
        app = shell("", args=["sh", "-c", f"echo $# ${{#1}} ${{#{count + 1}}}; {IDLE}", "sh", "LONGEST", "LONG"],
                    rollout=SOON)
        path = self.write(app, group="large")
        path.write_text(path.read_text().replace('"LONGEST"', "x" * 131_071).replace(
            '"LONG"', "&long " + "y" * 101_000 + ", *long" * (count - 1)))
        return path

    def test_as_much_as_is_accepted_of_args_can_be_started(self):
        self.assertIn("Linux starts no program with more than", self.new_build(self.large(19), 1, expect=2).stderr)
        self.fresh(file=self.large(18))
        id_ = self.farm.instances("shop/large")[0]["id"]
        self.assertIn("19 131071 101000", wait_until(lambda: self.farm.deploy("logs", id_).stdout, "it has printed"))

    def test_the_variables_of_machine_host_and_group_are_put_in(self):
        row = self.row(shell(f"echo ${{MACHINE}}/${{HOSTNAME}}/${{GROUP}} $A; {IDLE}", rollout=SOON,
                             env={"A": "${GROUP}@${MACHINE}@${HOSTNAME}@${PORT1}"}))
        printed = wait_until(lambda: self.farm.deploy("logs", row["id"]).stdout, "the instance has printed")
        group, machine, host = f"g{self.builds}", row["machine"], socket.gethostname()
        self.assertIn(f"{machine}/{host}/{group} {group}@{machine}@{host}@{row['ports'][0]}", printed)

    def test_a_remark_is_told_and_stops_nothing(self):
        path = self.write(shell(f"echo [$PORT1]; {IDLE}; : ${{PORT1}}", rollout=SOON))
        done = self.new_build(path, 1)
        self.assertIn("`args` holds `$PORT1`, which stays as it is; the file probably means `${PORT1}`", done.stderr)
        self.assertIn("the file probably means", self.farm.deploy("validate", path).stderr)

    def check_args(self):
        for word in "red", "blue":
            self.assertIn(word, self.output(shell(f"echo {word}; {IDLE}", rollout=SOON)))

    def check_env(self):
        for word in "red", "blue":
            self.assertIn(word, self.output(shell(f"echo $COLOUR; {IDLE}", rollout=SOON,
                                                  env={"COLOUR": word})))

    # -- where it runs ----------------------------------------------------------------------------

    def machines_of(self, **changes):
        group = self.fresh(shell(IDLE, rollout=SOON, **changes))
        return sorted(row["machine"] for row in self.farm.instances(group))

    def check_data(self):
        row = self.row(shell(f'echo "at $DATA, ${{DATA}}"; {IDLE}', rollout=SOON, data="uploads"))
        self.assertRegex(wait_until(lambda: self.farm.deploy("logs", row["id"]).stdout, "the instance has printed"),
                         r"at (/\S+/lib/data/\S+/uploads), \1\n")

    def check_strategy(self):
        self.assertEqual(len(self.machines_of(strategy="spread", instances=None)), 1)
        self.assertEqual(self.machines_of(strategy="one-per-machine", instances=None), ["w1", "w2"])
        self.assertEqual(len(set(self.machines_of(strategy="pack", instances=3,
                                                   limits={"maxmemory": 100}))), 1)

    def check_instances(self):
        for count in 0, 1, 3:
            self.assertEqual(len(self.machines_of(instances=count)), count)

    def check_instancesmeansperautodeployer(self):
        self.assertEqual(self.machines_of(instances=2, instancesmeansperautodeployer=False), ["w1", "w2"])
        for strategy in "spread", "one-per-machine":
            self.assertEqual(self.machines_of(instances=2, instancesmeansperautodeployer=True,
                                              strategy=strategy), ["w1", "w1", "w2", "w2"])

    def check_max_per_machine(self):
        self.assertEqual(len(set(self.machines_of(instances=2, strategy="pack", limits=SMALL))), 1)
        self.assertEqual(self.machines_of(instances=2, strategy="pack", limits=SMALL, max_per_machine=1),
                         ["w1", "w2"])

    def check_machines(self):
        self.farm.start_agent("w3", groups="db")
        self.farm.wait_for_machines(["w1", "w2", "w3"])
        try:
            self.assertEqual(self.machines_of(instances=2, machines="db"), ["w3", "w3"])
            self.assertNotIn("w3", self.machines_of(instances=2))
        finally:
            self.farm.end("w3")

    def check_unreachable__replace_after(self):
        self.farm.start_agent("w3", groups="db")
        self.farm.wait_for_machines(["w1", "w2", "w3"])
        try:
            def replaced(replace_after):
                group = self.fresh(shell(IDLE, limits=SMALL, unreachable={"replace_after": replace_after}))
                home = self.farm.instances(group, "ready")[0]["machine"]
                self.farm.end(home, signal.SIGKILL)
                try:
                    wait_until(lambda: self.farm.instances(group, "lost"), "it is out of reach")
                    time.sleep(2)
                    return len(self.farm.instances(group)) == 2
                finally:
                    self.farm.start_agent(home)
                    self.farm.wait_for_machines([home])
            self.assertTrue(replaced("500ms"))
            self.assertFalse(replaced("never"))
        finally:
            self.farm.end("w3")

    # -- how it runs ------------------------------------------------------------------------------

    def check_alwayson(self):
        job = self.row(shell("exit 0", rollout=SOON, alwayson=False))
        self.assertEqual((job["state"], job["exit"]), ("stopped", 0))
        self.fresh(shell("exit 0", rollout={**SOON, "deadline": "2s"}, alwayson=True), expect=1)

    def check_rerun(self):
        """How often the job of build 1 was run when build 2 was rolled back."""
        def runs(rerun):
            ran = self.farm.root / f"ran-{rerun}"
            ran.touch()
            ran.chmod(0o666)
            job = shell(f"echo ${{BUILDID}} >> {ran}", rollout=SOON, alwayson=False, rerun=rerun)
            path = self.write(job, group=f"rerun-{rerun}".lower())
            for build in 1, 2:
                self.farm.deploy("new-build", path, "--build", build)
            self.farm.deploy("rollback", f"shop/rerun-{rerun}".lower())
            return ran.read_text().split().count("1")
        self.assertEqual((runs(False), runs(True)), (1, 2))

    def files(self, type_, target=None):
        """Where files are found that are published as this type."""
        root = self.farm.root / "www"
        root.mkdir(exist_ok=True)
        if "web" not in self.farm.processes:
            config = self.farm.root / "web.yaml"
            config.write_text(f"static-root: {root}\n")
            self.farm.start_agent("web", groups="web", config=config)
            self.farm.wait_for_machines(["web"])
        page = make_tar(self.farm.root / "page.tar", [("index.html", b"page", 0o644)])
        self.fresh({"name": "page", "downloadurl": str(page), "deploytype": type_, "machines": "web",
                    **({"statictargetdir": str(target)} if target else {})})
        return {str(each.relative_to(root)) for each in root.glob("**/index.html")} | {
            f"{each.relative_to(root)}/index.html" for each in root.glob("**/*")
            if each.is_symlink() and (each / "index.html").exists()}

    def check_deploytype(self):
        self.assertTrue(any(each.endswith("/page/index.html") for each in self.files("webpackage")))
        self.assertIn("by-name/index.html", self.files("staticfiles", self.farm.root / "www" / "by-name"))

    def check_statictargetdir(self):
        for name in "one", "two":
            self.assertIn(f"{name}/index.html", self.files("staticfiles", self.farm.root / "www" / name))

    def check_critical(self):
        """When the last of eight programs is fetched, of which three are at once."""
        self.farm.start_agent("solo", groups="solo")
        self.farm.wait_for_machines(["solo"])

        def turn(critical):
            directory = self.farm.root / f"eight-{critical}"
            directory.mkdir()
            names = [f"p{n}" for n in range(7)] + ["z"]
            for name in names:
                (directory / name).write_text(f"#!/bin/sh\n# {name} {critical}\n{IDLE}\n")
            url = self.farm.serve_files(directory, "--delay", "0.5")
            asked = self.farm.root / f"{list(self.farm.processes)[-1]}.requests"
            self.fresh(*(application(name=name, downloadurl=f"{url}/{name}", binary=name, args=[], instances=1,
                                     machines="solo", rollout=SOON, critical=critical and name == "z")
                         for name in names))
            lines = asked.read_text().splitlines()
            return next(n for n, line in enumerate(lines) if "/z" in line)
        self.assertLessEqual(turn(True), 3)
        self.assertGreater(turn(False), 3)

    def check_java(self):
        if not shutil.which("ecj"):
            self.skipTest("ecj, which compiles Java, is not installed")
        main = java_archive(self.farm.root)
        java = {"name": None, "java": True, "binary": "shop.Main", "rollout": SOON,
                "env": {"JAVA_TOOL_OPTIONS": "-Xmx64m -Dfrom=env"}, "instances": 1, "args": ["a", "${PORT1}"]}
        row = self.row(application(downloadurl=str(main), **java))
        self.assertEqual(row["application"], "shop.Main")
        printed = wait_until(lambda: "hello" in (said := self.farm.deploy("logs", row["id"]).stdout) and said,
                             "it has printed something")
        self.assertIn(f"hello env a {row['ports'][0]}", printed)
        group = self.fresh(application(**{**java, "downloadurl": str(make_tar(
            self.farm.root / "none.tar", [("a.txt", b"none", 0o644)]))}), expect=1)
        self.assertTrue(any("cannot run the main class shop.Main: what was downloaded has no *.jar" in event["reason"]
                            for event in self.told(group, type="instance.state", to="failed")))

    def check_discardlog(self):
        self.assertIn("hello", self.output(shell(f"echo hello; {IDLE}", rollout=SOON)))
        kept = self.farm.deploy("logs", self.row(shell(f"echo hello; {IDLE}", rollout=SOON,
                                                       discardlog=True))["id"], expect=None)
        self.assertNotIn("hello", kept.stdout)

    def check_limits__maxmemory(self):
        for megabytes in 200, 300:
            self.assertIn(str(megabytes * 1024), self.output(shell(
                f"ulimit -v; {IDLE}", rollout=SOON, limits={"maxmemory": megabytes})))

    def with_limits(self, limits, look):
        """What `look` finds of an instance with these limits, which then goes: so many are on few machines."""
        group = self.fresh(shell(f"ulimit -n; ulimit -c; {IDLE}", rollout=SOON, limits=limits))
        try:
            return look(self.farm.instances(group)[0]["id"])
        finally:
            self.farm.deploy("undeploy", group)

    def check_group_file(self, values, *names):
        """Each of (limits, what the kernel was told in the file of the instance's control group that has one of these
        names); where it has none, nothing is to be seen."""
        def look(id_):
            return [(path / name).read_text().split() for path in limits_test.groups(id_) for name in names
                    if (path / name).exists()]
        for limits, text in values:
            for found in self.with_limits(limits, look):
                self.assertIn(text, found)

    def check_printed(self, values):
        def look(id_):
            return wait_until(lambda: self.farm.deploy("logs", id_).stdout.split(), "it prints its limits")
        for limits, text in values:
            self.assertIn(text, self.with_limits(limits, look))

    def check_limits__maxkillmemory(self):
        self.check_group_file([({"maxkillmemory": n}, str(n << 20)) for n in (50, 60)],
                              "memory.max", "memory.limit_in_bytes")

    def check_limits__maxswapmemory(self):
        self.check_group_file([({"maxkillmemory": 50, "maxswapmemory": n},
                                str((n if limits_test.UNIFIED else 50 + n) << 20)) for n in (0, 10)],
                              "memory.swap.max", "memory.memsw.limit_in_bytes")

    def check_limits__cpu(self):
        self.check_group_file([({"cpu": f"{n}%"}, str(n * 1000)) for n in (50, 200)], "cpu.max", "cpu.cfs_quota_us")

    def check_limits__processes(self):
        self.check_group_file([({"processes": n}, str(n)) for n in (30, 40)], "pids.max")

    def check_limits__openfiles(self):
        self.check_printed([({"openfiles": n}, str(n)) for n in (50, 60)])

    def check_limits__coresize(self):
        self.check_printed([({"coresize": n}, str(n * 2048)) for n in (1, 2)])

    def check_limits__priority(self):
        for nice in 3, 5:
            self.assertIn(f"nice {nice}", self.output(shell(
                f"echo nice $(nice); {IDLE}", rollout=SOON, limits={"priority": nice})))

    def check_rollout__parallel(self):
        def ready_when_last_began(parallel):
            app = shell(IDLE, instances=3, rollout={
                "parallel": parallel, "min_ready": "100ms", "deadline": "20s"})
            # The first instances of a group start all at once.
            group = self.fresh(app)
            path = self.write(app, group=group.split("/")[1])
            self.new_build(path, 1000 + parallel)
            began = max(self.times(group, to="starting"))
            return sum(ready < began for ready in self.times(group, to="ready")) - 3
        self.assertEqual(ready_when_last_began(3), 0)
        self.assertEqual(ready_when_last_began(1), 2)

    def check_rollout__min_ready(self):
        def waited(min_ready):
            group = self.fresh(shell(IDLE, rollout={"min_ready": min_ready, "deadline": "20s"}))
            return self.times(group, to="ready")[0] - self.times(group, to="running")[0]
        self.assertLess(waited("50ms"), 1.5)
        self.assertGreaterEqual(waited("1500ms"), 1.4)

    def check_rollout__deadline(self):
        def reason(deadline):
            group = f"g{self.builds + 1}"
            rules = {"min_ready": "1s", "deadline": deadline}
            self.fresh(shell(IDLE, rollout=rules), wait=False)
            wait_until(lambda: self.told(f"shop/{group}", to="running"), "it runs")
            for name in self.agents:
                self.farm.processes[name].send_signal(signal.SIGSTOP)
            ends = wait_until(lambda: self.told(f"shop/{group}", phase="stopping_new"), "it is given up")
            for name in self.agents:
                self.farm.processes[name].send_signal(signal.SIGCONT)
            return ends[0]["reason"]
        self.assertIn("not ready within 2 s", reason("2s"))
        self.assertIn("not ready within 3 s", reason("3s"))

    def check_rollout__order(self):
        def running_at_once(order):
            app = shell(IDLE, limits=SMALL, rollout={**SOON, "order": order})
            group = self.fresh(app)
            self.new_build(self.write(app, group=group.split("/")[1]), 2000)
            gone = self.times(group, to="stopped")[0]
            return max(self.times(group, to="starting")) < gone
        self.assertTrue(running_at_once("start-first"))
        self.assertFalse(running_at_once("stop-first"))

    def check_rollout__canary(self):
        app = shell(IDLE, limits=SMALL, instances=2, rollout={**SOON, "canary": 1})
        group = self.fresh(app)
        self.new_build(self.write(app, group=group.split("/")[1]), 2000, "--no-wait")
        wait_until(lambda: self.told(group, phase="starting") and
                   self.farm.json("status", group)["groups"][0]["rollout"]["waits_for"] == "promote", "it asks")
        self.farm.deploy("promote", group)
        self.assertEqual({row["build"] for row in self.farm.instances(group, "ready")}, {2000})

    def check_rollout__auto_revert(self):
        def left(auto_revert):
            app = shell(IDLE, limits=SMALL, rollout=SOON)
            group = self.fresh(app)
            broken = shell("exit 3", limits=SMALL, rollout={**SOON, "auto_revert": auto_revert})
            self.new_build(self.write(broken, group=group.split("/")[1]), 2000, expect=1)
            return [row for row in self.farm.json("instances", group) if row["build"] == 2000]
        self.assertEqual(len(left(False)), 1)
        self.assertEqual(left(True), [])

    def check_rollout__fetch_deadline(self):
        url = self.farm.serve_files(self.farm.root, "--rate", "2")
        self.program("slow", "x")
        for deadline in "1s", "2s":
            group = self.fresh(application(name=None, downloadurl=f"{url}/slow", binary="run", args=[], instances=1,
                                           rollout={**SOON, "fetch_deadline": deadline}), expect=1)
            reason = self.told(group, phase="stopping_new")[0]["reason"]
            self.assertIn(f"did not fetch its artifact within {deadline[0]} s", reason)

    def restarts_of(self, script, **restart):
        """How often it was started again before it was given up, and the longest wait before that."""
        group = self.fresh(shell(script, rollout={**SOON, "min_ready": "0s"}, restart=restart))

        def stays_ended():
            before = self.farm.instances(group)
            time.sleep(0.3)
            return before == self.farm.instances(group) and before[0]["state"] in ("failed", "stopped")
        wait_until(stays_ended, "it is not started again")
        return self.farm.instances(group)[0]["restarts"]

    def check_restart__policy(self):
        rules = {"backoff": "10ms..10ms", "give_up_after": "3 in 10m"}
        end = "sleep 0.3; exit {}"
        self.assertEqual(self.restarts_of(end.format(1), policy="never", **rules), 0)
        self.assertEqual(self.restarts_of(end.format(0), policy="on-failure", **rules), 0)
        self.assertGreater(self.restarts_of(end.format(1), policy="on-failure", **rules), 0)
        self.assertGreater(self.restarts_of(end.format(0), policy="always", **rules), 0)

    def check_restart__give_up_after(self):
        few, many = (self.restarts_of("sleep 0.3; exit 1", backoff="10ms..10ms", give_up_after=f"{n} in 10m")
                     for n in (2, 4))
        self.assertEqual(many - few, 2)

    def check_restart__backoff(self):
        def waited(backoff):
            group = self.fresh(shell("sleep 0.3; exit 1", rollout={**SOON, "min_ready": "0s"},
                                     restart={"backoff": backoff, "give_up_after": "never"}))
            wait_until(lambda: self.farm.instances(group)[0]["restarts"] > 0, "it was started again")
            starts = self.times(group, to="starting")
            self.farm.deploy("undeploy", group)
            return starts[1] - starts[0]
        self.assertLess(waited("10ms..10ms"), 1.5)
        self.assertGreaterEqual(waited("1500ms..1500ms"), 1.6)

    def check_stop__signal(self):
        for name, other in ("TERM", "HUP"), ("HUP", "TERM"):
            said = self.farm.root / f"said-{name}"
            said.touch()
            said.chmod(0o666)
            group = self.fresh(shell(
                f"trap 'echo {name} > {said}; exit 0' {name}; trap 'echo {other} > {said}; exit 0' {other}; "
                "while :; do sleep 0.05; done", rollout=SOON, stop={"signal": name}))
            self.farm.deploy("undeploy", group)
            self.assertEqual(said.read_text().strip(), name)

    def check_stop__timeout(self):
        def waited(timeout):
            group = self.fresh(shell("trap '' TERM; while :; do sleep 0.05; done", rollout=SOON,
                                     stop={"timeout": timeout}))
            seq = max(event["seq"] for event in self.told(group))
            self.farm.deploy("undeploy", group)
            times = [datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()
                     for event in self.told(group) if event["seq"] > seq]
            return max(times) - min(times)
        self.assertLess(waited("100ms"), 1.5)
        self.assertGreaterEqual(waited("2s"), 2)

    def check_stop__to(self):
        """Whether what the main process waits for is told while that goes on."""
        def told(to):
            said = self.farm.root / f"said-to-{to}"
            said.touch()
            said.chmod(0o666)
            group = self.fresh(shell(
                f"sh -c \"trap 'echo told > {said}; exit 0' TERM; while :; do sleep 0.05; done\" & "
                "trap : TERM; while :; do sleep 0.05; done",
                rollout=SOON, stop={"to": to, "timeout": "500ms"}))
            self.farm.deploy("undeploy", group)
            return said.read_text().strip()
        self.assertEqual((told("main"), told("all")), ("", "told"))

    def is_healthy(self, health, app=None, within="3s"):
        """Whether an instance with this check gets ready."""
        rollout = {**SOON, "deadline": within}
        group = self.fresh({**(app or application(instances=1)), "health": health, "rollout": rollout}, expect=None)
        rows = self.farm.instances(group)
        # What failed never was deployed.
        self.farm.deploy("undeploy", group, expect=None)
        return [row["state"] for row in rows] == ["ready"]

    def check_health(self):
        self.assertTrue(self.is_healthy("none", shell(IDLE)))
        self.assertFalse(self.is_healthy({"tcp": 1}, shell(IDLE)))

    def check_health__http(self):
        self.assertTrue(self.is_healthy({"http": "/etc/hostname"}))
        self.assertFalse(self.is_healthy({"http": "/no-such-file"}))

    def check_health__port(self):
        two = application(instances=1, args=["httpd", "-f", "-p", "${PORT2}", "-h", "/"])
        self.assertTrue(self.is_healthy({"http": "/etc/hostname", "port": 2}, two))
        self.assertFalse(self.is_healthy({"http": "/etc/hostname", "port": 1}, two))

    def check_health__tcp(self):
        self.assertTrue(self.is_healthy({"tcp": 1}))
        self.assertFalse(self.is_healthy({"tcp": 2}))

    def check_health__exec(self):
        self.assertTrue(self.is_healthy({"exec": ["sh", "-c", "exit 0"]}))
        self.assertFalse(self.is_healthy({"exec": ["sh", "-c", "exit 1"]}))

    def check_health__notify(self):
        say = ("import os, socket, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); "
               "s.connect(os.environ['NOTIFY_SOCKET']); s.send(b'{}'); time.sleep(1000)")
        self.assertTrue(self.is_healthy({"notify": True}, shell(f'exec python3 -c "{say.format("READY=1")}"')))
        self.assertFalse(self.is_healthy({"notify": True}, shell(f'exec python3 -c "{say.format("READY=0")}"')))

    def check_health__timeout(self):
        slow = ["sh", "-c", "sleep 0.5"]
        self.assertTrue(self.is_healthy({"exec": slow, "timeout": "3s"}, within="8s"))
        self.assertFalse(self.is_healthy({"exec": slow, "timeout": "100ms"}))

    def restarts_within(self, health, seconds):
        """How often what is healthy for a second only is restarted."""
        group = self.fresh(shell("touch good; sleep 1; rm good; exec sleep 1000", health={
            "exec": ["test", "-e", "good"], **health}, rollout={**SOON, "min_ready": "0s"},
            restart={"backoff": "1m..1m"}))
        time.sleep(seconds)
        restarting = self.farm.instances(group)[0]["state"] == "failed"
        self.farm.deploy("undeploy", group)
        return restarting

    def check_health__interval(self):
        self.assertTrue(self.restarts_within({"interval": "100ms", "failures": 2}, 3))
        self.assertFalse(self.restarts_within({"interval": "1m", "failures": 2}, 3))

    def check_health__failures(self):
        self.assertTrue(self.restarts_within({"interval": "100ms", "failures": 1}, 3))
        self.assertFalse(self.restarts_within({"interval": "100ms", "failures": 100}, 3))

    def check_health__watchdog(self):
        say = ("import os, socket, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); "
               "s.connect(os.environ['NOTIFY_SOCKET']); s.send(b'READY=1'); time.sleep(1000)")
        for watchdog, restarted in ({}, False), ({"watchdog": "500ms"}, True):
            group = self.fresh(shell(f'exec python3 -c "{say}"', health={"notify": True, **watchdog},
                                     rollout={**SOON, "min_ready": "0s"}, restart={"backoff": "1m..1m"}))
            time.sleep(2)
            self.assertEqual(self.farm.instances(group)[0]["state"] == "failed", restarted)

    def services_of(self, **changes):
        entry = {"portdef": "${PORT1}", "servicename": "shop.Web", "apitypes": "http", **changes}
        row = self.row(shell(f"{IDLE}; : ${{PORT1}} ${{PORT2}}", rollout=SOON, autoregs=[entry]))
        return row["ports"], row["services"]

    def check_autoregs(self):
        ports, services = self.services_of()
        self.assertEqual(services, [{"name": "shop.Web", "port": ports[0], "types": ["http"]}])

    def check_autoregs__portdef(self):
        ports, services = self.services_of(portdef="${PORT2}")
        self.assertEqual(services[0]["port"], ports[1])

    def check_autoregs__servicename(self):
        self.assertEqual(self.services_of(servicename="shop.Other")[1][0]["name"], "shop.Other")

    def check_autoregs__apitypes(self):
        self.assertEqual(self.services_of(apitypes="grpc, status")[1][0]["types"], ["grpc", "status"])

    # -- all of them ------------------------------------------------------------------------------

    def test_every_documented_key_makes_a_difference(self):
        keys = documented("The file and its groups") | documented("An application")
        self.assertGreater(len(keys), 35)
        for key in sorted(keys):
            with self.subTest(key=key):
                getattr(self, "check_" + key.replace("[]", "").replace(".", "__"))()

    def test_a_key_that_is_not_supported_is_refused_unless_it_asks_for_nothing(self):
        asking = {"asroot": True, "container": True, "${SECURE-NAME}": None}
        self.assertEqual(documented("Not supported yet"), asking.keys())
        for key, value in asking.items():
            changes = {"env": {"A": "${SECURE-NAME}"}} if value is None else with_key(key, value)
            with self.subTest(key=key):
                done = self.new_build(self.write(shell(IDLE, **changes)), 1, expect=2)
                self.assertIn("expected", done.stderr)


if __name__ == "__main__":
    case.main()
