"""Overwrites what was deleted from the SQLite file, by writing the file anew.

`secure_delete` overwrites each row and page that is deleted. It does not reach the copies of rows
that SQLite leaves in a page when it moves them to another one, nor what was deleted while it was
not set. Only a file of live rows alone has neither, so that is made and written over the old pages
in one transaction, as SQLite's VACUUM does. Unlike there, the copy lies beside the database: it
needs no memory, and no room on the disk of temporary files.
"""

import os
from contextlib import suppress
from pathlib import Path

import apsw

from skinapi.platform.storage.files import refuse_full_disk
from skinapi.platform.storage.ports import Remnant

# Above this, writers would wait for more than some three seconds (2.0 s for 157 MB, on busy cores):
# the operator says when.
LARGEST_REWRITTEN = 256 * 1024 * 1024
# Readers take milliseconds, but for a backup, which holds its snapshot for minutes.
WAIT_FOR_READERS_MS = 500
PAGES_AT_ONCE = 1000


def scrub_file(connection: apsw.Connection, path: Path, *, any_size: bool) -> list[Remnant]:
    """What remains afterwards. `connection` is a fresh one on the database at this path. Call it
    with the writer's lock.
    """
    copy = Path(f"{path}-rewritten")
    copy.unlink(missing_ok=True)  # of one that was killed
    connection.set_busy_timeout(WAIT_FOR_READERS_MS)
    if not _empty_log(connection):
        return [Remnant.LOG_IN_USE]
    size = path.stat().st_size
    if size > LARGEST_REWRITTEN and not any_size:
        return [Remnant.FILE_TOO_LARGE]
    try:
        # The copy, and the log, into which the copy is written before the database.
        refuse_full_disk(path.parent, 2 * size)
    except OSError:
        return [Remnant.DISK_TOO_FULL]
    _rewrite(connection, copy)
    return [] if _empty_log(connection) else [Remnant.LOG_IN_USE]


def _empty_log(connection: apsw.Connection) -> bool:
    """Write what is in the write-ahead log into the database, and cut the log to nothing. False
    where a reader still needs it.
    """
    ((busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return not busy


def _rewrite(connection: apsw.Connection, copy: Path) -> None:
    count = connection.execute("PRAGMA user_version").get
    connection.execute(f"PRAGMA user_version = {count + 1}")  # see SqliteFile._has_not_shrunk
    try:
        os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        connection.execute("VACUUM INTO ?", [str(copy)])
        _copy_pages(copy, connection)
    finally:
        with suppress(OSError):
            copy.unlink(missing_ok=True)


def _copy_pages(source: Path, connection: apsw.Connection) -> None:
    """In one transaction, which the end of the block commits."""
    rewritten = apsw.Connection(str(source), apsw.SQLITE_OPEN_READONLY)
    try:
        with connection.backup("main", rewritten, "main") as copying:
            while not copying.done:
                copying.step(PAGES_AT_ONCE)
    finally:
        rewritten.close()
