"""Identifiers, blob keys, and the current time as both stores can keep it."""

import hashlib
import re
import secrets
import threading
from datetime import UTC, datetime, timedelta

from skinapi.base.errors import BlobDamaged

# Clocks are set back by an hour where a time zone was wrong; those of servers differ by seconds.
CLOCK_TOLERANCE = timedelta(hours=1)
# A draft, or a blob without a record, that is older was left by an interrupted write.
LONGEST_WRITE = timedelta(hours=1)
BLOB_KEY = re.compile(r"[0-9a-f]{32}-[0-9a-f]{64}")


class Clock:
    """How much earlier than it is `now` says that it is, in this process. Ids follow, but they only
    grow, so it may not go back further: the demo alone sets it, before its first record, and then
    with less and less.
    """

    set_back = timedelta()


def now() -> datetime:
    """The current time in UTC, cut to the millisecond: MongoDB keeps no more."""
    time = datetime.now(UTC) - Clock.set_back
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def is_ahead(time: datetime, tolerance: timedelta = CLOCK_TOLERANCE) -> bool:
    """Whether a stored time lies further in the future than clocks may differ: a clock that was
    wrong wrote it. What counts from it would count for as long as that clock was ahead.
    """
    return time > now() + tolerance


class _Ids:
    """Strictly increasing numbers, even if the clock goes back.

    The upper bits are the time in milliseconds, the lower 80 bits are random.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        with self._lock:
            fresh = int(now().timestamp() * 1000) << 80 | secrets.randbits(80)
            if fresh >> 80 <= self._last >> 80:
                fresh = self._last + 1 + secrets.randbits(64)
            self._last = fresh
            return fresh


_ids = _Ids()


def new_id() -> str:
    """32 hex digits that sort by creation time.

    Ids of one process sort exactly. Ids that two processes create in the same millisecond can sort
    in either order.
    """
    return f"{_ids.next():032x}"


def new_id_after(earlier: str | None) -> str:
    """A new id that sorts after this one, whatever the clocks of this process and of the one that
    made it say. Only its time may then be wrong.
    """
    fresh = new_id()
    if earlier is None or fresh > earlier:
        return fresh
    return f"{int(earlier, 16) + 1 + secrets.randbits(64):032x}"


def made_at(identifier: str) -> datetime:
    """When `new_id` made this identifier. Also accepts a blob key, which starts with one."""
    return datetime.fromtimestamp(int(identifier[:12], 16) / 1000, UTC)


def first_id_at(time: datetime) -> str:
    """The lowest id that `new_id` can make at this time."""
    return f"{int(time.timestamp() * 1000) << 80:032x}"


def new_blob_key(data: bytes) -> str:
    """A new key, also for bytes that are already stored: two patients never share a blob.

    The key is an id and the SHA-256 of the bytes.
    """
    return f"{new_id()}-{hashlib.sha256(data).hexdigest()}"


def require_blob_key(key: str) -> str:
    """Return the key. Raises ValueError if its form is wrong."""
    if not BLOB_KEY.fullmatch(key):
        raise ValueError("not a blob key")
    return key


def verified_blob(key: str, data: bytes) -> bytes:
    """Return the data. Raises BlobDamaged if it does not match the checksum in the key."""
    if hashlib.sha256(data).hexdigest() != key.partition("-")[2]:
        raise BlobDamaged
    return data
