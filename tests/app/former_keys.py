from datetime import date, datetime
from typing import Literal

from skinapi.model.bands import urgency
from skinapi.model.conditions import Band
from skinapi.platform.storage.ports import Document


def make_awaited_key(awaited: Literal["result", "photo"], since: datetime, number: int) -> str:
    kind = {"result": "10", "photo": "11"}[awaited]
    return f"{kind}{int(since.timestamp() * 1000):013d}{number:016d}"


def make_due_key(day: date, number: int) -> str:
    return f"{day:%Y%m%d}{number:016d}"


def make_waiting_key(band: Band, malignant_score: float, since: datetime, number: int) -> str:
    place = 999 - min(int(malignant_score * 800), 799)
    return f"0{urgency(band)}{place}{int(since.timestamp()):010d}{number:016d}"


def make_reviewed_key(decided: Band, since: datetime, number: int) -> str:
    return f"1{urgency(decided)}{int(since.timestamp() * 1000):013d}{number:016d}"


def make_queue_key(finding: Document) -> str:
    band, since = Band(finding["level"]["urgency"]), finding["created_at"]
    if finding.get("queued_at") is None:
        return make_reviewed_key(band, since, finding["number"])
    score = finding["finding"]["malignant_score"]
    return make_waiting_key(band, score, since, finding["number"])
