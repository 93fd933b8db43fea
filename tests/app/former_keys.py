"""The keys by which release 2.0.0 sorted what was awaited, and visits."""

from datetime import date, datetime
from typing import Literal


def make_awaited_key(awaited: Literal["result", "photo"], since: datetime, number: int) -> str:
    kind = {"result": "10", "photo": "11"}[awaited]
    return f"{kind}{int(since.timestamp() * 1000):013d}{number:016d}"


def make_due_key(day: date, number: int) -> str:
    return f"{day:%Y%m%d}{number:016d}"
