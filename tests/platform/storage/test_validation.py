"""What every store refuses with a ValueError, before anything is stored."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest

from skinapi.platform.storage.ports import Documents, Filter

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
BAD_TEXTS = ["a\0b", "\ud800", "x\udfff"]
BAD_VALUES: list[Any] = [
    *BAD_TEXTS,
    2**63,
    -(2**63) - 1,
    math.nan,
    math.inf,
    b"bytes",
    {1, 2},
    (1, 2),
    NOON,
    object(),
    [b"bytes"],
    [NOON],
    {"a\0b": 1},
    {"$a": 1},
    {1: 1},
    {"a": {"b": math.nan}},
    {"a_at": "a text"},
]
BAD_TIMES: list[Any] = [
    "2026-05-04",
    1,
    True,
    datetime(2026, 5, 4),  # noqa: DTZ001 (a time of no zone is what is refused)
    NOON.astimezone(timezone(timedelta(hours=2))),
    NOON.replace(microsecond=1),
]
BAD_NAMES = ["", "_id", "$set", "a.b", "A", "1a", "a b", "a'", 'a"', "é", "a\0", "a\n"]
BAD_FILTERS: list[dict[str, Any]] = [
    *({name: 1} for name in BAD_NAMES),
    *({"n": value} for value in BAD_VALUES),
    *({"n": {"$gt": text}} for text in BAD_TEXTS),
    *({"made_at": time} for time in BAD_TIMES),
    {"n": [1]},
    {"n": {}},
    {"n": {"plain": 1}},
    {"n": {"$near": 1}},
    {"n": {"$not": {"$gt": 1}}},
    {"n": {"$eq": 1}},
    {"n": {"$gt": 1, "$where": "x"}},
    {"n": {"$gt": None}},
    {"n": {"$lte": True}},
    {"n": {"$ne": [1]}},
    {"n": {"$in": "abc"}},
    {"n": {"$in": (1, 2)}},
    {"n": {"$in": [[1]]}},
    {"n": {"$in": [{"$gt": 1}]}},
    {"n": {"$in": list(range(10_001))}},
    {"n": {"$exists": True}},
    {"n": {"$regex": "a"}},
    {"id": 1},
    {"id": True},
    {"id": {"$gt": 1}},
    {"$or": [{"n": 1}]},
    {"$and": [{"n": 1}]},
    {"$where": "1"},
]
BAD_OPS: list[dict[str, Any]] = [
    {},
    {"$set": {}},
    {"n": 1},
    {"$push": {"n": 1}},
    {"$set": {"n": None}},
    {"$set": {"id": "b"}},
    {"$unset": {"id": True}},
    {"$set": {"n": 1}, "$inc": {"n": 1}},
    {"$inc": {"n": 1.5}},
    {"$inc": {"n": True}},
    {"$inc": {"n": "1"}},
    {"$inc": {"n": 2**63}},
    {"$inc": {"made_at": 1}},
    *({"$set": {name: 1}} for name in BAD_NAMES),
    *({"$unset": {name: 1}} for name in BAD_NAMES),
    *({"$set": {"n": value}} for value in BAD_VALUES),
    *({"$set": {"made_at": time}} for time in BAD_TIMES),
]


def deep(levels: int) -> Any:
    return {"n": deep(levels - 1)} if levels else [1]


def refused(documents: Documents, *acts: Callable[[], object]) -> None:
    for act in acts:
        with pytest.raises(ValueError):
            act()
    assert documents.find() == [{"id": "kept", "n": 1}]


@pytest.fixture
def kept(documents: Documents) -> Documents:
    """A store with one document, which no breach may change."""
    documents.insert({"id": "kept", "n": 1})
    return documents


def test_unknown_filter_operators_are_refused_by_every_method(kept: Documents) -> None:
    ops = {"$set": {"n": 2}}
    for bad in BAD_FILTERS:
        refused(
            kept,
            partial(kept.find, bad),
            partial(kept.count, bad),
            partial(kept.count_by, "n", bad),
            partial(kept.update, bad, ops),
            partial(kept.update, {"id": "kept", **bad}, ops, upsert=True),
            partial(kept.delete, bad),
        )


def test_unknown_update_operators_are_refused(kept: Documents) -> None:
    for bad in BAD_OPS:
        refused(
            kept,
            partial(kept.update, {"id": "kept"}, bad),
            partial(kept.update, {"id": "new"}, bad, upsert=True),
        )


def test_documents_that_one_store_could_not_keep_are_refused_by_all(kept: Documents) -> None:
    bad: list[dict[str, Any]] = [
        {},
        {"n": 1},
        {"id": None},
        {"id": 1},
        *({"id": text} for text in BAD_TEXTS),
        *({"id": "a", name: 1} for name in BAD_NAMES),
        *({"id": "a", "n": value} for value in BAD_VALUES),
        *({"id": "a", "made_at": time} for time in BAD_TIMES),
        {"id": "a", "n": deep(32)},
    ]
    for document in bad:
        refused(kept, partial(kept.insert, document))


def test_nesting_has_a_limit(documents: Documents) -> None:
    documents.insert({"id": "a", "n": deep(31)})
    assert documents.get("a") == {"id": "a", "n": deep(31)}


def test_a_document_larger_than_mongodb_takes_is_refused(real_documents: Documents) -> None:
    large = "x" * (17 * 2**20)
    real_documents.insert({"id": "a"})
    with pytest.raises(ValueError):
        real_documents.insert({"id": "b", "n": large})
    with pytest.raises(ValueError):
        real_documents.update({"id": "a"}, {"$set": {"n": large}})
    assert real_documents.find() == [{"id": "a"}]


@pytest.mark.parametrize("identifier", [*BAD_TEXTS, 1, None, ["a"], {"$gt": ""}])
def test_ids_are_texts(documents: Documents, identifier: Any) -> None:
    with pytest.raises(ValueError):
        documents.get(identifier)
    if identifier is not None:
        with pytest.raises(ValueError):
            documents.find(after=identifier)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_are_plain_words(kept: Documents, name: str) -> None:
    refused(
        kept,
        lambda: kept.ensure_index(name),
        lambda: kept.ensure_index("n", name, unique=True),
        lambda: kept.expire_by(name),
        lambda: kept.count_by(name),
        lambda: kept.find(sort=f"-{name}"),
        lambda: kept.find(fields=[f"-{name}"]),
    )


def test_invalid_listings_are_refused(kept: Documents) -> None:
    refused(
        kept,
        lambda: kept.find(limit=-1),
        lambda: kept.find(limit=2**31),
        lambda: kept.find(sort="n", after="a"),
        lambda: kept.find(fields=["id"]),
        lambda: kept.find(fields=["n", "n"]),
        lambda: kept.find(fields=["n.m", "x", "n"]),
        lambda: kept.find(sort="--id"),
        lambda: kept.find(sort="a.b"),
        lambda: kept.expire_by("n"),
        lambda: kept.count_by("made_at"),
    )


@pytest.mark.parametrize(
    "bad", [{}, {"n": 1}, {"id": None}, {"id": "a", "n": None}, {"id": "a", "n": {"$gt": 1}}]
)
def test_an_upsert_names_an_id_and_equalities(kept: Documents, bad: Filter) -> None:
    refused(kept, lambda: kept.update(bad, {"$set": {"m": 1}}, upsert=True))
