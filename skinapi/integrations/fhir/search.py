"""Reads the parameters of a search. https://hl7.org/fhir/R4/search.html

An unknown parameter or modifier is refused: if it were ignored, a search for one patient would
return everybody. Only a parameter that shapes the answer is ignored, and the answer says so.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from skinapi.base.errors import InvalidQuery
from skinapi.findings.records.changed_findings import ALWAYS, TimeSpan
from skinapi.integrations.fhir.elements import ORDERS, Resource, own_system
from skinapi.integrations.fhir.kinds import BASED_ON, BY_ORDER, Kind, Param

MOST_ENTRIES, ENTRIES = 200, 50
MOST_IDS, MOST_PARAMETERS, LONGEST_VALUE = 50, 50, 500
NO_SYSTEM = "name the system of the number too, as system|value"
AFTER, COUNT, SORT = "_after", "_count", "_sort"
# They have no effect here: all answers are whole resources in JSON.
WITHOUT_EFFECT = ("_format", "_pretty")
# They do not select resources, but change their form or order.
SHAPING = ("_sort", "_summary", "_elements", "_total", "_include", "_revinclude", "_contained")
PREFIXES = ("eq", "gt", "ge", "lt", "le", "sa", "eb")
DATE = re.compile(
    r"(?P<prefix>[a-z]{2})?(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<part>\d{1,9}))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
CURSOR = re.compile(r"(\d{1,14})~([0-9a-f]{0,33})~([0-9a-f]{0,33})~(\d{1,6})", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: after `behind`. If the first item there is still `key`, its first `sent`
    resources were on the last page. `complete_until` is that of the first page.
    """

    complete_until: datetime
    behind: str = ""
    key: str = ""
    sent: int = 0

    def __str__(self) -> str:
        moment = round((self.complete_until - EPOCH) / MILLISECOND)
        return f"{moment}~{self.behind}~{self.key}~{self.sent}"

    @classmethod
    def read(cls, text: str) -> Self:
        parts = CURSOR.fullmatch(text)
        if parts is None:
            raise InvalidQuery(f"{AFTER}: follow the link `next` of a page, and make none yourself")
        moment, behind, key, sent = parts.groups()
        return cls(EPOCH + int(moment) * MILLISECOND, behind, key, int(sent))


@dataclass(frozen=True)
class TokenFilter:
    param: Param
    tokens: tuple[tuple[str | None, str], ...]

    def matches(self, resource: Resource) -> bool:
        return any(
            (code in ("", held_code)) and (system is None or system == held_system)
            for held_system, held_code in _tokens_of(resource.get(self.param.path or ""))
            for system, code in self.tokens
        )


@dataclass(frozen=True)
class DateFilter:
    param: Param
    span: TimeSpan

    def matches(self, resource: Resource) -> bool:
        told = resource.get(self.param.path or "")
        return isinstance(told, str) and self.span.holds(datetime.fromisoformat(told))


@dataclass(frozen=True)
class Search:
    kind: Kind
    ids: tuple[str, ...] | None = None
    identifiers: tuple[tuple[str | None, str], ...] | None = None
    orders: tuple[tuple[str | None, str], ...] | None = None
    patient: str | None = None
    span: TimeSpan = ALWAYS
    filters: tuple[TokenFilter | DateFilter, ...] = ()
    count: int = ENTRIES
    newest_first: bool = False
    cursor: Cursor | None = None
    used: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()

    def matches(self, resource: Resource) -> bool:
        return all(chosen.matches(resource) for chosen in self.filters)


def read_search(kind: Kind, sent: Sequence[tuple[str, str]], *, base: str) -> Search:
    if len(sent) > MOST_PARAMETERS:
        raise InvalidQuery(f"A search has at most {MOST_PARAMETERS} parameters")
    search = Search(kind)
    for name, value in sent:
        if len(value) > LONGEST_VALUE or not value.isprintable():
            raise InvalidQuery(f"{name[:60]}: this value is too long, or not text")
        known = _read_one(search, name, value, base)
        if known is None and name.partition(":")[0] not in SHAPING:
            raise InvalidQuery(f"{name[:60]}: this server does not search {kind.name} by that")
        if known is None:
            search = replace(search, ignored=(*search.ignored, name[:60]))
        else:
            used = (*known.used, *(((name, value),) if name != AFTER else ()))
            search = replace(known, used=used)
    return search


