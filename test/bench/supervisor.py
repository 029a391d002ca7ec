"""supervisord with programs that sleep, to compare with."""

import pathlib
import shutil
import subprocess
import tempfile
import time
import xmlrpc.client

from farm import free_port, wait_until

CONFIG = """\
[supervisord]
nodaemon=true
logfile={root}/supervisord.log
pidfile={root}/supervisord.pid
minfds=8192
minprocs=4096
[inet_http_server]
port=127.0.0.1:{port}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=http://127.0.0.1:{port}
[program:sleeper]
command={program}
process_name=%(program_name)s_%(process_num)04d
numprocs={count}
autostart=false
startsecs=0
stopsignal=KILL
user={user}
stdout_logfile=NONE
stderr_logfile=NONE
"""


def is_installed():
    return shutil.which("supervisord") is not None


class Supervisor:
    """A supervisord with `count` sleepers, none of them started."""

    def __init__(self, count, program):
        self.count, self.program = count, program
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="supervisor-"))
        self.config = self.root / "supervisord.conf"
        port = free_port()
        user = "nobody" if pathlib.Path("/proc/self").stat().st_uid == 0 else ""
        text = CONFIG.format(root=self.root, port=port, program=" ".join(program), count=count,
                             user=user)
        self.config.write_text(text if user else text.replace("user=\n", ""))
        self.process = subprocess.Popen(["supervisord", "-c", self.config], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.api = xmlrpc.client.ServerProxy(f"http://127.0.0.1:{port}/RPC2").supervisor
        try:
            wait_until(self.answers, "supervisord answers", 60)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            for pid in self.children():
                subprocess.run(["kill", "-KILL", pid], check=False)
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def answers(self):
        try:
            return self.api.getState()["statename"] == "RUNNING"
        except OSError:
            return False

    def children(self):
        pid = self.process.pid
        return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def executed(self):
        """How many of the children are the program by now."""
        name = pathlib.Path(self.program[0]).name
        return sum(pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == name
                   for pid in self.children())

    def seconds_to_start_all(self):
        begin = time.monotonic()
        self.api.startProcessGroup("sleeper", True)
        wait_until(lambda: self.executed() == self.count, "all sleepers run", 60)
        return time.monotonic() - begin

    def seconds_to_start_one(self, by_command):
        name = "sleeper:sleeper_0000"
        begin = time.monotonic()
        if by_command:
            subprocess.run(["supervisorctl", "-c", self.config, "start", name], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        else:
            self.api.startProcess(name, True)
        # It says so before the program is executed.
        wait_until(lambda: self.executed() == 1, "the sleeper runs")
        passed = time.monotonic() - begin
        self.api.stopProcess(name, True)
        return passed
