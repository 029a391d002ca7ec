"""What an instance may be up to against its agent, its machine and its neighbours: `hostile_program.py KIND …`. It
behaves for a second, so that it gets ready."""

import ctypes
import mmap
import os
import pathlib
import signal
import socket
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH = 16
NEW_USER, NEW_MOUNTS, NEW_PIDS = 0x10000000, 0x00020000, 0x20000000


def wait():
    while True:
        signal.pause()


def ignore_signals():
    for each in range(1, signal.NSIG):
        try:
            signal.signal(each, signal.SIG_IGN)
        except (OSError, ValueError):
            pass


def detach(what):
    """Does something in a process that is no child of anybody's here, in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            ignore_signals()
            what()
        os._exit(0)
    os.wait()


def listen(port):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("", port))
    server.listen()
    wait()


def leaves_daemon(port):
    """The port is served by what outlives its session."""
    detach(lambda: listen(int(port)))
    wait()


def leaves_daemon_and_ends(_port):
    for _ in range(5):
        detach(wait)
    sys.exit(3)


def ignores_signals():
    ignore_signals()
    print("deaf", flush=True)
    wait()


def stops_itself():
    os.kill(os.getpid(), signal.SIGSTOP)
    wait()


def floods():
    block = b"the same line again and again, as fast as it goes\n" * 20000
    while True:
        os.write(1, block)


def prints_endless_line():
    left = b"x" * 10_000_000
    while left:
        left = left[os.write(1, left):]
    wait()


def closes_output():
    os.close(1)
    os.close(2)
    wait()


def eats_memory():
    hoard = []
    while True:
        hoard.append(b"x" * 10_000_000)


def fills_disk():
    with open("everything", "wb", buffering=0) as file:
        while True:
            for size in 1 << 20, 1:
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass
            time.sleep(0.01)


def forks():
    """Some hundred that stay, and some that are never the same for long."""
    for _ in range(200):
        if os.fork() == 0:
            os.setsid()
            ignore_signals()
            wait()
    for _ in range(10):
        detach(flee)
    wait()


def flee():
    while True:
        if os.fork():
            os._exit(0)
        os.setsid()
        time.sleep(0.002)


def leaves_files():
    os.mkfifo("fifo")
    socket.socket(socket.AF_UNIX).bind("socket")
    pathlib.Path("setuid").write_bytes(pathlib.Path("/bin/true").read_bytes())
    os.chmod("setuid", 0o6755)
    os.symlink("/etc", "link")
    pathlib.Path("a\nb\x1b[2J").write_text("")
    pathlib.Path("closed/inner").mkdir(parents=True)
    pathlib.Path("closed/inner/file").write_text("")
    os.chmod("closed/inner", 0)
    os.chmod("closed", 0)
    os.mkdir("many")
    for number in range(500):
        os.symlink("nowhere", f"many/{number}")
    # Deeper than any path can be.
    for _ in range(1500):
        os.mkdir("deep")
        os.chdir("deep")
    print("left", flush=True)
    wait()


def hides():
    """In namespaces of its own, in which it is root, with something mounted over its directory."""
    if LIBC.unshare(NEW_USER | NEW_MOUNTS | NEW_PIDS):
        print("no namespaces", flush=True)
        wait()
    LIBC.mount(b"none", os.getcwd().encode(), b"tmpfs", 0, None)
    if os.fork() == 0:
        # The first process there, which no signal from within reaches.
        detach(wait)
        ignore_signals()
        wait()
    print("hidden", flush=True)
    wait()


def attempt(what, how):
    ctypes.set_errno(0)
    try:
        failed = how() == -1
        print(what, os.strerror(ctypes.get_errno()) if failed else "done", flush=True)
    except OSError as error:
        print(what, os.strerror(error.errno), flush=True)


def attacks(neighbour):
    """Tries to reach the neighbour, the starter and what the agent knows. Each attempt is a line."""
    home, neighbour = pathlib.Path.cwd(), int(neighbour)
    attempt("kill-neighbour", lambda: os.kill(neighbour, signal.SIGKILL))
    attempt("trace-neighbour", lambda: LIBC.ptrace(PTRACE_ATTACH, neighbour, None, None))
    attempt("memory-of-neighbour", lambda: open(f"/proc/{neighbour}/mem", "rb").close())
    attempt("directory-of-neighbour", lambda: os.listdir(f"/proc/{neighbour}/cwd/"))
    attempt("kill-starter", lambda: os.kill(os.getppid(), signal.SIGKILL))
    attempt("queue-to-starter", lambda: LIBC.sigqueue(os.getppid(), 42, ctypes.c_void_p(0)))
    attempt("state", lambda: open("../state", "r+b").close())
    attempt("lock", lambda: open("../lock", "r+b").close())
    attempt("remove-lock", lambda: os.unlink("../lock"))
    attempt("rename", lambda: os.rename(home, f"{home}.elsewhere"))
    attempt("rename-all", lambda: os.rename(home.parent, f"{home.parent}.elsewhere"))
    attempt("list-instances", lambda: os.listdir("../.."))
    attempt("log", lambda: os.listdir("../../../../log"))
    attempt("journal", lambda: os.listdir("../../../journal"))
    attempt("priority", lambda: os.nice(-40))
    attempt("owner", lambda: os.chown(__file__, 0, 0))
    attempt("oom", lambda: pathlib.Path("/proc/self/oom_score_adj").write_text("-1000"))
    # Reaches whatever it may reach, which is nobody.
    attempt("kill-all", lambda: os.kill(-1, signal.SIGKILL))
    print("attacked", flush=True)
    wait()


def holds_memory_and_descriptors():
    """Shared memory in all its names, and as many descriptors as it gets."""
    hoard = [mmap.mmap(-1, 1 << 20)]
    try:
        while True:
            hoard.append(socket.socketpair())
    except OSError:
        wait()


if __name__ == "__main__":
    time.sleep(1)
    globals()[sys.argv[1]](*sys.argv[2:])
