"""Who may do what: keys, roles, and those who have neither, over real sockets."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest
import uuid

import msgpack
import zmq

import case
from case import Case, application
from farm import free_port, start_time, wait_until

EVERYBODY = ["operator", "builder", "viewer", "agent"]


class Peer:
    """A connection to the server that says what it wants."""

    def __init__(self, farm, key):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        farm.encrypt(self.socket, key).connect(farm.server_url)
        self.answers = {}

    def send(self, type_, body, id_=0, epoch=0):
        self.socket.send(msgpack.packb({"magic": "deployminator", "version": 1, "type": type_,
                                        "id": id_, "epoch": epoch, "body": body}))

    def ask(self, type_, body=None, timeout=5, epoch=0):
        id_ = uuid.uuid4().int >> 65
        self.send(type_, body or {}, id_, epoch)
        return self.answer_to(id_, timeout)

    def answer_to(self, id_, timeout=5):
        until = time.monotonic() + timeout
        while id_ not in self.answers and time.monotonic() < until:
            if self.socket.poll(100):
                answer = msgpack.unpackb(self.socket.recv())
                self.answers[answer["id"]] = answer
        return self.answers.get(id_)

    def hello(self, role="client", name=None, **keys):
        body = {"role": role, **keys}
        if role == "agent":
            body["agent"] = {"name": name, "identity": "x", "incarnation": "1", "groups": ["none"]}
        return self.ask("hello", body)

    def close(self):
        self.socket.close()


def parent_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def code_of(answer):
    return answer["body"]["error"]["code"] if answer and answer["type"] == "refusal" else None


class AccessCase(Case):
    agents = ["w1"]

    def peer(self, key):
        out = Peer(self.farm, key)
        self.addCleanup(out.close)
        return out

    def key_of(self, role, *arguments):
        return self.farm.new_key(f"some-{role}", "--role", role, *arguments)


class Matrix(AccessCase):
    def table(self):
        """By message: the roles that may send it."""
        lines = self.farm.run("deployminator", "--roles").stdout.splitlines()
        names = [cell.strip() for cell in lines[0].split("|")[2:-1]]
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
        return {row[0].strip("`"): {name for name, cell in zip(names, row[1:]) if cell} for row in rows}

    def test_every_role_sends_every_message_and_what_it_may_not_is_forbidden(self):
        for role in EVERYBODY:
            key = self.key_of(role)
            peer = self.peer(key)
            as_agent = {"role": "agent", "name": "some-agent"} if role == "agent" else {}
            self.assertEqual(peer.hello(**as_agent)["type"], "welcome")
            for message, roles in self.table().items():
                if message == "hello":
                    continue
                with self.subTest(role=role, message=message):
                    id_ = uuid.uuid4().int >> 65
                    peer.send(message, {}, id_)
                    # What is refused at the door is answered before what is sent after it.
                    self.assertEqual(peer.hello(**as_agent)["type"], "welcome")
                    code = code_of(peer.answer_to(id_, 0))
                    self.assertEqual(code == "forbidden", role not in roles, code)

    def test_the_document_has_the_table_as_the_server_has_it(self):
        document = pathlib.Path(__file__).parents[2] / "SECURITY.md"
        self.assertIn(self.farm.run("deployminator", "--roles").stdout, document.read_text())


class Keys(AccessCase):
    def test_a_key_is_made_used_listed_and_revoked(self):
        key = self.farm.new_key("bob", "--role", "viewer")
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        self.farm.deploy("machines", key=key)
        row = next(r for r in self.farm.json("key", "list") if r["name"] == "bob")
        self.assertEqual((row["role"], row["created_by"], row["revoked_at"]), ("viewer", "operator", None))
        self.assertTrue(row["last_seen"])
        self.farm.deploy("key", "revoke", "bob")
        self.assertIn("the key bob was revoked", self.farm.deploy("machines", key=key, expect=3).stderr)

    def test_the_secret_of_a_key_never_reaches_the_server(self):
        key = self.farm.key(self.farm.new_key("bob", "--role", "viewer"))
        self.farm.end("deployminator", signal.SIGTERM)
        for path in self.farm.root.glob("deployminator.sqlite*"):
            self.assertNotIn(key["secret_key"].encode(), path.read_bytes())
            if path.suffix == ".sqlite":
                self.assertIn(key["public_key"].encode(), path.read_bytes())

    def test_who_watches_is_cut_off_within_a_second_when_his_key_is_revoked(self):
        key = self.farm.new_key("bob", "--role", "viewer")
        peer = self.peer(key)
        publish = peer.hello()["body"]["publish"]
        subscriber = zmq.Context.instance().socket(zmq.SUB)
        self.addCleanup(subscriber.close, 0)
        self.farm.encrypt(subscriber, key).connect(publish)
        subscriber.subscribe(b"")
        self.assertTrue(subscriber.poll(5000))
        self.farm.deploy("key", "revoke", "bob")
        revoked = time.monotonic()
        while time.monotonic() < revoked + 1:
            subscriber.recv() if subscriber.poll(100) else None
        # An event every second at least, and no more of them.
        self.assertFalse(subscriber.poll(2500))
        self.assertIsNone(peer.ask("query", {"subject": "machines"}, timeout=2))
        self.farm.deploy("status")

    def test_an_agent_whose_key_is_revoked_is_out_of_reach_and_its_instances_run_on(self):
        self.new_build(self.write(), 1)
        before = self.pids()
        self.assertTrue(before)
        self.farm.deploy("key", "revoke", "w1")
        wait_until(lambda: self.farm.json("machines")[0]["state"] == "unreachable", "w1 is out of reach", 5)
        for _, pid, start in before:
            self.assertEqual(start_time(pid), start)

    def test_the_only_operator_cannot_be_revoked(self):
        refused = self.farm.deploy("key", "revoke", "operator", expect=1)
        self.assertIn("the only operator's key", refused.stderr)

    def test_a_builder_builds_and_sees_in_its_namespaces_alone(self):
        key = self.farm.new_key("ci", "--role", "builder", "--namespaces", "shop")
        bank = self.write(namespace="bank", name="bank.yaml")
        self.farm.deploy("new-build", bank, "--build", 1)
        shop = self.write()
        done = self.farm.deploy("--json", "new-build", shop, "--build", 1, key=key)
        self.assertIn('"outcome":"succeeded"', done.stdout.replace(" ", ""))
        refused = self.farm.deploy("--json", "new-build", bank, "--build", 2, key=key, expect=1)
        self.assertIn("forbidden", refused.stdout)
        rows = self.farm.deploy("--json", "instances", key=key).stdout
        self.assertIn('"shop"', rows)
        self.assertNotIn('"bank"', rows)
        ci = self.peer(key)
        ci.hello()
        events = ci.ask("events_after", {"seq": 0})["body"]["events"]
        self.assertEqual({e["namespace"] for e in events if "namespace" in e}, {"shop"})
        bank_instance = self.farm.instances("bank/web")[0]["id"]
        self.assertIn("there is no instance",
                      self.farm.deploy("logs", bank_instance, key=key, expect=1).stderr)
        self.farm.deploy("undeploy", "shop/web", key=key, expect=1)

    def test_the_history_tells_who_ordered_what_and_how_it_ended(self):
        key = self.farm.new_key("ci", "--role", "builder")
        path = self.write()
        self.farm.deploy("new-build", path, "--build", 7, key=key)
        self.farm.deploy("undeploy", "shop/web")
        undeploy, build = self.farm.json("history", "shop/web")
        self.assertEqual((build["who"], build["order"], build["build"], build["outcome"]),
                         ("ci", "new-build", 7, "succeeded"))
        self.assertGreater(build["seconds"], 0)
        self.assertEqual((undeploy["who"], undeploy["order"], undeploy["version"]), ("operator", "undeploy", 0))
        self.assertIn("ci", self.farm.deploy("history", "shop/web").stdout)
        self.assertEqual(self.farm.json("versions", "shop/web")[0]["created_by"], "ci")

    def test_a_machine_cannot_choose_other_machine_groups_than_its_keys(self):
        key = self.farm.new_key("w9", "--role", "agent", "--groups", "db")
        self.farm.spawn("w9", [self.farm.binaries / "autodeployer", "--keys", key, "--groups", "worker,secret",
                               "--root", self.farm.root / "w9"])
        self.farm.wait_for_machines(["w9"])
        row = next(m for m in self.farm.json("machines") if m["name"] == "w9")
        self.assertEqual(row["groups"], ["db"])

    def test_a_key_file_that_others_may_read_is_refused(self):
        key = self.farm.new_key("bob", "--role", "viewer")
        key.chmod(0o640)
        refused = self.farm.deploy("status", key=key, expect=2)
        self.assertIn("may be used by others", refused.stderr)
        self.assertIn("chmod 600", refused.stderr)

    def test_what_is_wrong_with_a_key_file_is_told_with_its_place(self):
        key = self.farm.new_key("bob", "--role", "viewer")
        text = key.read_text()
        key.write_text(text.replace("role: viewer", "role: king"))
        self.assertIn(f"{key}:3:", self.farm.deploy("status", key=key, expect=2).stderr)
        key.write_text("\n".join(line for line in text.splitlines() if "secret" not in line))
        self.assertIn("`secret_key` is missing", self.farm.deploy("status", key=key, expect=2).stderr)
        missing = self.farm.deploy("status", key=self.farm.root / "none.key", expect=2)
        self.assertIn("none.key", missing.stderr)

    def test_init_makes_no_second_set_of_keys(self):
        refused = self.farm.run("deployminator", "--init", "--keys", self.farm.keys, expect=1)
        self.assertIn("there is a key already", refused.stderr)


class Rotation(AccessCase):
    """The server's key changes while everything runs."""

    def rotate(self, seconds, expect=0):
        return self.farm.run("deployminator", "--rotate-key", "--in", f"{seconds}s",
                             "--keys", self.farm.keys, expect=expect)

    def knowing(self):
        """Who knows the next key, by name, as operators see it."""
        return {row["name"]: row["knows_next_server_key"] for row in self.farm.json("key", "list")}

    def test_the_farm_goes_on_with_the_servers_next_key(self):
        farm, w1, operator = self.farm, self.farm.root / "w1.key", self.farm.operator_key
        self.new_build(self.write(), 1)
        before = self.pids()
        old = farm.key()["server_key"]
        never_heard = farm.root / "never-heard.key"
        shutil.copy(operator, never_heard)
        farm.new_key("w9", "--role", "agent")
        self.assertEqual(set(self.knowing().values()), {None})

        began = time.monotonic()
        new = self.rotate(8).stdout.split("next key is ")[1].split(".\n")[0]
        self.assertIn("being rotated already", self.rotate(8, expect=1).stderr)
        wait_until(lambda: self.knowing() == {"operator": True, "w1": True, "w9": False}, "w1 knows", 5)
        for path in w1, operator:
            key = farm.key(path)
            self.assertEqual((key["server_key"], key["next_server_key"]), (old, new))
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertIn("SERVER'S NEXT KEY", farm.deploy("key", "list").stdout)
        self.assertEqual(farm.key(farm.new_key("bob", "--role", "viewer"))["next_server_key"], new)
        wait_until(lambda: "count=1 machines=w9" in farm.log("deployminator"), "it is told who does not know", 7)

        # An order that is under way while the key changes.
        slow = application(rollout={"parallel": "100%", "min_ready": "3s", "deadline": "20s"})
        time.sleep(max(0, began + 7 - time.monotonic()))
        self.assertEqual(farm.key()["server_key"], old)
        self.new_build(self.write(slow, group="meanwhile"), 1)
        self.assertIn("deployminator has taken its next key", farm.log("deployminator"))

        farm.wait_for_machines(["w1"])
        for path in w1, operator:
            wait_until(lambda: farm.key(path)["server_key"] == new, f"{path} has the new key", 5)
            self.assertNotIn("next_server_key", farm.key(path))
        self.assertEqual(self.pids(), before)
        farm.deploy("status", key=farm.root / "bob.key")
        told = farm.deploy("status", key=never_heard, expect=3)
        self.assertIn("has another key than the key file of operator expects", told.stderr)
        self.assertIn("server.key", told.stderr)
        never_heard.write_text(never_heard.read_text().replace(old, new))
        farm.deploy("status", key=never_heard)

        farm.end("deployminator", signal.SIGTERM)
        farm.start_server()
        farm.wait_for_machines(["w1"])
        self.assertEqual(self.pids(), before)
        self.assertEqual(set(self.knowing().values()), {None})


