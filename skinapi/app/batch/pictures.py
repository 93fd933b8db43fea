"""The pictures of a run, from a folder, a list or a table.

A name is a path relative to the root, in the bytes of the file system. A folder that could not be
listed is included with a trailing slash, so that nothing is missed silently. The file system is not
trusted and may become unavailable. Facts from a table follow the name after a NUL byte as JSON.
"""

import csv
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from skinapi.app.batch.arguments import STDIN, BadSource, PicturesGone
from skinapi.base.area_parts import list_parts
from skinapi.findings.prediction.schemas import ContextForm
from skinapi.model.context import NOTHING_TOLD, Context
from skinapi.model.dataset_labels import PICTURE_SUFFIXES
from skinapi.model.picture_format import PictureFormat
from skinapi.platform.web.request_parsing import sentence_of

# Errors of a single picture. Any other error concerns the file system or this process, such as
# missing memory, and a row would be wrong.
PICTURE_ERRORS = {
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
    errno.EACCES: "no_permission",
    errno.EPERM: "no_permission",
    errno.ELOOP: "link",
    errno.ENAMETOOLONG: "name_too_long",
    errno.EIO: "io_error",
    errno.EBADMSG: "io_error",  # a checksum of the file system is wrong
    errno.ENXIO: "not_a_file",
    errno.ENODEV: "not_a_file",
    errno.EISDIR: "not_a_file",
    errno.EINVAL: "not_a_file",
}
if sys.platform == "linux":
    PICTURE_ERRORS |= {errno.EUCLEAN: "io_error", errno.ENOKEY: "no_permission"}
