#!/usr/bin/python3
"""Plants each bug of this folder into a copy of the tree and lets the simulation find it.

Prints a table: bug, the first seed that finds it, the promise that it breaks. Exit code 0 when every
bug was found, 1 when one was not, 2 when one could not be planted or built.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parents[2]


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print(done.stdout[-4000:], file=sys.stderr)
        print(f"failed: {' '.join(map(str, command))}", file=sys.stderr)
        sys.exit(2)


def copy_tree(to):
    """Copies what git knows, as it stands in the working tree, onto `to`; only what differs."""
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           cwd=TREE, stdout=subprocess.PIPE, check=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        source, target = TREE / name, to / name
        if not source.is_file():
            continue
        if target.is_file() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def build(tree):
    if not (tree / "build/ci/build.ninja").exists():
        run("cmake", "--preset", "ci", cwd=tree)
    run("cmake", "--build", "--preset", "ci", "--target", "farm_simulation", cwd=tree)


def search(tree, seeds):
    """The first seed that breaks a promise, which one, and how; or nothing."""
    done = subprocess.run([tree / "build/ci/bin/farm_simulation", "--seeds", str(seeds), "--first"],
                          stdout=subprocess.PIPE, text=True)
    return re.search(r"^seed (\d+): at [\d.]+ s: ([^:]*): (.*)$", done.stdout, re.M)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many to try for each bug")
    parser.add_argument("--copy", type=pathlib.Path, default=TREE / "build/planted",
                        help="where the copy of the tree goes")
    parser.add_argument("bugs", nargs="*", help="names of patches; all by default")
    arguments = parser.parse_args()
    patches = sorted(HERE.glob("*.patch"))
    if arguments.bugs:
        patches = [HERE / f"{name.removesuffix('.patch')}.patch" for name in arguments.bugs]
    print("| bug | seeds until found | broken promise |\n|---|---|---|", flush=True)
    missed = 0
    for patch in patches:
        copy_tree(arguments.copy)
        run("patch", "-p1", "--no-backup-if-mismatch", "-i", patch, cwd=arguments.copy)
        build(arguments.copy)
        found = search(arguments.copy, arguments.seeds)
        missed += not found
        seeds, promise = (found[1], found[2]) if found else (f"not within {arguments.seeds}", "")
        print(f"| {patch.stem.replace('-', ' ')} | {seeds} | {promise} |", flush=True)
    copy_tree(arguments.copy)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
