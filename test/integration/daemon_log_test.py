"""The logs of server and agent: nobody waits for who reads them, and they tell what was ordered."""

import os
import signal
import socket
import struct
import subprocess
import time
import unittest

import case
import zmq
from case import Case, application
from farm import wait_until


class Logs(Case):
    """What stderr tells, where it is a file."""

    agents = ["w1"]

    def server_log(self):
        return self.farm.log("deployminator")

    def test_the_servers_log_tells_who_ordered_what_and_what_became_of_it(self):
        path = self.write(application(instances=1))
        self.new_build(path, 1)
        self.farm.deploy("restart", "shop/web")
        self.farm.deploy("stop", "shop/web")
        self.farm.deploy("undeploy", "shop/web")
        self.farm.deploy("rollback", "shop/none", expect=1)
        lines = [line for line in self.server_log().splitlines()
                 if 'event="rollout' in line or 'event="order' in line]
        for words in (['rollout was ordered', 'group=shop/web', 'by=operator', 'build 1'],
                      ['rollout was ordered', 'by=operator', 'restart'],
                      ['rollout was ordered', 'by=operator', 'stop'],
                      ['rollout was ordered', 'by=operator', 'undeploy'],
                      ['phase=starting', 'has its artifact'], ['rollout ended', 'outcome=succeeded'],
                      ['order was refused', 'by=operator', 'shop/none']):
            with self.subTest(words=words):
                self.assertTrue(any(all(word in line for word in words) for line in lines),
                                "\n".join(lines))

    def test_sighup_goes_on_in_the_file_that_has_the_logs_name(self):
        for name in ("deployminator", "w1"):
            with self.subTest(name=name):
                path = self.farm.root / f"{name}.log"
                path.rename(path.with_suffix(".log.1"))
                self.farm.processes[name].send_signal(signal.SIGHUP)
                wait_until(lambda: "log has reopened its file" in self.farm.log(name), "the log is reopened")
                self.assertIsNone(self.farm.processes[name].poll())
        self.new_build(self.write(application(instances=1)), 1)
        self.assertIn("rollout ended", self.server_log())

    def test_a_line_that_a_client_repeats_is_told_once(self):
        stranger = self.farm.encrypt(zmq.Context.instance().socket(zmq.DEALER))
        stranger.linger = 0
        stranger.connect(self.farm.server_url)
        for _ in range(2_000):
            stranger.send(b"no message")
        self.farm.deploy("status")
        wait_until(lambda: "gateway refused message" in self.server_log(), "it is refused")
        stranger.close()
        self.farm.end("deployminator")
        lines = [line for line in self.server_log().splitlines() if "gateway refused message" in line]
        self.assertEqual(len(lines), 2, lines[:5])
        self.assertRegex(lines[1], r"repeated=\d{3,}")


class StuckLogs(Case):
    """stderr is a pipe that nobody reads."""

    agents = []

    def spawn_stuck(self, name, arguments):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        # Full but for a page, so that a few lines fill it.
        os.set_blocking(writer, False)
        os.write(writer, b"x" * (60 * 1024))
        os.set_blocking(writer, True)
        process = subprocess.Popen([str(each) for each in arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=writer)
        os.close(writer)
        self.farm.processes[name] = process
        return process

    def start_stuck(self):
        farm = self.farm
        spawn = farm.spawn
        farm.spawn = lambda name, arguments, **_: self.spawn_stuck(name, arguments)
        farm.end("deployminator")
        # The usual start waits for a line of the log.
        farm.log = lambda name: "deployminator serves"
        farm.start_server()
        farm.start_agent("w1")
        farm.spawn = spawn
        del farm.log
        farm.wait_for_machines(["w1"])

    def test_server_and_agent_work_on_and_end_in_time(self):
        key = self.farm.machine_key("w1")
        self.assertTrue(key)
        self.start_stuck()
        stranger = self.farm.encrypt(zmq.Context.instance().socket(zmq.DEALER))
        stranger.linger = 0
        stranger.connect(self.farm.server_url)
        for n in range(3_000):
            stranger.send(struct.pack(">I", n))
        path = self.write(application(instances=1, args=["sh", "-c", "exit 3"],
                                      restart={"backoff": "10ms..10ms"},
                                      rollout={"min_ready": "0s", "deadline": "2s"}))
        self.new_build(path, 1, expect=None)
        self.new_build(self.write(application(instances=2)), 2)
        stranger.close()
        self.undeploy_and_check()
        for name in ("w1", "deployminator"):
            begun = time.monotonic()
            code = self.farm.end(name, signal.SIGTERM)
            with self.subTest(name=name):
                self.assertEqual(code, 0)
                self.assertLess(time.monotonic() - begun, 5)


if __name__ == "__main__":
    case.main()
