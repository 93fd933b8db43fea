"""Every query that the application sends, with sample values: one a line of known_queries.jsonl, as
the tests' recorder saw it. tests/storage/test_queries.py has both stores explain each.

A test that sees another query writes its line, and fails; look at the line and keep it. If a store
then scans or sorts, it is the index that is missing. `exempt`, which one adds by hand, says why a
query may read a whole collection. The lines of a function that no longer asks are deleted by hand.
"""

import fcntl
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from skinapi.storage.ports import Document
from tests.stores.queries import Query

LINES = Path(__file__).with_suffix(".jsonl")
ID, OTHER = "0" * 31 + "1", "0" * 31 + "2"
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
A_DATE = {"$date": MOMENT.isoformat()}
OPS = {"$set": {"touched": True}}
DIGITS = re.compile(r"[0-9a-f]{32}")


def read_known(lines: str) -> list[Query]:
    """The only dates are MOMENT."""
    return [
        Query(**json.loads(line, object_hook=lambda read: MOMENT if read == A_DATE else read))
        for line in lines.splitlines()
    ]


def add_known(queries: Iterable[Query]) -> None:
    """Write the lines of these queries. Other processes may do so at the same time."""
    with LINES.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = file.read()
        listed = {query.shape for query in read_known(before)}
        added = [_line(query) for query in queries if query.shape not in listed]
        file.seek(0)
        file.write("\n".join(sorted([*before.splitlines(), *added])) + "\n")


def _line(query: Query) -> str:
    options = {name: _sample(value) for name, value in query.options.items() if value is not None}
    options.pop("fields", None)
    if "ops" in options:
        options["ops"] = OPS
    row: Document = {
        "sender": query.sender,
        "collection": query.collection,
        "method": query.method,
        "filter": {name: _sample(value) for name, value in query.filter.items()},
        "options": options,
    }
    kept = {name: value for name, value in row.items() if value}
    return json.dumps(kept, ensure_ascii=False, default=lambda _: A_DATE)


def _sample(value: Any) -> Any:
    """The same for every run, and short."""
    if isinstance(value, dict):
        return {word: _sample(inner) for word, inner in value.items()}
    if isinstance(value, list | tuple):
        return [ID, OTHER] if value and _sample(value[0]) == ID else list(value[:2])
    return DIGITS.sub(ID, value) if isinstance(value, str) else value


KNOWN = read_known(LINES.read_text())
SHAPES = {query.shape for query in KNOWN}
