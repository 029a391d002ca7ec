"""A small disk, and what fills it."""

import subprocess
import threading
import time


def mount_small_disk(test, directory, size):
    """Makes the directory a disk of its own until the test has ended. Only root can."""
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", directory], check=True)
    test.addCleanup(subprocess.run, ["umount", "-l", directory])


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
