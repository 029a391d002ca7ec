"""The Debian packages on real machines: what systemd, apt and a reboot do to a farm."""

import json
import pathlib
import shutil
import time
import unittest

import case
import machines
from case import make_tar
from farm import wait_until

NEXT_OF_SERVER = "deployminator --init --advertise tcp://HOST:4001 && systemctl enable --now deployminator"
NEXT_OF_AGENT = "systemctl enable --now autodeployer"
MEMORY_ONLY = ["proc", "sys", "dev", "run", "tmp"]
# What changes on a machine whatever is installed.
NOT_OURS = ["/var/log/journal", "/var/log/apt", "/var/log/dpkg.log", "/var/log/wtmp", "/var/lib/dpkg",
            "/var/lib/apt", "/var/lib/systemd", "/var/cache/apt", "/var/cache/debconf", "/var/tmp",
            "/var/log/alternatives.log", "/etc/group-", "/etc/gshadow-", "/etc/passwd-",
            "/etc/shadow-", "/etc/.pwd.lock", "/root", "/var/cache/ldconfig", "/etc/.updated",
            "/var/.updated", "/var/log/btmp", "/var/log/lastlog"]

PROGRAM = b"""\
#!/bin/sh
# Says what signal ended it, and takes its time.
exec 2>/dev/null
end() { echo "got $1"; sleep "$SLOWNESS"; echo ended; exit 0; }
trap 'end USR1' USR1
trap '[ "$STUBBORN" ] && echo "ignores TERM" || end TERM' TERM
echo begins
while :; do sleep 1000 & wait $!; done
"""


def application(name, signal, timeout, instances=1, host="127.0.0.1", **env):
    return {"repository": "shop", "name": name, "downloadurl": f"http://{host}:8080/build.tar",
            "binary": "run", "args": ["${PORT1}"], "instances": instances, "env": env,
            "rollout": {"parallel": "100%", "min_ready": "300ms", "deadline": "20s"},
            "stop": {"signal": signal, "timeout": timeout}}


PUBLIC_PORTS = """\
applications:
- matcher: {binary: run}
  actionports:
  - {portindex: 1, publicport: 80}
"""

def group(*applications):
    return {"namespace": "shop", "groups": [{"groupid": "web", "applications": list(applications)}]}


MIXED = group(application("polite", "USR1", "20s", instances=2, SLOWNESS="1"),
              application("stubborn", "TERM", "2s", SLOWNESS="0", STUBBORN="yes"))


def setUpModule():
    """The packages of this build, those of the next release, and the machines' base."""
    if machines.missing():
        return
    Case.room = machines.Room()
    unittest.addModuleCleanup(Case.room.close)
    directory = Case.room.directory("packages")
    Case.packages = machines.build_packages(pathlib.Path(case.OPTIONS.bin).parent, directory)
    Case.next = {name: machines.next_version(path, directory) for name, path in Case.packages.items()}
    Case.room.unpack(machines.base_tarball(Case.packages.values()))