class Attacks(AccessCase):
    def setUp(self):
        super().setUp()
        self.new_build(self.write(), 1)
        self.before = self.pids()
        self.addCleanup(self.check_farm)

    def check_farm(self):
        """The farm is unharmed: the same processes, and it takes orders."""
        self.assertEqual(self.pids(), self.before)
        self.new_build(self.write(group="after"), 1)

    def stranger(self, own=None):
        """A key file's copy with a key that nobody knows."""
        public, secret = own or zmq.curve_keypair()
        key = self.farm.key()
        path = self.farm.root / f"stranger-{uuid.uuid4().hex}.key"
        path.touch(0o600)
        path.write_text(
            f'name: stranger\nrole: operator\nservers: ["{self.farm.server_url}"]\n'
            f'server_key: "{key["server_key"]}"\npublic_key: "{public.decode()}"\n'
            f'secret_key: "{secret.decode()}"\n')
        return path

    def test_no_key(self):
        plain = zmq.Context.instance().socket(zmq.DEALER)
        self.addCleanup(plain.close, 0)
        plain.connect(self.farm.server_url)
        plain.send(msgpack.packb({"magic": "deployminator", "version": 1, "type": "hello", "id": 1, "body": {}}))
        self.assertFalse(plain.poll(1500))
        self.assertEqual(self.farm.deploy("status", key="none", expect=3).stdout, "")

    def test_an_unknown_key(self):
        told = self.farm.deploy("status", key=self.stranger(), expect=3)
        self.assertIn("does not know the key stranger", told.stderr)

    def test_a_server_with_another_key_than_expected(self):
        other, _ = zmq.curve_keypair()
        path = self.farm.root / "wrong.key"
        path.touch(0o600)
        path.write_text(self.farm.operator_key.read_text().replace(self.farm.key()["server_key"], other.decode()))
        told = self.farm.deploy("status", key=path, expect=3)
        self.assertIn("has another key than the key file of operator expects", told.stderr)

    def test_an_agents_key_under_another_name(self):
        thief = self.peer(self.farm.new_key("w2", "--role", "agent"))
        answer = thief.hello("agent", "w1")
        self.assertEqual(code_of(answer), "forbidden")

    def test_an_agent_that_reports_for_another_machine(self):
        liar = self.peer(self.farm.new_key("w2", "--role", "agent"))
        self.assertEqual(liar.hello("agent", "w2")["type"], "welcome")
        rows = self.ready()
        row = rows[0]
        lie = {"id": row["id"], "state": "failed", "reason": "a lie"}
        liar.send("report", {"revision": 1, "seen": [lie], "gone": []})
        liar.send("report", {"revision": 2, "seen": [], "gone": [lie]})
        self.assertEqual(liar.hello("agent", "w2")["type"], "welcome")
        self.assertEqual(self.ready(), rows)

    def test_a_viewer_that_orders(self):
        answer = self.farm.deploy("--json", "undeploy", "shop/web", key=self.key_of("viewer"), expect=1)
        self.assertIn('"forbidden"', answer.stdout)

    def test_an_agent_that_orders(self):
        agent = self.peer(self.farm.new_key("w2", "--role", "agent"))
        agent.hello("agent", "w2")
        answer = agent.ask("undeploy", {"order_id": "x", "namespace": "shop", "group": "web"})
        self.assertEqual(code_of(answer), "forbidden")

    def test_an_order_of_another_session_replayed_changes_nothing(self):
        order = {"order_id": "once", "file_name": "deploy.yaml", "build": 1,
                 "file": self.write(group="replayed").read_text()}
        first, second = self.peer(self.key_of("builder")), self.peer(self.farm.operator_key)
        first.hello()
        second.hello()
        accepted = first.ask("submit_build", order)
        self.assertEqual(second.ask("submit_build", order)["body"], accepted["body"])
        self.assertEqual(len(self.farm.json("versions", "shop/replayed")), 1)
        self.assertEqual(code_of(second.ask("submit_build", {**order, "build": 7})), "mismatch")

    def test_plain_text_on_a_port_that_asks_for_keys(self):
        for port in self.farm.ports:
            for text in [b"GET / HTTP/1.0\r\n\r\n", os.urandom(4096), b"\xff" * 64]:
                with socket.create_connection(("127.0.0.1", port)) as raw:
                    raw.sendall(text)

    def test_many_half_open_connections(self):
        held = []
        self.addCleanup(lambda: [each.close() for each in held])
        for _ in range(5000):
            held.append(socket.create_connection(("127.0.0.1", self.farm.ports[0]), timeout=10))
        self.farm.deploy("status")
        self.assertEqual(self.farm.json("machines")[0]["state"], "ready")

    def test_a_gigabyte_of_garbage(self):
        raw = socket.create_connection(("127.0.0.1", self.farm.ports[0]))
        raw.settimeout(10)
        some = os.urandom(1 << 20)
        try:
            for _ in range(1024):
                raw.sendall(some)
        except OSError:
            pass
        raw.close()

    def test_bombs_of_msgpack(self):
        bomb = self.peer(self.key_of("viewer"))
        bomb.hello()
        for bytes_ in [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\x91" * 100_000,
                       b"\xc6\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x01", b"\x81" * 50_000]:
            bomb.socket.send(bytes_)
        self.assertEqual(bomb.hello()["type"], "welcome")

    def test_terminal_escapes_in_what_a_client_sets_reach_no_terminal(self):
        evil = "\x1b[2J\x1b]0;owned\x07\u202e"
        text = self.write(application(), group="escapes").read_text()
        client = self.peer(self.farm.operator_key)
        client.hello()
        client.ask("submit_build", {"order_id": uuid.uuid4().hex, "file_name": evil, "file": text, "build": 1,
                                    "branch": evil, "commit": evil, "repository": evil})
        wait_until(lambda: self.ready("shop/escapes"), "the build is there", 30)
        shown = [self.farm.deploy(*verb).stdout for verb in
                 [["versions", "shop/escapes"], ["status"], ["instances"], ["machines"], ["key", "list"]]]
        refused = client.ask("submit_build", {"order_id": uuid.uuid4().hex, "file_name": evil, "file": evil,
                                              "build": 1})
        self.assertEqual(refused["type"], "refusal")
        for output in shown:
            self.assertNotIn("\x1b", output)
            self.assertNotIn("\x07", output)

    def test_an_instance_that_talks_to_the_server(self):
        """It can reach the port, as everybody can, and has no key."""
        # ZMTP's greeting, up to its version: what the other side asks for follows in its own.
        greeting = r"\377\0\0\0\0\0\0\0\0\177\3"
        row = self.start_attacker(f"(printf '{greeting}'; busybox sleep 2) | "
                                  f"busybox nc 127.0.0.1 {self.farm.ports[0]} | busybox tr -dc A-Z; echo")
        wait_until(lambda: "CURVE" in self.printed(row["id"]), "the server answers that it asks for keys", 20)

    @unittest.skipUnless(os.geteuid() == 0, "only as root has each instance a user of its own")
    def test_an_instance_that_reaches_for_the_agent_and_its_neighbours_starter(self):
        neighbour = self.ready()[0]
        starter = parent_of(neighbour["pid"])
        agent = self.farm.processes["w1"].pid
        pids = [agent, starter, neighbour["pid"]]
        own = self.farm.root / "w1" / "lib" / "instances" / neighbour["id"]
        tries = [f"busybox kill -9 {pid}" for pid in pids]
        tries += [f"busybox cat /proc/{pid}/{what}" for pid in pids for what in ["environ", "mem", "fd/0"]]
        tries += [f"busybox ls {own}", f"echo x > {own}/lock", f"echo x > {own}/state",
                  f"busybox ls {self.farm.root}/w1/lib/journal", f"busybox cat {self.farm.root}/w1.key"]
        row = self.start_attacker("; ".join(f"({each}) > /dev/null 2>&1 && echo 'done: {each}'" for each in tries)
                                  + "; busybox cat /proc/self/environ > /dev/null && echo tried all")
        wait_until(lambda: "tried all" in self.printed(row["id"]), "the instance has tried all", 20)
        self.assertNotIn("done:", self.printed(row["id"]))

    def start_attacker(self, script):
        """An instance that runs this, and stays."""
        path = self.write(application(args=["sh", "-c", script + "; exec busybox sleep 1000"], instances=1,
                                      name="attacker"), group="attacker", name="attacker.yaml")
        self.new_build(path, 1)
        return self.ready("shop/attacker")[0]

    def printed(self, id_):
        return self.farm.deploy("logs", id_).stdout

    def test_who_floods_is_slowed_down_and_nobody_else_is(self):
        flooder = self.key_of("viewer")
        stop = threading.Event()

        def flood():
            peer = Peer(self.farm, flooder)
            peer.hello()
            while not stop.is_set():
                try:
                    peer.socket.send(msgpack.packb({"magic": "deployminator", "version": 1, "type": "query",
                                                    "id": 1, "epoch": 0, "body": {}}), zmq.NOBLOCK)
                except zmq.Again:
                    time.sleep(0.001)
            peer.close()

        threads = [threading.Thread(target=flood, daemon=True) for _ in range(2)]
        for each in threads:
            each.start()
        try:
            self.farm.deploy("status", timeout=10)
            self.new_build(self.write(group="meanwhile"), 1, timeout=30)
        finally:
            stop.set()
            for each in threads:
                each.join(10)


