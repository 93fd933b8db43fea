"""The pictures of a run: which a folder or a list has, and the bytes of each.

A name is a path relative to the root, in the bytes of the file system. A folder that could not be
listed has a name too, which ends with a slash, so that nothing is left out unnoticed. The file
system is not trusted, and may go away.
"""

import errno
import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from skinapi.app.batch.arguments import STDIN, BadSource, PicturesGone
from skinapi.integrations.dicom.stow import LARGEST_OBJECT
from skinapi.model.dataset_labels import PICTURE_SUFFIXES

# What says something about one picture. All other errors say something about the file system or
# this process (no more memory or open files), and a row would be wrong.
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
MOST_DEPTH = 64
LONGEST_NAME = 64 * 1024
BLOCK_BYTES = 1024 * 1024
DICOM_SUFFIX = b".dcm"
_SUFFIXES = (*(os.fsencode(suffix) for suffix in PICTURE_SUFFIXES), DICOM_SUFFIX)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # written before the first line by programs on Windows
# A link is not followed, and a pipe or a device does not block.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(slots=True)
class FolderWalk:
    """Walks a folder. Links are not followed; `left_out` counts files of other suffixes."""

    root: bytes
    left_out: int = 0
    _unlisted: list[bytes] = field(default_factory=list)

    def names(self) -> Iterator[bytes]:
        for folder, below, files in os.walk(self.root, onerror=self._note_unlisted):
            start = self._name_of(folder)
            yield from (start + name for name in below if _is_link(folder, name))
            if start.count(b"/") == MOST_DEPTH:
                yield from (start + name + b"/" for name in below)
                below.clear()
            pictures = [name for name in files if name.lower().endswith(_SUFFIXES)]
            yield from (start + name for name in pictures)
            self.left_out += len(files) - len(pictures)
        yield from self._unlisted

    def _note_unlisted(self, error: OSError) -> None:
        if error.filename == self.root or error.errno not in PICTURE_ERRORS:
            raise BadSource(f"The folder cannot be listed: {error.strerror}") from error
        self._unlisted.append(self._name_of(error.filename))

    def _name_of(self, folder: bytes) -> bytes:
        """Return a name that ends with a slash; the root's is empty."""
        below = os.path.relpath(folder, self.root)
        return b"" if below == b"." else below + b"/"


@dataclass(slots=True)
class PathList:
    """Reads a list of paths, one on a line or, with `null`, each ended by a NUL byte. Relative ones
    begin at `root`. A `path` of None is standard input.
    """

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


Listing = FolderWalk | PathList


def open_listing(given: str, *, null: bool) -> Listing:
    if given != STDIN and Path(given).is_dir():
        return FolderWalk(os.fsencode(Path(given).absolute()))
    return PathList(os.fsencode(Path.cwd()), None if given == STDIN else Path(given), null)


def is_dicom(name: bytes) -> bool:
    """Whether the file is a DICOM object, by its name. Others are recognised when they are read."""
    return name.lower().endswith(DICOM_SUFFIX)


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
    """Spell `a.jpg`, `./a.jpg` and `.//a.jpg` alike; not `b/../a.jpg`: `b` may be a link."""
    kept = [part for part in name.split(b"/") if part not in (b"", b".")]
    return (b"/" if name.startswith(b"/") else b"") + b"/".join(kept)


class UnreadableFile(Exception):
    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class PictureFile:
    """`content` is None if the file has more bytes than a photo may have."""

    size: int
    content: bytes | None
    sha256: str | None


@dataclass(slots=True)
class PictureReader:
    """Reads pictures below a root, for several threads. `inside`: the names are of a folder that
    was walked, so a link among them was put there since, and is not followed.
    """

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
            # If the picture that was read last is away too, a share was unmounted, and `missing`
            # would be wrong for each picture that follows.
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
            largest = LARGEST_OBJECT if is_dicom(name) else self.largest_bytes
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
