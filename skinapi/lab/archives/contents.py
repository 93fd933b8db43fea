"""What a data set holds as it came: files in the quarantine under the names that people gave."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from skinapi.lab.archives.file_names import clean_name, comparable, is_skipped, shown
from skinapi.lab.archives.quarantine import QuarantineFolder
from skinapi.lab.archives.unpacking import is_archive, is_nested, unpack
from skinapi.lab.errors import BadArchive
from skinapi.vision.dataset_labels import PICTURE_SUFFIXES

TABLE_SUFFIX = ".csv"
HIDDEN = "hidden or of an operating system"
NESTED = "an archive within an archive, not unpacked"
OTHER_KIND = "neither a picture nor a table"


@dataclass(frozen=True, slots=True)
class Sent:
    """One file as it was sent. `open` gives its bytes; the reader must be able to seek."""

    name: str
    size: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture or a table. `name` is as people gave it, `path` is ours."""

    name: str
    path: Path
    size: int

    @property
    def named(self) -> PurePosixPath:
        return PurePosixPath(self.name)

    @property
    def is_table(self) -> bool:
        return self.name.lower().endswith(TABLE_SUFFIX)


@dataclass
class Contents:
    """Collects the files of all that was sent. `skipped` counts those left out, by reason, and
    `unpacked` those that came out of archives. `go_on` is called at each name and each piece.
    """

    folder: QuarantineFolder
    go_on: Callable[[], None]
    entries: list[Entry] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    unpacked: int = 0
    _seen: set[str] = field(default_factory=set)

    def refuse_bad_folder(self, written: str) -> None:
        clean_name(written)

    def accepts(self, written: str) -> bool:
        self.go_on()
        name = clean_name(written)
        if reason := _reason_to_skip(name):
            self.skipped[reason] += 1
            return False
        key = comparable(name)
        if key in self._seen:
            raise BadArchive(f"{shown(name)} is there twice, or another name differs only by case")
        self._seen.add(key)
        return True

    def take(self, written: str, pieces: Iterator[bytes]) -> None:
        name = clean_name(written)
        with self.folder.new_file() as (path, file):
            for piece in pieces:
                self.go_on()
                file.write(piece)
        self.entries.append(Entry(name, path, file.size))


def gather(
    sent: Sequence[Sent], folder: QuarantineFolder, *, go_on: Callable[[], None]
) -> Contents:
    """Unpack the archives among these files, and copy the others. Raises BadArchive,
    PayloadTooLarge, and what `go_on` raises, which is called again and again.
    """
    contents = Contents(folder, go_on)
    for each in sent:
        name = clean_name(each.name)
        with each.open() as file:
            if is_archive(name):
                before = len(contents.entries)
                unpack(file, name=name, size=each.size, sink=contents)
                contents.unpacked += len(contents.entries) - before
            elif contents.accepts(each.name):
                contents.take(each.name, iter(lambda file=file: file.read(256 * 1024), b""))  # type: ignore[misc]
    return contents


def _reason_to_skip(name: str) -> str | None:
    if is_skipped(name):
        return HIDDEN
    if is_nested(name):
        return NESTED
    if not name.lower().endswith((*PICTURE_SUFFIXES, TABLE_SUFFIX)):
        return OTHER_KIND
    return None
