"""limits_test on a kernel that has control groups of version 2, whatever the machine's own has: Debian's
User Mode Linux, which runs as a process and sees this machine's files, read only."""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import limits_test

HERE = pathlib.Path(__file__).resolve().parent
UML = shutil.which("linux.uml")
# It is slow, so those that show what the controllers do.
TESTS = ["real_memory", "fork_bomb", "goes_on", "busy_program"]
INIT = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/srv
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t cgroup2 cgroup2 /sys/fs/cgroup
for at in /run /srv /dev/shm; do mkdir -p $at; mount -t tmpfs tmp $at; done
ip link set lo up
BIN/autodeployer --check --keys none --server tcp://127.0.0.1:1 --root /srv/check
python3 HERE/limits_test.py --bin BIN TESTS >/srv/out 2>&1
echo "limits_test ended with $?"
tail -n 200 /srv/out
echo o >/proc/sysrq-trigger
sleep 60
"""


class Version2(unittest.TestCase):
    @unittest.skipIf(limits_test.UNIFIED, "limits_test itself has version 2 here")
    @unittest.skipUnless(UML and os.geteuid() == 0, "these tests boot User Mode Linux, which takes root and linux.uml")
    def test_limits_are_kept_by_version_2(self):
        with tempfile.TemporaryDirectory(dir="/tmp") as directory:
            init = pathlib.Path(directory, "init")
            init.write_text(INIT.replace("BIN", str(pathlib.Path(OPTIONS.bin).resolve())).replace("HERE", str(HERE))
                            .replace("TESTS", " ".join(f"-k {each}" for each in TESTS)))
            init.chmod(0o755)
            done = subprocess.run(
                [UML, "mem=1000M", "rootfstype=hostfs", "ro", f"init={init}", "con=null", "con0=null,fd:1"],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=280, check=False,
                env={**os.environ, "TMPDIR": directory})
        said = done.stdout.decode(errors="replace")
        self.assertIn("cgroups: version 2, with memory, pids, cpu", said, said)
        self.assertIn("limits_test ended with 0", said, said)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--bin")
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
