"""A farm on loopback for tests and the demonstration: the real server, agents and command line."""

import fcntl
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
HTTP_SERVER = HERE.parent / "support" / "http_server.py"


def free_port():
    """A TCP port below the ephemeral range that nobody listens on now, and no other test was given."""
    for port in range(20000 + os.getpid() % 8000, 32000):
        ours = socket.socket(socket.AF_UNIX)
        try:
            ours.bind(f"\0deployminator-test/port/{port}")
            with socket.socket() as s:
                s.bind(("127.0.0.1", port))
        except OSError:
            ours.close()
            continue
        free_port.given.append(ours)
        return port
    raise RuntimeError("no free port between 20000 and 32000")


# Held until this process ends.
free_port.given = []


def wait_until(condition, what, deadline=20.0):
    """Waits for `condition()` to be true and returns its value; says `what` did not happen."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"within {deadline} s it did not happen that {what}")
        time.sleep(0.02)


def start_time(pid):
    """The kernel's start time of a process, or None: with the pid it names one process for good."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rsplit(")", 1)[1].split()[19]


def kill_all_of(user):
    """One signal reaches all processes of an instance's user, so that none can fork away from it."""
    child = os.fork()
    if child == 0:
        os.setuid(user)
        os.kill(-1, signal.SIGKILL)
        os._exit(0)
    os.waitpid(child, 0)


def remove_control_groups(lib):
    """Those of an agent that was killed and does not come back; its directory `lib` names them."""
    tag = 14695981039346656037
    for byte in str(lib).encode() + b"\0":
        tag = (tag ^ byte) * 1099511628211 % (1 << 64)
    name = f"autodeployer-{tag:016x}"
    root = pathlib.Path("/sys/fs/cgroup")
    for top in [*root.glob(name), *root.glob(f"*/{name}")]:
        for group in [*top.glob("*/"), top]:
            try:
                group.rmdir()
            except OSError:
                # The kernel may hold on to it for a moment.
                pass


