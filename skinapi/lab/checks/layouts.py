"""Finds label, lesion and patient of each picture, by a table or by one folder for each class."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from skinapi.errors import BadDataset
from skinapi.lab.archives.contents import Contents, Entry
from skinapi.lab.archives.file_names import comparable, shown
from skinapi.lab.checks.bounded_csv import read_table
from skinapi.vision.labels.label_tables import KNOWN_COLUMNS, TABLE_NAME, LabelColumns, LabelRow

LONGEST_VALUE = 200
# What a store cannot keep, or a table not show.
UNPRINTABLE = re.compile(r"[\0-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture of the data set with what its row, or its folder, says of it."""

    entry: Entry
    row: LabelRow


@dataclass(frozen=True, slots=True)
class Layout:
    """`missing` are pictures that the table names and nobody sent, `without_label` the other way
    round; `lesions_known`: the table has a column for lesions; `ids_from_names`: nothing gives the
    pictures ids, and their own are only the names of their files, empty where two have one name.
    """

    pictures: tuple[LabelledPicture, ...]
    ids_from_names: bool = False
    missing: tuple[str, ...] = ()
    without_label: tuple[str, ...] = ()
    named_twice: tuple[str, ...] = ()
    lesions_known: bool = False


def read_layout(contents: Contents, *, go_on: Callable[[], None]) -> Layout:
    """Raises BadDataset where there is neither one table nor folders with pictures, and what
    `go_on` raises, which is called at each row.
    """
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
    """Finds the picture that a row names: by its path from the table or from the top, else by its
    name alone, where only one picture has it.
    """

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
    """Of each row the cells that say something to us: a table may have a hundred other columns."""
    wanted = {name: at for at, name in enumerate(names) if name in KNOWN_COLUMNS}
    for row in rows:
        yield {
            name: UNPRINTABLE.sub("", row[at])[:LONGEST_VALUE] if at < len(row) else ""
            for name, at in wanted.items()
        }


def _read_folders(pictures: Sequence[Entry]) -> Layout:
    """One folder for each class. Folders around all of them are passed over."""
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
