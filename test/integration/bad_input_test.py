"""Bad input: one clear sentence, the right exit code, and nothing changed."""

import json
import os
import socket
import subprocess
import threading
import unittest

import case
from case import BUSYBOX, Case, application, make_tar
from farm import free_port, wait_until

SOON = {"parallel": "100%", "min_ready": "300ms"}


class BadFiles(Case):
    """Files that are refused before anything happens: exit code 2, or 1 where the server refuses."""

    agents = ["w1"]

    def refused(self, text, sentence, code=2):
        path = self.farm.root / "bad.yaml"
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        done = self.new_build(path, 1, expect=code)
        self.assertIn(sentence, done.stderr)
        self.assertEqual(self.farm.json("status"), {"groups": []})
        self.assertEqual(self.farm.json("instances"), [])
        return done.stderr

    def group(self, **changes):
        return {"namespace": "shop", "groups": [{"groupid": "web", "applications": [application(**changes)]}]}

    def test_a_file_that_is_not_yaml(self):
        self.assertRegex(self.refused("groups: [", "bad.yaml:"), r"bad\.yaml:\d+:\d+: ")

    def test_an_unknown_key_names_the_one_probably_meant(self):
        self.assertIn("instances", self.refused(self.group(instnaces=3), "instnaces"))

    def test_no_group(self):
        self.refused("namespace: shop\n", "group")

    def test_negative_instances(self):
        self.refused(self.group(instances=-1), "-1")

    def test_an_unknown_strategy(self):
        self.assertIn("spread", self.refused(self.group(strategy="spred"), "spred"))
        text = self.refused(self.group(strategy="everywhere"), "nobody offers strategy everywhere", code=1)
        self.assertIn("spread", text)

    def test_a_value_that_asks_for_more_than_there_is(self):
        self.refused(self.group(asroot=True), "not supported yet")

    def test_every_mistake_comes_at_once(self):
        text = self.refused(self.group(instnaces=3, strategy="spred", args="x y"), "instnaces")
        self.assertIn("spred", text)

    def test_a_machine_group_that_no_machine_has(self):
        text = self.refused(self.group(machines="database"), "database", code=1)
        self.assertIn("worker", text)

    def test_an_undeploy_of_nothing(self):
        done = self.farm.deploy("undeploy", "shop/web", expect=1)
        self.assertIn("there is no group shop/web", done.stderr)
        error = json.loads(self.farm.deploy("--json", "undeploy", "shop/web", expect=1).stdout)
        self.assertEqual(error["error"]["code"], "not_found")

    def test_a_file_that_does_not_exist(self):
        done = self.farm.deploy("new-build", "/no/such.yaml", "--build", 1, expect=2)
        self.assertIn("/no/such.yaml", done.stderr)


