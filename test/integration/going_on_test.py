"""What gets in the way for a while ends by itself: nothing hangs, and nothing has to be restarted."""

import os
import pathlib
import signal
import socket

import case
from case import Case, answers, application
from farm import wait_until


class Ports(Case):
    """A port that another process takes while the program is down."""

    agents = ["w1"]

    def setUp(self):
        super().setUp()
        self.new_build(self.write(application(instances=1, restart={"backoff": "2s..2s"})), 1)
        self.row = self.ready()[0]

    def take_port(self):
        thief = socket.socket()
        self.addCleanup(thief.close)
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", self.row["ports"][0]))
        thief.listen()

    def runs_again(self):
        return wait_until(lambda: [row for row in self.ready() if row["pid"] != self.row["pid"]], "it runs again")[0]

    def has_another(self):
        now = self.runs_again()
        self.assertEqual(now["id"], self.row["id"])
        self.assertNotEqual(now["ports"], self.row["ports"])
        self.assertEqual(now["restarts"], self.row["restarts"] + 1)
        self.assertTrue(answers(now["ports"][0]))
        environment = pathlib.Path(f"/proc/{now['pid']}/environ").read_bytes().split(b"\0")
        self.assertIn(f"PORT1={now['ports'][0]}".encode(), environment)
        why = f"another process has taken port {self.row['ports'][0]} meanwhile, so it gets another"
        events = [each for each in self.farm.events("events", "--since", "0", "--no-follow") if each["type"] == "instance.state"]
        self.assertIn((why, now["ports"]), [(each["reason"], each["ports"]) for each in events])
        return now

    def test_it_gets_another_port(self):
        os.kill(self.row["pid"], signal.SIGKILL)
        wait_until(lambda: self.farm.instances("shop/web", "failed"), "it is down")
        self.take_port()
        self.row = self.has_another()
        self.undeploy_and_check()

    def test_it_gets_another_port_from_the_next_agent(self):
        self.farm.end("w1", signal.SIGKILL)
        os.kill(self.row["pid"], signal.SIGKILL)
        wait_until(lambda: not pathlib.Path(f"/proc/{self.row['pid']}").exists(), "it is down")
        self.take_port()
        self.farm.start_agent("w1")
        self.has_another()

    def test_it_keeps_its_port_where_nobody_took_it(self):
        # Connections that linger are nobody's.
        for _ in range(20):
            answers(self.row["ports"][0])
        os.kill(self.row["pid"], signal.SIGKILL)
        self.assertEqual(self.runs_again()["ports"], self.row["ports"])


if __name__ == "__main__":
    case.main()