class Check(AccessCase):
    """`autodeployer --check`."""

    def check(self, key, *arguments, expect=0):
        return self.farm.run("autodeployer", "--check", "--keys", key, "--root", self.farm.root / "w1",
                             *arguments, expect=expect).stdout

    def test_a_machine_that_can_do_everything_says_so_with_0(self):
        told = self.check(self.farm.machine_key("w1"))
        self.assertIn(f"ok    server {self.farm.server_url}: answers, and knows the key w1", told)
        self.assertRegex(told, r"ok    clock: 0\.\d s from the server's")
        self.assertRegex(told, r"ok    disk: [\d.]+ GiB free")
        self.assertNotIn("BAD", told)

    def test_what_stands_in_the_way_is_told_with_what_to_do(self):
        self.farm.new_key("w7", "--role", "agent")
        self.farm.deploy("key", "revoke", "w7")
        told = self.check(self.farm.root / "w7.key", expect=1)
        self.assertIn(f"the key w7 was revoked by the server at {self.farm.server_url}\n"
                      "      ask an operator for another key file: `deploy key new", told)
        far = f"tcp://127.0.0.1:{free_port()}"
        told = self.check(self.farm.machine_key("w1"), "--server", far, expect=1)
        self.assertIn(f"BAD   server {far}: no answer within 5 s", told)


