"""The figures as text, by the templates of `learning/templates`: for a terminal, or as Markdown.

A template has one line for each paragraph, and tables as in Markdown.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

NOTHING = "-"
# The titles, the line below them, and rows up to the titles of another table.
TABLE = re.compile(r"^\| .*\n\|---.*\n(?:\| .*\n(?!\|---))+", re.M)
GAPS = re.compile(r"\n{3,}")

Figures = Mapping[str, Any]


def describe_figures(figures: Figures) -> str:
    """All figures of a model as plain text, the columns of tables aligned."""
    text = TABLE.sub(lambda found: _align(found[0]), render("terminal.j2", figures=figures))
    return GAPS.sub("\n\n", text).strip("\n")


def render(template: str, **values: Any) -> str:
    return TEMPLATES.get_template(template).render(values)


def show_markdown(text: str) -> str:
    """The Markdown of a rendered template: paragraphs apart, but a list together, and the first
    below its heading.
    """
    apart = re.sub(r"^(?!\||## )(.+)\n", r"\1\n\n", TABLE.sub(r"\n\g<0>\n", text), flags=re.M)
    points = re.sub(r"^(- .*\n)\n+(?=- )", r"\1", apart, flags=re.M)
    return GAPS.sub("\n\n", points).strip("\n") + "\n"


def _align(table: str) -> str:
    titles, _, *rows = (line[2:-2].split(" | ") for line in table.splitlines())
    widths = [max(map(len, column)) for column in zip_longest(titles, *rows, fillvalue="")]
    padded = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in (titles, *rows))
    return "".join(f"  {row}\n" for row in padded)


def show_interval(part: Figures, name: str) -> str:
    """`0.912 [0.880-0.940]`, without an interval where there is none, and `-` without a figure; a
    count as it is.
    """
    value, interval = part.get(name), part.get(f"{name}_interval")
    if value is None or isinstance(value, int):
        return NOTHING if value is None else str(value)
    return f"{value:.3f}" + (f" [{interval[0]:.3f}-{interval[1]:.3f}]" if interval else "")


def show_cells(row: Figures, columns: Sequence[Sequence[str]]) -> str:
    """The row's cells below these columns."""
    return " | ".join(_show_cell(row, column[1]) for column in columns)


def _show_cell(row: Figures, what: str) -> str:
    """Of `auc` the figure with its interval, of `margin:.2f` its value in this format, and of
    `caught of malignant` the figure and how many these are, where they were counted.
    """
    key, formatted, form = what.partition(":")
    if formatted:
        return NOTHING if row[key] is None else f"{row[key]:{form}}"
    key, _, counted = what.partition(" of ")
    return show_interval(row, key) + (f" of {row[counted]}" if row.get(counted) else "")


def _show_change(row: Figures, name: str) -> str:
    low, high = row[f"{name}_interval"]
    return f"{row[name]:+.3f} [{low:+.3f} {high:+.3f}]"


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {
    "figure": show_interval,
    "cells": show_cells,
    "change": _show_change,
    "changed": lambda row, name: f"{row[name]:.3f} {_show_change(row, f'{name}_change')}",
    "words": lambda key: key.replace("_", " "),
    "counts": lambda counts: ", ".join(f"{name} {count}" for name, count in counts.items()),
    "numbers": lambda row, form: ", ".join(f"{name} {form % n}" for name, n in row.items()),
    "by_source": lambda entries: {one["source"]: one["figures"] for one in entries},
}
