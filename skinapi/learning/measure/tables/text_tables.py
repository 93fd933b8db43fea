"""Tables as plain text or as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NOTHING = "-"


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


def show_interval(part: Mapping[str, Any], name: str) -> str:
    """`0.912 [0.880-0.940]`, without an interval where there is none, and `-` without a figure."""
    value, interval = part.get(name), part.get(f"{name}_interval")
    if value is None:
        return NOTHING
    return f"{value:.3f}" + (f" [{interval[0]:.3f}-{interval[1]:.3f}]" if interval else "")
