"""What becomes of an instance's processes when it is told to stop: who is told, when, and for how long."""

import concurrent.futures
import json
import pathlib
import shutil
import signal
import threading
import time
import unittest
import urllib.request

import case
import network
from case import Case, application, make_tar
from farm import wait_until

PREFORK = pathlib.Path(__file__).resolve().parent.parent / "support" / "prefork_server.py"

WSGI = b"""\
import time
def application(environ, start_response):
    time.sleep(float(environ.get("QUERY_STRING") or 0))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"build ${BUILDID}\\n"]
"""


def get(url):
    with urllib.request.urlopen(url, timeout=20) as reply:
        return reply.read().decode()


class Stopping(Case):
    agents = ["w1"]

    def start(self, seconds, leaving, **stop):
        self.new_build(self.write(application(
            downloadurl=str(PREFORK), binary="prefork", args=["${PORT1}", str(seconds), leaving], instances=1,
            stop={"timeout": "10s", **stop}, rollout={"min_ready": "500ms"})), 1)
        row = self.ready()[0]
        wait_until(lambda: "serves" in self.farm.deploy("logs", row["id"]).stdout, "it serves")
        return row

    def request(self, row):
        """A request that is being worked on when this returns."""
        pool = concurrent.futures.ThreadPoolExecutor()
        self.addCleanup(pool.shutdown)
        answer = pool.submit(get, f"http://127.0.0.1:{row['ports'][0]}/")
        time.sleep(0.3)
        return answer

    def stop(self):
        begun = time.monotonic()
        self.farm.deploy("stop", "shop/web")
        wait_until(lambda: not self.farm.living(), "nothing runs any more")
        return time.monotonic() - begun

    def end_of(self, row):
        events = self.farm.deploy("--json", "events", "--since", "0", "--no-follow", expect=None).stdout
        return [e["reason"] for e in map(json.loads, events.splitlines())
                if e["type"] == "instance.state" and e["id"] == row["id"] and e["to"] == "stopped"][-1]

    def test_workers_finish_their_requests_after_the_main_process_has_ended(self):
        row = self.start(2, "leaves")
        answer = self.request(row)
        took = self.stop()
        self.assertEqual(answer.result(), "served\n")
        self.assertGreater(took, 1)
        self.assertLess(took, 8)
        self.assertEqual(self.end_of(row), "exited with code 5")

    def test_while_they_do_the_instance_is_stopping_and_its_port_is_held(self):
        row = self.start(3, "leaves")
        answer = self.request(row)
        self.farm.deploy("stop", "shop/web", "--no-wait")
        wait_until(lambda: not pathlib.Path(f"/proc/{row['pid']}").exists(), "the main process has ended")
        self.assertEqual([i["state"] for i in self.farm.json("instances")], ["stopping"])
        self.assertTrue([held for held in self.farm.reservations() if held.endswith(f"/{row['ports'][0]}")])
        self.farm.deploy("start", "shop/web", timeout=60)
        self.assertEqual(answer.result(), "served\n")
        wait_until(lambda: len(self.farm.json("instances")) == 1, "the old one is gone")

    def test_with_all_they_are_told_at_once_and_the_main_process_may_wait_for_them(self):
        row = self.start(1, "waits", to="all")
        answer = self.request(row)
        self.assertLess(self.stop(), 8)
        self.assertEqual(answer.result(), "served\n")
        self.assertEqual(self.end_of(row), "exited with code 7")

    def test_what_is_left_after_the_timeout_is_killed(self):
        row = self.start(0, "deaf", timeout="1s")
        took = self.stop()
        self.assertGreater(took, 0.9)
        self.assertLess(took, 6)
        self.assertEqual(self.end_of(row), "killed, for it did not end within 1s of signal 15 (SIGTERM)")

    def test_it_is_killed_then_though_the_agent_was_killed_meanwhile(self):
        row = self.start(0, "deaf", timeout="3s")
        self.farm.deploy("stop", "shop/web", "--no-wait")
        wait_until(lambda: not pathlib.Path(f"/proc/{row['pid']}").exists(), "the main process has ended")
        self.farm.end("w1", signal.SIGKILL)
        begun = time.monotonic()
        wait_until(lambda: not [c for _, c in self.farm.living() if "starter" not in c], "the workers are killed")
        self.assertLess(time.monotonic() - begun, 4)
        self.farm.start_agent("w1")
        wait_until(lambda: not self.farm.instances("shop/web"), "the next agent tells that it is gone")

    def test_an_agent_that_comes_meanwhile_waits_for_them(self):
        row = self.start(4, "leaves")
        answer = self.request(row)
        self.farm.deploy("stop", "shop/web", "--no-wait")
        wait_until(lambda: not pathlib.Path(f"/proc/{row['pid']}").exists(), "the main process has ended")
        self.farm.end("w1", signal.SIGKILL)
        self.farm.start_agent("w1")
        self.assertEqual(answer.result(), "served\n")
        wait_until(lambda: not self.farm.instances("shop/web"), "it is gone")
        self.assertEqual(self.end_of(row), "exited with code 5")


