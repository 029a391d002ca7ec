"""What cli/README.md says of each verb, held against the real program."""

import pathlib
import re
import subprocess

import case

README = pathlib.Path(__file__).resolve().parents[2] / "cli" / "README.md"


def documented_verbs():
    """(verb, --json column) of each row of the table."""
    for line in README.read_text().splitlines():
        row = re.fullmatch(r"\| (`[a-z-]+`(?:, `[a-z-]+`)*) \| [0-4 ]+ \| (.*) \|", line)
        if row:
            for verb in re.findall(r"`([a-z-]+)`", row[1]):
                yield verb, row[2]


def keys_of(text):
    found = re.search(r"\{([a-z_, ]+)\}", text)
    return sorted(found[1].split(", ")) if found else None


class DocsTest(case.Case):
    agents = ["w1"]

    def test_the_table_has_each_verb_and_no_other(self):
        told = self.farm.run("deploy", "--help").stdout
        verbs = re.findall(r"^  ([a-z-]+) ", told.split("Subcommands:")[-1], re.MULTILINE)
        self.assertEqual(sorted(verbs), sorted(verb for verb, _ in documented_verbs()))
        for verb in verbs:
            self.farm.run("deploy", verb, "--help")

    def test_lists_and_documents_have_the_keys_of_the_table(self):
        self.new_build(self.write(case.application(instances=1)), 1)
        arguments = {"versions": ["shop/web"], "history": ["shop/web"], "key": ["list"],
                     "validate": [str(self.write(case.application(instances=1)))]}
        columns = dict(documented_verbs())
        checked = []
        for verb in ("status", "instances", "versions", "history", "machines", "servers", "ports", "key",
                     "validate"):
            told = self.farm.json(verb, *arguments.get(verb, []))
            one = told[0] if isinstance(told, list) else told
            self.assertEqual(sorted(one), keys_of(columns[verb]), verb)
            checked.append(verb)
        self.assertEqual(len(checked), 9)

    def test_the_shell_snippet_deploys(self):
        snippet = re.search(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)[1]
        key = self.farm.new_key("ci", "--role", "builder", "--namespaces", "shop")
        path = self.write(case.application(instances=1))
        environment = {"PATH": f"{self.farm.binaries.resolve()}:/usr/bin:/bin", "BUILD_NUMBER": "4",
                       "DEPLOY_KEY": key.read_text()}
        done = subprocess.run(["sh", "-e"], input=snippet, cwd=path.parent, env=environment, text=True,
                              capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([each["build"] for each in self.farm.instances()], [4])


if __name__ == "__main__":
    case.main()
