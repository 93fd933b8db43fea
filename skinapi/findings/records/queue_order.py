"""The keys by which an index sorts the findings of doctors' lists. An index can sort only by fields
of its own documents, so each finding holds them: digits, made by `make_keys` of visible_findings.py
in the transaction of what changed them.

    waiting   0 · rank of its band · place by the malignant score (3 digits) · seconds (10) · number
    reviewed  1 · rank of the decision's urgency · milliseconds (13) · number
    opinion   0 · milliseconds since an opinion or a dispute came (13) · number
    resting   1 photo kept, 0 none · 1 reviewed, 0 not · milliseconds since then (13) · number

The first two are the queue key.
"""

from datetime import UTC, datetime

from skinapi.model.bands import urgency
from skinapi.model.conditions import Band

# Keys of what waits sort before it, those of what was reviewed after it.
FIRST_REVIEWED = "1"
FIRST_PLACE = 200
STEPS = 800  # an eighth of a percent each; within one, who has waited longer comes first
# Of a finding with a photo, and of one without.
WITH_PHOTO, WITHOUT = "1", "0"


def make_waiting_key(band: Band, malignant_score: float, since: datetime, number: int) -> str:
    place = FIRST_PLACE + STEPS - 1 - min(int(malignant_score * STEPS), STEPS - 1)
    return f"0{urgency(band)}{place}{int(since.timestamp()):010d}{number:016d}"


def make_opinion_key(came_at: datetime, number: int) -> str:
    return f"0{int(came_at.timestamp() * 1000):013d}{number:016d}"


def make_reviewed_key(decided: Band, since: datetime, number: int) -> str:
    return f"{FIRST_REVIEWED}{urgency(decided)}{int(since.timestamp() * 1000):013d}{number:016d}"


def key_range(*, reviewed: bool, band: Band) -> tuple[str, str]:
    """The keys of this urgency sort between these two."""
    rank = urgency(band)
    return f"{reviewed:d}{rank}", f"{reviewed:d}{rank + 1}"


def band_of_key(key: str) -> Band:
    return tuple(Band)[int(key[1])]


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