class BadArtifacts(Case):
    """Artifacts that cannot be had or run: the build fails with exit code 1, the old one stays."""

    agents = ["w1"]

    def setUp(self):
        super().setUp()
        self.builds = self.farm.root / "builds"
        self.builds.mkdir()
        self.new_build(self.write(), 1)
        self.before = self.pids()

    def fails(self, sentence, timeout=90, **changes):
        path = self.write(application(**{"instances": 1, **changes}), name="bad.yaml")
        done = self.new_build(path, 2, expect=1, timeout=timeout)
        self.assertIn(sentence, done.stdout + done.stderr)
        self.assertEqual(self.pids(), self.before)
        self.assertEqual(self.version_states(), {1: "deployed", 2: "failed"})
        wait_until(lambda: len(self.farm.instances("shop/web")) == 2, "the new one is gone")
        return done.stdout + done.stderr

    def tar(self, *members):
        return str(make_tar(self.builds / "2.tar", members))

    def test_a_url_that_is_not_there(self):
        self.fails("404", downloadurl=self.farm.serve_files(self.builds) + "/none.tar")

    def test_a_url_where_nobody_listens(self):
        self.fails("refuses the connection or is away",
                   downloadurl=f"http://127.0.0.1:{free_port()}/x.tar", rollout={**SOON, "deadline": "2s"})

    def test_a_file_that_is_not_there(self):
        self.fails("/no/such/file", downloadurl="/no/such/file")

    def test_a_transfer_that_breaks_off_again_and_again(self):
        self.tar(("busybox", None, 0o755))
        self.fails("2.tar", downloadurl=self.farm.serve_files(self.builds, "--break-at", "1000", "--ignore-range")
                   + "/2.tar", rollout={**SOON, "fetch_deadline": "2s"})

    def test_a_tar_that_would_write_outside(self):
        self.fails("../evil", downloadurl=self.tar(("../evil", b"x", 0o644), ("busybox", None, 0o755)))

    def test_a_binary_that_is_not_in_the_archive(self):
        text = self.fails("dist/web", downloadurl=self.tar(("dist/other", None, 0o755)), binary="dist/web")
        self.assertIn("dist/other", text)

    def test_a_binary_that_is_not_executable(self):
        self.fails("not executable", downloadurl=self.tar(("busybox", None, 0o644)))

    def test_a_binary_that_is_no_program(self):
        self.fails("busybox", downloadurl=self.tar(("busybox", b"\x00garbage", 0o755)))

    def test_a_wrong_sha256(self):
        text = self.fails("SHA-256", sha256="ab" * 32)
        self.assertIn("ab" * 6, text)

    @unittest.skipUnless(os.getuid() == 0, "only root can make a small disk")
    def test_a_full_disk(self):
        small = self.farm.root / "w-small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", small])
        self.farm.start_agent("w-small", groups="small")
        self.farm.wait_for_machines(["w-small"])
        self.tar(("busybox", None, 0o755), ("ballast", os.urandom(4 << 20), 0o644))
        self.fails("No space left", downloadurl=str(self.builds / "2.tar"), machines="small")


class BadPeers(Case):
    """A server that is not there, and strangers that send it nonsense."""

    agents = ["w1"]

    def test_a_server_that_is_not_there(self):
        done = subprocess.run(
            [self.farm.binaries / "deploy", "--server", f"tcp://127.0.0.1:{free_port()}",
             "--keys", self.farm.operator_key, "status"],
            capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 3)
        self.assertIn("no server answers", done.stderr)

    def socket_to_server(self):
        import zmq
        dealer = zmq.Context.instance().socket(zmq.DEALER)
        dealer.linger = 0
        self.farm.encrypt(dealer).connect(self.farm.server_url)
        self.addCleanup(dealer.close)
        return dealer

    def test_messages_of_100_mb_of_garbage_and_of_a_future_version_hurt_nobody(self):
        import msgpack
        self.new_build(self.write(), 1)
        before = self.pids()
        garbage = self.socket_to_server()
        garbage.send(b"\xdd\xff\xff\xff\xff")
        self.assertTrue(garbage.poll(3000))
        answer = msgpack.unpackb(garbage.recv())
        self.assertEqual(answer["type"], "refusal")
        garbage.send(msgpack.packb({"magic": "deployminator", "version": 99, "type": "hello", "id": 5, "body": {}}))
        self.assertTrue(garbage.poll(3000))
        answer = msgpack.unpackb(garbage.recv())
        self.assertEqual((answer["type"], answer["id"]), ("refusal", 5))
        self.assertIn("version 99", answer["body"]["error"]["message"])
        huge = self.socket_to_server()
        huge.send(b"x" * (100 << 20))
        self.assertEqual(self.pids(), before)
        self.assertEqual(self.farm.json("machines")[0]["state"], "ready")
        raw = socket.create_connection(("127.0.0.1", self.farm.ports[0]))
        raw.sendall(os.urandom(10_000))
        raw.close()
        self.assertEqual(self.pids(), before)


if __name__ == "__main__":
    case.main()
