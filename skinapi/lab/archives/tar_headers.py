"""Bounds what Python reads of a tar's headers: it reads each whole, and keeps some."""

import tarfile
from collections.abc import Callable
from typing import Any

from skinapi.lab.archives.file_names import shown
from skinapi.lab.errors import BadArchive

# Names and times of one entry.
LARGEST_TAR_HEADER = 64 * 1024
# Before one entry: its name, the target of a link, its times, and what holds for all entries.
MOST_LONG_HEADERS = 4
_LONG_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


class BoundedTar(tarfile.TarFile):
    """`long_headers` counts those before the next entry, for each of which Python calls itself;
    `kept_headers` the bytes that it keeps to the end, and applies to each entry.
    """

    long_headers = 0
    kept_headers = 0


class BoundedTarInfo(tarfile.TarInfo):
    """Refuses a long header before Python reads it whole, and an archive that breaks off: the
    library would take both a broken header and a missing end for the end.

    It offers `_proc_member` for subclasses that treat members by their type.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "BoundedTarInfo":
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise BadArchive("The tar archive is damaged or cut off") from error

    def _proc_member(self, archive: BoundedTar) -> tarfile.TarInfo:
        if self.type in _LONG_HEADERS:
            self._count(archive)
        else:
            archive.long_headers = 0
        if self.type == tarfile.GNUTYPE_SPARSE:
            self._refuse_sparse()
        proceed: Callable[[tarfile.TarFile], tarfile.TarInfo] = super()._proc_member  # type: ignore[misc]
        return proceed(archive)

    def _count(self, archive: BoundedTar) -> None:
        archive.long_headers += 1
        if archive.long_headers > MOST_LONG_HEADERS:
            raise BadArchive("The tar archive has too many headers before one entry")
        if self.type == tarfile.XGLTYPE:
            archive.kept_headers += self.size
        if max(self.size, archive.kept_headers) > LARGEST_TAR_HEADER:
            raise BadArchive("A header of the tar archive is too long")

    def _refuse_sparse(self, *_: Any) -> None:
        """In the three newer forms the library calls it to read a list of any length."""
        raise BadArchive(f"{shown(self.name)} is a sparse file; only plain files are taken")

    _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse_sparse
