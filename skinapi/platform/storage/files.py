import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

import apsw

from skinapi.base.errors import BlobDamaged, Conflict, DiskFull, StoreUnavailable
from skinapi.base.logs import log
from skinapi.platform.storage.ids import (
    BLOB_KEY,
    LONGEST_WRITE,
    new_blob_key,
    require_blob_key,
    verified_blob,
)

DRAFT = ".draft"
# EDQUOT: the disk quota of this user is used up, which needs the same action as a full disk.
FULL = {errno.ENOSPC, errno.EDQUOT}
READ_ONLY = "The disk takes no writes; the operator must look at it"
LOST = (
    "The database file was removed, replaced or damaged; the operator must put it back: "
    "docs/operate/outages.md#a-lost-database"
)
LOST_LOG = (
    "The write-ahead log of the database was removed; the operator must stop the server with "
    "SIGTERM, which saves what is in it, and start it again"
)
DENIED = (
    "The server may not open a file of its store (permission denied); the operator must give the "
    "file that the log names to the user of the server"
)
LOST_BLOBS = "The folder of stored files was removed or replaced; the operator must put it back"
NO_FOLDER = (
    "No folder takes the file in which a large body lies meanwhile; the operator must name one that"
    " the server may write to: INSTANCE_DIR, or TMPDIR"
)
# The disk is also that of the database, which must still take writes when uploads have filled what
# they may: so much stays free, or a twentieth of a small disk.
RESERVED_BYTES = 256 * 1024 * 1024
RESERVED_SHARE = 20
# Who writes a large file looks again after so many bytes.
CHECK_EVERY = 4 * 1024 * 1024
NOT_A_FILE = {errno.ELOOP, errno.ENXIO}  # a link to itself, a socket
PROOF = b"Files of SkinAPI are kept here. Without this file the folder is taken for another one.\n"


@contextmanager
def written_durably(path: Path) -> Iterator[Path]:
    """Yield a draft that is synced and replaces `path`, unless the block raises."""
    draft = path.with_name(path.name + DRAFT)
    try:
        yield draft
        sync(draft)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync(path.parent)  # otherwise a power cut may undo the rename


def write_durably(path: Path, data: bytes) -> None:
    with written_durably(path) as draft:
        draft.write_bytes(data)


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    if path.exists():
        raise Conflict(f"{path.name} exists already")
    try:
        private = partial(os.open, mode=0o600)
        with written_durably(path) as draft, open(draft, "wb", opener=private) as file:
            yield file
    except OSError as error:
        raise Conflict(f"{path.name} cannot be written: {error.strerror}") from error


def sync(path: Path) -> None:
    """Flush to disk. Syncing a file does not make its name durable: see fsync(2)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_denied: set[str] = set()


def disk_error(error: BaseException) -> StoreUnavailable:
    if isinstance(error, PermissionError):
        file = str(error.filename)
        if file not in _denied:  # otherwise every request would log it
            _denied.add(file)
            log.error(DENIED, fault="permission denied", file=file)
        return StoreUnavailable(DENIED)
    if isinstance(error, OSError):
        full, read_only = error.errno in FULL, error.errno == errno.EROFS
    elif isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return StoreUnavailable(LOST)
    else:
        full = isinstance(error, apsw.FullError)
        read_only = isinstance(error, apsw.ReadOnlyError)
    if full:
        return DiskFull()
    return StoreUnavailable(READ_ONLY) if read_only else StoreUnavailable()


@contextmanager
def disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(error) from error


def refuse_full_disk(folder: Path, wanted: int = 0) -> None:
    disk = os.statvfs(folder)
    total, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
    if free - wanted < min(RESERVED_BYTES, total // RESERVED_SHARE):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def passing_folder(folder: Path) -> Path:
    if os.access(folder, os.W_OK | os.X_OK):
        return folder
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise StoreUnavailable(NO_FOLDER) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between threads and processes on the file at this path, which is never
    removed.

    SQLite polls for its own lock, so a busy writer makes others wait for seconds. Here the kernel
    wakes the next waiter, and releases the lock of a killed process.
    """
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        # Not lockf: its POSIX locks do not exclude the other threads of this process.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        # Closing alone does not unlock if a forked process still has the file open, see flock(2).
        fcntl.flock(file, fcntl.LOCK_UN)
        os.close(file)


class FileBlobs:
    """Blobs as files: written to a draft, synced, then renamed to the final path.

    Their folder is created once and holds a marker file. An empty folder in its place, such as the
    mount point of a missing disk, is refused.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._proof = folder / "made"
        self._reported = False

    def make(self) -> None:
        with disk_errors():
            self._folder.mkdir(exist_ok=True)
            write_durably(self._proof, PROOF)

    def refuse_if_lost(self) -> None:
        with disk_errors():
            lost = not self._proof.exists()
        if lost != self._reported:
            self._reported = lost
            if lost:
                log.error(LOST_BLOBS, folder=str(self._folder))
            else:
                log.info("the folder of stored files is back", folder=str(self._folder))
        if lost:
            raise StoreUnavailable(LOST_BLOBS)

    def put(self, data: bytes) -> str:
        key = new_blob_key(data)
        self._write_to(self._path_of(key), data)
        return key

    def put_as(self, key: str, data: bytes) -> None:
        path = self._path_of(key)
        if not path.exists():
            self._write_to(path, verified_blob(key, data))

    def _write_to(self, path: Path, data: bytes) -> None:
        self.refuse_if_lost()
        with disk_errors():
            path.parent.mkdir(exist_ok=True)
            write_durably(path, data)
            sync(self._folder)

    def find(self, key: str) -> bytes | None:
        with disk_errors():
            try:
                data = _read_regular(self._path_of(key))
            except FileNotFoundError:
                self.refuse_if_lost()
                return None
        return verified_blob(key, data)

    def name_of(self, key: str) -> str:
        return str(self._path_of(key).relative_to(self._folder.parent))

    def delete(self, key: str) -> None:
        self.refuse_if_lost()  # otherwise a file that is temporarily missing would come back
        with disk_errors():
            self._path_of(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        self.refuse_if_lost()
        with disk_errors():
            for path in self._folder.glob("*/*"):
                if BLOB_KEY.fullmatch(path.name):
                    yield path.name

    def sweep(self) -> None:
        with disk_errors():
            for draft in self._folder.glob(f"*/*{DRAFT}"):
                with suppress(FileNotFoundError):  # its writer has just renamed it
                    if time.time() - draft.stat().st_mtime > LONGEST_WRITE.total_seconds():
                        draft.unlink()

    def _path_of(self, key: str) -> Path:
        # The last two digits of the id are random, so all folders fill evenly.
        return self._folder / require_blob_key(key)[30:32] / key


def _read_regular(path: Path) -> bytes:
    """Raise BlobDamaged unless it is a regular file: reading a pipe or a device would never end."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in NOT_A_FILE:
            raise BlobDamaged from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise BlobDamaged
        with open(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)
