"""Identifiers, blob keys and the clock of the store."""

import hashlib
import re
import secrets
from datetime import UTC, datetime

from skinapi.errors import BlobDamaged

BLOB_KEY = re.compile(r"[0-9a-f]{32}-[0-9a-f]{64}")


def now() -> datetime:
    """The time in UTC, to the millisecond: what both stores can keep."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def new_id() -> str:
    """32 hex digits that sort by the time of making, with 80 random bits behind."""
    return f"{int(now().timestamp() * 1000):012x}{secrets.token_hex(10)}"


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
