"""Files that a web server serves: `deploytype: staticfiles` and `webpackage`, with the real programs."""

import json
import os
import subprocess
import tarfile
import threading
import unittest

import case
from case import Case, application, make_tar
from farm import wait_until


class StaticFiles(Case):
    agents = []

    def setUp(self):
        super().setUp()
        self.www = self.farm.root / "www"
        self.www.mkdir()
        self.link = self.www / "shop" / "site"
        self.start_agent()

    def start_agent(self, name="w1", text=None):
        config = self.farm.root / f"{name}.yaml"
        config.write_text(f"static-root: {self.www}\n" if text is None else text)
        self.farm.start_agent(name, config=config)
        self.farm.wait_for_machines([name])

    def archive(self, words, **members):
        path = self.farm.root / f"{words}.tar"
        files = {"index.html": words, "img/deep/x.svg": words, **members}
        return make_tar(path, [(name, text.encode(), 0o600) for name, text in files.items()])

    def site(self, words, **changes):
        return {"name": "site", "downloadurl": str(self.archive(words)), "deploytype": "staticfiles",
                "statictargetdir": str(self.link), **changes}

    def deploy(self, build, *applications, **expectations):
        return self.new_build(self.write(*applications), build, **expectations)

    def shown(self):
        return (self.link / "index.html").read_text()

    def restart_agent(self, sig=9):
        self.farm.end("w1", sig)
        self.farm.start_agent("w1", config=self.farm.root / "w1.yaml")
        self.farm.wait_for_machines(["w1"])

    def test_a_build_switches_the_link_and_an_undeploy_takes_it_away(self):
        self.deploy(1, self.site("first"))
        row, = self.ready()
        self.assertEqual((row["pid"], row["ports"]), (0, []))
        self.assertTrue(self.link.is_symlink())
        self.assertEqual(self.shown(), "first")
        first = self.link.readlink()
        self.deploy(2, self.site("second"))
        self.assertEqual(self.shown(), "second")
        self.assertNotEqual(self.link.readlink(), first)
        wait_until(lambda: len(self.farm.instances("shop/web")) == 1, "the old instance is gone")
        self.farm.deploy("rollback", "shop/web")
        self.assertEqual(self.shown(), "first")
        self.farm.deploy("undeploy", "shop/web")
        wait_until(lambda: not os.path.lexists(self.link), "the link is gone")
        wait_until(lambda: not self.farm.instances("shop/web"), "the instances are gone")
        self.assertEqual(list(self.link.parent.iterdir()), [])

    def test_the_command_line_shows_what_has_no_process_and_no_log(self):
        watcher = subprocess.Popen(self.farm.command("--json", "watch"), stdout=subprocess.PIPE, text=True)
        try:
            self.deploy(1, self.site("first"))
            kinds = []
            while "rollout.finished" not in kinds:
                kinds.append(json.loads(watcher.stdout.readline())["type"])
        finally:
            watcher.kill()
            watcher.communicate()
        row, = self.ready()
        self.assertRegex(self.farm.deploy("instances", "shop/web").stdout, rf"{row['id']} .* ready +- +0 ")
        self.assertIn(" 1/1 ", self.farm.deploy("status", "shop/web", "--check").stdout)
        self.assertEqual(self.farm.json("top", "shop/web")["instances"], [])
        self.farm.deploy("top")
        for of in row["id"], "shop/web":
            self.assertEqual(self.farm.deploy("logs", of).stdout, "")
        self.farm.deploy("undeploy", "shop/web")
        wait_until(lambda: not self.farm.instances("shop/web"), "the instance is gone")
        self.assertEqual(self.farm.deploy("logs", row["id"], "-f").stdout, "")

    def test_whoever_looks_finds_the_old_or_the_new(self):
        self.deploy(1, self.site("first"))
        seen, over = [], threading.Event()

        def look():
            while not over.is_set():
                try:
                    seen.append(self.shown())
                except OSError as why:
                    seen.append(str(why))
        looker = threading.Thread(target=look)
        looker.start()
        try:
            for build in range(2, 8):
                self.deploy(build, self.site(["first", "second"][build % 2]))
        finally:
            over.set()
            looker.join()
        self.assertEqual(set(seen), {"first", "second"})

    @unittest.skipUnless(os.getuid() == 0, "only root can be somebody else")
    def test_everybody_can_read_it_and_nobody_change_it(self):
        self.farm.root.chmod(0o755)
        self.deploy(1, self.site("first"))
        nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        for name in "index.html", "img/deep/x.svg":
            read = subprocess.run([*nobody, "cat", self.link / name], check=False, capture_output=True, text=True)
            self.assertEqual((read.stdout, read.stderr), ("first", ""))
            self.assertEqual((self.link / name).stat().st_uid, 0)
        written = subprocess.run([*nobody, "touch", self.link / "img" / "new"], check=False, capture_output=True)
        self.assertNotEqual(written.returncode, 0)

    def test_a_web_package_is_found_under_its_applications_name(self):
        self.deploy(1, self.site("first", deploytype="webpackage", statictargetdir=None))
        self.assertEqual((self.www / "shop" / "web" / "site" / "index.html").read_text(), "first")

    def test_an_agent_that_is_restarted_leaves_it_ready(self):
        self.deploy(1, self.site("first"))
        before, = self.ready()
        target = self.link.readlink()
        last = self.farm.events("events", "--no-follow")[-1]["seq"]
        self.restart_agent()
        wait_until(self.ready, "it is ready")
        told = self.farm.events("events", "--no-follow", "--since", last)
        self.assertEqual([each for each in told if each["type"] == "instance.state"], [])
        self.assertEqual((self.link.readlink(), self.ready()[0]["id"]), (target, before["id"]))
        # What somebody removed meanwhile is there again.
        self.farm.end("w1", 9)
        self.link.unlink()
        self.farm.start_agent("w1", config=self.farm.root / "w1.yaml")
        wait_until(self.link.is_symlink, "the link is there again")
        wait_until(self.ready, "it is ready again")
        self.assertEqual(self.shown(), "first")

    def test_an_agent_that_is_killed_at_any_moment_leaves_the_old_or_the_new(self):
        self.deploy(1, self.site("first"))
        for build, delay in enumerate((0.0, 0.02, 0.05, 0.1, 0.2, 0.4), 2):
            words = f"build-{build}"
            before = self.shown()
            order = threading.Thread(target=lambda: self.farm.deploy(
                "new-build", self.write(self.site(words)), "--build", build, "--no-wait"))
            order.start()
            order.join()
            threading.Event().wait(delay)
            self.farm.end("w1", 9)
            self.assertIn(self.shown(), (before, words))
            self.farm.start_agent("w1", config=self.farm.root / "w1.yaml")
            wait_until(lambda: self.shown() == words, f"{words} is published")
            self.wait_until_done()
            self.assertEqual(len(self.ready()), 1)

    def test_a_rollout_that_fails_gives_the_path_back(self):
        self.deploy(1, self.site("first"), application(instances=1))
        broken = application(instances=1, args=["sh", "-c", "exit 3"])
        self.deploy(2, self.site("second"), broken, expect=1)
        self.assertEqual(self.shown(), "first")
        self.assertEqual({row["application"] for row in self.ready()}, {"site", "web"})

    def test_what_is_there_already_is_not_touched(self):
        self.link.mkdir(parents=True)
        (self.link / "mine").write_text("mine")
        done = self.deploy(1, self.site("first"), expect=1)
        self.assertIn(f"{self.link} is there already and no link of this agent's", done.stdout + done.stderr)
        self.assertEqual((self.link / "mine").read_text(), "mine")

    def test_another_applications_path_is_refused(self):
        self.deploy(1, self.site("first"))
        self.new_build(self.write(self.site("other"), group="other"), 1, expect=1)
        self.assertEqual(self.shown(), "first")

    def test_only_what_the_machine_allows_is_published(self):
        done = self.deploy(1, self.site("first", statictargetdir="/etc/deployminator-test"), expect=1)
        self.assertIn(f"is not below {self.www}, where this machine's agent publishes files", done.stdout + done.stderr)
        self.assertFalse(os.path.lexists("/etc/deployminator-test"))

    def test_a_machine_without_a_static_root_says_what_to_do(self):
        self.farm.end("w1")
        self.start_agent(text="")
        done = self.deploy(1, self.site("first"), expect=1)
        self.assertIn("this machine's agent publishes no files; give it a directory for them, such as `static-root: "
                      "/srv/www`", done.stdout + done.stderr)

    def test_a_hostile_archive_is_refused_as_any_other(self):
        path = self.farm.root / "hostile.tar"
        with tarfile.open(path, "w") as tar:
            entry = tarfile.TarInfo("../../escaped")
            tar.addfile(entry)
        self.deploy(1, self.site("first", downloadurl=str(path)), expect=1)
        self.assertFalse(os.path.lexists(self.link))

    def test_an_archive_that_would_publish_other_files_of_the_machine_is_refused(self):
        self.deploy(1, self.site("first"))
        path = self.farm.root / "leads-out.tar"
        for name, target in ("secrets", "/etc"), ("deep/down/secrets", "/etc/shadow"):
            with tarfile.open(path, "w") as tar:
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = tarfile.SYMTYPE, target
                tar.addfile(entry)
            done = self.deploy(2, self.site("second", downloadurl=str(path)), expect=1)
            self.assertIn(f'the link "{name}" leads out of the files, so they are not published',
                          done.stdout + done.stderr)
            self.assertEqual(self.shown(), "first")

    def test_a_link_below_the_static_root_is_not_followed(self):
        outside = self.farm.root / "outside"
        outside.mkdir()
        (self.www / "shop").symlink_to(outside)
        done = self.deploy(1, self.site("first"), expect=1)
        self.assertIn("cannot open the directory above", done.stdout + done.stderr)
        self.assertEqual(list(outside.iterdir()), [])

    def test_a_plain_file_is_published_under_its_name(self):
        path = self.farm.root / "robots.txt"
        path.write_text("User-agent: *\n")
        self.deploy(1, self.site("first", downloadurl=str(path)))
        self.assertEqual((self.link / "robots.txt").read_text(), "User-agent: *\n")


if __name__ == "__main__":
    case.main()