@unittest.skipIf(machines.missing(), machines.missing())
class Case(unittest.TestCase):
    """A machine that has booted, with nothing of ours."""

    def setUp(self):
        self.farm = machines.Farm(self.room)
        self.addCleanup(self.finish)
        self.machine = self.farm.add("m1")
        self.machine.boot()

    def finish(self):
        outcome = getattr(self, "_outcome", None)
        if outcome and outcome.result and any(
                test is self for test, _ in outcome.result.failures + outcome.result.errors):
            for machine in self.farm.machines.values():
                machine.show_logs()
        self.farm.close()

    def install(self, *names):
        return self.machine.install(*[self.packages[name] for name in names or self.packages])

    def be_a_farm(self):
        """Server and agent run, on loopback."""
        for file in "deployminator", "cnw/autodeployer", "deploy":
            self.machine.write(f"/etc/{file}/config.yaml", "keys: none\n")
        self.machine.run("systemctl", "enable", "--now", "deployminator", "autodeployer")
        wait_until(lambda: [row["state"] for row in self.machine.json("machines")] == ["ready"],
                   "the machine is ready")

    def new_build(self, deploy_file, host="127.0.0.1"):
        m = self.machine
        m.path("/srv").mkdir(exist_ok=True)
        make_tar(m.path("/srv/build.tar"), [("run", PROGRAM, 0o755)])
        m.run("systemd-run", "-q", "--unit=builds", "busybox", "httpd", "-f", "-p", f"{host}:8080",
              "-h", "/srv")
        m.write("/srv/deploy.yaml", json.dumps(deploy_file))
        m.deploy("new-build", "/srv/deploy.yaml", "--build", "1")

    def programs(self, machine=None):
        """Pid and start time of every instance's program and starter."""
        return {process for process, command in (machine or self.machine).processes().items()
                if "/var/lib/autodeployer/instances/" in command}

    def wait_for_programs(self, deadline=30):
        """Until the three instances run; each is a program and a starter."""
        wait_until(lambda: len(self.programs()) == 6, "three instances run", deadline)

    def outputs(self):
        """The lines each instance has printed, by its name."""
        logs = self.machine.path("/var/log/autodeployer").glob("*.log")
        # Each line is behind its time and its stream.
        return {log.stem: [line.split(" ", 2)[2] for part in sorted(log.iterdir())
                           for line in part.read_text().splitlines()] for log in logs}

    def check_stopped_in_order(self):
        outputs = self.outputs()
        self.assertEqual(len(outputs), 3)
        for name, lines in outputs.items():
            expected = ["begins", "ignores TERM"] if name.startswith("stubborn") \
                else ["begins", "got USR1", "ended"]
            self.assertEqual(lines, expected, name)

    def files(self):
        """Everything on the machine's disk that may be ours."""
        out = set()
        for top in self.machine.root.iterdir():
            if top.name not in MEMORY_ONLY:
                out |= {"/" + str(path.relative_to(self.machine.root)) for path in top.rglob("*")}
        return {path for path in out if not any(path == other or path.startswith(other + "/")
                                                for other in NOT_OURS)}


class Installing(Case):
    def test_installing_starts_nothing_and_says_what_is_next(self):
        said = self.install()
        self.assertIn(NEXT_OF_SERVER, said)
        self.assertIn(NEXT_OF_AGENT, said)
        self.assertIn("/etc/cnw/autodeployer/machine.key", said)
        # As the first boot of a machine made of an image does.
        self.machine.run("systemctl", "preset-all", "--preset-mode=enable-only")
        self.machine.shut_down()
        self.machine.boot()
        for unit in "deployminator", "autodeployer", "autodeployer-instances":
            self.assertFalse(self.machine.is_active(unit), unit)
        again = self.machine.apt("install", "--reinstall", "/var/tmp/" + self.packages["autodeployer"].name)
        self.assertIn(NEXT_OF_AGENT, again)

    def test_purging_what_was_never_used_leaves_nothing(self):
        before = self.files()
        self.install()
        self.machine.apt("purge", "autodeployer", "deployminator", "deploy")
        self.assertEqual(self.files() - before, set())
        self.assertNotIn("deployminator", self.machine.read("/etc/passwd"))

    def test_the_server_is_a_user_of_its_own_who_can_write_to_its_store_only(self):
        self.install()
        self.be_a_farm()
        m = self.machine
        pid = m.pid_of("deployminator")
        user = m.run("id", "-u", "deployminator").strip()
        status = m.run("cat", f"/proc/{pid}/status")
        self.assertRegex(status, rf"Uid:\t{user}\t{user}\t{user}\t{user}\n")
        self.assertRegex(status, r"CapBnd:\t0+\n")
        mounts = m.run("cat", f"/proc/{pid}/mountinfo")
        self.assertRegex(mounts, r" / / ro[, ]")
        self.assertRegex(mounts, r" /var/lib/deployminator rw[, ]")
        self.assertEqual(m.run("stat", "-c", "%a %U", "/var/lib/deployminator").strip(),
                         "700 deployminator")
        # Whoever made the keys, the server can read them.
        m.write("/etc/deployminator/keys/server.key", "secret\n", 0o600)
        m.run("systemctl", "restart", "deployminator")
        self.assertEqual(m.run("stat", "-c", "%a %U", "/etc/deployminator/keys/server.key").strip(),
                         "600 deployminator")

    def test_wrong_settings_end_a_service_once_and_say_why(self):
        self.install()
        self.machine.write("/etc/deployminator/config.yaml", "lisen: tcp://127.0.0.1:4001\n")
        self.machine.run("systemctl", "start", "deployminator", check=False)
        # Not `activating`, which waits for the next attempt.
        self.assertEqual(self.machine.run("systemctl", "is-active", "deployminator",
                                          check=False).strip(), "failed")
        self.assertIn("config.yaml:1:1: ", self.machine.journal("deployminator"))

    def test_manual_pages_and_completion_are_there(self):
        self.install()
        for page in "man1/deploy.1", "man5/deploy.yaml.5", "man8/deployminator.8", "man8/autodeployer.8":
            text = self.machine.run("zcat", f"/usr/share/man/{page}.gz")
            self.assertIn(".SH NAME", text)
        offered = self.machine.run("bash", "-c", """
            . /usr/share/bash-completion/completions/deploy
            COMP_WORDS=(deploy --keys none roll); COMP_CWORD=3; _deploy; echo "${COMPREPLY[*]}"
            COMP_WORDS=(deploy rollback --n); COMP_CWORD=2; _deploy; echo "${COMPREPLY[*]}" """)
        self.assertEqual(offered.splitlines(), ["rollback", "--no-wait"])

    @unittest.skipUnless(shutil.which("lintian"), "lintian is not installed")
    def test_lintian_finds_no_errors(self):
        said = machines.run("lintian", "--tag-display-limit", "0", *self.packages.values(),
                            check=False, deadline=120)
        self.assertNotRegex(said, r"(?m)^E:")


