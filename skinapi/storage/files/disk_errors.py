"""Maps errors of the disk and of SQLite to the errors of `skinapi.errors`."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from skinapi.errors import DiskFull, StoreUnavailable
from skinapi.logs import log

# EDQUOT: the disk quota of this user is used up, which needs the same action as a full disk.
FULL = {errno.ENOSPC, errno.EDQUOT}
READ_ONLY = "The disk takes no writes; the operator must look at it"
LOST = "The database file was removed, replaced or damaged; the operator must put it back"
LOST_LOG = (
    "The write-ahead log of the database was removed; the operator must stop the server with "
    "SIGTERM, which saves what is in it, and start it again"
)
DENIED = (
    "The server may not open a file of its store (permission denied); the operator must give the "
    "file that the log names to the user of the server"
)
LOST_BLOBS = "The folder of stored files was removed or replaced; the operator must put it back"

_denied: set[str] = set()


def disk_error(error: BaseException) -> StoreUnavailable:
    """DiskFull for a full disk, else StoreUnavailable, with a reason if it is known."""
    if isinstance(error, PermissionError):
        _log_denied(str(error.filename))
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


def _log_denied(file: str) -> None:
    """Once for each file: every request would say it again."""
    if file not in _denied:
        _denied.add(file)
        log.error(DENIED, fault="permission denied", file=file)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise DiskFull or StoreUnavailable instead of OSError."""
    try:
        yield
    except OSError as error:
        raise disk_error(error) from error
