"""Writes what a shell needs to complete the command line of `deploy`, from its `--help`.

    completion.py bash|zsh PROGRAM OUTPUT
"""

import pathlib
import re
import sys

from help_text import Help

FILES = re.compile(r"FILE|DIR|PATH")


def all_of(text):
    """A program's help and those of its verbs, as deep as they go."""
    yield text
    for verb in text.verbs.values():
        yield from all_of(verb)


def choices(value):
    """The words that a value such as `operator|viewer` can be; none where it is a name for them."""
    return value.split("|") if re.fullmatch(r"[a-z-]+(\|[a-z-]+)*", value) else []


def takes_file(text):
    return any(FILES.search(term) for term, _ in text.lists.get("Positionals", []))


# -- bash -------------------------------------------------------------------------------------------

BASH = """\
# bash completion for deploy, made from its --help

_deploy() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} verb= flags= words= n
  COMPREPLY=()
  for ((n = 1; n < COMP_CWORD; n++)); do
    case "$verb ${{COMP_WORDS[n]}}" in
{paths}
    esac
  done
  case "$verb $before" in
{values}
  esac
  case "$verb" in
{verbs}
  esac
  [[ $current == -* ]] && words=$flags
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F _deploy deploy
"""


def alternatives(patterns, body):
    return f"      {'|'.join(patterns)}) {body} ;;"


def quoted(verb, word):
    return f'"{" ".join(verb.words)} {word}"'


def bash(text):
    paths, values, verbs = [], [], []
    for each in all_of(text):
        key = " ".join(each.words)
        for name in each.verbs:
            paths.append(alternatives([quoted(each, name)], f'verb="{f"{key} {name}".strip()}"'))
        flags = list(each.flags())
        for spellings, value, _ in flags:
            if value:
                body = "compopt -o default; return" if FILES.search(value) else "return"
                if choices(value):
                    body = f'COMPREPLY=($(compgen -W "{" ".join(choices(value))}" -- "$current")); return'
                values.append(alternatives([quoted(each, word) for word in spellings], body))
        words = " ".join(word for spellings, _, _ in flags for word in spellings)
        files = "; compopt -o default" if takes_file(each) else ""
        verbs.append(alternatives(
            [f'"{key}"'], f'flags="{words}" words="{" ".join(each.verbs)}"{files}'))
    return BASH.format(paths="\n".join(paths), values="\n".join(values), verbs="\n".join(verbs))


# -- zsh --------------------------------------------------------------------------------------------

def escaped(text):
    return text.replace("'", "'\\''").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def function_of(verb):
    return "_".join(["_deploy", *verb.words]).replace("-", "_")


def zsh_function(each):
    specs = []
    for spellings, value, about in each.flags():
        for word in spellings:
            words = f"({' '.join(choices(value))})" if value and choices(value) else ""
            action = f":{escaped(value)}:{words or ('_files' if FILES.search(value) else '')}" if value else ""
            specs.append(f"'{word}[{escaped(about)}]{action}'")
    if each.verbs:
        specs += ["'1:verb:->verb'", "'*::argument:->arguments'"]
    elif each.operands():
        specs.append(f"'*:{escaped(each.operands()[0])}:{'_files' if takes_file(each) else ''}'")
    lines = [f"{function_of(each)}() {{"]
    if each.verbs:
        lines.append("  local state line context; typeset -A opt_args")
    lines += ["  _arguments \\", *[f"    {spec} \\" for spec in specs[:-1]], f"    {specs[-1]}"]
    if each.verbs:
        lines += ["  case $state in", "    verb)", "      local -a verbs=("]
        lines += [f"        '{name}:{escaped(verb.summary.splitlines()[0])}'"
                  for name, verb in each.verbs.items()]
        lines += ["      )", "      _describe verb verbs ;;", "    arguments)",
                  "      case $line[1] in"]
        lines += [f"        {name}) {function_of(verb)} ;;" for name, verb in each.verbs.items()]
        lines += ["      esac ;;", "  esac"]
    return [*lines, "}", ""]


def zsh(text):
    lines = ["#compdef deploy", "# made from its --help", ""]
    for each in all_of(text):
        lines += zsh_function(each)
    return "\n".join([*lines, '_deploy "$@"', ""])


def main(shell, program, output):
    pathlib.Path(output).write_text({"bash": bash, "zsh": zsh}[shell](Help(program)))


if __name__ == "__main__":
    main(*sys.argv[1:])
