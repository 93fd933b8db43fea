"""The files of a data set, including the contents of untrusted zip and tar archives.

Headers are not trusted: bytes and entries are counted during unpacking, each file gets our own
name, and anything but files and folders is refused.
"""

import gzip
import math
import stat
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

from skinapi.lab.datasets.quarantine import (
    QuarantineFolder,
    SentFile,
    clean_name,
    comparable,
    is_skipped,
    shown,
)
from skinapi.lab.errors import BadArchive
from skinapi.model.dataset_labels import PICTURE_SUFFIXES

READ_BYTES = 256 * 1024
# HAM10000 has 10,015 pictures, the largest public archive of this kind 33,126.
MOST_ENTRIES = 50_000
# Pictures do not shrink; a table of labels does, by about ten. A bomb has a ratio of 1000.
MOST_RATIO = 40
# Below it the ratio says nothing: 50 KB of zeros are no bomb.
RATIO_FROM = 16 * 1024 * 1024
# Of 50,000 entries of a zip each may have a name and extra fields of 120 bytes.
LARGEST_DIRECTORY = 8 * 1024 * 1024
# The names and times of one entry of a tar.
LARGEST_HEADERS = 128 * 1024
TABLE_SUFFIX = ".csv"
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz")
# Of these too nothing is unpacked inside of another archive.
NESTED_SUFFIXES = (*ARCHIVE_SUFFIXES, ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")
HIDDEN = "hidden or of an operating system"
NESTED = "an archive within an archive, not unpacked"
OTHER_KIND = "neither a picture nor a table"
_ZIP_ENCRYPTED = 0x1
_ZIP_ENTRY = b"PK\x01\x02"
_GZIP = b"\x1f\x8b"
# The name of each entry, as the archive has it, and its bytes; None is a folder.
_Entries = Iterator[tuple[str, Iterator[bytes] | None]]


@dataclass(frozen=True, slots=True)
class Entry:
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
    folder: QuarantineFolder
    go_on: Callable[[], None]
    entries: list[Entry] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    unpacked: int = 0
    _seen: set[str] = field(default_factory=set)

    def add(self, written: str, pieces: Iterator[bytes]) -> None:
        self.go_on()
        name = clean_name(written)
        if reason := _reason_to_skip(name):
            self.skipped[reason] += 1
            return
        key = comparable(name)
        if key in self._seen:
            raise BadArchive(f"{shown(name)} is there twice, or another name differs only by case")
        self._seen.add(key)
        with self.folder.new_file() as file:
            for piece in pieces:
                self.go_on()
                file.write(piece)
        self.entries.append(Entry(name, file.path, file.size))


def _reason_to_skip(name: str) -> str | None:
    if is_skipped(name):
        return HIDDEN
    if name.lower().endswith(NESTED_SUFFIXES):
        return NESTED
    if not name.lower().endswith((*PICTURE_SUFFIXES, TABLE_SUFFIX)):
        return OTHER_KIND
    return None


def gather(
    sent: Sequence[SentFile], folder: QuarantineFolder, *, go_on: Callable[[], None]
) -> Contents:
    contents = Contents(folder, go_on)
    for each in sent:
        name = clean_name(each.name)
        with each.open() as file:
            if name.lower().endswith(ARCHIVE_SUFFIXES):
                before = len(contents.entries)
                _unpack(file, contents, _Budget(name, each.size))
                contents.unpacked += len(contents.entries) - before
            else:
                contents.add(each.name, _pieces(file.read))
    return contents


@dataclass(slots=True)
class _Budget:
    name: str
    size: int
    entries: int = 0
    unpacked: int = 0

    def count_entry(self) -> None:
        self.entries += 1
        if self.entries > MOST_ENTRIES:
            raise BadArchive(f"{shown(self.name)} has more than {MOST_ENTRIES} entries")

    def count(self, data: bytes) -> bytes:
        self.unpacked += len(data)
        if self.unpacked > max(RATIO_FROM, MOST_RATIO * self.size):
            raise BadArchive(f"{shown(self.name)} unpacks to more than {MOST_RATIO} times its size")
        return data


def _unpack(file: IO[bytes], contents: Contents, budget: _Budget) -> None:
    entries = _zip_entries if budget.name.lower().endswith(".zip") else _tar_entries
    with _broken_archives(budget.name):
        for written, pieces in entries(file, budget):
            budget.count_entry()
            if pieces is None:
                clean_name(written)
            else:
                contents.add(written, pieces)


@contextmanager
def _broken_archives(name: str) -> Iterator[None]:
    try:
        yield
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        gzip.BadGzipFile,
        zlib.error,
        struct.error,
        EOFError,
        NotImplementedError,
        RecursionError,
        UnicodeError,
        ValueError,
        OverflowError,
    ) as error:
        raise BadArchive(f"{shown(name)} is damaged, or no such archive") from error


