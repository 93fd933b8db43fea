"""The key by which an index sorts findings that rest. It is made of digits, in the transaction of
what changed it:

    1 photo kept, 0 none · 1 reviewed, 0 not · milliseconds since then (13) · number
"""

from datetime import UTC, datetime

# Of a finding with a photo, and of one without.
WITH_PHOTO, WITHOUT = "1", "0"


def make_rest_key(photo: bool, reviewed: bool, since: datetime, number: int | None = None) -> str:
    """Make the key of what rests; without a number, what rests longer sorts before it."""
    key = f"{photo:d}{reviewed:d}{int(since.timestamp() * 1000):013d}"
    return key if number is None else f"{key}{number:016d}"


def resting_since(key: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(key[2:15]) / 1000, UTC) if key else None


def rests_reviewed(key: str) -> bool:
    return key[1] == "1"


def rest_without_photo(key: str | None) -> str | None:
    return key and f"{WITHOUT}{key[1:]}"
