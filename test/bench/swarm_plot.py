#!/usr/bin/python3
"""Draws how the figures of swarm.sh --json grow: an SVG with a panel for each row, and a line in it for each file.
The `y` of a row, such as those of deployminator-placing --json, names its figure; else --y does.

    swarm_plot.py --out growth.svg before.jsonl after.jsonl
"""

import argparse
import html
import json
import math
import pathlib

COLORS = ["#1f6fb4", "#d1591b", "#2e8b57", "#8b4fb0", "#8a6d1d", "#444444"]
WIDTH, HEIGHT = 300, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 28, 34
COLUMNS = 3


class Scale:
    """Logarithmic, from the values that there are to so many pixels."""

    def __init__(self, values, begin, end):
        self.low, self.high = math.log10(min(values)), math.log10(max(values))
        # So that close values do not look far apart.
        spare = max(0, 1 - (self.high - self.low)) / 2
        self.low, self.high = self.low - spare, self.high + spare
        self.begin, self.end = begin, end

    def at(self, value):
        return self.begin + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.begin)

    def ticks(self):
        """Powers of ten; with 2 and 5 between them where those are few."""
        steps = (1,) if self.high - self.low > 1.5 else (1, 2, 5)
        values = (step * 10.0**power for power in range(math.floor(self.low), math.ceil(self.high) + 1)
                  for step in steps)
        return [value for value in values if self.low - 1e-9 <= math.log10(value) <= self.high + 1e-9]


def text(x, y, words, anchor="middle", size=11, **more):
    extra = "".join(f' {key}="{value}"' for key, value in more.items())
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{extra}>'
            f"{html.escape(words)}</text>")


def line(points, color, width=1.5):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}"/>'


def axes(x, y):
    out = [line([(LEFT, TOP), (LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM)], "#666", 1)]
    for value in x.ticks():
        out.append(text(x.at(value), HEIGHT - BOTTOM + 14, f"{value:g}"))
    for value in y.ticks():
        out.append(line([(LEFT, y.at(value)), (WIDTH - RIGHT, y.at(value))], "#ddd", 1))
        out.append(text(LEFT - 5, y.at(value) + 4, f"{value:g}", "end"))
    return out


def panel(name, figure, series, options):
    """`series`: of each file the points (x, y, whether the row was complete)."""
    points = [point for each in series for point in each]
    x = Scale([p[0] for p in points], LEFT, WIDTH - RIGHT)
    y = Scale([p[1] for p in points], HEIGHT - BOTTOM, TOP)
    out = [text(LEFT, 16, f"{name}: {figure}", "start", 13)]
    out += axes(x, y)
    out.append(text((LEFT + WIDTH) / 2, HEIGHT - 5, options.x))
    for color, each in zip(COLORS, series):
        out.append(line([(x.at(a), y.at(b)) for a, b, _ in each], color))
        for a, b, complete in each:
            fill = color if complete else "white"
            out.append(f'<circle cx="{x.at(a):.1f}" cy="{y.at(b):.1f}" r="3.5" fill="{fill}" stroke="{color}"/>')
    return out


def points_of(rows, name, figure, options):
    found = [(row[options.x], row[figure], row["complete"]) for row in rows
             if row["row"] == name and isinstance(row.get(figure), (int, float)) and row[figure] > 0]
    return sorted(found)


def draw(files, options):
    figures = {row["row"]: row.get("y", options.y) for rows in files.values() for row in rows}
    panels = {name: [points_of(rows, name, figure, options) for rows in files.values()]
              for name, figure in figures.items()}
    panels = {name: series for name, series in panels.items() if any(series)}
    lines = math.ceil(len(panels) / COLUMNS)
    width, height = WIDTH * COLUMNS, HEIGHT * lines + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           'font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>']
    for n, (name, series) in enumerate(panels.items()):
        out.append(f'<g transform="translate({n % COLUMNS * WIDTH},{n // COLUMNS * HEIGHT})">')
        out += panel(name, figures[name], series, options) + ["</g>"]
    for n, (file, color) in enumerate(zip(files, COLORS)):
        out.append(text(LEFT + n * 200, height - 10, f"● {file}", "start", fill=color))
    if not all(row["complete"] for rows in files.values() for row in rows):
        out.append(text(width - RIGHT, height - 10, "hollow: not complete", "end"))
    return "\n".join(out + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path, help="lines of swarm.sh --json")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="the SVG")
    parser.add_argument("--x", default="machines", choices=["machines", "instances", "groups"])
    parser.add_argument("--y", default="seconds", help="any number of the lines, such as server_cpu_seconds")
    options = parser.parse_args()
    files = {each.stem: [json.loads(row) for row in each.read_text().splitlines() if row] for each in options.files}
    options.out.write_text(draw(files, options))


if __name__ == "__main__":
    main()
