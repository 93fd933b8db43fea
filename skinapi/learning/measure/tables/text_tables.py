"""Tables as plain text or as Markdown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NOTHING = "-"

Figures = Mapping[str, Any]
# The key of a figure, or what shows a row.
Cell = str | Callable[[Figures], str]
Columns = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Table:
    titles: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> list[str]:
        """Indented lines with aligned columns; no lines without rows."""
        if not self.rows:
            return []
        columns = zip(self.titles, *self.rows, strict=True)
        widths = [max(map(len, column)) for column in columns]
        return [_pad(row, widths) for row in (self.titles, *self.rows)]

    def markdown(self) -> list[str]:
        if not self.rows:
            return []
        lines = ["| " + " | ".join(row) + " |" for row in (self.titles, *self.rows)]
        return ["", lines[0], "|" + "---|" * len(self.titles), *lines[1:], ""]


Block = str | Table


def tabulate(heads: Sequence[str], rows: Iterable[tuple[Any, ...]], columns: Columns) -> Table:
    """A table of `rows`: of each its words, below the `heads`, and its figures by `columns`, which
    are cells by their titles.
    """

    def show(row: Figures, cell: Cell) -> str:
        return show_interval(row, cell) if isinstance(cell, str) else cell(row)

    shown = [[*words, *(show(row, cell) for cell in columns.values())] for *words, row in rows]
    return Table((*heads, *columns), shown)


def formatted(key: str, form: str) -> Cell:
    return lambda row: f"{row[key]:{form}}"


def share_of(key: str, counted: str) -> Cell:
    """A share with its interval, and of how many; a card of older code counts only some."""
    return lambda row: show_interval(row, key) + (f" of {row[counted]}" if row.get(counted) else "")


def _pad(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "  " + "  ".join(cells).rstrip()


def write_text(blocks: Sequence[Block]) -> str:
    lines = [[block] if isinstance(block, str) else block.text() for block in blocks]
    return "\n".join(line for part in lines for line in part)


def write_markdown(blocks: Sequence[Block]) -> list[str]:
    """Markdown lines; each line of text becomes a paragraph."""
    lines = [[block, ""] if isinstance(block, str) else block.markdown() for block in blocks]
    return [line for part in lines for line in part]


def show_interval(part: Figures, name: str) -> str:
    """`0.912 [0.880-0.940]`, without an interval where there is none, and `-` without a figure; a
    count as it is.
    """
    value, interval = part.get(name), part.get(f"{name}_interval")
    if value is None or isinstance(value, int):
        return NOTHING if value is None else str(value)
    return f"{value:.3f}" + (f" [{interval[0]:.3f}-{interval[1]:.3f}]" if interval else "")
