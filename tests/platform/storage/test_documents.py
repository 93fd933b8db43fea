"""What every store promises of its documents: to keep them, find them, count them, drop them."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest

from skinapi.base.errors import Duplicate
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Documents, Filter, Store

NOON = datetime(2026, 5, 4, 12, 0, 0, 123000, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"


def keep(documents: Documents, *kept: Document) -> None:
    for document in kept:
        documents.insert(document)


def found(documents: Documents, filter: Filter | None = None, **how: Any) -> str:
    return "".join(document["id"] for document in documents.find(filter, **how))


def test_a_document_comes_back_as_it_was(documents: Documents) -> None:
    document = {
        "id": "a",
        "text": "ñ 🩺 \u202e \u2028 \x01 \t \\ \" ' ; --",
        "whole": 2**63 - 1,
        "least": -(2**63),
        "real": 0.1,
        "yes": True,
        "no": False,
        "made_at": NOON,
        "list": [1, "two", None, [3.5], {"four": 4}],
        "dict": {"a.b": 1, "Über": {"seen_at": NOON, "left_at": None}, "": [], "id": 1, "_id": 2},
        "empty": "",
        "photo_blob": "key",
    }
    documents.insert(document)
    assert documents.get("a") == document


@pytest.mark.parametrize("year", [1, 999, 1969, 9999])
def test_times_of_any_year_come_back_and_compare(documents: Documents, year: int) -> None:
    time = NOON.replace(year=year)
    keep(documents, {"id": "a", "made_at": time}, {"id": "b", "made_at": NOON})
    assert documents.get("a") == {"id": "a", "made_at": time}
    assert found(documents, {"made_at": time}) == "a"
    assert found(documents, sort="made_at") == ("ab" if year < 2026 else "ba")


def test_some_fields_come_back_as_they_were_and_the_others_stay_behind(
    documents: Documents,
) -> None:
    document = {
        "id": "a",
        "text": "ñ 🩺 \u2028 \x01 \" ' ; --",
        "whole": 2**63 - 1,
        "real": 0.1,
        "yes": True,
        "made_at": NOON,
        "list": [1, "two", None, {"four": 4}],
        "dict": {"a": {"b": False, "seen_at": NOON}, "c": [], "left_at": None},
    }
    keep(documents, document, {"id": "b"})
    for name in document.keys() - {"id"}:
        whole = {"id": "a", name: document[name]}
        assert documents.find(fields=[name]) == [whole, {"id": "b"}]
    assert documents.find(fields=["yes"])[0]["yes"] is True
    found = documents.find({"id": "a"}, fields=["dict.a.b", "real", "dict.a.seen_at", "made_at"])
    inner = {"b": False, "seen_at": NOON}
    assert found == [{"id": "a", "real": 0.1, "dict": {"a": inner}, "made_at": NOON}]


def test_a_field_that_is_not_there_is_left_out(documents: Documents) -> None:
    keep(documents, {"id": "a", "dict": {"b": 1}, "list": [{"c": 1}], "n": 1})
    wanted = ["dict.x", "dict.b.c", "list.c", "n.m", "x"]
    assert documents.find(fields=wanted) == documents.find(fields=[]) == [{"id": "a"}]


def test_what_is_handed_out_is_a_copy(documents: Documents) -> None:
    document: Document = {"id": "a", "list": [1]}
    documents.insert(document)
    document["list"] = 2
    documents.get("a")["list"].append(2)  # type: ignore[index]
    assert documents.get("a") == {"id": "a", "list": [1]}


def test_an_enumerated_text_is_kept_as_its_text(documents: Documents) -> None:
    documents.insert({"id": "a", "colour": Colour.RED})
    assert documents.get("a") == {"id": "a", "colour": "red"}
    assert found(documents, {"colour": Colour.RED}) == "a"


def test_none_is_the_same_as_a_missing_field(documents: Documents) -> None:
    keep(documents, {"id": "a", "n": None}, {"id": "b", "n": 0}, {"id": "c", "n": ""})
    assert documents.get("a") == {"id": "a"}
    assert found(documents, {"n": None}) == "a"
    assert found(documents, {"n": {"$ne": None}}) == "bc"
    assert found(documents, {"n": {"$in": [None, 0]}}) == "ab"


def test_an_id_is_taken_once(documents: Documents) -> None:
    documents.insert({"id": "a", "n": 1})
    with pytest.raises(Duplicate):
        documents.insert({"id": "a", "n": 2})
    assert documents.get("a") == {"id": "a", "n": 1}


def test_what_is_not_there_is_none(documents: Documents) -> None:
    assert documents.get("a") is None
    assert documents.find() == []
    assert documents.count() == 0
    assert documents.count_by("n") == {}
    assert documents.delete({}) == 0


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (2, "b"),
        (2.0, "b"),
        ({"$ne": 2}, "acde"),
        ({"$in": [1, 3, "x"]}, "acd"),
        ({"$in": []}, ""),
        ({"$gt": 1}, "bc"),
        ({"$gte": 2}, "bc"),
        ({"$lt": 2.5}, "ab"),
        ({"$lte": 1}, "a"),
        ({"$gt": 1, "$lt": 3}, "b"),
        ({"$gt": 1, "$ne": 3}, "b"),
        ({"$ne": None}, "abcd"),
    ],
)
def test_each_comparison_finds_what_it_says(
    documents: Documents, condition: Any, expected: str
) -> None:
    values: list[Any] = [1, 2, 3, "x", None]
    keep(documents, *({"id": i, "n": n} for i, n in zip("abcde", values, strict=True)))
    assert found(documents, {"n": condition}) == expected
    assert documents.count({"n": condition}) == len(expected)


def test_in_takes_thousands(documents: Documents) -> None:
    keep(documents, {"id": "a", "n": 7}, {"id": "b", "n": "7"}, {"id": "c"})
    assert found(documents, {"n": {"$in": list(range(10_000))}}) == "a"
    assert found(documents, {"id": {"$in": ["a", "c", *map(str, range(5_000))]}}) == "ac"
    assert found(documents, {"n": {"$in": ["7", None]}}) == "bc"


def test_values_of_another_type_never_match(real_documents: Documents) -> None:
    values: list[Any] = [True, 1, "1", 1.0, "true", [1], {"one": 1}]
    keep(real_documents, *({"id": i, "n": n} for i, n in zip("abcdefg", values, strict=True)))
    assert found(real_documents, {"n": True}) == "a"
    assert found(real_documents, {"n": 1}) == "bd"
    assert found(real_documents, {"n": "1"}) == "c"
    assert found(real_documents, {"n": {"$gte": 0}}) == "bd"
    assert found(real_documents, {"n": {"$gte": ""}}) == "ce"
    assert found(real_documents, {"n": {"$in": [True, "1"]}}) == "ac"
    assert found(real_documents, {"n": {"$ne": 1}}) == "aceg"


def test_a_list_matches_nothing(documents: Documents) -> None:
    keep(documents, {"id": "a", "n": ["x", None, 5]}, {"id": "b", "n": "x"}, {"id": "c"})
    assert found(documents, {"n": "x"}) == "b"
    assert found(documents, {"n": None}) == "c"
    assert found(documents, {"n": {"$ne": "y"}}) == "bc"
    assert found(documents, {"n": {"$gt": 1}}) == ""
    assert found(documents, {"n": {"$in": ["x", 5]}}) == "b"
    assert found(documents, {"n": '["x",null,5]'}) == ""
    assert documents.count_by("n") == {"x": 1}


def test_a_listing_sorts_both_ways_with_ties_by_id(documents: Documents) -> None:
    keep(documents, *({"id": i, "n": n} for i, n in zip("abcd", [2, 1, 2, None], strict=True)))
    assert found(documents) == "abcd"
    assert found(documents, sort="-id") == "dcba"
    assert found(documents, sort="n") == "dbac"
    assert found(documents, sort="-n") == "cabd"


def test_texts_sort_by_code_point_and_booleans_false_first(documents: Documents) -> None:
    keep(
        documents, *({"id": i, "n": n} for i, n in zip("abcd", ["é", "z", "Z", "🩺"], strict=True))
    )
    assert found(documents, sort="n") == "cbad"
    documents.delete({})
    keep(documents, {"id": "a", "n": True}, {"id": "b", "n": False})
    assert found(documents, sort="n") == "ba"


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
    assert documents.find({"id": ids[0]}, after=ids[0]) == []


def test_limits_are_kept(documents: Documents) -> None:
    keep(documents, {"id": "a"}, {"id": "b"})
    assert [found(documents, limit=limit) for limit in (0, 1, 2, 3, None)] == ["", "a", *["ab"] * 3]


def test_times_compare_as_times(documents: Documents) -> None:
    times = [NOON + timedelta(milliseconds=n) for n in (-1, 0, 1)]
    keep(documents, *({"id": i, "made_at": at} for i, at in zip("abc", times, strict=True)))
    assert found(documents, {"made_at": NOON}) == "b"
    assert found(documents, {"made_at": {"$lt": NOON}}) == "a"
    assert found(documents, {"made_at": {"$gte": NOON}}, sort="-made_at") == "cb"
    assert found(documents, {"made_at": {"$in": [NOON]}}) == "b"


def test_counting_by_a_field_counts_its_texts(documents: Documents) -> None:
    values: list[Any] = ["x", "y", "x", None, 1, True, ["x"], {"x": 1}]
    keep(documents, *({"id": str(i), "n": n, "odd": i % 2} for i, n in enumerate(values)))
    assert documents.count_by("n") == {"x": 2, "y": 1}
    assert documents.count_by("n", {"odd": 0}) == {"x": 2}
    assert documents.count_by("id", {"n": "x"}) == {"0": 1, "2": 1}


def test_deleting_takes_every_match_and_says_how_many(documents: Documents) -> None:
    keep(documents, *({"id": i, "n": n % 2} for n, i in enumerate("abcde")))
    assert documents.delete({"n": 1}) == 2
    assert documents.delete({"n": 1}) == 0
    assert found(documents) == "ace"
    assert documents.delete({}) == 3


def test_collections_are_apart_and_listed(store: Store) -> None:
    store.collection("ones").insert({"id": "a"})
    store.collection("twos").insert({"id": "a", "n": 2})
    store.blobs.put(b"bytes")  # which is no collection of documents
    assert store.collection("ones").get("a") == {"id": "a"}
    assert store.collections() == ["ones", "twos"]
    assert store.collection("ones") is store.collection("ones")


def test_a_store_that_is_there_answers_a_ping(store: Store) -> None:
    store.ping()


def test_the_clock_ticks_in_milliseconds_that_every_store_keeps(documents: Documents) -> None:
    time = now()
    documents.insert({"id": "a", "made_at": time})
    assert documents.find({"made_at": {"$lte": time}}) == [{"id": "a", "made_at": time}]
