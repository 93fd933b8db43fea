"""Unpacks zip and tar archives of strangers into the quarantine.

Nothing in a header is believed: bytes and entries are counted as they are unpacked, each file gets
a name of ours, and what is neither a file nor a folder is refused.
"""

import gzip
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Protocol

from skinapi.lab.archives.file_names import shown
from skinapi.lab.archives.tar_headers import BoundedTar, BoundedTarInfo
from skinapi.lab.archives.zip_directory import BoundedZip
from skinapi.lab.errors import BadArchive

READ_BYTES = 256 * 1024
# HAM10000 has 10,015 pictures, the largest public archive of this kind 33,126.
MOST_ENTRIES = 50_000
# Pictures do not shrink; a table of labels does, by about ten. A bomb has a ratio of 1000.
MOST_RATIO = 40
# Below it the ratio says nothing: 50 KB of zeros are no bomb.
RATIO_FROM = 16 * 1024 * 1024
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz")
# Of these too nothing is unpacked inside of another archive.
NESTED_SUFFIXES = (*ARCHIVE_SUFFIXES, ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")
_ZIP_ENCRYPTED = 0x1


class Sink(Protocol):
    """Where the entries of an archive go."""

    def refuse_bad_folder(self, written: str) -> None:
        """Raises BadArchive for a name, as the archive has it, that no folder may have."""

    def accepts(self, written: str) -> bool:
        """Whether to unpack the file of this name. Raises BadArchive."""

    def take(self, written: str, pieces: Iterator[bytes]) -> None: ...


def is_archive(name: str) -> bool:
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def is_nested(name: str) -> bool:
    return name.lower().endswith(NESTED_SUFFIXES)


def unpack(file: IO[bytes], *, name: str, size: int, sink: Sink) -> None:
    """Give each file of the archive to `sink`. Raises BadArchive."""
    budget = _Budget(name, size)
    unpack_kind = _unpack_zip if name.lower().endswith(".zip") else _unpack_tar
    with _broken_archives(name):
        unpack_kind(file, sink, budget)


class _Budget:
    """Counts entries and unpacked bytes of one archive."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._most = max(RATIO_FROM, MOST_RATIO * size)
        self._unpacked = 0
        self._entries = 0

    def count_entry(self) -> None:
        self._entries += 1
        if self._entries > MOST_ENTRIES:
            raise BadArchive(f"{shown(self._name)} has more than {MOST_ENTRIES} entries")

    def counted(self, read: Callable[[int], bytes]) -> Iterator[bytes]:
        for data in _pieces(read):
            self.count(len(data))
            yield data

    def count(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > self._most:
            raise BadArchive(
                f"{shown(self._name)} unpacks to more than {MOST_RATIO} times its size"
            )


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


def _unpack_zip(file: IO[bytes], sink: Sink, budget: _Budget) -> None:
    bounded = BoundedZip(file, most_entries=MOST_ENTRIES)
    with bounded.reading_directory():
        archive = zipfile.ZipFile(bounded)
    with archive:
        for entry in archive.infolist():
            budget.count_entry()
            _refuse_zip_entry(entry)
            # `filename` ends at a NUL that the archive has in it.
            if entry.is_dir():
                sink.refuse_bad_folder(entry.orig_filename)
            elif sink.accepts(entry.orig_filename):
                with archive.open(entry) as content:
                    sink.take(entry.orig_filename, budget.counted(content.read))


def _refuse_zip_entry(entry: zipfile.ZipInfo) -> None:
    name = shown(entry.filename)
    if entry.flag_bits & _ZIP_ENCRYPTED:
        raise BadArchive(f"{name} is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadArchive(f"{name} is compressed in a way other than deflate")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadArchive(f"{name} is a link or a device; only files and folders are taken")


def _unpack_tar(file: IO[bytes], sink: Sink, budget: _Budget) -> None:
    begin = file.read(2)
    file.seek(0)
    # Only gzip: the others unpack too much before anything can be counted. `GzipFile` checks the
    # checksum, which `tarfile` by itself does not.
    unpacked: Any = gzip.GzipFile(fileobj=file) if begin == b"\x1f\x8b" else file
    stream: Any = _CountedStream(unpacked.read, budget)
    with BoundedTar.open(fileobj=stream, mode="r|", tarinfo=BoundedTarInfo) as tar:
        for entry in tar:
            tar.members.clear()  # type: ignore[attr-defined]  # it keeps each member that it has passed
            budget.count_entry()
            if entry.isdir():
                sink.refuse_bad_folder(entry.name)
            elif not entry.isreg() or entry.issparse():
                raise BadArchive(
                    f"{shown(entry.name)} is a link or a device; only files and folders are taken"
                )
            elif sink.accepts(entry.name) and (content := tar.extractfile(entry)):
                sink.take(entry.name, _whole(_pieces(content.read), entry.size))
    for _ in _pieces(stream.read):  # up to the checksum
        pass


class _CountedStream:
    """What a tar is read from: also headers and files that are passed over count as unpacked."""

    def __init__(self, read: Callable[[int], bytes], budget: _Budget) -> None:
        self._read = read
        self._budget = budget

    def read(self, size: int) -> bytes:
        data = self._read(size)
        self._budget.count(len(data))
        return data


def _pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while data := read(READ_BYTES):
        yield data


def _whole(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """These pieces. Raises EOFError where they end before this size."""
    for piece in pieces:
        size -= len(piece)
        yield piece
    if size:
        raise EOFError
