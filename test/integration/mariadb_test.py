"""The real programs on MariaDB, which goes away and comes back."""

import signal
import sys
import time

import case
import mariadb
from farm import Farm, wait_until


class MariaDBTest(case.Case):
    agents = ["w1"]

    def setUp(self):
        self.farm = Farm(case.OPTIONS.bin)
        self.addCleanup(self.finish)
        self.database = mariadb.MariaDB()
        self.addCleanup(self.database.close)
        self.farm.store = [self.database.url, "--store-password-file", self.database.password_file]
        self.farm.start(self.agents)

    def refused(self, *arguments):
        """What an order that is refused says."""
        done = self.farm.deploy(*arguments, expect=None)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr + done.stdout

    def check_absence(self, sig):
        before = self.pids()
        self.database.end(sig)
        said = self.refused("restart", "shop/web")
        self.assertIn(f"the database {self.database.url} cannot be reached", said)
        self.assertIn("it is tried again by itself", said)
        begun = time.monotonic()
        for _ in range(3):
            self.assertEqual({row["id"] for row in self.ready()}, {each[0] for each in before})
            self.assertEqual(self.version_states(), {1: "deployed"})
            self.assertIn("cannot be reached", self.refused("undeploy", "shop/web"))
        self.assertLess(time.monotonic() - begun, 20)
        self.assertEqual(self.pids(), before)
        self.database.start()
        wait_until(lambda: self.farm.deploy("restart", "shop/web", expect=None).returncode == 0,
                   "orders are carried out again", 30)
        self.assertFalse({each[0] for each in self.pids()} & {each[0] for each in before})

    def test_orders_are_refused_while_the_database_is_away_and_carried_out_when_it_is_back(self):
        self.new_build(self.write(), 1)
        server = self.farm.processes["deployminator"].pid
        self.check_absence(signal.SIGTERM)
        self.check_absence(signal.SIGKILL)
        self.assertEqual(self.farm.processes["deployminator"].pid, server)
        self.assertIsNone(self.farm.processes["deployminator"].poll())
        self.undeploy_and_check()

    def test_a_server_that_is_killed_goes_on_with_what_the_database_has(self):
        self.new_build(self.write(), 1)
        before = self.pids()
        self.farm.end("deployminator", signal.SIGKILL)
        self.farm.start_server()
        wait_until(lambda: self.pids() == before, "the instances are as they were")
        self.new_build(self.write(), 2)
        self.assertEqual(self.version_states(), {1: "retired", 2: "deployed"})

    def test_a_store_is_copied_from_MariaDB_to_SQLite_and_the_farm_goes_on(self):
        self.new_build(self.write(), 1)
        before = self.pids()
        self.farm.end("deployminator")
        copy = f"sqlite:{self.farm.root}/copy.sqlite"
        done = self.farm.run("deployminator", "--store-password-file", self.database.password_file,
                             "--copy-store", self.database.url, copy)
        self.assertIn("instance: 2 rows", done.stdout)
        self.assertIn("row by row", done.stdout)
        again = self.farm.run("deployminator", "--store-password-file", self.database.password_file,
                              "--copy-store", self.database.url, copy, expect=1)
        self.assertIn("has a store already", again.stderr)
        self.farm.store = [copy]
        self.farm.start_server()
        wait_until(lambda: self.pids() == before, "the instances are as they were")
        self.new_build(self.write(), 2)

    def test_a_server_that_cannot_come_in_says_why(self):
        self.farm.end("deployminator")
        self.database.password_file.write_text("wrong\n")
        done = self.farm.run("deployminator", "--keys", "none", "--store", self.database.url,
                             "--store-password-file", self.database.password_file, expect=1)
        self.assertIn("does not let us in", done.stderr)
        self.assertIn("--store-password-file", done.stderr)
        self.assertNotIn("wrong", done.stderr)


if __name__ == "__main__":
    if not mariadb.PROGRAM:
        print("these tests start a MariaDB, which is not installed (Debian: mariadb-server-core)")
        sys.exit(0)
    case.main()
