"""A foreign client: submits a build and follows it with nothing but ZeroMQ and msgpack, by the
protocol as messages/README.md documents it."""

import unittest
import uuid

import msgpack
import zmq

import case
from case import Case
from farm import wait_until


class ForeignClient(Case):
    def call(self, type_, body, id_):
        self.dealer.send(msgpack.packb({"magic": "deployminator", "version": 1, "type": type_,
                                        "id": id_, "epoch": 0, "body": body}))
        while self.dealer.poll(5000):
            answer = msgpack.unpackb(self.dealer.recv())
            if answer["id"] == id_:
                return answer
        self.fail(f"no answer to {type_}")

    def setUp(self):
        super().setUp()
        context = zmq.Context()
        self.dealer = context.socket(zmq.DEALER)
        self.dealer.linger = 0
        self.farm.encrypt(self.dealer).connect(self.farm.server_url)
        self.welcome = self.call("hello", {"role": "client", "lowest": 1, "highest": 1}, 1)
        self.subscriber = context.socket(zmq.SUB)
        self.subscriber.linger = 0
        self.farm.encrypt(self.subscriber).connect(self.welcome["body"]["publish"])
        self.subscriber.subscribe(b"")
        self.addCleanup(context.destroy, 0)

    def follow(self, seq, version):
        """Every event after `seq` until the rollout of `version` is finished, without a gap."""
        out = []

        def take(events):
            for event in events:
                if event["seq"] == (out[-1]["seq"] if out else seq) + 1:
                    out.append(event)

        take(self.call("events_after", {"seq": seq}, 3)["body"]["events"])
        while not any(e["type"] == "rollout.finished" and e["version"] == version for e in out):
            self.assertTrue(self.subscriber.poll(10_000), "nothing is published any more")
            message = msgpack.unpackb(self.subscriber.recv())
            if message is None:  # The subscription stands.
                continue
            last = out[-1]["seq"] if out else seq
            if message["type"] == "events" and message["body"]["list"][0]["seq"] <= last + 1:
                take(message["body"]["list"])
            elif message["type"] == "events":
                take(self.call("events_after", {"seq": last}, 4)["body"]["events"])
        return out

    def submit(self, build, order):
        text = self.write().read_text()
        return self.call("submit_build", {"order_id": order, "file_name": "deploy.yaml", "file": text,
                                          "build": build}, 2)

    def test_a_build_is_submitted_and_followed_to_its_end(self):
        accepted = self.submit(1, uuid.uuid4().hex)
        self.assertEqual(accepted["type"], "accepted")
        version = accepted["body"]["versions"][0]["version"]
        events = self.follow(accepted["body"]["seq"], version)
        self.assertEqual(events[0]["type"], "rollout.step")
        self.assertEqual(events[-1]["outcome"], "succeeded")
        self.assertTrue(any(e["type"] == "instance.state" and e["to"] == "ready" for e in events))
        self.assertTrue(any(e["type"] == "download.progress" for e in events))

    def test_the_same_order_sent_again_makes_no_second_version(self):
        order = uuid.uuid4().hex
        first = self.submit(1, order)
        again = self.submit(1, order)
        self.assertEqual(first["body"]["versions"], again["body"]["versions"])
        self.assertEqual(len(self.farm.json("versions", "shop/web")), 1)
        version = again["body"]["versions"][0]["version"]
        self.assertEqual(self.follow(again["body"]["seq"], version)[-1]["outcome"], "succeeded")
        third = self.submit(1, order)
        self.assertEqual(third["body"], again["body"])

    def test_nothing_but_progress_is_taken_as_progress(self):
        agent = zmq.Context.instance().socket(zmq.PUB)
        agent.linger = 0
        self.farm.encrypt(agent, self.farm.new_key("w9", "--role", "agent")).connect(self.welcome["body"]["collect"])
        self.addCleanup(agent.close)
        header = {"seq": 0, "time": "2026-01-01T00:00:00.000000Z", "namespace": "a", "group": "b", "version": 1}
        forged = [{**header, "type": "rollout.finished", "outcome": "succeeded"},
                  {**header, "type": "weather.changed"},
                  {**header, "type": "download.progress", "machine": "w9"}]

        def taken():
            agent.send(msgpack.packb({"magic": "deployminator", "version": 1, "type": "progress", "id": 0,
                                      "epoch": 0, "body": {"list": forged}}))
            events = self.call("events_after", {"seq": 0}, 5)["body"]["events"]
            return [e["type"] for e in events if e.get("group") == "b"]

        wait_until(taken, "progress is taken")
        self.assertEqual(set(taken()), {"download.progress"})

    def test_a_bad_file_is_refused_with_its_place(self):
        answer = self.call("submit_build", {"order_id": "x", "file_name": "deploy.yaml",
                                            "file": "namespace: a\ngrups: []\n", "build": 1}, 9)
        self.assertEqual(answer["type"], "refusal")
        self.assertIn("deploy.yaml:2:1: ", answer["body"]["error"]["message"])

    def test_a_stranger_that_does_not_say_hello_is_told_to(self):
        stranger = zmq.Context.instance().socket(zmq.DEALER)
        stranger.linger = 0
        self.farm.encrypt(stranger).connect(self.farm.server_url)
        self.addCleanup(stranger.close)
        stranger.send(msgpack.packb({"magic": "deployminator", "version": 1, "type": "query", "id": 7,
                                     "epoch": 0, "body": {"subject": "status"}}))
        self.assertTrue(stranger.poll(5000))
        self.assertEqual(msgpack.unpackb(stranger.recv())["type"], "unknown_peer")


if __name__ == "__main__":
    case.main()
