"""What becomes of the agent's files costs at most what they describe: the table of agent/README.md, and
every hint that leads out."""

import hashlib
import os
import pathlib
import re
import shutil
import signal
import time

import case
from case import BUSYBOX, Case, application, make_tar
from farm import Farm, start_time, wait_until

README = pathlib.Path(__file__).resolve().parents[2] / "agent" / "README.md"
HASH = re.compile(r"^[0-9a-f]{64}$")
OFFSET = re.compile("[0-9a-f]{16}$")


def documented():
    return re.findall(r"^\| `([^`]+)` \|", README.read_text(), re.M)


def flip(path):
    data = path.read_bytes() or b"\0"
    middle = len(data) // 2
    with path.open("r+b") as file:
        file.seek(middle)
        file.write(bytes([data[middle] ^ 0x55]))


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    os.truncate(path, 0)


def gone(path):
    # What is made anew meanwhile may stay.
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


class Damage(Case):
    agents = []

    def connections(self, name):
        return self.farm.log(name).count("agent is connected")

    def restart(self, names, sig=signal.SIGKILL, meanwhile=lambda: None):
        for name in names:
            self.farm.end(name, sig)
        known = {name: self.connections(name) for name in names}
        meanwhile()
        for name in names:
            self.farm.start_agent(name)
        for name in names:
            wait_until(lambda: self.connections(name) > known[name], f"{name} is connected")

    def archive(self):
        # Its file in the cache is none that a program runs from.
        return str(make_tar(self.farm.root / "web.tar", [("busybox", None, 0o755)]))

    def deploy_everywhere(self, names, **changes):
        for name in names:
            self.farm.start_agent(name)
        self.farm.wait_for_machines(names)
        self.path = self.write(application(**{
            "downloadurl": self.archive(), "strategy": "one-per-machine", "instances": 1,
            "restart": {"backoff": "100ms..1s"}, **changes}))
        self.new_build(self.path, 1)

    def rows(self):
        return {row["machine"]: row for row in self.farm.instances("shop/web")}


class Table(Damage):
    """Each row of the table has a machine of its own, so all are walked at once."""

    def file(self, pattern):
        """The file of a row, on its own machine."""
        machine = self.machines[pattern]
        instance = self.rows()[machine]["id"]
        path = self.farm.root / machine / pattern.replace("ID", instance)
        if path.name == "HASH":
            path, = (each for each in path.parent.iterdir() if HASH.match(each.name))
        if path.name == "OFFSET":
            path, = path.parent.iterdir()
        return path

    def shape(self, path, machine):
        """The row that a file belongs to."""
        instance = self.rows()[machine]["id"]
        parts = path.relative_to(self.farm.root / machine).as_posix().replace(instance, "ID").split("/")
        parts = ["HASH" if HASH.match(each) else "OFFSET" if OFFSET.match(each) else each for each in parts]
        return "/".join(parts[:4] if parts[:2] == ["lib", "instances"] else parts)

    def test_the_table_of_the_agents_files(self):
        patterns = [each for each in documented() if not each.endswith(("stopped-with-machine", "ID.end", "trees/N"))]
        self.machines = {pattern: f"m{number:02}" for number, pattern in enumerate(patterns)}
        names = list(self.machines.values())
        self.deploy_everywhere(names)
        before = self.pids()
        files = {pattern: self.file(pattern) for pattern in patterns}
        found = {self.shape(path, names[0]) for path in (self.farm.root / names[0]).rglob("*")
                 if path.is_file()}
        self.assertLessEqual(found, set(patterns), "files that the table does not have")

        for damage in flip, cut, empty, gone:
            for restart in self.damaged_while_there, self.damaged_while_away:
                with self.subTest(f"{damage.__name__}, {restart.__name__}"):
                    # What a row made anew may not be there yet, or no more.
                    restart(names, lambda: [damage(path) for path in files.values()
                                            if path.is_file() or (damage is gone and path.exists())])
                    wait_until(lambda: self.pids() == before, "the instances are ready as they were")
        self.assertEqual({(row["restarts"], row["exit"]) for row in self.rows().values()}, {(0, None)})
        self.assertEqual(self.farm.log(self.machines["lib/journal/agent"]).count(
            "journal has lost what the agent held"), 8)

        # None of them is believed to run that does not, and all can be started again.
        for _, pid, _ in before:
            os.kill(pid, signal.SIGSEGV)
        wait_until(lambda: {(row["state"], row["restarts"], row["exit"]) for row in self.rows().values()}
                   == {("ready", 1, 128 + signal.SIGSEGV)}, "all are ready again", 30)
        self.undeploy_and_check()

    def damaged_while_there(self, names, damage):
        damage()
        self.restart(names, signal.SIGTERM)

    def damaged_while_away(self, names, damage):
        self.restart(names, meanwhile=damage)