@unittest.skipIf(network.missing(), network.missing())
@unittest.skipUnless(shutil.which("gunicorn"), "gunicorn is not installed")
class Gunicorn(Case):
    """A pre-fork server as it comes, behind a public port."""

    agents = []

    def setUp(self):
        self.machines = network.TwoMachines()
        self.addCleanup(self.machines.close)
        super().setUp()
        config = self.farm.root / "config.yaml"
        config.write_text(json.dumps({"applications": [
            {"label": "g", "matcher": {"repository": "shop"}, "actionports": [{"portindex": 1, "publicport": 80}]}]}))
        self.farm.start_agent("w1", config=config)
        self.farm.wait_for_machines(["w1"])

    def deploy(self, build):
        make_tar(self.farm.root / f"{build}.tar",
                 [("app.py", WSGI.replace(b"${BUILDID}", str(build).encode()), 0o644)])
        self.new_build(self.write(application(
            downloadurl=f"{self.farm.root}/${{BUILDID}}.tar", binary=None, interpreter=["gunicorn"], instances=1,
            args=["--bind=0.0.0.0:${PORT1}", "--workers=4", "app:application"],
            stop=None, rollout={"min_ready": "2s"})), build)

    def test_it_is_rolled_and_stopped_under_load_without_a_failed_request(self):
        self.deploy(1)
        url = f"http://{network.ADDRESSES[0]}/?"
        over = threading.Event()
        answers, failures = [], []

        def load():
            while not over.is_set():
                try:
                    answers.append(get(url + "0.01"))
                except OSError as e:
                    failures.append(str(e))

        threads = [threading.Thread(target=load) for _ in range(3)]
        for each in threads:
            each.start()
        for build in (2, 3, 4):
            self.deploy(build)
        time.sleep(1)
        over.set()
        for each in threads:
            each.join()
        print(f"\n    {len(answers)} answers, {len(failures)} failures", flush=True)
        self.assertEqual(failures, [])
        self.assertEqual(set(answers), {f"build {n}\n" for n in (1, 2, 3, 4)})
        with concurrent.futures.ThreadPoolExecutor() as pool:
            last = [pool.submit(get, url + "2") for _ in range(4)]
            time.sleep(0.5)
            self.farm.deploy("stop", "shop/web")
            self.assertEqual([each.result() for each in last], ["build 4\n"] * 4)
        events = self.farm.deploy("--json", "events", "--since", "0", "--no-follow", expect=None).stdout
        ends = [e["reason"] for e in map(json.loads, events.splitlines())
                if e["type"] == "instance.state" and e["to"] == "stopped"]
        self.assertEqual(ends, ["exited with code 0"] * 4)


if __name__ == "__main__":
    case.main()
