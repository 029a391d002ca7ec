"""Network namespaces for tests: this process and what it starts become a machine of their own, with
another one beside it."""

import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000
ADDRESSES = ["10.77.0.1", "fd77::1"]


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=20)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def missing():
    """What is missing for these tests, as a sentence, or nothing."""
    if os.geteuid() != 0:
        return "these tests make network namespaces, which needs root"
    if subprocess.run(["unshare", "--net", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        return "these tests make network namespaces, which this root may not"
    return None


class TwoMachines:
    """From now on this process is in a new namespace with ADDRESSES; `elsewhere` is the command
    prefix for programs on the other machine. Both vanish with their last process."""

    def __init__(self):
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        self.anchor = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 600"],
                                       stdout=subprocess.PIPE)
        self.anchor.stdout.readline()
        self.elsewhere = ["nsenter", "--net", "--target", str(self.anchor.pid)]
        run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there", "netns",
            str(self.anchor.pid))
        for prefix, link, address in ([], "here", 1), (self.elsewhere, "there", 2):
            run(*prefix, "ip", "link", "set", "lo", "up")
            run(*prefix, "ip", "address", "add", f"10.77.0.{address}/24", "dev", link)
            # Without the second in which the kernel looks whether somebody else has it.
            run(*prefix, "ip", "address", "add", f"fd77::{address}/64", "dev", link, "nodad")
            run(*prefix, "ip", "link", "set", link, "up")

    def close(self):
        self.anchor.kill()
        self.anchor.wait()
        self.anchor.stdout.close()


def nft(*arguments, text=None):
    return run("nft", *arguments, text=text)