class Farms(AccessCase):
    """A machine obeys one farm."""

    def test_a_fake_server_on_the_port_is_not_obeyed_however_high_its_epoch(self):
        self.new_build(self.write(), 1)
        before = self.pids()
        self.farm.end("deployminator", signal.SIGKILL)
        # The thief has even the server's key and knows the machine's; but a store of its own.
        store = self.farm.root / "fake.sqlite"
        fake = [self.farm.binaries / "deployminator", "--keys", self.farm.keys, "--store", f"sqlite:{store}",
                *[word for flag, port in zip(["--listen", "--publish", "--collect"], self.farm.ports)
                  for word in (flag, f"tcp://127.0.0.1:{port}")]]
        self.farm.spawn("fake", fake)
        wait_until(lambda: "deployminator serves" in self.farm.log("fake"), "the fake serves")
        self.farm.end("fake", signal.SIGTERM)
        subprocess.run(["sqlite3", store, f"ATTACH '{self.farm.root}/deployminator.sqlite' AS old;"
                        "INSERT OR REPLACE INTO access_key SELECT * FROM old.access_key;"
                        "UPDATE meta SET epoch = 4611686018427387904"], check=True)
        self.farm.spawn("fake", fake)
        wait_until(lambda: self.farm.log("fake").count("deployminator serves") == 2, "the fake serves")
        wait_until(lambda: "another store, of another farm" in self.farm.log("fake"), "the agent came by")
        self.farm.end("fake", signal.SIGKILL)
        for _, pid, start in before:
            self.assertEqual(start_time(pid), start)
        self.farm.start_server()
        self.farm.wait_for_machines(["w1"])
        self.assertEqual(self.pids(), before)

    def test_a_machine_is_moved_to_another_farm_by_one_command(self):
        self.new_build(self.write(), 1)
        old = self.pids()
        self.farm.end("w1", signal.SIGTERM)
        self.farm.end("deployminator", signal.SIGTERM)
        (self.farm.root / "deployminator.sqlite").rename(self.farm.root / "old.sqlite")
        self.farm.start_server()
        (self.farm.root / "w1.key").unlink()
        self.farm.start_agent("w1")
        wait_until(lambda: "another store, of another farm" in self.farm.log("w1"), "the agent is refused")
        for _, pid, start in old:
            self.assertEqual(start_time(pid), start)
        self.farm.end("w1", signal.SIGTERM)
        told = self.farm.run("autodeployer", "--leave-farm", "--root", self.farm.root / "w1")
        self.assertIn("belongs to no farm", told.stdout)
        self.farm.start_agent("w1")
        self.farm.wait_for_machines(["w1"])
        wait_until(lambda: not any(start_time(pid) == start for _, pid, start in old),
                   "the old farm's instances end", 20)
        self.new_build(self.write(), 1)
        self.assertEqual(len(self.ready()), 2)


if __name__ == "__main__":
    case.main()
