"""What a program's `--help` says, taken apart."""

import re
import subprocess


class Help:
    """The help of a program or verb: `summary`, `usage`, `lists` (title: [(term, text lines)]) and
    `notes`, the paragraphs at its end. `verbs`: its verbs' own, by name."""

    def __init__(self, program, words=()):
        self.words = list(words)
        text = subprocess.run([program, *words, "--help"], check=True, capture_output=True,
                              text=True, timeout=20).stdout
        self.summary, self.usage, self.lists, self.notes = _parts(_everywhere(text))
        self.verbs = {name: Help(program, [*words, name])
                      for name, _ in self.lists.get("Subcommands", [])}

    def flags(self):
        """Each flag: its spellings, the name of its value (or None), and the first line about it."""
        for term, lines in self.lists.get("Options", []):
            spellings, _, value = term.partition(" ")
            value = re.sub(r"\s*(REQUIRED|\.\.\.|\[.*)$", "", value).strip() or None
            yield spellings.split(","), value, lines[0] if lines else ""

    def operands(self):
        return [term.split()[0] for term, _ in self.lists.get("Positionals", [])]


def _everywhere(text):
    """Without what is true on the building machine only."""
    text = re.sub(r"(Default: .*the host's), .*", r"\1", text)
    return re.sub(r"(Default: all of the machine's), \d+", r"\1", text)


def _parts(text):
    head, _, rest = text.partition("\nUsage: ")
    usage, _, rest = rest.partition("\n")
    lists, notes, title = {}, [], None
    for line in rest.splitlines():
        entry = re.fullmatch(r" {2}(\S.*?)(?: {2,}(\S.*))?", line)
        more = re.fullmatch(r" {10,}(\S.*)", line)
        if re.fullmatch(r"[A-Z]\w+:", line) and not notes:
            title = line[:-1]
            lists[title] = []
        elif title and not notes and entry:
            lists[title].append((entry[1], [entry[2]] if entry[2] else []))
        elif title and not notes and more:
            lists[title][-1][1].append(more[1])
        elif line.strip() or notes:
            notes.append(line)
    return head.strip(), usage.strip(), lists, "\n".join(notes).strip()
