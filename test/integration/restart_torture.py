"""Kills the agent at random moments of many rollouts, for as long as it is told to. By hand:

  /usr/bin/python3 test/integration/restart_torture.py --bin build/ci/bin --rollouts 200 --seed 1

Every rollout must succeed, and no instance may have been restarted or have an exit that is not its own.
"""

import argparse
import random
import signal
import sys
import threading
import time

import case
from case import application, make_tar
from farm import Farm


def torment(farm, dice, over):
    """Ends the agent again and again, and starts it at once."""
    kills = 0
    while not over.is_set():
        time.sleep(dice.uniform(0.02, 0.6))
        farm.end("w1", dice.choice([signal.SIGKILL, signal.SIGTERM]))
        farm.start_agent("w1")
        kills += 1
    return kills


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--rollouts", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    with Farm(options.bin) as farm:
        farm.start(["w1"])
        archive = make_tar(farm.root / "web.tar", [("busybox", None, 0o755)])
        path = farm.root / "deploy.yaml"
        path.write_text(case.json.dumps({"namespace": "shop", "groups": [{"groupid": "web", "applications": [
            application(downloadurl=str(archive), instances=3)]}]}))
        over, kills = threading.Event(), []
        tormentor = threading.Thread(target=lambda: kills.append(torment(farm, dice, over)))
        tormentor.start()
        failed = 0
        try:
            for build in range(1, options.rollouts + 1):
                done = farm.deploy("new-build", path, "--build", build, expect=None)
                rows = [row for row in farm.instances("shop/web") if row["build"] == build]
                harmed = [row for row in rows if row["restarts"] or row["exit"] is not None]
                if done.returncode or harmed:
                    failed += 1
                    print(f"build {build} ended with {done.returncode}\n{done.stdout}{done.stderr}", *harmed,
                          sep="\n", file=sys.stderr)
        finally:
            over.set()
            tormentor.join()
        print(f"{options.rollouts} rollouts, {failed} harmed, {kills[0]} ends of the agent")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