def _read_one(search: Search, name: str, value: str, base: str) -> Search | None:
    if name in WITHOUT_EFFECT:
        return search
    if name == COUNT:
        return replace(search, count=_read_count(value))
    if name == AFTER:
        return replace(search, cursor=Cursor.read(value))
    if name == SORT and search.kind.dated and value in ("_lastUpdated", "-_lastUpdated"):
        return replace(search, newest_first=value.startswith("-"))
    if name == BY_ORDER and search.kind.param(BASED_ON.name) and value:
        read = tuple(map(_read_token, _split(name, value)))
        if not all(system for system, _ in read):
            raise InvalidQuery(f"{name}: {NO_SYSTEM}")
        return replace(search, orders=_both(search.orders, read))
    param = search.kind.param(name)
    if param is None or not value:
        return search if param else None
    if name == "_id":
        return replace(search, ids=_both(search.ids, _split(name, value)))
    if name == "identifier":
        read = tuple(map(_read_token, _split(name, value)))
        return replace(search, identifiers=_both(search.identifiers, read))
    if param == BASED_ON:
        told = (_id_of(reference, "ServiceRequest", base) for reference in _split(name, value))
        read = tuple((own_system(ORDERS), number) for number in told)
        return replace(search, orders=_both(search.orders, read))
    if param.type == "reference":
        return replace(search, patient=_read_patient(search.patient, name, value, base))
    if param.type == "date" and param.path is None:
        return replace(search, span=_within(search.span, read_span(name, value)))
    if param.type == "date":
        chosen: DateFilter | TokenFilter = DateFilter(param, read_span(name, value))
    else:
        chosen = TokenFilter(param, tuple(map(_read_token, _split(name, value))))
    return replace(search, filters=(*search.filters, chosen))


def _both(before: tuple[Any, ...] | None, read: tuple[Any, ...]) -> tuple[Any, ...]:
    return read if before is None else tuple(value for value in before if value in read)


def _split(name: str, value: str) -> tuple[str, ...]:
    parts = tuple(dict.fromkeys(part for part in value.split(",") if part))
    if len(parts) > MOST_IDS:
        raise InvalidQuery(f"{name}: at most {MOST_IDS} values")
    return parts


def _read_token(text: str) -> tuple[str | None, str]:
    system, bar, code = text.rpartition("|")
    return (system if bar else None), code


def _read_count(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or len(value) > 9:
        raise InvalidQuery(f"{COUNT}: a whole number, please")
    return min(int(value), MOST_ENTRIES)


def _read_patient(before: str | None, name: str, value: str, base: str) -> str:
    if "," in value:
        raise InvalidQuery(f"{name}: one patient at a time")
    told = _id_of(value, "Patient", base)
    # No account has the id "-", so nothing matches.
    return told if before in (None, told) else "-"


def _id_of(reference: str, kind: str, base: str) -> str:
    return reference.removeprefix(f"{base}/").removeprefix(f"{kind}/")


def _within(one: TimeSpan, other: TimeSpan) -> TimeSpan:
    since = max(filter(None, [one.since, other.since]), default=None)
    until = min(filter(None, [one.until, other.until]), default=None)
    return TimeSpan(since=since, until=until)


def read_span(name: str, value: str) -> TimeSpan:
    """The range of a date with a prefix. Without a time zone it is UTC; a value with the precision
    of a day or second means all of it.
    """
    found = DATE.fullmatch(value)
    prefix = (found and found["prefix"]) or "eq"
    if found is None or prefix not in PREFIXES:
        raise InvalidQuery(
            f"{name}: a date such as 2026-11-26 or 2026-11-26T10:00:00Z, after "
            f"{', '.join(PREFIXES)} or nothing"
        )
    try:
        begin, end = _bounds(found)
    except (ValueError, OverflowError) as error:
        raise InvalidQuery(f"{name}: there is no such date") from error
    since = {"ge": begin, "eq": begin, "gt": end, "sa": end}.get(prefix)
    until = {"lt": begin, "eb": begin, "le": end, "eq": end}.get(prefix)
    return TimeSpan(since=since, until=until)


def _bounds(found: re.Match[str]) -> tuple[datetime, datetime]:
    year, month, day, hour, minute, second = (int(found[part] or least) for part, least in _PARTS)
    zone = datetime.strptime(found["zone"] or "Z", "%z").tzinfo
    part = int((found["part"] or "0").ljust(9, "0")[:3])
    local = datetime(year, month, day, hour, minute, second, part * 1000, tzinfo=zone)
    begin = local.astimezone(UTC)
    if begin.year < EPOCH.year:
        return EPOCH, EPOCH
    if found["part"]:
        return begin, begin + MILLISECOND
    if found["day"]:
        named = "second" if found["second"] else "minute" if found["minute"] else "day"
        return begin, begin + timedelta(**{_PLURALS[named]: 1})
    months = 1 if found["month"] else 12
    year, month = divmod(year * 12 + month - 1 + months, 12)
    return begin, begin.replace(year=year, month=month + 1)


_PARTS = (("year", 1), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))
_PLURALS = {"second": "seconds", "minute": "minutes", "day": "days"}


def _tokens_of(element: Any) -> Iterable[tuple[str, str]]:
    if isinstance(element, str):
        yield "", element
    elif isinstance(element, list):
        for item in element:
            yield from _tokens_of(item)
    elif isinstance(element, dict) and "coding" in element:
        yield from _tokens_of(element["coding"])
    elif isinstance(element, dict) and "code" in element:
        yield element.get("system", ""), element["code"]
