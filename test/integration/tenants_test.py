"""What one instance sees, reads and hurts of another on its machine: nothing. With the real programs, as root."""

import os
import pathlib
import shutil
import sys
import unittest

import case
from case import Case, application
from farm import wait_until

IDLE = "exec sleep 1000"
SOON = {"parallel": "100%", "min_ready": "300ms", "deadline": "10s"}
PLACES = ["/tmp", "/var/tmp", "/dev/shm"]
LEAVE = "umask 000; for d in " + " ".join(PLACES) + "; do echo left > $d/left-by-first; done; ipcmk -M 100 -Q -p 0666; "
LOOK = ("for d in " + " ".join(PLACES) + "; do echo \"in $d: $(ls -A $d)\"; done; "
        "echo \"shared: $(ipcs -m | grep -c 0x) $(ipcs -q | grep -c 0x)\"; ")


class Tenants(Case):
    agents = ["w1"]
    below_tmp = None

    def setUp(self):
        # After the farm has ended.
        self.addCleanup(lambda: self.below_tmp and shutil.rmtree(self.below_tmp))
        super().setUp()

    def deploy(self, name, script, build=1, **changes):
        path = self.write(application(name=name, args=["sh", "-c", script + IDLE], instances=1, rollout=SOON, **changes),
                          group=name, name=f"{name}.yaml")
        self.new_build(path, build)
        return self.ready(f"shop/{name}")[0]

    def printed(self, row, words):
        wait_until(lambda: words in self.output(row), f"{row['id']} prints {words!r}")
        return self.output(row)

    def output(self, row):
        return self.farm.deploy("logs", row["id"]).stdout

    def sees_nothing(self, row):
        told = self.printed(row, "shared: ")
        for place in PLACES:
            self.assertIn(f"in {place}: \n", told)
        self.assertIn("shared: 0 0", told)

    def test_who_gets_everything_the_first_had_finds_nothing_of_it(self):
        first = self.deploy("first", LEAVE + LOOK)
        told = self.printed(first, "shared: 1 1")
        for place in PLACES:
            self.assertIn(f"in {place}: left-by-first", told)
        self.farm.deploy("undeploy", "shop/first")
        wait_until(lambda: not self.farm.leftovers(), "the instance is gone")
        # Another agent of this machine may be given that user before.
        for build in range(1, 6):
            pathlib.Path("/run/autodeployer-users/next").write_text(str(first["uid"]))
            second = self.deploy("second", LOOK, build)
            self.sees_nothing(second)
            if second["uid"] == first["uid"]:
                break
        self.assertEqual(second["uid"], first["uid"])
        for place in PLACES:
            self.assertFalse((pathlib.Path(place) / "left-by-first").exists(), place)

    def test_who_runs_beside_it_reads_sees_and_signals_nothing_of_it(self):
        first = self.deploy("first", LEAVE, env={"SECRET": "of the first"})
        pid, home = first["pid"], f"/proc/{first['pid']}"
        look = (f"cat {home}/environ; cat {home}/cmdline; ls {home}; ls /proc | grep -c '^[0-9]'; kill -0 {pid}; "
                f"ls {self.farm.root}/w1/lib/instances/{first['id']}/home; "
                f"ls {self.farm.root}/w1/lib/instances/{first['id']}/private; cat {self.farm.root}/w1/log/{first['id']}.log/*; ")
        second = self.deploy("second", look + LOOK)
        self.sees_nothing(second)
        told = self.output(second)
        self.assertNotIn("of the first", told)
        self.assertNotIn("left", told)
        self.assertNotIn("busybox\n", told)
        # Its own shell and what that has just started.
        self.assertRegex(told, r"(?m)^[1-5]$")
        self.assertEqual(self.ready("shop/first")[0]["pid"], pid)

    def test_the_next_start_of_a_program_finds_its_own_files(self):
        row = self.deploy("keeper", "ls /tmp; echo mine > /tmp/mine; [ -e /var/tmp/again ] && " + IDLE +
                          "; touch /var/tmp/again; sleep 1; exit 1; ")
        self.assertIn("mine\n", self.printed(row, "mine"))

    def test_users_are_given_out_round_the_range(self):
        uids = []
        for build in range(1, 4):
            uids.append(self.deploy("one", "", build)["uid"])
        self.assertEqual(len(set(uids)), 3, uids)

    def test_an_instance_below_tmp_finds_its_home(self):
        root = self.below_tmp = pathlib.Path("/tmp") / self.farm.root.name
        self.farm.end("w1")
        self.farm.spawn("w1", [self.farm.binaries / "autodeployer", "--keys", self.farm.machine_key("w1"), "--server",
                               self.farm.server_url, "--name", "w1", "--groups", "worker", "--root", root])
        row = self.deploy("below", 'ls "$HOME"; pwd; echo "user $USER in $TMPDIR with $SHELL"; ' + LOOK)
        told = self.printed(row, "shared: ")
        self.assertIn("busybox\n", told)
        self.assertIn(f"{root}/lib/instances/{row['id']}/home\n", told)
        self.assertIn(f"user deploy-{row['uid']} in /tmp with /bin/sh", told)
        self.assertIn(f"in /tmp: {root.name}\n", told)
        # What lies elsewhere the farm does not look for at its end.
        self.farm.deploy("undeploy", "shop/below")


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("only where the agent is root has each instance a user of its own")
        sys.exit(0)
    case.main()
