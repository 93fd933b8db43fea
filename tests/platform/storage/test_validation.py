import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest

from skinapi.platform.storage.ports import Documents

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
BAD_TEXTS = ["a\0b", "\ud800"]
BAD_VALUES: list[Any] = [
    *(
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
    ),
    *([b"bytes"], [NOON], {"a\0b": 1}, {"$a": 1}, {1: 1}, {"a": {"b": math.nan}}, {"a_at": "text"}),
]
BAD_TIMES: list[Any] = [
    *("2026-05-04", 1, True),
    datetime(2026, 5, 4),  # noqa: DTZ001 (a time of no zone is what is refused)
    NOON.astimezone(timezone(timedelta(hours=2))),
    NOON.replace(microsecond=1),
]
BAD_NAMES = ["", "_id", "$set", "a.b", "A", "1a", "a b", "a'", 'a"', "é", "a\0", "a\n"]
BAD_CONDITIONS: list[Any] = [
    *([1], {}, {"plain": 1}, {"$near": 1}, {"$not": {"$gt": 1}}, {"$gt": 1, "$where": "x"}),
    *({"$gt": None}, {"$lte": True}, {"$ne": [1]}, {"$exists": True}, {"$gt": BAD_TEXTS[0]}),
    *({"$in": "abc"}, {"$in": [[1]]}, {"$in": [{"$gt": 1}]}, {"$in": list(range(10_001))}),
]
BAD_FILTERS: list[dict[str, Any]] = [
    *({name: 1} for name in BAD_NAMES),
    *({"n": value} for value in (*BAD_VALUES, *BAD_CONDITIONS)),
    *({"made_at": time} for time in BAD_TIMES),
    *({"id": 1}, {"id": {"$gt": 1}}, {"$or": [{"n": 1}]}, {"$where": "1"}),
]
BAD_OPS: list[dict[str, Any]] = [
    *({}, {"$set": {}}, {"n": 1}, {"$push": {"n": 1}}, {"$set": {"n": None}}),
    *({"$set": {"id": "b"}}, {"$unset": {"id": True}}, {"$set": {"n": 1}, "$inc": {"n": 1}}),
    *({"$inc": {"n": step}} for step in (1.5, True, "1", 2**63)),
    *({word: {name: 1}} for word in ("$set", "$unset") for name in BAD_NAMES),
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
    documents.insert({"id": "kept", "n": 1})
    return documents


def test_unknown_filters_are_refused_by_every_method(kept: Documents) -> None:
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


def test_unknown_updates_are_refused(kept: Documents) -> None:
    for bad in BAD_OPS:
        refused(
            kept,
            partial(kept.update, {"id": "kept"}, bad),
            partial(kept.update, {"id": "new"}, bad, upsert=True),
        )
    # An upsert names an id and equalities.
    for wanted in ({"n": 1}, {"id": None}, {"id": "a", "n": None}, {"id": "a", "n": {"$ne": 1}}):
        refused(kept, partial(kept.update, wanted, {"$set": {"m": 1}}, upsert=True))


def test_documents_that_one_store_could_not_keep_are_refused_by_all(kept: Documents) -> None:
    bad: list[dict[str, Any]] = [
        *({"id": identifier} for identifier in (None, 1, *BAD_TEXTS)),
        *({"id": "a", name: 1} for name in BAD_NAMES),
        *({"id": "a", "n": value} for value in (*BAD_VALUES, deep(32), "x" * (17 * 2**20))),
        *({"id": "a", "made_at": time} for time in BAD_TIMES),
    ]
    for document in bad:
        refused(kept, partial(kept.insert, document))
    refused(kept, lambda: kept.update({"id": "kept"}, {"$set": {"n": "x" * (17 * 2**20)}}))
    kept.insert({"id": "a", "n": deep(31)})
    assert kept.get("a") == {"id": "a", "n": deep(31)}


def test_ids_are_texts_names_are_words_and_listings_are_ones_that_both_stores_have(
    kept: Documents,
) -> None:
    for identifier in (*BAD_TEXTS, 1, ["a"], {"$gt": ""}):
        refused(kept, partial(kept.get, identifier), partial(kept.find, after=identifier))  # type: ignore[arg-type]
    for name in BAD_NAMES:
        refused(
            kept,
            partial(kept.ensure_index, "n", name, unique=True),
            partial(kept.expire_by, name),
            partial(kept.count_by, name),
            partial(kept.find, sort=f"-{name}"),
            partial(kept.find, fields=[f"-{name}"]),
        )
    refused(
        kept,
        lambda: kept.find(limit=-1),
        lambda: kept.find(limit=2**31),
        lambda: kept.find(sort="n", after="a"),
        lambda: kept.find(fields=["id"]),
        lambda: kept.find(fields=["n", "n"]),
        lambda: kept.find(fields=["n.m", "x", "n"]),
        lambda: kept.expire_by("n"),
        lambda: kept.count_by("made_at"),
    )