class Running(Case):
    """A machine that is server and agent, with three instances."""

    def setUp(self):
        super().setUp()
        self.before = self.files()
        self.install()
        self.be_a_farm()
        self.new_build(MIXED)
        self.wait_for_programs()
        self.started = self.programs()

    def check_untouched(self, what):
        """The server has an agent, and all instances are the processes they were."""
        wait_until(lambda: [row["state"] for row in self.machine.json("instances")] == ["ready"] * 3,
                   f"all instances are ready after {what}")
        self.assertEqual(self.programs(), self.started, what)
        self.assertEqual([row["restarts"] for row in self.machine.json("instances")], [0] * 3)

    def test_no_restart_and_no_upgrade_touches_an_instance(self):
        m = self.machine
        m.run("systemctl", "restart", "autodeployer")
        self.check_untouched("a restart of the agent")
        agent = m.pid_of("autodeployer")
        m.run("systemctl", "kill", "--kill-who=main", "-s", "KILL", "autodeployer")
        wait_until(lambda: m.is_active("autodeployer") and m.pid_of("autodeployer") != agent,
                   "the agent is back")
        self.check_untouched("a crash of the agent")
        for name in "autodeployer", "deployminator":
            old = m.pid_of(name)
            m.install(self.next[name])
            self.assertTrue(m.is_active(name))
            self.assertNotEqual(m.pid_of(name), old)
            self.check_untouched(f"an upgrade of {name}")
        self.assertEqual(m.read("/etc/cnw/autodeployer/config.yaml"), "keys: none\n")
        m.run("systemctl", "stop", "autodeployer")
        self.assertEqual(self.programs(), self.started)
        m.run("systemctl", "start", "autodeployer")
        self.check_untouched("a while without an agent")

    def boot_without_server(self):
        """After the boot nothing but the agent is there to start the instances."""
        m = self.machine
        ids = {path.name for path in m.path("/var/lib/autodeployer/instances").iterdir()}
        m.boot()
        self.assertFalse(m.is_active("deployminator"))
        self.wait_for_programs()
        said = m.journal("autodeployer", "-b")
        m.run("systemctl", "start", "deployminator")
        # It remembers how they were before the boot until the agent has told it.
        wait_until(lambda: {(row["id"], row["state"], row["restarts"]) for row in m.json("instances")}
                   == {(id, "ready", 1) for id in ids}, "the server sees all instances ready")
        return said

    def test_a_shutdown_stops_in_order_and_the_boot_starts_again_without_a_server(self):
        m = self.machine
        m.run("systemctl", "disable", "deployminator")
        took = m.shut_down()
        self.assertGreater(took, 2)
        self.assertLess(took, 10)
        self.check_stopped_in_order()
        said = self.boot_without_server()
        self.assertEqual(said.count("was stopped with all instances of its machine; exited with code 0"),
                         2)
        # The third was killed, which was not its own doing.
        self.assertEqual(said.count("was stopped with all instances of its machine"), 3)
        self.assertNotIn("killed by signal 9", said)
        self.assertEqual(m.journal("autodeployer-instances", "-b", "-1").count("ended after"), 2)

    def test_a_shutdown_stops_in_order_also_where_the_agent_is_dead(self):
        m = self.machine
        m.run("systemctl", "disable", "deployminator")
        # Whoever needs it cannot have it any more, and the settings are broken too.
        m.path("/usr/bin/autodeployer").rename(m.path("/usr/bin/autodeployer.away"))
        m.run("systemctl", "kill", "--kill-who=main", "-s", "KILL", "autodeployer")
        m.write("/etc/cnw/autodeployer/config.yaml", "kees: none\n")
        m.shut_down()
        self.check_stopped_in_order()
        m.path("/usr/bin/autodeployer.away").rename(m.path("/usr/bin/autodeployer"))
        m.write("/etc/cnw/autodeployer/config.yaml", "keys: none\n")
        self.boot_without_server()

    def test_instances_start_again_after_a_loss_of_power(self):
        m = self.machine
        m.run("systemctl", "disable", "deployminator")
        m.lose_power()
        said = self.boot_without_server()
        self.assertEqual(said.count("its machine went down"), 3)

    def test_all_instances_can_be_stopped_and_started_again(self):
        m = self.machine
        m.run("systemctl", "stop", "autodeployer-instances")
        self.assertFalse(m.is_active("autodeployer"))
        self.assertFalse(self.programs())
        self.check_stopped_in_order()
        m.run("systemctl", "start", "autodeployer")
        self.wait_for_programs()

    def test_removing_the_agent_stops_in_order_and_purging_leaves_what_people_must_decide(self):
        m = self.machine
        m.write("/etc/cnw/autodeployer/machine.key", "name: m1\n", 0o600)
        m.write("/etc/deployminator/keys/server.key", "secret\n", 0o600)
        m.write("/etc/cnw/autodeployer/config.yaml", "keys: none\n" + PUBLIC_PORTS)
        wait_until(lambda: "autodeployer_table" in m.run("nft", "list", "ruleset"), "the public port leads somewhere")
        said = m.apt("remove", "autodeployer")
        self.assertEqual(m.run("nft", "list", "ruleset"), "")
        self.assertIn("stops the instances of this machine", said)
        self.assertFalse(self.programs())
        self.check_stopped_in_order()
        said = m.apt("purge", "autodeployer", "deployminator", "deploy")
        self.assertIn("deploy key revoke m1", said)
        self.assertIn("kept /etc/deployminator/keys", said)
        self.assertIn("kept /var/lib/deployminator", said)
        self.assertIn("kept the user deployminator", said)
        left = self.files() - self.before - {"/srv/build.tar", "/srv/deploy.yaml"}
        self.assertEqual({path for path in left if not path.startswith("/var/lib/deployminator/")},
                         {"/etc/deployminator", "/etc/deployminator/keys",
                          "/etc/deployminator/keys/server.key", "/var/lib/deployminator"})
        m.run("rm", "-r", "/etc/deployminator", "/var/lib/deployminator")
        m.run("userdel", "deployminator")

    def test_purging_keeps_what_applications_keep_from_build_to_build(self):
        m = self.machine
        m.write("/var/lib/autodeployer/data/shop/web/server/uploads/photo", "a photo\n")
        said = m.apt("purge", "autodeployer")
        self.assertIn("kept /var/lib/autodeployer", said)
        self.assertIn("  /var/lib/autodeployer/data/shop/web/server/uploads\n", said)
        self.assertEqual([path.name for path in m.path("/var/lib/autodeployer").iterdir()], ["data"])


