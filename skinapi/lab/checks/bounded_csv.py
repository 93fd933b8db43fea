"""Reads tables of strangers: each row as it is needed, and none that is too long."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from skinapi.errors import BadDataset
from skinapi.lab.archives.contents import Entry
from skinapi.lab.archives.file_names import shown
from skinapi.lab.archives.unpacking import MOST_ENTRIES

LARGEST_TABLE = 32 * 1024 * 1024
MOST_COLUMNS = 200
# Characters, with those of all cells.
LONGEST_ROW = 64 * 1024
# A data set has at most so many pictures.
MOST_ROWS = MOST_ENTRIES


class _Lines:
    """The lines of a file. A row may have several, but only so many characters."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._left = LONGEST_ROW

    def __iter__(self) -> Iterator[str]:
        # One more than may come, to tell a row that is longer from one of just this length.
        while line := self._file.readline(self._left + 1):
            self._left -= len(line)
            if self._left < 0:
                raise BadDataset(f"A row of the table has more than {LONGEST_ROW} characters")
            yield line

    def begin_row(self) -> None:
        self._left = LONGEST_ROW


@contextmanager
def read_table(table: Entry) -> Iterator[tuple[Sequence[str], Iterator[list[str]]]]:
    """The names of the columns, and the rows: lists of cells, which may be shorter or longer.

    Raises BadDataset, also while rows are read. A sentence never repeats what the library says: it
    may quote a person's data.
    """
    if table.size > LARGEST_TABLE:
        raise BadDataset(f"The table has more than {LARGEST_TABLE // 2**20} MB")
    try:
        # Excel writes a byte order mark, which utf-8 would make part of the first column's name.
        with table.path.open(encoding="utf-8-sig", newline="") as file:
            lines = _Lines(file)
            rows = csv.reader(iter(lines), strict=True)
            names = next(rows, [])
            if len(names) > MOST_COLUMNS:
                raise BadDataset(f"The table has more than {MOST_COLUMNS} columns")
            yield names, _counted(rows, lines)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadDataset(
            f"{shown(table.named.name)} cannot be read as a table in UTF-8 with commas"
        ) from error


def _counted(rows: Iterator[list[str]], lines: _Lines) -> Iterator[list[str]]:
    lines.begin_row()
    for number, row in enumerate(rows, start=1):
        if number > MOST_ROWS:
            raise BadDataset(f"The table has more than {MOST_ROWS} rows")
        if row:  # an empty line says nothing, but takes time too
            yield row
        lines.begin_row()
