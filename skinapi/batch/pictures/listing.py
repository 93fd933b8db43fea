"""Lists the pictures of a folder or of a list, without holding more than one path at a time.

A name is a path relative to the root, in the bytes of the file system. A folder that could not be
listed has a name too, which ends with a slash, so that nothing is left out unnoticed.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from skinapi.batch.arguments import STDIN
from skinapi.batch.errors import BadSource
from skinapi.batch.pictures.reading import PICTURE_ERRORS, path_below
from skinapi.vision.labels.label_tables import PICTURE_SUFFIXES

# Each level keeps a folder open.
MOST_DEPTH = 64
LONGEST_NAME = 64 * 1024
BLOCK_BYTES = 16 * 1024
_SUFFIXES = tuple(os.fsencode(suffix) for suffix in PICTURE_SUFFIXES)
_MARK = b"\xef\xbb\xbf"  # written before the first line by programs on Windows


@dataclass(slots=True)
class FolderWalk:
    """The pictures below a folder. Links are named but never followed. `left_out` counts the files
    that have no picture's suffix.
    """

    root: bytes
    left_out: int = 0

    def names(self) -> Iterator[bytes]:
        """Raises BadSource if the folder cannot be listed."""
        try:
            opened = [(b"", os.scandir(self.root))]
        except OSError as error:
            raise BadSource(f"The folder cannot be listed: {error.strerror}") from error
        try:
            while opened:
                folder, entries = opened[-1]
                entry = self._next(folder, entries)
                if isinstance(entry, bytes):
                    yield entry
                elif entry is None:
                    entries.close()
                    opened.pop()
                else:
                    yield from self._names_of(folder, entry, opened)
        finally:
            for _, entries in opened:
                entries.close()

    def _next(
        self, folder: bytes, entries: "os._ScandirIterator[bytes]"
    ) -> "os.DirEntry[bytes] | bytes | None":
        """The next entry; None at the end, the folder's name where listing it broke off."""
        try:
            return next(entries, None)
        except OSError as error:
            if not folder or error.errno not in PICTURE_ERRORS:
                raise BadSource(f"The folder cannot be listed: {error.strerror}") from error
            return folder

    def _names_of(
        self,
        folder: bytes,
        entry: "os.DirEntry[bytes]",
        opened: "list[tuple[bytes, os._ScandirIterator[bytes]]]",
    ) -> Iterator[bytes]:
        name = folder + entry.name
        is_picture = entry.name.lower().endswith(_SUFFIXES)
        if entry.is_symlink():
            if is_picture or _is_folder(entry):
                yield name
            else:
                self.left_out += 1
        elif entry.is_dir(follow_symlinks=False):
            below = name + b"/"
            if len(opened) > MOST_DEPTH:
                yield below
                return
            try:
                opened.append((below, os.scandir(path_below(self.root, name))))
            except OSError as error:
                if error.errno not in PICTURE_ERRORS:
                    raise BadSource(f"A folder cannot be listed: {error.strerror}") from error
                yield below
        elif is_picture:
            yield name
        else:
            self.left_out += 1


def _is_folder(link: "os.DirEntry[bytes]") -> bool:
    try:
        return link.is_dir()
    except OSError:
        return False


@dataclass(slots=True)
class PathList:
    """The paths of a text file, one on a line or, with `null`, each ended by a NUL byte. Relative
    ones begin at `root`. A `path` of None is standard input.
    """

    root: bytes
    path: Path | None
    null: bool
    left_out: int = 0

    def names(self) -> Iterator[bytes]:
        """Raises BadSource for a file that cannot be read or is no list of paths."""
        try:
            with self.path.open("rb") if self.path else nullcontext(sys.stdin.buffer) as file:
                yield from self._names_in(file)
        except OSError as error:
            raise BadSource(f"The list cannot be read: {error.strerror}") from error

    def _names_in(self, file: IO[bytes]) -> Iterator[bytes]:
        mark = _MARK
        for line in split_blocks(file, b"\0" if self.null else b"\n"):
            name = line.removeprefix(mark)
            mark = b""
            if not self.null:
                name = name.removesuffix(b"\r")
            if b"\0" in name:
                raise BadSource("The list holds NUL bytes: it is no text, or needs --null")
            if name:
                yield _without_dots(name)


Listing = FolderWalk | PathList


def open_listing(given: str, *, null: bool) -> Listing:
    """The pictures of what an argument names: a folder, a list, or the list on standard input."""
    if given != STDIN and Path(given).is_dir():
        return FolderWalk(os.fsencode(Path(given).absolute()))
    return PathList(os.fsencode(Path.cwd()), None if given == STDIN else Path(given), null)


def split_blocks(file: IO[bytes], ends: bytes) -> Iterator[bytes]:
    """The pieces of a file between separators of one byte. Raises BadSource for one that is longer
    than any path.
    """
    rest = b""
    while block := file.read(BLOCK_BYTES):
        *whole, rest = (rest + block).split(ends)
        yield from whole
        if len(rest) > LONGEST_NAME:
            raise BadSource("The list has a line that is longer than any path")
    if rest:
        yield rest


def _without_dots(name: bytes) -> bytes:
    """One spelling of a path for `a.jpg`, `./a.jpg` and `.//a.jpg`. Of `b/../a.jpg` nothing is
    taken away, because `b` may be a link.
    """
    kept = [part for part in name.split(b"/") if part not in (b"", b".")]
    return (b"/" if name.startswith(b"/") else b"") + b"/".join(kept)
