"""What `deploy` does where its output cannot be written: every verb, each with stdout and stderr
open, closed, full, or a pipe whose reader is gone, as text and as JSON."""

import itertools
import os
import subprocess
import unittest

import case
from case import Case, application

STREAMS = ["open", "closed", "full", "gone"]


class Streams(Case):
    """No verb ends by a signal, and what an order came to is its exit code, whoever reads."""

    agents = ["w1"]

    def run_with(self, *how):
        return self.end(self.begin(*how))

    @staticmethod
    def end(process):
        try:
            return process.wait(30)
        finally:
            process.kill()
            process.wait()

    def begin(self, arguments, out, err, json):
        opened = [self.stream(kind) for kind in (out, err)]

        def close_streams():
            for number, kind in ((1, out), (2, err)):
                if kind == "closed":
                    os.close(number)
        command = self.farm.command(*(["--json"] if json else []), *arguments)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=opened[0], stderr=opened[1],
                                   preexec_fn=close_streams)
        for each in opened:
            os.close(each)
        return process

    @staticmethod
    def stream(kind):
        if kind == "gone":
            reader, writer = os.pipe()
            os.close(reader)
            return writer
        return os.open("/dev/full" if kind == "full" else "/dev/null", os.O_WRONLY)

    def check(self, arguments, done, shows_text=True):
        """`done`: the exit code where the output can be written. `shows_text`: without --json there is
        something on stdout."""
        begun = [(how, self.begin(arguments, *how))
                 for how in itertools.product(STREAMS, STREAMS, [False, True])]
        for (out, err, json), process in begun:
            loses = done == 0 and (json or shows_text) and out in ("closed", "full")
            with self.subTest(verb=arguments, stdout=out, stderr=err, json=json):
                self.assertEqual(self.end(process), 1 if loses else done)

    def test_verbs_that_show_end_with_1_where_nothing_can_be_shown(self):
        self.farm.deploy("new-build", self.write(application(instances=1)), "--build", 1)
        instance = self.ready()[0]["id"]
        for arguments in (["status"], ["instances"], ["machines"], ["servers"], ["versions", "shop/web"],
                          ["history", "shop/web"], ["key", "list"], ["events", "--no-follow"],
                          ["--help"], ["--version"], ["status", "--help"],
                          ["validate", self.farm.root / "deploy.yaml"],
                          ["plan", self.farm.root / "deploy.yaml", "--build", "1"]):
            self.check(arguments, 0)
        self.check(["logs", instance], 0, shows_text=False)
        self.check(["ports"], 0, shows_text=False)
        self.check(["redistribute", "--dry-run"], 0, shows_text=False)

    def test_orders_end_with_what_became_of_them(self):
        path = self.write(application(instances=1, rollout={"min_ready": "0s"}))
        for n, (out, err) in enumerate(itertools.product(STREAMS, STREAMS)):
            json = (n + n // 4) % 2 == 1
            for arguments in (["new-build", path, "--build", n + 1], ["restart", "shop/web"],
                              ["stop", "shop/web"], ["start", "shop/web"],
                              ["drain", "w1"], ["undrain", "w1"], ["redistribute", "--no-wait"],
                              ["undeploy", "shop/web", "--no-wait"]):
                with self.subTest(verb=arguments, stdout=out, stderr=err, json=json):
                    self.assertEqual(self.run_with(arguments, out, err, json), 0)
            self.wait_until_done()

    def test_going_to_a_kept_version_and_new_keys_end_with_what_became_of_them(self):
        for build in (1, 2):
            self.farm.deploy("new-build", self.write(application(instances=1, rollout={"min_ready": "0s"})), "--build", build)
        newest = self.farm.json("versions", "shop/web")[0]["version"]
        for n, (out, err) in enumerate(itertools.product(STREAMS, STREAMS)):
            json = (n + n // 4) % 2 == 1
            file = self.farm.root / f"reader-{n}.key"
            for arguments in (["rollback", "shop/web"], ["version", "shop/web", str(newest)],
                              ["key", "new", f"reader-{n}", "--role", "viewer", "--output", file]):
                with self.subTest(verb=arguments, stdout=out, stderr=err, json=json):
                    self.assertEqual(self.run_with(arguments, out, err, json), 0)
            self.assertTrue(file.is_file())
            self.wait_until_done()

    def test_refusals_and_mistakes_keep_their_exit_codes(self):
        bad = self.farm.root / "bad.yaml"
        bad.write_text("groups: 5\n")
        for arguments, code in ((["rollback", "shop/none"], 1), (["stop", "shop/none"], 1),
                                (["start", "shop/none"], 1), (["restart", "shop/none"], 1),
                                (["version", "shop/none", "1"], 1), (["undeploy", "shop/none"], 1),
                                (["key", "revoke", "nobody"], 1), (["logs", "nobody-1"], 1),
                                (["new-build", bad, "--build", "1"], 2), (["validate", bad], 2),
                                (["plan", bad, "--build", "1"], 2),
                                (["no-such-verb"], 2), (["status", "--no-such-flag"], 2), ([], 2)):
            self.check(arguments, code, shows_text=False)

    def test_a_server_out_of_reach_is_3_to_all(self):
        self.farm.end("deployminator")
        self.farm.server_url = "tcp://127.0.0.1:9"
        for out, err, json in itertools.product(["closed", "full"], ["closed", "full"], [False, True]):
            with self.subTest(stdout=out, stderr=err, json=json):
                self.assertEqual(self.run_with(["status"], out, err, json), 3)

    def test_watch_ends_when_its_reader_is_gone(self):
        for verb in (["watch"], ["events"], ["--json", "watch"]):
            with self.subTest(verb=verb):
                self.assertEqual(self.run_with(verb, "gone", "open", False), 0)

    def test_what_watch_shows_goes_to_stdout(self):
        path = self.farm.root / "seen"
        with open(path, "wb") as out:
            watch = subprocess.Popen(self.farm.command("watch"), stdin=subprocess.DEVNULL, stdout=out,
                                     stderr=subprocess.DEVNULL)
        try:
            case.wait_until(path.read_text, "watch shows the picture")
            self.farm.deploy("new-build", self.write(application(instances=1)), "--build", 1)
            case.wait_until(lambda: "succeeded" in path.read_text(), "watch shows the rollout's end")
        finally:
            watch.terminate()
            watch.wait(10)


if __name__ == "__main__":
    case.main()
