"""Documents as both stores take them: the closed subset of filters, updates and values, the
selection of fields, and their JSON, which SQLite and backups use.

Both stores check here first, so that neither accepts what the other would refuse. A violation is a
programming error: all checks raise ValueError.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

from skinapi.platform.storage.ports import Document, Documents, Filter, Ops

NAME = re.compile(r"[a-z][a-z0-9_]*")
# NUL ends a text in some SQL functions; half a surrogate pair cannot be encoded in UTF-8.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
COMPARISONS = {"$ne", "$in", "$gt", "$gte", "$lt", "$lte"}
OPERATORS = {"$set", "$inc", "$unset"}
# The integers of BSON and of SQLite.
INTEGERS = range(-(2**63), 2**63)
DEEPEST = 32
MOST_CHOICES = 10_000
MOST_LISTED = 2**31 - 1
LARGEST_DOCUMENT = 16 * 2**20
WALKED_AT_ONCE = 100
# The field that keeps the text of a document that is no JSON.
UNREADABLE = "unreadable_text"


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A stored time, or a whole document, that cannot be parsed. No record accepts it, so reading
    the record fails and names it. It is written back unchanged.
    """

    stored: Any


def require_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"not a name: {name!r}")
    return name


def require_expiry(field: str) -> None:
    if not require_name(field).endswith("_at"):
        raise ValueError("a document expires by a time")


def require_id(identifier: Any) -> str:
    if not isinstance(identifier, str):
        raise ValueError("an id is a text")
    _require_text("id", identifier)
    return identifier


def require_text_field(field: str) -> str:
    if require_name(field).endswith("_at"):
        raise ValueError(f"{field} is a time, not a text")
    return field


def checked_filter(filter: Filter | None) -> Filter:
    for field, condition in (filter or {}).items():
        require_name(field)
        if not isinstance(condition, dict):
            _require_operand(field, condition)
            continue
        if not condition or not condition.keys() <= COMPARISONS:
            raise ValueError(f"unknown comparison in {sorted(condition)}")
        for word, operand in condition.items():
            if word != "$in":
                _require_operand(field, operand)
                if word != "$ne" and isinstance(operand, bool | None):
                    raise ValueError(f"{word} takes a number, a text or a time")
                continue
            if not isinstance(operand, list) or len(operand) > MOST_CHOICES:
                raise ValueError(f"$in takes a list of at most {MOST_CHOICES}")
            for item in operand:
                _require_operand(field, item)
    return filter or {}


def _require_operand(field: str, value: Any) -> None:
    if isinstance(value, dict | list):
        raise ValueError("a filter compares with plain values only")
    if field == "id":
        require_id(value)
    elif value is not None:
        require_value(field, value)


def require_ops(ops: Ops, indexed: Set[str] = frozenset()) -> None:
    if not ops.keys() <= OPERATORS:
        raise ValueError(f"unknown operator in {sorted(ops)}")
    changed = [field for changes in ops.values() for field in changes]
    if not changed or len(set(changed)) < len(changed) or "id" in changed:
        raise ValueError("an update touches fields, each once, and never the id")
    for word, changes in ops.items():
        for field, value in changes.items():
            require_name(field)
            if word == "$inc" and (isinstance(value, bool) or not isinstance(value, int)):
                raise ValueError("$inc takes a whole number")
            if word == "$set" and value is None:
                raise ValueError("to remove a field, $unset it")
            if word != "$unset":
                require_value(field, value)
    require_plain_values(ops.get("$set", {}), indexed)


def require_plain_values(document: Document, indexed: Set[str]) -> None:
    """Each store would index a list or a dict differently."""
    for field in indexed & document.keys():
        if isinstance(document[field], list | dict):
            raise ValueError(f"{field} is indexed and holds plain values only")


def require_upsert(filter: Filter) -> Document:
    if "id" not in filter or any(isinstance(v, dict | list | None) for v in filter.values()):
        raise ValueError("an upsert's filter is equalities, the id among them")
    return dict(filter)


def checked_document(document: Document, indexed: Set[str] = frozenset()) -> Document:
    require_id(document.get("id"))
    kept = {field: value for field, value in document.items() if value is not None}
    for field, value in kept.items():
        require_name(field)
        require_value(field, value)
    require_plain_values(kept, indexed)
    return kept


def require_value(name: str, value: Any, depth: int = 0) -> None:
    if isinstance(value, Unparsed):  # of a damaged record, in a backup that is restored
        return
    if name.endswith("_at") != isinstance(value, datetime):
        raise ValueError(f"{name}: fields ending in _at are times, and no others")
    match value:  # most frequent first: a finding has two hundred values
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{name}: not a finite number")
        case str():
            _require_text(name, value)
        case datetime():
            if value.utcoffset() != timedelta(0) or value.microsecond % 1000:
                raise ValueError(f"{name}: a time is UTC, to the millisecond")
        case bool() | None:
            pass
        case int():
            if value not in INTEGERS:
                raise ValueError(f"{name}: beyond 64 bits")
        case list() | dict():
            _require_nested(name, value, depth + 1)
        case _:
            raise ValueError(f"{name}: a {type(value).__name__} cannot be kept")