class Farm:
    """Starts programs below a directory of its own and ends all of them, and all that they
    started, in `close`."""

    def __init__(self, binaries, verbose=False, keys=True, parent=None):
        self.binaries = pathlib.Path(binaries)
        self.verbose = verbose
        # Root's instances do not see this /tmp.
        parent = parent or ("/srv" if os.geteuid() == 0 else None)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="farm-", dir=parent))
        self.root.chmod(0o755)
        self.ports = [free_port() for _ in range(3)]
        self.server_url = f"tcp://127.0.0.1:{self.ports[0]}"
        self.processes = {}
        self.store = [f"sqlite:{self.root}/deployminator.sqlite"]
        self.keys = self.root / "keys" if keys else None
        if keys:
            self.run("deployminator", "--init", "--keys", self.keys, "--advertise", self.server_url)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if exc[0]:
            self.show_logs()
        self.close()

    # -- programs ---------------------------------------------------------------------------------

    def spawn(self, name, arguments, **options):
        log = open(self.root / f"{name}.log", "ab")
        process = subprocess.Popen(
            [str(each) for each in arguments], stdin=subprocess.DEVNULL, stdout=options.pop("stdout", log),
            stderr=log, **options)
        log.close()
        self.processes[name] = process
        return process

    def run(self, program, *arguments, expect=0):
        """Runs a program of ours to its end; returns what it printed."""
        done = subprocess.run([self.binaries / program, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == expect, f"{program} ended with {done.returncode}: {done.stderr}"
        return done

    def start_server(self):
        process = self.spawn("deployminator", [
            self.binaries / "deployminator", "--keys", self.keys or "none",
            "--store", *self.store,
            *[word for flag, port in zip(["--listen", "--publish", "--collect"], self.ports)
              for word in (flag, f"tcp://127.0.0.1:{port}")]])
        wait_until(lambda: "deployminator serves" in self.log("deployminator").split("\n\n")[-1]
                   or process.poll() is not None, "the server serves")
        if process.poll() is not None:
            raise AssertionError("the server ended: " + self.log("deployminator"))
        return process

    def start_agent(self, name, groups="worker", memory=None, config=None, binaries=None,
                    **options):
        extra = ["--memory", str(memory)] if memory else []
        extra += ["--config", config] if config else []
        return self.spawn(name, [
            (binaries or self.binaries) / "autodeployer", "--keys", self.machine_key(name),
            "--server", self.server_url,
            "--name", name, "--groups", groups, "--root", self.root / name, *extra], **options)

    @property
    def operator_key(self):
        return self.keys / "operator.key" if self.keys else "none"

    def machine_key(self, name):
        """The key file of a machine; made when it is first asked for, by a server that runs."""
        return self.new_key(name, "--role", "agent") if self.keys else "none"

    def new_key(self, name, *arguments):
        path = self.root / f"{name}.key"
        if not path.exists():
            self.deploy("key", "new", name, *arguments, "--output", path)
        return path

    def key(self, path=None):
        """The content of a key file, the operator's if none is given."""
        lines = pathlib.Path(path or self.operator_key).read_text().splitlines()
        return {line.split(":", 1)[0]: line.split(":", 1)[1].strip().strip('"') for line in lines
                if not line.startswith("#")}

    def encrypt(self, socket, path=None):
        """Has a ZeroMQ socket use a key file, the operator's if none is given."""
        if self.keys:
            key = self.key(path)
            socket.curve_serverkey = key["server_key"].encode()
            socket.curve_publickey = key["public_key"].encode()
            socket.curve_secretkey = key["secret_key"].encode()
        return socket

    def start(self, agents):
        """The server and its agents, all connected."""
        self.start_server()
        for name in agents:
            self.start_agent(name)
        self.wait_for_machines(agents)

    def wait_for_machines(self, names, deadline=20):
        wait_until(lambda: {m["name"] for m in self.json("machines") if m["state"] == "ready"}
                   >= set(names), f"{', '.join(names)} are ready", deadline)

    def end(self, name, sig=signal.SIGTERM, deadline=10):
        process = self.processes.pop(name)
        process.send_signal(sig)
        return process.wait(deadline)

    def serve_files(self, directory, *options):
        """An HTTP server; returns its URL."""
        name = f"http-{len(self.processes)}"
        process = self.spawn(name, ["/usr/bin/python3", HTTP_SERVER, "--directory", directory,
                                    "--port", "0", "--log", self.root / f"{name}.requests", *options],
                             stdout=subprocess.PIPE)
        line = process.stdout.readline().decode()
        port = re.search(r"(\d+)\s*$", line.strip())
        assert port, f"the HTTP server printed {line!r} instead of its port"
        return f"http://127.0.0.1:{port.group(1)}"

    def log(self, name):
        path = self.root / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def show_logs(self):
        for path in sorted(self.root.glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()[-40:]
            print(f"--- {path.name}", *lines, sep="\n", file=sys.stderr)

    # -- the command line -------------------------------------------------------------------------

    def command(self, *arguments, key=None):
        return [str(self.binaries / "deploy"), "--server", self.server_url,
                "--keys", str(key or self.operator_key), *[str(each) for each in arguments]]

    def deploy(self, *arguments, expect=0, timeout=120, key=None):
        """Runs `deploy` and returns what it printed; its exit code must be `expect`."""
        done = subprocess.run(self.command(*arguments, key=key), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout)
        if expect is not None and done.returncode != expect:
            raise AssertionError(f"deploy {' '.join(map(str, arguments))} ended with "
                                 f"{done.returncode} instead of {expect}\n{done.stdout}{done.stderr}")
        return done

    def json(self, *arguments):
        return json.loads(self.deploy("--json", *arguments).stdout)

    def events(self, *arguments, expect=0, timeout=120):
        """The JSON lines of a verb that follows."""
        done = self.deploy("--json", *arguments, expect=expect, timeout=timeout)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def instances(self, group=None, state=None):
        rows = self.json("instances", *([group] if group else []))
        return [row for row in rows if state is None or row["state"] == state]

    # -- what is left -----------------------------------------------------------------------------

    def living(self):
        """The processes that instances of this farm left: pid and command."""
        out = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            ours = str(self.root).encode() in environment or str(self.root) in command
            known = {p.pid for p in self.processes.values()}
            if ours and state != "Z" and int(entry.name) not in known | {os.getpid()}:
                out.append((int(entry.name), command))
        return out

    def leftovers(self):
        """Everything of instances that should be gone after an undeploy."""
        directories = [str(path) for path in self.root.glob("*/lib/instances/*")]
        return self.living() + directories

    @staticmethod
    def reservations():
        """The ports and users that somebody holds."""
        held = {line.split("@", 1)[1] for line in pathlib.Path("/proc/net/unix").read_text().splitlines()
                if "@autodeployer/" in line}
        locks = [*pathlib.Path("/run").glob("autodeployer-ports/*/*"), *pathlib.Path("/run").glob("autodeployer-users/*")]
        for lock in locks if os.geteuid() == 0 else []:
            with lock.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    held.add(str(lock))
        return held

    def close(self):
        for name in list(self.processes):
            process = self.processes.pop(name)
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        users = {each.stat().st_uid for each in self.root.glob("*/lib/instances/*/home")} - {os.geteuid()}
        for _ in range(50):
            for each in users:
                kill_all_of(each)
            left = self.living()
            if not left:
                break
            for pid, _command in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.05)
        for agent in self.root.glob("*/lib"):
            remove_control_groups(agent)
        # Also where a program left more directories in each other than Python goes into.
        subprocess.run(["rm", "-rf", self.root], check=False)