class Trees(Damage):
    """The row that the walk leaves out: an unpacked artifact that several instances share, for a minute."""

    def setUp(self):
        super().setUp()
        self.content = bytes(range(256)) * 64
        archive = make_tar(self.farm.root / "shared.tar", [("busybox", None, 0o755), ("data", self.content, 0o644)])
        # With its sum the next build takes the same file of the cache.
        self.deploy_everywhere(["w1"], downloadurl=str(archive), strategy="spread", instances=2,
                               sha256=hashlib.sha256(archive.read_bytes()).hexdigest())
        self.build = 1

    def tree(self):
        tree, = (self.farm.root / "w1/lib/trees").iterdir()
        return tree

    def next_build_is_right(self):
        """Its instances have the artifact as it is."""
        self.build += 1
        self.new_build(self.path, self.build)
        rows = self.ready()
        self.assertEqual([row["build"] for row in rows], [self.build] * 2)
        for row in rows:
            home = self.farm.root / "w1/lib/instances" / row["id"] / "home"
            self.assertEqual((home / "data").read_bytes(), self.content)

    def test_a_tree_that_is_as_it_was_is_used_again(self):
        before = self.tree()
        self.next_build_is_right()
        self.assertEqual(self.tree(), before)

    def test_a_tree_that_was_damaged_is_unpacked_anew(self):
        for damage in flip, cut, empty, gone:
            for away in False, True:
                with self.subTest(damage=damage.__name__, away=away):
                    before, pids = self.tree(), self.pids()
                    if away:
                        self.restart(["w1"], meanwhile=lambda: damage(before / "data"))
                    else:
                        damage(before / "data")
                    self.assertEqual(self.pids(), pids)
                    self.next_build_is_right()
                    self.assertNotEqual(self.tree(), before)
        gone(self.tree())
        self.next_build_is_right()
        gone(self.farm.root / "w1/lib/trees")
        self.next_build_is_right()
        self.undeploy_and_check()


class Hints(Damage):
    def is_refused(self, name, why):
        wait_until(lambda: why in self.farm.log(name), f"{name} is refused: {why}")

    def test_a_machine_that_was_installed_anew_comes_back_with_a_new_key(self):
        self.deploy_everywhere(["w1"])
        before = self.pids()
        self.farm.end("w1", signal.SIGKILL)
        for pid, _ in self.farm.living():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.farm.root / "w1")
        (self.farm.root / "w1.key").rename(self.farm.root / "old.key")
        refused = self.farm.deploy("key", "new", "w1", "--role", "agent", "--output",
                                   self.farm.root / "w1.key", expect=1)
        self.assertIn("`deploy key revoke w1`", refused.stderr)
        self.farm.deploy("key", "revoke", "w1")
        self.farm.start_agent("w1")
        wait_until(self.ready, "the instance is ready again")
        self.assertFalse(self.pids() & before)
        self.undeploy_and_check()

    def test_a_machine_whose_key_was_revoked_comes_back_with_another(self):
        self.deploy_everywhere(["w1"])
        before = self.pids()
        self.farm.deploy("key", "revoke", "w1")
        (self.farm.root / "w1.key").rename(self.farm.root / "old.key")
        self.is_refused("w1", "`deploy key new` makes one")
        self.restart(["w1"])
        wait_until(lambda: self.pids() == before, "the instance is as it was")

    def test_a_machine_whose_server_came_back_with_an_older_store_can_leave_the_farm(self):
        self.deploy_everywhere(["w1"])
        self.farm.end("deployminator")
        store = self.farm.root / "deployminator.sqlite"
        older = shutil.copy(store, self.farm.root / "older.sqlite")
        self.farm.start_server()
        self.farm.wait_for_machines(["w1"])
        self.new_build(self.write(name="other.yaml", group="other"), 1)
        self.farm.end("deployminator")
        shutil.copy(older, store)
        self.farm.start_server()
        self.is_refused("w1", "`autodeployer --leave-farm`")
        self.farm.end("w1")
        self.farm.run("autodeployer", "--leave-farm", "--root", self.farm.root / "w1")
        self.farm.start_agent("w1")
        wait_until(self.ready, "what the older store knows of is ready")
        self.undeploy_and_check()

    def test_a_job_is_not_run_twice_when_its_starter_and_state_are_lost(self):
        self.deploy_everywhere(["w1"], alwayson=False, restart={"policy": "never"},
                               args=["sh", "-c", "echo run >> runs; sleep 1000"])
        row, = self.ready()
        home = self.farm.root / "w1/lib/instances" / row["id"]
        starter = int(pathlib.Path(f"/proc/{row['pid']}/stat").read_text().rsplit(")", 1)[1].split()[1])

        def lose():
            os.kill(starter, signal.SIGKILL)
            wait_until(lambda: start_time(row["pid"]) is None, "the program dies with it")
            (home / "state").unlink()

        self.restart(["w1"], meanwhile=lose)
        wait_until(lambda: "how it ended is not known" in self.rows()["w1"]["reason"], "it is over")
        time.sleep(0.3)
        self.assertEqual((home / "home/runs").read_text().split(), ["run"])


class WithoutKeys(Damage):
    def setUp(self):
        self.farm = Farm(case.OPTIONS.bin, keys=False)
        self.addCleanup(self.finish)
        self.farm.start([])

    def start_as(self, process, name):
        """An agent on the directory of `process`, under a name that may be another one's."""
        self.farm.spawn(process, [
            self.farm.binaries / "autodeployer", "--keys", "none", "--server", self.farm.server_url,
            "--name", name, "--groups", "worker", "--root", self.farm.root / process])

    def test_an_empty_directory_is_not_taken_for_the_machine(self):
        self.deploy_everywhere(["w1"])
        before = self.pids()
        self.start_as("w2", "w1")
        wait_until(lambda: "give this agent another --name" in self.farm.log("w2"), "it is refused")
        self.farm.end("w1", signal.SIGKILL)
        wait_until(lambda: "or from the directory of the first" in self.farm.log("w2"), "it is refused")
        self.farm.end("w2")
        self.start_as("w2", "w2")
        self.farm.start_agent("w1")
        self.farm.wait_for_machines(["w1", "w2"])
        wait_until(lambda: self.pids() >= before, "the instance is as it was")


if __name__ == "__main__":
    case.main()
