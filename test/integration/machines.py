"""Real Debian machines for tests: systemd boots them in containers (systemd-nspawn), in a network of
their own that the host does not see. Their base is a tarball that is made once.

    192.0.2.1  Farm: the switch, and where the tests stand     192.0.2.11, .12, …  the machines
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from farm import start_time, wait_until

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "deployminator"
SUITE = "bookworm"
# What the machines have besides our packages' own dependencies.
PACKAGES = ["systemd", "systemd-sysv", "dbus", "iproute2", "busybox-static", "nftables"]
PROGRAMS = ["systemd-nspawn", "debootstrap", "nsenter", "ip", "dpkg-deb"]
SETTINGS = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive"}


def run(*command, deadline=60, check=True, **options):
    """Runs a command of the host; what it printed on both outputs."""
    done = subprocess.run([str(each) for each in command], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=deadline,
                          errors="replace", **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}")
    return done.stdout


def missing():
    """What is missing for machines, as a sentence, or nothing."""
    if os.geteuid() != 0:
        return "these tests boot machines, which needs root"
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    if absent:
        return ("these tests boot machines, which needs " + ", ".join(absent)
                + ": apt-get install systemd-container debootstrap")
    done = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"],
                          stderr=subprocess.DEVNULL, check=False)
    return None if done.returncode == 0 else "these tests boot machines, which this root may not"


# -- the base -----------------------------------------------------------------------------------------

def dependencies(packages):
    """What the packages depend on, each other excepted, as a line for `apt-get satisfy`. Without the
    versions, which differ between builds: the suite has the newest."""
    own = {run("dpkg-deb", "-f", each, "Package").strip() for each in packages}
    wanted = {re.sub(r" *\(.*\)", "", part).strip() for each in packages
              for part in run("dpkg-deb", "-f", each, "Depends").strip().split(",") if part.strip()}
    return ", ".join(sorted(part for part in wanted if part.split()[0] not in own))


def base_tarball(packages):
    """A tarball of a Debian machine that lacks only these packages; made where it is not there."""
    needs = dependencies(packages)
    name = hashlib.sha256(f"{SUITE} {PACKAGES} {needs}".encode()).hexdigest()[:16]
    tarball = CACHE / f"{SUITE}-{name}.tar"
    if tarball.exists():
        return tarball
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="tree-") as tree:
        print(f"makes {tarball}, once", flush=True)
        run("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, tree,
            deadline=900)
        run("chroot", tree, "apt-get", "satisfy", "-q", "-y", "--no-install-recommends", needs,
            deadline=600, env=SETTINGS)
        run("chroot", tree, "apt-get", "clean", env=SETTINGS)
        half = tarball.with_suffix(f".{os.getpid()}")
        run("tar", "--numeric-owner", "--xattrs", "-C", tree, "-cf", half, ".", deadline=120)
        for old in CACHE.glob(f"{SUITE}-*.tar"):
            old.unlink()
        half.rename(tarball)
    return tarball


class Room:
    """A directory in memory, where machines come and go quickly, with the base they share."""

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="machines-", dir="/var/tmp"))
        run("mount", "-t", "tmpfs", "-o", "size=4g,mode=755", "tmpfs", self.root)
        self.base = self.directory("base")

    def directory(self, name):
        path = self.root / name
        path.mkdir()
        return path

    def unpack(self, tarball):
        run("tar", "--numeric-owner", "--xattrs", "-C", self.base, "-xf", tarball, deadline=120)

    def close(self):
        run("umount", "-l", self.root, check=False)
        self.root.rmdir()


# -- packages -----------------------------------------------------------------------------------------

def build_packages(build, directory):
    """Makes the packages of a build directory, whose programs are built; {name: file}."""
    run("cpack", "--config", pathlib.Path(build) / "CPackConfig.cmake", "-B", directory, deadline=300)
    return {path.name.split("_")[0]: path for path in pathlib.Path(directory).glob("*.deb")}


def next_version(package, directory):
    """The same package as the release that follows it."""
    with tempfile.TemporaryDirectory(dir=directory) as tree:
        run("dpkg-deb", "-R", package, tree)
        control = pathlib.Path(tree) / "DEBIAN/control"
        control.write_text(re.sub(r"(?m)^Version: .*", r"\g<0>+next", control.read_text()))
        out = pathlib.Path(directory) / f"next-{pathlib.Path(package).name}"
        run("dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, out)
    return out


# -- machines -----------------------------------------------------------------------------------------

class Farm:
    """A network and the machines in it, each a layer above the room's base; `close` ends all."""

    def __init__(self, room):
        self.base = room.base
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="farm-", dir=room.root))
        self.root.chmod(0o755)
        self.name = f"dm{os.getpid()}"
        self.machines = {}
        run("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")
        self.ip("link", "add", "br0", "type", "bridge")
        self.ip("address", "add", "192.0.2.1/24", "dev", "br0")
        self.ip("link", "set", "br0", "up")

    def ip(self, *words):
        return run("ip", "-n", self.name, *words)

    def prefix(self):
        """Before a command of the host: it runs where the machines answer."""
        return ["ip", "netns", "exec", self.name]

    def add(self, name):
        machine = Machine(self, name, 11 + len(self.machines))
        self.machines[name] = machine
        return machine

    def close(self):
        for machine in self.machines.values():
            machine.close()
        run("ip", "netns", "delete", self.name, check=False)
        shutil.rmtree(self.root, ignore_errors=True)


