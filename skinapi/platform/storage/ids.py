import hashlib
import re
import secrets
import threading
from datetime import UTC, datetime, timedelta

from skinapi.base.errors import BlobDamaged

# A draft, or a blob without a record, that is older was left by an interrupted write.
LONGEST_WRITE = timedelta(hours=1)
BLOB_KEY = re.compile(r"[0-9a-f]{32}-[0-9a-f]{64}")


class Clock:
    """The offset by which `now` is in the past. Only the demo sets it, and only lowers it."""

    set_back = timedelta()


def now() -> datetime:
    """The current time in UTC, truncated to the milliseconds that MongoDB stores."""
    time = datetime.now(UTC) - Clock.set_back
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


class _Ids:
    """Strictly increasing, even if the clock is set back: milliseconds, then 80 random bits."""

    lock = threading.Lock()
    last = 0


def new_id() -> str:
    """Make an id: 32 hex digits that sort by creation time, strictly so within one process."""
    with _Ids.lock:
        fresh = int(now().timestamp() * 1000) << 80 | secrets.randbits(80)
        if fresh >> 80 <= _Ids.last >> 80:
            fresh = _Ids.last + 1 + secrets.randbits(64)
        _Ids.last = fresh
        return f"{fresh:032x}"


def new_id_after(earlier: str | None) -> str:
    fresh = new_id()
    if earlier is None or fresh > earlier:
        return fresh
    return f"{int(earlier, 16) + 1 + secrets.randbits(64):032x}"


def made_at(identifier: str) -> datetime:
    return datetime.fromtimestamp(int(identifier[:12], 16) / 1000, UTC)


def first_id_at(time: datetime) -> str:
    """The lowest id of this time. Ids are only as accurate as the clock of their process: they
    never decrease, so after a clock was ahead they stay ahead until the true time has caught up. To
    decide by time, use a stored time.
    """
    return f"{int(time.timestamp() * 1000) << 80:032x}"


def new_blob_key(data: bytes) -> str:
    """An id and the SHA-256 of the bytes. Two patients with the same bytes never share a blob."""
    return f"{new_id()}-{hashlib.sha256(data).hexdigest()}"


def require_blob_key(key: str) -> str:
    if not BLOB_KEY.fullmatch(key):
        raise ValueError("not a blob key")
    return key


def verified_blob(key: str, data: bytes) -> bytes:
    if hashlib.sha256(data).hexdigest() != key.partition("-")[2]:
        raise BlobDamaged
    return data
