"""The quarantine, a folder where uploads are received, unpacked and checked; and the rules for file
names.

Each check has its own folder, which is removed at its end. After a kill, the next process that
opens the quarantine removes it, because a lock shows which folders are in use.
"""

import fcntl
import os
import re
import secrets
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

from skinapi.base.errors import PayloadTooLarge
from skinapi.base.size_limits import size_in_words
from skinapi.base.values import PartHead
from skinapi.lab.errors import BadArchive
from skinapi.platform.storage.files import CHECK_EVERY, disk_error, refuse_full_disk

LONGEST_NAME = 500
DRIVE = re.compile(r"[A-Za-z]:")
LONGEST_ECHO = 80
# Folders and files that operating systems add.
SYSTEM_NAMES = {"__macosx", "thumbs.db", "desktop.ini"}


def clean_name(written: str) -> str:
    """Use `/` as separator. Raises BadArchive for a name that leads out of the folder."""
    # A name that is not UTF-8 holds halves of surrogate pairs, which cannot be stored.
    text = written.encode("utf-8", "replace").decode("utf-8")
    name = unicodedata.normalize("NFC", text.replace("\\", "/"))
    if len(name) > LONGEST_NAME:
        raise BadArchive(f"A name in the upload has more than {LONGEST_NAME} characters")
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        raise BadArchive("A name in the upload holds control characters")
    if name.startswith("/") or DRIVE.match(name):
        raise BadArchive(f"{shown(name)}: absolute names are refused")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BadArchive(f"{shown(name)}: names with .. are refused")
    if not parts:
        raise BadArchive("An entry has no name")
    return "/".join(parts)


def is_skipped(name: str) -> bool:
    return any(part.startswith(".") or part.casefold() in SYSTEM_NAMES for part in name.split("/"))


def comparable(name: str) -> str:
    """Equal for names that some disks or people hold for the same.

    >>> comparable("Ä.JPG") == comparable("a\\u0308.jpg")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def shown(name: str) -> str:
    visible = "".join(letter if letter.isprintable() else "?" for letter in name)
    return visible if len(visible) <= LONGEST_ECHO else f"{visible[:LONGEST_ECHO]}…"


CHECK_PREFIX = "check-"


@dataclass(frozen=True, slots=True)
class Quarantine:
    folder: Path

    @contextmanager
    def opened(self, *, most: int) -> Iterator["QuarantineFolder"]:
        path = self.folder / f"{CHECK_PREFIX}{secrets.token_hex(8)}"
        lock = -1
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            path.mkdir(mode=0o700)
            lock = _locked(path)
            yield QuarantineFolder(path, most)
        except OSError as error:
            raise disk_error(error) from error
        finally:
            shutil.rmtree(path, ignore_errors=True)
            if lock >= 0:
                os.close(lock)

    @contextmanager
    def copied(self, pieces: Iterable[bytes]) -> Iterator[IO[bytes]]:
        with tempfile.TemporaryFile(dir=self.folder) as file:
            for piece in pieces:
                refuse_full_disk(self.folder)
                file.write(piece)
            file.seek(0)
            yield file

    def sweep(self) -> None:
        for path in self.folder.glob(f"{CHECK_PREFIX}*"):
            with suppress(OSError):  # another process is removing it
                os.close(_locked(path))
                shutil.rmtree(path, ignore_errors=True)


def _locked(folder: Path) -> int:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


@dataclass(slots=True)
class QuarantineFolder:
    """Files under our own names: the user's names are never used on the disk."""

    path: Path
    most: int
    size: int = 0
    _files: int = 0
    _checked_at: int = 0

    @contextmanager
    def new_file(self) -> Iterator["QuarantineFile"]:
        """The bytes count towards the limit even if the file is deleted later."""
        self._files += 1
        path = self.path / f"{self._files:06d}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            yield QuarantineFile(path, self, file)

    def count(self, size: int) -> None:
        self.size += size
        if self.size > self.most:
            raise PayloadTooLarge(f"The data set has more than {size_in_words(self.most)}")
        if self.size - self._checked_at >= CHECK_EVERY:
            self._checked_at = self.size
            refuse_full_disk(self.path)


@dataclass(slots=True)
class QuarantineFile:
    path: Path
    _folder: QuarantineFolder
    _file: BinaryIO
    size: int = 0

    def write(self, data: bytes) -> None:
        self._folder.count(len(data))
        self._file.write(data)
        self.size += len(data)


@dataclass(frozen=True, slots=True)
class SentFile:
    name: str
    size: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True, slots=True)
class Received:
    sent: Sequence[SentFile]
    texts: Mapping[str, str]


def receive(parts: Iterable[PartHead | bytes], folder: QuarantineFolder, *, field: str) -> Received:
    """Write the files of this field to the folder. A browser sends an unnamed file if none was
    chosen.
    """
    files: list[tuple[str, QuarantineFile]] = []
    texts: dict[str, bytearray] = {}
    with ExitStack() as opened:
        write: Callable[[bytes], None] | None = None
        for part in parts:
            if isinstance(part, bytes):
                if write:
                    write(part)
                continue
            opened.close()  # the previous file is complete
            write = None
            if part.name == field and part.filename:
                name = clean_name(part.filename)
                files.append((name, opened.enter_context(folder.new_file())))
                write = files[-1][1].write
            elif part.filename is None:
                write = texts.setdefault(part.name, bytearray()).extend
    return Received(
        sent=[SentFile(name, file.size, partial(_open, file.path)) for name, file in files],
        texts={name: bytes(text).decode("utf-8", "replace") for name, text in texts.items()},
    )


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")
