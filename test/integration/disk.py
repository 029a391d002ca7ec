"""A small disk, and what fills it."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
import threading
import time


def mount_small_disk(test, directory, size):
    """Makes the directory a disk of its own until the test has ended. Only root can."""
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", directory], check=True)
    test.addCleanup(subprocess.run, ["umount", "-l", directory])


@contextlib.contextmanager
def fresh_disk():
    """A directory on an empty ext4 of its own: where many files were removed within the last minutes, as by the farm
    before, ext4 takes several times as long to make one. Without root: None."""
    if os.geteuid() != 0:
        yield None
        return
    image = pathlib.Path(tempfile.mkstemp(prefix="disk-", dir="/var/tmp")[1])
    directory = pathlib.Path(tempfile.mkdtemp(prefix="disk-", dir="/srv"))
    try:
        os.truncate(image, 8 << 30)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, directory], check=True)
        directory.chmod(0o755)
        yield directory
        subprocess.run(["umount", "-l", directory], check=True)
    finally:
        directory.rmdir()
        image.unlink()


class Greed:
    """Takes all of a disk, also what gets free, until it ends."""

    def __init__(self, directory):
        self.path = directory / "greed"
        self.go_on = True
        self.is_full = threading.Event()
        self.thread = threading.Thread(target=self.eat)
        self.thread.start()
        self.is_full.wait(10)

    def eat(self):
        with open(self.path, "wb", buffering=0) as file:
            while self.go_on:
                for size in (1 << 20, 1 << 12):
                    try:
                        while self.go_on:
                            file.write(bytes(size))
                    except OSError:
                        pass
                self.is_full.set()
                time.sleep(0.002)

    def end(self):
        if self.thread.is_alive():
            self.go_on = False
            self.thread.join()
            self.path.unlink()
