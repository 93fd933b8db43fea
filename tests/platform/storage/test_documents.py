from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skinapi.base.errors import Duplicate
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Documents, Filter, Ops

NOON = datetime(2026, 5, 4, 12, 0, 0, 123000, tzinfo=UTC)
PAST, FUTURE = now() - timedelta(seconds=1), now() + timedelta(hours=1)
WHOLE = {
    "id": "a",
    "text": "ñ 🩺 \u202e \u2028 \x01 \t \\ \" ' ; --",
    "whole": 2**63 - 1,
    "least": -(2**63),
    "real": 0.1,
    "yes": True,
    "no": False,
    "made_at": NOON,
    "list": [1, "two", None, [3.5], {"four": 4}],
    "dict": {"a": {"b": False, "seen_at": NOON}, "Über": {"left_at": None}, "": [], "_id": 2},
    "empty": "",
}


def keep(documents: Documents, *kept: Document) -> None:
    for document in kept:
        documents.insert(document)


def keep_values(documents: Documents, *values: Any) -> None:
    keep(documents, *({"id": chr(97 + place), "n": n} for place, n in enumerate(values)))


def found(documents: Documents, filter: Filter | None = None, **how: Any) -> str:
    return "".join(document["id"] for document in documents.find(filter, **how))


def test_a_document_comes_back_as_it_was_whole_or_some_of_its_fields(documents: Documents) -> None:
    keep(documents, WHOLE, {"id": "b"})
    assert documents.get("a") == WHOLE
    for name in WHOLE.keys() - {"id"}:
        assert documents.find(fields=[name]) == [{"id": "a", name: WHOLE[name]}, {"id": "b"}]
    assert documents.find(fields=["yes"])[0]["yes"] is True
    some = documents.find({"id": "a"}, fields=["dict.a.b", "real", "dict.a.seen_at", "made_at"])
    inner = {"b": False, "seen_at": NOON}
    assert some == [{"id": "a", "real": 0.1, "dict": {"a": inner}, "made_at": NOON}]
    lacking = ["dict.x", "dict.a.b.c", "list.c", "real.m", "x"]
    assert documents.find(fields=lacking) == documents.find(fields=[]) == [{"id": "a"}, {"id": "b"}]


def test_none_is_the_same_as_a_missing_field_and_what_is_not_there_is_none(
    documents: Documents,
) -> None:
    assert documents.get("a") is None
    assert documents.find() == []
    assert (documents.count(), documents.count_by("n"), documents.delete({})) == (0, {}, 0)
    keep_values(documents, None, 0, "")
    assert documents.get("a") == {"id": "a"}
    assert found(documents, {"n": None}) == "a"
    assert found(documents, {"n": {"$ne": None}}) == "bc"
    assert found(documents, {"n": {"$in": [None, 0]}}) == "ab"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (2.0, "b"),
        ({"$ne": 2}, "acde"),
        ({"$in": [1, 3, "x"]}, "acd"),
        ({"$in": []}, ""),
        ({"$gt": 1}, "bc"),
        ({"$gte": 2}, "bc"),
        ({"$lt": 2.5}, "ab"),
        ({"$lte": 1}, "a"),
        ({"$gt": 1, "$ne": 3}, "b"),
    ],
)
def test_each_comparison_finds_what_it_says(
    documents: Documents, condition: Any, expected: str
) -> None:
    keep_values(documents, 1, 2, 3, "x", None)
    assert found(documents, {"n": condition}) == expected
    assert documents.count({"n": condition}) == len(expected)


def test_pages_by_key_neither_skip_nor_repeat(documents: Documents) -> None:
    ids = sorted(new_id() for _ in range(7))
    keep(documents, *({"id": i, "even": n % 2 == 0} for n, i in enumerate(ids)))
    pages, last = [], None
    while page := documents.find(after=last, limit=3):
        pages.append([document["id"] for document in page])
        last = pages[-1][-1]
    assert pages == [ids[:3], ids[3:6], ids[6:]]
    assert [d["id"] for d in documents.find(sort="-id", after=ids[3])] == ids[2::-1]
    assert [d["id"] for d in documents.find({"even": True}, after=ids[2])] == [ids[4], ids[6]]


def test_an_update_answers_the_first_by_id_as_it_became(documents: Documents) -> None:
    keep(documents, {"id": "b", "n": 1, "gone": "x", "kept": [1]}, {"id": "c", "n": 1})
    ops: Ops = {
        "$set": {"new": "y"},
        "$inc": {"n": 2, "fresh": 5},
        "$unset": {"gone": True, "never": ""},
    }
    became = {"id": "b", "n": 3, "fresh": 5, "new": "y", "kept": [1]}
    assert documents.update({"n": 1}, ops) == became
    assert documents.update({"id": "b", "n": 1}, ops) is None
    assert documents.find() == [became, {"id": "c", "n": 1}]
    assert documents.update({"id": "c"}, {"$set": {"n": 0.5}})
    assert documents.update({"id": "c"}, {"$inc": {"n": -1}}) == {"id": "c", "n": -0.5}


