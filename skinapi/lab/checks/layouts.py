import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from skinapi.base.errors import BadDataset
from skinapi.lab.datasets.archives import MOST_ENTRIES, Contents, Entry
from skinapi.lab.datasets.quarantine import comparable, shown
from skinapi.model.dataset_labels import (
    KNOWN_COLUMNS,
    TABLE_NAME,
    LabelColumns,
    LabelRow,
)

LARGEST_TABLE = 32 * 1024 * 1024
MOST_COLUMNS = 200
# Characters, with those of all cells.
LONGEST_ROW = 64 * 1024
# A data set has at most so many pictures.
MOST_ROWS = MOST_ENTRIES


class _Lines:
    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._left = LONGEST_ROW

    def __iter__(self) -> Iterator[str]:
        # One more than allowed, to distinguish a longer row from one of just this length.
        while line := self._file.readline(self._left + 1):
            self._left -= len(line)
            if self._left < 0:
                raise BadDataset(f"A row of the table has more than {LONGEST_ROW} characters")
            yield line

    def begin_row(self) -> None:
        self._left = LONGEST_ROW


@contextmanager
def read_table(table: Entry) -> Iterator[tuple[Sequence[str], Iterator[list[str]]]]:
    """Yield the column names and the rows, which may be shorter or longer. An error never repeats
    the library's message, which may quote personal data.
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
        if row:  # an empty line has no data, but counts as well
            yield row
        lines.begin_row()


LONGEST_VALUE = 200
# What a store cannot keep, or a table not show.
UNPRINTABLE = re.compile(r"[\0-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    entry: Entry
    row: LabelRow


@dataclass(frozen=True, slots=True)
class Layout:
    """`missing` pictures are in the table but were not sent; `without_label` were sent but are not
    in the table. `ids_from_names`: ids are only file names, and empty for duplicate names.
    """

    pictures: tuple[LabelledPicture, ...]
    ids_from_names: bool = False
    missing: tuple[str, ...] = ()
    without_label: tuple[str, ...] = ()
    named_twice: tuple[str, ...] = ()
    lesions_known: bool = False


def read_layout(contents: Contents, *, go_on: Callable[[], None]) -> Layout:
    pictures = [entry for entry in contents.entries if not entry.is_table]
    if not pictures:
        raise BadDataset("No picture was sent: JPEG, PNG or WebP, also in zip, tar or tgz archives")
    table = _choose_table([entry for entry in contents.entries if entry.is_table])
    return _read_table(table, pictures, go_on) if table else _read_folders(pictures)


def _choose_table(tables: Sequence[Entry]) -> Entry | None:
    if len(tables) > 1:
        tables = [table for table in tables if table.named.name.lower() == TABLE_NAME]
        if len(tables) != 1:
            raise BadDataset(f"Several tables were sent: call the one with the labels {TABLE_NAME}")
    return tables[0] if tables else None


def _read_table(table: Entry, pictures: Sequence[Entry], go_on: Callable[[], None]) -> Layout:
    finder = _PicturesByName(table, pictures)
    labelled: dict[str, LabelledPicture] = {}
    missing, named_twice = [], []
    ids: set[str] = set()
    with read_table(table) as (names, rows):
        columns = LabelColumns(names, table=shown(table.named.name))
        for row in map(columns.read, _known_cells(names, rows)):
            go_on()
            entry = finder.find(row.named)
            if entry is None:
                missing.append(str(row.named))
            elif entry.name in labelled or row.image_id in ids:
                named_twice.append(str(row.named))
            else:
                ids.add(row.image_id)
                labelled[entry.name] = LabelledPicture(entry, row)
    return Layout(
        pictures=tuple(labelled.values()),
        missing=tuple(missing),
        without_label=tuple(entry.name for entry in pictures if entry.name not in labelled),
        named_twice=tuple(named_twice),
        lesions_known=columns.name_lesions,
    )


class _PicturesByName:
    def __init__(self, table: Entry, pictures: Iterable[Entry]) -> None:
        self._folder = table.named.parent
        self._by_path: dict[str, Entry] = {}
        by_name: dict[str, list[Entry]] = {}
        for entry in pictures:
            self._by_path[comparable(entry.name)] = entry
            for name in {entry.named.name, entry.named.stem}:
                by_name.setdefault(comparable(name), []).append(entry)
        self._by_name = {name: same[0] for name, same in by_name.items() if len(same) == 1}

    def find(self, named: PurePosixPath) -> Entry | None:
        named = PurePosixPath(str(named).replace("\\", "/"))
        for path in (self._folder / named, named):
            if entry := self._by_path.get(comparable(str(path))):
                return entry
        return self._by_name.get(comparable(named.name))


def _known_cells(names: Sequence[str], rows: Iterable[list[str]]) -> Iterator[dict[str, str]]:
    wanted = {name: at for at, name in enumerate(names) if name in KNOWN_COLUMNS}
    for row in rows:
        yield {
            name: UNPRINTABLE.sub("", row[at])[:LONGEST_VALUE] if at < len(row) else ""
            for name, at in wanted.items()
        }


def _read_folders(pictures: Sequence[Entry]) -> Layout:
    top = 0
    while len({entry.named.parts[top] for entry in pictures}) == 1 and all(
        len(entry.named.parts) > top + 2 for entry in pictures
    ):
        top += 1
    labelled = [entry for entry in pictures if len(entry.named.parts) > top + 1]
    if not labelled:
        raise BadDataset(
            f"Nothing says what the pictures show: send a table {TABLE_NAME} with image_id and "
            "label, or one folder for each class"
        )
    ids = Counter(entry.named.stem for entry in labelled)
    return Layout(
        pictures=tuple(LabelledPicture(e, _row_of(e, e.named.parts[top], ids)) for e in labelled),
        ids_from_names=True,
        without_label=tuple(e.name for e in pictures if len(e.named.parts) <= top + 1),
    )


def _row_of(entry: Entry, label: str, ids: Counter[str]) -> LabelRow:
    stem = entry.named.stem
    image_id = stem if ids[stem] == 1 else ""
    return LabelRow(image_id=image_id, named=entry.named, label=label, lesion_id=image_id)
