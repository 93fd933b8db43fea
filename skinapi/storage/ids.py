"""Identifiers, blob keys and the clock of the store."""

import hashlib
import re
import secrets
import threading
from datetime import UTC, datetime

from skinapi.errors import BlobDamaged

BLOB_KEY = re.compile(r"[0-9a-f]{32}-[0-9a-f]{64}")


def now() -> datetime:
    """The time in UTC, to the millisecond: what both stores can keep."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


class _Ids:
    """Numbers that only grow, whatever the clock does: the millisecond above, chance below."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._last = 0

    def next(self) -> int:
        with self._turn:
            fresh = int(now().timestamp() * 1000) << 80 | secrets.randbits(80)
            if fresh >> 80 <= self._last >> 80:
                fresh = self._last + 1 + secrets.randbits(64)
            self._last = fresh
            return fresh


_ids = _Ids()


def new_id() -> str:
    """32 hex digits that sort by the time of making, those of one process exactly."""
    return f"{_ids.next():032x}"


def made_at(identifier: str) -> datetime:
    """When new_id made this identifier, or the blob key that starts with it."""
    return datetime.fromtimestamp(int(identifier[:12], 16) / 1000, UTC)


def new_blob_key(data: bytes) -> str:
    """A key of its own for every blob, even for equal bytes: two patients never share one."""
    return f"{new_id()}-{hashlib.sha256(data).hexdigest()}"


def check_blob_key(key: str) -> str:
    if not BLOB_KEY.fullmatch(key):
        raise ValueError("not a blob key")
    return key


def checked(key: str, data: bytes) -> bytes:
    if hashlib.sha256(data).hexdigest() != key.partition("-")[2]:
        raise BlobDamaged
    return data
