"""What an application keeps from build to build: `data: NAME` in deploy.yaml, with the real programs."""

import os
import subprocess
import unittest

import case
from case import Case, application
from farm import wait_until

IDLE = "exec sleep 1000"
SOON = {"parallel": "100%", "min_ready": "300ms", "deadline": "10s"}


def shell(script, name="web", data="uploads", **changes):
    return application(name=name, args=["sh", "-c", script], data=data, instances=1, rollout=SOON, **changes)


class Data(Case):
    agents = ["w1"]

    def output(self, group="shop/web", *options):
        return self.farm.deploy("logs", group, *options).stdout

    def printed(self, words, group="shop/web", *options):
        wait_until(lambda: words in self.output(group, *options), f"it prints {words!r}")

    def directory(self, group="web", application="web", name="uploads", machine="w1"):
        return self.farm.root / machine / "lib" / "data" / "shop" / group / application / name

    def deploy(self, build, *applications, **options):
        return self.new_build(self.write(*applications, **options), build)

    def test_the_next_build_reads_what_only_the_owner_may(self):
        told = self.farm.events("new-build", self.write(
            shell(f'umask 077; echo first > "$DATA/notes"; mkdir "$DATA/deep"; echo x > "$DATA/deep/x"; {IDLE}')),
            "--build", 1)
        new = [each["reason"] for each in told if each["type"] == "instance.state" and "is new" in each["reason"]]
        self.assertIn(f"its data {self.directory()} is new on this machine", new)
        self.assertEqual((self.directory() / "notes").stat().st_mode & 0o777, 0o600)
        # The old one runs until the new one is ready, and reads on.
        self.deploy(2, shell(f'cat ${{DATA}}/notes "$DATA/deep/x"; echo second >> "$DATA/notes"; ls -ln "$DATA"; {IDLE}'))
        for words in ("first\n", " x\n"):
            self.printed(words)
        self.assertEqual((self.directory() / "notes").read_text(), "first\nsecond\n")
        row, = self.ready()
        if os.getuid() == 0:
            self.assertIn(f" {row['uid']} ", self.output())
        self.assertNotIn("is new", row["reason"])

    def test_old_and_new_use_it_at_once(self):
        self.deploy(1, shell(f'while :; do echo one >> "$DATA/log"; sleep 0.1; done'))
        self.deploy(2, shell(f'while :; do echo two >> "$DATA/log"; sleep 0.1; done'), name="second.yaml")
        said = (self.directory() / "log").read_text().split()
        self.assertIn("one", said[said.index("two"):], "they wrote in turns")

    def test_an_undeploy_leaves_it_and_says_so(self):
        keeper = shell(f'cat "$DATA/n"; echo kept >> "$DATA/n"; {IDLE}')
        self.deploy(1, keeper)
        wait_until(lambda: (self.directory() / "n").exists(), "it is written")
        told = self.farm.events("undeploy", "shop/web")
        self.assertIn(("kept", "the data uploads of web stays on w1, and wherever it ran before"),
                      [(each["phase"], each["reason"]) for each in told if each["type"] == "rollout.step"])
        wait_until(lambda: not self.farm.leftovers(), "the instance is gone")
        self.assertEqual((self.directory() / "n").read_text(), "kept\n")
        self.assertIn("the data uploads of web stays on w1", self.farm.deploy("events", "--no-follow").stdout)
        self.deploy(2, keeper)
        self.printed("kept\n")

    def test_a_program_that_is_restarted_has_it_again_whoever_is_its_agent(self):
        self.deploy(1, shell(f'cat "$DATA/n"; echo again >> "$DATA/n"; {IDLE}', restart={"backoff": "1ms..1ms"}))
        wait_until(lambda: (self.directory() / "n").exists(), "it is written")
        self.farm.end("w1", 9)
        self.farm.start_agent("w1")
        self.farm.wait_for_machines(["w1"])
        wait_until(self.ready, "it is taken over")
        os.kill(self.ready()[0]["pid"], 9)
        self.printed("again\n")

    def test_applications_do_not_share_it(self):
        reader = f'cat {self.directory()}/n && echo READ; ls "$DATA"; echo end; {IDLE}'
        self.deploy(1, shell(f'umask 077; echo secret > "$DATA/n"; {IDLE}'), shell("sleep 1; " + reader, name="other"))
        self.printed("end\n", self.ready_of("other"))
        self.assertTrue(self.directory(application="other").is_dir())
        seen = self.output(self.ready_of("other"))
        if os.getuid() == 0:
            self.assertIn("Permission denied", seen)
            self.assertNotIn("READ", seen)
            other = subprocess.run(["setpriv", "--reuid", "70099", "--clear-groups", "ls", self.directory()], check=False,
                                   capture_output=True)
            self.assertNotEqual(other.returncode, 0)

    def ready_of(self, name):
        return next(each["id"] for each in self.ready() if each["application"] == name)

    def test_a_binary_that_names_its_application_is_one_directory(self):
        self.deploy(1, application(name=None, binary="bin/busybox", args=["sh", "-c", f'echo $DATA; {IDLE}'],
                                   data="uploads", instances=1, rollout=SOON))
        self.printed(f"{self.directory(application='bin%2fbusybox')}\n")

    def test_another_machine_begins_with_an_empty_one_and_says_so(self):
        self.deploy(1, shell(f'echo x > "$DATA/n"; {IDLE}'))
        self.farm.end("w1", 9)
        wait_until(lambda: self.farm.json("machines")[0]["state"] == "unreachable", "w1 is missed")
        self.farm.start_agent("w2")
        self.farm.wait_for_machines(["w2"])
        last = self.farm.events("events", "--no-follow")[-1]["seq"]
        self.deploy(2, shell(f'ls "$DATA"; {IDLE}'))
        told = self.farm.events("events", "--no-follow", "--since", last)
        self.assertIn(f"its data {self.directory(machine='w2')} is new on this machine",
                      [each.get("reason") for each in told])

    def test_without_data_there_is_none(self):
        self.deploy(1, application(args=["sh", "-c", f"env; {IDLE}"], instances=1, rollout=SOON))
        self.printed("HOME=")
        self.assertNotIn("DATA=", self.output())
        self.assertEqual(list((self.farm.root / "w1" / "lib" / "data").iterdir()), [])

    @unittest.skipUnless(os.getuid() == 0, "only root runs instances as users of their own")
    def test_the_agents_own_variable_is_not_the_programs(self):
        self.deploy(1, shell(f'env; {IDLE}'))
        self.printed(f"DATA={self.directory()}\n")
        self.assertNotIn("DEPLOY_DATA", self.output())


if __name__ == "__main__":
    case.main()
