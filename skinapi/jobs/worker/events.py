"""Events that a job's process sends to its worker: lines of JSON, cleaned and bounded before they
are stored. The process runs foreign code, so nothing of it is trusted.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from skinapi.storage.documents.port_rules import INTEGERS
from skinapi.storage.ids import now

LONGEST_LINE = 256 * 1024
LONGEST_RESULT = 64 * 1024
LONGEST_TEXT, LONGEST_MESSAGE = 2_000, 300
LONGEST_CELL = 100  # of metrics: a document of the store has at most 16 MB
MOST_ROWS, MOST_COLUMNS = 1_000, 24
DEEPEST = 8
MOST_ITEMS = 1_000
# As in the store: no NUL, no halves of surrogate pairs; and no control characters in a line.
UNPRINTABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
COLUMN = re.compile(r"[a-z][a-z0-9_]{0,39}")
CODE = re.compile(r"[a-z][a-z_]{0,59}")
Row = dict[str, Any]


class EventReader:
    """Cuts what was read from the pipe into events. A line that is no event is left out."""

    def __init__(self) -> None:
        self._rest = b""
        self._skips = False  # within a line that is too long

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            skipped, self._skips = self._skips, False
            if not skipped and (event := _parsed(line)) is not None:
                yield event
        if len(self._rest) > LONGEST_LINE:
            self._rest, self._skips = b"", True


def _parsed(line: bytes) -> dict[str, Any] | None:
    if len(line) > LONGEST_LINE:
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def clean_text(value: object, longest: int = LONGEST_TEXT) -> str:
    return UNPRINTABLE.sub(" ", str(value))[:longest].strip()


def clean_code(value: object) -> str | None:
    """The code of an error, or None where it is none."""
    return value if isinstance(value, str) and CODE.fullmatch(value) else None


def clean_progress(value: object) -> float | None:
    """A percentage from 0 to 100, or None where it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(min(100, max(0, value)))  # bounded first: an int of 400 digits is no float


def with_row(rows: tuple[Row, ...], values: object) -> list[Row]:
    """The rows of metrics and one more, with the time of its arrival. No more than MOST_ROWS."""
    if not isinstance(values, Mapping):
        return list(rows)
    row = {
        name: _scalar(value, LONGEST_CELL)
        for name, value in list(values.items())[:MOST_COLUMNS]
        if COLUMN.fullmatch(str(name)) and not str(name).endswith(("_at", "timestamp"))
    }
    row["timestamp"] = now().isoformat(timespec="milliseconds")
    epoch = row.get("epoch")
    kept = list(rows)
    if isinstance(epoch, int | float):
        kept = [old for old in kept if not _is_from(old, epoch)]
    return [*kept, row][:MOST_ROWS]


def _is_from(row: Row, epoch: float) -> bool:
    value = row.get("epoch")
    return isinstance(value, int | float) and value >= epoch


def clean_result(value: object) -> dict[str, Any]:
    """What a handler returned, as the store can keep it. Raises ValueError where it is too large or
    no dict.
    """
    if not isinstance(value, Mapping):
        raise ValueError("the result is no dict")
    result: dict[str, Any] = _storable(value, 0)
    if len(json.dumps(result)) > LONGEST_RESULT:
        raise ValueError(f"the result has more than {LONGEST_RESULT} bytes")
    return result


def _storable(value: object, depth: int) -> Any:
    if isinstance(value, Mapping | list) and (depth > DEEPEST or len(value) > MOST_ITEMS):
        raise ValueError("the result has too many values or levels")
    if isinstance(value, Mapping):
        # The store reads a field `…_at` as a time, and `$` as the beginning of an operator.
        return {
            clean_text(name): _storable(item, depth + 1)
            for name, item in value.items()
            if not clean_text(name).endswith("_at") and not clean_text(name).startswith("$")
        }
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    return _scalar(value)


def _scalar(value: object, longest: int = LONGEST_TEXT) -> Any:
    """The store keeps no infinite number and no integer beyond 64 bits."""
    if isinstance(value, bool | None):
        return value
    if isinstance(value, int):
        return value if value in INTEGERS else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return clean_text(value, longest)
