"""Every setting of the programs in the forms that deploy-configs/README.md documents, tried with the
real programs: as a flag, as a variable and in the file. The settings are those of its tables."""

import json
import os
import pathlib
import re
import socket
import subprocess
import unittest

import case
from farm import Farm, free_port, wait_until

README = pathlib.Path(__file__).resolve().parents[2] / "deploy-configs" / "README.md"
HOST = socket.gethostname()
WAYS = "flag", "variable", "file"


def documented(program):
    """The settings in the table of a program."""
    section = README.read_text().split("## Settings of the programs\n")[1].split("\n## ")[0]
    table = section.split(f"\n`{program}`, `{program.upper()}_…`,")[1].split("\n\n")[1]
    return set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE))


def addresses(directory, also_any=True):
    """What may be listened on, each with where it is then reached."""
    port = free_port()
    yield f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{port}"
    yield f"tcp://localhost:{port}", f"tcp://localhost:{port}"
    yield f"tcp://[::1]:{port}", f"tcp://[::1]:{port}"
    yield f"ipc://{directory}/socket", f"ipc://{directory}/socket"
    if also_any:
        yield f"tcp://*:{port}", f"tcp://127.0.0.1:{port}"
        yield f"tcp://0.0.0.0:{port}", f"tcp://localhost:{port}"
        yield f"tcp://lo:{port}", f"tcp://127.0.0.1:{port}"
        yield f"tcp://{HOST}:{port}", f"tcp://{HOST}:{port}"


def accepts(address):
    """Whether somebody listens there."""
    if address.startswith("ipc://"):
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(address[len("ipc://"):]) == 0
    host, port = re.fullmatch(r"tcp://\[?(.*?)\]?:(\d+)", address).groups()
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
        return True
    except OSError:
        return False


