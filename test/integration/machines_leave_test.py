"""Machines that are emptied, lost, replaced, forgotten and come back."""

import json
import signal
import subprocess
import time

import case
from case import Case, application
from farm import wait_until

PATIENT = {"replace_after": "2s"}


def app(**changes):
    return application(instances=3, **changes)


class MachinesLeave(Case):
    agents = ["w1", "w2", "w3"]

    def state_of(self, machine):
        return {row["name"]: row["state"] for row in self.farm.json("machines")}.get(machine)

    def machines_of_ready(self):
        return sorted(row["machine"] for row in self.ready())

    def least_ready(self, during):
        """The fewest ready instances seen until `during` ends."""
        least = len(self.ready())
        while during.poll() is None:
            least = min(least, len(self.ready()))
        return least

    def test_a_drained_machine_is_emptied_new_first_and_takes_nothing_until_it_is_undrained(self):
        self.new_build(self.write(app()), 1)
        drain = subprocess.Popen(self.farm.command("drain", "w1", "--wait"), stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        self.assertEqual(self.least_ready(drain), 3)
        told = drain.communicate(timeout=60)[0]
        self.assertEqual(drain.returncode, 0, told)
        self.assertIn("w1 is drained: nothing is left on it", told)
        self.assertEqual(self.state_of("w1"), "drained")
        self.assertNotIn("w1", self.machines_of_ready())
        # Again, it is so already.
        self.assertEqual(self.farm.json("drain", "w1"), {"name": "w1", "state": "drained"})
        self.new_build(self.write(app()), 2)
        self.assertNotIn("w1", self.machines_of_ready())
        self.farm.end("deployminator", signal.SIGKILL)
        self.farm.start_server()
        wait_until(lambda: self.state_of("w1") == "drained", "w1 is still drained")
        self.assertEqual(self.farm.json("undrain", "w1"), {"name": "w1"})
        self.assertEqual(self.state_of("w1"), "ready")
        self.new_build(self.write(app()), 3)
        self.assertEqual(self.machines_of_ready(), ["w1", "w2", "w3"])

    def test_a_drain_with_json_ends_with_the_machines_state(self):
        self.new_build(self.write(app()), 1)
        lines = self.farm.events("drain", "w2", "--wait")
        self.assertEqual(lines[-1]["type"], "machine.state")
        self.assertEqual((lines[-1]["machine"], lines[-1]["to"]), ("w2", "drained"))

    def test_a_drain_says_what_it_waits_for(self):
        slow = app(rollout={"parallel": "100%", "min_ready": "5s", "deadline": "30s"})
        self.new_build(self.write(slow), 1)
        told = self.farm.deploy("drain", "w1", "--wait").stderr
        self.assertRegex(told, r"shop/web: waits for web-\w+ on w[23] to get ready \(running\)")
        self.farm.deploy("undrain", "w1")
        waits = [each for each in self.farm.events("drain", "w2", "--wait") if each["type"] == "drain.waits"]
        self.assertTrue(waits)
        self.assertEqual(waits[0]["machine"], "w2")
        self.assertIn("to get ready", waits[0]["obstacles"][0]["reason"])

    def test_a_drain_during_a_rollout_follows_it_and_nothing_is_missing_meanwhile(self):
        self.new_build(self.write(app()), 1)
        slow = app(rollout={"parallel": 1, "min_ready": "1s", "deadline": "30s"})
        self.new_build(self.write(slow), 2, "--no-wait")
        self.wait_for_phase("starting")
        drain = subprocess.Popen(self.farm.command("drain", "w1", "--wait"), stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        self.assertGreaterEqual(self.least_ready(drain), 3)
        self.assertEqual(drain.returncode, 0, drain.communicate()[0])
        self.assertEqual({row["build"] for row in self.ready()}, {2})
        self.assertEqual(len(self.ready()), 3)
        self.assertNotIn("w1", self.machines_of_ready())
        drain.stdout.close()

    def test_nobody_waits_for_ever_for_a_machine_that_cannot_be_emptied(self):
        self.new_build(self.write(app(strategy="pinned", machines="w1")), 1)
        done = self.farm.deploy("drain", "w1", "--wait", "--timeout", "5s", expect=4)
        self.assertIn("w1 goes on draining", done.stderr)
        self.assertIn("shop/web: nothing on w1 could be placed elsewhere so far", done.stderr)
        self.assertEqual(self.state_of("w1"), "draining")
        self.assertEqual(self.machines_of_ready(), ["w1"] * 3)
        self.assertIn("there is no machine w9", self.farm.deploy("drain", "w9", expect=1).stderr)

    def test_what_a_lost_machine_ran_is_replaced_and_the_surplus_goes_when_it_is_back(self):
        self.new_build(self.write(app(unreachable=PATIENT)), 1)
        lost = {row["machine"]: row["id"] for row in self.ready()}["w1"]
        self.farm.end("w1", signal.SIGKILL)
        wait_until(lambda: self.state_of("w1") == "unreachable", "w1 is out of reach")
        gone = time.monotonic()
        wait_until(lambda: len(self.ready()) == 3, "what it ran is elsewhere")
        self.assertGreaterEqual(time.monotonic() - gone, 1)
        self.assertNotIn("w1", self.machines_of_ready())
        told = self.farm.events("events", "--since", "0", "--no-follow")
        self.assertTrue(any("w1 is silent for" in str(each.get("reason")) for each in told), told[-20:])
        # The starter held it all the time: it is the longest ready one.
        self.farm.start_agent("w1")
        wait_until(lambda: self.state_of("w1") == "ready", "w1 is back")
        wait_until(lambda: self.machines_of_ready() == ["w1", "w2", "w3"] and len(self.farm.instances()) == 3,
                   "the surplus is gone")
        self.assertIn(lost, {row["id"] for row in self.ready()})

    def test_too_many_silent_machines_are_replaced_by_none_and_it_says_so(self):
        self.new_build(self.write(app(unreachable={"replace_after": "1s"})), 1)
        for name in "w1", "w2":
            self.farm.end(name, signal.SIGKILL)
        sentence = "2 of 3 machines are silent, more than 1/3"
        wait_until(lambda: sentence in self.farm.deploy("machines").stderr, "it says so")
        told = lambda: [each for each in self.farm.events("events", "--since", "0", "--no-follow")
                        if sentence in str(each.get("reason"))]
        wait_until(told, "an event says so")
        time.sleep(3)
        self.assertEqual(self.machines_of_ready(), ["w3"])
        self.farm.start_agent("w2")
        wait_until(lambda: self.machines_of_ready() in (["w2", "w2", "w3"], ["w2", "w3", "w3"]),
                   "with fewer silent ones it is replaced")

    def test_a_redistribution_says_what_it_would_move_moves_it_and_then_has_nothing_to_do(self):
        for name in "w2", "w3":
            self.farm.deploy("drain", name)
        self.new_build(self.write(app()), 1)
        self.assertEqual(self.machines_of_ready(), ["w1"] * 3)
        for name in "w2", "w3":
            self.farm.deploy("undrain", name)
        before = self.pids()
        changes = self.farm.json("redistribute", "--dry-run")["changes"]
        self.assertEqual([(each["action"], each["from"]) for each in changes], [("move", "w1")] * 2)
        self.assertEqual({each["to"] for each in changes}, {"w2", "w3"})
        self.assertTrue(all("w1 has 3 of it" in each["reason"] for each in changes), changes)
        self.assertEqual(self.pids(), before)
        even = subprocess.Popen(self.farm.command("redistribute"), stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)
        self.assertGreaterEqual(self.least_ready(even), 3)
        self.assertEqual(even.returncode, 0, even.communicate()[0])
        even.stdout.close()
        self.assertEqual(self.machines_of_ready(), ["w1", "w2", "w3"])
        self.assertEqual(len(self.pids() & before), 1)
        self.assertEqual(self.farm.json("redistribute", "--dry-run"), {"changes": []})
        self.assertIn("nothing is to be done", self.farm.deploy("redistribute").stdout)

    def test_a_machine_that_is_forgotten_leaves_nothing_and_comes_back_only_empty(self):
        self.new_build(self.write(app()), 1)
        self.assertIn("w1 is within reach", self.farm.deploy("forget", "w1", expect=1).stderr)
        self.farm.end("w1", signal.SIGKILL)
        wait_until(lambda: self.state_of("w1") == "unreachable", "w1 is out of reach")
        self.assertEqual(self.farm.json("forget", "w1"), {"name": "w1"})
        self.assertIsNone(self.state_of("w1"))
        wait_until(lambda: len(self.ready()) == 3, "what it ran is elsewhere")
        self.assertNotIn("w1", self.machines_of_ready())
        self.farm.start_agent("w1")
        wait_until(lambda: "never gave" in self.farm.log("w1"), "it is refused")
        self.assertIsNone(self.state_of("w1"))


if __name__ == "__main__":
    case.main()