def _zip_entries(file: IO[bytes], budget: _Budget) -> _Entries:
    with zipfile.ZipFile(_ZipReader(file)) as archive:
        for entry in archive.infolist():
            _refuse_zip_entry(entry)
            # `filename` ends at a NUL that the archive has in it.
            name = entry.orig_filename
            if entry.is_dir():
                yield name, None
                continue
            with archive.open(entry) as content:
                yield name, map(budget.count, _pieces(content.read))


def _refuse_zip_entry(entry: zipfile.ZipInfo) -> None:
    name = shown(entry.filename)
    if entry.flag_bits & _ZIP_ENCRYPTED:
        raise BadArchive(f"{name} is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadArchive(f"{name} is compressed in a way other than deflate")
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadArchive(f"{name} is a link or a device; only files and folders are taken")


class _ZipReader:
    """Limits the directory, which `zipfile` reads completely before the first entry. It takes 600
    bytes of memory for each entry, and quadratic time for an entry's extra fields. The library
    reads it in one call at any position, so all bytes that it gets are counted.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        most = LARGEST_DIRECTORY + 1
        data = self._file.read(min(size, most) if size >= 0 else most)
        if len(data) > LARGEST_DIRECTORY:
            raise BadArchive("The directory of the zip archive is too long")
        if data.count(_ZIP_ENTRY) > MOST_ENTRIES:
            raise BadArchive(f"The zip archive has more than {MOST_ENTRIES} entries")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _tar_entries(file: IO[bytes], budget: _Budget) -> _Entries:
    begin = file.read(len(_GZIP))
    file.seek(0)
    # Only gzip: others unpack too much before anything can be counted. `GzipFile` verifies the
    # checksum, which `tarfile` by itself does not.
    stream: Any = _TarReader(gzip.GzipFile(fileobj=file) if begin == _GZIP else file, budget)
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_TarEntry) as tar:
        while entry := tar.next():
            # The library keeps both to the end.
            tar.members.clear()  # type: ignore[attr-defined]
            tar.pax_headers.clear()  # type: ignore[attr-defined]
            if entry.isdir():
                yield entry.name, None
                continue
            if not entry.isreg() or entry.issparse():
                raise BadArchive(
                    f"{shown(entry.name)} is a link or a device; only files and folders are taken"
                )
            stream.headers_left = math.inf
            pieces = _tar_pieces(tar, entry)
            yield entry.name, pieces
            for _ in pieces:  # of a skipped file
                pass
            stream.headers_left = LARGEST_HEADERS
    stream.headers_left = math.inf
    for _ in _pieces(stream.read):  # up to the checksum
        pass


class _TarEntry(tarfile.TarInfo):
    """Refuses a truncated archive, which the library would take for the end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise BadArchive("The tar archive is damaged or cut off") from error


class _TarReader:
    """Counts headers and skipped files as unpacked bytes. `headers_left` limits the data between
    two files: the library reads long headers and sparse file lists completely, and recurses for
    consecutive headers.
    """

    def __init__(self, file: Any, budget: _Budget) -> None:
        self._file = file
        self._budget = budget
        self.headers_left: float = LARGEST_HEADERS

    def read(self, size: int) -> bytes:
        data = self._budget.count(self._file.read(size))
        self.headers_left -= len(data)
        if self.headers_left < 0:
            raise BadArchive("A header of the tar archive is too long")
        return data


def _tar_pieces(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> Iterator[bytes]:
    content = tar.extractfile(entry)
    left = entry.size
    for piece in _pieces(content.read) if content else ():
        left -= len(piece)
        yield piece
    if left:
        raise EOFError


def _pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while data := read(READ_BYTES):
        yield data
