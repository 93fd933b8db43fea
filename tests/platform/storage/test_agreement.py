import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from skinapi.base.errors import Duplicate
from skinapi.platform.storage.ports import Documents, Filter, Ops
from skinapi.platform.stores.mongo_store import MongoStore
from skinapi.platform.stores.sqlite_store import SqliteStore
from tests.support.size import size

PAST, FUTURE = datetime(2001, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
ids = st.sampled_from(["a", "b", "c", "d", "é", "🩺"])
whole = st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1)
real = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-1.0, 0.5, 1.0, 2.0])
texts = st.sampled_from(["", "1", "x", "X", "xy", "true", "[]", "{}", "[1]"]) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6
)
times = st.datetimes(timezones=st.just(UTC)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)
)
few_texts = st.sampled_from(["x", "y", "z"])
plain = st.none() | st.booleans() | whole | real | texts
nested = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
).filter(lambda value: "_at" not in str(value) and "$" not in str(value))

# `mixed` holds anything and is only filtered; what is sorted by or indexed holds one type.
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "mixed": nested,
    "email": few_texts,
    "owner": few_texts,
    "key": few_texts,
    "rank": whole | real,
    "name": texts,
    "flag": st.booleans(),
    "made_at": times,
    "expires_at": st.sampled_from([PAST, FUTURE]),
}
SORTS = ["id", "rank", "name", "flag", "made_at", "email"]
sorts = st.sampled_from([way + field for way in ("", "-") for field in SORTS])
names = st.sampled_from(sorted(FIELDS))
# Here and there a breach of the port, which both must refuse.
breaches = st.sampled_from([{"$near": 1}, {"$gt": None}, {"$in": "x"}, [1], {}, "\0", 2**63])


def values_of(field: str) -> st.SearchStrategy[Any]:
    return plain if field == "mixed" else FIELDS[field]


def conditions(field: str) -> st.SearchStrategy[Any]:
    value = values_of(field)
    ordered = value.filter(lambda v: not isinstance(v, bool | None))
    words = {
        "$ne": value | st.none(),
        "$in": st.lists(value | st.none(), max_size=4),
    }
    if field != "flag":
        words |= dict.fromkeys(("$gt", "$gte", "$lt", "$lte"), ordered)
    compared = st.fixed_dictionaries({}, optional=words).filter(bool)
    usual = value | st.none() | compared
    return st.integers(0, 40).flatmap(lambda n: breaches if n == 0 else usual)


def mappings(of: Callable[[str], st.SearchStrategy[Any]], most: int) -> st.SearchStrategy[Any]:
    fields = st.lists(names, max_size=most, unique=True)
    return fields.flatmap(lambda chosen: st.fixed_dictionaries({f: of(f) for f in chosen}))


filters = st.tuples(mappings(conditions, 2), st.none() | ids).map(
    lambda parts: parts[0] if parts[1] is None else {**parts[0], "id": parts[1]}
)
equalities = mappings(values_of, 2)
documents = st.builds(
    lambda identifier, fields: {"id": identifier, **fields},
    ids,
    mappings(lambda field: FIELDS[field] | st.none(), 6),
)
operators = st.fixed_dictionaries(
    {},
    optional={
        "$set": mappings(lambda field: FIELDS[field], 3),
        "$inc": st.dictionaries(st.sampled_from(["rank", "mixed", "name"]), whole, max_size=2),
        "$unset": st.dictionaries(names, st.just(True), max_size=2),
    },
)


def prepared(documents: Documents) -> Documents:
    documents.ensure_index("email", unique=True)
    documents.ensure_index("owner", "key", unique=True)
    documents.ensure_index("rank")
    documents.expire_by("expires_at")
    return documents


def answer(act: Callable[[Documents], object], side: Documents) -> str:
    """Return the answer as text in which 1, 1.0 and true differ, and an error by its kind."""
    try:
        return json.dumps(act(side), default=str, sort_keys=True)
    except (Duplicate, ValueError) as error:
        return Duplicate.__name__ if isinstance(error, Duplicate) else ValueError.__name__


class SideBySide(RuleBasedStateMachine):
    def __init__(self, left: Documents, right: Documents) -> None:
        super().__init__()
        self.sides = (left, right)
        for side in self.sides:
            side.delete({})

    def agree(self, act: Callable[[Documents], object]) -> None:
        left, right = (answer(act, side) for side in self.sides)
        assert left == right, f"{left}\n{right}"

    @rule(document=documents)
    def insert(self, document: dict[str, Any]) -> None:
        self.agree(lambda side: side.insert(document))

    @rule(identifier=ids)
    def get(self, identifier: str) -> None:
        self.agree(lambda side: side.get(identifier))

    @rule(filter=filters, sort=sorts, limit=st.none() | st.integers(-1, 4))
    def find(self, filter: Filter, sort: str, limit: int | None) -> None:
        self.agree(lambda side: side.find(filter, sort=sort, limit=limit))

    @rule(filter=filters, after=ids, sort=st.sampled_from(["id", "-id", "rank"]))
    def page(self, filter: Filter, after: str, sort: str) -> None:
        self.agree(lambda side: side.find(filter, sort=sort, after=after, limit=2))

    @rule(fields=st.lists(names, unique=True))
    def find_fields(self, fields: list[str]) -> None:
        self.agree(lambda side: side.find(fields=fields))

    @rule(filter=filters)
    def count(self, filter: Filter) -> None:
        self.agree(lambda side: side.count(filter))

    @rule(field=names, filter=filters)
    def count_by(self, field: str, filter: Filter) -> None:
        self.agree(lambda side: side.count_by(field, filter))

    @rule(filter=filters, ops=operators)
    def update(self, filter: Filter, ops: Ops) -> None:
        self.agree(lambda side: side.update(filter, ops))

    @rule(identifier=ids, ops=operators)
    def update_one(self, identifier: str, ops: Ops) -> None:
        self.agree(lambda side: side.update({"id": identifier}, ops))

    @rule(identifier=ids, filter=equalities, ops=operators)
    def upsert(self, identifier: str, filter: Filter, ops: Ops) -> None:
        self.agree(lambda side: side.update({**filter, "id": identifier}, ops, upsert=True))

    @rule(filter=filters)
    def delete(self, filter: Filter) -> None:
        self.agree(lambda side: side.delete(filter))

    def teardown(self) -> None:
        self.agree(lambda side: side.find())


@pytest.mark.timeout(size(120, 1_200))
def test_sqlite_and_mongodb_agree(sqlite: SqliteStore, mongo_database_uri: str) -> None:
    with closing(MongoStore.at(mongo_database_uri)) as mongo:
        sides = [prepared(store.collection("things")) for store in (sqlite, mongo)]
        run_state_machine_as_test(
            lambda: SideBySide(*sides),  # type: ignore[arg-type]  # it takes a factory too
            settings=settings(
                max_examples=size(10, 500),
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
