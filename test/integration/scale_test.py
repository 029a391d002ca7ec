"""20 agents on one machine, 10 groups, 200 instances: deploy, roll, undeploy, nothing left."""

import concurrent.futures
import unittest

import case
from case import Case, application
from farm import wait_until

GROUPS = [f"g{i}" for i in range(10)]


class Scale(Case):
    agents = [f"w{i}" for i in range(20)]

    def roll(self, build):
        paths = {group: self.write(application(instances=20, args=["sleep", "100000"]), group=group,
                                   name=f"{group}.yaml") for group in GROUPS}
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            list(pool.map(lambda group: self.new_build(paths[group], build), GROUPS))
        rows = self.farm.instances(None, "ready")
        self.assertEqual(len(rows), 200)
        self.assertEqual({row["build"] for row in rows}, {build})
        per_machine = [sum(row["machine"] == name for row in rows) for name in self.agents]
        self.assertEqual(per_machine, [10] * 20)

    def test_200_instances_come_roll_and_go(self):
        self.roll(1)
        self.roll(2)
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            list(pool.map(lambda group: self.farm.deploy("undeploy", f"shop/{group}"), GROUPS))
        wait_until(lambda: not self.farm.instances(), "the instances are gone", 60)
        wait_until(lambda: not self.farm.leftovers(), "nothing is left", 30)


if __name__ == "__main__":
    case.main()