class Settings(unittest.TestCase):
    """`forms_PROGRAM_SETTING` tries what is documented of a setting."""

    keys = True

    def setUp(self):
        self.farm = Farm(case.OPTIONS.bin, keys=self.keys)
        self.addCleanup(self.farm.close)
        self.count = 0

    # -- giving a setting -------------------------------------------------------------------------

    def given(self, program, settings, way):
        """Arguments and environment that give these settings in this way."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith(
            ("DEPLOY_", "DEPLOYMINATOR_", "AUTODEPLOYER_"))}
        if way == "file":
            self.count += 1
            path = self.farm.root / f"{self.count}.yaml"
            path.write_text(json.dumps(settings))
            return ["--config", path], environment
        plain = {key: ",".join(map(str, value)) if isinstance(value, list) else str(value)
                 for key, value in settings.items()}
        if way == "variable":
            prefix = f"{program.upper()}_"
            return [], {**environment, **{prefix + key.upper().replace("-", "_"): value
                                          for key, value in plain.items()}}
        return [word for key, value in plain.items()
                for word in ([f"--{key}"] if value == "True" else [f"--{key}", value])], environment

    def end_all(self, *names):
        for name in names:
            self.assertEqual(self.farm.end(name), 0)

    # -- the server -------------------------------------------------------------------------------

    def start_server(self, way="flag", **settings):
        settings = {key.replace("_", "-"): value for key, value in settings.items()}
        others = {"keys": self.farm.keys or "none", "store": f"sqlite:{self.farm.root}/store.sqlite",
                  "listen": self.farm.server_url, "publish": f"tcp://127.0.0.1:{self.farm.ports[1]}",
                  "collect": f"tcp://127.0.0.1:{self.farm.ports[2]}"}
        arguments, environment = self.given("deployminator", settings, way)
        arguments += self.given("", {key: value for key, value in others.items() if key not in settings},
                                "flag")[0]
        self.count += 1
        name = f"server{self.count}"
        process = self.farm.spawn(name, [self.farm.binaries / "deployminator", *arguments], env=environment)
        wait_until(lambda: "deployminator serves" in self.farm.log(name) or process.poll() is not None,
                   "the server serves or ends")
        return name, process

    def serves(self, reached=None, way="flag", **settings):
        """The server serves with these settings, and answers where it is to be reached."""
        name, process = self.start_server(way, **settings)
        self.assertIsNone(process.poll(), self.farm.log(name))
        url = reached or self.farm.server_url
        done = subprocess.run([self.farm.binaries / "deploy", "--server", url, "--keys",
                               self.farm.operator_key, "machines"], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, f"{settings} {done.stderr}")
        return name

    def refused(self, program, sentence, way="flag", **settings):
        """The settings are refused at once, with exit code 2 and this in the sentence."""
        settings = {key.replace("_", "-"): value for key, value in settings.items()}
        arguments, environment = self.given(program, settings, way)
        if program == "deploy":
            arguments.append("machines")
        done = subprocess.run([self.farm.binaries / program, *arguments], env=environment, timeout=30,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(done.returncode, 2, f"{settings} {done.stderr}")
        self.assertIn(sentence, done.stderr)

    def refuses_wrong_addresses(self, program, setting):
        for way in WAYS:
            for port in "0", "*":
                self.refused(program, "expected a port from 1 to 65535" if program == "deployminator" else
                             "a port from 1 to 65535", way, **{setting: f"tcp://127.0.0.1:{port}"})
            for wrong in "4001", "127.0.0.1:4001", "tcp://127.0.0.1", "tcp://127.0.0.1:65536", "http://x:1":
                self.refused(program, "an address such as tcp://127.0.0.1:4001", way, **{setting: wrong})

    def forms_deployminator_listen(self, setting="listen"):
        for number, (form, reached) in enumerate(addresses(self.farm.root)):
            for way in WAYS if number == 0 else WAYS[number % 3:number % 3 + 1]:
                with self.subTest(form=form, way=way):
                    name = self.serves(reached if setting == "listen" else None, way, **{setting: form})
                    self.assertTrue(accepts(reached))
                    self.end_all(name)
        self.refuses_wrong_addresses("deployminator", setting)

    def forms_deployminator_publish(self):
        self.forms_deployminator_listen("publish")

    def forms_deployminator_collect(self):
        self.forms_deployminator_listen("collect")

    def forms_deployminator_store(self):
        for way in WAYS:
            path = self.farm.root / f"{way}.sqlite"
            self.end_all(self.serves(way=way, store=f"sqlite:{path}"))
            self.assertTrue(path.exists())
            # One that is right is tried by mariadb_test.
            self.refused("deployminator", "expected mysql://USER@HOST:PORT/DB", way, store="mysql://localhost",
                         keys="none")

    def forms_deployminator_store_password_file(self):
        for way in WAYS:
            name = self.serves(way=way, store_password_file="/etc/hostname")
            self.assertIn("store-password-file is not used", self.farm.log(name))
            self.end_all(name)

    def forms_deployminator_keep_versions(self):
        for way in WAYS:
            self.end_all(self.serves(way=way, keep_versions="3"))
            self.refused("deployminator", "expected a", way, keep_versions="0")

    def forms_deployminator_keep_events(self):
        for way in WAYS:
            self.end_all(self.serves(way=way, keep_events="2000"))
            self.refused("deployminator", "expected a", way, keep_events="0")

    def forms_deployminator_keep_event_days(self):
        for way in WAYS:
            self.end_all(self.serves(way=way, keep_event_days="7"))
            self.refused("deployminator", "expected a", way, keep_event_days="0")

    def forms_deployminator_overcommit(self):
        for way in WAYS:
            self.end_all(self.serves(way=way, overcommit="150%"))
            self.refused("deployminator", "expected a percentage", way, overcommit="150")

    def forms_deployminator_replace_after(self):
        for way in WAYS:
            self.end_all(self.serves(way=way, replace_after="5m"))
            self.end_all(self.serves(way=way, replace_after="never"))
            self.refused("deployminator", "expected a duration such as 5m, or never", way, replace_after="soon")

    def forms_deployminator_silent_share(self):
        for way in WAYS:
            self.end_all(self.serves(way=way, silent_share="1/2"))
            self.refused("deployminator", "expected a part such as 1/3", way, silent_share="half")

    def forms_deployminator_keys(self):
        for way in WAYS:
            self.end_all(self.serves(way=way, keys=str(self.farm.keys)))
            name, process = self.start_server(way=way, keys="none")
            self.assertIsNone(process.poll(), self.farm.log(name))
            self.end_all(name)
            self.refused("deployminator", "is not on loopback", way, keys="none", listen="tcp://*:4001")

    # -- the agent --------------------------------------------------------------------------------

    def machine(self, way="flag", machine_key=True, **settings):
        """What the server says of the machine whose agent has these settings."""
        settings = {key.replace("_", "-"): value for key, value in settings.items()}
        self.count += 1
        name = settings.get("name", f"m{self.count}")
        others = {"server": self.farm.server_url, "name": name, "root": self.farm.root / f"root{self.count}",
                  "keys": self.farm.machine_key(name)}
        arguments, environment = self.given("autodeployer", settings, way)
        arguments += self.given("", {key: value for key, value in others.items() if key not in settings},
                                "flag")[0]
        self.farm.spawn(name, [self.farm.binaries / "autodeployer", *arguments], env=environment)

        def found():
            self.assertIsNone(self.farm.processes[name].poll(), self.farm.log(name))
            return [row for row in self.farm.json("machines") if row["name"] == name and row["state"] == "ready"]
        row = wait_until(found, f"the machine {name} is ready with {settings}")[0]
        self.end_all(name)
        return row

    def test_each_setting_of_the_server(self):
        self.all_of("deployminator")

    def test_each_setting_of_the_agent(self):
        self.farm.start_server()
        self.all_of("autodeployer")

    def test_each_setting_of_the_command_line(self):
        self.farm.start_server()
        self.all_of("deploy")

    def all_of(self, program):
        settings = documented(program)
        self.assertGreater(len(settings), 3)
        for setting in sorted(settings):
            with self.subTest(setting=setting):
                getattr(self, f"forms_{program}_{setting.replace('-', '_')}")()

    def forms_autodeployer_server(self):
        port = self.farm.ports[0]
        for form in (f"tcp://127.0.0.1:{port}", f"tcp://localhost:{port}",
                     f"tcp://127.0.0.1:{free_port()},tcp://localhost:{port}"):
            for way in WAYS:
                self.machine(way, server=form)
        self.machine("file", server=[f"tcp://127.0.0.1:{free_port()}", f"tcp://127.0.0.1:{port}"])
        self.refuses_wrong_addresses("autodeployer", "server")
        self.refused("autodeployer", "the name or address of one machine", server="tcp://*:4001")

    def forms_autodeployer_name(self):
        for way in WAYS:
            self.assertEqual(self.machine(way, name=f"{way}.example.org")["name"], f"{way}.example.org")
            self.refused("autodeployer", "expected letters", way, name="a/b")

    def forms_autodeployer_groups(self):
        for way in WAYS:
            self.assertEqual(self.machine(way, groups="db")["groups"], ["db"])
            self.assertEqual(self.machine(way, groups="worker, db")["groups"], ["worker", "db"])
            self.refused("autodeployer", "expected", way, groups="a b")
        self.assertEqual(self.machine("file", groups=["worker", "db"])["groups"], ["worker", "db"])

    def forms_autodeployer_root(self):
        for way in WAYS:
            root = self.farm.root / f"by-{way}"
            self.machine(way, root=str(root))
            self.assertTrue((root / "lib" / "journal").is_dir() or list(root.glob("**/journal")), way)

    def forms_autodeployer_memory(self):
        for way in WAYS:
            self.assertEqual(self.machine(way, memory=1234)["memory_mb"], 1234)
            self.refused("autodeployer", "expected a whole number from 1, in megabytes: 2048", way, memory="2G")
            self.refused("autodeployer", "expected a whole number from 1", way, memory=0)

    def numbers(self, setting, most):
        for way in WAYS:
            for number in 1, most:
                self.machine(way, **{setting: number})
            for wrong in 0, most + 1, "many":
                self.refused("autodeployer", "expected a whole number from 1", way, **{setting: wrong})

    def forms_autodeployer_log_size(self):
        self.numbers("log_size", 1_000_000)

    def forms_autodeployer_log_total(self):
        self.numbers("log_total", 1_000_000)

    def forms_autodeployer_log_days(self):
        self.numbers("log_days", 3_650)

    def forms_autodeployer_static_root(self):
        for way in WAYS:
            self.machine(way, static_root=str(self.farm.root))
            for wrong in "www", "/", "/srv/../etc", "/srv/":
                self.refused("autodeployer", "expected an absolute directory other than /", way, static_root=wrong)

    def forms_autodeployer_keys(self):
        for way in WAYS:
            self.machine(way, name=f"key-{way}", keys=str(self.farm.machine_key(f"key-{way}")))
            self.refused("autodeployer", "is not on loopback", way, keys="none", server="tcp://192.0.2.1:4001",
                         root=str(self.farm.root / "none"))

    # -- the command line -------------------------------------------------------------------------

    def deploy(self, way, verb=("machines",), **settings):
        settings = {key.replace("_", "-"): value for key, value in settings.items()}
        arguments, environment = self.given("deploy", settings, way)
        others = {"server": self.farm.server_url, "keys": self.farm.operator_key}
        arguments += self.given("", {key: value for key, value in others.items() if key not in settings},
                                "flag")[0]
        done = subprocess.run([self.farm.binaries / "deploy", *arguments, *verb], env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, f"{settings} {done.stderr}")
        return done.stdout

    def forms_deploy_server(self):
        port = self.farm.ports[0]
        for form in (f"tcp://127.0.0.1:{port}", f"tcp://localhost:{port}",
                     f"tcp://127.0.0.1:{free_port()},tcp://127.0.0.1:{port}"):
            for way in WAYS:
                self.deploy(way, server=form)
        self.deploy("file", server=[f"tcp://127.0.0.1:{free_port()}", f"tcp://127.0.0.1:{port}"])
        self.refuses_wrong_addresses("deploy", "server")

    def forms_deploy_keys(self):
        for way in WAYS:
            self.deploy(way, keys=str(self.farm.operator_key))
            self.refused("deploy", "is not on loopback", way, keys="none", server="tcp://192.0.2.1:4001")

    def forms_deploy_json(self):
        for way in WAYS:
            json.loads(self.deploy(way, json=True))

    def forms_deploy_no_color(self):
        for way in WAYS:
            self.assertNotIn("\x1b", self.deploy(way, no_color=True))

    def forms_deploy_utc(self):
        self.machine()
        for way in WAYS:
            self.assertIn(" UTC", self.deploy(way, ["events", "--no-follow", "--since", "0"], utc=True))


if __name__ == "__main__":
    case.main()
