"""Where instances go when there is a limit: so many on a machine, so much of its memory."""

import case
from case import Case, application
from farm import Farm, wait_until


class Limits(Case):
    settings = []

    def setUp(self):
        self.farm = Farm(case.OPTIONS.bin)
        self.addCleanup(self.finish)
        self.farm.store += self.settings
        self.farm.start_server()
        self.farm.start_agent("w1", memory=1000)
        self.farm.start_agent("w2", memory=2000)
        self.farm.wait_for_machines(["w1", "w2"])

    def join(self):
        self.farm.start_agent("w3", memory=1000)

    def build(self, number, expect=0, **changes):
        return self.new_build(self.write(application(**changes)), number, expect=expect)

    def machines(self):
        return sorted(row["machine"] for row in self.ready())


class AtMost(Limits):
    def test_what_finds_no_machine_comes_when_there_is_one(self):
        done = self.build(1, instances=3, max_per_machine=1)
        self.assertIn("2 of 3 placed: machine group worker has 2 machines, with 1 on each at most",
                      done.stdout + done.stderr)
        self.assertEqual(self.machines(), ["w1", "w2"])
        self.join()
        wait_until(lambda: self.machines() == ["w1", "w2", "w3"], "the third instance has come")

    def test_memory_is_not_counted_unless_the_operator_wants_it(self):
        self.build(1, instances=4, limits={"maxmemory": 5000})
        self.assertEqual(self.machines(), ["w1", "w1", "w2", "w2"])


class Memory(Limits):
    settings = ["--overcommit", "100%"]

    def test_no_machine_is_promised_more_than_it_has(self):
        done = self.build(1, instances=5, limits={"maxmemory": 600})
        self.assertIn("4 of 5 placed", done.stdout + done.stderr)
        self.assertIn("600 MB for another one are left on none of 2 machines", done.stdout + done.stderr)
        self.assertEqual(self.machines(), ["w1", "w2", "w2", "w2"])
        self.join()
        wait_until(lambda: self.machines() == ["w1", "w2", "w2", "w2", "w3"], "the fifth instance has come")

    def test_a_redistribution_promises_no_machine_more_than_it_has(self):
        self.farm.deploy("drain", "w2")
        self.build(1, instances=3, limits={"maxmemory": 300})
        self.assertEqual(self.machines(), ["w1"] * 3)
        self.farm.start_agent("w3", memory=200)
        self.farm.deploy("undrain", "w2")
        self.farm.wait_for_machines(["w1", "w2", "w3"])
        changes = self.farm.json("redistribute", "--dry-run")["changes"]
        self.assertEqual([each["to"] for each in changes], ["w2"])
        self.farm.deploy("redistribute")
        self.assertEqual(self.machines(), ["w1", "w1", "w2"])

    def test_a_full_farm_takes_the_next_build_where_the_old_stop_first(self):
        rollout = {"parallel": "100%", "min_ready": "300ms"}
        self.build(1, limits={"maxmemory": 1000}, instances=3)
        refused = self.build(2, expect=1, limits={"maxmemory": 1000}, instances=3)
        self.assertIn("cannot be placed: 0 of 3 placed", refused.stderr)
        self.assertEqual({row["build"] for row in self.ready()}, {1})
        self.build(3, limits={"maxmemory": 1000}, instances=3, rollout={**rollout, "order": "stop-first"})
        self.assertEqual(self.machines(), ["w1", "w2", "w2"])
        self.assertEqual({row["build"] for row in self.ready()}, {3})


if __name__ == "__main__":
    case.main()
