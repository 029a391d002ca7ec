"""What the artifacts' server may do to the farm, and what it may not."""

import sqlite3

import case
from case import Case, application, make_tar
from farm import wait_until

SOON = {"parallel": "100%", "min_ready": "300ms"}


class Fetching(Case):
    agents = ["w1"]

    def setUp(self):
        super().setUp()
        self.builds = self.farm.root / "builds"
        self.builds.mkdir()
        make_tar(self.builds / "app.tar", [("busybox", None, 0o755)])
        self.url = self.farm.serve_files(self.builds)

    def begin(self, group, query, **rules):
        app = application(downloadurl=f"{self.url}/app.tar?{query}", instances=1, rollout={**SOON, **rules})
        return self.new_build(self.write(app, group=group, name=f"{group}.yaml"), 1, "--no-wait")

    def end_of(self, group):
        """The reason for which the group's rollout has ended, once it has."""
        def ends():
            events = self.farm.events("events", "--no-follow", timeout=20)
            return [e["reason"] for e in events
                    if e["type"] == "rollout.finished" and e["group"] == group]
        return wait_until(ends, f"the rollout of {group} ends", 40)[0]

    def test_servers_that_drip_let_others_have_their_turn_and_their_builds_end(self):
        dripping = ["drip1", "drip2", "drip3"]
        for group in dripping:
            self.begin(group, f"rate=2&for={group}", fetch_deadline="14s")
        wait_until(lambda: len(self.farm.instances(state="downloading")) == 3, "three are fetched")
        self.begin("good", "")
        reason = wait_until(lambda: next((r["reason"] for r in self.farm.instances("shop/good")), ""),
                            "it is told why it waits")
        self.assertRegex(reason, r"^queued behind (app\.tar of 127\.0\.0\.1:\d+(, )?){3}$")
        self.assertEqual(self.end_of("good"), "every instance is ready")
        for group in dripping:
            self.assertRegex(self.end_of(group), "did not fetch its artifact within 14 s: "
                                                 "less than 1 KiB a second comes; see what holds its server or "
                                                 "the network up$")
        # Of all that, little is kept.
        with sqlite3.connect(f"file:{self.farm.root}/deployminator.sqlite?mode=ro", uri=True) as store:
            kept = store.execute("SELECT count(*) FROM event WHERE type = 'download.progress'").fetchone()[0]
        self.assertLessEqual(kept, 4 * 6)

    def test_the_deadline_ends_a_fetch_of_which_nothing_comes(self):
        self.begin("silent", "delay=1000", deadline="2s")
        self.begin("busy", "status=503", deadline="2s")
        self.assertIn("did not fetch its artifact within 2 s", self.end_of("silent"))
        self.assertRegex(self.end_of("busy"), "within 2 s: cannot fetch .*app.tar: the server answers "
                                              "503 Service Unavailable")

    def test_a_secret_in_a_url_is_shown_nowhere(self):
        secret = "t0p-5ecret"
        said = ""
        for build, changes in enumerate([
                {}, {"downloadurl": f"{self.url}/none.tar?token={secret}"}, {"sha256": "ab" * 32},
                {"downloadurl": f"{self.url.replace('//', f'//me:{secret}@')}/app.tar?status=503&token={secret}",
                 "rollout": {**SOON, "deadline": "2s"}}], 1):
            app = application(**{"downloadurl": f"{self.url}/app.tar?token={secret}", "instances": 1, **changes})
            done = self.new_build(self.write(app), build, expect=None)
            said += done.stdout + done.stderr
        for verb in ("instances",), ("events", "--no-follow"), ("history", "shop/web"), ("versions", "shop/web"):
            said += self.farm.deploy(*verb).stdout + self.farm.deploy("--json", *verb).stdout
        with sqlite3.connect(f"file:{self.farm.root}/deployminator.sqlite?mode=ro", uri=True) as store:
            said += str(store.execute("SELECT * FROM event").fetchall())
        said += self.farm.log("deployminator") + self.farm.log("w1")
        self.assertIn("app.tar", said)
        self.assertIn("none.tar", said)
        self.assertNotIn(secret, said)


if __name__ == "__main__":
    case.main()