class Machine:
    """A Debian machine of a farm, with a disk of its own that survives its boots."""

    def __init__(self, farm, name, number):
        self.farm = farm
        self.name = name
        self.address = f"192.0.2.{number}"
        self.network = f"{farm.name}-{name}"
        self.link = f"v{number}"
        self.root = farm.root / name / "root"
        self.process = None
        self.init = None
        self._make_disk()
        self._make_network()

    def _make_disk(self):
        for part in "root", "upper", "work":
            (self.farm.root / self.name / part).mkdir(parents=True)
        above = self.farm.root / self.name
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={self.farm.base},upperdir={above}/upper,workdir={above}/work", self.root)
        self.write("/etc/hostname", self.name + "\n")
        self.write("/etc/machine-id", hashlib.md5(self.network.encode()).hexdigest() + "\n")
        # The journal of every boot is kept.
        (self.root / "var/log/journal").mkdir(parents=True, exist_ok=True)

    def _make_network(self):
        run("ip", "netns", "add", self.network)
        run("ip", "-n", self.network, "link", "set", "lo", "up")
        self.farm.ip("link", "add", self.link, "type", "veth", "peer", "name", "host0", "netns",
                     self.network)
        self.farm.ip("link", "set", self.link, "master", "br0", "up")
        run("ip", "-n", self.network, "address", "add", f"{self.address}/24", "dev", "host0")
        run("ip", "-n", self.network, "link", "set", "host0", "up")

    # -- on and off -----------------------------------------------------------------------------------

    def boot(self, deadline=60):
        """Switches the machine on and waits until systemd has started everything."""
        console = open(self.farm.root / f"{self.name}.console", "ab")
        self.process = subprocess.Popen(
            ["systemd-nspawn", "-q", "-b", "-D", self.root, "--register=no", "--keep-unit",
             f"--machine={self.name}", f"--network-namespace-path=/run/netns/{self.network}",
             "--capability=CAP_NET_ADMIN"],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        console.close()
        wait_until(self._has_booted, f"{self.name} has booted", deadline)

    def _has_booted(self):
        assert self.process.poll() is None, self.console()
        # Before the machine's own first process nspawn has another child, in no namespace of its own.
        try:
            self.init = next((pid for pid in self._children() if os.readlink(f"/proc/{pid}/ns/pid")
                              != os.readlink("/proc/self/ns/pid")), None)
        except FileNotFoundError:
            self.init = None
        return self.init and self.run("systemctl", "is-system-running", check=False).strip() \
            in ["running", "degraded"]

    def _children(self):
        """The processes that nspawn has started."""
        path = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def shut_down(self, deadline=60):
        """Switches it off as people do; returns the seconds that took."""
        begun = time.monotonic()
        self.run("systemctl", "poweroff", check=False)
        self.process.wait(deadline)
        self.process = self.init = None
        return time.monotonic() - begun

    def lose_power(self):
        os.kill(self.init, signal.SIGKILL)
        self.process.wait(20)
        self.process = self.init = None

    def unplug(self, plugged=False):
        """Pulls its network, or plugs it in again."""
        self.farm.ip("link", "set", self.link, "up" if plugged else "down")

    def close(self):
        if self.process and self.process.poll() is None:
            # The machine first: without nspawn it would go on.
            for pid in self._children():
                os.kill(pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait(20)
        run("umount", "-l", self.root, check=False)
        run("ip", "netns", "delete", self.network, check=False)

    # -- inside ---------------------------------------------------------------------------------------

    def run(self, *command, deadline=60, check=True):
        """Runs a command on the machine, as root; what it printed on both outputs."""
        return run("nsenter", "-t", self.init, "-m", "-u", "-i", "-n", "-p", "-C", *command,
                   deadline=deadline, check=check, env=SETTINGS)

    def deploy(self, *words, deadline=60):
        return self.run("deploy", *words, deadline=deadline)

    def json(self, *words):
        return json.loads(self.deploy("--json", *words))

    def path(self, path):
        return self.root / str(path).lstrip("/")

    def write(self, path, text, mode=0o644):
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)
        self.path(path).chmod(mode)

    def read(self, path):
        return self.path(path).read_text(errors="replace")

    def install(self, *packages, deadline=60):
        """apt installs the package files; what it printed."""
        for package in packages:
            shutil.copy(package, self.path("/var/tmp"))
        return self.apt("install", *[f"/var/tmp/{pathlib.Path(each).name}" for each in packages],
                        deadline=deadline)

    def apt(self, *words, deadline=60):
        return self.run("apt-get", "-q", "-y", "--no-install-recommends", *words,
                        deadline=deadline)

    def is_active(self, unit):
        return self.run("systemctl", "is-active", unit, check=False).strip() == "active"

    def pid_of(self, unit):
        return int(self.run("systemctl", "show", "--value", "-p", "MainPID", unit))

    def journal(self, unit, *words):
        return self.run("journalctl", "-q", "--no-pager", "-o", "cat", "-u", unit, *words)

    def processes(self):
        """{(pid on the host, start time): command line} of all that runs there."""
        own = os.readlink(f"/proc/{self.init}/ns/pid")
        out = {}
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(entry / "ns/pid") == own:
                    out[int(entry.name), start_time(entry.name)] = \
                        (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        return out

    def console(self):
        return (self.farm.root / f"{self.name}.console").read_text(errors="replace")

    def show_logs(self):
        print(f"--- console of {self.name}", self.console()[-3000:], sep="\n")
        if self.init:
            print(self.run("journalctl", "-q", "--no-pager", "-n", "80", check=False))
