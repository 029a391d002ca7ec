"""Writes manual pages: of a program, from its `--help`; of a file format, from Markdown.

    manual.py program PROGRAM VERSION OUTPUT [MARKDOWN HEADING]...
    manual.py format NAME SUMMARY VERSION OUTPUT MARKDOWN HEADING

The parts of the Markdown files below those headings become part of the page.
"""

import pathlib
import re
import sys

from help_text import Help

PAGES = {"deploy": 1, "deployminator": 8, "autodeployer": 8, "deploy.yaml": 5}


# -- troff ------------------------------------------------------------------------------------------

def plain(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\`")
    text = text.replace("~", "\\(ti").replace("^", "\\(ha")
    return re.sub(r"^([.\"])", r"\\&\1", text, flags=re.MULTILINE)


def inline(text):
    """Markdown within a paragraph: code and bold are bold, a link is its text."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    out = []
    for piece in re.split(r"(`[^`]+`|\*\*[^*]+\*\*)", text):
        if piece[:1] == "`" and piece[-1:] == "`" and len(piece) > 1:
            out.append(f"\\fB{plain(piece[1:-1])}\\fR")
        elif piece.startswith("**") and len(piece) > 4:
            out.append(f"\\fB{plain(piece[2:-2])}\\fR")
        else:
            out.append(plain(piece))
    return re.sub(r"^\.", r"\\&.", "".join(out))


def head(name, version, summary):
    return [f'.TH {name.upper()} {PAGES[name]} "" "deployminator {version}" "deployminator"',
            ".SH NAME", f"{plain(name)} \\- {plain(summary)}"]


def entry(term, lines):
    out = [".TP", f"\\fB{plain(term)}\\fR"]
    for n, line in enumerate(lines):
        out += [".br"] * (n > 0) + [inline(line)]
    return out if lines else out + ["\\&"]


def as_is(text):
    return [".PP", ".nf", ".RS 4", *[plain(line) or "\\&" for line in text.splitlines()], ".RE",
            ".fi"]


def see_also(name):
    others = [f"\\fB{plain(other)}\\fR({section})" for other, section in sorted(PAGES.items())
              if other != name]
    return [".SH SEE ALSO", ", ".join(others)]


# -- of a program -----------------------------------------------------------------------------------

def notes(text):
    out = []
    for paragraph in re.split(r"\n{2,}", text):
        out += [".PP", *[inline(line) for line in paragraph.splitlines()]] if paragraph else []
    return out


def verb_section(name, verb):
    out = [f'.SS "{plain(" ".join(verb.words))}"', inline(verb.summary)]
    if verb.verbs:
        for inner in verb.verbs.values():
            out += verb_section(name, inner)
        return out
    out += [".PP", f"\\fB{plain(verb.usage)}\\fR"]
    for title in ["Positionals", "Options"]:
        for term, lines in verb.lists.get(title, []):
            if not term.startswith("-h,"):
                out += entry(term, lines)
    return out + notes(verb.notes)


def of_program(program, version, *parts):
    text = Help(program)
    name = pathlib.Path(program).name
    summary = text.summary.rstrip(".")
    out = head(name, version, summary[0].lower() + summary[1:])
    out += [".SH SYNOPSIS", f"\\fB{plain(text.usage)}\\fR", ".SH DESCRIPTION", inline(summary + ".")]
    if text.verbs:
        out += [f"Each verb tells about itself: \\fB{name} \\fIVERB\\fB \\-\\-help\\fR."]
    out.append(".SH OPTIONS")
    for term, lines in text.lists.get("Options", []):
        out += entry(term, lines)
    if text.verbs:
        out.append(".SH VERBS")
        for verb in text.verbs.values():
            out += verb_section(name, verb)
    out += [".SH SETTINGS", *notes(text.notes)]
    for source, heading in zip(parts[::2], parts[1::2]):
        out += [f'.SH "{plain(heading.upper())}"', *markdown(part_below(source, heading), "SS")]
    return out + see_also(name)


# -- of a format ------------------------------------------------------------------------------------

def part_below(source, heading):
    """The lines below a heading, up to the next of its rank; what looks like one within code is
    none."""
    out, rank, fenced = [], None, False
    for line in pathlib.Path(source).read_text().splitlines():
        fenced ^= line.startswith("```")
        found = None if fenced else re.match(r"(#+) (.*)", line)
        if rank and found and len(found[1]) <= rank:
            break
        if rank:
            out.append(line)
        elif found and found[2] == heading:
            rank = len(found[1])
    if not out:
        raise SystemExit(f"{source} has no heading {heading!r}")
    return out


def table(rows):
    cells = [[cell.strip().replace("\\|", "|") for cell in row.strip().strip("|").split("|")]
             for row in rows]
    titles, out = cells[0], []
    for row in cells[2:]:
        rest = [cell if title == "meaning" else "Required." if cell == "required"
                else f"{title.capitalize()}: {cell}"
                for title, cell in zip(titles[1:], row[1:]) if cell]
        out += [".TP", inline(row[0]), *[line for n, each in enumerate(reversed(rest))
                                         for line in [".br"] * (n > 0) + [inline(each)]]]
    return out


def markdown(lines, heading="SH"):
    out, block = [], []

    def flush():
        if not block:
            return
        if block[0].startswith("|"):
            out.extend(table(block))
        elif block[0].startswith("- "):
            for item in re.split(r"\n(?=- )", "\n".join(block)):
                text = "\n".join(line.strip() for line in item[2:].splitlines())
                out.extend([".IP \\(bu 2", inline(text)])
        else:
            out.extend([".PP", inline("\n".join(block))])
        block.clear()

    code = None
    for line in [*lines, ""]:
        if line.startswith("```"):
            flush()
            if code is not None:
                out.extend(as_is("\n".join(code)))
            code = [] if code is None else None
        elif code is not None:
            code.append(line)
        elif found := re.match(r"(#+) (.*)", line):
            flush()
            out.append(f'.{heading} "{plain(found[2].upper() if heading == "SH" else found[2])}"')
        elif line.strip():
            block.append(line)
        else:
            flush()
    return out


def of_format(name, summary, version, source, heading):
    return [*head(name, version, summary), ".SH DESCRIPTION", *markdown(part_below(source, heading)),
            *see_also(name)]


def main(kind, *arguments):
    if kind == "program":
        program, version, output, *parts = arguments
        lines = of_program(program, version, *parts)
    else:
        name, summary, version, output, *part = arguments
        lines = of_format(name, summary, version, *part)
    pathlib.Path(output).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