def test_an_upsert_makes_or_changes_the_document_of_its_equalities(documents: Documents) -> None:
    wanted: Filter = {"id": "a", "kind": "x", "n": 1}
    ops: Ops = {"$inc": {"n": 1, "m": 1}, "$set": {"list": [1]}, "$unset": {"kind": True}}
    assert documents.update(wanted, ops, upsert=True) == {"id": "a", "n": 2, "m": 1, "list": [1]}
    with pytest.raises(Duplicate):
        documents.update(wanted, ops, upsert=True)
    assert documents.update({"id": "a"}, {"$set": {"n": 3}}, upsert=True)
    assert documents.find() == [{"id": "a", "n": 3, "m": 1, "list": [1]}]


def test_an_id_and_a_unique_key_are_taken_once(documents: Documents) -> None:
    documents.ensure_index("n", unique=True)
    kept: list[Document] = [{"id": "a", "n": "x"}, {"id": "b"}, {"id": "c"}, {"id": "d", "n": 1}]
    keep(documents, *kept)
    for refused in ({"id": "a", "n": "y"}, {"id": "e", "n": "x"}, {"id": "e", "n": 1.0}):
        with pytest.raises(Duplicate):
            documents.insert(refused)
    with pytest.raises(Duplicate):
        documents.update({"id": "b"}, {"$set": {"n": "x"}})
    with pytest.raises(Duplicate):
        documents.update({"id": "e", "n": "x"}, {"$set": {"m": 1}}, upsert=True)
    with pytest.raises(Duplicate):
        documents.insert_many([{"id": "a", "n": "z"}])
    assert documents.find() == kept
    documents.delete({"id": "a"})
    keep(documents, {"id": "e", "n": "x"}, {"id": "f", "n": "X"}, {"id": "g", "n": "1"})


def test_a_compound_unique_key_binds_those_that_have_it_whole(documents: Documents) -> None:
    documents.ensure_index("owner", "key", unique=True)
    for identifier, owner, key in (("a", "o", "k"), ("b", "o", "l"), ("c", "p", "k")):
        documents.insert({"id": identifier, "owner": owner, "key": key})
    keep(documents, {"id": "d", "owner": "o"}, {"id": "e", "owner": "o"})
    with pytest.raises(Duplicate):
        documents.insert({"id": "f", "owner": "o", "key": "k"})


def test_an_index_is_ensured_as_often_as_one_likes_in_one_way(documents: Documents) -> None:
    for _ in range(2):
        documents.ensure_index("email", unique=True)
        documents.ensure_index("owner", "id")
        documents.expire_by("expires_at")
    with pytest.raises(ValueError):
        documents.ensure_index("email")
    keep(documents, {"id": "a", "name": "x"}, {"id": "b", "name": "x"})
    with pytest.raises(Duplicate):
        documents.ensure_index("name", unique=True)
    for value in (["x"], {"x": 1}):
        with pytest.raises(ValueError):
            documents.insert({"id": "c", "owner": value})
        with pytest.raises(ValueError):
            documents.update({"id": "a"}, {"$set": {"owner": value}})


def test_what_has_expired_is_gone_at_once_and_blocks_no_unique_key(documents: Documents) -> None:
    documents.expire_by("expires_at")
    documents.ensure_index("key", unique=True)
    # The expired one is the last: SQLite deletes what has expired before it inserts.
    for identifier, moment in (("b", FUTURE), ("c", None), ("a", PAST)):
        documents.insert({"id": identifier, "expires_at": moment, "key": identifier, "kind": "x"})
    assert documents.get("a") is None
    assert found(documents) == found(documents, {"id": {"$in": ["a", "b", "c"]}}) == "bc"
    assert found(documents, {"expires_at": {"$lte": PAST}}) == found(documents, {"key": "a"}) == ""
    assert (documents.count(), documents.count_by("kind")) == (2, {"x": 2})
    assert documents.update({"id": "a"}, {"$set": {"kind": "y"}}) is None
    documents.insert({"id": "d", "key": "a", "expires_at": PAST})
    assert documents.update({"id": "c"}, {"$set": {"key": "a", "expires_at": PAST}})
    assert documents.update({"id": "c"}, {"$inc": {"n": 1}}, upsert=True) == {"id": "c", "n": 1}
