"""Programs that nobody here wrote, each with the defaults: deployed, rolled and stopped under load."""

import json
import pathlib
import shutil
import subprocess
import tarfile
import unittest

import case
import network
from case import Case, answers
from network import ADDRESSES

SUPPORT = pathlib.Path(__file__).resolve().parent.parent / "support"
PROGRAMS = SUPPORT / "programs"
LOAD = SUPPORT / "request_load.py"
NGINX = "sed -e s/PORT/${PORT1}/ -e s/BUILD/${BUILDID}/ nginx.conf > own.conf && exec nginx -e stderr -p $HOME -c own.conf"


def missing():
    """What is missing for these tests, as a sentence, or nothing."""
    absent = [each for each in ("java", "ecj", "node", "nginx", "gunicorn", "redis-check-rdb")
              if not shutil.which(each, path="/usr/bin:/usr/sbin")]
    return network.missing() or (f"these tests deploy {', '.join(absent)}, not installed here" if absent else None)


def application(name, **changes):
    return {"name": name, "repository": name, "instances": 2,
            "rollout": {"min_ready": "1s"}, "health": {"http": "/", "port": 1, "interval": "500ms", "timeout": "5s"},
            **changes}


@unittest.skipIf(missing(), missing())
class Programs(Case):
    agents = []

    def setUp(self):
        self.machines = network.TwoMachines()
        self.addCleanup(self.machines.close)
        super().setUp()
        self.files = self.farm.root / "files"
        self.files.mkdir()

    def pack(self, name, *paths):
        """A tar.gz of files and directories, under their own names."""
        with tarfile.open(self.files / name, "w:gz") as tar:
            for path in paths:
                tar.add(path, arcname=path.name)
        return str(self.files / name)

    def applications(self):
        subprocess.run(["ecj", "-proc:none", "-17", "-d", self.files, PROGRAMS / "Server.java"], check=True)
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", self.files / "venv"], check=True)
        both = ["${BUILDID}", "${PORT1}"]
        return [
            application("java", downloadurl=self.pack("java.tar.gz", self.files / "Server.class"),
                        interpreter=["java", "-cp", ".", "Server"], args=both),
            application("node", downloadurl=self.pack("node.tar.gz", PROGRAMS / "server.js"),
                        interpreter=["node"], binary="server.js", args=both),
            application("python", downloadurl=self.pack("python.tar.gz", self.files / "venv", PROGRAMS / "server.py"),
                        binary="venv/bin/python", args=["server.py", *both]),
            application("nginx", downloadurl=self.pack("nginx.tar.gz", PROGRAMS / "nginx.conf"),
                        interpreter=["sh", "-c"], args=[NGINX], stop={"signal": "QUIT"}),
            application("gunicorn", downloadurl=self.pack("gunicorn.tar.gz", PROGRAMS / "wsgi.py"),
                        interpreter=["gunicorn"], args=["--bind=0.0.0.0:${PORT1}", "--workers=3", "wsgi"]),
            application("redis", downloadurl="/usr/bin/redis-check-rdb", binary="redis-server",
                        args=["--port", "${PORT1}", "--save", "", "--protected-mode", "no"],
                        health={"tcp": 1, "interval": "500ms"}),
        ]

    def test_each_is_deployed_rolled_and_stopped_under_load_and_no_request_fails(self):
        apps = self.applications()
        public = {app["name"]: 81 + n for n, app in enumerate(apps)}
        config = self.farm.root / "config.yaml"
        config.write_text(json.dumps({"applications": [
            {"label": name, "matcher": {"groupname": name},
             "actionports": [{"portindex": 1, "publicport": port}]} for name, port in public.items()]}))
        self.farm.start_agent("w1", config=config)
        self.farm.wait_for_machines(["w1"])
        path = self.farm.root / "deploy.yaml"
        path.write_text(json.dumps({"namespace": "shop", "groups": [
            {"groupid": app["name"], "applications": [app]} for app in apps]}))
        self.farm.deploy("new-build", path, "--build", "1", timeout=120)
        urls = {name: f"{'redis' if name == 'redis' else 'http'}://{ADDRESSES[0]}:{port}"
                for name, port in public.items()}
        load = subprocess.Popen([*self.machines.elsewhere, "/usr/bin/python3", LOAD, *urls.values()],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.farm.deploy("new-build", path, "--build", "2", timeout=120)
            self.farm.deploy("rollback", "shop/nginx", timeout=120)
        finally:
            told = json.loads(load.communicate("end\n", timeout=30)[0])
        print(f"\n    {told['counts']}", flush=True)
        self.assertEqual(told["failures"], {})
        for name, url in urls.items():
            self.assertGreater(sum(told["counts"][url].values()), 50, name)
            if name != "redis":
                self.assertEqual(set(told["counts"][url]), {"1", "2"}, name)
        for name in urls:
            self.farm.deploy("undeploy", f"shop/{name}", timeout=60)
        events = map(json.loads, self.farm.deploy("--json", "events", "--since", "0", "--no-follow").stdout.splitlines())
        self.assertEqual([e for e in events if "SIGKILL" in str(e.get("reason"))], [])


if __name__ == "__main__":
    case.main()
