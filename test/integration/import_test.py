"""The newest builds in a build repository's tree are deployed by one call."""

import json

import case
from case import Case, application


class Import(Case):
    agents = ["w1"]

    def add(self, name, branch, build, app=None, repository=7):
        below = f"{name}/{branch}/{build}"
        file = self.farm.root / "tree/artefacts" / below / "deployment/deploy.yaml"
        file.parent.mkdir(parents=True)
        app = app or application(instances=1, repository=None, env={"FROM": f"{branch}-{build}"})
        file.write_text(json.dumps({"namespace": "shop", "groups": [{"groupid": name, "applications": [app]}]}))
        metadata = self.farm.root / "tree/metadata" / below / "build.yaml"
        metadata.parent.mkdir(parents=True)
        metadata.write_text(f"repositoryid: {repository}\nname: {name}\n")

    def versions(self, name):
        return [(row["build"], row["branch"], row["repository"], row["state"])
                for row in self.farm.json("versions", f"shop/{name}")]

    def test_the_newest_build_of_each_artifact_is_deployed(self):
        tree = self.farm.root / "tree"
        self.farm.deploy("import-builds", tree, expect=2)
        self.add("web", "master", 9)
        self.add("web", "master", 10)
        self.add("web", "feature", 8)
        self.add("db", "master", 3, repository=12)
        shown = json.loads(self.farm.deploy("--json", "import-builds", tree, "--dry-run").stdout)["builds"]
        self.assertEqual([(row["artifact"], row["branch"], row["build"], row["repository"]) for row in shown],
                         [("db", "master", 3, "12"), ("web", "master", 10, "7")])
        self.assertEqual(self.farm.instances(), [])
        self.farm.deploy("import-builds", tree)
        self.assertEqual(self.versions("web"), [(10, "master", "7", "deployed")])
        self.assertEqual(self.versions("db"), [(3, "master", "12", "deployed")])
        # Again there is nothing to do.
        before = self.pids("shop")
        self.farm.deploy("import-builds", tree)
        self.assertEqual(self.pids("shop"), before)

    def test_one_that_fails_is_told_and_holds_up_no_other(self):
        tree = self.farm.root / "tree"
        self.add("a", "master", 1, {"binary": 5, "strange": 1})
        self.add("b", "master", 1, application(machines="gpu"))
        self.add("web", "master", 1)
        done = self.farm.deploy("import-builds", tree, "--dry-run", expect=2)
        self.assertIn("tree/artefacts/a/master/1/deployment/deploy.yaml:1:", done.stdout)
        lines = self.farm.events("import-builds", tree, expect=2)
        refused = {line["artifact"]: line["error"]["code"] for line in lines if line["type"] == "build.refused"}
        self.assertEqual(refused, {"a": "invalid", "b": "not_found"})
        self.assertEqual(lines[-1]["type"], "rollout.finished")
        self.assertEqual(len(self.ready()), 1)


if __name__ == "__main__":
    case.main()