NOT_A_FILE, FOLDER_UNREADABLE = "not_a_file", "folder_unreadable"
LONGEST_NAME = 64 * 1024
BLOCK_BYTES = 1024 * 1024
TABLE_SUFFIX = ".csv"
PATH, SIGNS = "path", "checklist"
TABLE_COLUMNS = (PATH, *ContextForm.model_fields)
FORMATS: list[PictureFormat] = [part.PICTURES for part in list_parts("pictures")]
_SUFFIXES = (
    *(os.fsencode(suffix) for suffix in PICTURE_SUFFIXES),
    *(known.suffix for known in FORMATS),
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # written before the first line by programs on Windows
# Links are not followed, and a pipe or a device does not block.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(slots=True)
class FolderWalk:
    """Walks a folder without following links. `left_out` counts files with other suffixes."""

    root: bytes
    left_out: int = 0
    _unlisted: list[bytes] = field(default_factory=list)

    def names(self) -> Iterator[bytes]:
        for folder, below, files in os.walk(self.root, onerror=self._note_unlisted):
            start = self._name_of(folder)
            yield from (start + name for name in below if _is_link(folder, name))
            pictures = [name for name in files if name.lower().endswith(_SUFFIXES)]
            yield from (start + name for name in pictures)
            self.left_out += len(files) - len(pictures)
        yield from self._unlisted

    def _note_unlisted(self, error: OSError) -> None:
        if error.filename == self.root or error.errno not in PICTURE_ERRORS:
            raise BadSource(f"The folder cannot be listed: {error.strerror}") from error
        self._unlisted.append(self._name_of(error.filename))

    def _name_of(self, folder: bytes) -> bytes:
        below = os.path.relpath(folder, self.root)
        return b"" if below == b"." else below + b"/"


@dataclass(slots=True)
class PathList:
    """`null` ends paths by a NUL byte. A `path` of None is standard input."""

    root: bytes
    path: Path | None
    null: bool
    left_out: int = 0

    def names(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") if self.path else nullcontext(sys.stdin.buffer) as file:
                yield from self._names_in(file)
        except OSError as error:
            raise BadSource(f"The list cannot be read: {error.strerror}") from error

    def _names_in(self, file: IO[bytes]) -> Iterator[bytes]:
        for number, line in enumerate(_split(file, b"\0" if self.null else b"\n")):
            name = line if number else line.removeprefix(_BYTE_ORDER_MARK)
            if not self.null:
                name = name.removesuffix(b"\r")
            if b"\0" in name:
                raise BadSource("The list holds NUL bytes: it is no text, or needs --null")
            if name:
                yield _without_dots(name)


@dataclass(slots=True)
class FactsTable:
    """Reads a CSV file with the column `path` and columns named as in `POST /predict`."""

    root: bytes
    path: Path
    left_out: int = 0

    def names(self) -> Iterator[bytes]:
        try:
            with self.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                rows = csv.DictReader(file, strict=True)
                _refuse_columns(rows.fieldnames or ())
                for row in rows:
                    try:
                        yield _entry_of(row)
                    except ValueError as error:
                        raise BadSource(f"Line {rows.line_num} of the table: {error}") from error
        except (OSError, csv.Error) as error:
            raise BadSource(f"The table cannot be read: {error}") from error


def _refuse_columns(names: Sequence[str]) -> None:
    unknown = sorted({*names} - {*TABLE_COLUMNS})
    if unknown or PATH not in names or len(names) > len({*names}):
        wrong = f", not {unknown[0]}" if unknown else ", each once, and path among them"
        raise BadSource(f"The columns of a table are {', '.join(TABLE_COLUMNS)}{wrong}")


def _entry_of(row: Mapping[str, str | None]) -> bytes:
    if None in (*row, *row.values()):
        raise ValueError("it has not as many cells as the first line")
    told: dict[str, Any] = {
        column: cell for column, text in row.items() if text and (cell := text.strip())
    }
    name = os.fsencode(told.pop(PATH, ""))
    if not name or b"\0" in name:
        raise ValueError("it has no path")
    if SIGNS in told:
        told[SIGNS] = [told[SIGNS]]
    try:
        context = ContextForm.model_validate(told).context()
    except ValidationError as error:
        raise ValueError(sentence_of(error, missing=None)) from error
    facts = context.model_dump_json(exclude_defaults=True)
    return _without_dots(name) + (b"" if facts == "{}" else b"\0" + facts.encode())


def name_of(entry: bytes) -> bytes:
    return entry.partition(b"\0")[0]


def told_in(entry: bytes) -> Context:
    facts = entry.partition(b"\0")[2]
    return Context.model_validate_json(facts) if facts else NOTHING_TOLD


Listing = FolderWalk | PathList | FactsTable


def open_listing(given: str, *, null: bool) -> Listing:
    if given != STDIN and Path(given).is_dir():
        return FolderWalk(os.fsencode(Path(given).absolute()))
    if given.lower().endswith(TABLE_SUFFIX):
        return FactsTable(os.fsencode(Path.cwd()), Path(given))
    return PathList(os.fsencode(Path.cwd()), None if given == STDIN else Path(given), null)


def format_of(name: bytes) -> PictureFormat | None:
    return next((known for known in FORMATS if name.lower().endswith(known.suffix)), None)


def _is_link(folder: bytes, name: bytes) -> bool:
    return os.path.islink(folder + b"/" + name)  # noqa: PTH114 (bytes, which Path does not take)


def _split(file: IO[bytes], ends: bytes) -> Iterator[bytes]:
    rest = b""
    while block := file.read(BLOCK_BYTES):
        *whole, rest = (rest + block).split(ends)
        yield from whole
        if len(rest) > LONGEST_NAME:
            raise BadSource("The list has a line that is longer than any path")
    if rest:
        yield rest


def _without_dots(name: bytes) -> bytes:
    """Normalise `./a.jpg` and `.//a.jpg`, but not `b/../a.jpg`, because `b` may be a link."""
    kept = [part for part in name.split(b"/") if part not in (b"", b".")]
    return (b"/" if name.startswith(b"/") else b"") + b"/".join(kept)


class UnreadableFile(Exception):
    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class PictureFile:
    size: int
    content: bytes | None
    sha256: str | None


@dataclass(slots=True)
class PictureReader:
    """`inside` names come from a walk: a link among them is newer and is not followed."""

    root: bytes
    largest_bytes: int
    inside: bool = True
    _last_read: bytes | None = None

    def read(self, name: bytes) -> PictureFile:
        if name.endswith(b"/"):
            raise UnreadableFile(FOLDER_UNREADABLE)
        try:
            file = self._read(name)
        except OSError as error:
            # If the last picture that was read is missing too, a share was unmounted, and `missing`
            # would be wrong for all following pictures.
            known = self._last_read or self.root
            if error.errno not in PICTURE_ERRORS or not os.path.lexists(known):
                raise PicturesGone from error
            raise UnreadableFile(PICTURE_ERRORS[error.errno]) from error
        self._last_read = self._path(name)
        return file

    def exists(self, name: bytes) -> bool:
        return os.path.lexists(self._path(name))

    def _read(self, name: bytes) -> PictureFile:
        with open(name, "rb", opener=self._open) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableFile(NOT_A_FILE)
            known = format_of(name)
            largest = known.largest if known else self.largest_bytes
            content = file.read(largest + 1)
        if len(content) > largest:
            return PictureFile(max(status.st_size, len(content)), None, None)
        return PictureFile(len(content), content, hashlib.sha256(content).hexdigest())

    def _open(self, name: Any, _: int) -> int:
        if not self.inside:
            return os.open(self._path(name), _FILE)
        *folders, file = name.split(b"/")
        folder = os.open(self.root, _FOLDER)
        try:
            for part in folders:
                above, folder = folder, os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
                os.close(above)
            return os.open(file, _FILE, dir_fd=folder)
        finally:
            os.close(folder)

    def _path(self, name: bytes) -> bytes:
        return os.path.join(self.root, name)  # noqa: PTH118 (bytes, which Path does not take)
