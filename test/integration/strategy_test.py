"""Strategies in processes of their own: the example places, and one that is killed, slow or talks
nonsense harms nothing and is told of."""

import pathlib
import signal
import threading
import time

import msgpack
import zmq

import case
from case import Case, application
from farm import wait_until

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "deploy-configs" / "examples" / "most_memory.py"


class Offering:
    """A strategy that the test plays: `react(say, id, question)` is called with each question."""

    def __init__(self, farm, name, react, key=None):
        self.react = react
        self.said = []
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        farm.encrypt(self.socket, key).connect(farm.server_url)
        self.say("hello", role="client")
        self.say("offer_strategy", name=name)
        self.ends = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def say(self, type_, id_=0, **body):
        self.socket.send(msgpack.packb({"magic": "deployminator", "version": 1, "type": type_, "id": id_, "body": body}))

    def run(self):
        while not self.ends:
            self.say("heartbeat")
            if not self.socket.poll(200):
                continue
            message = msgpack.unpackb(self.socket.recv())
            if message["type"] == "place":
                self.react(self, message["id"], message["body"])
            elif message["type"] != "heartbeat":
                self.said.append(message)

    def end(self):
        self.ends = True
        self.thread.join()
        self.socket.close()


class Strategies(Case):
    agents = []

    def setUp(self):
        super().setUp()
        self.start_agents()

    def start_agents(self):
        self.farm.start_agent("w1", memory=1000)
        self.farm.start_agent("w2", memory=4000)
        self.farm.wait_for_machines(["w1", "w2"])

    def start_example(self):
        seen = self.offers()
        process = self.farm.spawn("strategy", ["/usr/bin/python3", EXAMPLE, self.farm.server_url,
                                               self.farm.operator_key])
        wait_until(lambda: self.offers() > seen or process.poll() is not None, "the example offers its strategy")
        self.assertIsNone(process.poll(), self.farm.log("strategy"))
        return process

    def offers(self):
        return self.farm.log("deployminator").count('event="strategy is offered" strategy=most-memory')

    def offer(self, react, name="mine", key=None):
        out = Offering(self.farm, name, react, key)
        self.addCleanup(out.end)
        wait_until(lambda: out.said and out.said[-1]["type"] in ("offered", "refusal"), "the offer is answered")
        return out

    def app(self, **changes):
        return application(**{"strategy": "most-memory", "limits": {"maxmemory": 500}, **changes})

    def build(self, number, expect=0, group="web", **changes):
        path = self.write(self.app(**changes), group=group, name=f"{group}-{number}.yaml")
        return self.new_build(path, number, expect=expect)

    def machines(self, group="shop/web"):
        return sorted(row["machine"] for row in self.ready(group))

    def troubles(self):
        done = self.farm.deploy("status", expect=None)
        return [line for line in done.stderr.splitlines() if "strategy" in line]

    # -- the example ------------------------------------------------------------------------------

    def test_the_example_places(self):
        self.start_example()
        done = self.build(1)
        self.assertIn("(most-memory: most memory is free there)", done.stdout + done.stderr)
        self.assertEqual(self.machines(), ["w2", "w2"])
        self.build(2, instances=4)
        self.assertEqual(self.machines(), ["w2"] * 4)
        self.assertEqual(self.troubles(), [])

    def test_it_is_at_most_forty_lines(self):
        self.assertLessEqual(len(EXAMPLE.read_text().splitlines()), 40)

    def test_a_strategy_that_nobody_offers_is_refused(self):
        done = self.build(1, expect=1)
        self.assertIn("nobody offers strategy most-memory", done.stderr)
        self.assertIn("spread", done.stderr)
        self.assertEqual(self.farm.json("status"), {"groups": []})
        self.assertEqual(self.troubles(), [])

    def test_what_the_strategy_refuses_is_refused_with_its_words(self):
        self.start_example()
        done = self.build(1, expect=1, instancesmeansperautodeployer=True)
        self.assertIn("strategy most-memory says: no machine, or instances per machine", done.stderr)

    # -- killed -----------------------------------------------------------------------------------

    def test_killed_in_the_middle_of_a_rollout_it_harms_nothing(self):
        self.start_example()
        self.build(1)
        slowly = {"parallel": "1", "min_ready": "1s", "deadline": "20s"}
        path = self.write(self.app(rollout=slowly), name="slow.yaml")
        self.new_build(path, 2, "--no-wait")
        self.farm.end("strategy", signal.SIGKILL)
        self.wait_until_done()
        self.assertEqual({row["build"] for row in self.ready()}, {2})
        self.assertEqual(self.machines(), ["w2", "w2"])

        done = self.build(3)
        self.assertIn("where they were, for", done.stdout + done.stderr)
        self.assertEqual(self.machines(), ["w2", "w2"])
        self.assertEqual({row["build"] for row in self.ready()}, {3})
        self.assertTrue(self.troubles())
        self.build(1, group="other", strategy="spread")
        self.assertEqual(self.machines("shop/other"), ["w1", "w2"])
        self.assertIn("cannot be placed", self.build(4, expect=1, instances=3).stderr)
        self.assertEqual({row["build"] for row in self.ready()}, {3})

        self.start_example()
        self.assertEqual(self.troubles(), [])
        self.build(5, instances=3)
        self.assertEqual(self.machines(), ["w2"] * 3)

    def test_what_is_missing_waits_for_it_and_comes_when_it_is_back(self):
        self.start_example()
        self.build(1)
        self.farm.end("strategy", signal.SIGKILL)
        before = self.pids()
        self.farm.end("w2")
        self.farm.start_agent("w2", groups="db", memory=4000)
        wait_until(self.troubles, "status tells of the strategy")
        self.assertEqual(self.pids(), before)
        self.start_example()
        wait_until(lambda: self.machines() == ["w1", "w1"], "the instances have gone to the machine that is left")
        self.assertEqual(self.troubles(), [])

    def test_it_offers_again_when_the_server_is_back(self):
        process = self.start_example()
        self.build(1)
        seen = self.offers()
        self.farm.end("deployminator", signal.SIGKILL)
        self.farm.start_server()
        wait_until(lambda: self.offers() > seen or process.poll() is not None, "it offers again")
        if process.poll() is not None:
            self.start_example()
        self.build(2, instances=3)
        self.assertEqual(self.machines(), ["w2"] * 3)

    # -- slow, and nonsense -----------------------------------------------------------------------

    def test_a_slow_one_costs_its_deadline_once(self):
        questions = []
        slow = self.offer(lambda self, id_, body: questions.append(id_))
        begin = time.monotonic()
        done = self.build(1, expect=1, strategy="mine")
        # `deploy` sends an order again that is not answered for 3 s, which may be looked at anew.
        self.assertRegex(done.stderr, "strategy mine (did not answer within 3 s|has not answered an earlier question)")
        self.assertLess(time.monotonic() - begin, 6)
        begin = time.monotonic()
        done = self.build(2, expect=1, strategy="mine")
        self.assertIn("strategy mine has not answered an earlier question", done.stderr)
        self.assertLess(time.monotonic() - begin, 2)
        self.build(1, group="other", strategy="spread")
        # Its late answer is of no use, but shows that it lives.
        slow.react = lambda self, id_, body: self.say("placed", id_, machines=["w1", "w1"], reason="late but there")
        slow.say("placed", questions[0], machines=["w2", "w2"], reason="too late")
        time.sleep(0.3)
        self.build(3, strategy="mine")
        self.assertEqual(self.machines(), ["w1", "w1"])

    def test_nonsense_is_refused_with_what_is_wrong(self):
        server = self.farm.processes["deployminator"].pid
        reactions = {
            "chose machine \"moon\"": {"machines": ["moon", "w1"], "reason": "far"},
            "chose machines for 3 instances": {"machines": ["w1"] * 3, "reason": "more"},
            "chose machines for 0 instances": {"machines": [], "reason": "none"},
            "gave a reason of 0 bytes": {"machines": ["w1", "w1"]},
            "gave a reason of 5000 bytes": {"machines": ["w1", "w1"], "reason": "x" * 5000},
            "at most": {"machines": ["w1", "w1"], "reason": "both"},
        }
        mine = self.offer(None)
        for number, (sentence, body) in enumerate(reactions.items(), 1):
            mine.react = lambda self, id_, _, body=body: self.say("placed", id_, **body)
            limit = {"max_per_machine": 1} if sentence == "at most" else {}
            with self.subTest(sentence):
                self.assertIn(sentence, self.build(number, expect=1, strategy="mine", **limit).stderr)
        self.assertEqual(self.farm.instances(), [])
        self.assertEqual(server, self.farm.processes["deployminator"].pid)
        self.assertIsNone(self.farm.processes["deployminator"].poll())

    def test_bytes_that_are_no_message_are_no_answer(self):
        mine = self.offer(None)
        for number, bytes_ in enumerate([b"\xc1\xff\x00nonsense", msgpack.packb({"magic": "deployminator"}), b""], 1):
            mine.react = lambda self, id_, body, bytes_=bytes_: self.socket.send(bytes_)
            done = self.build(number, expect=1, strategy="mine")
            self.assertIn("strategy mine", done.stderr)
        mine.react = lambda self, id_, body: self.say("placed", id_, machines=17, reason=[])
        self.assertIn("strategy mine", self.build(8, expect=1, strategy="mine").stderr)
        self.assertEqual(self.farm.instances(), [])

    # -- who may ----------------------------------------------------------------------------------

    def test_a_builder_may_offer_none_and_nobody_one_that_the_server_has(self):
        builder = self.offer(None, key=self.farm.new_key("ci", "--role", "builder"))
        self.assertEqual(builder.said[-1]["body"]["error"]["code"], "forbidden")
        taken = self.offer(None, name="spread")
        self.assertIn("has a strategy spread itself", taken.said[-1]["body"]["error"]["message"])

    def test_the_newest_offer_of_a_name_counts(self):
        first = self.offer(lambda self, id_, body: self.say("placed", id_, machines=["w1", "w1"], reason="first"))
        self.offer(lambda self, id_, body: self.say("placed", id_, machines=["w2", "w2"], reason="second"))
        wait_until(lambda: first.said[-1]["type"] == "refusal", "the first one hears of it")
        self.build(1, strategy="mine")
        self.assertEqual(self.machines(), ["w2", "w2"])


if __name__ == "__main__":
    case.main()