def _require_nested(name: str, value: list[Any] | Document, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"{name}: nested deeper than {DEEPEST}")
    if isinstance(value, list):
        for item in value:
            if type(item) is not float or not math.isfinite(item):  # a heat map is of floats
                require_value("item", item, depth)
        return
    for key, item in value.items():
        if not isinstance(key, str) or key.startswith("$"):
            raise ValueError(f"{name}: a key is a text that does not start with $")
        _require_text(name, key)
        if item is not None:
            require_value(key, item, depth)


def _require_text(name: str, text: str) -> None:
    if UNSTORABLE.search(text):
        raise ValueError(f"{name}: text with NUL or half a surrogate pair")


def ordering(sort: str, after: str | None) -> tuple[str, bool]:
    field = require_name(sort.removeprefix("-"))
    if after is not None:
        require_id(after)
        if field != "id":
            raise ValueError("only a listing sorted by id continues after one")
    return field, sort.startswith("-")


def require_listing(limit: int | None, fields: Sequence[str] | None) -> None:
    """A field is a path such as `finding.stated`. No field may be nested in another one."""
    if limit is not None and not 0 <= limit <= MOST_LISTED:
        raise ValueError(f"a limit is between 0 and {MOST_LISTED}")
    for path in fields or ():
        for name in path.split("."):
            require_name(name)
        if path == "id":
            raise ValueError("the id is always there")
    # The dot after each path keeps `find` from being taken for a parent of `finding`.
    ordered = sorted(f"{path}." for path in fields or ())
    if any(below.startswith(above) for above, below in pairwise(ordered)):
        raise ValueError("each field is asked for once")


def pick_fields(document: Document, fields: Sequence[str]) -> Document:
    values = []
    for path in fields:
        value: Any = document
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        values.append(value)
    return build_document(document["id"], fields, values)


def build_document(identifier: str, fields: Sequence[str], values: Iterable[Any]) -> Document:
    document: Document = {"id": identifier}
    for path, value in zip(fields, values, strict=True):
        if value is not None:
            inner, name = document, path
            while "." in name:
                parent, _, name = name.partition(".")
                inner = inner.setdefault(parent, {})
            inner[name] = value
    return document


def merged(listings: Iterable[list[Document]], *, sort: str = "id", limit: int) -> list[Document]:
    """Merge listings, each with the first `limit` of its own matches sorted by `sort`, without
    duplicates.

    Neither store reliably uses an index for an OR ("by this account or about it"): it may read and
    sort every match. Two listings with a limit cost two index lookups.
    """
    field = sort.removeprefix("-")
    by_id = {document["id"]: document for listing in listings for document in listing}
    ordered = sorted(by_id.values(), key=lambda document: (document[field], document["id"]))
    if sort.startswith("-"):
        ordered.reverse()
    return ordered[:limit]


def walk_by_id(
    documents: Documents,
    wanted: Filter | None = None,
    *,
    sort: Literal["id", "-id"] = "id",
    after: str | None = None,
    fields: Sequence[str] | None = None,
) -> Iterator[Document]:
    """The documents are read in pages, so the caller may delete them meanwhile."""
    while found := documents.find(
        wanted, sort=sort, after=after, limit=WALKED_AT_ONCE, fields=fields
    ):
        yield from found
        after = found[-1]["id"]


def walk_values(documents: Documents, field: str) -> Iterator[str]:
    value = ""
    while found := documents.find({field: {"$gt": value}}, sort=field, limit=1, fields=(field,)):
        value = found[0][field]
        yield value


def stored_value(value: Any) -> Any:
    """A value as SQLite compares it. Times become text of fixed width, which sorts like the
    times.
    """
    if isinstance(value, Unparsed):
        return value.stored
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return value


_ENCODER = json.JSONEncoder(default=stored_value, ensure_ascii=False, separators=(",", ":"))


def to_json(value: Any) -> str:
    return require_size(_ENCODER.encode(value))


def require_size(text: str) -> str:
    if len(text) > LARGEST_DOCUMENT:
        raise ValueError("a document is at most 16 MiB, as in MongoDB; larger things are blobs")
    return text


def from_json(text: str) -> Any:
    # The hook is called for each dict in the text. Without times it would take most of the time.
    return json.loads(text, object_hook=_with_times if '_at":' in text else None)


def _with_times(fields: dict[str, Any]) -> dict[str, Any]:
    for name, value in fields.items():
        if name.endswith("_at") and value is not None:
            fields[name] = read_time(value)
    return fields


def read_document(identifier: str, text: str | bytes) -> Document:
    try:
        read = from_json(text if isinstance(text, str) else text.decode())
    except ValueError:
        read = None
    if isinstance(read, dict) and read.get("id") == identifier:
        return read
    kept = text if isinstance(text, str) else text.decode(errors="replace")
    return {"id": identifier, UNREADABLE: Unparsed(kept)}


def read_time(stored: Any) -> datetime | Unparsed:
    try:
        return datetime.fromisoformat(stored).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return Unparsed(stored)


class OpenTransaction:
    """As in MongoDB, an error in any call ends the transaction, even if the caller catches it."""

    def __init__(self) -> None:
        self._failure: Exception | None = None

    @contextmanager
    def noted_failure(self) -> Iterator[None]:
        self.raise_failure()
        try:
            yield
        except Exception as error:
            self._failure = error
            raise

    def raise_failure(self) -> None:
        if self._failure:
            raise self._failure