class WithKeys(Case):
    """A server and two more machines with agents, each with its key, as the packages say."""

    def setUp(self):
        super().setUp()
        server = self.machine
        self.install("deployminator", "deploy")
        server.run("deployminator", "--init", "--advertise", f"tcp://{server.address}:4001")
        server.run("systemctl", "enable", "--now", "deployminator")
        server.run("install", "-D", "-m", "600", "/etc/deployminator/keys/operator.key",
                   "/root/.config/deploy/deploy.key")
        self.agents = [self.farm.add(name) for name in ("m2", "m3")]
        for machine in self.agents:
            machine.boot()
            machine.install(self.packages["autodeployer"])
            server.deploy("key", "new", machine.name, "--role", "agent", "--output", "/root/new.key")
            machine.write("/etc/cnw/autodeployer/machine.key", server.read("/root/new.key"), 0o600)
            machine.run("systemctl", "enable", "--now", "autodeployer")
            server.run("rm", "/root/new.key")
        self.wait_for_machines(m2="ready", m3="ready")
        self.new_build(group(application("polite", "USR1", "20s", host=server.address, SLOWNESS="0")
                             | {"strategy": "one-per-machine"}), server.address)
        self.started = [self.programs(machine) for machine in self.agents]
        self.assertEqual([len(each) for each in self.started], [2, 2])

    def wait_for_machines(self, **states):
        wait_until(lambda: {row["name"]: row["state"] for row in self.machine.json("machines")} == states,
                   f"the machines are {states}", 40)

    def check_untouched(self):
        wait_until(lambda: [row["state"] for row in self.machine.json("instances")] == ["ready"] * 2,
                   "both instances are ready")
        self.assertEqual([self.programs(machine) for machine in self.agents], self.started)

    def test_a_restarted_server_and_a_pulled_cable_touch_no_instance(self):
        self.machine.install(self.next["deployminator"])
        self.wait_for_machines(m2="ready", m3="ready")
        self.check_untouched()
        self.agents[0].unplug()
        self.wait_for_machines(m2="unreachable", m3="ready")
        self.agents[0].unplug(plugged=True)
        self.wait_for_machines(m2="ready", m3="ready")
        self.check_untouched()

    def test_a_cable_that_is_pulled_for_30_s_in_a_rollout_delays_it(self):
        server = self.machine
        again = group(application("polite", "USR1", "20s", host=server.address, SLOWNESS="0")
                      | {"strategy": "one-per-machine",
                         "rollout": {"parallel": "100%", "min_ready": "300ms", "deadline": "2m"}})
        server.write("/srv/deploy.yaml", json.dumps(again))
        self.agents[0].unplug()
        # The server does not know yet, and places an instance there.
        server.deploy("new-build", "/srv/deploy.yaml", "--build", "2", "--no-wait")
        self.wait_for_machines(m2="unreachable", m3="ready")
        time.sleep(25)
        # What runs goes on meanwhile.
        self.assertEqual(self.programs(self.agents[0]), self.started[0])
        self.agents[0].unplug(plugged=True)
        wait_until(lambda: [(row["version"], row["state"]) for row in server.json("instances")]
                   == [(2, "ready")] * 2, "the new build runs on both", 40)
        [done] = [row for row in server.json("history", "shop/web") if row["build"] == 2]
        self.assertEqual(done["outcome"], "succeeded")

    def test_a_machine_starts_its_instances_after_a_boot_while_the_server_is_off(self):
        self.machine.shut_down()
        self.agents[0].shut_down()
        self.agents[0].boot()
        wait_until(lambda: len(self.programs(self.agents[0])) == 2, "its instance runs")
        self.assertEqual(self.programs(self.agents[1]), self.started[1])
        self.machine.boot()
        self.wait_for_machines(m2="ready", m3="ready")


if __name__ == "__main__":
    case.main()
