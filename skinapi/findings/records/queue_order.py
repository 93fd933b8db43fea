"""The keys by which an index sorts the findings of doctors' lists. An index can sort only by fields
of its own documents, so each finding holds them: digits, made by `make_keys` of visible_findings.py
in the transaction of what changed them.

    waiting   0 · rank of its band · place by the malignant score (3 digits) · seconds (10) · number
    reviewed  1 · rank of the decision's urgency · milliseconds (13) · number
    awaited   1 · 0 result, 1 photo · milliseconds since the decision (13) · number
    due       the day by which a doctor should have seen its spot (8) · number
    opinion   0 · milliseconds since an opinion or a dispute came (13) · number
    resting   1 photo kept, 0 none · 1 reviewed, 0 not · milliseconds since then (13) · number

The first two are the queue key.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self

from skinapi.model.bands import urgency
from skinapi.model.conditions import Band

# Keys of what waits sort before it, those of what was reviewed after it.
FIRST_REVIEWED = "1"
FIRST_PLACE = 200
STEPS = 800  # an eighth of a percent each; within one, who has waited longer comes first
# By what is waited for: the values of `WaitsFor`.
AWAITED = {"result": "10", "photo": "11"}
# Of a finding with a photo, and of one without.
WITH_PHOTO, WITHOUT = "1", "0"


def make_waiting_key(band: Band, malignant_score: float, since: datetime, number: int) -> str:
    place = FIRST_PLACE + STEPS - 1 - min(int(malignant_score * STEPS), STEPS - 1)
    return f"0{urgency(band)}{place}{int(since.timestamp()):010d}{number:016d}"


def make_opinion_key(came_at: datetime, number: int) -> str:
    return f"0{int(came_at.timestamp() * 1000):013d}{number:016d}"


def make_reviewed_key(decided: Band, since: datetime, number: int) -> str:
    return f"{FIRST_REVIEWED}{urgency(decided)}{int(since.timestamp() * 1000):013d}{number:016d}"


def make_awaited_key(awaited: str, since: datetime, number: int) -> str:
    return f"{awaited_since(awaited, since)}{number:016d}"


def awaited_since(awaited: str, since: datetime) -> str:
    """The keys of what was decided before sort before it."""
    return f"{AWAITED[awaited]}{int(since.timestamp() * 1000):013d}"


def awaited_range(awaited: str | None) -> tuple[str, str]:
    """The keys of what waits for this, or for anything, sort between these two."""
    first = AWAITED[awaited] if awaited else "1"
    return first, f"{int(first) + 1}"


def make_due_key(day: date | None, number: int) -> str | None:
    return f"{due_before(day)}{number:016d}" if day else None


def due_before(day: date) -> str:
    """The keys of earlier days sort before it."""
    return f"{day:%Y%m%d}"


def key_range(*, reviewed: bool, band: Band) -> tuple[str, str]:
    """The keys of this urgency sort between these two."""
    rank = urgency(band)
    return f"{reviewed:d}{rank}", f"{reviewed:d}{rank + 1}"


def band_of_key(key: str) -> Band:
    return tuple(Band)[int(key[1])]


@dataclass(frozen=True)
class Waiting:
    band: Band
    since: datetime
    number: int

    @classmethod
    def from_key(cls, key: str | None) -> Self | None:
        """Read a key; None for one of another kind."""
        if key is None or not key.startswith("0"):
            return None
        since = datetime.fromtimestamp(int(key[5:15]), UTC)
        return cls(band_of_key(key), since, int(key[15:]))


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
