"""Reads the bytes of one picture from a file system that is not trusted and may go away."""

import errno
import hashlib
import os
import stat
import sys
from dataclasses import dataclass

from skinapi.batch.errors import PicturesGone

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
# A link is not followed, and a pipe or a device does not block.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class UnreadableFile(Exception):
    """There is no picture to judge. `reason` is a value of PICTURE_ERRORS, or `folder_unreadable`
    for a folder that could not be listed.
    """

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
    """Reads pictures below a root. Several threads may use it.

    `inside`: the names are of a folder that was walked, so a link in them was put there since, and
    would lead out of the folder. It is not followed.
    """

    root: bytes
    largest_bytes: int
    inside: bool = True
    _last_read: bytes | None = None

    def read(self, name: bytes) -> PictureFile:
        """Raises UnreadableFile, and PicturesGone if the file system was lost."""
        if name.endswith(b"/"):
            raise UnreadableFile(FOLDER_UNREADABLE)
        try:
            file = self._read(name)
        except OSError as error:
            if error.errno not in PICTURE_ERRORS or not self._is_there():
                raise PicturesGone from error
            raise UnreadableFile(PICTURE_ERRORS[error.errno]) from error
        self._last_read = path_below(self.root, name)
        return file

    def exists(self, name: bytes) -> bool:
        return os.path.lexists(path_below(self.root, name))

    def _read(self, name: bytes) -> PictureFile:
        handle = self._open(name)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableFile(NOT_A_FILE)
            if status.st_size > self.largest_bytes:
                return PictureFile(status.st_size, None, None)
            content = _read_up_to(handle, self.largest_bytes + 1, expected=status.st_size)
        finally:
            os.close(handle)
        if len(content) > self.largest_bytes:  # it has grown
            return PictureFile(len(content), None, None)
        return PictureFile(len(content), content, hashlib.sha256(content).hexdigest())

    def _open(self, name: bytes) -> int:
        if not self.inside:
            return os.open(path_below(self.root, name), _FLAGS)
        *folders, file = name.split(b"/")
        folder = os.open(self.root, _FOLDER)
        try:
            for part in folders:
                above, folder = folder, os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
                os.close(above)
            return os.open(file, _FLAGS, dir_fd=folder)
        finally:
            os.close(folder)

    def _is_there(self) -> bool:
        """Whether the picture that was read last can still be found. If it cannot, a share was
        unmounted, and `missing` would be wrong for each picture that follows.
        """
        known = self._last_read or self.root
        return os.path.lexists(known)


def path_below(root: bytes, name: bytes) -> bytes:
    """The path of a name; an absolute one is a path already."""
    return os.path.join(root, name)  # noqa: PTH118 (bytes, which Path does not take)


def _read_up_to(handle: int, most: int, *, expected: int) -> bytes:
    pieces, left = [], most
    # os.read allocates all that it is asked for, so not the most that a photo may have.
    while left and (piece := os.read(handle, min(left, expected + 1))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
