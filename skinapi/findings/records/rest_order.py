"""The key by which an index sorts findings that rest. It is made of digits, in the transaction of
what changed it:

    1 photo kept, 0 none · 1 reviewed, 0 not · milliseconds since then (13) · number
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from skinapi.findings.records.stored_finding import URGENT, StoredFindingRow
from skinapi.findings.status.spot import awaits_result

# Of a finding with a photo, and of one without.
WITH_PHOTO, WITHOUT = "1", "0"


def make_rest_key(photo: bool, reviewed: bool, since: datetime, number: int | None = None) -> str:
    """Make the key of what rests; without a number, what rests longer sorts before it."""
    key = f"{photo:d}{reviewed:d}{int(since.timestamp() * 1000):013d}"
    return key if number is None else f"{key}{number:016d}"


def rest_keys(case: Sequence[StoredFindingRow]) -> dict[str, str | None]:
    """Return the key of each finding of a spot. It rests since something last happened with it.
    None while a result is awaited or an urgent finding waits for a review: it must not go before
    somebody has done that.
    """
    spot = case[0].spot
    urgent = any(item.queued_at and item.level.urgency is URGENT for item in spot.findings)
    if urgent or awaits_result(spot):
        return dict.fromkeys(item.id for item in case)
    decided = [item.decision.decided_at for item in case if item.decision]
    since = max((*decided, *(item.newest.judged_at for item in case)))
    closed = not spot.is_open
    return {item.id: make_rest_key(bool(item.photos), closed, since, item.number) for item in case}


def resting_since(key: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(key[2:15]) / 1000, UTC) if key else None


def rests_reviewed(key: str) -> bool:
    return key[1] == "1"


def rest_without_photo(key: str | None) -> str | None:
    return key and f"{WITHOUT}{key[1:]}"
