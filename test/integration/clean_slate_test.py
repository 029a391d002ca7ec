"""Nothing of how an agent was started shows in its instances, and it works however that was."""

import os
import resource
import signal

import case
from case import Case, application
from farm import wait_until

# What an instance can find out about how it was started.
LOOK = """
for at in /proc/self/limits /proc/self/oom_score_adj /proc/self/personality; do busybox cat $at; done
busybox grep -E 'Umask|Sig(Blk|Ign|Cgt)|Cap|Groups|NoNewPrivs|Cpus_allowed:|Mems_allowed:' /proc/self/status
busybox awk '{print "scheduling", $18, $19, $40, $41}' /proc/self/stat
busybox ls /proc/self/fd
busybox env | busybox sort
echo looked around
"""


def start_oddly():
    """In the child that becomes an agent: everything that a process hands on is not as usual."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    for each in [signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1]:
        signal.signal(each, signal.SIG_IGN)
    os.umask(0o077)
    # Soft ones: not every root may raise hard limits.
    for what, soft in [(resource.RLIMIT_NOFILE, 300), (resource.RLIMIT_FSIZE, 1 << 30), (resource.RLIMIT_CPU, 1000),
                       (resource.RLIMIT_STACK, 1 << 20), (resource.RLIMIT_NPROC, 5000)]:
        resource.setrlimit(what, (soft, resource.getrlimit(what)[1]))
    os.sched_setaffinity(0, {0})
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")
    os.environ["LEFT_OVER"] = "from the agent"
    os.set_inheritable(os.open("/etc/passwd", os.O_RDONLY), True)
    os.closerange(0, 3)


class CleanSlate(Case):
    agents = ["w1"]
    maxDiff = None

    def start_odd_agent(self, name):
        self.farm.spawn(name, [
            self.farm.binaries / "autodeployer", "--keys", self.farm.machine_key(name), "--name", name,
            "--groups", "odd", "--root", self.farm.root / name], preexec_fn=start_oddly, close_fds=False)
        self.farm.wait_for_machines(["w1", name])

    def seen_on(self, machine_group):
        app = application(args=["sh", "-c", LOOK + "exec busybox sleep 1000"], instances=1, machines=machine_group)
        self.new_build(self.write(app, group=machine_group), 1)
        id_ = self.ready(f"shop/{machine_group}")[0]["id"]
        wait_until(lambda: "looked around" in self.farm.deploy("logs", id_).stdout, "the instance has looked around")
        return [line for line in self.farm.deploy("logs", id_).stdout.splitlines()
                if not line.startswith(("HOME=", "PWD=", "DEPLOY_", "Groups:", "USER=", "LOGNAME="))]

    def test_an_instance_sees_the_same_whatever_its_agent_came_from(self):
        self.start_odd_agent("w2")
        usual, odd = self.seen_on("worker"), self.seen_on("odd")
        self.assertEqual(usual, odd)
        self.assertIn("0", usual)
        self.assertFalse([line for line in usual if "LEFT_OVER" in line])

    def test_an_agent_that_ignores_sigchld_and_has_no_streams_works(self):
        self.start_odd_agent("w2")
        app = application(machines="odd")
        self.new_build(self.write(app), 1)
        self.new_build(self.write(app), 2)
        self.farm.end("w2")
        self.start_odd_agent("w2")
        self.undeploy_and_check()


if __name__ == "__main__":
    case.main()
